//! The commands of `access`: what they change, what they print as text, JSON and Markdown, and their exit codes.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use idc_setup::ui::access::json::{AccessBody, Event};
use idc_setup::ui::envelope::Envelope;
use idc_sim::{Assignment, FaultKind, PermissionSet, Role};
use serde_json::{Value, json};

use super::json::schema;
use super::support::team::{self, COUNTS, DEV, PROD, applied, edit, organization, team};
use super::support::{RunResult, TestEnv, is_mutating, yaml};

/// Asserts that the envelope fits its schema, and returns it.
fn validated(result: &RunResult) -> Value {
    let schema = schema("envelope-access.v1.json", schemars::schema_for!(Envelope<AccessBody>));
    let envelope = result.envelope();
    if let Err(error) = jsonschema::validate(&schema, &envelope) {
        panic!("{error}\n{envelope:#}");
    }
    assert_eq!(envelope["exit"], result.code);
    envelope
}

fn list<'v>(envelope: &'v Value, part: &str, name: &str) -> &'v Vec<Value> {
    envelope[part][name]
        .as_array()
        .unwrap_or_else(|| panic!("no {part}.{name} in {envelope:#}"))
}

fn mutating(env: &TestEnv) -> Vec<String> {
    let calls = env.server.calls().into_iter().filter(is_mutating);
    calls.map(|call| call.operation).collect()
}

#[test]
fn a_single_long_change_does_not_silence_the_progress() {
    let env = applied();
    edit(&env, "session-duration = \"8h\"", "session-duration = \"4h\"");
    let delay = FaultKind::Delay(Duration::from_secs(12));
    env.fault("ProvisionPermissionSet", 1, delay);
    // The estimate is used up, so that the line does not say how long the rest takes.
    env.run(&["access", "apply"])
        .expect(0)
        .expect_text("0 of 1 change done\n");
}

#[test]
fn a_plan_is_applied_and_then_there_is_nothing_to_do() {
    let env = team();
    let planned = validated(&env.json(&["access", "plan"]).expect(3));
    assert_eq!(list(&planned, "plan", "changes").len(), COUNTS.iter().sum::<usize>());
    assert_eq!(planned["command"], "access plan");
    assert_eq!(planned["name"], "acme");
    assert_eq!(mutating(&env), [""; 0]);
    let outcome = validated(&env.json(&["access", "apply"]).expect(0));
    assert_eq!(outcome["outcome"]["done"], 10);
    assert_eq!(env.counts(), COUNTS);
    let before = mutating(&env).len();
    let again = validated(&env.json(&["access", "plan"]).expect(0));
    assert_eq!(again["plan"]["changes"], serde_json::json!([]));
    assert_eq!(again["plan"]["unchanged"], 10);
    env.run(&["access", "apply"]).expect(0).expect_text("Nothing to do");
    assert_eq!(mutating(&env).len(), before);
}

#[test]
fn a_plan_shows_who_gets_which_access_where() {
    let env = team();
    let text = env.run(&["access", "plan"]).expect(3).stdout;
    for line in [
        "Access plan: acme",
        "  + 2 users, 1 group, 2 memberships, 2 permission sets, 3 assignments",
        "  + user ada (Ada Lovelace, ada@example.com)",
        "  + ada in group platform",
        "  + permission set Admin: AdministratorAccess, sessions of 8h",
        "  group platform",
        "    + Admin in Prod 1 (111111111111) and Prod 2 (222222222222)",
        "    + Read in Dev 1 (333333333333)",
        "  Dev 1 (333333333333)  +1",
        "    idc-setup access apply",
    ] {
        assert!(
            text.lines().any(|own| own.trim_end() == line),
            "{line:?} is not in:\n{text}"
        );
    }
}

#[test]
fn a_long_plan_fits_a_screen_and_shows_everything_on_request() {
    let mut cloud = organization();
    for n in 0..60 {
        let id = format!("{}", 500_000_000_000_u64 + n);
        cloud
            .accounts
            .push(team::account(&id, &format!("Prod {n}x"), "ou-exam-prod0000"));
    }
    let env = TestEnv::with(cloud);
    let groups: Vec<String> = (0..12).map(|n| format!("[[group]]\nname = \"team-{n}\"\n\n")).collect();
    let groups = groups.concat();
    let principals: Vec<String> = (0..12).map(|n| format!("\"group:team-{n}\"")).collect();
    let assignment = format!(
        "[[assignment]]\nprincipals = [{}]\npermission-sets = [\"Admin\"]\naccounts = [\"@prod\"]\n",
        principals.join(", ")
    );
    team::write(&env, &format!("{}\n{groups}{assignment}", team::FILE));
    let short = env.run(&["access", "plan"]).expect(3).stdout;
    assert!(short.lines().count() <= 65, "{short}");
    assert!(
        short.contains("+ Give 2 permission sets in 63 accounts to 13 groups and 1 user (807 assignments)."),
        "{short}"
    );
    assert!(short.contains("more (-v shows them)"), "{short}");
    let long = env.run(&["access", "plan", "-v"]).expect(3).stdout;
    assert!(long.contains("Prod 59x (500000000059)"), "{long}");
    assert!(!long.contains("-v shows them"), "{long}");
}

#[test]
fn a_plan_in_markdown_is_a_comment_for_a_pull_request() {
    let env = team();
    let page = env.run(&["access", "plan", "--output=markdown"]).expect(3).stdout;
    for line in [
        "## Access plan: `acme`",
        "| create | 2 | 1 | 2 | 2 | 3 |",
        "| `group platform` | `+` | `Admin` | `Prod 1 (111111111111)`, `Prod 2 (222222222222)` |",
        "| `Dev 1 (333333333333)` | `Workloads/Dev` | 1 | 0 |",
    ] {
        assert!(page.lines().any(|own| own == line), "{line:?} is not in:\n{page}");
    }
    let page = env.run(&["access", "apply", "--output=markdown"]).expect(0).stdout;
    assert!(page.contains("**10 changes made in"), "{page}");
    let page = env.run(&["access", "apply", "--output=markdown"]).expect(0).stdout;
    assert!(
        page.contains("**Nothing to do**") && !page.contains("made in"),
        "{page}"
    );
    let page = env.run(&["access", "plan", "--output=markdown"]).expect(0).stdout;
    assert!(
        page.contains("**Nothing to do**: 10 items are as the file says."),
        "{page}"
    );
    let page = env.run(&["access", "drift", "--output=markdown"]).expect(0).stdout;
    assert!(page.contains("**No drift**"), "{page}");
    env.run(&["status", "--output=markdown"])
        .expect(2)
        .expect_text("access plan --output markdown");
    env.run(&["export", "access", "--output=markdown"])
        .expect(2)
        .expect_text("export access prints the access file itself, as TOML.");
}

#[test]
fn explain_adopt_and_remove_print_markdown_too() {
    let env = applied();
    let page = env
        .run(&["access", "explain", "ada", "--output=markdown"])
        .expect(0)
        .stdout;
    assert!(page.starts_with("## Access of `user:ada`\n\n| account "), "{page}");
    for (account, rest) in [
        (
            "| `Prod 1 (111111111111)` | `Admin` | `group platform` | exists | ",
            "`access.toml:",
        ),
        ("| `Dev 1 (333333333333)` | `Read` | directly | exists | ", "TICKET-1"),
    ] {
        let row = page.lines().find(|line| line.starts_with(account));
        assert!(row.is_some_and(|row| row.contains(rest)), "{account:?} in:\n{page}");
    }
    env.server.cloud().permission_sets[0].tags.clear();
    let page = env
        .run(&["access", "adopt", "--yes", "--output=markdown"])
        .expect(0)
        .stdout;
    assert!(page.contains(": taken over"), "{page}");
    assert!(page.contains("**1 change made in"), "{page}");
    let page = env
        .run(&["access", "remove", "ada", "--output=markdown"])
        .expect(3)
        .stdout;
    assert!(
        page.starts_with("## Access file without `ada`\n\n**Not written.**\n\n```diff\n"),
        "{page}"
    );
    let result = env
        .run(&["access", "remove", "ada", "--yes", "--output=markdown"])
        .expect(3);
    // A log that has both streams does not have the difference twice.
    assert!(!result.stderr.contains("-name = \"ada\""), "{}", result.stderr);
    let page = result.stdout;
    for line in ["**Written.**", "-name = \"ada\"", "## Access plan: `acme`"] {
        assert!(page.lines().any(|own| own == line), "{line:?} is not in:\n{page}");
    }
}

