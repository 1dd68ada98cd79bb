//! The health section as a person writes it, and the valid settings it becomes.
//!
//! Every field may be left out; the defaults are Seesaw's. Conversion is the
//! only place that finds faults.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::check::{Check, CheckFile, CheckName, DnsRecord};
use super::passive::PassiveVerdict;
use super::policy::{BackendPolicy, Mark, PassivePolicy, ServicePolicy, SlowStart};
use crate::config::units::{HumanDuration, Share};
use crate::config::{FieldPath, Step};

/// How the backends of a service are checked, and when the service stands.
///
/// ```
/// use core::time::Duration;
/// use lb_core::health::{HealthConfig, HealthFile};
///
/// let text = "{ check: { kind: tcp }, interval: 5s, timeout: 1s, fall: 3 }";
/// let file: HealthFile = serde_saphyr::from_str(text)?;
/// let health = HealthConfig::try_from(file)?;
/// assert_eq!(health.backend.detection_bound(), Duration::from_secs(3 * 5 + 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(
    feature = "schema",
    schemars(description = "How the backends of a service are checked, and when the service stands.")
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HealthFile {
    /// What is asked of a backend; a TCP connection where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<CheckFile>,
    /// Start to start of two checks of a backend that is up; 10s where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<HumanDuration>,
    /// The same while it is suspect, down, recovering or unknown; `interval` where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fast_interval: Option<HumanDuration>,
    /// The time a whole check may take; by its kind where left out (icmp 1s, dns and radius 3s, udp and http 5s, tcp 10s).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<HumanDuration>,
    /// Successes in a row that bring a failed backend back; 1 where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub rise: Option<u32>,
    /// Failures in a row that take a backend out; 1 where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub fall: Option<u32>,
    /// The share by which an interval is shortened at most, at random; 0% where left out, at most 50%.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter: Option<Share>,
    /// The first check comes at random within this, 24h at most; `fastInterval` where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_within: Option<HumanDuration>,
    /// How the weight grows when a backend comes into service; at once where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_start: Option<SlowStartFile>,
    /// What flows may say against a backend; nothing where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passive: Option<PassiveFile>,
    /// The share of weight in service that keeps the service up; where left out, any backend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low_watermark: Option<Share>,
    /// The share that brings it up, and out of a panic; the greater of the other two where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high_watermark: Option<Share>,
    /// Below this share all backends get traffic, in service or not; 0% (never) where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub panic_threshold: Option<Share>,
}

/// How the weight grows when a backend comes into service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SlowStartFile {
    /// From the first weight to the whole.
    pub duration: HumanDuration,
    /// In how many steps, 1 to 1000; each is a new table. 10 where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 1000)))]
    pub steps: Option<u32>,
    /// The share of the weight to begin with; 10% where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Share>,
}

/// What flows may say against a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PassiveFile {
    /// Bad observations without a good one between that make a verdict, at least 1.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub threshold: u32,
    /// Within this time of the first; 10s where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<HumanDuration>,
    /// What they amount to: `doubt` where left out, `failure` only if no stranger can send SYNs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<PassiveVerdict>,
    /// `failure`: for how long successes do not count after such a fall; 5s where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_min: Option<HumanDuration>,
    /// `failure`: the most that doubling makes of it; 5m where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_max: Option<HumanDuration>,
}

/// The valid health settings of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthConfig {
    /// What is asked of a backend.
    pub check: Check,
    /// How one backend is checked and judged.
    pub backend: BackendPolicy,
    /// When the service stands.
    pub service: ServicePolicy,
}

/// A field that cannot be, and why; displays as `fastInterval: ...`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct HealthError {
    /// The field, from the health section on.
    pub path: FieldPath,
    /// What is wrong with it, and what would be right.
    pub problem: HealthProblem,
}

