//! Removing a thing, and looking that it is gone.

use std::path::Path;

use aws_sdk_ssoadmin::types::{PrincipalType, StatusValues, TargetType};

use super::identity_center::{membership_id, parts, principals};
use super::look;
use super::{Disposition, Removal};
use super::{cleanup, cloudtrail, files};
use crate::aws::{AwsError, AwsErrorKind, waiting};
use crate::checklist::{StepInfo, StepReport, UserError};
use crate::limits::{OPERATION_LIMIT, REMOVAL_ATTEMPTS, SPREAD_LIMIT};
use crate::progress::{Resource, ResourceKind, Verb};
use crate::steps::{Context, INFOS, Instance, step_error};
use crate::text::lasting;

/// Removes one thing: intent before it, written off after a look has not found it any more.
///
/// # Errors
/// When it cannot be removed, or still shows afterwards.
pub async fn remove(context: &Context, reports: &[StepReport], removal: &mut Removal) -> Result<(), UserError> {
    let resource = removal.resource.clone();
    let info = INFOS
        .into_iter()
        .find(|info| info.slug == removal.step)
        .unwrap_or(INFOS[0]);
    context.intend(info, (Verb::Delete, resource.kind, &resource.name), None)?;
    let failed = |aws_error: AwsError| step_error(info, &aws_error, "idc-setup undo");
    let mut taken_out = None;
    match resource.kind {
        ResourceKind::Token | ResourceKind::Registration => cleanup::remove_file(context, Path::new(&resource.id))?,
        ResourceKind::ConfigFile => {
            files::remove_line(context, &resource)?;
            if Path::new(&resource.id).exists() {
                removal.disposition = Disposition::Stays;
                removal.why = Some("something else is in it".to_owned());
                return write_off_intent(context, &resource);
            }
        }
        ResourceKind::CliProfile | ResourceKind::SsoSession => {
            taken_out = Some(files::remove_line(context, &resource)?);
        }
        ResourceKind::Trail => cloudtrail::delete_trail(context, &resource).await.map_err(failed)?,
        ResourceKind::Bucket => {
            if let Some(why) = cloudtrail::delete_bucket(context, &resource).await.map_err(failed)? {
                removal.disposition = Disposition::Stays;
                removal.why = Some(why);
                return write_off_intent(context, &resource);
            }
        }
        _ => {
            let instance = context.instance().await?;
            in_identity_center(context, &instance, &resource, info).await?;
        }
    }
    let gone = || async {
        if let Some(taken_out) = taken_out {
            // Somebody else's lines may keep the section.
            return Ok(files::is_out(&resource, taken_out)?.then_some(()));
        }
        let again = look::at(context, reports, resource.clone(), removal.step).await?;
        Ok::<_, UserError>((again.disposition == Disposition::Gone).then_some(()))
    };
    if waiting::until(context.timing, SPREAD_LIMIT, gone).await?.is_none() {
        return Err(UserError::failed(
            format!("{}: the {} was removed, and still shows.", info.name(), removal.name()),
            "wait a minute, then: idc-setup undo",
        ));
    }
    removal.disposition = Disposition::Deleted;
    if taken_out.is_some() {
        let is_kept = files::is_kept_by_others(&resource);
        removal.why = is_kept.then(|| "its header stays, with what others have written below it".to_owned());
    }
    write_off(context, &resource, removal.step)
}

/// A thing that is gone is ours no more, and nothing that was said about it counts; nor does what its step saw last.
///
/// # Errors
/// When it cannot be saved.
pub fn write_off(context: &Context, resource: &Resource, step: &str) -> Result<(), UserError> {
    context.progress.change(|record| {
        record.close(Verb::Delete, resource.kind, &resource.name);
        record.resources.retain(|other| {
            let is_part = other.id.starts_with(&format!("{}/", resource.id))
                && matches!(other.kind, ResourceKind::PolicyAttachment | ResourceKind::Provisioning);
            !is_part && (other.kind != resource.kind || other.id != resource.id)
        });
        // A trail that was never finished has its intent's nonce in its name.
        record
            .intents
            .retain(|intent| intent.kind != resource.kind || !resource.name.ends_with(&intent.nonce));
        record.attestations.retain(|_, word| word.about != resource.id);
        record.steps.remove(step);
    })?;
    Ok(())
}

