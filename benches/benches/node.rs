//! Planning, encoding and decoding; dimensions are in `benches::node`.

fn main() {
    benches::harness::run("node", benches::node::CASES);
}
