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
use crate::checklist::{AwsWords, StepInfo, UserError, UserErrorKind};
use crate::limits::{CALL_LIMIT, CLOCK_TOLERANCE};
use crate::next_step::{NextStep, NextSteps, SetupCommand};
use crate::progress::{Intent, Origin, Progress, Resource, ResourceKind, Verb};
use crate::sso::Registrar;
use aws_config_file::Paths;
use aws_config_file::files;

/// What all steps share.
#[derive(Debug)]
pub struct Context {
    /// Clients for every service.
    pub clients: Clients,
    /// Who we are.
    pub caller: Caller,
    /// The Region of calls made before Identity Center's is known.
    pub bootstrap_region: String,
    /// The profile whose credentials are used, when one was named.
    pub bootstrap_profile: Option<String>,
    /// Answers so far.
    pub answers: RefCell<Answers>,
    /// Progress so far.
    pub progress: Progress,
    /// What steps have found.
    pub facts: Facts,
    /// Where links lead.
    pub console: Console,
    /// How long to pause between looks.
    pub timing: Timing,
    /// The AWS files of this person; `None` without a home folder.
    pub paths: Option<Paths>,
    /// Slugs of `--update`.
    pub updates: BTreeSet<String>,
    /// Topics of `--confirm`.
    pub confirmed: BTreeSet<String>,
    /// Registers with sso-oidc once.
    pub registrar: Registrar,
    /// Opens pages, where there is a browser.
    pub browser: Rc<Browser>,
    /// `--use-device-code`.
    pub use_device_code: bool,
    /// The AWS CLI, which is asked too who somebody is.
    pub aws_cli: Finder,
}

/// What a [`Context`] is made of.
#[derive(Debug)]
pub struct ContextParts {
    /// Clients for every service.
    pub clients: Clients,
    /// Who we are.
    pub caller: Caller,
    /// The Region of the environment, if it has one.
    pub region: Option<String>,
    /// The profile whose credentials are used.
    pub profile: Option<String>,
    /// Answers so far.
    pub answers: Answers,
    /// Progress so far.
    pub progress: Progress,
    /// Where links lead.
    pub console: Console,
    /// How long to pause between looks.
    pub timing: Timing,
    /// The AWS files.
    pub paths: Option<Paths>,
    /// Slugs of `--update`.
    pub updates: BTreeSet<String>,
    /// Topics of `--confirm`.
    pub confirmed: BTreeSet<String>,
    /// Opens pages, where there is a browser.
    pub browser: Rc<Browser>,
    /// `--use-device-code`.
    pub use_device_code: bool,
    /// Finds the AWS CLI.
    pub aws_cli: Finder,
}

