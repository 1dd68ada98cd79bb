//! What a service is to be in the kernel: from its configuration and what
//! health offers its backends.
//!
//! A plain function of the two, without history: two nodes that agree on both
//! want the same table. What becomes of a backend depends on its traffic and on
//! whether the scheduler has its fallback:
//!
//! | traffic | `mh` with fallback | `mh` without | `sh` |
//! |---|---|---|---|
//! | active | serves by its weight; units above it are parked | units above it are idle | its weight |
//! | drain | parked: the table stays, a new flow that falls there goes on to another | idle: its slots are others' | weight 0: one bucket refuses, or with fallback goes on |
//! | down | deleted, its flows end | deleted | deleted |
//!
//! So with the fallback no weight and no drain ever changes the kernel's table,
//! only who is taken in it. Without it `mh` refuses (ICMP port unreachable)
//! whatever falls on a slot whose holder takes nothing; a drained destination
//! is then added anew with weight 0, which holds none. `sh` has no such way out.
//!
//! # Figures
//!
//! `mh` of 4,093 slots, N equal backends in a row of addresses, one of which
//! rises in a slow start from nothing: what each step moves, in percent of
//! slots, or with the fallback of 40,000 flows (computed anew by the tests).
//!
//! | N | with fallback: steps, mean, worst | without: steps, mean, worst | weights as they are, 100 to 99 |
//! |---|---|---|---|
//! | 3 | 8: 4.1, 5.7 | 16: 3.6, 4.4 | |
//! | 10 | 8: 1.2, 1.3 | 16: 2.9, 3.3 | 8.3 |
//! | 100 | 8: 0.12, 0.16 | 16: 0.45, 0.76 | 54.7 |
//! | 400 | 5: 0.038, 0.048 | 5: 0.37, 0.54 | |
//!
//! These are steps of a backend that has its places: one that was deleted, as
//! the dead are, takes them all at its first step, and the flows of those that
//! are parked go on to others. With the fallback that step moves 20 % of 3, 12 %
//! of 10, 4.3 % of 100, 1.3 % of 400.
//!
//! A step is one write. When half of a hundred rise together, all steps with the
//! fallback move 65.5 % of the flows; 50 % is the least. Nobody starves, and no
//! backend has more than one slot more than another. What else changes a table
//! costs more than its own slots, and more with units than without:
//!
//! | N | one backend less, beside its own slots: one unit each, 8 | from one unit each to 8 |
//! |---|---|---|
//! | 3 | 0.0, 1.0 | 59 |
//! | 10 | 0.8, 3.1 | 79 |
//! | 100 | 2.9, 3.5 | 88 |
//! | 400 | 1.2, 1.0 | 86 |
//!
//! What it costs to bring such a backend back in order is told at
//! [`plan`](super::plan()).

use alloc::vec::Vec;
use core::net::IpAddr;

use super::destination::{ForwardMethod, KernelDestination, Standing};
use super::service::{Family, KernelService, ServiceFlags, ServiceKey};
use super::state::DesiredService;
use super::units::{self, Share, Units};
use crate::config::{BackendState, SchedulerKind, SchedulerName, ServiceConfig};
use crate::health::{BackendPolicy, Offer};
use crate::identity::{Endpoint, Weight};
use crate::table::TableKind;

/// How finely a service's weights are divided.
///
/// From one unit to several is another table: 59 to 88 % of the slots move, and
/// with them every flow that another node has to take over until it ends. So it
/// is a matter of configuration ([`Grain::of`]), never of a moment's weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grain {
    /// One destination for the backend of the median weight: few kernel objects, and no smaller step.
    #[default]
    Whole,
    /// Several for each backend: weights can change step by step.
    Fine,
}

impl Grain {
    /// The grain of a service: fine where a weight may change, which is where it
    /// starts slowly and where somebody wrote a weight other than 0 and 1.
    ///
    /// Who means to change weights later therefore writes `weight: 100` from the
    /// beginning, and each change moves its own share only.
    #[must_use]
    pub fn of(service: &ServiceConfig, policy: &BackendPolicy) -> Self {
        let is_weighted = service.backends.iter().any(|backend| backend.weight > Weight(1));
        if is_weighted || policy.has_slow_start() { Self::Fine } else { Self::Whole }
    }
}

