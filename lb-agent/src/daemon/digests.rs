//! The names of the services' tables, computed anew only where a service changed.
//!
//! A name takes filling the table, as the kernel would; a status is asked for
//! many times between two changes.

use std::collections::BTreeMap;

use lb_core::config::ServiceAddress;
use lb_core::node::{Node, Wanted};

/// The names as of the last look.
#[derive(Debug, Default)]
pub(super) struct Digests(BTreeMap<ServiceAddress, Named>);

/// What a name was computed from, and the name.
#[derive(Debug)]
struct Named {
    wanted: Wanted,
    digest: Option<String>,
}

impl Digests {
    /// Looks at the node; gives back how many tables had to be filled.
    pub(super) fn refresh(&mut self, node: &Node) -> usize {
        let mut before = std::mem::take(&mut self.0);
        let mut filled = 0;
        for wanted in node.wanted() {
            let address = wanted.config.address;
            let named = before.remove(&address).filter(|named| named.wanted == *wanted);
            let named = named.unwrap_or_else(|| {
                filled += 1;
                let digest = node.table_digest(address).map(|digest| digest.to_string());
                Named { wanted: wanted.clone(), digest }
            });
            self.0.insert(address, named);
        }
        filled
    }

    /// The name of a service's table at the last look.
    pub(super) fn get(&self, service: ServiceAddress) -> Option<&str> {
        self.0.get(&service)?.digest.as_deref()
    }
}

#[cfg(test)]
mod tests;
