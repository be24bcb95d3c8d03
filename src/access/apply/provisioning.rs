//! Provisions permission sets: the accounts get the latest version of them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::outstanding::refusal_pause;
use super::shared::Shared;
use crate::access::live::INFO;
use crate::aws::{AwsError, AwsErrorKind, TOO_MANY_OPERATIONS};
use crate::ids::{AccountId, PermissionSetArn};
use crate::limits::{MOST_REFUSALS, PROPAGATION_LIMIT};
use crate::reconcile::rerun;
use crate::resources::inventory::Accounts;
use crate::resources::permission_set::{self, Provisioned};
use crate::text::listed;
use crate::user_error::UserError;

/// The most accounts that an error names for one reason.
const MOST_NAMED: usize = 10;

/// Gives these accounts, or all that have it, the latest version of a permission set. One permission set comes after the
/// other, because AWS changes one role in an account at a time. Several accounts are provisioned at the same time.
///
/// # Errors
/// If an account is not provisioned. After a request to stop, nothing more is requested, and the error is
/// [`UserError::interrupted`] if nothing failed.
pub async fn provision(
    shared: &Shared<'_>,
    arn: &PermissionSetArn,
    accounts: Option<&BTreeSet<AccountId>>,
) -> Result<(), UserError> {
    let _turn = shared.provisioning.lock().await;
    let Some(accounts) = accounts else {
        let count = shared.roles.get(arn).copied().unwrap_or_default();
        return provision_once(shared, arn, Provisioned::Everywhere(count)).await;
    };
    // If one fails, the others are provisioned all the same.
    let requests = accounts.iter().map(|account| async move {
        let result = provision_once(shared, arn, Provisioned::In(account)).await;
        result.err().map(|error| Failure { account, error })
    });
    let failures: Vec<Failure<'_>> = join_all(requests).await.into_iter().flatten().collect();
    combined(&failures, shared.accounts).map_or(Ok(()), Err)
}

/// Requests the provisioning, again if AWS refuses it for the moment, and waits for its end.
async fn provision_once(shared: &Shared<'_>, arn: &PermissionSetArn, target: Provisioned<'_>) -> Result<(), UserError> {
    let (context, instance) = (shared.context, shared.instance);
    let mut since = None;
    let mut refusals = 0;
    loop {
        let Some(room) = shared.outstanding.room(&context.stop).await else {
            return Err(UserError::interrupted());
        };
        let since: Instant = *since.get_or_insert_with(Instant::now);
        let aws_error = match permission_set::request_provisioning(context, instance, arn, target).await {
            Ok(id) => {
                shared.outstanding.accepted();
                return permission_set::until_provisioned(context, &INFO, instance, &id, target.limit()).await;
            }
            Err(aws_error) => aws_error,
        };
        refusals += 1;
        if aws_error.kind == AwsErrorKind::Throttled && aws_error.message.contains(TOO_MANY_OPERATIONS) {
            room.refused();
        } else {
            drop(room);
        }
        if is_over(&aws_error, refusals, since.elapsed(), target.limit()) {
            return Err(rerun(&INFO)(aws_error));
        }
        let pause = aws_error.retry_after.unwrap_or_else(|| refusal_pause(refusals));
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = context.stop.requested() => {}
        }
    }
}

/// Whether to give up after this many refusals and this much time since the first request.
fn is_over(aws_error: &AwsError, refusals: u32, age: Duration, limit: Duration) -> bool {
    match aws_error.kind {
        AwsErrorKind::Conflict | AwsErrorKind::Throttled => age >= limit,
        AwsErrorKind::NotFound => age >= PROPAGATION_LIMIT,
        _ => !aws_error.is_transient() || refusals >= MOST_REFUSALS,
    }
}

/// Why an account was not provisioned.
struct Failure<'a> {
    account: &'a AccountId,
    error: UserError,
}

