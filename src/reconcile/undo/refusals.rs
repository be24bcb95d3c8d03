//! Plans that undo refuses as a whole: they would end the caller's own access, or take away what another step needs.

use super::plan::Candidate;
use crate::ids::PortalSession;
use crate::next_step::{NextStep, SetupCommand};
use crate::progress::{Entry, Origin, Record, ResourceId, ResourceKind, ResourceName};
use crate::reconcile::Context;
use crate::user_error::{UserError, UserErrorKind};

/// Refuses to undo a resource that the caller's own access depends on.
///
/// # Errors
/// When one of the candidates is such a resource.
pub fn self_lockout(
    context: &Context,
    has_profile: bool,
    candidates: &[(Candidate, &'static str)],
) -> Result<(), UserError> {
    let Some(session) = PortalSession::of_arn(&context.caller.arn) else {
        return Ok(());
    };
    let needed = context.progress.read(|record| needed_by(&session, record, candidates));
    match needed {
        None => Ok(()),
        Some(entry) => Err(UserError::new(
            UserErrorKind::NotAllowed,
            format!(
                "You are signed in through the permission set {}. Undoing the {} {} would end this access before undo \
                 could finish.",
                session.permission_set, entry.kind, entry.name
            ),
            if has_profile {
                SetupCommand::undo()
                    .placeholder("--profile", "NAME")
                    .to("use a profile of root or of another administrator (aws login creates one)")
            } else {
                SetupCommand::undo().after("sign in as root or as another administrator (aws login or AWS CloudShell)")
            },
        )),
    }
}

/// The first candidate that the caller's session depends on.
fn needed_by(session: &PortalSession<'_>, record: &Record, candidates: &[(Candidate, &'static str)]) -> Option<Entry> {
    let (set, user) = (session.permission_set, session.user);
    let is_for_set =
        |name: &ResourceName| matches!(name, ResourceName::Assignment { permission_set, .. } if permission_set == set);
    // The principals of the recorded assignments of this set.
    let names = record.resources.iter().map(|entry| &entry.name);
    let assigned: Vec<&str> = names
        .filter(|name| is_for_set(name))
        .filter_map(ResourceName::principal)
        .collect();
    let is_needed = |entry: &Entry| match (entry.kind, &entry.name) {
        (ResourceKind::PermissionSet, name) => name.single() == set,
        (ResourceKind::AccountAssignment, name) => is_for_set(name),
        (ResourceKind::User, name) => name.single().eq_ignore_ascii_case(user),
        (ResourceKind::GroupMembership, ResourceName::Membership { user: member, .. }) => {
            member.eq_ignore_ascii_case(user)
        }
        (ResourceKind::Group, name) => assigned.contains(&name.single()),
        _ => false,
    };
    candidates
        .iter()
        .map(|(candidate, _)| candidate.entry())
        .find(is_needed)
}

/// Refuses to undo one step if an account assignment, which another step created, depends on its resources. An assignment that
/// was handed over to another tool refuses nothing: what it needs stays, and the rest of the step can be undone.
///
/// # Errors
/// When there is such an assignment.
pub fn still_needed(record: &Record, candidates: &[(Candidate, &'static str)], step: &str) -> Result<(), UserError> {
    let created: Vec<&Entry> = candidates
        .iter()
        .filter_map(|(candidate, _)| match candidate {
            Candidate::Created(entry) => Some(entry),
            Candidate::Changed(_) => None,
        })
        .collect();
    for entry in &created {
        let id = entry.id.single();
        let depends_on_it = |assignment: &&Entry| {
            assignment.origin == Origin::Created
                && record.handed_over_to(assignment.kind, &assignment.id).is_none()
                && matches!(&assignment.id, ResourceId::Assignment(key)
                    if *key.permission_set == *id || key.principal.id() == id)
        };
        let mut others = record.resources.iter().filter(|one| !created.contains(one));
        if let Some(assignment) = others.find(depends_on_it) {
            return Err(UserError::failed(
                format!(
                    "The {} {} depends on the {} {}; nothing was deleted.",
                    assignment.kind, assignment.name, entry.kind, entry.name
                ),
                NextStep::from(SetupCommand::undo().value("--step", "account-assignment"))
                    .then(SetupCommand::undo().value("--step", step)),
            ));
        }
    }
    Ok(())
}
