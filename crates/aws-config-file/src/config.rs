//! `~/.aws/config`, read and edited line by line: every byte that is not ours stays, comments, order, line
//! ends and all.
//!
//! The format is the one the SDKs share: sections in brackets, `key = value` from the first column, indented
//! lines belong to the property above, `#` and `;` begin comments, a section that stands twice counts once. An indented
//! comment is one for the AWS CLI and a part of the value above for the SDKs: nothing of ours is put before one.

use std::collections::{BTreeMap, BTreeSet};

use crate::line::{
    Line, behind_header, content, kind, uncommented, without_comment, without_header, without_trailing_comment,
};

/// A section that we write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section<'a> {
    /// `[profile NAME]`, or `[default]`.
    Profile(&'a str),
    /// `[sso-session NAME]`.
    SsoSession(&'a str),
}

impl Section<'_> {
    fn header(self) -> String {
        match self {
            Self::Profile("default") => "[default]".to_owned(),
            Self::Profile(name) => format!("[profile {name}]"),
            Self::SsoSession(name) => format!("[sso-session {name}]"),
        }
    }

    fn is(self, header: &str) -> bool {
        let mut words = header.splitn(2, char::is_whitespace);
        let kind = words.next().unwrap_or_default();
        let name = words.next().map(|name| name.trim().trim_matches(['"', '\'']));
        match self {
            Self::Profile("default") => header == "default" || (kind == "profile" && name == Some("default")),
            Self::Profile(wanted) => kind == "profile" && name == Some(wanted),
            Self::SsoSession(wanted) => kind == "sso-session" && name == Some(wanted),
        }
    }
}

/// A file that cannot be edited safely.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} {why}")]
pub struct ParseError {
    /// From 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: &'static str,
}

/// The file's text, in lines with their ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    lines: Vec<String>,
    end: &'static str,
}

