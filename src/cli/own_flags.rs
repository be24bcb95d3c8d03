//! Which commands take which flags. The parser accepts every flag everywhere; this table decides what is listed and what
//! is refused.

use clap::builder::{PossibleValuesParser, Resettable};
use clap::{Arg, ArgAction, ValueEnum as _};

use super::{Output, Rehearsed, Requested};
use crate::next_step::{Argument, Subcommand};
use Subcommand::{
    Access, AccessAdopt, AccessApply, AccessDrift, AccessExplain, AccessPlan, AccessRemove, Answers, Doctor, Export,
    Join, Login, Man, Next, Plan, Profiles, ProfilesRemove, ProfilesSync, Recommend, Rehearse, Run, Status, Undo,
};

/// A flag that several commands share.
pub(super) struct SharedFlag {
    /// The name without the dashes.
    pub name: &'static str,
    /// The heading in the help.
    pub heading: &'static str,
    /// The commands whose help lists it.
    commands: Groups,
    /// The commands that accept it and don't list it, because it changes nothing there.
    tolerated_by: Groups,
}

/// Groups of commands, in the order in which a message names them.
type Groups = &'static [&'static [Subcommand]];

const fn flag(name: &'static str, heading: &'static str, commands: Groups) -> SharedFlag {
    SharedFlag {
        name,
        heading,
        commands,
        tolerated_by: &[],
    }
}

/// The commands that compare the account with the answers.
const WALKS: &[Subcommand] = &[Run, Status, Plan, Next];
/// The commands that look at the steps.
const OF_STEPS: &[Subcommand] = &[Run, Recommend, Status, Plan, Next];
/// The commands of the wizard that call AWS.
const OF_WIZARD: &[Subcommand] = &[Run, Recommend, Status, Plan, Next, Doctor, Undo];
/// The commands for the profiles of all roles.
const OF_PROFILES: &[Subcommand] = &[Profiles, ProfilesSync, ProfilesRemove];
/// The commands that work with an access file.
const OF_ACCESS: &[Subcommand] = &[
    AccessPlan,
    AccessApply,
    AccessDrift,
    AccessExplain,
    AccessAdopt,
    AccessRemove,
];
/// Those of them that only read.
const ACCESS_READERS: &[Subcommand] = &[AccessPlan, AccessDrift, AccessExplain];
/// Those of them that change something.
const ACCESS_CHANGERS: &[Subcommand] = &[AccessApply, AccessAdopt, AccessRemove];

/// The commands that call AWS with the user's credentials.
const CALLERS: Groups = &[OF_WIZARD, &[Access], OF_ACCESS, &[Export]];
/// The commands that read or write the state file.
const STATEFUL: Groups = &[OF_WIZARD, &[Login, Answers, AccessApply, AccessAdopt, Export]];
/// The commands that draw on the terminal.
const DRAWERS: Groups = &[
    OF_WIZARD,
    &[Login, Join],
    OF_PROFILES,
    &[Rehearse],
    OF_ACCESS,
    &[Export],
];
/// The commands that print messages and results.
const PRINTERS: Groups = &[
    OF_WIZARD,
    &[Login, Join],
    OF_PROFILES,
    &[Answers, Man, Rehearse, Access],
    OF_ACCESS,
    &[Export],
];

const ANSWERS: &str = "Answers";
const STEPS: &str = "Steps";
const CONSENTS: &str = "Consents";
const CREDENTIALS: &str = "Credentials";
const QUESTIONS: &str = "Questions and waiting";
const STATE: &str = "Saved state";
const OUTPUT: &str = "Output";

