//! Next steps: every hint that names a command is a typed value and is rendered in one place.
//!
//! A [`SetupCommand`] contains only its own arguments. The [`Invocation`] adds the arguments that the user gave and
//! that still apply (`--state`, `--profile`, `--keep`, answers that are not saved yet), and quotes everything for a
//! shell, so that users can paste a command as it is shown.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use schemars::JsonSchema;
use serde::Serialize;

use crate::shell::{Shell, quoted};

/// The commands of `idc-setup` that a hint can name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Subcommand {
    /// `run`, the default if no subcommand is given.
    #[default]
    Run,
    /// `status`.
    Status,
    /// `plan`.
    Plan,
    /// `next`.
    Next,
    /// `doctor`.
    Doctor,
    /// `login`.
    Login,
    /// `undo`.
    Undo,
    /// `answers`.
    Answers,
    /// `completions`.
    Completions,
    /// `man`.
    Man,
    /// `recommend`.
    Recommend,
    /// `export`.
    Export,
    /// `rehearse`, with any subcommand.
    Rehearse,
    /// `profiles` without one of its commands.
    Profiles,
    /// `profiles sync`.
    ProfilesSync,
    /// `profiles remove`.
    ProfilesRemove,
    /// `join`.
    Join,
    /// `access` without one of its commands.
    Access,
    /// `access plan`.
    AccessPlan,
    /// `access apply`.
    AccessApply,
    /// `access drift`.
    AccessDrift,
    /// `access explain`.
    AccessExplain,
    /// `access adopt`.
    AccessAdopt,
    /// `access remove`.
    AccessRemove,
    /// The one that is running: `run` in a run, `undo` in an undo. [`Invocation`] knows it.
    Current,
}

impl Subcommand {
    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            // `Current` is resolved before it is written.
            Self::Run | Self::Current => "run",
            Self::Status => "status",
            Self::Plan => "plan",
            Self::Next => "next",
            Self::Doctor => "doctor",
            Self::Login => "login",
            Self::Undo => "undo",
            Self::Answers => "answers",
            Self::Completions => "completions",
            Self::Man => "man",
            Self::Recommend => "recommend",
            Self::Export => "export",
            Self::Rehearse => "rehearse",
            Self::Profiles => "profiles",
            Self::ProfilesSync => "profiles sync",
            Self::ProfilesRemove => "profiles remove",
            Self::Join => "join",
            Self::Access => "access",
            Self::AccessPlan => "access plan",
            Self::AccessApply => "access apply",
            Self::AccessDrift => "access drift",
            Self::AccessExplain => "access explain",
            Self::AccessAdopt => "access adopt",
            Self::AccessRemove => "access remove",
        }
    }

    /// The first word of the name: `access` for `access plan`.
    pub fn family(self) -> &'static str {
        let name = self.name();
        name.split_once(' ').map_or(name, |(first, _)| first)
    }

    /// Whether it is `profiles` or one of its commands.
    pub fn is_profiles(self) -> bool {
        self.family() == "profiles"
    }

    /// Whether it is `access` or one of its commands.
    pub fn is_access(self) -> bool {
        self.family() == "access"
    }

    /// The subcommand with a name on the command line; `run` if there is none.
    pub fn named(name: &str) -> Self {
        const ALL: [Subcommand; 23] = [
            Subcommand::Status,
            Subcommand::Plan,
            Subcommand::Next,
            Subcommand::Doctor,
            Subcommand::Login,
            Subcommand::Undo,
            Subcommand::Answers,
            Subcommand::Completions,
            Subcommand::Man,
            Subcommand::Recommend,
            Subcommand::Export,
            Subcommand::Rehearse,
            Subcommand::Profiles,
            Subcommand::ProfilesSync,
            Subcommand::ProfilesRemove,
            Subcommand::Join,
            Subcommand::Access,
            Subcommand::AccessPlan,
            Subcommand::AccessApply,
            Subcommand::AccessDrift,
            Subcommand::AccessExplain,
            Subcommand::AccessAdopt,
            Subcommand::AccessRemove,
        ];
        ALL.into_iter().find(|other| other.name() == name).unwrap_or_default()
    }

    /// Whether it can be rehearsed. The others call no AWS.
    fn can_be_rehearsed(self) -> bool {
        !matches!(
            self,
            Self::Answers | Self::Completions | Self::Man | Self::Rehearse | Self::Current
        )
    }

    /// The scenario that its rehearsal starts from by default.
    pub fn default_scenario(self) -> &'static str {
        if self.is_access() || self.is_profiles() || matches!(self, Self::Export | Self::Join) {
            "team"
        } else {
            "fresh"
        }
    }

    /// Whether it reads or writes the state file.
    fn uses_state(self) -> bool {
        self.uses_credentials() || matches!(self, Self::Login | Self::Answers)
    }

    /// Whether it calls AWS with the user's credentials. Signing in needs none.
    fn uses_credentials(self) -> bool {
        matches!(
            self,
            Self::Run
                | Self::Status
                | Self::Plan
                | Self::Doctor
                | Self::Undo
                | Self::Recommend
                | Self::Next
                | Self::Export
        ) || self.is_access()
    }

    /// Whether it takes answers.
    fn uses_answers(self) -> bool {
        matches!(self, Self::Run | Self::Status | Self::Plan | Self::Next)
    }
}

