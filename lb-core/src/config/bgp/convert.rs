//! From what a person wrote to what the speaker is told, with every fault found on the way.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

use super::error::{BgpError, BgpProblem};
use super::{AnyCommunity, BgpFile, FamilyName, GracefulRestartFile, PeerFile};
use crate::bgp::{
    Asn, Community, Excess, Export, Families, Family, GracefulRestart, LargeCommunity, Password, PeerConfig,
    PrefixLimit, Reach, SpeakerConfig, Timers,
};
use crate::config::units::HumanDuration;
use crate::config::{FieldPath, Step};

/// How much longer a path may be made.
pub(super) const MAX_PREPEND: u16 = 32;
/// Communities of one kind that a peer may add.
const MAX_COMMUNITIES: usize = 64;
/// The longest name of a Linux interface.
const MAX_INTERFACE: usize = 15;
/// When a session with too many prefixes is started again where the file does not say.
const PREFIXES_RESTART: Duration = Duration::from_secs(300);

const SECOND: HumanDuration = seconds(1);
const HOUR: HumanDuration = seconds(3_600);
const DAY: HumanDuration = seconds(86_400);
const TENTH: HumanDuration = HumanDuration::from_nanos(100_000_000);
/// Twelve bits of seconds (RFC 4724 section 3).
const LONGEST_RESTART: HumanDuration = seconds(4_095);

const fn seconds(seconds: u64) -> HumanDuration {
    HumanDuration::from_nanos(seconds * 1_000_000_000)
}

impl TryFrom<BgpFile> for SpeakerConfig {
    type Error = BgpError;

    /// # Errors
    /// Names the first field that cannot be.
    fn try_from(file: BgpFile) -> Result<Self, BgpError> {
        let top = FieldPath::default();
        let asn = asn(file.asn, &top)?;
        if file.router_id.is_unspecified() {
            return Err(wrong(&top, "routerId", BgpProblem::RouterId));
        }
        let mut peers: Vec<PeerConfig> = Vec::with_capacity(file.peers.len());
        for (position, peer) in file.peers.into_iter().enumerate() {
            let path = FieldPath::new([Step::Field("peers"), Step::Index(position)]);
            let address = peer.address;
            // One that is link-local is another on each interface; the others are there once.
            let same = |other: &PeerConfig| {
                let apart = is_link_local(address) && other.interface != peer.interface;
                other.address == address && !apart
            };
            if let Some(first) = peers.iter().position(same) {
                return Err(wrong(&path, "address", BgpProblem::DuplicatePeer { address, first }));
            }
            let peer = convert(peer, asn, &path)?;
            by_address_alone(&peers, &peer, &path)?;
            peers.push(peer);
        }
        let graceful_shutdown = file.graceful_shutdown.unwrap_or(false);
        Ok(Self { asn, router_id: file.router_id, graceful_shutdown, peers })
    }
}

fn convert(file: PeerFile, ours: Asn, path: &FieldPath) -> Result<PeerConfig, BgpError> {
    addresses(&file, path)?;
    let asn = asn(file.asn, path)?;
    let mut peer = PeerConfig::new(file.address, asn);
    peer.reach = reach(&file, path)?;
    peer.timers = timers(&file, path)?;
    peer.prefix_limit = prefix_limit(&file, path)?;
    peer.families = families(file.families.as_deref(), path)?;
    peer.graceful_restart = graceful_restart(file.graceful_restart, path)?;
    peer.export = export(&file, ours, path)?;
    if let Some(port) = file.port {
        number("port", port.into(), 1, u16::MAX.into(), path)?;
        peer.port = port;
    }
    if let Some(password) = file.password {
        let password = password.reveal();
        if !(1..=Password::MAX_LENGTH).contains(&password.len()) || password.contains('\0') {
            return Err(wrong(path, "password", BgpProblem::Password));
        }
        peer.password = Some(Password::new(password.into()));
    }
    if let Some(choice) = &file.bfd {
        if choice.profile() == Some("") {
            return Err(wrong(path, "bfd", BgpProblem::BfdName));
        }
        peer.bfd = choice.profile().map(String::from);
    }
    Ok(PeerConfig {
        interface: file.interface,
        local_address: file.local_address,
        passive: file.passive.unwrap_or(false),
        extended_messages: file.extended_messages.unwrap_or(false),
        ..peer
    })
}

