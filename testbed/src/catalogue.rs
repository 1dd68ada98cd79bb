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

/// What nodes must be made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Our agent: nodes of Debian's programs probe nothing and read no file of ours.
    Agent,
    /// Anything that serves and announces.
    AnyNode,
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
    pub(crate) needs: Needs,
    /// How long it takes on a quiet machine with two guests side by side, measured.
    pub(crate) seconds: u16,
}

const fn any(set: Set, id: Id, name: &'static str, seconds: u16, proves: &'static str) -> Scenario {
    Scenario { id, name, proves, set, needs: Needs::AnyNode, seconds }
}

const fn agent(set: Set, id: Id, name: &'static str, seconds: u16, proves: &'static str) -> Scenario {
    Scenario { id, name, proves, set, needs: Needs::Agent, seconds }
}

use Set::{Smoke, Whole};

/// All of them, in the order in which one guest runs them.
pub(crate) const SCENARIOS: [Scenario; 23] = [
    any(Smoke, Id::Connections, "240 connections", 3, "each is where `overspill pick` says, all nodes agree"),
    any(Smoke, Id::SomeFlows, "flows as picked", 3, "2,200 flows of both families are, too"),
    any(Smoke, Id::AgentKilled, "node's agent killed", 4, "withdrawn at once; nothing lost, nor later"),
    agent(Smoke, Id::AgentRestarts, "agent restarts", 7, "kill -9 and start: nothing written, nothing lost"),
    any(Whole, Id::HostDies, "node's host dies", 6, "withdrawn in BFD's time; nothing lost, either"),
    any(Whole, Id::AgentStops, "node's agent stops", 3, "it withdraws before it ends; nothing lost"),
    agent(Whole, Id::ProcessDies, "backend's process dies", 4, "out in time; its flows end, only they"),
    agent(Whole, Id::BackendHostDies, "backend's host dies", 8, "the same, where nothing answers at all"),
    agent(Whole, Id::AllBackendsDie, "all backends die", 4, "VIPs are withdrawn, and announced again"),
    agent(Whole, Id::OnePathDead, "one path dead", 6, "the checker names it, that node alone avoids it"),
    any(Whole, Id::ManyFlows, "many flows as picked", 14, "12,700: weights, drain, delete, add, flags"),
    any(Whole, Id::BackendAdded, "backend added", 3, "established stay; new ones move as the tables say"),
    any(Whole, Id::WeightHalved, "backend's weight halved", 6, "the same for weights 100, 50, 100"),
    agent(Whole, Id::SlowStart, "slow start", 10, "the table grows by few units at a time, as wanted"),
    any(Whole, Id::BackendDrains, "backend drains", 4, "nothing lost or refused, nobody new on it"),
    any(Whole, Id::PathMtu, "path MTU", 1, "large transfers both ways, 1500 bytes everywhere"),
    any(Whole, Id::NarrowHop, "path MTU with a narrow hop", 1, "the same through a hop of 1400 bytes"),
    any(Whole, Id::MixedFamilies, "mixed families", 5, "IPv6 over IPv4 tunnels and IPv4 over IPv6"),
    any(Whole, Id::RouterRestarts, "router restarts", 4, "graceful restart: routes stay, nothing lost"),
    agent(Whole, Id::FileChanges, "file changes", 1, "a bad one is refused; nothing lost or rewritten"),
    any(Smoke, Id::LiveTests, "live tests", 7, "the packages' own tests on a real kernel"),
    any(Whole, Id::DsrTests, "live tests of dsr", 40, "pods that make and remove tunnels, with packets"),
    any(Smoke, Id::ForeignThings, "foreign things", 6, "services and routes of others stay, always"),
];
