//! The access file that describes what exists: a plan of it has nothing to do.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;

use super::escape::{comment, counted, json};
use super::set_parts::{Boundary, SetParts};
use super::toml_text::{document, string, strings, table};
use super::view::{Exported, Selection, View};
use super::{Export, File};
use crate::answers::values::SessionDuration;
use crate::ids::{AccountId, Principal};
use crate::limits::LARGEST_ACCESS_FILE_MB;
use crate::progress::ResourceKind;
use crate::resources::inventory::{ACCESS_TAG, ASSIGNMENTS_TAG, Accounts, Inventory, PermissionSet};
use crate::resources::permission_set::INTENT_TAG;

/// The name of the file.
const FILE: &str = "access.toml";

/// The name of an access file, if no existing one owns a permission set.
pub const DEFAULT_NAME: &str = "access";

/// From this number of bytes on, the tables are in files of their own, which the first file includes. It is well below the
/// largest file that is read.
const LARGEST: usize = LARGEST_ACCESS_FILE_MB << 19;

/// The text of an access file that describes everything that exists, as one file of any size.
pub fn text(inventory: &Inventory, name: &str) -> String {
    let view = View::new(inventory, &Selection::All);
    let mut writer = Writer::new(&view, name);
    writer.write();
    writer.text
}

/// The name for an export: that of the access file that owns most of the permission sets, or [`DEFAULT_NAME`].
pub fn name_of(inventory: &Inventory) -> String {
    let mut owned: BTreeMap<&str, usize> = BTreeMap::new();
    for owner in inventory
        .permission_sets
        .values()
        .filter_map(|set| set.owner.as_deref())
    {
        *owned.entry(owner).or_default() += 1;
    }
    let most = owned.into_iter().rev().max_by_key(|(_, count)| *count);
    most.map_or_else(|| DEFAULT_NAME.to_owned(), |(owner, _)| owner.to_owned())
}

/// Describes what exists as an access file with this name.
///
/// Permission sets that another access file owns are left out, with their assignments. Inline policies that TOML cannot represent
/// become files of their own, and so do the parts of a file that would be too large to be read.
pub fn export(view: &View, name: &str) -> Export {
    let mut writer = Writer::new(view, name);
    writer.write();
    Export {
        files: parts(writer.text, LARGEST).into_iter().chain(writer.policies).collect(),
        notes: writer.notes,
        exported: writer.exported,
    }
}

/// The file; or a first file that includes others, each of at most this many bytes unless one table is larger.
fn parts(text: String, largest: usize) -> Vec<File> {
    // Only a table begins after an empty line and with brackets: line breaks within strings are escaped.
    const TABLE: &str = "\n\n[[";
    let starts: Vec<usize> = text.match_indices(TABLE).map(|(index, _)| index + 2).collect();
    let (Some(&first), true) = (starts.first(), text.len() > largest) else {
        return vec![File::new(FILE, text)];
    };
    let mut texts: Vec<String> = Vec::new();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    for (start, end) in starts.iter().copied().zip(ends) {
        let table = &text[start..end];
        match texts.last_mut() {
            Some(last) if last.len() + table.len() <= largest => last.push_str(table),
            _ => texts.push(table.to_owned()),
        }
    }
    let files = texts.into_iter().enumerate();
    let files: Vec<File> = files
        .map(|(index, text)| File::new(format!("access-{}.toml", index + 1), text))
        .collect();
    let names = strings(files.iter().map(|file| file.name.as_str()));
    let head = text[..first].trim_end();
    let main = File::new(FILE, format!("{head}\ninclude = {names}\n"));
    std::iter::once(main).chain(files).collect()
}

struct Writer<'a> {
    view: &'a View<'a>,
    name: &'a str,
    text: String,
    policies: Vec<File>,
    notes: Vec<String>,
    exported: Vec<Exported>,
}

/// Why an assignment cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Unwritten {
    Gone,
    NoAccount,
    Inactive,
}

