//! Who created a resource that a read finds: this program, or someone else.
//!
//! For users, groups, memberships and the organization, the time of creation decides, here. Kinds with better evidence
//! decide in their own files: a permission set by its tag, a trail and a bucket by the nonce in their names, an assignment
//! by AWS's list of requests, and a section of a file by the text that was written ([`Context::settle_written`]).

use jiff::{SignedDuration, Timestamp};

use super::{Context, Error};
use crate::aws::AwsError;
use crate::limits::{CALL_LIMIT, CLOCK_TOLERANCE};
use crate::progress::{Entry, Intent, Origin, ResourceId, ResourceKind, ResourceName, Verb};

/// When and by whom a resource was created, as AWS returns it.
#[derive(Debug, Clone, Default)]
pub struct Creation {
    /// By the server's clock.
    pub at: Option<Timestamp>,
    /// A principal. It counts only if it is an ARN, because its format is not documented.
    pub by: Option<String>,
}

impl Context {
    /// Whether this program created a resource: within the time limit of one of its calls, and not by another principal.
    pub fn is_ours(&self, intents: &[Intent], creation: &Creation) -> bool {
        let Some(created_at) = creation.at else { return false };
        let by = creation.by.as_deref();
        let is_other_principal = by.is_some_and(|by| by.starts_with("arn:") && by != self.caller.arn);
        let slack = SignedDuration::try_from(CLOCK_TOLERANCE).unwrap_or_default();
        let limit = SignedDuration::try_from(CALL_LIMIT).unwrap_or_default();
        !is_other_principal
            && intents.iter().any(|intent| {
                let after = created_at.duration_since(intent.at);
                after >= -slack && after <= limit
            })
    }

    /// Determines and records the origin of an existing resource: as recorded before, or from the open intents and its
    /// creation, which is read only if there are intents.
    ///
    /// # Errors
    /// When the creation cannot be read, or the origin cannot be saved.
    pub async fn settle_origin(
        &self,
        kind: ResourceKind,
        name: impl Into<ResourceName>,
        id: impl Into<ResourceId>,
        creation: impl AsyncFnOnce() -> Result<Option<Creation>, AwsError>,
    ) -> Result<Entry, Error> {
        let name = name.into();
        let mut entry = self.entry(kind, &name, id);
        let intents = self.open_intents(kind, &name);
        if !intents.is_empty() {
            // A late read does not show it yet. The intents stay open for the next check.
            let Some(creation) = creation().await? else {
                return Ok(entry);
            };
            if self.is_ours(&intents, &creation) {
                entry.origin = Origin::Created;
            }
        }
        self.settle(Verb::Create, kind, &name, Some(entry.clone()))?;
        Ok(entry)
    }
}
