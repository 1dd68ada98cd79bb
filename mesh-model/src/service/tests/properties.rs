//! Properties: the order of what was read means nothing; less evidence never takes a backend or a service away;
//! who leaves is announced until nobody may remember the name, whatever happens in between.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::names::{DrainState, DrainTransmit};
use crate::time::Time;

fn condition() -> impl Strategy<Value = Value> {
    let flag = || prop_oneof![Just(json!(null)), Just(json!(true)), Just(json!(false))];
    (flag(), flag(), flag()).prop_map(|(ready, serving, terminating)| {
        json!({ "ready": ready, "serving": serving, "terminating": terminating })
    })
}

/// A Service of the access point, which then is what its address leads to, in place of its Gateway.
fn web_service() -> Value {
    let mut object = service("web", json!({ "ports": [{ "port": 8443 }] }));
    object["metadata"]["labels"] = json!({ crate::render::OWNER_LABEL: "web" });
    object
}

fn world() -> impl Strategy<Value = World> {
    let slices = prop::collection::vec((0..3_u8, prop::collection::vec((1..9_u8, condition()), 0..5)), 0..6);
    (slices, any::<[bool; 3]>()).prop_map(|(slices, [is_web, is_sticky, has_service])| {
        let affinity = if is_sticky { "ClientIP" } else { "None" };
        let one = |(of, endpoints): (u8, Vec<(u8, Value)>)| {
            let addresses: Vec<(String, Value)> =
                endpoints.into_iter().map(|(host, how)| (format!("10.1.{of}.{host}"), how)).collect();
            let listed: Vec<(&str, Value, &str)> =
                addresses.iter().map(|(address, how)| (address.as_str(), how.clone(), "n1")).collect();
            slice(&format!("s{of}"), 80, &listed)
        };
        World {
            access_points: if is_web { vec![access_point("web", "{}")] } else { Vec::new() },
            services: (0..3)
                .map(|at| {
                    service(
                        &format!("s{at}"),
                        json!({ "ports": [{ "port": 80 }], "sessionAffinity": affinity }),
                    )
                })
                .chain(has_service.then(web_service))
                .collect(),
            slices: slices.into_iter().map(one).collect(),
            gateways: vec![gateway("web", &[443])],
            pods: vec![pod("10.1.9.1", Condition::Ready), pod("10.1.9.2", Condition::Unready)],
            nodes: Vec::new(),
        }
    })
}

fn all_held() -> Vec<Held> {
    ["s0", "s1", "s2", "web"]
        .iter()
        .enumerate()
        .map(|(at, name)| held(&format!("shop/{name}@slc-a-1"), &[&format!("203.0.113.{at}")]))
        .collect()
}

