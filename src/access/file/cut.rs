//! Cuts items out of lists in a text, and leaves everything else as it is written.

use std::ops::Range;

use super::format::Format;
use super::source::Source;
use super::tree::{Node, Value};

/// Items of a list that go.
#[derive(Debug)]
pub struct Cut<'a> {
    /// The list.
    pub list: &'a Node,
    /// The positions of the items.
    pub indices: Vec<usize>,
}

impl Cut<'_> {
    /// The first byte of the first item that goes.
    pub fn first_item(&self) -> Option<usize> {
        let index = *self.indices.first()?;
        self.list.items().get(index).map(|item| item.span.start)
    }

    fn removes(&self, index: usize) -> bool {
        self.indices.contains(&index)
    }

    fn removes_all(&self) -> bool {
        self.indices.len() == self.list.items().len()
    }
}

/// How a file is written.
#[derive(Debug, Clone, Copy)]
pub struct Layout<'a> {
    source: &'a Source,
    text: &'a str,
    format: Format,
}

/// Bytes that are replaced.
struct Patch {
    range: Range<usize>,
    with: &'static str,
}

impl From<Range<usize>> for Patch {
    fn from(range: Range<usize>) -> Self {
        Self { range, with: "" }
    }
}

impl<'a> Layout<'a> {
    /// The layout of a file.
    pub fn new(source: &'a Source, format: Format) -> Self {
        Self {
            source,
            text: &source.text,
            format,
        }
    }

    /// The text after cuts.
    ///
    /// # Errors
    /// The byte of a list that is written in a way that cannot be edited.
    pub fn without(&self, cuts: &[Cut<'_>]) -> Result<String, usize> {
        let mut patches = Vec::new();
        for cut in cuts {
            patches.extend(self.patches(cut)?);
        }
        patches.sort_by_key(|patch| (patch.range.start, patch.range.end));
        // An alias of YAML stands for what is written elsewhere, and is cut there.
        patches.dedup_by(|next, patch| next.range == patch.range);
        let mut text = String::with_capacity(self.text.len());
        let mut at = 0;
        for patch in patches {
            if let Some(kept) = self.text.get(at..patch.range.start) {
                text += kept;
            }
            text += patch.with;
            at = at.max(patch.range.end);
        }
        text += self.text.get(at..).unwrap_or_default();
        Ok(text)
    }

    fn patches(&self, cut: &Cut<'_>) -> Result<Vec<Patch>, usize> {
        let start = cut.list.span.start;
        let first = cut.list.items().first().map_or(start, |item| item.span.start);
        if self.format == Format::Toml && self.text[first..].starts_with("[[") && is_table(cut.list.items().first()) {
            Ok(self.of_header_tables(cut))
        } else if self.text[start..].starts_with('[') {
            Ok(self.of_brackets(cut))
        } else if self.format == Format::Yaml {
            self.of_block(cut)
        } else {
            Err(start)
        }
    }

    /// Tables with headers, `[[user]]`: the lines from the comment above the header to the last value, and the comment below
    /// it if that belongs to no other table.
    fn of_header_tables(&self, cut: &Cut<'_>) -> Vec<Patch> {
        let items = cut.list.items().iter().enumerate();
        let removed = items.filter(|(index, _)| cut.removes(*index));
        removed
            .map(|(_, item)| {
                let start = self.start_of_comments(self.source.line_start(item.span.start));
                let mut end = self.source.line_end(item.end());
                let comments_end = self.end_of_comments(end);
                let follows_nothing = self.line(comments_end).trim().is_empty();
                if follows_nothing {
                    end = comments_end;
                }
                Patch::from(self.with_blank_lines(start..end))
            })
            .collect()
    }

    /// A list in brackets. An item that has its lines for itself goes with them, and with the comment behind it.
    fn of_brackets(&self, cut: &Cut<'_>) -> Vec<Patch> {
        let items = cut.list.items();
        let inside = cut.list.span.start + 1..cut.list.span.end.saturating_sub(1);
        if cut.removes_all()
            && self
                .text
                .get(inside.clone())
                .is_some_and(|inside| !inside.contains('#'))
        {
            return vec![inside.into()];
        }
        let mut patches: Vec<Patch> = Vec::new();
        for (index, item) in items.iter().enumerate().filter(|(index, _)| cut.removes(*index)) {
            let next = items.get(index + 1).map(|next| next.span.start);
            patches.push(self.in_brackets(item, next).into());
        }
        let last_kept = (0..items.len()).rev().find(|index| !cut.removes(*index));
        let is_last_removed = cut.removes(items.len().saturating_sub(1));
        let had_last_comma = items.last().is_some_and(|last| self.comma_after(last.end()).is_some());
        if let Some(kept) = last_kept.and_then(|index| items.get(index))
            && is_last_removed
            && !had_last_comma
            && let Some(comma) = self.comma_after(kept.end())
        {
            patches.push((comma..comma + 1).into());
        }
        patches
    }

    /// The bytes of an item in brackets, with its comma.
    fn in_brackets(&self, item: &Node, next: Option<usize>) -> Range<usize> {
        let (start, end) = (item.span.start, item.end());
        let line_start = self.source.line_start(start);
        let line_end = self.source.line_end(end);
        let before = &self.text[line_start..start];
        let after = self.text[end..line_end].trim_start();
        let after = after.strip_prefix(',').unwrap_or(after).trim();
        let is_alone = before.trim().is_empty() && (after.is_empty() || self.is_comment(after));
        if is_alone {
            return line_start..line_end;
        }
        if let Some(next) = next.filter(|next| self.source.line_start(*next) == self.source.line_start(end)) {
            return start..next;
        }
        let end = self.comma_after(end).map_or(end, |comma| comma + 1);
        let before = before.trim_end();
        if before.ends_with(',') {
            return line_start + before.len()..end;
        }
        start..end
    }

    /// The comma after an item, beyond white space and comments.
    fn comma_after(&self, end: usize) -> Option<usize> {
        let mut at = end;
        loop {
            let rest = self.text.get(at..)?;
            let trimmed = rest.trim_start();
            at += rest.len() - trimmed.len();
            match trimmed.chars().next()? {
                ',' => return Some(at),
                '#' if self.format != Format::Json => at = self.source.line_end(at),
                _ => return None,
            }
        }
    }

    /// A list of YAML with a `-` for each item.
    fn of_block(&self, cut: &Cut<'_>) -> Result<Vec<Patch>, usize> {
        let mut patches: Vec<Patch> = Vec::new();
        for item in cut.indices.iter().filter_map(|index| cut.list.items().get(*index)) {
            let line_start = self.source.line_start(item.span.start);
            let line_end = self.source.line_end(item.end());
            let before = self.text[line_start..item.span.start].trim();
            let after = self.text[item.end()..line_end].trim();
            if before != "-" || !(after.is_empty() || self.is_comment(after)) {
                return Err(item.span.start);
            }
            if is_table(Some(item)) {
                let start = self.start_of_comments(line_start);
                patches.push(self.with_blank_lines(start..line_end).into());
            } else {
                patches.push((line_start..line_end).into());
            }
        }
        if cut.removes_all() {
            let colon = self.colon_before(cut).ok_or(cut.list.span.start)?;
            patches.push(Patch {
                range: colon + 1..colon + 1,
                with: " []",
            });
        }
        Ok(patches)
    }

    /// The colon behind the key of a block list.
    fn colon_before(&self, cut: &Cut<'_>) -> Option<usize> {
        let mut line_start = self.source.line_start(cut.list.span.start);
        while line_start > 0 {
            line_start = self.source.line_start(line_start - 1);
            let line = self.line(line_start);
            let content = line.trim_start();
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            let without_comment = line.split(" #").next().unwrap_or(line).trim_end();
            return without_comment
                .ends_with(':')
                .then(|| line_start + without_comment.len() - 1);
        }
        None
    }

    /// The line that begins at a byte.
    fn line(&self, start: usize) -> &'a str {
        self.text.get(start..self.source.line_end(start)).unwrap_or_default()
    }

