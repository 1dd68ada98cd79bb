//! Data that scenarios refer to by path: recorded curves, arrivals, sizes.
//!
//! What the embedded scenarios need is compiled in ([`EmbeddedData`]); a
//! program that reads scenarios from files offers their folder as another
//! [`DataSource`]. Reading is streaming text in, values out; nothing is opened here.

use std::borrow::Cow;

use super::error::Problem;
use crate::samplers::{Distribution, DistributionText, Quantity};

/// Where a scenario's data come from.
pub trait DataSource {
    /// The text of one file, `None` if there is none of that name.
    fn read(&self, path: &str) -> Option<Cow<'_, str>>;
}

/// The data that are compiled in.
#[derive(Clone, Copy, Debug, Default)]
pub struct EmbeddedData;

/// Every embedded file: path and text.
const FILES: [(&str, &str); 4] = [
    ("flow-sizes/AliStorage2019.csv", include_str!("../../data/flow-sizes/AliStorage2019.csv")),
    ("flow-sizes/FbHdp_distribution.csv", include_str!("../../data/flow-sizes/FbHdp_distribution.csv")),
    (
        "flow-sizes/WebSearch_distribution.csv",
        include_str!("../../data/flow-sizes/WebSearch_distribution.csv"),
    ),
    ("nab/elb_request_count_8c0756.csv", include_str!("../../data/nab/elb_request_count_8c0756.csv")),
];

impl DataSource for EmbeddedData {
    fn read(&self, path: &str) -> Option<Cow<'_, str>> {
        FILES.iter().find(|(name, _)| *name == path).map(|(_, text)| Cow::Borrowed(*text))
    }
}

/// A file of the source, or else a compiled-in one.
pub(super) fn read<'a>(source: &'a dyn DataSource, name: &str) -> Result<Cow<'a, str>, Problem> {
    let text = source.read(name);
    let text = text.or_else(|| FILES.iter().find(|(path, _)| *path == name).map(|(_, text)| (*text).into()));
    text.ok_or_else(|| Problem::NoData {
        name: name.to_owned(),
        known: FILES.map(|(path, _)| path).join(", "),
    })
}

/// Rows of (time stamp, count); one header line.
pub(super) fn stamped_counts<'a>(text: &'a str, name: &str) -> Result<Vec<(&'a str, f64)>, Problem> {
    rows(text)
        .map(|(line, row)| {
            let parsed = row.split_once(',').and_then(|(stamp, count)| {
                let count = count.trim().parse::<f64>().ok()?;
                (count >= 0.0 && count.is_finite()).then_some((stamp.trim(), count))
            });
            parsed.ok_or_else(|| unreadable(name, line, "TIMESTAMP,COUNT"))
        })
        .collect()
}

/// Rows whose first column is seconds since the start, in rising order; one header line.
pub(super) fn arrivals(text: &str, name: &str) -> Result<Vec<u64>, Problem> {
    let right = "SECONDS[,...], not before the line above";
    let mut last = 0;
    rows(text)
        .map(|(line, row)| {
            let first = row.split(',').next().unwrap_or_default().trim();
            let seconds = first.parse::<f64>().ok().filter(|seconds| (0.0..1e9).contains(seconds));
            let at = seconds.map(nanoseconds).filter(|at| *at >= last);
            last = at.ok_or_else(|| unreadable(name, line, right))?;
            Ok(last)
        })
        .collect()
}

/// Rows of (value, percent of all at most as large); one header line. What lacks to 100 % has the last value.
pub(super) fn points<Q: Quantity>(
    text: &str,
    name: &str,
    right: &'static str,
) -> Result<Distribution<Q>, Problem> {
    let mut points = Vec::new();
    for (line, row) in rows(text) {
        let parsed = row.split_once(',').and_then(|(value, percent)| {
            Some((Q::from_base(value.trim().parse().ok()?), percent.trim().parse::<f64>().ok()? / 100.0))
        });
        points.push(parsed.ok_or_else(|| unreadable(name, line, right))?);
    }
    if let Some(&(largest, share)) = points.last()
        && share < 1.0
    {
        // One more: a step, because values must rise.
        points.push((Q::from_base(largest.base() + 1.0), 1.0));
    }
    Distribution::new(DistributionText::Empirical(points)).map_err(|error| match error {
        crate::samplers::DistributionError::Empirical(error) => Problem::Empirical(error),
        crate::samplers::DistributionError::Range { .. } => unreadable(name, 1, right),
    })
}

/// Non-empty lines after the header, with their numbers from 1.
fn rows(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines()).skip(1).filter(|(_, row)| !row.trim().is_empty())
}

fn unreadable(name: &str, line: usize, right: &'static str) -> Problem {
    Problem::UnreadableData { name: name.to_owned(), line, right }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
fn nanoseconds(seconds: f64) -> u64 {
    (seconds * 1e9) as u64
}
