//! Step 8: signs in and checks the caller identity, with the profile only.
//!
//! The credentials come from `ProfileFileCredentialsProvider`, never from the default chain, which prefers keys
//! in the environment: with root user keys there, the step would verify the root user instead.

mod browser;
mod device;
mod keep;
pub mod refusal;
pub mod session;

use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use refusal::Shown;
use session::{Answer, Identity, Session};

use super::access_portal::PORTAL;
use super::context::WizardContext;
use super::create_user::ACTIVATION;
use super::facts::{Profile, SignedIn};
use crate::answers::Key;
use crate::answers::values::AssignTo;
use crate::aws_cli::{CliError, SESSIONS_SINCE};
use crate::environment::HOME;
use crate::ids::MembershipKey;
use crate::next_step::{NextStep, NextSteps, SetupCommand};
use crate::progress::{Origin, ResourceKind};
use crate::reconcile::plan::{Address, Node};
use crate::reconcile::{Importance, Slot, Snapshot, StepInfo, rerun};
use crate::resources::item::{ItemField, ItemState};
use crate::resources::membership;
use crate::sso;
use crate::user_error::UserError;
use crate::wizard::{HumanTask, Observed, Prompter, Status, Step, StepPlan, TaskKind};
use aws_config_file::Paths;

/// This step's line of the checklist.
pub const INFO: StepInfo = StepInfo {
    number: 8,
    slug: "sign-in",
    short: "Sign in",
    title: "Sign in and verify",
    importance: Importance::Required,
    why: "It verifies the whole setup, from the user to temporary credentials in the account.",
    feeds_others: false,
    permissions: &[],
};

/// Step 8.
pub struct SignIn {
    context: Rc<WizardContext>,
}

impl SignIn {
    /// Creates the step; nothing is checked yet.
    pub fn new(context: Rc<WizardContext>) -> Self {
        Self { context }
    }

    fn paths(&self) -> Result<&Paths, UserError> {
        self.context.paths.as_ref().ok_or_else(|| {
            UserError::failed(
                format!("{}: there is no home folder.", INFO.name()),
                SetupCommand::again().after(format!("set {HOME}")),
            )
        })
    }

