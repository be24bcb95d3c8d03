//! Whether the caller may do what the steps need, by IAM's own simulation.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::types::PolicyEvaluationDecisionType;

use super::{Row, Status};
use crate::aws::{Failure, FailureKind};
use crate::checklist::{Right, State, StepReport};
use crate::steps::{INFOS, Setting};

const CHECK: &str = "rights";

/// What is needed besides by the steps: to find out here what may be done.
pub const OWN: [Right; 3] = [
    Right::look("iam:SimulatePrincipalPolicy"),
    Right::look("iam:GetRole"),
    Right::look("identitystore:ListUsers"),
];

/// What the steps still need: all their looks, and the changes of those that are not done.
pub fn still_needed(reports: &[StepReport]) -> BTreeSet<Right> {
    let mut needed = BTreeSet::new();
    for report in reports.iter().filter(|report| report.state != State::Skipped) {
        let is_open = report.state != State::Done && !report.info.is_recommendation();
        let rights = report.info.rights.iter().copied();
        needed.extend(rights.filter(|right| is_open || !right.changes));
    }
    needed
}

/// What the steps may need at all; the recommendations only look, unless a trail is to be made.
pub fn all(is_wanted: impl Fn(&str) -> bool, with_trail: bool) -> BTreeSet<Right> {
    let wanted = INFOS.into_iter().filter(|info| is_wanted(info.slug));
    let rights = wanted.flat_map(|info| {
        let changes = with_trail || !info.is_recommendation();
        let rights = info.rights.iter().copied();
        rights.filter(move |right| changes || !right.changes)
    });
    rights.collect()
}

/// The row of the rights.
pub async fn row(setting: &Setting, needed: &BTreeSet<Right>) -> Row {
    let caller = &setting.caller;
    if caller.is_root() {
        return Row::ok(CHECK, "The root user may do everything.");
    }
    let Some(principal) = principal(setting).await else {
        return Row::note(
            CHECK,
            format!(
                "IAM simulates users and roles only, and {} is neither: idc-setup run tries, and stops where it is \
                     refused.",
                caller.arn
            ),
        );
    };
    match denied(setting, &principal, needed).await {
        Ok(denied) if denied.is_empty() => Row::ok(CHECK, "This caller may do all that is needed."),
        Ok(denied) => Row::new(
            CHECK,
            Status::Denied,
            format!("This caller may not do {}.", denied.join(", ")),
        )
        .or("give it the policy that idc-setup doctor --policy prints, or use other credentials: idc-setup run --profile NAME"),
        Err(failure) if matches!(failure.kind, FailureKind::Denied | FailureKind::Service | FailureKind::Invalid) => {
            Row::note(
                CHECK,
                format!(
                    "What this caller may do could not be found out: {}. idc-setup run tries, and stops where it is refused.",
                    failure.sentence().trim_end_matches('.')
                ),
            )
        }
        Err(failure) => Row::new(CHECK, Status::Unknown, format!("{}.", failure.sentence().trim_end_matches('.')))
            .or("idc-setup doctor"),
    }
}

/// The user or role behind the caller, as IAM names it.
async fn principal(setting: &Setting) -> Option<String> {
    let caller = &setting.caller;
    if caller.arn.contains(":user/") {
        return Some(caller.arn.clone());
    }
    let (_, rest) = caller.arn.split_once(":assumed-role/")?;
    let role = rest.split('/').next()?;
    let iam = setting.clients.iam(&setting.bootstrap_region);
    // A role's path is not in its session's name.
    let found = iam.get_role().role_name(role).send().await.ok();
    let arn = found.and_then(|answer| answer.role).map(|role| role.arn);
    Some(arn.unwrap_or_else(|| format!("arn:{}:iam::{}:role/{role}", setting.partition().id(), caller.account)))
}

/// The actions that are not allowed.
async fn denied(setting: &Setting, principal: &str, needed: &BTreeSet<Right>) -> Result<Vec<String>, Failure> {
    let mut by_resource: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for right in needed {
        by_resource.entry(right.on).or_default().push(right.action);
    }
    let iam = setting.clients.iam(&setting.bootstrap_region);
    let mut denied = Vec::new();
    for (resource, actions) in by_resource {
        let mut pages = iam
            .simulate_principal_policy()
            .policy_source_arn(principal)
            .set_action_names(Some(actions.into_iter().map(str::to_owned).collect()))
            .set_resource_arns((resource != "*").then(|| vec![example(setting, resource)]))
            .into_paginator()
            .items()
            .send();
        while let Some(result) = pages.next().await {
            let result = result.map_err(|error| Failure::of("iam:SimulatePrincipalPolicy", error))?;
            if result.eval_decision != PolicyEvaluationDecisionType::Allowed {
                denied.push(result.eval_action_name);
            }
        }
    }
    denied.sort();
    Ok(denied)
}

/// A thing of this account that a pattern covers.
fn example(setting: &Setting, pattern: &str) -> String {
    let (partition, account) = (setting.partition().id(), &setting.caller.account);
    pattern
        .replacen("arn:*:", &format!("arn:{partition}:"), 1)
        .replacen(":iam::*:", &format!(":iam::{account}:"), 1)
        .replacen(
            ":cloudtrail:*:*:",
            &format!(":cloudtrail:{}:{account}:", setting.bootstrap_region),
            1,
        )
        .replace('*', "example")
}
