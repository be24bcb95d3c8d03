//! Whether the caller may do what the steps need, by IAM's own simulation.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::types::PolicyEvaluationDecisionType;

use super::{CheckStatus, Row};
use crate::aws::{AwsError, AwsErrorKind};
use crate::checklist::{Permission, State, StepReport};
use crate::steps::{Context, INFOS};

const CHECK: &str = "rights";

/// What is needed besides by the steps: to find out here what may be done.
pub const OWN: [Permission; 3] = [
    Permission::look("iam:SimulatePrincipalPolicy"),
    Permission::look("iam:GetRole"),
    Permission::look("identitystore:ListUsers"),
];

/// What the steps still need: all their looks, and the changes of those that are not done.
pub fn still_needed(reports: &[StepReport]) -> BTreeSet<Permission> {
    let mut needed = BTreeSet::new();
    for report in reports.iter().filter(|report| report.state != State::Skipped) {
        let is_open = report.state != State::Done && !report.info.is_recommendation();
        let permissions = report.info.permissions.iter().copied();
        needed.extend(permissions.filter(|right| is_open || !right.changes));
    }
    needed
}

/// What the steps may need at all; the recommendations only look, unless a trail is to be made.
pub fn all(is_wanted: impl Fn(&str) -> bool, with_trail: bool) -> BTreeSet<Permission> {
    let wanted = INFOS.into_iter().filter(|info| is_wanted(info.slug));
    let permissions = wanted.flat_map(|info| {
        let changes = with_trail || !info.is_recommendation();
        let permissions = info.permissions.iter().copied();
        permissions.filter(move |right| changes || !right.changes)
    });
    permissions.collect()
}

/// The row of the rights.
pub async fn row(context: &Context, needed: &BTreeSet<Permission>) -> Row {
    let caller = &context.caller;
    if caller.is_root() {
        return Row::ok(CHECK, "The root user may do everything.");
    }
    let Some(principal) = principal(context).await else {
        return Row::note(
            CHECK,
            format!(
                "IAM simulates users and roles only, and {} is neither: idc-setup run tries, and stops where it is \
                     refused.",
                caller.arn
            ),
        );
    };
    match denied(context, &principal, needed).await {
        Ok(denied) if denied.is_empty() => Row::ok(CHECK, "This caller may do all that is needed."),
        Ok(denied) => Row::new(
            CHECK,
            CheckStatus::Denied,
            format!("This caller may not do {}.", denied.join(", ")),
        )
        .or("give it the policy that idc-setup doctor --policy prints, or use other credentials: idc-setup run --profile NAME"),
        Err(aws_error) if matches!(aws_error.kind, AwsErrorKind::Denied | AwsErrorKind::Service | AwsErrorKind::Invalid) => {
            Row::note(
                CHECK,
                format!(
                    "What this caller may do could not be found out: {}. idc-setup run tries, and stops where it is refused.",
                    aws_error.sentence().trim_end_matches('.')
                ),
            )
        }
        Err(aws_error) => Row::new(CHECK, CheckStatus::Unknown, format!("{}.", aws_error.sentence().trim_end_matches('.')))
            .or("idc-setup doctor"),
    }
}

/// The user or role behind the caller, as IAM names it.
async fn principal(context: &Context) -> Option<String> {
    let caller = &context.caller;
    if caller.arn.contains(":user/") {
        return Some(caller.arn.clone());
    }
    let (_, rest) = caller.arn.split_once(":assumed-role/")?;
    let role = rest.split('/').next()?;
    let iam = context.clients.iam(&context.bootstrap_region);
    // A role's path is not in its session's name.
    let found = iam.get_role().role_name(role).send().await.ok();
    let arn = found.and_then(|answer| answer.role).map(|role| role.arn);
    Some(arn.unwrap_or_else(|| format!("arn:{}:iam::{}:role/{role}", context.partition().id(), caller.account)))
}

/// The actions that are not allowed.
async fn denied(context: &Context, principal: &str, needed: &BTreeSet<Permission>) -> Result<Vec<String>, AwsError> {
    let mut by_resource: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for right in needed {
        by_resource.entry(right.on).or_default().push(right.action);
    }
    let iam = context.clients.iam(&context.bootstrap_region);
    let mut denied = Vec::new();
    for (resource, actions) in by_resource {
        let mut pages = iam
            .simulate_principal_policy()
            .policy_source_arn(principal)
            .set_action_names(Some(actions.into_iter().map(str::to_owned).collect()))
            .set_resource_arns((resource != "*").then(|| vec![example(context, resource)]))
            .into_paginator()
            .items()
            .send();
        while let Some(result) = pages.next().await {
            let result = result.map_err(|error| AwsError::of("iam:SimulatePrincipalPolicy", error))?;
            if result.eval_decision != PolicyEvaluationDecisionType::Allowed {
                denied.push(result.eval_action_name);
            }
        }
    }
    denied.sort();
    Ok(denied)
}

/// A thing of this account that a pattern covers.
fn example(context: &Context, pattern: &str) -> String {
    let (partition, account) = (context.partition().id(), &context.caller.account);
    pattern
        .replacen("arn:*:", &format!("arn:{partition}:"), 1)
        .replacen(":iam::*:", &format!(":iam::{account}:"), 1)
        .replacen(
            ":cloudtrail:*:*:",
            &format!(":cloudtrail:{}:{account}:", context.bootstrap_region),
            1,
        )
        .replace('*', "example")
}
