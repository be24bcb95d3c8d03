//! Errors of AWS calls, as they are reported to the user.

use crate::aws::{AwsError, AwsErrorKind};
use crate::next_step::{NextStep, NextSteps, SetupCommand};
use crate::reconcile::StepInfo;
use crate::user_error::{ServiceMessage, UserError, UserErrorKind};

/// What to do if AWS says that the account has no subscription for a service.
pub const NOT_SUBSCRIBED: &str =
    "enable this Region for the account (console: Account > AWS Regions), or complete the account's sign-up";

impl From<&AwsError> for ServiceMessage {
    fn from(error: &AwsError) -> Self {
        Self {
            operation: error.operation.clone(),
            code: error.code.clone(),
            message: error.message.clone(),
        }
    }
}

/// Converts a failed AWS call of a step into a [`UserError`].
pub fn step_error(info: &StepInfo, aws_error: &AwsError, next: impl Into<NextSteps>) -> UserError {
    let kind = match aws_error.kind {
        AwsErrorKind::Denied => UserErrorKind::NotAllowed,
        AwsErrorKind::Credentials => UserErrorKind::NoCredentials,
        AwsErrorKind::NotAws | AwsErrorKind::NotImplemented | AwsErrorKind::Unreadable => UserErrorKind::Unknown,
        _ => UserErrorKind::Failed,
    };
    let next: NextSteps = next.into();
    let again = next.command().cloned().unwrap_or_default();
    // What fixes the cause comes first; what the caller suggests besides running again stays.
    let cause: Option<NextStep> = match aws_error.kind {
        AwsErrorKind::Denied | AwsErrorKind::Credentials if aws_error.is_unsigned() => None,
        _ if aws_error.is_not_subscribed() => Some(again.clone().after(NOT_SUBSCRIBED)),
        AwsErrorKind::Denied if aws_error.is_denied_by_organization() => Some(again.clone().after(format!(
            "ask the administrators of the organization to allow {} in its service control policies",
            aws_error.operation
        ))),
        AwsErrorKind::Denied => Some(again.clone().after(format!(
            "ask an administrator to allow {} for this caller",
            aws_error.operation
        ))),
        AwsErrorKind::Credentials => Some(NextStep::other("sign in again", ["aws", "login"]).then(again.clone())),
        AwsErrorKind::NoConnection => Some(again.clone().after("check the network")),
        _ => None,
    };
    let next = match cause {
        None => next,
        Some(cause) => next
            .iter()
            .filter(|other| other.names_other_command_than(&again))
            .fold(NextSteps::from(cause), |next, other| next.or(other.clone())),
    };
    UserError {
        kind,
        message: format!("{}: {}.", info.name(), aws_error.sentence().trim_end_matches('.')),
        aws: Some(aws_error.into()),
        next,
        stops_all: false,
    }
}

/// Like [`step_error`], with a rerun as the next step.
pub fn rerun(info: &'static StepInfo) -> impl Fn(AwsError) -> UserError {
    move |aws_error| step_error(info, &aws_error, SetupCommand::again())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::next_step::Invocation;
    use crate::reconcile::Importance;

    const INFO: StepInfo = StepInfo {
        number: 3,
        slug: "create-group",
        short: "Group",
        title: "Create a group",
        importance: Importance::Recommended,
        why: "",
        feeds_others: false,
        permissions: &[],
    };

    fn aws_error(operation: &str, kind: AwsErrorKind, code: &str, message: &str) -> AwsError {
        AwsError {
            operation: operation.to_owned(),
            kind,
            code: (!code.is_empty()).then(|| code.to_owned()),
            message: message.to_owned(),
            retry_after: None,
        }
    }

    #[test]
    fn an_error_is_reported_with_what_fixes_its_cause() {
        const GROUP: &str = "identitystore:CreateGroup";
        const TOKEN: &str = "sso-oidc:CreateToken";
        const SCP: &str = "not authorized, with an explicit deny in a service control policy";
        const ASK: &str = "ask an administrator to allow identitystore:CreateGroup for this caller, then: idc-setup";
        const ASK_ORGANIZATION: &str = "ask the administrators of the organization to allow identitystore:CreateGroup in \
                                        its service control policies, then: idc-setup";
        const SUBSCRIBE: &str = "enable this Region for the account (console: Account > AWS Regions), or complete the \
                                 account's sign-up, then: idc-setup";
        const SIGN_IN: &str = "sign in again: aws login, then: idc-setup";
        const NETWORK: &str = "check the network, then: idc-setup";
        let denied = |message| aws_error(GROUP, AwsErrorKind::Denied, "AccessDeniedException", message);
        let other = |kind| aws_error(GROUP, kind, "", "");
        let table = [
            (denied("not authorized"), UserErrorKind::NotAllowed, ASK),
            (denied(SCP), UserErrorKind::NotAllowed, ASK_ORGANIZATION),
            (
                aws_error(GROUP, AwsErrorKind::Denied, "OptInRequired", "not subscribed"),
                UserErrorKind::NotAllowed,
                SUBSCRIBE,
            ),
            (other(AwsErrorKind::Credentials), UserErrorKind::NoCredentials, SIGN_IN),
            (other(AwsErrorKind::NoConnection), UserErrorKind::Failed, NETWORK),
            (other(AwsErrorKind::NotAws), UserErrorKind::Unknown, "idc-setup"),
            (other(AwsErrorKind::NotImplemented), UserErrorKind::Unknown, "idc-setup"),
            (other(AwsErrorKind::Unreadable), UserErrorKind::Unknown, "idc-setup"),
            (other(AwsErrorKind::Conflict), UserErrorKind::Failed, "idc-setup"),
            // The token, and not the caller, was refused.
            (
                aws_error(TOKEN, AwsErrorKind::Denied, "AccessDeniedException", ""),
                UserErrorKind::NotAllowed,
                "idc-setup",
            ),
        ];
        for (aws_error, kind, next) in table {
            let error = step_error(&INFO, &aws_error, SetupCommand::again());
            let invocation = Invocation::default();
            let steps: Vec<String> = error.next.iter().map(|step| invocation.next_step(step)).collect();
            assert_eq!((error.kind, steps), (kind, vec![next.to_owned()]), "{aws_error:?}");
        }
    }
}