fn write_off_intent(context: &Context, resource: &Resource) -> Result<(), UserError> {
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
    let mut tries = 1;
    loop {
        let answer = match resource.kind {
            ResourceKind::AccountAssignment => assignment(context, instance, resource).await,
            ResourceKind::PermissionSet => permission_set(context, instance, resource).await.map(|()| None),
            ResourceKind::GroupMembership => membership(context, instance, resource).await.map(|()| None),
            ResourceKind::Group => group(context, instance, resource).await.map(|()| None),
            _ => user(context, instance, resource).await.map(|()| None),
        };
        match answer {
            Ok(Some(request)) => return unassigned(context, instance, &request, info).await,
            Ok(None) => return Ok(()),
            Err(aws_error) if aws_error.kind == AwsErrorKind::NotFound => return Ok(()),
            // What stands on it is going, and has not gone everywhere yet; or nobody knows whether it was asked for.
            Err(aws_error)
                if tries < REMOVAL_ATTEMPTS
                    && (aws_error.kind == AwsErrorKind::Conflict || aws_error.is_transient()) =>
            {
                tries += 1;
                let asked = aws_error.retry_after.unwrap_or_default();
                tokio::time::sleep(asked.max(context.timing.pause(tries))).await;
            }
            Err(aws_error) => return Err(step_error(info, &aws_error, "idc-setup undo")),
        }
    }
}

async fn permission_set(context: &Context, instance: &Instance, resource: &Resource) -> Result<(), AwsError> {
    let answer = context
        .clients
        .ssoadmin_once(&instance.region)
        .delete_permission_set()
        .instance_arn(&instance.arn)
        .permission_set_arn(&resource.id)
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
        .group_id(&resource.id)
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
        .user_id(&resource.id)
        .send()
        .await;
    answer
        .map(|_| ())
        .map_err(|error| AwsError::of("identitystore:DeleteUser", error))
}

/// Asks for the removal of an assignment that is there; AWS does it later, as a request with an id.
async fn assignment(context: &Context, instance: &Instance, resource: &Resource) -> Result<Option<String>, AwsError> {
    let Some((account, set, principal)) = parts(&resource.id) else {
        return Ok(None);
    };
    let found = principals(context, instance, account, set).await?;
    let Some((kind, _)) = found.iter().find(|(_, id)| id == principal) else {
        return Ok(None);
    };
    let answer = context
        .clients
        .ssoadmin_once(&instance.region)
        .delete_account_assignment()
        .instance_arn(&instance.arn)
        .permission_set_arn(set)
        .target_type(TargetType::AwsAccount)
        .target_id(account)
        .principal_type(PrincipalType::from(kind.as_str()))
        .principal_id(principal)
        .send()
        .await
        .map_err(|error| AwsError::of("sso:DeleteAccountAssignment", error))?;
    let status = answer.account_assignment_deletion_status;
    Ok(status.and_then(|status| status.request_id))
}

/// Waits until a requested removal has been done.
async fn unassigned(
    context: &Context,
    instance: &Instance,
    request: &str,
    info: &'static StepInfo,
) -> Result<(), UserError> {
    let failed = |aws_error: AwsError| step_error(info, &aws_error, "idc-setup undo");
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
                "{}: AWS could not take the assignment away: {}.",
                info.name(),
                status
                    .failure_reason
                    .as_deref()
                    .unwrap_or("no reason given")
                    .trim_end_matches('.')
            ),
            "mend that, then: idc-setup undo",
        )),
        Some(_) => Ok(()),
        None => Err(UserError::failed(
            format!(
                "{}: AWS has not taken the assignment away in {}.",
                info.name(),
                lasting(OPERATION_LIMIT)
            ),
            "idc-setup undo",
        )),
    }
}
