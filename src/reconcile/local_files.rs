//! Files and folders on this machine that this program creates.

use std::fs;
use std::io;
use std::path::Path;

use super::Context;
use crate::next_step::SetupCommand;
use crate::progress::Entry;
use crate::shell::quoted;
use crate::user_error::UserError;
use aws_config_file::files;

impl Context {
    /// Records the missing parent directories of a file before they are created: undo may delete only those.
    ///
    /// # Errors
    /// When this cannot be saved.
    pub fn keep_new_folders(&self, file: &Path) -> Result<(), UserError> {
        let missing = files::missing_folders(file);
        if !missing.is_empty() {
            self.progress.change(|record| record.folders.extend(missing))?;
        }
        Ok(())
    }

    /// Deletes a file, and then each folder above it that was created for it and is empty.
    ///
    /// # Errors
    /// When the file cannot be deleted, or progress cannot be saved.
    pub fn remove_file(&self, path: &Path) -> Result<(), UserError> {
        match files::remove(path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(UserError::failed(
                    format!("{} cannot be deleted: {error}.", path.display()),
                    SetupCommand::undo().after("fix the permissions of its folder"),
                ));
            }
        }
        self.remove_empty_folders(path)
    }

    /// Deletes the empty folders above a path, but only those that did not exist before.
    ///
    /// # Errors
    /// When progress cannot be saved.
    pub fn remove_empty_folders(&self, path: &Path) -> Result<(), UserError> {
        let created = self.progress.read(|record| record.folders.clone());
        for folder in path.ancestors().skip(1).filter(|folder| created.contains(*folder)) {
            files::remove_abandoned(folder);
            if !self.remove_folder(folder)? {
                break;
            }
        }
        Ok(())
    }

    /// Deletes a folder that was created, if it is empty; returns whether it is gone. Only a folder above this
    /// environment's AWS files is deleted, because a state file may name any folder.
    fn remove_folder(&self, folder: &Path) -> Result<bool, UserError> {
        let own = self.paths.iter().flat_map(|paths| [paths.config(), paths.cache()]);
        if !own.flat_map(Path::ancestors).any(|own| own == folder) {
            return Ok(false);
        }
        // A folder that does not exist was deleted by an undo that was killed before it recorded that.
        let is_gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
        let is_gone = fs::remove_dir(folder).as_ref().err().is_none_or(is_gone);
        if is_gone {
            self.progress.change(|record| {
                record.folders.remove(folder);
            })?;
        }
        Ok(is_gone)
    }

    /// Deletes the folders that were created for a file that was never written, or that is gone; the innermost first.
    ///
    /// # Errors
    /// When progress cannot be saved.
    pub fn remove_new_folders(&self) -> Result<(), UserError> {
        for folder in self.progress.read(|record| record.folders.clone()).iter().rev() {
            self.remove_folder(folder)?;
        }
        Ok(())
    }

    /// The command that deletes the file of an entry.
    pub fn remove_command(entry: &Entry) -> String {
        format!("rm {}", quoted(entry.id.single()))
    }

    /// Deletes temporary files of interrupted writes.
    pub fn remove_abandoned_files(&self) {
        let Some(paths) = &self.paths else { return };
        let folders = [paths.config().parent(), Some(paths.cache())];
        folders.into_iter().flatten().for_each(files::remove_abandoned);
    }
}
