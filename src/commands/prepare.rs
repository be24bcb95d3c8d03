//! From the command line to a context for the steps: answers with their sources, the Region, the connection, and the
//! state file.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use jiff::SignedDuration;

use super::connect::{Access, connect_with_flags};
use super::invocation::subcommand;
use super::rehearse::examples;
use crate::answers::{self, Answer, Answers, KEYS, Key, Source};
use crate::aws::Partition;
use crate::aws::connect::{Connection, NamedRegion};
use crate::aws::console::Console;
use crate::aws::waiting::Timing;
use crate::aws_cli::Finder;
use crate::browser::Browser;
use crate::cli::{Cli, Command, Correction, Mistakes, Rehearsed};
use crate::doctor::Held;
use crate::environment::{Environment, HOME};
use crate::ids::RegionName;
use crate::limits::LONGEST_WAIT;
use crate::next_step::{Argument, NextStep, SetupCommand};
use crate::progress::{Folder, Lock, Progress};
use crate::ui::Screen;
use crate::user_error::UserError;
use crate::wizard::steps::{CONSENTS, SLUGS, TOPICS, UPDATABLE, WizardContext, WizardContextParts};
use crate::wizard::{Options, Prompter, Step, Walk};

/// Everything that a command needs to walk the checklist.
pub struct Prepared {
    /// What all steps share.
    pub context: Rc<WizardContext>,
    /// The options of the walk.
    pub options: Options,
    /// The source and the lifetime of the credentials.
    pub held: Held,
}

impl Prepared {
    /// Returns a note if the profile of the last run is used and not one from this command line.
    pub fn note_on_profile(&self, cli: &Cli, screen: &Screen) -> Option<String> {
        let profile = self
            .context
            .bootstrap_profile
            .as_ref()
            .filter(|_| cli.flags.profile.is_none())?;
        let other = screen.command(&SetupCommand::again().placeholder("--profile", "NAME"));
        Some(format!(
            "Using the profile {profile} of the last run. To use another one: {other}"
        ))
    }

    /// Returns the walk over these steps with the options of the command line.
    pub fn walk<'a>(&'a self, steps: &'a [Box<dyn Step>], prompter: &'a dyn Prompter) -> Walk<'a> {
        let context = &self.context;
        Walk::new(
            steps,
            prompter,
            &context.answers,
            &context.progress,
            &context.stop,
            self.options.clone(),
        )
    }

    /// Takes the lock of the state file, for a command that does not write it, so that one run at a time changes the account.
    pub fn lock(&self) -> Result<Lock, UserError> {
        Ok(self.context.progress.take_lock()?)
    }

    /// Returns Identity Center's Region, if it is known.
    pub fn region(&self) -> Option<RegionName> {
        let existing = self.context.instance.now().map(|instance| instance.region);
        let wanted = || {
            let answer = self.context.answer(Key::IdentityCenterRegion);
            answer.map(|answer| answer.value)
        };
        existing.or_else(wanted)
    }
}

/// A real account, or a rehearsal with its URL.
pub struct Backend {
    url: Option<String>,
}

impl Backend {
    /// Reads `--rehearsal` or its variable. The URL must be a loopback address, and the endpoint of all calls.
    pub fn of(cli: &Cli, environment: &Environment) -> Result<Self, UserError> {
        let url = cli
            .flags
            .rehearsal
            .as_ref()
            .map(|rehearsal| rehearsal.url.clone())
            .or_else(|| environment.var("IDC_SETUP_REHEARSAL").map(str::to_owned));
        if let Some(url) = &url {
            let port = url
                .strip_prefix("http://127.0.0.1:")
                .and_then(|port| port.parse::<u16>().ok());
            if port.is_none() || environment.var("AWS_ENDPOINT_URL") != Some(url.as_str()) {
                return Err(UserError::usage(
                    "IDC_SETUP_REHEARSAL must be a loopback address, and the same as AWS_ENDPOINT_URL.",
                    [
                        NextStep::note("unset IDC_SETUP_REHEARSAL to use a real account"),
                        SetupCommand::rehearse().into(),
                    ],
                ));
            }
        }
        Ok(Self { url })
    }

