//! The state file: its location, reading it, and writing it atomically.

use std::cell::RefCell;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::lock::{Lock, LockError};
use super::record::{FORMAT, Record};
use super::{Holder, Last};
use crate::environment::Environment;
use crate::ids::AccountId;
use aws_config_file::files::{self, Access};

/// The folder of the state files.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
}

/// Why the state file cannot be used. The messages are shown to the user.
#[derive(Debug, thiserror::Error)]
pub enum ProgressError {
    /// Another run holds the lock.
    #[error("another run is working on this account{}", holder_text(.0.as_ref()))]
    Locked(Option<Holder>),
    /// The file is truncated, or is not a state file. It was moved aside if `kept` is set.
    #[error("the state file {} is not valid ({why}){}", path.display(), kept_text(kept.as_ref()))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The message of the parser.
        why: String,
        /// The path that the file was moved to.
        kept: Option<PathBuf>,
    },
    /// The file exists, but cannot be opened or read.
    #[error("the state file {} cannot be opened ({error})", path.display())]
    Closed {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file was written by a newer version.
    #[error("the state file {} has format {format}; this version supports formats up to {FORMAT}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: u64,
    },
    /// The file belongs to a different account than the credentials.
    #[error("the state file {} belongs to account {of_file}, but the credentials belong to account {of_credentials}", path.display())]
    OtherAccount {
        /// The file.
        path: PathBuf,
        /// The account of the file.
        of_file: AccountId,
        /// The account of the credentials.
        of_credentials: AccountId,
    },
    /// The file cannot be written.
    #[error("the state file {} cannot be written ({error})", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// The holder of the lock, in parentheses.
pub fn holder_text(holder: Option<&Holder>) -> String {
    holder.map_or_else(String::new, |holder| {
        format!(
            " (process {}, since {})",
            holder.pid,
            holder.since.strftime("%Y-%m-%d %H:%M:%S UTC")
        )
    })
}

fn kept_text(kept: Option<&PathBuf>) -> String {
    kept.map_or_else(String::new, |kept| format!("; it was moved to {}", kept.display()))
}

impl Folder {
    /// `$XDG_STATE_HOME/idc-setup`, `~/.local/state/idc-setup`, or `%LOCALAPPDATA%\idc-setup` on Windows. A rehearsal has only a
    /// home folder.
    pub fn of(environment: &Environment) -> Option<Self> {
        let base = match environment.var("XDG_STATE_HOME").map(PathBuf::from) {
            Some(base) if base.is_absolute() => base,
            _ if cfg!(windows) => match environment.var("LOCALAPPDATA") {
                Some(folder) => PathBuf::from(folder),
                None => environment.home()?.join("AppData").join("Local"),
            },
            _ => environment.home()?.join(".local").join("state"),
        };
        Some(Self {
            path: base.join("idc-setup"),
        })
    }

    /// The state file of an account.
    pub fn state_file(&self, partition: &str, account: &AccountId) -> PathBuf {
        self.path.join(format!("{partition}-{account}.json"))
    }

    /// Checks that state files can be written to the folder.
    ///
    /// # Errors
    /// If not; the error names the folder.
    pub fn check_writable(&self) -> io::Result<()> {
        let why = |error: io::Error| io::Error::new(error.kind(), format!("{} ({error})", self.path.display()));
        files::check_writable(&self.path.join("last.json")).map_err(why)
    }

    /// The account, profile and Region of the last run, if there was one.
    pub fn last(&self) -> Option<Last> {
        let text = files::read(&self.path.join("last.json")).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Saves the account, profile and Region for the next run.
    pub fn remember(&self, last: &Last) -> io::Result<()> {
        files::make_private_folder(&self.path)?;
        let text = serde_json::to_vec_pretty(last)?;
        files::write_atomically(&self.path.join("last.json"), &text, Access::OwnerOnly)
    }
}

/// The progress of an account, in memory and in its state file.
#[derive(Debug)]
pub struct Progress {
    path: PathBuf,
    record: RefCell<Record>,
    lock: Option<Lock>,
}

impl Progress {
    /// Acquires the lock and reads the file. If there is no file, the progress is empty.
    ///
    /// # Errors
    /// [`ProgressError`]. A file that is not valid is moved aside, so that the next run starts over.
    pub fn open(path: &Path, partition: &str, account: &AccountId) -> Result<Self, ProgressError> {
        let lock = Self::lock(path)?;
        // Temporary files of a killed run contain answers.
        if let Some(folder) = path.parent() {
            files::remove_abandoned(folder);
        }
        let record = match read(path) {
            // A file with another name may have been given by mistake, so it is not moved.
            Err(ProgressError::Unreadable { path, why, .. }) if is_named_by_us(&path) => {
                let kept = keep_aside(&path);
                return Err(ProgressError::Unreadable { path, why, kept });
            }
            other => other?,
        };
        Self::new(path, record, partition, account, Some(lock))
    }

    /// Reads the file without the lock. Changes are not saved.
    ///
    /// # Errors
    /// [`ProgressError`]. The file is not moved.
    pub fn open_read_only(path: &Path, partition: &str, account: &AccountId) -> Result<Self, ProgressError> {
        Self::new(path, read(path)?, partition, account, None)
    }

