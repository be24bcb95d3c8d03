//! Turns the tables of one file into the types of the access file, and collects the mistakes in their values.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::keys::{ACCOUNT_SET, ASSIGNMENT, DEFAULTS, FILE, GROUP, GUARD, OF_FIRST_FILE, PERMISSION_SET, USER};
use super::reach::Reach;
use super::rules::Rule;
use super::source::Source;
use super::tree::{Node, Value};
use super::view::View;
use super::{
    AccountSet, Assignment, Defaults, Extent, Group, Guard, Pattern, PermissionSet, PrincipalName, User, policy, rules,
};
use crate::access::mistake::{Located, Mistake, Place};
use crate::access::selector::Selection;
use crate::answers::values::{Invalid, SessionDuration};
use crate::text::capitalized;

/// What one file contains, except what only the first file can contain.
#[derive(Debug, Default)]
pub struct Contents {
    /// The sets of accounts.
    pub account_sets: Vec<NamedSet>,
    /// The users.
    pub users: Vec<User>,
    /// The groups.
    pub groups: Vec<Group>,
    /// The permission sets.
    pub permission_sets: Vec<PermissionSet>,
    /// The assignments.
    pub assignments: Vec<Assignment>,
}

/// A set of accounts with its name.
#[derive(Debug)]
pub struct NamedSet {
    /// The name.
    pub name: String,
    /// The set.
    pub set: AccountSet,
}

/// What only the first file contains.
#[derive(Debug)]
pub struct Head {
    /// The name of the access file.
    pub name: Located<String>,
    /// The only instance that it may be applied to.
    pub instance: Option<Located<String>>,
    /// The values of permission sets that do not have their own.
    pub defaults: Defaults,
    /// The limits of what may be changed.
    pub guard: Guard,
}

/// Reads the values of a file.
pub struct Decoder<'a> {
    source: &'a Source,
    root: View<'a>,
    reach: &'a Reach,
    mistakes: &'a mut Vec<Mistake>,
}

impl<'a> Decoder<'a> {
    /// A decoder of a file that adds mistakes to these.
    pub fn new(source: &'a Source, root: &'a Node, reach: &'a Reach, mistakes: &'a mut Vec<Mistake>) -> Self {
        let root = View {
            source,
            node: root,
            table: &FILE,
        };
        Self {
            source,
            root,
            reach,
            mistakes,
        }
    }

    /// Reads what only the first file contains.
    pub fn head(&mut self) -> Head {
        for key in ["format", "name"] {
            if self.root.get(key).is_none() {
                let suggestion = match key {
                    "format" => format!("Write {}.", self.source.pair("format", "1")),
                    _ => "Name the access file. The permission sets that it owns get a tag with the name.".to_owned(),
                };
                self.add(self.root.place(), format!("{key} is missing."), &suggestion);
            }
        }
        let name = self.checked(self.root.text("name"), rules::FILE_NAME);
        Head {
            name: name.unwrap_or_else(|| Located {
                value: String::new(),
                place: self.root.place(),
            }),
            instance: self.checked(self.root.text("instance"), rules::INSTANCE),
            defaults: self.defaults(),
            guard: self.guard(),
        }
    }

    /// Reports what only the first file can contain.
    pub fn refuse_head(&mut self) {
        for entry in self.root.node.entries() {
            if OF_FIRST_FILE.contains(&entry.key.as_str()) {
                let place = self.source.place(entry.key_span.start);
                let suggestion = "Move it to the first file, which includes this one.";
                self.add(
                    place,
                    format!("{} can only be in the first file.", entry.key),
                    suggestion,
                );
            }
        }
    }

    /// Reads everything else.
    pub fn contents(&mut self) -> Contents {
        let root = self.root;
        Contents {
            account_sets: self.account_sets(),
            users: root
                .tables("user", &USER)
                .into_iter()
                .filter_map(|user| self.user(user))
                .collect(),
            groups: root
                .tables("group", &GROUP)
                .into_iter()
                .filter_map(|group| self.group(group))
                .collect(),
            permission_sets: root
                .tables("permission-set", &PERMISSION_SET)
                .into_iter()
                .filter_map(|set| self.permission_set(set))
                .collect(),
            assignments: root
                .tables("assignment", &ASSIGNMENT)
                .into_iter()
                .map(|assignment| self.assignment(assignment))
                .collect(),
        }
    }

