//! Runs a scenario from somebody else's program and prints its result.
//!
//! ```text
//! scenario (YAML) --> run(scenario, seed, observer) --> RunResult (JSON)
//!                                         |
//!                                         +--> events, counted here
//! ```

use std::collections::BTreeMap;

use sim::record::{Observer, Record};
use sim::run::run;
use sim::scenario::{EmbeddedData, Scenario, embedded, with_overrides};

/// Counts events by kind and cause.
#[derive(Default)]
struct Counter(BTreeMap<String, u64>);

impl Observer for Counter {
    fn event(&mut self, record: &Record<'_>) {
        let cause = record.cause.unwrap_or_default();
        *self.0.entry(format!("{} {cause}", record.kind)).or_default() += 1;
    }
}

#[allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "the crate does no I/O, a program may"
)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_else(|| "node-loss".to_owned());
    let overrides: Vec<String> = arguments.collect();
    let found = embedded().iter().find(|scenario| scenario.name == name);
    // A name, or else a file.
    let text = found.map_or_else(|| std::fs::read_to_string(&name), |found| Ok(found.text.to_owned()))?;
    let scenario = Scenario::from_yaml(&with_overrides(&text, &overrides)?, &EmbeddedData)?;
    let mut counter = Counter::default();
    let result = run(&scenario, scenario.seed, &mut counter)?;
    println!("{}", serde_json::to_string_pretty(&result)?);
    println!("{:#?}", counter.0);
    Ok(())
}
