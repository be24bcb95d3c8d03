//! A plan: the changes, what is refused, and what people should know.

use std::collections::BTreeSet;

use crate::access::adoption::CommandLines;
use crate::access::desired::AssignmentName;
use crate::access::file::PrincipalName;
use crate::access::mistake::Place;
use crate::ids::{AccountId, AssignmentKey, GroupId, MembershipId, MembershipKey, PermissionSetArn, Principal, UserId};
use crate::reconcile::FieldChange;
use crate::resources::permission_set::PermissionSetSpec;
use crate::resources::user::UserSpec;

/// What the plan may contain.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Whether what is no longer wanted is deleted.
    pub prune: bool,
    /// The maximum number of deletions, in place of the file's `max-deletes`.
    pub max_deletes: Option<u32>,
    /// Who applies it, if that is a session of the access portal: their own access is never deleted.
    pub caller: Option<CallerAccess>,
    /// The name of another access file, whose permission sets this one may take over.
    pub adopt_from: Option<String>,
    /// The commands that the plan suggests.
    pub commands: CommandLines,
}

/// The access that the caller uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerAccess {
    /// The user name.
    pub user: String,
    /// The account.
    pub account: AccountId,
    /// The name of the permission set.
    pub permission_set: String,
}

/// A plan.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// The changes, in the order in which they are applied: users, groups, members, permission sets, assignments, and
    /// then what is removed.
    ///
    /// A change that is removed or deleted can replace one that is created before it. If creating an assignment or adding a
    /// member fails, nothing of the same permission set, or of the same group, may be deleted.
    pub changes: Vec<Change>,
    /// What is no longer wanted and stays, because the plan was made without `--prune`, or because a limit of deletions
    /// holds it back ([`RefusalReason::TooManyDeletes`]).
    pub unpruned: Vec<Change>,
    /// What differs and is not changed.
    pub refusals: Vec<Refusal>,
    /// What people should know, and that needs no change.
    pub notes: Vec<Note>,
    /// The number of desired users, groups, memberships, permission sets and assignments that are as desired.
    pub unchanged: usize,
    /// The number of desired assignments that are not made, because the plan refuses the user or group.
    pub not_made: usize,
    /// Whether there are more deletions than the limits allow, with `--prune` or without.
    pub exceeds_limit: bool,
}

impl Plan {
    /// Whether everything is as the file says.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.unpruned.is_empty() && self.refusals.is_empty()
    }

    /// The number of permission sets with a new name whose old one a later apply deletes.
    pub fn renamed_later(&self) -> usize {
        let notes = self.notes.iter();
        notes.filter(|note| note.kind == NoteKind::RenamedLater).count()
    }
}

/// A change, with the line of the file that asks for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// What is changed.
    pub action: Action,
    /// Where the file asks for it; `None` for what the file does not mention.
    pub place: Option<Place>,
}

/// What is changed.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Create a user.
    CreateUser(UserSpec),
    /// Change attributes of a user, among them its name.
    UpdateUser {
        /// The user.
        id: UserId,
        /// The name that it has now.
        name: String,
        /// The attributes.
        changes: Vec<AttributeChange>,
    },
    /// Create a group.
    CreateGroup {
        /// The name.
        name: String,
        /// The description.
        description: Option<String>,
    },
    /// Change attributes of a group, among them its name.
    UpdateGroup {
        /// The group.
        id: GroupId,
        /// The name that it has now.
        name: String,
        /// The attributes.
        changes: Vec<AttributeChange>,
    },
    /// Add a user to a group.
    AddMember {
        /// The name of the group, after renames.
        group: String,
        /// The user name, after renames.
        user: String,
    },
    /// Create a permission set.
    CreatePermissionSet(PermissionSetSpec),
    /// Change settings of a permission set, and provision it once.
    UpdatePermissionSet {
        /// The permission set.
        arn: PermissionSetArn,
        /// Its name.
        name: String,
        /// The changes, in the order in which they are made; [`FieldChange::Provision`] is the last one.
        changes: Vec<FieldChange>,
        /// Whether it becomes owned by the file.
        adopts: bool,
        /// The accounts to provision; `None` for all that have it. Accounts that are ignored or not active are left out.
        provision_in: Option<BTreeSet<AccountId>>,
    },
    /// Create an assignment.
    CreateAssignment(AssignmentName),
    /// Remove a user from a group.
    RemoveMember {
        /// The membership.
        id: MembershipId,
        /// The group and the user.
        key: MembershipKey,
        /// The name of the group.
        group: String,
        /// The user name; the ID if the user does not exist.
        user: String,
    },
    /// Delete an assignment.
    DeleteAssignment {
        /// The assignment.
        key: AssignmentKey,
        /// The name of the permission set.
        permission_set: String,
        /// Who has access; `None` if the user or group no longer exists.
        principal: Option<PrincipalName>,
    },
    /// Delete a permission set.
    DeletePermissionSet {
        /// The permission set.
        arn: PermissionSetArn,
        /// Its name.
        name: String,
    },
    /// Delete a group.
    DeleteGroup {
        /// The group.
        id: GroupId,
        /// Its name.
        name: String,
    },
    /// Delete a user.
    DeleteUser {
        /// The user.
        id: UserId,
        /// Its name.
        name: String,
    },
}

