//! Step 2: a user in the Identity Center directory, activated by a person.
//!
//! `CreateUser` sets no password and sends no email, so one visit to the console is needed either way: the user is
//! created by API and activated in the console, or added in the console, which sends an invitation by email.

mod reads;
mod tasks;

pub use reads::digest_of;

use std::rc::Rc;

use async_trait::async_trait;
use jiff::Timestamp;

use super::context::{Context, rerun};
use super::facts::User;
use crate::answers::Key;
use crate::answers::values::CreateUserWith;
use crate::aws::{AwsError, AwsErrorKind};
use crate::checklist::{
    Change, Consent, Importance, Observed, Permission, Plan, Prompter, Question, Slot, Status, Step, StepInfo,
    UserError,
};
use crate::ids::UserId;
use crate::next_step::SetupCommand;
use crate::progress::{Attestation, Origin, Resource, ResourceKind, Verb};
use crate::text::{one_line, quoted};

/// This step's line of the checklist.
pub const INFO: StepInfo = StepInfo {
    number: 2,
    slug: "create-user",
    title: "Create a user",
    importance: Importance::Required,
    why: "From now on, you sign in as this user, not as root or with access keys.",
    feeds_others: true,
    permissions: &[
        Permission::look("identitystore:GetUserId"),
        Permission::look("identitystore:DescribeUser"),
        Permission::change("identitystore:CreateUser"),
    ],
};

/// The topic of the confirmation that the user is activated.
pub const ACTIVATION: &str = "activation";

/// The activation state that nobody has confirmed and no sign-in has proved.
const NOT_KNOWN: &str = "not known";

/// The answers that an existing user determines.
const USER_KEYS: [Key; 5] = [
    Key::Username,
    Key::Email,
    Key::GivenName,
    Key::FamilyName,
    Key::DisplayName,
];

/// A user as `DescribeUser` returns it.
struct DescribedUser {
    id: UserId,
    name: String,
    values: Vec<(Key, Option<String>)>,
    created_at: Option<Timestamp>,
    created_by: Option<String>,
    digest: String,
}

/// Step 2.
pub struct CreateUser {
    context: Rc<Context>,
}

impl CreateUser {
    /// Creates the step; nothing has been read yet.
    pub fn new(context: Rc<Context>) -> Self {
        Self { context }
    }

    /// Determines and records the user's origin: as recorded before, or from the open intents and its creation date.
    fn settle_origin(&self, user: &DescribedUser) -> Result<Resource, UserError> {
        let context = &self.context;
        let requested = context.text(Key::Username);
        // A user that was found by its email address may have another name than the requested one.
        let name = if user.name.is_empty() { &requested } else { &user.name };
        let intents = context.open_intents(ResourceKind::User, name);
        let mut resource = context.resource(ResourceKind::User, name, &user.id);
        if context.is_ours(&intents, user.created_at, user.created_by.as_deref()) {
            resource.origin = Origin::Created;
            resource.text = Some(user.digest.clone());
        }
        context.settle(Verb::Create, ResourceKind::User, name, Some(resource.clone()))?;
        Ok(resource)
    }

    fn judge(&self, user: &DescribedUser, resource: Resource) -> Observed {
        let answers = self.context.answers.borrow();
        let mut differences = Vec::new();
        let mut accept_existing = SetupCommand::run();
        for (key, existing) in &user.values {
            let existing = existing.as_deref().unwrap_or_default();
            let Some(requested) = answers
                .get(*key)
                .filter(|requested| requested.source.is_explicit() && requested.value != existing)
            else {
                continue;
            };
            let title = key.title().to_lowercase();
            differences.push(format!(
                "{title} \"{}\" instead of \"{}\" ({})",
                one_line(existing),
                requested.value,
                requested.source
            ));
            accept_existing = accept_existing.value(key.flag(), existing);
        }
        let observed = if differences.is_empty() {
            Observed::done(format!("The user {} exists.", user.name))
        } else {
            Observed::different(
                format!(
                    "The user {} exists, with {}; existing users are never changed.",
                    user.name,
                    differences.join(", ")
                ),
                SetupCommand::run()
                    .placeholder(Key::Username.flag(), "NAME")
                    .to("use another user"),
            )
            .or_next(accept_existing.to("accept the existing values"))
        };
        let observed = observed
            .with("user_id", &user.id)
            .with("user_name", &user.name)
            .of(resource);
        self.with_activation(observed, &user.id)
    }

    fn with_activation(&self, mut observed: Observed, id: &str) -> Observed {
        let attestation = self
            .context
            .progress
            .read(|record| record.attestation(ACTIVATION, id).cloned());
        let state = match &attestation {
            Some(attestation) if attestation.proved => "proved by a sign-in",
            Some(_) => "confirmed",
            None => NOT_KNOWN,
        };
        observed.confirmed = attestation.is_some_and(|attestation| !attestation.proved);
        observed.with(ACTIVATION, state)
    }

    fn change(&self) -> Change {
        let text = |key| {
            Some(self.context.text(key))
                .filter(|text| !text.is_empty())
                .unwrap_or_else(|| "…".to_owned())
        };
        let (name, email) = (text(Key::Username), text(Key::Email));
        let store = self
            .context
            .facts
            .instance
            .now()
            .map_or_else(|| "d-…".to_owned(), |instance| instance.store.into());
        Change {
            verb: Verb::Create,
            kind: ResourceKind::User,
            sentence: format!(
                "Create the user {name} ({}, {email}) in the Identity Center directory.",
                text(Key::DisplayName)
            ),
            command: format!(
                "aws identitystore create-user --identity-store-id {store} --user-name {} --display-name {} --name {} \
                 --emails {}",
                quoted(&name),
                quoted(&text(Key::DisplayName)),
                quoted(&format!(
                    "GivenName={},FamilyName={}",
                    text(Key::GivenName),
                    text(Key::FamilyName)
                )),
                quoted(&format!("Value={email},Type=work,Primary=true"))
            ),
            name: name.into(),
            consent: Consent::Reversible,
        }
    }

