//! Measures how long a user waits for the wizard: until the first output, between an answer and the next question, and
//! for a complete run without questions, compared with a sequential script.
//!
//! Run it with `cargo bench --bench wizard`. Times depend on the machine. Requests and round trips do not.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints its results")]

mod support;

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use idc_sim::{CallLine, Options, scenarios};
use tokio::runtime::Runtime;

use support::TestEnv;

const PROGRAM: &str = env!("CARGO_BIN_EXE_idc-setup");
const ANSWERS: [&str; 3] = ["--email=ada@example.com", "--given-name=Ada", "--family-name=Lovelace"];
const SKIP_RECOMMENDATIONS: [&str; 3] = ["--skip=mfa", "--skip=cloudtrail", "--skip=root-access-keys"];

fn with_latency(runtime: &Runtime, scenario: &str, latency: u64) -> TestEnv {
    let options = Options {
        latency: Duration::from_millis(latency),
        keep_calls: true,
        ..Options::default()
    };
    TestEnv::new(runtime, scenarios::named(scenario).unwrap(), options)
}

/// A command that prints nothing.
fn command(env: &TestEnv, program: &str) -> Command {
    let mut command = env.command(program);
    command.env("AWS_DEFAULT_REGION", "us-east-1").stdout(Stdio::null());
    command
}

fn main() {
    let runtime = Runtime::new().unwrap();
    first_output(&runtime);
    waits(&runtime);
    whole_runs(&runtime);
}

fn median(mut values: Vec<u128>) -> u128 {
    values.sort_unstable();
    values[values.len() / 2]
}

/// Measures the time from the start of the program to its first output.
fn first_output(runtime: &Runtime) {
    let env = with_latency(runtime, "fresh", 100);
    let took = (0..15).map(|_| {
        let mut child = command(&env, PROGRAM)
            .arg("--accessible")
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let started = Instant::now();
        let mut first = [0];
        child.stderr.as_mut().unwrap().read_exact(&mut first).unwrap();
        let took = started.elapsed().as_millis();
        child.kill().unwrap();
        child.wait().unwrap();
        took
    });
    println!("time to first output (target 50 ms): {} ms\n", median(took.collect()));
}

/// Measures each wait between an answer and the next question, at 100 ms latency, and the total duration of the API
/// calls since the previous answer.
fn waits(runtime: &Runtime) {
    println!("waits between an answer and the next question, at 100 ms latency (scenario: enabled)");
    println!("{:>8}  {:>14}  {:>7}  next question", "wait ms", "calls ms", "hidden");
    let env = with_latency(runtime, "enabled", 100);
    let mut child = command(&env, PROGRAM)
        .args([&["run", "--accessible"], &SKIP_RECOMMENDATIONS[..]].concat())
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let lines = lines_of(child.stderr.take().unwrap());
    let replies = [
        ("Email", "ada@example.com"),
        ("First name", "Ada"),
        ("Last name", "Lovelace"),
        ("How do you want to continue?", ""),
        // The user goes to the console for a password, which takes a while.
        ("Done?", "yes"),
        ("Done?", "yes"),
        ("Write this to", ""),
    ];
    let (mut waited, mut short) = (Duration::ZERO, 0);
    let mut answered: Option<Instant> = None;
    for (question, reply) in &replies {
        while !lines
            .recv_timeout(Duration::from_mins(1))
            .unwrap()
            .starts_with(question)
        {}
        if let Some(answered) = answered {
            let wait = answered.elapsed();
            waited += wait;
            let calls = env.server.calls();
            let total: u64 = calls.iter().map(|call| (call.end_us - call.start_us) / 1000).sum();
            // Without calls, there is no latency to hide.
            let hidden = match u128::from(total) {
                0 => "-".to_owned(),
                total => format!("{}%", 100_u128.saturating_sub(100 * wait.as_millis() / total)),
            };
            short += usize::from(wait <= Duration::from_millis(150));
            println!("{:>8}  {total:>14}  {hidden:>7}  {question}", wait.as_millis());
        }
        env.server.clear_calls();
        // A user reads the question before answering it, and needs longer to set a password.
        std::thread::sleep(Duration::from_millis(if *question == "Done?" { 4000 } else { 1500 }));
        writeln!(stdin, "{reply}").unwrap();
        answered = Some(Instant::now());
    }
    drop(stdin);
    let status = child.wait().unwrap();
    println!(
        "within 150 ms: {short} of {}; total wait: {} ms; exit {:?}\n",
        replies.len() - 1,
        waited.as_millis(),
        status.code()
    );
}

fn lines_of(stream: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        use std::io::BufRead;
        for line in std::io::BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    lines
}

/// Returns the maximum number of calls that do not overlap, which is how often a run pays for the latency.
fn round_trips(calls: &[CallLine]) -> usize {
    let mut calls: Vec<&CallLine> = calls.iter().collect();
    calls.sort_by_key(|call| call.end_us);
    let (mut count, mut end) = (0, 0);
    for call in calls {
        if call.start_us >= end {
            count += 1;
            end = call.end_us;
        }
    }
    count
}

fn whole_runs(runtime: &Runtime) {
    println!("complete runs without questions (scenario: enabled; the script does not do step 8 and the portal)");
    println!(
        "{:>8}  {:<22} {:>8}  {:>11}  {:>8}",
        "latency", "by", "requests", "round trips", "wall ms"
    );
    let python = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("python-1/bin/python");
    for latency in [0, 20, 100] {
        let report = |by: &str, env: &TestEnv, took: Duration| {
            let calls = env.server.calls();
            println!(
                "{latency:>5} ms  {by:<22} {:>8}  {:>11}  {:>8}",
                calls.len(),
                round_trips(&calls),
                took.as_millis()
            );
        };
        for (by, is_partial) in [("idc-setup, steps 1-5", true), ("idc-setup, all steps", false)] {
            let env = with_latency(runtime, "enabled", latency);
            let mut command = command(&env, PROGRAM);
            command.args([&["run", "--non-interactive", "--wait=60s"], &ANSWERS[..]].concat());
            if is_partial {
                command.args(
                    [
                        &["--skip=access-portal", "--skip=cli-profile", "--skip=sign-in"],
                        &SKIP_RECOMMENDATIONS[..],
                    ]
                    .concat(),
                );
            }
            let started = Instant::now();
            command.status().unwrap();
            report(by, &env, started.elapsed());
        }
        if !python.exists() {
            println!(
                "*** NOT MEASURED with boto3: run the tests once to create {} ***",
                python.display()
            );
            continue;
        }
        let env = with_latency(runtime, "enabled", latency);
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/sequential.py");
        let started = Instant::now();
        let status = command(&env, &python.display().to_string())
            .arg(script)
            .status()
            .unwrap();
        assert!(status.success(), "the script failed");
        report("boto3, sequential", &env, started.elapsed());
    }
}
