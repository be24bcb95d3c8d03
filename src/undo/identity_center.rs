//! How what was made in Identity Center stands now: a thing that somebody else has come to use is *changed*.

use aws_sdk_ssoadmin::types::{PermissionSet, PrincipalType};

use super::look::{Sight, unless_gone};
use crate::answers::values::SessionDuration;
use crate::aws::Failure;
use crate::progress::{How, Resource, ResourceKind, Verb};
use crate::steps::{Instance, Setting, create_user, permission_set};

/// How it stands.
pub async fn sight(setting: &Setting, instance: &Instance, resource: &Resource) -> Result<Sight, Failure> {
    match resource.kind {
        ResourceKind::AccountAssignment => assignment(setting, instance, resource).await,
        ResourceKind::PermissionSet => permission_set(setting, instance, resource).await,
        ResourceKind::GroupMembership => membership(setting, instance, resource).await,
        ResourceKind::Group => group(setting, instance, resource).await,
        ResourceKind::User => user(setting, instance, resource).await,
        _ => Ok(Sight::Gone),
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
    let Some((kind, _)) = found.iter().find(|(_, id)| id == principal) else {
        return Ok(Sight::Gone);
    };
    // Who has come into a group that we made stands on this; who was in one that was there had no access before it.
    let is_ours = ours(setting, ResourceKind::Group)
        .iter()
        .any(|group| group == principal);
    if kind != PrincipalType::User.as_str() && is_ours {
        let other = other_member(setting, instance, principal).await?;
        return Ok(other.map_or(Sight::There, |name| {
            Sight::Changed(format!("somebody else has come to have access by it: {name}"))
        }));
    }
    Ok(Sight::There)
}

/// Somebody in a group whom we have not put there, by name.
async fn other_member(setting: &Setting, instance: &Instance, group: &str) -> Result<Option<String>, Failure> {
    let mut members = setting
        .clients
        .identitystore(&instance.region)
        .list_group_memberships()
        .identity_store_id(&instance.store)
        .group_id(group)
        .into_paginator()
        .items()
        .send();
    let ours = ours(setting, ResourceKind::GroupMembership);
    while let Some(member) = members.next().await {
        let member = member.map_err(|error| Failure::of("identitystore:ListGroupMemberships", error));
        let Some(member) = unless_gone(member)? else {
            return Ok(None);
        };
        let user = member.member_id.and_then(|member| member.as_user_id().ok().cloned());
        let user = user.unwrap_or_default();
        if !ours.contains(&format!("{group}/{user}")) {
            return Ok(Some(user_name(setting, instance, user).await));
        }
    }
    Ok(None)
}

/// As people call a user; the id where that cannot be found out.
async fn user_name(setting: &Setting, instance: &Instance, id: String) -> String {
    let described = setting
        .clients
        .identitystore(&instance.region)
        .describe_user()
        .identity_store_id(&instance.store)
        .user_id(&id)
        .send()
        .await;
    described.ok().and_then(|user| user.user_name).unwrap_or(id)
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
    let Some(described) = unless_gone(described)? else {
        return Ok(Sight::Gone);
    };
    let set = described
        .permission_set
        .unwrap_or_else(|| PermissionSet::builder().build());
    let mut accounts = admin
        .list_accounts_for_provisioned_permission_set()
        .instance_arn(&instance.arn)
        .permission_set_arn(&resource.id)
        .into_paginator()
        .items()
        .send();
    let ours = ours(setting, ResourceKind::AccountAssignment);
    while let Some(account) = accounts.next().await {
        let account = account.map_err(|error| Failure::of("sso:ListAccountsForProvisionedPermissionSet", error))?;
        for (_, principal) in principals(setting, instance, &account, &resource.id).await? {
            if !ours.contains(&format!("{account}/{}/{principal}", resource.id)) {
                return Ok(Sight::InUse(format!(
                    "somebody else has it too, in account {account}: {principal}"
                )));
            }
        }
    }
    let more = more_in_it(setting, instance, resource, &set).await?;
    Ok(more.map_or(Sight::There, Sight::Changed))
}

/// What a permission set of ours says by now that it was not made with.
async fn more_in_it(
    setting: &Setting,
    instance: &Instance,
    resource: &Resource,
    set: &PermissionSet,
) -> Result<Option<String>, Failure> {
    let (admin, arn) = (setting.clients.ssoadmin(&instance.region), &resource.id);
    if set.name.as_ref().is_some_and(|name| *name != resource.name) {
        return Ok(Some("it has another name now".to_owned()));
    }
    let lasts = |text: &str| text.parse::<SessionDuration>().ok();
    if let (Some(made), Some(now)) = (&resource.text, &set.session_duration)
        && lasts(made) != lasts(now)
        && !is_update_open(setting, resource)
    {
        let was = lasts(made).map_or_else(|| "otherwise".to_owned(), |made| made.to_string());
        return Ok(Some(format!("a session lasts {now} now, and lasted {was}")));
    }
    if set
        .description
        .as_deref()
        .is_some_and(|words| words != permission_set::DESCRIPTION)
    {
        return Ok(Some("it is described otherwise now".to_owned()));
    }
    if permission_set::has_other_tags(setting, instance, arn).await? {
        return Ok(Some("somebody has tagged it".to_owned()));
    }
    if set.relay_state.as_ref().is_some_and(|state| !state.is_empty()) {
        return Ok(Some("it has a relay state now".to_owned()));
    }
    let inline = admin.get_inline_policy_for_permission_set();
    let inline = inline.instance_arn(&instance.arn).permission_set_arn(arn).send().await;
    let inline = inline.map_err(|error| Failure::of("sso:GetInlinePolicyForPermissionSet", error))?;
    if inline.inline_policy.is_some_and(|policy| !policy.is_empty()) {
        return Ok(Some("it has an inline policy now".to_owned()));
    }
    let customers = admin.list_customer_managed_policy_references_in_permission_set();
    let customers = customers
        .instance_arn(&instance.arn)
        .permission_set_arn(arn)
        .send()
        .await;
    let customers =
        customers.map_err(|error| Failure::of("sso:ListCustomerManagedPolicyReferencesInPermissionSet", error))?;
    if !customers.customer_managed_policy_references().is_empty() {
        return Ok(Some("it has a customer managed policy now".to_owned()));
    }
    let boundary = admin.get_permissions_boundary_for_permission_set();
    let boundary = boundary
        .instance_arn(&instance.arn)
        .permission_set_arn(arn)
        .send()
        .await;
    let boundary = boundary.map_err(|error| Failure::of("sso:GetPermissionsBoundaryForPermissionSet", error));
    if unless_gone(boundary)?.is_some_and(|answer| answer.permissions_boundary.is_some()) {
        return Ok(Some("it has a permissions boundary now".to_owned()));
    }
    other_policy(setting, instance, resource).await
}

/// A run that was killed was about to change how long it lasts, and nobody has told of the end.
fn is_update_open(setting: &Setting, resource: &Resource) -> bool {
    setting.progress.read(|record| {
        let mut open = record.intents(Verb::Update, resource.kind, &resource.name);
        open.next().is_some()
    })
}

/// An AWS managed policy on it that we have neither put there nor were about to, or one of ours that is not there any more.
async fn other_policy(setting: &Setting, instance: &Instance, resource: &Resource) -> Result<Option<String>, Failure> {
    let mut pages = setting
        .clients
        .ssoadmin(&instance.region)
        .list_managed_policies_in_permission_set()
        .instance_arn(&instance.arn)
        .permission_set_arn(&resource.id)
        .into_paginator()
        .items()
        .send();
    let mut missing = setting.progress.read(|record| {
        let made = record.resources.iter();
        let made = made.filter(|other| other.kind == ResourceKind::PolicyAttachment && other.how == How::Made);
        let of_it = made.filter_map(|other| other.id.strip_prefix(&format!("{}/", resource.id)).map(str::to_owned));
        of_it.collect::<Vec<_>>()
    });
    while let Some(policy) = pages.next().await {
        let policy = policy.map_err(|error| Failure::of("sso:ListManagedPoliciesInPermissionSet", error))?;
        let policy = policy.arn.unwrap_or_default();
        missing.retain(|made| *made != policy);
        let is_ours = setting.progress.read(|record| {
            let id = format!("{}/{policy}", resource.id);
            record.how(ResourceKind::PolicyAttachment, &id) == Some(How::Made)
                || record.is_any_open(ResourceKind::PolicyAttachment, &format!("{}/{policy}", resource.name))
        });
        if !is_ours {
            return Ok(Some(format!("somebody has attached the policy {policy} to it")));
        }
    }
    // An update of ours that was cut short may have taken it off.
    let was_to_go = |policy: &String| {
        setting.progress.read(|record| {
            let name = format!("{}/{policy}", resource.name);
            record
                .intents(Verb::Remove, ResourceKind::PolicyAttachment, &name)
                .next()
                .is_some()
        })
    };
    let gone = missing.into_iter().find(|policy| !was_to_go(policy));
    Ok(gone.map(|policy| format!("somebody has taken the policy {policy} off it")))
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
    if let Some(name) = other_member(setting, instance, &resource.id).await? {
        return Ok(Sight::Changed(format!("somebody else is in it: {name}")));
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
        // It was made without one.
        Some(group) if group.description.as_ref().is_some_and(|words| !words.is_empty()) => {
            Sight::Changed("it has a description now".to_owned())
        }
        Some(_) => assigned_by_others(setting, instance, resource, PrincipalType::Group).await?,
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
        Some(user)
            if resource
                .text
                .as_ref()
                .is_some_and(|made| *made != create_user::digest_of(&user)) =>
        {
            return Ok(Sight::Changed(
                "it does not say any more what it was made with".to_owned(),
            ));
        }
        Some(_) => {}
    }
    let memberships = ours(setting, ResourceKind::GroupMembership);
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
    assigned_by_others(setting, instance, resource, PrincipalType::User).await
}

/// Ids of what was made.
fn ours(setting: &Setting, kind: ResourceKind) -> Vec<String> {
    setting.progress.read(|record| {
        let made = record.resources.iter();
        let made = made.filter(|other| other.kind == kind && other.how == How::Made);
        made.map(|other| other.id.clone()).collect()
    })
}

/// Whether somebody else has given a user or a group access to an account.
async fn assigned_by_others(
    setting: &Setting,
    instance: &Instance,
    principal: &Resource,
    kind: PrincipalType,
) -> Result<Sight, Failure> {
    let assignments = ours(setting, ResourceKind::AccountAssignment);
    let mut given = setting
        .clients
        .ssoadmin(&instance.region)
        .list_account_assignments_for_principal()
        .instance_arn(&instance.arn)
        .principal_id(&principal.id)
        .principal_type(kind)
        .into_paginator()
        .items()
        .send();
    while let Some(assignment) = given.next().await {
        let assignment = assignment.map_err(|error| Failure::of("sso:ListAccountAssignmentsForPrincipal", error))?;
        // What comes to a user through a group is the group's.
        let is_direct = assignment.principal_id.as_deref() == Some(principal.id.as_str());
        let (account, set) = (
            assignment.account_id.unwrap_or_default(),
            assignment.permission_set_arn.unwrap_or_default(),
        );
        if is_direct && !assignments.contains(&format!("{account}/{set}/{}", principal.id)) {
            return Ok(Sight::Changed(format!(
                "somebody has given it access to account {account}"
            )));
        }
    }
    Ok(Sight::There)
}
