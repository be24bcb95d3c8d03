//! Reads and edits `~/.aws/config` line by line. An edit keeps every other byte: comments, order, and line endings.
//!
//! The format is the one that the SDKs share: section names in brackets, `key = value` from the first column. Indented
//! lines belong to the property above, `#` and `;` start a comment, and sections with the same name are merged. An
//! indented comment is a comment for the AWS CLI but part of the value above for the SDKs, so that an edit never
//! inserts a line before one.

use std::collections::BTreeMap;

use crate::line::{Line, after_header, content, kind, uncommented, without_header, without_trailing_comment};

/// A section of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section<'a> {
    /// `[profile NAME]`, or `[default]`.
    Profile(&'a str),
    /// `[sso-session NAME]`.
    SsoSession(&'a str),
}

impl Section<'_> {
    /// The line that begins a new section of this name, such as `[profile NAME]`.
    pub fn header(self) -> String {
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

/// An SSO session; a value that is not set is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SsoSession {
    /// The name.
    pub name: String,
    /// `sso_region`.
    pub region: String,
    /// `sso_start_url`.
    pub start_url: String,
}

/// A file that cannot be edited safely.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} {why}")]
pub struct ParseError {
    /// The line number, from 1.
    pub line: usize,
    /// What is wrong with the line.
    pub why: &'static str,
}

/// The content of a file as text.
pub fn decoded(bytes: &[u8]) -> Result<&str, ParseError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        ParseError {
            line: before.matches('\n').count() + 1,
            why: "is not UTF-8",
        }
    })
}

/// The text of the file, as lines with their line endings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    pub(crate) lines: Vec<String>,
    pub(crate) line_ending: &'static str,
}

