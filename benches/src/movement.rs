//! How many slots change hands when one of a hundred backends changes.
//!
//! Each figure is the median over key sets, because one key alone can be lucky.
//! Beside our kinds stands the model of Linux' `mh`, which has no key: its
//! median is over sets of addresses.

use lb_core::table::{Member, Table, TableKind, quota};
use lb_core::{Endpoint, HashKey, Weight};

use crate::fixtures::backend_address;

/// Backends, all of weight 100.
const BACKENDS: u32 = 100;

/// Per cent of the slots that move although their backend stays, when another leaves.
#[must_use]
pub fn by_removal(kind: TableKind, sets: u32) -> f64 {
    median(kind, sets, |members| {
        let gone = members.remove(members.len() / 2);
        Some(gone.endpoint)
    })
}

/// Per cent of the slots that move when one backend's weight becomes `weight`.
#[must_use]
pub fn by_weight(kind: TableKind, sets: u32, weight: u16) -> f64 {
    median(kind, sets, |members| {
        let middle = members.len() / 2;
        members[middle].weight = Weight(weight);
        None
    })
}

/// By how many slots any backend misses its quota at most, with weights from 1 to 100.
#[must_use]
pub fn off_quota(kind: TableKind, sets: u32) -> u32 {
    let worst_of = |set| {
        let (key, mut members) = key_set(set);
        for (member, weight) in members.iter_mut().zip(1..) {
            member.weight = Weight(weight);
        }
        let table = build(kind, &key, &members);
        let quotas = quota::quotas(table.slots().len() as u32, table.members());
        let misses = table.slot_counts().into_iter().zip(quotas).map(|(count, quota)| count.abs_diff(quota));
        misses.max().unwrap_or_default()
    };
    (0..sets).map(worst_of).max().unwrap_or_default()
}

/// The median of the per cent of slots that `change` moves; those of the
/// backend that it names are not counted.
fn median(kind: TableKind, sets: u32, change: impl Fn(&mut Vec<Member>) -> Option<Endpoint>) -> f64 {
    let mut moved: Vec<_> = (0..sets)
        .map(|set| {
            let (key, mut members) = key_set(set);
            let before = build(kind, &key, &members);
            let gone = change(&mut members);
            let after = build(kind, &key, &members);
            100.0 * share_moved(&before, &after, gone)
        })
        .collect();
    moved.sort_unstable_by(f64::total_cmp);
    moved[moved.len() / 2]
}

fn share_moved(before: &Table, after: &Table, gone: Option<Endpoint>) -> f64 {
    let holder = |table: &Table, slot: usize| {
        let holder = usize::from(table.slots()[slot]);
        table.members().get(holder).map(|member| member.endpoint)
    };
    let moves = |slot: &usize| {
        let holder_before = holder(before, *slot);
        holder_before != holder(after, *slot) && (gone.is_none() || holder_before != gone)
    };
    (0..before.slots().len()).filter(moves).count() as f64 / before.slots().len() as f64
}

/// A key, and backends at other addresses than in the other sets.
fn key_set(set: u32) -> (HashKey, Vec<Member>) {
    let key = u128::from(set).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    let member = |number| Member::new(Endpoint::new(backend_address(1_000 * set + number), 443), Weight(100));
    (HashKey::new(key.to_le_bytes()), (0..BACKENDS).map(member).collect())
}

fn build(kind: TableKind, key: &HashKey, members: &[Member]) -> Table {
    Table::build(kind, key, members).expect("the members are right")
}
