//! `idc-setup profiles`: a profile for each role that the access portal offers, or none of them any more.

use std::collections::BTreeSet;

use super::portal::{self, Portal};
use super::prepare::typed_answers;
use super::profile_edit::{Editing, Ended, Target, finish, known_region, template};
use super::session::say_rehearsal;
use crate::answers::{Answers, Key};
use crate::aws::Partition;
use crate::cli::{Cli, ProfilesAction, ProfilesFlags};
use crate::environment::Environment;
use crate::exit_code::ExitCode;
use crate::ids::RegionName;
use crate::next_step::{NextStep, SetupCommand, Subcommand};
use crate::profiles::change::CurrentFile;
use crate::profiles::filter::Filter;
use crate::profiles::names::Template;
use crate::profiles::plan::{Action, InFile, ProfileRegion, Wanted, plan};
use crate::profiles::role::Role;
use crate::profiles::sessions;
use crate::reconcile::{Importance, StepInfo};
use crate::ui::Screen;
use crate::ui::profiles::{ProfilesReport, print_end};
use crate::user_error::{UserError, UserErrorKind};
use crate::wizard::steps::Profile;
use crate::wizard::{Choice, Prompter, Question, Reply};
use aws_config_file::{Config, Section, SsoSession};

/// How prompts name the command, which is no step of the checklist.
const INFO: StepInfo = StepInfo {
    number: 0,
    slug: "profiles",
    short: "Profiles",
    title: "Profiles",
    importance: Importance::Required,
    why: "Each role that the access portal offers gets a profile.",
    feeds_others: false,
    permissions: &[],
};

/// What the flags say about the profiles.
struct Options {
    template: Template,
    filter: Filter,
    prune: bool,
}

/// Adds, updates or removes profiles, and returns the exit code.
pub async fn profiles(cli: &Cli, flags: &ProfilesFlags, environment: &Environment, screen: &Screen) -> ExitCode {
    say_rehearsal(cli, environment, screen);
    let mut report = ProfilesReport::default();
    let ended = run(cli, flags, environment, screen, &mut report).await;
    finish(cli, screen, Subcommand::Profiles, &report, &ended, print_end)
}

async fn run(
    cli: &Cli,
    flags: &ProfilesFlags,
    environment: &Environment,
    screen: &Screen,
    report: &mut ProfilesReport,
) -> Result<Ended, UserError> {
    let answers = typed_answers(cli, environment)?;
    let options = Options {
        template: template(flags.template.as_deref())?,
        filter: Filter::parse(&flags.filter).map_err(|why| {
            let again = SetupCommand::again().placeholder("--filter", "EXPR");
            UserError::usage(format!("--filter: {why}."), again)
        })?,
        prune: flags.prune || flags.action == ProfilesAction::Remove,
    };
    let tools = Portal::of(cli, environment, screen)?;
    let file = CurrentFile::read(&tools.paths).await?;
    let target = target(&file.config, &answers, tools.prompter.as_ref()).await?;
    report.session.clone_from(&target.name);
    report.start_url.clone_from(&target.start_url);
    report.region = Some(target.region.clone());
    tools.paths.config().clone_into(&mut report.file);
    let roles = match flags.action {
        ProfilesAction::Remove => Vec::new(),
        ProfilesAction::Sync => offered(&tools, environment, &target, report).await?,
    };
    let editing = Editing {
        cli,
        screen,
        tools: &tools,
    };
    edit(editing, &answers, &file, &target, &options, &roles, report).await
}

/// The roles that the access portal of the session offers. Signs in first if necessary.
async fn offered(
    tools: &Portal,
    environment: &Environment,
    target: &Target,
    report: &mut ProfilesReport,
) -> Result<Vec<Role>, UserError> {
    tools.browser.restrict_to(Partition::of_region(&target.region));
    let clients = portal::clients(environment, None, &target.region, &target.region).await?;
    let profile = Profile {
        name: String::new(),
        session: target.name.clone(),
        start_url: target.start_url.clone(),
        region: target.region.clone(),
    };
    let session = tools.session(&INFO, &clients, &profile, &target.region);
    let (roles, token) = tools.roles(&session).await?;
    if let Some(signed_in) = &token.signed_in {
        tools.save_for_session(&session, signed_in).await?;
        report.signed_in_now = true;
    }
    Ok(roles)
}

