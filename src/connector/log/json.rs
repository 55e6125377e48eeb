//! Logs in JSON, a line or a document of any length. Byte by byte, in bounded memory.

use super::record::{Record, VALUE};
use super::stamp;

/// Bytes of a key that are kept.
const KEY: usize = 64;
/// Objects in objects that are looked at.
const DEPTH: usize = 24;

#[derive(Debug)]
struct Frame {
    array: bool,
    /// Under which key it stands.
    own_key: Vec<u8>,
    key: Vec<u8>,
    record: Record,
    /// The first values of an array: `["1700000000000000000", "line"]`.
    values: Vec<Vec<u8>>,
    /// `{"field": "@message", "value": "…"}`.
    field: Vec<u8>,
    value: Vec<u8>,
}

/// Reads JSON as it comes.
#[derive(Debug)]
pub(super) struct Json {
    now_ns: i64,
    frames: Vec<Frame>,
    /// Objects and arrays that are too deep to be looked at.
    too_deep: usize,
    text: Vec<u8>,
    in_text: bool,
    escaped: bool,
    /// Figures of `\u00e9` that are awaited, and what came.
    unicode: Option<(u8, u32)>,
    /// A number or a word.
    bare: Vec<u8>,
}

impl Json {
    pub(super) fn new(now_ns: i64) -> Self {
        Self {
            now_ns,
            frames: Vec::new(),
            too_deep: 0,
            text: Vec::new(),
            in_text: false,
            escaped: false,
            unicode: None,
            bare: Vec::new(),
        }
    }

    /// Whether something is open.
    pub(super) fn is_open(&self) -> bool {
        !self.frames.is_empty() || self.in_text
    }

    /// Reads more; each record with a message goes to `said`.
    pub(super) fn feed(&mut self, bytes: &[u8], said: &mut impl FnMut(Record)) {
        for byte in bytes {
            self.byte(*byte, said);
        }
    }

    /// Closes what was not closed: a line may be cut.
    pub(super) fn end(&mut self, said: &mut impl FnMut(Record)) {
        if self.in_text {
            self.end_text();
        }
        self.end_bare();
        self.too_deep = 0;
        while !self.frames.is_empty() {
            self.close(said);
        }
        (self.escaped, self.unicode) = (false, None);
    }

    fn byte(&mut self, byte: u8, said: &mut impl FnMut(Record)) {
        if self.in_text {
            return self.in_text(byte);
        }
        match byte {
            b'"' => {
                self.end_bare();
                self.in_text = true;
            }
            b'{' | b'[' => self.open(byte == b'['),
            b'}' | b']' => {
                self.end_bare();
                self.close(said);
            }
            b':' => {
                self.end_bare();
                let text = std::mem::take(&mut self.text);
                if let Some(frame) = self.frames.last_mut().filter(|frame| !frame.array) {
                    frame.key = text;
                    frame.key.truncate(KEY);
                }
            }
            b',' => {
                self.end_bare();
                if let Some(frame) = self.frames.last_mut() {
                    frame.key.clear();
                }
                self.text.clear();
            }
            _ if byte.is_ascii_whitespace() => self.end_bare(),
            _ if self.bare.len() < KEY => self.bare.push(byte),
            _ => {}
        }
    }

    fn in_text(&mut self, byte: u8) {
        if let Some((left, code)) = self.unicode {
            let Some(figure) = (byte as char).to_digit(16) else {
                self.unicode = None;
                return self.push(b'?');
            };
            let code = code << 4 | figure;
            if left > 1 {
                self.unicode = Some((left - 1, code));
                return;
            }
            self.unicode = None;
            // Of a pair of surrogates neither half is a letter: what they stand for is in no word.
            let letter = char::from_u32(code).unwrap_or('?');
            let mut utf8 = [0; 4];
            for byte in letter.encode_utf8(&mut utf8).bytes() {
                self.push(byte);
            }
            return;
        }
        if self.escaped {
            self.escaped = false;
            match byte {
                b'n' => self.push(b'\n'),
                b't' => self.push(b'\t'),
                b'r' => self.push(b'\r'),
                b'b' | b'f' => self.push(b' '),
                b'u' => self.unicode = Some((4, 0)),
                other => self.push(other),
            }
            return;
        }
        match byte {
            b'\\' => self.escaped = true,
            b'"' => self.end_text(),
            other => self.push(other),
        }
    }

