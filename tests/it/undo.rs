//! The way back: what was made goes, what was found stays, and nothing is lost on the way.

use idc_setup::aws_files::{Config, Section};
use idc_setup::guide::output::{Envelope, UndoBody};
use idc_setup::rehearsal::{CallLine, FaultKind, Membership, Refusal, Stamp, World};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::json::schema;
use super::support::{ANSWERS, Ran, Stage, WILLING};

/// What undo answers for: without sign-ins, which end by themselves, and without the history of requests.
pub fn lasting(world: &World) -> Value {
    let world = serde_json::to_value(world).unwrap();
    let mut stores = Vec::new();
    for instance in world["instances"].as_array().unwrap() {
        let store = &instance["store"];
        let users = store["users"].as_object().unwrap().iter();
        // Whether somebody has activated a user is theirs, not ours.
        let users = users.map(|(id, user)| (id.clone(), user["attributes"].clone()));
        stores.push(json!({
            "users": users.collect::<std::collections::BTreeMap<_, _>>(),
            "groups": store["groups"],
            "memberships": store["memberships"],
        }));
    }
    // What a trail of somebody else's delivers meanwhile is not ours.
    let mut buckets = world["buckets"].clone();
    let trails = world["trails"].as_array().unwrap();
    for (name, bucket) in buckets.as_object_mut().unwrap() {
        if trails.iter().any(|trail| trail["bucket"] == **name) {
            bucket["objects"] = json!("delivered");
        }
    }
    json!({
        "stores": stores,
        "permission_sets": world["permission_sets"],
        "assignments": world["assignments"],
        "roles": world["roles"],
        "trails": world["trails"],
        "buckets": buckets,
    })
}

fn undo(stage: &Stage, more: &[&str]) -> Ran {
    stage.json(&[&["undo", "--yes"], more].concat())
}

