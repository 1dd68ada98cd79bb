//! What is measured: CPU time of this process, starts per 10 ms, checks at once, memory, latencies.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::time::{Duration, Instant};

use lb_agent::probe::Report;

/// Starts are counted by spans of so many milliseconds.
const SPAN_MS: u128 = 10;
/// Ticks of a second in `/proc` (`sysconf(_SC_CLK_TCK)`, 100 on every Linux).
const TICKS: f64 = 100.0;

#[derive(Debug)]
pub(crate) struct Measure {
    memory_before_kb: u64,
    began: Option<(Instant, Ticks)>,
    starts: BTreeMap<u128, u32>,
    at_once_max: usize,
    totals: Vec<Duration>,
    results: BTreeMap<String, u64>,
}

/// CPU time.
#[derive(Clone, Copy, Debug)]
struct Ticks {
    user: f64,
    system: f64,
}

impl Measure {
    pub(crate) fn new(memory_before_kb: u64) -> Self {
        Self {
            memory_before_kb,
            began: None,
            starts: BTreeMap::new(),
            at_once_max: 0,
            totals: Vec::new(),
            results: BTreeMap::new(),
        }
    }

    pub(crate) const fn is_warm(&self) -> bool {
        self.began.is_some()
    }

    pub(crate) fn begin(&mut self) {
        self.began = Some((Instant::now(), ticks()));
        self.at_once_max = 0;
    }

    pub(crate) fn started(&mut self, at_once: usize) {
        self.at_once_max = self.at_once_max.max(at_once);
        if let Some((began, _)) = self.began {
            *self.starts.entry(began.elapsed().as_millis() / SPAN_MS).or_default() += 1;
        }
    }

    pub(crate) fn finished(&mut self, report: &Report) {
        if self.began.is_none() {
            return;
        }
        let result = report.result.as_ref().map_or_else(ToString::to_string, |()| "success".into());
        *self.results.entry(result).or_default() += 1;
        if report.result.is_ok() {
            self.totals.push(report.timings.total);
        }
    }

    /// The figures, for a person.
    pub(crate) fn end(mut self) -> String {
        let Some((began, before)) = self.began else { return "nothing was measured".into() };
        let (seconds, now) = (began.elapsed().as_secs_f64(), ticks());
        let (user, system) = ((now.user - before.user) / seconds, (now.system - before.system) / seconds);
        let checks: u64 = self.results.values().sum();
        let rate = checks as f64 / seconds;
        self.totals.sort_unstable();
        let quantile = |share: f64| {
            let place = (self.totals.len() as f64 * share) as usize;
            self.totals.get(place.min(self.totals.len().saturating_sub(1))).copied().unwrap_or_default()
        };
        let busiest = self.starts.values().max().copied().unwrap_or_default();
        let mut text = String::new();
        let _ = writeln!(text, "results: {:?}", self.results);
        let _ = writeln!(text, "rate: {rate:.0} checks/s over {seconds:.1} s");
        let _ = writeln!(
            text,
            "cpu: {:.1} % of a core ({:.1} user, {:.1} system), {:.1} us a check",
            (user + system) * 100.0,
            user * 100.0,
            system * 100.0,
            (user + system) / rate * 1e6,
        );
        let _ = writeln!(
            text,
            "spread: {busiest} starts in the busiest {SPAN_MS} ms, {:.1} on average; {} at once at most",
            rate * SPAN_MS as f64 / 1e3,
            self.at_once_max,
        );
        let _ = writeln!(text, "latency: p50 {:?}, p99 {:?}", quantile(0.5), quantile(0.99));
        let _ = write!(text, "memory: {} kB before, {} kB at most", self.memory_before_kb, peak());
        text
    }
}

/// Resident memory, in kB.
pub(crate) fn memory() -> u64 {
    status("VmRSS:")
}

fn peak() -> u64 {
    status("VmHWM:")
}

fn status(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

/// CPU time so far, in seconds: fields 14 and 15 of `/proc/self/stat` (`proc(5)`).
fn ticks() -> Ticks {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field is a name that may hold blanks; it ends with the last bracket.
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let mut fields =
        rest.split_whitespace().skip(11).map(|field| field.parse::<f64>().unwrap_or_default() / TICKS);
    Ticks { user: fields.next().unwrap_or_default(), system: fields.next().unwrap_or_default() }
}
