//! The values that a user gives, each with the rules of its service.
//!
//! The rules come from the service models (`sso-admin` 2020-07-20, `identitystore` 2020-06-15) and from what else the
//! services are known to require. They are checked here because a service's own error message is often empty.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use regex::Regex;
use serde::{Serialize, Serializer};

use crate::aws::{portal_address, regions};

/// Why a value is invalid, as part of a sentence: "a user name must not contain whitespace".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub String);

fn invalid<T>(why: impl Into<String>) -> Result<T, Invalid> {
    Err(Invalid(why.into()))
}

macro_rules! text_value {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text of the value.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                let check: fn(&str) -> Result<(), Invalid> = $check;
                check(text)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

/// `UserName` of the identity store: letters, marks, symbols, numbers and punctuation.
static NAME_WITHOUT_SPACE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[\p{L}\p{M}\p{S}\p{N}\p{P}]+$").ok());
/// All other texts of the identity store, which can also contain spaces.
static NAME_WITH_SPACE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[\p{L}\p{M}\p{S}\p{N}\p{P} \u{a0}\u{3000}]+$").ok());

fn matches(pattern: &LazyLock<Option<Regex>>, text: &str) -> bool {
    pattern.as_ref().is_some_and(|pattern| pattern.is_match(text))
}

fn check_length(what: &str, text: &str, max: usize) -> Result<(), Invalid> {
    match text.chars().count() {
        0 => invalid(format!("{what} must not be empty")),
        n if n > max => invalid(format!("{what} must have at most {max} characters, but has {n}")),
        _ if text.starts_with('-') => invalid(format!("{what} must not begin with -, which marks a flag in commands")),
        _ => Ok(()),
    }
}

fn check_not_reserved(text: &str) -> Result<(), Invalid> {
    if matches!(text, "Administrator" | "AWSAdministrators") {
        return invalid(format!("{text} is reserved by IAM Identity Center; use another name"));
    }
    Ok(())
}

fn check_spaced_name(what: &str, text: &str) -> Result<(), Invalid> {
    check_length(what, text, 1024)?;
    if !matches(&NAME_WITH_SPACE, text) || text.trim() != text {
        return invalid(format!(
            "{what} must contain only printable characters, without spaces at the beginning or end"
        ));
    }
    Ok(())
}

fn check_ascii_name(what: &str, text: &str, max: usize, punctuation: &str) -> Result<(), Invalid> {
    check_length(what, text, max)?;
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || punctuation.contains(c);
    if !text.chars().all(is_allowed) {
        return invalid(format!("{what} must contain only letters, digits and {punctuation}"));
    }
    Ok(())
}

text_value!(
    /// A known Region, such as `eu-west-1`.
    Region,
    |text| {
        if text.parse().is_ok_and(|region| regions::is_known(&region)) {
            return Ok(());
        }
        let nearest = regions::nearest(text);
        let hint = nearest.map_or_else(String::new, |nearest| format!("; the closest match is {nearest}"));
        invalid(format!("{text:?} is not a Region that this version knows{hint}"))
    }
);
text_value!(
    /// A user name in the directory: 1 to 128 letters, marks, symbols, numbers or punctuation characters.
    UserName,
    |text| {
        check_length("a user name", text, 128)?;
        if text.chars().any(char::is_whitespace) {
            return invalid("a user name must not contain whitespace");
        }
        if !matches(&NAME_WITHOUT_SPACE, text) {
            return invalid("a user name must contain only letters, numbers, symbols and punctuation");
        }
        check_not_reserved(text)
    }
);
text_value!(
    /// An email address: a local part, one `@` and a domain, without whitespace.
    Email,
    |text| {
        check_length("an email address", text, 1024)?;
        let parts: Vec<&str> = text.split('@').collect();
        let well_formed = matches!(parts.as_slice(), [local, domain] if !local.is_empty() && domain.contains('.')
            && !domain.starts_with('.') && !domain.ends_with('.'));
        let has_separator = text.contains([':', ';', ',', '<', '>', '(', ')', '[', ']', '\\', '"']);
        if !well_formed || has_separator || !matches(&NAME_WITHOUT_SPACE, text) {
            return invalid(format!("{text:?} is not an email address like name@example.com"));
        }
        Ok(())
    }
);
text_value!(
    /// A first, last or display name: 1 to 1024 printable characters.
    PersonName,
    |text| check_spaced_name("a name", text)
);
text_value!(
    /// The display name of a group: 1 to 1024 printable characters.
    GroupName,
    |text| {
        check_spaced_name("a group name", text)?;
        check_not_reserved(text)
    }
);
text_value!(
    /// The name of a permission set: 1 to 32 letters, digits or characters of `_+=,.@-`.
    PermissionSetName,
    |text| check_ascii_name("a permission set name", text, 32, "_+=,.@-")
);
text_value!(
    /// The URL of the access portal: `https://…` with a host, as in the setting `sso_start_url` of the AWS CLI.
    StartUrl,
    |text| {
        let host = text.strip_prefix("https://").and_then(|rest| rest.split('/').next());
        let plain = text.chars().all(|c| c.is_ascii_graphic());
        if portal_address::is_of_console(text) {
            let where_it_is = portal_address::WHERE_IT_IS;
            return invalid(format!("{text:?} is a page of the console, and not of an access portal; {where_it_is}"));
        }
        if text.starts_with("http://") {
            return invalid(format!("{text:?} begins with http:, but an access portal has https: only; use https://"));
        }
        match host {
            Some(host) if plain && host.contains('.') && !host.contains('@') => Ok(()),
            _ => invalid(format!("{text:?} is not a URL like https://d-1234567890.awsapps.com/start")),
        }
    }
);
text_value!(
    /// The name of a profile or SSO session in `~/.aws/config`: letters, digits or characters of `_.@:/+-`.
    ConfigName,
    |text| check_ascii_name("a profile or session name", text, 128, "_.@:/+-")
);
text_value!(
    /// An output format of the AWS CLI.
    OutputFormat,
    |text| {
        if ["json", "yaml", "yaml-stream", "text", "table"].contains(&text) {
            return Ok(());
        }
        invalid(format!("{text:?} is not an output format of the AWS CLI: json, yaml, yaml-stream, text or table"))
    }
);
text_value!(
    /// An AWS managed policy: its name, `path/name`, or its ARN.
    Policy,
    |text| {
        let name = text.rsplit('/').next().unwrap_or_default();
        let good = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || ".,+@=_-".contains(c));
        let path = match text.strip_prefix("arn:") {
            Some(rest) => match rest.split_once(":iam::aws:policy/") {
                Some((partition, path)) if partition.starts_with("aws") => path,
                _ => return invalid("only AWS managed policies are supported: arn:aws:iam::aws:policy/NAME"),
            },
            None => text,
        };
        if !path.split('/').all(good) || name.len() > 100 {
            return invalid(format!("{text:?} is not a policy like AdministratorAccess or job-function/Billing"));
        }
        Ok(())
    }
);

