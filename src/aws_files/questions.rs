//! What is asked of a config file besides its properties.

use std::collections::BTreeSet;

use super::config::{Config, Section};
use super::lines::{Line, behind_header, kind, own_part};

impl Config {
    /// Whether another text is the same line by line, but for these keys of these sections.
    pub fn differs_only_in(&self, other: &Self, known: &[(Section, &str)]) -> bool {
        self.without(known) == other.without(known)
    }

    /// The lines without these keys and what belongs to their values; their comments stay.
    fn without(&self, known: &[(Section, &str)]) -> Vec<&str> {
        let (mut left, mut inside, mut is_ours) = (Vec::new(), "", false);
        for (index, line) in self.lines.iter().enumerate() {
            let line = line.trim_end_matches(['\r', '\n']);
            match kind(line, index) {
                Line::Header(header) => (inside, is_ours) = (header, false),
                Line::Property(key, _) => {
                    let is_it =
                        |(section, name): &(Section, &str)| section.is(inside) && name.eq_ignore_ascii_case(key);
                    is_ours = known.iter().any(is_it);
                    if is_ours {
                        left.extend(Some(&line[own_part(line).len()..]).filter(|comment| !comment.is_empty()));
                        continue;
                    }
                }
                Line::Continuation(_) if is_ours => continue,
                _ => {}
            }
            left.push(line);
        }
        left
    }

    /// The first line of these sections that is an indented comment below one of these keys.
    pub fn aside_below(&self, section: Section, keys: &[&str]) -> Option<usize> {
        let is_named = self.named(section);
        let (mut inside, mut is_ours) = (false, false);
        for (index, line) in self.lines.iter().enumerate() {
            match kind(line, index) {
                Line::Header(header) => (inside, is_ours) = (is_named(header), false),
                Line::Property(key, _) => is_ours = keys.iter().any(|known| key.eq_ignore_ascii_case(known)),
                Line::Aside if inside && is_ours => return Some(index + 1),
                _ => {}
            }
        }
        None
    }

    /// The first line of a section that is indented and belongs to no key: the AWS CLI reads it as a key, and the SDKs do not.
    pub fn indented(&self, section: Section) -> Option<usize> {
        let is_named = self.named(section);
        let (mut inside, mut has_key) = (false, false);
        for (index, line) in self.lines.iter().enumerate() {
            match kind(line, index) {
                Line::Header(header) => (inside, has_key) = (is_named(header), false),
                Line::Property(..) => has_key = true,
                Line::Continuation(_) if inside && !has_key => return Some(index + 1),
                _ => {}
            }
        }
        None
    }

    /// The first line that begins a section, or names a key in one, for a second time: the SDKs read both as one, and the AWS
    /// CLI reads no such file.
    pub fn repeated(&self) -> Option<usize> {
        let mut known = BTreeSet::new();
        let mut inside = "";
        let mut lines = self.lines.iter().enumerate();
        let first = lines.find(|(index, line)| match kind(line, *index) {
            Line::Header(header) => {
                inside = header;
                !known.insert((header, String::new()))
            }
            Line::Property(key, _) => !known.insert((inside, key.to_ascii_lowercase())),
            _ => false,
        });
        first.map(|(index, _)| index + 1)
    }

    /// Whether every section of another text says here just what it says there.
    pub fn holds(&self, other: &Self) -> bool {
        other
            .headers()
            .all(|header| self.properties(|own| own == header) == other.properties(|own| own == header))
    }

    /// Whether there is more here than another text's sections and those that are known by kind and name: sections of
    /// somebody else, or comments.
    pub fn has_others_than(&self, other: &Self, is_known: impl Fn(&str, &str) -> bool) -> bool {
        let mut sections = self.headers();
        let has_sections = sections.any(|header| {
            let (kind, name) = header.split_once(char::is_whitespace).unwrap_or((header, ""));
            !other.headers().any(|known| known == header) && !is_known(kind, name.trim())
        });
        let has_comment = |(index, line): (usize, &String)| match kind(line, index) {
            Line::Header(_) => !behind_header(line).is_empty(),
            Line::Property(..) => own_part(line).len() < line.len(),
            Line::Aside => true,
            Line::Other => !line.trim().is_empty(),
            Line::Continuation(_) => false,
        };
        has_sections || self.lines.iter().enumerate().any(has_comment)
    }

    /// Profiles of which a key has this value.
    pub fn profiles_with(&self, key: &str, value: &str) -> impl Iterator<Item = String> {
        let sections = self.sections();
        let by_profile = |header: &&str| *header != "default" && Section::Profile("default").is(header);
        let without_short = sections.keys().any(by_profile);
        let found = sections.into_iter().filter_map(move |(header, properties)| {
            let name = match header.split_once(char::is_whitespace) {
                Some(("profile", name)) => name.trim().trim_matches(['"', '\'']),
                None if header == "default" && !without_short => header,
                _ => return None,
            };
            (properties.get(key) == Some(&value)).then(|| name.to_owned())
        });
        found.collect::<Vec<_>>().into_iter()
    }

    /// The line of a section whose name stands in quotes, which the AWS CLI reads and the SDKs do not.
    pub fn quoted(&self, section: Section) -> Option<usize> {
        let is_named = self.named(section);
        let mut lines = self.lines.iter().enumerate();
        let found = lines.find(|(index, line)| match kind(line, *index) {
            Line::Header(header) => is_named(header) && header.contains(['"', '\'']),
            _ => false,
        });
        found.map(|(index, _)| index + 1)
    }
}
