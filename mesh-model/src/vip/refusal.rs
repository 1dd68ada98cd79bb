//! Why a claim gets no address, and what is odd about records.

use std::net::IpAddr;

use super::{ClaimKey, Port};
use crate::api::{IpFamily, VipScope};
use crate::name::Name;
use crate::nearest::did_you_mean;
use crate::time::WallTime;

/// Why a claim gets no address; who holds some keeps them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The request no longer fits what its owner holds.
    #[error(
        "it holds {}, which the request no longer fits; have them released first, so that their names are withdrawn before",
        list(held)
    )]
    Changed {
        /// What is held.
        held: Vec<IpAddr>,
    },
    /// No pool has what is wanted.
    #[error("no pool can: {}", tried_words(tried))]
    NoPool {
        /// Each pool in the order of trial, and what is wrong with it.
        tried: Vec<Tried>,
    },
    /// The claim is for a target where the request is for all, or the other way round.
    #[error("{}", match scope {
        VipScope::All => "one allocation for all targets belongs to no target; leave the target out",
        VipScope::Target => "each target has its own allocation; name the target",
    })]
    Scope {
        /// What the request asks for.
        scope: VipScope,
    },
    /// The terms on which it holds an address have changed, and another is there on other terms.
    #[error(
        "{by} is at {address} too, and may not share with the new ports, key or group: {why}; change them back, or have it released"
    )]
    Terms {
        /// The address.
        address: IpAddr,
        /// Who else is there.
        by: ClaimKey,
        /// Why they may not share it.
        why: Box<Unshared>,
    },
    /// It asks for other terms at an address that rests for somebody else.
    #[error(
        "{address} rests for {by} until {until}, and may not be shared before with the new ports, key or group: {why}; wait, or change them back"
    )]
    Rests {
        /// The address.
        address: IpAddr,
        /// Who had it, too.
        by: ClaimKey,
        /// When its rest is over.
        until: WallTime,
        /// Why they may not share it.
        why: Box<Unshared>,
    },
    /// There is no pool of the name.
    #[error("there is no VipPool `{name}`{}", did_you_mean(nearest.as_deref()))]
    UnknownPool {
        /// As it is asked for.
        name: Name,
        /// The nearest name of a pool.
        nearest: Option<String>,
    },
}

/// A pool that was tried in vain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The pool.
    pub pool: Name,
    /// What is wrong with it for this claim.
    pub reason: Unfit,
}

/// What is wrong with a pool for a claim.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It lets another namespace or other labels.
    #[error("is not for access points of this namespace and labels")]
    AccessPoint,
    /// It has to be asked for by name.
    #[error("is given only to those that name it")]
    ByName,
    /// It has no address of a family.
    #[error("has no {} address", family_word(*family))]
    Family {
        /// The family.
        family: IpFamily,
    },
    /// All its addresses of a family are taken.
    #[error("has no free {} address{}", family_word(*family), until_words(*next))]
    Full {
        /// The family.
        family: IpFamily,
        /// When the first that rests is free, if one does.
        next: Option<WallTime>,
    },
    /// An address that is asked for is not in it.
    #[error("does not have {address}")]
    Outside {
        /// The address.
        address: IpAddr,
    },
    /// An address that is asked for rests.
    #[error("gives {address} to nobody but {by} before {until}")]
    Resting {
        /// The address.
        address: IpAddr,
        /// Who had it.
        by: ClaimKey,
        /// When its rest is over.
        until: WallTime,
    },
    /// An address that is asked for is another's.
    #[error("has given {address} to {by}, with whom it may not be shared: {why}")]
    Taken {
        /// The address.
        address: IpAddr,
        /// Who has it.
        by: ClaimKey,
        /// Why they may not share it.
        why: Box<Unshared>,
    },
    /// It does not serve a target.
    #[error("does not serve {}", target.as_ref().map_or("every target", |target| target.as_str()))]
    Target {
        /// The first that it does not serve; `None` if the targets are not known.
        target: Option<Name>,
    },
}

/// Why two may not be at one address; of two things the first is that of whoever has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Unshared {
    /// They are of two isolation groups, or one is of none.
    #[error("their isolation groups are {} and {}", group(one.as_ref()), group(other.as_ref()))]
    Groups {
        /// One group.
        one: Option<Name>,
        /// The other.
        other: Option<Name>,
    },
    /// They have two keys.
    #[error("their sharing keys are `{one}` and `{other}`")]
    Keys {
        /// One key.
        one: Name,
        /// The other.
        other: Name,
    },
    /// One has no key.
    #[error("{owner} has no sharing key, and shares with nobody")]
    NoKey {
        /// Who.
        owner: ClaimKey,
    },
    /// One names no ports.
    #[error("{owner} names no ports, and may serve any")]
    NoPorts {
        /// Who.
        owner: ClaimKey,
    },
    /// Both serve a port.
    #[error("both serve {port}")]
    Port {
        /// The first such port.
        port: Port,
    },
    /// They are of two targets, or one is for all: an address is announced where its target is.
    #[error("they are not of one target, where an address is announced")]
    Targets,
}

/// What is odd about the records; nothing is moved or dropped for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum RecordProblem {
    /// Two have one address and did not agree.
    #[error(
        "{address} is held by {first} and by {second}, which may not share ({why}); both keep it: release one of them"
    )]
    Conflict {
        /// The address.
        address: IpAddr,
        /// One of them.
        first: ClaimKey,
        /// The other.
        second: ClaimKey,
        /// Why they may not share it.
        why: Unshared,
    },
    /// The pool no longer has the address.
    #[error(
        "{owner} holds {address}, which VipPool `{pool}` no longer has; it keeps it until it is released"
    )]
    Outside {
        /// Who holds it.
        owner: ClaimKey,
        /// The address.
        address: IpAddr,
        /// The pool that it came from.
        pool: Name,
    },
    /// One owner is recorded twice.
    #[error("{owner} is recorded more than once; it keeps all of {}", list(addresses))]
    Repeated {
        /// Who.
        owner: ClaimKey,
        /// All that it holds.
        addresses: Vec<IpAddr>,
    },
    /// The pool is gone.
    #[error("{owner} holds addresses of VipPool `{pool}`, which is gone; it keeps them until it is released")]
    UnknownPool {
        /// Who holds them.
        owner: ClaimKey,
        /// The pool that they came from.
        pool: Name,
    },
}

fn group(group: Option<&Name>) -> String {
    group.map_or_else(|| "none".to_owned(), |group| format!("`{group}`"))
}

fn list(addresses: &[IpAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}

fn tried_words(tried: &[Tried]) -> String {
    if tried.is_empty() {
        return "there is none".to_owned();
    }
    let words = tried.iter().map(|one| format!("`{}` {}", one.pool, one.reason));
    words.collect::<Vec<_>>().join("; ")
}

const fn family_word(family: IpFamily) -> &'static str {
    match family {
        IpFamily::Ipv4 => "IPv4",
        IpFamily::Ipv6 => "IPv6",
    }
}

fn until_words(next: Option<WallTime>) -> String {
    next.map_or_else(String::new, |next| format!("; the next is free at {next}"))
}
