//! Which files an access file can name: those in the folder of the first file, so that a file that somebody proposes cannot
//! make a machine read others.

use std::io;
use std::path::{Component, Path, PathBuf};

use aws_config_file::files;

use crate::limits::{LARGEST_ACCESS_FILE_MB, MOST_ACCESS_FILES};
use crate::text::matches_wildcards;

/// The folder that files can be in.
#[derive(Debug, Clone)]
pub struct Reach {
    /// The folder of the first file, without symbolic links; `None` if it does not exist.
    folder: Option<PathBuf>,
}

impl Reach {
    /// The reach of a first file.
    pub fn of(first: &Path) -> Self {
        Self {
            folder: folder_of(first).canonicalize().ok(),
        }
    }

    /// A file that another one names, relative to itself.
    ///
    /// # Errors
    /// A sentence: if the path is absolute or leads out of the folder, or if the file does not exist.
    pub fn file_beside(&self, file: &Path, named: &Path) -> Result<PathBuf, String> {
        let is_relative = named
            .components()
            .all(|part| matches!(part, Component::Normal(_) | Component::CurDir | Component::ParentDir));
        if !is_relative || named.as_os_str().is_empty() {
            return Err(format!("{:?} is not a relative path.", named.display().to_string()));
        }
        let path = plain_join(folder_of(file), named);
        self.identity(&path)?;
        Ok(path)
    }

    /// What identifies a file: its path without symbolic links.
    ///
    /// # Errors
    /// A sentence: if the file does not exist, or if it is not in the folder of the first file.
    pub fn identity(&self, path: &Path) -> Result<PathBuf, String> {
        let real = path
            .canonicalize()
            .map_err(|error| format!("{} cannot be read: {}.", path.display(), words(&error)))?;
        let is_within = self.folder.as_ref().is_some_and(|folder| real.starts_with(folder));
        if !is_within {
            return Err(format!("{} is not in the folder of the first file.", path.display()));
        }
        Ok(real)
    }

    /// The content of a file.
    ///
    /// # Errors
    /// A sentence: if it cannot be read, is too large, or is not UTF-8.
    pub fn read(&self, path: &Path) -> Result<String, String> {
        self.identity(path)?;
        read_limited(path)
    }

    /// The files that a pattern names, relative to a file and in the order of their names. `*` and `?` stand for characters of
    /// one part of the path. They do not match names that begin with a period, and they do not match folders at the end.
    ///
    /// # Errors
    /// A sentence: if the pattern is not valid, names nothing, or names too much.
    pub fn files_of_pattern(&self, file: &Path, pattern: &str) -> Result<Vec<PathBuf>, String> {
        if !has_wildcard(pattern) {
            return self.file_beside(file, Path::new(pattern)).map(|path| vec![path]);
        }
        let parts: Vec<&str> = pattern.split('/').collect();
        if parts.contains(&"**") {
            return Err("** is not supported in include. Write a pattern for each level of folders.".to_owned());
        }
        if Path::new(pattern).has_root() || parts.iter().any(|part| part.contains('\\')) {
            return Err(format!("{pattern:?} is not a relative path with / between its parts."));
        }
        let mut found = vec![folder_of(file).to_owned()];
        for (index, part) in parts.iter().enumerate() {
            let is_last = index + 1 == parts.len();
            let mut next = Vec::new();
            for folder in &found {
                next.extend(self.matches_in(folder, part, is_last)?);
                if next.len() > MOST_ACCESS_FILES {
                    return Err(format!(
                        "{pattern:?} matches more than {MOST_ACCESS_FILES} files or folders."
                    ));
                }
            }
            found = next;
        }
        if found.is_empty() {
            return Err(format!("{pattern:?} matches no file."));
        }
        Ok(found)
    }

