//! What stands around a message in a line: whose it is, when it was said, and where it begins. Bounded, total.
//!
//! Wrappers nest (a compose prefix before docker's time before the Connector's own), so parts are taken off one by one
//! until none is left.

use super::months;
use super::parts::{
    MARK, barred, colour, is_level_word, is_name, is_program, level, lost_colour, priority, process, stream,
    word_level,
};
use super::stamp::{self, Stamp};

/// Bytes at a line's beginning that may stand before its message.
const HEAD: usize = 400;
/// Parts that are taken off.
const PARTS: usize = 14;

/// Who says a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Program {
    /// The line does not tell.
    #[default]
    Unknown,
    /// The Connector.
    Connector,
    /// A service manager, the kernel or a container runtime: what it says of the Connector counts.
    Manager,
    /// A time daemon.
    Clock,
    /// Another program.
    Other,
}

/// A line without what stands around it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Envelope<'a> {
    /// The first time in it.
    pub(super) stamp: Option<Stamp>,
    /// Something stands there that looks like a time, and is none that is known.
    pub(super) strange: bool,
    /// A service's, pod's or container's mark.
    pub(super) mark: &'a [u8],
    /// A host's name.
    pub(super) host: &'a [u8],
    /// The program's name as syslog has it.
    pub(super) name: &'a [u8],
    pub(super) program: Program,
    /// Its process.
    pub(super) pid: Option<u32>,
    /// Where the message begins.
    pub(super) at: usize,
}

/// Programs by their names; the first row that fits decides.
const PROGRAMS: &[(&str, Program)] = &[
    ("twingate-client", Program::Other),
    ("twingated", Program::Other),
    ("twingate", Program::Connector),
    ("connectord", Program::Connector),
    ("systemd-timesyncd", Program::Clock),
    ("chronyd", Program::Clock),
    ("ntpd", Program::Clock),
    ("ntpdate", Program::Clock),
    ("ntpsec", Program::Clock),
    ("systemd-logind", Program::Other),
    ("systemd-resolved", Program::Other),
    ("systemd-networkd", Program::Other),
    ("systemd", Program::Manager),
    ("kernel", Program::Manager),
    ("dockerd", Program::Manager),
    ("docker", Program::Manager),
    ("containerd", Program::Manager),
    ("podman", Program::Manager),
    ("conmon", Program::Manager),
    ("crio", Program::Manager),
    ("kubelet", Program::Manager),
    ("k3s", Program::Manager),
    ("supervisord", Program::Manager),
    ("init", Program::Manager),
    ("monit", Program::Manager),
];

/// What kind of program a name is.
pub(super) fn program(name: &[u8]) -> Program {
    let known = PROGRAMS
        .iter()
        .find(|(begin, _)| name.first() == begin.as_bytes().first() && name.starts_with(begin.as_bytes()));
    match known {
        Some((_, program)) => *program,
        None if memchr::memmem::find(name, b"twingate").is_some() => Program::Connector,
        None => Program::Other,
    }
}

/// Takes off what stands around a message; `now_ns` is for times without a year.
pub(super) fn open(line: &[u8], now_ns: i64) -> Envelope<'_> {
    let head = &line[..line.len().min(HEAD)];
    let mut e = Envelope::default();
    let mut syslog = false;
    for _ in 0..PARTS {
        e.at = skip(head, e.at);
        let rest = &head[e.at..];
        let Some(first) = rest.first() else { break };
        if level(rest).is_some() {
            break;
        }
        if let Some(length) = timed(rest, now_ns, &mut e) {
            e.at += length;
            continue;
        }
        if e.stamp.is_none()
            && let Some(length) = weekday(rest, now_ns)
        {
            e.at += length;
            continue;
        }
        if *first == b'[' {
            if let Some(length) = bracketed(rest, &mut e) {
                e.at += length;
                continue;
            }
            break;
        }
        if *first == b'<'
            && let Some(length) = priority(rest)
        {
            e.at += length;
            continue;
        }
        if let Some(length) = labels(rest, &mut e).or_else(|| grepped(rest, now_ns)) {
            e.at += length;
            continue;
        }
        if let Some(length) = stream(rest) {
            e.at += length;
            continue;
        }
        if let Some((mark, length)) = barred(rest) {
            e.mark = mark;
            e.at += length;
            continue;
        }
        if !syslog && let Some(length) = said_by(rest, &mut e) {
            syslog = true;
            e.at += length;
            continue;
        }
        if let Some(length) = word_level(rest) {
            e.at += length;
            continue;
        }
        let Some(length) = before_level(rest, &mut e) else { break };
        e.at += length;
    }
    e.strange = e.stamp.is_none() && (e.strange || looks_timed(&head[..e.at.max(40).min(head.len())]));
    e
}

