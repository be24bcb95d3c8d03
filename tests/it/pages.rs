//! `--person pages`: a user performs the tasks that no API covers in a browser, while the wizard waits.

use std::time::{Duration, Instant};

use idc_sim::{Cloud, PersonKind, scenarios};

use super::rehearsed::{idc, serve};
use super::support::browser::Browser;
use super::support::{ANSWERS, NON_INTERACTIVE, RunResult, TestEnv, wait_until};

/// What the last page of each task says.
const DONE: &str = "Done, return to your terminal.";

fn env(scenario: &str) -> TestEnv {
    let mut cloud = scenarios::named(scenario).unwrap();
    cloud.person.kind = PersonKind::Pages;
    TestEnv::with(cloud)
}

/// Waits until `found` returns a value.
fn wait_for<T>(env: &TestEnv, found: impl Fn(&Cloud) -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = found(&env.server.cloud()) {
            return found;
        }
        assert!(Instant::now() < end, "the wizard did not reach this state");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_a_user_does_on_a_page_is_kept_even_if_the_rehearsal_is_killed() {
    let env = env("organization");
    let args = [
        "rehearse",
        "--serve",
        "--world=organization",
        "--person=pages",
        "--keep=kept",
    ];
    let (server, variables) = serve(&mut idc(&env, &args), 9);
    Browser::new(&variables["AWS_ENDPOINT_URL"])
        .open("/console/singlesignon/home?region=us-east-1")
        .press("Enable", &[])
        .shows(DONE);
    wait_until("the instance is saved", || {
        std::fs::read_to_string(env.path("kept/scenario.toml")).is_ok_and(|text| text.contains("ssoins-"))
    });
    drop(server);
}

#[test]
fn a_user_clicks_through_enable_activation_and_sign_in_while_the_wizard_waits() {
    let env = env("fresh");
    let args = [&["run", "--output=json"], &NON_INTERACTIVE[..], &ANSWERS[..]].concat();
    let wizard = std::thread::scope(|scope| {
        let wizard = scope.spawn(|| RunResult::new(env.command(&args).output().unwrap()));
        let mut browser = Browser::new(&env.server.url());
        wait_for(&env, |cloud| cloud.organization.clone());
        browser
            .open("/console/singlesignon/home?region=us-east-1")
            .shows("It cannot be changed later")
            .press("Enable", &[])
            .shows(DONE);
        let (instance, user) = wait_for(&env, |cloud| {
            let instance = cloud.instances.first()?;
            let id = instance.store.users.keys().next()?;
            Some((instance.id().trim_start_matches("ssoins-").to_owned(), id.clone()))
        });
        // A user created through the API cannot sign in with any password.
        let code = wait_for(&env, |cloud| {
            // The check of the portal URL also starts a device authorization, but never polls it.
            let polled = cloud.devices.values().find(|device| device.polled.is_some());
            polled.map(|device| device.user_code.clone())
        });
        browser
            .sign_in(&format!("/portal/device?user_code={code}"))
            .shows("verify your sign-in credentials");
        browser
            .open(&format!(
                "/console/singlesignon/home/instances/{instance}/users/user-details/{user}"
            ))
            .shows("not activated")
            .press("Reset password", &[])
            .follow("Open the mailbox")
            .shows("no-reply@login.awsapps.com to ada@example.com")
            .follow("Follow the link")
            .press("Set new password", &[("password", "short"), ("again", "short")])
            .shows("at least 8 characters")
            .press(
                "Set new password",
                &[("password", "correct horse"), ("again", "correct horse")],
            )
            .press("Register device", &[])
            .shows("access portal")
            .shows(DONE);
        browser
            .open(&format!("/portal/device?user_code={code}"))
            .shows(&code)
            .press("Confirm and continue", &[])
            .press("Allow access", &[])
            .shows("Request approved")
            .shows(DONE);
        wizard.join().unwrap()
    });
    let result = wizard.expect(0);
    assert!(
        result.step("sign-in")["evidence"]["signed_in_as"]
            .as_str()
            .unwrap()
            .ends_with("/Admin")
    );
    // A new browser session asks for the password and verifies it.
    Browser::new(&env.server.url())
        .open("/portal/start")
        .press("Next", &[("username", "Admin")])
        .press("Sign in", &[("password", "correct house")])
        .shows("verify your sign-in credentials")
        .press("Sign in", &[("password", "correct horse")])
        .shows("Example (123456789012): AdministratorAccess");
}

#[test]
fn a_user_added_in_the_console_is_invited_or_signs_in_with_an_emailed_code() {
    let env = env("enabled");
    let instance = env.server.cloud().instances[0]
        .id()
        .trim_start_matches("ssoins-")
        .to_owned();
    let home = format!("/console/singlesignon/home/instances/{instance}");
    let ada = [
        ("username", "ada"),
        ("email", "ada@example.com"),
        ("given_name", "Ada"),
        ("family_name", "Lovelace"),
        ("display_name", "Ada <Lovelace>"),
    ];
    let mut browser = Browser::new(&env.server.url());
    browser
        .open(&format!("{home}/users"))
        .follow("Add user")
        .press("Add user", &ada)
        .shows("An email with a link");
    browser
        .open(&format!("{home}/users/add-user"))
        .press("Add user", &ada)
        .shows("ConflictException");
    browser
        .open("/mail")
        .shows("Invitation to join")
        .follow("Follow the link")
        .shows("New password for ada");
    // The alternative: a code that is emailed at the first sign-in.
    browser
        .open(&format!("{home}/settings"))
        .press("Save", &[("email_otp", "on")])
        .shows(" checked><span>Send email OTP")
        .shows(DONE);
    let sign_in = |browser: &mut Browser, code: &str| {
        browser
            .open("/portal/start")
            .press("Next", &[("username", "ada")])
            .shows("A code was mailed")
            .press("Verify", &[("code", code)])
            .shows("This code is not valid");
    };
    sign_in(&mut browser, "000000");
    let code = env.mailed_code();
    browser
        .press("Verify", &[("code", &code)])
        .press(
            "Set new password",
            &[("password", "correct horse"), ("again", "correct horse")],
        )
        .press("Register device", &[])
        .shows("You do not have any accounts");
    assert!(
        env.server.cloud().instances[0]
            .store
            .users
            .values()
            .all(|user| user.activated)
    );
    // A one-time password must be changed at the next sign-in.
    let user = env.server.cloud().instances[0]
        .store
        .users
        .keys()
        .next()
        .unwrap()
        .clone();
    browser
        .open(&format!("{home}/users/user-details/{user}"))
        .press("Reset password", &[("how", "one-time")]);
    let password = browser
        .page
        .split("<code>")
        .nth(1)
        .unwrap()
        .split('<')
        .next()
        .unwrap()
        .to_owned();
    Browser::new(&env.server.url())
        .open("/portal/start")
        .press("Next", &[("username", "ada")])
        .press("Sign in", &[("password", &password)])
        .press(
            "Set new password",
            &[("password", "battery staple"), ("again", "battery staple")],
        )
        .shows("You do not have any accounts");
}

#[test]
fn the_pages_show_what_is_missing_and_let_the_user_fix_it() {
    let env = env("billing-only");
    let mut browser = Browser::new(&env.server.url());
    browser
        .open("/console/organizations/v2/home/settings")
        .press("Begin process to enable all features", &[])
        .shows("All features are enabled")
        .shows(DONE);
    env.server.cloud().root_user.access_keys = true;
    browser
        .open("/console/iam/security_credentials")
        .press("Delete access key", &[])
        .shows("The root user has no access keys")
        .press("Assign MFA device", &[])
        .shows("One device is assigned")
        .shows(DONE);
    let root = env.server.cloud().root_user;
    assert!(root.mfa && !root.access_keys);
    browser.open("/").follow("The access portal").shows("not enabled");
    assert!(browser.open("/nowhere").page.contains("NotImplemented"));
}

/// Returns the tasks of the index page, in order, with their states.
fn tasks(browser: &mut Browser) -> Vec<String> {
    let page = &browser.open("/").page;
    let headings = page.split("<h2>").skip(1);
    let heading = headings.map(|rest| rest.split("</h2>").next().unwrap());
    heading
        .map(|heading| heading.replace(" <span class=\"state\">", ": ").replace("</span>", ""))
        .collect()
}

#[test]
fn the_index_lists_the_tasks_in_order_and_leads_to_the_next_one() {
    let env = env("billing-only");
    let mut browser = Browser::new(&env.server.url());
    let later = [
        "Activate your user: Later",
        "Sign in to the access portal: Later",
        "Approve the sign-in: Later",
        "Secure the root user: To do",
    ];
    let first = [
        "Enable all features of the organization: To do",
        "Enable IAM Identity Center: Later",
    ];
    assert_eq!(tasks(&mut browser), [&first[..], &later].concat());
    browser
        .follow("Open AWS Organizations")
        .press("Begin process to enable all features", &[]);
    assert_eq!(
        tasks(&mut browser),
        [&["Enable IAM Identity Center: To do"], &later[..]].concat()
    );
    browser
        .follow("Open the console")
        .press("Enable", &[("source", "external")])
        .shows("The simulation has no identity provider")
        .follow("Choose again")
        .press("Enable", &[("region", "eu-west-1")]);
    let instance = wait_for(&env, |cloud| cloud.instances.first().cloned());
    assert_eq!(instance.region, "eu-west-1");
    wait_for(&env, |cloud| {
        (cloud.instances[0].active_at <= jiff::Timestamp::now()).then_some(())
    });
    browser
        .open("/console/singlesignon/home")
        .follow("Users")
        .follow("Add user")
        .press(
            "Add user",
            &[
                ("username", "Admin"),
                ("email", "ada@example.com"),
                ("given_name", "Ada"),
                ("family_name", "Lovelace"),
                ("display_name", "Ada"),
            ],
        );
    assert_eq!(
        tasks(&mut browser)[..3],
        [
            "Enable IAM Identity Center: Done",
            "Activate the user Admin: To do",
            "Sign in to the access portal: Later"
        ]
    );
    browser
        .follow("Open the mailbox")
        .follow("Follow the link")
        .press(
            "Set new password",
            &[("password", "correct horse"), ("again", "correct horse")],
        )
        .press("Register device", &[])
        .open("/mail")
        .shows("The link in this email is no longer valid.");
    assert_eq!(
        tasks(&mut browser)[1..],
        [
            "Activate your user: Done",
            "Sign in to the access portal: Done",
            "Approve the sign-in: Later",
            "Secure the root user: To do"
        ]
    );
    browser
        .shows("Nothing to do right now, return to your terminal.")
        .follow("Open security credentials")
        .press("Assign MFA device", &[])
        .shows(DONE);
    assert_eq!(tasks(&mut browser)[4], "Secure the root user: Done");
}
