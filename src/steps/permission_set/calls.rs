//! The calls that change a permission set, without retries by the SDK.

use aws_sdk_ssoadmin::types::{ProvisionTargetType, Tag};

use super::super::context::{Context, rerun};
use super::super::create::repeat;
use super::super::facts::Instance;
use super::{DESCRIPTION, INFO, INTENT_TAG, reads};
use crate::aws::{AwsError, AwsErrorKind, waiting};
use crate::checklist::UserError;
use crate::ids::PermissionSetArn;
use crate::limits::OPERATION_LIMIT;
use crate::next_step::SetupCommand;
use crate::text::duration_text;

/// Creates a permission set with the intent's nonce in a tag, and returns its ARN.
pub async fn create(
    context: &Context,
    instance: &Instance,
    (name, duration, nonce): (&str, Option<String>, &str),
) -> Result<PermissionSetArn, AwsError> {
    let operation = "sso:CreatePermissionSet";
    let tag = Tag::builder()
        .key(INTENT_TAG)
        .value(nonce)
        .build()
        .map_err(|error| super::super::create_user::unbuilt(operation, &error))?;
    let answer = context
        .clients
        .ssoadmin_once(&instance.region)
        .create_permission_set()
        .instance_arn(&instance.arn)
        .name(name)
        .description(DESCRIPTION)
        .set_session_duration(duration)
        .tags(tag)
        .send()
        .await
        .map_err(|error| AwsError::of(operation, error))?;
    let arn = answer.permission_set.and_then(|set| set.permission_set_arn);
    AwsError::require_id(operation, &arn.unwrap_or_default())
}

/// Attaches an AWS managed policy.
pub async fn attach(
    context: &Context,
    instance: &Instance,
    arn: &PermissionSetArn,
    policy: &str,
) -> Result<(), AwsError> {
    let answer = context
        .clients
        .ssoadmin_once(&instance.region)
        .attach_managed_policy_to_permission_set()
        .instance_arn(&instance.arn)
        .permission_set_arn(arn)
        .managed_policy_arn(policy)
        .send()
        .await;
    answer
        .map(|_| ())
        .map_err(|error| AwsError::of("sso:AttachManagedPolicyToPermissionSet", error))
}

/// Detaches an AWS managed policy. A policy that is not attached counts as detached: an earlier attempt whose response was
/// lost, or someone else, detached it.
pub async fn detach(
    context: &Context,
    instance: &Instance,
    arn: &PermissionSetArn,
    policy: &str,
) -> Result<(), AwsError> {
    let answer = context
        .clients
        .ssoadmin_once(&instance.region)
        .detach_managed_policy_from_permission_set()
        .instance_arn(&instance.arn)
        .permission_set_arn(arn)
        .managed_policy_arn(policy)
        .send()
        .await
        .map_err(|error| AwsError::of("sso:DetachManagedPolicyFromPermissionSet", error));
    match answer {
        Err(aws_error) if aws_error.kind != AwsErrorKind::NotFound => Err(aws_error),
        _ => Ok(()),
    }
}

/// Sets the session duration, in ISO 8601 format.
pub async fn set_duration(
    context: &Context,
    instance: &Instance,
    arn: &PermissionSetArn,
    duration: Option<String>,
) -> Result<(), AwsError> {
    let answer = context
        .clients
        .ssoadmin_once(&instance.region)
        .update_permission_set()
        .instance_arn(&instance.arn)
        .permission_set_arn(arn)
        .set_session_duration(duration)
        .send()
        .await;
    answer
        .map(|_| ())
        .map_err(|error| AwsError::of("sso:UpdatePermissionSet", error))
}

/// Provisions the permission set in all accounts that have it, and waits for the result.
pub async fn provision(context: &Context, instance: &Instance, arn: &PermissionSetArn) -> Result<(), UserError> {
    let client = context.clients.ssoadmin_once(&instance.region);
    let request = || async {
        let call = client
            .provision_permission_set()
            .instance_arn(&instance.arn)
            .permission_set_arn(arn)
            .target_type(ProvisionTargetType::AllProvisionedAccounts);
        call.send()
            .await
            .map_err(|error| AwsError::of("sso:ProvisionPermissionSet", error))
    };
    let answer = repeat(context.timing, request).await.map_err(rerun(&INFO))?;
    let status = answer.permission_set_provisioning_status;
    let id = status.and_then(|status| status.request_id).unwrap_or_default();
    let read = || reads::provisioning(context, instance, &id);
    let finished = waiting::until(context.timing, OPERATION_LIMIT, read)
        .await
        .map_err(rerun(&INFO))?;
    match finished {
        Some(Ok(())) => Ok(()),
        Some(Err(reason)) => Err(UserError::failed(
            format!("Step 4 permission-set: provisioning failed: {reason}."),
            SetupCommand::again().after("fix the problem that AWS reports"),
        )),
        None => Err(UserError::failed(
            format!(
                "Step 4 permission-set: provisioning did not finish within {}.",
                duration_text(OPERATION_LIMIT)
            ),
            SetupCommand::again().to("provision it again"),
        )),
    }
}
