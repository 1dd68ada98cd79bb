//! Any document and patch: applied whole or not at all, and the way back exists.

use mesh_model::patch::{Document, MAX_NODES, Operation, Origin, apply, diff, merge};
use serde_json::Value;

/// Reads `bytes` as JSON `[document, patch]`: a list is a JSON Patch, all else a merge patch.
pub fn check(bytes: &[u8]) {
    let Ok((old, patch)) = serde_json::from_slice::<(Value, Value)>(bytes) else { return };
    let mut document = Document::new(old.clone(), Origin(0));
    match &patch {
        Value::Array(operations) => {
            let operations: Result<Vec<Operation>, _> =
                operations.iter().map(Operation::from_value).collect();
            let Ok(operations) = operations else { return };
            let before = document.clone();
            if let Err(error) = apply(&mut document, &operations, Origin(1)) {
                assert!(error.index < operations.len() && !error.to_string().is_empty());
                assert!(document == before, "half-applied");
            }
        }
        patch => {
            merge(&mut document, patch, Origin(1));
            let once = document.value().clone();
            merge(&mut document, patch, Origin(2));
            assert_eq!(*document.value(), once, "merging again changes nothing");
        }
    }
    let new = document.value().clone();
    assert!(document.writes().count() <= 8 * MAX_NODES);
    let mut back = Document::new(new.clone(), Origin(0));
    apply(&mut back, &diff(&new, &old), Origin(1)).expect("a difference can be applied");
    assert_eq!(*back.value(), old);
}
