//! Why the access portal gives no credentials after a sign-in. The portal returns `ForbiddenException: No access` for
//! every reason.

use super::session::Session;
use crate::sso;
use crate::user_error::UserError;

/// What the portal shows the signed-in user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// The account is not listed.
    NoAccount,
    /// The account is listed with these permission sets, but not with the requested one.
    OtherSets(Vec<String>),
    /// The account and the permission set are listed; the access is still propagating.
    Everything,
}

/// Checks what the portal shows for an account and a permission set.
///
/// # Errors
/// If the portal cannot be queried.
pub async fn shown(session: &Session<'_>, account: &str, set: &str) -> Result<Shown, UserError> {
    let Some(token) = session.token() else {
        return Ok(Shown::NoAccount);
    };
    let (clients, region, token) = (session.clients, &session.region, &token.access_token);
    let accounts = sso::lists_account(clients, region, token, account).await;
    if !accounts.map_err(|aws_error| session.failed(&aws_error))? {
        return Ok(Shown::NoAccount);
    }
    match sso::roles_of(clients, region, token, account).await {
        Ok(sets) if sets.iter().any(|offered| offered == set) => Ok(Shown::Everything),
        Ok(sets) => Ok(Shown::OtherSets(sets)),
        Err(aws_error) if aws_error.is("ForbiddenException") => Ok(Shown::NoAccount),
        Err(aws_error) => Err(session.failed(&aws_error)),
    }
}

/// The message for [`Shown::Everything`].
pub const STILL_PROPAGATING: &str = "the portal lists the account and the permission set, but gives no credentials yet: \
                                     AWS is still creating the role in the account";

/// The message for [`Shown::OtherSets`]. Explains that `sso_role_name` takes the name of a permission set, if `set` is
/// the name of a role.
pub fn wrong_name(account: &str, set: &str, offered: &[String]) -> String {
    let hint = if set.starts_with("AWSReservedSSO_") {
        " (sso_role_name takes the permission set's name, not the role's)"
    } else {
        ""
    };
    format!(
        "the portal offers {} in account {account}, but not {set}{hint}",
        if offered.is_empty() {
            "no permission set".to_owned()
        } else {
            offered.join(", ")
        }
    )
}
