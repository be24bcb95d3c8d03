//! `cargo fuzz run --sanitizer none --dev config`: seeds are in `corpus/config`, which `cargo test` reads as well.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| idc_setup::fuzzing::config(bytes));
