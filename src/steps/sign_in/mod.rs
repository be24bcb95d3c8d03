//! Step 8: sign in, and see who that is through the profile alone.
//!
//! The credentials come from `ProfileFileCredentialsProvider`, never from the default chain, which prefers keys
//! in the environment: with root's keys there it would "verify" root.

mod browser;
mod device;

use std::error::Error;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use jiff::Timestamp;
use tokio::time::Instant;

use super::access_portal::PORTAL;
use super::create_user::ACTIVATION;
use super::facts::{Profile, SignedIn};
use super::setting::{Setting, rerun};
use crate::answers::Key;
use crate::aws::connect::{self, Caller};
use crate::aws::failure::innermost;
use crate::aws::retry::SPREAD_LIMIT;
use crate::aws::{Clients, Failure};
use crate::aws_files::{self, Paths};
use crate::checklist::{
    Change, Finding, Found, Guide, HumanTask, Need, Plan, Question, Slot, Step, StepInfo, TaskKind, Trouble,
};
use crate::files;
use crate::progress::{How, Resource, ResourceKind, Verb};
use crate::sso::{self};

/// This step's line of the checklist.
pub const INFO: StepInfo = StepInfo {
    number: 8,
    slug: "sign-in",
    title: "Sign in and verify",
    need: Need::Required,
    why: "It proves the whole way: from the user to short-lived credentials in the account.",
    feeds_others: false,
    rights: &[],
};

/// The evidence that holds the caller's ARN.
pub const CALLER: &str = "caller";

/// Who is signed in, where that is the wrong one.
const SOMEBODY_ELSE: &str = "signed-in-as";

/// What asking through the profile brings.
enum Answer {
    Caller(Caller),
    /// The token is worth nothing: somebody has to sign in.
    SignInAgain,
    /// The portal says `No access`.
    NoAccess,
}

/// Step 8.
pub struct SignIn {
    setting: Rc<Setting>,
}

impl SignIn {
    /// A step that has not looked yet.
    pub fn new(setting: Rc<Setting>) -> Self {
        Self { setting }
    }

    fn paths(&self) -> Result<&Paths, Trouble> {
        self.setting.paths.as_ref().ok_or_else(|| {
            Trouble::failed(
                "Step 8 sign-in: there is no home folder.",
                "set HOME, then: idc-setup run",
            )
        })
    }

    /// Credentials through the profile alone, and whose they are.
    async fn ask_through(&self, profile: &Profile) -> Result<Answer, Trouble> {
        let provider = connect::credentials(Some(&profile.name), &profile.region).await;
        let credentials = match provider.provide_credentials().await {
            Ok(credentials) => SharedCredentialsProvider::new(credentials),
            Err(error) => return self.refused(profile, &error),
        };
        let base = connect::sdk_config(Some(&profile.name), &profile.region, credentials).await;
        let clients = Clients::new(&base, self.setting.clients.clock().clone());
        let answer = clients.sts(&profile.region).get_caller_identity().send().await;
        let answer = answer.map_err(|error| rerun(&INFO)(Failure::of("sts:GetCallerIdentity", error)))?;
        Ok(Answer::Caller(Caller {
            account: answer.account.unwrap_or_default(),
            arn: answer.arn.unwrap_or_default(),
        }))
    }

