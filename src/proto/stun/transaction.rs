//! One question to one STUN server: when to send, what to believe, when to give up. Not what it means.
//!
//! RFC 8489 6.2.1 resends the same bytes, so that an answer cannot be assigned to a send and its round trip is
//! not to be trusted (Karn). Here every send is a transaction of its own, with its own id and its own time:
//! each answer yields a true round trip, and a stale one cannot pass for a fresh one.

use std::net::SocketAddr;
use std::time::Duration;

use super::id::TransactionId;
use super::message::{BINDING, Class, DecodeError, Message};
use super::reach::is_plausible;
use crate::proto::{IcmpKind, Machine, SENDS, SILENCE, Step, Transmit};

/// So many sends, and each of them refused, are a verdict; one refusal may be chance (a firewall rule that
/// drops one packet in four says EPERM too).
const REFUSALS: u32 = 3;

/// How long a first contact may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    silence: Duration,
}

impl Schedule {
    /// The whole profile: [`SENDS`], [`SILENCE`].
    pub const FULL: Self = Self { silence: SILENCE };

    /// The profile cut off after `left`, the time this run still has.
    pub fn within(left: Duration) -> Self {
        Self { silence: left.min(SILENCE) }
    }

    /// Whether silence for so long says anything.
    pub fn conclusive(self) -> bool {
        self.silence >= SILENCE
    }
}

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Our address as the server saw it.
    pub mapped: SocketAddr,
    /// It came in XOR-MAPPED-ADDRESS; else the server speaks RFC 3489 and gateways may have rewritten it.
    pub xor: bool,
    /// MAPPED-ADDRESS. One that differs from `mapped` was rewritten on the way.
    pub mapped_plain: Option<SocketAddr>,
    /// From the send that was answered to its answer.
    pub rtt: Duration,
    /// Since the run's start.
    pub at: Duration,
    /// Where the server says it answers from; another address than the server's means a NAT before it.
    pub response_origin: Option<SocketAddr>,
    /// Its other IP address and port, as claimed.
    pub other_address: Option<SocketAddr>,
    /// Cleaned of control characters and cut.
    pub software: Option<String>,
}

/// Why there is no [`Answer`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nothing came.
    Timeout,
    /// The network or this host refused.
    Icmp(IcmpKind),
    /// An error response.
    Rejected {
        /// 300..=699; 0 if the response had no ERROR-CODE.
        code: u16,
        /// Cleaned of control characters and cut.
        reason: String,
    },
    /// A success that must not be processed: it holds comprehension-required attributes of these unknown types.
    UnknownRequired(Vec<u16>),
    /// A success without a mapped address.
    NoAddress,
    /// A success with a mapped address that no server can have seen.
    Impossible(SocketAddr),
    /// The server's datagrams, of which this was the last, were no messages.
    Malformed(DecodeError),
    /// The server's datagrams were messages, and none of them an answer to what was asked.
    Unasked,
}

/// Datagrams that were not believed, by the first reason found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Strays {
    /// No message, or one that breaks its own rules.
    pub malformed: u32,
    /// FINGERPRINT wrong.
    pub fingerprint: u32,
    /// A request or an indication.
    pub class: u32,
    /// Not Binding.
    pub method: u32,
    /// A transaction id that is not ours.
    pub id: u32,
    /// Our transaction id, from elsewhere than the server: forged, or a NAT before the server.
    pub source: u32,
    /// A second answer to one request, saying the same.
    pub duplicate: u32,
    /// A second answer to one request, saying something else: one of the two is forged.
    pub conflict: u32,
}

impl Strays {
    /// All of them.
    pub fn total(&self) -> u32 {
        let Self { malformed, fingerprint, class, method, id, source, duplicate, conflict } = *self;
        [malformed, fingerprint, class, method, id, source, duplicate, conflict].iter().sum()
    }

