//! What would be taken back, from reads alone.

use jiff::Timestamp;

use super::{Removal, Verdict};
use super::{identity_center, leftovers, look, own_branch, restore};
use crate::checklist::{StepReport, Trouble};
use crate::progress::{How, Record, Resource, ResourceKind, Verb};
use crate::steps::Setting;

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
    setting: &Setting,
    reports: &[StepReport],
    step: Option<&str>,
    include_changed: bool,
) -> Result<Vec<Removal>, Trouble> {
    let made = made(setting, step);
    let replaced = restore::all(setting, step);
    let changed = replaced
        .iter()
        .map(|replaced| (restore::resource(replaced), restore::info(replaced).slug));
    own_branch::refuse(setting, &made.iter().cloned().chain(changed).collect::<Vec<_>>())?;
    refuse_what_carries(setting, &made, step)?;
    let mut removals = Vec::new();
    for (resource, step) in made {
        removals.push(look::at(setting, reports, resource, step).await?);
    }
    look_again_at_what_is_gone(setting, reports, &mut removals).await?;
    removals.extend(restore::plan(setting, reports, step).await?);
    if include_changed {
        take_what_has_changed(&mut removals);
    }
    // What stays keeps what it stands on, and what goes takes along what is of no use without it.
    keep_what_carries(&mut removals);
    for (resource, step) in leftovers::of_sessions_that_go(setting, &removals) {
        removals.insert(0, look::at(setting, reports, resource, step).await?);
    }
    let was_used = removals.iter().any(|removal| !removal.resource.kind.is_local());
    removals.extend(staying(setting, step, was_used));
    Ok(removals)
}

/// What was changed since goes too, but for what somebody stands on: they may leave.
fn take_what_has_changed(removals: &mut [Removal]) {
    for removal in removals {
        if removal.verdict == Verdict::Changed && !removal.in_use {
            removal.verdict = match removal.resource.how {
                How::Made => Verdict::Remove,
                How::Found | How::Told => Verdict::Restore,
            };
        }
    }
}

/// A permission set stays as long as an assignment of it does, and a bucket as long as its trail does.
fn keep_what_carries(removals: &mut [Removal]) {
    let stays = removals
        .iter()
        .filter(|removal| matches!(removal.verdict, Verdict::Changed | Verdict::Stays));
    let stays: Vec<Removal> = stays.cloned().collect();
    for removal in removals.iter_mut().filter(|removal| removal.verdict == Verdict::Remove) {
        if let Some(other) = stays.iter().find(|other| stands_on(other, removal)) {
            removal.verdict = Verdict::Changed;
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
                && other.resource.how == removal.resource.how
        };
        let before = asked.iter().find(same).map(|before| before.verdict);
        !removal.verdict.is_to_do() || before == Some(removal.verdict)
    };
    now.into_iter().filter(was_agreed).collect()
}

/// AWS may answer "not found" where a change has not arrived yet, and what is written off too early is never removed:
/// what was made a moment ago is waited for, and everything else is looked at twice.
async fn look_again_at_what_is_gone(
    setting: &Setting,
    reports: &[StepReport],
    removals: &mut [Removal],
) -> Result<(), Trouble> {
    let mut pauses = 0;
    loop {
        let mut is_young = false;
        let mut gone = removals
            .iter_mut()
            .filter(|removal| removal.verdict == Verdict::Gone && !removal.resource.kind.is_local())
            .peekable();
        if gone.peek().is_some() {
            tokio::time::sleep(setting.timing.pause(pauses)).await;
            pauses += 1;
        }
        for removal in gone {
            *removal = look::at(setting, reports, removal.resource.clone(), removal.step).await?;
            is_young |= removal.verdict == Verdict::Gone && may_not_have_spread(setting, &removal.resource);
        }
        if !is_young {
            return Ok(());
        }
    }
}

/// What was made a moment ago, and whose removal nobody has asked for, may only not show yet.
fn may_not_have_spread(setting: &Setting, resource: &Resource) -> bool {
    let is_asked_for = setting.progress.read(|record| {
        let mut removals = record.intents(Verb::Remove, resource.kind, &resource.name);
        removals.next().is_some()
    });
    let age = resource.at.map(|at| Timestamp::now().duration_since(at));
    !is_asked_for && age.is_some_and(|age| age.unsigned_abs() < setting.timing.propagation)
}

/// A step's things are not pulled from under an assignment that another step has made.
fn refuse_what_carries(
    setting: &Setting,
    made: &[(Resource, &'static str)],
    step: Option<&str>,
) -> Result<(), Trouble> {
    if step.is_none() {
        return Ok(());
    }
    let assignments = self::made(setting, Some("account-assignment"));
    for (resource, _) in made {
        let stands_on_it = |(assignment, _): &&(Resource, &'static str)| {
            let parts = identity_center::parts(&assignment.id);
            parts.is_some_and(|(_, set, principal)| resource.id == set || resource.id == principal)
        };
        if let Some(assigned) = assignments.iter().filter(|one| !made.contains(one)).find(stands_on_it) {
            return Err(Trouble::failed(
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
fn made(setting: &Setting, step: Option<&str>) -> Vec<(Resource, &'static str)> {
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
                .filter(|resource| resource.kind == kind && resource.how == How::Made);
            made.extend(ours.map(|resource| (resource.clone(), of_step)));
        }
        made
    };
    setting.progress.read(of)
}

/// What is never removed, though we made it: other things come to stand on it.
const STAYS: [ResourceKind; 2] = [ResourceKind::PermissionSetsSwitch, ResourceKind::Organization];

fn why_it_stays(setting: &Setting, resource: &Resource) -> (&'static str, String) {
    let region = setting
        .facts
        .instance
        .now()
        .map_or_else(|| setting.wanted_region(), |instance| instance.region);
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
fn staying(setting: &Setting, step: Option<&str>, was_used: bool) -> Vec<Removal> {
    if step.is_some_and(|wanted| wanted != "enable-identity-center") {
        return Vec::new();
    }
    let resources = setting.progress.read(|record| record.resources.clone());
    let made = resources
        .into_iter()
        .filter(|resource| STAYS.contains(&resource.kind) && resource.how == How::Made);
    // No API makes an instance, so it is nobody's that progress knows.
    let instance = setting.facts.instance.now().filter(|_| was_used);
    let instance = instance.map(|it| Resource::new(How::Found, ResourceKind::Instance, it.region, it.arn));
    let stays = made.chain(instance);
    let with_reason = stays.map(|resource| {
        let (why, command) = why_it_stays(setting, &resource);
        Removal {
            resource,
            step: "enable-identity-center",
            verdict: Verdict::Stays,
            why: Some(why.to_owned()),
            command,
            in_use: false,
            is_elsewhere: false,
        }
    });
    with_reason.collect()
}
