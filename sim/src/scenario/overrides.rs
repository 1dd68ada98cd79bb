//! `--set PATH=VALUE`: changes to a scenario's text before it is understood.
//!
//! The text becomes a tree, the value (YAML itself) replaces what the path
//! names or is added there, and the tree becomes text again (JSON, which is
//! YAML). So an override is checked exactly as if it had been written.

use core::fmt;

use serde_json::Value;

use super::error::{OverrideProblem, ScenarioError, nearest};
use super::{syntax_error, yaml_options};

/// The scenario's text with overrides applied, in their order.
///
/// A path is names with dots between and `[N]` for the items of lists, counted
/// from 0: `dns.ttl`, `events[0].at`. A name that does not exist is added (and
/// found unknown when the text is read, if the format has no such field).
///
/// # Errors
///
/// [`ScenarioError::Override`] says which override cannot be applied and why;
/// [`ScenarioError::Syntax`] if the text is no YAML.
///
/// ```
/// use sim::scenario::with_overrides;
///
/// let text = with_overrides("dns: { ttl: 30s }", &["dns.ttl=60s", "seed=7"])?;
/// assert_eq!(text, r#"{"dns":{"ttl":"60s"},"seed":7}"#);
/// # Ok::<(), sim::scenario::ScenarioError>(())
/// ```
pub fn with_overrides<S: AsRef<str>>(text: &str, overrides: &[S]) -> Result<String, ScenarioError> {
    let mut tree: Value =
        serde_saphyr::from_str_with_options(text, yaml_options()).map_err(|error| syntax_error(&error))?;
    for change in overrides {
        let change = change.as_ref();
        apply(&mut tree, change).map_err(|problem| {
            let path = change.split('=').next().unwrap_or_default().to_owned();
            ScenarioError::Override { path, problem }
        })?;
    }
    Ok(tree.to_string())
}

fn apply(tree: &mut Value, change: &str) -> Result<(), OverrideProblem> {
    let (path, value) = change.split_once('=').ok_or(OverrideProblem::NoEquals)?;
    let value: Value = serde_saphyr::from_str_with_options(value, yaml_options())
        .map_err(|error| OverrideProblem::Value { message: error.without_snippet().to_string() })?;
    let mut place = tree;
    let mut walked = String::from("the scenario");
    for part in path.split('.') {
        let malformed = || OverrideProblem::Path { text: part.to_owned() };
        let (name, mut indices) = part.split_at(part.find('[').unwrap_or(part.len()));
        if name.is_empty() {
            return Err(malformed());
        }
        if place.is_null() {
            *place = Value::Object(serde_json::Map::new());
        }
        let map = place.as_object_mut().ok_or(OverrideProblem::NoParts { step: walked })?;
        place = map.entry(name).or_insert(Value::Null);
        while !indices.is_empty() {
            let (index, rest) =
                indices.strip_prefix('[').and_then(|rest| rest.split_once(']')).ok_or_else(malformed)?;
            let index: usize = index.parse().map_err(|_| malformed())?;
            let list =
                place.as_array_mut().ok_or_else(|| OverrideProblem::NoParts { step: name.to_owned() })?;
            let length = list.len();
            place = list.get_mut(index).ok_or(OverrideProblem::NoIndex { index, length })?;
            indices = rest;
        }
        walked = name.to_owned();
    }
    *place = value;
    Ok(())
}

/// A name that an override steps into although the text does not have it.
///
/// Where names are free that makes a new thing, which lacks all that the
/// override does not say; most often another name was meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewName {
    /// The way to it.
    pub path: String,
    /// The way to the mapping that does not have it; empty for the whole text.
    parent: String,
    name: String,
    /// The names that the mapping has, sorted.
    known: Vec<String>,
}

impl fmt::Display for NewName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parent.as_str() {
            "" => f.write_str("the scenario")?,
            parent => write!(f, "`{parent}`")?,
        }
        let known = self.known.join(", ");
        match nearest(&self.name, self.known.iter().map(String::as_str)) {
            Some(near) => write!(f, " has no `{}`; did you mean `{near}`? (it has: {known})", self.name),
            None => write!(f, " has no `{}`; it has: {known}", self.name),
        }
    }
}

/// The first name that an override, `PATH=VALUE`, steps into and the text does not have, if any.
///
/// For who has to tell what is wrong with the text after [`with_overrides`].
#[must_use]
pub fn new_name(text: &str, change: &str) -> Option<NewName> {
    let tree: Value = serde_saphyr::from_str_with_options(text, yaml_options()).ok()?;
    let (parts, _) = change.split_once('=')?.0.rsplit_once('.')?;
    let (mut place, mut walked) = (&tree, String::new());
    for part in parts.split('.') {
        let (name, indices) = part.split_at(part.find('[').unwrap_or(part.len()));
        let names = place.as_object()?;
        let path = if walked.is_empty() { name.to_owned() } else { format!("{walked}.{name}") };
        let Some(inner) = names.get(name) else {
            let mut known: Vec<String> = names.keys().cloned().collect();
            known.sort_unstable();
            return Some(NewName { path, parent: walked, name: name.to_owned(), known });
        };
        place = inner;
        for index in indices.split_terminator(']') {
            place = place.get(index.strip_prefix('[')?.parse::<usize>().ok()?)?;
        }
        walked = path + indices;
    }
    None
}

#[cfg(test)]
mod tests;
