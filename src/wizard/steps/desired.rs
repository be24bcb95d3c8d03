//! The items of Identity Center that the answers describe, and the plan for them.

use super::{WizardContext, permission_set};
use crate::answers::Key;
use crate::answers::values::{AssignTo, PermissionSetName, Policy as PolicyAnswer, SessionDuration};
use crate::progress::ResourceKind;
use crate::reconcile::plan::{Address, Node, Policy, plan};
use crate::resources::item::{Item, ItemState};
use crate::resources::permission_set::{Field, PermissionSetSpec};
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
            policy: policy.map_or_else(String::new, |policy| policy.value.arn(self.partition().id())),
            duration: duration.map(|duration| duration.value),
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
        let mut items = vec![
            Item::User(self.user_spec()),
            Item::Assignment {
                account: self.account(),
                permission_set: spec.name.clone(),
                principal: if is_for_group { group.clone() } else { user.clone() },
                is_group: is_for_group,
            },
            Item::PermissionSet {
                spec,
                sets_duration: duration.is_some_and(|duration| duration.is_explicit()),
            },
        ];
        if !self.answers.borrow().without_group() {
            items.push(Item::Group(group.clone()));
            items.push(Item::Membership { group, user });
        }
        items
    }

    /// What happens to the items of these kinds, in order.
    pub(super) fn planned(&self, kinds: &[ResourceKind]) -> Vec<Node<Field>> {
        let mut policy = Policy::default();
        if self.is_update_wanted(&permission_set::INFO) {
            policy.updates.insert(ResourceKind::PermissionSet);
        }
        let (desired, observed) = (self.desired(), self.observed.borrow());
        let mut nodes = self.progress.read(|record| plan(&desired, &observed, record, &policy));
        nodes.retain(|node| kinds.contains(&node.address.kind));
        nodes
    }

    /// Records what a step has observed of an item; `None` if it does not exist.
    pub(super) fn observe(&self, address: Address, state: Option<ItemState>) {
        let mut observed = self.observed.borrow_mut();
        match state {
            Some(state) => observed.insert(address, state),
            None => observed.remove(&address),
        };
    }
}
