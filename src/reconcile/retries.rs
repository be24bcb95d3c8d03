//! Calls that change something, with our own retries: creates, idempotent changes and deletions. The SDK retries only reads
//! (see [`crate::aws`]'s `read_retries`). A conflict on a create means different things, depending on whether an earlier attempt
//! got no answer.

use std::future::Future;

use tokio::time::{Instant, sleep};

use super::{Branch, Context, Deletion, Error, Resource, step_error};
use crate::aws::waiting::Timing;
use crate::aws::{AwsError, AwsErrorKind};
use crate::limits::{CREATE_ATTEMPTS, PROPAGATION_LIMIT, REMOVAL_ATTEMPTS};
use crate::next_step::SetupCommand;
use crate::progress::{Entry, Intent};
use crate::reconcile::{Change, StepInfo};
use crate::user_error::UserError;

/// The outcome of a create call.
#[derive(Debug, PartialEq, Eq)]
pub enum CreateResult<T> {
    /// The service reported that it created the resource.
    Created(T),
    /// The resource already existed: an attempt was answered with a conflict, and none before it went unanswered.
    Existing(T),
    /// The resource exists, and an attempt went unanswered: its origin is still to be determined.
    Undecided(T),
}

/// The end of a create call, and whether any attempt went unanswered. If one did, the last answer alone does not show
/// whether an attempt took effect.
#[derive(Debug, PartialEq, Eq)]
pub struct End<T> {
    /// The outcome, or the last error.
    pub result: Result<CreateResult<T>, AwsError>,
    /// Whether an attempt went unanswered.
    pub unanswered: bool,
}

/// Repeats a create call until its outcome is known.
///
/// `attempt` makes the call once, without the SDK's retries. `look` reads the resource: it shows what a conflict means
/// (the resource exists, or an earlier write has not propagated yet) and whether an unanswered attempt took effect. If
/// `look` fails, the next attempt shows it.
///
/// An error is either one that a retry does not fix, or the last one when the attempts are used up.
pub async fn create<T, A, L>(timing: Timing, mut attempt: impl FnMut() -> A, mut look: impl FnMut() -> L) -> End<T>
where
    A: Future<Output = Result<T, AwsError>>,
    L: Future<Output = Result<Option<T>, AwsError>>,
{
    let mut unanswered = false;
    let mut attempts = 0;
    let give_up = Instant::now() + PROPAGATION_LIMIT;
    loop {
        let aws_error = match attempt().await {
            Ok(created) => {
                return End {
                    result: Ok(CreateResult::Created(created)),
                    unanswered,
                };
            }
            Err(aws_error) => aws_error,
        };
        attempts += 1;
        unanswered |= !aws_error.outcome_known();
        let propagation = matches!(aws_error.kind, AwsErrorKind::Conflict | AwsErrorKind::NotFound);
        if (aws_error.kind == AwsErrorKind::Conflict || !aws_error.outcome_known())
            && let Ok(Some(existing)) = look().await
        {
            let created = if unanswered {
                CreateResult::Undecided(existing)
            } else {
                CreateResult::Existing(existing)
            };
            return End {
                result: Ok(created),
                unanswered,
            };
        }
        let is_retryable = propagation || aws_error.is_transient();
        // Waiting for a write to propagate is limited by time, everything else by the number of attempts.
        let used_up = if propagation {
            Instant::now() >= give_up
        } else {
            attempts >= CREATE_ATTEMPTS
        };
        if used_up || !is_retryable {
            return End {
                result: Err(aws_error),
                unanswered,
            };
        }
        let pause = aws_error.retry_after.unwrap_or_else(|| timing.pause(attempts));
        tracing::info!(operation = aws_error.operation, attempts, ?pause, "retrying");
        sleep(pause).await;
    }
}

/// Repeats an idempotent change while an earlier write has not propagated yet.
///
/// # Errors
/// An error that a retry does not fix, or the last one.
pub async fn repeat<T, A>(timing: Timing, attempt: impl FnMut() -> A) -> Result<T, AwsError>
where
    A: Future<Output = Result<T, AwsError>>,
{
    match create(timing, attempt, || async { Ok(None) }).await.result? {
        CreateResult::Created(answer) | CreateResult::Existing(answer) | CreateResult::Undecided(answer) => Ok(answer),
    }
}

/// Repeats a deletion while what depends on the resource was deleted but that has not propagated yet, or while the call
/// may not have reached AWS. The SDK itself retries the deletions of trails and buckets.
///
/// # Errors
/// An error that a retry does not fix, or the last one.
pub async fn delete_with_retries(context: &Context, resource: &dyn Resource, entry: &Entry) -> Result<Deletion, Error> {
    let mut attempts = 1;
    loop {
        match resource.delete(context, entry).await {
            Err(Error::Aws(aws_error))
                if attempts < REMOVAL_ATTEMPTS
                    && resource.branch() == Branch::IdentityCenter
                    && (aws_error.kind == AwsErrorKind::Conflict || aws_error.is_transient()) =>
            {
                attempts += 1;
                let requested = aws_error.retry_after.unwrap_or_default();
                sleep(requested.max(context.timing.pause(attempts))).await;
            }
            deleted => return deleted,
        }
    }
}

