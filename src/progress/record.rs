//! The content of the state file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::replaced::{Replaced, Setting, Settings, as_list};
use super::resource_id::{ResourceId, ResourceName};
use super::resource_kind::ResourceKind;
use crate::ids::{AccountId, RegionName};

/// The format that this version writes. Files of a newer format are refused.
pub const FORMAT: u32 = 1;

/// The origin of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// This program created it, so undo may delete it.
    Created,
    /// It already existed, or its origin is unknown, so undo never deletes it.
    Existing,
    /// A person confirmed it; no API shows it.
    Confirmed,
}

impl Origin {
    /// The name in JSON and on screens.
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Existing => "existing",
            Self::Confirmed => "confirmed",
        }
    }
}

/// The kind of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Create a resource that does not exist.
    Create,
    /// Update a resource that differs.
    Update,
    /// Delete a resource.
    Delete,
}

/// A resource and its origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// The kind of resource.
    pub kind: ResourceKind,
    /// The name.
    pub name: ResourceName,
    /// The id that AWS assigned.
    pub id: ResourceId,
    /// The origin.
    pub origin: Origin,
    /// The Region, if the id does not contain it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<RegionName>,
    /// What undo needs to know about its creation: the text that was written to a file, a digest of a user, or the policy
    /// of a bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The settings that this program applied to a permission set that it created.
    #[serde(default, skip_serializing_if = "Settings::is_empty", with = "as_list")]
    #[schemars(with = "Vec<as_list::Value>")]
    pub applied: Settings,
    /// For an SSO session: profiles that referred to it before it existed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub used_before: Vec<String>,
    /// When it was first recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub at: Option<Timestamp>,
}

impl Entry {
    /// A resource without a separate Region or text.
    pub fn new(origin: Origin, kind: ResourceKind, name: impl Into<ResourceName>, id: impl Into<ResourceId>) -> Self {
        Self {
            kind,
            name: name.into(),
            id: id.into(),
            origin,
            region: None,
            text: None,
            applied: Settings::new(),
            used_before: Vec::new(),
            at: None,
        }
    }

    /// The same resource with this [`text`](Self::text).
    #[must_use]
    pub fn with_text(mut self, text: Option<String>) -> Self {
        self.text = text;
        self
    }
}

/// A pending change: recorded before the call, and removed when the result is recorded. For a permission set, it is removed
/// when a read shows the result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Intent {
    /// The step's slug.
    pub step: String,
    /// The kind of change. Before a [`Verb::Create`], a read showed that the resource did not exist.
    pub verb: Verb,
    /// The kind of resource.
    pub kind: ResourceKind,
    /// The name of the resource.
    pub name: ResourceName,
    /// When the intent was recorded, by the server's clock.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The value of the tag `idc-setup:intent` of a permission set.
    pub nonce: String,
    /// The resource, if it exists: for an update.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<ResourceId>,
    /// For a permission set: the settings that the change applies.
    #[serde(default, skip_serializing_if = "Settings::is_empty", with = "as_list")]
    #[schemars(with = "Vec<as_list::Value>")]
    pub settings: Settings,
    /// For a file: the SHA-256 of its new content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<String>,
    /// For a file: the text to write to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// For an SSO session: profiles that already refer to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub used_before: Vec<String>,
}

/// An explicit answer of an earlier run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SavedAnswer {
    /// The value in canonical form.
    pub value: String,
    /// When it was first given.
    #[schemars(with = "String")]
    pub at: Timestamp,
}

/// What a person confirmed, or a sign-in proved, about a fact that no API shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attestation {
    /// The id of the resource. The attestation is not valid for any other resource.
    pub about: String,
    /// When it was confirmed or proved.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// A sign-in proved it. Otherwise a person confirmed it.
    pub proved: bool,
}

/// The last state of a step, for `status` without credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepRecord {
    /// The name of the state.
    pub state: String,
    /// The summary of the state.
    pub summary: String,
    /// When the step was last in this state.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// When the step was first in this state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub since: Option<Timestamp>,
}

