//! The names of profiles: a template, names that are safe in the file and in a shell, and what sets equal names apart.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use super::role::{Role, RoleField};
use crate::ids::AccountId;

/// The template if none is given.
pub const DEFAULT_TEMPLATE: &str = "{account}-{permission_set}";

/// Characters that a template can have besides letters and digits: those of the names of profiles in general.
const PUNCTUATION: &str = "_.@:/+-";

/// Characters of account names and permission sets that are kept, besides letters and digits. A `:` or `/` in a template
/// then always comes from the template.
const KEPT: &str = "_.@+";

/// The most characters of a template that are not placeholders, so that names stay below 128 characters.
const LONGEST_TEXT: usize = 32;

/// The most characters of a name. The name of an account and that of a permission set can be long, and a template can have
/// several placeholders.
const LONGEST_NAME: usize = 128;

/// The characters of a name that was cut that are left for a number behind it.
const NUMBER_ROOM: usize = 6;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Placeholder(RoleField),
}

/// A template for names, such as `{account}-{permission_set}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

/// Why a template is not valid, as a clause without a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidTemplate(String);

impl fmt::Display for InvalidTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Template {
    type Err = InvalidTemplate;

    fn from_str(text: &str) -> Result<Self, InvalidTemplate> {
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (literal, after) = rest.split_at(rest.find(['{', '}']).unwrap_or(rest.len()));
            if let Some(letter) = literal.chars().find(|letter| !is_name_character(*letter)) {
                return Err(InvalidTemplate(format!(
                    "the template has {letter:?}, but a name can have only letters, digits and {PUNCTUATION}"
                )));
            }
            if !literal.is_empty() {
                parts.push(Part::Text(literal.to_owned()));
            }
            if after.is_empty() {
                break;
            }
            let (name, behind) = after
                .strip_prefix('{')
                .and_then(|after| after.split_once('}'))
                .ok_or_else(|| InvalidTemplate("a brace of the template has no counterpart".to_owned()))?;
            parts.push(Part::Placeholder(placeholder(name)?));
            rest = behind;
        }
        let length: usize = parts.iter().map(Part::text_length).sum();
        match parts.first() {
            None => Err(InvalidTemplate("the template is empty".to_owned())),
            Some(Part::Text(first)) if first.starts_with('-') => Err(InvalidTemplate(
                "the template begins with -, which marks a flag in commands".to_owned(),
            )),
            Some(_) if length > LONGEST_TEXT => Err(InvalidTemplate(format!(
                "the template has more than {LONGEST_TEXT} characters besides its placeholders"
            ))),
            Some(_) => Ok(Self(parts)),
        }
    }
}

impl Part {
    fn text_length(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Placeholder(_) => 0,
        }
    }
}

fn placeholder(name: &str) -> Result<RoleField, InvalidTemplate> {
    RoleField::named(name).ok_or_else(|| {
        let names = RoleField::NAMED.map(|(name, _)| format!("{{{name}}}")).join(", ");
        InvalidTemplate(format!("{{{name}}} is not one of the placeholders {names}"))
    })
}

fn is_name_character(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || PUNCTUATION.contains(letter)
}

impl Template {
    /// The name for a role, whose account has this name in a safe form.
    fn name(&self, role: &Role, account: &str) -> String {
        let parts = self.0.iter().map(|part| match part {
            Part::Text(text) => text.clone(),
            Part::Placeholder(RoleField::Account) => account.to_owned(),
            Part::Placeholder(RoleField::AccountId) => role.account.to_string(),
            Part::Placeholder(RoleField::PermissionSet) => safe(&role.permission_set),
            Part::Placeholder(RoleField::Email) => safe(&role.email),
        });
        let name = parts.collect::<String>();
        let name = name.trim_start_matches('-');
        // The account has an email address, but the portal may not return it.
        if name.is_empty() {
            role.account.to_string()
        } else {
            name.to_owned()
        }
    }
}

/// A text as a part of a name: letters without accents, and a single `-` for all other characters. It can be empty.
pub fn safe(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_ascii_alphanumeric() || KEPT.contains(letter) {
            safe.push(letter);
        } else if let Some(plain) = without_accent(letter) {
            safe.push_str(plain);
        } else if !safe.ends_with('-') {
            safe.push('-');
        }
    }
    // A name that begins with a period or `-` looks like a hidden file or a flag.
    safe.trim_matches(['-', '.']).to_owned()
}

