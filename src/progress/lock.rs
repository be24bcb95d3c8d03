//! One run at a time: a file next to the state file, locked by the operating system, which releases the lock when the
//! process ends.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::limits::{HOLDER_PAUSE, HOLDER_READS};
use aws_config_file::files;

/// The exclusive right to write the state file.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

/// The process that holds the lock.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Holder {
    /// Process id.
    pub pid: u32,
    /// When it acquired the lock.
    pub since: Timestamp,
}

/// Why the lock could not be acquired.
#[derive(Debug)]
pub enum LockError {
    /// Another run holds it; the holder, if it could be read.
    Held(Option<Holder>),
    /// The lock file could not be created.
    Io(io::Error),
}

impl Lock {
    /// Acquires the lock, or returns its holder. Does not wait for the lock, but up to a second for the name of its holder. The
    /// file remains after the lock is released.
    pub fn take(path: &Path) -> Result<Self, LockError> {
        if let Some(folder) = path.parent() {
            files::make_private_folder(folder).map_err(LockError::Io)?;
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        if fs::symlink_metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(LockError::Io(not_a_lock(path, "is not a file")));
        }
        let mut file = options.open(path).map_err(LockError::Io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockError::Held(current_holder(&mut file))),
            Err(TryLockError::Error(error)) => return Err(LockError::Io(error)),
        }
        if !is_lock(&mut file).map_err(LockError::Io)? {
            return Err(LockError::Io(not_a_lock(path, "has unexpected content")));
        }
        // A process that was killed may have left its id.
        file.set_len(0).map_err(LockError::Io)?;
        files::make_private(&file)
            .and_then(|()| files::give_away(path))
            .map_err(LockError::Io)?;
        let me = Holder {
            pid: std::process::id(),
            since: Timestamp::now(),
        };
        let text = serde_json::to_string(&me).unwrap_or_default();
        file.rewind()
            .and_then(|()| file.write_all(text.as_bytes()))
            .map_err(LockError::Io)?;
        Ok(Self { file })
    }
}

impl Drop for Lock {
    /// Removes the holder, so that the next process that fails to take the lock does not name a process that has ended.
    fn drop(&mut self) {
        let _ = self.file.set_len(0);
    }
}

/// The process that holds the lock, which writes its id right after it has taken the lock. Until then, the file can name a
/// process that was killed, so only what two reads agree on counts.
fn current_holder(file: &mut File) -> Option<Holder> {
    let mut before = None;
    for _ in 0..HOLDER_READS {
        let now = holder(file);
        if now.is_some() && now == before {
            return now;
        }
        before = now;
        std::thread::sleep(HOLDER_PAUSE);
        file.rewind().ok()?;
    }
    None
}

fn not_a_lock(path: &Path, why: &str) -> io::Error {
    let path = path.display();
    io::Error::other(format!("the path of its lock file, {path}, {why}: move it away"))
}

/// Whether the file is empty or names a holder. Any other file only happens to have this name.
fn is_lock(file: &mut File) -> io::Result<bool> {
    let is_short = file.metadata()?.len() < 1024;
    let is_lock = file.metadata()?.len() == 0 || (is_short && holder(file).is_some());
    file.rewind()?;
    Ok(is_lock)
}

fn holder(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_lock_names_its_holder_and_a_released_lock_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        let first = Lock::take(&path).unwrap();
        match Lock::take(&path) {
            Err(LockError::Held(Some(holder))) => assert_eq!(holder.pid, std::process::id()),
            other => panic!("{other:?}"),
        }
        drop(first);
        // A process that another test starts can briefly inherit the descriptor.
        let free = || Lock::take(&path).is_ok();
        assert!((0..500).any(|_| free() || {
            std::thread::sleep(HOLDER_PAUSE);
            false
        }));
        // A file that only happens to have this name is not overwritten.
        fs::write(&path, "precious").unwrap();
        assert!(matches!(Lock::take(&path), Err(LockError::Io(_))));
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }
}
