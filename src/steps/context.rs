//! What all steps share: the connection, the answers, the progress, and the facts.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

use super::Facts;
use super::facts::Instance;
use crate::answers::values::IdentitySource;
use crate::answers::{Answers, Given, Key};
use crate::aws::clock::ServerClock;
use crate::aws::connect::Caller;
use crate::aws::console::Console;
use crate::aws::waiting::Timing;
use crate::aws::{AwsError, AwsErrorKind, Clients, Partition};
use crate::aws_cli::Finder;
use crate::browser::Browser;
use crate::checklist::{ServiceMessage, StepInfo, UserError, UserErrorKind};
use crate::ids::{AccountId, RegionName};
use crate::limits::{CALL_LIMIT, CLOCK_TOLERANCE};
use crate::next_step::{NextStep, NextSteps, SetupCommand};
use crate::progress::{Intent, Origin, Progress, Resource, ResourceId, ResourceKind, ResourceName, Verb};
use crate::sso::Registrar;
use aws_config_file::Paths;
use aws_config_file::files;

/// What all steps share.
#[derive(Debug)]
pub struct Context {
    /// Clients for every service.
    pub clients: Clients,
    /// The caller's identity.
    pub caller: Caller,
    /// The Region for calls before Identity Center's Region is known.
    pub bootstrap_region: RegionName,
    /// The profile whose credentials are used, if one was given.
    pub bootstrap_profile: Option<String>,
    /// Answers so far.
    pub answers: RefCell<Answers>,
    /// Progress so far.
    pub progress: Progress,
    /// The facts that the steps share.
    pub facts: Facts,
    /// Builds links to the AWS console.
    pub console: Console,
    /// How long to pause between checks.
    pub timing: Timing,
    /// The user's AWS files; `None` without a home directory.
    pub paths: Option<Paths>,
    /// The slugs given with `--update`.
    pub updates: BTreeSet<String>,
    /// The topics given with `--confirm`.
    pub confirmed: BTreeSet<String>,
    /// Registers a client with sso-oidc, once.
    pub registrar: Registrar,
    /// Opens pages, if there is a browser.
    pub browser: Rc<Browser>,
    /// `--use-device-code`.
    pub use_device_code: bool,
    /// Finds the AWS CLI, which is also used to verify the caller's identity.
    pub aws_cli: Finder,
}

/// The parts of a [`Context`].
#[derive(Debug)]
pub struct ContextParts {
    /// Clients for every service.
    pub clients: Clients,
    /// The caller's identity.
    pub caller: Caller,
    /// The Region from the environment, if one is set.
    pub region: Option<RegionName>,
    /// The profile whose credentials are used, if one was given.
    pub profile: Option<String>,
    /// Answers so far.
    pub answers: Answers,
    /// Progress so far.
    pub progress: Progress,
    /// Builds links to the AWS console.
    pub console: Console,
    /// How long to pause between checks.
    pub timing: Timing,
    /// The user's AWS files.
    pub paths: Option<Paths>,
    /// The slugs given with `--update`.
    pub updates: BTreeSet<String>,
    /// The topics given with `--confirm`.
    pub confirmed: BTreeSet<String>,
    /// Opens pages, if there is a browser.
    pub browser: Rc<Browser>,
    /// `--use-device-code`.
    pub use_device_code: bool,
    /// Finds the AWS CLI.
    pub aws_cli: Finder,
}

impl Context {
    /// Creates a context in which nothing has been read yet.
    pub fn new(parts: ContextParts) -> Self {
        let main_region = parts.caller.partition().main_region();
        Self {
            bootstrap_region: parts.region.unwrap_or(main_region),
            bootstrap_profile: parts.profile,
            clients: parts.clients,
            caller: parts.caller,
            answers: RefCell::new(parts.answers),
            progress: parts.progress,
            facts: Facts::default(),
            console: parts.console,
            timing: parts.timing,
            paths: parts.paths,
            updates: parts.updates,
            confirmed: parts.confirmed,
            registrar: Registrar::default(),
            browser: parts.browser,
            use_device_code: parts.use_device_code,
            aws_cli: parts.aws_cli,
        }
    }

    /// The caller's partition.
    pub fn partition(&self) -> Partition {
        self.caller.partition()
    }

    /// An answer, parsed into its type.
    pub fn answer<T: FromStr>(&self, key: Key) -> Option<Given<T>> {
        self.answers.borrow().typed(key)
    }

    /// An answer as text; empty if there is none.
    pub fn text(&self, key: Key) -> String {
        self.answers.borrow().text(key)
    }

    /// Whether there is an answer.
    pub fn has(&self, key: Key) -> bool {
        self.answers.borrow().get(key).is_some()
    }

    /// The Region for Identity Center: the answer, or else the bootstrap Region.
    pub fn wanted_region(&self) -> RegionName {
        let answer = self.answer::<RegionName>(Key::IdentityCenterRegion);
        answer.map_or_else(|| self.bootstrap_region.clone(), |answer| answer.value)
    }