/// One error for all accounts. An error that ends the run comes first, and an interruption last.
fn combined(failures: &[Failure<'_>], accounts: &Accounts) -> Option<UserError> {
    if let Some(ending) = failures.iter().find(|failure| failure.error.ends_run()) {
        return Some(ending.error.clone());
    }
    let mut by_reason: BTreeMap<&str, Vec<&Failure<'_>>> = BTreeMap::new();
    for failure in failures.iter().filter(|failure| !failure.error.kind.is_user_exit()) {
        by_reason.entry(&failure.error.message).or_default().push(failure);
    }
    let mut reasons: Vec<Vec<&Failure<'_>>> = by_reason.into_values().collect();
    reasons.sort_by_key(|same| Reverse(same.len()));
    let Some(first) = reasons.first().and_then(|same| same.first()) else {
        return failures.first().map(|interrupted| interrupted.error.clone());
    };
    let texts: Vec<String> = reasons.iter().map(|same| reason_text(same, accounts)).collect();
    // What to do next is the same for nearly all reasons.
    Some(UserError {
        message: format!("{}: {}.", INFO.name(), texts.join("; ")),
        ..first.error.clone()
    })
}

/// `in 2 accounts, Prod 1 (111122223333) and Prod 2 (444455556666): provisioning failed: The role is protected`.
fn reason_text(same: &[&Failure<'_>], accounts: &Accounts) -> String {
    let message = same.first().map_or("", |failure| failure.error.message.as_str());
    let prefix = format!("{}: ", INFO.name());
    let reason = message.strip_prefix(&prefix).unwrap_or(message).trim_end_matches('.');
    let named = same.iter().take(MOST_NAMED);
    let named: Vec<String> = named.map(|failure| accounts.text(failure.account)).collect();
    let (noun, among) = match same.len() {
        1 => ("account", ""),
        count if count > MOST_NAMED => ("accounts", "among them "),
        _ => ("accounts", ""),
    };
    format!("in {} {noun}, {among}{}: {reason}", same.len(), listed(&named))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::next_step::NextSteps;
    use crate::resources::inventory::Account;
    use crate::user_error::UserErrorKind;

    /// Accounts with the names A1, A2 and so on.
    fn accounts(count: usize) -> Accounts {
        let accounts = (1..=count).map(|number| Account {
            id: format!("{number:012}").parse().unwrap(),
            name: format!("A{number}"),
            email: String::new(),
            state: "ACTIVE".to_owned(),
            path: Vec::new(),
            tags: None,
        });
        Accounts {
            all: accounts.map(|account| (account.id.clone(), account)).collect(),
            ..Accounts::default()
        }
    }

    /// One error of all accounts, from one for each.
    fn combined_of(errors: &[UserError]) -> UserError {
        let accounts = accounts(errors.len());
        let failures = accounts.all.keys().zip(errors).map(|(account, error)| Failure {
            account,
            error: error.clone(),
        });
        let failures: Vec<Failure<'_>> = failures.collect();
        combined(&failures, &accounts).unwrap()
    }

    fn failed(why: &str) -> UserError {
        UserError::failed(format!("Access: {why}."), NextSteps::default())
    }

    #[test]
    fn failures_are_counted_by_reason_with_their_accounts() {
        let error = combined_of(&[failed("no role"), failed("too late"), failed("too late")]);
        assert_eq!(
            error.message,
            "Access: in 2 accounts, A2 (000000000002) and A3 (000000000003): too late; in 1 account, A1 (000000000001): no \
             role."
        );
        let error = combined_of(&vec![failed("no role"); MOST_NAMED + 1]);
        assert!(
            error
                .message
                .starts_with("Access: in 11 accounts, among them A1 (000000000001), ")
        );
        assert!(
            error.message.ends_with("A10 (000000000010): no role."),
            "{}",
            error.message
        );
        assert!(combined(&[], &accounts(0)).is_none());
    }

    #[test]
    fn an_error_that_ends_the_run_is_not_hidden_and_a_stop_hides_no_failure() {
        let expired = UserError::new(UserErrorKind::NoCredentials, "Access: expired.", NextSteps::default());
        let all = [failed("no role"), UserError::interrupted(), expired.clone()];
        assert_eq!(combined_of(&all), expired);
        let error = combined_of(&all[..2]);
        assert_eq!(error.message, "Access: in 1 account, A1 (000000000001): no role.");
        assert_eq!(combined_of(&all[1..2]), UserError::interrupted());
    }

    #[test]
    fn a_request_is_made_again_as_long_as_aws_refuses_it_for_the_moment() {
        let limit = Duration::from_mins(5);
        let gives_up = |kind: AwsErrorKind, refusals: u32, seconds: u64| {
            let aws_error = AwsError {
                operation: "sso:ProvisionPermissionSet".to_owned(),
                kind,
                code: None,
                message: "Rate exceeded".to_owned(),
                retry_after: None,
            };
            is_over(&aws_error, refusals, Duration::from_secs(seconds), limit)
        };
        for kind in [AwsErrorKind::Throttled, AwsErrorKind::Conflict] {
            assert!(!gives_up(kind, 60, 299));
            assert!(gives_up(kind, 60, 300));
        }
        assert!(!gives_up(AwsErrorKind::NotFound, 60, 29));
        assert!(gives_up(AwsErrorKind::NotFound, 1, 30));
        assert!(!gives_up(AwsErrorKind::Unanswered, 1, 299));
        assert!(gives_up(AwsErrorKind::Unanswered, MOST_REFUSALS, 1));
        assert!(gives_up(AwsErrorKind::Denied, 1, 0));
    }
}
