//! How a user comes by a password, and signs in with it: invitation, one-time password, code by mail, MFA.

use jiff::{Span, Timestamp};
use sha2::{Digest, Sha256};

use super::super::proof::base64url;
use super::super::protocol::Wire;
use super::super::world::{BrowserSession, Mail, PersonKind, User, World};
use super::Visit;
use super::html::{choice, error, field, form, go_to, link, page as html_page, sentence, text};

/// An invitation dies after seven days.
const INVITATION_DAYS: i64 = 7;

/// Where invitations and codes come from.
const SENDER: &str = "no-reply@login.awsapps.com";

/// Mails a link that lets the user set a password.
pub fn invite(world: &mut World, arn: &str, id: &str, subject: &str, now: Timestamp) {
    let token = world.ids.letters(40);
    let expires = now
        .saturating_add(Span::new().hours(24 * INVITATION_DAYS))
        .unwrap_or(Timestamp::MAX);
    let link = format!("{}/portal/activate?token={token}", world.base_url);
    let Some(user) = user_mut(world, arn, id) else {
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
    world.mails.push(mail);
}

/// A password for one sign-in, shown once. `None` where there is no such user.
pub fn one_time_password(world: &mut World, arn: &str, id: &str) -> Option<String> {
    let password = world.ids.letters(12);
    let user = user_mut(world, arn, id)?;
    user.sign_in.password = Some(digest(&password));
    user.sign_in.must_change = true;
    Some(password)
}

/// The pages of signing in; `None` where there is no such one.
pub fn page(world: &mut World, visit: &Visit, part: &str) -> Option<Wire> {
    match (part, visit.is_post()) {
        ("signin", false) => Some(ask_name("", &visit.asked("next"), &visit.asked("instance"))),
        ("signin", true) => Some(take_name(world, visit)),
        ("password", true) => Some(take_password(world, visit)),
        ("code", true) => Some(take_code(world, visit)),
        ("activate", false) => Some(follow_invitation(world, visit)),
        ("new-password", true) => Some(set_password(world, visit)),
        ("mfa", true) => Some(register_device(world, visit)),
        _ => None,
    }
}

/// Who is signed in here, in the portal of this instance.
pub fn signed_in(world: &World, visit: &Visit, arn: &str) -> Option<String> {
    let mut cookies = visit
        .cookie
        .split(';')
        .filter_map(|cookie| cookie.trim().split_once('='));
    let (_, id) = cookies.find(|(name, _)| *name == "rehearsal")?;
    let session = world.browser_sessions.get(id)?;
    (session.instance == arn).then(|| session.user.clone())
}

/// Off to the sign-in, and back here.
pub fn first_sign_in(visit: &Visit, arn: &str) -> Wire {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("next", &visit.address()).append_pair("instance", arn);
    go_to(&format!("/portal/signin?{}", query.finish()))
}

fn user_mut<'a>(world: &'a mut World, arn: &str, id: &str) -> Option<&'a mut User> {
    let instance = world.instances.iter_mut().find(|instance| instance.arn == arn)?;
    instance.store.users.get_mut(id)
}

/// The user a form speaks of, with the place to go to afterwards.
fn of_form(world: &World, visit: &Visit) -> Option<(String, String)> {
    let instance = world.instance(visit.sent("instance"))?;
    let (id, _) = instance
        .store
        .users
        .iter()
        .find(|(_, user)| user.name() == visit.sent("username"))?;
    Some((instance.arn.clone(), id.clone()))
}

