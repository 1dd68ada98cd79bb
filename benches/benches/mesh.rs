//! The federated control plane's decisions; dimensions are in `benches::mesh`.

fn main() {
    benches::harness::run("mesh", benches::mesh::CASES);
}
