//! Tests of the codec against what `ipvsadm` sends and a kernel answers (`golden/ipvsadm.txt` says how it was captured).
//!
//! Each command of ours is made of typed values and must be the same bytes;
//! each answer must be read as the values that the commands before it set.

use std::fmt::Write as _;
use std::net::IpAddr;

use lb_netlink::ipvs::schema::command;
use lb_netlink::ipvs::{
    AddressFamily, Checksum, Command, CommandCode, Connections, Daemon, DaemonRole, Destination,
    DestinationKey, Forward, Info, ListedDestination, ListedService, Message, Protocol, Service,
    ServiceFlags, ServiceKey, Statistics, Timeouts, Tunnel, Version,
};

const GOLDEN: &str = include_str!("golden/ipvsadm.txt");

/// `NLM_F_REQUEST | NLM_F_DUMP`, as ipvsadm asks for tables.
const DUMP: &str = "305";

/// The bytes in one direction after a command, with the netlink flags.
fn captured(arguments: &str, direction: &str) -> Vec<(&'static str, Vec<u8>)> {
    let title = format!("# ipvsadm {arguments}");
    let mut lines = GOLDEN.lines().skip_while(|line| *line != title);
    assert_eq!(lines.next(), Some(title.as_str()), "no such section");
    let section = lines.take_while(|line| !line.is_empty()).map(|line| line.split(' ').collect::<Vec<_>>());
    let ours = section.filter(|fields| fields[0] == direction);
    ours.map(|fields| (fields[1], bytes(fields[2]))).collect()
}

fn bytes(hexadecimal: &str) -> Vec<u8> {
    let pairs = hexadecimal.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).expect("ASCII"), 16).expect("two digits"))
        .collect()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all");
        text
    })
}

fn sent(arguments: &str) -> Vec<u8> {
    captured(arguments, ">").into_iter().next_back().expect("it sends something").1
}

