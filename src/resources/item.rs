//! The items that can be desired: resources, and the tasks that only a person can do. Each names what it depends on.

use super::permission_set::{self, PermissionSetSpec, SetState};
use super::user::UserSpec;
use crate::ids::AccountId;
use crate::progress::{Record, ResourceKind, ResourceName, Setting};
use crate::reconcile::FieldChange;
use crate::reconcile::plan::{Address, Desired, Task};

/// An item that should exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// An organization. An existing one is never changed.
    Organization,
    /// The instance of Identity Center. Only a person can enable it.
    Instance,
    /// Permission sets are enabled in the instance, as they are in a new one.
    PermissionSetsSwitch,
    /// A user. Existing users are never changed.
    User {
        /// What it should look like.
        spec: UserSpec,
        /// Whether a person adds it in the console.
        in_console: bool,
    },
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
    /// A profile and its SSO session. They are written when the access that they describe exists.
    CliProfile {
        /// The name of the profile.
        profile: String,
        /// The access: the address of the assignment.
        assignment: Address,
    },
    /// The token of an SSO session. Only a person can sign in.
    Token {
        /// The name of the profile.
        profile: String,
        /// The user, and its membership of the group that has the access.
        needs: Vec<Address>,
    },
    /// A trail for management events.
    Trail,
    /// A task.
    Task(Task),
}

/// What was observed of an existing item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemState {
    /// It exists or is done; its fields are not compared.
    Exists,
    /// It exists with other values.
    Differs,
    /// A permission set.
    PermissionSet(SetState),
}

/// A field that differs, with what changes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemField {
    /// A field of a permission set.
    PermissionSet(FieldChange),
    /// The values of another item, which are changed together.
    Values,
}

impl ItemField {
    /// The field of a permission set.
    pub fn of_permission_set(&self) -> Option<&FieldChange> {
        match self {
            Self::PermissionSet(field) => Some(field),
            Self::Values => None,
        }
    }
}

impl Desired for Item {
    type State = ItemState;
    type Field = ItemField;

