//! The scenarios by name: what each proves, in one line.
//!
//! Two programs read this file. The guest runs what is in it; the host (`xtask/src/testbed.rs`, which
//! takes it by its path) tells people what there is, refuses what is not, and shares the work out
//! among guests, before anything is built or booted.

/// One scenario, for the guest's code to be found by: whoever adds one cannot forget to write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Id {
    AgentKilled,
    AgentRestarts,
    AgentStops,
    AllBackendsDie,
    BackendAdded,
    BackendDrains,
    BackendHostDies,
    Connections,
    DsrTests,
    FileChanges,
    ForeignThings,
    HostDies,
    LiveTests,
    ManyFlows,
    MixedFamilies,
    NarrowHop,
    OnePathDead,
    PathMtu,
    ProcessDies,
    RouterRestarts,
    SlowStart,
    SomeFlows,
    WeightHalved,
}

/// When a scenario is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Set {
    /// In every test run.
    Smoke,
    /// In the whole set.
    Whole,
}

/// What is known of a scenario without running it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scenario {
    pub(crate) id: Id,
    /// By which people ask for it.
    pub(crate) name: &'static str,
    /// What holds if it passes.
    pub(crate) proves: &'static str,
    pub(crate) set: Set,
    /// How long it takes on a quiet machine with two guests side by side, measured.
    pub(crate) seconds: u16,
}

const fn scenario(set: Set, id: Id, name: &'static str, seconds: u16, proves: &'static str) -> Scenario {
    Scenario { id, name, proves, set, seconds }
}

use Set::{Smoke, Whole};

/// All of them, in the order in which one guest runs them.
pub(crate) const SCENARIOS: [Scenario; 23] = [
    scenario(
        Smoke,
        Id::Connections,
        "240 connections",
        3,
        "each is where `overspill pick` says, all nodes agree",
    ),
    scenario(Smoke, Id::SomeFlows, "flows as picked", 3, "2,200 flows of both families are, too"),
    scenario(Smoke, Id::AgentKilled, "node's agent killed", 4, "withdrawn at once; nothing lost, nor later"),
    scenario(
        Smoke,
        Id::AgentRestarts,
        "agent restarts",
        7,
        "kill -9 and start: nothing written, nothing lost",
    ),
    scenario(Whole, Id::HostDies, "node's host dies", 6, "withdrawn in BFD's time; nothing lost, either"),
    scenario(Whole, Id::AgentStops, "node's agent stops", 3, "it withdraws before it ends; nothing lost"),
    scenario(Whole, Id::ProcessDies, "backend's process dies", 4, "out in time; its flows end, only they"),
    scenario(Whole, Id::BackendHostDies, "backend's host dies", 8, "the same, where nothing answers at all"),
    scenario(Whole, Id::AllBackendsDie, "all backends die", 4, "VIPs are withdrawn, and announced again"),
    scenario(Whole, Id::OnePathDead, "one path dead", 6, "the checker names it, that node alone avoids it"),
    scenario(Whole, Id::ManyFlows, "many flows as picked", 14, "12,700: weights, drain, delete, add, flags"),
    scenario(
        Whole,
        Id::BackendAdded,
        "backend added",
        3,
        "established stay; new ones move as the tables say",
    ),
    scenario(Whole, Id::WeightHalved, "backend's weight halved", 6, "the same for weights 100, 50, 100"),
    scenario(Whole, Id::SlowStart, "slow start", 10, "the table grows by few units at a time, as wanted"),
    scenario(Whole, Id::BackendDrains, "backend drains", 4, "nothing lost or refused, nobody new on it"),
    scenario(Whole, Id::PathMtu, "path MTU", 1, "large transfers both ways, 1500 bytes everywhere"),
    scenario(Whole, Id::NarrowHop, "path MTU with a narrow hop", 1, "the same through a hop of 1400 bytes"),
    scenario(Whole, Id::MixedFamilies, "mixed families", 5, "IPv6 over IPv4 tunnels and IPv4 over IPv6"),
    scenario(Whole, Id::RouterRestarts, "router restarts", 4, "graceful restart: routes stay, nothing lost"),
    scenario(Whole, Id::FileChanges, "file changes", 1, "a bad one is refused; nothing lost or rewritten"),
    scenario(Smoke, Id::LiveTests, "live tests", 7, "the packages' own tests on a real kernel"),
    scenario(Whole, Id::DsrTests, "live tests of dsr", 40, "pods that make and remove tunnels, with packets"),
    scenario(Smoke, Id::ForeignThings, "foreign things", 6, "services and routes of others stay, always"),
];
