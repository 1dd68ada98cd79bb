//! Inputs of what the kernel says: IPVS over netlink.

use lb_netlink::ipvs::{
    self, Command, CommandCode, Daemon, DaemonRole, Destination, Message, Service, ServiceKey, Timeouts,
};

use super::{NODE, NODE6, VIP};

/// Messages to IPVS, one of its answers with statistics, and answers that are not messages of it.
pub(super) fn ipvs_messages() -> Vec<(&'static str, Vec<u8>)> {
    let key = ServiceKey::address(ipvs::Protocol::TCP, VIP.into(), 443);
    let mark = ServiceKey::Mark { family: ipvs::AddressFamily::V6, mark: 7 };
    let forward = |tunnel| Destination::new(NODE.into(), 443, ipvs::Forward::Tunnel(tunnel));
    let gue = forward(ipvs::Tunnel::Gue { port: 6080, checksum: ipvs::Checksum::Remote });
    let six = Destination::new(NODE6.into(), 443, ipvs::Forward::DirectRoute);
    let engine = Service { persistence_engine: Some("sip".to_owned()), ..Service::new(key, "mh") };
    let daemon =
        Daemon { group: Some(NODE6.into()), ttl: Some(2), ..Daemon::new(DaemonRole::Backup, "eth0", 7) };
    let timeouts = Timeouts { tcp_s: 900, tcp_fin_s: 120, udp_s: 300 };
    let commands = [
        ("add-service", Command::AddService(engine)),
        ("add-service-of-a-mark", Command::AddService(Service::new(mark, "sh"))),
        ("add-destination-gue", Command::AddDestination(key, gue)),
        ("add-destination-of-six", Command::AddDestination(mark, six)),
        ("delete-destination", Command::DeleteDestination(key, six.key)),
        ("start-daemon", Command::StartDaemon(daemon)),
        ("set-timeouts", Command::SetTimeouts(timeouts)),
        ("flush", Command::Flush),
    ];
    let mut all: Vec<_> =
        commands.into_iter().map(|(name, command)| (name, command.to_message().to_bytes())).collect();

    let captured = include_str!("../../../lb-netlink/tests/golden/ipvsadm.txt").lines();
    let answers = |flags| captured.clone().filter(move |line| line.starts_with(flags)).map(hexadecimal);
    all.extend(answers("< 2 05").next().map(|listed| ("listed-destination", listed)));
    all.extend(answers("< 0 0e").next().map(|info| ("info", info)));
    all.extend(answers("< 0 01").next().map(|listed| ("listed-service", listed)));

    let unknown = ipvs::attribute::Attribute::Unknown { number: 0xc063, bytes: vec![1, 2, 3] };
    all.push(("unknown-attribute", Message::new(CommandCode::Other(99), vec![unknown]).to_bytes()));
    all.push(("cut-off", all[0].1[..30].to_vec()));
    // A refusal of the second request, with a sentence and a place; then the end of a dump.
    let mut datagram = vec![60, 0, 0, 0, 2, 0, 0, 3, 2, 0, 0, 0, 0, 0, 0, 0, 0xea, 0xff, 0xff, 0xff];
    datagram.extend([20, 0, 0, 0, 32, 0, 5, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
    datagram.extend([15, 0, 1, 0, b'n', b'o', b't', b' ', b's', b'u', b'c', b'h', b' ', b'x', 0, 0]);
    datagram.extend([8, 0, 2, 0, 24, 0, 0, 0]);
    datagram.extend([20, 0, 0, 0, 3, 0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    all.push(("refusal-and-end", datagram));
    all
}

/// The bytes of a line of the captured messages: its last word.
fn hexadecimal(line: &str) -> Vec<u8> {
    let digits = line.rsplit(' ').next().unwrap_or_default().as_bytes();
    let byte = |pair: &[u8]| u8::from_str_radix(&String::from_utf8_lossy(pair), 16);
    digits.chunks(2).map(|pair| byte(pair).expect("hexadecimal digits")).collect()
}
