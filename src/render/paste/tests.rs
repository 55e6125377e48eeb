//! Data that survive what happens to pastes, and what does not survive, told for what it is.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::*;

fn report() -> Report {
    crate::pipeline::judge(crate::model::Facts::default(), &crate::model::Policy::default())
}

fn pasted() -> String {
    data("CDR-AAAA-BBBB", &serde_json::to_string(&report()).unwrap())
}

fn report_of(text: &str) -> Report {
    read(text).unwrap_or_else(|why| panic!("{why}: {text}")).report
}

#[test]
fn data_survive_quoting_wrapping_and_a_ticket_around_them() {
    let wrapped = |text: &str, at: usize| -> String {
        let lines = text.lines().flat_map(|line| {
            let bytes: Vec<char> = line.chars().collect();
            bytes.chunks(at).map(|part| part.iter().collect::<String>()).collect::<Vec<_>>()
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    let quoted = format!("Hello,\n\n> > {}\n-- \nBob", pasted().replace('\n', "\n> > "));
    for paste in
        [pasted(), quoted.clone(), wrapped(&quoted, 72), wrapped(&quoted, 40), quoted.replace('\n', "  \r\n")]
    {
        assert_eq!(report_of(&paste), report(), "{paste}");
    }
    let json = super::super::json::to_json(&report());
    let ticket = format!("Hello,\n> ```json\n> {}```\n-- \nBob {{}}", json.replace('\n', "\n> "));
    assert_eq!(report_of(&ticket), report());
    assert_eq!(report_of(&format!("\u{feff} {}", serde_json::to_string(&report()).unwrap())), report());
}

#[test]
fn every_changed_letter_and_every_cut_is_noticed() {
    let paste = pasted();
    let first = paste.find('\n').unwrap() + 1;
    for at in (first..paste.len() - END.len() - 2).step_by(7) {
        let mut bytes = paste.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert!(matches!(read(&changed), Err(Unreadable::Changed)), "{at}");
        assert!(read(&paste[..at]).is_err(), "{at}");
    }
    assert!(matches!(read("hello"), Err(Unreadable::NoReport)));
    assert!(matches!(read("-- end of CDR-A: 1"), Err(Unreadable::NoData)));
    assert!(matches!(read("{}"), Err(Unreadable::NotOurs(_))));
    let newer = serde_json::to_string(&report()).unwrap().replace(FORMAT_VERSION, "2.0");
    assert!(matches!(read(&newer), Err(Unreadable::OtherMajor(_))));
    // Whatever else it holds.
    assert!(matches!(read("{\"format_version\": \"0.9\"}"), Err(Unreadable::OtherMajor(_))));
    assert!(matches!(read("{\"format_version\": \"1.9\"}"), Err(Unreadable::NotOurs(_))));
}

#[test]
fn a_bomb_is_bounded() {
    let mut packer = ZlibEncoder::new(Vec::new(), Compression::best());
    packer.write_all(&vec![b' '; 1 << 20]).unwrap();
    let coded = STANDARD.encode(packer.finish().unwrap());
    let paste = format!("-- data of CDR-A: 1 bytes, sum {} --\n{coded}\n{END}", seal::sum(&coded));
    assert!(matches!(read(&paste), Err(Unreadable::NotOurs(_))));
    for bomb in [format!("{{\"a\":[{}1]}}", "{},".repeat(MAX_PARTS)), format!("{{{}}}", " ".repeat(MAX_JSON))]
    {
        assert!(matches!(read(&bomb), Err(Unreadable::TooLarge)), "as it is");
        assert!(matches!(read(&data("CDR-A", &bomb)), Err(Unreadable::TooLarge)), "packed");
    }
}

/// Lines of base64 as a mailer, a ticket system or a chat hands them on; true where they are to be read all the same.
type Damage = (&'static str, bool, fn(&str) -> String);

fn each_line(text: &str, change: impl Fn(usize, &str) -> String) -> String {
    text.lines().enumerate().map(|(n, line)| change(n, line) + "\n").collect()
}

fn wrapped(text: &str, at: usize) -> String {
    each_line(text, |_, line| {
        let chars: Vec<char> = line.chars().collect();
        chars.chunks(at).map(|part| part.iter().collect::<String>()).collect::<Vec<_>>().join("\n")
    })
}

fn quoted_printable(text: &str) -> String {
    each_line(&text.replace('=', "=3D"), |_, line| {
        let (head, tail) = line.split_at(line.len().min(70));
        if tail.is_empty() { head.to_owned() } else { format!("{head}=\n{tail}") }
    })
}

fn entities(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('>', "&gt;").replace(' ', "&nbsp;")
}

/// Somewhere inside the data.
fn inside(text: &str) -> usize {
    text.find("-- data of").unwrap() + 600
}

const DAMAGES: &[Damage] = &[
    ("as it is", true, str::to_owned),
    ("Jira {code}", true, |t| format!("{{code}}\n{t}{{code}}\n")),
    ("Jira {code:title}", true, |t| format!("{{code:title=report.txt|borderStyle=solid}}\n{t}{{code}}\n")),
    ("Jira {noformat}", true, |t| format!("{{noformat}}\n{t}{{noformat}}")),
    ("BBCode", true, |t| format!("[code]\n{t}[/code]")),
    ("a fence", true, |t| format!("Hello\n````text\n{t}````\nregards")),
    ("<pre>", true, |t| format!("<pre>\n{t}</pre>")),
    ("HTML with <br>", true, |t| format!("<html><body>{}</body></html>", t.replace('\n', "<br>"))),
    ("HTML with <div>", true, |t| each_line(t, |_, l| format!("<div class=\"x\"><span>{l}</span></div>"))),
    ("entities", true, entities),
    ("entities twice", true, |t| entities(&entities(t))),
    ("HTML with entities", true, |t| entities(t).replace('\n', "<br/>")),
    ("quoted-printable", true, quoted_printable),
    ("quoted-printable, CRLF", true, |t| quoted_printable(t).replace('\n', "\r\n")),
    ("quoted once", true, |t| each_line(t, |_, l| format!("> {l}"))),
    ("quoted thrice", true, |t| each_line(t, |_, l| format!(">> > {l}"))),
    ("quoted with |", true, |t| each_line(t, |_, l| format!("| {l}"))),
    ("a table's cell", true, |t| each_line(t, |_, l| format!("| {l} |"))),
    ("indented", true, |t| each_line(t, |_, l| format!("        {l}"))),
    ("tabs", true, |t| each_line(t, |_, l| format!("\t{l}\t"))),
    ("numbered", true, |t| each_line(t, |n, l| format!("{:4}: {l}", n + 1))),
    ("a list", true, |t| each_line(t, |_, l| format!("* {l}"))),
    ("a chat's times", true, |t| each_line(t, |n, l| format!("[10:{:02}] alice: {l}", n % 60))),
    ("comments", true, |t| each_line(t, |_, l| format!("# {l}"))),
    ("wrapped at 60", true, |t| wrapped(t, 60)),
    ("wrapped at 40 and quoted", true, |t| each_line(&wrapped(t, 40), |_, l| format!("> {l}"))),
    ("wrapped at 34 and quoted", true, |t| each_line(&wrapped(t, 34), |_, l| format!("> {l}"))),
    ("wrapped at 13", true, |t| wrapped(t, 13)),
    ("one long line", true, |t| t.replace('\n', " ")),
    ("one line without blanks between", true, |t| t.replace('\n', "")),
    ("CRLF", true, |t| t.replace('\n', "\r\n")),
    ("CR alone", true, |t| t.replace('\n', "\r")),
    ("empty lines between", true, |t| t.replace('\n', "\n\n")),
    ("blanks at the ends", true, |t| t.replace('\n', "   \n")),
    ("a byte order mark", true, |t| format!("\u{feff}{t}")),
    ("no-break spaces", true, |t| t.replace(' ', "\u{a0}")),
    ("zero-width characters", true, |t| t.replace('\n', "\u{200b}\n")),
    ("line separators", true, |t| t.replace('\n', "\u{2028}")),
    ("colours", true, |t| each_line(t, |_, l| format!("\u{1b}[32m{l}\u{1b}[0m"))),
    ("dashes of a word processor", true, |t| {
        t.replace("--", "\u{2014}").replace('-', "\u{2013}").replace("CDR\u{2013}", "CDR-")
    }),
    ("smart quotes", true, |t| t.replace('"', "\u{201c}").replace('\'', "\u{2019}")),
    ("Markdown escapes", true, |t| {
        t.replace('-', "\\-").replace('+', "\\+").replace('=', "\\=").replace('_', "\\_")
    }),
    ("a string of JSON", true, |t| serde_json::to_string(t).unwrap()),
    ("a string of JSON in JSON", true, |t| format!("{{\"body\": {}}}", serde_json::to_string(t).unwrap())),
    ("a web form", true, |t| {
        t.replace('%', "%25").replace('\n', "%0A").replace('+', "%2B").replace('=', "%3D").replace(' ', "%20")
    }),
    ("bold", true, |t| each_line(t, |_, l| format!("**{l}**"))),
    ("twice", true, |t| format!("{t}\n{t}")),
    ("a page's number between", true, |t| {
        let at = inside(t);
        let at = at + t[at..].find('\n').unwrap() + 1;
        format!("{}Page 3 of 4\n{}", &t[..at], &t[at..])
    }),
    ("cut in the middle", false, |t| t[..inside(t)].to_owned()),
    ("cut by a limit", false, |t| format!("{}\n... (truncated)", &t[..inside(t)])),
    ("a line lost", false, |t| {
        let at = inside(t);
        let end = at + t[at..].find('\n').unwrap() + 1;
        let next = end + t[end..].find('\n').unwrap() + 1;
        format!("{}{}", &t[..end], &t[next..])
    }),
    ("a letter changed", false, |t| {
        let at = inside(t);
        let other = if &t[at..=at] == "A" { "B" } else { "A" };
        format!("{}{other}{}", &t[..at], &t[at + 1..])
    }),
    ("small letters", false, |t| t.to_lowercase().replace("cdr-", "CDR-")),
    ("the data left out", false, |t| t[..t.find("-- data of").unwrap()].to_owned()),
    ("other text", false, |_| "Hello, it does not work".to_owned()),
    ("a PDF", false, |_| "%PDF-1.7 ...".to_owned()),
];

#[test]
fn forty_kinds_of_damage_are_undone_or_told_for_what_they_are() {
    assert!(DAMAGES.len() >= 40);
    let mut facts = crate::model::Facts::default();
    facts.run.id = "CDR-AAAA-BBBB".to_owned();
    // So much that the data are some lines.
    facts.run.select = (0..120).map(|n| format!("stun.{}", n * 7919)).collect();
    let report = crate::pipeline::judge(facts, &crate::model::Policy::default());
    let paste = crate::render::human::fenced(&report, &crate::render::Style::default(), &brief(&report));
    for (name, good, damage) in DAMAGES {
        match (read(&damage(&paste)), good) {
            (Ok(saved), true) => assert_eq!(saved.report.facts, report.facts, "{name}"),
            (Err(why), true) => panic!("{name}: {why}\n{}", damage(&paste)),
            (Ok(_), false) => panic!("{name} is read"),
            (Err(why), false) => {
                let expected = match *name {
                    "cut in the middle" | "cut by a limit" => matches!(why, Unreadable::Cut),
                    "the data left out" => matches!(why, Unreadable::NoData),
                    "other text" => matches!(why, Unreadable::NoReport),
                    "a PDF" => matches!(why, Unreadable::NoText(_)),
                    _ => matches!(why, Unreadable::Changed),
                };
                assert!(expected, "{name}: {why}");
            }
        }
    }
}
