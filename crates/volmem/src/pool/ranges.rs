/// A set of offsets, kept as ranges `start..end` in ascending order that neither overlap nor touch.
///
/// A sorted vector: pools have few ranges, and they are searched far more often than changed.
#[derive(Debug, Default)]
pub(super) struct Ranges(Vec<(usize, usize)>);

impl Ranges {
    /// All offsets below `len`.
    pub(super) fn up_to(len: usize) -> Self {
        Self(vec![(0, len)])
    }

    /// The ranges.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, usize)> {
        self.0.iter().copied()
    }

    /// Their parts within `start..end`.
    pub(super) fn within(&self, start: usize, end: usize) -> impl Iterator<Item = (usize, usize)> {
        let first = self.0.partition_point(|range| range.1 <= start);
        self.0[first..]
            .iter()
            .take_while(move |range| range.0 < end)
            .map(move |range| (range.0.max(start), range.1.min(end)))
    }

    /// Adds `start..end`.
    pub(super) fn insert(&mut self, start: usize, end: usize) {
        if start >= end {
            return;
        }
        // All ranges that overlap or touch melt into one.
        let first = self.0.partition_point(|range| range.1 < start);
        let after = self.0.partition_point(|range| range.0 <= end);
        let melted = self.0[first..after]
            .iter()
            .fold((start, end), |sum, range| {
                (sum.0.min(range.0), sum.1.max(range.1))
            });
        self.0.splice(first..after, [melted]);
    }

    /// Takes `start..end` away, as far as it is there.
    pub(super) fn remove(&mut self, start: usize, end: usize) {
        if start >= end {
            return;
        }
        let first = self.0.partition_point(|range| range.1 <= start);
        let after = self.0.partition_point(|range| range.0 < end);
        if first >= after {
            return;
        }
        let before = (self.0[first].0, start);
        let behind = (end, self.0[after - 1].1);
        self.0.splice(
            first..after,
            [before, behind]
                .into_iter()
                .filter(|range| range.0 < range.1),
        );
    }

    /// Empties the set.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Ranges;

    proptest! {
        #[test]
        fn ranges_hold_what_a_plain_set_would_hold(steps in prop::collection::vec((any::<bool>(), 0usize..60, 0usize..20), 0..60)) {
            let (mut ranges, mut plain) = (Ranges::default(), [false; 80]);
            for (add, start, len) in steps {
                if add { ranges.insert(start, start + len) } else { ranges.remove(start, start + len) }
                plain[start..start + len].fill(add);
                let mut seen = [false; 80];
                for (from, to) in ranges.iter() {
                    prop_assert!(from < to);
                    // Ranges neither overlap nor touch: the byte before each is in none.
                    prop_assert!(from == 0 || !seen[from - 1]);
                    seen[from..to].fill(true);
                }
                prop_assert_eq!(seen, plain);
            }
            let within: usize = ranges.within(10, 40).map(|(from, to)| to - from).sum();
            prop_assert_eq!(within, plain[10..40].iter().filter(|held| **held).count());
        }
    }
}
