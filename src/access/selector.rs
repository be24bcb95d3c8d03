//! Account selectors: which accounts an assignment or an account set means.
//!
//! | selector | accounts |
//! | --- | --- |
//! | `123456789012` | the account with this ID |
//! | `name:GLOB` | those with such a name |
//! | `ou:A/B` | those directly in the organizational unit B of A, which is below the root |
//! | `ou:A/B/**` | those in it and in all units below it |
//! | `ou:ou-abcd-12345678`, `ou:r-abcd/**` | the same with the ID of a unit or root |
//! | `tag:KEY=GLOB` | those with such a tag; the first `=` ends the key |
//! | `all` | all but the management account |
//! | `management` | the management account |
//! | `@SET` | those of the account set |
//!
//! `X & Y` means the accounts that match both. In a glob, `*` stands for any characters and `?` for one. Globs and names are
//! case-sensitive. Names of organizational units are exact. `\&`, `\/` and `\\` stand for the characters themselves, which
//! names can contain: `ou:R\&D`.
//!
//! Access to the management account is always explicit: `name:`, `ou:` and `tag:` select it only for an exception, or
//! in an intersection with `management` or its ID.

use std::fmt;

use super::nearest::nearest;
use crate::ids::AccountId;

/// Selectors of which an account must match all: `ou:Workloads/** & tag:env=prod`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// The text, as written.
    pub text: String,
    /// The selectors.
    pub all_of: Vec<Selector>,
}

/// A selector.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Selector {
    /// The account with this ID.
    Id(AccountId),
    /// `name:GLOB`: accounts with such a name.
    Name(String),
    /// `ou:A/B` or `ou:ou-…`: accounts in an organizational unit.
    Unit {
        /// The names from below the root down, or the ID of the unit or root.
        unit: UnitReference,
        /// `/**`: also accounts in the units below it.
        is_recursive: bool,
    },
    /// `tag:KEY=GLOB`: accounts with such a tag.
    Tag {
        /// The key.
        key: String,
        /// The value with `*` and `?`.
        value: String,
    },
    /// `all`: all accounts but the management account.
    All,
    /// `management`: the management account.
    Management,
    /// `@SET`: the accounts of a set.
    Set(String),
}

/// How a selector names an organizational unit.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum UnitReference {
    /// By its ID, `ou-…` or `r-…`.
    Id(String),
    /// By its path of names, from below the root down.
    Path(Vec<String>),
}

/// Why a text is not a selector, or why a selector has no meaning in an organization.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SelectorError {
    /// What is wrong, as a sentence.
    pub message: String,
    /// What to do about it, as a sentence.
    pub suggestion: String,
}

impl SelectorError {
    /// An error with its suggestion.
    pub fn new(message: impl Into<String>, suggestion: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            suggestion: suggestion.into(),
        }
    }
}

/// The error for a reference to an account set that does not exist, with a similar name among those that do, or with all of
/// them.
pub fn unknown_set<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> SelectorError {
    let known: Vec<&str> = known.into_iter().collect();
    let suggestion = match nearest(name, known.iter().copied()) {
        Some(similar) => format!("The nearest name is @{similar}."),
        None if known.is_empty() => format!("Define {name} in account-sets, or use another selector."),
        None => format!("The account sets are @{}.", known.join(", @")),
    };
    SelectorError::new(format!("There is no account set {name}."), suggestion)
}

/// The suggestion for an account ID that no account has.
pub const NO_SUCH_ID: &str = "Look up the ID in AWS Organizations.";

/// What the selectors look like, for suggestions.
const FORMS: &str = "A selector is a 12-digit account ID, name:GLOB, ou:PATH, ou:PATH/**, tag:KEY=GLOB, all, management \
                     or @SET.";

impl Selection {
    /// Reads selectors with `&` between them.
    ///
    /// # Errors
    /// When a part is not a selector.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let all_of = split(text, '&')
            .into_iter()
            .map(|part| Selector::parse(part.trim()))
            .collect::<Result<_, _>>()
            .map_err(|error| hint_at_names(text, error))?;
        Ok(Self {
            text: text.to_owned(),
            all_of,
        })
    }
}

