//! Secrets in every place of a report that a string can stand in: the instances are made out of the schema, so that a
//! fact which is added tomorrow is filled, too.

use serde_json::{Value, json};

use super::fields::{Field, field};
use super::{Level, redact};
use crate::model::report::Report;
use crate::render::filled::filled;
use crate::render::schema::schema;
use crate::render::{FORMATS, Style};

/// What `default` hides, as it stands in every text and address.
const DEFAULT: &[&str] = &[
    "canary-host",
    "corp.example",
    "canarynet",
    "canaryuser",
    "198.51.100.77",
    "2001:db8:77::77",
    "52:54:00:ca:4a:1a",
    "5054:ff:feca:4a1a",
];
/// What `strict` hides beyond that.
const STRICT: &[&str] =
    &["10.77.0.1", "canary0", "canary.server.test", "canary organisation", "canary@mail", "/opt/canarypath"];

const TEXT: &str = "canary-host.corp.example (52:54:00:ca:4a:1a) of https://canarynet.twingate.com:443/ saw 198.51.100.77:41552, \
                    [2001:db8:77::77]:9, fe80::5054:ff:feca:4a1a%canary0; CANARYNET-ca in /home/canaryuser/x asked \
                    canary.server.test:443 by canary0 from 10.77.0.1 (/opt/canarypath/x.pem)";

fn string(schema: &Value, path: &[String], pick: usize) -> String {
    let address = ["198.51.100.77", "2001:db8:77::77", "10.77.0.1"][pick % 3];
    if schema.get("format").is_some_and(|format| format == "ip") {
        return address.to_owned();
    }
    let own = |name: &str| path.last().is_some_and(|last| last == name);
    match field(path) {
        _ if own("hostname") => "canary-host.corp.example".to_owned(),
        _ if own("network") => "canarynet".to_owned(),
        _ if path.ends_with(&["interfaces".to_owned(), "name".to_owned()]) => "canary0".to_owned(),
        Some(Field::Address) if address.contains("::") => format!("[{address}]:443"),
        Some(Field::Address) => format!("{address}:443"),
        Some(Field::Server) => "canary.server.test:443".to_owned(),
        Some(Field::Text) => TEXT.to_owned(),
        Some(Field::Foreign) => "O=Canary Organisation, emailAddress=canary@mail.example".to_owned(),
        Some(Field::Plain) | None => "plain".to_owned(),
    }
}

fn reports() -> Vec<Report> {
    let root = serde_json::to_value(schema()).unwrap();
    (0..5)
        .map(|pick| {
            let mut value = filled(&root, pick, TEXT, &string);
            value["redaction"] = json!("none");
            value["format_version"] = json!("1.0");
            serde_json::from_value(value).expect("the schema says what is read")
        })
        .collect()
}

#[test]
fn no_string_of_a_report_can_tell_a_secret_in_any_format() {
    let style = Style { verbose: 2, ..Style::default() };
    for (n, report) in reports().into_iter().enumerate() {
        // Secrets that are nowhere to begin with would prove nothing.
        let open = serde_json::to_string(&report).unwrap().to_lowercase();
        for secret in DEFAULT.iter().chain(STRICT) {
            assert!(open.contains(secret), "{n}: {secret}");
        }
        for (level, secrets) in
            [(Level::Default, DEFAULT.to_vec()), (Level::Strict, [DEFAULT, STRICT].concat())]
        {
            let hidden = redact(&report, level).unwrap();
            for format in FORMATS {
                let text = (format.render)(&hidden, &style).to_lowercase();
                for secret in &secrets {
                    let at =
                        text.find(secret).map(|at| text[..at].chars().rev().take(80).collect::<String>());
                    let before = at.map(|text| text.chars().rev().collect::<String>());
                    assert!(before.is_none(), "{n} {} {level:?}: {before:?}{secret}", format.name);
                }
            }
        }
    }
}
