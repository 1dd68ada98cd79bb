//! The world around the decisions: API servers, a name provider, load balancers, a clock; and one pass of all controllers.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use mesh_model::access_point::AccessPoint;
use mesh_model::api::{self, Head, Kind, PlacementLevel, Reachability, RouteStatus};
use mesh_model::certificate::{Certificates, Credential, Issued};
use mesh_model::debounce::Debounce;
use mesh_model::federation::{Transmit, WriteAnswer, WriteCommand, Writer, WriterEvent};
use mesh_model::fleet::{Fleet, Target};
use mesh_model::name::{Fqdn, Name};
use mesh_model::names::{
    self, Answer, Change, DrainState, DrainTransmit, Health, Member, Record, RecordKind,
};
use mesh_model::placement::{Evidence, Workload, place, targets};
use mesh_model::provision::{Issuer, NameProvider, VipPool};
use mesh_model::render::{Edit, Revision, render, render_certified};
use mesh_model::rollout::{Approval, ApprovalRefusal, Proposal, Rollout, Versions};
use mesh_model::service::{
    Condition, GatewayPod, LbServices, Observed, Settings, Withdrawals, claims, configure,
};
use mesh_model::status::{self, StatusStore};
use mesh_model::template::Schemas;
use mesh_model::time::{Time, WallTime};
use mesh_model::vip::{Allocator, ClaimKey, Records};
use mesh_model::work_queue::BackOff;
use serde_json::Value;

#[path = "certify.rs"]
mod certify;

const FLEET: &str = include_str!("../../../examples/checkout/fleet.yaml");
const ACCESS_POINT: &str = include_str!("../../../examples/checkout/access-point.yaml");

/// Everything that is not a decision.
pub(crate) struct World {
    /// Clusters whose API servers do not answer.
    pub(crate) unreachable: BTreeSet<Name>,
    /// Hosts that the authority gives no certificate for.
    pub(crate) refused: BTreeSet<Fqdn>,
    /// Targets at which a health gate says no.
    pub(crate) failing: BTreeSet<Name>,
    /// What was written where, in order.
    pub(crate) writes: Vec<String>,
    /// From the moment the name led there no longer to the withdrawal of the address.
    pub(crate) withdrawn_after: Option<Duration>,
    zones: Vec<api::AvailabilityZone>,
    clusters: Vec<api::Cluster>,
    workload: api::FederatedDeployment,
    text: String,
    now: Time,
    wall: WallTime,
    schemas: Schemas,
    provider: NameProvider,
    servers: BTreeMap<Name, Vec<Value>>,
    versions: Versions,
    given: BTreeMap<Name, Revision>,
    known: BTreeSet<Name>,
    rollout: Rollout,
    writer: Writer,
    status: StatusStore,
    allocator: Allocator,
    withdrawals: BTreeMap<Name, Withdrawals>,
    balancing: BTreeMap<Name, LbServices>,
    records: Vec<Record>,
    name_gone_at: Option<Time>,
    issuer: Issuer,
    certificates: Certificates,
    secrets: BTreeMap<Credential, Issued>,
    applied: BTreeMap<Name, Revision>,
}

/// All that may not be lost.
#[derive(Debug, PartialEq)]
pub(crate) struct Kept {
    servers: BTreeMap<Name, Vec<Value>>,
    addresses: Records,
    balancing: BTreeMap<Name, LbServices>,
    records: Vec<Record>,
}

/// What a fleet's file holds of these kinds.
fn objects<T: serde::de::DeserializeOwned>(text: &str, kind: Kind) -> Vec<T> {
    let is_it = |text: &&str| serde_saphyr::from_str::<Head>(text).unwrap().kind().unwrap() == kind;
    text.split("\n---\n").filter(is_it).map(|text| serde_saphyr::from_str(text).unwrap()).collect()
}

