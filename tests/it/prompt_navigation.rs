//! Back, skip, quit and Ctrl-C at every prompt of the checklist, followed by the rest of the run. The prompts come from
//! a run without a detour, so that none is left out.

use std::collections::BTreeSet;

use idc_setup::user_error::UserErrorKind;
use idc_setup::wizard::{Options, Outcome, State};
use idc_sim::scenarios;

use super::person::walk_with;
use super::support::TestEnv;
use super::support::prompt_navigation::{Detour, DetourPrompter};

/// Runs the checklist with this prompter, without recommendations and step 8.
fn walk_with_detour(env: &TestEnv, ui: DetourPrompter) -> (Outcome, DetourPrompter) {
    let options = Options {
        // The recommendations have their own tests, and step 8 needs the environment of a separate process.
        skip: ["sign-in", "mfa", "cloudtrail", "root-access-keys"]
            .map(str::to_owned)
            .into(),
        ..Options::default()
    };
    walk_with(env, options, ui)
}

fn fresh() -> TestEnv {
    let mut cloud = scenarios::named("fresh").unwrap();
    cloud.timing = idc_sim::Timing::default();
    TestEnv::with(cloud)
}

/// Returns the prompts of a run without a detour.
fn prompts() -> Vec<String> {
    let (outcome, ui) = walk_with_detour(&fresh(), DetourPrompter::without_detour());
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    let prompts = ui.prompts.take();
    assert!(prompts.len() >= 7, "{prompts:?}");
    prompts
}

/// Asserts that every resource exists exactly once and that no intent is pending.
fn assert_complete(env: &TestEnv, without: &BTreeSet<&str>, what: &str) {
    let cloud = env.server.cloud();
    let store = &cloud.instances[0].store;
    assert_eq!(store.users.len(), 1, "{what}");
    assert_eq!(
        store.groups.len(),
        usize::from(!without.contains("create-group")),
        "{what}"
    );
    assert_eq!(cloud.permission_sets.len(), 1, "{what}");
    assert_eq!(cloud.assignments.len(), 1, "{what}");
    assert_eq!(env.state()["intents"], serde_json::json!([]), "{what}");
    let config = std::fs::read_to_string(env.path(".aws/config")).unwrap_or_default();
    assert_eq!(config.matches("[profile admin]").count(), 1, "{what}: {config}");
}

#[test]
fn going_back_at_any_prompt_returns_to_it_and_the_run_completes() {
    for (at, prompt) in prompts().into_iter().enumerate() {
        let env = fresh();
        let (outcome, ui) = walk_with_detour(&env, DetourPrompter::with_detour(at, Detour::Back));
        let what = format!("back at {prompt:?}: {:?}", ui.prompts.borrow());
        assert!(outcome.error.is_none(), "{what}: {:?}", outcome.error);
        assert_complete(&env, &BTreeSet::new(), &what);
        let shown = ui.prompts.borrow();
        // At a task, there is nothing to go back to.
        if at > 0 && !shown[at].ends_with('.') {
            assert!(shown[at + 1..].contains(&prompt), "{what}: it is asked again");
        }
    }
}

#[test]
fn skipping_at_any_prompt_skips_only_what_is_optional() {
    for (at, prompt) in prompts().into_iter().enumerate() {
        let env = fresh();
        let (outcome, ui) = walk_with_detour(&env, DetourPrompter::with_detour(at, Detour::Skip));
        let what = format!("skip at {prompt:?}: {:?}", ui.prompts.borrow());
        // A task that is left for later ends the run, and nothing else fails.
        let is_left = outcome
            .error
            .as_ref()
            .is_some_and(|error| error.kind == UserErrorKind::Left);
        assert!(outcome.error.is_none() || is_left, "{what}: {:?}", outcome.error);
        if is_left {
            let is_task = ui.prompts.borrow()[at].ends_with('.');
            assert!(is_task && ui.prompts.borrow().len() == at + 1, "{what}");
            continue;
        }
        let required = outcome
            .reports
            .iter()
            .filter(|report| report.info.importance.word() == "required");
        for report in required.filter(|report| report.info.slug != "sign-in") {
            assert!(
                matches!(report.state, State::Done | State::WaitingForPerson),
                "{what}: {} is {:?}",
                report.info.slug,
                report.state
            );
        }
        assert_complete(&env, &BTreeSet::new(), &what);
    }
}

/// Ends a run at every prompt and continues in another run. Asserts that no question is asked twice and that every
/// resource exists exactly once.
fn end_and_continue(detour: Detour, kind: Option<UserErrorKind>) {
    for (at, prompt) in prompts().into_iter().enumerate() {
        let env = fresh();
        let (outcome, first) = walk_with_detour(&env, DetourPrompter::with_detour(at, detour));
        let what = format!("{detour:?} at {prompt:?}");
        assert_eq!(
            first.prompts.borrow().len(),
            at + 1,
            "{what}: nothing is asked after it"
        );
        if let Some(kind) = kind {
            assert_eq!(outcome.error.map(|error| error.kind), Some(kind), "{what}");
        }
        let (outcome, second) = walk_with_detour(&env, DetourPrompter::without_detour());
        assert!(outcome.error.is_none(), "{what}: {:?}", outcome.error);
        assert_complete(&env, &BTreeSet::new(), &what);
        let first = first.asked.take();
        // The question at which the first run ended was not answered.
        let is_question = at < first.len() && first.len() == at + 1;
        let answered = if is_question { &first[..at] } else { &first[..] };
        for key in second.asked.take() {
            assert!(
                !answered.contains(&key),
                "{what}: {key:?} was answered, but is asked again"
            );
        }
    }
}

#[test]
fn quitting_at_any_prompt_keeps_the_answers_and_changes_so_far() {
    end_and_continue(Detour::Quit, None);
}

#[test]
fn an_interruption_at_any_prompt_keeps_the_answers_and_changes_so_far() {
    end_and_continue(Detour::Interrupt, Some(UserErrorKind::Interrupted));
}