    fn add(&mut self, place: Place, message: String, suggestion: &str) {
        self.mistakes.push(Mistake {
            place,
            message,
            suggestion: suggestion.to_owned(),
        });
    }

    fn check(&mut self, value: &Located<String>, rule: Rule) {
        if let Err(violation) = (rule.check)(&value.value) {
            let suggestion = violation.suggestion.as_deref().unwrap_or(rule.suggestion);
            self.add(
                value.place.clone(),
                format!("{}.", capitalized(&violation.why)),
                suggestion,
            );
        }
    }

    /// A value, after it was checked.
    fn checked(&mut self, value: Option<Located<String>>, rule: Rule) -> Option<Located<String>> {
        if let Some(value) = &value {
            self.check(value, rule);
        }
        value
    }

    /// The texts of a list, each of which is checked, and of which none may be there twice.
    fn checked_all(&mut self, values: Vec<Located<String>>, rule: Rule) -> Vec<Located<String>> {
        let mut seen = BTreeSet::new();
        for value in &values {
            self.check(value, rule);
            if !seen.insert(&value.value) {
                let message = format!("{:?} is in the list twice.", value.value);
                self.add(value.place.clone(), message, "Remove one of them.");
            }
        }
        values
    }

    fn defaults(&mut self) -> Defaults {
        let Some(defaults) = self.root.table("defaults", &DEFAULTS) else {
            return Defaults::default();
        };
        Defaults {
            session_duration: self.duration(defaults).map(|duration| duration.value),
            tags: self.tags(defaults),
        }
    }

    fn guard(&mut self) -> Guard {
        let default = Guard::default();
        let Some(guard) = self.root.table("guard", &GUARD) else {
            return default;
        };
        Guard {
            max_deletes: guard.count("max-deletes").unwrap_or(default.max_deletes),
            max_delete_percent: guard.count("max-delete-percent").unwrap_or(default.max_delete_percent),
            protect: self.patterns(guard, "protect"),
            ignore: self.patterns(guard, "ignore"),
        }
    }

    fn patterns(&mut self, guard: View<'_>, key: &str) -> Vec<Located<Pattern>> {
        let mut patterns = Vec::new();
        for text in guard.texts(key) {
            let split = text.value.split_once(':');
            let kind = split.and_then(|(word, _)| {
                let known = rules::PATTERN_KINDS.into_iter().find(|(kind, _)| *kind == word);
                known.map(|(_, kind)| kind)
            });
            match (kind, split) {
                (Some(kind), Some((_, glob))) if !glob.is_empty() => patterns.push(Located {
                    value: Pattern {
                        kind,
                        glob: glob.to_owned(),
                    },
                    place: text.place,
                }),
                _ => {
                    let message = format!("{:?} does not say what it matches.", text.value);
                    let suggestion = "Write user:NAME, group:NAME, permission-set:NAME or account:ID, with * and ?.";
                    self.add(text.place, message, suggestion);
                }
            }
        }
        patterns
    }

    fn account_sets(&mut self) -> Vec<NamedSet> {
        let mut sets = Vec::new();
        for entry in self.root.entries("account-sets") {
            let name = Located {
                value: entry.key.clone(),
                place: self.source.place(entry.key_span.start),
            };
            self.check(&name, rules::ACCOUNT_SET_NAME);
            let view = View {
                source: self.source,
                node: &entry.node,
                table: &ACCOUNT_SET,
            };
            let set = AccountSet {
                place: name.place,
                accounts: self.selections(view, "accounts"),
                except: self.selections(view, "except"),
                may_be_empty: view.is_on("may-be-empty"),
            };
            sets.push(NamedSet { name: name.value, set });
        }
        sets
    }

    fn selections(&mut self, view: View<'_>, key: &str) -> Vec<Located<Selection>> {
        let mut selections = Vec::new();
        for text in view.texts(key) {
            match Selection::parse(&text.value) {
                Ok(value) => selections.push(Located {
                    value,
                    place: text.place,
                }),
                Err(error) => self.mistakes.push(Mistake {
                    place: text.place,
                    message: error.message,
                    suggestion: error.suggestion,
                }),
            }
        }
        selections
    }

