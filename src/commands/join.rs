//! `idc-setup join`: profiles for the access portal that somebody gave the user, who needs no other credentials.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt};

use super::portal::{self, Portal, Token};
use super::prepare::typed_answers;
use super::profile_edit::{Editing, Ended, Naming, Target, apply, finish, given_template, known_region};
use super::session::say_rehearsal;
use crate::answers::{Answers, Key, Source};
use crate::aws::connect::{self, Wanted as WantedConnection};
use crate::aws::{AwsError, AwsErrorKind, Clients, Partition, portal_address, regions};
use crate::cli::{Cli, JoinFlags};
use crate::environment::Environment;
use crate::exit_code::ExitCode;
use crate::ids::RegionName;
use crate::limits::REGIONS_AT_ONCE;
use crate::next_step::{NextStep, SetupCommand, Subcommand};
use crate::profiles::change::CurrentFile;
use crate::profiles::filter::Filter;
use crate::profiles::names::{self, Template};
use crate::profiles::plan::{Action, InFile, Plan, ProfileRegion, Wanted, plan};
use crate::profiles::role::{Offered, Role};
use crate::profiles::sessions;
use crate::reconcile::{Importance, StepInfo, step_error};
use crate::resources::cli_config::SCOPE;
use crate::text::{capitalized, listed};
use crate::ui::Screen;
use crate::ui::profiles::{ProfilesReport, print_joined};
use crate::user_error::{UserError, UserErrorKind};
use crate::wizard::steps::Profile;
use crate::wizard::steps::sign_in::refusal::STILL_PROPAGATING;
use crate::wizard::steps::sign_in::session::{Answer, Session};
use crate::wizard::{Choice, Confirm, ListKind, Prompter, Question, Reply};
use aws_config_file::{Config, ProfileEdit, Section};

/// How prompts name the command, which is no step of the checklist.
const INFO: StepInfo = StepInfo {
    number: 0,
    slug: "join",
    short: "Join",
    title: "Join",
    importance: Importance::Required,
    why: "The access portal gives credentials for each role that it offers.",
    feeds_others: false,
    permissions: &[],
};

/// The choice of all roles, in the question for them.
const ALL: &str = "all-roles";

/// The choice that ends the question for roles.
const DONE: &str = "no-more";

/// What a `join` works with.
struct Joining<'a> {
    editing: Editing<'a>,
    answers: &'a Answers,
    /// `--template` as it was typed, and what it means.
    template_text: Option<&'a str>,
    template: Option<Template>,
    /// `--account` and `--role`.
    filter: Filter,
    /// Whether the flags say which roles get a profile.
    has_choice: bool,
    file: CurrentFile,
}

/// Writes the session and the profiles for an access portal, and returns the exit code.
pub async fn join(cli: &Cli, flags: &JoinFlags, environment: &Environment, screen: &Screen) -> ExitCode {
    say_rehearsal(cli, environment, screen);
    let mut report = ProfilesReport::default();
    let ended = Box::pin(run(cli, flags, environment, screen, &mut report)).await;
    finish(cli, screen, Subcommand::Join, &report, &ended, print_joined)
}

async fn run(
    cli: &Cli,
    flags: &JoinFlags,
    environment: &Environment,
    screen: &Screen,
    report: &mut ProfilesReport,
) -> Result<Ended, UserError> {
    let answers = typed_answers(cli, environment)?;
    let account = given_account(flags, &answers)?;
    let template = given_template(flags.template.as_deref())?;
    let tools = Portal::of(cli, environment, screen)?;
    let has_choice = flags.all || account.is_some() || flags.role.is_some();
    if !has_choice && !tools.prompter.can_ask() {
        return Err(UserError::new(
            UserErrorKind::MissingAnswers,
            "Specify which roles should get a profile.",
            [
                unattended(cli).switch("--all").to("use all of them"),
                unattended(cli)
                    .placeholder("--account", "ID")
                    .placeholder("--role", "NAME")
                    .to("use one of them"),
            ],
        ));
    }
    let url = start_url(cli, flags, &answers, tools.prompter.as_ref()).await?;
    let joining = Joining {
        editing: Editing {
            cli,
            screen,
            tools: &tools,
            environment,
        },
        answers: &answers,
        template_text: flags.template.as_deref(),
        template,
        filter: Filter::of(account, flags.role.as_deref()),
        has_choice,
        file: CurrentFile::read(&tools.paths).await?,
    };
    joining.join(url, report).await
}

