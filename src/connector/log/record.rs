//! One record of an export: of docker, journald, Loki, Grafana, Google, Amazon, Azure, Elastic, Wazuh, told apart by the
//! keys that they use.

use super::envelope::{Program, program};
use super::stamp::{self, Stamp};

/// Bytes of a value that are kept.
pub(super) const VALUE: usize = 64 * 1024;
/// Bytes of a name that are kept.
const NAME: usize = 96;

/// One record: a message with what stands beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) stamp: Option<Stamp>,
    /// Of several times the one that means the most: the least number.
    pub(super) stamp_rank: u8,
    pub(super) message: Option<Vec<u8>>,
    pub(super) message_rank: u8,
    pub(super) host: Vec<u8>,
    pub(super) mark: Vec<u8>,
    pub(super) mark_rank: u8,
    pub(super) name: Vec<u8>,
    pub(super) pid: Option<u32>,
}

impl Record {
    /// Who says it, where the record names a program.
    pub(super) fn program(&self) -> Program {
        if self.name.is_empty() { Program::Unknown } else { program(&self.name) }
    }

    /// Takes over what an inner or outer record knows and this one does not.
    pub(super) fn fill(&mut self, other: Self) {
        if other.stamp.is_some() && (self.stamp.is_none() || other.stamp_rank < self.stamp_rank) {
            (self.stamp, self.stamp_rank) = (other.stamp, other.stamp_rank);
        }
        if other.message.is_some() && (self.message.is_none() || other.message_rank < self.message_rank) {
            (self.message, self.message_rank) = (other.message, other.message_rank);
        }
        if !other.mark.is_empty() && (self.mark.is_empty() || other.mark_rank < self.mark_rank) {
            (self.mark, self.mark_rank) = (other.mark, other.mark_rank);
        }
        if self.host.is_empty() {
            self.host = other.host;
        }
        if self.name.is_empty() {
            self.name = other.name;
        }
        self.pid = self.pid.or(other.pid);
    }

    /// A value by its key and the key of the object that it stands in.
    pub(super) fn take(&mut self, parent: &[u8], key: &[u8], value: &[u8], now_ns: i64) {
        let Some((meaning, rank)) = meaning(parent, key) else { return };
        let short = || value[..value.len().min(NAME)].trim_ascii().to_vec();
        match meaning {
            Means::Time => {
                if let Some(stamp) = stamp::value(value, now_ns)
                    && (self.stamp.is_none() || rank < self.stamp_rank)
                {
                    (self.stamp, self.stamp_rank) = (Some(stamp), rank);
                }
            }
            Means::Message => {
                if !value.is_empty() && (self.message.is_none() || rank < self.message_rank) {
                    (self.message, self.message_rank) =
                        (Some(value[..value.len().min(VALUE)].to_vec()), rank);
                }
            }
            Means::Mark => {
                if !value.is_empty() && (self.mark.is_empty() || rank < self.mark_rank) {
                    (self.mark, self.mark_rank) = (short(), rank);
                }
            }
            Means::Host if self.host.is_empty() => self.host = short(),
            Means::Program if self.name.is_empty() => self.name = short(),
            Means::Pid => {
                self.pid = self.pid.or_else(|| std::str::from_utf8(value).ok()?.trim().parse().ok());
            }
            Means::Host | Means::Program => {}
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Means {
    Time,
    Message,
    /// A container, pod, service or stream.
    Mark,
    Host,
    Program,
    Pid,
}

/// Keys in small letters with what they mean; of several the lowest rank counts.
const KEYS: &[(&str, Means, u8)] = &[
    ("__realtime_timestamp", Means::Time, 0),
    ("time", Means::Time, 1),
    ("timestamp", Means::Time, 1),
    ("@timestamp", Means::Time, 1),
    ("ts", Means::Time, 1),
    ("_time", Means::Time, 1),
    ("timegenerated", Means::Time, 1),
    ("timegenerated [utc]", Means::Time, 1),
    ("date", Means::Time, 2),
    ("datetime", Means::Time, 2),
    ("tsns", Means::Time, 2),
    ("receivetimestamp", Means::Time, 5),
    ("ingestiontime", Means::Time, 6),
    ("ingestion_time", Means::Time, 6),
    ("log", Means::Message, 1),
    ("message", Means::Message, 1),
    ("msg", Means::Message, 2),
    ("line", Means::Message, 1),
    ("textpayload", Means::Message, 0),
    ("@message", Means::Message, 0),
    ("_raw", Means::Message, 1),
    ("logentry", Means::Message, 1),
    ("log_s", Means::Message, 1),
    ("logmessage", Means::Message, 1),
    ("short_message", Means::Message, 2),
    ("full_log", Means::Message, 2),
    ("content", Means::Message, 3),
    ("text", Means::Message, 3),
    ("body", Means::Message, 2),
    ("raw", Means::Message, 3),
    ("original", Means::Message, 4),
    ("container_name", Means::Mark, 2),
    ("containername", Means::Mark, 2),
    ("containergroup_s", Means::Mark, 2),
    ("containername_s", Means::Mark, 2),
    ("pod_name", Means::Mark, 1),
    ("podname", Means::Mark, 1),
    ("pod", Means::Mark, 1),
    ("container", Means::Mark, 2),
    ("compose_service", Means::Mark, 2),
    ("service_name", Means::Mark, 3),
    ("service", Means::Mark, 4),
    ("logstreamname", Means::Mark, 3),
    ("@logstream", Means::Mark, 3),
    ("logstream", Means::Mark, 3),
    ("instance", Means::Mark, 5),
    ("hostname", Means::Host, 0),
    ("_hostname", Means::Host, 0),
    ("host", Means::Host, 0),
    ("node", Means::Host, 0),
    ("nodename", Means::Host, 0),
    ("computer", Means::Host, 0),
    ("syslog_identifier", Means::Program, 0),
    ("_comm", Means::Program, 0),
    ("program", Means::Program, 0),
    ("ident", Means::Program, 0),
    ("appname", Means::Program, 0),
    ("app_name", Means::Program, 0),
    ("program_name", Means::Program, 0),
    ("_pid", Means::Pid, 0),
    ("syslog_pid", Means::Pid, 0),
    ("procid", Means::Pid, 0),
];

/// What a key means; `name` and `id` mean what the object's own key says.
fn meaning(parent: &[u8], key: &[u8]) -> Option<(Means, u8)> {
    let lower = key.to_ascii_lowercase();
    if lower == b"name" {
        return match parent.to_ascii_lowercase().as_slice() {
            b"host" | b"agent" | b"node" => Some((Means::Host, 0)),
            b"pod" => Some((Means::Mark, 1)),
            b"container" | b"service" => Some((Means::Mark, 2)),
            b"process" => Some((Means::Program, 0)),
            _ => None,
        };
    }
    // `kubernetes.pod.name`, `host.name`, `container.name`, flattened.
    if let Some(dot) = memchr::memrchr(b'.', &lower) {
        let (before, last) = (&lower[..dot], &lower[dot + 1..]);
        let before = before.rsplit(|b| *b == b'.').next().unwrap_or_default();
        return meaning(before, last);
    }
    KEYS.iter()
        .find(|(known, ..)| known.as_bytes() == lower.as_slice())
        .map(|(_, means, rank)| (*means, *rank))
}