fn along<'a>(visit: &'a Visit) -> [(&'static str, &'a str); 3] {
    ["instance", "username", "next"].map(|name| (name, visit.sent(name)))
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

fn take_name(world: &mut World, visit: &Visit) -> Wire {
    let Some((arn, id)) = of_form(world, visit) else {
        return ask_password(visit, "");
    };
    let otp = world.instance(&arn).is_some_and(|instance| instance.email_otp);
    let code = world.ids.digits(6);
    let Some(user) = user_mut(world, &arn, &id) else {
        return ask_password(visit, "");
    };
    if !otp || user.activated || user.sign_in.password.is_some() {
        return ask_password(visit, "");
    }
    user.sign_in.code = Some(code.clone());
    let mail = Mail {
        to: user.email().unwrap_or_default().to_owned(),
        from: SENDER.to_owned(),
        subject: "Verify your email address".to_owned(),
        text: format!("Your verification code: {code}"),
        link: None,
    };
    world.mails.push(mail);
    ask_code(visit, "")
}

fn ask_password(visit: &Visit, complaint: &str) -> Wire {
    let ask = form(
        "/portal/password",
        &along(visit),
        &field("password", "password", "Password", ""),
        "Sign in",
    );
    html_page(200, "Password", &format!("{complaint}{ask}"))
}

fn ask_code(visit: &Visit, complaint: &str) -> Wire {
    let ask = form(
        "/portal/code",
        &along(visit),
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

fn take_password(world: &mut World, visit: &Visit) -> Wire {
    let known = of_form(world, visit);
    let user = known.as_ref().and_then(|(arn, id)| user_mut(world, arn, id).cloned());
    let (Some((arn, id)), Some(user)) = (known, user) else {
        return ask_password(visit, &wrong(false));
    };
    // Users who came activated with the world have a password that nobody told: any will do.
    let fits = match &user.sign_in.password {
        Some(password) => *password == digest(visit.sent("password")),
        None => user.activated,
    };
    if !fits {
        return ask_password(visit, &wrong(!user.activated && user.sign_in.password.is_none()));
    }
    if user.sign_in.must_change {
        return ask_new_password(world, &arn, &id, visit.sent("next"), "");
    }
    start_session(world, &arn, &id, visit.sent("next"))
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

fn take_code(world: &mut World, visit: &Visit) -> Wire {
    let Some((arn, id)) = of_form(world, visit) else {
        return ask_code(visit, &error("This code is not valid."));
    };
    let sent = visit.sent("code").trim().to_owned();
    let fits = user_mut(world, &arn, &id).is_some_and(|user| user.sign_in.code.take_if(|code| *code == sent).is_some());
    if !fits {
        return ask_code(visit, &error("This code is not valid."));
    }
    ask_new_password(world, &arn, &id, visit.sent("next"), "")
}

fn follow_invitation(world: &mut World, visit: &Visit) -> Wire {
    let token = visit.asked("token");
    match with_ticket(world, &token, visit.now) {
        Some((arn, id)) => ask_new_password(world, &arn, &id, "/portal/start", ""),
        None => sentence(
            400,
            "Invitation",
            "This invitation is no longer good. Ask for another one.",
        ),
    }
}

/// The user who was given this token, while it is good.
fn with_ticket(world: &World, token: &str, now: Timestamp) -> Option<(String, String)> {
    let users = world.instances.iter().flat_map(|instance| {
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

fn ask_new_password(world: &mut World, arn: &str, id: &str, next: &str, complaint: &str) -> Wire {
    let fresh = world.ids.letters(40);
    let Some(user) = user_mut(world, arn, id) else {
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

fn set_password(world: &mut World, visit: &Visit) -> Wire {
    let Some((arn, id)) = with_ticket(world, visit.sent("token"), visit.now) else {
        return sentence(
            400,
            "New password",
            "This invitation is no longer good. Ask for another one.",
        );
    };
    let (password, next) = (visit.sent("password"), visit.sent("next"));
    if password.chars().count() < 8 || password != visit.sent("again") {
        let why = error("A password has at least 8 characters, and is typed the same twice.");
        return ask_new_password(world, &arn, &id, next, &why);
    }
    if let Some(user) = user_mut(world, &arn, &id) {
        user.sign_in.password = Some(digest(password));
        user.sign_in.must_change = false;
        if user.activated {
            user.sign_in.invitation = None;
            return start_session(world, &arn, &id, next);
        }
    }
    let devices = [
        choice("device", "app", "Authenticator app", true),
        choice("device", "key", "Security key", false),
        choice("device", "built-in", "Built-in authenticator", false),
    ];
    let hidden = [("token", visit.sent("token")), ("next", next)];
    let ask = form("/portal/mfa", &hidden, &devices.concat(), "Register device");
    html_page(200, "Register an MFA device", &ask)
}

fn register_device(world: &mut World, visit: &Visit) -> Wire {
    let ticket = with_ticket(world, visit.sent("token"), visit.now);
    let with_password =
        ticket.filter(|(arn, id)| user_mut(world, arn, id).is_some_and(|user| user.sign_in.password.is_some()));
    let Some((arn, id)) = with_password else {
        return sentence(400, "MFA", "Set a password first.");
    };
    if let Some(user) = user_mut(world, &arn, &id) {
        user.activated = true;
        user.sign_in.invitation = None;
    }
    start_session(world, &arn, &id, visit.sent("next"))
}

fn start_session(world: &mut World, arn: &str, user: &str, next: &str) -> Wire {
    let id = world.ids.letters(40);
    let session = BrowserSession {
        instance: arn.to_owned(),
        user: user.to_owned(),
    };
    world.browser_sessions.insert(id.clone(), session);
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
pub fn is_by_hand(world: &World) -> bool {
    world.person.kind == PersonKind::Pages
}
