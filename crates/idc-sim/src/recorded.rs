//! Words that were recorded from the real services: error messages and reasons of failures.
//!
//! `recorded.json` holds them as data, with where they were recorded and how certain they are. Services take
//! them from there, so that an import of new recordings needs no change of code.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::protocol::error::ServiceError;

/// The recorded words, by their key.
static RECORDED: LazyLock<BTreeMap<Words, Recorded>> =
    LazyLock::new(|| serde_json::from_str(include_str!("recorded.json")).unwrap_or_default());

/// The key of recorded words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Words {
    AccountSuspended,
    AlreadyMember,
    AssigneeMissing,
    AssignmentMissing,
    AttributeValueEmpty,
    ConflictingOperation,
    CustomerPolicyAttached,
    CustomerPolicyMissing,
    CustomerPolicyNotAttached,
    Denied,
    DeniedByIam,
    DeniedInStore,
    DisplayNameAndNameMissing,
    GroupNameTaken,
    InstanceExists,
    InvalidInlinePolicy,
    ManagedPolicyAttached,
    ManagedPolicyNotAttached,
    NoAccess,
    NotAUniqueAttribute,
    NotInStore,
    PermissionSetInUse,
    PermissionSetNotFound,
    ProvisionNotFound,
    RateExceeded,
    TooManyOutstanding,
    TooManyPolicies,
    UnknownDeviceCode,
    UserAttributeMissing,
    UserAttributeMissingUnnamed,
    UserNameMissing,
    UserNameTaken,
}

/// Words with their source. The data also names the operation in whose response they are, and the situation.
#[derive(Debug, Deserialize)]
pub struct Recorded {
    /// The error code. `None` for the reason of an asynchronous failure.
    pub code: Option<String>,
    /// The words, with placeholders such as `{arn}`.
    pub message: String,
    /// Where they were recorded.
    #[cfg(test)]
    pub sources: Vec<String>,
    /// How certain they are: `high`, `medium` or `low`.
    #[cfg(test)]
    pub certainty: String,
}

impl Words {
    /// Returns the words, with these values in place of the placeholders.
    pub fn text(self, values: &[(&str, &str)]) -> String {
        let message = RECORDED.get(&self).map(|recorded| recorded.message.clone());
        values.iter().fold(message.unwrap_or_default(), |text, (name, value)| {
            text.replace(&format!("{{{name}}}"), value)
        })
    }

    /// Returns the error with the words, and these values in place of the placeholders.
    pub fn error(self, values: &[(&str, &str)]) -> ServiceError {
        let code = RECORDED.get(&self).and_then(|recorded| recorded.code.as_deref());
        ServiceError::new(code.unwrap_or("InternalFailure"), self.text(values))
    }
}

/// Returns all recorded words, for tests.
#[cfg(test)]
pub fn all() -> impl Iterator<Item = (Words, &'static Recorded)> {
    RECORDED.iter().map(|(words, recorded)| (*words, recorded))
}
