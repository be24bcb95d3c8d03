//! The body of the commands of `access` in JSON, and the events of `access apply --events`.

use schemars::JsonSchema;
use serde::Serialize;

use super::policies::PolicyDiff;
use super::tasks::TaskOut;
use super::view::PlanView;
use super::words::{self, Kind};
use crate::access::apply::Outcome;
use crate::access::drift::{Drift, DriftKind, DriftSubject};
use crate::access::explain::{Way, WayState};
use crate::access::file::PrincipalName;
use crate::access::mistake::{Mistake, Place};
use crate::access::plan::{Action, Change, Note, NoteKind, Refusal, RefusalReason};
use crate::aws::connect::Caller;
use crate::exit_code::ExitCode;
use crate::ids::{AccountId, Principal};
use crate::next_step::{Invocation, NextStepOut};
use crate::resources::inventory::Accounts;
use crate::user_error::{ServiceMessage, UserError, UserErrorKind};

/// The body of the commands of `access`. What a command does not find out is null or empty.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct AccessBody {
    /// The identity whose credentials the command used.
    pub caller: Option<Caller>,
    /// The name of the access file.
    pub name: Option<String>,
    /// The access file, and the files that it includes.
    pub files: Vec<String>,
    /// The mistakes in these files.
    pub mistakes: Vec<MistakeOut>,
    /// The plan, of `plan`, `apply`, `adopt` and `remove`.
    pub plan: Option<PlanOut>,
    /// What was applied, of `apply` and `adopt`.
    pub outcome: Option<OutcomeOut>,
    /// What only people can do after `apply`.
    pub tasks: Vec<TaskOut>,
    /// What others have changed, of `drift`.
    pub drift: Vec<DriftOut>,
    /// What people should know, of `drift`. A plan has its own notes.
    pub notes: Vec<NoteOut>,
    /// The ways in which the user or group gets access, of `explain`.
    pub ways: Vec<WayOut>,
    /// What is taken out of the files, of `remove`.
    pub removal: Option<RemovalOut>,
    /// The IAM policy, of `plan --policy`.
    pub policy: Option<serde_json::Value>,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PlaceOut {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl PlaceOut {
    /// Converts a place.
    pub fn of(place: &Place) -> Self {
        Self {
            file: place.file.display().to_string(),
            line: place.line,
            column: place.column,
        }
    }
}

/// A mistake in a file.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MistakeOut {
    /// Where it is.
    pub place: PlaceOut,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub suggestion: String,
}

impl MistakeOut {
    /// Converts a mistake.
    pub fn of(mistake: &Mistake) -> Self {
        Self {
            place: PlaceOut::of(&mistake.place),
            message: mistake.message.clone(),
            suggestion: mistake.suggestion.clone(),
        }
    }
}

/// A plan.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PlanOut {
    /// What is assumed, with `--without-user`, `--move` and `--as-of`.
    pub assumptions: Vec<String>,
    /// The changes, in the order in which they are applied.
    pub changes: Vec<ChangeOut>,
    /// What is no longer wanted, and stays without `--prune`.
    pub unpruned: Vec<ChangeOut>,
    /// What differs and is not changed.
    pub refusals: Vec<RefusalOut>,
    /// What people should know.
    pub notes: Vec<NoteOut>,
    /// The number of users, groups, memberships, permission sets and assignments that are as the file says.
    pub unchanged: usize,
    /// The number of assignments that are not made, because their user or group is refused.
    pub not_made: usize,
    /// The estimated number of calls.
    pub estimated_calls: usize,
    /// The estimated time in seconds, from the quotas of Identity Center.
    pub estimated_seconds: u64,
}

impl PlanOut {
    /// Converts a plan.
    pub fn of(view: &PlanView) -> Self {
        let (plan, accounts) = (view.plan, &view.inventory.accounts);
        Self {
            assumptions: view.assumptions.to_vec(),
            changes: plan
                .changes
                .iter()
                .map(|change| ChangeOut::of(change, accounts))
                .collect(),
            unpruned: plan
                .unpruned
                .iter()
                .map(|change| ChangeOut::of(change, accounts))
                .collect(),
            refusals: plan.refusals.iter().map(RefusalOut::of).collect(),
            notes: plan.notes.iter().map(NoteOut::of).collect(),
            unchanged: plan.unchanged,
            not_made: plan.not_made,
            estimated_calls: view.calls,
            estimated_seconds: view.duration.as_secs(),
        }
    }
}

