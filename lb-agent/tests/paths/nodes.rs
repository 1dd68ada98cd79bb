//! Nodes as processes in namespaces of their own, each on a link with the checker.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};

use lb_agent::probe::paths::{Node, load};
use lb_core::flow::Addresses;
use lb_core::scheduler::Scheduler;
use lb_core::table::TableCache;
use lb_core::{FlowKey, Protocol};

/// The checker's own addresses, on its `lo`.
pub(crate) const CHECKER: &str = "10.9.9.9";
pub(crate) const CHECKER6: &str = "2001:db8:9::9";

const INSIDE: &str = "OVERSPILL_INSIDE_NAMESPACE";
const TROUBLE: &str = "OVERSPILL_NODE_TROUBLE";
const READY: &str = "the node waits for its link";
const LISTENS: &str = "the node listens";

/// What is wrong with a node.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trouble {
    /// Nothing.
    None,
    /// It has no VIP, so that nobody takes the packets.
    Forgotten,
    /// It does not get to this gateway.
    WayTo(IpAddr),
}

/// Running nodes; killed when dropped, and their links with them.
pub(crate) struct Nodes(Vec<Child>);

/// Runs `body` in a namespace of its own, in another process of this test.
pub(crate) fn in_a_namespace(test: &str, body: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        return body();
    }
    let can =
        Command::new("unshare").args(["--net", "--", "true"]).status().is_ok_and(|status| status.success());
    if !can {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "CI may make network namespaces");
        return eprintln!("skipped: network namespaces need privileges and `unshare`");
    }
    let output = Command::new("unshare")
        .args(["--net", "--"])
        .arg(std::env::current_exe().expect("a program knows its file"))
        .args([test, "--exact", "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .expect("`unshare` was found before");
    let told = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("1 passed"), "{told}");
}

fn shell(script: &str) {
    let output = Command::new("sh").args(["-ec", script]).output().expect("there is a shell");
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
}

impl Nodes {
    pub(crate) fn start(troubles: &[Trouble]) -> Self {
        shell(&format!(
            "ip link set lo up
             ip address replace {CHECKER}/32 dev lo
             ip address replace {CHECKER6}/128 dev lo
             sysctl -q -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
             sysctl -q -w net.ipv6.conf.default.accept_dad=0"
        ));
        let mut nodes = Self(Vec::new());
        for (place, trouble) in troubles.iter().enumerate() {
            nodes.0.push(node(place, *trouble));
        }
        nodes
    }

    pub(crate) fn addresses(&self, of_ipv6: bool) -> Vec<Node> {
        let node = |(place, name): (usize, &&str)| {
            let address = if of_ipv6 { format!("2001:db8:{place}::2") } else { format!("10.9.{place}.2") };
            Node { name: (*name).to_owned(), address: address.parse().expect("an address") }
        };
        ["one", "two", "three"].iter().take(self.0.len()).enumerate().map(node).collect()
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        for (place, child) in self.0.iter_mut().enumerate() {
            // It may have ended already, and its link with it.
            let _ = child.kill();
            let _ = child.wait();
            let _ = Command::new("ip").args(["link", "delete", &format!("to{place}")]).output();
        }
    }
}

fn node(place: usize, trouble: Trouble) -> Child {
    let said = match trouble {
        Trouble::None | Trouble::Forgotten => String::new(),
        Trouble::WayTo(gateway) => gateway.to_string(),
    };
    let mut child = Command::new("unshare")
        .args(["--net", "--"])
        .arg(std::env::current_exe().expect("a program knows its file"))
        .args(["be_a_node", "--exact", "--ignored", "--nocapture"])
        .env(TROUBLE, said)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("`unshare` was found before");
    // It has its namespace once it runs; then it waits for its link.
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let mut says = |word: &str| {
        assert!(
            lines.by_ref().map_while(Result::ok).any(|line| line.contains(word)),
            "the node's process ended"
        );
    };
    says(READY);
    let process = child.id();
    let vips = match trouble {
        Trouble::Forgotten => "",
        Trouble::None | Trouble::WayTo(_) => {
            "ip address add 203.0.113.10/32 dev lo && ip address add 2001:db8::10/128 dev lo"
        }
    };
    shell(&format!(
        "ip link add to{place} type veth peer name eth0 netns {process}
         ip address add 10.9.{place}.1/24 dev to{place}
         ip address add 2001:db8:{place}::1/64 dev to{place} nodad
         ip link set to{place} up
         nsenter --net=/proc/{process}/ns/net -- sh -ec '
             sysctl -q -w net.ipv6.conf.eth0.accept_dad=0
             ip link set lo up
             ip address add 10.9.{place}.2/24 dev eth0
             ip address add 2001:db8:{place}::2/64 dev eth0 nodad
             ip link set eth0 up
             ip route add default via 10.9.{place}.1
             ip route add default via 2001:db8:{place}::1
             {vips}'"
    ));
    child.stdin.as_mut().expect("it is piped").write_all(b"go\n").expect("it reads");
    says(LISTENS);
    child
}

/// What a node's process does: answers in the name of the gateway that the model picks.
pub(crate) fn be_one() {
    println!("{READY}");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).expect("the test writes");
    let broken = std::env::var(TROUBLE).unwrap_or_default();
    let (key, subjects) = load(super::file()).expect("a valid file");
    let mut tables = TableCache::default();
    let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, 7_000)).expect("nobody else is here");
    println!("{LISTENS}");
    for stream in listener.incoming() {
        let Ok(mut stream) = stream else { continue };
        let (Ok(from), Ok(to)) = (stream.peer_addr(), stream.local_addr()) else { continue };
        let (from, to) = (plain(from), plain(to));
        let Some(subject) = subjects.iter().find(|subject| subject.service.address.address == to.ip()) else {
            continue;
        };
        let service = &subject.service;
        let scheduler = Scheduler::new(service, key, &mut tables, None).expect("a small table");
        let flow = FlowKey::new(Protocol::TCP, addresses(from.ip(), to.ip()), from.port(), to.port());
        let gateway = service.backends[scheduler.schedule(&flow).expect("all take flows")].endpoint.address;
        if gateway.to_string() == broken {
            continue;
        }
        let mut question = [0; 4];
        if stream.read_exact(&mut question).is_ok() {
            // The check may have gone: that is its right.
            let _ = stream.write_all(format!("gateway {gateway}").as_bytes());
            let _ = stream.read(&mut question);
        }
    }
}

/// An IPv4 address as such, not as one of IPv6.
fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

fn addresses(source: IpAddr, destination: IpAddr) -> Addresses {
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => Addresses::V4 { source, destination },
        (IpAddr::V6(source), IpAddr::V6(destination)) => Addresses::V6 { source, destination },
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {
            Addresses::V4 { source: Ipv4Addr::UNSPECIFIED, destination: Ipv4Addr::UNSPECIFIED }
        }
    }
}
