//! Text helpers, mostly for untrusted text within our own: names and messages from AWS, files or people.

use std::time::Duration;

use wildmatch::WildMatch;

use crate::limits::LONGEST_MESSAGE;

/// Puts a text on one line. Text with line breaks could imitate the program's own lines.
pub fn one_line(text: &str) -> String {
    text.split(char::is_whitespace)
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// A text of at most [`LONGEST_MESSAGE`] characters. What comes from elsewhere could be endless.
pub fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_MESSAGE) {
        Some((end, _)) => format!("{}… ({} characters)", &text[..end], text.chars().count()),
        None => text.to_owned(),
    }
}

/// A text without the user names and passwords of the URLs in it.
pub fn without_passwords(text: &str) -> String {
    let mut rest = text;
    let mut kept = String::with_capacity(text.len());
    while let Some(start) = rest.find("://") {
        let (before, after) = rest.split_at(start + 3);
        kept.push_str(before);
        let end = after
            .find(|c: char| c == '/' || c.is_whitespace())
            .unwrap_or(after.len());
        rest = match after[..end].rfind('@') {
            Some(at) => &after[at + 1..],
            None => after,
        };
    }
    kept + rest
}

/// A duration in words: `5 minutes`, `30 seconds`.
pub fn duration_text(time: Duration) -> String {
    let (count, unit) = match time.as_secs() {
        seconds if seconds >= 60 && seconds % 60 == 0 => (seconds / 60, "minute"),
        seconds => (seconds, "second"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

/// Returns the text as one line without control characters. A name cannot move the cursor, change colors, or begin a line
/// that looks like output of this program.
pub fn clean(text: &str) -> String {
    clean_lines(&shortened(text)).replace('\n', " ")
}

/// Does the same as [`clean`], but keeps line breaks.
pub fn clean_lines(text: &str) -> String {
    let is_unsafe = |c: char| (c.is_control() && c != '\n' && c != '\t') || is_invisible(c);
    text.chars()
        .map(|c| if is_unsafe(c) { '\u{fffd}' } else { c })
        .collect()
}

/// Returns whether a character changes the text direction, breaks the line, or has no width.
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Returns a sentence as a part of a line: with a small first letter, and without its period.
pub fn as_clause(sentence: &str) -> String {
    let mut letters = sentence.trim_end_matches('.').chars();
    letters
        .next()
        .map(|first| first.to_lowercase().chain(letters).collect())
        .unwrap_or_default()
}

/// Returns whether a pattern matches the whole text. `*` stands for any text and `?` for any character.
pub fn matches_wildcards(pattern: &str, text: &str) -> bool {
    WildMatch::new(pattern).matches(text)
}

/// `a`, `a and b`, `a, b and c`.
pub fn listed(parts: &[impl AsRef<str>]) -> String {
    let parts: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
    match parts.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => parts.concat(),
    }
}

/// At most this many of them, and how many others there are: `a, b and 9 others`.
pub fn few(parts: &[impl AsRef<str>], most: usize) -> String {
    let shown: Vec<&str> = parts.iter().take(most).map(AsRef::as_ref).collect();
    match parts.len() - shown.len() {
        0 => listed(&shown),
        1 => format!("{} and 1 other", shown.join(", ")),
        others => format!("{} and {others} others", shown.join(", ")),
    }
}

/// The text with a capital letter at its beginning.
pub fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_in_urls_are_left_out() {
        for (text, expected) in [
            ("no url", "no url"),
            (
                "at http://a:b@c.d/e?f=@ and https://g@h",
                "at http://c.d/e?f=@ and https://h",
            ),
            ("http://c.d/x@y", "http://c.d/x@y"),
            ("://", "://"),
        ] {
            assert_eq!(without_passwords(text), expected);
        }
    }

    #[test]
    fn of_many_parts_the_first_ones_are_listed() {
        let three = ["a", "b", "c"];
        assert_eq!(few(&three, 3), "a, b and c");
        assert_eq!(few(&three, 2), "a, b and 1 other");
        assert_eq!(few(&three, 1), "a and 2 others");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let long = "ä".repeat(LONGEST_MESSAGE);
        assert_eq!(shortened(&long), long);
        assert_eq!(
            shortened(&(long.clone() + "ö")),
            format!("{long}… ({} characters)", LONGEST_MESSAGE + 1)
        );
    }

    #[test]
    fn wildcards_match_the_whole_text() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("?", "", false),
            ("Admins", "Admins", true),
            ("Admins", "Admin", false),
            ("AWS*", "AWSReadOnly", true),
            ("AWS*", "MyAWS", false),
            ("*.toml", "a.toml", true),
            ("*.toml", "a.yaml", false),
            ("*-scratch", "a-b-scratch", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a*b*", "xaxxbx", true),
            ("*a*b", "ab", true),
            ("*a*b", "ba", false),
            ("a*b*c", "axxbyybzzc", true),
            ("a*b*c", "axxbyybzz", false),
            ("**a", "bba", true),
            ("?ä*", "xäy", true),
            ("ä?*", "äö", true),
        ] {
            assert_eq!(matches_wildcards(pattern, text), expected, "{pattern} {text}");
        }
        // No pattern takes long.
        assert!(!matches_wildcards(&("a*".repeat(500) + "b"), &"a".repeat(5000)));
    }

    #[test]
    fn the_last_part_of_a_list_follows_an_and() {
        for (parts, expected) in [
            (&["a"][..], "a"),
            (&["a", "b"], "a and b"),
            (&["a", "b", "c"], "a, b and c"),
            (&[], ""),
        ] {
            assert_eq!(listed(parts), expected);
        }
    }

    #[test]
    fn untrusted_text_becomes_one_line() {
        assert_eq!(one_line("x\nerror: y\r\n  next:\tz "), "x error: y next: z");
        assert_eq!(duration_text(Duration::from_mins(1)), "1 minute");
        assert_eq!(duration_text(Duration::from_secs(90)), "90 seconds");
    }
}
