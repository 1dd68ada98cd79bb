//! The status of an access point on three targets, one of which falls silent, and what an edit makes of it.
//!
//! Run it: `cargo run -p mesh-model --example status`

#![expect(clippy::disallowed_macros, reason = "an example talks to people")]

use std::time::Duration;

use mesh_model::api::{ConditionStatus, RouteStatus};
use mesh_model::name::Name;
use mesh_model::status::{StatusStore, TargetFindings, Wanted};
use mesh_model::time::{Time, WallTime};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let wall: WallTime = "2026-11-26T09:00:00Z".parse()?;
    let wanted = Wanted { generation: 1, vip: true, ..Wanted::default() };
    let mut store = StatusStore::new(wanted, Duration::from_secs(60));
    let report = TargetFindings {
        vip: vec!["203.0.113.10".parse()?],
        route: RouteStatus { applied: Some("r1".into()), live: Some("r1".into()) },
        observed_generation: 1,
        ..TargetFindings::default()
    };
    let names: Vec<Name> = ["a-1", "a-2", "b-1"].iter().map(|name| name.parse()).collect::<Result<_, _>>()?;
    for second in [0, 30, 60, 90] {
        let (now, wall) = (Time::from_secs(second), wall + Duration::from_secs(second));
        for name in &names {
            if name == "b-1" && second > 0 {
                continue; // nobody hears of it any more
            }
            let written = store.update(name, report.clone(), now, wall).is_some();
            println!("{now} {name} is well, written: {written}");
        }
        for write in store.expire(now, wall) {
            println!("{now} {} becomes Unknown", write.target.expect("it is still a target").name);
        }
        let ready = &store.roll_up()[0];
        println!("{now} all together: {:?} {}", ready.status, ready.message);
    }
    assert_eq!(store.roll_up()[0].status, ConditionStatus::Unknown);

    // the team asks for a certificate, too: nobody has one, and that is said before anybody is heard of again
    let (now, wall) = (Time::from_secs(100), wall + Duration::from_secs(100));
    for write in
        store.handle_wanted(Wanted { generation: 2, vip: true, certificate: true, ..Wanted::default() }, wall)
    {
        let target = write.target.expect("it is a target");
        let ready = &target.conditions[0];
        println!("{now} {}: {:?} of generation {:?}", target.name, ready.status, ready.observed_generation);
    }
    let ready = &store.roll_up()[0];
    println!("{now} all together: {:?} {}", ready.status, ready.message);
    assert_eq!(ready.status, ConditionStatus::False);
    Ok(())
}
