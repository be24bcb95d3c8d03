//! Reads an access file with the files that it includes, and reports every mistake in them at once.

use std::collections::BTreeMap;
use std::path::Path;

use super::decode::{Contents, Decoder};
use super::include::{self, Loaded};
use super::keys::FILE;
use super::{AccessFile, shape, whole};
use crate::access::mistake::Mistake;

/// Reads an access file. The end of its name says its format: `.toml`, `.yaml`, `.yml` or `.json`.
///
/// # Errors
/// Every mistake in the file and in the files that it includes, in the order of the files.
pub fn read(path: &Path) -> Result<AccessFile, Vec<Mistake>> {
    decode(&include::load(path))
}

/// [`read`], for a file with this content, which need not exist.
///
/// # Errors
/// As for [`read`].
pub fn parse(path: &Path, content: &str) -> Result<AccessFile, Vec<Mistake>> {
    decode(&include::load_text(path, content))
}

/// Reads the files that were loaded.
///
/// # Errors
/// As for [`read`].
pub fn decode(loaded: &Loaded) -> Result<AccessFile, Vec<Mistake>> {
    let mut mistakes = loaded.mistakes.clone();
    let mut head = None;
    let mut parts = Vec::new();
    for file in &loaded.files {
        mistakes.extend(shape::mistakes(&file.source, &file.root, &FILE));
        let mut decoder = Decoder::new(&file.source, &file.root, &loaded.reach, &mut mistakes);
        let is_first = loaded.paths.first().is_some_and(|first| **first == *file.source.path);
        if is_first {
            head = Some(decoder.head());
        } else {
            decoder.refuse_head();
        }
        parts.push(decoder.contents());
    }
    let Some(head) = head else {
        return Err(sorted(mistakes, loaded));
    };
    let mut file = AccessFile {
        files: loaded.paths.clone(),
        name: head.name,
        instance: head.instance,
        defaults: head.defaults,
        guard: head.guard,
        account_sets: BTreeMap::new(),
        users: Vec::new(),
        groups: Vec::new(),
        permission_sets: Vec::new(),
        assignments: Vec::new(),
    };
    for part in parts {
        mistakes.extend(add(&mut file, part));
    }
    mistakes.extend(whole::mistakes(&file));
    if mistakes.is_empty() {
        Ok(file)
    } else {
        Err(sorted(mistakes, loaded))
    }
}

/// Adds the contents of a file. Returns the sets of accounts that another file has too.
fn add(file: &mut AccessFile, contents: Contents) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for named in contents.account_sets {
        match file.account_sets.get(&named.name) {
            Some(first) => mistakes.push(whole::twice("account set", &named.name, &named.set.place, &first.place)),
            None => {
                file.account_sets.insert(named.name, named.set);
            }
        }
    }
    file.users.extend(contents.users);
    file.groups.extend(contents.groups);
    file.permission_sets.extend(contents.permission_sets);
    file.assignments.extend(contents.assignments);
    mistakes
}

/// The mistakes in the order of the files, and of their places.
fn sorted(mut mistakes: Vec<Mistake>, loaded: &Loaded) -> Vec<Mistake> {
    let position = |mistake: &Mistake| loaded.paths.iter().position(|path| **path == *mistake.place.file);
    mistakes.sort_by_cached_key(|mistake| {
        let position = position(mistake).unwrap_or(usize::MAX);
        (position, mistake.place.clone(), mistake.message.clone())
    });
    mistakes.dedup();
    mistakes
}
