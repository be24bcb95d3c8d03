//! Nobody saws off the branch that they sit on.

use crate::checklist::{UserError, UserErrorKind};
use crate::progress::{Resource, ResourceKind};
use crate::steps::Context;

/// The permission set and the user that a caller of the access portal has: such a role is called
/// `AWSReservedSSO_NAME_HASH`, its session like the user ("Referencing permission sets in resource policies").
fn through_the_portal(arn: &str) -> Option<(&str, &str)> {
    let (_, rest) = arn.split_once(":assumed-role/AWSReservedSSO_")?;
    let (role, user) = rest.split_once('/')?;
    let (set, hash) = role.rsplit_once('_')?;
    hash.chars().all(|c| c.is_ascii_hexdigit()).then_some((set, user))
}

/// Refuses to remove what the caller's own access is made of.
///
/// # Errors
/// When it is among these.
pub fn refuse(context: &Context, made: &[(Resource, &str)]) -> Result<(), UserError> {
    let Some((set, user)) = through_the_portal(&context.caller.arn) else {
        return Ok(());
    };
    // The groups that have this set, as far as we know of them.
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
    let carries = |resource: &Resource| match resource.kind {
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
    match made.iter().find(|(resource, _)| carries(resource)) {
        None => Ok(()),
        Some((resource, _)) => Err(UserError::new(
            UserErrorKind::NotAllowed,
            format!(
                "You are signed in through the permission set {set}, and the {} {} that this access stands on would be \
                 removed or changed: the rest could not be.",
                resource.kind, resource.name
            ),
            match context.bootstrap_profile {
                Some(_) => {
                    "take a profile of root or of another administrator (aws login makes one): idc-setup undo --profile NAME"
                }
                None => "sign in as root or as another administrator (aws login, or CloudShell), then: idc-setup undo",
            },
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_whose_name_begins_alike_is_another() {
        let arn = "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Admin_Other_0123456789abcdef/ada";
        assert_eq!(through_the_portal(arn), Some(("Admin_Other", "ada")));
        assert_eq!(through_the_portal("arn:aws:iam::123456789012:root"), None);
    }
}
