//! `pick --config LB [FLOWS]`: which backend gets each flow, and why.
//!
//! Rows are independent: each is the first packet of a new flow at an empty
//! node, so the scheduler alone decides and nothing is remembered.

mod flows;

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;

use lb_core::FlowKey;
use lb_core::config::{Config, ServiceAddress, ServiceConfig};
use lb_core::director::DropReason;
use lb_core::identity::Endpoint;
use lb_core::scheduler::{ScheduleTrace, Scheduler};
use lb_core::table::TableCache;
use serde::Serialize;

use super::{Stop, lb_config_of, read_apart, scheduler_of};
use crate::cli::Pick;
use crate::output::{Format, Output};
use crate::progress::Progress;
use files::{Fault, Source};
use flows::{COLUMNS, Row};

/// One row of the answer.
#[derive(Debug, Serialize)]
struct Picked<'a> {
    proto: &'a str,
    src: IpAddr,
    sport: u16,
    dst: IpAddr,
    dport: u16,
    /// Absent if no backend gets the flow.
    backend: Option<String>,
    why: String,
}

pub(super) fn run(arguments: &Pick, out: &mut Output) -> Result<(), Stop> {
    read_apart(("--config", &arguments.config), [("FLOWS", arguments.flows.as_path())])?;
    let reading = Progress::new(0, READING);
    let source = Source::read(&arguments.config)?;
    let config = lb_config_of(&source)?;
    let services = Services::of(&source, &config)?;
    let flows = Source::read(&arguments.flows)?;
    let rows = flows::read(&flows)?;
    drop(reading);
    // every row is read before the first answer: a bad row must not leave half a file behind
    let picking = Progress::new(rows.len() as u64, PICKING);
    let mut answers = Vec::with_capacity(rows.len());
    for (done, row) in (1..).zip(&rows) {
        answers.push(picked(row, &services));
        if done % STRIDE == 0 {
            picking.update(done);
        }
    }
    drop(picking);
    match out.format() {
        Format::Json => out.json(&answers)?,
        Format::Text => write_csv(answers, out)?,
    }
    Ok(())
}

const READING: &str = "{spinner} reading, {elapsed}";
const PICKING: &str = "{bar:30} {human_pos} of {human_len} flows, {eta} left";
/// Telling how far it is costs more than picking one.
const STRIDE: u64 = 1_024;

/// The services of a configuration with their schedulers, by address.
#[derive(Debug)]
struct Services<'a>(BTreeMap<ServiceAddress, (&'a ServiceConfig, Scheduler)>);

impl<'a> Services<'a> {
    fn of(source: &Source, config: &'a Config) -> Result<Self, Fault> {
        let mut tables = TableCache::default();
        let with_scheduler = |(position, service): (usize, &'a ServiceConfig)| {
            let scheduler = scheduler_of(source, &config.hash_key, position, service, &mut tables)?;
            Ok((service.address, (service, scheduler)))
        };
        config.services.iter().enumerate().map(with_scheduler).collect::<Result<_, Fault>>().map(Self)
    }
}

fn picked<'a>(row: &'a Row, services: &Services<'_>) -> Picked<'a> {
    let (backend, why) = decide(&row.flow, services);
    let (src, dst) = (row.flow.source(), row.flow.destination());
    let (sport, dport) = (row.flow.source_port(), row.flow.destination_port());
    let backend = backend.map(|backend| backend.to_string());
    Picked { proto: &row.protocol, src, sport, dst, dport, backend, why }
}

fn write_csv(picked: Vec<Picked<'_>>, out: &mut Output) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(COLUMNS.iter().chain(&["backend", "why"]))?;
    for row in picked {
        let [src, dst] = [row.src, row.dst].map(|address| address.to_string());
        let [sport, dport] = [row.sport, row.dport].map(|port| port.to_string());
        let backend = row.backend.as_deref().unwrap_or_default();
        writer.write_record([row.proto, &src, &sport, &dst, &dport, backend, &row.why])?;
    }
    writer.flush()
}

/// The backend of a new flow, and why.
fn decide(flow: &FlowKey, services: &Services<'_>) -> (Option<Endpoint>, String) {
    let address = ServiceAddress::new(flow.destination(), flow.destination_port(), flow.protocol());
    let Some((service, scheduler)) = services.0.get(&address) else {
        return (None, format!("no service {address}"));
    };
    // the scheduler would answer, but a node never asks it about such a flow
    if !flow.addresses().has_usable_source() {
        return (None, DropReason::UnusableSource.name().to_owned());
    }
    let kind = service.scheduler.name();
    let ScheduleTrace { slot, size, holder, looked_at, backend, .. } = scheduler.explain(flow);
    // no commas: the answer is CSV, and people cut it with simple tools
    let why = match (holder, backend) {
        (_, None) if scheduler.table().members().is_empty() => format!("{kind}: no backend takes new flows"),
        (Some(holder), Some(backend)) if holder == backend => format!("{kind} slot {slot} of {size}"),
        (Some(holder), Some(_)) => {
            format!(
                "{kind} slot {slot} of {size}: {holder} takes no new flows; fallback found it at look {looked_at}"
            )
        }
        (Some(holder), None) if looked_at > 1 => {
            format!(
                "{kind} slot {slot} of {size}: {holder} takes no new flows; nor did {looked_at} looks find another"
            )
        }
        (Some(holder), None) => format!("{kind} slot {slot} of {size}: {holder} takes no new flows"),
        (None, _) => format!("{kind} slot {slot} of {size}: nobody holds it"),
    };
    (backend, why)
}
