//! ICMP on loopback and, in a network namespace of the test's own, towards hosts that are not there.

use std::process::Command;

use lb_agent::probe::{Failure, LocalFault, NoWay, Phase};

use crate::support::{PATIENCE, expect, program, run, skip};

const PING: &str = r#"{"kind": "icmp"}"#;

#[tokio::test]
async fn loopback_is_up() {
    for address in ["127.0.0.1:0", "127.9.9.9:0", "[::1]:0"] {
        let report = run(PING, address.parse().unwrap(), PATIENCE).await;
        match report.result {
            Err(Failure::Local(LocalFault::Permission)) => return skip("raw sockets need CAP_NET_RAW"),
            result => assert_eq!(result, Ok(()), "{address}"),
        }
        assert!(report.timings.answer.is_some());
    }
}

/// A host that does not answer ARP, a route that leads nowhere, and one that is forbidden.
const NETWORK: &str = "
    ip link set lo up
    ip link add near type veth peer name far
    ip link set near up && ip link set far up
    ip address add 10.9.0.1/24 dev near
    sysctl -q -w net.ipv4.neigh.near.retrans_time_ms=20
    ip neigh add 10.9.0.3 lladdr 02:00:00:00:00:03 dev near
    ip route add unreachable 10.9.1.0/24
    ip route add prohibit 10.9.2.0/24
";

#[test]
fn hosts_that_are_not_there() {
    let (Some(unshare), Some(_)) = (program("unshare"), program("ip")) else { return };
    let test = std::env::current_exe().expect("the test runs");
    let script =
        format!("{NETWORK}\nexec {} --exact icmp::in_the_namespace --ignored --nocapture", test.display());
    let output = Command::new(unshare).args(["-n", "sh", "-ec", &script]).output().expect("unshare starts");
    let told = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
    if told.contains("unshare failed") {
        return skip("network namespaces need privileges");
    }
    assert!(output.status.success() && told.contains("1 passed"), "{told}");
}

#[tokio::test]
#[ignore = "only in the namespace that the test above makes"]
async fn in_the_namespace() {
    let phase = Phase::Answer;
    let table = [
        ("127.0.0.1:0", Ok(())),
        // The kernel tells itself so by ICMP, which the shared socket must hand to the right check.
        ("10.9.0.2:0", Err(Failure::Unreachable { what: NoWay::Host, phase })),
        // Its frames go out, and nobody takes them.
        ("10.9.0.3:0", Err(Failure::Timeout { phase })),
        ("10.9.1.1:0", Err(Failure::Unreachable { what: NoWay::Host, phase })),
        ("10.9.2.1:0", Err(Failure::Unreachable { what: NoWay::Forbidden, phase })),
        ("10.8.0.1:0", Err(Failure::Unreachable { what: NoWay::Network, phase })),
    ];
    for (address, result) in table {
        expect(address.parse().unwrap(), &[(PING, result)]).await;
    }
}
