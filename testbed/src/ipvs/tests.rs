//! The kernel's list as a Debian kernel 6.1 printed it.

use super::*;

const PRINTED: &str = "\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  0A090909:0050 mh (mh-port)
  -> 0A020102:0050      Tunnel  3      0          0
TCP  [fd00:0009:0000:0000:0000:0000:0000:0009]:0050 mh (mh-fallback,mh-port)
  -> [fd00:000b:0001:0000:0000:0000:0000:0002]:0050      Tunnel  4      1          2
";

#[test]
fn services_and_destinations_are_read() {
    let lines = parse(PRINTED, hexadecimal).expect("as the kernel prints it");
    let backend: SocketAddr = "10.2.1.2:80".parse().expect("an address");
    assert_eq!(lines[1], Line::Destination { address: backend, forward: "Tunnel".into(), weight: 3 });
    let service: SocketAddr = "[fd00:9::9]:80".parse().expect("an address");
    let scheduler = "mh".to_owned();
    assert_eq!(lines[2], Line::Service { protocol: "TCP".into(), address: service, scheduler });
    assert_eq!(weight_of(&lines, backend.ip()), 3);
    assert_eq!(of_service(&lines, "tcp", service), lines[2..]);
    assert_eq!(of_service(&lines, "udp", service), []);
    assert!(has(&lines[..2], backend.ip()) && !has(&lines[2..], backend.ip()));
    assert!(parse(&PRINTED.replace("Tunnel  3", "Tunnel  x"), hexadecimal).is_err());
    let listed = PRINTED
        .replace("0A090909:0050", "10.9.9.9:80")
        .replace("0A020102:0050", "10.2.1.2:80")
        .replace("[fd00:0009:0000:0000:0000:0000:0000:0009]:0050", "[fd00:9::9]:80")
        .replace("[fd00:000b:0001:0000:0000:0000:0000:0002]:0050", "[fd00:b:1::2]:80");
    assert_eq!(parse(&listed, |word| word.parse().ok()).expect("as ipvsadm prints it"), lines);
}
