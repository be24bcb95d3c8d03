//! The formats of an export, as functions of an inventory: what they look like, and that no name breaks them.

use std::collections::{BTreeMap, BTreeSet};

use idc_setup::export::argo_cd::{Cluster, Format, Options};
use idc_setup::export::surroundings::{OrganizationState, Surroundings};
use idc_setup::export::{Export, Selection, View, access, argo_cd, cloudformation, terraform};
use idc_setup::ids::{AssignmentKey, GroupId, MembershipKey, PermissionSetArn, Principal, UserId};
use idc_setup::progress::{Setting, Settings};
use idc_setup::reconcile::Instance;
use idc_setup::resources::inventory::{Account, Accounts, Group, Inventory, PermissionSet, User};
use idc_setup::resources::trail::{DescribedTrail, PublicAccessBlock, TrailWithBucket};
use proptest::prelude::*;

const ACCOUNT: &str = "123456789012";
const OTHER: &str = "210987654321";

fn user_id(n: usize) -> UserId {
    format!("9067aabbcc-00000000-0000-4000-8000-{n:012}").parse().unwrap()
}

fn group_id(n: usize) -> GroupId {
    format!("9067aabbcc-11111111-0000-4000-8000-{n:012}").parse().unwrap()
}

fn set_arn(n: usize) -> PermissionSetArn {
    format!("arn:aws:sso:::permissionSet/ssoins-7223a1b2c3d4e5f6/ps-{n:016}")
        .parse()
        .unwrap()
}

fn account(id: &str, name: &str) -> Account {
    Account {
        id: id.parse().unwrap(),
        name: name.to_owned(),
        email: String::new(),
        state: "ACTIVE".to_owned(),
        path: Vec::new(),
        tags: None,
    }
}

fn empty() -> Inventory {
    let accounts = [account(ACCOUNT, "Management"), account(OTHER, "Prod\n\u{202e}${x}")];
    Inventory {
        instance: Instance {
            arn: "arn:aws:sso:::instance/ssoins-7223a1b2c3d4e5f6".parse().unwrap(),
            store: "d-9067aabbcc".parse().unwrap(),
            region: "eu-west-1".parse().unwrap(),
            owner: ACCOUNT.parse().unwrap(),
        },
        accounts: Accounts {
            management: Some(ACCOUNT.parse().unwrap()),
            all: accounts.map(|account| (account.id.clone(), account)).into(),
            units: BTreeMap::new(),
        },
        users: BTreeMap::new(),
        groups: BTreeMap::new(),
        memberships: BTreeMap::new(),
        groups_read: BTreeSet::new(),
        members_read: BTreeSet::new(),
        permission_sets: BTreeMap::new(),
        assignments: BTreeSet::new(),
        assignments_read: BTreeSet::new(),
        reads_every_pair: true,
    }
}

fn user(name: &str) -> User {
    User {
        name: name.to_owned(),
        email: Some(format!("{name}@example.com")),
        given_name: Some(name.to_owned()),
        family_name: Some("Example".to_owned()),
        display_name: Some(format!("{name} Example")),
        is_external: false,
    }
}

fn set(n: usize, name: &str, settings: Settings) -> PermissionSet {
    PermissionSet {
        arn: set_arn(n),
        name: name.to_owned(),
        settings,
        is_complete: true,
        owner: None,
        accounts: BTreeSet::new(),
        outdated_accounts: BTreeSet::new(),
    }
}

fn assignment(set: usize, principal: Principal, account: &str) -> AssignmentKey {
    AssignmentKey {
        account: account.parse().unwrap(),
        permission_set: set_arn(set),
        principal,
    }
}

fn member(inventory: &mut Inventory, group: usize, user: usize) {
    let key = MembershipKey {
        group: group_id(group),
        user: user_id(user),
    };
    let id = format!("9067aabbcc-22222222-{group:04}-4000-8000-{user:012}");
    inventory.memberships.insert(key, id.parse().unwrap());
}

