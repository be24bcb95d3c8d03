//! How the attributes of users and groups differ from what an access file says.

use super::desired::DesiredUser;
use super::plan::{Attribute, AttributeChange};
use crate::resources::inventory::{Group, User};
use crate::resources::user::UserSpec;

/// The attributes of a user that the file gives and that differ.
pub fn of_user(user: &User, name: &str, wanted: &DesiredUser) -> Vec<AttributeChange> {
    let attributes = [
        change(Attribute::Name, Some(&user.name), Some(name)),
        change(Attribute::Email, user.email.as_deref(), wanted.email.as_deref()),
        change(
            Attribute::GivenName,
            user.given_name.as_deref(),
            wanted.given_name.as_deref(),
        ),
        change(
            Attribute::FamilyName,
            user.family_name.as_deref(),
            wanted.family_name.as_deref(),
        ),
        change(
            Attribute::DisplayName,
            user.display_name.as_deref(),
            wanted.display_name.as_deref(),
        ),
    ];
    attributes.into_iter().flatten().collect()
}

/// The attributes of a user that differ from those of a user that a plan creates. A display name that only joins the first
/// and the last name may not be in the file, and does not count.
pub fn of_new_user(user: &User, wanted: &UserSpec) -> Vec<AttributeChange> {
    let joined = format!("{} {}", wanted.given_name, wanted.family_name);
    let display_name = Some(wanted.display_name.as_str()).filter(|name| *name != joined);
    let attributes = [
        change(Attribute::Name, Some(&user.name), Some(&wanted.name)),
        change(Attribute::Email, user.email.as_deref(), Some(&wanted.email)),
        change(
            Attribute::GivenName,
            user.given_name.as_deref(),
            Some(&wanted.given_name),
        ),
        change(
            Attribute::FamilyName,
            user.family_name.as_deref(),
            Some(&wanted.family_name),
        ),
        change(Attribute::DisplayName, user.display_name.as_deref(), display_name),
    ];
    attributes.into_iter().flatten().collect()
}

/// The attributes of a group that the file gives and that differ.
pub fn of_group(group: &Group, name: &str, description: Option<&str>) -> Vec<AttributeChange> {
    let attributes = [
        change(Attribute::Name, Some(&group.name), Some(name)),
        change(Attribute::Description, group.description.as_deref(), description),
    ];
    attributes.into_iter().flatten().collect()
}

/// The change of an attribute that the file gives; an absent value equals an empty one.
fn change(attribute: Attribute, before: Option<&str>, after: Option<&str>) -> Option<AttributeChange> {
    let after = after?;
    (before.unwrap_or_default() != after).then(|| AttributeChange {
        attribute,
        before: before.map(str::to_owned),
        after: after.to_owned(),
    })
}

/// An attribute in a sentence.
pub fn text(attribute: Attribute) -> &'static str {
    match attribute {
        Attribute::Name => "name",
        Attribute::Email => "email address",
        Attribute::GivenName => "first name",
        Attribute::FamilyName => "last name",
        Attribute::DisplayName => "display name",
        Attribute::Description => "description",
    }
}
