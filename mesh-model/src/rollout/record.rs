//! One line of a recording: what is written there, and what it means.
//!
//! A line is one flat object. Which fields it has follows from its `kind`, so
//! that a field too many or too few is known by its name; what it means is a
//! [`Happening`], which has no field that is not its own.

use serde::{Deserialize, Serialize};

use super::{Identity, TargetHealth};
use crate::api::{FieldPath, Problem, SpecError};
use crate::name::Name;
use crate::render::Revision;
use crate::time::WallTime;
use crate::units::HumanDuration;

/// One line of a recording, as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecordedSpec {
    /// When it happened, since the controller's start.
    pub at: HumanDuration,
    /// The date on the wall; what it was before plus what passed where left out, which the first line cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall: Option<WallTime>,
    /// What happened.
    pub kind: HappeningKind,
    /// `abort`, `approval`, `resume`: who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Identity>,
    /// `approval`: the hash of what they saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<Revision>,
    /// `join`, `leave`: which targets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<Vec<Name>>,
    /// `report`: which target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Name>,
    /// `report`: the revision that it has; none of ours where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied: Option<Revision>,
    /// `report`: how it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<TargetHealth>,
    /// `report`: since when, since the controller's start; since now where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<HumanDuration>,
    /// `revision`: which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<Revision>,
    /// `revision`: the hash that approvals are bound to; that of the revision where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<Revision>,
    /// `revision`: who made the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Identity>,
}

/// What can happen, as lines name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum HappeningKind {
    /// Somebody aborted.
    Abort,
    /// Somebody approved.
    Approval,
    /// Targets were added, or their labels changed.
    Join,
    /// Targets left.
    Leave,
    /// A target said how it is.
    Report,
    /// The controller was restarted with what it had kept.
    Restart,
    /// Somebody resumed.
    Resume,
    /// A revision was proposed.
    Revision,
    /// Nothing but time.
    Timeout,
}

impl HappeningKind {
    /// The word of the recording.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Abort => "abort",
            Self::Approval => "approval",
            Self::Join => "join",
            Self::Leave => "leave",
            Self::Report => "report",
            Self::Restart => "restart",
            Self::Resume => "resume",
            Self::Revision => "revision",
            Self::Timeout => "timeout",
        }
    }

    /// The fields that a line of this kind has, beside those of every line.
    const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Abort | Self::Resume => &["by"],
            Self::Approval => &["hash", "by"],
            Self::Join | Self::Leave => &["targets"],
            Self::Report => &["target", "applied", "health", "since"],
            Self::Restart | Self::Timeout => &[],
            Self::Revision => &["revision", "difference", "author"],
        }
    }
}

/// One line of a recording.
///
/// ```
/// use mesh_model::rollout::{Recorded, RecordedSpec};
///
/// let line = |text| -> Result<_, Box<dyn std::error::Error>> {
///     Ok(Recorded::try_from(serde_json::from_str::<RecordedSpec>(text)?)?)
/// };
/// assert!(line(r#"{"at":"10s","kind":"leave","targets":["slc-a-1"]}"#).is_ok());
/// let told = line(r#"{"at":"10s","kind":"leave","target":"slc-a-1"}"#).unwrap_err().to_string();
/// assert_eq!(told, "target: a line of kind leave has no such field; its fields are targets");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RecordedSpec")]
pub struct Recorded {
    /// When it happened, since the controller's start.
    pub at: HumanDuration,
    /// The date on the wall; what it was before plus what passed where left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wall: Option<WallTime>,
    /// What happened.
    #[serde(flatten)]
    pub happening: Happening,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Happening {
    /// Somebody aborted.
    Abort {
        /// Who.
        by: Identity,
    },
    /// Somebody approved.
    Approval {
        /// The hash of what they saw.
        hash: Revision,
        /// Who.
        by: Identity,
    },
    /// Targets were added, or their labels changed.
    Join {
        /// Which.
        targets: Vec<Name>,
    },
    /// Targets left.
    Leave {
        /// Which.
        targets: Vec<Name>,
    },
    /// A target said how it is.
    Report {
        /// Which.
        target: Name,
        /// The revision that it has; none of ours where left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        applied: Option<Revision>,
        /// How it is.
        health: TargetHealth,
        /// Since when, since the controller's start; since now where left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        since: Option<HumanDuration>,
    },
    /// The controller was restarted with what it had kept.
    Restart {},
    /// Somebody resumed.
    Resume {
        /// Who.
        by: Identity,
    },
    /// A revision was proposed.
    Revision {
        /// Which.
        revision: Revision,
        /// The hash that approvals are bound to; that of the revision where left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        difference: Option<Revision>,
        /// Who made the change.
        author: Identity,
    },
    /// Nothing but time.
    Timeout {},
}

impl Happening {
    /// The word of the recording.
    #[must_use]
    pub const fn kind(&self) -> HappeningKind {
        match self {
            Self::Abort { .. } => HappeningKind::Abort,
            Self::Approval { .. } => HappeningKind::Approval,
            Self::Join { .. } => HappeningKind::Join,
            Self::Leave { .. } => HappeningKind::Leave,
            Self::Report { .. } => HappeningKind::Report,
            Self::Restart {} => HappeningKind::Restart,
            Self::Resume { .. } => HappeningKind::Resume,
            Self::Revision { .. } => HappeningKind::Revision,
            Self::Timeout {} => HappeningKind::Timeout,
        }
    }
}

impl TryFrom<RecordedSpec> for Recorded {
    type Error = SpecError;

