//! The `overspill` command.
fn main() {}
