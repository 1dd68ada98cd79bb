//! VIPs as text: one in an argument, many in a file.
//!
//! A file is taken whole or not at all: one bad line, and the VIPs of before
//! stay. So does an empty file, which is what a reader sees of one that is being
//! written; none at all is said by a comment.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;

use files::{Fault, Source};

use super::shape::Wanted;

/// Reads one VIP.
///
/// # Errors
///
/// What is wrong with it and what would be right.
pub(crate) fn parse(text: &str) -> Result<IpAddr, String> {
    let bad = |_| format!("`{text}` is no IP address; write for example 203.0.113.10 or 2001:db8::1");
    let address = text.parse::<IpAddr>().map_err(bad)?;
    lb_core::config::check_host_address(address).map(|()| address).map_err(|problem| problem.to_string())
}

/// Reads a file of VIPs.
///
/// # Errors
///
/// The first bad line, or that the file cannot be read.
pub(crate) fn read(path: &Path) -> Result<BTreeSet<IpAddr>, Fault> {
    parse_file(&Source::read(path)?)
}

/// The VIPs of a file's text.
///
/// # Errors
///
/// The first bad line.
pub(crate) fn parse_file(source: &Source) -> Result<BTreeSet<IpAddr>, Fault> {
    if source.text().trim().is_empty() {
        let message = "is empty; if no VIP is meant, say so with a comment: # none".to_owned();
        return Err(Fault::whole(source.name().to_owned(), message));
    }
    let mut vips = BTreeSet::new();
    for (number, line) in (1..).zip(source.text().lines()) {
        let vip = line.split('#').next().unwrap_or_default().trim();
        if !vip.is_empty() {
            let column = line.len() - line.trim_start().len() + 1;
            let fault = |message| source.fault_at(number, files::count(column), None, message);
            vips.insert(parse(vip).map_err(fault)?);
        }
    }
    Ok(vips)
}

/// Makes the VIPs of a file the wanted ones, beside those that the command line has.
pub(crate) fn extend(wanted: &mut Wanted, vips: &BTreeSet<IpAddr>) {
    wanted.vips.extend(vips);
    wanted.exclusive = true;
}

#[cfg(test)]
mod tests;
