//! A timeline in a row of letters, a stretch of time each.

use crate::model::history::{Moment, Stretch};

/// What the letters mean, in the order in which a legend names them.
pub(super) const LEGEND: [(char, &str); 5] =
    [(UP, "up"), (DOWN, "down"), (PARTLY, "partly down"), (UNKNOWN, "not known"), (UNSEEN, "nobody looked")];

const UP: char = '=';
const DOWN: char = '#';
const PARTLY: char = '+';
const UNKNOWN: char = '?';
const UNSEEN: char = '.';

/// `width` letters for the time from `since` to `until`; however short, what was down is seen.
pub(super) fn bar(timeline: &[Stretch], since: Moment, until: Moment, width: usize) -> String {
    // Seconds up, down and unknown of each column.
    let mut columns = vec![[0.0_f64; 3]; width];
    let each_s = until.seconds_since(since) / width.max(1) as f64;
    if each_s <= 0.0 {
        return UNSEEN.to_string().repeat(width);
    }
    for stretch in timeline {
        let from = stretch.started_at.seconds_since(since).max(0.0);
        let to = stretch.ended_at.seconds_since(since).min(each_s * width as f64);
        let (first, last) = ((from / each_s) as usize, (to / each_s) as usize);
        for (n, column) in columns.iter_mut().enumerate().take(last + 1).skip(first) {
            let begin = each_s * n as f64;
            let seconds = (to.min(begin + each_s) - from.max(begin)).max(0.0);
            column[stretch.state as usize] += seconds;
        }
    }
    let letter = |[up, down, unknown]: &[f64; 3]| match () {
        () if *down == 0.0 && up + unknown < each_s / 2.0 => UNSEEN,
        () if *down > 0.0 && down >= up => DOWN,
        () if *down > 0.0 => PARTLY,
        () if up >= unknown => UP,
        () => UNKNOWN,
    };
    columns.iter().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::history::State;

    fn stretch(from_s: i64, to_s: i64, state: State) -> Stretch {
        let at = |s: i64| Moment(s * 1_000_000_000);
        Stretch { started_at: at(from_s), ended_at: at(to_s), state }
    }

    #[test]
    fn every_column_tells_the_worst_of_its_time() {
        let timeline = [
            stretch(0, 200, State::Up),
            stretch(200, 400, State::Down),
            stretch(400, 501, State::Up),
            stretch(600, 700, State::Unknown),
            stretch(700, 990, State::Up),
            stretch(990, 1000, State::Down),
        ];
        let until = Moment(1_000_000_000_000);
        assert_eq!(bar(&timeline, Moment(0), until, 10), "==##=.?==+");
        assert_eq!(bar(&timeline, Moment(0), until, 20), "====####==..??=====+");
        assert_eq!(bar(&[], Moment(0), until, 3), "...");
        assert_eq!(bar(&timeline, until, until, 3), "...");
        // From before the time that is shown.
        assert_eq!(bar(&timeline, Moment(300_000_000_000), until, 7), "#=.?==+");
    }
}