/// What is wrong with a field of the health section; the text says what would be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HealthProblem {
    /// The wanted address is not of the record type's family.
    #[error(
        "not an address that a record of type {record} holds; write one of the other family, or change record"
    )]
    AnswerFamily {
        /// The type asked for.
        record: DnsRecord,
    },
    /// Something must be written here.
    #[error("empty; write at least one character")]
    Empty,
    /// The fast pace is slower than the ordinary one.
    #[error("slower than interval ({interval}); write that or less, or leave it out")]
    FastIntervalSlow {
        /// The ordinary interval.
        interval: HumanDuration,
    },
    /// The longest hold is shorter than the first.
    #[error("shorter than holdMin ({hold_min}); write that or more")]
    HoldMaxShort {
        /// The first hold.
        hold_min: HumanDuration,
    },
    /// Trust is written for a certificate that nobody looks at.
    #[error("of no use with tlsVerify: false; remove one of the two")]
    Ignored,
    /// One thing is written in two ways.
    #[error("already written as {other}; remove one of the two")]
    Instead {
        /// The field that says it too.
        other: &'static str,
    },
    /// So much jitter is no interval.
    #[error("more than 50%; write 0% to 50%")]
    Jitter,
    /// The marks are not low <= panic <= high.
    #[error("less than {other}; the order is lowWatermark <= panicThreshold <= highWatermark")]
    MarkOrder {
        /// The mark that it is less than.
        other: &'static str,
    },
    /// No HTTP method.
    #[error("no HTTP method; write a word such as GET or HEAD")]
    Method,
    /// A certificate without a key, or the other way round.
    #[error("written without {other}; a certificate of one's own needs both")]
    Lonely {
        /// The field that is missing.
        other: &'static str,
    },
    /// A required parameter is missing.
    #[error("missing; the check cannot do without it")]
    Missing,
    /// No name of a host.
    #[error("no name of a host; write one such as www.example.com, at most 253 characters")]
    Name,
    /// A service that nothing takes down would have no backends.
    #[error("0% keeps a service without any backend up; set a panicThreshold too, or leave it out")]
    NeverDown,
    /// A parameter of another kind of check.
    #[error("not a parameter of `{}`; its own are: {right:?}", kind.as_str())]
    NotAParameter {
        /// The kind that was chosen.
        kind: CheckName,
        /// The parameters it has.
        right: &'static [&'static str],
    },
    /// No path of a URL.
    #[error("no path; write one that starts with / and has no blanks, such as /healthz")]
    Path,
    /// A first check that would hardly ever come.
    #[error("{duration} is not possible; write 0s to 24h")]
    StartWithin {
        /// As written.
        duration: HumanDuration,
    },
    /// Too many or no steps.
    #[error("{steps} steps are not possible; write 1 to 1000")]
    Steps {
        /// As written.
        steps: u32,
    },
    /// A text over the limit.
    #[error("too long; write at most {max} bytes")]
    TooLong {
        /// The limit.
        max: usize,
    },
    /// A duration under the limit, or over any use.
    #[error("{duration} is not possible; write 1ms to 24h")]
    Duration {
        /// As written.
        duration: HumanDuration,
    },
    /// A number that must be at least 1.
    #[error("0 is too small; write 1 or more")]
    Zero,
}

/// The longest of all durations: what takes more than a day never happens.
const LONGEST: Duration = Duration::from_secs(86_400);
/// The interval where the file says none.
const INTERVAL: HumanDuration = seconds(10);
/// The window of passive evidence where the file says none: as long as the default interval.
const WITHIN: HumanDuration = seconds(10);
/// The first hold-down where the file says none.
const HOLD_MIN: HumanDuration = seconds(5);
/// The longest hold-down where the file says none.
const HOLD_MAX: HumanDuration = seconds(300);
/// Steps of a slow start where the file says none: each is a table to build.
const STEPS: u32 = 10;
/// Per cent of the weight with which a slow start begins where the file says none (as in Envoy).
const FROM_PERCENT: u32 = 10;

const fn seconds(seconds: u64) -> HumanDuration {
    HumanDuration::from_nanos(seconds * 1_000_000_000)
}

impl TryFrom<HealthFile> for HealthConfig {
    type Error = HealthError;

    /// # Errors
    /// Names the first field that cannot be.
    fn try_from(file: HealthFile) -> Result<Self, HealthError> {
        let (backend, service) = (file.backend_policy()?, file.service_policy()?);
        let check = Check::try_from(file.check.unwrap_or_default())?;
        Ok(Self { check, backend, service })
    }
}

impl HealthFile {
    /// The settings of a backend's machine.
    ///
    /// # Errors
    /// Names the first field that cannot be.
    pub fn backend_policy(&self) -> Result<BackendPolicy, HealthError> {
        let interval = duration("interval", self.interval.unwrap_or(INTERVAL))?;
        let fast_interval = self.fast_interval.map(|fast| duration("fastInterval", fast)).transpose()?;
        let fast_interval = fast_interval.unwrap_or(interval);
        if fast_interval > interval {
            return Err(error("fastInterval", HealthProblem::FastIntervalSlow { interval: interval.into() }));
        }
        let name = self.check.as_ref().map_or_else(CheckName::default, |check| check.kind);
        let timeout = self.timeout.map(|timeout| duration("timeout", timeout)).transpose()?;
        let jitter = self.jitter.unwrap_or(Share::ZERO);
        if jitter > percent(50) {
            return Err(error("jitter", HealthProblem::Jitter));
        }
        Ok(BackendPolicy {
            rise: at_least_one("rise", self.rise.unwrap_or(1))?,
            fall: at_least_one("fall", self.fall.unwrap_or(1))?,
            interval,
            fast_interval,
            timeout: timeout.unwrap_or_else(|| name.default_timeout()),
            jitter,
            start_within: self.start_within.map_or(Ok(fast_interval), start_within)?,
            slow_start: self.slow_start.map(slow_start).transpose()?,
            passive: self.passive.map(passive).transpose()?,
        })
    }

