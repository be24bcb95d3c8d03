//! `cargo fuzz run --sanitizer none --dev access`: seeds are in `corpus/access`, which `cargo test` reads as well.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| idc_setup::fuzzing::access(bytes));
