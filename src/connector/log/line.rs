//! What stands in a line before its message, and the few values that are read out of messages. Bounded, total.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use memchr::memmem;

use crate::model::address::is_global;

/// Bytes in which what stands before a message ends.
const HEAD: usize = 256;
/// Bytes of one list of relays.
const RELAYS: usize = 4096;
/// Relays of one list.
const MOST_RELAYS: usize = 8;
/// Letters of a state's name.
const STATE: usize = 32;

fn head(line: &[u8]) -> &[u8] {
    &line[..line.len().min(HEAD)]
}

/// Where a line's message begins: at its level (`[ERROR]`), behind `name[123]: `, or in JSON behind the key.
pub(super) fn message_at(line: &[u8]) -> usize {
    let level = memchr::memchr_iter(b'[', head(line)).find(|at| {
        let word = &line[at + 1..];
        let letters = word.iter().take(9).take_while(|b| b.is_ascii_uppercase()).count();
        (3..=8).contains(&letters) && word.get(letters) == Some(&b']')
    });
    let after = |mark: &[u8]| memmem::find(head(line), mark).map(|at| at + mark.len());
    level
        .or_else(|| ["]: ", "\"MESSAGE\":\"", "\"log\":\""].iter().find_map(|mark| after(mark.as_bytes())))
        .unwrap_or(0)
}

/// The Connector's process as journald and syslog name it: `twingate-connector[123]:`.
pub(super) fn process(line: &[u8]) -> Option<u32> {
    let head = head(line);
    if let Some(at) = memmem::find(line, b"\"_PID\":\"") {
        let ours = memmem::find(line, b"twingate").is_some();
        return number(&line[at + 8..]).filter(|_| ours).and_then(|n| u32::try_from(n).ok());
    }
    let end = memmem::find(head, b"]: ")?;
    let open = memchr::memrchr(b'[', &head[..end])?;
    let name = head[..open].rsplit(|b| *b == b' ').next()?;
    let ours = name.starts_with(b"twingate") || name.starts_with(b"connectord");
    let id =
        number(&head[open + 1..]).filter(|_| ours && head[open + 1..end].iter().all(u8::is_ascii_digit))?;
    u32::try_from(id).ok()
}

/// The digits at the beginning, at most 10 of them.
fn number(text: &[u8]) -> Option<u64> {
    let digits = text.iter().take(11).take_while(|b| b.is_ascii_digit()).count();
    (1..=10).contains(&digits).then(|| text[..digits].iter().fold(0, |n, b| n * 10 + u64::from(b - b'0')))
}

/// The states of `set_state: switching from "A" to "B"`, also where JSON escapes the quotes; letters alone.
pub(super) fn states(line: &[u8]) -> Option<(String, String)> {
    let at = memmem::find(line, b"switching from ")?;
    let mut quoted = line[at..].split(|b| *b == b'"').skip(1);
    let from = name(quoted.next()?)?;
    let to = name(quoted.nth(1)?)?;
    Some((from, to))
}

fn name(text: &[u8]) -> Option<String> {
    let bare = text.strip_suffix(b"\\").unwrap_or(text);
    let plain =
        !bare.is_empty() && bare.len() <= STATE && bare.iter().all(|b| b.is_ascii_alphabetic() || *b == b'_');
    plain.then(|| String::from_utf8_lossy(bare).into_owned())
}

/// A token's time of issue (`"iat":1795529533`), seconds since 1970, of this century's first half.
pub(super) fn issued_at(line: &[u8]) -> Option<i64> {
    let at = memmem::find(line, b"\"iat")? + 4;
    let value = line[at..].iter().position(u8::is_ascii_digit).filter(|skipped| *skipped <= 4)?;
    let seconds = i64::try_from(number(&line[at + value..])?).ok()?;
    (1_000_000_000..2_524_608_000).contains(&seconds).then_some(seconds)
}

/// The relays of a connection's record: `relays:[{ip,name,port}]`.
pub(super) fn relays(line: &[u8]) -> Vec<SocketAddr> {
    let Some(at) = memmem::find(line, b"relays") else { return Vec::new() };
    let list = &line[at..line.len().min(at + RELAYS)];
    let list = &list[..memchr::memchr(b']', list).unwrap_or(list.len())];
    let parts = list.split(|b| *b == b'{').skip(1).take(MOST_RELAYS);
    parts.filter_map(|part| relay(value(part, b"\"ip")?, value(part, b"\"port")?)).collect()
}

