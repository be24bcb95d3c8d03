//! The plan of a run: a pure function of the desired items, what was observed, the ledger and the policy.
//!
//! Changes and the tasks of a person are nodes of one graph. What depends on a node that is not as desired waits;
//! everything else can proceed. The plan sees only as far as the account does: on a fresh account there is nothing to
//! observe yet, so everything is to be created. After each change and each task, the caller observes and plans again.

use std::collections::{BTreeMap, BTreeSet};

use crate::progress::{Record, ResourceKind, ResourceName};

/// A task of a person that creates no resource, so that only a confirmation or the account shows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Task {
    /// Set a password for the user with this name.
    ActivateUser(String),
    /// Sign in to the access portal.
    OpenPortal,
    /// Check that MFA is required for all users.
    RequireMfa,
    /// Assign an MFA device to the root user.
    AssignRootMfa,
    /// Delete the root user's access keys.
    DeleteRootAccessKeys,
}

/// Identifies an item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Address {
    /// A resource, by its kind and by how people name it.
    Resource(ResourceKind, ResourceName),
    /// A task.
    Task(Task),
}

impl Address {
    /// The address of a resource.
    pub fn new(kind: ResourceKind, name: impl Into<ResourceName>) -> Self {
        Self::Resource(kind, name.into())
    }

    /// The address of the only resource of its kind, which needs no name.
    pub fn only(kind: ResourceKind) -> Self {
        Self::new(kind, "")
    }

    /// The kind of the resource; `None` for a task.
    pub fn kind(&self) -> Option<ResourceKind> {
        match self {
            Self::Resource(kind, _) => Some(*kind),
            Self::Task(_) => None,
        }
    }
}

/// An item that should exist. What depends on what is in `resources/item.rs`.
pub trait Desired {
    /// What was observed of an existing item.
    type State;
    /// A field that differs, with what changes it.
    type Field: Clone + PartialEq;

    /// What identifies it.
    fn address(&self) -> Address;

    /// The items that must exist, or tasks that must be done, before it can be created.
    fn depends_on(&self) -> Vec<Address>;

    /// Whether only a person can create it.
    fn is_for_a_person(&self) -> bool;

    /// The fields that differ, in the order in which they are changed.
    fn differences(&self, state: &Self::State) -> Vec<Self::Field>;

    /// The part of the differences that an interrupted run was changing. It is completed, whatever the policy says.
    fn interrupted(&self, state: &Self::State, ledger: &Record, differences: &[Self::Field]) -> Vec<Self::Field>;
}

/// What a run may change in items that exist.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// The kinds that `--update` names.
    pub updates: BTreeSet<ResourceKind>,
}

impl Policy {
    fn allows_update(&self, address: &Address) -> bool {
        address.kind().is_some_and(|kind| self.updates.contains(&kind))
    }
}

/// What happens to an item.
#[derive(Debug, Clone, PartialEq)]
pub enum Action<F> {
    /// It does not exist and will be created.
    Create,
    /// It does not exist or is not done, and only a person can do it.
    Perform,
    /// These fields will be changed.
    Update(Vec<F>),
    /// These fields differ, and the policy does not allow changing them.
    Differs(Vec<F>),
    /// It is as desired.
    Keep,
}

impl<F> Action<F> {
    /// Whether something will be changed through an API or in a file.
    pub fn is_change(&self) -> bool {
        matches!(self, Self::Create | Self::Update(_))
    }

    /// Whether there is something to do, for this program or for a person.
    pub fn is_open(&self) -> bool {
        self.is_change() || matches!(self, Self::Perform)
    }

    /// Whether the item is not as desired, so that what depends on it waits.
    pub fn blocks_dependents(&self) -> bool {
        !matches!(self, Self::Keep)
    }
}

/// An item with what happens to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Node<F> {
    /// The item.
    pub address: Address,
    /// What happens to it.
    pub action: Action<F>,
    /// The items that it waits for: those that it depends on and that are not as desired yet.
    pub after: Vec<Address>,
}

/// Plans what happens to each desired item. The nodes come in an order in which they can be applied, which does not
/// depend on the order of the input. An item that is desired twice is planned once.
pub fn plan<D: Desired>(
    desired: &[D],
    observed: &BTreeMap<Address, D::State>,
    ledger: &Record,
    policy: &Policy,
) -> Vec<Node<D::Field>> {
    let items: BTreeMap<Address, &D> = desired.iter().map(|item| (item.address(), item)).collect();
    let mut nodes: BTreeMap<Address, Node<D::Field>> = BTreeMap::new();
    for (address, item) in &items {
        let action = action(*item, observed.get(address), ledger, policy);
        let node = Node {
            address: address.clone(),
            action,
            after: Vec::new(),
        };
        nodes.insert(address.clone(), node);
    }
    let blocking: BTreeSet<Address> = nodes
        .values()
        .filter(|node| node.action.blocks_dependents())
        .map(|node| node.address.clone())
        .collect();
    for (address, item) in &items {
        if let Some(node) = nodes.get_mut(address).filter(|node| node.action.blocks_dependents()) {
            node.after = item.depends_on();
            node.after.retain(|other| blocking.contains(other));
            node.after.sort();
        }
    }
    in_order(nodes)
}

fn action<D: Desired>(item: &D, state: Option<&D::State>, ledger: &Record, policy: &Policy) -> Action<D::Field> {
    let Some(state) = state else {
        return if item.is_for_a_person() {
            Action::Perform
        } else {
            Action::Create
        };
    };
    let differences = item.differences(state);
    if differences.is_empty() {
        return Action::Keep;
    }
    if policy.allows_update(&item.address()) {
        return Action::Update(differences);
    }
    let interrupted = item.interrupted(state, ledger, &differences);
    if interrupted.is_empty() {
        Action::Differs(differences)
    } else {
        Action::Update(interrupted)
    }
}

/// Each node after those that it waits for; otherwise by address. Items that wait for each other, which no kind allows,
/// come last.
fn in_order<F>(mut nodes: BTreeMap<Address, Node<F>>) -> Vec<Node<F>> {
    let mut ordered: Vec<Node<F>> = Vec::new();
    loop {
        let is_ready = |node: &Node<F>| node.after.iter().all(|other| !nodes.contains_key(other));
        let ready = nodes.values().find(|node| is_ready(node));
        let next = ready.or_else(|| nodes.values().next()).map(|node| node.address.clone());
        match next.and_then(|address| nodes.remove(&address)) {
            Some(node) => ordered.push(node),
            None => return ordered,
        }
    }
}
