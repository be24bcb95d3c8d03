//! The access portal: what a user may enter, and the page on which a device is approved.

use super::front::who_acts;
use super::html::{escape, field, form, go_to, page as html_page, sentence, text};
use super::request::PageRequest;
use super::sign_in::{self, first_sign_in, signed_in};
use crate::protocol::wire::Wire;
use crate::state::{Cloud, Decision};

/// A page of the portal; `None` where there is no such one.
pub fn page(cloud: &mut Cloud, request: &PageRequest, parts: &[&str]) -> Option<Wire> {
    match parts {
        ["start"] => Some(start(cloud, request)),
        ["device"] => Some(device(cloud, request)),
        [part] => sign_in::page(cloud, request, part),
        _ => None,
    }
}

fn start(cloud: &Cloud, request: &PageRequest) -> Wire {
    let Some(instance) = cloud
        .instances
        .iter()
        .find(|instance| instance.active_at <= request.now)
    else {
        return sentence(
            404,
            "AWS access portal",
            "IAM Identity Center is not enabled in this rehearsal.",
        );
    };
    let Some(user) = signed_in(cloud, request, &instance.arn) else {
        if sign_in::is_by_hand(cloud) {
            return first_sign_in(request, &instance.arn);
        }
        return html_page(200, "AWS access portal", &who_acts(cloud));
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
        text("You do not have any accounts assigned to you.")
    } else {
        format!("<ul>{rows}</ul>")
    };
    html_page(200, "AWS access portal", &body)
}

/// The code is compared, then allowed or refused.
fn device(cloud: &mut Cloud, request: &PageRequest) -> Wire {
    let typed = if request.is_post() {
        request.sent("user_code").to_owned()
    } else {
        request.asked("user_code")
    };
    if typed.is_empty() {
        let ask = form(request.path, &[], &field("text", "user_code", "Code", ""), "Next");
        return html_page(200, "Authorize a device", &ask);
    }
    let found = cloud
        .devices
        .iter()
        .find(|(_, device)| device.user_code.eq_ignore_ascii_case(typed.trim()) && device.expires > request.now);
    let Some((code, instance)) = found.map(|(code, device)| (code.clone(), device.instance.clone())) else {
        return sentence(400, "Authorize a device", "This code is not valid, or too old.");
    };
    if request.is_post() && request.sent("what").is_empty() {
        return go_to(&format!("/portal/device?user_code={typed}"));
    }
    let Some(user) = signed_in(cloud, request, &instance) else {
        if sign_in::is_by_hand(cloud) {
            return first_sign_in(request, &instance);
        }
        return html_page(200, "Authorize a device", &who_acts(cloud));
    };
    match request.sent("what") {
        "allow" | "deny" => {
            let allowed = request.sent("what") == "allow";
            if let Some(device) = cloud.devices.get_mut(&code) {
                device.decision = if allowed {
                    Decision::Approved(user)
                } else {
                    Decision::Refused
                };
            }
            let words = if allowed {
                "Request approved. You can close this window."
            } else {
                "Request denied."
            };
            sentence(200, "Authorize a device", words)
        }
        "confirm" => {
            let hidden = [("user_code", typed.as_str()), ("what", "allow")];
            let refuse = [("user_code", typed.as_str()), ("what", "deny")];
            let body = format!(
                "{}{}{}",
                text("Allow the program that showed you this code to access your data?"),
                form(request.path, &hidden, "", "Allow access"),
                form(request.path, &refuse, "", "Deny access")
            );
            html_page(200, "Allow access?", &body)
        }
        _ => {
            let hidden = [("user_code", typed.as_str()), ("what", "confirm")];
            let body = format!(
                "<p>Is this the code that your program shows? <code>{}</code></p>{}",
                escape(&typed),
                form(request.path, &hidden, "", "Confirm and continue")
            );
            html_page(200, "Authorization requested", &body)
        }
    }
}
