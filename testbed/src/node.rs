//! A node, whatever it is made of: our agent, or `ipvsadm` and BIRD to compare with.
//!
//! Scenarios know only this.

mod reference;

use std::net::IpAddr;
use std::time::Duration;

use crate::namespace::Namespace;
use crate::services::Services;
use crate::topology::{node, node6, revive};
use reference::Reference;

/// What nodes are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
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
    Reference(Reference<'a>),
}

impl<'a> Node<'a> {
    /// A node that does not run yet.
    pub(crate) const fn new(kind: Kind, namespace: &'a Namespace, index: usize) -> Self {
        let inner = match kind {
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
            Inner::Reference(node) => node.start(services),
        }
    }

    /// Gives it other services while it runs.
    pub(crate) fn apply(&mut self, services: &Services) -> anyhow::Result<()> {
        match &mut self.inner {
            Inner::Reference(node) => node.apply(services),
        }
    }

    /// Its services in the order in which it added them, as an LB file.
    pub(crate) fn printed(&self) -> anyhow::Result<String> {
        match &self.inner {
            Inner::Reference(node) => Ok(node.printed()),
        }
    }

    /// Kills its programs as a fault does; the kernel keeps what it has.
    pub(crate) fn kill(&mut self) {
        match &mut self.inner {
            Inner::Reference(node) => node.kill(),
        }
    }

    /// Ends its programs in order; how long that took.
    pub(crate) fn terminate(&mut self, patience: Duration) -> anyhow::Result<Option<Duration>> {
        match &mut self.inner {
            Inner::Reference(node) => node.terminate(patience),
        }
    }

    /// Whether its programs run, and what they said last if not.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        match &mut self.inner {
            Inner::Reference(node) => node.check(),
        }
    }

    /// Takes the whole machine off the network, without a farewell.
    pub(crate) fn host_down(&mut self) -> anyhow::Result<()> {
        self.namespace.ip("link set upper down\n")?;
        self.kill();
        Ok(())
    }

    /// Puts the machine back and forgets what its kernel held, as a boot does.
    pub(crate) fn host_up(&self) -> anyhow::Result<()> {
        self.namespace.output("/bin/ipvsadm", &["-C"], "")?;
        revive(self.namespace, "a", self.index)
    }
}
