//! What all resources share: the connection, the ledger, and the instance.

use std::path::PathBuf;

use crate::aws::clock::ServerClock;
use crate::aws::connect::Caller;
use crate::aws::waiting::Timing;
use crate::aws::{Clients, Partition};
use crate::ids::{AccountId, IdentityStoreId, InstanceArn, RegionName};
use crate::next_step::SetupCommand;
use crate::progress::{Entry, Intent, Origin, Progress, ResourceId, ResourceKind, ResourceName, Settings, Verb};
use crate::reconcile::{Fact, StepInfo, Stop, Target};
use crate::user_error::UserError;
use aws_config_file::Paths;
use aws_config_file::files;

/// The instance of IAM Identity Center.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// `arn:aws:sso:::instance/ssoins-…`.
    pub arn: InstanceArn,
    /// `d-…`.
    pub store: IdentityStoreId,
    /// The Region it is in.
    pub region: RegionName,
    /// The management account. It differs from the caller's account if that is a delegated administrator.
    pub owner: AccountId,
}

/// Options of the AWS CLI that name the instance or the identity store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CliOptions {
    /// For `aws sso-admin`.
    pub instance: String,
    /// For `aws identitystore`.
    pub store: String,
}

/// What all resources share.
#[derive(Debug)]
pub struct Context {
    /// Clients for every service.
    pub clients: Clients,
    /// The caller's identity.
    pub caller: Caller,
    /// The Region for calls before Identity Center's Region is known.
    pub bootstrap_region: RegionName,
    /// The instance, from step 1.
    pub instance: Fact<Instance>,
    /// Progress so far.
    pub progress: Progress,
    /// How long to pause between checks.
    pub timing: Timing,
    /// The user's AWS files; `None` without a home directory.
    pub paths: Option<Paths>,
    /// The request to end the run.
    pub stop: Stop,
}

impl Context {
    /// The caller's partition.
    pub fn partition(&self) -> Partition {
        self.caller.partition()
    }

    /// The instance, for a change that requires it.
    ///
    /// # Errors
    /// When step 1 did not provide it.
    pub async fn known_instance(&self) -> Result<Instance, UserError> {
        let instance = self.instance.get().await;
        instance.map_err(|why| UserError::failed(why, SetupCommand::again()))
    }

    fn clock(&self) -> &ServerClock {
        self.clients.clock()
    }

    /// Records the intent to make a change. Before a create, a check must have shown that the resource does not exist.
    ///
    /// # Errors
    /// When the intent cannot be saved. The change must then not be made.
    pub fn intend(&self, info: &StepInfo, target: Target, mark: Option<String>) -> Result<Intent, UserError> {
        let intent = Intent {
            mark,
            ..self.intent(info, target)
        };
        self.open(&intent)?;
        Ok(intent)
    }

    /// Records this intent, right before the change.
    ///
    /// # Errors
    /// When the run is to end, or the intent cannot be saved. The change must then not be made.
    pub fn open(&self, intent: &Intent) -> Result<(), UserError> {
        self.must_not_be_stopped()?;
        self.progress.change(|record| record.open(intent.clone()))?;
        Ok(())
    }

    /// Refuses to begin a change after the request to end the run.
    ///
    /// # Errors
    /// [`UserError::left`].
    pub fn must_not_be_stopped(&self) -> Result<(), UserError> {
        if self.stop.is_requested() {
            return Err(UserError::left());
        }
        Ok(())
    }

    /// An intent that is not recorded yet.
    pub fn intent(&self, info: &StepInfo, target: Target) -> Intent {
        Intent {
            step: info.slug.to_owned(),
            verb: target.verb,
            kind: target.kind,
            name: target.name,
            at: self.clock().now(),
            nonce: format!("{:016x}", fastrand::u64(..)),
            id: None,
            settings: Settings::new(),
            mark: None,
            text: None,
            used_before: Vec::new(),
        }
    }

    /// Like [`intend`](Self::intend), for writing text into a file that then has this digest.
    ///
    /// # Errors
    /// When the intent cannot be saved.
    pub fn intend_text(
        &self,
        info: &StepInfo,
        target: Target,
        digest: String,
        text: &str,
        used_before: &[String],
    ) -> Result<(), UserError> {
        let nonce = self.intend(info, target, Some(digest))?.nonce;
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
        resource: Option<Entry>,
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
            let kept = self.entry(kind, session, path.display().to_string());
            self.progress.change(|record| record.keep(kept))?;
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
    ) -> Result<Entry, UserError> {
        let name = name.into();
        let mut resource = self.entry(kind, &name, id);
        for verb in [Verb::Create, Verb::Update] {
            let intents: Vec<Intent> = self
                .progress
                .read(|record| record.intents(verb, kind, &name).cloned().collect());
            let digest = files::digest(content.as_bytes());
            // A whole file belongs to this program only with exactly its content: someone else may have created it in the
            // meantime.
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
    pub fn entry(&self, kind: ResourceKind, name: impl Into<ResourceName>, id: impl Into<ResourceId>) -> Entry {
        let id = id.into();
        Entry::new(self.origin(kind, &id), kind, name, id)
    }

    /// The open intents to create a resource.
    pub fn open_intents(&self, kind: ResourceKind, name: impl Into<ResourceName>) -> Vec<Intent> {
        let name = name.into();
        self.progress
            .read(|record| record.intents(Verb::Create, kind, &name).cloned().collect())
    }

    /// The IDs of the resources of a kind that this program created.
    pub fn created_ids(&self, kind: ResourceKind) -> Vec<ResourceId> {
        self.progress.read(|record| {
            let created = record
                .resources
                .iter()
                .filter(|other| other.kind == kind && other.origin == Origin::Created);
            created.map(|other| other.id.clone()).collect()
        })
    }

    /// The instance and the identity store, each with its Region, as options of the AWS CLI.
    pub fn cli_options(&self) -> CliOptions {
        self.instance.now().map_or_else(
            || CliOptions {
                instance: "--region REGION --instance-arn INSTANCE_ARN".to_owned(),
                store: "--region REGION --identity-store-id STORE_ID".to_owned(),
            },
            |instance| {
                let region = &instance.region;
                CliOptions {
                    instance: format!("--region {region} --instance-arn {}", instance.arn),
                    store: format!("--region {region} --identity-store-id {}", instance.store),
                }
            },
        )
    }
}
