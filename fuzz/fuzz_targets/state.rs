//! `cargo fuzz run --sanitizer none --dev state`: seeds are in `corpus/state`, which `cargo test` reads as well.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| idc_setup::fuzzing::state(bytes));
