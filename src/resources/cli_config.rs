//! The SSO session and the profile in `~/.aws/config`. They are written in one atomic edit that keeps every other byte of
//! the file, and removed again: exactly the bytes that were written if nobody changed them, otherwise only our keys.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use similar::TextDiff;

use crate::aws::portal_address;
use crate::aws_files::{self, Problem};
use crate::ids::{AccountId, RegionName};
use crate::next_step::SetupCommand;
use crate::progress::{Edit, Entry, Origin, Replaced, ResourceId, ResourceKind, Setting, Settings, Verb};
use crate::reconcile::Manually;
use crate::reconcile::{
    Branch, Change, Condition, Consent, Context, Deletion, Elsewhere, Error, Resource, StepInfo, Target,
};
use crate::text::listed;
use crate::user_error::UserError;
use aws_config_file::files;
use aws_config_file::{Config, ParseError, Paths, Section, redacted, without_trailing_comment};

/// The recorded name of the file itself.
const FILE: &str = "config";

/// The scope that a session has to request, so that its token gives access to accounts.
pub const SCOPE: &str = "sso:account:access";

/// The property that marks a profile as written by `idc-setup profiles sync` or `idc-setup join`, with the name of its SSO
/// session. The AWS CLI and the SDKs ignore properties that they do not know. A comment could be the mark too, but tools that
/// rewrite the file with an INI library drop comments and keep properties; `aws configure set` and `aws configure sso` keep
/// both.
pub const MARK: &str = "idc_setup_managed";

/// The property of a session with the template that `idc-setup profiles sync` or `idc-setup join` last named its profiles by, if it
/// is not the default one.
pub const TEMPLATE_KEY: &str = "idc_setup_template";

/// Properties of the legacy SSO configuration. In a profile that names a session, the Rust SDK reports them as an
/// error.
pub const LEGACY_KEYS: [&str; 2] = ["sso_start_url", "sso_region"];

/// Properties that give a profile other credentials than SSO. A profile with one of them is never changed.
pub const OTHER_CREDENTIALS: [&str; 7] = [
    "aws_access_key_id",
    "aws_secret_access_key",
    "credential_process",
    "credential_source",
    "login_session",
    "role_arn",
    "web_identity_token_file",
];

/// Every key that is written to a section or removed from it.
fn keys(kind: ResourceKind) -> Vec<&'static str> {
    if kind == ResourceKind::SsoSession {
        return vec!["sso_start_url", "sso_region", "sso_registration_scopes"];
    }
    let mut keys = vec!["sso_session", "sso_account_id", "sso_role_name", "region", "output"];
    keys.extend(LEGACY_KEYS);
    keys
}

/// What an SSO session and a profile should look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CliConfigSpec {
    /// The name of the SSO session.
    pub session: String,
    /// The name of the profile.
    pub profile: String,
    /// The URL of the access portal.
    pub start_url: String,
    /// The Region of Identity Center.
    pub sso_region: RegionName,
    /// The account.
    pub account: AccountId,
    /// The name of the permission set.
    pub permission_set: String,
    /// The profile's Region.
    pub region: RegionName,
    /// The output format of the AWS CLI.
    pub output: String,
}

/// How the sections in the file differ from the specified ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Differences {
    /// The sections that do not exist: `no profile dev`.
    pub missing: Vec<String>,
    /// The sections with other values. Only the keys, without their values, because messages are recorded.
    pub different: Vec<String>,
    /// The other profiles that use the session, if the session is different.
    pub users: Vec<String>,
}