    /// Returns the user's browser. It opens pages of AWS, or only those of the rehearsal if this is one.
    pub fn browser(&self, cli: &Cli, environment: &Environment) -> Rc<Browser> {
        Rc::new(Browser::of(environment, !cli.flags.no_browser, self.url.as_deref()))
    }

    /// Returns whether this is a rehearsal.
    pub fn is_rehearsal(&self) -> bool {
        self.url.is_some()
    }

    fn console(&self) -> Console {
        self.url
            .as_ref()
            .map_or_else(Console::real, |url| Console::rehearsal(url))
    }

    /// Returns how long to pause between checks.
    pub fn timing(&self) -> Timing {
        if self.is_rehearsal() {
            Timing::REHEARSAL
        } else {
            Timing::REAL
        }
    }
}

/// Returns whether `--use-device-code` or its variable is set.
pub fn uses_device_code(cli: &Cli, environment: &Environment) -> bool {
    let wanted = environment.var("IDC_SETUP_USE_DEVICE_CODE");
    cli.flags.use_device_code || wanted.is_some_and(is_on)
}

/// Returns whether the value of a variable switches something on.
pub fn is_on(value: &str) -> bool {
    matches!(value.trim().to_ascii_lowercase().as_str(), "1" | "true" | "yes")
}

/// Checks everything that can be checked without a call, connects, and opens the state file.
pub async fn prepare(
    cli: &Cli,
    environment: &Environment,
    access: Access,
    browser: Rc<Browser>,
) -> Result<Prepared, UserError> {
    let backend = Backend::of(cli, environment)?;
    let (mut options, mut answers) = check_given(cli, environment)?;
    let folder = Folder::of(environment);
    let (connection, region) = connect_with_flags(cli, environment, folder.as_ref(), access).await?;
    browser.restrict_to(connection.caller.partition());
    check_partition(&answers, &connection)?;
    let path = state_file(cli, folder.as_ref(), &connection)?;
    let (partition, account) = (connection.caller.partition().id(), &connection.caller.account);
    let progress = match access {
        Access::Write => Progress::open(&path, partition, account)?,
        Access::Read => Progress::open_read_only(&path, partition, account)?,
    };
    if cli.flags.fresh {
        progress.change(|record| record.answers.clear())?;
    }
    put_saved(&mut answers, &progress);
    if backend.is_rehearsal() {
        for (key, value) in examples() {
            answers.suggest(key, value);
        }
    }
    put_defaults(&mut answers, region.as_ref(), &connection);
    if answers.without_group() {
        options.skip.insert("create-group".to_owned());
    }
    let held = Held::of(&connection, environment);
    let context = WizardContext::new(WizardContextParts {
        clients: connection.clients,
        caller: connection.caller,
        region: region.map(|region| region.name),
        profile: connection.profile,
        answers,
        progress,
        console: backend.console(),
        timing: backend.timing(),
        paths: environment.aws_files(),
        updates: cli.flags.update.iter().cloned().collect(),
        confirmed: cli.flags.confirmed.iter().cloned().collect(),
        browser,
        use_device_code: uses_device_code(cli, environment),
        aws_cli: match access {
            Access::Write => Finder::of(environment),
            Access::Read => Finder::default(),
        },
    });
    Ok(Prepared {
        context: Rc::new(context),
        options,
        held,
    })
}

/// Refuses a Region of another partition, where this account cannot have anything.
fn check_partition(answers: &Answers, connection: &Connection) -> Result<(), UserError> {
    let own = connection.caller.partition();
    let Some(answer) = answers.explicit(Key::IdentityCenterRegion) else {
        return Ok(());
    };
    let is_own = |region: &RegionName| Partition::of_region(region) == own;
    if answer.value.parse().is_ok_and(|region| is_own(&region)) {
        return Ok(());
    }
    let (source, value) = (&answer.source, &answer.value);
    Err(UserError::usage(
        format!("{source}: {value} is in another partition than this account ({own})."),
        SetupCommand::again().placeholder("--identity-center-region", "REGION"),
    ))
}

