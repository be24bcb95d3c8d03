//! Tests of plans: one rule each here, and properties of all of them in [`properties`].

mod leavers;
mod properties;

use std::collections::BTreeSet;

use jiff::civil::date;

use super::*;
use crate::access::desired::Desired;
use crate::access::file::Extent;
use crate::access::model::{
    FILE, Fill, account, apply_to, assignment_name, desired, desired_assignment, desired_group, desired_set,
    desired_user, expired, group, inventory, live_group, live_user, pattern, place, small_team, spec, user,
};
use crate::ids::{AccountId, Principal};
use crate::progress::Setting;
use crate::reconcile::FieldChange;
use crate::resources::inventory::{ASSIGNMENTS_TAG, AT_LEAST, Group, Inventory};

const TODAY: jiff::civil::Date = date(2026, 11, 30);

fn options(prune: bool) -> Options {
    Options {
        prune,
        ..Options::default()
    }
}

fn planned(desired: &Desired, observed: &Inventory) -> Plan {
    plan(desired, observed, &options(true), TODAY)
}

fn reasons(plan: &Plan) -> Vec<RefusalReason> {
    plan.refusals.iter().map(|refusal| refusal.reason).collect()
}

fn notes(plan: &Plan) -> Vec<NoteKind> {
    plan.notes.iter().map(|note| note.kind).collect()
}

fn update_of(plan: &Plan) -> &[FieldChange] {
    match &plan.changes[..] {
        [
            Change {
                action: Action::UpdatePermissionSet { changes, .. },
                ..
            },
        ] => changes,
        changes => panic!("{changes:?}"),
    }
}

#[test]
fn nothing_is_planned_when_everything_is_as_the_file_says() {
    let (desired, live) = small_team();
    let plan = planned(&desired, &live);
    assert_eq!(
        plan,
        Plan {
            unchanged: 5,
            ..Plan::default()
        }
    );
    assert!(plan.is_empty());
}

#[test]
fn a_new_group_can_be_used_in_the_same_plan() {
    let (desired, _) = small_team();
    let live = inventory();
    let plan = planned(&desired, &live);
    let actions: Vec<&Action> = plan.changes.iter().map(|change| &change.action).collect();
    assert!(
        matches!(
            actions[..],
            [
                Action::CreateUser(_),
                Action::CreateGroup { .. },
                Action::AddMember { .. },
                Action::CreatePermissionSet(_),
                Action::CreateAssignment(_),
            ]
        ),
        "{actions:?}"
    );
    assert_eq!(notes(&plan), [NoteKind::NeedsPassword]);
    let live = apply_to(&live, &plan.changes);
    assert!(planned(&desired, &live).is_empty());
}

#[test]
fn a_principal_removed_from_the_list_loses_access() {
    let (mut desired, live) = small_team();
    desired.assignments.clear();
    let plan = planned(&desired, &live);
    assert!(matches!(
        &plan.changes[..],
        [Change {
            action: Action::DeleteAssignment { .. },
            ..
        }]
    ));
    let kept = super::plan(&desired, &live, &options(false), TODAY);
    assert_eq!((kept.changes, kept.unpruned), (Vec::new(), plan.changes));
}

#[test]
fn assignments_of_a_permission_set_that_is_not_owned_stay() {
    let (desired, mut live) = small_team();
    let ada = live.id_of(&user("ada")).unwrap();
    live.add_set("other", &spec("Other", 0), None);
    live.add_set("wizard", &spec("Wizard", 0), Some("another-file"));
    live.assign(1, "Other", ada.clone());
    live.assign(1, "Wizard", ada);
    assert!(planned(&desired, &live).is_empty());
}

#[test]
fn an_assignment_that_must_not_exist_is_deleted_even_if_it_is_not_owned() {
    let (mut desired, mut live) = small_team();
    let ada = live.id_of(&user("ada")).unwrap();
    live.add_set("other", &spec("Other", 0), None);
    live.assign(1, "Other", ada);
    let name = assignment_name(1, "Other", user("ada"));
    desired.absent_assignments.insert(name, place(9));
    let plan = planned(&desired, &live);
    assert_eq!(plan.changes.len(), 1);
    assert_eq!(plan.changes[0].place, Some(place(9)));
}

