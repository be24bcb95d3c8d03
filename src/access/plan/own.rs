//! Changes of the permission set that the caller is signed in with.

use super::change::{Action, Change, NoteKind, Plan, Refusal, RefusalReason};
use crate::progress::Setting;
use crate::reconcile::FieldChange;

impl Plan {
    /// Whether the plan changes the permissions of the permission set with this name.
    pub fn changes_permissions_of(&self, permission_set: &str) -> bool {
        self.changes
            .iter()
            .any(|change| changes_permissions(&change.action, permission_set))
    }

    /// Leaves the permission set with this name as it is, if the plan changes its permissions, and says so.
    pub fn keep_permissions_of(&mut self, permission_set: &str, suggestion: &str) {
        let (own, others): (Vec<Change>, Vec<Change>) = std::mem::take(&mut self.changes)
            .into_iter()
            .partition(|change| changes_permissions(&change.action, permission_set));
        self.changes = others;
        if own.is_empty() {
            return;
        }
        self.notes.retain(|note| note.kind != NoteKind::OwnPermissions);
        self.refusals.extend(own.into_iter().map(|change| Refusal {
            reason: RefusalReason::OwnAccess,
            what: format!(
                "It changes the permissions of the permission set {permission_set}, which you are signed in with."
            ),
            suggestion: suggestion.to_owned(),
            place: change.place,
            assignment: None,
        }));
    }
}

/// Whether a change gives or takes permissions of the permission set with this name.
pub(super) fn changes_permissions(action: &Action, permission_set: &str) -> bool {
    let Action::UpdatePermissionSet { name, changes, .. } = action else {
        return false;
    };
    let is_permission = |setting: &Setting| {
        matches!(
            setting,
            Setting::Policy(_)
                | Setting::CustomerManagedPolicy(_)
                | Setting::InlinePolicy
                | Setting::PermissionsBoundary
        )
    };
    let mut settings = changes.iter().flat_map(FieldChange::settings);
    name == permission_set && settings.any(|change| is_permission(&change.setting))
}