    fn try_from(spec: RecordedSpec) -> Result<Self, SpecError> {
        let kind = spec.kind;
        if let Some(field) = spec.given().find(|field| !kind.fields().contains(field)) {
            let problem = Problem::Misplaced { kind: line_of(kind), fields: kind.fields() };
            return Err(FieldPath::default().field(field).wrong(problem));
        }
        let happening = match kind {
            HappeningKind::Abort => Happening::Abort { by: needed(kind, "by", spec.by)? },
            HappeningKind::Approval => {
                let (hash, by) = (needed(kind, "hash", spec.hash)?, needed(kind, "by", spec.by)?);
                Happening::Approval { hash, by }
            }
            HappeningKind::Join => Happening::Join { targets: some(kind, spec.targets)? },
            HappeningKind::Leave => Happening::Leave { targets: some(kind, spec.targets)? },
            HappeningKind::Report => Happening::Report {
                target: needed(kind, "target", spec.target)?,
                applied: spec.applied,
                health: needed(kind, "health", spec.health)?,
                since: spec.since,
            },
            HappeningKind::Restart => Happening::Restart {},
            HappeningKind::Resume => Happening::Resume { by: needed(kind, "by", spec.by)? },
            HappeningKind::Revision => Happening::Revision {
                revision: needed(kind, "revision", spec.revision)?,
                difference: spec.difference,
                author: needed(kind, "author", spec.author)?,
            },
            HappeningKind::Timeout => Happening::Timeout {},
        };
        Ok(Self { at: spec.at, wall: spec.wall, happening })
    }
}

impl RecordedSpec {
    /// The fields that are there, beside those of every line.
    fn given(&self) -> impl Iterator<Item = &'static str> {
        let fields = [
            ("by", self.by.is_some()),
            ("hash", self.hash.is_some()),
            ("targets", self.targets.is_some()),
            ("target", self.target.is_some()),
            ("applied", self.applied.is_some()),
            ("health", self.health.is_some()),
            ("since", self.since.is_some()),
            ("revision", self.revision.is_some()),
            ("difference", self.difference.is_some()),
            ("author", self.author.is_some()),
        ];
        fields.into_iter().filter_map(|(field, is_there)| is_there.then_some(field))
    }
}

fn needed<T>(kind: HappeningKind, field: &str, value: Option<T>) -> Result<T, SpecError> {
    value.ok_or_else(|| FieldPath::default().field(field).wrong(Problem::Missing { kind: line_of(kind) }))
}

fn some(kind: HappeningKind, targets: Option<Vec<Name>>) -> Result<Vec<Name>, SpecError> {
    let targets = needed(kind, "targets", targets)?;
    if targets.is_empty() {
        return Err(FieldPath::default().field("targets").wrong(Problem::Empty));
    }
    Ok(targets)
}

fn line_of(kind: HappeningKind) -> String {
    format!("a line of kind {}", kind.as_str())
}
