//! What a file that replaces another one takes over from it, and why a file cannot be replaced.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

/// Another program has changed a file since it was read.
#[derive(Debug)]
pub struct ChangedMeanwhile;

impl fmt::Display for ChangedMeanwhile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("another program has just changed it")
    }
}

impl std::error::Error for ChangedMeanwhile {}

/// Only regular files are read and replaced.
pub fn must_be_regular(metadata: &fs::Metadata) -> io::Result<()> {
    if metadata.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    Ok(())
}

fn denied(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, why)
}

/// Checks that a file can be replaced without a loss: a rename gives the path a new file.
pub fn must_be_replaceable(path: &Path, metadata: &fs::Metadata) -> io::Result<()> {
    must_be_regular(metadata)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
        if metadata.permissions().mode() & 0o200 == 0 {
            return Err(denied("it is read-only"));
        }
        let me = rustix::process::geteuid();
        if metadata.uid() != me.as_raw() && !me.is_root() {
            return Err(denied("it belongs to another user"));
        }
        if metadata.nlink() > 1 {
            return Err(io::Error::other(
                "it has another hard link, which an edit would separate from it",
            ));
        }
    }
    #[cfg(not(unix))]
    if metadata.permissions().readonly() {
        return Err(denied("it is read-only"));
    }
    must_not_be_fixed(path)
}

/// Checks that a file is not a mount point, such as a file that is mounted into a container, and that neither a file nor a
/// folder is protected by an attribute of the file system.
#[cfg(target_os = "linux")]
pub fn must_not_be_fixed(path: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
    // An old kernel has no such call, and a file system may not report attributes.
    let Ok(read) = statx(CWD, path, AtFlags::empty(), StatxFlags::empty()) else {
        return Ok(());
    };
    let has = |attribute| (read.stx_attributes & read.stx_attributes_mask).contains(attribute);
    if has(StatxAttributes::MOUNT_ROOT) && !path.is_dir() {
        return Err(io::Error::other("it is a mount point, so it cannot be replaced"));
    }
    if has(StatxAttributes::IMMUTABLE) || has(StatxAttributes::APPEND) {
        return Err(denied("its attributes (lsattr) prevent changes"));
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "on Linux it can fail")]
pub fn must_not_be_fixed(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Gives a new file the owner, the mode, and the extended attributes of the old one, which include an access control
/// list.
///
/// # Errors
/// If something cannot be kept: the file would then be open to others, or closed to its owner.
pub fn take_over(file: &fs::File, old: &Path, before: &fs::Metadata) -> io::Result<()> {
    file.set_permissions(keep_owner(file, before)?)?;
    #[cfg(target_os = "linux")]
    attributes::copy(old, file)?;
    #[cfg(not(target_os = "linux"))]
    let _ = old;
    Ok(())
}

/// Gives the new file the owner of the old one: otherwise a program run as root would lock users out of their own
/// files. Returns the permissions for the new file, without those of the group if the group cannot be kept.
#[cfg_attr(not(unix), expect(clippy::unnecessary_wraps, reason = "on Unix it can fail"))]
fn keep_owner(file: &fs::File, before: &fs::Metadata) -> io::Result<fs::Permissions> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
        let now = file.metadata()?;
        let mode = before.permissions().mode();
        if now.uid() != before.uid() {
            fchown(file, Some(before.uid()), Some(before.gid())).map_err(|_| denied("it belongs to another user"))?;
        } else if now.gid() != before.gid() && fchown(file, None, Some(before.gid())).is_err() {
            return Ok(fs::Permissions::from_mode(without_group(mode)));
        }
    }
    #[cfg(not(unix))]
    let _ = file;
    Ok(before.permissions())
}

/// The mode of a file without the permissions of its group.
#[cfg(unix)]
fn without_group(mode: u32) -> u32 {
    mode & !0o070
}

/// Gives a new file or folder to the owner of the folder that contains it, if this process is root and that owner is
/// not: `sudo` can keep the home folder of the user, who must not be locked out of files in it.
#[cfg_attr(not(unix), expect(clippy::unnecessary_wraps, reason = "on Unix it can fail"))]
pub fn give_to_owner_of_folder(path: &Path, folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if rustix::process::geteuid().is_root() {
        use std::os::unix::fs::MetadataExt as _;
        let owner = fs::metadata(folder)?;
        if owner.uid() != 0 {
            std::os::unix::fs::chown(path, Some(owner.uid()), Some(owner.gid()))?;
        }
    }
    #[cfg(not(unix))]
    let _ = (path, folder);
    Ok(())
}

#[cfg(target_os = "linux")]
mod attributes {
    use std::ffi::{OsStr, OsString};
    use std::fs::File;
    use std::io;
    use std::os::unix::ffi::OsStrExt as _;
    use std::path::Path;

    use rustix::fs::{XattrFlags, flistxattr, fremovexattr, fsetxattr, getxattr, listxattr};

    /// An access control list, which the kernel keeps as an attribute.
    const ACL: &str = "system.posix_acl_access";
    /// The largest list of names, and the largest value, of Linux (`XATTR_LIST_MAX`, `XATTR_SIZE_MAX`).
    const LARGEST: usize = 64 << 10;

    fn names(list: &[u8]) -> Vec<OsString> {
        let names = list.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        names.map(|name| OsStr::from_bytes(name).to_owned()).collect()
    }