#[test]
fn a_permission_set_that_is_not_owned_is_changed_only_if_adopted() {
    let (mut desired, mut live) = small_team();
    let arn = live.permission_set_named("Dev").unwrap().arn.clone();
    let set = live.permission_sets.get_mut(&arn).unwrap();
    set.owner = None;
    set.settings
        .retain(|setting, _| !matches!(setting, Setting::Tag(key) if key.starts_with("idc-setup:")));
    let plan = planned(&desired, &live);
    assert!(plan.is_empty());
    assert_eq!(notes(&plan), [NoteKind::NotOwned]);

    desired.permission_sets.get_mut("Dev").unwrap().spec = spec("Dev", 1);
    let plan = planned(&desired, &live);
    assert!(plan.changes.is_empty());
    assert_eq!(reasons(&plan), [RefusalReason::NotOwned]);

    desired.permission_sets.get_mut("Dev").unwrap().adopt = true;
    let plan = planned(&desired, &live);
    assert!(plan.refusals.is_empty());
    assert_eq!(update_of(&plan).last(), Some(&FieldChange::Provision));
    assert!(planned(&desired, &apply_to(&live, &plan.changes)).is_empty());
}

#[test]
fn adopting_an_equal_permission_set_only_tags_it() {
    let (mut desired, mut live) = small_team();
    let arn = live.permission_set_named("Dev").unwrap().arn.clone();
    let set = live.permission_sets.get_mut(&arn).unwrap();
    set.owner = None;
    set.settings
        .retain(|setting, _| !matches!(setting, Setting::Tag(key) if key.starts_with("idc-setup:")));
    desired.permission_sets.get_mut("Dev").unwrap().adopt = true;
    let plan = planned(&desired, &live);
    assert!(matches!(update_of(&plan), [FieldChange::Part(_)]), "{plan:?}");
}

#[test]
fn a_permission_set_of_another_file_is_left_to_it() {
    let (mut desired, mut live) = small_team();
    let arn = live.permission_set_named("Dev").unwrap().arn.clone();
    live.permission_sets.get_mut(&arn).unwrap().owner = Some("another-file".to_owned());
    let wanted = desired.permission_sets.get_mut("Dev").unwrap();
    wanted.adopt = true;
    wanted.spec = spec("Dev", 1);
    let plan = planned(&desired, &live);
    assert!(plan.changes.is_empty());
    assert_eq!(reasons(&plan), [RefusalReason::OwnedByAnotherFile]);
}

#[test]
fn a_permission_set_is_provisioned_once_and_only_if_its_roles_change() {
    let (mut desired, mut live) = small_team();
    desired.permission_sets.get_mut("Dev").unwrap().spec = spec("Dev", 1);
    let plan = planned(&desired, &live);
    let provisions = update_of(&plan)
        .iter()
        .filter(|change| **change == FieldChange::Provision);
    assert_eq!(provisions.count(), 1);
    assert_eq!(update_of(&plan).last(), Some(&FieldChange::Provision));

    let mut spec = spec("Dev", 0);
    spec.tags.as_mut().unwrap().insert("cost".to_owned(), "42".to_owned());
    desired.permission_sets.get_mut("Dev").unwrap().spec = spec;
    assert!(!update_of(&planned(&desired, &live)).contains(&FieldChange::Provision));

    let (desired, _) = small_team();
    let arn = live.permission_set_named("Dev").unwrap().arn.clone();
    let set = live.permission_sets.get_mut(&arn).unwrap();
    set.outdated_accounts.insert(account(1));
    assert_eq!(update_of(&planned(&desired, &live)), [FieldChange::Provision]);
}

#[test]
fn tags_of_this_program_are_never_removed() {
    let (desired, mut live) = small_team();
    let arn = live.permission_set_named("Dev").unwrap().arn.clone();
    let set = live.permission_sets.get_mut(&arn).unwrap();
    for key in ["idc-setup:intent", "idc-setup:other", "aws:created"] {
        set.settings.insert(Setting::Tag(key.to_owned()), Some("x".to_owned()));
    }
    assert!(planned(&desired, &live).is_empty());
}

