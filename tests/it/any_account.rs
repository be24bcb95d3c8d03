//! Property test: a run, with or without updates, followed by an undo restores any account and any config file.

use idc_sim::{Cloud, scenarios};
use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, RngAlgorithm, TestRng, TestRunner};
use serde_json::json;

use super::support::{NON_INTERACTIVE, TestEnv};
use super::undo_updates::{ADMINISTRATOR, BILLING, READ_ONLY, account_state, undo};

/// A partially set up account with values that can differ from the requested ones, and a config file.
#[derive(Debug, Clone)]
struct Account {
    has_user: bool,
    has_group: bool,
    is_member: bool,
    has_set: bool,
    policies: Vec<&'static str>,
    duration: &'static str,
    is_assigned: bool,
    config: Option<String>,
    with_update: bool,
}

fn account() -> impl Strategy<Value = Account> {
    let policies = proptest::sample::subsequence(vec![READ_ONLY, ADMINISTRATOR, BILLING], 0..=3);
    let presence = (
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    );
    let durations = proptest::sample::select(vec!["PT1H", "PT4H", "PT8H"]);
    (presence, policies, durations, config(), any::<bool>()).prop_map(
        |((has_user, has_group, is_member, has_set, is_assigned), policies, duration, config, with_update)| Account {
            has_user,
            has_group,
            is_member: is_member && has_user && has_group,
            has_set,
            is_assigned: is_assigned && has_set && has_group && !policies.is_empty(),
            policies,
            duration,
            config,
            with_update,
        },
    )
}

/// Generates a config file, or none. It can contain the profile and the session with other values.
fn config() -> impl Strategy<Value = Option<String>> {
    let other = "[profile other]\nregion = eu-west-1";
    let session = "[sso-session my-sso]\nsso_start_url = https://elsewhere.awsapps.com/start\nsso_region=eu-west-1";
    let profile = "# mine\n[profile admin]\nregion   = eu-west-1 # here\ncli_pager =";
    let older = "[profile admin] ; old\nsso_start_url = https://old.awsapps.com/start # old\noutput =\n  a = b\n# so\nsso_region=eu-west-1\nretry_mode = standard";
    // The AWS CLI accepts a section only once.
    let parts = proptest::sample::select(vec![profile, older]).prop_flat_map(move |profile| {
        proptest::sample::subsequence(vec![other, session, profile], 0..=3).prop_shuffle()
    });
    (parts, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(parts, has_end, is_crlf, is_there)| {
        let text = parts.join("\n\n") + if has_end && !parts.is_empty() { "\n" } else { "" };
        is_there.then(|| if is_crlf { text.replace('\n', "\r\n") } else { text })
    })
}

impl Account {
    fn cloud(&self) -> Cloud {
        let mut cloud = scenarios::named("complete").unwrap();
        let policies: Vec<String> = self.policies.iter().map(|policy| (*policy).to_owned()).collect();
        if !self.is_assigned {
            cloud.assignments.clear();
            cloud.roles.clear();
        }
        for role in &mut cloud.roles {
            role.managed_policies.clone_from(&policies);
        }
        if self.has_set {
            let set = &mut cloud.permission_sets[0];
            set.managed_policies = policies;
            self.duration.clone_into(&mut set.session_duration);
        } else {
            cloud.permission_sets.clear();
        }
        let store = &mut cloud.instances[0].store;
        if !self.is_member {
            store.memberships.clear();
        }
        if !self.has_group {
            store.groups.clear();
        }
        if !self.has_user {
            store.users.clear();
        }
        cloud
    }

    fn check_run_and_undo(&self) {
        let env = TestEnv::with(self.cloud());
        let before = account_state(&env);
        let path = env.path(".aws/config");
        if let Some(text) = &self.config {
            std::fs::create_dir_all(env.path(".aws")).unwrap();
            std::fs::write(&path, text).unwrap();
        }
        let mut args = vec![
            "run",
            "--email=admin@example.com",
            "--given-name=Alex",
            "--family-name=Rivera",
            "--session-duration=8h",
        ];
        args.extend(NON_INTERACTIVE);
        if self.with_update {
            args.extend(["--update=permission-set", "--update=cli-profile"]);
        }
        let result = env.json(&args);
        if self.with_update {
            assert_eq!(result.code, 0, "{self:?}: {}", result.summary());
        }
        let result = undo(&env, &[]);
        assert_eq!(result.code, 0, "{self:?}: {}", result.summary());
        assert_eq!(account_state(&env), before, "{self:?}");
        assert_eq!(std::fs::read_to_string(&path).ok(), self.config, "{self:?}");
        let kept = env.state();
        assert_eq!(kept["intents"], json!([]), "{self:?}");
        assert!(kept["replaced"].is_null(), "{self:?}: {:#}", kept["replaced"]);
        let mut resources = kept["resources"].as_array().unwrap().iter();
        assert!(resources.all(|kept| kept["origin"] != "created"), "{self:?}: {kept:#}");
    }
}

#[test]
fn undo_after_a_run_restores_any_account() {
    let is_full_sweep = std::env::var_os("FULL_SWEEPS").is_some();
    let mut runner = TestRunner::new_with_rng(
        Cases {
            cases: if is_full_sweep { 120 } else { 8 },
            max_shrink_iters: 20,
            ..Cases::default()
        },
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    let result = runner.run(&account(), |account| {
        account.check_run_and_undo();
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}