/// Why a service cannot be the kernel's; all are the configuration's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DesiredError {
    /// The kernel has no such scheduler.
    #[error("the kernel has no scheduler `{kind}`; write ipvs-mh or ipvs-sh")]
    NotKernelScheduler {
        /// As configured.
        kind: SchedulerName,
    },
    /// More backends than slots: some would never get a flow.
    #[error(
        "{backends} backends do not fit a table of {slots} slots; split the service, or build a kernel with a larger table"
    )]
    TooManyBackends {
        /// How many.
        backends: usize,
        /// The kernel's table.
        slots: u32,
    },
}

/// What one service is to be in the kernel.
///
/// `offers` are the backends', in the order of the configuration.
///
/// # Errors
///
/// [`DesiredError`]: what no kernel can do.
///
/// # Panics
///
/// If there are not as many offers as backends.
///
/// ```
/// use lb_core::config::{BackendState, Config, LbFile};
/// use lb_core::health::Offer;
/// use lb_core::ipvs::{Grain, Standing, desired};
/// use lb_core::Weight;
///
/// let file: LbFile = serde_saphyr::from_str(
///     r#"
/// services:
///   - vip: 203.0.113.10
///     port: 443
///     protocol: tcp
///     scheduler: { kind: ipvs-mh, port: true, fallback: true }
///     backends: [{ address: 10.1.0.5 }, { address: 10.1.0.6 }, { address: 10.1.0.7 }]
/// "#,
/// )?;
/// let config = Config::try_from(file)?;
/// let offer = |traffic| Offer { traffic, weight: Weight(1) };
/// let offers = [BackendState::Active, BackendState::Drain, BackendState::Down].map(offer);
/// let (key, service) = desired(&config.services[0], &offers, Grain::Whole)?;
/// assert_eq!(key.to_string(), "203.0.113.10:443/tcp");
/// let standings: Vec<_> = service.destinations.iter().map(|one| one.standing()).collect();
/// assert_eq!(standings, [Some(Standing::Serving), Some(Standing::Parked)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn desired(
    service: &ServiceConfig,
    offers: &[Offer],
    grain: Grain,
) -> Result<(ServiceKey, DesiredService), DesiredError> {
    assert_eq!(offers.len(), service.backends.len(), "one offer for each backend");
    let table = KernelTable::of(service.scheduler)?;
    if service.backends.len() > table.slots as usize {
        let (backends, slots) = (service.backends.len(), table.slots);
        return Err(DesiredError::TooManyBackends { backends, slots });
    }
    let family = Family::of(service.address.address);
    let shares: Vec<Share> = service
        .backends
        .iter()
        .zip(offers)
        .map(|(backend, offer)| {
            let now = match offer.traffic {
                BackendState::Active => offer.weight,
                BackendState::Drain | BackendState::Down => Weight(0),
            };
            let endpoint = table.discipline.name_of(family, backend.endpoint);
            Share { endpoint, full: backend.weight, now }
        })
        .collect();
    let stays = |place: usize| offers[place].traffic != BackendState::Down;
    let forward = |endpoint: &Endpoint| ForwardMethod::tunnel(service.forward, endpoint);
    let destinations = match table.discipline {
        Discipline::Mh => in_rounds(&table.units(&shares, grain), table.fallback, stays, forward),
        Discipline::Sh => by_weight(&shares, &table.weights(&shares, grain), stays, forward),
    };
    let settings = KernelService::new(table.discipline.name(), table.flags, family);
    let table = table.kind(family);
    Ok((ServiceKey::Address(service.address), DesiredService { service: settings, table, destinations }))
}

/// The kernel's two hashing schedulers.
#[derive(Clone, Copy, Debug)]
enum Discipline {
    Mh,
    Sh,
}

impl Discipline {
    const fn name(self) -> &'static str {
        match self {
            Self::Mh => "mh",
            Self::Sh => "sh",
        }
    }

    /// Under which address and port the kernel is given a backend: its own, but
    /// for an IPv6 backend of an IPv4 service of `mh`. Of such an address the
    /// kernel hashes 32 bits, which a whole site has in common; so the backends
    /// are told apart by ports that come from all of the address, and that no
    /// packet shows. By their own port the loss of one of three moved more than
    /// a quarter of all slots beside its own.
    fn name_of(self, service: Family, backend: Endpoint) -> Endpoint {
        match (self, service, backend.address) {
            (Self::Mh, Family::V4, IpAddr::V6(address)) => {
                let [high, low] = [address.to_bits() >> 64, address.to_bits()].map(|half| half as u64); // the lower half
                let mixed = (high ^ low.rotate_left(23)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                let port = u16::try_from((mixed >> 32) % u64::from(u16::MAX) + 1).expect("at most 65,535");
                Endpoint::new(backend.address, port)
            }
            (Self::Mh | Self::Sh, Family::V4 | Family::V6, IpAddr::V4(_) | IpAddr::V6(_)) => backend,
        }
    }
}

