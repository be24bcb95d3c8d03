//! Changes in words.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::access::apply::Outcome;
use crate::access::file::PrincipalName;
use crate::access::mistake::Place;
use crate::access::plan::{Action, Attribute, AttributeChange};
use crate::answers::values::SessionDuration;
use crate::ids::{AccountId, Principal};
use crate::progress::Setting;
use crate::reconcile::{FieldChange, SettingChange};
use crate::resources::inventory::{ACCESS_TAG, ASSIGNMENTS_TAG, Accounts};
use crate::text::{duration_text, listed};

/// The kind of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A user is created.
    CreateUser,
    /// Attributes of a user are changed.
    UpdateUser,
    /// A group is created.
    CreateGroup,
    /// Attributes of a group are changed.
    UpdateGroup,
    /// A user is added to a group.
    AddMember,
    /// A permission set is created.
    CreatePermissionSet,
    /// Settings of a permission set are changed.
    UpdatePermissionSet,
    /// An assignment is created.
    CreateAssignment,
    /// A user is removed from a group.
    RemoveMember,
    /// An assignment is deleted.
    DeleteAssignment,
    /// A permission set is deleted.
    DeletePermissionSet,
    /// A group is deleted.
    DeleteGroup,
    /// A user is deleted.
    DeleteUser,
}

impl Kind {
    /// The kind of an action.
    pub fn of(action: &Action) -> Self {
        match action {
            Action::CreateUser(_) => Self::CreateUser,
            Action::UpdateUser { .. } => Self::UpdateUser,
            Action::CreateGroup { .. } => Self::CreateGroup,
            Action::UpdateGroup { .. } => Self::UpdateGroup,
            Action::AddMember { .. } => Self::AddMember,
            Action::CreatePermissionSet(_) => Self::CreatePermissionSet,
            Action::UpdatePermissionSet { .. } => Self::UpdatePermissionSet,
            Action::CreateAssignment(_) => Self::CreateAssignment,
            Action::RemoveMember { .. } => Self::RemoveMember,
            Action::DeleteAssignment { .. } => Self::DeleteAssignment,
            Action::DeletePermissionSet { .. } => Self::DeletePermissionSet,
            Action::DeleteGroup { .. } => Self::DeleteGroup,
            Action::DeleteUser { .. } => Self::DeleteUser,
        }
    }
}

/// `1 user`, `3 users`.
pub fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// `1 request`, `3 requests, 2 slowed down by AWS`.
pub fn requests(outcome: &Outcome) -> String {
    let plural = if outcome.requests == 1 { "" } else { "s" };
    let refused = match outcome.refused {
        0 => String::new(),
        count => format!(", {count} slowed down by AWS"),
    };
    format!("{} request{plural}{refused}", outcome.requests)
}

/// A duration that is only known roughly: `40 seconds`, `3 minutes`.
pub fn rough_time(time: Duration) -> String {
    // From two minutes on, seconds say nothing.
    let seconds = match time.as_secs() {
        0 => 1,
        seconds if seconds >= 120 => seconds.div_ceil(60) * 60,
        seconds => seconds,
    };
    duration_text(Duration::from_secs(seconds))
}

/// Accounts by their names, and those with the same name by their IDs.
pub fn by_name<'i>(accounts: &Accounts, ids: impl IntoIterator<Item = &'i AccountId>) -> Vec<&'i AccountId> {
    let mut ids: Vec<&AccountId> = ids.into_iter().collect();
    let name = |id: &AccountId| accounts.all.get(id).map_or("", |account| account.name.as_str());
    ids.sort_by(|one, other| (name(one), *one).cmp(&(name(other), *other)));
    ids
}

/// `group platform`, `user ada`.
pub fn principal(name: &PrincipalName) -> String {
    match name {
        PrincipalName::User(name) => format!("user {name}"),
        PrincipalName::Group(name) => format!("group {name}"),
    }
}

/// A user or group that no longer exists.
pub fn gone(principal: &Principal) -> String {
    match principal {
        Principal::User(id) => format!("deleted user {id}"),
        Principal::Group(id) => format!("deleted group {id}"),
    }
}

/// ` (access.toml:12:1)`, or nothing.
pub fn at(place: Option<&Place>) -> String {
    place.map_or_else(String::new, |place| format!(" ({place})"))
}

