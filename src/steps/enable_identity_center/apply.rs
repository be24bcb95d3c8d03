//! The changes of this step, made. Neither can be taken back.

use super::super::create::repeat;
use super::super::setting::rerun;
use super::{EnableIdentityCenter, INFO, reads};
use crate::aws::{Failure, waiting};
use crate::checklist::{Change, Trouble};
use crate::limits::SPREAD_LIMIT;
use crate::progress::{How, Resource};

impl EnableIdentityCenter {
    pub(super) async fn apply_create_organization(&self, change: &Change) -> Result<(), Trouble> {
        let setting = &self.setting;
        let attempt = |_| reads::create_organization(setting);
        let look = || async { Ok(reads::organization(setting).await?.map(|organization| organization.id)) };
        let made = setting.make(&INFO, (change, &change.name), attempt, look).await;
        let made = made.map_err(|trouble| {
            let code = trouble.aws.as_ref().and_then(|aws| aws.code.as_deref());
            if code == Some("ConstraintViolationException") {
                let next = "complete the account's sign-up in the console (contact information, a valid payment \
                            method), then: idc-setup run";
                return Trouble {
                    next: next.to_owned(),
                    ..trouble
                };
            }
            trouble
        })?;
        if let Some((id, _)) = made {
            let resource = Resource::new(
                How::Made,
                change.kind,
                format!("of account {}", setting.caller.account),
                id,
            );
            setting.settle(change.verb, change.kind, &change.name, Some(resource))?;
        }
        // Until it shows everywhere, an instance would be taken for an account instance.
        let shows = || async { Ok::<_, Trouble>(reads::organization(setting).await.ok().flatten()) };
        waiting::until(setting.timing, SPREAD_LIMIT, shows).await?;
        Ok(())
    }

    pub(super) async fn apply_permission_sets_switch(&self, change: &Change) -> Result<(), Trouble> {
        let setting = &self.setting;
        let intent = setting.intend(&INFO, (change.verb, change.kind, &change.name), None)?;
        let region = setting
            .facts
            .instance
            .now()
            .map_or_else(|| setting.wanted_region(), |instance| instance.region);
        let client = setting.clients.ssoadmin_once(&region);
        let answer = repeat(setting.timing, || async {
            let call = client.update_instance().instance_arn(&change.name);
            let answer = call.permission_sets_enabled(true).send().await;
            answer.map_err(|error| Failure::of("sso:UpdateInstance", error))
        });
        if let Err(failure) = answer.await {
            if failure.effect_is_known() {
                // Whoever turns it on later is somebody else.
                setting.progress.change(|record| record.drop_intent(&intent.nonce))?;
            }
            return Err(rerun(&INFO)(failure));
        }
        let made = Resource::new(How::Made, change.kind, "permission sets", &change.name);
        setting.settle(change.verb, change.kind, &change.name, Some(made))
    }
}
