//! What outlives a rehearsal: home and world, where `--keep` and `--dump` want them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Rehearsal;
use crate::checklist::{UserError, UserErrorKind};
use crate::cli::{RehearseFlags, Rehearsed};
use crate::progress::{Lock, LockError, holder_words};
use aws_config_file::files;
use idc_sim::scenarios;

/// The world, in the folder of `--keep`.
pub(super) const KEPT_WORLD: &str = "world.toml";

/// Who is at work on that world.
const LOCK: &str = "world.lock";

/// What only looks leaves the kept world to whoever changes it meanwhile.
pub(super) fn writes_world(flags: &RehearseFlags) -> bool {
    matches!(flags.what, Rehearsed::Run | Rehearsed::Login | Rehearsed::Undo)
}

/// Keeps the world after every change, so that a rehearsal that is killed is a kept one too. Answers only when it cannot.
pub(super) async fn keep_on_keeping(rehearsal: &Rehearsal, flags: &RehearseFlags) -> UserError {
    const EVERY: Duration = Duration::from_millis(100);
    let mut calls = 0;
    loop {
        tokio::time::sleep(EVERY).await;
        let now = rehearsal
            .server()
            .calls()
            .iter()
            .filter(|call| is_change(&call.operation))
            .count();
        if now == calls || flags.keep.is_none() || !writes_world(flags) {
            continue;
        }
        calls = now;
        if let Err(error) = write_world(
            rehearsal,
            flags.keep.as_deref().map(|folder| folder.join(KEPT_WORLD)).as_deref(),
        ) {
            return error;
        }
    }
}

/// By its name: no look begins otherwise.
fn is_change(operation: &str) -> bool {
    !["Get", "List", "Describe", "Head", "Simulate"]
        .iter()
        .any(|look| operation.starts_with(look))
}

/// The folder in which a world is kept already.
pub(super) fn kept(flags: &RehearseFlags) -> Option<&Path> {
    flags.keep.as_deref().filter(|folder| folder.join(KEPT_WORLD).exists())
}

/// The right to write a kept world, before it is read: of two that read the same one, the later end would undo the other.
pub(super) fn hold(folder: &Path, flags: &RehearseFlags) -> Result<Option<Lock>, UserError> {
    if !writes_world(flags) {
        return Ok(None);
    }
    Lock::take(&folder.join(LOCK)).map(Some).map_err(|error| {
        let folder = folder.display();
        match error {
            LockError::Held(holder) => UserError::new(
                UserErrorKind::Locked,
                format!(
                    "Another rehearsal is at work in {folder}{}.",
                    holder_words(holder.as_ref())
                ),
                "wait for it to end, or: idc-setup rehearse, with another --keep DIR",
            ),
            LockError::Io(error) => UserError::failed(
                format!("{folder} cannot be kept: {error}."),
                "idc-setup rehearse, with another --keep DIR",
            ),
        }
    })
}

/// Writes a new world before anything else: the folder is known to be a rehearsal's from now on, however this one ends.
/// Answers the lock, unless it is held already.
pub(super) fn begin_keeping(rehearsal: &Rehearsal, flags: &RehearseFlags) -> Result<Option<Lock>, UserError> {
    let Some(folder) = flags.keep.as_deref().filter(|_| kept(flags).is_none()) else {
        return Ok(None);
    };
    let lock = hold(folder, flags)?;
    write_world(rehearsal, Some(&folder.join(KEPT_WORLD)))?;
    Ok(lock)
}

/// Writes the world where `--keep` and `--dump` want it.
pub(super) fn keep_world(rehearsal: &Rehearsal, flags: &RehearseFlags) -> Result<(), UserError> {
    let kept = flags.keep.as_ref().map(|folder| folder.join(KEPT_WORLD));
    write_world(rehearsal, kept.as_deref())?;
    dump_world(rehearsal, flags)
}

pub(super) fn dump_world(rehearsal: &Rehearsal, flags: &RehearseFlags) -> Result<(), UserError> {
    write_world(rehearsal, flags.dump.as_deref())
}

fn write_world(rehearsal: &Rehearsal, path: Option<&Path>) -> Result<(), UserError> {
    let Some(path) = path else { return Ok(()) };
    scenarios::write_file(path, &rehearsal.server().cloud())
        .map_err(|why| UserError::failed(why, "idc-setup rehearse, with another --keep DIR or --dump FILE"))
}

/// The folder that is asked for, or one that goes away at the end.
pub(super) fn home(flags: &RehearseFlags) -> std::io::Result<(PathBuf, Option<tempfile::TempDir>)> {
    if let Some(folder) = &flags.keep {
        let mut entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        if !folder.join(KEPT_WORLD).exists() && entries.any(|entry| entry.file_name() != LOCK) {
            let why = format!("{} holds something else than a rehearsal", folder.display());
            return Err(std::io::Error::other(why));
        }
        files::make_private_folder(folder)
            .map_err(|error| std::io::Error::new(error.kind(), format!("{}: {error}", folder.display())))?;
        return Ok((std::path::absolute(folder)?, None));
    }
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    let folder = builder.prefix("idc-setup-rehearsal-").tempdir()?;
    Ok((folder.path().to_owned(), Some(folder)))
}
