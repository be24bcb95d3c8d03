//! All limits of this crate.

use std::time::Duration;

/// The shortest remaining lifetime of a cached token that is still used
pub const TOKEN_WINDOW: Duration = Duration::from_mins(1);
/// The largest file that is read, in MB
pub const LARGEST_FILE_MB: u64 = 64;
/// The longest chain of symbolic links that is followed (the same limit as Linux)
pub const MOST_LINKS: usize = 40;
/// The age from which a temporary file is deleted on a file system without locks
pub const LONGEST_WRITE: Duration = Duration::from_hours(1);