/// An argument of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument {
    /// A flag without a value: `--no-group`.
    Switch(String),
    /// A flag with its value.
    Value(String, String),
    /// A flag whose value the user fills in: `--profile NAME`.
    Placeholder(String, &'static str),
    /// A positional argument that the user fills in: `DIR`.
    Positional(&'static str),
    /// A positional argument with its value, such as an action, a URL or a file.
    Word(String),
}

impl Argument {
    /// The name of the flag, such as `--profile`; empty for a positional argument.
    pub fn flag(&self) -> &str {
        match self {
            Self::Switch(flag) | Self::Value(flag, _) | Self::Placeholder(flag, _) => flag,
            Self::Positional(_) | Self::Word(_) => "",
        }
    }

    /// The flag and its value as one argument of a process: `--profile=dev`.
    pub fn word(&self) -> String {
        match self {
            Self::Value(flag, value) => format!("{flag}={value}"),
            Self::Word(word) => word.clone(),
            _ => self.flag().to_owned(),
        }
    }

    fn write(&self, line: &mut String) {
        let _ = match self {
            Self::Switch(flag) => write!(line, " {flag}"),
            // A value that begins with a dash would be parsed as a flag.
            Self::Value(flag, value) if value.starts_with('-') => write!(line, " {flag}={}", quoted(value)),
            Self::Value(flag, value) => write!(line, " {flag} {}", quoted(value)),
            Self::Placeholder(flag, name) => write!(line, " {flag} {name}"),
            Self::Positional(name) => write!(line, " {name}"),
            Self::Word(word) => write!(line, " {}", quoted(word)),
        };
    }
}

/// An `idc-setup` command with its own arguments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetupCommand {
    subcommand: Subcommand,
    variable: Option<(String, String)>,
    arguments: Vec<Argument>,
    without: Vec<String>,
}

impl SetupCommand {
    /// A command without arguments of its own.
    pub fn new(subcommand: Subcommand) -> Self {
        Self {
            subcommand,
            variable: None,
            arguments: Vec::new(),
            without: Vec::new(),
        }
    }

    /// `idc-setup run`.
    pub fn run() -> Self {
        Self::new(Subcommand::Run)
    }

    /// The command that is running, once more, with the arguments that the user gave. For errors that several commands share.
    pub fn again() -> Self {
        Self::new(Subcommand::Current)
    }

    /// `idc-setup recommend`.
    pub fn recommend() -> Self {
        Self::new(Subcommand::Recommend)
    }

    /// `idc-setup undo`.
    pub fn undo() -> Self {
        Self::new(Subcommand::Undo)
    }

    /// `idc-setup login`.
    pub fn login() -> Self {
        Self::new(Subcommand::Login)
    }

    /// `idc-setup status`.
    pub fn status() -> Self {
        Self::new(Subcommand::Status)
    }

    /// `idc-setup doctor`.
    pub fn doctor() -> Self {
        Self::new(Subcommand::Doctor)
    }

    /// `idc-setup profiles sync`.
    pub fn profiles_sync() -> Self {
        Self::new(Subcommand::ProfilesSync)
    }

    /// `idc-setup profiles remove`.
    pub fn profiles_remove() -> Self {
        Self::new(Subcommand::ProfilesRemove)
    }

    /// `idc-setup export WHAT`, such as `access`.
    pub fn export(what: &str) -> Self {
        Self::new(Subcommand::Export).word(what)
    }

    /// `idc-setup rehearse`.
    pub fn rehearse() -> Self {
        Self::new(Subcommand::Rehearse)
    }

