//! Which protocol first bytes show, whoever was expected; a row a sign.

use super::reply::{MAX_WORDS, Read, Reply, first_line, printable};
use super::{http, ldap, line, mysql, rdp, smb, ssh};

/// Beginnings that no other protocol shares: bytes, protocol.
const SIGNS: &[(&[u8], &str)] = &[
    (b"* OK", "imap"),
    (b"* PREAUTH", "imap"),
    (b"* BYE", "imap"),
    (b"+OK", "pop3"),
    (b"RFB 00", "vnc"),
    (b"-ERR", "redis"),
    (b"-NOAUTH", "redis"),
    (b"-DENIED Redis", "redis"),
    (b"AMQP", "amqp"),
    (b"<?xml version='1.0'?><stream", "xmpp"),
    (b"<stream:", "xmpp"),
    (b"@RSYNCD:", "rsync"),
    (b"\xff\xfb", "telnet"),
    (b"\xff\xfd", "telnet"),
    (b"PRI * HTTP/2", "http"),
    (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", "http2"),
];

/// The protocol that `bytes` show; `ended`: an unfinished line stands for itself.
pub fn recognise(bytes: &[u8], ended: bool) -> Option<Reply> {
    if let Some(reply) = tls(bytes) {
        return Some(reply);
    }
    if bytes.starts_with(b"HTTP/1.") {
        if http::speaks_tls(bytes) {
            return Some(Reply::of("tls", "says that this port speaks TLS"));
        }
        let whole = ended || bytes.windows(2).any(|w| w == b"\n\r" || w == b"\n\n");
        return whole.then(|| http::head_reply(bytes)).flatten();
    }
    if let Some((_, protocol)) = SIGNS.iter().find(|(sign, _)| bytes.starts_with(sign)) {
        let line = first_line(bytes, true).unwrap_or_default();
        return Some(Reply::of(protocol, printable(line, MAX_WORDS)));
    }
    if let Some(line) = first_line(bytes, ended) {
        if line.starts_with(b"SSH-")
            && let Read::Is(reply) = ssh::version(line)
        {
            return Some(reply);
        }
        if let Some(reply) = ssh::refusal(line) {
            return Some(reply);
        }
        if let Some(mut reply) = line::reply(line) {
            if reply.protocol.is_empty() {
                "smtp or ftp".clone_into(&mut reply.protocol);
            }
            return Some(reply);
        }
    }
    // The binary ones that a server may say first, or in answer to anything.
    [mysql::read, rdp::read, smb::read, ldap::read].into_iter().find_map(|read| match read(bytes) {
        Read::Is(reply) => Some(reply),
        Read::More | Read::Not => None,
    })
}

/// A record of TLS (RFC 8446 5.1): an alert or a handshake.
fn tls(bytes: &[u8]) -> Option<Reply> {
    let says = match bytes {
        [0x15, 3, 0..=4, 0, 2, _, 70, ..] => "alert: protocol version",
        [0x15, 3, 0..=4, 0, 2, ..] => "an alert",
        [0x16, 3, 0..=4, ..] => "a handshake",
        _ => return None,
    };
    Some(Reply::of("tls", says))
}