    /// Counts a datagram that was no message.
    pub(super) fn count(&mut self, error: DecodeError) {
        match error {
            DecodeError::Fingerprint => self.fingerprint += 1,
            _ => self.malformed += 1,
        }
    }

    /// Counts a message that is no answer to a Binding request; true if it is one.
    pub(super) fn is_response(&mut self, message: &Message) -> bool {
        if !matches!(message.class, Class::Success | Class::Error) {
            self.class += 1;
            return false;
        }
        if message.method != BINDING {
            self.method += 1;
            return false;
        }
        true
    }
}

/// All there is to say of a transaction, at any time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Who was asked.
    pub server: SocketAddr,
    /// Requests sent.
    pub sent: u32,
    /// Requests answered, whatever the answer.
    pub answered: u32,
    /// What was not believed.
    pub strays: Strays,
    /// False if the time was too short for silence to count.
    pub conclusive: bool,
    /// The first answer.
    pub result: Result<Answer, Failure>,
}

#[derive(Debug)]
struct Sent {
    id: TransactionId,
    at: Duration,
    answer: Option<Message>,
}

/// A Binding transaction with one server, from one socket.
#[derive(Debug)]
pub struct Transaction {
    server: SocketAddr,
    start: Duration,
    schedule: Schedule,
    ids: [TransactionId; SENDS.len()],
    sent: Vec<Sent>,
    strays: Strays,
    refusals: u32,
    refused: Option<IcmpKind>,
    malformed: Option<DecodeError>,
    /// The server sent messages that answer nothing.
    unasked: bool,
    /// Datagrams among the sent ones that did not leave this host.
    unsent: u32,
    result: Option<Result<Answer, Failure>>,
}

impl Transaction {
    /// Asks `server` from `start` on. `ids` are random and used for nothing else.
    pub fn new(
        server: SocketAddr,
        ids: [TransactionId; SENDS.len()],
        start: Duration,
        schedule: Schedule,
    ) -> Self {
        Self {
            server,
            start,
            schedule,
            ids,
            sent: Vec::new(),
            strays: Strays::default(),
            refusals: 0,
            refused: None,
            malformed: None,
            unasked: false,
            unsent: 0,
            result: None,
        }
    }

    /// The server asked.
    pub fn server(&self) -> SocketAddr {
        self.server
    }

    /// Whether `id` is one that was sent.
    pub fn owns(&self, id: &TransactionId) -> bool {
        self.sent.iter().any(|sent| sent.id == *id)
    }

    /// What is known now; silence so far is [`Failure::Timeout`].
    pub fn outcome(&self) -> Outcome {
        Outcome {
            server: self.server,
            sent: (self.sent.len() as u32).saturating_sub(self.unsent),
            answered: self.sent.iter().filter(|sent| sent.answer.is_some()).count() as u32,
            strays: self.strays,
            conclusive: self.result.as_ref().is_some_and(|r| *r != Err(Failure::Timeout))
                || self.schedule.conclusive(),
            result: self.result.clone().unwrap_or(Err(Failure::Timeout)),
        }
    }

    /// A datagram that is a message.
    pub(super) fn handle_message(&mut self, message: Message, from: SocketAddr, now: Duration) {
        let from_server = same_endpoint(from, self.server);
        if !self.strays.is_response(&message) {
            self.unasked |= from_server;
            return;
        }
        let Some(sent) = self.sent.iter_mut().find(|sent| sent.id == message.id) else {
            self.strays.id += 1;
            self.unasked |= from_server;
            return;
        };
        if !from_server {
            self.strays.source += 1;
            return;
        }
        if let Some(earlier) = &sent.answer {
            // Honest servers say the same twice, down to the byte; what they say of us is what matters.
            let same = earlier.class == message.class
                && earlier.xor_mapped == message.xor_mapped
                && earlier.mapped == message.mapped;
            *(if same { &mut self.strays.duplicate } else { &mut self.strays.conflict }) += 1;
            return;
        }
        let (rtt, result) = (now.saturating_sub(sent.at), read_response(&message, self.server));
        sent.answer = Some(message);
        // A late answer is worth more than the verdict of silence.
        if matches!(self.result, None | Some(Err(Failure::Timeout))) {
            self.result = Some(result.map(|answer| Answer { rtt, at: now, ..answer }));
        }
    }

