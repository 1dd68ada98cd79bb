//! Connection tables with a million flows; dimensions and peers are in `benches::connections`.

fn main() {
    benches::harness::run("connections", benches::connections::CASES);
}
