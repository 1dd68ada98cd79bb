//! `forward --config LB IN OUT`: captured packets through the data path, offline.
//!
//! The capture is the world: its packets arrive one by one and its clock is the
//! clock. The [`Director`] decides; here packets are taken out of their frames
//! and verdicts are written down. Nothing is kept of a packet, so a capture may
//! be of any length.

mod node;
mod outputs;
mod paths;
mod summary;

use std::fs::File;
use std::io::{self, BufReader, Read};

use lb_core::director::Director;
use lb_core::table::TableCache;

use super::{Stop, lb_config_of};
use crate::capture::{CaptureError, Reader};
use crate::cli::Forward;
use crate::output::{Format, Output};
use crate::progress::Progress;
use files::{Fault, Source};
use node::Node;
use outputs::Outputs;
use summary::Summary;

const PROGRESS: &str = "{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";

pub(super) fn run(arguments: &Forward, out: &mut Output) -> Result<(), Stop> {
    paths::check(arguments)?;
    let source = Source::read(&arguments.config)?;
    let config = lb_config_of(&source)?;
    config
        .check_sources()
        .map_err(|error| source.fault(&error.path.to_string(), error.problem.to_string()))?;
    let director = Director::new(config, &mut TableCache::default())
        .map_err(|error| source.fault("services", error.to_string()))?;
    let mut node = Node::new(director);
    let summary = if paths::is_standard_input(&arguments.input) {
        forward(io::stdin().lock(), 0, "<stdin>", &mut node, arguments)?
    } else {
        let name = arguments.input.display().to_string();
        let open = File::open(&arguments.input).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (length, file) =
            open.map_err(|error| Fault::whole(name.clone(), files::unreadable(&arguments.input, &error)))?;
        forward(BufReader::with_capacity(1 << 16, file), length, &name, &mut node, arguments)?
    };
    match out.format() {
        Format::Json => out.json(&summary)?,
        Format::Text => summary.print(out)?,
    }
    Ok(())
}

/// Runs a whole capture of `length` bytes (0 if unknown); files appear only if
/// it was read to its end.
fn forward(
    source: impl Read,
    length: u64,
    name: &str,
    node: &mut Node,
    arguments: &Forward,
) -> Result<Summary, Stop> {
    let fault = |error: CaptureError| Fault::whole(name.to_owned(), error.to_string());
    let mut reader = Reader::new(source).map_err(fault)?;
    let mut outputs = Outputs::create(&arguments.output, arguments.verdicts.as_deref())?;
    let mut summary = Summary::default();
    let progress = Progress::new(length, PROGRESS);
    while let Some(captured) = reader.next().map_err(fault)? {
        let handled = node.handle(&captured);
        summary.count(&handled);
        outputs.write(&handled, captured.precision)?;
        progress.update(reader.position());
    }
    outputs.finish()?;
    summary.finish(node.director());
    Ok(summary)
}
