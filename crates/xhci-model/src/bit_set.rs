/// A set of small numbers that is cheap to walk when few are in it: ports, interrupters, slots with work to do.
///
/// Numbers from `64 * WORDS` on are never members; `WORDS` is at most 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BitSet<const WORDS: usize> {
    /// Bit n: word n is not zero.
    summary: u64,
    words: [u64; WORDS],
}

/// Ports and slots: 0 to 255.
pub(crate) type ByteSet = BitSet<4>;

/// Interrupters: 0 to 1023.
pub(crate) type InterrupterSet = BitSet<16>;

impl<const WORDS: usize> BitSet<WORDS> {
    pub(crate) const EMPTY: Self = Self {
        summary: 0,
        words: [0; WORDS],
    };

    pub(crate) fn insert(&mut self, number: u16) {
        let (index, bit) = place(number);
        if let Some(word) = self.words.get_mut(index) {
            *word |= 1 << bit;
            self.summary |= 1 << index;
        }
    }

    pub(crate) fn remove(&mut self, number: u16) {
        let (index, bit) = place(number);
        if let Some(word) = self.words.get_mut(index) {
            *word &= !(1 << bit);
            if *word == 0 {
                self.summary &= !(1 << index);
            }
        }
    }

    pub(crate) fn contains(&self, number: u16) -> bool {
        let (index, bit) = place(number);
        self.words
            .get(index)
            .is_some_and(|word| word >> bit & 1 == 1)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.summary == 0
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::EMPTY;
    }

    /// The first member.
    pub(crate) fn first(&self) -> Option<u16> {
        self.first_from_word(0)
    }

    /// The first member behind `last`.
    pub(crate) fn after(&self, last: u16) -> Option<u16> {
        let (index, bit) = place(last);
        let behind = self.words.get(index)? & (u64::MAX << bit << 1);
        if behind != 0 {
            return Some(number(index, behind));
        }
        self.first_from_word(index + 1)
    }

    /// The members in order. It walks a copy: the set may change meanwhile.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u16> + use<WORDS> {
        let set = *self;
        core::iter::successors(set.first(), move |last| set.after(*last))
    }

    fn first_from_word(&self, start: usize) -> Option<u16> {
        let start = u32::try_from(start).ok()?;
        let summary = self.summary & u64::MAX.checked_shl(start).unwrap_or(0);
        let index = usize::try_from(summary.trailing_zeros()).ok()?;
        let word = self.words.get(index)?;
        Some(number(index, *word))
    }
}

/// The word that a number is in, and its bit there.
fn place(number: u16) -> (usize, u16) {
    (usize::from(number / 64), number % 64)
}

/// The lowest number in a word that is not zero. Words are few, so nothing is lost.
fn number(index: usize, word: u64) -> u16 {
    let index = u16::try_from(index).unwrap_or(0);
    let bit = u16::try_from(word.trailing_zeros()).unwrap_or(0);
    index * 64 + bit
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
        assert_eq!(set.after(63), Some(64));
        assert_eq!(set.after(64), Some(255));
        assert_eq!(set.after(255), None);
        assert_eq!(set.after(9999), None);
        set.clear();
        assert!(set.is_empty());
        assert_eq!(set.first(), None);
    }

    #[test]
    fn a_set_whose_members_have_all_left_is_empty() {
        let mut set = InterrupterSet::EMPTY;
        set.insert(1023);
        assert_eq!(set.iter().collect::<Vec<_>>(), [1023]);
        set.remove(1023);
        assert!(set.is_empty());
    }
}