impl CliConfigSpec {
    fn session_properties(&self) -> [(&'static str, &str); 3] {
        [
            ("sso_start_url", &self.start_url),
            ("sso_region", &self.sso_region),
            ("sso_registration_scopes", SCOPE),
        ]
    }

    fn profile_properties(&self) -> [(&'static str, &str); 5] {
        [
            ("sso_session", &self.session),
            ("sso_account_id", &self.account),
            ("sso_role_name", &self.permission_set),
            ("region", &self.region),
            ("output", &self.output),
        ]
    }

    /// The file's text with the wanted values in both sections.
    pub fn edited(&self, config: Config) -> String {
        self.edit(config, |_, _| true)
    }

    /// The same without creating the sections that do not exist yet.
    pub fn edited_in_place(&self, config: Config) -> String {
        self.edit(config, |config, section| config.get(section).is_some())
    }

    fn edit(&self, mut config: Config, is_wanted: impl Fn(&Config, Section) -> bool) -> String {
        let mut set = |section: Section, properties: Vec<(&'static str, Option<&str>)>| {
            if !is_wanted(&config, section) {
                return;
            }
            let existing = config.get(section).unwrap_or_default();
            let changed: Vec<(&str, Option<&str>)> = properties
                .into_iter()
                .filter(|(key, value)| {
                    !is_same(key, existing.get(*key).map(String::as_str), *value)
                        || config.has_comment_behind(section, key)
                })
                .collect();
            config.set(section, &changed);
        };
        let of_session = self.session_properties().map(|(key, value)| (key, Some(value)));
        set(Section::SsoSession(&self.session), of_session.into());
        let of_profile = self.profile_properties().map(|(key, value)| (key, Some(value)));
        let legacy = LEGACY_KEYS.map(|key| (key, None));
        set(
            Section::Profile(&self.profile),
            of_profile.into_iter().chain(legacy).collect(),
        );
        config.text()
    }

    /// The files of the session's token and client registration.
    fn cached(&self, paths: &Paths) -> [(ResourceKind, PathBuf); 2] {
        let registration = paths.registration(&self.sso_region, &self.session, &self.start_url);
        [
            (ResourceKind::Token, paths.token(&self.session)),
            (ResourceKind::Registration, registration),
        ]
    }

    /// Text that we added to the file earlier, with the wanted values.
    fn edited_within(&self, created: &str) -> String {
        Config::parse(created.as_bytes()).map_or_else(|_| created.to_owned(), |config| self.edited_in_place(config))
    }

    /// Checks that the AWS CLI and the AWS SDKs read the same values from both sections once they are as specified.
    ///
    /// # Errors
    /// The first line that they read differently, and why.
    pub async fn check_agreement(&self, config: &Config) -> Result<(), String> {
        let (of_session, mut of_profile) = (keys(ResourceKind::SsoSession), keys(ResourceKind::CliProfile));
        // They can come from a section that only the AWS CLI inherits.
        of_profile.extend(OTHER_CREDENTIALS);
        let sections = [
            (Section::SsoSession(&self.session), &of_session[..]),
            (Section::Profile(&self.profile), &of_profile[..]),
        ];
        let mut indented_comments = sections
            .iter()
            .filter_map(|(section, keys)| config.indented_comment_below(*section, keys));
        if let Some(line) = indented_comments.next() {
            return Err(format!(
                "line {line} is an indented comment, which the AWS SDKs read as part of the value above it; start the \
                 comment in the first column"
            ));
        }
        let after = Config::parse(self.edited(config.clone()).as_bytes()).map_err(|error| error.to_string())?;
        aws_files::agreement(config, &after, &sections).await
    }

    /// Compares the sections in the file with the specified ones.
    pub fn compare(&self, config: &Config) -> Differences {
        let mut differences = Differences::default();
        let of_session = (Section::SsoSession(&self.session), self.session_properties().to_vec());
        let of_profile = (Section::Profile(&self.profile), self.profile_properties().to_vec());
        for (section, properties) in [of_session, of_profile] {
            let (name, legacy) = match section {
                Section::SsoSession(name) => (format!("SSO session {name}"), &[][..]),
                Section::Profile(name) => (format!("profile {name}"), &LEGACY_KEYS[..]),
            };
            let Some(existing) = config.get(section) else {
                differences.missing.push(format!("no {name}"));
                continue;
            };
            let legacy = legacy.iter().filter(|key| existing.contains_key(**key));
            let keys: Vec<&str> = properties
                .iter()
                .filter(|(key, value)| !is_same(key, existing.get(*key).map(String::as_str), Some(value)))
                .map(|(key, _)| key)
                .chain(legacy)
                .copied()
                .collect();
            if !keys.is_empty() {
                if matches!(section, Section::SsoSession(_)) {
                    differences.users = other_users(config, self);
                }
                let keys = keys.join(", ");
                let different = format!("{name} already exists with other values: {keys}");
                differences.different.push(different);
            }
            let commented = properties
                .iter()
                .find(|(key, _)| config.has_comment_behind(section, key));
            if let Some((key, _)) = commented.filter(|_| keys.is_empty()) {
                differences.different.push(format!(
                    "{name} has a comment behind the value of {key}, which the AWS CLI reads as part of the value"
                ));
            }
        }
        differences
    }
}

/// The profiles of others that use an SSO session.
pub fn other_users(config: &Config, spec: &CliConfigSpec) -> Vec<String> {
    let users = config.profiles_with("sso_session", &spec.session);
    users.filter(|profile| *profile != spec.profile).collect()
}

/// The change that writes both sections. `diff` is shown before the user agrees, and `others` are the other profiles that
/// use the session, if the session changes.
pub fn change(verb: Verb, session: &str, profile: &str, path: &Path, diff: String, others: &[String]) -> Change {
    let others = match others {
        [] => String::new(),
        [other] => format!(", which the profile {other} also uses,"),
        others => format!(", which the profiles {} also use,", listed(others)),
    };
    let write = match verb {
        Verb::Update => "Replace the other values of",
        _ => "Write",
    };
    let to = if verb == Verb::Update { "in" } else { "to" };
    Change {
        verb,
        kind: ResourceKind::CliProfile,
        name: profile.into(),
        field: None,
        sentence: format!(
            "{write} the SSO session {session}{others} and the profile {profile} {to} {}.",
            path.display()
        ),
        command: format!("aws configure sso --profile {profile}"),
        consent: Consent::File {
            path: path.display().to_string(),
            diff,
        },
    }
}

/// Whether a property has the wanted value. More scopes are allowed, and a URL may end in `/` or a fragment.
fn is_same(key: &str, existing: Option<&str>, wanted: Option<&str>) -> bool {
    let (Some(existing), Some(wanted)) = (existing, wanted) else {
        return existing == wanted;
    };
    match key {
        "sso_registration_scopes" => existing.split([',', ' ']).any(|scope| scope == wanted),
        "sso_start_url" => portal_address::normalized(existing) == portal_address::normalized(wanted),
        _ => existing == wanted,
    }
}

/// The resource ID in the state file: the path, and the section in the file.
fn id_of(path: &Path, kind: ResourceKind, name: &str) -> ResourceId {
    if kind == ResourceKind::ConfigFile {
        path.display().to_string().into()
    } else {
        ResourceId::of_section(path, name)
    }
}

/// The sections with their origin: as recorded, or created by this program if the file matches an open intent.
///
/// # Errors
/// When the origin cannot be saved.
pub fn settle(context: &Context, spec: &CliConfigSpec, path: &Path, text: &str) -> Result<Vec<Entry>, UserError> {
    let own = |kind, name: &str| context.settle_written(text, kind, name, id_of(path, kind, name));
    let mut entries = vec![
        own(ResourceKind::SsoSession, &spec.session)?,
        own(ResourceKind::CliProfile, &spec.profile)?,
    ];
    let kind = ResourceKind::ConfigFile;
    let is_created = context.origin(kind, id_of(path, kind, FILE)) == Origin::Created;
    if is_created || !context.open_intents(kind, FILE).is_empty() {
        entries.push(own(kind, FILE)?);
    }
    Ok(entries)
}

/// Writes both sections. `agreed` is the diff that the user agreed to.
///
/// # Errors
/// When the file has changed since, or cannot be read or written.
pub fn write(
    context: &Context,
    info: &'static StepInfo,
    spec: &CliConfigSpec,
    paths: &Paths,
    agreed: &str,
) -> Result<(), UserError> {
    let path = paths.config();
    let unwritable = |error| unusable(info, &Problem::unwritable(path, &error));
    // Before the lock, so that all runs lock the same folder.
    context.keep_new_folders(path)?;
    path.parent()
        .map_or(Ok(()), files::make_private_folder)
        .map_err(unwritable)?;
    // Two runs with different state files must not both call a section their own.
    let _lock = files::lock_folder_of(path);
    let (before, config) = read_or_empty(info, path)?;
    let new_parts = new_parts(spec, &config, path);
    let users = other_users(&config, spec);
    let used_before = |kind| match kind {
        ResourceKind::SsoSession => &users[..],
        _ => &[],
    };
    let in_place = spec.edited_in_place(config.clone());
    let after = spec.edited(config);
    if diff(path, &before, &after) != agreed {
        let why = format!(
            "{}: {} has changed since the diff was shown, so it was not edited.",
            info.name(),
            path.display()
        );
        return Err(UserError::failed(why, SetupCommand::again()));
    }
    // The text added at the end is recorded, so that undo can remove exactly that text.
    let text = after.strip_prefix(in_place.as_str()).unwrap_or_default().to_owned();
    remember(context, info, spec, path, &before, &in_place)?;
    let mark = files::digest(after.as_bytes());
    for (kind, name) in &new_parts {
        if *kind == ResourceKind::SsoSession {
            context.keep_older(name, spec.cached(paths))?;
        }
        let target = Target::new(Verb::Create, *kind, *name);
        context.intend_text(info, target, mark.clone(), &text, used_before(*kind))?;
    }
    let updated = intend_updates(context, info, spec, path, &mark)?;
    files::edit_atomically(path, before.as_bytes(), after.as_bytes()).map_err(unwritable)?;
    for entry in updated {
        context.settle(Verb::Update, entry.kind, entry.name.clone(), Some(entry))?;
    }
    for (kind, name) in new_parts {
        let mut entry = context.entry(kind, name, id_of(path, kind, name));
        entry.origin = Origin::Created;
        entry.text = Some(text.clone());
        entry.used_before = used_before(kind).to_vec();
        context.settle(Verb::Create, kind, name, Some(entry))?;
    }
    Ok(())
}

/// Opens an intent for each section that this program created and now updates.
fn intend_updates(
    context: &Context,
    info: &'static StepInfo,
    spec: &CliConfigSpec,
    path: &Path,
    mark: &str,
) -> Result<Vec<Entry>, UserError> {
    let mut updated = Vec::new();
    for (kind, name) in [
        (ResourceKind::SsoSession, spec.session.as_str()),
        (ResourceKind::CliProfile, spec.profile.as_str()),
    ] {
        let id = id_of(path, kind, name);
        if context.origin(kind, &id) != Origin::Created {
            continue;
        }
        let created = context.progress.read(|record| record.text(kind, &id));
        let text = spec.edited_within(&created.unwrap_or_default());
        context.intend_text(info, Target::new(Verb::Update, kind, name), mark.to_owned(), &text, &[])?;
        updated.push(context.entry(kind, name, &id).with_text(Some(text)));
    }
    Ok(updated)
}

/// What does not exist yet: sections, and the file itself.
fn new_parts<'a>(spec: &'a CliConfigSpec, config: &Config, path: &Path) -> Vec<(ResourceKind, &'a str)> {
    let is_new = |section| config.get(section).is_none();
    let session = is_new(Section::SsoSession(&spec.session));
    let profile = is_new(Section::Profile(&spec.profile));
    let parts = [
        session.then_some((ResourceKind::SsoSession, spec.session.as_str())),
        profile.then_some((ResourceKind::CliProfile, spec.profile.as_str())),
        (!path.exists()).then_some((ResourceKind::ConfigFile, FILE)),
    ];
    parts.into_iter().flatten().collect()
}

/// The error of a run that cannot use a file.
pub fn unusable(info: &StepInfo, problem: &Problem) -> UserError {
    UserError::failed(
        format!("{}: {problem}", info.name()),
        problem.next(SetupCommand::again()),
    )
}

/// The diff as it is shown. The lines around an edit may hold secrets of other tools, so that only their headers and
/// keys may appear on screens and in logs.
pub fn diff(path: &Path, before: &str, after: &str) -> String {
    let name = path.display().to_string();
    let diff = TextDiff::from_lines(before, after)
        .unified_diff()
        .context_radius(2)
        .header(&name, &name)
        .to_string();
    let own = [
        keys(ResourceKind::SsoSession),
        keys(ResourceKind::CliProfile),
        vec![MARK, TEMPLATE_KEY],
    ]
    .concat();
    let lines = diff.split_inclusive('\n').map(|line| match line.split_at_checked(1) {
        Some((mark @ (" " | "+" | "-"), text)) if !line.starts_with("+++") && !line.starts_with("---") => {
            format!("{mark}{}", redacted(text, &own))
        }
        _ => line.to_owned(),
    });
    lines.collect()
}

/// The file's text and its sections. A file that does not exist counts as empty.
///
/// # Errors
/// When the file cannot be read or parsed.
pub fn read_or_empty(info: &StepInfo, path: &Path) -> Result<(String, Config), UserError> {
    let bytes = match files::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(unusable(info, &Problem::in_text(path, error))),
    };
    let config = Config::parse(&bytes).map_err(|error| unusable(info, &Problem::in_text(path, error)))?;
    Ok((config.text(), config))
}

