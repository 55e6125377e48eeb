//! Arbitrary first bytes of a Resource's server against the reader of every kind. Panics when a promise is broken.

use connector_doctor::proto::greeting::{ROWS, Reading, dns_answer, echo};

/// The first byte chooses the kind, the rest is what its server said.
pub(crate) fn run(data: &[u8]) {
    let Some((&kind, bytes)) = data.split_first() else { return };
    let row = &ROWS[usize::from(kind) % ROWS.len()];
    let whole = row.read(bytes, true);
    assert_ne!(whole, Reading::More, "nothing more comes");
    for end in [bytes.len() / 2, bytes.len()] {
        match row.read(&bytes[..end], false) {
            Reading::More => assert!(end < row.most.max(256), "{end} bytes are enough"),
            Reading::Reply(reply) => {
                assert!(!reply.protocol.is_empty());
                let texts =
                    [Some(reply.says), reply.version, reply.refuses, reply.location, Some(reply.protocol)];
                assert!(
                    texts.iter().flatten().all(|text| text.len() <= 200 && is_printable(text)),
                    "{texts:?}"
                );
            }
            Reading::Unknown(text) => assert!(text.len() <= 80 && is_printable(&text), "{text}"),
        }
    }
    if let [first, second, ..] = bytes {
        let id = u16::from_be_bytes([*first, *second]);
        assert!(dns_answer(bytes, id).is_none_or(|reply| is_printable(&reply.says)));
        assert_eq!(dns_answer(bytes, !id), None);
    }
    for ipv6 in [false, true] {
        let mark = bytes.get(8..16).and_then(|mark| mark.try_into().ok()).unwrap_or_default();
        assert!(echo::answer(ipv6, bytes, mark).is_none() || bytes.len() == 16);
    }
}

fn is_printable(text: &str) -> bool {
    text.bytes().all(|b| (32..127).contains(&b))
}
