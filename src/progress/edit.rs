//! What an edit took out of a file, line by line, so that just that can be put back while the file still begins as it
//! was left.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use similar::{ChangeTag, TextDiff};

use crate::files;

/// One edit. What others have written behind it since does not matter; what they have written within it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Edit {
    /// How many bytes the file had after it.
    pub length: usize,
    /// The SHA-256 of these.
    pub sha256: String,
    /// What it changed, from the top.
    pub changes: Vec<Lines>,
}

/// Lines that took the place of others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lines {
    /// The first one, from 0, in the file after the edit.
    pub at: usize,
    /// How many there are now.
    pub count: usize,
    /// What stood there, with line ends.
    pub before: Vec<String>,
}

impl Edit {
    /// The edit that made one text of another.
    pub fn between(before: &str, after: &str) -> Self {
        let diff = TextDiff::from_lines(before, after);
        let ops = diff.ops().iter().filter(|op| op.tag() != similar::DiffTag::Equal);
        let changes = ops.map(|op| {
            let gone = diff.iter_changes(op).filter(|change| change.tag() == ChangeTag::Delete);
            Lines {
                at: op.new_range().start,
                count: op.new_range().len(),
                before: gone.map(|change| change.value().to_owned()).collect(),
            }
        });
        Self {
            length: after.len(),
            sha256: files::digest(after.as_bytes()),
            changes: changes.collect(),
        }
    }

    /// The text as it was before; `None` when it is not any more what the edit has left, or when a line would come back
    /// that is not of the kind that the edit was about: the state file may be anybody's.
    pub fn reverted(&self, text: &str, is_ours: impl Fn(&str) -> bool) -> Option<String> {
        let (ours, behind) = text.split_at_checked(self.length)?;
        if files::digest(ours.as_bytes()) != self.sha256 {
            return None;
        }
        let mut lines: Vec<&str> = ours.split_inclusive('\n').collect();
        for change in self.changes.iter().rev() {
            let end = change.at.checked_add(change.count).filter(|end| *end <= lines.len())?;
            let stands = |line: &str| {
                lines[change.at..end]
                    .iter()
                    .any(|now| now.trim_end() == line.trim_end())
            };
            if !change.before.iter().all(|line| is_ours(line) || stands(line)) {
                return None;
            }
            lines.splice(change.at..end, change.before.iter().map(String::as_str));
        }
        let before = lines.concat();
        // A last line without an end would run into what has come behind it.
        let is_apart =
            before.is_empty() || before.ends_with('\n') || behind.is_empty() || behind.starts_with(['\r', '\n']);
        is_apart.then(|| before + behind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_behind_stays_and_what_came_between_prevents_it() {
        let (before, after) = ("a\nb # mine\n  c\nd", "a\nx\nd\ne\n");
        let edit = Edit::between(before, after);
        assert_eq!(edit.reverted(after, |_| true).as_deref(), Some(before));
        assert_eq!(
            edit.reverted("a\nx\nd\ne\n\nf\n", |_| true).as_deref(),
            Some("a\nb # mine\n  c\nd\nf\n")
        );
        assert_eq!(
            edit.reverted("a\nx\nd\ne\nf\n", |_| true),
            None,
            "it would be glued to the last line"
        );
        for other in ["", "a\n", "a\ny\nd\ne\n", "f\na\nx\nd\ne\n"] {
            assert_eq!(edit.reverted(other, |_| true), None, "{other:?}");
        }
    }

    #[test]
    fn a_line_of_another_kind_does_not_come_back() {
        let edit = Edit::between("[a]\nregion = x\nevil = y\n", "[a]\nregion = z\n");
        let text = "[a]\nregion = z\n";
        assert_eq!(edit.reverted(text, |line| line.starts_with("region")), None);
        // A last line that only had no line end is there already.
        let edit = Edit::between("[a]\nother = y", "[a]\nother = y\nregion = z\n");
        let text = "[a]\nother = y\nregion = z\n";
        let before = edit.reverted(text, |line| line.starts_with("region"));
        assert_eq!(before.as_deref(), Some("[a]\nother = y"));
    }

    proptest::proptest! {
        #[test]
        fn an_edit_and_back_is_the_text_that_was(before in "([ab]?\r?\n|c){0,8}", after in "([ab]?\r?\n|c){0,8}") {
            proptest::prop_assert_eq!(Edit::between(&before, &after).reverted(&after, |_| true), Some(before));
        }

        #[test]
        fn whatever_a_state_file_says_nothing_panics(at in 0_usize..5, count in proptest::num::usize::ANY, text in "[äa\n]{0,5}", length in 0_usize..8) {
            let mut edit = Edit::between("", &text);
            edit.length = length;
            edit.changes.push(Lines { at, count, before: vec![] });
            let _ = edit.reverted(&text, |_| true);
        }
    }
}