    /// The Region for the profile: the answer, or else Identity Center's Region.
    pub fn cli_region(&self) -> RegionName {
        let answer = self.answer::<RegionName>(Key::CliRegion);
        answer.map_or_else(|| self.wanted_region(), |answer| answer.value)
    }

    /// The instance, for a change that requires it.
    ///
    /// # Errors
    /// When step 1 did not provide it.
    pub async fn instance(&self) -> Result<Instance, UserError> {
        let instance = self.facts.instance.get().await;
        instance.map_err(|why| UserError::failed(why, SetupCommand::again()))
    }

    /// The account to assign: the answer, or else the caller's account.
    pub fn account(&self) -> AccountId {
        let answer = self.answer::<AccountId>(Key::Account);
        answer.map_or_else(|| self.caller.account.clone(), |answer| answer.value)
    }

    /// Whether users and groups come from an external identity provider. They are then only looked up, never created.
    pub fn is_external(&self) -> bool {
        self.answer::<IdentitySource>(Key::IdentitySource)
            .is_some_and(|source| source.value == IdentitySource::External)
    }

    /// Whether `--update` was given for a step.
    pub fn is_update_wanted(&self, info: &StepInfo) -> bool {
        self.updates.contains(info.slug)
    }

    fn clock(&self) -> &ServerClock {
        self.clients.clock()
    }

    /// Records the intent to make a change. Before a create, a check must have shown that the resource does not exist.
    ///
    /// # Errors
    /// When the intent cannot be saved. The change must then not be made.
    pub fn intend(
        &self,
        info: &StepInfo,
        (verb, kind, name): (Verb, ResourceKind, impl Into<ResourceName>),
        mark: Option<String>,
    ) -> Result<Intent, UserError> {
        let intent = Intent {
            step: info.slug.to_owned(),
            verb,
            kind,
            name: name.into(),
            at: self.clock().now(),
            nonce: format!("{:016x}", fastrand::u64(..)),
            mark,
            text: None,
            used_before: Vec::new(),
        };
        self.progress.change(|record| record.open(intent.clone()))?;
        Ok(intent)
    }

    /// Like [`intend`](Self::intend), for writing text into a file that then has this digest.
    ///
    /// # Errors
    /// When the intent cannot be saved.
    pub fn intend_text(
        &self,
        info: &StepInfo,
        of: (Verb, ResourceKind, impl Into<ResourceName>),
        digest: String,
        (text, used_before): (&str, &[String]),
    ) -> Result<(), UserError> {
        let nonce = self.intend(info, of, Some(digest))?.nonce;
        self.progress.change(|record| {
            for intent in record.intents.iter_mut().filter(|intent| intent.nonce == nonce) {
                intent.text = Some(text.to_owned());
                intent.used_before = used_before.to_vec();
            }
        })?;
        Ok(())
    }

    /// Records the result of a change: removes its intents and keeps the resource.
    ///
    /// # Errors
    /// When the result cannot be saved. The intent then stays open, and the next run settles it.
    pub fn settle(
        &self,
        verb: Verb,
        kind: ResourceKind,
        name: impl Into<ResourceName>,
        resource: Option<Resource>,
    ) -> Result<(), UserError> {
        let name = name.into();
        self.progress.change(|record| {
            record.close(verb, kind, &name);
            if let Some(resource) = resource {
                record.keep(resource);
            }
        })?;
        Ok(())
    }

    /// Records a cached token and registration that are older than their SSO session, so that undo keeps them.
    ///
    /// # Errors
    /// When this cannot be saved.
    pub fn keep_older(&self, session: &str, cached: [(ResourceKind, PathBuf); 2]) -> Result<(), UserError> {
        for (kind, path) in cached.into_iter().filter(|(_, path)| path.exists()) {
            let kept = self.resource(kind, session, path.display().to_string());
            self.progress.change(|record| record.keep(kept))?;
        }
        Ok(())
    }

    /// Records the missing parent directories of a file before they are created: undo may delete only those.
    ///
    /// # Errors
    /// When this cannot be saved.
    pub fn keep_new_folders(&self, file: &Path) -> Result<(), UserError> {
        let missing = files::missing_folders(file);
        if !missing.is_empty() {
            self.progress.change(|record| record.folders.extend(missing))?;
        }
        Ok(())
    }

    /// Settles the open intents to write into a file. A section counts as created by us if it contains our text,
    /// whatever surrounds it. Returns the resource without the text, which belongs only in the state file.
    ///
    /// # Errors
    /// When the result cannot be saved.
    pub fn settle_written(
        &self,
        content: &str,
        kind: ResourceKind,
        name: impl Into<ResourceName>,
        id: impl Into<ResourceId>,
    ) -> Result<Resource, UserError> {
        let name = name.into();
        let mut resource = self.resource(kind, &name, id);
        for verb in [Verb::Create, Verb::Update] {
            let intents: Vec<Intent> = self
                .progress
                .read(|record| record.intents(verb, kind, &name).cloned().collect());
            let digest = files::digest(content.as_bytes());
            // A whole file is ours only with exactly our content: someone else may have created it in the meantime.
            let is_section = kind != ResourceKind::ConfigFile;
            let contains_text =
                |text: &String| is_section && !text.is_empty() && content.matches(text.as_str()).count() == 1;
            let written = intents.iter().find(|intent| {
                intent.mark.as_ref() == Some(&digest) || intent.text.as_ref().is_some_and(contains_text)
            });
            if let Some(intent) = written {
                resource.origin = Origin::Created;
                resource.text.clone_from(&intent.text);
                resource.used_before.clone_from(&intent.used_before);
            }
            self.settle(verb, kind, &name, Some(resource.clone()))?;
        }
        resource.text = None;
        Ok(resource)
    }

