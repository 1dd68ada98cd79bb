//! `lb-agent import`: the configuration of `ipvsadm` or keepalived as ours.
//!
//! Pure functions from text to an [`LbFile`] and remarks. The one idea: nothing
//! is dropped silently. What cannot be said in our file, or means something
//! else there, is a [`Remark`] with its line, and whoever reads the remarks
//! knows all that differs. What a text cannot be read by at all is an error.
//! Whether the file then works is asked of the same conversion that a running
//! agent uses, and its fault is the last remark.

use std::collections::BTreeSet;
use std::fmt;
use std::io::Read as _;
use std::net::IpAddr;

use lb_core::config::{
    BackendFile, BackendState, ForwardFile, ForwardKind, HashField, LbFile, Prefix, ProtocolName,
    SchedulerFile, SchedulerName, ServiceFile,
};
use lb_core::health::HealthFile;
use lb_core::node::{NodeConfig, NodeError};

mod ipvsadm;
mod keepalived;
mod words;

#[cfg(test)]
mod tests;

/// Whose configuration it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// What `ipvsadm -S -n` prints, or a script of `ipvsadm` calls.
    Ipvsadm,
    /// keepalived.conf.
    Keepalived,
}

impl Format {
    /// The format of a text, by its first line that says anything.
    #[must_use]
    pub fn of(text: &str) -> Self {
        match words::lines(text).next() {
            Some(line) if ipvsadm::is_line(line.text) => Self::Ipvsadm,
            Some(_) | None => Self::Keepalived,
        }
    }
}

/// What became of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// Our file.
    pub file: LbFile,
    /// All that it says otherwise, or not.
    pub remarks: Vec<Remark>,
}

/// Something that our file says otherwise, or not; displays as `line 12: ...`.
#[derive(Clone, Debug, PartialEq)]
pub struct Remark {
    /// The line, from 1; 0 is about the file as a whole.
    pub line: usize,
    /// What, and what is to be done.
    pub concern: Concern,
}

/// What of a text is otherwise in our file.
#[derive(Clone, Debug, PartialEq)]
pub enum Concern {
    /// It is left out.
    LeftOut {
        /// In the words of the text.
        what: String,
        /// The reason, and what to do about it.
        why: &'static str,
    },
    /// Something else is written for it.
    Otherwise {
        /// In the words of the text.
        what: String,
        /// What is written, and what follows.
        how: &'static str,
    },
    /// Nobody knows what it means.
    Unknown {
        /// In the words of the text.
        what: String,
    },
    /// The agent would not take the file as it stands.
    Refused(NodeError),
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}: ", self.line)?;
        }
        match &self.concern {
            Concern::LeftOut { what, why } => write!(f, "`{what}` is left out: {why}"),
            Concern::Otherwise { what, how } => write!(f, "`{what}`: {how}"),
            Concern::Unknown { what } => write!(f, "`{what}` is left out: it is not known here"),
            Concern::Refused(error) => write!(f, "to be changed before an agent takes the file: {error}"),
        }
    }
}

/// Why a text cannot be read; all are the text's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct ImportError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there, and what would be right.
    pub problem: ImportProblem,
}

/// What is wrong with a line; the text says what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportProblem {
    /// A name in an address's place.
    #[error("`{text}` is no address; names are not resolved, so print numbers (`ipvsadm -S -n`)")]
    Address {
        /// As written.
        text: String,
    },
    /// A block that nobody closes.
    #[error("`{{` is never closed; add the `}}`")]
    Open,
    /// Blocks in blocks in blocks.
    #[error("more than 32 blocks stand in each other; remove braces that belong to nothing")]
    Deep,
    /// A brace that closes nothing.
    #[error("`}}` closes nothing; remove it, or add what it closes")]
    Close,
    /// A quotation mark that nobody closes.
    #[error("a quotation mark is never closed; add the second one")]
    Quote,
    /// The table for people instead of the commands.
    #[error("this is what `ipvsadm -L` shows to people; import what `ipvsadm -S -n` prints")]
    Listing,
    /// A number that is none, or out of range.
    #[error("`{text}` is no number here; write one from {min} to {max}")]
    Number {
        /// As written.
        text: String,
        /// The least.
        min: u32,
        /// The greatest.
        max: u32,
    },
    /// Something that has to follow is missing.
    #[error("after `{after}` {what} is missing")]
    Missing {
        /// As written.
        after: String,
        /// What has to follow.
        what: &'static str,
    },
    /// Nothing in it is known.
    #[error(
        "nothing here is known; import what `ipvsadm -S -n` prints (`-A` and `-a` lines), or a keepalived.conf \
         with `virtual_server` blocks"
    )]
    Nothing,
    /// A destination of a service that was not named before.
    #[error("`{service}` was not added before; put its -A line first")]
    NoService {
        /// As written.
        service: String,
    },
}

