//! What every table promises.

use super::*;

pub(super) fn member(last: u16, weight: u16) -> Member {
    let [high, low] = last.to_be_bytes();
    Member::new(Endpoint::new([10, 1, high, low].into(), 443), Weight(weight))
}

pub(super) fn members(weights: &[u16]) -> Vec<Member> {
    weights.iter().enumerate().map(|(index, &weight)| member(index as u16, weight)).collect()
}

#[test]
fn maglev_gives_everyone_its_quota() {
    let key = HashKey::new([7; 16]);
    let members: Vec<Member> = (1..=7).map(|last| member(last, last * 10)).collect();
    let table = Table::build(TableKind::Maglev { size: 251 }, &key, &members).unwrap();
    assert_eq!(table.slot_counts(), quota::quotas(251, &members));
}