    fn user(&mut self, user: View<'_>) -> Option<User> {
        let attributes = ["email", "given-name", "family-name", "display-name", "previous-names"];
        self.check_states(user, &attributes);
        Some(User {
            place: user.place(),
            name: self.checked(user.text("name"), rules::USER_NAME)?,
            email: self.checked(user.text("email"), rules::EMAIL),
            given_name: self.checked(user.text("given-name"), rules::PERSON_NAME),
            family_name: self.checked(user.text("family-name"), rules::PERSON_NAME),
            display_name: self.checked(user.text("display-name"), rules::PERSON_NAME),
            previous_names: self.checked_all(user.texts("previous-names"), rules::USER_NAME),
            is_external: user.is_on("external"),
            is_absent: user.is_on("absent"),
        })
    }

    fn group(&mut self, group: View<'_>) -> Option<Group> {
        self.check_states(group, &["description", "members", "membership", "previous-names"]);
        Some(Group {
            place: group.place(),
            name: self.checked(group.text("name"), rules::GROUP_NAME)?,
            description: self.checked(group.text("description"), rules::GROUP_DESCRIPTION),
            members: self.checked_all(group.texts("members"), rules::USER_NAME),
            membership: extent(group, "membership").unwrap_or(Extent::AtLeast),
            previous_names: self.checked_all(group.texts("previous-names"), rules::GROUP_NAME),
            is_external: group.is_on("external"),
            is_absent: group.is_on("absent"),
        })
    }

    /// Reports attributes of users and groups that are absent, or that are managed elsewhere.
    fn check_states(&mut self, view: View<'_>, attributes: &[&str]) {
        let (is_absent, is_external) = (view.is_on("absent"), view.is_on("external"));
        let kind = view.table.name;
        if is_absent && is_external {
            let message = format!("A {kind} cannot be absent and external.");
            let suggestion = "What an external identity provider manages is deleted there.";
            self.add(view.place(), message, suggestion);
            return;
        }
        let why = match (is_absent, is_external) {
            (true, _) => "is absent",
            (_, true) => "is external",
            _ => return,
        };
        let others = view.node.entries().iter();
        for entry in others.filter(|entry| attributes.contains(&entry.key.as_str())) {
            let place = view.source.place(entry.key_span.start);
            let message = format!("A {kind} that {why} cannot have {}.", entry.key);
            self.add(place, message, "Remove the key.");
        }
    }

    fn permission_set(&mut self, set: View<'_>) -> Option<PermissionSet> {
        let inline_policy = set.get("inline-policy").and_then(|node| self.inline_policy(node));
        let managed_policies = self.checked_all(set.texts("managed-policies"), rules::MANAGED_POLICY);
        let customer_managed_policies =
            self.checked_all(set.texts("customer-managed-policies"), rules::CUSTOMER_MANAGED_POLICY);
        let count = managed_policies.len() + customer_managed_policies.len();
        if count > rules::MOST_POLICIES {
            let message = format!(
                "The permission set has {count} managed policies. AWS allows at most {}.",
                rules::MOST_POLICIES
            );
            let suggestion = "Put some of them into another permission set, or their statements into one policy.";
            self.add(set.place(), message, suggestion);
        }
        Some(PermissionSet {
            place: set.place(),
            name: self.checked(set.text("name"), rules::PERMISSION_SET_NAME)?,
            description: self.checked(set.text("description"), rules::DESCRIPTION),
            session_duration: self.duration(set),
            relay_state: self.checked(set.text("relay-state"), rules::RELAY_STATE),
            managed_policies,
            customer_managed_policies,
            inline_policy,
            permissions_boundary: self.checked(set.text("permissions-boundary"), rules::PERMISSIONS_BOUNDARY),
            tags: self.tags(set),
            previous_names: self.checked_all(set.texts("previous-names"), rules::PERMISSION_SET_NAME),
            adopt: set.is_on("adopt"),
            assignments: extent(set, "assignments").unwrap_or(Extent::Exactly),
        })
    }

