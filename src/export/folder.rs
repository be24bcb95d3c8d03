//! Writing an export to a folder: each file atomically, and never over a file that an export did not write.
//!
//! A list of the files with their digests stays in the folder. A file with another digest was changed by somebody, and is not
//! replaced. Each file belongs to one export, such as `terraform`: exports to the same folder leave each other's files.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::File;
use aws_config_file::files;

/// The list of the files.
pub const LIST: &str = ".idc-setup-export.json";

/// The format of the list.
const FORMAT: u32 = 1;

/// Why an export was not written. Nothing was changed, unless writing itself failed.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// No export wrote these files, or somebody has changed them.
    #[error("{}", not_owned(.0))]
    NotOwned(Vec<PathBuf>),
    /// Another export owns a file with this name.
    #[error("the file {} is not replaced: it belongs to the export {owner}", path.display())]
    OtherExport {
        /// The file.
        path: PathBuf,
        /// The export that owns it.
        owner: String,
    },
    /// The list of the files is not valid.
    #[error("the list {} is not valid ({why})", path.display())]
    List {
        /// The list.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A file cannot be read or written.
    #[error("the path {} cannot be written ({error})", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

fn not_owned(paths: &[PathBuf]) -> String {
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    // The path comes second: a sentence begins with a capital letter, and a path must not.
    match &names[..] {
        [name] => format!("the file {name} is not replaced: somebody else wrote or changed it"),
        _ => format!(
            "the files {} are not replaced: somebody else wrote or changed them",
            names.join(", ")
        ),
    }
}

/// The files of earlier exports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    format: u32,
    files: BTreeMap<String, Listed>,
}

/// A file of an earlier export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    /// The export that owns the file.
    export: String,
    /// The digests that the file can have. Of a file that was being written when the program was killed, there are two.
    digests: BTreeSet<String>,
}

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// The files that are new or changed.
    pub changed: Vec<PathBuf>,
    /// The files that this export had earlier and no longer has, and that were deleted.
    pub deleted: Vec<PathBuf>,
    /// The number of files that have the same content as before.
    pub unchanged: usize,
}

/// What is in the folder now.
struct Existing {
    name: String,
    /// The content; `None` if there is no such file.
    content: Option<Vec<u8>>,
}

/// Writes the files of an export to a folder, which is created if it does not exist. `export` names the export, such as
/// `terraform`. Files that an earlier export of this name wrote, and that this one does not have, are deleted.
///
/// # Errors
/// If a file was not written by this export, or was changed since; then nothing is written. If a file cannot be written; running
/// the export again continues.
pub fn write(folder: &Path, export: &str, exported: &[File]) -> Result<Written, FolderError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| FolderError::Io { path, error }
    };
    files::make_private_folder(folder).map_err(failed(folder))?;
    let _lock = files::lock_folder_of(&folder.join(LIST));
    let mut list = read_list(folder)?;
    let names: BTreeSet<&str> = exported.iter().map(|file| file.name.as_str()).collect();
    let others = list.files.iter();
    let others = others.filter(|(name, listed)| listed.export == export && !names.contains(name.as_str()));
    let others = others.map(|(name, _)| existing(folder, name));
    let others: Vec<Existing> = others.collect::<Result<_, _>>()?;
    let before = exported.iter().map(|file| existing(folder, &file.name));
    let before: Vec<Existing> = before.collect::<Result<_, _>>()?;
    refuse_what_another_export_owns(folder, &list, &before, export)?;
    refuse_what_is_not_owned(folder, &list, before.iter().chain(&others), exported)?;
    // Both digests, in case that the program is killed before the file is written.
    for file in exported {
        let listed = list.files.entry(file.name.clone()).or_insert_with(|| Listed {
            export: export.to_owned(),
            digests: BTreeSet::new(),
        });
        export.clone_into(&mut listed.export);
        listed.digests.insert(files::digest(file.text.as_bytes()));
    }
    write_list(folder, &list)?;
    let mut written = Written::default();
    for (file, before) in exported.iter().zip(&before) {
        let path = folder.join(&file.name);
        let content = before.content.as_deref();
        if content == Some(file.text.as_bytes()) {
            written.unchanged += 1;
            continue;
        }
        files::edit_atomically(&path, content.unwrap_or_default(), file.text.as_bytes()).map_err(failed(&path))?;
        written.changed.push(path);
    }
    for other in &others {
        let path = folder.join(&other.name);
        if other.content.is_some() {
            files::remove(&path).map_err(failed(&path))?;
            written.deleted.push(path);
        }
    }
    list.files.retain(|_, listed| listed.export != export);
    list.files.extend(exported.iter().map(|file| {
        let listed = Listed {
            export: export.to_owned(),
            digests: BTreeSet::from([files::digest(file.text.as_bytes())]),
        };
        (file.name.clone(), listed)
    }));
    write_list(folder, &list)?;
    Ok(written)
}

