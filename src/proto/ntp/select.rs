//! Which of several sources to believe (RFC 5905 11.2.1): one interval, and the sources that contradict it.

/// An interval that holds the host's offset, ns, host minus reference; `lo_ns <= hi_ns`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Lower end.
    pub lo_ns: i64,
    /// Upper end.
    pub hi_ns: i64,
}

impl Interval {
    /// `offset_ns`, give or take `error_ns`.
    pub fn around(offset_ns: i64, error_ns: i64) -> Self {
        let error_ns = error_ns.max(0);
        Self { lo_ns: offset_ns.saturating_sub(error_ns), hi_ns: offset_ns.saturating_add(error_ns) }
    }

    /// The estimate: the middle.
    pub fn mid_ns(self) -> i64 {
        self.lo_ns.midpoint(self.hi_ns)
    }

    /// How far off the estimate may be.
    pub fn error_ns(self) -> i64 {
        self.hi_ns.saturating_sub(self.mid_ns())
    }

    /// Upper end minus lower end.
    pub fn width_ns(self) -> i64 {
        self.hi_ns.saturating_sub(self.lo_ns)
    }

    /// What both hold; `None` when they contradict each other.
    pub fn intersection(self, other: Self) -> Option<Self> {
        let (lo_ns, hi_ns) = (self.lo_ns.max(other.lo_ns), self.hi_ns.min(other.hi_ns));
        (lo_ns <= hi_ns).then_some(Self { lo_ns, hi_ns })
    }

    fn hull(self, other: Self) -> Self {
        Self { lo_ns: self.lo_ns.min(other.lo_ns), hi_ns: self.hi_ns.max(other.hi_ns) }
    }
}

/// What several sources say together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Nobody answered.
    NoSource,
    /// One source: nothing verifies it.
    Single(Interval),
    /// A majority agrees.
    Agreed {
        /// Holds the offset, if the majority is honest.
        interval: Interval,
        /// Indexes of the sources that contradict it, ascending.
        falsetickers: Vec<usize>,
    },
    /// No majority agrees: inconclusive.
    Disagreed {
        /// From the least to the greatest offset that any source holds possible.
        hull: Interval,
    },
}

impl Selection {
    /// The interval to judge by; `None` when there is none to believe.
    pub fn interval(&self) -> Option<Interval> {
        match self {
            Self::Single(interval) | Self::Agreed { interval, .. } => Some(*interval),
            Self::NoSource | Self::Disagreed { .. } => None,
        }
    }
}

/// Finds the smallest number of falsetickers, less than half, that leaves an interval: RFC 5905 11.2.1 on intervals
/// alone.
///
/// The RFC's further condition on the middles of the intervals is left out, and a falseticker is a source whose whole
/// interval lies outside: a root distance is a bound, so one that merely is wide contradicts nobody, wherever its
/// middle lies. With the condition a tight source on the LAN beside a wide one on the internet would be "inconclusive".
pub fn select(sources: &[Interval]) -> Selection {
    let Some(hull) = sources.iter().copied().reduce(Interval::hull) else { return Selection::NoSource };
    if let [single] = sources {
        return Selection::Single(*single);
    }
    let most_liars = (sources.len() - 1) / 2;
    let Some(interval) = (0..=most_liars).find_map(|liars| held_by(sources, sources.len() - liars)) else {
        return Selection::Disagreed { hull };
    };
    let contradicts = |i: &usize| sources[*i].intersection(interval).is_none();
    Selection::Agreed { interval, falsetickers: (0..sources.len()).filter(contradicts).collect() }
}

