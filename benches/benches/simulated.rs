//! Packets through the simulated path; dimensions are in `benches::simulated`.

fn main() {
    benches::harness::run("simulated", benches::simulated::CASES);
}
