//! The way back: what progress says was *made* is removed again, in reverse order; what was found never is.
//!
//! A plan is made from reads alone: each thing is to be removed, gone already, changed since (and left, unless that is
//! wanted), or stays. Removing is another function; each removal is looked at afterwards. Both can be killed and run again:
//! a thing is written off only when a look does not find it any more.

mod cloudtrail;
mod command;
mod files;
mod identity_center;
mod leftovers;
mod look;
mod own_branch;
mod permission_set;
mod remove;
mod restore;
mod unfinished;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::checklist::{Right, StepReport, Trouble};
use crate::progress::{How, Record, Resource, ResourceKind, Verb};
use crate::steps::Setting;
use crate::words::one_line;

/// What removing needs to be allowed to do, and looking whether somebody else has come to use a thing.
pub const RIGHTS: [Right; 19] = [
    Right::look("identitystore:ListGroupMemberships"),
    Right::look("identitystore:ListGroupMembershipsForMember"),
    Right::look("sso:ListAccountAssignmentsForPrincipal"),
    Right::look("sso:ListManagedPoliciesInPermissionSet"),
    Right::look("sso:GetInlinePolicyForPermissionSet"),
    Right::look("sso:ListCustomerManagedPolicyReferencesInPermissionSet"),
    Right::look("sso:GetPermissionsBoundaryForPermissionSet"),
    Right::change("sso:DeleteAccountAssignment"),
    Right::change("sso:DescribeAccountAssignmentDeletionStatus"),
    Right::change("sso:DeletePermissionSet"),
    Right::change("identitystore:DeleteGroupMembership"),
    Right::change("identitystore:DeleteGroup"),
    Right::change("identitystore:DeleteUser"),
    Right::change_on(ROLES, "iam:DeleteRole"),
    Right::change_on(ROLES, "iam:DeleteRolePolicy"),
    Right::change_on(ROLES, "iam:DetachRolePolicy"),
    Right::change_on("arn:*:cloudtrail:*:*:trail/idc-setup-*", "cloudtrail:DeleteTrail"),
    Right::change_on("arn:*:s3:::idc-setup-trail-*", "s3:GetBucketPolicy"),
    Right::change_on("arn:*:s3:::idc-setup-trail-*", "s3:DeleteBucket"),
];

const ROLES: &str = "arn:*:iam::*:role/aws-reserved/sso.amazonaws.com/*";

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

/// One thing that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Removal {
    /// What, which, and its id.
    #[serde(flatten)]
    pub resource: Resource,
    /// The slug of the step that made it.
    pub step: &'static str,
    /// What becomes of it.
    pub verdict: Verdict,
    /// Why it is left, where it is; what is put back, where something is.
    pub why: Option<String>,
    /// The `aws` command that would remove it, or what is done to which file.
    pub command: String,
    /// Somebody else stands on it, so that AWS would not let it go.
    #[serde(skip)]
    pub in_use: bool,
}

/// What becomes of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It is removed.
    Remove,
    /// It is not there any more.
    Gone,
    /// It is not as it was made: left, unless that is wanted.
    Changed,
    /// It stays in any case.
    Stays,
    /// It was removed.
    Removed,
    /// It was found, and says again what it said before `--update`.
    Restore,
    /// It says again what it said before.
    Restored,
}

impl Verdict {
    /// The word on screens.
    pub fn word(self) -> &'static str {
        match self {
            Self::Remove => "remove",
            Self::Gone => "gone",
            Self::Changed => "changed",
            Self::Stays => "stays",
            Self::Removed => "removed",
            Self::Restore => "restore",
            Self::Restored => "restored",
        }
    }

    /// Something is still to be done.
    pub fn is_to_do(self) -> bool {
        matches!(self, Self::Remove | Self::Restore)
    }
}

impl Removal {
    /// `user Admin`.
    pub fn name(&self) -> String {
        format!("{} {}", self.resource.kind, one_line(&self.resource.name))
    }
}

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
    keep_what_carries(&mut removals);
    for (resource, step) in leftovers::of_sessions_that_go(setting, &removals) {
        removals.insert(0, look::at(setting, reports, resource, step).await?);
    }
    removals.extend(restore::plan(setting, reports, step).await?);
    for removal in &mut removals {
        if removal.verdict == Verdict::Changed && include_changed {
            removal.verdict = match (removal.in_use, removal.resource.how) {
                // Not for good: whoever stands on it may leave.
                (true, _) => continue,
                (false, How::Made) => Verdict::Remove,
                (false, _) => Verdict::Restore,
            };
        }
    }
    let was_used = removals.iter().any(|removal| !removal.resource.kind.is_local());
    removals.extend(staying(setting, step, was_used));
    Ok(removals)
}

/// A permission set stays as long as an assignment of it does.
fn keep_what_carries(removals: &mut [Removal]) {
    let stays = |removal: &&Removal| {
        removal.resource.kind == ResourceKind::AccountAssignment
            && matches!(removal.verdict, Verdict::Changed | Verdict::Stays)
    };
    let assigned: Vec<(String, String)> = removals
        .iter()
        .filter(stays)
        .filter_map(|one| Some((identity_center::parts(&one.resource.id)?.1.to_owned(), one.name())))
        .collect();
    for removal in removals.iter_mut().filter(|removal| removal.verdict == Verdict::Remove) {
        if let Some((_, assignment)) = assigned.iter().find(|(set, _)| *set == removal.resource.id) {
            removal.verdict = Verdict::Changed;
            removal.why = Some(format!("the {assignment} stays, and stands on it"));
        }
    }
}

pub use leftovers::settle as settle_files;
pub use unfinished::{go_by, other_answers};

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
            tokio::time::sleep(setting.pace.pause(pauses)).await;
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
    !is_asked_for && age.is_some_and(|age| age.unsigned_abs() < setting.pace.spreading)
}

/// Takes one thing back: intent before it, written off after a look has not found it any more. What is gone is written off;
/// what stays, stays.
///
/// # Errors
/// When it cannot be taken back, or still shows afterwards. It can be done again.
pub async fn take_back(setting: &Setting, reports: &[StepReport], removal: &mut Removal) -> Result<(), Trouble> {
    let is_ours = removal.resource.how == How::Made;
    match removal.verdict {
        Verdict::Remove => remove::remove(setting, reports, removal).await,
        Verdict::Restore => restore::restore(setting, reports, removal).await,
        Verdict::Gone if is_ours => remove::write_off(setting, &removal.resource, removal.step),
        Verdict::Gone => restore::write_off(setting, &removal.resource),
        _ => Ok(()),
    }
}

/// What stands on one another: where one cannot be removed, those after it cannot either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Branch {
    /// Each for itself: files, and what is put back.
    Alone,
    /// From the assignment down to the user.
    IdentityCenter,
    /// The trail, and its bucket.
    CloudTrail,
}

impl Removal {
    /// Where it hangs.
    pub fn branch(&self) -> Branch {
        match self.resource.kind {
            ResourceKind::Trail | ResourceKind::Bucket => Branch::CloudTrail,
            kind if kind.is_local() || self.resource.how != How::Made => Branch::Alone,
            _ => Branch::IdentityCenter,
        }
    }
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
        }
    });
    with_reason.collect()
}