/// From the lowest to the highest point that at least `wanted` sources hold possible.
fn held_by(sources: &[Interval], wanted: usize) -> Option<Interval> {
    let holders = |at: i64| sources.iter().filter(|s| s.lo_ns <= at && at <= s.hi_ns).count();
    // The number of holders rises at lower ends only and falls after upper ends only.
    let lo_ns = sources.iter().map(|s| s.lo_ns).filter(|&at| holders(at) >= wanted).min()?;
    let hi_ns = sources.iter().map(|s| s.hi_ns).filter(|&at| holders(at) >= wanted).max()?;
    Some(Interval { lo_ns, hi_ns })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: i64 = 1_000_000;

    /// Sources as (offset ms, error ms).
    fn select_ms(sources: &[(i64, i64)]) -> Selection {
        let sources: Vec<_> = sources.iter().map(|&(o, e)| Interval::around(o * MS, e * MS)).collect();
        select(&sources)
    }

    fn agreed_ms(lo: i64, hi: i64, falsetickers: &[usize]) -> Selection {
        let interval = Interval { lo_ns: lo * MS, hi_ns: hi * MS };
        Selection::Agreed { interval, falsetickers: falsetickers.to_vec() }
    }

    #[test]
    fn worked_examples() {
        assert_eq!(select(&[]), Selection::NoSource);
        assert_eq!(select_ms(&[(-7000, 10)]), Selection::Single(Interval::around(-7000 * MS, 10 * MS)));
        let hull = Interval { lo_ns: -10 * MS, hi_ns: 7010 * MS };
        assert_eq!(select_ms(&[(0, 10), (7000, 10)]), Selection::Disagreed { hull });
        assert_eq!(select_ms(&[(0, 10), (7000, 10), (1, 10), (6999, 10)]), Selection::Disagreed { hull });
        assert_eq!(select_ms(&[(0, 10), (5, 10)]), agreed_ms(-5, 10, &[]));
        // One liar among four, and among three.
        assert_eq!(select_ms(&[(0, 20), (7000, 20), (12, 20), (4, 20)]), agreed_ms(-8, 20, &[1]));
        assert_eq!(select_ms(&[(7000, 20), (0, 20), (4, 20)]), agreed_ms(-16, 20, &[0]));
        // A wide interval around a tight one is no contradiction, although its middle lies outside.
        assert_eq!(select_ms(&[(0, 50), (30, 3)]), agreed_ms(27, 33, &[]));
        assert_eq!(select_ms(&[(0, 50), (30, 3), (31, 3)]), agreed_ms(28, 33, &[]));
        // Either the first or the last is false, nobody knows which: the interval covers both cases.
        assert_eq!(select_ms(&[(0, 10), (19, 10), (38, 10)]), agreed_ms(9, 29, &[]));
        // Intervals that touch share a point.
        assert_eq!(select_ms(&[(0, 10), (20, 10)]), agreed_ms(10, 10, &[]));
        // Two liars that agree outvote one honest source: only more sources help.
        assert_eq!(select_ms(&[(0, 10), (7000, 10), (7000, 10)]), agreed_ms(6990, 7010, &[0]));
    }

    #[test]
    fn extremes_do_not_overflow() {
        let all =
            [Interval::around(i64::MIN, i64::MAX), Interval::around(i64::MAX, 5), Interval::around(0, -1)];
        let Selection::Disagreed { hull } = select(&all) else { panic!("they contradict each other") };
        assert_eq!((hull.width_ns(), hull.mid_ns()), (i64::MAX, 0));
    }

    fn honest() -> impl Strategy<Value = Vec<Interval>> {
        // Errors up to 1 s, each interval holding the truth, which is 0.
        let one = (1..1000 * MS, -1000_i64..=1000)
            .prop_map(|(error, part)| Interval::around(error / 1000 * part, error));
        proptest::collection::vec(one, 1..9)
    }

    proptest! {
        #[test]
        fn honest_sources_agree_on_the_truth(sources in honest()) {
            let interval = select(&sources).interval().unwrap();
            prop_assert!(interval.lo_ns <= 0 && 0 <= interval.hi_ns);
            prop_assert!(sources.iter().all(|s| interval.width_ns() <= s.width_ns()));
        }

        #[test]
        fn a_minority_of_gross_liars_is_named_and_changes_nothing(
            sources in honest(),
            lies in proptest::collection::vec(2001_i64..20_000, 0..8), seed in any::<usize>(),
        ) {
            let lies = &lies[..lies.len().min((sources.len() - 1) / 2 * usize::from(sources.len() > 2))];
            // Each liar somewhere else, on either side, out of reach of every honest interval.
            let lie = |(i, ms): (usize, &i64)| Interval::around((ms + 20_000 * i as i64) * MS * if (seed >> i) % 2 == 0 { 1 } else { -1 }, MS);
            let mut all = sources.clone();
            all.extend(lies.iter().enumerate().map(lie));
            prop_assume!(all.len() > 1);
            let selection = select(&all);
            let interval = selection.interval().unwrap();
            prop_assert!(interval.lo_ns <= 0 && 0 <= interval.hi_ns, "{:?}", selection);
            let Selection::Agreed { falsetickers, .. } = selection else { panic!("more than one source") };
            prop_assert_eq!(falsetickers, (sources.len()..all.len()).collect::<Vec<_>>());
        }

        #[test]
        fn order_and_sign_do_not_matter(offsets in proptest::collection::vec((-50_i64..50, 0_i64..30), 1..8), turn in 0_usize..8) {
            let sources: Vec<_> = offsets.iter().map(|&(o, e)| Interval::around(o, e)).collect();
            let mut turned = sources.clone();
            turned.rotate_left(turn % sources.len());
            prop_assert_eq!(select(&turned).interval(), select(&sources).interval());
            let negated: Vec<_> = sources.iter().map(|s| Interval { lo_ns: -s.hi_ns, hi_ns: -s.lo_ns }).collect();
            let back = select(&negated).interval().map(|i| Interval { lo_ns: -i.hi_ns, hi_ns: -i.lo_ns });
            prop_assert_eq!(back, select(&sources).interval());
        }

        #[test]
        fn a_majority_supports_every_verdict(offsets in proptest::collection::vec((-50_i64..50, 0_i64..30), 2..8)) {
            let sources: Vec<_> = offsets.iter().map(|&(o, e)| Interval::around(o, e)).collect();
            if let Selection::Agreed { interval, falsetickers } = select(&sources) {
                prop_assert!(falsetickers.len() * 2 < sources.len());
                // Where the interval begins, all but a minority of the sources overlap.
                let there = sources.iter().filter(|s| s.lo_ns <= interval.lo_ns && interval.lo_ns <= s.hi_ns).count();
                prop_assert!(there * 2 > sources.len());
            }
        }
    }
}
