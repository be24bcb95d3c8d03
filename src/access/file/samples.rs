//! Random access files for tests, as JSON values and as the text of each format.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::format::Format;

/// Random content of an access file, with at least one user and one permission set.
pub fn access_file() -> impl Strategy<Value = Value> {
    let names = |pattern: &'static str, least| prop::collection::btree_map(pattern, any::<u8>(), least..5_usize);
    (
        names("[a-z@.+]{1,8}", 1),
        names("[A-Z][a-zäö ]{0,8}", 0),
        names("[A-Z][A-Za-z0-9_+=,.@-]{0,9}", 1),
        prop::collection::vec(any::<u8>(), 0..5),
    )
        .prop_map(|(users, groups, sets, assignments)| {
            let mut file: Map<String, Value> = [
                ("format".to_owned(), json!(1)),
                ("name".to_owned(), json!("acme: \"a\" # 1".replace(['"', '#'], "_"))),
                (
                    "guard".to_owned(),
                    json!({"max-deletes": 5, "protect": ["group:Admins", "account:222222222222"]}),
                ),
                (
                    "defaults".to_owned(),
                    json!({"session-duration": "8h", "tags": {"team": "plattform für alle"}}),
                ),
                (
                    "account-sets".to_owned(),
                    json!({"prod": {"accounts": ["ou:Workloads/Prod/**", "tag:env=prod"]}}),
                ),
            ]
            .into_iter()
            .collect();
            let principals = principals(&users, &groups);
            let set_names: Vec<&String> = sets.keys().collect();
            let assignments = assignments
                .iter()
                .map(|bits| assignment(*bits, &principals, &set_names));
            file.insert("user".to_owned(), users.iter().map(user).collect());
            file.insert(
                "group".to_owned(),
                groups.iter().map(|group| self::group(group, &users)).collect(),
            );
            file.insert("permission-set".to_owned(), sets.iter().map(permission_set).collect());
            file.insert("assignment".to_owned(), assignments.collect());
            Value::Object(file)
        })
}

fn user((name, bits): (&String, &u8)) -> Value {
    let mut user = json!({"name": name});
    if bits & 1 > 0 {
        user["email"] = json!("someone+x@example.com");
    }
    if bits & 2 > 0 {
        user["given-name"] = json!("Ada \"die Erste\"");
        user["family-name"] = json!("O'Hara \\ Söhne # 2");
    }
    user
}

fn group((name, bits): (&String, &u8), users: &BTreeMap<String, u8>) -> Value {
    let members: Vec<&String> = users.keys().take(usize::from(bits % 4)).collect();
    let mut group = json!({"name": name, "members": members});
    if bits & 4 > 0 {
        group["membership"] = json!("exactly");
        group["description"] = json!("key: value, [x] {y}\nand more");
    }
    group
}

fn permission_set((name, bits): (&String, &u8)) -> Value {
    let mut set = json!({"name": name, "managed-policies": ["ReadOnlyAccess", "job-function/Billing"]});
    if bits & 1 > 0 {
        let statement = json!({"Effect": "Allow", "Action": ["s3:Get*"], "Resource": "*"});
        set["inline-policy"] = json!({"Version": "2012-10-17", "Statement": [statement]});
    }
    if bits & 2 > 0 {
        set["tags"] = json!({"cost-center": "12", "a/b": "true"});
        set["adopt"] = json!(true);
    }
    set
}

fn principals(users: &BTreeMap<String, u8>, groups: &BTreeMap<String, u8>) -> Vec<String> {
    let users = users.keys().map(|name| format!("user:{name}"));
    users.chain(groups.keys().map(|name| format!("group:{name}"))).collect()
}

fn assignment(bits: u8, principals: &[String], sets: &[&String]) -> Value {
    let bits = usize::from(bits);
    let first = bits % principals.len();
    let last = (first + bits / 16 % 3 + 1).min(principals.len());
    let mut assignment = json!({
        "principals": principals[first..last],
        "permission-sets": [sets[bits % sets.len()]],
        "accounts": ["@prod", "123456789012", "name:shared-*"],
    });
    if bits & 2 > 0 {
        assignment["until"] = json!("2027-01-31");
        assignment["reason"] = json!("TICKET-1");
    }
    if bits & 4 > 0 {
        assignment["except"] = json!(["tag:frozen=true"]);
    }
    assignment
}

/// A file of each format with this content.
///
/// # Panics
/// If the content cannot be written as TOML or JSON.
pub fn texts(content: &Value) -> [(Format, &'static str, String); 3] {
    let mut yaml = String::new();
    write_yaml(content, 0, &mut yaml);
    [
        (Format::Toml, "access.toml", toml::to_string_pretty(content).unwrap()),
        (Format::Yaml, "access.yaml", yaml),
        (
            Format::Json,
            "access.json",
            serde_json::to_string_pretty(content).unwrap(),
        ),
    ]
}

/// Writes a value in the block style of YAML, after its key.
fn write_yaml(value: &Value, indent: usize, out: &mut String) {
    let spaces = " ".repeat(indent);
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (key, value) in members {
                write!(out, "{spaces}{}:", Value::from(key.clone())).unwrap();
                let is_block = matches!(value, Value::Object(members) if !members.is_empty())
                    || matches!(value, Value::Array(items) if !items.is_empty());
                *out += if is_block { "\n" } else { " " };
                write_yaml(value, indent + 2, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                let mut inner = String::new();
                write_yaml(item, indent + 2, &mut inner);
                write!(out, "{spaces}- {}", inner.trim_start()).unwrap();
            }
        }
        other => writeln!(out, "{other}").unwrap(),
    }
}
