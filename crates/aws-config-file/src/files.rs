//! Writing a file so that a reader, or a crash, sees the old content or the new, never half of either.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::limits::{LARGEST_FILE_MB, MOST_LINKS};

mod temp_files;

pub use temp_files::remove_abandoned;

/// Reads a regular file, at the end of symlinks: a pipe would be waited for without end, and a device be read without.
///
/// # Errors
/// When it is something else, too large, or cannot be read.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let found = fs::metadata(path)?;
    must_be_regular(&found)?;
    if found.len() > LARGEST_FILE_MB << 20 {
        return Err(io::Error::other(format!("it is larger than {LARGEST_FILE_MB} MB")));
    }
    fs::read(path)
}

/// [`read`], as text.
///
/// # Errors
/// As [`read`], and when it is not UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    String::from_utf8(read(path)?).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
}

fn must_be_regular(found: &fs::Metadata) -> io::Result<()> {
    if found.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    if !found.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    Ok(())
}

/// Who may read a file that is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The owner alone (0600), whatever the umask and whatever it was before.
    OwnerOnly,
    /// As the file was; 0600 when it is new.
    AsBefore,
}

/// Writes to a temporary file beside the target, syncs it, renames it over the target and syncs the folder.
///
/// A symlink stays one: what it points at is replaced. The folder must be there. What a killed process has left there
/// half-written is swept away first.
///
/// # Errors
/// Any step that fails; the target is then as it was.
pub fn write_atomically(path: &Path, content: &[u8], access: Access) -> io::Result<()> {
    write(path, content, access, || Ok(()))
}

/// [`write_atomically`] over a file that still says what it did (nothing, where it was not there): what another program has
/// written since it was read is not lost.
///
/// # Errors
/// [`io::ErrorKind::ResourceBusy`] when it says something else by now; any step that fails.
pub fn edit_atomically(path: &Path, before: &[u8], content: &[u8]) -> io::Result<()> {
    write(path, content, Access::AsBefore, || {
        let now = match read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            now => now?,
        };
        let why = "another program has written it just now";
        let is_same = now == before;
        is_same
            .then_some(())
            .ok_or_else(|| io::Error::new(io::ErrorKind::ResourceBusy, why))
    })
}

/// `may_replace` is asked last, when nothing is left to be done but the rename.
fn write(path: &Path, content: &[u8], access: Access, may_replace: impl Fn() -> io::Result<()>) -> io::Result<()> {
    let target = resolve(path)?;
    let before = fs::metadata(&target).ok();
    if let Some(before) = &before {
        // A device or a pipe, which a rename would take away from everybody.
        must_be_regular(before)?;
        must_be_writable(before)?;
    }
    let folder = folder_of(&target);
    remove_abandoned(folder);
    let mut file = tempfile::Builder::new()
        .prefix(&temp_files::prefix())
        .tempfile_in(folder)?;
    file.write_all(content)?;
    match before {
        Some(before) if access == Access::AsBefore => {
            let permissions = keep_owner(file.as_file(), &before)?;
            file.as_file().set_permissions(permissions)?;
        }
        _ => make_private(file.as_file())?,
    }
    file.as_file().sync_all()?;
    may_replace()?;
    file.persist(&target).map_err(|error| error.error)?;
    sync_folder(folder)
}

/// Whether a file could be written by [`write_atomically`], without writing it: what it is, its mode, and its folder's or
/// that of the first of its parents that is there.
///
/// # Errors
/// Why not.
pub fn check_writable(path: &Path) -> io::Result<()> {
    let target = resolve(path)?;
    if let Ok(before) = fs::metadata(&target) {
        must_be_regular(&before)?;
        must_be_writable(&before)?;
    } else if target != path && !folder_of(&target).is_dir() {
        let why = format!("it leads to {}, whose folder is not there", target.display());
        return Err(io::Error::new(io::ErrorKind::NotFound, why));
    }
    let mut folder = folder_of(&target);
    while !folder.exists() {
        folder = folder_of(folder);
    }
    if !folder.is_dir() {
        return Err(io::Error::from(io::ErrorKind::NotADirectory));
    }
    #[cfg(unix)]
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)?;
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."))
}

