//! The values that `--update` replaced in existing resources, so that undo can restore them.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::edit::Edit;
use super::resource_id::{ResourceId, ResourceName};
use super::resource_kind::ResourceKind;
use aws_config_file::Section;

/// A setting of a permission set, or of a section of the config file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// Whether the AWS managed policy with this ARN is attached to a permission set.
    Policy(String),
    /// Whether a permission set refers to the customer managed policy with this path and name.
    CustomerManagedPolicy(String),
    /// The session duration of a permission set; its value is in ISO 8601 format.
    SessionDuration,
    /// The description of a permission set.
    Description,
    /// The relay state of a permission set: the URL that its console sessions begin with.
    RelayState,
    /// The inline policy of a permission set, as JSON without insignificant white space.
    InlinePolicy,
    /// The permissions boundary of a permission set: the ARN of an AWS managed policy, or the path and name of a customer
    /// managed one.
    PermissionsBoundary,
    /// The tag of a permission set with this key.
    Tag(String),
    /// A property of an SSO session in the config file.
    SsoSession {
        /// The name of the session.
        name: String,
        /// The key of the property.
        key: String,
    },
    /// A property of a profile in the config file.
    Profile {
        /// The name of the profile.
        name: String,
        /// The key of the property.
        key: String,
    },
}

impl Setting {
    /// The section and the key of a property; `None` for other settings.
    pub fn property(&self) -> Option<(Section<'_>, &str)> {
        match self {
            Self::SsoSession { name, key } => Some((Section::SsoSession(name), key)),
            Self::Profile { name, key } => Some((Section::Profile(name), key)),
            _ => None,
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SessionDuration => f.write_str("session duration"),
            Self::Description => f.write_str("description"),
            Self::RelayState => f.write_str("relay state"),
            Self::InlinePolicy => f.write_str("inline policy"),
            Self::PermissionsBoundary => f.write_str("permissions boundary"),
            Self::Policy(arn) => write!(f, "policy {arn}"),
            Self::CustomerManagedPolicy(policy) => write!(f, "customer managed policy {policy}"),
            Self::Tag(key) => write!(f, "tag {key}"),
            Self::SsoSession { name, key } => write!(f, "{key} of the SSO session {name}"),
            Self::Profile { name, key } => write!(f, "{key} of the profile {name}"),
        }
    }
}

/// The values of settings; `None` if a setting is absent or must be absent.
pub type Settings = BTreeMap<Setting, Option<String>>;

/// [`Settings`] in the state file, as a list, because the keys of a JSON object are strings.
pub(super) mod as_list {
    use super::{BTreeMap, Deserialize, JsonSchema, Serialize, Setting, Settings};

    /// A setting and its value.
    #[derive(Serialize, Deserialize, JsonSchema)]
    pub struct Value {
        /// The setting.
        setting: Setting,
        /// The value; `null` if the setting is absent.
        value: Option<String>,
    }

    pub fn serialize<S: serde::Serializer>(settings: &Settings, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(settings.iter().map(|(setting, value)| Value {
            setting: setting.clone(),
            value: value.clone(),
        }))
    }

    pub fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Settings, D::Error> {
        let values = Vec::<Value>::deserialize(deserializer)?.into_iter();
        Ok(values.map(|one| (one.setting, one.value)).collect::<BTreeMap<_, _>>())
    }
}

/// An existing resource that this program changed on request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Replaced {
    /// The kind of resource.
    pub kind: ResourceKind,
    /// The name.
    pub name: ResourceName,
    /// The id that AWS assigned; for a section of a file, the file and the section.
    pub id: ResourceId,
    /// The settings before our first change.
    #[serde(with = "as_list")]
    #[schemars(with = "Vec<as_list::Value>")]
    pub before: Settings,
    /// The settings after our last change.
    #[serde(with = "as_list")]
    #[schemars(with = "Vec<as_list::Value>")]
    pub after: Settings,
    /// The edits of the file, in order. They can be reverted only if all of them were recorded.
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
    /// Someone else has since changed these settings.
    Modified(Vec<Setting>),
}

impl Replaced {
    /// Compares the current settings with those before and after our change, and with those of changes whose result is not
    /// known.
    pub fn drift(&self, now: &Settings, pending: &[Settings]) -> Drift {
        let value = |of: &Settings, name: &Setting| of.get(name).cloned().flatten();
        let mut other = Vec::new();
        let mut is_before = true;
        for (name, before) in &self.before {
            let now = value(now, name);
            is_before &= now == *before;
            let is_pending = pending.iter().any(|settings| settings.get(name) == Some(&now));
            if now != *before && now != value(&self.after, name) && !is_pending {
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
    pub fn before_text(&self) -> String {
        let settings = self.before.iter().map(|(name, value)| match value {
            Some(value) => format!("{name}: {value}"),
            None => format!("no {name}"),
        });
        settings.collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::progress::Record;

    fn region() -> Setting {
        Setting::Profile {
            name: "p".to_owned(),
            key: "region".to_owned(),
        }
    }

    fn in_region(value: &str) -> Settings {
        BTreeMap::from([(region(), Some(value.to_owned()))])
    }

    #[test]
    fn several_changes_keep_the_original_settings() {
        let change = |before, after| Replaced {
            kind: ResourceKind::CliProfile,
            name: "p".into(),
            id: ResourceId::of_section(Path::new("config"), "p"),
            before: in_region(before),
            after: in_region(after),
            rewrites: Vec::new(),
        };
        let mut record = Record::new("aws", &"123456789012".parse().unwrap());
        record.replace(change("a", "b"));
        record.replace(change("b", "c"));
        let [kept] = &record.replaced[..] else {
            panic!("{record:?}")
        };
        assert_eq!(kept.drift(&in_region("a"), &[]), Drift::AsBefore);
        assert_eq!(kept.drift(&in_region("c"), &[]), Drift::AsChanged);
        let other = Drift::Modified(vec![region()]);
        assert_eq!(kept.drift(&in_region("d"), &[]), other);
        assert_eq!(kept.drift(&Settings::new(), &[]), other);
    }
}
