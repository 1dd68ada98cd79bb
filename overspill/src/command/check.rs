//! `check FILE...`: parse and validate any of our files, name its kind.

mod objects;

use std::io::Write;
use std::path::Path;

use lb_core::config::{LbFile, Remark};
use lb_core::node::{NodeConfig, NodeError};
use serde::Serialize;

use super::{Stop, lb_config_of, tell};
use crate::cli::{Check, Kind};
use crate::output::{Format, Output};
use files::{Fault, Severity, Source};

/// What is printed for one file.
#[derive(Debug, Serialize)]
struct Checked {
    file: String,
    /// Absent if the file is like none of ours.
    kind: Option<&'static str>,
    ok: bool,
    /// What is in it, for people.
    summary: Option<String>,
    /// The first of the faults.
    fault: Option<Fault>,
    /// All that is wrong; more than one in files of objects only.
    faults: Vec<Fault>,
    /// The objects in it, where it is a file of objects.
    objects: Vec<objects::Found>,
    /// What is allowed and hardly meant; it leaves the file good.
    warnings: Vec<Fault>,
}

pub(super) fn run(arguments: &Check, out: &mut Output) -> Result<(), Stop> {
    if arguments.files.iter().filter(|path| path.as_os_str() == "-").count() > 1 {
        return Err(Stop::Usage("`-` can be read only once; write it once".into()));
    }
    let checked: Vec<Checked> = arguments.files.iter().map(|path| check(path)).collect();
    match out.format() {
        Format::Json => out.json(&checked)?,
        Format::Text => {
            for (checked, summary) in
                checked.iter().filter_map(|checked| Some((checked, checked.summary.as_ref()?)))
            {
                writeln!(out, "{}: {summary}", checked.file)?;
            }
        }
    }
    for checked in &checked {
        tell(&checked.warnings, Severity::Warning);
    }
    let faults: Vec<Fault> = checked.into_iter().flat_map(|checked| checked.faults).collect();
    if faults.is_empty() { Ok(()) } else { Err(Stop::Faults(faults)) }
}

fn check(path: &Path) -> Checked {
    let source = match Source::read(path) {
        Ok(source) => source,
        Err(fault) => return Checked::wrong(fault.file.clone(), None, fault),
    };
    let file = source.name().to_owned();
    if objects::are_in(&source) {
        return objects::check(file, &source);
    }
    let kind = kind_of(&source);
    let found = match kind {
        Ok(FileKind::Lb) => check_lb(&source),
        Ok(FileKind::Locality) => check_locality(&source).map(|summary| (summary, Vec::new())),
        Ok(FileKind::Scenario) => check_scenario(&source, path).map(|summary| (summary, Vec::new())),
        Err(ref fault) => Err(fault.clone()),
    };
    let kind = kind.ok().map(FileKind::name);
    match found {
        Ok((summary, warnings)) => Checked {
            file,
            kind,
            ok: true,
            summary: Some(summary),
            fault: None,
            faults: Vec::new(),
            objects: Vec::new(),
            warnings,
        },
        Err(fault) => Checked::wrong(file, kind, fault),
    }
}

impl Checked {
    fn wrong(file: String, kind: Option<&'static str>, fault: Fault) -> Self {
        let (summary, objects, warnings) = (None, Vec::new(), Vec::new());
        Self {
            file,
            kind,
            ok: false,
            summary,
            fault: Some(fault.clone()),
            faults: vec![fault],
            objects,
            warnings,
        }
    }
}

fn plural(count: usize, noun: &str) -> String {
    plural_as(count, noun, &format!("{noun}s"))
}

fn plural_as(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The kinds of files that are known by their fields at the top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FileKind {
    Lb,
    Locality,
    Scenario,
}

impl FileKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Lb => Kind::Lb.name(),
            Self::Locality => Kind::Locality.name(),
            Self::Scenario => Kind::Scenario.name(),
        }
    }
}

/// Each kind and the fields at the top by which it is known.
const MARKS: [(FileKind, &[&str]); 3] = [
    (
        FileKind::Lb,
        &["services", "hashKey", "node", "connections", "profile", "ownedPrefixes", "bgp", "health"],
    ),
    (FileKind::Locality, &["endpoints", "from", "policy", "proxyLabels", "panicThreshold"]),
    (FileKind::Scenario, &["fleet", "traffic", "zoneKinds", "events", "expect", "duration", "seed"]),
];

/// The kind of which most fields stand at the top.
fn kind_of(source: &Source) -> Result<FileKind, Fault> {
    let fields = source.top_fields();
    let count = |marks: &[&str]| fields.iter().filter(|field| marks.contains(&field.as_str())).count();
    let best = MARKS.iter().map(|(kind, marks)| (count(marks), *kind)).max_by_key(|(count, _)| *count);
    match best {
        Some((count, kind)) if count > 0 => Ok(kind),
        _ => {
            // a text that is no YAML says so itself
            source.parse::<serde::de::IgnoredAny>()?;
            let kinds: Vec<String> = MARKS.iter().map(|(kind, marks)| kind_and_marks(*kind, marks)).collect();
            let message = format!(
                "none of our files; write the fields of one of: {}; or an object with `apiVersion` and `kind`",
                kinds.join("; ")
            );
            Err(source.fault_at(1, 1, None, message))
        }
    }
}

fn kind_and_marks(kind: FileKind, marks: &[&str]) -> String {
    format!("{} ({}, ...)", kind.name(), marks.join(", "))
}

/// What is in an LB file, and what is hardly meant.
fn check_lb(source: &Source) -> Result<(String, Vec<Fault>), Fault> {
    let config = lb_config_of(source)?;
    let mut warnings: Vec<Fault> = agent_warning(source)?.into_iter().collect();
    let backends: usize = config.services.iter().map(|service| service.backends.len()).sum();
    let warning = |remark: Remark| source.fault(&remark.path.to_string(), remark.concern.to_string());
    let summary =
        format!("lb, {}, {}", plural(config.services.len(), "service"), plural(backends, "backend"));
    warnings.extend(config.remarks().into_iter().map(warning));
    Ok((summary, warnings))
}

/// A file that says what an agent may touch is for an agent: what it would refuse is told.
fn agent_warning(source: &Source) -> Result<Option<Fault>, Fault> {
    let file: LbFile = source.parse()?;
    if file.owned_prefixes.is_none() {
        return Ok(None);
    }
    let told = |error: NodeError| {
        source.fault(&error.path.to_string(), format!("lb-agent would refuse this: {}", error.problem))
    };
    Ok(NodeConfig::try_from(file).err().map(told))
}

fn check_scenario(source: &Source, path: &Path) -> Result<String, Fault> {
    let scenario = super::run::check_scenario(source, path)?;
    let parts = [
        plural(scenario.zones.len(), "zone"),
        plural(scenario.events.len(), "event"),
        plural(scenario.expect.len(), "expectation"),
    ];
    Ok(format!("scenario, {}", parts.join(", ")))
}

fn check_locality(source: &Source) -> Result<String, Fault> {
    let question = super::locality::question(source)?;
    Ok(format!("locality, {}", plural_as(question.endpoints.len(), "locality", "localities")))
}