/// Who is where: addresses of hosts, of one family, of two hosts, and by a link where they need one.
fn addresses(file: &PeerFile, path: &FieldPath) -> Result<(), BgpError> {
    let address = file.address;
    host("address", address, path)?;
    if let Some(local) = file.local_address {
        host("localAddress", local, path)?;
        if local.is_ipv4() != address.is_ipv4() {
            return Err(wrong(path, "localAddress", BgpProblem::FamilyDiffers { address: local }));
        }
        if local == address {
            return Err(wrong(path, "address", BgpProblem::Own { address }));
        }
    }
    if let Some(next_hop) = file.next_hop {
        host("nextHop", next_hop.into(), path)?;
    }
    if let Some(next_hop) = file.next_hop6 {
        host("nextHop6", next_hop.into(), path)?;
    }
    match &file.interface {
        None if is_link_local(address) => {
            Err(wrong(path, "interface", BgpProblem::InterfaceMissing { address }))
        }
        Some(name) if !is_interface(name) => Err(wrong(path, "interface", BgpProblem::Interface)),
        None | Some(_) => Ok(()),
    }
}

/// Of peers with one address on several interfaces: what the kernel or BFD tells apart by address alone.
fn by_address_alone(earlier: &[PeerConfig], peer: &PeerConfig, path: &FieldPath) -> Result<(), BgpError> {
    let address = peer.address;
    for (first, other) in earlier.iter().enumerate().filter(|(_, other)| other.address == address) {
        let problem = BgpProblem::ByAddressAlone { address, first };
        if peer.bfd.is_some() && other.bfd.is_some() {
            return Err(wrong(path, "bfd", problem));
        }
        if peer.password != other.password {
            return Err(wrong(path, "password", problem));
        }
    }
    Ok(())
}

fn host(field: &'static str, address: IpAddr, path: &FieldPath) -> Result<(), BgpError> {
    let is_none = match address {
        IpAddr::V4(v4) => v4.is_unspecified() || v4.is_multicast() || v4.is_broadcast(),
        IpAddr::V6(v6) => v6.is_unspecified() || v6.is_multicast() || v6.to_ipv4_mapped().is_some(),
    };
    if is_none { Err(wrong(path, field, BgpProblem::Address { address })) } else { Ok(()) }
}

const fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => false,
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

fn is_interface(name: &str) -> bool {
    (1..=MAX_INTERFACE).contains(&name.len()) && !name.contains(|c: char| c == '/' || c.is_whitespace())
}

/// A number that an autonomous system can have (RFC 7607, RFC 6793, RFC 7300).
fn asn(asn: u32, path: &FieldPath) -> Result<Asn, BgpError> {
    match asn {
        0 | 23_456 | 65_535 | u32::MAX => Err(wrong(path, "as", BgpProblem::AutonomousSystem { asn })),
        _ => Ok(Asn(asn)),
    }
}

fn reach(file: &PeerFile, path: &FieldPath) -> Result<Reach, BgpError> {
    let hops = match file.multihop {
        None => None,
        Some(hops) => {
            number("multihop", hops.into(), 1, 255, path)?;
            Some(u8::try_from(hops).expect("checked above"))
        }
    };
    Ok(match (hops, file.ttl_security.unwrap_or(false)) {
        (None, false) => Reach::Link,
        (Some(hops), false) => Reach::Hops(hops),
        (hops, true) => Reach::Secured(hops.unwrap_or(1)),
    })
}

fn timers(file: &PeerFile, path: &FieldPath) -> Result<Timers, BgpError> {
    let mut timers = Timers::default();
    if let Some(hold) = file.hold_time {
        let possible = hold == HumanDuration::ZERO || (seconds(3)..=seconds(65_535)).contains(&hold);
        if !possible || !is_whole_seconds(hold) {
            return Err(wrong(path, "holdTime", BgpProblem::HoldTime { duration: hold }));
        }
        timers.hold = hold.duration();
    }
    if let Some(keepalive) = file.keepalive {
        if timers.hold.is_zero() {
            return Err(wrong(path, "keepalive", BgpProblem::KeepaliveWithoutHold));
        }
        let max = HumanDuration::from(timers.hold / 3);
        if keepalive > max {
            return Err(wrong(path, "keepalive", BgpProblem::Keepalive { duration: keepalive, max }));
        }
        timers.keepalive = Some(between("keepalive", keepalive, TENTH, max, path)?);
    }
    if let Some(retry) = file.connect_retry {
        timers.connect_retry = between("connectRetry", retry, TENTH, HOUR, path)?;
    }
    if let Some(longest) = file.idle_hold_max {
        timers.idle_hold_max = between("idleHoldMax", longest, SECOND, DAY, path)?;
    }
    Ok(timers)
}

