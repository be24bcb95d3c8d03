//! Pages of the console for tasks that have no API: enabling Identity Center, passwords of users, authentication
//! settings, organization features, and the root user's security credentials.

use serde_json::json;

use super::common::{HOME, instance_path, person_note};
use super::html::{Field, Form, Look, Page, Place, escape, link, message_page, redirect};
use super::request::PageRequest;
use super::sign_in::{send_invitation, set_one_time_password};
use crate::protocol::wire::WireResponse;
use crate::services::handle_in_console;
use crate::state::{Cloud, Instance};

/// Where the users get their identities from.
const SOURCES: [(&str, &str); 2] = [
    ("directory", "Identity Center directory"),
    ("external", "External identity provider (not simulated)"),
];

/// How *Add user* gives the user a password.
const FIRST_PASSWORD: [(&str, &str); 2] = [
    ("mail", "Send an email to this user with password setup instructions."),
    (
        "one-time",
        "Generate a one-time password that you can share with this user.",
    ),
];

/// How *Reset password* gives the user a password.
const NEXT_PASSWORD: [(&str, &str); 2] = [
    (
        "mail",
        "Send an email to the user with instructions for resetting the password.",
    ),
    (
        "one-time",
        "Generate a one-time password and share the password with the user.",
    ),
];

/// Returns a page of the console, or `None` if there is no such page.
pub fn page(cloud: &mut Cloud, request: &PageRequest, parts: &[&str]) -> Option<WireResponse> {
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
            instance_page(cloud, request, &arn, rest)
        }
        ["organizations", "v2", "home", "settings"] => Some(organization(cloud, request)),
        ["iam", "security_credentials"] => Some(root_user(cloud, request)),
        _ => None,
    }
}

/// Returns the console's Region: from the query string, or the default Region.
fn region(cloud: &Cloud, request: &PageRequest) -> String {
    let region = request.query_value("region");
    if region.is_empty() {
        cloud.region.clone()
    } else {
        region
    }
}

/// The start page of Identity Center: the **Enable** button, or the dashboard of the instance in this Region.
fn home(cloud: &Cloud, request: &PageRequest) -> WireResponse {
    let region = region(cloud, request);
    let is_chosen = !request.query_value("region").is_empty();
    let mut instances = cloud.instances.iter();
    if let Some(instance) = instances.find(|instance| instance.region == region || !is_chosen) {
        return dashboard(instance, request);
    }
    let elsewhere = cloud.instances.first().map(|instance| {
        format!(
            "IAM Identity Center is already enabled in {}. It can be enabled in one Region only.",
            instance.region
        )
    });
    let is_management_account = cloud.is_management_account();
    let button = if is_management_account {
        "Enable"
    } else {
        "Enable an account instance"
    };
    let mut enable = Form::primary("/console/singlesignon/enable", button);
    let mut page = Page::new(Place::Console, "Enable IAM Identity Center")
        .error(elsewhere.as_deref().unwrap_or_default())
        .text(person_note(cloud).unwrap_or_default());
    if is_chosen {
        page = page.text(&format!("Region: {region}. It cannot be changed later."));
        enable = enable.hidden("region", &region);
    } else {
        page = page.text("Use the Region that your terminal shows. It cannot be changed later.");
        enable = enable.field(Field::text("text", "region", "Region", &region));
    }
    if is_management_account {
        enable = enable.field(Field::choice("source", "Identity source", &SOURCES));
    } else {
        enable = enable.hidden("kind", "account");
        page = page
            .text(
                "This account is not the management account of an organization. You can enable only an account instance \
                 here, which has no permission sets and no account assignments.",
            )
            .text("To enable an organization instance, create the organization first.");
    }
    page.forms(&[enable]).response()
}

/// The start page of Identity Center after **Enable**.
fn dashboard(instance: &Instance, request: &PageRequest) -> WireResponse {
    let state = if instance.active_at > request.now {
        "is being created"
    } else {
        "is enabled"
    };
    let page = Page::new(Place::Console, &format!("IAM Identity Center {state}"));
    let page = if request.query_value("enabled").is_empty() {
        page
    } else {
        page.done()
    };
    let path = instance_path(instance);
    page.text(&format!("Region: {}.", instance.region))
        .html(&format!(
            "<ul><li>{}</li><li>{}</li></ul>",
            link(&format!("{path}/users"), "Users"),
            link(&format!("{path}/settings"), "Settings")
        ))
        .response()
}

