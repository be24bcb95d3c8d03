//! `idc-setup login`: sign in again with a profile that is there. It needs no credentials but the person's own.

use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;

use super::connect::{plain_http, refuse_pipes};
use super::prepare::{Stage, duration, typed_answers};
use super::{asking_guide, browser, say_rehearsal};
use crate::answers::{Answers, Key};
use crate::aws::clock::ServerClock;
use crate::aws::connect;
use crate::aws::{Clients, Partition};
use crate::browser::Browser;
use crate::checklist::{ExitCode, Importance, Prompter, StepInfo, UserError, UserErrorKind};
use crate::cli::{Cli, LoginFlags, Output};
use crate::environment::Environment;
use crate::limits::LOGIN_WAIT;
use crate::next_step::{NextStep, SetupCommand, Subcommand};
use crate::progress::{Folder, Progress};
use crate::sso::Registrar;
use crate::steps::Profile;
use crate::steps::sign_in::refusal::{self, Shown};
use crate::steps::sign_in::session::{Answer, Identity, Session};
use crate::ui::output::{CallerOut, Envelope, ErrorOut, FORMAT, LoginBody};
use crate::ui::{NonInteractive, Screen};
use aws_config_file::files;
use aws_config_file::{Config, Section};

/// As the guides name what is done.
const INFO: StepInfo = StepInfo {
    number: 0,
    slug: "login",
    title: "Sign in",
    importance: Importance::Required,
    why: "The last sign-in has ended.",
    feeds_others: false,
    permissions: &[],
};

/// A profile as the file has it.
struct ProfileInFile {
    profile: Profile,
    sso_region: String,
    account: String,
    set: String,
}

/// How a sign-in went.
struct Done {
    identity: Identity,
    signed_in_now: bool,
    sign_in_ends: Option<Timestamp>,
}

/// Signs in, and answers the exit code.
pub async fn login(cli: &Cli, flags: &LoginFlags, environment: &Environment, screen: &Screen) -> ExitCode {
    say_rehearsal(cli, environment, screen);
    let setup = (|| {
        let answers = typed_answers(cli, environment)?;
        let browser = browser(cli, environment)?;
        let found = find(cli, environment, &answers)?;
        refuse_pipes(environment, &SetupCommand::login())?;
        Ok((browser, found))
    })();
    let (browser, found) = match setup {
        Ok(setup) => setup,
        Err(error) => return report(cli, screen, None, Err(error)),
    };
    let prompter: Box<dyn Prompter> =
        asking_guide(cli, environment, screen, &browser).unwrap_or_else(|| Box::new(NonInteractive::new(screen)));
    let ended = sign_in(cli, flags, environment, &browser, &found, prompter.as_ref()).await;
    report(cli, screen, Some(&found), ended)
}

/// The profile that is asked for, saved, or the default; and its session.
fn find(cli: &Cli, environment: &Environment, answers: &Answers) -> Result<ProfileInFile, UserError> {
    let name = answers
        .explicit(Key::CliProfile)
        .map(|answer| answer.value.clone())
        .or_else(|| saved(cli, environment))
        .or_else(|| Key::CliProfile.default_words().map(str::to_owned))
        .unwrap_or_default();
    let paths = environment
        .aws_files()
        .ok_or_else(|| UserError::usage("There is no home folder.", SetupCommand::login().after("set HOME")))?;
    let file = paths.config().display();
    let unreadable = |why: String| {
        UserError::usage(
            format!("{file} {why}."),
            SetupCommand::login().after(format!("correct {file}")),
        )
    };
    let bytes = match files::read(paths.config()) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(unreadable(format!("cannot be read: {error}"))),
    };
    let config = Config::parse(&bytes).map_err(|bad| unreadable(bad.to_string()))?;
    let Some(properties) = config.get(Section::Profile(&name)) else {
        return Err(UserError::usage(
            format!("There is no profile {name} in {file}."),
            [
                SetupCommand::login()
                    .placeholder("--cli-profile", "NAME")
                    .to("use another profile"),
                SetupCommand::run().to("create one"),
            ],
        ));
    };
    let Some(session) = properties.get("sso_session") else {
        return Err(UserError::usage(
            format!("The profile {name} has no SSO session."),
            [
                NextStep::other(
                    "sign in with the older form of SSO",
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
                format!("The SSO session {session} of profile {name} says no {key} in {file}."),
                SetupCommand::run()
                    .value("--cli-profile", &name)
                    .value("--update", "cli-profile"),
            )
        })
    };
    let (start_url, sso_region) = (of_session("sso_start_url")?, of_session("sso_region")?);
    let text = |key: &str| properties.get(key).cloned();
    Ok(ProfileInFile {
        account: text("sso_account_id").unwrap_or_default(),
        set: text("sso_role_name").unwrap_or_default(),
        profile: Profile {
            session: session.clone(),
            start_url,
            region: text("region").unwrap_or_else(|| sso_region.clone()),
            name,
        },
        sso_region,
    })
}

