//! Records of traffic (`ANALYTICS {…}`): how many connections went which way, and which Resources failed by which reason.
//! Nobody's e-mail, name, device or address is looked at.

use memchr::memmem;

use crate::model::facts::{FailedResource, ResourceFault as Fault, Traffic};

/// Resources that are kept.
const MOST: usize = 8;
/// Bytes of a value.
const VALUE: usize = 100;

/// What one record tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Record {
    Served { relayed: bool },
    Failed,
    Other,
}

/// Words of a reason, in small letters; the first that is found decides.
const REASONS: &[(&str, Fault)] = &[
    ("dns", Fault::Names),
    ("resolve", Fault::Names),
    ("lookup", Fault::Names),
    ("not found", Fault::Names),
    ("refused", Fault::Refused),
    ("timeout", Fault::Timeout),
    ("timed out", Fault::Timeout),
    ("unreachable", Fault::Unreachable),
    ("no route", Fault::Unreachable),
    ("reset", Fault::Reset),
];

/// Reads a record and counts it.
pub(super) fn read(line: &[u8], counts: &mut Traffic) -> Record {
    let event = value(line, b"event_type").unwrap_or_default();
    let has = |word: &[u8]| memmem::find(event, word).is_some();
    if has(b"fail") || (has(b"closed") && is_error(line)) {
        failed(line, counts);
        return Record::Failed;
    }
    if !has(b"established") {
        return Record::Other;
    }
    let path = value(line, b"tunnel_path").unwrap_or_default();
    let relayed = path.starts_with(b"relay");
    if relayed {
        counts.relayed += 1;
    } else if path.starts_with(b"direct") {
        counts.direct += 1;
    }
    Record::Served { relayed }
}

/// Whether a connection that was closed had failed.
fn is_error(line: &[u8]) -> bool {
    [&b"error_message"[..], b"error"]
        .iter()
        .filter_map(|key| value(line, key))
        .any(|text| !text.is_empty() && !matches!(text, b"none" | b"null" | b"NONE" | b"ok" | b"OK"))
}

fn failed(line: &[u8], counts: &mut Traffic) {
    let said = [&b"error_message"[..], b"reason", b"cause", b"error", b"event_type"];
    let reason = said.iter().filter_map(|key| value(line, key)).find_map(|text| {
        let text = text.to_ascii_lowercase();
        REASONS
            .iter()
            .find(|(word, _)| memmem::find(&text, word.as_bytes()).is_some())
            .map(|(_, reason)| *reason)
    });
    let reason = reason.unwrap_or(Fault::Other);
    let resource = resource(line);
    let known = counts.failed.iter_mut().find(|known| known.resource == resource && known.reason == reason);
    if let Some(known) = known {
        known.count += 1;
    } else if counts.failed.len() < MOST {
        counts.failed.push(FailedResource { resource, reason, count: 1 });
    } else {
        counts.failed_more += 1;
    }
}

/// The Resource's address and port: of the object `resource`, or of the connection.
fn resource(line: &[u8]) -> String {
    let own = memmem::find(line, b"\"resource\"")
        .or_else(|| memmem::find(line, b"resource\\\""))
        .map_or(line, |at| &line[at..]);
    // Up to the end of that object: the next one is the Client's.
    let own = &own[..memchr::memchr(b'}', own).unwrap_or(own.len())];
    let connection = memmem::find(line, b"\"connection").map_or(&b""[..], |at| &line[at..]);
    let connection = &connection[..memchr::memchr(b'}', connection).unwrap_or(connection.len())];
    let address = value(own, b"address").or_else(|| value(connection, b"resource_ip"));
    let port = value(connection, b"resource_port").or_else(|| value(own, b"port"));
    let plain = |text: &[u8]| {
        let fits =
            text.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'*'));
        String::from_utf8(text.to_vec()).ok().filter(|_| fits && !text.is_empty())
    };
    let address = address.and_then(plain).filter(|address| !crate::model::text::looks_secret(address));
    let port =
        port.and_then(plain).filter(|port| port.bytes().all(|b| b.is_ascii_digit()) && port.len() <= 5);
    match (address, port) {
        (Some(address), Some(port)) if address.contains(':') => format!("[{address}]:{port}"),
        (Some(address), Some(port)) => format!("{address}:{port}"),
        (Some(address), None) => address,
        (None, _) => "a Resource without a name".to_owned(),
    }
}

/// The value of a key, quotes and escapes left out.
fn value<'a>(text: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let mut from = 0;
    while let Some(at) = memmem::find(&text[from..], key).map(|at| from + at) {
        let rest = &text[at + key.len()..];
        from = at + key.len();
        let quoted = at > 0 && text[at - 1] == b'"';
        let skipped = rest.iter().take(6).take_while(|b| matches!(b, b'"' | b'\\' | b':' | b' ')).count();
        if !quoted || memchr::memchr(b':', &rest[..skipped]).is_none() {
            continue;
        }
        let rest = &rest[skipped..];
        let length =
            rest.iter().take(VALUE).take_while(|b| !matches!(b, b'"' | b'\\' | b',' | b'}' | b']')).count();
        return Some(rest[..length].trim_ascii());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_counted_and_nobody_is_named() {
        let lines = [
            r#"ANALYTICS {"event_type":"established_connection","user":{"email":"canary@example.com","id":"77"},"connection":{"id":"1","tunnel_path":"direct","client_ip":"198.51.100.7"}}"#,
            r#"ANALYTICS {"event_type":"established_connection","connection":{"tunnel_path":"relay"}}"#,
            r#"ANALYTICS {"event_type":"failed_to_connect","user":{"email":"canary@example.com"},"resource":{"id":"9","address":"db.internal"},"connection":{"resource_port":5432,"error_message":"Connection refused"}}"#,
            r#"ANALYTICS {"event_type":"failed_to_connect","resource":{"address":"db.internal"},"connection":{"resource_port":5432,"error_message":"connection refused"}}"#,
            r#"ANALYTICS {"event_type":"failed_to_connect","resource":{"address":"wiki.internal","port":443},"connection":{"cause":"DNS lookup error"}}"#,
            r#"ANALYTICS {"event_type":"closed_connection","connection":{"cause":"none"}}"#,
        ];
        for escape in ["\"", "\\\""] {
            let mut counts = Traffic::default();
            for line in lines {
                read(line.replace('"', escape).as_bytes(), &mut counts);
            }
            assert_eq!((counts.direct, counts.relayed), (1, 1));
            let failed: Vec<_> =
                counts.failed.iter().map(|f| (f.resource.as_str(), f.reason, f.count)).collect();
            assert_eq!(
                failed,
                [("db.internal:5432", Fault::Refused, 2), ("wiki.internal:443", Fault::Names, 1)]
            );
            assert!(!format!("{counts:?}").contains("canary") && !format!("{counts:?}").contains("198.51"));
        }
    }
}