/// The team, with a new name for its permission set and no assignments.
fn renamed_team() -> (Desired, Inventory) {
    let (mut desired, live) = small_team();
    desired.permission_sets.clear();
    let mut renamed = desired_set(spec("Developer", 0));
    renamed.previous_names.push("Dev".to_owned());
    desired.permission_sets.insert("Developer".to_owned(), renamed);
    desired.assignments.clear();
    (desired, live)
}

#[test]
fn a_renamed_permission_set_is_created_first_and_deleted_by_a_later_apply() {
    let (mut desired, live) = renamed_team();
    desired
        .assignments
        .insert(assignment_name(1, "Developer", group("devs")), desired_assignment(None));
    let first = planned(&desired, &live);
    assert_eq!(notes(&first), [NoteKind::RenamedLater]);
    assert!(!first.changes.iter().any(|change| change.action.is_deletion()));

    // A kill before the assignment: the old permission set still stays.
    let killed = apply_to(&live, &first.changes[..1]);
    assert!(
        !planned(&desired, &killed)
            .changes
            .iter()
            .any(|change| change.action.is_deletion())
    );

    let live = apply_to(&live, &first.changes);
    let second = planned(&desired, &live);
    assert_eq!(second.changes.len(), 2);
    let live = apply_to(&live, &second.changes);
    assert!(planned(&desired, &live).is_empty());
}

#[test]
fn a_permission_set_stays_if_its_new_name_is_ignored() {
    let (mut desired, live) = renamed_team();
    desired.guard.ignore.push(pattern("permission-set:Developer"));
    let plan = planned(&desired, &live);
    assert!(plan.changes.is_empty() && plan.refusals.is_empty());
    assert_eq!(notes(&plan), [NoteKind::Ignored]);
}

#[test]
fn a_renamed_permission_set_that_others_use_stays() {
    let (mut desired, mut live) = small_team();
    let ada = live.id_of(&user("ada")).unwrap();
    live.assign(2, "Dev", ada);
    let mut developer = spec("Developer", 0);
    let tags = developer.tags.get_or_insert_default();
    tags.insert(ASSIGNMENTS_TAG.to_owned(), AT_LEAST.to_owned());
    live.add_set("developer", &developer, Some(FILE));
    let devs = live.id_of(&group("devs")).unwrap();
    live.assign(1, "Developer", devs);
    desired.permission_sets.clear();
    let mut renamed = desired_set(spec("Developer", 0));
    renamed.previous_names.push("Dev".to_owned());
    renamed.assignments = Extent::AtLeast;
    desired.permission_sets.insert("Developer".to_owned(), renamed);
    desired.assignments.clear();
    desired
        .assignments
        .insert(assignment_name(1, "Developer", group("devs")), desired_assignment(None));
    let plan = planned(&desired, &live);
    assert!(plan.changes.is_empty());
    assert_eq!(reasons(&plan), [RefusalReason::InUse]);
    // One that the file names is in nobody's way.
    let left = assignment_name(2, "Dev", user("ada"));
    desired.absent_assignments.insert(left, place(9));
    let plan = planned(&desired, &live);
    assert!(reasons(&plan).is_empty());
    let live = apply_to(&live, &plan.changes);
    assert!(live.permission_set_named("Dev").is_none());
    assert!(planned(&desired, &live).is_empty());
}

#[test]
fn renamed_users_and_groups_keep_their_access() {
    let (mut desired, live) = small_team();
    desired.users.clear();
    let mut lovelace = desired_user("lovelace");
    lovelace.previous_names.push("ada".to_owned());
    desired.users.insert("lovelace".to_owned(), lovelace);
    desired.groups.clear();
    let mut developers = desired_group(&["lovelace"], Extent::Exactly);
    developers.previous_names.push("devs".to_owned());
    desired.groups.insert("developers".to_owned(), developers);
    desired.assignments.clear();
    desired
        .assignments
        .insert(assignment_name(1, "Dev", group("developers")), desired_assignment(None));
    let plan = planned(&desired, &live);
    assert!(
        matches!(
            &plan.changes[..],
            [
                Change {
                    action: Action::UpdateUser { .. },
                    ..
                },
                Change {
                    action: Action::UpdateGroup { .. },
                    ..
                },
            ]
        ),
        "{plan:?}"
    );
    assert!(planned(&desired, &apply_to(&live, &plan.changes)).is_empty());
}

