//! What `--update` replaced in existing resources, so that undo can restore it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::edit::Edit;
use super::record::{Record, ResourceKind};

/// The settings of a resource, by name; `None` if a setting is absent.
pub type Settings = BTreeMap<String, Option<String>>;

/// An existing resource that we changed on request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Replaced {
    /// The kind of resource.
    pub kind: ResourceKind,
    /// The name.
    pub name: String,
    /// The id that AWS assigned; for a section of a file, the file and the section.
    pub id: String,
    /// The settings before our first change.
    pub before: Settings,
    /// The settings after our last change.
    pub after: Settings,
    /// The edits of the file, in order. They are only usable if all of them were recorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rewrites: Vec<Edit>,
}

/// How the current settings of a resource compare with our change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drift {
    /// They are as before our change.
    AsBefore,
    /// They are as after our change, or a mix of before and after.
    AsChanged,
    /// Somebody else changed these settings since.
    Modified(Vec<String>),
}

impl Replaced {
    /// Compares the current settings with those before and after our change.
    pub fn drift(&self, now: &Settings) -> Drift {
        let value = |of: &Settings, name: &str| of.get(name).cloned().flatten();
        let mut other = Vec::new();
        let mut is_before = true;
        for (name, before) in &self.before {
            let now = value(now, name);
            is_before &= now == *before;
            if now != *before && now != value(&self.after, name) {
                other.push(name.clone());
            }
        }
        match (other.is_empty(), is_before) {
            (false, _) => Drift::Modified(other),
            (true, true) => Drift::AsBefore,
            (true, false) => Drift::AsChanged,
        }
    }
}

impl Replaced {
    /// The original settings in words.
    pub fn before_in_words(&self) -> String {
        let settings = self.before.iter().map(|(name, value)| match value {
            Some(value) => format!("{name}: {value}"),
            None => format!("no {name}"),
        });
        settings.collect::<Vec<_>>().join(", ")
    }
}

impl Record {
    /// Records a change of an existing resource before it is made. Of several changes, the settings before the first
    /// one are kept.
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

    /// Removes the record of a change: the original settings are restored, or the resource no longer exists.
    pub fn drop_replaced(&mut self, kind: ResourceKind, id: &str) {
        self.replaced.retain(|known| known.kind != kind || known.id != id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, Option<&str>)]) -> Settings {
        let owned = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned)));
        owned.collect()
    }

    #[test]
    fn the_first_of_several_changes_has_the_original_settings() {
        let change = |before, after| Replaced {
            kind: ResourceKind::CliProfile,
            name: "p".to_owned(),
            id: "config#p".to_owned(),
            before: settings(&[("region", Some(before))]),
            after: settings(&[("region", Some(after))]),
            rewrites: Vec::new(),
        };
        let mut record = Record::new("aws", "123456789012");
        record.replace(change("a", "b"));
        record.replace(change("b", "c"));
        let [kept] = &record.replaced[..] else {
            panic!("{record:?}")
        };
        assert_eq!(kept.drift(&settings(&[("region", Some("a"))])), Drift::AsBefore);
        assert_eq!(kept.drift(&settings(&[("region", Some("c"))])), Drift::AsChanged);
        let other = Drift::Modified(vec!["region".to_owned()]);
        assert_eq!(kept.drift(&settings(&[("region", Some("d"))])), other);
        assert_eq!(kept.drift(&Settings::new()), other);
    }
}
