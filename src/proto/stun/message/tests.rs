//! The codec against the vectors of RFC 5769, and against bytes that break the rules.

use std::net::{IpAddr, SocketAddr};

use proptest::prelude::*;
use sha1::{Digest, Sha1};

use super::*;

const ID: TransactionId = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

/// A file of hexadecimal digits and white space.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().filter_map(|c| c.to_digit(16)).map(|d| d as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

macro_rules! fixture {
    ($name:literal) => {
        hex(include_str!(concat!("../../../../tests/fixtures/stun/", $name, ".hex")))
    };
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A message with the attributes given, of any shape.
fn raw(bits: u16, attributes: &[(u16, &[u8])]) -> Vec<u8> {
    let mut bytes = Message::request(ID).encode();
    bytes[..2].copy_from_slice(&bits.to_be_bytes());
    for (kind, value) in attributes {
        push_attribute(&mut bytes, *kind, value);
    }
    bytes
}

fn hmac_sha1(key: &[u8], data: &[u8]) -> Vec<u8> {
    assert!(key.len() <= 64);
    let pad =
        |byte: u8| -> Vec<u8> { (0..64).map(|i| key.get(i).copied().unwrap_or_default() ^ byte).collect() };
    let inner = Sha1::new().chain_update(pad(0x36)).chain_update(data).finalize();
    Sha1::new().chain_update(pad(0x5c)).chain_update(inner).finalize().to_vec()
}

#[test]
fn rfc5769_vectors_decode() {
    let request = Message::decode(&fixture!("rfc5769-2.1")).unwrap();
    assert_eq!((request.class, request.method), (Class::Request, BINDING));
    assert_eq!(request.software.as_deref(), Some("STUN test client"));
    assert_eq!(request.unknown_required, [0x0024], "PRIORITY is ICE's; USERNAME is known");
    assert!(request.fingerprint);

    let v4 = Message::decode(&fixture!("rfc5769-2.2")).unwrap();
    assert_eq!(v4.class, Class::Success);
    assert_eq!(v4.xor_mapped, Some(address("192.0.2.1:32853")));
    assert_eq!(v4.software.as_deref(), Some("test vector"));
    assert!(v4.fingerprint);

    let v6 = Message::decode(&fixture!("rfc5769-2.3")).unwrap();
    assert_eq!(v6.xor_mapped, Some(address("[2001:db8:1234:5678:11:2233:4455:6677]:32853")));
    assert!(v6.fingerprint && v6.unknown_required.is_empty());
}

#[test]
fn rfc5769_vectors_hold_their_message_integrity() {
    for (vector, name) in
        [(fixture!("rfc5769-2.1"), "2.1"), (fixture!("rfc5769-2.2"), "2.2"), (fixture!("rfc5769-2.3"), "2.3")]
    {
        // MESSAGE-INTEGRITY is 24 bytes before the 8 of FINGERPRINT; its length field counts up to itself.
        let at = vector.len() - 32;
        let mut covered = vector[..at].to_vec();
        set_length(&mut covered, at + 24 - HEADER);
        assert_eq!(hmac_sha1(b"VOkJxbRl1RmTxUk/WvJxBt", &covered), vector[at + 4..at + 24], "{name}");
    }
}

#[test]
fn a_full_answer_decodes() {
    let message = Message::decode(&fixture!("behaviour-success")).unwrap();
    assert_eq!(message.id, ID);
    assert_eq!(message.xor_mapped, Some(address("203.0.113.194:49237")));
    assert_eq!(message.mapped, Some(address("203.0.113.194:49237")));
    assert_eq!(message.response_origin, Some(address("198.51.100.1:3478")));
    assert_eq!(message.other_address, Some(address("198.51.100.2:3479")));
    assert_eq!(message.software.as_deref(), Some("Coturn-4.6.1 'Gorst valley'"));
    assert!(!message.fingerprint);
}

#[test]
fn a_refusal_tells_code_reason_and_types() {
    let message = Message::decode(&fixture!("refusal-420")).unwrap();
    assert_eq!(message.class, Class::Error);
    assert_eq!(message.error, Some(ErrorCode { code: 420, reason: "Unknown Attribute".into() }));
    assert_eq!(message.unknown_attributes, [0x0003]);
}

#[test]
fn a_server_of_rfc_3489_is_understood() {
    let message = Message::decode(&fixture!("rfc3489-success")).unwrap();
    assert_eq!((message.mapped, message.xor_mapped), (Some(address("203.0.113.194:49237")), None));
    assert!(message.unknown_required.is_empty());
}

#[test]
fn change_request_and_response_port_are_what_rfc_5780_says() {
    let message = Message {
        change: Some(Change { ip: true, port: true }),
        response_port: Some(50_000),
        ..Message::request(ID)
    };
    assert_eq!(message.encode(), fixture!("change-request"));
    for (ip, port) in [(false, false), (false, true), (true, false), (true, true)] {
        let asked = Message { change: Some(Change { ip, port }), ..Message::request(ID) };
        assert_eq!(Message::decode(&asked.encode()).unwrap().change, Some(Change { ip, port }));
    }
}

#[test]
fn the_old_number_of_xor_mapped_address_counts() {
    let value = write_address(xor_address(address("203.0.113.9:40000"), &ID));
    let message = Message::decode(&raw(0x0101, &[(kind::XOR_MAPPED_ADDRESS_OLD, &value)])).unwrap();
    assert_eq!(message.xor_mapped, Some(address("203.0.113.9:40000")));
}

#[test]
fn header_rules_hold() {
    let good = Message::request(ID).encode();
    assert_eq!(good.len(), HEADER);
    assert!(Message::decode(&good).is_ok());
    let mut bits = good.clone();
    bits[0] |= 0x80;
    let mut cookie = good.clone();
    cookie[4] ^= 1;
    for bad in [&good[..19], &[], &bits, &cookie] {
        assert_eq!(Message::decode(bad), Err(DecodeError::NotStun));
    }
    let trailing = [&good[..], &[0; 4]].concat();
    let mut odd = [&good[..], &[0; 2]].concat();
    odd[3] = 2;
    let mut short = good.clone();
    short[3] = 4;
    for bad in [trailing, odd, short] {
        assert_eq!(Message::decode(&bad), Err(DecodeError::Length));
    }
}

#[test]
fn bad_optional_attributes_are_skipped_and_bad_required_ones_are_not() {
    let mapped = write_address(xor_address(address("192.0.2.7:7"), &ID));
    let hostile: &[(u16, &[u8])] = &[
        (kind::OTHER_ADDRESS, &[0, 9, 0, 80, 1, 2, 3, 4]),
        (kind::RESPONSE_ORIGIN, &[0, 1]),
        (kind::SOFTWARE, &[0xff; 700]),
        (0xFFFF, b"?"),
        (kind::XOR_MAPPED_ADDRESS, &mapped),
    ];
    let message = Message::decode(&raw(0x0101, hostile)).unwrap();
    assert_eq!(message.xor_mapped, Some(address("192.0.2.7:7")));
    assert_eq!((message.other_address, message.response_origin), (None, None));

    let family = raw(0x0101, &[(kind::XOR_MAPPED_ADDRESS, &[0, 9, 0, 80, 1, 2, 3, 4])]);
    assert_eq!(Message::decode(&family), Err(DecodeError::Attribute(kind::XOR_MAPPED_ADDRESS)));
    let mut overrun = raw(0x0101, &[(kind::SOFTWARE, b"1234")]);
    overrun[HEADER + 3] = 5;
    assert_eq!(Message::decode(&overrun), Err(DecodeError::Truncated(kind::SOFTWARE)));
}

#[test]
fn unknown_required_attributes_are_listed_and_bounded() {
    let many: Vec<(u16, &[u8])> = (0x2000..0x2100).map(|kind| (kind, &[][..])).collect();
    let message = Message::decode(&raw(0x0101, &many)).unwrap();
    assert_eq!(message.unknown_required.len(), TYPES_MAX);
    assert_eq!(message.unknown_required[0], 0x2000);
}

#[test]
fn the_first_of_two_counts_and_nothing_after_integrity() {
    let [one, two] =
        ["192.0.2.1:1", "192.0.2.2:2"].map(|text| write_address(xor_address(address(text), &ID)));
    let twice = raw(0x0101, &[(kind::XOR_MAPPED_ADDRESS, &one), (kind::XOR_MAPPED_ADDRESS, &two)]);
    assert_eq!(Message::decode(&twice).unwrap().xor_mapped, Some(address("192.0.2.1:1")));
    let after = raw(0x0101, &[(kind::MESSAGE_INTEGRITY, &[0; 20]), (kind::XOR_MAPPED_ADDRESS, &two)]);
    assert_eq!(Message::decode(&after).unwrap().xor_mapped, None);
}

#[test]
fn a_wrong_or_misplaced_fingerprint_discards_the_datagram() {
    let signed = Message { fingerprint: true, ..Message::success(ID, address("192.0.2.1:1")) };
    let good = signed.encode();
    assert_eq!(Message::decode(&good), Ok(signed));
    // Only a flip in its type's own two bytes makes it another, optional attribute: then it is absent.
    let type_at = good.len() - 8;
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        let seen = Message::decode(&bad);
        let absent = (type_at..type_at + 2).contains(&at) && seen.as_ref().is_ok_and(|m| !m.fingerprint);
        assert!(absent || seen.is_err(), "a flipped bit in byte {at} goes unseen");
    }
    let mut followed = good.clone();
    push_attribute(&mut followed, kind::SOFTWARE, b"late");
    assert_eq!(Message::decode(&followed), Err(DecodeError::Fingerprint));
}