impl Config {
    /// Reads a file's bytes.
    ///
    /// # Errors
    /// [`ParseError`] if the file is not UTF-8, or a section header has no closing bracket. The SDKs reject such a file too.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let text = decoded(bytes)?;
        let lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        for (index, line) in lines.iter().enumerate() {
            let line_text = content(line, index);
            if line_text.starts_with('[') && !uncommented(line_text).contains(']') {
                return Err(ParseError {
                    line: index + 1,
                    why: "starts a section header without a closing bracket",
                });
            }
        }
        let crlf = lines.first().is_some_and(|line| line.ends_with("\r\n"));
        Ok(Self {
            lines,
            line_ending: if crlf { "\r\n" } else { "\n" },
        })
    }

    /// The text to write.
    pub fn text(&self) -> String {
        self.lines.concat()
    }

    /// The properties of a section; `None` if the section does not exist.
    pub fn get(&self, section: Section) -> Option<BTreeMap<String, String>> {
        self.properties(self.named(section))
    }

    /// A predicate for the headers of a section. If `[profile default]` exists, `[default]` is ignored ("Shared config
    /// and credentials files", AWS SDKs and Tools Reference Guide).
    fn named<'a>(&self, section: Section<'a>) -> impl Fn(&str) -> bool + use<'a> {
        let is_long_form = |header: &str| header != "default" && section.is(header);
        let is_default = section == Section::Profile("default");
        let ignores_short_form = is_default && self.headers().any(is_long_form);
        move |header| section.is(header) && !(ignores_short_form && header == "default")
    }

    fn properties(&self, is_wanted: impl Fn(&str) -> bool) -> Option<BTreeMap<String, String>> {
        let mut properties: Option<BTreeMap<String, String>> = None;
        let mut inside = false;
        let mut last = None;
        for (index, line) in self.lines.iter().enumerate() {
            match kind(line, index) {
                Line::Header(header) => {
                    last = None;
                    inside = is_wanted(header);
                    if inside {
                        properties.get_or_insert_default();
                    }
                }
                Line::Property(key, value) if inside => {
                    let key = key.to_ascii_lowercase();
                    last = Some(key.clone());
                    properties.get_or_insert_default().insert(key, value.to_owned());
                }
                Line::Continuation(more) => {
                    if let Some(value) = last.as_ref().and_then(|key| properties.as_mut()?.get_mut(key)) {
                        value.push('\n');
                        value.push_str(more);
                    }
                }
                _ => {}
            }
        }
        properties
    }

    /// The properties of every section, by header.
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

    /// Sets properties of a section. A section that does not exist is added at the end of the file. An existing
    /// property keeps its place, and a comment behind its value moves to the line above. A property with `None` is removed, and new properties follow the last one of the
    /// section.
    pub fn set(&mut self, section: Section, properties: &[(&str, Option<&str>)]) {
        if self.get(section).is_none() {
            self.append(&section.header());
        }
        for (key, value) in properties {
            match (self.find(section, key), value) {
                (Some(index), Some(value)) => self.replace(index, value),
                (None, Some(value)) => self.insert(section, &format!("{key} = {value}")),
                // All of them: after removing only the last duplicate, the one before would take effect.
                (_, None) => self.remove_all(section, key),
            }
        }
    }

    /// The section names, in order.
    fn headers(&self) -> impl Iterator<Item = &str> {
        let lines = self.lines.iter().enumerate();
        lines.filter_map(|(index, line)| match kind(line, index) {
            Line::Header(header) => Some(header),
            _ => None,
        })
    }

    /// Removes these properties from a section, and the header of the section if it is then empty. Blank lines are
    /// kept.
    pub fn remove(&mut self, section: Section, keys: &[String]) {
        // Without the key, the SDKs would read an indented comment as part of the value above.
        for index in self.indented_comments_below(section, keys) {
            self.lines[index] = self.lines[index].trim_start_matches([' ', '\t']).into();
        }
        for key in keys {
            self.remove_all(section, key);
        }
        let is_named = self.named(section);
        for index in 0..self.lines.len() {
            let is_header = matches!(kind(&self.lines[index], index), Line::Header(header) if is_named(header));
            let next = (index + 1..self.lines.len())
                .find(|later| matches!(kind(&self.lines[*later], *later), Line::Header(_)))
                .unwrap_or(self.lines.len());
            let is_empty = self.lines[index + 1..next].iter().all(|line| line.trim().is_empty());
            if is_header && is_empty {
                self.lines[index] = without_header(&self.lines[index]);
            }
        }
        self.lines.retain(|line| !line.is_empty());
    }

    /// The indexes of the lines of a section that are indented comments below one of these keys.
    fn indented_comments_below(&self, section: Section, keys: &[impl AsRef<str>]) -> Vec<usize> {
        let is_named = self.named(section);
        let (mut inside, mut is_below_key) = (false, false);
        let mut found = Vec::new();
        for (index, line) in self.lines.iter().enumerate() {
            match kind(line, index) {
                Line::Header(header) => (inside, is_below_key) = (is_named(header), false),
                Line::Property(key, _) => {
                    is_below_key = keys.iter().any(|known| key.eq_ignore_ascii_case(known.as_ref()));
                }
                Line::IndentedComment if inside && is_below_key => found.push(index),
                _ => {}
            }
        }
        found
    }

    /// The last line of the section with this key, which is the one that takes effect.
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

    /// Replaces a value. A comment behind it moves to a line above: the AWS CLI would read it as part of the value.
    fn replace(&mut self, index: usize, value: &str) {
        let line = self.lines[index].clone();
        let text = line.trim_end_matches(['\r', '\n']);
        let ending = &line[text.len()..];
        let own = without_trailing_comment(text);
        let comment = &text[own.len()..];
        let (before, after) = own.split_once('=').unwrap_or((own, ""));
        let blank = &after[..after.len() - after.trim_start_matches([' ', '\t']).len()];
        // A value that was empty has only the blanks in front of the comment.
        let blank = if after.trim().is_empty() { " " } else { blank };
        self.lines[index] = format!("{before}={blank}{value}{ending}");
        self.drop_continuations(index + 1);
        if !comment.is_empty() {
            let ending = if ending.is_empty() { self.line_ending } else { ending };
            self.lines.insert(index, format!("{comment}{ending}"));
        }
    }

    fn remove_all(&mut self, section: Section, key: &str) {
        while let Some(index) = self.find(section, key) {
            self.remove_line(index);
        }
    }

    /// Removes a line. A comment after the value belongs to the user and is kept on a separate line.
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

    /// Removes the continuation lines of a value. Comments and blank lines between them do not end the value, and are
    /// kept.
    fn drop_continuations(&mut self, from: usize) {
        let mut lines = self.lines.iter().enumerate().skip(from);
        let next = lines.find(|(index, line)| matches!(kind(line, *index), Line::Header(_) | Line::Property(..)));
        let end = next.map_or(self.lines.len(), |(index, _)| index);
        let is_continuation = |line: &mut String| matches!(kind(line, from), Line::Continuation(_));
        self.lines.extract_if(from..end, is_continuation).for_each(drop);
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
        self.lines.insert(index, format!("{line}{}", self.line_ending));
    }

    fn append(&mut self, header: &str) {
        let count = self.lines.len();
        self.finish_line_before(count);
        let needs_blank_line = self.lines.last().is_some_and(|line| !line.trim().is_empty());
        if needs_blank_line {
            self.lines.push(self.line_ending.to_owned());
        }
        self.lines.push(format!("{header}{}", self.line_ending));
    }

    /// Completes a line without a line ending, so that the inserted text starts on a new line.
    pub(crate) fn finish_line_before(&mut self, index: usize) {
        let ending = self.line_ending;
        if let Some(line) = index.checked_sub(1).and_then(|before| self.lines.get_mut(before))
            && !line.ends_with('\n')
        {
            line.push_str(ending);
        }
    }
}

