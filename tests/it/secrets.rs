//! The output and the files of a complete run contain no secrets, except for the two files of the SSO cache.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use sha2::{Digest, Sha256};

use super::browser::{env, sign_in_page};
use super::support::browser::{Browser, get};
use super::support::terminal::Terminal;
use super::support::{ANSWERS, NON_INTERACTIVE, RunResult, SKIP_RECOMMENDATIONS, TestEnv};

/// Returns all secrets in the simulated AWS.
fn secrets(env: &TestEnv) -> BTreeSet<String> {
    let cloud = env.server.cloud();
    let mut secrets = BTreeSet::new();
    secrets.extend(cloud.sessions.keys().cloned());
    secrets.extend(cloud.refresh_tokens.keys().cloned());
    secrets.extend(cloud.clients.values().map(|client| client.secret.clone()));
    secrets.extend(cloud.devices.keys().cloned());
    secrets.extend(cloud.codes.keys().cloned());
    secrets.insert(env.credentials.secret_access_key.clone());
    secrets.insert(env.credentials.session_token.clone());
    assert!(secrets.len() > 5, "there are secrets to search for: {secrets:?}");
    assert!(secrets.iter().all(|secret| secret.len() > 8), "{secrets:?}");
    secrets
}

/// Returns whether a text contains the verifier of a challenge, which is a word that hashes to the challenge.
fn has_verifier(text: &str, challenge: &str) -> bool {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'));
    words
        .filter(|word| word.len() >= 43)
        .any(|word| URL_SAFE_NO_PAD.encode(Sha256::digest(word.as_bytes())) == challenge)
}

/// Asserts that the output and the files in the home folder contain no secrets. The SSO cache may contain tokens, and
/// must be accessible only to the owner.
fn search(env: &TestEnv, printed: &str, challenge: Option<&str>) {
    use std::os::unix::fs::PermissionsExt;
    let secrets = secrets(env);
    let mut texts = vec![("the output".to_owned(), printed.to_owned())];
    let mut in_cache = 0;
    for (path, content) in env.files("") {
        let name = path.display().to_string();
        if name.contains(".aws/sso/cache/") {
            in_cache += 1;
            let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(&path), 0o600, "{name}");
            assert_eq!(mode(path.parent().unwrap()), 0o700, "{name}");
            continue;
        }
        // The recorded URLs of the browser contain the state and the challenge, which are not secrets.
        texts.push((name, String::from_utf8_lossy(&content).into_owned()));
    }
    assert_eq!(in_cache, 2, "a token and a registration");
    assert!(texts.len() > 3, "config, state, last and the output");
    for (name, text) in texts {
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{name} contains {secret}:\n{text}");
        }
        if let Some(challenge) = challenge {
            assert!(!has_verifier(&text, challenge), "{name} contains the verifier");
        }
    }
}

#[test]
fn a_run_with_a_device_code_leaves_no_secret_behind_even_with_vv() {
    for (output, filter) in [
        ("--output=text", None),
        ("--output=json", None),
        ("--output=text", Some("trace")),
    ] {
        let mut env = TestEnv::new("fresh");
        if let Some(filter) = filter {
            // At this level, the HTTP and AWS libraries would log headers and bodies.
            env.set("IDC_SETUP_LOG", filter);
        }
        let more = ["-vv", output, "--create-trail"];
        let result = env
            .run(&[&["run"], &NON_INTERACTIVE[..], &ANSWERS[..], &more].concat())
            .expect(0);
        let login = env.run(&["login", "-vv", "--again", output]).expect(0);
        let printed = [result.stdout, result.stderr, login.stdout, login.stderr].concat();
        assert!(
            printed.contains("aws sso-admin create-permission-set"),
            "-vv shows the commands: {printed}"
        );
        assert!(printed.contains("request_id="), "the calls are logged: {printed}");
        search(&env, &printed, None);
    }
}

