//! What an edit removed from a file, line by line. Undo can restore exactly these lines as long as the file still
//! begins with the text after the edit.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use similar::{ChangeTag, TextDiff};

use aws_config_file::files;

/// One edit. Later changes after the edited part do not matter. Later changes within it prevent reverting the edit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Edit {
    /// The length in bytes of the file after the edit, up to the end of the last change.
    pub length: usize,
    /// The SHA-256 of these bytes.
    pub sha256: String,
    /// The changes, from the top of the file.
    pub changes: Vec<Lines>,
}

/// Lines that replaced other lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lines {
    /// The first line, counted from 0, in the file after the edit.
    pub at: usize,
    /// The number of lines after the edit.
    pub count: usize,
    /// The lines before the edit.
    pub before: Vec<Line>,
}

/// A line before the edit: the part that was replaced, and the part that is still in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// The part with one of our keys. Nothing else of the file is recorded.
    pub own: String,
    /// Where the rest of the line is now: a comment, or a line that only got a line ending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<Rest>,
    /// The line ending: none, or a line feed with or without a carriage return.
    pub end: String,
}

/// A part of a line of the file after the edit, without the line ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rest {
    /// The line, counted from 0.
    pub line: usize,
    /// The first byte within the line.
    pub from: usize,
}

/// A line and its line ending.
fn split_ending(line: &str) -> (&str, &str) {
    line.split_at(line.trim_end_matches(['\r', '\n']).len())
}

impl Line {
    /// `own` returns how many bytes of a line belong to this program. `None` if the rest of the line is no longer in the
    /// file; then nothing is recorded.
    fn of(line: &str, after: &[&str], range: Range<usize>, own: impl Fn(&str) -> usize) -> Option<Self> {
        let (text, end) = split_ending(line);
        let own = own(text);
        let rest = &text[own..];
        let find_in = |line: usize| {
            let now = split_ending(after[line]).0;
            now.ends_with(rest).then(|| Rest {
                line,
                from: now.len() - rest.len(),
            })
        };
        let rest = match rest {
            "" => None,
            _ => Some(range.into_iter().find_map(find_in)?),
        };
        Some(Self {
            own: text[..own].to_owned(),
            rest,
            end: end.to_owned(),
        })
    }

    fn text(&self, now: &[&str]) -> Option<String> {
        let is_one_line = !self.own.contains(['\r', '\n']) && ["", "\n", "\r\n"].contains(&self.end.as_str());
        let rest = match self.rest {
            Some(rest) => split_ending(now.get(rest.line)?).0.get(rest.from..)?,
            None => "",
        };
        is_one_line.then(|| format!("{}{rest}{}", self.own, self.end))
    }
}

impl Edit {
    /// The edit that turned `before` into `after`. `own` returns how many bytes of a line, without its line ending,
    /// belong to this program. `None` if the edit also removed something else.
    pub fn between(before: &str, after: &str, own: impl Fn(&str) -> usize) -> Option<Self> {
        let diff = TextDiff::from_lines(before, after);
        let lines: Vec<&str> = after.split_inclusive('\n').collect();
        let ops = diff.ops().iter().filter(|op| op.tag() != similar::DiffTag::Equal);
        let changes = ops.map(|op| {
            let mut deleted = diff.iter_changes(op).filter(|change| change.tag() == ChangeTag::Delete);
            let line = |line: &str| Line::of(line, &lines, op.new_range(), &own);
            let before = deleted
                .by_ref()
                .map(|change| line(change.value()))
                .collect::<Option<_>>()?;
            Some(Lines {
                at: op.new_range().start,
                count: op.new_range().len(),
                before,
            })
        });
        let changes: Vec<Lines> = changes.collect::<Option<_>>()?;
        // What follows the last change does not matter: it may belong to this program too, and be deleted before this
        // edit is reverted.
        let end = changes.last().map_or(0, |last| last.at + last.count);
        let prefix: String = lines[..end].concat();
        Some(Self {
            length: prefix.len(),
            sha256: files::digest(prefix.as_bytes()),
            changes,
        })
    }

