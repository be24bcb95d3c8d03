//! Signing in to the access portal, and the ways to get a password: an invitation, a one-time password, and a code by
//! email.

use jiff::{Span, Timestamp};
use sha2::{Digest, Sha256};

use super::html::{error_message, field, form, html_page, link, message_page, paragraph, radio, redirect};
use super::request::PageRequest;
use crate::protocol::pkce::base64url;
use crate::protocol::wire::WireResponse;
use crate::state::{BrowserSession, Cloud, Mail, PersonKind, User};

/// Lifetime of an invitation, in days.
const INVITATION_DAYS: i64 = 7;

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
    let user_name_form = form(
        "/portal/signin",
        &[("next", next), ("instance", instance)],
        &field("text", "username", "Username", ""),
        "Next",
    );
    html_page(200, "Sign in to your AWS access portal", &user_name_form)
}

/// Continues with the password. A user without a password gets a verification code by email instead, if the instance
/// has *Send email OTP* enabled. An unknown user name is not revealed.
fn submit_user_name(cloud: &mut Cloud, request: &PageRequest) -> WireResponse {
    let Some((arn, id)) = user_of_form(cloud, request) else {
        return password_page(request, "");
    };
    let email_otp = cloud.instance(&arn).is_some_and(|instance| instance.email_otp);
    let code = cloud.ids.digits(6);
    let Some(user) = user_mut(cloud, &arn, &id) else {
        return password_page(request, "");
    };
    if !email_otp || user.activated || user.sign_in.password.is_some() {
        return password_page(request, "");
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

fn password_page(request: &PageRequest, error: &str) -> WireResponse {
    let password_form = form(
        "/portal/password",
        &hidden_fields(request),
        &field("password", "password", "Password", ""),
        "Sign in",
    );
    html_page(200, "Password", &format!("{error}{password_form}"))
}

fn code_page(request: &PageRequest, error: &str) -> WireResponse {
    let code_form = form(
        "/portal/code",
        &hidden_fields(request),
        &field("text", "code", "Verification code", ""),
        "Verify",
    );
    let mailbox = link("/mail", "The mailbox, in this rehearsal");
    let note = paragraph("A code was mailed to the email address of this user.");
    html_page(
        200,
        "Verify your email address",
        &format!("{error}{note}{code_form}<p>{mailbox}</p>"),
    )
}

fn submit_password(cloud: &mut Cloud, request: &PageRequest) -> WireResponse {
    let found = user_of_form(cloud, request);
    let user = found.as_ref().and_then(|(arn, id)| user_mut(cloud, arn, id).cloned());
    let (Some((arn, id)), Some(user)) = (found, user) else {
        return password_page(request, &sign_in_error(false));
    };
    // The password of a user who is activated in the scenario is unknown: accept any.
    let is_correct = match &user.sign_in.password {
        Some(password) => *password == digest(request.form_value("password")),
        None => user.activated,
    };
    if !is_correct {
        let has_no_password = !user.activated && user.sign_in.password.is_none();
        return password_page(request, &sign_in_error(has_no_password));
    }
    if user.sign_in.must_change {
        return new_password_page(cloud, &arn, &id, request.form_value("next"), "");
    }
    start_session(cloud, &arn, &id, request.form_value("next"))
}

/// Returns the error message of the real page. For a user without a password, the simulation adds a hint.
fn sign_in_error(has_no_password: bool) -> String {
    let mut message = "We couldn't verify your sign-in credentials. Please try again.".to_owned();
    if has_no_password {
        message.push_str(
            " (This user has no password. Choose Reset password in the console, or turn on Send email OTP in Settings.)",
        );
    }
    error_message(&message)
}

fn submit_code(cloud: &mut Cloud, request: &PageRequest) -> WireResponse {
    let Some((arn, id)) = user_of_form(cloud, request) else {
        return code_page(request, &error_message("This code is not valid."));
    };
    let code = request.form_value("code").trim().to_owned();
    let is_correct = user_mut(cloud, &arn, &id)
        .is_some_and(|user| user.sign_in.code.take_if(|expected| *expected == code).is_some());
    if !is_correct {
        return code_page(request, &error_message("This code is not valid."));
    }
    new_password_page(cloud, &arn, &id, request.form_value("next"), "")
}

fn open_invitation(cloud: &mut Cloud, request: &PageRequest) -> WireResponse {
    let token = request.query_value("token");
    match invited_user(cloud, &token, request.now) {
        Some((arn, id)) => new_password_page(cloud, &arn, &id, "/portal/start", ""),
        None => message_page(
            400,
            "Invitation",
            "This invitation is no longer valid. Request a new one.",
        ),
    }
}

/// Returns the instance ARN and the user ID for the token of an invitation that has not expired.
fn invited_user(cloud: &Cloud, token: &str, now: Timestamp) -> Option<(String, String)> {
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
        return message_page(404, "New password", "There is no such user.");
    };
    let (token, _) = user
        .sign_in
        .invitation
        .get_or_insert((new_token, Timestamp::MAX))
        .clone();
    let fields = [
        field("password", "password", "New password (at least 8 characters)", ""),
        field("password", "again", "Confirm password", ""),
    ];
    let password_form = form(
        "/portal/new-password",
        &[("token", &token), ("next", next)],
        &fields.concat(),
        "Set new password",
    );
    let title = format!("New password for {}", user.name());
    html_page(200, &title, &format!("{error}{password_form}"))
}

/// Sets the password. A user who is not activated then has to register an MFA device.
fn submit_new_password(cloud: &mut Cloud, request: &PageRequest) -> WireResponse {
    let Some((arn, id)) = invited_user(cloud, request.form_value("token"), request.now) else {
        return message_page(
            400,
            "New password",
            "This invitation is no longer valid. Request a new one.",
        );
    };
    let (password, next) = (request.form_value("password"), request.form_value("next"));
    if password.chars().count() < 8 || password != request.form_value("again") {
        let error = error_message("The password must have at least 8 characters, and both fields must match.");
        return new_password_page(cloud, &arn, &id, next, &error);
    }
    if let Some(user) = user_mut(cloud, &arn, &id) {
        user.sign_in.password = Some(digest(password));
        user.sign_in.must_change = false;
        if user.activated {
            user.sign_in.invitation = None;
            return start_session(cloud, &arn, &id, next);
        }
    }
    let devices = [
        radio("device", "app", "Authenticator app", true),
        radio("device", "key", "Security key", false),
        radio("device", "built-in", "Built-in authenticator", false),
    ];
    let hidden = [("token", request.form_value("token")), ("next", next)];
    let device_form = form("/portal/mfa", &hidden, &devices.concat(), "Register device");
    html_page(200, "Register an MFA device", &device_form)
}

/// Activates a user who has set a password.
fn register_mfa_device(cloud: &mut Cloud, request: &PageRequest) -> WireResponse {
    let invited = invited_user(cloud, request.form_value("token"), request.now);
    let with_password =
        invited.filter(|(arn, id)| user_mut(cloud, arn, id).is_some_and(|user| user.sign_in.password.is_some()));
    let Some((arn, id)) = with_password else {
        return message_page(400, "MFA", "Set a password first.");
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
