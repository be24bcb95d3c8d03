//! `idc-setup export`, with the tools that take over: Terraform, CloudFormation and boto3.

use std::path::Path;
use std::process::Command;

use idc_setup::ui::envelope::{Envelope, ExportBody};
use idc_sim::Cluster;
use serde_json::Value;

use super::boto3::run_python;
use super::json::schema;
use super::support::python::python;
use super::support::settings;
use super::support::terraform::Terraform;
use super::support::{ANSWERS, NON_INTERACTIVE, TestEnv, is_mutating};

/// The answers for the scenarios that have a user.
const EXISTING: [&str; 1] = ["--email=admin@example.com"];

/// The scenarios in which the wizard can set everything up, with the answers that each of them needs.
const SCENARIOS: [(&str, &[&str]); 9] = [
    ("fresh", &ANSWERS),
    ("free-plan", &ANSWERS),
    ("organization", &ANSWERS),
    ("half-done", &EXISTING),
    ("complete", &EXISTING),
    ("other-region", &ANSWERS),
    ("no-permission-sets", &ANSWERS),
    ("delegated-admin", &ANSWERS),
    ("external-directory", &EXISTING),
];

/// Runs the wizard, also with a trail.
fn set_up(scenario: &str, answers: &[&str]) -> TestEnv {
    let env = TestEnv::new(scenario);
    let consents = ["--create-trail", "--enable-permission-sets"];
    let args = [&["run"], &NON_INTERACTIVE[..], &consents, answers].concat();
    env.json(&args).expect(0);
    env
}

/// Exports to a folder, and checks that nothing was changed.
fn export(env: &TestEnv, args: &[&str]) -> std::path::PathBuf {
    env.server.clear_calls();
    let dir = env.path("exported");
    env.run(&[&["export"], args, &["--dir=exported"]].concat()).expect(0);
    assert!(!env.server.calls().iter().any(is_mutating));
    dir
}

/// The number of import blocks.
fn imports(folder: &Path) -> usize {
    let files = std::fs::read_dir(folder).unwrap().flatten().map(|file| file.path());
    let files = files.filter(|path| path.extension().is_some_and(|end| end == "tf"));
    let texts = files.map(|path| std::fs::read_to_string(path).unwrap());
    texts.map(|text| text.matches("import {\n").count()).sum()
}

/// Plans. Everything is imported, and nothing is added, changed or destroyed.
fn assert_planned<'a>(env: &'a TestEnv, dir: &'a Path) -> Option<Terraform<'a>> {
    let terraform = Terraform::init(env, dir)?;
    terraform.check_format();
    let expected = format!("Plan: {} to import, 0 to add, 0 to change, 0 to destroy.", imports(dir));
    assert_eq!(terraform.plan(), expected);
    Some(terraform)
}

/// Plans, applies and plans again.
fn assert_imported(env: &TestEnv, dir: &Path) {
    let Some(terraform) = assert_planned(env, dir) else {
        return;
    };
    env.server.clear_calls();
    terraform.apply();
    assert!(!env.server.calls().iter().any(is_mutating));
    assert!(terraform.plan().starts_with("No changes."));
}

#[test]
fn terraform_imports_what_the_wizard_made_in_every_scenario_without_a_change() {
    for (scenario, answers) in SCENARIOS {
        let env = set_up(scenario, answers);
        let dir = export(&env, &["terraform"]);
        assert!(imports(&dir) > 3, "{scenario}");
        if ["fresh", "external-directory"].contains(&scenario) {
            assert_imported(&env, &dir);
        } else {
            assert_planned(&env, &dir);
        }
    }
}

#[test]
fn terraform_imports_only_what_the_wizard_made_and_reads_the_rest() {
    let env = set_up("half-done", &["--email=admin@example.com"]);
    let dir = export(&env, &["terraform", "--only-created"]);
    let data = std::fs::read_to_string(dir.join("data.tf")).unwrap();
    assert!(data.contains("data \"aws_identitystore_group\" \"Admins\""), "{data}");
    assert!(!dir.join("users.tf").exists(), "the user existed before");
    assert_imported(&env, &dir);
}

