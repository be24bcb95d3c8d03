//! The way back: what progress says was *made* is removed again, in reverse order; what was found never is.
//!
//! A plan is made from reads alone: each thing is to be removed, gone already, changed since (and left, unless that is
//! wanted), or stays. Removing is another function; each removal is looked at afterwards. Both can be killed and run again:
//! a thing is written off only when a look does not find it any more.

mod cloudtrail;
mod command;
mod files;
mod identity_center;
mod look;
mod remove;

use schemars::JsonSchema;
use serde::Serialize;

use crate::checklist::{Right, StepReport, Trouble, TroubleKind};
use crate::progress::{How, Record, Resource, ResourceKind};
use crate::steps::Setting;

pub use remove::{remove, write_off};

/// What removing needs to be allowed to do, and looking whether somebody else has come to use a thing.
pub const RIGHTS: [Right; 14] = [
    Right::look("identitystore:ListGroupMemberships"),
    Right::look("identitystore:ListGroupMembershipsForMember"),
    Right::look("sso:ListAccountAssignmentsForPrincipal"),
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
    /// Why it is left, where it is.
    pub why: Option<String>,
    /// The `aws` command that would remove it, or what is done to which file.
    pub command: String,
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
        }
    }
}

impl Removal {
    /// `user Admin`.
    pub fn name(&self) -> String {
        format!("{} {}", self.resource.kind, self.resource.name)
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
    refuse_own_branch(setting, &made)?;
    let mut removals = Vec::new();
    for (resource, step) in made {
        removals.push(look::at(setting, reports, resource, step).await?);
    }
    look_twice_at_what_is_gone(setting, reports, &mut removals).await?;
    for removal in &mut removals {
        if removal.verdict == Verdict::Changed && include_changed {
            removal.verdict = Verdict::Remove;
        }
    }
    removals.extend(staying(setting, step));
    Ok(removals)
}

/// AWS may answer "not found" where a change has not arrived yet, and what is written off too early is never removed.
async fn look_twice_at_what_is_gone(
    setting: &Setting,
    reports: &[StepReport],
    removals: &mut [Removal],
) -> Result<(), Trouble> {
    let mut gone = removals
        .iter_mut()
        .filter(|removal| removal.verdict == Verdict::Gone && !removal.resource.kind.is_local())
        .peekable();
    if gone.peek().is_some() {
        tokio::time::sleep(setting.pace.pause(0)).await;
    }
    for removal in gone {
        *removal = look::at(setting, reports, removal.resource.clone(), removal.step).await?;
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

/// An organization that we made stays, and we say how it could go.
fn staying(setting: &Setting, step: Option<&str>) -> Vec<Removal> {
    if step.is_some_and(|wanted| wanted != "enable-identity-center") {
        return Vec::new();
    }
    let resources = setting.progress.read(|record| record.resources.clone());
    let stays = resources
        .into_iter()
        .filter(|resource| matches!(resource.kind, ResourceKind::Organization | ResourceKind::Instance));
    let with_reason = stays.map(|resource| {
        let (why, command) = match resource.kind {
            ResourceKind::Organization => (
                "other accounts and services may stand on it by now; whoever is sure deletes it by hand",
                "aws organizations delete-organization (after its Identity Center is gone)".to_owned(),
            ),
            _ => (
                "it was enabled in the console, and is deleted there; every user and assignment goes with it, and \
                 permission sets cannot be turned off by themselves",
                format!(
                    "console, Region {} → IAM Identity Center → Settings → Management → Delete instance",
                    resource.name
                ),
            ),
        };
        Removal {
            resource,
            step: "enable-identity-center",
            verdict: Verdict::Stays,
            why: Some(why.to_owned()),
            command,
        }
    });
    with_reason.collect()
}

/// Nobody saws off the branch that they sit on.
fn refuse_own_branch(setting: &Setting, made: &[(Resource, &'static str)]) -> Result<(), Trouble> {
    let arn = &setting.caller.arn;
    let sits_on = made.iter().find_map(|(resource, _)| {
        let set = match resource.kind {
            ResourceKind::PermissionSet => resource.name.as_str(),
            ResourceKind::AccountAssignment => resource.name.split('/').nth(1)?,
            _ => return None,
        };
        arn.contains(&format!(":assumed-role/AWSReservedSSO_{set}_"))
            .then(|| set.to_owned())
    });
    match sits_on {
        None => Ok(()),
        Some(set) => Err(Trouble::new(
            TroubleKind::NotAllowed,
            format!(
                "You are signed in through the permission set {set}, which would be removed: the rest could not be."
            ),
            "sign in as root or as another administrator (aws login, or CloudShell), then: idc-setup undo",
        )),
    }
}
