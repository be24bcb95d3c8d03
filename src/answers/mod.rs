//! Answers: what the person wants, and where each value came from.
//!
//! Flag, then variable, then answers file, then what was asked or saved, then what was found in the account,
//! then the default: the first that is there counts. Only the first four are *explicit*: a found thing that
//! says otherwise is *different* from an explicit answer, and wins over a default.

pub mod file;
pub mod keys;
pub mod values;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

pub use keys::{KEYS, Key};
pub use values::Invalid;

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// In its canonical form; checked by [`Key::check`].
    pub value: String,
    /// Where it came from.
    pub source: Source,
}

/// Where an answer came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A flag on the command line.
    Flag(String),
    /// An environment variable.
    Variable(String),
    /// The answers file.
    File {
        /// The file's name.
        name: String,
        /// From 1.
        line: usize,
    },
    /// The person was asked, in this run.
    Asked,
    /// An explicit answer of an earlier run, from the state file.
    Saved(Timestamp),
    /// The environment suggests it (`AWS_REGION`, a profile's Region): a default with a name.
    Environment(String),
    /// The live account has it so.
    Status,
    /// Nobody said anything.
    Default,
}

impl Source {
    /// Whether somebody said so.
    pub fn is_explicit(&self) -> bool {
        !matches!(self, Self::Environment(_) | Self::Status | Self::Default)
    }
}

impl Source {
    /// In words, with how long ago.
    pub fn words(&self, now: Timestamp) -> String {
        match self {
            Self::Saved(at) => format!("saved {}", ago(*at, now)),
            other => other.to_string(),
        }
    }
}

/// `today`, `yesterday`, `3 days ago`.
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
            Self::Asked => f.write_str("you said so"),
            Self::Saved(at) => write!(f, "saved {}", at.strftime("%Y-%m-%d")),
            Self::Status => f.write_str("found in the account"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A typed value with its source.
#[derive(Debug, Clone)]
pub struct Given<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub source: Source,
}

impl<T> Given<T> {
    /// Whether somebody said so.
    pub fn is_explicit(&self) -> bool {
        self.source.is_explicit()
    }
}

/// All answers known so far: explicit ones, then found ones, then defaults.
#[derive(Debug, Clone, Default)]
pub struct Answers {
    explicit: BTreeMap<Key, Answer>,
    found: BTreeMap<Key, String>,
    defaults: BTreeMap<Key, Answer>,
    suggestions: BTreeMap<Key, String>,
}

impl Answers {
    /// Puts an explicit answer in; one of higher rank that is there stays.
    pub fn put(&mut self, key: Key, answer: Answer) {
        self.explicit.entry(key).or_insert(answer);
    }

    /// Replaces an explicit answer: the person has just said so.
    pub fn replace(&mut self, key: Key, answer: Answer) {
        self.explicit.insert(key, answer);
    }

    /// Takes an explicit answer back, as going back from a question does.
    pub fn take_back(&mut self, key: Key) {
        self.explicit.remove(&key);
    }

    /// What the live account has; counts where nobody said otherwise.
    pub fn found(&mut self, key: Key, value: impl Into<String>) {
        self.found.insert(key, value.into());
    }

    /// What was found is to be found again.
    pub fn forget_found(&mut self, keys: &[Key]) {
        for key in keys {
            self.found.remove(key);
        }
    }

    /// A default that depends on where we run, such as the Region of the environment.
    pub fn default_to(&mut self, key: Key, value: impl Into<String>, source: Source) {
        let value = value.into();
        self.defaults.insert(key, Answer { value, source });
    }

    /// What a question is prefilled with; it counts only when the person takes it.
    pub fn suggest(&mut self, key: Key, value: impl Into<String>) {
        self.suggestions.insert(key, value.into());
    }

    /// What a question is prefilled with.
    pub fn suggestion(&self, key: Key) -> Option<&str> {
        self.suggestions.get(&key).map(String::as_str)
    }

    /// The answer that counts.
    pub fn get(&self, key: Key) -> Option<Answer> {
        if let Some(answer) = self.explicit.get(&key) {
            return Some(answer.clone());
        }
        if let Some(value) = self.found.get(&key) {
            return Some(Answer {
                value: value.clone(),
                source: Source::Status,
            });
        }
        self.defaults.get(&key).cloned().or_else(|| {
            Some(Answer {
                value: self.built_in(key)?,
                source: Source::Default,
            })
        })
    }

    /// [`get`](Self::get), typed.
    pub fn typed<T: FromStr>(&self, key: Key) -> Option<Given<T>> {
        let Answer { value, source } = self.get(key)?;
        Some(Given {
            value: value.parse().ok()?,
            source,
        })
    }

    /// The value as text, empty when nobody said anything.
    pub fn text(&self, key: Key) -> String {
        self.get(key).map(|answer| answer.value).unwrap_or_default()
    }

    /// An explicit answer, or none.
    pub fn explicit(&self, key: Key) -> Option<&Answer> {
        self.explicit.get(&key)
    }

    /// Every explicit answer, for the state file.
    pub fn all_explicit(&self) -> impl Iterator<Item = (Key, &Answer)> {
        self.explicit.iter().map(|(key, answer)| (*key, answer))
    }

    /// Whether no group is wanted.
    pub fn without_group(&self) -> bool {
        self.text(Key::NoGroup) == "true"
    }

    fn built_in(&self, key: Key) -> Option<String> {
        let fixed = match key {
            Key::IdentitySource => "directory",
            Key::CreateUserWith => "api",
            Key::Username => "Admin",
            Key::Group => "Admins",
            Key::NoGroup => "false",
            Key::Policy => "AdministratorAccess",
            Key::SessionDuration => "1h",
            Key::AssignTo if self.without_group() => "user",
            Key::AssignTo => "group",
            Key::SsoSession => "my-sso",
            Key::CliProfile => "eks-walkthrough",
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
    fn what_was_found_wins_over_a_default_and_not_over_an_answer() {
        let mut answers = Answers::default();
        assert_eq!(answers.text(Key::SessionDuration), "1h");
        answers.found(Key::SessionDuration, "8h");
        assert_eq!(answers.text(Key::SessionDuration), "8h");
        answers.put(Key::SessionDuration, flag("4h"));
        assert_eq!(answers.text(Key::SessionDuration), "4h");
    }

    #[test]
    fn how_long_ago_is_said_in_words() {
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        for (at, words) in [
            ("2026-11-24T11:59:00Z", "just now"),
            ("2026-11-24T10:30:00Z", "an hour ago"),
            ("2026-11-24T03:00:00Z", "9 hours ago"),
            ("2026-11-23T11:00:00Z", "yesterday"),
            ("2026-11-22T11:00:00Z", "2 days ago"),
            // A clock that was set back is no reason for nonsense.
            ("2026-11-25T11:00:00Z", "just now"),
        ] {
            assert_eq!(ago(at.parse().unwrap(), now), words);
        }
        assert_eq!(
            Source::Saved("2026-11-22T11:00:00Z".parse().unwrap()).words(now),
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