#[test]
fn a_plan_in_markdown_has_the_units_of_each_account_also_if_the_file_names_none() {
    let env = team();
    edit(&env, "ou:Workloads/Prod/**", "name:Prod *");
    let page = env.run(&["access", "plan", "--output=markdown"]).expect(3).stdout;
    let line = "| `Dev 1 (333333333333)` | `ou-exam-workload/ou-exam-dev00000` | 1 | 0 |";
    assert!(page.lines().any(|own| own == line), "{line:?} is not in:\n{page}");
}

#[test]
fn names_cannot_format_or_mention_in_markdown() {
    let mut cloud = organization();
    let last = cloud.accounts.len() - 1;
    cloud.accounts[last].name = "Dev |`<b>@everyone".to_owned();
    let env = TestEnv::with(cloud);
    team::write(&env, team::FILE);
    let page = env.run(&["access", "plan", "--output=markdown"]).expect(3).stdout;
    assert!(page.contains("`` Dev \\|`<b>@everyone (333333333333) ``"), "{page}");
}

#[test]
fn what_the_file_no_longer_asks_for_is_deleted_only_with_prune() {
    let env = applied();
    let (kept, _) = team::FILE
        .split_once("[[assignment]]\nprincipals = [\"user:ada\"]")
        .unwrap();
    team::write(&env, kept);
    let plan = validated(&env.json(&["access", "plan"]).expect(3));
    assert_eq!(list(&plan, "plan", "changes").len(), 0);
    let unpruned = list(&plan, "plan", "unpruned");
    assert_eq!(unpruned.len(), 1, "{plan:#}");
    assert_eq!(unpruned[0]["kind"], "delete_assignment");
    assert_eq!(unpruned[0]["user"], "ada");
    assert_eq!(unpruned[0]["account"], DEV);
    env.json(&["access", "apply"]).expect(3);
    assert_eq!(env.counts(), COUNTS);
    let pruned = validated(&env.json(&["access", "plan", "--prune"]).expect(3));
    assert_eq!(list(&pruned, "plan", "changes").len(), 1);
    env.json(&["access", "apply", "--prune"]).expect(0);
    assert_eq!(env.counts(), [2, 1, 2, 2, 2]);
    env.json(&["access", "plan", "--prune"]).expect(0);
}

#[test]
fn a_plan_ends_with_the_command_that_applies_it() {
    let env = applied();
    let (kept, _) = team::FILE
        .split_once("[[assignment]]\nprincipals = [\"user:ada\"]")
        .unwrap();
    team::write(&env, kept);
    let plan = env.run(&["access", "plan"]).expect(3).stdout;
    assert!(plan.contains("Deleted only with --prune"), "{plan}");
    assert!(
        plan.ends_with("  Make this deletion too:\n    idc-setup access apply --prune\n"),
        "{plan}"
    );
    let plan = env
        .run(&["access", "plan", "--prune", "--max-deletes=1"])
        .expect(3)
        .stdout;
    assert!(
        plan.ends_with("  Apply it:\n    idc-setup access apply --prune --max-deletes 1\n"),
        "{plan}"
    );
}

#[test]
fn more_deletions_than_the_guard_allows_are_refused() {
    let env = applied();
    let (kept, _) = team::FILE.split_once("[[assignment]]").unwrap();
    team::write(
        &env,
        &kept.replace("name = \"acme\"\n", "name = \"acme\"\n[guard]\nmax-deletes = 2\n"),
    );
    // What is suggested without --prune is not refused later.
    env.run(&["access", "plan"])
        .expect(3)
        .expect_text("  Make these 3 deletions too:\n    idc-setup access apply --prune --max-deletes 3\n");
    let refused = validated(&env.json(&["access", "apply", "--prune"]).expect(5));
    assert_eq!(list(&refused, "plan", "refusals")[0]["reason"], "too_many_deletes");
    assert_eq!(env.counts(), COUNTS);
    for command in ["plan", "apply"] {
        env.run(&["access", command, "access.toml", "--prune"])
            .expect(5)
            .expect_text("Kept: more deletions than allowed")
            .expect_text("idc-setup access apply access.toml --prune --max-deletes 3");
    }
    env.json(&["access", "apply", "--prune", "--max-deletes=3"]).expect(0);
    assert_eq!(env.counts(), [2, 1, 2, 2, 0]);
}

#[test]
fn drift_names_who_and_what_and_exits_with_5() {
    let env = applied();
    env.run(&["access", "drift"]).expect(0).expect_text("No drift");
    {
        let mut cloud = env.server.cloud();
        let set = cloud.permission_sets.iter().find(|set| set.name == "Admin").unwrap();
        let (permission_set, user) = (set.arn.clone(), cloud.instances[0].store.find_user_id("bob").unwrap());
        cloud.assignments.push(Assignment {
            account: PROD[0].to_owned(),
            permission_set,
            principal_type: "USER".to_owned(),
            principal: user,
        });
    }
    let result = env.run(&["access", "drift"]).expect(5);
    for word in ["bob", "Admin", PROD[0]] {
        assert!(result.stdout.contains(word), "{word} is not in:\n{}", result.stdout);
    }
    let envelope = validated(&env.json(&["access", "drift"]).expect(5));
    assert_eq!(envelope["drift"][0]["kind"], "changed");
    assert_eq!(envelope["drift"][0]["user"], "bob");
    assert_eq!(envelope["drift"][0]["permission_set"], "Admin");
    assert_eq!(envelope["drift"][0]["account"], PROD[0]);
    let page = env.run(&["access", "drift", "--output=markdown"]).expect(5).stdout;
    assert!(page.contains("| changed by somebody else"), "{page}");
}

#[test]
fn long_drift_is_cut_unless_everything_is_wanted() {
    let env = applied();
    {
        let mut cloud = env.server.cloud();
        let set = cloud.permission_sets.iter().find(|set| set.name == "Admin").unwrap();
        let (permission_set, user) = (set.arn.clone(), cloud.instances[0].store.find_user_id("bob").unwrap());
        let role = cloud.roles.iter().find(|role| role.permission_set == permission_set);
        let role = role.unwrap().clone();
        for number in 0..8 {
            let id = format!("55555555550{number}");
            cloud.accounts.push(team::account(&id, &format!("Other {number}"), ""));
            let account = id.clone();
            cloud.roles.push(Role {
                account,
                ..role.clone()
            });
            cloud.assignments.push(Assignment {
                account: id,
                permission_set: permission_set.clone(),
                principal_type: "USER".to_owned(),
                principal: user.clone(),
            });
        }
    }
    let shown = env.run(&["access", "drift"]).expect(5).stdout;
    assert_eq!(
        shown.matches("  - ").count() + shown.matches("  ~ ").count(),
        5,
        "{shown}"
    );
    assert!(shown.contains("  … and 3 more (-v shows them)\n"), "{shown}");
    let all = env.run(&["access", "drift", "-v"]).expect(5).stdout;
    assert_eq!(all.matches("  - ").count() + all.matches("  ~ ").count(), 8, "{all}");
}

#[test]
fn drift_tells_edited_sets_that_are_not_provisioned() {
    let env = applied();
    for role in &mut env.server.cloud().roles {
        role.version = "an earlier one".to_owned();
    }
    let envelope = validated(&env.json(&["access", "drift"]).expect(5));
    let drift = envelope["drift"].as_array().unwrap();
    assert!(
        !drift.is_empty() && drift.iter().all(|one| one["kind"] == "not_provisioned"),
        "{drift:#?}"
    );
}

#[test]
fn drift_tells_assignments_of_what_is_gone() {
    let env = applied();
    {
        let mut cloud = env.server.cloud();
        let store = &mut cloud.instances[0].store;
        let ada = store.find_user_id("ada").unwrap();
        store.users.remove(&ada);
        store.memberships.retain(|_, membership| membership.user != ada);
    }
    let envelope = validated(&env.json(&["access", "drift", "--thorough"]).expect(5));
    let drift = envelope["drift"].as_array().unwrap();
    assert!(drift.iter().any(|one| one["kind"] == "gone"), "{drift:#?}");
}

