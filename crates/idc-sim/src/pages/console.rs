//! Pages of the console for tasks that have no API: enabling Identity Center, passwords of users, authentication
//! settings, organization features, and the root user's security credentials.

use serde_json::json;

use super::front::person_note;
use super::html::{
    checkbox, error_message, escape, field, form, html_page, link, message_page, paragraph, radio, redirect,
};
use super::request::PageRequest;
use super::sign_in::{send_invitation, set_one_time_password};
use crate::protocol::wire::WireResponse;
use crate::services::handle_in_console;
use crate::state::{Cloud, Instance, PersonKind};

const HOME: &str = "/console/singlesignon/home";

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
    if let Some(instance) = cloud.instances.iter().find(|instance| instance.region == region) {
        return dashboard(instance, request);
    }
    let elsewhere = cloud.instances.first().map(|instance| {
        error_message(&format!(
            "IAM Identity Center is already enabled in {}. It can be enabled in one Region only.",
            instance.region
        ))
    });
    let source = [
        radio(
            "source",
            "directory",
            "Identity source: Identity Center directory",
            true,
        ),
        radio(
            "source",
            "external",
            "Identity source: external identity provider (not simulated)",
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
                &paragraph(
                    "This account is not the management account of an organization. You can enable only an account instance \
                     here, which has no permission sets and no account assignments."
                ),
                "Enable an account instance"
            ),
            paragraph("To enable an organization instance, create the organization first.")
        )
    };
    let body = format!(
        "{}{}{}{buttons}",
        elsewhere.unwrap_or_default(),
        paragraph(&format!("Region: {region}. It cannot be changed later.")),
        person_note(cloud)
    );
    html_page(200, "Enable IAM Identity Center", &body)
}

fn dashboard(instance: &Instance, request: &PageRequest) -> WireResponse {
    let path = instance_path(instance);
    let state = if instance.active_at > request.now {
        "is being created"
    } else {
        "is enabled"
    };
    let body = format!(
        "{}<ul><li>{}</li><li>{}</li></ul>",
        paragraph(&format!("IAM Identity Center {state} in {}.", instance.region)),
        link(&format!("{path}/users"), "Users"),
        link(&format!("{path}/settings"), "Settings")
    );
    html_page(200, "IAM Identity Center", &body)
}

fn instance_path(instance: &Instance) -> String {
    format!("{HOME}/instances/{}", instance.id().trim_start_matches("ssoins-"))
}

fn enable(cloud: &mut Cloud, request: &PageRequest) -> WireResponse {
    if request.form_value("source") == "external" {
        return message_page(
            400,
            "Not here",
            "The simulation has no identity provider. Keep the Identity Center directory.",
        );
    }
    let region = request.form_value("region").to_owned();
    if cloud.instances.is_empty() && !region.is_empty() {
        cloud.person.enables = None;
        cloud.enable(&region, request.now);
    }
    redirect(&format!("{HOME}?region={region}"))
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
        format!("<li>{} ({state})</li>", link(&details, user.name()))
    });
    let body = format!(
        "<p>{}</p><ul>{}</ul>",
        link(&format!("{path}/users/add-user"), "Add user"),
        rows.collect::<String>()
    );
    html_page(200, "Users", &body)
}

/// *Add user*: creates the user as the API does, and sends an invitation or sets a one-time password.
fn add_user(cloud: &mut Cloud, request: &PageRequest, arn: &str) -> WireResponse {
    let Some(instance) = cloud.instance(arn) else {
        return message_page(404, "Users", "There is no such instance.");
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
                let one_time =
                    (request.form_value("how") == "one-time").then(|| set_one_time_password(cloud, arn, &id));
                if one_time.is_none() {
                    send_invitation(
                        cloud,
                        arn,
                        &id,
                        "Invitation to join AWS IAM Identity Center",
                        request.now,
                    );
                }
                return html_page(200, "User added", &password_note(one_time.flatten().as_deref()));
            }
            Err(refusal) => error = error_message(&format!("{}: {}", refusal.code, refusal.message)),
        }
    }
    let fields = [
        field("text", "username", "Username", request.form_value("username")),
        radio(
            "how",
            "mail",
            "Send an email to this user with password setup instructions.",
            true,
        ),
        radio(
            "how",
            "one-time",
            "Generate a one-time password that you can share with this user.",
            false,
        ),
        field("email", "email", "Email address", request.form_value("email")),
        field("text", "given_name", "First name", request.form_value("given_name")),
        field("text", "family_name", "Last name", request.form_value("family_name")),
        field(
            "text",
            "display_name",
            "Display name",
            request.form_value("display_name"),
        ),
    ];
    let user_form = form(&format!("{path}/users/add-user"), &[], &fields.concat(), "Add user");
    html_page(200, "Add user", &format!("{error}{user_form}"))
}