impl Context {
    /// A setting in which nothing has been looked at.
    pub fn new(parts: ContextParts) -> Self {
        let main_region = parts.caller.partition().main_region();
        Self {
            bootstrap_region: parts.region.unwrap_or_else(|| main_region.to_owned()),
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

    /// The partition we are in.
    pub fn partition(&self) -> Partition {
        self.caller.partition()
    }

    /// An answer, typed.
    pub fn answer<T: FromStr>(&self, key: Key) -> Option<Given<T>> {
        self.answers.borrow().typed(key)
    }

    /// An answer as text; empty when there is none.
    pub fn text(&self, key: Key) -> String {
        self.answers.borrow().text(key)
    }

    /// Whether an answer is there.
    pub fn has(&self, key: Key) -> bool {
        self.answers.borrow().get(key).is_some()
    }

    /// The Region of Identity Center as far as anybody has said, or where calls go otherwise.
    pub fn wanted_region(&self) -> String {
        let answer = self.text(Key::IdentityCenterRegion);
        if answer.is_empty() {
            self.bootstrap_region.clone()
        } else {
            answer
        }
    }

    /// The instance, in a change that cannot be made without.
    ///
    /// # Errors
    /// When step 1 did not bring it.
    pub async fn instance(&self) -> Result<Instance, UserError> {
        let instance = self.facts.instance.get().await;
        instance.map_err(|why| UserError::failed(why, SetupCommand::run()))
    }

    /// The account that is assigned: the one that is asked for, else the caller's.
    pub fn account(&self) -> String {
        let account = self.text(Key::Account);
        if account.is_empty() {
            self.caller.account.clone()
        } else {
            account
        }
    }

    /// Whether users and groups come from elsewhere: then they are looked up, never made.
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

    /// Writes down that a change is about to be made: a look has found the thing absent.
    ///
    /// # Errors
    /// When it cannot be saved; the change must then not be made.
    pub fn intend(
        &self,
        info: &StepInfo,
        (verb, kind, name): (Verb, ResourceKind, &str),
        mark: Option<String>,
    ) -> Result<Intent, UserError> {
        let intent = Intent {
            step: info.slug.to_owned(),
            verb,
            kind,
            name: name.to_owned(),
            at: self.clock().now(),
            nonce: format!("{:016x}", fastrand::u64(..)),
            mark,
            text: None,
            used_before: Vec::new(),
        };
        self.progress.change(|record| record.open(intent.clone()))?;
        Ok(intent)
    }

    /// [`intend`](Self::intend) to write a text into a file, which then has this digest.
    ///
    /// # Errors
    /// When it cannot be saved.
    pub fn intend_text(
        &self,
        info: &StepInfo,
        of: (Verb, ResourceKind, &str),
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

    /// Writes down how a change has ended: the intent goes, the thing is kept.
    ///
    /// # Errors
    /// When it cannot be saved; the intent then still stands and the next run settles it.
    pub fn settle(
        &self,
        verb: Verb,
        kind: ResourceKind,
        name: &str,
        resource: Option<Resource>,
    ) -> Result<(), UserError> {
        self.progress.change(|record| {
            record.close(verb, kind, name);
            if let Some(resource) = resource {
                record.keep(resource);
            }
        })?;
        Ok(())
    }

    /// A token and a registration that were there before their session was are not the session's.
    ///
    /// # Errors
    /// When it cannot be saved.
    pub fn keep_older(&self, session: &str, cached: [(ResourceKind, PathBuf); 2]) -> Result<(), UserError> {
        for (kind, path) in cached.into_iter().filter(|(_, path)| path.exists()) {
            let kept = self.resource(kind, session, &path.display().to_string());
            self.progress.change(|record| record.keep(kept))?;
        }
        Ok(())
    }

    /// Writes down, before they are made, which folders a file of ours needs: undo may take just those away again.
    ///
    /// # Errors
    /// When it cannot be saved.
    pub fn keep_new_folders(&self, file: &Path) -> Result<(), UserError> {
        let missing = files::missing_folders(file);
        if !missing.is_empty() {
            self.progress.change(|record| record.folders.extend(missing))?;
        }
        Ok(())
    }

    /// Settles what open intents were to write into a file: a section is ours when our text stands there, whatever
    /// others have written around it. Answers it without the text, which is for the state file alone.
    ///
    /// # Errors
    /// When it cannot be saved.
    pub fn settle_written(
        &self,
        content: &str,
        kind: ResourceKind,
        name: &str,
        id: &str,
    ) -> Result<Resource, UserError> {
        let mut resource = self.resource(kind, name, id);
        for verb in [Verb::Create, Verb::Update] {
            let intents: Vec<Intent> = self
                .progress
                .read(|record| record.intents(verb, kind, name).cloned().collect());
            let digest = files::digest(content.as_bytes());
            // A file of its own is ours only as we have written it: somebody may have made one meanwhile.
            let is_part = kind != ResourceKind::ConfigFile;
            let stands = |text: &String| is_part && !text.is_empty() && content.matches(text.as_str()).count() == 1;
            let written = intents
                .iter()
                .find(|intent| intent.mark.as_ref() == Some(&digest) || intent.text.as_ref().is_some_and(stands));
            if let Some(intent) = written {
                resource.origin = Origin::Created;
                resource.text.clone_from(&intent.text);
                resource.used_before.clone_from(&intent.used_before);
            }
            self.settle(verb, kind, name, Some(resource.clone()))?;
        }
        resource.text = None;
        Ok(resource)
    }

    /// How a thing that is there came to be: as it was written down, else found.
    pub fn origin(&self, kind: ResourceKind, id: &str) -> Origin {
        self.progress
            .read(|record| record.origin(kind, id))
            .unwrap_or(Origin::Existing)
    }

    /// A thing that is there, with whose it is.
    pub fn resource(&self, kind: ResourceKind, name: &str, id: &str) -> Resource {
        Resource::new(self.origin(kind, id), kind, name, id)
    }

    /// The open intents to create a thing.
    pub fn open_intents(&self, kind: ResourceKind, name: &str) -> Vec<Intent> {
        self.progress
            .read(|record| record.intents(Verb::Create, kind, name).cloned().collect())
    }

    /// Whether a thing was made within the time limit of a call we made, and by nobody else.
    ///
    /// `created_at` is on the server's clock, as intents are; `created_by` counts only as an ARN, since its form
    /// is not documented.
    pub fn is_ours(&self, intents: &[Intent], created_at: Option<Timestamp>, created_by: Option<&str>) -> bool {
        let Some(created_at) = created_at else { return false };
        let somebody_else = created_by.is_some_and(|by| by.starts_with("arn:") && by != self.caller.arn);
        let slack = SignedDuration::try_from(CLOCK_TOLERANCE).unwrap_or_default();
        let limit = SignedDuration::try_from(CALL_LIMIT).unwrap_or_default();
        !somebody_else
            && intents.iter().any(|intent| {
                let after = created_at.duration_since(intent.at);
                after >= -slack && after <= limit
            })
    }
}

/// A time of the SDK's.
pub fn timestamp(at: Option<aws_smithy_types::DateTime>) -> Option<Timestamp> {
    Timestamp::from_millisecond(at?.to_millis().ok()?).ok()
}

/// Makes trouble of a failed call, in a step.
pub fn step_error(info: &StepInfo, aws_error: &AwsError, next: impl Into<NextSteps>) -> UserError {
    let kind = match aws_error.kind {
        AwsErrorKind::Denied => UserErrorKind::NotAllowed,
        AwsErrorKind::Credentials => UserErrorKind::NoCredentials,
        AwsErrorKind::NotAws | AwsErrorKind::NotThere | AwsErrorKind::Unreadable => UserErrorKind::Unknown,
        _ => UserErrorKind::Failed,
    };
    let next: NextSteps = next.into();
    let again = next.command().cloned().unwrap_or_default();
    let next = match aws_error.kind {
        AwsErrorKind::Denied if aws_error.is_of_nobody() => next,
        AwsErrorKind::Denied => again
            .after(format!(
                "have an administrator allow this caller {}",
                aws_error.operation
            ))
            .into(),
        AwsErrorKind::Credentials => NextStep::other("renew the credentials", ["aws", "login"])
            .then(again)
            .into(),
        AwsErrorKind::NoConnection => again.after("check the network").into(),
        _ => next,
    };
    UserError {
        kind,
        message: format!("{}: {}.", info.name(), aws_error.sentence().trim_end_matches('.')),
        aws: Some(AwsWords {
            operation: aws_error.operation.clone(),
            code: aws_error.code.clone(),
            message: aws_error.message.clone(),
        }),
        next,
        stops_all: false,
    }
}

/// [`error`], where running again is the way on.
pub fn rerun(info: &'static StepInfo) -> impl Fn(AwsError) -> UserError {
    move |aws_error| step_error(info, &aws_error, SetupCommand::run())
}
