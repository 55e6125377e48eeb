//! What mailers, ticket systems and chats do to a paste, undone; the data's sum says whether it was.

use crate::model::text::is_shown;
use crate::render::seal;

/// The text as it may have been before it was sent: as it is, then with each kind of damage undone, then with all.
pub(super) fn readings(text: &str) -> Vec<String> {
    type Undo = fn(&str) -> Option<String>;
    const KINDS: [Undo; 6] = [quoted_printable, ampersands, escaped, tagged, percent, markdown];
    let mut all = vec![text.to_owned()];
    let mut both = text.to_owned();
    for undo in KINDS {
        all.extend(undo(text));
        both = undo(&both).unwrap_or(both);
    }
    all.push(both);
    all.dedup();
    all
}

/// RFC 2045 6.7: `=3D` and lines that end in `=`.
fn quoted_printable(text: &str) -> Option<String> {
    if !text.contains("=3D")
        && !text.contains("=20")
        && !text.lines().any(|line| line.trim_end().ends_with('='))
    {
        return None;
    }
    let joined = text.replace("=\r\n", "").replace("=\n", "");
    Some(hex_escapes(&joined, '='))
}

/// `%0A` of web forms.
fn percent(text: &str) -> Option<String> {
    (text.contains("%0A") || text.contains("%0a") || text.contains("%3D")).then(|| hex_escapes(text, '%'))
}

/// Two hexadecimal digits behind `mark` as the byte that they are.
fn hex_escapes(text: &str, mark: char) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let code = rest.get(1..3).filter(|_| c == mark).and_then(|code| u8::from_str_radix(code, 16).ok());
        if let Some(byte) = code {
            bytes.push(byte);
            rest = &rest[3..];
        } else {
            let (head, tail) = rest.split_at(c.len_utf8());
            bytes.extend(head.bytes());
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Entities of entities: `&amp;nbsp;`.
fn ampersands(text: &str) -> Option<String> {
    text.contains("&amp;").then(|| text.replace("&amp;", "&"))
}

/// A string of JSON or of a program: `\n`, `\"`, `\u002b`.
fn escaped(text: &str) -> Option<String> {
    if !text.contains("\\n") {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n' | 'r') => out.push('\n'),
            Some('t') => out.push(' '),
            Some('u') => {
                let code: String = chars.by_ref().take(4).collect();
                out.extend(u32::from_str_radix(&code, 16).ok().and_then(char::from_u32));
            }
            Some(other) => out.push(other),
            None => {}
        }
    }
    Some(out)
}

/// HTML: what opens a line begins one, other tags are nothing.
fn tagged(text: &str) -> Option<String> {
    const LINES: [&str; 8] = ["<br", "<p", "</p", "<div", "</div", "<li", "<tr", "<pre"];
    let lower = text.to_ascii_lowercase();
    if !LINES.iter().any(|tag| lower.contains(tag)) && !lower.contains("</span") {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, tag)) = rest.split_once('<') {
        out.push_str(before);
        let name = format!("<{}", tag.get(..5).unwrap_or(tag).to_ascii_lowercase());
        if LINES.iter().any(|line| name.starts_with(line)) {
            out.push('\n');
        }
        rest = tag.split_once('>').map_or("", |(_, rest)| rest);
    }
    Some(out + rest)
}

/// Backslashes before what Markdown would take for its own.
fn markdown(text: &str) -> Option<String> {
    text.contains('\\').then(|| text.replace('\\', ""))
}

/// A frame around data, found in a text: its sum, and the data as they may stand in it.
pub(super) enum Found {
    /// The data's first line is nowhere.
    Nothing,
    /// The first line, and no last one.
    Cut,
    /// A first line without its sum.
    NoSum,
    /// Sum and what it may be of, each a guess.
    Data(String, Vec<String>),
}

