//! Which profiles are added, changed, renamed and removed: a pure function of the roles that the portal offers and of the
//! profiles in the file.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::filter::{Compared, Filter};
use super::names::{self, Template};
use super::role::{Role, role_order};
use crate::ids::RegionName;
use crate::resources::cli_config::{LEGACY_KEYS, MARK, OTHER_CREDENTIALS};
use crate::text::listed;
use aws_config_file::{Config, ProfileEdit, ProfileSection};

/// The name of the profile that every command uses without `--profile`. No managed profile gets it.
const DEFAULT_PROFILE: &str = "default";

/// Every property that a managed profile gets.
const MANAGED_KEYS: [&str; 5] = ["sso_session", "sso_account_id", "sso_role_name", "region", MARK];

/// What happens to a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ProfileAction")]
pub enum Action {
    /// It is new.
    Added,
    /// It gets other values.
    Changed,
    /// It gets another name, by the template that was given.
    Renamed,
    /// It is removed: the portal no longer offers the role, or all profiles were to be removed.
    Removed,
    /// It is as it should be.
    Unchanged,
    /// A profile that is not managed gives the role already.
    Existing,
    /// The portal no longer offers the role, and removing was not requested.
    Stale,
    /// It was to be removed, but is kept for a reason.
    Kept,
}

impl Action {
    /// Whether the file changes.
    pub fn is_change(self) -> bool {
        matches!(self, Self::Added | Self::Changed | Self::Renamed | Self::Removed)
    }
}

/// What happens to one profile, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "ProfileRow")]
pub struct Row {
    /// The name of the profile.
    pub profile: String,
    /// The account ID.
    pub account: String,
    /// The account name, if the portal offers the account.
    pub account_name: Option<String>,
    /// The permission set.
    pub permission_set: String,
    /// What happens to the profile.
    pub action: Action,
    /// The name that the profile had before, if it gets another one.
    pub before: Option<String>,
    /// Why the profile is kept, as a sentence.
    pub why: Option<String>,
}

/// The Region of the profiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProfileRegion {
    /// All profiles get this one.
    All(RegionName),
    /// New profiles get this one, or none.
    New(Option<RegionName>),
}

/// What the profiles should be.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The SSO session of the profiles.
    pub session: &'a str,
    /// The template for their names.
    pub template: &'a Template,
    /// Whether managed profiles that exist get the names of the template too. Otherwise, only new ones do.
    pub renames: bool,
    /// All roles that the portal offers.
    pub roles: &'a [Role],
    /// The accounts that the portal lists without their roles. Their profiles stay.
    pub unreadable: &'a BTreeSet<&'a str>,
    /// Which of them get a profile.
    pub filter: &'a Filter,
    /// Further limits the roles, by their place in `roles`; `None` if there is no other limit.
    pub chosen: Option<&'a BTreeSet<usize>>,
    /// The Region.
    pub region: &'a ProfileRegion,
    /// Whether managed profiles are removed if the portal no longer offers their role.
    pub prune: bool,
    /// Whether a profile in the legacy form that gives a wanted role gets the session.
    pub converts_legacy: bool,
}

/// What the files have.
#[derive(Clone, Copy)]
pub struct InFile<'a> {
    /// The profiles of the config file.
    pub profiles: &'a [ProfileSection],
    /// The names of the credentials file, whose keys would take precedence.
    pub reserved: &'a BTreeSet<String>,
    /// The profiles that the credentials file names as a `source_profile`.
    pub sources: &'a BTreeSet<String>,
    /// Whether a profile is of the same portal, whatever its session and its form.
    pub is_of_portal: &'a dyn Fn(&ProfileSection) -> bool,
}

/// What happens to the profiles.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// One row for each wanted role, in their order, and then the profiles whose role is no longer offered.
    pub rows: Vec<Row>,
    /// The edits of the profiles in the file, by their current names.
    pub edits: BTreeMap<String, ProfileEdit>,
    /// The new profiles. Their names can be those of profiles that the edits rename or remove.
    pub additions: BTreeMap<String, ProfileEdit>,
}

/// A plan whose edits do not give the profiles of its rows. The message is a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("The edit would not give the planned profiles: {0}.")]
pub struct Misapplied(String);