/// The account of `--account`, of a variable or of the answers file. `--all` stands for all accounts.
fn given_account<'a>(flags: &JoinFlags, answers: &'a Answers) -> Result<Option<&'a str>, UserError> {
    let given = answers.explicit(Key::Account);
    if !flags.all {
        return Ok(given.map(|answer| answer.value.as_str()));
    }
    let is_flag = given.is_some_and(|answer| matches!(answer.source, Source::Flag(_)));
    let other = if is_flag {
        "--account"
    } else if flags.role.is_some() {
        "--role"
    } else {
        return Ok(None);
    };
    Err(UserError::usage(
        format!("--all and {other} exclude each other."),
        [
            SetupCommand::again()
                .without("--all")
                .to(format!("use only the roles of {other}")),
            SetupCommand::again()
                .without("--account")
                .without("--role")
                .to("use all roles"),
        ],
    ))
}

/// The same command, which nobody attends: it asks no questions, and agrees to what the user agreed to. For what was missing
/// from it.
fn unattended(cli: &Cli) -> SetupCommand {
    let given = [
        ("--non-interactive", cli.flags.non_interactive),
        ("--yes", cli.flags.yes),
    ];
    let given = given.into_iter().filter(|(_, is_given)| *is_given);
    given.fold(SetupCommand::again(), |command, (flag, _)| command.switch(flag))
}

/// The URL of the access portal: from the command line, from a variable, or asked.
async fn start_url(
    cli: &Cli,
    flags: &JoinFlags,
    answers: &Answers,
    prompter: &dyn Prompter,
) -> Result<String, UserError> {
    let again = || SetupCommand::again().positional("START_URL");
    if let Some(typed) = &flags.start_url {
        let url = Key::StartUrl.check(typed);
        return url.map_err(|why| UserError::usage(format!("START_URL: {why}."), again()));
    }
    if let Some(answer) = answers.explicit(Key::StartUrl) {
        return Ok(answer.value.clone());
    }
    if !prompter.can_ask() {
        return Err(UserError::new(
            UserErrorKind::MissingAnswers,
            "The URL of the access portal is not known.",
            unattended(cli).positional("START_URL"),
        ));
    }
    let question = Question {
        prompt: "URL of the access portal".to_owned(),
        help: vec![
            "The address that you sign in at, such as https://d-1234567890.awsapps.com/start, or only d-1234567890."
                .to_owned(),
            format!("{}.", capitalized(portal_address::WHERE_IT_IS)),
        ],
        ..Question::of(Key::StartUrl)
    };
    match prompter.ask(&question).await? {
        Reply::Value(url) => Ok(url),
        Reply::Back | Reply::Skip | Reply::Quit => Err(UserError::left()),
    }
}

