//! From the name of a scenario to the scenario: a file, or one that is compiled in.
//!
//! A fault is told at its place in the file. What `--set` changed has no place
//! there, so its faults name the option instead.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use sim::scenario::{
    DataSource, EmbeddedData, EmbeddedScenario, Scenario, ScenarioError, ScenarioFile, embedded, new_name,
    with_overrides,
};

use crate::cli::Kind;
use crate::command::{Stop, misplaced};
use files::{Fault, Source};

/// A scenario and the text it was made of.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) scenario: Scenario,
    /// As it was run: with its overrides, as JSON, if there are any.
    pub(super) text: String,
}

/// Finds, reads and changes a scenario.
pub(super) fn load(name: &Path, overrides: &[String]) -> Result<Loaded, Stop> {
    let (source, data) = find(name)?;
    let other = |fault| misplaced(&source, Kind::Scenario.name()).unwrap_or(fault);
    source.parse::<ScenarioFile>().map_err(other)?;
    if overrides.is_empty() {
        let scenario = resolve(&source, source.text(), &data)?;
        return Ok(Loaded { scenario, text: source.text().to_owned() });
    }
    let text = with_overrides(source.text(), overrides).map_err(|error| match error {
        ScenarioError::Override { path, problem } => overridden(&path, problem.to_string()),
        error => source.fault("", error.to_string()),
    })?;
    // what the overrides made unreadable is theirs
    if let Err(fault) = Source::new("--set", &text).parse::<ScenarioFile>() {
        let field = fault.field.unwrap_or_default();
        return Err(made_new(&source, overrides, &field, &fault.message)
            .unwrap_or_else(|| overridden(&field, fault.message))
            .into());
    }
    let changed = |path: &str| overrides.iter().any(|change| concerns(change, path));
    let scenario = match Scenario::from_yaml(&text, &data) {
        Ok(scenario) => scenario,
        Err(ScenarioError::Invalid { path, problem }) if changed(&path.to_string()) => {
            return Err(overridden(&path.to_string(), problem.to_string()).into());
        }
        Err(error) => return Err(located(&source, &error).into()),
    };
    Ok(Loaded { scenario, text })
}

/// The fault of an override that makes something new with a name that was not there, if `field` is a part of it.
fn made_new(source: &Source, overrides: &[String], field: &str, message: &str) -> Option<Fault> {
    overrides.iter().find_map(|change| {
        let new = new_name(source.text(), change)?;
        field.strip_prefix(new.path.as_str())?.strip_prefix('.')?;
        let path = change.split('=').next().unwrap_or_default();
        Some(overridden(path, format!("{new}. Made new: {field}: {message}")))
    })
}

/// Whether an override `PATH=VALUE` sets the field, a part of it, or what it is a part of.
fn concerns(change: &str, field: &str) -> bool {
    let path = change.split('=').next().unwrap_or_default();
    path.starts_with(field) || field.starts_with(path)
}

fn overridden(field: &str, message: String) -> Fault {
    let field = Some(field.to_owned()).filter(|field| !field.is_empty());
    Fault { field, ..Fault::whole("--set".to_owned(), message) }
}

/// Reads a scenario's file completely, for `check`.
pub(crate) fn check_scenario(source: &Source, path: &Path) -> Result<Scenario, Fault> {
    source.parse::<ScenarioFile>()?;
    resolve(source, source.text(), &Data::beside(path))
}

fn resolve(source: &Source, text: &str, data: &Data) -> Result<Scenario, Fault> {
    Scenario::from_yaml(text, data).map_err(|error| located(source, &error))
}

fn located(source: &Source, error: &ScenarioError) -> Fault {
    match error {
        ScenarioError::Invalid { path, problem } => source.fault(&path.to_string(), problem.to_string()),
        ScenarioError::Override { path, problem } => overridden(path, problem.to_string()),
        ScenarioError::Syntax { line, column, message } => {
            let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
            source.fault_at(small(*line), small(*column), None, message.clone())
        }
    }
}

/// An embedded scenario, by name; the nearest name is suggested.
pub(crate) fn embedded_named(name: &str) -> Result<&'static EmbeddedScenario, String> {
    if let Some(found) = embedded().iter().find(|scenario| scenario.name == name) {
        return Ok(found);
    }
    let hint = files::did_you_mean(name, embedded().iter().map(|scenario| scenario.name));
    Err(format!("no scenario and no file is named `{name}`{hint} (`overspill scenarios` lists them)"))
}

fn find(name: &Path) -> Result<(Source, Data), Stop> {
    let text = name.to_string_lossy();
    let known = embedded_named(&text);
    match known {
        Ok(scenario) => Ok((Source::new(scenario.name, scenario.text), Data(None))),
        Err(message) if !looks_like_a_path(name) && !name.exists() => Err(Stop::Usage(message)),
        Err(_) => Ok((Source::read(name)?, Data::beside(name))),
    }
}

fn looks_like_a_path(name: &Path) -> bool {
    name.as_os_str() == "-" || name.components().count() > 1 || name.extension().is_some()
}

/// Data beside a scenario's file; the embedded ones are found in any case.
#[derive(Debug)]
struct Data(Option<PathBuf>);

/// Far more than any curve needs.
const MAX_DATA_BYTES: u64 = 64 << 20;

impl Data {
    fn beside(path: &Path) -> Self {
        Self(path.parent().map(Path::to_owned))
    }
}

impl DataSource for Data {
    fn read(&self, path: &str) -> Option<Cow<'_, str>> {
        let Some(folder) = &self.0 else { return EmbeddedData.read(path) };
        let file = folder.join(path);
        let small = fs::metadata(&file).is_ok_and(|found| found.is_file() && found.len() <= MAX_DATA_BYTES);
        if small { fs::read_to_string(file).ok().map(Cow::Owned) } else { None }
    }
}
