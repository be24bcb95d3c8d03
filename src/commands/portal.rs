//! What the commands share that sign in to the access portal: `login`, `profiles` and `join`.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::connect::{invalid_setting, refuse_pipes, refused_endpoint};
use super::prepare::{Backend, duration, uses_device_code};
use super::session::{browser, prompter};
use crate::aws::clock::ServerClock;
use crate::aws::portal_address;
use crate::aws::sdk_settings::SdkSettings;
use crate::aws::waiting::Timing;
use crate::aws::{AwsError, AwsErrorKind, Clients, connect};
use crate::browser::Browser;
use crate::cli::Cli;
use crate::environment::{Environment, HOME};
use crate::ids::RegionName;
use crate::limits::{HOLDER_PAUSE, LOCK_LIMIT, LOGIN_WAIT};
use crate::next_step::{NextStep, SetupCommand, Subcommand};
use crate::profiles::role::{self, Offered};
use crate::progress::{Folder, Lock, Progress, ProgressError};
use crate::reconcile::StepInfo;
use crate::sso::{self, Grant, PortalAddress, Registrar};
use crate::ui::{NonInteractive, Screen};
use crate::user_error::{UserError, UserErrorKind};
use crate::wizard::Prompter;
use crate::wizard::steps::Profile;
use crate::wizard::steps::sign_in::session::{Session, SignedIn};
use aws_config_file::files;
use aws_config_file::{CachedToken, Config, Paths, Section};

/// What a command needs to let a person sign in.
pub(super) struct Portal {
    /// The AWS files.
    pub paths: Paths,
    /// The browser that opens the pages.
    pub browser: Rc<Browser>,
    /// Asks and tells.
    pub prompter: Box<dyn Prompter>,
    /// The client registrations of this process.
    pub registrar: Registrar,
    /// How long to wait for the sign-in.
    limit: Duration,
    timing: Timing,
    use_device_code: bool,
    /// Whether Identity Center has recognized the URL of the portal.
    is_recognized: Cell<bool>,
    /// The state file of the last run.
    state: Option<PathBuf>,
}

/// A token of the portal.
pub(super) struct Token {
    /// The token.
    pub token: CachedToken,
    /// The sign-in that gave it, which has not been saved; `None` if the last sign-in was still valid.
    pub signed_in: Option<SignedIn>,
}

impl Portal {
    /// Checks what would make a sign-in useless, before anybody is asked.
    pub(super) fn of(cli: &Cli, environment: &Environment, screen: &Screen) -> Result<Self, UserError> {
        let browser = browser(cli, environment)?;
        refuse_pipes(environment, &SetupCommand::again())?;
        let prompter = prompter(cli, environment, screen, &browser);
        Ok(Self {
            paths: home(environment, SetupCommand::again())?,
            prompter: prompter.unwrap_or_else(|| Box::new(NonInteractive::new(screen))),
            browser,
            registrar: Registrar::default(),
            limit: limit(cli, SetupCommand::again())?,
            timing: Backend::of(cli, environment)?.timing(),
            use_device_code: uses_device_code(cli, environment),
            is_recognized: Cell::new(false),
            state: state_file(cli, environment).filter(|path| path.exists()),
        })
    }

