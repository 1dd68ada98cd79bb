//! The table of IPVS attributes: number, name, type and byte order of each, once.
//!
//! The one idea: everything that has to know an attribute looks here: the
//! codec, the typed values, errors that name an attribute, and the kernel's
//! refusals, which point at one by its place. `network` is big-endian, `native`
//! the machine's order; the kernel mixes them (a service's port is big-endian,
//! a daemon's is not).
//!
//! Source: `include/uapi/linux/ip_vs.h` and the policies in
//! `net/netfilter/ipvs/ip_vs_ctl.c` of Linux 6.12, compared with what `ipvsadm`
//! 1.31 sends and Linux 6.1 answers (`tests/golden_ipvs.rs`).

/// Attributes of what a message is about.
pub mod command {
    use super::super::attribute::{Attribute, Field, Group};

    /// A virtual service.
    pub static SERVICE: Field<Vec<Attribute>> =
        Field::nested(1, "IPVS_CMD_ATTR_SERVICE", &super::service::GROUP);
    /// A destination of it.
    pub static DEST: Field<Vec<Attribute>> =
        Field::nested(2, "IPVS_CMD_ATTR_DEST", &super::destination::GROUP);
    /// A synchronisation daemon.
    pub static DAEMON: Field<Vec<Attribute>> =
        Field::nested(3, "IPVS_CMD_ATTR_DAEMON", &super::daemon::GROUP);
    /// Seconds that an idle established TCP connection is kept.
    pub static TIMEOUT_TCP: Field<u32> = Field::u32(4, "IPVS_CMD_ATTR_TIMEOUT_TCP");
    /// Seconds that one is kept after a FIN.
    pub static TIMEOUT_TCP_FIN: Field<u32> = Field::u32(5, "IPVS_CMD_ATTR_TIMEOUT_TCP_FIN");
    /// Seconds that an idle flow of UDP is kept.
    pub static TIMEOUT_UDP: Field<u32> = Field::u32(6, "IPVS_CMD_ATTR_TIMEOUT_UDP");

    /// All of them, in order.
    pub static GROUP: Group = Group {
        name: "what a message is about",
        specs: &[
            &SERVICE.spec,
            &DEST.spec,
            &DAEMON.spec,
            &TIMEOUT_TCP.spec,
            &TIMEOUT_TCP_FIN.spec,
            &TIMEOUT_UDP.spec,
        ],
    };
}

/// Attributes of a virtual service.
pub mod service {
    use super::super::attribute::{Attribute, Field, Group};

    /// `AF_INET` or `AF_INET6`.
    pub static AF: Field<u16> = Field::u16(1, "IPVS_SVC_ATTR_AF");
    /// Protocol number: TCP, UDP or SCTP.
    pub static PROTOCOL: Field<u16> = Field::u16(2, "IPVS_SVC_ATTR_PROTOCOL");
    /// Its VIP.
    pub static ADDR: Field<[u8; 16]> = Field::address(3, "IPVS_SVC_ATTR_ADDR");
    /// Its port.
    pub static PORT: Field<u16> = Field::u16_network(4, "IPVS_SVC_ATTR_PORT");
    /// Its firewall mark, instead of the three above.
    pub static FWMARK: Field<u32> = Field::u32(5, "IPVS_SVC_ATTR_FWMARK");
    /// Its scheduler, at most 15 bytes; `none` is none.
    pub static SCHED_NAME: Field<String> = Field::text(6, "IPVS_SVC_ATTR_SCHED_NAME");
    /// Its flags, and which of them are meant.
    pub static FLAGS: Field<(u32, u32)> = Field::flags(7, "IPVS_SVC_ATTR_FLAGS");
    /// Seconds of persistence.
    pub static TIMEOUT: Field<u32> = Field::u32(8, "IPVS_SVC_ATTR_TIMEOUT");
    /// Mask of persistence in network order; for IPv6 a prefix length in the machine's.
    pub static NETMASK: Field<[u8; 4]> = Field::bytes(9, "IPVS_SVC_ATTR_NETMASK");
    /// Statistics, packets in 32 bits.
    pub static STATS: Field<Vec<Attribute>> =
        Field::nested(10, "IPVS_SVC_ATTR_STATS", &super::statistics::GROUP);
    /// Its persistence engine, at most 15 bytes.
    pub static PE_NAME: Field<String> = Field::text(11, "IPVS_SVC_ATTR_PE_NAME");
    /// Statistics in 64 bits.
    pub static STATS64: Field<Vec<Attribute>> =
        Field::nested(12, "IPVS_SVC_ATTR_STATS64", &super::statistics64::GROUP);