/// Two users, one of them from an identity provider, two groups, and two permission sets with every kind of setting.
fn small() -> Inventory {
    let mut inventory = empty();
    let external = User {
        is_external: true,
        ..user("grace@example.com")
    };
    let admins = Group {
        name: "Admins".to_owned(),
        description: Some("Who may ${everything} \"here\"".to_owned()),
        is_external: false,
    };
    let auditors = Group {
        name: "Team A/B".to_owned(),
        ..Group::default()
    };
    inventory.users = BTreeMap::from([(user_id(1), user("ada")), (user_id(2), external)]);
    inventory.groups = BTreeMap::from([(group_id(1), admins), (group_id(2), auditors)]);
    inventory.groups_read = BTreeSet::from([group_id(1), group_id(2)]);
    member(&mut inventory, 1, 1);
    member(&mut inventory, 1, 2);
    let policy = r#"{"Statement":[{"Action":["s3:Get*","s3:List*"],"Condition":{"Bool":{"aws:SecureTransport":"true"}},"Effect":"Allow","Resource":"arn:aws:s3:::${aws:username}/*"}],"Version":"2012-10-17"}"#;
    let power = BTreeMap::from([
        (Setting::Description, Some("Builders".to_owned())),
        (Setting::SessionDuration, Some("PT4H".to_owned())),
        (
            Setting::RelayState,
            Some("https://console.aws.amazon.com/ecs".to_owned()),
        ),
        (
            Setting::Policy("arn:aws:iam::aws:policy/job-function/Billing".to_owned()),
            Some("attached".to_owned()),
        ),
        (
            Setting::Policy("arn:aws:iam::aws:policy/PowerUserAccess".to_owned()),
            Some("attached".to_owned()),
        ),
        (
            Setting::CustomerManagedPolicy("/team/Deploy".to_owned()),
            Some("attached".to_owned()),
        ),
        (Setting::InlinePolicy, Some(policy.to_owned())),
        (Setting::PermissionsBoundary, Some("/Limit".to_owned())),
        (Setting::Tag("team".to_owned()), Some("a b".to_owned())),
        (
            Setting::Tag("idc-setup:intent".to_owned()),
            Some("0123456789abcdef".to_owned()),
        ),
        (Setting::Tag("aws:x".to_owned()), Some("of AWS".to_owned())),
    ]);
    let plain = BTreeMap::from([
        (Setting::SessionDuration, Some("PT1H".to_owned())),
        (Setting::RelayState, None),
        (
            Setting::PermissionsBoundary,
            Some("arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned()),
        ),
    ]);
    inventory.permission_sets = BTreeMap::from([
        (set_arn(1), set(1, "Power", power)),
        (set_arn(2), set(2, "Plain", plain)),
    ]);
    inventory.assignments = BTreeSet::from([
        assignment(1, Principal::Group(group_id(1)), ACCOUNT),
        assignment(1, Principal::Group(group_id(1)), OTHER),
        assignment(2, Principal::Group(group_id(1)), ACCOUNT),
        assignment(2, Principal::Group(group_id(1)), OTHER),
        assignment(2, Principal::User(user_id(2)), OTHER),
        // Its group no longer exists.
        assignment(2, Principal::Group(group_id(9)), OTHER),
    ]);
    inventory
}

fn surroundings() -> Surroundings {
    let arn = "arn:aws:cloudtrail:us-east-1:123456789012:trail/idc-setup-0123456789abcdef";
    Surroundings {
        account: ACCOUNT.parse().unwrap(),
        organization: Some(OrganizationState {
            id: "o-exampleorg1".to_owned(),
            all_features: true,
        }),
        trail: Some(TrailWithBucket {
            trail: DescribedTrail {
                name: "idc-setup-0123456789abcdef".to_owned(),
                arn: arn.to_owned(),
                bucket: "idc-setup-trail-123456789012-0123456789abcdef".to_owned(),
                region: "us-east-1".parse().unwrap(),
            },
            is_multi_region: true,
            includes_global_events: true,
            validates_files: true,
            is_logging: true,
            policy: Some(r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned()),
            public_access_block: Some(PublicAccessBlock {
                block_public_acls: true,
                block_public_policy: true,
                ignore_public_acls: true,
                restrict_public_buckets: true,
            }),
            change: None,
        }),
    }
}

/// The files and the notes in one text.
fn printed(export: &Export) -> String {
    let files = export
        .files
        .iter()
        .map(|file| format!("=== {}\n{}", file.name, file.text));
    let notes = export.notes.iter().map(|note| format!("note: {note}"));
    files.chain(notes).collect::<Vec<_>>().join("\n")
}

fn argo_cd_options(format: Format) -> Options {
    Options {
        format,
        cluster: Cluster::parse("main", &ACCOUNT.parse().unwrap(), &"us-east-2".parse().unwrap()).unwrap(),
        capability: "argocd".to_owned(),
        role: None,
        admins: vec!["Admins".to_owned()],
        editors: vec!["group:Team A/B".to_owned()],
        viewers: vec!["user:ada".to_owned()],
    }
}

#[test]
fn each_format_is_as_recorded() {
    let inventory = small();
    let view = View::new(&inventory, &Selection::All);
    insta::assert_snapshot!("export_access", printed(&access::export(&view, "acme")));
    insta::assert_snapshot!("export_terraform", printed(&terraform::export(&view, &surroundings())));
    insta::assert_snapshot!(
        "export_cloudformation",
        printed(&cloudformation::export(&view, &surroundings()))
    );
    for (name, format) in [
        ("json", Format::Json),
        ("cli", Format::Cli),
        ("eksctl", Format::Eksctl),
        ("terraform", Format::Terraform),
        ("cloudformation", Format::Cloudformation),
        ("kubernetes", Format::Kubernetes),
        ("dex", Format::Dex),
    ] {
        let export = argo_cd::export(&inventory, &argo_cd_options(format)).unwrap();
        insta::assert_snapshot!(format!("export_argo_cd_{name}"), printed(&export));
    }
}

#[test]
fn an_access_file_has_comments_with_the_names_of_accounts_and_what_was_left_out() {
    let inventory = small();
    let text = access::text(&inventory, "acme");
    let read: toml::Table = toml::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(read["name"].as_str(), Some("acme"));
    assert_eq!(read["instance"].as_str(), Some("ssoins-7223a1b2c3d4e5f6"));
    assert!(text.contains("\"123456789012\", # Management"), "{text}");
    assert!(text.contains("external = true"), "{text}");
    assert!(
        text.contains("1 assignment of a user, group or permission set that no longer exists, left out."),
        "{text}"
    );
    // The group has both permission sets in both accounts.
    let assignments = read["assignment"].as_array().unwrap();
    assert_eq!(assignments.len(), 2);
    assert_eq!(assignments[0]["permission-sets"].as_array().unwrap().len(), 2);
    let power = &read["permission-set"].as_array().unwrap()[1];
    assert_eq!(power["session-duration"].as_str(), Some("4h"));
    assert_eq!(power["managed-policies"][0].as_str(), Some("PowerUserAccess"));
    assert_eq!(power["customer-managed-policies"][0].as_str(), Some("team/Deploy"));
    assert_eq!(power["permissions-boundary"].as_str(), Some("customer:Limit"));
    assert_eq!(power["tags"].as_table().unwrap().len(), 1);
}

#[test]
fn permission_sets_of_another_access_file_are_left_out_with_their_assignments() {
    let mut inventory = small();
    inventory.permission_sets.get_mut(&set_arn(2)).unwrap().owner = Some("others".to_owned());
    inventory.permission_sets.get_mut(&set_arn(1)).unwrap().owner = Some("acme".to_owned());
    let text = access::text(&inventory, "acme");
    assert!(
        text.contains(
            "# The permission set Plain is left out, with its assignments: it belongs to the access file others."
        ),
        "{text}"
    );
    assert!(!text.contains("\"Plain\""), "{text}");
    assert!(text.contains("name = \"Power\""), "{text}");
    // An orphan of a set that the file owns must not be deleted by it.
    let mut orphan = small();
    orphan.permission_sets.get_mut(&set_arn(2)).unwrap().owner = Some("acme".to_owned());
    assert!(access::text(&orphan, "acme").contains("assignments = \"at-least\""));
    assert_eq!(access::name_of(&orphan), "acme");
    assert_eq!(access::name_of(&small()), access::DEFAULT_NAME);
}

#[test]
fn an_inline_policy_that_toml_cannot_represent_becomes_a_file() {
    let mut inventory = small();
    let policy = r#"{"Statement":[{"Condition":{"Null":{"x":null}}}]}"#;
    let set = inventory.permission_sets.get_mut(&set_arn(2)).unwrap();
    set.settings.insert(Setting::InlinePolicy, Some(policy.to_owned()));
    let export = access::export(&View::new(&inventory, &Selection::All), "acme");
    assert_eq!(export.files.len(), 2);
    let file = &export.files[1];
    assert!(
        export.files[0]
            .text
            .contains(&format!("inline-policy = \"{}\"", file.name))
    );
    let read: serde_json::Value = serde_json::from_str(&file.text).unwrap();
    assert_eq!(read, serde_json::from_str::<serde_json::Value>(policy).unwrap());
}

#[test]
fn cloudformation_has_at_most_200_resources_in_a_template_and_imports_each_once() {
    let mut inventory = empty();
    for n in 0..500 {
        let group = Group {
            name: format!("Group {n}"),
            ..Group::default()
        };
        inventory.groups.insert(group_id(n), group);
    }
    let export = cloudformation::export(&View::new(&inventory, &Selection::All), &surroundings());
    let read = |name: &str| -> serde_json::Value {
        let file = export.files.iter().find(|file| file.name == name).unwrap();
        serde_json::from_str(&file.text).unwrap()
    };
    // Three for Identity Center, and one for the Region of the trail.
    let mut identifiers = BTreeSet::new();
    let mut counts = Vec::new();
    for part in 1..=4 {
        let template = read(&format!("template-{part}.json"));
        let imports = read(&format!("resources-to-import-{part}.json"));
        let resources = template["Resources"].as_object().unwrap();
        counts.push(resources.len());
        let imports = imports.as_array().unwrap();
        assert_eq!(imports.len(), resources.len());
        for import in imports {
            let resource = &resources[import["LogicalResourceId"].as_str().unwrap()];
            assert_eq!(resource["Type"], import["ResourceType"]);
            assert!(identifiers.insert(import.to_string()), "{import}");
        }
    }
    assert_eq!(counts, [200, 200, 100, 3]);
    assert_eq!(export.files.len(), 8);
}

#[test]
fn a_cloudformation_template_is_never_larger_than_cloudformation_reads() {
    let mut inventory = empty();
    let policy = serde_json::json!({"Version": "2012-10-17", "Statement": [{"Sid": "x".repeat(30_000)}]}).to_string();
    for n in 0..100 {
        let settings = BTreeMap::from([(Setting::InlinePolicy, Some(policy.clone()))]);
        let one = set(n, &format!("Set {n}"), settings);
        inventory.permission_sets.insert(set_arn(n), one);
    }
    let export = cloudformation::export(&View::new(&inventory, &Selection::All), &surroundings());
    // Four for Identity Center, and one for the Region of the trail, each with what it imports.
    assert_eq!(export.files.len(), 10);
    for file in export.files {
        assert!(file.text.len() <= cloudformation::MOST_BYTES, "{}", file.name);
    }
}

#[test]
fn resources_refer_to_each_other_within_a_template_and_by_id_beyond_it() {
    let inventory = small();
    let export = cloudformation::export(&View::new(&inventory, &Selection::All), &surroundings());
    let template: serde_json::Value = serde_json::from_str(&export.files[0].text).unwrap();
    let resources = template["Resources"].as_object().unwrap();
    let assignments = resources
        .values()
        .filter(|resource| resource["Type"] == "AWS::SSO::Assignment");
    let principals: Vec<_> = assignments
        .map(|resource| &resource["Properties"]["PrincipalId"])
        .collect();
    assert_eq!(principals.len(), 5);
    let group = serde_json::json!({"Fn::GetAtt": ["GroupAdmins", "GroupId"]});
    assert_eq!(principals.iter().filter(|principal| **principal == &group).count(), 4);
    assert!(
        principals
            .iter()
            .any(|principal| **principal == user_id(2).to_string().as_str())
    );
}

fn inventory_with(names: &[String]) -> Inventory {
    let mut inventory = empty();
    for (n, name) in names.iter().enumerate() {
        inventory.users.insert(user_id(n), user(name));
        let group = Group {
            name: name.clone(),
            description: Some(name.clone()),
            is_external: false,
        };
        inventory.groups.insert(group_id(n), group);
        member(&mut inventory, n, n);
        let settings = BTreeMap::from([
            (Setting::Description, Some(name.clone())),
            (Setting::InlinePolicy, Some(serde_json::json!({name: name}).to_string())),
            (Setting::Tag(format!("t{name}")), Some(name.clone())),
        ]);
        inventory.permission_sets.insert(set_arn(n), set(n, name, settings));
        inventory
            .assignments
            .insert(assignment(n, Principal::Group(group_id(n)), ACCOUNT));
        inventory
            .assignments
            .insert(assignment(n, Principal::User(user_id(n)), OTHER));
    }
    inventory
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_name_breaks_a_format_and_names_are_stable(names in prop::collection::btree_set("\\PC{0,12}", 1..6)) {
        let names: Vec<String> = names.into_iter().collect();
        let inventory = inventory_with(&names);
        let view = View::new(&inventory, &Selection::All);
        // Terraform: each resource has another address, and one import.
        let export = terraform::export(&view, &surroundings());
        let all: String = export.files.iter().map(|file| file.text.as_str()).collect();
        let addresses: Vec<&str> = all.lines().filter(|line| line.starts_with("resource \"")).collect();
        let distinct: BTreeSet<&&str> = addresses.iter().collect();
        prop_assert_eq!(distinct.len(), addresses.len());
        prop_assert_eq!(all.matches("import {\n").count(), addresses.len());
        prop_assert_eq!(&export, &terraform::export(&view, &surroundings()));
        // One more of each changes no other address.
        let more: Vec<String> = names.iter().cloned().chain(["one more".to_owned()]).collect();
        let larger = inventory_with(&more);
        let larger = terraform::export(&View::new(&larger, &Selection::All), &surroundings());
        let larger: String = larger.files.iter().map(|file| file.text.as_str()).collect();
        for address in addresses {
            prop_assert!(larger.contains(address), "{address}");
        }
        // The access file has every name.
        let text = access::text(&inventory, "acme");
        let read: toml::Table = toml::from_str(&text).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        for table in ["user", "group", "permission-set"] {
            let read: BTreeSet<&str> = read[table].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
            prop_assert_eq!(&read, &names.iter().map(String::as_str).collect::<BTreeSet<_>>());
        }
        // CloudFormation: valid JSON with as many imports as resources.
        let export = cloudformation::export(&view, &surroundings());
        for file in &export.files {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&file.text).is_ok());
        }
        // No character controls the terminal.
        for file in &export.files {
            prop_assert!(!file.text.contains(|c: char| c.is_control() && c != '\n'));
        }
    }
}