/// Records the values of our keys in existing sections that we did not create, before the file is written.
fn remember(
    context: &Context,
    info: &StepInfo,
    spec: &CliConfigSpec,
    path: &Path,
    before: &str,
    after: &str,
) -> Result<(), UserError> {
    let parse = |text: &str| Config::parse(text.as_bytes()).map_err(|bad| unusable(info, &Problem::in_text(path, bad)));
    let (old, new) = (parse(before)?, parse(after)?);
    let (session, profile) = (spec.session.as_str(), spec.profile.as_str());
    let mut names = Vec::new();
    for (kind, name) in [(ResourceKind::SsoSession, session), (ResourceKind::CliProfile, profile)] {
        if context.origin(kind, id_of(path, kind, name)) != Origin::Created {
            names.extend(keys(kind).into_iter().map(|key| setting(kind, name, key)));
        }
    }
    let (old_values, new_values) = (current_values(&old, &names), current_values(&new, &names));
    names.retain(|name| old_values[name] != new_values[name]);
    if names.is_empty() {
        return Ok(());
    }
    let changed =
        |values: Settings| -> Settings { values.into_iter().filter(|(name, _)| names.contains(name)).collect() };
    let is_session_only = names.iter().all(|name| matches!(name, Setting::SsoSession { .. }));
    let (kind, name) = if is_session_only {
        (ResourceKind::SsoSession, session)
    } else {
        (ResourceKind::CliProfile, profile)
    };
    let replaced = Replaced {
        kind,
        name: name.into(),
        id: id_of(path, kind, name),
        before: changed(old_values),
        after: changed(new_values),
        rewrites: Edit::between(before, after, own_length).into_iter().collect(),
    };
    context.progress.change(|record| record.replace(replaced))?;
    Ok(())
}

