//! The console's pages that no API reaches: Enable, a user's password, sign-in settings, root's own security.

use serde_json::json;

use super::front::who_acts;
use super::html::{choice, error, escape, field, form, go_to, link, page as html_page, sentence, text, tick};
use super::request::PageRequest;
use super::sign_in::{invite, one_time_password};
use crate::protocol::wire::Wire;
use crate::services::in_console;
use crate::state::{Cloud, Instance, PersonKind};

const HOME: &str = "/console/singlesignon/home";

/// A page of the console; `None` where there is no such one.
pub fn page(cloud: &mut Cloud, request: &PageRequest, parts: &[&str]) -> Option<Wire> {
    match parts {
        ["singlesignon", "home"] => Some(home(cloud, request)),
        ["singlesignon", "enable"] if request.is_post() => Some(enable(cloud, request)),
        ["singlesignon", "home", "instances", id, rest @ ..] => {
            let arn = cloud
                .instances
                .iter()
                .find(|instance| instance.id() == format!("ssoins-{id}"))?
                .arn
                .clone();
            of_instance(cloud, request, &arn, rest)
        }
        ["organizations", "v2", "home", "settings"] => Some(organization(cloud, request)),
        ["iam", "security_credentials"] => Some(root_user(cloud, request)),
        _ => None,
    }
}

/// The Region of the console: as the link has it, or the cloud's.
fn region(cloud: &Cloud, request: &PageRequest) -> String {
    let asked = request.asked("region");
    if asked.is_empty() { cloud.region.clone() } else { asked }
}

fn home(cloud: &Cloud, request: &PageRequest) -> Wire {
    let region = region(cloud, request);
    if let Some(instance) = cloud.instances.iter().find(|instance| instance.region == region) {
        return dashboard(instance, request);
    }
    let elsewhere = cloud.instances.first().map(|instance| {
        error(&format!(
            "IAM Identity Center is enabled in {}. It has one Region.",
            instance.region
        ))
    });
    let source = [
        choice(
            "source",
            "directory",
            "Identity source: Identity Center directory",
            true,
        ),
        choice(
            "source",
            "external",
            "Identity source: external identity provider (not here)",
            false,
        ),
    ]
    .concat();
    let hidden = [("region", region.as_str())];
    let buttons = if cloud.is_management_account() {
        form("/console/singlesignon/enable", &hidden, &source, "Enable")
    } else {
        format!(
            "{}{}",
            form(
                "/console/singlesignon/enable",
                &[hidden[0], ("kind", "account")],
                &text(
                    "This account manages no organization: what can be enabled here is an account instance, without \
                       permission sets and account assignments."
                ),
                "Enable an account instance"
            ),
            text("Better: let the wizard create the organization first.")
        )
    };
    let body = format!(
        "{}{}{}{buttons}",
        elsewhere.unwrap_or_default(),
        text(&format!("Region: {region}. It cannot be changed later.")),
        who_acts(cloud)
    );
    html_page(200, "Enable IAM Identity Center", &body)
}

fn dashboard(instance: &Instance, request: &PageRequest) -> Wire {
    let at = path_of(instance);
    let state = if instance.active_at > request.now {
        "is being created"
    } else {
        "is enabled"
    };
    let body = format!(
        "{}<ul><li>{}</li><li>{}</li></ul>",
        text(&format!("IAM Identity Center {state} in {}.", instance.region)),
        link(&format!("{at}/users"), "Users"),
        link(&format!("{at}/settings"), "Settings")
    );
    html_page(200, "IAM Identity Center", &body)
}

fn path_of(instance: &Instance) -> String {
    format!("{HOME}/instances/{}", instance.id().trim_start_matches("ssoins-"))
}

fn enable(cloud: &mut Cloud, request: &PageRequest) -> Wire {
    if request.sent("source") == "external" {
        return sentence(
            400,
            "Not here",
            "The rehearsal has no identity provider. Keep the Identity Center directory.",
        );
    }
    let region = request.sent("region").to_owned();
    if cloud.instances.is_empty() && !region.is_empty() {
        cloud.person.enables = None;
        cloud.enable(&region, request.now);
    }
    go_to(&format!("{HOME}?region={region}"))
}

