//! `--serve`: serves the simulated AWS for other tools, until Ctrl-C or SIGTERM.

use super::super::signals::asked_to_end;
use super::persist::{home, logged, save_continuously, save_scenario, start_saving};
use super::simulation::{Rehearsal, cannot_start};
use crate::access::default_file;
use crate::cli::RehearseFlags;
use crate::ui::Screen;
use crate::user_error::UserError;

/// Serves until Ctrl-C. Also provides a home folder, so that other tools don't write to that of the user.
pub(super) async fn serve(rehearsal: &Rehearsal, flags: &RehearseFlags, screen: &Screen) -> Result<u8, UserError> {
    // Before the variables are printed: a caller may stop the server as soon as it has read them.
    let ended = asked_to_end();
    let (home, _temporary) = home(flags).map_err(cannot_start)?;
    let _lock = start_saving(rehearsal, flags)?;
    let url = rehearsal.server().url();
    screen.talk(&format!(
        "REHEARSAL: a simulated AWS at {url}. Ctrl-C stops it. In another terminal:"
    ));
    for line in rehearsal.simulation.exports(&home) {
        // A line that is broken at the width of the terminal could not be pasted.
        screen.unwrapped_result(&line);
    }
    say_what_to_try(rehearsal, screen);
    tokio::select! {
        () = ended => {}
        error = save_continuously(rehearsal, flags) => return Err(error),
    }
    save_scenario(rehearsal, flags)?;
    logged(rehearsal)?;
    screen.talk("\nThe rehearsal has ended.");
    Ok(0)
}

/// Prints commands to type in the other terminal, once Identity Center is enabled.
fn say_what_to_try(rehearsal: &Rehearsal, screen: &Screen) {
    let Some(portal) = rehearsal.portal() else {
        screen.talk("Then, for example: idc-setup");
        return;
    };
    screen.talk(&format!("The access portal: {}", portal.start_url));
    screen.talk("Then, for example:");
    for command in ["status", "export access > access.toml", "access plan"] {
        // The redirection would replace the file.
        let replaces_file = command.contains('>') && !default_file::existing().is_empty();
        if !replaces_file {
            screen.talk_unwrapped(&format!("  idc-setup {command}"));
        }
    }
    screen.talk_unwrapped(&format!("  idc-setup join {}", portal.start_url));
}
