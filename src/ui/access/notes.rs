//! The notes of a plan, those about new users in one.

use crate::access::mistake::Place;
use crate::access::plan::{Action, Note, NoteKind, Plan};
use crate::text::few;

/// The most new users that are named.
const MOST_NAMES: usize = 10;

/// A note as it is shown.
#[derive(Debug, PartialEq)]
pub struct Shown<'a> {
    /// A sentence.
    pub text: String,
    /// The line of the file.
    pub place: Option<&'a Place>,
    /// Whether it is less important than the others.
    pub is_minor: bool,
}

impl<'a> Shown<'a> {
    fn new(note: &'a Note) -> Self {
        Self {
            text: note.text.clone(),
            place: note.place.as_ref(),
            is_minor: note.kind == NoteKind::MayBeIncomplete,
        }
    }
}

/// Notes, each on its own.
pub fn all(notes: &[Note]) -> Vec<Shown<'_>> {
    notes.iter().map(Shown::new).collect()
}

/// The notes of a plan, without those about access that stays. All users who need a password are in one. Without `everything`,
/// not all of them are named.
pub fn shown(plan: &Plan, everything: bool) -> Vec<Shown<'_>> {
    let others = plan.notes.iter();
    let others = others.filter(|note| !matches!(note.kind, NoteKind::NeedsPassword | NoteKind::KeepsAccess));
    let new_users = new_users(plan, everything).map(|text| Shown {
        text,
        place: None,
        is_minor: false,
    });
    new_users.into_iter().chain(others.map(Shown::new)).collect()
}

/// The access that stays after users have left.
pub fn kept(plan: &Plan) -> Vec<Shown<'_>> {
    let kept = plan.notes.iter().filter(|note| note.kind == NoteKind::KeepsAccess);
    kept.map(Shown::new).collect()
}

/// `5 new users need a password before they can sign in: eve, …`
fn new_users(plan: &Plan, everything: bool) -> Option<String> {
    if !plan.notes.iter().any(|note| note.kind == NoteKind::NeedsPassword) {
        return None;
    }
    let names = plan.changes.iter().filter_map(|change| match &change.action {
        Action::CreateUser(spec) => Some(spec.name.clone()),
        _ => None,
    });
    let names: Vec<String> = names.collect();
    let most = if everything { names.len() } else { MOST_NAMES };
    let listed = few(&names, most);
    Some(match names.len() {
        1 => format!("1 new user needs a password before they can sign in: {listed}."),
        count => format!("{count} new users need a password before they can sign in: {listed}."),
    })
}
