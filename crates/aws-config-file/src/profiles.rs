//! All profiles of the config file at once: what they have, and many edits in one pass. [`Config::get`] and [`Config::set`]
//! read the whole file each time, which takes too long for thousands of profiles.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::config::{Config, Section};
use crate::line::{Line, after_header, kind, without_trailing_comment};

/// A profile of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileSection {
    /// The name, as in `AWS_PROFILE`.
    pub name: String,
    /// The properties, with the keys in lowercase.
    pub properties: BTreeMap<String, String>,
    /// Whether the file has several sections of this name.
    pub is_repeated: bool,
    /// Whether something other than properties is in the section, up to its last one: a comment, or a value of several
    /// lines.
    pub has_more: bool,
}

impl ProfileSection {
    /// The value of a property.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.properties.get(key).map(String::as_str)
    }
}

/// What happens to a profile of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProfileEdit {
    /// Sets properties, as [`Config::set`] does. A profile that does not exist is added at the end of the file.
    Set {
        /// The properties. One with `None` is removed.
        properties: Vec<(String, Option<String>)>,
        /// The new name of the profile, if it gets one.
        rename: Option<String>,
    },
    /// Removes the section: its header and its properties, and the blank line that separated it. Comments behind the last
    /// property are kept.
    Remove,
}

/// The lines from one header to the next one.
struct Part {
    lines: Range<usize>,
    /// The name of the profile; `None` for another kind of section, and for what is in front of the first one.
    profile: Option<String>,
}

/// The name of the profile that a header names.
fn profile_of(header: &str) -> Option<&str> {
    match header.split_once(char::is_whitespace) {
        Some(("profile", name)) => Some(name.trim().trim_matches(['"', '\''])),
        None if header == "default" => Some(header),
        _ => None,
    }
}

impl Config {
    /// The profiles of the file, in order. A name that several sections have occurs several times.
    pub fn profiles(&self) -> Vec<ProfileSection> {
        let parts = self.parts();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for name in parts.iter().filter_map(|part| part.profile.as_deref()) {
            *counts.entry(name).or_default() += 1;
        }
        let sections = parts.iter().filter_map(|part| {
            let name = part.profile.as_deref()?;
            let own = self.part(part);
            Some(ProfileSection {
                name: name.to_owned(),
                properties: own.get(Section::Profile(name)).unwrap_or_default(),
                is_repeated: counts.get(name).is_some_and(|count| *count > 1),
                has_more: own.has_more_than_properties(),
            })
        });
        sections.collect()
    }

    /// Edits profiles by name, in one pass over the file. New profiles are added in the order of their names.
    pub fn edit_profiles(&mut self, edits: &BTreeMap<String, ProfileEdit>) {
        let mut edited = Self {
            lines: Vec::with_capacity(self.lines.len()),
            line_ending: self.line_ending,
        };
        let mut known: BTreeSet<&str> = BTreeSet::new();
        for part in self.parts() {
            let mut own = self.part(&part);
            let edit = part.profile.as_ref().and_then(|name| edits.get_key_value(name));
            match edit {
                Some((name, ProfileEdit::Set { properties, rename })) => {
                    known.insert(name);
                    own.set(Section::Profile(name), &borrowed(properties));
                    if let Some(new) = rename {
                        own.rename(new);
                    }
                    edited.lines.append(&mut own.lines);
                }
                Some((name, ProfileEdit::Remove)) => {
                    known.insert(name);
                    edited.append_remains(&own, part.lines.end == self.lines.len());
                }
                None => edited.lines.append(&mut own.lines),
            }
        }
        for (name, edit) in edits {
            if let ProfileEdit::Set { properties, .. } = edit
                && !known.contains(name.as_str())
            {
                edited.append_section(&Section::Profile(name).header());
                let ending = edited.line_ending;
                let values = properties
                    .iter()
                    .filter_map(|(key, value)| Some(format!("{key} = {}{ending}", value.as_ref()?)));
                edited.lines.extend(values);
            }
        }
        *self = edited;
    }

