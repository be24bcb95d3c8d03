//! Answers: the values that the user wants, each with its source.
//!
//! The sources in order of precedence: flag, variable, answers file, prompt or saved answer, existing value in the
//! account, default. Only the first four are *explicit*. An existing resource whose value is not the explicit answer is
//! *different*. An existing value overrides a default.

pub mod file;
pub mod keys;
pub mod values;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

pub use keys::{AnswerType, KEYS, Key};
pub use values::Invalid;

/// A value and its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The value in canonical form, as [`Key::check`] returns it.
    pub value: String,
    /// The source.
    pub source: Source,
}

/// The source of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A flag on the command line.
    Flag(String),
    /// An environment variable.
    Variable(String),
    /// The answers file.
    File {
        /// The name of the file.
        name: String,
        /// The line, counted from 1.
        line: usize,
    },
    /// The user entered it at a prompt in this run.
    Asked,
    /// An explicit answer of an earlier run, from the state file.
    Saved(Timestamp),
    /// A default from the environment, such as `AWS_REGION` or the Region of a profile.
    Environment(String),
    /// The value that exists in the account.
    Account,
    /// A built-in default.
    Default,
}

impl Source {
    /// Whether the user gave the value.
    pub fn is_explicit(&self) -> bool {
        !matches!(self, Self::Environment(_) | Self::Account | Self::Default)
    }
}

impl Source {
    /// The source in words. For a saved answer, with its age.
    pub fn text(&self, now: Timestamp) -> String {
        match self {
            Self::Saved(at) => format!("saved {}", ago(*at, now)),
            other => other.to_string(),
        }
    }
}

