//! What every kernel has: addresses on `lo`, veth, routes, rules, settings.

use std::net::IpAddr;

use lb_netlink::address::{self, Address, Scope};
use lb_netlink::link::{DeviceName, LinkSettings, Links};
use lb_netlink::network::blocking::Network;
use lb_netlink::network::{Command, Problem};
use lb_netlink::route::{self, NextHop, Route};
use lb_netlink::rule::{self, Mark, Rule};
use lb_netlink::sysctl::{Conf, Ipv4, Ipv4Conf, Sysctl, Value};
use lb_netlink::tunnel::{Family, Tunnel, TunnelKind};
use lb_netlink::{Origin, error::Errno};

use super::namespace;

fn device(name: &str) -> DeviceName {
    name.parse().expect("the tests' names are names")
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("the tests' addresses are addresses")
}

fn up() -> LinkSettings {
    LinkSettings { up: Some(true), ..LinkSettings::default() }
}

/// `v0` with 10.0.0.2/24 and 2001:db8::2/64, up, and its peer `v1`.
fn veth(network: &mut Network) -> Links {
    let address = |prefix: &str| Address {
        device: device("v0"),
        prefix: prefix.parse().expect("a prefix"),
        scope: Scope::Global,
        deprecated: false,
        origin: Origin::UNKNOWN,
    };
    let link_route =
        Route::new("2001:db8::/64".parse().expect("a prefix"), vec![NextHop::device(device("v0"))]);
    for command in [
        Command::SetLink(DeviceName::loopback(), up()),
        Command::AddVeth(device("v0"), device("v1")),
        Command::SetLink(device("v0"), up()),
        Command::SetLink(device("v1"), up()),
        Command::AddAddress(address("10.0.0.2/24")),
        Command::AddAddress(address("2001:db8::2/64")),
        Command::AddRoute(Route { origin: Origin(3), ..link_route }),
    ] {
        network.execute(&command).expect("every kernel has veth");
    }
    network.links().expect("links are readable")
}

#[test]
fn virtual_ips_come_and_go_and_others_stay() {
    namespace::run("live_links::links::virtual_ips_come_and_go_and_others_stay", || {
        let mut network = Network::open().unwrap();
        let links = veth(&mut network);
        let owned = |address: &Address| {
            address.origin == Origin::OVERSPILL && address.device == DeviceName::loopback()
        };
        let on_lo = |address: &str| Address::virtual_ip(ip(address), DeviceName::loopback());
        let before = network.addresses(&links).unwrap();
        let both = [on_lo("203.0.113.10"), on_lo("2001:db8:f::1")];
        for (wanted, writes) in [(&both[..], 2), (&both[..], 0), (&both[1..], 1), (&[], 1), (&[], 0)] {
            let commands = address::plan(&network.addresses(&links).unwrap(), wanted, owned);
            assert_eq!(commands.len(), writes, "{commands:?}");
            for command in &commands {
                network.execute(command).unwrap();
                network.execute(command).unwrap_or_else(|error| panic!("a second time: {error}"));
            }
            let present = network.addresses(&links).unwrap();
            for address in wanted {
                assert!(present.contains(address), "{address:?} is not in {present:?}");
            }
            assert_eq!(present.len(), before.len() + wanted.len());
        }
        assert_eq!(network.addresses(&links).unwrap(), before);
    });
}

#[test]
fn a_virtual_ip_is_never_a_source() {
    namespace::run("live_links::links::a_virtual_ip_is_never_a_source", || {
        let mut network = Network::open().unwrap();
        veth(&mut network);
        for address in ["203.0.113.10", "2001:db8::1"] {
            for name in ["lo", "v0"] {
                let vip = Address::virtual_ip(ip(address), device(name));
                network.execute(&Command::AddAddress(vip)).unwrap();
            }
        }
        // a device without an address of its own borrows one, and would take a global one of `lo` first
        let borrowing = Route::new("192.0.2.0/24".parse().unwrap(), vec![NextHop::device(device("v1"))]);
        network.execute(&Command::AddRoute(borrowing)).unwrap();
        let cases =
            [("10.0.0.9:9", "10.0.0.2"), ("192.0.2.9:9", "10.0.0.2"), ("[2001:db8::9]:9", "2001:db8::2")];
        for (to, from) in cases {
            let to: std::net::SocketAddr = to.parse().unwrap();
            let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
            let socket = std::net::UdpSocket::bind(any).unwrap();
            let chosen = retry(|| socket.connect(to).ok().and_then(|()| socket.local_addr().ok()));
            assert_eq!(chosen.ip(), ip(from));
        }
    });
}

