//! libFuzzer's entry to `fuzz::packet_parse`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::packet_parse::check(bytes));
