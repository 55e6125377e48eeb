//! How long UDP mappings live, out of which silences they outlived. Pure.

use crate::model::facts::{Facts, Fate, LifetimeBy, MappingLifetime};
use crate::model::observation::Observation;

/// Between which silences a mapping's end lies, milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The longest silence that it outlived; none where it outlived none.
    pub alive_ms: Option<u64>,
    /// The shortest longer one after which it was gone; none where none was seen.
    pub gone_ms: Option<u64>,
}

/// What the search shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// After a single exchange.
    pub fresh: Span,
    /// After packets went both ways for seconds, as in a connection.
    pub used: Span,
    /// By which way it was told.
    pub by: LifetimeBy,
}

impl Lifetime {
    /// None where nobody asked for it, or nothing can be told: a NAT that gives the same port again hides its mapping's
    /// end from a server that answers to no other port.
    pub(super) fn of(facts: &Facts) -> Option<Self> {
        let seen = facts.lifetime.iter().find_map(Observation::seen)?;
        let (fresh, used) = (span(seen, false), span(seen, true));
        let told = |span: Span| span.gone_ms.is_some() || seen.by == LifetimeBy::ResponsePort;
        (told(used) && used != Span::default()).then_some(Self { fresh, used, by: seen.by })
    }
}

fn span(seen: &MappingLifetime, used: bool) -> Span {
    let of = |fate| seen.rungs.iter().filter(move |r| r.used == used && r.fate == fate).map(|r| r.silent_ms);
    // One lost packet makes a mapping look gone: what counts is beyond the longest silence that was outlived.
    let alive_ms = of(Fate::Alive).max();
    Span { alive_ms, gone_ms: of(Fate::Gone).filter(|gone| Some(*gone) > alive_ms).min() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::facts::Rung;

    #[test]
    fn the_end_lies_beyond_the_longest_silence_outlived_and_a_lost_packet_is_no_end() {
        let rung = |silent_ms, fate| Rung { used: true, silent_ms, fate };
        let rungs = [
            (5000, Fate::Alive),
            (5500, Fate::Gone),
            (6050, Fate::Alive),
            (6655, Fate::Gone),
            (7320, Fate::Untold),
        ];
        let rungs = rungs.map(|(ms, fate)| rung(ms, fate)).to_vec();
        let seen = MappingLifetime { by: LifetimeBy::ResponsePort, rungs };
        assert_eq!(span(&seen, true), Span { alive_ms: Some(6050), gone_ms: Some(6655) });
        assert_eq!(span(&seen, false), Span::default());
    }
}