#[test]
fn devices_are_made_changed_and_removed() {
    namespace::run("live_links::links::devices_are_made_changed_and_removed", || {
        let mut network = Network::open().unwrap();
        let links = veth(&mut network);
        let found = links.named(&device("v0")).unwrap();
        assert_eq!((found.kind.as_deref(), found.up, found.loopback), (Some("veth"), true, false));
        let alias = "overspill \u{fc} 'quoted'".to_owned();
        let settings = LinkSettings { up: Some(false), alias: Some(alias), mtu: Some(1400) };
        network.execute(&Command::SetLink(device("v0"), settings.clone())).unwrap();
        let links = network.links().unwrap();
        assert!(settings.missing_in(links.named(&device("v0")).unwrap()).is_empty());
        let clear = LinkSettings { alias: Some(String::new()), ..LinkSettings::default() };
        network.execute(&Command::SetLink(device("v0"), clear)).unwrap();
        assert_eq!(network.links().unwrap().named(&device("v0")).unwrap().alias, None);
        for _ in 0..2 {
            network.execute(&Command::RemoveLink(device("v0"))).unwrap();
        }
        assert_eq!(network.links().unwrap().named(&device("v1")), None);
        let error = network.execute(&Command::SetLink(device("v0"), up())).unwrap_err();
        assert_eq!(error.problem, Problem::NoDevice(device("v0")));
    });
}

#[test]
fn routes_converge_and_others_stay() {
    namespace::run("live_links::links::routes_converge_and_others_stay", || {
        let mut network = Network::open().unwrap();
        let links = veth(&mut network);
        let via = |gateway: &str, weight| NextHop { weight, ..NextHop::gateway(ip(gateway)) };
        let to = |prefix: &str, hops| Route::new(prefix.parse().unwrap(), hops);
        let blackhole = Route { kind: route::Kind::Blackhole, table: 1001, ..to("10.8.0.0/16", vec![]) };
        let onlink = NextHop { onlink: true, device: Some(device("v0")), ..via("192.0.2.1", 1) };
        let first = [
            Route {
                mtu: Some(1400),
                metric: 20,
                ..to("10.9.0.0/16", vec![via("10.0.0.3", 1), via("10.0.0.4", 3)])
            },
            Route { source: Some(ip("10.0.0.2")), ..to("10.7.0.0/16", vec![via("10.0.0.3", 1)]) },
            Route { table: 1001, advertised_mss: Some(1300), ..to("0.0.0.0/0", vec![onlink]) },
            blackhole,
            to("2001:db8:9::/48", vec![via("2001:db8::3", 2), via("2001:db8::4", 1)]),
            to("2001:db8:8::/48", vec![NextHop::device(device("v0"))]),
            Route { kind: route::Kind::Unreachable, metric: 7, ..to("2001:db8:7::/48", vec![]) },
        ];
        let mut second = first.clone();
        second[0].next_hops.pop();
        second[4].next_hops[0].weight = 4;
        second[1].mtu = Some(1400);
        let owned = |route: &Route| route.origin == Origin::OVERSPILL;
        let all = |network: &mut Network| {
            let mut routes = network.routes(Family::V4, &links).unwrap();
            routes.extend(network.routes(Family::V6, &links).unwrap());
            // the kernel adds these of its own, some when an address proved to be nobody else's
            let is_settled = |route: &Route| {
                !["fe80:", "ff00:"].iter().any(|start| route.destination.to_string().starts_with(start))
            };
            routes.retain(is_settled);
            routes
        };
        let before = retry(|| {
            // IPv6 adds its link-local and multicast routes a moment later
            let routes = all(&mut network);
            std::thread::sleep(std::time::Duration::from_millis(300));
            (routes == all(&mut network)).then_some(routes)
        });
        for (wanted, writes) in [(&first[..], 7), (&first, 0), (&second, 3), (&second, 0), (&[], 7), (&[], 0)]
        {
            let plan = route::plan(&all(&mut network), wanted, owned);
            assert_eq!(plan.conflicts, []);
            assert_eq!(plan.commands.len(), writes, "{:#?}", plan.commands);
            for command in &plan.commands {
                network.execute(command).unwrap();
            }
            let present = all(&mut network);
            for route in wanted {
                assert!(
                    present.iter().any(|other| route.is_done_by(other)),
                    "{route} is not in {present:#?}"
                );
            }
        }
        assert_eq!(all(&mut network), before);
        let foreign = Route { origin: Origin(12), ..first[1].clone() };
        network.execute(&Command::AddRoute(foreign)).unwrap();
        let plan = route::plan(&all(&mut network), &second, owned);
        assert_eq!((plan.commands.len(), plan.conflicts.len()), (6, 1));
    });
}

