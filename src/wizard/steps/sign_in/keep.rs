//! The files that a sign-in writes to `~/.aws/sso/cache`.

use super::session::{Session, SignedIn};
use super::{INFO, SignIn};
use crate::progress::{Entry, ResourceKind};
use crate::resources::sso_token;
use crate::user_error::UserError;

impl SignIn {
    /// Writes the token and the registration that received it to the cache.
    pub(super) fn keep(&self, session: &Session<'_>, signed_in: &SignedIn) -> Result<(), UserError> {
        let (context, name) = (&self.context, &session.profile.session);
        let text = aws_config_file::registration_json(&signed_in.registration);
        let path = session.registration_path();
        sso_token::write(context, &INFO, ResourceKind::Registration, name, &path, &text)?;
        let text = aws_config_file::token_json(&signed_in.token);
        sso_token::write(context, &INFO, ResourceKind::Token, name, &session.token_path(), &text)
    }

    /// The cached token and registration with their origin.
    pub(super) fn own(&self, session: &Session<'_>) -> Result<Vec<Entry>, UserError> {
        let (context, paths, name) = (&self.context, self.paths()?, &session.profile.session);
        let path = session.token_path();
        let mut own = vec![sso_token::settle(context, paths, ResourceKind::Token, name, &path)?];
        let path = session.registration_path();
        if path.exists() {
            own.push(sso_token::settle(
                context,
                paths,
                ResourceKind::Registration,
                name,
                &path,
            )?);
        }
        Ok(own)
    }
}
