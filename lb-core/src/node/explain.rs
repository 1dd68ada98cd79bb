//! Which backend a new flow gets on this node, and by which table: the model of its kernel, asked.
//!
//! The kernel's schedulers are modelled bit by bit, and the node knows what the
//! kernel is to hold; so what is explained here is what the kernel will do,
//! but for flows that it has in its connection table already.

use core::fmt;

use super::Node;
use crate::config::ServiceAddress;
use crate::flow::FlowKey;
use crate::identity::Endpoint;
use crate::ipvs::mirror_service;
use crate::scheduler::{ScheduleTrace, Scheduler};
use crate::table::{Digest, TableCache};

/// Where a new flow goes, step by step; prints a step a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The service that the flow is to.
    pub service: ServiceAddress,
    /// The name of its table.
    pub table: Digest,
    /// The way through it.
    pub trace: ScheduleTrace,
    /// The backend, by its configured name; `None` if nobody takes the flow.
    pub backend: Option<Endpoint>,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ScheduleTrace { slot, size, holder, looked_at, .. } = &self.trace;
        writeln!(f, "service {}", self.service)?;
        writeln!(f, "table {}", self.table)?;
        match holder {
            Some(holder) => writeln!(f, "slot {slot} of {size}: held by {holder}")?,
            None => writeln!(f, "slot {slot} of {size}: nobody holds it")?,
        }
        if *looked_at > 1 {
            writeln!(f, "which takes no new flows; the fallback looked at {looked_at} slots")?;
        }
        match self.backend {
            Some(backend) => write!(f, "backend {backend}"),
            None => f.write_str("no backend: nobody takes the flow"),
        }
    }
}

impl Node {
    /// Where a new flow goes; `None` if it is to no service of this node.
    #[must_use]
    pub fn explain(&self, flow: &FlowKey) -> Option<Explanation> {
        let service = ServiceAddress::new(flow.destination(), flow.destination_port(), flow.protocol());
        let scheduler = self.model(service)?;
        let trace = scheduler.explain(flow);
        // under a tunnel destinations of one address are one backend, on the service's port
        let backend = trace.backend.map(|unit| Endpoint::new(unit.address, service.port));
        Some(Explanation { service, table: scheduler.table().digest(), trace, backend })
    }

    /// The name of a service's table as the kernel is to fill it: equal on all nodes that place flows alike.
    #[must_use]
    pub fn table_digest(&self, service: ServiceAddress) -> Option<Digest> {
        self.model(service).map(|scheduler| scheduler.table().digest())
    }

    /// The model of a service as the kernel is to hold it.
    fn model(&self, address: ServiceAddress) -> Option<Scheduler> {
        let wanted = self.desired.get(&address)?;
        let (_, kernel) = super::program::of_kernel((&address, wanted))?;
        let config = mirror_service(&wanted.config, &kernel);
        let key = self.config.lb.hash_key;
        Scheduler::new(&config, key, &mut TableCache::default(), None).ok()
    }
}
