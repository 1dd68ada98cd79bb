//! What remembers: rollouts, statuses, certificates, proxies' sessions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mesh_model::access_point::{RolloutPolicy, Stage, TargetSelection};
use mesh_model::api::{CertificateStatus, PlacementLevel, RouteStatus};
use mesh_model::certificate::{self, AskedIssuer, Certificates, Credential, Issued, Transmit};
use mesh_model::fleet::Target;
use mesh_model::name::Name;
use mesh_model::render::Revision;
use mesh_model::rollout::{self, Proposal, Rollout, TargetHealth};
use mesh_model::status::{StatusStore, TargetFindings, Wanted};
use mesh_model::time::Time;
use mesh_model::units::Amount;
use mesh_model::xds::{Debounce, Event, Kind, Protocol, Request, Session, Snapshot};
use serde_json::json;

use super::fixtures::{address, cluster_name, fleet, name, read, wall};
use super::fleetwide::{configuration, secrets};
use super::prepared;
use crate::{Scale, Work, timed};

/// One of 1,000 targets, all of them unverified, says that it is ready, or no longer; what follows is drained.
pub(super) fn reporting(scale: Scale) -> Work {
    let (mut rollout, names) = rollout(scale);
    let revision = Revision([1; 32]);
    rollout.handle_revision(Time::from_secs(1), wall(), proposal(revision));
    let given = drain(&mut rollout);
    assert_eq!(given, names.len(), "all at once");
    let (mut nanoseconds, mut turn) = (0, 0);
    Box::new(move |count| {
        timed(|| {
            for _ in 0..count {
                nanoseconds += 1;
                turn = (turn + 1) % (2 * names.len());
                let health = if turn % 2 == 0 { TargetHealth::Ready } else { TargetHealth::NotReady };
                let now = Time::from_secs(1) + Duration::from_nanos(nanoseconds);
                let report = rollout::TargetReport { applied: Some(revision), health, since: now };
                rollout.handle_target_report(now, wall(), &names[turn / 2], report);
                assert_eq!(drain(&mut rollout), 0, "nobody is verified before an hour has passed");
            }
        })
    })
}

/// Another revision is proposed to them, and each is given it.
pub(super) fn proposing(scale: Scale) -> Work {
    let (mut rollout, names) = rollout(scale);
    let mut number = 0_u64;
    Box::new(move |count| {
        timed(|| {
            for _ in 0..count {
                number += 1;
                let mut revision = [0; 32];
                revision[..8].copy_from_slice(&number.to_le_bytes());
                rollout.handle_revision(Time::from_secs(1), wall(), proposal(Revision(revision)));
                assert_eq!(drain(&mut rollout), names.len());
            }
        })
    })
}

/// A rollout with one stage for all of its targets, an hour's soak, and nothing given yet.
fn rollout(scale: Scale) -> (Rollout, Vec<Name>) {
    let fleet = fleet(scale.grown(1_000, 10));
    let targets: Vec<Target<'_>> = fleet.targets(PlacementLevel::Cluster).collect();
    let all = Stage {
        name: name("all"),
        targets: TargetSelection::default(),
        max_concurrency: Amount::Count(u32::MAX),
        soak: Duration::from_secs(3_600),
        pause: false,
    };
    let mut rollout = Rollout::new(RolloutPolicy { stages: vec![all], ..RolloutPolicy::default() });
    rollout.handle_targets(Time::from_secs(1), wall(), &targets, &[]);
    (rollout, targets.iter().map(|target| target.name().clone()).collect())
}

fn proposal(revision: Revision) -> Proposal {
    Proposal { revision, difference: revision, author: "ann".parse().expect("a name") }
}

/// How many targets are given something.
fn drain(rollout: &mut Rollout) -> usize {
    while rollout.poll_event().is_some() {}
    std::iter::from_fn(|| rollout.poll_transmit()).count()
}

/// One target of one of 1,000 access points has news; 100 targets each.
pub(super) fn changing(scale: Scale) -> Work {
    let names: Vec<Name> = (0..TARGETS).map(|number| name(&cluster_name(number))).collect();
    let mut stores = rebuilt(reports(scale), &names);
    let certificate = certificate();
    let mut number = 0;
    Box::new(move |count| {
        timed(|| {
            for _ in 0..count {
                number += 1;
                // scattered, so that no store is warmer than in a fleet
                let at = (number as usize).wrapping_mul(0x9e37_79b1) % stores.len();
                let target = &names[number as usize % names.len()];
                let report = report(&certificate, number, number + 1);
                let write = stores[at].update(target, report, Time::from_secs(u64::from(number)), wall());
                assert!(write.is_some(), "it is news");
            }
        })
    })
}

