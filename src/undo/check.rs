//! Checks the current state of resources that were created.

use std::cell::RefCell;
use std::time::Duration;

use super::command::{command, elsewhere};
use super::{Disposition, Removal};
use super::{cloudtrail, files, identity_center};
use crate::aws::{AwsError, AwsErrorKind, waiting};
use crate::checklist::{Status, StepReport, UserError};
use crate::next_step::SetupCommand;
use crate::progress::{Resource, ResourceKind};
use crate::steps::{Context, step_error};

/// The observed state of one resource.
pub enum Observation {
    /// It exists, as it was created.
    Exists,
    /// It no longer exists.
    Gone,
    /// Someone changed it; the text says what.
    Changed(String),
    /// Someone else uses it, and AWS refuses to delete it.
    InUse(String),
    /// It must not be deleted; the text says why.
    Stays(String),
}

/// Checks a resource and decides what happens to it.
pub async fn resource(
    context: &Context,
    reports: &[StepReport],
    resource: Resource,
    step: &'static str,
) -> Result<Removal, UserError> {
    if let Some(why) = files::out_of_reach(context, &resource) {
        return Ok(Removal {
            elsewhere: elsewhere(&resource),
            command: command(context, &resource),
            resource,
            step,
            disposition: Disposition::Stays,
            why: Some(why),
            in_use: false,
        });
    }
    let observation = observation(context, reports, &resource, step).await?;
    let command = command(context, &resource);
    let in_use = matches!(observation, Observation::InUse(_));
    let (disposition, why) = match observation {
        Observation::Exists => (Disposition::Delete, None),
        Observation::Gone => (Disposition::Gone, None),
        Observation::Changed(why) | Observation::InUse(why) => (Disposition::Changed, Some(why)),
        Observation::Stays(why) => (Disposition::Stays, Some(why)),
    };
    Ok(Removal {
        resource,
        step,
        disposition,
        why,
        command,
        in_use,
        elsewhere: None,
    })
}

/// Checks a resource once more right before it is deleted: deleting the previous ones takes time, and someone may have
/// started to use this one. AWS may still show recently deleted resources, so this waits for the deletions to
/// propagate.
pub async fn again(context: &Context, reports: &[StepReport], removal: &mut Removal) -> Result<(), UserError> {
    // The user agreed to delete it although it was changed.
    let is_agreed = removal.why.is_some();
    let can_delete = |now: &Removal| match now.disposition {
        Disposition::Changed => is_agreed && !now.in_use,
        Disposition::Stays => false,
        _ => true,
    };
    let limit = if removal.resource.kind.is_local() {
        Duration::ZERO
    } else {
        context.timing.propagation
    };
    let last = RefCell::new(None);
    let check = || async {
        let now = self::resource(context, reports, removal.resource.clone(), removal.step).await?;
        let can_delete = can_delete(&now);
        last.replace(Some(now));
        Ok::<_, UserError>(can_delete.then_some(()))
    };
    if waiting::until(context.timing, limit, check).await?.is_none()
        && let Some(now) = last.take()
    {
        *removal = now;
    }
    Ok(())
}

async fn observation(
    context: &Context,
    reports: &[StepReport],
    resource: &Resource,
    step: &str,
) -> Result<Observation, UserError> {
    let failed = |aws_error: AwsError| {
        let report = reports.iter().find(|report| report.info.slug == step);
        match report {
            Some(report) => step_error(report.info, &aws_error, SetupCommand::undo()),
            None => UserError::failed(aws_error.sentence(), SetupCommand::undo()),
        }
    };
    match resource.kind {
        kind if kind.is_local() => files::observation(context, resource),
        ResourceKind::Trail => cloudtrail::trail(context, resource).await.map_err(failed),
        ResourceKind::Bucket => cloudtrail::bucket(context, resource).await.map_err(failed),
        _ => {
            let Some(instance) = context.facts.instance.now() else {
                return without_instance(reports);
            };
            let observed = identity_center::observation(context, &instance, resource)
                .await
                .map_err(failed)?;
            Ok(match (observed, different(reports, step, resource)) {
                (Observation::Exists, Some(why)) => Observation::Changed(why),
                (observed, _) => observed,
            })
        }
    }
}

/// Without an instance, everything in it is gone. If the instance could not be checked, nothing is known.
///
/// # Errors
/// When the instance could not be checked.
pub fn without_instance(reports: &[StepReport]) -> Result<Observation, UserError> {
    let report = reports
        .iter()
        .find(|report| report.info.slug == "enable-identity-center");
    let error = report.and_then(|report| report.observed.error.clone());
    match (error, report.map(|report| report.observed.status)) {
        (Some(error), _) => Err(error),
        (None, Some(Status::Missing)) => Ok(Observation::Gone),
        _ => Err(UserError::failed(
            "Identity Center cannot be checked, so nothing in it can be deleted.",
            SetupCommand::status()
                .to("check that Identity Center is enabled")
                .then(SetupCommand::undo()),
        )),
    }
}

/// Why the step reports this user as different from the answers, if it does.
fn different(reports: &[StepReport], step: &str, resource: &Resource) -> Option<String> {
    let observed = &reports.iter().find(|report| report.info.slug == step)?.observed;
    let is_about_it = observed
        .resources
        .iter()
        .any(|other| other.kind == resource.kind && other.id == resource.id);
    // A user that was recorded with a digest is compared by the digest; the answers may have changed since.
    let is_user = resource.kind == ResourceKind::User && resource.text.is_none();
    (is_user && is_about_it && observed.status == Status::Different).then(|| observed.summary.clone())
}

/// `None` if AWS answered that the resource was not found.
///
/// # Errors
/// Every other error of the call.
pub fn unless_gone<T>(answer: Result<T, AwsError>) -> Result<Option<T>, AwsError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(aws_error) if aws_error.kind == AwsErrorKind::NotFound => Ok(None),
        Err(aws_error) => Err(aws_error),
    }
}
