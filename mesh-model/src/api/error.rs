//! What is wrong with an object, where, and what would be right.
//!
//! A [`SpecError`] is one field and one problem. The path is that of the
//! document (`spec.overrides[0].rules[2].patch[1].path`), so that whoever has
//! the text can show line and column.

use std::collections::BTreeMap;
use std::fmt;

use crate::access_point::RuleProblem;
use crate::labels::LabelProblem;
use crate::locality::LocalityProblem;
use crate::name::Fqdn;
use crate::nearest::{did_you_mean, quoted};
use crate::provision::RangeProblem;
use crate::template::TemplateProblem;
use crate::units::{HumanDuration, Share};
use crate::visibility::ParseSidecarError;

/// A field that cannot be, and why; displays as `spec.placement.names: ...`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct SpecError {
    /// The field.
    pub path: FieldPath,
    /// What is wrong with it, and what would be right.
    pub problem: Problem,
}

/// The way from the top of a document to one field.
///
/// ```
/// use mesh_model::api::FieldPath;
///
/// let path = FieldPath::default().field("spec").field("overrides").item(0).field("name");
/// assert_eq!(path.to_string(), "spec.overrides[0].name");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldPath(Vec<Step>);

/// One step into a document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// To a mapping's value, by its key.
    Field(Box<str>),
    /// To a sequence's item, from 0.
    Index(usize),
}

impl FieldPath {
    /// This path and a mapping's key.
    #[must_use]
    pub fn field(&self, name: &str) -> Self {
        self.then(Step::Field(name.into()))
    }

    /// This path and a place in a sequence, from 0.
    #[must_use]
    pub fn item(&self, position: usize) -> Self {
        self.then(Step::Index(position))
    }

    /// The steps from the top.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// An error at this place.
    pub(crate) fn wrong(&self, problem: impl Into<Problem>) -> SpecError {
        SpecError { path: self.clone(), problem: problem.into() }
    }

    fn then(&self, step: Step) -> Self {
        Self(self.0.iter().cloned().chain([step]).collect())
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Field(name) if position == 0 => f.write_str(name)?,
                Step::Field(name) => write!(f, ".{name}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// What is wrong with a field; the text says what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A policy of localities, or counts of hosts.
    #[error(transparent)]
    Locality(#[from] LocalityProblem),
    /// A name that is taken in the same list.
    #[error("`{name}` is already [{first}] of this list; write another, or remove one of the two")]
    Duplicate {
        /// As written.
        name: String,
        /// Position of the first, from 0.
        first: usize,
    },
    /// A list without items, of which nobody can say whether it means all or none.
    #[error("an empty list means neither all nor none; leave the field out, or write at least one")]
    Empty,
    /// Addresses of other families than those that are asked for.
    #[error(
        "these are not of the families that are asked for; write one of each family, or leave `families` out"
    )]
    OtherFamilies,
    /// Another address of a family that has one.
    #[error("`{found}` is a second address of its family; write one of each family at most")]
    SecondOfFamily {
        /// As written.
        found: String,
    },
    /// A name that another object of the kind has.
    #[error(
        "another object of this kind has the name `{name}` already; write another, or remove one of the two"
    )]
    NameTaken {
        /// As written.
        name: String,
    },
    /// An alias of the name itself.
    #[error("a name cannot be an alias of itself; name what it leads to")]
    AliasOfItself,
    /// An alias of all names below another.
    #[error("{name} stands for many names, and an alias leads to one; write that one")]
    WildcardAlias {
        /// As written.
        name: Fqdn,
    },
    /// A label or annotation.
    #[error(transparent)]
    Label(#[from] LabelProblem),
    /// None of the ways to say it, or more than one.
    #[error("write one of {}; {}", list(of), given_words(given))]
    OneOf {
        /// What is given.
        given: Vec<&'static str>,
        /// The fields of which one is wanted.
        of: &'static [&'static str],
    },
    /// An address range.
    #[error(transparent)]
    AddressRange(#[from] RangeProblem),
    /// A rule of an override.
    #[error(transparent)]
    Rule(#[from] RuleProblem),
    /// Shares that should be a whole.
    #[error("local and remote are {sum} together; write shares that are 100% together")]
    Shares {
        /// The sum in millionths as text.
        sum: String,
    },
    /// A host of a Sidecar.
    #[error(transparent)]
    Sidecar(#[from] ParseSidecarError),
    /// A template.
    #[error(transparent)]
    Template(#[from] TemplateProblem),
    /// A share that makes no sense without another field.
    #[error("{given} says nothing without {needs}; {advice}")]
    Useless {
        /// The field.
        given: &'static str,
        /// What it needs.
        needs: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// A name of nothing that is there.
    #[error("there is no {what} {}{}", quoted(name), did_you_mean(nearest.as_deref()))]
    Unknown {
        /// What it should be.
        what: &'static str,
        /// As written.
        name: String,
        /// The nearest name that is there.
        nearest: Option<String>,
    },
    /// A duration out of range.
    #[error("{found} is too long; write at most {most}")]
    TooLong {
        /// As written.
        found: HumanDuration,
        /// The longest that is possible.
        most: HumanDuration,
    },
    /// A field that is needed by what another field says.
    #[error("missing, and {kind} needs it")]
    Missing {
        /// What needs it.
        kind: String,
    },
    /// A field that has no meaning beside what another field says.
    #[error("{kind} has no such field; {}", match fields[..] {
        [] => "leave it out".to_owned(),
        _ => format!("its fields are {}", fields.join(", ")),
    })]
    Misplaced {
        /// What has no such field.
        kind: String,
        /// The fields that it has.
        fields: &'static [&'static str],
    },
    /// An object that must be in a namespace is not, or one that cannot be is.
    #[error("{}", if *wanted { "missing; this kind of object belongs to a namespace" } else { "this kind of object belongs to no namespace; leave it out" })]
    Namespace {
        /// Whether one is wanted.
        wanted: bool,
    },
    /// An address that no other host reaches.
    #[error("{found} is no address of a host that others reach; write one of a load balancer")]
    NoHost {
        /// As written.
        found: String,
    },
    /// A list that cannot be empty.
    #[error("an empty list holds nothing; write at least {what}, or remove all of it")]
    Nothing {
        /// What belongs there.
        what: &'static str,
    },
    /// A port that nothing listens on.
    #[error("0 is no port; write a number from 1 to 65535")]
    Port,
    /// An authority that could be listened to.
    #[error("an authority is asked over TLS only; write a URL that begins with https://")]
    NoHttps,
    /// A duration out of range.
    #[error("{found} is too short; write at least {least}")]
    TooShort {
        /// As written.
        found: HumanDuration,
        /// The shortest that is possible.
        least: HumanDuration,
    },
    /// A time to live that no record has.
    #[error("{found} is no time to live; write whole seconds from 1s to 7d")]
    Ttl {
        /// As written.
        found: HumanDuration,
    },
    /// A version of a format that nobody knows.
    #[error("version {found} is not known; write 1, or leave it out")]
    Version {
        /// As written.
        found: u32,
    },
    /// A domain with a star.
    #[error("{name} is a name for all below it; write the domain alone, and all below it is meant")]
    WildcardDomain {
        /// As written.
        name: Fqdn,
    },
    /// A second gateway cluster in a zone.
    #[error(
        "`{first}` is the gateway cluster of this zone already; a zone has one, so write false here or there"
    )]
    SecondGateway {
        /// The other.
        first: String,
    },
    /// A number, a share or a time that lets nothing happen.
    #[error("{found} lets nothing happen; write more than that")]
    Zero {
        /// As written.
        found: String,
    },
}

