//! `cargo xtask`: the tidy checks and the test runner.
fn main() {}