#[test]
fn a_filled_request_has_the_size_asked_for() {
    let request = Message { fill: Some(1400), ..Message::request(ID) };
    assert_eq!(request.encode().len(), HEADER + 4 + 1400);
    let huge =
        Message { fill: Some(u16::MAX), padding: Some(u16::MAX), fingerprint: true, ..Message::request(ID) };
    assert!(huge.encode().len() < 65_535 - 28);
    assert_eq!(Message::decode(&huge.encode()).unwrap().padding, Some(FILL_MAX));
}

fn any_address() -> impl Strategy<Value = SocketAddr> {
    let ip = prop_oneof![any::<[u8; 4]>().prop_map(IpAddr::from), any::<[u8; 16]>().prop_map(IpAddr::from)];
    (ip, any::<u16>()).prop_map(SocketAddr::from)
}

fn any_message() -> impl Strategy<Value = Message> {
    let class =
        prop_oneof![Just(Class::Request), Just(Class::Indication), Just(Class::Success), Just(Class::Error)];
    let addresses = proptest::array::uniform4(proptest::option::of(any_address()));
    let error = (300u16..700, "[ -~]{0,128}").prop_map(|(code, reason)| ErrorCode { code, reason });
    let rest = (
        proptest::option::of((any::<bool>(), any::<bool>())),
        proptest::option::of(error),
        proptest::collection::vec(any::<u16>(), 0..TYPES_MAX),
        proptest::option::of(any::<u16>()),
        proptest::option::of("[ -~äß漢]{0,128}"),
        proptest::option::of(0u16..2000),
        any::<bool>(),
    );
    ((class, 0u16..0x1000, any::<TransactionId>()), addresses, rest).prop_map(
        |((class, method, id), addresses, (change, error, unknown, port, software, fill, fingerprint))| {
            let [mapped, xor_mapped, response_origin, other_address] = addresses;
            Message {
                mapped,
                xor_mapped,
                change: change.map(|(ip, port)| Change { ip, port }),
                error,
                unknown_attributes: unknown,
                padding: fill,
                response_port: port,
                software,
                response_origin,
                other_address,
                fill,
                unknown_required: Vec::new(),
                fingerprint,
                ..Message::new(class, method, id)
            }
        },
    )
}

proptest! {
    #[test]
    fn what_is_encoded_decodes_to_itself(message in any_message()) {
        prop_assert_eq!(Message::decode(&message.encode()), Ok(message));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut stun = raw(0x0101, &[]);
        stun.extend(&bytes[..bytes.len() & !3]);
        let length = stun.len() - HEADER;
        set_length(&mut stun, length);
        let _ = (Message::decode(&bytes), Message::decode(&stun));
    }
}