    fn is_comment(&self, text: &str) -> bool {
        self.format != Format::Json && text.starts_with('#')
    }

    /// The start of the comments directly above a line.
    fn start_of_comments(&self, mut line_start: usize) -> usize {
        while line_start > 0 {
            let above = self.source.line_start(line_start - 1);
            if !self.is_comment(self.line(above).trim_start()) {
                break;
            }
            line_start = above;
        }
        line_start
    }

    /// The end of the comments from a line on.
    fn end_of_comments(&self, mut line_start: usize) -> usize {
        while line_start < self.text.len() && self.is_comment(self.line(line_start).trim_start()) {
            line_start = self.source.line_end(line_start);
        }
        line_start
    }

    /// A range of lines with the blank lines below it, if what is above it ends with a blank line already or is nothing; at
    /// the end of the file, with those above it.
    fn with_blank_lines(&self, lines: Range<usize>) -> Range<usize> {
        let Range { mut start, mut end } = lines;
        let is_blank = |line_start: usize| self.line(line_start).trim().is_empty();
        if start == 0 || is_blank(self.source.line_start(start - 1)) {
            while end < self.text.len() && is_blank(end) {
                end = self.source.line_end(end);
            }
        }
        if end == self.text.len() {
            while start > 0 && is_blank(self.source.line_start(start - 1)) {
                start = self.source.line_start(start - 1);
            }
        }
        start..end
    }
}

fn is_table(node: Option<&Node>) -> bool {
    matches!(node.map(|node| &node.value), Some(Value::Table(_)))
}
