//! How a thing that was made stands now.

use std::path::Path;

use super::command::command;
use super::files;
use super::{Removal, Verdict};
use crate::aws::{Failure, FailureKind};
use crate::checklist::{Found, StepReport, Trouble};
use crate::progress::{Resource, ResourceKind};
use crate::steps::{Instance, Setting, trouble};

/// What a look at one thing brings.
enum Sight {
    There,
    Gone,
    Changed(String),
    Stays(String),
}

/// Looks at a thing, and says what becomes of it.
pub async fn at(
    setting: &Setting,
    reports: &[StepReport],
    resource: Resource,
    step: &'static str,
) -> Result<Removal, Trouble> {
    let sight = sight(setting, reports, &resource, step).await?;
    let command = command(setting, &resource);
    let (verdict, why) = match sight {
        Sight::There => (Verdict::Remove, None),
        Sight::Gone => (Verdict::Gone, None),
        Sight::Changed(why) => (Verdict::Changed, Some(why)),
        Sight::Stays(why) => (Verdict::Stays, Some(why)),
    };
    Ok(Removal {
        resource,
        step,
        verdict,
        why,
        command,
    })
}

async fn sight(setting: &Setting, reports: &[StepReport], resource: &Resource, step: &str) -> Result<Sight, Trouble> {
    let failed = |failure: Failure| {
        let report = reports.iter().find(|report| report.info.slug == step);
        match report {
            Some(report) => trouble(report.info, &failure, "idc-setup undo"),
            None => Trouble::failed(failure.sentence(), "idc-setup undo"),
        }
    };
    match resource.kind {
        ResourceKind::Token | ResourceKind::Registration => Ok(if Path::new(&resource.id).exists() {
            Sight::There
        } else {
            Sight::Gone
        }),
        ResourceKind::CliProfile | ResourceKind::SsoSession | ResourceKind::ConfigFile => {
            Ok(match files::stands(resource)? {
                files::Stands::AsWritten => Sight::There,
                files::Stands::Gone => Sight::Gone,
                files::Stands::Otherwise(why) => Sight::Changed(why),
                files::Stands::InUse(why) => Sight::Stays(why),
            })
        }
        ResourceKind::Trail => trail(setting, resource).await.map_err(failed),
        ResourceKind::Bucket => Ok(bucket(setting, resource).await),
        _ => {
            let Some(instance) = setting.facts.instance.now() else {
                return Err(Trouble::failed(
                    "Identity Center cannot be looked at, so nothing in it can be removed.",
                    "idc-setup status, and when it is there: idc-setup undo",
                ));
            };
            let looked = in_identity_center(setting, &instance, resource).await.map_err(failed)?;
            Ok(match (looked, different(reports, step)) {
                (Sight::There, Some(why)) => Sight::Changed(why),
                (looked, _) => looked,
            })
        }
    }
}

/// The step finds its thing different from what was asked for when it was made.
fn different(reports: &[StepReport], step: &str) -> Option<String> {
    let report = reports.iter().find(|report| report.info.slug == step)?;
    (report.finding.found == Found::Different).then(|| report.finding.is.clone())
}

async fn in_identity_center(setting: &Setting, instance: &Instance, resource: &Resource) -> Result<Sight, Failure> {
    match resource.kind {
        ResourceKind::AccountAssignment => assignment(setting, instance, resource).await,
        ResourceKind::PermissionSet => permission_set(setting, instance, resource).await,
        ResourceKind::GroupMembership => membership(setting, instance, resource).await,
        ResourceKind::Group => group(setting, instance, resource).await,
        ResourceKind::User => user(setting, instance, resource).await,
        _ => Ok(Sight::Gone),
    }
}

