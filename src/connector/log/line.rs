//! The few values that are read out of messages. Bounded, total.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use memchr::memmem;

use super::vocabulary::knows;
use crate::model::address::is_global;

/// Bytes of one list of relays.
const RELAYS: usize = 4096;
/// Relays of one list.
const MOST_RELAYS: usize = 8;
/// Letters of a state's name.
const STATE: usize = 32;

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

/// A state's name: one of a word that may be shown, else nobody's.
fn name(text: &[u8]) -> Option<String> {
    let bare = text.strip_suffix(b"\\").unwrap_or(text);
    let plain =
        !bare.is_empty() && bare.len() <= STATE && bare.iter().all(|b| b.is_ascii_alphabetic() || *b == b'_');
    let name = String::from_utf8_lossy(bare);
    plain.then(|| if name.split('_').all(knows) { name.into_owned() } else { "Other".to_owned() })
}

/// The state of `State: Ready` and `sdwan_state: Online`.
pub(super) fn state(line: &[u8]) -> Option<String> {
    let at = memmem::find(line, b"sdwan_state: ")
        .map(|at| at + 13)
        .or_else(|| memmem::find(line, b"State: ").map(|at| at + 7))?;
    let letters =
        line[at..].iter().take(STATE + 1).take_while(|b| b.is_ascii_alphabetic() || **b == b'_').count();
    // What goes on in other signs is no state.
    let ends = line.get(at + letters).is_none_or(|b| matches!(b, b' ' | b'\r' | b'"' | b'\\' | b',' | 0x1b));
    name(&line[at..at + letters]).filter(|_| ends)
}

/// How far a time daemon set the clock, nanoseconds: the first number with a fraction or a unit of seconds.
pub(super) fn step(line: &[u8]) -> Option<i64> {
    let words = ["wrong by ", "stepped by ", "offset ", "reset "];
    let at = words.iter().find_map(|word| memmem::find(line, word.as_bytes()).map(|at| at + word.len()))?;
    let word = line[at..].split(|b| *b == b' ').next()?;
    let seconds: f64 = std::str::from_utf8(word).ok()?.parse().ok()?;
    (seconds.is_finite() && seconds.abs() < 4e9).then_some((seconds * 1e9) as i64)
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
        assert_eq!(state(b"[connector] State: Error").as_deref(), Some("Error"));
        assert_eq!(state(b"sdwan_state: Online\r").as_deref(), Some("Online"));
        assert_eq!(state(b"State: 7"), None);
        assert_eq!(state(b"State: eyJhbGci.x"), None);
        assert_eq!(state(b"State: hunter").as_deref(), Some("Other"));
        assert_eq!(step(b"System clock wrong by 5447576.763763 seconds"), Some(5_447_576_763_763_000));
        assert_eq!(step(b"step time server 10.0.0.1 offset -3.5 sec"), Some(-3_500_000_000));
        assert_eq!(step(b"wrong by much"), None);
        assert_eq!(issued_at(br#""iat":17"#), None);
        assert_eq!(issued_at(br#""iat":99999999999"#), None);
        let lost =
            b"listen::maintain_relay_connectivity: relay 203.0.113.9:30010 is not available, disconnect";
        assert_eq!(lost_relay(lost), Some(SocketAddr::from(([203, 0, 113, 9], 30010))));
        assert_eq!(lost_relay(b"x: relay 127.0.0.1:30010 is"), None);
    }
}