impl Plan {
    /// The number of profiles with this action.
    pub fn count(&self, action: Action) -> usize {
        self.rows.iter().filter(|row| row.action == action).count()
    }

    /// Edits the profiles of a file, and adds the new ones behind them.
    ///
    /// # Errors
    /// [`Misapplied`] if a profile of a row does not exist once afterwards, or one that was removed or renamed still does.
    pub fn apply(&self, config: &mut Config) -> Result<(), Misapplied> {
        config.edit_profiles(&self.edits);
        config.edit_profiles(&self.additions);
        self.check(config)
    }

    fn check(&self, edited: &Config) -> Result<(), Misapplied> {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for profile in edited.profiles() {
            *counts.entry(profile.name).or_default() += 1;
        }
        let count = |name: &str| counts.get(name).copied().unwrap_or_default();
        let changes = || self.rows.iter().filter(|row| row.action.is_change());
        let is_kept = |row: &&Row| row.action != Action::Removed;
        if let Some(row) = changes().filter(is_kept).find(|row| count(&row.profile) != 1) {
            return Err(Misapplied(format!("{} would not exist once", row.profile)));
        }
        let used: BTreeSet<&str> = changes().filter(is_kept).map(|row| row.profile.as_str()).collect();
        let mut former = changes().filter_map(|row| match row.action {
            Action::Removed => Some(row.profile.as_str()),
            _ => row.before.as_deref(),
        });
        match former.find(|name| !used.contains(name) && count(name) > 0) {
            Some(name) => Err(Misapplied(format!("{name} would still exist"))),
            None => Ok(()),
        }
    }
}

/// A role that gets a profile, and what is known about that profile.
struct Target<'a> {
    role: &'a Role,
    /// The name by the template.
    name: String,
    /// The managed profile for the role.
    own: Option<&'a ProfileSection>,
    /// Whether `own` keeps its name: another profile uses it, or no new names were requested.
    is_pinned: bool,
}

/// The account and the permission set of a profile.
type RoleKey<'a> = (&'a str, &'a str);

/// Whether a profile is managed by this program, for this session. One whose session somebody has changed is not.
pub fn is_managed(profile: &ProfileSection, session: &str) -> bool {
    !profile.is_repeated && profile.get(MARK) == Some(session) && profile.get("sso_session") == Some(session)
}

/// Why a profile is kept whose account is listed without its roles.
const UNREADABLE: &str = "The access portal lists its account, but refuses to list the roles in it.";

/// Why a profile is kept that does not say which role it is for.
const INCOMPLETE: &str = "It has no sso_account_id or no sso_role_name.";

/// Whether a managed profile does not say which role it is for: somebody has edited it.
fn is_incomplete(profile: &ProfileSection, session: &str) -> bool {
    is_managed(profile, session) && key_of(profile).is_none()
}

/// The account and the permission set of a profile of SSO.
fn key_of(profile: &ProfileSection) -> Option<RoleKey<'_>> {
    Some((profile.get("sso_account_id")?, profile.get("sso_role_name")?))
}

