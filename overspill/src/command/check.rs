//! `check FILE...`: parse and validate any of our files, name its kind.

pub(super) mod kind;
mod objects;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use lb_core::config::{LbFile, Remark};
use lb_core::node::{NodeConfig, NodeError};
use mesh_model::fleet::Fleet;
use mesh_model::rollout::Clock;
use serde::Serialize;

use super::{Stop, lb_config_of, tell};
use crate::cli::{Check, Kind};
use crate::output::{Format, Output, titled};
use files::{Fault, Severity, Source};
use kind::FileKind;

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
    /// All that is wrong; more than one in files of objects and in recordings only.
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
                out.write_all(titled(&checked.file, summary).as_bytes())?;
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
    if kind::is_recording(&source) {
        return check_events(file, &source);
    }
    if objects::are_in(&source) {
        return objects::check(file, &source);
    }
    let kind = kind::of(&source);
    let plain = |summary| (summary, Vec::new());
    let found = match kind {
        Ok(FileKind::Claims) => check_claims(&source).map(plain),
        Ok(FileKind::Current) => check_current(&source).map(plain),
        Ok(FileKind::Desired) => check_desired(&source).map(plain),
        Ok(FileKind::Lb) => check_lb(&source),
        Ok(FileKind::Locality) => check_locality(&source).map(plain),
        Ok(FileKind::Scenario) => check_scenario(&source, path).map(plain),
        Ok(FileKind::Services) => check_services(&source).map(plain),
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

fn check_services(source: &Source) -> Result<String, Fault> {
    let services = super::footprint::services_of(source)?.services;
    let namespaces: BTreeSet<_> = services.values().map(|service| &service.namespace).collect();
    let count = plural(services.len(), "service");
    Ok(format!("services, {count} in {}", plural(namespaces.len(), "namespace")))
}

fn check_claims(source: &Source) -> Result<String, Fault> {
    // whether targets are there is for `vip-plan`, which has the fleet
    let fleet = Fleet::default();
    let (asked, records, _) = super::vip_plan::claims(source, &fleet)?;
    let (held, resting) = (records.held.len(), records.released.len());
    Ok(format!("claims, {}, {held} held, {resting} resting", plural(asked.len(), "claim")))
}

fn check_desired(source: &Source) -> Result<String, Fault> {
    let (provider, wanted, _) = super::dns_plan::desired(source)?;
    Ok(format!("desired, {} of {}", plural(wanted.len(), "name"), provider.name))
}

fn check_current(source: &Source) -> Result<String, Fault> {
    Ok(format!("current, {}", plural(super::dns_plan::current(source)?.len(), "record")))
}

/// Every line is looked at, also after one is wrong.
fn check_events(file: String, source: &Source) -> Checked {
    if let Some(fault) = super::rollout::not_in_lines(source) {
        return Checked::wrong(file, Some(Kind::Events.name()), fault);
    }
    let (mut lines, mut faults, mut clock) = (0, Vec::new(), None);
    for line in source.lines() {
        lines += 1;
        let after = super::rollout::recorded(&line).and_then(|recorded| {
            Clock::after(clock, &recorded).map_err(|error| super::rollout::unplayable(&line, &error))
        });
        match after {
            Ok(after) => clock = Some(after),
            Err(fault) => faults.push(fault),
        }
    }
    let summary = format!("events, {}", plural(lines, "line"));
    Checked {
        file,
        kind: Some(Kind::Events.name()),
        ok: faults.is_empty(),
        summary: faults.is_empty().then_some(summary),
        fault: faults.first().cloned(),
        faults,
        objects: Vec::new(),
        warnings: Vec::new(),
    }
}