#[test]
fn explain_shows_every_way_with_group_set_file_and_line() {
    let env = team();
    let text = env.run(&["access", "explain", "ada"]).expect(0).stdout;
    assert!(
        text.contains("+ Admin through group platform: 2 accounts, not applied yet"),
        "{text}"
    );
    env.json(&["access", "apply"]).expect(0);
    let text = env.run(&["access", "explain", "user:ada"]).expect(0).stdout;
    assert!(text.contains("  Admin through group platform: 2 accounts\n"), "{text}");
    assert!(
        text.contains("Prod 1 (111111111111) and Prod 2 (222222222222)"),
        "{text}"
    );
    assert!(text.contains("  Read directly: 1 account\n"), "{text}");
    assert!(text.contains("access.toml:") && text.contains("TICKET-1"), "{text}");
    let envelope = validated(&env.json(&["access", "explain", "ada", "Dev 1"]).expect(0));
    let ways = envelope["ways"].as_array().unwrap();
    assert_eq!(ways.len(), 1, "{ways:#?}");
    assert_eq!(ways[0]["permission_set"], "Read");
    assert_eq!(ways[0]["state"], "as_desired");
    let group = validated(&env.json(&["access", "explain", "group:platform", PROD[0]]).expect(0));
    assert_eq!(group["ways"][0]["permission_set"], "Admin");
    env.run(&["access", "explain", "eve"]).expect(2).expect_text("eve");
    env.run(&["access", "explain", "ada", "Nowhere"])
        .expect(2)
        .expect_text("Nowhere")
        .expect_text("idc-setup access explain ada ACCOUNT");
    env.run(&["access", "explain", "ada", "Dev 2"])
        .expect(2)
        .expect_text("idc-setup access explain ada 'Dev 1'");
    env.run(&["access", "explain", "user:adaa", "Dev 1"])
        .expect(2)
        .expect_text("A similar name is ada.")
        .expect_text("idc-setup access explain user:ada 'Dev 1'");
}

#[test]
fn access_that_the_file_does_not_ask_for_is_explained_too() {
    let env = applied();
    let other = "format = 1\nname = \"other\"\n[[permission-set]]\nname = \"Other\"\nmanaged-policies = [\"ReadOnlyAccess\"]\n\
                 [[assignment]]\nprincipals = [\"user:bob\"]\npermission-sets = [\"Other\"]\naccounts = [\"name:Dev *\"]\n";
    std::fs::write(env.path("other.toml"), other).unwrap();
    env.json(&["access", "apply", "other.toml"]).expect(0);
    // Neither file touches what the other one owns.
    env.json(&["access", "plan", "--prune"]).expect(0);
    env.run(&["access", "explain", "bob"])
        .expect(0)
        .expect_text("! Other directly: 1 account, but the file does not ask for it");
}

#[test]
fn a_way_through_a_group_cites_the_line_of_the_member_or_of_the_group() {
    let env = applied();
    edit(&env, "members = [\"ada\", \"bob\"]", "members = [\n  \"ada\",\n]");
    let text = std::fs::read_to_string(env.path("access.toml")).unwrap();
    let place = |line: &str| {
        let found = text.lines().position(|other| other == line);
        format!("access.toml:{}:", found.unwrap() + 1)
    };
    let member = format!("{}3, member of the group", place("  \"ada\","));
    env.run(&["access", "explain", "ada"]).expect(0).expect_text(&member);
    let group = format!("{}1, does not list the user in the group", place("[[group]]"));
    env.run(&["access", "explain", "bob"])
        .expect(0)
        .expect_text("whose membership is exactly")
        .expect_text(&group);
}

#[test]
fn a_member_that_the_file_does_not_list_is_explained_as_such_also_in_an_at_least_group() {
    let env = applied();
    edit(
        &env,
        "members = [\"ada\", \"bob\"]\nmembership = \"exactly\"",
        "members = [\"ada\"]",
    );
    env.run(&["access", "explain", "bob"])
        .expect(0)
        .expect_text("! Admin through group platform: 2 accounts, but the file does not list the user in the group")
        .expect_text("at-least");
    let envelope = validated(&env.json(&["access", "explain", "bob"]).expect(0));
    assert_eq!(envelope["ways"][0]["state"], "not_desired");
}

#[test]
fn a_leaver_who_keeps_access_is_named_and_can_be_deleted() {
    let env = applied();
    edit(&env, "membership = \"exactly\"\n", "");
    let kept = "bob stays in the group platform, which has Admin in 2 accounts: its membership is at-least.";
    let plan = env.run(&["access", "plan", "--without-user=bob"]).expect(0);
    let (_, end) = plan
        .stdout
        .split_once("Access that stays, even with --prune\n")
        .unwrap();
    assert!(end.contains(kept), "{}", plan.stdout);
    assert!(
        end.contains("idc-setup access remove bob --delete-user"),
        "{}",
        plan.stdout
    );
    env.run(&["access", "plan", "--without-user=bob", "--output=markdown"])
        .expect(0)
        .expect_text("### Access that stays, even with `--prune`");
    let envelope = validated(&env.json(&["access", "remove", "bob", "--yes"]).expect(0));
    let notes = list(&envelope, "plan", "notes");
    assert_eq!(notes[0]["kind"], "keeps_access", "{envelope:#}");
    assert!(notes[0]["text"].as_str().unwrap().starts_with(kept), "{notes:#?}");
    // Without the file, the account still knows the user.
    env.run(&["access", "plan", "--without-user=bob"])
        .expect(0)
        .expect_text(kept);
    let deleted = validated(
        &env.json(&["access", "remove", "bob", "--delete-user", "--yes"])
            .expect(3),
    );
    assert_eq!(list(&deleted, "plan", "unpruned")[0]["kind"], "delete_user");
    env.json(&["access", "apply", "--prune"]).expect(0);
    assert_eq!(env.counts(), [1, 1, 1, 2, 3]);
    env.json(&["access", "plan", "--prune"]).expect(0);
}

#[test]
fn drift_names_users_and_groups_that_differ_from_the_file() {
    let env = applied();
    edit(&env, "email = \"bob@example.com\"", "email = \"byron@example.com\"");
    edit(
        &env,
        "name = \"platform\"",
        "name = \"platform\"\ndescription = \"Everything\"",
    );
    let fay = "[[user]]\nname = \"fay\"\nemail = \"fay@example.com\"\ngiven-name = \"Fay\"\nfamily-name = \"Day\"\n\n[[group]]";
    edit(&env, "[[group]]", fay);
    env.run(&["access", "drift"])
        .expect(5)
        .expect_text("The user bob has the email address bob@example.com; the file says byron@example.com.")
        .expect_text("The group platform has no description; the file says Everything.")
        .expect_text("The user fay does not exist.");
}

#[test]
fn drift_notes_a_permission_set_that_is_renamed_and_still_exists() {
    let env = applied();
    let read = "[[permission-set]]\nname = \"Read\"";
    edit(
        &env,
        read,
        "[[permission-set]]\nname = \"View\"\nprevious-names = [\"Read\"]",
    );
    edit(&env, "permission-sets = [\"Read\"]", "permission-sets = [\"View\"]");
    env.run(&["access", "apply"])
        .expect(3)
        .expect_text("A later apply with --prune deletes it.")
        .expect_text("elete the permission set with the old name")
        .expect_text("access apply --prune");
    let note = "The permission set Read is renamed to View, and still exists with 1 assignment.";
    env.run(&["access", "drift"]).expect(0).expect_text(note);
    let envelope = validated(&env.json(&["access", "drift"]).expect(0));
    assert_eq!(envelope["notes"][0]["kind"], "renamed_later");
    env.json(&["access", "apply", "--prune"]).expect(0);
    let after = env.run(&["access", "drift"]).expect(0);
    assert!(!after.stdout.contains("is renamed"), "{}", after.stdout);
}

#[test]
fn drift_says_which_permission_sets_are_not_owned() {
    let env = applied();
    for set in &mut env.server.cloud().permission_sets {
        set.tags.remove("idc-setup:access");
    }
    let text = "Admin and Read are equal to the file, and not owned";
    env.run(&["access", "drift"])
        .expect(0)
        .expect_text(text)
        .expect_text("idc-setup access adopt");
    let envelope = validated(&env.json(&["access", "drift"]).expect(0));
    assert_eq!(envelope["notes"][0]["kind"], "not_owned");
    env.run(&["access", "drift", "--output=markdown"])
        .expect(0)
        .expect_text("### Notes");
}

#[test]
fn a_renamed_file_takes_its_permission_sets_over_if_it_is_asked_to() {
    let env = applied();
    edit(&env, "name = \"acme\"", "name = \"example\"");
    env.run(&["access", "plan"])
        .expect(0)
        .expect_text("owned by the access file acme")
        .expect_text("idc-setup access adopt --from acme");
    let nothing = "There is no permission set to take over.";
    env.run(&["access", "adopt"])
        .expect(0)
        .expect_text(nothing)
        .expect_text("The access file acme owns 2: if you renamed this file, run idc-setup access adopt --from acme.");
    env.run(&["access", "adopt", "--from=acme"]).expect(0);
    env.run(&["access", "adopt", "--from=acme"])
        .expect(0)
        .expect_text(nothing)
        .expect_text("The file owns 2 already.");
    let envelope = validated(&env.json(&["access", "adopt", "--from=acme"]).expect(0));
    assert_eq!(list(&envelope, "plan", "notes")[0]["kind"], "nothing_to_adopt");
    let cloud = env.server.cloud();
    let tags = cloud
        .permission_sets
        .iter()
        .map(|set| set.tags["idc-setup:access"].as_str());
    assert_eq!(tags.collect::<Vec<_>>(), ["example", "example"]);
}

