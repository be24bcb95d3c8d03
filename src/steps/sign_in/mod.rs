//! Step 8: sign in, and see who that is through the profile alone.
//!
//! The credentials come from `ProfileFileCredentialsProvider`, never from the default chain, which prefers keys
//! in the environment: with root's keys there it would "verify" root.

mod browser;
mod device;
mod keep;
pub mod refusal;
pub mod session;

use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;

use super::access_portal::PORTAL;
use super::context::{Context, rerun};
use super::create_user::ACTIVATION;
use super::facts::{Profile, SignedIn};
use crate::answers::Key;
use crate::answers::values::AssignTo;
use crate::aws_cli::{SESSIONS_SINCE, Silence};
use crate::checklist::{
    Change, HumanTask, Importance, Observed, Plan, Prompter, Question, Slot, Status, Step, StepInfo, TaskKind,
    UserError,
};
use crate::next_step::{NextSteps, SetupCommand};
use crate::sso::{self};
use aws_config_file::Paths;
use refusal::Shown;
use session::{Answer, Identity, Session};

/// This step's line of the checklist.
pub const INFO: StepInfo = StepInfo {
    number: 8,
    slug: "sign-in",
    title: "Sign in and verify",
    importance: Importance::Required,
    why: "It proves the whole way: from the user to short-lived credentials in the account.",
    feeds_others: false,
    permissions: &[],
};

/// The evidence that holds the caller's ARN.
pub const SIGNED_IN_AS: &str = "signed_in_as";

/// Who is signed in, where that is the wrong one.
const SOMEBODY_ELSE: &str = "signed_in_as_other";

/// Step 8.
pub struct SignIn {
    context: Rc<Context>,
}

impl SignIn {
    /// A step that has not looked yet.
    pub fn new(context: Rc<Context>) -> Self {
        Self { context }
    }

    fn paths(&self) -> Result<&Paths, UserError> {
        self.context.paths.as_ref().ok_or_else(|| {
            UserError::failed(
                "Step 8 sign-in: there is no home folder.",
                "set HOME, then: idc-setup run",
            )
        })
    }

    /// The profile's SSO session.
    async fn session<'a>(&'a self, profile: &'a Profile) -> Result<Session<'a>, UserError> {
        let context = &self.context;
        Ok(Session {
            info: &INFO,
            again: again(),
            clients: &context.clients,
            registrar: &context.registrar,
            browser: &context.browser,
            use_device_code: context.use_device_code,
            timing: context.timing,
            paths: self.paths()?,
            profile,
            region: context.instance().await?.region,
            user: context.text(Key::Username),
        })
    }

    /// Checks account, permission set and user of who answered.
    async fn judge(&self, session: &Session<'_>, identity: &Identity) -> Result<Observed, UserError> {
        let profile = session.profile;
        let (context, caller) = (&self.context, &identity.caller);
        let account = context.account();
        let set = context.text(Key::PermissionSet);
        let Ok(user) = context.facts.user.get().await else {
            return Ok(Observed::waits_for("Waits for step 2."));
        };
        let (role, name) = role_and_session(&caller.arn);
        let is_role = role
            .strip_prefix(&format!("AWSReservedSSO_{set}_"))
            .is_some_and(|suffix| !suffix.is_empty() && suffix.chars().all(|c| c.is_ascii_hexdigit()));
        let again = "sign in as the right one: idc-setup run --only sign-in --wait 10m (in a private browser window, if \
                     you are signed in as somebody else)";
        if caller.account != account || !is_role {
            return Ok(Observed::different(
                format!(
                    "The profile {} is {}, not {set} in account {account}.",
                    profile.name, caller.arn
                ),
                again,
            )
            .with(SIGNED_IN_AS, &caller.arn));
        }
        if name != user.name {
            return Ok(Observed::different(
                format!(
                    "{name} signed in, not {}: that says nothing about {}.",
                    user.name, user.name
                ),
                again,
            )
            .with(SIGNED_IN_AS, &caller.arn)
            .with(SOMEBODY_ELSE, name));
        }
        let (shows, by_cli) = tokio::join!(
            self.portal_shows(profile, &account, &set),
            self.ask_aws_cli(profile, &caller.arn)
        );
        self.keep_proof(profile, &user.id, &user.name, shows?)?;
        let mut observed = Observed::done(format!("You are {}.", caller.arn))
            .with(SIGNED_IN_AS, &caller.arn)
            .with("account", &caller.account)
            .with("profile", &profile.name)
            .with("aws_cli", by_cli?);
        observed.resources = self.own(session)?;
        if let Some(at) = identity.ends_at {
            observed = observed.with("credentials_end", at.strftime("%Y-%m-%d %H:%M UTC").to_string());
        }
        Ok(observed)
    }

