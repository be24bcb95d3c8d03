//! The plan of a run: a pure function of the desired items, what was observed, the ledger and the policy.
//!
//! It plans what can be planned now. On a fresh account there is nothing to observe yet, so everything is to be created;
//! after each change and each task of a person, the caller observes and plans again.

use std::collections::{BTreeMap, BTreeSet};

use crate::progress::{Record, ResourceKind, ResourceName};

/// Identifies an item by its kind and by how people name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// The kind.
    pub kind: ResourceKind,
    /// The name.
    pub name: ResourceName,
}

impl Address {
    /// The address of an item.
    pub fn new(kind: ResourceKind, name: impl Into<ResourceName>) -> Self {
        Self {
            kind,
            name: name.into(),
        }
    }
}

/// An item that should exist.
pub trait Desired {
    /// What was observed of an existing item.
    type State;
    /// A field that differs, with what changes it.
    type Field: Clone + PartialEq;

    /// What identifies it.
    fn address(&self) -> Address;

    /// The items that must exist before it can be created.
    fn depends_on(&self) -> Vec<Address>;

    /// The fields that differ, in the order in which they are changed.
    fn differences(&self, state: &Self::State, ledger: &Record) -> Vec<Self::Field>;

    /// Whether an interrupted run was changing it. Its change is then completed, whatever the policy says.
    fn is_interrupted(&self, state: &Self::State, ledger: &Record) -> bool;
}

/// What a run may change in items that exist.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// The kinds that `--update` names.
    pub updates: BTreeSet<ResourceKind>,
}

/// What happens to an item.
#[derive(Debug, Clone, PartialEq)]
pub enum Action<F> {
    /// It does not exist and will be created.
    Create,
    /// These fields will be changed.
    Update(Vec<F>),
    /// These fields differ, and the policy does not allow changing them.
    Differs(Vec<F>),
    /// It is as desired.
    Keep,
}

impl<F> Action<F> {
    /// Whether something will be changed.
    pub fn is_change(&self) -> bool {
        matches!(self, Self::Create | Self::Update(_))
    }
}

/// An item with what happens to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Node<F> {
    /// The item.
    pub address: Address,
    /// What happens to it.
    pub action: Action<F>,
    /// The planned changes that must be made before.
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
    let changes: BTreeSet<Address> = nodes
        .values()
        .filter(|node| node.action.is_change())
        .map(|node| node.address.clone())
        .collect();
    for (address, item) in &items {
        if let Some(node) = nodes.get_mut(address).filter(|node| node.action.is_change()) {
            node.after = item.depends_on();
            node.after.retain(|other| changes.contains(other));
            node.after.sort();
        }
    }
    in_order(nodes)
}

fn action<D: Desired>(item: &D, state: Option<&D::State>, ledger: &Record, policy: &Policy) -> Action<D::Field> {
    let Some(state) = state else {
        return Action::Create;
    };
    let differences = item.differences(state, ledger);
    if differences.is_empty() {
        Action::Keep
    } else if policy.updates.contains(&item.address().kind) || item.is_interrupted(state, ledger) {
        Action::Update(differences)
    } else {
        Action::Differs(differences)
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