/// What became of each thing, by kind.
fn verdicts(ran: &Ran) -> Vec<(String, String)> {
    let envelope = ran.envelope();
    let removals = envelope["removals"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    removals
        .map(|removal| (text(&removal["kind"]), text(&removal["verdict"])))
        .collect()
}

fn verdict(ran: &Ran, kind: &str) -> String {
    let all = verdicts(ran);
    let found = all.iter().find(|(of, _)| of == kind);
    found.unwrap_or_else(|| panic!("no {kind} in {all:?}")).1.clone()
}

#[test]
fn after_a_run_and_undo_every_world_is_as_it_was() {
    let schema = schema("envelope-undo.v1.json", schemars::schema_for!(Envelope<UndoBody>));
    for name in [
        "fresh",
        "free-plan",
        "organization",
        "enabled",
        "half-done",
        "complete",
        "other-region",
        "no-permission-sets",
        "delegated-admin",
        "external-directory",
    ] {
        let stage = Stage::new(name);
        let before = lasting(&stage.server.world());
        let email = ["half-done", "complete", "external-directory"].contains(&name);
        let own: &[&str] = if email {
            &["--email=admin@example.com"]
        } else {
            &ANSWERS
        };
        let answers = [own, &["--enable-permission-sets"]].concat();
        let ran = stage.json(&[&["run"], &WILLING[..], &answers[..]].concat());
        assert_eq!(ran.code, 0, "{name}: {}", ran.summary());
        let made = lasting(&stage.server.world());
        assert!(
            made != before || ["complete", "external-directory"].contains(&name),
            "{name}"
        );
        let ran = undo(&stage, &[]);
        assert_eq!(ran.code, 0, "{name}: {}", ran.summary());
        jsonschema::validate(&schema, &ran.envelope()).unwrap();
        let mut after = lasting(&stage.server.world());
        // Enable, clicked while the run waited, is the person's, and stays.
        if ["fresh", "free-plan", "organization"].contains(&name) {
            after["stores"] = json!([]);
        }
        assert_eq!(after, before, "{name}");
        assert!(!stage.path(".aws").exists(), "{name}: {:?}", stage.files(".aws"));
        // Again there is nothing left to do, and a run makes it all once more.
        assert!(
            verdicts(&undo(&stage, &[]).expect(0))
                .iter()
                .all(|(_, verdict)| verdict == "stays"),
            "{name}"
        );
        let ran = stage.json(&[&["run"], &WILLING[..], &answers[..]].concat());
        assert_eq!(ran.code, 0, "{name}: {}", ran.summary());
    }
}

#[test]
fn what_was_found_is_never_touched() {
    let stage = Stage::new("complete");
    let before = lasting(&stage.server.world());
    stage
        .json(&[&["run", "--email=admin@example.com"], &WILLING[..]].concat())
        .expect(0);
    let ran = undo(&stage, &["--include-changed"]).expect(0);
    let kinds: Vec<String> = verdicts(&ran).into_iter().map(|(kind, _)| kind).collect();
    for kind in ["user", "group", "permission-set", "account-assignment", "trail"] {
        assert!(!kinds.contains(&kind.to_owned()), "{kinds:?}");
    }
    assert_eq!(lasting(&stage.server.world()), before);
}

#[test]
fn a_trail_goes_and_a_bucket_with_files_in_it_stays() {
    let stage = Stage::new("fresh");
    stage.go(&["--create-trail"]).expect(0);
    let ran = undo(&stage, &[]).expect(0);
    assert_eq!(verdict(&ran, "trail"), "removed");
    assert!(stage.server.world().trails.is_empty());
    let bucket = verdict(&ran, "bucket");
    assert_eq!(bucket == "stays", !stage.server.world().buckets.is_empty(), "{bucket}");
    assert_eq!(verdict(&ran, "organization"), "stays");
    assert!(stage.server.world().organization.is_some());
}

#[test]
fn every_byte_that_others_wrote_stays() {
    for before in [
        "",
        "# mine\r\n[profile other]\r\nregion = x\r\n",
        "[profile other]\nregion=x",
        "[profile other]\naws_access_key_id = AKIA\n  ; odd\n",
    ] {
        let stage = Stage::new("enabled");
        std::fs::create_dir_all(stage.path(".aws")).unwrap();
        std::fs::write(stage.path(".aws/config"), before).unwrap();
        // What the SDK does not read is no reason to lose a byte of it.
        // Nobody signs in, so nothing proves the activation.
        stage.go(&["--skip=sign-in"]).expect(3);
        undo(&stage, &[]).expect(0);
        assert_eq!(std::fs::read_to_string(stage.path(".aws/config")).unwrap(), before);
        // And with something that somebody else has added meanwhile.
        // Nobody signs in, so nothing proves the activation.
        stage.go(&["--skip=sign-in"]).expect(3);
        let mut text = std::fs::read_to_string(stage.path(".aws/config")).unwrap();
        text.push_str("\n[profile later]\noutput = text\n");
        std::fs::write(stage.path(".aws/config"), &text).unwrap();
        undo(&stage, &[]).expect(0);
        let after = std::fs::read_to_string(stage.path(".aws/config")).unwrap();
        assert_eq!(after, format!("{before}\n[profile later]\noutput = text\n"));
        // Or has added without a blank line: that is not glued to the line before.
        std::fs::write(stage.path(".aws/config"), before).unwrap();
        stage.go(&["--skip=sign-in"]).expect(3);
        let mut text = std::fs::read_to_string(stage.path(".aws/config")).unwrap();
        text.push_str("[profile later]\noutput = text\n");
        std::fs::write(stage.path(".aws/config"), &text).unwrap();
        undo(&stage, &[]).expect(0);
        let after = std::fs::read_to_string(stage.path(".aws/config")).unwrap();
        let kept = if before.is_empty() || before.ends_with('\n') {
            before.to_owned()
        } else {
            format!("{before}\n")
        };
        assert_eq!(after, format!("{kept}[profile later]\noutput = text\n"));
    }
}

#[test]
fn a_profile_that_was_changed_is_left_unless_that_is_wanted_and_then_only_our_keys_go() {
    let stage = Stage::new("enabled");
    stage.go(&[]).expect(0);
    let path = stage.path(".aws/config");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("output = json\n", "output = json\ncli_pager =\n")).unwrap();
    let ran = undo(&stage, &["--step=cli-profile"]).expect(5);
    assert_eq!(verdict(&ran, "cli-profile"), "changed");
    assert_eq!(verdict(&ran, "sso-session"), "removed");
    assert!(std::fs::read_to_string(&path).unwrap().contains("sso_account_id"));
    undo(&stage, &["--step=cli-profile", "--include-changed"]).expect(0);
    let after = std::fs::read_to_string(&path).unwrap();
    assert_eq!(after.trim(), "[profile eks-walkthrough]\ncli_pager =");
    // Nothing else was asked for.
    assert_eq!(stage.server.world().permission_sets.len(), 1);
}