#[test]
fn a_changed_inline_policy_is_shown_as_a_difference() {
    let env = team();
    let policy = "inline-policy = { Version = \"2012-10-17\", Statement = [{ Effect = \"Allow\", Action = \"logs:Get*\", \
                  Resource = \"*\" }] }";
    edit(
        &env,
        "managed-policies = [\"ReadOnlyAccess\"]",
        &format!("managed-policies = [\"ReadOnlyAccess\"]\n{policy}"),
    );
    env.json(&["access", "apply"]).expect(0);
    edit(&env, "logs:Get*", "logs:*");
    env.run(&["access", "plan"])
        .expect(3)
        .expect_text("inline policy: 1 line added, 1 removed (-v shows the difference)");
    for command in ["plan", "drift"] {
        let result = env.run(&["access", command, "-v"]);
        assert!(
            result.stdout.contains("+      \"Action\": \"logs:*\","),
            "{}",
            result.stdout
        );
        let page = env.run(&["access", command, "--output=markdown"]).stdout;
        assert!(page.contains("<details><summary>Inline policy of Read"), "{page}");
        assert!(page.contains("\n-      \"Action\": \"logs:Get*\",\n"), "{page}");
    }
    let plan = validated(&env.json(&["access", "plan"]).expect(3));
    let change = &list(&plan, "plan", "changes")[0]["inline_policy"];
    assert!(change["before"].as_str().unwrap().contains("logs:Get*"), "{plan:#}");
    assert!(change["after"].as_str().unwrap().contains("logs:*"), "{plan:#}");
    let drift = validated(&env.json(&["access", "drift"]).expect(5));
    assert!(drift["drift"][0]["inline_policy"]["diff"].is_string(), "{drift:#}");
}

#[test]
fn patterns_that_match_nothing_are_noted() {
    let env = applied();
    edit(
        &env,
        "name = \"acme\"\n",
        "name = \"acme\"\n[guard]\nprotect = [\"group:platfrom\"]\n",
    );
    env.run(&["access", "plan"])
        .expect(0)
        .expect_text("protect: group:platfrom matches nothing.");
}

#[test]
fn the_assignments_of_a_refused_user_are_counted() {
    let env = team();
    edit(&env, "email = \"ada@example.com\"\n", "");
    let plan = validated(&env.json(&["access", "plan"]).expect(5));
    assert_eq!(plan["plan"]["not_made"], 1);
    env.run(&["access", "plan"])
        .expect(5)
        .expect_text("Its assignment is not made either.")
        .expect_text("1 assignment is not made");
}

#[test]
fn an_exported_group_lists_all_of_its_members_and_its_plan_has_nothing_to_do() {
    let env = applied();
    let export = env.run(&["export", "access"]).expect(0).stdout;
    assert!(export.contains("membership = \"exactly\""), "{export}");
    team::write(&env, &export);
    env.json(&["access", "plan", "--prune"]).expect(0);
}

#[test]
fn adopt_tags_existing_sets_that_are_as_the_file_says() {
    let env = TestEnv::with({
        let mut cloud = organization();
        let created = cloud.instances[0].created;
        let arn = "arn:aws:sso:::permissionSet/ssoins-7223a1b2c3d4e5f6/ps-00000000000000aa";
        let mut set = PermissionSet::administrator(arn.to_owned(), "Admin".to_owned(), created);
        set.session_duration = "PT8H".to_owned();
        cloud.permission_sets.push(set);
        cloud
    });
    team::write(&env, team::FILE);
    let adopted = validated(&env.json(&["access", "adopt"]).expect(0));
    assert_eq!(list(&adopted, "plan", "changes").len(), 1, "{adopted:#}");
    let tags = env.server.cloud().permission_sets[0].tags.clone();
    assert_eq!(tags.get("idc-setup:access").map(String::as_str), Some("acme"));
    assert_eq!(mutating(&env), ["TagResource"]);
    // A set that differs is not taken over.
    env.server.cloud().permission_sets[0].tags.clear();
    env.server.cloud().permission_sets[0].session_duration = "PT1H".to_owned();
    let refused = validated(&env.json(&["access", "adopt"]).expect(5));
    assert_eq!(list(&refused, "plan", "refusals")[0]["reason"], "not_owned");
    assert_eq!(mutating(&env), ["TagResource"]);
}

#[test]
fn remove_takes_a_leaver_out_of_the_file_and_shows_the_plan() {
    let env = applied();
    let before = std::fs::read_to_string(env.path("access.toml")).unwrap();
    let result = env.run(&["access", "remove", "ada"]).expect(3);
    assert!(result.stdout.contains("-name = \"ada\""), "{}", result.stdout);
    assert!(result.stderr.contains("was not written"), "{}", result.stderr);
    assert_eq!(std::fs::read_to_string(env.path("access.toml")).unwrap(), before);
    let envelope = validated(&env.json(&["access", "remove", "ada", "--yes"]).expect(3));
    assert_eq!(envelope["removal"]["written"], true);
    // The membership and the direct assignment; the user stays.
    let unpruned = list(&envelope, "plan", "unpruned");
    let kinds: Vec<&str> = unpruned.iter().map(|change| change["kind"].as_str().unwrap()).collect();
    assert!(
        kinds.contains(&"remove_member") && kinds.contains(&"delete_assignment"),
        "{kinds:?}"
    );
    let text = std::fs::read_to_string(env.path("access.toml")).unwrap();
    assert!(
        !text.contains("ada") && text.contains("# Access of the team."),
        "{text}"
    );
    // The user is out of the file, and keeps the access until the file is applied.
    let again = env
        .run(&["access", "remove", "ada"])
        .expect(3)
        .expect_text("The access file does not list the user ada, so");
    assert!(again.stdout.contains("Deleted only with --prune"), "{}", again.stdout);
    env.json(&["access", "apply", "--prune"]).expect(0);
    env.run(&["access", "remove", "ada"])
        .expect(0)
        .expect_text("leaves the user ada without access");
    env.run(&["access", "remove", "nobody"])
        .expect(2)
        .expect_text("Neither the access file nor Identity Center has a user \"nobody\".");
    env.run(&["access", "remove", "Bob"])
        .expect(2)
        .expect_text("idc-setup access remove bob");
    env.run(&["access", "remove", "user:bob", "--yes"]).expect(3);
    let text = std::fs::read_to_string(env.path("access.toml")).unwrap();
    assert!(!text.contains("bob"), "{text}");
}

#[test]
fn remove_writes_nothing_about_a_user_whom_nobody_knows() {
    let env = applied();
    for args in [
        &["access", "remove", "bbo", "--delete-user", "--yes"][..],
        &["access", "remove", "bbo", "--delete-user"],
    ] {
        env.run(args)
            .expect(2)
            .expect_text("Neither the access file nor Identity Center has a user \"bbo\". A similar name is bob.")
            .expect_text("idc-setup access remove --delete-user bob");
    }
    let envelope = validated(
        &env.json(&["access", "remove", "nobody", "--delete-user", "--yes"])
            .expect(2),
    );
    assert_eq!(envelope["removal"], Value::Null);
    assert_eq!(std::fs::read_to_string(env.path("access.toml")).unwrap(), team::FILE);
}

#[test]
fn remove_says_what_it_has_written_even_without_a_plan() {
    let env = applied();
    edit(&env, "\"user:ada\"", "\"user:adda\"");
    let envelope = validated(&env.json(&["access", "remove", "bob", "--yes"]).expect(2));
    assert_eq!(envelope["removal"]["written"], true);
    assert_eq!(envelope["mistakes"].as_array().unwrap().len(), 1, "{envelope:#}");
    let text = std::fs::read_to_string(env.path("access.toml")).unwrap();
    assert!(!text.contains("bob"), "{text}");
    let env = applied();
    env.deny(&["identitystore:ListUsers"]);
    let envelope = validated(&env.json(&["access", "remove", "bob", "--yes"]).expect(4));
    assert_eq!(envelope["removal"]["written"], true);
}

