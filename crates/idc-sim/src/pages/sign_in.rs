//! How a user comes by a password, and signs in with it: invitation, one-time password, code by mail, MFA.

use jiff::{Span, Timestamp};
use sha2::{Digest, Sha256};

use super::html::{choice, error, field, form, go_to, link, page as html_page, sentence, text};
use super::request::PageRequest;
use crate::protocol::pkce::base64url;
use crate::protocol::wire::Wire;
use crate::state::{BrowserSession, Cloud, Mail, PersonKind, User};

/// An invitation dies after seven days.
const INVITATION_DAYS: i64 = 7;

/// Where invitations and codes come from.
const SENDER: &str = "no-reply@login.awsapps.com";

/// Mails a link that lets the user set a password.
pub fn invite(cloud: &mut Cloud, arn: &str, id: &str, subject: &str, now: Timestamp) {
    let token = cloud.ids.letters(40);
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

/// A password for one sign-in, shown once. `None` where there is no such user.
pub fn one_time_password(cloud: &mut Cloud, arn: &str, id: &str) -> Option<String> {
    let password = cloud.ids.letters(12);
    let user = user_mut(cloud, arn, id)?;
    user.sign_in.password = Some(digest(&password));
    user.sign_in.must_change = true;
    Some(password)
}

/// The pages of signing in; `None` where there is no such one.
pub fn page(cloud: &mut Cloud, request: &PageRequest, part: &str) -> Option<Wire> {
    match (part, request.is_post()) {
        ("signin", false) => Some(ask_name("", &request.asked("next"), &request.asked("instance"))),
        ("signin", true) => Some(take_name(cloud, request)),
        ("password", true) => Some(take_password(cloud, request)),
        ("code", true) => Some(take_code(cloud, request)),
        ("activate", false) => Some(follow_invitation(cloud, request)),
        ("new-password", true) => Some(set_password(cloud, request)),
        ("mfa", true) => Some(register_device(cloud, request)),
        _ => None,
    }
}

/// Who is signed in here, in the portal of this instance.
pub fn signed_in(cloud: &Cloud, request: &PageRequest, arn: &str) -> Option<String> {
    let mut cookies = request
        .cookie
        .split(';')
        .filter_map(|cookie| cookie.trim().split_once('='));
    let (_, id) = cookies.find(|(name, _)| *name == "rehearsal")?;
    let session = cloud.browser_sessions.get(id)?;
    (session.instance == arn).then(|| session.user.clone())
}

/// Off to the sign-in, and back here.
pub fn first_sign_in(request: &PageRequest, arn: &str) -> Wire {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("next", &request.address())
        .append_pair("instance", arn);
    go_to(&format!("/portal/signin?{}", query.finish()))
}

fn user_mut<'a>(cloud: &'a mut Cloud, arn: &str, id: &str) -> Option<&'a mut User> {
    let instance = cloud.instances.iter_mut().find(|instance| instance.arn == arn)?;
    instance.store.users.get_mut(id)
}

/// The user a form speaks of, with the place to go to afterwards.
fn of_form(cloud: &Cloud, request: &PageRequest) -> Option<(String, String)> {
    let instance = cloud.instance(request.sent("instance"))?;
    let (id, _) = instance
        .store
        .users
        .iter()
        .find(|(_, user)| user.name() == request.sent("username"))?;
    Some((instance.arn.clone(), id.clone()))
}

fn along<'a>(request: &'a PageRequest) -> [(&'static str, &'a str); 3] {
    ["instance", "username", "next"].map(|name| (name, request.sent(name)))
}

fn ask_name(complaint: &str, next: &str, instance: &str) -> Wire {
    let ask = form(
        "/portal/signin",
        &[("next", next), ("instance", instance)],
        &field("text", "username", "Username", ""),
        "Next",
    );
    html_page(200, "Sign in to your AWS access portal", &format!("{complaint}{ask}"))
}

