//! What happens to the assignments of users and groups that the plan deletes, and of those that are protected.

use super::*;

/// The team, with a user who must not exist and has two assignments, of which the file owns one.
fn with_leaver() -> (Desired, Inventory) {
    let (mut desired, mut live) = small_team();
    live.add_user("eve", live_user("eve"));
    let eve = live.id_of(&user("eve")).unwrap();
    live.add_set("other", &spec("Other", 0), None);
    live.assign(1, "Other", eve.clone());
    live.assign(2, "Dev", eve);
    let mut absent = desired_user("eve");
    absent.is_absent = true;
    desired.users.insert("eve".to_owned(), absent);
    (desired, live)
}

fn whats(plan: &Plan) -> Vec<&str> {
    plan.refusals.iter().map(|refusal| refusal.what.as_str()).collect()
}

#[test]
fn a_deleted_user_leaves_no_assignment() {
    let (mut desired, live) = with_leaver();
    let eve = live.id_of(&user("eve")).unwrap();
    let plan = planned(&desired, &live);
    let actions: Vec<&Action> = plan.changes.iter().map(|change| &change.action).collect();
    assert!(
        matches!(
            actions[..],
            [
                Action::DeleteAssignment { .. },
                Action::DeleteAssignment { .. },
                Action::DeleteUser { .. },
            ]
        ),
        "{actions:?}"
    );
    let after = apply_to(&live, &plan.changes);
    assert!(after.assignments.iter().all(|key| key.principal != eve));
    assert!(planned(&desired, &after).is_empty());
    // All of them count.
    desired.guard.max_deletes = 2;
    assert_eq!(reasons(&planned(&desired, &live)), [RefusalReason::TooManyDeletes]);
}

#[test]
fn a_user_who_is_not_deleted_keeps_what_the_file_does_not_own() {
    let (mut desired, mut live) = with_leaver();
    live.add_group("glass", live_group("glass"));
    live.add_member("glass", "eve");
    desired.guard.protect.push(pattern("group:glass"));
    let plan = planned(&desired, &live);
    assert_eq!(
        whats(&plan),
        ["The group glass is protected, and would lose its last member. Therefore the user eve is not deleted."]
    );
    let deleted: Vec<&str> = plan
        .changes
        .iter()
        .map(|change| match &change.action {
            Action::DeleteAssignment { permission_set, .. } => permission_set.as_str(),
            action => panic!("{action:?}"),
        })
        .collect();
    assert_eq!(deleted, ["Dev"]);
}

#[test]
fn a_user_who_is_not_deleted_keeps_a_permission_set_that_is_no_longer_listed() {
    let (mut desired, mut live) = with_leaver();
    let mut unlisted = spec("Unlisted", 0);
    let tags = unlisted.tags.get_or_insert_default();
    tags.insert(ASSIGNMENTS_TAG.to_owned(), AT_LEAST.to_owned());
    live.add_set("unlisted", &unlisted, Some(FILE));
    let eve = live.id_of(&user("eve")).unwrap();
    live.assign(3, "Unlisted", eve.clone());
    let free = planned(&desired, &live);
    assert!(free.refusals.is_empty(), "{:?}", whats(&free));
    let after = apply_to(&live, &free.changes);
    assert!(after.permission_set_named("Unlisted").is_none());
    // The file does not own the assignment, and the user stays.
    live.add_group("glass", live_group("glass"));
    live.add_member("glass", "eve");
    desired.guard.protect.push(pattern("group:glass"));
    let after = apply_to(&live, &planned(&desired, &live).changes);
    let set = after.permission_set_named("Unlisted").unwrap();
    assert!(
        after
            .assignments
            .iter()
            .any(|key| key.permission_set == set.arn && key.principal == eve)
    );
}

#[test]
fn assignments_that_outlive_their_user_are_noted_once() {
    let (mut desired, mut live) = with_leaver();
    let eve = live.id_of(&user("eve")).unwrap();
    live.assign(4, "Dev", eve);
    let plan = planned(&desired, &live);
    assert_eq!(notes(&plan), [NoteKind::SkippedAccount, NoteKind::Orphaned]);
    assert!(
        plan.notes[0].text.ends_with("; 1 assignment stays there."),
        "{}",
        plan.notes[0].text
    );
    assert!(
        plan.notes[1]
            .text
            .starts_with("User eve is deleted and has 1 assignment that stays:"),
        "{}",
        plan.notes[1].text
    );
    desired.guard.ignore.push(pattern("account:222222222222"));
    let plan = planned(&desired, &live);
    let orphaned = plan.notes.iter().find(|note| note.kind == NoteKind::Orphaned).unwrap();
    assert!(
        orphaned
            .text
            .starts_with("User eve is deleted and has 2 assignments that stay:"),
        "{}",
        orphaned.text
    );
}

#[test]
fn all_users_who_are_not_deleted_are_named() {
    let (mut desired, mut live) = with_leaver();
    live.add_user("max", live_user("max"));
    let mut absent = desired_user("max");
    absent.is_absent = true;
    desired.users.insert("max".to_owned(), absent);
    live.add_group("glass", live_group("glass"));
    live.add_member("glass", "eve");
    live.add_member("glass", "max");
    desired.guard.protect.push(pattern("group:glass"));
    let plan = planned(&desired, &live);
    assert_eq!(
        whats(&plan),
        [
            "The group glass is protected, and would lose its last member. Therefore the user eve and the user max are not \
             deleted."
        ]
    );
}

#[test]
fn a_protected_group_keeps_its_last_assignment() {
    let (mut desired, mut live) = small_team();
    desired.assignments.clear();
    desired.guard.protect.push(pattern("group:devs"));
    let plan = planned(&desired, &live);
    assert_eq!(
        whats(&plan),
        ["It would delete the last assignment of the group devs, which is protected."]
    );
    assert_eq!(
        plan.refusals[0].suggestion,
        "List another assignment first, or remove the group devs from protect."
    );
    assert!(plan.changes.is_empty());
    // Also if the file says that the group must not exist.
    let listed = desired.groups.get_mut("devs").unwrap();
    listed.members.clear();
    listed.is_absent = true;
    let plan = planned(&desired, &live);
    assert_eq!(reasons(&plan), [RefusalReason::Protected, RefusalReason::Protected]);
    assert!(plan.changes.is_empty());
    // With another assignment, this one can be deleted.
    desired
        .groups
        .insert("devs".to_owned(), desired_group(&["ada"], Extent::Exactly));
    let devs = live.id_of(&group("devs")).unwrap();
    live.assign(2, "Dev", devs);
    let name = assignment_name(2, "Dev", group("devs"));
    desired.assignments.insert(name, desired_assignment(None));
    let plan = planned(&desired, &live);
    assert_eq!(plan.changes.len(), 1);
    assert!(plan.refusals.is_empty());
}
