//! The items of Identity Center that can be desired: users, groups, memberships, permission sets and assignments.

use super::permission_set::{self, Field, PermissionSetSpec};
use super::user::UserSpec;
use crate::answers::values::SessionDuration;
use crate::ids::AccountId;
use crate::progress::{Origin, Record, ResourceKind, ResourceName};
use crate::reconcile::plan::{Address, Desired};

/// An item that should exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A user. Existing users are never changed.
    User(UserSpec),
    /// A group with this name.
    Group(String),
    /// A user in a group.
    Membership {
        /// The name of the group.
        group: String,
        /// The user name.
        user: String,
    },
    /// A permission set. The session duration of an existing one is changed only if `sets_duration` is set.
    PermissionSet {
        /// What it should look like.
        spec: PermissionSetSpec,
        /// Whether the user gave the session duration.
        sets_duration: bool,
    },
    /// A permission set of a user or a group in an account.
    Assignment {
        /// The account.
        account: AccountId,
        /// The name of the permission set.
        permission_set: String,
        /// The name of the user or group.
        principal: String,
        /// Whether the principal is a group.
        is_group: bool,
    },
}

/// What was observed of an existing item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemState {
    /// It exists; its fields are not compared.
    Exists,
    /// A permission set.
    PermissionSet {
        /// The ARNs of the attached AWS managed policies.
        policies: Vec<String>,
        /// The session duration; `None` if AWS returns none, or one outside 1 to 12 hours.
        duration: Option<SessionDuration>,
        /// Whether any account has it.
        is_provisioned: bool,
        /// The recorded origin of this permission set, not of one that had its name before.
        origin: Origin,
    },
}

impl Desired for Item {
    type State = ItemState;
    type Field = Field;

    fn address(&self) -> Address {
        match self {
            Self::User(spec) => Address::new(ResourceKind::User, spec.name.as_str()),
            Self::Group(name) => Address::new(ResourceKind::Group, name.as_str()),
            Self::Membership { group, user } => {
                let (group, user) = (group.clone(), user.clone());
                Address::new(ResourceKind::GroupMembership, ResourceName::Membership { group, user })
            }
            Self::PermissionSet { spec, .. } => Address::new(ResourceKind::PermissionSet, spec.name.as_str()),
            Self::Assignment {
                account,
                permission_set,
                principal,
                ..
            } => {
                let name = ResourceName::Assignment {
                    account: account.clone(),
                    permission_set: permission_set.clone(),
                    principal: principal.clone(),
                };
                Address::new(ResourceKind::AccountAssignment, name)
            }
        }
    }

    fn depends_on(&self) -> Vec<Address> {
        match self {
            Self::User(_) | Self::Group(_) | Self::PermissionSet { .. } => Vec::new(),
            Self::Membership { group, user } => vec![
                Address::new(ResourceKind::Group, group.as_str()),
                Address::new(ResourceKind::User, user.as_str()),
            ],
            Self::Assignment {
                permission_set,
                principal,
                is_group,
                ..
            } => {
                let kind = if *is_group {
                    ResourceKind::Group
                } else {
                    ResourceKind::User
                };
                vec![
                    Address::new(kind, principal.as_str()),
                    Address::new(ResourceKind::PermissionSet, permission_set.as_str()),
                ]
            }
        }
    }

    fn differences(&self, state: &ItemState, ledger: &Record) -> Vec<Field> {
        let (
            Self::PermissionSet { spec, sets_duration },
            ItemState::PermissionSet {
                policies,
                duration,
                is_provisioned,
                ..
            },
        ) = (self, state)
        else {
            return Vec::new();
        };
        let mut fields = Vec::new();
        let other_duration = spec.duration.filter(|_| *sets_duration && spec.duration != *duration);
        fields.extend(other_duration.map(Field::Duration));
        if !policies.contains(&spec.policy) {
            fields.push(Field::Attach(spec.policy.clone()));
        }
        let others = policies.iter().filter(|policy| **policy != spec.policy);
        fields.extend(others.cloned().map(Field::Detach));
        let is_pending = permission_set::has_pending_provisioning(ledger, spec.name.as_str());
        if (*is_provisioned && !fields.is_empty()) || is_pending {
            fields.push(Field::Provision);
        }
        fields
    }

