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

/// A scenario whose file has its name.
macro_rules! scenario {
    ($name:literal) => {
        EmbeddedScenario { name: $name, text: include_str!(concat!("../../scenarios/", $name, ".yaml")) }
    };
}

const EMBEDDED: [EmbeddedScenario; 11] = [
    scenario!("az-loss"),
    scenario!("datagrams"),
    scenario!("health-flap"),
    scenario!("kernel-drain"),
    scenario!("local-loss"),
    scenario!("node-added"),
    scenario!("node-loss"),
    scenario!("rolling-restart"),
    scenario!("scale-out"),
    scenario!("silent-node"),
    scenario!("survivors-overload"),
];
