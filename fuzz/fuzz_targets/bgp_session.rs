//! libFuzzer's entry to `fuzz::bgp_session`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::bgp_session::check(bytes));