/// Comparisons and checks.
impl Config {
    /// Whether another config is the same line by line, except for these keys of these sections.
    pub fn differs_only_in(&self, other: &Self, known: &[(Section, &str)]) -> bool {
        self.without(known) == other.without(known)
    }

    /// The lines without these keys and their values; comments after the values are kept.
    fn without(&self, known: &[(Section, &str)]) -> Vec<&str> {
        let (mut rest, mut inside, mut is_known) = (Vec::new(), "", false);
        for (index, line) in self.lines.iter().enumerate() {
            let line = line.trim_end_matches(['\r', '\n']);
            match kind(line, index) {
                Line::Header(header) => (inside, is_known) = (header, false),
                Line::Property(key, _) => {
                    let is_this =
                        |(section, name): &(Section, &str)| section.is(inside) && name.eq_ignore_ascii_case(key);
                    is_known = known.iter().any(is_this);
                    if is_known {
                        rest.extend(
                            Some(&line[without_trailing_comment(line).len()..]).filter(|comment| !comment.is_empty()),
                        );
                        continue;
                    }
                }
                Line::Continuation(_) if is_known => continue,
                _ => {}
            }
            rest.push(line);
        }
        rest
    }

    /// The number of the first line of a section that is an indented comment below one of these keys.
    pub fn indented_comment_below(&self, section: Section, keys: &[&str]) -> Option<usize> {
        let indexes = self.indented_comments_below(section, keys);
        indexes.first().map(|index| index + 1)
    }

    /// The number of the first line of a section that is indented and belongs to no key. The AWS CLI reads it as a key,
    /// but the SDKs do not.
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

    /// Whether every section of another config has the same properties in this one.
    pub fn has_sections_of(&self, other: &Self) -> bool {
        other
            .headers()
            .all(|header| self.properties(|own| own == header) == other.properties(|own| own == header))
    }

