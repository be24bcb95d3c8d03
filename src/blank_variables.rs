//! Variables of AWS, and for certificates, that are set but blank, such as `AWS_ENDPOINT_URL=` from a template. The AWS CLI mostly treats them as not
//! set, but the AWS SDK uses or rejects the blank value. A process cannot safely change its own environment, so this program
//! starts itself again without them, once.

use std::ffi::{OsStr, OsString};
use std::process::{Command, ExitCode};

/// The variable that names the variables that were left out, separated by commas.
pub const LEFT_OUT: &str = "IDC_SETUP_BLANK_VARIABLES";

/// The variables of this process that are blank.
pub fn of_process() -> Vec<OsString> {
    let variables = std::env::vars_os();
    variables
        .filter(|(name, value)| is_blank(name, value))
        .map(|(name, _)| name)
        .collect()
}

fn is_blank(name: &OsStr, value: &OsStr) -> bool {
    let is_read_by_the_sdk = |name: &str| name.starts_with("AWS_") || name.starts_with("SSL_CERT_");
    name.to_str().is_some_and(is_read_by_the_sdk) && value.to_str().is_some_and(|value| value.trim().is_empty())
}

/// Runs this program again without these variables. Returns only if that fails, or with the exit code where a process
/// cannot replace itself.
pub fn run_without(blank: &[OsString]) -> Option<ExitCode> {
    let names: Vec<&str> = blank.iter().filter_map(|name| name.to_str()).collect();
    let mut command = Command::new(std::env::current_exe().ok()?);
    command.args(std::env::args_os().skip(1)).env(LEFT_OUT, names.join(","));
    for name in blank {
        command.env_remove(name);
    }
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        // It returns only if it fails. Then this process continues, with the variables.
        let _ = command.exec();
        None
    }
    #[cfg(not(unix))]
    {
        let code = command.status().ok()?.code()?;
        Some(ExitCode::from(u8::try_from(code).unwrap_or(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_blank_variables_that_the_sdk_reads_are_left_out() {
        let blank = |name: &str, value: &str| is_blank(OsStr::new(name), OsStr::new(value));
        assert!(blank("AWS_REGION", "") && blank("AWS_ENDPOINT_URL_SSO", " \t\n"));
        assert!(!blank("AWS_REGION", "x") && !blank("HOME", "") && !blank("NO_COLOR", ""));
    }
}
