//! `cargo fuzz run --sanitizer none --dev answers`: seeds are in `corpus/answers`, which `cargo test` reads as well.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| idc_setup::fuzzing::answers(bytes));