    fn push(&mut self, byte: u8) {
        if self.text.len() < VALUE {
            self.text.push(byte);
        }
    }

    fn end_text(&mut self) {
        self.in_text = false;
        let Some(frame) = self.frames.last_mut() else {
            self.text.clear();
            return;
        };
        if self.too_deep > 0 {
            self.text.clear();
        } else if frame.array {
            let text = std::mem::take(&mut self.text);
            if frame.values.len() < 3 {
                frame.values.push(text);
            }
        } else if !frame.key.is_empty() {
            let text = std::mem::take(&mut self.text);
            Self::value(frame, &text, self.now_ns);
        }
        // Else it is a key, and waits for its colon.
    }

    fn end_bare(&mut self) {
        if self.bare.is_empty() {
            return;
        }
        let bare = std::mem::take(&mut self.bare);
        if let Some(frame) = self.frames.last_mut().filter(|_| self.too_deep == 0) {
            if frame.array {
                if frame.values.len() < 3 {
                    frame.values.push(bare);
                }
            } else if bare.first().is_some_and(u8::is_ascii_digit) {
                Self::value(frame, &bare, self.now_ns);
            }
        }
    }

    fn value(frame: &mut Frame, text: &[u8], now_ns: i64) {
        let Frame { own_key, key, record, field, value, .. } = frame;
        match key.as_slice() {
            b"field" => *field = text[..text.len().min(KEY)].to_vec(),
            b"value" => *value = text.to_vec(),
            _ => record.take(own_key, key, text, now_ns),
        }
    }

    fn open(&mut self, array: bool) {
        self.end_bare();
        if self.too_deep > 0 || self.frames.len() >= DEPTH {
            self.too_deep += 1;
            return;
        }
        let own_key = match self.frames.last_mut() {
            // What stands in an array stands under the array's key.
            Some(frame) if frame.array => frame.own_key.clone(),
            Some(frame) => std::mem::take(&mut frame.key),
            None => Vec::new(),
        };
        self.text.clear();
        self.frames.push(Frame {
            array,
            own_key,
            key: Vec::new(),
            record: Record::default(),
            values: Vec::new(),
            field: Vec::new(),
            value: Vec::new(),
        });
    }

    fn close(&mut self, said: &mut impl FnMut(Record)) {
        if self.too_deep > 0 {
            self.too_deep -= 1;
            return;
        }
        let Some(mut frame) = self.frames.pop() else { return };
        self.text.clear();
        // Loki's values, with the labels of the stream around them.
        if frame.array
            && let [time, line, ..] = frame.values.as_slice()
            && (13..=20).contains(&time.len())
            && time.iter().all(u8::is_ascii_digit)
        {
            let mut record = Record { stamp: stamp::value(time, self.now_ns), ..Record::default() };
            record.message = Some(line.clone());
            return self.emit(record, said);
        }
        let in_array = self.frames.last().is_none_or(|outer| outer.array);
        if !frame.array && !frame.field.is_empty() {
            // CloudWatch Insights: an array of fields is one record.
            let (field, value) = (std::mem::take(&mut frame.field), std::mem::take(&mut frame.value));
            if let Some(outer) = self.frames.last_mut().filter(|outer| outer.array) {
                outer.record.take(b"", &field, &value, self.now_ns);
            }
            return;
        }
        if frame.record.message.is_some() && (in_array || frame.array) {
            return self.emit(frame.record, said);
        }
        // `resource.labels`, `_source`, `kubernetes`: what is inside tells of what is around; what is in a list does not.
        if let Some(outer) = self.frames.last_mut().filter(|outer| !outer.array && !frame.array) {
            outer.record.fill(frame.record);
        }
    }

