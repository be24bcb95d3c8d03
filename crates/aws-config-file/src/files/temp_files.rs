//! Temporary files, and the deletion of those that killed processes left behind.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use tempfile::NamedTempFile;

use crate::limits::LONGEST_WRITE;

/// The prefix of temporary file names. Random characters follow.
const PREFIX: &str = ".idc-setup-";

/// Creates a temporary file in a folder. It is locked until this process closes it or ends.
///
/// # Errors
/// If it cannot be created.
pub fn create_in(folder: &Path) -> io::Result<NamedTempFile> {
    loop {
        let file = tempfile::Builder::new().prefix(PREFIX).tempfile_in(folder)?;
        // Without locks, as on some network file systems, the age of the file decides whether it is abandoned.
        let _ = file.as_file().lock();
        // Before it was locked, another process may have taken it for an abandoned one.
        if file.path().exists() {
            return Ok(file);
        }
    }
}

/// Deletes the temporary files that killed processes left in a folder: they may contain a token, or a copy of a config
/// file. Files of running processes are kept. A file that cannot be deleted is tried again at the next write.
pub fn remove_abandoned(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file())) {
        let is_temporary = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        if is_temporary && let Ok(file) = File::open(entry.path()) {
            // The lock is held until the file is deleted.
            if is_abandoned(&file) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// Whether no process writes to a temporary file any more. Its writer holds a lock. Where there are no locks, a file counts
/// as abandoned after the time that a write could take.
fn is_abandoned(file: &File) -> bool {
    match file.try_lock() {
        Ok(()) => true,
        Err(TryLockError::WouldBlock) => false,
        Err(TryLockError::Error(_)) => is_older_than_any_write(file),
    }
}

fn is_older_than_any_write(file: &File) -> bool {
    let modified = file.metadata().and_then(|metadata| metadata.modified());
    modified.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > LONGEST_WRITE))
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::super::{Access, write_atomically};
    use super::*;

    #[test]
    fn only_temporary_files_of_killed_processes_are_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let written = create_in(folder.path()).unwrap();
        let killed = folder.path().join(".idc-setup-killed");
        let notes = folder.path().join("notes");
        fs::write(&killed, "x").unwrap();
        fs::write(&notes, "x").unwrap();
        write_atomically(&folder.path().join("file"), b"x", Access::OwnerOnly).unwrap();
        assert!(!killed.exists());
        assert!(written.path().exists() && notes.exists());
    }

    #[test]
    fn without_locks_a_file_is_abandoned_after_an_hour() {
        let file = tempfile::tempfile().unwrap();
        let now = SystemTime::now();
        let minute = Duration::from_mins(1);
        for (modified, is_old) in [
            (now - 61 * minute, true),
            (now - 59 * minute, false),
            (now, false),
            (now + 61 * minute, false),
        ] {
            file.set_modified(modified).unwrap();
            assert_eq!(is_older_than_any_write(&file), is_old, "{modified:?}");
        }
    }
}
