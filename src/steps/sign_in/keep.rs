//! The files that a sign-in writes to `~/.aws/sso/cache`: an intent is recorded before, and the origin after.

use std::path::Path;

use super::session::{Session, SignedIn};
use super::{INFO, SignIn};
use crate::checklist::UserError;
use crate::next_step::SetupCommand;
use crate::progress::{Origin, Resource, ResourceId, ResourceKind, Verb};
use aws_config_file::files;

impl SignIn {
    /// Writes the token and the registration that received it to the cache.
    pub(super) fn keep(&self, session: &Session<'_>, signed_in: &SignedIn) -> Result<(), UserError> {
        let name = &session.profile.session;
        let text = aws_config_file::registration_json(&signed_in.registration);
        self.keep_file(ResourceKind::Registration, name, &session.registration_path(), &text)?;
        let text = aws_config_file::token_json(&signed_in.token);
        self.keep_file(ResourceKind::Token, name, &session.token_path(), &text)
    }

    fn keep_file(&self, kind: ResourceKind, name: &str, path: &Path, text: &str) -> Result<(), UserError> {
        let context = &self.context;
        // A file left by an interrupted sign-in is ours too.
        let is_new = !path.exists() || self.is_as_intended(kind, name, path);
        if is_new {
            let mark = Some(files::digest(text.as_bytes()));
            context.intend(&INFO, (Verb::Create, kind, name), mark)?;
        }
        context.keep_new_folders(path)?;
        aws_config_file::write_cache_file(path, text).map_err(|error| {
            UserError::failed(
                format!(
                    "Step 8 sign-in: the {kind} cannot be saved to {}: {error}.",
                    path.display()
                ),
                SetupCommand::again().after("free up disk space or fix the file permissions"),
            )
        })?;
        let mut resource = context.resource(kind, name, path.display().to_string());
        if is_new {
            resource.origin = Origin::Created;
        }
        context.settle(Verb::Create, kind, name, Some(resource))
    }

    /// The cached token and registration with their origin: as recorded, or created by us if they match an open intent.
    pub(super) fn own(&self, session: &Session<'_>) -> Result<Vec<Resource>, UserError> {
        let name = &session.profile.session;
        let mut own = vec![self.own_file(ResourceKind::Token, name, &session.token_path())?];
        let registration = session.registration_path();
        if registration.exists() {
            own.push(self.own_file(ResourceKind::Registration, name, &registration)?);
        }
        Ok(own)
    }

    fn own_file(&self, kind: ResourceKind, name: &str, path: &Path) -> Result<Resource, UserError> {
        let context = &self.context;
        let id = ResourceId::from(path.display().to_string());
        let mut resource = context.resource(kind, name, &id);
        let is_known = context.progress.read(|record| record.origin(kind, &id)).is_some();
        // `login` may have written it since, for a session that we created.
        if self.is_as_intended(kind, name, path) || (!is_known && self.is_our_session(name)?) {
            resource.origin = Origin::Created;
        }
        context.settle(Verb::Create, kind, name, Some(resource.clone()))?;
        Ok(resource)
    }

    fn is_our_session(&self, name: &str) -> Result<bool, UserError> {
        let id = ResourceId::of_section(self.paths()?.config(), name);
        Ok(self.context.origin(ResourceKind::SsoSession, id) == Origin::Created)
    }

    /// Whether the file's content matches an open intent.
    fn is_as_intended(&self, kind: ResourceKind, name: &str, path: &Path) -> bool {
        let intents = self.context.open_intents(kind, name);
        if intents.is_empty() {
            return false;
        }
        let digest = files::read(path).ok().map(|content| files::digest(&content));
        intents.iter().any(|intent| intent.mark == digest)
    }
}
