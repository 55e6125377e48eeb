//! What a configuration file said. Its bytes are an argument; nothing is read here.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::defaults::MAX_FILE;
use super::error::{ConfigError, unknown};
use super::options::{Kind, Opt, options};
use super::origin::Origin;
use super::resource::KEYS as RESOURCE_KEYS;
use super::said::{ALLOW_KEYS, Said};
use super::source::Source;

/// What the file says. Every error names the file and the line, and the key where there is one.
pub fn file(path: &Path, bytes: &[u8]) -> Result<Source, ConfigError> {
    let at = |line| Origin::File { path: path.to_owned(), line };
    if bytes.len() > MAX_FILE {
        return Err(ConfigError::at(&at(None), "", "is larger than 1 MiB"));
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Err(e) => {
            let line = 1 + bytes.iter().take(e.valid_up_to()).filter(|b| **b == b'\n').count();
            return Err(ConfigError::at(&at(Some(line)), "", "is not UTF-8"));
        }
    };
    let fault = |e: &toml::de::Error| {
        let offset = e.span().map_or(text.len(), |span| span.start);
        let (line, key) = place(text, offset);
        ConfigError::at(&at(Some(line)), key, e.message())
    };
    let table = DeTable::parse(text).map_err(|e| fault(&e))?;
    let mut walk = Walk { ends: text.match_indices('\n').map(|(i, _)| i).collect(), lines: BTreeMap::new() };
    walk.table(table.get_ref())
        .map_err(|(offset, key, problem)| ConfigError::at(&at(Some(walk.line(offset))), &key, &problem))?;
    let said = Said::deserialize(toml::de::Deserializer::from(table)).map_err(|e| fault(&e))?;
    Ok(Source::file(said, path, walk.lines))
}

/// Offset, key and problem.
type Fault = (usize, String, String);

/// Checks keys and kinds before serde does, since only here the nearest key and the line are at hand.
struct Walk {
    /// Offsets of the line ends.
    ends: Vec<usize>,
    lines: BTreeMap<String, usize>,
}

impl Walk {
    /// The line of an offset, from 1.
    fn line(&self, offset: usize) -> usize {
        1 + self.ends.partition_point(|end| *end < offset)
    }

    fn table(&mut self, table: &DeTable<'_>) -> Result<(), Fault> {
        let options = options();
        for (key, value) in table {
            let (name, offset) = (key.get_ref().as_ref(), key.span().start);
            let line = self.line(offset);
            self.lines.insert(name.to_owned(), line);
            if name == "allow" {
                self.tables(name, &ALLOW_KEYS, value)?;
                continue;
            }
            if name == "resource"
                && value
                    .get_ref()
                    .as_array()
                    .is_some_and(|items| items.iter().any(|i| i.get_ref().is_table()))
            {
                self.tables(name, &RESOURCE_KEYS, value)?;
                continue;
            }
            if name == "config" {
                return Err((offset, name.to_owned(), "a file cannot name another one".to_owned()));
            }
            let Some(opt) = options.iter().find(|opt| opt.key == name) else {
                let known = options.iter().map(|o| o.key.as_str()).filter(|k| *k != "config");
                let problem = unknown("key", name, known.chain(["allow"]));
                return Err((offset, String::new(), problem));
            };
            self.value(opt, value).map_err(|problem| (value.span().start, name.to_owned(), problem))?;
        }
        Ok(())
    }

    fn value(&mut self, opt: &Opt, value: &Spanned<DeValue<'_>>) -> Result<(), String> {
        match (opt.kind, value.get_ref()) {
            (Kind::Flag, DeValue::Boolean(_))
            | (Kind::Number, DeValue::Integer(_))
            | (Kind::Text, DeValue::String(_)) => Ok(()),
            (Kind::List, DeValue::Array(items)) => {
                for (i, item) in items.iter().enumerate() {
                    if !item.get_ref().is_str() {
                        return Err(format!("item {} is not a string", i + 1));
                    }
                    let line = self.line(item.span().start);
                    self.lines.insert(format!("{}[{i}]", opt.key), line);
                }
                Ok(())
            }
            (kind, _) => Err(format!("takes {}", form(kind, &opt.key))),
        }
    }

