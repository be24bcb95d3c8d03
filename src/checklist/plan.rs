//! What a step would do: changes, and what only a person can do. A plan is a value, made from reads alone.

use crate::next_step::{NextSteps, SetupCommand};
use crate::progress::{ResourceKind, Verb};

/// What a step would do, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// By API, or to a local file.
    pub changes: Vec<Change>,
    /// By a person, after the changes.
    pub tasks: Vec<HumanTask>,
}

/// What a step would do through an API or to a local file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What is done.
    pub verb: Verb,
    /// To what kind of thing.
    pub kind: ResourceKind,
    /// To which one.
    pub name: String,
    /// In words: "Create the group Admins."
    pub sentence: String,
    /// As an `aws` command, or what is written where.
    pub command: String,
    /// What has to be agreed to.
    pub consent: Consent,
}

impl Change {
    /// Whether it is this change that another plan has too: its words may know an id by now.
    pub fn is_same(&self, other: &Self) -> bool {
        (self.verb, self.kind, &self.name) == (other.verb, other.kind, &other.name)
    }
}

/// What has to be agreed to before a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consent {
    /// It can be taken back: one agreement for all of these.
    Reversible,
    /// It cannot be taken back, or costs something: each is named.
    Named(Vec<NamedConsent>),
    /// A file of the person's is edited: they see the difference.
    File {
        /// The file.
        path: String,
        /// Unified difference.
        diff: String,
    },
}

impl Consent {
    /// Whether what it agrees to can be taken back.
    pub fn is_reversible(&self) -> bool {
        match self {
            Self::Named(consents) => consents.iter().all(|consent| !consent.is_final),
            Self::Reversible | Self::File { .. } => true,
        }
    }
}

/// A consent that is given by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedConsent {
    /// The flag without dashes: `create-organization`.
    pub flag: &'static str,
    /// What is at stake.
    pub stake: String,
    /// It cannot be taken back; otherwise it costs something, and can.
    pub is_final: bool,
}

/// What only a person can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HumanTask {
    /// In words: "Enable IAM Identity Center in us-east-1."
    pub sentence: String,
    /// Deep link, where there is a page.
    pub link: Option<String>,
    /// A code that the page shows too, to be compared.
    pub code: Option<String>,
    /// Click path; empty where a command does it.
    pub clicks: String,
    /// The command that does it, where one does.
    pub command: Option<SetupCommand>,
    /// Other ways to get it done.
    pub alternatives: NextSteps,
    /// What to know and to look for, a line each.
    pub details: Vec<String>,
    /// How it is verified.
    pub kind: TaskKind,
}

/// How a human task is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskKind {
    /// A look shows it: the wizard waits.
    Seen,
    /// No look shows it: a person says so, by this name (`--confirm NAME`), unless a later step proves it.
    Confirmed(&'static str),
    /// A look shows it, and nobody is kept waiting for it: a person says when, and a look checks.
    Checked,
    /// The step waits in its own way, as signing in does.
    Own,
}