/// A change.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChangeOut {
    /// The kind.
    pub kind: Kind,
    /// Whether it removes something.
    pub is_deletion: bool,
    /// The change in words.
    pub sentence: String,
    /// The name of the user that is changed, or who gets or loses access.
    pub user: Option<String>,
    /// The name of the group that is changed, or that gets or loses access.
    pub group: Option<String>,
    /// The name of the permission set.
    pub permission_set: Option<String>,
    /// The account of an assignment.
    pub account: Option<AccountId>,
    /// The ID of the user or group of an assignment that no longer exists.
    pub deleted_principal: Option<String>,
    /// How the inline policy of the permission set changes.
    pub inline_policy: Option<PolicyOut>,
    /// The line of the file that asks for it.
    pub place: Option<PlaceOut>,
}

/// How an inline policy changes.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PolicyOut {
    /// The policy as it is, as JSON with one value a line; null without one.
    pub before: Option<String>,
    /// The policy that the file has; null without one.
    pub after: Option<String>,
    /// The unified diff.
    pub diff: String,
}

impl PolicyOut {
    /// Converts a difference.
    pub fn of(diff: &PolicyDiff) -> Self {
        Self {
            before: diff.before().map(str::to_owned),
            after: diff.after().map(str::to_owned),
            diff: diff.text(),
        }
    }
}

impl ChangeOut {
    /// Converts a change.
    pub fn of(change: &Change, accounts: &Accounts) -> Self {
        let action = &change.action;
        let mut out = Self {
            kind: Kind::of(action),
            is_deletion: action.is_deletion(),
            sentence: words::sentence(action, accounts),
            user: None,
            group: None,
            permission_set: None,
            account: None,
            deleted_principal: None,
            inline_policy: PolicyDiff::of(change).as_ref().map(PolicyOut::of),
            place: change.place.as_ref().map(PlaceOut::of),
        };
        let set_principal = |out: &mut Self, name: &PrincipalName| match name {
            PrincipalName::User(user) => out.user = Some(user.clone()),
            PrincipalName::Group(group) => out.group = Some(group.clone()),
        };
        match action {
            Action::CreateUser(spec) => out.user = Some(spec.name.clone()),
            Action::UpdateUser { name, .. } | Action::DeleteUser { name, .. } => out.user = Some(name.clone()),
            Action::CreateGroup { name, .. } | Action::UpdateGroup { name, .. } | Action::DeleteGroup { name, .. } => {
                out.group = Some(name.clone());
            }
            Action::AddMember { group, user } | Action::RemoveMember { group, user, .. } => {
                out.group = Some(group.clone());
                out.user = Some(user.clone());
            }
            Action::CreatePermissionSet(spec) => out.permission_set = Some(spec.name.clone()),
            Action::UpdatePermissionSet { name, .. } | Action::DeletePermissionSet { name, .. } => {
                out.permission_set = Some(name.clone());
            }
            Action::CreateAssignment(assignment) => {
                out.permission_set = Some(assignment.permission_set.clone());
                out.account = Some(assignment.account.clone());
                set_principal(&mut out, &assignment.principal);
            }
            Action::DeleteAssignment {
                key,
                permission_set,
                principal,
            } => {
                out.permission_set = Some(permission_set.clone());
                out.account = Some(key.account.clone());
                match principal {
                    Some(name) => set_principal(&mut out, name),
                    None => out.deleted_principal = Some(Principal::id(&key.principal).to_owned()),
                }
            }
        }
        out
    }
}

/// Why something is not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReasonOut {
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
    /// A user or group does not exist.
    UnknownPrincipal,
    /// Another user has the same email address.
    EmailInUse,
    /// A permission set does not exist, and the file does not create it.
    UnknownPermissionSet,
    /// A permission set is still used by somebody else.
    InUse,
}

impl From<RefusalReason> for ReasonOut {
    fn from(reason: RefusalReason) -> Self {
        match reason {
            RefusalReason::OtherInstance => Self::OtherInstance,
            RefusalReason::NotOwned => Self::NotOwned,
            RefusalReason::Expired => Self::Expired,
            RefusalReason::OwnedByAnotherFile => Self::OwnedByAnotherFile,
            RefusalReason::External => Self::External,
            RefusalReason::Protected => Self::Protected,
            RefusalReason::OwnAccess => Self::OwnAccess,
            RefusalReason::TooManyDeletes => Self::TooManyDeletes,
            RefusalReason::UnknownPrincipal => Self::UnknownPrincipal,
            RefusalReason::EmailInUse => Self::EmailInUse,
            RefusalReason::UnknownPermissionSet => Self::UnknownPermissionSet,
            RefusalReason::InUse => Self::InUse,
        }
    }
}

