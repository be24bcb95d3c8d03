//! The simulated AWS as a value: accounts, an organization, Identity Center, sign-ins, and time.
//!
//! Services read and change a `Cloud`; nothing else does. What takes time (enabling, provisioning, a
//! person) is due at a moment and happens in [`Cloud::settle`], which every call runs first.

use std::collections::BTreeMap;

use jiff::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ids::Ids;
use super::model::{
    Account, AccountRequest, ApplicationAssignment, Assignment, IdentityStore, Instance, Mail, Operation, Organization,
    Outcome, PermissionSet, Person, Plan, Role, Timing,
};
use super::sessions::{
    AuthorizationCode, BrowserSession, Client, Credentials, Device, Identity, LoginCode, LoginSession, PortalSession,
};
use super::trails::{Bucket, RootUser, Trail};

/// The whole simulated AWS.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Cloud {
    /// The account whose credentials the cloud hands out.
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
    /// How often what was told to be under way, where that counts ([`Timing::polls`]).
    pub polls: BTreeMap<String, u32>,
    /// How long things take.
    pub timing: Timing,
    /// Where identifiers come from.
    pub ids: Ids,
    /// The server's own address, for links it gives out; set when it listens.
    pub base_url: String,
}

impl Cloud {
    /// Lets the operation that was begun last, and is still at work, end as failed.
    pub fn fail_the_last(&mut self, reason: String) {
        let last = self.operations.last_mut();
        if let Some(last) = last.filter(|last| last.outcome == Outcome::Pending) {
            last.outcome = Outcome::Failed(reason);
        }
    }

    /// The ARN's partition; scenarios of other partitions come with their Region.
    pub fn partition(&self) -> &'static str {
        match self.region.as_str() {
            region if region.starts_with("cn-") => "aws-cn",
            region if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        }
    }

    /// Credentials for a new identity of this cloud.
    pub fn issue(&mut self, identity: Identity) -> Credentials {
        let credentials = Credentials {
            access_key_id: self.ids.access_key(),
            secret_access_key: self.ids.letters(40),
            session_token: format!("rehearsal{}", self.ids.letters(60)),
        };
        self.identities.insert(credentials.access_key_id.clone(), identity);
        credentials
    }

    /// The root user of the cloud's account.
    pub fn root(&self) -> Identity {
        Identity {
            arn: format!("arn:{}:iam::{}:root", self.partition(), self.account.id),
            account: self.account.id.clone(),
            user_id: self.account.id.clone(),
            expires: None,
            denied: Vec::new(),
        }
    }

    /// Starts a console session of twelve hours for this identity, as signing in does; returns its refresh token.
    /// With a `proof`, only the holder of that key can use the token.
    pub fn start_login_session(&mut self, identity: &Identity, proof: Option<&Value>, now: Timestamp) -> String {
        let token = self.ids.letters(64);
        let session = LoginSession {
            identity: Identity {
                expires: None,
                ..identity.clone()
            },
            key: proof.cloned(),
            expires: now.saturating_add(Span::new().hours(12)).unwrap_or(Timestamp::MAX),
        };
        self.login_sessions.insert(token.clone(), session);
        token
    }

    /// Turns Identity Center on, as the console's **Enable** does.
    pub fn enable(&mut self, region: &str, now: Timestamp) -> String {
        let arn = format!("arn:{}:sso:::instance/ssoins-{}", self.partition(), self.ids.hex(16));
        self.instances.push(Instance {
            arn: arn.clone(),
            region: region.to_owned(),
            owner: self.account.id.clone(),
            created: now,
            active_at: now + self.timing.enabling,
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
        if !self.timing.propagation.is_zero() {
            self.written.insert(what, at);
        }
    }

    /// Whether a read sees it: it has spread, or was there before anybody looked.
    pub fn has_propagated(&self, what: &str, now: Timestamp) -> bool {
        self.written
            .get(what)
            .is_none_or(|at| *at + self.timing.propagation <= now)
    }

    /// Whether what takes the time of provisioning has ended: by the clock, or by how often it was looked at.
    pub fn is_over(&self, what: &str, due: Timestamp, now: Timestamp) -> bool {
        match self.timing.polls {
            Some(wanted) => self.polls.get(what).is_some_and(|polls| *polls >= wanted),
            None => due <= now,
        }
    }

    /// Notes that somebody was told that it is under way.
    pub fn note_poll(&mut self, what: &str) {
        if self.timing.polls.is_some() {
            *self.polls.entry(what.to_owned()).or_default() += 1;
        }
    }

    /// When the next change of a role in this account can start: one at a time.
    pub fn next_slot(&self, account: &str, now: Timestamp) -> Timestamp {
        let busy_until = self
            .operations
            .iter()
            .filter(|operation| operation.outcome == Outcome::Pending && operation.subject.account == account)
            .map(|operation| operation.due)
            .max();
        busy_until.unwrap_or(now).max(now) + self.timing.provisioning
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
