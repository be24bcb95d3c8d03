//! What was found and changed by `--update` is put back as it was.

use std::path::PathBuf;
use std::time::Duration;

use super::command;
use super::{Removal, Verdict, files};
use crate::aws::waiting;
use crate::checklist::{StepInfo, StepReport, Trouble};
use crate::limits::SPREAD_LIMIT;
use crate::progress::{How, Replaced, Resource, ResourceKind, Standing};
use crate::steps::{INFOS, Setting, cli_profile, permission_set};

/// What was changed, with how it stands now; the last change first.
///
/// # Errors
/// When it cannot be looked at.
pub async fn plan(setting: &Setting, reports: &[StepReport], step: Option<&str>) -> Result<Vec<Removal>, Trouble> {
    let mut removals = Vec::new();
    for replaced in all(setting, step) {
        removals.push(look(setting, reports, &replaced).await?);
    }
    Ok(removals)
}

/// The things themselves, by the steps that have changed them.
pub fn all(setting: &Setting, step: Option<&str>) -> Vec<Replaced> {
    let replaced = setting.progress.read(|record| record.replaced.clone());
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
    Resource::new(How::Found, replaced.kind, &replaced.name, &replaced.id)
}

async fn look(setting: &Setting, reports: &[StepReport], replaced: &Replaced) -> Result<Removal, Trouble> {
    let out_of_reach = files::out_of_reach(setting, &resource(replaced));
    let elsewhere = out_of_reach
        .as_ref()
        .and_then(|_| command::elsewhere(&resource(replaced)));
    let (verdict, why) = match out_of_reach {
        Some(why) => (Verdict::Stays, Some(why)),
        None => match standing(setting, reports, replaced).await? {
            None | Some(Standing::AsBefore) => (Verdict::Gone, None),
            Some(Standing::AsChanged) => (Verdict::Restore, Some(again(replaced))),
            Some(Standing::Otherwise(names)) => {
                let why = format!("it says otherwise by now: {}", names.join(", "));
                (Verdict::Changed, Some(why))
            }
        },
    };
    Ok(Removal {
        is_elsewhere: elsewhere.is_some(),
        command: elsewhere.unwrap_or_else(|| command::put_back(setting, replaced)),
        resource: resource(replaced),
        step: info(replaced).slug,
        verdict,
        why,
        in_use: false,
    })
}

fn again(replaced: &Replaced) -> String {
    format!("it says again what was there before: {}", replaced.before_in_words())
}

/// `None` when it is not there any more.
async fn standing(setting: &Setting, reports: &[StepReport], replaced: &Replaced) -> Result<Option<Standing>, Trouble> {
    if replaced.kind.is_local() {
        let Some((_, config)) = files::read(&file_of(replaced))? else {
            return Ok(None);
        };
        let says = cli_profile::says(&config, replaced.before.keys());
        return Ok(Some(replaced.standing(&says)));
    }
    let Some(instance) = setting.facts.instance.now() else {
        super::look::without_instance(reports)?;
        return Ok(None);
    };
    let Some(says) = permission_set::says(setting, &instance, &replaced.id).await? else {
        return Ok(None);
    };
    let standing = replaced.standing(&says);
    // Its roles do not say yet what the set says again.
    let is_owed = permission_set::is_provisioning_owed(setting, &replaced.name);
    Ok(Some(if is_owed && standing == Standing::AsBefore {
        Standing::AsChanged
    } else {
        standing
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
pub async fn restore(setting: &Setting, reports: &[StepReport], removal: &mut Removal) -> Result<(), Trouble> {
    let resource = &removal.resource;
    let is_it = |replaced: &Replaced| replaced.kind == resource.kind && replaced.id == resource.id;
    let Some(replaced) = all(setting, None).into_iter().find(is_it) else {
        return Ok(());
    };
    if replaced.kind.is_local() {
        let path = file_of(&replaced);
        if let Some((text, _)) = files::read(&path)? {
            let before = cli_profile::put_back(&text, &replaced).map_err(|bad| files::unreadable(&path, &bad))?;
            files::write(&path, &text, &before)?;
        }
    } else {
        let instance = setting.instance().await?;
        permission_set::put_back(setting, &instance, &replaced).await?;
    }
    let is_back = || async {
        let again = look(setting, reports, &replaced).await?;
        Ok::<_, Trouble>((again.verdict == Verdict::Gone).then_some(()))
    };
    // A file says at once what was written into it.
    let limit = if replaced.kind.is_local() {
        Duration::ZERO
    } else {
        SPREAD_LIMIT
    };
    if waiting::until(setting.timing, limit, is_back).await?.is_none() {
        return Err(Trouble::failed(
            format!(
                "{}: the {} was put back, and still says what it was changed to.",
                info(&replaced).name(),
                removal.name()
            ),
            "wait a minute, then: idc-setup undo",
        ));
    }
    removal.verdict = Verdict::Restored;
    write_off(setting, &removal.resource)
}

/// It is as it was: nothing of ours is in it any more.
///
/// # Errors
/// When it cannot be saved.
pub fn write_off(setting: &Setting, resource: &Resource) -> Result<(), Trouble> {
    setting.progress.change(|record| {
        record.drop_replaced(resource.kind, &resource.id);
        let prefix = format!("{}/", resource.id);
        record
            .resources
            .retain(|other| other.kind != ResourceKind::PolicyAttachment || !other.id.starts_with(&prefix));
    })?;
    Ok(())
}
