//! The simulated AWS as a value: accounts, an organization, Identity Center, sign-ins, and time.
//!
//! Services read and change a `World`; nothing else does. What takes time (enabling, provisioning, a
//! person) is due at a moment and happens in [`World::settle`], which every call runs first.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ids::Ids;
use super::person::Person;
pub use super::person::PersonKind;
pub use super::records::*;
use super::refusal::Refusal;
pub use super::sessions::*;
pub use super::trails::{Bucket, RootUser, Trail};

/// The whole simulated AWS.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
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
    /// New accounts that were asked for.
    pub account_requests: Vec<AccountRequest>,
    /// Accounts that are delegated administrators of Identity Center.
    pub delegated_administrators: Vec<String>,
    /// Organization and account instances.
    pub instances: Vec<Instance>,
    /// Of all instances.
    pub permission_sets: Vec<PermissionSet>,
    /// In force.
    pub assignments: Vec<Assignment>,
    /// Of applications, such as Argo CD.
    pub application_assignments: Vec<ApplicationAssignment>,
    /// Every asynchronous request, oldest first.
    pub operations: Vec<Operation>,
    /// One for each permission set in each account that has it.
    pub roles: Vec<Role>,
    /// By access key id.
    pub identities: BTreeMap<String, Identity>,
    /// By client id.
    pub clients: BTreeMap<String, Client>,
    /// By device code.
    pub devices: BTreeMap<String, Device>,
    /// By authorization code.
    pub codes: BTreeMap<String, AuthorizationCode>,
    /// By access token.
    pub sessions: BTreeMap<String, PortalSession>,
    /// Client, instance and user by refresh token.
    pub refresh_tokens: BTreeMap<String, (String, String, String)>,
    /// The one who does the human tasks.
    pub person: Person,
    /// What the account's root user has.
    pub root_user: RootUser,
    /// CloudTrail's, of all Regions.
    pub trails: Vec<Trail>,
    /// By name: of this account, and of others whose names are taken.
    pub buckets: BTreeMap<String, Bucket>,
    /// Browsers signed in to a portal, by cookie.
    pub browser_sessions: BTreeMap<String, BrowserSession>,
    /// What was mailed, oldest first.
    pub mails: Vec<Mail>,
    /// Console sessions lent to programs (`aws login`), by refresh token.
    pub login_sessions: BTreeMap<String, LoginSession>,
    /// By authorization code.
    pub login_codes: BTreeMap<String, LoginCode>,
    /// When what was written, where a read may not see it yet.
    pub written: BTreeMap<String, Timestamp>,
    /// How often what was told to be under way, where that counts ([`Pace::looks`]).
    pub looks: BTreeMap<String, u32>,
    /// How long things take.
    pub pace: Pace,
    /// Where identifiers come from.
    pub ids: Ids,
    /// The server's own address, for links it gives out; set when it listens.
    pub base_url: String,
}

impl World {
    /// Lets the operation that was begun last, and is still at work, end as failed.
    pub fn fail_the_last(&mut self, reason: String) {
        let last = self.operations.last_mut();
        if let Some(last) = last.filter(|last| last.outcome == Outcome::Pending) {
            last.outcome = Outcome::Failed(reason);
        }
    }

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

    /// Lends this identity's console session to a program, as `aws login` does; answers the refresh token.
    pub fn lend(&mut self, identity: &Identity) -> String {
        super::services::signin::session(self, identity, None, Timestamp::now())
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
            email_otp: false,
            name: None,
            tags: BTreeMap::new(),
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

    /// Notes a write that reads see late.
    pub fn note_write(&mut self, what: String, at: Timestamp) {
        if !self.pace.spreading.is_zero() {
            self.written.insert(what, at);
        }
    }

    /// Whether a read sees it: it has spread, or was there before anybody looked.
    pub fn has_spread(&self, what: &str, now: Timestamp) -> bool {
        self.written.get(what).is_none_or(|at| *at + self.pace.spreading <= now)
    }

    /// Whether what takes the time of provisioning has ended: by the clock, or by how often it was looked at.
    pub fn is_over(&self, what: &str, due: Timestamp, now: Timestamp) -> bool {
        match self.pace.looks {
            Some(wanted) => self.looks.get(what).is_some_and(|looks| *looks >= wanted),
            None => due <= now,
        }
    }

    /// Notes that somebody was told that it is under way.
    pub fn note_look(&mut self, what: &str) {
        if self.pace.looks.is_some() {
            *self.looks.entry(what.to_owned()).or_default() += 1;
        }
    }

    /// Lets everything happen that is due by `now`.
    pub fn settle(&mut self, now: Timestamp) {
        super::person::act(self, now);
        let arrived: Vec<Account> = self
            .account_requests
            .iter()
            .filter(|request| request.due <= now)
            .filter_map(|request| request.account.clone())
            .filter(|account| !self.accounts.iter().any(|known| known.id == account.id))
            .collect();
        self.accounts.extend(arrived);
        let due: Vec<usize> = (0..self.operations.len())
            .filter(|&i| {
                let operation = &self.operations[i];
                operation.outcome == Outcome::Pending && self.is_over(&operation.request_id, operation.due, now)
            })
            .collect();
        for index in due {
            let outcome = self.finish(&self.operations[index].clone());
            self.operations[index].outcome = match outcome {
                Ok(()) => Outcome::Succeeded,
                Err(reason) => Outcome::Failed(reason),
            };
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
        if operation.kind == OperationKind::Unassign {
            self.unassign(subject);
            return Ok(());
        }
        self.provision(subject)?;
        if operation.kind == OperationKind::Assign && !self.assignments.contains(subject) {
            self.note_write(subject.key(), operation.due);
            self.assignments.push(subject.clone());
        }
        Ok(())
    }

    /// The role goes with the last assignment of its set in the account.
    fn unassign(&mut self, subject: &Assignment) {
        self.assignments.retain(|assignment| assignment != subject);
        let same_place = |assignment: &Assignment| {
            assignment.account == subject.account && assignment.permission_set == subject.permission_set
        };
        if !self.assignments.iter().any(same_place) {
            self.roles
                .retain(|role| role.account != subject.account || role.permission_set != subject.permission_set);
        }
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
        let known = self
            .roles
            .iter_mut()
            .find(|role| role.account == subject.account && role.permission_set == subject.permission_set);
        if let Some(role) = known {
            role.managed_policies = policies;
            return Ok(());
        }
        self.roles.push(Role {
            account: subject.account.clone(),
            permission_set: subject.permission_set.clone(),
            name: format!("AWSReservedSSO_{name}_{}", self.ids.hex(16)),
            managed_policies: policies,
        });
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
            .filter(|operation| operation.outcome == Outcome::Pending && operation.subject.account == account)
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
                let role = self.roles.iter().find(|role| {
                    role.account == assignment.account && role.permission_set == assignment.permission_set
                })?;
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
