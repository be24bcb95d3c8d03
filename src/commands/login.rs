//! `idc-setup login`: signs in again with an existing profile. It needs no other credentials.

use std::collections::BTreeSet;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;

use super::connect::refuse_pipes;
use super::portal::{self, state_file};
use super::prepare::{Backend, typed_answers, uses_device_code};
use super::session::{browser, prompter, say_rehearsal};
use crate::answers::{Answers, Key};
use crate::aws::Partition;
use crate::aws_files::{self, Problem};
use crate::browser::Browser;
use crate::cli::{Cli, LoginFlags, Output};
use crate::environment::Environment;
use crate::exit_code::ExitCode;
use crate::ids::RegionName;
use crate::next_step::{NextStep, SetupCommand, Subcommand};
use crate::progress::Progress;
use crate::reconcile::{Importance, StepInfo};
use crate::sso::Registrar;
use crate::ui::envelope::{Envelope, ErrorOut, FORMAT, LoginBody};
use crate::ui::{NonInteractive, Screen};
use crate::user_error::UserError;
use crate::wizard::Prompter;
use crate::wizard::steps::Profile;
use crate::wizard::steps::sign_in::refusal::{self, Shown};
use crate::wizard::steps::sign_in::session::{Answer, Identity, Session};
use aws_config_file::files;
use aws_config_file::{Config, Paths, ProfileSection, Section};

/// How prompts name the sign-in, which is not a step of the checklist here.
const INFO: StepInfo = StepInfo {
    number: 0,
    slug: "login",
    short: "Sign in",
    title: "Sign in",
    importance: Importance::Required,
    why: "The last sign-in has expired.",
    feeds_others: false,
    permissions: &[],
};

/// The profiles that an error names.
const NAMED: usize = 5;

/// A profile as it is in the AWS config file.
struct ProfileInFile {
    profile: Profile,
    sso_region: RegionName,
    account: String,
    set: String,
}

/// The result of a sign-in.
struct Done {
    identity: Identity,
    signed_in_now: bool,
    sign_in_ends: Option<Timestamp>,
}

/// Signs in and returns the exit code.
pub async fn login(cli: &Cli, flags: &LoginFlags, environment: &Environment, screen: &Screen) -> ExitCode {
    say_rehearsal(cli, environment, screen);
    let (browser, target) = match prepare(cli, environment).await {
        Ok(prepared) => prepared,
        Err(error) => return report(cli, screen, None, Err(error)),
    };
    let prompter: Box<dyn Prompter> =
        prompter(cli, environment, screen, &browser).unwrap_or_else(|| Box::new(NonInteractive::new(screen)));
    let ended = sign_in(cli, flags, environment, &browser, &target, prompter.as_ref()).await;
    report(cli, screen, Some(&target), ended)
}

/// Finds the profile, and checks everything that would make the sign-in useless, before anybody is asked.
async fn prepare(cli: &Cli, environment: &Environment) -> Result<(Rc<Browser>, ProfileInFile), UserError> {
    let answers = typed_answers(cli, environment)?;
    let browser = browser(cli, environment)?;
    refuse_pipes(environment, &SetupCommand::login())?;
    let target = find(cli, environment, &answers).await?;
    Ok((browser, target))
}

/// The name of the profile to sign in with: the requested one, that of `AWS_PROFILE`, the saved one, or one of the only SSO session
/// in the file; otherwise the default one.
fn name_of_profile(cli: &Cli, environment: &Environment, answers: &Answers, config: &Config) -> String {
    if let Some(answer) = answers.explicit(Key::CliProfile) {
        return answer.value.clone();
    }
    let profiles = config.profiles();
    let of_sso = || profiles.iter().filter(|profile| is_of_sso(profile));
    let default = Answers::default().text(Key::CliProfile);
    // Somebody who works with keys in this shell can still want to sign in with the usual profile.
    let has_other_credentials = |name: &str| {
        let mut named = profiles.iter().filter(|profile| profile.name == name);
        named.any(|profile| profile.get("sso_session").is_none() && profile.get("sso_start_url").is_none())
    };
    let of_environment = environment
        .var("AWS_PROFILE")
        .filter(|name| !has_other_credentials(name));
    let exists = |name: &String| profiles.iter().any(|profile| profile.name == *name);
    let of_only_session = || {
        let sessions: BTreeSet<&str> = of_sso().filter_map(|profile| profile.get("sso_session")).collect();
        let has_default = of_sso().any(|profile| profile.name == default);
        let first = of_sso().next().filter(|_| sessions.len() == 1 && !has_default)?;
        Some(first.name.clone())
    };
    let saved = saved(cli, environment);
    of_environment
        .map(str::to_owned)
        .or_else(|| saved.clone().filter(exists))
        .or_else(of_only_session)
        .or(saved)
        .unwrap_or(default)
}