fn existing(folder: &Path, name: &str) -> Result<Existing, FolderError> {
    let path = folder.join(name);
    let content = match files::read(&path) {
        Ok(content) => Some(content),
        // A link that leads nowhere is something that somebody made.
        Err(error) if error.kind() == io::ErrorKind::NotFound && path.symlink_metadata().is_err() => None,
        Err(error) => return Err(FolderError::Io { path, error }),
    };
    Ok(Existing {
        name: name.to_owned(),
        content,
    })
}

/// Refuses a name that another export has a file of.
fn refuse_what_another_export_owns(
    folder: &Path,
    list: &List,
    existing: &[Existing],
    export: &str,
) -> Result<(), FolderError> {
    for one in existing.iter().filter(|one| one.content.is_some()) {
        let listed = list.files.get(&one.name);
        if let Some(listed) = listed.filter(|listed| listed.export != export) {
            return Err(FolderError::OtherExport {
                path: folder.join(&one.name),
                owner: listed.export.clone(),
            });
        }
    }
    Ok(())
}

/// Refuses files that no export wrote, or that somebody has changed. One with exactly the new content does no harm.
fn refuse_what_is_not_owned<'a>(
    folder: &Path,
    list: &List,
    existing: impl Iterator<Item = &'a Existing>,
    exported: &[File],
) -> Result<(), FolderError> {
    let is_owned = |one: &Existing| {
        let Some(content) = &one.content else { return true };
        let known = list.files.get(&one.name);
        let is_new = exported
            .iter()
            .any(|file| file.name == one.name && file.text.as_bytes() == content);
        is_new || known.is_some_and(|listed| listed.digests.contains(&files::digest(content)))
    };
    let others = existing.filter(|one| !is_owned(one));
    let others: Vec<PathBuf> = others.map(|one| folder.join(&one.name)).collect();
    if others.is_empty() {
        Ok(())
    } else {
        Err(FolderError::NotOwned(others))
    }
}

fn read_list(folder: &Path) -> Result<List, FolderError> {
    let path = folder.join(LIST);
    let text = match files::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(List {
                format: FORMAT,
                files: BTreeMap::new(),
            });
        }
        Err(error) => return Err(FolderError::Io { path, error }),
    };
    let invalid = |why: String| FolderError::List {
        path: path.clone(),
        why,
    };
    let list: List = serde_json::from_slice(&text).map_err(|error| invalid(error.to_string()))?;
    // Somebody else's list must not name files outside the folder, which would be deleted.
    let is_plain = |name: &String| Path::new(name).file_name().is_some_and(|last| last == name.as_str());
    if list.format != FORMAT || !list.files.keys().all(is_plain) {
        return Err(invalid("it is of another version".to_owned()));
    }
    Ok(list)
}