/// Suggests `\&` if a part after the first one is no selector, which happens to names such as `R&D`.
fn hint_at_names(text: &str, error: SelectorError) -> SelectorError {
    let parts = split(text, '&');
    let is_name = parts.iter().skip(1).any(|part| {
        let part = part.trim();
        !part.is_empty() && !part.contains(':') && Selector::parse(part).is_err()
    });
    if !is_name {
        return error;
    }
    SelectorError::new(
        error.message,
        "If the & belongs to a name, write \\& (in a string with double quotation marks, \\\\&).",
    )
}

impl Selector {
    fn parse(text: &str) -> Result<Self, SelectorError> {
        if text.is_empty() {
            return Err(SelectorError::new("A selector is empty.", FORMS));
        }
        if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
            return id(text).map(Self::Id);
        }
        if let Some(set) = text.strip_prefix('@') {
            return match set.trim() {
                "" => Err(SelectorError::new(
                    "The name of an account set is missing after @.",
                    FORMS,
                )),
                set => unescaped(set).map(Self::Set),
            };
        }
        match (text, text.split_once(':')) {
            ("all", _) => Ok(Self::All),
            ("management", _) => Ok(Self::Management),
            (_, Some(("name", glob))) => match glob.trim() {
                "" => Err(SelectorError::new("The name is missing after name:.", FORMS)),
                glob => unescaped(glob).map(Self::Name),
            },
            (_, Some(("ou", unit))) => unit_selector(unit.trim()),
            (_, Some(("tag", tag))) => tag_selector(tag.trim()),
            (_, prefixed) => Err(not_a_selector(text, prefixed)),
        }
    }
}

/// An account ID.
fn id(text: &str) -> Result<AccountId, SelectorError> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let message = format!("{text:?} is not an account ID of 12 digits.");
    let suggestion = match digits.len() {
        12 => format!("Write it without dashes: {digits}."),
        0 => FORMS.to_owned(),
        1..12 => "If the ID begins with 0, write all 12 digits in quotation marks.".to_owned(),
        count => format!("It has {count} digits."),
    };
    Err(SelectorError::new(message, suggestion))
}

fn unit_selector(text: &str) -> Result<Selector, SelectorError> {
    // Not `strip_suffix` alone: the slash can be a part of a name, `A\/**`.
    let is_recursive = matches!(split(text, '/').as_slice(), [_, .., "**"]);
    let unit = text.strip_suffix("/**").filter(|_| is_recursive).unwrap_or(text);
    if matches!(text, "*" | "**" | "/**") {
        return Err(SelectorError::new(
            format!("ou:{text} names no organizational unit."),
            "Use all for all accounts but the management account.",
        ));
    }
    Ok(Selector::Unit {
        unit: UnitReference::parse(unit)?,
        is_recursive,
    })
}

impl UnitReference {
    /// Reads the ID of a unit or root, or a path of names from below the root down.
    ///
    /// # Errors
    /// When a name in the path is empty or a wildcard.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        if is_unit_id(text) {
            return Ok(Self::Id(text.to_owned()));
        }
        let names = split(text, '/')
            .into_iter()
            .map(|name| match name.trim() {
                "" => Err(SelectorError::new(
                    format!("The path {text:?} of an organizational unit has an empty name."),
                    "A path begins below the root, without a slash: ou:Workloads/Prod.",
                )),
                "*" | "**" => Err(SelectorError::new(
                    format!("The path {text:?} of an organizational unit has a wildcard in it."),
                    "Names in a path are exact. /** at its end adds all units below it.",
                )),
                name => unescaped(name),
            })
            .collect::<Result<_, _>>()?;
        Ok(Self::Path(names))
    }
}

/// Whether a text has the form of the ID of an organizational unit (`ou-abcd-12345678`) or a root (`r-abcd`).
///
/// The forms are those of the service model (`organizations` 2016-11-28).
fn is_unit_id(text: &str) -> bool {
    let is_part = |part: &str, shortest: usize| {
        (shortest..=32).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase())
    };
    match text.split('-').collect::<Vec<_>>().as_slice() {
        ["r", root] => is_part(root, 4),
        ["ou", root, unit] => is_part(root, 4) && is_part(unit, 8),
        _ => false,
    }
}

