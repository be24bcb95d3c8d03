//! Refuses to undo the access that the caller is signed in with.

use crate::checklist::{UserError, UserErrorKind};
use crate::next_step::SetupCommand;
use crate::progress::{Resource, ResourceKind};
use crate::steps::Context;

/// The permission set and the user of a caller who signed in through the access portal: the role is named
/// `AWSReservedSSO_NAME_HASH`, and its session is named like the user ("Referencing permission sets in resource policies").
fn through_the_portal(arn: &str) -> Option<(&str, &str)> {
    let (_, rest) = arn.split_once(":assumed-role/AWSReservedSSO_")?;
    let (role, user) = rest.split_once('/')?;
    let (set, hash) = role.rsplit_once('_')?;
    hash.chars().all(|c| c.is_ascii_hexdigit()).then_some((set, user))
}

/// Refuses to undo a resource that the caller's own access depends on.
///
/// # Errors
/// When one of these resources is such a resource.
pub fn refuse(context: &Context, resources: &[(Resource, &str)]) -> Result<(), UserError> {
    let Some((set, user)) = through_the_portal(&context.caller.arn) else {
        return Ok(());
    };
    // The recorded assignments of this set; their names contain the groups.
    let assigned = context.progress.read(|record| {
        let assignments = record
            .resources
            .iter()
            .filter(|other| other.kind == ResourceKind::AccountAssignment);
        let names = assignments.map(|other| other.name.clone());
        names
            .filter(|name| name.split('/').nth(1) == Some(set))
            .collect::<Vec<_>>()
    });
    let is_needed = |resource: &Resource| match resource.kind {
        ResourceKind::PermissionSet => resource.name == set,
        ResourceKind::AccountAssignment => resource.name.split('/').nth(1) == Some(set),
        ResourceKind::User => resource.name.eq_ignore_ascii_case(user),
        ResourceKind::GroupMembership => resource
            .name
            .rsplit_once('/')
            .is_some_and(|(_, member)| member.eq_ignore_ascii_case(user)),
        ResourceKind::Group => assigned
            .iter()
            .any(|name| name.splitn(3, '/').nth(2) == Some(&resource.name)),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_whose_name_has_the_same_prefix_is_another() {
        let arn = "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Admin_Other_0123456789abcdef/ada";
        assert_eq!(through_the_portal(arn), Some(("Admin_Other", "ada")));
        assert_eq!(through_the_portal("arn:aws:iam::123456789012:root"), None);
    }
}
