//! What an edit took out of a file, line by line, so that just that can be put back while the file still begins as it
//! was left.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use similar::{ChangeTag, TextDiff};

use aws_config_file::files;

/// One edit. What others have written behind it since does not matter; what they have written within it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Edit {
    /// How many bytes the file had after it, up to the end of the last change.
    pub length: usize,
    /// The SHA-256 of these bytes.
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
    /// What stood there.
    pub before: Vec<Line>,
}

/// A line that stood there: what was ours to replace, and behind it what is in the file still.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// A value of one of our keys; nothing of anybody else's is written down.
    pub own: String,
    /// Where the rest of it stands now: a comment, or a line that only got an end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<Rest>,
    /// Its end: none, or a line feed with or without a carriage return.
    pub end: String,
}

/// A part of a line of the file after the edit, without the line's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rest {
    /// The line, from 0.
    pub line: usize,
    /// Its first byte.
    pub from: usize,
}

/// A line and its end.
fn parted(line: &str) -> (&str, &str) {
    line.split_at(line.trim_end_matches(['\r', '\n']).len())
}

impl Line {
    /// `own` answers how much of a line is ours. `None` when the rest is nowhere in the file any more: then nothing is
    /// written down.
    fn of(line: &str, after: &[&str], range: Range<usize>, own: impl Fn(&str) -> usize) -> Option<Self> {
        let (text, end) = parted(line);
        let own = own(text);
        let rest = &text[own..];
        let stands = |line: usize| {
            let now = parted(after[line]).0;
            now.ends_with(rest).then(|| Rest {
                line,
                from: now.len() - rest.len(),
            })
        };
        let rest = match rest {
            "" => None,
            _ => Some(range.into_iter().find_map(stands)?),
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
            Some(rest) => parted(now.get(rest.line)?).0.get(rest.from..)?,
            None => "",
        };
        is_one_line.then(|| format!("{}{rest}{}", self.own, self.end))
    }
}

impl Edit {
    /// The edit that made one text of another; `own` answers how many bytes of a line, without its end, are ours. `None`
    /// when something else was taken out, too.
    pub fn between(before: &str, after: &str, own: impl Fn(&str) -> usize) -> Option<Self> {
        let diff = TextDiff::from_lines(before, after);
        let lines: Vec<&str> = after.split_inclusive('\n').collect();
        let ops = diff.ops().iter().filter(|op| op.tag() != similar::DiffTag::Equal);
        let changes = ops.map(|op| {
            let mut gone = diff.iter_changes(op).filter(|change| change.tag() == ChangeTag::Delete);
            let line = |line: &str| Line::of(line, &lines, op.new_range(), &own);
            let before = gone
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
        // What comes behind the last change is nothing to it: it may be ours as well, and gone by then.
        let end = changes.last().map_or(0, |last| last.at + last.count);
        let truncation: String = lines[..end].concat();
        Some(Self {
            length: truncation.len(),
            sha256: files::digest(truncation.as_bytes()),
            changes,
        })
    }

    /// The text as it was before; `None` when it is not any more what the edit has left, or when the edit is none: the
    /// state file may be anybody's. Whether it is one that may be made is for whoever asks to see.
    pub fn reverted(&self, text: &str) -> Option<String> {
        let (ours, behind) = text.split_at_checked(self.length)?;
        if files::digest(ours.as_bytes()) != self.sha256 {
            return None;
        }
        let now: Vec<&str> = ours.split_inclusive('\n').collect();
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
        // A last line without an end would run into what has come behind it.
        let is_apart =
            before.is_empty() || before.ends_with('\n') || behind.is_empty() || behind.starts_with(['\r', '\n']);
        is_apart.then(|| before + behind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All of it.
    fn all(line: &str) -> usize {
        line.len()
    }

    /// Up to a comment, where it is about `b`.
    fn of_b(line: &str) -> usize {
        if line.starts_with('b') {
            line.find('#').unwrap_or(line.len())
        } else {
            0
        }
    }

    #[test]
    fn what_came_behind_stays_and_what_came_between_prevents_it() {
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
            "it would be glued to the last line"
        );
        for other in ["", "a\n", "a\ny\nd\ne\n", "f\na\nx\nd\ne\n"] {
            assert_eq!(edit.reverted(other), None, "{other:?}");
        }
    }

    #[test]
    fn what_is_somebody_elses_is_read_from_the_file_and_not_written_down() {
        let before = "[a]\r\nb = x # a secret\r\nkey = another";
        let after = "[a]\r\nb = y # a secret\r\nkey = another\r\nnew = z\r\n";
        let edit = Edit::between(before, after, of_b).unwrap();
        assert!(!serde_json::to_string(&edit).unwrap().contains("secret"));
        assert!(!serde_json::to_string(&edit).unwrap().contains("another"));
        assert_eq!(edit.reverted(after).as_deref(), Some(before));
        assert_eq!(Edit::between("key = gone\n", "", of_b), None);
    }

    #[test]
    fn a_line_that_is_more_than_one_does_not_come_back() {
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
        fn an_edit_and_back_is_the_text_that_was(before in "([ab]?\r?\n|c){0,8}", after in "([ab]?\r?\n|c){0,8}") {
            let edit = Edit::between(&before, &after, all);
            proptest::prop_assert_eq!(edit.unwrap().reverted(&after), Some(before));
        }

        #[test]
        fn whatever_a_state_file_says_nothing_panics(at in 0_usize..5, count in proptest::num::usize::ANY, text in "[äa\n]{0,5}", length in 0_usize..8, from in 0_usize..4) {
            let Some(mut edit) = Edit::between("", &text, all) else { return Ok(()) };
            edit.length = length;
            let rest = Some(Rest { line: at, from });
            let line = Line { own: String::new(), rest, end: String::new() };
            edit.changes.push(Lines { at, count, before: vec![line] });
            let _ = edit.reverted(&text);
        }
    }
}
