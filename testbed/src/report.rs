//! What the guest tells: one JSON object a line, on a serial line that the kernel leaves alone.
//!
//! The host's side (`xtask`, `testbed/protocol.rs`) reads exactly these.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::Context as _;
use serde_json::{Value, json};

/// The line to the host.
#[derive(Debug)]
pub(crate) struct Report {
    line: Mutex<File>,
    scenario: Mutex<(String, Instant)>,
    has_failed: AtomicBool,
}

/// Flows from consecutive ports of one source, and who got them.
#[derive(Debug)]
pub(crate) struct Taken<'a> {
    pub(crate) services: &'a str,
    pub(crate) protocol: &'a str,
    pub(crate) source: IpAddr,
    pub(crate) first_port: u16,
    pub(crate) vip: IpAddr,
    pub(crate) port: u16,
    pub(crate) backends: &'a [IpAddr],
    /// For each flow the index of its backend.
    pub(crate) by: &'a [Option<usize>],
}

impl Report {
    pub(crate) fn open(path: &str) -> anyhow::Result<Self> {
        let line = OpenOptions::new().write(true).open(path).with_context(|| path.to_owned())?;
        Ok(Self {
            line: Mutex::new(line),
            scenario: Mutex::new((String::new(), Instant::now())),
            has_failed: AtomicBool::new(false),
        })
    }

    fn tell(&self, event: &Value) {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        // nobody is left to tell if this fails; the host sees the silence
        let _ = writeln!(line, "{event}").and_then(|()| line.flush());
    }

    pub(crate) fn ready(&self, seconds: f64) {
        self.tell(&json!({ "event": "ready", "seconds": seconds }));
    }

    /// A scenario begins; its rows follow, with the time since the row before.
    pub(crate) fn begin(&self, scenario: &str) {
        self.tell(&json!({ "event": "begin", "scenario": scenario }));
        let mut current = self.scenario.lock().unwrap_or_else(PoisonError::into_inner);
        *current = (scenario.to_owned(), Instant::now());
    }

    /// Something that must hold, and what was found.
    pub(crate) fn row(&self, expected: &str, got: &str, pass: bool) {
        self.has_failed.fetch_or(!pass, Ordering::Relaxed);
        let mut current = self.scenario.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = current.1.elapsed().as_secs_f64();
        let scenario = current.0.clone();
        current.1 = Instant::now();
        drop(current);
        self.tell(&json!({ "event": "row", "scenario": scenario, "expected": expected, "got": got,
            "pass": pass, "seconds": seconds }));
    }

    /// Whether a row has failed since this was asked last.
    pub(crate) fn take_failed(&self) -> bool {
        self.has_failed.swap(false, Ordering::Relaxed)
    }

    /// What the scenario found since it began says nothing; the host forgets it.
    pub(crate) fn again(&self, scenario: &str, why: &str) {
        self.tell(&json!({ "event": "again", "scenario": scenario, "why": why }));
    }

    pub(crate) fn remark(&self, text: &str) {
        self.tell(&json!({ "event": "remark", "text": text }));
    }

    /// One row of the README's figures, by its cells.
    pub(crate) fn figure(&self, cells: &[String]) {
        self.tell(&json!({ "event": "figure", "cells": cells }));
    }

    /// A file of services, for flows that name it.
    pub(crate) fn services(&self, name: &str, file: &str) {
        self.tell(&json!({ "event": "services", "name": name, "file": file }));
    }

    pub(crate) fn flows(&self, taken: &Taken<'_>) {
        let digit = |by: &Option<usize>| by.and_then(|by| char::from_digit(by as u32, 10)).unwrap_or('-');
        let digits: String = taken.by.iter().map(digit).collect();
        self.tell(&json!({ "event": "flows", "services": taken.services, "protocol": taken.protocol,
            "source": taken.source, "first_port": taken.first_port, "vip": taken.vip, "port": taken.port,
            "backends": taken.backends, "taken": digits }));
    }

    pub(crate) fn end(&self) {
        self.tell(&json!({ "event": "end" }));
    }
}