    fn new(
        path: &Path,
        record: Option<Record>,
        partition: &str,
        account: &AccountId,
        lock: Option<Lock>,
    ) -> Result<Self, ProgressError> {
        let record = record.unwrap_or_else(|| Record::new(partition, account));
        if (record.partition.as_str(), &record.account) != (partition, account) {
            return Err(ProgressError::OtherAccount {
                path: path.to_owned(),
                of_file: record.account,
                of_credentials: account.clone(),
            });
        }
        Ok(Self {
            path: path.to_owned(),
            record: RefCell::new(record),
            lock,
        })
    }

    /// Invalid state files of this account that were moved aside. The resources recorded in them are not known here.
    pub fn kept_aside(&self) -> Vec<PathBuf> {
        let mut prefix = self.path.file_name().unwrap_or_default().to_owned();
        prefix.push(KEPT);
        let prefix = prefix.to_string_lossy().into_owned();
        let folder = self.path.parent().map(fs::read_dir);
        let entries = folder.into_iter().flatten().flatten().flatten();
        let mut kept: Vec<PathBuf> = entries
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
            .map(|entry| entry.path())
            .collect();
        kept.sort();
        kept
    }

    /// Takes the lock of a state file without reading it.
    ///
    /// # Errors
    /// [`ProgressError::Locked`] if another process holds it, [`ProgressError::Io`] if it cannot be created.
    pub fn lock(path: &Path) -> Result<Lock, ProgressError> {
        Lock::take(&lock_of(path)).map_err(|error| match error {
            LockError::Held(holder) => ProgressError::Locked(holder),
            LockError::Io(error) => io_error(path, error),
        })
    }

    /// Takes the lock of the state file that was read, for a command that does not write it.
    ///
    /// # Errors
    /// As for [`lock`](Self::lock).
    pub fn take_lock(&self) -> Result<Lock, ProgressError> {
        Self::lock(&self.path)
    }

    /// Reads the record.
    pub fn read<T>(&self, reader: impl FnOnce(&Record) -> T) -> T {
        reader(&self.record.borrow())
    }

    /// Changes the record and, if the lock is held, saves it before returning.
    ///
    /// # Errors
    /// [`ProgressError::Io`] if it cannot be saved. The record in memory is changed in any case.
    pub fn change(&self, changer: impl FnOnce(&mut Record)) -> Result<(), ProgressError> {
        let before = self.record.borrow().clone();
        changer(&mut self.record.borrow_mut());
        let record = self.record.borrow();
        if self.lock.is_none() || (*record == before && self.path.exists()) {
            return Ok(());
        }
        let mut text = serde_json::to_vec_pretty(&*record).map_err(|error| io_error(&self.path, error.into()))?;
        text.push(b'\n');
        files::write_atomically(&self.path, &text, Access::OwnerOnly).map_err(|error| io_error(&self.path, error))
    }
}

/// The lock file: next to the state file, with `.lock` appended to its name.
fn lock_of(path: &Path) -> PathBuf {
    // All symbolic links to a file share its lock.
    let mut name = files::resolve(path)
        .unwrap_or_else(|_| path.to_owned())
        .into_os_string();
    name.push(".lock");
    PathBuf::from(name)
}

/// Whether the name is one that [`Folder::state_file`] gives, such as `aws-123456789012.json`.
fn is_named_by_us(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let account = name.strip_suffix(".json").and_then(|name| name.rsplit('-').next());
    name.starts_with("aws") && account.is_some_and(|account| account.parse::<AccountId>().is_ok())
}

fn io_error(path: &Path, error: io::Error) -> ProgressError {
    ProgressError::Io {
        path: path.to_owned(),
        error,
    }
}

/// Reads a state file of any account; `None` if it does not exist.
pub fn read(path: &Path) -> Result<Option<Record>, ProgressError> {
    let text = match files::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(ProgressError::Closed {
                path: path.to_owned(),
                error,
            });
        }
    };
    let unreadable = |why: serde_json::Error| ProgressError::Unreadable {
        path: path.to_owned(),
        why: why.to_string(),
        kept: None,
    };
    let value: serde_json::Value = serde_json::from_slice(&text).map_err(unreadable)?;
    let format = value.get("format").and_then(serde_json::Value::as_u64).unwrap_or(0);
    if format > u64::from(FORMAT) {
        return Err(ProgressError::Newer {
            path: path.to_owned(),
            format,
        });
    }
    let record: Record = serde_json::from_value(value).map_err(unreadable)?;
    record
        .check_ids()
        .map_err(|why| unreadable(serde::de::Error::custom(why)))?;
    Ok(Some(record))
}

/// The part between the name and the timestamp of a file that is moved aside.
const KEPT: &str = ".unreadable-";

/// Moves an invalid file aside, to a name that does not exist yet.
fn keep_aside(path: &Path) -> Option<PathBuf> {
    let stamp = Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let mut kept = path.as_os_str().to_owned();
    kept.push(format!("{KEPT}{stamp}"));
    let kept = PathBuf::from(kept);
    (!kept.exists() && fs::rename(path, &kept).is_ok()).then_some(kept)
}

impl Progress {
    /// Reads the record of any account; `None` if the file does not exist.
    ///
    /// # Errors
    /// [`ProgressError`]. The file is not moved.
    pub fn read_file(path: &Path) -> Result<Option<Record>, ProgressError> {
        read(path)
    }
}
