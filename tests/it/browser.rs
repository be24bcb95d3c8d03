//! Signing in with a browser on this machine: the wizard opens a page, the user allows access, and the wizard gets a
//! token.

use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use idc_sim::{PersonKind, scenarios};

use super::support::browser::{Browser, get};
use super::support::terminal::Terminal;
use super::support::{SKIP_RECOMMENDATIONS, TestEnv};

/// The URL of the access portal.
const PORTAL: &str = "https://d-9067aabbcc.awsapps.com/start";

/// Returns a test environment whose browser is a script, and the path of the file to which the script writes the URLs
/// that it is asked to open.
pub fn env(scenario: &str) -> (TestEnv, PathBuf) {
    let mut cloud = scenarios::named(scenario).unwrap();
    cloud.person.kind = PersonKind::Pages;
    let mut env = TestEnv::with(cloud);
    let (program, opened) = (env.path("browser"), env.path("opened"));
    std::fs::write(
        &program,
        format!("#!/bin/sh\nprintf '%s\\n' \"$1\" >> {}\n", opened.display()),
    )
    .unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    env.set("BROWSER", program.to_str().unwrap());
    (env, opened)
}

/// Waits until a URL that contains `part` was opened, and returns it.
pub fn page(opened: &PathBuf, part: &str) -> String {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let text = std::fs::read_to_string(opened).unwrap_or_default();
        if let Some(line) = text.lines().find(|line| line.contains(part)) {
            return line.to_owned();
        }
        assert!(Instant::now() < end, "{part} was not opened: {text}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until the browser was asked to open a sign-in, and returns the URL of the page to which it is redirected.
pub fn sign_in_page(opened: &PathBuf) -> String {
    let local = page(opened, "/sign-in/");
    let response = get(&local);
    let location = response.lines().find_map(|line| line.strip_prefix("location: "));
    let location = location.unwrap_or_else(|| panic!("{local}: {response}")).to_owned();
    // Others who read the URL in the command line of the browser are too late.
    assert!(get(&local).starts_with("HTTP/1.1 410 "), "{local}");
    location
}

fn start(env: &TestEnv) -> Terminal {
    // The user existed before, so nobody is told to set a password.
    Terminal::start(env, &[&["--yes"], &SKIP_RECOMMENDATIONS[..]].concat())
}

#[test]
fn the_browser_opens_and_the_callback_is_verified() {
    let (env, opened) = env("complete");
    let mut terminal = start(&env);
    terminal.wait_for("Opened in your browser");
    let address = sign_in_page(&opened);
    assert!(address.contains("code_challenge_method=S256"), "{address}");
    let mut browser = Browser::new(&env.server.url());
    browser
        .sign_in(&address)
        .shows("access your AWS accounts")
        .press("Allow access", &[]);
    let callback = browser.page.clone();
    let (port, query) = callback.split_once("/oauth/callback?").unwrap();
    // A listener on all addresses of the machine would also accept this connection.
    if cfg!(target_os = "linux") {
        let elsewhere = port.strip_prefix("http://").unwrap().replace("127.0.0.1", "127.0.0.2");
        assert!(TcpStream::connect(elsewhere).is_err());
    }
    // Idle connections do not block the callback for long, even if there are many.
    let _silent: Vec<TcpStream> = (0..80)
        .map(|_| TcpStream::connect(port.strip_prefix("http://").unwrap()).unwrap())
        .collect();
    // The wizard rejects requests that are not the callback or have another state, and continues to wait.
    for url in [
        format!("{port}/"),
        format!("{port}/favicon.ico"),
        format!("{port}/oauth/callback"),
        format!("{port}/oauth/callback?code=stolen&state=guessed"),
        format!("{port}/oauth/callback?error=access_denied&state=guessed"),
        format!("{port}/oauth/callback/?{query}"),
    ] {
        assert!(get(&url).starts_with("HTTP/1.1 404"), "{url}");
    }
    let response = get(&callback);
    assert!(
        response.starts_with("HTTP/1.1 200") && response.contains("You can close this page"),
        "{response}"
    );
    let code = query.split('&').find_map(|part| part.strip_prefix("code=")).unwrap();
    assert!(!response.contains(code), "the page contains no authorization code");
    assert_eq!(terminal.wait_for_exit(), 0, "{}", terminal.contents());
    assert!(!terminal.contents().contains(code));
    // The listener is closed.
    assert!(TcpStream::connect(port.trim_start_matches("http://")).is_err());
    let calls = env.server.calls();
    assert!(
        !calls
            .iter()
            .any(|call| call.operation == "CreateToken" && call.outcome != "ok")
    );
}

#[test]
fn a_denial_in_the_browser_is_reported_with_the_next_step() {
    let (env, opened) = env("complete");
    let mut terminal = start(&env);
    let address = sign_in_page(&opened);
    let mut browser = Browser::new(&env.server.url());
    browser.sign_in(&address).press("Deny access", &[]);
    assert!(get(&browser.page).contains("The sign-in was refused"));
    assert_eq!(terminal.wait_for_exit(), 1, "{}", terminal.contents());
    assert!(terminal.contents().contains("the sign-in was refused in the browser"));
}

#[test]
fn device_code_and_no_browser_sign_in_without_the_pkce_page() {
    for flag in ["--use-device-code", "--no-browser"] {
        let (env, opened) = env("complete");
        env.server.cloud().person.kind = PersonKind::Auto;
        let mut terminal = Terminal::start(&env, &[&["--yes", flag], &SKIP_RECOMMENDATIONS[..]].concat());
        terminal.wait_for("Approve only a code that you requested yourself");
        assert_eq!(terminal.wait_for_exit(), 0, "{}", terminal.contents());
        let device_page = std::fs::read_to_string(&opened).unwrap_or_default();
        assert_eq!(
            device_page.contains("/portal/device?user_code="),
            flag == "--use-device-code"
        );
        assert!(!device_page.contains("/authorize"));
    }
}

/// Forgets the last sign-in, and the pages that were opened for it.
fn sign_out(env: &TestEnv, opened: &Path) {
    let _ = std::fs::remove_dir_all(env.path(".aws/sso"));
    let _ = std::fs::remove_file(opened);
}

#[test]
fn join_and_profiles_sync_open_the_browser_and_write_profiles() {
    let (env, opened) = env("complete");
    for args in [
        &["join", PORTAL, "--all", "--yes", "--cli-region=eu-west-1"][..],
        &["profiles", "sync", "--yes", "--template={account}"],
    ] {
        sign_out(&env, &opened);
        env.server.clear_calls();
        let mut terminal = Terminal::start(&env, args);
        let address = sign_in_page(&opened);
        assert!(address.contains("code_challenge_method=S256"), "{address}");
        let mut browser = Browser::new(&env.server.url());
        browser.sign_in(&address).press("Allow access", &[]);
        assert!(get(&browser.page).starts_with("HTTP/1.1 200"), "{args:?}");
        assert_eq!(terminal.wait_for_exit(), 0, "{}", terminal.contents());
        let tokens = env.server.calls().into_iter();
        let tokens: Vec<String> = tokens
            .filter(|call| call.operation == "CreateToken")
            .map(|call| call.outcome)
            .collect();
        assert_eq!(tokens, ["ok"], "{args:?}");
    }
    assert!(env.config().contains("[profile Example]\n"), "{}", env.config());
}

#[test]
fn a_variable_makes_every_command_sign_in_with_a_device_code() {
    let (mut env, opened) = env("complete");
    env.server.cloud().person.kind = PersonKind::Auto;
    env.set("IDC_SETUP_USE_DEVICE_CODE", "1");
    let run = [&["--yes"], &SKIP_RECOMMENDATIONS[..]].concat();
    for args in [&run[..], &["join", PORTAL, "--all", "--yes"], &["login"]] {
        sign_out(&env, &opened);
        let mut terminal = Terminal::start(&env, args);
        assert_eq!(terminal.wait_for_exit(), 0, "{args:?}: {}", terminal.contents());
        let pages = std::fs::read_to_string(&opened).unwrap_or_default();
        assert!(pages.contains("/portal/device?user_code="), "{args:?}: {pages}");
        assert!(!pages.contains("/sign-in/"), "{args:?}: {pages}");
    }
}
