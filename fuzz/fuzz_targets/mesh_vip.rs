//! libFuzzer's entry to `fuzz::mesh_vip`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::mesh_vip::check(bytes));
