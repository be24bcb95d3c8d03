//! The access file that commands use if none is given.

use std::path::Path;

/// The names that it can have, in the order in which messages list them.
pub const NAMES: [&str; 4] = ["access.toml", "access.yaml", "access.yml", "access.json"];

/// The names of those that exist in the current folder.
pub fn existing() -> Vec<&'static str> {
    NAMES.into_iter().filter(|name| exists(Path::new(name))).collect()
}

/// Whether there is something at a path, even a link that leads nowhere: a redirection would write there.
pub fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}
