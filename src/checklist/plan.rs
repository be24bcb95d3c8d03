//! What a step would do: changes, and tasks for a person. A plan is a value that is computed from reads alone.

use crate::next_step::{NextSteps, SetupCommand};
use crate::progress::{ResourceKind, ResourceName, Verb};

/// What a step would do, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Changes through an API or to a local file.
    pub changes: Vec<Change>,
    /// What a person does after the changes.
    pub tasks: Vec<HumanTask>,
}

/// A change through an API or to a local file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The kind of change.
    pub verb: Verb,
    /// The kind of resource.
    pub kind: ResourceKind,
    /// The name of the resource.
    pub name: ResourceName,
    /// The change in words: "Create the group Admins."
    pub sentence: String,
    /// The equivalent `aws` command, or what is written to which file.
    pub command: String,
    /// The consent that the change needs.
    pub consent: Consent,
}

impl Change {
    /// Whether `other` is the same change. Its text may differ, for example because an id is known by now.
    pub fn is_same(&self, other: &Self) -> bool {
        (self.verb, self.kind, &self.name) == (other.verb, other.kind, &other.name)
    }
}

/// The consent that a change needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consent {
    /// The change can be undone. One confirmation covers all changes of this kind.
    Reversible,
    /// The change can't be undone, or costs something. Each needs its own confirmation or flag.
    Named(Vec<NamedConsent>),
    /// The change edits a file of the user, who sees the diff first.
    File {
        /// The file.
        path: String,
        /// The unified diff.
        diff: String,
    },
}

impl Consent {
    /// Whether the change can be undone.
    pub fn is_reversible(&self) -> bool {
        match self {
            Self::Named(consents) => consents.iter().all(|consent| !consent.is_final),
            Self::Reversible | Self::File { .. } => true,
        }
    }
}

/// A consent with its own flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedConsent {
    /// The flag without dashes: `create-organization`.
    pub flag: &'static str,
    /// The consequences of the change.
    pub stake: String,
    /// The change can't be undone. Otherwise it can be undone, but costs something.
    pub is_final: bool,
}

/// A task that only a person can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HumanTask {
    /// The task in words: "Enable IAM Identity Center in us-east-1."
    pub sentence: String,
    /// A deep link to the page, if there is one.
    pub link: Option<String>,
    /// A code that the page also shows; the user compares the two.
    pub code: Option<String>,
    /// The click path in the console; empty if a command does the task.
    pub clicks: String,
    /// The command that does the task, if there is one.
    pub command: Option<SetupCommand>,
    /// Other ways to do the task.
    pub alternatives: NextSteps,
    /// Further information, one line each.
    pub details: Vec<String>,
    /// How completion is verified.
    pub kind: TaskKind,
}

/// How the completion of a human task is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskKind {
    /// An API shows it. The wizard polls until it does.
    Seen,
    /// No API shows it. A person confirms it by this name (`--confirm NAME`), unless a later step proves it.
    Confirmed(&'static str),
    /// An API shows it, but the wizard does not poll. A person says when to check.
    Checked,
    /// The step waits in its own way, as the sign-in does.
    Own,
}
