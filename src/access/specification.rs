//! What a permission set should look like, from its table in an access file.
//!
//! The table says everything about the permission set: what it leaves out must be absent, and without a duration a
//! session lasts as long as AWS lets it last by default. Only a description that is left out is not compared.

use std::collections::BTreeMap;

use super::file::rules::customer_policy_of_arn;
use super::file::{Defaults, PermissionSet};
use super::mistake::{Located, Mistake, Place};
use crate::answers::values::{Policy, SessionDuration};
use crate::aws::regions::Partition;
use crate::resources::inventory::ACCESS_TAG;
use crate::resources::permission_set::PermissionSetSpec;

/// The session duration of a permission set that is created without one (`CreatePermissionSet`, API reference).
const DEFAULT_DURATION: &str = "1h";

/// The longest name of an IAM policy ("IAM and AWS STS quotas", IAM User Guide).
const LONGEST_NAME: usize = 128;

/// The longest path of an IAM policy, with the slashes around it.
const LONGEST_PATH: usize = 512;

/// What the permission set should look like, with the values and tags of the defaults. Mistakes in its policies and tags
/// are added to `mistakes`.
pub fn specification(
    set: &PermissionSet,
    defaults: &Defaults,
    partition: Partition,
    mistakes: &mut Vec<Mistake>,
) -> PermissionSetSpec {
    let mut reader = Reader { partition, mistakes };
    let managed = set.managed_policies.iter().filter_map(|policy| reader.managed(policy));
    let managed_policies = Some(managed.collect());
    let customer = set.customer_managed_policies.iter();
    let customer_managed_policies = Some(
        customer
            .filter_map(|policy| reader.customer(&policy.value, &policy.place))
            .collect(),
    );
    let boundary = set
        .permissions_boundary
        .as_ref()
        .and_then(|policy| reader.boundary(policy));
    let tags = reader.tags(set, defaults);
    let duration = set.session_duration.as_ref().map(|duration| duration.value);
    let text = |value: Option<&Located<String>>| value.map(|value| value.value.clone());
    PermissionSetSpec {
        name: set.name.value.clone(),
        description: text(set.description.as_ref()),
        duration: duration
            .or(defaults.session_duration)
            .or_else(|| DEFAULT_DURATION.parse::<SessionDuration>().ok()),
        relay_state: Some(text(set.relay_state.as_ref()).unwrap_or_default()),
        managed_policies,
        customer_managed_policies,
        inline_policy: Some(text(set.inline_policy.as_ref()).unwrap_or_default()),
        boundary: Some(boundary.unwrap_or_default()),
        tags: Some(tags),
    }
}

/// Reads policies and tags, and collects the mistakes in them.
struct Reader<'m> {
    partition: Partition,
    mistakes: &'m mut Vec<Mistake>,
}

impl Reader<'_> {
    fn mistake(&mut self, place: &Place, message: String, suggestion: String) {
        self.mistakes.push(Mistake {
            place: place.clone(),
            message,
            suggestion,
        });
    }

    /// The ARN of an AWS managed policy.
    fn managed(&mut self, policy: &Located<String>) -> Option<String> {
        let (text, place, id) = (&policy.value, &policy.place, self.partition.id());
        let Ok(parsed) = text.parse::<Policy>() else {
            let message = format!("{text:?} is not an AWS managed policy.");
            let suggestion = match customer_policy_of_arn(text) {
                Some(path) => format!("Write {path} in customer-managed-policies: each account has its own."),
                None => "Write its name (ReadOnlyAccess, job-function/Billing) or its ARN.".to_owned(),
            };
            self.mistake(place, message, suggestion);
            return None;
        };
        let arn = parsed.arn(id);
        if arn.split(':').nth(1) != Some(id) {
            let message = format!("The policy {text} is in another partition than the account.");
            let name = text.rsplit_once(":policy/").map_or(text.as_str(), |(_, name)| name);
            self.mistake(
                place,
                message,
                format!("Write {name}, which stands for the policy in any partition."),
            );
            return None;
        }
        Some(arn)
    }

    /// The path and name of a customer managed policy, with a slash at its beginning.
    fn customer(&mut self, text: &str, place: &Place) -> Option<String> {
        let relative = text.strip_prefix('/').unwrap_or(text);
        let (path, name) = relative.rsplit_once('/').unwrap_or(("", relative));
        let is_name = !name.is_empty()
            && name.len() <= LONGEST_NAME
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c));
        let is_path = path.len() + 2 <= LONGEST_PATH
            && path.chars().all(|c| c.is_ascii_graphic())
            && (path.is_empty() || path.split('/').all(|part| !part.is_empty()));
        if let Some(path) = customer_policy_of_arn(text) {
            let message = format!("{text:?} is the ARN of a policy of one account.");
            self.mistake(place, message, format!("Write {path}, which every account must have."));
            return None;
        }
        if !is_name || !is_path || text.starts_with("arn:") {
            let message = format!("{text:?} is not the path and name of a customer managed policy.");
            let suggestion = "Write Deploy, or team/Deploy if the policy has the path /team/. AWS managed policies \
                              belong in managed-policies.";
            self.mistake(place, message, suggestion.to_owned());
            return None;
        }
        Some(format!("/{relative}"))
    }

    /// The ARN of an AWS managed policy, or the path and name of a customer managed one after `customer:`.
    fn boundary(&mut self, policy: &Located<String>) -> Option<String> {
        match policy.value.strip_prefix("customer:") {
            Some(customer) => self.customer(customer, &policy.place),
            None => match customer_policy_of_arn(&policy.value) {
                Some(path) => {
                    let message = format!("{:?} is the ARN of a policy of one account.", policy.value);
                    self.mistake(&policy.place, message, format!("Write customer:{path}."));
                    None
                }
                None => self.managed(policy),
            },
        }
    }

    /// The tags of the defaults, and those of the permission set in place of defaults with the same key.
    fn tags(&mut self, set: &PermissionSet, defaults: &Defaults) -> BTreeMap<String, String> {
        let mut tags = defaults.tags.clone();
        tags.extend(set.tags.iter().map(|(key, value)| (key.clone(), value.clone())));
        if tags.contains_key(ACCESS_TAG) {
            let message = format!("The tag {ACCESS_TAG} says which access file owns a permission set.");
            let suggestion = "Remove the tag; apply and adopt set it.".to_owned();
            self.mistake(&set.place, message, suggestion);
        }
        tags
    }
}
