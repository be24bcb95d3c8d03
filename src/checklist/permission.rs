//! What a step needs to be allowed to do, as IAM names it.

/// An IAM action that a step needs. Steps declare theirs in their [`StepInfo`](super::StepInfo), so that the
/// policy that is printed and the rights that are checked cannot drift from the steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    /// `prefix:Action`, as the Service Authorization Reference has it.
    pub action: &'static str,
    /// The ARN of what it is needed on, with `*` for the partition and for what is not known before; or `*`.
    pub on: &'static str,
    /// Only a change needs it; otherwise a look does.
    pub changes: bool,
}

impl Permission {
    /// A look needs it.
    pub const fn look(action: &'static str) -> Self {
        Self {
            action,
            on: "*",
            changes: false,
        }
    }

    /// A change needs it.
    pub const fn change(action: &'static str) -> Self {
        Self {
            action,
            on: "*",
            changes: true,
        }
    }

    /// A change needs it, on these things only.
    pub const fn change_on(on: &'static str, action: &'static str) -> Self {
        Self {
            action,
            on,
            changes: true,
        }
    }
}
