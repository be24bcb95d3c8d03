//! The access portal: what a user may enter, and the page on which a device is approved.

use super::super::protocol::Wire;
use super::super::world::{Decision, World};
use super::html::{escape, field, form, go_to, page as html_page, sentence, text};
use super::sign_in::{self, first_sign_in, signed_in};
use super::{Visit, who_acts};

/// A page of the portal; `None` where there is no such one.
pub fn page(world: &mut World, visit: &Visit, parts: &[&str]) -> Option<Wire> {
    match parts {
        ["start"] => Some(start(world, visit)),
        ["device"] => Some(device(world, visit)),
        [part] => sign_in::page(world, visit, part),
        _ => None,
    }
}

fn start(world: &World, visit: &Visit) -> Wire {
    let Some(instance) = world.instances.iter().find(|instance| instance.active_at <= visit.now) else {
        return sentence(
            404,
            "AWS access portal",
            "IAM Identity Center is not enabled in this rehearsal.",
        );
    };
    let Some(user) = signed_in(world, visit, &instance.arn) else {
        if sign_in::is_by_hand(world) {
            return first_sign_in(visit, &instance.arn);
        }
        return html_page(200, "AWS access portal", &who_acts(world));
    };
    let rows = world
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
fn device(world: &mut World, visit: &Visit) -> Wire {
    let typed = if visit.is_post() {
        visit.sent("user_code").to_owned()
    } else {
        visit.asked("user_code")
    };
    if typed.is_empty() {
        let ask = form(visit.path, &[], &field("text", "user_code", "Code", ""), "Next");
        return html_page(200, "Authorize a device", &ask);
    }
    let found = world
        .devices
        .iter()
        .find(|(_, device)| device.user_code.eq_ignore_ascii_case(typed.trim()) && device.expires > visit.now);
    let Some((code, instance)) = found.map(|(code, device)| (code.clone(), device.instance.clone())) else {
        return sentence(400, "Authorize a device", "This code is not valid, or too old.");
    };
    if visit.is_post() && visit.sent("what").is_empty() {
        return go_to(&format!("/portal/device?user_code={typed}"));
    }
    let Some(user) = signed_in(world, visit, &instance) else {
        if sign_in::is_by_hand(world) {
            return first_sign_in(visit, &instance);
        }
        return html_page(200, "Authorize a device", &who_acts(world));
    };
    match visit.sent("what") {
        "allow" | "deny" => {
            let allowed = visit.sent("what") == "allow";
            if let Some(device) = world.devices.get_mut(&code) {
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
                form(visit.path, &hidden, "", "Allow access"),
                form(visit.path, &refuse, "", "Deny access")
            );
            html_page(200, "Allow access?", &body)
        }
        _ => {
            let hidden = [("user_code", typed.as_str()), ("what", "confirm")];
            let body = format!(
                "<p>Is this the code that your program shows? <code>{}</code></p>{}",
                escape(&typed),
                form(visit.path, &hidden, "", "Confirm and continue")
            );
            html_page(200, "Authorization requested", &body)
        }
    }
}
