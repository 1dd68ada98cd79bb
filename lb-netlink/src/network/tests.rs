//! Tests of commands: how they read, and what the kernel's refusals mean for each.

use super::dialogue::Outcome;
use super::*;
use crate::error::{Doing, Errno, Rejection};
use crate::link::Links;
use crate::sysctl::{Ipvs, Problem as SysctlProblem};
use crate::tunnel::TunnelKind;

fn device(name: &str) -> DeviceName {
    name.parse().unwrap()
}

fn vip(address: &str) -> Address {
    Address::virtual_ip(address.parse().unwrap(), device("tunl0"))
}

fn port() -> fou::Port {
    fou::Port { number: 6080.try_into().unwrap(), family: Family::V4, payload: fou::Payload::Gue }
}

#[test]
fn commands_read_as_a_person_would_type_them() {
    let settings = LinkSettings { up: Some(true), mtu: Some(1480), alias: Some("it's overspill".to_owned()) };
    let cases = [
        (Command::AddVeth(device("v0"), device("v1")), "ip link add name v0 type veth peer name v1"),
        (
            Command::AddTunnel(device("dsr"), Tunnel::external(TunnelKind::IpIp)),
            "ip link add name dsr type ipip mode ipip external",
        ),
        (Command::RemoveLink(device("dsr")), "ip link del dev dsr"),
        (
            Command::SetLink(device("tunl0"), settings),
            r"ip link set dev tunl0 up mtu 1480 alias 'it'\''s overspill'",
        ),
        (Command::OpenPort(port()), "ip fou add port 6080 gue"),
        (Command::ClosePort(port()), "ip fou del port 6080 gue"),
        (
            Command::SetSysctl(Sysctl::Ipvs(Ipvs::EstCpulist), Value::new("0 1")),
            "sysctl -w net.ipv4.vs.est_cpulist='0 1'",
        ),
    ];
    for (command, text) in cases {
        assert_eq!(command.to_string(), text);
    }
}

#[test]
fn a_refusal_says_what_to_do() {
    let tunnel = Command::AddTunnel(device("dsr"), Tunnel::external(TunnelKind::Ip6Tnl));
    let kind = "ip6tnl".to_owned();
    let cases = [
        (tunnel.clone(), Errno::EPERM, Problem::NotPermitted),
        (
            tunnel.clone(),
            Errno::EOPNOTSUPP,
            Problem::NoKind { kind: kind.clone(), module: "ip6_tunnel".to_owned() },
        ),
        (tunnel, Errno::EEXIST, Problem::TunnelTaken { device: device("dsr"), kind }),
        (
            Command::AddAddress(vip("2001:db8::1")),
            Errno::EACCES,
            Problem::Ipv6Disabled { device: device("tunl0") },
        ),
        (Command::OpenPort(port()), Errno::EADDRINUSE, Problem::PortTaken(6080)),
        (
            Command::AddAddress(vip("203.0.113.10")),
            Errno::EACCES,
            Problem::Netlink(Rejection::new(Errno::EACCES).into()),
        ),
    ];
    for (command, errno, problem) in cases {
        assert_eq!(command.problem(Rejection::new(errno).into()), problem, "{command}");
    }
    let lost = Error::Overrun;
    assert_eq!(Command::OpenPort(port()).problem(lost.clone()), Problem::Netlink(lost));
    let text = Problem::NoKind { kind: "ipip".to_owned(), module: "ipip".to_owned() }.to_string();
    assert_eq!(
        text,
        "this kernel has no devices of kind `ipip`: load the module as root on the host (`modprobe ipip`)"
    );
}

#[test]
fn what_is_there_or_gone_already_is_done() {
    let rule = Rule::to_table(Family::V4, 1000, 1001);
    let route = Route::new("10.9.0.0/16".parse().unwrap(), vec![]);
    let cases = [
        (Command::AddAddress(vip("203.0.113.10")), Errno::EEXIST, true),
        (Command::AddAddress(vip("203.0.113.10")), Errno::EADDRNOTAVAIL, false),
        (Command::RemoveAddress(vip("203.0.113.10")), Errno::EADDRNOTAVAIL, true),
        (Command::AddRule(rule.clone()), Errno::EEXIST, true),
        (Command::RemoveRule(rule), Errno::ENOENT, true),
        (Command::RemoveRoute(route.clone()), Errno::ESRCH, true),
        // another route has the place, which only a plan may judge
        (Command::AddRoute(route), Errno::EEXIST, false),
        (Command::RemoveLink(device("dsr")), Errno::ENODEV, true),
        (Command::ClosePort(port()), Errno::EINVAL, true),
        (Command::OpenPort(port()), Errno::EADDRINUSE, false),
    ];
    for (command, errno, done) in cases {
        assert_eq!(command.is_done_by(&Rejection::new(errno)), done, "{command} {errno}");
    }
    assert!(Command::RemoveAddress(vip("203.0.113.10")).is_done_without(&device("tunl0")));
    assert!(!Command::AddAddress(vip("203.0.113.10")).is_done_without(&device("tunl0")));
}

#[test]
fn a_command_about_a_device_that_is_not_there_names_it() {
    let links = Links::default();
    let problem = Command::AddAddress(vip("203.0.113.10")).step(&links).unwrap_err();
    let error = CommandError { command: Box::new(Command::AddAddress(vip("203.0.113.10"))), problem };
    assert_eq!(
        error.to_string(),
        "`ip address add 203.0.113.10/32 dev tunl0 scope host proto 79`: there is no device `tunl0` in this \
         network namespace; `ip link show` lists those there are"
    );
}

#[test]
fn errors_of_settings_and_sockets_are_told_as_they_are() {
    let error = SysctlError { sysctl: Sysctl::Ipvs(Ipvs::SloppyTcp), problem: SysctlProblem::ReadOnly };
    let text = error.to_string();
    assert_eq!(Problem::Sysctl(error).to_string(), text);
    let error = Error::io(Doing::Open, &std::io::Error::from_raw_os_error(Errno::EPROTONOSUPPORT.0));
    assert_eq!(Problem::Netlink(error.clone()).to_string(), error.to_string());
}

#[test]
fn a_default_device_that_its_module_made_is_made() {
    let add = |name: &str| Command::AddTunnel(device(name), Tunnel::between(TunnelKind::IpIp, None, None));
    let exists = || Err(Rejection::new(Errno::EEXIST).into());
    let taken = |name: &str| Problem::TunnelTaken { device: device(name), kind: "ipip".to_owned() };
    assert_eq!(add("tunl0").outcome(exists()), Outcome::FailedUnlessMade(taken("tunl0")));
    assert_eq!(add("dsr").outcome(exists()), Outcome::Failed(taken("dsr")));
    let link = |kind: &str| crate::link::Link {
        index: 2,
        name: device("tunl0"),
        kind: Some(kind.to_owned()),
        up: false,
        loopback: false,
        mtu: 1480,
        alias: None,
        tunnel: None,
    };
    assert!(add("tunl0").was_made(&[link("ipip")].into_iter().collect()));
    assert!(!add("tunl0").was_made(&[link("veth")].into_iter().collect()));
    assert!(!add("tunl0").was_made(&Links::default()));
}