    fn uses_console(&self) -> bool {
        self.context
            .answer::<CreateUserWith>(Key::CreateUserWith)
            .is_some_and(|with| with.value == CreateUserWith::Console)
    }
}

/// The error for a request that could not be built because a field is missing. The rules for answers prevent this.
pub(super) fn unbuilt(operation: &str, error: &dyn std::error::Error) -> AwsError {
    AwsError {
        operation: operation.to_owned(),
        kind: AwsErrorKind::Invalid,
        code: None,
        message: error.to_string(),
        retry_after: None,
    }
}

#[async_trait(?Send)]
impl Step for CreateUser {
    fn info(&self) -> &'static StepInfo {
        &INFO
    }

    async fn look(&self) -> Result<Observed, UserError> {
        let Ok(instance) = self.context.facts.instance.get().await else {
            return Ok(Observed::waits_for("Waits for step 1: there is no identity store yet."));
        };
        self.context.answers.borrow_mut().forget_existing(&USER_KEYS);
        let name = self.context.text(Key::Username);
        let Some(user) = self.find(&instance).await.map_err(rerun(&INFO))? else {
            if self.context.is_external() {
                return Ok(Observed::blocked(
                    format!("The user {name} does not exist, and users come from your identity provider."),
                    SetupCommand::run().after(
                        "assign the user to the AWS application in your identity provider so that it is provisioned",
                    ),
                ));
            }
            return Ok(Observed::missing(format!("The user {name} does not exist.")));
        };
        let resource = self.settle_origin(&user)?;
        if self.context.confirmed.contains(ACTIVATION) {
            self.context.keep_word(ACTIVATION, &user.id, false)?;
        }
        {
            let mut answers = self.context.answers.borrow_mut();
            for (key, value) in &user.values {
                if let Some(value) = value {
                    answers.set_existing(*key, value);
                }
            }
        }
        let observed = self.judge(&user, resource);
        if observed.is_done() {
            self.context.facts.user.set(User {
                id: user.id,
                name: user.name,
            });
        }
        Ok(observed)
    }

    /// A user is found by name and email address.
    fn looks_for(&self, key: Key) -> bool {
        matches!(key, Key::Username | Key::Email)
    }

    fn questions(&self, observed: &Observed) -> Vec<Question> {
        if observed.status != Status::Missing || self.context.is_external() {
            return Vec::new();
        }
        [Key::Email, Key::GivenName, Key::FamilyName]
            .into_iter()
            .filter(|key| !self.context.has(*key))
            .map(Question::of)
            .collect()
    }

    fn plan(&self, observed: &Observed) -> Result<Plan, UserError> {
        let mut plan = Plan::default();
        let is_activated = observed
            .evidence
            .get(ACTIVATION)
            .is_some_and(|state| state != NOT_KNOWN);
        match observed.status {
            Status::Missing if self.uses_console() => plan.tasks.push(self.add_in_console()),
            Status::Missing => {
                plan.changes.push(self.change());
                plan.tasks.push(self.activate(observed));
            }
            Status::Done if !is_activated => plan.tasks.push(self.activate(observed)),
            _ => {}
        }
        Ok(plan)
    }

    async fn apply(&self, change: &Change, prompter: &dyn Prompter) -> Result<(), UserError> {
        let context = &self.context;
        let instance = context.instance().await?;
        let created = context
            .make(&INFO, change, |_| self.create_once(&instance), || self.id(&instance))
            .await?;
        if let Some((id, _)) = created {
            let resource = Resource::new(Origin::Created, change.kind, &change.name, id).with_text(Some(self.digest()));
            context.settle(change.verb, change.kind, &change.name, Some(resource))?;
            prompter.say(Some(&INFO), &format!("Created the user {}.", change.name));
        }
        Ok(())
    }

    fn confirmed(&self, topic: &'static str) -> Result<(), UserError> {
        if let Some(user) = self.context.facts.user.now() {
            self.context.keep_word(topic, &user.id, false)?;
        }
        Ok(())
    }

    /// A token means that the user was able to sign in, so it is activated.
    fn reconsider(&self, observed: &Observed) -> Option<Observed> {
        let facts = &self.context.facts;
        let user = facts.user.now()?;
        let is_proved = facts
            .signed_in
            .now()
            .is_some_and(|signed_in| signed_in.user_name == user.name);
        let is_confirmed = || {
            self.context
                .progress
                .read(|record| record.attestation(ACTIVATION, &user.id).is_some())
        };
        (is_proved || is_confirmed()).then(|| self.with_activation(observed.clone(), &user.id))
    }

    fn provides(&self) -> Vec<&dyn Slot> {
        vec![&self.context.facts.user]
    }
}

impl Context {
    /// Records what a person confirmed or a sign-in proved. A confirmation does not replace a proof.
    pub(super) fn keep_word(&self, topic: &str, about: &str, proved: bool) -> Result<(), UserError> {
        let known = self.progress.read(|record| record.attestation(topic, about).cloned());
        if known.is_some_and(|known| known.proved || known.proved == proved) {
            return Ok(());
        }
        let attestation = Attestation {
            about: about.to_owned(),
            at: Timestamp::now(),
            proved,
        };
        self.progress.change(|record| {
            record.attestations.insert(topic.to_owned(), attestation);
        })?;
        Ok(())
    }
}