    /// Copies all attributes that belong to the user. Those of the system, such as security labels, are copied if possible.
    pub fn copy(old: &Path, new: &File) -> io::Result<()> {
        let mut list = Vec::with_capacity(LARGEST);
        // The file system has no attributes.
        if listxattr(old, rustix::buffer::spare_capacity(&mut list)).is_err() {
            return Ok(());
        }
        let wanted = names(&list);
        for name in &wanted {
            let mut value = Vec::with_capacity(LARGEST);
            let copied = getxattr(old, name, rustix::buffer::spare_capacity(&mut value))
                .and_then(|_| fsetxattr(new, name, &value, XattrFlags::empty()));
            let is_of_user = name == ACL || name.as_bytes().starts_with(b"user.");
            if is_of_user && let Err(error) = copied {
                let name = name.to_string_lossy();
                return Err(io::Error::other(format!(
                    "its attribute {name} cannot be kept ({error})"
                )));
            }
        }
        // The folder may have given the new file a list of its own.
        let mut list = Vec::with_capacity(LARGEST);
        if flistxattr(new, rustix::buffer::spare_capacity(&mut list)).is_ok()
            && names(&list).iter().any(|name| name == ACL)
            && !wanted.iter().any(|name| name == ACL)
        {
            fremovexattr(new, ACL)?;
        }
        Ok(())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::super::{Access, check_writable, edit_atomically, make_private_folder, write_atomically};
    use super::*;
    use std::os::unix::fs::{MetadataExt as _, chown};

    #[test]
    fn extended_attributes_are_kept() {
        use rustix::fs::{XattrFlags, getxattr, setxattr};
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        fs::write(&file, "x").unwrap();
        // Not every file system has attributes.
        if setxattr(&file, "user.mine", b"1", XattrFlags::empty()).is_ok() {
            write_atomically(&file, b"y", Access::AsBefore).unwrap();
            let mut value = Vec::with_capacity(8);
            getxattr(&file, "user.mine", rustix::buffer::spare_capacity(&mut value)).unwrap();
            assert_eq!(value, b"1");
        }
    }

    #[test]
    fn another_group_gets_no_permissions() {
        for (mode, expected) in [(0o664, 0o604), (0o640, 0o600), (0o600, 0o600), (0o777, 0o707)] {
            assert_eq!(without_group(mode), expected, "{mode:o}");
        }
    }

    /// An access control list in the format of the kernel: version 2, and entries of a tag, permissions, and an ID.
    fn acl(of_nobody: u8) -> Vec<u8> {
        let none = u32::MAX.to_le_bytes();
        let mut list = vec![2, 0, 0, 0];
        for (tag, permissions, id) in [
            (1, 6, none),
            (2, of_nobody, 65534_u32.to_le_bytes()),
            (4, 0, none),
            (16, 4, none),
            (32, 0, none),
        ] {
            list.extend([tag, 0, permissions, 0]);
            list.extend(id);
        }
        list
    }

    #[test]
    fn an_access_control_list_is_kept_and_none_is_inherited() {
        use rustix::fs::{XattrFlags, getxattr, setxattr};
        let folder = tempfile::tempdir().unwrap();
        let (with, without) = (folder.path().join("with"), folder.path().join("without"));
        fs::write(&with, "x").unwrap();
        fs::write(&without, "x").unwrap();
        let (access, default) = ("system.posix_acl_access", "system.posix_acl_default");
        // Not every file system has access control lists.
        if setxattr(&with, access, &acl(4), XattrFlags::empty()).is_err() {
            return;
        }
        setxattr(folder.path(), default, &acl(6), XattrFlags::empty()).unwrap();
        let list = |path: &Path| {
            let mut value = Vec::with_capacity(256);
            getxattr(path, access, rustix::buffer::spare_capacity(&mut value))
                .is_ok()
                .then_some(value)
        };
        for path in [&with, &without] {
            let (before, mode) = (list(path), fs::metadata(path).unwrap().mode());
            write_atomically(path, b"y", Access::AsBefore).unwrap();
            assert_eq!(list(path), before, "{}", path.display());
            assert_eq!(fs::metadata(path).unwrap().mode(), mode, "{}", path.display());
        }
        assert!(list(&with).is_some() && list(&without).is_none());
    }

    #[test]
    fn a_file_with_another_hard_link_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("config"), folder.path().join("dotfile"));
        fs::write(&file, "x").unwrap();
        check_writable(&file).unwrap();
        fs::hard_link(&file, &link).unwrap();
        for refused in [check_writable(&file), edit_atomically(&file, b"x", b"y")] {
            assert!(refused.unwrap_err().to_string().contains("hard link"));
        }
        assert_eq!(fs::read(&link).unwrap(), b"x");
    }

    #[test]
    fn what_root_creates_belongs_to_the_owner_of_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        // Only root can give a folder away.
        if chown(folder.path(), Some(1234), Some(1234)).is_err() {
            return;
        }
        let file = folder.path().join("a").join("b").join("config");
        make_private_folder(file.parent().unwrap()).unwrap();
        write_atomically(&file, b"x", Access::OwnerOnly).unwrap();
        for path in file.ancestors().take(3) {
            assert_eq!(fs::metadata(path).unwrap().uid(), 1234, "{}", path.display());
        }
        let lock = folder.path().join("lock");
        fs::write(&lock, "").unwrap();
        super::super::give_away(&lock).unwrap();
        assert_eq!(fs::metadata(&lock).unwrap().uid(), 1234);
    }

    #[test]
    fn a_loop_of_links_among_the_folders_is_detected_before_anything_is_written() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("cache", folder.path().join("cache")).unwrap();
        let file = folder.path().join("cache").join("token.json");
        assert!(check_writable(&file).unwrap_err().to_string().contains("cache"));
    }
}