#[test]
fn rules_converge_and_others_stay() {
    namespace::run("live_links::links::rules_converge_and_others_stay", || {
        let mut network = Network::open().unwrap();
        let full = Rule {
            source: Some("10.0.0.0/8".parse().unwrap()),
            destination: Some("192.0.2.0/24".parse().unwrap()),
            mark: Some(Mark { value: 0x2a, mask: 0xff }),
            input: Some(DeviceName::loopback()),
            inverted: true,
            ..Rule::to_table(Family::V4, 1000, 1042)
        };
        let v6 = Rule { mark: Some(Mark::exact(0x2b)), ..Rule::to_table(Family::V6, 1000, 100) };
        let refused = Rule { action: rule::Action::Prohibit, ..Rule::to_table(Family::V4, 1001, 0) };
        let wanted = [full, v6, refused];
        let all = |network: &mut Network| {
            let mut rules = network.rules(Family::V4).unwrap();
            rules.extend(network.rules(Family::V6).unwrap());
            rules
        };
        let before = all(&mut network);
        assert!(before.iter().any(|rule| rule.priority == 32766), "{before:?}");
        let owned = |rule: &Rule| rule.origin == Origin::OVERSPILL;
        for (wanted, writes) in [(&wanted[..], 3), (&wanted, 0), (&wanted[..1], 2), (&[], 1), (&[], 0)] {
            let commands = rule::plan(&all(&mut network), wanted, owned);
            assert_eq!(commands.len(), writes, "{commands:#?}");
            for command in &commands {
                network.execute(command).unwrap();
                network.execute(command).unwrap_or_else(|error| panic!("a second time: {error}"));
            }
        }
        assert_eq!(all(&mut network), before);
    });
}

#[test]
fn settings_of_the_namespace_are_read_and_written() {
    namespace::run("live_links::links::settings_of_the_namespace_are_read_and_written", || {
        let mut network = Network::open().unwrap();
        veth(&mut network);
        let sysctl = |name| Sysctl::Ipv4Conf(Conf::Device(device("v0")), name);
        for (sysctl, number) in [
            (sysctl(Ipv4Conf::RpFilter), 2),
            (sysctl(Ipv4Conf::ArpAnnounce), 2),
            (Sysctl::Ipv4(Ipv4::IpForward), 1),
        ] {
            network.execute(&Command::SetSysctl(sysctl.clone(), number.into())).unwrap();
            assert_eq!(network.sysctls().read(&sysctl), Ok(Value::from(number)));
        }
        let refused = Command::SetSysctl(sysctl(Ipv4Conf::ArpIgnore), Value::new("many"));
        let text = network.execute(&refused).unwrap_err().to_string();
        assert!(text.contains("does not take the value"), "{text}");
    });
}