#[test]
fn an_email_address_that_another_user_has_is_refused() {
    let (mut desired, live) = small_team();
    desired.users.clear();
    let mut other = desired_user("lovelace");
    other.email = Some("ADA@example.com".to_owned());
    desired.users.insert("lovelace".to_owned(), other);
    let plan = planned(&desired, &live);
    assert!(plan.changes.is_empty());
    assert_eq!(reasons(&plan), [RefusalReason::EmailInUse]);
    assert!(plan.refusals[0].suggestion.contains("previous-names = [\"ada\"]"));
}

#[test]
fn a_user_without_details_cannot_be_created() {
    let (mut desired, live) = small_team();
    let mut grace = desired_user("grace");
    grace.email = None;
    grace.family_name = None;
    desired.users.insert("grace".to_owned(), grace);
    let plan = planned(&desired, &live);
    assert_eq!(reasons(&plan), [RefusalReason::UnknownPrincipal]);
    assert!(
        plan.refusals[0].what.contains("email and family-name"),
        "{:?}",
        plan.refusals
    );
}

#[test]
fn unknown_principals_are_refused_once() {
    let (mut desired, live) = small_team();
    for digit in 1..=3 {
        let name = assignment_name(digit, "Dev", group("nobody"));
        desired.assignments.insert(name, desired_assignment(None));
    }
    let plan = planned(&desired, &live);
    assert_eq!(reasons(&plan), [RefusalReason::UnknownPrincipal]);
    assert!(plan.changes.is_empty());
}

#[test]
fn external_users_and_groups_are_never_changed() {
    let (mut desired, mut live) = small_team();
    let id = live.group_named("devs").unwrap().0.clone();
    let external = Group {
        name: "devs".to_owned(),
        description: None,
        is_external: true,
    };
    live.groups.insert(id, external);
    assert!(planned(&desired, &live).is_empty());
    desired
        .groups
        .insert("devs".to_owned(), desired_group(&[], Extent::Exactly));
    let plan = planned(&desired, &live);
    assert!(plan.changes.is_empty());
    assert_eq!(reasons(&plan), [RefusalReason::External]);
}

#[test]
fn members_are_removed_only_from_groups_that_list_them_all() {
    let (mut desired, live) = small_team();
    desired
        .groups
        .insert("devs".to_owned(), desired_group(&[], Extent::AtLeast));
    assert!(planned(&desired, &live).is_empty());
    desired
        .groups
        .insert("devs".to_owned(), desired_group(&[], Extent::Exactly));
    let plan = planned(&desired, &live);
    assert!(matches!(
        &plan.changes[..],
        [Change {
            action: Action::RemoveMember { .. },
            ..
        }]
    ));

    desired.guard.protect.push(pattern("group:dev*"));
    let plan = planned(&desired, &live);
    assert!(plan.changes.is_empty());
    assert_eq!(reasons(&plan), [RefusalReason::Protected]);
}

#[test]
fn a_suspended_account_does_not_stop_the_others() {
    let (mut desired, mut live) = small_team();
    let devs = live.id_of(&group("devs")).unwrap();
    live.assign(4, "Dev", devs);
    desired.skipped_accounts.insert(account(4));
    desired
        .assignments
        .insert(assignment_name(2, "Dev", group("devs")), desired_assignment(None));
    let plan = planned(&desired, &live);
    assert!(matches!(
        &plan.changes[..],
        [Change {
            action: Action::CreateAssignment(_),
            ..
        }]
    ));
    assert_eq!(notes(&plan), [NoteKind::SkippedAccount]);
    assert_eq!(
        plan.notes[0].text,
        "The account Account 4 (444444444444) is SUSPENDED and was skipped; 1 assignment stays there."
    );
}

#[test]
fn selectors_that_match_the_management_account_and_do_not_name_it_are_noted_once() {
    let (mut desired, live) = small_team();
    let text = |desired: &Desired| {
        let plan = planned(desired, &live);
        assert_eq!(notes(&plan), [NoteKind::SkippedAccount]);
        (plan.notes[0].text.clone(), plan.notes[0].place.clone())
    };
    desired.without_management.insert(place(4));
    let (one, at) = text(&desired);
    assert!(
        one.contains("999999999999 matches a selector and was skipped."),
        "{one}"
    );
    assert_eq!(at, Some(place(4)));
    desired.without_management.insert(place(5));
    let (several, at) = text(&desired);
    assert!(
        several.contains("matches selectors in 2 [[assignment]] tables"),
        "{several}"
    );
    assert_eq!(at, None);
}

