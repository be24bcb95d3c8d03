//! The rules of the values in an access file.
//!
//! The rules come from the service models (`sso-admin` 2020-07-20, `identitystore` 2020-06-15). They are not stricter than
//! the services: an export of what exists must be a valid file.

use std::sync::LazyLock;

use regex::Regex;

use super::PatternKind;
use crate::answers::values::{Invalid, Policy};

/// Why a value is not valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Why, as a clause without a period.
    pub why: String,
    /// What to write in its place, as a sentence, if the [suggestion of the rule](Rule::suggestion) does not fit.
    pub suggestion: Option<String>,
}

impl From<Invalid> for Violation {
    fn from(Invalid(why): Invalid) -> Self {
        Self { why, suggestion: None }
    }
}

/// The most AWS managed and customer managed policies of a permission set. The quota of an account begins at 10 and can be
/// raised to this number ("IAM and AWS STS quotas").
pub const MOST_POLICIES: usize = 25;

/// The longest inline policy, in characters without white space (`PermissionSetPolicyDocument` of `sso-admin`).
pub const LONGEST_POLICY: usize = 32_768;

/// The most tags of a permission set. One more is the tag of the owner.
pub const MOST_TAGS: usize = 74;

static USER_NAME_PATTERN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[\p{L}\p{M}\p{S}\p{N}\p{P}]+$").ok());
static PRINTABLE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[\p{L}\p{M}\p{S}\p{N}\p{P}\t\n\r \u{a0}\u{3000}]+$").ok());
static TAG: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$").ok());

fn matches(pattern: &LazyLock<Option<Regex>>, text: &str) -> bool {
    pattern.as_ref().is_some_and(|pattern| pattern.is_match(text))
}

fn invalid(why: impl Into<String>) -> Result<(), Violation> {
    Err(Invalid(why.into()).into())
}

fn belongs_to_one_account(policy: &str, suggestion: String) -> Result<(), Violation> {
    Err(Violation {
        why: format!("the policy {policy} belongs to one account"),
        suggestion: Some(suggestion),
    })
}

fn check_length(what: &str, text: &str, most: usize) -> Result<(), Violation> {
    match text.chars().count() {
        0 => invalid(format!("{what} must not be empty")),
        count if count > most => invalid(format!("{what} must have at most {most} characters, but has {count}")),
        _ => Ok(()),
    }
}

fn check_not_reserved(text: &str) -> Result<(), Violation> {
    if matches!(text, "Administrator" | "AWSAdministrators") {
        return invalid(format!("{text} is reserved by IAM Identity Center"));
    }
    Ok(())
}

/// A user name.
///
/// # Errors
/// If it is not 1 to 128 letters, marks, symbols, numbers and punctuation characters, or is reserved.
pub fn user_name(text: &str) -> Result<(), Violation> {
    check_length("a user name", text, 128)?;
    if !matches(&USER_NAME_PATTERN, text) {
        return invalid("a user name must contain only letters, numbers, symbols and punctuation, and no spaces");
    }
    check_not_reserved(text)
}

/// The name of a group.
///
/// # Errors
/// If it is not 1 to 1024 printable characters, or is reserved.
pub fn group_name(text: &str) -> Result<(), Violation> {
    check_printable("a group name", text)?;
    check_not_reserved(text)
}

/// The name of a permission set.
///
/// # Errors
/// If it is not 1 to 32 letters, digits and characters of `_+=,.@-`.
pub fn permission_set_name(text: &str) -> Result<(), Violation> {
    check_length("a permission set name", text, 32)?;
    check_iam_name("a permission set name", text)
}

fn check_iam_name(what: &str, text: &str) -> Result<(), Violation> {
    if !text.chars().all(|c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c)) {
        return invalid(format!("{what} must contain only letters, digits and _+=,.@-"));
    }
    Ok(())
}

fn check_printable(what: &str, text: &str) -> Result<(), Violation> {
    check_length(what, text, 1024)?;
    if !matches(&PRINTABLE, text) {
        return invalid(format!("{what} must contain only printable characters"));
    }
    Ok(())
}

/// A first, last or display name.
///
/// # Errors
/// If it is not 1 to 1024 printable characters.
pub fn person_name(text: &str) -> Result<(), Violation> {
    check_printable("a name", text)
}

/// The description of a group.
///
/// # Errors
/// If it is not 1 to 1024 printable characters.
pub fn group_description(text: &str) -> Result<(), Violation> {
    check_printable("a description", text)
}

