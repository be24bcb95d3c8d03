//! A simulated AWS in this process, and the binary, which runs against it in its own environment and home folder.

pub mod aws_cli;
pub mod browser;
pub mod by_name;
pub mod chrome;
pub mod fault_table;
pub mod faulty;
pub mod forwarder;
pub mod kill_points;
pub mod library;
pub mod prompt_navigation;
pub mod python;
pub mod scripted;
pub mod settings;
pub mod svg;
pub mod team;
pub mod terminal;
pub mod terraform;
pub mod yaml;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use idc_sim::{CallLine, Cloud, Credentials, CustomerPolicy, Fault, FaultKind, Hold, Options, Server, User, scenarios};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The runtime of all servers. It lives as long as the test process.
pub static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
});

/// Flags for the answers that have no default, and the user name of the scenarios.
pub const ANSWERS: [&str; 4] = [
    "--email=ada@example.com",
    "--given-name=Ada",
    "--family-name=Lovelace",
    "--username=Admin",
];

/// The flag for the Region, which a terminal always asks about before Identity Center is enabled.
pub const REGION: &str = "--identity-center-region=us-east-1";

/// Flags that skip the recommendations.
pub const SKIP_RECOMMENDATIONS: [&str; 3] = ["--skip=mfa", "--skip=cloudtrail", "--skip=root-access-keys"];

/// The other flags that a non-interactive run on a fresh account needs.
pub const NON_INTERACTIVE: [&str; 4] = [
    "--non-interactive",
    "--create-organization",
    "--accept-free-plan-end",
    "--wait=60s",
];

/// The changes of a run in Identity Center, each of which is made once.
pub const CREATIONS: [&str; 6] = [
    "CreateUser",
    "CreateGroup",
    "CreateGroupMembership",
    "CreatePermissionSet",
    "AttachManagedPolicyToPermissionSet",
    "CreateAccountAssignment",
];

/// A simulated AWS, and a user's home folder.
pub struct TestEnv {
    /// The simulated AWS.
    pub server: Server,
    /// Temporary credentials of the root user.
    pub credentials: Credentials,
    /// The home folder.
    pub home: TempDir,
    variables: Vec<(String, String)>,
}

impl TestEnv {
    /// Starts a server with a named scenario.
    pub fn new(scenario: &str) -> Self {
        Self::with(scenarios::named(scenario).expect("a known scenario"))
    }

    /// Adds a customer managed policy to all accounts.
    pub fn add_policy(&self, name: &str, path: &str) {
        let policy = CustomerPolicy {
            name: name.to_owned(),
            path: path.to_owned(),
        };
        for account in &mut self.server.cloud().accounts {
            account.policies.push(policy.clone());
        }
    }

    /// Starts a server with a custom scenario.
    pub fn with(mut cloud: Cloud) -> Self {
        let root = cloud.root();
        let credentials = cloud.issue(root);
        let server = RUNTIME
            .block_on(Server::start(
                cloud,
                Options {
                    keep_calls: true,
                    ..Options::default()
                },
            ))
            .expect("a free port");
        Self {
            server,
            credentials,
            home: tempfile::tempdir().expect("a folder"),
            variables: Vec::new(),
        }
    }

    /// Empties all buckets, and removes their policies, so that nothing is delivered to them anymore.
    pub fn empty_buckets(&self) {
        for bucket in self.server.cloud().buckets.values_mut() {
            bucket.objects.clear();
            bucket.policy = None;
        }
    }

    /// Writes `~/.aws/config`.
    pub fn write_config(&self, text: impl AsRef<[u8]>) {
        std::fs::create_dir_all(self.path(".aws")).expect("a writable home folder");
        std::fs::write(self.path(".aws/config"), text).expect("a writable home folder");
    }

    /// Returns the content of `~/.aws/config`.
    pub fn config(&self) -> String {
        std::fs::read_to_string(self.path(".aws/config")).expect("a config")
    }

    /// Delays every API call.
    pub fn slow_down(&self, milliseconds: u64) {
        self.server.fault(Fault {
            operation: None,
            nth: None,
            kind: FaultKind::Delay(std::time::Duration::from_millis(milliseconds)),
        });
    }

    /// Denies the caller these actions, such as `sso:CreatePermissionSet`, and allows all others.
    pub fn deny(&self, actions: &[&str]) {
        let mut cloud = self.server.cloud();
        let caller = cloud.identities.get_mut(&self.credentials.access_key_id);
        let denied = actions.iter().map(|action| (*action).to_owned());
        caller.expect("the caller").denied = denied.collect();
    }

    /// Returns the first user in the directory.
    pub fn first_user(&self) -> User {
        let cloud = self.server.cloud();
        let user = cloud.instances[0].store.users.values().next();
        user.expect("a user").clone()
    }

