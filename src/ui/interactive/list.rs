//! A list that the user chooses from, however it is shown.

use crate::wizard::{Choice, ListKind};

/// A list that the user chooses from.
pub(super) struct List<'a> {
    /// The text of the question.
    pub text: &'a str,
    /// The choices.
    pub choices: &'a [Choice],
    /// How many of the last choices stay on the list whatever is typed.
    pub kept: usize,
    /// How the choices are shown.
    pub kind: ListKind,
    /// What `?` shows; empty if there is no help.
    pub help: &'a [String],
    /// There is something to go back to.
    pub can_go_back: bool,
}