/// An email address.
///
/// # Errors
/// If it does not have one `@` between other characters without spaces.
pub fn email(text: &str) -> Result<(), Violation> {
    check_printable("an email address", text)?;
    let is_address = text
        .rsplit_once('@')
        .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    if !is_address || text.chars().any(char::is_whitespace) {
        return invalid(format!("{text:?} is not an email address like name@example.com"));
    }
    Ok(())
}

/// The description of a permission set.
///
/// # Errors
/// If it is not 1 to 700 characters of Latin-1.
pub fn description(text: &str) -> Result<(), Violation> {
    check_length("a description", text, 700)?;
    let is_allowed = |c: &char| matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{a1}'..='\u{ff}');
    match text.chars().find(|c| !is_allowed(c)) {
        Some(other) => invalid(format!(
            "the description of a permission set must contain only characters of Latin-1, not {other:?}"
        )),
        None => Ok(()),
    }
}

/// The relay state of a permission set.
///
/// # Errors
/// If it is not 1 to 240 of the characters that URLs contain.
pub fn relay_state(text: &str) -> Result<(), Violation> {
    check_length("a relay state", text, 240)?;
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "&$@#/%?=~-_'\"|!:,.;*+[] (){}".contains(c);
    if !text.chars().all(is_allowed) {
        return invalid("a relay state must be a URL");
    }
    Ok(())
}

/// The path and name in the ARN of a customer managed policy; `None` for other texts.
pub fn customer_policy_of_arn(text: &str) -> Option<&str> {
    let (_, in_account) = text.strip_prefix("arn:")?.split_once(":iam::")?;
    let (account, path) = in_account.split_once(":policy/")?;
    account.bytes().all(|byte| byte.is_ascii_digit()).then_some(path)
}

/// An AWS managed policy: its name, `path/name`, or its ARN.
///
/// # Errors
/// If it is none of them.
pub fn managed_policy(text: &str) -> Result<(), Violation> {
    if let Some(path) = customer_policy_of_arn(text) {
        return belongs_to_one_account(text, format!("Write {path} in customer-managed-policies."));
    }
    text.parse::<Policy>()?;
    Ok(())
}

/// A customer managed policy: its path and name.
///
/// # Errors
/// If it is an ARN, or if a part of it is no path or name.
pub fn customer_managed_policy(text: &str) -> Result<(), Violation> {
    if let Some(path) = customer_policy_of_arn(text) {
        return belongs_to_one_account(text, format!("Write {path}."));
    }
    if text.starts_with("arn:") {
        return Err(Violation {
            why: format!("{text:?} is not a customer managed policy"),
            suggestion: Some("Write an AWS managed policy in managed-policies.".to_owned()),
        });
    }
    let path = text.strip_prefix('/').unwrap_or(text);
    let name = path.rsplit('/').next().unwrap_or_default();
    check_length("the name of a policy", name, 128)?;
    check_iam_name("the name of a policy", name)?;
    let is_path = path
        .split('/')
        .all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_graphic()));
    if !is_path || text.len() > 640 {
        return invalid(format!("{text:?} is not a policy like path/name"));
    }
    Ok(())
}

/// A permissions boundary: an AWS managed policy, or `customer:` and a customer managed one.
///
/// # Errors
/// If it is none of them.
pub fn permissions_boundary(text: &str) -> Result<(), Violation> {
    let customer_managed = text.strip_prefix("customer:");
    let policy = customer_managed.unwrap_or(text);
    if let Some(path) = customer_policy_of_arn(policy) {
        return belongs_to_one_account(policy, format!("Write customer:{path}."));
    }
    match customer_managed {
        Some(policy) => customer_managed_policy(policy).map_err(|violation| Violation {
            suggestion: None,
            ..violation
        }),
        None => managed_policy(text),
    }
}

/// The key of a tag.
///
/// # Errors
/// If AWS does not allow it, or if only AWS or this program can set it.
pub fn tag_key(text: &str) -> Result<(), Violation> {
    check_length("the key of a tag", text, 128)?;
    if !matches(&TAG, text) {
        return invalid("the key of a tag must contain only letters, digits, spaces and _.:/=+-@");
    }
    let reserved = ["aws:", "idc-setup:"];
    match reserved
        .into_iter()
        .find(|prefix| text.to_ascii_lowercase().starts_with(prefix))
    {
        Some(prefix) => invalid(format!("tags with {prefix} are reserved")),
        None => Ok(()),
    }
}

