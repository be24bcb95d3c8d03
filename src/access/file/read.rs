//! Reads an access file with the files that it includes, and reports every mistake in them at once.

use std::collections::BTreeMap;
use std::path::Path;

use super::decode::{Contents, Decoder};
use super::include::{self, Loaded};
use super::keys::FILE;
use super::{AccessFile, shape, whole};
use crate::access::known::Known;
use crate::access::mistake::Mistake;

/// Reads an access file. The end of its name says its format: `.toml`, `.yaml`, `.yml` or `.json`.
///
/// # Errors
/// Every mistake in the file and in the files that it includes, in the order of the files.
pub fn read(path: &Path) -> Result<AccessFile, Vec<Mistake>> {
    checked(&include::load(path))
}

/// [`read`], for a file with this content, which need not exist.
///
/// # Errors
/// As for [`read`].
pub fn parse(path: &Path, content: &str) -> Result<AccessFile, Vec<Mistake>> {
    checked(&include::load_text(path, content))
}

fn checked(loaded: &Loaded) -> Result<AccessFile, Vec<Mistake>> {
    decode_with(loaded, Known::wrong_in_file)
}

/// Reads the files that were loaded. They can refer to what the file says must not exist: taking a user out mends that.
///
/// # Errors
/// As for [`read`].
pub fn decode(loaded: &Loaded) -> Result<AccessFile, Vec<Mistake>> {
    decode_with(loaded, |_| Vec::new())
}

/// Reads the files that were loaded, with more mistakes in what they contain.
fn decode_with(loaded: &Loaded, more: impl Fn(&AccessFile) -> Vec<Mistake>) -> Result<AccessFile, Vec<Mistake>> {
    let mut mistakes = loaded.mistakes.clone();
    let mut head = None;
    let mut parts = Vec::new();
    for file in &loaded.files {
        mistakes.extend(shape::mistakes(&file.source, &file.root, &FILE));
        let mut decoder = Decoder::new(&file.source, &file.root, &loaded.reach, &mut mistakes);
        let is_first = loaded.paths.first().is_some_and(|first| **first == *file.source.path);
        if is_first {
            head = Some(decoder.head());
        } else {
            decoder.refuse_head();
        }
        parts.push(decoder.contents());
    }
    let Some(head) = head else {
        return Err(sorted(mistakes, loaded));
    };
    let mut file = AccessFile {
        files: loaded.paths.clone(),
        name: head.name,
        instance: head.instance,
        defaults: head.defaults,
        guard: head.guard,
        account_sets: BTreeMap::new(),
        users: Vec::new(),
        groups: Vec::new(),
        permission_sets: Vec::new(),
        assignments: Vec::new(),
    };
    for part in parts {
        mistakes.extend(add(&mut file, part));
    }
    mistakes.extend(whole::mistakes(&file));
    mistakes.extend(more(&file));
    // A file that could not be read can have them.
    if loaded.mistakes.is_empty() {
        mistakes.extend(whole::unknown_sets(&file));
    }
    if mistakes.is_empty() {
        Ok(file)
    } else {
        Err(sorted(mistakes, loaded))
    }
}

/// Adds the contents of a file. Returns the sets of accounts that another file has too.
fn add(file: &mut AccessFile, contents: Contents) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for named in contents.account_sets {
        match file.account_sets.get(&named.name) {
            Some(first) => mistakes.push(whole::twice("account set", &named.name, &named.set.place, &first.place)),
            None => {
                file.account_sets.insert(named.name, named.set);
            }
        }
    }
    file.users.extend(contents.users);
    file.groups.extend(contents.groups);
    file.permission_sets.extend(contents.permission_sets);
    file.assignments.extend(contents.assignments);
    mistakes
}

