//! `~/.aws/credentials`. The file is only read: whether it has a section with a given name.

use std::io;
use std::path::Path;

use crate::files;

/// Whether the file has a section with this name. As in the AWS tools, white space and comments around a header are
/// allowed. A file that does not exist, or `/dev/null`, has no sections.
///
/// # Errors
/// If the file cannot be read.
pub fn has_section(path: &Path, name: &str) -> io::Result<bool> {
    match files::read(path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes)
            .lines()
            .any(|line| name_of(line) == Some(name))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(_) if path.canonicalize().is_ok_and(|path| path == Path::new("/dev/null")) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The section name in a header line.
fn name_of(line: &str) -> Option<&str> {
    let (name, rest) = line.trim().strip_prefix('[')?.split_once(']')?;
    let rest = rest.trim_start();
    (rest.is_empty() || rest.starts_with(['#', ';'])).then(|| name.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_found_as_the_aws_tools_find_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials");
        assert!(!has_section(&path, "a").unwrap(), "the file does not exist");
        std::fs::write(&path, b"[ a ] # \xff\r\nx = y\n  [b];\n[c] d\n").unwrap();
        for (name, exists) in [("a", true), ("b", true), ("c", false), ("x", false)] {
            assert_eq!(has_section(&path, name).unwrap(), exists, "{name}");
        }
        assert!(has_section(folder.path(), "a").is_err(), "a folder");
    }
}
