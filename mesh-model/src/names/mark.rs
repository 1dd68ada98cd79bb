//! Marks: which records are ours, and for whom.
//!
//! A TXT record beside a name, called by the kind of record that it speaks of:
//! `_overspill-a.checkout.example.com`. A provider's change of one name and its
//! mark can then be made at once, and a mark is never in an alias' way. For
//! `*.example.com` it is `_overspill-a-all.example.com`.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::RecordKind;
use crate::access_point::AccessPointId;
use crate::name::{Fqdn, Name};
use crate::vip::ClaimKey;

/// A mark: a fleet's owner and the values that are its; displays as the TXT record has it.
///
/// ```
/// use mesh_model::names::Mark;
///
/// let text = "heritage=overspill,fleet=fleet-1,owner=payments/checkout@slc-a-1,values=203.0.113.1";
/// let mark: Mark = text.parse()?;
/// assert_eq!((mark.fleet.as_str(), mark.to_string()), ("fleet-1", text.to_owned()));
/// assert!("v=spf1 -all".parse::<Mark>().is_err());
/// # Ok::<(), mesh_model::names::Unmarked>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// The provider's `owner`: one for each fleet.
    pub fleet: Name,
    /// For whom.
    pub owner: ClaimKey,
    /// The values that are its.
    pub values: BTreeSet<String>,
}

/// A text is no mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no mark of ours, which begin with heritage=overspill")]
pub struct Unmarked;

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text(&self.fleet, &self.owner, &self.values))
    }
}

/// A mark as the TXT record has it.
pub(super) fn text(fleet: &Name, owner: &ClaimKey, values: &BTreeSet<String>) -> String {
    let AccessPointId { namespace, name } = &owner.owner;
    // of a usual length, so that it need not grow
    let mut text = String::with_capacity(160);
    for part in [HERITAGE, fleet.as_str(), OWNER, namespace.as_str(), "/", name.as_str()] {
        text.push_str(part);
    }
    if let Some(target) = &owner.target {
        text.push('@');
        text.push_str(target.as_str());
    }
    text.push_str(VALUES);
    for (position, value) in values.iter().enumerate() {
        if position > 0 {
            text.push(';');
        }
        text.push_str(value);
    }
    text
}

/// What all marks of a fleet begin with; an owner follows.
pub(super) fn before_owner(fleet: &Name) -> String {
    [HERITAGE, fleet.as_str(), OWNER].concat()
}

/// Whether a text is what a mark of this owner says before its values.
pub(super) fn is_before_values(text: &str, before_owner: &str, owner: &ClaimKey) -> bool {
    let AccessPointId { namespace, name } = &owner.owner;
    let after_owner = || {
        let rest = text.strip_prefix(before_owner)?.strip_prefix(namespace.as_str())?;
        let rest = rest.strip_prefix('/')?.strip_prefix(name.as_str())?;
        match &owner.target {
            Some(target) => rest.strip_prefix('@')?.strip_prefix(target.as_str()),
            None => Some(rest),
        }
    };
    after_owner() == Some(VALUES)
}

impl FromStr for Mark {
    type Err = Unmarked;

    fn from_str(text: &str) -> Result<Self, Unmarked> {
        let rest = text.strip_prefix(HERITAGE).ok_or(Unmarked)?;
        let (fleet, rest) = rest.split_once(OWNER).ok_or(Unmarked)?;
        let (owner, values) = rest.split_once(VALUES).ok_or(Unmarked)?;
        Ok(Self {
            fleet: fleet.parse().map_err(|_| Unmarked)?,
            owner: owner.parse().map_err(|_| Unmarked)?,
            values: values.split(';').filter(|value| !value.is_empty()).map(str::to_owned).collect(),
        })
    }
}

/// A mark begins so; its fleet follows.
const HERITAGE: &str = "heritage=overspill,fleet=";
/// Then its owner.
const OWNER: &str = ",owner=";
/// Then its values.
const VALUES: &str = ",values=";

/// The kinds that names lead by.
pub(super) const KINDS: [RecordKind; 3] = [RecordKind::A, RecordKind::Aaaa, RecordKind::Cname];

/// The names of marks begin so.
const PREFIX: &str = "_overspill-";
/// And those of names for all below.
const ALL: &str = "-all";

/// The longest name in DNS, as text.
const LONGEST: usize = 253;

/// Where the marks of a record lie; `None` if that would be too long.
pub(super) fn name_of(name: &Fqdn, kind: &RecordKind) -> Option<Fqdn> {
    if length_of(name, kind) > LONGEST {
        return None;
    }
    let mut mark = String::with_capacity(LONGEST);
    mark.push_str(PREFIX);
    mark.extend(kind.as_str().chars().map(|letter| letter.to_ascii_lowercase()));
    let below = name.as_str().strip_prefix("*.");
    for part in [if below.is_some() { ALL } else { "" }, ".", below.unwrap_or(name.as_str())] {
        mark.push_str(part);
    }
    Some(Fqdn::made_of_names(mark))
}

/// Whether marks of all kinds can lie beside a name.
pub(super) fn has_room(name: &Fqdn) -> bool {
    KINDS.iter().all(|kind| length_of(name, kind) <= LONGEST)
}

fn length_of(name: &Fqdn, kind: &RecordKind) -> usize {
    let star = if name.is_wildcard() { ALL.len() - "*.".len() } else { 0 };
    PREFIX.len() + kind.as_str().len() + ".".len() + name.as_str().len() + star
}

/// A name as marks' names have it: whether it is one for all names below another, and the rest of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Named<'a> {
    is_wildcard: bool,
    pub(super) rest: &'a str,
}

impl<'a> Named<'a> {
    pub(super) fn of(name: &'a Fqdn) -> Self {
        let below = name.as_str().strip_prefix("*.");
        Self { is_wildcard: below.is_some(), rest: below.unwrap_or(name.as_str()) }
    }

    /// As a name; `None` if a single label is left, which is none.
    pub(super) fn to_fqdn(self) -> Option<Fqdn> {
        let star = if self.is_wildcard { "*." } else { "" };
        self.rest.contains('.').then(|| Fqdn::made_of_names([star, self.rest].concat()))
    }
}

/// The name that a mark's name speaks of, and the kind; `None` for other names.
pub(super) fn subject(mark: &Fqdn) -> Option<(Named<'_>, RecordKind)> {
    let rest = mark.as_str().strip_prefix(PREFIX)?;
    // a label is short, so looking byte by byte finds its end soonest
    let end = rest.bytes().position(|byte| byte == b'.')?;
    let (label, rest) = (&rest[..end], &rest[end + 1..]);
    let kind = label.strip_suffix(ALL);
    let is_wildcard = kind.is_some();
    // names are in lower case, see `name_of`
    let kind = match kind.unwrap_or(label) {
        "a" => RecordKind::A,
        "aaaa" => RecordKind::Aaaa,
        "cname" => RecordKind::Cname,
        _ => return None,
    };
    Some((Named { is_wildcard, rest }, kind))
}
