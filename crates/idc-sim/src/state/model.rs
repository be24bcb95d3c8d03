//! What a cloud is made of: plain values, as a cloud file has them too.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// How long things take in this cloud.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(default)]
pub struct Timing {
    /// From **Enable** to an active instance.
    pub enabling: Duration,
    /// To update one role in one account.
    pub provisioning: Duration,
    /// Until a person has done what was asked.
    pub person: Duration,
    /// Until a write is visible to every read.
    pub propagation: Duration,
    /// Instead of the time that provisioning takes: how often it is told to be under way before it ends, however slowly
    /// somebody asks.
    pub polls: Option<u32>,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            enabling: Duration::from_millis(300),
            provisioning: Duration::from_millis(150),
            person: Duration::from_millis(400),
            propagation: Duration::ZERO,
            polls: None,
        }
    }
}

/// An account of the organization, or the only one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Account {
    /// Twelve digits.
    pub id: String,
    /// As the portal shows it.
    pub name: String,
    /// The root user's address.
    pub email: String,
}

/// The plan of a new account, as `freetier:GetAccountPlanState` tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Plan {
    /// Credits that end when an organization is made.
    Free,
    /// The ordinary plan.
    Paid,
}

/// A request for a new account of the organization.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccountRequest {
    /// `car-…`.
    pub id: String,
    /// When it was asked for.
    pub created: Timestamp,
    /// When the account is there.
    pub due: Timestamp,
    /// The account it makes; `None` when the address is taken.
    pub account: Option<Account>,
    /// The name that was asked for.
    pub name: String,
}

/// An organization of AWS Organizations.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Organization {
    /// `o-…`.
    pub id: String,
    /// The management account's id.
    pub management_account: String,
    /// `ALL`, or `CONSOLIDATED_BILLING`.
    pub feature_set: String,
    /// When it was made; scenarios do not say it of one that they come with.
    #[serde(default)]
    pub created: Option<Timestamp>,
}

/// An instance of IAM Identity Center with its identity store.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Instance {
    /// `arn:aws:sso:::instance/ssoins-…`.
    pub arn: String,
    /// Where it was enabled.
    pub region: String,
    /// The account that owns it.
    pub owner: String,
    /// When it was enabled.
    pub created: Timestamp,
    /// When it becomes, or became, `ACTIVE`.
    pub active_at: Timestamp,
    /// Whether permission sets are on; off is possible since August 2026.
    pub permission_sets_enabled: bool,
    /// Settings → Authentication → *Send email OTP*.
    #[serde(default)]
    pub email_otp: bool,
    /// Its name, if it was given one.
    #[serde(default)]
    pub name: Option<String>,
    /// At most 75.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Its identity store.
    pub store: IdentityStore,
}

impl Instance {
    /// `ssoins-…`.
    pub fn id(&self) -> &str {
        self.arn.rsplit('/').next().unwrap_or_default()
    }

    /// The addresses under which its access portal answers.
    pub fn start_urls(&self) -> [String; 5] {
        let (store, id, region) = (&self.store.id, self.id(), &self.region);
        [
            format!("https://{store}.awsapps.com/start"),
            format!("https://start.us-gov-home.awsapps.com/directory/{store}"),
            format!("https://start.home.awsapps.cn/directory/{store}"),
            format!("https://{id}.portal.{region}.app.aws"),
            format!("https://{id}.{region}.portal.amazonaws.com"),
        ]
    }
}

/// Users, groups and memberships of one instance.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct IdentityStore {
    /// `d-…`.
    pub id: String,
    /// By user id.
    pub users: BTreeMap<String, User>,
    /// By group id.
    pub groups: BTreeMap<String, Group>,
    /// By membership id.
    pub memberships: BTreeMap<String, Membership>,
    /// Ids by user name, as far as they have been looked up; checked against `users` whenever it is used.
    #[serde(skip)]
    pub known_names: HashMap<String, String>,
}

