//! The file read again: put to work if it is right, refused if it is not; never half of it.
//!
//! When it looks changed, it is read, and what it said before is no news. When
//! somebody asks (SIGHUP, `lb-agent reload`), it is put to work once more: the
//! files that it names (authorities, certificates) may have changed, or what
//! was in its way (a port) may have gone.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use files::Fault;
use lb_core::Time;
use lb_core::node::NodeConfig;

use super::air::Air;
use super::{Daemon, DaemonError};
use crate::file::{self, Loaded};
use crate::status::Refusal;
use crate::traces::spans;

/// The file at work and the one that was refused.
pub(super) struct FileState {
    pub(super) path: PathBuf,
    /// Of the content that was read last, taken or not.
    pub(super) mark: u64,
    pub(super) since: Instant,
    pub(super) refused: Option<(Fault, Instant)>,
}

impl FileState {
    pub(super) fn refusal(&self) -> Option<Refusal> {
        self.refused.as_ref().map(|(fault, since)| Refusal::new(fault, since.elapsed().as_secs_f64()))
    }
}

impl Daemon {
    /// The file looks changed.
    pub(super) fn file_changed(&mut self, now: Time) {
        let loaded = file::load(&self.file.path);
        if loaded.mark != self.file.mark {
            // what came of it is in the log and in the status
            let _ = self.take_loaded(now, loaded);
        }
    }

    /// Somebody sent SIGHUP.
    pub(super) fn reload_by_signal(&mut self, now: Time) {
        if self.told_ready {
            self.notifier.reloading();
        }
        // what came of it is in the log and in the status
        let _ = self.reload(now);
        if self.told_ready {
            self.notifier.ready();
        }
    }

    /// Reads the file, and puts it to work if it is right; says what came of it.
    pub(super) fn reload(&mut self, now: Time) -> Result<String, String> {
        if self.file.path == Path::new("-") {
            // it has ended, or somebody sits at a terminal: the loop must not wait for them
            return Err("the file was standard input, which is read once; start the agent anew".to_owned());
        }
        let loaded = file::load(&self.file.path);
        self.take_loaded(now, loaded)
    }

    fn take_loaded(&mut self, now: Time, Loaded { config, mark }: Loaded) -> Result<String, String> {
        let same = mark == self.file.mark;
        self.file.mark = mark;
        let span = spans::reload();
        let result = span.in_scope(|| self.take_file(now, config, same));
        match &result {
            Ok(_) => {
                spans::generation(&span, self.node.config().lb.generation);
                self.traced.reloaded(&span, self.node.is_programmed());
            }
            Err(why) => spans::failed(&span, "config", why),
        }
        result
    }

    /// Puts what the file says now to work, if it is right.
    fn take_file(
        &mut self,
        now: Time,
        config: Result<NodeConfig, Fault>,
        same: bool,
    ) -> Result<String, String> {
        let prepared = config.and_then(|config| match self.probes.prepare(&config) {
            Ok(()) => Ok(config),
            Err((path, message)) => Err(place(&self.file.path, &path, message)),
        });
        self.metrics.reload(prepared.is_ok());
        let config = prepared.map_err(|fault| self.refuse(fault))?;
        let generation = config.lb.generation;
        let services: BTreeSet<String> =
            config.lb.services.iter().map(|service| service.address.to_string()).collect();
        self.remark_on_fixed(&config);
        let (log, air) = (config.log, Air::of(&config));
        if !self.node.handle_config(now, config) {
            return Err("the agent is ending and takes no file any more".to_owned());
        }
        self.levels.set(log);
        self.air.configure(air);
        self.metrics.retain(&services);
        self.flows.configure(self.node.config());
        let was_refused = self.file.refused.take().is_some();
        if same && !was_refused {
            return Ok(format!("the file is as it was; generation {generation} stays at work"));
        }
        self.file.since = Instant::now();
        Ok(format!("generation {generation} is at work"))
    }

    /// Goes on with the file at work; gives back what is wrong with this one.
    fn refuse(&mut self, fault: Fault) -> String {
        let (line, field) = (fault.line, fault.field.clone().unwrap_or_default());
        tracing::error!(line, field, "the file is refused: {}", fault.message);
        let said = format!("refused: {}", words(&fault));
        self.file.refused = Some((fault, Instant::now()));
        said
    }

    /// What is fixed at the start is said, not changed.
    fn remark_on_fixed(&self, config: &NodeConfig) {
        let at_work = self.node.config();
        for (field, same) in [
            ("metrics", config.metrics == at_work.metrics),
            ("control", config.control == at_work.control),
            ("tracing", config.tracing == at_work.tracing),
            ("log.format", config.log.format == at_work.log.format),
        ] {
            if !same {
                tracing::warn!(field, "this takes a restart");
            }
        }
    }
}

/// A fault of a field that was found after the file was read: placed by reading it again.
fn place(file: &Path, field: &str, message: String) -> Fault {
    match files::Source::read(file) {
        Ok(source) => source.fault(field, message),
        Err(_) => {
            Fault { field: Some(field.to_owned()), ..Fault::whole(file.display().to_string(), message) }
        }
    }
}

pub(super) fn fault_of(file: &Path, field: &str, message: String) -> DaemonError {
    DaemonError::Fault(Box::new(place(file, field, message)))
}

/// A fault in one line.
fn words(fault: &Fault) -> String {
    let line = fault.line.map(|line| format!("line {line}: ")).unwrap_or_default();
    let field = fault.field.as_ref().map(|field| format!("{field}: ")).unwrap_or_default();
    format!("{line}{field}{}", fault.message)
}
