//! One run and its result: the JSON document of `overspill run`.
//!
//! Field names are a contract with whoever reads the JSON. [`run`] is the whole
//! of it: a scenario, a seed and an [`Observer`] in, a [`RunResult`] out; no
//! file, no clock, no thread.

use std::collections::BTreeMap;

use lb_core::Time;
use serde::Serialize;

use crate::model::Model;
use crate::record::Observer;
use crate::scenario::{ExpectationResult, Scenario};

/// Runs a scenario from a seed; the same two give the same result on every machine.
///
/// ```
/// use sim::run::run;
/// use sim::scenario::{EmbeddedData, Scenario, embedded, with_overrides};
///
/// let found = embedded().iter().find(|scenario| scenario.name == "node-loss").unwrap();
/// let text = with_overrides(found.text, &["duration=20s", "events=[]", "expect=[]"])?;
/// let scenario = Scenario::from_yaml(&text, &EmbeddedData)?;
/// let result = run(&scenario, scenario.seed, &mut ())?;
/// assert_eq!(result.requests.failed, 0);
/// assert_eq!(result.digest, run(&scenario, scenario.seed, &mut ())?.digest);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`RunError`] if the fleet falls so far behind its clients that the run would need ever more memory.
pub fn run(scenario: &Scenario, seed: u64, observer: &mut impl Observer) -> Result<RunResult, RunError> {
    Model::new(scenario, seed, observer).run()
}

/// Why a run was given up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// Too much is open at once.
    #[error(
        "more than {OPEN_MAX} {what} are open at {at}; write a lower traffic.rate, \
         fewer traffic.retry.retries or a shorter traffic.requestTimeout"
    )]
    TooManyOpen {
        /// Visits or requests.
        what: &'static str,
        /// When the limit was passed.
        at: Time,
    },
}

/// The most visits, and the most requests, that may be open at once: some hundred times those of
/// the largest embedded scenario. With all that belongs to them they take less than a gigabyte.
pub const OPEN_MAX: usize = 1_000_000;

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunResult {
    /// The scenario's name.
    pub scenario: String,
    /// The seed, as text: 64 bits do not fit a JSON number.
    pub seed: String,
    /// A hash over the ordered event log, 64 hexadecimal digits.
    pub digest: String,
    /// Simulated seconds.
    pub simulated_s: f64,
    /// Events processed.
    pub events: u64,
    /// Packets that an L4 node's director judged.
    pub packets: u64,
    /// The clients' requests.
    pub requests: Requests,
    /// `ok / total`; `None` without a request.
    pub availability: Option<f64>,
    /// From when a request was meant to be sent until its answer was complete, of those that succeeded.
    pub latency_ms: Latency,
    /// The clients' connections; over UDP a port that a client keeps for a visit.
    pub connections: Connections,
    /// Each zone.
    pub zones: Vec<ZoneResult>,
    /// Each expectation.
    pub expect: Vec<ExpectationResult>,
    /// Each time that traffic had to move.
    pub shifts: Vec<Shift>,
    /// Broken invariants: empty, or the run proves a bug.
    pub violations: Vec<Violation>,
}

impl RunResult {
    /// Whether every expectation held and no invariant was broken.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.violations.is_empty() && self.expect.iter().all(|expectation| expectation.pass)
    }
}

/// The clients' requests: `total = ok + failed`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Requests {
    /// Finished, well or not.
    pub total: u64,
    /// Answered.
    pub ok: u64,
    /// Given up, after all retries.
    pub failed: u64,
    /// Neither answered nor given up at the end of the run; not in `total`.
    pub open_at_end: u64,
    /// Tries beyond the first, of all requests.
    pub retried: u64,
    /// `failed` by the cause of the last try.
    pub failed_by: BTreeMap<String, u64>,
}

/// Latency of the requests that succeeded, in milliseconds; `None` if none did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Latency {
    /// The mean.
    pub mean: Option<f64>,
    /// The median.
    pub p50: Option<f64>,
    /// 90 % were no slower.
    pub p90: Option<f64>,
    /// 99 % were no slower.
    pub p99: Option<f64>,
    /// 99.9 % were no slower.
    pub p999: Option<f64>,
}

/// The clients' connections: `opened = closed + broken + open_at_end`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Connections {
    /// Begun, whether the handshake succeeded or not.
    pub opened: u64,
    /// Ended by the client after its last answer.
    pub closed: u64,
    /// Ended by anything else.
    pub broken: u64,
    /// Neither at the end of the run.
    pub open_at_end: u64,
    /// `broken` by cause.
    pub broken_by: BTreeMap<String, u64>,
}

/// One zone.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ZoneResult {
    /// Its name.
    pub zone: String,
    /// The greatest share of its replicas' servers that was busy, averaged over 10 s.
    pub utilisation_max: f64,
    /// Requests that its gateways took.
    pub requests: u64,
}

/// Traffic that had to move because of an event; times count from the event.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shift {
    /// When the event was.
    pub at_s: f64,
    /// The zone that traffic left.
    pub from: String,
    /// The zones that took it.
    pub to: Vec<String>,
    /// Until a health machine, or an operator, took the zone out.
    pub detected_s: Option<f64>,
    /// Until the zone's share of new requests was half of what it was.
    pub t50_s: Option<f64>,
    /// Until it was a hundredth.
    pub t99_s: Option<f64>,
}

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Violation {
    /// When.
    pub t_s: f64,
    /// Which, and what was seen.
    pub what: String,
    /// The command that shows it again.
    pub replay: String,
}
