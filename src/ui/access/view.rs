//! A plan with what is needed to show it.

use std::time::Duration;

use crate::access::plan::Plan;
use crate::resources::inventory::Inventory;

/// A plan with what is needed to show it.
#[derive(Debug, Clone, Copy)]
pub struct PlanView<'a> {
    /// The name of the access file.
    pub name: &'a str,
    /// The plan.
    pub plan: &'a Plan,
    /// What was observed.
    pub inventory: &'a Inventory,
    /// The estimated number of calls.
    pub calls: usize,
    /// The estimated time, from the quotas of Identity Center.
    pub duration: Duration,
    /// What is assumed for a what-if plan, as sentences.
    pub assumptions: &'a [String],
}