/// Plans what happens to the profiles.
pub fn plan(wanted: &Wanted<'_>, file: &InFile<'_>) -> Plan {
    let sources = sources(file);
    let existing = existing(wanted, file);
    let mut own: BTreeMap<RoleKey, Vec<&ProfileSection>> = BTreeMap::new();
    let managed = file
        .profiles
        .iter()
        .filter(|profile| is_managed(profile, wanted.session));
    for (key, profile) in managed.filter_map(|profile| Some((key_of(profile)?, profile))) {
        own.entry(key).or_default().push(profile);
    }
    let mut plan = Plan::default();
    let mut targets = Vec::new();
    let names = names::assign(wanted.template, wanted.roles);
    for (index, (role, name)) in wanted.roles.iter().zip(names).enumerate() {
        let is_chosen = wanted.chosen.is_none_or(|chosen| chosen.contains(&index));
        if !is_chosen || !wanted.filter.matches(role) {
            continue;
        }
        let key: RoleKey = (&*role.account, role.permission_set.as_str());
        let candidates = own.get(&key).into_iter().flatten();
        let own = candidates
            .min_by_key(|profile| (profile.name != name, profile.name.clone()))
            .copied();
        match existing.get(&key).filter(|_| own.is_none()) {
            Some(other) => plan.add_existing(wanted, role, other),
            None => targets.push(Target {
                role,
                name,
                own,
                is_pinned: own.is_some_and(|own| !wanted.renames || sources.contains(own.name.as_str())),
            }),
        }
    }
    let offered: BTreeSet<RoleKey> = wanted
        .roles
        .iter()
        .map(|role| (&*role.account, role.permission_set.as_str()))
        .collect();
    let stale = own.iter().filter(|(key, _)| !offered.contains(*key));
    let stale = stale
        .flat_map(|(_, profiles)| profiles)
        .map(|profile| match profile.get("sso_account_id") {
            Some(account) if wanted.unreadable.contains(account) => kept_row(profile, UNREADABLE),
            _ => stale_row(wanted.prune, profile, &sources),
        });
    let incomplete = file
        .profiles
        .iter()
        .filter(|profile| is_incomplete(profile, wanted.session));
    let incomplete = incomplete.map(|profile| kept_row(profile, INCOMPLETE));
    let stale: Vec<Row> = stale.chain(incomplete).collect();
    let taken = taken(file, &targets, &stale);
    for (target, name) in final_names(targets, taken) {
        plan.add(wanted, &target, name);
    }
    plan.rows.sort_by_cached_key(|row| {
        let name = row.account_name.as_deref().unwrap_or_default();
        role_order(name, &row.account, &row.permission_set)
    });
    plan.add_stale(stale);
    plan
}

/// Plans the removal of the managed profiles whose role matches a filter. `offered` says how their accounts are called, as
/// far as that is known.
pub fn removal(session: &str, filter: &Filter, offered: &[Role], file: &InFile<'_>) -> Plan {
    let sources = sources(file);
    let accounts: BTreeMap<&str, &Role> = offered.iter().map(|role| (&*role.account, role)).collect();
    let managed = file.profiles.iter().filter(|profile| is_managed(profile, session));
    let matching = managed.filter_map(|profile| {
        let text = |key: &str| profile.get(key).unwrap_or_default();
        let (account, permission_set) = (text("sso_account_id"), text("sso_role_name"));
        let known = accounts.get(account);
        let row = if is_incomplete(profile, session) {
            kept_row(profile, INCOMPLETE)
        } else {
            stale_row(true, profile, &sources)
        };
        let parts = Compared {
            account_name: known.map_or("", |role| &role.account_name),
            account,
            permission_set,
            email: known.map_or("", |role| &role.email),
        };
        filter.matches_parts(parts).then(|| Row {
            account_name: known.map(|role| role.account_name.clone()),
            ..row
        })
    });
    let mut plan = Plan::default();
    plan.add_stale(matching.collect());
    plan
}

/// The profiles that are not managed and give roles of the portal: the best one of each role. A profile with other
/// credentials does not count.
fn existing<'a>(wanted: &Wanted<'_>, file: &InFile<'a>) -> BTreeMap<RoleKey<'a>, &'a ProfileSection> {
    let rank = |profile: &'a ProfileSection| {
        let session = profile.get("sso_session");
        (session != Some(wanted.session), session.is_none(), &profile.name)
    };
    let mut found: BTreeMap<RoleKey, &ProfileSection> = BTreeMap::new();
    for profile in file.profiles {
        let has_other_credentials = OTHER_CREDENTIALS.iter().any(|key| profile.get(key).is_some());
        if profile.is_repeated
            || has_other_credentials
            || is_managed(profile, wanted.session)
            || !(file.is_of_portal)(profile)
        {
            continue;
        }
        if let Some(key) = key_of(profile)
            && found.get(&key).is_none_or(|other| rank(profile) < rank(other))
        {
            found.insert(key, profile);
        }
    }
    found
}

/// The profiles that a profile of one of the files names as its `source_profile`.
fn sources<'a>(file: &InFile<'a>) -> BTreeSet<&'a str> {
    let of_config = file.profiles.iter().filter_map(|profile| profile.get("source_profile"));
    of_config.chain(file.sources.iter().map(String::as_str)).collect()
}

