//! Saves a rehearsal: home folder and scenario for `--keep`, and the scenario for `--dump`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use idc_sim::{TemporaryHome, scenarios};

use super::super::invocation::{KEPT_SCENARIO, kept, rehearsed_command};
use super::simulation::{Rehearsal, use_another_folder};
use crate::cli::RehearseFlags;
use crate::next_step::{NextStep, SetupCommand, Subcommand};
use crate::progress::{Lock, LockError, holder_text};
use crate::user_error::{UserError, UserErrorKind};
use aws_config_file::files;

/// The lock file of the process that changes this scenario.
const LOCK: &str = "scenario.lock";

/// Returns whether the rehearsed command can change the scenario. The others leave the saved one to a process that does.
pub(super) fn changes_scenario(flags: &RehearseFlags) -> bool {
    matches!(
        rehearsed_command(flags),
        // `Rehearse` is the rehearsal of a run. A sign-in changes the access portal.
        Subcommand::Rehearse
            | Subcommand::Recommend
            | Subcommand::Undo
            | Subcommand::Login
            | Subcommand::Join
            | Subcommand::Profiles
            | Subcommand::AccessApply
            | Subcommand::AccessAdopt
    )
}

/// Saves the scenario after every change, so that a rehearsal can be continued even if it is killed. Returns only if that
/// fails.
pub(super) async fn save_continuously(rehearsal: &Rehearsal, flags: &RehearseFlags) -> UserError {
    const EVERY: Duration = Duration::from_millis(100);
    let mut calls = 0;
    loop {
        tokio::time::sleep(EVERY).await;
        let now = rehearsal.server().change_count();
        if now == calls || flags.keep.is_none() || !changes_scenario(flags) {
            continue;
        }
        calls = now;
        if let Err(error) = write_scenario(
            rehearsal,
            flags
                .keep
                .as_deref()
                .map(|folder| folder.join(KEPT_SCENARIO))
                .as_deref(),
            use_another_folder,
        ) {
            return error;
        }
    }
}

/// Locks a saved scenario before it is read. Otherwise, of two processes that read it, the later one would overwrite the
/// changes of the other.
pub(super) fn hold(folder: &Path, flags: &RehearseFlags) -> Result<Option<Lock>, UserError> {
    if !changes_scenario(flags) {
        return Ok(None);
    }
    Lock::take(&folder.join(LOCK)).map(Some).map_err(|error| {
        let folder = folder.display();
        match error {
            LockError::Held(holder) => UserError::new(
                UserErrorKind::Locked,
                format!("Another rehearsal is using {folder}{}.", holder_text(holder.as_ref())),
                [NextStep::note("wait for it to end"), use_another_folder()],
            ),
            LockError::Io(error) => UserError::failed(
                format!("The rehearsal cannot be kept in {folder}: {error}."),
                use_another_folder(),
            ),
        }
    })
}

/// Saves a new scenario before anything else, so that the folder counts as that of a rehearsal however this one ends.
/// Returns the lock, unless it is already held.
pub(super) fn start_saving(rehearsal: &Rehearsal, flags: &RehearseFlags) -> Result<Option<Lock>, UserError> {
    let Some(folder) = flags.keep.as_deref().filter(|_| kept(flags).is_none()) else {
        return Ok(None);
    };
    let lock = hold(folder, flags)?;
    write_scenario(rehearsal, Some(&folder.join(KEPT_SCENARIO)), use_another_folder)?;
    Ok(lock)
}

/// Writes the scenario for `--keep` and `--dump`.
pub(super) fn save_scenario(rehearsal: &Rehearsal, flags: &RehearseFlags) -> Result<(), UserError> {
    let kept = flags.keep.as_ref().map(|folder| folder.join(KEPT_SCENARIO));
    write_scenario(rehearsal, kept.as_deref(), use_another_folder)?;
    dump_scenario(rehearsal, flags)
}

/// Writes the scenario for `--dump`.
pub(super) fn dump_scenario(rehearsal: &Rehearsal, flags: &RehearseFlags) -> Result<(), UserError> {
    write_scenario(rehearsal, flags.dump.as_deref(), || {
        SetupCommand::again()
            .placeholder("--dump", "FILE")
            .to("use another file")
    })
}

/// Checks that all calls were written to the file of `--calls`.
pub(super) fn logged(rehearsal: &Rehearsal) -> Result<(), UserError> {
    match rehearsal.server().call_log_error() {
        None => Ok(()),
        Some(error) => Err(UserError::failed(
            format!("The calls could not be logged: {error}."),
            SetupCommand::again().placeholder("--calls", "FILE"),
        )),
    }
}

/// Writes the scenario to a file. `other` names the way to write it elsewhere.
fn write_scenario(rehearsal: &Rehearsal, path: Option<&Path>, other: fn() -> NextStep) -> Result<(), UserError> {
    let Some(path) = path else { return Ok(()) };
    scenarios::write_file(path, &rehearsal.server().cloud()).map_err(|why| UserError::failed(why, other()))
}

/// Refuses a folder of `--keep` that contains something other than a rehearsal.
pub(super) fn check_folder(flags: &RehearseFlags) -> Result<(), UserError> {
    let Some(folder) = flags.keep.as_deref().filter(|_| kept(flags).is_none()) else {
        return Ok(());
    };
    let mut entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    if entries.all(|entry| entry.file_name() == LOCK) {
        return Ok(());
    }
    Err(UserError::failed(
        format!("{} is not empty and contains no rehearsal.", folder.display()),
        SetupCommand::again()
            .placeholder("--keep", "DIR")
            .to("use a new folder, or that of a rehearsal"),
    ))
}

/// Returns the folder of `--keep`, or a temporary one.
pub(super) fn home(flags: &RehearseFlags) -> std::io::Result<(PathBuf, Option<TemporaryHome>)> {
    if let Some(folder) = &flags.keep {
        files::make_private_folder(folder)
            .map_err(|error| std::io::Error::new(error.kind(), format!("{}: {error}", folder.display())))?;
        return Ok((std::path::absolute(folder)?, None));
    }
    let folder = TemporaryHome::create("idc-setup-rehearsal-")?;
    Ok((folder.path().to_owned(), Some(folder)))
}
