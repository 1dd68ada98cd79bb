//! What the host wants, from the kernel's command line.
//!
//! The host has chosen already (`xtask/src/testbed/options.rs` writes these words); here is nothing to decide.

use crate::catalogue::{SCENARIOS, Scenario};

/// The words after `--` on the kernel's command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) is_figures: bool,
    pub(crate) is_kept: bool,
    pub(crate) is_shell: bool,
    /// What to run, in this order.
    pub(crate) scenarios: Vec<&'static Scenario>,
    /// How many times.
    pub(crate) repeat: u32,
}

impl Words {
    /// Reads what is known and leaves the rest: the kernel passes on whatever it does not know.
    pub(crate) fn read(words: impl IntoIterator<Item = String>) -> Self {
        let mut read =
            Self { is_figures: false, is_kept: false, is_shell: false, scenarios: Vec::new(), repeat: 1 };
        let named = |name: &str| SCENARIOS.iter().find(|scenario| scenario.name.replace(' ', "_") == name);
        for word in words {
            match word.split_once('=') {
                None if word == "figures" => read.is_figures = true,
                None if word == "keep" => read.is_kept = true,
                None if word == "shell" => read.is_shell = true,
                Some(("run", names)) => read.scenarios = names.split(',').filter_map(named).collect(),
                Some(("repeat", count)) => read.repeat = count.parse().unwrap_or(1),
                None | Some(_) => {}
            }
        }
        read
    }
}

#[cfg(test)]
mod tests;