/// The row of a profile that stays, whatever was requested.
fn kept_row(profile: &ProfileSection, why: &str) -> Row {
    let text = |key: &str| profile.get(key).unwrap_or_default().to_owned();
    Row {
        profile: profile.name.clone(),
        account: text("sso_account_id"),
        account_name: None,
        permission_set: text("sso_role_name"),
        action: Action::Kept,
        before: None,
        why: Some(why.to_owned()),
    }
}

/// The row of a profile whose role the portal no longer offers, or which is to be removed.
fn stale_row(removes: bool, profile: &ProfileSection, sources: &BTreeSet<&str>) -> Row {
    let foreign: Vec<&str> = profile
        .properties
        .keys()
        .map(String::as_str)
        .filter(|key| !MANAGED_KEYS.contains(key))
        .collect();
    let why = if !foreign.is_empty() {
        let setting = if foreign.len() == 1 { "setting" } else { "settings" };
        let names = listed(&foreign);
        Some(format!("It has the {setting} {names}, which idc-setup did not write."))
    } else if profile.has_more {
        Some("It has comments, which idc-setup did not write.".to_owned())
    } else if sources.contains(profile.name.as_str()) {
        Some("Another profile uses it as its source_profile.".to_owned())
    } else {
        None
    };
    let action = match &why {
        _ if !removes => Action::Stale,
        Some(_) => Action::Kept,
        None => Action::Removed,
    };
    Row {
        action,
        why: why.filter(|_| action == Action::Kept),
        ..kept_row(profile, "")
    }
}

/// The names that no managed profile can get: those of all other profiles, and of those that keep their name.
fn taken(file: &InFile<'_>, targets: &[Target<'_>], stale: &[Row]) -> BTreeSet<String> {
    let renamable = targets
        .iter()
        .filter(|target| !target.is_pinned)
        .filter_map(|target| Some(target.own?.name.as_str()));
    let removed = stale
        .iter()
        .filter(|row| row.action == Action::Removed)
        .map(|row| row.profile.as_str());
    let free: BTreeSet<&str> = renamable.chain(removed).collect();
    let others = file
        .profiles
        .iter()
        .filter(|profile| !free.contains(profile.name.as_str()));
    others
        .map(|profile| profile.name.clone())
        .chain(file.reserved.iter().cloned())
        .chain([DEFAULT_PROFILE.to_owned()])
        .collect()
}

/// The name that each profile gets. Where another profile holds the name of the template, the account ID is appended, and then
/// a number.
fn final_names(targets: Vec<Target<'_>>, mut taken: BTreeSet<String>) -> Vec<(Target<'_>, String)> {
    let mut named = Vec::new();
    let mut blocked = Vec::new();
    for target in targets {
        match target.own.filter(|_| target.is_pinned) {
            Some(own) => named.push((target, own.name.clone())),
            None if taken.insert(target.name.clone()) => {
                let name = target.name.clone();
                named.push((target, name));
            }
            None => blocked.push(target),
        }
    }
    for target in blocked {
        let base = names::with_suffix(&target.name, &target.role.account);
        let name = names::numbered(&base, |name| !taken.contains(name));
        taken.insert(name.clone());
        named.push((target, name));
    }
    named
}

impl Plan {
    /// Adds profiles that are stale or go.
    fn add_stale(&mut self, stale: Vec<Row>) {
        for row in stale {
            if row.action == Action::Removed {
                self.edits.insert(row.profile.clone(), ProfileEdit::Remove);
            }
            self.rows.push(row);
        }
    }

    /// Adds a role that another profile gives.
    fn add_existing(&mut self, wanted: &Wanted<'_>, role: &Role, other: &ProfileSection) {
        let is_converted = wanted.converts_legacy && other.get("sso_session").is_none();
        if is_converted {
            let mut properties = vec![("sso_session".to_owned(), Some(wanted.session.to_owned()))];
            properties.extend(LEGACY_KEYS.map(|key| (key.to_owned(), None)));
            let edit = ProfileEdit::Set {
                properties,
                rename: None,
            };
            self.edits.insert(other.name.clone(), edit);
        }
        let action = if is_converted {
            Action::Changed
        } else {
            Action::Existing
        };
        self.rows.push(row(role, other.name.clone(), action));
    }

