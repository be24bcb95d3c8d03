//! Integration tests: run the binary against the simulated AWS and against moto, and read the results with boto3.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod answers;
mod any_account;
mod aws_cli;
mod bad_input;
mod boto3;
mod browser;
mod budget;
mod chromium;
mod differences;
mod doctor;
mod durability;
mod fault_files;
mod faults;
mod full_run;
mod generate;
mod interrupted;
mod json;
mod limits;
mod login;
mod login_faults;
mod many;
mod modes;
mod moto;
mod pages;
mod person;
mod prompt_navigation;
mod proxies;
mod recommendations;
mod rehearsed;
mod resumed;
mod screens;
mod secrets;
mod stress;
mod support;
mod sweep;
mod terminal;
mod undo;
mod undo_agreed;
mod undo_faults;
mod undo_files;
mod undo_meanwhile;
mod undo_others;
mod undo_updates;
mod untrusted_input;
