//! Logs of several lines a record: Google's YAML, journald's `export` and `verbose`, tables of CSV. Line by line.

use super::envelope;
use super::record::Record;

/// Columns of a table that are looked at.
const COLUMNS: usize = 64;
/// Bytes of a value.
const VALUE: usize = 64 * 1024;

/// What the lines are written in.
#[derive(Debug)]
pub(super) enum Form {
    Yaml(Yaml),
    Fields(Fields),
    Table(Table),
}

impl Form {
    /// The form that a line of the log's beginning shows; none where lines stand for themselves.
    pub(super) fn of(line: &[u8]) -> Option<Self> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let yaml = line == b"---"
            || [
                &b"insertId: "[..],
                b"- insertId: ",
                b"textPayload: ",
                b"logName: ",
                b"- jsonPayload:",
                b"- textPayload: ",
            ]
            .iter()
            .any(|begin| line.starts_with(begin));
        if yaml {
            return Some(Self::Yaml(Yaml::default()));
        }
        let export = [&b"__CURSOR="[..], b"__REALTIME_TIMESTAMP=", b"_HOSTNAME=", b"_COMM="];
        if export.iter().any(|begin| line.starts_with(begin))
            || (line.ends_with(b"]") && memchr::memmem::find(line, b" [s=").is_some())
        {
            return Some(Self::Fields(Fields::default()));
        }
        Table::of(line).map(Self::Table)
    }

    /// Reads a line; a record that it ends goes to `said`.
    pub(super) fn line(&mut self, line: &[u8], now_ns: i64, said: &mut impl FnMut(Record)) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match self {
            Self::Yaml(yaml) => yaml.line(line, now_ns, said),
            Self::Fields(fields) => fields.line(line, now_ns, said),
            Self::Table(table) => table.line(line, now_ns, said),
        }
    }

    /// The last record.
    pub(super) fn end(&mut self, now_ns: i64, said: &mut impl FnMut(Record)) {
        match self {
            Self::Yaml(yaml) => yaml.end(now_ns, said),
            Self::Fields(fields) => fields.end(said),
            Self::Table(table) => table.end(now_ns, said),
        }
    }
}

/// `gcloud logging read`, and what else writes one key a line.
#[derive(Debug, Default)]
pub(super) struct Yaml {
    record: Record,
    /// Keys above the line, each with how far it is set in.
    above: Vec<(usize, Vec<u8>)>,
    open: Option<Open>,
}

/// A value that goes on: its key's indent, its object, its key, its text, its quote.
#[derive(Debug)]
struct Open(usize, Vec<u8>, Vec<u8>, Vec<u8>, Option<u8>);

impl Yaml {
    fn line(&mut self, line: &[u8], now_ns: i64, said: &mut impl FnMut(Record)) {
        let inner = line.trim_ascii_start();
        let indent = line.len() - inner.len();
        if self.goes_on(inner, indent, now_ns) {
            return;
        }
        if line == b"---" {
            return self.next(said);
        }
        let (inner, indent) = match inner.strip_prefix(b"- ") {
            Some(inner) => {
                if indent == 0 {
                    self.next(said);
                }
                (inner, indent + 2)
            }
            None => (inner, indent),
        };
        let Some(colon) = memchr::memmem::find(inner, b":")
            .filter(|at| *at > 0 && *at <= 64 && inner.get(at + 1).is_none_or(|b| *b == b' '))
        else {
            return;
        };
        let key = unquoted(&inner[..colon]).to_vec();
        let value = inner[colon + 1..].trim_ascii();
        self.above.retain(|(at, _)| *at < indent);
        let parent = self.above.last().map(|(_, key)| key.clone()).unwrap_or_default();
        if value.is_empty() {
            if self.above.len() < 16 {
                self.above.push((indent, key));
            }
            return;
        }
        let quote = value.first().copied().filter(|b| matches!(b, b'\'' | b'"'));
        if matches!(value.first(), Some(b'|' | b'>')) {
            self.open = Some(Open(indent, parent, key, Vec::new(), None));
        } else if let Some(quote) = quote {
            let text = &value[1..];
            self.open = Some(Open(indent, parent, key, text.to_vec(), Some(quote)));
            self.close_if_ended(now_ns);
        } else {
            // A plain one may go on in the lines below, too.
            self.open = Some(Open(indent, parent, key, value.to_vec(), None));
        }
    }