/// Reads a text.
///
/// # Errors
///
/// [`ImportError`]: the first line that cannot be read.
pub fn import(text: &str, format: Format) -> Result<Imported, ImportError> {
    let mut remarks = Remarks::default();
    let drafts = match format {
        Format::Ipvsadm => ipvsadm::read(text, &mut remarks)?,
        Format::Keepalived => keepalived::read(text, &mut remarks)?,
    };
    let services: Vec<_> = drafts.into_iter().filter_map(|draft| draft.finish(&mut remarks)).collect();
    let is_known = |remark: &Remark| !matches!(remark.concern, Concern::Unknown { .. });
    if services.is_empty() && !remarks.0.iter().any(is_known) {
        return Err(ImportError { line: 1, problem: ImportProblem::Nothing });
    }
    let owned: BTreeSet<_> = services.iter().map(|service| Prefix(service.vip.into())).collect();
    let file = LbFile {
        version: Some(1),
        owned_prefixes: Some(owned.into_iter().collect()),
        services,
        ..LbFile::default()
    };
    if let Err(error) = NodeConfig::try_from(file.clone()) {
        remarks.add(0, Concern::Refused(error));
    }
    Ok(Imported { file, remarks: remarks.in_order() })
}

/// Runs the command: reads a file (`-` is standard input), prints ours on
/// standard output and remarks on standard error.
///
/// # Errors
///
/// If the text cannot be read at all.
pub fn run(path: &str, format: Option<Format>) -> anyhow::Result<()> {
    use anyhow::Context as _;
    let text = if path == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("standard input")?;
        text
    } else {
        std::fs::read_to_string(path).with_context(|| path.to_owned())?
    };
    let format = format.unwrap_or_else(|| Format::of(&text));
    let imported = import(&text, format).with_context(|| path.to_owned())?;
    for remark in &imported.remarks {
        eprintln!("{path}: {remark}");
    }
    print!("{}", serde_saphyr::to_string(&imported.file)?);
    Ok(())
}

/// Remarks in the order in which they come up.
#[derive(Debug, Default)]
struct Remarks(Vec<Remark>);

impl Remarks {
    fn add(&mut self, line: usize, concern: Concern) {
        self.0.push(Remark { line, concern });
    }

    /// By line, what is about the whole file last; each once, though a line may
    /// be about several services.
    fn in_order(self) -> Vec<Remark> {
        let mut seen = BTreeSet::new();
        let mut remarks: Vec<_> =
            self.0.into_iter().filter(|remark| seen.insert(remark.to_string())).collect();
        remarks.sort_by_key(|remark| (remark.line == 0, remark.line));
        remarks
    }

    fn left_out(&mut self, line: usize, what: impl Into<String>, why: &'static str) {
        self.add(line, Concern::LeftOut { what: what.into(), why });
    }

    fn otherwise(&mut self, line: usize, what: impl Into<String>, how: &'static str) {
        self.add(line, Concern::Otherwise { what: what.into(), how });
    }
}

/// How packets travel to a destination, in the words of both programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Masquerade,
    DirectRoute,
    Ipip,
    Gue(u16),
    Gre,
}

/// A service while it is read.
#[derive(Clone, Debug)]
struct Draft {
    line: usize,
    vip: IpAddr,
    port: u16,
    protocol: ProtocolName,
    scheduler: SchedulerFile,
    health: Option<HealthFile>,
    backends: Vec<DraftBackend>,
}

#[derive(Clone, Debug)]
struct DraftBackend {
    line: usize,
    address: IpAddr,
    port: u16,
    weight: u32,
    method: Method,
}

const MASQUERADED: &str = "masquerading is not done here; give the backend the VIP (`lb-agent dsr`), so that it answers clients itself, and write it by hand";
const ROUTED: &str = "written as an ipip tunnel, for direct routing is not done here; the backend needs a tunnel device beside the VIP that it has (`lb-agent dsr`)";
const OTHER_TUNNEL: &str =
    "a service has one way to all of its backends; make it another service, or change the backend's tunnel";
