//! Users and groups: created, changed, and those that must not exist.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Action, Attribute, AttributeChange, Change, NoteKind, RefusalReason};
use super::draft::Draft;
use super::inputs::{Inputs, subject};
use crate::access::attributes;
use crate::access::desired::{DesiredGroup, DesiredUser};
use crate::access::file::PrincipalName;
use crate::access::mistake::Place;
use crate::ids::{GroupId, UserId};
use crate::resources::inventory::{Group, User};
use crate::resources::user::UserSpec;
use crate::text::listed;

/// The users and groups that later changes can use.
#[derive(Debug, Default)]
pub(super) struct Principals {
    created: BTreeSet<PrincipalName>,
    /// Those that the plan can't create or rename, and has already explained.
    blocked: BTreeSet<PrincipalName>,
    /// Those that exist and must not.
    absent: BTreeSet<PrincipalName>,
}

impl Principals {
    /// Notes that the plan can't create or rename a user or group. A refusal after the first `refusals` ones says why.
    fn block(&mut self, draft: &mut Draft, principal: PrincipalName, refusals: usize) {
        if draft.refusals.len() > refusals {
            draft.explain(&principal);
        }
        self.blocked.insert(principal);
    }

    /// Whether a user or group has this name when the plan adds members and creates assignments. If the plan has not yet
    /// explained why it does not, it is refused as unknown.
    pub fn is_usable(
        &self,
        inputs: &Inputs<'_>,
        draft: &mut Draft,
        principal: &PrincipalName,
        place: Option<&Place>,
    ) -> bool {
        if self.absent.contains(principal) {
            draft.absent_principal(principal, place);
            return false;
        }
        if self.blocked.contains(principal) {
            return false;
        }
        if self.created.contains(principal) || inputs.lookup.principal(principal).is_some() {
            return true;
        }
        draft.unknown_principal(principal, place);
        false
    }
}

/// What the file says about a user or a group that exists.
struct Existing<'a> {
    name: PrincipalName,
    is_external: bool,
    place: &'a Place,
}

impl Existing<'_> {
    /// Whether it may be changed. If not, says why.
    fn may_change(&self, inputs: &Inputs<'_>, draft: &mut Draft, changes: &[AttributeChange]) -> bool {
        if inputs.is_ignored(&self.name) {
            draft.ignore(subject(&self.name));
            return false;
        }
        if self.is_external {
            let attributes = changes.iter().map(|change| attributes::text(change.attribute));
            let attributes: Vec<&str> = attributes.collect();
            let what = format!(
                "{} is managed by an external identity provider, but differs from the file: {}.",
                subject(&self.name),
                attributes.join(", ")
            );
            let suggestion = "Correct the difference at the identity provider, or in the file.";
            draft.refuse(RefusalReason::External, what, suggestion, Some(self.place));
        }
        !self.is_external
    }

    /// Whether it may be deleted. If not, says why.
    fn may_delete(&self, inputs: &Inputs<'_>, draft: &mut Draft) -> bool {
        if inputs.is_ignored(&self.name) {
            draft.ignore(subject(&self.name));
            return false;
        }
        let subject = subject(&self.name);
        if self.is_external {
            let what = format!("{subject} must not exist, but is managed by an external identity provider.");
            let suggestion = format!("Delete {} at the identity provider.", self.name.name());
            draft.refuse(RefusalReason::External, what, suggestion, Some(self.place));
            return false;
        }
        if inputs.protect.principal(&self.name) {
            let what = format!("{subject} must not exist, but is protected.");
            let suggestion = format!("Remove {} from protect, or from the file.", self.name.name());
            draft.refuse(RefusalReason::Protected, what, suggestion, Some(self.place));
            return false;
        }
        true
    }

    /// The change that deletes it, if it may be deleted.
    fn deletion(
        self,
        inputs: &Inputs<'_>,
        draft: &mut Draft,
        principals: &mut Principals,
        action: Action,
    ) -> Option<Change> {
        let deletion = self.may_delete(inputs, draft).then(|| change(action, self.place));
        principals.absent.insert(self.name);
        deletion
    }
}

