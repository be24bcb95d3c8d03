//! Deletes a resource and verifies that it is gone.

use std::path::Path;

use aws_sdk_ssoadmin::types::{PrincipalType, StatusValues, TargetType};

use super::check;
use super::identity_center::{membership_id, principals};
use super::{Disposition, Removal};
use super::{cleanup, cloudtrail, files};
use crate::aws::{AwsError, AwsErrorKind, waiting};
use crate::checklist::{StepInfo, StepReport, UserError};
use crate::limits::{OPERATION_LIMIT, PROPAGATION_LIMIT, REMOVAL_ATTEMPTS};
use crate::next_step::SetupCommand;
use crate::progress::{Resource, ResourceId, ResourceKind, Verb};
use crate::steps::{Context, INFOS, Instance, step_error};
use crate::text::duration_text;

/// Deletes one resource: records the intent first, and forgets the resource when a read no longer finds it.
///
/// # Errors
/// When it cannot be deleted, or still exists afterwards.
pub async fn remove(context: &Context, reports: &[StepReport], removal: &mut Removal) -> Result<(), UserError> {
    let resource = removal.resource.clone();
    let info = INFOS
        .into_iter()
        .find(|info| info.slug == removal.step)
        .unwrap_or(INFOS[0]);
    context.intend(info, (Verb::Delete, resource.kind, &resource.name), None)?;
    let failed = |aws_error: AwsError| step_error(info, &aws_error, SetupCommand::undo());
    let mut removed = None;
    match resource.kind {
        ResourceKind::Token | ResourceKind::Registration => {
            cleanup::remove_file(context, Path::new(resource.id.single()))?;
        }
        ResourceKind::ConfigFile => {
            files::remove(context, &resource)?;
            if Path::new(resource.id.single()).exists() {
                removal.disposition = Disposition::Stays;
                removal.why = Some("it contains other lines".to_owned());
                return close_intent(context, &resource);
            }
        }
        ResourceKind::CliProfile | ResourceKind::SsoSession => {
            removed = Some(files::remove(context, &resource)?);
        }
        ResourceKind::Trail => cloudtrail::delete_trail(context, &resource).await.map_err(failed)?,
        ResourceKind::Bucket => {
            if let Some(why) = cloudtrail::delete_bucket(context, &resource).await.map_err(failed)? {
                removal.disposition = Disposition::Stays;
                removal.why = Some(why);
                return close_intent(context, &resource);
            }
        }
        _ => {
            let instance = context.instance().await?;
            in_identity_center(context, &instance, &resource, info).await?;
        }
    }
    let gone = || async {
        if let Some(removed) = removed {
            // The section may still exist, with lines that others added.
            return Ok(files::is_removed(&resource, removed)?.then_some(()));
        }
        let again = check::resource(context, reports, resource.clone(), removal.step).await?;
        Ok::<_, UserError>((again.disposition == Disposition::Gone).then_some(()))
    };
    if waiting::until(context.timing, PROPAGATION_LIMIT, gone).await?.is_none() {
        return Err(UserError::failed(
            format!("{}: the {} was deleted but still exists.", info.name(), removal.name()),
            SetupCommand::undo().after("wait a minute"),
        ));
    }
    removal.disposition = Disposition::Deleted;
    if removed.is_some() {
        let is_kept = files::is_kept_by_others(&resource);
        removal.why = is_kept.then(|| "its header stays, with the lines that others added".to_owned());
    }
    forget(context, &resource, removal.step)
}

/// Removes a deleted resource from progress, along with its attestations and the last state of its step.
///
/// # Errors
/// When it cannot be saved.
pub fn forget(context: &Context, resource: &Resource, step: &str) -> Result<(), UserError> {
    context.progress.change(|record| {
        record.close(Verb::Delete, resource.kind, &resource.name);
        record.resources.retain(|other| {
            !other.id.is_attached_to(&resource.id) && (other.kind != resource.kind || other.id != resource.id)
        });
        // The name of a trail that was never completed contains the nonce of its intent.
        record
            .intents
            .retain(|intent| intent.kind != resource.kind || !resource.name.single().ends_with(&intent.nonce));
        record.attestations.retain(|_, word| word.about != resource.id.single());
        record.steps.remove(step);
    })?;
    Ok(())
}

/// Closes the intent to delete a resource that stays.
fn close_intent(context: &Context, resource: &Resource) -> Result<(), UserError> {
    context
        .progress
        .change(|record| record.close(Verb::Delete, resource.kind, &resource.name))?;
    Ok(())
}

