//! A node, whatever it is made of: our agent, or `ipvsadm` and BIRD to compare with.
//!
//! Scenarios know only this.

mod agent;
mod reference;

use std::net::IpAddr;
use std::time::Duration;

use anyhow::bail;

use crate::foreign;
use crate::namespace::Namespace;
use crate::services::Services;
use crate::topology::{node, node6, revive};
use agent::Agent;
use reference::Reference;

/// What nodes are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Agent,
    Reference,
}

/// One node.
#[derive(Debug)]
pub(crate) struct Node<'a> {
    pub(crate) namespace: &'a Namespace,
    pub(crate) index: usize,
    inner: Inner<'a>,
}

#[derive(Debug)]
enum Inner<'a> {
    Agent(Agent<'a>),
    Reference(Reference<'a>),
}

impl<'a> Node<'a> {
    /// A node that does not run yet.
    pub(crate) const fn new(kind: Kind, namespace: &'a Namespace, index: usize) -> Self {
        let inner = match kind {
            Kind::Agent => Inner::Agent(Agent::new(namespace, index)),
            Kind::Reference => Inner::Reference(Reference::new(namespace, index)),
        };
        Self { namespace, index, inner }
    }

    /// Its addresses towards the router.
    pub(crate) fn addresses(&self) -> (IpAddr, IpAddr) {
        (node(self.index).into(), node6(self.index).into())
    }

    /// Starts its programs; what the kernel holds is left to them.
    pub(crate) fn start(&mut self, services: &Services) -> anyhow::Result<()> {
        match &mut self.inner {
            Inner::Agent(node) => node.start(services, false),
            Inner::Reference(node) => node.start(services),
        }
    }

    /// Gives it other services while it runs.
    pub(crate) fn apply(&mut self, services: &Services) -> anyhow::Result<()> {
        match &mut self.inner {
            Inner::Agent(node) => node.apply(services),
            Inner::Reference(node) => node.apply(services),
        }
    }

    /// Its services in the order in which it added them, as an LB file.
    pub(crate) fn printed(&self) -> anyhow::Result<String> {
        match &self.inner {
            Inner::Agent(node) => node.printed(),
            Inner::Reference(node) => Ok(node.printed()),
        }
    }

    /// Kills its programs as a fault does; the kernel keeps what it has.
    pub(crate) fn kill(&mut self) {
        match &mut self.inner {
            Inner::Agent(node) => node.kill(),
            Inner::Reference(node) => node.kill(),
        }
    }

    /// Ends its programs in order; how long that took.
    pub(crate) fn terminate(&mut self, patience: Duration) -> anyhow::Result<Option<Duration>> {
        match &mut self.inner {
            Inner::Agent(node) => node.terminate(patience),
            Inner::Reference(node) => node.terminate(patience),
        }
    }

    /// Whether its programs run, and what they said last if not.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        match &mut self.inner {
            Inner::Agent(node) => node.check(),
            Inner::Reference(node) => node.check(),
        }
    }

    /// What its programs said last.
    pub(crate) fn last_words(&self, count: usize) -> String {
        match &self.inner {
            Inner::Agent(node) => node.last_words(count),
            Inner::Reference(node) => node.last_words(count),
        }
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
        if let Inner::Reference(node) = &mut self.inner {
            node.forget();
        }
        revive(self.namespace, "a", self.index)?;
        foreign::plant(self.namespace, self.index)
    }

    /// Whether it is our agent.
    pub(crate) const fn is_agent(&self) -> bool {
        matches!(self.inner, Inner::Agent(_))
    }

    fn agent(&mut self) -> anyhow::Result<&mut Agent<'a>> {
        match &mut self.inner {
            Inner::Agent(node) => Ok(node),
            Inner::Reference(_) => bail!("a reference node has no agent to ask"),
        }
    }

    /// Starts its agent so that it takes away what it made when it ends.
    pub(crate) fn start_to_clean(&mut self, services: &Services) -> anyhow::Result<()> {
        self.agent()?.start(services, true)
    }

    /// How the agent says it stands.
    pub(crate) fn status(&mut self) -> anyhow::Result<serde_json::Value> {
        self.agent()?.status()
    }

    /// Asks the agent over its socket.
    pub(crate) fn ask(&mut self, request: &serde_json::Value) -> anyhow::Result<serde_json::Value> {
        self.agent()?.ask(request)
    }

    /// Puts a text in the place of the agent's file; what the agent says of it.
    pub(crate) fn spoil(&mut self, text: &str) -> anyhow::Result<serde_json::Value> {
        self.agent()?.spoil(text)
    }
}