/// A property of one of our sections.
fn setting(kind: ResourceKind, name: &str, key: &str) -> Setting {
    let (name, key) = (name.to_owned(), key.to_owned());
    if kind == ResourceKind::SsoSession {
        Setting::SsoSession { name, key }
    } else {
        Setting::Profile { name, key }
    }
}

/// The values of properties in a file.
fn current_values<'a>(config: &Config, properties: impl IntoIterator<Item = &'a Setting>) -> Settings {
    let value = |property: &Setting| {
        let (section, key) = property.property()?;
        config.get(section)?.get(key).cloned()
    };
    let values = properties.into_iter();
    values.map(|property| (property.clone(), value(property))).collect()
}

/// How many bytes of a line belong to us, to be recorded and restored: one of our properties, up to its comment.
fn own_length(line: &str) -> usize {
    let name = line.split_once('=').map_or("", |(name, _)| name);
    let is_own = own_keys().iter().any(|key| key.eq_ignore_ascii_case(name.trim_end()));
    // An indented line belongs to the value above it, and only our own values are ever removed.
    if is_own || line.starts_with([' ', '\t']) {
        without_trailing_comment(line).len()
    } else {
        0
    }
}

fn own_keys() -> Vec<&'static str> {
    [keys(ResourceKind::SsoSession), keys(ResourceKind::CliProfile)].concat()
}

