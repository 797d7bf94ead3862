/// A set of small numbers that is cheap to walk when few are in it: ports, interrupters, slots with work to do.
///
/// Numbers from `64 * WORDS` on are never members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BitSet<const WORDS: usize> {
    words: [u64; WORDS],
}

/// Ports and slots: 0 to 255.
pub(crate) type ByteSet = BitSet<4>;

/// Interrupters: 0 to 1023.
pub(crate) type InterrupterSet = BitSet<16>;

impl<const WORDS: usize> BitSet<WORDS> {
    pub(crate) const EMPTY: Self = Self { words: [0; WORDS] };

    pub(crate) fn insert(&mut self, number: u16) {
        if let Some(word) = self.words.get_mut(usize::from(number / 64)) {
            *word |= 1 << (number % 64);
        }
    }

    pub(crate) fn remove(&mut self, number: u16) {
        if let Some(word) = self.words.get_mut(usize::from(number / 64)) {
            *word &= !(1 << (number % 64));
        }
    }

    pub(crate) fn contains(&self, number: u16) -> bool {
        self.words
            .get(usize::from(number / 64))
            .is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::EMPTY;
    }

    /// The members in order. It walks a copy: the set may change meanwhile.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u16> + use<WORDS> {
        let words = self.words;
        (0_u16..).zip(words).flat_map(|(index, mut word)| {
            core::iter::from_fn(move || {
                let bit = u16::try_from(word.trailing_zeros())
                    .ok()
                    .filter(|bit| *bit < 64)?;
                word &= word - 1;
                Some(index * 64 + bit)
            })
        })
    }

    pub(crate) fn first(&self) -> Option<u16> {
        self.iter().next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn members_come_in_order_and_leave_again() {
        let mut set = ByteSet::EMPTY;
        for number in [255, 0, 64, 63, 3] {
            set.insert(number);
        }
        set.insert(256);
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 3, 63, 64, 255]);
        set.remove(0);
        set.remove(1000);
        assert_eq!(set.first(), Some(3));
        assert!(set.contains(255) && !set.contains(0) && !set.contains(256));
        set.clear();
        assert!(set.is_empty());
    }
}