impl Joining<'_> {
    fn prompter(&self) -> &dyn Prompter {
        self.editing.tools.prompter.as_ref()
    }

    async fn join(&self, url: String, report: &mut ProfilesReport) -> Result<Ended, UserError> {
        let tools = self.editing.tools;
        let partition = portal_address::portal(&url).partition;
        let main = partition.main_region();
        let clients = portal::clients(self.editing.environment, None, &main, &main).await?;
        let region = self.region(&clients, &url).await?;
        let mut target = self.target(url, region);
        report.start_url.clone_from(&target.start_url);
        report.region = Some(target.region.clone());
        tools.paths.config().clone_into(&mut report.file);
        tools.browser.restrict_to(Partition::of_region(&target.region));
        let profile = profile_of(&target, "");
        let session = tools.session(&INFO, &clients, &profile, &target.region);
        let (offered, token) = tools.roles(&session, None).await?;
        report.signed_in_now = token.signed_in.is_some();
        report.notes.extend(offered.note());
        let has_token = self.keep(&session, &token).await?;
        let first_name = target.name.clone();
        let mut config = self.file.config.clone();
        self.settle(&mut target, &mut config, &offered, report).await?;
        check_session(&target, &config)?;
        report.session.clone_from(&target.name);
        report.notes.extend(put_session(&target, &mut config));
        let naming = Naming::of(self.template.clone(), &config, &target.name)?;
        naming.remember(self.template_text, &mut config, &target.name);
        let planned = self.plan(&target, &config, &offered, &naming, report).await?;
        report.session_diff = self.file.diff_to(&config);
        apply(&planned, &mut config)?;
        let written = planned.rows.iter().filter(|row| row.action.is_change());
        let written: BTreeSet<String> = written.map(|row| row.profile.clone()).collect();
        report.rows = planned.rows;
        let change = self.file.change_to(&config, &target.name, &written).await?;
        if !self.editing.write(&change, report).await? {
            return Ok(Ended::NotAgreed);
        }
        let _lock = tools.lock().await?;
        if !has_token || target.name != first_name {
            self.save(&clients, &target, &config, &token)?;
        }
        self.verify(&clients, &target, &config, report).await?;
        Ok(Ended::Done)
    }

    /// Saves a new sign-in at once if its session is in the file, so that it is not lost if nobody agrees to the difference.
    /// Returns whether the session has the token.
    async fn keep(&self, session: &Session<'_>, token: &Token) -> Result<bool, UserError> {
        let Some(signed_in) = &token.signed_in else {
            return Ok(true);
        };
        let profile = session.profile;
        let in_file = self.file.config.get(Section::SsoSession(&profile.session));
        let in_file = in_file.unwrap_or_default();
        let value = |key: &str| in_file.get(key).map(String::as_str);
        let is_in_file =
            value("sso_start_url") == Some(profile.start_url.as_str()) && value("sso_region") == Some(&*session.region);
        if is_in_file {
            self.editing.tools.save_for_session(session, signed_in).await?;
        }
        Ok(is_in_file)
    }

    /// The session of the portal: an existing one is used again, in whatever form its URL is.
    fn target(&self, url: String, region: RegionName) -> Target {
        let sessions = self.file.config.sso_sessions();
        let wanted = self.answers.explicit(Key::SsoSession).map(|answer| &answer.value);
        let Some(name) = wanted else {
            return match sessions::of_portal(&sessions, &url) {
                Some(known) => Target {
                    name: known.name.clone(),
                    start_url: known.start_url.clone(),
                    region,
                },
                None => Target {
                    name: sessions::free_name(&sessions, &url),
                    start_url: url,
                    region,
                },
            };
        };
        // One with another URL can still be of this portal. The accounts of its profiles show that after the sign-in.
        let known = sessions.iter().find(|session| session.name == *name);
        let known = known.filter(|known| portal_address::is_same(&known.start_url, &url));
        let start_url = known.map_or(url, |known| known.start_url.clone());
        Target {
            name: name.clone(),
            start_url,
            region,
        }
    }
}

/// A profile of the session, to sign in to it or to check the profile.
fn profile_of(target: &Target, name: &str) -> Profile {
    Profile {
        name: name.to_owned(),
        session: target.name.clone(),
        start_url: target.start_url.clone(),
        region: target.region.clone(),
    }
}

