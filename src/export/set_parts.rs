//! The settings of a permission set, by kind.

use std::collections::BTreeMap;

use crate::progress::Setting;
use crate::resources::inventory::PermissionSet;

/// The settings of a permission set that are present.
#[derive(Debug, Default)]
pub(super) struct SetParts<'a> {
    pub description: Option<&'a str>,
    /// In ISO 8601.
    pub session_duration: Option<&'a str>,
    pub relay_state: Option<&'a str>,
    /// The ARNs of the AWS managed policies.
    pub managed_policies: Vec<&'a str>,
    pub customer_managed_policies: Vec<CustomerPolicy<'a>>,
    /// A JSON document.
    pub inline_policy: Option<&'a str>,
    pub boundary: Option<Boundary<'a>>,
    /// Without those that AWS sets.
    pub tags: BTreeMap<&'a str, &'a str>,
}

/// A reference to a customer managed policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CustomerPolicy<'a> {
    /// The path without the slash at its end.
    folder: &'a str,
    pub name: &'a str,
}

/// A permissions boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Boundary<'a> {
    /// The ARN of an AWS managed policy.
    Managed(&'a str),
    Customer(CustomerPolicy<'a>),
}

impl<'a> CustomerPolicy<'a> {
    fn of(path_and_name: &'a str) -> Self {
        let (folder, name) = path_and_name.rsplit_once('/').unwrap_or(("", path_and_name));
        Self { folder, name }
    }

    /// The path as AWS has it: `/` or `/team/`.
    pub fn path(self) -> String {
        format!("{}/", self.folder)
    }

    /// The path and name as an access file has them: `team/Deploy`.
    pub fn in_access_file(self) -> String {
        match self.folder.trim_start_matches('/') {
            "" => self.name.to_owned(),
            folder => format!("{folder}/{}", self.name),
        }
    }
}

impl<'a> SetParts<'a> {
    pub fn of(set: &'a PermissionSet) -> Self {
        let mut parts = Self::default();
        for (setting, value) in &set.settings {
            let Some(value) = value.as_deref().filter(|value| !value.is_empty() || is_tag(setting)) else {
                continue;
            };
            match setting {
                Setting::Description => parts.description = Some(value),
                Setting::SessionDuration => parts.session_duration = Some(value),
                Setting::RelayState => parts.relay_state = Some(value),
                Setting::Policy(arn) => parts.managed_policies.push(arn),
                Setting::CustomerManagedPolicy(policy) => {
                    parts.customer_managed_policies.push(CustomerPolicy::of(policy));
                }
                Setting::InlinePolicy => parts.inline_policy = Some(value),
                Setting::PermissionsBoundary if value.starts_with("arn:") => {
                    parts.boundary = Some(Boundary::Managed(value));
                }
                Setting::PermissionsBoundary => parts.boundary = Some(Boundary::Customer(CustomerPolicy::of(value))),
                Setting::Tag(key) if !key.starts_with("aws:") => {
                    parts.tags.insert(key, value);
                }
                Setting::Tag(_) | Setting::SsoSession { .. } | Setting::Profile { .. } => {}
            }
        }
        parts
    }
}

/// The value of a tag can be empty.
fn is_tag(setting: &Setting) -> bool {
    matches!(setting, Setting::Tag(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_managed_policy_has_a_path_and_a_name() {
        for (text, path, name, in_file) in [
            ("/Deploy", "/", "Deploy", "Deploy"),
            ("Deploy", "/", "Deploy", "Deploy"),
            ("/team/a/Deploy", "/team/a/", "Deploy", "team/a/Deploy"),
        ] {
            let policy = CustomerPolicy::of(text);
            assert_eq!((policy.path().as_str(), policy.name), (path, name));
            assert_eq!(policy.in_access_file(), in_file);
        }
    }
}
