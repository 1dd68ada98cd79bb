//! Which addresses to add and remove: a function of what is there and what is wanted.
//!
//! Additions come first, so that an address that moves is never gone for good
//! when a later command fails. Leaves alone: every address that is not ours.

use std::collections::BTreeSet;

use crate::address::Address;
use crate::network::Command;

/// The commands after which the wanted addresses are there and, of ours, no others.
///
/// `owned` says whether an observed address is ours to remove: by its origin,
/// and, where the kernel keeps none, by what else the owner knows. A wanted
/// address that somebody else added already is left as it is: it does its work.
///
/// ```
/// use lb_netlink::Origin;
/// use lb_netlink::address::{self, Address};
///
/// let old = Address::virtual_ip("203.0.113.10".parse()?, "lo".parse()?);
/// let new = Address::virtual_ip("203.0.113.11".parse()?, "lo".parse()?);
/// let commands = address::plan(&[old], &[new], |address| address.origin == Origin::OVERSPILL);
/// let commands: Vec<String> = commands.iter().map(ToString::to_string).collect();
/// assert_eq!(commands, [
///     "ip address add 203.0.113.11/32 dev lo scope host proto 79",
///     "ip address del 203.0.113.10/32 dev lo",
/// ]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn plan(observed: &[Address], wanted: &[Address], owned: impl Fn(&Address) -> bool) -> Vec<Command> {
    let place = |address: &Address| (address.device.clone(), address.prefix);
    let present: BTreeSet<_> = observed.iter().map(place).collect();
    let mut places = BTreeSet::new();
    let missing =
        wanted.iter().filter(|address| places.insert(place(address)) && !present.contains(&place(address)));
    let mut commands: Vec<Command> = missing.cloned().map(Command::AddAddress).collect();
    let surplus = observed.iter().filter(|address| owned(address) && !places.contains(&place(address)));
    commands.extend(surplus.cloned().map(Command::RemoveAddress));
    commands
}
