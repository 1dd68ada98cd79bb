//! Packets: what an L4 node tunnels to the pod is answered from the VIP, straight to the client.
//!
//! The test is node and client in one: it routes the VIP into a tunnel to the pod,
//! as IPVS would, and the answer comes back through `eth0`.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::pod::{Pod, ip, succeed, text, wait_for};
use crate::namespace;

const VIP4: &str = "203.0.113.10";
const VIP6: &str = "2001:db8:ffff::10";

/// A process that is killed at the end.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Answers datagrams to a VIP in the pod, from the VIP, as a gateway that is bound to it does.
fn echo(pod: &Pod, vip: &str) {
    let namespace = pod.namespace();
    let to = SocketAddr::new(vip.parse().expect("a test's address is an address"), 7);
    // it ends with the test's process
    std::thread::spawn(move || {
        let kind = Some(LinkNameSpaceType::Network);
        move_into_link_name_space(namespace.as_fd(), kind).expect("root may enter the pod");
        loop {
            // there is no such address until the VIP is there, and again when it is gone
            let Ok(socket) = UdpSocket::bind(to) else {
                std::thread::sleep(Duration::from_millis(50));
                continue;
            };
            let mut buffer = [0; 2048];
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                let _ = socket.send_to(&buffer[..length], from);
            }
        }
    });
}

