//! Answers that a rehearsal fills in.

use idc_sim::scenarios::example_user;

use crate::answers::Key;

/// Example answers for the questions without a default. A rehearsal fills them in.
pub fn examples() -> [(Key, String); 3] {
    let user = example_user();
    [
        (Key::Email, user.email),
        (Key::GivenName, user.given_name),
        (Key::FamilyName, user.family_name),
    ]
}