impl World {
    pub(crate) fn new() -> Self {
        let pools: Vec<api::VipPool> = objects(FLEET, Kind::VipPool);
        let pools = pools.into_iter().map(|pool| VipPool::try_from(pool).unwrap()).collect();
        let providers: Vec<api::NameProvider> = objects(FLEET, Kind::NameProvider);
        let issuers: Vec<api::Issuer> = objects(FLEET, Kind::Issuer);
        let access_point = parse(ACCESS_POINT);
        Self {
            unreachable: BTreeSet::new(),
            failing: BTreeSet::new(),
            writes: Vec::new(),
            withdrawn_after: None,
            zones: objects(FLEET, Kind::AvailabilityZone),
            clusters: objects(FLEET, Kind::Cluster),
            workload: objects(FLEET, Kind::FederatedDeployment).remove(0),
            text: ACCESS_POINT.to_owned(),
            now: Time::ZERO,
            wall: "2026-11-24T18:00:00Z".parse().unwrap(), // a Tuesday, ten in the morning in Los Angeles
            schemas: Schemas::embedded(),
            provider: NameProvider::try_from(providers[0].clone()).unwrap(),
            servers: BTreeMap::new(),
            given: BTreeMap::new(),
            known: BTreeSet::new(),
            rollout: Rollout::new(access_point.rollout.clone()),
            writer: Writer::new(
                &access_point.id,
                Debounce { quiet: Duration::ZERO, most: Duration::ZERO },
                BackOff::default(),
                2,
                7,
            ),
            status: StatusStore::new(status::Wanted::of(&access_point), Duration::from_secs(600)),
            allocator: Allocator::new(pools, Records::default()).0,
            withdrawals: BTreeMap::new(),
            balancing: BTreeMap::new(),
            records: Vec::new(),
            name_gone_at: None,
            refused: BTreeSet::new(),
            issuer: Issuer::try_from(issuers[0].clone()).unwrap(),
            certificates: Certificates::new(7, Vec::new()),
            secrets: BTreeMap::new(),
            applied: BTreeMap::new(),
            versions: Versions::new(access_point),
        }
    }

    /// The time of one day's window does not end: the wall's clock goes slower than the other.
    pub(crate) fn advance(&mut self, time: Duration) {
        self.now = self.now + time;
        self.wall = self.wall + time / 100;
    }

    /// The team changes its access point.
    pub(crate) fn edit(&mut self, from: &str, to: &str) {
        assert!(self.text.contains(from));
        self.text = self.text.replace(from, to);
        self.versions.handle_edit(parse(&self.text));
    }

    /// The workload is wanted in a cluster no longer, and was seen to have left.
    pub(crate) fn workload_leaves(&mut self, cluster: &str) {
        self.workload.spec.placement.clusters.retain(|one| one.name != *cluster);
        let seen =
            self.workload.status.as_mut().unwrap().clusters.iter_mut().find(|one| one.name == *cluster);
        let seen = seen.unwrap();
        (seen.replicas, seen.ready) = (0, 0);
    }

    /// An edit of a zone's `drain`, and of nothing else.
    pub(crate) fn drain(&mut self, zone: &str, drain: bool) {
        let found = self.zones.iter_mut().find(|one| one.metadata.name == *zone);
        found.unwrap().spec.drain = drain;
    }

    /// The selector of the access point's Service on a target.
    pub(crate) fn selector(&self, target: &str) -> Value {
        let live = &self.servers[target];
        live.iter().find(|one| one["kind"] == "Service").unwrap()["spec"]["selector"].clone()
    }

    /// Somebody else than the author consents to what is shown.
    pub(crate) fn approve(&mut self) {
        if let Some(hash) = self.shown() {
            let _not_asked_for = self.approve_of(hash);
        }
    }

    /// The hash of what is shown to whoever approves.
    pub(crate) fn shown(&self) -> Option<Revision> {
        self.rollout.state().proposal.as_ref().map(|proposal| proposal.difference)
    }

    /// Somebody else than the author consents to something.
    pub(crate) fn approve_of(&mut self, hash: Revision) -> Result<(), ApprovalRefusal> {
        self.rollout.handle_approval(self.now, self.wall, Approval { hash, by: "bob".parse().unwrap() })
    }

    fn fleet(&self) -> Fleet {
        let mut clusters = self.clusters.clone();
        for cluster in clusters.iter_mut().filter(|one| self.unreachable.contains(&one.metadata.name)) {
            cluster.status.get_or_insert_default().reachability = Reachability::Unreachable;
        }
        Fleet::new(self.zones.clone(), clusters).unwrap()
    }

