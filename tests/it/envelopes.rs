//! Every way in which a command can fail before it does anything: with `--output json`, stdout has exactly one document,
//! which is the envelope of that command.

use schemars::Schema;
use serde_json::Value;

use idc_setup::ui::access::json::AccessBody;
use idc_setup::ui::envelope::{AnswersBody, DoctorBody, Envelope, LoginBody, ProfilesBody, StepsBody, UndoBody};
use idc_setup::ui::next::NextBody;

use super::json::schema;
use super::support::{RunResult, TestEnv};

/// A command line, the command in its envelope, and the schema of the envelope.
struct Command {
    arguments: &'static [&'static str],
    name: &'static str,
    schema: (&'static str, fn() -> Schema),
}

const fn command(
    arguments: &'static [&'static str],
    name: &'static str,
    schema: (&'static str, fn() -> Schema),
) -> Command {
    Command {
        arguments,
        name,
        schema,
    }
}

const STEPS: (&str, fn() -> Schema) = ("envelope.v1.json", || schemars::schema_for!(Envelope<StepsBody>));
const UNDO: (&str, fn() -> Schema) = ("envelope-undo.v1.json", || schemars::schema_for!(Envelope<UndoBody>));
const LOGIN: (&str, fn() -> Schema) = ("login.v1.json", || schemars::schema_for!(Envelope<LoginBody>));
const PROFILES: (&str, fn() -> Schema) = ("profiles.v1.json", || schemars::schema_for!(Envelope<ProfilesBody>));
const DOCTOR: (&str, fn() -> Schema) = ("doctor.v1.json", || schemars::schema_for!(Envelope<DoctorBody>));
const NEXT: (&str, fn() -> Schema) = ("next.v1.json", || schemars::schema_for!(Envelope<NextBody>));
const ACCESS: (&str, fn() -> Schema) = ("envelope-access.v1.json", || {
    schemars::schema_for!(Envelope<AccessBody>)
});
const ANSWERS: (&str, fn() -> Schema) = ("envelope-answers.v1.json", || {
    schemars::schema_for!(Envelope<AnswersBody>)
});

const COMMANDS: [Command; 21] = [
    command(&["run", "--non-interactive"], "run", STEPS),
    command(&["status"], "status", STEPS),
    command(&["plan"], "plan", STEPS),
    command(&["next"], "next", NEXT),
    command(&["doctor"], "doctor", DOCTOR),
    command(&["login"], "login", LOGIN),
    command(&["undo", "--yes"], "undo", UNDO),
    command(&["answers"], "answers", ANSWERS),
    command(&["access", "plan"], "access plan", ACCESS),
    command(&["access", "apply"], "access apply", ACCESS),
    command(&["access", "drift"], "access drift", ACCESS),
    command(&["access", "explain", "ada"], "access explain", ACCESS),
    command(&["access", "adopt"], "access adopt", ACCESS),
    command(&["access", "remove", "ada"], "access remove", ACCESS),
    command(&["rehearse", "--non-interactive"], "rehearse", STEPS),
    command(&["rehearse", "status"], "status", STEPS),
    command(&["rehearse", "doctor"], "doctor", DOCTOR),
    command(&["rehearse", "login"], "login", LOGIN),
    command(&["rehearse", "undo", "--yes"], "undo", UNDO),
    command(&["profiles", "sync"], "profiles", PROFILES),
    command(
        &["join", "d-9067aabbcc", "--all", "--non-interactive", "--wait=1s"],
        "join",
        PROFILES,
    ),
];

/// A kind of failure: arguments, variables, and the content of the state file.
#[derive(Debug, Default)]
struct Failure {
    arguments: &'static [&'static str],
    variables: &'static [(&'static str, &'static str)],
    state: Option<&'static str>,
    /// Whether the parent process of a rehearsal fails too.
    is_of_rehearsal: bool,
}