#[test]
fn all_users_absent_is_stopped_by_the_limit_of_deletions() {
    let mut desired = desired();
    let mut live = inventory();
    for number in 0..11 {
        let name = format!("u{number}");
        live.add_user(&name, live_user(&name));
        let mut user = desired_user(&name);
        user.is_absent = true;
        desired.users.insert(name, user);
    }
    let plan = planned(&desired, &live);
    assert!(plan.changes.is_empty());
    assert_eq!(plan.unpruned.len(), 11);
    assert_eq!(reasons(&plan), [RefusalReason::TooManyDeletes]);
    assert!(plan.refusals[0].suggestion.contains("--max-deletes 11"));

    let allowed = Options {
        prune: true,
        max_deletes: Some(11),
        ..Options::default()
    };
    let plan = super::plan(&desired, &live, &allowed, TODAY);
    assert_eq!((plan.changes.len(), plan.refusals.len()), (11, 0));
}

#[test]
fn a_large_part_of_what_is_owned_is_not_deleted() {
    let (desired, mut live) = small_team();
    for number in 0..9 {
        let name = format!("u{number}");
        let id = live.add_user(&name, live_user(&name));
        live.assign(1, "Dev", Principal::User(id.clone()));
        live.assign(2, "Dev", Principal::User(id));
    }
    // The set, 19 assignments and one membership are owned, and 18 are not listed.
    let allowed = |max_deletes| Options {
        prune: true,
        max_deletes,
        ..Options::default()
    };
    let mut file = desired.clone();
    file.guard.max_deletes = 100;
    let plan = super::plan(&file, &live, &allowed(None), TODAY);
    assert_eq!(reasons(&plan), [RefusalReason::TooManyDeletes]);
    assert!(plan.refusals[0].what.contains("18 of the 21"), "{:?}", plan.refusals);
    let plan = super::plan(&file, &live, &allowed(Some(18)), TODAY);
    assert_eq!((plan.changes.len(), plan.refusals.len()), (18, 0));
}

#[test]
fn the_callers_own_access_is_never_deleted() {
    let (mut desired, live) = small_team();
    let caller = CallerAccess {
        user: "ada".to_owned(),
        account: account(1),
        permission_set: "Dev".to_owned(),
    };
    let options = Options {
        prune: true,
        caller: Some(caller),
        ..Options::default()
    };
    desired.assignments.clear();
    desired
        .groups
        .insert("devs".to_owned(), desired_group(&[], Extent::Exactly));
    let plan = super::plan(&desired, &live, &options, TODAY);
    assert!(plan.changes.is_empty());
    assert_eq!(reasons(&plan), [RefusalReason::OwnAccess; 2]);

    // A direct assignment remains.
    let mut live = live;
    let ada = live.id_of(&user("ada")).unwrap();
    live.assign(1, "Dev", ada);
    desired
        .assignments
        .insert(assignment_name(1, "Dev", user("ada")), desired_assignment(None));
    let plan = super::plan(&desired, &live, &options, TODAY);
    assert_eq!((plan.changes.len(), plan.refusals.len()), (2, 0));
}

#[test]
fn a_protected_permission_set_is_neither_deleted_nor_emptied() {
    let (mut desired, live) = small_team();
    desired.guard.protect.push(pattern("permission-set:Dev"));
    desired.assignments.clear();
    assert_eq!(reasons(&planned(&desired, &live)), [RefusalReason::Protected]);
    desired.permission_sets.clear();
    let plan = planned(&desired, &live);
    assert!(plan.changes.is_empty());
    assert_eq!(reasons(&plan), [RefusalReason::Protected]);
}

