//! The override engine by itself: JSON Patch and merge patch on a document that remembers who wrote what.
//!
//! `cargo run -p mesh-model --example patch`
#![allow(clippy::disallowed_macros, reason = "an example talks to people")]

use std::error::Error;

use mesh_model::patch::{Document, Operation, Origin, apply, diff, merge};
use serde_json::{Value, json};

/// Who writes: a number for each, in order of application.
const WRITERS: [&str; 3] = ["template", "a JSON Patch", "a merge patch"];

fn main() -> Result<(), Box<dyn Error>> {
    let template = json!({ "spec": { "ports": [{ "port": 80 }, { "port": 443 }], "type": "ClusterIP" } });
    let mut document = Document::new(template.clone(), Origin(0));

    let operations = [
        json!({ "op": "test", "path": "/spec/ports/1/port", "value": 443 }),
        json!({ "op": "remove", "path": "/spec/ports/0" }),
        json!({ "op": "add", "path": "/spec/ports/-", "value": { "port": 8443 } }),
    ];
    let operations: Vec<Operation> =
        operations.iter().map(Operation::from_value).collect::<Result<_, _>>()?;
    apply(&mut document, &operations, Origin(1))?;
    merge(&mut document, &json!({ "spec": { "type": "LoadBalancer" } }), Origin(2));

    let result = document.value().clone();
    println!("{result:#}");
    for write in document.writes() {
        println!("{} by {}", write.path, WRITERS[write.origin.0 as usize]);
    }

    // A patch that fails changes nothing and says where and why.
    let wrong = Operation::from_value(&json!({ "op": "replace", "path": "/spec/prots/0", "value": 1 }))?;
    let error = apply(&mut document, &[wrong], Origin(3)).expect_err("there is no such place");
    println!("refused: {error}");
    assert_eq!(*document.value(), result);

    // And the way back: the difference of two documents is a patch that turns one into the other.
    let patch: Value = diff(&template, &result).iter().map(Operation::to_value).collect();
    println!("{patch:#}");
    Ok(())
}
