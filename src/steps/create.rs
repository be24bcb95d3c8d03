//! Creates, repeated by us: what counts is whether an attempt went unanswered before a conflict came.

use std::future::Future;

use tokio::time::{Instant, sleep};

use crate::aws::retry::{CREATE_ATTEMPTS, SPREAD_LIMIT};
use crate::aws::waiting::Pace;
use crate::aws::{Failure, FailureKind};
use crate::checklist::{Change, StepInfo, Trouble};
use crate::progress::Intent;

use super::setting::{Setting, trouble};

/// How a create has ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Created<T> {
    /// The service said that it made it.
    Made(T),
    /// It was there: a conflict on an answered attempt, with none unanswered before it.
    Found(T),
    /// It is there, and an attempt went unanswered: whose it is has to be found out.
    Undecided(T),
}

/// Runs a create until it is decided.
///
/// `attempt` makes the call once, without the SDK's retries. `look` finds the thing: it decides what a
/// conflict means (the thing is there, or an earlier write has not spread) and whether an unanswered attempt
/// took effect.
///
/// # Errors
/// A failure that repeating does not mend, or the last one when the attempts are used up.
pub async fn create<T, A, L>(
    pace: Pace,
    mut attempt: impl FnMut() -> A,
    mut look: impl FnMut() -> L,
) -> Result<Created<T>, Failure>
where
    A: Future<Output = Result<T, Failure>>,
    L: Future<Output = Result<Option<T>, Failure>>,
{
    let mut unanswered = false;
    let mut attempts = 0;
    let give_up = Instant::now() + SPREAD_LIMIT;
    loop {
        let failure = match attempt().await {
            Ok(made) => return Ok(Created::Made(made)),
            Err(failure) => failure,
        };
        attempts += 1;
        let spreading = matches!(failure.kind, FailureKind::Conflict | FailureKind::NotFound);
        match failure.kind {
            FailureKind::Conflict => {
                if let Some(there) = look().await? {
                    return Ok(if unanswered {
                        Created::Undecided(there)
                    } else {
                        Created::Found(there)
                    });
                }
            }
            FailureKind::Unanswered | FailureKind::ServiceTrouble => {
                unanswered = true;
                if let Some(there) = look().await? {
                    return Ok(Created::Undecided(there));
                }
            }
            FailureKind::NotFound | FailureKind::Throttled | FailureKind::NoConnection => {}
            _ => return Err(failure),
        }
        // What waits for a write to spread has until the limit; everything else a number of attempts.
        let used_up = if spreading {
            Instant::now() >= give_up
        } else {
            attempts >= CREATE_ATTEMPTS
        };
        if used_up {
            return Err(failure);
        }
        sleep(failure.retry_after.unwrap_or_else(|| pace.pause(attempts))).await;
    }
}

impl Setting {
    /// Makes a thing whose intent is written down first.
    ///
    /// Answers its id and the intent when this very call made it: the caller then writes the result down.
    /// `None` when it is there otherwise: a look decides whose it is, by the intents that stand open.
    ///
    /// # Errors
    /// When it cannot be made. An intent stays open only while nobody knows whether it took effect.
    pub(super) async fn make<A, L>(
        &self,
        info: &'static StepInfo,
        change: &Change,
        mut attempt: impl FnMut(String) -> A,
        look: impl FnMut() -> L,
    ) -> Result<Option<(String, Intent)>, Trouble>
    where
        A: Future<Output = Result<String, Failure>>,
        L: Future<Output = Result<Option<String>, Failure>>,
    {
        let cut_short_before = !self.open_intents(change.kind, &change.name).is_empty();
        let intent = self.intend(info, (change.verb, change.kind, &change.name), None)?;
        let created = create(self.pace, || attempt(intent.nonce.clone()), look).await;
        let nothing_of_ours = match &created {
            Ok(Created::Made(_) | Created::Undecided(_)) => false,
            Ok(Created::Found(_)) => !cut_short_before,
            Err(failure) => failure.is_answered() && !cut_short_before,
        };
        if nothing_of_ours {
            self.settle(change.verb, change.kind, &change.name, None)?;
        }
        match created {
            Ok(Created::Made(id)) => Ok(Some((id, intent))),
            Ok(_) => Ok(None),
            Err(failure) => Err(trouble(info, &failure, "idc-setup run")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn failure(kind: FailureKind) -> Failure {
        Failure {
            operation: "x:Create".to_owned(),
            kind,
            code: None,
            message: String::new(),
            retry_after: None,
        }
    }

    async fn run(script: Vec<Result<u8, FailureKind>>, looks: Vec<Option<u8>>) -> Result<Created<u8>, FailureKind> {
        let script = RefCell::new(script.into_iter());
        let looks = RefCell::new(looks.into_iter());
        create(
            Pace::REHEARSAL,
            || async { script.borrow_mut().next().unwrap().map_err(failure) },
            || async { Ok(looks.borrow_mut().next().unwrap()) },
        )
        .await
        .map_err(|failure| failure.kind)
    }

    #[tokio::test(start_paused = true)]
    async fn a_conflict_on_the_first_answer_means_found() {
        assert_eq!(
            run(vec![Err(FailureKind::Conflict)], vec![Some(1)]).await,
            Ok(Created::Found(1))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_reply_leaves_it_undecided() {
        let script = vec![Err(FailureKind::Unanswered)];
        assert_eq!(run(script, vec![Some(1)]).await, Ok(Created::Undecided(1)));
        let script = vec![Err(FailureKind::Unanswered), Err(FailureKind::Conflict)];
        assert_eq!(run(script, vec![None, Some(1)]).await, Ok(Created::Undecided(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_request_is_repeated() {
        let script = vec![Err(FailureKind::Unanswered), Ok(2)];
        assert_eq!(run(script, vec![None]).await, Ok(Created::Made(2)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_has_not_spread_is_waited_for() {
        let script = vec![Err(FailureKind::Conflict), Err(FailureKind::NotFound), Ok(3)];
        assert_eq!(run(script, vec![None]).await, Ok(Created::Made(3)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_final() {
        assert_eq!(
            run(vec![Err(FailureKind::Denied)], vec![]).await,
            Err(FailureKind::Denied)
        );
    }
}
