//! The undo plan, based only on reads.

use jiff::Timestamp;

use super::{Disposition, Removal};
use super::{check, cleanup, restore, self_lockout};
use crate::checklist::{StepReport, UserError};
use crate::next_step::{NextStep, SetupCommand};
use crate::progress::{Origin, Record, Resource, ResourceId, ResourceKind, Verb};
use crate::steps::Context;

/// The order of deletion: a resource is deleted before the resources that it depends on.
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

/// What undo would do with each resource, based only on reads. `reports` contains what the steps have just observed.
///
/// # Errors
/// When the account cannot be checked, or undo would delete what the caller's own access depends on.
pub async fn plan(
    context: &Context,
    reports: &[StepReport],
    step: Option<&str>,
    include_changed: bool,
) -> Result<Vec<Removal>, UserError> {
    let created = created(context, step);
    let replaced = restore::all(context, step);
    let changed = replaced
        .iter()
        .map(|replaced| (restore::resource(replaced), restore::info(replaced).slug));
    self_lockout::refuse(context, &created.iter().cloned().chain(changed).collect::<Vec<_>>())?;
    refuse_if_still_needed(context, &created, step)?;
    let mut removals = Vec::new();
    for (resource, step) in created {
        removals.push(check::resource(context, reports, resource, step).await?);
    }
    recheck_what_is_gone(context, reports, &mut removals).await?;
    removals.extend(restore::plan(context, reports, step).await?);
    if include_changed {
        include_what_has_changed(&mut removals);
    }
    // A resource that stays keeps what it depends on. A session that is deleted takes its cached files with it.
    keep_dependencies(&mut removals);
    for (resource, step) in cleanup::cached_files_of_deleted_sessions(context, &removals) {
        removals.insert(0, check::resource(context, reports, resource, step).await?);
    }
    let is_used = removals.iter().any(|removal| !removal.resource.kind.is_local());
    removals.extend(staying(context, step, is_used));
    Ok(removals)
}

/// Also undoes what was changed since, except for what someone else uses and AWS refuses to delete.
fn include_what_has_changed(removals: &mut [Removal]) {
    for removal in removals {
        if removal.disposition == Disposition::Changed && !removal.in_use {
            removal.disposition = match removal.resource.origin {
                Origin::Created => Disposition::Delete,
                Origin::Existing | Origin::Confirmed => Disposition::Restore,
            };
        }
    }
}

/// A permission set stays as long as an assignment of it stays, and a bucket as long as its trail stays.
fn keep_dependencies(removals: &mut [Removal]) {
    let stays = removals
        .iter()
        .filter(|removal| matches!(removal.disposition, Disposition::Changed | Disposition::Stays));
    let stays: Vec<Removal> = stays.cloned().collect();
    for removal in removals
        .iter_mut()
        .filter(|removal| removal.disposition == Disposition::Delete)
    {
        if let Some(other) = stays.iter().find(|other| depends_on(other, removal)) {
            removal.disposition = Disposition::Changed;
            removal.why = Some(format!("the {} stays and depends on it", other.name()));
        }
    }
}

fn depends_on(one: &Removal, other: &Removal) -> bool {
    match (one.resource.kind, other.resource.kind) {
        (ResourceKind::AccountAssignment, ResourceKind::PermissionSet) => {
            matches!(&one.resource.id, ResourceId::Assignment(key) if *key.permission_set == *other.resource.id.single())
        }
        (ResourceKind::Trail, ResourceKind::Bucket) => true,
        _ => false,
    }
}

/// The current plan without the changes that the user did not agree to.
pub fn as_agreed(shown: &[Removal], now: Vec<Removal>) -> Vec<Removal> {
    let was_agreed = |removal: &Removal| {
        let same = |other: &&Removal| {
            other.resource.kind == removal.resource.kind
                && other.resource.id == removal.resource.id
                && other.resource.origin == removal.resource.origin
        };
        let before = shown.iter().find(same).map(|before| before.disposition);
        !removal.disposition.is_to_do() || before == Some(removal.disposition)
    };
    now.into_iter().filter(was_agreed).collect()
}

/// AWS may answer "not found" until a change has propagated, and undo would never delete a resource that it forgot too
/// early. So this waits for recently created resources, and checks everything else twice.
async fn recheck_what_is_gone(
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
            *removal = check::resource(context, reports, removal.resource.clone(), removal.step).await?;
            is_young |= removal.disposition == Disposition::Gone && may_still_propagate(context, &removal.resource);
        }
        if !is_young {
            return Ok(());
        }
    }
}