/// The value of a tag.
///
/// # Errors
/// If AWS does not allow it.
pub fn tag_value(text: &str) -> Result<(), Violation> {
    if text.chars().count() > 256 || !matches(&TAG, text) {
        return invalid("the value of a tag must be at most 256 letters, digits, spaces and characters of _.:/=+-@");
    }
    Ok(())
}

/// The name of an access file.
///
/// # Errors
/// If it cannot be the value of a tag, or has no character other than spaces.
pub fn file_name(text: &str) -> Result<(), Violation> {
    check_length("the name of an access file", text, 128)?;
    if text.trim() != text {
        return invalid("the name of an access file must not begin or end with a space");
    }
    if !matches(&TAG, text) {
        return invalid("the name of an access file must contain only letters, digits, spaces and _.:/=+-@");
    }
    Ok(())
}

/// The name of a set of accounts.
///
/// # Errors
/// If it is not 1 to 128 letters, digits and characters of `_.-`.
pub fn account_set_name(text: &str) -> Result<(), Violation> {
    check_length("the name of an account set", text, 128)?;
    if !text
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-'))
    {
        return invalid("the name of an account set must contain only letters, digits and _.-");
    }
    Ok(())
}

/// An instance of IAM Identity Center: its ID or its ARN.
///
/// # Errors
/// If it is neither.
pub fn instance(text: &str) -> Result<(), Violation> {
    let id = match text
        .strip_prefix("arn:")
        .and_then(|rest| rest.split_once(":sso:::instance/"))
    {
        Some((_partition, id)) => id,
        None => text,
    };
    let is_id = id
        .strip_prefix("ssoins-")
        .is_some_and(|rest| rest.len() == 16 && rest.chars().all(|c| c.is_ascii_alphanumeric()));
    if !is_id {
        return invalid(format!("{text:?} is not an instance like ssoins-7223a1b2c3d4e5f6"));
    }
    Ok(())
}

/// What a value must be, and what to do about one that is not.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Says why a value is not valid.
    pub check: fn(&str) -> Result<(), Violation>,
    /// What to write in its place, as a sentence.
    pub suggestion: &'static str,
}

/// A user name.
pub const USER_NAME: Rule = Rule {
    check: user_name,
    suggestion: "Write the name that the user signs in with, such as ada. It can't contain spaces or be reserved.",
};

/// The name of a group.
pub const GROUP_NAME: Rule = Rule {
    check: group_name,
    suggestion: "Write another name of at most 1024 characters, such as platform.",
};

/// The name of a permission set.
pub const PERMISSION_SET_NAME: Rule = Rule {
    check: permission_set_name,
    suggestion: "Write a name of at most 32 letters, digits and _+=,.@-, such as PowerUser.",
};

/// A first, last or display name.
pub const PERSON_NAME: Rule = Rule {
    check: person_name,
    suggestion: "Write a name of 1 to 1024 printable characters.",
};

/// The description of a group.
pub const GROUP_DESCRIPTION: Rule = Rule {
    check: group_description,
    suggestion: "Write 1 to 1024 printable characters, or remove the key.",
};

/// An email address.
pub const EMAIL: Rule = Rule {
    check: email,
    suggestion: "Write an address like ada@example.com.",
};

/// The description of a permission set.
pub const DESCRIPTION: Rule = Rule {
    check: description,
    suggestion: "Write 1 to 700 characters of Latin-1, or remove the key.",
};

/// The relay state of a permission set.
pub const RELAY_STATE: Rule = Rule {
    check: relay_state,
    suggestion: "Write the URL of a page of the AWS console, of at most 240 characters.",
};

/// An AWS managed policy.
pub const MANAGED_POLICY: Rule = Rule {
    check: managed_policy,
    suggestion: "Write the name of an AWS managed policy, such as ReadOnlyAccess or job-function/Billing, or its ARN.",
};

/// A customer managed policy.
pub const CUSTOMER_MANAGED_POLICY: Rule = Rule {
    check: customer_managed_policy,
    suggestion: "Write Deploy, or team/Deploy if the policy has the path /team/.",
};

/// A permissions boundary.
pub const PERMISSIONS_BOUNDARY: Rule = Rule {
    check: permissions_boundary,
    suggestion: "Write the name of an AWS managed policy, or customer: and the path and name of another one.",
};

