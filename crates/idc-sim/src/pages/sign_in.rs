//! Signing in to the access portal, and the ways to get a password: an invitation, a one-time password, and a code by
//! email.

use jiff::{Span, Timestamp};
use sha2::{Digest, Sha256};

use super::common::instance_path;
use super::html::{Field, Form, Look, Page, Place, link, mailbox_in_new_tab, message_page, redirect};
use super::request::PageRequest;
use crate::protocol::pkce::base64url;
use crate::protocol::wire::WireResponse;
use crate::state::{BrowserSession, Cloud, Mail, PersonKind, User};

/// Lifetime of an invitation, in days.
const INVITATION_DAYS: i64 = 7;

/// What a user without a registered MFA device can register.
const DEVICES: [(&str, &str); 3] = [
    ("app", "Authenticator app"),
    ("key", "Security key"),
    ("built-in", "Built-in authenticator"),
];

/// The error message of the real page.
const WRONG_PASSWORD: &str = "We couldn't verify your sign-in credentials. Please try again.";

/// Sender of invitations and verification codes.
const SENDER: &str = "no-reply@login.awsapps.com";

/// Sends an email with a link that lets the user set a password.
pub fn send_invitation(cloud: &mut Cloud, arn: &str, id: &str, subject: &str, now: Timestamp) {
    let token = cloud.ids.alphanumeric(40);
    let expires = now
        .saturating_add(Span::new().hours(24 * INVITATION_DAYS))
        .unwrap_or(Timestamp::MAX);
    let link = format!("{}/portal/activate?token={token}", cloud.base_url);
    let Some(user) = user_mut(cloud, arn, id) else {
        return;
    };
    user.sign_in.invitation = Some((token, expires));
    let mail = Mail {
        to: user.email().unwrap_or_default().to_owned(),
        from: SENDER.to_owned(),
        subject: subject.to_owned(),
        text: "Set your password within 7 days.".to_owned(),
        link: Some(link),
    };
    cloud.mails.push(mail);
}

/// Sets a one-time password, and returns it. Returns `None` if there is no such user.
pub fn set_one_time_password(cloud: &mut Cloud, arn: &str, id: &str) -> Option<String> {
    let password = cloud.ids.alphanumeric(12);
    let user = user_mut(cloud, arn, id)?;
    user.sign_in.password = Some(digest(&password));
    user.sign_in.must_change = true;
    Some(password)
}

/// Returns a page of the sign-in, or `None` if there is no such page.
pub fn page(cloud: &mut Cloud, request: &PageRequest, part: &str) -> Option<WireResponse> {
    match (part, request.is_post()) {
        ("signin", false) => Some(user_name_page(
            &request.query_value("next"),
            &request.query_value("instance"),
        )),
        ("signin", true) => Some(submit_user_name(cloud, request)),
        ("password", true) => Some(submit_password(cloud, request)),
        ("code", true) => Some(submit_code(cloud, request)),
        ("activate", false) => Some(open_invitation(cloud, request)),
        ("new-password", true) => Some(submit_new_password(cloud, request)),
        ("mfa", true) => Some(register_mfa_device(cloud, request)),
        _ => None,
    }
}

/// Returns the ID of the user whom this browser is signed in as, in the access portal of this instance.
pub fn signed_in_user(cloud: &Cloud, request: &PageRequest, arn: &str) -> Option<String> {
    let mut cookies = request
        .cookie
        .split(';')
        .filter_map(|cookie| cookie.trim().split_once('='));
    let (_, id) = cookies.find(|(name, _)| *name == "rehearsal")?;
    let session = cloud.browser_sessions.get(id)?;
    (session.instance == arn).then(|| session.user.clone())
}

/// Returns the user name of a user, or an empty string if there is no such user.
pub fn user_name(cloud: &Cloud, arn: &str, id: &str) -> String {
    let user = cloud.instance(arn).and_then(|instance| instance.store.users.get(id));
    user.map(|user| user.name().to_owned()).unwrap_or_default()
}

