//! Applies the changes to a permission set.

use super::super::context::{rerun, step_error};
use super::super::create::{CreateResult, create, repeat};
use super::super::facts::Instance;
use super::{INFO, PermissionSet, attachment_key, calls, reads, restore};
use crate::answers::Key;
use crate::answers::values::SessionDuration;
use crate::aws::{AwsError, AwsErrorKind};
use crate::checklist::{Change, Prompter, UserError};
use crate::ids::PermissionSetArn;
use crate::next_step::{NextStep, SetupCommand};
use crate::progress::{Origin, Resource, ResourceKind, Verb};

impl PermissionSet {
    pub(super) async fn apply_create(
        &self,
        change: &Change,
        instance: &Instance,
        prompter: &dyn Prompter,
    ) -> Result<(), UserError> {
        let context = &self.context;
        let attempt = |nonce: String| async move {
            let (name, duration) = (self.name(), self.requested_duration());
            calls::create(context, instance, (&name, duration, &nonce)).await
        };
        let read = || async {
            Ok(reads::find(context, instance, change.name.single())
                .await?
                .map(|set| set.arn))
        };
        if let Some((arn, intent)) = context.make(&INFO, change, attempt, read).await? {
            self.created.replace(Some(arn.clone()));
            // One write, so that a permission set without its policy is always recorded as incomplete.
            context.progress.change(|record| {
                record.open(self.attachment_intent(&intent));
                record.close(change.verb, change.kind, &change.name);
                let created = Resource::new(Origin::Created, change.kind, &change.name, arn);
                record.keep(created.with_text(self.requested_duration()));
            })?;
            prompter.say(Some(&INFO), &format!("Created the permission set {}.", change.name));
        }
        Ok(())
    }

    /// The ARN of the permission set that this run created, or else of the one with this name.
    pub(super) async fn arn(&self, instance: &Instance) -> Result<PermissionSetArn, UserError> {
        if let Some(arn) = self.created.borrow().clone() {
            return Ok(arn);
        }
        let name = self.name();
        let set = reads::find(&self.context, instance, &name)
            .await
            .map_err(rerun(&INFO))?;
        set.map(|set| set.arn).ok_or_else(|| {
            UserError::failed(
                format!("Step 4 permission-set: the permission set {name} does not exist."),
                SetupCommand::again(),
            )
        })
    }

    pub(super) async fn apply_attach(
        &self,
        change: &Change,
        instance: &Instance,
        prompter: &dyn Prompter,
    ) -> Result<(), UserError> {
        let context = &self.context;
        let arn = self.arn(instance).await?;
        let policy = self.policy_arn();
        restore::remember(context, instance, (&arn, &self.name()), change, None).await?;
        let provisioning = self.intend_provisioning(instance, &arn).await?;
        if !self.is_attachment_pending() {
            let attachment = (Verb::Create, ResourceKind::PolicyAttachment, &change.name);
            context.intend(&INFO, attachment, None)?;
        }
        let end = create(
            context.timing,
            || calls::attach(context, instance, &arn, &policy),
            || async {
                let policies = reads::policies(context, instance, &arn).await?;
                Ok(policies.contains(&policy).then_some(()))
            },
        )
        .await;
        match end.result {
            Ok(CreateResult::Created(())) if context.origin(ResourceKind::PermissionSet, &arn) == Origin::Created => {
                // On a permission set that this program created, the intent stays open until the step has observed the
                // policy. If AWS accepted it but does not show it yet, the next run completes it instead of reporting a
                // difference.
                prompter.say(Some(&INFO), &format!("Attached the policy {policy}."));
                Ok(())
            }
            Ok(created) => {
                let origin = if created == CreateResult::Existing(()) {
                    restore::forget(context, &arn, &policy)?;
                    Origin::Existing
                } else {
                    Origin::Created
                };
                let resource = Resource::new(origin, change.kind, &change.name, attachment_key(&arn, &policy));
                context.progress.change(|record| {
                    record.close_all(ResourceKind::PolicyAttachment, self.is_own_attachment());
                    record.keep(resource);
                })?;
                prompter.say(Some(&INFO), &format!("Attached the policy {policy}."));
                Ok(())
            }
            Err(aws_error) => {
                self.drop_provisioning(provisioning, &aws_error)?;
                let next = if aws_error.is_transient() || aws_error.kind == AwsErrorKind::Denied {
                    NextStep::from(SetupCommand::again())
                } else {
                    SetupCommand::again()
                        .placeholder("--policy", "NAME")
                        .after("check that the policy is an AWS managed policy")
                };
                Err(step_error(&INFO, &aws_error, next))
            }
        }
    }

    /// Applies a change to an existing permission set. These changes are idempotent, so an interrupted one is repeated.
    pub(super) async fn apply_other(&self, change: &Change, instance: &Instance) -> Result<(), UserError> {
        let context = &self.context;
        let arn = self.arn(instance).await?;
        if change.kind == ResourceKind::Provisioning {
            calls::provision(context, instance, &arn).await?;
            return context.settle(change.verb, change.kind, &change.name, None);
        }
        let name = self.name();
        restore::remember(context, instance, (&arn, &name), change, self.requested_duration()).await?;
        let provisioning = self.intend_provisioning(instance, &arn).await?;
        context.intend(&INFO, (change.verb, change.kind, &change.name), None)?;
        let answer = repeat(context.timing, || self.change_once(change, instance, &arn)).await;
        if let Err(aws_error) = answer {
            self.drop_provisioning(provisioning, &aws_error)?;
            if aws_error.outcome_known() {
                context.settle(change.verb, change.kind, &change.name, None)?;
            }
            return Err(rerun(&INFO)(aws_error));
        }
        if change.verb == Verb::Delete {
            // Undo must not report a policy that this program detached as missing.
            let policy = change.name.policy().unwrap_or_default();
            return self.forget_attachment(&arn, policy);
        }
        let is_ours = context.origin(ResourceKind::PermissionSet, &arn) == Origin::Created;
        let updated = (change.kind == ResourceKind::PermissionSet && is_ours).then(|| {
            let created = Resource::new(Origin::Created, change.kind, &change.name, &arn);
            created.with_text(self.requested_duration())
        });
        context.settle(change.verb, change.kind, &change.name, updated)
    }

    /// The requested session duration, in ISO 8601 format.
    fn requested_duration(&self) -> Option<String> {
        let duration = self.context.answer::<SessionDuration>(Key::SessionDuration);
        duration.map(|duration| duration.value.iso())
    }

    async fn change_once(&self, change: &Change, instance: &Instance, arn: &PermissionSetArn) -> Result<(), AwsError> {
        if change.verb == Verb::Update {
            return calls::set_duration(&self.context, instance, arn, self.requested_duration()).await;
        }
        let policy = change.name.policy().unwrap_or_default();
        calls::detach(&self.context, instance, arn, policy).await
    }
}