    /// Sets an environment variable for the command: `HOME=/home/ada idc-setup undo`.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variable = Some((name.into(), value.into()));
        self
    }

    /// Adds a flag without a value.
    #[must_use]
    pub fn switch(mut self, flag: impl Into<String>) -> Self {
        self.arguments.push(Argument::Switch(flag.into()));
        self
    }

    /// Adds a flag and its value.
    #[must_use]
    pub fn value(mut self, flag: impl Into<String>, value: impl Into<String>) -> Self {
        self.arguments.push(Argument::Value(flag.into(), value.into()));
        self
    }

    /// Adds a flag whose value the user fills in.
    #[must_use]
    pub fn placeholder(mut self, flag: impl Into<String>, name: &'static str) -> Self {
        self.arguments.push(Argument::Placeholder(flag.into(), name));
        self
    }

    /// Adds a positional argument that the user fills in.
    #[must_use]
    pub fn positional(mut self, name: &'static str) -> Self {
        self.arguments.push(Argument::Positional(name));
        self
    }

    /// Adds a positional argument with its value.
    #[must_use]
    pub fn word(mut self, word: impl Into<String>) -> Self {
        self.arguments.push(Argument::Word(word.into()));
        self
    }

    /// Drops a flag that the user gave.
    #[must_use]
    pub fn without(mut self, flag: impl Into<String>) -> Self {
        self.without.push(flag.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn arguments(mut self, arguments: impl IntoIterator<Item = Argument>) -> Self {
        self.arguments.extend(arguments);
        self
    }

    /// The next step in which the user does something first: `make room there, then: idc-setup run`.
    #[must_use]
    pub fn after(self, first: impl AsRef<str>) -> NextStep {
        NextStep {
            note: Some(first.as_ref().to_owned()),
            command: None,
            then: Some(self),
        }
    }

    /// The next step with the purpose of the command: `use another file: idc-setup --state FILE`.
    #[must_use]
    pub fn to(self, purpose: impl Into<String>) -> NextStep {
        NextStep {
            note: Some(purpose.into()),
            command: Some(NextCommand::Setup(self)),
            then: None,
        }
    }
}

/// A command that the user can run next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextCommand {
    /// An `idc-setup` command.
    Setup(SetupCommand),
    /// A command of another program, such as `aws login`: the program and its arguments.
    Other(Vec<String>),
    /// Several commands of other programs; each runs if the one before it succeeds.
    Sequence(Vec<Vec<String>>),
}

impl NextCommand {
    /// A command of another program.
    pub fn other<W: Into<String>>(words: impl IntoIterator<Item = W>) -> Self {
        Self::Other(words.into_iter().map(Into::into).collect())
    }
}

/// One next step: something to do manually, a command, or both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NextStep {
    /// What to do first, or what the command is for; without a period at the end.
    pub note: Option<String>,
    /// The command to run.
    pub command: Option<NextCommand>,
    /// The command to run after that.
    pub then: Option<SetupCommand>,
}

impl NextStep {
    /// Something to do that is not a command.
    pub fn note(note: impl Into<String>) -> Self {
        Self {
            note: Some(note.into()),
            command: None,
            then: None,
        }
    }

    /// A command of another program, with its purpose.
    pub fn other<W: Into<String>>(purpose: impl Into<String>, words: impl IntoIterator<Item = W>) -> Self {
        Self {
            note: Some(purpose.into()),
            command: Some(NextCommand::other(words)),
            then: None,
        }
    }

    /// Commands of other programs, with their purpose. Each runs if the one before it succeeds.
    pub fn sequence(purpose: impl Into<String>, commands: &[&[&str]]) -> Self {
        let words = |command: &&[&str]| command.iter().map(|&word| word.to_owned()).collect();
        Self {
            note: Some(purpose.into()),
            command: Some(NextCommand::Sequence(commands.iter().map(words).collect())),
            then: None,
        }
    }

    /// The same step, followed by this command.
    #[must_use]
    pub fn then(self, command: SetupCommand) -> Self {
        Self {
            then: Some(command),
            ..self
        }
    }

    /// Whether it names a command other than this one.
    pub fn names_other_command_than(&self, command: &SetupCommand) -> bool {
        match (&self.command, &self.then) {
            (Some(NextCommand::Other(_) | NextCommand::Sequence(_)), _) => true,
            (Some(NextCommand::Setup(own)), _) | (None, Some(own)) => own != command,
            (None, None) => false,
        }
    }
}

impl From<SetupCommand> for NextStep {
    fn from(command: SetupCommand) -> Self {
        Self {
            note: None,
            command: Some(NextCommand::Setup(command)),
            then: None,
        }
    }
}