    /// All of them, in order.
    pub static GROUP: Group = Group {
        name: "a virtual service",
        specs: &[
            &AF.spec,
            &PROTOCOL.spec,
            &ADDR.spec,
            &PORT.spec,
            &FWMARK.spec,
            &SCHED_NAME.spec,
            &FLAGS.spec,
            &TIMEOUT.spec,
            &NETMASK.spec,
            &STATS.spec,
            &PE_NAME.spec,
            &STATS64.spec,
        ],
    };
}

/// Attributes of a destination.
pub mod destination {
    use super::super::attribute::{Attribute, Field, Group};

    /// Its address.
    pub static ADDR: Field<[u8; 16]> = Field::address(1, "IPVS_DEST_ATTR_ADDR");
    /// Its port.
    pub static PORT: Field<u16> = Field::u16_network(2, "IPVS_DEST_ATTR_PORT");
    /// How packets travel to it, in the lowest three bits.
    pub static FWD_METHOD: Field<u32> = Field::u32(3, "IPVS_DEST_ATTR_FWD_METHOD");
    /// Its weight, an `int` in the kernel.
    pub static WEIGHT: Field<u32> = Field::u32(4, "IPVS_DEST_ATTR_WEIGHT");
    /// Connections at which it takes no more; 0 is no limit.
    pub static U_THRESH: Field<u32> = Field::u32(5, "IPVS_DEST_ATTR_U_THRESH");
    /// Connections below which it takes some again.
    pub static L_THRESH: Field<u32> = Field::u32(6, "IPVS_DEST_ATTR_L_THRESH");
    /// Established connections.
    pub static ACTIVE_CONNS: Field<u32> = Field::u32(7, "IPVS_DEST_ATTR_ACTIVE_CONNS");
    /// Other connections.
    pub static INACT_CONNS: Field<u32> = Field::u32(8, "IPVS_DEST_ATTR_INACT_CONNS");
    /// Persistence templates.
    pub static PERSIST_CONNS: Field<u32> = Field::u32(9, "IPVS_DEST_ATTR_PERSIST_CONNS");
    /// Statistics, packets in 32 bits.
    pub static STATS: Field<Vec<Attribute>> =
        Field::nested(10, "IPVS_DEST_ATTR_STATS", &super::statistics::GROUP);
    /// `AF_INET` or `AF_INET6`; without it the service's.
    pub static ADDR_FAMILY: Field<u16> = Field::u16(11, "IPVS_DEST_ATTR_ADDR_FAMILY");
    /// Statistics in 64 bits.
    pub static STATS64: Field<Vec<Attribute>> =
        Field::nested(12, "IPVS_DEST_ATTR_STATS64", &super::statistics64::GROUP);
    /// Kind of tunnel.
    pub static TUN_TYPE: Field<u8> = Field::u8(13, "IPVS_DEST_ATTR_TUN_TYPE");
    /// UDP port of a GUE tunnel.
    pub static TUN_PORT: Field<u16> = Field::u16_network(14, "IPVS_DEST_ATTR_TUN_PORT");
    /// Checksums of a tunnel.
    pub static TUN_FLAGS: Field<u16> = Field::u16(15, "IPVS_DEST_ATTR_TUN_FLAGS");

