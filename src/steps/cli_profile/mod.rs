//! Step 7: writes an SSO session and a profile to `~/.aws/config`, in one atomic edit that keeps every other byte of
//! the file.

mod restore;
mod sections;

use std::path::Path;
use std::rc::Rc;

use async_trait::async_trait;
use similar::TextDiff;

use super::context::Context;
use super::facts::Profile;
use crate::answers::Key;
use crate::checklist::{
    Change, Consent, Importance, Observed, Plan, Prompter, Question, Slot, Status, Step, StepInfo, UserError,
};
use crate::next_step::{NextStep, SetupCommand};
use crate::progress::{Origin, Resource, ResourceId, ResourceKind, Verb};
use aws_config_file::files;
use aws_config_file::{Config, Paths, Section, credentials_have_section, parse_with_sdk, redacted};
use sections::{Wanted, keys};

pub use restore::{current_values, restore};

/// This step's line of the checklist.
pub const INFO: StepInfo = StepInfo {
    number: 7,
    slug: "cli-profile",
    title: "Configure the AWS CLI",
    importance: Importance::Required,
    why: "With a profile, the AWS CLI, the SDKs, and Terraform get short-lived credentials automatically.",
    feeds_others: true,
    permissions: &[],
};

/// Properties that give a profile other credentials than SSO. A profile with one of them is never changed.
const OTHER_CREDENTIALS: [&str; 7] = [
    "aws_access_key_id",
    "aws_secret_access_key",
    "credential_process",
    "credential_source",
    "login_session",
    "role_arn",
    "web_identity_token_file",
];

/// The resource name of the file itself.
const CONFIG: &str = "config";

/// The resource ID in the state file: the path, and the section in the file.
fn id_of(path: &Path, kind: ResourceKind, name: &str) -> ResourceId {
    if kind == ResourceKind::ConfigFile {
        path.display().to_string().into()
    } else {
        ResourceId::of_section(path, name)
    }
}

/// Step 7.
pub struct CliProfile {
    context: Rc<Context>,
}

impl CliProfile {
    /// Creates the step; nothing is checked yet.
    pub fn new(context: Rc<Context>) -> Self {
        Self { context }
    }

    fn paths(&self) -> Result<&Paths, UserError> {
        self.context.paths.as_ref().ok_or_else(|| {
            UserError::failed(
                "Step 7 cli-profile: there is no home folder.",
                SetupCommand::again().after("set HOME"),
            )
        })
    }