/// Blanks, colours, quotes and bars stand before parts, and are none.
fn skip(head: &[u8], mut at: usize) -> usize {
    loop {
        match head.get(at) {
            Some(b' ' | b'\t' | b'"' | b'|' | b',' | b';' | b'\'' | b'>') => at += 1,
            Some(0xef) if head[at..].starts_with(b"\xef\xbb\xbf") => at += 3,
            Some(0x1b) => at += colour(&head[at..]),
            // A colour whose escape a copy has lost.
            Some(b'[') if lost_colour(&head[at..]).is_some() => at += lost_colour(&head[at..]).unwrap_or(1),
            _ => return at,
        }
    }
}

/// A time, perhaps in brackets or behind `time=`, and the bytes that it takes.
fn timed(rest: &[u8], now_ns: i64, e: &mut Envelope<'_>) -> Option<usize> {
    let mut from = 0;
    if matches!(rest.first(), Some(b't' | b'@')) {
        for key in [&b"time="[..], b"ts=", b"t=", b"timestamp=", b"@timestamp="] {
            if rest.starts_with(key) {
                from = key.len();
            }
        }
    }
    while let Some(b'[' | b'(' | b'"') = rest.get(from) {
        from += 1;
        while rest.get(from) == Some(&b' ') {
            from += 1;
        }
    }
    let (stamp, length) = stamp::begins(&rest[from..], now_ns)?;
    // A figure in front of a unit or a sentence is no time: what follows one is a blank, a bracket, or another.
    let end = from + length;
    let follows = rest.get(end).is_none_or(|b| {
        matches!(b, b' ' | b'\t' | b']' | b')' | b'"' | b',' | b';' | b'|' | b':' | b'\r' | 0x1b)
            || stamp::begins(&rest[end..], now_ns).is_some()
    });
    if !follows {
        return None;
    }
    // A clock's time is more than a count since a start, wherever it stands.
    if e.strange && stamp.kind == stamp::Kind::Clock {
        // Of the day before it nobody knows which it is.
    } else if e.stamp.is_none_or(|known| known.kind == stamp::Kind::Relative && stamp.kind > known.kind) {
        e.stamp = Some(stamp);
    }
    let closing = rest[end..].iter().take_while(|b| matches!(b, b']' | b')' | b'"' | b':')).count();
    Some(end + closing)
}

/// The name of a day, in any language, before its date: `Tue 2026-11-24`, `mar. 2026-11-24`.
fn weekday(rest: &[u8], now_ns: i64) -> Option<usize> {
    let letter = |b: &&u8| b.is_ascii_alphabetic() || !b.is_ascii() || matches!(**b, b'?' | b'.' | b',');
    let length = rest.iter().take(14).take_while(letter).count();
    if !(1..=13).contains(&length) || rest.get(length) != Some(&b' ') {
        return None;
    }
    let (stamp, _) = stamp::begins(&rest[length + 1..], now_ns)?;
    (stamp.kind > stamp::Kind::Clock).then_some(length + 1)
}