/// An age in words: `just now`, `yesterday`, `3 days ago`.
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    let hours = now.duration_since(at).as_hours();
    match hours {
        ..1 => "just now".to_owned(),
        1 => "an hour ago".to_owned(),
        2..24 => format!("{hours} hours ago"),
        24..48 => "yesterday".to_owned(),
        _ => format!("{} days ago", hours / 24),
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) | Self::Variable(name) | Self::Environment(name) => f.write_str(name),
            Self::File { name, line } => write!(f, "{name}:{line}"),
            Self::Asked => f.write_str("entered"),
            Self::Saved(at) => write!(f, "saved {}", at.strftime("%Y-%m-%d")),
            Self::Account => f.write_str("existing in the account"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A typed value with its source.
#[derive(Debug, Clone)]
pub struct Given<T> {
    /// The value.
    pub value: T,
    /// The source.
    pub source: Source,
}

impl<T> Given<T> {
    /// Whether the user gave the value.
    pub fn is_explicit(&self) -> bool {
        self.source.is_explicit()
    }
}

/// All known answers: explicit ones, values that exist in the account, and defaults.
#[derive(Debug, Clone, Default)]
pub struct Answers {
    explicit: BTreeMap<Key, Answer>,
    existing: BTreeMap<Key, String>,
    defaults: BTreeMap<Key, Answer>,
    suggestions: BTreeMap<Key, String>,
}

impl Answers {
    /// Adds an explicit answer, unless there already is one: sources are added in order of precedence.
    pub fn put(&mut self, key: Key, answer: Answer) {
        self.explicit.entry(key).or_insert(answer);
    }

    /// Sets an explicit answer and replaces any previous one.
    pub fn replace(&mut self, key: Key, answer: Answer) {
        self.explicit.insert(key, answer);
    }

    /// Removes an explicit answer, for example when the user goes back to its question.
    pub fn remove(&mut self, key: Key) {
        self.explicit.remove(&key);
    }

    /// Sets the value that exists in the account. It is used if there is no explicit answer.
    pub fn set_existing(&mut self, key: Key, value: impl Into<String>) {
        self.existing.insert(key, value.into());
    }

    /// Removes the existing values, before the account is read again.
    pub fn forget_existing(&mut self, keys: &[Key]) {
        for key in keys {
            self.existing.remove(key);
        }
    }

    /// Sets a default that depends on the environment, such as the Region.
    pub fn default_to(&mut self, key: Key, value: impl Into<String>, source: Source) {
        let value = value.into();
        self.defaults.insert(key, Answer { value, source });
    }

    /// Sets the suggestion for a question. It is used only if the user accepts it.
    pub fn suggest(&mut self, key: Key, value: impl Into<String>) {
        self.suggestions.insert(key, value.into());
    }

    /// The suggestion for a question.
    pub fn suggestion(&self, key: Key) -> Option<&str> {
        self.suggestions.get(&key).map(String::as_str)
    }

    /// The answer with the highest precedence.
    pub fn get(&self, key: Key) -> Option<Answer> {
        if let Some(answer) = self.explicit.get(&key) {
            return Some(answer.clone());
        }
        if let Some(value) = self.existing.get(&key) {
            return Some(Answer {
                value: value.clone(),
                source: Source::Account,
            });
        }
        self.defaults.get(&key).cloned().or_else(|| {
            Some(Answer {
                value: self.built_in(key)?,
                source: Source::Default,
            })
        })
    }

    /// Like [`get`](Self::get), parsed as a type.
    pub fn typed<T: FromStr>(&self, key: Key) -> Option<Given<T>> {
        let Answer { value, source } = self.get(key)?;
        Some(Given {
            value: value.parse().ok()?,
            source,
        })
    }

    /// The value as text; empty if there is no answer.
    pub fn text(&self, key: Key) -> String {
        self.get(key).map(|answer| answer.value).unwrap_or_default()
    }

    /// The explicit answer, if there is one.
    pub fn explicit(&self, key: Key) -> Option<&Answer> {
        self.explicit.get(&key)
    }

    /// All explicit answers.
    pub fn all_explicit(&self) -> impl Iterator<Item = (Key, &Answer)> {
        self.explicit.iter().map(|(key, answer)| (*key, answer))
    }

    /// Whether the access is assigned without a group.
    pub fn without_group(&self) -> bool {
        self.text(Key::NoGroup) == "true"
    }

    /// The first name, or else the part of the email address before the `@`, in lower case. Before anything about the user
    /// is known, `Admin`.
    fn default_user_name(&self) -> String {
        let of = |key: Key| self.get(key).map(|answer| answer.value);
        let local = of(Key::Email).map(|email| email.split('@').next().unwrap_or_default().to_owned());
        let names = [of(Key::GivenName), local];
        let lower = names.into_iter().flatten().map(|name| name.to_lowercase());
        let name = lower.into_iter().find(|name| Key::Username.check(name).is_ok());
        name.unwrap_or_else(|| "Admin".to_owned())
    }

    fn built_in(&self, key: Key) -> Option<String> {
        let fixed = match key {
            Key::IdentitySource => "directory",
            Key::CreateUserWith => "api",
            Key::Username => return Some(self.default_user_name()),
            Key::Group => "Admins",
            Key::NoGroup => "false",
            Key::Policy => "AdministratorAccess",
            Key::SessionDuration => "1h",
            Key::AssignTo if self.without_group() => "user",
            Key::AssignTo => "group",
            Key::SsoSession => "my-sso",
            Key::CliProfile => "admin",
            Key::CliOutput => "json",
            Key::CliRegion => return self.get(Key::IdentityCenterRegion).map(|answer| answer.value),
            Key::PermissionSet => {
                let policy: values::Policy = self.text(Key::Policy).parse().ok()?;
                return Some(policy.name().chars().take(32).collect());
            }
            Key::DisplayName => {
                let (given, family) = (self.get(Key::GivenName)?, self.get(Key::FamilyName)?);
                return Some(format!("{} {}", given.value, family.value));
            }
            Key::IdentityCenterRegion
            | Key::Email
            | Key::GivenName
            | Key::FamilyName
            | Key::Account
            | Key::StartUrl => return None,
        };
        Some(fixed.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flag(value: &str) -> Answer {
        Answer {
            value: value.to_owned(),
            source: Source::Flag("--x".to_owned()),
        }
    }

    #[test]
    fn an_existing_value_overrides_a_default_but_not_an_answer() {
        let mut answers = Answers::default();
        assert_eq!(answers.text(Key::SessionDuration), "1h");
        answers.set_existing(Key::SessionDuration, "8h");
        assert_eq!(answers.text(Key::SessionDuration), "8h");
        answers.put(Key::SessionDuration, flag("4h"));
        assert_eq!(answers.text(Key::SessionDuration), "4h");
    }

    #[test]
    fn ages_are_shown_in_words() {
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        for (at, words) in [
            ("2026-11-24T11:59:00Z", "just now"),
            ("2026-11-24T10:30:00Z", "an hour ago"),
            ("2026-11-24T03:00:00Z", "9 hours ago"),
            ("2026-11-23T11:00:00Z", "yesterday"),
            ("2026-11-22T11:00:00Z", "2 days ago"),
            // The clock was set back.
            ("2026-11-25T11:00:00Z", "just now"),
        ] {
            assert_eq!(ago(at.parse().unwrap(), now), words);
        }
        assert_eq!(
            Source::Saved("2026-11-22T11:00:00Z".parse().unwrap()).text(now),
            "saved 2 days ago"
        );
    }

    #[test]
    fn defaults_follow_other_answers() {
        let mut answers = Answers::default();
        assert_eq!(answers.get(Key::DisplayName), None);
        answers.put(Key::GivenName, flag("Ada"));
        answers.put(Key::FamilyName, flag("Lovelace"));
        answers.put(Key::Policy, flag("job-function/Billing"));
        answers.put(Key::NoGroup, flag("true"));
        assert_eq!(answers.text(Key::DisplayName), "Ada Lovelace");
        assert_eq!(answers.text(Key::PermissionSet), "Billing");
        assert_eq!(answers.text(Key::AssignTo), "user");
    }
}
