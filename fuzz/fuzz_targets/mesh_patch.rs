//! libFuzzer's entry to `fuzz::mesh_patch`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::mesh_patch::check(bytes));
