//! libFuzzer's entry to `fuzz::mesh_gateway`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::mesh_gateway::check(bytes));
