//! The answers file: TOML with one key per answer. Unknown keys are refused with their line.

use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::keys::Key;
use super::{Answer, Source};
use aws_config_file::files;

/// The keys of the file. A test keeps them in sync with [`Key`].
#[derive(Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AnswersFile {
    #[schemars(with = "Option<String>")]
    identity_center_region: Option<Spanned<String>>,
    #[schemars(with = "Option<String>")]
    identity_source: Option<Spanned<String>>,
    #[schemars(with = "Option<String>")]
    create_user_with: Option<Spanned<String>>,
    #[schemars(with = "Option<String>")]
    username: Option<Spanned<String>>,
    #[schemars(with = "Option<String>")]
    email: Option<Spanned<String>>,
    #[schemars(with = "Option<String>")]
    given_name: Option<Spanned<String>>,
    #[schemars(with = "Option<String>")]
    family_name: Option<Spanned<String>>,
    #[schemars(with = "Option<String>")]
    display_name: Option<Spanned<String>>,
    #[schemars(with = "Option<String>")]
    group: Option<Spanned<String>>,
    #[schemars(with = "Option<bool>")]
    no_group: Option<Spanned<bool>>,
    #[schemars(with = "Option<String>")]
    policy: Option<Spanned<String>>,
    #[schemars(with = "Option<String>")]
    permission_set: Option<Spanned<String>>,
    #[schemars(with = "Option<String>")]
    session_duration: Option<Spanned<String>>,
    #[schemars(with = "Option<String>")]
    assign_to: Option<Spanned<String>>,
    #[schemars(with = "Option<String>")]
    account: Option<Spanned<String>>,
    #[schemars(with = "Option<String>")]
    start_url: Option<Spanned<String>>,
    #[schemars(with = "Option<String>")]
    sso_session: Option<Spanned<String>>,
    #[schemars(with = "Option<String>")]
    cli_profile: Option<Spanned<String>>,
    #[schemars(with = "Option<String>")]
    cli_region: Option<Spanned<String>>,
    #[schemars(with = "Option<String>")]
    cli_output: Option<Spanned<String>>,
}

impl AnswersFile {
    fn rows(self) -> Vec<(Key, Spanned<String>)> {
        let no_group = self.no_group.map(|switch| {
            let span = switch.span();
            Spanned::new(span, switch.into_inner().to_string())
        });
        let rows = [
            (Key::IdentityCenterRegion, self.identity_center_region),
            (Key::IdentitySource, self.identity_source),
            (Key::CreateUserWith, self.create_user_with),
            (Key::Username, self.username),
            (Key::Email, self.email),
            (Key::GivenName, self.given_name),
            (Key::FamilyName, self.family_name),
            (Key::DisplayName, self.display_name),
            (Key::Group, self.group),
            (Key::NoGroup, no_group),
            (Key::Policy, self.policy),
            (Key::PermissionSet, self.permission_set),
            (Key::SessionDuration, self.session_duration),
            (Key::AssignTo, self.assign_to),
            (Key::Account, self.account),
            (Key::StartUrl, self.start_url),
            (Key::SsoSession, self.sso_session),
            (Key::CliProfile, self.cli_profile),
            (Key::CliRegion, self.cli_region),
            (Key::CliOutput, self.cli_output),
        ];
        rows.into_iter()
            .filter_map(|(key, value)| Some((key, value?)))
            .collect()
    }
}

/// Reads and checks an answers file.
///
/// # Errors
/// A message that names the file and the line, if the file cannot be read, is not TOML, has an unknown key or an
/// invalid value.
pub fn read(path: &Path) -> Result<Vec<(Key, Answer)>, String> {
    let name = path.display();
    let text = files::read_text(path).map_err(|error| format!("The answers file {name} cannot be read: {error}."))?;
    parse(
        &text,
        &path
            .file_name()
            .map_or_else(|| name.to_string(), |file| file.to_string_lossy().into_owned()),
    )
    .map_err(|(line, why)| format!("The answers file {name}, line {line}: {why}."))
}

/// Like [`read`], for the text of a file with this name.
///
/// # Errors
/// The line and the reason.
pub fn parse(text: &str, file: &str) -> Result<Vec<(Key, Answer)>, (usize, String)> {
    let line_at = |offset: usize| text.get(..offset).unwrap_or(text).matches('\n').count() + 1;
    let parsed: AnswersFile = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_at(span.start));
        (line, error.message().trim_end_matches('.').to_owned())
    })?;
    let mut answers = Vec::new();
    for (key, value) in parsed.rows() {
        let line = line_at(value.span().start);
        let value = key
            .check(value.get_ref())
            .map_err(|why| (line, format!("{}: {why}", key.name())))?;
        let source = Source::File {
            name: file.to_owned(),
            line,
        };
        answers.push((key, Answer { value, source }));
    }
    Ok(answers)
}

/// The content of a file that [`read`] reads back as these answers.
pub fn to_toml(answers: &[(Key, String)]) -> String {
    let lines = answers.iter().map(|(key, value)| {
        let value = match key {
            Key::NoGroup => toml::Value::Boolean(value == "true"),
            _ => toml::Value::String(value.clone()),
        };
        format!("{} = {value}\n", key.name())
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::super::keys::KEYS;
    use super::*;

    #[test]
    fn every_key_is_accepted_in_the_file() {
        let example = |key: Key| match key {
            Key::IdentityCenterRegion | Key::CliRegion => "\"eu-west-1\"",
            Key::IdentitySource => "\"directory\"",
            Key::CreateUserWith => "\"api\"",
            Key::Email => "\"ada@example.com\"",
            Key::NoGroup => "true",
            Key::SessionDuration => "\"8h\"",
            Key::AssignTo => "\"user\"",
            Key::Account => "\"123456789012\"",
            Key::StartUrl => "\"https://d-1234567890.awsapps.com/start\"",
            Key::CliOutput => "\"json\"",
            _ => "\"Ada\"",
        };
        let lines = KEYS.map(|key| format!("{} = {}\n", key.name(), example(key)));
        let text = lines.concat();
        let answers = parse(&text, "idc.toml").unwrap();
        assert_eq!(answers.len(), KEYS.len());
        assert_eq!(answers[3].1.source.to_string(), "idc.toml:4");
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line() {
        let (line, why) = parse("username = \"Ada\"\nemial = \"x\"\n", "idc.toml").unwrap_err();
        assert_eq!(line, 2);
        assert!(why.contains("emial"), "{why}");
    }

    #[test]
    fn an_invalid_value_is_refused_with_its_line() {
        let (line, why) = parse("\n\nsession-duration = \"13h\"\n", "idc.toml").unwrap_err();
        assert_eq!((line, why.contains("12 hours")), (3, true));
    }
}
