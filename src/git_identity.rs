//! The name and the email address of the user's Git configuration, which the wizard suggests.

use tokio::process::Command;

use crate::answers::{Answers, Key};
use crate::environment::Environment;
use crate::limited_output::{Group, output_of};
use crate::limits::GIT_LIMIT;

/// Suggests the user's name and email address, where there is no answer yet. Without Git or a configuration, nothing is
/// suggested.
pub async fn suggest(answers: &mut Answers, environment: &Environment) {
    let keys = [Key::Email, Key::GivenName, Key::FamilyName];
    if keys
        .into_iter()
        .all(|key| answers.get(key).is_some() || answers.suggestion(key).is_some())
    {
        return;
    }
    let (name, email) = tokio::join!(value(environment, "user.name"), value(environment, "user.email"));
    let (given, family) = name.map_or((None, None), |name| split(&name));
    for (key, value) in keys.into_iter().zip([email, given, family]) {
        let value = value.filter(|_| answers.suggestion(key).is_none());
        if let Some(Ok(value)) = value.map(|value| key.check(&value)) {
            answers.suggest(key, value);
        }
    }
}

/// A value of the global configuration. A repository can set others for its own.
async fn value(environment: &Environment, key: &str) -> Option<String> {
    let mut command = Command::new(environment.program("git")?);
    command.args(["config", "--global", "--get", key]);
    let output = tokio::time::timeout(GIT_LIMIT, output_of(command, Group::Own))
        .await
        .ok()?
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| output.status.success() && !text.is_empty())
}

/// The first and the last name: the last word is the last name.
fn split(name: &str) -> (Option<String>, Option<String>) {
    match name.trim().rsplit_once(char::is_whitespace) {
        Some((given, family)) => (Some(given.trim().to_owned()), Some(family.to_owned())),
        None => (Some(name.trim().to_owned()), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_is_the_last_name() {
        let names = |name| {
            let (given, family) = split(name);
            (given.unwrap_or_default(), family.unwrap_or_default())
        };
        assert_eq!(names("Ada Lovelace"), ("Ada".to_owned(), "Lovelace".to_owned()));
        assert_eq!(
            names("Ada King  Lovelace"),
            ("Ada King".to_owned(), "Lovelace".to_owned())
        );
        assert_eq!(names("ada"), ("ada".to_owned(), String::new()));
    }
}