/// Whether a resource that was created recently, and that no undo tried to delete, may not be visible yet.
fn may_still_propagate(context: &Context, resource: &Resource) -> bool {
    let is_requested = context.progress.read(|record| {
        let mut removals = record.intents(Verb::Delete, resource.kind, &resource.name);
        removals.next().is_some()
    });
    let age = resource.at.map(|at| Timestamp::now().duration_since(at));
    !is_requested && age.is_some_and(|age| age.unsigned_abs() < context.timing.propagation)
}

/// Refuses to undo one step if an account assignment, which another step created, depends on its resources.
fn refuse_if_still_needed(
    context: &Context,
    created: &[(Resource, &'static str)],
    step: Option<&str>,
) -> Result<(), UserError> {
    let Some(step) = step else { return Ok(()) };
    let assignments = self::created(context, Some("account-assignment"));
    for (resource, _) in created {
        let depends_on_it = |(assignment, _): &&(Resource, &'static str)| {
            let id = resource.id.single();
            matches!(&assignment.id, ResourceId::Assignment(key) if *key.permission_set == *id || key.principal.id() == id)
        };
        let mut others = assignments.iter().filter(|one| !created.contains(one));
        if let Some((assignment, _)) = others.find(depends_on_it) {
            return Err(UserError::failed(
                format!(
                    "The {} {} depends on the {} {}; nothing was deleted.",
                    assignment.kind, assignment.name, resource.kind, resource.name
                ),
                NextStep::from(SetupCommand::undo().value("--step", "account-assignment"))
                    .then(SetupCommand::undo().value("--step", step)),
            ));
        }
    }
    Ok(())
}

/// The created resources in the order of deletion.
fn created(context: &Context, step: Option<&str>) -> Vec<(Resource, &'static str)> {
    let of = |record: &Record| {
        let mut created = Vec::new();
        for (kind, of_step) in ORDER {
            if step.is_some_and(|wanted| wanted != of_step) {
                continue;
            }
            let ours = record
                .resources
                .iter()
                .rev()
                .filter(|resource| resource.kind == kind && resource.origin == Origin::Created);
            created.extend(ours.map(|resource| (resource.clone(), of_step)));
        }
        created
    };
    context.progress.read(of)
}

/// Resources that undo never deletes, although the wizard created them: other resources may depend on them.
const STAYS: [ResourceKind; 2] = [ResourceKind::PermissionSetsSwitch, ResourceKind::Organization];

fn why_it_stays(context: &Context, resource: &Resource) -> (&'static str, String) {
    let region = context
        .facts
        .instance
        .now()
        .map_or_else(|| context.wanted_region(), |instance| instance.region);
    match resource.kind {
        ResourceKind::Organization => (
            "other accounts and services may depend on it by now; if none does, delete it yourself",
            "aws organizations delete-organization (after its IAM Identity Center instance is deleted)".to_owned(),
        ),
        ResourceKind::PermissionSetsSwitch => (
            "AWS has no way to turn permission sets off again",
            format!(
                "console, Region {region} → IAM Identity Center → Settings → Management → Delete instance (this deletes everything in it)"
            ),
        ),
        _ => (
            "it was enabled in the console and can be deleted only there, with every user and every assignment in it",
            format!("console, Region {region} → IAM Identity Center → Settings → Management → Delete instance"),
        ),
    }
}

/// Resources that undo never deletes, and how the user can delete them. The instance is listed if it contained
/// a resource created by idc-setup.
fn staying(context: &Context, step: Option<&str>, is_used: bool) -> Vec<Removal> {
    if step.is_some_and(|wanted| wanted != "enable-identity-center") {
        return Vec::new();
    }
    let resources = context.progress.read(|record| record.resources.clone());
    let created = resources
        .into_iter()
        .filter(|resource| STAYS.contains(&resource.kind) && resource.origin == Origin::Created);
    // The wizard cannot create an instance through an API, so progress has no record of it.
    let instance = context.facts.instance.now().filter(|_| is_used);
    let instance = instance.map(|it| Resource::new(Origin::Existing, ResourceKind::Instance, &*it.region, it.arn));
    let stays = created.chain(instance);
    let with_reason = stays.map(|resource| {
        let (why, command) = why_it_stays(context, &resource);
        Removal {
            resource,
            step: "enable-identity-center",
            disposition: Disposition::Stays,
            why: Some(why.to_owned()),
            command,
            in_use: false,
            elsewhere: None,
        }
    });
    with_reason.collect()
}
