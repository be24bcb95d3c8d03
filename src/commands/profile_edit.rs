//! What `profiles` and `join` share: the flags for profiles, the consent to the edit of the file, and the end.

use super::portal::Portal;
use crate::answers::{Answers, Key};
use crate::cli::{Cli, Output};
use crate::exit_code::ExitCode;
use crate::ids::RegionName;
use crate::next_step::{NextSteps, SetupCommand, Subcommand};
use crate::profiles::change::FileChange;
use crate::profiles::names::{DEFAULT_TEMPLATE, Template};
use crate::profiles::plan::ProfileRegion;
use crate::profiles::sessions;
use crate::ui::Screen;
use crate::ui::envelope::{Envelope, ErrorOut, FORMAT};
use crate::ui::profiles::{ProfilesReport, print_diff};
use crate::user_error::UserError;
use crate::wizard::{Confirm, Question, Reply};
use aws_config_file::ProfileSection;

/// The SSO session whose roles get profiles.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// The name of the session.
    pub name: String,
    /// The URL of its access portal.
    pub start_url: String,
    /// The Region of Identity Center.
    pub region: RegionName,
}

/// How a command ended without an error.
pub(super) enum Ended {
    /// Everything is in place.
    Done,
    /// Nobody agreed to the difference, so that nothing was written.
    NotAgreed,
    /// A profile could not be removed.
    Kept,
}

/// Reads `--template`.
pub(super) fn template(text: Option<&str>) -> Result<Template, UserError> {
    text.unwrap_or(DEFAULT_TEMPLATE).parse::<Template>().map_err(|why| {
        let again = SetupCommand::again().placeholder("--template", "TEMPLATE");
        UserError::usage(format!("--template: {why}."), again)
    })
}

/// The Region of the profiles: the requested one for all, otherwise that of most others for the new ones. `None` if neither is
/// known.
pub(super) fn known_region(answers: &Answers, profiles: &[ProfileSection], session: &str) -> Option<ProfileRegion> {
    let given = answers.explicit(Key::CliRegion);
    let given = given.and_then(|answer| answer.value.parse().ok());
    given
        .map(ProfileRegion::All)
        .or_else(|| Some(ProfileRegion::New(Some(sessions::usual_region(profiles, session)?))))
}

/// What the edit of the file needs.
#[derive(Clone, Copy)]
pub(super) struct Editing<'a> {
    /// The command line.
    pub cli: &'a Cli,
    /// The screen.
    pub screen: &'a Screen,
    /// The prompter, and the paths.
    pub tools: &'a Portal,
}

impl Editing<'_> {
    /// Asks for the Region of new profiles. Without a terminal, they get none.
    pub(super) async fn ask_region(&self, default: &RegionName) -> Result<ProfileRegion, UserError> {
        let prompter = &self.tools.prompter;
        if !prompter.can_ask() {
            return Ok(ProfileRegion::New(None));
        }
        let question = Question {
            prompt: "Region of the new profiles".to_owned(),
            default: Some(default.to_string()),
            can_skip: true,
            ..Question::of(Key::CliRegion)
        };
        match prompter.ask(&question).await? {
            Reply::Value(region) => Ok(ProfileRegion::New(region.parse().ok())),
            Reply::Skip => Ok(ProfileRegion::New(None)),
            Reply::Back | Reply::Quit => Err(UserError::left()),
        }
    }

    /// Asks for the consent to the edit. Without a terminal and without `--yes`, prints the difference instead.
    pub(super) async fn is_agreed(&self, report: &ProfilesReport) -> Result<bool, UserError> {
        if self.cli.flags.yes {
            return Ok(true);
        }
        let prompter = &self.tools.prompter;
        if !prompter.can_ask() {
            if self.cli.flags.output != Output::Json {
                print_diff(self.screen, report);
                let agree = SetupCommand::again()
                    .switch("--yes")
                    .to("nothing was written; to agree to the difference");
                self.screen.print_next(&NextSteps::from(agree));
            }
            return Ok(false);
        }
        let mut lines = report.summary();
        lines.extend(report.short_diff());
        let confirm = Confirm {
            lines,
            prompt: format!("Write this to {}?", report.file.display()),
            help: report.diff.lines().map(str::to_owned).collect(),
            ..Confirm::default()
        };
        let is_agreed = prompter.confirm(&confirm).await? == Reply::Value(true);
        if !is_agreed {
            self.screen.talk("Nothing was written.");
        }
        Ok(is_agreed)
    }

    /// Writes the file if it changes and the user agrees. Returns whether the file is as planned.
    pub(super) async fn write(&self, change: &FileChange, report: &mut ProfilesReport) -> Result<bool, UserError> {
        if change.is_empty() {
            return Ok(true);
        }
        report.diff.clone_from(&change.diff);
        if !self.is_agreed(report).await? {
            return Ok(false);
        }
        change.write()?;
        report.is_written = true;
        Ok(true)
    }
}

/// Prints how the command ended, and returns the exit code.
pub(super) fn finish(
    cli: &Cli,
    screen: &Screen,
    command: Subcommand,
    report: &ProfilesReport,
    ended: &Result<Ended, UserError>,
    print: fn(&Screen, &ProfilesReport),
) -> ExitCode {
    let exit = match ended {
        Ok(Ended::Done) => ExitCode::Success,
        Ok(Ended::NotAgreed) => ExitCode::Incomplete,
        Ok(Ended::Kept) => ExitCode::Differs,
        Err(error) => ExitCode::from(error.kind),
    };
    if cli.flags.output == Output::Json {
        let envelope = Envelope {
            format: FORMAT,
            command: command.name().to_owned(),
            account: report.signed_in_as.as_ref().map(|caller| caller.account.clone()),
            region: report.region.clone(),
            error: ended
                .as_ref()
                .err()
                .map(|error| ErrorOut::of(error, None, &screen.invocation)),
            exit: exit.code(),
            body: report.body(),
        };
        screen.json(&envelope.json());
        return exit;
    }
    match ended {
        Ok(Ended::Done | Ended::Kept) => print(screen, report),
        Ok(Ended::NotAgreed) => {}
        // The user quit, which is no error.
        Err(error) if *error == UserError::left() => screen.result("Stopped. Nothing was written."),
        Err(error) => screen.error(error),
    }
    exit
}
