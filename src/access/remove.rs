//! Takes a user out of an access file, in every place, and keeps everything else as it is written.
//!
//! The places of the values say which bytes go. What remains is read again and compared with what it should be, so that a
//! file in an unusual style is refused and not damaged.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::file::cut::{Cut, Layout};
use super::file::include::{self, File, Loaded};
use super::file::read;
use super::file::source::Source;
use super::file::tombstone::with_absent_user;
use super::file::tree::{Node, Value};
use super::mistake::{Located, Mistake, Place};

/// What taking a user out of an access file changes.
#[derive(Debug, Clone, Default)]
pub struct Removal {
    /// The changed files.
    pub edits: Vec<Edit>,
    /// The places that named the user, and no longer do.
    pub places: Vec<Place>,
    /// What still names the user: patterns of `protect` and `ignore`, and what says that something must not exist.
    pub kept: Vec<Located<String>>,
}

/// A change of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The file.
    pub file: PathBuf,
    /// Its content.
    pub before: String,
    /// Its content without the user.
    pub after: String,
}

/// Takes a user out of an access file and the files that it includes: its `[[user]]`, and its name in `members` and
/// `principals`. An `[[assignment]]` that is left without principals goes too. Comments directly above a table that goes
/// belong to it.
///
/// With `deletes`, the first file says instead that the user must not exist, unless a file says so already: applying it
/// deletes the user.
///
/// # Errors
/// The mistakes in the files; or the places where the file is written in a way that cannot be edited.
pub fn remove_user(root: &Path, user: &str, deletes: bool) -> Result<Removal, Vec<Mistake>> {
    let loaded = include::load(root);
    read::decode(&loaded)?;
    remove_from(&loaded, user, deletes)
}

fn remove_from(loaded: &Loaded, user: &str, deletes: bool) -> Result<Removal, Vec<Mistake>> {
    let is_absent_already = loaded.files.iter().any(|file| {
        let users = file.root.get("user").map(Node::items).unwrap_or_default();
        let mut named = users.iter().filter(|table| is_named(table, user));
        named.any(is_absent)
    });
    let mut removal = Removal::default();
    let mut mistakes = Vec::new();
    for file in &loaded.files {
        let mut search = Search {
            file,
            user,
            principal: format!("user:{user}"),
            cuts: Vec::new(),
            places: Vec::new(),
            kept: Vec::new(),
        };
        search.find();
        let Search { cuts, places, kept, .. } = search;
        removal.places.extend(places);
        removal.kept.extend(kept);
        let is_first = loaded.paths.first().is_some_and(|first| **first == *file.source.path);
        let is_added = deletes && is_first && !is_absent_already;
        if cuts.is_empty() && !is_added {
            continue;
        }
        let text = edited(file, &cuts, user);
        let text = if is_added {
            text.and_then(|text| with_absent_user(&file.source.path, &text, file.format, user))
        } else {
            text
        };
        match text {
            Ok(text) => removal.edits.push(Edit {
                file: file.source.path.to_path_buf(),
                before: file.source.content_with(&file.source.text),
                after: file.source.content_with(&text),
            }),
            Err(at) => mistakes.push(unusual(&file.source, at, user)),
        }
    }
    if mistakes.is_empty() {
        Ok(removal)
    } else {
        Err(mistakes)
    }
}

fn unusual(source: &Source, at: usize, user: &str) -> Mistake {
    let message = format!("{user:?} cannot be taken out here, because of how this is written.");
    source.mistake(at, message, "Remove it in an editor.")
}

/// Finds the places of a user in a file.
struct Search<'a> {
    file: &'a File,
    user: &'a str,
    /// The user, as `principals` names it.
    principal: String,
    cuts: Vec<Cut<'a>>,
    places: Vec<Place>,
    kept: Vec<Located<String>>,
}

impl<'a> Search<'a> {
    fn find(&mut self) {
        let file: &'a File = self.file;
        let root = &file.root;
        let name = self.user;
        if let Some(guard) = root.get("guard") {
            self.keep_patterns(guard);
        }
        if let Some(users) = root.get("user") {
            let mut indices = Vec::new();
            let users_here = users.items().iter().enumerate();
            for (index, user) in users_here.filter(|(_, user)| is_named(user, name)) {
                if is_absent(user) {
                    self.kept.push(self.named(user));
                } else {
                    self.places.push(self.place(user));
                    indices.push(index);
                }
            }
            self.cut(users, indices);
        }
        for group in root.get("group").map(Node::items).unwrap_or_default() {
            if let Some(members) = group.get("members") {
                let indices = indices_of(members, name);
                self.cut_names(members, indices);
            }
        }
        if let Some(assignments) = root.get("assignment") {
            self.find_in_assignments(assignments);
        }
    }