/// A change as a sentence.
pub fn sentence(action: &Action, accounts: &Accounts) -> String {
    match action {
        Action::CreateUser(spec) => format!("Create the user {}.", spec.name),
        Action::UpdateUser { name, changes, .. } => format!("Change the user {name}: {}.", attributes(changes)),
        Action::CreateGroup { name, .. } => format!("Create the group {name}."),
        Action::UpdateGroup { name, changes, .. } => format!("Change the group {name}: {}.", attributes(changes)),
        Action::AddMember { group, user } => format!("Add {user} to the group {group}."),
        Action::CreatePermissionSet(spec) => format!("Create the permission set {}.", spec.name),
        Action::UpdatePermissionSet {
            name, changes, adopts, ..
        } => {
            let verb = if *adopts { "Take over" } else { "Change" };
            format!("{verb} the permission set {name}: {}.", fields(changes))
        }
        Action::CreateAssignment(assignment) => format!(
            "Give the {} {} in {}.",
            principal(&assignment.principal),
            assignment.permission_set,
            accounts.text(&assignment.account)
        ),
        Action::RemoveMember { group, user, .. } => format!("Remove {user} from the group {group}."),
        Action::DeleteAssignment {
            key,
            permission_set,
            principal: name,
        } => format!(
            "Take {permission_set} in {} from the {}.",
            accounts.text(&key.account),
            name.as_ref().map_or_else(|| gone(&key.principal), principal)
        ),
        Action::DeletePermissionSet { name, .. } => format!("Delete the permission set {name}."),
        Action::DeleteGroup { name, .. } => format!("Delete the group {name}."),
        Action::DeleteUser { name, .. } => {
            format!("Delete the user {name}, including the password and all MFA devices.")
        }
    }
}

/// A change of a user, group, membership or permission set as an item of a list; `None` for an assignment.
pub fn item(action: &Action) -> Option<String> {
    let item = match action {
        Action::CreateUser(spec) => {
            let full = format!("{} {}", spec.given_name, spec.family_name);
            let details = [full.trim(), spec.email.as_str()];
            let details: Vec<&str> = details.into_iter().filter(|text| !text.is_empty()).collect();
            format!("user {} ({})", spec.name, details.join(", "))
        }
        Action::UpdateUser { name, changes, .. } => format!("user {name}: {}", attributes(changes)),
        Action::DeleteUser { name, .. } => format!("user {name}, including the password and all MFA devices"),
        Action::CreateGroup { name, description } => match description {
            Some(description) => format!("group {name}: {description}"),
            None => format!("group {name}"),
        },
        Action::UpdateGroup { name, changes, .. } => format!("group {name}: {}", attributes(changes)),
        Action::DeleteGroup { name, .. } => format!("group {name}"),
        Action::AddMember { group, user } | Action::RemoveMember { group, user, .. } => {
            format!("{user} in group {group}")
        }
        Action::CreatePermissionSet(spec) => {
            let duration = spec
                .duration
                .map_or_else(String::new, |duration| format!(", sessions of {duration}"));
            let managed = spec.managed_policies.iter().flatten();
            let customer = spec.customer_managed_policies.iter().flatten();
            let inline = spec.inline_policy.as_ref().filter(|policy| !policy.is_empty());
            let policies: Vec<String> = managed
                .chain(customer)
                .map(|policy| short_policy(policy).to_owned())
                .chain(inline.map(|_| "an inline policy".to_owned()))
                .collect();
            let policies = if policies.is_empty() {
                "no policy".to_owned()
            } else {
                listed(&policies)
            };
            format!("permission set {}: {policies}{duration}", spec.name)
        }
        Action::UpdatePermissionSet {
            name, changes, adopts, ..
        } => {
            let adopted = if *adopts { "taken over, " } else { "" };
            format!("permission set {name}: {adopted}{}", fields(changes))
        }
        Action::DeletePermissionSet { name, .. } => format!("permission set {name}"),
        Action::CreateAssignment(_) | Action::DeleteAssignment { .. } => return None,
    };
    Some(item)
}

