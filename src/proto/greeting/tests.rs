//! The rows, and every reader by the examples of its specification, of real servers, and of bytes that mean harm.

use proptest::prelude::*;

use super::reply::MAX_WORDS;
use super::rows::UNDECIDED;
use super::*;

/// What `kind` makes of these bytes when no more come.
fn ended(kind: Kind, bytes: &[u8]) -> Reply {
    match kind.row().read(bytes, true) {
        Reading::Reply(reply) => reply,
        other => panic!("{kind:?} {bytes:?}: {other:?}"),
    }
}

fn seen(kind: Kind, bytes: &[u8]) -> (String, Option<String>, String) {
    let reply = ended(kind, bytes);
    (reply.protocol, reply.version, reply.says)
}

/// A server's greeting as it came, what its kind makes of it.
#[test]
fn real_servers_are_recognised_with_their_version() {
    let mariadb = b"\x5b\0\0\0\x0a5.5.5-10.11.6-MariaDB-0+deb12u1\0\x05\0\0\0saltsalt\0";
    let mysql = b"\x4a\0\0\0\x0a8.0.36\0\x08\0\0\0saltsalt\0";
    let pad = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        bytes.resize(4 + usize::from(bytes[0]), 0);
        bytes
    };
    let smb = {
        let mut message = vec![0, 0, 0, 0xa0, 0xfe, b'S', b'M', b'B'];
        message.resize(4 + 64, 0);
        message.extend([65, 0, 3, 0, 0x11, 3, 1, 0]);
        message.resize(4 + 0xa0, 0);
        message
    };
    let rdp = [3, 0, 0, 19, 14, 0xd0, 0, 0, 0x12, 0x34, 0, 2, 0x1f, 8, 0, 2, 0, 0, 0];
    let old_rdp = [3, 0, 0, 11, 6, 0xd0, 0, 0, 0x12, 0x34, 0];
    let no_nla = [3, 0, 0, 19, 14, 0xd0, 0, 0, 0x12, 0x34, 0, 3, 0, 8, 0, 2, 0, 0, 0];
    let start_tls = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00";
    let unavailable = b"\x30\x84\0\0\0\x0c\x02\x01\x01\x78\x07\x0a\x01\x34\x04\x00\x04\x00";
    for (kind, bytes, version, says) in [
        (
            Kind::Ssh,
            &b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u2\r\n"[..],
            Some("OpenSSH_9.2p1 Debian-2+deb12u2"),
            "SSH 2.0",
        ),
        (Kind::Ssh, b"Welcome\r\nto it\r\nSSH-1.99-Cisco-1.25\n", Some("Cisco-1.25"), "SSH 1.99"),
        (
            Kind::Http,
            b"HTTP/1.1 301 Moved Permanently\r\nServer: nginx/1.22.1\r\nLocation: https://x/\r\n\r\n",
            Some("nginx/1.22.1"),
            "301 Moved Permanently",
        ),
        (Kind::Http, b"HTTP/1.0 204\n\n", None, "204"),
        (Kind::Mysql, &pad(mariadb), Some("10.11.6-MariaDB-0+deb12u1"), "greeting of protocol 10"),
        (Kind::Mysql, &pad(mysql), Some("8.0.36"), "greeting of protocol 10"),
        (Kind::Postgresql, b"S", None, "offers TLS"),
        (Kind::Postgresql, b"N", None, "offers no TLS"),
        (Kind::Rdp, &rdp, Some("NLA (CredSSP)"), "offers NLA (CredSSP)"),
        (Kind::Rdp, &old_rdp, Some("standard RDP security"), "offers standard RDP security"),
        (Kind::Rdp, &no_nla, None, "refuses TLS and NLA, code 2"),
        (Kind::Ldap, start_tls, None, "offers StartTLS"),
        (Kind::Ldap, unavailable, None, "StartTLS unavailable"),
        (Kind::Smb, &smb, Some("3.1.1"), "SMB 3.1.1, signing required"),
        (
            Kind::Smtp,
            b"220 mail.example ESMTP Postfix (Debian)\r\n",
            Some("mail.example ESMTP Postfix (Debian)"),
            "220 mail.example ESMTP Postfix (Debian)",
        ),
        (Kind::Smtp, b"220-hello\r\n220 world\r\n", Some("hello"), "220 hello"),
        (Kind::Ftp, b"220 (vsFTPd 3.0.3)\r\n", Some("(vsFTPd 3.0.3)"), "220 (vsFTPd 3.0.3)"),
    ] {
        let wanted = (
            if kind == Kind::Http { "http" } else { kind.word() }.to_owned(),
            version.map(str::to_owned),
            says.to_owned(),
        );
        assert_eq!(seen(kind, bytes), wanted);
        // Byte by byte it is the same, and nothing is said too early.
        let row = kind.row();
        let at =
            (1..=bytes.len()).find(|n| row.read(&bytes[..*n], false) != Reading::More).expect("it is read");
        assert_eq!(row.read(&bytes[..at], false), row.read(bytes, true), "{kind:?} at {at}");
    }
    let redirect = ended(Kind::Http, b"HTTP/1.1 302 Found\r\nlocation: /login\r\n\r\n");
    assert_eq!(redirect.location.as_deref(), Some("/login"));
}