fn tag_selector(text: &str) -> Result<Selector, SelectorError> {
    let Some((key, value)) = text.split_once('=') else {
        return Err(SelectorError::new(
            format!("tag:{text} has no value."),
            format!("Write tag:{text}=VALUE, or tag:{text}=* for any value."),
        ));
    };
    if key.trim().is_empty() {
        return Err(SelectorError::new(format!("tag:{text} has no key."), FORMS));
    }
    Ok(Selector::Tag {
        key: unescaped(key.trim())?,
        value: unescaped(value.trim())?,
    })
}

/// Says what is wrong with a text that is no selector.
fn not_a_selector(text: &str, prefixed: Option<(&str, &str)>) -> SelectorError {
    let message = format!("{text:?} is not a selector of accounts.");
    let suggestion = match prefixed {
        Some(("id" | "account" | "account-id", id)) => format!("Write the ID alone: {}.", id.trim()),
        Some(("set" | "account-set", set)) => format!("Write @{}.", set.trim()),
        Some((prefix, rest)) => match nearest(prefix, ["name", "ou", "tag"]) {
            Some(known) => format!("Did you mean {known}:{rest}?"),
            None => FORMS.to_owned(),
        },
        None if text == "*" => "Use all for all accounts but the management account.".to_owned(),
        None => match nearest(text, ["all", "management"]) {
            Some(known) => format!("Did you mean {known}?"),
            None => format!("For the account with this name, write name:{text}. For the account set, write @{text}."),
        },
    };
    SelectorError::new(message, suggestion)
}

/// Splits a text at each separator without a backslash before it. The parts keep their backslashes.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start, mut is_escaped) = (Vec::new(), 0, false);
    for (at, letter) in text.char_indices() {
        if letter == separator && !is_escaped {
            parts.push(&text[start..at]);
            start = at + letter.len_utf8();
        }
        is_escaped = letter == '\\' && !is_escaped;
    }
    parts.push(&text[start..]);
    parts
}

/// The text with `&`, `/` and `\` in place of `\&`, `\/` and `\\`.
fn unescaped(text: &str) -> Result<String, SelectorError> {
    let mut letters = text.chars();
    let mut plain = String::with_capacity(text.len());
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some(escaped @ ('&' | '/' | '\\')) => plain.push(escaped),
                _ => {
                    return Err(SelectorError::new(
                        format!("{text:?} has a backslash that stands for nothing."),
                        "Write \\\\ for a backslash, \\& for & and \\/ for a slash in a name.",
                    ));
                }
            },
            letter => plain.push(letter),
        }
    }
    Ok(plain)
}

/// The text with a backslash before each of these characters and each backslash.
fn escaped(text: &str, special: &[char]) -> String {
    let mut written = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter == '\\' || special.contains(&letter) {
            written.push('\\');
        }
        written.push(letter);
    }
    written
}

impl fmt::Display for Selector {
    /// Writes the selector as a file has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => f.write_str(id),
            Self::Name(glob) => write!(f, "name:{}", escaped(glob, &['&'])),
            Self::Unit { unit, is_recursive } => write!(f, "ou:{unit}{}", if *is_recursive { "/**" } else { "" }),
            Self::Tag { key, value } => write!(f, "tag:{}={}", escaped(key, &['&']), escaped(value, &['&'])),
            Self::All => f.write_str("all"),
            Self::Management => f.write_str("management"),
            Self::Set(name) => write!(f, "@{}", escaped(name, &['&'])),
        }
    }
}

