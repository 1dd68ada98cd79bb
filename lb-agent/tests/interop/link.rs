//! Two network namespaces and the link between them.
//!
//! ```text
//! node 10.9.0.2, 2001:db8:9::2  <── veth ──>  router 10.9.0.1, 2001:db8:9::1
//! ```

use std::fs::File;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sched::{CloneFlags, setns};

/// The router's address.
pub(crate) const ROUTER: &str = "10.9.0.1";
/// The node's address.
pub(crate) const NODE: &str = "10.9.0.2";
/// The router's other address.
pub(crate) const ROUTER6: &str = "2001:db8:9::1";
/// The node's other address.
pub(crate) const NODE6: &str = "2001:db8:9::2";

/// The names of the namespaces of one process differ by this.
static COUNT: AtomicU32 = AtomicU32::new(0);

/// The two namespaces; removed when dropped.
#[derive(Debug)]
pub(crate) struct Link {
    node: String,
    router: String,
}

impl Link {
    pub(crate) fn new() -> Self {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = |end| format!("interop-{}-{number}-{end}", std::process::id());
        let link = Self { node: name("node"), router: name("router") };
        for namespace in [&link.node, &link.router] {
            ip(&["netns", "add", namespace]);
            ip(&["-n", namespace, "link", "set", "lo", "up"]);
        }
        ip(&[
            "link",
            "add",
            "node0",
            "netns",
            &link.node,
            "type",
            "veth",
            "peer",
            "name",
            "router0",
            "netns",
            &link.router,
        ]);
        for (namespace, device, last) in [(&link.router, "router0", 1), (&link.node, "node0", 2)] {
            ip(&["-n", namespace, "address", "add", &format!("10.9.0.{last}/24"), "dev", device]);
            ip(&[
                "-n",
                namespace,
                "address",
                "add",
                &format!("2001:db8:9::{last}/64"),
                "dev",
                device,
                "nodad",
            ]);
            ip(&["-n", namespace, "link", "set", device, "up"]);
        }
        link
    }

    /// Another address of the router's end.
    pub(crate) fn add_router_address(&self, address: &str) {
        ip(&["-n", &self.router, "address", "add", address, "dev", "router0"]);
    }

    /// A command in the router's namespace.
    pub(crate) fn in_router(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        within(&self.router, program)
    }

    /// A command in the node's namespace.
    pub(crate) fn in_node(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        within(&self.node, program)
    }

    /// Moves this thread into the router's namespace, for sockets that it opens from now on.
    pub(crate) fn enter_router(&self) {
        let namespace = File::open(format!("/run/netns/{}", self.router)).unwrap();
        setns(namespace, CloneFlags::CLONE_NEWNET).unwrap();
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        for namespace in [&self.node, &self.router] {
            let _ = Command::new("ip").args(["netns", "del", namespace]).stderr(Stdio::null()).status();
        }
    }
}

/// Whether namespaces can be made here; else why not.
pub(crate) fn check() -> Result<(), String> {
    let output = Command::new("unshare").args(["-n", "true"]).output();
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(error) => Err(format!("unshare: {error}")),
    }
}

fn within(namespace: &str, program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", namespace]).arg(program);
    command
}

fn ip(arguments: &[&str]) {
    let output = Command::new("ip").args(arguments).output().unwrap();
    assert!(output.status.success(), "ip {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}