/// The file's text with the previous values restored. The recorded edits are reverted line by line as long as the
/// beginning of the file is unchanged and nothing else would change; the remaining values are restored key by key. A
/// section that was deleted is not created again.
///
/// # Errors
/// When the file cannot be parsed.
pub fn restored(text: &str, replaced: &Replaced) -> Result<String, ParseError> {
    let own = own_keys();
    let now = Config::parse(text.as_bytes())?;
    let known: Vec<(Section, &str)> = replaced.before.keys().filter_map(Setting::property).collect();
    let changes_only_own = |before: &str| {
        let before = Config::parse(before.as_bytes());
        before
            .is_ok_and(|before| now.differs_only_in(&before, &known) && known.iter().all(|(_, key)| own.contains(key)))
    };
    let edits = replaced.rewrites.iter().rev();
    let mut by_lines = text.to_owned();
    for edit in edits {
        let Some(before) = edit.reverted(&by_lines).filter(|before| changes_only_own(before)) else {
            break;
        };
        by_lines = before;
    }
    let mut config = Config::parse(by_lines.as_bytes())?;
    for (name, before) in &replaced.before {
        if let Some((section, key)) = name.property()
            && own.contains(&key)
            && !before.as_ref().is_some_and(|value| value.contains(['\r', '\n']))
            && let Some(existing) = config.get(section)
            && existing.get(key) != before.as_ref()
        {
            config.set(section, &[(key, before.as_deref())]);
        }
    }
    Ok(config.text())
}

/// The file and the section of a resource; the section is empty if the resource is a file.
fn file_and_section(resource: &Entry) -> (&Path, &str) {
    let section = match &resource.id {
        ResourceId::Section(key) => key.section.as_str(),
        _ => "",
    };
    (resource.id.file(), section)
}

fn section<'a>(resource: &Entry, name: &'a str) -> Section<'a> {
    if resource.kind == ResourceKind::SsoSession {
        Section::SsoSession(name)
    } else {
        Section::Profile(name)
    }
}

fn unreadable(path: &Path, why: &dyn std::fmt::Display) -> UserError {
    UserError::failed(
        format!("{} cannot be edited: {why}.", path.display()),
        SetupCommand::undo().after("fix the file"),
    )
}

