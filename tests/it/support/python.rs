//! A Python environment with pinned packages in `target/`, created at the first use. Without Python, prints a warning.
//! With `CI=true`, fails instead.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output};

/// The packages in the environment.
const PACKAGES: [&str; 3] = ["moto[server]==5.2.5", "boto3==1.44.5", "cfn-lint==1.51.0"];

/// Returns the path of the environment's Python, or `None` if the environment cannot be created.
pub fn python() -> Option<PathBuf> {
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let folder = target.join("python-2");
    let python = folder.join("bin").join("python");
    let lock = File::create(target.join("python.lock")).expect("a lock file");
    lock.lock().expect("the lock");
    let complete = folder.join("complete");
    if !complete.exists() {
        if let Err(why) = make(&folder, &python) {
            assert!(
                std::env::var("CI").as_deref() != Ok("true"),
                "CI needs Python 3 with venv and pip: {why}"
            );
            // Write to stderr directly: the test harness hides the output of the print macros if the test passes.
            let _ = writeln!(
                std::io::stderr(),
                "\n*** NOT TESTED against boto3, moto and cfn-lint: {why} ***\n"
            );
            return None;
        }
        fs::write(&complete, "").expect("a writable target folder");
    }
    Some(python)
}

fn make(folder: &PathBuf, python: &PathBuf) -> Result<(), String> {
    let _ = fs::remove_dir_all(folder);
    run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
    run(Command::new(python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(PACKAGES))
}

fn run(command: &mut Command) -> Result<(), String> {
    match command.output() {
        Ok(Output { status, .. }) if status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(error) => Err(error.to_string()),
    }
}