/// `[pod/name/container]`, and `[name]` of a wrapper before a time or a level.
fn bracketed<'a>(rest: &'a [u8], e: &mut Envelope<'a>) -> Option<usize> {
    let end = memchr::memchr(b']', &rest[..rest.len().min(MARK + 40)])?;
    let inside = &rest[1..end];
    if inside.starts_with(b"pod/") || inside.starts_with(b"pods/") {
        e.mark = inside;
        return Some(end + 1);
    }
    // Any other word in brackets is a mark where the Connector's own level follows it.
    let next = skip(rest, end + 1);
    let named = inside.iter().all(|b| is_name(*b)) && !inside.is_empty();
    let own =
        matches!(inside, b"connector" | b"libsdwan" | b"controller" | b"stun" | b"client" | b"msg" | b"http");
    if !named || own || level(&rest[next..]).is_none() {
        return None;
    }
    if !is_level_word(inside) {
        e.mark = inside;
    }
    Some(next)
}

/// `{container="x", pod="y"}`, as Loki's `logcli` writes labels; and `msg=` of a line in logfmt.
fn labels<'a>(rest: &'a [u8], e: &mut Envelope<'a>) -> Option<usize> {
    if rest.starts_with(b"msg=\"") || rest.starts_with(b"message=\"") {
        return memchr::memchr(b'"', rest).map(|at| at + 1);
    }
    if rest.first() != Some(&b'{') {
        return None;
    }
    let end = memchr::memchr(b'}', rest)?;
    let inside = &rest[1..end];
    let labelled =
        memchr::memmem::find(inside, b"=\"").is_some() && memchr::memmem::find(inside, b"\":").is_none();
    if !labelled {
        return None;
    }
    e.mark = inside;
    Some(end + 1)
}

/// `connector.log:12:`, which `grep` puts before a time.
fn grepped(rest: &[u8], now_ns: i64) -> Option<usize> {
    let word = rest.iter().take(MARK).take_while(|b| is_name(**b)).count();
    memchr::memchr_iter(b':', &rest[..word]).take(3).map(|at| at + 1).find(|at| {
        rest.get(*at).is_some_and(u8::is_ascii_digit)
            && stamp::begins(&rest[*at..], now_ns).is_some_and(|(stamp, _)| stamp.kind >= stamp::Kind::Local)
    })
}

/// `host program[123]: `, `program[123]: `, and RFC 5424's `host program 123 id - `.
fn said_by<'a>(rest: &'a [u8], e: &mut Envelope<'a>) -> Option<usize> {
    let timed = e.stamp.is_some();
    let mut from = 0;
    let mut host: &[u8] = &[];
    for round in 0..2 {
        let length = rest[from..].iter().take(72).take_while(|b| is_program(**b)).count();
        if length == 0 {
            return None;
        }
        let name = &rest[from..from + length];
        let after = &rest[from + length..];
        let (pid, behind) = process(after);
        // Without a process only a name behind a host is one: `failed: x` is a message.
        let by_host = round == 1 && timed && program(name) != Program::Other;
        if after.get(behind) == Some(&b':')
            && after.get(behind + 1).is_none_or(|b| *b == b' ')
            && (pid.is_some() || by_host)
        {
            (e.host, e.name, e.pid, e.program) = (host, name, pid, program(name));
            return Some(from + length + behind + 1);
        }
        if round == 0 && timed && after.first() == Some(&b' ') {
            host = name;
            from += length + 1;
            if let Some(length) = structured(&rest[from..], host, e) {
                return Some(from + length);
            }
        } else {
            break;
        }
    }
    None
}

/// RFC 5424 behind the host: `program 123 id - message`, `program - - [sd] message`.
fn structured<'a>(rest: &'a [u8], host: &'a [u8], e: &mut Envelope<'a>) -> Option<usize> {
    let mut words = rest.splitn(4, |b| *b == b' ');
    let (name, process, _, data) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let number = process.iter().all(u8::is_ascii_digit) && !process.is_empty() && process.len() <= 10;
    let data_begins =
        data.starts_with(b"- ") || data == b"-" || (data.starts_with(b"[") && level(data).is_none());
    if !(number || process == b"-") || name.is_empty() || !name.iter().all(|b| is_program(*b)) || !data_begins
    {
        return None;
    }
    let pid = process.iter().filter(|_| number).fold(0_u64, |n, b| n * 10 + u64::from(b - b'0'));
    (e.host, e.name, e.program) = (host, name, program(name));
    e.pid = u32::try_from(pid).ok().filter(|_| number);
    let at = rest.len() - data.len();
    let sd =
        if data.starts_with(b"[") { memchr::memchr(b']', data).map_or(data.len(), |end| end + 1) } else { 1 };
    Some(at + sd)
}