/// One target of an access point of 100 has news.
pub(super) fn changing_one_of_100(_: Scale) -> Work {
    changing_one_of(100)
}

/// One target of an access point of 10,000 has news: the work is to be that of 100.
pub(super) fn changing_one_of_10000(_: Scale) -> Work {
    changing_one_of(10_000)
}

fn changing_one_of(targets: u32) -> Work {
    let names: Vec<Name> = (0..targets).map(|number| name(&cluster_name(number))).collect();
    let certificate = certificate();
    let first = (0..targets).map(|number| report(&certificate, number, 1)).collect();
    let mut store = rebuilt(vec![first], &names).remove(0);
    let mut number = 0;
    Box::new(move |count| {
        timed(|| {
            for _ in 0..count {
                number += 1;
                let target = &names[(number as usize).wrapping_mul(0x9e37_79b1) % names.len()];
                let report = report(&certificate, number, number + 1);
                let write = store.update(target, report, Time::from_secs(u64::from(number)), wall());
                assert!(write.is_some(), "it is news");
            }
        })
    })
}

/// All of them from nothing.
pub(super) fn rebuilding(scale: Scale) -> Work {
    let names: Vec<Name> = (0..TARGETS).map(|number| name(&cluster_name(number))).collect();
    let all = reports(scale);
    prepared(
        move || all.clone(),
        move |reports| {
            let stores = rebuilt(reports, &names);
            assert_eq!(stores[0].status(None, 1).targets.len(), names.len());
            stores
        },
    )
}

/// Targets of an access point.
const TARGETS: u32 = 100;

/// The first report of each target of 1,000 access points.
fn reports(scale: Scale) -> Vec<Vec<TargetFindings>> {
    let certificate = certificate();
    let of = |number: u32| {
        (0..TARGETS).map(|position| report(&certificate, number * TARGETS + position, 1)).collect()
    };
    (0..scale.grown(1_000, 3)).map(of).collect()
}

fn rebuilt(reports: Vec<Vec<TargetFindings>>, targets: &[Name]) -> Vec<StatusStore> {
    let names = ["shop.example.com".parse().expect("is a name")].into();
    let wanted = Wanted { generation: 1, vip: true, names, certificate: true };
    let store = |reports: Vec<TargetFindings>| {
        let mut store = StatusStore::new(wanted.clone(), Duration::from_secs(60));
        for (target, report) in targets.iter().zip(reports) {
            store.update(target, report, Time::from_secs(1), wall());
        }
        store
    };
    reports.into_iter().map(store).collect()
}

fn certificate() -> CertificateStatus {
    read(json!({ "state": "issued", "serial": "1f", "notAfter": "2027-01-01T00:00:00Z" }))
}

fn report(certificate: &CertificateStatus, number: u32, revision: u32) -> TargetFindings {
    let revision = Some(format!("{revision:064x}"));
    TargetFindings {
        vip: vec![address(number).into()],
        vip_owner: None,
        fqdn: vec!["shop.example.com".parse().expect("is a name")],
        certificate: Some(certificate.clone()),
        route: RouteStatus { applied: revision.clone(), live: revision },
        failure: None,
        observed_generation: 1,
    }
}

/// 1,000 hosts, 100 for each credential, from nothing until all are served.
pub(super) fn certifying(scale: Scale) -> Work {
    let wanted = credentials(scale.grown(10, 1), scale.pick(100, 20));
    prepared(
        || (),
        move |()| {
            let mut certificates = Certificates::new(7, Vec::new());
            certificates.handle_desired(Time::ZERO, wall(), &wanted);
            assert_eq!(obey(&mut certificates), wanted.len());
            certificates
        },
    )
}