    /// The second opinion: who the AWS CLI is with the profile. What it says, where it is the same or cannot be asked.
    async fn ask_aws_cli(&self, profile: &Profile, arn: &str) -> Result<String, UserError> {
        let Some(cli) = self.context.aws_cli.get().await else {
            return Ok("not asked: none was found".to_owned());
        };
        let version = &cli.version_words;
        if cli.version < SESSIONS_SINCE {
            return Ok(format!("not asked: {version} does not know SSO sessions"));
        }
        let name = &profile.name;
        let why = match cli.caller_arn(name).await {
            Ok(same) if same == arn => return Ok(format!("{version} says the same")),
            Ok(other) => format!("it is {other}"),
            Err(Silence::NotRun(why)) => return Ok(format!("not asked: {version} could not be run ({why})")),
            Err(Silence::Refused(words)) => words,
        };
        Err(UserError::failed(
            format!(
                "Step 8 sign-in: with the profile {name} you are {arn}, and the AWS CLI {version} ({}) disagrees: {why}.",
                cli.path.display()
            ),
            format!("look at what it says: aws sts get-caller-identity --profile {name}; then: idc-setup run"),
        ))
    }

    /// Whether the portal itself lists the account and offers the permission set.
    async fn portal_shows(&self, profile: &Profile, account: &str, set: &str) -> Result<bool, UserError> {
        let context = &self.context;
        let Some(token) = aws_config_file::read_token(&self.paths()?.token(&profile.session)) else {
            return Ok(false);
        };
        let (accounts, roles) = tokio::join!(
            sso::sees_account(&context.clients, &token.region, &token.access_token, account),
            sso::roles_of(&context.clients, &token.region, &token.access_token, account)
        );
        let (accounts, roles) = (accounts.map_err(rerun(&INFO))?, roles.map_err(rerun(&INFO))?);
        Ok(accounts && roles.iter().any(|role| role == set))
    }

    fn keep_proof(&self, profile: &Profile, user_id: &str, user_name: &str, portal: bool) -> Result<(), UserError> {
        let context = &self.context;
        context.keep_word(ACTIVATION, user_id, true)?;
        if portal {
            context.keep_word(PORTAL, &profile.start_url, true)?;
        }
        context.facts.signed_in.know(SignedIn {
            user_name: user_name.to_owned(),
            portal_shows_access: portal,
        });
        Ok(())
    }

    async fn found(&self, session: &Session<'_>, answer: Answer) -> Result<Observed, UserError> {
        match answer {
            Answer::Caller(identity) => self.judge(session, &identity).await,
            Answer::SignInAgain(_) => Ok(Observed::missing("Nobody is signed in.")),
            Answer::NoAccess => Err(self.no_access(session).await?),
        }
    }

    /// Somebody has signed in, and the portal gives them nothing: why.
    async fn no_access(&self, session: &Session<'_>) -> Result<UserError, UserError> {
        let context = &self.context;
        let (account, set, user) = (
            context.account(),
            context.text(Key::PermissionSet),
            context.text(Key::Username),
        );
        let no_access = "the sign-in succeeded, and the portal answers ForbiddenException: No access";
        let (why, next) = match refusal::shown(session, &account, &set).await? {
            Shown::Everything => (
                refusal::STILL_SPREADING.to_owned(),
                "wait a minute, then: idc-setup run",
            ),
            Shown::OtherSets(offered) => (
                refusal::wrong_name(&account, &set, &offered),
                "look at the assignment: idc-setup status; then: idc-setup run",
            ),
            Shown::NoAccount if self.is_outside_the_group().await? => (
                format!(
                    "the user {user} is not in the group {} any more",
                    context.text(Key::Group)
                ),
                "idc-setup run (adds the user again)",
            ),
            Shown::NoAccount => (
                format!(
                    "the portal shows whoever signed in no account {account}: somebody else than {user} signed in, or the \
                     assignment has not reached the portal yet"
                ),
                "sign in as the right user, in a private browser window: idc-setup run --only sign-in --wait 10m",
            ),
        };
        Ok(UserError::failed(format!("Step 8 sign-in: {no_access}: {why}."), next))
    }