    /// Adds a role that gets a profile of this name.
    fn add(&mut self, wanted: &Wanted<'_>, target: &Target<'_>, name: String) {
        let properties = properties(wanted, target);
        let before = target.own.map(|own| own.name.clone());
        let renamed_from = before.clone().filter(|before| *before != name);
        let action = match (&before, &renamed_from) {
            (None, _) => Action::Added,
            (Some(_), Some(_)) => Action::Renamed,
            (Some(_), None) if properties.is_empty() => Action::Unchanged,
            (Some(_), None) => Action::Changed,
        };
        if action.is_change() {
            let edit = ProfileEdit::Set {
                properties,
                rename: renamed_from.is_some().then(|| name.clone()),
            };
            match before {
                Some(before) => self.edits.insert(before, edit),
                None => self.additions.insert(name.clone(), edit),
            };
        }
        self.rows.push(Row {
            before: renamed_from,
            ..row(target.role, name, action)
        });
    }
}

fn row(role: &Role, profile: String, action: Action) -> Row {
    Row {
        profile,
        account: role.account.to_string(),
        account_name: Some(role.account_name.clone()),
        permission_set: role.permission_set.clone(),
        action,
        before: None,
        why: None,
    }
}

/// The properties of a profile that differ from the wanted ones; all of them if it is new.
fn properties(wanted: &Wanted<'_>, target: &Target<'_>) -> Vec<(String, Option<String>)> {
    let region = match wanted.region {
        ProfileRegion::All(region) => Some(region),
        ProfileRegion::New(region) => region.as_ref().filter(|_| target.own.is_none()),
    };
    let all = [
        ("sso_session", Some(wanted.session)),
        ("sso_account_id", Some(&*target.role.account)),
        ("sso_role_name", Some(target.role.permission_set.as_str())),
        ("region", region.map(|region| &**region)),
        (MARK, Some(wanted.session)),
    ];
    let differs = |key: &str, value: &str| target.own.is_none_or(|own| own.get(key) != Some(value));
    let values = all
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .filter(|(key, value)| differs(key, value))
        .map(|(key, value)| (key.to_owned(), Some(value.to_owned())));
    let legacy = LEGACY_KEYS
        .into_iter()
        .filter(|key| target.own.is_some_and(|own| own.get(key).is_some()))
        .map(|key| (key.to_owned(), None));
    values.chain(legacy).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: &str = "work";

    fn role(account: &str, name: &str, set: &str) -> Role {
        Role {
            account: account.parse().unwrap(),
            permission_set: set.to_owned(),
            account_name: name.to_owned(),
            email: String::new(),
        }
    }

    /// The roles of most tests: two accounts, one of them with two permission sets.
    fn roles() -> Vec<Role> {
        vec![
            role("111111111111", "dev", "Admin"),
            role("111111111111", "dev", "Read"),
            role("222222222222", "prod", "Read"),
        ]
    }

    /// A managed profile.
    fn managed(name: &str, account: &str, set: &str) -> String {
        format!(
            "[profile {name}]\nsso_session = {SESSION}\nsso_account_id = {account}\nsso_role_name = {set}\n\
             {MARK} = {SESSION}\n"
        )
    }

    struct Case<'a> {
        text: &'a str,
        roles: Vec<Role>,
        prune: bool,
        region: ProfileRegion,
        reserved: &'a [&'a str],
        keeps_names: bool,
        sources: &'a [&'a str],
        unreadable: &'a [&'a str],
        template: &'a str,
    }

    impl Default for Case<'_> {
        fn default() -> Self {
            Self {
                text: "",
                roles: roles(),
                prune: false,
                region: ProfileRegion::New(None),
                reserved: &[],
                keeps_names: false,
                sources: &[],
                unreadable: &[],
                template: names::DEFAULT_TEMPLATE,
            }
        }
    }

    impl Case<'_> {
        fn plan(&self) -> Plan {
            let config = Config::parse(self.text.as_bytes()).unwrap();
            let reserved = self.reserved.iter().map(|name| (*name).to_owned()).collect();
            let sources = self.sources.iter().map(|name| (*name).to_owned()).collect();
            let unreadable = self.unreadable.iter().copied().collect();
            let file = InFile {
                profiles: &config.profiles(),
                reserved: &reserved,
                sources: &sources,
                is_of_portal: &|profile| {
                    profile.get("sso_session") == Some(SESSION) || profile.get("sso_start_url") == Some("https://x")
                },
            };
            let wanted = Wanted {
                session: SESSION,
                template: &self.template.parse().unwrap(),
                renames: !self.keeps_names,
                roles: &self.roles,
                unreadable: &unreadable,
                filter: &Filter::default(),
                chosen: None,
                region: &self.region,
                prune: self.prune,
                converts_legacy: false,
            };
            plan(&wanted, &file)
        }

        fn actions(&self) -> Vec<(String, Action)> {
            let rows = self.plan().rows.into_iter();
            rows.map(|row| (row.profile, row.action)).collect()
        }

        /// The text of the file after the plan.
        fn edited(&self) -> String {
            let mut config = Config::parse(self.text.as_bytes()).unwrap();
            self.plan().apply(&mut config).unwrap();
            config.text()
        }
    }

    fn expected(rows: &[(&str, Action)]) -> Vec<(String, Action)> {
        rows.iter()
            .map(|(name, action)| ((*name).to_owned(), *action))
            .collect()
    }

    #[test]
    fn every_role_gets_a_profile_and_a_second_sync_changes_nothing() {
        let case = Case {
            region: ProfileRegion::New(Some("eu-west-1".parse().unwrap())),
            ..Case::default()
        };
        let names = ["dev-Admin", "dev-Read", "prod-Read"];
        assert_eq!(case.actions(), expected(&names.map(|name| (name, Action::Added))));
        let text = case.edited();
        assert!(
            text.starts_with(
                "[profile dev-Admin]\nsso_session = work\nsso_account_id = 111111111111\nsso_role_name = Admin\n\
                 region = eu-west-1\nidc_setup_managed = work\n\n[profile dev-Read]\n"
            ),
            "{text}"
        );
        let again = Case {
            text: &text,
            prune: true,
            region: ProfileRegion::New(Some("us-east-1".parse().unwrap())),
            ..Case::default()
        };
        assert_eq!(again.actions(), expected(&names.map(|name| (name, Action::Unchanged))));
        assert_eq!(again.edited(), text);
    }

    #[test]
    fn a_region_for_all_changes_the_managed_profiles() {
        let text = managed("dev-Admin", "111111111111", "Admin");
        let case = Case {
            text: &text,
            roles: vec![role("111111111111", "dev", "Admin")],
            region: ProfileRegion::All("eu-west-1".parse().unwrap()),
            ..Case::default()
        };
        assert_eq!(case.actions(), expected(&[("dev-Admin", Action::Changed)]));
        assert_eq!(case.edited(), format!("{text}region = eu-west-1\n"));
    }

    #[test]
    fn a_role_that_another_profile_gives_gets_no_second_one() {
        let text = "[profile mine]\nsso_session = work\nsso_account_id = 111111111111\nsso_role_name = Admin\n\
                    [profile old]\nsso_start_url = https://x\nsso_account_id = 222222222222\nsso_role_name = Read\n\
                    [profile keys]\nsso_session = work\nsso_account_id = 111111111111\nsso_role_name = Read\n\
                    aws_access_key_id = AKIA\n";
        let case = Case {
            text,
            ..Case::default()
        };
        let rows = [
            ("mine", Action::Existing),
            ("dev-Read", Action::Added),
            ("old", Action::Existing),
        ];
        assert_eq!(case.actions(), expected(&rows));
        assert!(case.edited().starts_with(text));
    }

    #[test]
    fn a_name_that_another_profile_holds_is_not_touched() {
        let text = "[profile dev-Admin]\nregion = x\n[profile dev-Admin-111111111111]\nregion = y\n";
        let case = Case {
            text,
            reserved: &["prod-Read"],
            ..Case::default()
        };
        let rows = [
            ("dev-Admin-111111111111-2", Action::Added),
            ("dev-Read", Action::Added),
            ("prod-Read-222222222222", Action::Added),
        ];
        assert_eq!(case.actions(), expected(&rows));
        assert!(case.edited().starts_with(text));
    }

    #[test]
    fn only_unchanged_managed_profiles_are_removed_and_only_with_prune() {
        let gone = ["a", "b", "c", "d"].map(|name| managed(name, "333333333333", "Gone"));
        let [plain, with_key, with_comment, used] = gone;
        let other =
            managed("e", "333333333333", "Gone").replace("idc_setup_managed = work", "idc_setup_managed = other");
        let text = format!(
            "{plain}\n{with_key}output = text\n\n{}\n{used}\n{other}\n[profile f]\nsource_profile = d\n",
            with_comment.replace("sso_role_name", "# mine\nsso_role_name"),
        );
        let case = |prune| Case {
            text: &text,
            roles: Vec::new(),
            prune,
            ..Case::default()
        };
        let stale = ["a", "b", "c", "d"].map(|name| (name, Action::Stale));
        assert_eq!(case(false).actions(), expected(&stale));
        assert_eq!(case(false).edited(), text);
        let kept = [
            ("a", Action::Removed),
            ("b", Action::Kept),
            ("c", Action::Kept),
            ("d", Action::Kept),
        ];
        assert_eq!(case(true).actions(), expected(&kept));
        assert_eq!(case(true).edited(), text.replacen(&format!("{plain}\n"), "", 1));
        let whys: Vec<_> = case(true).plan().rows.into_iter().filter_map(|row| row.why).collect();
        assert!(whys[0].contains("output") && whys[1].contains("comments") && whys[2].contains("source_profile"));
    }

    #[test]
    fn a_managed_profile_follows_its_name_unless_another_profile_uses_it() {
        let text = managed("old-name", "111111111111", "Admin");
        let case = |text| Case {
            text,
            roles: vec![role("111111111111", "dev", "Admin")],
            ..Case::default()
        };
        let plan = case(&text).plan();
        assert_eq!(plan.rows[0].action, Action::Renamed);
        assert_eq!(plan.rows[0].before.as_deref(), Some("old-name"));
        assert_eq!(case(&text).edited(), text.replace("old-name", "dev-Admin"));
        let kept = Case {
            keeps_names: true,
            ..case(&text)
        };
        assert_eq!(kept.actions(), expected(&[("old-name", Action::Unchanged)]));
        let used = format!("{text}[profile x]\nsource_profile = old-name\n");
        assert_eq!(case(&used).actions(), expected(&[("old-name", Action::Unchanged)]));
    }

    #[test]
    fn managed_profiles_can_swap_their_names() {
        let text = [
            managed("dev-Read", "111111111111", "Admin"),
            managed("dev-Admin", "111111111111", "Read"),
        ]
        .concat();
        let case = Case {
            text: &text,
            roles: roles()[..2].to_vec(),
            ..Case::default()
        };
        let rows = [("dev-Admin", Action::Renamed), ("dev-Read", Action::Renamed)];
        assert_eq!(case.actions(), expected(&rows));
        let text = case.edited();
        let again = Case { text: &text, ..case };
        assert_eq!(again.plan().edits, BTreeMap::new());
    }

    #[test]
    fn a_new_profile_can_take_the_name_of_one_that_is_removed() {
        let gone = managed("dev-Admin", "333333333333", "Gone");
        let case = Case {
            text: &gone,
            roles: vec![role("111111111111", "dev", "Admin")],
            prune: true,
            ..Case::default()
        };
        let rows = [("dev-Admin", Action::Added), ("dev-Admin", Action::Removed)];
        assert_eq!(case.actions(), expected(&rows));
        assert_eq!(case.edited(), managed("dev-Admin", "111111111111", "Admin"));
    }

    #[test]
    fn a_new_profile_can_take_the_name_that_another_one_gives_up() {
        let text = managed("dev-Read", "111111111111", "Admin");
        let case = Case {
            text: &text,
            roles: roles()[..2].to_vec(),
            ..Case::default()
        };
        let rows = [("dev-Admin", Action::Renamed), ("dev-Read", Action::Added)];
        assert_eq!(case.actions(), expected(&rows));
        let both = [
            managed("dev-Admin", "111111111111", "Admin"),
            managed("dev-Read", "111111111111", "Read"),
        ];
        assert_eq!(case.edited(), both.join("\n"));
    }

    #[test]
    fn an_edit_that_does_not_give_the_planned_profiles_is_refused() {
        let case = Case::default();
        let lost = Plan {
            additions: BTreeMap::new(),
            ..case.plan()
        };
        let mut config = Config::parse(b"").unwrap();
        let error = lost.apply(&mut config).unwrap_err().to_string();
        assert!(error.contains("dev-Admin would not exist once"), "{error}");
    }

    #[test]
    fn an_account_whose_roles_cannot_be_read_keeps_its_profiles() {
        let text = managed("prod-Read", "222222222222", "Read");
        let case = Case {
            text: &text,
            roles: Vec::new(),
            prune: true,
            unreadable: &["222222222222"],
            ..Case::default()
        };
        assert_eq!(case.actions(), expected(&[("prod-Read", Action::Kept)]));
        assert_eq!(case.edited(), text);
    }

    #[test]
    fn a_source_profile_of_the_credentials_file_is_kept() {
        let text = [
            managed("old", "111111111111", "Admin"),
            managed("gone", "333333333333", "Gone"),
        ]
        .concat();
        let case = Case {
            text: &text,
            roles: vec![role("111111111111", "dev", "Admin")],
            prune: true,
            sources: &["old", "gone"],
            ..Case::default()
        };
        assert_eq!(
            case.actions(),
            expected(&[("old", Action::Unchanged), ("gone", Action::Kept)])
        );
        assert_eq!(case.edited(), text);
    }

    #[test]
    fn no_profile_of_ours_becomes_the_default_one() {
        let case = Case {
            roles: vec![role("111111111111", "default", "Admin")],
            template: "{account}",
            ..Case::default()
        };
        assert_eq!(case.actions(), expected(&[("default-111111111111", Action::Added)]));
    }

    #[test]
    fn a_profile_of_ours_without_a_role_is_shown_and_kept() {
        let text = managed("x", "111111111111", "Admin").replace("sso_role_name = Admin\n", "");
        let case = Case {
            text: &text,
            roles: Vec::new(),
            prune: true,
            ..Case::default()
        };
        assert_eq!(case.actions(), expected(&[("x", Action::Kept)]));
        assert_eq!(case.edited(), text);
    }

    #[test]
    fn only_the_managed_profiles_that_match_a_filter_are_removed() {
        let text = [
            managed("dev-Admin", "111111111111", "Admin"),
            managed("dev-Read", "111111111111", "Read"),
            managed("prod-Read", "222222222222", "Read"),
        ]
        .concat();
        let config = Config::parse(text.as_bytes()).unwrap();
        let reserved = BTreeSet::new();
        let file = InFile {
            profiles: &config.profiles(),
            reserved: &reserved,
            sources: &reserved,
            is_of_portal: &|_| true,
        };
        let removed = |conditions: &[&str], offered: &[Role]| {
            let conditions: Vec<String> = conditions.iter().map(|text| (*text).to_owned()).collect();
            let filter = Filter::parse(&conditions).unwrap();
            let plan = removal(SESSION, &filter, offered, &file);
            plan.edits.into_keys().collect::<Vec<_>>()
        };
        assert_eq!(removed(&[], &[]), ["dev-Admin", "dev-Read", "prod-Read"]);
        assert_eq!(removed(&["account_id=2*"], &[]), ["prod-Read"]);
        assert_eq!(removed(&["permission_set=read"], &[]), ["dev-Read", "prod-Read"]);
        assert_eq!(removed(&["account=dev"], &roles()), ["dev-Admin", "dev-Read"]);
        assert_eq!(removed(&["account=dev"], &[]), [""; 0]);
    }

    #[test]
    fn a_profile_with_another_session_is_no_longer_managed() {
        let text = managed("dev-Admin", "111111111111", "Admin").replacen("= work", "= theirs", 1);
        let case = Case {
            text: &text,
            roles: Vec::new(),
            prune: true,
            ..Case::default()
        };
        assert!(case.actions().is_empty());
    }
}