fn take_name(cloud: &mut Cloud, request: &PageRequest) -> Wire {
    let Some((arn, id)) = of_form(cloud, request) else {
        return ask_password(request, "");
    };
    let otp = cloud.instance(&arn).is_some_and(|instance| instance.email_otp);
    let code = cloud.ids.digits(6);
    let Some(user) = user_mut(cloud, &arn, &id) else {
        return ask_password(request, "");
    };
    if !otp || user.activated || user.sign_in.password.is_some() {
        return ask_password(request, "");
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
    ask_code(request, "")
}

fn ask_password(request: &PageRequest, complaint: &str) -> Wire {
    let ask = form(
        "/portal/password",
        &along(request),
        &field("password", "password", "Password", ""),
        "Sign in",
    );
    html_page(200, "Password", &format!("{complaint}{ask}"))
}

fn ask_code(request: &PageRequest, complaint: &str) -> Wire {
    let ask = form(
        "/portal/code",
        &along(request),
        &field("text", "code", "Verification code", ""),
        "Verify",
    );
    let mailbox = link("/mail", "The mailbox, in this rehearsal");
    let told = text("A code was mailed to the address of this user.");
    html_page(
        200,
        "Verify your email address",
        &format!("{complaint}{told}{ask}<p>{mailbox}</p>"),
    )
}

fn take_password(cloud: &mut Cloud, request: &PageRequest) -> Wire {
    let known = of_form(cloud, request);
    let user = known.as_ref().and_then(|(arn, id)| user_mut(cloud, arn, id).cloned());
    let (Some((arn, id)), Some(user)) = (known, user) else {
        return ask_password(request, &wrong(false));
    };
    // Users who came activated with the cloud have a password that nobody told: any will do.
    let fits = match &user.sign_in.password {
        Some(password) => *password == digest(request.sent("password")),
        None => user.activated,
    };
    if !fits {
        return ask_password(request, &wrong(!user.activated && user.sign_in.password.is_none()));
    }
    if user.sign_in.must_change {
        return ask_new_password(cloud, &arn, &id, request.sent("next"), "");
    }
    start_session(cloud, &arn, &id, request.sent("next"))
}

/// What the real page says; the hint is the rehearsal's own.
fn wrong(has_none: bool) -> String {
    let mut words = "We couldn't verify your sign-in credentials. Please try again.".to_owned();
    if has_none {
        words.push_str(
            " (This user has no password: choose Reset password in the console, or Send email OTP in Settings.)",
        );
    }
    error(&words)
}

fn take_code(cloud: &mut Cloud, request: &PageRequest) -> Wire {
    let Some((arn, id)) = of_form(cloud, request) else {
        return ask_code(request, &error("This code is not valid."));
    };
    let sent = request.sent("code").trim().to_owned();
    let fits = user_mut(cloud, &arn, &id).is_some_and(|user| user.sign_in.code.take_if(|code| *code == sent).is_some());
    if !fits {
        return ask_code(request, &error("This code is not valid."));
    }
    ask_new_password(cloud, &arn, &id, request.sent("next"), "")
}

fn follow_invitation(cloud: &mut Cloud, request: &PageRequest) -> Wire {
    let token = request.asked("token");
    match with_ticket(cloud, &token, request.now) {
        Some((arn, id)) => ask_new_password(cloud, &arn, &id, "/portal/start", ""),
        None => sentence(
            400,
            "Invitation",
            "This invitation is no longer good. Ask for another one.",
        ),
    }
}

/// The user who was given this token, while it is good.
fn with_ticket(cloud: &Cloud, token: &str, now: Timestamp) -> Option<(String, String)> {
    let users = cloud.instances.iter().flat_map(|instance| {
        instance
            .store
            .users
            .iter()
            .map(move |(id, user)| (&instance.arn, id, user))
    });
    let mut good = users.filter(|(_, _, user)| {
        user.sign_in
            .invitation
            .as_ref()
            .is_some_and(|(given, expires)| given == token && *expires > now)
    });
    good.next().map(|(arn, id, _)| (arn.clone(), id.clone()))
}

fn ask_new_password(cloud: &mut Cloud, arn: &str, id: &str, next: &str, complaint: &str) -> Wire {
    let fresh = cloud.ids.letters(40);
    let Some(user) = user_mut(cloud, arn, id) else {
        return sentence(404, "New password", "There is no such user.");
    };
    let (token, _) = user.sign_in.invitation.get_or_insert((fresh, Timestamp::MAX)).clone();
    let fields = [
        field("password", "password", "New password (at least 8 characters)", ""),
        field("password", "again", "Confirm password", ""),
    ];
    let ask = form(
        "/portal/new-password",
        &[("token", &token), ("next", next)],
        &fields.concat(),
        "Set new password",
    );
    let title = format!("New password for {}", user.name());
    html_page(200, &title, &format!("{complaint}{ask}"))
}

fn set_password(cloud: &mut Cloud, request: &PageRequest) -> Wire {
    let Some((arn, id)) = with_ticket(cloud, request.sent("token"), request.now) else {
        return sentence(
            400,
            "New password",
            "This invitation is no longer good. Ask for another one.",
        );
    };
    let (password, next) = (request.sent("password"), request.sent("next"));
    if password.chars().count() < 8 || password != request.sent("again") {
        let why = error("A password has at least 8 characters, and is typed the same twice.");
        return ask_new_password(cloud, &arn, &id, next, &why);
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
        choice("device", "app", "Authenticator app", true),
        choice("device", "key", "Security key", false),
        choice("device", "built-in", "Built-in authenticator", false),
    ];
    let hidden = [("token", request.sent("token")), ("next", next)];
    let ask = form("/portal/mfa", &hidden, &devices.concat(), "Register device");
    html_page(200, "Register an MFA device", &ask)
}

fn register_device(cloud: &mut Cloud, request: &PageRequest) -> Wire {
    let ticket = with_ticket(cloud, request.sent("token"), request.now);
    let with_password =
        ticket.filter(|(arn, id)| user_mut(cloud, arn, id).is_some_and(|user| user.sign_in.password.is_some()));
    let Some((arn, id)) = with_password else {
        return sentence(400, "MFA", "Set a password first.");
    };
    if let Some(user) = user_mut(cloud, &arn, &id) {
        user.activated = true;
        user.sign_in.invitation = None;
    }
    start_session(cloud, &arn, &id, request.sent("next"))
}

fn start_session(cloud: &mut Cloud, arn: &str, user: &str, next: &str) -> Wire {
    let id = cloud.ids.letters(40);
    let session = BrowserSession {
        instance: arn.to_owned(),
        user: user.to_owned(),
    };
    cloud.browser_sessions.insert(id.clone(), session);
    // Back to a page of ours and nowhere else.
    let next = if next.starts_with('/') && !next[1..].starts_with(['/', '\\']) {
        next
    } else {
        "/portal/start"
    };
    let mut wire = go_to(next);
    wire.headers
        .push(("set-cookie", format!("rehearsal={id}; Path=/; HttpOnly; SameSite=Lax")));
    wire
}

fn digest(password: &str) -> String {
    base64url(&Sha256::digest(password.as_bytes()))
}

/// Whether somebody sits before the pages.
pub fn is_by_hand(cloud: &Cloud) -> bool {
    cloud.person.kind == PersonKind::Pages
}
