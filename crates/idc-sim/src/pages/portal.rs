//! The access portal: the accounts and roles of a user, and the approval of device authorizations.

use super::front::person_note;
use super::html::{escape, field, form, html_page, message_page, paragraph, redirect};
use super::request::PageRequest;
use super::sign_in::{self, redirect_to_sign_in, signed_in_user};
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
        return message_page(
            404,
            "AWS access portal",
            "IAM Identity Center is not enabled in this simulation.",
        );
    };
    let Some(user) = signed_in_user(cloud, request, &instance.arn) else {
        if sign_in::person_uses_pages(cloud) {
            return redirect_to_sign_in(request, &instance.arn);
        }
        return html_page(200, "AWS access portal", &person_note(cloud));
    };
    let rows = cloud
        .access_of(&instance.arn, &user)
        .into_iter()
        .map(|(account, set, _)| {
            format!(
                "<li>{} ({}): {}</li>",
                escape(&account.name),
                account.id,
                escape(&set.name)
            )
        });
    let rows: String = rows.collect();
    let body = if rows.is_empty() {
        paragraph("You do not have any accounts assigned to you.")
    } else {
        format!("<ul>{rows}</ul>")
    };
    html_page(200, "AWS access portal", &body)
}

/// The person confirms the code, and then allows or denies access.
fn device_page(cloud: &mut Cloud, request: &PageRequest) -> WireResponse {
    let user_code = if request.is_post() {
        request.form_value("user_code").to_owned()
    } else {
        request.query_value("user_code")
    };
    if user_code.is_empty() {
        let code_form = form(request.path, &[], &field("text", "user_code", "Code", ""), "Next");
        return html_page(200, "Authorize a device", &code_form);
    }
    let found = cloud
        .devices
        .iter()
        .find(|(_, device)| device.user_code.eq_ignore_ascii_case(user_code.trim()) && device.expires > request.now);
    let Some((code, instance)) = found.map(|(code, device)| (code.clone(), device.instance.clone())) else {
        return message_page(400, "Authorize a device", "This code is not valid, or has expired.");
    };
    if request.is_post() && request.form_value("what").is_empty() {
        return redirect(&format!("/portal/device?user_code={user_code}"));
    }
    let Some(user) = signed_in_user(cloud, request, &instance) else {
        if sign_in::person_uses_pages(cloud) {
            return redirect_to_sign_in(request, &instance);
        }
        return html_page(200, "Authorize a device", &person_note(cloud));
    };
    match request.form_value("what") {
        "allow" | "deny" => {
            let is_allowed = request.form_value("what") == "allow";
            if let Some(device) = cloud.devices.get_mut(&code) {
                device.decision = if is_allowed {
                    Decision::Approved(user)
                } else {
                    Decision::Refused
                };
            }
            let message = if is_allowed {
                "Request approved. You can close this window."
            } else {
                "Request denied."
            };
            message_page(200, "Authorize a device", message)
        }
        "confirm" => {
            let allow = [("user_code", user_code.as_str()), ("what", "allow")];
            let deny = [("user_code", user_code.as_str()), ("what", "deny")];
            let body = format!(
                "{}{}{}",
                paragraph("Allow the program that showed you this code to access your data?"),
                form(request.path, &allow, "", "Allow access"),
                form(request.path, &deny, "", "Deny access")
            );
            html_page(200, "Allow access?", &body)
        }
        _ => {
            let hidden = [("user_code", user_code.as_str()), ("what", "confirm")];
            let body = format!(
                "<p>Does your program show this code? <code>{}</code></p>{}",
                escape(&user_code),
                form(request.path, &hidden, "", "Confirm and continue")
            );
            html_page(200, "Authorization requested", &body)
        }
    }
}
