//! The names that an access file may refer to: those that it lists, and those that exist in IAM Identity Center.

use std::collections::{BTreeMap, BTreeSet};

use super::file::{AccessFile, PrincipalName};
use super::mistake::{Located, Mistake, Place};
use super::nearest::nearest;

/// The names that exist in IAM Identity Center.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownNames {
    /// The user names.
    pub users: BTreeSet<String>,
    /// The names of the groups.
    pub groups: BTreeSet<String>,
    /// The names of the permission sets.
    pub permission_sets: BTreeSet<String>,
}

/// What a name refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    User,
    Group,
    PermissionSet,
}

impl Kind {
    /// The word for it.
    fn noun(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::PermissionSet => "permission set",
        }
    }

    /// The table of the file that lists it.
    fn table(self) -> &'static str {
        match self {
            Self::User => "[[user]]",
            Self::Group => "[[group]]",
            Self::PermissionSet => "[[permission-set]]",
        }
    }
}

/// A table of the file that has a name.
struct Entry<'a> {
    place: &'a Place,
    is_absent: bool,
}

/// The names of one kind.
struct Names<'a> {
    kind: Kind,
    /// The names in the file.
    listed: BTreeMap<&'a str, Entry<'a>>,
    /// The names that something had before, with its present name.
    previous: BTreeMap<&'a str, &'a str>,
    /// The names that exist.
    existing: &'a BTreeSet<String>,
}

/// Checks the names that a file refers to.
pub struct Known<'a> {
    users: Names<'a>,
    groups: Names<'a>,
    permission_sets: Names<'a>,
}

impl<'a> Known<'a> {
    /// Collects the names. A previous name that something else has is a mistake.
    pub fn new(file: &'a AccessFile, names: &'a KnownNames, mistakes: &mut Vec<Mistake>) -> Self {
        let mut known = Self {
            users: Names::new(Kind::User, &names.users),
            groups: Names::new(Kind::Group, &names.groups),
            permission_sets: Names::new(Kind::PermissionSet, &names.permission_sets),
        };
        for user in &file.users {
            known.users.list(&user.name, user.is_absent);
        }
        for group in &file.groups {
            known.groups.list(&group.name, group.is_absent);
        }
        for set in &file.permission_sets {
            known.permission_sets.list(&set.name, false);
        }
        for user in &file.users {
            known.users.rename(&user.name, &user.previous_names, mistakes);
        }
        for group in &file.groups {
            known.groups.rename(&group.name, &group.previous_names, mistakes);
        }
        for set in &file.permission_sets {
            known.permission_sets.rename(&set.name, &set.previous_names, mistakes);
        }
        known
    }

    /// The references to names that are wrong whatever exists: the file says that the name must not exist, or that it has
    /// changed. What an assignment with an `until` refers to can be gone already.
    pub fn wrong_in_file(file: &AccessFile) -> Vec<Mistake> {
        let nothing = KnownNames::default();
        // Previous names that something else has are found elsewhere.
        let known = Known::new(file, &nothing, &mut Vec::new());
        let mut mistakes = Vec::new();
        for group in file.groups.iter().filter(|group| !group.is_absent) {
            let members = group.members.iter();
            mistakes.extend(members.filter_map(|member| known.users.wrong(&member.value, &member.place, false)));
        }
        for line in file.assignments.iter().filter(|line| line.until.is_none()) {
            mistakes.extend(line.principals.iter().filter_map(|principal| {
                let names = match &principal.value {
                    PrincipalName::User(_) => &known.users,
                    PrincipalName::Group(_) => &known.groups,
                };
                names.wrong(principal.value.name(), &principal.place, line.is_absent)
            }));
            let sets = line.permission_sets.iter();
            mistakes.extend(sets.filter_map(|set| known.permission_sets.wrong(&set.value, &set.place, false)));
        }
        mistakes
    }

    /// What is wrong with a user or group that gets access, or that must not have it (`may_be_absent`).
    pub fn principal(&self, principal: &Located<PrincipalName>, may_be_absent: bool) -> Option<Mistake> {
        let (names, others) = match &principal.value {
            PrincipalName::User(_) => (&self.users, &self.groups),
            PrincipalName::Group(_) => (&self.groups, &self.users),
        };
        let name = principal.value.name();
        let mistake = names.check(name, &principal.place, may_be_absent)?;
        let is_other_kind = !names.is_known(name) && others.is_known(name);
        if is_other_kind {
            let noun = others.kind.noun();
            return Some(Mistake {
                suggestion: format!("There is a {noun} with this name: {noun}:{name}."),
                ..mistake
            });
        }
        Some(mistake)
    }

