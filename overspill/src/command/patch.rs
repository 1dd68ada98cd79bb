//! `patch DOC PATCH`: the engine of overrides by itself.

use std::io::Write;

use mesh_model::patch::{Document, Operation, Origin, apply, merge};
use serde_json::Value;

use super::{Stop, read_apart};
use crate::cli::Patch;
use crate::output::{Format, Output};
use files::{Fault, Source};

const DOCUMENT: Origin = Origin(0);
const PATCH: Origin = Origin(1);

pub(super) fn run(arguments: &Patch, out: &mut Output) -> Result<(), Stop> {
    read_apart(("DOC", &arguments.document), [("PATCH", arguments.patch.as_path())])?;
    let mut document = Document::new(Source::read(&arguments.document)?.parse::<Value>()?, DOCUMENT);
    let source = Source::read(&arguments.patch)?;
    let patch: Value = source.parse()?;
    if arguments.merge && is_json_patch(&patch) {
        let message = "these are the operations of a JSON Patch, and a merge patch is a document of the fields that differ; leave --merge out".to_owned();
        return Err(Fault { field: None, ..source.fault("", message) }.into());
    }
    if arguments.merge {
        merge(&mut document, &patch, PATCH);
    } else {
        let operations = operations(&source, &patch)?;
        apply(&mut document, &operations, PATCH)
            .map_err(|error| source.fault(&format!("[{}]", error.index), error.to_string()))?;
    }
    match out.format() {
        Format::Json => out.json(document.value())?,
        Format::Text => {
            let text = files::yaml(document.value()).expect("a JSON value has a form in YAML");
            out.write_all(text.as_bytes())?;
        }
    }
    Ok(())
}

/// Whether a value is a list of operations: as a merge patch it would take the place of the whole document.
fn is_json_patch(patch: &Value) -> bool {
    let is_operation = |item: &Value| item.get("op").is_some() && item.get("path").is_some();
    patch.as_array().is_some_and(|items| !items.is_empty() && items.iter().all(is_operation))
}

fn operations(source: &Source, patch: &Value) -> Result<Vec<Operation>, Fault> {
    let Some(items) = patch.as_array() else {
        let message = "a JSON Patch is a list of operations; for a document of fields add --merge".to_owned();
        return Err(Fault { field: None, ..source.fault("", message) });
    };
    let operation = |(position, item)| {
        let told = |error: mesh_model::patch::OperationError| {
            source.fault(&format!("[{position}]"), error.to_string())
        };
        Operation::from_value(item).map_err(told)
    };
    items.iter().enumerate().map(operation).collect()
}
