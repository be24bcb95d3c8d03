//! Questions and replies in this process: back, skip, quit, consents and confirmations. Also the accessible mode,
//! through a pipe.

use std::io::Write;
use std::process::Stdio;
use std::rc::Rc;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use idc_setup::answers::{Answer, Answers, Key, Source};
use idc_setup::aws::Clients;
use idc_setup::aws::clock::ServerClock;
use idc_setup::aws::connect::Caller;
use idc_setup::aws::console::Console;
use idc_setup::aws::waiting::Timing;
use idc_setup::aws_cli::Finder;
use idc_setup::browser::Browser;
use idc_setup::environment::Environment;
use idc_setup::progress::Progress;
use idc_setup::reconcile::{Change, Consent};
use idc_setup::wizard::steps::{self, WizardContext, WizardContextParts};
use idc_setup::wizard::{Options, Outcome, Prompter, Reply, ReviewReply, TaskReply, Walk};

use super::support::scripted::{Line, ScriptedPrompter};
use super::support::{RUNTIME, RunResult, TestEnv, is_mutating};

/// Opens the state file. Retries, because a process that another test starts can briefly inherit the descriptor of the
/// lock.
fn open_progress(env: &TestEnv) -> Progress {
    let end = std::time::Instant::now() + std::time::Duration::from_secs(5);
    loop {
        match Progress::open(&env.state_file(), "aws", &"123456789012".parse().unwrap()) {
            Err(error) if std::time::Instant::now() > end => panic!("{error}"),
            Err(_) => std::thread::sleep(std::time::Duration::from_millis(20)),
            Ok(progress) => return progress,
        }
    }
}

/// Runs steps 1 to 6 in this process with a script.
fn walk(env: &TestEnv, options: Options, script: Vec<Line>) -> (Outcome, ScriptedPrompter) {
    let mut options = options;
    options
        .skip
        .extend(["cli-profile", "sign-in", "mfa", "cloudtrail", "root-access-keys"].map(str::to_owned));
    let (outcome, ui) = walk_with(env, options, ScriptedPrompter::new(script));
    ui.finish();
    (outcome, ui)
}

/// Runs the checklist in this process with a prompter.
pub fn walk_with<G: Prompter>(env: &TestEnv, options: Options, ui: G) -> (Outcome, G) {
    let keys = &env.credentials;
    let credentials = Credentials::new(
        &keys.access_key_id,
        &keys.secret_access_key,
        Some(keys.session_token.clone()),
        None,
        "test",
    );
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("us-east-1"))
        .endpoint_url(env.server.url())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    let mut answers = Answers::default();
    add_saved_answers(&mut answers, env);
    answers.default_to(Key::IdentityCenterRegion, "us-east-1", Source::Default);
    answers.default_to(Key::Account, "123456789012", Source::Default);
    let setting = Rc::new(WizardContext::new(WizardContextParts {
        clients: Clients::new(&config, ServerClock::default()),
        caller: Caller {
            account: "123456789012".parse().unwrap(),
            arn: "arn:aws:iam::123456789012:root".to_owned(),
        },
        region: Some("us-east-1".parse().unwrap()),
        profile: None,
        answers,
        progress: open_progress(env),
        console: Console::real(),
        timing: Timing::REHEARSAL,
        paths: Environment::of_variables(&[("HOME", env.home.path().to_str().unwrap())]).aws_files(),
        updates: [].into(),
        confirmed: [].into(),
        browser: Rc::new(Browser::none("a test")),
        aws_cli: Finder::default(),
        use_device_code: false,
    }));
    let mut options = options;
    options.person_pause = Duration::from_millis(50);
    let steps = steps::checklist(&setting);
    let walk = Walk::new(&steps, &ui, &setting.answers, &setting.progress, &setting.stop, options);
    let outcome = RUNTIME.block_on(walk.run());
    (outcome, ui)
}

