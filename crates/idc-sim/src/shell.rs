//! Lines that set environment variables, for the shell of the platform.

/// The command that sets an environment variable: in a POSIX shell, and on Windows in PowerShell.
pub fn export(name: &str, value: &str) -> String {
    if cfg!(windows) {
        format!("$env:{name} = {}", powershell_quoted(value))
    } else {
        format!("export {name}={}", posix_quoted(value))
    }
}

/// Quotes a value for a POSIX shell. Only a NUL character cannot be quoted, and no environment variable can contain
/// one.
fn posix_quoted(value: &str) -> String {
    shlex::try_quote(value).map_or_else(|_| "''".to_owned(), std::borrow::Cow::into_owned)
}

/// Returns a value as a string literal of PowerShell. Typographic quotes also end a string there, so they are doubled too
/// (PowerShell documentation, `about_Quoting_Rules`).
pub fn powershell_quoted(value: &str) -> String {
    let count = |c: char| {
        if matches!(c, '\'' | '\u{2018}'..='\u{201b}') {
            2
        } else {
            1
        }
    };
    let doubled: String = value.chars().flat_map(|c| std::iter::repeat_n(c, count(c))).collect();
    format!("'{doubled}'")
}
