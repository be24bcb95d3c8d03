//! `~/.aws/credentials`, which is only ever looked at: whether it has a section of a name.

use std::io;
use std::path::Path;

use crate::files;

/// Whether the file has a section of this name, as the AWS tools read headers: with room and comments around it. A
/// file that is not there, or `/dev/null` in its place, has none.
///
/// # Errors
/// When it cannot be read.
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

/// The name in a header.
fn name_of(line: &str) -> Option<&str> {
    let (name, rest) = line.trim().strip_prefix('[')?.split_once(']')?;
    let rest = rest.trim_start();
    (rest.is_empty() || rest.starts_with(['#', ';'])).then(|| name.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_found_as_the_tools_find_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials");
        assert!(!has_section(&path, "a").unwrap(), "it is not there");
        std::fs::write(&path, b"[ a ] # \xff\r\nx = y\n  [b];\n[c] d\n").unwrap();
        for (name, is_there) in [("a", true), ("b", true), ("c", false), ("x", false)] {
            assert_eq!(has_section(&path, name).unwrap(), is_there, "{name}");
        }
        assert!(has_section(folder.path(), "a").is_err(), "a folder");
    }
}
