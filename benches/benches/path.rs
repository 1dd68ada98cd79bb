//! The whole packet path; dimensions and peers are in `benches::path`.

fn main() {
    benches::harness::run("path", benches::path::CASES);
}