fn failures() -> Vec<Failure> {
    let arguments = |arguments| Failure {
        arguments,
        is_of_rehearsal: true,
        ..Failure::default()
    };
    let variables = |variables| Failure {
        variables,
        ..Failure::default()
    };
    vec![
        arguments(&["--bogus"]),
        arguments(&["--wait=soon"]),
        arguments(&["--output=mermaid", "--output=json"]),
        arguments(&["--quiet", "-v"]),
        Failure {
            arguments: &["--answers=/nowhere/answers.toml"],
            ..Failure::default()
        },
        Failure {
            arguments: &["--profile=nowhere"],
            ..Failure::default()
        },
        Failure {
            arguments: &["--region=mars-1"],
            ..Failure::default()
        },
        Failure {
            arguments: &["--only=nothing"],
            ..Failure::default()
        },
        Failure {
            arguments: &["--state=/proc/nowhere/state.json"],
            ..Failure::default()
        },
        variables(&[("IDC_SETUP_EMAIL", "nobody")]),
        variables(&[("IDC_SETUP_LOG", "a=b=c")]),
        variables(&[("AWS_ACCESS_KEY_ID", "AKIA\n")]),
        variables(&[("AWS_ENDPOINT_URL", "nonsense")]),
        variables(&[("AWS_CA_BUNDLE", "/nowhere")]),
        Failure {
            state: Some("{"),
            ..Failure::default()
        },
        Failure {
            state: Some("{\"format\": 99}"),
            ..Failure::default()
        },
    ]
}

fn documents(text: &str) -> Vec<Value> {
    let stream = serde_json::Deserializer::from_str(text).into_iter();
    stream
        .collect::<Result<_, _>>()
        .unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn check(command: &Command, result: &RunResult, what: &str) {
    let documents = documents(&result.stdout);
    assert_eq!(documents.len(), 1, "{what}: {}\n{}", result.stdout, result.stderr);
    let envelope = &documents[0];
    assert_eq!(envelope["exit"], result.code, "{what}");
    let (file, current) = command.schema;
    if let Err(error) = jsonschema::validate(&schema(file, current()), envelope) {
        panic!("{what}: {error}\n{envelope:#}");
    }
    // The child of a rehearsal of a run calls itself `run`.
    let is_named = envelope["command"] == command.name || (command.name == "rehearse" && envelope["command"] == "run");
    assert!(is_named, "{what}: {}", envelope["command"]);
}

#[test]
fn every_failure_of_every_command_prints_one_envelope_of_that_command() {
    let mut failed = 0;
    for command in &COMMANDS {
        for failure in failures() {
            let is_rehearsal = command.arguments[0] == "rehearse";
            if is_rehearsal && !failure.is_of_rehearsal {
                continue;
            }
            let mut env = TestEnv::new("enabled");
            for (name, value) in failure.variables {
                env.set(name, value);
            }
            let state = env.path("state.json");
            let mut arguments = command.arguments.to_vec();
            arguments.extend(failure.arguments);
            if let Some(content) = failure.state {
                std::fs::write(&state, content).unwrap();
                arguments.extend(["--state", state.to_str().unwrap()]);
            }
            let what = format!("{:?} with {failure:?}", command.arguments);
            let result = env.json(&arguments);
            failed += u32::from(result.code != 0);
            check(command, &result, &what);
        }
    }
    assert!(failed > 90, "only {failed} of them failed");
}

#[test]
fn a_rehearsal_that_cannot_write_its_files_prints_one_envelope() {
    let env = TestEnv::new("enabled");
    let rehearse = COMMANDS.iter().find(|command| command.name == "rehearse").unwrap();
    for (flag, code) in [
        ("--dump=/", 2),
        ("--calls=/", 2),
        ("--faults=/nowhere", 2),
        ("--world=nowhere", 2),
    ] {
        let result = env.json(&[rehearse.arguments, &[flag]].concat()).expect(code);
        check(rehearse, &result, flag);
    }
    #[cfg(target_os = "linux")]
    {
        // The run succeeds, and then the log turns out to be incomplete.
        let result = env
            .json(&["rehearse", "--non-interactive", "--calls=/dev/full"])
            .expect(1);
        assert_eq!(documents(&result.stdout).len(), 1, "{}", result.stdout);
        assert!(result.stderr.contains("could not be logged"), "{}", result.stderr);
    }
}
