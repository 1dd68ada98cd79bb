//! libFuzzer's entry to `fuzz::mesh_files`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::mesh_files::check(bytes));