/// Checks that the session, if it exists, is of the portal.
fn check_session(target: &Target, config: &Config) -> Result<(), UserError> {
    let section = config.get(Section::SsoSession(&target.name)).unwrap_or_default();
    let other = section.get("sso_start_url");
    match other.filter(|url| !portal_address::is_same(url, &target.start_url)) {
        None => Ok(()),
        Some(url) => Err(UserError::usage(
            format!("The SSO session {} is of another access portal: {url}.", target.name),
            [
                SetupCommand::again()
                    .placeholder("--sso-session", "NAME")
                    .to("use another name"),
                SetupCommand::again()
                    .without("--sso-session")
                    .to("let idc-setup choose one"),
            ],
        )),
    }
}

/// Writes what the session does not have yet. Returns what else that changes, as a sentence.
fn put_session(target: &Target, config: &mut Config) -> Option<String> {
    let section = Section::SsoSession(&target.name);
    let existing = config.get(section);
    let before = existing.as_ref().and_then(|existing| existing.get("sso_region"));
    let note = before.filter(|before| **before != *target.region).map(|before| {
        format!(
            "The SSO session {}, and all its profiles, get the Region {} in place of {before}.",
            target.name, target.region
        )
    });
    let mut properties = vec![("sso_region", Some(&*target.region))];
    if existing.is_none() {
        properties.insert(0, ("sso_start_url", Some(target.start_url.as_str())));
        properties.push(("sso_registration_scopes", Some(SCOPE)));
    }
    let existing = existing.unwrap_or_default();
    properties.retain(|(key, value)| existing.get(*key).map(String::as_str) != *value);
    config.set(section, &properties);
    note
}

