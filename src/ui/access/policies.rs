//! The difference of an inline policy, as a unified diff of its JSON with one value a line.

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::words::counted;
use crate::access::drift::{Drift, DriftSubject};
use crate::access::plan::{Action, Change};
use crate::progress::Setting;
use crate::reconcile::{FieldChange, SettingChange};

/// The unchanged lines around a change.
const CONTEXT: usize = 3;

/// How an inline policy changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyDiff {
    /// The name of the permission set.
    pub permission_set: String,
    /// The policy before, with one value a line; empty without one.
    before: String,
    /// The policy after.
    after: String,
}

impl PolicyDiff {
    fn new(permission_set: &str, before: Option<&str>, after: Option<&str>) -> Self {
        Self {
            permission_set: permission_set.to_owned(),
            before: before.map(pretty).unwrap_or_default(),
            after: after.map(pretty).unwrap_or_default(),
        }
    }

    fn of_setting(permission_set: &str, change: &SettingChange) -> Option<Self> {
        let is_policy = change.setting == Setting::InlinePolicy;
        is_policy.then(|| Self::new(permission_set, change.before.as_deref(), change.after.as_deref()))
    }

    /// The inline policy that a change creates, changes or removes; `None` for other changes.
    pub fn of(change: &Change) -> Option<Self> {
        match &change.action {
            Action::CreatePermissionSet(spec) => {
                let policy = spec.inline_policy.as_deref().filter(|policy| !policy.is_empty())?;
                Some(Self::new(&spec.name, None, Some(policy)))
            }
            Action::UpdatePermissionSet { name, changes, .. } => {
                let mut settings = changes.iter().flat_map(FieldChange::settings);
                settings.find_map(|setting| Self::of_setting(name, setting))
            }
            _ => None,
        }
    }

    /// The inline policy that applying the file would set back; `None` for other drift. The first is what exists.
    pub fn of_drift(drift: &Drift) -> Option<Self> {
        let setting = drift.setting.as_ref()?;
        let DriftSubject::Setting { permission_set, .. } = &drift.what else {
            return None;
        };
        Self::of_setting(permission_set, setting)
    }

    /// The policy before, with one value a line; `None` without one.
    pub fn before(&self) -> Option<&str> {
        Some(self.before.as_str()).filter(|text| !text.is_empty())
    }

    /// The policy after, with one value a line; `None` without one.
    pub fn after(&self) -> Option<&str> {
        Some(self.after.as_str()).filter(|text| !text.is_empty())
    }

    /// The unified diff.
    pub fn text(&self) -> String {
        TextDiff::from_lines(self.before.as_str(), self.after.as_str())
            .unified_diff()
            .context_radius(CONTEXT)
            .to_string()
    }

    /// The number of lines that change: `2 lines added, 1 removed`.
    pub fn counts(&self) -> String {
        let diff = TextDiff::from_lines(self.before.as_str(), self.after.as_str());
        let (mut added, mut removed) = (0_usize, 0_usize);
        for change in diff.iter_all_changes() {
            match change.tag() {
                ChangeTag::Insert => added += 1,
                ChangeTag::Delete => removed += 1,
                ChangeTag::Equal => {}
            }
        }
        match (added, removed) {
            (added, 0) => format!("{} added", counted(added, "line")),
            (0, removed) => format!("{} removed", counted(removed, "line")),
            (added, removed) => format!("{} added, {removed} removed", counted(added, "line")),
        }
    }
}

/// JSON with one value a line, and the keys of objects in order. What is not JSON stays as it is.
fn pretty(policy: &str) -> String {
    let value = serde_json::from_str::<Value>(policy);
    let pretty = value.ok().and_then(|value| serde_json::to_string_pretty(&value).ok());
    pretty.map_or_else(|| policy.to_owned(), |text| format!("{text}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_compared_line_by_line() {
        let change = SettingChange {
            setting: Setting::InlinePolicy,
            before: Some(r#"{"Statement":[{"Action":"s3:Get*","Effect":"Allow"}]}"#.to_owned()),
            after: Some(r#"{"Statement":[{"Action":"s3:*","Effect":"Allow"}]}"#.to_owned()),
        };
        let diff = PolicyDiff::of_setting("Read", &change).unwrap();
        assert_eq!(diff.counts(), "1 line added, 1 removed");
        let text = diff.text();
        assert!(
            text.contains("\n-      \"Action\": \"s3:Get*\",\n+      \"Action\": \"s3:*\",\n"),
            "{text}"
        );
        let other = SettingChange {
            setting: Setting::Description,
            ..change
        };
        assert_eq!(PolicyDiff::of_setting("Read", &other), None);
    }

    #[test]
    fn a_policy_can_begin_and_end() {
        let policy = Some(r#"{"Version":"2012-10-17"}"#);
        let added = PolicyDiff::new("Read", None, policy);
        assert_eq!((added.before(), added.counts()), (None, "3 lines added".to_owned()));
        let removed = PolicyDiff::new("Read", policy, None);
        assert_eq!(
            (removed.after(), removed.counts()),
            (None, "3 lines removed".to_owned())
        );
    }
}
