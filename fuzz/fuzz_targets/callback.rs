//! `cargo fuzz run --sanitizer none --dev callback`: seeds are in `corpus/callback`, which `cargo test` reads as well.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| idc_setup::fuzzing::callback(bytes));
