//! Words of others among our own: a name or a message that came from AWS, a file or a person.

use std::time::Duration;

/// On one line: what has line breaks could pass for lines of ours.
pub fn one_line(text: &str) -> String {
    text.split(char::is_whitespace)
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// A length of time as it is spoken: `5 minutes`, `30 seconds`.
pub fn lasting(time: Duration) -> String {
    let (count, unit) = match time.as_secs() {
        seconds if seconds >= 60 && seconds % 60 == 0 => (seconds / 60, "minute"),
        seconds => (seconds, "second"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
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
        assert_eq!(lasting(Duration::from_mins(1)), "1 minute");
        assert_eq!(lasting(Duration::from_secs(90)), "90 seconds");
    }
}
