//! Temporary files, and the deletion of those that killed processes left behind.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use super::digest;
use crate::limits::LONGEST_WRITE;

/// The prefix of temporary file names. The process ID, the origin and random characters follow.
const PREFIX: &str = ".idc-setup-";

/// The prefix of temporary file names of this process.
pub fn prefix() -> String {
    format!("{PREFIX}{}-{}-", std::process::id(), origin())
}

/// Deletes the temporary files that killed processes left in a folder: they may contain a token, or a copy of a config
/// file. Files of running processes are kept. Files of another machine or container are kept for as long as a write
/// could take. A file that cannot be deleted is tried again at the next write.
pub fn remove_abandoned(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file())) {
        let name = entry.file_name();
        let Some(name) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else {
            continue;
        };
        let mut parts = name.splitn(3, '-');
        let writer = parts.next().and_then(|id| id.parse::<u32>().ok());
        let (Some(writer), Some(origin), Some(_)) = (writer, parts.next(), parts.next()) else {
            continue;
        };
        let is_abandoned = if origin == self::origin() {
            !is_alive(writer)
        } else {
            let age = entry.metadata().and_then(|metadata| metadata.modified());
            age.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > LONGEST_WRITE))
        };
        if is_abandoned {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Identifies the scope in which process IDs are unique: this boot of this machine, and the container. Eight
/// hexadecimal digits.
fn origin() -> &'static str {
    static ORIGIN: OnceLock<String> = OnceLock::new();
    ORIGIN.get_or_init(|| {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
        digest(format!("{boot}{}", namespace.display()).as_bytes())[..8].to_owned()
    })
}

/// Whether a process with this ID is running. If that cannot be determined, it counts as running.
fn is_alive(id: u32) -> bool {
    #[cfg(unix)]
    {
        let id = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw);
        id.is_some_and(|id| rustix::process::test_kill_process(id) != Err(rustix::io::Errno::SRCH))
    }
    #[cfg(not(unix))]
    {
        let _ = id;
        true
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::super::{Access, write_atomically};
    use super::*;

    #[test]
    fn only_temporary_files_of_killed_processes_are_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let mut dead = std::process::Command::new(std::env::current_exe().unwrap())
            .arg("--list")
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        dead.wait().unwrap();
        let (living, origin) = (std::process::id(), origin());
        let names = [
            format!("{PREFIX}{}-{origin}-abc", dead.id()),
            format!("{PREFIX}{living}-another0-old"),
            format!("{PREFIX}{living}-{origin}-abc"),
            format!("{PREFIX}{}-another0-new", dead.id()),
            ".idc-setup-notes".to_owned(),
        ];
        let paths = names.map(|name| folder.path().join(name));
        for path in &paths {
            fs::write(path, "x").unwrap();
        }
        let long_ago = std::time::SystemTime::now() - 2 * LONGEST_WRITE;
        fs::File::options()
            .write(true)
            .open(&paths[1])
            .unwrap()
            .set_modified(long_ago)
            .unwrap();
        write_atomically(&folder.path().join("file"), b"x", Access::OwnerOnly).unwrap();
        assert_eq!(paths.map(|path| path.exists()), [false, false, true, true, true]);
    }
}