/// Returns the options of the walk.
fn options(cli: &Cli, timing: Timing, mistakes: &mut Mistakes) -> Options {
    let flags = &cli.flags;
    check_names("--only", &flags.only, &SLUGS, mistakes);
    check_names("--skip", &flags.skip, &SLUGS, mistakes);
    check_names("--update", &flags.update, &UPDATABLE, mistakes);
    check_names("--confirm", &flags.confirmed, &TOPICS, mistakes);
    for step in flags.only.iter().filter(|step| flags.skip.contains(step)) {
        mistakes.add(
            format!("--only {step} and --skip {step} contradict each other."),
            Correction::Arguments(vec![Argument::Value("--only".to_owned(), step.clone())]),
        );
    }
    let wait = match &flags.wait {
        Some(text) => mistakes.checked(
            parsed_duration("--wait", text),
            Correction::Flag("--wait".to_owned(), "DURATION"),
        ),
        None if flags.non_interactive => Some(Duration::ZERO),
        None => None,
    };
    let given = [
        flags.create_organization,
        flags.accept_free_plan_end,
        flags.enable_permission_sets,
        flags.create_trail,
    ];
    let consents = CONSENTS.into_iter().zip(given).filter(|(_, given)| *given);
    Options {
        only: flags.only.iter().cloned().collect(),
        skip: flags.skip.iter().cloned().collect(),
        yes: flags.yes,
        wait,
        consents: consents.map(|(flag, _)| flag.to_owned()).collect(),
        person_pause: timing.person,
        asks_recommendations: false,
    }
}

fn check_names(flag: &str, given: &[String], known: &[&str], mistakes: &mut Mistakes) {
    for name in given.iter().filter(|name| !known.contains(&name.as_str())) {
        mistakes.add(
            format!("{flag}: {name:?} is not one of: {}.", known.join(", ")),
            Correction::Flag(flag.to_owned(), "NAME"),
        );
    }
}

/// Parses a duration such as `10m`, `60s` or `0`. `command` is the one that takes the flag.
pub fn duration(command: SetupCommand, flag: &str, text: &str) -> Result<Duration, UserError> {
    parsed_duration(flag, text).map_err(|why| UserError::usage(why, command.placeholder(flag, "DURATION")))
}

fn parsed_duration(flag: &str, text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let parsed = text
        .parse::<SignedDuration>()
        .ok()
        .and_then(|parsed| Duration::try_from(parsed).ok())
        .filter(|parsed| *parsed <= LONGEST_WAIT);
    parsed.ok_or_else(|| format!("{flag}: {text:?} is not a duration such as 80ms, 60s or 10m, of at most one week."))
}

/// Returns the answers from flags, from variables and from the answers file. Of several, the first counts.
pub fn typed_answers(cli: &Cli, environment: &Environment) -> Result<Answers, UserError> {
    let mut mistakes = Mistakes::default();
    let answers = given_answers(cli, environment, &mut mistakes);
    mistakes.refuse()?;
    Ok(answers)
}

/// Checks what was given in flags, in variables and in the answers file, and returns the options of the walk and the answers.
///
/// # Errors
/// All mistakes together.
pub fn check_given(cli: &Cli, environment: &Environment) -> Result<(Options, Answers), UserError> {
    let backend = Backend::of(cli, environment)?;
    let mut mistakes = Mistakes::default();
    let options = options(cli, backend.timing(), &mut mistakes);
    let answers = given_answers(cli, environment, &mut mistakes);
    check_together(&answers, &mut mistakes);
    mistakes.refuse()?;
    Ok((options, answers))
}