    /// An array of tables, each with these keys, whose values are strings.
    fn tables(&mut self, of: &str, keys: &[&'static str], value: &Spanned<DeValue<'_>>) -> Result<(), Fault> {
        let wrong = || (value.span().start, of.to_owned(), format!("is written [[{of}]]"));
        for (i, entry) in value.get_ref().as_array().ok_or_else(wrong)?.iter().enumerate() {
            let path = format!("{of}[{i}]");
            let line = self.line(entry.span().start);
            self.lines.insert(path.clone(), line);
            for (key, value) in entry.get_ref().as_table().ok_or_else(wrong)? {
                let (name, offset) = (key.get_ref().as_ref(), key.span().start);
                if !keys.contains(&name) {
                    return Err((offset, of.to_owned(), unknown("key", name, keys.iter().copied())));
                }
                let date = name == "until" && value.get_ref().is_datetime();
                if !value.get_ref().is_str() && !date {
                    return Err((offset, format!("{of}.{name}"), "takes a string".to_owned()));
                }
                let line = self.line(offset);
                self.lines.insert(format!("{path}.{name}"), line);
            }
        }
        Ok(())
    }
}

fn form(kind: Kind, key: &str) -> String {
    match kind {
        Kind::Flag => "true or false".to_owned(),
        Kind::Number => "a whole number".to_owned(),
        Kind::Text => format!("a string: {key} = \"...\""),
        Kind::List => format!("an array of strings: {key} = [\"...\"]"),
    }
}

/// The line of a fault, and the key of the entry that it stands in: the last `key =` up to that line.
fn place(text: &str, offset: usize) -> (usize, &str) {
    // A fault at the end of the text lies on its last line, not on the empty one behind it.
    let last = text.trim_end().len();
    let line = 1 + text.bytes().take(offset.min(last)).filter(|b| *b == b'\n').count();
    let key = text.lines().take(line).filter_map(|l| l.split_once('=')).map(|(key, _)| key.trim());
    let plain = |key: &&str| {
        !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    (line, key.filter(plain).last().unwrap_or(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Source, ConfigError> {
        file(Path::new("/c.toml"), text.as_bytes())
    }

    #[test]
    fn keys_are_the_long_option_names() {
        let text = "\u{feff}# comment\r\nnetwork = 'acme'\r\nstun = [\r\n  'a',\r\n  'b:1',\r\n]\r\nfail-on = 'warn'\r\nipv4 = true\r\n\
                    [[allow]]\ncheck = 'clock.*'\nreason = 'lab'\nuntil = 2027-01-01\n";
        let source = parse(text).unwrap();
        assert_eq!(source.said.stun, Some(vec!["a".to_owned(), "b:1".to_owned()]));
        assert_eq!(source.origin("stun", "[1]").to_string(), "/c.toml:5");
        assert_eq!(source.origin("fail-on", "").to_string(), "/c.toml:7");
        assert_eq!(source.origin("allow", "[0].until").to_string(), "/c.toml:12");
        assert_eq!(source.said.allow.unwrap()[0].until.as_deref(), Some("2027-01-01"));
        assert_eq!(parse("").unwrap().said, Said::default());
    }

    #[test]
    fn a_fault_is_told_with_file_line_and_key() {
        for (text, line) in [
            ("\nstunn = ['a']", "/c.toml:2: unknown key \"stunn\"; the nearest is stun"),
            ("fail_on = 'warn'", "/c.toml:1: unknown key \"fail_on\"; the nearest is fail-on"),
            ("alow = 1", "/c.toml:1: unknown key \"alow\"; the nearest is allow"),
            ("[check]\nstun = ['a']", "/c.toml:1: unknown key \"check\""),
            ("config = 'x'", "/c.toml:1: config: a file cannot name another one"),
            ("stun = 'a'", "/c.toml:1: stun: takes an array of strings: stun = [\"...\"]"),
            ("stun = ['a', 5]", "/c.toml:1: stun: item 2 is not a string"),
            ("timeout = 10", "/c.toml:1: timeout: takes a string"),
            ("json = 'yes'", "/c.toml:1: json: takes true or false"),
            ("width = '9'", "/c.toml:1: width: takes a whole number"),
            ("\nwidth = -9", "/c.toml:2: width: "),
            ("verbose = 256", "/c.toml:1: verbose: "),
            ("allow = 'x'", "/c.toml:1: allow: is written [[allow]]"),
            ("allow = ['x']", "/c.toml:1: allow: is written [[allow]]"),
            ("[allow]\ncheck = 'x'", "/c.toml:1: allow: is written [[allow]]"),
            ("[[allow]]\nchek = 'x'", "/c.toml:2: allow: unknown key \"chek\"; the nearest is check"),
            ("[[allow]]\nreason = 5", "/c.toml:2: allow.reason: takes a string"),
            // Half written.
            ("network = 'acme'\nstun =", "/c.toml:2: stun: "),
            ("network = 'acme'\nstun = ['a',\n", "/c.toml:2: stun: "),
            ("network = 'acme'\nstun = ['a'\n'b']", "/c.toml:3: stun: "),
            ("network = 'acme", "/c.toml:1: network: "),
            ("stun", "/c.toml:1: "),
            ("stun = []\nstun = []", "/c.toml:2: stun: "),
            ("[[allow]\n", "/c.toml:1: "),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.starts_with(line), "{text:?}: {error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn what_is_no_text_and_what_is_too_much_is_refused() {
        let error = file(Path::new("/c.toml"), b"stun = []\n\xff").unwrap_err().to_string();
        assert_eq!(error, "/c.toml:2: is not UTF-8");
        let large = "#".repeat(MAX_FILE);
        assert!(parse(&large).is_ok());
        assert_eq!(parse(&format!("{large}#")).unwrap_err().to_string(), "/c.toml: is larger than 1 MiB");
        // Many entries stay linear.
        let many = "[[allow]]\ncheck = 'a'\n".repeat(40_000);
        assert_eq!(parse(&many).unwrap().said.allow.unwrap().len(), 40_000);
    }
}
