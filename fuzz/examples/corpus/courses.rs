//! Inputs of the mesh's targets that play courses of events: rollouts, claims of addresses, names.
//!
//! Bytes as `arbitrary` reads them: a choice is its number as a share of 2^32,
//! each item of a list has an odd byte before it, and an even one ends the list.

use std::slice;

/// Rollouts: with an approval and a restart, a failure that is rolled back, joins and leaves.
pub(crate) fn rollouts() -> Vec<(&'static str, Vec<u8>)> {
    let report = |target, health| operation(10, 5, &[&[target], &choice(3, 0)[..], &[health, 2]].concat());
    let (ready, failed) = (|target| report(target, 2), |target| report(target, 0));
    let approve = |by| operation(10, 1, &[1, by]);
    let (join, leave) = (|targets| operation(10, 2, &[targets]), |targets| operation(10, 3, &[targets]));
    let propose = |number| operation(10, 4, &[number]);
    let (restart, resume) = (operation(10, 6, &[]), operation(10, 7, &[]));
    let tick = |ticks| operation(10, 8, &[ticks]);
    let wall = |hours| operation(10, 9, &[hours]);
    let whole = [
        join(0b1111),
        propose(0),
        ready(0),
        tick(2),
        approve(1),
        approve(0),
        restart.clone(),
        ready(1),
        ready(2),
        tick(3),
        ready(3),
    ];
    let complete = whole.concat();
    vec![
        ("approved", [setting(false), complete.clone()].concat()),
        (
            "failed",
            [setting(false), complete.clone(), propose(1), failed(0), tick(1), resume, ready(0)].concat(),
        ),
        (
            "joins-and-leaves",
            [setting(false), complete.clone(), join(0b11_0000), propose(1), leave(0b1), ready(1), restart]
                .concat(),
        ),
        ("reverted", [setting(false), complete.clone(), propose(1), propose(0), propose(2)].concat()),
        ("windows", [setting(true), wall(3), complete, wall(0), propose(1), ready(0)].concat()),
    ]
}

/// A canary that pauses, two at once, and a rest; rolled back at the first failure, by four eyes.
fn setting(has_window: bool) -> Vec<u8> {
    let stages = [[1, 0b1, 1, 1, 1], [1, 0b110, 2, 0, 0], [0, 0, 0, 0, 0]].concat();
    [&stages[..], &[1, 0, 1, 7, u8::from(has_window)]].concat()
}

/// Claims: of free addresses, shared ones, certain ones; plans, releases, restarts; records that contradict themselves.
pub(crate) fn claims() -> Vec<(&'static str, Vec<u8>)> {
    let one = |owner, sharing, ports, families, address| [owner, sharing, ports, families, address];
    let claim = |of: [u8; 5]| operation(6, 0, &of);
    let pass = |seconds| operation(6, 1, &[seconds]);
    let plan =
        |of: [[u8; 5]; 4], is_complete| operation(6, 2, &[&of.concat()[..], &[4, is_complete]].concat());
    let pools = |which| operation(6, 3, &[which]);
    let release = |owner| operation(6, 4, &[owner]);
    let restart = operation(6, 5, &[1]);
    let free = one(0, 0, 1, 0b11, 0);
    let shared = |owner, ports| one(owner, 1, ports, 1, 0);
    let held = list(&[vec![0, 0b1000, 0, 1], vec![1, 0b1000, 0, 1], vec![0, 0b1, 0, 1]]);
    let some = [free, shared(1, 1), shared(2, 2), one(9, 0, 1, 2, 203)];
    vec![
        ("contradicting-records", [vec![0b1], held, claim(free), restart.clone(), release(0)].concat()),
        (
            "fills-up",
            [vec![0b1], list(&[]), (0..8).flat_map(|owner| claim(one(owner, 0, 1, 1, 0))).collect()].concat(),
        ),
        (
            "plans",
            [vec![0b11], list(&[]), plan(some, 1), claim(free), plan(some, 0), plan([free; 4], 1)].concat(),
        ),
        (
            "pools-change",
            [vec![0b1], list(&[]), claim(free), pools(0b100), claim(free), pools(0), claim(shared(1, 1))]
                .concat(),
        ),
        (
            "rests",
            [
                vec![0b1],
                list(&[]),
                claim(free),
                release(0),
                claim(shared(1, 1)),
                pass(31),
                restart,
                claim(free),
            ]
            .concat(),
        ),
        (
            "shares",
            [
                vec![0b1],
                list(&[]),
                claim(shared(1, 1)),
                claim(shared(2, 2)),
                claim(shared(3, 1)),
                claim(shared(1, 3)),
            ]
            .concat(),
        ),
    ]
}

/// Names: from nothing, with marks of ours and of others, deletions that wait, weights, aliases.
pub(crate) fn names() -> Vec<(&'static str, Vec<u8>)> {
    let member = |owner, addresses| vec![owner, addresses, 1, 0, 0];
    let wanted =
        |name, kind, alias, members: &[Vec<u8>]| [vec![name, 0, kind, alias], list(members)].concat();
    let mark = |name, kind, owner, is_ours| {
        [choice(2, 0), vec![name, kind], list(&[vec![owner, 0, is_ours]]), vec![0]].concat()
    };
    let plain = |name, kind| [choice(2, 1), vec![name, kind, 0, 0, 0]].concat();
    let two = wanted(0, 2, 0, &[member(0, 0b0101), member(5, 0b1010)]);
    let both = [mark(0, 0, 9, 1), plain(0, 0)];
    vec![
        ("alias", [vec![3], list(&[wanted(1, 0, 5, &[])]), list(&[plain(1, 3)])].concat()),
        ("deletions-wait", [vec![0], list(&[]), list(&both)].concat()),
        (
            "foreign",
            [vec![3], list(slice::from_ref(&two)), list(&[mark(0, 0, 0, 0), plain(0, 0), plain(0, 4)])]
                .concat(),
        ),
        ("new", [vec![3], list(slice::from_ref(&two)), list(&[])].concat()),
        (
            "weighted",
            [vec![3], list(&[wanted(2, 1, 0, &[member(0, 0b1), member(1, 0b10)])]), list(&both)].concat(),
        ),
        ("with-others", [vec![3], list(&[two, wanted(3, 2, 0, &[member(1, 0b11)])]), list(&both)].concat()),
    ]
}

fn operation(of: u64, number: u64, fields: &[u8]) -> Vec<u8> {
    [&choice(of, number)[..], fields].concat()
}

fn choice(of: u64, number: u64) -> Vec<u8> {
    u32::try_from((number << 32).div_ceil(of)).expect("less than all").to_le_bytes().to_vec()
}

fn list(items: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes: Vec<u8> = items.iter().flat_map(|item| [&[1][..], item].concat()).collect();
    bytes.push(0);
    bytes
}
