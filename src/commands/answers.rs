//! `idc-setup answers`: prints the answers of the last run, as a TOML file and as a command that asks no questions.

use super::ending::fail;
use crate::answers::file::to_toml;
use crate::answers::{KEYS, Key};
use crate::cli::{Cli, Output};
use crate::environment::Environment;
use crate::exit_code::ExitCode;
use crate::next_step::{Invocation, SetupCommand, Subcommand};
use crate::progress::{Folder, Origin, Progress, Record, ResourceKind};
use crate::text::clean_lines;
use crate::ui::Screen;
use crate::ui::envelope::{AnswersBody, Envelope, FORMAT};
use crate::user_error::UserError;

/// Prints the answers of the last run and returns the exit code.
pub fn answers(cli: &Cli, environment: &Environment, screen: &Screen) -> ExitCode {
    let record = match last_record(cli, environment) {
        Ok(record) => record,
        Err(error) => return fail(cli, screen, Subcommand::Answers, error),
    };
    let answers = answers_of(&record);
    let (file, line) = (to_toml(&answers), command_line(&record, &answers));
    if cli.flags.output == Output::Json {
        let answers = answers.iter().map(|(key, value)| (key.field(), value.clone()));
        let envelope = Envelope {
            format: FORMAT,
            command: "answers".to_owned(),
            account: Some(record.account.clone()),
            region: record.region.clone(),
            error: None,
            exit: ExitCode::Success.code(),
            body: AnswersBody {
                answers: answers.collect(),
                file,
                line,
            },
        };
        screen.json(&envelope.json());
    } else {
        screen.verbatim(&clean_lines(&format!("# {line}\n{}\n", file.trim_end())));
    }
    ExitCode::Success
}

/// Returns the valid saved answers, in the order of the checklist.
fn answers_of(record: &Record) -> Vec<(Key, String)> {
    // The state file can come from elsewhere, so a value that this version would refuse as an answer is left out.
    let saved = |key: Key| Some((key, key.check(&record.answers.get(&key.field())?.value).ok()?));
    KEYS.into_iter().filter_map(saved).collect()
}

/// Returns a command that asks no questions. It gives the consents for everything that a run created.
fn command_line(record: &Record, answers: &[(Key, String)]) -> String {
    let mut command = SetupCommand::run().switch("--non-interactive");
    for (key, value) in answers {
        command = match (key, value.as_str()) {
            (Key::NoGroup, "true") => command.switch(key.flag()),
            (Key::NoGroup, _) => command,
            _ => command.value(key.flag(), value),
        };
    }
    let is_created = |kind: ResourceKind| {
        let mut resources = record.resources.iter();
        resources.any(|resource| resource.kind == kind && resource.origin == Origin::Created)
    };
    for (kind, flag) in [
        (ResourceKind::Organization, "--create-organization"),
        (ResourceKind::PermissionSetsSwitch, "--enable-permission-sets"),
        (ResourceKind::Trail, "--create-trail"),
    ] {
        if is_created(kind) {
            command = command.switch(flag);
        }
    }
    // Without the arguments of this invocation, since the command is for any account.
    Invocation::default().command_line(&command.value("--wait", "10m"))
}

fn last_record(cli: &Cli, environment: &Environment) -> Result<Record, UserError> {
    let nothing = || UserError::usage("There are no saved answers on this machine.", SetupCommand::run());
    let path = if let Some(path) = &cli.flags.state {
        path.clone()
    } else {
        let folder = Folder::of(environment).ok_or_else(nothing)?;
        let last = folder.last().ok_or_else(nothing)?;
        folder.state_file(&last.partition, &last.account)
    };
    Progress::read_file(&path)?.ok_or_else(nothing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_printed_file_reads_back_as_the_same_answers() {
        let answers = vec![
            (Key::GivenName, "Zo\u{eb} \"Z\" \\ O'Hara".to_owned()),
            (Key::NoGroup, "true".to_owned()),
            (Key::SessionDuration, "8h".to_owned()),
        ];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("idc.toml");
        std::fs::write(&path, to_toml(&answers)).unwrap();
        let read = crate::answers::file::read(&path).unwrap();
        let read: Vec<(Key, String)> = read.into_iter().map(|(key, answer)| (key, answer.value)).collect();
        let sorted = |mut rows: Vec<(Key, String)>| {
            rows.sort();
            rows
        };
        assert_eq!(sorted(read), sorted(answers));
    }
}
