//! The JSON Patch that makes one document into another.
//!
//! `apply(diff(old, new), old)` is `new`, and `diff(x, x)` is empty. Lists are
//! compared after what they have in common at both ends is set aside: an item
//! that was added or removed in one place is one operation.

use serde_json::Value;

use super::{Operation, Pointer};

/// The operations that make `old` into `new`, in an order in which they can be applied.
#[must_use]
pub fn diff(old: &Value, new: &Value) -> Vec<Operation> {
    let mut patch = Vec::new();
    compare(old, new, &mut Pointer::default(), &mut patch);
    patch
}

fn compare(old: &Value, new: &Value, at: &mut Pointer, patch: &mut Vec<Operation>) {
    match (old, new) {
        _ if old == new => {}
        (Value::Object(old), Value::Object(new)) => {
            for key in old.keys().filter(|key| !new.contains_key(*key)) {
                patch.push(Operation::Remove { path: at.then(key) });
            }
            for (key, value) in new {
                at.push(key);
                match old.get(key) {
                    Some(old) => compare(old, value, at, patch),
                    None => patch.push(Operation::Add { path: at.clone(), value: value.clone() }),
                }
                at.pop();
            }
        }
        (Value::Array(old), Value::Array(new)) => compare_lists(old, new, at, patch),
        _ => patch.push(Operation::Replace { path: at.clone(), value: new.clone() }),
    }
}

fn compare_lists(old: &[Value], new: &[Value], at: &mut Pointer, patch: &mut Vec<Operation>) {
    let common =
        |pairs: &mut dyn Iterator<Item = (&Value, &Value)>| pairs.take_while(|(old, new)| old == new).count();
    let before = common(&mut old.iter().zip(new));
    let (old, new) = (&old[before..], &new[before..]);
    let after = common(&mut old.iter().rev().zip(new.iter().rev()));
    let (old, new) = (&old[..old.len() - after], &new[..new.len() - after]);
    let both = old.len().min(new.len());
    for (index, (old, new)) in old.iter().zip(new).enumerate() {
        at.push(&(before + index).to_string());
        compare(old, new, at, patch);
        at.pop();
    }
    // from the end, so that the numbers of those before stay
    for index in (both..old.len()).rev() {
        patch.push(Operation::Remove { path: at.then(&(before + index).to_string()) });
    }
    for (index, value) in new.iter().enumerate().skip(both) {
        patch.push(Operation::Add { path: at.then(&(before + index).to_string()), value: value.clone() });
    }
}
