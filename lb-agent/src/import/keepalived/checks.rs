//! keepalived's checkers as our checks.
//!
//! Its times become ours: `delay_loop` the interval, `delay_before_retry` the
//! fast one, `connect_timeout` the timeout, and a backend is out after one
//! failure and `retry` more. A check's defaults are those of keepalived, not ours.

use lb_core::config::ProtocolName;
use lb_core::config::units::HumanDuration;
use lb_core::health::{CheckFile, CheckName, DnsRecord, HealthFile};

use super::super::words::Statement;
use super::super::{Concern, ImportError, ImportProblem, Remarks};
use super::why;

const ONE_CHECK: &str = "a service has one check; the first is written";
const ONE_URL: &str = "a check asks for one path; the first is written";
const NO_CHECK: &str = "without a check keepalived takes it for healthy for ever; here it is asked for a TCP connection, or an ICMP echo if the service is UDP";
const SCRIPT: &str = "a check asks the backend itself; write the kind of check that the script, file or BFD session stands for";
const ONLY_PING: &str = "only that no ICMP error comes back is asked there; written as an ICMP echo";
const GREETING: &str = "written as a TCP connection on which the answer begins with 220";

/// Settings that a virtual server gives its real servers, and these their checks.
#[derive(Clone, Debug, Default)]
pub(super) struct Defaults<'a> {
    delay_loop: Option<HumanDuration>,
    connect_timeout: Option<HumanDuration>,
    retry: Option<u32>,
    delay_before_retry: Option<HumanDuration>,
    warmup: Option<HumanDuration>,
    virtualhost: Option<&'a str>,
}

impl<'a> Defaults<'a> {
    /// Whether the statement is one of these.
    pub(super) fn take(&mut self, statement: &Statement<'a>) -> Result<bool, ImportError> {
        match statement.name() {
            "delay_loop" => self.delay_loop = Some(seconds(statement)?),
            "connect_timeout" => self.connect_timeout = Some(seconds(statement)?),
            "retry" | "nb_get_retry" | "nb_sock_retry" => self.retry = Some(statement.number(1, 0, 99)?),
            "delay_before_retry" => self.delay_before_retry = Some(seconds(statement)?),
            "warmup" => self.warmup = Some(seconds(statement)?),
            "virtualhost" => self.virtualhost = Some(statement.word(1, "a name")?),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// Whether a block is a checker.
pub(super) fn is_check(name: &str) -> bool {
    matches!(name, "HTTP_GET" | "SSL_GET") || name.ends_with("_CHECK")
}

/// The health of a real server with these checkers.
pub(super) fn health<'a>(
    line: usize,
    protocol: ProtocolName,
    defaults: &Defaults<'a>,
    checks: &[&Statement<'a>],
    remarks: &mut Remarks,
) -> Result<HealthFile, ImportError> {
    let mut taken: Option<HealthFile> = None;
    for statement in checks {
        if taken.is_some() {
            remarks.left_out(statement.line.number, statement.name(), ONE_CHECK);
            continue;
        }
        let mut defaults = defaults.clone();
        let check = match statement.name() {
            "HTTP_GET" => http(CheckName::Http, statement, &mut defaults, remarks)?,
            "SSL_GET" => http(CheckName::Https, statement, &mut defaults, remarks)?,
            "TCP_CHECK" => plain(CheckName::Tcp, statement, &mut defaults, remarks)?,
            "SMTP_CHECK" => {
                remarks.otherwise(statement.line.number, "SMTP_CHECK", GREETING);
                let check = plain(CheckName::Tcp, statement, &mut defaults, remarks)?;
                CheckFile { receive: Some("220".into()), ..check }
            }
            "UDP_CHECK" => udp(statement, &mut defaults, remarks)?,
            "PING_CHECK" => plain(CheckName::Icmp, statement, &mut defaults, remarks)?,
            "DNS_CHECK" => dns(statement, &mut defaults, remarks)?,
            name => {
                remarks.left_out(statement.line.number, name, SCRIPT);
                continue;
            }
        };
        taken = Some(timed(check, statement.name(), &defaults));
    }
    Ok(taken.unwrap_or_else(|| {
        remarks.otherwise(line, "real_server", NO_CHECK);
        let kind = match protocol {
            ProtocolName::Tcp => CheckName::Tcp,
            ProtocolName::Udp | ProtocolName::Sctp => CheckName::Icmp,
        };
        timed(CheckFile { kind, ..CheckFile::default() }, "", defaults)
    }))
}

/// A check with keepalived's times.
fn timed(check: CheckFile, name: &str, defaults: &Defaults<'_>) -> HealthFile {
    const SECOND: u64 = 1_000_000_000;
    let interval = defaults.delay_loop.unwrap_or(HumanDuration::from_nanos(60 * SECOND));
    let (retry, delay) = match name {
        "DNS_CHECK" => (3, interval),
        "HTTP_GET" | "SSL_GET" => (1, HumanDuration::from_nanos(3 * SECOND)),
        _ => (1, HumanDuration::from_nanos(SECOND)),
    };
    let fast = defaults.delay_before_retry.unwrap_or(delay);
    HealthFile {
        check: Some(check),
        interval: Some(interval),
        fast_interval: (fast < interval).then_some(fast),
        timeout: Some(defaults.connect_timeout.unwrap_or(HumanDuration::from_nanos(5 * SECOND))),
        fall: Some(defaults.retry.unwrap_or(retry) + 1),
        start_within: defaults.warmup,
        ..HealthFile::default()
    }
}

/// A checker of which only the port matters.
fn plain<'a>(
    kind: CheckName,
    statement: &Statement<'a>,
    defaults: &mut Defaults<'a>,
    remarks: &mut Remarks,
) -> Result<CheckFile, ImportError> {
    let mut check = CheckFile { kind, ..CheckFile::default() };
    for inner in &statement.block {
        match inner.name() {
            "connect_port" if kind != CheckName::Icmp => check.port = Some(port(inner)?),
            _ if defaults.take(inner)? => {}
            _ => why::not_taken(inner, remarks),
        }
    }
    Ok(check)
}

fn http<'a>(
    kind: CheckName,
    statement: &Statement<'a>,
    defaults: &mut Defaults<'a>,
    remarks: &mut Remarks,
) -> Result<CheckFile, ImportError> {
    // keepalived verifies no certificate
    let tls_verify = (kind == CheckName::Https).then_some(false);
    let mut check = CheckFile { kind, tls_verify, ..CheckFile::default() };
    let (mut host, mut asks_for_name, mut codes) = (None, false, None);
    let mut has_url = false;
    for inner in &statement.block {
        match inner.name() {
            "url" if has_url => remarks.left_out(inner.line.number, "url", ONE_URL),
            "url" => {
                has_url = true;
                for part in &inner.block {
                    match part.name() {
                        "path" => check.path = Some(part.word(1, "a path")?.to_owned()),
                        "status_code" => codes = Some(status_codes(part)?),
                        "virtualhost" => host = Some(part.word(1, "a name")?),
                        _ => why::not_taken(part, remarks),
                    }
                }
            }
            "connect_port" => check.port = Some(port(inner)?),
            "enable_sni" => asks_for_name = true,
            _ if defaults.take(inner)? => {}
            _ => why::not_taken(inner, remarks),
        }
    }
    let host = host.or(defaults.virtualhost).map(str::to_owned);
    if asks_for_name && kind == CheckName::Https {
        check.server_name.clone_from(&host);
    }
    check.host = host;
    check.code = Some(codes.unwrap_or_else(|| "200-299".to_owned()).parse().expect("checked, or a constant"));
    Ok(check)
}

/// `200 300-302` as `200, 300-302`.
fn status_codes(statement: &Statement<'_>) -> Result<String, ImportError> {
    let codes = statement.words.get(1..).unwrap_or_default().join(", ");
    let number = || ImportProblem::Number { text: codes.clone(), min: 100, max: 599 };
    match codes.parse::<lb_core::health::StatusCodes>() {
        Ok(_) => Ok(codes),
        Err(_) => Err(statement.line.wrong(number())),
    }
}

fn udp<'a>(
    statement: &Statement<'a>,
    defaults: &mut Defaults<'a>,
    remarks: &mut Remarks,
) -> Result<CheckFile, ImportError> {
    let mut check = CheckFile { kind: CheckName::Udp, ..CheckFile::default() };
    let mut wants_reply = false;
    for inner in &statement.block {
        let text = || inner.words.get(1..).unwrap_or_default().concat();
        let wrong = || {
            inner
                .line
                .wrong(ImportProblem::Missing { after: inner.name().into(), what: "hexadecimal digits" })
        };
        match inner.name() {
            "connect_port" => check.port = Some(port(inner)?),
            "payload" => check.send_hex = Some(text().parse().map_err(|_| wrong())?),
            "require_reply" => {
                wants_reply = true;
                if inner.words.len() > 1 {
                    check.receive_hex = Some(text().parse().map_err(|_| wrong())?);
                }
            }
            _ if defaults.take(inner)? => {}
            _ => why::not_taken(inner, remarks),
        }
    }
    if !wants_reply {
        remarks.otherwise(statement.line.number, "UDP_CHECK", ONLY_PING);
        return Ok(CheckFile { kind: CheckName::Icmp, ..CheckFile::default() });
    }
    Ok(check)
}

