//! Why a statement of keepalived's has no counterpart, and what to do about it.

use super::super::words::Statement;
use super::super::{Concern, Remarks};

pub(super) const QUORUM: &str = "more than all backends together; write lowWatermark and highWatermark";

const VRRP: &str =
    "every node is active here: no address is owned, VIPs are announced by BGP (section `bgp`)";
const HOOK: &str = "nothing is run or mailed here; watch the metrics or the log";
const SOURCE: &str = "checks go out as the routes say";
const LIMIT: &str = "there are no limits of connections here; give the backend a smaller weight";
const INCLUDED: &str = "only this text is read; put the files together first";
const CONDITION: &str = "conditions and definitions are not evaluated; write out what holds for this node";

/// Statements that are known and not taken.
const REASONS: &[(&str, &str)] = &[
    ("bfd_instance", "BFD watches the routers here (section `bfd`)"),
    ("fwmark", "write `via: tunnel` into the check, if it is to go the client's way"),
    ("global_defs", "nothing of it is about a virtual server"),
    ("ha_suspend", "a VIP is announced while enough of its backends are healthy"),
    ("hashed", "the kernel's table of services is always hashed"),
    ("inhibit_on_failure", "a backend that fails is taken out of the kernel, and its flows end"),
    ("ip_family", "the family is the VIP's"),
    ("log_all_failures", "every failure is in the log at level debug"),
    ("omega", "the kernel's tables stay as they are when the agent stops"),
    ("ops", "datagrams of one client and port go to one backend here"),
    ("persistence_engine", "there are no persistence engines here"),
    ("persistence_granularity", "clients are told apart by their whole address here"),
    ("sorry_server", "when too few backends are healthy the VIP is withdrawn; let another place take it"),
    ("sorry_server_inhibit", "there is no sorry server here"),
    ("sorry_server_lvs_method", "there is no sorry server here"),
    ("SSL", "write tlsCertificate and tlsKey into the check"),
    ("bind_if", SOURCE),
    ("bind_port", SOURCE),
    ("bindto", SOURCE),
    ("connect_ip", "checks ask the backend itself, or the VIP on it (`via: tunnel`)"),
    ("digest", "there are no digests here; write a text of the page (`contains`)"),
    ("fast_recovery", "`rise` successes bring a backend back, the first comes after fastInterval"),
    ("helo_name", "nothing is said after the greeting"),
    ("host", "checks ask the backend itself, or the VIP on it (`via: tunnel`)"),
    ("http_protocol", "checks speak HTTP/1.1"),
    ("regex", "there are no patterns here; write a text of the page (`contains`)"),
    ("regex_max_offset", "there are no patterns here"),
    ("regex_min_offset", "there are no patterns here"),
    ("regex_no_match", "there are no patterns here"),
    ("regex_options", "there are no patterns here"),
    ("regex_stack", "there are no patterns here"),
    ("tls_compliant", "connections are closed as TLS asks for"),
    ("snmp_name", "metrics name a service by its address"),
    ("static_ipaddress", "addresses are not this program's, VIPs excepted"),
    ("static_routes", "routes are not this program's"),
    ("static_rules", "rules are not this program's"),
    ("lthreshold", LIMIT),
    ("uthreshold", LIMIT),
    ("notify_down", HOOK),
    ("notify_up", HOOK),
    ("quorum_down", HOOK),
    ("quorum_up", HOOK),
    ("smtp_alert", HOOK),
];

/// Tells that a statement is left out, and why.
pub(super) fn not_taken(statement: &Statement<'_>, remarks: &mut Remarks) {
    let (line, name) = (statement.line.number, statement.name());
    let what = statement.words.join(" ");
    let why = match name {
        _ if name.starts_with("include") => Some(INCLUDED),
        _ if name.starts_with(['@', '$', '~']) => Some(CONDITION),
        _ if name.starts_with("vrrp") || name.starts_with("track_") || name.starts_with("garp_") => {
            Some(VRRP)
        }
        _ => REASONS.iter().find(|(known, _)| *known == name).map(|(_, why)| *why),
    };
    match why {
        Some(why) => remarks.left_out(line, what, why),
        None => remarks.add(line, Concern::Unknown { what }),
    }
}
