//! Deletes files and folders that were created, and temporary files of interrupted writes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::files::written;
use super::{Disposition, Removal};
use crate::checklist::UserError;
use crate::next_step::SetupCommand;
use crate::progress::{Origin, Record, Resource, ResourceId, ResourceKind, Verb};
use crate::steps::Context;
use aws_config_file::files;

/// Deletes a file, and then each folder above it that was created for it and is empty.
///
/// # Errors
/// When the file cannot be deleted, or progress cannot be saved.
pub fn remove_file(context: &Context, path: &Path) -> Result<(), UserError> {
    match fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => {
            return Err(UserError::failed(
                format!("{} cannot be deleted: {error}.", path.display()),
                SetupCommand::undo().after("fix the permissions of its folder"),
            ));
        }
    }
    remove_empty_folders(context, path)
}

/// Deletes the empty folders above a path, but only those that did not exist before.
///
/// # Errors
/// When progress cannot be saved.
pub fn remove_empty_folders(context: &Context, path: &Path) -> Result<(), UserError> {
    let created = context.progress.read(|record| record.folders.clone());
    for folder in path.ancestors().skip(1).filter(|folder| created.contains(*folder)) {
        files::remove_abandoned(folder);
        if !remove_folder(context, folder)? {
            break;
        }
    }
    Ok(())
}

/// Deletes a folder that was created, if it is empty; returns whether it is gone. Only a folder above this
/// environment's AWS files is deleted, because a state file may name any folder.
fn remove_folder(context: &Context, folder: &Path) -> Result<bool, UserError> {
    let ours = context.paths.iter().flat_map(|paths| [paths.config(), paths.cache()]);
    if !ours.flat_map(Path::ancestors).any(|ours| ours == folder) {
        return Ok(false);
    }
    // A folder that does not exist was deleted by an undo that was killed before it recorded that.
    let is_gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    let is_gone = fs::remove_dir(folder).as_ref().err().is_none_or(is_gone);
    if is_gone {
        context.progress.change(|record| {
            record.folders.remove(folder);
        })?;
    }
    Ok(is_gone)
}

/// Deletes the folders that were created for a file that was never written, or that is gone; the innermost first.
///
/// # Errors
/// When progress cannot be saved.
pub fn remove_folders(context: &Context) -> Result<(), UserError> {
    for folder in context.progress.read(|record| record.folders.clone()).iter().rev() {
        remove_folder(context, folder)?;
    }
    Ok(())
}

/// Records what a killed run wrote to files: a file or section that matches its intent was created by us, anything else
/// was not. Also deletes temporary files of interrupted writes.
///
/// # Errors
/// When progress cannot be saved.
pub fn settle(context: &Context) -> Result<(), UserError> {
    let Some(paths) = &context.paths else { return Ok(()) };
    let folders = [paths.config().parent(), Some(paths.cache())];
    folders.into_iter().flatten().for_each(files::remove_abandoned);
    let pending = context.progress.read(|record| record.intents.clone());
    for intent in pending
        .iter()
        .filter(|intent| intent.verb != Verb::Delete && intent.kind.is_local())
    {
        let (kind, name) = (intent.kind, intent.name.single());
        if matches!(kind, ResourceKind::Token | ResourceKind::Registration) {
            let kept = cached(paths.cache(), intent.mark.as_deref());
            let created = kept.map(|path| Resource::new(Origin::Created, kind, name, path.display().to_string()));
            context.settle(intent.verb, kind, name, created)?;
            continue;
        }
        let bytes = files::read(paths.config()).unwrap_or_default();
        let id = match kind {
            ResourceKind::ConfigFile => ResourceId::from(paths.config().display().to_string()),
            _ => ResourceId::of_section(paths.config(), name),
        };
        let is_known = context.progress.read(|record| record.origin(kind, &id).is_some());
        let settled = context.settle_written(&String::from_utf8_lossy(&bytes), kind, name, &id)?;
        if settled.origin != Origin::Created && !is_known {
            // It was never written, so nothing of this name is recorded as existing.
            context
                .progress
                .change(|record| record.resources.retain(|other| other.kind != kind || other.id != id))?;
        }
    }
    Ok(())
}

/// The token and the registration that `login` cached for a session that undo deletes: they would remain valid for
/// hours.
pub fn cached_files_of_deleted_sessions(context: &Context, removals: &[Removal]) -> Vec<(Resource, &'static str)> {
    let Some(paths) = &context.paths else { return Vec::new() };
    let deleted = removals.iter().filter(|removal| {
        let resource = &removal.resource;
        resource.kind == ResourceKind::SsoSession && removal.disposition == Disposition::Delete
    });
    let kept = deleted.flat_map(|removal| {
        let name = removal.resource.name.single();
        let properties = written(&removal.resource, name);
        let value = |key: &str| properties.get(key).map_or("", String::as_str);
        let registration = paths.registration(value("sso_region"), name, value("sso_start_url"));
        [
            (ResourceKind::Registration, registration),
            (ResourceKind::Token, paths.token(name)),
        ]
        .map(|(kind, path)| Resource::new(Origin::Created, kind, name, path.display().to_string()))
    });
    let is_known = |resource: &Resource| {
        let has_origin = |record: &Record| record.origin(resource.kind, &resource.id).is_some();
        context.progress.read(has_origin)
    };
    kept.filter(|resource| Path::new(resource.id.single()).exists() && !is_known(resource))
        .map(|resource| (resource, "sign-in"))
        .collect()
}

/// The cached file with this digest.
fn cached(folder: &Path, mark: Option<&str>) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    let mut ours = entries.filter(|path| path.extension().is_some_and(|end| end == "json"));
    ours.find(|path| files::read(path).is_ok_and(|content| Some(files::digest(&content).as_str()) == mark))
}