fn prefix_limit(file: &PeerFile, path: &FieldPath) -> Result<PrefixLimit, BgpError> {
    let Some(max) = file.max_prefixes else {
        return match file.max_prefixes_restart {
            Some(_) => Err(wrong(path, "maxPrefixesRestart", BgpProblem::Needs { other: "maxPrefixes" })),
            None => Ok(PrefixLimit::default()),
        };
    };
    number("maxPrefixes", max, 1, u32::MAX, path)?;
    let restart = file.max_prefixes_restart;
    let restart = restart.map(|restart| between("maxPrefixesRestart", restart, SECOND, DAY, path));
    let restart_after = Some(restart.transpose()?.unwrap_or(PREFIXES_RESTART));
    Ok(PrefixLimit { max, excess: Excess::Teardown { restart_after } })
}

fn families(names: Option<&[FamilyName]>, path: &FieldPath) -> Result<Families, BgpError> {
    let Some(names) = names else { return Ok(Families::ALL) };
    let family = |name: &FamilyName| match name {
        FamilyName::Ipv4 => Family::Ipv4,
        FamilyName::Ipv6 => Family::Ipv6,
    };
    let families: Families = names.iter().map(family).collect();
    if families.is_empty() { Err(wrong(path, "families", BgpProblem::Families)) } else { Ok(families) }
}

fn graceful_restart(
    file: Option<GracefulRestartFile>,
    path: &FieldPath,
) -> Result<GracefulRestart, BgpError> {
    let (file, path) = (file.unwrap_or_default(), path.then(Step::Field("gracefulRestart")));
    let mut restart = GracefulRestart::default();
    restart.restarting = file.restarting.unwrap_or(restart.restarting);
    restart.helper = file.helper.unwrap_or(restart.helper);
    restart.notification = file.notification.unwrap_or(restart.notification);
    if let Some(time) = file.restart_time {
        restart.restart_time = between("restartTime", time, SECOND, LONGEST_RESTART, &path)?;
        if !is_whole_seconds(time) {
            return Err(wrong(&path, "restartTime", BgpProblem::WholeSeconds { duration: time }));
        }
    }
    if let Some(time) = file.stale_time {
        restart.stale_time = between("staleTime", time, SECOND, DAY, &path)?;
    }
    Ok(restart)
}

fn export(file: &PeerFile, ours: Asn, path: &FieldPath) -> Result<Export, BgpError> {
    let external = file.asn != ours.0;
    if external && file.local_preference.is_some() {
        return Err(wrong(path, "localPreference", BgpProblem::NotForPeer { kind: "external" }));
    }
    if !external && file.prepend.is_some() {
        return Err(wrong(path, "prepend", BgpProblem::NotForPeer { kind: "internal" }));
    }
    let prepend = file.prepend.unwrap_or(0);
    number("prepend", prepend.into(), 0, MAX_PREPEND.into(), path)?;
    let plain = file.communities.iter().filter_map(|community| match community {
        AnyCommunity::Plain(community) => Some(*community),
        AnyCommunity::Large(_) => None,
    });
    let large = file.communities.iter().filter_map(|community| match community {
        AnyCommunity::Plain(_) => None,
        AnyCommunity::Large(community) => Some(*community),
    });
    let (communities, large_communities): (Vec<Community>, Vec<LargeCommunity>) =
        (plain.collect(), large.collect());
    let count = communities.len().max(large_communities.len());
    if count > MAX_COMMUNITIES {
        let problem = BgpProblem::Communities { count, max: MAX_COMMUNITIES };
        return Err(wrong(path, "communities", problem));
    }
    Ok(Export {
        next_hop_v4: file.next_hop,
        next_hop_v6: file.next_hop6,
        communities,
        large_communities,
        med: file.med,
        local_pref: file.local_preference,
        prepend: u8::try_from(prepend).expect("checked above"),
        graceful_shutdown: file.graceful_shutdown.unwrap_or(false),
    })
}

const fn is_whole_seconds(duration: HumanDuration) -> bool {
    duration.as_nanos().is_multiple_of(1_000_000_000)
}

fn between(
    field: &'static str,
    duration: HumanDuration,
    min: HumanDuration,
    max: HumanDuration,
    path: &FieldPath,
) -> Result<Duration, BgpError> {
    if (min..=max).contains(&duration) {
        Ok(duration.duration())
    } else {
        Err(wrong(path, field, BgpProblem::Duration { duration, min, max }))
    }
}

fn number(field: &'static str, number: u32, min: u32, max: u32, path: &FieldPath) -> Result<(), BgpError> {
    if (min..=max).contains(&number) {
        Ok(())
    } else {
        Err(wrong(path, field, BgpProblem::Number { number, min, max }))
    }
}

fn wrong(path: &FieldPath, field: &'static str, problem: BgpProblem) -> BgpError {
    BgpError { path: path.then(Step::Field(field)), problem }
}