#[test]
fn terraform_imports_what_an_access_file_with_every_kind_of_policy_made_without_a_change() {
    // 10 users, 5 groups, 20 memberships, 3 permission sets with every kind of policy, and 20 assignments.
    let env = settings::applied(10, 5, 2);
    let dir = export(&env, &["terraform"]);
    // The organization, the users, groups, memberships, permission sets with their parts, and assignments.
    assert_eq!(imports(&dir), 1 + 10 + 5 + 20 + (3 + 2 + 2 + 1 + 1 + 1) + 20);
    assert_imported(&env, &dir);
}

#[test]
fn terraform_adopts_an_organization_with_odd_names_without_a_change() {
    let env = set_up(
        "complete",
        &[
            "--email=admin@example.com",
            "--group=Team ${x} %{if} \"y\"",
            "--permission-set=a+b@c",
        ],
    );
    for user in env.server.cloud().instances[0].store.users.values_mut() {
        for (attribute, value) in [
            ("Title", "Boss ${z}"),
            ("NickName", "B"),
            ("Locale", "en"),
            ("UserType", "x"),
        ] {
            user.attributes.insert(attribute.to_owned(), value.into());
        }
    }
    // The state of the wizard is not needed.
    std::fs::remove_file(env.state_file()).unwrap();
    let dir = export(&env, &["terraform"]);
    let groups = std::fs::read_to_string(dir.join("groups.tf")).unwrap();
    assert!(
        groups.contains(r#"display_name      = "Team $${x} %%{if} \"y\"""#),
        "{groups}"
    );
    assert_imported(&env, &dir);
}

#[test]
fn cloudformation_templates_pass_cfn_lint_and_name_each_resource_once() {
    let Some(python) = python() else { return };
    let env = settings::applied(10, 5, 2);
    env.json(&["recommend", "--non-interactive", "--create-trail", "--only=cloudtrail"])
        .expect(0);
    let dir = export(&env, &["cloudformation"]);
    let template = dir.join("template.json");
    let checked = Command::new(python.with_file_name("cfn-lint"))
        .arg(&template)
        .output()
        .unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    let read = |name: &str| -> Value { serde_json::from_slice(&std::fs::read(dir.join(name)).unwrap()).unwrap() };
    let (template, imports) = (read("template.json"), read("resources-to-import.json"));
    let resources = template["Resources"].as_object().unwrap();
    assert!(
        resources
            .values()
            .all(|resource| resource["DeletionPolicy"] == "Retain")
    );
    let mut ids: Vec<&str> = imports
        .as_array()
        .unwrap()
        .iter()
        .map(|import| import["LogicalResourceId"].as_str().unwrap())
        .collect();
    ids.sort_unstable();
    let mut expected: Vec<&str> = resources.keys().map(String::as_str).collect();
    expected.sort_unstable();
    assert_eq!(ids, expected);
    assert_eq!(ids.len(), 5 + 20 + 3 + 20 + 3);
}

#[test]
fn the_plan_of_an_exported_access_file_has_nothing_to_do() {
    for (scenario, answers) in SCENARIOS {
        let env = set_up(scenario, answers);
        let dir = export(&env, &["access"]);
        let file = dir.join("access.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        toml::from_str::<toml::Table>(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        env.run(&["access", "plan", file.to_str().unwrap()]).expect(0);
    }
    let env = settings::applied(10, 5, 3);
    let file = export(&env, &["access"]).join("access.toml");
    env.run(&["access", "plan", file.to_str().unwrap()]).expect(0);
}

/// Calls `eks:CreateCapability` with the request in a file. boto3 checks it against the model.
const CREATE_CAPABILITY: &str = r#"
import boto3, json, sys
request = json.load(open(sys.argv[1]))
created = boto3.client("eks").create_capability(**request)["capability"]
json.dump(created["configuration"]["argoCd"]["rbacRoleMappings"], sys.stdout)
"#;

/// Reads YAML documents.
const YAML: &str = "import json, sys, yaml; json.dump(list(yaml.safe_load_all(open(sys.argv[1]))), sys.stdout)";

#[test]
fn the_request_for_argo_cd_is_accepted_by_boto3_and_the_simulation() {
    let Some(python) = python() else { return };
    let env = set_up("enabled", &ANSWERS);
    env.server.cloud().clusters.push(Cluster::new("main", "us-east-1"));
    let dir = export(
        &env,
        &["argo-cd", "--cluster=main", "--admin=Admins", "--viewer=user:Admin"],
    );
    let request = dir.join("argo-cd.json");
    let mappings = run_python(&env, python, &["-c", CREATE_CAPABILITY, request.to_str().unwrap()]);
    let group = env.state()["resources"]
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["kind"] == "group")
        .map(|entry| entry["id"].clone());
    assert_eq!(Some(mappings[0]["identities"][0]["id"].clone()), group);
    assert_eq!(mappings[1]["identities"][0]["type"], "SSO_USER");
}

#[test]
fn each_format_for_argo_cd_parses_with_its_own_parser() {
    let Some(python) = python() else { return };
    let env = set_up("enabled", &ANSWERS);
    let print = |format: &str| {
        let args = [
            "export",
            "argo-cd",
            "--cluster=main",
            "--admin=Admins",
            "--editor=Admins",
        ];
        let result = env.run(&[&args[..], &["--format", format]].concat()).expect(0);
        assert!(
            // Where the format has comments, the notes are there.
            format!("{}{}", result.stdout, result.stderr).contains("RETAIN")
                || format == "dex"
                || format == "kubernetes",
            "{}",
            result.stderr
        );
        let path = env.path(format);
        std::fs::write(&path, &result.stdout).unwrap();
        path
    };
    for format in ["eksctl", "kubernetes", "dex"] {
        let path = print(format);
        let documents = run_python(&env, python.clone(), &["-c", YAML, path.to_str().unwrap()]);
        match format {
            "eksctl" => {
                let configuration = &documents[0]["capabilities"][0]["configuration"]["argocd"];
                assert_eq!(configuration["rbacRoleMappings"][1]["role"], "EDITOR");
            }
            "kubernetes" => assert_eq!(
                documents[0]["stringData"]["server"],
                "arn:aws:eks:us-east-1:123456789012:cluster/main"
            ),
            _ => {
                let policy = documents[1]["data"]["policy.csv"].as_str().unwrap();
                assert!(
                    policy.contains(", role:admin") && policy.contains("p, role:editor, "),
                    "{policy}"
                );
            }
        }
    }
    let template = print("cloudformation");
    let checked = Command::new(python.with_file_name("cfn-lint"))
        .arg(template)
        .output()
        .unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    let script = print("cli");
    assert!(Command::new("bash").arg("-n").arg(script).status().unwrap().success());
    let request: Value = serde_json::from_slice(&std::fs::read(print("json")).unwrap()).unwrap();
    assert_eq!(request["deletePropagationPolicy"], "RETAIN");
    // Terraform formats what it can parse.
    let resources = print("terraform");
    if let Ok(formatted) = Command::new("terraform")
        .args(["fmt", "-check", "-"])
        .stdin(std::fs::File::open(resources).unwrap())
        .output()
    {
        assert!(
            formatted.status.success(),
            "{}",
            String::from_utf8_lossy(&formatted.stderr)
        );
    }
}

#[test]
fn groups_that_argo_cd_would_not_find_or_that_let_nobody_in_are_named() {
    let env = TestEnv::new("half-done");
    let args = ["export", "argo-cd", "--cluster=main"];
    env.run(&[&args[..], &["--admin=Admin", "--viewer=user:nobody"]].concat())
        .expect(2)
        .expect_text("There is no group \"Admin\". A similar one is \"Admins\".")
        .expect_text("There is no user \"nobody\".")
        .expect_text("List the groups and users, as an access file:\n    idc-setup export access\n");
    env.run(&[&args[..], &["--admin=Admins"]].concat())
        .expect(0)
        .expect_text("The group Admins has no members, so it lets nobody in.");
    env.run(&args).expect(2).expect_text("needs a group that is let in");
    env.run(&["export", "argo-cd", "--admin=Admins"])
        .expect(2)
        .expect_text("--cluster NAME");
}

#[test]
fn what_was_handed_over_is_left_by_undo() {
    let env = set_up("enabled", &ANSWERS);
    let counts = env.counts();
    env.run(&["export", "terraform", "--only-created", "--hand-over", "--dir=exported"])
        .expect(0)
        .expect_text("Handed over to terraform:");
    env.run(&["export", "access", "--only-created", "--hand-over", "--dir=access"])
        .expect(0)
        .expect_text("handed over to terraform before, last on 20");
    env.run(&["export", "terraform", "--only-created", "--hand-over", "--dir=exported"])
        .expect(0)
        .expect_text("handed over to access before");
    let trails = env.server.cloud().trails.len();
    env.server.clear_calls();
    let undone = env.json(&["undo", "--yes"]).expect(0).envelope();
    assert_eq!(env.counts(), counts);
    assert_eq!(env.server.cloud().trails.len(), trails);
    assert!(!env.server.calls().iter().any(is_mutating));
    let removals = undone["removals"].as_array().unwrap();
    let user = removals.iter().find(|removal| removal["kind"] == "user").unwrap();
    assert_eq!(user["disposition"], "stays");
    assert_eq!(user["why"], "it was handed over to terraform");
    // Without the flag, undo is as before.
    let other = set_up("enabled", &ANSWERS);
    other.run(&["export", "terraform"]).expect(0);
    other.json(&["undo", "--yes"]);
    assert_eq!(other.counts(), [0; 5]);
}

#[test]
fn what_was_taken_back_is_undone() {
    let env = set_up("enabled", &ANSWERS);
    env.run(&["export", "terraform", "--only-created", "--hand-over", "--dir=exported"])
        .expect(0);
    let taken = env.run(&["export", "cloudformation", "--take-back"]).expect(0);
    assert_eq!(taken.stdout, "Nothing was handed over to cloudformation.\n");
    let schema = schema("export.v1.json", schemars::schema_for!(Envelope<ExportBody>));
    let count = env.state()["handed_over"].as_array().unwrap().len();
    env.server.clear_calls();
    let taken = env.json(&["export", "terraform", "--take-back"]).expect(0).envelope();
    jsonschema::validate(&schema, &taken).unwrap();
    assert_eq!(taken["taken_back"], count);
    assert_eq!(taken["files"], serde_json::json!([]));
    assert!(!env.server.calls().iter().any(is_mutating));
    // A second time, there is nothing left.
    env.run(&["export", "terraform", "--take-back"])
        .expect(0)
        .expect_text("Nothing was handed over to terraform.");
    env.json(&["undo", "--yes"]);
    assert_eq!(env.counts(), [0; 5]);
}

#[test]
fn an_export_never_replaces_a_file_that_somebody_else_wrote() {
    let env = set_up("enabled", &ANSWERS);
    std::fs::create_dir(env.path("exported")).unwrap();
    std::fs::write(env.path("exported/users.tf"), "# mine\n").unwrap();
    env.run(&["export", "terraform", "--dir=exported"])
        .expect(2)
        .expect_text("users.tf is not replaced: somebody else wrote or changed it.");
    assert!(!env.path("exported/main.tf").exists(), "nothing was written");
    assert_eq!(std::fs::read(env.path("exported/users.tf")).unwrap(), b"# mine\n");
    std::fs::remove_file(env.path("exported/users.tf")).unwrap();
    env.run(&["export", "terraform", "--dir=exported"])
        .expect(0)
        .expect_text("Wrote ");
    env.run(&["export", "terraform", "--dir=exported"])
        .expect(0)
        .expect_text("files are unchanged");
    // An edit is not lost.
    std::fs::write(env.path("exported/users.tf"), "# edited\n").unwrap();
    env.run(&["export", "terraform", "--dir=exported"]).expect(2);
    assert_eq!(std::fs::read(env.path("exported/users.tf")).unwrap(), b"# edited\n");
}

#[test]
fn an_export_is_the_same_on_stdout_in_a_folder_and_in_json() {
    let env = set_up("enabled", &ANSWERS);
    let envelope = env.json(&["export", "terraform"]).expect(0).envelope();
    let schema = schema("export.v1.json", schemars::schema_for!(Envelope<ExportBody>));
    jsonschema::validate(&schema, &envelope).unwrap();
    let dir = export(&env, &["terraform"]);
    let stdout = env.run(&["export", "terraform"]).expect(0).stdout;
    for file in envelope["files"].as_array().unwrap() {
        let (name, text) = (file["name"].as_str().unwrap(), file["text"].as_str().unwrap());
        assert_eq!(std::fs::read_to_string(dir.join(name)).unwrap(), text);
        assert!(stdout.contains(text), "{name}");
    }
    let failed = env.json(&["export"]).expect(2).envelope();
    jsonschema::validate(&schema, &failed).unwrap();
    assert_eq!(failed["command"], "export");
    env.run(&["export"]).expect(2).expect_text("idc-setup export access");
    for args in [
        &["export", "terraform", "--cluster=x"][..],
        &["export", "terraform", "--name=x"],
        &["export", "argo-cd", "--hand-over", "--cluster=x", "--admin=Admins"],
        &["export", "access", "--name= x"],
        &["export", "argo-cd", "--take-back"],
        &["export", "terraform", "--take-back", "--hand-over"],
        &["export", "terraform", "--take-back", "--dir=x"],
    ] {
        env.run(args).expect(2);
    }
}

#[test]
fn a_template_and_a_hand_over_are_not_only_printed() {
    let env = set_up("enabled", &ANSWERS);
    env.run(&["export", "cloudformation"])
        .expect(2)
        .expect_text("consists of 2 files")
        .expect_text("--dir DIR");
    env.json(&["export", "cloudformation"]).expect(0);
    env.run(&["export", "terraform", "--hand-over"])
        .expect(2)
        .expect_text("--hand-over needs --dir or --output json.")
        .expect_text("idc-setup export terraform --hand-over --dir DIR");
}

#[test]
fn exports_to_one_folder_leave_each_others_files() {
    let env = set_up("enabled", &ANSWERS);
    let dir = export(&env, &["terraform"]);
    export(&env, &["access"]);
    assert!(dir.join("main.tf").exists() && dir.join("access.toml").exists());
}

#[test]
fn undo_forgets_what_the_other_tool_has_deleted() {
    let env = set_up("enabled", &ANSWERS);
    env.run(&["export", "terraform", "--only-created", "--hand-over", "--dir=exported"])
        .expect(0);
    {
        let mut cloud = env.server.cloud();
        let instance = &mut cloud.instances[0];
        instance.store.memberships.clear();
    }
    env.json(&["undo", "--yes"]).expect(0);
    let state = env.state();
    for list in ["resources", "handed_over"] {
        let mut entries = state[list].as_array().unwrap().iter();
        assert!(!entries.any(|entry| entry["kind"] == "group_membership"), "{list}");
    }
}

#[test]
fn undo_after_a_hand_over_to_cloudformation_is_complete() {
    let env = set_up("enabled", &ANSWERS);
    env.run(&[
        "export",
        "cloudformation",
        "--only-created",
        "--hand-over",
        "--dir=exported",
    ])
    .expect(0);
    let undone = env.json(&["undo", "--yes"]).expect(0).envelope();
    let removals = undone["removals"].as_array().unwrap();
    let user = removals.iter().find(|removal| removal["kind"] == "user").unwrap();
    assert_eq!(user["disposition"], "stays");
    env.json(&["undo", "--yes", "--step=create-user"]).expect(0);
}

#[test]
fn without_identity_center_there_is_nothing_to_export() {
    let env = TestEnv::new("fresh");
    env.run(&["export", "access"])
        .expect(1)
        .expect_text("Identity Center is not enabled");
}