/// Finding the Region of Identity Center.
impl Joining<'_> {
    /// Checks that Identity Center in a Region recognizes the URL.
    async fn check(&self, clients: &Clients, region: &RegionName, url: &str) -> Result<(), AwsError> {
        self.editing.tools.check(clients, region, url).await
    }

    /// The Region in which Identity Center recognizes the URL: the requested one; or the one in the URL, of the file, or of
    /// the environment; or any other one of the partition.
    async fn region(&self, clients: &Clients, url: &str) -> Result<RegionName, UserError> {
        if let Some(text) = &self.editing.cli.flags.region {
            return self.requested_region(clients, url, text).await;
        }
        // A Region that cannot be checked is tried again in the search.
        let mut refused = Vec::new();
        for region in self.region_hints(url).await {
            match self.check(clients, &region, url).await {
                Ok(()) => return Ok(region),
                Err(aws_error) if aws_error.kind == AwsErrorKind::Invalid => {
                    let line = format!("Identity Center in {region} does not recognize {url}.");
                    self.prompter().say(None, &line);
                    refused.push(region);
                }
                Err(aws_error) => {
                    let why = aws_error.sentence();
                    let line = format!("Identity Center in {region} could not be checked: {why}");
                    self.prompter().say(None, &line);
                }
            }
        }
        self.searched_region(clients, url, &refused).await
    }

    async fn requested_region(&self, clients: &Clients, url: &str, text: &str) -> Result<RegionName, UserError> {
        let find = || SetupCommand::again().without("--region").to("find the Region");
        let invalid = |why: &dyn std::fmt::Display| UserError::usage(format!("--region: {why}."), find());
        let known = Key::IdentityCenterRegion.check(text).map_err(|why| invalid(&why))?;
        let region = known.parse::<RegionName>().map_err(|why| invalid(&why))?;
        match self.check(clients, &region, url).await {
            Ok(()) => Ok(region),
            Err(aws_error) if aws_error.kind == AwsErrorKind::Invalid => Err(UserError::usage(
                portal::unrecognized(&region, url),
                [find(), correct_url()],
            )),
            Err(aws_error) => Err(step_error(&INFO, &aws_error, SetupCommand::again())),
        }
    }

    /// Regions to try first, each of them once.
    async fn region_hints(&self, url: &str) -> Vec<RegionName> {
        let portal = portal_address::portal(url);
        let config = &self.file.config;
        let known = sessions::regions_of(&config.sso_sessions(), &config.profiles(), url);
        let wanted = WantedConnection::default();
        // The Region of the work is often that of Identity Center too. A Region that is not known is only no hint.
        let guess = connect::region(&wanted, self.editing.environment).await.ok().flatten();
        let guess = guess.map(|named| named.name);
        let guess = guess.filter(|region| Partition::of_region(region) == portal.partition);
        let mut hints: Vec<RegionName> = Vec::new();
        for region in portal.region.into_iter().chain(known).chain(guess) {
            if regions::is_known(&region) && !hints.contains(&region) {
                hints.push(region);
            }
        }
        hints
    }

    /// The Regions of the partition, in the order in which they are tried: those that anything in the file has, the main one, and
    /// the others.
    fn regions_to_search(&self, partition: Partition) -> Vec<RegionName> {
        let config = &self.file.config;
        let of_sessions = config.sso_sessions().into_iter().map(|session| session.region);
        let of_profiles = config.profiles().into_iter().flat_map(|profile| {
            let named = ["sso_region", "region"].map(|key| profile.get(key).map(str::to_owned));
            named.into_iter().flatten()
        });
        let in_file = of_sessions
            .chain(of_profiles)
            .filter_map(|text| text.parse::<RegionName>().ok());
        let in_file = in_file.filter(|region| regions::is_known(region) && Partition::of_region(region) == partition);
        let mut found: Vec<RegionName> = Vec::new();
        for region in in_file.chain([partition.main_region()]).chain(partition.regions()) {
            if !found.contains(&region) {
                found.push(region);
            }
        }
        found
    }

    /// Tries all other Regions of the partition, several at a time. The first one in their order counts, so that the same file
    /// gives the same Region even where several accept the URL.
    async fn searched_region(
        &self,
        clients: &Clients,
        url: &str,
        tried: &[RegionName],
    ) -> Result<RegionName, UserError> {
        let partition = portal_address::portal(url).partition;
        let regions = self.regions_to_search(partition).into_iter();
        let regions: Vec<RegionName> = regions.filter(|region| !tried.contains(region)).collect();
        let count = regions.len();
        let what = format!("Looking for the Region of Identity Center: trying {count} Regions");
        self.prompter().say(None, &format!("{what}."));
        let waiting = self.prompter().wait(&INFO, &what);
        let checks = regions
            .into_iter()
            .map(|region| async move { (self.check(clients, &region, url).await, region) });
        let mut checks = stream::iter(checks).buffered(REGIONS_AT_ONCE);
        let mut failed: Vec<(AwsError, RegionName)> = Vec::new();
        while let Some((checked, region)) = checks.next().await {
            match checked {
                Ok(()) => {
                    drop(waiting);
                    self.prompter()
                        .say(None, &format!("The Region of Identity Center is {region}."));
                    return Ok(region);
                }
                Err(aws_error) if aws_error.kind == AwsErrorKind::Invalid => {}
                Err(aws_error) => failed.push((aws_error, region)),
            }
        }
        drop(waiting);
        let is_offline = failed.iter().all(|(error, _)| error.kind == AwsErrorKind::NoConnection);
        if let Some((aws_error, _)) = failed
            .first()
            .filter(|_| is_offline && tried.is_empty() && failed.len() == count)
        {
            let again = SetupCommand::again().after("check the network");
            return Err(step_error(&INFO, aws_error, again));
        }
        let next = [
            correct_url(),
            SetupCommand::again()
                .placeholder("--region", "REGION")
                .to("name the Region, if your administrator knows it"),
        ];
        let message = format!("Identity Center does not recognize {url} in any Region of the partition {partition}.");
        let names: Vec<&str> = failed.iter().map(|(_, region)| &**region).collect();
        Err(match failed.first() {
            Some((aws_error, _)) => UserError {
                next: next.into(),
                message: format!("{message} Could not be checked: {}.", names.join(", ")),
                ..step_error(&INFO, aws_error, SetupCommand::again())
            },
            None => UserError::usage(message, next),
        })
    }
}

