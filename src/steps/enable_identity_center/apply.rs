//! Makes the changes of this step. idc-setup can't undo either of them.

use super::super::context::rerun;
use super::super::create::repeat;
use super::{EnableIdentityCenter, INFO, reads};
use crate::aws::{AwsError, waiting};
use crate::checklist::{Change, UserError};
use crate::limits::PROPAGATION_LIMIT;
use crate::next_step::SetupCommand;
use crate::progress::{Origin, Resource};

impl EnableIdentityCenter {
    pub(super) async fn apply_create_organization(&self, change: &Change) -> Result<(), UserError> {
        let context = &self.context;
        let attempt = |_| reads::create_organization(context);
        let look = || async { Ok(reads::organization(context).await?.map(|organization| organization.id)) };
        let created = context.make(&INFO, change, attempt, look).await;
        let created = created.map_err(|error| {
            let code = error.aws.as_ref().and_then(|aws| aws.code.as_deref());
            if code == Some("ConstraintViolationException") {
                let first =
                    "complete the account's sign-up in the console (contact information, a valid payment method)";
                return UserError {
                    next: SetupCommand::again().after(first).into(),
                    ..error
                };
            }
            error
        })?;
        if let Some((id, _)) = created {
            let resource = Resource::new(
                Origin::Created,
                change.kind,
                format!("of account {}", context.caller.account),
                id,
            );
            context.settle(change.verb, change.kind, &change.name, Some(resource))?;
        }
        // Until the organization is visible everywhere, an instance would be mistaken for an account instance.
        let visible = || async { Ok::<_, UserError>(reads::organization(context).await.ok().flatten()) };
        waiting::until(context.timing, PROPAGATION_LIMIT, visible).await?;
        Ok(())
    }

    pub(super) async fn apply_permission_sets_switch(&self, change: &Change) -> Result<(), UserError> {
        let context = &self.context;
        let intent = context.intend(&INFO, (change.verb, change.kind, &change.name), None)?;
        let region = context
            .facts
            .instance
            .now()
            .map_or_else(|| context.wanted_region(), |instance| instance.region);
        let client = context.clients.ssoadmin_once(&region);
        let answer = repeat(context.timing, || async {
            let call = client.update_instance().instance_arn(change.name.single());
            let answer = call.permission_sets_enabled(true).send().await;
            answer.map_err(|error| AwsError::of("sso:UpdateInstance", error))
        });
        if let Err(aws_error) = answer.await {
            if aws_error.outcome_known() {
                // If permission sets are enabled later, it was not by this call.
                context.progress.change(|record| record.drop_intent(&intent.nonce))?;
            }
            return Err(rerun(&INFO)(aws_error));
        }
        let enabled = Resource::new(Origin::Created, change.kind, "permission sets", change.name.single());
        context.settle(change.verb, change.kind, &change.name, Some(enabled))
    }
}
