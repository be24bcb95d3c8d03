//! Step 7: writes an SSO session and a profile to `~/.aws/config`, in one atomic edit that keeps every other byte of
//! the file.

use std::rc::Rc;

use async_trait::async_trait;

use super::context::WizardContext;
use super::facts::Profile;
use crate::answers::Key;
use crate::aws_files::{self, Problem};
use crate::environment::HOME;
use crate::ids::RegionName;
use crate::next_step::SetupCommand;
use crate::progress::{ResourceKind, Verb};
use crate::reconcile::plan::{Action, Address, Node};
use crate::reconcile::{Change, Consent, Importance, Slot, Snapshot, StepInfo};
use crate::resources::cli_config::{self, CliConfigSpec, OTHER_CREDENTIALS, unusable};
use crate::resources::item::{ItemField, ItemState};
use crate::text::listed;
use crate::user_error::UserError;
use crate::wizard::{Applied, Observed, Prompter, Status, Step, StepPlan};
use aws_config_file::{Config, Paths, Section, has_keys, read_credentials};

/// This step's line of the checklist.
pub const INFO: StepInfo = StepInfo {
    number: 7,
    slug: "cli-profile",
    short: "AWS CLI",
    title: "Configure the AWS CLI",
    importance: Importance::Required,
    why: "With a profile, the AWS CLI, the SDKs, and Terraform get temporary credentials automatically.",
    feeds_others: true,
    permissions: &[],
};

/// The address of the access portal in a diff, before the instance exists.
const UNKNOWN_ADDRESS: &str = "https://d-….awsapps.com/start";

/// Step 7.
pub struct CliProfile {
    context: Rc<WizardContext>,
}

impl CliProfile {
    /// Creates the step; nothing is checked yet.
    pub fn new(context: Rc<WizardContext>) -> Self {
        Self { context }
    }

    fn paths(&self) -> Result<&Paths, UserError> {
        self.context.paths.as_ref().ok_or_else(|| {
            UserError::failed(
                format!("{}: there is no home folder.", INFO.name()),
                SetupCommand::again().after(format!("set {HOME}")),
            )
        })
    }

    /// The file's text and its sections. A file that does not exist counts as empty.
    fn read(&self) -> Result<(String, Config), UserError> {
        cli_config::read_or_empty(&INFO, self.paths()?.config())
    }

    /// The sections that the answers describe; `None` until the instance and its access portal are known.
    fn spec(&self) -> Option<CliConfigSpec> {
        Some(self.spec_with(self.context.facts.start_url.now()?, self.context.instance.now()?.region))
    }

    fn spec_with(&self, start_url: String, sso_region: RegionName) -> CliConfigSpec {
        let context = &self.context;
        CliConfigSpec {
            session: context.text(Key::SsoSession),
            profile: context.text(Key::CliProfile),
            start_url,
            sso_region,
            account: context.account(),
            permission_set: context.text(Key::PermissionSet),
            region: context.cli_region(),
            output: context.text(Key::CliOutput),
        }
    }

    /// The sections before the portal and the instance are known, with other values in their place.
    fn provisional_spec(&self) -> CliConfigSpec {
        self.spec_with(
            "https://example.awsapps.com/start".to_owned(),
            self.context.cli_region(),
        )
    }

    fn judge(spec: &CliConfigSpec, config: &Config) -> Observed {
        let differences = spec.compare(config);
        if !differences.different.is_empty() {
            let found = differences.different.join("; the ");
            let update = SetupCommand::run()
                .value("--update", INFO.slug)
                .to("replace the values");
            let mut with_other_names = SetupCommand::run();
            for (section, flag) in [
                (Section::SsoSession(&spec.session), "--sso-session"),
                (Section::Profile(&spec.profile), "--cli-profile"),
            ] {
                if config.get(section).is_some() {
                    let name = free_name(config, section, &spec.account);
                    with_other_names = with_other_names.value(flag, name);
                }
            }
            let users = match &differences.users[..] {
                [] => String::new(),
                [user] => format!(" The profile {user} uses this session."),
                users => format!(" The profiles {} use this session.", listed(users)),
            };
            let with_other_names = with_other_names.to("use other names");
            return Observed::different(format!("The {found}.{users}"), with_other_names).or_next(update);
        }
        if !differences.missing.is_empty() {
            return Observed::missing(format!("There is {}.", differences.missing.join(" and ")));
        }
        Observed::done(format!(
            "The SSO session {} and the profile {} exist.",
            spec.session, spec.profile
        ))
    }

