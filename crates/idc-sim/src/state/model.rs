//! The data types of a [`Cloud`](super::Cloud). Scenario files contain the same types.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::applications::AdditionalRegion;
use super::policies::OrganizationPolicies;

/// How long asynchronous changes take.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timing {
    /// From **Enable** until the instance is active.
    pub enabling: Duration,
    /// To create or update one role in one account. Also how long a new account and the first log file of a trail take.
    pub provisioning: Duration,
    /// From the moment a client starts to wait for the simulated person until the person has acted.
    pub person: Duration,
    /// From a write until all reads return it (eventual consistency).
    pub propagation: Duration,
    /// If set, replaces `provisioning` for assignments, provisioning requests and the first log file of a trail: the
    /// operation finishes after this many polls, however much time passes between them.
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

/// An AWS account.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// The account ID: twelve digits.
    pub id: String,
    /// The account name, as the access portal shows it.
    pub name: String,
    /// The root user's email address.
    pub email: String,
    /// Whether it is suspended, and cannot be used.
    #[serde(default)]
    pub is_suspended: bool,
    /// The ID of the organizational unit that contains it. Empty for the root.
    #[serde(default)]
    pub parent: String,
    /// The customer managed policies in it.
    #[serde(default)]
    pub policies: Vec<CustomerPolicy>,
}

impl Account {
    /// Returns an active account in the root of its organization.
    pub fn new(id: impl Into<String>, name: impl Into<String>, email: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            email: email.into(),
            is_suspended: false,
            parent: String::new(),
            policies: Vec::new(),
        }
    }
}

/// What the simulation does where recordings of AWS disagree. `docs/fidelity.md` has the sources.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Choices {
    /// Whether the error for a missing attribute of a user names it. In 2024 it had no words.
    pub names_missing_attributes: bool,
    /// Whether `ProvisionPermissionSet` in an account without an assignment creates the role. Otherwise, it is accepted
    /// and fails.
    pub provisions_without_assignment: bool,
    /// Whether accounts have the member `Status`, as before September 2026.
    pub accounts_have_status: bool,
    /// With quotas: how many asynchronous requests of `sso-admin` can be in progress. It was 10 in 2022.
    pub outstanding_requests: usize,
}

impl Default for Choices {
    fn default() -> Self {
        Self {
            names_missing_attributes: true,
            provisions_without_assignment: true,
            accounts_have_status: false,
            outstanding_requests: 10,
        }
    }
}

/// The plan of a new account, as `freetier:GetAccountPlanState` returns it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Plan {
    /// The Free plan. It ends, with its credits, when the account creates an organization.
    Free,
    /// The Paid plan.
    Paid,
}

/// A `CreateAccount` request.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountRequest {
    /// The request ID: `car-…`.
    pub id: String,
    /// When the request was made.
    pub created: Timestamp,
    /// When the request completes.
    pub due: Timestamp,
    /// The account to create, or `None` if the request fails because the email address is in use.
    pub account: Option<Account>,
    /// The requested account name.
    pub name: String,
    /// Whether the account has left the organization since.
    #[serde(default)]
    pub has_left: bool,
}

/// An organization in AWS Organizations.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Organization {
    /// The organization ID: `o-…`.
    pub id: String,
    /// The ID of the management account.
    pub management_account: String,
    /// The feature set: `ALL` or `CONSOLIDATED_BILLING`.
    pub feature_set: String,
    /// When it was created. `None` for an organization that the scenario started with.
    #[serde(default)]
    pub created: Option<Timestamp>,
    /// Its organizational units.
    #[serde(default)]
    pub units: Vec<OrganizationalUnit>,
    /// The services with trusted access, and since when. Identity Center has it once it is enabled.
    #[serde(default)]
    pub trusted_services: BTreeMap<String, Timestamp>,
    /// The tags of accounts, organizational units, the root and policies, by ID.
    #[serde(default)]
    pub tags: BTreeMap<String, BTreeMap<String, String>>,
    /// Its policies.
    #[serde(default)]
    pub policies: OrganizationPolicies,
}

impl Organization {
    /// Returns an organization that contains only its root.
    pub fn new(id: String, management_account: String, feature_set: String) -> Self {
        Self {
            id,
            management_account,
            feature_set,
            created: None,
            units: Vec::new(),
            trusted_services: BTreeMap::new(),
            tags: BTreeMap::new(),
            policies: OrganizationPolicies::default(),
        }
    }

    /// Returns the ID of its root: `r-` and four characters.
    pub fn root_id(&self) -> String {
        let digits: String = self.id.chars().skip(2).take(4).collect();
        format!("r-{digits}")
    }

