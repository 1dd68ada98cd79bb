//! Tables: building, updating, looking up; dimensions and peers are in `benches::tables`.

fn main() {
    benches::harness::run("tables", benches::tables::CASES);
}