    fn find_in_assignments(&mut self, assignments: &'a Node) {
        let mut whole = Vec::new();
        for (index, assignment) in assignments.items().iter().enumerate() {
            let Some(principals) = assignment.get("principals") else {
                continue;
            };
            let indices = indices_of(principals, &self.principal);
            if indices.is_empty() {
                continue;
            }
            if is_absent(assignment) {
                self.kept.push(self.named(assignment));
            } else if indices.len() == principals.items().len() {
                self.places.push(self.place(assignment));
                whole.push(index);
            } else {
                self.cut_names(principals, indices);
            }
        }
        self.cut(assignments, whole);
    }

    /// Notes the patterns that name the user.
    fn keep_patterns(&mut self, guard: &Node) {
        for key in ["protect", "ignore"] {
            for pattern in guard.get(key).map(Node::items).unwrap_or_default() {
                if pattern.text() == Some(self.principal.as_str()) {
                    self.kept.push(Located {
                        value: format!("{key} names {}.", self.principal),
                        place: self.place(pattern),
                    });
                }
            }
        }
    }

    fn named(&self, table: &Node) -> Located<String> {
        Located {
            value: format!("It says what must not exist, and names {}.", self.principal),
            place: self.place(table),
        }
    }

    fn place(&self, node: &Node) -> Place {
        self.file.source.place(node.span.start)
    }

    fn cut_names(&mut self, list: &'a Node, indices: Vec<usize>) {
        let places = indices.iter().filter_map(|index| list.items().get(*index));
        let places: Vec<Place> = places.map(|name| self.place(name)).collect();
        self.places.extend(places);
        self.cut(list, indices);
    }

    fn cut(&mut self, list: &'a Node, indices: Vec<usize>) {
        if !indices.is_empty() {
            self.cuts.push(Cut { list, indices });
        }
    }
}

fn is_named(table: &Node, name: &str) -> bool {
    table.get("name").and_then(Node::text) == Some(name)
}

fn is_absent(table: &Node) -> bool {
    matches!(table.get("absent").map(|absent| &absent.value), Some(Value::Bool(true)))
}

/// The positions of a text in a list.
fn indices_of(list: &Node, text: &str) -> Vec<usize> {
    let items = list.items().iter().enumerate();
    items
        .filter(|(_, item)| item.text() == Some(text))
        .map(|(index, _)| index)
        .collect()
}

/// The text of a file after cuts. The error is the byte at which it cannot be edited.
fn edited(file: &File, cuts: &[Cut<'_>], user: &str) -> Result<String, usize> {
    let text = Layout::new(&file.source, file.format).without(cuts)?;
    let start = cuts.first().and_then(Cut::first_item).unwrap_or(0);
    let reread = file
        .format
        .parse(&Source::new(&file.source.path, &text))
        .map_err(|_| start)?;
    let wanted = without_user(file.root.to_json(), user);
    if without_empty(reread.to_json()) == without_empty(wanted) {
        Ok(text)
    } else {
        Err(start)
    }
}

/// What a file should contain after a user was taken out.
fn without_user(mut root: Json, user: &str) -> Json {
    let principal = format!("user:{user}");
    let is_absent = |table: &Json| table["absent"] == true;
    if let Some(users) = list_of(&mut root, "user") {
        users.retain(|table| is_absent(table) || table["name"] != user);
    }
    for group in list_of(&mut root, "group").into_iter().flatten() {
        if let Some(members) = list_of(group, "members") {
            members.retain(|member| *member != user);
        }
    }
    if let Some(assignments) = list_of(&mut root, "assignment") {
        for assignment in assignments.iter_mut().filter(|table| !is_absent(table)) {
            if let Some(principals) = list_of(assignment, "principals") {
                principals.retain(|other| *other != principal);
            }
        }
        assignments.retain(|table| table["principals"] != Json::Array(Vec::new()));
    }
    root
}

/// The list of a key, if there is one.
fn list_of<'a>(table: &'a mut Json, key: &str) -> Option<&'a mut Vec<Json>> {
    table.get_mut(key)?.as_array_mut()
}

