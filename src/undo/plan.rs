//! What would be taken back, from reads alone.

use jiff::Timestamp;

use super::{Disposition, Removal};
use super::{cleanup, identity_center, look, restore, self_lockout};
use crate::checklist::{StepReport, UserError};
use crate::progress::{Origin, Record, Resource, ResourceKind, Verb};
use crate::steps::Context;

/// The order of removal: what stands on something goes before it.
const ORDER: [(ResourceKind, &str); 12] = [
    (ResourceKind::Token, "sign-in"),
    (ResourceKind::Registration, "sign-in"),
    (ResourceKind::CliProfile, "cli-profile"),
    (ResourceKind::SsoSession, "cli-profile"),
    (ResourceKind::ConfigFile, "cli-profile"),
    (ResourceKind::AccountAssignment, "account-assignment"),
    (ResourceKind::PermissionSet, "permission-set"),
    (ResourceKind::GroupMembership, "create-group"),
    (ResourceKind::Group, "create-group"),
    (ResourceKind::User, "create-user"),
    (ResourceKind::Trail, "cloudtrail"),
    (ResourceKind::Bucket, "cloudtrail"),
];

/// What would be removed, from reads alone; `reports` is what the steps have just found.
///
/// # Errors
/// When the account cannot be looked at, or the caller stands on what would be removed.
pub async fn plan(
    context: &Context,
    reports: &[StepReport],
    step: Option<&str>,
    include_changed: bool,
) -> Result<Vec<Removal>, UserError> {
    let made = made(context, step);
    let replaced = restore::all(context, step);
    let changed = replaced
        .iter()
        .map(|replaced| (restore::resource(replaced), restore::info(replaced).slug));
    self_lockout::refuse(context, &made.iter().cloned().chain(changed).collect::<Vec<_>>())?;
    refuse_what_carries(context, &made, step)?;
    let mut removals = Vec::new();
    for (resource, step) in made {
        removals.push(look::at(context, reports, resource, step).await?);
    }
    look_again_at_what_is_gone(context, reports, &mut removals).await?;
    removals.extend(restore::plan(context, reports, step).await?);
    if include_changed {
        take_what_has_changed(&mut removals);
    }
    // What stays keeps what it stands on, and what goes takes along what is of no use without it.
    keep_what_carries(&mut removals);
    for (resource, step) in cleanup::of_sessions_that_go(context, &removals) {
        removals.insert(0, look::at(context, reports, resource, step).await?);
    }
    let was_used = removals.iter().any(|removal| !removal.resource.kind.is_local());
    removals.extend(staying(context, step, was_used));
    Ok(removals)
}

/// What was changed since goes too, but for what somebody stands on: they may leave.
fn take_what_has_changed(removals: &mut [Removal]) {
    for removal in removals {
        if removal.disposition == Disposition::Changed && !removal.in_use {
            removal.disposition = match removal.resource.origin {
                Origin::Created => Disposition::Delete,
                Origin::Existing | Origin::Confirmed => Disposition::Restore,
            };
        }
    }
}

/// A permission set stays as long as an assignment of it does, and a bucket as long as its trail does.
fn keep_what_carries(removals: &mut [Removal]) {
    let stays = removals
        .iter()
        .filter(|removal| matches!(removal.disposition, Disposition::Changed | Disposition::Stays));
    let stays: Vec<Removal> = stays.cloned().collect();
    for removal in removals
        .iter_mut()
        .filter(|removal| removal.disposition == Disposition::Delete)
    {
        if let Some(other) = stays.iter().find(|other| stands_on(other, removal)) {
            removal.disposition = Disposition::Changed;
            removal.why = Some(format!("the {} stays, and stands on it", other.name()));
        }
    }
}

fn stands_on(one: &Removal, other: &Removal) -> bool {
    match (one.resource.kind, other.resource.kind) {
        (ResourceKind::AccountAssignment, ResourceKind::PermissionSet) => {
            identity_center::parts(&one.resource.id).is_some_and(|(_, set, _)| set == other.resource.id)
        }
        (ResourceKind::Trail, ResourceKind::Bucket) => true,
        _ => false,
    }
}

/// What was agreed to, as it stands now: a thing that was not to be removed then is not removed now.
pub fn as_agreed(asked: &[Removal], now: Vec<Removal>) -> Vec<Removal> {
    let was_agreed = |removal: &Removal| {
        let same = |other: &&Removal| {
            other.resource.kind == removal.resource.kind
                && other.resource.id == removal.resource.id
                && other.resource.origin == removal.resource.origin
        };
        let before = asked.iter().find(same).map(|before| before.disposition);
        !removal.disposition.is_to_do() || before == Some(removal.disposition)
    };
    now.into_iter().filter(was_agreed).collect()
}