    /// The file's text and its sections. A file that does not exist counts as empty.
    fn read(&self) -> Result<(String, Config), UserError> {
        let path = self.paths()?.config();
        let bytes = match files::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(unreadable(path, &error.to_string())),
        };
        let config = Config::parse(&bytes).map_err(|error| unreadable(path, &error.to_string()))?;
        Ok((config.text(), config))
    }

    /// Checks that the config file and the cached token, which step 8 writes, are writable.
    fn must_be_writable(&self) -> Result<(), UserError> {
        let paths = self.paths()?;
        let token = paths.token(&self.context.text(Key::SsoSession));
        for path in [paths.config(), &token] {
            files::check_writable(path).map_err(|error| unwritable(path, &error))?;
        }
        Ok(())
    }

    /// A finding if a profile of this name gets its credentials elsewhere. Such a profile is never changed.
    fn other_credentials(&self, wanted: &Wanted, config: &Config) -> Result<Option<Observed>, UserError> {
        let blocked = |why: String| {
            let next = SetupCommand::run().placeholder("--cli-profile", "NAME");
            Observed::different(why, next.to("use another profile name"))
        };
        let existing = config.get(Section::Profile(&wanted.profile)).unwrap_or_default();
        if let Some(key) = OTHER_CREDENTIALS.into_iter().find(|key| existing.contains_key(*key)) {
            return Ok(Some(blocked(format!(
                "The profile {} already uses other credentials ({key}).",
                wanted.profile
            ))));
        }
        let path = self.paths()?.credentials();
        let has_section = credentials_have_section(path, &wanted.profile).map_err(|error| {
            let why = format!("Step 7 cli-profile: {} cannot be read: {error}.", path.display());
            UserError::failed(why, SetupCommand::again().after("fix that file"))
        })?;
        Ok(has_section.then(|| {
            blocked(format!(
                "{} also has a section [{}]; tools would use its keys instead of SSO.",
                path.display(),
                wanted.profile
            ))
        }))
    }

    /// The sections with their origin: as recorded, or created by us if the file matches an open intent.
    fn own(&self, wanted: &Wanted, text: &str) -> Result<Vec<Resource>, UserError> {
        let context = &self.context;
        let path = self.paths()?.config();
        let own = |kind, name: &str| context.settle_written(text, kind, name, id_of(path, kind, name));
        let mut own_parts = vec![
            own(ResourceKind::SsoSession, &wanted.session)?,
            own(ResourceKind::CliProfile, &wanted.profile)?,
        ];
        let file = (ResourceKind::ConfigFile, CONFIG);
        let is_ours = context.origin(file.0, id_of(path, file.0, file.1)) == Origin::Created;
        if is_ours || !context.open_intents(file.0, file.1).is_empty() {
            own_parts.push(own(file.0, file.1)?);
        }
        Ok(own_parts)
    }

    fn write(&self, consented: &str) -> Result<(), UserError> {
        let context = &self.context;
        let Some(wanted) = Wanted::of(context) else {
            let why = "Step 7 cli-profile: the access portal URL is not known.";
            return Err(UserError::failed(why, SetupCommand::again()));
        };
        let path = self.paths()?.config();
        let (before, config) = self.read()?;
        let new_parts = new_parts(&wanted, &config, path);
        let users = config.profiles_with("sso_session", &wanted.session);
        let users: Vec<String> = users.filter(|profile| *profile != wanted.profile).collect();
        let used_before = |kind| match kind {
            ResourceKind::SsoSession => &users[..],
            _ => &[],
        };
        let in_place = wanted.edited_in_place(config.clone());
        let after = wanted.edited(config);
        if diff(path, &before, &after) != consented {
            let why = format!(
                "Step 7 cli-profile: {} has changed since the diff was shown, so it was not edited.",
                path.display()
            );
            return Err(UserError::failed(why, SetupCommand::again()));
        }
        // The text added at the end is recorded, so that undo can remove exactly that text.
        let text = after.strip_prefix(in_place.as_str()).unwrap_or_default().to_owned();
        restore::remember(context, &wanted, path, (&before, &in_place))?;
        let mark = files::digest(after.as_bytes());
        for (kind, name) in &new_parts {
            if *kind == ResourceKind::SsoSession {
                context.keep_older(name, wanted.cached(self.paths()?))?;
            }
            let of = (Verb::Create, *kind, *name);
            context.intend_text(&INFO, of, mark.clone(), (&text, used_before(*kind)))?;
        }
        let updated = self.intend_updates(&wanted, path, &mark)?;
        replace_text(context, path, (&before, &after))?;
        for resource in updated {
            context.settle(Verb::Update, resource.kind, resource.name.clone(), Some(resource))?;
        }
        for (kind, name) in new_parts {
            let mut resource = context.resource(kind, name, id_of(path, kind, name));
            resource.origin = Origin::Created;
            resource.text = Some(text.clone());
            resource.used_before = used_before(kind).to_vec();
            context.settle(Verb::Create, kind, name, Some(resource))?;
        }
        Ok(())
    }

    /// Opens an intent for each section that we created and now update.
    fn intend_updates(&self, wanted: &Wanted, path: &Path, mark: &str) -> Result<Vec<Resource>, UserError> {
        let context = &self.context;
        let mut updated = Vec::new();
        for (kind, name) in [
            (ResourceKind::SsoSession, wanted.session.as_str()),
            (ResourceKind::CliProfile, wanted.profile.as_str()),
        ] {
            let id = id_of(path, kind, name);
            if context.origin(kind, &id) != Origin::Created {
                continue;
            }
            let created = context.progress.read(|record| record.text(kind, &id));
            let text = wanted.edited_within(&created.unwrap_or_default());
            context.intend_text(&INFO, (Verb::Update, kind, name), mark.to_owned(), (&text, &[]))?;
            updated.push(context.resource(kind, name, &id).with_text(Some(text)));
        }
        Ok(updated)
    }
}

