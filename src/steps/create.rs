//! Creates, repeated by us: what counts is whether an attempt went unanswered before a conflict came.

use std::future::Future;

use tokio::time::{Instant, sleep};

use super::context::{Context, step_error};
use crate::aws::waiting::Timing;
use crate::aws::{AwsError, AwsErrorKind};
use crate::checklist::{Change, StepInfo, UserError};
use crate::limits::{CREATE_ATTEMPTS, SPREAD_LIMIT};
use crate::progress::Intent;

/// How a create has ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Created<T> {
    /// The service said that it made it.
    Created(T),
    /// It was there: a conflict on an answered attempt, with none unanswered before it.
    Status(T),
    /// It is there, and an attempt went unanswered: whose it is has to be found out.
    Undecided(T),
}

/// The end of a create, and whether any attempt went unanswered on the way: then nobody knows by the last
/// answer alone whether something took effect.
#[derive(Debug, PartialEq, Eq)]
pub struct End<T> {
    /// How it has ended.
    pub result: Result<Created<T>, AwsError>,
    /// An attempt went unanswered.
    pub unanswered: bool,
}

/// Runs a create until it is decided.
///
/// `attempt` makes the call once, without the SDK's retries. `look` finds the thing: it decides what a
/// conflict means (the thing is there, or an earlier write has not spread) and whether an unanswered attempt
/// took effect; a look that fails decides nothing, and the next attempt does.
///
/// The result is a failure that repeating does not mend, or the last one when the attempts are used up.
pub async fn create<T, A, L>(timing: Timing, mut attempt: impl FnMut() -> A, mut look: impl FnMut() -> L) -> End<T>
where
    A: Future<Output = Result<T, AwsError>>,
    L: Future<Output = Result<Option<T>, AwsError>>,
{
    let mut unanswered = false;
    let mut attempts = 0;
    let give_up = Instant::now() + SPREAD_LIMIT;
    loop {
        let aws_error = match attempt().await {
            Ok(made) => {
                return End {
                    result: Ok(Created::Created(made)),
                    unanswered,
                };
            }
            Err(aws_error) => aws_error,
        };
        attempts += 1;
        unanswered |= !aws_error.outcome_known();
        let propagation = matches!(aws_error.kind, AwsErrorKind::Conflict | AwsErrorKind::NotFound);
        if (aws_error.kind == AwsErrorKind::Conflict || !aws_error.outcome_known())
            && let Ok(Some(there)) = look().await
        {
            let created = if unanswered {
                Created::Undecided(there)
            } else {
                Created::Status(there)
            };
            return End {
                result: Ok(created),
                unanswered,
            };
        }
        let mends = propagation || aws_error.is_transient();
        // What waits for a write to spread has until the limit; everything else a number of attempts.
        let used_up = if propagation {
            Instant::now() >= give_up
        } else {
            attempts >= CREATE_ATTEMPTS
        };
        if used_up || !mends {
            return End {
                result: Err(aws_error),
                unanswered,
            };
        }
        sleep(aws_error.retry_after.unwrap_or_else(|| timing.pause(attempts))).await;
    }
}

/// Repeats a change that can be made twice, as long as an earlier write has not spread.
///
/// # Errors
/// A failure that repeating does not mend, or the last one.
pub async fn repeat<T, A>(timing: Timing, attempt: impl FnMut() -> A) -> Result<T, AwsError>
where
    A: Future<Output = Result<T, AwsError>>,
{
    match create(timing, attempt, || async { Ok(None) }).await.result? {
        Created::Created(answer) | Created::Status(answer) | Created::Undecided(answer) => Ok(answer),
    }
}

impl Context {
    /// Makes a thing whose intent is written down first.
    ///
    /// Answers what the service gave and the intent when this very call made it: the caller then writes the
    /// result down. `None` when it is there otherwise: a look decides whose it is, by the intents that stand
    /// open. Intents of earlier runs stay open in any case but success: only a look can settle them.
    ///
    /// # Errors
    /// When it cannot be made. This run's intent stays open only while nobody knows whether it took effect.
    pub(super) async fn make<A, L>(
        &self,
        info: &'static StepInfo,
        (change, name): (&Change, &str),
        mut attempt: impl FnMut(String) -> A,
        look: impl FnMut() -> L,
    ) -> Result<Option<(String, Intent)>, UserError>
    where
        A: Future<Output = Result<String, AwsError>>,
        L: Future<Output = Result<Option<String>, AwsError>>,
    {
        let intent = self.intend(info, (change.verb, change.kind, name), None)?;
        let mut is_first = true;
        let end = create(
            self.timing,
            || {
                // A repeat has a time limit of its own. If that cannot be saved, a lost reply counts as found.
                if !std::mem::take(&mut is_first) {
                    let _ = self.stamp_again(&intent);
                }
                attempt(intent.nonce.clone())
            },
            look,
        )
        .await;
        let made = matches!(end.result, Ok(Created::Created(_)));
        if !made && !end.unanswered {
            self.progress.change(|record| record.drop_intent(&intent.nonce))?;
        }
        match end.result {
            Ok(Created::Created(id)) => Ok(Some((id, intent))),
            Ok(_) => Ok(None),
            Err(aws_error) => Err(step_error(info, &aws_error, "idc-setup run")),
        }
    }

    fn stamp_again(&self, intent: &Intent) -> Result<(), UserError> {
        let again = Intent {
            at: self.clients.clock().now(),
            ..intent.clone()
        };
        self.progress.change(|record| record.open(again))?;
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

    async fn run(script: Vec<Result<u8, AwsErrorKind>>, looks: Vec<Option<u8>>) -> Result<Created<u8>, AwsErrorKind> {
        let script = RefCell::new(script.into_iter());
        let looks = RefCell::new(looks.into_iter());
        create(
            Timing::REHEARSAL,
            || async { script.borrow_mut().next().unwrap().map_err(aws_error) },
            || async { Ok(looks.borrow_mut().next().unwrap()) },
        )
        .await
        .result
        .map_err(|aws_error| aws_error.kind)
    }

    #[tokio::test(start_paused = true)]
    async fn a_conflict_on_the_first_answer_means_found() {
        assert_eq!(
            run(vec![Err(AwsErrorKind::Conflict)], vec![Some(1)]).await,
            Ok(Created::Status(1))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_reply_leaves_it_undecided() {
        let script = vec![Err(AwsErrorKind::Unanswered)];
        assert_eq!(run(script, vec![Some(1)]).await, Ok(Created::Undecided(1)));
        let script = vec![Err(AwsErrorKind::Unanswered), Err(AwsErrorKind::Conflict)];
        assert_eq!(run(script, vec![None, Some(1)]).await, Ok(Created::Undecided(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_request_is_repeated() {
        let script = vec![Err(AwsErrorKind::Unanswered), Ok(2)];
        assert_eq!(run(script, vec![None]).await, Ok(Created::Created(2)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_has_not_spread_is_waited_for() {
        let script = vec![Err(AwsErrorKind::Conflict), Err(AwsErrorKind::NotFound), Ok(3)];
        assert_eq!(run(script, vec![None]).await, Ok(Created::Created(3)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_after_a_lost_reply_leaves_it_open_whose_the_thing_is() {
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
    async fn a_refusal_is_final() {
        assert_eq!(
            run(vec![Err(AwsErrorKind::Denied)], vec![]).await,
            Err(AwsErrorKind::Denied)
        );
    }
}