/// Whether a datagram to the VIP is answered within `patience`.
fn answers(vip: &str, patience: Duration) -> bool {
    let any = if vip.contains(':') { "[::]:0" } else { "0.0.0.0:0" };
    let socket = UdpSocket::bind(any).expect("a socket can be made");
    socket.set_read_timeout(Some(Duration::from_millis(100))).expect("it is not zero");
    let to = SocketAddr::new(vip.parse().expect("a test's address is an address"), 7);
    let deadline = std::time::Instant::now() + patience;
    while std::time::Instant::now() < deadline {
        let _ = socket.send_to(b"hello", to);
        let mut buffer = [0; 64];
        match socket.recv_from(&mut buffer) {
            Ok((length, from)) => {
                assert_eq!((&buffer[..length], from), (&b"hello"[..], to), "the answer comes from the VIP");
                return true;
            }
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
    false
}

/// Routes a VIP into a tunnel to the pod, as the L4 node's IPVS would.
fn route(vip: &str, tunnel: &str) {
    let family = if vip.contains(':') { "-6" } else { "-4" };
    ip(&format!("link add name node0 {tunnel}"));
    ip("link set node0 up");
    ip(&format!("{family} route replace {vip} dev node0"));
    // the answer does not come back through the tunnel
    for name in ["all", "eth0", "node0"] {
        std::fs::write(format!("/proc/sys/net/ipv4/conf/{name}/rp_filter"), "0").expect("as root");
    }
}

/// What a client sees, from nothing to done to undone; `arguments` make the pod ready for `vip` through `tunnel`.
fn through(test: &str, vip: &str, arguments: &str, tunnel: &str) {
    namespace::run_with_modules(test, || {
        let pod = Pod::new();
        echo(&pod, vip);
        route(vip, tunnel);
        let source = if vip.contains(':') { "2001:db8:1::1" } else { "10.1.0.1" };
        let family = if vip.contains(':') { "-6" } else { "-4" };
        ip(&format!("{family} route replace {vip} dev node0 src {source}"));
        let before = pod.picture();
        assert!(!answers(vip, Duration::from_millis(500)), "it answers before anything was done");
        let check = text(&pod.dsr(&format!("{arguments} --vip {vip} --check"))).0;
        let done = pod.dsr(&format!("{arguments} --vip {vip}"));
        assert!(done.status.success(), "{done:?}");
        assert_eq!(text(&done).0, check, "what was done is what was said");
        assert!(answers(vip, Duration::from_secs(10)), "no answer; {done:?}\n{}", pod.picture());
        let again = pod.dsr(&format!("{arguments} --vip {vip}"));
        assert_eq!(text(&again).0, "nothing to do\n", "{again:?}");
        let undone = pod.dsr("--undo");
        assert!(undone.status.success(), "{undone:?}");
        assert!(!answers(vip, Duration::from_millis(500)), "it answers after all was undone");
        pod.wait_for_picture(&before);
        assert_eq!(text(&pod.dsr("--undo")).0, "nothing to do\n");
    });
}

const V4_OUTER: &str = "local 10.1.0.1 remote 10.1.0.5 ttl 64";
const V6_OUTER: &str = "local 2001:db8:1::1 remote 2001:db8:1::5 hoplimit 64 encaplimit none";
const GUE: &str = "encap gue encap-sport auto encap-dport 6080";

#[test]
fn ipv4_in_ipv4() {
    let tunnel = format!("type ipip {V4_OUTER}");
    through("live_dsr::packets::ipv4_in_ipv4", VIP4, "", &tunnel);
}

#[test]
fn ipv6_in_ipv6() {
    let tunnel = format!("type ip6tnl mode ip6ip6 {V6_OUTER}");
    through("live_dsr::packets::ipv6_in_ipv6", VIP6, "", &tunnel);
}

#[test]
fn ipv6_in_ipv4() {
    let tunnel = format!("type sit {V4_OUTER}");
    through("live_dsr::packets::ipv6_in_ipv4", VIP6, "--outer ipv4", &tunnel);
}

#[test]
fn ipv4_in_ipv6() {
    let tunnel = format!("type ip6tnl mode ipip6 {V6_OUTER}");
    through("live_dsr::packets::ipv4_in_ipv6", VIP4, "--outer ipv6", &tunnel);
}

#[test]
fn a_device_of_its_own() {
    let tunnel = format!("type ipip {V4_OUTER}");
    through("live_dsr::packets::a_device_of_its_own", VIP4, "--device dsr --mtu 1400", &tunnel);
}

#[test]
fn ipv4_in_gue_over_ipv4() {
    let tunnel = format!("type ipip {V4_OUTER} {GUE}");
    through("live_dsr::packets::ipv4_in_gue_over_ipv4", VIP4, "--encapsulation gue:6080", &tunnel);
}

#[test]
fn ipv6_in_gue_over_ipv6() {
    let tunnel = format!("type ip6tnl mode ip6ip6 {V6_OUTER} {GUE}");
    through("live_dsr::packets::ipv6_in_gue_over_ipv6", VIP6, "--encapsulation gue:6080", &tunnel);
}

#[test]
fn vips_follow_a_file_until_the_end() {
    namespace::run_with_modules("live_dsr::packets::vips_follow_a_file_until_the_end", || {
        let pod = Pod::new();
        let before = pod.picture();
        let file = std::env::temp_dir().join(format!("overspill-vips-{}", std::process::id()));
        let write = |text: &str| {
            let next = file.with_extension("next");
            std::fs::write(&next, text).unwrap();
            std::fs::rename(&next, &file).unwrap();
        };
        let has = |vip: &str| {
            succeed(pod.command("ip").args(["-o", "address", "show"])).contains(&format!(" {vip}/"))
        };
        write("203.0.113.10\n");
        let mut agent = pod.agent();
        agent.args(["dsr", "--undo", "--watch"]).arg(&file).stderr(Stdio::piped());
        let mut watcher = Killed(agent.spawn().unwrap());
        wait_for("the first VIP", || has(VIP4));
        write("203.0.113.10\n2001:db8:ffff::10 # one more\n");
        wait_for("the second VIP", || has(VIP6));
        write("203.0.113.11\nnonsense\n");
        let mut lines = BufReader::new(watcher.0.stderr.take().unwrap()).lines();
        let told = lines.next().unwrap().unwrap();
        assert!(
            told.contains(":2: `nonsense` is no IP address") && told.ends_with("the VIPs of before stay"),
            "{told}"
        );
        assert!(has(VIP4) && has(VIP6) && !has("203.0.113.11"), "a bad file changed something");
        write("203.0.113.11\n");
        wait_for("the third VIP alone", || has("203.0.113.11") && !has(VIP4) && !has(VIP6));
        std::fs::remove_file(&file).unwrap();
        let told = lines.next().unwrap().unwrap();
        assert!(told.contains("there is no such file"), "{told}");
        assert!(has("203.0.113.11"), "a file that is gone changed something");
        succeed(Command::new("kill").arg(watcher.0.id().to_string()));
        assert!(watcher.0.wait().unwrap().success());
        pod.wait_for_picture(&before);
    });
}
