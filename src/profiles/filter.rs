//! Which roles get a profile: `account=prod-*`. Upper and lower case are compared as equal, so that nobody misses a role by it.

use std::fmt;
use std::str::FromStr;

use super::role::{Role, RoleField};
use crate::access::nearest::nearest;
use crate::text::matches_wildcards;

/// A condition on one field: a pattern in which `*` stands for any text and `?` for any character, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Condition {
    field: RoleField,
    pattern: String,
}

/// Conditions on the roles. Those on the same field are alternatives; all fields must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter(Vec<Condition>);

/// A text that is no condition. The message is a clause without a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidFilter(String);

impl fmt::Display for InvalidFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = RoleField::NAMED.map(|(name, _)| name).join(", ");
        write!(
            f,
            "{:?} is not a condition such as account=prod-*, on one of {names}",
            self.0
        )
    }
}

impl FromStr for Condition {
    type Err = InvalidFilter;

    fn from_str(text: &str) -> Result<Self, InvalidFilter> {
        let invalid = || InvalidFilter(text.to_owned());
        let (name, pattern) = text.split_once('=').ok_or_else(invalid)?;
        let field = RoleField::named(name.trim()).ok_or_else(invalid)?;
        let pattern = pattern.trim();
        if pattern.is_empty() {
            return Err(invalid());
        }
        Ok(Self {
            field,
            pattern: pattern.to_lowercase(),
        })
    }
}

/// What a filter compares of a role, or of a profile that gives it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compared<'a> {
    /// The account name; empty if it is not known.
    pub account_name: &'a str,
    /// The account ID.
    pub account: &'a str,
    /// The permission set.
    pub permission_set: &'a str,
    /// The email address of the account; empty if it is not known.
    pub email: &'a str,
}

impl Filter {
    /// Reads conditions such as `account=prod-*`. Without any, all roles match.
    ///
    /// # Errors
    /// The first text that is not valid.
    pub fn parse(texts: &[String]) -> Result<Self, InvalidFilter> {
        let conditions: Result<Vec<Condition>, _> = texts.iter().map(|text| text.parse()).collect();
        conditions.map(Self)
    }

    /// A filter for the roles of an account, of a permission set, or of both.
    pub fn of(account: Option<&str>, permission_set: Option<&str>) -> Self {
        let condition = |field, text: Option<&str>| {
            text.map(|text| Condition {
                field,
                pattern: text.to_lowercase(),
            })
        };
        let conditions = [
            condition(RoleField::AccountId, account),
            condition(RoleField::PermissionSet, permission_set),
        ];
        Self(conditions.into_iter().flatten().collect())
    }

    /// Whether there is no condition, so that all roles match.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a condition is on the name or the email address of the account, which only the access portal knows.
    pub fn needs_names(&self) -> bool {
        let needs = |condition: &Condition| matches!(condition.field, RoleField::Account | RoleField::Email);
        self.0.iter().any(needs)
    }

    /// The account name that a pattern for account names most likely means, if it is none of them.
    pub fn nearest_account<'r>(&self, roles: &'r [Role]) -> Option<&'r str> {
        let of_accounts = self.0.iter().filter(|condition| condition.field == RoleField::Account);
        let mut texts = of_accounts.map(|condition| condition.pattern.replace('*', ""));
        texts.find_map(|text| {
            let names = || roles.iter().map(|role| role.account_name.as_str());
            let begins = |name: &&str| !text.is_empty() && name.to_lowercase().contains(&text);
            nearest(&text, names()).or_else(|| names().find(begins))
        })
    }

    /// Whether a role matches.
    pub fn matches(&self, role: &Role) -> bool {
        self.matches_parts(Compared {
            account_name: &role.account_name,
            account: &role.account,
            permission_set: &role.permission_set,
            email: &role.email,
        })
    }

    /// Whether the parts of a role match.
    pub fn matches_parts(&self, parts: Compared<'_>) -> bool {
        RoleField::NAMED.iter().all(|(_, field)| {
            let value = match field {
                RoleField::Account => parts.account_name,
                RoleField::AccountId => parts.account,
                RoleField::PermissionSet => parts.permission_set,
                RoleField::Email => parts.email,
            };
            let value = value.to_lowercase();
            let mut conditions = self.0.iter().filter(|condition| condition.field == *field).peekable();
            conditions.peek().is_none() || conditions.any(|condition| matches_wildcards(&condition.pattern, &value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(account: &str, name: &str, set: &str) -> Role {
        Role {
            account: account.parse().unwrap(),
            permission_set: set.to_owned(),
            account_name: name.to_owned(),
            email: "ops@example.com".to_owned(),
        }
    }

    fn filter(texts: &[&str]) -> Result<Filter, InvalidFilter> {
        Filter::parse(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn conditions_on_one_field_are_alternatives_and_all_fields_must_match() {
        let role = role("123456789012", "prod-eu", "AdministratorAccess");
        for (texts, matches) in [
            (&[][..], true),
            (&["account=prod-*"], true),
            (&["account=prod"], false),
            (&["account=PROD-*", "permission_set=administrator*"], true),
            (&["account=test-*", "account=*-eu"], true),
            (&["account=prod-*", "permission_set=Read*"], false),
            (
                &["account=prod-*", "permission_set=Read*", "permission_set=Admin*"],
                true,
            ),
            (&["account_id=1234*", "email=*@example.com"], true),
            (&["account_id=?234"], false),
            (&[" account = prod-* "], true),
        ] {
            assert_eq!(filter(texts).unwrap().matches(&role), matches, "{texts:?}");
        }
        assert!(Filter::of(Some("123456789012"), None).matches(&role));
        assert!(!Filter::of(None, Some("ReadOnly")).matches(&role));
    }

    #[test]
    fn a_text_that_is_no_condition_is_refused_with_the_fields() {
        for text in ["prod-*", "name=x", "account=", "=x", ""] {
            let error = filter(&["account=*", text]).unwrap_err().to_string();
            assert!(error.contains("account, account_id, permission_set, email"), "{error}");
        }
    }

    #[test]
    fn the_account_that_a_pattern_most_likely_means_is_found() {
        let roles = [
            role("123456789012", "prod-eu", "Read"),
            role("222222222222", "Sandbox", "Read"),
        ];
        for (text, nearest) in [
            ("account=sandbxo", Some("Sandbox")),
            ("account=prd-eu", Some("prod-eu")),
            ("account=eu", Some("prod-eu")),
            ("account=nothing*", None),
            ("account_id=9*", None),
        ] {
            assert_eq!(filter(&[text]).unwrap().nearest_account(&roles), nearest, "{text}");
        }
        assert!(filter(&["email=x"]).unwrap().needs_names());
        assert!(!filter(&["account_id=x", "permission_set=x"]).unwrap().needs_names());
    }
}