#[test]
fn what_an_update_has_changed_is_still_ours() {
    let stage = Stage::new("enabled");
    stage.go(&[]).expect(0);
    stage.go(&["--cli-output=text", "--update=cli-profile"]).expect(0);
    let ran = undo(&stage, &[]).expect(0);
    assert_eq!(verdict(&ran, "cli-profile"), "removed");
    assert!(!stage.path(".aws").exists(), "{:?}", stage.files(".aws"));
}

#[test]
fn what_others_have_come_to_use_is_named_and_left() {
    let stage = Stage::new("enabled");
    stage.go(&[]).expect(0);
    {
        let mut world = stage.server.world();
        let by = world.root().arn;
        let at = "2026-01-01T00:00:00Z".parse().unwrap();
        let store = &mut world.instances[0].store;
        let (group, user) = (
            store.groups.keys().next().unwrap().clone(),
            store.users.keys().next().unwrap().clone(),
        );
        let mut eve = store.users[&user].clone();
        eve.attributes["UserName"] = json!("eve");
        eve.attributes["Emails"][0]["Value"] = json!("eve@example.com");
        let id = "9067aabbcc-99999999-0000-4000-8000-000000000000".to_owned();
        store.users.insert(id.clone(), eve);
        let created = Stamp { at, by };
        store.memberships.insert(
            "9067aabbcc-00000000-0000-4000-8000-000000000000".to_owned(),
            Membership {
                group,
                user: id,
                created,
            },
        );
        world.permission_sets[0].session_duration = "PT2H".to_owned();
    }
    let ran = undo(&stage, &[]).expect(5);
    assert_eq!(verdict(&ran, "group"), "changed");
    assert_eq!(verdict(&ran, "group-membership"), "removed");
    assert_eq!(verdict(&ran, "user"), "removed");
    let why = ran.envelope()["removals"]
        .as_array()
        .unwrap()
        .iter()
        .find(|removal| removal["kind"] == "group")
        .unwrap()["why"]
        .clone();
    assert!(why.as_str().unwrap().contains("somebody else is in it"), "{why}");
    assert_eq!(stage.server.world().instances[0].store.groups.len(), 1);
    undo(&stage, &["--include-changed"]).expect(0);
    let world = stage.server.world();
    assert!(world.instances[0].store.groups.is_empty());
    assert_eq!(world.instances[0].store.users.len(), 1, "eve stays");
}

#[test]
fn access_that_somebody_else_gave_to_our_group_is_theirs() {
    let stage = Stage::new("enabled");
    stage.go(&[]).expect(0);
    {
        let mut world = stage.server.world();
        let mut set = world.permission_sets[0].clone();
        let mut assignment = world.assignments[0].clone();
        "Billing".clone_into(&mut set.name);
        set.arn = set.arn.replace("/ps-", "/ps-9");
        set.arn.truncate(set.arn.len() - 1);
        assignment.permission_set.clone_from(&set.arn);
        world.permission_sets.push(set);
        world.assignments.push(assignment);
    }
    let ran = undo(&stage, &[]).expect(5);
    assert_eq!(verdict(&ran, "group"), "changed");
    assert_eq!(verdict(&ran, "permission-set"), "removed");
    assert_eq!(stage.server.world().instances[0].store.groups.len(), 1);
}

