//! The guest side of the kernel test-bed.
#![forbid(unsafe_code)]

fn main() {}
