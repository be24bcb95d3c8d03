//! Lines that the user pastes into a shell: PowerShell on Windows, and a POSIX shell elsewhere.

use idc_sim::powershell_quoted;

/// What the user's commands are written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    /// `sh`, and shells that are like it, such as bash and zsh.
    Posix,
    /// PowerShell 7.3 or later. Older ones remove double quotes and empty words on the way to a program.
    PowerShell,
}

impl Shell {
    /// The shell of this platform.
    pub const OF_PLATFORM: Self = if cfg!(windows) { Self::PowerShell } else { Self::Posix };

    /// Quotes a word, so that a command with any content can be copied from the screen.
    pub fn quoted(self, value: &str) -> String {
        let plain = match self {
            Self::Posix => "@%+=:,./-_",
            // Here, `@` expands a variable, and `,` makes a list.
            Self::PowerShell => "%+=:./\\-_",
        };
        let is_plain = |c: char| c.is_ascii_alphanumeric() || plain.contains(c);
        if !value.is_empty() && value.chars().all(is_plain) {
            return value.to_owned();
        }
        match self {
            Self::Posix => format!("'{}'", value.replace('\'', "'\\''")),
            Self::PowerShell => powershell_quoted(value),
        }
    }

    /// The command that sets an environment variable for the commands that follow.
    pub fn export(self, name: &str, value: &str) -> String {
        match self {
            Self::Posix => format!("export {name}={}", self.quoted(value)),
            // Without quotes, PowerShell would take a word for a command.
            Self::PowerShell => format!("$env:{name} = {}", powershell_quoted(value)),
        }
    }

    /// A command with an environment variable, which the commands that follow do not have.
    pub fn with_variable(self, name: &str, value: &str, command: &str) -> String {
        match self {
            Self::Posix => format!("{name}={} {command}", self.quoted(value)),
            Self::PowerShell => {
                let export = self.export(name, value);
                format!("$old = $env:{name}; {export}; {command}; $env:{name} = $old")
            }
        }
    }

    /// The program that shows a file page by page.
    pub fn pager(self) -> &'static str {
        match self {
            Self::Posix => "less",
            Self::PowerShell => "more",
        }
    }

    /// The command that removes an environment variable.
    pub fn unset(self, name: &str) -> [String; 2] {
        match self {
            Self::Posix => ["unset".to_owned(), name.to_owned()],
            Self::PowerShell => ["Remove-Item".to_owned(), format!("Env:{name}")],
        }
    }
}

/// Quotes a word for the shell of this platform.
pub fn quoted(value: &str) -> String {
    Shell::OF_PLATFORM.quoted(value)
}

/// The command that sets an environment variable in the shell of this platform.
pub fn export(name: &str, value: &str) -> String {
    Shell::OF_PLATFORM.export(name, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn untrusted_text_becomes_one_word() {
        for (value, posix, powershell) in [
            ("ada@example.com", "ada@example.com", "'ada@example.com'"),
            ("work", "work", "work"),
            ("a,b", "a,b", "'a,b'"),
            ("", "''", "''"),
            ("O'Hara $(id)", "'O'\\''Hara $(id)'", "'O''Hara $(id)'"),
            ("O’Hara", "'O’Hara'", "'O’’Hara'"),
            (r"C:\Users\ada", r"'C:\Users\ada'", r"C:\Users\ada"),
        ] {
            assert_eq!(Shell::Posix.quoted(value), posix);
            assert_eq!(Shell::PowerShell.quoted(value), powershell);
        }
    }

    #[test]
    fn variables_are_set_as_the_shell_expects() {
        assert_eq!(
            Shell::Posix.export("AWS_PROFILE", "my admin"),
            "export AWS_PROFILE='my admin'"
        );
        assert_eq!(
            Shell::PowerShell.export("AWS_PROFILE", "admin"),
            "$env:AWS_PROFILE = 'admin'"
        );
        assert_eq!(
            Shell::Posix.with_variable("AWS_PROFILE", "admin", "aws s3 ls"),
            "AWS_PROFILE=admin aws s3 ls"
        );
        assert_eq!(
            Shell::PowerShell.with_variable("AWS_PROFILE", "admin", "aws s3 ls"),
            "$old = $env:AWS_PROFILE; $env:AWS_PROFILE = 'admin'; aws s3 ls; $env:AWS_PROFILE = $old"
        );
    }
}
