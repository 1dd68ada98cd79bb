//! What the guest says: one JSON object a line on its second serial line.
//!
//! The kernel writes to the first only, so nothing of it comes between; a line
//! that is no event is kept as a remark all the same, because a guest in trouble
//! should not be silenced by its judge.

use serde::Deserialize;

/// One line of the guest.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Event {
    /// The guest is up, and took this long since its kernel began.
    Ready { seconds: f64 },
    /// A scenario begins.
    Begin { scenario: String },
    /// Something that must hold, and what was found.
    Row(Row),
    /// What that scenario found since it began says nothing, and why; it begins again.
    Again { scenario: String, why: String },
    /// For the reader only.
    Remark { text: String },
    /// A row of the README's figures.
    Figure { cells: Vec<String> },
    /// A file of services as an agent printed it, for the comparison with `overspill pick`.
    Services { name: String, file: String },
    /// Where new flows from consecutive ports went.
    Flows(Flows),
    /// All is through.
    End,
}

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    pub(super) scenario: String,
    pub(super) expected: String,
    pub(super) got: String,
    pub(super) pass: bool,
    pub(super) seconds: f64,
}

/// Flows that one client opened, and the backends that got them.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Flows {
    /// The file of services under which they were opened.
    pub(super) services: String,
    pub(super) protocol: String,
    pub(super) source: std::net::IpAddr,
    /// The source port of the first flow; those of the others follow.
    pub(super) first_port: u16,
    pub(super) vip: std::net::IpAddr,
    pub(super) port: u16,
    /// The backends' addresses.
    pub(super) backends: Vec<std::net::IpAddr>,
    /// For each flow a digit, the index of its backend, or `-` where none got it.
    pub(super) taken: String,
}

/// Everything that was said, and what was to be run.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Transcript {
    /// The scenarios' names.
    wanted: Vec<&'static str>,
    events: Vec<Event>,
}

impl Event {
    /// Reads one line.
    pub(super) fn read(line: &str) -> Self {
        let line = line.trim();
        serde_json::from_str(line).unwrap_or_else(|_| Self::Remark { text: line.to_owned() })
    }

    /// The line for a person who waits; `None` for what is only for machines.
    pub(super) fn progress(&self) -> Option<String> {
        match self {
            Self::Ready { seconds } => Some(format!("the guest is up after {seconds:.1} s")),
            Self::Begin { scenario } => Some(format!("- {scenario}")),
            Self::Row(row) if row.pass => Some(format!("  {} ({:.1} s)", row.got, row.seconds)),
            Self::Row(row) => Some(format!("  FAILED: expected {}, got {}", row.expected, row.got)),
            Self::Again { why, .. } => Some(format!("  INCONCLUSIVE: {why}; once more")),
            Self::Remark { text } => Some(format!("  {text}")),
            Self::Figure { cells } => Some(format!("  {}", cells.join("; "))),
            Self::Services { .. } | Self::Flows(_) | Self::End => None,
        }
    }
}

impl Transcript {
    /// An empty one, of guests that are to run these scenarios.
    pub(super) fn of(wanted: impl IntoIterator<Item = &'static str>) -> Self {
        Self { wanted: wanted.into_iter().collect(), events: Vec::new() }
    }

    pub(super) fn push(&mut self, event: Event) {
        if let Event::Again { scenario, .. } = &event {
            let is_begin =
                |event: &Event| matches!(event, Event::Begin { scenario: name } if name == scenario);
            let begin = self.events.iter().rposition(is_begin);
            self.events.truncate(begin.unwrap_or(self.events.len()));
        }
        self.events.push(event);
    }

    pub(super) fn append(&mut self, mut other: Self) {
        self.wanted.append(&mut other.wanted);
        self.events.append(&mut other.events);
    }

    pub(super) fn extend(&mut self, rows: Vec<Row>) {
        self.events.extend(rows.into_iter().map(Event::Row));
    }

    pub(super) fn events(&self) -> &[Event] {
        &self.events
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.events.iter().filter_map(|event| match event {
            Event::Row(row) => Some(row),
            Event::Ready { .. }
            | Event::Begin { .. }
            | Event::Again { .. }
            | Event::Remark { .. }
            | Event::Figure { .. }
            | Event::Services { .. }
            | Event::Flows(_)
            | Event::End => None,
        })
    }

    /// Whether the guest came to its end.
    pub(super) fn has_ended(&self) -> bool {
        self.events.contains(&Event::End)
    }

    /// The scenario that began last.
    pub(super) fn current(&self) -> Option<&str> {
        self.events.iter().rev().find_map(|event| match event {
            Event::Begin { scenario } => Some(scenario.as_str()),
            Event::Ready { .. }
            | Event::Row(_)
            | Event::Again { .. }
            | Event::Remark { .. }
            | Event::Figure { .. }
            | Event::Services { .. }
            | Event::Flows(_)
            | Event::End => None,
        })
    }

    /// What did not hold, in words; a scenario that was not run, or that expected nothing, did not either.
    pub(crate) fn failures(&self) -> Vec<String> {
        let failed = self.rows().filter(|row| !row.pass);
        let mut failures: Vec<String> = failed
            .map(|row| format!("{}: expected {}, got {}", row.scenario, row.expected, row.got))
            .collect();
        let begun = |name: &str| {
            self.events.iter().any(|event| matches!(event, Event::Begin { scenario } if scenario == name))
        };
        let not_begun: Vec<&str> = self.wanted.iter().copied().filter(|name| !begun(name)).collect();
        if !not_begun.is_empty() {
            failures.push(format!("not run: {}", not_begun.join(", ")));
        }
        for name in self.wanted.iter().filter(|name| begun(name)) {
            if !self.rows().any(|row| row.scenario == **name) {
                failures.push(format!("{name}: it expected nothing, and so proved nothing"));
            }
        }
        failures
    }

    /// One line about all.
    pub(crate) fn summary(&self) -> String {
        let held = self.rows().filter(|row| row.pass).count();
        let scenarios = self.wanted.len();
        let again = self.events.iter().filter(|event| matches!(event, Event::Again { .. })).count();
        let again =
            if again > 0 { format!(" ({again} inconclusive runs made again)") } else { String::new() };
        format!("{held} expectations of {scenarios} scenarios held, {} did not{again}", self.failures().len())
    }
}

#[cfg(test)]
mod tests;
