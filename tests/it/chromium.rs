//! A real browser performs the tasks that no API covers, while the wizard waits.

#![cfg(unix)]

use super::browser::{env, page};
use super::support::SKIP_RECOMMENDATIONS;
use super::support::chrome::{Chrome, ENTER};
use super::support::terminal::Terminal;

#[test]
fn a_real_browser_enables_activates_and_signs_in_while_the_wizard_waits() {
    let Some(chrome) = Chrome::start() else { return };
    let (env, opened) = env("fresh");
    let answers = ["--email=ada@example.com", "--given-name=Ada", "--family-name=Lovelace"];
    let consents = ["--yes", "--create-organization", "--accept-free-plan-end"];
    let mut terminal = Terminal::start(&env, &[&answers[..], &consents[..], &SKIP_RECOMMENDATIONS[..]].concat());

    terminal.wait_for("Enable IAM Identity Center in us-east-1.");
    // With the keyboard only.
    chrome
        .open(&page(&opened, "/console/singlesignon/home?"))
        .shows("It cannot be changed later")
        .tab_to("Enable")
        .keys(ENTER)
        .shows("IAM Identity Center");

    terminal.wait_for("Activate the user Admin");
    chrome
        .open(&page(&opened, "/user-details/"))
        .shows("not activated")
        .click("Reset password")
        .click("Open the mailbox")
        .shows("no-reply@login.awsapps.com to ada@example.com")
        .click("Follow the link")
        .fill("password", "correct horse")
        .fill("again", "correct horse")
        .click("Set new password")
        .click("Register device")
        .shows("access portal");
    terminal.answer("Done?", "y");

    terminal.wait_for("Open the access portal and sign in.");
    chrome
        .open(&page(&opened, "/portal/start"))
        .shows("Example (123456789012): AdministratorAccess");
    terminal.answer("Done?", "y");

    terminal.wait_for("Sign in as Admin in your browser");
    chrome
        .open(&page(&opened, "/sign-in/"))
        .shows("access your AWS accounts")
        .tab_to("Allow access")
        .keys(ENTER)
        .wait_for("You are signed in. You can close this page and go back to the terminal.");
    // The URL in the address bar contains no authorization code.
    assert!(!chrome.address().contains("code="), "{}", chrome.address());

    assert_eq!(terminal.wait_for_exit(), 0, "{}", terminal.contents());
    let screen = terminal.contents();
    assert!(
        screen.contains(":assumed-role/AWSReservedSSO_AdministratorAccess_"),
        "{screen}"
    );
    assert!(screen.contains("/Admin in account"), "{screen}");
}

#[test]
fn a_real_browser_approves_a_code_after_a_wrong_password() {
    let Some(chrome) = Chrome::start() else { return };
    let (env, opened) = env("complete");
    let mut terminal = Terminal::start(
        &env,
        &[&["--yes", "--use-device-code"], &SKIP_RECOMMENDATIONS[..]].concat(),
    );
    terminal.answer("Activate the user", "n");
    terminal.answer("Open the access portal", "n");
    terminal.wait_for("Approve only a code that you requested yourself");
    let address = page(&opened, "/portal/device?user_code=");
    let code = address.rsplit('=').next().unwrap().to_owned();
    chrome
        .open(&address)
        .fill("username", &format!("Admin{ENTER}"))
        .fill("password", &format!("whatever{ENTER}"))
        .shows(&code)
        .click("Confirm and continue")
        .click("Allow access")
        .shows("Request approved");
    assert_eq!(terminal.wait_for_exit(), 0, "{}", terminal.contents());
}
