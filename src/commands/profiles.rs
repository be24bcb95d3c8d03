//! `idc-setup profiles`: a profile for each role that the access portal offers, or none of them any more.

use std::collections::BTreeSet;

use super::portal::{self, Portal};
use super::prepare::typed_answers;
use super::profile_edit::{Editing, Ended, Naming, Target, apply, finish, given_template, known_region};
use super::session::say_rehearsal;
use crate::answers::{Answers, Key};
use crate::aws::Partition;
use crate::cli::{Cli, ProfilesArgs, ProfilesCommand, ProfilesRemoveFlags, ProfilesSyncFlags};
use crate::environment::Environment;
use crate::exit_code::ExitCode;
use crate::ids::RegionName;
use crate::next_step::{NextStep, SetupCommand, Subcommand};
use crate::profiles::change::CurrentFile;
use crate::profiles::filter::Filter;
use crate::profiles::plan::{Action, InFile, Plan, ProfileRegion, Wanted, is_managed, plan, removal};
use crate::profiles::role::{Offered, Role};
use crate::profiles::sessions;
use crate::reconcile::{Importance, StepInfo};
use crate::resources::cli_config::TEMPLATE_KEY;
use crate::ui::Screen;
use crate::ui::profiles::{ProfilesReport, print_end};
use crate::user_error::{UserError, UserErrorKind};
use crate::wizard::steps::Profile;
use crate::wizard::{Choice, ListKind, Prompter, Question, Reply};
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

/// What both commands work with.
struct Work<'a> {
    editing: Editing<'a>,
    answers: &'a Answers,
    filter: Filter,
    file: CurrentFile,
    target: Target,
}

/// Adds, updates or removes profiles, and returns the exit code.
pub async fn profiles(cli: &Cli, args: &ProfilesArgs, environment: &Environment, screen: &Screen) -> ExitCode {
    say_rehearsal(cli, environment, screen);
    let mut report = ProfilesReport::default();
    let ended = Box::pin(run(cli, args, environment, screen, &mut report)).await;
    finish(cli, screen, Subcommand::Profiles, &report, &ended, print_end)
}

async fn run(
    cli: &Cli,
    args: &ProfilesArgs,
    environment: &Environment,
    screen: &Screen,
    report: &mut ProfilesReport,
) -> Result<Ended, UserError> {
    let default = ProfilesCommand::Sync(ProfilesSyncFlags::default());
    let command = args.command.as_ref().unwrap_or(&default);
    let answers = typed_answers(cli, environment)?;
    let (ProfilesCommand::Sync(ProfilesSyncFlags { filter, .. })
    | ProfilesCommand::Remove(ProfilesRemoveFlags { filter })) = command;
    let filter = Filter::parse(filter).map_err(|why| {
        let again = SetupCommand::again().placeholder("--filter", "EXPR");
        UserError::usage(format!("--filter: {why}."), again)
    })?;
    if let ProfilesCommand::Sync(flags) = command {
        given_template(flags.template.as_deref())?;
    }
    let tools = Portal::of(cli, environment, screen)?;
    let file = CurrentFile::read(&tools.paths).await?;
    let target = target(&file.config, &answers, tools.prompter.as_ref()).await?;
    report.session.clone_from(&target.name);
    report.start_url.clone_from(&target.start_url);
    report.region = Some(target.region.clone());
    tools.paths.config().clone_into(&mut report.file);
    let work = Work {
        editing: Editing {
            cli,
            screen,
            tools: &tools,
            environment,
        },
        answers: &answers,
        filter,
        file,
        target,
    };
    match command {
        ProfilesCommand::Sync(flags) => work.sync(flags, report).await,
        ProfilesCommand::Remove(_) => work.remove(report).await,
    }
}

