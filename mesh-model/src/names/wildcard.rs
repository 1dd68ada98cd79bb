//! Which star answers for a name that has no records (RFC 4592 section 3.3.1).
//!
//! It is the one below the nearest name above that is there, and no other: a
//! name is there for its records, or for those of names below it (section
//! 2.2.2). Whether that star has records, and which, is for whoever asks.

use std::collections::BTreeSet;

use crate::name::Fqdn;

/// Names that are there, with all that they are below.
pub(crate) struct There<'a>(BTreeSet<&'a str>);

impl<'a> There<'a> {
    /// Those that these names make.
    pub(crate) fn of(names: impl Iterator<Item = &'a Fqdn>) -> Self {
        Self(names.flat_map(|name| upwards(name.as_str())).collect())
    }

    /// The star that answers for a name without records; `None` where the name is there, or nothing above it.
    pub(crate) fn star(&self, name: &Fqdn) -> Option<Fqdn> {
        let nearest = upwards(name.as_str()).find(|above| self.0.contains(above))?;
        format!("*.{nearest}").parse().ok().filter(|_| nearest != name.as_str())
    }
}

/// A name and all that it is below, from the longest.
pub(crate) fn upwards(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(name), |name| name.split_once('.').map(|(_, above)| above))
}
