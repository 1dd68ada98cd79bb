//! The daemon of an L4 node.
#![forbid(unsafe_code)]

fn main() {}