/// The key of a tag.
pub const TAG_KEY: Rule = Rule {
    check: tag_key,
    suggestion: "Write another key, such as team. idc-setup sets its own tags.",
};

/// The value of a tag.
pub const TAG_VALUE: Rule = Rule {
    check: tag_value,
    suggestion: "Write at most 256 letters, digits, spaces and characters of _.:/=+-@.",
};

/// The name of an access file.
pub const FILE_NAME: Rule = Rule {
    check: file_name,
    suggestion: "Write a name of at most 128 letters, digits, spaces and _.:/=+-@, such as acme.",
};

/// The name of a set of accounts.
pub const ACCOUNT_SET_NAME: Rule = Rule {
    check: account_set_name,
    suggestion: "Write a name of at most 128 letters, digits and _.-, such as prod.",
};

/// An instance of IAM Identity Center.
pub const INSTANCE: Rule = Rule {
    check: instance,
    suggestion: "Write the ID or the ARN of the instance; the file that idc-setup export access prints has it.",
};

/// The kinds of things that patterns name, with their words.
pub const PATTERN_KINDS: [(&str, PatternKind); 4] = [
    ("user", PatternKind::User),
    ("group", PatternKind::Group),
    ("permission-set", PatternKind::PermissionSet),
    ("account", PatternKind::Account),
];

#[cfg(test)]
mod tests {
    use super::*;

    type Check = fn(&str) -> Result<(), Violation>;

    #[test]
    fn values_that_the_services_refuse_are_mistakes() {
        let refused: [(Check, &str); 18] = [
            (user_name, ""),
            (user_name, "Ada Lovelace"),
            (user_name, "Administrator"),
            (group_name, "AWSAdministrators"),
            (group_name, "a\u{1}"),
            (permission_set_name, "a b"),
            (permission_set_name, "0123456789012345678901234567890123"),
            (description, "Zugriff für 東京"),
            (relay_state, "https://a\n"),
            (managed_policy, "arn:aws:iam::123456789012:policy/Mine"),
            (customer_managed_policy, "team//Deploy"),
            (permissions_boundary, "customer:"),
            (tag_key, "aws:x"),
            (tag_key, "idc-setup:access"),
            (tag_value, "a\nb"),
            (email, "ada"),
            (instance, "ssoins-1"),
            (account_set_name, "a b"),
        ];
        for (rule, text) in refused {
            assert!(rule(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_arn_of_a_customer_managed_policy_is_a_mistake_with_what_to_write() {
        let arn = "arn:aws:iam::123456789012:policy/team/Deploy";
        let suggestions: [(Check, &str); 3] = [
            (managed_policy, "Write team/Deploy in customer-managed-policies."),
            (customer_managed_policy, "Write team/Deploy."),
            (permissions_boundary, "Write customer:team/Deploy."),
        ];
        for (rule, suggestion) in suggestions {
            assert_eq!(rule(arn).unwrap_err().suggestion.as_deref(), Some(suggestion));
        }
        let violation = customer_managed_policy("arn:aws:iam::aws:policy/ReadOnlyAccess").unwrap_err();
        assert_eq!(
            violation.suggestion.as_deref(),
            Some("Write an AWS managed policy in managed-policies.")
        );
        assert_eq!(managed_policy("a b").unwrap_err().suggestion, None);
        let customer = permissions_boundary("customer:arn:aws:iam::123456789012:policy/Mine").unwrap_err();
        assert_eq!(customer.suggestion.as_deref(), Some("Write customer:Mine."));
    }

    #[test]
    fn values_that_can_exist_are_accepted() {
        let accepted: [(Check, &str); 12] = [
            (user_name, "-ada@example.com"),
            (group_name, "Plattform für alle 東京"),
            (permission_set_name, "Power_User+=,.@-"),
            (description, "Zugriff für alle\n"),
            (
                relay_state,
                "https://console.aws.amazon.com/billing/home?region=eu-west-1#/",
            ),
            (managed_policy, "job-function/Billing"),
            (customer_managed_policy, "/team/Deploy"),
            (customer_managed_policy, "Deploy"),
            (permissions_boundary, "customer:team/Boundary"),
            (instance, "arn:aws:sso:::instance/ssoins-7223a1b2c3d4e5f6"),
            (file_name, "acme"),
            (email, "ada@localhost"),
        ];
        for (rule, text) in accepted {
            assert_eq!(rule(text), Ok(()), "{text}");
        }
    }
}
