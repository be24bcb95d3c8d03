//! The binary: arguments and environment in, exit code out.

use std::process::ExitCode;

use idc_setup::{blank_variables, commands, environment::Environment};

fn main() -> ExitCode {
    // A core file would contain credentials.
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let none = Rlimit {
            current: Some(0),
            ..getrlimit(Resource::Core)
        };
        let _ = setrlimit(Resource::Core, none);
    }
    let blank = blank_variables::of_process();
    if !blank.is_empty()
        && let Some(code) = blank_variables::run_without(&blank)
    {
        return code;
    }
    let args: Vec<_> = std::env::args_os().collect();
    ExitCode::from(commands::main(&args, &Environment::of_process()))
}