#[test]
fn what_is_ignored_is_left_alone() {
    let (mut desired, live) = small_team();
    desired.guard.ignore.push(pattern("account:Account 1"));
    desired.assignments.clear();
    let plan = planned(&desired, &live);
    assert!(plan.is_empty());
    assert_eq!(notes(&plan), [NoteKind::Ignored]);
    // Neither does the permission set go while an ignored assignment uses it.
    desired.permission_sets.clear();
    assert!(planned(&desired, &live).is_empty());
}

#[test]
fn assignments_of_principals_that_are_gone_are_deleted() {
    let (desired, mut live) = small_team();
    live.assign(2, "Dev", Principal::User("user-gone".parse().unwrap()));
    let plan = planned(&desired, &live);
    assert!(matches!(
        &plan.changes[..],
        [Change {
            action: Action::DeleteAssignment { principal: None, .. },
            ..
        }]
    ));
}

#[test]
fn an_expired_assignment_is_deleted_and_one_that_ends_soon_is_noted() {
    let (mut desired, mut live) = small_team();
    let name = assignment_name(1, "Dev", group("devs"));
    desired
        .assignments
        .insert(name.clone(), desired_assignment(Some(date(2026, 12, 14))));
    let plan = planned(&desired, &live);
    assert!(plan.is_empty());
    assert_eq!(notes(&plan), [NoteKind::ExpiresSoon]);
    desired
        .assignments
        .insert(name.clone(), desired_assignment(Some(date(2026, 12, 15))));
    assert!(planned(&desired, &live).notes.is_empty());

    desired.assignments.clear();
    desired.expired.insert(name, expired(date(2026, 11, 30)));
    let plan = planned(&desired, &live);
    assert_eq!(notes(&plan), [NoteKind::Expired]);
    assert_eq!(plan.changes.len(), 1);
    assert_eq!(plan.changes[0].place, Some(place(5)));

    // Without ownership, it is named and stays.
    let arn = live.permission_set_named("Dev").unwrap().arn.clone();
    live.permission_sets.get_mut(&arn).unwrap().owner = None;
    let plan = planned(&desired, &live);
    assert!(plan.changes.is_empty());
    assert_eq!(reasons(&plan), [RefusalReason::Expired]);
    assert_eq!(plan.refusals[0].place, Some(place(5)));
}

#[test]
fn another_instance_is_refused() {
    let (mut desired, live) = small_team();
    let located = |value: &str| {
        Some(crate::access::mistake::Located {
            value: value.to_owned(),
            place: place(1),
        })
    };
    for same in [
        "ssoins-7223a1b2c3d4e5f6",
        "arn:aws:sso:::instance/ssoins-7223a1b2c3d4e5f6",
    ] {
        desired.instance = located(same);
        assert!(planned(&desired, &live).is_empty());
    }
    desired.instance = located("ssoins-0000000000000000");
    desired.assignments.clear();
    let plan = planned(&desired, &live);
    assert!(plan.changes.is_empty());
    assert_eq!(reasons(&plan), [RefusalReason::OtherInstance]);
}

#[test]
fn a_permission_set_whose_assignments_were_not_all_owned_is_not_deleted_with_them() {
    let (mut desired, live) = small_team();
    let shared = desired.permission_sets.get_mut("Dev").unwrap();
    shared.assignments = Extent::AtLeast;
    let mut live = apply_to(&live, &planned(&desired, &live).changes);
    let ada = live.id_of(&user("ada")).unwrap();
    live.assign(2, "Dev", ada);
    desired.permission_sets.clear();
    desired.assignments.clear();
    let plan = planned(&desired, &live);
    assert!(plan.changes.is_empty(), "{plan:#?}");
    assert_eq!(reasons(&plan), [RefusalReason::InUse]);
}

#[test]
fn a_permission_set_that_is_assigned_only_where_nothing_changes_stays_with_a_note() {
    let (mut desired, live) = small_team();
    desired.permission_sets.get_mut("Dev").unwrap().assignments = Extent::AtLeast;
    let mut live = apply_to(&live, &planned(&desired, &live).changes);
    let ada = live.id_of(&user("ada")).unwrap();
    live.assignments.clear();
    // This account is suspended.
    live.assign(4, "Dev", ada.clone());
    desired.permission_sets.clear();
    desired.assignments.clear();
    let plan = planned(&desired, &live);
    assert!(plan.is_empty(), "{plan:#?}");
    assert_eq!(notes(&plan), [NoteKind::SkippedAccount]);

    live.assignments.clear();
    live.assign(2, "Dev", ada);
    assert_eq!(reasons(&planned(&desired, &live)), [RefusalReason::InUse]);
    desired.guard.ignore.push(pattern("account:Account 2"));
    let plan = planned(&desired, &live);
    assert!(plan.is_empty(), "{plan:#?}");
    assert_eq!(notes(&plan), [NoteKind::Ignored]);
}