/// Something that differs and is not changed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RefusalOut {
    /// Why it is not changed.
    pub reason: ReasonOut,
    /// What differs.
    pub what: String,
    /// What to do about it.
    pub suggestion: String,
    /// The line of the file.
    pub place: Option<PlaceOut>,
}

impl RefusalOut {
    /// Converts a refusal.
    pub fn of(refusal: &Refusal) -> Self {
        Self {
            reason: refusal.reason.into(),
            what: refusal.what.clone(),
            suggestion: refusal.suggestion.clone(),
            place: refusal.place.as_ref().map(PlaceOut::of),
        }
    }
}

/// What a note is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoteKindOut {
    /// The plan changes the permissions of the permission set that the caller is signed in with.
    OwnPermissions,
    /// A user who leaves keeps access.
    KeepsAccess,
    /// An account was skipped: it is not active, or it is the management account, which must be named explicitly.
    SkippedAccount,
    /// An assignment has reached its `until`.
    Expired,
    /// An assignment reaches its `until` soon.
    ExpiresSoon,
    /// A permission set is as the file says, and not owned.
    NotOwned,
    /// There is no permission set that can be taken over.
    NothingToAdopt,
    /// A rename needs a later apply to delete the old permission set.
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

impl From<NoteKind> for NoteKindOut {
    fn from(kind: NoteKind) -> Self {
        match kind {
            NoteKind::OwnPermissions => Self::OwnPermissions,
            NoteKind::KeepsAccess => Self::KeepsAccess,
            NoteKind::SkippedAccount => Self::SkippedAccount,
            NoteKind::Expired => Self::Expired,
            NoteKind::ExpiresSoon => Self::ExpiresSoon,
            NoteKind::NotOwned => Self::NotOwned,
            NoteKind::NothingToAdopt => Self::NothingToAdopt,
            NoteKind::RenamedLater => Self::RenamedLater,
            NoteKind::Ignored => Self::Ignored,
            NoteKind::NeedsPassword => Self::NeedsPassword,
            NoteKind::UnmatchedPattern => Self::UnmatchedPattern,
            NoteKind::Orphaned => Self::Orphaned,
            NoteKind::MayBeIncomplete => Self::MayBeIncomplete,
        }
    }
}

/// What people should know.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NoteOut {
    /// What it is about.
    pub kind: NoteKindOut,
    /// The note.
    pub text: String,
    /// The line of the file.
    pub place: Option<PlaceOut>,
}

impl NoteOut {
    /// Converts a note.
    pub fn of(note: &Note) -> Self {
        Self {
            kind: note.kind.into(),
            text: note.text.clone(),
            place: note.place.as_ref().map(PlaceOut::of),
        }
    }
}

/// What was applied.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OutcomeOut {
    /// The number of changes that were made.
    pub done: usize,
    /// The changes that failed.
    pub failed: Vec<FailedOut>,
    /// The changes that were not begun.
    pub not_begun: Vec<ChangeOut>,
    /// The changes that were begun and are not known to have ended, because the apply was ended at once.
    pub in_progress: Vec<ChangeOut>,
    /// Whether the user asked to end.
    pub stopped: bool,
    /// The number of requests to Identity Center.
    pub requests: u64,
    /// The number of requests that AWS refused because of its rate limit, and that were repeated.
    pub refused: u64,
}

/// A change that failed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FailedOut {
    /// The change.
    pub change: ChangeOut,
    /// The kind of error.
    pub kind: UserErrorKind,
    /// What happened.
    pub message: String,
    /// The error that AWS returned.
    pub aws: Option<ServiceMessage>,
    /// What to do next.
    pub next: Vec<NextStepOut>,
}

impl FailedOut {
    fn of(change: &Change, error: &UserError, accounts: &Accounts, invocation: &Invocation) -> Self {
        Self {
            change: ChangeOut::of(change, accounts),
            kind: error.kind,
            message: error.message.clone(),
            aws: error.aws.clone(),
            next: invocation.next_steps_out(&error.next),
        }
    }
}

