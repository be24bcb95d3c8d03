//! The changes of a permission set, made.

use super::super::context::{rerun, step_error};
use super::super::create::{Created, create, repeat};
use super::super::facts::Instance;
use super::{INFO, PermissionSet, calls, reads, restore};
use crate::answers::Key;
use crate::answers::values::SessionDuration;
use crate::aws::AwsError;
use crate::checklist::{Change, Prompter, UserError};
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
            let (name, duration) = (self.name(), self.duration_asked_for());
            calls::create(context, instance, (&name, duration, &nonce)).await
        };
        let look = || async { Ok(reads::find(context, instance, &change.name).await?.map(|set| set.arn)) };
        if let Some((arn, intent)) = context.make(&INFO, (change, &change.name), attempt, look).await? {
            self.made.replace(Some(arn.clone()));
            // One write: a set that is ours and has no policy is always known to be unfinished.
            context.progress.change(|record| {
                record.open(self.attachment_intent(&intent));
                record.close(change.verb, change.kind, &change.name);
                let made = Resource::new(Origin::Created, change.kind, &change.name, arn);
                record.keep(made.with_text(self.duration_asked_for()));
            })?;
            prompter.say(Some(&INFO), &format!("Created the permission set {}.", change.name));
        }
        Ok(())
    }

    /// The ARN, from the set just made or by looking.
    pub(super) async fn arn(&self, instance: &Instance) -> Result<String, UserError> {
        if let Some(arn) = self.made.borrow().clone() {
            return Ok(arn);
        }
        let name = self.name();
        let set = reads::find(&self.context, instance, &name)
            .await
            .map_err(rerun(&INFO))?;
        set.map(|set| set.arn).ok_or_else(|| {
            UserError::failed(
                format!("Step 4 permission-set: there is no permission set {name}."),
                "idc-setup run",
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
        let promise = self.promise_provisioning(instance, &arn).await?;
        if !self.is_attachment_owed() {
            let owed = (Verb::Create, ResourceKind::PolicyAttachment, change.name.as_str());
            context.intend(&INFO, owed, None)?;
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
            Ok(Created::Created(())) if context.origin(ResourceKind::PermissionSet, &arn) == Origin::Created => {
                // On a set of ours the intent stays until a look has seen the policy: what is accepted and does not show
                // is finished by the next run, instead of being called different.
                prompter.say(Some(&INFO), &format!("Attached the policy {policy}."));
                Ok(())
            }
            Ok(created) => {
                let origin = if created == Created::Status(()) {
                    restore::forget(context, &arn, &policy)?;
                    Origin::Existing
                } else {
                    Origin::Created
                };
                let resource = Resource::new(origin, change.kind, &change.name, format!("{arn}/{policy}"));
                context.progress.change(|record| {
                    record.close_all(ResourceKind::PolicyAttachment, &self.attachment_prefix());
                    record.keep(resource);
                })?;
                prompter.say(Some(&INFO), &format!("Attached the policy {policy}."));
                Ok(())
            }
            Err(aws_error) => {
                self.forget_promise(promise, &aws_error)?;
                let next = if aws_error.is_transient() {
                    "idc-setup run"
                } else {
                    "check that the policy is an AWS managed one, then: idc-setup run --policy NAME"
                };
                Err(step_error(&INFO, &aws_error, next))
            }
        }
    }

    /// Changes a set that is there. They can be made twice, so what is cut short is simply made again.
    pub(super) async fn apply_other(&self, change: &Change, instance: &Instance) -> Result<(), UserError> {
        let context = &self.context;
        let arn = self.arn(instance).await?;
        if change.kind == ResourceKind::Provisioning {
            calls::provision(context, instance, &arn).await?;
            return context.settle(change.verb, change.kind, &change.name, None);
        }
        let name = self.name();
        restore::remember(context, instance, (&arn, &name), change, self.duration_asked_for()).await?;
        let promise = self.promise_provisioning(instance, &arn).await?;
        context.intend(&INFO, (change.verb, change.kind, &change.name), None)?;
        let answer = repeat(context.timing, || self.change_once(change, instance, &arn)).await;
        if let Err(aws_error) = answer {
            self.forget_promise(promise, &aws_error)?;
            if aws_error.outcome_known() {
                context.settle(change.verb, change.kind, &change.name, None)?;
            }
            return Err(rerun(&INFO)(aws_error));
        }
        if change.verb == Verb::Delete {
            // What we have taken off ourselves is nobody's to miss.
            let policy = change.name.split_once('/').map_or("", |(_, policy)| policy);
            return self.forget_attachment(&arn, policy);
        }
        let is_ours = context.origin(ResourceKind::PermissionSet, &arn) == Origin::Created;
        let now = (change.kind == ResourceKind::PermissionSet && is_ours).then(|| {
            let made = Resource::new(Origin::Created, change.kind, &change.name, &arn);
            made.with_text(self.duration_asked_for())
        });
        context.settle(change.verb, change.kind, &change.name, now)
    }

    /// As ISO 8601 has it.
    fn duration_asked_for(&self) -> Option<String> {
        let duration = self.context.answer::<SessionDuration>(Key::SessionDuration);
        duration.map(|duration| duration.value.iso())
    }

    async fn change_once(&self, change: &Change, instance: &Instance, arn: &str) -> Result<(), AwsError> {
        if change.verb == Verb::Update {
            return calls::set_duration(&self.context, instance, arn, self.duration_asked_for()).await;
        }
        let policy = change.name.split_once('/').map_or("", |(_, policy)| policy);
        calls::detach(&self.context, instance, arn, policy).await
    }
}