#[test]
fn remove_does_not_suggest_to_delete_a_user_whom_a_guard_keeps() {
    let env = team();
    let glass =
        "[guard]\nprotect = [\"group:glass\"]\n\n[[group]]\nname = \"glass\"\nmembers = [\"ada\"]\n\n[account-sets]";
    edit(&env, "[account-sets]", glass);
    env.json(&["access", "apply"]).expect(0);
    let refusal =
        "The group glass is protected, and would lose its last member. Therefore the user ada is not deleted.";
    let result = env.run(&["access", "remove", "ada", "--yes"]).expect_text(refusal);
    let has_suggestion = |result: &RunResult| format!("{}{}", result.stdout, result.stderr).contains("--delete-user");
    assert!(!has_suggestion(&result), "{}{}", result.stdout, result.stderr);
    for args in [
        &["access", "remove", "ada", "--yes", "--delete-user"][..],
        &["access", "remove", "ada"],
    ] {
        let result = env.run(args).expect(5).expect_text(refusal);
        assert!(!has_suggestion(&result), "{}{}", result.stdout, result.stderr);
    }
}

#[test]
fn remove_says_that_a_user_is_absent_already() {
    let env = applied();
    env.json(&["access", "remove", "bob", "--delete-user", "--yes"])
        .expect(3);
    let text = std::fs::read_to_string(env.path("access.toml")).unwrap();
    for flags in [
        &["access", "remove", "bob"][..],
        &["access", "remove", "bob", "--delete-user"],
    ] {
        env.run(flags)
            .expect(3)
            .expect_text("The access file says already that the user bob must not exist (access.toml:");
    }
    let envelope = validated(&env.json(&["access", "remove", "bob"]).expect(3));
    assert_eq!(envelope["removal"]["written"], false);
    env.json(&["access", "apply", "--prune"]).expect(0);
    env.run(&["access", "remove", "bob"])
        .expect(0)
        .expect_text("and no such user exists.");
    assert_eq!(std::fs::read_to_string(env.path("access.toml")).unwrap(), text);
}

#[test]
fn remove_does_not_offer_a_deletion_that_the_file_asks_for_and_the_plan_refuses() {
    let env = applied();
    edit(
        &env,
        "name = \"acme\"\n",
        "name = \"acme\"\n[guard]\nprotect = [\"user:bob\"]\n",
    );
    let stays = "The user is not deleted, although the file says that the user must not exist";
    for args in [
        &["access", "remove", "bob", "--delete-user", "--yes"][..],
        &["access", "remove", "bob"],
    ] {
        let result = env
            .run(args)
            .expect(5)
            .expect_text("but is protected")
            .expect_text(stays);
        assert!(!result.stderr.contains("With --delete-user"), "{}", result.stderr);
    }
    // The same with access that ends only with the user.
    edit(&env, "membership = \"exactly\"\n", "");
    let result = env.run(&["access", "remove", "bob"]).expect(5);
    assert!(result.stdout.contains("Access that stays"), "{}", result.stdout);
    assert!(!result.stderr.contains("--delete-user"), "{}", result.stderr);
}

#[test]
fn all_mistakes_are_reported_with_place_and_suggestion() {
    let env = team();
    edit(&env, "session-duration = \"8h\"", "sesion-duration = \"8h\"");
    edit(&env, "family-name = \"Byron\"", "family-name = 7");
    for command in [
        &["access", "plan"][..],
        &["access", "apply"],
        &["access", "drift"],
        &["access", "remove", "ada"],
    ] {
        let result = env.run(command).expect(2);
        assert!(
            result.stderr.contains("The access file has 2 mistakes."),
            "{}",
            result.stderr
        );
        assert!(result.stderr.contains("access.toml:"), "{}", result.stderr);
        assert!(result.stderr.contains("session-duration"), "{}", result.stderr);
        assert!(result.stderr.contains("are looked up after"), "{}", result.stderr);
    }
    let envelope = validated(&env.json(&["access", "plan"]).expect(2));
    let mistakes = envelope["mistakes"].as_array().unwrap();
    assert_eq!(mistakes.len(), 2, "{mistakes:#?}");
    assert!(
        mistakes
            .iter()
            .all(|mistake| mistake["place"]["line"].as_u64() > Some(0))
    );
    let page = env.run(&["access", "plan", "--output=markdown"]).expect(2).stdout;
    assert!(page.contains("**The access file has 2 mistakes.**"), "{page}");
    assert!(page.contains("are looked up after"), "{page}");
    assert_eq!(env.server.calls().len(), 0, "a file with mistakes needs no call");
    // When nothing else is wrong, the names are looked up.
    team::write(&env, &team::FILE.replace("\"user:ada\"", "\"user:adda\""));
    let result = env.run(&["access", "plan"]).expect(2);
    assert!(result.stderr.contains("The nearest name is ada."), "{}", result.stderr);
    assert!(!result.stderr.contains("are looked up after"), "{}", result.stderr);
}

#[test]
fn yaml_and_json_files_are_found_too() {
    for (name, text) in [
        ("access.yaml", "format: 1\nname: acme\ngroup:\n  - name: platform\n"),
        (
            "access.json",
            r#"{"format": 1, "name": "acme", "group": [{"name": "platform"}]}"#,
        ),
    ] {
        let env = TestEnv::with(organization());
        std::fs::write(env.path(name), text).unwrap();
        let plan = validated(&env.json(&["access", "plan"]).expect(3));
        assert_eq!(list(&plan, "plan", "changes")[0]["group"], "platform");
    }
}

#[test]
fn a_missing_file_says_how_to_get_one() {
    let env = TestEnv::with(organization());
    env.run(&["access", "plan"])
        .expect(2)
        .expect_text("There is no access file in this folder")
        .expect_text("idc-setup export access");
    env.run(&["access", "apply", "team.toml"])
        .expect(2)
        .expect_text("There is no file team.toml.")
        .expect_text("idc-setup export access > access.toml");
}

#[test]
fn no_suggestion_replaces_an_access_file() {
    let env = team();
    std::fs::create_dir(env.path("teams")).unwrap();
    std::fs::write(env.path("teams/platform.yaml"), "format: 1\nname: acme\n").unwrap();
    for (args, suggested) in [
        (
            &["access", "plan", "acces.toml", "--prune"][..],
            "  Use access.toml:\n    idc-setup access plan --prune access.toml\n",
        ),
        (
            &["access", "plan", "teams/platfrom.yaml"],
            "  Use teams/platform.yaml:\n    idc-setup access plan teams/platform.yaml\n",
        ),
        (
            &["access", "explain", "ada", "--file", "nothing.json"],
            "  Use access.toml:\n    idc-setup access explain ada --file access.toml\n",
        ),
    ] {
        let refused = env.run(args).expect(2);
        assert!(refused.stderr.contains(suggested), "{args:?}: {}", refused.stderr);
        assert!(
            !refused.stderr.contains("> access.toml"),
            "{args:?}: {}",
            refused.stderr
        );
    }
}

#[test]
fn of_several_files_none_is_used_by_guess() {
    let env = team();
    std::fs::write(env.path("access.yaml"), "format: 1\nname: acme\n").unwrap();
    env.run(&["access", "plan"])
        .expect(2)
        .expect_text("This folder has several access files: access.toml, access.yaml.")
        .expect_text("idc-setup access plan access.yaml");
    env.run(&["access", "explain", "ada"])
        .expect(2)
        .expect_text("idc-setup access explain ada --file access.toml");
    env.run(&["access", "plan", "access.toml"]).expect(3);
}

#[test]
fn an_account_without_identity_center_is_told_to_set_it_up() {
    let env = TestEnv::new("fresh");
    team::write(&env, team::FILE);
    env.run(&["access", "plan"])
        .expect(1)
        .expect_text("Set up Identity Center first");
}

#[test]
fn a_file_for_another_instance_is_refused() {
    let env = team();
    edit(
        &env,
        "name = \"acme\"\n",
        "name = \"acme\"\ninstance = \"ssoins-0000000000000000\"\n",
    );
    for command in ["plan", "apply", "drift", "adopt"] {
        env.json(&["access", command]).expect(5);
    }
    assert_eq!(mutating(&env), [""; 0]);
    let drift = env.run(&["access", "drift"]).expect(5).stdout;
    assert!(drift.starts_with("Drift: acme\n\nRefused\n  ! "), "{drift}");
    let drift = env.run(&["access", "drift", "--output=markdown"]).expect(5).stdout;
    assert!(
        drift.starts_with("## Access drift: `acme`\n\n### Refused\n\n- **"),
        "{drift}"
    );
}

