//! What goes wrong, and at which call.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::refusal::Refusal;

/// One thing that goes wrong.
#[derive(Debug, Clone)]
pub struct Fault {
    /// Only calls of this operation; any, when `None`.
    pub operation: Option<String>,
    /// Only the n-th of them, from 1; each, when `None`.
    pub nth: Option<u32>,
    /// What happens.
    pub kind: FaultKind,
}

/// What happens to a call.
#[derive(Debug, Clone)]
pub enum FaultKind {
    /// It takes longer.
    Delay(Duration),
    /// The service says no, without having done anything.
    Refuse(Refusal),
    /// Something that is not the service answers: status, content type and body.
    Foreign(u16, &'static str, &'static str),
    /// The connection ends before the call took effect.
    CutBefore,
    /// The call takes effect and the reply is lost.
    CutAfter,
    /// The call waits before taking effect; released, it is cut.
    HoldBefore(Hold),
    /// The call takes effect and waits; released, its reply is lost.
    HoldAfter(Hold),
}

impl FaultKind {
    /// The word in the call log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Delay(_) => "delay",
            Self::Refuse(_) => "refuse",
            Self::Foreign(..) => "foreign",
            Self::CutBefore => "cut-before",
            Self::CutAfter => "cut-after",
            Self::HoldBefore(_) => "hold-before",
            Self::HoldAfter(_) => "hold-after",
        }
    }
}

/// A call that is held until it is released.
#[derive(Debug, Clone, Default)]
pub struct Hold {
    reached: Arc<Notify>,
    released: Arc<Notify>,
}

impl Hold {
    /// Waits until a call is held.
    pub async fn reached(&self) {
        self.reached.notified().await;
    }

    /// Lets the held call end.
    pub fn release(&self) {
        self.released.notify_one();
    }

    pub(super) async fn wait(&self) {
        self.reached.notify_one();
        self.released.notified().await;
    }
}

/// Faults to come, with the calls counted so far.
#[derive(Debug, Default)]
pub struct FaultPlan {
    faults: Vec<(Fault, u32)>,
}

impl FaultPlan {
    /// Adds a fault; calls are counted from now on.
    pub fn add(&mut self, fault: Fault) {
        self.faults.push((fault, 0));
    }

    /// Counts this call, and answers what happens to it: the first fault that applies.
    pub fn next(&mut self, operation: &str) -> Option<FaultKind> {
        let mut chosen = None;
        for (fault, seen) in &mut self.faults {
            if fault.operation.as_deref().is_none_or(|wanted| wanted == operation) {
                *seen += 1;
                if chosen.is_none() && fault.nth.is_none_or(|nth| nth == *seen) {
                    chosen = Some(fault.kind.clone());
                }
            }
        }
        chosen
    }
}
