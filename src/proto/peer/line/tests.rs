//! Lines survive the way through a chat or are refused with the right words.

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;

fn line() -> Line {
    let candidate = |kind, address: &str| Candidate { kind, address: address.parse().unwrap() };
    Line {
        made_s: 1_795_860_000,
        certificate: hash(b"a certificate"),
        mapping: Mapping::Independent,
        hard: false,
        answers: None,
        candidates: vec![
            candidate(Kind::Host, "10.0.0.5:40000"),
            candidate(Kind::Host, "[2001:db8:1::5]:40001"),
            candidate(Kind::ServerReflexive, "203.0.113.2:40000"),
        ],
    }
}

fn any_line() -> impl Strategy<Value = Line> {
    let v4 = any::<(u32, u16)>().prop_map(|(ip, port)| SocketAddr::new(Ipv4Addr::from_bits(ip).into(), port));
    let v6 =
        any::<(u128, u16)>().prop_map(|(ip, port)| SocketAddr::new(Ipv6Addr::from_bits(ip).into(), port));
    let kind = prop_oneof![Just(Kind::Host), Just(Kind::ServerReflexive)];
    let candidate = (kind, prop_oneof![v4, v6]).prop_filter("a host's", |(_, a)| is_a_hosts(*a));
    let candidate = candidate.prop_map(|(kind, address)| Candidate { kind, address });
    let head = (any::<u32>(), any::<[u8; 32]>(), 0..5_usize, any::<bool>(), any::<Option<[u8; 2]>>());
    (head, proptest::collection::vec(candidate, 0..20)).prop_map(|(head, candidates)| {
        let (made_s, certificate, mapping, hard, answers) = head;
        Line { made_s, certificate, mapping: MAPPINGS[mapping], hard, answers, candidates }
    })
}

#[test]
fn a_usual_line_is_short_and_survives_a_chat() {
    let (text, kept) = line().write();
    assert_eq!(kept, line());
    assert!(text.starts_with("cdp1:") && text.len() < 130, "{} {text}", text.len());
    for pasted in [
        text.clone(),
        format!("  {text}\r\n"),
        format!("> my line: `{text}`, yours?"),
        format!("\"{}\n{}\"", &text[..60], &text[60..]),
    ] {
        assert_eq!(Line::read(&pasted), Ok(line()), "{pasted}");
    }
}

#[test]
fn what_is_no_line_is_told_apart() {
    let (text, _) = line().write();
    for (wrong, why) in [
        ("", LineError::NotALine),
        ("hello", LineError::NotALine),
        ("cdp:abc", LineError::NotALine),
        ("cdp1abc", LineError::NotALine),
        ("cdp1:", LineError::Damaged),
        (&text.replace("cdp1:", "cdp2:"), LineError::Version("cdp2".to_owned())),
        (&text[..text.len() - 1], LineError::Damaged),
        (&format!("{text}A"), LineError::Damaged),
        (&format!("cdp1:{}", "z".repeat(3000)), LineError::Damaged),
    ] {
        assert_eq!(Line::read(wrong), Err(why), "{wrong}");
    }
    for content in [
        &[0][..],
        &[7; 37],
        &[[0; 37].as_slice(), &[0, 127, 0]].concat(),
        &[[0; 37].as_slice(), &[0, 0, 0, 0, 0, 1, 1]].concat(),
    ] {
        let bytes = [content, &sum(content)].concat();
        let text = format!("cdp1:{}", base58::encode(&bytes));
        assert_eq!(Line::read(&text), Err(LineError::Content), "{content:?}");
    }
}

#[test]
fn a_line_lives_ten_minutes_and_clocks_may_differ_by_two() {
    let made = i64::from(line().made_s);
    for (now, expired) in [(0, false), (600, false), (720, false), (721, true), (-120, false), (-121, true)] {
        assert_eq!(line().expired(made + now), expired, "{now}");
    }
}

proptest! {
    #[test]
    fn every_line_is_short_and_reads_the_same(line in any_line()) {
        let (text, kept) = line.clone().write();
        prop_assert!(text.len() <= MOST_CHARACTERS, "{}", text.len());
        prop_assert!(text[5..].bytes().all(|b| b.is_ascii_alphanumeric()));
        prop_assert_eq!(Line::read(&text), Ok(kept.clone()));
        prop_assert_eq!(&kept.candidates[..], &line.candidates[..kept.candidates.len()]);
    }

    #[test]
    fn one_changed_character_is_seen(line in any_line(), at in any::<prop::sample::Index>(), letter in "[0-9A-Za-z]") {
        let (text, _) = line.write();
        let at = 5 + at.index(text.len() - 5);
        let changed = format!("{}{letter}{}", &text[..at], &text[at + 1..]);
        prop_assume!(changed != text);
        prop_assert_eq!(Line::read(&changed), Err(LineError::Damaged));
    }

    #[test]
    fn no_text_breaks_the_reader(text in "\\PC{0,300}") {
        let _ = Line::read(&text);
        let _ = Line::read(&format!("cdp1:{text}"));
    }
}