/// Returns the valid answers from flags, from variables and from the answers file.
fn given_answers(cli: &Cli, environment: &Environment, mistakes: &mut Mistakes) -> Answers {
    let mut answers = Answers::default();
    // The rehearsed doctor and `access plan` print a policy, and have no answers.
    let prints_policy = match &cli.command {
        Some(Command::Rehearse(flags)) => flags.what == Rehearsed::Doctor,
        Some(Command::Access(_)) => true,
        _ => false,
    };
    let typed = cli.answers.typed.iter();
    for (key, text) in typed.filter(|(key, _)| *key != Key::Policy || !prints_policy) {
        let flag = key.flag();
        let correction = Correction::Flag(flag.clone(), "VALUE");
        put_checked(*key, text, Source::Flag(flag), correction, &mut answers, mistakes);
    }
    put_pairs(&cli.answers.pairs, &mut answers, mistakes);
    for key in KEYS {
        let variable = key.variable();
        if let Some(text) = environment.var(&variable) {
            let correction = Correction::First(format!("correct or unset {variable}"));
            put_checked(
                key,
                text,
                Source::Variable(variable),
                correction,
                &mut answers,
                mistakes,
            );
        }
    }
    let is_there = |path: &&PathBuf| path.symlink_metadata().is_ok();
    if let Some(path) = cli.flags.answers_file.as_ref().filter(|path| !is_there(path)) {
        let sentence = format!("--answers: there is no file {}.", path.display());
        mistakes.add(sentence, Correction::Flag("--answers".to_owned(), "FILE"));
    } else if let Some(path) = &cli.flags.answers_file {
        let correction = Correction::First(format!("correct {}", path.display()));
        match answers::file::read(path) {
            Ok(rows) => {
                for (key, answer) in rows {
                    answers.put(key, answer);
                }
            }
            Err(sentences) => {
                for sentence in sentences {
                    mistakes.add(sentence, correction.clone());
                }
            }
        }
    }
    answers
}

/// Adds an answer if it is valid, or else a mistake.
fn put_checked(
    key: Key,
    text: &str,
    source: Source,
    correction: Correction,
    answers: &mut Answers,
    mistakes: &mut Mistakes,
) {
    let value = key.check(text).map_err(|why| format!("{source}: {why}."));
    if let Some(value) = mistakes.checked(value, correction) {
        answers.put(key, Answer { value, source });
    }
}

/// Adds the answers that `--answer KEY=VALUE` gives. The flags of the keys have been added before.
fn put_pairs(pairs: &[String], answers: &mut Answers, mistakes: &mut Mistakes) {
    let another = || Correction::Flag("--answer".to_owned(), "KEY=VALUE");
    for pair in pairs {
        let Some((name, text)) = pair.split_once('=') else {
            mistakes.add(format!("--answer: {pair:?} is not KEY=VALUE."), another());
            continue;
        };
        let Some(key) = Key::named(name) else {
            match Key::similar_to(name) {
                Some(similar) => mistakes.add(
                    format!("--answer: unknown key {name:?}; a similar key is {}.", similar.name()),
                    Correction::Arguments(vec![Argument::Value(
                        "--answer".to_owned(),
                        format!("{}={text}", similar.name()),
                    )]),
                ),
                None => mistakes.add(
                    format!("--answer: unknown key {name:?}; idc-setup help answers lists the keys."),
                    another(),
                ),
            }
            continue;
        };
        let source = Source::Flag(format!("--answer {name}"));
        let correction = Correction::Flag(key.flag(), "VALUE");
        let value = key.check(text).ok();
        match answers
            .explicit(key)
            .filter(|other| value.as_ref().is_some_and(|value| *value != other.value))
        {
            Some(other) if other.source == source => {
                mistakes.add(format!("{source} is given twice, with different values."), correction);
            }
            Some(other) => {
                mistakes.add(
                    format!("{} and {source} give different values.", other.source),
                    correction,
                );
            }
            None => put_checked(key, text, source, correction, answers, mistakes),
        }
    }
}

