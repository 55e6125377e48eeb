//! What messages tell: the states, relays and records in them, handed to their source's queue.

use super::events::Event;
use super::order::{Entry, Tells};
use super::relays::Relays;
use super::source::Source;
use super::stamp::Stamp;
use super::words::Meaning;
use super::{line, traffic};
use crate::model::facts::{Health, Place, Signature as S};

/// Names of states.
const STATES: usize = 32;

/// What one line says, without what stands around it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said<'a> {
    pub(super) stamp: Option<Stamp>,
    /// The Connector's process.
    pub(super) process: Option<u32>,
    pub(super) message: &'a [u8],
    pub(super) meaning: Meaning,
    /// What it tells whenever it is said.
    pub(super) tells: Option<Tells>,
    /// What lines of an unknown error have in common.
    pub(super) alike: Option<u64>,
}

/// What sources have in common: names of states, relays.
#[derive(Debug, Default)]
pub(super) struct Teller {
    pub(super) states: Vec<String>,
    pub(super) relays: Relays,
}

impl Teller {
    /// What a message tells whenever it is said.
    pub(super) fn tells(&mut self, message: &[u8], meaning: Meaning) -> Option<Tells> {
        let states = &mut self.states;
        match meaning.event? {
            Event::Switch => line::states(message).map(|(from, to)| Tells::State {
                from: Some(number_of(states, from)),
                to: number_of(states, to),
            }),
            Event::State => {
                line::state(message).map(|to| Tells::State { from: None, to: number_of(states, to) })
            }
            Event::Health(Health::Served) => Some(Tells::Served { relayed: false }),
            Event::Health(health) => Some(Tells::Health(health)),
            Event::Started => Some(Tells::Started),
            Event::Stopped => Some(Tells::Stopped),
            Event::Answered => meaning.signature.is_none().then_some(Tells::Answered),
            Event::Error if meaning.signature.is_some() => None,
            Event::Error => Some(Tells::Unknown { fatal: false }),
            Event::Fatal => Some(Tells::Unknown { fatal: true }),
            Event::Traffic | Event::Token => None,
        }
    }

    /// What a line tells, to its source's queue, of which `most` entries wait.
    pub(super) fn tell(&mut self, source: &mut Source, most: usize, said: &Said<'_>, place: Place) {
        let Said { message, meaning, .. } = *said;
        let states = &self.states;
        let mut entry =
            Entry { at_ns: place.at_ns, line: place.line, process: said.process, tells: Tells::Started };
        let mut push = |source: &mut Source, tells: Tells| {
            entry.tells = tells;
            source.push(entry, most, states);
        };
        let tells = match meaning.event {
            Some(Event::Traffic) => {
                self.relays.record(message, place);
                match traffic::read(message, &mut source.traffic) {
                    traffic::Record::Served { relayed } => Some(Tells::Served { relayed }),
                    _ => None,
                }
            }
            Some(Event::Token) => line::issued_at(message)
                .map(|issued_s| Tells::Token { issued_s, stamp: source.stamp_of(said.stamp) }),
            _ => said.tells,
        };
        if let Some(alike) = said.alike {
            source.unknown(message, alike);
        }
        if let Some(tells) = tells {
            push(source, tells);
        }
        let Some(signature) = meaning.signature else { return };
        source.sample(signature, message);
        if signature == S::ClockStepped {
            return push(source, Tells::Stepped { ns: line::step(message).unwrap_or(0) });
        }
        push(source, Tells::Sign(signature));
        if let Some(relay) = line::lost_relay(message).filter(|_| signature == S::RelayLost) {
            self.relays.named(relay, place);
        }
    }
}

fn number_of(states: &mut Vec<String>, name: String) -> u8 {
    let known = states.iter().position(|known| *known == name);
    let at = known.unwrap_or_else(|| {
        if states.len() < STATES {
            states.push(name);
        }
        states.len() - 1
    });
    at as u8
}