/// A file without the empty lists of tables, which mean the same as none.
fn without_empty(mut root: Json) -> Json {
    if let Some(members) = root.as_object_mut() {
        members.retain(|key, value| {
            !(matches!(&key[..], "user" | "assignment") && value.as_array().is_some_and(Vec::is_empty))
        });
    }
    root
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::access::file::{PrincipalName, parse, samples};

    const HEAD: &str = "format = 1\nname = \"acme\"\n\n";

    fn removal(name: &str, text: &str, user: &str) -> Result<Removal, Vec<Mistake>> {
        remove_from(&include::load_text(Path::new(name), text), user, false)
    }

    /// The text without `ada`.
    fn without_ada(name: &str, text: &str) -> String {
        let removal = removal(name, text, "ada").unwrap();
        assert_eq!(removal.edits.len(), 1);
        assert_eq!(removal.edits[0].before, text);
        removal.edits[0].after.clone()
    }

    #[test]
    fn a_leaver_is_taken_out_of_every_place_and_comments_are_kept() {
        let before = "# The team.\n\n# Leads the team.\n# Since 2020.\n[[user]]\nname = \"ada\" # here\nemail = \"ada@example.com\"\n\
                      # phone = 1\n\n# Second.\n[[user]]\nname = \"bob\"\n\n[[group]]\nname = \"platform\"\nmembers = [\n    # leads\n    \
                      \"ada\", # she\n    \"bob\", # he\n]\n\n[[assignment]]\nprincipals = [\"user:ada\"]\npermission-sets = [\"Admin\"]\n\
                      accounts = [\"all\"]\n\n[[assignment]]\nprincipals = [\"group:platform\", \"user:ada\"] # both\n\
                      permission-sets = [\"Admin\"]\naccounts = [\"all\"]\n";
        let after = "# The team.\n\n# Second.\n[[user]]\nname = \"bob\"\n\n[[group]]\nname = \"platform\"\nmembers = [\n    # leads\n    \
                     \"bob\", # he\n]\n\n[[assignment]]\nprincipals = [\"group:platform\"] # both\n\
                     permission-sets = [\"Admin\"]\naccounts = [\"all\"]\n";
        assert_eq!(
            without_ada("a.toml", &format!("{HEAD}{before}")),
            format!("{HEAD}{after}")
        );
    }

    #[test]
    fn the_last_item_and_the_last_table_go_too() {
        let before = "members = [\"bob\", \"ada\"]\n\n[[user]]\nname = \"ada\"\n";
        let before = format!("{HEAD}[[group]]\nname = \"x\"\n{before}");
        let after = format!("{HEAD}[[group]]\nname = \"x\"\nmembers = [\"bob\"]\n");
        assert_eq!(without_ada("a.toml", &before), after);
        let before = format!("{HEAD}[[group]]\nname = \"x\"\nmembers = [\n  \"bob\",\n  \"ada\"\n]\n");
        let after = format!("{HEAD}[[group]]\nname = \"x\"\nmembers = [\n  \"bob\"\n]\n");
        assert_eq!(without_ada("a.toml", &before), after);
        let before = format!("{HEAD}[[group]]\nname = \"x\"\nmembers = [\"ada\"]\n");
        let after = format!("{HEAD}[[group]]\nname = \"x\"\nmembers = []\n");
        assert_eq!(without_ada("a.toml", &before), after);
        let before =
            "user = [\n  { name = \"bob\" },\n  { name = \"ada\", email = \"ada@example.com\" }, # leaves\n]\n";
        let after = "user = [\n  { name = \"bob\" },\n]\n";
        assert_eq!(
            without_ada("a.toml", &format!("{HEAD}{before}")),
            format!("{HEAD}{after}")
        );
    }

    #[test]
    fn yaml_keeps_its_comments_and_line_ends() {
        let before = "format: 1\nname: acme\nuser:\n  # leads\n  - name: ada\n    email: ada@example.com\n\n  # second\n  - name: bob\n\
                      group:\n- name: x\n  members: # all\n  - ada # she\n- name: y\n  members: [ada, bob]\n";
        let after = "format: 1\nname: acme\nuser:\n\n  # second\n  - name: bob\n\
                     group:\n- name: x\n  members: [] # all\n- name: y\n  members: [bob]\n";
        assert_eq!(without_ada("a.yaml", before), after);
        let windows = |text: &str| text.replace('\n', "\r\n");
        assert_eq!(without_ada("a.yaml", &windows(before)), windows(after));
    }

    #[test]
    fn json_stays_json() {
        let before = "{\n\t\"format\": 1, \"name\": \"acme\",\n\t\"user\": [{\n\t\t\"name\": \"bob\"\n\t}, {\n\t\t\"name\": \"ada\"\n\t}],\n\t\
                      \"group\": [{\"name\": \"x\", \"members\": [\n\t\t\"bob\",\n\t\t\"ada\"\n\t]}]\n}\n";
        let after = "{\n\t\"format\": 1, \"name\": \"acme\",\n\t\"user\": [{\n\t\t\"name\": \"bob\"\n\t}],\n\t\
                     \"group\": [{\"name\": \"x\", \"members\": [\n\t\t\"bob\"\n\t]}]\n}\n";
        assert_eq!(without_ada("a.json", before), after);
    }

    #[test]
    fn what_must_not_exist_and_patterns_are_kept_and_named() {
        let text = format!(
            "{HEAD}[guard]\nprotect = [\"user:ada\"]\n[[user]]\nname = \"ada\"\nabsent = true\n[[assignment]]\n\
             principals = [\"user:ada\"]\npermission-sets = [\"A\"]\naccounts = [\"all\"]\nabsent = true\n"
        );
        let removal = removal("a.toml", &text, "ada").unwrap();
        assert_eq!(
            (removal.edits.len(), removal.places.len(), removal.kept.len()),
            (0, 0, 3)
        );
    }

    #[test]
    fn a_user_can_be_said_not_to_exist_instead() {
        let text = format!("{HEAD}[[user]]\nname = \"ada\"\n\n[[group]]\nname = \"x\"\nmembers = [\"ada\"]\n");
        let loaded = include::load_text(Path::new("a.toml"), &text);
        let removal = remove_from(&loaded, "ada", true).unwrap();
        let after = format!("{HEAD}[[group]]\nname = \"x\"\nmembers = []\n\n[[user]]\nname = \"ada\"\nabsent = true\n");
        assert_eq!(removal.edits[0].after, after);
        let again = include::load_text(Path::new("a.toml"), &after);
        assert!(remove_from(&again, "ada", true).unwrap().edits.is_empty());
    }

    #[test]
    fn a_style_that_cannot_be_edited_is_refused_with_its_place() {
        let text = "format: 1\nname: acme\ngroup:\n- name: x\n  members:\n  -\n    ada\n  - bob\n";
        let mistakes = removal("a.yaml", text, "ada").unwrap_err();
        assert_eq!((mistakes[0].place.line, mistakes[0].place.column), (7, 5));
    }

    #[test]
    fn included_files_are_edited_too() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("access.toml", &format!("{HEAD}include = [\"team.yaml\"]\n"));
        write("team.yaml", "user:\n- name: ada\n");
        let removal = remove_user(&folder.path().join("access.toml"), "ada", false).unwrap();
        assert_eq!(removal.places.len(), 1);
        assert_eq!(removal.edits[0].file, folder.path().join("team.yaml"));
        assert_eq!(removal.edits[0].after, "user: []\n");
        assert!(
            remove_user(&folder.path().join("access.toml"), "eve", false)
                .unwrap()
                .edits
                .is_empty()
        );
        // Taking the user out mends a reference to a user who must not exist.
        write(
            "team.yaml",
            "user:\n- name: ada\n  absent: true\ngroup:\n- name: team\n  members: [ada]\n",
        );
        let removal = remove_user(&folder.path().join("access.toml"), "ada", false).unwrap();
        assert_eq!(removal.places.len(), 1);
        write("team.yaml", "user:\n- name: ada\n  nmae: x\n");
        assert!(remove_user(&folder.path().join("access.toml"), "ada", false).is_err());
    }

    proptest! {
        #[test]
        fn a_removed_user_is_nowhere_and_nothing_else_is_lost(content in samples::access_file()) {
            let user = content["user"][0]["name"].as_str().unwrap().to_owned();
            for (_, name, text) in samples::texts(&content) {
                let removal = removal(name, &text, &user).unwrap_or_else(|mistakes| panic!("{mistakes:#?}\n{text}"));
                let after = &removal.edits[0].after;
                let file = parse(Path::new(name), after).unwrap_or_else(|mistakes| panic!("{mistakes:#?}\n{after}"));
                prop_assert!(file.users.iter().all(|listed| listed.name.value != user));
                prop_assert_eq!(file.users.len() + 1, content["user"].as_array().unwrap().len());
                prop_assert!(file.groups.iter().flat_map(|group| &group.members).all(|member| member.value != user));
                let principal = PrincipalName::User(user.clone());
                let mut principals = file.assignments.iter().flat_map(|assignment| &assignment.principals);
                prop_assert!(principals.all(|other| other.value != principal));
                prop_assert_eq!(file.groups.len(), content["group"].as_array().unwrap().len());
            }
        }
    }
}
