//! What became of a capture's packets, counted.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};

use comfy_table::CellAlignment::{Left, Right};
use lb_core::director::Director;
use serde::Serialize;

use super::node::Handled;
use crate::output::{lines, table};

/// Counts of a whole capture: the JSON document of `forward`.
#[derive(Debug, Default, Serialize)]
pub(super) struct Summary {
    packets: u64,
    verdicts: Verdicts,
    reasons: Vec<Reason>,
    /// Those that got packets, in file order.
    backends: Vec<BackendSummary>,
    /// From the first packet to the last.
    duration_s: Option<f64>,
    #[serde(skip)]
    counts: BTreeMap<(&'static str, Cow<'static, str>), u64>,
    #[serde(skip)]
    first_and_last_ns: Option<(u64, u64)>,
}

/// Packets by verdict.
#[derive(Debug, Default, Serialize)]
struct Verdicts {
    forward: u64,
    reply: u64,
    pass: u64,
    drop: u64,
}

/// Packets by verdict and reason.
#[derive(Debug, Serialize)]
struct Reason {
    verdict: &'static str,
    reason: Cow<'static, str>,
    packets: u64,
}

/// What a backend would have been sent.
#[derive(Debug, Serialize)]
struct BackendSummary {
    service: String,
    backend: String,
    packets: u64,
    flows: u64,
    /// Of the clients' packets, without the tunnel's headers.
    bytes: u64,
}

impl Summary {
    pub(super) fn count(&mut self, handled: &Handled<'_>) {
        self.packets += 1;
        let time = handled.time_ns;
        let (first, last) = self.first_and_last_ns.unwrap_or((time, time));
        self.first_and_last_ns = Some((first.min(time), last.max(time)));
        *self.counts.entry((handled.verdict_name(), handled.reason())).or_default() += 1;
    }

    /// Adds up, when no more packets come.
    pub(super) fn finish(&mut self, director: &Director) {
        let of = |name| self.counts.iter().filter(|((verdict, _), _)| *verdict == name).map(|(_, n)| n).sum();
        let names = ["forward", "reply", "pass", "drop"];
        let [forward, reply, pass, drop] = names.map(of);
        self.verdicts = Verdicts { forward, reply, pass, drop };
        let reasons =
            names.iter().flat_map(|name| self.counts.iter().filter(move |((verdict, _), _)| verdict == name));
        self.reasons = reasons
            .map(|((verdict, reason), packets)| Reason { verdict, reason: reason.clone(), packets: *packets })
            .collect();
        let ids = director.services().iter().flat_map(|service| service.backends());
        let backends = ids.filter_map(|id| director.backend(*id));
        self.backends = backends
            .filter(|backend| backend.counters().packets > 0)
            .map(|backend| BackendSummary {
                service: backend.service().to_string(),
                backend: backend.endpoint().to_string(),
                packets: backend.counters().packets,
                flows: backend.counters().flows,
                bytes: backend.counters().bytes,
            })
            .collect();
        self.duration_s = self.first_and_last_ns.map(|(first, last)| (last - first) as f64 / 1e9);
    }

    /// For people: verdicts with their reasons, then who was sent what.
    pub(super) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let plural = if self.packets == 1 { "" } else { "s" };
        write!(out, "{} packet{plural}", self.packets)?;
        match self.duration_s {
            Some(duration_s) => writeln!(out, " in {duration_s:.3} s")?,
            None => writeln!(out)?,
        }
        if !self.reasons.is_empty() {
            let mut verdicts = table(&[("VERDICT", Left), ("REASON", Left), ("PACKETS", Right)]);
            for row in &self.reasons {
                verdicts.add_row([row.verdict, &row.reason, &row.packets.to_string()]);
            }
            write!(out, "\n{}", lines(&verdicts))?;
        }
        if !self.backends.is_empty() {
            let header = [
                ("SERVICE", Left),
                ("BACKEND", Left),
                ("PACKETS", Right),
                ("FLOWS", Right),
                ("BYTES", Right),
            ];
            let mut backends = table(&header);
            for row in &self.backends {
                let [packets, flows, bytes] =
                    [row.packets, row.flows, row.bytes].map(|count| count.to_string());
                backends.add_row([&row.service, &row.backend, &packets, &flows, &bytes]);
            }
            write!(out, "\n{}", lines(&backends))?;
        }
        Ok(())
    }
}
