//! Atomic writes: after a crash, and for concurrent readers, a file has either the old or the new content.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::limits::{LARGEST_FILE_MB, MOST_LINKS};

mod metadata;
mod temp_files;

use metadata::{
    ChangedMeanwhile, give_to_owner_of_folder, must_be_regular, must_be_replaceable, must_not_be_fixed, take_over,
};
pub use temp_files::remove_abandoned;

/// Reads a regular file. Symbolic links are followed. Pipes and devices are refused, since reading them might never
/// end.
///
/// # Errors
/// If it is not a regular file, is too large, or cannot be read.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let metadata = fs::metadata(path)?;
    must_be_regular(&metadata)?;
    if metadata.len() > LARGEST_FILE_MB << 20 {
        return Err(io::Error::other(format!("it is larger than {LARGEST_FILE_MB} MB")));
    }
    fs::read(path)
}

/// [`read`], as text.
///
/// # Errors
/// As for [`read`], and if the content is not UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    String::from_utf8(read(path)?).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
}

/// The mode of a file that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Only the owner has access (0600), independent of the umask and of the previous mode.
    OwnerOnly,
    /// The previous mode of the file; 0600 for a new file.
    AsBefore,
}

/// Writes to a temporary file beside the target, syncs it, renames it over the target and syncs the folder.
///
/// A symbolic link is kept: its target is replaced. The folder must exist. Temporary files that killed processes left
/// in the folder are deleted first.
///
/// # Errors
/// If any step fails; the target is then unchanged.
pub fn write_atomically(path: &Path, content: &[u8], access: Access) -> io::Result<()> {
    write(path, content, access, || Ok(()))
}

/// [`write_atomically`], if the file still has the content `before` (empty if the file did not exist), so that changes
/// that another program made after the read are not lost.
///
/// # Errors
/// An error for which [`is_changed`] returns `true` if the content has changed; the error of any step that fails.
pub fn edit_atomically(path: &Path, before: &[u8], content: &[u8]) -> io::Result<()> {
    write(path, content, Access::AsBefore, || {
        let now = match read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            now => now?,
        };
        let is_same = now == before;
        is_same.then_some(()).ok_or_else(|| io::Error::other(ChangedMeanwhile))
    })
}

/// Whether an edit failed because another program has changed the file since it was read.
pub fn is_changed(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(<dyn std::error::Error + Send + Sync>::is::<ChangedMeanwhile>)
}

/// `may_replace` is called last, immediately before the rename.
fn write(path: &Path, content: &[u8], access: Access, may_replace: impl Fn() -> io::Result<()>) -> io::Result<()> {
    let target = resolve(path)?;
    let before = fs::metadata(&target).ok();
    if let Some(before) = &before {
        // A rename would replace a device or a pipe that other programs use.
        must_be_replaceable(&target, before)?;
    }
    let folder = folder_of(&target);
    remove_abandoned(folder);
    let mut file = temp_files::create_in(folder)?;
    file.write_all(content)?;
    match before {
        Some(before) if access == Access::AsBefore => take_over(file.as_file(), &target, &before)?,
        _ => {
            make_private(file.as_file())?;
            give_to_owner_of_folder(file.path(), folder)?;
        }
    }
    file.as_file().sync_all()?;
    may_replace()?;
    file.persist(&target).map_err(|error| error.error)?;
    sync_folder(folder)
}

/// Checks whether [`write_atomically`] could write a file, without writing it: its type and mode, and the permissions
/// of its folder or of the closest parent that exists.
///
/// # Errors
/// The reason why the file cannot be written.
pub fn check_writable(path: &Path) -> io::Result<()> {
    if path.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    let target = resolve(path)?;
    if let Ok(before) = fs::metadata(&target) {
        must_be_replaceable(&target, &before)?;
    } else if target != path && !folder_of(&target).is_dir() {
        let why = format!("it points to {}, whose folder does not exist", target.display());
        return Err(io::Error::new(io::ErrorKind::NotFound, why));
    }
    let mut folder = folder_of(&target);
    while !folder.exists() {
        if fs::symlink_metadata(folder).is_ok() {
            let why = format!("{} is a symbolic link that leads nowhere", folder.display());
            return Err(io::Error::new(io::ErrorKind::NotADirectory, why));
        }
        folder = folder_of(folder);
    }
    if !folder.is_dir() {
        return Err(io::Error::from(io::ErrorKind::NotADirectory));
    }
    must_not_be_fixed(folder)?;
    #[cfg(unix)]
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)?;
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."))
}

