//! The guest's flows once more, by the command that people use: `overspill pick`.
//!
//! In the guest the backends are compared with what `lb_core` says there; here
//! the very program is run, on the file that the agent printed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context as _, ensure};

use super::protocol::{Event, Flows, Row, Transcript};
use crate::test::cargo;

/// A row for each file of services that flows were reported for.
pub(super) fn rows(root: &Path, folder: &Path, transcript: &Transcript) -> anyhow::Result<Vec<Row>> {
    let mut files: BTreeMap<&str, (&str, Vec<&Flows>)> = BTreeMap::new();
    for event in transcript.events() {
        match event {
            Event::Services { name, file } => {
                files.entry(name).or_default().0 = file;
            }
            Event::Flows(flows) => files.entry(&flows.services).or_default().1.push(flows),
            Event::Ready { .. }
            | Event::Begin { .. }
            | Event::Again { .. }
            | Event::Row(_)
            | Event::Remark { .. }
            | Event::Figure { .. }
            | Event::End => {}
        }
    }
    files.retain(|_, (_, flows)| !flows.is_empty());
    let mut rows = Vec::new();
    if files.is_empty() {
        return Ok(rows);
    }
    println!("asking `overspill pick` about the flows");
    let status =
        cargo().args(["build", "--locked", "--quiet", "--package", "overspill"]).current_dir(root).status();
    ensure!(status.is_ok_and(|status| status.success()), "`overspill` could not be built");
    for (name, (file, flows)) in files {
        let start = Instant::now();
        let (agreed, all) = compare(root, folder, name, file, &flows)?;
        rows.push(Row {
            scenario: format!("overspill pick, {name}"),
            expected: format!("{all} of {all} flows where it says"),
            got: format!("{agreed} of {all}"),
            pass: agreed == all,
            seconds: start.elapsed().as_secs_f64(),
        });
    }
    Ok(rows)
}

/// How many of the flows went where `pick` says, and how many there were.
fn compare(
    root: &Path,
    folder: &Path,
    name: &str,
    file: &str,
    flows: &[&Flows],
) -> anyhow::Result<(usize, usize)> {
    let stem = name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
    let (config, csv) = (folder.join(format!("{stem}.yaml")), folder.join(format!("{stem}.csv")));
    fs::write(&config, file).with_context(|| format!("{}", config.display()))?;
    let (text, taken) = listed(flows)?;
    fs::write(&csv, text).with_context(|| format!("{}", csv.display()))?;
    let output = cargo()
        .args(["run", "--locked", "--quiet", "--package", "overspill", "--", "pick", "--config"])
        .args([&config, &csv])
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()
        .context("could not start cargo")?;
    ensure!(output.status.success(), "`overspill pick` failed on {}", config.display());
    let picked = String::from_utf8(output.stdout).context("`pick` printed no text")?;
    let picked: Vec<&str> = picked.lines().skip(1).filter_map(|line| line.split(',').nth(5)).collect();
    ensure!(picked.len() == taken.len(), "`pick` answered {} of {} flows", picked.len(), taken.len());
    let agreed = picked.iter().zip(&taken).filter(|(picked, taken)| address(picked) == **taken).count();
    Ok((agreed, taken.len()))
}

/// The address of an endpoint; its port is a name that the kernel's scheduler hashes and no packet carries.
fn address(endpoint: &str) -> Option<IpAddr> {
    endpoint.parse::<SocketAddr>().ok().map(|endpoint| endpoint.ip())
}

/// The flows as `pick` reads them, and for each the backend that got it.
fn listed(flows: &[&Flows]) -> anyhow::Result<(String, Vec<Option<IpAddr>>)> {
    let mut text = "proto,src,sport,dst,dport\n".to_owned();
    let mut taken = Vec::new();
    for flows in flows {
        for (port, digit) in (flows.first_port..).zip(flows.taken.chars()) {
            let Flows { protocol, source, vip, port: vip_port, .. } = flows;
            writeln!(text, "{protocol},{source},{port},{vip},{vip_port}").expect("text grows");
            let backend = digit.to_digit(10).and_then(|digit| flows.backends.get(digit as usize));
            ensure!(backend.is_some() || digit == '-', "the guest named a backend `{digit}` without address");
            taken.push(backend.copied());
        }
    }
    Ok((text, taken))
}
