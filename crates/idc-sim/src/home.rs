//! Temporary home folders for the programs that use a simulation, so that they do not write to the user's own.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

/// The file in a home folder that its process holds locked.
const LOCK: &str = ".idc-sim-lock";

/// A folder that is younger may belong to a process that has not locked it yet.
const YOUNG: Duration = Duration::from_mins(1);

/// A temporary home folder, which only its owner can read. It is removed when it is dropped. If the process is killed before
/// that, the next one that creates a folder with the same prefix removes it.
#[derive(Debug)]
pub struct TemporaryHome {
    // Before the folder, because Windows does not remove the folder of an open file.
    _lock: File,
    folder: TempDir,
}

impl TemporaryHome {
    /// Creates a folder in the folder for temporary files, and removes those of processes that have ended.
    ///
    /// # Errors
    /// When the folder cannot be created.
    pub fn create(prefix: &str) -> std::io::Result<Self> {
        Self::create_in(&std::env::temp_dir(), prefix, YOUNG)
    }

    fn create_in(parent: &Path, prefix: &str, young: Duration) -> std::io::Result<Self> {
        remove_abandoned(parent, prefix, young);
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let folder = builder.prefix(prefix).tempdir_in(parent)?;
        let lock = File::create(folder.path().join(LOCK))?;
        lock.lock()?;
        Ok(Self { _lock: lock, folder })
    }

    /// Returns the path of the folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes the folders with this prefix whose process has ended. A folder that cannot be examined or removed stays: it
/// belongs to somebody else.
fn remove_abandoned(parent: &Path, prefix: &str, young: Duration) {
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix)) {
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let age = entry.metadata().and_then(|metadata| metadata.modified()).ok();
        let is_old = age.and_then(|at| at.elapsed().ok()).is_some_and(|age| age >= young);
        if !is_folder || !is_old {
            continue;
        }
        if let Ok(lock) = File::open(entry.path().join(LOCK)) {
            let is_abandoned = lock.try_lock().is_ok();
            drop(lock);
            if is_abandoned {
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_start_removes_the_folder_of_a_killed_process_and_no_other() {
        let parent = tempfile::tempdir().unwrap();
        let create = || TemporaryHome::create_in(parent.path(), "home-", Duration::ZERO).unwrap();
        let running = create();
        let killed = create();
        // The operating system releases the lock of a killed process, and nothing removes the folder.
        let left = killed.folder.path().to_owned();
        let TemporaryHome { _lock: lock, folder } = killed;
        drop(lock);
        let _ = folder.keep();
        let foreign = parent.path().join("home-of-somebody");
        std::fs::create_dir(&foreign).unwrap();
        let next = create();
        assert!(!left.exists(), "of the killed process");
        assert!(running.path().exists() && next.path().exists() && foreign.exists());
    }
}
