//! What a plan gives that is too much for Enter alone to agree to.

use std::collections::BTreeSet;

use super::view::PlanView;
use crate::access::desired::Desired;
use crate::access::file::PrincipalName;
use crate::access::plan::Action;
use crate::progress::Setting;
use crate::reconcile::FieldChange;

/// The end of the ARN of the policy that allows everything, in every partition.
const ADMINISTRATOR: &str = ":policy/AdministratorAccess";

/// What is at stake, as sentences; empty if Enter may agree.
pub fn of(view: &PlanView, desired: &Desired) -> Vec<String> {
    let stakes = [
        (
            gives_administration(view, desired),
            "This gives somebody the AWS managed policy AdministratorAccess.",
        ),
        (
            reaches_management(view),
            "This gives somebody access to the management account.",
        ),
    ];
    let stakes = stakes.into_iter().filter(|(applies, _)| *applies);
    stakes.map(|(_, text)| text.to_owned()).collect()
}

fn is_administrator(view: &PlanView, desired: &Desired, permission_set: &str) -> bool {
    let wanted = desired.permission_sets.get(permission_set);
    let mut wanted = wanted
        .into_iter()
        .flat_map(|set| set.spec.managed_policies.iter().flatten());
    let observed = view.inventory.permission_set_named(permission_set);
    let mut observed = observed.into_iter().flat_map(|set| &set.settings);
    wanted.any(|arn| arn.ends_with(ADMINISTRATOR))
        || observed.any(|(setting, value)| value.is_some() && is_administrator_policy(setting))
}

fn is_administrator_policy(setting: &Setting) -> bool {
    matches!(setting, Setting::Policy(arn) if arn.ends_with(ADMINISTRATOR))
}

fn gives_administration(view: &PlanView, desired: &Desired) -> bool {
    let assigned = desired.assignments.keys();
    let groups: BTreeSet<&str> = assigned
        .filter_map(|name| match &name.principal {
            PrincipalName::Group(group) => Some((group.as_str(), name.permission_set.as_str())),
            PrincipalName::User(_) => None,
        })
        .collect::<BTreeSet<_>>()
        .into_iter()
        .filter(|(_, permission_set)| is_administrator(view, desired, permission_set))
        .map(|(group, _)| group)
        .collect();
    view.plan.changes.iter().any(|change| match &change.action {
        Action::CreateAssignment(name) => is_administrator(view, desired, &name.permission_set),
        Action::AddMember { group, .. } => groups.contains(group.as_str()),
        Action::UpdatePermissionSet { changes, .. } => changes.iter().any(|change| match change {
            FieldChange::Part(change) => change.after.is_some() && is_administrator_policy(&change.setting),
            FieldChange::Properties(_) | FieldChange::Provision => false,
        }),
        _ => false,
    })
}

fn reaches_management(view: &PlanView) -> bool {
    let management = &view.inventory.instance.owner;
    let mut changes = view.plan.changes.iter();
    changes.any(|change| matches!(&change.action, Action::CreateAssignment(name) if name.account == *management))
}