    /// Checks that the config file and the cached files, which step 8 writes, are writable.
    fn must_be_writable(&self) -> Result<(), UserError> {
        let paths = self.paths()?;
        let spec = self.spec().unwrap_or_else(|| self.provisional_spec());
        aws_files::writable(paths)
            .and_then(|()| aws_files::cache_writable(paths, &spec.session, &spec.sso_region, &spec.start_url))
            .map_err(|problem| unusable(&INFO, &problem))
    }

    /// Checks that the AWS tools can read the files, and will read what this step writes.
    async fn must_be_readable(&self, spec: &CliConfigSpec) -> Result<(), UserError> {
        let paths = self.paths()?;
        aws_files::readable(paths)
            .await
            .map_err(|problem| unusable(&INFO, &problem))?;
        let (_, config) = self.read()?;
        spec.check_agreement(&config)
            .await
            .map_err(|why| unusable(&INFO, &Problem::in_text(paths.config(), why)))
    }

    /// Whether there is no instance yet, but there can be one.
    fn is_to_be_enabled(&self) -> bool {
        let nodes = self.context.planned();
        let mut instances = nodes
            .iter()
            .filter(|node| node.address.kind() == Some(ResourceKind::Instance));
        instances.any(|node| node.action.is_open())
    }

    /// A finding if the sections exist with other values or other credentials. Before the portal is known, a session of this
    /// name can only be one for another portal.
    async fn conflict(&self, config: &Config) -> Result<Option<Observed>, UserError> {
        let spec = self.spec().unwrap_or_else(|| self.provisional_spec());
        let observed = match self.other_credentials(&spec, config).await? {
            Some(observed) => observed,
            None => Self::judge(&spec, config),
        };
        let is_different = observed.status == Status::Different;
        if is_different {
            let address = Address::new(ResourceKind::CliProfile, spec.profile.as_str());
            self.context.snapshot.set(address, Some(ItemState::Differs));
        }
        Ok(is_different.then_some(observed))
    }

    /// A finding if a profile of this name gets its credentials elsewhere. Such a profile is never changed.
    async fn other_credentials(&self, spec: &CliConfigSpec, config: &Config) -> Result<Option<Observed>, UserError> {
        let blocked = |why: String| {
            let next = SetupCommand::run().placeholder("--cli-profile", "NAME");
            Observed::different(why, next.to("use another profile name"))
        };
        let existing = config.get(Section::Profile(&spec.profile)).unwrap_or_default();
        if let Some(key) = OTHER_CREDENTIALS.into_iter().find(|key| existing.contains_key(*key)) {
            return Ok(Some(blocked(format!(
                "The profile {} already uses other credentials ({key}).",
                spec.profile
            ))));
        }
        let path = self.paths()?.credentials();
        let content = read_credentials(path).map_err(|error| {
            let why = format!("{}: {} cannot be read: {error}.", INFO.name(), path.display());
            UserError::failed(why, SetupCommand::again().after("fix that file"))
        })?;
        let has_keys = has_keys(&content, &spec.profile).await;
        Ok(has_keys.then(|| {
            blocked(format!(
                "{} has credentials in the section [{}], which tools use instead of the profile.",
                path.display(),
                spec.profile
            ))
        }))
    }
}

/// A name for a section that the file does not have yet: with the account, and a number if necessary.
fn free_name(config: &Config, section: Section<'_>, account: &str) -> String {
    let (name, section_of): (&str, fn(&str) -> Section<'_>) = match section {
        Section::SsoSession(name) => (name, |name| Section::SsoSession(name)),
        Section::Profile(name) => (name, |name| Section::Profile(name)),
    };
    let numbered = (2..).map(|number| format!("{name}-{account}-{number}"));
    let mut names = std::iter::once(format!("{name}-{account}")).chain(numbered);
    let free = names.find(|name| config.get(section_of(name)).is_none());
    free.unwrap_or_else(|| name.to_owned())
}