/// The plain letters for a Latin letter with an accent, as people write it without one.
fn without_accent(letter: char) -> Option<&'static str> {
    Some(match letter {
        'ä' | 'æ' => "ae",
        'Ä' | 'Æ' => "Ae",
        'ö' | 'œ' => "oe",
        'Ö' | 'Œ' => "Oe",
        'ü' => "ue",
        'Ü' => "Ue",
        'ß' => "ss",
        'à'..='ã' | 'å' | 'ā' | 'ă' | 'ą' => "a",
        'À'..='Ã' | 'Å' | 'Ā' | 'Ă' | 'Ą' => "A",
        'ç' | 'ć' | 'č' => "c",
        'Ç' | 'Ć' | 'Č' => "C",
        'ď' | 'đ' | 'ð' => "d",
        'Ď' | 'Đ' | 'Ð' => "D",
        'è'..='ë' | 'ē' | 'ė' | 'ę' | 'ě' => "e",
        'È'..='Ë' | 'Ē' | 'Ė' | 'Ę' | 'Ě' => "E",
        'ğ' => "g",
        'Ğ' => "G",
        'ì'..='ï' | 'ī' | 'į' | 'ı' => "i",
        'Ì'..='Ï' | 'Ī' | 'Į' | 'İ' => "I",
        'ł' => "l",
        'Ł' => "L",
        'ñ' | 'ń' | 'ň' => "n",
        'Ñ' | 'Ń' | 'Ň' => "N",
        'ò'..='õ' | 'ø' | 'ō' | 'ő' => "o",
        'Ò'..='Õ' | 'Ø' | 'Ō' | 'Ő' => "O",
        'ř' => "r",
        'Ř' => "R",
        'ś' | 'š' | 'ş' | 'ș' => "s",
        'Ś' | 'Š' | 'Ş' | 'Ș' => "S",
        'ť' | 'ț' | 'ţ' => "t",
        'Ť' | 'Ț' | 'Ţ' => "T",
        'ù'..='û' | 'ū' | 'ů' | 'ű' | 'ų' => "u",
        'Ù'..='Û' | 'Ū' | 'Ů' | 'Ű' | 'Ų' => "U",
        'ý' | 'ÿ' => "y",
        'Ý' => "Y",
        'ź' | 'ż' | 'ž' => "z",
        'Ź' | 'Ż' | 'Ž' => "Z",
        _ => return None,
    })
}

/// The names of all roles that the portal offers, in the order of the roles, and each of them once. They depend on the roles
/// only, and not on their order.
///
/// Accounts with the same name in its safe form all get their account ID behind it. Equal names of other roles get the account
/// ID, then the permission set, then a number.
pub fn assign(template: &Template, roles: &[Role]) -> Vec<String> {
    let accounts = account_names(roles);
    let mut names: Vec<String> = roles
        .iter()
        .map(|role| {
            let account = accounts.get(&role.account).map_or("", String::as_str);
            bounded(template.name(role, account), role)
        })
        .collect();
    set_apart(&mut names, roles, |role| role.account.to_string());
    set_apart(&mut names, roles, |role| safe(&role.permission_set));
    for (name, role) in names.iter_mut().zip(roles) {
        *name = bounded(std::mem::take(name), role);
    }
    let mut order: Vec<usize> = (0..roles.len()).collect();
    order.sort_by_key(|index| &roles[*index]);
    let mut used = BTreeSet::new();
    // A name that is unique already keeps it, whatever number another one gets.
    let counts = counts(&names);
    used.extend(names.iter().filter(|name| counts[name.as_str()] == 1).cloned());
    let repeated: Vec<usize> = order
        .into_iter()
        .filter(|index| counts[names[*index].as_str()] > 1)
        .collect();
    for index in repeated {
        let name = numbered(&names[index], |name| !used.contains(name));
        used.insert(name.clone());
        names[index] = name;
    }
    names
}

/// The name with a suffix, unless it has it already. A name that would be too long loses its end.
pub fn with_suffix(name: &str, suffix: &str) -> String {
    if name.len() <= LONGEST_NAME && name.ends_with(suffix) {
        return name.to_owned();
    }
    appended(name, suffix)
}

fn appended(name: &str, suffix: &str) -> String {
    let room = LONGEST_NAME.saturating_sub(suffix.len() + 1);
    if name.len() <= room {
        return format!("{name}-{suffix}");
    }
    let kept: String = name.chars().take(room).collect();
    format!("{}-{suffix}", kept.trim_end_matches(['-', '.']))
}

