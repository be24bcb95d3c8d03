//! What all parts of an apply share: the connection, the IDs of what exists, and who is told.

use std::cell::RefCell;
use std::collections::BTreeMap;

use tokio::sync::Mutex;

use super::outstanding::Outstanding;
use crate::access::file::PrincipalName;
use crate::access::live::INFO;
use crate::access::plan::{Action, Change};
use crate::ids::{AssignmentKey, GroupId, MembershipKey, PermissionSetArn, Principal, UserId};
use crate::next_step::SetupCommand;
use crate::reconcile::{Context, Instance};
use crate::resources::inventory::{Accounts, Inventory};
use crate::user_error::UserError;

/// What an apply tells while it runs.
pub trait Events {
    /// A change begins.
    fn begun(&self, _change: &Change) {}

    /// A change is done.
    fn done(&self, _change: &Change) {}

    /// A change failed for good.
    fn failed(&self, _change: &Change, _why: &UserError) {}

    /// This many assignment requests are in progress, and this many changes have not begun. Told at least every
    /// [`PROGRESS_LINES`](crate::limits::PROGRESS_LINES).
    fn waiting(&self, _in_progress: usize, _queued: usize) {}
}

/// The IDs of what exists, by name.
#[derive(Debug, Default)]
pub struct Ids {
    /// By name.
    pub users: BTreeMap<String, UserId>,
    /// By name.
    pub groups: BTreeMap<String, GroupId>,
    /// By name.
    pub permission_sets: BTreeMap<String, PermissionSetArn>,
}

impl Ids {
    /// The IDs of what was observed.
    pub fn of(inventory: &Inventory) -> Self {
        let users = inventory.users.iter();
        let groups = inventory.groups.iter();
        let sets = inventory.permission_sets.values();
        Self {
            users: users.map(|(id, user)| (user.name.clone(), id.clone())).collect(),
            groups: groups.map(|(id, group)| (group.name.clone(), id.clone())).collect(),
            permission_sets: sets.map(|set| (set.name.clone(), set.arn.clone())).collect(),
        }
    }

    /// A user or group.
    pub fn principal(&self, name: &PrincipalName) -> Option<Principal> {
        match name {
            PrincipalName::User(name) => self.users.get(name).cloned().map(Principal::User),
            PrincipalName::Group(name) => self.groups.get(name).cloned().map(Principal::Group),
        }
    }

    /// What identifies a membership, if the group and the user exist.
    pub fn membership(&self, group: &str, user: &str) -> Option<MembershipKey> {
        Some(MembershipKey {
            group: self.groups.get(group)?.clone(),
            user: self.users.get(user)?.clone(),
        })
    }

    /// What identifies the assignment that an action creates or deletes; `None` for other actions, and if something that it
    /// needs does not exist.
    pub fn assignment(&self, action: &Action) -> Option<AssignmentKey> {
        match action {
            Action::CreateAssignment(name) => Some(AssignmentKey {
                account: name.account.clone(),
                permission_set: self.permission_sets.get(&name.permission_set)?.clone(),
                principal: self.principal(&name.principal)?,
            }),
            Action::DeleteAssignment { key, .. } => Some(key.clone()),
            _ => None,
        }
    }
}

/// What all parts of an apply share.
pub struct Shared<'a> {
    /// The connection.
    pub context: &'a Context,
    /// The instance.
    pub instance: &'a Instance,
    /// The accounts, for messages.
    pub accounts: &'a Accounts,
    /// Who is told.
    pub events: &'a dyn Events,
    /// The IDs so far.
    pub ids: RefCell<Ids>,
    /// The number of accounts that have each permission set.
    pub roles: BTreeMap<PermissionSetArn, usize>,
    /// The turn to provision a permission set.
    pub provisioning: Mutex<()>,
    /// The permission sets whose settings were changed since this was last taken, by name. They may not be provisioned yet.
    pub updated: RefCell<Vec<String>>,
    /// The requests that AWS completes later.
    pub outstanding: Outstanding,
}

impl<'a> Shared<'a> {
    /// What an apply shares at its beginning.
    pub fn new(context: &'a Context, inventory: &'a Inventory, events: &'a dyn Events) -> Self {
        let sets = inventory.permission_sets.values();
        Self {
            context,
            instance: &inventory.instance,
            accounts: &inventory.accounts,
            events,
            ids: RefCell::new(Ids::of(inventory)),
            roles: sets.map(|set| (set.arn.clone(), set.accounts.len())).collect(),
            provisioning: Mutex::default(),
            updated: RefCell::default(),
            outstanding: Outstanding::new(),
        }
    }
}

/// The error for a change that needs something which does not exist.
pub fn missing(what: &str) -> UserError {
    UserError::failed(
        format!("{}: this change needs {what}, which does not exist.", INFO.name()),
        SetupCommand::again(),
    )
}