    /// All of them, in order.
    pub static GROUP: Group = Group {
        name: "a destination",
        specs: &[
            &ADDR.spec,
            &PORT.spec,
            &FWD_METHOD.spec,
            &WEIGHT.spec,
            &U_THRESH.spec,
            &L_THRESH.spec,
            &ACTIVE_CONNS.spec,
            &INACT_CONNS.spec,
            &PERSIST_CONNS.spec,
            &STATS.spec,
            &ADDR_FAMILY.spec,
            &STATS64.spec,
            &TUN_TYPE.spec,
            &TUN_PORT.spec,
            &TUN_FLAGS.spec,
        ],
    };
}

/// Attributes of a synchronisation daemon.
pub mod daemon {
    use super::super::attribute::{Field, Group};

    /// 1 master, 2 backup.
    pub static STATE: Field<u32> = Field::u32(1, "IPVS_DAEMON_ATTR_STATE");
    /// Its interface, at most 15 bytes.
    pub static MCAST_IFN: Field<String> = Field::text(2, "IPVS_DAEMON_ATTR_MCAST_IFN");
    /// Its number, at most 255.
    pub static SYNC_ID: Field<u32> = Field::u32(3, "IPVS_DAEMON_ATTR_SYNC_ID");
    /// Longest datagram.
    pub static SYNC_MAXLEN: Field<u16> = Field::u16(4, "IPVS_DAEMON_ATTR_SYNC_MAXLEN");
    /// Its IPv4 group.
    pub static MCAST_GROUP: Field<[u8; 4]> = Field::bytes(5, "IPVS_DAEMON_ATTR_MCAST_GROUP");
    /// Its IPv6 group.
    pub static MCAST_GROUP6: Field<[u8; 16]> = Field::address(6, "IPVS_DAEMON_ATTR_MCAST_GROUP6");
    /// Its UDP port, in the machine's order.
    pub static MCAST_PORT: Field<u16> = Field::u16(7, "IPVS_DAEMON_ATTR_MCAST_PORT");
    /// Its hop limit.
    pub static MCAST_TTL: Field<u8> = Field::u8(8, "IPVS_DAEMON_ATTR_MCAST_TTL");

    /// All of them, in order.
    pub static GROUP: Group = Group {
        name: "a synchronisation daemon",
        specs: &[
            &STATE.spec,
            &MCAST_IFN.spec,
            &SYNC_ID.spec,
            &SYNC_MAXLEN.spec,
            &MCAST_GROUP.spec,
            &MCAST_GROUP6.spec,
            &MCAST_PORT.spec,
            &MCAST_TTL.spec,
        ],
    };
}

/// Attributes of statistics as kernels before 4.2 have them.
pub mod statistics {
    use super::super::attribute::{Field, Group};

    /// Connections scheduled.
    pub static CONNS: Field<u32> = Field::u32(1, "IPVS_STATS_ATTR_CONNS");
    /// Packets towards destinations.
    pub static INPKTS: Field<u32> = Field::u32(2, "IPVS_STATS_ATTR_INPKTS");
    /// Packets from destinations, where they come back through the node.
    pub static OUTPKTS: Field<u32> = Field::u32(3, "IPVS_STATS_ATTR_OUTPKTS");
    /// Bytes towards destinations.
    pub static INBYTES: Field<u64> = Field::u64(4, "IPVS_STATS_ATTR_INBYTES");
    /// Bytes from destinations.
    pub static OUTBYTES: Field<u64> = Field::u64(5, "IPVS_STATS_ATTR_OUTBYTES");
    /// Connections per second.
    pub static CPS: Field<u32> = Field::u32(6, "IPVS_STATS_ATTR_CPS");
    /// Packets in per second.
    pub static INPPS: Field<u32> = Field::u32(7, "IPVS_STATS_ATTR_INPPS");
    /// Packets out per second.
    pub static OUTPPS: Field<u32> = Field::u32(8, "IPVS_STATS_ATTR_OUTPPS");
    /// Bytes in per second.
    pub static INBPS: Field<u32> = Field::u32(9, "IPVS_STATS_ATTR_INBPS");
    /// Bytes out per second.
    pub static OUTBPS: Field<u32> = Field::u32(10, "IPVS_STATS_ATTR_OUTBPS");
    /// Alignment.
    pub static PAD: Field<()> = Field::padding(11, "IPVS_STATS_ATTR_PAD");