async fn in_identity_center(
    context: &Context,
    instance: &Instance,
    resource: &Resource,
    info: &'static StepInfo,
) -> Result<(), UserError> {
    let mut attempts = 1;
    loop {
        let answer = match resource.kind {
            ResourceKind::AccountAssignment => assignment(context, instance, resource).await,
            ResourceKind::PermissionSet => permission_set(context, instance, resource).await.map(|()| None),
            ResourceKind::GroupMembership => membership(context, instance, resource).await.map(|()| None),
            ResourceKind::Group => group(context, instance, resource).await.map(|()| None),
            _ => user(context, instance, resource).await.map(|()| None),
        };
        match answer {
            Ok(Some(request)) => return await_deletion(context, instance, &request, info).await,
            Ok(None) => return Ok(()),
            Err(aws_error) if aws_error.kind == AwsErrorKind::NotFound => return Ok(()),
            // What depends on it was deleted, but that has not propagated yet; or the call may not have reached AWS.
            Err(aws_error)
                if attempts < REMOVAL_ATTEMPTS
                    && (aws_error.kind == AwsErrorKind::Conflict || aws_error.is_transient()) =>
            {
                attempts += 1;
                let requested = aws_error.retry_after.unwrap_or_default();
                tokio::time::sleep(requested.max(context.timing.pause(attempts))).await;
            }
            Err(aws_error) => return Err(step_error(info, &aws_error, SetupCommand::undo())),
        }
    }
}

async fn permission_set(context: &Context, instance: &Instance, resource: &Resource) -> Result<(), AwsError> {
    let answer = context
        .clients
        .ssoadmin_once(&instance.region)
        .delete_permission_set()
        .instance_arn(&instance.arn)
        .permission_set_arn(resource.id.single())
        .send()
        .await;
    answer
        .map(|_| ())
        .map_err(|error| AwsError::of("sso:DeletePermissionSet", error))
}

async fn membership(context: &Context, instance: &Instance, resource: &Resource) -> Result<(), AwsError> {
    let Some(id) = membership_id(context, instance, resource).await? else {
        return Ok(());
    };
    let answer = context
        .clients
        .identitystore_once(&instance.region)
        .delete_group_membership()
        .identity_store_id(&instance.store)
        .membership_id(id)
        .send()
        .await;
    answer
        .map(|_| ())
        .map_err(|error| AwsError::of("identitystore:DeleteGroupMembership", error))
}

async fn group(context: &Context, instance: &Instance, resource: &Resource) -> Result<(), AwsError> {
    let answer = context
        .clients
        .identitystore_once(&instance.region)
        .delete_group()
        .identity_store_id(&instance.store)
        .group_id(resource.id.single())
        .send()
        .await;
    answer
        .map(|_| ())
        .map_err(|error| AwsError::of("identitystore:DeleteGroup", error))
}

async fn user(context: &Context, instance: &Instance, resource: &Resource) -> Result<(), AwsError> {
    let answer = context
        .clients
        .identitystore_once(&instance.region)
        .delete_user()
        .identity_store_id(&instance.store)
        .user_id(resource.id.single())
        .send()
        .await;
    answer
        .map(|_| ())
        .map_err(|error| AwsError::of("identitystore:DeleteUser", error))
}

/// Requests the deletion of an assignment, if it exists. AWS deletes it later and returns the id of the request.
async fn assignment(context: &Context, instance: &Instance, resource: &Resource) -> Result<Option<String>, AwsError> {
    let ResourceId::Assignment(key) = &resource.id else {
        return Ok(None);
    };
    let assigned = principals(context, instance, &key.account, &key.permission_set).await?;
    if !assigned.contains(&key.principal) {
        return Ok(None);
    }
    let answer = context
        .clients
        .ssoadmin_once(&instance.region)
        .delete_account_assignment()
        .instance_arn(&instance.arn)
        .permission_set_arn(&key.permission_set)
        .target_type(TargetType::AwsAccount)
        .target_id(&key.account)
        .principal_type(PrincipalType::from(key.principal.type_name()))
        .principal_id(key.principal.id())
        .send()
        .await
        .map_err(|error| AwsError::of("sso:DeleteAccountAssignment", error))?;
    let status = answer.account_assignment_deletion_status;
    Ok(status.and_then(|status| status.request_id))
}

/// Waits until AWS has deleted an assignment.
async fn await_deletion(
    context: &Context,
    instance: &Instance,
    request: &str,
    info: &'static StepInfo,
) -> Result<(), UserError> {
    let failed = |aws_error: AwsError| step_error(info, &aws_error, SetupCommand::undo());
    let ended = || async {
        let answer = context
            .clients
            .ssoadmin(&instance.region)
            .describe_account_assignment_deletion_status()
            .instance_arn(&instance.arn)
            .account_assignment_deletion_request_id(request)
            .send()
            .await
            .map_err(|error| failed(AwsError::of("sso:DescribeAccountAssignmentDeletionStatus", error)))?;
        let status = answer.account_assignment_deletion_status;
        Ok::<_, UserError>(status.filter(|status| status.status != Some(StatusValues::InProgress)))
    };
    match waiting::until(context.timing, OPERATION_LIMIT, ended).await? {
        Some(status) if status.status == Some(StatusValues::Failed) => Err(UserError::failed(
            format!(
                "{}: AWS could not delete the assignment: {}.",
                info.name(),
                status
                    .failure_reason
                    .as_deref()
                    .unwrap_or("no reason given")
                    .trim_end_matches('.')
            ),
            SetupCommand::undo().after("fix the cause"),
        )),
        Some(_) => Ok(()),
        None => Err(UserError::failed(
            format!(
                "{}: AWS did not delete the assignment within {}.",
                info.name(),
                duration_text(OPERATION_LIMIT)
            ),
            SetupCommand::undo(),
        )),
    }
}
