//! libFuzzer's entry to `fuzz::encapsulate_round_trip`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::encapsulate_round_trip::check(bytes));
