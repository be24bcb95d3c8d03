//! The state of the simulated AWS: accounts, the organization, Identity Center, sign-ins, and pending changes.
//!
//! Services and pages read and change a [`Cloud`]. A change that takes time (enabling Identity Center, provisioning a
//! role, a task of the simulated person) is stored with the time at which it is due. [`Cloud::settle`] applies the
//! changes that are due, and every request calls it first.

use std::collections::BTreeMap;

use jiff::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::applications::{Application, Cluster, TrustedTokenIssuer};
use super::ids::Ids;
use super::model::{
    Account, AccountRequest, ApplicationAssignment, Assignment, Choices, DelegatedAdministrator, IdentityStore,
    Instance, Mail, Operation, Organization, Outcome, PermissionSet, Person, Plan, Role, Timing,
};
use super::sessions::{
    AuthorizationCode, BrowserSession, Client, Credentials, Device, Identity, LoginCode, LoginSession, PortalSession,
};
use super::trails::{Bucket, RootUser, Trail};

/// The state of the simulated AWS.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cloud {
    /// The account that the issued credentials belong to.
    pub account: Account,
    /// The default Region of the clients. It also determines the partition.
    pub region: String,
    /// The plan of the account. With `None`, `freetier:GetAccountPlanState` returns `ResourceNotFoundException`.
    pub plan: Option<Plan>,
    /// What the simulation does where recordings of AWS disagree.
    pub choices: Choices,
    /// The organization, if there is one.
    pub organization: Option<Organization>,
    /// All accounts of the organization, including the management account. Empty without an organization.
    pub accounts: Vec<Account>,
    /// The `CreateAccount` requests so far.
    pub account_requests: Vec<AccountRequest>,
    /// The accounts that administer a service for the organization.
    pub delegated_administrators: Vec<DelegatedAdministrator>,
    /// The instances of Identity Center: organization instances and account instances.
    pub instances: Vec<Instance>,
    /// The permission sets of all instances.
    pub permission_sets: Vec<PermissionSet>,
    /// The account assignments.
    pub assignments: Vec<Assignment>,
    /// The applications of all instances.
    pub applications: Vec<Application>,
    /// The issuers of tokens that the instances trust.
    pub trusted_token_issuers: Vec<TrustedTokenIssuer>,
    /// The clusters of Amazon EKS.
    pub clusters: Vec<Cluster>,
    /// The assignments of applications, such as Argo CD.
    pub application_assignments: Vec<ApplicationAssignment>,
    /// All asynchronous requests of `sso-admin`, oldest first.
    pub operations: Vec<Operation>,
    /// The roles of provisioned permission sets: one for each permission set and account.
    pub roles: Vec<Role>,
    /// Whether a request with an unknown access key is one of the root user. Otherwise, it is rejected, as AWS does.
    pub accepts_any_key: bool,
    /// Whether the quotas of asynchronous requests are enforced. The server sets it.
    #[serde(skip)]
    pub has_quotas: bool,
    /// Identities by access key ID.
    pub identities: BTreeMap<String, Identity>,
    /// Clients of `sso-oidc` by client ID.
    pub clients: BTreeMap<String, Client>,
    /// Device authorizations by device code.
    pub devices: BTreeMap<String, Device>,
    /// Authorization codes of `sso-oidc` by code.
    pub codes: BTreeMap<String, AuthorizationCode>,
    /// Sessions of the access portal by access token.
    pub sessions: BTreeMap<String, PortalSession>,
    /// Client ID, instance ARN and user ID by refresh token of `sso-oidc`.
    pub refresh_tokens: BTreeMap<String, (String, String, String)>,
    /// The person who does the tasks that no API covers.
    pub person: Person,
    /// The credentials of the account's root user.
    pub root_user: RootUser,
    /// The trails of all Regions.
    pub trails: Vec<Trail>,
    /// S3 buckets by name. Buckets of other accounts only make their names unavailable.
    pub buckets: BTreeMap<String, Bucket>,
    /// Browser sessions of the access portal by cookie value.
    pub browser_sessions: BTreeMap<String, BrowserSession>,
    /// The emails that were sent, oldest first.
    pub mails: Vec<Mail>,
    /// Console sessions that programs use through `aws login`, by refresh token.
    pub login_sessions: BTreeMap<String, LoginSession>,
    /// Authorization codes of AWS Sign-In by code.
    pub login_codes: BTreeMap<String, LoginCode>,
    /// When each recent write happened, by a key that identifies the resource. Reads may not return it yet.
    pub written: BTreeMap<String, Timestamp>,
    /// How often the status of each pending operation was read, by request ID or trail ARN. Used with
    /// [`Timing::polls`].
    pub polls: BTreeMap<String, u32>,
    /// How long asynchronous changes take.
    pub timing: Timing,
    /// The generator of identifiers.
    pub ids: Ids,
    /// The server's URL, used in the links that it returns. The server sets it when it starts.
    pub base_url: String,
}

