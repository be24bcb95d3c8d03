//! The IAM permissions that a step needs.

use super::Partition;

/// An IAM action that a step needs. Steps declare their actions in their `StepInfo`. The printed
/// policy and the permission check are derived from these declarations, so they always match the steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    /// `prefix:Action`, as in the Service Authorization Reference.
    pub action: &'static str,
    /// The ARN of the resources, with `*` for the partition and for parts that are not known in advance; or `*`.
    pub on: &'static str,
    /// Only changes need it. Otherwise reads need it.
    pub changes: bool,
}

impl Permission {
    /// An action that reads need.
    pub const fn look(action: &'static str) -> Self {
        Self {
            action,
            on: "*",
            changes: false,
        }
    }

    /// An action that changes need.
    pub const fn change(action: &'static str) -> Self {
        Self {
            action,
            on: "*",
            changes: true,
        }
    }

    /// The ARN of the resources in this partition, or `*`.
    pub fn resource(&self, partition: Partition) -> String {
        self.on.replacen("arn:*:", &format!("arn:{}:", partition.id()), 1)
    }

    /// An action that changes need, on these resources only.
    pub const fn change_on(on: &'static str, action: &'static str) -> Self {
        Self {
            action,
            on,
            changes: true,
        }
    }
}