/// Plans the users and groups.
pub(super) fn plan(inputs: &Inputs<'_>, draft: &mut Draft) -> Principals {
    let mut principals = Principals::default();
    let mut emails = Emails::new(inputs);
    for (name, wanted) in &inputs.desired.users {
        let id = inputs.lookup.user(name);
        let observed = id.and_then(|id| inputs.observed.users.get_key_value(id));
        match observed {
            None if wanted.is_absent => draft.unchanged += 1,
            None => create_user(inputs, draft, &mut principals, &mut emails, name, wanted),
            Some((id, user)) if wanted.is_absent => delete_user(inputs, draft, &mut principals, id, user, wanted),
            Some((id, user)) => {
                let change = UserUpdate { id, user, name, wanted };
                change.plan(inputs, draft, &mut principals, &mut emails);
            }
        }
    }
    for (name, wanted) in &inputs.desired.groups {
        let id = inputs.lookup.group(name);
        let observed = id.and_then(|id| inputs.observed.groups.get_key_value(id));
        match observed {
            None if wanted.is_absent => draft.unchanged += 1,
            None => create_group(inputs, draft, &mut principals, name, wanted),
            Some((id, group)) if wanted.is_absent => delete_group(inputs, draft, &mut principals, id, group, wanted),
            Some((id, group)) => {
                let change = GroupUpdate {
                    id,
                    group,
                    name,
                    wanted,
                };
                change.plan(inputs, draft, &mut principals);
            }
        }
    }
    principals
}

/// Whether a user or group that does not exist may be created. If not, says why.
fn may_create(
    inputs: &Inputs<'_>,
    draft: &mut Draft,
    principal: &PrincipalName,
    is_external: bool,
    place: &Place,
) -> bool {
    if inputs.is_ignored(principal) {
        draft.ignore(subject(principal));
        return false;
    }
    if is_external {
        let what = format!(
            "{} is managed by an external identity provider, but does not exist.",
            subject(principal)
        );
        let suggestion = format!(
            "Create {} at the identity provider and wait for the provisioning, or correct the name.",
            principal.name()
        );
        draft.refuse(RefusalReason::UnknownPrincipal, what, suggestion, Some(place));
    }
    !is_external
}

fn create_user(
    inputs: &Inputs<'_>,
    draft: &mut Draft,
    principals: &mut Principals,
    emails: &mut Emails,
    name: &str,
    wanted: &DesiredUser,
) {
    let principal = PrincipalName::User(name.to_owned());
    let place = &wanted.place;
    let refusals = draft.refusals.len();
    let spec = may_create(inputs, draft, &principal, wanted.is_external, place)
        .then(|| user_spec(draft, name, wanted))
        .flatten()
        .filter(|spec| emails.take(draft, &spec.email, name, place));
    let Some(spec) = spec else {
        principals.block(draft, principal, refusals);
        return;
    };
    let text = format!("The new user {name} needs a password before the first sign-in.");
    draft.note(NoteKind::NeedsPassword, text, Some(place));
    draft.users.push(change(Action::CreateUser(spec), place));
    principals.created.insert(principal);
}

/// What a new user looks like; `None` if the file does not say enough.
fn user_spec(draft: &mut Draft, name: &str, wanted: &DesiredUser) -> Option<UserSpec> {
    let needed = [
        ("email", &wanted.email),
        ("given-name", &wanted.given_name),
        ("family-name", &wanted.family_name),
    ];
    let missing = needed.iter().filter(|(_, value)| value.is_none());
    let missing: Vec<&str> = missing.map(|(key, _)| *key).collect();
    let (Some(email), Some(given_name), Some(family_name)) = (&wanted.email, &wanted.given_name, &wanted.family_name)
    else {
        let what = format!(
            "The user {name} does not exist, and can't be created without {}.",
            listed(&missing)
        );
        let suggestion = format!("Add {} to the [[user]], or correct the name.", listed(&missing));
        draft.refuse(RefusalReason::UnknownPrincipal, what, suggestion, Some(&wanted.place));
        return None;
    };
    let display_name = wanted.display_name.clone();
    Some(UserSpec {
        name: name.to_owned(),
        email: email.clone(),
        given_name: given_name.clone(),
        family_name: family_name.clone(),
        display_name: display_name.unwrap_or_else(|| format!("{given_name} {family_name}")),
    })
}

fn create_group(
    inputs: &Inputs<'_>,
    draft: &mut Draft,
    principals: &mut Principals,
    name: &str,
    wanted: &DesiredGroup,
) {
    let principal = PrincipalName::Group(name.to_owned());
    let refusals = draft.refusals.len();
    if !may_create(inputs, draft, &principal, wanted.is_external, &wanted.place) {
        principals.block(draft, principal, refusals);
        return;
    }
    let action = Action::CreateGroup {
        name: name.to_owned(),
        description: wanted.description.clone(),
    };
    draft.groups.push(change(action, &wanted.place));
    principals.created.insert(principal);
}

/// A user that exists, and what the file says about it.
struct UserUpdate<'a> {
    id: &'a UserId,
    user: &'a User,
    name: &'a str,
    wanted: &'a DesiredUser,
}