#[test]
fn a_run_in_a_terminal_with_pkce_leaves_no_secret_behind_even_with_vv() {
    let (env, opened) = env("complete");
    let mut terminal = Terminal::start(&env, &[&["--yes", "-vv"], &SKIP_RECOMMENDATIONS[..]].concat());
    let address = sign_in_page(&opened);
    let mut browser = Browser::new(&env.server.url());
    browser.sign_in(&address).press("Allow access", &[]);
    let back = browser.page.clone();
    let code = back
        .split_once("code=")
        .unwrap()
        .1
        .split('&')
        .next()
        .unwrap()
        .to_owned();
    let response = get(&back);
    assert!(!response.contains(&code));
    assert_eq!(terminal.wait_for_exit(), 0, "{}", terminal.contents());
    let challenge = address
        .split_once("code_challenge=")
        .unwrap()
        .1
        .split('&')
        .next()
        .unwrap()
        .to_owned();
    let printed = terminal.raw_output();
    assert!(!printed.contains(&code), "{printed}");
    search(&env, &printed, Some(&challenge));
}

#[test]
fn files_of_a_run_are_accessible_only_to_the_owner_under_any_umask() {
    use std::os::unix::fs::PermissionsExt;
    for umask in ["0000", "0022", "0777"] {
        let env = TestEnv::new("enabled");
        let wizard = env.command(&[&["run", "--confirm=mfa"], &NON_INTERACTIVE[..], &ANSWERS[..]].concat());
        let mut shell = std::process::Command::new("/bin/sh");
        shell.args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\"")]);
        shell.arg(wizard.get_program()).args(wizard.get_args()).env_clear();
        shell.envs(wizard.get_envs().filter_map(|(name, value)| Some((name, value?))));
        RunResult::new(shell.current_dir(env.home.path()).output().unwrap()).expect(0);
        let mut folders = vec![env.home.path().to_owned()];
        let mut count = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                let (path, found) = (entry.path(), entry.metadata().unwrap());
                let wanted = if found.is_dir() { 0o700 } else { 0o600 };
                assert_eq!(
                    found.permissions().mode() & 0o777,
                    wanted,
                    "{} under {umask}",
                    path.display()
                );
                count += 1;
                if found.is_dir() {
                    folders.push(path);
                }
            }
        }
        // Config, token, registration, state, lock and last.json, and their folders.
        assert!(count >= 12, "{count}");
    }
}

#[test]
fn the_search_would_find_a_verifier() {
    let verifier = "a-verifier-of-forty-three-letters-0123456789abcd";
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
    assert!(has_verifier(&format!("verifier={verifier}&x=1"), &challenge));
    assert!(!has_verifier(
        "verifier=something-else-that-is-at-least-as-long-as-it",
        &challenge
    ));
}

#[test]
fn debug_output_contains_no_secrets() {
    use aws_config_file::{CachedRegistration, CachedToken};
    let secret = || SecretString::from("very-secret".to_owned());
    let at = "2027-02-22T10:00:00Z".parse().unwrap();
    let token = CachedToken {
        start_url: String::new(),
        region: String::new(),
        access_token: secret(),
        expires_at: at,
        refresh_token: Some(secret()),
        client_id: String::new(),
        client_secret: secret(),
        registration_expires_at: at,
    };
    let registration = CachedRegistration {
        client_id: String::new(),
        client_secret: secret(),
        expires_at: at,
        is_for_authorization_code: true,
    };
    let registered = idc_setup::sso::Registration {
        client_id: String::new(),
        client_secret: secret(),
        expires_at: at,
    };
    for shown in [
        format!("{token:?}"),
        format!("{registration:?}"),
        format!("{registered:?}"),
    ] {
        assert!(shown.contains("REDACTED") && !shown.contains("very-secret"), "{shown}");
    }
    let environment = idc_setup::environment::Environment::of_variables(&[("AWS_SECRET_ACCESS_KEY", "very-secret")]);
    let shown = format!("{environment:?}");
    assert!(
        shown.contains("AWS_SECRET_ACCESS_KEY") && !shown.contains("very-secret"),
        "{shown}"
    );
}
