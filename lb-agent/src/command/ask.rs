//! What asks a running agent: `status`, `top`, `explain`, `drain`, `undrain`, `path`, `reload`.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use serde_json::Value;
use serde_json::value::RawValue;

use super::{Stop, show};
use crate::cli;
use crate::control::{Request, ask};
use crate::status::Status;

pub(super) fn status(arguments: &cli::Status, out: &mut impl Write) -> Result<(), Stop> {
    let at = &arguments.ask.socket;
    if arguments.json && !std::io::stdout().is_terminal() {
        // as the agent wrote it: taken apart, a hundred thousand backends are half a gigabyte
        let status: Box<RawValue> = ask(at, &Request::Status)?;
        return Ok(writeln!(out, "{status}")?);
    }
    let status: Value = ask(at, &Request::Status)?;
    if arguments.json {
        serde_json::to_writer_pretty(&mut *out, &status).map_err(std::io::Error::from)?;
        return Ok(writeln!(out)?);
    }
    show::status(&understood(status)?, out)
}

fn understood(status: Value) -> Result<Status, Stop> {
    serde_json::from_value(status).map_err(|error| {
        Stop::No(format!("the agent's status is not understood ({error}); use the lb-agent of its version"))
    })
}

pub(super) fn top(arguments: &cli::Top, out: &mut impl Write) -> Result<(), Stop> {
    let live = std::io::stdout().is_terminal();
    let mut before: Option<Status> = None;
    let mut looks = 0;
    loop {
        let status = understood(ask(&arguments.ask.socket, &Request::Status)?)?;
        if live {
            write!(out, "\x1b[H\x1b[2J")?;
        }
        show::top(&status, before.as_ref(), out)?;
        out.flush()?;
        looks += 1;
        if arguments.looks.is_some_and(|most| looks >= most) {
            return Ok(());
        }
        before = Some(status);
        std::thread::sleep(Duration::from_secs(arguments.every));
    }
}

pub(super) fn explain(arguments: &cli::Explain, out: &mut impl Write) -> Result<(), Stop> {
    let parts: Vec<&str> = arguments.flow.split(',').map(str::trim).collect();
    let right = "write proto,src,sport,dst,dport, such as tcp,192.0.2.1,40000,203.0.113.10,443";
    let wrong = |part: &str| Stop::Usage(format!("`{part}` is not right in this flow; {right}"));
    let [protocol, source, source_port, destination, destination_port] = parts[..] else {
        return Err(Stop::Usage(format!("{} columns; {right}", parts.len())));
    };
    let request = Request::Explain {
        protocol: protocol.to_owned(),
        source: source.parse().map_err(|_| wrong(source))?,
        source_port: source_port.parse().map_err(|_| wrong(source_port))?,
        destination: destination.parse().map_err(|_| wrong(destination))?,
        destination_port: destination_port.parse().map_err(|_| wrong(destination_port))?,
    };
    let lines: Vec<String> = ask(&arguments.ask.socket, &request)?;
    Ok(lines.iter().try_for_each(|line| writeln!(out, "{line}"))?)
}

pub(super) fn drain(arguments: cli::Drained, drained: bool, out: &mut impl Write) -> Result<(), Stop> {
    let request = Request::Drain { backend: arguments.backend, service: arguments.service, out: drained };
    let said: String = ask(&arguments.ask.socket, &request)?;
    Ok(writeln!(out, "{said}")?)
}

pub(super) fn path(arguments: cli::Path, out: &mut impl Write) -> Result<(), Stop> {
    let cli::Path { backend, dead_for, service, ask: at, .. } = arguments;
    let said: String =
        ask(&at.socket, &Request::Path { backend, service, dead_for_s: dead_for.unwrap_or(0) })?;
    Ok(writeln!(out, "{said}")?)
}

pub(super) fn reload(arguments: &cli::Ask, out: &mut impl Write) -> Result<(), Stop> {
    let said: String = ask(&arguments.socket, &Request::Reload)?;
    Ok(writeln!(out, "{said}")?)
}
