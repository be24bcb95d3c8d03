//! What `--update` has replaced in things that were found, so that undo can put it back.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::edit::Edit;
use super::record::{Record, ResourceKind};

/// What a thing says, by name; `None` where it does not say it.
pub type Says = BTreeMap<String, Option<String>>;

/// A thing that was there, and that we were asked to change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Replaced {
    /// What it is.
    pub kind: ResourceKind,
    /// As people call it.
    pub name: String,
    /// As AWS calls it; for a section of a file, the file and the section.
    pub id: String,
    /// What it said before our first change.
    pub before: Says,
    /// What it was changed to.
    pub after: Says,
    /// The changes of the file, in order; a run of them that could not all be written down is worth nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rewrites: Vec<Edit>,
}

/// How a thing that was changed stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drift {
    /// As it was before.
    AsBefore,
    /// As it was changed, or part of the way.
    AsChanged,
    /// Somebody has changed these since.
    Otherwise(Vec<String>),
}

impl Replaced {
    /// How it stands, by what it says now.
    pub fn drift(&self, now: &Says) -> Drift {
        let says = |of: &Says, name: &str| of.get(name).cloned().flatten();
        let mut other = Vec::new();
        let mut is_before = true;
        for (name, before) in &self.before {
            let now = says(now, name);
            is_before &= now == *before;
            if now != *before && now != says(&self.after, name) {
                other.push(name.clone());
            }
        }
        match (other.is_empty(), is_before) {
            (false, _) => Drift::Otherwise(other),
            (true, true) => Drift::AsBefore,
            (true, false) => Drift::AsChanged,
        }
    }
}

impl Replaced {
    /// What it says again once it is put back.
    pub fn before_in_words(&self) -> String {
        let said = self.before.iter().map(|(name, value)| match value {
            Some(value) => format!("{name}: {value}"),
            None => format!("no {name}"),
        });
        said.collect::<Vec<_>>().join(", ")
    }
}

impl Record {
    /// Writes down, before it happens, that a thing which was found is changed. What it said before the first of several
    /// changes is what counts.
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

    /// It is as it was before, or not there any more.
    pub fn drop_replaced(&mut self, kind: ResourceKind, id: &str) {
        self.replaced.retain(|known| known.kind != kind || known.id != id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(pairs: &[(&str, Option<&str>)]) -> Says {
        let owned = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned)));
        owned.collect()
    }

    #[test]
    fn the_first_of_several_changes_tells_what_was_there() {
        let change = |before, after| Replaced {
            kind: ResourceKind::CliProfile,
            name: "p".to_owned(),
            id: "config#p".to_owned(),
            before: says(&[("region", Some(before))]),
            after: says(&[("region", Some(after))]),
            rewrites: Vec::new(),
        };
        let mut record = Record::new("aws", "123456789012");
        record.replace(change("a", "b"));
        record.replace(change("b", "c"));
        let [kept] = &record.replaced[..] else {
            panic!("{record:?}")
        };
        assert_eq!(kept.drift(&says(&[("region", Some("a"))])), Drift::AsBefore);
        assert_eq!(kept.drift(&says(&[("region", Some("c"))])), Drift::AsChanged);
        let other = Drift::Otherwise(vec!["region".to_owned()]);
        assert_eq!(kept.drift(&says(&[("region", Some("d"))])), other);
        assert_eq!(kept.drift(&Says::new()), other);
    }
}