    /// The text before the edit. `None` if the text is no longer the text after the edit, or if the edit is invalid:
    /// the state file is untrusted. The caller must check whether the result is allowed.
    pub fn reverted(&self, text: &str) -> Option<String> {
        let (edited, rest) = text.split_at_checked(self.length)?;
        if files::digest(edited.as_bytes()) != self.sha256 {
            return None;
        }
        let now: Vec<&str> = edited.split_inclusive('\n').collect();
        let mut before = String::new();
        let mut next = 0;
        for change in &self.changes {
            let end = change.at.checked_add(change.count).filter(|end| *end <= now.len())?;
            before.extend(now.get(next..change.at)?.iter().copied());
            for line in &change.before {
                before.push_str(&line.text(&now)?);
            }
            next = end;
        }
        before.extend(now.get(next..)?.iter().copied());
        // A last line without a line ending would be joined with the text after it.
        let is_apart = before.is_empty() || before.ends_with('\n') || rest.is_empty() || rest.starts_with(['\r', '\n']);
        is_apart.then(|| before + rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole line.
    fn all(line: &str) -> usize {
        line.len()
    }

    /// A line with the key `b`, up to a comment.
    fn of_b(line: &str) -> usize {
        if line.starts_with('b') {
            line.find('#').unwrap_or(line.len())
        } else {
            0
        }
    }

    #[test]
    fn later_text_is_kept_and_a_change_within_the_edit_prevents_reverting() {
        let (before, after) = ("a\nb # mine\n  c\nd", "a\nx\nd\ne\n");
        let edit = Edit::between(before, after, all).unwrap();
        assert_eq!(edit.reverted(after).as_deref(), Some(before));
        assert_eq!(
            edit.reverted("a\nx\nd\ne\n\nf\n").as_deref(),
            Some("a\nb # mine\n  c\nd\nf\n")
        );
        assert_eq!(
            edit.reverted("a\nx\nd\ne\nf\n"),
            None,
            "it would be joined with the last line"
        );
        for other in ["", "a\n", "a\ny\nd\ne\n", "f\na\nx\nd\ne\n"] {
            assert_eq!(edit.reverted(other), None, "{other:?}");
        }
    }

    #[test]
    fn foreign_text_is_read_from_the_file_and_not_recorded() {
        let before = "[a]\r\nb = x # a secret\r\nkey = another";
        let after = "[a]\r\nb = y # a secret\r\nkey = another\r\nnew = z\r\n";
        let edit = Edit::between(before, after, of_b).unwrap();
        assert!(!serde_json::to_string(&edit).unwrap().contains("secret"));
        assert!(!serde_json::to_string(&edit).unwrap().contains("another"));
        assert_eq!(edit.reverted(after).as_deref(), Some(before));
        assert_eq!(Edit::between("key = gone\n", "", of_b), None);
    }

    #[test]
    fn a_recorded_line_with_a_line_break_is_refused() {
        let after = "[a]\nb = z\n";
        let edit = Edit::between("[a]\nb = x\n", after, of_b).unwrap();
        for evil in ["b = x\n[evil]", "b = x\r[evil]"] {
            let mut edit = edit.clone();
            edit.changes[0].before[0].own = evil.to_owned();
            assert_eq!(edit.reverted(after), None, "{evil:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn reverting_an_edit_restores_the_text(before in "([ab]?\r?\n|c){0,8}", after in "([ab]?\r?\n|c){0,8}") {
            let edit = Edit::between(&before, &after, all);
            proptest::prop_assert_eq!(edit.unwrap().reverted(&after), Some(before));
        }

        #[test]
        fn no_content_of_a_state_file_panics(at in 0_usize..5, count in proptest::num::usize::ANY, text in "[äa\n]{0,5}", length in 0_usize..8, from in 0_usize..4) {
            let Some(mut edit) = Edit::between("", &text, all) else { return Ok(()) };
            edit.length = length;
            let rest = Some(Rest { line: at, from });
            let line = Line { own: String::new(), rest, end: String::new() };
            edit.changes.push(Lines { at, count, before: vec![line] });
            let _ = edit.reverted(&text);
        }
    }
}
