//! How many checks may be under way at once: what the limit of open files leaves.

use rustix::process::{Resource, getrlimit};

/// Descriptors that are not for checks: netlink, BGP, BFD, metrics, control, files.
const RESERVE: u64 = 256;
/// Where the process has no limit: more at once than any fleet needs.
const ENOUGH: usize = 65_536;

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