    /// Returns the code in the last mail.
    pub fn mailed_code(&self) -> String {
        let cloud = self.server.cloud();
        let mail = cloud.mails.last().expect("a mail");
        let (_, code) = mail.text.rsplit_once(": ").expect("a code");
        code.to_owned()
    }

    /// Sets an environment variable for all later runs.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// Returns a command for the binary, with these arguments and without the environment of this process.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_idc-setup"));
        command
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", "/usr/bin:/bin")
            .env("LANG", "C.UTF-8")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ENDPOINT_URL", self.server.url())
            .env("IDC_SETUP_REHEARSAL", self.server.url())
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", &self.credentials.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", &self.credentials.secret_access_key)
            .env("AWS_SESSION_TOKEN", &self.credentials.session_token)
            .envs(self.variables.iter().cloned())
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .args(args);
        command
    }

    /// Runs the binary and waits until it exits.
    pub fn run(&self, args: &[&str]) -> RunResult {
        let output = self.command(args).output().expect("the binary runs");
        RunResult::new(output)
    }

    /// Like [`run`](Self::run), with `--output json`.
    pub fn json(&self, args: &[&str]) -> RunResult {
        let mut args = args.to_vec();
        args.push("--output=json");
        self.run(&args)
    }

    /// Runs all steps without questions: with [`ANSWERS`] and with all required consents.
    pub fn run_setup(&self, more: &[&str]) -> RunResult {
        self.json(&[&["run"], &NON_INTERACTIVE[..], &ANSWERS[..], more].concat())
    }

    /// Runs the binary, and changes the account during the run: after this operation takes effect, and before the
    /// client receives the response.
    pub fn run_while(&self, args: &[&str], operation: &str, change: impl FnOnce(&mut Cloud)) -> RunResult {
        let held = self.hold(operation, 1, FaultKind::HoldAfter);
        let child = self.spawn_piped(args);
        let is_reached = held.is_reached();
        change(&mut self.server.cloud());
        held.release();
        let result = RunResult::new(child.wait_with_output().expect("the child ends"));
        assert!(is_reached, "{operation} was never called: {}", result.summary());
        result
    }

    /// Starts the binary and does not wait for it.
    pub fn spawn(&self, args: &[&str]) -> Child {
        self.command(args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary runs")
    }

    /// Like [`spawn`](Self::spawn), with the output in pipes.
    pub fn spawn_piped(&self, args: &[&str]) -> Child {
        self.command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs")
    }

    /// Holds the n-th call of an operation, counted from now on, in this way.
    pub fn hold(&self, operation: &str, nth: u32, kind: fn(Hold) -> FaultKind) -> HeldCall {
        let hold = Hold::default();
        self.fault(operation, nth, kind(hold.clone()));
        HeldCall {
            operation: operation.to_owned(),
            hold,
        }
    }

    /// Injects a fault into the n-th call of an operation, counted from now on.
    pub fn fault(&self, operation: &str, nth: u32, kind: FaultKind) {
        self.server.fault(Fault {
            operation: Some(operation.to_owned()),
            nth: Some(nth),
            kind,
        });
    }

    /// Injects a fault into every call of an operation.
    pub fn fault_always(&self, operation: &str, kind: FaultKind) {
        self.server.fault(Fault {
            operation: Some(operation.to_owned()),
            nth: None,
            kind,
        });
    }

    /// Runs the binary and kills it at the n-th call of an operation, before or after the call takes effect.
    pub fn kill_at(&self, args: &[&str], operation: &str, nth: u32, before: bool) {
        let kind = if before {
            FaultKind::HoldBefore
        } else {
            FaultKind::HoldAfter
        };
        let held = self.hold(operation, nth, kind);
        let mut child = self.spawn(args);
        let is_reached = held.is_reached();
        child.kill().expect("the child can be killed");
        child.wait().expect("the child ends");
        held.release();
        assert!(is_reached, "{operation} was never called");
    }

    /// Returns the calls so far, without repeated polls for the status of an asynchronous operation.
    pub fn counted_calls(&self) -> Vec<CallLine> {
        let mut status_polls = 0;
        let calls = self.server.calls().into_iter().filter(|call| {
            let is_status = call.operation.contains("Status") && call.operation.starts_with("Describe");
            status_polls += u32::from(is_status);
            let is_repeated = is_status && status_polls > 1;
            !is_repeated && call.outcome != "AuthorizationPendingException"
        });
        calls.collect()
    }

    /// Returns the number of users, groups, memberships, permission sets and assignments.
    pub fn counts(&self) -> [usize; 5] {
        let cloud = self.server.cloud();
        let store = &cloud.instances[0].store;
        [
            store.users.len(),
            store.groups.len(),
            store.memberships.len(),
            cloud.permission_sets.len(),
            cloud.assignments.len(),
        ]
    }

    /// Returns the path of the state file.
    pub fn state_file(&self) -> PathBuf {
        self.home.path().join(".local/state/idc-setup/aws-123456789012.json")
    }

    /// Returns the content of the state file.
    pub fn state(&self) -> Value {
        let text = std::fs::read(self.state_file()).expect("a state file");
        serde_json::from_slice(&text).expect("JSON")
    }

    /// Returns the path of a file in the home folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Returns the number of temporary files in the home folder.
    pub fn count_temporary_files(&self) -> usize {
        let is_temporary = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            name.starts_with(".idc-setup-")
        };
        self.files("").iter().filter(|(path, _)| is_temporary(path)).count()
    }

    /// Returns the path and the content of every file in a folder of the home folder, and in its subfolders.
    pub fn files(&self, folder: &str) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        collect(&self.path(folder), &mut files);
        files.sort();
        files
    }
}

