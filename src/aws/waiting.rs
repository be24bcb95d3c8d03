//! Waiting for what takes time, with growing pauses and a limit.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

use crate::limits::{
    FIRST_PAUSE, LONGEST_PAUSE, PERSON_PAUSE, REHEARSED_FIRST_PAUSE, REHEARSED_LONGEST_PAUSE, REHEARSED_PERSON_PAUSE,
    REHEARSED_SPREADING, SPREAD_LIMIT,
};

/// How long to pause between looks. A rehearsal's things happen quickly, so it looks more often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Between the first and the second look.
    pub first: Duration,
    /// Pauses grow by half up to this.
    pub longest: Duration,
    /// Between looks for something a person does.
    pub person: Duration,
    /// How long what was just made may not show.
    pub propagation: Duration,
}

impl Timing {
    /// Against AWS.
    pub const REAL: Self = Self {
        first: FIRST_PAUSE,
        longest: LONGEST_PAUSE,
        person: PERSON_PAUSE,
        propagation: SPREAD_LIMIT,
    };
    /// Against the rehearsal.
    pub const REHEARSAL: Self = Self {
        first: REHEARSED_FIRST_PAUSE,
        longest: REHEARSED_LONGEST_PAUSE,
        person: REHEARSED_PERSON_PAUSE,
        propagation: REHEARSED_SPREADING,
    };

    /// The pause after the n-th look, from 0.
    pub fn pause(self, n: u32) -> Duration {
        let grown = self.first.mul_f64(1.5_f64.powi(i32::try_from(n.min(30)).unwrap_or(30)));
        grown.min(self.longest)
    }
}

/// Looks until there is something, pausing in between; `None` when `limit` has passed.
///
/// # Errors
/// Whatever a look fails with.
pub async fn until<T, E, F>(timing: Timing, limit: Duration, mut look: impl FnMut() -> F) -> Result<Option<T>, E>
where
    F: Future<Output = Result<Option<T>, E>>,
{
    let end = Instant::now() + limit;
    for n in 0.. {
        if let Some(found) = look().await? {
            return Ok(Some(found));
        }
        let pause = timing.pause(n);
        if Instant::now() + pause > end {
            return Ok(None);
        }
        tokio::time::sleep(pause).await;
    }
    Ok(None)
}