/// A resource that another tool manages, so that undo leaves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HandedOver {
    /// The kind of resource.
    pub kind: ResourceKind,
    /// The id that AWS assigned.
    pub id: ResourceId,
    /// The tool, such as `terraform`.
    pub to: String,
    /// When it was handed over.
    #[schemars(with = "String")]
    pub at: Timestamp,
}

/// The state file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// The version of the format.
    pub format: u32,
    /// `aws`, `aws-cn`, …
    pub partition: String,
    /// The account.
    pub account: AccountId,
    /// The Region of Identity Center, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<RegionName>,
    /// The explicit answers, by name.
    #[serde(default)]
    pub answers: BTreeMap<String, SavedAnswer>,
    /// Pending changes, whose results are not recorded yet.
    #[serde(default)]
    pub intents: Vec<Intent>,
    /// The created and existing resources.
    #[serde(default)]
    pub resources: Vec<Entry>,
    /// The changes to existing resources.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaced: Vec<Replaced>,
    /// The resources that another tool manages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub handed_over: Vec<HandedOver>,
    /// Folders that this program created for its files.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub folders: BTreeSet<PathBuf>,
    /// The attestations, by topic (`activation`, `access-portal`).
    #[serde(default)]
    pub attestations: BTreeMap<String, Attestation>,
    /// The last state of each step, by slug.
    #[serde(default)]
    pub steps: BTreeMap<String, StepRecord>,
}

impl Record {
    /// An empty record for an account.
    pub fn new(partition: &str, account: &AccountId) -> Self {
        Self {
            format: FORMAT,
            partition: partition.to_owned(),
            account: account.clone(),
            region: None,
            answers: BTreeMap::new(),
            intents: Vec::new(),
            resources: Vec::new(),
            replaced: Vec::new(),
            handed_over: Vec::new(),
            folders: BTreeSet::new(),
            attestations: BTreeMap::new(),
            steps: BTreeMap::new(),
        }
    }

    /// Checks that the id of each resource fits its kind. Otherwise undo would look for something else, not find it, and
    /// forget the resource.
    ///
    /// # Errors
    /// Which id does not fit.
    pub fn check_ids(&self) -> Result<(), String> {
        let resources = self.resources.iter().map(|resource| (resource.kind, &resource.id));
        let replaced = self.replaced.iter().map(|replaced| (replaced.kind, &replaced.id));
        let mut wrong = resources.chain(replaced).filter(|(kind, id)| !id.fits(*kind));
        match wrong.next() {
            None => Ok(()),
            Some((kind, id)) => Err(format!("{:?} is not the ID of a {kind}", id.to_string())),
        }
    }

