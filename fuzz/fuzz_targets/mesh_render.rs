//! libFuzzer's entry to `fuzz::mesh_render`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::mesh_render::check(bytes));
