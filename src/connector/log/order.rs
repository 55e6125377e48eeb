//! What lines tell, in the order of time: as it comes where a log is in order, else sorted, in bounded memory.
//!
//! A clock that is set steps back once; a log that is not in order does so again and again. Where the bound is reached,
//! a log in order goes on to be counted, and of one that is not the oldest lines are left out, since the last hours matter.

use std::cmp::Reverse;

use super::stamp::Stamp;
use crate::model::facts::{Health, Signature};

/// Entries of all sources together.
pub(super) const MOST: usize = 64 * 1024;
/// Where fewer than one in so many steps is a step back, a log is in order.
const SELDOM: u64 = 8;

/// What a line tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tells {
    Sign(Signature),
    Health(Health),
    /// A Client was served, over a relay or not.
    Served {
        relayed: bool,
    },
    /// A change of state, the names by their numbers.
    State {
        from: Option<u8>,
        to: u8,
    },
    Answered,
    Started,
    Stopped,
    /// A token, by its time of issue, seconds since 1970.
    Token {
        issued_s: i64,
        stamp: Option<Stamp>,
    },
    /// An error that the tables do not know, and whether it is the end.
    Unknown {
        fatal: bool,
    },
    /// A time daemon set the clock by so much, nanoseconds.
    Stepped {
        ns: i64,
    },
}

/// One line that tells something.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// Nanoseconds since 1970; none where the log bears no times.
    pub(super) at_ns: Option<i64>,
    pub(super) line: u64,
    /// The Connector's process, where the line names it.
    pub(super) process: Option<u32>,
    pub(super) tells: Tells,
}

/// How the lines of a source stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Ascending,
    Descending,
    None,
}

/// Entries that wait to be counted.
#[derive(Debug, Default)]
pub(super) struct Queue {
    entries: Vec<Entry>,
    forward: u64,
    back: u64,
    last_ns: Option<i64>,
    /// What is older was left out.
    floor_ns: Option<i64>,
    pub(super) left_out: u64,
}

impl Queue {
    /// Takes an entry; gives those that are counted at once to `count`. `most` entries wait.
    pub(super) fn push(&mut self, mut entry: Entry, most: usize, count: impl FnMut(Entry)) {
        match (self.last_ns, entry.at_ns) {
            (Some(last), Some(now)) if now > last => self.forward += 1,
            (Some(last), Some(now)) if now < last => self.back += 1,
            _ => {}
        }
        // A line without a time was said when the one before it was.
        entry.at_ns = entry.at_ns.or(self.last_ns);
        self.last_ns = entry.at_ns;
        if self.floor_ns.zip(entry.at_ns).is_some_and(|(floor, at)| at < floor)
            && self.order() != Order::Ascending
        {
            self.left_out += 1;
            return;
        }
        // Of signs of health in a row the latest counts.
        if let Some(last) = self.entries.last_mut()
            && last.tells == entry.tells
            && last.process == entry.process
            && matches!(entry.tells, Tells::Health(_) | Tells::Served { .. } | Tells::Answered)
        {
            if entry.at_ns >= last.at_ns {
                *last = entry;
            }
            return;
        }
        self.entries.push(entry);
        if self.entries.len() >= most.max(1024) {
            self.make_room(count);
        }
    }

    /// How the lines stand, as far as they are known.
    pub(super) fn order(&self) -> Order {
        let steps = self.forward + self.back;
        if self.back * SELDOM <= steps {
            Order::Ascending
        } else if self.forward * SELDOM <= steps {
            Order::Descending
        } else {
            Order::None
        }
    }

    /// The oldest time that is whole.
    pub(super) fn floor_ns(&self) -> Option<i64> {
        self.floor_ns.filter(|_| self.left_out > 0)
    }

    fn make_room(&mut self, count: impl FnMut(Entry)) {
        if self.order() == Order::Ascending {
            self.entries.drain(..).for_each(count);
            return;
        }
        self.sort();
        let half = self.entries.len() / 2;
        self.left_out += half as u64;
        self.entries.drain(..half);
        self.floor_ns = self.entries.first().and_then(|entry| entry.at_ns);
    }