fn correct_url() -> NextStep {
    SetupCommand::again()
        .positional("START_URL")
        .after("copy the URL of the access portal from the invitation by email, or ask your administrator for it")
}

/// The profiles.
impl Joining<'_> {
    /// Gives sessions and profiles of this portal that have a former URL the current one, if the user agrees.
    async fn settle(
        &self,
        target: &mut Target,
        config: &mut Config,
        offered: &Offered,
        report: &mut ProfilesReport,
    ) -> Result<(), UserError> {
        let (sessions, profiles) = (config.sso_sessions(), config.profiles());
        let moved = sessions::moved(&sessions, &profiles, &target.start_url, &offered.accounts());
        let doubtful = moved.doubtful.iter().map(|doubtful| {
            format!(
                "The SSO session {} with another URL stays as it is: its profiles use the account {}, which this access \
                 portal offers, but also the account {}, which it does not offer.",
                doubtful.session, doubtful.listed, doubtful.other
            )
        });
        report.notes.extend(doubtful);
        let Some(account) = &moved.account else {
            return Ok(());
        };
        let of_sessions = moved.sessions.iter().map(|name| format!("the SSO session {name}"));
        let of_profiles = moved.profiles.iter().map(|name| format!("the profile {name}"));
        let what: Vec<String> = of_sessions.chain(of_profiles).collect();
        let lines = vec![
            format!("Another URL of this access portal is in {}.", listed(&what)),
            format!("All accounts of its profiles, such as {account}, are in this access portal too."),
        ];
        if self.prompter().can_ask() {
            let confirm = Confirm {
                lines,
                prompt: format!("Use {} there too?", target.start_url),
                help: vec!["If you don't, they stay as they are, and a session is added beside them.".to_owned()],
                ..Confirm::default()
            };
            match self.prompter().confirm(&confirm).await? {
                Reply::Value(true) => {}
                Reply::Value(false) | Reply::Skip => return Ok(()),
                Reply::Back | Reply::Quit => return Err(UserError::left()),
            }
        } else {
            // The difference shows it, and nothing is written without `--yes`.
            for line in &lines {
                self.prompter().say(None, line);
            }
        }
        let is_new = config.get(Section::SsoSession(&target.name)).is_none();
        let current = [
            ("sso_start_url", Some(target.start_url.as_str())),
            ("sso_region", Some(&*target.region)),
        ];
        for name in &moved.sessions {
            config.set(Section::SsoSession(name), &current);
        }
        let owned = current.map(|(key, value)| (key.to_owned(), value.map(str::to_owned)));
        let edit = ProfileEdit::Set {
            properties: owned.to_vec(),
            rename: None,
        };
        let edits: BTreeMap<String, ProfileEdit> =
            moved.profiles.iter().map(|name| (name.clone(), edit.clone())).collect();
        config.edit_profiles(&edits);
        let is_named = self.answers.explicit(Key::SsoSession).is_some();
        if let Some(first) = moved.sessions.first().filter(|_| is_new && !is_named) {
            target.name.clone_from(first);
        }
        Ok(())
    }

    /// The roles that get a profile, by their place in the list: those of the flags, the only one, or those that the user
    /// chooses. `having` are the roles that have a profile, with its name.
    async fn chosen(
        &self,
        roles: &[Role],
        template: &Template,
        having: &BTreeMap<usize, String>,
    ) -> Result<BTreeSet<usize>, UserError> {
        let matching: Vec<usize> = (0..roles.len())
            .filter(|index| self.filter.matches(&roles[*index]))
            .collect();
        if matching.is_empty() {
            let shown = roles.iter().take(5);
            let shown: Vec<String> = shown
                .map(|role| format!("{} in {}", role.permission_set, role.account))
                .collect();
            return Err(UserError::usage(
                format!(
                    "The access portal does not offer this role to you. It offers {} roles, such as {}.",
                    roles.len(),
                    listed(&shown)
                ),
                SetupCommand::again()
                    .placeholder("--account", "ID")
                    .placeholder("--role", "NAME"),
            ));
        }
        if self.has_choice || matching.len() == 1 {
            return Ok(matching.into_iter().collect());
        }
        let names = names::assign(template, roles);
        let mut chosen: Vec<usize> = Vec::new();
        while chosen.len() < roles.len() {
            match self.prompter().ask(&question(roles, &names, having, &chosen)).await? {
                Reply::Value(value) if value == ALL => return Ok(matching.into_iter().collect()),
                Reply::Value(value) if value == DONE && !chosen.is_empty() => break,
                Reply::Value(value) => match names.iter().position(|name| *name == value) {
                    Some(index) if !chosen.contains(&index) => chosen.push(index),
                    _ => self.prompter().say(None, &format!("{value} is none of them.")),
                },
                Reply::Back if chosen.pop().is_some() => {}
                Reply::Skip if !chosen.is_empty() => break,
                Reply::Back | Reply::Skip | Reply::Quit => return Err(UserError::left()),
            }
        }
        Ok(chosen.into_iter().collect())
    }

    /// Lets the user choose roles, and plans their profiles.
    async fn plan(
        &self,
        target: &Target,
        config: &Config,
        offered: &Offered,
        naming: &Naming,
        report: &mut ProfilesReport,
    ) -> Result<Plan, UserError> {
        let (roles, unreadable) = (&*offered.roles, offered.unreadable_accounts());
        let (profiles, known) = (config.profiles(), config.sso_sessions());
        let in_file = InFile {
            profiles: &profiles,
            reserved: &self.file.reserved,
            sources: &self.file.sources,
            is_of_portal: &|profile| sessions::is_of_portal(profile, &known, &target.start_url),
        };
        let plan_with = |chosen: Option<&BTreeSet<usize>>, region: &ProfileRegion| {
            let wanted = Wanted {
                session: &target.name,
                template: &naming.template,
                renames: naming.is_given,
                roles,
                unreadable: &unreadable,
                filter: &self.filter,
                chosen,
                region,
                prune: false,
                converts_legacy: true,
            };
            let mut planned = plan(&wanted, &in_file);
            // Roles that are no longer offered are a matter of `profiles sync`.
            planned
                .rows
                .retain(|row| !matches!(row.action, Action::Stale | Action::Kept));
            planned
        };
        let unknown = ProfileRegion::New(None);
        let of_all = plan_with(None, &unknown);
        let having = of_all.rows.iter().filter(|row| row.action != Action::Added);
        let having: BTreeMap<(&str, &str), &str> = having
            .map(|row| {
                let profile = row.before.as_ref().unwrap_or(&row.profile);
                ((row.account.as_str(), row.permission_set.as_str()), profile.as_str())
            })
            .collect();
        let having: BTreeMap<usize, String> = roles
            .iter()
            .enumerate()
            .filter_map(|(index, role)| {
                let profile = having.get(&(&*role.account, role.permission_set.as_str()))?;
                Some((index, (*profile).to_owned()))
            })
            .collect();
        let chosen = self.chosen(roles, &naming.template, &having).await?;
        let region = known_region(self.answers, &profiles, &known, target);
        let planned = plan_with(Some(&chosen), region.as_ref().unwrap_or(&unknown));
        if region.is_none() && planned.count(Action::Added) > 0 {
            let region = self.editing.ask_region(&target.region, report).await?;
            return Ok(plan_with(Some(&chosen), &region));
        }
        Ok(planned)
    }

    /// Saves the token for the session of the portal, and for no other session: somebody else can be signed in there.
    fn save(&self, clients: &Clients, target: &Target, config: &Config, token: &Token) -> Result<(), UserError> {
        let in_file = config.get(Section::SsoSession(&target.name)).unwrap_or_default();
        let start_url = in_file.get("sso_start_url").unwrap_or(&target.start_url);
        let profile = Profile {
            start_url: start_url.clone(),
            ..profile_of(target, "")
        };
        let session = self.editing.tools.session(&INFO, clients, &profile, &target.region);
        match &token.signed_in {
            Some(signed_in) => portal::save(&session, signed_in),
            None => portal::save_token(&session, &token.token),
        }
    }

    /// Checks that the first chosen profile of the session gives credentials.
    async fn verify(
        &self,
        clients: &Clients,
        target: &Target,
        config: &Config,
        report: &mut ProfilesReport,
    ) -> Result<(), UserError> {
        let tools = self.editing.tools;
        let profiles = config.profiles();
        let of_session = profiles
            .iter()
            .filter(|profile| profile.get("sso_session") == Some(target.name.as_str()));
        let of_session: BTreeSet<&str> = of_session.map(|profile| profile.name.as_str()).collect();
        let mut rows = report.rows.iter();
        let Some(first) = rows.find(|row| of_session.contains(row.profile.as_str())) else {
            return Ok(());
        };
        let name = first.profile.clone();
        let section = config.get(Section::Profile(&name)).unwrap_or_default();
        let region = section.get("region").and_then(|region| region.parse().ok());
        let profile = Profile {
            region: region.unwrap_or_else(|| target.region.clone()),
            ..profile_of(target, &name)
        };
        let session = tools.session(&INFO, clients, &profile, &target.region);
        let again = || SetupCommand::login().value("--cli-profile", &name);
        match session.identify().await? {
            Answer::Caller(identity) => {
                report.signed_in_as = Some(identity.caller);
                report.signed_in_with = Some(name);
                Ok(())
            }
            Answer::NoAccess => Err(UserError::failed(
                format!("The profile {name} was written, but {STILL_PROPAGATING}."),
                again().after("wait a minute"),
            )),
            Answer::SignInAgain(_) => Err(UserError::failed(
                format!("The profile {name} was written, but the sign-in is no longer valid."),
                again().to("sign in again"),
            )),
        }
    }
}

