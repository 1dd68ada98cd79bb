//! The files of the commands that plan: names, addresses, sizes, a recorded rollout.
//!
//! Any text is a file or an error; a file that is written and read again is the
//! same; what is wrong in it has a place; what is right is planned without a panic.

use mesh_model::access_point::RolloutPolicy;
use mesh_model::api::{PlacementLevel, SpecError};
use mesh_model::fleet::Fleet;
use mesh_model::footprint::{Services, ServicesFile, predict};
use mesh_model::names::{self, CurrentFile, DesiredFile};
use mesh_model::rollout::{Play, Recorded};
use mesh_model::time::WallTime;
use mesh_model::vip::{self, ClaimsFile};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads `bytes` as each of the files; what comes after a line of three hyphens is what a provider has now.
pub fn check(bytes: &[u8]) {
    let Ok(text) = core::str::from_utf8(bytes) else { return };
    let (first, second) = text.split_once("\n---\n").unwrap_or((text, "{}"));
    if let Some(file) = read::<DesiredFile>(first) {
        desired(&file, second);
    }
    if let Some(file) = read::<ClaimsFile>(first) {
        claims(&file);
    }
    if let Some(file) = read::<ServicesFile>(first) {
        services(file);
    }
    recording(text);
}

/// A file that is written and read again is the same one.
fn read<T: Serialize + DeserializeOwned + PartialEq>(text: &str) -> Option<T> {
    let file: T = serde_saphyr::from_str(text).ok()?;
    let json = serde_json::to_string(&file).expect("a file can be written");
    let again: T = serde_json::from_str(&json).expect("what is written can be read");
    assert!(again == file, "{json}");
    Some(file)
}

fn refused(error: &SpecError) {
    assert!(!error.path.steps().is_empty() && !error.problem.to_string().is_empty(), "{error}");
}

fn desired(file: &DesiredFile, current: &str) {
    let (provider, wanted) = match file.check() {
        Ok(checked) => checked,
        Err(error) => return refused(&error),
    };
    let Some(current) = read::<CurrentFile>(current) else { return };
    let current = match current.check() {
        Ok(records) => records,
        Err(error) => return refused(&error),
    };
    let plan = names::plan(&wanted, &current, &provider, file.approved);
    let is_kept = plan.notes.iter().any(|one| matches!(one.note, names::Note::Kept { .. }));
    assert!(plan.held_back.is_empty() || plan.deletions > plan.max_deletions || is_kept);
    assert!(serde_json::to_string(&plan).is_ok());
}

fn claims(file: &ClaimsFile) {
    let fleet = Fleet::default();
    match file.claims(&fleet) {
        Err(error) => refused(&error),
        Ok(asked) => {
            let now = WallTime::from_unix_seconds(1_800_000_000);
            let plan = vip::plan(Vec::new(), asked, file.records(), file.unclaimed(), now);
            assert!(plan.assigned.iter().all(|one| !one.is_new), "there is no pool to give from");
            assert!(serde_json::to_string(&plan).is_ok());
        }
    }
}

fn services(file: ServicesFile) {
    match Services::try_from(file) {
        Err(error) => refused(&error),
        Ok(services) => assert_eq!(predict(&[], &services, &Fleet::default()).proxies, []),
    }
}

/// Lines of JSON: events of a rollout.
fn recording(text: &str) {
    let fleet = Fleet::default();
    let mut play = Play::new(RolloutPolicy::default(), &fleet, PlacementLevel::Cluster);
    for line in text.lines().take(50) {
        let Ok(recorded) = serde_json::from_str::<Recorded>(line) else { continue };
        let json = serde_json::to_string(&recorded).expect("a line can be written");
        let again: Recorded = serde_json::from_str(&json).expect("what is written can be read");
        assert_eq!(again, recorded, "{json}");
        let before = play.rollout().state().clone();
        match play.step(recorded) {
            Ok(decision) => assert!(serde_json::to_string(&decision).is_ok()),
            Err(error) => {
                assert!(!error.to_string().is_empty());
                assert_eq!(play.rollout().state(), &before, "a line that cannot be changes nothing");
            }
        }
    }
}
