//! Tests of IPVS against the real kernel: every command, every setting, orders, refusals, large dumps.
//!
//! They write to the network namespace that they run in and delete all services
//! there, so they only run with `OVERSPILL_LIVE_IPVS=1`, and only where there is
//! no service to begin with; otherwise they print why not. They are made to be
//! linked statically and run as root in a guest: see `testbed`.

use std::net::{IpAddr, UdpSocket};
use std::process;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lb_netlink::error::Rejection;
use lb_netlink::ipvs::attribute::Attribute;
use lb_netlink::ipvs::blocking::Client;
use lb_netlink::ipvs::schema::{command, destination, service};
use lb_netlink::ipvs::{
    self, AddressFamily, Checksum, Command, CommandCode, Daemon, DaemonRole, Destination, DestinationKey,
    Error, Forward, Message, Protocol, Reason, Service, ServiceFlags, ServiceKey, ServiceTable, Statistics,
    Timeouts, Tunnel, Version,
};
use lb_netlink::socket::blocking::Connection;
use lb_netlink::socket::{OnFailure, Protocol as Netlink};
use lb_netlink::{Errno, generic};

/// One test at a time: they share the kernel's tables.
static KERNEL: Mutex<()> = Mutex::new(());

/// A client on empty tables, which are empty again when it is dropped.
struct Live {
    client: Client,
    _turn: MutexGuard<'static, ()>,
}