fn enable(cloud: &mut Cloud, request: &PageRequest) -> WireResponse {
    if request.form_value("source") == "external" {
        return Page::new(Place::Console, "Not simulated")
            .status(400)
            .text("The simulation has no identity provider. Keep the Identity Center directory.")
            .action(Look::Primary, HOME, "Choose again")
            .response();
    }
    let region = request.form_value("region").trim().to_owned();
    if cloud.instances.is_empty() && !region.is_empty() {
        cloud.person.enables = None;
        cloud.enable(&region, request.now);
    }
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("region", &region).append_pair("enabled", "yes");
    redirect(&format!("{HOME}?{}", query.finish()))
}

/// Returns a page of an instance.
fn instance_page(cloud: &mut Cloud, request: &PageRequest, arn: &str, parts: &[&str]) -> Option<WireResponse> {
    match parts {
        ["dashboard"] => cloud.instance(arn).map(|instance| dashboard(instance, request)),
        ["users"] => cloud.instance(arn).map(users),
        ["users", "add-user"] => Some(add_user(cloud, request, arn)),
        ["users", "user-details", id] => user(cloud, request, arn, id),
        ["settings"] => settings(cloud, request, arn),
        _ => None,
    }
}

/// The list of users: the first 100.
fn users(instance: &Instance) -> WireResponse {
    let path = instance_path(instance);
    let rows = instance.store.users.iter().take(100).map(|(id, user)| {
        let state = if user.activated { "activated" } else { "not activated" };
        let details = format!("{path}/users/user-details/{id}");
        format!("<li>{} <span>{state}</span></li>", link(&details, user.name()))
    });
    let page = Page::new(Place::Console, "Users");
    let page = if instance.store.users.is_empty() {
        page.text("There are no users.")
    } else {
        page.html(&format!("<ul class=\"rows\">{}</ul>", rows.collect::<String>()))
    };
    page.action(Look::Primary, &format!("{path}/users/add-user"), "Add user")
        .response()
}

/// *Add user*: creates the user as the API does, and sends an invitation or sets a one-time password.
fn add_user(cloud: &mut Cloud, request: &PageRequest, arn: &str) -> WireResponse {
    let Some(instance) = cloud.instance(arn) else {
        return message_page(404, Place::Console, "Users", "There is no such instance.");
    };
    let (path, store) = (instance_path(instance), instance.store.id.clone());
    let mut error = String::new();
    if request.is_post() {
        let input = json!({
            "IdentityStoreId": store,
            "UserName": request.form_value("username"),
            "Name": {"GivenName": request.form_value("given_name"), "FamilyName": request.form_value("family_name")},
            "DisplayName": request.form_value("display_name"),
            "Emails": [{"Value": request.form_value("email"), "Type": "work", "Primary": true}],
        });
        match handle_in_console(cloud, "identitystore", "CreateUser", &input, request.now) {
            Ok(user) => {
                let id = user["UserId"].as_str().unwrap_or_default().to_owned();
                let subject = "Invitation to join AWS IAM Identity Center";
                let title = format!("User {} added", request.form_value("username"));
                return give_password(cloud, request, arn, &id, subject, &title);
            }
            Err(refusal) => error = format!("{}: {}", refusal.code, refusal.message),
        }
    }
    let text = |kind, name, label| Field::text(kind, name, label, request.form_value(name));
    let user_form = Form::primary(&format!("{path}/users/add-user"), "Add user")
        .field(text("text", "username", "Username"))
        .field(Field::choice("how", "Password", &FIRST_PASSWORD))
        .field(text("email", "email", "Email address"))
        .field(text("text", "given_name", "First name"))
        .field(text("text", "family_name", "Last name"))
        .field(text("text", "display_name", "Display name"));
    Page::new(Place::Console, "Add user")
        .error(&error)
        .forms(&[user_form])
        .response()
}

/// Sends an email with a link to set a password, or shows a one-time password, as the form requests.
fn give_password(
    cloud: &mut Cloud,
    request: &PageRequest,
    arn: &str,
    id: &str,
    subject: &str,
    title: &str,
) -> WireResponse {
    let page = Page::new(Place::Console, title);
    if request.form_value("how") != "one-time" {
        send_invitation(cloud, arn, id, subject, request.now);
        return page
            .text("An email with a link was sent. The link is valid for 7 days.")
            .text("Open it to set the password.")
            .action(Look::Primary, "/mail", "Open the mailbox")
            .response();
    }
    match set_one_time_password(cloud, arn, id) {
        Some(password) => page
            .text("One-time password, shown once:")
            .html(&format!("<p><code>{}</code></p>", escape(&password)))
            .text("Copy it. The user has to change it at the next sign-in.")
            .action(Look::Primary, "/portal/start", "Sign in with it")
            .response(),
        None => message_page(404, Place::Console, title, "There is no such user."),
    }
}