impl Config {
    /// Reads a file's bytes.
    ///
    /// # Errors
    /// [`ParseError`] when it is not UTF-8 or a section header is not closed: the SDKs refuse such a file too.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let text = std::str::from_utf8(bytes).map_err(|error| ParseError {
            line: String::from_utf8_lossy(&bytes[..error.valid_up_to()])
                .matches('\n')
                .count()
                + 1,
            why: "is not UTF-8",
        })?;
        let lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        for (index, line) in lines.iter().enumerate() {
            let line_text = content(line, index);
            if line_text.starts_with('[') && !uncommented(line_text).contains(']') {
                return Err(ParseError {
                    line: index + 1,
                    why: "begins a section and does not close its bracket",
                });
            }
        }
        let crlf = lines.first().is_some_and(|line| line.ends_with("\r\n"));
        Ok(Self {
            lines,
            end: if crlf { "\r\n" } else { "\n" },
        })
    }

    /// The text to write.
    pub fn text(&self) -> String {
        self.lines.concat()
    }

    /// A section's properties; `None` when it is not there.
    pub fn get(&self, section: Section) -> Option<BTreeMap<String, String>> {
        self.properties(self.named(section))
    }

    /// Whether a header is that of the section. Where `[profile default]` stands, `[default]` counts for nothing ("Shared
    /// config and credentials files", AWS SDKs and Tools Reference Guide).
    fn named<'a>(&self, section: Section<'a>) -> impl Fn(&str) -> bool + use<'a> {
        let by_profile = |header: &str| header != "default" && section.is(header);
        let is_default = section == Section::Profile("default");
        let without_short = is_default && self.headers().any(by_profile);
        move |header| section.is(header) && !(without_short && header == "default")
    }

    fn properties(&self, is_wanted: impl Fn(&str) -> bool) -> Option<BTreeMap<String, String>> {
        let mut found: Option<BTreeMap<String, String>> = None;
        let mut inside = false;
        let mut last = None;
        for (index, line) in self.lines.iter().enumerate() {
            match kind(line, index) {
                Line::Header(header) => {
                    last = None;
                    inside = is_wanted(header);
                    if inside {
                        found.get_or_insert_default();
                    }
                }
                Line::Property(key, value) if inside => {
                    let key = key.to_ascii_lowercase();
                    last = Some(key.clone());
                    found.get_or_insert_default().insert(key, value.to_owned());
                }
                Line::Continuation(more) => {
                    if let Some(value) = last.as_ref().and_then(|key| found.as_mut()?.get_mut(key)) {
                        value.push('\n');
                        value.push_str(more);
                    }
                }
                _ => {}
            }
        }
        found
    }

    /// Every section's properties, by its header.
    fn sections(&self) -> BTreeMap<&str, BTreeMap<String, &str>> {
        let mut sections: BTreeMap<&str, BTreeMap<String, &str>> = BTreeMap::new();
        let mut inside = None;
        for (index, line) in self.lines.iter().enumerate() {
            match kind(line, index) {
                Line::Header(header) => {
                    inside = Some(header);
                    sections.entry(header).or_default();
                }
                Line::Property(key, value) => {
                    if let Some(section) = inside.and_then(|header| sections.get_mut(header)) {
                        section.insert(key.to_ascii_lowercase(), value);
                    }
                }
                _ => {}
            }
        }
        sections
    }

    /// Sets properties of a section, which is made at the end of the file when it is not there. A property
    /// that is there keeps its place; one with `None` is taken out; new ones follow the section's last.
    pub fn set(&mut self, section: Section, properties: &[(&str, Option<&str>)]) {
        if self.get(section).is_none() {
            self.append(&section.header());
        }
        for (key, value) in properties {
            match (self.find(section, key), value) {
                (Some(index), Some(value)) => self.replace(index, value),
                (None, Some(value)) => self.insert(section, &format!("{key} = {value}")),
                // Where it stands twice, the first would count then.
                (_, None) => self.remove_all(section, key),
            }
        }
    }

    /// The headers' texts, in order.
    fn headers(&self) -> impl Iterator<Item = &str> {
        let lines = self.lines.iter().enumerate();
        lines.filter_map(|(index, line)| match kind(line, index) {
            Line::Header(header) => Some(header),
            _ => None,
        })
    }

    /// Takes these properties out of a section, and its header when nothing is left below it; blank lines stay.
    pub fn remove(&mut self, section: Section, keys: &[String]) {
        self.dedent(section, keys);
        for key in keys {
            self.remove_all(section, key);
        }
        let is_named = self.named(section);
        let mut index = 0;
        while index < self.lines.len() {
            let is_header = matches!(kind(&self.lines[index], index), Line::Header(header) if is_named(header));
            let next = (index + 1..self.lines.len())
                .find(|later| matches!(kind(&self.lines[*later], *later), Line::Header(_)))
                .unwrap_or(self.lines.len());
            let is_bare = self.lines[index + 1..next].iter().all(|line| line.trim().is_empty());
            if is_header && is_bare {
                self.lines[index] = without_header(&self.lines[index]);
            }
            index += 1;
        }
        self.lines.retain(|line| !line.is_empty());
    }

    /// Comments below these keys begin in the first column: without the key they would be read as a part of what is above.
    fn dedent(&mut self, section: Section, keys: &[String]) {
        let is_named = self.named(section);
        let (mut inside, mut is_ours) = (false, false);
        let mut indented_comments = Vec::new();
        for (index, line) in self.lines.iter().enumerate() {
            match kind(line, index) {
                Line::Header(header) => (inside, is_ours) = (is_named(header), false),
                Line::Property(key, _) => is_ours = keys.iter().any(|known| key.eq_ignore_ascii_case(known)),
                Line::IndentedComment if inside && is_ours => indented_comments.push(index),
                _ => {}
            }
        }
        for index in indented_comments {
            self.lines[index] = self.lines[index].trim_start_matches([' ', '\t']).into();
        }
    }

    /// The property's last line in the section: the one that counts.
    fn find(&self, section: Section, wanted: &str) -> Option<usize> {
        let is_named = self.named(section);
        let mut inside = false;
        let mut last = None;
        for (index, line) in self.lines.iter().enumerate() {
            match kind(line, index) {
                Line::Header(header) => inside = is_named(header),
                Line::Property(key, _) if inside && key.eq_ignore_ascii_case(wanted) => last = Some(index),
                _ => {}
            }
        }
        last
    }

    fn replace(&mut self, index: usize, value: &str) {
        let line = &self.lines[index];
        let end = &line[line.trim_end_matches(['\r', '\n']).len()..];
        let (before, after) = line.split_once('=').unwrap_or((line, ""));
        let blank = &after[..after.len() - after.trim_start_matches([' ', '\t']).len()];
        let comment = &after[without_comment(after).trim_end().len()..].trim_end_matches(['\r', '\n']);
        self.lines[index] = format!("{before}={blank}{value}{comment}{end}");
        self.drop_continuations(index + 1);
    }

    fn remove_all(&mut self, section: Section, key: &str) {
        while let Some(index) = self.find(section, key) {
            self.remove_line(index);
        }
    }

    /// What is behind the value is somebody's comment, and stays as a line of its own.
    fn remove_line(&mut self, index: usize) {
        self.drop_continuations(index + 1);
        let line = &self.lines[index];
        let text = line.trim_end_matches(['\r', '\n']);
        let comment = &text[without_trailing_comment(text).len()..];
        if comment.is_empty() {
            self.lines.remove(index);
        } else {
            self.lines[index] = format!("{comment}{}", &line[text.len()..]);
        }
    }

    /// Comments and blank lines between them do not end a value, and stay.
    fn drop_continuations(&mut self, from: usize) {
        let mut index = from;
        while let Some(line) = self.lines.get(index) {
            match kind(line, index) {
                Line::Continuation(_) => drop(self.lines.remove(index)),
                Line::Other | Line::IndentedComment => index += 1,
                Line::Header(_) | Line::Property(..) => break,
            }
        }
    }

    fn insert(&mut self, section: Section, line: &str) {
        let is_named = self.named(section);
        let mut inside = false;
        let mut after = None;
        for (index, text) in self.lines.iter().enumerate() {
            match kind(text, index) {
                Line::Header(header) => {
                    inside = is_named(header);
                    if inside {
                        after = Some(index);
                    }
                }
                Line::Property(..) | Line::Continuation(_) | Line::IndentedComment if inside => after = Some(index),
                _ => {}
            }
        }
        let index = after.map_or(self.lines.len(), |index| index + 1);
        self.finish_line_before(index);
        self.lines.insert(index, format!("{line}{}", self.end));
    }

    fn append(&mut self, header: &str) {
        let count = self.lines.len();
        self.finish_line_before(count);
        let blank_needed = self.lines.last().is_some_and(|line| !line.trim().is_empty());
        if blank_needed {
            self.lines.push(self.end.to_owned());
        }
        self.lines.push(format!("{header}{}", self.end));
    }

    /// A last line without an end gets one, so that nothing is glued to it.
    fn finish_line_before(&mut self, index: usize) {
        let end = self.end;
        if let Some(line) = index.checked_sub(1).and_then(|before| self.lines.get_mut(before))
            && !line.ends_with('\n')
        {
            line.push_str(end);
        }
    }
}