/// The flags, in the order of the help.
pub(super) const SHARED_FLAGS: [SharedFlag; 47] = [
    flag("profile", CREDENTIALS, CALLERS),
    flag("region", CREDENTIALS, &[OF_WIZARD, &[Join, Export, Access], OF_ACCESS]),
    flag("allow-root-keys", CREDENTIALS, CALLERS),
    flag("answers", ANSWERS, &[WALKS]),
    flag("answer", ANSWERS, &[WALKS]),
    flag("identity-center-region", ANSWERS, &[WALKS]),
    flag("identity-source", ANSWERS, &[WALKS]),
    flag("create-user-with", ANSWERS, &[WALKS]),
    flag("username", ANSWERS, &[WALKS]),
    flag("email", ANSWERS, &[WALKS]),
    flag("given-name", ANSWERS, &[WALKS]),
    flag("family-name", ANSWERS, &[WALKS]),
    flag("display-name", ANSWERS, &[WALKS]),
    flag("group", ANSWERS, &[WALKS]),
    flag("no-group", ANSWERS, &[WALKS]),
    flag("policy", ANSWERS, &[WALKS, &[Doctor, AccessPlan]]),
    flag("permission-set", ANSWERS, &[WALKS]),
    flag("session-duration", ANSWERS, &[WALKS]),
    flag("assign-to", ANSWERS, &[WALKS]),
    flag("account", ANSWERS, &[WALKS, &[Join]]),
    flag("start-url", ANSWERS, &[WALKS]),
    flag("sso-session", ANSWERS, &[WALKS, &[Join], OF_PROFILES]),
    flag("cli-profile", ANSWERS, &[WALKS, &[Login], OF_PROFILES]),
    flag("cli-region", ANSWERS, &[WALKS, &[Join, Profiles, ProfilesSync]]),
    flag("cli-output", ANSWERS, &[WALKS]),
    flag("only", STEPS, &[OF_STEPS]),
    flag("skip", STEPS, &[OF_STEPS, &[Doctor]]),
    flag("update", STEPS, &[WALKS]),
    flag("confirm", STEPS, &[&[Run, Recommend, Plan, Next]]),
    flag("strict", STEPS, &[WALKS]),
    // The others ask for no confirmation, and never ask. Scripts give both flags to every command.
    SharedFlag {
        tolerated_by: &[
            &[Recommend, Status, Plan, Next, Doctor, Login],
            ACCESS_READERS,
            &[Export],
        ],
        ..flag("yes", CONSENTS, &[&[Run, Undo, Join], OF_PROFILES, ACCESS_CHANGERS])
    },
    flag("create-organization", CONSENTS, &[&[Run, Next]]),
    flag("accept-free-plan-end", CONSENTS, &[&[Run, Next]]),
    flag("enable-permission-sets", CONSENTS, &[&[Run, Next]]),
    flag("create-trail", CONSENTS, &[&[Run, Recommend, Next]]),
    SharedFlag {
        tolerated_by: &[&[Status, Next, Doctor], ACCESS_READERS, &[Export]],
        ..flag(
            "non-interactive",
            QUESTIONS,
            &[
                &[Run, Recommend, Plan, Undo, Login, Join],
                OF_PROFILES,
                &[Rehearse],
                ACCESS_CHANGERS,
            ],
        )
    },
    flag("accessible", QUESTIONS, DRAWERS),
    flag("wait", QUESTIONS, &[&[Run, Login, Join], OF_PROFILES]),
    flag("no-browser", QUESTIONS, &[&[Run, Recommend, Login, Join], OF_PROFILES]),
    // A run that is followed by one of these suggests it with its own flags.
    SharedFlag {
        tolerated_by: &[&[Status, Plan, Next]],
        ..flag("use-device-code", QUESTIONS, &[&[Run, Login, Join], OF_PROFILES])
    },
    // The others of `access` hold no lock, and suggest the ones that do.
    SharedFlag {
        tolerated_by: &[ACCESS_READERS, &[AccessRemove]],
        ..flag("state", STATE, STATEFUL)
    },
    flag("fresh", STATE, &[&[Run, Plan]]),
    flag("output", OUTPUT, PRINTERS),
    flag("no-color", OUTPUT, PRINTERS),
    flag("quiet", OUTPUT, PRINTERS),
    flag("verbose", OUTPUT, PRINTERS),
    flag("record", OUTPUT, CALLERS),
];

