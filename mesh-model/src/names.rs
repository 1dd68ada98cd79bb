//! Names: what records a provider is to have, and what changes bring it there.
//!
//! The idea: a record is ours only where a mark says so, and the mark says for
//! whom. Beside each record of a name lies a TXT record with one mark for each
//! owner and target that the name leads to ([`Mark`]); whatever bears none of
//! ours is never touched, and a record goes with its last owner. [`Planner`]
//! keeps wanted and current records by name and looks only at names that
//! changed; [`plan()`] is the same at once. [`wanted()`] says what the names of an
//! access point are to lead to.
//!
//! Missing evidence takes nobody out: see [`Member::health`]. Many deletions at
//! once, of owners or of a family of their addresses, wait for somebody who
//! approves exactly these. [`Drain`] is the order in
//! which an access point leaves a target: names first, then what resolvers
//! remember, then the address. Talking to providers is for adapters. What
//! external-dns does is cited where we do likewise (`plan/plan.go`).

mod answer;
mod changes;
mod circle;
mod desired;
mod drain;
mod file;
mod form;
mod mark;
mod one;
mod planner;
mod record;
mod service;
mod settled;
mod whose;
pub(crate) mod wildcard;

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;

use crate::access_point::AccessPointId;
use crate::labels::Labels;
use crate::name::{Fqdn, Name};
use crate::render::Revision;
use crate::units::Share;
use crate::vip::ClaimKey;

pub use desired::wanted;
pub use drain::{Drain, DrainEvent, DrainState, DrainTransmit};
pub use file::{CurrentFile, DesiredFile, MemberSpec, RecordSpec, WantedSpec};
pub use mark::{Mark, Unmarked};
pub use planner::{Planner, plan};
pub use record::{ParseRecordKindError, Record, RecordKind};
pub use service::{NameService, NameTarget};

/// What a name is to lead to. Several may be of one name: their members are put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The name.
    pub name: Fqdn,
    /// How long resolvers may remember it, whole seconds; the shortest of all that share the name counts.
    pub ttl: Duration,
    /// The labels of the access point (or `NameService`) that wants it, which providers select by.
    pub labels: Labels,
    /// What it leads to.
    pub answer: Answer,
}

/// What a name leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Another name (CNAME).
    Alias {
        /// Who wants it.
        owner: ClaimKey,
        /// The other name.
        to: Fqdn,
    },
    /// Addresses, all in one record.
    Members(Vec<Member>),
    /// Addresses, a weighted record for each member.
    Weighted(Vec<Member>),
}

/// An access point on a target, as far as a name leads to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Which.
    pub owner: ClaimKey,
    /// Its addresses; while they are not known, those that are published stay.
    pub addresses: Vec<IpAddr>,
    /// Its share beside the others; 0 takes it out, other values matter only to weighted records.
    pub weight: u32,
    /// How it is. The unhealthy are left out as long as enough others are left
    /// ([`min_healthy`](crate::provision::NameProvider::min_healthy)); who is not known stays where
    /// it is published, and joins where nobody is healthy.
    pub health: Health,
    /// Whether an operator wants traffic off it: that holds even for the last one, but not before it is
    /// approved where the others are there and none of them is healthy.
    pub is_drained: bool,
}

impl Member {
    /// Whether an operator wants traffic off it.
    const fn is_off(&self) -> bool {
        self.is_drained || self.weight == 0
    }
}

/// How a member is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// Its checks pass.
    Healthy,
    /// Its checks fail.
    Unhealthy,
    /// Nobody knows.
    #[default]
    Unknown,
}

/// The changes that bring a provider's records to what is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NamePlan {
    /// By name; those of one name are to be made together and in this order.
    pub changes: Vec<Change>,
    /// Deletions that wait for an approval: all of them where they are too many, or else those of names of
    /// which nobody healthy would be left.
    pub held_back: Vec<Deletion>,
    /// What was decided otherwise than evidence or an operator says, and what goes that nobody asked us to put there.
    pub notes: Vec<NameNote>,
    /// What could not be planned; the records of that name stay as they are.
    pub errors: Vec<NameError>,
    /// How many deletions there are, held back or not: owners that leave a record, values that nobody marked.
    pub deletions: usize,
    /// How many there may be without an approval.
    pub max_deletions: usize,
    /// What approves those that are held back and no others, once they are approved, too; `None` if none needs it.
    /// Where only some of them were made, those that are left have another, or are few enough to need none.
    pub hash: Option<Revision>,
}

/// One change of one record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "lowercase")]
pub enum Change {
    /// A new record.
    Create {
        /// The record.
        record: Record,
    },
    /// A record that is no longer wanted.
    Delete {
        /// The record as it is.
        record: Record,
    },
    /// A record that is to be another.
    Update {
        /// As it is.
        old: Record,
        /// As it is to be.
        record: Record,
    },
}

/// An owner that leaves the records of one kind at a name, or a value that is in a record of ours for no owner.
///
/// One that leaves both families of addresses is two, and one that keeps the other family is one; who is left
/// out for its checks or a drain, or becomes an alias, is none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Deletion {
    /// The name.
    pub name: Fqdn,
    /// The record's kind.
    pub kind: RecordKind,
    /// Who or what goes.
    #[serde(flatten)]
    pub gone: Gone,
}

/// Who or what goes from a record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Gone {
    /// An owner, with its values.
    Owner(ClaimKey),
    /// A value that no mark speaks of: somebody else wrote it into our record.
    Value(String),
}