#[test]
fn accounts_that_are_ignored_or_not_active_are_not_provisioned() {
    let (mut desired, mut live) = small_team();
    let set = live.permission_set_named("Dev").unwrap().arn.clone();
    let ignored: AccountId = live.accounts.all.keys().next().unwrap().clone();
    let accounts: BTreeSet<AccountId> = live.accounts.all.keys().cloned().collect();
    live.permission_sets.get_mut(&set).unwrap().accounts = accounts.clone();
    let active: BTreeSet<AccountId> = accounts
        .into_iter()
        .filter(|id| *id != ignored && live.accounts.all[id].is_active())
        .collect();
    desired.guard.ignore.push(pattern(&format!("account:{ignored}")));
    desired.permission_sets.get_mut("Dev").unwrap().spec.relay_state = Some("https://example.com/".to_owned());
    let plan = planned(&desired, &live);
    let provision_in = plan.changes.iter().find_map(|change| match &change.action {
        Action::UpdatePermissionSet { provision_in, .. } => Some(provision_in.clone()),
        _ => None,
    });
    assert_eq!(provision_in, Some(Some(active)));
}

#[test]
fn the_refusal_of_a_user_counts_the_assignments_that_are_not_made() {
    let (mut desired, live) = small_team();
    let mut fay = desired_user("fay");
    fay.email = None;
    desired.users.insert("fay".to_owned(), fay);
    for digit in [1, 2] {
        desired
            .assignments
            .insert(assignment_name(digit, "Dev", user("fay")), desired_assignment(None));
    }
    let plan = planned(&desired, &live);
    assert!(plan.changes.is_empty());
    assert_eq!(reasons(&plan), [RefusalReason::UnknownPrincipal]);
    assert_eq!(
        plan.refusals[0].what,
        "The user fay does not exist, and can't be created without email. Its 2 assignments are not made either."
    );
    assert_eq!(plan.not_made, 2);
}

#[test]
fn a_pattern_that_matches_nothing_is_noted() {
    let (mut desired, live) = small_team();
    for text in [
        "group:dev*",
        "group:break-glas",
        "account:Account 1",
        "permission-set:Dev",
    ] {
        desired.guard.protect.push(pattern(text));
    }
    desired.guard.ignore.push(pattern("user:eve"));
    let plan = planned(&desired, &live);
    assert!(plan.is_empty());
    let texts: Vec<&str> = plan.notes.iter().map(|note| note.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "ignore: user:eve matches nothing.",
            "protect: group:break-glas matches nothing."
        ]
    );
}

#[test]
fn a_plan_says_if_assignments_of_deleted_principals_may_be_missing() {
    let (desired, mut live) = small_team();
    live.reads_every_pair = false;
    let plan = planned(&desired, &live);
    assert!(plan.is_empty());
    assert_eq!(notes(&plan), [NoteKind::MayBeIncomplete]);
}

#[test]
fn a_change_of_the_callers_own_permission_set_is_noted_and_can_be_kept_back() {
    let (mut desired, live) = small_team();
    let options = Options {
        caller: Some(CallerAccess {
            user: "ada".to_owned(),
            account: account(1),
            permission_set: "Dev".to_owned(),
        }),
        ..options(true)
    };
    // A description gives and takes no permission.
    let mut described = spec("Dev", 0);
    described.description = Some("Mine".to_owned());
    desired.permission_sets.get_mut("Dev").unwrap().spec = described;
    let plan = super::plan(&desired, &live, &options, TODAY);
    assert!(!plan.changes_permissions_of("Dev") && plan.notes.is_empty());

    desired.permission_sets.get_mut("Dev").unwrap().spec = spec("Dev", 1);
    let mut plan = super::plan(&desired, &live, &options, TODAY);
    assert_eq!(notes(&plan), [NoteKind::OwnPermissions]);
    assert!(plan.changes_permissions_of("Dev") && !plan.changes_permissions_of("Other"));
    plan.keep_permissions_of("Dev", "Ask first.");
    assert!(plan.changes.is_empty() && plan.notes.is_empty());
    assert_eq!(reasons(&plan), [RefusalReason::OwnAccess]);
}

