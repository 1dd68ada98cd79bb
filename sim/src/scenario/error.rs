//! What is wrong with a scenario, where, and what would be right.

use core::fmt;

use lb_core::health::HealthError;

use super::expect::ExpectationError;
use crate::model::NodeError;
use crate::samplers::{EmpiricalError, RateCurveError};

/// Why a text is no scenario.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// It reads as YAML, but a field cannot be.
    #[error("{path}: {problem}")]
    Invalid {
        /// The way to the field.
        path: Path,
        /// What is wrong with it, and what would be right.
        problem: Problem,
    },
    /// An override cannot be applied.
    #[error("--set {path}: {problem}")]
    Override {
        /// As written.
        path: String,
        /// What is wrong with it.
        problem: OverrideProblem,
    },
    /// It is no YAML, or a field is unknown, missing or of another type.
    #[error("{message}")]
    Syntax {
        /// Counted from 1; 0 if unknown.
        line: u64,
        /// Counted from 1; 0 if unknown.
        column: u64,
        /// What is wrong, and what would be right.
        message: String,
    },
}

/// The way from the top of a file to one field: `zoneKinds.standard.nodes`, `events[2].target`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path(Vec<Step>);

/// One step into a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// To a mapping's value, by its key.
    Key(String),
    /// To a sequence's item, from 0.
    Index(usize),
}

impl Path {
    /// The top of the file.
    #[must_use]
    pub const fn top() -> Self {
        Self(Vec::new())
    }

    /// This path and one key more.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Key(key.to_owned()));
        Self(steps)
    }

    /// This path and one index more.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Index(index));
        Self(steps)
    }

    /// The steps from the top.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// An error at this place.
    pub(super) const fn error(self, problem: Problem) -> ScenarioError {
        ScenarioError::Invalid { path: self, problem }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(name) if position == 0 => f.write_str(name)?,
                Step::Key(name) => write!(f, ".{name}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// What is wrong with a field; the text says what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The L4 nodes cannot be.
    #[error("such nodes cannot be: {0}")]
    Node(NodeError),
    /// The rate curve cannot be.
    #[error("{0}")]
    Curve(RateCurveError),
    /// The name of something else.
    #[error("`{name}` is already the name of another; names are unique in the fleet")]
    Duplicate {
        /// As written.
        name: String,
    },
    /// The points of a measured distribution cannot be.
    #[error("{0}")]
    Empirical(EmpiricalError),
    /// The expectation cannot be met or missed.
    #[error("{0}")]
    Expectation(ExpectationError),
    /// The health check cannot be.
    #[error("{0}")]
    Health(HealthError),
    /// After the end of the run.
    #[error("after the end of the run ({end}); write an earlier time or a longer duration")]
    Late {
        /// The duration of the run.
        end: String,
    },
    /// A field that must be given is not.
    #[error("missing; this kind cannot do without it")]
    Missing,
    /// The mean is infinite.
    #[error("`{name}` has an infinite mean; give it a `max`")]
    InfiniteMean {
        /// The distribution.
        name: String,
    },
    /// There is no such data.
    #[error("no data file `{name}`; write a path beside the scenario, or one of: {known}")]
    NoData {
        /// As written.
        name: String,
        /// What is compiled in.
        known: String,
    },
    /// A name with characters that paths use, or none.
    #[error("`{name}` is no name; write letters, digits and hyphens")]
    Name {
        /// As written.
        name: String,
    },
    /// Nothing happens in the row that is to be the peak.
    #[error("the count in row `{row}` is zero; write the time stamp of the peak")]
    NoPeak {
        /// As written.
        row: String,
    },
    /// Remote traffic in a fleet of one data center.
    #[error("there is only one data center; add another or write 0%")]
    NoRemote,
    /// More clients at once than a run has memory for.
    #[error(
        "about {millions} million visits at once are more than a run has room for (1); \
         write a lower rate, or a shorter gap between requests"
    )]
    TooManyVisits {
        /// How many.
        millions: u64,
    },
    /// Passive observations where there is nothing to observe.
    #[error("{who}; refer to a check without `passive`")]
    NothingToObserve {
        /// Who sees nothing of the backends.
        who: &'static str,
    },
    /// A parameter of another kind.
    #[error("not a parameter of `{kind}`; its own are: {}", right.join(", "))]
    NotAParameter {
        /// The kind that was chosen.
        kind: &'static str,
        /// The parameters it has.
        right: &'static [&'static str],
    },
    /// A field of another kind of event.
    #[error("not a field of `{kind}`; its own are: {}", right.join(", "))]
    NotOfEvent {
        /// The kind of event.
        kind: &'static str,
        /// The fields it has.
        right: Vec<&'static str>,
    },
    /// Outside of what is possible.
    #[error("not possible; write {range}")]
    Range {
        /// What is possible.
        range: &'static str,
    },
    /// A target of the wrong sort.
    #[error("`{target}` is no target of `{kind}`; write {right}")]
    Target {
        /// As written.
        target: String,
        /// The kind of event.
        kind: &'static str,
        /// What would be right.
        right: &'static str,
    },
    /// More requests than any fleet of this size is asked.
    #[error("more than twenty times what the fleet can serve; write a peak of {most_per_s}/s or less")]
    TooFast {
        /// The greatest rate, per second.
        most_per_s: u64,
    },
    /// Greater than can be simulated.
    #[error("too large; write {most} or less")]
    TooLarge {
        /// The greatest value.
        most: &'static str,
    },
    /// Smaller than makes sense.
    #[error("too small; write {least} or more")]
    TooSmall {
        /// The least value.
        least: &'static str,
    },
    /// A line of a data file cannot be read.
    #[error("line {line} of `{name}` cannot be read; it must be {right}")]
    UnreadableData {
        /// The file.
        name: String,
        /// The line, from 1.
        line: usize,
        /// What would be right.
        right: &'static str,
    },
    /// A name that nothing has.
    #[error("no {noun} is named `{name}`{}", suggestion(nearest.as_deref()))]
    UnknownName {
        /// What it should be the name of.
        noun: &'static str,
        /// As written.
        name: String,
        /// The nearest name there is.
        nearest: Option<String>,
    },
    /// A row that the data do not have.
    #[error("no row has the time stamp `{row}`; write it exactly as in the data")]
    UnknownRow {
        /// As written.
        row: String,
    },
    /// The version of a format to come.
    #[error("version {version} is not known; write 1")]
    Version {
        /// As written.
        version: u32,
    },
}