impl IdentityStore {
    /// The id of the user with this name.
    pub fn id_of(&mut self, name: &str) -> Option<String> {
        let is_called = |id: &String| self.users.get(id).is_some_and(|user| user.name() == name);
        if let Some(id) = self.known_names.get(name).filter(|id| is_called(id)) {
            return Some(id.clone());
        }
        if self.known_names.len() < self.users.len() {
            let names = self.users.iter().map(|(id, user)| (user.name().to_owned(), id.clone()));
            self.known_names = names.collect();
            return self.known_names.get(name).cloned();
        }
        self.users
            .iter()
            .find(|(_, user)| user.name() == name)
            .map(|(id, _)| id.clone())
    }
}

/// When and by whom something was written.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stamp {
    /// The server's clock.
    pub at: Timestamp,
    /// ARN of the caller.
    pub by: String,
}

/// A user of the directory.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct User {
    /// The members of `CreateUser` as they were given (`UserName`, `Name`, `Emails`, …).
    pub attributes: Map<String, Value>,
    /// Creation.
    pub created: Stamp,
    /// Whether the person has set a password and can sign in.
    pub activated: bool,
    /// What the rehearsal's pages know of it.
    #[serde(default)]
    pub sign_in: SignIn,
}

/// How far a user has come with a password, on the rehearsal's pages.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SignIn {
    /// SHA-256 of the password, in base64url.
    pub password: Option<String>,
    /// It is a one-time password.
    pub must_change: bool,
    /// The code that was mailed for the first sign-in.
    pub code: Option<String>,
    /// Lets its holder set a password until then.
    pub invitation: Option<(String, Timestamp)>,
}

/// A mail that the simulated services have sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Mail {
    /// The user's address.
    pub to: String,
    /// The service's address.
    pub from: String,
    /// In one line.
    pub subject: String,
    /// What it says.
    pub text: String,
    /// The link in it.
    #[serde(default)]
    pub link: Option<String>,
}

impl User {
    /// The user name, empty when the cloud forgot one.
    pub fn name(&self) -> &str {
        self.attributes
            .get("UserName")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// The one e-mail address.
    pub fn email(&self) -> Option<&str> {
        self.attributes.get("Emails")?.get(0)?.get("Value")?.as_str()
    }
}

/// A group of the directory.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Group {
    /// Its name, unique in the store.
    pub display_name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Creation.
    pub created: Stamp,
}

/// A user in a group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Membership {
    /// The group's id.
    pub group: String,
    /// The user's id.
    pub user: String,
    /// Creation.
    pub created: Stamp,
}

/// A permission set.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PermissionSet {
    /// `arn:aws:sso:::permissionSet/ssoins-…/ps-…`.
    pub arn: String,
    /// Unique in the instance, 1 to 32 characters.
    pub name: String,
    /// Shown in the console.
    pub description: Option<String>,
    /// ISO 8601, `PT1H` when not given.
    pub session_duration: String,
    /// Where the console opens.
    pub relay_state: Option<String>,
    /// Creation.
    pub created: Timestamp,
    /// At most 75.
    pub tags: BTreeMap<String, String>,
    /// AWS managed policies by ARN, in the order they were attached.
    pub managed_policies: Vec<String>,
    /// A policy document of its own.
    #[serde(default)]
    pub inline_policy: Option<String>,
    /// References to policies in the accounts, as the API has them (`Name`, `Path`).
    #[serde(default)]
    pub customer_policies: Vec<CustomerPolicy>,
    /// The permissions boundary, as the API has it.
    #[serde(default)]
    pub boundary: Option<Value>,
}

/// A reference to a policy that every account has to have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerPolicy {
    /// Its name.
    pub name: String,
    /// `/`, or its path.
    pub path: String,
}

/// Who may use which application; none of the simulated operations makes one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationAssignment {
    /// The application's ARN.
    pub application: String,
    /// `USER` or `GROUP`.
    pub principal_type: String,
    /// Its id in the store.
    pub principal: String,
}