/// A name that is not too long. One that is gets the account ID in place of its end.
fn bounded(name: String, role: &Role) -> String {
    if name.len() <= LONGEST_NAME {
        return name;
    }
    let room = LONGEST_NAME - NUMBER_ROOM - role.account.len() - 1;
    let kept: String = name.chars().take(room).collect();
    with_suffix(kept.trim_end_matches(['-', '.']), &role.account)
}

/// The name, or the name with the first number behind it, that is free.
pub fn numbered(name: &str, is_free: impl Fn(&str) -> bool) -> String {
    if is_free(name) {
        return name.to_owned();
    }
    let mut number = 2_u64;
    loop {
        let numbered = appended(name, &number.to_string());
        if is_free(&numbered) {
            return numbered;
        }
        number += 1;
    }
}

/// The safe name of each account: its name, or its ID if nothing of the name is left. Equal names get the ID behind them.
fn account_names(roles: &[Role]) -> BTreeMap<&AccountId, String> {
    let mut ids: BTreeMap<String, BTreeSet<&AccountId>> = BTreeMap::new();
    for role in roles {
        ids.entry(safe(&role.account_name)).or_default().insert(&role.account);
    }
    let mut names = BTreeMap::new();
    for (name, ids) in ids {
        for id in &ids {
            let own = match (name.as_str(), ids.len()) {
                ("", _) => id.to_string(),
                (name, 1) => name.to_owned(),
                (name, _) => format!("{name}-{id}"),
            };
            names.insert(*id, own);
        }
    }
    names
}

fn counts(names: &[String]) -> BTreeMap<String, usize> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for name in names {
        *counts.entry(name.clone()).or_default() += 1;
    }
    counts
}

