//! The config file as the AWS CLI reads it: with the INI reader of Python (`configparser.RawConfigParser`), and section
//! names split as a shell does. The rules differ from those of the SDKs: a comment behind a value is part of the value,
//! a colon separates as an equals sign does, and a section or key that appears twice is an error.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::config::{ParseError, Section};

/// The values of keys that the AWS CLI checks before any command ("Configuration and credential file settings", AWS CLI User
/// Guide).
const VALUES: [(&str, &[&str]); 6] = [
    ("retry_mode", &["legacy", "standard", "adaptive"]),
    (
        "defaults_mode",
        &["legacy", "standard", "in-region", "cross-region", "mobile", "auto"],
    ),
    ("sts_regional_endpoints", &["legacy", "regional"]),
    ("account_id_endpoint_mode", &["preferred", "disabled", "required"]),
    ("request_checksum_calculation", &["when_supported", "when_required"]),
    ("response_checksum_validation", &["when_supported", "when_required"]),
];

/// The section whose properties every other section inherits.
const DEFAULTS: &str = "DEFAULT";

/// A file as the AWS CLI reads it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CliReading {
    sections: Vec<CliSection>,
}

/// A section as the AWS CLI reads it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CliSection {
    /// The text between the brackets.
    header: String,
    properties: BTreeMap<String, CliProperty>,
}

/// A value as the AWS CLI reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CliProperty {
    /// The value.
    pub value: String,
    /// The number of its first line, from 1.
    pub line: usize,
}

impl CliSection {
    /// A property of the section.
    pub fn get(&self, key: &str) -> Option<&CliProperty> {
        self.properties.get(key)
    }

    /// The first property, by key, with a value for which the AWS CLI ends with an error whatever the command is.
    pub fn first_rejected(&self) -> Option<(&str, &CliProperty)> {
        let mut properties = self.properties.iter();
        let rejected = properties.find(|(key, property)| {
            let value = property.value.to_lowercase();
            let is_allowed = match key.as_str() {
                "max_attempts" | "metadata_service_timeout" | "metadata_service_num_attempts" => {
                    value.parse::<u32>().is_ok()
                }
                key => match VALUES.iter().find(|(known, _)| *known == key) {
                    Some((_, values)) => values.contains(&value.as_str()),
                    None => true,
                },
            };
            !value.is_empty() && !is_allowed
        });
        rejected.map(|(key, property)| (key.as_str(), property))
    }

    /// The kind and the name in a header such as `profile dev` or `profile "my dev"`.
    fn name(&self, kind: &str) -> Option<String> {
        let words = shlex::split(&self.header).filter(|_| self.header.starts_with(kind))?;
        match <[String; 2]>::try_from(words) {
            Ok([_, name]) => Some(name),
            Err(_) => None,
        }
    }
}

impl CliReading {
    /// A section of the config file; `None` if the AWS CLI does not find it.
    pub fn get(&self, section: Section) -> Option<&CliSection> {
        // The last one of a name wins.
        let mut sections = self.sections.iter().rev();
        sections.find(|other| match section {
            Section::Profile(name) => {
                other.name("profile").as_deref() == Some(name) || (name == "default" && other.header == name)
            }
            Section::SsoSession(name) => other.name("sso-session").as_deref() == Some(name),
        })
    }

    /// The profiles of the config file by name, in one pass. [`get`](Self::get) finds the same ones.
    pub fn profiles(&self) -> BTreeMap<String, &CliSection> {
        let named = self.sections.iter().filter_map(|section| {
            let short = || (section.header == "default").then(|| section.header.clone());
            Some((section.name("profile").or_else(short)?, section))
        });
        named.collect()
    }

    /// A section of the credentials file, where the header is the name of the profile.
    pub fn get_named(&self, name: &str) -> Option<&CliSection> {
        self.sections.iter().find(|section| section.header == name)
    }
}

/// Whether Python counts a character as white space. It also counts four control characters.
fn is_space(letter: char) -> bool {
    letter.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&letter)
}

