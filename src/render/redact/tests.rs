//! Secrets in every place of a report that a string can stand in: the instances are made out of the schema, so that a
//! fact which is added tomorrow is filled, too.

use serde_json::{Map, Value, json};

use super::fields::{Field, field};
use super::{Level, redact};
use crate::model::report::Report;
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
const STRICT: &[&str] = &["10.77.0.1", "canary0", "canary.server.test"];

const TEXT: &str = "canary-host.corp.example (52:54:00:ca:4a:1a) of https://canarynet.twingate.com:443/ saw 198.51.100.77:41552, \
                    [2001:db8:77::77]:9, fe80::5054:ff:feca:4a1a%canary0; CANARYNET-ca in /home/canaryuser/x asked \
                    canary.server.test:443 by canary0 from 10.77.0.1";

/// An instance of a schema with everything in it; `pick` says which of several forms is taken, and varies in lists.
fn filled(root: &Value, schema: &Value, path: &mut Vec<String>, pick: usize) -> Value {
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        return filled(root, root.pointer(target.trim_start_matches('#')).unwrap(), path, pick);
    }
    if let Some(only) = schema.get("const") {
        return only.clone();
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return words[pick % words.len()].clone();
    }
    if let Some(forms) = ["oneOf", "anyOf"].iter().find_map(|key| schema.get(*key)?.as_array()) {
        let forms: Vec<&Value> =
            forms.iter().filter(|form| form.get("type").is_none_or(|kind| kind != "null")).collect();
        return filled(root, forms[pick % forms.len()], path, pick);
    }
    let kind = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().find(|kind| *kind != "null").unwrap().as_str().unwrap(),
        Some(kind) => kind.as_str().unwrap(),
        None => "object",
    };
    match kind {
        "object" => {
            let mut map = Map::new();
            for (key, inner) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
                path.push(key.clone());
                map.insert(key.clone(), filled(root, inner, path, pick));
                path.pop();
            }
            if let Some(inner) = schema.get("additionalProperties").filter(|inner| inner.is_object()) {
                map.insert(TEXT.to_owned(), filled(root, inner, path, pick));
            }
            map.into()
        }
        "array" => match schema.get("prefixItems").and_then(Value::as_array) {
            Some(items) => items.iter().map(|item| filled(root, item, path, pick)).collect(),
            None => (0..3).map(|n| filled(root, &schema["items"], path, pick + n)).collect(),
        },
        "string" => string(schema, path, pick).into(),
        "boolean" => true.into(),
        "integer" => 1.into(),
        "number" => 1.5.into(),
        other => panic!("{other} at {path:?}"),
    }
}

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
        Some(Field::Plain) | None => "plain".to_owned(),
    }
}

fn reports() -> Vec<Report> {
    let root = serde_json::to_value(schema()).unwrap();
    (0..5)
        .map(|pick| {
            let mut value = filled(&root, &root, &mut Vec::new(), pick);
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