    /// The open intents for a resource, oldest first. There is more than one if several runs were interrupted.
    pub fn intents<'a>(
        &'a self,
        verb: Verb,
        kind: ResourceKind,
        name: &'a ResourceName,
    ) -> impl Iterator<Item = &'a Intent> {
        self.intents
            .iter()
            .filter(move |intent| intent.verb == verb && intent.kind == kind && intent.name == *name)
    }

    /// Records an intent.
    pub fn open(&mut self, intent: Intent) {
        self.intents.push(intent);
    }

    /// Removes the intent with this nonce: its attempt had no effect.
    pub fn drop_intent(&mut self, nonce: &str) {
        self.intents.retain(|intent| intent.nonce != nonce);
    }

    /// Removes all intents for a resource: the change is complete.
    pub fn close(&mut self, verb: Verb, kind: ResourceKind, name: &ResourceName) {
        self.intents
            .retain(|intent| !(intent.verb == verb && intent.kind == kind && intent.name == *name));
    }

    /// The recorded origin of a resource.
    pub fn origin(&self, kind: ResourceKind, id: &ResourceId) -> Option<Origin> {
        self.resources
            .iter()
            .find(|resource| resource.kind == kind && resource.id == *id)
            .map(|resource| resource.origin)
    }

    /// The recorded [`text`](Entry::text) of a resource.
    pub fn text(&self, kind: ResourceKind, id: &ResourceId) -> Option<String> {
        let known = self.resources.iter();
        let mut known = known.filter(|resource| resource.kind == kind && resource.id == *id);
        known.next()?.text.clone()
    }

    /// Records a resource. The origin [`Created`](Origin::Created) is never replaced.
    pub fn keep(&mut self, mut resource: Entry) {
        resource.at = resource.at.or_else(|| Some(Timestamp::now()));
        let known = self
            .resources
            .iter_mut()
            .find(|known| known.kind == resource.kind && known.id == resource.id);
        match known {
            Some(known) if known.origin == Origin::Created => {
                known.name = resource.name;
                known.text = resource.text.or(known.text.take());
                known.applied.extend(resource.applied);
            }
            Some(known) => {
                resource.at = known.at.or(resource.at);
                *known = resource;
            }
            None => self.resources.push(resource),
        }
    }

    /// Records that another tool manages a resource. Of several, the last one counts.
    pub fn hand_over(&mut self, kind: ResourceKind, id: &ResourceId, to: &str) {
        self.take_back(kind, id);
        self.handed_over.push(HandedOver {
            kind,
            id: id.clone(),
            to: to.to_owned(),
            at: Timestamp::now(),
        });
    }

    /// Records that no other tool manages a resource any more.
    pub fn take_back(&mut self, kind: ResourceKind, id: &ResourceId) {
        self.handed_over.retain(|other| other.kind != kind || other.id != *id);
    }

    /// Records that a tool manages nothing any more. Returns how many resources it managed.
    pub fn take_back_all(&mut self, from: &str) -> usize {
        let before = self.handed_over.len();
        self.handed_over.retain(|other| other.to != from);
        before - self.handed_over.len()
    }

    /// The tool that manages a resource, if it was handed over.
    pub fn handed_over_to(&self, kind: ResourceKind, id: &ResourceId) -> Option<&str> {
        let mut known = self.handed_over.iter();
        let found = known.find(|other| other.kind == kind && other.id == *id);
        found.map(|other| other.to.as_str())
    }

    /// The attestation of a topic, if it is about this resource.
    pub fn attestation(&self, topic: &str, about: &str) -> Option<&Attestation> {
        let attestation = self.attestations.get(topic)?;
        (attestation.about == about).then_some(attestation)
    }
}

impl Record {
    /// Records a change to an existing resource before the change is made. If there are several changes, the settings
    /// before the first one are kept.
    pub fn replace(&mut self, new: Replaced) {
        let known = self
            .replaced
            .iter_mut()
            .find(|known| known.kind == new.kind && known.id == new.id);
        let Some(known) = known else {
            self.replaced.push(new);
            return;
        };
        for (name, value) in new.before {
            known.before.entry(name).or_insert(value);
        }
        known.after.extend(new.after);
        known.rewrites.extend(new.rewrites);
    }

    /// Like [`replace`](Self::replace), before the change is made: its settings are only known from the intent until then.
    pub fn remember(&mut self, new: Replaced) {
        let known = self.replaced.iter_mut();
        let mut known = known.filter(|known| known.kind == new.kind && known.id == new.id);
        match known.next() {
            Some(known) => {
                for (name, value) in new.before {
                    known.after.entry(name.clone()).or_insert_with(|| value.clone());
                    known.before.entry(name).or_insert(value);
                }
            }
            None => self.replaced.push(Replaced {
                after: new.before.clone(),
                ..new
            }),
        }
    }

    /// Forgets the changes of these settings.
    pub fn forget_settings(&mut self, kind: ResourceKind, id: &ResourceId, settings: &Settings) {
        self.retain_settings(kind, id, |_, setting| !settings.contains_key(setting));
    }

