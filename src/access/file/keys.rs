//! The tables of an access file and their keys. What is read, the messages about mistakes and the schema come from here.

/// A table.
#[derive(Debug)]
pub struct Table {
    /// How messages name it: `[[user]]`.
    pub name: &'static str,
    /// What it describes, as a sentence.
    pub about: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
}

/// A key of a table.
#[derive(Debug)]
pub struct Key {
    /// The key.
    pub name: &'static str,
    /// The values that it can have.
    pub shape: Shape,
    /// Whether the table must have it.
    pub is_required: bool,
    /// What it means, as a sentence.
    pub about: &'static str,
}

/// The values that a key can have.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// The number of the format.
    Format,
    /// A string.
    Text,
    /// `true` or `false`.
    Bool,
    /// A whole number from 0 up to this one.
    Count(u32),
    /// A day: a date of TOML, or a string like `2027-01-31`.
    Day,
    /// One of these strings.
    OneOf(&'static [&'static str]),
    /// A list of strings.
    Texts,
    /// A list of at least one string.
    SomeTexts,
    /// A table of strings.
    TextMap,
    /// A JSON document: the path of a file, or a table.
    Document,
    /// A table.
    Table(&'static Table),
    /// A list of tables.
    Tables(&'static Table),
    /// A table whose keys are names, and whose values are tables.
    Named(&'static Table),
}

const fn optional(name: &'static str, shape: Shape, about: &'static str) -> Key {
    Key {
        name,
        shape,
        is_required: false,
        about,
    }
}

const fn required(name: &'static str, shape: Shape, about: &'static str) -> Key {
    Key {
        name,
        shape,
        is_required: true,
        about,
    }
}

/// The values of `membership` and `assignments`.
pub const EXTENTS: &[&str] = &["exactly", "at-least"];

/// The keys that only the first file can have, not those that it includes.
pub const OF_FIRST_FILE: &[&str] = &["format", "name", "instance", "defaults", "guard"];

/// The keys of [`OF_FIRST_FILE`] that it must have.
pub const REQUIRED_OF_FIRST_FILE: &[&str] = &["format", "name"];

/// A file.
pub static FILE: Table = Table {
    name: "the file",
    about: "Who has which permission set in which account.",
    keys: &[
        optional("format", Shape::Format, "The format of the file: 1."),
        optional(
            "name",
            Shape::Text,
            "The name of the access file. Permission sets that it owns have the tag idc-setup:access with this value.",
        ),
        optional(
            "instance",
            Shape::Text,
            "The only instance of IAM Identity Center that the file may be applied to: its ID or ARN.",
        ),
        optional(
            "include",
            Shape::Texts,
            "More files to read: paths relative to this file, which can contain * and ?.",
        ),
        optional(
            "defaults",
            Shape::Table(&DEFAULTS),
            "Values of permission sets that do not have their own.",
        ),
        optional("guard", Shape::Table(&GUARD), "Limits on what may be changed."),
        optional(
            "account-sets",
            Shape::Named(&ACCOUNT_SET),
            "Sets of accounts, which selectors name with @.",
        ),
        optional("user", Shape::Tables(&USER), "The users."),
        optional("group", Shape::Tables(&GROUP), "The groups."),
        optional("permission-set", Shape::Tables(&PERMISSION_SET), "The permission sets."),
        optional(
            "assignment",
            Shape::Tables(&ASSIGNMENT),
            "Who has which permission sets in which accounts.",
        ),
    ],
};

/// `[defaults]`
pub static DEFAULTS: Table = Table {
    name: "[defaults]",
    about: "Values of permission sets that do not have their own.",
    keys: &[
        optional(
            "session-duration",
            Shape::Text,
            "The session duration, from 1 to 12 hours: 8h, 1h30m or PT8H.",
        ),
        optional("tags", Shape::TextMap, "Tags of all permission sets."),
    ],
};

/// `[guard]`
pub static GUARD: Table = Table {
    name: "[guard]",
    about: "Limits on what may be changed.",
    keys: &[
        optional(
            "max-deletes",
            Shape::Count(u32::MAX),
            "The maximum number of deletions in one apply. The default is 10.",
        ),
        optional(
            "max-delete-percent",
            Shape::Count(100),
            "The maximum percentage of what the file owns that one apply may delete. It applies once the file owns at least \
             20 items. The default is 20.",
        ),
        optional(
            "protect",
            Shape::Texts,
            "What is never deleted and never emptied: user:NAME, group:NAME, permission-set:NAME or account:ID, with * and ?.",
        ),
        optional(
            "ignore",
            Shape::Texts,
            "What is neither changed nor reported as drift: user:NAME, group:NAME, permission-set:NAME or account:ID, with * \
             and ?.",
        ),
    ],
};

/// A set of accounts.
pub static ACCOUNT_SET: Table = Table {
    name: "[account-sets]",
    about: "A set of accounts.",
    keys: &[
        required("accounts", Shape::SomeTexts, "Selectors of accounts."),
        optional("except", Shape::Texts, "Selectors of accounts that are not in the set."),
        optional("may-be-empty", Shape::Bool, "Whether the set may match no accounts."),
    ],
};

/// `[[user]]`
pub static USER: Table = Table {
    name: "[[user]]",
    about: "A user.",
    keys: &[
        required("name", Shape::Text, "The name that the user signs in with."),
        optional("email", Shape::Text, "The email address."),
        optional("given-name", Shape::Text, "The first name."),
        optional("family-name", Shape::Text, "The last name."),
        optional(
            "display-name",
            Shape::Text,
            "The name that the access portal shows. For a new user, the default is the first and last name.",
        ),
        optional(
            "previous-names",
            Shape::Texts,
            "Names that the user had before. A user with one of them is renamed.",
        ),
        optional(
            "external",
            Shape::Bool,
            "An external identity provider manages the user, who is never changed.",
        ),
        optional(
            "absent",
            Shape::Bool,
            "The user must not exist, and is deleted with --prune.",
        ),
    ],
};

/// `[[group]]`
pub static GROUP: Table = Table {
    name: "[[group]]",
    about: "A group.",
    keys: &[
        required("name", Shape::Text, "The name."),
        optional("description", Shape::Text, "The description."),
        optional("members", Shape::Texts, "The user names of the members."),
        optional(
            "membership",
            Shape::OneOf(EXTENTS),
            "Whether members lists all members: exactly, or at-least (the default).",
        ),
        optional(
            "previous-names",
            Shape::Texts,
            "Names that the group had before. A group with one of them is renamed.",
        ),
        optional(
            "external",
            Shape::Bool,
            "An external identity provider manages the group, which is never changed.",
        ),
        optional(
            "absent",
            Shape::Bool,
            "The group must not exist, and is deleted with --prune.",
        ),
    ],
};

/// `[[permission-set]]`
pub static PERMISSION_SET: Table = Table {
    name: "[[permission-set]]",
    about: "A permission set.",
    keys: &[
        required(
            "name",
            Shape::Text,
            "The name: 1 to 32 letters, digits and characters of _+=,.@-.",
        ),
        optional("description", Shape::Text, "The description."),
        optional(
            "session-duration",
            Shape::Text,
            "The session duration, from 1 to 12 hours: 8h, 1h30m or PT8H.",
        ),
        optional("relay-state", Shape::Text, "The URL that console sessions begin with."),
        optional(
            "managed-policies",
            Shape::Texts,
            "AWS managed policies: their names, or ARNs.",
        ),
        optional(
            "customer-managed-policies",
            Shape::Texts,
            "Customer managed policies, which each account must have: path/name.",
        ),
        optional(
            "inline-policy",
            Shape::Document,
            "The inline policy: a JSON file, relative to this file, or a table.",
        ),
        optional(
            "permissions-boundary",
            Shape::Text,
            "The permissions boundary: the name or ARN of an AWS managed policy, or customer:path/name.",
        ),
        optional("tags", Shape::TextMap, "The tags, besides those of [defaults]."),
        optional(
            "previous-names",
            Shape::Texts,
            "Names that the permission set had before. The one with such a name is removed in a later apply.",
        ),
        optional(
            "adopt",
            Shape::Bool,
            "Whether the file takes over an existing permission set, and may change it.",
        ),
        optional(
            "assignments",
            Shape::OneOf(EXTENTS),
            "Whether the file lists all assignments of the permission set: exactly (the default), or at-least.",
        ),
    ],
};

/// `[[assignment]]`
pub static ASSIGNMENT: Table = Table {
    name: "[[assignment]]",
    about: "Assignments: each principal gets each permission set in each account.",
    keys: &[
        required(
            "principals",
            Shape::SomeTexts,
            "Who gets access: user:NAME or group:NAME.",
        ),
        required("permission-sets", Shape::SomeTexts, "The names of the permission sets."),
        required("accounts", Shape::SomeTexts, "Selectors of accounts."),
        optional("except", Shape::Texts, "Selectors for the accounts to exclude."),
        optional(
            "until",
            Shape::Day,
            "The date (UTC) from which the assignment is no longer wanted.",
        ),
        optional("reason", Shape::Text, "Why the assignment exists."),
        optional(
            "absent",
            Shape::Bool,
            "The assignments must not exist, and are deleted with --prune.",
        ),
    ],
};

impl Table {
    /// The key with this name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The name of the key that is most similar to a name, if one is similar.
    pub fn similar(&self, name: &str) -> Option<&'static str> {
        let name = name.to_lowercase().replace('_', "-");
        let names = self.keys.iter().map(|key| key.name);
        let nearest = names.min_by_key(|key| strsim::damerau_levenshtein(&name, key))?;
        let is_similar = strsim::damerau_levenshtein(&name, nearest) <= (nearest.len() / 4).max(2);
        is_similar.then_some(nearest)
    }
}