/// Shows a one-time password, or a note that an invitation was sent.
fn password_note(one_time: Option<&str>) -> String {
    match one_time {
        Some(password) => format!(
            "<p>One-time password, shown once: <code>{}</code></p>",
            escape(password)
        ),
        None => format!(
            "{}<p>{}</p>",
            paragraph("A mail with a link has been sent. The link is valid for 7 days."),
            link("/mail", "The mailbox")
        ),
    }
}

/// The details of a user, with *Reset password*.
fn user(cloud: &mut Cloud, request: &PageRequest, arn: &str, id: &str) -> Option<WireResponse> {
    let instance = cloud.instance(arn)?;
    let (path, user) = (instance_path(instance), instance.store.users.get(id)?);
    let name = user.name().to_owned();
    let (email, activated) = (user.email().unwrap_or_default().to_owned(), user.activated);
    if request.is_post() {
        let one_time = (request.form_value("how") == "one-time").then(|| set_one_time_password(cloud, arn, id));
        if one_time.is_none() {
            send_invitation(cloud, arn, id, "Reset your AWS access portal password", request.now);
        }
        let title = format!("Password of {name}");
        return Some(html_page(200, &title, &password_note(one_time.flatten().as_deref())));
    }
    let methods = [
        radio(
            "how",
            "mail",
            "Send an email to the user with instructions for resetting the password.",
            true,
        ),
        radio(
            "how",
            "one-time",
            "Generate a one-time password and share the password with the user.",
            false,
        ),
    ];
    let body = format!(
        "{}<h2>Reset password</h2>{}",
        paragraph(&format!(
            "{email}, {}.",
            if activated { "activated" } else { "not activated" }
        )),
        form(
            &format!("{path}/users/user-details/{id}"),
            &[],
            &methods.concat(),
            "Reset password"
        )
    );
    Some(html_page(200, &name, &body))
}

/// Settings → Authentication.
fn settings(cloud: &mut Cloud, request: &PageRequest, arn: &str) -> Option<WireResponse> {
    if request.is_post() {
        let instance = cloud.instances.iter_mut().find(|instance| instance.arn == arn)?;
        instance.email_otp = request.form_value("email_otp") == "on";
    }
    let instance = cloud.instance(arn)?;
    let email_otp = checkbox(
        "email_otp",
        "Send email OTP: verify the email address of users created by API at their first sign-in",
        instance.email_otp,
    );
    let body = format!(
        "<h2>Identity source</h2>{}<h2>Standard authentication</h2>{}<h2>Multi-factor authentication</h2>{}",
        paragraph("Identity Center directory"),
        form(
            &format!("{}/settings", instance_path(instance)),
            &[],
            &email_otp,
            "Save"
        ),
        paragraph(
            "Prompt users for MFA: only when their sign-in context changes. If a user does not yet have a registered \
              MFA device: require them to register one at sign-in."
        )
    );
    Some(html_page(200, "Settings", &body))
}

/// The settings of the organization, with the button that enables all features.
fn organization(cloud: &mut Cloud, request: &PageRequest) -> WireResponse {
    let Some(organization) = &mut cloud.organization else {
        return message_page(
            200,
            "AWS Organizations",
            "This account does not belong to an organization.",
        );
    };
    if request.is_post() {
        "ALL".clone_into(&mut organization.feature_set);
    }
    let body = if organization.feature_set == "ALL" {
        paragraph("All features are enabled.")
    } else {
        let enable_form = form(request.path, &[], "", "Begin process to enable all features");
        format!(
            "{}{enable_form}",
            paragraph("This organization has only consolidated billing features.")
        )
    };
    html_page(200, "AWS Organizations · Settings", &body)
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
    let section = |title: &str, status: &str, action: Option<(&str, &str)>| {
        let button = action.map(|(what, label)| form(request.path, &[("what", what)], "", label));
        format!("<h2>{title}</h2>{}{}", paragraph(status), button.unwrap_or_default())
    };
    let root = cloud.root_user;
    let keys = if root.access_keys {
        let action = ("delete-keys", "Delete access key");
        section("Access keys", "The root user has an access key.", Some(action))
    } else {
        section("Access keys", "The root user has no access keys.", None)
    };
    let mfa = if root.mfa {
        section("Multi-factor authentication (MFA)", "One device is assigned.", None)
    } else {
        let action = ("assign-mfa", "Assign MFA device");
        section(
            "Multi-factor authentication (MFA)",
            "No device is assigned.",
            Some(action),
        )
    };
    let note = if cloud.person.kind == PersonKind::Pages {
        String::new()
    } else {
        person_note(cloud)
    };
    html_page(
        200,
        "My security credentials (root user)",
        &format!("{note}{keys}{mfa}"),
    )
}
