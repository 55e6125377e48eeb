//! DNS: a question for the root's name servers, recursion not desired, and whether a message answers it (RFC 1035 4.1).

use super::reply::Reply;

/// `. NS IN`, and nothing else.
pub fn question(id: u16) -> Vec<u8> {
    let mut bytes = id.to_be_bytes().to_vec();
    bytes.extend([0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    bytes.extend([0, 0, 2, 0, 1]);
    bytes
}

/// The answer to the question with this id; none where the message is no answer to it.
pub fn answer(message: &[u8], id: u16) -> Option<Reply> {
    let (head, rest) = message.split_first_chunk::<12>()?;
    let [first, second, flags, codes, counts @ ..] = head;
    if u16::from_be_bytes([*first, *second]) != id || flags & 0xf8 != 0x80 {
        return None;
    }
    let rcode = codes & 0x0f;
    // A server that could not read a question may leave it out of its refusal.
    let ours = match u16::from_be_bytes([counts[0], counts[1]]) {
        1 => rest.starts_with(&[0, 0, 2, 0, 1]),
        0 => rcode != 0,
        _ => false,
    };
    let says = match rcode {
        0 => "NOERROR",
        1 => "FORMERR",
        2 => "SERVFAIL",
        3 => "NXDOMAIN",
        4 => "NOTIMP",
        5 => "REFUSED",
        _ => "another response code",
    };
    ours.then(|| Reply::of("dns", format!("answers {says}")))
}
