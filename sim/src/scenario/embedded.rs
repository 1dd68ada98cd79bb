//! The scenarios that are compiled in: one behaviour each.

/// A scenario that is compiled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmbeddedScenario {
    /// Its name, as the command takes it.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// Every embedded scenario, by name.
#[must_use]
pub const fn embedded() -> &'static [EmbeddedScenario] {
    &EMBEDDED
}

const EMBEDDED: [EmbeddedScenario; 1] = [EmbeddedScenario {
    name: "az-loss",
    text: include_str!("../../scenarios/az-loss.yaml"),
}];
