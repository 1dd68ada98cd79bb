//! Which of our files a text is: by the fields at its top.

use serde_json::Value;

use crate::cli::Kind;
use files::{Fault, Source};

/// The kinds of files that are known by their fields at the top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    Claims,
    Current,
    Desired,
    Lb,
    Locality,
    Scenario,
    Services,
}

impl FileKind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Claims => Kind::Claims.name(),
            Self::Current => Kind::Current.name(),
            Self::Desired => Kind::Desired.name(),
            Self::Lb => Kind::Lb.name(),
            Self::Locality => Kind::Locality.name(),
            Self::Scenario => Kind::Scenario.name(),
            Self::Services => Kind::Services.name(),
        }
    }
}

/// Each kind and the fields at the top by which it is known.
const MARKS: [(FileKind, &[&str]); 7] = [
    (
        FileKind::Lb,
        &["services", "hashKey", "node", "connections", "profile", "ownedPrefixes", "bgp", "health"],
    ),
    (FileKind::Locality, &["endpoints", "from", "policy", "proxyLabels", "panicThreshold"]),
    (FileKind::Scenario, &["fleet", "traffic", "zoneKinds", "events", "expect", "duration", "seed"]),
    (FileKind::Services, &["services", "namespaces", "workers", "mutualTls", "defaultExportTo", "gateways"]),
    (FileKind::Claims, &["claims", "held", "released", "complete"]),
    (FileKind::Desired, &["provider", "names", "approved"]),
    (FileKind::Current, &["records"]),
];

/// The kind of which most fields stand at the top.
pub(super) fn of(source: &Source) -> Result<FileKind, Fault> {
    match best(source)[..] {
        [] => Err(none_of_ours(source)),
        [FileKind::Lb, FileKind::Services] if is_of_a_mesh(source) => Ok(FileKind::Services),
        [first, ..] => Ok(first),
    }
}

/// What a text is, in a word, if it is one of our files and not one of `wanted`: for whoever named the wrong one.
pub(in crate::command) fn other_than(wanted: &str, source: &Source) -> Option<&'static str> {
    let by_fields: Vec<&'static str> = best(source).into_iter().map(FileKind::name).collect();
    // a field that slipped to the top of the right file makes no other file of it
    if by_fields.contains(&wanted) {
        return None;
    }
    let found = if is_recording(source) {
        Some(Kind::Events.name())
    } else if super::objects::are_in(source) {
        Some(OBJECTS)
    } else {
        by_fields.first().copied()
    };
    found.filter(|found| *found != wanted)
}

/// What a file of objects is called.
pub(in crate::command) const OBJECTS: &str = "objects";

/// The kinds of which most fields stand at the top; none if no field is of any.
fn best(source: &Source) -> Vec<FileKind> {
    let fields = source.top_fields();
    let count = |marks: &[&str]| fields.iter().filter(|field| marks.contains(&field.as_str())).count();
    let counts: Vec<(usize, FileKind)> = MARKS.iter().map(|(kind, marks)| (count(marks), *kind)).collect();
    let most = counts.iter().map(|(count, _)| *count).max().filter(|most| *most > 0);
    counts.into_iter().filter(|(count, _)| Some(*count) == most).map(|(_, kind)| kind).collect()
}

/// Services of a node and of a mesh are called alike; those of a mesh have names.
fn is_of_a_mesh(source: &Source) -> bool {
    let text: Option<Value> = source.parse().ok();
    let first = text.as_ref().and_then(|text| text.pointer("/services/0"));
    first.is_some_and(|first| first.get("vip").is_none() && first.get("name").is_some())
}

/// Whether a text is a recording, one JSON object a line: by the first line that is one, so that a recording
/// with a broken line is a recording all the same.
pub(super) fn is_recording(source: &Source) -> bool {
    // some lines are enough: in a long text of another kind, none is an object
    const LOOKED_AT: usize = 16;
    let mut fields = source.lines().take(LOOKED_AT).map(|line| line.top_fields());
    let fields = fields.find(|fields| !fields.is_empty());
    let has = |fields: &[String], name: &str| fields.iter().any(|field| field == name);
    let is_event = |fields: &[String]| has(fields, "at") && has(fields, "kind");
    fields.is_some_and(|fields| is_event(&fields)) || is_event(&source.top_fields()) || is_array(source)
}

/// Whether a text is what a recording would be as one JSON array.
fn is_array(source: &Source) -> bool {
    if !source.text().trim_start_matches('\u{feff}').trim_start().starts_with('[') {
        return false;
    }
    let items: Option<Value> = source.parse().ok();
    let first = items.as_ref().and_then(|items| items.get(0));
    first.is_some_and(|first| first.get("at").is_some() && first.get("kind").is_some())
}

fn none_of_ours(source: &Source) -> Fault {
    if is_empty(source.text()) {
        let message = "nothing is in it; write the fields of one of our files".to_owned();
        return source.fault_at(1, 1, None, message);
    }
    // a text that is no YAML says so itself
    if let Err(fault) = source.parse::<serde::de::IgnoredAny>() {
        return fault;
    }
    let kinds: Vec<String> = MARKS.iter().map(|(kind, marks)| kind_and_marks(*kind, marks)).collect();
    let message = format!(
        "none of our files; write the fields of one of: {}; or an object with `apiVersion` and `kind`; or lines of JSON with `at` and `kind`",
        kinds.join("; ")
    );
    source.fault_at(1, 1, None, message)
}

/// Whether nothing but marks of documents and comments stands in a text.
fn is_empty(text: &str) -> bool {
    let is_nothing = |line: &str| ["", "---", "..."].contains(&line) || line.starts_with(['#', '%']);
    text.trim_start_matches('\u{feff}').lines().all(|line| is_nothing(line.trim()))
}

fn kind_and_marks(kind: FileKind, marks: &[&str]) -> String {
    let more = if marks.len() > 1 { ", ..." } else { "" };
    format!("{} ({}{more})", kind.name(), marks.join(", "))
}