    /// The files, or else the folders, in a folder whose name matches.
    fn matches_in(&self, folder: &Path, part: &str, is_last: bool) -> Result<Vec<PathBuf>, String> {
        if matches!(part, "" | "." | "..") || !has_wildcard(part) {
            let path = plain_join(folder, Path::new(part));
            let is_found = if is_last { path.is_file() } else { path.is_dir() };
            return Ok(if is_found { vec![path] } else { Vec::new() });
        }
        self.identity(folder)?;
        let failed = |error: io::Error| format!("{} cannot be read: {}.", folder.display(), words(&error));
        let mut names = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            let Ok(name) = entry.map_err(failed)?.file_name().into_string() else {
                continue;
            };
            let is_hidden = name.starts_with('.') && !part.starts_with('.');
            if !is_hidden && matches_wildcards(part, &name) {
                names.push(name);
            }
        }
        names.sort();
        let paths = names.into_iter().map(|name| plain_join(folder, Path::new(&name)));
        Ok(paths
            .filter(|path| if is_last { path.is_file() } else { path.is_dir() })
            .collect())
    }
}

/// The content of a file of limited size.
///
/// # Errors
/// A sentence: if it cannot be read, is too large, or is not UTF-8.
pub fn read_limited(path: &Path) -> Result<String, String> {
    let content =
        files::read(path).map_err(|error| format!("{} cannot be read: {}.", path.display(), words(&error)))?;
    if content.len() > LARGEST_ACCESS_FILE_MB << 20 {
        return Err(format!(
            "{} is larger than {LARGEST_ACCESS_FILE_MB} MB.",
            path.display()
        ));
    }
    if content.starts_with(&[0xff, 0xfe]) {
        return Err(format!(
            "{} is UTF-16, as Windows PowerShell writes files, and not UTF-8.",
            path.display()
        ));
    }
    String::from_utf8(content).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()]
            .split(|byte| *byte == b'\n')
            .count();
        format!("{} is not UTF-8 (line {line}).", path.display())
    })
}

/// Whether a part of an include has wildcards.
pub fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?'])
}

fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it does not exist".to_owned(),
        _ => error.to_string(),
    }
}

/// The folder of a file.
fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."))
}

/// A path below a folder, without `.` at its beginning.
fn plain_join(folder: &Path, path: &Path) -> PathBuf {
    if folder == Path::new(".") {
        path.to_owned()
    } else {
        folder.join(path)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn files_outside_of_the_folder_are_out_of_reach() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("in");
        std::fs::create_dir_all(inside.join("teams")).unwrap();
        std::fs::write(folder.path().join("secret.toml"), "").unwrap();
        std::fs::write(inside.join("teams/b.toml"), "").unwrap();
        std::fs::write(inside.join("teams/a.toml"), "").unwrap();
        std::fs::write(inside.join("teams/.hidden.toml"), "").unwrap();
        std::os::unix::fs::symlink(folder.path().join("secret.toml"), inside.join("link.toml")).unwrap();
        let first = inside.join("access.toml");
        let reach = Reach::of(&first);
        for pattern in [
            "../secret.toml",
            "link.toml",
            "/etc/passwd",
            "",
            "missing.toml",
            "**/a.toml",
            "none/*.toml",
        ] {
            assert!(reach.files_of_pattern(&first, pattern).is_err(), "{pattern}");
        }
        let found = reach.files_of_pattern(&first, "*/*.toml").unwrap();
        assert_eq!(found, [inside.join("teams/a.toml"), inside.join("teams/b.toml")]);
        let beside = reach.files_of_pattern(&inside.join("teams/a.toml"), "b.toml").unwrap();
        assert_eq!(beside, [inside.join("teams/b.toml")]);
    }

    #[test]
    fn a_file_that_is_not_utf_8_is_refused_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("access.toml");
        for (content, reason) in [
            (
                &b"\xff\xfef\0o\0"[..],
                "is UTF-16, as Windows PowerShell writes files, and not UTF-8.",
            ),
            (b"a = 1\nb = \xff\n", "is not UTF-8 (line 2)."),
        ] {
            std::fs::write(&file, content).unwrap();
            let message = read_limited(&file).unwrap_err();
            assert!(message.ends_with(reason), "{message}");
        }
    }
}
