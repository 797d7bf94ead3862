/// What is wrong with a specification of a device or a controller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// There is nothing of that name.
    #[error("there is no {what} called `{given}`; there are {known}")]
    Unknown {
        /// What was looked for.
        what: &'static str,
        /// What was written.
        given: String,
        /// What there is.
        known: &'static str,
    },
    /// The value makes no sense.
    #[error("`{option}={value}` makes no sense; give {expected}")]
    BadValue {
        /// Which option.
        option: &'static str,
        /// What was written.
        value: String,
        /// What is possible.
        expected: &'static str,
    },
    /// An option without its value.
    #[error("`{option}` needs a value, as in `{option}=…`")]
    NoValue {
        /// Which option.
        option: &'static str,
    },
    /// A disk without bytes.
    #[error("a disk needs an image or a size: `disk:IMAGE`, `disk:size=64M,pattern`")]
    NoMedium,
    /// A disk with two media.
    #[error("a disk has either an image or a size; leave one out")]
    TwoMedia,
    /// Sizes are whole blocks.
    #[error(
        "a disk of {len} bytes cannot be divided into blocks of {block_size}; round the size up"
    )]
    OddSize {
        /// How many bytes.
        len: u64,
        /// The block size.
        block_size: u32,
    },
    /// Too large for memory.
    #[error("a disk of {len} bytes is too large for memory; add `pattern`, or give an image file")]
    TooLarge {
        /// How many bytes.
        len: u64,
    },
    /// The US layout has no such key.
    #[error("no key of a US keyboard types `{character}`; leave it out")]
    NoKey {
        /// Which character.
        character: char,
    },
}