/// Returns the flag with this name, with or without its dashes.
pub(super) fn shared(name: &str) -> Option<&'static SharedFlag> {
    let name = name.strip_prefix("--").unwrap_or(name);
    SHARED_FLAGS.iter().find(|flag| flag.name == name)
}

impl SharedFlag {
    /// Returns the commands whose help lists the flag.
    pub fn listers(&self) -> impl Iterator<Item = Subcommand> {
        self.commands.iter().copied().flatten().copied()
    }

    /// Returns whether the help of the command lists the flag.
    pub fn is_listed_by(&self, command: Subcommand) -> bool {
        self.listers().any(|lister| lister == command)
    }

    /// Returns whether the command accepts the flag without listing it.
    pub fn is_tolerated_by(&self, command: Subcommand) -> bool {
        self.tolerated_by.iter().any(|group| group.contains(&command))
    }

    /// Returns whether the command accepts the flag.
    pub fn is_of(&self, command: Subcommand) -> bool {
        self.is_listed_by(command) || self.is_tolerated_by(command)
    }

    /// Returns the argument as this command lists it. Some commands use a flag for a part of what a run does with it.
    pub fn listed_by(&self, command: Subcommand, order: usize, parsed: &Arg) -> Arg {
        let arg = parsed
            .clone()
            .global(false)
            // The parser checks conflicts, and the other flag may not be one of this command.
            .conflicts_with(Resettable::Reset)
            .display_order(order)
            .help_heading(self.heading);
        let arg = if self.name == "output" {
            arg.value_parser(formats(command))
        } else {
            arg
        };
        let text = |help: &'static str| arg.clone().help(help).long_help(Resettable::Reset);
        match (self.name, command) {
            // Only the parser accepts it without a value, for doctor.
            ("policy", Run | Status | Plan | Next) => arg.num_args(1).default_missing_value(Resettable::Reset),
            ("policy", AccessPlan) => Arg::new("policy")
                .long("policy")
                .action(ArgAction::SetTrue)
                .help("Print the IAM policy that this plan needs"),
            ("policy", Doctor) => Arg::new("policy")
                .long("policy")
                .action(ArgAction::SetTrue)
                .help("Print the IAM policy that the steps need"),
            ("cli-profile", Login) => {
                text("Sign in with this profile [default: AWS_PROFILE, the last run's, or the only one]")
                    .value_name("NAME")
                    .help_heading(Resettable::Reset)
            }
            ("cli-profile", Profiles | ProfilesSync | ProfilesRemove) => {
                text("Use the SSO session of this profile").value_name("NAME")
            }
            ("sso-session", Profiles | ProfilesSync | ProfilesRemove) => {
                text("Use this SSO session [default: the only one]").value_name("NAME")
            }
            ("sso-session", Join) => text("The name of the SSO session, if it is new").value_name("NAME"),
            ("cli-region", Profiles | ProfilesSync | Join) => {
                text("The Region of the profiles [default: most others', or AWS_REGION]").value_name("REGION")
            }
            ("account", Join) => text("Only the roles in this account").value_name("ID"),
            ("region", Join) => text("The Region of Identity Center [default: found]"),
            ("yes", Join | Profiles | ProfilesSync | ProfilesRemove) => text("Write the file without asking"),
            ("skip", Doctor) => text("Leave out the permissions of this step (repeatable)"),
            ("wait", Login | Join | Profiles | ProfilesSync | ProfilesRemove) => {
                text("How long to wait for the sign-in, such as 10m")
            }
            ("yes", AccessApply) => text("Don't ask for confirmation, except of deletions"),
            ("yes", AccessAdopt) => text("Don't ask for confirmation"),
            ("yes", AccessRemove) => text("Write the access file without asking"),
            ("non-interactive", AccessApply | AccessAdopt) => {
                text("Ask no questions; nothing is deleted without --prune")
            }
            ("non-interactive", AccessRemove) => text("Ask no questions; without --yes, nothing is written"),
            ("state", AccessApply | AccessAdopt) => text("Hold the lock of this state file [default: the account's]"),
            ("yes", Undo) => text("Undo without asking for the account ID"),
            ("non-interactive", Undo) => text("Don't ask for the account ID; without --yes, nothing is undone"),
            ("non-interactive", Login) => text("Ask no questions, and sign in with a device code"),
            ("non-interactive", Join | Profiles | ProfilesSync | ProfilesRemove) => {
                text("Ask no questions, and sign in with a device code; without --yes, nothing is written")
            }
            ("accessible", Status | Next | Doctor | AccessPlan | AccessDrift | AccessExplain | Export) => {
                text("Print without colors and redraws (or set IDC_SETUP_ACCESSIBLE=1)")
            }
            ("output", Status) => text("Print text, json, or mermaid: a diagram of the access that the steps give"),
            ("output", access) if access.is_access() => {
                text("Print text, json, or markdown: a comment for a pull request")
            }
            ("output", other) if !matches!(other, Recommend | Rehearse) => text("Print text or json"),
            _ => arg,
        }
    }
}

