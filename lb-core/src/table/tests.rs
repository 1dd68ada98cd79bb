use super::*;

fn member(last: u8, weight: u16) -> Member {
    Member::new(Endpoint::new([10, 1, 0, last].into(), 443), Weight(weight))
}

#[test]
fn maglev_gives_everyone_its_quota() {
    let key = HashKey::new([7; 16]);
    let members: Vec<Member> = (1..=7).map(|last| member(last, u16::from(last) * 10)).collect();
    let table = Table::build(TableKind::Maglev { size: 251 }, &key, &members).unwrap();
    assert_eq!(table.slot_counts(), quota::quotas(251, &members));
}