    /// The SSO session of the profile.
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
            region: context.known_instance().await?.region,
            user: context.text(Key::Username),
            help: self.help(),
        })
    }

    /// What to do if the user cannot sign in. A user that this program created has just set a password.
    fn help(&self) -> Option<String> {
        let context = &self.context;
        let name = context.text(Key::Username);
        if context.is_external() {
            return Some(format!("{name} signs in with the password of your identity provider."));
        }
        let user = context.facts.user.now()?;
        let is_created = context.progress.read(|record| {
            let origin = record.origin(ResourceKind::User, &user.id.clone().into());
            origin == Some(Origin::Created)
        });
        (!is_created).then(|| {
            format!(
                "Only if {name} has no password yet: console → IAM Identity Center → Users → {name} → Reset password."
            )
        })
    }

    /// Checks the account, the permission set and the user of the caller.
    async fn judge(&self, session: &Session<'_>, identity: &Identity) -> Result<Observed, UserError> {
        let profile = session.profile;
        let (context, caller) = (&self.context, &identity.caller);
        let account = context.account();
        let set = context.text(Key::PermissionSet);
        let Ok(user) = context.facts.user.get().await else {
            return Ok(Observed::waits_for("Waits for step 2."));
        };
        let (role, name) = crate::ids::assumed_role(&caller.arn).unwrap_or_default();
        let is_role = role
            .strip_prefix(&format!("AWSReservedSSO_{set}_"))
            .is_some_and(|suffix| !suffix.is_empty() && suffix.chars().all(|c| c.is_ascii_hexdigit()));
        let next =
            again().to("sign in as the right user, in a private browser window if you are signed in as another user");
        if caller.account != account || !is_role {
            return Ok(Observed::different(
                format!(
                    "The profile {} signs in as {}, not as {set} in account {account}.",
                    profile.name, caller.arn
                ),
                next,
            )
            .with(|evidence| evidence.signed_in_as = Some(caller.arn.clone())));
        }
        if name != user.name {
            return Ok(Observed::different(
                format!(
                    "{name} signed in, not {}; this does not verify the access of {}.",
                    user.name, user.name
                ),
                next,
            )
            .with(|evidence| {
                evidence.signed_in_as = Some(caller.arn.clone());
                evidence.signed_in_as_other = Some(name.to_owned());
            }));
        }
        let (shows, by_cli) = tokio::join!(
            self.portal_shows(profile, &account, &set),
            self.ask_aws_cli(profile, &caller.arn)
        );
        self.keep_proof(profile, &user.id, &user.name, shows?)?;
        let by_cli = by_cli?;
        let mut observed = Observed::done(format!("Signed in as {}.", caller.arn)).with(|evidence| {
            evidence.signed_in_as = Some(caller.arn.clone());
            evidence.account = Some(caller.account.clone());
            evidence.profile = Some(profile.name.clone());
            evidence.aws_cli = Some(by_cli);
            evidence.credentials_end = identity.ends_at;
        });
        observed.resources = self.own(session)?;
        Ok(observed)
    }

    /// Checks the caller identity with the AWS CLI too. Returns the result for the evidence, if the AWS CLI agrees or
    /// cannot be run.
    async fn ask_aws_cli(&self, profile: &Profile, arn: &str) -> Result<String, UserError> {
        let Some(cli) = self.context.aws_cli.get().await else {
            return Ok("not checked: no AWS CLI was found".to_owned());
        };
        let version = &cli.full_version;
        if cli.version < SESSIONS_SINCE {
            return Ok(format!("not checked: {version} does not support SSO sessions"));
        }
        let name = &profile.name;
        let why = match cli.caller_arn(name).await {
            Ok(same) if same == arn => return Ok(format!("{version} returns the same caller")),
            Ok(other) => format!("it returns {other}"),
            Err(CliError::NotRun(why)) => return Ok(format!("not checked: {version} could not be run ({why})")),
            Err(CliError::Refused(message)) => message,
        };
        Err(UserError::failed(
            format!(
                "{}: with the profile {name} you are {arn}, but the AWS CLI {version} ({}) disagrees: \
                 {why}.",
                INFO.name(),
                cli.path.display()
            ),
            NextStep::other(
                "check the output of the AWS CLI",
                ["aws", "sts", "get-caller-identity", "--profile", name],
            )
            .then(SetupCommand::again()),
        ))
    }

    /// Whether the portal itself offers the permission set in the account.
    async fn portal_shows(&self, profile: &Profile, account: &str, set: &str) -> Result<bool, UserError> {
        let context = &self.context;
        let region = context.known_instance().await?.region;
        let Some(token) = aws_config_file::read_token(&self.paths()?.token(&profile.session)) else {
            return Ok(false);
        };
        let roles = sso::roles_of(&context.clients, &region, &token.access_token, account).await;
        Ok(roles.map_err(rerun(&INFO))?.iter().any(|role| role == set))
    }

    fn keep_proof(&self, profile: &Profile, user_id: &str, user_name: &str, portal: bool) -> Result<(), UserError> {
        let context = &self.context;
        context.keep_word(ACTIVATION, user_id, true)?;
        if portal {
            context.keep_word(PORTAL, &profile.start_url, true)?;
        }
        context.facts.signed_in.set(SignedIn {
            user_name: user_name.to_owned(),
            portal_shows_access: portal,
        });
        Ok(())
    }

    async fn observe(&self, session: &Session<'_>, answer: Answer) -> Result<Observed, UserError> {
        match answer {
            Answer::Caller(identity) => self.judge(session, &identity).await,
            Answer::SignInAgain(_) => Ok(Observed::missing("Nobody is signed in.")),
            Answer::NoAccess => Err(self.no_access(session).await?),
        }
    }

    /// Why the portal gives the signed-in user no credentials.
    async fn no_access(&self, session: &Session<'_>) -> Result<UserError, UserError> {
        let context = &self.context;
        let (account, set, user) = (
            context.account(),
            context.text(Key::PermissionSet),
            context.text(Key::Username),
        );
        let no_access = "the sign-in succeeded, but the access portal returned ForbiddenException: No access";
        let (why, next): (_, NextStep) = match refusal::shown(session, &account, &set).await? {
            Shown::Everything => (
                refusal::STILL_PROPAGATING.to_owned(),
                SetupCommand::again().after("wait a minute"),
            ),
            Shown::OtherSets(offered) => (
                refusal::wrong_name(&account, &set, &offered),
                SetupCommand::status()
                    .to("check the assignment")
                    .then(SetupCommand::again()),
            ),
            Shown::NoAccount if self.is_outside_the_group().await? => (
                format!("the user {user} is no longer in the group {}", context.text(Key::Group)),
                SetupCommand::run().to("add the user again"),
            ),
            Shown::NoAccount => (
                format!(
                    "the portal does not show account {account} to the signed-in user: another user than {user} signed \
                     in, or the assignment has not reached the portal yet"
                ),
                again().to("sign in as the right user, in a private browser window"),
            ),
        };
        Ok(UserError::failed(format!("{}: {no_access}: {why}.", INFO.name()), next))
    }

    /// Whether access is assigned to a group that the user is no longer a member of.
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
        let instance = context.known_instance().await?;
        let key = MembershipKey {
            group: group.id,
            user: user.id,
        };
        let is_member = membership::exists(context, &instance, &key).await;
        is_member.map(|is_member| !is_member).map_err(rerun(&INFO))
    }
}

