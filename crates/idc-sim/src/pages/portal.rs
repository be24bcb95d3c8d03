//! The access portal: the accounts and roles of a user, and the approval of device authorizations.

use super::common::person_note;
use super::html::{Field, Form, Look, Page, Place, escape, message_page, redirect};
use super::request::PageRequest;
use super::sign_in::{self, device_path, redirect_to_sign_in, signed_in_user, user_name};
use crate::protocol::wire::WireResponse;
use crate::state::{Cloud, Decision};

/// Returns a page of the access portal, or `None` if there is no such page.
pub fn page(cloud: &mut Cloud, request: &PageRequest, parts: &[&str]) -> Option<WireResponse> {
    match parts {
        ["start"] => Some(start_page(cloud, request)),
        ["device"] => Some(device_page(cloud, request)),
        [part] => sign_in::page(cloud, request, part),
        _ => None,
    }
}

fn start_page(cloud: &Cloud, request: &PageRequest) -> WireResponse {
    let Some(instance) = cloud
        .instances
        .iter()
        .find(|instance| instance.active_at <= request.now)
    else {
        return Page::new(Place::Portal, "There is no access portal yet")
            .status(404)
            .text("IAM Identity Center is not enabled in this simulation.")
            .action(Look::Primary, "/", "See what there is to do")
            .response();
    };
    let Some(user) = signed_in_user(cloud, request, &instance.arn) else {
        if sign_in::person_uses_pages(cloud) {
            return redirect_to_sign_in(request, &instance.arn);
        }
        return message_page(
            200,
            Place::Portal,
            "Your AWS accounts",
            person_note(cloud).unwrap_or_default(),
        );
    };
    let page = Page::new(Place::Portal, "Your AWS accounts").done().text(&format!(
        "You are signed in as {}.",
        user_name(cloud, &instance.arn, &user)
    ));
    let access = cloud.access_of(&instance.arn, &user);
    if access.is_empty() {
        return page.text("You do not have any accounts assigned to you.").response();
    }
    let rows = access.into_iter().map(|(account, set, _)| {
        format!(
            "<li>{} ({}): {}</li>",
            escape(&account.name),
            account.id,
            escape(&set.name)
        )
    });
    page.html(&format!("<ul class=\"rows\">{}</ul>", rows.collect::<String>()))
        .response()
}

/// Asks for the code that a program shows.
fn code_page(request: &PageRequest, error: &str) -> WireResponse {
    let status = if error.is_empty() { 200 } else { 400 };
    let code = Field::text("text", "user_code", "Code", "").autocomplete("one-time-code");
    Page::new(Place::Portal, "Authorize a device")
        .status(status)
        .error(error)
        .text("Type the code that your terminal shows.")
        .forms(&[Form::primary(request.path, "Next").field(code)])
        .response()
}

/// The person confirms the code, and then allows or denies access.
fn device_page(cloud: &mut Cloud, request: &PageRequest) -> WireResponse {
    let user_code = if request.is_post() {
        request.form_value("user_code").to_owned()
    } else {
        request.query_value("user_code")
    };
    if user_code.is_empty() {
        return code_page(request, "");
    }
    let found = cloud
        .devices
        .iter()
        .find(|(_, device)| device.user_code.eq_ignore_ascii_case(user_code.trim()) && device.expires > request.now);
    let Some((device_code, device)) = found else {
        return code_page(request, "This code is not valid, or has expired.");
    };
    let (device_code, user_code, instance) = (device_code.clone(), device.user_code.clone(), device.instance.clone());
    if request.is_post() && request.form_value("what").is_empty() {
        return redirect(&device_path(&user_code));
    }
    let Some(user) = signed_in_user(cloud, request, &instance) else {
        if sign_in::person_uses_pages(cloud) {
            return redirect_to_sign_in(request, &instance);
        }
        let note = person_note(cloud).unwrap_or_default();
        return message_page(200, Place::Portal, "Authorize a device", note);
    };
    match request.form_value("what") {
        "allow" | "deny" => {
            let is_allowed = request.form_value("what") == "allow";
            if let Some(device) = cloud.devices.get_mut(&device_code) {
                device.decision = if is_allowed {
                    Decision::Approved(user)
                } else {
                    Decision::Refused
                };
            }
            let title = if is_allowed {
                "Request approved"
            } else {
                "Request denied"
            };
            Page::new(Place::Portal, title)
                .done()
                .text("You can close this window.")
                .response()
        }
        "confirm" => {
            let allow = Form::primary(request.path, "Allow access").hidden("what", "allow");
            let deny = Form::quiet(request.path, "Deny access").hidden("what", "deny");
            Page::new(Place::Portal, "Allow access?")
                .text("Allow the program that showed you this code to access your data?")
                .forms(&[allow, deny].map(|form| form.hidden("user_code", &user_code)))
                .response()
        }
        _ => Page::new(Place::Portal, "Authorization requested")
            .text("Does your program show this code?")
            .html(&format!("<p><code>{}</code></p>", escape(&user_code)))
            .text("Continue only if you requested it yourself.")
            .forms(&[Form::primary(request.path, "Confirm and continue")
                .hidden("user_code", &user_code)
                .hidden("what", "confirm")])
            .response(),
    }
}
