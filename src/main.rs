//! The binary: arguments and environment in, exit code out.

use std::process::ExitCode;

use idc_setup::{blank_variables, commands, environment::Environment};

fn main() -> ExitCode {
    let blank = blank_variables::of_process();
    if !blank.is_empty()
        && let Some(code) = blank_variables::run_without(&blank)
    {
        return code;
    }
    let args: Vec<String> = std::env::args_os()
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    ExitCode::from(commands::main(&args, &Environment::of_process()))
}