/// Who may do what in which account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// The account's id.
    pub account: String,
    /// The permission set's ARN.
    pub permission_set: String,
    /// `USER` or `GROUP`.
    pub principal_type: String,
    /// Its id in the store.
    pub principal: String,
}

impl Assignment {
    /// Which one it is, in a word.
    pub fn key(&self) -> String {
        format!("assignment:{}:{}:{}", self.account, self.permission_set, self.principal)
    }
}

/// A request that the service works on after it has answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Operation {
    /// UUID.
    pub request_id: String,
    /// What it does.
    pub kind: OperationKind,
    /// What it is about; `principal` is empty for a provisioning.
    pub subject: Assignment,
    /// When it was asked for.
    pub created: Timestamp,
    /// When it ends.
    pub due: Timestamp,
    /// The caller lacked these rights; assignments in the management account then fail late.
    pub missing_right: Option<String>,
    /// How it stands.
    pub outcome: Outcome,
}

/// How an [`Operation`] stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// `IN_PROGRESS`.
    Pending,
    /// `SUCCEEDED`.
    Succeeded,
    /// `FAILED`, and why.
    Failed(String),
}

/// The kinds of [`Operation`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OperationKind {
    /// `CreateAccountAssignment`.
    Assign,
    /// `DeleteAccountAssignment`.
    Unassign,
    /// `ProvisionPermissionSet`.
    Provision,
}

/// A role that Identity Center keeps in an account for a permission set.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Role {
    /// The account it is in.
    pub account: String,
    /// The permission set's ARN.
    pub permission_set: String,
    /// `AWSReservedSSO_{permission set}_{hex}`.
    pub name: String,
    /// The policies it had when last provisioned.
    pub managed_policies: Vec<String>,
}

/// What somebody would type into the console's *Add user*.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewUser {
    /// User name.
    pub name: String,
    /// Address that gets the invitation.
    pub email: String,
    /// First name.
    pub given_name: String,
    /// Last name.
    pub family_name: String,
    /// Display name.
    pub display_name: String,
}

/// Who does what only a person can.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PersonKind {
    /// The rehearsal itself, a moment after somebody waits for it.
    #[default]
    Auto,
    /// Whoever sits before the rehearsal's pages.
    Pages,
    /// Nobody: human tasks stay undone.
    Never,
}

/// The one who clicks, types and signs in.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Person {
    /// Who does the human tasks.
    pub kind: PersonKind,
    /// What they were told to fill into *Add user*, if they were.
    pub adds: Option<NewUser>,
    /// Signs in as this user name; otherwise as the user created last.
    pub signs_in_as: Option<String>,
    /// When they will have clicked **Enable**, and in which Region.
    pub enables: Option<(Timestamp, String)>,
    /// Misses of `GetUserId` for the user to be added: somebody is waiting for it.
    pub awaited: Vec<Timestamp>,
}

impl NewUser {
    /// The members of the API's user.
    pub fn attributes(&self) -> Map<String, Value> {
        attributes(json!({
            "UserName": self.name,
            "Name": {"GivenName": self.given_name, "FamilyName": self.family_name},
            "DisplayName": self.display_name,
            "Emails": [{"Value": self.email, "Type": "work", "Primary": true}],
        }))
    }
}

/// An object's members, without copying them.
fn attributes(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// The AWS managed policy with all permissions.
pub const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

impl PermissionSet {
    /// A permission set as the console creates it, with `AdministratorAccess`.
    pub fn administrator(arn: String, name: String, created: Timestamp) -> Self {
        Self {
            arn,
            name,
            description: None,
            session_duration: "PT1H".to_owned(),
            relay_state: None,
            created,
            tags: BTreeMap::new(),
            managed_policies: vec![ADMINISTRATOR.to_owned()],
            inline_policy: None,
            customer_policies: Vec::new(),
            boundary: None,
        }
    }
}