#[test]
fn a_permission_set_that_says_more_than_it_was_made_with_is_changed() {
    type Change = fn(&mut World);
    let changes: [(&str, Change); 4] = [
        ("inline policy", |world| {
            world.permission_sets[0].inline_policy = Some("{}".to_owned());
        }),
        ("ReadOnlyAccess", |world| {
            let policy = "arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned();
            world.permission_sets[0].managed_policies.push(policy);
        }),
        ("a session lasts PT2H", |world| {
            "PT2H".clone_into(&mut world.permission_sets[0].session_duration);
        }),
        ("relay state", |world| {
            world.permission_sets[0].relay_state = Some("https://example.com".to_owned());
        }),
    ];
    for (what, change) in changes {
        let stage = Stage::new("enabled");
        stage.go(&[]).expect(0);
        change(&mut stage.server.world());
        let ran = undo(&stage, &[]).expect(5);
        assert_eq!(verdict(&ran, "permission-set"), "changed", "{what}");
        assert!(ran.summary().contains(what), "{what}: {}", ran.summary());
        assert_eq!(stage.server.world().permission_sets.len(), 1, "{what}");
        undo(&stage, &["--include-changed"]).expect(0);
        assert!(stage.server.world().permission_sets.is_empty(), "{what}");
    }
}

#[test]
fn a_set_that_somebody_else_has_too_stays_whatever_is_wanted() {
    let stage = Stage::new("enabled");
    stage.go(&[]).expect(0);
    {
        let mut world = stage.server.world();
        let mut other = world.assignments[0].clone();
        other.principal = "9067aabbcc-99999999-0000-4000-8000-000000000000".to_owned();
        "USER".clone_into(&mut other.principal_type);
        world.assignments.push(other);
    }
    assert_eq!(verdict(&undo(&stage, &[]).expect(5), "permission-set"), "changed");
    let ran = undo(&stage, &["--include-changed"]).expect(0);
    assert_eq!(verdict(&ran, "permission-set"), "stays");
}

#[test]
fn what_was_made_a_moment_ago_and_does_not_show_yet_is_not_written_off() {
    let stage = Stage::new("enabled");
    stage.go(&[]).expect(0);
    let before = lasting(&Stage::new("enabled").server.world());
    // It was written down just now,
    let mut kept = stage.state();
    for resource in kept["resources"].as_array_mut().unwrap() {
        resource["at"] = json!(jiff::Timestamp::now().to_string());
    }
    std::fs::write(stage.state_file(), kept.to_string()).unwrap();
    // and reads come from where nothing has arrived yet, more often than undo looks at what is old.
    for operation in ["DescribeUser", "DescribePermissionSet", "GetGroupMembershipId"] {
        for nth in 1..7 {
            let gone = Refusal::new("ResourceNotFoundException", "It was not found");
            stage.fault(operation, nth, FaultKind::Refuse(gone));
        }
    }
    undo(&stage, &[]).expect(0);
    assert_eq!(
        lasting(&stage.server.world())["permission_sets"],
        before["permission_sets"]
    );
    assert!(stage.server.world().instances[0].store.users.is_empty());
}

#[test]
fn a_step_is_not_pulled_from_under_what_another_has_made() {
    let stage = Stage::new("enabled");
    stage.go(&[]).expect(0);
    for step in ["create-group", "permission-set"] {
        let ran = undo(&stage, &["--step", step]).expect(1);
        let next = ran.envelope()["error"]["next"].as_str().unwrap().to_owned();
        assert!(next.contains("--step account-assignment"), "{next}");
    }
    assert_eq!(stage.counts()[0], 1);
    undo(&stage, &["--step=account-assignment"]).expect(0);
    undo(&stage, &["--step=permission-set"]).expect(0);
}

#[test]
fn the_flags_of_a_run_are_not_taken_for_more_than_undo_knows() {
    let stage = Stage::new("enabled");
    stage.go(&[]).expect(0);
    let before = lasting(&stage.server.world());
    for flag in [
        "--only=create-user",
        "--skip=create-user",
        "--fresh",
        "--update=permission-set",
    ] {
        undo(&stage, &[flag]).expect(2);
    }
    assert_eq!(lasting(&stage.server.world()), before);
}