impl SignIn {
    /// Checks the sign-in and the caller identity.
    async fn check(&self) -> Result<Observed, UserError> {
        let facts = &self.context.facts;
        let Ok(profile) = facts.profile.get().await else {
            return Ok(Observed::waits_for("Waits for step 7."));
        };
        if self.context.instance.get().await.is_err() {
            return Ok(Observed::waits_for("Waits for step 1."));
        }
        let session = self.session(&profile).await?;
        let mut answer = if session.is_usable() {
            session.identify().await?
        } else {
            Answer::SignInAgain(None)
        };
        if matches!(answer, Answer::Caller(_)) {
            return self.observe(&session, answer).await;
        }
        if facts.assignment.get().await.is_err() {
            return Ok(Observed::waits_for("Waits for step 5."));
        }
        if facts.user.get().await.is_err() {
            return Ok(Observed::waits_for("Waits for step 2."));
        }
        if self.context.is_for_group() && facts.membership.get().await.is_err() {
            return Ok(Observed::waits_for("Waits for step 3."));
        }
        if matches!(answer, Answer::NoAccess) {
            // The assignment may have been created since; the sign-in itself is still valid.
            answer = session.identify().await?;
        }
        match answer {
            Answer::Caller(_) => self.observe(&session, answer).await,
            Answer::NoAccess => Ok(Observed::missing("The signed-in user has no access to the account.")),
            Answer::SignInAgain(_) => Ok(Observed::missing("Nobody is signed in.")),
        }
    }

    /// Records whether someone has to sign in, for the plan: nobody is signed in, or another user.
    fn record(&self, observed: &Observed) {
        let is_other_user = observed.evidence.signed_in_as_other.is_some();
        let is_open = observed.status == Status::Missing || is_other_user;
        let address = Address::new(ResourceKind::Token, self.context.text(Key::CliProfile));
        self.context
            .snapshot
            .set(address, (!is_open).then_some(ItemState::Exists));
    }
}

/// The command that signs in again.
fn again() -> SetupCommand {
    SetupCommand::run().value("--only", INFO.slug).value("--wait", "10m")
}

#[async_trait(?Send)]
impl Step for SignIn {
    fn info(&self) -> &'static StepInfo {
        &INFO
    }

    async fn look(&self) -> Result<Observed, UserError> {
        self.check().await.inspect(|observed| self.record(observed))
    }

    fn covers(&self, address: &Address) -> bool {
        address.kind() == Some(ResourceKind::Token)
    }

    fn nodes(&self) -> Vec<Node<ItemField>> {
        self.context.planned()
    }

    fn snapshot(&self) -> &Snapshot<ItemState> {
        &self.context.snapshot
    }

    fn present(&self, _node: &Node<ItemField>, _observed: &Observed, plan: &mut StepPlan) -> Result<(), UserError> {
        plan.tasks.push(HumanTask {
            sentence: format!("Sign in as {}.", self.context.text(Key::Username)),
            brief: "sign in once",
            link: None,
            code: None,
            path: String::new(),
            choices: Vec::new(),
            command: Some(again()),
            alternatives: NextSteps::default(),
            afterward: None,
            help: Vec::new(),
            details: vec![
                "Open the page in any browser, on any device, and compare the code that it shows.".to_owned(),
            ],
            kind: TaskKind::Own,
            proof: None,
        });
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
            .map_err(|why| UserError::failed(why, SetupCommand::again()))?;
        let session = self.session(&profile).await?;
        let Some(signed_in) = session.sign_in(limit, prompter).await? else {
            return Ok(None);
        };
        self.keep(&session, &signed_in)?;
        let answer = session.identify_with_retries().await?;
        let observed = self.observe(&session, answer).await?;
        self.record(&observed);
        Ok(Some(observed))
    }

    fn provides(&self) -> Vec<&dyn Slot> {
        vec![&self.context.facts.signed_in]
    }
}
