//! Why a command line is refused, and what to type instead.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::own_flags::{SharedFlag, shared};
use super::{Requested, tree};
use crate::next_step::{NextStep, Subcommand};
use crate::text::{listed, one_line};
use crate::user_error::UserError;

/// Returns the error for a command line that clap does not accept.
pub(super) fn of_clap(error: &clap::Error, command: Requested, line: &[OsString]) -> UserError {
    let text = |kind: ContextKind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => texts.first().cloned(),
        _ => None,
    };
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let typed = text(ContextKind::InvalidSubcommand).unwrap_or_default();
            unknown_command(&typed, similar_command(error, &typed), command, line)
        }
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let names = inner_commands(command);
            UserError::usage(
                format!("{} needs one of its commands: {}.", command.title(), names.join(", ")),
                NextStep::other("list them", ["idc-setup", command.command.family(), "--help"]),
            )
        }
        ErrorKind::UnknownArgument => {
            let typed = text(ContextKind::InvalidArg).unwrap_or_default();
            unknown_argument(&typed, text(ContextKind::SuggestedArg), command, line)
        }
        _ => {
            let rendered = error.to_string();
            let end = ["\n\nUsage:", "\n\nFor more information"]
                .iter()
                .filter_map(|mark| rendered.find(mark))
                .min();
            let message = one_line(&rendered[..end.unwrap_or(rendered.len())]);
            let message = message.trim_start_matches("error: ");
            UserError::usage(sentence(message), flags_of(command))
        }
    }
}

/// Returns the error for flags that the command does not take.
pub(super) fn misplaced(flags: &[&SharedFlag], command: Requested) -> UserError {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for flag in flags {
        let takers = takers(flag);
        match groups.iter_mut().find(|(others, _)| *others == takers) {
            Some((_, names)) => names.push(flag.name),
            None => groups.push((takers, vec![flag.name])),
        }
    }
    let sentences = groups.iter().map(|(takers, names)| {
        let verb = if names.len() == 1 {
            "It is a flag"
        } else {
            "They are flags"
        };
        let names: Vec<String> = names.iter().map(|name| format!("--{name}")).collect();
        format!(
            "{} does not take {}. {verb} of {takers}.",
            command.title(),
            names.join(", ")
        )
    });
    let mut sentences: Vec<String> = sentences.collect();
    let is_given = |name: &str| flags.iter().any(|flag| flag.name == name);
    match command.command {
        Subcommand::Login if is_given("profile") => {
            sentences.push("To sign in with a profile: --cli-profile NAME.".to_owned());
        }
        Subcommand::Undo if is_given("only") || is_given("skip") => {
            sentences.push("To undo one step only: --step STEP.".to_owned());
        }
        _ => {}
    }
    UserError::usage(sentences.join(" "), flags_of(command))
}

/// `run, status and plan`.
fn takers(flag: &SharedFlag) -> String {
    let mut names: Vec<&str> = flag.listers().map(Subcommand::family).collect();
    names.dedup();
    listed(&names)
}

/// Returns the most similar command that clap suggests: the one with the most characters in common at the beginning.
fn similar_command<'e>(error: &'e clap::Error, typed: &str) -> Option<&'e str> {
    let in_common = |name: &str| typed.chars().zip(name.chars()).take_while(|(a, b)| a == b).count();
    match error.get(ContextKind::SuggestedSubcommand)? {
        ContextValue::String(name) => Some(name),
        ContextValue::Strings(names) => names.iter().map(String::as_str).max_by_key(|name| in_common(name)),
        _ => None,
    }
}

/// The commands of a command that has some.
fn inner_commands(command: Requested) -> Vec<String> {
    let program = tree::program();
    let outer = program.find_subcommand(command.command.family());
    let inner = outer.into_iter().flat_map(clap::Command::get_subcommands);
    inner.map(|inner| inner.get_name().to_owned()).collect()
}

/// Returns the command line with another word in place of a mistyped one, if it is valid then.
fn corrected(line: &[OsString], mistyped: &str, word: &str) -> Option<NextStep> {
    let is_mistyped = |text: &str| {
        let value = text.strip_prefix(mistyped);
        value.is_some_and(|value| value.is_empty() || value.starts_with('='))
    };
    let mut is_corrected = false;
    let words = line.iter().skip(1).map(|text| {
        let text = text.to_string_lossy();
        if is_corrected || !is_mistyped(&text) {
            return text.into_owned();
        }
        is_corrected = true;
        text.replacen(mistyped, word, 1)
    });
    let words: Vec<String> = ["idc-setup".to_owned()].into_iter().chain(words).collect();
    let is_valid = tree::program_with_help().try_get_matches_from(&words).is_ok();
    (is_corrected && is_valid).then(|| NextStep::other("use it", words))
}