/// Whether a sign-in to its session is enough for a profile.
fn is_of_sso(profile: &ProfileSection) -> bool {
    let keys = ["sso_session", "sso_account_id", "sso_role_name"];
    !profile.is_repeated && keys.iter().all(|key| profile.get(key).is_some())
}

/// The error for a profile that does not exist, with the ones that do.
fn no_profile(name: &str, file: &Path, config: &Config) -> UserError {
    let profiles = config.profiles();
    let names = profiles.iter().filter(|profile| is_of_sso(profile));
    let names: Vec<&str> = names.map(|profile| profile.name.as_str()).collect();
    let more = names.len().saturating_sub(NAMED);
    let shown = names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    let shown = match (names.is_empty(), more) {
        (true, _) => String::new(),
        (false, 0) => format!(" These have an SSO session: {shown}."),
        (false, more) => format!(" These have an SSO session: {shown} and {more} more."),
    };
    let sessions = config.sso_sessions();
    let mut next = Vec::new();
    match (names.first(), sessions.first()) {
        (Some(first), _) => next.push(
            SetupCommand::login()
                .value("--cli-profile", *first)
                .to("use one of these"),
        ),
        (None, Some(session)) => next.push(
            SetupCommand::profiles_sync()
                .value("--sso-session", &session.name)
                .to("write a profile for each role that you have"),
        ),
        (None, None) => next.extend([
            SetupCommand::new(Subcommand::Join)
                .positional("START_URL")
                .to("get profiles for an access portal"),
            SetupCommand::run().to("set up IAM Identity Center, as an administrator"),
        ]),
    }
    UserError::usage(
        format!("The profile {name} does not exist in {}.{shown}", file.display()),
        next,
    )
}

/// Returns the profile to sign in with, with its session.
async fn find(cli: &Cli, environment: &Environment, answers: &Answers) -> Result<ProfileInFile, UserError> {
    let paths = portal::home(environment, SetupCommand::login())?;
    let unusable = |problem: Problem| UserError::usage(problem.to_string(), problem.next(SetupCommand::login()));
    let unreadable = |why: String| unusable(Problem::in_text(paths.config(), why));
    aws_files::readable(&paths).await.map_err(unusable)?;
    let file = paths.config().display();
    let bytes = match files::read(paths.config()) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(unreadable(error.to_string())),
    };
    let config = Config::parse(&bytes).map_err(|bad| unreadable(bad.to_string()))?;
    let name = name_of_profile(cli, environment, answers, &config);
    let Some(properties) = config.get(Section::Profile(&name)) else {
        return Err(no_profile(&name, paths.config(), &config));
    };
    let Some(session) = properties.get("sso_session") else {
        return Err(UserError::usage(
            format!("The profile {name} has no SSO session."),
            [
                NextStep::other(
                    "sign in with the legacy SSO configuration",
                    ["aws", "sso", "login", "--profile", &name],
                ),
                SetupCommand::run()
                    .placeholder("--cli-profile", "NAME")
                    .to("create a profile with a session"),
            ],
        ));
    };
    let section = config.get(Section::SsoSession(session)).unwrap_or_default();
    let of_session = |key: &str| {
        section.get(key).cloned().ok_or_else(|| {
            UserError::usage(
                format!("The SSO session {session} of profile {name} has no {key} in {file}."),
                SetupCommand::run()
                    .value("--cli-profile", &name)
                    .value("--update", "cli-profile"),
            )
        })
    };
    let (start_url, sso_region) = (of_session("sso_start_url")?, of_session("sso_region")?);
    let text = |key: &str| properties.get(key).cloned();
    let parsed_region = |key: &str, text: String| {
        text.parse::<RegionName>()
            .map_err(|why| unreadable(format!("{key} for profile {name} is invalid: {why}")))
    };
    let sso_region = parsed_region("sso_region", sso_region)?;
    check_usable(&paths, &config, &name, session).await?;
    let region = text("region").map(|text| parsed_region("region", text)).transpose()?;
    Ok(ProfileInFile {
        account: text("sso_account_id").unwrap_or_default(),
        set: text("sso_role_name").unwrap_or_default(),
        profile: Profile {
            session: session.to_owned(),
            start_url,
            region: region.unwrap_or_else(|| sso_region.clone()),
            name,
        },
        sso_region,
    })
}

