//! The program as its users have it: the binary against the rehearsal, against moto, and read by boto3.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod answers;
mod any_account;
mod aws_cli;
mod bad_input;
mod browser;
mod budget;
mod chromium;
mod different;
mod doctor;
mod faults;
mod foreign;
mod interrupted;
mod json;
mod let_in;
mod limits;
mod login;
mod login_faults;
mod misbehaving;
mod modes;
mod outside;
mod pages;
mod papers;
mod person;
mod promises;
mod proxies;
mod put_back;
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
mod walked;
mod wandering;
