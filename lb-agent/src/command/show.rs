//! A status for people: `status` in full, `top` by what flows.

use std::io::Write;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};

use super::Stop;
use crate::status::{Flows, Service, Status};

/// A table without lines: columns two spaces apart, the last `numbers` of them to the right.
fn table(header: &[&str], numbers: usize) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header);
    let (count, last) = (header.len(), header.len().saturating_sub(1));
    for (position, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, if position == last { 0 } else { 2 }));
        if position + numbers >= count {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn print(table: &Table, out: &mut impl Write) -> std::io::Result<()> {
    table.lines().try_for_each(|line| writeln!(out, "{}", line.trim_end()))
}

/// Everything that a person asks first.
pub(super) fn status(status: &Status, out: &mut impl Write) -> Result<(), Stop> {
    head(status, out)?;
    if !status.vips.is_empty() {
        let mut vips = table(&["VIP", "STATE", "KERNEL"], 0);
        for vip in &status.vips {
            let kernel = if vip.programmed { "programmed" } else { "not yet" };
            vips.add_row([vip.vip.to_string(), vip.state.clone(), kernel.to_owned()]);
        }
        writeln!(out)?;
        print(&vips, out)?;
    }
    if !status.sessions.is_empty() {
        let mut sessions = table(&["SESSION", "PEER", "STATE", "LAST ERROR", "SINCE", "ROUTES"], 2);
        for session in &status.sessions {
            sessions.add_row([
                session.protocol.clone(),
                session.peer.clone(),
                session.state.clone(),
                session.last_error.clone().unwrap_or_default(),
                ago(session.since_s),
                session.routes.to_string(),
            ]);
        }
        writeln!(out)?;
        print(&sessions, out)?;
    }
    for service in &status.services {
        writeln!(out)?;
        self::service(service, out)?;
    }
    Ok(())
}

fn head(status: &Status, out: &mut impl Write) -> std::io::Result<()> {
    writeln!(out, "lb-agent {}, {} for {}", status.version, status.state, ago(status.uptime_s))?;
    let config = &status.config;
    writeln!(
        out,
        "file    {}, generation {}, at work for {}",
        config.path,
        config.generation,
        ago(config.age_s)
    )?;
    if let Some(refused) = &config.refused {
        let place = refused.line.map(|line| format!(" line {line}")).unwrap_or_default();
        let field = refused.field.as_ref().map(|field| format!(" {field}:")).unwrap_or_default();
        writeln!(out, "REFUSED {} ago,{place}{field} {}", ago(refused.age_s), refused.message)?;
    }
    let kernel = &status.kernel;
    let state = if kernel.programmed { "programmed" } else { kernel.phase.as_str() };
    writeln!(
        out,
        "kernel  {state}; {} writes, {} drifts repaired, {} failures, {} foreign services",
        kernel.writes,
        kernel.drifts,
        kernel.failures,
        kernel.foreign.len()
    )?;
    match &kernel.last_error {
        Some(error) if !kernel.programmed => writeln!(out, "        {error}"),
        _ => Ok(()),
    }
}

fn service(service: &Service, out: &mut impl Write) -> std::io::Result<()> {
    let share = service.in_service.map(|share| format!(", {:.0} % in service", share * 100.0));
    writeln!(out, "{} {}{}", service.service, service.state, share.unwrap_or_default())?;
    let header = ["  BACKEND", "HEALTH", "TRAFFIC", "WHY", "WEIGHT", "ACTIVE", "CONNECTIONS"];
    let mut backends = table(&header, 3);
    for backend in &service.backends {
        let why = match (&backend.last_failure, backend.drained, backend.path_dead) {
            (_, true, _) => "drained by hand".to_owned(),
            (_, _, true) => "the path to it is dead".to_owned(),
            (Some(failure), ..) => failure.clone(),
            (None, ..) => backend.cause.clone(),
        };
        backends.add_row([
            format!("  {}", backend.backend),
            backend.state.clone(),
            backend.traffic.clone(),
            why,
            format!("{}/{}", backend.weight, backend.full_weight),
            backend.flows.active.to_string(),
            backend.flows.connections.to_string(),
        ]);
    }
    print(&backends, out)
}

/// One screen of what flows.
pub(super) fn top(status: &Status, before: Option<&Status>, out: &mut impl Write) -> Result<(), Stop> {
    head(status, out)?;
    let announced = status.vips.iter().filter(|vip| vip.announced).count();
    let up = status.sessions.iter().filter(|session| session.up).count();
    writeln!(
        out,
        "{announced} of {} VIPs announced, {up} of {} sessions up\n",
        status.vips.len(),
        status.sessions.len()
    )?;
    let header = ["SERVICE", "BACKEND", "STATE", "WEIGHT", "ACTIVE", "NEW/S", "BYTES/S"];
    let mut rows = table(&header, 4);
    for service in &status.services {
        let total = sum(service);
        let [new, bytes] =
            rates(total, before.and_then(|before| find(before, &service.service)).map(sum), status, before);
        rows.add_row([
            service.service.clone(),
            String::new(),
            service.state.clone(),
            String::new(),
            total.active.to_string(),
            new,
            bytes,
        ]);
        for backend in &service.backends {
            let earlier = before.and_then(|before| find(before, &service.service)).and_then(|service| {
                service
                    .backends
                    .iter()
                    .find(|other| other.backend == backend.backend)
                    .map(|found| found.flows)
            });
            let [new, bytes] = rates(backend.flows, earlier, status, before);
            rows.add_row([
                String::new(),
                backend.backend.clone(),
                backend.state.clone(),
                backend.weight.to_string(),
                backend.flows.active.to_string(),
                new,
                bytes,
            ]);
        }
    }
    Ok(print(&rows, out)?)
}

fn find<'a>(status: &'a Status, service: &str) -> Option<&'a Service> {
    status.services.iter().find(|found| found.service == service)
}

fn sum(service: &Service) -> Flows {
    let mut sum = Flows::default();
    service.backends.iter().for_each(|backend| sum += backend.flows);
    sum
}

/// Connections and bytes per second: between two looks, or as the kernel estimates at the first.
fn rates(now: Flows, earlier: Option<Flows>, status: &Status, before: Option<&Status>) -> [String; 2] {
    let seconds = before.map_or(0.0, |before| status.uptime_s - before.uptime_s);
    match earlier {
        Some(earlier) if seconds > 0.0 => {
            #[allow(clippy::cast_precision_loss, reason = "for a person's eyes")]
            let rate = |now: u64, earlier: u64| now.saturating_sub(earlier) as f64 / seconds;
            [rate(now.connections, earlier.connections), rate(now.bytes, earlier.bytes)]
                .map(|rate| format!("{rate:.0}"))
        }
        _ => [now.connections_per_s.to_string(), now.bytes_per_s.to_string()],
    }
}

/// A time for a person: its two largest units.
fn ago(seconds: f64) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "no agent runs that long")]
    let whole = seconds.max(0.0) as u64;
    match (whole / 86_400, whole / 3_600 % 24, whole / 60 % 60, whole % 60) {
        (0, 0, 0, s) => format!("{s}s"),
        (0, 0, m, s) => format!("{m}m {s}s"),
        (0, h, m, _) => format!("{h}h {m}m"),
        (d, h, ..) => format!("{d}d {h}h"),
    }
}