impl Live {
    /// `None`, with the reason on standard output, if there is nothing to test on.
    fn open() -> Option<Self> {
        if std::env::var_os("OVERSPILL_LIVE_IPVS").is_none_or(|value| value != "1") {
            println!(
                "skipped: it deletes all IPVS services; set OVERSPILL_LIVE_IPVS=1 in a network namespace for it"
            );
            return None;
        }
        let turn = KERNEL.lock().unwrap_or_else(PoisonError::into_inner);
        let mut client = match Client::open() {
            Ok(client) => client,
            Err(error) => {
                println!("skipped: {error}");
                return None;
            }
        };
        let foreign = client.services().expect("services can be listed");
        assert_eq!(foreign, [], "there are services here; they are not ours to delete");
        Some(Self { client, _turn: turn })
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.client.flush().expect("services can be deleted");
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn key(protocol: Protocol, address: &str, port: u16) -> ServiceKey {
    ServiceKey::address(protocol, ip(address), port)
}

fn web() -> ServiceKey {
    key(Protocol::TCP, "203.0.113.10", 443)
}

fn backend(number: u32) -> Destination {
    let [_, high, middle, low] = number.to_be_bytes();
    Destination::new([10, high, middle, low].into(), 443, Forward::Tunnel(Tunnel::Ipip))
}

fn hosts(table: &[ipvs::ListedDestination]) -> Vec<Destination> {
    table.iter().map(|listed| listed.destination).collect()
}

fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> Reason {
    match result {
        Err(Error::Refused(refused)) => {
            println!("  {refused}");
            refused.reason
        }
        other => panic!("it is to be refused, but: {other:?}"),
    }
}

/// Services of every kind of key, with every flag.
fn services() -> Vec<Service> {
    let mark = |family, mark| ServiceKey::Mark { family, mark };
    let persistent = |service: Service, netmask| Service {
        persistence_s: 300,
        netmask,
        flags: service.flags.union(ServiceFlags::PERSISTENT),
        ..service
    };
    vec![
        Service::new(web(), "mh").with_flags(ServiceFlags::MH_PORT.union(ServiceFlags::MH_FALLBACK)),
        Service::new(key(Protocol::UDP, "203.0.113.10", 443), "rr").with_flags(ServiceFlags::ONE_PACKET),
        Service::new(key(Protocol::SCTP, "203.0.113.10", 443), "wlc"),
        persistent(Service::new(key(Protocol::TCP, "203.0.113.10", 0), "wrr"), 0xffff_ff00),
        persistent(Service::new(key(Protocol::TCP, "2001:db8::10", 443), "sh"), 64)
            .with_flags(ServiceFlags(0x39)),
        Service::new(key(Protocol::UDP, "2001:db8::10", 53), "none"),
        Service::new(mark(AddressFamily::V4, 7), "lc"),
        persistent(Service::new(mark(AddressFamily::V6, u32::MAX), "mh"), 128),
    ]
}

#[test]
fn services_are_listed_as_they_were_set() {
    let Some(mut live) = Live::open() else { return };
    let client = &mut live.client;
    for service in services() {
        client.add_service(&service).unwrap();
        let listed = client.service(&service.key).unwrap().unwrap();
        assert_eq!(listed.service.flags.settable(), service.flags);
        assert!(listed.service.flags.contains(ServiceFlags::HASHED));
        assert_eq!(Service { flags: service.flags, ..listed.service }, service);
        assert_eq!((listed.statistics, listed.unknown), (Statistics::default(), vec![]));
    }
    let mut listed: Vec<_> =
        client.services().unwrap().into_iter().map(|listed| listed.service.key).collect();
    let mut added: Vec<_> = services().into_iter().map(|service| service.key).collect();
    listed.sort();
    added.sort();
    assert_eq!(listed, added);

    // Every setting changes, flags are cleared as well as set.
    for service in services() {
        let changed =
            Service { persistence_s: 7, scheduler: "wrr".into(), ..service }.with_flags(ServiceFlags(0x21));
        client.set_service(&changed).unwrap();
        let listed = client.service(&changed.key).unwrap().unwrap().service;
        assert_eq!(Service { flags: listed.flags.settable(), ..listed }, changed);
        client.delete_service(&changed.key).unwrap();
        assert_eq!(client.service(&changed.key), Ok(None));
    }
    assert_eq!(client.services().unwrap(), []);
}

/// Destinations of every method and tunnel, for a service of IPv4.
fn destinations() -> Vec<Destination> {
    let tunnel = |host: &str, tunnel| Destination::new(ip(host), 443, Forward::Tunnel(tunnel));
    let mut all = vec![
        Destination::new(ip("10.2.0.1"), 8443, Forward::Masquerade).with_weight(0),
        Destination::new(ip("10.2.0.2"), 443, Forward::Local),
        Destination::new(ip("10.2.0.3"), 443, Forward::DirectRoute).with_weight(i32::MAX as u32),
        Destination::new(ip("10.2.0.4"), 443, Forward::Bypass),
        tunnel("10.2.0.5", Tunnel::Ipip),
        tunnel("2001:db8:2::6", Tunnel::Ipip),
        Destination { upper_threshold: 1_000, lower_threshold: 900, ..tunnel("10.2.0.7", Tunnel::Ipip) },
        Destination { upper_threshold: i32::MAX as u32, ..tunnel("10.2.0.8", Tunnel::Ipip) },
        // One address, told apart by its port.
        Destination {
            key: DestinationKey { address: ip("10.2.0.5"), port: 444 },
            ..tunnel("10.2.0.5", Tunnel::Ipip)
        },
        // Numbers without a name, which the kernel takes: both checksums at once, no known kind.
        tunnel("10.2.0.9", Tunnel::Other { kind: 1, port: 6080, flags: 3 }),
        tunnel("10.2.0.19", Tunnel::Other { kind: 9, port: 0, flags: 0 }),
    ];
    for (host, checksum) in (10..).zip([Checksum::None, Checksum::Full, Checksum::Remote]) {
        all.push(tunnel(&format!("10.2.0.{host}"), Tunnel::Gue { port: 6080 + host, checksum }));
        all.push(tunnel(&format!("10.2.1.{host}"), Tunnel::Gre { checksum }));
    }
    all
}

#[test]
fn destinations_are_listed_as_they_were_set_from_the_last_that_was_added() {
    let Some(mut live) = Live::open() else { return };
    let client = &mut live.client;
    client.add_service(&Service::new(web(), "mh")).unwrap();
    for destination in destinations() {
        client.add_destination(&web(), &destination).unwrap();
    }
    let mut newest_first = destinations();
    newest_first.reverse();
    let listed = client.destinations(&web()).unwrap();
    assert_eq!(hosts(&listed), newest_first);
    assert!(
        listed.iter().all(|listed| listed.unknown.is_empty() && listed.statistics == Statistics::default())
    );

    // A change leaves it where it is in the list.
    let place = 3;
    let changed = Destination {
        forward: Forward::Tunnel(Tunnel::Gue { port: 9, checksum: Checksum::Full }),
        upper_threshold: 10,
        lower_threshold: 10,
        ..newest_first[place].with_weight(77)
    };
    client.set_destination(&web(), &changed).unwrap();
    newest_first[place] = changed;
    assert_eq!(hosts(&client.destinations(&web()).unwrap()), newest_first);

    // Deleted and added again it is at the head.
    let again = newest_first.remove(5);
    client.delete_destination(&web(), &again.key).unwrap();
    assert_eq!(hosts(&client.destinations(&web()).unwrap()), newest_first);
    client.add_destination(&web(), &again).unwrap();
    newest_first.insert(0, again);
    assert_eq!(hosts(&client.destinations(&web()).unwrap()), newest_first);
}

#[test]
fn a_service_of_ipv6_takes_tunnels_of_both_families() {
    let Some(mut live) = Live::open() else { return };
    let client = &mut live.client;
    let web6 = key(Protocol::TCP, "2001:db8::10", 443);
    client.add_service(&Service::new(web6, "mh")).unwrap();
    let tunnel = Forward::Tunnel(Tunnel::Ipip);
    let both =
        [Destination::new(ip("10.2.0.1"), 443, tunnel), Destination::new(ip("2001:db8:2::1"), 443, tunnel)];
    for destination in &both {
        client.add_destination(&web6, destination).unwrap();
    }
    assert_eq!(hosts(&client.destinations(&web6).unwrap()), [both[1], both[0]]);
    for destination in &both {
        client.delete_destination(&web6, &destination.key).unwrap();
    }
    assert_eq!(client.destinations(&web6).unwrap(), []);
}

#[test]
fn thousands_of_destinations_take_few_round_trips_and_are_listed_in_order() {
    let Some(mut live) = Live::open() else { return };
    let client = &mut live.client;
    client.add_service(&Service::new(web(), "rr")).unwrap();
    for count in [1_000_u32, 4_000] {
        let commands: Vec<_> =
            (0..count).map(|number| Command::AddDestination(web(), backend(number))).collect();
        let start = Instant::now();
        let report = client.execute(&commands).unwrap();
        let added = start.elapsed();
        assert!(report.is_complete(commands.len()), "{:?}", report.failures.first());
        assert!(report.round_trips <= commands.len().div_ceil(100), "{} round trips", report.round_trips);
        let start = Instant::now();
        let listed = client.destinations(&web()).unwrap();
        let dumped = start.elapsed();
        let newest_first: Vec<_> = (0..count).rev().map(backend).collect();
        assert_eq!(hosts(&listed), newest_first);
        let commands: Vec<_> =
            (0..count).map(|number| Command::DeleteDestination(web(), backend(number).key)).collect();
        let start = Instant::now();
        assert!(client.execute(&commands).unwrap().is_complete(commands.len()));
        let deleted = start.elapsed();
        println!(
            "{count} destinations: added {added:?} ({} round trips), dumped {dumped:?}, deleted {deleted:?}",
            report.round_trips
        );
    }
    assert_eq!(client.destinations(&web()).unwrap(), []);
}

#[test]
fn a_hundred_services_make_a_snapshot() {
    let Some(mut live) = Live::open() else { return };
    let client = &mut live.client;
    let keys: Vec<_> = (1..=100).map(|port| key(Protocol::TCP, "203.0.113.10", port)).collect();
    let mut commands = Vec::new();
    for key in &keys {
        commands.push(Command::AddService(Service::new(*key, "rr")));
        commands.extend((0..10).map(|number| Command::AddDestination(*key, backend(number))));
    }
    assert!(client.execute(&commands).unwrap().is_complete(1_100));
    let mut tables = client.snapshot().unwrap();
    tables.sort_by_key(|table| table.service.service.key);
    assert_eq!(tables.iter().map(|table| table.service.service.key).collect::<Vec<_>>(), keys);
    assert!(
        tables
            .iter()
            .all(|table| hosts(&table.destinations) == (0..10).rev().map(backend).collect::<Vec<_>>())
    );

    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let asynchronous: Vec<ServiceTable> = runtime.block_on(async {
        let mut client = ipvs::Client::open().await.unwrap();
        assert!(client.execute(&[Command::Zero(None)]).await.unwrap().is_complete(1));
        let mut tables = client.snapshot().await.unwrap();
        tables.sort_by_key(|table| table.service.service.key);
        tables
    });
    assert_eq!(asynchronous, tables);
}

#[test]
fn the_kernels_refusals_are_told_by_what_they_mean() {
    let Some(mut live) = Live::open() else { return };
    let client = &mut live.client;
    let service = Service::new(web(), "rr");
    let other = key(Protocol::UDP, "203.0.113.99", 1);
    let one = backend(1);
    client.add_service(&service).unwrap();
    client.add_destination(&web(), &one).unwrap();

    let too_long = Service::new(other, "a-name-of-more-than-fifteen-bytes");
    let v6 = Destination::new(ip("2001:db8::1"), 443, Forward::Masquerade);
    let crossed = Destination { upper_threshold: 1, lower_threshold: 2, ..backend(2) };
    let portless = Forward::Tunnel(Tunnel::Gue { port: 0, checksum: Checksum::None });
    let engine = Service { persistence_engine: Some("no-such".into()), ..Service::new(other, "rr") };
    let multicast = Destination::new(ip("224.0.0.1"), 443, Forward::DirectRoute);
    let mask = Service { netmask: 129, ..Service::new(key(Protocol::TCP, "2001:db8::10", 443), "rr") };
    let cases = [
        (Command::AddService(service.clone()), Reason::ServiceExists),
        (Command::AddService(Service::new(other, "no-such")), Reason::NoSuchScheduler),
        (Command::SetService(Service::new(web(), "no-such")), Reason::NoSuchScheduler),
        (Command::AddService(engine), Reason::NoSuchScheduler),
        (Command::AddService(too_long), Reason::Invalid),
        (Command::AddService(mask), Reason::Invalid),
        (Command::SetService(Service::new(other, "rr")), Reason::NoSuchService),
        (Command::DeleteService(other), Reason::NoSuchService),
        (Command::Zero(Some(other)), Reason::NoSuchService),
        (Command::AddDestination(other, one), Reason::NoSuchService),
        (Command::SetDestination(other, one), Reason::NoSuchService),
        (Command::DeleteDestination(other, one.key), Reason::NoSuchService),
        (Command::AddDestination(web(), one), Reason::DestinationExists),
        (Command::SetDestination(web(), backend(2)), Reason::NoSuchDestination),
        (Command::DeleteDestination(web(), backend(2).key), Reason::NoSuchDestination),
        (Command::AddDestination(web(), backend(2).with_weight(u32::MAX)), Reason::OutOfRange),
        (Command::SetDestination(web(), one.with_weight(1 << 31)), Reason::OutOfRange),
        (Command::AddDestination(web(), crossed), Reason::OutOfRange),
        (Command::AddDestination(web(), v6), Reason::Invalid),
        (Command::AddDestination(web(), multicast), Reason::Invalid),
        (Command::AddDestination(web(), Destination { forward: portless, ..backend(2) }), Reason::Invalid),
        (Command::SetTimeouts(Timeouts { tcp_s: u32::MAX, ..Timeouts::default() }), Reason::Invalid),
        (Command::StopDaemon(DaemonRole::Master), Reason::NoSuchDaemon),
        (Command::StartDaemon(Daemon::new(DaemonRole::Master, "no-such", 1)), Reason::NoSuchInterface),
    ];
    let mut wrong = Vec::new();
    for (command, expected) in &cases {
        match client.run(command) {
            Err(Error::Refused(refused)) => {
                println!("  {refused}");
                if refused.reason != *expected {
                    wrong.push(format!("{command}: {:?}, not {expected:?}", refused.reason));
                }
            }
            other => wrong.push(format!("{command}: {other:?}, not {expected:?}")),
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(reason(client.destinations(&other)), Reason::NoSuchService);
    assert_eq!(hosts(&client.destinations(&web()).unwrap()), [one], "what was refused changed nothing");

    // All of them in one batch: each is told by its place.
    let (commands, reasons): (Vec<_>, Vec<_>) = cases.into_iter().unzip();
    let report = client.execute(&commands).unwrap();
    assert_eq!((report.executed, report.round_trips), (commands.len(), 1));
    assert!(report.failures.iter().map(|failure| failure.index).eq(0..commands.len()));
    assert!(report.failures.iter().map(|failure| failure.refused.reason).eq(reasons));
    let report = client.execute_until(&commands, OnFailure::StopExactly).unwrap();
    assert_eq!((report.executed, report.failures.len()), (1, 1));
}

/// A message that the kernel must refuse, sent as it is.
fn rejected(connection: &mut Connection, family: u16, message: &Message) -> Rejection {
    match connection.query(&message.to_request(family)) {
        Err(lb_netlink::Error::Rejected(rejection)) => rejection,
        other => panic!("it is to be refused, but: {other:?}"),
    }
}

#[test]
fn the_kernel_points_at_what_it_does_not_like() {
    let Some(_live) = Live::open() else { return };
    let mut connection = Connection::open(Netlink::Generic).unwrap();
    let answer = connection.query(&generic::resolve(ipvs::FAMILY));
    let family = generic::resolved(ipvs::FAMILY, ipvs::MODULE, answer).unwrap().id;

    let short = Attribute::Unknown { number: command::TIMEOUT_TCP.spec.number, bytes: vec![1] };
    let message = Message::new(CommandCode::SetConfig, vec![command::TIMEOUT_UDP.with(300), short]);
    let rejection = rejected(&mut connection, family, &message);
    println!("  {rejection}");
    assert_eq!(rejection.offset, Some(28), "behind two headers and one attribute");
    assert!(rejection.message.is_some());

    // What is missing, the kernel does not say.
    let nameless = Message::new(CommandCode::NewService, vec![]);
    println!("  {}", rejected(&mut connection, family, &nameless));
    let halves = [
        vec![service::AF.with(2)],
        vec![service::AF.with(2), service::PROTOCOL.with(6), service::PORT.with(80)],
        vec![service::AF.with(7), service::FWMARK.with(1)],
    ];
    for half in halves {
        let rejection = rejected(
            &mut connection,
            family,
            &Message::new(CommandCode::NewService, vec![command::SERVICE.with(half)]),
        );
        println!("  {rejection}");
        assert!([Errno::EINVAL, Errno::EAFNOSUPPORT].contains(&rejection.errno));
    }
    let odd = Message::new(CommandCode::Other(99), vec![]);
    assert_eq!(rejected(&mut connection, family, &odd).errno, Errno::EOPNOTSUPP);
    let bare = Message::new(
        CommandCode::NewDest,
        vec![web().to_attribute(), command::DEST.with(vec![destination::PORT.with(1)])],
    );
    println!("  {}", rejected(&mut connection, family, &bare));
}

#[test]
fn timeouts_are_set_one_by_one() {
    let Some(mut live) = Live::open() else { return };
    let client = &mut live.client;
    let before = client.timeouts().unwrap();
    client.set_timeouts(Timeouts { tcp_s: 800, tcp_fin_s: 60, udp_s: 30 }).unwrap();
    client.set_timeouts(Timeouts { udp_s: 31, ..Timeouts::default() }).unwrap();
    assert_eq!(client.timeouts(), Ok(Timeouts { tcp_s: 800, tcp_fin_s: 60, udp_s: 31 }));
    client.set_timeouts(before).unwrap();
    assert_eq!(client.timeouts(), Ok(before));
}

#[test]
fn the_kernel_tells_its_version() {
    let Some(mut live) = Live::open() else { return };
    let info = live.client.info().unwrap();
    assert!(info.version >= Version(0x01_02_01), "{}", info.version);
    assert!(info.connection_table_size.is_power_of_two());
}

/// Takes a device away again.
struct Device(&'static str);

impl Drop for Device {
    fn drop(&mut self) {
        let _ = process::Command::new("ip").args(["link", "delete", self.0]).status();
    }
}

#[test]
fn daemons_start_stop_and_are_listed() {
    let Some(mut live) = Live::open() else { return };
    let ip = |arguments: &str| {
        let status = process::Command::new("ip").args(arguments.split(' ')).status();
        status.is_ok_and(|status| status.success())
    };
    if !ip("link add overspill0 type dummy") {
        println!("skipped: no dummy interface can be made here");
        return;
    }
    let _device = Device("overspill0");
    assert!(ip("addr add 192.0.2.1/24 dev overspill0") && ip("link set overspill0 multicast on up"));
    let client = &mut live.client;
    let master = Daemon {
        max_length: Some(1_400),
        group: Some(self::ip("224.0.0.99")),
        port: Some(8_850),
        ttl: Some(2),
        ..Daemon::new(DaemonRole::Master, "overspill0", 255)
    };
    client.start_daemon(&master).unwrap();
    assert_eq!(client.daemons(), Ok(vec![master.clone()]));
    assert_eq!(reason(client.start_daemon(&master)), Reason::DaemonRuns);
    client.start_daemon(&Daemon::new(DaemonRole::Backup, "overspill0", 0)).unwrap();
    let daemons = client.daemons().unwrap();
    let [_, backup] = &daemons[..] else { panic!("{daemons:?}") };
    let defaults = (backup.group, backup.port, backup.ttl, backup.sync_id);
    assert_eq!(defaults, (Some(self::ip("224.0.0.81")), Some(8_848), Some(1), 0));

    // No mixed families while there is a daemon.
    client.add_service(&Service::new(web(), "rr")).unwrap();
    let mixed = Destination::new(self::ip("2001:db8::1"), 443, Forward::Tunnel(Tunnel::Ipip));
    assert_eq!(reason(client.add_destination(&web(), &mixed)), Reason::Invalid);
    for role in [DaemonRole::Master, DaemonRole::Backup] {
        client.stop_daemon(role).unwrap();
        assert_eq!(reason(client.stop_daemon(role)), Reason::NoSuchDaemon);
    }
    assert_eq!(client.daemons(), Ok(vec![]));
    client.add_destination(&web(), &mixed).unwrap();
}

/// A service on loopback that masquerades to a socket of ours, and one datagram through it.
fn one_datagram(client: &mut Client) -> (ServiceKey, Destination, UdpSocket, UdpSocket) {
    let server = UdpSocket::bind("127.0.0.1:0").expect("loopback is up");
    let port = server.local_addr().expect("it is bound").port();
    let vip = key(Protocol::UDP, "127.0.0.53", 4_053);
    let destination = Destination::new(ip("127.0.0.1"), port, Forward::Masquerade);
    client.add_service(&Service::new(vip, "rr")).expect("a service");
    client.add_destination(&vip, &destination).expect("a destination");
    let sender = UdpSocket::bind("127.0.0.1:0").expect("loopback is up");
    sender.send_to(b"ping", "127.0.0.53:4053").expect("it can be sent");
    server.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    let mut buffer = [0; 16];
    let (length, _) = server.recv_from(&mut buffer).expect("IPVS forwards it");
    assert_eq!(&buffer[..length], b"ping");
    (vip, destination, sender, server)
}

/// The kernel sums statistics up every two seconds: waits until they are `expected`.
fn counted(client: &mut Client, vip: &ServiceKey, expected: (u64, u64, u64)) -> (Statistics, Statistics) {
    let start = Instant::now();
    loop {
        let service = client.service(vip).expect("it is there").expect("it is there").statistics;
        let destination = client.destinations(vip).expect("it is there")[0].statistics;
        let done = [service, destination]
            .iter()
            .all(|one| (one.connections, one.packets_in, one.bytes_in) == expected);
        if done {
            return (service, destination);
        }
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "{service:?} and {destination:?} are not {expected:?}"
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn statistics_count_and_are_cleared() {
    let Some(mut live) = Live::open() else { return };
    let client = &mut live.client;
    let (vip, _, _sender, _server) = one_datagram(client);
    // An IP header, a UDP header, four bytes.
    let (service, destination) = counted(client, &vip, (1, 1, 32));
    assert_eq!(service, destination);
    let connections = client.destinations(&vip).unwrap()[0].connections;
    assert_eq!((connections.active, connections.inactive, connections.persistent), (0, 1, 0));

    client.zero(Some(vip)).unwrap();
    counted(client, &vip, (0, 0, 0));
    assert_eq!(
        client.destinations(&vip).unwrap()[0].connections.inactive,
        1,
        "the connection is still there"
    );
    client.zero(None).unwrap();
}

#[test]
fn a_destination_with_connections_comes_back_with_them() {
    let Some(mut live) = Live::open() else { return };
    let client = &mut live.client;
    let (vip, destination, _sender, _server) = one_datagram(client);
    counted(client, &vip, (1, 1, 32));
    client.add_destination(&vip, &backend(1)).unwrap();
    client.delete_destination(&vip, &destination.key).unwrap();
    assert_eq!(hosts(&client.destinations(&vip).unwrap()), [backend(1)]);
    client.add_destination(&vip, &destination.with_weight(9)).unwrap();
    let listed = client.destinations(&vip).unwrap();
    assert_eq!(hosts(&listed), [destination.with_weight(9), backend(1)], "at the head, with its new weight");
    let back = listed[0].statistics;
    assert_eq!((listed[0].connections.inactive, back.connections, back.bytes_in), (1, 1, 32));
}

#[test]
fn nobody_without_privileges_may_even_look() {
    let Some(_live) = Live::open() else { return };
    use std::os::unix::process::CommandExt as _;
    let program = std::env::current_exe().unwrap();
    let arguments = ["--exact", "--ignored", "--nocapture", "as_nobody"];
    let mut command = process::Command::new(program);
    let output = command.args(arguments).uid(65_534).gid(65_534).current_dir("/").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("refused to nobody"), "{text}");
}

#[test]
#[ignore = "run by the test above, as another user"]
fn as_nobody() {
    let mut client = Client::open().unwrap();
    assert_eq!(reason(client.services()), Reason::NotPermitted);
    assert_eq!(reason(client.info()), Reason::NotPermitted);
    assert_eq!(reason(client.flush()), Reason::NotPermitted);
    println!("refused to nobody");
}