fn of_instance(cloud: &mut Cloud, request: &PageRequest, arn: &str, parts: &[&str]) -> Option<Wire> {
    match parts {
        ["dashboard"] => cloud.instance(arn).map(|instance| dashboard(instance, request)),
        ["users"] => cloud.instance(arn).map(users),
        ["users", "add-user"] => Some(add_user(cloud, request, arn)),
        ["users", "user-details", id] => user(cloud, request, arn, id),
        ["settings"] => settings(cloud, request, arn),
        _ => None,
    }
}

fn users(instance: &Instance) -> Wire {
    let at = path_of(instance);
    let rows = instance.store.users.iter().take(100).map(|(id, user)| {
        let state = if user.activated { "activated" } else { "not activated" };
        let details = format!("{at}/users/user-details/{id}");
        format!("<li>{} ({state})</li>", link(&details, user.name()))
    });
    let body = format!(
        "<p>{}</p><ul>{}</ul>",
        link(&format!("{at}/users/add-user"), "Add user"),
        rows.collect::<String>()
    );
    html_page(200, "Users", &body)
}

/// *Add user*: as the API's create, and an invitation if it is wanted.
fn add_user(cloud: &mut Cloud, request: &PageRequest, arn: &str) -> Wire {
    let Some(instance) = cloud.instance(arn) else {
        return sentence(404, "Users", "There is no such instance.");
    };
    let (at, store) = (path_of(instance), instance.store.id.clone());
    let mut complaint = String::new();
    if request.is_post() {
        let input = json!({
            "IdentityStoreId": store,
            "UserName": request.sent("username"),
            "Name": {"GivenName": request.sent("given_name"), "FamilyName": request.sent("family_name")},
            "DisplayName": request.sent("display_name"),
            "Emails": [{"Value": request.sent("email"), "Type": "work", "Primary": true}],
        });
        match in_console(cloud, "identitystore", "CreateUser", &input, request.now) {
            Ok(made) => {
                let id = made["UserId"].as_str().unwrap_or_default().to_owned();
                let one_time = (request.sent("how") == "one-time").then(|| one_time_password(cloud, arn, &id));
                if one_time.is_none() {
                    invite(
                        cloud,
                        arn,
                        &id,
                        "Invitation to join AWS IAM Identity Center",
                        request.now,
                    );
                }
                return html_page(200, "User added", &told_password(one_time.flatten().as_deref()));
            }
            Err(refused) => complaint = error(&format!("{}: {}", refused.code, refused.message)),
        }
    }
    let fields = [
        field("text", "username", "Username", request.sent("username")),
        choice(
            "how",
            "mail",
            "Send an email to this user with password setup instructions.",
            true,
        ),
        choice(
            "how",
            "one-time",
            "Generate a one-time password that you can share with this user.",
            false,
        ),
        field("email", "email", "Email address", request.sent("email")),
        field("text", "given_name", "First name", request.sent("given_name")),
        field("text", "family_name", "Last name", request.sent("family_name")),
        field("text", "display_name", "Display name", request.sent("display_name")),
    ];
    let add = form(&format!("{at}/users/add-user"), &[], &fields.concat(), "Add user");
    html_page(200, "Add user", &format!("{complaint}{add}"))
}

fn told_password(one_time: Option<&str>) -> String {
    match one_time {
        Some(password) => format!(
            "<p>One-time password, shown once: <code>{}</code></p>",
            escape(password)
        ),
        None => format!(
            "{}<p>{}</p>",
            text("A mail with a link is on its way. It is good for 7 days."),
            link("/mail", "The mailbox")
        ),
    }
}