/// A thing that is not found is gone.
fn unless_gone<T>(answer: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Account, permission set and principal of an assignment's id.
pub fn parts(id: &str) -> Option<(&str, &str, &str)> {
    let (account, rest) = id.split_once('/')?;
    let (set, principal) = rest.rsplit_once('/')?;
    Some((account, set, principal))
}

/// Everybody who has a permission set in an account.
pub async fn principals(
    setting: &Setting,
    instance: &Instance,
    account: &str,
    set: &str,
) -> Result<Vec<(String, String)>, Failure> {
    let mut pages = setting
        .clients
        .ssoadmin(&instance.region)
        .list_account_assignments()
        .instance_arn(&instance.arn)
        .account_id(account)
        .permission_set_arn(set)
        .into_paginator()
        .items()
        .send();
    let mut found = Vec::new();
    while let Some(assignment) = pages.next().await {
        let assignment = assignment.map_err(|error| Failure::of("sso:ListAccountAssignments", error));
        let Some(assignment) = unless_gone(assignment)? else {
            return Ok(Vec::new());
        };
        let kind = assignment.principal_type.map(|kind| kind.as_str().to_owned());
        found.push((kind.unwrap_or_default(), assignment.principal_id.unwrap_or_default()));
    }
    Ok(found)
}

async fn assignment(setting: &Setting, instance: &Instance, resource: &Resource) -> Result<Sight, Failure> {
    let Some((account, set, principal)) = parts(&resource.id) else {
        return Ok(Sight::Gone);
    };
    let found = principals(setting, instance, account, set).await?;
    Ok(if found.iter().any(|(_, id)| id == principal) {
        Sight::There
    } else {
        Sight::Gone
    })
}

async fn permission_set(setting: &Setting, instance: &Instance, resource: &Resource) -> Result<Sight, Failure> {
    let admin = setting.clients.ssoadmin(&instance.region);
    let described = admin
        .describe_permission_set()
        .instance_arn(&instance.arn)
        .permission_set_arn(&resource.id)
        .send()
        .await;
    let described = described.map_err(|error| Failure::of("sso:DescribePermissionSet", error));
    if unless_gone(described)?.is_none() {
        return Ok(Sight::Gone);
    }
    let mut accounts = admin
        .list_accounts_for_provisioned_permission_set()
        .instance_arn(&instance.arn)
        .permission_set_arn(&resource.id)
        .into_paginator()
        .items()
        .send();
    let ours = setting.progress.read(|record| {
        let assignments = record.resources.iter();
        let ours = assignments.filter(|other| other.kind == ResourceKind::AccountAssignment);
        ours.map(|other| other.id.clone()).collect::<Vec<_>>()
    });
    while let Some(account) = accounts.next().await {
        let account = account.map_err(|error| Failure::of("sso:ListAccountsForProvisionedPermissionSet", error))?;
        for (_, principal) in principals(setting, instance, &account, &resource.id).await? {
            if !ours.contains(&format!("{account}/{}/{principal}", resource.id)) {
                return Ok(Sight::Changed(format!(
                    "somebody else has it too, in account {account}: {principal}"
                )));
            }
        }
    }
    Ok(Sight::There)
}

/// Group and user of a membership's id.
pub fn group_and_user(id: &str) -> Option<(&str, &str)> {
    id.split_once('/')
}

async fn membership(setting: &Setting, instance: &Instance, resource: &Resource) -> Result<Sight, Failure> {
    Ok(match membership_id(setting, instance, resource).await? {
        Some(_) => Sight::There,
        None => Sight::Gone,
    })
}

/// The membership's own id, by which it is deleted.
pub async fn membership_id(
    setting: &Setting,
    instance: &Instance,
    resource: &Resource,
) -> Result<Option<String>, Failure> {
    let Some((group, user)) = group_and_user(&resource.id) else {
        return Ok(None);
    };
    let answer = setting
        .clients
        .identitystore(&instance.region)
        .get_group_membership_id()
        .identity_store_id(&instance.store)
        .group_id(group)
        .member_id(aws_sdk_identitystore::types::MemberId::UserId(user.to_owned()))
        .send()
        .await
        .map_err(|error| Failure::of("identitystore:GetGroupMembershipId", error));
    Ok(unless_gone(answer)?.map(|answer| answer.membership_id))
}

async fn group(setting: &Setting, instance: &Instance, resource: &Resource) -> Result<Sight, Failure> {
    let mut members = setting
        .clients
        .identitystore(&instance.region)
        .list_group_memberships()
        .identity_store_id(&instance.store)
        .group_id(&resource.id)
        .into_paginator()
        .items()
        .send();
    let ours = setting.progress.read(|record| {
        let memberships = record.resources.iter();
        let ours = memberships.filter(|other| other.kind == ResourceKind::GroupMembership);
        ours.map(|other| other.id.clone()).collect::<Vec<_>>()
    });
    while let Some(member) = members.next().await {
        let member = member.map_err(|error| Failure::of("identitystore:ListGroupMemberships", error));
        let Some(member) = unless_gone(member)? else {
            return Ok(Sight::Gone);
        };
        let user = member.member_id.and_then(|member| member.as_user_id().ok().cloned());
        let user = user.unwrap_or_default();
        if !ours.contains(&format!("{}/{user}", resource.id)) {
            return Ok(Sight::Changed(format!("somebody else is in it: {user}")));
        }
    }
    let described = setting
        .clients
        .identitystore(&instance.region)
        .describe_group()
        .identity_store_id(&instance.store)
        .group_id(&resource.id)
        .send()
        .await;
    let described = described.map_err(|error| Failure::of("identitystore:DescribeGroup", error));
    Ok(match unless_gone(described)? {
        None => Sight::Gone,
        Some(group) if group.display_name.as_ref().is_some_and(|name| *name != resource.name) => {
            Sight::Changed(format!("it is called {} now", group.display_name.unwrap_or_default()))
        }
        Some(_) => Sight::There,
    })
}

async fn user(setting: &Setting, instance: &Instance, resource: &Resource) -> Result<Sight, Failure> {
    let store = setting.clients.identitystore(&instance.region);
    let described = store
        .describe_user()
        .identity_store_id(&instance.store)
        .user_id(&resource.id)
        .send()
        .await;
    let described = described.map_err(|error| Failure::of("identitystore:DescribeUser", error));
    match unless_gone(described)? {
        None => return Ok(Sight::Gone),
        Some(user) if user.user_name.as_ref().is_some_and(|name| *name != resource.name) => {
            let name = user.user_name.unwrap_or_default();
            return Ok(Sight::Changed(format!("it is called {name} now")));
        }
        Some(_) => {}
    }
    let ours = |kind: ResourceKind| {
        setting.progress.read(|record| {
            let of_kind = record.resources.iter().filter(|other| other.kind == kind);
            of_kind.map(|other| other.id.clone()).collect::<Vec<_>>()
        })
    };
    let memberships = ours(ResourceKind::GroupMembership);
    let mut groups = store
        .list_group_memberships_for_member()
        .identity_store_id(&instance.store)
        .member_id(aws_sdk_identitystore::types::MemberId::UserId(resource.id.clone()))
        .into_paginator()
        .items()
        .send();
    while let Some(group) = groups.next().await {
        let group = group.map_err(|error| Failure::of("identitystore:ListGroupMembershipsForMember", error))?;
        let group = group.group_id.unwrap_or_default();
        if !memberships.contains(&format!("{group}/{}", resource.id)) {
            return Ok(Sight::Changed(format!(
                "somebody has put it into another group: {group}"
            )));
        }
    }
    let assignments = ours(ResourceKind::AccountAssignment);
    let mut given = setting
        .clients
        .ssoadmin(&instance.region)
        .list_account_assignments_for_principal()
        .instance_arn(&instance.arn)
        .principal_id(&resource.id)
        .principal_type(aws_sdk_ssoadmin::types::PrincipalType::User)
        .into_paginator()
        .items()
        .send();
    while let Some(assignment) = given.next().await {
        let assignment = assignment.map_err(|error| Failure::of("sso:ListAccountAssignmentsForPrincipal", error))?;
        // What comes through a group is the group's.
        let is_direct = assignment.principal_id.as_deref() == Some(resource.id.as_str());
        let (account, set) = (
            assignment.account_id.unwrap_or_default(),
            assignment.permission_set_arn.unwrap_or_default(),
        );
        if is_direct && !assignments.contains(&format!("{account}/{set}/{}", resource.id)) {
            return Ok(Sight::Changed(format!(
                "somebody has given it access to account {account}"
            )));
        }
    }
    Ok(Sight::There)
}

/// Where a trail is, by its ARN.
pub fn region_of(arn: &str) -> &str {
    arn.split(':').nth(3).unwrap_or_default()
}

async fn trail(setting: &Setting, resource: &Resource) -> Result<Sight, Failure> {
    let answer = setting
        .clients
        .cloudtrail(region_of(&resource.id))
        .describe_trails()
        .trail_name_list(&resource.id)
        .include_shadow_trails(false)
        .send()
        .await
        .map_err(|error| Failure::of("cloudtrail:DescribeTrails", error))?;
    Ok(if answer.trail_list().is_empty() {
        Sight::Gone
    } else {
        Sight::There
    })
}

async fn bucket(setting: &Setting, resource: &Resource) -> Sight {
    let region = setting.progress.read(|record| {
        let trail = record.resources.iter().find(|other| other.kind == ResourceKind::Trail);
        trail.map(|trail| region_of(&trail.id).to_owned())
    });
    let region = region.unwrap_or_else(|| setting.wanted_region());
    let there = setting
        .clients
        .s3(&region)
        .head_bucket()
        .bucket(&resource.id)
        .expected_bucket_owner(&setting.caller.account)
        .send()
        .await;
    match there {
        Ok(_) => Sight::There,
        Err(error)
            if error
                .as_service_error()
                .is_some_and(aws_sdk_s3::operation::head_bucket::HeadBucketError::is_not_found) =>
        {
            Sight::Gone
        }
        Err(_) => Sight::Stays("it cannot be looked at".to_owned()),
    }
}
