//! libFuzzer's entry to `fuzz::mesh_rollout`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::mesh_rollout::check(bytes));
