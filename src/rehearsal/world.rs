//! The simulated AWS as a value: accounts, an organization, Identity Center, sign-ins, and time.
//!
//! Services read and change a `World`; nothing else does. What takes time (enabling, provisioning, a
//! person) is due at a moment and happens in [`World::settle`], which every call runs first.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::ids::Ids;
use super::person::Person;
use super::refusal::Refusal;

/// How long things take in this world.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// From **Enable** to an active instance.
    pub enabling: Duration,
    /// To update one role in one account.
    pub provisioning: Duration,
    /// Until a person has done what was asked.
    pub person: Duration,
    /// Until a write is visible to every read.
    pub spreading: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            enabling: Duration::from_millis(300),
            provisioning: Duration::from_millis(150),
            person: Duration::from_millis(400),
            spreading: Duration::ZERO,
        }
    }
}

/// An account of the organization, or the only one.
#[derive(Debug, Clone)]
pub struct Account {
    /// Twelve digits.
    pub id: String,
    /// As the portal shows it.
    pub name: String,
    /// The root user's address.
    pub email: String,
}

/// The plan of a new account, as `freetier:GetAccountPlanState` tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// Credits that end when an organization is made.
    Free,
    /// The ordinary plan.
    Paid,
}

/// An organization of AWS Organizations.
#[derive(Debug, Clone)]
pub struct Organization {
    /// `o-…`.
    pub id: String,
    /// The management account's id.
    pub management_account: String,
    /// `ALL`, or `CONSOLIDATED_BILLING`.
    pub feature_set: String,
}

/// An instance of IAM Identity Center with its identity store.
#[derive(Debug, Clone)]
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
    /// Its identity store.
    pub store: IdentityStore,
}

impl Instance {
    /// `ssoins-…`.
    pub fn id(&self) -> &str {
        self.arn.rsplit('/').next().unwrap_or_default()
    }

    /// The addresses under which its access portal answers.
    pub fn start_urls(&self) -> [String; 3] {
        let (store, id, region) = (&self.store.id, self.id(), &self.region);
        [
            format!("https://{store}.awsapps.com/start"),
            format!("https://{id}.portal.{region}.app.aws"),
            format!("https://{id}.{region}.portal.amazonaws.com"),
        ]
    }
}

/// Users, groups and memberships of one instance.
#[derive(Debug, Clone, Default)]
pub struct IdentityStore {
    /// `d-…`.
    pub id: String,
    /// By user id.
    pub users: BTreeMap<String, User>,
    /// By group id.
    pub groups: BTreeMap<String, Group>,
    /// By membership id.
    pub memberships: BTreeMap<String, Membership>,
}

/// When and by whom something was written.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// The server's clock.
    pub at: Timestamp,
    /// ARN of the caller.
    pub by: String,
}

/// A user of the directory.
#[derive(Debug, Clone)]
pub struct User {
    /// The members of `CreateUser` as they were given (`UserName`, `Name`, `Emails`, …).
    pub attributes: Map<String, Value>,
    /// Creation.
    pub created: Stamp,
    /// Whether the person has set a password and can sign in.
    pub activated: bool,
}

impl User {
    /// The user name, empty when the world forgot one.
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
#[derive(Debug, Clone)]
pub struct Group {
    /// Its name, unique in the store.
    pub display_name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Creation.
    pub created: Stamp,
}

/// A user in a group.
#[derive(Debug, Clone)]
pub struct Membership {
    /// The group's id.
    pub group: String,
    /// The user's id.
    pub user: String,
    /// Creation.
    pub created: Stamp,
}

/// A permission set.
#[derive(Debug, Clone)]
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
}

/// Who may do what in which account.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// A request that the service works on after it has answered.
#[derive(Debug, Clone)]
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
    /// `None` while `IN_PROGRESS`; then success, or the reason of the failure.
    pub outcome: Option<Result<(), String>>,
}

/// The kinds of [`Operation`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationKind {
    /// `CreateAccountAssignment`.
    Assign,
    /// `ProvisionPermissionSet`.
    Provision,
}

/// A role that Identity Center keeps in an account for a permission set.
#[derive(Debug, Clone)]
pub struct Role {
    /// `AWSReservedSSO_{permission set}_{hex}`.
    pub name: String,
    /// The policies it had when last provisioned.
    pub managed_policies: Vec<String>,
}

/// Whom an access key belongs to.
#[derive(Debug, Clone)]
pub struct Identity {
    /// As `sts:GetCallerIdentity` tells it.
    pub arn: String,
    /// The account.
    pub account: String,
    /// `UserId` of `sts:GetCallerIdentity`.
    pub user_id: String,
    /// From then on: `ExpiredTokenException`.
    pub expires: Option<Timestamp>,
    /// Actions (`sso:CreatePermissionSet`, `iam:CreateRole`, `identitystore:*`) it may not do.
    pub denied: Vec<String>,
}

impl Identity {
    /// Whether the action is refused to this identity.
    pub fn is_denied(&self, action: &str) -> bool {
        self.denied.iter().any(|rule| {
            rule == "*" || rule == action || rule.strip_suffix('*').is_some_and(|start| action.starts_with(start))
        })
    }
}

