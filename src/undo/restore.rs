//! What was found and changed by `--update` is put back as it was.

use std::path::PathBuf;
use std::time::Duration;

use super::command;
use super::{Disposition, Removal, files};
use crate::aws::waiting;
use crate::checklist::{StepInfo, StepReport, UserError};
use crate::limits::SPREAD_LIMIT;
use crate::progress::{Drift, Origin, Replaced, Resource, ResourceKind};
use crate::steps::{Context, INFOS, cli_profile, permission_set};

/// What was changed, with how it stands now; the last change first.
///
/// # Errors
/// When it cannot be looked at.
pub async fn plan(context: &Context, reports: &[StepReport], step: Option<&str>) -> Result<Vec<Removal>, UserError> {
    let mut removals = Vec::new();
    for replaced in all(context, step) {
        removals.push(look(context, reports, &replaced).await?);
    }
    Ok(removals)
}

/// The things themselves, by the steps that have changed them.
pub fn all(context: &Context, step: Option<&str>) -> Vec<Replaced> {
    let replaced = context.progress.read(|record| record.replaced.clone());
    let is_wanted = |replaced: &Replaced| step.is_none_or(|step| step == info(replaced).slug);
    replaced.into_iter().rev().filter(is_wanted).collect()
}

/// The step that has changed it.
pub fn info(replaced: &Replaced) -> &'static StepInfo {
    let slug = match replaced.kind {
        ResourceKind::PermissionSet => permission_set::INFO.slug,
        _ => cli_profile::INFO.slug,
    };
    INFOS.into_iter().find(|info| info.slug == slug).unwrap_or(INFOS[0])
}

/// As a resource: it was found, and is never removed.
pub fn resource(replaced: &Replaced) -> Resource {
    Resource::new(Origin::Existing, replaced.kind, &replaced.name, &replaced.id)
}

async fn look(context: &Context, reports: &[StepReport], replaced: &Replaced) -> Result<Removal, UserError> {
    let out_of_reach = files::out_of_reach(context, &resource(replaced));
    let elsewhere = out_of_reach
        .as_ref()
        .and_then(|_| command::elsewhere(&resource(replaced)));
    let (disposition, why) = match out_of_reach {
        Some(why) => (Disposition::Stays, Some(why)),
        None => match drift(context, reports, replaced).await? {
            None | Some(Drift::AsBefore) => (Disposition::Gone, None),
            Some(Drift::AsChanged) => (Disposition::Restore, Some(again(replaced))),
            Some(Drift::Otherwise(names)) => {
                let why = format!("it says otherwise by now: {}", names.join(", "));
                (Disposition::Changed, Some(why))
            }
        },
    };
    Ok(Removal {
        is_elsewhere: elsewhere.is_some(),
        command: elsewhere.unwrap_or_else(|| command::restore(context, replaced)),
        resource: resource(replaced),
        step: info(replaced).slug,
        disposition,
        why,
        in_use: false,
    })
}

fn again(replaced: &Replaced) -> String {
    format!("it says again what was there before: {}", replaced.before_in_words())
}

/// `None` when it is not there any more.
async fn drift(context: &Context, reports: &[StepReport], replaced: &Replaced) -> Result<Option<Drift>, UserError> {
    if replaced.kind.is_local() {
        let Some((_, config)) = files::read(&file_of(replaced))? else {
            return Ok(None);
        };
        let says = cli_profile::says(&config, replaced.before.keys());
        return Ok(Some(replaced.drift(&says)));
    }
    let Some(instance) = context.facts.instance.now() else {
        super::look::without_instance(reports)?;
        return Ok(None);
    };
    let Some(says) = permission_set::says(context, &instance, &replaced.id).await? else {
        return Ok(None);
    };
    let drift = replaced.drift(&says);
    // Its roles do not say yet what the set says again.
    let is_owed = permission_set::is_provisioning_owed(context, &replaced.name);
    Ok(Some(if is_owed && drift == Drift::AsBefore {
        Drift::AsChanged
    } else {
        drift
    }))
}

fn file_of(replaced: &Replaced) -> PathBuf {
    let (path, _) = replaced.id.rsplit_once('#').unwrap_or((&replaced.id, ""));
    PathBuf::from(path)
}

/// Puts one thing back, and looks that it is so.
///
/// # Errors
/// When it cannot be done; it can be done again.
pub async fn restore(context: &Context, reports: &[StepReport], removal: &mut Removal) -> Result<(), UserError> {
    let resource = &removal.resource;
    let is_it = |replaced: &Replaced| replaced.kind == resource.kind && replaced.id == resource.id;
    let Some(replaced) = all(context, None).into_iter().find(is_it) else {
        return Ok(());
    };
    if replaced.kind.is_local() {
        let path = file_of(&replaced);
        if let Some((text, _)) = files::read(&path)? {
            let before = cli_profile::restore(&text, &replaced).map_err(|bad| files::unreadable(&path, &bad))?;
            files::write(&path, &text, &before)?;
        }
    } else {
        let instance = context.instance().await?;
        permission_set::restore(context, &instance, &replaced).await?;
    }
    let is_back = || async {
        let again = look(context, reports, &replaced).await?;
        Ok::<_, UserError>((again.disposition == Disposition::Gone).then_some(()))
    };
    // A file says at once what was written into it.
    let limit = if replaced.kind.is_local() {
        Duration::ZERO
    } else {
        SPREAD_LIMIT
    };
    if waiting::until(context.timing, limit, is_back).await?.is_none() {
        return Err(UserError::failed(
            format!(
                "{}: the {} was put back, and still says what it was changed to.",
                info(&replaced).name(),
                removal.name()
            ),
            "wait a minute, then: idc-setup undo",
        ));
    }
    removal.disposition = Disposition::Restored;
    write_off(context, &removal.resource)
}

/// It is as it was: nothing of ours is in it any more.
///
/// # Errors
/// When it cannot be saved.
pub fn write_off(context: &Context, resource: &Resource) -> Result<(), UserError> {
    context.progress.change(|record| {
        record.drop_replaced(resource.kind, &resource.id);
        let prefix = format!("{}/", resource.id);
        record
            .resources
            .retain(|other| other.kind != ResourceKind::PolicyAttachment || !other.id.starts_with(&prefix));
    })?;
    Ok(())
}