    fn parts(&self) -> Vec<Part> {
        let mut parts = Vec::new();
        let (mut start, mut profile) = (0, None);
        for (index, line) in self.lines.iter().enumerate() {
            if let Line::Header(header) = kind(line, index) {
                parts.push(Part {
                    lines: start..index,
                    profile,
                });
                start = index;
                profile = profile_of(header).map(str::to_owned);
            }
        }
        parts.push(Part {
            lines: start..self.lines.len(),
            profile,
        });
        parts
    }

    fn part(&self, part: &Part) -> Self {
        Self {
            lines: self.lines[part.lines.clone()].to_vec(),
            line_ending: self.line_ending,
        }
    }

    /// The number of lines up to the last one that belongs to a property. What follows may belong to the next section.
    fn body_length(&self) -> usize {
        let is_other = |index: usize| matches!(kind(&self.lines[index], index), Line::Other);
        let last = (0..self.lines.len()).rev().find(|index| !is_other(*index));
        last.map_or(0, |index| index + 1)
    }

    fn has_more_than_properties(&self) -> bool {
        let mut body = self.lines[..self.body_length()].iter().enumerate();
        body.any(|(index, line)| {
            let text = line.trim_end_matches(['\r', '\n']);
            match kind(line, index) {
                Line::Header(_) => !after_header(text).is_empty(),
                Line::Property(..) => without_trailing_comment(text).len() < text.len(),
                Line::Continuation(_) | Line::IndentedComment | Line::Other => true,
            }
        })
    }

    /// Replaces the name in the header, which is the first line.
    fn rename(&mut self, new: &str) {
        if let Some(line) = self.lines.first_mut()
            && let Some((_, behind)) = line.split_once(']')
        {
            *line = format!("{}{behind}", Section::Profile(new).header());
        }
    }

    /// Appends a header, always with a blank line in front of it, so that [`ProfileEdit::Remove`] can take that line away.
    fn append_section(&mut self, header: &str) {
        let count = self.lines.len();
        self.finish_line_before(count);
        if count > 0 {
            self.lines.push(self.line_ending.to_owned());
        }
        self.lines.push(format!("{header}{}", self.line_ending));
    }

    /// Appends what a removed section leaves. Of the blank lines around it, one goes: it was written with the section.
    fn append_remains(&mut self, removed: &Self, is_last: bool) {
        let is_blank = |line: &String| line.trim().is_empty();
        let mut rest = removed.lines[removed.body_length()..].to_vec();
        if self.lines.last().is_none_or(is_blank) {
            if rest.first().is_some_and(is_blank) {
                rest.remove(0);
            } else if is_last && rest.is_empty() {
                self.lines.pop();
            }
        }
        self.lines.append(&mut rest);
    }
}

