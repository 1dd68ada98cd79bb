//! What needs modules: tunnel devices of all kinds, what is told of them, receive ports.

use std::num::NonZeroU16;

use lb_netlink::link::{DeviceName, LinkSettings};
use lb_netlink::network::blocking::Network;
use lb_netlink::network::{Command, Problem};
use lb_netlink::route::{self, NextHop, Route};
use lb_netlink::tunnel::fou::{Payload, Port};
use lb_netlink::tunnel::{Family, Inner, Tunnel, TunnelKind, UdpEncapsulation};

use super::namespace;

fn device(name: &str) -> DeviceName {
    name.parse().expect("the tests' names are names")
}

#[test]
fn every_kind_is_made_and_told_as_it_was_asked() {
    namespace::run_with_modules("live_links::tunnels::every_kind_is_made_and_told_as_it_was_asked", || {
        let mut network = Network::open().unwrap();
        let end = |text: &str| Some(text.parse().unwrap());
        let udp = UdpEncapsulation { gue: true, source_port: 0, destination_port: 6080, checksum: true };
        let v4 = |kind, remote| Tunnel::between(kind, end("10.0.0.2"), end(remote));
        let v6 = |remote| Tunnel::between(TunnelKind::Ip6Tnl, end("2001:db8::2"), end(remote));
        let external = |kind| Tunnel { hops: 0, ..Tunnel::external(kind) };
        let tunnels = [
            ("t0", v4(TunnelKind::IpIp, "10.1.0.5")),
            ("t1", v4(TunnelKind::Sit, "10.1.0.5")),
            ("t2", v6("2001:db8::5")),
            ("t3", Tunnel { inner: Inner::Only(Family::V4), ..v6("2001:db8::6") }),
            ("t4", Tunnel { udp: Some(udp), ..v4(TunnelKind::IpIp, "10.1.0.6") }),
            ("t5", Tunnel { udp: Some(udp), ..v6("2001:db8::7") }),
            ("t6", Tunnel::between(TunnelKind::IpIp, end("10.0.0.2"), None)),
            ("t7", Tunnel::between(TunnelKind::Sit, end("10.0.0.2"), None)),
            ("t8", external(TunnelKind::IpIp)),
            ("t9", external(TunnelKind::Ip6Tnl)),
        ];
        for (name, tunnel) in &tunnels {
            network.execute(&Command::AddTunnel(device(name), tunnel.clone())).unwrap();
        }
        let links = network.links().unwrap();
        for (name, tunnel) in tunnels {
            let found = links.named(&device(name)).unwrap();
            assert_eq!((found.kind.as_deref(), found.up), (Some(tunnel.kind.as_str()), false));
            assert_eq!(found.tunnel.as_ref(), Some(&tunnel), "{name}");
        }
    });
}

#[test]
fn only_an_external_device_stands_beside_the_default_one() {
    namespace::run_with_modules(
        "live_links::tunnels::only_an_external_device_stands_beside_the_default_one",
        || {
            let mut network = Network::open().unwrap();
            for kind in [TunnelKind::IpIp, TunnelKind::Ip6Tnl, TunnelKind::Sit] {
                let links = network.links().unwrap();
                let default = links.named(&device(kind.default_device())).unwrap();
                let tunnel = default.tunnel.as_ref().unwrap();
                assert_eq!((tunnel.local, tunnel.remote, tunnel.external), (None, None, false), "{kind}");
                let takes = [Family::V4, Family::V6].map(|inner| tunnel.receives(inner, None));
                assert_eq!(takes, [kind == TunnelKind::IpIp, kind != TunnelKind::IpIp], "{kind}");
                let any = Tunnel::between(kind, None, None);
                // the same name again is done, another is not
                network.execute(&Command::AddTunnel(device(kind.default_device()), any.clone())).unwrap();
                let error = network.execute(&Command::AddTunnel(device("dsr"), any)).unwrap_err();
                let taken = Problem::TunnelTaken { device: device("dsr"), kind: kind.to_string() };
                assert_eq!(error.problem, taken);
            }
        },
    );
}

#[test]
fn ports_are_opened_told_and_closed() {
    namespace::run_with_modules("live_links::tunnels::ports_are_opened_told_and_closed", || {
        let mut network = Network::open().unwrap();
        let number = |number| NonZeroU16::new(number).unwrap();
        let ports = [
            Port { number: number(6080), family: Family::V4, payload: Payload::Gue },
            Port { number: number(6080), family: Family::V6, payload: Payload::Gue },
            Port { number: number(5555), family: Family::V4, payload: Payload::Direct(4) },
        ];
        assert_eq!(network.ports(), Ok(vec![]));
        for port in ports {
            network.execute(&Command::OpenPort(port)).unwrap();
        }
        let mut found = network.ports().unwrap();
        found.sort();
        let mut expected = ports.to_vec();
        expected.sort();
        assert_eq!(found, expected);
        let error = network.execute(&Command::OpenPort(ports[0])).unwrap_err();
        assert_eq!(error.problem, Problem::PortTaken(6080));
        for port in ports {
            for _ in 0..2 {
                network.execute(&Command::ClosePort(port)).unwrap();
            }
        }
        assert_eq!(network.ports(), Ok(vec![]));
    });
}

#[test]
fn a_route_through_an_external_device_has_its_own_outer_destination() {
    let name = "live_links::tunnels::a_route_through_an_external_device_has_its_own_outer_destination";
    namespace::run_with_modules(name, || {
        let mut network = Network::open().unwrap();
        let up = LinkSettings { up: Some(true), ..LinkSettings::default() };
        for (name, kind) in [("dsr", TunnelKind::IpIp), ("dsr6", TunnelKind::Ip6Tnl)] {
            network.execute(&Command::AddTunnel(device(name), Tunnel::external(kind))).unwrap();
            network.execute(&Command::SetLink(device(name), up.clone())).unwrap();
        }
        let through = |name: &str, remote: &str| NextHop {
            tunnel: Some(remote.parse().unwrap()),
            ..NextHop::device(device(name))
        };
        let to = |prefix: &str, hops| Route { table: 1001, ..Route::new(prefix.parse().unwrap(), hops) };
        let wanted = [
            to("203.0.113.10/32", vec![through("dsr", "10.1.0.5")]),
            to("203.0.113.11/32", vec![through("dsr6", "2001:db8::5")]),
            to("2001:db8::1/128", vec![through("dsr6", "2001:db8::5")]),
            to("203.0.113.12/32", vec![through("dsr", "10.1.0.5"), through("dsr", "10.1.0.6")]),
        ];
        for writes in [4, 0] {
            let links = network.links().unwrap();
            let mut present = network.routes(Family::V4, &links).unwrap();
            present.extend(network.routes(Family::V6, &links).unwrap());
            let plan = route::plan(&present, &wanted, |route| route.origin == lb_netlink::Origin::OVERSPILL);
            assert_eq!((plan.commands.len(), plan.conflicts.len()), (writes, 0), "{plan:#?} {present:#?}");
            for command in &plan.commands {
                network.execute(command).unwrap();
            }
        }
    });
}