/// Adds the saved answers of an earlier run.
fn add_saved_answers(answers: &mut Answers, env: &TestEnv) {
    let Ok(text) = std::fs::read(env.state_file()) else {
        return;
    };
    let kept: serde_json::Value = serde_json::from_slice(&text).unwrap();
    for (name, saved) in kept["answers"].as_object().unwrap() {
        let value = saved["value"].as_str().unwrap().to_owned();
        let source = Source::Saved(saved["at"].as_str().unwrap().parse().unwrap());
        answers.put(Key::of_field(name).unwrap(), Answer { value, source });
    }
}

fn value(key: Key, text: &'static str) -> Line {
    Line::Ask(key, Reply::Value(text))
}

fn given_answers() -> Vec<Line> {
    vec![
        value(Key::Email, "ada@example.com"),
        value(Key::GivenName, "Ada"),
        value(Key::FamilyName, "Lovelace"),
    ]
}

fn states(outcome: &Outcome) -> Vec<&'static str> {
    outcome.reports.iter().map(|report| report.state.name()).collect()
}

#[test]
fn a_run_asks_only_for_missing_answers_and_confirms_once() {
    let env = TestEnv::new("enabled");
    let script = [
        given_answers(),
        vec![
            Line::Review(ReviewReply::GoOn),
            Line::Task("Set a password", TaskReply::Done),
            Line::Task("Open the access portal", TaskReply::Done),
        ],
    ]
    .concat();
    let (outcome, ui) = walk(&env, Options::default(), script);
    assert_eq!(states(&outcome)[..6], ["done"; 6]);
    assert_eq!(outcome.exit_code(false).code(), 0);
    let review = ui.reviews.borrow()[0].clone();
    assert!(
        review
            .values
            .iter()
            .any(|value| value.key == Key::Email && value.value == "ada@example.com" && value.source == "entered")
    );
}

#[test]
fn back_returns_to_the_previous_question_and_withdraws_its_answer() {
    let env = TestEnv::new("enabled");
    let script = vec![
        value(Key::Email, "wrong@example.com"),
        Line::Ask(Key::GivenName, Reply::Back),
        value(Key::Email, "ada@example.com"),
        value(Key::GivenName, "Ada"),
        value(Key::FamilyName, "Lovelace"),
        Line::Review(ReviewReply::Quit),
    ];
    let (outcome, ui) = walk(&env, Options::default(), script);
    assert_eq!(outcome.exit_code(false).code(), 3);
    assert!(
        ui.reviews.borrow()[0]
            .values
            .iter()
            .any(|value| value.value == "ada@example.com")
    );
    assert!(!env.server.calls().iter().any(is_mutating));
}

#[test]
fn back_at_the_first_question_asks_it_again_and_a_required_step_is_not_skipped() {
    let env = TestEnv::new("enabled");
    let script = vec![
        Line::Ask(Key::Email, Reply::Back),
        Line::Ask(Key::Email, Reply::Skip),
        Line::Ask(Key::Email, Reply::Quit),
    ];
    let (outcome, _) = walk(&env, Options::default(), script);
    assert_eq!(outcome.exit_code(false).code(), 3);
    assert!(!env.server.calls().iter().any(is_mutating));
}

#[test]
fn no_organization_is_created_without_consent() {
    let env = TestEnv::new("free-plan");
    let region = vec![value(Key::IdentityCenterRegion, "eu-west-1")];
    let script = [region, given_answers(), vec![Line::Review(ReviewReply::Quit)]].concat();
    let (outcome, ui) = walk(&env, Options::default(), script);
    assert_eq!(outcome.exit_code(false).code(), 3);
    let consents = |change: &Change| match &change.consent {
        Consent::Named(consents) => consents.iter().map(|consent| consent.flag).collect(),
        _ => Vec::new(),
    };
    let agreed: Vec<&str> = ui.reviews.borrow()[0].all_changes().flat_map(consents).collect();
    assert_eq!(agreed, ["create-organization", "accept-free-plan-end"]);
    assert!(!env.server.calls().iter().any(is_mutating));
}

