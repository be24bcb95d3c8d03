//! Words of others among our own: a name or a message that came from AWS, a file or a person.

/// On one line: what has line breaks could pass for lines of ours.
pub fn one_line(text: &str) -> String {
    text.split(char::is_whitespace)
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// A word for a POSIX shell: a command with it can be copied from the screen, whatever it holds.
pub fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        value.to_owned()
    } else {
        format!("'{}'", value.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_write_is_one_line_and_one_word() {
        assert_eq!(one_line("x\nerror: y\r\n  next:\tz "), "x error: y next: z");
        assert_eq!(quoted("O'Hara $(id)"), "'O'\\''Hara $(id)'");
        assert_eq!(quoted("ada@example.com"), "ada@example.com");
        assert_eq!(quoted(""), "''");
    }
}
