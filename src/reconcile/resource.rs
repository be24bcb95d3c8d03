//! The kinds of resources, as undo sees them: what is recorded can be compared with the account and deleted.

use super::manually::Manually;
use std::path::Path;

use async_trait::async_trait;

use super::Context;
use super::step_error;
use crate::aws::AwsError;
use crate::next_step::{NextSteps, SetupCommand};
use crate::progress::{Entry, ProgressError, Replaced, ResourceKind, Settings};
use crate::reconcile::StepInfo;
use crate::user_error::UserError;

/// A kind of resource that this program creates and can delete again.
#[async_trait(?Send)]
pub trait Resource: Sync {
    /// The kind.
    fn kind(&self) -> ResourceKind;

    /// The slug of the step that creates it.
    fn step(&self) -> &'static str;

    /// The resources that it depends on, or that depend on it.
    fn branch(&self) -> Branch;

    /// Set if it is in a file of another environment, which only an undo in that environment can edit.
    fn elsewhere(&self, _context: &Context, _entry: &Entry) -> Option<Elsewhere> {
        None
    }

    /// Compares a recorded resource with the account or the file. Reads only.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn condition(&self, context: &Context, entry: &Entry) -> Result<Condition, Error>;

    /// Deletes a recorded resource, once; the caller retries it. A resource that does not exist is no error.
    ///
    /// # Errors
    /// When it cannot be deleted.
    async fn delete(&self, context: &Context, entry: &Entry) -> Result<Deletion, Error>;

    /// Whether a read no longer finds it after this deletion.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn is_deleted(&self, context: &Context, entry: &Entry, _deletion: &Deletion) -> Result<bool, Error> {
        Ok(self.condition(context, entry).await? == Condition::Gone)
    }

    /// Whether a deleted section of a file still exists, because it contains lines that others added.
    fn is_partly_kept(&self, _context: &Context, _entry: &Entry) -> bool {
        false
    }

    /// How a user can delete it without this program.
    fn delete_manually(&self, context: &Context, entry: &Entry) -> Manually;

    /// The current values of the settings that a run changed in an existing resource; `None` if the resource does not
    /// exist. Only for kinds that `--update` changes.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn settings(&self, _context: &Context, _replaced: &Replaced) -> Result<Option<Settings>, Error> {
        Ok(None)
    }

    /// Whether a restored resource still has to take effect, such as a permission set in its accounts.
    fn is_restore_pending(&self, _context: &Context, _replaced: &Replaced) -> bool {
        false
    }

    /// Restores the earlier settings of an existing resource. A second call continues.
    ///
    /// # Errors
    /// When they cannot be restored.
    async fn restore(&self, _context: &Context, _info: &'static StepInfo, _replaced: &Replaced) -> Result<(), Error> {
        Ok(())
    }

    /// How a user can restore the settings without this program.
    fn restore_manually(&self, _context: &Context, _replaced: &Replaced) -> Manually {
        Manually::Steps(String::new())
    }
}

/// The state of a recorded resource, compared with what was created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// It exists, as it was created.
    Exists,
    /// It no longer exists.
    Gone,
    /// Someone changed it; the text describes the change.
    Changed(String),
    /// Someone else uses it, and AWS refuses to delete it.
    InUse(String),
    /// It must not be deleted, for this reason.
    Stays(String),
}

impl Condition {
    /// [`Changed`](Self::Changed) if there is a change, otherwise [`Exists`](Self::Exists).
    pub fn of_change(change: Option<String>) -> Self {
        change.map_or(Self::Exists, Self::Changed)
    }
}

/// The result of a deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deletion {
    /// It was deleted.
    Deleted,
    /// It stays, for this reason.
    Kept(String),
    /// Only our keys were removed from a section, because someone else changed it.
    KeysRemoved,
}

/// A file of another environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// Why undo does not edit the file here.
    pub why: String,
    /// The undo in the environment that the file belongs to; `None` if no environment has its AWS files there.
    pub undo: Option<SetupCommand>,
}

impl Elsewhere {
    /// A file of an environment that this variable selects.
    pub fn new(path: &Path, variable: Option<(&str, &Path)>) -> Self {
        let undo = variable.map(|(name, value)| SetupCommand::undo().variable(name, value.display().to_string()));
        Self {
            why: format!(
                "it is in {}, which is not one of this environment's AWS files",
                path.display()
            ),
            undo,
        }
    }
}

/// Resources that depend on each other: if one cannot be deleted, those after it cannot be deleted either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Branch {
    /// Each independent of the others: files, and what is restored.
    Independent,
    /// From the account assignment to the user.
    IdentityCenter,
    /// The trail and its bucket.
    CloudTrail,
}

/// Why a resource cannot be read or changed.
#[derive(Debug)]
pub enum Error {
    /// An AWS call failed.
    Aws(AwsError),
    /// Anything else, such as a file that cannot be written.
    User(UserError),
}

impl Error {
    /// The error of a step, with these next steps unless it has its own.
    pub fn of_step(self, info: &StepInfo, next: impl Into<NextSteps>) -> UserError {
        match self {
            Self::Aws(aws_error) => step_error(info, &aws_error, next),
            Self::User(error) => error,
        }
    }
}

impl From<AwsError> for Error {
    fn from(error: AwsError) -> Self {
        Self::Aws(error)
    }
}

impl From<UserError> for Error {
    fn from(error: UserError) -> Self {
        Self::User(error)
    }
}

impl From<ProgressError> for Error {
    fn from(error: ProgressError) -> Self {
        Self::User(error.into())
    }
}
