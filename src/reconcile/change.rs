//! A change, with the consent that it needs.

use crate::progress::{ResourceKind, ResourceName, Setting, Verb};

/// A change through an API or to a local file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The kind of change.
    pub verb: Verb,
    /// The kind of resource.
    pub kind: ResourceKind,
    /// The name of the resource.
    pub name: ResourceName,
    /// For an update of a permission set: what it changes.
    pub field: Option<FieldChange>,
    /// The change in words: "Create the group Admins."
    pub sentence: String,
    /// The equivalent `aws` command, or what is written to which file.
    pub command: String,
    /// The consent that the change needs.
    pub consent: Consent,
}

impl Change {
    /// What an intent to make this change is about.
    pub fn target(&self) -> Target {
        Target::new(self.verb, self.kind, &self.name)
    }

    /// Identifies the change. Its text may differ, for example because an id is known by now.
    pub fn key(&self) -> ChangeKey {
        (self.verb, self.kind, self.name.clone(), self.field.clone())
    }

    /// Whether `other` is the same change.
    pub fn is_same(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

/// What an intent is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The kind of change.
    pub verb: Verb,
    /// The kind of resource.
    pub kind: ResourceKind,
    /// The name of the resource.
    pub name: ResourceName,
}

impl Target {
    /// A change of the resource with this name.
    pub fn new(verb: Verb, kind: ResourceKind, name: impl Into<ResourceName>) -> Self {
        Self {
            verb,
            kind,
            name: name.into(),
        }
    }
}

/// Identifies a change, whatever its text.
pub type ChangeKey = (Verb, ResourceKind, ResourceName, Option<FieldChange>);

/// What an update of a permission set changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldChange {
    /// Properties, which are changed together: the description, the session duration and the relay state.
    Properties(Vec<SettingChange>),
    /// A policy, the boundary or a tag.
    Part(SettingChange),
    /// The roles in the accounts get the latest version.
    Provision,
}

impl FieldChange {
    /// The settings that it changes.
    pub fn settings(&self) -> &[SettingChange] {
        match self {
            Self::Properties(changes) => changes,
            Self::Part(change) => std::slice::from_ref(change),
            Self::Provision => &[],
        }
    }
}

/// The change of a setting.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SettingChange {
    /// The setting.
    pub setting: Setting,
    /// The observed value; `None` if it is absent.
    pub before: Option<String>,
    /// The wanted value; `None` if it must be absent.
    pub after: Option<String>,
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
