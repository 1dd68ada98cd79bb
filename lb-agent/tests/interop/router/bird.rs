//! BIRD 2: its configuration, and `birdc`.

use std::collections::BTreeSet;

use super::Router;
use crate::eventually;
use crate::link::{NODE, NODE6, ROUTER, ROUTER6};
use crate::process::{Process, output};

pub(super) fn start(router: &mut Router<'_>, restarted: bool) {
    let settings = router.settings;
    let line = |wanted: bool, text: &'static str| if wanted { text } else { "" };
    let text = format!(
        "router id 192.0.2.1;
log stderr all;
graceful restart wait 10;
protocol device {{ }}
{bfd}
protocol static {{ ipv4; {route} }}
protocol bgp node {{
  local {local} as 64500; neighbor {neighbor} as 64512;
  graceful restart on; connect retry time 1; connect delay time 1; error wait time 1, 1; hold time 9;
  {with_bfd} {password} {secured}
  ipv4 {{ import all; export where source = RTS_STATIC; {next_hop} }};
  ipv6 {{ import all; export none; }};
}}\n",
        local = if settings.over_v6 { ROUTER6 } else { ROUTER },
        neighbor = if settings.over_v6 { NODE6 } else { NODE },
        // over IPv6 it has no address of its own to give
        next_hop = line(settings.over_v6, "next hop address 10.9.0.1;"),
        secured = line(settings.secured, "ttl security on;"),
        bfd = line(
            settings.bfd,
            "protocol bfd { interface \"*\" { min rx interval 100 ms; min tx interval 100 ms; multiplier 3; }; }"
        ),
        route = line(settings.route, "route 192.0.2.0/24 blackhole;"),
        with_bfd = line(settings.bfd, "bfd on;"),
        password = line(settings.password, "password \"sesame\";"),
    );
    let file = router.folder.path().join("bird.conf");
    std::fs::write(&file, text).unwrap();
    let mut command = router.link.in_router("bird");
    command.arg("-f").arg("-c").arg(file).arg("-s").arg(control(router));
    if restarted {
        command.arg("-R");
    }
    router.processes.push(Process::start(command));
    eventually(super::Duration::from_secs(5), "birdc is answered", || {
        ask(router, "show status").contains("up and running").then_some(())
    });
}

pub(super) fn ask(router: &Router<'_>, question: &str) -> String {
    let mut command = router.link.in_router("birdc");
    command.arg("-s").arg(control(router)).args(question.split(' '));
    output(&mut command)
}

pub(super) fn prefixes(router: &Router<'_>) -> BTreeSet<String> {
    let answer = ask(router, "show route protocol node");
    let first = answer.lines().filter_map(|line| line.split(' ').next());
    first.filter(|word| word.contains('/')).map(str::to_owned).collect()
}

fn control(router: &Router<'_>) -> std::path::PathBuf {
    router.folder.path().join("bird.ctl")
}