impl UserUpdate<'_> {
    fn plan(&self, inputs: &Inputs<'_>, draft: &mut Draft, principals: &mut Principals, emails: &mut Emails) {
        let changes = attributes::of_user(self.user, self.name, self.wanted);
        if changes.is_empty() {
            draft.unchanged += 1;
            return;
        }
        let place = &self.wanted.place;
        let existing = Existing {
            name: PrincipalName::User(self.name.to_owned()),
            is_external: self.user.is_external || self.wanted.is_external,
            place,
        };
        let refusals = draft.refusals.len();
        let email = changes.iter().find(|change| change.attribute == Attribute::Email);
        let may_change = existing.may_change(inputs, draft, &changes)
            && email.is_none_or(|email| emails.take(draft, &email.after, self.name, place));
        if may_change {
            let action = Action::UpdateUser {
                id: self.id.clone(),
                name: self.user.name.clone(),
                changes,
            };
            draft.users.push(change(action, place));
        } else if self.user.name != self.name {
            principals.block(draft, existing.name, refusals);
        }
    }
}

/// A group that exists, and what the file says about it.
struct GroupUpdate<'a> {
    id: &'a GroupId,
    group: &'a Group,
    name: &'a str,
    wanted: &'a DesiredGroup,
}

impl GroupUpdate<'_> {
    fn plan(&self, inputs: &Inputs<'_>, draft: &mut Draft, principals: &mut Principals) {
        let (group, wanted) = (self.group, self.wanted);
        let changes = attributes::of_group(group, self.name, wanted.description.as_deref());
        if changes.is_empty() {
            draft.unchanged += 1;
            return;
        }
        let existing = Existing {
            name: PrincipalName::Group(self.name.to_owned()),
            is_external: group.is_external || wanted.is_external,
            place: &wanted.place,
        };
        let refusals = draft.refusals.len();
        if existing.may_change(inputs, draft, &changes) {
            let action = Action::UpdateGroup {
                id: self.id.clone(),
                name: group.name.clone(),
                changes,
            };
            draft.groups.push(change(action, &wanted.place));
        } else if group.name != self.name {
            principals.block(draft, existing.name, refusals);
        }
    }
}

fn delete_user(
    inputs: &Inputs<'_>,
    draft: &mut Draft,
    principals: &mut Principals,
    id: &UserId,
    user: &User,
    wanted: &DesiredUser,
) {
    let existing = Existing {
        name: PrincipalName::User(user.name.clone()),
        is_external: user.is_external || wanted.is_external,
        place: &wanted.place,
    };
    let action = Action::DeleteUser {
        id: id.clone(),
        name: user.name.clone(),
    };
    let deletion = existing.deletion(inputs, draft, principals, action);
    draft.deleted_users.extend(deletion);
}

fn delete_group(
    inputs: &Inputs<'_>,
    draft: &mut Draft,
    principals: &mut Principals,
    id: &GroupId,
    group: &Group,
    wanted: &DesiredGroup,
) {
    let existing = Existing {
        name: PrincipalName::Group(group.name.clone()),
        is_external: group.is_external || wanted.is_external,
        place: &wanted.place,
    };
    let action = Action::DeleteGroup {
        id: id.clone(),
        name: group.name.clone(),
    };
    let deletion = existing.deletion(inputs, draft, principals, action);
    draft.deleted_groups.extend(deletion);
}

fn change(action: Action, place: &Place) -> Change {
    Change {
        action,
        place: Some(place.clone()),
    }
}

/// The email addresses that are in use, in lower case, each with the name of its user. They are unique in an identity store.
struct Emails(BTreeMap<String, String>);

impl Emails {
    fn new(inputs: &Inputs<'_>) -> Self {
        let used = inputs.observed.users.iter().filter_map(|(id, user)| {
            let name = inputs.lookup.user_name(id).unwrap_or(&user.name);
            let email = user.email.as_deref()?.to_lowercase();
            let is_given_up = inputs.desired.users.get(name).is_some_and(|wanted| {
                let is_other = wanted
                    .email
                    .as_ref()
                    .is_some_and(|wanted| wanted.to_lowercase() != email);
                is_other
                    && !wanted.is_absent
                    && !wanted.is_external
                    && !user.is_external
                    && !inputs.is_ignored(&PrincipalName::User(name.to_owned()))
            });
            (!is_given_up).then(|| (email, name.to_owned()))
        });
        Self(used.collect())
    }

    /// Whether a user can have this email address. If not, says why.
    fn take(&mut self, draft: &mut Draft, email: &str, name: &str, place: &Place) -> bool {
        let holder = self.0.entry(email.to_lowercase()).or_insert_with(|| name.to_owned());
        if holder.as_str() == name {
            return true;
        }
        let what = format!("The user {name} can't have the email address {email}, because the user {holder} has it.");
        let suggestion = format!(
            "If this is the same person, add previous-names = [\"{holder}\"] to the user {name}; otherwise correct the \
             email address."
        );
        draft.refuse(RefusalReason::EmailInUse, what, suggestion, Some(place));
        false
    }
}