/// Why an override cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OverrideProblem {
    /// There is no `=`.
    #[error("write PATH=VALUE, for example dns.ttl=60s or events[0].at=10m")]
    NoEquals,
    /// An index is beyond the end.
    #[error("index {index} does not exist; the list has {length} items, counted from 0")]
    NoIndex {
        /// As written.
        index: usize,
        /// How many there are.
        length: usize,
    },
    /// A step into something that has no parts.
    #[error("`{step}` has no parts")]
    NoParts {
        /// The step before.
        step: String,
    },
    /// The path is malformed.
    #[error("`{text}` is no path; write names with dots between, and [N] for items")]
    Path {
        /// The malformed part.
        text: String,
    },
    /// The value is no YAML, or the result is no scenario.
    #[error("{message}")]
    Value {
        /// What is wrong.
        message: String,
    },
}

/// A problem and the field below the place that asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProblemAt {
    pub(super) field: &'static str,
    pub(super) problem: Problem,
}

impl ProblemAt {
    pub(super) const fn field(field: &'static str, problem: Problem) -> Self {
        Self { field, problem }
    }

    /// The whole error, given where the asking place is.
    pub(super) fn under(self, path: &Path) -> ScenarioError {
        path.key(self.field).error(self.problem)
    }
}

fn suggestion(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |nearest| format!("; did you mean `{nearest}`?"))
}

/// The candidate nearest to a misspelt name; `None` if none is near.
pub(super) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = name.chars().count().div_ceil(2).max(2);
    candidates
        .map(|candidate| (distance(name, candidate), candidate))
        .min()
        .filter(|(distance, _)| *distance <= limit)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance, case ignored: insertions, deletions and changes of a character.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().flat_map(char::to_lowercase).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (done, one) in left.chars().flat_map(char::to_lowercase).enumerate() {
        let mut diagonal = row[0];
        row[0] = done + 1;
        for (column, other) in right.iter().enumerate() {
            let change = diagonal + usize::from(one != *other);
            diagonal = row[column + 1];
            row[column + 1] = change.min(row[column] + 1).min(row[column + 1] + 1);
        }
    }
    row[right.len()]
}
