//! A real browser performs the tasks that no API covers, while the wizard waits.

use super::browser::{env, page};
use super::support::chrome::{Chrome, ENTER, TAB};
use super::support::terminal::Terminal;
use super::support::{ANSWERS, REGION, SKIP_RECOMMENDATIONS, TestEnv};

#[test]
fn a_real_browser_enables_activates_and_signs_in_while_the_wizard_waits() {
    let Some(chrome) = Chrome::start() else { return };
    let (env, opened) = env("fresh");
    let mut terminal = Terminal::start(&env, &[&ANSWERS[..], &[REGION]].concat());

    terminal.answer("y+Enter start", "y\r");
    terminal.wait_for("Enable IAM Identity Center in us-east-1");
    // With the keyboard only.
    chrome
        .open(&page(&opened, "/console/singlesignon/home?"))
        .shows("It cannot be changed later")
        .offers("Enable")
        .focuses("Enable")
        .keys(ENTER)
        .is_done()
        .shows("IAM Identity Center");

    terminal.wait_for("Set a password for Admin");
    chrome
        .open(&page(&opened, "/user-details/"))
        .shows("not activated")
        .click("Reset password")
        .offers("Open the mailbox")
        .click("Open the mailbox")
        .shows("no-reply@login.awsapps.com to ada@example.com")
        .click("Follow the link")
        .fill("password", "correct horse")
        .fill("again", "correct horse")
        .click("Set new password")
        .click("Register device")
        .is_done()
        .shows("access portal");
    terminal.answer("Enter done", "\r");

    terminal.wait_for("Sign in as Admin in your browser");
    chrome
        .open(&page(&opened, "/sign-in/"))
        .shows("access your AWS accounts")
        .offers("Allow access")
        .focuses("Allow access")
        .keys(ENTER)
        .wait_for("You are signed in. You can close this page and go back to the terminal.");
    // The URL in the address bar contains no authorization code.
    assert!(!chrome.address().contains("code="), "{}", chrome.address());

    assert_eq!(terminal.wait_for_exit(), 0, "{}", terminal.contents());
    let screen = terminal.contents();
    assert!(screen.contains("All set. You are signed in as Admin"), "{screen}");
}

#[test]
fn a_real_browser_approves_a_code_after_a_wrong_password() {
    let Some(chrome) = Chrome::start() else { return };
    let (env, opened) = env("complete");
    let mut terminal = Terminal::start(
        &env,
        &[&["--yes", "--use-device-code"], &SKIP_RECOMMENDATIONS[..]].concat(),
    );
    terminal.wait_for("Approve only a code that you requested yourself");
    let address = page(&opened, "/portal/device?user_code=");
    let code = address.rsplit('=').next().unwrap().to_owned();
    chrome
        .open(&address)
        .offers("Next")
        .keys(&format!("Admin{ENTER}"))
        .focuses("Password")
        .shows("type any password")
        .offers("Sign in")
        .keys(&format!("whatever{ENTER}"))
        .shows(&code)
        .offers("Confirm and continue")
        .click("Confirm and continue")
        .offers("Allow access")
        .click("Allow access")
        .is_done()
        .shows("Request approved");
    assert_eq!(terminal.wait_for_exit(), 0, "{}", terminal.contents());
}

/// Opens the index page of a rehearsal in which everything is still to do.
fn index(env: &TestEnv, chrome: &Chrome) {
    env.server.cloud().root_user.access_keys = true;
    chrome.open(&format!("{}/", env.server.url()));
}