/// The possible next steps, best first. They are alternatives, not a sequence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NextSteps(Vec<NextStep>);

impl NextSteps {
    /// The next steps in order.
    pub fn iter(&self) -> impl Iterator<Item = &NextStep> {
        self.0.iter()
    }

    /// Whether there are no next steps.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first next step.
    pub fn first(&self) -> Option<&NextStep> {
        self.0.first()
    }

    /// The first `idc-setup` command.
    pub fn command(&self) -> Option<&SetupCommand> {
        self.0.iter().find_map(|next| match (&next.command, &next.then) {
            (_, Some(command)) | (Some(NextCommand::Setup(command)), None) => Some(command),
            _ => None,
        })
    }

    /// Adds an alternative.
    #[must_use]
    pub fn or(mut self, next: impl Into<NextStep>) -> Self {
        self.0.push(next.into());
        self
    }
}

impl From<NextStep> for NextSteps {
    fn from(next: NextStep) -> Self {
        Self(vec![next])
    }
}

impl From<SetupCommand> for NextSteps {
    fn from(command: SetupCommand) -> Self {
        Self(vec![command.into()])
    }
}

impl From<Vec<NextStep>> for NextSteps {
    fn from(steps: Vec<NextStep>) -> Self {
        Self(steps)
    }
}

impl<const N: usize> From<[NextStep; N]> for NextSteps {
    fn from(steps: [NextStep; N]) -> Self {
        Self(steps.into())
    }
}

/// A [`NextStep`] in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NextStepOut {
    /// What to do first, or what the command is for.
    pub note: Option<String>,
    /// The command to run, quoted for a POSIX shell.
    pub command: Option<String>,
    /// The command to run after that.
    pub then: Option<String>,
}

/// The parts of this invocation that suggested commands depend on.
#[derive(Debug, Default)]
pub struct Invocation {
    /// The current subcommand.
    pub subcommand: Subcommand,
    /// Set in a rehearsal: suggested commands then run in the rehearsal too. The arguments are those that a command needs
    /// to continue it, such as `--keep DIR` and `--latency 80ms`. A kept rehearsal continues in its saved scenario, without
    /// `--world`.
    pub rehearsal: Option<Vec<Argument>>,
    /// `--state FILE`.
    pub state: Vec<Argument>,
    /// Arguments for credentials and the Region: `--profile`, `--allow-root-keys` and `--region`.
    pub credentials: Vec<Argument>,
    /// Answers that were given as arguments, including `--answers FILE`.
    pub answers: Vec<Argument>,
    /// What the user chose for the walk: `--only`, `--skip`, `--update`, `--strict` and `--use-device-code`. Consents and
    /// `--confirm` are not carried: they are for the command that the user typed.
    pub walk: Vec<Argument>,
    /// Arguments of the current subcommand, for a suggestion to run it again.
    pub own: Vec<Argument>,
    /// Whether the answers are saved in the state file, so that the user need not give them again.
    pub answers_saved: AtomicBool,
}

impl Invocation {
    /// The current command, with the arguments that the user gave.
    pub fn again(&self) -> SetupCommand {
        SetupCommand::new(self.subcommand)
    }

    /// Notes that the answers were written to the state file.
    pub fn note_answers_saved(&self) {
        self.answers_saved.store(true, Ordering::Relaxed);
    }

    /// The command line of an `idc-setup` command.
    pub fn command_line(&self, command: &SetupCommand) -> String {
        let subcommand = match command.subcommand {
            Subcommand::Current => self.subcommand,
            other => other,
        };
        let mut line = "idc-setup".to_owned();
        // A rehearsal has one account, so a command that names another profile is for real.
        let needs_profile =
            |argument: &Argument| matches!(argument, Argument::Placeholder(flag, _) if flag == "--profile");
        let is_real = self.rehearsal.is_some() && command.arguments.iter().any(needs_profile);
        let rehearsal = self.rehearsal.as_ref().filter(|_| !is_real);
        let rehearsal = rehearsal.filter(|_| subcommand.can_be_rehearsed() || subcommand == Subcommand::Rehearse);
        match rehearsal {
            Some(_) if matches!(subcommand, Subcommand::Run | Subcommand::Rehearse) => line.push_str(" rehearse"),
            Some(_) => {
                let _ = write!(line, " rehearse {}", subcommand.name());
            }
            // `run` is the default.
            None if subcommand == Subcommand::Run => {}
            None => {
                let _ = write!(line, " {}", subcommand.name());
            }
        }
        let rehearsal = rehearsal.into_iter().flatten();
        let rehearsal = rehearsal.filter(|argument| match argument {
            Argument::Value(flag, name) if flag == "--world" => name != subcommand.default_scenario(),
            _ => true,
        });
        for argument in rehearsal.chain(self.carried(subcommand).filter(|_| !is_real)) {
            let replaces = |own: &Argument| {
                // Which steps: only one of the two can be given.
                own.flag() == argument.flag() || (own.flag() == "--only" && argument.flag() == "--skip")
            };
            let is_replaced = command.arguments.iter().any(replaces);
            if !is_replaced && !command.without.iter().any(|flag| flag == argument.flag()) {
                argument.write(&mut line);
            }
        }
        for argument in &command.arguments {
            argument.write(&mut line);
        }
        match &command.variable {
            Some((name, value)) => Shell::OF_PLATFORM.with_variable(name, value, &line),
            None => line,
        }
    }