#[test]
fn a_changed_value_is_looked_up_before_any_change() {
    let env = TestEnv::new("half-done");
    let script = vec![
        Line::Review(ReviewReply::Change(Key::Group)),
        value(Key::Group, "Builders"),
        Line::Review(ReviewReply::GoOn),
        Line::Task("Sign in as Admin once", TaskReply::Later),
    ];
    let (outcome, ui) = walk(&env, Options::default(), script);
    let reviews = ui.reviews.borrow();
    let sentences = |n: usize| {
        reviews[n]
            .changes
            .iter()
            .flat_map(|(_, lines)| lines.clone())
            .collect::<Vec<_>>()
    };
    assert!(
        !sentences(0)
            .iter()
            .any(|line| line.sentence.contains("Create the group"))
    );
    assert!(
        sentences(1)
            .iter()
            .any(|line| line.sentence.contains("Create the group Builders"))
    );
    assert_eq!(
        outcome.exit_code(false).code(),
        3,
        "activation and portal are not confirmed"
    );
}

#[test]
fn nothing_to_do_shows_no_review() {
    let env = TestEnv::new("complete");
    let script = vec![
        Line::Review(ReviewReply::GoOn),
        Line::Task("Sign in as Admin once", TaskReply::Done),
        Line::Task("Open the access portal", TaskReply::Done),
    ];
    // In the first run, the user confirms activation and the portal. The second run has the saved confirmations.
    let (outcome, _) = walk(&env, Options::default(), script);
    assert_eq!(outcome.exit_code(false).code(), 0);
    let (outcome, _) = walk(&env, Options::default(), Vec::new());
    assert_eq!(outcome.exit_code(false).code(), 0);
    assert!(!env.server.calls().iter().any(is_mutating));
}

fn run_piped(env: &TestEnv, args: &[&str], lines: &str) -> RunResult {
    let mut child = env
        .command(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    RunResult::new(child.wait_with_output().unwrap())
}

#[test]
fn accessible_mode_works_through_a_pipe() {
    let env = TestEnv::new("fresh");
    let lines = "us-east-1\n?\nada\nada@example.com\nAda\n:back\n\nLovelace\n?\ny\n\n";
    let result = run_piped(&env, &["run", "--accessible"], lines);
    // `:back` withdrew "Ada" but offered it as the default, and the empty line accepted it.
    let result = result
        .expect(0)
        .expect_text("is not an email address")
        .expect_text("Type y to start");
    assert!(!result.stderr.contains('\u{1b}'));
    let user = env.first_user();
    assert_eq!(user.attributes["Name"]["GivenName"], "Ada");
    assert_eq!(user.attributes["Name"]["FamilyName"], "Lovelace");
}

#[test]
fn accessible_lists_are_searched_and_numbered() {
    let env = TestEnv::new("fresh");
    let lines = "europe\n6\n:back\n:list\n1\n:quit\n";
    let result = run_piped(&env, &["run", "--accessible"], lines).expect(3);
    result
        .expect_text("choices match \"europe\". Type a number.")
        .expect_text("Region: Europe (Ireland) eu-west-1. Type :b to change it.")
        .expect_text("1) US East (N. Virginia)");
}

#[test]
fn going_back_at_the_first_question_says_that_there_is_nothing_before() {
    let env = TestEnv::new("enabled");
    // The prompt says :b only from the second question on.
    run_piped(&env, &["run", "--accessible"], ":b\nada@example.com\n:quit\n")
        .expect(3)
        .expect_text("Email of the user [admin@example.com] (? help, :q quit):")
        .expect_text("There is nothing to go back to here.")
        .expect_text("First name [Alex] (? help, :b back, :q quit):");
    assert!(!env.server.calls().iter().any(is_mutating));
}

#[test]
fn the_end_of_the_input_quits_and_changes_nothing() {
    let env = TestEnv::new("enabled");
    run_piped(&env, &["run", "--accessible"], "ada@example.com\n").expect(3);
    assert!(!env.server.calls().iter().any(is_mutating));
    run_piped(&env, &["run", "--accessible"], ":quit\n")
        .expect(3)
        .expect_text("This run changed nothing.");
}