/// Returns the path of the page that approves a device authorization.
pub fn device_path(user_code: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("user_code", user_code);
    format!("/portal/device?{}", query.finish())
}

/// Redirects the browser to the sign-in, which redirects it back to this request afterwards.
pub fn redirect_to_sign_in(request: &PageRequest, arn: &str) -> WireResponse {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("next", &request.path_and_query())
        .append_pair("instance", arn);
    redirect(&format!("/portal/signin?{}", query.finish()))
}

fn user_mut<'a>(cloud: &'a mut Cloud, arn: &str, id: &str) -> Option<&'a mut User> {
    let instance = cloud.instances.iter_mut().find(|instance| instance.arn == arn)?;
    instance.store.users.get_mut(id)
}

/// Returns the instance ARN and the user ID for the user name in a form.
fn user_of_form(cloud: &Cloud, request: &PageRequest) -> Option<(String, String)> {
    let instance = cloud.instance(request.form_value("instance"))?;
    let (id, _) = instance
        .store
        .users
        .iter()
        .find(|(_, user)| user.name() == request.form_value("username"))?;
    Some((instance.arn.clone(), id.clone()))
}

/// Returns the hidden fields that the forms of the sign-in pass on.
fn hidden_fields<'a>(request: &'a PageRequest) -> [(&'static str, &'a str); 3] {
    ["instance", "username", "next"].map(|name| (name, request.form_value(name)))
}

fn user_name_page(next: &str, instance: &str) -> WireResponse {
    let user_name_form = Form::primary("/portal/signin", "Next")
        .hidden("next", next)
        .hidden("instance", instance)
        .field(Field::text("text", "username", "Username", "").autocomplete("username"));
    Page::new(Place::Portal, "Sign in").forms(&[user_name_form]).response()
}

/// Continues with the password. A user without a password gets a verification code by email instead, if the instance
/// has *Send email OTP* enabled. An unknown user name is not revealed.
fn submit_user_name(cloud: &mut Cloud, request: &PageRequest) -> WireResponse {
    let Some((arn, id)) = user_of_form(cloud, request) else {
        return password_page(cloud, request, None);
    };
    let email_otp = cloud.instance(&arn).is_some_and(|instance| instance.email_otp);
    let code = cloud.ids.digits(6);
    let Some(user) = user_mut(cloud, &arn, &id) else {
        return password_page(cloud, request, None);
    };
    if !email_otp || user.activated || user.sign_in.password.is_some() {
        return password_page(cloud, request, None);
    }
    user.sign_in.code = Some(code.clone());
    let mail = Mail {
        to: user.email().unwrap_or_default().to_owned(),
        from: SENDER.to_owned(),
        subject: "Verify your email address".to_owned(),
        text: format!("Your verification code: {code}"),
        link: None,
    };
    cloud.mails.push(mail);
    code_page(request, "")
}

/// Asks for the password. `failure` says why the last one was not accepted.
fn password_page(cloud: &Cloud, request: &PageRequest, failure: Option<&str>) -> WireResponse {
    let password = Field::text("password", "password", "Password", "").autocomplete("current-password");
    let mut password_form = Form::primary("/portal/password", "Sign in");
    for (name, value) in hidden_fields(request) {
        password_form = password_form.hidden(name, value);
    }
    let mut page = Page::new(Place::Portal, "Password")
        .error(failure.unwrap_or_default())
        .text(&format!("Username: {}", request.form_value("username")))
        .forms(&[password_form.field(password)]);
    let found = user_of_form(cloud, request);
    let user = found.and_then(|(arn, id)| cloud.instance(&arn)?.store.users.get_key_value(&id));
    if let Some((id, user)) = user.filter(|(_, user)| user.sign_in.password.is_none()) {
        if user.activated {
            page = page.hint("type any password. This user is active, but the simulation knows no password.");
        } else if let Some(instance) = cloud.instance(request.form_value("instance"))
            && failure.is_some()
        {
            let path = instance_path(instance);
            page = page.hint(&format!(
                "this user has no password. Choose {} in the console, or turn on Send email OTP in {}.",
                link(&format!("{path}/users/user-details/{id}"), "Reset password"),
                link(&format!("{path}/settings"), "Settings")
            ));
        }
    }
    page.response()
}

