//! The binary against moto, an independent simulation of AWS that implements less than AWS.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::support::{ANSWERS, RunResult, TestEnv, python::python};

/// A moto server. It stops at the end of the test.
struct Moto {
    process: Child,
    url: String,
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Moto {
    fn start() -> Option<Self> {
        let python = python()?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let process = Command::new(&python)
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let moto = Self {
            process,
            url: format!("http://127.0.0.1:{port}"),
        };
        let end = Instant::now() + Duration::from_mins(1);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < end, "moto did not start");
            std::thread::sleep(Duration::from_millis(100));
        }
        Some(moto)
    }

    fn make_organization(&self) {
        let script = "import boto3, sys\n\
                      boto3.client('organizations', endpoint_url=sys.argv[1], region_name='us-east-1',\n\
                      \x20   aws_access_key_id='a', aws_secret_access_key='b').create_organization(FeatureSet='ALL')\n";
        let mut child = Command::new(python().unwrap())
            .args(["-c", script, &self.url])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut words = String::new();
        child.stderr.take().unwrap().read_to_string(&mut words).unwrap();
        assert!(child.wait().unwrap().success(), "{words}");
    }

    fn run(&self, env: &TestEnv, args: &[&str]) -> RunResult {
        let output = env
            .command(args)
            .env("AWS_ENDPOINT_URL", &self.url)
            .env_remove("IDC_SETUP_REHEARSAL")
            .arg("--output=json")
            .output()
            .unwrap();
        RunResult::new(output)
    }
}

#[test]
fn a_run_against_moto_gets_as_far_as_moto_supports() {
    let Some(moto) = Moto::start() else { return };
    let env = TestEnv::new("fresh");
    let args = [
        &[
            "run",
            "--non-interactive",
            "--confirm=activation",
            "--skip=cli-profile",
            "--skip=sign-in",
        ],
        &ANSWERS[..],
    ]
    .concat();
    // Without an organization, moto's instance looks like an account instance.
    let result = moto.run(&env, &args).expect(3);
    assert_eq!(result.step("enable-identity-center")["state"], "blocked");
    moto.make_organization();
    let start = Instant::now();
    let result = moto.run(&env, &args).expect(1);
    let states: Vec<String> = result.states().into_iter().map(|(_, state)| state).collect();
    assert_eq!(
        states,
        ["done", "done", "done", "done", "done", "unknown", "skipped", "skipped"],
        "{}",
        result.summary()
    );
    let portal = result.step("access-portal");
    assert!(
        portal["error"]["message"]
            .as_str()
            .unwrap()
            .contains("not answered by AWS"),
        "{portal:#}"
    );
    assert!(
        start.elapsed() < Duration::from_secs(30),
        "the run fails before all retries are used"
    );
    // The next run finds the created resources.
    let result = moto.run(&env, &args).expect(1);
    assert_eq!(result.step("permission-set")["origin"], "created");
    assert_eq!(result.step("account-assignment")["origin"], "created");
    assert!(env.server.calls().is_empty());
}

/// A call that `idc-sim` and moto answer differently.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Difference {
    /// The service and operation, and what is special about the request.
    call: String,
    rehearsal: String,
    moto: String,
    /// Which of them is right: `rehearsal`, `moto` or `neither`.
    #[serde(default)]
    right: String,
    /// Where AWS documents that.
    #[serde(default)]
    source: String,
}

/// The page, with a placeholder for the figures.
const FIDELITY: &str = "\
# Fidelity of the simulation

What the simulated AWS is checked against, and what is known to differ.

| what | checked by | figures |
| --- | --- | --- |
{figures}
`src/recorded.json` in the crate `idc-sim` has the recorded messages, each with its sources. A message of high certainty
was seen in several places, or is in a guide of AWS.

## Where sources disagree

A scenario chooses, in its table `[choices]`.

