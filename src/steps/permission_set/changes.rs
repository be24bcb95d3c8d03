//! The changes that create a permission set, or turn an existing one into the requested one.

use super::{ARN, DURATION, PROVISIONED, PermissionSet, is_provisioning_pending};
use crate::answers::Key;
use crate::answers::values::SessionDuration;
use crate::checklist::{Change, Consent, Observed};
use crate::progress::{ResourceKind, Verb};

impl PermissionSet {
    pub(super) fn create_change(&self) -> Change {
        let name = self.name();
        let duration = self.context.answer::<SessionDuration>(Key::SessionDuration);
        let (text, iso) = duration.map_or_else(Default::default, |given| (given.value.to_string(), given.value.iso()));
        Change {
            verb: Verb::Create,
            kind: ResourceKind::PermissionSet,
            sentence: format!("Create the permission set {name} with a session duration of {text}."),
            command: format!(
                "aws sso-admin create-permission-set --instance-arn {} --name {name} --session-duration {iso}",
                self.instance_arn()
            ),
            name: name.into(),
            consent: Consent::Reversible,
        }
    }

    pub(super) fn policy_change(&self, verb: Verb, policy: &str, arn: &str) -> Change {
        let name = self.name();
        let (verb_text, operation, preposition) = match verb {
            Verb::Delete => ("Detach", "detach-managed-policy-from-permission-set", "from"),
            _ => ("Attach", "attach-managed-policy-to-permission-set", "to"),
        };
        Change {
            verb,
            kind: ResourceKind::PolicyAttachment,
            name: self.attachment_name(policy),
            sentence: format!("{verb_text} the policy {policy} {preposition} the permission set {name}."),
            command: format!(
                "aws sso-admin {operation} --instance-arn {} --permission-set-arn {arn} --managed-policy-arn {policy}",
                self.instance_arn()
            ),
            consent: Consent::Reversible,
        }
    }

    pub(super) fn provision_change(&self, arn: &str) -> Change {
        let name = self.name();
        Change {
            verb: Verb::Update,
            kind: ResourceKind::Provisioning,
            sentence: format!("Reprovision the permission set {name} in all accounts that have it."),
            command: format!(
                "aws sso-admin provision-permission-set --instance-arn {} --permission-set-arn {arn} --target-type \
                 ALL_PROVISIONED_ACCOUNTS",
                self.instance_arn()
            ),
            name: name.into(),
            consent: Consent::Reversible,
        }
    }

    pub(super) fn duration_change(&self, arn: &str) -> Option<Change> {
        let wanted = self.context.answer::<SessionDuration>(Key::SessionDuration)?;
        let name = self.name();
        Some(Change {
            verb: Verb::Update,
            kind: ResourceKind::PermissionSet,
            sentence: format!(
                "Set the session duration of the permission set {name} to {}.",
                wanted.value
            ),
            command: format!(
                "aws sso-admin update-permission-set --instance-arn {} --permission-set-arn {arn} --session-duration {}",
                self.instance_arn(),
                wanted.value.iso()
            ),
            name: name.into(),
            consent: Consent::Reversible,
        })
    }

    /// The changes that turn an existing permission set into the requested one.
    pub(super) fn update_changes(&self, observed: &Observed) -> Vec<Change> {
        let evidence = |name: &str| observed.evidence.get(name).map(String::as_str).unwrap_or_default();
        let (arn, wanted) = (evidence(ARN), self.policy_arn());
        let attached = self.attached.borrow();
        let mut changes = Vec::new();
        let duration = self.context.answer::<SessionDuration>(Key::SessionDuration);
        if duration.is_some_and(|wanted| wanted.is_explicit() && wanted.value.to_string() != evidence(DURATION)) {
            changes.extend(self.duration_change(arn));
        }
        if !attached.contains(&wanted) {
            changes.push(self.policy_change(Verb::Create, &wanted, arn));
        }
        for policy in attached.iter().filter(|policy| **policy != wanted) {
            changes.push(self.policy_change(Verb::Delete, policy, arn));
        }
        if (evidence(PROVISIONED) != "no" && !changes.is_empty()) || is_provisioning_pending(&self.context, self.name())
        {
            changes.push(self.provision_change(arn));
        }
        changes
    }

    pub(super) fn instance_arn(&self) -> String {
        let instance = self.context.facts.instance.now();
        instance.map_or_else(|| "INSTANCE_ARN".to_owned(), |instance| instance.arn.into())
    }
}
