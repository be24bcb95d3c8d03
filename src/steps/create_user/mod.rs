//! Step 2: a user in Identity Center's directory, activated by its person.
//!
//! `CreateUser` gives no password and sends no mail, so either way one console visit is needed: the user is
//! made by API and activated there, or added there by hand, which mails the invitation.

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
use crate::progress::{Attestation, Origin, Resource, ResourceKind, Verb};
use crate::text::{one_line, quoted};

/// This step's line of the checklist.
pub const INFO: StepInfo = StepInfo {
    number: 2,
    slug: "create-user",
    title: "Create a user",
    importance: Importance::Required,
    why: "You sign in as this user from now on, instead of as root or with access keys.",
    feeds_others: true,
    permissions: &[
        Permission::look("identitystore:GetUserId"),
        Permission::look("identitystore:DescribeUser"),
        Permission::change("identitystore:CreateUser"),
    ],
};

/// The topic of a person's word that the user is activated.
pub const ACTIVATION: &str = "activation";

/// The answers that a user in the directory settles.
const USER_KEYS: [Key; 5] = [
    Key::Username,
    Key::Email,
    Key::GivenName,
    Key::FamilyName,
    Key::DisplayName,
];

/// What `DescribeUser` tells of a user.
struct Described {
    id: String,
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
    /// A step that has not looked yet.
    pub fn new(context: Rc<Context>) -> Self {
        Self { context }
    }

    /// Whose a user is: as written down, or as the open intents and the user's own dates decide it.
    fn settle_ownership(&self, user: &Described) -> Result<Resource, UserError> {
        let context = &self.context;
        let wanted = context.text(Key::Username);
        // Found by its address, it may have another name than the one that is wanted.
        let name = if user.name.is_empty() { &wanted } else { &user.name };
        let intents = context.open_intents(ResourceKind::User, name);
        let mut resource = context.resource(ResourceKind::User, name, &user.id);
        if context.is_ours(&intents, user.created_at, user.created_by.as_deref()) {
            resource.origin = Origin::Created;
            resource.text = Some(user.digest.clone());
        }
        context.settle(Verb::Create, ResourceKind::User, name, Some(resource.clone()))?;
        Ok(resource)
    }

    fn judge(&self, user: &Described, resource: Resource) -> Observed {
        let answers = self.context.answers.borrow();
        let (mut words, mut flags) = (Vec::new(), Vec::new());
        for (key, there) in &user.values {
            let there = there.as_deref().unwrap_or_default();
            let Some(wanted) = answers
                .get(*key)
                .filter(|wanted| wanted.source.is_explicit() && wanted.value != there)
            else {
                continue;
            };
            let title = key.title().to_lowercase();
            words.push(format!(
                "{title} \"{}\" and not \"{}\" ({})",
                one_line(there),
                wanted.value,
                wanted.source
            ));
            flags.push(format!("{} {}", key.flag(), quoted(there)));
        }
        let observed = if words.is_empty() {
            Observed::done(format!("The user {} is there.", user.name))
        } else {
            Observed::different(
                format!("The user {} is there, with {}.", user.name, words.join(", ")),
                format!(
                    "a user that is there is never changed: name another with --username, or say what it has: \
                     idc-setup run {}",
                    flags.join(" ")
                ),
            )
        };
        let observed = observed
            .with("user_id", &user.id)
            .with("user_name", &user.name)
            .of(resource);
        self.with_activation(observed, &user.id)
    }

    fn with_activation(&self, mut observed: Observed, id: &str) -> Observed {
        let word = self
            .context
            .progress
            .read(|record| record.attestation(ACTIVATION, id).cloned());
        let state = match &word {
            Some(word) if word.proved => "proved by a sign-in",
            Some(_) => "told",
            None => "not known",
        };
        observed.confirmed = word.is_some_and(|word| !word.proved);
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
            .map_or_else(|| "d-…".to_owned(), |instance| instance.store);
        Change {
            verb: Verb::Create,
            kind: ResourceKind::User,
            sentence: format!(
                "Create the user {name} ({}, {email}) in Identity Center's directory.",
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
            name,
            consent: Consent::Reversible,
        }
    }

    fn wants_console(&self) -> bool {
        self.context
            .answer::<CreateUserWith>(Key::CreateUserWith)
            .is_some_and(|with| with.value == CreateUserWith::Console)
    }
}

/// A request that could not even be built: a member is missing, which the answers' rules prevent.
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
        self.context.answers.borrow_mut().forget_found(&USER_KEYS);
        let name = self.context.text(Key::Username);
        let Some(user) = self.find(&instance).await.map_err(rerun(&INFO))? else {
            if self.context.is_external() {
                return Ok(Observed::blocked(
                    format!("There is no user {name}, and users come from your identity provider."),
                    "assign the user to the AWS application in your identity provider so that it is provisioned, then: \
                     idc-setup run",
                ));
            }
            return Ok(Observed::missing(format!("There is no user {name}.")));
        };
        let resource = self.settle_ownership(&user)?;
        if self.context.confirmed.contains(ACTIVATION) {
            self.context.keep_word(ACTIVATION, &user.id, false)?;
        }
        {
            let mut answers = self.context.answers.borrow_mut();
            for (key, value) in &user.values {
                if let Some(value) = value {
                    answers.found(*key, value);
                }
            }
        }
        let observed = self.judge(&user, resource);
        if observed.is_done() {
            self.context.facts.user.know(User {
                id: user.id,
                name: user.name,
            });
        }
        Ok(observed)
    }

    /// A user is looked for by name and address.
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
        let known = observed
            .evidence
            .get(ACTIVATION)
            .is_some_and(|state| state != "not known");
        match observed.status {
            Status::Missing if self.wants_console() => plan.tasks.push(self.add_by_hand()),
            Status::Missing => {
                plan.changes.push(self.change());
                plan.tasks.push(self.activate(observed));
            }
            Status::Done if !known => plan.tasks.push(self.activate(observed)),
            _ => {}
        }
        Ok(plan)
    }

    async fn apply(&self, change: &Change, prompter: &dyn Prompter) -> Result<(), UserError> {
        let context = &self.context;
        let instance = context.instance().await?;
        let made = context
            .make(
                &INFO,
                (change, &change.name),
                |_| self.create_once(&instance),
                || self.id(&instance),
            )
            .await?;
        if let Some((id, _)) = made {
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

    /// A token means that the user could sign in: it is activated, whoever did it.
    fn reconsider(&self, observed: &Observed) -> Option<Observed> {
        let facts = &self.context.facts;
        let user = facts.user.now()?;
        let is_proved = facts
            .signed_in
            .now()
            .is_some_and(|signed_in| signed_in.user_name == user.name);
        let is_told = || {
            self.context
                .progress
                .read(|record| record.attestation(ACTIVATION, &user.id).is_some())
        };
        (is_proved || is_told()).then(|| self.with_activation(observed.clone(), &user.id))
    }

    fn provides(&self) -> Vec<&dyn Slot> {
        vec![&self.context.facts.user]
    }
}

impl Context {
    /// Writes down what a person said or a sign-in proved. A proof is not replaced by a word.
    pub(super) fn keep_word(&self, topic: &str, about: &str, proved: bool) -> Result<(), UserError> {
        let known = self.progress.read(|record| record.attestation(topic, about).cloned());
        if known.is_some_and(|word| word.proved || word.proved == proved) {
            return Ok(());
        }
        let word = Attestation {
            about: about.to_owned(),
            at: Timestamp::now(),
            proved,
        };
        self.progress.change(|record| {
            record.attestations.insert(topic.to_owned(), word);
        })?;
        Ok(())
    }
}