impl<'a> Writer<'a> {
    fn new(view: &'a View<'a>, name: &'a str) -> Self {
        Self {
            view,
            name,
            text: String::new(),
            policies: Vec::new(),
            notes: Vec::new(),
            exported: Vec::new(),
        }
    }

    fn write(&mut self) {
        self.head();
        self.users();
        self.groups();
        self.permission_sets();
        self.assignments();
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn pair(&mut self, name: &str, value: &str) {
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "{name} = {value}");
    }

    fn note(&mut self, note: String) {
        let _ = writeln!(self.text, "# {}", comment(&note));
        self.notes.push(note);
    }

    fn head(&mut self) {
        let instance = self.view.inventory.instance.arn.instance_id().to_owned();
        self.line("# What exists in IAM Identity Center. To compare it with the account: idc-setup access plan");
        self.line("format = 1");
        self.pair("name", &string(self.name));
        self.pair("instance", &string(&instance));
    }

    fn users(&mut self) {
        for (id, user) in self.view.users() {
            self.line("\n[[user]]");
            self.pair("name", &string(&user.name));
            if user.is_external {
                self.line("external = true");
                continue;
            }
            let full = [&user.given_name, &user.family_name].map(Option::as_deref);
            let full = full.into_iter().flatten().collect::<Vec<_>>().join(" ");
            let display_name = user.display_name.as_ref().filter(|name| **name != full);
            for (key, value) in [
                ("email", user.email.as_ref()),
                ("given-name", user.given_name.as_ref()),
                ("family-name", user.family_name.as_ref()),
                ("display-name", display_name),
            ] {
                if let Some(value) = value.filter(|value| !value.is_empty()) {
                    self.pair(key, &string(value));
                }
            }
            self.exported.push(Exported::new(ResourceKind::User, id));
        }
    }

    fn groups(&mut self) {
        let mut members: BTreeMap<_, Vec<&str>> = BTreeMap::new();
        for member in self.view.members() {
            members.entry(&member.key.group).or_default().push(&member.user.name);
            if !member.group.is_external {
                self.exported
                    .push(Exported::new(ResourceKind::GroupMembership, member.key.clone()));
            }
        }
        for (id, group) in self.view.groups() {
            self.line("\n[[group]]");
            self.pair("name", &string(&group.name));
            if group.is_external {
                self.line("external = true");
                continue;
            }
            if let Some(description) = group.description.as_deref().filter(|text| !text.is_empty()) {
                self.pair("description", &string(description));
            }
            let names = members.remove(id).unwrap_or_default();
            let is_complete = self.view.has_all_members(id);
            if !names.is_empty() {
                self.pair("members", &strings(names));
            }
            if is_complete {
                self.line(
                    "# Members who are not listed here are removed by apply --prune; with at-least, they would stay.",
                );
                self.line("membership = \"exactly\"");
            }
            self.exported.push(Exported::new(ResourceKind::Group, id));
        }
        // Members of groups that are not exported themselves.
        for (id, names) in members {
            let Some(group) = self.view.inventory.groups.get(id).filter(|group| !group.is_external) else {
                continue;
            };
            self.line("\n[[group]]");
            self.pair("name", &string(&group.name));
            self.pair("members", &strings(names));
        }
    }

    fn permission_sets(&mut self) {
        let unwritten = self.unwritten_sets();
        for set in self.view.permission_sets() {
            if let Some(other) = set.owner.as_deref().filter(|owner| *owner != self.name) {
                self.line("");
                self.note(format!(
                    "The permission set {} is left out, with its assignments: it belongs to the access file {other}.",
                    set.name
                ));
                continue;
            }
            if !set.is_complete {
                self.line("");
                self.note(format!(
                    "The permission set {} is left out: its policies were not read.",
                    set.name
                ));
                continue;
            }
            self.permission_set(set);
            if set.has_other_assignments() {
                self.line("assignments = \"at-least\"");
            } else if set.owner.is_some() && unwritten.contains(set.name.as_str()) {
                self.line("# It has assignments that this file cannot name. They stay.");
                self.line("assignments = \"at-least\"");
            }
            self.exported.push(Exported::new(ResourceKind::PermissionSet, &set.arn));
        }
    }