/// The details of a user, with *Reset password*.
fn user(cloud: &mut Cloud, request: &PageRequest, arn: &str, id: &str) -> Option<WireResponse> {
    let instance = cloud.instance(arn)?;
    let (path, user) = (instance_path(instance), instance.store.users.get(id)?);
    let name = user.name().to_owned();
    if request.is_post() {
        let (subject, title) = ("Reset your AWS access portal password", format!("Password of {name}"));
        return Some(give_password(cloud, request, arn, id, subject, &title));
    }
    let state = if user.activated { "activated" } else { "not activated" };
    let reset = Form::primary(&format!("{path}/users/user-details/{id}"), "Reset password").field(Field::choice(
        "how",
        "How the user gets a new password",
        &NEXT_PASSWORD,
    ));
    Some(
        Page::new(Place::Console, &name)
            .text(&format!("{}, {state}.", user.email().unwrap_or_default()))
            .forms(&[reset])
            .response(),
    )
}

/// Settings → Authentication.
fn settings(cloud: &mut Cloud, request: &PageRequest, arn: &str) -> Option<WireResponse> {
    if request.is_post() {
        let instance = cloud.instances.iter_mut().find(|instance| instance.arn == arn)?;
        instance.email_otp = request.form_value("email_otp") == "on";
    }
    let instance = cloud.instance(arn)?;
    let email_otp = Field::checkbox(
        "email_otp",
        "Send email OTP: verify the email address of users created by API at their first sign-in",
        instance.email_otp,
    );
    let page = Page::new(Place::Console, "Settings");
    let (page, save): (_, fn(&str, &str) -> Form) = if request.is_post() {
        (page.done().text("The settings are saved."), Form::quiet)
    } else {
        (page, Form::primary)
    };
    let page = page
        .section("Identity source")
        .text("Identity Center directory")
        .section("Multi-factor authentication")
        .html(
            "<dl><dt>Prompt users for MFA</dt><dd>Only when their sign-in context changes</dd>\
             <dt>If a user does not yet have a registered MFA device</dt><dd>Require them to register one at sign-in</dd>\
             </dl>",
        )
        .section("Standard authentication")
        .forms(&[save(&format!("{}/settings", instance_path(instance)), "Save").field(email_otp)]);
    Some(page.response())
}

/// The settings of the organization, with the button that enables all features.
fn organization(cloud: &mut Cloud, request: &PageRequest) -> WireResponse {
    let page = Page::new(Place::Console, "AWS Organizations · Settings");
    let Some(organization) = &mut cloud.organization else {
        return page.text("This account does not belong to an organization.").response();
    };
    if request.is_post() {
        "ALL".clone_into(&mut organization.feature_set);
    }
    let page = match (organization.feature_set.as_str(), request.is_post()) {
        ("ALL", true) => page.done().text("All features are enabled."),
        ("ALL", false) => page.text("All features are enabled."),
        _ => page
            .text("This organization has only consolidated billing features.")
            .forms(&[Form::primary(request.path, "Begin process to enable all features")]),
    };
    page.response()
}

/// The root user's access keys and MFA device.
fn root_user(cloud: &mut Cloud, request: &PageRequest) -> WireResponse {
    if request.is_post() {
        match request.form_value("what") {
            "delete-keys" => cloud.root_user.access_keys = false,
            "assign-mfa" => cloud.root_user.mfa = true,
            _ => {}
        }
    }
    let root = cloud.root_user;
    let mut page = Page::new(Place::Console, "Security credentials of the root user");
    if request.is_post() && !root.access_keys && root.mfa {
        page = page.done();
    }
    page = page.text(person_note(cloud).unwrap_or_default()).section("Access keys");
    page = if root.access_keys {
        page.text("The root user has an access key.")
            .forms(&[Form::primary(request.path, "Delete access key").hidden("what", "delete-keys")])
    } else {
        page.text("The root user has no access keys.")
    };
    page = page.section("Multi-factor authentication (MFA)");
    page = if root.mfa {
        page.text("One device is assigned.")
    } else {
        let assign: fn(&str, &str) -> Form = if root.access_keys { Form::quiet } else { Form::primary };
        page.text("No device is assigned.")
            .forms(&[assign(request.path, "Assign MFA device").hidden("what", "assign-mfa")])
    };
    page.response()
}
