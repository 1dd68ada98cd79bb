//! libFuzzer's entry to `fuzz::lb_file`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::lb_file::check(bytes));
