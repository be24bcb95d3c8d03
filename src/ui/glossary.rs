//! The field's own words, in one sentence each, for `?`.

use crate::answers::Key;

/// Word and meaning.
pub const GLOSSARY: [(&str, &str); 12] = [
    (
        "SSO",
        "single sign-on: you sign in once, in a browser, and every account and tool takes it from there.",
    ),
    (
        "OIDC",
        "OpenID Connect: how a program such as the AWS CLI gets a token after you signed in, without your password.",
    ),
    (
        "IAM Identity Center",
        "AWS's service for SSO: it keeps users and groups and hands out short-lived credentials.",
    ),
    (
        "identity store",
        "where Identity Center keeps users and groups: its own directory, or a copy of an identity provider's.",
    ),
    (
        "permission set",
        "what somebody may do in an account, and for how long at a time; it becomes an IAM role there.",
    ),
    (
        "account assignment",
        "joins three: a group or user, a permission set, and an account.",
    ),
    (
        "access portal",
        "the page where you sign in and see your accounts: https://d-….awsapps.com/start.",
    ),
    (
        "management account",
        "the account that made the organization; Identity Center lives there.",
    ),
    (
        "organization",
        "AWS Organizations: several accounts under one roof; yours may be the only one.",
    ),
    (
        "profile",
        "a named section of ~/.aws/config that tools take with --profile NAME or AWS_PROFILE.",
    ),
    (
        "MFA",
        "a second proof beside the password: an authenticator app, a passkey, a security key.",
    ),
    (
        "Region",
        "where a service runs, such as eu-west-1; Identity Center has one, and keeps it.",
    ),
];

/// The words that an answer is about.
fn words_of(key: Key) -> &'static [&'static str] {
    match key {
        Key::IdentityCenterRegion | Key::CliRegion => &["Region", "IAM Identity Center"],
        Key::IdentitySource | Key::CreateUserWith => &["identity store"],
        Key::Username | Key::Email | Key::GivenName | Key::FamilyName | Key::DisplayName => {
            &["identity store", "access portal", "MFA"]
        }
        Key::Group | Key::NoGroup => &["account assignment"],
        Key::Policy | Key::PermissionSet | Key::SessionDuration => &["permission set"],
        Key::AssignTo | Key::Account => &["account assignment", "organization"],
        Key::StartUrl => &["access portal"],
        Key::SsoSession | Key::CliProfile | Key::CliOutput => &["profile", "SSO", "OIDC"],
    }
}

/// The glossary's lines for an answer.
pub fn lines_of(key: Key) -> Vec<String> {
    let words = words_of(key);
    let rows = GLOSSARY.iter().filter(|(word, _)| words.contains(word));
    rows.map(|(word, meaning)| format!("  {word}: {meaning}")).collect()
}

/// All of it.
pub fn all_lines() -> Vec<String> {
    GLOSSARY
        .iter()
        .map(|(word, meaning)| format!("  {word}: {meaning}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::KEYS;

    #[test]
    fn every_answer_has_a_word_and_every_word_is_one_of_the_glossary() {
        for key in KEYS {
            assert!(!words_of(key).is_empty());
            assert_eq!(lines_of(key).len(), words_of(key).len(), "{key:?}");
        }
    }
}
