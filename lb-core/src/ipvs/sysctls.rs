//! The kernel's switches: what a node needs of them, and why.
//!
//! A kernel as it comes serves one balancer that sees every packet of a flow.
//! Nodes that share nothing meet flows in the middle, answers to packets that
//! they did not send, and backends that they must forget; each of these is a
//! switch in `net.ipv4.vs`, one set for both families in each network namespace.
//! Reading and writing them is the adapter's. Source:
//! `Documentation/networking/ipvs-sysctl.rst`, and what each did in a test with
//! 240 open connections over three nodes.

use alloc::vec::Vec;

use crate::config::{Config, IpvsOptions};
use crate::flow::Protocol;

/// The switches that the packet path's model knows, as we set them.
pub(super) const OPTIONS: IpvsOptions =
    IpvsOptions { sloppy_tcp: true, expire_nodest_conn: true, schedule_icmp: true, pmtu_disc: true };

/// One switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sysctl {
    /// Its name with dots: `net.ipv4.vs.sloppy_tcp`.
    pub name: &'static str,
    /// The value that a node needs.
    pub wanted: u32,
    /// What happens otherwise.
    pub why: &'static str,
}

/// A switch that is not as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SysctlDifference {
    /// The switch.
    pub sysctl: Sysctl,
    /// Its value; `None` if this kernel does not have it.
    pub found: Option<u32>,
}

/// What every node needs.
const ALWAYS: [Sysctl; 6] = [
    Sysctl {
        name: "net.ipv4.vs.sloppy_tcp",
        wanted: 1,
        why: "a flow that comes from a lost node in the middle is refused: half of all connections broke with one node of three",
    },
    Sysctl {
        name: "net.ipv4.vs.schedule_icmp",
        wanted: 1,
        why: "a router's \"fragmentation needed\" that reaches another node than its flow is lost, and downloads hang",
    },
    Sysctl {
        name: "net.ipv4.vs.expire_nodest_conn",
        wanted: 1,
        why: "flows of a backend that was taken out hang until they time out, and so do new ones on their ports",
    },
    Sysctl {
        name: "net.ipv4.vs.conn_reuse_mode",
        wanted: 2,
        why: "a client that uses a port again gets the old connection's backend, even one that drains",
    },
    Sysctl {
        name: "net.ipv4.vs.pmtu_disc",
        wanted: 1,
        why: "packets too big for the tunnel are fragmented outside, and their senders never learn",
    },
    Sysctl {
        name: "net.ipv4.vs.conntrack",
        wanted: 0,
        why: "every connection takes a second entry in netfilter's table, which fills first",
    },
];

const SLOPPY_SCTP: Sysctl = Sysctl {
    name: "net.ipv4.vs.sloppy_sctp",
    wanted: 1,
    why: "an association that comes from a lost node in the middle is refused",
};

/// Every switch that some configuration needs.
pub const ALL_SYSCTLS: [Sysctl; 7] =
    [ALWAYS[0], ALWAYS[1], ALWAYS[2], ALWAYS[3], ALWAYS[4], ALWAYS[5], SLOPPY_SCTP];

/// The switches that a configuration needs, in the order in which they are shown.
///
/// ```
/// # use lb_core::config::{Config, LbFile};
/// use lb_core::ipvs::{compare, sysctls};
///
/// # let config = Config::try_from(serde_saphyr::from_str::<LbFile>("services: []")?)?;
/// let wanted = sysctls(&config);
/// let kernel = |name: &str| Some(u32::from(name == "net.ipv4.vs.pmtu_disc"));
/// let differences = compare(&wanted, kernel);
/// assert_eq!(differences[0].sysctl.name, "net.ipv4.vs.sloppy_tcp");
/// assert_eq!(differences.len(), 4, "conntrack is 0 as it should be");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn sysctls(config: &Config) -> Vec<Sysctl> {
    let has_sctp = config.services.iter().any(|service| service.address.protocol == Protocol::SCTP);
    ALWAYS.into_iter().chain(has_sctp.then_some(SLOPPY_SCTP)).collect()
}

/// Which of `wanted` are otherwise; `found` reads one, `None` if this kernel
/// does not have it, which is as good as 0.
#[must_use]
pub fn compare(wanted: &[Sysctl], mut found: impl FnMut(&str) -> Option<u32>) -> Vec<SysctlDifference> {
    let difference = |sysctl: &Sysctl| {
        let found = found(sysctl.name);
        (found.unwrap_or(0) != sysctl.wanted).then_some(SysctlDifference { sysctl: *sysctl, found })
    };
    wanted.iter().filter_map(difference).collect()
}

#[cfg(test)]
mod tests;