/// Checks that the AWS CLI and the AWS SDKs get credentials from a profile once somebody has signed in.
async fn check_usable(paths: &Paths, config: &Config, name: &str, session: &str) -> Result<(), UserError> {
    let unusable = |problem: Problem| UserError::usage(problem.to_string(), problem.next(SetupCommand::login()));
    let unreadable = |why: String| unusable(Problem::in_text(paths.config(), why));
    let profile = Section::Profile(name);
    let of_session = (Section::SsoSession(session), &["sso_start_url", "sso_region"][..]);
    let of_profile = (profile, &["sso_session", "sso_account_id", "sso_role_name"][..]);
    aws_files::agreement(config, config, &[of_session, of_profile])
        .await
        .map_err(unreadable)?;
    let line_of = |key: &&str| config.property_line(profile, key);
    if let Some(key) = ["sso_account_id", "sso_role_name"]
        .into_iter()
        .find(|key| line_of(key).is_none())
    {
        return Err(UserError::usage(
            format!(
                "The profile {name} has no {key} in {}, so it gives no credentials after a sign-in.",
                paths.config().display()
            ),
            [
                SetupCommand::login()
                    .placeholder("--cli-profile", "NAME")
                    .to("use another profile"),
                SetupCommand::run()
                    .value("--cli-profile", name)
                    .value("--update", "cli-profile")
                    .into(),
            ],
        ));
    }
    if let Some(line) = ["sso_start_url", "sso_region"].iter().find_map(line_of) {
        return Err(unreadable(format!(
            "line {line} repeats a property of the SSO session {session} in the profile {name}, which the AWS SDKs do not \
             accept; remove it"
        )));
    }
    let cached = config.sso_sessions().into_iter().find(|other| other.name == session);
    let cached = cached.map_or(Ok(()), |cached| {
        aws_files::cache_writable(paths, session, &cached.region, &cached.start_url)
    });
    cached.map_err(unusable)
}

/// Returns the profile of the last run on this machine.
fn saved(cli: &Cli, environment: &Environment) -> Option<String> {
    let record = Progress::read_file(&state_file(cli, environment)?).ok()??;
    record
        .answers
        .get(&Key::CliProfile.field())
        .map(|saved| saved.value.clone())
}

async fn sign_in(
    cli: &Cli,
    flags: &LoginFlags,
    environment: &Environment,
    browser: &Rc<Browser>,
    target: &ProfileInFile,
    prompter: &dyn Prompter,
) -> Result<Option<Done>, UserError> {
    let backend = Backend::of(cli, environment)?;
    let limit = portal::limit(cli, SetupCommand::login())?;
    let profile = &target.profile;
    browser.restrict_to(Partition::of_region(&target.sso_region));
    let clients = portal::clients(environment, Some(&profile.name), &profile.region, &target.sso_region).await?;
    let paths = portal::home(environment, SetupCommand::login())?;
    let registrar = Registrar::default();
    let session = Session {
        info: &INFO,
        again: SetupCommand::login().value("--cli-profile", &profile.name),
        clients: &clients,
        registrar: &registrar,
        browser,
        use_device_code: uses_device_code(cli, environment),
        timing: backend.timing(),
        paths: &paths,
        profile,
        region: target.sso_region.clone(),
        user: String::new(),
        help: None,
    };
    let state = state_file(cli, environment).filter(|path| path.exists());
    let wait = Wait {
        limit,
        again: flags.again,
    };
    identify(&session, target, wait, state.as_deref(), prompter).await
}

/// When to sign in, and how long to wait for it.
struct Wait {
    limit: Duration,
    /// `--again`: even if the last sign-in is still valid.
    again: bool,
}

