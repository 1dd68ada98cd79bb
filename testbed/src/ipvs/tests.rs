//! The kernel's list as Debian's `ipvsadm` printed it.

use super::*;

const PRINTED: &str = "\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  10.9.9.9:80 mh (mh-port)
  -> 10.2.1.2:80                  Tunnel  3      0          0
TCP  [fd00:9::9]:80 mh (mh-fallback,mh-port)
  -> [fd00:b:1::2]:80             Tunnel  4      1          2
";

#[test]
fn services_and_destinations_are_read() {
    let lines = parse(PRINTED).expect("as it is printed");
    let backend: SocketAddr = "10.2.1.2:80".parse().expect("an address");
    assert_eq!(lines[1], Line::Destination { address: backend, forward: "Tunnel".into(), weight: 3 });
    let service: SocketAddr = "[fd00:9::9]:80".parse().expect("an address");
    let scheduler = "mh".to_owned();
    assert_eq!(lines[2], Line::Service { protocol: "TCP".into(), address: service, scheduler });
    assert_eq!(weight_of(&lines, backend.ip()), 3);
    assert_eq!(of_service(&lines, "tcp", service), lines[2..]);
    assert_eq!(of_service(&lines, "udp", service), []);
    assert!(has(&lines[..2], backend.ip()) && !has(&lines[2..], backend.ip()));
    assert!(parse(&PRINTED.replace("Tunnel  3", "Tunnel  x")).is_err());
}