/// The file's text and its sections; `None` if the file does not exist.
///
/// # Errors
/// When the file cannot be read or parsed.
fn read(path: &Path) -> Result<Option<(String, Config)>, UserError> {
    match files::read(path) {
        Ok(bytes) => {
            let config = Config::parse(&bytes).map_err(|bad| unreadable(path, &bad))?;
            Ok(Some((config.text(), config)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path, &error)),
    }
}

/// The properties that were written to a section, taken from the recorded text.
fn written(resource: &Entry, name: &str) -> BTreeMap<String, String> {
    let text = resource.text.as_deref().unwrap_or_default();
    let config = Config::parse(text.as_bytes()).ok();
    config
        .and_then(|config| config.get(section(resource, name)))
        .unwrap_or_default()
}

/// The names of our sections that undo deletes or restores before anything that they depend on.
struct OwnSections {
    profiles: Vec<String>,
    sessions: Vec<String>,
}

impl OwnSections {
    /// Excludes the profiles that someone changed or that another profile uses: they stay, with the sessions that they
    /// use.
    fn of(context: &Context) -> Result<Self, UserError> {
        let (created, changed) = context.progress.read(|record| {
            let created = record.resources.iter().filter(|other| other.origin == Origin::Created);
            let changed = record.replaced.iter();
            // A profile that was changed is restored, so it no longer uses our session.
            let changed = changed.filter(|other| other.kind == ResourceKind::CliProfile);
            (
                created.cloned().collect::<Vec<_>>(),
                changed.map(|other| other.name.to_string()).collect::<Vec<_>>(),
            )
        });
        let (mut profiles, mut sessions) = (changed, Vec::new());
        for resource in created {
            match resource.kind {
                ResourceKind::SsoSession => sessions.push(resource.name.to_string()),
                // A file of another environment does not matter here, and may not be readable.
                ResourceKind::CliProfile if elsewhere(context, &resource).is_some() => {}
                ResourceKind::CliProfile if differences(&resource)?.is_none_or(|differs| differs.is_empty()) => {
                    profiles.push(resource.name.to_string());
                }
                _ => {}
            }
        }
        let paths = context.paths.as_ref();
        if let Some((_, config)) = paths.map_or(Ok(None), |paths| read(paths.config()))? {
            let is_used = |all: &[String], name: &str| {
                config
                    .profiles_with("source_profile", name)
                    .any(|user| !all.contains(&user))
            };
            while let Some(index) = profiles.iter().position(|name| is_used(&profiles, name)) {
                profiles.remove(index);
            }
        }
        Ok(Self { profiles, sessions })
    }

    fn has(&self, kind: &str, name: &str) -> bool {
        let names = match kind {
            "profile" => &self.profiles,
            "sso-session" => &self.sessions,
            _ => return false,
        };
        names.iter().any(|own| own == name)
    }
}

/// Compares a section, or the file, with what was written.
fn section_state(resource: &Entry, own: &OwnSections) -> Result<Condition, UserError> {
    let (path, name) = file_and_section(resource);
    if resource.kind == ResourceKind::ConfigFile {
        let Some((_, config)) = read(Path::new(resource.id.single()))? else {
            return Ok(Condition::Gone);
        };
        // Our sections are removed before the file; the file stays if it contains anything else.
        let written = resource.text.as_deref().unwrap_or_default();
        let has_others = Config::parse(written.as_bytes())
            .is_ok_and(|written| config.has_more_than(&written, |kind, name| own.has(kind, name)));
        return Ok(if has_others {
            Condition::Stays("it contains other sections".to_owned())
        } else {
            Condition::Exists
        });
    }
    let Some((_, config)) = read(path)? else {
        return Ok(Condition::Gone);
    };
    let Some(differs) = differences(resource)? else {
        return Ok(Condition::Gone);
    };
    let (key, kind) = if resource.kind == ResourceKind::SsoSession {
        ("sso_session", "session")
    } else {
        ("source_profile", "profile")
    };
    if let Some(user) = config
        .profiles_with(key, name)
        .find(|profile| !own.profiles.contains(profile) && !resource.used_before.contains(profile))
    {
        return Ok(Condition::Changed(format!("the profile {user} uses this {kind}")));
    }
    Ok(if differs.is_empty() {
        Condition::Exists
    } else {
        // Values can be secrets, so only the names of the keys are shown.
        Condition::Changed(format!("someone changed {}", differs.join(", ")))
    })
}

/// The keys of a section whose values differ from what was written; `None` if the section no longer exists.
fn differences(resource: &Entry) -> Result<Option<Vec<String>>, UserError> {
    let (path, name) = file_and_section(resource);
    let config = read(path)?.map(|(_, config)| config);
    let existing = config.as_ref().and_then(|config| config.get(section(resource, name)));
    let written = written(resource, name);
    let keys: Vec<&str> = written.keys().map(String::as_str).collect();
    // Without the line above it, tools would read an indented line as a continuation of the preceding value.
    let indented_comment = config
        .as_ref()
        .and_then(|config| config.indented_comment_below(section(resource, name), &keys));
    let indented_comment = indented_comment.map(|line| format!("the indented comment in line {line}"));
    let indented_without_key = config.and_then(|config| config.indented_without_key(section(resource, name)));
    let indented = indented_comment.or_else(|| indented_without_key.map(|line| format!("the indented line {line}")));
    Ok(existing.map(|existing| {
        let other = existing.iter().filter(|(key, value)| written.get(*key) != Some(value));
        let missing = written.keys().filter(|key| !existing.contains_key(*key));
        other
            .map(|(key, _)| key)
            .chain(missing)
            .cloned()
            .chain(indented)
            .collect()
    }))
}

/// Removes a section from its file, or deletes the file if it is empty.
///
/// # Errors
/// When the file cannot be read, edited or deleted.
fn remove(context: &Context, resource: &Entry) -> Result<Deletion, UserError> {
    let (path, name) = file_and_section(resource);
    if resource.kind == ResourceKind::ConfigFile {
        // Delete the target of symbolic links; the links themselves existed before and stay.
        let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let is_empty = files::read(path).is_ok_and(|content| content.iter().all(u8::is_ascii_whitespace));
        if is_empty {
            context.remove_file(path)?;
            // Folders are recorded with the path before links are resolved.
            context.remove_empty_folders(Path::new(resource.id.single()))?;
        }
        let stays = Path::new(resource.id.single()).exists();
        return Ok(if stays {
            Deletion::Kept("it contains other lines".to_owned())
        } else {
            Deletion::Deleted
        });
    }
    let Some((text, mut config)) = read(path)? else {
        return Ok(Deletion::Deleted);
    };
    if let Some(line) = config.indented_without_key(section(resource, name)) {
        let why = format!("line {line} is indented below a header, where the AWS CLI reads a key and the SDKs do not");
        return Err(unreadable(path, &why));
    }
    // Exactly the written bytes, unless someone added lines to one of our sections: those need the header.
    let is_intact = |own_text: &&str| {
        let sections = Config::parse(own_text.as_bytes());
        text.matches(*own_text).count() == 1 && sections.is_ok_and(|sections| config.has_sections_of(&sections))
    };
    // A session and its first profile were written as one text, and another profile may use the session by now.
    let session = written(resource, name).remove("sso_session").unwrap_or_default();
    let used_before = context.progress.read(|record| {
        let mut sessions = record.resources.iter();
        let recorded = sessions.find(|other| other.kind == ResourceKind::SsoSession && other.name.single() == session);
        recorded.map(|session| session.used_before.clone()).unwrap_or_default()
    });
    let is_shared = resource.kind == ResourceKind::CliProfile
        && config
            .profiles_with("sso_session", &session)
            .any(|profile| profile != name && !used_before.contains(&profile));
    let keys: Vec<String> = written(resource, name).into_keys().collect();
    let names: Vec<&str> = keys.iter().map(String::as_str).collect();
    let has_indented_comment = config.indented_comment_below(section(resource, name), &names).is_some();
    let is_needed_by_others = |own_text: &str| {
        let stays = context.progress.read(|record| {
            let mut same = record
                .resources
                .iter()
                .filter(|other| other.text.as_deref() == Some(own_text));
            // The profile is removed first. If it is still recorded, it stays.
            same.any(|other| other.kind == ResourceKind::CliProfile && resource.kind == ResourceKind::SsoSession)
        });
        stays || (is_shared && own_text.contains("[sso-session "))
    };
    let is_intact = |own_text: &&str| is_intact(own_text) && !has_indented_comment && !is_needed_by_others(own_text);
    let own_text = resource.text.as_deref().filter(is_intact);
    let (after, removed) = if let Some(own_text) = own_text {
        (without(&text, own_text), Deletion::Deleted)
    } else {
        config.remove(section(resource, name), &keys);
        (config.text(), Deletion::KeysRemoved)
    };
    replace(path, &text, &after)?;
    Ok(removed)
}

/// Replaces the file atomically, if it still contains the text that was read.
///
/// # Errors
/// When the file has changed since or cannot be written.
fn replace(path: &Path, before: &str, after: &str) -> Result<(), UserError> {
    files::edit_atomically(path, before.as_bytes(), after.as_bytes()).map_err(|error| unreadable(path, &error))
}

/// Removes a part from a text. The part may begin with the line ending of the line before it; text that someone added
/// after the part must still begin on a new line.
fn without(text: &str, part: &str) -> String {
    let Some((before, after)) = text.split_once(part) else {
        return text.to_owned();
    };
    let end = if before.is_empty() || before.ends_with('\n') || after.is_empty() || after.starts_with(['\r', '\n']) {
        ""
    } else if part.starts_with("\r\n") {
        "\r\n"
    } else if part.starts_with('\n') {
        "\n"
    } else {
        ""
    };
    format!("{before}{end}{after}")
}

/// Why undo must not edit a file, and the environment that it belongs to; `None` if it may. Only the AWS files of this
/// environment may be edited, because a state file can come from another home folder or from someone else.
fn elsewhere(context: &Context, entry: &Entry) -> Option<Elsewhere> {
    let path = entry.id.file();
    let is_within_reach = context.paths.as_ref().is_some_and(|paths| path == paths.config());
    (!is_within_reach).then(|| Elsewhere::new(path, Some(("AWS_CONFIG_FILE", path))))
}

/// Records what a killed run wrote to the file: a file or section that matches its intent was created by this program,
/// anything else was not.
///
/// # Errors
/// When the file cannot be read, or progress cannot be saved.
pub fn settle_pending(context: &Context) -> Result<(), UserError> {
    let Some(paths) = &context.paths else { return Ok(()) };
    let kinds = [
        ResourceKind::SsoSession,
        ResourceKind::CliProfile,
        ResourceKind::ConfigFile,
    ];
    let mut pending = context.progress.read(|record| record.intents.clone());
    pending.retain(|intent| intent.verb != Verb::Delete && kinds.contains(&intent.kind));
    if pending.is_empty() {
        return Ok(());
    }
    let bytes = match files::read(paths.config()) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(unreadable(paths.config(), &error)),
    };
    for intent in pending {
        let (kind, name) = (intent.kind, intent.name.single());
        let id = id_of(paths.config(), kind, name);
        let is_known = context.progress.read(|record| record.origin(kind, &id).is_some());
        let settled = context.settle_written(&String::from_utf8_lossy(&bytes), kind, name, &id)?;
        if settled.origin != Origin::Created && !is_known {
            // It was never written, so nothing of this name is recorded as existing.
            context
                .progress
                .change(|record| record.resources.retain(|other| other.kind != kind || other.id != id))?;
        }
    }
    Ok(())
}