/// Something about a name that is planned otherwise than one would think.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {note}")]
pub struct NameNote {
    /// The name.
    pub name: Fqdn,
    /// What.
    pub note: Note,
}

impl Serialize for NameNote {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        told(&self.name, "note", &self.note, serializer)
    }
}

/// What is planned otherwise than one would think.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Note {
    /// Less would be left than is believed.
    #[error(
        "without the unhealthy {left} of {all} members would be left, and {min} must be (minHealthy of the provider): the checks are not believed, and whoever is published stays"
    )]
    Doubted {
        /// How many.
        left: usize,
        /// Of how many of which anything is known.
        all: usize,
        /// The least share.
        min: Share,
    },
    /// A drain would leave nobody healthy.
    #[error(
        "{owner} is drained and stays all the same, for it is healthy and nobody else is known to be; its deletion waits for an approval"
    )]
    Kept {
        /// Who.
        owner: ClaimKey,
    },
    /// A value in a record of ours that is not ours.
    #[error("{value} is in its {kind} record and no mark speaks of it: it goes, and counts as a deletion")]
    Stray {
        /// The record's kind.
        kind: RecordKind,
        /// The value.
        value: String,
    },
}

/// A name that could not be planned, or not for everybody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {problem}")]
pub struct NameError {
    /// The name.
    pub name: Fqdn,
    /// What is wrong.
    pub problem: NameProblem,
}

impl Serialize for NameError {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        told(&self.name, "problem", &self.problem, serializer)
    }
}

/// A name and what is to be told of it in words.
fn told<S: serde::Serializer>(
    name: &Fqdn,
    field: &'static str,
    words: &impl fmt::Display,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    use serde::ser::SerializeStruct as _;
    let mut told = serializer.serialize_struct("Told", 2)?;
    told.serialize_field("name", name)?;
    told.serialize_field(field, &words.to_string())?;
    told.end()
}

/// What is wrong with a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameProblem {
    /// An alias beside addresses: a name has one or the other (RFC 1034, 3.6.2), and addresses win.
    #[error("{owner} wants an alias where others want addresses, which win; give it another name")]
    AliasBesideAddresses {
        /// Who wants the alias.
        owner: ClaimKey,
    },
    /// A second alias: the published one stays, or else the least.
    #[error("{owner} wants another alias than {by}, which is published; agree on one")]
    AliasTaken {
        /// Who does not get it.
        owner: ClaimKey,
        /// Who has it.
        by: ClaimKey,
    },
    /// An alias at the top of a domain, which has other records by itself.
    #[error("it is the top of a domain, where no alias can be; write addresses, or a name below")]
    Apex,
    /// An alias beside records of others.
    #[error(
        "it has a record of somebody else's of kind {kind}, beside which no alias can be; remove that, or write addresses"
    )]
    Beside {
        /// What is there.
        kind: RecordKind,
    },
    /// An alias of names that lead back to it.
    #[error(
        "it is an alias of {to}, which {}, so that no address is ever found; nothing of it is changed: let one of these lead to addresses, or elsewhere",
        match length {
            1 => "has no records and is answered by it".to_owned(),
            _ => format!("leads back to it in a circle of {length} names"),
        }
    )]
    Circle {
        /// The name that it is an alias of.
        to: Fqdn,
        /// How many names there are in the circle, with it.
        length: usize,
    },
    /// Several namespaces want it, and none has it.
    #[error(
        "{} want it, of several namespaces, and none has it: none gets it; let all but one choose another name, or reserve it for them in NameProvider `{provider}`",
        list(owners)
    )]
    Contested {
        /// Who.
        owners: Vec<AccessPointId>,
        /// The provider.
        provider: Name,
    },
    /// A record that is not ours.
    #[error("it has a record of kind {kind}{}; nothing of it is touched: remove it, or choose another name", match fleet {
        Some(fleet) => format!(", which is fleet `{fleet}`'s"),
        None => " that bears no mark of ours".to_owned(),
    })]
    Foreign {
        /// What is there.
        kind: RecordKind,
        /// Whose it is, if its mark says so.
        fleet: Option<Name>,
    },
    /// Too long for the name of a mark before it.
    #[error(
        "it is too long for a mark beside it; choose a name that is 24 characters shorter than the longest"
    )]
    Long,
    /// An alias of itself.
    #[error("it is an alias of itself; name what it leads to")]
    Loop,
    /// The provider is not for whoever wants it.
    #[error(
        "NameProvider `{provider}` is not for {owner}, by its namespaces, labels or reservations; nothing new of it is published: give it the provider's labels, or name another"
    )]
    NotAdmitted {
        /// Who wants it.
        owner: AccessPointId,
        /// The provider.
        provider: Name,
    },
    /// Outside of the provider's domains.
    #[error("NameProvider `{provider}` does not serve it; choose a name below its domains")]
    NotServed {
        /// The provider.
        provider: Name,
    },
    /// Another namespace has it.
    #[error(
        "{owner} wants it, and it is {by}'s, of another namespace; nothing new of {owner} is published: choose another name, or reserve it for both in NameProvider `{provider}`"
    )]
    Taken {
        /// Who does not get it.
        owner: AccessPointId,
        /// Whose it is.
        by: AccessPointId,
        /// The provider.
        provider: Name,
    },
}

fn list(owners: &[AccessPointId]) -> String {
    owners.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}

#[cfg(test)]
mod tests;