/// The question for one more role. `having` are the roles that have a profile, with its name.
fn question(roles: &[Role], names: &[String], having: &BTreeMap<usize, String>, chosen: &[usize]) -> Question {
    let choice = |value: &str, label: String| Choice {
        value: value.to_owned(),
        label,
        keywords: "",
    };
    let left = roles.len() - chosen.len();
    let first = if chosen.is_empty() {
        vec![choice(ALL, format!("All {left} roles"))]
    } else {
        vec![
            choice(DONE, "No more".to_owned()),
            choice(ALL, format!("All {left} others")),
        ]
    };
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let rest = roles.iter().zip(names).enumerate();
    let rest = rest
        .filter(|(index, _)| !chosen.contains(index))
        .map(|(index, (role, name))| {
            let profile = having.get(&index).map(|profile| format!("  has the profile {profile}"));
            let label = format!(
                "{name:width$}  {}{}  {} in {}",
                role.account,
                profile.unwrap_or_default(),
                role.permission_set,
                role.account_name
            );
            choice(name, label)
        });
    Question {
        prompt: if chosen.is_empty() {
            "Which role do you want a profile for?".to_owned()
        } else {
            "Another one?".to_owned()
        },
        default: (!chosen.is_empty()).then(|| DONE.to_owned()),
        can_go_back: !chosen.is_empty(),
        choices: first.into_iter().chain(rest).collect(),
        help: vec![
            "A role is a permission set in an account. Each one that you choose gets a profile, with this name."
                .to_owned(),
            "Without a question: --all for every role, or --account ID and --role NAME for some.".to_owned(),
        ],
        title: Some("Profile"),
        list: ListKind::Searched,
        ..Question::of(Key::CliProfile)
    }
}
