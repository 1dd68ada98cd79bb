//! libFuzzer's entry to `fuzz::ipvs_message`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::ipvs_message::check(bytes));
