//! The technical terms, explained in one sentence each, for `?`.

use crate::answers::Key;

/// The terms and their meanings.
pub const GLOSSARY: [(&str, &str); 12] = [
    (
        "SSO",
        "single sign-on: you sign in once, in a browser, to use all your accounts and tools.",
    ),
    (
        "OIDC",
        "OpenID Connect: how a program such as the AWS CLI gets a token after you sign in, without your password.",
    ),
    (
        "IAM Identity Center",
        "the AWS service for SSO: it manages users and groups, and issues temporary credentials.",
    ),
    (
        "identity store",
        "where Identity Center stores users and groups: its own directory, or a copy of an identity provider's.",
    ),
    (
        "permission set",
        "permissions and a session duration; in each account it is assigned to, it becomes an IAM role.",
    ),
    (
        "account assignment",
        "gives a group or user a permission set in an account.",
    ),
    (
        "access portal",
        "the web page where you sign in and see your accounts: https://d-….awsapps.com/start.",
    ),
    (
        "management account",
        "the account that created the organization; Identity Center is enabled there.",
    ),
    (
        "organization",
        "a group of accounts in AWS Organizations; yours can be the only one.",
    ),
    (
        "profile",
        "a named section of ~/.aws/config that you select with --profile NAME or AWS_PROFILE.",
    ),
    (
        "MFA",
        "multi-factor authentication, in addition to the password: an authenticator app, a passkey, a security key.",
    ),
    (
        "Region",
        "where a service runs, such as eu-west-1; Identity Center is enabled in one, which can't be changed later.",
    ),
];

/// Returns the terms that explain an answer.
fn terms_of(key: Key) -> &'static [&'static str] {
    match key {
        Key::IdentityCenterRegion | Key::CliRegion => &["Region", "IAM Identity Center"],
        Key::IdentitySource | Key::CreateUserWith => &["identity store"],
        Key::Username => &["identity store", "access portal"],
        Key::Email => &["MFA"],
        Key::GivenName | Key::FamilyName | Key::DisplayName => &[],
        Key::Group | Key::NoGroup => &["account assignment"],
        Key::Policy | Key::PermissionSet | Key::SessionDuration => &["permission set"],
        Key::AssignTo | Key::Account => &["account assignment", "organization"],
        Key::StartUrl => &["access portal"],
        Key::SsoSession | Key::CliProfile | Key::CliOutput => &["profile", "SSO", "OIDC"],
    }
}

/// Returns the lines of the glossary for an answer.
pub fn lines_of(key: Key) -> Vec<String> {
    let terms = terms_of(key);
    let rows = GLOSSARY.iter().filter(|(term, _)| terms.contains(term));
    rows.map(|(term, meaning)| format!("  {term}: {meaning}")).collect()
}

/// Returns all lines of the glossary.
pub fn all_lines() -> Vec<String> {
    GLOSSARY
        .iter()
        .map(|(term, meaning)| format!("  {term}: {meaning}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::KEYS;

    #[test]
    fn the_terms_of_every_answer_are_in_the_glossary() {
        for key in KEYS {
            assert_eq!(lines_of(key).len(), terms_of(key).len(), "{key:?}");
        }
    }
}
