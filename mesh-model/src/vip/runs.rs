//! Addresses that are taken, as runs without gaps.
//!
//! The lowest free address of a range is the end of one run and one more:
//! found in logarithmic time in a /64 as in a /30, however full they are.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::provision::AddressRange;

/// A set of addresses: from the first of each run to its last; no two runs touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Runs(BTreeMap<IpAddr, IpAddr>);

impl Runs {
    /// The lowest address of a range that is not in the set.
    pub(super) fn lowest_free(&self, range: &AddressRange) -> Option<IpAddr> {
        let first = range.first();
        let run = self.0.range(..=first).next_back().filter(|(_, last)| **last >= first);
        let free = match run {
            Some((_, last)) => next(*last)?,
            None => first,
        };
        range.contains(free).then_some(free)
    }

    /// Puts an address in; nothing happens if it is.
    pub(super) fn insert(&mut self, address: IpAddr) {
        let before = self.0.range(..=address).next_back().map(|(first, last)| (*first, *last));
        let mut run = (address, address);
        if let Some((first, last)) = before {
            if last >= address {
                return;
            }
            if next(last) == Some(address) {
                run.0 = first;
            }
        }
        if let Some(last) = next(address).and_then(|after| self.0.remove(&after)) {
            run.1 = last;
        }
        self.0.insert(run.0, run.1);
    }

    /// Takes an address out; nothing happens if it is not in.
    pub(super) fn remove(&mut self, address: IpAddr) {
        let run = self.0.range(..=address).next_back().map(|(first, last)| (*first, *last));
        let Some((first, last)) = run.filter(|(_, last)| *last >= address) else { return };
        self.0.remove(&first);
        if first < address {
            self.0.insert(first, previous(address).expect("an address above another has one before it"));
        }
        if address < last {
            self.0.insert(next(address).expect("an address below another has one after it"), last);
        }
    }
}

/// The next address of the same family.
fn next(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(address) => u32::from(address).checked_add(1).map(|next| Ipv4Addr::from(next).into()),
        IpAddr::V6(address) => u128::from(address).checked_add(1).map(|next| Ipv6Addr::from(next).into()),
    }
}

/// The address before, of the same family.
fn previous(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(address) => u32::from(address).checked_sub(1).map(|before| Ipv4Addr::from(before).into()),
        IpAddr::V6(address) => u128::from(address).checked_sub(1).map(|before| Ipv6Addr::from(before).into()),
    }
}
