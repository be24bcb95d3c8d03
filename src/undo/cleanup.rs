//! Files that were made, and what is left of those that never were: removed with the folders made for them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::files::written;
use super::{Disposition, Removal};
use crate::checklist::UserError;
use crate::progress::{Origin, Record, Resource, ResourceKind, Verb};
use crate::steps::Context;
use aws_config_file::files;

/// Removes a file of ours, and the folders above it that were made for it, while they are empty.
pub fn remove_file(context: &Context, path: &Path) -> Result<(), UserError> {
    match fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => {
            return Err(UserError::failed(
                format!("{} cannot be removed: {error}.", path.display()),
                "mend its folder's rights, then: idc-setup undo",
            ));
        }
    }
    remove_empty_folders(context, path)
}

/// Only those that were not there before.
pub fn remove_empty_folders(context: &Context, path: &Path) -> Result<(), UserError> {
    let made = context.progress.read(|record| record.folders.clone());
    for folder in path.ancestors().skip(1).filter(|folder| made.contains(*folder)) {
        files::remove_abandoned(folder);
        if !remove_folder(context, folder)? {
            break;
        }
    }
    Ok(())
}

/// Removes a folder that was made, if nothing is in it; whether it is gone. Only one that this environment's AWS files are
/// below: a state file may name any.
fn remove_folder(context: &Context, folder: &Path) -> Result<bool, UserError> {
    let ours = context.paths.iter().flat_map(|paths| [paths.config(), paths.cache()]);
    if !ours.flat_map(Path::ancestors).any(|ours| ours == folder) {
        return Ok(false);
    }
    // One that is not there was removed by an undo that was killed before it said so.
    let is_gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    let is_gone = fs::remove_dir(folder).as_ref().err().is_none_or(is_gone);
    if is_gone {
        context.progress.change(|record| {
            record.folders.remove(folder);
        })?;
    }
    Ok(is_gone)
}

/// Removes the folders that were made for a file which then was not written, or is gone; the innermost first.
///
/// # Errors
/// When it cannot be saved.
pub fn remove_folders(context: &Context) -> Result<(), UserError> {
    for folder in context.progress.read(|record| record.folders.clone()).iter().rev() {
        remove_folder(context, folder)?;
    }
    Ok(())
}

/// What a run that was killed has written into files, or was about to: ours where it stands there as it was intended,
/// and nothing where it does not. What was left half-written is swept away.
pub fn settle(context: &Context) -> Result<(), UserError> {
    let Some(paths) = &context.paths else { return Ok(()) };
    let folders = [paths.config().parent(), Some(paths.cache())];
    folders.into_iter().flatten().for_each(files::remove_abandoned);
    let open = context.progress.read(|record| record.intents.clone());
    for intent in open
        .iter()
        .filter(|intent| intent.verb != Verb::Delete && intent.kind.is_local())
    {
        let (kind, name) = (intent.kind, intent.name.as_str());
        if matches!(kind, ResourceKind::Token | ResourceKind::Registration) {
            let kept = cached(paths.cache(), intent.mark.as_deref());
            let made = kept.map(|path| Resource::new(Origin::Created, kind, name, path.display().to_string()));
            context.settle(intent.verb, kind, name, made)?;
            continue;
        }
        let content = files::read(paths.config()).unwrap_or_default();
        let id = match kind {
            ResourceKind::ConfigFile => paths.config().display().to_string(),
            _ => format!("{}#{name}", paths.config().display()),
        };
        let (content, is_known) = (
            String::from_utf8_lossy(&content),
            context.progress.read(|record| record.origin(kind, &id).is_some()),
        );
        let settled = context.settle_written(&content, kind, name, &id)?;
        if settled.origin != Origin::Created && !is_known {
            // It was never written: there is nothing of that name to be found.
            context
                .progress
                .change(|record| record.resources.retain(|other| other.kind != kind || other.id != id))?;
        }
    }
    Ok(())
}

/// What `login` has kept since for a session of ours that goes: without it they are of use to nobody, and good for hours.
pub fn of_sessions_that_go(context: &Context, removals: &[Removal]) -> Vec<(Resource, &'static str)> {
    let Some(paths) = &context.paths else { return Vec::new() };
    let going = removals.iter().filter(|removal| {
        let resource = &removal.resource;
        resource.kind == ResourceKind::SsoSession && removal.disposition == Disposition::Delete
    });
    let kept = going.flat_map(|removal| {
        let name = removal.resource.name.as_str();
        let says = written(&removal.resource, name);
        let says = |key: &str| says.get(key).map_or("", String::as_str);
        let registration = paths.registration(says("sso_region"), name, says("sso_start_url"));
        [
            (ResourceKind::Registration, registration),
            (ResourceKind::Token, paths.token(name)),
        ]
        .map(|(kind, path)| Resource::new(Origin::Created, kind, name, path.display().to_string()))
    });
    let is_known = |resource: &Resource| {
        let of_it = |record: &Record| record.origin(resource.kind, &resource.id).is_some();
        context.progress.read(of_it)
    };
    kept.filter(|resource| Path::new(&resource.id).exists() && !is_known(resource))
        .map(|resource| (resource, "sign-in"))
        .collect()
}

/// The cached file with this digest.
fn cached(folder: &Path, mark: Option<&str>) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    let mut ours = entries.filter(|path| path.extension().is_some_and(|end| end == "json"));
    ours.find(|path| files::read(path).is_ok_and(|content| Some(files::digest(&content).as_str()) == mark))
}
