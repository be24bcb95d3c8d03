//! The text of one file, and the lines and columns in it.

use std::path::Path;
use std::rc::Rc;

use crate::access::mistake::{Mistake, Place};
use crate::limits::DEEPEST_NESTING;
use crate::text::{capitalized, one_line, shortened};

/// The mark that some editors write at the beginning of a file.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// A file that was read.
#[derive(Debug, Clone)]
pub struct Source {
    /// The path, as the user named it or as an `include` names it.
    pub path: Rc<Path>,
    /// The text, without a byte order mark.
    pub text: String,
    has_mark: bool,
    line_starts: Vec<usize>,
}

/// The suggestion for a syntax error.
pub const CHECK_SYNTAX: &str =
    "Look for a quote, bracket, comma or space that is missing or surplus, here or in the lines above.";

/// The suggestion for a syntax error in YAML, where the indentation counts.
const CHECK_INDENTATION: &str = "Look for a quote, bracket, comma or space that is missing or surplus, or a line that is \
                                 indented differently, here or in the lines above.";

/// The suggestion for a number that is too large to be read.
pub const SMALLER_NUMBER: &str = "Write a smaller number.";

impl Source {
    /// Whether the file is in YAML, by the end of its name.
    pub fn is_yaml(&self) -> bool {
        self.has_extension(&["yaml", "yml"])
    }

    /// A key with its value as this file writes it: `format = 1`, `format: 1` or `"format": 1`.
    pub fn pair(&self, key: &str, value: &str) -> String {
        if self.is_yaml() {
            format!("{key}: {value}")
        } else if self.has_extension(&["json"]) {
            format!("\"{key}\": {value}")
        } else {
            format!("{key} = {value}")
        }
    }

    fn has_extension(&self, extensions: &[&str]) -> bool {
        let extension = self.path.extension().and_then(|extension| extension.to_str());
        extension.is_some_and(|own| extensions.iter().any(|other| own.eq_ignore_ascii_case(other)))
    }

    /// A file with this content.
    pub fn new(path: &Path, content: &str) -> Self {
        let text = content.strip_prefix(BYTE_ORDER_MARK).unwrap_or(content);
        let breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            path: Rc::from(path),
            text: text.to_owned(),
            has_mark: text.len() < content.len(),
            line_starts: std::iter::once(0).chain(breaks).collect(),
        }
    }

    /// The content of the file if it had this text.
    pub fn content_with(&self, text: &str) -> String {
        if self.has_mark {
            format!("{BYTE_ORDER_MARK}{text}")
        } else {
            text.to_owned()
        }
    }

    /// The place of a byte of the text.
    pub fn place(&self, offset: usize) -> Place {
        let offset = self.text.floor_char_boundary(offset);
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let start = self.line_start(offset);
        Place {
            file: Rc::clone(&self.path),
            line,
            column: self.text[start..offset].chars().count() + 1,
        }
    }

    /// The first byte of the line that contains a byte.
    pub fn line_start(&self, offset: usize) -> usize {
        let line = self.line_starts.partition_point(|start| *start <= offset);
        self.line_starts.get(line.saturating_sub(1)).copied().unwrap_or(0)
    }

    /// The byte after the line that contains a byte: the first byte of the next line, or the end of the text.
    pub fn line_end(&self, offset: usize) -> usize {
        let line = self.line_starts.partition_point(|start| *start <= offset);
        self.line_starts.get(line).copied().unwrap_or(self.text.len())
    }

    /// The byte at a line and a column in bytes, both counted from 1.
    pub fn offset(&self, line: usize, column: usize) -> usize {
        let start = self.line_starts.get(line.saturating_sub(1)).copied();
        let offset = start.map_or(self.text.len(), |start| start + column.saturating_sub(1));
        offset.min(self.text.len())
    }

    /// A mistake at a byte of the text, and what to do about it.
    pub fn mistake(&self, offset: usize, message: impl Into<String>, suggestion: impl Into<String>) -> Mistake {
        Mistake {
            place: self.place(offset),
            message: message.into(),
            suggestion: suggestion.into(),
        }
    }

    /// The mistake of a list or table that is nested too deep.
    pub fn nesting_mistake(&self, offset: usize) -> Mistake {
        self.mistake(
            offset,
            format!("Lists and tables are nested more than {DEEPEST_NESTING} deep."),
            "An access file needs far fewer levels. Look for a surplus bracket or indentation.",
        )
    }

    /// A mistake that a parser found, in its words.
    pub fn syntax_mistake(&self, offset: usize, language: &str, words: &str) -> Mistake {
        let words = shortened(&one_line(words));
        let words = capitalized(words.trim_end_matches('.'));
        let suggestion = if self.is_yaml() {
            CHECK_INDENTATION
        } else {
            CHECK_SYNTAX
        };
        self.mistake(offset, format!("This is not valid {language}. {words}."), suggestion)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_syntax_error_in_yaml_can_be_the_indentation() {
        let suggestion = |name: &str| {
            Source::new(Path::new(name), "")
                .syntax_mistake(0, "text", "no")
                .suggestion
        };
        assert!(suggestion("a.yaml").contains("indented"));
        assert!(!suggestion("a.toml").contains("indented"));
    }

    #[test]
    fn columns_count_characters() {
        let source = Source::new(Path::new("a.toml"), "\u{feff}ä = 1\nöö = 2\n");
        let place = |offset| {
            let place = source.place(offset);
            (place.line, place.column)
        };
        assert_eq!(place(0), (1, 1));
        assert_eq!(place(3), (1, 3));
        assert_eq!(place(7), (2, 1));
        assert_eq!(place(11), (2, 3));
        assert_eq!(place(8), (2, 1), "within a character");
        assert_eq!(place(1000), (3, 1));
        assert_eq!(source.place(7).to_string(), "a.toml:2:1");
        assert_eq!(source.content_with("x"), "\u{feff}x");
        assert_eq!((source.line_start(9), source.line_end(9)), (7, source.text.len()));
    }
}
