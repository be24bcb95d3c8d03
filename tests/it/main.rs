//! Integration tests: run the binary against the simulated AWS and against moto, and read the results with boto3.
//!
//! They need a shell, modes of files and pseudo-terminals. On Windows, `cargo test` runs all others.

#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod access_commands;
mod access_complaints;
mod access_faults;
mod access_file;
mod access_guards;
mod access_property;
mod access_reads;
mod access_settings;
mod answers;
mod any_account;
mod aws_cli;
mod bad_input;
mod boto3;
mod browser;
mod budget;
mod chromium;
mod config_readers;
mod consent;
mod day_two;
mod differences;
mod doctor;
mod durability;
mod envelopes;
mod export;
mod export_formats;
mod fault_files;
mod faults;
mod first_screen;
mod full_run;
mod generate;
mod hostile_answers;
mod interrupted;
mod join;
mod json;
mod limits;
mod login;
mod login_faults;
mod modes;
mod moto;
mod next;
mod pages;
mod person;
mod profiles;
mod prompt_navigation;
mod proxies;
mod recommendations;
mod record;
mod rehearsed;
mod resumed;
mod screens;
mod secrets;
mod settings;
mod stress;
mod support;
mod sweep;
mod terminal;
mod try_it;
mod undo;
mod undo_agreed;
mod undo_faults;
mod undo_files;
mod undo_meanwhile;
mod undo_others;
mod undo_updates;
mod untrusted_input;