#[test]
fn a_server_that_refuses_by_its_protocol_is_its_kind_and_refuses() {
    let blocked =
        b"\x47\0\0\0\xff\x69\x04Host '10.0.0.5' is blocked because of many connection errors; unblock";
    let full = b"\x19\0\0\0\xff\x10\x04#08004Too many connect";
    let fatal = b"E\0\0\0\x32SFATAL\0VFATAL\0C57P03\0Mthe system is starting\0\0";
    for (kind, bytes, refuses) in [
        (
            Kind::Mysql,
            &blocked[..],
            "Host '10.0.0.5' is blocked because of many connection errors; unbloc, error 1129",
        ),
        (Kind::Mysql, full, "Too many connect"),
        (Kind::Ssh, b"Exceeded MaxStartups\r\n", "Exceeded MaxStartups"),
        (Kind::Ssh, b"Not allowed at this time\r\n", "Not allowed at this time"),
        (Kind::Smtp, b"554 5.7.1 no\r\n", "554 5.7.1 no"),
        (
            Kind::Ftp,
            b"421 There are too many connected users, please try later.\r\n",
            "421 There are too many",
        ),
        (Kind::Postgresql, fatal, "the system is starting"),
    ] {
        let reply = ended(kind, bytes);
        assert_eq!(reply.protocol, kind.word());
        let said = reply.refuses.unwrap_or_default();
        assert!(said.starts_with(refuses), "{kind:?}: {said}");
    }
}

#[test]
fn another_protocol_is_named_whatever_was_expected() {
    let tls_alert = b"\x15\x03\x01\0\x02\x02\x16";
    let old_tls = b"\x15\x03\x01\0\x02\x02\x46";
    let http = b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n<html>";
    let wants_tls = b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\nContent-Length: 60\r\n\r\n<center>The plain HTTP request was sent to HTTPS port</center>";
    for (kind, bytes, protocol) in [
        (Kind::Http, &tls_alert[..], "tls"),
        (Kind::Http, old_tls, "tls"),
        (Kind::Http, wants_tls, "tls"),
        (Kind::Tls, http, "http"),
        (Kind::Tls, wants_tls, "tls"),
        (Kind::Mysql, b"SSH-2.0-dropbear\r\n", "ssh"),
        (Kind::Postgresql, b"SSH-2.0-dropbear\r\n", "ssh"),
        (Kind::Ssh, b"220 mail ESMTP\r\n", "smtp"),
        (Kind::Ssh, b"220 here\r\n", "smtp or ftp"),
        (Kind::Smtp, b"220 FTP server ready\r\n", "ftp"),
        (Kind::Ftp, b"220 mail ESMTP\r\n", "smtp"),
        (Kind::Rdp, b"RFB 003.008\n", "vnc"),
        (Kind::Smtp, b"* OK IMAP4rev1\r\n", "imap"),
        (Kind::Smtp, b"+OK POP3\r\n", "pop3"),
        (Kind::Ssh, b"-DENIED Redis is running in protected mode\r\n", "redis"),
        (Kind::Ssh, b"\xff\xfd\x01\xff\xfd\x1f", "telnet"),
        (Kind::Ssh, b"HTTP/1.1 400 Bad Request\r\n\r\n", "http"),
        (Kind::Ldap, b"N", "?"),
    ] {
        match kind.row().read(bytes, true) {
            Reading::Reply(reply) => assert_eq!(reply.protocol, protocol, "{kind:?}"),
            Reading::Unknown(_) => assert_eq!(protocol, "?", "{kind:?} {bytes:?}"),
            Reading::More => panic!("{kind:?}: nothing more comes"),
        }
    }
}

