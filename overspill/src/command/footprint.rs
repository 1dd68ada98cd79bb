//! `footprint FILE... --fleet FLEET`: what each class of proxies will hold, against its budget.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use comfy_table::CellAlignment::{Left, Right};
use mesh_model::access_point::AccessPoint;
use mesh_model::fleet::Target;
use mesh_model::footprint::{Footprint, ProxyClass, ProxySize, Services, ServicesFile, predict};
use mesh_model::labels::Labels;
use mesh_model::name::Name;
use mesh_model::render::{Rendering, render_steered};
use mesh_model::template::Schemas;
use mesh_model::visibility::{Sidecar, sidecar_for};

use super::placed::{fleet_in, rendered, right_templates, some_in, warn_of_workloads};
use super::{Stop, checked, read_apart, tell};
use crate::cli::{self, Kind};
use crate::numbers::{bytes, counted, grouped};
use crate::objects::{Objects, rendering_faults};
use crate::output::{Format, Output, lines, table, wrapped};
use crate::progress::Progress;
use files::{Fault, Severity, Source};

pub(super) fn run(arguments: &cli::Footprint, out: &mut Output) -> Result<(), Stop> {
    let given = || arguments.files.iter().chain(&arguments.fleet).map(PathBuf::as_path);
    if let Some(services) = &arguments.services {
        read_apart(("--services", services), given().map(|path| ("another file", path)))?;
    }
    let counting = Progress::new(0, "{spinner} counting, {elapsed}");
    let objects = Objects::read(given()).map_err(Stop::Faults)?;
    some_in(&objects, &arguments.files)?;
    let fleet = fleet_in(&objects, &arguments.fleet)?;
    warn_of_workloads(&objects, &fleet)?;
    let mut services = services(arguments.services.as_deref())?;
    services.sidecars.extend(sidecars_for_all(&objects));
    let access_points: Vec<AccessPoint> = objects.access_points.iter().map(|one| one.value.clone()).collect();
    services.follow(&access_points, &objects.workloads);
    let schemas = Schemas::embedded();
    right_templates(&objects, &schemas)?;
    let (mut renderings, mut faults): (Vec<Rendering>, Vec<Fault>) = (Vec::new(), Vec::new());
    for access_point in &objects.access_points {
        let steered =
            |value: &AccessPoint, target: &Target<'_>| render_steered(value, target, &fleet, &schemas);
        let one = rendered(access_point, &fleet, &objects.workloads, steered)?;
        faults.extend(rendering_faults(access_point, &one.renderings));
        renderings.extend(one.renderings);
    }
    if !faults.is_empty() {
        drop(counting);
        // a target that cannot be rendered has no objects, which is no size
        tell(&faults, Severity::Error);
        return Err(Stop::AnswerIsNo);
    }
    let footprint = predict(&renderings, &services, &fleet);
    drop(counting);
    match out.format() {
        Format::Json => out.json(&footprint)?,
        Format::Text => show(&footprint, out)?,
    }
    if footprint.is_over() { Err(Stop::AnswerIsNo) } else { Ok(()) }
}

/// The Sidecar for all workloads of each namespace that has one among the objects.
fn sidecars_for_all(objects: &Objects) -> impl Iterator<Item = (Name, Sidecar)> {
    let namespaces = objects.sidecars.iter().map(|sidecar| &sidecar.namespace);
    let of = |name: &Name| sidecar_for(&objects.sidecars, name, &Labels::new(), name).cloned();
    namespaces.filter_map(move |name| Some((name.clone(), of(name)?)))
}

/// The mesh around, as far as a file tells of it.
pub(super) fn services(path: Option<&Path>) -> Result<Services, Fault> {
    match path {
        Some(path) => services_of(&Source::read(path)?),
        None => Ok(Services::try_from(ServicesFile::default()).expect("nothing is wrong with no services")),
    }
}

/// Reads a services file completely.
pub(super) fn services_of(source: &Source) -> Result<Services, Fault> {
    checked(source, Kind::Services, |file: ServicesFile| Services::try_from(file))
}

fn show(footprint: &Footprint, out: &mut Output) -> io::Result<()> {
    let of = |class: ProxyClass| footprint.proxies.iter().filter(move |proxy| proxy.class == class);
    for (title, class) in [("GATEWAYS", ProxyClass::Gateway), ("SIDECARS", ProxyClass::Sidecar)] {
        if of(class).next().is_none() {
            continue;
        }
        let mut table = table(&[
            (title, Left),
            ("CLUSTERS", Right),
            ("ROUTES", Right),
            ("ENDPOINTS", Right),
            ("CONFIG", Right),
            ("MEMORY", Right),
            ("BUDGET", Right),
            ("", Left),
        ]);
        for proxy in of(class) {
            table.add_row([
                format!("{}/{}", proxy.cluster, proxy.namespace),
                grouped(proxy.counts.clusters),
                grouped(proxy.counts.routes),
                grouped(proxy.counts.endpoints),
                bytes(proxy.config_bytes),
                bytes(proxy.memory_bytes),
                proxy.budget_bytes.map_or_else(|| "-".to_owned(), bytes),
                if proxy.over { "OVER".to_owned() } else { String::new() },
            ]);
        }
        writeln!(out, "{}", lines(&table))?;
    }
    write!(out, "{}", wrapped(&verdict(footprint), ""))?;
    footprint.hide.iter().try_for_each(|service| writeln!(out, "  {service}"))?;
    beyond_hiding(footprint, out)
}

/// The budgets that no hiding reaches, with what they would have to be.
fn beyond_hiding(footprint: &Footprint, out: &mut Output) -> io::Result<()> {
    let beyond = || footprint.proxies.iter().filter(|proxy| proxy.is_beyond_hiding());
    let count = beyond().count();
    if count == 0 {
        return Ok(());
    }
    let told = format!(
        "no hiding reaches {}: with all hidden that nothing refers to, these need what stands here; give them that, or take access points away:",
        counted(count, "budget")
    );
    write!(out, "{}", wrapped(&told, ""))?;
    for proxy in beyond() {
        let class = match proxy.class {
            ProxyClass::Gateway => "gateway",
            ProxyClass::Sidecar => "sidecars",
        };
        let least = proxy.least_bytes.map(at_least).unwrap_or_default();
        writeln!(out, "  {class} {}/{}  {least}", proxy.cluster, proxy.namespace)?;
    }
    Ok(())
}

/// Bytes in three digits, rounded up: so many are enough.
fn at_least(least: u64) -> String {
    let step = 10_u64.pow(least.checked_ilog10().unwrap_or_default().saturating_sub(2));
    bytes(least.div_ceil(step).saturating_mul(step))
}

/// What it comes to.
fn verdict(footprint: &Footprint) -> String {
    let with_budget: Vec<&ProxySize> =
        footprint.proxies.iter().filter(|proxy| proxy.budget_bytes.is_some()).collect();
    let over = with_budget.iter().filter(|proxy| proxy.over).count();
    let all = counted(with_budget.len(), "budget");
    if footprint.proxies.is_empty() {
        return "no proxy: no access point has a target in this fleet".to_owned();
    }
    match (with_budget.is_empty(), over, footprint.hide.is_empty()) {
        (true, ..) => "no budget: write proxyMemory to the clusters of the fleet".to_owned(),
        (false, 0, _) => format!("within all of {all}"),
        (false, _, true) => format!("{over} of {all} exceeded"),
        (false, _, false) => format!(
            "{over} of {all} exceeded; hide these services from proxies that do not call them (exportTo, or a Sidecar):"
        ),
    }
}