#[test]
fn a_second_apply_on_this_machine_exits_with_6() {
    let env = team();
    let held = env.hold("CreateUser", 1, FaultKind::HoldAfter);
    let mut first = env.spawn(&["access", "apply"]);
    held.wait_until_reached();
    env.run(&["access", "apply"]).expect(6).expect_text("Another run");
    // Looking needs no lock.
    env.run(&["access", "plan"]).expect(3);
    held.release();
    first.wait().unwrap();
    env.json(&["access", "apply"]).expect(0);
    assert_eq!(env.counts(), COUNTS);
}

#[test]
fn a_key_pressed_while_the_organization_is_read_does_not_break_the_line() {
    use super::support::terminal::Terminal;
    let env = team();
    env.slow_down(500);
    let mut terminal = Terminal::start(&env, &["access", "plan"]);
    terminal.wait_for("Reading the organization");
    terminal.keys("\r\r");
    terminal.wait_for(" requests");
    assert_eq!(terminal.wait_for_exit(), 3, "{}", terminal.contents());
    let history = terminal.history().join("\n");
    assert!(!history.contains("Reading the organization"), "{history}");
}

#[test]
fn events_are_lines_of_json_on_stderr() {
    let env = team();
    let event_schema = schema("access-event.v1.json", schemars::schema_for!(Event));
    let apply = || {
        let result = env.run(&["access", "apply", "--events", "--output=json"]).expect(0);
        validated(&result);
        let lines = result.stderr.lines().filter(|line| line.starts_with('{'));
        let events: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
        for event in &events {
            if let Err(error) = jsonschema::validate(&event_schema, event) {
                panic!("{error}\n{event:#}");
            }
        }
        events
    };
    let ended =
        |done: usize| json!({"event": "ended", "done": done, "failed": 0, "not_begun": 0, "in_progress": 0, "exit": 0});
    let events = apply();
    assert_eq!(events.last(), Some(&ended(10)));
    assert_eq!(events[0]["event"], "started");
    assert_eq!(events[0]["changes"], 10);
    let mut done = events.iter().filter(|event| event["event"] == "done");
    assert_eq!(done.clone().count(), 10);
    assert_eq!(done.next_back().unwrap()["ended"], 10);
    // There is one even if there is nothing to do.
    assert_eq!(apply(), [ended(0)]);
}

#[test]
fn what_fails_is_named_with_its_reason_and_the_rest_is_applied() {
    let env = team();
    let reason = "Received a 403 status error: not authorized";
    // The first of three requests, and both times that it is made again.
    for nth in [1, 4, 5] {
        env.fault("CreateAccountAssignment", nth, FaultKind::FailLater(reason.to_owned()));
    }
    let result = env.run(&["access", "apply"]).expect(1);
    assert!(result.stderr.contains(reason), "{}", result.stderr);
    assert!(result.stdout.contains("Failed: Give the"), "{}", result.stdout);
    assert_eq!(env.counts(), [2, 1, 2, 2, 2]);
    env.json(&["access", "apply"]).expect(0);
    assert_eq!(env.counts(), COUNTS);
}

#[test]
fn changes_that_fail_for_the_same_reason_are_counted() {
    let env = team();
    edit(
        &env,
        "accounts = [\"name:Dev *\"]",
        "accounts = [\"name:* 1\", \"name:* 2\"]",
    );
    let reason = "Received a 403 status error: not authorized";
    for nth in 1..=60 {
        env.fault("CreateAccountAssignment", nth, FaultKind::FailLater(reason.to_owned()));
    }
    let result = env.run(&["access", "apply"]).expect(1);
    let heads = result.stdout.lines().filter(|line| line.contains("changes failed: "));
    assert_eq!(heads.count(), 1, "{}", result.stdout);
    assert!(result.stdout.contains("… and "), "{}", result.stdout);
    assert_eq!(result.stderr.matches(reason).count(), 1, "{}", result.stderr);
}

#[test]
fn an_apply_ends_with_the_password_that_each_new_user_needs() {
    let env = team();
    let plan = env.run(&["access", "plan"]).expect(3).stdout;
    assert!(
        plan.contains("· 2 new users need a password before they can sign in: ada and bob."),
        "{plan}"
    );
    let text = env.run(&["access", "apply"]).expect(0).stdout;
    for part in [
        "Left for you: 2 new users need a password.",
        "→ Reset password → Send an email to the user with instructions",
        "  Set a password for ada.\n    http",
    ] {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
    let env = team();
    let envelope = validated(&env.json(&["access", "apply"]).expect(0));
    let tasks = envelope["tasks"].as_array().unwrap();
    assert_eq!(tasks.len(), 2, "{tasks:#?}");
    assert_eq!(tasks[1]["what"], "Set a password for bob.");
    assert!(tasks[1]["url"].as_str().unwrap().contains("/users/user-details/"));
    let again = validated(&env.json(&["access", "apply"]).expect(0));
    assert_eq!(again["tasks"], serde_json::json!([]));
}

#[test]
fn a_plan_prints_the_iam_policy_that_it_needs() {
    let env = team();
    for command in [
        &["access", "plan", "--policy"][..],
        &["access", "plan", "--policy", "access.toml"],
    ] {
        let policy: Value = serde_json::from_str(&env.run(command).expect(0).stdout).unwrap();
        let text = policy.to_string();
        for action in ["identitystore:CreateUser", "sso:CreateAccountAssignment"] {
            assert!(text.contains(action), "{action} is not in {policy:#}");
        }
        assert!(!text.contains("sso:DeleteAccountAssignment"), "{policy:#}");
    }
    let envelope = validated(&env.json(&["access", "plan", "--policy"]).expect(0));
    assert_eq!(envelope["policy"]["Version"], "2012-10-17");
}

/// What the team becomes: users, groups and permission sets are created, changed, renamed and deleted.
const OTHER_FILE: &str = r#"format = 1
name = "acme"

[[user]]
name = "ada"
email = "ada@example.com"
given-name = "Augusta"
family-name = "Lovelace"

[[user]]
name = "bob"
absent = true

[[user]]
name = "eve"
email = "eve@example.com"
given-name = "Eve"
family-name = "Day"

[[group]]
name = "core"
previous-names = ["platform"]
members = ["ada", "eve"]
membership = "exactly"

[[group]]
name = "audit"
description = "Reads everything"

[[permission-set]]
name = "Admin"
session-duration = "4h"
managed-policies = ["ReadOnlyAccess"]
inline-policy = { Statement = [{ Effect = "Deny", Action = "iam:*", Resource = "*" }] }
tags = { team = "core" }

[[permission-set]]
name = "Viewer"
previous-names = ["Read"]
managed-policies = ["ReadOnlyAccess"]

[[assignment]]
principals = ["group:core"]
permission-sets = ["Admin"]
accounts = ["111111111111"]

[[assignment]]
principals = ["group:audit"]
permission-sets = ["Viewer"]
accounts = ["tag:env=dev"]
"#;

/// The actions that the policy of the plan allows.
fn allowed_actions(env: &TestEnv) -> BTreeSet<String> {
    let policy = env.run(&["access", "plan", "--prune", "--policy"]).expect(0).stdout;
    let policy: Value = serde_json::from_str(&policy).unwrap();
    let statements = policy["Statement"].as_array().unwrap().iter();
    let actions = statements.flat_map(|statement| statement["Action"].as_array().unwrap());
    actions.map(|action| action.as_str().unwrap().to_owned()).collect()
}

/// Applies the file, checks that all calls are allowed by the policy of its plan, and returns the operations that it used.
fn apply_within_policy(env: &TestEnv, apply: impl FnOnce(&[&str]) -> RunResult) -> BTreeSet<String> {
    let before = env.server.calls().len();
    let allowed = allowed_actions(env);
    let outcome = apply(&["access", "apply", "--prune", "--output=json"]).envelope()["outcome"].clone();
    assert_eq!(outcome["failed"], serde_json::json!([]), "{outcome:#}");
    let calls = env.server.calls().split_off(before);
    let calls = calls.into_iter().filter(|call| call.service != "sts");
    let used: BTreeSet<String> = calls
        .map(|call| format!("{}:{}", call.service.replace("sso-admin", "sso"), call.operation))
        .collect();
    let missing: Vec<&String> = used.difference(&allowed).collect();
    assert!(missing.is_empty(), "not in the policy: {missing:?}");
    used
}

#[test]
fn the_policy_of_a_plan_is_limited_to_the_instance_and_the_accounts_that_change() {
    let env = team();
    let policy: Value = serde_json::from_str(&env.run(&["access", "plan", "--policy"]).expect(0).stdout).unwrap();
    let instance = env.server.cloud().instances[0].arn.clone();
    let sets = format!("{}/*", instance.replace(":instance/", ":permissionSet/"));
    let resources = |action: &str| {
        let mut statements = policy["Statement"].as_array().unwrap().iter();
        let has_action = |statement: &&Value| statement["Action"].as_array().unwrap().contains(&Value::from(action));
        let statement = statements.find(has_action);
        statement.unwrap_or_else(|| panic!("no {action} in {policy:#}"))["Resource"].clone()
    };
    let accounts = [PROD[0], PROD[1], DEV].map(|id| format!("arn:aws:sso:::account/{id}"));
    let [one, two, three] = &accounts;
    assert_eq!(
        resources("sso:CreateAccountAssignment"),
        serde_json::json!([one, two, three, instance, sets])
    );
    assert_eq!(
        resources("sso:CreatePermissionSet"),
        serde_json::json!([instance, sets])
    );
    assert_eq!(resources("sso:ListPermissionSets"), Value::from(instance.as_str()));
    assert_eq!(resources("sso:ListInstances"), "*");
}

#[test]
fn planning_and_applying_stay_within_the_policy() {
    let env = team();
    edit(&env, "accounts = [\"name:Dev *\"]", "accounts = [\"tag:env=dev\"]");
    let mut used = apply_within_policy(&env, |args| env.run(args));
    // In the meantime, somebody else creates what the plan creates.
    team::write(&env, OTHER_FILE);
    used.extend(apply_within_policy(&env, |args| {
        env.run_while(args, team::AFTER_NAMES, |cloud| {
            let store = &mut cloud.instances[0].store;
            store.users.insert(team::OTHER_USER.to_owned(), team::other_user("eve"));
            let audit = team::other_group("audit", Vec::new());
            store.groups.insert(team::OTHER_GROUP.to_owned(), audit);
        })
    }));
    // The permission set that was renamed is deleted now, and the group with its assignment.
    edit(&env, "description = \"Reads everything\"", "absent = true");
    let text = std::fs::read_to_string(env.path("access.toml")).unwrap();
    let (kept, _) = text.rsplit_once("[[assignment]]").unwrap();
    team::write(&env, kept);
    used.extend(apply_within_policy(&env, |args| env.run(args)));
    for action in [
        "identitystore:DeleteGroup",
        "identitystore:DeleteGroupMembership",
        "identitystore:DeleteUser",
        "identitystore:DescribeGroup",
        "identitystore:DescribeUser",
        "identitystore:GetGroupId",
        "identitystore:GetUserId",
        "identitystore:UpdateGroup",
        "identitystore:UpdateUser",
        "sso:DeleteAccountAssignment",
        "sso:DeletePermissionSet",
        "sso:DetachManagedPolicyFromPermissionSet",
        "sso:ProvisionPermissionSet",
        "sso:PutInlinePolicyToPermissionSet",
        "sso:TagResource",
        "sso:UpdatePermissionSet",
    ] {
        assert!(used.contains(action), "{action} was not used: {used:?}");
    }
}

#[test]
fn what_if_plans_change_nothing_and_say_what_they_assume() {
    let env = applied();
    let left = env.run(&["access", "plan", "--without-user=bob"]).expect(3);
    assert!(left.stdout.contains("If the user bob left."), "{}", left.stdout);
    assert!(left.stdout.contains("  - bob in group platform\n"), "{}", left.stdout);
    let moved = env
        .run(&["access", "plan", &format!("--move={DEV}=Workloads/Prod")])
        .expect(3);
    assert!(
        moved.stdout.contains("+ Admin in Dev 1 (333333333333)"),
        "{}",
        moved.stdout
    );
    edit(&env, "reason = \"TICKET-1\"", "until = 2999-01-01");
    env.run(&["access", "plan"]).expect(0);
    env.run(&["access", "plan", "--as-of=2999-01-01"])
        .expect(3)
        .expect_text("If it were 2999-01-01.");
    for (flag, text) in [
        ("--without-user=eve", "does not mention the user \"eve\""),
        ("--move=333333333333", "not an account and an organizational unit"),
        ("--move=Dev 1=Nowhere", "Nowhere"),
        ("--as-of=soon", "not a date"),
    ] {
        env.run(&["access", "plan", flag]).expect(2).expect_text(text);
    }
    assert_eq!(env.counts(), COUNTS);
}

/// The block of this language in the page about access.
fn block(language: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/access.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, block) = page.split_once(&format!("```{language}\n")).unwrap();
    block.split_once("```").unwrap().0.to_owned()
}