/// Refuses answers that contradict each other.
fn check_together(answers: &Answers, mistakes: &mut Mistakes) {
    let given = |key: Key| answers.explicit(key).map(|answer| answer.value.as_str());
    if given(Key::NoGroup) != Some("true") {
        return;
    }
    let mut contradicts = |key: Key, correction: Correction| {
        mistakes.add(
            format!("{} and --no-group contradict each other.", key.flag()),
            correction,
        );
    };
    if given(Key::Group).is_some() {
        // The command to type next repeats the given answers, so it cannot leave one out.
        contradicts(Key::Group, Correction::Without("--group".to_owned()));
    } else if given(Key::AssignTo) == Some("group") {
        contradicts(
            Key::AssignTo,
            Correction::Arguments(vec![
                Argument::Switch("--no-group".to_owned()),
                Argument::Value("--assign-to".to_owned(), "user".to_owned()),
            ]),
        );
    }
}

/// Returns whether an answer given now contradicts a saved one, which then no longer counts.
fn is_revoked(answers: &Answers, key: Key, value: &str) -> bool {
    let given = |key: Key| answers.explicit(key).map(|answer| answer.value.as_str());
    match key {
        Key::NoGroup => given(Key::Group).is_some() || given(Key::AssignTo) == Some("group"),
        Key::Group => given(Key::NoGroup) == Some("true"),
        Key::AssignTo => value == "group" && given(Key::NoGroup) == Some("true"),
        _ => false,
    }
}

fn put_saved(answers: &mut Answers, progress: &Progress) {
    let typed = answers.clone();
    progress.read(|record| {
        for (name, saved) in &record.answers {
            // Another version may have saved an answer that this one does not know or would refuse: ask again.
            if let Some(key) = Key::of_field(name)
                && let Ok(value) = key.check(&saved.value)
                && !is_revoked(&typed, key, &value)
            {
                let source = Source::Saved(saved.at);
                answers.put(key, Answer { value, source });
            }
        }
    });
}

fn put_defaults(answers: &mut Answers, region: Option<&NamedRegion>, connection: &Connection) {
    if let Some(region) = region {
        let source = Source::Environment(region.named_by.clone());
        answers.default_to(Key::IdentityCenterRegion, &region.name, source);
    }
    let source = Source::Environment("the account you are in".to_owned());
    answers.default_to(Key::Account, &connection.caller.account, source);
}

fn state_file(cli: &Cli, folder: Option<&Folder>, connection: &Connection) -> Result<PathBuf, UserError> {
    if let Some(path) = &cli.flags.state {
        return Ok(path.clone());
    }
    let caller = &connection.caller;
    folder
        .map(|folder| folder.state_file(caller.partition().id(), &caller.account))
        .ok_or_else(|| {
            UserError::usage(
                "There is no home folder to store progress in.",
                [
                    NextStep::note(format!("set {HOME}")),
                    SetupCommand::new(subcommand(cli))
                        .placeholder("--state", "FILE")
                        .to("specify a state file"),
                ],
            )
        })
}

/// Returns the steps of `--only`, or all steps, for a status without credentials.
pub fn wanted_slugs(cli: &Cli) -> BTreeSet<&'static str> {
    let only = &cli.flags.only;
    SLUGS
        .into_iter()
        .filter(|slug| only.is_empty() || only.iter().any(|wanted| wanted == slug))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_the_lasting_form_of_the_flag_for_device_codes() {
        for (line, value, expected) in [
            (&["idc-setup", "login"][..], "", false),
            (&["idc-setup", "login"], "1", true),
            (&["idc-setup", "login"], "True", true),
            (&["idc-setup", "login"], "0", false),
            (&["idc-setup", "login"], "False", false),
            (&["idc-setup", "login"], "off", false),
            (&["idc-setup", "login", "--use-device-code"], "0", true),
        ] {
            let cli = Cli::parse_line(line).unwrap();
            let environment = match value {
                "" => Environment::default(),
                value => Environment::of_variables(&[("IDC_SETUP_USE_DEVICE_CODE", value)]),
            };
            assert_eq!(uses_device_code(&cli, &environment), expected, "{line:?} {value:?}");
        }
    }
}