fn collect(folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            let content = std::fs::read(&path).expect("a readable file");
            files.push((path, content));
        }
    }
}

/// The result of a run.
#[derive(Debug)]
pub struct RunResult {
    /// The exit code.
    pub code: i32,
    /// The output on stdout.
    pub stdout: String,
    /// The output on stderr.
    pub stderr: String,
}

impl RunResult {
    pub fn new(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    /// Asserts that the run exited with this code and did not panic.
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}", self.summary());
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self
    }

    /// Summarizes the result in a few lines, for assertion messages.
    pub fn summary(&self) -> String {
        let Ok(envelope) = serde_json::from_str::<Value>(&self.stdout) else {
            return format!("stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        };
        let steps = envelope["steps"].as_array().cloned().unwrap_or_default();
        let lines = steps.iter().map(|step| {
            format!(
                "{} {} {} | {}\n",
                step["slug"], step["state"], step["summary"], step["error"]["message"]
            )
        });
        format!(
            "{}\n{}\nstderr:\n{}",
            envelope["error"],
            lines.collect::<String>(),
            self.stderr
        )
    }

    /// Parses the JSON envelope on stdout.
    pub fn envelope(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.stdout, self.stderr))
    }

    /// Returns a step of the envelope.
    pub fn step(&self, slug: &str) -> Value {
        let envelope = self.envelope();
        let steps = envelope["steps"].as_array().expect("steps");
        let found = steps.iter().find(|step| step["slug"] == slug);
        found
            .unwrap_or_else(|| panic!("no step {slug} in {envelope:#}"))
            .clone()
    }

    /// Returns the slug and the state of each step, without the recommendations.
    pub fn states(&self) -> Vec<(String, String)> {
        self.states_of(false)
    }

    /// Returns the slug and the state of each recommendation.
    pub fn recommendations(&self) -> Vec<(String, String)> {
        self.states_of(true)
    }

    fn states_of(&self, recommendations: bool) -> Vec<(String, String)> {
        let envelope = self.envelope();
        let steps = envelope["steps"].as_array().expect("steps");
        let text = |step: &Value, key: &str| step[key].as_str().expect("text").to_owned();
        steps
            .iter()
            .filter(|step| (step["importance"] == "recommendation") == recommendations)
            .map(|step| (text(step, "slug"), text(step, "state")))
            .collect()
    }

    /// Asserts that stdout or stderr contains this text.
    pub fn expect_text(self, words: &str) -> Self {
        let all = format!("{}{}", self.stdout, self.stderr);
        assert!(all.contains(words), "{words:?} is not in:\n{all}");
        self
    }
}

/// A call that waits in the server.
pub struct HeldCall {
    operation: String,
    hold: Hold,
}

impl HeldCall {
    /// Waits until the call has arrived.
    #[track_caller]
    pub fn wait_until_reached(&self) {
        assert!(self.is_reached(), "{} was never called", self.operation);
    }

    /// Waits until the call has arrived. Returns whether it has.
    fn is_reached(&self) -> bool {
        RUNTIME
            .block_on(async { tokio::time::timeout(PATIENCE, self.hold.reached()).await })
            .is_ok()
    }

    /// Lets the call go on, or ends it, depending on the kind of the fault.
    pub fn release(&self) {
        self.hold.release();
    }
}

/// How long tests wait for something that takes moments on an idle machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Waits until this is true.
#[track_caller]
pub fn wait_until(what: &str, mut is_true: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_true() {
        assert!(Instant::now() < end, "it never happens that {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Returns whether a call changes something in AWS.
pub fn is_mutating(call: &CallLine) -> bool {
    matches!(
        call.service.as_str(),
        "organizations" | "sso-admin" | "identitystore" | "cloudtrail" | "s3"
    ) && !["Get", "List", "Describe", "Is", "Head"]
        .iter()
        .any(|read| call.operation.starts_with(read))
}
