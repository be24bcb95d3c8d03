//! The changes of a permission set, made.

use aws_sdk_ssoadmin::types::{ProvisionTargetType, Tag};

use super::super::create::{Created, create, repeat};
use super::super::facts::Instance;
use super::super::setting::{rerun, trouble};
use super::{INFO, INTENT_TAG, PermissionSet, reads};
use crate::answers::Key;
use crate::answers::values::SessionDuration;
use crate::aws::retry::OPERATION_LIMIT;
use crate::aws::{Failure, FailureKind, waiting};
use crate::checklist::{Change, Guide, Trouble};
use crate::progress::{How, Resource, ResourceKind, Verb};

impl PermissionSet {
    pub(super) async fn create_once(&self, instance: &Instance, nonce: &str) -> Result<String, Failure> {
        let operation = "sso:CreatePermissionSet";
        let duration = self.setting.answer::<SessionDuration>(Key::SessionDuration);
        let tag = Tag::builder()
            .key(INTENT_TAG)
            .value(nonce)
            .build()
            .map_err(|error| super::super::create_user::unbuilt(operation, &error))?;
        self.setting
            .clients
            .ssoadmin_once(&instance.region)
            .create_permission_set()
            .instance_arn(&instance.arn)
            .name(self.name())
            .description("Made by idc-setup")
            .set_session_duration(duration.map(|duration| duration.value.iso()))
            .tags(tag)
            .send()
            .await
            .map_err(|error| Failure::of(operation, error))
            .map(|answer| {
                answer
                    .permission_set
                    .and_then(|set| set.permission_set_arn)
                    .unwrap_or_default()
            })
    }

    pub(super) async fn apply_create(
        &self,
        change: &Change,
        instance: &Instance,
        guide: &dyn Guide,
    ) -> Result<(), Trouble> {
        let setting = &self.setting;
        let attempt = |nonce: String| async move { self.create_once(instance, &nonce).await };
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
        let promise = self.promise_provisioning(instance, &arn).await?;
        if !self.is_attachment_owed() {
            let owed = (Verb::Create, ResourceKind::PolicyAttachment, change.name.as_str());
            setting.intend(&INFO, owed, None)?;
        }
        let end = create(
            setting.pace,
            || self.attach_once(instance, &arn, &policy),
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
                let next = "check that the policy is an AWS managed one, then: idc-setup run --policy NAME";
                Err(trouble(&INFO, &failure, next))
            }
        }
    }

    async fn attach_once(&self, instance: &Instance, arn: &str, policy: &str) -> Result<(), Failure> {
        let client = self.setting.clients.ssoadmin_once(&instance.region);
        let answer = client
            .attach_managed_policy_to_permission_set()
            .instance_arn(&instance.arn)
            .permission_set_arn(arn)
            .managed_policy_arn(policy)
            .send()
            .await;
        answer
            .map(|_| ())
            .map_err(|error| Failure::of("sso:AttachManagedPolicyToPermissionSet", error))
    }

    /// Changes a set that is there. They can be made twice, so what is cut short is simply made again.
    pub(super) async fn apply_other(&self, change: &Change, instance: &Instance) -> Result<(), Trouble> {
        let setting = &self.setting;
        let arn = self.arn(instance).await?;
        if change.kind == ResourceKind::Provisioning {
            self.provision(instance, &arn).await?;
            return setting.settle(change.verb, change.kind, &change.name, None);
        }
        let promise = self.promise_provisioning(instance, &arn).await?;
        setting.intend(&INFO, (change.verb, change.kind, &change.name), None)?;
        let answer = repeat(setting.pace, || self.change_once(change, instance, &arn)).await;
        if let Err(failure) = answer {
            self.forget_promise(promise, &failure)?;
            if failure.effect_is_known() {
                setting.settle(change.verb, change.kind, &change.name, None)?;
            }
            return Err(rerun(&INFO)(failure));
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
        let client = self.setting.clients.ssoadmin_once(&instance.region);
        if change.verb == Verb::Update {
            let duration = self.setting.answer::<SessionDuration>(Key::SessionDuration);
            let call = client
                .update_permission_set()
                .instance_arn(&instance.arn)
                .permission_set_arn(arn)
                .set_session_duration(duration.map(|duration| duration.value.iso()));
            let answer = call.send().await;
            return answer
                .map(|_| ())
                .map_err(|error| Failure::of("sso:UpdatePermissionSet", error));
        }
        let policy = change.name.split_once('/').map_or("", |(_, policy)| policy);
        let answer = client
            .detach_managed_policy_from_permission_set()
            .instance_arn(&instance.arn)
            .permission_set_arn(arn)
            .managed_policy_arn(policy)
            .send()
            .await
            .map_err(|error| Failure::of("sso:DetachManagedPolicyFromPermissionSet", error));
        match answer {
            // Detached already: by the attempt whose answer was lost, or by somebody else.
            Err(failure) if failure.kind != FailureKind::NotFound => Err(failure),
            _ => Ok(()),
        }
    }

    async fn provision(&self, instance: &Instance, arn: &str) -> Result<(), Trouble> {
        let setting = &self.setting;
        let client = setting.clients.ssoadmin_once(&instance.region);
        let request = || async {
            let call = client
                .provision_permission_set()
                .instance_arn(&instance.arn)
                .permission_set_arn(arn)
                .target_type(ProvisionTargetType::AllProvisionedAccounts);
            call.send()
                .await
                .map_err(|error| Failure::of("sso:ProvisionPermissionSet", error))
        };
        let answer = repeat(setting.pace, request).await.map_err(rerun(&INFO))?;
        let status = answer.permission_set_provisioning_status;
        let id = status.and_then(|status| status.request_id).unwrap_or_default();
        let ended = waiting::until(setting.pace, OPERATION_LIMIT, || {
            reads::provisioning(setting, instance, &id)
        })
        .await
        .map_err(rerun(&INFO))?;
        match ended {
            Some(Ok(())) => Ok(()),
            Some(Err(reason)) => Err(Trouble::failed(
                format!("Step 4 permission-set: provisioning failed: {reason}."),
                "mend what the reason names, then: idc-setup run",
            )),
            None => Err(Trouble::failed(
                "Step 4 permission-set: provisioning has not ended after 5 minutes.",
                "idc-setup status, and when it has not ended: idc-setup run",
            )),
        }
    }
}