    fn permission_set(&mut self, set: &PermissionSet) {
        let parts = SetParts::of(set);
        self.line("\n[[permission-set]]");
        self.pair("name", &string(&set.name));
        if let Some(description) = parts.description {
            self.pair("description", &string(description));
        }
        if let Some(duration) = parts.session_duration {
            match duration.parse::<SessionDuration>() {
                Ok(duration) => self.pair("session-duration", &string(&duration.to_string())),
                Err(_) => self.note(format!(
                    "The session duration of the permission set {} is {duration}, which an access file cannot have.",
                    set.name
                )),
            }
        }
        if let Some(relay_state) = parts.relay_state {
            self.pair("relay-state", &string(relay_state));
        }
        if !parts.managed_policies.is_empty() {
            let policies = parts.managed_policies.iter().map(|arn| managed_policy(arn));
            self.pair("managed-policies", &strings(policies));
        }
        if !parts.customer_managed_policies.is_empty() {
            let policies = parts.customer_managed_policies.iter();
            let policies: Vec<String> = policies.map(|policy| policy.in_access_file()).collect();
            self.pair(
                "customer-managed-policies",
                &strings(policies.iter().map(String::as_str)),
            );
        }
        match parts.boundary {
            Some(Boundary::Managed(arn)) => self.pair("permissions-boundary", &string(managed_policy(arn))),
            Some(Boundary::Customer(policy)) => {
                let policy = format!("customer:{}", policy.in_access_file());
                self.pair("permissions-boundary", &string(&policy));
            }
            None => {}
        }
        let tags: BTreeMap<&str, &str> = parts
            .tags
            .into_iter()
            .filter(|(key, _)| ![ACCESS_TAG, ASSIGNMENTS_TAG, INTENT_TAG].contains(key))
            .collect();
        if !tags.is_empty() {
            self.pair("tags", &table(tags));
        }
        if let Some(policy) = parts.inline_policy {
            self.inline_policy(set, policy);
        }
    }

    /// The inline policy as a table, or else as a file of its own.
    fn inline_policy(&mut self, set: &PermissionSet, policy: &str) {
        let parsed: Option<Value> = serde_json::from_str(policy).ok();
        if let Some(table) = parsed.as_ref().and_then(document) {
            return self.pair("inline-policy", &table);
        }
        let letters = set.name.chars();
        let name: String = letters
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        let file = format!("inline-policy-{}-{name}.json", self.policies.len() + 1);
        self.note(format!(
            "The inline policy of the permission set {} is in {file}, because TOML cannot represent it.",
            set.name
        ));
        self.pair("inline-policy", &string(&file));
        let text = parsed.map_or_else(|| policy.to_owned(), |policy| json(&policy));
        self.policies.push(File::new(file, format!("{text}\n")));
    }

    /// The names of the permission sets with assignments that cannot be written.
    fn unwritten_sets(&self) -> BTreeSet<String> {
        let inventory = self.view.inventory;
        let assigned = self.view.assignments().into_iter();
        let assigned = assigned.filter(|one| unwritten(&inventory.accounts, &one.key.account).is_some());
        let orphans = self.view.orphans().into_iter();
        let orphans = orphans.filter_map(|key| inventory.permission_sets.get(&key.permission_set));
        assigned
            .map(|one| one.set.name.clone())
            .chain(orphans.map(|set| set.name.clone()))
            .collect()
    }

