//! Table kinds: which sizes they can have, and the file's flat form of them.

use super::{
    BackendFile, ConfigError, FieldPath, Problem, SchedulerFile, SchedulerKind, SchedulerName, Step,
    TableSizeRule, file,
};
use crate::table::ring;

/// The greatest own table: 64 times the Maglev paper's small one; keeps a file from asking for gigabytes.
pub(super) const MAX_TABLE_SIZE: u32 = 1 << 22;
/// The most ring points for each unit of weight; more only cost memory (160 is usual).
pub(super) const MAX_RING_POINTS: u32 = 4_096;
/// The sizes that `CONFIG_IP_VS_MH_TAB_INDEX` can choose (Linux `net/netfilter/ipvs/ip_vs_mh.c`).
const KERNEL_PRIMES: [u32; 10] = [251, 509, 1_021, 2_039, 4_093, 8_191, 16_381, 32_749, 65_521, 131_071];

/// Reads the flat form; the table must hold all these backends.
pub(super) fn scheduler(
    file: &SchedulerFile,
    backends: &[BackendFile],
    path: &FieldPath,
) -> Result<SchedulerKind, ConfigError> {
    only_own_parameters(file, path)?;
    let size = |default| file.table_size.unwrap_or(default);
    let (port, fallback) = (file.port.unwrap_or(false), file.fallback.unwrap_or(false));
    let kind = match file.kind {
        SchedulerName::Maglev => SchedulerKind::Maglev { table_size: size(file::MAGLEV_TABLE_SIZE) },
        SchedulerName::Rendezvous => {
            SchedulerKind::Rendezvous { table_size: size(file::RENDEZVOUS_TABLE_SIZE) }
        }
        SchedulerName::Ring => SchedulerKind::Ring { points: file.points.unwrap_or(file::RING_POINTS) },
        SchedulerName::IpvsMh => {
            SchedulerKind::IpvsMh { port, fallback, table_size: size(file::IPVS_MH_TABLE_SIZE) }
        }
        SchedulerName::IpvsSh => {
            SchedulerKind::IpvsSh { port, fallback, table_size: size(file::IPVS_SH_TABLE_SIZE) }
        }
    };
    check_size(kind, backends.len(), path)?;
    check_points(kind, backends, path)?;
    Ok(kind)
}

/// Refuses a parameter that the kind does not have.
fn only_own_parameters(file: &SchedulerFile, path: &FieldPath) -> Result<(), ConfigError> {
    let right: &'static [&'static str] = match file.kind {
        SchedulerName::Maglev | SchedulerName::Rendezvous => &["tableSize"],
        SchedulerName::Ring => &["points"],
        SchedulerName::IpvsMh | SchedulerName::IpvsSh => &["port", "fallback", "tableSize"],
    };
    let given = [
        ("tableSize", file.table_size.is_some()),
        ("points", file.points.is_some()),
        ("port", file.port.is_some()),
        ("fallback", file.fallback.is_some()),
    ];
    match given.iter().find(|(name, given)| *given && !right.contains(name)) {
        Some((name, _)) => {
            let problem = Problem::NotAParameter { kind: file.kind.as_str(), right };
            Err(ConfigError { path: path.then(Step::Field(name)), problem })
        }
        None => Ok(()),
    }
}

fn check_size(kind: SchedulerKind, backends: usize, path: &FieldPath) -> Result<(), ConfigError> {
    let fits = |size: u32| usize::try_from(size).unwrap_or(usize::MAX) >= backends;
    let least = u32::try_from(backends).unwrap_or(MAX_TABLE_SIZE).max(1);
    let (size, possible, enough, right) = match kind {
        SchedulerKind::Maglev { table_size: size } => {
            let possible = size <= MAX_TABLE_SIZE && is_prime(size);
            let near = near_prime(size.max(least.saturating_add(1)));
            (size, possible, fits(size) && size > least, TableSizeRule::Prime { near })
        }
        SchedulerKind::Rendezvous { table_size: size } => {
            let possible = (1..=MAX_TABLE_SIZE).contains(&size);
            (size, possible, fits(size), TableSizeRule::Range { min: least, max: MAX_TABLE_SIZE })
        }
        SchedulerKind::Ring { .. } => return Ok(()), // has points, not slots
        SchedulerKind::IpvsMh { table_size: size, .. } => {
            (size, KERNEL_PRIMES.contains(&size), fits(size), TableSizeRule::KernelPrime)
        }
        SchedulerKind::IpvsSh { table_size: size, .. } => {
            let possible = size.is_power_of_two() && (1 << 4..=1 << 20).contains(&size);
            // the kernel lets a table be smaller than its list: the last backends get no slot
            (size, possible, true, TableSizeRule::PowerOfTwo)
        }
    };
    let problem = match (possible, enough) {
        (true, true) => return Ok(()),
        (true, false) => Problem::TableTooSmall { size, backends, right },
        (false, _) => Problem::TableSize { size, right },
    };
    Err(ConfigError { path: path.then(Step::Field("tableSize")), problem })
}

/// A ring's points, for each unit of weight and all together.
///
/// Backends that get no flows now count too: health may bring them back at any
/// time, and there must be a table then.
fn check_points(kind: SchedulerKind, backends: &[BackendFile], path: &FieldPath) -> Result<(), ConfigError> {
    let SchedulerKind::Ring { points } = kind else { return Ok(()) };
    let weights: u64 = backends.iter().map(|backend| u64::from(backend.weight)).sum();
    let problem = if !(1..=MAX_RING_POINTS).contains(&points) {
        Problem::Points { points, max: MAX_RING_POINTS }
    } else if weights * u64::from(points) > ring::MAX_POINTS {
        Problem::RingTooLarge { points, weights, max: ring::MAX_POINTS }
    } else {
        return Ok(());
    };
    Err(ConfigError { path: path.then(Step::Field("points")), problem })
}

/// Whether a number is prime; trial division, as sizes are small.
fn is_prime(number: u32) -> bool {
    let small = (2..).take_while(|divisor: &u32| divisor.saturating_mul(*divisor) <= number);
    number >= 2 && small.into_iter().all(|divisor| !number.is_multiple_of(divisor))
}

/// The first prime from `number` up, or the last below the limit.
fn near_prime(number: u32) -> u32 {
    let up = (number..=MAX_TABLE_SIZE).find(|candidate| is_prime(*candidate));
    up.or_else(|| (2..MAX_TABLE_SIZE).rev().find(|candidate| is_prime(*candidate))).unwrap_or(2)
}