/// The mistakes in the order of the files, and of their places.
fn sorted(mut mistakes: Vec<Mistake>, loaded: &Loaded) -> Vec<Mistake> {
    let position = |mistake: &Mistake| loaded.paths.iter().position(|path| **path == *mistake.place.file);
    mistakes.sort_by_cached_key(|mistake| {
        let position = position(mistake).unwrap_or(usize::MAX);
        (position, mistake.place.clone(), mistake.message.clone())
    });
    mistakes.dedup();
    mistakes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::*;
    use crate::access::file::{Extent, PrincipalName, samples};

    const EXAMPLE: &str = r#"
format = 1
name = "acme"
instance = "ssoins-7223a1b2c3d4e5f6"

[defaults]
session-duration = "8h"
tags = { managed-by = "idc-setup" }

[guard]
max-deletes = 3
protect = ["group:Admins", "permission-set:BreakGlass"]
ignore = ["permission-set:AWS*", "account:222222222222"]

[account-sets]
prod = { accounts = ["ou:Workloads/Prod/**", "tag:env=prod"], except = ["name:*-scratch"], may-be-empty = false }

[[user]]
name = "ada"
email = "ada@example.com"
given-name = "Ada"
family-name = "Lovelace"

[[user]]
name = "eve"
absent = true

[[group]]
name = "platform"
members = ["ada"]
membership = "exactly"

[[permission-set]]
name = "Admin"
managed-policies = ["AdministratorAccess"]
customer-managed-policies = ["team/Deploy"]
assignments = "at-least"

[permission-set.inline-policy]
Version = "2012-10-17"

[[permission-set.inline-policy.Statement]]
Effect = "Allow"
Action = ["s3:Get*"]
Resource = "*"

[[assignment]]
principals = ["group:platform", "user:ada"]
permission-sets = ["Admin"]
accounts = ["@prod", "123456789012", "name:shared-*"]
except = ["tag:frozen=true"]
until = 2027-01-31
reason = "TICKET-1"
"#;

    fn mistakes_in(name: &str, text: &str) -> Vec<(usize, usize, String)> {
        let mistakes = parse(Path::new(name), text).err().unwrap_or_default();
        mistakes
            .into_iter()
            .map(|mistake| (mistake.place.line, mistake.place.column, mistake.message))
            .collect()
    }

    fn with_head(text: &str) -> String {
        format!("format = 1\nname = \"acme\"\n{text}")
    }

    /// The messages of a TOML file with these lines after its first two.
    fn messages(text: &str) -> Vec<String> {
        let found = mistakes_in("access.toml", &with_head(text));
        found.into_iter().map(|(_, _, message)| message).collect()
    }

    #[test]
    fn every_key_of_the_example_is_read() {
        let file = parse(Path::new("access.toml"), EXAMPLE).unwrap();
        assert_eq!(
            (
                file.name.value.as_str(),
                file.guard.max_deletes,
                file.guard.max_delete_percent
            ),
            ("acme", 3, 20)
        );
        assert_eq!((file.guard.protect.len(), file.guard.ignore.len()), (2, 2));
        assert_eq!(file.defaults.tags["managed-by"], "idc-setup");
        assert_eq!(file.account_sets["prod"].except.len(), 1);
        assert_eq!(file.users[0].name.place.to_string(), "access.toml:19:8");
        assert!(file.users[1].is_absent);
        assert_eq!(
            (file.groups[0].membership, file.groups[0].members[0].value.as_str()),
            (Extent::Exactly, "ada")
        );
        let set = &file.permission_sets[0];
        assert_eq!(set.assignments, Extent::AtLeast);
        let policy: serde_json::Value = serde_json::from_str(&set.inline_policy.as_ref().unwrap().value).unwrap();
        assert_eq!(policy["Statement"][0]["Action"][0], "s3:Get*");
        let assignment = &file.assignments[0];
        assert_eq!(assignment.principals[1].value, PrincipalName::User("ada".to_owned()));
        assert_eq!(assignment.until.as_ref().unwrap().value, jiff::civil::date(2027, 1, 31));
    }

    #[test]
    fn every_mistake_is_reported_at_once_with_its_place() {
        let text = "format = 2\nname = 5\n[[user]]\nnmae = \"ada\"\n[[user]]\nname = \"Ada Lovelace\"\nemail = true\n\
                    [[permission-set]]\nname = \"Admin\"\nsession-duration = \"13h\"\n[[assignment]]\nprincipals = [\"ada\"]\n\
                    permission-sets = [\"Admin\"]\naccounts = []\nuntil = 2027-02-30\n";
        let text = text.replace("2027-02-30", "\"2027-02-30\"");
        let places: Vec<(usize, usize)> = mistakes_in("access.toml", &text)
            .into_iter()
            .map(|(line, column, _)| (line, column))
            .collect();
        let expected = [
            (1, 10),
            (2, 8),
            (3, 1),
            (4, 1),
            (6, 8),
            (7, 9),
            (10, 20),
            (12, 15),
            (14, 12),
            (15, 9),
        ];
        assert_eq!(places, expected);
    }

    #[test]
    fn an_account_set_that_no_file_has_is_reported_with_the_other_mistakes() {
        let text = "[account-sets]\nprod = { accounts = [\"naem:x\"] }\n[[assignment]]\nprincipals = [\"user:ada\"]\n\
                    permission-sets = [\"Admin\"]\naccounts = [\"@prdo\", \"@prod\"]\nexcept = [\"@frozen\"]\n";
        assert_eq!(
            messages(text),
            [
                "\"naem:x\" is not a selector of accounts.",
                "There is no account set prdo.",
                "There is no account set frozen.",
            ]
        );
    }

    #[test]
    fn what_the_file_alone_shows_is_reported_with_the_other_mistakes() {
        let text = "[account-sets]\na = { accounts = [\"@b\"] }\nb = { accounts = [\"@a\"] }\n[[user]]\nname = \"eve\"\n\
                    absent = true\n[[user]]\nname = \"ada\"\nemail = 7\nprevious-names = [\"countess\"]\n[[group]]\n\
                    name = \"team\"\nmembers = [\"eve\"]\n[[assignment]]\nprincipals = [\"user:countess\"]\n\
                    permission-sets = [\"Admin\"]\naccounts = [\"all\"]\n[[assignment]]\nprincipals = [\"user:eve\"]\n\
                    permission-sets = [\"Admin\"]\naccounts = [\"all\"]\nuntil = 2026-01-31\n[[assignment]]\n\
                    principals = [\"user:eve\"]\npermission-sets = [\"Admin\"]\naccounts = [\"all\"]\nabsent = true\n";
        let found = messages(text);
        assert_eq!(found.len(), 4, "{found:#?}");
        assert_eq!(found[0], "Account sets contain each other: @a → @b → @a.");
        assert!(found[1].contains("email"), "{found:#?}");
        assert!(found[2].starts_with("The user eve must not exist"), "{found:#?}");
        assert_eq!(found[3], "The user countess is now ada.");
    }

    #[test]
    fn a_repeated_key_and_a_date_that_does_not_exist_hide_no_other_mistake() {
        let toml = with_head(
            "[guard]\nmax-deletes = -1\n[[assignment]]\nprincipals = [\"user:ada\"]\npermission-sets = [\"Read\"]\n\
             accounts = [\"all\"]\nuntil = 2027-02-30\n",
        );
        let json = "{\"format\": 1, \"name\": \"acme\", \"name\": \"acme\", \"guard\": {\"max-deletes\": -1}}";
        for (name, text, expected) in [
            ("a.toml", toml.as_str(), "\"2027-02-30\" is not a date."),
            ("a.json", json, "The key \"name\" is given twice."),
        ] {
            let mistakes = parse(Path::new(name), text).unwrap_err();
            assert!(
                mistakes.iter().any(|mistake| mistake.message == expected),
                "{mistakes:#?}"
            );
            let other = "Write a non-negative whole number.";
            assert!(
                mistakes.iter().any(|mistake| mistake.suggestion.contains(other)),
                "{mistakes:#?}"
            );
        }
    }

    #[test]
    fn every_mistake_has_a_suggestion() {
        let syntax = "Look for a quote, bracket, comma or space";
        let deep = format!("x = {}1{}\n", "[".repeat(50), "]".repeat(50));
        let assignment = "[account-sets]\nprod = { accounts = [\"all\"] }\n[[assignment]]\nprincipals = [\"user:ada\"]\n\
                          permission-sets = [\"Read\"]\naccounts = ";
        let set = |line: &str| format!("[[permission-set]]\nname = \"Read\"\n{line}\n");
        let toml = [
            ("[[user]\n".to_owned(), syntax),
            (deep, "Look for a surplus bracket"),
            (
                "[guard]\nmax-deletes = -1\n".to_owned(),
                "Write a non-negative whole number.",
            ),
            (
                "[guard]\nmax-deletes = 99999999999999999999\n".to_owned(),
                "Write a smaller number.",
            ),
            ("[guard]\nprotect = [\"Admins\"]\n".to_owned(), "group:NAME"),
            ("[defaults]\nsession-duration = \"13h\"\n".to_owned(), "from 1h to 12h"),
            ("user = \"ada\"\n".to_owned(), "[[user]]"),
            ("[[user]]\nname = \"Ada Lovelace\"\n".to_owned(), "such as ada"),
            (
                "[[user]]\nname = \"ada\"\nemail = \"ada\"\n".to_owned(),
                "ada@example.com",
            ),
            ("[[group]]\nname = \"Administrator\"\n".to_owned(), "such as platform"),
            ("[[permission-set]]\nname = \"a b\"\n".to_owned(), "such as PowerUser"),
            (set("tags = { \"aws:x\" = \"y\" }"), "Write another key"),
            (set("tags = { x = \"\\n\" }"), "at most 256"),
            (set("description = \"東京\""), "Latin-1"),
            (
                set("managed-policies = [\"arn:aws:iam::123456789012:policy/A\"]"),
                "Write A in customer-managed-policies.",
            ),
            (set("managed-policies = [\"a b\"]"), "ReadOnlyAccess"),
            (
                set("customer-managed-policies = [\"arn:aws:iam::aws:policy/A\"]"),
                "in managed-policies.",
            ),
            (set("customer-managed-policies = [\"a//b\"]"), "team/Deploy"),
            (set("permissions-boundary = \"customer:\""), "customer: and"),
            (set("inline-policy = { Version = \"2012-10-17\" }"), "Add Statement"),
            (
                set("inline-policy = { Version = 2012-10-40, Statement = [] }"),
                "Write it in quotes: \"2012-10-40\".",
            ),
            (set("inline-policy = \"gone.json\""), "the path of a JSON file"),
            (format!("{assignment}[\"@prd\"]\n"), "The nearest name is @prod."),
            (
                format!("{assignment}[\"@everything\"]\n"),
                "The account sets are @prod.",
            ),
            ("include = [\"gone.toml\"]\n".to_owned(), "Name files in the folder"),
        ];
        let toml = toml.map(|(text, expected)| ("a.toml", with_head(&text), expected));
        let others = [
            ("a.yaml", "format: 1\nname: [\n", syntax),
            ("a.yaml", "format: 1\nname: acme\n---\nformat: 1\n", "Keep one of them"),
            ("a.yaml", "format: 1\nname: !x acme\n", "Remove the tag"),
            ("a.yaml", "format: 1\n[name]: acme\n", "Write a name as the key"),
            (
                "a.yaml",
                "format: 1\n<<: {name: acme}\n",
                "Write the keys of the other table here.",
            ),
            ("a.json", "{\"format\": 1,", syntax),
            ("a.json", "[]", "Begin with format"),
            ("a.json", "{\"a\": 1, \"a\": 2}", "Keep one of them."),
            ("a.txt", "", ".toml"),
            ("a.toml", "\0", "UTF-8"),
        ];
        let others = others.map(|(name, text, expected)| (name, text.to_owned(), expected));
        for (name, text, expected) in toml.into_iter().chain(others) {
            let mistakes = parse(Path::new(name), &text).unwrap_err();
            let suggestions: Vec<&str> = mistakes.iter().map(|mistake| mistake.suggestion.as_str()).collect();
            assert!(
                suggestions.iter().any(|own| own.contains(expected)),
                "{text}: {mistakes:#?}"
            );
            assert!(
                suggestions.iter().all(|own| own.ends_with('.')),
                "{text}: {mistakes:#?}"
            );
        }
    }

    #[test]
    fn the_same_mistakes_are_found_in_every_format() {
        let yaml = "format: 1\nname: acme\nuser:\n  - nmae: ada\n";
        let json = "{\n\t\"format\": 1, \"name\": \"acme\",\n\t\"user\": [\n\t\t{\"nmae\": \"ada\"}\n\t]\n}\n";
        for (name, text) in [("a.yaml", yaml), ("a.json", json)] {
            let found = mistakes_in(name, text);
            assert_eq!(found.len(), 2, "{found:?}");
            assert!(found.iter().all(|(line, _, _)| *line == 4), "{found:?}");
        }
    }

    #[test]
    fn advice_is_in_the_format_of_the_file() {
        let suggestion = |name: &str, text: &str| {
            let mistakes = parse(Path::new(name), text).unwrap_err();
            mistakes[0].suggestion.clone()
        };
        let user = "format: 1\nname: acme\nuser:\n  - name: ada\n    absent: yes\n";
        assert_eq!(suggestion("a.yaml", user), "yes is a string in YAML 1.2; write true.");
        assert_eq!(suggestion("a.yaml", "name: acme\n"), "Write format: 1.");
        assert_eq!(suggestion("a.json", "{\"name\": \"acme\"}"), "Write \"format\": 1.");
        assert_eq!(suggestion("a.toml", "name = \"acme\"\n"), "Write format = 1.");
        assert_eq!(
            suggestion("a.toml", &with_head("[guard]\nmax-delete-percent = \"20%\"\n")),
            "Write a number, such as 20."
        );
        assert_eq!(
            suggestion("a.toml", &with_head("[guard]\nmax-deletes = \"5\"\n")),
            "Write it without quotes."
        );
    }

    #[test]
    fn an_unknown_key_is_reported_with_a_similar_one() {
        let mistakes = parse(
            Path::new("a.toml"),
            &with_head("[[user]]\nname = \"ada\"\ngiven_name = \"Ada\"\n"),
        )
        .unwrap_err();
        assert_eq!(mistakes[0].suggestion, "A similar key is given-name.");
        let mistakes = parse(Path::new("a.toml"), &with_head("[[users]]\nname = \"ada\"\n")).unwrap_err();
        assert_eq!(mistakes[0].suggestion, "A similar key is user.");
    }

    #[test]
    fn names_that_are_listed_twice_name_both_places() {
        let text = with_head(
            "[[group]]\nname = \"a\"\n[[group]]\nname = \"a\"\n[[group]]\nname = \"b\"\nprevious-names = [\"a\"]\n",
        );
        let mistakes = parse(Path::new("a.toml"), &text).unwrap_err();
        let places: Vec<usize> = mistakes.iter().map(|mistake| mistake.place.line).collect();
        assert_eq!(places, [6, 9]);
        assert!(mistakes.iter().all(|mistake| mistake.suggestion.contains("a.toml:4:8")));
    }

    #[test]
    fn names_are_unique_across_included_files() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("access.toml", &with_head("include = [\"team-*\"]\n"));
        write(
            "team-a.toml",
            "[[user]]\nname = \"ada\"\n[account-sets]\nx = { accounts = [\"all\"] }\n",
        );
        write(
            "team-b.yaml",
            "user:\n- name: ada\naccount-sets:\n  x: {accounts: [all]}\nguard:\n  max-deletes: 100\n",
        );
        let mistakes = read(&folder.path().join("access.toml")).unwrap_err();
        let messages: Vec<&str> = mistakes.iter().map(|mistake| mistake.message.as_str()).collect();
        let expected = [
            "The user \"ada\" is listed twice.",
            "The account set \"x\" is listed twice.",
            "guard can only be in the first file.",
        ];
        assert_eq!(messages, expected);
        assert!(
            mistakes
                .iter()
                .all(|mistake| mistake.place.file.ends_with("team-b.yaml"))
        );
        assert!(mistakes[0].suggestion.contains("team-a.toml:2:8"));
    }

    #[test]
    fn absent_and_external_things_have_no_attributes() {
        for text in [
            "[[user]]\nname = \"ada\"\nabsent = true\nemail = \"a@example.com\"\n",
            "[[user]]\nname = \"ada\"\nexternal = true\ngiven-name = \"Ada\"\n",
            "[[user]]\nname = \"ada\"\nexternal = true\nabsent = true\n",
            "[[group]]\nname = \"a\"\nabsent = true\nmembers = []\n",
            "[[group]]\nname = \"a\"\nexternal = true\nmembership = \"exactly\"\n",
            "[[assignment]]\nprincipals = [\"user:a\"]\npermission-sets = [\"A\"]\naccounts = [\"all\"]\nabsent = true\nuntil = 2027-01-31\n",
        ] {
            assert_eq!(messages(text).len(), 1, "{text}: {:?}", messages(text));
        }
        assert_eq!(messages("[[user]]\nname = \"ada\"\nabsent = true\n"), [""; 0]);
        assert_eq!(messages("[[user]]\nname = \"ada\"\nexternal = true\n"), [""; 0]);
    }

    #[test]
    fn policies_are_files_or_tables() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        let found = |policy: &str| {
            write(
                "access.toml",
                &with_head(&format!("[[permission-set]]\nname = \"A\"\ninline-policy = {policy}\n")),
            );
            read(&folder.path().join("access.toml"))
        };
        write(
            "good.json",
            "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": []\n}\n",
        );
        write("bad.json", "{\n  \"Statement\": [}\n");
        write("list.json", "[]");
        write(
            "twice.json",
            "{\"Statement\": [{\"Effect\": \"Deny\", \"Effect\": \"Allow\"}]}\n",
        );
        let file = found("\"good.json\"").unwrap();
        let policy = file.permission_sets[0].inline_policy.as_ref().unwrap();
        assert_eq!(policy.value, "{\"Statement\":[],\"Version\":\"2012-10-17\"}");
        for (policy, message) in [
            ("\"missing.json\"", "it does not exist"),
            ("\"bad.json\"", "not valid JSON"),
            ("\"list.json\"", "must be a JSON object"),
            ("\"twice.json\"", "The key \"Effect\" is given twice."),
            ("\"../x.json\"", "cannot be read"),
            ("\"/etc/hostname\"", "not a relative path"),
            ("{ Version = \"2012-10-17\" }", "no Statement"),
            ("{ Version = 2012-10-17, Statement = [] }", "not a date"),
            ("{ Version = 2012-10-40, Statement = [] }", "not a date"),
            ("{ Statement = [{ Condition = { x = 2027-01-31 } }] }", "not a date"),
            ("5", "must be the path of a file"),
        ] {
            let mistakes = found(policy).unwrap_err();
            assert_eq!(mistakes.len(), 1, "{policy}: {mistakes:?}");
            assert!(mistakes[0].message.contains(message), "{policy}: {mistakes:?}");
        }
        let mistakes = found("\"bad.json\"").unwrap_err();
        assert!(
            mistakes[0].place.file.ends_with("bad.json") && mistakes[0].place.line == 2,
            "{mistakes:?}"
        );
    }

    #[test]
    fn limits_of_aws_are_mistakes() {
        let tags: Vec<String> = (0..75).map(|n| format!("t{n} = \"x\"\n")).collect();
        let tags = tags.concat();
        assert!(
            messages(&format!(
                "[[permission-set]]\nname = \"A\"\n[permission-set.tags]\n{tags}"
            ))[0]
                .contains("75 tags")
        );
        let policies: Vec<String> = (0..26).map(|n| format!("\"P{n}\"")).collect();
        let policies = policies.join(", ");
        let text = format!("[[permission-set]]\nname = \"A\"\nmanaged-policies = [{policies}]\n");
        assert!(messages(&text)[0].contains("26 managed policies"));
        let text = "[[permission-set]]\nname = \"A\"\ndescription = \"東京\"\ntags = { \"aws:x\" = \"1\", \"idc-setup:y\" = \"2\" }\n";
        assert_eq!(messages(text).len(), 3);
        assert_eq!(
            messages("[guard]\nmax-delete-percent = 101\nprotect = [\"Admins\"]\n").len(),
            2
        );
    }

    #[test]
    fn a_first_file_that_cannot_be_read_is_a_mistake() {
        for (path, message) in [("/nowhere/access.toml", "does not exist"), ("/", "cannot be read")] {
            let mistakes = read(Path::new(path)).unwrap_err();
            assert!(mistakes[0].message.contains(message), "{mistakes:?}");
            assert_eq!((mistakes[0].place.line, mistakes[0].place.column), (1, 1));
        }
        let mistakes = parse(Path::new("access.txt"), "").unwrap_err();
        assert!(mistakes[0].suggestion.contains(".toml"));
    }

    /// A file without the places in it.
    fn without_places(mut file: AccessFile) -> String {
        file.files.clear();
        let place = Regex::new(r#"Place \{ file: "[^"]*", line: \d+, column: \d+ \}"#).unwrap();
        place.replace_all(&format!("{file:?}"), "").into_owned()
    }

    proptest! {
        #[test]
        fn a_file_is_read_equally_in_every_format(content in samples::access_file()) {
            let read = samples::texts(&content).map(|(_, name, text)| {
                without_places(parse(Path::new(name), &text).unwrap_or_else(|mistakes| panic!("{mistakes:#?}\n{text}")))
            });
            prop_assert_eq!(&read[0], &read[1]);
            prop_assert_eq!(&read[0], &read[2]);
        }

        #[test]
        fn a_damaged_file_has_mistakes_within_it(
            content in samples::access_file(), at in any::<prop::sample::Index>(), length in 0_usize..20, with in "\\PC{0,3}"
        ) {
            for (_, name, text) in samples::texts(&content) {
                let start = text.floor_char_boundary(at.index(text.len()));
                let end = text.floor_char_boundary(start + length).max(start);
                let damaged = format!("{}{with}{}", &text[..start], &text[end..]);
                for (line, column, message) in mistakes_in(name, &damaged) {
                    let written = damaged.split('\n').nth(line - 1);
                    prop_assert!(written.is_some_and(|written| column <= written.chars().count() + 1), "{message}");
                }
            }
        }
    }
}