    /// The SSO session of a profile, to sign in to it. The profile need not exist to get a token.
    pub(super) fn session<'a>(
        &'a self,
        info: &'static StepInfo,
        clients: &'a Clients,
        profile: &'a Profile,
        region: &RegionName,
    ) -> Session<'a> {
        Session {
            info,
            again: SetupCommand::again(),
            clients,
            registrar: &self.registrar,
            browser: &self.browser,
            use_device_code: self.use_device_code,
            timing: self.timing,
            paths: &self.paths,
            profile,
            region: region.clone(),
            user: String::new(),
            help: None,
        }
    }

    /// The cached token of the session if it is of the same portal, renewed if necessary; otherwise that of a new sign-in.
    async fn token(&self, session: &Session<'_>) -> Result<Token, UserError> {
        let now = Timestamp::now();
        let is_of_portal = |token: &CachedToken| portal_address::is_same(&token.start_url, &session.profile.start_url);
        if let Some(token) = session.token().filter(is_of_portal) {
            if token.is_valid(now) {
                return Ok(Token { token, signed_in: None });
            }
            if token.is_refreshable(now)
                && let Some(token) = renewed(session, &token).await?
            {
                return Ok(Token { token, signed_in: None });
            }
        }
        self.sign_in(session).await
    }

    /// Checks that sso-oidc recognizes the URL in a Region. Only in the correct one, it starts a device authorization.
    ///
    /// # Errors
    /// [`AwsErrorKind::Invalid`] if it does not, and other errors if that could not be checked.
    pub(super) async fn check(&self, clients: &Clients, region: &RegionName, url: &str) -> Result<(), AwsError> {
        // One for each Region: a registrar makes one request at a time.
        let registration = Registrar::default().get(clients, region, Grant::Device).await?;
        sso::start(clients, region, &registration, url).await?;
        self.is_recognized.set(true);
        Ok(())
    }

    async fn sign_in(&self, session: &Session<'_>) -> Result<Token, UserError> {
        let (region, url) = (&session.region, &session.profile.start_url);
        // The page of a wrong Region shows an error, and the command would wait for the whole time limit. Any other error comes
        // again in the sign-in.
        if session.uses_browser(self.prompter.as_ref())
            && !self.is_recognized.get()
            && let Err(aws_error) = self.check(session.clients, region, url).await
            && aws_error.kind == AwsErrorKind::Invalid
        {
            return Err(if_unrecognized(session, session.failed(&aws_error)));
        }
        let signed_in = session.sign_in(self.limit, self.prompter.as_ref()).await;
        let signed_in = signed_in.map_err(|error| if_unrecognized(session, error))?;
        let signed_in = signed_in.ok_or_else(|| nobody_signed_in(SetupCommand::again()))?;
        Ok(Token {
            token: signed_in.token.clone(),
            signed_in: Some(signed_in),
        })
    }

    /// The roles that the portal offers, with the token that it accepted: signs in first if necessary. `if_none` is what else the
    /// user can do if it offers nothing.
    ///
    /// # Errors
    /// If nobody signs in, the portal cannot be reached, or it offers nothing.
    pub(super) async fn roles(
        &self,
        session: &Session<'_>,
        if_none: Option<NextStep>,
    ) -> Result<(Offered, Token), UserError> {
        let token = self.token(session).await?;
        let listed = self.listed(session, &token).await;
        let (listed, token) = match listed {
            // It was revoked: the user has signed out in the portal.
            Err(aws_error) if aws_error.is("UnauthorizedException") && token.signed_in.is_none() => {
                let token = self.sign_in(session).await?;
                (self.listed(session, &token).await, token)
            }
            listed => (listed, token),
        };
        let offered = listed.map_err(|aws_error| session.failed(&aws_error))?;
        if let Some(note) = offered.note().filter(|_| offered.roles.is_empty()) {
            return Err(session.error(format!(
                "the access portal offers no role to you. {note} Nothing was changed."
            )));
        }
        if offered.roles.is_empty() {
            let sign_in = SetupCommand::again().to("sign in as somebody else, in a private browser window");
            let ask = NextStep::note("ask an administrator to assign you to an account");
            let next: Vec<NextStep> = [ask, sign_in].into_iter().chain(if_none).collect();
            return Err(UserError {
                next: next.into(),
                ..session.error("the access portal offers no account to you. Nothing was changed.")
            });
        }
        Ok((offered, token))
    }

    async fn listed(&self, session: &Session<'_>, token: &Token) -> Result<Offered, AwsError> {
        let waiting = self
            .prompter
            .wait(session.info, "Reading what the access portal offers to you");
        let progress = |read: usize, count: usize| {
            waiting.say(&format!(
                "Reading what the access portal offers to you: {read} of {count} accounts"
            ));
        };
        role::offered(session.clients, &session.region, &token.token.access_token, &progress).await
    }

    /// Saves a sign-in for a session of the config file, as [`save_for_session`] does.
    pub(super) async fn save_for_session(&self, session: &Session<'_>, signed_in: &SignedIn) -> Result<(), UserError> {
        save_for_session(session, signed_in, self.state.as_deref()).await
    }

    /// Holds the lock of the state file of the last run, if there is one, so that no run or undo is in between.
    pub(super) async fn lock(&self) -> Result<Option<Lock>, UserError> {
        locked(self.state.as_deref()).await
    }
}

/// An error with what it means if Identity Center does not recognize the URL of the session.
fn if_unrecognized(session: &Session<'_>, error: UserError) -> UserError {
    let is_unrecognized = error.aws.as_ref().is_some_and(|aws| {
        aws.operation == "sso-oidc:StartDeviceAuthorization" && aws.code.as_deref() == Some("InvalidRequestException")
    });
    if !is_unrecognized {
        return error;
    }
    let (profile, region) = (session.profile, &session.region);
    let join = SetupCommand::new(Subcommand::Join).positional("START_URL");
    UserError {
        message: unrecognized(region, &profile.start_url),
        next: join.to(format!("correct the SSO session {}", profile.session)).into(),
        ..error
    }
}

/// Says that the URL and the Region of a portal do not fit.
pub(super) fn unrecognized(region: &RegionName, start_url: &str) -> String {
    format!(
        "Identity Center in {region} does not recognize {start_url}: {region} is the wrong Region, or the URL is wrong."
    )
}