#[async_trait(?Send)]
impl Step for CliProfile {
    fn info(&self) -> &'static StepInfo {
        &INFO
    }

    async fn look(&self) -> Result<Observed, UserError> {
        // First of all: a file that cannot be used must be reported before the account is changed.
        self.must_be_readable(&self.provisional_spec())
            .await
            .map_err(UserError::stopping_all)?;
        let (_, config) = self.read()?;
        let (session, profile) = (self.context.text(Key::SsoSession), self.context.text(Key::CliProfile));
        let parts = [Section::SsoSession(&session), Section::Profile(&profile)];
        // A file that already contains both sections need not be writable.
        if parts.into_iter().any(|part| config.get(part).is_none()) {
            self.must_be_writable().map_err(UserError::stopping_all)?;
        }
        let facts = &self.context.facts;
        let is_enabled = self.context.instance.get().await.is_ok();
        let has_portal = facts.start_url.get().await.is_ok();
        // What is in the way is reported before the account is changed, not when this step's turn comes.
        let is_new = !is_enabled && self.is_to_be_enabled();
        if (has_portal || is_new)
            && !self.context.is_update_wanted(&INFO)
            && let Some(conflict) = self.conflict(&config).await?
        {
            return Ok(conflict);
        }
        if !is_enabled {
            return Ok(Observed::waits_for("Waits for step 1."));
        }
        if !has_portal {
            return Ok(Observed::waits_for("Waits for step 6."));
        }
        // Without the assignment, the profile would only fail later.
        if facts.assignment.get().await.is_err() {
            return Ok(Observed::waits_for("Waits for step 5."));
        }
        let Some(spec) = self.spec() else {
            return Ok(Observed::waits_for(
                "Waits for step 6: the access portal URL is not known.",
            ));
        };
        self.must_be_readable(&spec).await?;
        let (text, config) = self.read()?;
        let path = self.paths()?.config();
        let address = Address::new(ResourceKind::CliProfile, spec.profile.as_str());
        if let Some(observed) = self.other_credentials(&spec, &config).await? {
            self.context.snapshot.set(address, Some(ItemState::Differs));
            return Ok(observed);
        }
        let mut observed = Self::judge(&spec, &config);
        let state = match observed.status {
            Status::Done => Some(ItemState::Exists),
            Status::Different => Some(ItemState::Differs),
            _ => None,
        };
        self.context.snapshot.set(address, state);
        if !observed.is_done() && self.context.is_update_wanted(&INFO) {
            self.must_be_writable().map_err(UserError::stopping_all)?;
        }
        observed = observed.with(|evidence| {
            evidence.file = Some(path.to_owned());
            evidence.profile = Some(spec.profile.clone());
            evidence.sso_session = Some(spec.session.clone());
        });
        if observed.is_done() {
            for entry in cli_config::settle(&self.context, &spec, path, &text)? {
                observed = observed.of(entry);
            }
            facts.profile.set(Profile {
                name: spec.profile,
                session: spec.session,
                start_url: facts.start_url.now().unwrap_or_default(),
                region: self.context.cli_region(),
            });
        }
        Ok(observed)
    }

    fn covers(&self, address: &Address) -> bool {
        address.kind() == Some(ResourceKind::CliProfile)
    }

    fn nodes(&self) -> Vec<Node<ItemField>> {
        self.context.planned()
    }

    fn snapshot(&self) -> &Snapshot<ItemState> {
        &self.context.snapshot
    }

    fn present(&self, node: &Node<ItemField>, observed: &Observed, plan: &mut StepPlan) -> Result<(), UserError> {
        let verb = match node.action {
            // A profile with other credentials is never changed.
            Action::Update(_) if observed.evidence.profile.is_none() => return Ok(()),
            Action::Update(_) => Verb::Update,
            _ => Verb::Create,
        };
        let path = self.paths()?.config();
        let (session, profile) = (self.context.text(Key::SsoSession), self.context.text(Key::CliProfile));
        // Before the instance exists, the diff shows everything but the address.
        let spec = self.spec();
        let spec = spec.unwrap_or_else(|| self.spec_with(UNKNOWN_ADDRESS.to_owned(), self.context.wanted_region()));
        let (before, config) = self.read()?;
        let others = spec.compare(&config).users;
        let diff = cli_config::diff(path, &before, &spec.edited(config));
        plan.changes
            .push(cli_config::change(verb, &session, &profile, path, diff, &others));
        Ok(())
    }

    async fn apply(&self, change: &Change, prompter: &dyn Prompter) -> Result<Applied, UserError> {
        let Consent::File { diff, .. } = &change.consent else {
            return Ok(Applied::Yes);
        };
        let Some(spec) = self.spec() else {
            let why = format!("{}: the access portal URL is not known.", INFO.name());
            return Err(UserError::failed(why, SetupCommand::again()));
        };
        cli_config::write(&self.context, &INFO, &spec, self.paths()?, diff)?;
        prompter.say(Some(&INFO), &format!("Wrote the profile {}.", change.name));
        Ok(Applied::Yes)
    }

    fn provides(&self) -> Vec<&dyn Slot> {
        vec![&self.context.facts.profile]
    }
}