    /// Whether a line belongs to the value above.
    fn goes_on(&mut self, inner: &[u8], indent: usize, now_ns: i64) -> bool {
        let Some(Open(at, _, _, text, quote)) = &mut self.open else { return false };
        if quote.is_none() && (indent <= *at || inner.is_empty()) {
            self.close(now_ns);
            return false;
        }
        let room = VALUE.saturating_sub(text.len() + 1).min(inner.len());
        text.push(b' ');
        text.extend_from_slice(&inner[..room]);
        if quote.is_some() {
            self.close_if_ended(now_ns);
        }
        true
    }

    fn close_if_ended(&mut self, now_ns: i64) {
        let Some(Open(_, _, _, text, Some(quote))) = &mut self.open else { return };
        let quote = *quote;
        // Quotes within: two of the single kind, a stroke before the double.
        let mut clean = Vec::with_capacity(text.len());
        let mut at = 0;
        while let Some(byte) = text.get(at).copied() {
            if byte == b'\\' && quote == b'"' {
                clean.push(match text.get(at + 1) {
                    Some(b'n') => b'\n',
                    Some(b't') | None => b' ',
                    Some(other) => *other,
                });
                at += 2;
            } else if byte == quote {
                if quote == b'\'' && text.get(at + 1) == Some(&b'\'') {
                    clean.push(byte);
                    at += 2;
                    continue;
                }
                *text = clean;
                return self.close(now_ns);
            } else {
                clean.push(byte);
                at += 1;
            }
        }
    }

    fn close(&mut self, now_ns: i64) {
        if let Some(Open(_, parent, key, text, _)) = self.open.take() {
            self.record.take(&parent, &key, &text, now_ns);
        }
    }

    fn next(&mut self, said: &mut impl FnMut(Record)) {
        self.above.clear();
        let record = std::mem::take(&mut self.record);
        if record.message.is_some() {
            said(record);
        }
    }

    fn end(&mut self, now_ns: i64, said: &mut impl FnMut(Record)) {
        self.close(now_ns);
        self.next(said);
    }
}

fn unquoted(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii();
    let inner = text.strip_prefix(b"\"").or_else(|| text.strip_prefix(b"'")).unwrap_or(text);
    inner.strip_suffix(b"\"").or_else(|| inner.strip_suffix(b"'")).unwrap_or(inner)
}

/// `KEY=value` a line; a blank line ends a record, or the time that `journalctl -o verbose` puts above each.
#[derive(Debug, Default)]
pub(super) struct Fields {
    record: Record,
}

impl Fields {
    fn line(&mut self, line: &[u8], now_ns: i64, said: &mut impl FnMut(Record)) {
        let inner = line.trim_ascii();
        let key = inner
            .iter()
            .take(64)
            .take_while(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || **b == b'_')
            .count();
        if key > 0 && inner.get(key) == Some(&b'=') {
            self.record.take(b"", &inner[..key], &inner[key + 1..], now_ns);
            return;
        }
        self.end(said);
        if !inner.is_empty() {
            self.record.stamp = envelope::open(inner, now_ns).stamp;
        }
    }

    fn end(&mut self, said: &mut impl FnMut(Record)) {
        let record = std::mem::take(&mut self.record);
        if record.message.is_some() {
            said(record);
        }
    }
}

/// A table with a heading.
#[derive(Debug)]
pub(super) struct Table {
    by: u8,
    columns: Vec<Vec<u8>>,
    record: Record,
    column: usize,
    value: Vec<u8>,
    in_quotes: bool,
    /// A quote that ends the value, or is the first of two.
    quote: bool,
}

impl Table {
    fn of(line: &[u8]) -> Option<Self> {
        if line.len() > 2000 {
            return None;
        }
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        b",;\t".iter().find_map(|by| {
            let columns: Vec<Vec<u8>> =
                line.split(|b| b == by).take(COLUMNS).map(|name| unquoted(name).to_vec()).collect();
            let mut trial = Record::default();
            let (mut time, mut message) = (false, false);
            for column in &columns {
                trial.take(b"", column, b"1795529533000", 0);
                time |= std::mem::take(&mut trial).stamp.is_some();
                trial.take(b"", column, b"x", 0);
                message |= std::mem::take(&mut trial).message.is_some();
            }
            (time && message).then(|| Self {
                by: *by,
                columns,
                record: Record::default(),
                column: 0,
                value: Vec::new(),
                in_quotes: false,
                quote: false,
            })
        })
    }

