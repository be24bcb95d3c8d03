//! The state file's content.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::replaced::Replaced;

/// The format this version writes. Version 1 is the first; a file of a later one is refused.
pub const FORMAT: u32 = 1;

/// Where a thing comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// We created it: undo may delete it.
    Created,
    /// It existed before, or nobody can tell: undo never touches it.
    Existing,
    /// A person confirmed it.
    Confirmed,
}

impl Origin {
    /// The value in JSON, and what a screen shows.
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Existing => "existing",
            Self::Confirmed => "confirmed",
        }
    }
}

/// What kinds of things the checklist is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResourceKind {
    /// Of AWS Organizations.
    Organization,
    /// Of IAM Identity Center.
    Instance,
    /// `PermissionSetsEnabled` of the instance.
    PermissionSetsSwitch,
    /// In the identity store.
    User,
    /// In the identity store.
    Group,
    /// Of the user in the group.
    GroupMembership,
    /// Of the instance.
    PermissionSet,
    /// An AWS managed policy on the permission set.
    PolicyAttachment,
    /// The permission set's roles in the accounts.
    Provisioning,
    /// Of the principal to the account.
    AccountAssignment,
    /// In `~/.aws/config`.
    SsoSession,
    /// In `~/.aws/config`.
    CliProfile,
    /// `~/.aws/config` itself, where there was none.
    ConfigFile,
    /// In `~/.aws/sso/cache`.
    Token,
    /// A client of sso-oidc, kept in `~/.aws/sso/cache`.
    Registration,
    /// Of CloudTrail.
    Trail,
    /// Of S3, for a trail.
    Bucket,
}

impl ResourceKind {
    /// Kept in this machine's files, which have no delays.
    pub fn is_local(self) -> bool {
        matches!(
            self,
            Self::SsoSession | Self::CliProfile | Self::ConfigFile | Self::Token | Self::Registration
        )
    }
}

impl fmt::Display for ResourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Organization => "organization",
            Self::Instance => "instance",
            Self::PermissionSetsSwitch => "permission sets switch",
            Self::User => "user",
            Self::Group => "group",
            Self::GroupMembership => "group membership",
            Self::PermissionSet => "permission set",
            Self::PolicyAttachment => "policy attachment",
            Self::Provisioning => "provisioning",
            Self::AccountAssignment => "account assignment",
            Self::SsoSession => "SSO session",
            Self::ConfigFile => "config file",
            Self::CliProfile => "CLI profile",
            Self::Token => "token",
            Self::Registration => "client registration",
            Self::Trail => "trail",
            Self::Bucket => "bucket",
        })
    }
}

/// What a change does to a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// It was not there.
    Create,
    /// It says something else.
    Update,
    /// It is too much.
    Delete,
}

/// A thing and how it came to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Resource {
    /// What it is.
    pub kind: ResourceKind,
    /// As people call it.
    pub name: String,
    /// As AWS calls it.
    pub id: String,
    /// Whose it is.
    pub origin: Origin,
    /// Where it is, for a thing whose id does not say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// What it was made with, where undo has to know: the text that was written into a file, a permission set's session
    /// duration, a bucket's policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// For an SSO session: profiles that named it before it was there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub used_before: Vec<String>,
    /// When it was first written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub at: Option<Timestamp>,
}

impl Resource {
    /// A thing whose id says where it is, and that no text was written for.
    pub fn new(origin: Origin, kind: ResourceKind, name: impl Into<String>, id: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.into(),
            id: id.into(),
            origin,
            region: None,
            text: None,
            used_before: Vec::new(),
            at: None,
        }
    }

    /// The same, made with this.
    #[must_use]
    pub fn with_text(mut self, text: Option<String>) -> Self {
        self.text = text;
        self
    }
}

/// A change that was begun: written before the call, taken away with its result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Intent {
    /// The step's slug.
    pub step: String,
    /// What is done to it; a look found the thing absent before a [`Verb::Create`].
    pub verb: Verb,
    /// What it is.
    pub kind: ResourceKind,
    /// Its name, or the ids it joins.
    pub name: String,
    /// The server's time when it was written.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Stands in the permission set's tag `idc-setup:intent`.
    pub nonce: String,
    /// For a file: the SHA-256 of what it will hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<String>,
    /// For a file: the text that is written into it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// For an SSO session: profiles that name it already.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub used_before: Vec<String>,
}

/// An explicit answer of an earlier run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SavedAnswer {
    /// In its canonical form.
    pub value: String,
    /// When it was first given.
    #[schemars(with = "String")]
    pub at: Timestamp,
}

/// What a person said, or a sign-in proved, about a thing that no API tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attestation {
    /// The id of what it is about: it counts for nothing else.
    pub about: String,
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// A sign-in showed it; otherwise it is a person's word.
    pub proved: bool,
}

/// How a step was last seen, for `status` without credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepRecord {
    /// The state that was printed.
    pub state: String,
    /// The sentence that went with it.
    pub summary: String,
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// When it was first seen in this state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub since: Option<Timestamp>,
}