    /// What it means that the profile gives no credentials.
    fn refused(&self, profile: &Profile, error: &(dyn Error + 'static)) -> Result<Answer, Trouble> {
        match refusal_code(error).as_deref() {
            Some("ForbiddenException") => Ok(Answer::NoAccess),
            Some("UnauthorizedException" | "InvalidGrantException" | "ExpiredTokenException") => {
                Ok(Answer::SignInAgain)
            }
            None if self.has_no_valid_token(profile) => Ok(Answer::SignInAgain),
            _ => Err(profile_trouble(&innermost(error))),
        }
    }

    fn has_no_valid_token(&self, profile: &Profile) -> bool {
        let path = self.setting.paths.as_ref().map(|paths| paths.token(&profile.session));
        let token = path.and_then(|path| aws_files::read_token(&path));
        token.is_none_or(|token| !token.is_valid(Timestamp::now()))
    }

    /// Checks account, permission set and user of who answered.
    async fn judge(&self, profile: &Profile, caller: &Caller) -> Result<Finding, Trouble> {
        let setting = &self.setting;
        let account = setting.account();
        let set = setting.text(Key::PermissionSet);
        let Ok(user) = setting.facts.user.get().await else {
            return Ok(Finding::waits_for("Waits for step 2."));
        };
        let (role, name) = role_and_session(&caller.arn);
        let is_role = role
            .strip_prefix(&format!("AWSReservedSSO_{set}_"))
            .is_some_and(|suffix| !suffix.is_empty() && suffix.chars().all(|c| c.is_ascii_hexdigit()));
        let again = "sign in as the right one: idc-setup run --only sign-in --wait 10m (in a private browser window, if \
                     you are signed in as somebody else)";
        if caller.account != account || !is_role {
            return Ok(Finding::different(
                format!(
                    "The profile {} is {}, not {set} in account {account}.",
                    profile.name, caller.arn
                ),
                again,
            )
            .with(CALLER, &caller.arn));
        }
        if name != user.name {
            return Ok(Finding::different(
                format!(
                    "{name} signed in, not {}: that says nothing about {}.",
                    user.name, user.name
                ),
                again,
            )
            .with(CALLER, &caller.arn)
            .with(SOMEBODY_ELSE, name));
        }
        let shows = self.portal_shows(profile, &account, &set).await?;
        self.keep_proof(profile, &user.id, &user.name, shows)?;
        Ok(Finding::done(format!("You are {}.", caller.arn))
            .with(CALLER, &caller.arn)
            .with("account", &caller.account)
            .with("profile", &profile.name)
            .of(self.own_token(profile)?))
    }

    /// Whose the cached token is: as written down, or ours when it is just what an open intent was to write.
    fn own_token(&self, profile: &Profile) -> Result<Resource, Trouble> {
        let (setting, kind) = (&self.setting, ResourceKind::Token);
        let path = self.paths()?.token(&profile.session);
        let mut resource = setting.resource(kind, &profile.session, &path.display().to_string());
        let intents = setting.open_intents(kind, &profile.session);
        if !intents.is_empty() {
            let digest = std::fs::read(&path).ok().map(|content| files::digest(&content));
            if intents.iter().any(|intent| intent.mark == digest) {
                resource.how = How::Made;
            }
        }
        setting.settle(Verb::Create, kind, &profile.session, Some(resource.clone()))?;
        Ok(resource)
    }

    /// Whether the portal itself lists the account and offers the permission set.
    async fn portal_shows(&self, profile: &Profile, account: &str, set: &str) -> Result<bool, Trouble> {
        let setting = &self.setting;
        let Some(token) = aws_files::read_token(&self.paths()?.token(&profile.session)) else {
            return Ok(false);
        };
        let (accounts, roles) = tokio::join!(
            sso::sees_account(&setting.clients, &token.region, &token.access_token, account),
            sso::roles_of(&setting.clients, &token.region, &token.access_token, account)
        );
        let (accounts, roles) = (accounts.map_err(rerun(&INFO))?, roles.map_err(rerun(&INFO))?);
        Ok(accounts && roles.iter().any(|role| role == set))
    }

    fn keep_proof(&self, profile: &Profile, user_id: &str, user_name: &str, portal: bool) -> Result<(), Trouble> {
        let setting = &self.setting;
        setting.keep_word(ACTIVATION, user_id, true)?;
        if portal {
            setting.keep_word(PORTAL, &profile.start_url, true)?;
        }
        setting.facts.signed_in.know(SignedIn {
            user_name: user_name.to_owned(),
            portal_shows_access: portal,
        });
        Ok(())
    }

    /// Asks through the profile; a fresh assignment may need a moment to reach the portal.
    async fn ask_patiently(&self, profile: &Profile) -> Result<Answer, Trouble> {
        let end = Instant::now() + SPREAD_LIMIT;
        for n in 0.. {
            match self.ask_through(profile).await? {
                Answer::NoAccess if Instant::now() < end => {
                    tokio::time::sleep(self.setting.pace.pause(n)).await;
                }
                other => return Ok(other),
            }
        }
        Ok(Answer::NoAccess)
    }

    async fn found(&self, profile: &Profile, answer: Answer) -> Result<Finding, Trouble> {
        match answer {
            Answer::Caller(caller) => self.judge(profile, &caller).await,
            Answer::SignInAgain => Ok(Finding::missing("Nobody is signed in.")),
            Answer::NoAccess => Err(Trouble::failed(
                format!(
                    "Step 8 sign-in: the portal gives whoever signed in no access to {} in account {} (ForbiddenException: \
                     No access).",
                    self.setting.text(Key::PermissionSet),
                    self.setting.account()
                ),
                "look at the assignment: idc-setup status; sign in as the right user: idc-setup run --only sign-in --wait 10m",
            )),
        }
    }
}

/// The error code of the portal or of sso-oidc, somewhere in a chain of errors.
fn refusal_code(error: &(dyn Error + 'static)) -> Option<String> {
    use aws_sdk_sso::operation::get_role_credentials::GetRoleCredentialsError;
    use aws_sdk_ssooidc::operation::create_token::CreateTokenError;
    std::iter::successors(Some(error), |&error| error.source()).find_map(|error| {
        let portal = error
            .downcast_ref::<GetRoleCredentialsError>()
            .and_then(ProvideErrorMetadata::code);
        let oidc = error
            .downcast_ref::<CreateTokenError>()
            .and_then(ProvideErrorMetadata::code);
        portal.or(oidc).map(str::to_owned)
    })
}

fn profile_trouble(why: &str) -> Trouble {
    Trouble::failed(
        format!(
            "Step 8 sign-in: no credentials through the profile: {}.",
            why.trim_end_matches('.')
        ),
        "idc-setup run --only sign-in --wait 10m",
    )
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

    async fn look(&self) -> Result<Finding, Trouble> {
        let facts = &self.setting.facts;
        let Ok(profile) = facts.profile.get().await else {
            return Ok(Finding::waits_for("Waits for step 7."));
        };
        let token = aws_files::read_token(&self.paths()?.token(&profile.session));
        let now = Timestamp::now();
        let usable = token.is_some_and(|token| token.is_valid(now) || token.is_refreshable(now));
        let mut answer = if usable {
            self.ask_through(&profile).await?
        } else {
            Answer::SignInAgain
        };
        if matches!(answer, Answer::Caller(_)) {
            return self.found(&profile, answer).await;
        }
        if facts.assignment.get().await.is_err() {
            return Ok(Finding::waits_for("Waits for step 5."));
        }
        if matches!(answer, Answer::NoAccess) {
            // The assignment may have been made since: the sign-in itself is still good.
            answer = self.ask_through(&profile).await?;
        }
        match answer {
            Answer::Caller(_) => self.found(&profile, answer).await,
            Answer::NoAccess => Ok(Finding::missing("Whoever is signed in has no access to the account.")),
            Answer::SignInAgain => Ok(Finding::missing("Nobody is signed in.")),
        }
    }

    fn questions(&self, _finding: &Finding) -> Vec<Question> {
        Vec::new()
    }

    fn plan(&self, finding: &Finding) -> Result<Plan, Trouble> {
        let mut plan = Plan::default();
        let somebody_else = finding.evidence.contains_key(SOMEBODY_ELSE);
        if finding.found == Found::Missing || somebody_else {
            plan.tasks.push(HumanTask {
                sentence: format!("Sign in as {}.", self.setting.text(Key::Username)),
                link: None,
                clicks: "idc-setup run --only sign-in --wait 10m".to_owned(),
                details: vec!["A page opens in any browser, on any device; it shows a code to compare.".to_owned()],
                kind: TaskKind::Own,
            });
        }
        Ok(plan)
    }

    async fn apply(&self, _change: &Change, _guide: &dyn Guide) -> Result<(), Trouble> {
        Ok(())
    }

    async fn attend(&self, _task: &HumanTask, limit: Duration, guide: &dyn Guide) -> Result<Option<Finding>, Trouble> {
        let profile = self
            .setting
            .facts
            .profile
            .get()
            .await
            .map_err(|why| Trouble::failed(why, "idc-setup run"))?;
        let signed_in = if self.has_browser(guide) {
            self.sign_in_with_browser(&profile, limit, guide).await?
        } else {
            self.sign_in_with_code(&profile, limit, guide).await?
        };
        if signed_in.is_none() {
            return Ok(None);
        }
        let answer = self.ask_patiently(&profile).await?;
        self.found(&profile, answer).await.map(Some)
    }

    fn provides(&self) -> Vec<&dyn Slot> {
        vec![&self.setting.facts.signed_in]
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
