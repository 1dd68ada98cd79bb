//! Which switches are wanted, and which differ.

use std::vec::Vec;

use super::*;
use crate::config::LbFile;

fn config(protocol: &str) -> Config {
    let text = std::format!(
        "services: [{{ vip: 203.0.113.1, port: 9, protocol: {protocol}, scheduler: {{ kind: ipvs-mh }} }}]"
    );
    let file: LbFile = serde_saphyr::from_str(&text).unwrap();
    Config::try_from(file).unwrap()
}

#[test]
fn a_kernel_as_it_comes_lacks_most() {
    // as in Linux 6.12, a fresh network namespace
    let kernel = |name: &str| match name {
        "net.ipv4.vs.conn_reuse_mode" | "net.ipv4.vs.pmtu_disc" => Some(1),
        "net.ipv4.vs.conntrack" => None, // built without netfilter's table
        _ => Some(0),
    };
    let named = |config: &Config| -> Vec<_> {
        let differences = compare(&sysctls(config), kernel);
        differences.iter().map(|one| (one.sysctl.name, one.found)).collect()
    };
    let usual = [
        ("net.ipv4.vs.sloppy_tcp", Some(0)),
        ("net.ipv4.vs.schedule_icmp", Some(0)),
        ("net.ipv4.vs.expire_nodest_conn", Some(0)),
        ("net.ipv4.vs.conn_reuse_mode", Some(1)),
    ];
    assert_eq!(named(&config("tcp")), usual);
    let sctp = ("net.ipv4.vs.sloppy_sctp", Some(0));
    assert_eq!(named(&config("sctp")), [&usual[..], &[sctp]].concat());
}

#[test]
fn what_was_set_is_right() {
    let wanted = sysctls(&config("tcp"));
    let set = |name: &str| wanted.iter().find(|one| one.name == name).map(|one| one.wanted);
    assert_eq!(compare(&wanted, set), []);
}