/// Whoever has taken the right to write from a file's owner does not want it replaced either.
fn must_be_writable(found: &fs::Metadata) -> io::Result<()> {
    #[cfg(unix)]
    let is_read_only = std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o200 == 0;
    #[cfg(not(unix))]
    let is_read_only = found.permissions().readonly();
    if is_read_only {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is read-only"));
    }
    Ok(())
}

/// The new file is whose the old one was: else root would lock a person out of their own file. Answers what may be done with
/// it; where its group cannot be kept, another group gets nothing.
fn keep_owner(file: &fs::File, before: &fs::Metadata) -> io::Result<fs::Permissions> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
        let now = file.metadata()?;
        let mode = before.permissions().mode();
        if now.uid() != before.uid() {
            fchown(file, Some(before.uid()), Some(before.gid()))
                .map_err(|_| io::Error::new(io::ErrorKind::PermissionDenied, "it belongs to somebody else"))?;
        } else if now.gid() != before.gid() && fchown(file, None, Some(before.gid())).is_err() {
            return Ok(fs::Permissions::from_mode(mode & !0o070));
        }
    }
    #[cfg(not(unix))]
    let _ = file;
    Ok(before.permissions())
}

/// The folders above a file that are not there yet, the outermost first.
pub fn missing_folders(path: &Path) -> Vec<PathBuf> {
    let above = path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
    let mut missing: Vec<PathBuf> = above
        .take_while(|folder| !folder.exists())
        .map(Path::to_owned)
        .collect();
    missing.reverse();
    missing
}

/// Makes a folder and its parents; those that are new are the owner's alone (0700), whatever the umask.
pub fn make_private_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() || path.as_os_str().is_empty() {
        return Ok(());
    }
    path.parent().map_or(Ok(()), make_private_folder)?;
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        #[cfg(unix)]
        Ok(()) => fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700)),
        #[cfg(not(unix))]
        Ok(()) => Ok(()),
        // Another program was first.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Makes a file the owner's alone (0600), whatever the umask.
pub fn make_private(file: &fs::File) -> io::Result<()> {
    #[cfg(unix)]
    return file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600));
    #[cfg(not(unix))]
    {
        let _ = file;
        Ok(())
    }
}

/// SHA-256 in hexadecimal: whether a file is just what was to be written.
pub fn digest(content: &[u8]) -> String {
    hex(&Sha256::digest(content))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The file itself, at the end of a chain of symlinks; what a dangling one names is made.
///
/// # Errors
/// When the links lead in a circle.
pub fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::symlink_metadata(&path) {
            Ok(found) if found.file_type().is_symlink() => {
                let target = fs::read_link(&path)?;
                let beside = path.parent().map(|parent| parent.join(&target));
                path = beside.unwrap_or(target);
            }
            _ => return Ok(path),
        }
    }
    Err(io::Error::other("its symlinks lead in a circle"))
}

/// A rename is on the disk only when its folder is.
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
    fn what_is_no_regular_file_is_neither_read_nor_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("null");
        std::os::unix::fs::symlink("/dev/null", &link).unwrap();
        assert!(write_atomically(&link, b"x", Access::AsBefore).is_err());
        assert!(read(&link).is_err());
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }

    #[test]
    fn what_another_program_has_written_meanwhile_is_not_lost() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        edit_atomically(&file, b"", b"one").unwrap();
        edit_atomically(&file, b"one", b"two").unwrap();
        let error = edit_atomically(&file, b"one", b"three").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ResourceBusy);
        assert_eq!(fs::read(&file).unwrap(), b"two");
    }

    #[test]
    fn a_file_that_cannot_be_written_is_known_before_it_is() {
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
    }

    #[test]
    fn a_file_stays_its_owners() {
        use std::os::unix::fs::MetadataExt as _;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        fs::write(&file, "x").unwrap();
        // Only root can give a file away, and only then can it be lost.
        if std::os::unix::fs::chown(&file, Some(1234), Some(1234)).is_ok() {
            write_atomically(&file, b"y", Access::AsBefore).unwrap();
            let found = fs::metadata(&file).unwrap();
            assert_eq!((found.uid(), found.gid()), (1234, 1234));
        }
    }

    #[test]
    fn the_end_of_a_chain_of_links_is_made() {
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
    fn a_symlink_stays_one_and_the_mode_stays() {
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
