//! The changes of a permission set, made.

use super::super::create::{Created, create, repeat};
use super::super::facts::Instance;
use super::super::setting::{rerun, trouble};
use super::{INFO, PermissionSet, calls, put_back, reads};
use crate::answers::Key;
use crate::answers::values::SessionDuration;
use crate::aws::Failure;
use crate::checklist::{Change, Guide, Trouble};
use crate::progress::{How, Resource, ResourceKind, Verb};

impl PermissionSet {
    pub(super) async fn apply_create(
        &self,
        change: &Change,
        instance: &Instance,
        guide: &dyn Guide,
    ) -> Result<(), Trouble> {
        let setting = &self.setting;
        let attempt = |nonce: String| async move {
            let (name, duration) = (self.name(), self.duration_asked_for());
            calls::create(setting, instance, (&name, duration, &nonce)).await
        };
        let look = || async { Ok(reads::find(setting, instance, &change.name).await?.map(|set| set.arn)) };
        if let Some((arn, intent)) = setting.make(&INFO, (change, &change.name), attempt, look).await? {
            self.made.replace(Some(arn.clone()));
            // One write: a set that is ours and has no policy is always known to be unfinished.
            setting.progress.change(|record| {
                record.open(self.attachment_intent(&intent));
                record.close(change.verb, change.kind, &change.name);
                let made = Resource::new(How::Made, change.kind, &change.name, arn);
                record.keep(made.with_text(self.duration_asked_for()));
            })?;
            guide.say(Some(&INFO), &format!("Created the permission set {}.", change.name));
        }
        Ok(())
    }

    /// The ARN, from the set just made or by looking.
    pub(super) async fn arn(&self, instance: &Instance) -> Result<String, Trouble> {
        if let Some(arn) = self.made.borrow().clone() {
            return Ok(arn);
        }
        let name = self.name();
        let set = reads::find(&self.setting, instance, &name)
            .await
            .map_err(rerun(&INFO))?;
        set.map(|set| set.arn).ok_or_else(|| {
            Trouble::failed(
                format!("Step 4 permission-set: there is no permission set {name}."),
                "idc-setup run",
            )
        })
    }

    pub(super) async fn apply_attach(
        &self,
        change: &Change,
        instance: &Instance,
        guide: &dyn Guide,
    ) -> Result<(), Trouble> {
        let setting = &self.setting;
        let arn = self.arn(instance).await?;
        let policy = self.policy_arn();
        put_back::remember(setting, instance, (&arn, &self.name()), change, None).await?;
        let promise = self.promise_provisioning(instance, &arn).await?;
        if !self.is_attachment_owed() {
            let owed = (Verb::Create, ResourceKind::PolicyAttachment, change.name.as_str());
            setting.intend(&INFO, owed, None)?;
        }
        let end = create(
            setting.timing,
            || calls::attach(setting, instance, &arn, &policy),
            || async {
                let policies = reads::policies(setting, instance, &arn).await?;
                Ok(policies.contains(&policy).then_some(()))
            },
        )
        .await;
        match end.result {
            Ok(Created::Made(())) if setting.how(ResourceKind::PermissionSet, &arn) == How::Made => {
                // On a set of ours the intent stays until a look has seen the policy: what is accepted and does not show
                // is finished by the next run, instead of being called different.
                guide.say(Some(&INFO), &format!("Attached the policy {policy}."));
                Ok(())
            }
            Ok(created) => {
                let how = if created == Created::Found(()) {
                    put_back::forget(setting, &arn, &policy)?;
                    How::Found
                } else {
                    How::Made
                };
                let resource = Resource::new(how, change.kind, &change.name, format!("{arn}/{policy}"));
                setting.progress.change(|record| {
                    record.close_all(ResourceKind::PolicyAttachment, &self.attachment_prefix());
                    record.keep(resource);
                })?;
                guide.say(Some(&INFO), &format!("Attached the policy {policy}."));
                Ok(())
            }
            Err(failure) => {
                self.forget_promise(promise, &failure)?;
                let next = if failure.may_pass() {
                    "idc-setup run"
                } else {
                    "check that the policy is an AWS managed one, then: idc-setup run --policy NAME"
                };
                Err(trouble(&INFO, &failure, next))
            }
        }
    }

    /// Changes a set that is there. They can be made twice, so what is cut short is simply made again.
    pub(super) async fn apply_other(&self, change: &Change, instance: &Instance) -> Result<(), Trouble> {
        let setting = &self.setting;
        let arn = self.arn(instance).await?;
        if change.kind == ResourceKind::Provisioning {
            calls::provision(setting, instance, &arn).await?;
            return setting.settle(change.verb, change.kind, &change.name, None);
        }
        let name = self.name();
        put_back::remember(setting, instance, (&arn, &name), change, self.duration_asked_for()).await?;
        let promise = self.promise_provisioning(instance, &arn).await?;
        setting.intend(&INFO, (change.verb, change.kind, &change.name), None)?;
        let answer = repeat(setting.timing, || self.change_once(change, instance, &arn)).await;
        if let Err(failure) = answer {
            self.forget_promise(promise, &failure)?;
            if failure.effect_is_known() {
                setting.settle(change.verb, change.kind, &change.name, None)?;
            }
            return Err(rerun(&INFO)(failure));
        }
        if change.verb == Verb::Remove {
            // What we have taken off ourselves is nobody's to miss.
            let policy = change.name.split_once('/').map_or("", |(_, policy)| policy);
            return self.forget_attachment(&arn, policy);
        }
        let is_ours = setting.how(ResourceKind::PermissionSet, &arn) == How::Made;
        let now = (change.kind == ResourceKind::PermissionSet && is_ours).then(|| {
            let made = Resource::new(How::Made, change.kind, &change.name, &arn);
            made.with_text(self.duration_asked_for())
        });
        setting.settle(change.verb, change.kind, &change.name, now)
    }

    /// As ISO 8601 has it.
    fn duration_asked_for(&self) -> Option<String> {
        let duration = self.setting.answer::<SessionDuration>(Key::SessionDuration);
        duration.map(|duration| duration.value.iso())
    }

    async fn change_once(&self, change: &Change, instance: &Instance, arn: &str) -> Result<(), Failure> {
        if change.verb == Verb::Update {
            return calls::set_duration(&self.setting, instance, arn, self.duration_asked_for()).await;
        }
        let policy = change.name.split_once('/').map_or("", |(_, policy)| policy);
        calls::detach(&self.setting, instance, arn, policy).await
    }
}