    /// One pass of all controllers, in the order of the chain.
    pub(crate) fn pass(&mut self) {
        let fleet = self.fleet();
        let access_point = self.versions.latest().clone();
        let mut workload = self.workload.clone();
        if let Some(status) = workload.status.as_mut() {
            status.clusters.retain(|one| !self.unreachable.contains(&one.name)); // nobody sees it there
        }
        let workload = Workload::try_from(workload).unwrap();
        let current: BTreeSet<Name> =
            self.servers.iter().filter(|(_, live)| !live.is_empty()).map(|(name, _)| name.clone()).collect();
        let evidence =
            Evidence { fleet: &fleet, is_complete: true, workload: Some(&workload), current: &current };
        let decisions = place(&access_point.placement, evidence);
        let wanted: Vec<Target<'_>> = targets(&decisions, PlacementLevel::Cluster, &fleet).collect();
        self.roll_out(&access_point, &wanted);
        self.certify(&wanted);
        self.federate(&fleet, &wanted);
        let names: BTreeSet<Name> = wanted.iter().map(|target| target.name().clone()).collect();
        self.balance(&access_point, &fleet, &names);
        self.publish(&access_point);
        self.leave(&access_point, &fleet, &names);
        self.report(&wanted);
    }

    fn roll_out(&mut self, access_point: &AccessPoint, wanted: &[Target<'_>]) {
        let revision = Revision::of_access_point(access_point);
        let names: BTreeSet<Name> = wanted.iter().map(|target| target.name().clone()).collect();
        let left: Vec<Name> = self.known.difference(&names).cloned().collect();
        self.rollout.handle_targets(self.now, self.wall, wanted, &left);
        self.known = names;
        let complete = self.rollout.state().completed.and_then(|complete| self.versions.get(complete));
        let difference = Edit::of(complete, access_point, wanted, &self.schemas).difference().hash;
        let proposal = Proposal { revision, difference, author: "ann".parse().unwrap() };
        self.rollout.handle_revision(self.now, self.wall, proposal);
        self.rollout.handle_timeout(self.now, self.wall);
        while let Some(apply) = self.rollout.poll_transmit() {
            self.given.insert(apply.target, apply.revision);
        }
        while self.rollout.poll_event().is_some() {}
        self.versions.forget_unused(self.rollout.state());
    }

    fn federate(&mut self, fleet: &Fleet, wanted: &[Target<'_>]) {
        for target in wanted {
            let Some(revision) = self.given.get(target.name()) else { continue };
            let version = self.versions.get(*revision).expect("whoever was given it is to have it");
            let served = (&self.certificates, self.wall);
            let rendering = render_certified(version, target, fleet, &self.schemas, served);
            assert_eq!(rendering.errors, []);
            if self.lacks(&render(version, target, &self.schemas).objects, target.name()) {
                continue; // what is added is served before it is used
            }
            self.applied.insert(target.name().clone(), *revision);
            self.servers.entry(target.name().clone()).or_default();
            self.writer.handle_wanted(self.now, rendering);
            self.writer.handle_change(self.now, target.name());
            self.write();
        }
    }

    /// Carries out what the writer asks for, and asserts that nothing is referred to that is not there.
    fn write(&mut self) {
        let mut has_deleted = false;
        while let Some(transmit) = self.writer.poll_transmit() {
            let (target, command) = match transmit {
                Transmit::Read { target } => {
                    has_deleted = false;
                    let live = (!self.unreachable.contains(&target)).then_some(&self.servers[&target][..]);
                    self.writer.handle_objects(self.now, &target, live);
                    continue;
                }
                Transmit::Write { target, command } => (target, command),
            };
            let (target, command) = (&target, &command);
            let live = self.servers.entry(target.clone()).or_default();
            let id = |object: &Value| (object["kind"].clone(), object["metadata"]["name"].clone());
            match command {
                WriteCommand::Create { object } => {
                    assert!(!has_deleted && live.iter().all(|other| id(other) != id(object)));
                    live.push(object.clone());
                    self.writes.push(format!("create {} on {target}", object["kind"].as_str().unwrap()));
                }
                WriteCommand::Update { object } => {
                    assert!(!has_deleted);
                    *live.iter_mut().find(|other| id(other) == id(object)).unwrap() = object.clone();
                    self.writes.push(format!("update {} on {target}", object["kind"].as_str().unwrap()));
                }
                WriteCommand::Delete { object, .. } => {
                    has_deleted = true;
                    live.retain(|other| {
                        other["kind"] != *object.kind || other["metadata"]["name"] != *object.name
                    });
                    self.writes.push(format!("delete {} on {target}", object.kind));
                }
            }
            let live = &self.servers[target];
            assert!(self.is_certified(live), "{command:?} names a host without a certificate");
            let subsets = |host: &str| {
                live.iter()
                    .filter(|one| one["kind"] == "DestinationRule" && one["spec"]["host"] == host)
                    .flat_map(|rule| rule["spec"]["subsets"].as_array().cloned().unwrap_or_default())
                    .collect::<Vec<Value>>()
            };
            for route in live
                .iter()
                .filter(|one| one["kind"] == "VirtualService")
                .flat_map(|one| one["spec"]["http"].as_array().unwrap())
            {
                for to in route["route"].as_array().unwrap().iter().map(|one| &one["destination"]) {
                    let Some(subset) = to.get("subset") else { continue };
                    let host = to["host"].as_str().unwrap();
                    assert!(
                        subsets(host).iter().any(|one| one["name"] == *subset),
                        "{command:?} leads to a subset that is not there"
                    );
                }
            }
            self.writer.handle_answer(self.now, target, WriteAnswer::Done);
        }
        while let Some(event) = self.writer.poll_event() {
            if let WriterEvent::Found { findings, .. } = &event {
                assert_eq!((&findings.conflicts, &findings.drift), (&vec![], &vec![]));
                assert_eq!((&findings.contested, &findings.fixed), (&vec![], &vec![]));
            }
            assert!(!matches!(event, WriterEvent::Refused { .. }), "{event:?}");
        }
    }

    /// Service controller, addresses and load balancing.
    fn balance(&mut self, access_point: &AccessPoint, fleet: &Fleet, wanted: &BTreeSet<Name>) {
        let settings = Settings::default();
        let labels = [("istio".to_owned(), "ingressgateway".to_owned())];
        let pod = |address: &str| GatewayPod {
            labels: labels.clone().into(),
            addresses: vec![address.parse().unwrap()],
            condition: Condition::Ready,
        };
        let pods = [pod("10.0.0.1"), pod("10.0.0.2")];
        for (target, live) in &self.servers {
            let is_read = !self.unreachable.contains(target);
            let place = fleet.target(PlacementLevel::Cluster, target.as_str()).unwrap();
            // on a drained target objects and addresses stay, and nothing is announced
            let is_announced = wanted.contains(target) && !place.is_drained();
            let here: Vec<AccessPoint> = is_announced.then(|| access_point.clone()).into_iter().collect();
            let of =
                |kind: &str| live.iter().filter(|one| one["kind"] == kind).cloned().collect::<Vec<Value>>();
            let (services, gateways) = (of("Service"), of("Gateway"));
            let observed = Observed {
                target,
                access_points: Some(&here),
                services: is_read.then_some(&services[..]),
                slices: is_read.then_some(&[]),
                pods: is_read.then_some(&pods[..]),
                nodes: None,
                gateways: is_read.then_some(&gateways[..]),
            };
            let asked = claims(&observed, &settings);
            for claim in &asked.claims {
                self.allocator.claim(self.wall, claim, &[place]).unwrap();
            }
            let keys: BTreeSet<ClaimKey> = asked.claims.iter().map(|claim| claim.key.clone()).collect();
            let withdrawals = self.withdrawals.entry(target.clone()).or_default();
            withdrawals.handle_wanted(self.now, &keys, asked.is_complete);
            let current = self.balancing.entry(target.clone()).or_default();
            let held = self.allocator.records().held;
            let plan =
                configure(&asked, &held, &observed, &settings, current, |key| withdrawals.is_leaving(key));
            if plan.services != *current {
                self.writes.push(format!("balance on {target}"));
                *current = plan.services;
            }
        }
    }

    /// Names: members are who serves; health is not known of who is not read.
    fn publish(&mut self, access_point: &AccessPoint) {
        let mut members = Vec::new();
        for held in self.allocator.records().held {
            let target = held.owner.target.clone().unwrap();
            let withdrawals = &self.withdrawals[&target];
            let serves = self.balancing[&target]
                .get(&held.owner)
                .is_some_and(|services| services.iter().all(|one| !one.backends.is_empty()));
            let health = match (self.unreachable.contains(&target), serves) {
                (true, _) => Health::Unknown,
                (false, true) => Health::Healthy,
                (false, false) => Health::Unhealthy,
            };
            let is_drained = withdrawals.state(&held.owner) != Some(DrainState::Serving);
            members.push(Member {
                owner: held.owner,
                addresses: held.addresses,
                weight: 1,
                health,
                is_drained,
            });
        }
        let name = &access_point.names[0];
        let wanted = names::Wanted {
            name: name.fqdn.clone(),
            ttl: name.ttl,
            labels: access_point.labels.clone(),
            answer: Answer::Members(members),
        };
        let plan = names::plan(&[wanted], &self.records, &self.provider, None);
        assert_eq!((&plan.errors, &plan.held_back), (&vec![], &vec![]));
        for change in plan.changes {
            let (old, new) = match change {
                Change::Create { record } => (None, Some(record)),
                Change::Delete { record } => (Some(record), None),
                Change::Update { old, record } => (Some(old), Some(record)),
            };
            self.records.retain(|record| Some(record) != old.as_ref());
            self.records.extend(new);
            self.writes.push("name".to_owned());
        }
    }

    /// What is published is told to the withdrawals, which end with the address and then the objects.
    fn leave(&mut self, access_point: &AccessPoint, fleet: &Fleet, wanted: &BTreeSet<Name>) {
        let answers = self.answers();
        let targets: Vec<Name> = self.withdrawals.keys().cloned().collect();
        for target in targets {
            let withdrawals = self.withdrawals.get_mut(&target).unwrap();
            for held in self
                .allocator
                .records()
                .held
                .iter()
                .filter(|held| held.owner.target.as_ref() == Some(&target))
            {
                let leads = held.addresses.iter().any(|address| answers.contains(address));
                if !leads && withdrawals.state(&held.owner) == Some(DrainState::NamesGoing) {
                    self.name_gone_at = Some(self.now);
                }
                withdrawals.handle_published(
                    self.now,
                    &held.owner,
                    leads.then_some(access_point.names[0].ttl),
                );
            }
            withdrawals.handle_timeout(self.now);
            while let Some(step) = withdrawals.poll_transmit() {
                match step.what {
                    DrainTransmit::AnnounceVip => withdrawals.handle_vip(self.now, &step.key, true),
                    DrainTransmit::WithdrawVip => {
                        self.writes.push(format!("withdraw {}", step.key));
                        self.withdrawn_after = self.name_gone_at.map(|since| self.now - since);
                        withdrawals.handle_vip(self.now, &step.key, false);
                    }
                    DrainTransmit::PublishNames | DrainTransmit::WithdrawNames => {}
                }
            }
            let is_over = withdrawals.gone().next().is_some();
            let balances = self.balancing.get(&target).is_some_and(|services| !services.is_empty());
            if !is_over || balances || wanted.contains(&target) {
                continue;
            }
            self.writer.handle_withdrawn(self.now, &target);
            self.write();
            self.writer.handle_forget(&target);
            let withdrawals = self.withdrawals.get_mut(&target).unwrap();
            let gone: Vec<ClaimKey> = withdrawals.gone().cloned().collect();
            for key in gone {
                self.allocator.release(self.wall, &key);
                self.withdrawals.get_mut(&target).unwrap().handle_released(&key);
            }
            self.given.remove(&target);
            self.applied.remove(&target);
            self.status.remove(&target, self.wall);
            assert!(fleet.target(PlacementLevel::Cluster, target.as_str()).is_some());
        }
    }

    /// What is heard of targets, for rollout and status.
    fn report(&mut self, wanted: &[Target<'_>]) {
        let asked = status::Wanted::of(self.versions.latest());
        let judged = self.status.handle_wanted(asked, self.wall);
        self.writes.extend(judged.iter().map(|_| "status".to_owned()));
        let answers = self.answers();
        for target in wanted {
            let name = target.name();
            self.write_status(name, |status, now, wall| {
                let _expected = (status.expect(name, wall), now);
                None
            });
            let applied = self.applied.get(name).copied();
            let Some(revision) = applied.filter(|_| !self.unreachable.contains(name)) else { continue };
            let held = self
                .allocator
                .records()
                .held
                .into_iter()
                .find(|held| held.owner.target.as_ref() == Some(name));
            let vip = held.map(|held| held.addresses).unwrap_or_default();
            let is_led_to = vip.iter().any(|address| answers.contains(address));
            let fqdn = is_led_to.then(|| "checkout.example.com".parse().unwrap()).into_iter().collect();
            let text = Some(revision.to_string());
            let route = RouteStatus { applied: text.clone(), live: text };
            let asked = render(self.versions.get(revision).unwrap(), target, &self.schemas).objects;
            let certificate = self.certificates.status(self.wall, &self.hosts_of(&asked));
            let observed_generation = self.versions.latest().generation;
            let report = status::TargetFindings {
                vip,
                vip_owner: None,
                fqdn,
                certificate,
                route,
                failure: self
                    .failing
                    .contains(name)
                    .then(|| "gate errors: more than 1% of requests fail".to_owned()),
                observed_generation,
            };
            self.write_status(name, |status, now, wall| status.update(name, report, now, wall));
        }
        let stale = self.status.expire(self.now, self.wall);
        self.writes.extend(stale.iter().map(|_| "status".to_owned()));
        for target in wanted {
            let report = self.status.report(target.name()).expect("it was expected");
            self.rollout.handle_target_report(self.now, self.wall, target.name(), report);
        }
    }

    fn write_status(
        &mut self,
        name: &Name,
        update: impl FnOnce(&mut StatusStore, Time, WallTime) -> Option<status::StatusWrite>,
    ) {
        if update(&mut self.status, self.now, self.wall).is_some() {
            self.writes.push(format!("status of {name}"));
        }
    }

    /// The targets whose API servers have objects of ours.
    pub(crate) fn targets_with_objects(&self) -> Vec<String> {
        self.servers.iter().filter(|(_, live)| !live.is_empty()).map(|(name, _)| name.to_string()).collect()
    }

    /// What the name answers with.
    pub(crate) fn answers(&self) -> BTreeSet<IpAddr> {
        let values = self
            .records
            .iter()
            .filter(|record| record.kind == RecordKind::A)
            .flat_map(|record| &record.values);
        values.map(|value| value.parse().unwrap()).collect()
    }

    /// `VIP:PORT BACKEND...` of a target.
    pub(crate) fn load_balancing(&self, target: &str) -> Vec<String> {
        let services = self.balancing.get(target).into_iter().flat_map(|all| all.values().flatten());
        let line = |one: &mesh_model::service::LbService| {
            let backends: Vec<String> = one.backends.iter().map(|one| one.address.to_string()).collect();
            format!("{}:{} {}", one.vip, one.port, backends.join(" "))
        };
        services.map(line).collect()
    }

    /// The address of a target.
    pub(crate) fn address(&self, target: &str) -> IpAddr {
        let held = self.allocator.records().held;
        held.iter()
            .find(|held| held.owner.target.as_ref().is_some_and(|name| *name == *target))
            .unwrap()
            .addresses[0]
    }

    /// How far the withdrawal of a target's address is.
    pub(crate) fn drain_of(&self, target: &str) -> Option<DrainState> {
        let key: ClaimKey = format!("payments/checkout@{target}").parse().unwrap();
        self.withdrawals.get(target)?.state(&key)
    }

    /// All that may not be lost.
    pub(crate) fn kept(&self) -> Kept {
        Kept {
            servers: self.servers.clone(),
            addresses: self.allocator.records(),
            balancing: self.balancing.clone(),
            records: self.records.clone(),
        }
    }

    /// The roll-up's first condition.
    pub(crate) fn ready(&self) -> String {
        let ready = &self.status.roll_up()[0];
        format!("{:?} {}", ready.status, ready.reason)
    }

    /// The hosts of servers that end TLS, on a target.
    pub(crate) fn ended(&self, target: &str) -> Vec<&str> {
        let gateways = self.servers[target].iter().filter(|one| one["kind"] == "Gateway");
        let servers = gateways.flat_map(|one| one["spec"]["servers"].as_array().unwrap());
        let servers = servers.filter(|server| server["tls"]["credentialName"].is_string());
        servers.flat_map(|server| server["hosts"].as_array().unwrap()).filter_map(Value::as_str).collect()
    }

    /// The time that the rest of a target's routes have.
    pub(crate) fn timeout(&self, target: &str) -> String {
        let route = self.servers[target].iter().find(|one| one["kind"] == "VirtualService").unwrap();
        route["spec"]["http"].as_array().unwrap().last().unwrap()["timeout"].as_str().unwrap().to_owned()
    }
}

fn parse(text: &str) -> AccessPoint {
    AccessPoint::try_from(serde_saphyr::from_str::<api::FederatedAccessPoint>(text).unwrap()).unwrap()
}