    fn line(&mut self, line: &[u8], now_ns: i64, said: &mut impl FnMut(Record)) {
        for byte in line {
            match *byte {
                b'"' if self.in_quotes && self.quote => {
                    self.push(b'"');
                    self.quote = false;
                }
                b'"' if self.in_quotes => self.quote = true,
                b'"' if self.value.is_empty() => (self.in_quotes, self.quote) = (true, false),
                by if by == self.by && (!self.in_quotes || self.quote) => self.cell(now_ns),
                other => {
                    if self.quote {
                        (self.in_quotes, self.quote) = (false, false);
                    }
                    self.push(other);
                }
            }
        }
        if self.in_quotes && !self.quote {
            // The value has lines of its own.
            return self.push(b'\n');
        }
        self.end(now_ns, said);
    }

    fn push(&mut self, byte: u8) {
        if self.value.len() < VALUE {
            self.value.push(byte);
        }
    }

    fn cell(&mut self, now_ns: i64) {
        let value = std::mem::take(&mut self.value);
        if let Some(column) = self.columns.get(self.column) {
            self.record.take(b"", column, &value, now_ns);
        }
        self.column += 1;
        (self.in_quotes, self.quote) = (false, false);
    }

    fn end(&mut self, now_ns: i64, said: &mut impl FnMut(Record)) {
        self.cell(now_ns);
        self.column = 0;
        let record = std::mem::take(&mut self.record);
        if record.message.is_some() {
            said(record);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-24T14:12:13Z.
    const THEN: i64 = 1_795_529_533_000_000_000;

    fn read(text: &str) -> Vec<(String, String, String, Option<i64>)> {
        let mut lines = text.lines().map(str::as_bytes).peekable();
        let mut form = Form::of(lines.peek().expect("a line")).expect("a form");
        if matches!(form, Form::Table(_)) {
            lines.next();
        }
        let mut all = Vec::new();
        let mut said = |record: Record| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let message = record.message.as_deref().map(text).unwrap_or_default();
            all.push((message, text(&record.mark), text(&record.host), record.stamp.map(|s| s.ns - THEN)));
        };
        for line in lines {
            form.line(line, THEN, &mut said);
        }
        form.end(THEN, &mut said);
        all
    }

    #[test]
    fn records_of_several_lines_are_put_together() {
        let one = |message: &str, mark: &str, host: &str| {
            (message.to_owned(), mark.to_owned(), host.to_owned(), Some(0))
        };
        let yaml = "---\ninsertId: x\nresource:\n  labels:\n    pod_name: p\n  type: k8s_container\ntextPayload: '[E] it''s\n  \"long\"'\ntimestamp: '2026-11-24T14:12:13Z'\n---\ntextPayload: \"a \\\"b\\\"\"\ntimestamp: '2026-11-24T14:12:13Z'\n---\njsonPayload:\n  message: m\ntimestamp: '2026-11-24T14:12:13Z'\n";
        assert_eq!(read(yaml), [one("[E] it's \"long\"", "p", ""), one("a \"b\"", "", ""), one("m", "", "")]);
        let export = "__CURSOR=s\n__REALTIME_TIMESTAMP=1795529533000000\n_HOSTNAME=h\nMESSAGE=m\n\n__REALTIME_TIMESTAMP=1795529533000000\nMESSAGE=n\n";
        assert_eq!(read(export), [one("m", "", "h"), one("n", "", "")]);
        let verbose = "Tue 2026-11-24 14:12:13.000000 UTC [s=1;i=2]\n    _HOSTNAME=h\n    MESSAGE=m\nTue 2026-11-24 14:12:13 UTC [s=1;i=3]\n    MESSAGE=n\n";
        assert_eq!(read(verbose), [one("m", "", "h"), one("n", "", "")]);
        for table in [
            "Time,Line,pod\n2026-11-24T14:12:13Z,m,p\n",
            "\"timestamp\";\"message\";\"pod\"\n1795529533000;\"m\";\"p\"\n",
            "pod\t@timestamp\t@message\np\t2026-11-24 14:12:13.000Z\tm\n",
        ] {
            assert_eq!(read(table), [one("m", "p", "")], "{table}");
        }
        assert_eq!(read("time,message\n1795529533000,\"a, \"\"b\"\"\nc\"\n"), [one("a, \"b\"\nc", "", "")]);
        for line in ["[ERROR] x", "", "time flies", "a,b,c", "{", "2026-11-24T14:12:13Z message"] {
            assert!(Form::of(line.as_bytes()).is_none(), "{line}");
        }
    }
}
