//! What the watch says, as a line for people and as an object of JSON. Pure.

use serde_json::{Map, Value, json};

use crate::pipeline::rfc3339;

/// One thing to say.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// When it happened, nanoseconds since 1970 by the best clock known.
    pub at_ns: i64,
    /// `check`, `cause`, `address`, …: see docs/watch.md.
    pub event: &'static str,
    /// The line for people, without its time.
    pub text: String,
    /// What JSON says beside `at` and `event`.
    pub fields: Map<String, Value>,
    /// How it is said.
    pub tone: Tone,
}

/// To whom a thing is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// To everybody.
    Said,
    /// To those who asked for more (`-v`).
    Whispered,
    /// On stderr: the watch itself is in trouble.
    Trouble,
}

impl Told {
    /// Something that happened, without more fields.
    pub fn new(at_ns: i64, event: &'static str, text: impl Into<String>) -> Self {
        Self { at_ns, event, text: text.into(), fields: Map::new(), tone: Tone::Said }
    }

    /// Adds a field.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// The same in another tone.
    #[must_use]
    pub fn tone(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }

    /// `2026-11-24T09:00:00Z FAIL stun.discovery: …`
    pub fn line(&self) -> String {
        format!("{} {}\n", rfc3339(self.at_ns), self.text)
    }

    /// One object on a line.
    pub fn json(&self) -> String {
        let mut object = Map::new();
        object.insert("at".into(), json!(rfc3339(self.at_ns)));
        object.insert("event".into(), json!(self.event));
        object.extend(self.fields.clone());
        object.insert("text".into(), json!(self.text));
        format!("{}\n", Value::Object(object))
    }
}