/// Appends what sets roles apart to all names that several roles have.
fn set_apart(names: &mut [String], roles: &[Role], suffix: impl Fn(&Role) -> String) {
    let counts = counts(names);
    for (name, role) in names.iter_mut().zip(roles) {
        let suffix = suffix(role);
        let has_it = suffix.is_empty() || name.ends_with(&suffix);
        if counts.get(name).is_some_and(|count| *count > 1) && !has_it {
            *name = format!("{name}-{suffix}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::Key;
    use proptest::prelude::*;

    fn role(account: &str, name: &str, set: &str) -> Role {
        Role {
            account: account.parse().unwrap(),
            permission_set: set.to_owned(),
            account_name: name.to_owned(),
            email: format!("{account}@example.com"),
        }
    }

    fn named(template: &str, roles: &[Role]) -> Vec<String> {
        assign(&template.parse().unwrap(), roles)
    }

    const ONE: &str = "111111111111";
    const TWO: &str = "222222222222";

    #[test]
    fn a_template_gives_the_name_of_each_role() {
        let roles = [role(ONE, "Production (EU)", "AdministratorAccess")];
        for (template, name) in [
            (DEFAULT_TEMPLATE, "Production-EU-AdministratorAccess"),
            ("{account_id}.{permission_set}", "111111111111.AdministratorAccess"),
            (
                "aws:{account}/{permission_set}",
                "aws:Production-EU/AdministratorAccess",
            ),
            ("{email}", "111111111111@example.com"),
            ("work", "work"),
        ] {
            assert_eq!(named(template, &roles), [name]);
        }
    }

    #[test]
    fn a_template_that_gives_no_safe_names_is_refused() {
        for (template, why) in [
            ("", "empty"),
            ("{name}", "{account}, {account_id}, {permission_set}, {email}"),
            ("{account", "no counterpart"),
            ("account}", "no counterpart"),
            ("{account} {permission_set}", "' '"),
            ("$({account})", "'$'"),
            ("-{account}", "begins with -"),
            (&"a".repeat(33), "more than 32"),
        ] {
            let error = template.parse::<Template>().unwrap_err().to_string();
            assert!(error.contains(why), "{template:?}: {error}");
        }
    }

    #[test]
    fn odd_account_names_become_safe() {
        for (name, expected) in [
            ("Zürich & Genève", "Zuerich-Geneve"),
            ("  a  b\t", "a-b"),
            ("$(rm -rf /)", "rm-rf"),
            ("[x] # y", "x-y"),
            ("日本", ""),
            ("--help", "help"),
            ("..", ""),
            ("o'hara; ls", "o-hara-ls"),
        ] {
            assert_eq!(safe(name), expected, "{name:?}");
        }
        assert_eq!(
            named(DEFAULT_TEMPLATE, &[role(ONE, "日本", "Admin")]),
            ["111111111111-Admin"]
        );
    }

    #[test]
    fn accounts_of_the_same_name_both_get_their_id() {
        let roles = [
            role(ONE, "a b", "Admin"),
            role(TWO, "a-b", "Admin"),
            role(ONE, "a b", "Read"),
            role("333333333333", "c", "Read"),
        ];
        assert_eq!(
            named(DEFAULT_TEMPLATE, &roles),
            [
                "a-b-111111111111-Admin",
                "a-b-222222222222-Admin",
                "a-b-111111111111-Read",
                "c-Read"
            ]
        );
    }

    #[test]
    fn equal_names_are_set_apart_by_account_then_permission_set_then_number() {
        let roles = [role(ONE, "a", "b-c"), role(TWO, "a-b", "c")];
        assert_eq!(
            named(DEFAULT_TEMPLATE, &roles),
            ["a-b-c-111111111111", "a-b-c-222222222222"]
        );
        let roles = [role(ONE, "a", "x"), role(ONE, "a", "y"), role(TWO, "b", "x")];
        assert_eq!(
            named("{account}", &roles),
            ["a-111111111111-x", "a-111111111111-y", "b"]
        );
        let roles = [role(ONE, "a", "x=y"), role(ONE, "a", "x,y")];
        assert_eq!(
            named(DEFAULT_TEMPLATE, &roles),
            ["a-x-y-111111111111-x-y-2", "a-x-y-111111111111-x-y"]
        );
    }

    #[test]
    fn long_names_are_cut_and_still_differ() {
        let long = "n".repeat(50);
        let roles = [
            role(ONE, &format!("{long}a"), &"s".repeat(32)),
            role(TWO, &format!("{long}b"), &"s".repeat(32)),
            role(TWO, &format!("{long}b"), &"t".repeat(32)),
        ];
        for template in [
            "{account}{account}{account}-{permission_set}",
            "{email}.{account}.{account}-{permission_set}",
        ] {
            let names = named(template, &roles);
            assert!(names.iter().all(|name| name.len() <= LONGEST_NAME), "{names:?}");
            assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), 3, "{names:?}");
            assert!(names[0].ends_with(ONE) && names[1].contains(TWO), "{names:?}");
        }
        assert_eq!(with_suffix(&"n".repeat(128), "2").len(), 128);
    }

    fn roles() -> impl Strategy<Value = Vec<Role>> {
        let one = (0_u32..4, "[ab ÄÖ日\\-.$]{0,3}", "[ab=,\\-]{1,3}");
        proptest::collection::vec(one, 1..12).prop_map(|rows| {
            let mut roles: Vec<Role> = rows
                .into_iter()
                .map(|(account, name, set)| role(&format!("{account:012}"), &name, &set))
                .collect();
            // An account has one name, and a permission set occurs once in it.
            let first: BTreeMap<AccountId, String> = roles
                .iter()
                .rev()
                .map(|role| (role.account.clone(), role.account_name.clone()))
                .collect();
            for role in &mut roles {
                role.account_name.clone_from(&first[&role.account]);
            }
            roles.sort();
            roles.dedup();
            roles
        })
    }

    const TEMPLATES: [&str; 5] = [
        DEFAULT_TEMPLATE,
        "{account}",
        "{permission_set}",
        "{email}/{permission_set}",
        "x",
    ];

    proptest! {
        #[test]
        fn names_are_unique_and_valid_and_need_no_quotes(roles in roles(), template in 0..TEMPLATES.len()) {
            let names = named(TEMPLATES[template], &roles);
            let unique: BTreeSet<&String> = names.iter().collect();
            prop_assert_eq!(unique.len(), roles.len());
            for name in &names {
                prop_assert_eq!(Key::CliProfile.check(name), Ok(name.clone()));
                prop_assert_eq!(&crate::shell::Shell::Posix.quoted(name), name);
            }
        }

        #[test]
        fn names_do_not_depend_on_the_order_of_the_roles(roles in roles(), template in 0..TEMPLATES.len()) {
            let names = named(TEMPLATES[template], &roles);
            let mut reversed = roles.clone();
            reversed.reverse();
            let mut others = named(TEMPLATES[template], &reversed);
            others.reverse();
            prop_assert_eq!(names, others);
        }

        #[test]
        fn any_text_is_a_template_or_is_refused(text in ".{0,20}") {
            if let Ok(template) = text.parse::<Template>() {
                prop_assert_eq!(assign(&template, &[role(ONE, "a", "b")]).len(), 1);
            }
        }
    }
}
