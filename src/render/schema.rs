//! The JSON Schema (draft 2020-12) of the JSON report, generated from the types themselves.

use schemars::Schema;
use schemars::generate::SchemaSettings;

use super::json::to_json;
use crate::model::report::{FORMAT_VERSION, Report};

/// The schema as a value: what `render json` writes satisfies it.
pub fn schema() -> Schema {
    // For what is written, not what is accepted: a reader may count on every key.
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<Report>();
    schema.insert("title".to_owned(), "connector-doctor report".into());
    schema.insert("$id".to_owned(), format!("urn:connector-doctor:report:{FORMAT_VERSION}").into());
    schema
}

/// The schema as JSON text.
pub fn render() -> String {
    to_json(&schema())
}