impl Work<'_> {
    /// The roles that the access portal of the session offers. Signs in first if necessary.
    async fn offered(&self, report: &mut ProfilesReport) -> Result<Offered, UserError> {
        let (tools, target) = (self.editing.tools, &self.target);
        tools.browser.restrict_to(Partition::of_region(&target.region));
        let clients = portal::clients(self.editing.environment, None, &target.region, &target.region).await?;
        let profile = Profile {
            name: String::new(),
            session: target.name.clone(),
            start_url: target.start_url.clone(),
            region: target.region.clone(),
        };
        let session = tools.session(&INFO, &clients, &profile, &target.region);
        let remove = SetupCommand::profiles_remove().value("--sso-session", &target.name);
        let remove = remove.to("remove the profiles that idc-setup wrote for the session");
        let (offered, token) = tools.roles(&session, Some(remove)).await?;
        report.notes.extend(offered.note());
        if let Some(signed_in) = &token.signed_in {
            tools.save_for_session(&session, signed_in).await?;
            report.signed_in_now = true;
        }
        Ok(offered)
    }

    /// Adds and updates the profiles.
    async fn sync(&self, flags: &ProfilesSyncFlags, report: &mut ProfilesReport) -> Result<Ended, UserError> {
        let name = &self.target.name;
        let template = flags.template.as_deref();
        let naming = Naming::of(given_template(template)?, &self.file.config, name)?;
        let offered = self.offered(report).await?;
        let (roles, unreadable) = (&offered.roles, offered.unreadable_accounts());
        if !roles.iter().any(|role| self.filter.matches(role)) {
            return Err(self.no_match(&format!("your {} roles", roles.len()), roles));
        }
        let (profiles, known) = (self.file.config.profiles(), self.file.config.sso_sessions());
        let in_file = InFile {
            profiles: &profiles,
            reserved: &self.file.reserved,
            sources: &self.file.sources,
            is_of_portal: &|profile| sessions::is_of_portal(profile, &known, &self.target.start_url),
        };
        let plan_with = |region: &ProfileRegion| {
            let wanted = Wanted {
                session: name,
                template: &naming.template,
                renames: naming.is_given,
                roles,
                unreadable: &unreadable,
                filter: &self.filter,
                chosen: None,
                region,
                prune: flags.prune,
                converts_legacy: false,
            };
            plan(&wanted, &in_file)
        };
        let region = known_region(self.answers, &profiles, &known, &self.target);
        let planned = if let Some(region) = region {
            plan_with(&region)
        } else {
            let planned = plan_with(&ProfileRegion::New(None));
            if planned.count(Action::Added) > 0 {
                plan_with(&self.editing.ask_region(&self.target.region, report).await?)
            } else {
                planned
            }
        };
        let mut after = self.file.config.clone();
        naming.remember(template, &mut after, name);
        let ended = self.edit(planned, after, report).await?;
        // Without `--prune`, nothing was to be removed.
        Ok(match ended {
            Ended::Kept if !flags.prune => Ended::Done,
            ended => ended,
        })
    }

    /// Removes the profiles of the session that match the filter.
    async fn remove(&self, report: &mut ProfilesReport) -> Result<Ended, UserError> {
        let name = &self.target.name;
        // The file has the IDs of the accounts only.
        let roles = if self.filter.needs_names() {
            self.offered(report).await?.roles
        } else {
            Vec::new()
        };
        let profiles = self.file.config.profiles();
        let in_file = InFile {
            profiles: &profiles,
            reserved: &self.file.reserved,
            sources: &self.file.sources,
            is_of_portal: &|_| true,
        };
        let planned = removal(name, &self.filter, &roles, &in_file);
        let managed = profiles.iter().filter(|profile| is_managed(profile, name)).count();
        if planned.rows.is_empty() && !self.filter.is_empty() {
            return Err(self.no_match(&format!("the {managed} profiles that idc-setup wrote"), &roles));
        }
        let mut after = self.file.config.clone();
        let section = Section::SsoSession(name);
        let remembers = after
            .get(section)
            .is_some_and(|session| session.contains_key(TEMPLATE_KEY));
        if planned.count(Action::Removed) == managed && remembers {
            after.set(section, &[(TEMPLATE_KEY, None)]);
        }
        self.edit(planned, after, report).await
    }

    /// The error if the filter matches nothing of what there is.
    fn no_match(&self, of: &str, roles: &[Role]) -> UserError {
        let nearest = self.filter.nearest_account(roles);
        let nearest = nearest.map_or_else(String::new, |name| {
            format!(" An account with a similar name is {name}.")
        });
        UserError::usage(
            format!("--filter matches none of {of}.{nearest}"),
            [
                SetupCommand::again()
                    .placeholder("--filter", "EXPR")
                    .to("use another condition"),
                SetupCommand::again().without("--filter").to("use no condition"),
            ],
        )
    }

    /// Edits the profiles in the file as planned, and writes it if the user agrees. `after` has the other edits already.
    async fn edit(&self, planned: Plan, mut after: Config, report: &mut ProfilesReport) -> Result<Ended, UserError> {
        report.session_diff = self.file.diff_to(&after);
        apply(&planned, &mut after)?;
        let written = planned.rows.iter().filter(|row| row.action.is_change());
        let written: BTreeSet<String> = written.map(|row| row.profile.clone()).collect();
        report.rows = planned.rows;
        let change = self.file.change_to(&after, &self.target.name, &written).await?;
        if !self.editing.write(&change, report).await? {
            return Ok(Ended::NotAgreed);
        }
        let has_kept = report.rows.iter().any(|row| row.action == Action::Kept);
        Ok(if has_kept { Ended::Kept } else { Ended::Done })
    }
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
        help: vec!["The SSO session whose profiles are written. --sso-session names it without a question.".to_owned()],
        list: ListKind::Searched,
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