/// The cached files of a session that undo deletes: they would remain valid for hours.
pub fn cached_files(paths: &Paths, session: &Entry) -> [(ResourceKind, PathBuf); 2] {
    let name = session.name.single();
    let properties = written(session, name);
    let value = |key: &str| properties.get(key).map_or("", String::as_str);
    let registration = paths.registration(value("sso_region"), name, value("sso_start_url"));
    [
        (ResourceKind::Registration, registration),
        (ResourceKind::Token, paths.token(name)),
    ]
}

/// A section, or the file itself.
struct Part {
    kind: ResourceKind,
}

/// The kind of the SSO session.
pub const SSO_SESSION: &dyn Resource = &Part {
    kind: ResourceKind::SsoSession,
};
/// The kind of the profile.
pub const CLI_PROFILE: &dyn Resource = &Part {
    kind: ResourceKind::CliProfile,
};
/// The kind of the file, if it did not exist.
pub const CONFIG_FILE: &dyn Resource = &Part {
    kind: ResourceKind::ConfigFile,
};

#[async_trait(?Send)]
impl Resource for Part {
    fn kind(&self) -> ResourceKind {
        self.kind
    }

    fn step(&self) -> &'static str {
        "cli-profile"
    }

    fn branch(&self) -> Branch {
        Branch::Independent
    }

    fn elsewhere(&self, context: &Context, entry: &Entry) -> Option<Elsewhere> {
        elsewhere(context, entry)
    }

    async fn condition(&self, context: &Context, entry: &Entry) -> Result<Condition, Error> {
        Ok(section_state(entry, &OwnSections::of(context)?)?)
    }

    async fn delete(&self, context: &Context, entry: &Entry) -> Result<Deletion, Error> {
        Ok(remove(context, entry)?)
    }

    /// If the written text was removed as a whole, a section that still has this name belongs to someone else.
    async fn is_deleted(&self, context: &Context, entry: &Entry, deletion: &Deletion) -> Result<bool, Error> {
        if self.kind == ResourceKind::ConfigFile {
            return Ok(self.condition(context, entry).await? == Condition::Gone);
        }
        let (path, name) = file_and_section(entry);
        let Some((text, config)) = read(path)? else {
            return Ok(true);
        };
        if *deletion == Deletion::Deleted {
            return Ok(entry.text.as_deref().is_none_or(|own_text| !text.contains(own_text)));
        }
        let existing = config.get(section(entry, name));
        let written = written(entry, name);
        Ok(existing.is_none_or(|existing| !written.keys().any(|key| existing.contains_key(key))))
    }

    fn is_partly_kept(&self, _context: &Context, entry: &Entry) -> bool {
        if self.kind == ResourceKind::ConfigFile {
            return false;
        }
        let (path, name) = file_and_section(entry);
        let content = read(path).ok().flatten();
        content.is_some_and(|(_, config)| config.get(section(entry, name)).is_some())
    }

    fn delete_manually(&self, _context: &Context, entry: &Entry) -> Manually {
        match self.kind {
            ResourceKind::ConfigFile => Manually::Command(Context::remove_command(entry)),
            _ => Manually::Steps(format!("remove its section from {}", entry.id.file().display())),
        }
    }

    async fn settings(&self, _context: &Context, replaced: &Replaced) -> Result<Option<Settings>, Error> {
        let content = read(replaced.id.file())?;
        Ok(content.map(|(_, config)| current_values(&config, replaced.before.keys())))
    }

    async fn restore(&self, _context: &Context, _info: &'static StepInfo, replaced: &Replaced) -> Result<(), Error> {
        let path = replaced.id.file();
        let Some((text, _)) = read(path)? else { return Ok(()) };
        let before = restored(&text, replaced).map_err(|bad| unreadable(path, &bad))?;
        Ok(replace(path, &text, &before)?)
    }

    fn restore_manually(&self, _context: &Context, replaced: &Replaced) -> Manually {
        let edits = replaced.before.iter().filter_map(|(name, value)| {
            let (section, key) = name.property()?;
            let section = section.header();
            Some(match value {
                Some(value) => format!("set {key} = {value} in {section}"),
                None => format!("remove {key} from {section}"),
            })
        });
        let edits = edits.collect::<Vec<_>>().join(", ");
        Manually::Steps(format!("edit {}: {edits}", replaced.id.file().display()))
    }
}