/// The last frame of a text whose lines are bare of quote marks. What stands between words is not looked at: dashes and blanks
/// are what mailers change first.
pub(super) fn find(lines: &[String]) -> Found {
    const BEGIN: &str = "dataofCDR-";
    const END: &str = "endofdata";
    let text = lines.join("\n");
    let Some(at) = after(&text, BEGIN, true) else { return Found::Nothing };
    let rest = text.get(at..).unwrap_or_default();
    let Some(at) = after(rest, "sum", false) else { return Found::NoSum };
    let rest = rest.get(at..).unwrap_or_default();
    let mut sum = String::new();
    let mut body = "";
    for (n, c) in rest.char_indices() {
        if c.is_ascii_hexdigit() {
            sum.push(c.to_ascii_uppercase());
        } else if c.is_ascii_alphanumeric() {
            break;
        }
        if sum.len() == 8 {
            body = rest.get(n + 1..).unwrap_or_default();
            break;
        }
    }
    if sum.len() < 8 {
        return Found::NoSum;
    }
    sum.insert(4, '-');
    let guesses = guesses(body);
    let cut = |data: &String| data.find(END).and_then(|end| data.get(..end)).map(letters);
    let whole: Vec<String> = guesses.iter().filter_map(cut).collect();
    if whole.is_empty() { Found::Cut } else { Found::Data(sum, whole) }
}

/// Where a word ends whose letters may stand on two lines, for a mailer wraps anywhere; its last place, or its first.
fn after(text: &str, word: &str, last: bool) -> Option<usize> {
    let letters: Vec<(usize, char)> = text.char_indices().filter(|(_, c)| !c.is_whitespace()).collect();
    let bare: String = letters.iter().map(|(_, c)| c).collect();
    let at = if last { bare.rfind(word)? } else { bare.find(word)? };
    let end = bare.get(..at + word.len())?.chars().count() - 1;
    letters.get(end).map(|(at, c)| at + c.len_utf8())
}

/// All of the text; the last word of each line; the longest word of each line; lines of one word alone: without blanks each.
fn guesses(body: &str) -> Vec<String> {
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    // The last line's words belong together.
    let (data, end) = body.find("end of data").map_or((body, ""), |at| body.split_at(at));
    let end: String = end.split_whitespace().collect();
    let of = |pick: fn(&[String]) -> String| {
        data.lines().map(|line| pick(&words(line))).collect::<String>() + &end
    };
    let mut all = vec![
        of(<[String]>::concat),
        of(|words| words.last().cloned().unwrap_or_default()),
        of(|words| words.iter().max_by_key(|word| word.len()).cloned().unwrap_or_default()),
        of(|words| if words.len() == 1 { words[0].clone() } else { String::new() }),
    ];
    // A line beside others that is no data: a page's number, who wrote when.
    all.push(data.lines().filter(|line| line.trim().len() > 60).map(letters).collect::<String>() + &end);
    all.dedup();
    all
}

/// What base64 is made of.
fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')).collect()
}

/// A text's lines without quote marks and colours.
pub(super) fn bare(text: &str) -> Vec<String> {
    text.split(['\n', '\r', '\u{2028}', '\u{2029}', '\u{b}', '\u{c}', '\u{85}'])
        .map(seal::unquoted)
        .map(|line| line.chars().filter(|c| is_shown(*c)).collect())
        .collect()
}

/// What a file is that is no text.
pub(super) fn no_text(text: &str) -> Option<&'static str> {
    const KINDS: [(&str, &str); 5] = [
        ("PK\u{3}\u{4}", "a ZIP archive or an office document"),
        ("%PDF-", "a PDF"),
        ("\u{fffd}PNG", "a picture"),
        ("\u{fffd}\u{fffd}\u{fffd}\u{fffd}", "a picture or another binary file"),
        ("\u{1f}\u{fffd}", "a gzip archive"),
    ];
    KINDS.iter().find(|(begins, _)| text.starts_with(begins)).map(|(_, what)| *what)
}
