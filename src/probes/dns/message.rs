//! The form of a question and of its answer (RFC 1035 4.1): bytes in, a reading out; no I/O.

use std::net::IpAddr;

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, OPCODE, Packet, PacketFlag, QCLASS, QTYPE, Question, TYPE, header_buffer};

pub use crate::model::facts::RecordType as Record;
use crate::model::observation::{FailureKind, Phase, ProbeFailure};

/// Aliases that are followed.
const MAX_ALIASES: usize = 16;
/// Addresses of one answer that are kept.
const MAX_ADDRESSES: usize = 32;

fn qtype(record: Record) -> QTYPE {
    QTYPE::TYPE(match record {
        Record::A => TYPE::A,
        Record::Aaaa => TYPE::AAAA,
    })
}

/// The question's bytes, recursion desired.
pub(super) fn query(id: u16, name: &str, record: Record) -> Result<Vec<u8>, ProbeFailure> {
    let malformed = |_| ProbeFailure::new(Phase::Resolve, FailureKind::Malformed, "not a name of the DNS");
    // The crate would drop an empty label in silence.
    if name.trim_end_matches('.').split('.').any(str::is_empty) {
        return Err(malformed(simple_dns::SimpleDnsError::InvalidServiceName));
    }
    let name = Name::new(name).map_err(malformed)?;
    let mut packet = Packet::new_query(id);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    packet.questions.push(Question::new(name, qtype(record), QCLASS::CLASS(CLASS::IN), false));
    packet.build_bytes_vec().map_err(malformed)
}

/// What a message is.
#[derive(Debug, PartialEq)]
pub(super) enum Reading {
    /// Not an answer to what was sent.
    Stray,
    /// Bears our id, and cannot be read.
    Malformed,
    /// An answer that did not fit into a datagram.
    Truncated,
    /// An answer, perhaps an error code.
    Answer { id: u16, rcode: u16, addresses: Vec<IpAddr> },
}

/// Decides what bytes are; pure. Only an answer with one of `ids` and with the very question is believed.
pub(super) fn read(bytes: &[u8], ids: &[u16], name: &str, record: Record) -> Reading {
    if !header_buffer::id(bytes).is_ok_and(|id| ids.contains(&id))
        || !header_buffer::has_flags(bytes, PacketFlag::RESPONSE).unwrap_or(false)
    {
        return Reading::Stray;
    }
    if !plausible_counts(bytes) {
        return Reading::Malformed;
    }
    let Ok(packet) = Packet::parse(bytes) else {
        // A truncated answer may end in the middle of a record: its question still must be ours.
        return match truncated_question(bytes) {
            Some(question) if is_ours(&question, name, record) => Reading::Truncated,
            _ => Reading::Malformed,
        };
    };
    let rcode = u16::from(bytes.get(3).copied().unwrap_or(0) & 0x0f);
    // A server that could not read the question may leave it out of its refusal (RFC 1035 4.1.1, rcode 1).
    let ours = match packet.questions.as_slice() {
        [question] => is_ours(question, name, record),
        [] => !matches!(rcode, 0 | 3),
        _ => false,
    };
    if !ours || packet.opcode() != OPCODE::StandardQuery {
        return Reading::Stray;
    }
    if packet.has_flags(PacketFlag::TRUNCATION) {
        return Reading::Truncated;
    }
    let owners = owners(&packet, name);
    let mut addresses = Vec::new();
    for answer in packet.answers.iter().filter(|a| a.class == CLASS::IN) {
        // What belongs to another name is no answer (RFC 1034 3.6.2, RFC 5452 6).
        if !owners.contains(&key(&answer.name)) {
            continue;
        }
        let address = match (&answer.rdata, record) {
            (RData::A(a), Record::A) => IpAddr::V4(a.address.into()),
            (RData::AAAA(a), Record::Aaaa) => IpAddr::V6(a.address.into()),
            _ => continue,
        };
        if addresses.len() < MAX_ADDRESSES && !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    Reading::Answer { id: packet.id(), rcode, addresses }
}

/// The names that an answer's chain of aliases leads over, the one that was asked for first.
fn owners(packet: &Packet<'_>, name: &str) -> Vec<String> {
    let mut owners = vec![name.trim_end_matches('.').to_ascii_lowercase()];
    while owners.len() < MAX_ALIASES {
        let next = packet.answers.iter().find_map(|answer| match &answer.rdata {
            RData::CNAME(to) if owners.contains(&key(&answer.name)) => {
                Some(key(&to.0)).filter(|to| !owners.contains(to))
            }
            _ => None,
        });
        let Some(next) = next else { break };
        owners.push(next);
    }
    owners
}

/// A name for comparison (RFC 1035 2.3.3).
fn key(name: &Name<'_>) -> String {
    name.to_string().trim_end_matches('.').to_ascii_lowercase()
}

fn is_ours(question: &Question<'_>, name: &str, record: Record) -> bool {
    let asked = question.qname.to_string();
    asked.trim_end_matches('.').eq_ignore_ascii_case(name.trim_end_matches('.'))
        && question.qtype == qtype(record)
        && question.qclass == QCLASS::CLASS(CLASS::IN)
}

/// Whether as many entries as the header claims could fit: the parser reserves memory for what is claimed.
fn plausible_counts(bytes: &[u8]) -> bool {
    let counts: Vec<usize> = bytes
        .get(4..12)
        .unwrap_or_default()
        .chunks_exact(2)
        .map(|pair| usize::from(u16::from_be_bytes([pair[0], pair[1]])))
        .collect();
    let [questions, records @ ..] = counts.as_slice() else { return false };
    // The least question has 5 bytes, the least record 11.
    questions * 5 + records.iter().sum::<usize>() * 11 <= bytes.len()
        || bytes.get(2).is_some_and(|flags| flags & 0x02 != 0)
}

/// The question of an answer with the TC bit whose records cannot be read.
fn truncated_question(bytes: &[u8]) -> Option<Question<'static>> {
    if !header_buffer::has_flags(bytes, PacketFlag::TRUNCATION).unwrap_or(false) {
        return None;
    }
    // The same message without its records.
    let mut head = bytes.to_vec();
    head.get_mut(4..12)?.copy_from_slice(&[0, 1, 0, 0, 0, 0, 0, 0]);
    Packet::parse(&head).ok()?.questions.pop().map(Question::into_owned)
}
