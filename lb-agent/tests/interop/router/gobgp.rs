//! GoBGP 3: its configuration, and its client over gRPC in the router's namespace.

use std::collections::BTreeSet;

use super::Router;
use crate::eventually;
use crate::process::{Process, output};

pub(super) fn start(router: &mut Router<'_>, restarted: bool) {
    let password = if router.settings.password { "auth-password = \"sesame\"" } else { "" };
    let secured = if router.settings.secured {
        "[neighbors.ttl-security.config]\n    enabled = true\n    ttl-min = 255"
    } else {
        ""
    };
    let family = |name: &str| {
        format!(
            "  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = \"{name}\"
    [neighbors.afi-safis.mp-graceful-restart.config]
      enabled = true\n"
        )
    };
    let text = format!(
        "[global.config]
  as = 64500
  router-id = \"192.0.2.1\"
  local-address-list = [\"10.9.0.1\"]
[[neighbors]]
  [neighbors.config]
    neighbor-address = \"10.9.0.2\"
    peer-as = 64512
    {password}
  {secured}
  [neighbors.timers.config]
    connect-retry = 1
    idle-hold-time-after-reset = 1
  [neighbors.graceful-restart.config]
    enabled = true
    restart-time = 60
{}{}",
        family("ipv4-unicast"),
        family("ipv6-unicast"),
    );
    let file = router.folder.path().join("gobgpd.toml");
    std::fs::write(&file, text).unwrap();
    let mut command = router.link.in_router("gobgpd");
    command.arg("-f").arg(file).args(["-t", "toml", "--api-hosts", "127.0.0.1:50051", "--pprof-disable"]);
    if restarted {
        command.arg("-r");
    }
    router.processes.push(Process::start(command));
    eventually(super::Duration::from_secs(5), "gobgp is answered", || {
        ask(router, &["neighbor"]).contains("10.9.0.2").then_some(())
    });
    if router.settings.route {
        ask(router, &["global", "rib", "add", "192.0.2.0/24", "nexthop", "10.9.0.1"]);
    }
}

pub(super) fn ask(router: &Router<'_>, question: &[&str]) -> String {
    output(router.link.in_router("gobgp").args(question))
}

pub(super) fn prefixes(router: &Router<'_>) -> BTreeSet<String> {
    let families = ["ipv4", "ipv6"];
    let answers = families.map(|family| ask(router, &["neighbor", "10.9.0.2", "adj-in", "-a", family]));
    let words = answers.iter().flat_map(|answer| answer.split_whitespace());
    words.filter(|word| word.contains('/')).map(str::to_owned).collect()
}