#[test]
fn what_this_kernel_lacks_is_said_with_what_to_do() {
    namespace::run("live_links::links::what_this_kernel_lacks_is_said_with_what_to_do", || {
        let mut network = Network::open().unwrap();
        veth(&mut network);
        let command = Command::AddTunnel(device("dsr"), Tunnel::external(TunnelKind::IpIp));
        match network.execute(&command) {
            Ok(()) => assert!(network.links().unwrap().named(&device("dsr")).is_some()),
            Err(error) => {
                let kind = "ipip".to_owned();
                assert_eq!(error.problem, Problem::NoKind { kind: kind.clone(), module: kind });
            }
        }
        let vip = Address::virtual_ip(ip("2001:db8::1"), device("v0"));
        let off = Sysctl::Ipv6Conf(Conf::Device(device("v0")), lb_netlink::sysctl::Ipv6Conf::DisableIpv6);
        network.execute(&Command::SetSysctl(off, 1.into())).unwrap();
        let error = network.execute(&Command::AddAddress(vip)).unwrap_err();
        assert_eq!(error.problem, Problem::Ipv6Disabled { device: device("v0") });
        let unreachable = Route::new("10.9.0.0/16".parse().unwrap(), vec![NextHop::gateway(ip("192.0.2.1"))]);
        let error = network.execute(&Command::AddRoute(unreachable)).unwrap_err();
        let Problem::Netlink(lb_netlink::Error::Rejected(rejection)) = error.problem else { panic!() };
        assert_eq!(
            (rejection.errno, rejection.message.as_deref()),
            (Errno(101), Some("Nexthop has invalid gateway"))
        );
    });
}

#[test]
fn the_asynchronous_executor_does_the_same() {
    namespace::run("live_links::links::the_asynchronous_executor_does_the_same", || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut network = lb_netlink::network::Network::open().unwrap();
            let vip = Address::virtual_ip(ip("203.0.113.10"), DeviceName::loopback());
            network.execute(&Command::SetLink(DeviceName::loopback(), up())).await.unwrap();
            for _ in 0..2 {
                network.execute(&Command::AddAddress(vip.clone())).await.unwrap();
            }
            let links = network.links().await.unwrap();
            assert!(network.addresses(&links).await.unwrap().contains(&vip));
            let local = network.routes(Family::V4, &links).await.unwrap();
            assert!(
                local.iter().any(|route| route.destination == vip.prefix && route.kind == route::Kind::Local)
            );
            let rule = Rule { mark: Some(Mark::exact(1)), ..Rule::to_table(Family::V4, 1000, 1001) };
            network.execute(&Command::AddRule(rule.clone())).await.unwrap();
            assert!(network.rules(Family::V4).await.unwrap().contains(&rule));
            let gone = Command::SetLink(device("gone0"), up());
            assert_eq!(network.execute(&gone).await.unwrap_err().problem, Problem::NoDevice(device("gone0")));
            for _ in 0..2 {
                network.execute(&Command::RemoveAddress(vip.clone())).await.unwrap();
            }
            assert!(!network.addresses(&links).await.unwrap().contains(&vip));
        });
    });
}

#[test]
fn thousands_of_virtual_ips_converge() {
    namespace::run("live_links::links::thousands_of_virtual_ips_converge", || {
        let mut network = Network::open().unwrap();
        // more than fit one datagram of a dump by far
        let vips = (0..2_000_u32).map(|number| IpAddr::from((0xcb00_0000 + number).to_be_bytes()));
        let wanted: Vec<Address> = vips.map(|vip| Address::virtual_ip(vip, DeviceName::loopback())).collect();
        let owned = |address: &Address| address.origin == Origin::OVERSPILL;
        let mut writes = Vec::new();
        for wanted in [&wanted[..], &wanted, &wanted[1000..], &[]] {
            let started = std::time::Instant::now();
            let links = network.links().unwrap();
            let commands = address::plan(&network.addresses(&links).unwrap(), wanted, owned);
            commands.iter().for_each(|command| network.execute(command).unwrap());
            writes.push(commands.len());
            eprintln!("{} writes in {:?}", commands.len(), started.elapsed());
        }
        assert_eq!(writes, [2_000, 0, 1_000, 1_000]);
    });
}

/// What the kernel does a moment later is waited for, 5 seconds at most.
fn retry<T>(mut attempt: impl FnMut() -> Option<T>) -> T {
    for _ in 0..50 {
        if let Some(value) = attempt() {
            return value;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("it did not happen within 5 seconds")
}