    /// The server sent something that is no message.
    pub(super) fn handle_garbage(&mut self, error: DecodeError) {
        self.strays.count(error);
        self.malformed = Some(error);
    }

    fn give_up(&mut self) {
        let failure = match (self.malformed, self.refused) {
            (Some(error), _) => Failure::Malformed(error),
            _ if self.unasked => Failure::Unasked,
            (None, Some(kind)) => Failure::Icmp(kind),
            (None, None) => Failure::Timeout,
        };
        self.result = Some(Err(failure));
    }
}

impl Machine for Transaction {
    fn handle(&mut self, bytes: &[u8], from: SocketAddr, now: Duration) {
        match Message::decode(bytes) {
            Ok(message) => self.handle_message(message, from, now),
            Err(error) if same_endpoint(from, self.server) => self.handle_garbage(error),
            Err(error) => self.strays.count(error),
        }
    }

    fn handle_error(&mut self, to: SocketAddr, error: IcmpKind, _now: Duration) {
        if !same_endpoint(to, self.server) || self.result.is_some() {
            return;
        }
        self.refused = Some(error);
        self.refusals += 1;
        if self.refusals >= REFUSALS.max(self.sent.len() as u32) {
            self.give_up();
        }
    }

    fn handle_unsent(&mut self, to: SocketAddr, error: IcmpKind, now: Duration) {
        self.unsent += 1;
        self.handle_error(to, error, now);
    }

    fn poll(&mut self, now: Duration) -> Step {
        if self.result.is_some() {
            return Step::Done;
        }
        let end = self.start + self.schedule.silence;
        if now >= end {
            self.give_up();
            return Step::Done;
        }
        let next = self.sent.len();
        let (Some(delay), Some(&id)) = (SENDS.get(next), self.ids.get(next)) else {
            return Step::Wait(end);
        };
        let due = self.start + *delay;
        if now < due {
            return Step::Wait(due.min(end));
        }
        self.sent.push(Sent { id, at: now, answer: None });
        Step::Transmit(Transmit::new(self.server, Message::request(id).encode()))
    }
}

/// What a response with the right id from `server` says; round trip and time are the caller's to fill in.
///
/// # Errors
/// What makes it none.
pub fn read_response(message: &Message, server: SocketAddr) -> Result<Answer, Failure> {
    if message.class == Class::Error {
        let (code, reason) = message.error.clone().map_or((0, String::new()), |e| (e.code, e.reason));
        return Err(Failure::Rejected { code, reason });
    }
    if !message.unknown_required.is_empty() {
        return Err(Failure::UnknownRequired(message.unknown_required.clone()));
    }
    let mapped = message.xor_mapped.or(message.mapped).filter(|mapped| !mapped.ip().is_unspecified());
    let mapped = mapped.ok_or(Failure::NoAddress)?;
    if !is_plausible(mapped, server) {
        return Err(Failure::Impossible(mapped));
    }
    Ok(Answer {
        mapped,
        xor: message.xor_mapped.is_some(),
        mapped_plain: message.mapped,
        rtt: Duration::ZERO,
        at: Duration::ZERO,
        response_origin: message.response_origin,
        other_address: message.other_address,
        software: message.software.clone(),
    })
}

/// Same address and port, whatever a socket says of scopes, flows and v4-mapped forms.
pub fn same_endpoint(a: SocketAddr, b: SocketAddr) -> bool {
    a.port() == b.port() && a.ip().to_canonical() == b.ip().to_canonical()
}

#[cfg(test)]
mod tests;
