//! Records what `--update` changes in a permission set that already existed, and restores it for undo.

use std::collections::BTreeMap;

use super::super::context::{Context, rerun};
use super::super::create::repeat;
use super::super::facts::Instance;
use super::{INFO, calls, reads};
use crate::answers::values::SessionDuration;
use crate::checklist::{Change, UserError};
use crate::ids::PermissionSetArn;
use crate::progress::{Origin, Replaced, ResourceKind, ResourceName, Setting, Settings, Verb};

/// The value of a policy that is attached.
const ATTACHED: &str = "attached";

/// Records the current settings of a permission set that this program did not create, before it changes them.
pub(super) async fn remember(
    context: &Context,
    instance: &Instance,
    (arn, set): (&PermissionSetArn, &str),
    change: &Change,
    duration: Option<String>,
) -> Result<(), UserError> {
    if context.origin(ResourceKind::PermissionSet, arn) == Origin::Created {
        return Ok(());
    }
    let (name, before, after) = match (change.verb, change.kind) {
        (Verb::Update, ResourceKind::PermissionSet) => {
            let set = reads::describe(context, instance, arn).await.map_err(rerun(&INFO))?;
            let current = set.and_then(|set| set.duration).map(SessionDuration::iso);
            // A duration that AWS does not return can't be restored.
            if current.is_none() {
                return Ok(());
            }
            (Setting::SessionDuration, current, duration)
        }
        (verb, ResourceKind::PolicyAttachment) => {
            let policy = change.name.policy().unwrap_or_default();
            let attached = Some(ATTACHED.to_owned());
            let (before, after) = match verb {
                Verb::Delete => (attached, None),
                _ => (None, attached),
            };
            (Setting::Policy(policy.to_owned()), before, after)
        }
        _ => return Ok(()),
    };
    let replaced = Replaced {
        kind: ResourceKind::PermissionSet,
        name: set.into(),
        id: arn.into(),
        before: BTreeMap::from([(name.clone(), before)]),
        after: BTreeMap::from([(name, after)]),
        rewrites: Vec::new(),
    };
    context.progress.change(|record| record.replace(replaced))?;
    Ok(())
}

/// Drops the record of a policy that someone else attached just before this run did: undo leaves it attached.
pub(super) fn forget(context: &Context, arn: &PermissionSetArn, policy: &str) -> Result<(), UserError> {
    let setting = Setting::Policy(policy.to_owned());
    context.progress.change(|record| {
        let all = record.replaced.iter_mut();
        for known in all.filter(|known| known.kind == ResourceKind::PermissionSet && known.id.single() == arn.as_ref())
        {
            known.before.remove(&setting);
            known.after.remove(&setting);
        }
        record.replaced.retain(|known| !known.before.is_empty());
    })?;
    Ok(())
}

/// The current settings of a permission set; `None` if it does not exist.
///
/// # Errors
/// If the call to AWS fails.
pub async fn current_settings(
    context: &Context,
    instance: &Instance,
    arn: &PermissionSetArn,
) -> Result<Option<Settings>, UserError> {
    let Some(set) = reads::describe(context, instance, arn).await.map_err(rerun(&INFO))? else {
        return Ok(None);
    };
    let policies = reads::policies(context, instance, arn).await.map_err(rerun(&INFO))?;
    let mut current_settings: Settings = policies
        .into_iter()
        .map(|policy| (Setting::Policy(policy), Some(ATTACHED.to_owned())))
        .collect();
    current_settings.insert(Setting::SessionDuration, set.duration.map(SessionDuration::iso));
    Ok(Some(current_settings))
}

/// Whether the permission set has changed since it was last provisioned.
pub fn is_provisioning_pending(context: &Context, permission_set: impl Into<ResourceName>) -> bool {
    let name = permission_set.into();
    context.progress.read(|record| {
        let mut pending = record.intents(Verb::Update, ResourceKind::Provisioning, &name);
        pending.next().is_some()
    })
}

/// The AWS CLI commands that restore the settings. `set` holds the options that name the instance and the permission set.
pub fn restore_commands(replaced: &Replaced, set: &str) -> Vec<String> {
    let command = |(setting, before): (&Setting, &Option<String>)| match (setting, before) {
        (Setting::Policy(policy), Some(_)) => {
            format!("aws sso-admin attach-managed-policy-to-permission-set {set} --managed-policy-arn {policy}")
        }
        (Setting::Policy(policy), None) => {
            format!("aws sso-admin detach-managed-policy-from-permission-set {set} --managed-policy-arn {policy}")
        }
        (_, duration) => {
            let duration = duration.as_deref().unwrap_or_default();
            format!("aws sso-admin update-permission-set {set} --session-duration {duration}")
        }
    };
    let mut commands: Vec<String> = in_order(replaced).into_iter().map(command).collect();
    commands.push(format!(
        "aws sso-admin provision-permission-set {set} --target-type ALL_PROVISIONED_ACCOUNTS"
    ));
    commands
}

/// The settings in the order in which they are restored. Detaching comes last, so that the permission set is never without
/// a policy in between.
fn in_order(replaced: &Replaced) -> Vec<(&Setting, &Option<String>)> {
    let mut changes: Vec<_> = replaced.before.iter().collect();
    changes.sort_by_key(|(_, before)| before.is_none());
    changes
}

/// Restores the earlier settings of a permission set, and provisions it.
///
/// # Errors
/// If a call to AWS fails. The restore can be repeated.
pub async fn restore(context: &Context, instance: &Instance, replaced: &Replaced) -> Result<(), UserError> {
    let Ok(arn) = &replaced.id.single().parse() else {
        return Ok(());
    };
    let Some(current) = current_settings(context, instance, arn).await? else {
        return Ok(());
    };
    let provisioned = reads::is_provisioned(context, instance, arn).await;
    if provisioned.map_err(rerun(&INFO))? && !is_provisioning_pending(context, &replaced.name) {
        let provisioning = (Verb::Update, ResourceKind::Provisioning, &replaced.name);
        context.intend(&INFO, provisioning, None)?;
    }
    for (name, before) in in_order(replaced) {
        if current.get(name).cloned().flatten() == *before {
            continue;
        }
        let answer = match (name, before) {
            (Setting::SessionDuration, Some(_)) => {
                let set = || calls::set_duration(context, instance, arn, before.clone());
                repeat(context.timing, set).await
            }
            (Setting::Policy(policy), Some(_)) => {
                repeat(context.timing, || calls::attach(context, instance, arn, policy)).await
            }
            (Setting::Policy(policy), None) => {
                repeat(context.timing, || calls::detach(context, instance, arn, policy)).await
            }
            _ => Ok(()),
        };
        answer.map_err(rerun(&INFO))?;
    }
    if is_provisioning_pending(context, &replaced.name) {
        calls::provision(context, instance, arn).await?;
        context.settle(Verb::Update, ResourceKind::Provisioning, &replaced.name, None)?;
    }
    Ok(())
}