    /// A record with what stands around it, the nearest first: the labels of a stream.
    fn emit(&mut self, mut record: Record, said: &mut impl FnMut(Record)) {
        for outer in self.frames.iter().rev() {
            let labels = Record { message: None, stamp: None, ..outer.record.clone() };
            record.fill(labels);
        }
        said(record);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-24T14:12:13Z.
    const THEN: i64 = 1_795_529_533_000_000_000;

    fn read(text: &str) -> Vec<(String, String, String, Option<i64>)> {
        let mut all = Vec::new();
        let mut json = Json::new(THEN);
        let mut said = |record: Record| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let message = record.message.as_deref().map(text).unwrap_or_default();
            all.push((message, text(&record.mark), text(&record.host), record.stamp.map(|s| s.ns - THEN)));
        };
        json.feed(text.as_bytes(), &mut said);
        json.end(&mut said);
        all
    }

    #[test]
    fn records_of_every_exporter_are_read() {
        let one = |message: &str, mark: &str, host: &str| {
            vec![(message.to_owned(), mark.to_owned(), host.to_owned(), Some(0))]
        };
        for (text, expected) in [
            (
                r#"{"log":"[E] a \"b\"\n","stream":"stderr","time":"2026-11-24T14:12:13Z"}"#,
                one("[E] a \"b\"\n", "", ""),
            ),
            (
                r#"{"__REALTIME_TIMESTAMP":"1795529533000000","_HOSTNAME":"h","MESSAGE":"m"}"#,
                one("m", "", "h"),
            ),
            (
                r#"{"timestamp": "2026-11-24T14:12:13.000+0000", "agent": {"name": "pi"}, "data": {"source": "x", "log": "m"}}"#,
                one("m", "", "pi"),
            ),
            (
                r#"[{"textPayload":"m","timestamp":"2026-11-24T14:12:13Z","resource":{"labels":{"pod_name":"p","container_name":"c"}}}]"#,
                one("m", "p", ""),
            ),
            (
                r#"{"data":{"result":[{"stream":{"pod":"p"},"values":[["1795529533000000000","m"]]}]}}"#,
                one("m", "p", ""),
            ),
            (
                r#"{"events":[{"logStreamName":"s","timestamp":1795529533000,"message":"m","ingestionTime":1}]}"#,
                one("m", "s", ""),
            ),
            (
                r#"{"results":[[{"field":"@timestamp","value":"2026-11-24 14:12:13.000"},{"field":"@message","value":"m"}]]}"#,
                one("m", "", ""),
            ),
            (
                r#"{"hits":{"hits":[{"_source":{"@timestamp":"2026-11-24T14:12:13Z","message":"m","kubernetes":{"pod":{"name":"p"}},"host":{"name":"h"}}}]}}"#,
                one("m", "p", "h"),
            ),
            (r#"{"_source":{"@timestamp":"2026-11-24T14:12:13Z","message":"m"}}"#, one("m", "", "")),
            (
                r#"{"kubernetes.pod.name":"p","host.name":"h","message":"m","@timestamp":"2026-11-24T14:12:13Z"}"#,
                one("m", "p", "h"),
            ),
            (r#"[{"line":"m","timestamp":"1795529533000000000","fields":{"pod":"p"}}]"#, one("m", "p", "")),
            (r#"{"time":"2026-11-24T14:12:13Z","message":"cut"#, one("cut", "", "")),
        ] {
            assert_eq!(read(text), expected, "{text}");
            let lines = text.replace(",\"", ",\n  \"");
            assert_eq!(read(&lines), expected, "{lines}");
        }
        assert_eq!(read(r#"{"a":{"b":[1,2,{"c":"d"}]}} ] } x {"message":""}"#), []);
        assert_eq!(read(&"[".repeat(10_000)), []);
    }
}
