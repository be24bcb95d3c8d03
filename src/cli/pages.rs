//! The pages of `idc-setup help`: tables that are too long for the help of a command.

use clap::CommandFactory as _;

use super::Cli;
use crate::answers::KEYS;
use crate::exit_code::ExitCode;
use crate::wizard::steps::{CONSENTS, INFOS, UPDATABLE};

/// The names of the pages.
pub(super) const NAMES: [&str; 3] = ["answers", "topics", "exit-codes"];

/// The exit codes in short, for `--help`.
pub(super) const EXIT_CODES: &str = "Exit codes: 0 success · 1 failed · 2 wrong usage or missing answers · 3 something is \
left to do · 4 no credentials or access denied · 5 something differs from what was requested · 6 another run holds the \
lock · 130 interrupted (idc-setup help exit-codes)";

/// The variables that have no flag, for `--help`.
pub(super) const VARIABLES: &str = "Variables: IDC_SETUP_REQUESTS_PER_SECOND=10 leaves a part of the quota of Identity \
Center, 20 requests per second, to other programs · IDC_SETUP_LOG sets a filter for the log (see --verbose)";

/// What the user confirms with each topic of `--confirm`, in the order of the topics.
const TOPICS: [(&str, &str); 3] = [
    (
        "activation",
        "The user has activated their account: the invitation or the one-time password was used, and a password was set.",
    ),
    (
        "access-portal",
        "The access portal opens in a browser at its URL, and the user can sign in there.",
    ),
    (
        "mfa",
        "The settings of Identity Center require MFA for all users. No API reports them.",
    ),
];

/// The exit codes, with what they mean and what to do.
const MEANINGS: [(ExitCode, &str); 8] = [
    (ExitCode::Success, "Success: everything that was requested is in place."),
    (
        ExitCode::Failed,
        "Failed: an operation failed. The error says what to do. Another run continues where this one ended.",
    ),
    (
        ExitCode::Usage,
        "Wrong usage: a flag, a variable or a file is not valid, or answers are missing and nobody can be asked. Nothing was \
         changed.",
    ),
    (
        ExitCode::Incomplete,
        "Something is left to do: a task for a person, a planned change, or a question that nobody answered.",
    ),
    (
        ExitCode::Denied,
        "No credentials, or AWS denied access. The error names the missing permission.",
    ),
    (
        ExitCode::Differs,
        "Something differs from what was requested, and no flag allows the change. See --update, and --include-changed of undo. \
         In access: something was refused, or there is drift.",
    ),
    (ExitCode::Locked, "Another run holds the lock of the state file."),
    (
        ExitCode::Interrupted,
        "Interrupted, by Ctrl-C or a signal. Progress is saved; another run continues.",
    ),
];

/// Returns the page with this name.
pub(super) fn page(name: &str) -> Option<String> {
    match name {
        "answers" => Some(answers()),
        "topics" => Some(topics()),
        "exit-codes" => Some(exit_codes()),
        _ => None,
    }
}

fn answers() -> String {
    let mut lines = vec![
        "Answers, each as a flag and as a variable. In the answers file (--answers FILE) and in --answer KEY=VALUE, the key \
         is the flag without --."
            .to_owned(),
        "Of several, the first counts: flag, variable, answers file, what you entered, the existing value, the default."
            .to_owned(),
    ];
    for key in KEYS {
        lines.push(String::new());
        lines.push(format!("  {}  or  {}", key.flag(), key.variable()));
        lines.push(format!("    {}", key.help().replace('`', "")));
        if !key.choices().is_empty() {
            lines.push(format!("    Values: {}", key.choices().join(", ")));
        }
        if let Some(default) = key.default_text() {
            lines.push(format!("    Default: {default}"));
        }
    }
    lines.push(String::new());
    lines.push("The answers of the last run: idc-setup answers".to_owned());
    lines.join("\n")
}

fn topics() -> String {
    let mut lines = vec!["Topics of --confirm, for what no API can check:".to_owned()];
    for (topic, meaning) in TOPICS {
        lines.push(format!("  {topic}"));
        lines.push(format!("    {meaning}"));
    }
    lines.push(String::new());
    lines.push("Steps, for --only, --skip, and --step of undo:".to_owned());
    for info in INFOS {
        lines.push(format!("  {}", info.slug));
        lines.push(format!("    {} ({}). {}", info.title, info.importance.word(), info.why));
    }
    lines.push(String::new());
    lines.push(format!("Steps that --update changes: {}", UPDATABLE.join(", ")));
    lines.push(String::new());
    lines.push("Consents, to changes that can't be undone or that cost something:".to_owned());
    let parser = Cli::command();
    for consent in CONSENTS {
        let arg = parser.get_arguments().find(|arg| arg.get_long() == Some(consent));
        let help = arg.and_then(|arg| arg.get_help()).map(ToString::to_string);
        lines.push(format!("  --{consent}"));
        lines.push(format!("    {}.", help.unwrap_or_default()));
    }
    lines.push(String::new());
    lines.push("--yes is no consent to these. It skips the questions about changes that can be undone.".to_owned());
    lines.join("\n")
}

fn exit_codes() -> String {
    let lines = MEANINGS
        .iter()
        .map(|(code, meaning)| format!("  {:>3}  {meaning}", code.code()));
    ["Exit codes:".to_owned()]
        .into_iter()
        .chain(lines)
        .chain([
            String::new(),
            "If several apply, the one that comes first counts: 130, 2, 4, 6, 1, 5, 3, 0. Recommendations count only with \
             --strict, and in idc-setup recommend."
                .to_owned(),
        ])
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wizard::steps;

    #[test]
    fn every_topic_is_explained() {
        assert_eq!(TOPICS.map(|(topic, _)| topic), steps::TOPICS);
    }

    #[test]
    fn the_exit_codes_are_listed_once_and_in_the_stated_order() {
        let mut codes = MEANINGS.map(|(code, _)| code);
        assert_eq!(codes.map(ExitCode::code), [0, 1, 2, 3, 4, 5, 6, 130]);
        codes.sort_unstable();
        codes.reverse();
        let order = codes.map(|code| code.code().to_string()).join(", ");
        assert!(
            exit_codes().contains(&format!("comes first counts: {order}.")),
            "{order}"
        );
    }

    #[test]
    fn every_page_has_a_text() {
        for name in NAMES {
            assert!(page(name).is_some_and(|text| text.lines().count() > 8), "{name}");
        }
        assert_eq!(page("undo"), None);
    }
}
