//! What `profiles` and `join` share: the flags for profiles, the consent to the edit of the file, and the end.

use super::portal::Portal;
use crate::answers::{Answers, Key};
use crate::cli::{Cli, Output};
use crate::environment::Environment;
use crate::exit_code::ExitCode;
use crate::ids::RegionName;
use crate::next_step::{NextSteps, SetupCommand, Subcommand};
use crate::profiles::change::FileChange;
use crate::profiles::names::{DEFAULT_TEMPLATE, Template};
use crate::profiles::plan::{Plan, ProfileRegion};
use crate::profiles::sessions;
use crate::resources::cli_config::TEMPLATE_KEY;
use crate::ui::Screen;
use crate::ui::envelope::{Envelope, ErrorOut, FORMAT};
use crate::ui::profiles::{ProfilesReport, print_agreed, print_diff};
use crate::user_error::UserError;
use crate::wizard::{Confirm, Question, Reply};
use aws_config_file::{Config, ProfileSection, Section, SsoSession};

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

/// How the profiles are named.
#[derive(Debug, Clone)]
pub(super) struct Naming {
    /// The template.
    pub template: Template,
    /// Whether it was given now, so that existing profiles get its names too, and the session remembers it.
    pub is_given: bool,
}

/// Reads `--template`; `None` if it is not given.
pub(super) fn given_template(text: Option<&str>) -> Result<Option<Template>, UserError> {
    let parsed = text.map(str::parse::<Template>).transpose();
    parsed.map_err(|why| {
        let again = SetupCommand::again().placeholder("--template", "TEMPLATE");
        UserError::usage(format!("--template: {why}."), again)
    })
}

impl Naming {
    /// By the template that was given, or by the one that the session remembers, or by the default one.
    pub(super) fn of(given: Option<Template>, config: &Config, session: &str) -> Result<Self, UserError> {
        if let Some(template) = given {
            return Ok(Self {
                template,
                is_given: true,
            });
        }
        let section = config.get(Section::SsoSession(session)).unwrap_or_default();
        let text = section.get(TEMPLATE_KEY).map_or(DEFAULT_TEMPLATE, String::as_str);
        let template = text.parse::<Template>().map_err(|why| {
            let again = SetupCommand::again().placeholder("--template", "TEMPLATE");
            UserError::usage(format!("{TEMPLATE_KEY} of the SSO session {session}: {why}."), again)
        })?;
        Ok(Self {
            template,
            is_given: false,
        })
    }

    /// Lets the session remember a template that was given. `text` is how it was given.
    pub(super) fn remember(&self, text: Option<&str>, config: &mut Config, session: &str) {
        let Some(text) = text.filter(|_| self.is_given) else {
            return;
        };
        let section = Section::SsoSession(session);
        let known = config.get(section).unwrap_or_default().remove(TEMPLATE_KEY);
        let wanted = Some(text).filter(|text| *text != DEFAULT_TEMPLATE);
        if known.as_deref() != wanted {
            config.set(section, &[(TEMPLATE_KEY, wanted)]);
        }
    }
}

/// The Region of the profiles: the requested one for all; otherwise, for the new ones, that of most others of the session, or of
/// most others of the portal. `None` if none of them is known.
pub(super) fn known_region(
    answers: &Answers,
    profiles: &[ProfileSection],
    known: &[SsoSession],
    target: &Target,
) -> Option<ProfileRegion> {
    let given = answers.explicit(Key::CliRegion);
    if let Some(given) = given.and_then(|answer| answer.value.parse().ok()) {
        return Some(ProfileRegion::All(given));
    }
    let is_of_session = |profile: &&ProfileSection| profile.get("sso_session") == Some(target.name.as_str());
    let is_of_portal = |profile: &&ProfileSection| sessions::is_of_portal(profile, known, &target.start_url);
    let usual = sessions::usual_region(profiles.iter().filter(is_of_session));
    let usual = usual.or_else(|| sessions::usual_region(profiles.iter().filter(is_of_portal)));
    usual.map(|usual| ProfileRegion::New(Some(usual)))
}

/// Edits the profiles as planned.
pub(super) fn apply(planned: &Plan, config: &mut Config) -> Result<(), UserError> {
    let applied = planned.apply(config);
    applied.map_err(|error| UserError::failed(format!("{error} Nothing was written."), SetupCommand::again()))
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
    /// The variables.
    pub environment: &'a Environment,
}

impl Editing<'_> {
    /// Asks for the Region of new profiles. Without a terminal, they get that of the environment, or none.
    pub(super) async fn ask_region(
        &self,
        default: &RegionName,
        report: &mut ProfilesReport,
    ) -> Result<ProfileRegion, UserError> {
        let prompter = &self.tools.prompter;
        let variables = ["AWS_REGION", "AWS_DEFAULT_REGION"];
        let named = variables.into_iter().find_map(|name| self.environment.var(name));
        // A Region that is not known is no default.
        let named = named.and_then(|text| Key::CliRegion.check(text).ok());
        if !prompter.can_ask() {
            let region: Option<RegionName> = named.and_then(|region| region.parse().ok());
            if region.is_none() {
                let note = "The new profiles have no Region: add --cli-region REGION.";
                report.notes.push(note.to_owned());
            }
            return Ok(ProfileRegion::New(region));
        }
        let question = Question {
            prompt: "Region of the new profiles".to_owned(),
            default: Some(named.unwrap_or_else(|| default.to_string())),
            help: vec![
                "The Region in which commands with these profiles work, unless a command names another.".to_owned(),
            ],
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
            if self.cli.flags.output != Output::Json {
                print_agreed(self.screen, report);
            }
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
            help: vec![
                "Lines with + are added, and lines with - are removed. All other lines stay, byte for byte.".to_owned(),
            ],
            details: report.diff.lines().map(str::to_owned).collect(),
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
        let mut body = report.body();
        if matches!(ended, Ok(Ended::NotAgreed)) {
            let agree = screen.command(&SetupCommand::again().switch("--yes"));
            let note = format!("Nothing was written. To agree to the difference: {agree}");
            body.notes.push(note);
        }
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
            body,
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
