//! An instance of a JSON Schema with everything in it, for tests: what holds for every string of a report holds for
//! those of facts that are added tomorrow. Knows nothing of reports, so that `tests/render.rs` may use it, too.

use serde_json::{Map, Value};

/// What stands in for strings: by schema, path (object keys, arrays left out) and `pick`.
pub(crate) type Strings<'a> = &'a dyn Fn(&Value, &[String], usize) -> String;

/// An instance of `root`; `pick` says which of several forms is taken, and varies in lists; `key` is the one key of open maps.
pub(crate) fn filled(root: &Value, pick: usize, key: &str, string: Strings<'_>) -> Value {
    Filler { root, key, string }.of(root, &mut Vec::new(), pick)
}

struct Filler<'a> {
    root: &'a Value,
    key: &'a str,
    string: Strings<'a>,
}

impl Filler<'_> {
    fn of(&self, schema: &Value, path: &mut Vec<String>, pick: usize) -> Value {
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            let target = self.root.pointer(target.trim_start_matches('#'));
            return self.of(target.expect("the schema refers to itself"), path, pick);
        }
        if let Some(only) = schema.get("const") {
            return only.clone();
        }
        if let Some(words) = schema.get("enum").and_then(Value::as_array) {
            return words[pick % words.len()].clone();
        }
        if let Some(forms) = ["oneOf", "anyOf"].iter().find_map(|key| schema.get(*key)?.as_array()) {
            let some = |form: &&Value| form.get("type").is_none_or(|kind| kind != "null");
            let forms: Vec<&Value> = forms.iter().filter(some).collect();
            return self.of(forms[pick % forms.len()], path, pick);
        }
        let kind = match schema.get("type") {
            Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
            Some(kind) => kind.as_str(),
            None => Some("object"),
        };
        match kind {
            Some("object") => self.object(schema, path, pick),
            Some("array") => match schema.get("prefixItems").and_then(Value::as_array) {
                Some(items) => items.iter().map(|item| self.of(item, path, pick)).collect(),
                None => (0..3).map(|n| self.of(&schema["items"], path, pick + n)).collect(),
            },
            Some("string") => (self.string)(schema, path, pick).into(),
            Some("boolean") => true.into(),
            Some("integer") => 1.into(),
            Some("number") => 1.5.into(),
            other => panic!("{other:?} at {path:?}"),
        }
    }

    fn object(&self, schema: &Value, path: &mut Vec<String>, pick: usize) -> Value {
        let mut map = Map::new();
        for (key, inner) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            path.push(key.clone());
            map.insert(key.clone(), self.of(inner, path, pick));
            path.pop();
        }
        if let Some(inner) = schema.get("additionalProperties").filter(|inner| inner.is_object()) {
            map.insert(self.key.to_owned(), self.of(inner, path, pick));
        }
        map.into()
    }
}
