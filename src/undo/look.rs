//! How a thing that was made stands now.

use std::path::Path;

use super::command::command;
use super::{Removal, Verdict};
use super::{cloudtrail, files, identity_center};
use crate::aws::{Failure, FailureKind};
use crate::checklist::{Found, StepReport, Trouble};
use crate::progress::{Resource, ResourceKind};
use crate::steps::{Setting, trouble};

/// What a look at one thing brings.
pub enum Sight {
    There,
    Gone,
    Changed(String),
    Stays(String),
}

/// Looks at a thing, and says what becomes of it.
pub async fn at(
    setting: &Setting,
    reports: &[StepReport],
    resource: Resource,
    step: &'static str,
) -> Result<Removal, Trouble> {
    let sight = sight(setting, reports, &resource, step).await?;
    let command = command(setting, &resource);
    let (verdict, why) = match sight {
        Sight::There => (Verdict::Remove, None),
        Sight::Gone => (Verdict::Gone, None),
        Sight::Changed(why) => (Verdict::Changed, Some(why)),
        Sight::Stays(why) => (Verdict::Stays, Some(why)),
    };
    Ok(Removal {
        resource,
        step,
        verdict,
        why,
        command,
    })
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
        ResourceKind::Token | ResourceKind::Registration => Ok(if Path::new(&resource.id).exists() {
            Sight::There
        } else {
            Sight::Gone
        }),
        ResourceKind::CliProfile | ResourceKind::SsoSession | ResourceKind::ConfigFile => {
            Ok(match files::stands(resource)? {
                files::Stands::AsWritten => Sight::There,
                files::Stands::Gone => Sight::Gone,
                files::Stands::Otherwise(why) => Sight::Changed(why),
                files::Stands::InUse(why) => Sight::Stays(why),
            })
        }
        ResourceKind::Trail => cloudtrail::trail(setting, resource).await.map_err(failed),
        ResourceKind::Bucket => cloudtrail::bucket(setting, resource).await.map_err(failed),
        _ => {
            let Some(instance) = setting.facts.instance.now() else {
                return Err(Trouble::failed(
                    "Identity Center cannot be looked at, so nothing in it can be removed.",
                    "idc-setup status, and when it is there: idc-setup undo",
                ));
            };
            let looked = identity_center::sight(setting, &instance, resource)
                .await
                .map_err(failed)?;
            Ok(match (looked, different(reports, step)) {
                (Sight::There, Some(why)) => Sight::Changed(why),
                (looked, _) => looked,
            })
        }
    }
}

/// The step finds its thing different from what was asked for when it was made.
fn different(reports: &[StepReport], step: &str) -> Option<String> {
    let report = reports.iter().find(|report| report.info.slug == step)?;
    (report.finding.found == Found::Different).then(|| report.finding.is.clone())
}

/// A thing that is not found is gone.
pub fn unless_gone<T>(answer: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
        Err(failure) => Err(failure),
    }
}