#[test]
fn what_is_sent_is_as_its_specification_says_and_bears_no_name() {
    let said = |kind: Kind| match kind.row().opening {
        Opening::Say(say) | Opening::TlsSay(say) => say("intranet.example:8080"),
        _ => Vec::new(),
    };
    assert_eq!(said(Kind::Postgresql), [8_u32.to_be_bytes(), 80_877_103_u32.to_be_bytes()].concat());
    let rdp = said(Kind::Rdp);
    assert_eq!((rdp.len(), usize::from(rdp[3]), usize::from(rdp[4])), (19, 19, 14));
    let ldap = said(Kind::Ldap);
    assert_eq!((ldap.len(), usize::from(ldap[1])), (31, 29));
    let smb = said(Kind::Smb);
    assert_eq!(smb.len() - 4, usize::from(u16::from_be_bytes([smb[2], smb[3]])));
    // The context lies where the request says, on a multiple of 8.
    let at = u32::from_le_bytes(smb[4 + 64 + 28..4 + 64 + 32].try_into().unwrap()) as usize;
    assert_eq!((at % 8, &smb[4 + at..4 + at + 4], smb.len()), (0, &[1, 0, 38, 0][..], 4 + at + 8 + 38));
    let http = String::from_utf8(said(Kind::Http)).unwrap();
    assert!(
        http.starts_with("GET / HTTP/1.1\r\nHost: intranet.example:8080\r\n") && http.ends_with("\r\n\r\n")
    );
    assert!(
        !http.to_ascii_lowercase().contains("cookie") && !http.to_ascii_lowercase().contains("authorization")
    );
    assert!(said(Kind::Ssh).is_empty() && said(Kind::Mysql).is_empty() && said(Kind::Redis).is_empty());
}

#[test]
fn a_question_is_answered_by_its_own_answer_alone() {
    let question = dns_question(0xBEEF);
    assert_eq!(question.len(), 17);
    let mut answer = question.clone();
    (answer[2], answer[3]) = (0x80, 5);
    assert_eq!(dns_answer(&answer, 0xBEEF).unwrap().says, "answers REFUSED");
    assert_eq!(dns_answer(&answer, 0xBEEE), None);
    assert_eq!(dns_answer(&question, 0xBEEF), None);
    let short = [0xBE, 0xEF, 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(dns_answer(&short, 0xBEEF).unwrap().says, "answers FORMERR");
    answer[16] = 3;
    assert_eq!(dns_answer(&answer, 0xBEEF), None);
}

#[test]
fn an_echo_is_answered_by_its_own_mark_alone() {
    for ipv6 in [false, true] {
        let mut message = echo::request(ipv6, 7, *b"01234567");
        assert_eq!(message.len(), 16);
        assert_eq!(echo::answer(ipv6, &message, *b"01234567"), None);
        message[0] = if ipv6 { 129 } else { 0 };
        assert_eq!(echo::answer(ipv6, &message, *b"01234567"), Some(7));
        assert_eq!(echo::answer(ipv6, &message, *b"01234568"), None);
        assert_eq!(echo::answer(ipv6, &message[..12], *b"01234567"), None);
    }
}

#[test]
fn every_kind_has_one_row_and_no_port_is_two_kinds() {
    let mut ports: Vec<u16> = ROWS.iter().flat_map(|row| row.ports).copied().collect();
    let count = ports.len();
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), count);
    for row in ROWS {
        assert_eq!((row.kind.row().word, Kind::parse(row.word)), (row.word, Some(row.kind)));
        assert_eq!(serde_json::to_string(&row.kind).unwrap(), format!("\"{}\"", row.word));
        assert!(!row.sends.is_empty() && !row.logs.is_empty() && !row.sends.ends_with('.'));
        for port in row.ports {
            assert_eq!(Kind::of_port(*port), row.kind);
        }
    }
    assert_eq!((Kind::of_port(9999), Kind::parse("SSH")), (Kind::Tcp, None));
}

