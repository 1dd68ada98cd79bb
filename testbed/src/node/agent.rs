//! A node as we make them: `lb-agent`, its file, and its control socket.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::IpAddr;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};

use crate::namespace::Namespace;
use crate::process::Process;
use crate::router::{BFD_INTERVAL, BFD_MULTIPLIER, NODE_AS, ROUTER_AS};
use crate::services::{Services, health_document};
use crate::topology::{OWNED, node, node6, octet};

const PROGRAM: &str = "/bin/lb-agent";
/// An agent that has not done what its file says by then does not.
const PATIENCE: Duration = Duration::from_secs(15);

/// A node with our agent.
#[derive(Debug)]
pub(super) struct Agent<'a> {
    namespace: &'a Namespace,
    index: usize,
    process: Option<Process>,
    generation: u64,
}

impl<'a> Agent<'a> {
    pub(super) const fn new(namespace: &'a Namespace, index: usize) -> Self {
        Self { namespace, index, process: None, generation: 0 }
    }

    pub(super) fn start(&mut self, services: &Services, cleans_up: bool) -> anyhow::Result<()> {
        self.write(services)?;
        let (file, _) = self.paths();
        let mut command = Command::new(PROGRAM);
        command.args(["run", "--config", &file]);
        if cleans_up {
            command.arg("--cleanup");
        }
        self.process = Some(Process::start(self.namespace, "agent", &mut command)?);
        self.wait()
    }

    pub(super) fn apply(&mut self, services: &Services) -> anyhow::Result<()> {
        self.write(services)?;
        self.ask(&json!({ "ask": "reload" }))?;
        self.wait()
    }

    /// Puts text in the place of its file, and waits until it has read it; what it says of it.
    pub(super) fn spoil(&mut self, text: &str) -> anyhow::Result<Value> {
        let (file, _) = self.paths();
        fs::write(&file, text)?;
        // the answer to this is that it will not
        let _ = self.ask(&json!({ "ask": "reload" }));
        Ok(self.status()?["config"]["refused"].clone())
    }

    /// The file that `overspill pick` is asked with.
    pub(super) fn printed(&self) -> anyhow::Result<String> {
        let (file, _) = self.paths();
        self.namespace.output(PROGRAM, &["check", "--config", &file, "--print-lb"], "")
    }

    pub(super) fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
        }
    }

    pub(super) fn terminate(&mut self, patience: Duration) -> anyhow::Result<Option<Duration>> {
        self.process.take().map_or(Ok(None), |process| process.terminate(patience))
    }

    pub(super) fn last_words(&self, count: usize) -> String {
        self.process.as_ref().map(|process| process.last_words(count)).unwrap_or_default()
    }

    pub(super) fn check(&mut self) -> anyhow::Result<()> {
        if let Some(process) = &mut self.process {
            ensure!(process.is_alive(), "the agent ended: {}", process.last_words(8));
        }
        Ok(())
    }

    /// How it says it stands.
    pub(super) fn status(&self) -> anyhow::Result<Value> {
        self.ask(&json!({ "ask": "status" }))
    }

    /// Asks the running agent over its socket.
    pub(super) fn ask(&self, request: &Value) -> anyhow::Result<Value> {
        let (_, socket) = self.paths();
        let mut stream = UnixStream::connect(&socket).with_context(|| socket.clone())?;
        stream.set_read_timeout(Some(PATIENCE))?;
        writeln!(stream, "{request}")?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line)?;
        let mut answer: Value = serde_json::from_str(&line).with_context(|| format!("answered {line:?}"))?;
        match answer.get_mut("done") {
            Some(done) => Ok(done.take()),
            None => bail!("{} answered {line}", self.namespace.name()),
        }
    }

    fn paths(&self) -> (String, String) {
        let name = self.namespace.name();
        (format!("/tmp/{name}.yaml"), format!("/run/{name}.sock"))
    }

    /// Writes its file with a generation of its own, in the way that editors and deployments do.
    fn write(&mut self, services: &Services) -> anyhow::Result<()> {
        self.generation += 1;
        let (file, socket) = self.paths();
        let document = document(self.index, services, self.generation, &socket);
        let fresh = format!("{file}.new");
        fs::write(&fresh, format!("{document:#}")).context(fresh.clone())?;
        fs::rename(&fresh, &file).context(file)
    }

    /// Waits until the file that was written last is at work in the kernel.
    fn wait(&mut self) -> anyhow::Result<()> {
        let start = Instant::now();
        loop {
            self.check()?;
            // it has no socket at first
            let status = self.status().unwrap_or_default();
            let is_read = status["config"]["generation"] == self.generation;
            if is_read && status["kernel"]["programmed"] == true {
                return Ok(());
            }
            if start.elapsed() > PATIENCE {
                let words = self.last_words(8);
                let (config, kernel) = (&status["config"], &status["kernel"]);
                bail!("{} is not ready: {config} {kernel}\n{words}", self.namespace.name());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The node's whole file.
pub(super) fn document(index: usize, services: &Services, generation: u64, socket: &str) -> Value {
    let number = octet(index);
    let addresses: (IpAddr, IpAddr) = (node(index).into(), node6(index).into());
    let milliseconds = |duration: Duration| format!("{}ms", duration.as_millis());
    let mut document = services.document(addresses);
    document["generation"] = json!(generation);
    document["ownedPrefixes"] = json!(OWNED);
    document["health"] = health_document(services.slow_start);
    // withdrawn and announced again as often as scenarios want
    document["announce"] = json!({ "drainDelay": "300ms", "damping": { "enabled": false } });
    let bfd = milliseconds(BFD_INTERVAL);
    document["bfd"] =
        json!({ "transmitInterval": bfd, "receiveInterval": bfd, "multiplier": BFD_MULTIPLIER });
    document["bgp"] = json!({
        "as": NODE_AS,
        "routerId": addresses.0,
        "peers": [{
            "address": format!("10.1.{number}.1"),
            "as": ROUTER_AS,
            "bfd": true,
            "connectRetry": "1s",
            "idleHoldMax": "2s",
            "nextHop6": addresses.1,
        }],
    });
    document["control"] = json!({ "socket": socket });
    document["log"] = json!({ "level": "info" });
    document
}

#[cfg(test)]
mod tests;