    /// Whether this config contains comments, or sections that are neither in another config nor known by kind and
    /// name.
    pub fn has_more_than(&self, other: &Self, is_known: impl Fn(&str, &str) -> bool) -> bool {
        let mut sections = self.headers();
        let has_sections = sections.any(|header| {
            let (kind, name) = header.split_once(char::is_whitespace).unwrap_or((header, ""));
            !other.headers().any(|known| known == header) && !is_known(kind, name.trim())
        });
        let has_comment = |(index, line): (usize, &String)| match kind(line, index) {
            Line::Header(_) => !after_header(line).is_empty(),
            Line::Property(..) => without_trailing_comment(line).len() < line.len(),
            Line::IndentedComment => true,
            Line::Other => !line.trim().is_empty(),
            Line::Continuation(_) => false,
        };
        has_sections || self.lines.iter().enumerate().any(has_comment)
    }

    /// The profiles in which a key has this value.
    pub fn profiles_with(&self, key: &str, value: &str) -> impl Iterator<Item = String> {
        let sections = self.sections();
        let is_long_form = |header: &&str| *header != "default" && Section::Profile("default").is(header);
        let ignores_short_form = sections.keys().any(is_long_form);
        let names = sections.into_iter().filter_map(move |(header, properties)| {
            let name = match header.split_once(char::is_whitespace) {
                Some(("profile", name)) => name.trim().trim_matches(['"', '\'']),
                None if header == "default" && !ignores_short_form => header,
                _ => return None,
            };
            (properties.get(key) == Some(&value)).then(|| name.to_owned())
        });
        names.collect::<Vec<_>>().into_iter()
    }

    /// The SSO sessions of the file, with the values that name their cached files.
    pub fn sso_sessions(&self) -> Vec<SsoSession> {
        let sections = self.sections().into_iter();
        let sessions = sections.filter_map(|(header, properties)| {
            let name = header.strip_prefix("sso-session")?.trim().trim_matches(['"', '\'']);
            let value = |key: &str| properties.get(key).map(|value| (*value).to_owned()).unwrap_or_default();
            Some(SsoSession {
                name: name.to_owned(),
                region: value("sso_region"),
                start_url: value("sso_start_url"),
            })
        });
        sessions.collect()
    }

    /// The number of the line with the header of a section, from 1.
    pub fn header_line(&self, section: Section) -> Option<usize> {
        let is_named = self.named(section);
        let mut lines = self.lines.iter().enumerate();
        let line = lines.find(|(index, line)| matches!(kind(line, *index), Line::Header(header) if is_named(header)));
        line.map(|(index, _)| index + 1)
    }

    /// Whether a comment follows the value of a property on its line. The AWS CLI reads it as part of the value.
    pub fn has_comment_behind(&self, section: Section, key: &str) -> bool {
        self.find(section, key).is_some_and(|index| {
            let text = self.lines[index].trim_end_matches(['\r', '\n']);
            without_trailing_comment(text).len() < text.len()
        })
    }