/// The profile of the last run on this machine.
fn saved(cli: &Cli, environment: &Environment) -> Option<String> {
    let folder = Folder::of(environment)?;
    let path = match &cli.flags.state {
        Some(path) => path.clone(),
        None => folder
            .last()
            .map(|last| folder.state_file(&last.partition, &last.account))?,
    };
    let record = Progress::read_file(&path).ok()??;
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
    found: &ProfileInFile,
    prompter: &dyn Prompter,
) -> Result<Option<Done>, UserError> {
    let stage = Stage::of(cli, environment)?;
    let limit = match &cli.flags.wait {
        Some(text) => duration("--wait", text)?,
        None => LOGIN_WAIT,
    };
    let profile = &found.profile;
    browser.keep_to(Partition::of_region(&found.sso_region));
    let provider = connect::credentials(Some(&profile.name), &profile.region).await;
    let base = connect::sdk_config(Some(&profile.name), &found.sso_region, provider).await;
    let clients = Clients::new(&base, ServerClock::default());
    if let Some((service, address)) = clients.plain_http() {
        return Err(plain_http(environment, &service, &address, Some(&profile.name)));
    }
    let paths = environment
        .aws_files()
        .ok_or_else(|| UserError::usage("There is no home folder.", SetupCommand::login().after("set HOME")))?;
    let registrar = Registrar::default();
    let session = Session {
        info: &INFO,
        again: SetupCommand::login().value("--cli-profile", &profile.name),
        clients: &clients,
        registrar: &registrar,
        browser,
        use_device_code: cli.flags.use_device_code,
        timing: stage.timing(),
        paths: &paths,
        profile,
        region: found.sso_region.clone(),
        user: String::new(),
    };
    through(&session, found, (limit, flags.again), prompter).await
}

/// Who one is through the profile, after a sign-in where the last one is not good any more; `None` when nobody came.
async fn through(
    session: &Session<'_>,
    found: &ProfileInFile,
    (limit, again): (Duration, bool),
    prompter: &dyn Prompter,
) -> Result<Option<Done>, UserError> {
    let mut signed_in_now = false;
    let mut answer = if session.is_usable() && !again {
        session.ask_through().await?
    } else {
        Answer::SignInAgain(None)
    };
    if matches!(answer, Answer::SignInAgain(_)) {
        let Some(signed_in) = session.sign_in(limit, prompter).await? else {
            return Ok(None);
        };
        keep(session, &signed_in)?;
        signed_in_now = true;
        answer = session.ask_through().await?;
    }
    match answer {
        Answer::Caller(identity) => Ok(Some(Done {
            identity,
            signed_in_now,
            sign_in_ends: session.token().map(|token| token.expires_at),
        })),
        Answer::SignInAgain(said) => {
            let what = "the sign-in is not good for the profile: it was taken back meanwhile";
            Err(match said {
                Some(aws_error) => session.refused_by(what, &aws_error),
                None => session.error(format!("{what}.")),
            })
        }
        Answer::NoAccess => Err(no_access(session, found).await?),
    }
}

/// The files that the AWS CLI and the SDKs read.
fn keep(session: &Session<'_>, signed_in: &crate::steps::sign_in::session::SignedIn) -> Result<(), UserError> {
    let registration = aws_config_file::registration_json(&signed_in.registration);
    let token = aws_config_file::token_json(&signed_in.token);
    for (path, text) in [
        (session.registration_path(), registration),
        (session.token_path(), token),
    ] {
        aws_config_file::write_cache_file(&path, &text)
            .map_err(|error| session.error(format!("{} cannot be written: {error}.", path.display())))?;
    }
    Ok(())
}

