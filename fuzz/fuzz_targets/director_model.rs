//! libFuzzer's entry to `fuzz::director_model`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::director_model::check(bytes));