/// A user, with *Reset password*.
fn user(cloud: &mut Cloud, request: &PageRequest, arn: &str, id: &str) -> Option<Wire> {
    let instance = cloud.instance(arn)?;
    let (at, user) = (path_of(instance), instance.store.users.get(id)?);
    let name = user.name().to_owned();
    let (email, activated) = (user.email().unwrap_or_default().to_owned(), user.activated);
    if request.is_post() {
        let one_time = (request.sent("how") == "one-time").then(|| one_time_password(cloud, arn, id));
        if one_time.is_none() {
            invite(cloud, arn, id, "Reset your AWS access portal password", request.now);
        }
        let title = format!("Password of {name}");
        return Some(html_page(200, &title, &told_password(one_time.flatten().as_deref())));
    }
    let ways = [
        choice(
            "how",
            "mail",
            "Send an email to the user with instructions for resetting the password.",
            true,
        ),
        choice(
            "how",
            "one-time",
            "Generate a one-time password and share the password with the user.",
            false,
        ),
    ];
    let body = format!(
        "{}<h2>Reset password</h2>{}",
        text(&format!(
            "{email}, {}.",
            if activated { "activated" } else { "not activated" }
        )),
        form(
            &format!("{at}/users/user-details/{id}"),
            &[],
            &ways.concat(),
            "Reset password"
        )
    );
    Some(html_page(200, &name, &body))
}

/// Settings → Authentication.
fn settings(cloud: &mut Cloud, request: &PageRequest, arn: &str) -> Option<Wire> {
    if request.is_post() {
        let instance = cloud.instances.iter_mut().find(|instance| instance.arn == arn)?;
        instance.email_otp = request.sent("email_otp") == "on";
    }
    let instance = cloud.instance(arn)?;
    let otp = tick(
        "email_otp",
        "Send email OTP: verify the email address of users created by API at their first sign-in",
        instance.email_otp,
    );
    let body = format!(
        "<h2>Identity source</h2>{}<h2>Standard authentication</h2>{}<h2>Multi-factor authentication</h2>{}",
        text("Identity Center directory"),
        form(&format!("{}/settings", path_of(instance)), &[], &otp, "Save"),
        text(
            "Prompt users for MFA: only when their sign-in context changes. If a user does not yet have a registered \
              MFA device: require them to register one at sign-in."
        )
    );
    Some(html_page(200, "Settings", &body))
}

fn organization(cloud: &mut Cloud, request: &PageRequest) -> Wire {
    let Some(organization) = &mut cloud.organization else {
        return sentence(200, "AWS Organizations", "This account is in no organization.");
    };
    if request.is_post() {
        "ALL".clone_into(&mut organization.feature_set);
    }
    let body = if organization.feature_set == "ALL" {
        text("All features are enabled.")
    } else {
        let begin = form(request.path, &[], "", "Begin process to enable all features");
        format!(
            "{}{begin}",
            text("This organization has consolidated billing features only.")
        )
    };
    html_page(200, "AWS Organizations · Settings", &body)
}

/// Root's keys and second factor.
fn root_user(cloud: &mut Cloud, request: &PageRequest) -> Wire {
    if request.is_post() {
        match request.sent("what") {
            "delete-keys" => cloud.root_user.access_keys = false,
            "assign-mfa" => cloud.root_user.mfa = true,
            _ => {}
        }
    }
    let part = |title: &str, holds: bool, yes: &str, no: &str, what: &str, button: &str, offered: bool| {
        let offer = if offered {
            form(request.path, &[("what", what)], "", button)
        } else {
            String::new()
        };
        format!("<h2>{title}</h2>{}{offer}", text(if holds { yes } else { no }))
    };
    let root = cloud.root_user;
    let keys = part(
        "Access keys",
        root.access_keys,
        "The root user has an access key.",
        "The root user has no access keys.",
        "delete-keys",
        "Delete access key",
        root.access_keys,
    );
    let mfa = part(
        "Multi-factor authentication (MFA)",
        root.mfa,
        "One device is assigned.",
        "No device is assigned.",
        "assign-mfa",
        "Assign MFA device",
        !root.mfa,
    );
    let who = if cloud.person.kind == PersonKind::Pages {
        String::new()
    } else {
        who_acts(cloud)
    };
    html_page(200, "My security credentials (root user)", &format!("{who}{keys}{mfa}"))
}
