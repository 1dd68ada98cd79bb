//! Who put an address, route or rule there: the mark by which ours are known.
//!
//! The kernel keeps one byte for it with each of them and does not look at it:
//! `IFA_PROTO` (since Linux 5.18), `rtm_protocol`, `FRA_PROTOCOL`. What carries
//! another mark, or none, is somebody else's and stays as it is.

use std::fmt;

/// The byte that says who made an address, a route or a rule.
///
/// ```
/// use lb_netlink::Origin;
///
/// assert_eq!(Origin::OVERSPILL.to_string(), "79");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(pub u8);

impl Origin {
    /// Nobody said.
    pub const UNKNOWN: Self = Self(0);
    /// Overspill. 79 is `O`; `include/uapi/linux/rtnetlink.h` and iproute2's `rt_protos` leave it free.
    pub const OVERSPILL: Self = Self(79);
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
