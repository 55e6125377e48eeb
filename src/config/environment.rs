//! What the environment said. The variables are an argument; nothing is read here.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::{Table, Value};

use super::error::{ConfigError, nearest, quoted};
use super::options::{Kind, Opt, PREFIX, options};
use super::origin::Origin;
use super::said::Said;
use super::source::Source;

/// The Connector's own variables that name its network, and the key each one gives. The address comes
/// first: it says more than the name.
const CONNECTOR: [(&str, &str); 2] = [("TWINGATE_URL", "controller"), ("TWINGATE_NETWORK", "network")];

/// What the variables say; an empty variable says nothing, lists are split at commas.
///
/// An unknown variable of ours, and a value that is not of its option's kind, is an error.
pub fn environment(vars: &BTreeMap<String, String>) -> Result<Source, ConfigError> {
    let options = options();
    let (mut table, mut names) = (Table::new(), BTreeMap::new());
    for (name, text) in vars.range(PREFIX.to_owned()..).take_while(|(name, _)| name.starts_with(PREFIX)) {
        let Some(opt) = options.iter().find(|opt| opt.variable() == *name) else {
            let known: Vec<String> = options.iter().map(Opt::variable).collect();
            let near = nearest(&name[PREFIX.len()..], known.iter().map(|n| &n[PREFIX.len()..]));
            let problem = format!("unknown variable; the nearest is {PREFIX}{}", near.unwrap_or_default());
            return Err(ConfigError::at(&Origin::Variable(name.clone()), "", &problem));
        };
        if text.trim().is_empty() {
            continue;
        }
        let value = value(opt.kind, text.trim())
            .map_err(|problem| ConfigError::at(&Origin::Variable(name.clone()), "", &problem))?;
        table.insert(opt.key.clone(), value);
        // One at a time, so that a number that is too large is told with its variable.
        if Said::deserialize(table.clone()).is_err() {
            let problem = format!("{} is out of bounds", quoted(text));
            return Err(ConfigError::at(&Origin::Variable(name.clone()), "", &problem));
        }
        names.insert(opt.key.clone(), name.clone());
    }
    if !CONNECTOR.iter().any(|(_, key)| table.contains_key(*key)) {
        let set = CONNECTOR.iter().find_map(|(name, key)| {
            let text = vars.get(*name)?.trim();
            (!text.is_empty()).then_some((*name, *key, text))
        });
        if let Some((name, key, text)) = set {
            table.insert(key.to_owned(), Value::String(text.to_owned()));
            names.insert(key.to_owned(), name.to_owned());
        }
    }
    let said = Said::deserialize(table).map_err(|e| ConfigError::new(&format!("environment: {e}")))?;
    Ok(Source::environment(said, names))
}

fn value(kind: Kind, text: &str) -> Result<Value, String> {
    match kind {
        Kind::Text => Ok(Value::String(text.to_owned())),
        Kind::List => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Ok(Value::Array(items.map(|item| Value::String(item.to_owned())).collect()))
        }
        Kind::Flag => match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Ok(Value::Boolean(true)),
            "0" | "false" | "no" | "off" => Ok(Value::Boolean(false)),
            _ => Err(format!("{} is neither true nor false", quoted(text))),
        },
        Kind::Number => match text.parse::<i64>() {
            Ok(n) => Ok(Value::Integer(n)),
            Err(_) => Err(format!("{} is not a whole number", quoted(text))),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vars(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    fn error(name: &str, value: &str) -> String {
        environment(&vars(&[(name, value)])).unwrap_err().to_string()
    }

    #[test]
    fn variables_are_the_options_in_capitals() {
        let source = environment(&vars(&[
            ("CONNECTOR_DOCTOR_STUN", "a:1, b:2,,"),
            ("CONNECTOR_DOCTOR_FAIL_ON", " warn "),
            ("CONNECTOR_DOCTOR_JSON", "yes"),
            ("CONNECTOR_DOCTOR_WIDTH", "100"),
            ("CONNECTOR_DOCTOR_NTP", ""),
            ("CONNECTOR_DOCTOR_CONFIG", "/c.toml"),
            ("OTHER", "x"),
        ]))
        .unwrap();
        let expected = Said {
            stun: Some(vec!["a:1".into(), "b:2".into()]),
            fail_on: Some("warn".into()),
            json: Some(true),
            width: Some(100),
            config: Some("/c.toml".into()),
            ..Said::default()
        };
        assert_eq!(source.said, expected);
        assert_eq!(source.origin("stun", "[1]").to_string(), "CONNECTOR_DOCTOR_STUN");
    }

    #[test]
    fn the_connectors_own_variables_give_the_network_unless_ours_do() {
        for (set, key, variable) in [
            (&[("TWINGATE_NETWORK", "acme")][..], "network", "TWINGATE_NETWORK"),
            (&[("TWINGATE_NETWORK", "acme"), ("TWINGATE_URL", "https://x")], "controller", "TWINGATE_URL"),
            (&[("TWINGATE_NETWORK", "acme"), ("TWINGATE_URL", "")], "network", "TWINGATE_NETWORK"),
            (
                &[("TWINGATE_URL", "https://x"), ("CONNECTOR_DOCTOR_NETWORK", "own")],
                "network",
                "CONNECTOR_DOCTOR_NETWORK",
            ),
        ] {
            let source = environment(&vars(set)).unwrap();
            assert_eq!(source.origin(key, "").to_string(), variable);
            assert_eq!(source.said.network.is_some(), key == "network");
            assert_eq!(source.said.controller.is_some(), key == "controller");
        }
    }

    #[test]
    fn a_bad_variable_is_named() {
        assert_eq!(
            error("CONNECTOR_DOCTOR_STUNN", "x"),
            "CONNECTOR_DOCTOR_STUNN: unknown variable; the nearest is CONNECTOR_DOCTOR_STUN"
        );
        assert!(error("CONNECTOR_DOCTOR_", "x").starts_with("CONNECTOR_DOCTOR_: unknown variable"));
        assert_eq!(
            error("CONNECTOR_DOCTOR_QUIET", "maybe"),
            "CONNECTOR_DOCTOR_QUIET: \"maybe\" is neither true nor false"
        );
        assert!(error("CONNECTOR_DOCTOR_WIDTH", "9.5").contains("not a whole number"));
        assert!(error("CONNECTOR_DOCTOR_WIDTH", "-1").contains("out of bounds"));
        assert!(error("CONNECTOR_DOCTOR_VERBOSE", "300").contains("VERBOSE: \"300\""));
    }
}