/// A change of any kind as an item of a list, in the form of [`item`].
pub fn entry(action: &Action, accounts: &Accounts) -> String {
    let assignment = |who: &str, permission_set: &str, id: &AccountId| {
        let account = accounts.text(id);
        format!("{who}: {permission_set} in {account}")
    };
    match action {
        Action::CreateAssignment(name) => assignment(&principal(&name.principal), &name.permission_set, &name.account),
        Action::DeleteAssignment {
            key,
            permission_set,
            principal: name,
        } => {
            let who = name.as_ref().map_or_else(|| gone(&key.principal), principal);
            assignment(&who, permission_set, &key.account)
        }
        _ => item(action).unwrap_or_default(),
    }
}

fn attributes(changes: &[AttributeChange]) -> String {
    let texts = changes.iter().map(|change| {
        let name = match change.attribute {
            Attribute::Name => "name",
            Attribute::Email => "email",
            Attribute::GivenName => "first name",
            Attribute::FamilyName => "last name",
            Attribute::DisplayName => "display name",
            Attribute::Description => "description",
        };
        arrow(name, change.before.as_deref(), Some(&change.after))
    });
    texts.collect::<Vec<_>>().join("; ")
}

fn arrow(name: &str, before: Option<&str>, after: Option<&str>) -> String {
    let shown = |value: Option<&str>| value.filter(|value| !value.is_empty()).unwrap_or("none").to_owned();
    format!("{name} {} → {}", shown(before), shown(after))
}

/// What an update of a permission set changes, in one clause.
pub fn fields(changes: &[FieldChange]) -> String {
    let texts = changes.iter().flat_map(|change| match change {
        FieldChange::Provision => vec!["provision to its accounts".to_owned()],
        FieldChange::Properties(_) | FieldChange::Part(_) => change.settings().iter().map(setting).collect(),
    });
    texts.collect::<Vec<_>>().join("; ")
}

fn setting(change: &SettingChange) -> String {
    let (before, after) = (change.before.as_deref(), change.after.as_deref());
    let attach = if after.is_some() { "attach" } else { "detach" };
    match &change.setting {
        Setting::Policy(arn) => format!("{attach} {}", short_policy(arn)),
        Setting::CustomerManagedPolicy(policy) => format!("{attach} the customer managed policy {policy}"),
        Setting::InlinePolicy => match (before, after) {
            (None, _) => "add the inline policy".to_owned(),
            (Some(_), Some(_)) => "change the inline policy".to_owned(),
            (Some(_), None) => "remove the inline policy".to_owned(),
        },
        Setting::SessionDuration => {
            let short = |iso: Option<&str>| {
                let duration = iso?.parse::<SessionDuration>().ok()?;
                Some(duration.to_string())
            };
            arrow("session duration", short(before).as_deref(), short(after).as_deref())
        }
        Setting::Tag(key) if key == ACCESS_TAG => "add the tag of the access file".to_owned(),
        Setting::Tag(key) if key == ASSIGNMENTS_TAG => match after {
            Some(_) => "note that it has other assignments too".to_owned(),
            None => "note that all assignments are in the file".to_owned(),
        },
        other => arrow(&other.to_string(), before, after),
    }
}

/// The name of a policy without the part of its ARN that all policies of AWS share.
fn short_policy(arn: &str) -> &str {
    arn.split_once(":policy/").map_or(arn, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_settings_are_short() {
        let change = |setting: Setting, before: Option<&str>, after: Option<&str>| SettingChange {
            setting,
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        };
        let policy = Setting::Policy("arn:aws:iam::aws:policy/job-function/Billing".to_owned());
        let changes = [
            FieldChange::Properties(vec![
                change(Setting::SessionDuration, Some("PT1H"), Some("PT8H")),
                change(Setting::Description, None, Some("Access")),
            ]),
            FieldChange::Part(change(policy, Some(""), None)),
            FieldChange::Part(change(Setting::InlinePolicy, Some("{}"), None)),
            FieldChange::Provision,
        ];
        assert_eq!(
            fields(&changes),
            "session duration 1h → 8h; description none → Access; detach job-function/Billing; remove the inline policy; \
             provision to its accounts"
        );
    }

    #[test]
    fn counts_read_like_english() {
        assert_eq!(counted(1, "user"), "1 user");
        assert_eq!(counted(0, "user"), "0 users");
    }
}