    fn address(&self) -> Address {
        match self {
            Self::Organization => Address::only(ResourceKind::Organization),
            Self::Instance => Address::only(ResourceKind::Instance),
            Self::PermissionSetsSwitch => Address::only(ResourceKind::PermissionSetsSwitch),
            Self::Trail => Address::only(ResourceKind::Trail),
            Self::CliProfile { profile, .. } => Address::new(ResourceKind::CliProfile, profile.as_str()),
            Self::Token { profile, .. } => Address::new(ResourceKind::Token, profile.as_str()),
            Self::Task(task) => Address::Task(task.clone()),
            Self::User { spec, .. } => Address::new(ResourceKind::User, spec.name.as_str()),
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
        let instance = || vec![Address::only(ResourceKind::Instance)];
        match self {
            Self::Organization | Self::Trail | Self::Task(Task::AssignRootMfa) => Vec::new(),
            Self::Instance => vec![Address::only(ResourceKind::Organization)],
            Self::PermissionSetsSwitch
            | Self::User { .. }
            | Self::Group(_)
            | Self::Task(Task::OpenPortal | Task::RequireMfa) => instance(),
            Self::PermissionSet { .. } => vec![
                Address::only(ResourceKind::Instance),
                Address::only(ResourceKind::PermissionSetsSwitch),
            ],
            Self::CliProfile { assignment, .. } => vec![assignment.clone()],
            Self::Token { profile, needs } => {
                let profile = Address::new(ResourceKind::CliProfile, profile.as_str());
                needs.iter().cloned().chain([profile]).collect()
            }
            Self::Task(Task::ActivateUser(user)) => vec![Address::new(ResourceKind::User, user.as_str())],
            Self::Task(Task::DeleteRootAccessKeys) => vec![Address::Task(Task::AssignRootMfa)],
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

    fn is_for_a_person(&self) -> bool {
        match self {
            Self::Instance | Self::Token { .. } | Self::Task(_) => true,
            Self::User { in_console, .. } => *in_console,
            _ => false,
        }
    }

    fn differences(&self, state: &ItemState) -> Vec<ItemField> {
        match (self, state) {
            (_, ItemState::Differs) => vec![ItemField::Values],
            (Self::PermissionSet { spec, sets_duration }, ItemState::PermissionSet(set)) => {
                let mut changes = spec.differences(&set.settings);
                changes.retain(|change| *sets_duration || change.setting != Setting::SessionDuration);
                let mut fields = permission_set::grouped(changes);
                if (set.is_provisioned && !fields.is_empty()) || set.is_outdated {
                    fields.push(FieldChange::Provision);
                }
                fields.into_iter().map(ItemField::PermissionSet).collect()
            }
            _ => Vec::new(),
        }
    }

    fn interrupted(&self, state: &ItemState, ledger: &Record, differences: &[ItemField]) -> Vec<ItemField> {
        let (Self::PermissionSet { spec, .. }, ItemState::PermissionSet(set)) = (self, state) else {
            return Vec::new();
        };
        let differences: Vec<FieldChange> = differences
            .iter()
            .filter_map(ItemField::of_permission_set)
            .cloned()
            .collect();
        let interrupted = permission_set::interrupted(ledger, &spec.name, &set.arn, set.origin);
        let part = interrupted.part_of(&differences, set.is_outdated);
        part.into_iter().map(ItemField::PermissionSet).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::answers::values::SessionDuration;
    use crate::ids::PermissionSetArn;
    use crate::progress::{Intent, Origin, Settings, Verb};
    use crate::reconcile::SettingChange;
    use crate::reconcile::plan::{Action, Node, Policy, plan};

    const ADMIN: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
    const READ: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";

    fn record() -> Record {
        Record::new("aws", &"123456789012".parse().unwrap())
    }

    fn hours(hours: u32) -> SessionDuration {
        format!("{hours}h").parse().unwrap()
    }

    fn arn(id: char) -> PermissionSetArn {
        let id = id.to_string().repeat(16);
        format!("arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-{id}")
            .parse()
            .unwrap()
    }

    fn set(name: &str, duration: u32) -> Item {
        Item::PermissionSet {
            spec: PermissionSetSpec {
                name: name.to_owned(),
                managed_policies: Some(BTreeSet::from([ADMIN.to_owned()])),
                duration: Some(hours(duration)),
                ..PermissionSetSpec::default()
            },
            sets_duration: true,
        }
    }

    fn set_state(policies: &[&str], duration: u32) -> SetState {
        let policies = policies.iter().map(|&policy| Setting::Policy(policy.to_owned()));
        let mut settings: Settings = policies.map(|policy| (policy, Some("attached".to_owned()))).collect();
        settings.insert(Setting::SessionDuration, Some(hours(duration).iso()));
        SetState {
            arn: arn('1'),
            settings,
            is_provisioned: false,
            is_outdated: false,
            origin: Origin::Existing,
        }
    }

    fn state(policies: &[&str], duration: u32, is_provisioned: bool) -> ItemState {
        ItemState::PermissionSet(SetState {
            is_provisioned,
            ..set_state(policies, duration)
        })
    }

    fn updates() -> Policy {
        Policy {
            updates: BTreeSet::from([ResourceKind::PermissionSet, ResourceKind::CliProfile]),
        }
    }

    fn action_of(state: ItemState, record: &Record, policy: &Policy) -> Action<ItemField> {
        let item = set("Admin", 4);
        let observed = BTreeMap::from([(item.address(), state)]);
        plan(&[item], &observed, record, policy).remove(0).action
    }

    fn changed(setting: Setting, before: Option<&str>, after: Option<&str>) -> ItemField {
        let change = SettingChange {
            setting,
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        };
        ItemField::PermissionSet(match change.setting {
            Setting::SessionDuration => FieldChange::Properties(vec![change]),
            _ => FieldChange::Part(change),
        })
    }

    fn attached(policy: &str) -> ItemField {
        changed(Setting::Policy(policy.to_owned()), None, Some("attached"))
    }

    const PROVISION: ItemField = ItemField::PermissionSet(FieldChange::Provision);

    fn open_intent(record: &mut Record, verb: Verb, id: Option<PermissionSetArn>, settings: Settings) {
        record.open(Intent {
            step: "permission-set".to_owned(),
            verb,
            kind: ResourceKind::PermissionSet,
            name: "Admin".into(),
            at: "2026-01-01T00:00:00Z".parse().unwrap(),
            nonce: "0".to_owned(),
            id: id.map(Into::into),
            settings,
            mark: None,
            text: None,
            used_before: Vec::new(),
        });
    }

    #[test]
    fn an_existing_permission_set_changes_only_where_it_differs_and_may_be_changed() {
        let record = record();
        let differs = vec![
            changed(Setting::SessionDuration, Some("PT1H"), Some("PT4H")),
            attached(ADMIN),
            changed(Setting::Policy(READ.to_owned()), Some("attached"), None),
        ];
        let with_provisioning = [differs.clone(), vec![PROVISION]].concat();
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
    fn an_interrupted_creation_is_completed_without_the_update_flag() {
        let mut pending = record();
        open_intent(&mut pending, Verb::Create, None, Settings::new());
        let without_policy = |origin| {
            ItemState::PermissionSet(SetState {
                origin,
                ..set_state(&[], 4)
            })
        };
        let attach = vec![attached(ADMIN)];
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
    fn only_what_an_interrupted_update_was_changing_is_completed_without_the_update_flag() {
        let settings = Settings::from([(Setting::Policy(ADMIN.to_owned()), Some("attached".to_owned()))]);
        let mut pending = record();
        open_intent(&mut pending, Verb::Update, Some(arn('1')), settings);
        let provisioned = |set: SetState, is_outdated: bool| {
            ItemState::PermissionSet(SetState {
                is_provisioned: true,
                is_outdated,
                ..set
            })
        };
        let action = |state| action_of(state, &pending, &Policy::default());
        let update = Action::Update(vec![PROVISION]);
        assert_eq!(action(provisioned(set_state(&[ADMIN], 4), true)), update);
        assert_eq!(
            action(provisioned(set_state(&[], 1), false)),
            Action::Update(vec![attached(ADMIN), PROVISION]),
            "the session duration was not being changed"
        );
        // Once that is done, what else differs is no reason to continue.
        assert!(matches!(
            action(provisioned(set_state(&[ADMIN], 1), false)),
            Action::Differs(_)
        ));
        let mut other = set_state(&[], 4);
        other.arn = arn('2');
        assert!(
            matches!(action(provisioned(other, false)), Action::Differs(_)),
            "another permission set"
        );
        let settings = Settings::from([(Setting::SessionDuration, Some("PT2H".to_owned()))]);
        let mut pending = record();
        open_intent(&mut pending, Verb::Update, Some(arn('1')), settings);
        let action = action_of(state(&[ADMIN], 1, false), &pending, &Policy::default());
        assert!(
            matches!(action, Action::Differs(_)),
            "it was being changed to another value"
        );
    }

    #[test]
    fn an_assignment_waits_for_its_group_and_its_permission_set() {
        let assignment = assignment("Admin", "Admins", true);
        let group = Item::Group("Admins".to_owned());
        let desired = [assignment, set("Admin", 4), group.clone()];
        let nodes = plan(&desired, &BTreeMap::new(), &record(), &Policy::default());
        let last = nodes.last().unwrap();
        assert_eq!(last.address.kind(), Some(ResourceKind::AccountAssignment));
        assert_eq!(last.after.len(), 2);
        let observed = BTreeMap::from([(group.address(), ItemState::Exists)]);
        let nodes = plan(&desired, &observed, &record(), &Policy::default());
        let last = nodes.last().unwrap();
        assert_eq!(last.after, [set("Admin", 4).address()]);
    }

    #[test]
    fn only_a_person_enables_the_instance_signs_in_or_does_a_task() {
        let user = |in_console| Item::User {
            spec: UserSpec::default(),
            in_console,
        };
        let token = Item::Token {
            profile: "admin".to_owned(),
            needs: Vec::new(),
        };
        let table = [
            (Item::Instance, Action::Perform),
            (token, Action::Perform),
            (Item::Task(Task::OpenPortal), Action::Perform),
            (user(true), Action::Perform),
            (user(false), Action::Create),
            (Item::Organization, Action::Create),
            (Item::Group("Admins".to_owned()), Action::Create),
            (set("Admin", 4), Action::Create),
        ];
        for (item, expected) in table {
            let nodes = plan(&[item], &BTreeMap::new(), &record(), &Policy::default());
            assert_eq!(nodes[0].action, expected, "{:?}", nodes[0].address);
        }
    }

    fn assignment(permission_set: &str, principal: &str, is_group: bool) -> Item {
        Item::Assignment {
            account: "123456789012".parse().unwrap(),
            permission_set: permission_set.to_owned(),
            principal: principal.to_owned(),
            is_group,
        }
    }

    fn item() -> impl Strategy<Value = Item> {
        let name = || select(vec!["a".to_owned(), "b".to_owned(), "c".to_owned()]);
        prop_oneof![
            Just(Item::Organization),
            Just(Item::Instance),
            Just(Item::PermissionSetsSwitch),
            Just(Item::Trail),
            name().prop_map(|name| Item::Task(Task::ActivateUser(name))),
            select(vec![Task::OpenPortal, Task::AssignRootMfa, Task::DeleteRootAccessKeys]).prop_map(Item::Task),
            (name(), name()).prop_map(|(profile, user)| Item::Token {
                profile,
                needs: vec![Address::new(ResourceKind::User, user)],
            }),
            (name(), name()).prop_map(|(profile, set)| Item::CliProfile {
                profile,
                assignment: assignment(&set, "a", true).address(),
            }),
            (name(), any::<bool>()).prop_map(|(name, in_console)| Item::User {
                spec: UserSpec {
                    name,
                    ..UserSpec::default()
                },
                in_console,
            }),
            name().prop_map(Item::Group),
            (name(), name()).prop_map(|(group, user)| Item::Membership { group, user }),
            (name(), spec()).prop_map(|(name, spec)| Item::PermissionSet {
                spec: PermissionSetSpec { name, ..spec },
                sets_duration: true,
            }),
            (name(), name(), any::<bool>())
                .prop_map(|(set, principal, is_group)| assignment(&set, &principal, is_group)),
        ]
    }

    /// A specification with any of the fields.
    fn spec() -> impl Strategy<Value = PermissionSetSpec> {
        let text = || prop::option::of(select(vec![String::new(), "a".to_owned(), "b".to_owned()]));
        let policies = |values: Vec<&'static str>| {
            let policies = prop::collection::btree_set(select(values).prop_map(str::to_owned), 0..3);
            prop::option::of(policies)
        };
        let tags = prop::collection::btree_map(select(vec!["k".to_owned(), "l".to_owned()]), "[ab]", 0..3);
        let fields = (text(), prop::option::of(1_u32..4), text(), policies(vec![ADMIN, READ]));
        let others = (policies(vec!["/A", "/team/B"]), text(), text(), prop::option::of(tags));
        (fields, others).prop_map(|(fields, others)| {
            let (description, duration, relay_state, managed_policies) = fields;
            let (customer_managed_policies, inline_policy, boundary, tags) = others;
            PermissionSetSpec {
                name: String::new(),
                description,
                duration: duration.map(hours),
                relay_state,
                managed_policies,
                customer_managed_policies,
                inline_policy,
                boundary,
                tags,
            }
        })
    }

    fn some_state() -> impl Strategy<Value = SetState> {
        (spec(), any::<bool>(), any::<bool>()).prop_map(|(spec, is_provisioned, is_outdated)| {
            let mut settings = spec.settings();
            settings.retain(|_, value| value.is_some());
            SetState {
                settings,
                is_provisioned,
                is_outdated: is_provisioned && is_outdated,
                ..set_state(&[], 1)
            }
        })
    }

    /// The tasks of a person, and what comes after one of them.
    fn waiting_for_a_person(nodes: &[Node<ItemField>]) -> BTreeSet<Address> {
        let mut waits = BTreeSet::new();
        for node in nodes {
            if node.action == Action::Perform || node.after.iter().any(|other| waits.contains(other)) {
                waits.insert(node.address.clone());
            }
        }
        waits
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
                    Item::PermissionSet { .. } => ItemState::PermissionSet(state),
                    Item::CliProfile { .. } if state.is_provisioned => ItemState::Differs,
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
    fn applied(items: &[Item], observed: &mut BTreeMap<Address, ItemState>, nodes: &[Node<ItemField>]) {
        for node in nodes {
            let item = items.iter().find(|item| item.address() == node.address).unwrap();
            match &node.action {
                Action::Create | Action::Perform => {
                    let state = match item {
                        Item::PermissionSet { spec, .. } => ItemState::PermissionSet(SetState {
                            settings: spec.settings(),
                            ..set_state(&[], 1)
                        }),
                        _ => ItemState::Exists,
                    };
                    observed.insert(node.address.clone(), state);
                }
                Action::Update(fields) => match observed.get_mut(&node.address) {
                    Some(ItemState::PermissionSet(set)) => {
                        for field in fields.iter().filter_map(ItemField::of_permission_set) {
                            let values = field.settings().iter();
                            let values = values.map(|change| (change.setting.clone(), change.after.clone()));
                            set.settings.extend(values);
                            set.is_outdated = set.is_provisioned && *field != FieldChange::Provision;
                        }
                    }
                    _ => {
                        observed.insert(node.address.clone(), ItemState::Exists);
                    }
                },
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
        fn only_what_depends_on_a_task_of_a_person_waits_for_it((items, mut observed) in situation()) {
            let nodes = plan(&items, &observed, &record(), &updates());
            let waits = waiting_for_a_person(&nodes);
            // Without a person, everything else can be done, in the order of the plan.
            let possible: Vec<_> = nodes.iter().filter(|node| !waits.contains(&node.address)).cloned().collect();
            for node in &possible {
                prop_assert!(node.after.iter().all(|other| !waits.contains(other)), "{node:?}");
            }
            applied(&items, &mut observed, &possible);
            let left = plan(&items, &observed, &record(), &updates());
            let left: BTreeSet<Address> = left.into_iter().filter(|node| node.action.is_open()).map(|node| node.address).collect();
            prop_assert_eq!(left, waits);
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
                prop_assert_eq!(node.action.is_open(), !exists);
                prop_assert!(!matches!(node.action, Action::Update(_)));
            }
        }
    }
}
