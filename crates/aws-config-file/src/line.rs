//! The lines of `~/.aws/config`, as the SDKs read them.

/// The kind of a line.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// A section header: the text between the brackets.
    Header(&'a str),
    /// A property: key and value, without a comment.
    Property(&'a str, &'a str),
    /// An indented line: part of the value above.
    Continuation(&'a str),
    /// An indented comment: a comment for the AWS CLI, but part of the value above for the SDKs.
    IndentedComment,
    /// A blank line, a comment, or a line that is ignored.
    Other,
}

/// A line without its line ending and, at the start of the file, without a byte order mark.
pub fn content(line: &str, index: usize) -> &str {
    let line = line.trim_end_matches(['\r', '\n']);
    if index == 0 {
        line.trim_start_matches('\u{feff}')
    } else {
        line
    }
}

/// The text of a header line up to a comment.
pub fn uncommented(line: &str) -> &str {
    line.split(['#', ';']).next().unwrap_or(line)
}

/// The kind of a line. `index` is its index in the file, from 0.
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

/// A value without its comment, which starts at `#` or `;` after white space.
pub fn without_comment(value: &str) -> &str {
    let mut previous = ' ';
    for (index, letter) in value.char_indices() {
        if matches!(letter, '#' | ';') && previous.is_whitespace() && index > 0 {
            return &value[..index];
        }
        previous = letter;
    }
    value
}

/// A line in a form that may be shown or recorded. Values and comments may be secret, so that only the values of these
/// keys are kept.
pub fn redacted(line: &str, keys: &[&str]) -> String {
    const HIDDEN: &str = "(not shown)";
    let ending = &line[line.trim_end_matches(['\r', '\n']).len()..];
    let text = &line[..line.len() - ending.len()];
    // Index 1, so that a byte order mark is not removed.
    match kind(line, 1) {
        Line::Header(_) => line.to_owned(),
        Line::Property(key, _) if keys.iter().any(|known| key.eq_ignore_ascii_case(known)) => {
            let own = without_trailing_comment(text);
            let hidden = if own.len() < text.len() { "# (not shown)" } else { "" };
            format!("{own}{hidden}{ending}")
        }
        Line::Property(key, _) => format!("{key} = {HIDDEN}{ending}"),
        Line::Other if text.trim().is_empty() => line.to_owned(),
        Line::Other | Line::IndentedComment => format!("# {HIDDEN}{ending}"),
        Line::Continuation(_) => format!("  {HIDDEN}{ending}"),
    }
}

/// The text after the closing bracket of a header.
pub fn after_header(line: &str) -> &str {
    line.split_once(']').map_or("", |(_, after)| after.trim())
}

/// A header line without the header. A comment and a byte order mark are kept.
pub fn without_header(line: &str) -> String {
    let text = line.trim_end_matches(['\r', '\n']);
    let mark = if text.starts_with('\u{feff}') { "\u{feff}" } else { "" };
    match after_header(text) {
        "" => mark.to_owned(),
        comment if comment.starts_with(['#', ';']) => format!("{mark}{comment}{}", &line[text.len()..]),
        other => format!("{mark}# {other}{}", &line[text.len()..]),
    }
}

/// The line of a property up to its comment.
pub fn without_trailing_comment(line: &str) -> &str {
    let Some((key, value)) = line.split_once('=') else {
        return line;
    };
    &line[..key.len() + 1 + without_comment(value).len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redacted_line_shows_only_names_and_the_values_of_known_keys() {
        for (line, shown) in [
            ("[profile p] # mine\n", "[profile p] # mine\n"),
            ("region = a\r\n", "region = a\r\n"),
            ("Region=a # secret\n", "Region=a # (not shown)\n"),
            (
                "aws_secret_access_key=secret\n",
                "aws_secret_access_key = (not shown)\n",
            ),
            ("# aws_secret_access_key = secret\r\n", "# (not shown)\r\n"),
            ("  # secret\n", "# (not shown)\n"),
            ("  secret = secret\n", "  (not shown)\n"),
            ("secret", "# (not shown)"),
            (" \t\r\n", " \t\r\n"),
            ("\n", "\n"),
        ] {
            assert_eq!(redacted(line, &["region"]), shown, "{line:?}");
        }
    }

    #[test]
    fn a_comment_starts_after_white_space() {
        for (line, kept) in [
            ("a = b # c", "a = b "),
            ("a = b\t;c", "a = b\t"),
            ("a = b#c;d", "a = b#c;d"),
            ("a = #c", "a = "),
            ("a =#c", "a =#c"),
            ("a", "a"),
            ("# c", "# c"),
        ] {
            assert_eq!(without_trailing_comment(line), kept, "{line:?}");
        }
    }

    #[test]
    fn a_comment_and_a_byte_order_mark_outlive_their_header() {
        for (line, rest) in [
            ("[profile p]\n", ""),
            ("[profile p] # mine\r\n", "# mine\r\n"),
            ("[profile p];mine", ";mine"),
            ("[profile p] mine\n", "# mine\n"),
            ("\u{feff}[profile p] # mine\n", "\u{feff}# mine\n"),
            ("\u{feff}[profile p]\n", "\u{feff}"),
        ] {
            assert_eq!(without_header(line), rest, "{line:?}");
        }
    }
}
