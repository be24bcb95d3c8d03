//! How a thing that was made stands now.

use std::cell::RefCell;
use std::time::Duration;

use super::command::{command, elsewhere};
use super::{Removal, Verdict};
use super::{cloudtrail, files, identity_center};
use crate::aws::{Failure, FailureKind, waiting};
use crate::checklist::{Found, StepReport, Trouble};
use crate::progress::{Resource, ResourceKind};
use crate::steps::{Setting, trouble};

/// What a look at one thing brings.
pub enum Sight {
    There,
    Gone,
    Changed(String),
    /// Somebody else stands on it: AWS does not let it go.
    InUse(String),
    Stays(String),
}

/// Looks at a thing, and says what becomes of it.
pub async fn at(
    setting: &Setting,
    reports: &[StepReport],
    resource: Resource,
    step: &'static str,
) -> Result<Removal, Trouble> {
    if let Some(why) = files::out_of_reach(setting, &resource) {
        let elsewhere = elsewhere(&resource);
        return Ok(Removal {
            is_elsewhere: elsewhere.is_some(),
            command: elsewhere.unwrap_or_else(|| command(setting, &resource)),
            resource,
            step,
            verdict: Verdict::Stays,
            why: Some(why),
            in_use: false,
        });
    }
    let sight = sight(setting, reports, &resource, step).await?;
    let command = command(setting, &resource);
    let in_use = matches!(sight, Sight::InUse(_));
    let (verdict, why) = match sight {
        Sight::There => (Verdict::Remove, None),
        Sight::Gone => (Verdict::Gone, None),
        Sight::Changed(why) | Sight::InUse(why) => (Verdict::Changed, Some(why)),
        Sight::Stays(why) => (Verdict::Stays, Some(why)),
    };
    Ok(Removal {
        resource,
        step,
        verdict,
        why,
        command,
        in_use,
        is_elsewhere: false,
    })
}

/// Looks once more right before a thing goes: what went before it has taken its time, and somebody may have come to use this
/// one. Where that only shows late what we have just removed, it is waited for.
pub async fn again(setting: &Setting, reports: &[StepReport], removal: &mut Removal) -> Result<(), Trouble> {
    // What has changed was asked for as it is.
    let is_agreed = removal.why.is_some();
    let is_to_go = |now: &Removal| match now.verdict {
        Verdict::Changed => is_agreed && !now.in_use,
        Verdict::Stays => false,
        _ => true,
    };
    let limit = if removal.resource.kind.is_local() {
        Duration::ZERO
    } else {
        setting.timing.propagation
    };
    let last = RefCell::new(None);
    let look = || async {
        let now = at(setting, reports, removal.resource.clone(), removal.step).await?;
        let is_to_go = is_to_go(&now);
        last.replace(Some(now));
        Ok::<_, Trouble>(is_to_go.then_some(()))
    };
    if waiting::until(setting.timing, limit, look).await?.is_none()
        && let Some(now) = last.take()
    {
        *removal = now;
    }
    Ok(())
}

async fn sight(setting: &Setting, reports: &[StepReport], resource: &Resource, step: &str) -> Result<Sight, Trouble> {
    let failed = |failure: Failure| {
        let report = reports.iter().find(|report| report.info.slug == step);
        match report {
            Some(report) => trouble(report.info, &failure, "idc-setup undo"),
            None => Trouble::failed(failure.sentence(), "idc-setup undo"),
        }
    };
    match resource.kind {
        kind if kind.is_local() => files::sight(setting, resource),
        ResourceKind::Trail => cloudtrail::trail(setting, resource).await.map_err(failed),
        ResourceKind::Bucket => cloudtrail::bucket(setting, resource).await.map_err(failed),
        _ => {
            let Some(instance) = setting.facts.instance.now() else {
                return without_instance(reports);
            };
            let looked = identity_center::sight(setting, &instance, resource)
                .await
                .map_err(failed)?;
            Ok(match (looked, different(reports, step, resource)) {
                (Sight::There, Some(why)) => Sight::Changed(why),
                (looked, _) => looked,
            })
        }
    }
}

/// Without Identity Center everything in it is gone; one that could not be looked at says nothing.
pub fn without_instance(reports: &[StepReport]) -> Result<Sight, Trouble> {
    let report = reports
        .iter()
        .find(|report| report.info.slug == "enable-identity-center");
    let trouble = report.and_then(|report| report.finding.trouble.clone());
    match (trouble, report.map(|report| report.finding.found)) {
        (Some(trouble), _) => Err(trouble),
        (None, Some(Found::Missing)) => Ok(Sight::Gone),
        _ => Err(Trouble::failed(
            "Identity Center cannot be looked at, so nothing in it can be removed.",
            "idc-setup status, and when it is there: idc-setup undo",
        )),
    }
}

/// The step finds this user different from what was asked for when it was made.
fn different(reports: &[StepReport], step: &str, resource: &Resource) -> Option<String> {
    let finding = &reports.iter().find(|report| report.info.slug == step)?.finding;
    let is_about_it = finding
        .resources
        .iter()
        .any(|other| other.kind == resource.kind && other.id == resource.id);
    // One that was made with a digest tells by itself; the answers may be others by now.
    let is_user = resource.kind == ResourceKind::User && resource.text.is_none();
    (is_user && is_about_it && finding.found == Found::Different).then(|| finding.is.clone())
}

/// A thing that is not found is gone.
pub fn unless_gone<T>(answer: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
        Err(failure) => Err(failure),
    }
}
