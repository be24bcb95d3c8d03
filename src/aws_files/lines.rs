//! One line of `~/.aws/config`, as the SDKs read it.

/// What a line is.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// The text between the brackets.
    Header(&'a str),
    /// Key and value, without a comment.
    Property(&'a str, &'a str),
    /// Indented: part of the value above.
    Continuation,
    /// Blank, a comment, or nothing that anybody reads.
    Other,
}

/// A line without its end and, at the top of the file, without a byte order mark.
pub fn content(line: &str, index: usize) -> &str {
    let line = line.trim_end_matches(['\r', '\n']);
    if index == 0 {
        line.trim_start_matches('\u{feff}')
    } else {
        line
    }
}

/// A header's text up to a comment.
pub fn uncommented(line: &str) -> &str {
    line.split(['#', ';']).next().unwrap_or(line)
}

/// What a line is; `index` 0 is the top of the file.
pub fn kind(line: &str, index: usize) -> Line<'_> {
    let line = content(line, index);
    let text = line.trim();
    if text.is_empty() || text.starts_with(['#', ';']) {
        return Line::Other;
    }
    if line.starts_with([' ', '\t']) {
        return Line::Continuation;
    }
    if let Some(rest) = text.strip_prefix('[') {
        return Line::Header(rest.split(']').next().unwrap_or(rest).trim());
    }
    match text.split_once('=') {
        Some((key, value)) => Line::Property(key.trim(), without_comment(value).trim()),
        None => Line::Other,
    }
}

/// In a value a comment begins at `#` or `;` after white space.
pub fn without_comment(value: &str) -> &str {
    let mut before = ' ';
    for (index, letter) in value.char_indices() {
        if matches!(letter, '#' | ';') && before.is_whitespace() && index > 0 {
            return &value[..index];
        }
        before = letter;
    }
    value
}

/// Whether a line says something by another key than these, or begins a section.
pub fn says_something_else(line: &str, keys: &[&str]) -> bool {
    // Not as the top of a file: a byte order mark is no blank.
    match kind(line, 1) {
        Line::Header(_) => true,
        Line::Property(key, _) => !keys.iter().any(|known| key.eq_ignore_ascii_case(known)),
        Line::Continuation | Line::Other => false,
    }
}