fn code_page(request: &PageRequest, error: &str) -> WireResponse {
    let mut code_form = Form::primary("/portal/code", "Verify");
    for (name, value) in hidden_fields(request) {
        code_form = code_form.hidden(name, value);
    }
    let code = Field::text("text", "code", "Verification code", "").autocomplete("one-time-code");
    Page::new(Place::Portal, "Verify your email address")
        .error(error)
        .text("A code was mailed to the email address of this user.")
        .forms(&[code_form.field(code)])
        .hint(&mailbox_in_new_tab())
        .response()
}

fn submit_password(cloud: &mut Cloud, request: &PageRequest) -> WireResponse {
    let found = user_of_form(cloud, request);
    let user = found.as_ref().and_then(|(arn, id)| user_mut(cloud, arn, id).cloned());
    let (Some((arn, id)), Some(user)) = (found, user) else {
        return password_page(cloud, request, Some(WRONG_PASSWORD));
    };
    // The password of a user who is activated in the scenario is unknown: accept any.
    let is_correct = match &user.sign_in.password {
        Some(password) => *password == digest(request.form_value("password")),
        None => user.activated,
    };
    if !is_correct {
        return password_page(cloud, request, Some(WRONG_PASSWORD));
    }
    if user.sign_in.must_change {
        return new_password_page(cloud, &arn, &id, request.form_value("next"), "");
    }
    start_session(cloud, &arn, &id, request.form_value("next"))
}

fn submit_code(cloud: &mut Cloud, request: &PageRequest) -> WireResponse {
    let Some((arn, id)) = user_of_form(cloud, request) else {
        return code_page(request, "This code is not valid.");
    };
    let code = request.form_value("code").trim().to_owned();
    let is_correct = user_mut(cloud, &arn, &id)
        .is_some_and(|user| user.sign_in.code.take_if(|expected| *expected == code).is_some());
    if !is_correct {
        return code_page(request, "This code is not valid.");
    }
    new_password_page(cloud, &arn, &id, request.form_value("next"), "")
}

fn open_invitation(cloud: &mut Cloud, request: &PageRequest) -> WireResponse {
    let token = request.query_value("token");
    match invited_user(cloud, &token, request.now) {
        Some((arn, id)) => new_password_page(cloud, &arn, &id, "/portal/start", ""),
        None => invalid_invitation(),
    }
}

fn invalid_invitation() -> WireResponse {
    Page::new(Place::Portal, "Invitation")
        .status(400)
        .text("This invitation is no longer valid. Request a new one.")
        .action(Look::Primary, "/", "See what there is to do")
        .response()
}

/// Returns the instance ARN and the user ID for the token of an invitation that has not expired.
pub fn invited_user(cloud: &Cloud, token: &str, now: Timestamp) -> Option<(String, String)> {
    let users = cloud.instances.iter().flat_map(|instance| {
        instance
            .store
            .users
            .iter()
            .map(move |(id, user)| (&instance.arn, id, user))
    });
    let mut invited = users.filter(|(_, _, user)| {
        user.sign_in
            .invitation
            .as_ref()
            .is_some_and(|(expected, expires)| expected == token && *expires > now)
    });
    invited.next().map(|(arn, id, _)| (arn.clone(), id.clone()))
}

