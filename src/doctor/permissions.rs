//! Whether the caller has the permissions that the steps need, according to the IAM policy simulator.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::types::PolicyEvaluationDecisionType;

use super::row::{CheckStatus, Row};
use crate::aws::{AwsError, AwsErrorKind, Permission};
use crate::next_step::SetupCommand;
use crate::wizard::steps::{INFOS, WizardContext};
use crate::wizard::{State, StepReport};

const CHECK: &str = "permissions";

/// The permissions that these checks themselves need.
pub const OWN: [Permission; 3] = [
    Permission::look("iam:SimulatePrincipalPolicy"),
    Permission::look("iam:GetRole"),
    Permission::look("identitystore:ListUsers"),
];

/// What the steps still need: permissions to read for all steps, and to change for those that are not done.
pub fn still_needed(reports: &[StepReport]) -> BTreeSet<Permission> {
    let mut needed = BTreeSet::new();
    for report in reports.iter().filter(|report| report.state != State::Skipped) {
        let is_open = report.state != State::Done && !report.info.is_recommendation();
        let permissions = report.info.permissions.iter().copied().flatten().copied();
        needed.extend(permissions.filter(|permission| is_open || !permission.changes));
    }
    needed
}

/// All permissions that the steps can need. The recommendations only read, unless a trail is to be created.
pub fn all(is_wanted: impl Fn(&str) -> bool, with_trail: bool) -> BTreeSet<Permission> {
    let wanted = INFOS.into_iter().filter(|info| is_wanted(info.slug));
    let permissions = wanted.flat_map(|info| {
        let changes = with_trail || !info.is_recommendation();
        let permissions = info.permissions.iter().copied().flatten().copied();
        permissions.filter(move |permission| changes || !permission.changes)
    });
    permissions.collect()
}

/// The row of the permissions.
pub async fn row(context: &WizardContext, needed: &BTreeSet<Permission>) -> Row {
    let caller = &context.caller;
    if caller.is_root() {
        return Row::ok(CHECK, "The root user has all permissions.");
    }
    let principal = match principal(context).await {
        Ok(principal) => principal,
        Err(aws_error) => return unknown(&aws_error),
    };
    let Some(principal) = principal else {
        return Row::note(
            CHECK,
            format!(
                "IAM simulates only users and roles, and {} is neither. A run stops at the first call that AWS denies.",
                caller.arn
            ),
        );
    };
    match denied(context, &principal, needed).await {
        Ok(denied) if denied.is_empty() => Row::ok(CHECK, "This caller has all permissions that are needed."),
        Ok(denied) => Row::new(
            CHECK,
            CheckStatus::Denied,
            format!("This caller is not allowed to perform {}.", denied.join(", ")),
        )
        .or([
            SetupCommand::doctor()
                .switch("--policy")
                .to("print a policy that allows it, and attach it to this caller"),
            SetupCommand::again()
                .placeholder("--profile", "NAME")
                .to("use other credentials"),
        ]),
        Err(aws_error) => unknown(&aws_error),
    }
}

/// The row if IAM refuses or does not answer the question.
fn unknown(aws_error: &AwsError) -> Row {
    let sentence = aws_error.sentence();
    let sentence = sentence.trim_end_matches('.');
    match aws_error.kind {
        AwsErrorKind::Denied | AwsErrorKind::Service | AwsErrorKind::Invalid => Row::note(
            CHECK,
            format!(
                "Cannot check the permissions of this caller: {sentence}. A run stops at the first call that AWS denies."
            ),
        ),
        _ => Row::new(CHECK, CheckStatus::Unknown, format!("{sentence}.")).or(SetupCommand::doctor()),
    }
}

/// The ARN of the caller's user or role in IAM; `None` if it is neither.
async fn principal(context: &WizardContext) -> Result<Option<String>, AwsError> {
    let caller = &context.caller;
    if caller.arn.contains(":user/") {
        return Ok(Some(caller.arn.clone()));
    }
    let Some((role, _)) = crate::ids::assumed_role(&caller.arn) else {
        return Ok(None);
    };
    let iam = context.clients.iam(&context.bootstrap_region);
    // The ARN of a session does not contain the path of its role.
    match iam.get_role().role_name(role).send().await {
        Ok(answer) => match answer.role {
            Some(role) => Ok(Some(role.arn)),
            None => Err(AwsError::unreadable("iam:GetRole")),
        },
        // The roles of Identity Center have a path that cannot be guessed.
        Err(error) if role.starts_with("AWSReservedSSO_") => Err(AwsError::of("iam:GetRole", error)),
        Err(_) => {
            let partition = context.partition().id();
            Ok(Some(format!("arn:{partition}:iam::{}:role/{role}", caller.account)))
        }
    }
}

/// The actions that are denied.
async fn denied(
    context: &WizardContext,
    principal: &str,
    needed: &BTreeSet<Permission>,
) -> Result<Vec<String>, AwsError> {
    let mut by_resource: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for permission in needed {
        by_resource.entry(permission.on).or_default().push(permission.action);
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

/// The ARN of a resource in this account that matches a pattern.
fn example(context: &WizardContext, pattern: &str) -> String {
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