    fn assignments(&mut self) {
        let accounts = &self.view.inventory.accounts;
        let mut skipped: BTreeMap<(Unwritten, String), usize> = BTreeMap::new();
        let mut wanted: BTreeMap<(&Principal, &str), Wanted> = BTreeMap::new();
        for one in self.view.assignments() {
            if one.set.owner.as_deref().is_some_and(|owner| owner != self.name) {
                continue;
            }
            if let Some(why) = unwritten(accounts, &one.key.account) {
                *skipped.entry((why, one.key.account.to_string())).or_default() += 1;
                continue;
            }
            let entry = wanted.entry((&one.key.principal, one.principal)).or_default();
            entry.entry(&one.set.name).or_default().insert(&one.key.account);
            self.exported
                .push(Exported::new(ResourceKind::AccountAssignment, one.key.clone()));
        }
        let mut wanted: Vec<_> = wanted.into_iter().collect();
        // Groups first, then by name.
        wanted.sort_by_key(|((principal, name), _)| (matches!(principal, Principal::User(_)), *name));
        for ((principal, name), sets) in &wanted {
            let kind = match principal {
                Principal::User(_) => "user",
                Principal::Group(_) => "group",
            };
            for (accounts, sets) in by_accounts(sets) {
                self.assignment(&format!("{kind}:{name}"), &sets, &accounts);
            }
        }
        for key in self.view.orphans() {
            *skipped.entry((Unwritten::Gone, key.account.to_string())).or_default() += 1;
        }
        for ((why, account), count) in skipped {
            let assignments = counted(count, "assignment", "assignments");
            let why = match why {
                Unwritten::Gone => "of a user, group or permission set that no longer exists",
                Unwritten::NoAccount => "of this account, which is no longer in the organization",
                Unwritten::Inactive => "of this account, which is not active",
            };
            self.line("");
            self.note(format!("Account {account}: {assignments} {why}, left out."));
        }
    }

    fn assignment(&mut self, principal: &str, sets: &[&str], accounts: &BTreeSet<&AccountId>) {
        self.line("\n[[assignment]]");
        self.pair("principals", &strings([principal]));
        self.pair("permission-sets", &strings(sets.iter().copied()));
        self.line("accounts = [");
        for id in accounts {
            let account = self.view.inventory.accounts.all.get(*id);
            let name = account.map(|account| comment(&account.name)).unwrap_or_default();
            let name = if name.is_empty() {
                String::new()
            } else {
                format!(" # {name}")
            };
            let _ = writeln!(self.text, "  {},{name}", string(id));
        }
        self.line("]");
    }
}

/// The accounts of each permission set of a principal.
type Wanted<'a> = BTreeMap<&'a str, BTreeSet<&'a AccountId>>;

/// The permission sets that a principal has in the same accounts, together.
fn by_accounts<'a>(sets: &Wanted<'a>) -> Vec<(BTreeSet<&'a AccountId>, Vec<&'a str>)> {
    let mut together: Vec<(BTreeSet<&AccountId>, Vec<&str>)> = Vec::new();
    for (&set, accounts) in sets {
        match together.iter_mut().find(|(others, _)| others == accounts) {
            Some((_, names)) => names.push(set),
            None => together.push((accounts.clone(), vec![set])),
        }
    }
    together
}

/// Why an assignment in this account cannot be written. Without an organization, the accounts are not known.
fn unwritten(accounts: &Accounts, id: &AccountId) -> Option<Unwritten> {
    if accounts.all.is_empty() {
        return None;
    }
    match accounts.all.get(id) {
        None => Some(Unwritten::NoAccount),
        Some(account) if !account.is_active() => Some(Unwritten::Inactive),
        Some(_) => None,
    }
}

/// An AWS managed policy by its name: `job-function/Billing`.
fn managed_policy(arn: &str) -> &str {
    arn.split_once(":iam::aws:policy/").map_or(arn, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_file_includes_its_parts() {
        let text =
            "# comment\nformat = 1\nname = \"a\"\n\n[[user]]\nname = \"x\"\n\n[[user]]\nname = \"y\"\n\n# note\n";
        assert_eq!(parts(text.to_owned(), 1000), [File::new(FILE, text)]);
        let files = parts(text.to_owned(), 24);
        let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["access.toml", "access-1.toml", "access-2.toml"]);
        let include = "include = [\"access-1.toml\", \"access-2.toml\"]\n";
        assert_eq!(files[0].text, format!("# comment\nformat = 1\nname = \"a\"\n{include}"));
        assert_eq!(files[1].text, "[[user]]\nname = \"x\"\n\n");
        assert_eq!(files[2].text, "[[user]]\nname = \"y\"\n\n# note\n");
    }
}
