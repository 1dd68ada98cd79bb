//! libFuzzer's entry to `fuzz::mesh_names`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::mesh_names::check(bytes));