#[test]
fn what_stops_undo_names_undo_as_the_way_on() {
    for (operation, code, exit) in [
        ("DeleteUser", "AccessDeniedException", 4),
        ("DescribeOrganization", "AccessDeniedException", 4),
        ("DeleteUser", "ExpiredTokenException", 4),
    ] {
        let stage = Stage::new("enabled");
        stage.go(&[]).expect(0);
        stage.fault(operation, 1, FaultKind::Refuse(Refusal::new(code, "no")));
        let ran = undo(&stage, &[]).expect(exit);
        let error = ran.envelope()["error"].clone();
        let next = error["next"].as_str().unwrap();
        assert!(
            next.contains("idc-setup undo") && !next.contains("idc-setup run"),
            "{operation}: {next}"
        );
        assert!(error["aws"]["code"] == code, "{operation}: {error}");
    }
}

#[test]
fn a_state_file_cannot_have_other_files_removed() {
    let stage = Stage::new("enabled");
    stage.go(&[]).expect(0);
    let precious = stage.path("precious");
    std::fs::write(&precious, "mine").unwrap();
    let mut kept = stage.state();
    for resource in kept["resources"].as_array_mut().unwrap() {
        if resource["kind"] == "token" {
            resource["id"] = json!(precious.to_str().unwrap());
        }
    }
    std::fs::write(stage.state_file(), kept.to_string()).unwrap();
    let ran = undo(&stage, &[]).expect(0);
    assert_eq!(verdict(&ran, "token"), "stays");
    assert!(precious.exists());
}

#[test]
fn a_session_that_another_profile_uses_is_left() {
    let stage = Stage::new("enabled");
    stage.go(&[]).expect(0);
    let path = stage.path(".aws/config");
    let mut text = std::fs::read_to_string(&path).unwrap();
    text.push_str("\n[profile bob]\nsso_session = my-sso\n");
    std::fs::write(&path, text).unwrap();
    let ran = undo(&stage, &[]).expect(5);
    assert_eq!(verdict(&ran, "sso-session"), "changed");
    assert_eq!(verdict(&ran, "cli-profile"), "removed");
    assert!(std::fs::read_to_string(&path).unwrap().contains("[sso-session my-sso]"));
}

#[cfg(unix)]
#[test]
fn what_changes_while_undo_asks_is_seen_before_anything_is_removed() {
    use super::support::terminal::Terminal;
    let stage = Stage::new("enabled");
    stage.go(&[]).expect(0);
    let mut terminal = Terminal::start(&stage, &["undo"]);
    terminal.wait_for("type its id");
    stage.server.world().permission_sets[0].inline_policy = Some("{}".to_owned());
    terminal.answer("type its id", "123456789012\r");
    assert_eq!(terminal.end(), 5, "{}", terminal.contents());
    assert!(
        terminal.contents().contains("Meanwhile: changed"),
        "{}",
        terminal.contents()
    );
    assert_eq!(stage.server.world().permission_sets.len(), 1);
}

#[test]
fn nobody_removes_the_permission_set_that_they_are_signed_in_through() {
    let mut stage = Stage::new("enabled");
    stage.go(&[]).expect(0);
    let credentials = {
        let mut world = stage.server.world();
        let mut identity = world.root();
        identity.arn =
            "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_AdministratorAccess_0123456789abcdef/Admin"
                .to_owned();
        world.issue(identity)
    };
    stage.credentials = credentials;
    let before = lasting(&stage.server.world());
    let ran = undo(&stage, &[]).expect(4);
    let error = &ran.envelope()["error"];
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("signed in through the permission set"),
        "{error}"
    );
    assert!(error["next"].as_str().unwrap().contains("aws login"), "{error}");
    assert_eq!(lasting(&stage.server.world()), before);
}

#[test]
fn without_somebody_who_agrees_nothing_is_removed() {
    let stage = Stage::new("enabled");
    stage.go(&[]).expect(0);
    let before = lasting(&stage.server.world());
    stage.json(&["undo"]).expect(2);
    stage.json(&["undo", "--yes", "--step=nonsense"]).expect(2);
    #[cfg(unix)]
    {
        use super::support::terminal::Terminal;
        let mut terminal = Terminal::start(&stage, &["undo"]);
        terminal.wait_for("remove   user Admin");
        terminal.answer("type its id", "123456789013\r");
        assert_eq!(terminal.end(), 3, "{}", terminal.contents());
        assert!(
            terminal.contents().contains("Nothing was removed."),
            "{}",
            terminal.contents()
        );
        assert_eq!(lasting(&stage.server.world()), before);
        let mut terminal = Terminal::start(&stage, &["undo"]);
        terminal.answer("type its id", "123456789012\r");
        assert_eq!(terminal.end(), 0, "{}", terminal.contents());
    }
    assert_ne!(lasting(&stage.server.world()), before);
}

