//! Files of systemd's form (systemd.syntax(7)): units, their drop-ins, podman's quadlets: what a Connector's needs. Pure.

/// One assignment: section, key, value.
type Assignment = (String, String, String);

/// What a unit, with its drop-ins in order, sets.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Unit {
    set: Vec<Assignment>,
}

/// Most assignments that are kept.
const MOST: usize = 512;

impl Unit {
    /// Adds a file's assignments; those of a later file count over those before.
    pub fn add(&mut self, text: &str) {
        let mut section = String::new();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                name.clone_into(&mut section);
                continue;
            }
            let mut joined = line.to_owned();
            while joined.ends_with('\\') {
                joined.pop();
                let Some(more) = lines.next() else { break };
                // Comments in between are no part of it.
                if more.trim_start().starts_with(['#', ';']) {
                    joined.push('\\');
                } else {
                    joined.push(' ');
                    joined.push_str(more.trim());
                }
            }
            if let Some((key, value)) = joined.split_once('=')
                && self.set.len() < MOST
            {
                self.set.push((section.clone(), key.trim().to_owned(), value.trim().to_owned()));
            }
        }
    }

    /// The values of a key that is a list: an empty one empties what stood before it.
    pub fn all(&self, section: &str, key: &str) -> Vec<&str> {
        let mut values = Vec::new();
        for (_, _, value) in self.set.iter().filter(|(s, k, _)| s == section && k == key) {
            if value.is_empty() {
                values.clear();
            } else {
                values.push(value.as_str());
            }
        }
        values
    }

    /// The value of a key that is none.
    pub fn last(&self, section: &str, key: &str) -> Option<&str> {
        self.all(section, key).pop()
    }

    /// Files of variables: path, and whether the unit starts without it, too (`-` before the path).
    pub fn environment_files(&self, section: &str) -> Vec<(&str, bool)> {
        let files = self.all(section, "EnvironmentFile").into_iter();
        let files = files.map(|path| match path.strip_prefix('-') {
            Some(path) => (path, true),
            None => (path, false),
        });
        // A specifier or a pattern is not followed.
        files.filter(|(path, _)| path.starts_with('/') && !path.contains(['%', '*', '?', '['])).collect()
    }

    /// Variables that it sets itself, a word each (quotes around a whole assignment taken off).
    pub fn environment(&self, section: &str) -> Vec<String> {
        self.all(section, "Environment").into_iter().flat_map(words).collect()
    }

    /// The program that it starts.
    pub fn program(&self) -> Option<&str> {
        let command = self.last("Service", "ExecStart")?.trim_start_matches(['-', '@', ':', '+', '!']);
        command.split_whitespace().next().filter(|path| path.starts_with('/') && !path.contains('%'))
    }
}

/// Splits a list of assignments at blanks outside quotes.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut any) = (Vec::new(), String::new(), None, false);
    for c in text.chars() {
        match quote {
            Some(q) if c == q => quote = None,
            Some(_) => word.push(c),
            None if c == '"' || c == '\'' => (quote, any) = (Some(c), true),
            None if c.is_whitespace() => {
                if any {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            None => {
                word.push(c);
                any = true;
            }
        }
    }
    words.extend(any.then_some(word));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_and_its_drop_ins_are_read_together() {
        let mut unit = Unit::default();
        unit.add("# x\n[Service]\nExecStart=-/usr/bin/twingate-connector --x \\\n  # between\n  --y\nEnvironmentFile=-/etc/a\nEnvironmentFile=/etc/%i\n");
        unit.add("[Service]\nEnvironmentFile=\nEnvironmentFile=/etc/twingate/connector.conf\nEnvironment=A=1 \"B=2 3\" 'C=4'\n");
        assert_eq!(unit.environment_files("Service"), [("/etc/twingate/connector.conf", false)]);
        assert_eq!(unit.environment("Service"), ["A=1", "B=2 3", "C=4"]);
        assert_eq!(unit.program(), Some("/usr/bin/twingate-connector"));
        assert_eq!(unit.last("Service", "ExecStart"), Some("-/usr/bin/twingate-connector --x  --y"));
        assert_eq!(unit.last("Unit", "ExecStart"), None);
    }

    #[test]
    fn rubbish_is_less_and_no_error() {
        let mut unit = Unit::default();
        unit.add("[\n]\n=\n\\\n[Service\nExecStart=\\\n\u{0}=\u{1b}\\");
        assert_eq!((unit.program(), unit.environment("Service").len()), (None, 0));
    }
}