/// Returns the identity that the profile's credentials have, and signs in first if necessary. `None` if nobody signed in.
async fn identify(
    session: &Session<'_>,
    target: &ProfileInFile,
    wait: Wait,
    state: Option<&Path>,
    prompter: &dyn Prompter,
) -> Result<Option<Done>, UserError> {
    let mut signed_in_now = false;
    let mut answer = if session.is_usable() && !wait.again {
        session.identify().await?
    } else {
        Answer::SignInAgain(None)
    };
    if matches!(answer, Answer::SignInAgain(_)) {
        let Some(signed_in) = session.sign_in(wait.limit, prompter).await? else {
            return Ok(None);
        };
        portal::save_for_session(session, &signed_in, state).await?;
        signed_in_now = true;
        answer = session.identify().await?;
    }
    match answer {
        Answer::Caller(identity) => Ok(Some(Done {
            identity,
            signed_in_now,
            sign_in_ends: session.token().map(|token| token.expires_at),
        })),
        Answer::SignInAgain(refusal) => {
            let what = "the sign-in is not valid for the profile: it has been revoked";
            Err(match refusal {
                Some(aws_error) => session.refused_by(what, &aws_error),
                None => session.error(format!("{what}.")),
            })
        }
        Answer::NoAccess => Err(no_access(session, target).await?),
    }
}

async fn no_access(session: &Session<'_>, target: &ProfileInFile) -> Result<UserError, UserError> {
    let (account, set) = (&target.account, &target.set);
    let why = match refusal::shown(session, account, set).await? {
        Shown::Everything => refusal::STILL_PROPAGATING.to_owned(),
        Shown::OtherSets(offered) => refusal::wrong_name(account, set, &offered),
        Shown::NoAccount => format!(
            "the portal does not list account {account}: a different user signed in, the user is not in the group, or the \
             assignment was deleted"
        ),
    };
    Ok(UserError {
        next: [
            session
                .again
                .clone()
                .switch("--again")
                .to("sign in as the right user, in a private browser window"),
            SetupCommand::status().to("check the access with an administrator's credentials"),
        ]
        .into(),
        ..session.error(format!(
            "you are signed in, but the portal returned ForbiddenException: No access: {why}."
        ))
    })
}

fn report(
    cli: &Cli,
    screen: &Screen,
    target: Option<&ProfileInFile>,
    ended: Result<Option<Done>, UserError>,
) -> ExitCode {
    let profile = target.map(|target| target.profile.name.as_str()).unwrap_or_default();
    let ended = ended.and_then(|done| {
        done.ok_or_else(|| portal::nobody_signed_in(SetupCommand::login().value("--cli-profile", profile)))
    });
    let exit = ended
        .as_ref()
        .map_or_else(|error| ExitCode::from(error.kind), |_| ExitCode::Success);
    if cli.flags.output == Output::Json {
        screen.json(&envelope(screen, target, &ended, exit).json());
        return exit;
    }
    match &ended {
        Ok(done) => {
            let until = done.identity.ends_at.map(stamp);
            let until = until.map_or_else(String::new, |at| format!(", until {at}"));
            let arn = &done.identity.caller.arn;
            let already = if done.signed_in_now { "" } else { "already " };
            screen.result(&format!("You are {already}signed in with profile {profile}{until}, as"));
            screen.unwrapped_result(&format!("  {arn}"));
            if !done.signed_in_now {
                let again = screen.command(&SetupCommand::login().switch("--again"));
                screen.talk(&format!("To sign in again: {again}"));
            }
        }
        // The user quit, which is no error.
        Err(error) if *error == UserError::left() => screen.result("Stopped. Nobody signed in."),
        Err(error) => screen.error(error),
    }
    exit
}

fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn envelope(
    screen: &Screen,
    target: Option<&ProfileInFile>,
    ended: &Result<Done, UserError>,
    exit: ExitCode,
) -> Envelope<LoginBody> {
    let done = ended.as_ref().ok();
    let signed_in_as = done.map(|done| done.identity.caller.clone());
    Envelope {
        format: FORMAT,
        command: "login".to_owned(),
        account: signed_in_as.as_ref().map(|caller| caller.account.clone()),
        region: target.map(|target| target.sso_region.clone()),
        error: ended
            .as_ref()
            .err()
            .map(|error| ErrorOut::of(error, None, &screen.invocation)),
        exit: exit.code(),
        body: LoginBody {
            signed_in_as,
            profile: target.map(|target| target.profile.name.clone()),
            session: target.map(|target| target.profile.session.clone()),
            signed_in_now: done.is_some_and(|done| done.signed_in_now),
            credentials_end: done.and_then(|done| done.identity.ends_at).map(|at| at.to_string()),
            sign_in_ends: done.and_then(|done| done.sign_in_ends).map(|at| at.to_string()),
        },
    }
}