#[test]
fn the_example_of_the_page_can_be_planned_applied_and_planned_again() {
    let env = TestEnv::with(organization());
    team::write(&env, &block("toml"));
    let plan = env.run(&["access", "plan"]).expect(3).stdout;
    let counts = "  + 3 users, 3 groups, 5 memberships, 3 permission sets, 8 assignments";
    assert!(plan.contains(counts), "{plan}");
    env.json(&["access", "apply"]).expect(0);
    env.json(&["access", "plan", "--prune"]).expect(0);
    env.json(&["access", "drift"]).expect(0);
}

/// The jobs of the workflow of the page, in the order in which they run.
fn jobs_of_page() -> [Value; 3] {
    let workflow = yaml::parse(&block("yaml"));
    assert_eq!(workflow["permissions"], json!({}), "a job has only its own permissions");
    assert_eq!(workflow["jobs"].as_object().unwrap().len(), 3);
    ["plan", "apply", "drift"].map(|name| workflow["jobs"][name].clone())
}

/// What a job gives to the Action.
fn inputs_in(job: &Value) -> &Value {
    let is_action = |step: &&Value| step["uses"].as_str().unwrap().starts_with("idc-setup/idc-setup@");
    let step = job["steps"].as_array().unwrap().iter().find(is_action);
    &step.unwrap()["with"]
}

#[test]
fn the_workflow_of_the_page_uses_commands_that_exist() {
    let env = team();
    for (job, code) in jobs_of_page().iter().zip([3, 0, 0]) {
        let inputs = inputs_in(job);
        let command = inputs["command"].as_str().unwrap();
        let mut args = vec!["access", command, inputs["file"].as_str().unwrap(), "--output=markdown"];
        args.extend(inputs["args"].as_str().unwrap_or_default().split_whitespace());
        args.extend((inputs["prune"] == "true").then_some("--prune"));
        args.extend((command == "apply").then_some("--yes"));
        let result = env.run(&args).expect(code);
        assert!(result.stdout.starts_with("## Access "), "{command}: {}", result.stdout);
    }
    assert_eq!(env.counts(), COUNTS);
}

#[test]
fn the_workflow_of_the_page_gives_its_jobs_what_the_action_needs() {
    let action = Path::new(env!("CARGO_MANIFEST_DIR")).join("action.yml");
    let action = yaml::parse(&std::fs::read_to_string(action).unwrap());
    let known = action["inputs"].as_object().unwrap();
    for job in jobs_of_page() {
        let inputs = inputs_in(&job);
        for input in inputs.as_object().unwrap().keys() {
            assert!(known.contains_key(input), "the Action has no input {input}: {job:#}");
        }
        assert!(inputs["role-to-assume"].is_string(), "{job:#}");
        // The role is assumed with the ID token of the job, and only plan writes a comment.
        let mut permissions = json!({"contents": "read", "id-token": "write"});
        if inputs["command"] == "plan" {
            permissions["pull-requests"] = json!("write");
        }
        assert_eq!(job["permissions"], permissions, "{job:#}");
    }
}

#[test]
fn access_alone_and_misspelled_commands_say_what_exists() {
    let env = team();
    env.run(&["access"])
        .expect(2)
        .expect_text("idc-setup access needs one of its commands: plan, apply, drift, explain, adopt, remove.");
    env.run(&["access", "aply"])
        .expect(2)
        .expect_text("idc-setup access has no command \"aply\". A similar one is apply.")
        .expect_text("idc-setup access apply");
    env.run(&["access", "plan", "--group=x"])
        .expect(2)
        .expect_text("idc-setup access plan does not take --group.");
    env.run(&["access", "apply", "--help"]).expect(0).expect_text("--prune");
    env.run(&["help", "access"]).expect(0).expect_text("explain");
}

#[test]
fn undo_does_not_cover_access_files() {
    let env = applied();
    env.run(&["undo", "--yes"]).expect(0);
    assert_eq!(env.counts(), COUNTS);
}

mod in_a_terminal {
    use super::super::support::terminal::Terminal;
    use super::*;

