//! Why the portal refuses somebody who has signed in: `ForbiddenException: No access` says it of everything.

use std::error::Error;

use super::session::Session;
use crate::aws::AwsError;
use crate::checklist::UserError;
use crate::sso;

/// What the portal shows whoever has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// The account is not among theirs.
    NoAccount,
    /// The account is, with these permission sets, and not the one that is asked for.
    OtherSets(Vec<String>),
    /// Everything that is needed: it is still spreading.
    Everything,
}

/// What the portal shows of an account and a permission set.
///
/// # Errors
/// When the portal cannot be asked.
pub async fn shown(session: &Session<'_>, account: &str, set: &str) -> Result<Shown, UserError> {
    let Some(token) = session.token() else {
        return Ok(Shown::NoAccount);
    };
    let at = (session.clients, token.region.as_str(), &token.access_token);
    let accounts = sso::sees_account(at.0, at.1, at.2, account).await;
    if !accounts.map_err(|aws_error| session.failed(&aws_error))? {
        return Ok(Shown::NoAccount);
    }
    match sso::roles_of(at.0, at.1, at.2, account).await {
        Ok(sets) if sets.iter().any(|offered| offered == set) => Ok(Shown::Everything),
        Ok(sets) => Ok(Shown::OtherSets(sets)),
        Err(aws_error) if aws_error.is("ForbiddenException") => Ok(Shown::NoAccount),
        Err(aws_error) => Err(session.failed(&aws_error)),
    }
}

/// What the portal or sso-oidc said, somewhere in a chain of errors.
pub fn said(error: &(dyn Error + 'static)) -> Option<AwsError> {
    use aws_sdk_sso::operation::get_role_credentials::GetRoleCredentialsError;
    use aws_sdk_ssooidc::operation::create_token::CreateTokenError;
    std::iter::successors(Some(error), |&error| error.source()).find_map(|error| {
        let portal = error.downcast_ref::<GetRoleCredentialsError>();
        let portal = portal.and_then(|said| AwsError::said("sso:GetRoleCredentials", said));
        portal.or_else(|| {
            let oidc = error.downcast_ref::<CreateTokenError>()?;
            AwsError::said("sso-oidc:CreateToken", oidc)
        })
    })
}

/// In words: the portal has it all, and the credentials are not there yet.
pub const STILL_SPREADING: &str = "the portal lists the account and the permission set, and does not give credentials yet: \
                                   AWS is still setting up the role there";

/// In words: a permission set's name is asked for, not a role's.
pub fn wrong_name(account: &str, set: &str, offered: &[String]) -> String {
    let hint = if set.starts_with("AWSReservedSSO_") {
        " (sso_role_name takes the permission set's name, not the role's)"
    } else {
        ""
    };
    format!(
        "the portal offers {} in account {account}, and not {set}{hint}",
        if offered.is_empty() {
            "nothing".to_owned()
        } else {
            offered.join(", ")
        }
    )
}