fn answers(arguments: &str) -> Vec<Message> {
    captured(arguments, "<")
        .iter()
        .map(|(_, bytes)| Message::decode(bytes).expect("a kernel sent it"))
        .collect()
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn web() -> ServiceKey {
    ServiceKey::address(Protocol::TCP, ip("10.9.9.9"), 80)
}

fn web6() -> ServiceKey {
    ServiceKey::address(Protocol::TCP, ip("2001:db8::9"), 443)
}

fn mark(family: AddressFamily, mark: u32) -> ServiceKey {
    ServiceKey::Mark { family, mark }
}

/// Each service that was added, and the arguments that added it.
fn services() -> Vec<(&'static str, Service)> {
    let persistent = ServiceFlags::PERSISTENT;
    let sip = ServiceKey::address(Protocol::TCP, ip("10.9.9.9"), 5060);
    let dns = ServiceKey::address(Protocol::UDP, ip("10.9.9.9"), 53);
    vec![
        (
            "-A -t 10.9.9.9:80 -s mh -b mh-fallback,mh-port",
            Service::new(web(), "mh").with_flags(ServiceFlags::MH_FALLBACK.union(ServiceFlags::MH_PORT)),
        ),
        (
            "-A -t [2001:db8::9]:443 -s wrr -p 300 -M 64",
            Service { persistence_s: 300, netmask: 64, flags: persistent, ..Service::new(web6(), "wrr") },
        ),
        ("-A -u 10.9.9.9:53 -s rr -o", Service::new(dns, "rr").with_flags(ServiceFlags::ONE_PACKET)),
        (
            "-A -f 7 -s sh -b sh-fallback,sh-port",
            Service::new(mark(AddressFamily::V4, 7), "sh")
                .with_flags(ServiceFlags::SH_FALLBACK.union(ServiceFlags::SH_PORT)),
        ),
        ("-A -f 8 -6 -s lc", Service::new(mark(AddressFamily::V6, 8), "lc")),
        (
            "-A -t 10.9.9.9:5060 -s rr --pe sip -p 60 -M 255.255.255.0",
            Service {
                persistence_s: 60,
                netmask: 0xffff_ff00,
                flags: persistent,
                persistence_engine: Some("sip".into()),
                ..Service::new(sip, "rr")
            },
        ),
    ]
}

/// Each destination that was added or set, and the arguments that did so.
fn destinations() -> Vec<(&'static str, ServiceKey, Destination)> {
    let ipip = Forward::Tunnel(Tunnel::Ipip);
    let gue = |checksum| Forward::Tunnel(Tunnel::Gue { port: 6080, checksum });
    let gre = Forward::Tunnel(Tunnel::Gre { checksum: Checksum::Full });
    let backend = |host: &str, forward| Destination::new(ip(host), 80, forward).with_weight(100);
    vec![
        ("-a -t 10.9.9.9:80 -r 10.2.0.10:80 -i -w 100", web(), backend("10.2.0.10", ipip)),
        (
            "-a -t 10.9.9.9:80 -r 10.2.0.11:80 -i -w 100 --tun-type gue --tun-port 6080 --tun-nocsum",
            web(),
            backend("10.2.0.11", gue(Checksum::None)),
        ),
        (
            "-a -t 10.9.9.9:80 -r 10.2.0.12:80 -i -w 100 --tun-type gue --tun-port 6080 --tun-remcsum",
            web(),
            backend("10.2.0.12", gue(Checksum::Remote)),
        ),
        (
            "-a -t 10.9.9.9:80 -r 10.2.0.13:80 -i -w 100 --tun-type gre --tun-csum",
            web(),
            backend("10.2.0.13", gre),
        ),
        (
            "-a -t 10.9.9.9:80 -r [2001:db8:2::10]:80 -i -w 50 -x 1000 -y 750",
            web(),
            Destination {
                upper_threshold: 1_000,
                lower_threshold: 750,
                ..backend("2001:db8:2::10", ipip).with_weight(50)
            },
        ),
        (
            "-a -t [2001:db8::9]:443 -r [2001:db8:2::10]:8443 -m",
            web6(),
            Destination::new(ip("2001:db8:2::10"), 8443, Forward::Masquerade),
        ),
        (
            "-a -f 7 -r 10.2.0.14 -g -w 0",
            mark(AddressFamily::V4, 7),
            Destination::new(ip("10.2.0.14"), 0, Forward::DirectRoute).with_weight(0),
        ),
        ("-e -t 10.9.9.9:80 -r 10.2.0.10:80 -i -w 0", web(), backend("10.2.0.10", ipip).with_weight(0)),
    ]
}

fn daemons() -> [(&'static str, Daemon); 2] {
    let master = Daemon {
        max_length: Some(1400),
        group: Some(ip("224.0.0.99")),
        port: Some(8850),
        ttl: Some(2),
        ..Daemon::new(DaemonRole::Master, "sync0", 7)
    };
    let backup = Daemon { group: Some(ip("ff02::99")), ..Daemon::new(DaemonRole::Backup, "sync0", 8) };
    [
        (
            "--start-daemon master --mcast-interface sync0 --syncid 7 --sync-maxlen 1400 --mcast-group 224.0.0.99 \
             --mcast-port 8850 --mcast-ttl 2",
            master,
        ),
        ("--start-daemon backup --mcast-interface sync0 --syncid 8 --mcast-group ff02::99", backup),
    ]
}

/// Commands whose bytes are ipvsadm's, from the first to the last.
fn alike() -> Vec<(&'static str, Command)> {
    let changed = Service::new(web(), "mh").with_flags(ServiceFlags::MH_PORT);
    let timeouts = Timeouts { tcp_s: 900, tcp_fin_s: 120, udp_s: 300 };
    let mut all = vec![
        ("-E -t 10.9.9.9:80 -s mh -b mh-port", Command::SetService(changed)),
        ("--set 900 120 300", Command::SetTimeouts(timeouts)),
        ("-Z", Command::Zero(None)),
        ("-C", Command::Flush),
    ];
    all.extend(services().into_iter().map(|(arguments, service)| (arguments, Command::AddService(service))));
    all.extend(daemons().into_iter().map(|(arguments, daemon)| (arguments, Command::StartDaemon(daemon))));
    all
}

#[test]
fn our_commands_are_the_bytes_of_ipvsadm() {
    for (arguments, command) in alike() {
        let ours = hexadecimal(&command.to_message().to_bytes());
        assert_eq!(ours, hexadecimal(&sent(arguments)), "ipvsadm {arguments}");
    }
}

/// The attributes of one kind that a message of ipvsadm has, those that we do not send left out.
fn only_ours(theirs: &Message, ours: &Message) -> Message {
    let attributes = theirs.attributes.iter().zip(&ours.attributes).map(|(theirs, ours)| {
        let theirs = [theirs.clone()];
        if let (Ok(theirs), Ok(ours)) =
            (command::SERVICE.inside(&theirs), command::SERVICE.inside(std::slice::from_ref(ours)))
        {
            return command::SERVICE.with(theirs.iter().filter(|one| ours.contains(one)).cloned().collect());
        }
        let theirs = command::DEST.inside(&theirs).expect("a service or a destination");
        let ours = command::DEST.inside(std::slice::from_ref(ours)).expect("the same as theirs");
        command::DEST.with(theirs.iter().filter(|one| ours.contains(one)).cloned().collect())
    });
    Message::new(theirs.code, attributes.collect())
}

/// ipvsadm repeats a service's settings where its key is enough, and sends a tunnel's type where there is none.
#[test]
fn our_commands_about_destinations_are_part_of_what_ipvsadm_sends() {
    let mut cases: Vec<_> = destinations()
        .into_iter()
        .map(|(arguments, key, destination)| {
            let add = arguments.starts_with("-a");
            let command = if add { Command::AddDestination } else { Command::SetDestination };
            (arguments, command(key, destination))
        })
        .collect();
    let key = DestinationKey { address: ip("10.2.0.11"), port: 80 };
    cases.push(("-d -t 10.9.9.9:80 -r 10.2.0.11:80", Command::DeleteDestination(web(), key)));
    cases.push(("-D -f 7", Command::DeleteService(mark(AddressFamily::V4, 7))));
    cases.push(("-D -t [2001:db8::9]:443", Command::DeleteService(web6())));
    cases.push(("-Z -t 10.9.9.9:80", Command::Zero(Some(web()))));
    for (arguments, command) in cases {
        let (theirs, ours) = (Message::decode(&sent(arguments)).unwrap(), command.to_message());
        assert_eq!(theirs.attributes.len(), ours.attributes.len(), "ipvsadm {arguments}");
        assert_eq!(only_ours(&theirs, &ours), ours, "ipvsadm {arguments}");
    }
    // For tunnels the whole destination is the same, byte for byte.
    for (arguments, key, destination) in
        destinations().into_iter().filter(|(arguments, ..)| arguments.contains("-i"))
    {
        let ours = Command::AddDestination(key, destination).to_message().to_bytes();
        let length =
            Message::new(CommandCode::NewDest, vec![destination.to_attribute()]).to_bytes().len() - 4;
        let theirs = sent(arguments);
        let tail = |bytes: &[u8]| hexadecimal(&bytes[bytes.len() - length..]);
        assert_eq!(tail(&ours), tail(&theirs), "ipvsadm {arguments}");
    }
}

/// A daemon is stopped by its role alone; ipvsadm sends an empty interface and a number beside it.
#[test]
fn a_daemon_is_stopped_by_its_role() {
    for (arguments, role) in
        [("--stop-daemon backup", DaemonRole::Backup), ("--stop-daemon master", DaemonRole::Master)]
    {
        let theirs = Message::decode(&sent(arguments)).unwrap();
        let ours = Command::StopDaemon(role).to_message();
        let (theirs_inside, ours_inside) = (
            command::DAEMON.inside(&theirs.attributes).unwrap(),
            command::DAEMON.inside(&ours.attributes).unwrap(),
        );
        assert_eq!((theirs.code, &theirs_inside[..1]), (ours.code, ours_inside));
    }
}

#[test]
fn questions_are_those_of_ipvsadm() {
    let questions = [
        ("-L --daemon", CommandCode::GetDaemon, vec![]),
        ("-L -n", CommandCode::GetService, vec![]),
        ("-L -n", CommandCode::GetDest, vec![web().to_attribute()]),
        ("-L -n", CommandCode::GetDest, vec![web6().to_attribute()]),
        ("-L -n", CommandCode::GetDest, vec![mark(AddressFamily::V4, 7).to_attribute()]),
        ("-L -n", CommandCode::GetDest, vec![mark(AddressFamily::V6, 8).to_attribute()]),
    ];
    for (arguments, code, attributes) in questions {
        let ours = Message::new(code, attributes).to_bytes();
        let all = captured(arguments, ">");
        assert!(
            all.iter().any(|(flags, theirs)| *flags == DUMP && *theirs == ours),
            "ipvsadm {arguments}: {code:?}"
        );
    }
}

#[test]
fn services_are_listed_as_they_were_added() {
    let listed: Vec<_> = answers("-L -n")
        .iter()
        .filter(|message| message.code == CommandCode::NewService)
        .map(|message| ListedService::from_message(message).unwrap())
        .collect();
    let mut added = services();
    added[0].1.flags = ServiceFlags::MH_PORT; // by the command -E
    for (_, service) in &added {
        let found = listed.iter().find(|listed| listed.service.key == service.key).unwrap();
        let expected = Service { flags: service.flags.union(ServiceFlags::HASHED), ..service.clone() };
        assert_eq!(found.service, expected);
        assert_eq!(found.service.flags.settable(), service.flags);
        assert_eq!(found.unknown, []);
    }
    assert_eq!(listed.len(), added.len());
}

#[test]
fn destinations_are_listed_from_the_last_that_was_added_and_counted() {
    let messages = answers("-L -n -t 10.9.9.9:80");
    let service = messages.iter().find(|message| message.code == CommandCode::NewService).unwrap();
    let counted = Statistics {
        connections: 2,
        packets_in: 2,
        bytes_in: 120,
        bytes_in_per_s: 10,
        ..Statistics::default()
    };
    assert_eq!(ListedService::from_message(service).unwrap().statistics, counted);

    let listed: Vec<_> = messages
        .iter()
        .filter(|message| message.code == CommandCode::NewDest)
        .map(|message| ListedDestination::from_message(message, AddressFamily::V4).unwrap())
        .collect();
    let hosts: Vec<_> = listed.iter().map(|listed| listed.destination.key.address).collect();
    assert_eq!(hosts, ["2001:db8:2::10", "10.2.0.13", "10.2.0.12", "10.2.0.10"].map(ip));
    // The last word about each: the one at weight 0 was set to it.
    for found in &listed {
        let mut all = destinations().into_iter().rev();
        let (.., expected) = all
            .find(|(_, key, one)| *key == web() && one.key == found.destination.key)
            .expect("it was added");
        assert_eq!(found.destination, expected);
    }
    let busy = Connections { active: 2, inactive: 0, persistent: 0 };
    assert_eq!((listed[1].connections, listed[1].statistics), (busy, counted));
    assert_eq!(
        (listed[0].connections, listed[0].statistics),
        (Connections::default(), Statistics::default())
    );
}

#[test]
fn daemons_timeouts_and_the_version_are_read() {
    let listed: Vec<_> =
        answers("-L --daemon").iter().map(|message| Daemon::from_message(message).unwrap()).collect();
    let [(_, master), (_, backup)] = daemons();
    let backup = Daemon { max_length: Some(1452), port: Some(8848), ttl: Some(1), ..backup };
    assert_eq!(listed, [master, backup], "with the kernel's own ideas where we had none");

    let answers = answers("-L --timeout");
    let info = Info { version: Version(0x01_02_01), connection_table_size: 4096 };
    assert_eq!(Info::from_message(&answers[0]), Ok(info));
    assert_eq!(info.version.to_string(), "1.2.1");
    assert_eq!(Timeouts::from_message(&answers[1]), Ok(Timeouts { tcp_s: 900, tcp_fin_s: 120, udp_s: 300 }));
}

/// All that was captured can be read and emitted; kernels only leave out the flag of nested attributes.
#[test]
fn all_of_it_makes_the_round_trip() {
    let lines = GOLDEN.lines().filter(|line| line.starts_with(['<', '>']));
    let mut codes = Vec::new();
    for line in lines {
        let [direction, _, captured] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let captured = bytes(captured);
        let message = Message::decode(&captured).unwrap();
        let emitted = message.to_bytes();
        assert_eq!(Message::decode(&emitted).as_ref(), Ok(&message));
        if direction == ">" {
            assert_eq!(hexadecimal(&emitted), hexadecimal(&captured));
        } else {
            let differing = emitted.iter().zip(&captured).filter(|(ours, theirs)| ours != theirs);
            assert!(differing.clone().all(|(ours, theirs)| *ours == *theirs | 0x80), "{line}");
            assert_eq!(emitted.len(), captured.len());
        }
        codes.push(message.code);
    }
    let missing: Vec<_> = CommandCode::all().filter(|code| !codes.contains(code)).collect();
    assert_eq!(missing, [], "every command was captured");
}