impl Action {
    /// Whether it removes something.
    pub fn is_deletion(&self) -> bool {
        matches!(
            self,
            Self::RemoveMember { .. }
                | Self::DeleteAssignment { .. }
                | Self::DeletePermissionSet { .. }
                | Self::DeleteGroup { .. }
                | Self::DeleteUser { .. }
        )
    }

    /// The user or group that it deletes.
    pub fn deleted_principal(&self) -> Option<Principal> {
        match self {
            Self::DeleteGroup { id, .. } => Some(Principal::Group(id.clone())),
            Self::DeleteUser { id, .. } => Some(Principal::User(id.clone())),
            _ => None,
        }
    }
}

/// The change of an attribute of a user or group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeChange {
    /// The attribute.
    pub attribute: Attribute,
    /// The observed value; `None` if it is absent.
    pub before: Option<String>,
    /// The wanted value.
    pub after: String,
}

/// An attribute of a user or group that the file can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attribute {
    /// The user name, or the name of the group.
    Name,
    /// The email address.
    Email,
    /// The first name.
    GivenName,
    /// The last name.
    FamilyName,
    /// The name that the access portal shows.
    DisplayName,
    /// The description of a group.
    Description,
}

/// Something that differs and is not changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// Why it is not changed.
    pub reason: RefusalReason,
    /// What differs, as a sentence.
    pub what: String,
    /// What to do about it, as a sentence.
    pub suggestion: String,
    /// The line of the file.
    pub place: Option<Place>,
    /// The assignment, if the reason is [`RefusalReason::Expired`].
    pub assignment: Option<AssignmentName>,
}

/// Why something is not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefusalReason {
    /// The instance is not the one that the file names.
    OtherInstance,
    /// A permission set of the same name is not owned by this file, and differs.
    NotOwned,
    /// An assignment has reached its `until`, and the file does not own it.
    Expired,
    /// A permission set is owned by another access file.
    OwnedByAnotherFile,
    /// An external identity provider manages it.
    External,
    /// `protect` names it.
    Protected,
    /// It would delete the access that the caller uses, or change its permissions without consent.
    OwnAccess,
    /// More deletions than `max-deletes` or `max-delete-percent` allow.
    TooManyDeletes,
    /// A user or group that the file refers to, and does not create, does not exist.
    UnknownPrincipal,
    /// A permission set is still used by an assignment that the file does not own.
    InUse,
    /// Another user has the same email address.
    EmailInUse,
    /// A permission set that an assignment names does not exist, and the file does not create it.
    UnknownPermissionSet,
}

/// What people should know.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    /// What it is about.
    pub kind: NoteKind,
    /// A sentence.
    pub text: String,
    /// The line of the file.
    pub place: Option<Place>,
}

/// What a note is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoteKind {
    /// The plan changes the permissions of the permission set that the caller is signed in with.
    OwnPermissions,
    /// A user who leaves keeps access.
    KeepsAccess,
    /// An account was skipped: it is not active, or it is the management account, which must be named explicitly.
    SkippedAccount,
    /// An assignment has reached its `until`.
    Expired,
    /// An assignment reaches its `until` within 14 days.
    ExpiresSoon,
    /// A permission set is equal to the file, and not owned.
    NotOwned,
    /// There is no permission set that can be taken over.
    NothingToAdopt,
    /// A rename needs a later apply to remove the old permission set.
    RenamedLater,
    /// Something is ignored because `ignore` names it.
    Ignored,
    /// A new user needs a password before the first sign-in.
    NeedsPassword,
    /// A pattern of `protect` or `ignore` matches nothing.
    UnmatchedPattern,
    /// A deleted user or group still has an assignment that the file does not own.
    Orphaned,
    /// Not every assignment of a user or group that no longer exists was read.
    MayBeIncomplete,
}
