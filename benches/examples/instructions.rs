//! Repeats one case so that callgrind can count its instructions: run it with
//! N and with 2 N repetitions; the difference divided by N is one operation
//! and a few instructions of loop. Noise does not touch that number.
//!
//! `valgrind --tool=callgrind target/release/examples/instructions path/hit 20000`

use benches::{Case, Scale};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let count = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(1_000);
    let Some(case) = find(&name) else {
        for (group, cases) in GROUPS {
            cases.iter().for_each(|case| eprintln!("{group}/{}", case.name));
        }
        panic!("no case {name:?}: the ones above");
    };
    (case.prepare)(Scale::Small)(count);
}

const GROUPS: [(&str, &[Case]); 5] = [
    ("path", benches::path::CASES),
    ("tables", benches::tables::CASES),
    ("connections", benches::connections::CASES),
    ("queue", benches::queue::CASES),
    ("simulated", benches::simulated::CASES),
];

/// By `group/name`; the group `path` need not be said.
fn find(name: &str) -> Option<&'static Case> {
    GROUPS.into_iter().find_map(|(group, cases)| {
        cases
            .iter()
            .find(|case| name == format!("{group}/{}", case.name) || group == "path" && name == case.name)
    })
}
