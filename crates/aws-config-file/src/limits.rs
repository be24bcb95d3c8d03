//! Limits of this crate, in one place.

use std::time::Duration;

/// A token with less time left is not used any more
pub const TOKEN_WINDOW: Duration = Duration::from_mins(1);
/// The largest file that is read (in MB)
pub const LARGEST_FILE_MB: u64 = 64;
/// The longest chain of symbolic links that is followed, as on Linux
pub const MOST_LINKS: usize = 40;
/// Temporary files of another machine or container are deleted when they are older
pub const LONGEST_WRITE: Duration = Duration::from_hours(1);
