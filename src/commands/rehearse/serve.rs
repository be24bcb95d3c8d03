//! `--serve`: the simulated AWS for other tools, until Ctrl-C or SIGTERM.

use super::super::asked_to_end;
use super::persist::{begin_keeping, home, keep_world};
use super::{Rehearsal, cannot_start};
use crate::checklist::UserError;
use crate::cli::RehearseFlags;
use crate::ui::Screen;

/// Serves until Ctrl-C. The home folder belongs to the rehearsal too: what follows it must not write into the
/// person's own.
pub(super) async fn serve(rehearsal: &Rehearsal, flags: &RehearseFlags, screen: &Screen) -> Result<u8, UserError> {
    let (home, _temporary) = home(flags).map_err(cannot_start)?;
    let _lock = begin_keeping(rehearsal, flags)?;
    let url = rehearsal.server().url();
    screen.talk(&format!(
        "REHEARSAL: a simulated AWS at {url}. Ctrl-C stops it. In another terminal:"
    ));
    for line in rehearsal.simulation.exports(&home) {
        screen.result(&line);
    }
    asked_to_end().await;
    keep_world(rehearsal, flags)?;
    screen.talk("\nThe rehearsal has ended.");
    Ok(0)
}