#[test]
fn all_tasks_can_be_done_with_the_keyboard_alone() {
    let Some(chrome) = Chrome::start() else { return };
    let (env, _) = env("billing-only");
    index(&env, &chrome);
    chrome
        .offers("Open AWS Organizations")
        .keys(ENTER)
        .focuses("Begin process to enable all features")
        .offers("Begin process to enable all features")
        .keys(ENTER)
        .is_done()
        .tab_to("All tasks")
        .keys(ENTER)
        .focuses("Open the console")
        .offers("Open the console")
        .keys(ENTER)
        .focuses("Region")
        .offers("Enable")
        .keys(ENTER)
        .is_done()
        .tab_to("Users")
        .keys(ENTER)
        .focuses("Add user")
        .offers("Add user")
        .keys(ENTER)
        .focuses("Username")
        .offers("Add user");
    let user = ["Admin", "", "ada@example.com", "Ada", "Lovelace", "Ada Lovelace"];
    chrome
        .keys(&format!("{}{ENTER}", user.join(TAB)))
        .focuses("Open the mailbox")
        .offers("Open the mailbox")
        .keys(ENTER)
        .focuses("Follow the link")
        .offers("Follow the link")
        .keys(ENTER)
        .focuses("New password (at least 8 characters)")
        .offers("Set new password")
        .keys(&format!("correct horse{TAB}correct house{ENTER}"))
        .shows("both fields must match")
        .focuses("New password (at least 8 characters)")
        .offers("Set new password")
        .keys(&format!("correct horse{TAB}correct horse{ENTER}"))
        .focuses("Register device")
        .offers("Register device")
        .keys(ENTER)
        .is_done()
        .shows("You are signed in as Admin.")
        .tab_to("All tasks")
        .keys(ENTER)
        .shows("Nothing to do right now, return to your terminal.")
        .tab_to("Open security credentials")
        .keys(ENTER)
        .focuses("Delete access key")
        .offers("Delete access key")
        .keys(ENTER)
        .focuses("Assign MFA device")
        .offers("Assign MFA device")
        .keys(ENTER)
        .is_done();
    let cloud = env.server.cloud();
    assert!(cloud.instances[0].store.users.values().all(|user| user.activated));
    assert!(cloud.root_user.mfa && !cloud.root_user.access_keys);
}

#[test]
fn all_tasks_can_be_done_with_the_mouse() {
    let Some(chrome) = Chrome::start() else { return };
    let (env, _) = env("billing-only");
    index(&env, &chrome);
    chrome
        .click("Open AWS Organizations")
        .click("Begin process to enable all features")
        .is_done()
        .click("All tasks")
        .click("Open the console")
        .choose("External identity provider (not simulated)")
        .click("Enable")
        .offers("Choose again")
        .click("Choose again")
        .click("Enable")
        .is_done()
        .click("Settings")
        .offers("Save")
        .choose("Send email OTP: verify the email address of users created by API at their first sign-in")
        .click("Save")
        .is_done();
    chrome
        .open(&format!("{}/console/singlesignon/home", env.server.url()))
        .click("Users")
        .click("Add user")
        .fill("username", "Admin")
        .fill("email", "ada@example.com")
        .fill("given_name", "Ada")
        .fill("family_name", "Lovelace")
        .fill("display_name", "Ada Lovelace")
        .click("Add user")
        .shows("User Admin added");
    // The user is not activated yet, so the sign-in verifies the email address.
    chrome
        .open(&format!("{}/portal/start", env.server.url()))
        .offers("Next")
        .fill("username", "Admin")
        .click("Next")
        .offers("Verify")
        .fill("code", "000000")
        .click("Verify")
        .shows("This code is not valid.")
        .offers("Verify");
    let code = env.mailed_code();
    chrome
        .fill("code", &code)
        .click("Verify")
        .fill("password", "correct horse")
        .fill("again", "correct horse")
        .click("Set new password")
        .choose("Security key")
        .click("Register device")
        .is_done();
    // The user asks for another password, and signs in with it.
    chrome
        .open(&format!("{}/console/singlesignon/home", env.server.url()))
        .click("Users")
        .click("Admin")
        .offers("Reset password")
        .choose("Generate a one-time password and share the password with the user.")
        .click("Reset password")
        .offers("Sign in with it")
        .click("All tasks")
        .click("Open security credentials")
        .click("Delete access key")
        .click("Assign MFA device")
        .is_done()
        .click("All tasks")
        .shows("Secure the root user");
    chrome
        .open(&format!("{}/portal/device", env.server.url()))
        .offers("Next")
        .fill("user_code", "WXYZ-WXYZ")
        .click("Next")
        .shows("This code is not valid, or has expired.")
        .offers("Next");
}