/// What can be asked of a file besides its properties.
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
                        left.extend(
                            Some(&line[without_trailing_comment(line).len()..]).filter(|comment| !comment.is_empty()),
                        );
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
    pub fn indented_comment_below(&self, section: Section, keys: &[&str]) -> Option<usize> {
        let is_named = self.named(section);
        let (mut inside, mut is_ours) = (false, false);
        for (index, line) in self.lines.iter().enumerate() {
            match kind(line, index) {
                Line::Header(header) => (inside, is_ours) = (is_named(header), false),
                Line::Property(key, _) => is_ours = keys.iter().any(|known| key.eq_ignore_ascii_case(known)),
                Line::IndentedComment if inside && is_ours => return Some(index + 1),
                _ => {}
            }
        }
        None
    }

    /// The first line of a section that is indented and belongs to no key: the AWS CLI reads it as a key, and the SDKs do not.
    pub fn indented_without_key(&self, section: Section) -> Option<usize> {
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
    pub fn first_duplicate(&self) -> Option<usize> {
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
    pub fn has_sections_of(&self, other: &Self) -> bool {
        other
            .headers()
            .all(|header| self.properties(|own| own == header) == other.properties(|own| own == header))
    }

    /// Whether there is more here than another text's sections and those that are known by kind and name: sections of
    /// somebody else, or comments.
    pub fn has_more_than(&self, other: &Self, is_known: impl Fn(&str, &str) -> bool) -> bool {
        let mut sections = self.headers();
        let has_sections = sections.any(|header| {
            let (kind, name) = header.split_once(char::is_whitespace).unwrap_or((header, ""));
            !other.headers().any(|known| known == header) && !is_known(kind, name.trim())
        });
        let has_comment = |(index, line): (usize, &String)| match kind(line, index) {
            Line::Header(_) => !behind_header(line).is_empty(),
            Line::Property(..) => without_trailing_comment(line).len() < line.len(),
            Line::IndentedComment => true,
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
    pub fn quoted_header(&self, section: Section) -> Option<usize> {
        let is_named = self.named(section);
        let mut lines = self.lines.iter().enumerate();
        let found = lines.find(|(index, line)| match kind(line, *index) {
            Line::Header(header) => is_named(header) && header.contains(['"', '\'']),
            _ => false,
        });
        found.map(|(index, _)| index + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(before: &str, section: Section, properties: &[(&str, Option<&str>)]) -> String {
        let mut config = Config::parse(before.as_bytes()).unwrap();
        config.set(section, properties);
        config.text()
    }

    #[test]
    fn a_new_section_goes_to_the_end_after_a_blank_line() {
        let after = edited(
            "[default]\nregion = eu-west-1",
            Section::Profile("p"),
            &[("output", Some("json"))],
        );
        assert_eq!(after, "[default]\nregion = eu-west-1\n\n[profile p]\noutput = json\n");
        assert_eq!(
            edited("", Section::SsoSession("s"), &[("a", Some("1"))]),
            "[sso-session s]\na = 1\n"
        );
    }

    #[test]
    fn what_is_there_keeps_its_place_and_its_comments() {
        let before =
            "# mine\r\n[profile p] # here\r\nregion=us-east-1\r\n; keep\r\ns3 =\r\n  max = 1\r\n[profile q]\r\n";
        let after = edited(
            before,
            Section::Profile("p"),
            &[("region", Some("eu-west-1")), ("output", Some("json"))],
        );
        assert_eq!(
            after,
            "# mine\r\n[profile p] # here\r\nregion=eu-west-1\r\n; keep\r\ns3 =\r\n  max = 1\r\noutput = json\r\n[profile q]\r\n"
        );
    }

    #[test]
    fn the_last_of_two_counts_and_quotes_do_not_matter() {
        let text = "[profile \"p\"]\nregion = a\nregion = b # c\n[profile p]\noutput = text#x\n";
        let config = Config::parse(text.as_bytes()).unwrap();
        let found = config.get(Section::Profile("p")).unwrap();
        assert_eq!(found["region"], "b");
        assert_eq!(found["output"], "text#x");
    }

    #[test]
    fn where_the_default_profile_stands_twice_the_long_form_counts() {
        let text = "[default]\nregion = a\n[profile default]\noutput = text\n";
        let mut config = Config::parse(text.as_bytes()).unwrap();
        assert_eq!(config.get(Section::Profile("default")).unwrap().len(), 1);
        config.set(Section::Profile("default"), &[("region", Some("b"))]);
        assert_eq!(
            config.text(),
            "[default]\nregion = a\n[profile default]\noutput = text\nregion = b\n"
        );
        config.remove(Section::Profile("default"), &["region".to_owned(), "output".to_owned()]);
        assert_eq!(config.text(), "[default]\nregion = a\n");
    }

    #[test]
    fn a_file_that_is_not_text_is_refused_with_its_line() {
        assert_eq!(Config::parse(b"[default]\nregion = \xff\n").unwrap_err().line, 2);
        assert_eq!(Config::parse(b"a = 1\n[profile p\n").unwrap_err().line, 2);
    }

    #[test]
    fn a_byte_order_mark_stays_and_hides_nothing() {
        let text = "\u{feff}[profile p]\nregion = a\n";
        let after = edited(text, Section::Profile("p"), &[("region", Some("b"))]);
        assert_eq!(after, "\u{feff}[profile p]\nregion = b\n");
    }

    proptest::proptest! {
        #[test]
        fn an_edit_repeated_changes_nothing_and_foreign_lines_stay(
            text in "(\\[(profile [a-c]|default|sso-session s)\\]\n|[a-z]{1,3} ?= ?[a-z#; ]{0,5}\n|#[a-z ]{0,5}\n|  [a-z]=1\n|\n){0,20}",
        ) {
            let properties = [("region", Some("eu-west-1")), ("sso_session", Some("s"))];
            let once = edited(&text, Section::Profile("p"), &properties);
            proptest::prop_assert_eq!(&edited(&once, Section::Profile("p"), &properties), &once);
            proptest::prop_assert!(once.starts_with(&text));
        }
    }
}