    /// The arguments that the user gave and that still apply to this subcommand.
    fn carried(&self, subcommand: Subcommand) -> impl Iterator<Item = &Argument> {
        // The process that only serves a rehearsal passes the answers on.
        let uses_answers =
            subcommand.uses_answers() || (subcommand == Subcommand::Rehearse && subcommand == self.subcommand);
        let needs_answers = uses_answers && !self.answers_saved.load(Ordering::Relaxed);
        let groups = [
            (subcommand.uses_state(), &self.state),
            (subcommand.uses_credentials(), &self.credentials),
            (needs_answers, &self.answers),
            (uses_answers, &self.walk),
            (subcommand == self.subcommand, &self.own),
        ];
        groups
            .into_iter()
            .filter(|(applies, _)| *applies)
            .flat_map(|(_, arguments)| arguments)
    }

    /// The command line of a command, quoted for a shell.
    pub fn next_command(&self, command: &NextCommand) -> String {
        let line = |words: &Vec<String>| words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
        match command {
            NextCommand::Setup(command) => self.command_line(command),
            NextCommand::Other(words) => line(words),
            NextCommand::Sequence(commands) => commands.iter().map(line).collect::<Vec<_>>().join(" && "),
        }
    }

    /// A next step on one line: `make room there, then: idc-setup run`.
    pub fn next_step(&self, next: &NextStep) -> String {
        let command = next.command.as_ref().map(|command| self.next_command(command));
        let first = match (&next.note, command) {
            (Some(note), Some(command)) => format!("{note}: {command}"),
            (Some(note), None) => note.clone(),
            (None, Some(command)) => command,
            (None, None) => String::new(),
        };
        match &next.then {
            Some(then) if first.is_empty() => self.command_line(then),
            Some(then) => format!("{first}, then: {}", self.command_line(then)),
            None => first,
        }
    }