#[test]
fn it_can_be_killed_at_every_removal_and_run_again() {
    let deletes = |stage: &Stage| -> Vec<CallLine> {
        let calls = stage.server.calls().into_iter();
        calls.filter(|call| call.operation.starts_with("Delete")).collect()
    };
    let whole = Stage::new("enabled");
    let before = lasting(&whole.server.world());
    whole.go(&[]).expect(0);
    whole.server.clear_calls();
    undo(&whole, &[]).expect(0);
    let operations = deletes(&whole);
    assert_eq!(operations.len(), 5, "{operations:?}");
    for operation in operations {
        for is_before in [true, false] {
            let stage = Stage::new("enabled");
            stage.go(&[]).expect(0);
            stage.kill_at(&["undo", "--yes"], &operation.operation, 1, is_before);
            let ran = undo(&stage, &[]);
            let what = format!("{} before={is_before}", operation.operation);
            assert_eq!(ran.code, 0, "{what}: {}", ran.summary());
            assert_eq!(lasting(&stage.server.world()), before, "{what}");
            assert!(!stage.path(".aws").exists(), "{what}");
            let kept = stage.state();
            assert_eq!(kept["intents"], json!([]), "{what}");
            let left = kept["resources"].as_array().unwrap().iter();
            let made: Vec<&Value> = left.filter(|resource| resource["how"] == "made").collect();
            assert!(made.is_empty(), "{what}: {made:?}");
        }
    }
}

/// A file as people have it: sections, comments, odd line ends, with or without an end.
fn config_text() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        "\\[profile [a-z]{1,6}\\]",
        "\\[sso-session [a-z]{1,6}\\]",
        "[a-z_]{1,10} ?= ?[a-zA-Z0-9:/. -]{0,12}",
        "# [a-z ]{0,10}",
        "  [a-z_]{1,6} = [a-z]{0,5}",
        Just(String::new()),
    ];
    let end = prop_oneof![Just("\n"), Just("\r\n")];
    (
        proptest::collection::vec(line, 0..12),
        end,
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(lines, end, mark, last)| {
            let mut text = if mark { "\u{feff}".to_owned() } else { String::new() };
            text.push_str(&lines.join(end));
            if last {
                text.push_str(end);
            }
            text
        })
}

proptest! {
    #[test]
    fn adding_is_one_text_that_can_be_taken_out_again_and_adding_twice_is_adding_once(text in config_text()) {
        let Ok(config) = Config::parse(text.as_bytes()) else { return Ok(()) };
        let (session, profile) = (Section::SsoSession("new-session"), Section::Profile("new-profile"));
        let edit = |mut config: Config| {
            config.set(session, &[("sso_region", Some("us-east-1"))]);
            config.set(profile, &[("sso_session", Some("new-session")), ("output", Some("json"))]);
            config.text()
        };
        let after = edit(config);
        let added = after.strip_prefix(text.as_str());
        prop_assert!(added.is_some(), "{text:?} is not kept as it was: {after:?}");
        prop_assert_eq!(&after.replacen(added.unwrap(), "", 1), &text);
        let again = edit(Config::parse(after.as_bytes()).unwrap());
        prop_assert_eq!(&again, &after);
        // Where the text is not one any more, our keys go, and nothing else.
        let mut config = Config::parse(after.as_bytes()).unwrap();
        config.remove(profile, &["sso_session".to_owned(), "output".to_owned()]);
        config.remove(session, &["sso_region".to_owned()]);
        let left = config.text();
        let lines = |text: &str| text.lines().map(str::to_owned).filter(|line| !line.is_empty()).collect::<Vec<_>>();
        prop_assert_eq!(lines(&left), lines(&text));
    }
}