/// AWS may answer "not found" where a change has not arrived yet, and what is written off too early is never removed:
/// what was made a moment ago is waited for, and everything else is looked at twice.
async fn look_again_at_what_is_gone(
    context: &Context,
    reports: &[StepReport],
    removals: &mut [Removal],
) -> Result<(), UserError> {
    let mut pauses = 0;
    loop {
        let mut is_young = false;
        let mut gone = removals
            .iter_mut()
            .filter(|removal| removal.disposition == Disposition::Gone && !removal.resource.kind.is_local())
            .peekable();
        if gone.peek().is_some() {
            tokio::time::sleep(context.timing.pause(pauses)).await;
            pauses += 1;
        }
        for removal in gone {
            *removal = look::at(context, reports, removal.resource.clone(), removal.step).await?;
            is_young |= removal.disposition == Disposition::Gone && may_not_have_spread(context, &removal.resource);
        }
        if !is_young {
            return Ok(());
        }
    }
}

/// What was made a moment ago, and whose removal nobody has asked for, may only not show yet.
fn may_not_have_spread(context: &Context, resource: &Resource) -> bool {
    let is_asked_for = context.progress.read(|record| {
        let mut removals = record.intents(Verb::Delete, resource.kind, &resource.name);
        removals.next().is_some()
    });
    let age = resource.at.map(|at| Timestamp::now().duration_since(at));
    !is_asked_for && age.is_some_and(|age| age.unsigned_abs() < context.timing.propagation)
}

/// A step's things are not pulled from under an assignment that another step has made.
fn refuse_what_carries(
    context: &Context,
    made: &[(Resource, &'static str)],
    step: Option<&str>,
) -> Result<(), UserError> {
    if step.is_none() {
        return Ok(());
    }
    let assignments = self::made(context, Some("account-assignment"));
    for (resource, _) in made {
        let stands_on_it = |(assignment, _): &&(Resource, &'static str)| {
            let parts = identity_center::parts(&assignment.id);
            parts.is_some_and(|(_, set, principal)| resource.id == set || resource.id == principal)
        };
        if let Some(assigned) = assignments.iter().filter(|one| !made.contains(one)).find(stands_on_it) {
            return Err(UserError::failed(
                format!(
                    "The {} {} stands on the {} {}; nothing was removed.",
                    assigned.0.kind, assigned.0.name, resource.kind, resource.name
                ),
                "idc-setup undo --step account-assignment, and then this step",
            ));
        }
    }
    Ok(())
}

/// What was made, in the order of removal.
fn made(context: &Context, step: Option<&str>) -> Vec<(Resource, &'static str)> {
    let of = |record: &Record| {
        let mut made = Vec::new();
        for (kind, of_step) in ORDER {
            if step.is_some_and(|wanted| wanted != of_step) {
                continue;
            }
            let ours = record
                .resources
                .iter()
                .rev()
                .filter(|resource| resource.kind == kind && resource.origin == Origin::Created);
            made.extend(ours.map(|resource| (resource.clone(), of_step)));
        }
        made
    };
    context.progress.read(of)
}

/// What is never removed, though we made it: other things come to stand on it.
const STAYS: [ResourceKind; 2] = [ResourceKind::PermissionSetsSwitch, ResourceKind::Organization];

fn why_it_stays(context: &Context, resource: &Resource) -> (&'static str, String) {
    let region = context
        .facts
        .instance
        .now()
        .map_or_else(|| context.wanted_region(), |instance| instance.region);
    match resource.kind {
        ResourceKind::Organization => (
            "other accounts and services may stand on it by now; whoever is sure deletes it by hand",
            "aws organizations delete-organization (after its Identity Center is gone)".to_owned(),
        ),
        ResourceKind::PermissionSetsSwitch => (
            "AWS does not let permission sets be turned off again",
            format!(
                "console, Region {region} → IAM Identity Center → Settings → Management → Delete instance (it takes all with it)"
            ),
        ),
        _ => (
            "it was enabled in the console, and can be deleted there alone; every user and every assignment in it would go too",
            format!("console, Region {region} → IAM Identity Center → Settings → Management → Delete instance"),
        ),
    }
}

/// What we made and never remove, and how it could go. The instance, which no API makes, is named when something of ours was
/// in it.
fn staying(context: &Context, step: Option<&str>, was_used: bool) -> Vec<Removal> {
    if step.is_some_and(|wanted| wanted != "enable-identity-center") {
        return Vec::new();
    }
    let resources = context.progress.read(|record| record.resources.clone());
    let made = resources
        .into_iter()
        .filter(|resource| STAYS.contains(&resource.kind) && resource.origin == Origin::Created);
    // No API makes an instance, so it is nobody's that progress knows.
    let instance = context.facts.instance.now().filter(|_| was_used);
    let instance = instance.map(|it| Resource::new(Origin::Existing, ResourceKind::Instance, it.region, it.arn));
    let stays = made.chain(instance);
    let with_reason = stays.map(|resource| {
        let (why, command) = why_it_stays(context, &resource);
        Removal {
            resource,
            step: "enable-identity-center",
            disposition: Disposition::Stays,
            why: Some(why.to_owned()),
            command,
            in_use: false,
            is_elsewhere: false,
        }
    });
    with_reason.collect()
}