    /// Returns the ID of what contains an account or an organizational unit.
    pub fn parent_id(&self, parent: &str) -> String {
        if parent.is_empty() {
            self.root_id()
        } else {
            parent.to_owned()
        }
    }

    /// Returns the path from the organization to a parent: `o-…/r-…/ou-…/`.
    pub fn path(&self, parent: &str) -> String {
        let unit = self.units.iter().find(|unit| unit.id == parent);
        unit.map_or_else(
            || format!("{}/{}/", self.id, self.root_id()),
            |unit| format!("{}{}/", self.path(&unit.parent), unit.id),
        )
    }
}

/// An organizational unit.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrganizationalUnit {
    /// Its ID: `ou-…`.
    pub id: String,
    /// Its name, unique in its parent.
    pub name: String,
    /// The ID of the organizational unit that contains it. Empty for the root.
    #[serde(default)]
    pub parent: String,
}

/// A member account that administers a service for the organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DelegatedAdministrator {
    /// The ID of the account.
    pub account: String,
    /// The service, such as `sso.amazonaws.com`.
    pub service: String,
    /// Since when.
    pub since: Timestamp,
}

/// An instance of IAM Identity Center with its identity store.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instance {
    /// Its ARN: `arn:aws:sso:::instance/ssoins-…`.
    pub arn: String,
    /// The Region in which it was enabled.
    pub region: String,
    /// The ID of the account that owns it.
    pub owner: String,
    /// When it was enabled.
    pub created: Timestamp,
    /// When it becomes `ACTIVE`. Until then, its status is `CREATE_IN_PROGRESS`.
    pub active_at: Timestamp,
    /// Whether permission sets are enabled. Since August 2026, an instance can have them disabled.
    pub permission_sets_enabled: bool,
    /// Whether Settings → Authentication → *Send email OTP* is on.
    #[serde(default)]
    pub email_otp: bool,
    /// Its name, if any.
    #[serde(default)]
    pub name: Option<String>,
    /// Tag values by key. At most 75.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The attributes for access control, in the API's JSON form. `None` if they are not enabled.
    #[serde(default)]
    pub attributes: Option<Value>,
    /// The Regions that it was replicated to.
    #[serde(default)]
    pub additional_regions: Vec<AdditionalRegion>,
    /// Its identity store.
    pub store: IdentityStore,
}

impl Instance {
    /// Creates an instance with an empty identity store. It is active from the beginning.
    pub fn new(arn: String, region: String, owner: String, store: String, created: Timestamp) -> Self {
        Self {
            arn,
            region,
            owner,
            created,
            active_at: created,
            permission_sets_enabled: true,
            email_otp: false,
            name: None,
            tags: BTreeMap::new(),
            attributes: None,
            additional_regions: Vec::new(),
            store: IdentityStore {
                id: store,
                ..IdentityStore::default()
            },
        }
    }

    /// Returns whether a client finds it in this Region: its primary one, or one that it was replicated to.
    pub fn is_in(&self, region: &str, now: Timestamp) -> bool {
        let is_active = |other: &AdditionalRegion| {
            other.name == region && other.active_at <= now && other.gone_at.is_none_or(|gone| gone > now)
        };
        self.region == region || self.additional_regions.iter().any(is_active)
    }

    /// Returns the ARN of its identity store.
    pub fn store_arn(&self) -> String {
        let partition = self.arn.split(':').nth(1).unwrap_or("aws");
        format!(
            "arn:{partition}:identitystore::{}:identitystore/{}",
            self.owner, self.store.id
        )
    }

    /// Returns the instance ID: `ssoins-…`.
    pub fn id(&self) -> &str {
        self.arn.rsplit('/').next().unwrap_or_default()
    }

    /// Returns the start URLs of its access portal, in every form that AWS documents.
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

/// The identity store of one instance.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityStore {
    /// The identity store ID: `d-…`.
    pub id: String,
    /// Users by ID.
    pub users: BTreeMap<String, User>,
    /// Groups by ID.
    pub groups: BTreeMap<String, Group>,
    /// Memberships by ID.
    pub memberships: BTreeMap<String, Membership>,
    /// A cache of user IDs by user name. An entry may be stale, so each lookup checks it against `users`.
    #[serde(skip)]
    pub known_names: HashMap<String, String>,
}