    /// The number of the line with a property of a section, from 1.
    pub fn property_line(&self, section: Section, key: &str) -> Option<usize> {
        self.find(section, key).map(|index| index + 1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

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
    fn existing_properties_keep_their_place_and_comments() {
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
    fn a_comment_behind_a_changed_value_moves_to_the_line_above() {
        let after = |before: &str| edited(before, Section::Profile("p"), &[("region", Some("b"))]);
        assert_eq!(
            after("[profile p]\r\nregion=a ; here\r\nx = 1 # kept\r\n"),
            "[profile p]\r\n; here\r\nregion=b\r\nx = 1 # kept\r\n"
        );
        assert_eq!(
            after("[profile p]\nregion = a # here"),
            "[profile p]\n# here\nregion = b"
        );
        assert_eq!(
            after("[profile p]\nregion = # here\n"),
            "[profile p]\n# here\nregion = b\n"
        );
        assert_eq!(after("[profile p]\nregion =\n"), "[profile p]\nregion = b\n");
    }

    #[test]
    fn the_last_duplicate_wins_and_quotes_do_not_matter() {
        let text = "[profile \"p\"]\nregion = a\nregion = b # c\n[profile p]\noutput = text#x\n";
        let config = Config::parse(text.as_bytes()).unwrap();
        let properties = config.get(Section::Profile("p")).unwrap();
        assert_eq!(properties["region"], "b");
        assert_eq!(properties["output"], "text#x");
    }

    #[test]
    fn profile_default_takes_precedence_over_default() {
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
    fn an_invalid_file_is_rejected_with_the_line_number() {
        assert_eq!(Config::parse(b"[default]\nregion = \xff\n").unwrap_err().line, 2);
        assert_eq!(Config::parse(b"a = 1\n[profile p\n").unwrap_err().line, 2);
    }

    #[test]
    fn a_byte_order_mark_is_kept_and_hides_nothing() {
        let text = "\u{feff}[profile p]\nregion = a\n";
        let after = edited(text, Section::Profile("p"), &[("region", Some("b"))]);
        assert_eq!(after, "\u{feff}[profile p]\nregion = b\n");
    }

    fn parsed(text: &str) -> Config {
        Config::parse(text.as_bytes()).unwrap()
    }

    fn removed(before: &str, name: &str, keys: &[&str]) -> String {
        let mut config = parsed(before);
        let keys: Vec<String> = keys.iter().copied().map(str::to_owned).collect();
        config.remove(Section::Profile(name), &keys);
        config.text()
    }

    #[test]
    fn a_new_value_replaces_the_lines_of_the_old_value_but_not_the_comments_between_them() {
        let before = "[profile p]\ns3 = x\n  max = 1\n# mine\n\n  # also mine\n  min = 2\nregion = a\n  b\n";
        assert_eq!(
            edited(before, Section::Profile("p"), &[("s3", Some("y"))]),
            "[profile p]\ns3 = y\n# mine\n\n  # also mine\nregion = a\n  b\n"
        );
    }

    #[test]
    fn a_key_is_removed_with_all_lines_of_its_values() {
        let cases = [
            (
                "the lines of the value",
                "[profile p]\noutput = x\n  y\nregion = a\n  b\ns3 =\n  max = 1\n[profile q]\nregion = a\n",
                "[profile p]\noutput = x\n  y\ns3 =\n  max = 1\n[profile q]\nregion = a\n",
            ),
            (
                "every duplicate",
                "[profile p]\nregion = a\nREGION = b\n# c\n",
                "[profile p]\n# c\n",
            ),
            (
                "not the comment after a value",
                "[profile p]\nregion = a # mine\n",
                "[profile p]\n# mine\n",
            ),
            (
                "not an indented comment, which is then a comment for all tools",
                "[profile p]\noutput = x\n  # o\nregion = a\n\t# r\n  ; s\n[profile q]\nregion = a\n  # q\n",
                "[profile p]\noutput = x\n  # o\n# r\n; s\n[profile q]\nregion = a\n  # q\n",
            ),
            (
                "not an indented comment below the next header",
                "[profile p]\nregion = a\noutput = x\n[profile p]\n  # here\n",
                "[profile p]\noutput = x\n[profile p]\n  # here\n",
            ),
            (
                "an empty section too",
                "[profile p] # mine\nregion = a\n\n[default]\n",
                "# mine\n\n[default]\n",
            ),
        ];
        for (what, before, after) in cases {
            assert_eq!(removed(before, "p", &["region"]), after, "{what}");
        }
    }

    #[test]
    fn indented_comments_below_a_key_are_found() {
        let text = "[profile p]\n  # 2\nregion = a\noutput = x\n  # 5\n  ; 6\n[profile q]\n  # 8\nregion = a\n  # 10\n";
        for (name, keys, line) in [
            ("p", &["output"][..], Some(5)),
            ("p", &["sso_session", "OUTPUT"], Some(5)),
            ("p", &["region"], None),
            ("q", &["region"], Some(10)),
            ("q", &["output"], None),
            ("r", &["region"], None),
        ] {
            let found = parsed(text).indented_comment_below(Section::Profile(name), keys);
            assert_eq!(found, line, "{keys:?} of {name}");
        }
    }

    #[test]
    fn an_indented_line_directly_below_a_header_is_found() {
        let text = "[profile p]\nregion = a\n  b\n[profile q]\n# c\n  region = a\n[profile r]\n  # c\nregion = a\n";
        for (name, line) in [("p", None), ("q", Some(6)), ("r", None), ("s", None)] {
            let found = parsed(text).indented_without_key(Section::Profile(name));
            assert_eq!(found, line, "{name}");
        }
    }

    #[test]
    fn sso_sessions_are_listed_with_what_names_their_files() {
        let config = parsed(
            "[profile p]\nsso_region = no\n[sso-session s]\nsso_region = r\nsso_start_url = u\n[sso-session t]\n",
        );
        let session = |name: &str, region: &str, start_url: &str| SsoSession {
            name: name.to_owned(),
            region: region.to_owned(),
            start_url: start_url.to_owned(),
        };
        assert_eq!(config.sso_sessions(), [session("s", "r", "u"), session("t", "", "")]);
    }

    #[test]
    fn headers_properties_and_comments_are_found_by_line() {
        let config = parsed("[profile p]\n# c\nx = 1 # c\n[sso-session 's']\nX = 2\nx = 3\n");
        let (profile, session) = (Section::Profile("p"), Section::SsoSession("s"));
        assert_eq!(config.header_line(profile), Some(1));
        assert_eq!(config.header_line(session), Some(4));
        assert_eq!(config.header_line(Section::Profile("s")), None);
        assert_eq!(config.property_line(profile, "x"), Some(3));
        assert_eq!(config.property_line(session, "x"), Some(6));
        assert_eq!(config.property_line(session, "y"), None);
        assert!(config.has_comment_behind(profile, "x"));
        assert!(!config.has_comment_behind(session, "x"));
        assert!(!config.has_comment_behind(profile, "y"));
    }

    #[test]
    fn a_section_is_the_same_if_it_has_the_same_properties_in_any_order() {
        let written = parsed("[sso-session s]\nsso_region = a\n[profile p]\nregion = a\noutput = x\n");
        for (text, is_same) in [
            (
                "[profile p]\noutput=x\nregion=a # c\n\n[sso-session s]\nSSO_Region = a\n[profile q]\n",
                true,
            ),
            (
                "[sso-session s]\nsso_region = a\n[profile p]\nregion = b\noutput = x\n",
                false,
            ),
            ("[sso-session s]\nsso_region = a\n[profile p]\nregion = a\n", false),
            (
                "[sso-session s]\nsso_region = a\n[profile p]\nregion = a\noutput = x\ns3 =\n",
                false,
            ),
            ("[sso-session s]\nsso_region = a\n", false),
            ("", false),
        ] {
            assert_eq!(parsed(text).has_sections_of(&written), is_same, "{text:?}");
        }
        assert!(parsed("").has_sections_of(&parsed("")));
    }

    #[test]
    fn comments_and_sections_of_others_are_more_than_what_was_written() {
        let written = parsed("[profile p]\nregion = a\n");
        let is_known = |kind: &str, name: &str| (kind, name) == ("sso-session", "s");
        for (text, has_more) in [
            ("", false),
            ("[profile p]\nregion = b\n  c\noutput = x\n\n  \n", false),
            ("[profile p]\nregion = a\n[sso-session  s]\nsso_region = a\n", false),
            ("[sso-session t]\n", true),
            ("[profile s]\n", true),
            ("[profile p]\n[default]\n", true),
            ("[profile p] # mine\n", true),
            ("[profile p]\nregion = a # mine\n", true),
            ("[profile p]\nregion = a\n  # mine\n", true),
            ("; mine\n[profile p]\nregion = a\n", true),
        ] {
            assert_eq!(parsed(text).has_more_than(&written, is_known), has_more, "{text:?}");
        }
    }

    #[test]
    fn profiles_are_found_by_a_value() {
        let text = "[default]\nsso_session = s\n\
                    [profile a]\nregion = s\nSSO_Session = s # mine\n\
                    [profile \"b c\"]\nsso_session=s\n\
                    [profile d]\nsso_session = t\n\
                    [profile e]\nsso_session = t\nsso_session = s\n\
                    [services f]\nsso_session = s\n[sso-session s]\nsso_session = s\n[g]\nsso_session = s\n";
        let users = |text: &str| parsed(text).profiles_with("sso_session", "s").collect::<BTreeSet<_>>();
        assert_eq!(users(text), ["default", "a", "b c", "e"].map(str::to_owned).into());
        // The AWS tools ignore `[default]` beside `[profile default]`.
        let both = format!("{text}[profile default]\nregion = a\n");
        assert_eq!(users(&both), ["a", "b c", "e"].map(str::to_owned).into());
        let long = "[profile default]\nsso_session = s\n";
        assert_eq!(users(long), ["default".to_owned()].into());
    }

    #[test]
    fn two_files_that_differ_only_in_some_values_are_compared_line_by_line() {
        let before = "[profile p]\nregion = a\n  b\noutput = x # mine\n[profile q]\nregion = a\n  b\n";
        let known = [(Section::Profile("p"), "region"), (Section::Profile("p"), "output")];
        for (after, is_alike) in [
            (before, true),
            (
                "[profile p]\nREGION=c\noutput = y # mine\n[profile q]\nregion = a\n  b\n",
                true,
            ),
            ("[profile p]\noutput = y # mine\r\n[profile q]\r\nregion = a\n  b", true),
            ("[profile p]\n# mine\n[profile q]\nregion = a\n  b\n", true),
            ("[profile p]\noutput = y\n[profile q]\nregion = a\n  b\n", false),
            ("[profile p]\noutput = y # yours\n[profile q]\nregion = a\n  b\n", false),
            ("[profile p]\noutput = y # mine\n[profile q]\nregion = a\n  c\n", false),
            ("[profile p]\noutput = y # mine\n[profile q]\nregion = b\n  b\n", false),
            (
                "[profile p]\noutput = y # mine\ns3 = z\n[profile q]\nregion = a\n  b\n",
                false,
            ),
            ("[profile p]\noutput = y # mine\n[profile r]\nregion = a\n  b\n", false),
            ("[profile p]\noutput = y # mine\n[profile q]\n  b\nregion = a\n", false),
            ("", false),
        ] {
            assert_eq!(
                parsed(before).differs_only_in(&parsed(after), &known),
                is_alike,
                "{after:?}"
            );
            assert_eq!(
                parsed(after).differs_only_in(&parsed(before), &known),
                is_alike,
                "{after:?}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn a_repeated_edit_changes_nothing_and_keeps_other_lines(
            text in "(\\[(profile [a-c]|default|sso-session s)\\]\n|[a-z]{1,3} ?= ?[a-z#; ]{0,5}\n|#[a-z ]{0,5}\n|  [a-z]=1\n|\n){0,20}",
        ) {
            let properties = [("region", Some("eu-west-1")), ("sso_session", Some("s"))];
            let once = edited(&text, Section::Profile("p"), &properties);
            proptest::prop_assert_eq!(&edited(&once, Section::Profile("p"), &properties), &once);
            proptest::prop_assert!(once.starts_with(&text));
        }

        #[test]
        fn an_edit_changes_nothing_but_the_keys_of_its_section(
            text in "(\\[(profile [a-c]|default|sso-session s)\\]\n|(k|[a-z]{1,3}) ?= ?[a-z#; ]{0,5}\n|#[a-z ]{0,5}\n|  [#;]?[a-z]=1\n|\n){0,20}",
            value in proptest::option::of("[a-z]{1,3}"),
        ) {
            let text = format!("[profile p]\n{text}");
            let after = edited(&text, Section::Profile("p"), &[("k", value.as_deref())]);
            let is_alike = parsed(&text).differs_only_in(&parsed(&after), &[(Section::Profile("p"), "k")]);
            proptest::prop_assert!(is_alike, "{:?} became {:?}", text, after);
            let read = parsed(&after).get(Section::Profile("p")).unwrap_or_default();
            proptest::prop_assert_eq!(read.get("k"), value.as_ref());
        }
    }
}