/// One host more among them, until it is served.
pub(super) fn certifying_one_more(scale: Scale) -> Work {
    let mut wanted = credentials(scale.grown(10, 1), scale.pick(100, 20));
    let mut certificates = Certificates::new(7, Vec::new());
    certificates.handle_desired(Time::ZERO, wall(), &wanted);
    obey(&mut certificates);
    let (_, last) = wanted.iter_mut().next_back().expect("there are some");
    last.hosts.insert("late.example.com".parse().expect("is a name"));
    prepared(
        move || certificates.clone(),
        move |mut certificates| {
            certificates.handle_desired(Time::ZERO, wall(), &wanted);
            assert_eq!(obey(&mut certificates), 1);
            certificates
        },
    )
}

/// So many credentials with so many hosts each.
fn credentials(count: u32, hosts: u32) -> BTreeMap<Credential, certificate::Wanted> {
    let known = AskedIssuer::Known { max_names: 101 };
    let of = |number: u32| {
        let host = |host: u32| format!("host-{host}.app-{number}.example.com").parse().expect("is a name");
        let wanted = certificate::Wanted {
            hosts: (0..hosts).map(host).collect(),
            issuers: [(name("corp"), known)].into(),
            ..certificate::Wanted::default()
        };
        let secret = Credential::new(name("shop"), &format!("app-{number}"));
        (secret.expect("is a name"), wanted)
    };
    (0..count).map(of).collect()
}

/// Does what is asked, at once; how many certificates were ordered.
fn obey(certificates: &mut Certificates) -> usize {
    let (now, wall) = (Time::ZERO, wall());
    let mut orders = 0;
    while let Some(transmit) = certificates.poll_transmit() {
        match transmit {
            Transmit::Order { credential, issuer, hosts } => {
                orders += 1;
                let not_after = wall + Duration::from_secs(90 * 86_400);
                let serial = format!("{orders:x}");
                let issued = Issued { issuer, hosts, serial, not_before: wall, not_after };
                certificates.handle_order_result(now, wall, &credential, Ok(issued));
            }
            Transmit::Store { credential, issued } => {
                certificates.handle_stored(now, wall, &credential, &issued.serial);
            }
            Transmit::Push { credential, serial } => {
                certificates.handle_pushed(now, wall, &credential, &serial);
            }
            Transmit::Delete { .. } | Transmit::Prove { .. } | Transmit::Revoke { .. } => {
                unreachable!("nobody's host is taken away, and none fails")
            }
        }
    }
    orders
}

/// One endpoint of 1,000 access points' changes: from the snapshot until the proxy has it, by delta.
pub(super) fn pushing(scale: Scale) -> Work {
    let access_points = scale.grown(1_000, 3);
    let mut config = configuration(access_points);
    let one = Arc::new(Snapshot::new(&config, secrets(&config)));
    let (changed, endpoints) = config.endpoints.iter_mut().next().expect("there are endpoints");
    let changed = changed.clone();
    endpoints["endpoints"][0]["load_balancing_weight"] = json!(7);
    let other = Arc::new(Snapshot::new(&config, secrets(&config)));
    let debounce = Debounce { quiet: Duration::ZERO, most: Duration::ZERO };
    let mut session = Session::new(Protocol::Delta, debounce);
    session.handle_snapshot(Time::ZERO, Arc::clone(&one));
    for kind in Kind::ALL {
        let subscribe =
            if kind.is_whole() { Vec::new() } else { one.of(kind).map(|one| one.name.clone()).collect() };
        session.handle_request(Time::ZERO, Request { subscribe, ..Request::first(kind) });
    }
    assert!(acknowledge(&mut session).len() >= 5 * access_points as usize);
    let mut turn = 0_u64;
    Box::new(move |count| {
        timed(|| {
            for _ in 0..count {
                turn += 1;
                let snapshot = if turn.is_multiple_of(2) { &one } else { &other };
                session.handle_snapshot(Time::from_secs(turn), Arc::clone(snapshot));
                assert_eq!(acknowledge(&mut session), [changed.as_str()]);
            }
        })
    })
}

/// Takes what is sent until nothing is; the names of all that was.
fn acknowledge(session: &mut Session) -> Vec<String> {
    let mut names = Vec::new();
    while let Some(response) = session.poll_transmit() {
        session.handle_request(Time::ZERO, Request::acknowledges(&response));
        names.extend(response.resources.into_iter().map(|resource| resource.name));
    }
    let in_step = std::iter::from_fn(|| session.poll_event()).any(|event| event == Event::InStep);
    assert!(in_step, "the proxy has all of it");
    names
}