/// Credentials for a program, with the identity they stand for in `World::identities`.
#[derive(Clone)]
pub struct Credentials {
    /// Key of `World::identities`.
    pub access_key_id: String,
    /// Simulated, so not a secret, and still never printed by the wizard.
    pub secret_access_key: String,
    /// Simulated.
    pub session_token: String,
}

/// A client registered with sso-oidc.
#[derive(Debug, Clone)]
pub struct Client {
    /// What `RegisterClient` gave out.
    pub secret: String,
    /// 90 days after registration.
    pub expires: Timestamp,
}

/// A device authorization.
#[derive(Debug, Clone)]
pub struct Device {
    /// The client that started it.
    pub client: String,
    /// What the person types or compares.
    pub user_code: String,
    /// The instance whose portal was named.
    pub instance: String,
    /// Ten minutes.
    pub expires: Timestamp,
    /// When the client last asked.
    pub polled: Option<Timestamp>,
    /// When the rehearsed person will have approved it.
    pub person_at: Option<Timestamp>,
    /// Who approved it, or that it was refused.
    pub decision: Option<Result<String, ()>>,
}

/// A signed-in session of the access portal.
#[derive(Debug, Clone)]
pub struct PortalSession {
    /// The instance's ARN.
    pub instance: String,
    /// The user's id.
    pub user: String,
    /// One hour, 8 for refreshed ones.
    pub expires: Timestamp,
}

/// The whole simulated AWS.
#[derive(Debug)]
pub struct World {
    /// The account whose credentials the world hands out.
    pub account: Account,
    /// Region of the credentials' environment.
    pub region: String,
    /// Known to freetier; `None` is refused there.
    pub plan: Option<Plan>,
    /// If there is one.
    pub organization: Option<Organization>,
    /// All accounts of the organization, the management account among them.
    pub accounts: Vec<Account>,
    /// Organization and account instances.
    pub instances: Vec<Instance>,
    /// Of all instances.
    pub permission_sets: Vec<PermissionSet>,
    /// In force.
    pub assignments: Vec<Assignment>,
    /// Every asynchronous request, oldest first.
    pub operations: Vec<Operation>,
    /// By account and permission set ARN.
    pub roles: BTreeMap<(String, String), Role>,
    /// By access key id.
    pub identities: BTreeMap<String, Identity>,
    /// By client id.
    pub clients: BTreeMap<String, Client>,
    /// By device code.
    pub devices: BTreeMap<String, Device>,
    /// By access token.
    pub sessions: BTreeMap<String, PortalSession>,
    /// Client, instance and user by refresh token.
    pub refresh_tokens: BTreeMap<String, (String, String, String)>,
    /// The one who does the human tasks.
    pub person: Person,
    /// How long things take.
    pub pace: Pace,
    /// Where identifiers come from.
    pub ids: Ids,
    /// The server's own address, for links it gives out; set when it listens.
    pub base_url: String,
}