fn dns<'a>(
    statement: &Statement<'a>,
    defaults: &mut Defaults<'a>,
    remarks: &mut Remarks,
) -> Result<CheckFile, ImportError> {
    let mut check = CheckFile {
        kind: CheckName::Dns,
        name: Some(".".into()),
        record: Some(DnsRecord::Soa),
        ..CheckFile::default()
    };
    for inner in &statement.block {
        match inner.name() {
            "connect_port" => check.port = Some(port(inner)?),
            "name" => check.name = Some(inner.word(1, "a name")?.to_owned()),
            "type" => {
                check.record = Some(match inner.word(1, "a type")? {
                    "A" => DnsRecord::A,
                    "AAAA" => DnsRecord::Aaaa,
                    "CNAME" => DnsRecord::Cname,
                    "MX" => DnsRecord::Mx,
                    "NS" => DnsRecord::Ns,
                    "SOA" => DnsRecord::Soa,
                    "TXT" => DnsRecord::Txt,
                    other => {
                        let what = format!("type {other}");
                        remarks.add(inner.line.number, Concern::Unknown { what });
                        DnsRecord::Soa
                    }
                });
            }
            _ if defaults.take(inner)? => {}
            _ => why::not_taken(inner, remarks),
        }
    }
    Ok(check)
}

fn port(statement: &Statement<'_>) -> Result<u16, ImportError> {
    statement.number(1, 1, 65_535).map(|port| u16::try_from(port).expect("in range"))
}

/// Seconds, perhaps with a fraction.
fn seconds(statement: &Statement<'_>) -> Result<HumanDuration, ImportError> {
    let text = statement.word(1, "seconds")?;
    let wrong =
        |_| statement.line.wrong(ImportProblem::Number { text: text.to_owned(), min: 0, max: 86_400 });
    format!("{text}s").parse().map_err(wrong)
}