impl Policy {
    /// The name without the path: `Billing` of `job-function/Billing`.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The ARN of the policy in a partition (`aws`, `aws-cn`, …).
    pub fn arn(&self, partition: &str) -> String {
        if self.0.starts_with("arn:") {
            self.0.clone()
        } else {
            format!("arn:{partition}:iam::aws:policy/{}", self.0)
        }
    }
}

/// The session duration of a permission set: 1 to 12 hours, in whole minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionDuration {
    minutes: u32,
}

impl SessionDuration {
    /// The duration in ISO 8601, as `sso-admin` expects it: `PT1H`, `PT1H30M`.
    pub fn iso(self) -> String {
        match (self.minutes / 60, self.minutes % 60) {
            (hours, 0) => format!("PT{hours}H"),
            (hours, minutes) => format!("PT{hours}H{minutes}M"),
        }
    }
}

impl FromStr for SessionDuration {
    type Err = Invalid;

    /// Reads `8h`, `90m`, `1h30m` and ISO 8601 (`PT8H`).
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let minutes = text
            .parse::<jiff::Span>()
            .ok()
            .and_then(|span| span.total(jiff::Unit::Minute).ok())
            .filter(|minutes| minutes.fract() == 0.0);
        match minutes {
            Some(minutes) if (60.0..=720.0).contains(&minutes) => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "60 to 720, a whole number"
                )]
                let minutes = minutes as u32;
                Ok(Self { minutes })
            }
            Some(_) => invalid(format!("a session must last between 1 and 12 hours, not {text}")),
            None => invalid(format!("{text:?} is not a duration like 1h, 8h or 1h30m")),
        }
    }
}

impl Serialize for SessionDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for SessionDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.minutes / 60, self.minutes % 60) {
            (hours, 0) => write!(f, "{hours}h"),
            (hours, minutes) => write!(f, "{hours}h{minutes}m"),
        }
    }
}

macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[$variant_doc])* $variant),+
        }

        impl $name {
            /// The allowed values.
            pub const WORDS: &'static [&'static str] = &[$($word),+];
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => invalid(format!("{text:?} is not one of: {}", Self::WORDS.join(", "))),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $word),+ })
            }
        }
    };
}

choice!(
    /// Where users and groups come from. No API returns it, so it is asked.
    IdentitySource {
        /// The Identity Center directory.
        Directory = "directory",
        /// Okta, Entra ID, …: users and groups are looked up, never created.
        External = "external"
    }
);
choice!(
    /// Whether the access is assigned to a group or directly to the user.
    AssignTo {
        /// The group of step 3.
        Group = "group",
        /// The user of step 2.
        User = "user"
    }
);
choice!(
    /// How the user is created.
    CreateUserWith {
        /// By API. No email is sent; the user is activated in the console.
        Api = "api",
        /// By a person in the console, which sends the invitation email.
        Console = "console"
    }
);
/// A yes-or-no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Switch(bool);

impl FromStr for Switch {
    type Err = Invalid;

    /// Reads `true`, `yes`, `1` and their opposites, as CI systems write them.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => Ok(Self(true)),
            "false" | "no" | "0" => Ok(Self(false)),
            _ => invalid(format!("{text:?} is neither true nor false")),
        }
    }
}

impl fmt::Display for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