    /// Whether access comes through a group that the user is not in now.
    async fn is_outside_the_group(&self) -> Result<bool, UserError> {
        let context = &self.context;
        let by_group = context.answer::<AssignTo>(Key::AssignTo);
        if by_group.is_some_and(|to| to.value != AssignTo::Group) {
            return Ok(false);
        }
        let facts = &context.facts;
        let (Some(group), Some(user)) = (facts.group.now(), facts.user.now()) else {
            return Ok(false);
        };
        let instance = context.instance().await?;
        let is_member = context.is_member(&instance, &group.id, &user).await;
        is_member.map(|is_member| !is_member).map_err(rerun(&INFO))
    }
}

/// `AWSReservedSSO_X_hex` and `user` of `arn:aws:sts::1:assumed-role/AWSReservedSSO_X_hex/user`.
fn role_and_session(arn: &str) -> (&str, &str) {
    let rest = arn.split_once(":assumed-role/").map_or("", |(_, rest)| rest);
    rest.split_once('/').unwrap_or((rest, ""))
}

#[async_trait(?Send)]
impl Step for SignIn {
    fn info(&self) -> &'static StepInfo {
        &INFO
    }

    async fn look(&self) -> Result<Observed, UserError> {
        let facts = &self.context.facts;
        let Ok(profile) = facts.profile.get().await else {
            return Ok(Observed::waits_for("Waits for step 7."));
        };
        if facts.instance.get().await.is_err() {
            return Ok(Observed::waits_for("Waits for step 1."));
        }
        let session = self.session(&profile).await?;
        let mut answer = if session.is_usable() {
            session.ask_through().await?
        } else {
            Answer::SignInAgain(None)
        };
        if matches!(answer, Answer::Caller(_)) {
            return self.found(&session, answer).await;
        }
        if facts.assignment.get().await.is_err() {
            return Ok(Observed::waits_for("Waits for step 5."));
        }
        if matches!(answer, Answer::NoAccess) {
            // The assignment may have been made since: the sign-in itself is still good.
            answer = session.ask_through().await?;
        }
        match answer {
            Answer::Caller(_) => self.found(&session, answer).await,
            Answer::NoAccess => Ok(Observed::missing("Whoever is signed in has no access to the account.")),
            Answer::SignInAgain(_) => Ok(Observed::missing("Nobody is signed in.")),
        }
    }

    fn questions(&self, _finding: &Observed) -> Vec<Question> {
        Vec::new()
    }

    fn plan(&self, observed: &Observed) -> Result<Plan, UserError> {
        let mut plan = Plan::default();
        let somebody_else = observed.evidence.contains_key(SOMEBODY_ELSE);
        if observed.status == Status::Missing || somebody_else {
            plan.tasks.push(HumanTask {
                sentence: format!("Sign in as {}.", self.context.text(Key::Username)),
                link: None,
                code: None,
                clicks: String::new(),
                command: Some(again()),
                alternatives: NextSteps::default(),
                details: vec!["A page opens in any browser, on any device; it shows a code to compare.".to_owned()],
                kind: TaskKind::Own,
            });
        }
        Ok(plan)
    }

    async fn apply(&self, _change: &Change, _guide: &dyn Prompter) -> Result<(), UserError> {
        Ok(())
    }

    async fn attend(
        &self,
        _task: &HumanTask,
        limit: Duration,
        prompter: &dyn Prompter,
    ) -> Result<Option<Observed>, UserError> {
        let profile = self
            .context
            .facts
            .profile
            .get()
            .await
            .map_err(|why| UserError::failed(why, "idc-setup run"))?;
        let session = self.session(&profile).await?;
        let Some(signed_in) = session.sign_in(limit, prompter).await? else {
            return Ok(None);
        };
        self.keep(&session, &signed_in)?;
        let answer = session.ask_patiently().await?;
        self.found(&session, answer).await.map(Some)
    }

    fn provides(&self) -> Vec<&dyn Slot> {
        vec![&self.context.facts.signed_in]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_role_and_user_are_read_from_the_arn() {
        let arn = "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_AdministratorAccess_0123456789abcdef/Admin";
        assert_eq!(
            role_and_session(arn),
            ("AWSReservedSSO_AdministratorAccess_0123456789abcdef", "Admin")
        );
        assert_eq!(role_and_session("arn:aws:iam::123456789012:root"), ("", ""));
    }
}

/// The command that signs in again.
fn again() -> SetupCommand {
    SetupCommand::run().value("--only", INFO.slug).value("--wait", "10m")
}