/// The state file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// Version of this format.
    pub format: u32,
    /// `aws`, `aws-cn`, …
    pub partition: String,
    /// Twelve digits.
    pub account: String,
    /// Where Identity Center is, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// By the answer's name.
    #[serde(default)]
    pub answers: BTreeMap<String, SavedAnswer>,
    /// Changes begun and not known to have ended.
    #[serde(default)]
    pub intents: Vec<Intent>,
    /// What was made and found.
    #[serde(default)]
    pub resources: Vec<Resource>,
    /// What was changed of what was found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaced: Vec<Replaced>,
    /// Folders that were not there before a file of ours was put into them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub folders: BTreeSet<PathBuf>,
    /// By topic (`activation`, `access-portal`).
    #[serde(default)]
    pub attestations: BTreeMap<String, Attestation>,
    /// By slug.
    #[serde(default)]
    pub steps: BTreeMap<String, StepRecord>,
}

impl Record {
    /// Nothing done yet in this account.
    pub fn new(partition: &str, account: &str) -> Self {
        Self {
            format: FORMAT,
            partition: partition.to_owned(),
            account: account.to_owned(),
            region: None,
            answers: BTreeMap::new(),
            intents: Vec::new(),
            resources: Vec::new(),
            replaced: Vec::new(),
            folders: BTreeSet::new(),
            attestations: BTreeMap::new(),
            steps: BTreeMap::new(),
        }
    }

    /// The open intents for a thing, oldest first; more than one when several runs were cut short.
    pub fn intents<'a>(&'a self, verb: Verb, kind: ResourceKind, name: &'a str) -> impl Iterator<Item = &'a Intent> {
        self.intents
            .iter()
            .filter(move |intent| intent.verb == verb && intent.kind == kind && intent.name == name)
    }

    /// Writes an intent down.
    pub fn open(&mut self, intent: Intent) {
        self.intents.push(intent);
    }

    /// The attempt with this nonce took no effect.
    pub fn drop_intent(&mut self, nonce: &str) {
        self.intents.retain(|intent| intent.nonce != nonce);
    }

    /// The change has ended: no intent for the thing stands open any more.
    pub fn close(&mut self, verb: Verb, kind: ResourceKind, name: &str) {
        self.intents
            .retain(|intent| !(intent.verb == verb && intent.kind == kind && intent.name == name));
    }

    /// Whether anything of a kind whose name begins so was to be created and is not known to be.
    pub fn is_any_open(&self, kind: ResourceKind, prefix: &str) -> bool {
        self.intents
            .iter()
            .any(|intent| intent.verb == Verb::Create && intent.kind == kind && intent.name.starts_with(prefix))
    }

    /// No creation of a kind whose name begins so stands open any more.
    pub fn close_all(&mut self, kind: ResourceKind, prefix: &str) {
        self.intents
            .retain(|intent| !(intent.verb == Verb::Create && intent.kind == kind && intent.name.starts_with(prefix)));
    }

    /// How a thing came to be, as far as we wrote it down.
    pub fn origin(&self, kind: ResourceKind, id: &str) -> Option<Origin> {
        self.resources
            .iter()
            .find(|resource| resource.kind == kind && resource.id == id)
            .map(|resource| resource.origin)
    }

    /// What a thing was made with, as far as we wrote it down.
    pub fn text(&self, kind: ResourceKind, id: &str) -> Option<String> {
        let known = self.resources.iter();
        let mut known = known.filter(|resource| resource.kind == kind && resource.id == id);
        known.next()?.text.clone()
    }

    /// Writes a thing down; what was once made stays made.
    pub fn keep(&mut self, mut resource: Resource) {
        resource.at = resource.at.or_else(|| Some(Timestamp::now()));
        let known = self
            .resources
            .iter_mut()
            .find(|known| known.kind == resource.kind && known.id == resource.id);
        match known {
            Some(known) if known.origin == Origin::Created => {
                known.name = resource.name;
                known.text = resource.text.or(known.text.take());
            }
            Some(known) => {
                resource.at = known.at.or(resource.at);
                *known = resource;
            }
            None => self.resources.push(resource),
        }
    }

    /// What was said or proved about `about`.
    pub fn attestation(&self, topic: &str, about: &str) -> Option<&Attestation> {
        self.attestations.get(topic).filter(|word| word.about == about)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_stays_made() {
        let mut record = Record::new("aws", "123456789012");
        let user = |origin| Resource::new(origin, ResourceKind::User, "Admin", "u-1");
        record.keep(user(Origin::Created));
        record.keep(user(Origin::Existing));
        assert_eq!(record.origin(ResourceKind::User, "u-1"), Some(Origin::Created));
        assert_eq!(record.resources.len(), 1);
    }

    #[test]
    fn the_first_format_is_still_read() {
        let old = include_str!("../../tests/fixtures/progress-format-1.json");
        let record: Record = serde_json::from_str(old).unwrap();
        assert_eq!(record.format, 1);
        assert_eq!(record.intents.len(), 1);
    }
}