async fn no_access(session: &Session<'_>, found: &ProfileInFile) -> Result<UserError, UserError> {
    let (account, set) = (&found.account, &found.set);
    let why = match refusal::shown(session, account, set).await? {
        Shown::Everything => refusal::STILL_SPREADING.to_owned(),
        Shown::OtherSets(offered) => refusal::wrong_name(account, set, &offered),
        Shown::NoAccount => format!(
            "the portal shows whoever signed in no account {account}: somebody else signed in, they are not in the group, or \
             the assignment was taken away"
        ),
    };
    Ok(UserError {
        next: [
            session
                .again
                .clone()
                .switch("--again")
                .to("sign in as the right user, in a private browser window"),
            SetupCommand::status().to("look at the access, with an administrator's credentials"),
        ]
        .into(),
        ..session.error(format!(
            "you are signed in, and the portal answers ForbiddenException: No access: {why}."
        ))
    })
}

fn report(
    cli: &Cli,
    screen: &Screen,
    found: Option<&ProfileInFile>,
    ended: Result<Option<Done>, UserError>,
) -> ExitCode {
    let profile = found.map(|found| found.profile.name.as_str()).unwrap_or_default();
    let ended = ended.and_then(|done| {
        done.ok_or_else(|| {
            let next = SetupCommand::login()
                .value("--cli-profile", profile)
                .value("--wait", "10m");
            UserError::new(UserErrorKind::Left, "Sign in: nobody came in time.", next)
        })
    });
    // What is in the way of a sign-in is in the way of a run too, and says so.
    let ended = ended.map_err(|error| UserError {
        next: error.next.clone().retargeted(Subcommand::Run, Subcommand::Login),
        ..error
    });
    let exit = ended
        .as_ref()
        .map_or_else(|error| ExitCode::from(error.kind), |_| ExitCode::Success);
    if cli.flags.output == Output::Json {
        screen.json(&envelope(screen, found, &ended, exit).json());
        return exit;
    }
    match &ended {
        Ok(done) => {
            if !done.signed_in_now {
                let again = screen.command(&SetupCommand::login().switch("--again"));
                screen.talk(&format!("You are still signed in. Sign in again with: {again}"));
            }
            let until = done.identity.ends_at.map(stamp);
            let until = until.map_or_else(String::new, |at| format!(", until {at}"));
            let arn = &done.identity.caller.arn;
            screen.result(&format!("With profile {profile} you are {arn}{until}."));
        }
        Err(error) => screen.error(error),
    }
    exit
}

fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// Ctrl-C before the end.
pub fn interrupted(screen: &Screen, error: UserError) -> ExitCode {
    let exit = ExitCode::from(error.kind);
    screen.json(&envelope(screen, None, &Err(error), exit).json());
    exit
}

fn envelope(
    screen: &Screen,
    found: Option<&ProfileInFile>,
    ended: &Result<Done, UserError>,
    exit: ExitCode,
) -> Envelope<LoginBody> {
    let done = ended.as_ref().ok();
    let signed_in_as = done.map(|done| CallerOut {
        account: done.identity.caller.account.clone(),
        arn: done.identity.caller.arn.clone(),
    });
    Envelope {
        format: FORMAT,
        command: "login".to_owned(),
        account: signed_in_as.as_ref().map(|caller| caller.account.clone()),
        region: found.map(|found| found.sso_region.clone()),
        error: ended
            .as_ref()
            .err()
            .map(|error| ErrorOut::of(error, None, &screen.invocation)),
        exit: exit.code(),
        body: LoginBody {
            signed_in_as,
            profile: found.map(|found| found.profile.name.clone()),
            session: found.map(|found| found.profile.session.clone()),
            signed_in_now: done.is_some_and(|done| done.signed_in_now),
            credentials_end: done.and_then(|done| done.identity.ends_at).map(|at| at.to_string()),
            sign_in_ends: done.and_then(|done| done.sign_in_ends).map(|at| at.to_string()),
        },
    }
}