    /// All of them, in order.
    pub static GROUP: Group = Group {
        name: "statistics as kernels before 4.2 have them",
        specs: &[
            &CONNS.spec,
            &INPKTS.spec,
            &OUTPKTS.spec,
            &INBYTES.spec,
            &OUTBYTES.spec,
            &CPS.spec,
            &INPPS.spec,
            &OUTPPS.spec,
            &INBPS.spec,
            &OUTBPS.spec,
            &PAD.spec,
        ],
    };
}

/// Attributes of statistics in 64 bits, since Linux 4.2.
pub mod statistics64 {
    use super::super::attribute::{Field, Group};

    /// Connections scheduled.
    pub static CONNS: Field<u64> = Field::u64(1, "IPVS_STATS_ATTR_CONNS");
    /// Packets towards destinations.
    pub static INPKTS: Field<u64> = Field::u64(2, "IPVS_STATS_ATTR_INPKTS");
    /// Packets from destinations, where they come back through the node.
    pub static OUTPKTS: Field<u64> = Field::u64(3, "IPVS_STATS_ATTR_OUTPKTS");
    /// Bytes towards destinations.
    pub static INBYTES: Field<u64> = Field::u64(4, "IPVS_STATS_ATTR_INBYTES");
    /// Bytes from destinations.
    pub static OUTBYTES: Field<u64> = Field::u64(5, "IPVS_STATS_ATTR_OUTBYTES");
    /// Connections per second.
    pub static CPS: Field<u64> = Field::u64(6, "IPVS_STATS_ATTR_CPS");
    /// Packets in per second.
    pub static INPPS: Field<u64> = Field::u64(7, "IPVS_STATS_ATTR_INPPS");
    /// Packets out per second.
    pub static OUTPPS: Field<u64> = Field::u64(8, "IPVS_STATS_ATTR_OUTPPS");
    /// Bytes in per second.
    pub static INBPS: Field<u64> = Field::u64(9, "IPVS_STATS_ATTR_INBPS");
    /// Bytes out per second.
    pub static OUTBPS: Field<u64> = Field::u64(10, "IPVS_STATS_ATTR_OUTBPS");
    /// Alignment.
    pub static PAD: Field<()> = Field::padding(11, "IPVS_STATS_ATTR_PAD");

    /// All of them, in order.
    pub static GROUP: Group = Group {
        name: "statistics in 64 bits, since Linux 4.2",
        specs: &[
            &CONNS.spec,
            &INPKTS.spec,
            &OUTPKTS.spec,
            &INBYTES.spec,
            &OUTBYTES.spec,
            &CPS.spec,
            &INPPS.spec,
            &OUTPPS.spec,
            &INBPS.spec,
            &OUTBPS.spec,
            &PAD.spec,
        ],
    };
}

/// Attributes of the kernel's IPVS itself.
pub mod info {
    use super::super::attribute::{Field, Group};

    /// Version: major, minor, patch, a byte each.
    pub static VERSION: Field<u32> = Field::u32(1, "IPVS_INFO_ATTR_VERSION");
    /// Rows of the connection table.
    pub static CONN_TAB_SIZE: Field<u32> = Field::u32(2, "IPVS_INFO_ATTR_CONN_TAB_SIZE");

    /// All of them, in order.
    pub static GROUP: Group =
        Group { name: "the kernel's IPVS itself", specs: &[&VERSION.spec, &CONN_TAB_SIZE.spec] };
}

#[cfg(test)]
mod tests;
