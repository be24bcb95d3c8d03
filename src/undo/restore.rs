//! Restores existing resources that `--update` changed.

use std::time::Duration;

use super::command;
use super::{Disposition, Removal, files};
use crate::aws::waiting;
use crate::checklist::{StepInfo, StepReport, UserError};
use crate::limits::PROPAGATION_LIMIT;
use crate::next_step::SetupCommand;
use crate::progress::{Drift, Origin, Replaced, Resource, ResourceKind, Setting};
use crate::steps::{Context, INFOS, cli_profile, permission_set};

/// What to do with each changed resource; the most recent change first.
///
/// # Errors
/// When a resource cannot be checked.
pub async fn plan(context: &Context, reports: &[StepReport], step: Option<&str>) -> Result<Vec<Removal>, UserError> {
    let mut removals = Vec::new();
    for replaced in all(context, step) {
        removals.push(check(context, reports, &replaced).await?);
    }
    Ok(removals)
}

/// The recorded changes, of one step or of all.
pub fn all(context: &Context, step: Option<&str>) -> Vec<Replaced> {
    let replaced = context.progress.read(|record| record.replaced.clone());
    let is_wanted = |replaced: &Replaced| step.is_none_or(|step| step == info(replaced).slug);
    replaced.into_iter().rev().filter(is_wanted).collect()
}

/// The step that changed the resource.
pub fn info(replaced: &Replaced) -> &'static StepInfo {
    let slug = match replaced.kind {
        ResourceKind::PermissionSet => permission_set::INFO.slug,
        _ => cli_profile::INFO.slug,
    };
    INFOS.into_iter().find(|info| info.slug == slug).unwrap_or(INFOS[0])
}

/// The changed resource. It existed before, so undo never deletes it.
pub fn resource(replaced: &Replaced) -> Resource {
    Resource::new(Origin::Existing, replaced.kind, &replaced.name, &replaced.id)
}

async fn check(context: &Context, reports: &[StepReport], replaced: &Replaced) -> Result<Removal, UserError> {
    let out_of_reach = files::out_of_reach(context, &resource(replaced));
    let elsewhere = out_of_reach
        .as_ref()
        .and_then(|_| command::elsewhere(&resource(replaced)));
    let (disposition, why) = match out_of_reach {
        Some(why) => (Disposition::Stays, Some(why)),
        None => match drift(context, reports, replaced).await? {
            None | Some(Drift::AsBefore) => (Disposition::Gone, None),
            Some(Drift::AsChanged) => (Disposition::Restore, Some(earlier_values(replaced))),
            Some(Drift::Modified(names)) => {
                let names: Vec<String> = names.iter().map(Setting::to_string).collect();
                let why = format!("someone changed {} since the update", names.join(", "));
                (Disposition::Changed, Some(why))
            }
        },
    };
    Ok(Removal {
        elsewhere,
        command: command::restore(context, replaced),
        resource: resource(replaced),
        step: info(replaced).slug,
        disposition,
        why,
        in_use: false,
    })
}

fn earlier_values(replaced: &Replaced) -> String {
    format!("its earlier values: {}", replaced.before_text())
}

/// How the resource differs from what it was before; `None` if it no longer exists.
async fn drift(context: &Context, reports: &[StepReport], replaced: &Replaced) -> Result<Option<Drift>, UserError> {
    if replaced.kind.is_local() {
        let Some((_, config)) = files::read(replaced.id.file())? else {
            return Ok(None);
        };
        let now = cli_profile::current_values(&config, replaced.before.keys());
        return Ok(Some(replaced.drift(&now)));
    }
    let Some(instance) = context.facts.instance.now() else {
        super::check::without_instance(reports)?;
        return Ok(None);
    };
    let Ok(arn) = replaced.id.single().parse() else {
        return Ok(None);
    };
    let Some(now) = permission_set::current_settings(context, &instance, &arn).await? else {
        return Ok(None);
    };
    let drift = replaced.drift(&now);
    // The set is restored, but its roles in the accounts are not updated yet.
    let is_pending = permission_set::is_provisioning_pending(context, &replaced.name);
    Ok(Some(if is_pending && drift == Drift::AsBefore {
        Drift::AsChanged
    } else {
        drift
    }))
}

/// Restores one resource and verifies it with a read.
///
/// # Errors
/// When it cannot be restored. A second call continues.
pub async fn restore(context: &Context, reports: &[StepReport], removal: &mut Removal) -> Result<(), UserError> {
    let resource = &removal.resource;
    let is_same = |replaced: &Replaced| replaced.kind == resource.kind && replaced.id == resource.id;
    let Some(replaced) = all(context, None).into_iter().find(is_same) else {
        return Ok(());
    };
    if replaced.kind.is_local() {
        let path = replaced.id.file();
        if let Some((text, _)) = files::read(path)? {
            let before = cli_profile::restore(&text, &replaced).map_err(|bad| files::unreadable(path, &bad))?;
            files::write(path, &text, &before)?;
        }
    } else {
        let instance = context.instance().await?;
        permission_set::restore(context, &instance, &replaced).await?;
    }
    let is_restored = || async {
        let again = check(context, reports, &replaced).await?;
        Ok::<_, UserError>((again.disposition == Disposition::Gone).then_some(()))
    };
    // A change to a file is visible immediately.
    let limit = if replaced.kind.is_local() {
        Duration::ZERO
    } else {
        PROPAGATION_LIMIT
    };
    if waiting::until(context.timing, limit, is_restored).await?.is_none() {
        return Err(UserError::failed(
            format!(
                "{}: the {} was restored but still has the changed values.",
                info(&replaced).name(),
                removal.name()
            ),
            SetupCommand::undo().after("wait a minute"),
        ));
    }
    removal.disposition = Disposition::Restored;
    forget(context, &removal.resource)
}

/// Removes a restored resource from progress.
///
/// # Errors
/// When it cannot be saved.
pub fn forget(context: &Context, resource: &Resource) -> Result<(), UserError> {
    context.progress.change(|record| {
        record.drop_replaced(resource.kind, &resource.id);
        record.resources.retain(|other| !other.id.is_attached_to(&resource.id));
    })?;
    Ok(())
}