/// One word that stands before a level or a time of the Connector's own, a mark then: `pod-x connector [ERROR] …`.
fn before_level<'a>(rest: &'a [u8], e: &mut Envelope<'a>) -> Option<usize> {
    let window = &rest[..rest.len().min(200)];
    let own = memchr::memchr_iter(b'[', window).find(|at| level(&window[*at..]).is_some())?;
    let words = window[..own].split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let mut count = 0;
    for word in words {
        count += 1;
        // Stern's arrow, and names; a sentence has other signs, and more words.
        let arrow = std::str::from_utf8(word).is_ok_and(|word| matches!(word, "\u{203a}" | "-" | "+"));
        if count > 5 || !(arrow || word.iter().all(|b| is_name(*b) || matches!(b, b'[' | b']' | b',' | b'"')))
        {
            return None;
        }
    }
    let length = window.iter().take_while(|b| !matches!(b, b' ' | b'\t')).count();
    let word = &window[..length];
    let dated = word.iter().all(|b| b.is_ascii_digit() || matches!(b, b'/' | b'.' | b'-')) && word.len() >= 6;
    if dated && e.stamp.is_none() {
        e.strange = true;
        return Some(length);
    }
    // A line's number is nobody's name.
    let named = word.iter().any(u8::is_ascii_alphabetic);
    if named && e.mark.is_empty() {
        e.mark = word;
    } else if named && e.name.is_empty() {
        // The second word says more: the container in the pod.
        e.name = word;
    }
    Some(length.max(1))
}