/// Locks the folder of a file, or the closest parent that exists, against other processes that call this. The lock ends
/// when the value is dropped. Where folders cannot be locked, nothing is locked.
pub fn lock_folder_of(path: &Path) -> Option<fs::File> {
    let mut folder = folder_of(path);
    while !folder.exists() && folder_of(folder) != folder {
        folder = folder_of(folder);
    }
    let folder = fs::File::open(folder).ok()?;
    folder.lock().ok()?;
    Some(folder)
}

/// The parent folders of a file that do not exist yet, the outermost first.
pub fn missing_folders(path: &Path) -> Vec<PathBuf> {
    let above = path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
    let mut missing: Vec<PathBuf> = above
        .take_while(|folder| !folder.exists())
        .map(Path::to_owned)
        .collect();
    missing.reverse();
    missing
}

/// Deletes a file and syncs the folder, so that the file does not reappear after a crash.
///
/// # Errors
/// If the file cannot be deleted, for example because it does not exist.
pub fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    sync_folder(folder_of(path))
}

/// Creates a folder and its parents. Only the owner has access to new folders (0700), independent of the umask.
pub fn make_private_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() || path.as_os_str().is_empty() {
        return Ok(());
    }
    path.parent().map_or(Ok(()), make_private_folder)?;
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes"))]
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Ok(()) => {
            #[cfg(unix)]
            fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
            give_to_owner_of_folder(path, folder_of(path))?;
            sync_folder(folder_of(path))
        }
        // Another program has created it in the meantime.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Gives a new file to the owner of its folder if this process is root, so that `sudo` locks no user out.
///
/// # Errors
/// If the owner of the folder cannot be read, or that of the file cannot be changed.
pub fn give_away(path: &Path) -> io::Result<()> {
    give_to_owner_of_folder(path, folder_of(path))
}

/// Gives only the owner access to a file (0600), independent of the umask.
pub fn make_private(file: &fs::File) -> io::Result<()> {
    #[cfg(unix)]
    return file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600));
    #[cfg(not(unix))]
    {
        let _ = file;
        Ok(())
    }
}

/// The SHA-256 digest in hexadecimal, to check whether a file has the expected content.
pub fn digest(content: &[u8]) -> String {
    hex(&Sha256::digest(content))
}

/// Bytes in lowercase hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The target of a chain of symbolic links. The target does not need to exist.
///
/// # Errors
/// If the links form a loop.
pub fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..=MOST_LINKS {
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.file_type().is_symlink() => {
                let target = fs::read_link(&path)?;
                let beside = path.parent().map(|parent| parent.join(&target));
                path = beside.unwrap_or(target);
            }
            _ => return Ok(path),
        }
    }
    Err(io::Error::other("its symbolic links form a loop"))
}

