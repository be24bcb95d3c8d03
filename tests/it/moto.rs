//! The binary against moto, an independent simulation of AWS that implements less than AWS.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

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

/// Splits the rows of a Markdown table into cells.
fn table(text: &str) -> Vec<Vec<String>> {
    let rows = text
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| ---"));
    rows.skip(1)
        .map(|line| {
            line.trim_matches('|')
                .split(" | ")
                .map(|cell| cell.trim().to_owned())
                .collect()
        })
        .collect()
}

#[test]
fn every_difference_from_moto_is_documented_with_a_verdict() {
    let Some(moto) = Moto::start() else { return };
    let env = TestEnv::new("enabled");
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
    assert!(found["calls"].as_u64().unwrap() >= 100);
    let path = format!("{root}/docs/side-by-side.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let known = table(&text);
    let rows: Vec<Vec<String>> = found["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            ["call", "rehearsal", "moto"]
                .map(|key| row[key].as_str().unwrap().to_owned())
                .to_vec()
        })
        .collect();
    if std::env::var("UPDATE_SIDE_BY_SIDE").is_ok() {
        let head = text
            .find("| --- ")
            .map(|at| at + text[at..].find('\n').unwrap() + 1)
            .unwrap();
        let lines = rows.iter().map(|row| {
            let verdict = known
                .iter()
                .find(|known| known[0] == row[0])
                .map(|known| known[3..].to_vec());
            let cells = [
                row.clone(),
                verdict.unwrap_or_else(|| vec![String::new(), String::new()]),
            ]
            .concat();
            format!("| {} |\n", cells.join(" | "))
        });
        std::fs::write(&path, text[..head].to_owned() + &lines.collect::<String>()).unwrap();
        return;
    }
    for row in &known {
        assert_eq!(row.len(), 5, "{row:?}");
        assert!(
            ["rehearsal", "moto", "neither"].contains(&row[3].as_str()) && !row[4].is_empty(),
            "{row:?}"
        );
    }
    let known: Vec<Vec<String>> = known.into_iter().map(|row| row[..3].to_vec()).collect();
    assert_eq!(rows, known);
}
