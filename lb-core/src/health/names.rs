//! Which places a name answers with, and with what weight.
//!
//! Two words count: a machine's, whether a place stands, and an operator's,
//! whether it may be named at all. An operator's word is never overruled. If of
//! the places that may be named none stands, all of them are named: that
//! everything is down at once is more often a fault of the checks than the
//! truth, and no answer helps nobody. That is what managed name services do
//! too (Amazon Route 53 takes all records for healthy when none is).
//!
//! Drawing one answer by weight, and remembering it, are the name service's and
//! the resolvers' work.

use alloc::vec::Vec;

/// One place that a name may lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameTarget {
    /// Its share of the answers, relative to the others'; with 0 it gets none.
    pub weight: u32,
    /// Whether its service machine says that it [stands](super::ServiceState::stands).
    pub stands: bool,
    /// Whether an operator took it out.
    pub disabled: bool,
}

impl NameTarget {
    /// Whether an operator lets it be named.
    #[must_use]
    pub const fn may_be_named(&self) -> bool {
        !self.disabled && self.weight > 0
    }
}

/// The weight of each place in a name's answers, 0 for those that are not named.
///
/// Those that stand and may be named are; if there is none, all that may be
/// named are; if there is none of these either, the answer is empty.
///
/// ```
/// use lb_core::health::{NameTarget, name_weights};
///
/// let up = NameTarget { weight: 2, stands: true, disabled: false };
/// let down = NameTarget { stands: false, ..up };
/// let disabled = NameTarget { disabled: true, ..up };
/// assert_eq!(name_weights(&[up, down, disabled]), [2, 0, 0]);
/// // Nothing stands: better a doubtful answer than none, but not against the operator.
/// assert_eq!(name_weights(&[down, down, disabled]), [2, 2, 0]);
/// assert_eq!(name_weights(&[disabled]), [0]);
/// ```
#[must_use]
pub fn name_weights(targets: &[NameTarget]) -> Vec<u32> {
    let stands = |target: &NameTarget| target.stands && target.may_be_named();
    let fails_open = !targets.iter().any(stands);
    let is_named = |target: &NameTarget| target.may_be_named() && (target.stands || fails_open);
    targets.iter().map(|target| if is_named(target) { target.weight } else { 0 }).collect()
}

#[cfg(test)]
mod tests;