    /// The next steps in the form for JSON.
    pub fn next_steps_out(&self, next: &NextSteps) -> Vec<NextStepOut> {
        let out = |next: &NextStep| NextStepOut {
            note: next.note.clone(),
            command: next.command.as_ref().map(|command| self.next_command(command)),
            then: next.then.as_ref().map(|command| self.command_line(command)),
        };
        next.iter().map(out).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(flag: &str, value: &str) -> Argument {
        Argument::Value(flag.to_owned(), value.to_owned())
    }

    #[test]
    fn arguments_that_still_apply_are_kept_and_quoted() {
        let state = quoted("it's.json");
        let invocation = Invocation {
            state: vec![value("--state", "it's.json")],
            credentials: vec![value("--profile", "work")],
            answers: vec![value("--username", "ada")],
            ..Invocation::default()
        };
        let line = |command: SetupCommand| invocation.command_line(&command);
        assert_eq!(
            line(SetupCommand::run().value("--only", "sign-in")),
            format!("idc-setup --state {state} --profile work --username ada --only sign-in")
        );
        assert_eq!(line(SetupCommand::login()), format!("idc-setup login --state {state}"));
        assert_eq!(
            line(SetupCommand::undo().placeholder("--profile", "NAME")),
            format!("idc-setup undo --state {state} --profile NAME")
        );
        invocation.note_answers_saved();
        assert_eq!(
            line(SetupCommand::run().value("--group", "-x")),
            format!("idc-setup --state {state} --profile work --group=-x")
        );
    }

    #[test]
    fn a_shared_error_suggests_the_command_that_failed() {
        let undo = Invocation {
            subcommand: Subcommand::Undo,
            own: vec![value("--step", "sign-in")],
            ..Invocation::default()
        };
        let line = |command: SetupCommand| undo.command_line(&command);
        assert_eq!(
            line(SetupCommand::again().placeholder("--profile", "NAME")),
            "idc-setup undo --step sign-in --profile NAME"
        );
        assert_eq!(
            line(SetupCommand::run().value("--cli-profile", "dev")),
            "idc-setup --cli-profile dev"
        );
    }

    #[test]
    fn the_choice_of_steps_is_kept_by_commands_that_walk() {
        let invocation = Invocation {
            subcommand: Subcommand::Plan,
            walk: vec![value("--skip", "sign-in"), Argument::Switch("--strict".to_owned())],
            ..Invocation::default()
        };
        let line = |command: SetupCommand| invocation.command_line(&command);
        assert_eq!(line(SetupCommand::again()), "idc-setup plan --skip sign-in --strict");
        assert_eq!(
            line(SetupCommand::run().value("--only", "sign-in")),
            "idc-setup --strict --only sign-in"
        );
        assert_eq!(line(SetupCommand::undo()), "idc-setup undo");
    }

    #[test]
    fn suggested_commands_continue_the_rehearsal() {
        let rehearsal = |arguments: &[Argument]| Invocation {
            rehearsal: Some(arguments.to_vec()),
            ..Invocation::default()
        };
        let (world, latency) = (value("--world", "enabled"), value("--latency", "80ms"));
        let kept = rehearsal(&[value("--keep", "a b"), latency.clone()]);
        assert_eq!(
            kept.command_line(&SetupCommand::run()),
            "idc-setup rehearse --keep 'a b' --latency 80ms"
        );
        assert_eq!(
            kept.command_line(&SetupCommand::undo()),
            "idc-setup rehearse undo --keep 'a b' --latency 80ms"
        );
        let passing = rehearsal(&[world, latency]);
        assert_eq!(
            passing.command_line(&SetupCommand::status()),
            "idc-setup rehearse status --world enabled --latency 80ms"
        );
        assert_eq!(
            passing.command_line(&SetupCommand::new(Subcommand::Answers)),
            "idc-setup answers"
        );
        let team = rehearsal(&[value("--world", "team")]);
        assert_eq!(
            team.command_line(&SetupCommand::new(Subcommand::AccessApply)),
            "idc-setup rehearse access apply"
        );
        assert_eq!(
            team.command_line(&SetupCommand::doctor()),
            "idc-setup rehearse doctor --world team"
        );
        assert_eq!(
            team.command_line(&SetupCommand::profiles_sync()),
            "idc-setup rehearse profiles sync"
        );
    }

    #[test]
    fn a_repeated_command_keeps_its_own_arguments() {
        let invocation = Invocation {
            subcommand: Subcommand::Undo,
            own: vec![value("--step", "sign-in")],
            ..Invocation::default()
        };
        assert_eq!(
            invocation.command_line(&invocation.again()),
            "idc-setup undo --step sign-in"
        );
        assert_eq!(invocation.command_line(&SetupCommand::run()), "idc-setup");
    }

    #[test]
    fn a_positional_argument_is_repeated_or_replaced() {
        let invocation = Invocation {
            subcommand: Subcommand::Join,
            own: vec![
                Argument::Word("https://x.example/#a".to_owned()),
                value("--region", "eu-west-1"),
            ],
            ..Invocation::default()
        };
        assert_eq!(
            invocation.command_line(&SetupCommand::again().switch("--all")),
            "idc-setup join 'https://x.example/#a' --region eu-west-1 --all"
        );
        assert_eq!(
            invocation.command_line(&SetupCommand::again().positional("START_URL")),
            "idc-setup join --region eu-west-1 START_URL"
        );
        assert_eq!(
            invocation.command_line(&SetupCommand::profiles_sync().switch("--prune")),
            "idc-setup profiles sync --prune"
        );
    }

    #[test]
    fn a_next_step_is_one_line() {
        let invocation = Invocation::default();
        let line = |next: NextStep| invocation.next_step(&next);
        assert_eq!(
            line(SetupCommand::run().after("make room there")),
            "make room there, then: idc-setup"
        );
        assert_eq!(
            line(NextStep::other("sign in", ["aws", "sso", "login", "--profile", "a b"])),
            "sign in: aws sso login --profile 'a b'"
        );
        assert_eq!(line(NextStep::note("set the clock")), "set the clock");
    }
}
