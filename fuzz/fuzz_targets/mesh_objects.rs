//! libFuzzer's entry to `fuzz::mesh_objects`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::mesh_objects::check(bytes));