/// What stands behind a key: quotes, colons, blanks and escapes left out.
fn value<'a>(part: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let rest = &part[memmem::find(part, key)? + key.len()..];
    let is_value = |b: &u8| b.is_ascii_hexdigit() || matches!(b, b'.');
    let from = rest.iter().position(is_value).filter(|skipped| *skipped <= 8)?;
    let rest = &rest[from..];
    Some(&rest[..rest.iter().position(|b| !is_value(b)).unwrap_or(rest.len())])
}

/// The relay of `relay 203.0.113.9:30010 is not available`.
pub(super) fn lost_relay(line: &[u8]) -> Option<SocketAddr> {
    let at = memmem::find(line, b": relay ")? + 8;
    let word = line[at..].split(|b| *b == b' ').next()?;
    let (ip, port) = word.split_at(memchr::memrchr(b':', word)?);
    relay(ip, &port[1..])
}

/// An address that relays can have; anything else in a log is nothing to knock at.
fn relay(ip: &[u8], port: &[u8]) -> Option<SocketAddr> {
    let ip: Ipv4Addr = std::str::from_utf8(ip).ok()?.parse().ok()?;
    let port: u16 = std::str::from_utf8(port).ok()?.parse().ok()?;
    let fits = is_global(IpAddr::V4(ip)) && (port == 443 || (30_000..=31_000).contains(&port));
    fits.then(|| SocketAddr::from((ip, port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_before_a_message_is_told_apart() {
        for (line, pid, message) in [
            ("2026-11-24T14:12:13+0000 h twingate-connector[7]: [ERROR] [x] y", Some(7), "[ERROR] [x] y"),
            ("Nov 24 14:12:13 h twingate-connector[70]: plain", Some(70), "plain"),
            ("Nov 24 14:12:13 h systemd[1]: Started x", None, "Started x"),
            ("Nov 24 14:12:13 h twingate-connector[x]: y", None, "y"),
            (r#"{"_PID":"8","SYSLOG_IDENTIFIER":"twingate-connector","MESSAGE":"y"}"#, Some(8), "y\"}"),
            ("[ERROR] y", None, "[ERROR] y"),
            ("y", None, "y"),
            ("", None, ""),
        ] {
            assert_eq!(process(line.as_bytes()), pid, "{line}");
            assert_eq!(&line[message_at(line.as_bytes())..], message);
        }
    }

    #[test]
    fn values_are_read_in_plain_and_in_escaped_lines_and_nothing_else_is() {
        for escape in ["", "\\"] {
            let line = r#"[connector] set_state: switching from "Ready" to "Authentication""#
                .replace('"', &format!("{escape}\""));
            assert_eq!(
                states(line.as_bytes()),
                Some(("Ready".to_owned(), "Authentication".to_owned())),
                "{line}"
            );
            let line = r#"verify_token: {"typ":"DAT","alg":"ES256"}.{"iat":1795529533,"x":"y"}"#
                .replace('"', &format!("{escape}\""));
            assert_eq!(issued_at(line.as_bytes()), Some(1_795_529_533), "{line}");
            let line = r#"ANALYTICS {"relays":[{"ip":"203.0.113.9","name":"relaybalancer+https://relays.twingate.com","port":30005},
                {"port": 443, "ip" : "198.51.100.1"},{"ip":"10.0.0.1","port":30001},{"ip":"203.0.113.9","port":22},{"ip":"x"}]}"#
                .replace('"', &format!("{escape}\""));
            let found: Vec<String> = relays(line.as_bytes()).iter().map(ToString::to_string).collect();
            assert_eq!(found, ["203.0.113.9:30005", "198.51.100.1:443"], "{line}");
        }
        assert_eq!(states(br#"switching from "eyJhbGci.x" to "Ready""#), None);
        assert_eq!(issued_at(br#""iat":17"#), None);
        assert_eq!(issued_at(br#""iat":99999999999"#), None);
        let lost =
            b"listen::maintain_relay_connectivity: relay 203.0.113.9:30010 is not available, disconnect";
        assert_eq!(lost_relay(lost), Some(SocketAddr::from(([203, 0, 113, 9], 30010))));
        assert_eq!(lost_relay(b"x: relay 127.0.0.1:30010 is"), None);
    }
}
