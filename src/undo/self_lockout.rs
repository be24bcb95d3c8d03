//! Refuses to undo the access that the caller is signed in with.

use crate::checklist::{UserError, UserErrorKind};
use crate::ids::PortalSession;
use crate::next_step::SetupCommand;
use crate::progress::{Resource, ResourceKind, ResourceName};
use crate::steps::Context;

/// Refuses to undo a resource that the caller's own access depends on.
///
/// # Errors
/// When one of the resources is such a resource.
pub fn refuse(context: &Context, resources: &[(Resource, &str)]) -> Result<(), UserError> {
    let Some(PortalSession {
        permission_set: set,
        user,
    }) = PortalSession::of_arn(&context.caller.arn)
    else {
        return Ok(());
    };
    let is_for_set =
        |name: &ResourceName| matches!(name, ResourceName::Assignment { permission_set, .. } if permission_set == set);
    // The principals of the recorded assignments of this set.
    let assigned: Vec<String> = context.progress.read(|record| {
        let names = record.resources.iter().map(|resource| &resource.name);
        names
            .filter(|name| is_for_set(name))
            .filter_map(ResourceName::principal)
            .map(str::to_owned)
            .collect()
    });
    let is_needed = |resource: &Resource| match (resource.kind, &resource.name) {
        (ResourceKind::PermissionSet, name) => name.single() == set,
        (ResourceKind::AccountAssignment, name) => is_for_set(name),
        (ResourceKind::User, name) => name.single().eq_ignore_ascii_case(user),
        (ResourceKind::GroupMembership, ResourceName::Membership { user: member, .. }) => {
            member.eq_ignore_ascii_case(user)
        }
        (ResourceKind::Group, name) => assigned.iter().any(|principal| principal == name.single()),
        _ => false,
    };
    match resources.iter().find(|(resource, _)| is_needed(resource)) {
        None => Ok(()),
        Some((resource, _)) => Err(UserError::new(
            UserErrorKind::NotAllowed,
            format!(
                "You are signed in through the permission set {set}. Undoing the {} {} would end this access before undo \
                 could finish.",
                resource.kind, resource.name
            ),
            match context.bootstrap_profile {
                Some(_) => SetupCommand::undo()
                    .placeholder("--profile", "NAME")
                    .to("use a profile of root or of another administrator (aws login creates one)"),
                None => SetupCommand::undo()
                    .after("sign in as root or as another administrator (aws login or AWS CloudShell)"),
            },
        )),
    }
}