impl OutcomeOut {
    /// Converts an outcome.
    pub fn of(outcome: &Outcome, accounts: &Accounts, invocation: &Invocation) -> Self {
        let failed = outcome.failed.iter();
        let changes = |changes: &[Change]| {
            let changes = changes.iter().map(|change| ChangeOut::of(change, accounts));
            changes.collect::<Vec<ChangeOut>>()
        };
        Self {
            done: outcome.done.len(),
            failed: failed
                .map(|(change, error)| FailedOut::of(change, error, accounts, invocation))
                .collect(),
            not_begun: changes(&outcome.not_begun),
            in_progress: changes(&outcome.in_progress),
            stopped: outcome.stopped,
            requests: outcome.requests,
            refused: outcome.refused,
        }
    }
}

/// The kind of drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DriftKindOut {
    /// Somebody else has changed it, or the file was not applied since.
    Changed,
    /// A permission set was edited, and the accounts do not have the change yet.
    NotProvisioned,
    /// It is assigned to a user, a group or an account that no longer exists.
    Gone,
}

impl From<DriftKind> for DriftKindOut {
    fn from(kind: DriftKind) -> Self {
        match kind {
            DriftKind::Changed => Self::Changed,
            DriftKind::NotProvisioned => Self::NotProvisioned,
            DriftKind::Gone => Self::Gone,
        }
    }
}

/// Something that is not as the file says.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DriftOut {
    /// The kind.
    pub kind: DriftKindOut,
    /// Who and what, as a sentence.
    pub text: String,
    /// How applying the file would change the inline policy of the permission set.
    pub inline_policy: Option<PolicyOut>,
    /// The name of the user who has or lacks access, or who is or is not in the group.
    pub user: Option<String>,
    /// The name of the group that has or lacks access, or whose members differ.
    pub group: Option<String>,
    /// The name of the permission set.
    pub permission_set: Option<String>,
    /// The setting of the permission set that differs.
    pub setting: Option<String>,
    /// The account of an assignment.
    pub account: Option<AccountId>,
    /// The accounts that have an earlier version of the permission set.
    pub accounts: Vec<AccountId>,
    /// The line of the file.
    pub place: Option<PlaceOut>,
}

impl DriftOut {
    /// Converts drift.
    pub fn of(drift: &Drift) -> Self {
        let mut out = Self {
            kind: drift.kind.into(),
            text: drift.text.clone(),
            inline_policy: PolicyDiff::of_drift(drift).as_ref().map(PolicyOut::of),
            user: None,
            group: None,
            permission_set: None,
            setting: None,
            account: None,
            accounts: Vec::new(),
            place: drift.place.as_ref().map(PlaceOut::of),
        };
        match &drift.what {
            DriftSubject::User { name } => out.user = Some(name.clone()),
            DriftSubject::Group { name } => out.group = Some(name.clone()),
            DriftSubject::PermissionSet { name } => out.permission_set = Some(name.clone()),
            DriftSubject::Setting {
                permission_set,
                setting,
            } => {
                out.permission_set = Some(permission_set.clone());
                out.setting = Some(setting.to_string());
            }
            DriftSubject::Roles {
                permission_set,
                accounts,
            } => {
                out.permission_set = Some(permission_set.clone());
                out.accounts = accounts.iter().cloned().collect();
            }
            DriftSubject::Assignment {
                account,
                permission_set,
                principal,
            } => {
                out.account = Some(account.clone());
                out.permission_set = Some(permission_set.clone());
                match principal {
                    Some(PrincipalName::User(name)) => out.user = Some(name.clone()),
                    Some(PrincipalName::Group(name)) => out.group = Some(name.clone()),
                    None => {}
                }
            }
            DriftSubject::Member { group, user } => {
                out.group = Some(group.clone());
                out.user.clone_from(user);
            }
        }
        out
    }
}

/// Whether access exists, and whether the file asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WayStateOut {
    /// The access exists, and the file asks for it.
    AsDesired,
    /// The file asks for it, and it does not exist yet.
    OnlyDesired,
    /// The access exists, and the file does not ask for it.
    NotDesired,
    /// The access exists in an account that is not active. The file asks for nothing there, whatever it lists.
    Inactive,
}