    /// Forgets the changes of these settings if they were never made.
    pub fn forget_unapplied(&mut self, kind: ResourceKind, id: &ResourceId, settings: &Settings) {
        self.retain_settings(kind, id, |known, setting| {
            !settings.contains_key(setting) || known.before.get(setting) != known.after.get(setting)
        });
    }

    fn retain_settings(&mut self, kind: ResourceKind, id: &ResourceId, is_kept: impl Fn(&Replaced, &Setting) -> bool) {
        for known in self
            .replaced
            .iter_mut()
            .filter(|known| known.kind == kind && known.id == *id)
        {
            let kept: BTreeSet<Setting> = known
                .before
                .keys()
                .filter(|setting| is_kept(known, setting))
                .cloned()
                .collect();
            known.before.retain(|setting, _| kept.contains(setting));
            known.after.retain(|setting, _| kept.contains(setting));
        }
        self.replaced.retain(|known| !known.before.is_empty());
    }

    /// Removes the record of a change: the original settings are restored, or the resource no longer exists.
    pub fn drop_replaced(&mut self, kind: ResourceKind, id: &ResourceId) {
        self.replaced.retain(|known| known.kind != kind || known.id != *id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_created_resource_stays_created() {
        let mut record = Record::new("aws", &"123456789012".parse().unwrap());
        let user = |origin| Entry::new(origin, ResourceKind::User, "Admin", "u-1");
        record.keep(user(Origin::Created));
        record.keep(user(Origin::Existing));
        assert_eq!(record.origin(ResourceKind::User, &"u-1".into()), Some(Origin::Created));
        assert_eq!(record.resources.len(), 1);
    }

    #[test]
    fn the_last_tool_that_a_resource_was_handed_over_to_counts() {
        let mut record = Record::new("aws", &"123456789012".parse().unwrap());
        record.hand_over(ResourceKind::Group, &"g-1".into(), "terraform");
        record.hand_over(ResourceKind::Group, &"g-1".into(), "cloudformation");
        let tool = |kind| record.handed_over_to(kind, &"g-1".into());
        assert_eq!(tool(ResourceKind::Group), Some("cloudformation"));
        assert_eq!(tool(ResourceKind::User), None);
        assert_eq!(record.handed_over.len(), 1);
    }

    #[test]
    fn what_was_handed_over_is_taken_back_from_one_tool() {
        let mut record = Record::new("aws", &"123456789012".parse().unwrap());
        record.hand_over(ResourceKind::Group, &"g-1".into(), "terraform");
        record.hand_over(ResourceKind::User, &"u-1".into(), "access");
        assert_eq!(record.take_back_all("terraform"), 1);
        assert_eq!(record.handed_over_to(ResourceKind::Group, &"g-1".into()), None);
        assert_eq!(record.handed_over_to(ResourceKind::User, &"u-1".into()), Some("access"));
        assert_eq!(record.take_back_all("terraform"), 0);
    }

    #[test]
    fn an_id_that_does_not_fit_its_kind_is_reported() {
        let mut record = Record::new("aws", &"123456789012".parse().unwrap());
        record.keep(Entry::new(Origin::Created, ResourceKind::Group, "Admins", "g-1"));
        assert_eq!(record.check_ids(), Ok(()));
        for kind in [ResourceKind::GroupMembership, ResourceKind::PermissionSet] {
            let mut wrong = record.clone();
            wrong.keep(Entry::new(Origin::Created, kind, "Admins", "g-1/u-1"));
            let why = wrong.check_ids().unwrap_err();
            assert!(why.contains("g-1/u-1") && why.contains(&kind.to_string()), "{why}");
        }
    }

    #[test]
    fn format_1_is_still_read() {
        let old = include_str!("../../tests/fixtures/progress-format-1.json");
        let record: Record = serde_json::from_str(old).unwrap();
        assert_eq!(record.format, 1);
        assert_eq!(record.intents.len(), 1);
    }
}