#[test]
fn a_renamed_file_takes_over_the_permission_sets_of_its_earlier_name() {
    let (mut desired, mut live) = small_team();
    desired.permission_sets.get_mut("Dev").unwrap().adopt = true;
    let arn = live.permission_set_named("Dev").unwrap().arn.clone();
    let set = live.permission_sets.get_mut(&arn).unwrap();
    set.owner = Some("earlier".to_owned());
    set.settings
        .insert(Setting::Tag("idc-setup:access".to_owned()), Some("earlier".to_owned()));
    assert_eq!(reasons(&planned(&desired, &live)), [RefusalReason::OwnedByAnotherFile]);
    let options = Options {
        adopt_from: Some("earlier".to_owned()),
        ..options(true)
    };
    let plan = super::plan(&desired, &live, &options, TODAY);
    assert!(matches!(update_of(&plan), [FieldChange::Part(_)]), "{plan:?}");
    let live = apply_to(&live, &plan.changes);
    assert!(planned(&desired, &live).is_empty());
}

#[test]
fn every_suggestion_for_a_renamed_file_can_be_followed() {
    let (mut desired, mut live) = small_team();
    let arn = live.permission_set_named("Dev").unwrap().arn.clone();
    live.permission_sets.get_mut(&arn).unwrap().owner = Some("earlier".to_owned());
    let suggestion = |desired: &Desired, reason: RefusalReason| {
        let plan = planned(desired, &live);
        let refusal = plan.refusals.into_iter().find(|refusal| refusal.reason == reason);
        refusal.unwrap().suggestion
    };
    let command = "run idc-setup access adopt --from earlier";
    desired
        .permission_sets
        .insert("Dev".to_owned(), desired_set(spec("Dev", 1)));
    let differs = suggestion(&desired, RefusalReason::OwnedByAnotherFile);
    assert!(
        differs.contains(&format!("set adopt = true, and {command}")),
        "{differs}"
    );

    let mut renamed = desired.clone();
    renamed.permission_sets.clear();
    renamed.assignments.clear();
    let mut developer = desired_set(spec("Developer", 0));
    developer.previous_names.push("Dev".to_owned());
    renamed.permission_sets.insert("Developer".to_owned(), developer);
    let undo = suggestion(&renamed, RefusalReason::NotOwned);
    assert!(undo.contains(command), "{undo}");

    // absent and until cannot be in one [[assignment]].
    desired.assignments.clear();
    desired
        .expired
        .insert(assignment_name(1, "Dev", group("devs")), expired(date(2026, 11, 30)));
    let ended = suggestion(&desired, RefusalReason::Expired);
    assert!(
        ended.contains(command) && ended.contains("absent = true in place of until"),
        "{ended}"
    );
    // A file that does not list all assignments does not own them either when it owns the permission set.
    desired.permission_sets.get_mut("Dev").unwrap().assignments = Extent::AtLeast;
    let ended = suggestion(&desired, RefusalReason::Expired);
    assert!(!ended.contains(command), "{ended}");
}

#[test]
fn an_absent_user_loses_the_memberships_of_every_group() {
    let (mut desired, mut live) = small_team();
    live.add_user("eve", live_user("eve"));
    live.add_group("ops", live_group("ops"));
    live.add_member("ops", "eve");
    live.add_member("ops", "ada");
    desired
        .groups
        .insert("ops".to_owned(), desired_group(&["ada"], Extent::AtLeast));
    let mut eve = desired_user("eve");
    eve.is_absent = true;
    desired.users.insert("eve".to_owned(), eve);
    let plan = planned(&desired, &live);
    assert!(matches!(
        &plan.changes[..],
        [Change {
            action: Action::DeleteUser { .. },
            ..
        }]
    ));
    let after = apply_to(&live, &plan.changes);
    assert_eq!(after.memberships.len(), live.memberships.len() - 1);
}
