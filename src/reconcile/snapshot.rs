//! What was observed of the desired items, shared by everything that observes and plans concurrently.

use std::cell::{Ref, RefCell};
use std::collections::BTreeMap;

use tokio::sync::watch;

use super::plan::Address;

/// What was last observed of each item. An item that is absent does not exist, or was not observed.
#[derive(Debug)]
pub struct Snapshot<S> {
    states: RefCell<BTreeMap<Address, S>>,
    changed: watch::Sender<()>,
}

impl<S> Default for Snapshot<S> {
    fn default() -> Self {
        Self {
            states: RefCell::default(),
            changed: watch::Sender::new(()),
        }
    }
}

impl<S> Snapshot<S> {
    /// The observed states.
    pub fn states(&self) -> Ref<'_, BTreeMap<Address, S>> {
        self.states.borrow()
    }

    /// Records what was observed of an item; `None` if it does not exist.
    pub fn set(&self, address: Address, state: Option<S>) {
        let mut states = self.states.borrow_mut();
        match state {
            Some(state) => states.insert(address, state),
            None => states.remove(&address),
        };
        drop(states);
        self.touch();
    }

    /// Wakes up everyone who waits for a change.
    pub fn touch(&self) {
        self.changed.send_replace(());
    }

    /// Waits for `check` to give a result. It is repeated after each change.
    pub async fn until<T>(&self, mut check: impl FnMut() -> Option<T>) -> Option<T> {
        let mut changes = self.changed.subscribe();
        loop {
            changes.mark_unchanged();
            if let Some(result) = check() {
                return Some(result);
            }
            // The sender lives as long as the snapshot.
            changes.changed().await.ok()?;
        }
    }
}
