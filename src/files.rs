//! Writing a file so that a reader, or a crash, sees the old content or the new, never half of either.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// No file of ours or of the AWS tools comes near this many bytes.
const LARGEST: u64 = 64 << 20;

/// Reads a regular file, at the end of symlinks: a pipe would be waited for without end, and a device be read without.
///
/// # Errors
/// When it is something else, too large, or cannot be read.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let found = fs::metadata(path)?;
    must_be_regular(&found)?;
    if found.len() > LARGEST {
        return Err(io::Error::other("it is larger than 64 MB"));
    }
    fs::read(path)
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
/// A symlink stays one: what it points at is replaced. The folder must be there.
///
/// # Errors
/// Any step that fails; the target is then as it was.
pub fn write_atomically(path: &Path, content: &[u8], access: Access) -> io::Result<()> {
    let target = resolve(path)?;
    if let Ok(before) = fs::metadata(&target) {
        // A device or a pipe, which a rename would take away from everybody.
        must_be_regular(&before)?;
    }
    let folder = target
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".idc-setup-").tempfile_in(folder)?;
    file.write_all(content)?;
    match fs::metadata(&target) {
        Ok(before) if access == Access::AsBefore => file.as_file().set_permissions(before.permissions())?,
        _ => make_private(file.as_file())?,
    }
    file.as_file().sync_all()?;
    file.persist(&target).map_err(|error| error.error)?;
    sync_folder(folder)
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
fn resolve(path: &Path) -> io::Result<PathBuf> {
    // As many as Linux follows.
    const MOST_LINKS: usize = 40;
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
