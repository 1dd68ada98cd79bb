//! Flows as CSV: `proto,src,sport,dst,dport`.

use std::net::IpAddr;

use csv::{ReaderBuilder, StringRecord, Trim};
use lb_core::flow::Addresses;
use lb_core::{FlowKey, Protocol};

use files::{Fault, Source, count};

/// The header, which must be there.
pub(super) const COLUMNS: [&str; 5] = ["proto", "src", "sport", "dst", "dport"];

/// One flow, and its protocol as it was written.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) flow: FlowKey,
    pub(super) protocol: Box<str>,
}

/// Reads all flows.
pub(super) fn read(source: &Source) -> Result<Vec<Row>, Fault> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .from_reader(text(source).as_bytes());
    let mut records = reader.records();
    let right = COLUMNS.join(",");
    match records.next() {
        Some(Ok(header)) if header.iter().eq(COLUMNS) => {}
        Some(Ok(header)) => {
            let wrong = COLUMNS.iter().enumerate().find(|(column, name)| header.get(*column) != Some(*name));
            let column = wrong.map_or(COLUMNS.len(), |(column, _)| column);
            let message = format!("this is not the header; the first line must be {right}");
            return Err(at(source, &header, column, None, message));
        }
        None => {
            return Err(source.fault_at(
                1,
                1,
                None,
                format!("nothing is in it; write the header {right} and flows"),
            ));
        }
        Some(Err(error)) => return Err(unreadable(source, &error)),
    }
    let mut rows = Vec::new();
    for record in records {
        let record = record.map_err(|error| unreadable(source, &error))?;
        let flow = flow(&record).map_err(|(column, message)| {
            at(source, &record, column, COLUMNS.get(column).copied(), message)
        })?;
        rows.push(Row { flow, protocol: record[0].into() });
    }
    Ok(rows)
}

/// Reads one flow; an error is the column that is wrong and what would be right.
fn flow(record: &StringRecord) -> Result<FlowKey, (usize, String)> {
    if record.len() != COLUMNS.len() {
        let message = format!("{} columns; write {}: {}", record.len(), COLUMNS.len(), COLUMNS.join(","));
        return Err((record.len().min(COLUMNS.len()), message));
    }
    let protocol = match &record[0] {
        "tcp" => Protocol::TCP,
        "udp" => Protocol::UDP,
        "sctp" => Protocol::SCTP,
        other => {
            return Err((0, format!("`{other}` is no protocol that is balanced; write tcp, udp or sctp")));
        }
    };
    let address = |column: usize| {
        let wrong =
            |_| (column, format!("`{}` is no IP address; write 192.0.2.1 or 2001:db8::1", &record[column]));
        record[column].parse::<IpAddr>().map_err(wrong)
    };
    let port = |column: usize| {
        let wrong =
            |_| (column, format!("`{}` is no port; write a whole number from 0 to 65535", &record[column]));
        record[column].parse::<u16>().map_err(wrong)
    };
    let (source, source_port, destination, destination_port) = (address(1)?, port(2)?, address(3)?, port(4)?);
    let addresses = match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => Addresses::V4 { source, destination },
        (IpAddr::V6(source), IpAddr::V6(destination)) => Addresses::V6 { source, destination },
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {
            return Err((3, "of another family than src; write two IPv4 or two IPv6 addresses".to_owned()));
        }
    };
    Ok(FlowKey::new(protocol, addresses, source_port, destination_port))
}

/// A fault in a column, counted from 0.
fn at(source: &Source, record: &StringRecord, column: usize, field: Option<&str>, message: String) -> Fault {
    let start = record.position().map_or(0, csv::Position::byte);
    let (before, rest) =
        text(source).split_at_checked(usize::try_from(start).unwrap_or(0)).unwrap_or_default();
    // the reader's position is that of the empty lines it then skips
    let row = rest.trim_start_matches(['\r', '\n']);
    let skipped = &rest[..rest.len() - row.len()];
    let line =
        1 + [before, skipped].iter().flat_map(|text| text.bytes()).filter(|byte| *byte == b'\n').count();
    let row = row.lines().next().unwrap_or_default();
    // quotes around a column are allowed, but nothing here needs them
    let start: usize = row.split(',').take(column).map(|column| column.chars().count() + 1).sum();
    let end = row.chars().count();
    source.fault_at(count(line), count(start.min(end)) + 1, field.map(str::to_owned), message)
}

/// The text without a byte order mark.
fn text(source: &Source) -> &str {
    source.text().trim_start_matches('\u{feff}')
}

fn unreadable(source: &Source, error: &csv::Error) -> Fault {
    let line = error.position().map_or(1, csv::Position::line);
    source.fault_at(
        u32::try_from(line).unwrap_or(u32::MAX),
        1,
        None,
        format!("no CSV: {error}; write {}", COLUMNS.join(",")),
    )
}