impl fmt::Display for UnitReference {
    /// Writes the ID, or the path with `/` between the names.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => f.write_str(id),
            Self::Path(names) => {
                let names: Vec<String> = names.iter().map(|name| escaped(name, &['&', '/'])).collect();
                f.write_str(&names.join("/"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(text: &str) -> Selector {
        let selection = Selection::parse(text).unwrap();
        assert_eq!((selection.text.as_str(), selection.all_of.len()), (text, 1));
        selection.all_of.into_iter().next().unwrap()
    }

    fn path(names: &[&str], is_recursive: bool) -> Selector {
        Selector::Unit {
            unit: UnitReference::Path(names.iter().map(|&name| name.to_owned()).collect()),
            is_recursive,
        }
    }

    fn unit_id(id: &str, is_recursive: bool) -> Selector {
        Selector::Unit {
            unit: UnitReference::Id(id.to_owned()),
            is_recursive,
        }
    }

    #[test]
    fn every_form_of_a_selector_is_read() {
        let tag = |key: &str, value: &str| Selector::Tag {
            key: key.to_owned(),
            value: value.to_owned(),
        };
        for (text, expected) in [
            ("123456789012", Selector::Id("123456789012".parse().unwrap())),
            ("name:shared-*", Selector::Name("shared-*".to_owned())),
            ("name:A: b", Selector::Name("A: b".to_owned())),
            ("ou:Workloads/Prod", path(&["Workloads", "Prod"], false)),
            ("ou:Workloads/Prod/**", path(&["Workloads", "Prod"], true)),
            ("ou:R\\&D/A\\/B", path(&["R&D", "A/B"], false)),
            ("ou:ou-abcd-12345678", unit_id("ou-abcd-12345678", false)),
            ("ou:r-abcd/**", unit_id("r-abcd", true)),
            ("ou:ou-team", path(&["ou-team"], false)),
            ("tag:env=prod", tag("env", "prod")),
            ("tag:aws:cost/center=a=b*", tag("aws:cost/center", "a=b*")),
            ("tag:empty=", tag("empty", "")),
            ("all", Selector::All),
            ("management", Selector::Management),
            ("@prod", Selector::Set("prod".to_owned())),
        ] {
            assert_eq!(one(text), expected, "{text}");
            assert_eq!(one(text).to_string(), text);
        }
    }

    #[test]
    fn an_intersection_needs_no_spaces_around_its_sign() {
        for text in ["ou:A/** & tag:env=prod", "ou:A/**&tag:env=prod"] {
            let selection = Selection::parse(text).unwrap();
            let texts: Vec<String> = selection.all_of.iter().map(Selector::to_string).collect();
            assert_eq!(texts, ["ou:A/**", "tag:env=prod"]);
        }
    }

    #[test]
    fn a_mistyped_selector_gets_a_suggestion() {
        for (text, expected) in [
            ("", "A selector is"),
            ("1234-5678-9012", "without dashes: 123456789012"),
            ("12345678901", "begins with 0"),
            ("-", "A selector is"),
            ("1234567890123", "It has 13 digits."),
            ("*", "Use all"),
            ("All", "Did you mean all?"),
            ("managment", "Did you mean management?"),
            ("prod", "write name:prod"),
            ("nmae:prod", "Did you mean name:prod?"),
            ("OU:Prod", "Did you mean ou:Prod?"),
            ("account:123456789012", "Write the ID alone: 123456789012."),
            ("set:prod", "Write @prod."),
            ("@", "A selector is"),
            ("name:", "A selector is"),
            ("tag:env", "tag:env=*"),
            ("tag:=x", "A selector is"),
            ("ou:", "begins below the root"),
            ("ou:/Prod", "begins below the root"),
            ("ou:A//B", "begins below the root"),
            ("ou:**", "Use all"),
            ("ou:A/*", "/** at its end"),
            ("ou:A/**/B", "/** at its end"),
            ("ou:R&D", "write \\&"),
            ("name:a\\b", "Write \\\\ for a backslash"),
            ("all & ", "A selector is"),
        ] {
            let error = Selection::parse(text).unwrap_err();
            assert!(error.message.ends_with('.'), "{text}: {error}");
            let suggestion = error.suggestion;
            assert!(suggestion.contains(expected), "{text}: {suggestion}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_and_what_is_read_can_be_written(text in "[@a-z0-9:=/*&\\\\ -]{0,24}") {
            if let Ok(selection) = Selection::parse(&text) {
                let written: Vec<String> = selection.all_of.iter().map(Selector::to_string).collect();
                let again = Selection::parse(&written.join(" & ")).unwrap();
                prop_assert_eq!(again.all_of, selection.all_of);
            }
        }

        #[test]
        fn any_unit_name_can_be_written_in_a_path(names in prop::collection::vec("[a-z&/\\\\]{1,5}", 1..4)) {
            let unit = UnitReference::Path(names);
            prop_assert_eq!(UnitReference::parse(&unit.to_string()).unwrap(), unit);
        }
    }
}
