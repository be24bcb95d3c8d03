//! A permission set that was there and that `--update` has changed: what it said before is remembered, and put back by undo.

use std::collections::BTreeMap;

use super::super::context::{Context, rerun};
use super::super::create::repeat;
use super::super::facts::Instance;
use super::{INFO, calls, reads};
use crate::answers::values::SessionDuration;
use crate::checklist::{Change, UserError};
use crate::progress::{Origin, Replaced, ResourceKind, Says, Verb};

/// How long one sign-in lasts, as ISO 8601 has it.
const DURATION: &str = "session_duration";
/// Before a policy's ARN.
const POLICY: &str = "policy ";
/// What a set says about a policy that it has.
const ATTACHED: &str = "attached";

/// Before a change of a set that is not ours: what it says now.
pub(super) async fn remember(
    context: &Context,
    instance: &Instance,
    (arn, set): (&str, &str),
    change: &Change,
    duration: Option<String>,
) -> Result<(), UserError> {
    if context.origin(ResourceKind::PermissionSet, arn) == Origin::Created {
        return Ok(());
    }
    let (name, before, after) = match (change.verb, change.kind) {
        (Verb::Update, ResourceKind::PermissionSet) => {
            let set = reads::describe(context, instance, arn).await.map_err(rerun(&INFO))?;
            let now = set.and_then(|set| set.duration).map(SessionDuration::iso);
            // What AWS does not tell cannot be put back.
            if now.is_none() {
                return Ok(());
            }
            (DURATION.to_owned(), now, duration)
        }
        (verb, ResourceKind::PolicyAttachment) => {
            let policy = change.name.split_once('/').map_or("", |(_, policy)| policy);
            let attached = Some(ATTACHED.to_owned());
            let (before, after) = match verb {
                Verb::Delete => (attached, None),
                _ => (None, attached),
            };
            (format!("{POLICY}{policy}"), before, after)
        }
        _ => return Ok(()),
    };
    let replaced = Replaced {
        kind: ResourceKind::PermissionSet,
        name: set.to_owned(),
        id: arn.to_owned(),
        before: BTreeMap::from([(name.clone(), before)]),
        after: BTreeMap::from([(name, after)]),
        rewrites: Vec::new(),
    };
    context.progress.change(|record| record.replace(replaced))?;
    Ok(())
}

/// Somebody else has attached a policy in the moment before ours: that is theirs, and stays.
pub(super) fn forget(context: &Context, arn: &str, policy: &str) -> Result<(), UserError> {
    let name = format!("{POLICY}{policy}");
    context.progress.change(|record| {
        let of_set = record.replaced.iter_mut();
        for known in of_set.filter(|known| known.kind == ResourceKind::PermissionSet && known.id == arn) {
            known.before.remove(&name);
            known.after.remove(&name);
        }
        record.replaced.retain(|known| !known.before.is_empty());
    })?;
    Ok(())
}

/// What a set says now; `None` when it is gone.
///
/// # Errors
/// When it cannot be looked at.
pub async fn says(context: &Context, instance: &Instance, arn: &str) -> Result<Option<Says>, UserError> {
    let Some(set) = reads::describe(context, instance, arn).await.map_err(rerun(&INFO))? else {
        return Ok(None);
    };
    let policies = reads::policies(context, instance, arn).await.map_err(rerun(&INFO))?;
    let mut says: Says = policies
        .into_iter()
        .map(|policy| (format!("{POLICY}{policy}"), Some(ATTACHED.to_owned())))
        .collect();
    says.insert(DURATION.to_owned(), set.duration.map(SessionDuration::iso));
    Ok(Some(says))
}

/// The set's roles were not brought up to date since it was changed.
pub fn is_provisioning_owed(context: &Context, name: &str) -> bool {
    context.progress.read(|record| {
        let mut owed = record.intents(Verb::Update, ResourceKind::Provisioning, name);
        owed.next().is_some()
    })
}

/// The same as `aws` commands; `set`: the options that name the instance and the set.
pub fn commands_to_put_back(replaced: &Replaced, set: &str) -> Vec<String> {
    let command = |(name, before): (&String, &Option<String>)| match (name.strip_prefix(POLICY), before) {
        (Some(policy), Some(_)) => {
            format!("aws sso-admin attach-managed-policy-to-permission-set {set} --managed-policy-arn {policy}")
        }
        (Some(policy), None) => {
            format!("aws sso-admin detach-managed-policy-from-permission-set {set} --managed-policy-arn {policy}")
        }
        (None, duration) => {
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

/// What is taken away goes last: for a moment a set may say more than it should, never nothing.
fn in_order(replaced: &Replaced) -> Vec<(&String, &Option<String>)> {
    let mut changes: Vec<_> = replaced.before.iter().collect();
    changes.sort_by_key(|(_, before)| before.is_none());
    changes
}

/// Lets a set say again what it said before, and brings its roles up to date.
///
/// # Errors
/// When AWS does not do it. It can be done again.
pub async fn restore(context: &Context, instance: &Instance, replaced: &Replaced) -> Result<(), UserError> {
    let arn = &replaced.id;
    let Some(now) = says(context, instance, arn).await? else {
        return Ok(());
    };
    let provisioned = reads::is_provisioned(context, instance, arn).await;
    if provisioned.map_err(rerun(&INFO))? && !is_provisioning_owed(context, &replaced.name) {
        let owed = (Verb::Update, ResourceKind::Provisioning, replaced.name.as_str());
        context.intend(&INFO, owed, None)?;
    }
    for (name, before) in in_order(replaced) {
        if now.get(name).cloned().flatten() == *before {
            continue;
        }
        let policy = name.strip_prefix(POLICY).unwrap_or_default();
        let answer = match (name.as_str(), before) {
            (DURATION, None) => Ok(()),
            (DURATION, Some(_)) => {
                let set = || calls::set_duration(context, instance, arn, before.clone());
                repeat(context.timing, set).await
            }
            (_, Some(_)) => repeat(context.timing, || calls::attach(context, instance, arn, policy)).await,
            (_, None) => repeat(context.timing, || calls::detach(context, instance, arn, policy)).await,
        };
        answer.map_err(rerun(&INFO))?;
    }
    if is_provisioning_owed(context, &replaced.name) {
        calls::provision(context, instance, arn).await?;
        context.settle(Verb::Update, ResourceKind::Provisioning, &replaced.name, None)?;
    }
    Ok(())
}