fn borrowed(properties: &[(String, Option<String>)]) -> Vec<(&str, Option<&str>)> {
    let properties = properties.iter();
    properties
        .map(|(key, value)| (key.as_str(), value.as_deref()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        Config::parse(text.as_bytes()).unwrap()
    }

    fn set(properties: &[(&str, Option<&str>)]) -> ProfileEdit {
        let owned = |(key, value): &(&str, Option<&str>)| ((*key).to_owned(), value.map(str::to_owned));
        ProfileEdit::Set {
            properties: properties.iter().map(owned).collect(),
            rename: None,
        }
    }

    fn edited(text: &str, edits: Vec<(&str, ProfileEdit)>) -> String {
        let mut config = config(text);
        config.edit_profiles(&edits.into_iter().map(|(name, edit)| (name.to_owned(), edit)).collect());
        config.text()
    }

    #[test]
    fn profiles_have_their_properties_and_what_else_is_in_them() {
        let text = "# mine\n[default]\nregion = a\n\n# next\n[profile b]\n# why\nOutput = json\n[profile 'c d'] # x\n\
                    [sso-session s]\nsso_region = r\n[profile b]\nx = 1 # y\n";
        let found: Vec<_> = config(text)
            .profiles()
            .into_iter()
            .map(|found| (found.name, found.properties.len(), found.is_repeated, found.has_more))
            .collect();
        let expected = [
            ("default", 1, false, false),
            ("b", 1, true, true),
            ("c d", 0, false, true),
            ("b", 1, true, true),
        ];
        let expected = expected.map(|(name, count, repeated, more)| (name.to_owned(), count, repeated, more));
        assert_eq!(found, expected);
    }

    #[test]
    fn profiles_are_added_changed_renamed_and_removed_in_one_pass() {
        let text = "[profile a]\nregion = x # home\n\n[profile b]\noutput = json\n\n# of c\n[profile c]\nk = v\n";
        let renamed = ProfileEdit::Set {
            properties: vec![("output".to_owned(), Some("text".to_owned()))],
            rename: Some("z".to_owned()),
        };
        let edits = vec![
            ("a", set(&[("region", None), ("k", Some("1"))])),
            ("b", ProfileEdit::Remove),
            ("c", renamed),
            ("e", set(&[("k", Some("3")), ("gone", None)])),
            ("d", set(&[("k", Some("2"))])),
        ];
        assert_eq!(
            edited(text, edits),
            "[profile a]\nk = 1\n# home\n\n# of c\n[profile z]\nk = v\noutput = text\n\n[profile d]\nk = 2\n\n\
             [profile e]\nk = 3\n"
        );
    }

    #[test]
    fn a_removed_section_leaves_the_blank_lines_of_others() {
        for (text, expected) in [
            ("[profile a]\nk = v\n", ""),
            ("[profile a]\nk = v\n\n[default]\n", "[default]\n"),
            (
                "[default]\n\n[profile a]\nk = v\n[profile b]\n",
                "[default]\n\n[profile b]\n",
            ),
            (
                "[default]\n[profile a]\nk = v\n\n[profile b]\n",
                "[default]\n\n[profile b]\n",
            ),
            ("[default]\n\n[profile a]\nk = v\n# mine\n", "[default]\n\n# mine\n"),
            ("[default]\r\n\r\n[profile a]\r\nk = v\r\n", "[default]\r\n"),
        ] {
            assert_eq!(edited(text, vec![("a", ProfileEdit::Remove)]), expected, "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_added_and_removed_again_leaves_every_byte(
            text in "((\\[default\\]|\\[profile [xy]\\]|\\[sso-session s\\]|# c|k = v|  k = v|)\r?\n){0,12}"
        ) {
            let names = ["a", "b", "c"];
            let added = names.map(|name| (name, set(&[("k", Some("1")), ("l", Some("2"))])));
            let with = edited(&text, added.to_vec());
            let removed = names.map(|name| (name, ProfileEdit::Remove));
            proptest::prop_assert_eq!(edited(&with, removed.to_vec()), text);
        }

        #[test]
        fn many_edits_do_the_same_as_single_ones(
            text in "((\\[default\\]|\\[profile [a-d]\\]|# c|k = v|l = w # c|)\n){0,12}",
            value in "[a-z]{1,3}",
        ) {
            let known: Vec<ProfileSection> = config(&text).profiles();
            proptest::prop_assume!(!known.iter().any(|profile| profile.is_repeated));
            // A new section then follows two blank lines.
            proptest::prop_assume!(text != "\n" && !text.ends_with("\n\n"));
            let mut single = config(&text);
            for name in ["a", "b"] {
                single.set(Section::Profile(name), &[("k", Some(&value)), ("l", None)]);
            }
            let edits = ["a", "b"].map(|name| (name, set(&[("k", Some(&value)), ("l", None)])));
            proptest::prop_assert_eq!(edited(&text, edits.to_vec()), single.text());
        }
    }
}