impl Context {
    /// Creates a resource, after recording the intent to create it.
    ///
    /// Returns the resource's ID and the intent if this call created the resource; the caller then records the result.
    /// Returns `None` if the resource exists for another reason; the next check determines its origin from the open
    /// intents. Intents of earlier runs stay open unless this call succeeds, because only a check can settle them.
    ///
    /// # Errors
    /// When the resource cannot be created. The intent of this call stays open only if its outcome is unknown.
    pub async fn make<T, A, L>(
        &self,
        info: &'static StepInfo,
        change: &Change,
        attempt: impl FnMut(String) -> A,
        look: impl FnMut() -> L,
    ) -> Result<Option<(T, Intent)>, UserError>
    where
        A: Future<Output = Result<T, AwsError>>,
        L: Future<Output = Result<Option<T>, AwsError>>,
    {
        let intent = self.intent(info, change.target());
        self.make_intended(info, intent, attempt, look).await
    }

    /// Like [`make`](Self::make), with this intent.
    ///
    /// # Errors
    /// When the resource cannot be created. The intent stays open only if its outcome is unknown.
    pub async fn make_intended<T, A, L>(
        &self,
        info: &'static StepInfo,
        intent: Intent,
        mut attempt: impl FnMut(String) -> A,
        look: impl FnMut() -> L,
    ) -> Result<Option<(T, Intent)>, UserError>
    where
        A: Future<Output = Result<T, AwsError>>,
        L: Future<Output = Result<Option<T>, AwsError>>,
    {
        self.open(&intent)?;
        let mut is_first = true;
        let end = create(
            self.timing,
            || {
                // Each retry has its own time limit. If its time cannot be saved and its reply is lost, the resource
                // counts as existing.
                if !std::mem::take(&mut is_first) {
                    let _ = self.record_retry(&intent);
                }
                attempt(intent.nonce.clone())
            },
            look,
        )
        .await;
        let is_created = matches!(end.result, Ok(CreateResult::Created(_)));
        if !is_created && !end.unanswered {
            self.progress.change(|record| record.drop_intent(&intent.nonce))?;
        }
        match end.result {
            Ok(CreateResult::Created(id)) => Ok(Some((id, intent))),
            Ok(_) => Ok(None),
            Err(aws_error) => Err(step_error(info, &aws_error, SetupCommand::again())),
        }
    }

    fn record_retry(&self, intent: &Intent) -> Result<(), UserError> {
        let retry = Intent {
            at: self.clients.clock().now(),
            ..intent.clone()
        };
        self.progress.change(|record| record.open(retry))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn aws_error(kind: AwsErrorKind) -> AwsError {
        AwsError {
            operation: "x:Create".to_owned(),
            kind,
            code: None,
            message: String::new(),
            retry_after: None,
        }
    }

    async fn run(
        script: Vec<Result<u8, AwsErrorKind>>,
        reads: Vec<Option<u8>>,
    ) -> Result<CreateResult<u8>, AwsErrorKind> {
        let script = RefCell::new(script.into_iter());
        let reads = RefCell::new(reads.into_iter());
        create(
            Timing::REHEARSAL,
            || async { script.borrow_mut().next().unwrap().map_err(aws_error) },
            || async { Ok(reads.borrow_mut().next().unwrap()) },
        )
        .await
        .result
        .map_err(|aws_error| aws_error.kind)
    }

    #[tokio::test(start_paused = true)]
    async fn a_conflict_on_the_first_answer_means_existing() {
        assert_eq!(
            run(vec![Err(AwsErrorKind::Conflict)], vec![Some(1)]).await,
            Ok(CreateResult::Existing(1))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_reply_leaves_the_origin_undecided() {
        let script = vec![Err(AwsErrorKind::Unanswered)];
        assert_eq!(run(script, vec![Some(1)]).await, Ok(CreateResult::Undecided(1)));
        let script = vec![Err(AwsErrorKind::Unanswered), Err(AwsErrorKind::Conflict)];
        assert_eq!(run(script, vec![None, Some(1)]).await, Ok(CreateResult::Undecided(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_request_is_retried() {
        let script = vec![Err(AwsErrorKind::Unanswered), Ok(2)];
        assert_eq!(run(script, vec![None]).await, Ok(CreateResult::Created(2)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_has_not_propagated_is_waited_for() {
        let script = vec![Err(AwsErrorKind::Conflict), Err(AwsErrorKind::NotFound), Ok(3)];
        assert_eq!(run(script, vec![None]).await, Ok(CreateResult::Created(3)));
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_after_a_lost_reply_leaves_the_intent_open() {
        let script = RefCell::new(vec![AwsErrorKind::Unanswered, AwsErrorKind::Denied].into_iter());
        let end: End<u8> = create(
            Timing::REHEARSAL,
            || async { Err(aws_error(script.borrow_mut().next().unwrap())) },
            || async { Err(aws_error(AwsErrorKind::NoConnection)) },
        )
        .await;
        assert!(end.unanswered && end.result.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_keeps_failing_is_given_up() {
        let attempts = usize::try_from(CREATE_ATTEMPTS).unwrap();
        for kind in [AwsErrorKind::Throttled, AwsErrorKind::NoConnection] {
            let script = vec![Err(kind); attempts];
            assert_eq!(run(script, vec![]).await, Err(kind));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_denied_call_is_not_retried() {
        assert_eq!(
            run(vec![Err(AwsErrorKind::Denied)], vec![]).await,
            Err(AwsErrorKind::Denied)
        );
    }
}