impl World {
    /// The ARN's partition; worlds of other partitions come with their Region.
    pub fn partition(&self) -> &'static str {
        match self.region.as_str() {
            region if region.starts_with("cn-") => "aws-cn",
            region if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        }
    }

    /// Credentials for a new identity of this world.
    pub fn issue(&mut self, identity: Identity) -> Credentials {
        let credentials = Credentials {
            access_key_id: self.ids.access_key(),
            secret_access_key: self.ids.letters(40),
            session_token: format!("rehearsal{}", self.ids.letters(60)),
        };
        self.identities.insert(credentials.access_key_id.clone(), identity);
        credentials
    }

    /// The root user of the world's account.
    pub fn root(&self) -> Identity {
        Identity {
            arn: format!("arn:{}:iam::{}:root", self.partition(), self.account.id),
            account: self.account.id.clone(),
            user_id: self.account.id.clone(),
            expires: None,
            denied: Vec::new(),
        }
    }

    /// Turns Identity Center on, as the console's **Enable** does.
    pub fn enable(&mut self, region: &str, now: Timestamp) -> String {
        let arn = format!("arn:{}:sso:::instance/ssoins-{}", self.partition(), self.ids.hex(16));
        self.instances.push(Instance {
            arn: arn.clone(),
            region: region.to_owned(),
            owner: self.account.id.clone(),
            created: now,
            active_at: now + self.pace.enabling,
            permission_sets_enabled: true,
            store: IdentityStore {
                id: format!("d-{}", self.ids.hex(10)),
                ..IdentityStore::default()
            },
        });
        arn
    }

    /// Whether the account is the management account of its organization.
    pub fn is_management_account(&self) -> bool {
        self.organization
            .as_ref()
            .is_some_and(|organization| organization.management_account == self.account.id)
    }

    /// The instance with this ARN.
    pub fn instance(&self, arn: &str) -> Option<&Instance> {
        self.instances.iter().find(|instance| instance.arn == arn)
    }

    /// The instance whose store this is.
    pub fn store_mut(&mut self, id: &str) -> Option<&mut IdentityStore> {
        let id = id.rsplit('/').next().unwrap_or(id);
        self.instances
            .iter_mut()
            .map(|instance| &mut instance.store)
            .find(|store| store.id == id)
    }

    /// Lets everything happen that is due by `now`.
    pub fn settle(&mut self, now: Timestamp) {
        super::person::act(self, now);
        let due: Vec<usize> = (0..self.operations.len())
            .filter(|&i| self.operations[i].outcome.is_none() && self.operations[i].due <= now)
            .collect();
        for index in due {
            let outcome = self.finish(&self.operations[index].clone());
            self.operations[index].outcome = Some(outcome);
        }
    }

    /// The end of an asynchronous request: its effect, or the reason it failed.
    fn finish(&mut self, operation: &Operation) -> Result<(), String> {
        let subject = &operation.subject;
        if let Some(right) = &operation.missing_right {
            return Err(format!(
                "Received a 403 status error: Access denied when calling {right} in account {}",
                subject.account
            ));
        }
        self.provision(subject)?;
        if operation.kind == OperationKind::Assign && !self.assignments.contains(subject) {
            self.assignments.push(subject.clone());
        }
        Ok(())
    }

    fn provision(&mut self, subject: &Assignment) -> Result<(), String> {
        let Some(set) = self
            .permission_sets
            .iter()
            .find(|set| set.arn == subject.permission_set)
        else {
            return Err("Received a 404 status error: the permission set was not found".to_owned());
        };
        let (name, policies) = (set.name.clone(), set.managed_policies.clone());
        if !subject.principal.is_empty() && !self.knows_principal(subject) {
            let store = self.store_of(&subject.permission_set).unwrap_or_default();
            return Err(format!(
                "Received a 404 status error: the {} assignee {} was not found in directory {store}",
                subject.principal_type, subject.principal
            ));
        }
        let suffix = self.ids.hex(16);
        self.roles
            .entry((subject.account.clone(), subject.permission_set.clone()))
            .or_insert_with(|| Role {
                name: format!("AWSReservedSSO_{name}_{suffix}"),
                managed_policies: Vec::new(),
            })
            .managed_policies = policies;
        Ok(())
    }

    fn knows_principal(&self, subject: &Assignment) -> bool {
        self.instances
            .iter()
            .any(|instance| match subject.principal_type.as_str() {
                "USER" => instance.store.users.contains_key(&subject.principal),
                _ => instance.store.groups.contains_key(&subject.principal),
            })
    }

    fn store_of(&self, permission_set: &str) -> Option<String> {
        let instance = permission_set.split('/').nth(1)?;
        self.instances
            .iter()
            .find(|candidate| candidate.id() == instance)
            .map(|instance| instance.store.id.clone())
    }

    /// When the next change of a role in this account can start: one at a time.
    pub fn next_slot(&self, account: &str, now: Timestamp) -> Timestamp {
        let busy_until = self
            .operations
            .iter()
            .filter(|operation| operation.outcome.is_none() && operation.subject.account == account)
            .map(|operation| operation.due)
            .max();
        busy_until.unwrap_or(now).max(now) + self.pace.provisioning
    }

    /// The account and permission set pairs a user may enter, directly or through a group.
    pub fn access_of(&self, instance: &str, user: &str) -> Vec<(&Account, &PermissionSet, &Role)> {
        let Some(instance) = self.instance(instance) else {
            return Vec::new();
        };
        let in_groups: Vec<&str> = instance
            .store
            .memberships
            .values()
            .filter(|membership| membership.user == user)
            .map(|membership| membership.group.as_str())
            .collect();
        let mut access: Vec<_> = self
            .assignments
            .iter()
            .filter(|assignment| assignment.principal == user || in_groups.contains(&assignment.principal.as_str()))
            .filter_map(|assignment| {
                let set = self
                    .permission_sets
                    .iter()
                    .find(|set| set.arn == assignment.permission_set)?;
                let account = self.all_accounts().find(|account| account.id == assignment.account)?;
                let role = self
                    .roles
                    .get(&(assignment.account.clone(), assignment.permission_set.clone()))?;
                Some((account, set, role))
            })
            .collect();
        access.sort_by_key(|(account, set, _)| (account.id.clone(), set.name.clone()));
        access.dedup_by_key(|(account, set, _)| (account.id.clone(), set.arn.clone()));
        access
    }

    /// The organization's accounts, or the only one.
    pub fn all_accounts(&self) -> impl Iterator<Item = &Account> {
        let alone = self.accounts.is_empty().then_some(&self.account);
        alone.into_iter().chain(self.accounts.iter())
    }
}

/// Seconds since 1970 as JSON 1.1 writes times.
pub fn epoch(at: Timestamp) -> Value {
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds since 1970 fit a double for 280,000 years"
    )]
    let seconds = at.as_millisecond() as f64 / 1000.0;
    json!(seconds)
}

/// A required text member; validation has run, so an absent one is an empty string.
pub fn text<'a>(input: &'a Value, member: &str) -> &'a str {
    input[member].as_str().unwrap_or_default()
}

/// `ResourceNotFoundException`.
pub fn not_found(message: impl Into<String>) -> Refusal {
    Refusal::new("ResourceNotFoundException", message)
}