    #[test]
    fn nothing_is_applied_if_a_person_is_there_and_sees_no_question() {
        let env = team();
        let apply = format!("{} access apply", env.command(&[]).get_program().display());
        let terminal = Terminal::in_shell(&env, &format!("{apply} 2>errors; echo \"ended with $?\""));
        terminal.wait_for("ended with 2");
        let errors = std::fs::read_to_string(env.path("errors")).unwrap();
        assert!(errors.contains("stderr is not a terminal"), "{errors}");
        assert!(errors.contains("idc-setup access apply --yes"), "{errors}");
        assert_eq!(mutating(&env), [""; 0]);
        let terminal = Terminal::in_shell(&env, &format!("{apply} --yes 2>errors; echo \"ended with $?\""));
        terminal.wait_for("ended with 0");
        assert_eq!(env.counts(), COUNTS);
    }

    #[test]
    fn apply_shows_the_plan_and_asks_before_anything_changes() {
        let env = team();
        let mut terminal = Terminal::start(&env, &["access", "apply"]);
        terminal.wait_for("Make these changes?");
        let screen = terminal.contents();
        assert!(screen.contains("+ user ada"), "{screen}");
        // The plan can be longer than the screen, so the question has the counts too.
        let counts = "+ 2 users, 1 group, 2 memberships, 2 permission sets, 3 assignments";
        assert_eq!(screen.matches(counts).count(), 2, "{screen}");
        terminal.answer("Make these changes?", "n\r");
        assert_eq!(terminal.wait_for_exit(), 3, "{}", terminal.contents());
        assert!(terminal.contents().contains("Stopped. Nothing was changed."));
        assert_eq!(mutating(&env), [""; 0]);
        let mut terminal = Terminal::start(&env, &["access", "apply"]);
        terminal.answer("Make these changes?", "y\r");
        assert_eq!(terminal.wait_for_exit(), 0, "{}", terminal.contents());
        let screen = terminal.contents();
        assert!(
            screen.contains("✔ Access, Workloads/Prod: 2 created in 2 accounts"),
            "{screen}"
        );
        assert!(screen.contains("10 changes made in"), "{screen}");
        assert_eq!(env.counts(), COUNTS);
    }

    #[test]
    fn enter_alone_does_not_agree_to_administrator_access() {
        let env = team();
        let mut terminal = Terminal::start(&env, &["access", "apply"]);
        terminal.wait_for("AdministratorAccess");
        terminal.answer("Make these changes?", "\r");
        assert_eq!(terminal.wait_for_exit(), 3, "{}", terminal.contents());
        assert_eq!(mutating(&env), [""; 0]);
    }

    #[test]
    fn deletions_are_confirmed_separately_and_never_by_enter_alone() {
        let env = applied();
        let (kept, _) = team::FILE
            .split_once("[[assignment]]\nprincipals = [\"user:ada\"]")
            .unwrap();
        team::write(&env, kept);
        let mut terminal = Terminal::start(&env, &["access", "apply", "--prune", "--yes"]);
        terminal.answer("Delete 1 assignment?", "\r");
        assert_eq!(terminal.wait_for_exit(), 3, "{}", terminal.contents());
        // Enter alone leaves its answer on the screen, too.
        for part in ["q quit › n", "Nothing is deleted."] {
            let screen = terminal.contents();
            assert!(screen.contains(part), "{part:?} is not in:\n{screen}");
        }
        assert_eq!(env.counts(), COUNTS);
        let mut terminal = Terminal::start(&env, &["access", "apply", "--prune"]);
        terminal.answer("Delete 1 assignment?", "y\r");
        assert_eq!(terminal.wait_for_exit(), 0, "{}", terminal.contents());
        assert_eq!(env.counts(), [2, 1, 2, 2, 2]);
    }

    #[test]
    fn back_leads_to_the_question_before_and_the_first_question_says_that_there_is_none() {
        let env = applied();
        let (kept, _) = team::FILE
            .split_once("[[assignment]]\nprincipals = [\"user:ada\"]")
            .unwrap();
        team::write(&env, &format!("{kept}\n[[group]]\nname = \"extra\"\n"));
        let mut terminal = Terminal::start(&env, &["access", "apply", "--prune"]);
        terminal.wait_for("Make this change?");
        terminal.wait_for_question();
        assert!(!terminal.contents().contains("b back"), "{}", terminal.contents());
        terminal.keys("b");
        terminal.wait_for("There is nothing to go back to here.");
        terminal.wait_for_question();
        terminal.keys("y\r");
        terminal.wait_for("Delete 1 assignment?");
        terminal.wait_for_question();
        assert!(terminal.contents().contains("b back"), "{}", terminal.contents());
        terminal.answer("Delete 1 assignment?", "b");
        terminal.wait_for_question();
        let screen = terminal.contents();
        assert_eq!(screen.matches("Make this change?").count(), 2, "{screen}");
        terminal.keys("n\r");
        assert_eq!(terminal.wait_for_exit(), 3, "{}", terminal.contents());
        assert_eq!(env.counts(), COUNTS);
    }

    #[test]
    fn ctrl_c_lets_what_is_in_flight_end_and_says_how_to_go_on() {
        let env = team();
        env.slow_down(150);
        let mut terminal = Terminal::start(&env, &["access", "apply", "--yes"]);
        terminal.wait_for("left");
        terminal.keys("\u{3}");
        assert_eq!(terminal.wait_for_exit(), 130, "{}", terminal.contents());
        let screen = terminal.contents();
        assert!(screen.contains("Stopped."), "{screen}");
        assert!(screen.contains("idc-setup access apply"), "{screen}");
        env.json(&["access", "apply"]).expect(0);
        assert_eq!(env.counts(), COUNTS);
    }

    /// Ends a command with Ctrl-C twice.
    fn stop_at_once(terminal: &mut Terminal) {
        terminal.keys("\u{3}");
        terminal.wait_for("Ctrl-C again stops at once");
        // What arrives earlier can be the same signal.
        std::thread::sleep(Duration::from_millis(600));
        terminal.keys("\u{3}");
        assert_eq!(terminal.wait_for_exit(), 130, "{}", terminal.contents());
    }

    #[test]
    fn ctrl_c_counts_the_assignments_that_were_made() {
        let env = team();
        let held = env.hold("CreateAccountAssignment", 2, FaultKind::HoldAfter);
        let mut terminal = Terminal::start(&env, &["access", "apply", "--yes"]);
        held.wait_until_reached();
        // All others end in the meantime.
        terminal.wait_for("9 of 10");
        stop_at_once(&mut terminal);
        let screen = terminal.contents();
        let made = "Done: 2 users, 1 group, 2 memberships, 2 permission sets, 2 assignments created.";
        assert!(screen.contains(made), "{screen}");
        assert!(screen.contains("Unknown: 1 change was in progress."), "{screen}");
        held.release();
        env.json(&["access", "apply"]).expect(0);
        assert_eq!(env.counts(), COUNTS);
    }

    #[test]
    fn remove_offers_to_delete_a_leaver_who_keeps_access() {
        let env = applied();
        edit(&env, "membership = \"exactly\"\n", "");
        let mut terminal = Terminal::start(&env, &["access", "remove", "bob", "--yes"]);
        terminal.answer("Delete the user bob as well?", "y\r");
        assert_eq!(terminal.wait_for_exit(), 0, "{}", terminal.contents());
        let text = std::fs::read_to_string(env.path("access.toml")).unwrap();
        assert!(text.ends_with("\n[[user]]\nname = \"bob\"\nabsent = true\n"), "{text}");
    }

    #[test]
    fn a_second_ctrl_c_says_what_is_known() {
        let env = team();
        let held = env.hold("CreateUser", 1, FaultKind::HoldAfter);
        let mut terminal = Terminal::start(&env, &["access", "apply", "--yes"]);
        held.wait_until_reached();
        stop_at_once(&mut terminal);
        let screen = terminal.contents();
        for part in [
            "Unknown: 1 change was in progress. AWS may still complete it.",
            " of 10 changes made in",
            "Not begun: ",
            "idc-setup access apply",
        ] {
            assert!(screen.contains(part), "{part:?} is not in:\n{screen}");
        }
        assert!(!screen.contains('━'), "the bar is left:\n{screen}");
        held.release();
        env.json(&["access", "apply"]).expect(0);
        assert_eq!(env.counts(), COUNTS);
    }

    #[test]
    fn remove_asks_before_it_writes() {
        let env = applied();
        let mut terminal = Terminal::start(&env, &["access", "remove", "ada"]);
        terminal.answer("Take ada out of the access file?", "\r");
        assert_eq!(terminal.wait_for_exit(), 3, "{}", terminal.contents());
        assert_eq!(std::fs::read_to_string(env.path("access.toml")).unwrap(), team::FILE);
    }
}