/// Whether two figures, a colon, two figures stand there, or a month: a time in some form.
fn looks_timed(head: &[u8]) -> bool {
    let figure = |at: usize| head.get(at).is_some_and(u8::is_ascii_digit);
    memchr::memchr_iter(b':', head).any(|at| {
        at >= 2
            && figure(at - 1)
            && figure(at - 2)
            && figure(at + 1)
            && figure(at + 2)
            && (at < 3 || !figure(at - 3))
            && head.get(at + 3).is_none_or(|b| matches!(b, b':' | b' ' | b'.' | b'\t'))
    }) || months::begins(head).is_some_and(|(_, length)| {
        head.get(length + 1).is_some_and(u8::is_ascii_digit)
            || head.get(length + 2).is_some_and(u8::is_ascii_digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::log::stamp::{Kind, NS};

    /// 2026-11-24T14:12:13Z.
    const THEN: i64 = 1_795_529_533 * NS;

    fn got(line: &str) -> Option<(i64, i64, Kind)> {
        open(line.as_bytes(), THEN + 100 * NS).stamp.map(|s| (s.ns - THEN, s.resolution_ns, s.kind))
    }

    #[test]
    fn every_form_of_time_is_read() {
        for (line, ns, resolution, kind) in [
            // docker logs -t, kubectl logs --timestamps, CRI, docker compose logs, kubectl logs --prefix.
            ("2026-11-24T14:12:13.123456789Z [ERROR] x", 123_456_789, 1, Kind::Zoned),
            ("2026-11-24T15:12:13.5+01:00 stderr F [ERROR] x", 500_000_000, 100_000_000, Kind::Zoned),
            ("connector-1  | 2026-11-24T14:12:13Z [ERROR] x", 0, NS, Kind::Zoned),
            ("[pod/tg-1/connector] 2026-11-24T14:12:13Z [ERROR] x", 0, NS, Kind::Zoned),
            // journalctl: short, short-precise, short-iso, short-iso-precise, short-full, short-unix, short-monotonic.
            ("Nov 24 14:12:13 host twingate-connector[7]: x", 0, NS, Kind::Yearless),
            ("Nov 24 14:12:13.000123 host twingate-connector[7]: x", 123_000, 1000, Kind::Yearless),
            ("2026-11-24T14:12:13+0000 host twingate-connector[7]: x", 0, NS, Kind::Zoned),
            ("2026-11-24T10:42:13.000123-0330 host x[7]: x", 123_000, 1000, Kind::Zoned),
            ("Tue 2026-11-24 14:12:13 UTC host x[7]: x", 0, NS, Kind::Zoned),
            ("Tue 2026-11-24 14:12:13 CET host x[7]: x", 0, NS, Kind::Local),
            ("mar. 2026-11-24 14:12:13 CET host x[7]: x", 0, NS, Kind::Local),
            ("1795529533.000123 host x[7]: x", 123_000, 1000, Kind::Zoned),
            ("[   12.345678] host x[7]: x", 12_345_678_000 - THEN, 1000, Kind::Relative),
            // Syslog, RFC 3164 and 5424; other languages.
            ("<30>Nov 24 14:12:13 host twingate-connector[7]: x", 0, NS, Kind::Yearless),
            (
                "<30>1 2026-11-24T14:12:13.5Z host twingate-connector 7 - - x",
                500_000_000,
                100_000_000,
                Kind::Zoned,
            ),
            ("nov. 24 14:12:13 host x[7]: x", 0, NS, Kind::Yearless),
            ("11月 24 14:12:13 host x[7]: x", 0, NS, Kind::Yearless),
            ("11月24日 14:12:13 host x[7]: x", 0, NS, Kind::Yearless),
            // The Connector's own, and what programs write in general.
            ("[2026-11-24 14:12:13.123] [ERROR] x", 123_000_000, 1_000_000, Kind::Local),
            ("2026/11/24 14:12:13,123 [ERROR] x", 123_000_000, 1_000_000, Kind::Local),
            ("\x1b[31m2026-11-24 14:12:13 [ERROR]\x1b[0m x", 0, NS, Kind::Local),
            ("24.11.2026 14:12:13 [ERROR] x", 0, NS, Kind::Local),
            ("24/Nov/2026:14:12:13 +0000 [ERROR] x", 0, NS, Kind::Zoned),
            ("24 Nov 2026 14:12:13 [ERROR] x", 0, NS, Kind::Local),
            ("11/24/2026, 2:12:13 PM [ERROR] x", 0, NS, Kind::Local),
            ("Tue Nov 24 14:12:13 2026 [ERROR] x", 0, NS, Kind::Local),
            ("Tue Nov 24 14:12:13 UTC 2026 [ERROR] x", 0, NS, Kind::Zoned),
            ("time=\"2026-11-24T14:12:13Z\" level=error msg=x", 0, NS, Kind::Zoned),
            ("1795529533000\t[ERROR] x", 0, 1_000_000, Kind::Zoned),
            ("[14:12:13] ERROR: [ERROR] x", (14 * 3600 + 12 * 60 + 13) * NS - THEN, NS, Kind::Clock),
            (
                "[14:12:13.123] [ERROR] x",
                (14 * 3600 + 12 * 60 + 13) * NS + 123_000_000 - THEN,
                1_000_000,
                Kind::Clock,
            ),
            ("12.345 [ERROR] x", 12_345_000_000 - THEN, 1_000_000, Kind::Relative),
        ] {
            assert_eq!(got(line), Some((ns, resolution, kind)), "{line}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for line in [
            "",
            "[ERROR] [connector] failed to get SD: Gone, code 410",
            "1.93.0 starts",
            "203.0.113.7:30001 x",
            "{",
            "2026-13-24T14:12:13Z",
            "2026-02-30T14:12:13Z",
            "2026-11-24T24:12:13Z x",
            "999999999999 x",
            "Mon x",
            "\x1b[",
            "2026-11-24",
            "10.0.0.1",
            "11/10/2026 14:12:13 [ERROR] either",
        ] {
            assert_eq!(got(line), None, "{line}");
        }
        assert!(open(b"11/10/2026 14:12:13 [ERROR] either", THEN).strange);
        assert!(!open(b"[ERROR] [connector] State: Error", THEN).strange);
    }

    #[test]
    fn a_year_that_is_not_told_is_the_latest_possible() {
        let year = |line: &str| open(line.as_bytes(), THEN).stamp.map(|s| s.ns / NS / 31_556_952 + 1970);
        assert_eq!(year("Dec 30 00:00:00 x"), Some(2025));
        assert_eq!(year("Nov 25 00:00:00 x"), Some(2026), "zones reach a day ahead");
        assert_eq!(year("Feb 29 12:00:00 x"), Some(2024));
    }

    #[test]
    fn whose_line_it_is_and_what_it_says() {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        for (line, mark, host, program, pid, message) in [
            (
                "2026-11-24T14:12:13+0000 h twingate-connector[7]: [ERROR] [x] y",
                "",
                "h",
                Program::Connector,
                Some(7),
                "[ERROR] [x] y",
            ),
            (
                "Nov 24 14:12:13 h twingate-connector[70]: plain",
                "",
                "h",
                Program::Connector,
                Some(70),
                "plain",
            ),
            ("Nov 24 14:12:13 h systemd[1]: Started x", "", "h", Program::Manager, Some(1), "Started x"),
            ("Nov 24 14:12:13 h kernel: Out of x", "", "h", Program::Manager, None, "Out of x"),
            ("Nov 24 14:12:13 h nginx[77]: x", "", "h", Program::Other, Some(77), "x"),
            ("Nov 24 14:12:13 h chronyd[7]: x", "", "h", Program::Clock, Some(7), "x"),
            (
                "twingate-connector[6479]: Response was: x",
                "",
                "",
                Program::Connector,
                Some(6479),
                "Response was: x",
            ),
            (
                "<30>1 2026-11-24T14:12:13Z h twingate-connector 7 - - [ERROR] y",
                "",
                "h",
                Program::Connector,
                Some(7),
                "[ERROR] y",
            ),
            (
                "<30>1 2026-11-24T14:12:13Z h twingate-connector 7 ID [a b=\"c\"] y",
                "",
                "h",
                Program::Connector,
                Some(7),
                "y",
            ),
            (
                "connector-a-1  | 2026-11-24T13:00:01Z [WARN] y",
                "connector-a-1",
                "",
                Program::Unknown,
                None,
                "[WARN] y",
            ),
            ("\x1b[36mconnector-1  |\x1b[0m [WARN] y", "connector-1", "", Program::Unknown, None, "[WARN] y"),
            (
                "[pod/tg-1/connector] TWINGATE_ACCESS_TOKEN is empty",
                "pod/tg-1/connector",
                "",
                Program::Unknown,
                None,
                "TWINGATE_ACCESS_TOKEN is empty",
            ),
            ("tg-5d9 connector [ERROR] y", "tg-5d9", "", Program::Unknown, None, "[ERROR] y"),
            ("tg-5d9 \u{203a} connector [ERROR] y", "tg-5d9", "", Program::Unknown, None, "[ERROR] y"),
            ("2026-11-24T13:00:01Z stderr F [ERROR] y", "", "", Program::Unknown, None, "[ERROR] y"),
            ("[21:00:07] ERROR: [ERROR] y", "", "", Program::Unknown, None, "[ERROR] y"),
            ("[ERROR] y", "", "", Program::Unknown, None, "[ERROR] y"),
            (
                "2026-11-24T00:01:58Z Response was: {\"a\":1} [connector]",
                "",
                "",
                Program::Unknown,
                None,
                "Response was: {\"a\":1} [connector]",
            ),
            (
                "docker: Error response from daemon: x",
                "",
                "",
                Program::Unknown,
                None,
                "docker: Error response from daemon: x",
            ),
            ("y", "", "", Program::Unknown, None, "y"),
            ("", "", "", Program::Unknown, None, ""),
        ] {
            let e = open(line.as_bytes(), THEN);
            let said = text(&line.as_bytes()[e.at..]);
            assert_eq!(
                (text(e.mark).as_str(), text(e.host).as_str(), e.program, e.pid),
                (mark, host, program, pid),
                "{line}"
            );
            assert_eq!(said.trim_start(), message, "{line}");
        }
    }
}
