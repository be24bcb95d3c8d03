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

/// A row of a list, with `cut` at its end if the whole row has no room.
pub(super) fn fitted(row: &str, columns: usize, cut: &str) -> String {
    console::truncate_str(row.trim_end(), columns, cut)
        .trim_end()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_is_cut_says_so() {
        assert_eq!(fitted("Create an organization", 22, "…"), "Create an organization");
        assert_eq!(fitted("Create an organization  ", 22, "…"), "Create an organization");
        assert_eq!(fitted("Create an organization", 21, "…"), "Create an organizati…");
        assert_eq!(fitted("Create an organization", 21, "..."), "Create an organiza...");
    }
}