    fn sort(&mut self) {
        match self.order() {
            Order::Ascending => {}
            // Of lines of one second the lower is the earlier.
            Order::Descending => self.entries.sort_unstable_by_key(|entry| Reverse(entry.line)),
            Order::None => {
                self.entries.sort_unstable_by_key(|entry| (entry.at_ns, rank(entry.tells), entry.line));
            }
        }
    }

    /// Everything that waits, the oldest first.
    pub(super) fn finish(&mut self, count: impl FnMut(Entry)) {
        self.sort();
        std::mem::take(&mut self.entries).into_iter().for_each(count);
    }

    /// Everything that waits in `other` joins.
    pub(super) fn join(&mut self, mut other: Self) {
        self.entries.append(&mut other.entries);
        let line = |entry: &Entry| entry.line;
        self.entries.sort_unstable_by_key(line);
        (self.forward, self.back, self.last_ns) = (0, 0, None);
        for at in self.entries.iter().filter_map(|entry| entry.at_ns) {
            match self.last_ns {
                Some(last) if at > last => self.forward += 1,
                Some(last) if at < last => self.back += 1,
                _ => {}
            }
            self.last_ns = Some(at);
        }
        self.left_out += other.left_out;
    }
}

/// Of lines of one instant, in no order, failures are taken for the later: nothing is over that may not be.
fn rank(tells: Tells) -> u8 {
    match tells {
        Tells::Started => 0,
        Tells::Health(_) | Tells::Served { .. } | Tells::Answered => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(at: i64, line: u64) -> Entry {
        Entry { at_ns: Some(at), line, process: None, tells: Tells::Started }
    }

    fn through(times: &[i64]) -> (Vec<i64>, u64, Order) {
        let mut queue = Queue::default();
        let mut seen = Vec::new();
        for (line, at) in times.iter().enumerate() {
            queue.push(entry(*at, line as u64), 1024, |e| seen.push(e.at_ns.unwrap()));
        }
        let (order, left_out) = (queue.order(), queue.left_out);
        queue.finish(|e| seen.push(e.at_ns.unwrap()));
        (seen, left_out, order)
    }

    #[test]
    fn logs_in_any_order_come_out_in_the_order_of_time() {
        let ascending: Vec<i64> = (0..100).collect();
        let descending: Vec<i64> = (0..100).rev().collect();
        let shuffled: Vec<i64> = (0..100).map(|n| n * 37 % 100).collect();
        assert_eq!(through(&ascending), (ascending.clone(), 0, Order::Ascending));
        assert_eq!(through(&descending), (ascending.clone(), 0, Order::Descending));
        assert_eq!(through(&shuffled), (ascending.clone(), 0, Order::None));
    }

    #[test]
    fn a_clock_that_is_set_back_once_does_not_turn_a_log_over() {
        let stepped: Vec<i64> = (1000..1040).chain(900..940).collect();
        assert_eq!(through(&stepped), (stepped.clone(), 0, Order::Ascending));
        let turned: Vec<i64> = stepped.iter().rev().copied().collect();
        assert_eq!(through(&turned).0, stepped);
    }

    #[test]
    fn memory_is_bounded_and_the_last_hours_stay() {
        let long: Vec<i64> = (0..10_000).collect();
        assert_eq!(through(&long), (long.clone(), 0, Order::Ascending), "nothing is lost of a log in order");
        for times in
            [long.iter().rev().copied().collect::<Vec<_>>(), long.iter().map(|n| n * 7919 % 10_000).collect()]
        {
            let (seen, left_out, _) = through(&times);
            assert_eq!(seen.len() as u64 + left_out, 10_000);
            assert_eq!(seen.last(), Some(&9999));
            assert!(
                seen.len() >= 512 && seen.is_sorted() && seen.windows(2).all(|w| w[1] == w[0] + 1),
                "no gaps"
            );
        }
    }
}