/// What does not exist yet: sections, and the file itself.
fn new_parts<'a>(wanted: &'a Wanted, config: &Config, path: &Path) -> Vec<(ResourceKind, &'a str)> {
    let is_new = |section| config.get(section).is_none();
    let session = is_new(Section::SsoSession(&wanted.session));
    let profile = is_new(Section::Profile(&wanted.profile));
    let parts = [
        session.then_some((ResourceKind::SsoSession, wanted.session.as_str())),
        profile.then_some((ResourceKind::CliProfile, wanted.profile.as_str())),
        (!path.exists()).then_some((ResourceKind::ConfigFile, CONFIG)),
    ];
    parts.into_iter().flatten().collect()
}

/// Replaces the text that was read with the new one.
fn replace_text(context: &Context, path: &Path, (before, after): (&str, &str)) -> Result<(), UserError> {
    context.keep_new_folders(path)?;
    path.parent()
        .map_or(Ok(()), files::make_private_folder)
        .and_then(|()| files::edit_atomically(path, before.as_bytes(), after.as_bytes()))
        .map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> UserError {
    let next: NextStep = if error.kind() == std::io::ErrorKind::ResourceBusy {
        SetupCommand::again().into()
    } else {
        SetupCommand::again().after("free up disk space or fix the file permissions")
    };
    let message = format!("Step 7 cli-profile: {} cannot be written: {error}.", path.display());
    UserError::failed(message, next)
}

/// The diff as it is shown. The lines around an edit may hold secrets of other tools, so that only their headers and
/// keys may appear on screens and in logs.
fn diff(path: &Path, before: &str, after: &str) -> String {
    let name = path.display().to_string();
    let diff = TextDiff::from_lines(before, after)
        .unified_diff()
        .context_radius(2)
        .header(&name, &name)
        .to_string();
    let ours = [keys(ResourceKind::SsoSession), keys(ResourceKind::CliProfile)].concat();
    let lines = diff.split_inclusive('\n').map(|line| match line.split_at_checked(1) {
        Some((mark @ (" " | "+" | "-"), text)) if !line.starts_with("+++") && !line.starts_with("---") => {
            format!("{mark}{}", redacted(text, &ours))
        }
        _ => line.to_owned(),
    });
    lines.collect()
}

fn unreadable(path: &Path, why: &str) -> UserError {
    UserError::failed(
        format!("Step 7 cli-profile: {} cannot be edited: {why}.", path.display()),
        SetupCommand::again().after("fix the file (tools built on the AWS SDKs can't read it either)"),
    )
}

#[async_trait(?Send)]
impl Step for CliProfile {
    fn info(&self) -> &'static StepInfo {
        &INFO
    }

    async fn look(&self) -> Result<Observed, UserError> {
        // First of all: a file that cannot be edited must be reported before the account is changed.
        let (text, config) = self.read().map_err(UserError::stopping_all)?;
        if let Err(why) = parse_with_sdk(&text).await {
            return Err(unreadable(self.paths()?.config(), &why).stopping_all());
        }
        let (session, profile) = (self.context.text(Key::SsoSession), self.context.text(Key::CliProfile));
        let parts = [Section::SsoSession(&session), Section::Profile(&profile)];
        // A file that already contains both sections need not be writable.
        if parts.into_iter().any(|part| config.get(part).is_none()) {
            self.must_be_writable().map_err(UserError::stopping_all)?;
        }
        let facts = &self.context.facts;
        if facts.instance.get().await.is_err() {
            return Ok(Observed::waits_for("Waits for step 1."));
        }
        if facts.start_url.get().await.is_err() {
            return Ok(Observed::waits_for("Waits for step 6."));
        }
        // Without the assignment, the profile would only fail later.
        if facts.assignment.get().await.is_err() {
            return Ok(Observed::waits_for("Waits for step 5."));
        }
        let Some(wanted) = Wanted::of(&self.context) else {
            return Ok(Observed::waits_for(
                "Waits for step 6: the access portal URL is not known.",
            ));
        };
        let (text, config) = self.read()?;
        let path = self.paths()?.config();
        if let Err(why) = parse_with_sdk(&text).await {
            return Err(unreadable(path, &why));
        }
        if let Some(why) = wanted.misread(&config) {
            return Err(unreadable(path, &why));
        }
        let parts = [Section::SsoSession(&wanted.session), Section::Profile(&wanted.profile)];
        if let Some(line) = parts.into_iter().find_map(|part| config.quoted_header(part)) {
            let why = format!("line {line} has a quoted name, which the AWS CLI accepts and the SDKs do not");
            return Err(unreadable(path, &why));
        }
        if let Some(observed) = self.other_credentials(&wanted, &config)? {
            return Ok(observed);
        }
        let mut observed = wanted.judge(&config);
        if !observed.is_done() && self.context.is_update_wanted(&INFO) {
            self.must_be_writable().map_err(UserError::stopping_all)?;
        }
        observed = observed
            .with("file", path.display().to_string())
            .with("profile", &wanted.profile)
            .with("sso_session", &wanted.session);
        if observed.is_done() {
            for resource in self.own(&wanted, &text)? {
                observed = observed.of(resource);
            }
            facts.profile.set(Profile {
                name: wanted.profile,
                session: wanted.session,
                start_url: facts.start_url.now().unwrap_or_default(),
                region: self.context.cli_region(),
            });
        }
        Ok(observed)
    }

    fn questions(&self, _observed: &Observed) -> Vec<Question> {
        Vec::new()
    }

    fn plan(&self, observed: &Observed) -> Result<Plan, UserError> {
        let mut plan = Plan::default();
        let update = observed.status == Status::Different
            && self.context.is_update_wanted(&INFO)
            && observed.evidence.contains_key("profile");
        if observed.status != Status::Missing && !update {
            return Ok(plan);
        }
        let path = self.paths()?.config();
        let (session, profile) = (self.context.text(Key::SsoSession), self.context.text(Key::CliProfile));
        let diff = match Wanted::of(&self.context) {
            Some(wanted) => {
                let (before, config) = self.read()?;
                diff(path, &before, &wanted.edited(config))
            }
            None => String::new(),
        };
        plan.changes.push(Change {
            verb: if update { Verb::Update } else { Verb::Create },
            kind: ResourceKind::CliProfile,
            name: profile.as_str().into(),
            sentence: format!(
                "Write the SSO session {session} and the profile {profile} to {}.",
                path.display()
            ),
            command: format!("aws configure sso --profile {profile}"),
            consent: Consent::File {
                path: path.display().to_string(),
                diff,
            },
        });
        Ok(plan)
    }

    async fn apply(&self, change: &Change, prompter: &dyn Prompter) -> Result<(), UserError> {
        let Consent::File { diff, .. } = &change.consent else {
            return Ok(());
        };
        self.write(diff)?;
        prompter.say(Some(&INFO), &format!("Wrote the profile {}.", change.name));
        Ok(())
    }

    fn provides(&self) -> Vec<&dyn Slot> {
        vec![&self.context.facts.profile]
    }
}
