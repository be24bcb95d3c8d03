//! `idc-setup completions` and `idc-setup man`: made from the same definition as the command line itself.

use std::path::Path;

use clap::CommandFactory;

use super::{ended_by, finish, screen};
use crate::checklist::UserError;
use crate::cli::Cli;
use crate::environment::Environment;

/// Prints a shell's completions, and answers the exit code.
pub fn completions(cli: &Cli, shell: clap_complete::Shell, environment: &Environment) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "idc-setup", &mut script);
    screen(cli, environment).verbatim(&String::from_utf8_lossy(&script));
    0
}

/// Writes a page for the program and for each command into a folder, and answers the exit code.
pub fn man(cli: &Cli, folder: &Path, environment: &Environment) -> u8 {
    let screen = screen(cli, environment);
    let written = std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(Cli::command(), folder));
    match written {
        Ok(()) => {
            screen.talk(&format!(
                "The pages are in {}: man {}",
                folder.display(),
                folder.join("idc-setup.1").display()
            ));
            0
        }
        Err(error) => {
            let error = UserError::failed(
                format!("The pages cannot be written to {}: {error}.", folder.display()),
                "idc-setup man DIR, with another folder",
            );
            finish(cli, screen, "man", None, &ended_by(error))
        }
    }
}
