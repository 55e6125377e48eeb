//! A file of `NAME=VALUE` lines, read exactly as systemd reads an `EnvironmentFile=` (systemd.exec(5); the states are
//! those of its `src/basic/env-file.c`): quotes, escapes, continued lines, and quotes that are never closed. Pure.

/// What a file sets.
#[derive(Debug, Default)]
pub(super) struct EnvFile {
    /// Name and value, in order.
    pub(super) pairs: Vec<(String, String)>,
    /// Numbers of lines, counted from 1, that set nothing.
    pub(super) malformed: Vec<u32>,
    /// The variable whose quote is never closed.
    pub(super) unclosed: Option<String>,
    /// It begins with a byte order mark, which becomes part of the first name.
    pub(super) marked: bool,
}

/// Most pairs, and most lines that are told.
const MOST: usize = 256;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    BeforeKey,
    Key,
    BeforeValue,
    Value,
    ValueEscape,
    Single,
    Double,
    DoubleEscape,
    Comment,
    CommentEscape,
}

/// Reads it.
pub(super) fn read(text: &str) -> EnvFile {
    use State::{
        BeforeKey, BeforeValue, Comment, CommentEscape, Double, DoubleEscape, Key, Single, Value, ValueEscape,
    };
    let mut file = EnvFile { marked: text.starts_with('\u{feff}'), ..EnvFile::default() };
    let (mut state, mut line, mut begun) = (BeforeKey, 1_u32, 1_u32);
    let (mut key, mut value) = (String::new(), String::new());
    // Blanks at the end of a value that is not quoted are no part of it: where they begin.
    let mut blanks: Option<usize> = None;
    for c in text.chars() {
        let ends = matches!(c, '\n' | '\r');
        let blank = matches!(c, ' ' | '\t' | '\n' | '\r');
        match state {
            BeforeKey if matches!(c, '#' | ';') => state = Comment,
            BeforeKey if !blank => {
                (key, value, begun, state) = (c.to_string(), String::new(), line, Key);
            }
            Key if ends => {
                file.refuse(begun);
                state = BeforeKey;
            }
            Key if c == '=' => (state, blanks) = (BeforeValue, None),
            Key => key.push(c),
            BeforeValue | Value if ends => {
                value.truncate(blanks.filter(|_| state == Value).unwrap_or(value.len()));
                file.push(&key, &value, begun);
                state = BeforeKey;
            }
            BeforeValue if c == '\'' => state = Single,
            BeforeValue if c == '"' => state = Double,
            BeforeValue | Value if c == '\\' => (state, blanks) = (ValueEscape, None),
            BeforeValue if !blank => {
                state = Value;
                value.push(c);
            }
            Value => {
                blanks = if blank { blanks.or(Some(value.len())) } else { None };
                value.push(c);
            }
            ValueEscape => {
                state = Value;
                if !ends {
                    value.push(c);
                }
            }
            Single if c == '\'' => state = BeforeValue,
            Double if c == '"' => state = BeforeValue,
            Double if c == '\\' => state = DoubleEscape,
            Single | Double => value.push(c),
            DoubleEscape => {
                state = Double;
                if matches!(c, '"' | '\\' | '`' | '$') {
                    value.push(c);
                } else if c != '\n' {
                    value.push('\\');
                    value.push(c);
                }
            }
            Comment if c == '\\' => state = CommentEscape,
            // Since systemd 254 a comment is not continued by a backslash.
            Comment | CommentEscape if ends => state = BeforeKey,
            CommentEscape => state = Comment,
            BeforeKey | BeforeValue | Comment => {}
        }
        line += u32::from(c == '\n');
    }
    match state {
        Key => file.refuse(begun),
        BeforeValue | Value | ValueEscape | Single | Double | DoubleEscape => {
            value.truncate(blanks.filter(|_| state == Value).unwrap_or(value.len()));
            file.push(&key, &value, begun);
            if matches!(state, Single | Double | DoubleEscape) {
                file.unclosed = Some(key.trim_end().to_owned()).filter(|key| is_name(key));
            }
        }
        BeforeKey | Comment | CommentEscape => {}
    }
    file
}

impl EnvFile {
    fn push(&mut self, key: &str, value: &str, line: u32) {
        let key = key.trim_end_matches([' ', '\t', '\n', '\r']);
        if !is_name(key) {
            self.refuse(line);
        } else if self.pairs.len() < MOST {
            self.pairs.push((key.to_owned(), value.to_owned()));
        }
    }

    fn refuse(&mut self, line: u32) {
        if self.malformed.len() < MOST {
            self.malformed.push(line);
        }
    }
}

/// What systemd takes for a variable's name.
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_read_as_systemd_reads_it() {
        for (text, pairs, malformed, unclosed) in [
            ("A=1\nB=2", &[("A", "1"), ("B", "2")][..], &[][..], None),
            ("A=1\r\nB=2\r\n", &[("A", "1"), ("B", "2")], &[], None),
            ("  A = 1 2  \n", &[("A", "1 2")], &[], None),
            ("A=\"1 \"\nB=' 2'\n", &[("A", "1 "), ("B", " 2")], &[], None),
            ("A=\"a\"'b'c\n", &[("A", "abc")], &[], None),
            ("A=a\"b\"\n", &[("A", "a\"b\"")], &[], None),
            ("A=a\\\nb\n", &[("A", "ab")], &[], None),
            ("A=a\\\\b\\n\n", &[("A", "a\\bn")], &[], None),
            ("A=\"a\\\nb\\\"\\x\"\n", &[("A", "ab\"\\x")], &[], None),
            ("A='a\\'\nB=2\n", &[("A", "a\\"), ("B", "2")], &[], None),
            // All that follows becomes part of the value.
            ("A=\"1\nB=2\n", &[("A", "1\nB=2\n")], &[], Some("A")),
            ("A='1\nB=2", &[("A", "1\nB=2")], &[], Some("A")),
            ("# a\\\nA=1\n; b\nB=2\n", &[("A", "1"), ("B", "2")], &[], None),
            ("export A=1\nB\n1C=2\nD=4\n", &[("D", "4")], &[1, 2, 3], None),
            ("A=1B=2\nC\\\n=3\n", &[("A", "1B=2")], &[2, 3], None),
            ("\u{feff}A=1\nB=2\n", &[("B", "2")], &[1], None),
            ("A=\nB=\"\"\n=x\n", &[("A", ""), ("B", "")], &[3], None),
            ("A=a # b\n", &[("A", "a # b")], &[], None),
            ("", &[], &[], None),
        ] {
            let file = read(text);
            let got: Vec<(&str, &str)> = file.pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            assert_eq!(got, pairs, "{text:?}");
            assert_eq!(file.malformed, malformed, "{text:?}");
            assert_eq!(file.unclosed.as_deref(), unclosed, "{text:?}");
        }
    }
}