    /// Whether neither a user or group with this name exists, nor one with a similar name.
    pub fn is_gone(&self, principal: &PrincipalName) -> bool {
        match principal {
            PrincipalName::User(name) => self.users.is_gone(name),
            PrincipalName::Group(name) => self.groups.is_gone(name),
        }
    }

    /// Whether neither a permission set with this name exists, nor one with a similar name.
    pub fn is_gone_set(&self, name: &str) -> bool {
        self.permission_sets.is_gone(name)
    }

    /// What is wrong with a user name in the members of a group.
    pub fn member(&self, name: &Located<String>) -> Option<Mistake> {
        self.users.check(&name.value, &name.place, false)
    }

    /// What is wrong with the name of a permission set.
    pub fn permission_set(&self, name: &Located<String>) -> Option<Mistake> {
        self.permission_sets.check(&name.value, &name.place, false)
    }
}

impl<'a> Names<'a> {
    fn new(kind: Kind, existing: &'a BTreeSet<String>) -> Self {
        Self {
            kind,
            listed: BTreeMap::new(),
            previous: BTreeMap::new(),
            existing,
        }
    }

    fn list(&mut self, name: &'a Located<String>, is_absent: bool) {
        let place = &name.place;
        self.listed.insert(&name.value, Entry { place, is_absent });
    }

    fn rename(
        &mut self,
        name: &'a Located<String>,
        previous_names: &'a [Located<String>],
        mistakes: &mut Vec<Mistake>,
    ) {
        let noun = self.kind.noun();
        for previous in previous_names {
            let (old, new) = (previous.value.as_str(), name.value.as_str());
            let problem = if let Some(entry) = self.listed.get(old) {
                Some(format!("The {noun} {old} is listed itself ({}).", entry.place))
            } else {
                let other = self.previous.insert(old, new).filter(|other| *other != new);
                other.map(|other| format!("{old} is also a previous name of the {noun} {other}."))
            };
            mistakes.extend(problem.map(|problem| Mistake {
                place: previous.place.clone(),
                message: format!("{old} cannot be a previous name of the {noun} {new}. {problem}"),
                suggestion: "A name can be a previous name of one thing that now has another name.".to_owned(),
            }));
        }
    }

    fn is_known(&self, name: &str) -> bool {
        self.listed.contains_key(name) || self.existing.contains(name)
    }

    fn similar(&self, name: &str) -> Option<&str> {
        let listed = self.listed.keys().copied();
        nearest(name, listed.chain(self.existing.iter().map(String::as_str)))
    }

    fn is_gone(&self, name: &str) -> bool {
        !self.is_known(name) && !self.previous.contains_key(name) && self.similar(name).is_none()
    }

    /// What is wrong with a reference to a name.
    fn check(&self, name: &str, place: &Place, may_be_absent: bool) -> Option<Mistake> {
        let wrong = self.wrong(name, place, may_be_absent);
        if wrong.is_some() || self.is_known(name) {
            return wrong;
        }
        let suggestion = match self.similar(name) {
            Some(similar) => format!("The nearest name is {similar}."),
            None => format!("Add a {} with this name.", self.kind.table()),
        };
        Some(Mistake {
            place: place.clone(),
            message: format!(
                "The {} {name} is neither in the file nor in IAM Identity Center.",
                self.kind.noun()
            ),
            suggestion,
        })
    }

    /// What is wrong with a reference to a name, whatever exists.
    fn wrong(&self, name: &str, place: &Place, may_be_absent: bool) -> Option<Mistake> {
        let noun = self.kind.noun();
        if let Some(entry) = self.listed.get(name) {
            let is_wrong = entry.is_absent && !may_be_absent;
            return is_wrong.then(|| Mistake {
                place: place.clone(),
                message: format!("The {noun} {name} must not exist: the file says so ({}).", entry.place),
                suggestion: format!("Remove {name} here, or absent = true there."),
            });
        }
        let new = self.previous.get(name)?;
        Some(Mistake {
            place: place.clone(),
            message: format!("The {noun} {name} is now {new}."),
            suggestion: format!("Write {new}; {name} is one of its previous names."),
        })
    }
}