fn unknown_command(typed: &str, similar: Option<&str>, command: Requested, line: &[OsString]) -> UserError {
    // The words before the one that is not known.
    let mut before = vec!["idc-setup"];
    before.extend(command.is_named.then(|| command.command.family()));
    let list = NextStep::other("list the commands", before.iter().copied().chain(["--help"]));
    let message = format!("{} has no command {typed:?}", before.join(" "));
    match similar {
        Some(similar) => {
            let next = corrected(line, typed, similar).into_iter().chain([list]);
            UserError::usage(
                format!("{message}. A similar one is {similar}."),
                next.collect::<Vec<NextStep>>(),
            )
        }
        None => UserError::usage(format!("{message}."), list),
    }
}

fn unknown_argument(typed: &str, similar: Option<String>, command: Requested, line: &[OsString]) -> UserError {
    // clap renders a flag with a value as `--flag=value`, which could be long.
    let name = typed.split('=').next().unwrap_or_default();
    if !name.starts_with('-') {
        return UserError::usage(
            format!("{} does not take the argument {typed:?}.", command.title()),
            flags_of(command),
        );
    }
    if let Some(flag) = shared(name) {
        return misplaced(&[flag], command);
    }
    let siblings = siblings_with(name, command);
    if let Some(first) = siblings.first() {
        let names: Vec<&str> = siblings.iter().map(|sibling| sibling.name.as_str()).collect();
        let message = format!(
            "{} does not take {name}. It is a flag of {}.",
            command.title(),
            listed(&names)
        );
        // A command that the user named is not replaced by another one, which can do the opposite.
        return if command.command.name() == command.command.family() {
            UserError::usage(message, [first.with(name), flags_of(command)])
        } else {
            UserError::usage(message, flags_of(command))
        };
    }
    let message = format!("{} has no flag {name}.", command.title());
    let Some(similar) = similar.or_else(|| similar_flag(name)) else {
        return UserError::usage(message, flags_of(command));
    };
    let message = format!("{message} A similar one is {similar}");
    // Another command can take it.
    if let Some(flag) = shared(&similar).filter(|flag| !command.takes(flag)) {
        return UserError::usage(format!("{message}, a flag of {}.", takers(flag)), flags_of(command));
    }
    let next = corrected(line, name, &similar).into_iter().chain([flags_of(command)]);
    UserError::usage(format!("{message}."), next.collect::<Vec<NextStep>>())
}

/// A command of the same family that has a flag.
struct Sibling {
    /// The name, such as `profiles sync`.
    name: String,
    /// The name of the flag's value, if it has one.
    value: Option<String>,
}

impl Sibling {
    /// The command with the flag.
    fn with(&self, flag: &str) -> NextStep {
        let words = ["idc-setup"].into_iter().chain(self.name.split(' ')).chain([flag]);
        NextStep::other("name the command", words.chain(self.value.as_deref()))
    }
}

/// The commands beside this one or below it, such as `profiles sync` beside `profiles remove`, that have a flag.
fn siblings_with(name: &str, command: Requested) -> Vec<Sibling> {
    let family = command.command.family();
    let program = tree::program();
    let outer = program.find_subcommand(family);
    let inner = outer.into_iter().flat_map(clap::Command::get_subcommands);
    inner
        .filter_map(|inner| {
            let mut flags = inner.get_arguments();
            let flag = flags.find(|flag| {
                flag.get_long()
                    .is_some_and(|long| name.strip_prefix("--") == Some(long))
            })?;
            let values = flag.get_value_names().filter(|_| flag.get_action().takes_values());
            Some(Sibling {
                name: format!("{family} {}", inner.get_name()),
                value: values.and_then(|names| names.first()).map(ToString::to_string),
            })
        })
        .collect()
}

/// Returns the flag of any command with a similar name.
fn similar_flag(name: &str) -> Option<String> {
    let error = tree::program().try_get_matches_from(["idc-setup", name]).err()?;
    match error.get(ContextKind::SuggestedArg) {
        Some(ContextValue::String(similar)) => Some(similar.clone()),
        _ => None,
    }
}

fn flags_of(command: Requested) -> NextStep {
    let name = command.is_named.then(|| command.command.name().split(' '));
    let words = ["idc-setup"]
        .into_iter()
        .chain(name.into_iter().flatten())
        .chain(["--help"]);
    NextStep::other("list the flags", words)
}

/// A message of clap as a sentence.
fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string());
    let end = if message.ends_with(['.', ']']) { "" } else { "." };
    format!("{}{}{end}", first.unwrap_or_default(), letters.as_str())
}
