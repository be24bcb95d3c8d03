//! How many changes there are, of which kind.

use super::words::{Kind, counted};
use crate::access::plan::Change;

/// What a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    /// A user.
    User,
    /// A group.
    Group,
    /// A membership.
    Membership,
    /// A permission set.
    PermissionSet,
    /// An assignment.
    Assignment,
}

/// All things, in the order of the output.
pub const THINGS: [Thing; 5] = [
    Thing::User,
    Thing::Group,
    Thing::Membership,
    Thing::PermissionSet,
    Thing::Assignment,
];

impl Thing {
    /// The name in the singular.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Membership => "membership",
            Self::PermissionSet => "permission set",
            Self::Assignment => "assignment",
        }
    }

    fn of(kind: Kind) -> Self {
        match kind {
            Kind::CreateUser | Kind::UpdateUser | Kind::DeleteUser => Self::User,
            Kind::CreateGroup | Kind::UpdateGroup | Kind::DeleteGroup => Self::Group,
            Kind::AddMember | Kind::RemoveMember => Self::Membership,
            Kind::CreatePermissionSet | Kind::UpdatePermissionSet | Kind::DeletePermissionSet => Self::PermissionSet,
            Kind::CreateAssignment | Kind::DeleteAssignment => Self::Assignment,
        }
    }
}

/// What a change does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// It creates something.
    Create,
    /// It changes something.
    Change,
    /// It deletes something.
    Delete,
}

impl Verb {
    /// What a change does.
    pub fn of(change: &Change) -> Self {
        match Kind::of(&change.action) {
            Kind::UpdateUser | Kind::UpdateGroup | Kind::UpdatePermissionSet => Self::Change,
            _ if change.action.is_deletion() => Self::Delete,
            _ => Self::Create,
        }
    }
}

/// The number of changes with this verb, of each thing.
pub fn of(changes: &[Change], verb: Verb) -> [usize; 5] {
    let with_verb = changes.iter().filter(|change| Verb::of(change) == verb);
    let things: Vec<Thing> = with_verb.map(|change| Thing::of(Kind::of(&change.action))).collect();
    THINGS.map(|thing| things.iter().filter(|other| **other == thing).count())
}

/// `3 users, 1 group`; empty if there is nothing.
pub fn text(counts: [usize; 5]) -> String {
    let counts = THINGS.iter().zip(counts).filter(|(_, count)| *count > 0);
    let texts: Vec<String> = counts.map(|(thing, count)| counted(count, thing.name())).collect();
    texts.join(", ")
}
