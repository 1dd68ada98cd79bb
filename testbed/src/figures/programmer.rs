//! What the agent does with a kernel: list it, plan, write, and believe what was written.
//!
//! The same pieces in the same order as in the daemon, on one thread, each
//! step's cost taken.

use std::fmt;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use lb_core::ipvs::{Command, Desired, DesiredService, Observed, Ownership, Plan, Repair, ServiceKey, plan};
use lb_core::node::{Snapshot, Write};
use lb_netlink::ipvs::blocking::Client;
use lb_netlink::ipvs::planned;
use lb_netlink::socket::OnFailure;

use super::meter::{Cost, Counts, Metered, seconds};
use super::{content, timed};
use crate::report::Report;

/// Commands between two words to the host, which takes a silent guest for a dead one.
const STRETCH: usize = 64 * 128;

/// One namespace's IPVS, as an agent has it in hand.
pub(super) struct Programmer {
    client: Client<Metered>,
    counts: Arc<Counts>,
    believed: Snapshot,
    ownership: Ownership,
}

/// What a reconciliation cost.
#[derive(Clone, Debug)]
pub(super) struct Work {
    /// Planning alone.
    pub(super) planning: Duration,
    /// All of it.
    pub(super) cost: Cost,
    /// What was written.
    pub(super) writes: usize,
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (planning {})", self.cost, seconds(self.planning))
    }
}

impl Programmer {
    /// In the network namespace of this thread.
    pub(super) fn open() -> anyhow::Result<Self> {
        let counts = Arc::new(Counts::default());
        let client = Client::new(Metered::open(Arc::clone(&counts))?)?;
        Ok(Self { client, counts, believed: Snapshot::default(), ownership: content::ownership()? })
    }

    /// Lists everything and believes it.
    pub(super) fn list(&mut self) -> anyhow::Result<Cost> {
        let before = self.counts.cost();
        let (time, tables) = timed(|| self.client.snapshot().map(|tables| planned::observed(&tables)));
        self.believed.ipvs = tables?;
        Ok(self.counts.cost().since(&before, time))
    }

    /// What is to be written.
    pub(super) fn planned(&self, desired: &Desired) -> Plan {
        plan(&self.believed.ipvs, desired, &self.ownership, Repair::Now)
    }

    /// What the kernel is believed to hold.
    pub(super) const fn believed(&self) -> &Observed {
        &self.believed.ipvs
    }

    /// Plans from what is believed, and writes.
    pub(super) fn reconcile(&mut self, desired: &Desired, report: &Report) -> anyhow::Result<Work> {
        let before = self.counts.cost();
        let start = Instant::now();
        let (planning, plan) = timed(|| self.planned(desired));
        self.write(&plan.commands, report, None)?;
        let cost = self.counts.cost().since(&before, start.elapsed());
        Ok(Work { planning, cost, writes: plan.commands.len() })
    }

    /// The same for one service that changed, as the node does it: the others are not looked at.
    pub(super) fn change(
        &mut self,
        (key, service): &(ServiceKey, DesiredService),
        report: &Report,
    ) -> anyhow::Result<Work> {
        let before = self.counts.cost();
        let start = Instant::now();
        let (planning, plan) = timed(|| {
            let found = self.believed.ipvs.services.get(key);
            let observed =
                Observed { services: found.map(|found| (*key, found.clone())).into_iter().collect() };
            let desired = Desired { services: [(*key, service.clone())].into() };
            plan(&observed, &desired, &self.ownership, Repair::Now)
        });
        self.write(&plan.commands, report, None)?;
        let cost = self.counts.cost().since(&before, start.elapsed());
        Ok(Work { planning, cost, writes: plan.commands.len() })
    }

    /// Deletes everything and writes it anew, for so long; how many writes that were.
    pub(super) fn rewrite(
        &mut self,
        desired: &Desired,
        patience: Duration,
        report: &Report,
    ) -> anyhow::Result<(usize, Cost)> {
        let commands = plan(&Observed::default(), desired, &self.ownership, Repair::Now).commands;
        self.client.flush()?;
        self.believed = Snapshot::default();
        let before = self.counts.cost();
        let (time, written) = timed(|| self.write(&commands, report, Some(patience)));
        Ok((written?, self.counts.cost().since(&before, time)))
    }

    /// Writes in order, and believes what was written; with `patience`, as much as fits it.
    fn write(
        &mut self,
        commands: &[Command],
        report: &Report,
        patience: Option<Duration>,
    ) -> anyhow::Result<usize> {
        let start = Instant::now();
        let stretch = if patience.is_some() { 128 } else { STRETCH };
        let (mut written, mut told) = (0, Instant::now());
        for run in commands.chunk_by(|one, other| is_message(one) && is_message(other)) {
            for part in run.chunks(stretch) {
                self.write_part(part)?;
                written += part.len();
                if told.elapsed() > Duration::from_secs(10) {
                    told = Instant::now();
                    report.remark(&format!("{written} of {} written", commands.len()));
                }
                if patience.is_some_and(|patience| start.elapsed() > patience) {
                    return Ok(written);
                }
            }
        }
        Ok(written)
    }

    fn write_part(&mut self, part: &[Command]) -> anyhow::Result<()> {
        if let [Command::SetExpireNodestConn { value }] = part {
            fs::write("/proc/sys/net/ipv4/vs/expire_nodest_conn", if *value { "1" } else { "0" })?;
        } else {
            let messages: Vec<_> = part.iter().filter_map(planned::command).collect();
            let written = self.client.execute_until(&messages, OnFailure::Stop)?;
            let refused = written.failures.first().map(|failure| failure.refused.to_string());
            ensure!(refused.is_none(), "refused: {}", refused.unwrap_or_default());
        }
        part.iter().for_each(|command| self.believed.apply(&Write::Ipvs(command.clone())));
        Ok(())
    }
}

fn is_message(command: &Command) -> bool {
    !matches!(command, Command::SetExpireNodestConn { .. })
}