/// A kernel's scheduler, with what matters of it here.
#[derive(Clone, Copy, Debug)]
struct KernelTable {
    discipline: Discipline,
    flags: ServiceFlags,
    fallback: bool,
    slots: u32,
}

impl KernelTable {
    fn of(kind: SchedulerKind) -> Result<Self, DesiredError> {
        let (discipline, port, fallback, slots) = match kind {
            SchedulerKind::IpvsMh { port, fallback, table_size } => {
                (Discipline::Mh, port, fallback, table_size)
            }
            SchedulerKind::IpvsSh { port, fallback, table_size } => {
                (Discipline::Sh, port, fallback, table_size)
            }
            SchedulerKind::Maglev { .. } | SchedulerKind::Rendezvous { .. } | SchedulerKind::Ring { .. } => {
                return Err(DesiredError::NotKernelScheduler { kind: kind.name() });
            }
        };
        let flag = |set: bool, flag: ServiceFlags| if set { flag } else { ServiceFlags::NONE };
        let flags = flag(fallback, ServiceFlags::SCHEDULER_1).union(flag(port, ServiceFlags::SCHEDULER_2));
        Ok(Self { discipline, flags, fallback, slots })
    }

    const fn kind(&self, family: Family) -> TableKind {
        match self.discipline {
            Discipline::Mh => TableKind::IpvsMh { size: self.slots, family },
            Discipline::Sh => TableKind::IpvsSh { size: self.slots },
        }
    }

    /// Units of the median backend.
    const fn median(&self, grain: Grain) -> u32 {
        match grain {
            Grain::Whole => 1,
            Grain::Fine if self.fallback => units::WITH_FALLBACK,
            Grain::Fine => units::WITHOUT_FALLBACK,
        }
    }

    /// Units for `mh`: half the table at most, because destinations that wait
    /// for the end of their last connections are on the same list.
    fn units(&self, shares: &[Share], grain: Grain) -> Vec<Units> {
        units::units(shares, self.median(grain), self.slots / 2)
    }

    fn weights(&self, shares: &[Share], grain: Grain) -> Vec<u32> {
        units::weights(shares, self.median(grain), self.slots)
    }
}

/// `mh`: everyone's first unit, everyone's second, ...; by address and port in each round.
fn in_rounds(
    units: &[Units],
    fallback: bool,
    stays: impl Fn(usize) -> bool,
    forward: impl Fn(&Endpoint) -> ForwardMethod,
) -> Vec<KernelDestination> {
    let mut destinations = Vec::new();
    for (place, units) in units.iter().enumerate().filter(|(place, _)| stays(*place)) {
        for (round, endpoint) in units.endpoints.iter().enumerate() {
            let standing = match (round < units.serving, fallback) {
                (true, _) => Standing::Serving,
                (false, true) => Standing::Parked,
                (false, false) => Standing::Idle,
            };
            let destination = KernelDestination::new(*endpoint, forward(endpoint), standing);
            destinations.push(((round, units.endpoints[0], place), destination));
        }
    }
    destinations.sort_unstable_by_key(|(order, _)| *order);
    destinations.into_iter().map(|(_, destination)| destination).collect()
}

/// `sh`: one destination for each backend, its weight as many buckets as it would have units.
fn by_weight(
    shares: &[Share],
    weights: &[u32],
    stays: impl Fn(usize) -> bool,
    forward: impl Fn(&Endpoint) -> ForwardMethod,
) -> Vec<KernelDestination> {
    let destination = |(place, share): (usize, &Share)| {
        // No mark at weight 0: it would say of `mh`'s slots what is not so.
        let serving = KernelDestination::new(share.endpoint, forward(&share.endpoint), Standing::Serving);
        KernelDestination { weight: weights[place], ..serving }
    };
    let mut destinations: Vec<_> =
        shares.iter().enumerate().filter(|(place, _)| stays(*place)).map(destination).collect();
    destinations.sort_unstable_by_key(|destination| destination.endpoint);
    destinations
}

#[cfg(test)]
mod tests;
