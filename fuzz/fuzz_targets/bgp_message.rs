//! libFuzzer's entry to `fuzz::bgp_message`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::bgp_message::check(bytes));