    /// The recorded origin of an existing resource; [`Origin::Existing`] if none is recorded.
    pub fn origin(&self, kind: ResourceKind, id: impl Into<ResourceId>) -> Origin {
        let id = id.into();
        self.progress
            .read(|record| record.origin(kind, &id))
            .unwrap_or(Origin::Existing)
    }

    /// An existing resource, with its recorded origin.
    pub fn resource(&self, kind: ResourceKind, name: impl Into<ResourceName>, id: impl Into<ResourceId>) -> Resource {
        let id = id.into();
        Resource::new(self.origin(kind, &id), kind, name, id)
    }

    /// The open intents to create a resource.
    pub fn open_intents(&self, kind: ResourceKind, name: impl Into<ResourceName>) -> Vec<Intent> {
        let name = name.into();
        self.progress
            .read(|record| record.intents(Verb::Create, kind, &name).cloned().collect())
    }

    /// Whether this tool created a resource: within the time limit of one of its calls, and not by another principal.
    ///
    /// `created_at` uses the server's clock, as intents do. `created_by` counts only if it is an ARN, because its
    /// format is not documented.
    pub fn is_ours(&self, intents: &[Intent], created_at: Option<Timestamp>, created_by: Option<&str>) -> bool {
        let Some(created_at) = created_at else { return false };
        let is_other_principal = created_by.is_some_and(|by| by.starts_with("arn:") && by != self.caller.arn);
        let slack = SignedDuration::try_from(CLOCK_TOLERANCE).unwrap_or_default();
        let limit = SignedDuration::try_from(CALL_LIMIT).unwrap_or_default();
        !is_other_principal
            && intents.iter().any(|intent| {
                let after = created_at.duration_since(intent.at);
                after >= -slack && after <= limit
            })
    }
}

/// Converts a timestamp of the AWS SDK.
pub fn timestamp(at: Option<aws_smithy_types::DateTime>) -> Option<Timestamp> {
    Timestamp::from_millisecond(at?.to_millis().ok()?).ok()
}

/// The command that confirms a task which this program cannot check.
pub fn confirm(topic: &str, purpose: &str) -> NextSteps {
    SetupCommand::run().value("--confirm", topic).to(purpose).into()
}

/// Converts a failed AWS call of a step into a [`UserError`].
pub fn step_error(info: &StepInfo, aws_error: &AwsError, next: impl Into<NextSteps>) -> UserError {
    let kind = match aws_error.kind {
        AwsErrorKind::Denied => UserErrorKind::NotAllowed,
        AwsErrorKind::Credentials => UserErrorKind::NoCredentials,
        AwsErrorKind::NotAws | AwsErrorKind::NotImplemented | AwsErrorKind::Unreadable => UserErrorKind::Unknown,
        _ => UserErrorKind::Failed,
    };
    let next: NextSteps = next.into();
    let again = next.command().cloned().unwrap_or_default();
    // What fixes the cause comes first; what the caller suggests besides running again stays.
    let cause: Option<NextStep> = match aws_error.kind {
        AwsErrorKind::Denied | AwsErrorKind::Credentials if aws_error.is_unsigned() => None,
        AwsErrorKind::Denied => Some(again.clone().after(format!(
            "ask an administrator to allow {} for this caller",
            aws_error.operation
        ))),
        AwsErrorKind::Credentials => Some(NextStep::other("sign in again", ["aws", "login"]).then(again.clone())),
        AwsErrorKind::NoConnection => Some(again.clone().after("check the network")),
        _ => None,
    };
    let next = match cause {
        None => next,
        Some(cause) => next
            .iter()
            .filter(|other| other.names_other_command_than(&again))
            .fold(NextSteps::from(cause), |next, other| next.or(other.clone())),
    };
    UserError {
        kind,
        message: format!("{}: {}.", info.name(), aws_error.sentence().trim_end_matches('.')),
        aws: Some(ServiceMessage {
            operation: aws_error.operation.clone(),
            code: aws_error.code.clone(),
            message: aws_error.message.clone(),
        }),
        next,
        stops_all: false,
    }
}

/// Like [`step_error`], with a rerun as the next step.
pub fn rerun(info: &'static StepInfo) -> impl Fn(AwsError) -> UserError {
    move |aws_error| step_error(info, &aws_error, SetupCommand::again())
}
