//! Polling with growing pauses and a time limit.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

use crate::limits::{
    CODE_PAUSE, FIRST_PAUSE, LONGEST_PAUSE, PERSON_PAUSE, PROPAGATION_LIMIT, REHEARSED_CODE_PAUSE,
    REHEARSED_FIRST_PAUSE, REHEARSED_LONGEST_PAUSE, REHEARSED_PERSON_PAUSE, REHEARSED_PROPAGATION,
};

/// The pauses between checks. A rehearsal reacts quickly, so its pauses are shorter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// The pause between the first and the second check.
    pub first: Duration,
    /// The longest pause. Each pause is half as long again as the one before.
    pub longest: Duration,
    /// The pause between checks for an action of the user.
    pub person: Duration,
    /// How long a new resource may be missing from reads.
    pub propagation: Duration,
    /// The time from one device code to the next one.
    pub code: Duration,
}

impl Timing {
    /// For AWS.
    pub const REAL: Self = Self {
        first: FIRST_PAUSE,
        longest: LONGEST_PAUSE,
        person: PERSON_PAUSE,
        propagation: PROPAGATION_LIMIT,
        code: CODE_PAUSE,
    };
    /// For the rehearsal.
    pub const REHEARSAL: Self = Self {
        first: REHEARSED_FIRST_PAUSE,
        longest: REHEARSED_LONGEST_PAUSE,
        person: REHEARSED_PERSON_PAUSE,
        propagation: REHEARSED_PROPAGATION,
        code: REHEARSED_CODE_PAUSE,
    };

    /// The pause after the n-th check, counted from 0.
    pub fn pause(self, n: u32) -> Duration {
        let grown = self.first.mul_f64(1.5_f64.powi(i32::try_from(n.min(30)).unwrap_or(30)));
        grown.min(self.longest)
    }
}

/// Checks until there is a result, with pauses in between; `None` after `limit`.
///
/// # Errors
/// The error of the check that failed.
pub async fn until<T, E, F>(timing: Timing, limit: Duration, mut check: impl FnMut() -> F) -> Result<Option<T>, E>
where
    F: Future<Output = Result<Option<T>, E>>,
{
    let end = Instant::now() + limit;
    for n in 0.. {
        if let Some(result) = check().await? {
            return Ok(Some(result));
        }
        let pause = timing.pause(n);
        if Instant::now() + pause > end {
            return Ok(None);
        }
        tokio::time::sleep(pause).await;
    }
    Ok(None)
}