    fn inline_policy(&mut self, node: &Node) -> Option<Located<String>> {
        if !matches!(node.value, Value::Text(_) | Value::Table(_)) {
            return None;
        }
        match policy::document(self.source, node, self.reach) {
            Ok(value) => Some(Located {
                value,
                place: self.source.place(node.span.start),
            }),
            Err(mistakes) => {
                self.mistakes.extend(mistakes);
                None
            }
        }
    }

    fn duration(&mut self, view: View<'_>) -> Option<Located<SessionDuration>> {
        let text = view.text("session-duration")?;
        match text.value.parse::<SessionDuration>() {
            Ok(value) => Some(Located {
                value,
                place: text.place,
            }),
            Err(Invalid(why)) => {
                let suggestion = "Write a duration from 1h to 12h, such as 8h or 1h30m.";
                self.add(text.place, format!("{}.", capitalized(&why)), suggestion);
                None
            }
        }
    }

    fn tags(&mut self, view: View<'_>) -> BTreeMap<String, String> {
        let mut tags = BTreeMap::new();
        for entry in view.entries("tags") {
            let Some(value) = entry.node.text() else { continue };
            let key = Located {
                value: entry.key.clone(),
                place: view.source.place(entry.key_span.start),
            };
            self.check(&key, rules::TAG_KEY);
            let value = Located {
                value: value.to_owned(),
                place: view.source.place(entry.node.span.start),
            };
            self.check(&value, rules::TAG_VALUE);
            tags.insert(key.value, value.value);
        }
        tags
    }

    fn assignment(&mut self, assignment: View<'_>) -> Assignment {
        let is_absent = assignment.is_on("absent");
        if let Some(until) = assignment.get("until").filter(|_| is_absent) {
            let place = assignment.source.place(until.span.start);
            let message = "An [[assignment]] that is absent cannot have until.".to_owned();
            self.add(place, message, "Remove the key.");
        }
        Assignment {
            place: assignment.place(),
            principals: self.principals(assignment),
            permission_sets: self.checked_all(assignment.texts("permission-sets"), rules::PERMISSION_SET_NAME),
            accounts: self.selections(assignment, "accounts"),
            except: self.selections(assignment, "except"),
            until: self.until(assignment),
            reason: assignment.text("reason").map(|reason| reason.value),
            is_absent,
        }
    }

    fn principals(&mut self, assignment: View<'_>) -> Vec<Located<PrincipalName>> {
        let mut seen = BTreeSet::new();
        let mut principals = Vec::new();
        for text in assignment.texts("principals") {
            let (value, rule): (_, Rule) = match text.value.split_once(':') {
                Some(("user", name)) => (PrincipalName::User(name.to_owned()), rules::USER_NAME),
                Some(("group", name)) => (PrincipalName::Group(name.to_owned()), rules::GROUP_NAME),
                _ => {
                    let message = format!("{:?} does not say whether it is a user or a group.", text.value);
                    let suggestion = format!("Write \"user:{0}\" or \"group:{0}\".", text.value.escape_debug());
                    self.add(text.place, message, &suggestion);
                    continue;
                }
            };
            let name = Located {
                value: value.name().to_owned(),
                place: text.place.clone(),
            };
            self.check(&name, rule);
            if !seen.insert(value.clone()) {
                let message = format!("{:?} is in the list twice.", text.value);
                self.add(text.place.clone(), message, "Remove one of them.");
            }
            principals.push(Located {
                value,
                place: text.place,
            });
        }
        principals
    }

    fn until(&mut self, assignment: View<'_>) -> Option<Located<Date>> {
        let node = assignment.get("until")?;
        let (Value::Text(text) | Value::Date(text)) = &node.value else {
            return None;
        };
        let place = assignment.source.place(node.span.start);
        let is_day = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        match text.parse::<Date>() {
            Ok(value) if is_day => Some(Located { value, place }),
            _ => {
                let message = format!("{text:?} is not a date.");
                self.add(place, message, "Write a date like 2027-01-31.");
                None
            }
        }
    }
}

fn extent(view: View<'_>, key: &str) -> Option<Extent> {
    match view.get(key)?.text()? {
        "exactly" => Some(Extent::Exactly),
        "at-least" => Some(Extent::AtLeast),
        _ => None,
    }
}