/// Plans the edit of the file, and writes it if the user agrees.
async fn edit(
    editing: Editing<'_>,
    answers: &Answers,
    file: &CurrentFile,
    target: &Target,
    options: &Options,
    roles: &[Role],
    report: &mut ProfilesReport,
) -> Result<Ended, UserError> {
    let (profiles, known) = (file.config.profiles(), file.config.sso_sessions());
    let in_file = InFile {
        profiles: &profiles,
        reserved: &file.reserved,
        is_of_portal: &|profile| sessions::is_of_portal(profile, &known, &target.start_url),
    };
    let plan_with = |region: &ProfileRegion| {
        let wanted = Wanted {
            session: &target.name,
            template: &options.template,
            roles,
            filter: &options.filter,
            chosen: None,
            region,
            prune: options.prune,
            converts_legacy: false,
        };
        plan(&wanted, &in_file)
    };
    let region = known_region(answers, &profiles, &target.name);
    let mut planned = plan_with(region.as_ref().unwrap_or(&ProfileRegion::New(None)));
    if region.is_none() && planned.count(Action::Added) > 0 {
        planned = plan_with(&editing.ask_region(&target.region).await?);
    }
    let mut after = file.config.clone();
    after.edit_profiles(&planned.edits);
    let written = planned.rows.iter().filter(|row| row.action.is_change());
    let written: BTreeSet<String> = written.map(|row| row.profile.clone()).collect();
    report.rows = planned.rows;
    let change = file.change_to(&after, &target.name, &written).await?;
    if !editing.write(&change, report).await? {
        return Ok(Ended::NotAgreed);
    }
    let has_kept = report.rows.iter().any(|row| row.action == Action::Kept);
    Ok(if has_kept { Ended::Kept } else { Ended::Done })
}

/// The session of `--sso-session` or of `--cli-profile`, the only one of the file, or the one that the user chooses.
async fn target(config: &Config, answers: &Answers, prompter: &dyn Prompter) -> Result<Target, UserError> {
    let sessions = config.sso_sessions();
    let explicit = |key: Key| answers.explicit(key).map(|answer| answer.value.as_str());
    let another = || {
        SetupCommand::again()
            .placeholder("--sso-session", "NAME")
            .to("use another session")
    };
    let name = match (explicit(Key::SsoSession), explicit(Key::CliProfile)) {
        (Some(name), _) => name.to_owned(),
        (None, Some(profile)) => {
            let properties = config.get(Section::Profile(profile)).unwrap_or_default();
            let session = properties.get("sso_session").cloned();
            session.ok_or_else(|| {
                UserError::usage(
                    format!("The profile {profile} does not exist or has no SSO session."),
                    another(),
                )
            })?
        }
        (None, None) => match &sessions[..] {
            [] => {
                return Err(UserError::usage(
                    "There is no SSO session in the AWS config file.",
                    [
                        SetupCommand::new(Subcommand::Join)
                            .positional("START_URL")
                            .to("get one for an access portal"),
                        SetupCommand::run().to("set up IAM Identity Center"),
                    ],
                ));
            }
            [only] => only.name.clone(),
            several => choose(several, prompter).await?,
        },
    };
    let session = sessions.into_iter().find(|session| session.name == name);
    let session = session.ok_or_else(|| {
        UserError::usage(
            format!("The SSO session {name} does not exist in the AWS config file."),
            another(),
        )
    })?;
    let region = session
        .region
        .parse::<RegionName>()
        .ok()
        .filter(|_| !session.start_url.is_empty());
    let region = region.ok_or_else(|| {
        UserError::usage(
            format!("The SSO session {name} has no valid sso_start_url and sso_region in the AWS config file."),
            [another(), NextStep::note("correct the session")],
        )
    })?;
    Ok(Target {
        name,
        start_url: session.start_url,
        region,
    })
}

/// Asks for one of several sessions.
async fn choose(sessions: &[SsoSession], prompter: &dyn Prompter) -> Result<String, UserError> {
    let names: Vec<&str> = sessions.iter().map(|session| session.name.as_str()).collect();
    if !prompter.can_ask() {
        return Err(UserError::new(
            UserErrorKind::MissingAnswers,
            format!("There are several SSO sessions: {}.", names.join(", ")),
            SetupCommand::again().placeholder("--sso-session", "NAME"),
        ));
    }
    let choices = sessions.iter().map(|session| Choice {
        value: session.name.clone(),
        label: format!("{:20} {}", session.name, session.start_url),
        keywords: "",
    });
    let question = Question {
        choices: choices.collect(),
        ..Question::of(Key::SsoSession)
    };
    loop {
        match prompter.ask(&question).await? {
            Reply::Value(name) if names.contains(&name.as_str()) => return Ok(name),
            Reply::Value(name) => prompter.say(None, &format!("{name} is none of them.")),
            Reply::Back | Reply::Skip | Reply::Quit => return Err(UserError::left()),
        }
    }
}
