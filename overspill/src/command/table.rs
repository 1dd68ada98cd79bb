//! `table --config LB`: how a table divides the flows among the backends, and
//! what a change would move.

mod moved;

use std::io::{self, Write};
use std::path::Path;

use comfy_table::CellAlignment::{Left, Right};
use lb_core::config::{BackendConfig, BackendState, Config, SchedulerKind, ServiceAddress, ServiceConfig};
use lb_core::identity::Endpoint;
use lb_core::scheduler::Scheduler;
use lb_core::table::TableCache;
use lb_core::{HashKey, Weight};
use serde::{Serialize, Serializer};

use super::{Stop, lb_config_of, read_apart, scheduler_of};
use crate::cli::Table;
use crate::output::{self, Format, Output};
use files::{Fault, Source};
use moved::{Moved, moved};

/// One service's table, in the order of the file.
#[derive(Debug, Serialize)]
struct Division {
    #[serde(serialize_with = "display")]
    service: ServiceAddress,
    digest: String,
    size: usize,
    backends: Vec<Holder>,
    /// Who holds each slot, as an index into `backends`; -1 for nobody.
    slots: Vec<i32>,
    /// With `--against`.
    #[serde(skip_serializing_if = "Option::is_none")]
    moved: Option<Moved>,
    #[serde(skip)]
    rules: Rules,
    #[serde(skip)]
    scheduler: Scheduler,
}

/// What places a flow beside the backends: two tables are comparable slot by slot if these are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rules {
    kind: SchedulerKind,
    /// The kernel's kinds use neither key nor fields.
    own: Option<(HashKey, lb_core::HashFields)>,
}

/// One backend's part.
#[derive(Debug, Serialize)]
struct Holder {
    #[serde(serialize_with = "display")]
    backend: Endpoint,
    weight: u16,
    state: BackendState,
    slots: usize,
    share: f64,
    ideal: f64,
}

fn display<S: Serializer>(value: &impl std::fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

pub(super) fn run(arguments: &Table, out: &mut Output) -> Result<(), Stop> {
    let against = arguments.against.as_deref();
    read_apart(("--config", &arguments.config), against.map(|path| ("--against", path)))?;
    let mut tables = TableCache::default();
    let mut divisions = divisions(&arguments.config, &mut tables)?;
    if let Some(path) = against {
        let others = self::divisions(path, &mut tables)?;
        for division in &mut divisions {
            let other = others.iter().find(|other| other.service == division.service);
            division.moved = Some(moved(division, other));
        }
    }
    if let Some(wanted) = arguments.service {
        let names: Vec<String> = divisions.iter().map(|division| division.service.to_string()).collect();
        divisions.retain(|division| division.service == wanted);
        if divisions.is_empty() {
            let file = arguments.config.display();
            return Err(Stop::Usage(format!(
                "{file} has no service {wanted}; write one of: {}",
                names.join(", ")
            )));
        }
    }
    match out.format() {
        Format::Json => out.json(&divisions)?,
        Format::Text => divisions.iter().enumerate().try_for_each(|(position, division)| {
            if position > 0 {
                writeln!(out)?;
            }
            show(division, out)
        })?,
    }
    Ok(())
}

fn divisions(path: &Path, tables: &mut TableCache) -> Result<Vec<Division>, Fault> {
    let source = Source::read(path)?;
    let config = lb_config_of(&source)?;
    let of = |(position, service)| division(&source, &config, position, service, tables);
    config.services.iter().enumerate().map(of).collect()
}

fn division(
    source: &Source,
    config: &Config,
    position: usize,
    service: &ServiceConfig,
    tables: &mut TableCache,
) -> Result<Division, Fault> {
    let scheduler = scheduler_of(source, &config.hash_key, position, service, tables)?;
    let table = scheduler.table();
    let index = |holder: Option<usize>| holder.map_or(-1, |index| i32::try_from(index).unwrap_or(-1));
    let slots: Vec<i32> = scheduler.slots_by_backend().into_iter().map(index).collect();
    let total = total(&service.backends);
    let mut backends: Vec<Holder> = service.backends.iter().map(|backend| holder(backend, total)).collect();
    for slot in &slots {
        if let Some(holder) = usize::try_from(*slot).ok().and_then(|index| backends.get_mut(index)) {
            holder.slots += 1;
        }
    }
    for holder in &mut backends {
        holder.share = fraction(holder.slots as u64, slots.len() as u64);
    }
    let own = (!service.scheduler.is_ipvs()).then_some((config.hash_key, service.hash_fields));
    Ok(Division {
        service: service.address,
        digest: table.digest().to_string(),
        size: slots.len(),
        backends,
        slots,
        moved: None,
        rules: Rules { kind: service.scheduler, own },
        scheduler,
    })
}

fn holder(backend: &BackendConfig, total: u64) -> Holder {
    let BackendConfig { endpoint, weight: Weight(weight), state } = *backend;
    let ideal = if state == BackendState::Active { fraction(u64::from(weight), total) } else { 0.0 };
    Holder { backend: endpoint, weight, state, slots: 0, share: 0.0, ideal }
}

/// The weights of the active backends together.
fn total(backends: &[BackendConfig]) -> u64 {
    let active = backends.iter().filter(|backend| backend.state == BackendState::Active);
    active.map(|backend| u64::from(backend.weight.0)).sum()
}

/// A part of a whole, 0 of nothing.
#[allow(clippy::cast_precision_loss, reason = "counts of slots and sums of weights are far below 2^53")]
fn fraction(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn show(division: &Division, out: &mut Output) -> io::Result<()> {
    let kind = division.rules.kind.name();
    // enough to see that two nodes agree; JSON has all of it
    let digest: String = division.digest.chars().take(12).collect();
    writeln!(out, "{}  {kind}, {} slots, digest {digest}", division.service, division.size)?;
    if division.backends.is_empty() {
        writeln!(out, "no backends: every packet is dropped")?;
    } else {
        let mut table = output::table(&[
            ("BACKEND", Left),
            ("STATE", Left),
            ("WEIGHT", Right),
            ("SLOTS", Right),
            ("SHARE", Right),
            ("IDEAL", Right),
        ]);
        for holder in &division.backends {
            table.add_row([
                holder.backend.to_string(),
                state(holder.state).to_owned(),
                holder.weight.to_string(),
                holder.slots.to_string(),
                percent(holder.share),
                percent(holder.ideal),
            ]);
        }
        out.write_all(output::lines(&table).as_bytes())?;
    }
    match &division.moved {
        Some(moved) => writeln!(out, "{}", moved.sentence(division.size)),
        None => Ok(()),
    }
}

const fn state(state: BackendState) -> &'static str {
    match state {
        BackendState::Active => "active",
        BackendState::Drain => "drain",
        BackendState::Down => "down",
    }
}

fn percent(fraction: f64) -> String {
    format!("{:.2}%", fraction * 100.0)
}
