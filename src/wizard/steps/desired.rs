//! The items that the answers describe, with the tasks of a person, and the plan for them.

use std::collections::BTreeSet;

use super::{WizardContext, cli_profile, permission_set};
use crate::answers::Key;
use crate::answers::values::{AssignTo, CreateUserWith, PermissionSetName, Policy as PolicyAnswer, SessionDuration};
use crate::progress::ResourceKind;
use crate::reconcile::plan::{Address, Desired as _, Node, Policy, Task, plan};
use crate::resources::item::{Item, ItemField};
use crate::resources::permission_set::PermissionSetSpec;
use crate::resources::user::UserSpec;

impl WizardContext {
    /// The user that the answers describe.
    pub(super) fn user_spec(&self) -> UserSpec {
        UserSpec {
            name: self.text(Key::Username),
            email: self.text(Key::Email),
            given_name: self.text(Key::GivenName),
            family_name: self.text(Key::FamilyName),
            display_name: self.text(Key::DisplayName),
        }
    }

    /// The permission set that the answers describe.
    pub(super) fn permission_set_spec(&self) -> PermissionSetSpec {
        let name = self.answer::<PermissionSetName>(Key::PermissionSet);
        let policy = self.answer::<PolicyAnswer>(Key::Policy);
        let duration = self.answer::<SessionDuration>(Key::SessionDuration);
        PermissionSetSpec {
            name: name.map(|name| name.value.to_string()).unwrap_or_default(),
            managed_policies: policy.map(|policy| BTreeSet::from([policy.value.arn(self.partition().id())])),
            duration: duration.map(|duration| duration.value),
            ..PermissionSetSpec::default()
        }
    }

    /// Whether access is assigned to the group, and not to the user.
    pub(super) fn is_for_group(&self) -> bool {
        self.answer::<AssignTo>(Key::AssignTo)
            .is_none_or(|to| to.value == AssignTo::Group)
    }

    fn desired(&self) -> Vec<Item> {
        let (user, group) = (self.text(Key::Username), self.text(Key::Group));
        let duration = self.answer::<SessionDuration>(Key::SessionDuration);
        let spec = self.permission_set_spec();
        let is_for_group = self.is_for_group();
        let assignment = Item::Assignment {
            account: self.account(),
            permission_set: spec.name.clone(),
            principal: if is_for_group { group.clone() } else { user.clone() },
            is_group: is_for_group,
        };
        let profile = self.text(Key::CliProfile);
        let mut items = vec![
            Item::Organization,
            Item::Instance,
            Item::PermissionSetsSwitch,
            Item::User {
                spec: self.user_spec(),
                in_console: self.is_user_added_in_console(),
            },
            Item::Task(Task::ActivateUser(user.clone())),
            Item::PermissionSet {
                spec,
                sets_duration: duration.is_some_and(|duration| duration.is_explicit()),
            },
            Item::CliProfile {
                profile: profile.clone(),
                assignment: assignment.address(),
            },
            assignment,
            Item::Task(Task::OpenPortal),
            Item::Task(Task::RequireMfa),
            Item::Trail,
            Item::Task(Task::AssignRootMfa),
            Item::Task(Task::DeleteRootAccessKeys),
        ];
        let mut needs = vec![Address::new(ResourceKind::User, user.as_str())];
        if !self.answers.borrow().without_group() {
            items.push(Item::Group(group.clone()));
            let membership = Item::Membership { group, user };
            if is_for_group {
                needs.push(membership.address());
            }
            items.push(membership);
        }
        items.push(Item::Token { profile, needs });
        items
    }

    /// Whether a person adds the user in the console.
    pub(super) fn is_user_added_in_console(&self) -> bool {
        let with = self.answer::<CreateUserWith>(Key::CreateUserWith);
        with.is_some_and(|with| with.value == CreateUserWith::Console)
    }

    /// What happens to each item, in an order in which it can happen.
    pub(super) fn planned(&self) -> Vec<Node<ItemField>> {
        let mut policy = Policy::default();
        let updatable = [
            (&permission_set::INFO, ResourceKind::PermissionSet),
            (&cli_profile::INFO, ResourceKind::CliProfile),
        ];
        let wanted = updatable.into_iter().filter(|(info, _)| self.is_update_wanted(info));
        policy.updates.extend(wanted.map(|(_, kind)| kind));
        let (desired, observed) = (self.desired(), self.snapshot.states());
        self.progress.read(|record| plan(&desired, &observed, record, &policy))
    }
}
