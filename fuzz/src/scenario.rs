//! Any text: a scenario, or an error that says where and what; overrides too.
//!
//! A comment line `# --set PATH=VALUE` is an override, as on the command line.

use sim::scenario::{EmbeddedData, Scenario, ScenarioError, ScenarioFile, with_overrides};

/// Reads `bytes` as a scenario file, without and with its overrides.
pub fn check(bytes: &[u8]) {
    let Ok(text) = core::str::from_utf8(bytes) else { return };
    read(text);
    let overrides: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# --set ")).collect();
    if !overrides.is_empty() {
        match with_overrides(text, &overrides) {
            Ok(text) => read(&text),
            Err(error) => explained(&error),
        }
    }
}

fn read(text: &str) {
    if let Err(error) = ScenarioFile::from_yaml(text) {
        explained(&error);
    }
    match Scenario::from_yaml(text, &EmbeddedData) {
        Ok(scenario) => {
            let capacity = scenario.capacity();
            assert!(capacity.is_finite() && capacity >= 0.0, "{capacity}");
            assert!(!scenario.zones.is_empty(), "a fleet without zones is an error");
        }
        Err(error) => explained(&error),
    }
}

fn explained(error: &ScenarioError) {
    assert!(!error.to_string().trim().is_empty(), "{error:?} says nothing");
}
