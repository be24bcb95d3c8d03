//! Applies a plan: independent nodes at the same time, each after the nodes that it waits for.

use std::collections::BTreeSet;

use futures_util::stream::{FuturesUnordered, StreamExt};

use super::plan::{Address, Node};
use crate::user_error::UserError;

/// What became of the nodes of a plan.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What was changed, in the order in which the changes ended.
    pub done: Vec<Address>,
    /// What could not be changed, and why.
    pub failed: Vec<(Address, UserError)>,
    /// What was not begun, because it waits for something that failed, that differs, or that a person does.
    pub waiting: Vec<Address>,
}

/// Applies the changes of a plan with `make`, at most `at_once` at the same time. If a change fails, only what depends on
/// it waits; the others go on. Without valid credentials, nothing new is begun.
pub async fn apply<F>(
    nodes: &[Node<F>],
    at_once: usize,
    make: impl AsyncFn(&Node<F>) -> Result<(), UserError>,
) -> Outcome {
    let mut outcome = Outcome::default();
    let mut open: Vec<&Node<F>> = nodes.iter().filter(|node| node.action.is_change()).collect();
    let mut blocking: BTreeSet<&Address> = nodes
        .iter()
        .filter(|node| node.action.blocks_dependents())
        .map(|node| &node.address)
        .collect();
    let mut running = FuturesUnordered::new();
    let mut is_stopped = false;
    loop {
        while running.len() < at_once && !is_stopped {
            let is_ready = |node: &&Node<F>| !node.after.iter().any(|other| blocking.contains(other));
            let Some(index) = open.iter().position(is_ready) else {
                break;
            };
            let (node, make) = (open.remove(index), &make);
            running.push(async move { (node, make(node).await) });
        }
        match running.next().await {
            Some((node, Ok(()))) => {
                blocking.remove(&node.address);
                outcome.done.push(node.address.clone());
            }
            Some((node, Err(error))) => {
                is_stopped |= error.ends_run();
                outcome.failed.push((node.address.clone(), error));
            }
            None => break,
        }
    }
    outcome.waiting = open.into_iter().map(|node| node.address.clone()).collect();
    outcome
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::time::Duration;

    use super::*;
    use crate::next_step::SetupCommand;
    use crate::progress::ResourceKind;
    use crate::reconcile::plan::Action;
    use crate::user_error::UserErrorKind;

    fn address(name: &str) -> Address {
        Address::new(ResourceKind::Group, name)
    }

    fn node(name: &str, action: Action<()>, after: &[&str]) -> Node<()> {
        Node {
            address: address(name),
            action,
            after: after.iter().map(|name| address(name)).collect(),
        }
    }

    fn name(node: &Node<()>) -> String {
        match &node.address {
            Address::Resource(_, name) => name.to_string(),
            Address::Task(_) => String::new(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_stops_only_what_depends_on_it() {
        let nodes = [
            node("task", Action::Perform, &[]),
            node("after task", Action::Create, &["task"]),
            node("bad", Action::Create, &[]),
            node("after bad", Action::Create, &["bad"]),
            node("good", Action::Create, &[]),
            node("after good", Action::Update(vec![()]), &["good"]),
            node("kept", Action::Keep, &[]),
        ];
        let outcome = apply(&nodes, 2, async |node| match name(node).as_str() {
            "bad" => Err(UserError::failed("no", SetupCommand::again())),
            _ => Ok(()),
        })
        .await;
        assert_eq!(outcome.done, [address("good"), address("after good")]);
        assert_eq!(outcome.failed[0].0, address("bad"));
        assert_eq!(outcome.waiting, [address("after task"), address("after bad")]);
    }

    #[tokio::test(start_paused = true)]
    async fn independent_changes_are_made_at_the_same_time_up_to_a_bound() {
        let nodes: Vec<Node<()>> = (0..10).map(|n| node(&format!("{n}"), Action::Create, &[])).collect();
        let (now, most, order) = (Cell::new(0), Cell::new(0), RefCell::new(Vec::new()));
        let outcome = apply(&nodes, 4, async |node| {
            now.set(now.get() + 1);
            most.set(most.get().max(now.get()));
            tokio::time::sleep(Duration::from_secs(1)).await;
            now.set(now.get() - 1);
            order.borrow_mut().push(name(node));
            Ok(())
        })
        .await;
        assert_eq!((outcome.done.len(), most.get()), (10, 4));
        assert_eq!(order.borrow()[0], "0");
    }

    #[tokio::test(start_paused = true)]
    async fn without_credentials_nothing_new_is_begun() {
        let nodes: Vec<Node<()>> = (0..5).map(|n| node(&format!("{n}"), Action::Create, &[])).collect();
        let outcome = apply(&nodes, 1, async |_| {
            Err(UserError::new(
                UserErrorKind::NoCredentials,
                "expired",
                SetupCommand::again(),
            ))
        })
        .await;
        assert_eq!((outcome.failed.len(), outcome.waiting.len()), (1, 4));
    }
}