#[test]
fn an_endless_banner_ends_and_escape_codes_are_gone() {
    let endless = b"x".repeat(8 * 1024);
    assert_eq!(Kind::Ssh.row().read(&endless, false), Reading::Unknown("x".repeat(80)));
    let lines = b"hello\r\n".repeat(8 * 1024 / 7 + 1);
    assert!(matches!(Kind::Ssh.row().read(&lines, false), Reading::Unknown(_)));
    let reply = ended(Kind::Ssh, b"SSH-2.0-\x1b]0;owned\x07\x1b[2J evil\xe2\x80\xae\r\n");
    assert_eq!(reply.version.as_deref(), Some("]0;owned [2J evil"));
    let reply = ended(Kind::Http, b"HTTP/1.1 200 \x1b[31mOK\r\nServer: a\tb\x9b\r\n\r\n");
    assert_eq!((reply.says.as_str(), reply.version.as_deref()), ("200 [31mOK", Some("a b")));
}

fn is_fit(reply: &Reply) -> bool {
    let texts = [
        Some(&reply.protocol),
        Some(&reply.says),
        reply.version.as_ref(),
        reply.refuses.as_ref(),
        reply.location.as_ref(),
    ];
    texts.into_iter().flatten().all(|t| t.len() <= 200 && t.bytes().all(|b| (32..127).contains(&b)))
}

proptest! {
    /// Whatever comes: an end, printable words, and the same answer again.
    #[test]
    fn no_bytes_break_a_reader(row in 0..ROWS.len(), begin in 0..BEGINNINGS.len(), rest in prop::collection::vec(any::<u8>(), 0..600), cut in any::<usize>()) {
        let row = &ROWS[row];
        let bytes = [BEGINNINGS[begin], &rest].concat();
        let bytes = &bytes[..cut % (bytes.len() + 1)];
        for end in [false, true] {
            match row.read(bytes, end) {
                Reading::More => prop_assert!(!end && bytes.len() < row.most.max(UNDECIDED)),
                Reading::Reply(reply) => prop_assert!(is_fit(&reply) && !reply.protocol.is_empty(), "{reply:?}"),
                Reading::Unknown(text) => prop_assert!(text.len() <= MAX_WORDS && text.bytes().all(|b| (32..127).contains(&b))),
            }
        }
        let _ = dns_answer(bytes, u16::from_be_bytes([*bytes.first().unwrap_or(&0), *bytes.get(1).unwrap_or(&0)]));
    }
}

/// What leads arbitrary bytes past the first branch.
const BEGINNINGS: &[&[u8]] = &[
    b"",
    b"SSH-2.0-",
    b"HTTP/1.1 200 ",
    b"HTTP/1.1 400 x\r\n\r\n",
    b"220 ",
    b"\x30\x0c\x02\x01\x01\x78",
    b"\x03\x00\x00\x13\x0e\xd0",
    b"\x40\x00\x00\x00\x0a",
    b"\x40\x00\x00\x00\xff",
    b"\x00\x00\x00\x80\xfeSMB",
    b"E\x00\x00\x00\x20",
    b"\x15\x03\x03\x00\x02",
];