impl IdentityStore {
    /// Returns the ID of the user with this name.
    pub fn find_user_id(&mut self, name: &str) -> Option<String> {
        let has_name = |id: &String| self.users.get(id).is_some_and(|user| user.name() == name);
        if let Some(id) = self.known_names.get(name).filter(|id| has_name(id)) {
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

/// When something was created, and by whom.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stamp {
    /// The time, by the server's clock.
    pub at: Timestamp,
    /// The ARN of the caller.
    pub by: String,
}

/// A user in an identity store.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The attributes in the form of `CreateUser` (`UserName`, `Name`, `Emails`, …).
    pub attributes: Map<String, Value>,
    /// When and by whom the user was created.
    pub created: Stamp,
    /// Whether the person has set a password and can sign in.
    pub activated: bool,
    /// Sign-in data, which the pages of the simulation use.
    #[serde(default)]
    pub sign_in: SignIn,
}

/// A user's password, and what the user needs to set one.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SignIn {
    /// The SHA-256 hash of the password, in base64url.
    pub password: Option<String>,
    /// Whether the password is a one-time password, which the user must change at the next sign-in.
    pub must_change: bool,
    /// The verification code that was emailed for the first sign-in.
    pub code: Option<String>,
    /// The token of an invitation, and when it expires. Its holder can set a password.
    pub invitation: Option<(String, Timestamp)>,
}

/// An email that a simulated service has sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// The recipient's address.
    pub to: String,
    /// The sender's address.
    pub from: String,
    /// The subject line.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The link in it, if any.
    #[serde(default)]
    pub link: Option<String>,
}

impl User {
    /// Returns the user name, or an empty string if the attributes have none.
    pub fn name(&self) -> &str {
        self.attributes
            .get("UserName")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// Returns whether an identity provider has given the user this ID.
    pub fn has_external_id(&self, issuer: &str, id: &str) -> bool {
        let ids = self.attributes.get("ExternalIds").and_then(Value::as_array);
        ids.into_iter()
            .flatten()
            .any(|external| external["Issuer"] == issuer && external["Id"] == id)
    }

    /// Returns the first email address. Identity Center supports one per user.
    pub fn email(&self) -> Option<&str> {
        self.attributes.get("Emails")?.get(0)?.get("Value")?.as_str()
    }
}

/// A group in an identity store.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Its display name, unique in the identity store.
    pub display_name: String,
    /// Its description, if any.
    pub description: Option<String>,
    /// When and by whom the group was created.
    pub created: Stamp,
    /// The IDs that identity providers have given it.
    #[serde(default)]
    pub external_ids: Vec<ExternalId>,
}

/// The ID that an identity provider has given a user or a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExternalId {
    /// The identity provider.
    pub issuer: String,
    /// The ID.
    pub id: String,
}

/// The membership of a user in a group.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Membership {
    /// The ID of the group.
    pub group: String,
    /// The ID of the user.
    pub user: String,
    /// When and by whom the membership was created.
    pub created: Stamp,
}

/// A permission set.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PermissionSet {
    /// Its ARN: `arn:aws:sso:::permissionSet/ssoins-…/ps-…`.
    pub arn: String,
    /// Its name: 1 to 32 characters, unique in the instance.
    pub name: String,
    /// Its description, if any.
    pub description: Option<String>,
    /// The session duration as an ISO 8601 duration, between `PT1H` (the default) and `PT12H`.
    pub session_duration: String,
    /// The relay state: the URL that the AWS Management Console opens with.
    pub relay_state: Option<String>,
    /// When it was created.
    pub created: Timestamp,
    /// Tag values by key. At most 75.
    pub tags: BTreeMap<String, String>,
    /// The ARNs of the AWS managed policies, in the order in which they were attached.
    pub managed_policies: Vec<String>,
    /// The inline policy, a JSON document.
    #[serde(default)]
    pub inline_policy: Option<String>,
    /// References to customer managed policies.
    #[serde(default)]
    pub customer_policies: Vec<CustomerPolicy>,
    /// The permissions boundary, in the API's JSON form.
    #[serde(default)]
    pub boundary: Option<Value>,
}

impl PermissionSet {
    /// Returns its ID, the last part of the ARN: `ps-…`.
    pub fn id(&self) -> &str {
        self.arn.rsplit('/').next().unwrap_or_default()
    }

    /// What provisioning gives to the roles, as text. An account has the latest version if its role has the same.
    pub fn version(&self) -> String {
        let managed: BTreeSet<&String> = self.managed_policies.iter().collect();
        let policies = (managed, &self.inline_policy, &self.customer_policies);
        json!([self.session_duration, self.relay_state, policies, self.boundary]).to_string()
    }
}

/// A reference to a customer managed policy. The policy must exist in each account that the set is provisioned to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomerPolicy {
    /// The name of the policy.
    pub name: String,
    /// The path of the policy, `/` by default.
    pub path: String,
}