/// A file that was created, renamed or deleted is so after a crash only if its folder has been synced.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn only_regular_files_are_read_or_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (socket, link) = (folder.path().join("socket"), folder.path().join("link"));
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        std::os::unix::fs::symlink(&socket, &link).unwrap();
        for path in [&socket, &link] {
            let errors = [
                read(path).unwrap_err(),
                check_writable(path).unwrap_err(),
                write_atomically(path, b"x", Access::AsBefore).unwrap_err(),
            ];
            for error in errors {
                assert_eq!(error.to_string(), "it is not a regular file", "{}", path.display());
            }
        }
        assert!(!fs::metadata(&socket).unwrap().is_file(), "the socket is still there");
        assert_eq!(read(folder.path()).unwrap_err().kind(), io::ErrorKind::IsADirectory);
    }

    #[test]
    fn a_file_larger_than_64_mb_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        let file = fs::File::create(&path).unwrap();
        // A file with a hole takes no space.
        file.set_len(64 << 20).unwrap();
        assert_eq!(read(&path).unwrap().len(), 64 << 20);
        file.set_len((64 << 20) + 1).unwrap();
        assert_eq!(read(&path).unwrap_err().to_string(), "it is larger than 64 MB");
    }

    #[test]
    fn only_utf_8_is_read_as_text() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        fs::write(&file, "[profile é]\r\n").unwrap();
        assert_eq!(read_text(&file).unwrap(), "[profile é]\r\n");
        fs::write(&file, b"[profile \xe9]\r\n").unwrap();
        assert_eq!(read_text(&file).unwrap_err().kind(), io::ErrorKind::InvalidData);
        fs::remove_file(&file).unwrap();
        assert_eq!(read_text(&file).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn the_folder_of_a_file_is_locked_until_the_lock_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let other = fs::File::open(folder.path()).unwrap();
        // The closest folder that exists.
        for file in ["config", "new/folder/config"] {
            let lock = lock_folder_of(&folder.path().join(file)).unwrap();
            assert!(other.try_lock().is_err(), "{file}");
            drop(lock);
            // A process that another test starts can briefly inherit the descriptor.
            let is_free = (0..500).any(|_| {
                std::thread::sleep(std::time::Duration::from_millis(10));
                other.try_lock().is_ok()
            });
            assert!(is_free, "{file}");
            other.unlock().unwrap();
        }
        assert!(lock_folder_of(Path::new("config")).is_some());
    }

    #[test]
    fn a_concurrent_edit_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        edit_atomically(&file, b"", b"one").unwrap();
        edit_atomically(&file, b"one", b"two").unwrap();
        let error = edit_atomically(&file, b"one", b"three").unwrap_err();
        assert!(is_changed(&error), "{error}");
        assert_eq!(error.to_string(), "another program has just changed it");
        assert!(!is_changed(&io::Error::other("something else")));
        assert_eq!(fs::read(&file).unwrap(), b"two");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_not_overwritten_as_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        let length = (64 << 20) + 1;
        fs::File::create(&path).unwrap().set_len(length).unwrap();
        assert!(edit_atomically(&path, b"", b"new").is_err());
        assert_eq!(fs::metadata(&path).unwrap().len(), length);
    }

    #[test]
    fn check_writable_detects_files_that_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        check_writable(&folder.path().join("new").join("config")).unwrap();
        fs::write(&file, "x").unwrap();
        check_writable(&file).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
        assert!(check_writable(&file).is_err() && write_atomically(&file, b"y", Access::AsBefore).is_err());
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("nowhere/config", &link).unwrap();
        assert!(
            check_writable(&link)
                .unwrap_err()
                .to_string()
                .contains("nowhere/config")
        );
        assert!(check_writable(&file.join("config")).is_err(), "below a file");
        std::os::unix::fs::symlink("third", folder.path().join("second")).unwrap();
        check_writable(&folder.path().join("second")).unwrap();
    }

    #[test]
    fn check_writable_says_what_the_system_will_allow() {
        let folder = tempfile::tempdir().unwrap();
        for mode in [0o700, 0o600, 0o500, 0o400] {
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
            // Root may write to every folder.
            let is_allowed = fs::File::create_new(folder.path().join(format!("{mode:o}"))).is_ok();
            let is_writable = check_writable(&folder.path().join("config")).is_ok();
            assert_eq!(is_writable, is_allowed, "{mode:o}");
        }
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    }

    #[test]
    fn the_owner_of_a_file_is_kept() {
        use std::os::unix::fs::MetadataExt as _;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        fs::write(&file, "x").unwrap();
        let own = fs::metadata(&file).unwrap();
        for owner in [
            (own.uid(), own.gid()),
            (1234, 5678),
            (1234, own.gid()),
            (own.uid(), 5678),
        ] {
            // Only root can change the owner of a file, so that only root could lose it.
            if std::os::unix::fs::chown(&file, Some(owner.0), Some(owner.1)).is_ok() {
                fs::set_permissions(&file, fs::Permissions::from_mode(0o664)).unwrap();
                write_atomically(&file, b"y", Access::AsBefore).unwrap();
                let metadata = fs::metadata(&file).unwrap();
                assert_eq!((metadata.uid(), metadata.gid()), owner);
                assert_eq!(metadata.permissions().mode() & 0o777, 0o664, "{owner:?}");
            }
        }
    }

    #[test]
    fn a_chain_of_40_symlinks_is_followed_as_linux_does() {
        let folder = tempfile::tempdir().unwrap();
        let link = |number: u32| folder.path().join(number.to_string());
        fs::write(link(0), "x").unwrap();
        for number in 1..=41 {
            std::os::unix::fs::symlink((number - 1).to_string(), link(number)).unwrap();
        }
        assert_eq!(resolve(&link(40)).unwrap(), link(0));
        assert!(resolve(&link(41)).is_err());
    }

    #[test]
    fn a_removed_file_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        fs::write(&file, "x").unwrap();
        remove(&file).unwrap();
        assert!(!file.exists());
        assert_eq!(remove(&file).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn missing_folders_are_created_from_the_outermost_for_the_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let outer = folder.path().join("outer");
        let inner = outer.join("inner");
        assert_eq!(missing_folders(&inner.join("config")), [outer.clone(), inner.clone()]);
        make_private_folder(&inner).unwrap();
        for created in [&outer, &inner] {
            assert_eq!(fs::metadata(created).unwrap().permissions().mode() & 0o777, 0o700);
        }
        assert!(missing_folders(&inner.join("config")).is_empty());

        fs::set_permissions(&outer, fs::Permissions::from_mode(0o755)).unwrap();
        make_private_folder(&outer).unwrap();
        assert_eq!(
            fs::metadata(&outer).unwrap().permissions().mode() & 0o777,
            0o755,
            "it existed"
        );
        // By the time that the last folder is created, it exists.
        make_private_folder(&outer.join("new").join("..")).unwrap();

        let file = inner.join("file");
        fs::write(&file, "x").unwrap();
        for path in [file.join("folder"), file] {
            assert!(make_private_folder(&path).is_err(), "{}", path.display());
        }
    }

    #[test]
    fn paths_without_a_parent_are_in_the_current_folder() {
        assert!(missing_folders(Path::new("config")).is_empty());
        assert_eq!(
            missing_folders(Path::new("a-new-folder/config")),
            [Path::new("a-new-folder")]
        );
        make_private_folder(Path::new("")).unwrap();
        make_private_folder(Path::new("src")).unwrap();
    }

    #[test]
    fn a_file_becomes_private_whatever_its_mode_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let file = fs::File::create(&path).unwrap();
        for mode in [0o644, 0o400] {
            file.set_permissions(fs::Permissions::from_mode(mode)).unwrap();
            make_private(&file).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn digests_are_in_hexadecimal() {
        assert_eq!(hex(&[0x00, 0x0a, 0xff]), "000aff");
        // The output of `printf abc | sha256sum`.
        let digest_of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest(b"abc"), digest_of_abc);
    }

    #[test]
    fn the_target_of_a_symlink_chain_is_created() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("first"), folder.path().join("second"));
        std::os::unix::fs::symlink("second", &first).unwrap();
        std::os::unix::fs::symlink("third", &second).unwrap();
        write_atomically(&first, b"x", Access::AsBefore).unwrap();
        assert!(fs::symlink_metadata(&second).unwrap().file_type().is_symlink());
        assert_eq!(fs::read(folder.path().join("third")).unwrap(), b"x");
        std::os::unix::fs::symlink("circle", folder.path().join("circle")).unwrap();
        assert!(write_atomically(&folder.path().join("circle"), b"x", Access::AsBefore).is_err());
    }

    #[test]
    fn symlinks_and_modes_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&real, "old").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o644)).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        write_atomically(&link, b"new", Access::AsBefore).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().file_type().is_symlink());
        assert_eq!(fs::read(&real).unwrap(), b"new");
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o644);
        write_atomically(&link, b"secret", Access::OwnerOnly).unwrap();
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
