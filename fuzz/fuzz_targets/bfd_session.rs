//! libFuzzer's entry to `fuzz::bfd_session`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::bfd_session::check(bytes));
