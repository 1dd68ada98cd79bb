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
        write!(f, "heritage=overspill,fleet={},owner={},values=", self.fleet, self.owner)?;
        for (position, value) in self.values.iter().enumerate() {
            let before = if position == 0 { "" } else { ";" };
            write!(f, "{before}{value}")?;
        }
        Ok(())
    }
}

impl FromStr for Mark {
    type Err = Unmarked;

    fn from_str(text: &str) -> Result<Self, Unmarked> {
        let rest = text.strip_prefix("heritage=overspill,fleet=").ok_or(Unmarked)?;
        let (fleet, rest) = rest.split_once(",owner=").ok_or(Unmarked)?;
        let (owner, values) = rest.split_once(",values=").ok_or(Unmarked)?;
        Ok(Self {
            fleet: fleet.parse().map_err(|_| Unmarked)?,
            owner: owner.parse().map_err(|_| Unmarked)?,
            values: values.split(';').filter(|value| !value.is_empty()).map(str::to_owned).collect(),
        })
    }
}

/// The kinds that names lead by.
pub(super) const KINDS: [RecordKind; 3] = [RecordKind::A, RecordKind::Aaaa, RecordKind::Cname];

/// The names of marks begin so.
const PREFIX: &str = "_overspill-";
/// And those of names for all below.
const ALL: &str = "-all";

/// Where the marks of a record lie; `None` if that would be too long.
pub(super) fn name_of(name: &Fqdn, kind: &RecordKind) -> Option<Fqdn> {
    let kind = kind.as_str().to_ascii_lowercase();
    let mark = match name.as_str().strip_prefix("*.") {
        Some(below) => format!("{PREFIX}{kind}{ALL}.{below}"),
        None => format!("{PREFIX}{kind}.{name}"),
    };
    mark.parse().ok()
}

/// The name that a mark's name speaks of, and the kind; `None` for other names.
pub(super) fn subject(mark: &Fqdn) -> Option<(Fqdn, RecordKind)> {
    let (label, name) = mark.as_str().strip_prefix(PREFIX)?.split_once('.')?;
    let (kind, star) = match label.strip_suffix(ALL) {
        Some(kind) => (kind, "*."),
        None => (label, ""),
    };
    let kind = KINDS.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(kind))?;
    Some((format!("{star}{name}").parse().ok()?, kind))
}
