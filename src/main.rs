//! The binary: arguments and environment in, exit code out.

use std::process::ExitCode;

use idc_setup::{commands, environment::Environment};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args_os()
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    ExitCode::from(commands::main(&args, &Environment::of_process()))
}