/// A way in which a user or group gets access.
#[derive(Debug, Serialize, JsonSchema)]
pub struct WayOut {
    /// Whether it exists.
    pub state: WayStateOut,
    /// The account.
    pub account: AccountId,
    /// The name of the account.
    pub account_name: Option<String>,
    /// The state of the account, such as `SUSPENDED`, if it is not active.
    pub account_state: Option<String>,
    /// The name of the permission set.
    pub permission_set: String,
    /// The group that the user gets it through; null if it is assigned directly.
    pub group: Option<String>,
    /// Where the file lists the group.
    pub group_place: Option<PlaceOut>,
    /// Where the file lists the user among the members of the group.
    pub member_place: Option<PlaceOut>,
    /// The lines of the files that ask for the assignment.
    pub lines: Vec<LineOut>,
    /// The line that asked for it until a day that has passed.
    pub expired_place: Option<PlaceOut>,
}

/// A line of a file that asks for an assignment.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LineOut {
    /// Where it is.
    pub place: PlaceOut,
    /// Why it exists.
    pub reason: Option<String>,
    /// From this day on (UTC), the line does not ask for it any more.
    pub until: Option<String>,
}

impl WayOut {
    /// Converts a way.
    pub fn of(way: &Way) -> Self {
        let lines = way.lines.iter().map(|line| LineOut {
            place: PlaceOut::of(&line.place),
            reason: line.reason.clone(),
            until: line.until.map(|day| day.to_string()),
        });
        let group = way.group.as_ref();
        let group_place = group.and_then(|group| group.place.as_ref());
        let listed = group.and_then(|group| group.listed.as_ref());
        Self {
            state: match way.state {
                WayState::AsDesired => WayStateOut::AsDesired,
                WayState::OnlyDesired => WayStateOut::OnlyDesired,
                WayState::NotDesired => WayStateOut::NotDesired,
                WayState::Inactive => WayStateOut::Inactive,
            },
            account: way.account.clone(),
            account_name: way.account_name.clone(),
            account_state: way.account_state.clone(),
            permission_set: way.permission_set.clone(),
            group: group.map(|group| group.name.clone()),
            group_place: group_place.map(PlaceOut::of),
            member_place: listed.map(PlaceOut::of),
            lines: lines.collect(),
            expired_place: way.expired.as_ref().map(|expired| PlaceOut::of(&expired.place)),
        }
    }
}

/// What is taken out of the files.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RemovalOut {
    /// The user.
    pub user: String,
    /// The edited files.
    pub edits: Vec<EditOut>,
    /// The places that named the user.
    pub places: Vec<PlaceOut>,
    /// The places that still name the user, in `protect`, in `ignore`, or as absent.
    pub kept: Vec<PlaceOut>,
    /// Whether the files were written.
    pub written: bool,
}

/// An edit of a file.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EditOut {
    /// The file.
    pub file: String,
    /// The unified diff.
    pub diff: String,
}

/// An event of `access apply --events`: one line of JSON on stderr.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The changes begin.
    Started {
        /// The number of changes.
        changes: usize,
        /// The estimated number of calls.
        estimated_calls: usize,
        /// The estimated time in seconds.
        estimated_seconds: u64,
    },
    /// A change begins.
    Begun {
        /// The change.
        change: ChangeOut,
    },
    /// A change was made.
    Done {
        /// The change.
        change: ChangeOut,
        /// The number of changes that have ended, with this one.
        ended: usize,
        /// The number of all changes.
        of: usize,
    },
    /// A change failed.
    Failed {
        /// The change.
        change: ChangeOut,
        /// What happened.
        message: String,
        /// The number of changes that have ended, with this one.
        ended: usize,
        /// The number of all changes.
        of: usize,
    },
    /// Changes are being processed by AWS.
    Waiting {
        /// The number of changes that AWS processes now.
        in_flight: usize,
        /// The number of changes that wait for their turn.
        queued: usize,
    },
    /// The user asked to end: what is in flight ends, and nothing else begins.
    Stopping,
    /// The last event of an apply that has a plan: it has ended, also if there was nothing to do.
    Ended {
        /// The number of changes that were made.
        done: usize,
        /// The number of changes that failed.
        failed: usize,
        /// The number of changes that were not begun.
        not_begun: usize,
        /// The number of changes that were begun and are not known to have ended.
        in_progress: usize,
        /// The exit code.
        exit: u8,
    },
}

impl Event {
    /// The last event.
    pub fn ended(outcome: &Outcome, exit: ExitCode) -> Self {
        Self::Ended {
            done: outcome.done.len(),
            failed: outcome.failed.len(),
            not_begun: outcome.not_begun.len(),
            in_progress: outcome.in_progress.len(),
            exit: exit.code(),
        }
    }
}