fn write_list(folder: &Path, list: &List) -> Result<(), FolderError> {
    let path = folder.join(LIST);
    let text = serde_json::to_string_pretty(list).map_err(|error| FolderError::List {
        path: path.clone(),
        why: error.to_string(),
    })?;
    files::write_atomically(&path, format!("{text}\n").as_bytes(), files::Access::AsBefore)
        .map_err(|error| FolderError::Io { path, error })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn file(name: &str, text: &str) -> File {
        File::new(name, text)
    }

    #[test]
    fn an_export_replaces_only_its_own_files() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("new/folder");
        let first = write(&folder, "terraform", &[file("a.tf", "1"), file("b.tf", "2")]).unwrap();
        assert_eq!(first.changed.len(), 2);
        let again = write(&folder, "terraform", &[file("a.tf", "1"), file("b.tf", "3")]).unwrap();
        assert_eq!((again.changed.len(), again.unchanged), (1, 1));
        // A file that this export does not have is deleted.
        let less = write(&folder, "terraform", &[file("b.tf", "3")]).unwrap();
        assert_eq!(less.deleted, [folder.join("a.tf")]);
        assert!(!folder.join("a.tf").exists());
        // Somebody changes a file, and writes another one.
        fs::write(folder.join("b.tf"), "mine").unwrap();
        fs::write(folder.join("c.tf"), "mine").unwrap();
        let refused = write(
            &folder,
            "terraform",
            &[file("b.tf", "4"), file("c.tf", "4"), file("d.tf", "4")],
        )
        .unwrap_err();
        assert!(matches!(refused, FolderError::NotOwned(paths) if paths.len() == 2));
        assert!(!folder.join("d.tf").exists(), "nothing was written");
        assert_eq!(fs::read_to_string(folder.join("b.tf")).unwrap(), "mine");
    }

    #[test]
    fn exports_to_the_same_folder_leave_each_others_files() {
        let temp = tempfile::tempdir().unwrap();
        write(temp.path(), "terraform", &[file("main.tf", "1"), file("users.tf", "1")]).unwrap();
        let other = write(temp.path(), "cloudformation", &[file("template.json", "1")]).unwrap();
        assert_eq!((other.changed.len(), other.deleted.len()), (1, 0));
        let refused = write(temp.path(), "cloudformation", &[file("main.tf", "1")]).unwrap_err();
        assert!(matches!(refused, FolderError::OtherExport { owner, .. } if owner == "terraform"));
        // Each still deletes its own files.
        let less = write(temp.path(), "terraform", &[file("main.tf", "2")]).unwrap();
        assert_eq!(less.deleted, [temp.path().join("users.tf")]);
        assert!(temp.path().join("template.json").exists());
        // A name is free again when its file is gone.
        fs::remove_file(temp.path().join("main.tf")).unwrap();
        write(temp.path(), "cloudformation", &[file("main.tf", "1")]).unwrap();
        assert!(!temp.path().join("template.json").exists());
    }

    #[test]
    fn an_export_that_was_killed_continues() {
        let temp = tempfile::tempdir().unwrap();
        write(temp.path(), "terraform", &[file("a", "1"), file("b", "1")]).unwrap();
        // The list has both digests, and one of the files was written.
        let mut list = read_list(temp.path()).unwrap();
        for listed in list.files.values_mut() {
            listed.digests.insert(files::digest(b"2"));
        }
        write_list(temp.path(), &list).unwrap();
        fs::write(temp.path().join("a"), "2").unwrap();
        let written = write(temp.path(), "terraform", &[file("a", "2"), file("b", "2")]).unwrap();
        assert_eq!((written.changed.len(), written.unchanged), (1, 1));
    }

    #[test]
    fn a_list_cannot_name_files_elsewhere() {
        let temp = tempfile::tempdir().unwrap();
        let list = r#"{"format": 1, "files": {"../x": {"export": "terraform", "digests": ["1"]}}}"#;
        fs::write(temp.path().join(LIST), list).unwrap();
        assert!(matches!(
            write(temp.path(), "terraform", &[]),
            Err(FolderError::List { .. })
        ));
    }
}
