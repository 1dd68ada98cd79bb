//! How many checks may be under way at once: what the limit of open files leaves.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that are not for checks: netlink, BGP, BFD, metrics, control, files.
const RESERVE: u64 = 256;
/// Where the process has no limit: more at once than any fleet needs.
const ENOUGH: usize = 65_536;

/// Takes as many open files as the system grants, and gives back how many that are.
///
/// The limit that a process begins with (1,024) is for those that use `select`;
/// with it, a thousand dead backends would keep each other from being checked.
///
/// # Errors
///
/// The system does not grant what it says it would.
pub(crate) fn raise_limit() -> io::Result<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = ENOUGH as u64 + RESERVE;
    let wanted = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    match current {
        Some(current) if current < wanted => {
            setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum })?;
            Ok(wanted)
        }
        Some(current) => Ok(current),
        None => Ok(u64::MAX),
    }
}

/// The most checks at once that leave the rest of the process its descriptors.
pub(super) fn checks_at_once() -> usize {
    within(getrlimit(Resource::Nofile).current)
}

fn within(open_files: Option<u64>) -> usize {
    let Some(open_files) = open_files else { return ENOUGH };
    // Half of a small limit still checks something.
    let left = open_files.saturating_sub(RESERVE).max(open_files / 2).max(1);
    usize::try_from(left).unwrap_or(ENOUGH).min(ENOUGH)
}

#[cfg(test)]
mod tests {
    //! The limit of open files and what of it is for checks.

    use super::*;

    #[test]
    fn the_rest_of_the_process_keeps_its_descriptors() {
        let table = [
            (Some(0), 1),
            (Some(20), 10),
            (Some(1_024), 768),
            (Some(20_000), 19_744),
            (Some(1 << 40), ENOUGH),
            (None, ENOUGH),
        ];
        for (open_files, checks) in table {
            assert_eq!(within(open_files), checks, "{open_files:?}");
        }
        assert!(checks_at_once() >= 1);
    }
}
