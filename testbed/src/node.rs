//! A node as scenarios know it: its machine, and our agent on it.

mod agent;

use std::net::IpAddr;
use std::time::Duration;

use crate::foreign;
use crate::namespace::Namespace;
use crate::services::Services;
use crate::topology::{node, node6, revive};
use agent::Agent;

/// One node.
#[derive(Debug)]
pub(crate) struct Node<'a> {
    pub(crate) namespace: &'a Namespace,
    pub(crate) index: usize,
    agent: Agent<'a>,
}

impl<'a> Node<'a> {
    /// A node that does not run yet.
    pub(crate) const fn new(namespace: &'a Namespace, index: usize) -> Self {
        Self { namespace, index, agent: Agent::new(namespace, index) }
    }

    /// Its addresses towards the router.
    pub(crate) fn addresses(&self) -> (IpAddr, IpAddr) {
        (node(self.index).into(), node6(self.index).into())
    }

    /// Starts its agent; what the kernel holds is left to it.
    pub(crate) fn start(&mut self, services: &Services) -> anyhow::Result<()> {
        self.agent.start(services, false)
    }

    /// Gives it other services while it runs.
    pub(crate) fn apply(&mut self, services: &Services) -> anyhow::Result<()> {
        self.agent.apply(services)
    }

    /// Its services in the order in which it added them, as an LB file.
    pub(crate) fn printed(&self) -> anyhow::Result<String> {
        self.agent.printed()
    }

    /// Kills its agent as a fault does; the kernel keeps what it has.
    pub(crate) fn kill(&mut self) {
        self.agent.kill();
    }

    /// Ends its agent in order; how long that took.
    pub(crate) fn terminate(&mut self, patience: Duration) -> anyhow::Result<Option<Duration>> {
        self.agent.terminate(patience)
    }

    /// Whether its agent runs, and what it said last if not.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        self.agent.check()
    }

    /// What its agent said last.
    pub(crate) fn last_words(&self, count: usize) -> String {
        self.agent.last_words(count)
    }

    /// Takes the whole machine off the network, without a farewell.
    pub(crate) fn host_down(&mut self) -> anyhow::Result<()> {
        self.namespace.ip("link set upper down\n")?;
        self.kill();
        Ok(())
    }

    /// Puts the machine back and forgets what its kernel held, as a boot does.
    pub(crate) fn host_up(&mut self) -> anyhow::Result<()> {
        self.namespace.output("/bin/ipvsadm", &["-C"], "")?;
        self.namespace.ip("address flush dev lo scope global\n")?;
        revive(self.namespace, "a", self.index)?;
        foreign::plant(self.namespace, self.index)
    }

    /// Starts its agent so that it takes away what it made when it ends.
    pub(crate) fn start_to_clean(&mut self, services: &Services) -> anyhow::Result<()> {
        self.agent.start(services, true)
    }

    /// How the agent says it stands.
    pub(crate) fn status(&mut self) -> anyhow::Result<serde_json::Value> {
        self.agent.status()
    }

    /// Asks the agent over its socket.
    pub(crate) fn ask(&mut self, request: &serde_json::Value) -> anyhow::Result<serde_json::Value> {
        self.agent.ask(request)
    }

    /// Puts a text in the place of the agent's file; what the agent says of it.
    pub(crate) fn spoil(&mut self, text: &str) -> anyhow::Result<serde_json::Value> {
        self.agent.spoil(text)
    }
}
