//! The way to a place in a document: through its value, and beside it through its history.

use std::sync::Arc;

use serde_json::Value;

use super::PatchProblem;
use super::history::History;
use crate::nearest::{nearest, quoted};

/// What is at a place.
pub(super) fn find<'d>(root: &'d Value, steps: &[Arc<str>]) -> Result<&'d Value, PatchProblem> {
    steps.iter().try_fold(root, |part, step| match part {
        Value::Object(members) => members.get(&**step).ok_or_else(|| no_member(step, members.keys())),
        Value::Array(items) => {
            let index = index(step)?;
            items.get(index).ok_or(PatchProblem::NoItem { index, length: items.len() })
        }
        plain => Err(no_parts(plain)),
    })
}

/// What is at a place and its history, which is its own from now on.
pub(super) fn walk<'d>(
    root: &'d mut Value,
    history: &'d mut History,
    steps: &[Arc<str>],
) -> Result<(&'d mut Value, &'d mut History), PatchProblem> {
    steps.iter().try_fold((root, history), |(part, history), step| match part {
        Value::Object(members) => {
            if !members.contains_key(&**step) {
                return Err(no_member(step, members.keys()));
            }
            let member = members.get_mut(&**step).expect("it was there a line above");
            Ok((member, history.member_mut(step.clone())))
        }
        Value::Array(items) => {
            let (index, length) = (index(step)?, items.len());
            let item = items.get_mut(index).ok_or(PatchProblem::NoItem { index, length })?;
            Ok((item, history.item_mut(index)))
        }
        plain => Err(no_parts(plain)),
    })
}

/// Where in a list of some length a step puts a new item.
pub(super) fn new_index(step: &str, length: usize) -> Result<usize, PatchProblem> {
    let index = if step == "-" { length } else { index(step)? };
    if index > length { Err(PatchProblem::NoItem { index, length }) } else { Ok(index) }
}

/// RFC 6901 section 4: digits, without leading zeros.
pub(super) fn index(step: &str) -> Result<usize, PatchProblem> {
    let is_number = step.bytes().all(|byte| byte.is_ascii_digit()) && (step == "0" || !step.starts_with('0'));
    let wrong = || PatchProblem::Index { step: step.to_owned() };
    if is_number { step.parse().map_err(|_| wrong()) } else { Err(wrong()) }
}

pub(super) fn no_member<'a>(step: &str, keys: impl Iterator<Item = &'a String>) -> PatchProblem {
    let nearest = nearest(step, keys.map(String::as_str)).map(str::to_owned);
    PatchProblem::NoMember { step: step.to_owned(), nearest }
}

pub(super) fn no_parts(found: &Value) -> PatchProblem {
    PatchProblem::NoParts { found: short(found) }
}

/// A value for a message.
pub(super) fn short(value: &Value) -> String {
    quoted(&value.to_string())
}
