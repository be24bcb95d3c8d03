//! The answers file: TOML with one key per answer. Unknown keys are refused with their line.

use std::path::Path;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

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

/// A line of the file that is not valid.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct InvalidLine {
    /// The line, counted from 1.
    pub line: usize,
    /// The reason, as part of a sentence.
    pub why: String,
}

/// Reads and checks an answers file.
///
/// # Errors
/// Sentences that name the file, and the line of each mistake: if the file cannot be read, is not TOML, has unknown keys or
/// invalid values.
pub fn read(path: &Path) -> Result<Vec<(Key, Answer)>, Vec<String>> {
    let name = path.display();
    let text =
        files::read_text(path).map_err(|error| vec![format!("The answers file {name} cannot be read: {error}.")])?;
    let file = path
        .file_name()
        .map_or_else(|| name.to_string(), |file| file.to_string_lossy().into_owned());
    parse(&text, &file).map_err(|invalid| {
        let sentences = invalid
            .iter()
            .map(|InvalidLine { line, why }| format!("The answers file {name}, line {line}: {why}."));
        sentences.collect()
    })
}

/// Like [`read`], for the text of a file with this name.
///
/// # Errors
/// The lines that are not valid, in their order.
pub fn parse(text: &str, file: &str) -> Result<Vec<(Key, Answer)>, Vec<InvalidLine>> {
    let line_at = |offset: usize| text.get(..offset).unwrap_or(text).matches('\n').count() + 1;
    let parsed: AnswersFile = match toml::from_str(text) {
        Ok(parsed) => parsed,
        Err(first) => return Err(all_mistakes(text, &first, line_at)),
    };
    let mut answers = Vec::new();
    let mut mistakes = Vec::new();
    for (key, value) in parsed.rows() {
        let line = line_at(value.span().start);
        match key.check(value.get_ref()) {
            Ok(value) => {
                let source = Source::File {
                    name: file.to_owned(),
                    line,
                };
                answers.push((key, Answer { value, source }));
            }
            Err(why) => mistakes.push(InvalidLine {
                line,
                why: format!("{}: {why}", key.name()),
            }),
        }
    }
    if mistakes.is_empty() {
        return Ok(answers);
    }
    mistakes.sort();
    Err(mistakes)
}

/// Returns every mistake of a file that cannot be deserialized, which reports only its first one.
fn all_mistakes(text: &str, first: &toml::de::Error, line_at: impl Fn(usize) -> usize) -> Vec<InvalidLine> {
    let reason = |error: &toml::de::Error| {
        let line = error.span().map_or(1, |span| line_at(span.start));
        let unquoted = text.lines().nth(line - 1).and_then(unquoted_key);
        let why = unquoted.map_or_else(
            || error.message().trim_end_matches('.').to_owned(),
            |key| format!("{key}: must be a string in quotes"),
        );
        InvalidLine { line, why }
    };
    let (table, invalid) = DeTable::parse_recoverable(text);
    let mut mistakes: Vec<InvalidLine> = invalid.iter().map(reason).collect();
    // What follows a syntax error can be read as something else.
    if mistakes.is_empty() {
        for (name, value) in table.get_ref() {
            let why = match (Key::named(name.get_ref()), value.get_ref()) {
                (None, _) => Some(unknown_key(name.get_ref())),
                (Some(Key::NoGroup), DeValue::Boolean(_)) => None,
                (Some(Key::NoGroup), _) => Some(format!("{}: must be true or false", name.get_ref())),
                (Some(key), DeValue::String(text)) => key.check(text).err().map(|why| format!("{}: {why}", key.name())),
                (Some(key), _) => Some(format!("{}: must be a string in quotes", key.name())),
            };
            let line = line_at(name.span().start);
            mistakes.extend(why.map(|why| InvalidLine { line, why }));
        }
    }
    if mistakes.is_empty() {
        mistakes.push(reason(first));
    }
    mistakes.sort();
    mistakes.dedup();
    mistakes
}

/// The key of a line whose value begins with a letter, which TOML does not accept except for `true` and the like.
fn unquoted_key(line: &str) -> Option<&str> {
    let (key, value) = line.split_once('=')?;
    let word: String = value.trim_start().chars().take_while(|c| c.is_alphanumeric()).collect();
    let is_bare = word.starts_with(char::is_alphabetic) && !["true", "false", "inf", "nan"].contains(&&word[..]);
    is_bare.then(|| key.trim())
}

/// Says that a key is unknown, with the most similar one if there is one.
fn unknown_key(name: &str) -> String {
    match Key::similar_to(name) {
        Some(similar) => format!("unknown key {name:?}; a similar key is {}", similar.name()),
        None => format!("unknown key {name:?}; idc-setup help answers lists the keys"),
    }
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
    use super::super::KEYS;
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
        let mistakes = parse("username = \"Ada\"\nemial = \"x\"\n", "idc.toml").unwrap_err();
        assert_eq!(mistakes.len(), 1);
        assert_eq!(mistakes[0].line, 2);
        assert!(mistakes[0].why.contains("emial"), "{mistakes:?}");
    }

    #[test]
    fn an_invalid_value_is_refused_with_its_line() {
        let mistakes = parse("\n\nsession-duration = \"13h\"\n", "idc.toml").unwrap_err();
        assert_eq!((mistakes.len(), mistakes[0].line), (1, 3));
        assert!(mistakes[0].why.contains("12 hours"), "{mistakes:?}");
    }

    #[test]
    fn all_mistakes_are_found_at_once() {
        let invalid = "session-duration = \"13h\"\nusername = \"Ada\"\nemail = \"ada\"\n";
        let lines = |text: &str| -> Vec<usize> {
            let mistakes = parse(text, "idc.toml").unwrap_err();
            mistakes.iter().map(|invalid| invalid.line).collect()
        };
        assert_eq!(lines(invalid), [1, 3]);
        let others = format!("{invalid}emial = \"x\"\naccount = 123456789012\nno-group = \"x\"\ngroup = \"Admins\"\n");
        assert_eq!(lines(&others), [1, 3, 4, 5, 6]);
        // Two lines without a closing quote.
        assert_eq!(
            lines("username = \"Ada\nemail = \"x@example.com\"\ngroup = \"A\n"),
            [1, 3]
        );
        assert_eq!(lines("[answers]\nemail = \"x@example.com\"\n"), [1]);
        assert_eq!(lines("email = \"a@example.com\"\nemail = \"b@example.com\"\n"), [2]);
    }
}
