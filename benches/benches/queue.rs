//! The event queue by the hold model; dimensions and peers are in `benches::queue`.

fn main() {
    benches::harness::run("queue", benches::queue::CASES);
}