    /// The settings of the service's machine.
    ///
    /// # Errors
    /// Names the first field that cannot be.
    pub fn service_policy(&self) -> Result<ServicePolicy, HealthError> {
        let panic = self.panic_threshold.unwrap_or(Share::ZERO);
        let low = self.low_watermark;
        if low == Some(Share::ZERO) && panic == Share::ZERO {
            return Err(error("lowWatermark", HealthProblem::NeverDown));
        }
        if panic != Share::ZERO && low.is_some_and(|low| panic < low) {
            return Err(error("panicThreshold", HealthProblem::MarkOrder { other: "lowWatermark" }));
        }
        let least = low.unwrap_or(Share::ZERO).max(panic);
        let high = self.high_watermark.unwrap_or(least);
        if high < least {
            let other = if high < panic { "panicThreshold" } else { "lowWatermark" };
            return Err(error("highWatermark", HealthProblem::MarkOrder { other }));
        }
        Ok(ServicePolicy { low: low.map_or(Mark::Any, Mark::Share), high, panic })
    }
}

/// Where zero is right, too: the first check at once.
fn start_within(duration: HumanDuration) -> Result<Duration, HealthError> {
    if duration.duration() > LONGEST {
        return Err(error("startWithin", HealthProblem::StartWithin { duration }));
    }
    Ok(duration.duration())
}

fn slow_start(file: SlowStartFile) -> Result<SlowStart, HealthError> {
    let steps = file.steps.unwrap_or(STEPS);
    if !(1..=1_000).contains(&steps) {
        return Err(within("slowStart", "steps", HealthProblem::Steps { steps }));
    }
    let duration = bounded(file.duration).map_err(|problem| within("slowStart", "duration", problem))?;
    Ok(SlowStart { duration, steps, from: file.from.unwrap_or_else(|| percent(FROM_PERCENT)) })
}

fn passive(file: PassiveFile) -> Result<PassivePolicy, HealthError> {
    if file.threshold == 0 {
        return Err(within("passive", "threshold", HealthProblem::Zero));
    }
    let field = |name, value: Option<HumanDuration>, default| {
        bounded(value.unwrap_or(default)).map_err(|problem| within("passive", name, problem))
    };
    let hold_min = field("holdMin", file.hold_min, HOLD_MIN)?;
    let hold_max = field("holdMax", file.hold_max, HOLD_MAX.max(hold_min.into()))?;
    if hold_max < hold_min {
        return Err(within("passive", "holdMax", HealthProblem::HoldMaxShort { hold_min: hold_min.into() }));
    }
    Ok(PassivePolicy {
        threshold: file.threshold,
        within: field("within", file.within, WITHIN)?,
        verdict: file.verdict.unwrap_or_default(),
        hold_min,
        hold_max,
    })
}

fn percent(percent: u32) -> Share {
    Share::from_billionths(percent * 10_000_000).expect("called with constants up to 100")
}

fn at_least_one(field: &'static str, number: u32) -> Result<u32, HealthError> {
    if number == 0 { Err(error(field, HealthProblem::Zero)) } else { Ok(number) }
}

fn duration(field: &'static str, duration: HumanDuration) -> Result<Duration, HealthError> {
    bounded(duration).map_err(|problem| error(field, problem))
}

/// A duration that keeps a machine from spinning, and sums of durations from overflowing.
fn bounded(duration: HumanDuration) -> Result<Duration, HealthProblem> {
    let possible = Duration::from_millis(1)..=LONGEST;
    if possible.contains(&duration.duration()) {
        Ok(duration.duration())
    } else {
        Err(HealthProblem::Duration { duration })
    }
}

fn error(field: &'static str, problem: HealthProblem) -> HealthError {
    HealthError { path: FieldPath::new([Step::Field(field)]), problem }
}

fn within(section: &'static str, field: &'static str, problem: HealthProblem) -> HealthError {
    HealthError { path: FieldPath::new([Step::Field(section), Step::Field(field)]), problem }
}

#[cfg(test)]
mod tests;