/// Renews a token and saves it at once, because its refresh token is used up; `None` if the user has to sign in.
async fn renewed(session: &Session<'_>, token: &CachedToken) -> Result<Option<CachedToken>, UserError> {
    let at = PortalAddress {
        region: &session.region,
        start_url: &token.start_url,
    };
    let renewed = sso::refresh(session.clients, &at, token).await;
    let renewed = renewed.map_err(|aws_error| session.failed(&aws_error))?;
    if let Some(token) = &renewed {
        save_token(session, token)?;
    }
    Ok(renewed)
}

/// Writes the cache files that the AWS CLI and the SDKs read, unless the session has been removed while somebody signed in:
/// no undo would find its token. Holds the lock of the state file meanwhile, so that no run or undo is in between.
pub(super) async fn save_for_session(
    session: &Session<'_>,
    signed_in: &SignedIn,
    state: Option<&Path>,
) -> Result<(), UserError> {
    let _lock = locked(state).await?;
    let profile = session.profile;
    let config = match files::read(session.paths.config()) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        read => read.map_err(|error| session.error(format!("the AWS config file cannot be read: {error}.")))?,
    };
    let config = Config::parse(&config)
        .map_err(|error| session.error(format!("the AWS config file is no longer valid: {error}.")))?;
    let now = config.get(Section::SsoSession(&profile.session));
    if now.is_none_or(|now| now.get("sso_start_url") != Some(&profile.start_url)) {
        return Err(session.error(format!(
            "the SSO session {} was changed or removed while you signed in, so the sign-in was not saved.",
            profile.session
        )));
    }
    save(session, signed_in)
}

/// Writes a token to the file that the AWS CLI and the SDKs read.
pub(super) fn save_token(session: &Session<'_>, token: &CachedToken) -> Result<(), UserError> {
    write_cached(session, &session.token_path(), &aws_config_file::token_json(token))
}

/// Writes the token and the registration of a sign-in to the files that the AWS CLI and the SDKs read.
pub(super) fn save(session: &Session<'_>, signed_in: &SignedIn) -> Result<(), UserError> {
    let registration = aws_config_file::registration_json(&signed_in.registration);
    write_cached(session, &session.registration_path(), &registration)?;
    save_token(session, &signed_in.token)
}

fn write_cached(session: &Session<'_>, path: &Path, text: &str) -> Result<(), UserError> {
    aws_config_file::write_cache_file(path, text)
        .map_err(|error| session.error(format!("{} cannot be written: {error}.", path.display())))
}

/// Clients for sso-oidc and the portal, with the settings of the environment, and of a profile if there is one.
pub(super) async fn clients(
    environment: &Environment,
    profile: Option<&str>,
    region: &RegionName,
    sso_region: &RegionName,
) -> Result<Clients, UserError> {
    let settings = SdkSettings::load(environment, profile).await;
    let settings = settings.map_err(|invalid| invalid_setting(&invalid))?;
    let provider = connect::credentials(profile, region, &settings);
    let base = connect::sdk_config(profile, sso_region, &settings, provider).await;
    let clients = Clients::new(&base, ServerClock::default());
    match clients.refused_endpoint() {
        Some(refused) => Err(refused_endpoint(environment, &refused, profile)),
        None => Ok(clients),
    }
}

/// The AWS files in the home folder.
pub(super) fn home(environment: &Environment, again: SetupCommand) -> Result<Paths, UserError> {
    environment
        .aws_files()
        .ok_or_else(|| UserError::usage("There is no home folder.", again.after(format!("set {HOME}"))))
}

/// How long to wait for the sign-in.
pub(super) fn limit(cli: &Cli, again: SetupCommand) -> Result<Duration, UserError> {
    match &cli.flags.wait {
        Some(text) => duration(again, "--wait", text),
        None => Ok(LOGIN_WAIT),
    }
}

/// Returns the state file of the last run on this machine, or of `--state`.
pub(super) fn state_file(cli: &Cli, environment: &Environment) -> Option<PathBuf> {
    let folder = Folder::of(environment)?;
    cli.flags.state.clone().or_else(|| {
        let last = folder.last()?;
        Some(folder.state_file(&last.partition, &last.account))
    })
}

/// Takes the lock of a state file, and waits for a run that is about to end.
async fn lock(state: &Path) -> Result<Lock, UserError> {
    let end = Instant::now() + LOCK_LIMIT;
    loop {
        match Progress::lock(state) {
            Err(ProgressError::Locked(_)) if Instant::now() < end => tokio::time::sleep(HOLDER_PAUSE).await,
            other => return other.map_err(UserError::from),
        }
    }
}

async fn locked(state: Option<&Path>) -> Result<Option<Lock>, UserError> {
    match state {
        Some(state) => lock(state).await.map(Some),
        None => Ok(None),
    }
}

/// The error if nobody signed in within the time limit.
pub(super) fn nobody_signed_in(again: SetupCommand) -> UserError {
    UserError::new(
        UserErrorKind::Left,
        "Sign in: nobody signed in within the time limit.",
        again.value("--wait", "10m"),
    )
}