impl Cloud {
    /// Returns the partition of ARNs, which follows from the Region.
    pub fn partition(&self) -> &'static str {
        match self.region.as_str() {
            region if region.starts_with("cn-") => "aws-cn",
            region if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        }
    }

    /// Issues credentials for an identity.
    pub fn issue(&mut self, identity: Identity) -> Credentials {
        let credentials = Credentials {
            access_key_id: self.ids.access_key_id(),
            secret_access_key: self.ids.alphanumeric(40),
            session_token: format!("rehearsal{}", self.ids.alphanumeric(60)),
        };
        self.identities.insert(credentials.access_key_id.clone(), identity);
        credentials
    }

    /// Returns the identity of the account's root user.
    pub fn root(&self) -> Identity {
        Identity {
            arn: format!("arn:{}:iam::{}:root", self.partition(), self.account.id),
            account: self.account.id.clone(),
            user_id: self.account.id.clone(),
            expires: None,
            denied: Vec::new(),
        }
    }

    /// Starts a console session of twelve hours for this identity, and returns its refresh token. If `proof` is given,
    /// only the holder of this public key can use the token.
    pub fn start_login_session(&mut self, identity: &Identity, proof: Option<&Value>, now: Timestamp) -> String {
        let token = self.ids.alphanumeric(64);
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

    /// Enables Identity Center in this Region, as **Enable** in the console does, and returns the ARN of the instance.
    pub fn enable(&mut self, region: &str, now: Timestamp) -> String {
        let arn = format!("arn:{}:sso:::instance/ssoins-{}", self.partition(), self.ids.hex(16));
        let store = format!("d-{}", self.ids.hex(10));
        let owner = self.account.id.clone();
        self.instances.push(Instance {
            active_at: now + self.timing.enabling,
            ..Instance::new(arn.clone(), region.to_owned(), owner, store, now)
        });
        arn
    }

    /// Returns whether the account is the management account of its organization.
    pub fn is_management_account(&self) -> bool {
        self.organization
            .as_ref()
            .is_some_and(|organization| organization.management_account == self.account.id)
    }

    /// Returns whether an account administers Identity Center for the organization.
    pub fn is_delegated_administrator(&self, account: &str) -> bool {
        let delegations = self.delegated_administrators.iter();
        let mut of_account = delegations.filter(|delegation| delegation.account == account);
        of_account.any(|delegation| delegation.service == "sso.amazonaws.com")
    }

    /// Returns the instance with this ARN.
    pub fn instance(&self, arn: &str) -> Option<&Instance> {
        self.instances.iter().find(|instance| instance.arn == arn)
    }

    /// Returns the identity store with this ID or ARN.
    pub fn store_mut(&mut self, id: &str) -> Option<&mut IdentityStore> {
        let id = id.rsplit('/').next().unwrap_or(id);
        self.instances
            .iter_mut()
            .map(|instance| &mut instance.store)
            .find(|store| store.id == id)
    }

    /// Records a write, so that reads return it only when it has propagated.
    pub fn record_write(&mut self, key: String, at: Timestamp) {
        if !self.timing.propagation.is_zero() {
            self.written.insert(key, at);
        }
    }

    /// Returns whether reads return the resource with this key: its last write has propagated, or was never recorded.
    pub fn has_propagated(&self, key: &str, now: Timestamp) -> bool {
        self.written
            .get(key)
            .is_none_or(|at| *at + self.timing.propagation <= now)
    }

    /// Returns whether an operation is finished: by its due time, or with [`Timing::polls`] by the number of polls.
    pub fn is_finished(&self, key: &str, due: Timestamp, now: Timestamp) -> bool {
        match self.timing.polls {
            Some(required) => self.polls.get(key).is_some_and(|polls| *polls >= required),
            None => due <= now,
        }
    }

    /// Records that a client has read the status of a pending operation.
    pub fn record_poll(&mut self, key: &str) {
        if self.timing.polls.is_some() {
            *self.polls.entry(key.to_owned()).or_default() += 1;
        }
    }

    /// Returns when a role change that is requested now completes. An account changes one role at a time.
    pub fn next_completion(&self, account: &str, now: Timestamp) -> Timestamp {
        let busy_until = self
            .operations
            .iter()
            .filter(|operation| operation.outcome == Outcome::Pending && operation.subject.account == account)
            .map(|operation| operation.due)
            .max();
        busy_until.unwrap_or(now).max(now) + self.timing.provisioning
    }

    /// Returns the accounts and permission sets that are assigned to a user, directly or through a group, and
    /// provisioned. They are sorted by account ID and permission set name.
    pub fn access_of(&self, instance: &str, user: &str) -> Vec<(&Account, &PermissionSet, &Role)> {
        self.access(instance, user, |_| true)
    }

    /// Like [`access_of`](Self::access_of), in one account.
    pub fn access_in(&self, instance: &str, user: &str, account: &str) -> Vec<(&Account, &PermissionSet, &Role)> {
        self.access(instance, user, |assignment| assignment.account == account)
    }

    fn access(
        &self,
        instance: &str,
        user: &str,
        is_wanted: impl Fn(&Assignment) -> bool,
    ) -> Vec<(&Account, &PermissionSet, &Role)> {
        let Some(instance) = self.instance(instance) else {
            return Vec::new();
        };
        let groups: Vec<&str> = instance
            .store
            .memberships
            .values()
            .filter(|membership| membership.user == user)
            .map(|membership| membership.group.as_str())
            .collect();
        let mut access: Vec<_> = self
            .assignments
            .iter()
            .filter(|assignment| is_wanted(assignment))
            .filter(|assignment| assignment.principal == user || groups.contains(&assignment.principal.as_str()))
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

    /// Returns the accounts of the organization, or the single account if there is no organization.
    pub fn all_accounts(&self) -> impl Iterator<Item = &Account> {
        let standalone = self.accounts.is_empty().then_some(&self.account);
        standalone.into_iter().chain(self.accounts.iter())
    }
}