const OTHER_PORT: &str =
    "under a tunnel packets arrive on the port that the client wrote; make the backend listen there too";
const DIVIDED: &str = "added to the weight of the same backend, for a tunnel shows it no other port";
const WEIGHT: &str = "written as 65535, the greatest weight";
const EMPTY: &str = "none of its backends can be taken";
const DUPLICATE: &str = "the service has that backend already";

impl Draft {
    /// The service as our file has it; `None` if nothing is left of it.
    fn finish(self, remarks: &mut Remarks) -> Option<ServiceFile> {
        let mut forward = None;
        let mut seen = BTreeSet::new();
        let mut backends = Vec::new();
        for backend in &self.backends {
            let name = address(backend.address, backend.port);
            let way = match backend.method {
                Method::Masquerade => {
                    remarks.left_out(backend.line, name, MASQUERADED);
                    continue;
                }
                Method::DirectRoute => {
                    remarks.otherwise(backend.line, &name, ROUTED);
                    Method::Ipip
                }
                way @ (Method::Ipip | Method::Gue(_) | Method::Gre) => way,
            };
            if *forward.get_or_insert(way) != way {
                remarks.left_out(backend.line, name, OTHER_TUNNEL);
                continue;
            }
            let weight = u16::try_from(backend.weight).unwrap_or(u16::MAX);
            if !seen.insert((backend.address, backend.port)) {
                remarks.left_out(backend.line, name, DUPLICATE);
                continue;
            }
            let same = |other: &&mut BackendFile| other.address == backend.address;
            if let Some(other) = backends.iter_mut().find(same) {
                remarks.otherwise(backend.line, name, DIVIDED);
                other.weight = other.weight.saturating_add(weight);
                continue;
            }
            if backend.port != self.port {
                remarks.otherwise(backend.line, name, OTHER_PORT);
            }
            if backend.weight > u32::from(u16::MAX) {
                remarks.otherwise(backend.line, format!("weight {}", backend.weight), WEIGHT);
            }
            let address = backend.address;
            backends.push(BackendFile { address, port: None, weight, state: BackendState::Active });
        }
        if backends.is_empty() && !self.backends.is_empty() {
            remarks.left_out(self.line, address(self.vip, self.port), EMPTY);
            return None;
        }
        Some(ServiceFile {
            vip: self.vip,
            port: self.port,
            protocol: self.protocol,
            hash_fields: vec![
                HashField::Proto,
                HashField::Src,
                HashField::Sport,
                HashField::Dst,
                HashField::Dport,
            ],
            scheduler: self.scheduler,
            forward: forward_file(forward.unwrap_or(Method::Ipip)),
            mtu: 1_500,
            health: self.health,
            backends,
        })
    }
}

fn forward_file(method: Method) -> ForwardFile {
    let (kind, port) = match method {
        Method::Gue(port) => (ForwardKind::Gue, Some(port)),
        Method::Gre => (ForwardKind::Gre, None),
        Method::Ipip | Method::DirectRoute | Method::Masquerade => (ForwardKind::Ipip, None),
    };
    ForwardFile { kind, port, spread: None }
}

/// A scheduler with its flags, as both programs name them.
#[derive(Clone, Debug, Default)]
struct Scheduling {
    line: usize,
    /// `mh`, `wlc`, ...
    name: String,
    fallback: bool,
    port: bool,
    /// Whether clients keep their backend for a while.
    persistent: Option<usize>,
}

const NO_HASH: &str =
    "written as ipvs-mh with port and fallback, for all nodes have to choose alike without asking each other";
const PERSISTENT: &str = "written as hashing the client's address alone, which keeps a client on its backend while the backends stay";

impl Scheduling {
    fn finish(self, remarks: &mut Remarks) -> SchedulerFile {
        let (kind, port, fallback) = match self.name.as_str() {
            "mh" => (SchedulerName::IpvsMh, self.port, self.fallback),
            "sh" => (SchedulerName::IpvsSh, self.port, self.fallback),
            other => {
                remarks.otherwise(self.line, other, NO_HASH);
                (SchedulerName::IpvsMh, true, true)
            }
        };
        if let Some(line) = self.persistent {
            remarks.otherwise(line, "persistence", PERSISTENT);
        }
        SchedulerFile {
            kind,
            port: Some(port && self.persistent.is_none()),
            fallback: Some(fallback),
            ..SchedulerFile::default()
        }
    }
}

fn address(address: IpAddr, port: u16) -> String {
    std::net::SocketAddr::new(address, port).to_string()
}
