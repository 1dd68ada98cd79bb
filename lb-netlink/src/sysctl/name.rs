//! The names of the settings, and where their files lie.
//!
//! A table per folder: a variant, its file, one line on what it does. Added when
//! something needs them, never taken from a text.

use std::fmt;
use std::path::PathBuf;

use crate::link::DeviceName;

/// A setting of the kernel.
///
/// ```
/// use lb_netlink::sysctl::{Conf, Ipv4Conf, Sysctl};
///
/// let sysctl = Sysctl::Ipv4Conf(Conf::Device("eth0.100".parse()?), Ipv4Conf::RpFilter);
/// // as sysctl(8) writes names with dots in them
/// assert_eq!(sysctl.to_string(), "net.ipv4.conf.eth0/100.rp_filter");
/// assert_eq!(sysctl.path().to_str(), Some("net/ipv4/conf/eth0.100/rp_filter"));
/// # Ok::<(), lb_netlink::link::NameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sysctl {
    /// Below `net/core`.
    Core(Core),
    /// Below `net/ipv4`.
    Ipv4(Ipv4),
    /// Below `net/ipv4/conf`.
    Ipv4Conf(Conf, Ipv4Conf),
    /// Below `net/ipv6/conf`.
    Ipv6Conf(Conf, Ipv6Conf),
    /// Below `net/ipv4/vs`.
    Ipvs(Ipvs),
}

/// Which devices a setting is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Conf {
    /// All; how it combines with a device's own is the setting's (most: the larger counts).
    All,
    /// Those that will be made.
    Default,
    /// One.
    Device(DeviceName),
}

/// Makes an enum of names with the file of each.
macro_rules! names {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $file:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$doc])* $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name of the file.
            #[must_use]
            pub const fn file(self) -> &'static str {
                match self {
                    $(Self::$variant => $file,)*
                }
            }
        }
    };
}

names! {
    /// Settings of networking as a whole.
    Core {
        /// Whether new namespaces get default tunnel devices: 0 all of them, 1 the first alone, 2 none.
        FbTunnelsOnlyForInitNet = "fb_tunnels_only_for_init_net",
        /// The largest receive buffer of a socket, in bytes.
        RmemMax = "rmem_max",
        /// The most connections that wait to be accepted.
        SoMaxConn = "somaxconn",
    }
}

names! {
    /// Settings of IPv4.
    Ipv4 {
        /// What ECMP hashes: 0 addresses, 1 ports too, 2 inner headers, 3 chosen fields.
        FibMultipathHashPolicy = "fib_multipath_hash_policy",
        /// Whether packets for others are forwarded.
        IpForward = "ip_forward",
        /// Whether a socket may bind to an address that is not here.
        IpNonlocalBind = "ip_nonlocal_bind",
        /// Whether TCP looks for the path MTU by itself when ICMP is lost: 0 never, 1 when stuck, 2 always.
        TcpMtuProbing = "tcp_mtu_probing",
    }
}

names! {
    /// Settings of IPv4 of a device.
    Ipv4Conf {
        /// Whether packets with a local source address are taken in.
        AcceptLocal = "accept_local",
        /// Which source address ARP requests carry: 0 any, 2 the best for the link. The larger counts.
        ArpAnnounce = "arp_announce",
        /// Which ARP requests are answered: 0 all local addresses, 1 those of the device. The larger counts.
        ArpIgnore = "arp_ignore",
        /// Whether packets are forwarded.
        Forwarding = "forwarding",
        /// Whether packets to 127.0.0.0/8 are routed.
        RouteLocalnet = "route_localnet",
        /// Whether a source must be routed back: 0 no, 1 through the same device, 2 at all. The larger counts.
        RpFilter = "rp_filter",
        /// Whether the reverse path look-up uses the packet's mark.
        SrcValidMark = "src_valid_mark",
    }
}

names! {
    /// Settings of IPv6 of a device.
    Ipv6Conf {
        /// Whether router advertisements are believed.
        AcceptRa = "accept_ra",
        /// Whether IPv6 is switched off.
        DisableIpv6 = "disable_ipv6",
        /// Whether packets are forwarded.
        Forwarding = "forwarding",
        /// The largest packet in bytes.
        Mtu = "mtu",
    }
}

names! {
    /// Settings of IPVS.
    Ipvs {
        /// Pages of free memory below which the defences start.
        AMemThresh = "amemthresh",
        /// Whether only the sync daemon's connections are used on a backup.
        BackupOnly = "backup_only",
        /// Whether unreachable servers are by-passed.
        CacheBypass = "cache_bypass",
        /// What a new connection with the ports of an old one does.
        ConnReuseMode = "conn_reuse_mode",
        /// Whether netfilter tracks connections of IPVS too.
        Conntrack = "conntrack",
        /// Whether random entries are dropped under pressure.
        DropEntry = "drop_entry",
        /// Whether packets are dropped under pressure.
        DropPacket = "drop_packet",
        /// Which CPUs estimate rates.
        EstCpulist = "est_cpulist",
        /// Whether a flow of a deleted destination ends at its next packet.
        ExpireNodestConn = "expire_nodest_conn",
        /// Whether persistence ends when its destination's weight is 0.
        ExpireQuiescentTemplate = "expire_quiescent_template",
        /// Whether tunnelled packets to the host are left to it.
        IgnoreTunneled = "ignore_tunneled",
        /// Whether too large packets are answered with ICMP "fragmentation needed".
        PmtuDisc = "pmtu_disc",
        /// Whether rates are estimated.
        RunEstimation = "run_estimation",
        /// Whether ICMP errors of unknown flows are scheduled as the flow would be.
        ScheduleIcmp = "schedule_icmp",
        /// Whether TCP's states are defended against floods.
        SecureTcp = "secure_tcp",
        /// Whether an SCTP flow may begin in its middle.
        SloppySctp = "sloppy_sctp",
        /// Whether a TCP flow may begin in its middle, as it does when a router moves it here.
        SloppyTcp = "sloppy_tcp",
    }
}

impl Sysctl {
    /// The file, below `/proc/sys`.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        let (folder, conf, file) = self.parts();
        let mut path = PathBuf::from("net");
        path.push(folder);
        if let Some(conf) = conf {
            path.push("conf");
            path.push(conf);
        }
        path.push(file);
        path
    }

    fn parts(&self) -> (&'static str, Option<&str>, &'static str) {
        match self {
            Self::Core(name) => ("core", None, name.file()),
            Self::Ipv4(name) => ("ipv4", None, name.file()),
            Self::Ipv4Conf(conf, name) => ("ipv4", Some(conf.as_str()), name.file()),
            Self::Ipv6Conf(conf, name) => ("ipv6", Some(conf.as_str()), name.file()),
            Self::Ipvs(name) => ("ipv4/vs", None, name.file()),
        }
    }
}

impl Conf {
    fn as_str(&self) -> &str {
        match self {
            Self::All => "all",
            Self::Default => "default",
            Self::Device(device) => device.as_str(),
        }
    }
}

impl fmt::Display for Sysctl {
    /// As `sysctl(8)` takes it: with a dot for each slash, and a slash for each dot.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (folder, conf, file) = self.parts();
        write!(f, "net.{}.", folder.replace('/', "."))?;
        if let Some(conf) = conf {
            write!(f, "conf.{}.", conf.replace('.', "/"))?;
        }
        f.write_str(file)
    }
}