proptest! {
    #[test]
    fn the_order_of_what_was_read_means_nothing((world, shuffled) in world().prop_flat_map(|world| {
        let orders = (Just(world.services.clone()).prop_shuffle(), Just(world.slices.clone()).prop_shuffle(), Just(world.pods.clone()).prop_shuffle());
        (Just(world.clone()), orders.prop_map(move |(services, slices, pods)| World { services, slices, pods, ..world.clone() }))
    })) {
        let (held, settings) = (all_held(), Settings::default());
        prop_assert_eq!(world.plan(&held, &settings), shuffled.plan(&held, &settings));
        prop_assert_eq!(world.claims(), shuffled.claims());
    }

    #[test]
    fn less_evidence_takes_nothing_away(before in world(), after in world(), unread in any::<[bool; 5]>()) {
        let (held, settings, target) = (all_held(), Settings::default(), target());
        let current = before.plan(&held, &settings).services;
        let full = after.observed(&target);
        let less = Observed {
            access_points: full.access_points.filter(|_| !unread[0]),
            services: full.services.filter(|_| !unread[1]),
            slices: full.slices.filter(|_| !unread[2]),
            pods: full.pods.filter(|_| !unread[3]),
            gateways: full.gateways.filter(|_| !unread[4]),
            ..full
        };
        let plan = |observed: &Observed<'_>| configure(&claims(observed, &settings), &held, observed, &settings, &current, |_| false).services;
        let (with_all, with_less) = (plan(&full), plan(&less));
        for (key, services) in &current {
            let found = with_less.get(key);
            // what is not as with all evidence is as it was, or has lost nothing that it had
            prop_assert!(found == with_all.get(key) || found == Some(services), "{key}: {found:?}");
        }
        // and a second pass from there changes nothing
        let again = configure(&claims(&full, &settings), &held, &full, &settings, &with_all, |_| false).services;
        prop_assert_eq!(again, with_all);
    }

    #[test]
    fn nobody_ready_is_left_out_and_new_flows_have_somebody(world in world()) {
        let plan = world.plan(&all_held(), &Settings::default());
        for service in plan.services.values().flatten() {
            let addresses: BTreeSet<_> = service.backends.iter().map(|one| one.address).collect();
            prop_assert_eq!(addresses.len(), service.backends.len());
            if service.port == 80 {
                let said = |how: &Value, field: &str| how[field].as_bool();
                let mut may = false;
                for slice in world.slices.iter().filter(|slice| {
                    format!("203.0.113.{}", &slice["metadata"]["labels"]["kubernetes.io/service-name"].as_str().unwrap()[1..]) == service.vip.to_string()
                }) {
                    for one in slice["endpoints"].as_array().unwrap() {
                        let how = &one["conditions"];
                        let ready = said(how, "ready").unwrap_or(true);
                        may |= ready || (said(how, "terminating") == Some(true) && said(how, "serving").unwrap_or(ready));
                    }
                }
                let takes = service.backends.iter().any(|one| one.state == BackendState::Active);
                prop_assert_eq!(takes, may, "{:?}", service);
            }
        }
    }

    #[test]
    fn an_address_is_announced_while_anybody_may_remember_its_name(steps in prop::collection::vec((0..6_u8, 0..40_u64), 1..60)) {
        let key: ClaimKey = "shop/web@slc-a-1".parse().unwrap();
        let (wanted, nobody): (BTreeSet<ClaimKey>, BTreeSet<ClaimKey>) = ([key.clone()].into(), BTreeSet::new());
        // a name of at most 40 s may have gone a moment before the start
        let mut all = Withdrawals::restarted(Time::ZERO, [key.clone()], Duration::from_secs(40));
        let (mut now, mut remembered, mut published) = (Time::ZERO, Time::from_secs(40), None::<u64>);
        for (kind, amount) in steps {
            now = now + Duration::from_secs(amount % 7);
            match kind {
                0 => all.handle_wanted(now, &wanted, amount % 2 == 0),
                1 => all.handle_wanted(now, &nobody, amount % 4 != 0),
                // whoever publishes them, also against a drain
                2 | 3 => {
                    let ttl = (kind == 2).then_some(amount);
                    if let Some(old) = published.filter(|old| ttl != Some(*old)) {
                        remembered = remembered.max(now + Duration::from_secs(old));
                    }
                    published = ttl;
                    all.handle_published(now, &key, ttl.map(Duration::from_secs));
                }
                4 => all.handle_vip(now, &key, amount % 2 == 0),
                _ => all.handle_timeout(now),
            }
            while let Some(step) = all.poll_transmit() {
                if step.what == DrainTransmit::WithdrawVip && all.state(&key) == Some(DrainState::VipGoing) {
                    prop_assert!(now >= remembered, "at {now} the name is remembered until {remembered}");
                    prop_assert_eq!(published, None, "at {} a name leads there", now);
                }
            }
            if all.gone().next().is_some() {
                prop_assert_eq!(published, None, "what a name leads to is given to nobody else");
                prop_assert!(!all.is_leaving(&key));
            }
        }
    }
}
