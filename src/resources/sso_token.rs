//! The access token and the client registration of an SSO session, in `~/.aws/sso/cache`. They are recorded without their
//! content.

use std::fs;
use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::cli_config;
use crate::environment::HOME;
use crate::next_step::SetupCommand;
use crate::progress::{Entry, Origin, Record, ResourceId, ResourceKind, Verb};
use crate::reconcile::Manually;
use crate::reconcile::{Branch, Condition, Context, Deletion, Elsewhere, Error, Resource, StepInfo, Target};
use crate::user_error::UserError;
use aws_config_file::{Paths, files};

/// Writes a token or a registration to the cache.
///
/// # Errors
/// When the file cannot be written, or the result cannot be saved.
pub fn write(
    context: &Context,
    info: &'static StepInfo,
    kind: ResourceKind,
    session: &str,
    path: &Path,
    text: &str,
) -> Result<(), UserError> {
    // A file left by an interrupted sign-in belongs to this program too.
    let is_new = !path.exists() || is_as_intended(context, kind, session, path);
    if is_new {
        let mark = Some(files::digest(text.as_bytes()));
        context.intend(info, Target::new(Verb::Create, kind, session), mark)?;
    }
    context.keep_new_folders(path)?;
    aws_config_file::write_cache_file(path, text).map_err(|error| {
        UserError::failed(
            format!(
                "{}: the {kind} cannot be saved to {}: {error}.",
                info.name(),
                path.display()
            ),
            SetupCommand::again().after("free up disk space or fix the file permissions"),
        )
    })?;
    let mut entry = context.entry(kind, session, path.display().to_string());
    if is_new {
        entry.origin = Origin::Created;
    }
    context.settle(Verb::Create, kind, session, Some(entry))
}

/// Determines and records the origin of an existing file: as recorded, or created by this program if it matches an open
/// intent, or if `login` wrote it for a session that this program created.
///
/// # Errors
/// When the origin cannot be saved.
pub fn settle(
    context: &Context,
    paths: &Paths,
    kind: ResourceKind,
    session: &str,
    path: &Path,
) -> Result<Entry, UserError> {
    let id = ResourceId::from(path.display().to_string());
    let mut entry = context.entry(kind, session, &id);
    let is_known = context.progress.read(|record| record.origin(kind, &id)).is_some();
    let session_id = ResourceId::of_section(paths.config(), session);
    let is_our_session = || context.origin(ResourceKind::SsoSession, session_id) == Origin::Created;
    if is_as_intended(context, kind, session, path) || (!is_known && is_our_session()) {
        entry.origin = Origin::Created;
    }
    context.settle(Verb::Create, kind, session, Some(entry.clone()))?;
    Ok(entry)
}

/// Whether the file's content matches an open intent.
fn is_as_intended(context: &Context, kind: ResourceKind, session: &str, path: &Path) -> bool {
    let intents = context.open_intents(kind, session);
    if intents.is_empty() {
        return false;
    }
    let digest = files::read(path).ok().map(|content| files::digest(&content));
    intents.iter().any(|intent| intent.mark == digest)
}

/// Records what a killed run wrote to the cache.
///
/// # Errors
/// When progress cannot be saved.
pub fn settle_pending(context: &Context) -> Result<(), UserError> {
    let Some(paths) = &context.paths else { return Ok(()) };
    let pending = context.progress.read(|record| record.intents.clone());
    let is_cached = |kind| matches!(kind, ResourceKind::Token | ResourceKind::Registration);
    for intent in pending
        .iter()
        .filter(|intent| is_cached(intent.kind) && intent.verb != Verb::Delete)
    {
        let (kind, name) = (intent.kind, intent.name.single());
        let path = find_cached(paths.cache(), intent.mark.as_deref());
        let created = path.map(|path| Entry::new(Origin::Created, kind, name, path.display().to_string()));
        context.settle(intent.verb, kind, name, created)?;
    }
    Ok(())
}

/// The cached file with this digest.
fn find_cached(folder: &Path, mark: Option<&str>) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    let mut cached = entries.filter(|path| path.extension().is_some_and(|end| end == "json"));
    cached.find(|path| files::read(path).is_ok_and(|content| Some(files::digest(&content).as_str()) == mark))
}

/// The token and the registration that `login` cached for this session, which undo deletes.
pub fn of_session(context: &Context, session: &Entry) -> Vec<Entry> {
    let Some(paths) = &context.paths else { return Vec::new() };
    let cached = cli_config::cached_files(paths, session).map(|(kind, path)| {
        let path = path.display().to_string();
        Entry::new(Origin::Created, kind, &session.name, path)
    });
    let is_known = |entry: &Entry| {
        let has_origin = |record: &Record| record.origin(entry.kind, &entry.id).is_some();
        context.progress.read(has_origin)
    };
    let exists = |entry: &Entry| Path::new(entry.id.single()).exists();
    cached
        .into_iter()
        .filter(|entry| exists(entry) && !is_known(entry))
        .collect()
}

struct CachedFile {
    kind: ResourceKind,
}

/// The kind of the token.
pub const TOKEN: &dyn Resource = &CachedFile {
    kind: ResourceKind::Token,
};
/// The kind of the registration.
pub const REGISTRATION: &dyn Resource = &CachedFile {
    kind: ResourceKind::Registration,
};

#[async_trait(?Send)]
impl Resource for CachedFile {
    fn kind(&self) -> ResourceKind {
        self.kind
    }

    fn step(&self) -> &'static str {
        "sign-in"
    }

    fn branch(&self) -> Branch {
        Branch::Independent
    }

    /// Only a file in this environment's cache may be deleted. Its name is a digest of forty hexadecimal digits.
    fn elsewhere(&self, context: &Context, entry: &Entry) -> Option<Elsewhere> {
        let path = entry.id.file();
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        let is_digest = name.len() == 40 && name.bytes().all(|c| c.is_ascii_hexdigit());
        let is_json = path.extension().is_some_and(|end| end == "json");
        let is_cached = |paths: &Paths| path.parent() == Some(paths.cache()) && is_json && is_digest;
        if context.paths.as_ref().is_some_and(is_cached) {
            return None;
        }
        let cache = path.parent().filter(|folder| folder.ends_with(".aws/sso/cache"));
        let home = cache.and_then(|cache| cache.ancestors().nth(3));
        Some(Elsewhere::new(path, home.map(|home| (HOME, home))))
    }

    async fn condition(&self, _context: &Context, entry: &Entry) -> Result<Condition, Error> {
        let path = entry.id.file();
        match path.try_exists() {
            Ok(true) => Ok(Condition::Exists),
            Ok(false) => Ok(Condition::Gone),
            Err(error) => Err(Error::User(UserError::failed(
                format!("{} cannot be read: {error}.", path.display()),
                SetupCommand::undo().after("fix the file"),
            ))),
        }
    }

    async fn delete(&self, context: &Context, entry: &Entry) -> Result<Deletion, Error> {
        context.remove_file(Path::new(entry.id.single()))?;
        Ok(Deletion::Deleted)
    }

    fn delete_manually(&self, _context: &Context, entry: &Entry) -> Manually {
        Manually::Command(Context::remove_command(entry))
    }
}
