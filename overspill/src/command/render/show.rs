//! Rendered objects as a YAML stream, as JSON, and as files.
//!
//! What is explained stands in comments before the object, so that the stream
//! stays one that other tools take.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use mesh_model::render::{RenderError, Rendering, TraceEntry};
use serde::Serialize;
use serde_json::Value;

use super::file_of;
use crate::command::Stop;
use crate::command::placed::Rendered;
use crate::output::{Format, Output, WIDTH, wrapped};
use crate::replacement::{self, Complete, Replacement};
use files::{Fault, printable};

/// The JSON document.
#[derive(Debug, Serialize)]
struct Document<'a> {
    targets: Vec<Target<'a>>,
    /// Why each name is a target or is none, if it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    placement: Option<Vec<Placed>>,
}

/// What one target would receive of one access point.
#[derive(Debug, Serialize)]
struct Target<'a> {
    target: &'a str,
    access_point: String,
    objects: &'a [Value],
    errors: &'a [RenderError],
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<&'a [TraceEntry]>,
}

/// What is decided of one name.
#[derive(Debug, Serialize)]
struct Placed {
    access_point: String,
    target: String,
    decision: String,
}

/// All renderings in order of target, then of access point.
fn by_target<'a>(all: &'a [Rendered<'_>]) -> Vec<(&'a Rendered<'a>, &'a Rendering)> {
    let pair =
        |one: &'a Rendered<'_>| one.renderings.iter().map(move |rendering| (one as &Rendered<'_>, rendering));
    let mut pairs: Vec<_> = all.iter().flat_map(pair).collect();
    // stable: access points stay in their order
    pairs.sort_by(|(_, one), (_, other)| one.target.cmp(&other.target));
    pairs
}

pub(super) fn print(all: &[Rendered<'_>], explain: bool, out: &mut Output) -> io::Result<()> {
    match out.format() {
        Format::Json => out.json(&document(all, explain)),
        Format::Text => stream(all, explain, out),
    }
}

fn document<'a>(all: &'a [Rendered<'_>], explain: bool) -> Document<'a> {
    let target = |(one, rendering): (&Rendered<'_>, &'a Rendering)| Target {
        target: rendering.target.as_str(),
        access_point: one.access_point.value.id.to_string(),
        objects: &rendering.objects,
        errors: &rendering.errors,
        trace: explain.then_some(&rendering.trace),
    };
    Document {
        targets: by_target(all).into_iter().map(target).collect(),
        placement: explain.then(|| decisions(all)),
    }
}

fn decisions(all: &[Rendered<'_>]) -> Vec<Placed> {
    let of = |one: &Rendered<'_>| {
        let access_point = one.access_point.value.id.to_string();
        let placed = |decision: &mesh_model::placement::Decision| Placed {
            access_point: access_point.clone(),
            target: decision.target.to_string(),
            decision: decision.to_string(),
        };
        one.decisions.iter().map(placed).collect::<Vec<Placed>>()
    };
    all.iter().flat_map(of).collect()
}

/// Why each name is a target or is none, for objects that lie in files.
pub(super) fn placement(all: &[Rendered<'_>], out: &mut Output) -> io::Result<()> {
    match out.format() {
        Format::Json => out.json(&Document { targets: Vec::new(), placement: Some(decisions(all)) }),
        Format::Text => comments(all, out),
    }
}

fn comments(all: &[Rendered<'_>], out: &mut Output) -> io::Result<()> {
    for one in all {
        writeln!(out, "# {}", one.access_point.value.id)?;
        for decision in &one.decisions {
            write!(out, "{}", wrapped(&decision.to_string(), "#   "))?;
        }
    }
    Ok(())
}

fn stream(all: &[Rendered<'_>], explain: bool, out: &mut Output) -> io::Result<()> {
    if explain {
        comments(all, out)?;
    }
    for (_, rendering) in by_target(all) {
        for object in &rendering.objects {
            writeln!(out, "---\n# {}", rendering.target)?;
            out.write_all(text_of(object, explain.then_some(&rendering.trace)).as_bytes())?;
        }
    }
    Ok(())
}

/// An object as YAML, after the comments that explain it.
fn text_of(object: &Value, trace: Option<&Vec<TraceEntry>>) -> String {
    let (kind, name) = kind_and_name(object);
    let id = format!("{kind}/{name}");
    let mut text = String::new();
    for entry in trace.into_iter().flatten().filter(|entry| entry.object.to_string() == id) {
        let removed = if entry.removed { " (removed)" } else { "" };
        // a name of a field may hold anything, and a comment must end where its line does
        text += &comment(&printable(&entry.path.to_string()), &format!("{}{removed}", entry.from));
    }
    text + &files::yaml(object).expect("a JSON value has a form in YAML")
}

/// A comment that says where a field came from, on several lines where one is wider than a terminal.
fn comment(path: &str, from: &str) -> String {
    let line = format!("#   {path}: {from}\n");
    // the line's end is not seen
    if line.chars().count() <= usize::from(WIDTH) + 1 {
        line
    } else {
        format!("#   {path}:\n{}", wrapped(from, "#     "))
    }
}

pub(super) fn kind_and_name(object: &Value) -> (&str, &str) {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    (text("/kind"), text("/metadata/name"))
}

/// Writes each object to a file of its own; all of them or none.
pub(super) fn files(all: &[Rendered<'_>], folder: &Path, explain: bool) -> Result<(), Stop> {
    let mut texts: BTreeMap<PathBuf, String> = BTreeMap::new();
    for (one, rendering) in by_target(all) {
        for object in &rendering.objects {
            let (kind, name) = kind_and_name(object);
            let path = file_of(folder, rendering.target.as_str(), kind, name);
            let text = text_of(object, explain.then_some(&rendering.trace));
            if texts.insert(path.clone(), text).is_some() {
                return Err(Stop::Usage(format!(
                    "{} would be written twice, the second time for {}; render the access points into folders of their own",
                    path.display(),
                    one.access_point.value.id
                )));
            }
        }
    }
    write_all(&texts)
}

/// Writes files; all of them or none.
pub(super) fn write_all(texts: &BTreeMap<PathBuf, String>) -> Result<(), Stop> {
    let begun: Vec<Replacement> =
        texts.iter().map(|(path, text)| begin(path, text)).collect::<Result<_, Fault>>()?;
    let complete: Vec<Complete> =
        begun.into_iter().map(Replacement::complete).collect::<Result<_, Fault>>()?;
    complete.into_iter().try_for_each(Complete::place)?;
    Ok(())
}

fn begin(path: &Path, text: &str) -> Result<Replacement, Fault> {
    let folder = path.parent().expect("a target's folder is a part of the path");
    fs::create_dir_all(folder).map_err(|error| replacement::fault(folder, &error))?;
    let mut file = Replacement::create(path)?;
    file.write_all(text.as_bytes()).map_err(|error| file.fault(&error))?;
    Ok(file)
}