impl CustomerPolicy {
    /// Returns the customer managed policy that is a permissions boundary, in the API's JSON form.
    pub fn of_boundary(boundary: &Value) -> Option<Self> {
        let reference = &boundary["CustomerManagedPolicyReference"];
        Some(Self {
            name: reference["Name"].as_str()?.to_owned(),
            path: reference["Path"].as_str().unwrap_or("/").to_owned(),
        })
    }
}

/// The assignment of a user or a group to an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplicationAssignment {
    /// The ARN of the application.
    pub application: String,
    /// The type of the principal: `USER` or `GROUP`.
    pub principal_type: String,
    /// The ID of the principal in the identity store.
    pub principal: String,
}

/// An account assignment: a user or a group has a permission set in an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// The ID of the account.
    pub account: String,
    /// The ARN of the permission set.
    pub permission_set: String,
    /// The type of the principal: `USER` or `GROUP`.
    pub principal_type: String,
    /// The ID of the principal in the identity store.
    pub principal: String,
}

impl Assignment {
    /// Returns its key in [`Cloud::written`](super::Cloud::written).
    pub fn key(&self) -> String {
        format!("assignment:{}:{}:{}", self.account, self.permission_set, self.principal)
    }
}

/// An asynchronous request of `sso-admin`, which completes after the response.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// The request ID, a UUID.
    pub request_id: String,
    /// What the request does.
    pub kind: OperationKind,
    /// The assignment to create or delete. For a provisioning request, `principal` is empty.
    pub subject: Assignment,
    /// When the request was made.
    pub created: Timestamp,
    /// When it completes, unless [`Timing::polls`] is set.
    pub due: Timestamp,
    /// In the management account, the caller and an action that the caller is denied. If set, the request is accepted and
    /// then fails.
    pub missing_right: Option<MissingRight>,
    /// The outcome so far.
    pub outcome: Outcome,
}

/// An action that Identity Center performs with the permissions of a caller who is denied it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MissingRight {
    /// The ARN of the caller.
    pub caller: String,
    /// The action, such as `iam:CreateRole`.
    pub action: String,
}

/// The outcome of an [`Operation`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The status `IN_PROGRESS`.
    Pending,
    /// The status `SUCCEEDED`.
    Succeeded,
    /// The status `FAILED`, with the `FailureReason`.
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

/// An IAM role that Identity Center has created in an account for a permission set.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// The ID of the account that contains the role.
    pub account: String,
    /// The ARN of the permission set.
    pub permission_set: String,
    /// Its name: `AWSReservedSSO_{permission set}_{hex}`.
    pub name: String,
    /// Its ID: `AROA…`.
    #[serde(default)]
    pub id: String,
    /// The ARNs of its managed policies, as of the last provisioning.
    pub managed_policies: Vec<String>,
    /// The [`version`](PermissionSet::version) of the permission set, as of the last provisioning.
    #[serde(default)]
    pub version: String,
}

/// The input of the console's *Add user* form.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// User name.
    pub name: String,
    /// Email address, which receives the invitation.
    pub email: String,
    /// First name.
    pub given_name: String,
    /// Last name.
    pub family_name: String,
    /// Display name.
    pub display_name: String,
}

/// Who does the tasks that need a person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PersonKind {
    /// A simulated person, shortly after a client starts to wait for the task.
    #[default]
    Auto,
    /// A real person, in a browser, on the pages of the simulation.
    Pages,
    /// Nobody. The tasks stay undone.
    Never,
}

/// The person who clicks **Enable**, adds users and signs in.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Person {
    /// Who this person is.
    pub kind: PersonKind,
    /// The user to create with the console's *Add user* form, if any.
    pub adds: Option<NewUser>,
    /// The user name to sign in with. `None` means the user that was created last.
    pub signs_in_as: Option<String>,
    /// When **Enable** is going to be clicked, and in which Region.
    pub enables: Option<(Timestamp, String)>,
    /// When clients recently looked up the user in `adds` with `GetUserId`. Three lookups within five seconds mean that
    /// a client is waiting.
    pub awaited: Vec<Timestamp>,
}

impl NewUser {
    /// Returns the user's attributes in the form of `CreateUser`.
    pub fn attributes(&self) -> Map<String, Value> {
        attributes(json!({
            "UserName": self.name,
            "Name": {"GivenName": self.given_name, "FamilyName": self.family_name},
            "DisplayName": self.display_name,
            "Emails": [{"Value": self.email, "Type": "work", "Primary": true}],
        }))
    }
}

/// Returns the members of a JSON object.
fn attributes(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// The AWS managed policy with all permissions.
pub const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

impl PermissionSet {
    /// Returns a permission set as the console creates it, with the policy `AdministratorAccess`.
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