/// The text between the brackets of a header. What follows the last closing bracket is ignored.
fn header_of(text: &str) -> Option<&str> {
    let rest = text.strip_prefix('[')?;
    let header = &rest[..rest.rfind(']')?];
    (!header.is_empty()).then_some(header)
}

/// Reads a config or credentials file as the AWS CLI does.
///
/// # Errors
/// [`ParseError`] with the line for which the AWS CLI rejects the whole file.
pub fn parse_with_cli(text: &str) -> Result<CliReading, ParseError> {
    let mut sections: Vec<CliSection> = Vec::new();
    // The key that an indented line continues.
    let mut last: Option<String> = None;
    let mut indentation = 0;
    // Python ends a line at each of these.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    for (index, line) in text.split('\n').enumerate() {
        let error = |why| Err(ParseError { line: index + 1, why });
        let trimmed = line.trim_matches(is_space);
        if trimmed.is_empty() {
            // A blank line belongs to a value that goes on below it.
            let property = last.as_ref().zip(sections.last_mut());
            if let Some(property) = property.and_then(|(key, section)| section.properties.get_mut(key)) {
                property.value.push('\n');
            }
            continue;
        }
        if trimmed.starts_with(['#', ';']) {
            continue;
        }
        let indented = line.chars().take_while(|letter| is_space(*letter)).count();
        if let (Some(key), Some(section)) = (&last, sections.last_mut())
            && indented > indentation
        {
            if let Some(property) = section.properties.get_mut(key) {
                property.value.push('\n');
                property.value.push_str(trimmed);
            }
            continue;
        }
        indentation = indented;
        if let Some(header) = header_of(trimmed) {
            last = None;
            let known = sections.iter().position(|section| section.header == header);
            match known {
                // The current section is the last one.
                Some(index) if header == DEFAULTS => {
                    let defaults = sections.remove(index);
                    sections.push(defaults);
                }
                Some(_) => return error("repeats a section, which the AWS CLI does not accept"),
                None => sections.push(CliSection {
                    header: header.to_owned(),
                    ..CliSection::default()
                }),
            }
            continue;
        }
        let Some(section) = sections.last_mut() else {
            return error("is not in a section");
        };
        let Some((key, value)) = trimmed.split_once(['=', ':']).filter(|(key, _)| !key.is_empty()) else {
            return error("is neither a header, a property, nor a comment");
        };
        let key = key.trim_end_matches(is_space).to_lowercase();
        last = Some(key.clone());
        let property = CliProperty {
            value: value.trim_matches(is_space).to_owned(),
            line: index + 1,
        };
        match section.properties.entry(key) {
            Entry::Vacant(entry) => entry.insert(property),
            Entry::Occupied(_) => return error("repeats a key of its section, which the AWS CLI does not accept"),
        };
    }
    for property in sections.iter_mut().flat_map(|section| section.properties.values_mut()) {
        property.value.truncate(property.value.trim_end_matches(is_space).len());
        let mut nested = property
            .value
            .lines()
            .filter(|line| !line.trim_matches(is_space).is_empty());
        if property.value.starts_with('\n') && nested.any(|line| !line.contains('=')) {
            return Err(ParseError {
                line: property.line,
                why: "is followed by an indented line without an equals sign, which the AWS CLI does not accept",
            });
        }
    }
    if let Some(index) = sections.iter().position(|section| section.header == DEFAULTS) {
        let defaults = sections.remove(index).properties;
        for section in &mut sections {
            for (key, property) in &defaults {
                section
                    .properties
                    .entry(key.clone())
                    .or_insert_with(|| property.clone());
            }
        }
    }
    Ok(CliReading { sections })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_the_aws_cli_reads_them() {
        let text = "[default]\nREGION: eu-west-1 # home\r\n[ profile blanks ]\nx = 1\n[profile dev] # [mine]\nx = 1\n\
                    [profile 'my dev']\n  region = a\n   b\n\n # d\n   c\n\n output = json\n";
        let read = parse_with_cli(text).unwrap();
        let default = read.get(Section::Profile("default")).unwrap();
        let region = default.get("region").unwrap();
        assert_eq!((region.value.as_str(), region.line), ("eu-west-1 # home", 2));
        for unknown in ["blanks", "dev", "profile dev"] {
            assert_eq!(read.get(Section::Profile(unknown)), None, "{unknown}");
        }
        let quoted = read.get(Section::Profile("my dev")).unwrap();
        assert_eq!(quoted.get("region").unwrap().value, "a\nb\n\nc");
        assert_eq!(quoted.get("output").unwrap().value, "json");
    }

    #[test]
    fn a_file_that_the_aws_cli_rejects_is_rejected_with_its_line() {
        for (text, line) in [
            ("[a]\nx = 1\n[b]\n[a]\n", 4),
            ("[a]\nx = 1\nX = 2\n", 3),
            ("x = 1\n[a]\n", 1),
            ("# c\n\n[a]\nx\n", 4),
            ("[a]\n= 1\n", 2),
            ("\u{feff}[a]\nx = 1\n", 1),
            ("[a\n", 1),
            ("[a]\ns3 =\n  x\n", 2),
        ] {
            assert_eq!(parse_with_cli(text).unwrap_err().line, line, "{text:?}");
        }
        for text in [
            "",
            "[a]\ns3 =\n  x = 1\n\n  y = 2\n",
            "[a]\n[b]\n",
            "[a]\nx=\n",
            "[a]\n x = 1\n  X = 2\n",
            "[a]\n[[b]]]\n",
        ] {
            assert!(parse_with_cli(text).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn every_section_inherits_the_defaults() {
        let text = "[DEFAULT]\nregion = a\noutput = b\n[profile p]\nregion = c\n[DEFAULT]\nx = d\n";
        let read = parse_with_cli(text).unwrap();
        let profile = read.get(Section::Profile("p")).unwrap();
        let value = |key| profile.get(key).map(|property| property.value.as_str());
        assert_eq!(
            [value("region"), value("output"), value("x")],
            [Some("c"), Some("b"), Some("d")]
        );
        assert_eq!(read.get_named("DEFAULT"), None);
        assert_eq!(
            parse_with_cli("[DEFAULT]\nx = a\n[DEFAULT]\nx = b\n").unwrap_err().line,
            4
        );
    }

    #[test]
    fn values_that_the_aws_cli_rejects_are_found() {
        let rejected = |text: &str| {
            let read = parse_with_cli(&format!("[default]\n{text}\n")).unwrap();
            let section = read.get(Section::Profile("default")).unwrap().clone();
            section
                .first_rejected()
                .map(|(key, property)| (key.to_owned(), property.line))
        };
        for text in [
            "retry_mode = bogus",
            "max_attempts = x",
            "sts_regional_endpoints = all # of them",
        ] {
            let key = text.split(' ').next().unwrap();
            assert_eq!(rejected(text), Some((key.to_owned(), 2)), "{text}");
        }
        for text in [
            "retry_mode = Legacy",
            "max_attempts = 3",
            "retry_mode =",
            "region = anything",
            "x = bogus",
        ] {
            assert_eq!(rejected(text), None, "{text}");
        }
    }

    #[test]
    fn only_the_default_profile_needs_no_prefix() {
        let read = parse_with_cli("[dev]\nx = 1\n[default]\nx = 2\n[last]\n").unwrap();
        assert_eq!(read.get(Section::Profile("dev")), None);
        let default = read
            .get(Section::Profile("default"))
            .and_then(|section| section.get("x"));
        assert_eq!(default.unwrap().value, "2");
        assert_eq!(read.get(Section::SsoSession("default")), None);
    }

    #[test]
    fn a_section_of_the_credentials_file_has_the_name_of_its_profile() {
        let read = parse_with_cli("[dev]\naws_access_key_id = AKIA\n[ ops ]\n").unwrap();
        assert_eq!(
            read.get_named("dev").unwrap().get("aws_access_key_id").unwrap().value,
            "AKIA"
        );
        assert_eq!(read.get_named("ops"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "([\\[\\]a=: #;\n\r\t\u{a0}'\"]|\\[profile a\\]\n){0,30}") {
            if let Ok(read) = parse_with_cli(&text) {
                let _ = read.get(Section::Profile("a"));
            }
        }
    }
}