    fn is_interrupted(&self, state: &ItemState, ledger: &Record) -> bool {
        let (Self::PermissionSet { spec, .. }, ItemState::PermissionSet { policies, origin, .. }) = (self, state)
        else {
            return false;
        };
        let is_ours = *origin == Origin::Created;
        let lacks_policy = policies.is_empty() && is_ours && spec.has_pending_attachment(ledger);
        lacks_policy || permission_set::has_pending_provisioning(ledger, spec.name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::progress::{Intent, Verb};
    use crate::reconcile::plan::{Action, Node, Policy, plan};

    const ADMIN: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
    const READ: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";

    fn record() -> Record {
        Record::new("aws", &"123456789012".parse().unwrap())
    }

    fn hours(hours: u32) -> SessionDuration {
        format!("{hours}h").parse().unwrap()
    }

    fn set(name: &str, duration: u32) -> Item {
        Item::PermissionSet {
            spec: PermissionSetSpec {
                name: name.to_owned(),
                policy: ADMIN.to_owned(),
                duration: Some(hours(duration)),
            },
            sets_duration: true,
        }
    }

    fn state(policies: &[&str], duration: u32, is_provisioned: bool) -> ItemState {
        ItemState::PermissionSet {
            policies: policies.iter().map(|&policy| policy.to_owned()).collect(),
            duration: Some(hours(duration)),
            is_provisioned,
            origin: Origin::Existing,
        }
    }

    fn updates() -> Policy {
        Policy {
            updates: BTreeSet::from([ResourceKind::PermissionSet]),
        }
    }

    fn action_of(state: ItemState, record: &Record, policy: &Policy) -> Action<Field> {
        let item = set("Admin", 4);
        let observed = BTreeMap::from([(item.address(), state)]);
        plan(&[item], &observed, record, policy).remove(0).action
    }

    fn open_intent(record: &mut Record, verb: Verb, kind: ResourceKind, name: ResourceName) {
        record.open(Intent {
            step: "permission-set".to_owned(),
            verb,
            kind,
            name,
            at: "2026-01-01T00:00:00Z".parse().unwrap(),
            nonce: "0".to_owned(),
            mark: None,
            text: None,
            used_before: Vec::new(),
        });
    }

    #[test]
    fn an_existing_permission_set_changes_only_where_it_differs_and_may_be_changed() {
        let record = record();
        let differs = vec![
            Field::Duration(hours(4)),
            Field::Attach(ADMIN.to_owned()),
            Field::Detach(READ.to_owned()),
        ];
        let with_provisioning = [differs.clone(), vec![Field::Provision]].concat();
        let table = [
            (state(&[ADMIN], 4, true), Policy::default(), Action::Keep),
            (state(&[ADMIN], 4, true), updates(), Action::Keep),
            (
                state(&[READ], 1, false),
                Policy::default(),
                Action::Differs(differs.clone()),
            ),
            (state(&[READ], 1, false), updates(), Action::Update(differs)),
            (state(&[READ], 1, true), updates(), Action::Update(with_provisioning)),
        ];
        for (state, policy, expected) in table {
            assert_eq!(action_of(state.clone(), &record, &policy), expected, "{state:?}");
        }
    }

    #[test]
    fn an_interrupted_change_is_completed_without_the_update_flag() {
        let mut pending = record();
        let name = ResourceName::from("Admin");
        open_intent(&mut pending, Verb::Update, ResourceKind::Provisioning, name);
        assert_eq!(
            action_of(state(&[ADMIN], 4, true), &pending, &Policy::default()),
            Action::Update(vec![Field::Provision])
        );
        let mut pending = record();
        let name = ResourceName::Attachment {
            permission_set: "Admin".to_owned(),
            policy: ADMIN.to_owned(),
        };
        open_intent(&mut pending, Verb::Create, ResourceKind::PolicyAttachment, name);
        let without_policy = |origin| ItemState::PermissionSet {
            policies: Vec::new(),
            duration: Some(hours(4)),
            is_provisioned: false,
            origin,
        };
        let attach = vec![Field::Attach(ADMIN.to_owned())];
        assert_eq!(
            action_of(without_policy(Origin::Created), &record(), &Policy::default()),
            Action::Differs(attach.clone())
        );
        assert_eq!(
            action_of(without_policy(Origin::Created), &pending, &Policy::default()),
            Action::Update(attach.clone())
        );
        // Someone deleted the permission set and created another one with its name.
        assert_eq!(
            action_of(without_policy(Origin::Existing), &pending, &Policy::default()),
            Action::Differs(attach)
        );
    }

    #[test]
    fn an_assignment_waits_for_its_group_and_its_permission_set() {
        let assignment = Item::Assignment {
            account: "123456789012".parse().unwrap(),
            permission_set: "Admin".to_owned(),
            principal: "Admins".to_owned(),
            is_group: true,
        };
        let group = Item::Group("Admins".to_owned());
        let desired = [assignment, set("Admin", 4), group.clone()];
        let nodes = plan(&desired, &BTreeMap::new(), &record(), &Policy::default());
        let last = nodes.last().unwrap();
        assert_eq!(last.address.kind, ResourceKind::AccountAssignment);
        assert_eq!(last.after.len(), 2);
        let observed = BTreeMap::from([(group.address(), ItemState::Exists)]);
        let nodes = plan(&desired, &observed, &record(), &Policy::default());
        let last = nodes.last().unwrap();
        assert_eq!(last.after, [set("Admin", 4).address()]);
    }

    fn item() -> impl Strategy<Value = Item> {
        let name = || select(vec!["a".to_owned(), "b".to_owned(), "c".to_owned()]);
        prop_oneof![
            name().prop_map(|name| Item::User(UserSpec {
                name,
                ..UserSpec::default()
            })),
            name().prop_map(Item::Group),
            (name(), name()).prop_map(|(group, user)| Item::Membership { group, user }),
            (name(), 1_u32..3).prop_map(|(name, duration)| set(&name, duration)),
            (name(), name(), any::<bool>()).prop_map(|(permission_set, principal, is_group)| Item::Assignment {
                account: "123456789012".parse().unwrap(),
                permission_set,
                principal,
                is_group,
            }),
        ]
    }

    fn some_state() -> impl Strategy<Value = ItemState> {
        let policies = prop::collection::vec(select(vec![ADMIN, READ]), 0..2);
        (policies, 1_u32..3, any::<bool>())
            .prop_map(|(policies, duration, is_provisioned)| state(&policies, duration, is_provisioned))
    }

    /// Items, each desired once, and what is observed of some of them.
    fn situation() -> impl Strategy<Value = (Vec<Item>, BTreeMap<Address, ItemState>)> {
        prop::collection::vec((item(), some_state(), any::<bool>()), 0..10).prop_map(|all| {
            let mut items: Vec<Item> = Vec::new();
            let mut observed = BTreeMap::new();
            for (item, state, exists) in all {
                if items.iter().any(|other| other.address() == item.address()) {
                    continue;
                }
                let state = match item {
                    Item::PermissionSet { .. } => state,
                    _ => ItemState::Exists,
                };
                if exists {
                    observed.insert(item.address(), state);
                }
                items.push(item);
            }
            (items, observed)
        })
    }

    /// What is observed after a plan was applied.
    fn applied(items: &[Item], observed: &mut BTreeMap<Address, ItemState>, nodes: &[Node<Field>]) {
        for node in nodes {
            let item = items.iter().find(|item| item.address() == node.address).unwrap();
            match &node.action {
                Action::Create => {
                    let state = match item {
                        Item::PermissionSet { spec, .. } => ItemState::PermissionSet {
                            policies: vec![spec.policy.clone()],
                            duration: spec.duration,
                            is_provisioned: false,
                            origin: Origin::Created,
                        },
                        _ => ItemState::Exists,
                    };
                    observed.insert(node.address.clone(), state);
                }
                Action::Update(fields) => {
                    let Some(ItemState::PermissionSet { policies, duration, .. }) = observed.get_mut(&node.address)
                    else {
                        panic!("only permission sets are updated");
                    };
                    for field in fields {
                        match field {
                            Field::Duration(wanted) => *duration = Some(*wanted),
                            Field::Attach(policy) => policies.push(policy.clone()),
                            Field::Detach(policy) => policies.retain(|attached| attached != policy),
                            Field::Provision => {}
                        }
                    }
                }
                Action::Differs(_) | Action::Keep => {}
            }
        }
    }

    proptest! {
        #[test]
        fn a_plan_that_was_applied_leaves_nothing_to_change((items, mut observed) in situation(), may_update in any::<bool>()) {
            let policy = if may_update { updates() } else { Policy::default() };
            let nodes = plan(&items, &observed, &record(), &policy);
            applied(&items, &mut observed, &nodes);
            let again = plan(&items, &observed, &record(), &policy);
            prop_assert!(again.iter().all(|node| !node.action.is_change()), "{again:?}");
        }

        #[test]
        fn the_order_of_the_items_does_not_matter((items, observed) in situation()) {
            let reversed: Vec<Item> = items.iter().rev().cloned().collect();
            prop_assert_eq!(
                plan(&items, &observed, &record(), &updates()),
                plan(&reversed, &observed, &record(), &updates())
            );
        }

        #[test]
        fn nothing_is_changed_before_what_it_needs((items, observed) in situation()) {
            let nodes = plan(&items, &observed, &record(), &updates());
            for (index, node) in nodes.iter().enumerate() {
                for needed in &node.after {
                    let position = nodes.iter().position(|other| other.address == *needed);
                    prop_assert!(position.is_some_and(|position| position < index), "{node:?}");
                }
            }
        }

        #[test]
        fn existing_items_are_not_changed_without_the_update_flag((items, observed) in situation()) {
            for node in plan(&items, &observed, &record(), &Policy::default()) {
                let exists = observed.contains_key(&node.address);
                prop_assert_eq!(node.action == Action::Create, !exists);
                prop_assert!(!matches!(node.action, Action::Update(_)));
            }
        }
    }
}
