//! `idc-setup completions` and `idc-setup man`, generated from the definition of the command line.

use std::path::Path;

use super::ending::fail;
use crate::cli::{self, Cli};
use crate::exit_code::ExitCode;
use crate::next_step::{SetupCommand, Subcommand};
use crate::ui::Screen;
use crate::user_error::UserError;

/// Prints the completions for a shell and returns the exit code.
pub fn completions(shell: clap_complete::Shell, screen: &Screen) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli::program(), "idc-setup", &mut script);
    screen.verbatim(&String::from_utf8_lossy(&script));
    ExitCode::Success
}

/// Writes a man page for the program and one for each command to a folder, and returns the exit code.
pub fn man(cli: &Cli, folder: &Path, screen: &Screen) -> ExitCode {
    let written = std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(cli::program(), folder));
    match written {
        Ok(()) => {
            screen.talk(&format!("The man pages are in {}.", folder.display()));
            if cfg!(unix) {
                screen.talk(&format!("To read one: man {}", folder.join("idc-setup.1").display()));
            }
            ExitCode::Success
        }
        Err(error) => {
            let error = UserError::failed(
                format!("The man pages cannot be written to {}: {error}.", folder.display()),
                SetupCommand::new(Subcommand::Man)
                    .positional("DIR")
                    .to("use another folder"),
            );
            fail(cli, screen, Subcommand::Man, error)
        }
    }
}
