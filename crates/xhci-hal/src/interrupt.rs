/// The controller's interrupt vectors.
///
/// Each vector is taken once and then belongs to one thread, which waits on it and drains it; how, is the vector's own affair.
pub trait Interrupts {
    /// One vector.
    type Vector;

    /// How many vectors there are.
    fn count(&self) -> u16;

    /// Hands out vector `number`, once.
    fn take(&mut self, number: u16) -> Option<Self::Vector>;
}