| key | default | otherwise |
| --- | --- | --- |
| `names_missing_attributes` | `CreateUser` names a missing attribute (tests of moto, 2026) | an error without words (hashicorp/terraform-provider-aws#37609, 2024) |
| `provisions_without_assignment` | `ProvisionPermissionSet` in an account without an assignment creates the role (hashicorp/terraform-provider-aws#32006) | it is accepted, and ends as `FAILED` with a 404 reason (hashicorp/terraform-provider-aws#35158) |
| `accounts_have_status` | accounts have `State` and no `Status`, as since September 9, 2026 | both |
| `outstanding_requests` | with quotas, 10 asynchronous requests (aws-samples/aws-iam-identity-center-extensions#89, 2022) | 15 has been seen for a similar service |

## What is not confirmed

- The words of errors for applications, trusted token issuers, attributes for access control, Regions and EKS
  capabilities. Their codes are those that the models declare.
- A second assignment of a principal to an application is a `ConflictException`.
- `AddRegion` does not require a multi-Region key and an external identity provider, as AWS does.
- `ListApplicationProviders` has the two providers of customer managed applications. AWS has many more.
- An EKS capability creates an application whose provider has a made-up name.
- The words for too many permission sets, in an instance or provisioned in an account. The numbers are published.

An operation that the simulation does not implement is HTTP 501 with its name. AWS answers
`UnknownOperationException`, which a test could mistake for a property of AWS.

## Side by side with moto

`tests/it/python/side_by_side.py` makes the same calls to the simulated AWS of a rehearsal (`idc-sim`, scenario
`enabled`) and to moto. The table lists each difference, which of the two is right, and the source for that.
`cargo test` runs the script. It fails if a difference is missing from the table, or if the table lists a difference
that no longer exists.

Agreement with moto does not prove that a response is right, because moto accepts requests that AWS rejects. Where moto
was right, `idc-sim` has been corrected: `AvailablePolicyTypes` of an organization with all features, `JoinedTimestamp`
of accounts, the quotas of `GetAccountSummary`, and `InvalidLocationConstraint` for a bucket in `us-east-1`.

This page is generated from `tests/fixtures/side-by-side.json`. `UPDATE_SIDE_BY_SIDE=1 cargo test --test it moto`
records the current differences there, and keeps `right` and `source` of the calls that were already listed. Fill in
both for new calls, because the test fails without them, and run the command again.

In the columns `rehearsal` and `moto`, `answers` means that the call succeeds, a number is an HTTP status, and any other
single word is an error code. If both succeed, `has` lists the fields that only this response has, and the lists whose
length or order differs. `has less` means that this response only lacks fields.

| call | rehearsal | moto | right | source |
| --- | --- | --- | --- | --- |
";

/// The rows of what is checked, with their figures. `calls` were made to the simulation and to moto.
fn figures(root: &str, calls: u64, differences: &[Difference]) -> String {
    let json = |path: &str| -> Value {
        serde_json::from_str(&std::fs::read_to_string(format!("{root}/crates/idc-sim/src/{path}")).unwrap()).unwrap()
    };
    let (models, recorded) = (json("protocol/service_models.json"), json("recorded.json"));
    let services = models.as_object().unwrap();
    let operations: usize = services
        .values()
        .map(|service| service["operations"].as_object().unwrap().len())
        .sum();
    let words = recorded.as_object().unwrap();
    let high = words.values().filter(|words| words["certainty"] == "high").count();
    let is_right = |side: &str| differences.iter().filter(|row| row.right == side).count();
    let rows = [
        format!(
            "| requests: each violation of a constraint is rejected | `crates/idc-sim/src/tests` | {operations} operations of {} \
             services |",
            services.len()
        ),
        "| responses and errors: members, types, enumerations, required members, HTTP status | every test of a debug build, and \
         in a random sequence of calls | the same |"
            .to_owned(),
        format!(
            "| a successful and a refused call of every operation, against botocore's shapes | `tests/it/boto3.rs` | {operations} \
             operations |"
        ),
        format!(
            "| messages and reasons that were recorded from AWS | `crates/idc-sim/src/tests/recorded.rs` | {} messages, {high} of \
             them of high certainty |",
            words.len()
        ),
        format!(
            "| the same calls to moto | `tests/it/moto.rs` | {calls} calls, {} differences: in {} the simulation is right, in {} moto, \
             in {} neither |",
            differences.len(),
            is_right("rehearsal"),
            is_right("moto"),
            is_right("neither")
        ),
        "| Terraform's AWS provider 5.100.0: apply, plan, import, destroy of 11 resources, in two orders | \
         `tools/clients/terraform` | 30 steps, all as with AWS |"
            .to_owned(),
        "| moto's own tests (5.2.5): identitystore, sso-admin, organizations | `tools/clients/moto-suite` | 114 of 188 pass; \
         `moto-suite.d/misses.tsv` explains each of the others, nearly all as inventions of moto |"
            .to_owned(),
        "| AWS SDK for JavaScript v3: 10 clients, paginators, errors by class, SSO profiles | `tools/clients/javascript` | 65 \
         steps, all as with AWS |"
            .to_owned(),
        "| awsideman, aws-sso-util, cartography, every paginator of boto3, AWS CLI v1 | `tools/clients/python-tools` | 127 \
         operations; `python-tools.d/misses.tsv` explains the 5 that fail |"
            .to_owned(),
        "| a recording of a run against AWS, replayed | `idc-sim compare` ([recordings](recording.md)) | none yet: nobody has sent \
         one |"
            .to_owned(),
        "| AWS CLI v2: `aws configure sso` files, `aws sso login`, `aws login` | `tests/it/aws_cli.rs` | |".to_owned(),
    ];
    rows.map(|row| row + "\n").concat()
}

#[test]
fn every_difference_from_moto_is_documented_with_a_verdict() {
    let Some(moto) = Moto::start() else { return };
    let env = TestEnv::new("enabled");
    env.add_policy("mine", "/");
    let root = env!("CARGO_MANIFEST_DIR");
    let output = Command::new(python().unwrap())
        .arg(format!("{root}/tests/it/python/side_by_side.py"))
        .args([&env.server.url(), &moto.url])
        .env_clear()
        .env("HOME", env.home.path())
        .env("AWS_ACCESS_KEY_ID", &env.credentials.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &env.credentials.secret_access_key)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let calls = found["calls"].as_u64().unwrap();
    assert!(calls >= 100);
    let mut found: Vec<Difference> = serde_json::from_value(found["differences"].clone()).unwrap();

    let data = format!("{root}/tests/fixtures/side-by-side.json");
    let known: Vec<Difference> = serde_json::from_str(&std::fs::read_to_string(&data).unwrap()).unwrap();
    for difference in &mut found {
        if let Some(known) = known.iter().find(|known| known.call == difference.call) {
            difference.right.clone_from(&known.right);
            difference.source.clone_from(&known.source);
        }
    }
    let rows = found.iter().map(|row| {
        format!(
            "| {} | {} | {} | {} | {} |\n",
            row.call, row.rehearsal, row.moto, row.right, row.source
        )
    });
    let page = FIDELITY.replace("{figures}", &figures(root, calls, &found)) + &rows.collect::<String>();
    let path = format!("{root}/docs/fidelity.md");
    if std::env::var_os("UPDATE_SIDE_BY_SIDE").is_some() {
        std::fs::write(&data, serde_json::to_string_pretty(&found).unwrap() + "\n").unwrap();
        std::fs::write(&path, &page).unwrap();
        return;
    }
    for row in &found {
        assert!(
            ["rehearsal", "moto", "neither"].contains(&row.right.as_str()) && !row.source.is_empty(),
            "{row:?}"
        );
    }
    assert_eq!(found, known);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), page);
}