impl SpecError {
    /// Where the first of two stands that cannot both be, if that is what is wrong.
    ///
    /// The path of this error is that of the second.
    #[must_use]
    pub fn first_of_two(&self) -> Option<FieldPath> {
        let first = match &self.problem {
            Problem::Duplicate { first, .. }
            | Problem::Template(TemplateProblem::Duplicate { first, .. }) => *first,
            _ => return None,
        };
        let mut steps = self.path.0.clone();
        let list = steps.iter_mut().rev().find_map(|step| match step {
            Step::Index(position) => Some(position),
            Step::Field(_) => None,
        })?;
        *list = first;
        Some(FieldPath(steps))
    }
}

impl Problem {
    /// Shares of local and remote that are no whole.
    pub(crate) fn shares(local: Share, remote: Share) -> Self {
        let sum = local.as_millionths() + remote.as_millionths();
        Self::Shares { sum: format!("{}%", f64::from(sum) / 10_000.0) }
    }
}

/// The first item of a list that is there twice: its position, and the one where it was before.
pub(crate) fn repeated<T: Ord>(items: impl IntoIterator<Item = T>) -> Option<(usize, usize)> {
    // a list may hold a million names, so each is looked up and not compared with all before it
    let mut seen = BTreeMap::new();
    items.into_iter().enumerate().find_map(|(position, item)| {
        let first = *seen.entry(item).or_insert(position);
        (first < position).then_some((position, first))
    })
}

/// The version that a file may name at its top.
pub(crate) fn check_version(version: Option<u32>) -> Result<(), SpecError> {
    match version {
        None | Some(1) => Ok(()),
        Some(found) => Err(FieldPath::default().field("version").wrong(Problem::Version { found })),
    }
}

fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [rest @ .., last] => format!("{} or {last}", rest.join(", ")),
    }
}

fn given_words(given: &[&str]) -> String {
    match given {
        [] => "none is given".to_owned(),
        given => format!("given are {}", given.join(" and ")),
    }
}
