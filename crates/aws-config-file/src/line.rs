//! One line of `~/.aws/config`, as the SDKs read it.

/// What a line is.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// The text between the brackets.
    Header(&'a str),
    /// Key and value, without a comment.
    Property(&'a str, &'a str),
    /// Indented: part of the value above.
    Continuation(&'a str),
    /// An indented comment: a comment for the AWS CLI, a part of the value above for what is built on the SDKs.
    IndentedComment,
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
    let is_indented = line.starts_with([' ', '\t']);
    if text.is_empty() {
        return Line::Other;
    }
    if text.starts_with(['#', ';']) {
        return if is_indented {
            Line::IndentedComment
        } else {
            Line::Other
        };
    }
    if is_indented {
        return Line::Continuation(text);
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

/// A line of somebody else's as it may be shown or written down: what its values and comments say may be secret, and is
/// only shown for these keys.
pub fn redacted(line: &str, keys: &[&str]) -> String {
    const HIDDEN: &str = "(not shown)";
    let end = &line[line.trim_end_matches(['\r', '\n']).len()..];
    let text = &line[..line.len() - end.len()];
    // Not as the top of a file: a byte order mark is no blank.
    match kind(line, 1) {
        Line::Header(_) => line.to_owned(),
        Line::Property(key, _) if keys.iter().any(|known| key.eq_ignore_ascii_case(known)) => {
            let own = without_trailing_comment(text);
            let hidden = if own.len() < text.len() { "# (not shown)" } else { "" };
            format!("{own}{hidden}{end}")
        }
        Line::Property(key, _) => format!("{key} = {HIDDEN}{end}"),
        Line::Other if text.trim().is_empty() => line.to_owned(),
        Line::Other | Line::IndentedComment => format!("# {HIDDEN}{end}"),
        Line::Continuation(_) => format!("  {HIDDEN}{end}"),
    }
}

/// What stands behind a header's bracket.
pub fn behind_header(line: &str) -> &str {
    line.split_once(']').map_or("", |(_, behind)| behind.trim())
}

/// What somebody else has put into a header's line stays: a comment, and a byte order mark.
pub fn without_header(line: &str) -> String {
    let text = line.trim_end_matches(['\r', '\n']);
    let mark = if text.starts_with('\u{feff}') { "\u{feff}" } else { "" };
    match behind_header(text) {
        "" => mark.to_owned(),
        comment if comment.starts_with(['#', ';']) => format!("{mark}{comment}{}", &line[text.len()..]),
        other => format!("{mark}# {other}{}", &line[text.len()..]),
    }
}

/// A property's line up to its comment.
pub fn without_trailing_comment(line: &str) -> &str {
    let Some((key, value)) = line.split_once('=') else {
        return line;
    };
    &line[..key.len() + 1 + without_comment(value).len()]
}
