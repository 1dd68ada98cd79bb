//! FRR 8: `zebra`, `bfdd` and `bgpd` with their own sockets, and `vtysh`.

use std::collections::BTreeSet;
use std::process::Command;

use super::Router;
use crate::eventually;
use crate::process::{Process, find, output};

pub(super) fn start(router: &mut Router<'_>) {
    // The daemons drop to this user before they write to the folder.
    let owned = Command::new("chown").arg("frr:frr").arg(router.folder.path()).status().unwrap();
    assert!(owned.success());
    std::fs::write(file(router, "empty.conf"), "").unwrap();
    start_daemon(router, "zebra", "empty.conf", &[]);
    let socket = file(router, "zserv.api");
    eventually(super::Duration::from_secs(5), "zebra listens", || socket.exists().then_some(()));
    if router.settings.bfd {
        let control = file(router, "bfdd.sock");
        start_daemon(router, "bfdd", "empty.conf", &["--bfdctl", &control.display().to_string()]);
    }
    let line = |wanted: bool, text: &'static str| if wanted { text } else { "" };
    let text = format!(
        "ip prefix-list own permit 192.0.2.0/24
ipv6 prefix-list none deny any
router bgp 64500
 bgp router-id 192.0.2.1
 no bgp ebgp-requires-policy
 no bgp network import-check
 bgp graceful-restart
 neighbor 10.9.0.2 remote-as 64512
 neighbor 10.9.0.2 timers connect 1
 {password}
 {secured}
 {bfd}
 address-family ipv4 unicast
  {route}
  neighbor 10.9.0.2 prefix-list own out
 exit-address-family
 address-family ipv6 unicast
  neighbor 10.9.0.2 activate
  neighbor 10.9.0.2 prefix-list none out
 exit-address-family\n",
        password = line(router.settings.password, "neighbor 10.9.0.2 password sesame"),
        secured = line(router.settings.secured, "neighbor 10.9.0.2 ttl-security hops 1"),
        bfd = line(router.settings.bfd, "neighbor 10.9.0.2 bfd 3 100 100"),
        route = line(router.settings.route, "network 192.0.2.0/24"),
    );
    std::fs::write(file(router, "bgpd.conf"), text).unwrap();
    start_bgpd(router);
}

pub(super) fn start_bgpd(router: &mut Router<'_>) {
    start_daemon(router, "bgpd", "bgpd.conf", &[]);
    eventually(super::Duration::from_secs(5), "vtysh is answered", || {
        ask(router, "show bgp summary").contains("10.9.0.2").then_some(())
    });
}

fn start_daemon(router: &mut Router<'_>, name: &str, config: &str, more: &[&str]) {
    let mut command = router.link.in_router(find(name).unwrap());
    command.arg("-f").arg(file(router, config)).arg("-i").arg(file(router, &format!("{name}.pid")));
    command.arg("-z").arg(file(router, "zserv.api")).arg("--vty_socket").arg(router.folder.path());
    command.args(["-P", "0", "-u", "frr", "-g", "frr"]).args(more);
    router.processes.push(Process::start(command));
}

pub(super) fn ask(router: &Router<'_>, question: &str) -> String {
    configure(router, &[question])
}

pub(super) fn configure(router: &Router<'_>, lines: &[&str]) -> String {
    let mut command = router.link.in_router("vtysh");
    command.arg("--vty_socket").arg(router.folder.path());
    if lines.len() > 1 {
        command.args(["-c", "configure terminal"]);
    }
    command.args(lines.iter().flat_map(|line| ["-c", line]));
    output(&mut command)
}

pub(super) fn prefixes(router: &Router<'_>) -> BTreeSet<String> {
    let answers = ["ipv4", "ipv6"].map(|family| ask(router, &format!("show bgp {family} unicast json")));
    answers.iter().flat_map(|answer| of_json(answer)).collect()
}

/// The prefixes that come from the node, of FRR's answer in JSON.
fn of_json(answer: &str) -> Vec<String> {
    let Ok(answer) = serde_json::from_str::<serde_json::Value>(answer) else { return Vec::new() };
    let Some(routes) = answer["routes"].as_object() else { return Vec::new() };
    let from_node = |paths: &serde_json::Value| paths.to_string().contains("10.9.0.2");
    routes.iter().filter(|(_, paths)| from_node(paths)).map(|(prefix, _)| prefix.clone()).collect()
}

fn file(router: &Router<'_>, name: &str) -> std::path::PathBuf {
    router.folder.path().join(name)
}