/// Returns the page to set a new password. Its form contains the user's invitation token, or a new token that does not
/// expire.
fn new_password_page(cloud: &mut Cloud, arn: &str, id: &str, next: &str, error: &str) -> WireResponse {
    let new_token = cloud.ids.alphanumeric(40);
    let Some(user) = user_mut(cloud, arn, id) else {
        return message_page(404, Place::Portal, "New password", "There is no such user.");
    };
    let (token, _) = user
        .sign_in
        .invitation
        .get_or_insert((new_token, Timestamp::MAX))
        .clone();
    let new = |name, label| Field::text("password", name, label, "").autocomplete("new-password");
    let password_form = Form::primary("/portal/new-password", "Set new password")
        .hidden("token", &token)
        .hidden("next", next)
        .field(new("password", "New password (at least 8 characters)"))
        .field(new("again", "Confirm password"));
    Page::new(Place::Portal, &format!("New password for {}", user.name()))
        .error(error)
        .forms(&[password_form])
        .hint("do not use a password of yours.")
        .response()
}

/// Sets the password. A user who is not activated then has to register an MFA device.
fn submit_new_password(cloud: &mut Cloud, request: &PageRequest) -> WireResponse {
    let Some((arn, id)) = invited_user(cloud, request.form_value("token"), request.now) else {
        return invalid_invitation();
    };
    let (password, next) = (request.form_value("password"), request.form_value("next"));
    if password.chars().count() < 8 || password != request.form_value("again") {
        let error = "The password must have at least 8 characters, and both fields must match.";
        return new_password_page(cloud, &arn, &id, next, error);
    }
    if let Some(user) = user_mut(cloud, &arn, &id) {
        user.sign_in.password = Some(digest(password));
        user.sign_in.must_change = false;
        if user.activated {
            user.sign_in.invitation = None;
            return start_session(cloud, &arn, &id, next);
        }
    }
    let device_form = Form::primary("/portal/mfa", "Register device")
        .hidden("token", request.form_value("token"))
        .hidden("next", next)
        .field(Field::choice("device", "MFA device", &DEVICES));
    Page::new(Place::Portal, "Register an MFA device")
        .text("From now on, you sign in with your password and this device.")
        .forms(&[device_form])
        .hint("no device is needed. Choose any.")
        .response()
}

/// Activates a user who has set a password.
fn register_mfa_device(cloud: &mut Cloud, request: &PageRequest) -> WireResponse {
    let invited = invited_user(cloud, request.form_value("token"), request.now);
    let with_password =
        invited.filter(|(arn, id)| user_mut(cloud, arn, id).is_some_and(|user| user.sign_in.password.is_some()));
    let Some((arn, id)) = with_password else {
        return message_page(400, Place::Portal, "Register an MFA device", "Set a password first.");
    };
    if let Some(user) = user_mut(cloud, &arn, &id) {
        user.activated = true;
        user.sign_in.invitation = None;
    }
    start_session(cloud, &arn, &id, request.form_value("next"))
}

/// Starts a browser session, and redirects the browser to `next`.
fn start_session(cloud: &mut Cloud, arn: &str, user: &str, next: &str) -> WireResponse {
    let id = cloud.ids.alphanumeric(40);
    let session = BrowserSession {
        instance: arn.to_owned(),
        user: user.to_owned(),
    };
    cloud.browser_sessions.insert(id.clone(), session);
    // Redirect only to a path of this server, never to another host.
    let next = if next.starts_with('/') && !next[1..].starts_with(['/', '\\']) {
        next
    } else {
        "/portal/start"
    };
    let mut response = redirect(next);
    response
        .headers
        .push(("set-cookie", format!("rehearsal={id}; Path=/; HttpOnly; SameSite=Lax")));
    response
}

fn digest(password: &str) -> String {
    base64url(&Sha256::digest(password.as_bytes()))
}

/// Returns whether a real person uses the pages.
pub fn person_uses_pages(cloud: &Cloud) -> bool {
    cloud.person.kind == PersonKind::Pages
}