/// The formats of a command's output. The parser also accepts the others, so that an error can name the command that has
/// them.
fn formats(command: Subcommand) -> PossibleValuesParser {
    let is_listed = |format: Output| match format {
        Output::Text | Output::Json => true,
        Output::Mermaid => matches!(command, Status | Rehearse),
        Output::Markdown => command.is_access() || command == Rehearse,
    };
    let formats = Output::value_variants().iter();
    let values = formats.filter_map(|format| Some(format.to_possible_value()?.hide(!is_listed(*format))));
    PossibleValuesParser::new(values)
}

impl Rehearsed {
    /// The command that is rehearsed.
    pub(super) fn subcommand(self) -> Subcommand {
        Subcommand::named(&self.name())
    }
}

impl Requested {
    /// Returns whether the command takes a flag that several commands share.
    pub(super) fn takes(self, flag: &SharedFlag) -> bool {
        flag.is_of(self.command) || self.rehearsed.is_some_and(|what| flag.is_of(what.subcommand()))
    }

    /// Returns the flags among these that the command does not take.
    pub(super) fn misplaced(self, typed: &[Argument]) -> Vec<&'static SharedFlag> {
        // A flag that is not shared is one that only this command defines.
        let shared = typed.iter().filter_map(|argument| shared(argument.flag()));
        let mut misplaced: Vec<_> = shared.filter(|flag| !self.takes(flag)).collect();
        misplaced.dedup_by_key(|flag| flag.name);
        misplaced
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::super::Cli;
    use super::*;

    #[test]
    fn the_table_has_every_flag_that_the_parser_knows() {
        let root = Cli::command();
        let known = root.get_arguments().filter(|arg| !arg.is_hide_set());
        let mut known: Vec<&str> = known.filter_map(Arg::get_long).collect();
        let mut listed = SHARED_FLAGS.map(|flag| flag.name);
        known.sort_unstable();
        listed.sort_unstable();
        assert_eq!(known, listed);
    }

    #[test]
    fn a_format_that_does_not_exist_is_refused_with_those_of_the_command() {
        for (line, formats) in [
            ("access plan", "[possible values: text, json, markdown]"),
            ("status", "[possible values: text, json, mermaid]"),
            ("export access", "[possible values: text, json]"),
            ("rehearse status", "[possible values: text, json, mermaid, markdown]"),
        ] {
            let words = ["idc-setup"].into_iter().chain(line.split(' '));
            let refused = Cli::parse_line(words.chain(["--output=yaml"])).unwrap_err().to_string();
            assert!(refused.contains(formats), "{line}: {refused}");
        }
        // It exists, and the error names the command that has it.
        Cli::parse_line(["idc-setup", "access", "plan", "--output=mermaid"]).unwrap();
    }

    #[test]
    fn a_run_takes_every_flag() {
        for flag in &SHARED_FLAGS {
            assert!(flag.is_of(Run), "{}", flag.name);
            let twice = flag.listers().find(|command| flag.is_tolerated_by(*command));
            assert_eq!(twice, None, "{}", flag.name);
        }
    }
}
