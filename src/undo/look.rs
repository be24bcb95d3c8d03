//! How a thing that was made stands now.

use std::cell::RefCell;
use std::time::Duration;

use super::command::{command, elsewhere};
use super::{Disposition, Removal};
use super::{cloudtrail, files, identity_center};
use crate::aws::{AwsError, AwsErrorKind, waiting};
use crate::checklist::{Status, StepReport, UserError};
use crate::progress::{Resource, ResourceKind};
use crate::steps::{Context, step_error};

/// What a look at one thing brings.
pub enum Observation {
    There,
    Gone,
    Changed(String),
    /// Somebody else stands on it: AWS does not let it go.
    InUse(String),
    Stays(String),
}

/// Looks at a thing, and says what becomes of it.
pub async fn at(
    context: &Context,
    reports: &[StepReport],
    resource: Resource,
    step: &'static str,
) -> Result<Removal, UserError> {
    if let Some(why) = files::out_of_reach(context, &resource) {
        let elsewhere = elsewhere(&resource);
        return Ok(Removal {
            is_elsewhere: elsewhere.is_some(),
            command: elsewhere.unwrap_or_else(|| command(context, &resource)),
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
        Observation::There => (Disposition::Delete, None),
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
        is_elsewhere: false,
    })
}

/// Looks once more right before a thing goes: what went before it has taken its time, and somebody may have come to use this
/// one. Where that only shows late what we have just removed, it is waited for.
pub async fn again(context: &Context, reports: &[StepReport], removal: &mut Removal) -> Result<(), UserError> {
    // What has changed was asked for as it is.
    let is_agreed = removal.why.is_some();
    let is_to_go = |now: &Removal| match now.disposition {
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
    let look = || async {
        let now = at(context, reports, removal.resource.clone(), removal.step).await?;
        let is_to_go = is_to_go(&now);
        last.replace(Some(now));
        Ok::<_, UserError>(is_to_go.then_some(()))
    };
    if waiting::until(context.timing, limit, look).await?.is_none()
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
            Some(report) => step_error(report.info, &aws_error, "idc-setup undo"),
            None => UserError::failed(aws_error.sentence(), "idc-setup undo"),
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
            let looked = identity_center::observation(context, &instance, resource)
                .await
                .map_err(failed)?;
            Ok(match (looked, different(reports, step, resource)) {
                (Observation::There, Some(why)) => Observation::Changed(why),
                (looked, _) => looked,
            })
        }
    }
}

/// Without Identity Center everything in it is gone; one that could not be looked at says nothing.
pub fn without_instance(reports: &[StepReport]) -> Result<Observation, UserError> {
    let report = reports
        .iter()
        .find(|report| report.info.slug == "enable-identity-center");
    let error = report.and_then(|report| report.observed.error.clone());
    match (error, report.map(|report| report.observed.status)) {
        (Some(error), _) => Err(error),
        (None, Some(Status::Missing)) => Ok(Observation::Gone),
        _ => Err(UserError::failed(
            "Identity Center cannot be looked at, so nothing in it can be removed.",
            "idc-setup status, and when it is there: idc-setup undo",
        )),
    }
}

/// The step finds this user different from what was asked for when it was made.
fn different(reports: &[StepReport], step: &str, resource: &Resource) -> Option<String> {
    let observed = &reports.iter().find(|report| report.info.slug == step)?.observed;
    let is_about_it = observed
        .resources
        .iter()
        .any(|other| other.kind == resource.kind && other.id == resource.id);
    // One that was made with a digest tells by itself; the answers may be others by now.
    let is_user = resource.kind == ResourceKind::User && resource.text.is_none();
    (is_user && is_about_it && observed.status == Status::Different).then(|| observed.summary.clone())
}

/// A thing that is not found is gone.
pub fn unless_gone<T>(answer: Result<T, AwsError>) -> Result<Option<T>, AwsError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(aws_error) if aws_error.kind == AwsErrorKind::NotFound => Ok(None),
        Err(aws_error) => Err(aws_error),
    }
}
