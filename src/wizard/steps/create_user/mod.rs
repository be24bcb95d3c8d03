//! Step 2: a user in the Identity Center directory, activated by a person.
//!
//! `CreateUser` sets no password and sends no email, so one visit to the console is needed either way: the user is
//! created by API and activated in the console, or added in the console, which sends an invitation by email.

mod tasks;

use std::rc::Rc;

use async_trait::async_trait;
use jiff::Timestamp;

use super::context::WizardContext;
use super::facts::User;
use crate::answers::Key;
use crate::next_step::SetupCommand;
use crate::progress::{Attestation, Entry, ResourceKind};
use crate::reconcile::plan::{Action, Address, Node, Task};
use crate::reconcile::{Change, Importance, Slot, Snapshot, StepInfo, rerun};
use crate::resources::item::{ItemField, ItemState};
use crate::resources::user::{self, DescribedUser};
use crate::text::one_line;
use crate::user_error::UserError;
use crate::wizard::{Activation, Applied, Observed, Prompter, Question, Status, Step, StepPlan};

/// This step's line of the checklist.
pub const INFO: StepInfo = StepInfo {
    number: 2,
    slug: "create-user",
    short: "User",
    title: "Create a user",
    importance: Importance::Required,
    why: "From now on, you sign in as this user, not as root or with access keys.",
    feeds_others: true,
    permissions: &[user::PERMISSIONS],
};

/// The topic of the confirmation that the user is activated.
pub const ACTIVATION: &str = "activation";

/// What the details of the task to activate a user say if it is not known whether the user has a password.
pub const NO_PASSWORD_YET: &str = "has no password yet";

/// The answers that an existing user determines.
const USER_KEYS: [Key; 5] = [
    Key::Username,
    Key::Email,
    Key::GivenName,
    Key::FamilyName,
    Key::DisplayName,
];

/// The attributes of an existing user, by the answers that they determine.
fn attributes(user: &DescribedUser) -> [(Key, Option<&str>); 5] {
    [
        (Key::Username, user.name.as_deref()),
        (Key::Email, user.email.as_deref()),
        (Key::GivenName, user.given_name.as_deref()),
        (Key::FamilyName, user.family_name.as_deref()),
        (Key::DisplayName, user.display_name.as_deref()),
    ]
}

/// Step 2.
pub struct CreateUser {
    context: Rc<WizardContext>,
}

impl CreateUser {
    /// Creates the step; nothing has been read yet.
    pub fn new(context: Rc<WizardContext>) -> Self {
        Self { context }
    }

    fn judge(&self, user: &DescribedUser, entry: Entry) -> Observed {
        let answers = self.context.answers.borrow();
        let mut differences = Vec::new();
        let mut accept_existing = SetupCommand::run();
        let name = user.name.as_deref().unwrap_or_default();
        for (key, existing) in attributes(user) {
            let existing = existing.unwrap_or_default();
            let Some(requested) = answers
                .get(key)
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
            Observed::done(format!("The user {name} exists."))
        } else {
            Observed::different(
                format!(
                    "The user {name} exists, with {}; existing users are never changed.",
                    differences.join(", ")
                ),
                SetupCommand::run()
                    .placeholder(Key::Username.flag(), "NAME")
                    .to("use another user"),
            )
            .or_next(accept_existing.to("accept the existing values"))
        };
        let observed = observed
            .with(|evidence| {
                evidence.user_id = Some(user.id.clone());
                evidence.user_name = Some(name.to_owned());
            })
            .of(entry);
        self.with_activation(observed, &user.id)
    }

    /// Records what exists, for the plan. A user that differs is not to be activated.
    fn record(&self, observed: Option<&Observed>) {
        let name = self.context.text(Key::Username);
        let user = observed.map(|observed| match observed.status {
            Status::Different => ItemState::Differs,
            _ => ItemState::Exists,
        });
        let is_activated = observed
            .is_some_and(|observed| !observed.is_done() || observed.evidence.activation != Some(Activation::NotKnown));
        let activation = is_activated.then_some(ItemState::Exists);
        self.context
            .snapshot
            .set(Address::new(ResourceKind::User, name.as_str()), user);
        self.context
            .snapshot
            .set(Address::Task(Task::ActivateUser(name)), activation);
    }

    fn with_activation(&self, mut observed: Observed, id: &str) -> Observed {
        let attestation = self
            .context
            .progress
            .read(|record| record.attestation(ACTIVATION, id).cloned());
        let state = match &attestation {
            Some(attestation) if attestation.proved => Activation::Proved,
            Some(_) => Activation::Confirmed,
            None => Activation::NotKnown,
        };
        observed.confirmed = attestation.is_some_and(|attestation| !attestation.proved);
        observed.with(|evidence| evidence.activation = Some(state))
    }
}

#[async_trait(?Send)]
impl Step for CreateUser {
    fn info(&self) -> &'static StepInfo {
        &INFO
    }

    async fn look(&self) -> Result<Observed, UserError> {
        let Ok(instance) = self.context.instance.get().await else {
            return Ok(Observed::waits_for("Waits for step 1: there is no identity store yet."));
        };
        // What was found before does not count. It stays until the result is known, because other steps read it meanwhile.
        let mut wanted = self.context.answers.borrow().clone();
        wanted.forget_existing(&USER_KEYS);
        let (name, email) = (wanted.text(Key::Username), wanted.text(Key::Email));
        let found = user::find(&self.context, &instance, &name, &email).await;
        let found = found.map_err(rerun(&INFO))?;
        self.context.answers.borrow_mut().forget_existing(&USER_KEYS);
        let Some(user) = found else {
            self.record(None);
            if self.context.is_external() {
                return Ok(Observed::blocked(
                    format!("The user {name} does not exist, and users come from your identity provider."),
                    SetupCommand::run().after(
                        "assign the user to the AWS application in your identity provider, which then provisions the user",
                    ),
                ));
            }
            return Ok(Observed::missing(format!("The user {name} does not exist.")));
        };
        let user_name = user.name.clone().filter(|name| !name.is_empty()).unwrap_or(name);
        let entry = user::settle(&self.context, &user, &user_name)?;
        if self.context.confirmed.contains(ACTIVATION) {
            self.context.keep_word(ACTIVATION, &user.id, false)?;
        }
        {
            let mut answers = self.context.answers.borrow_mut();
            for (key, value) in attributes(&user) {
                if let Some(value) = value {
                    answers.set_existing(key, value);
                }
            }
        }
        let observed = self.judge(&user, entry);
        self.record(Some(&observed));
        if observed.is_done() {
            self.context.facts.user.set(User {
                id: user.id,
                name: user.name.unwrap_or_default(),
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
            .map(|key| match key {
                Key::Email => Question {
                    prompt: "Email of the user".to_owned(),
                    ..Question::of(key)
                },
                key => Question::of(key),
            })
            .collect()
    }

    fn covers(&self, address: &Address) -> bool {
        match address {
            Address::Resource(kind, _) => *kind == ResourceKind::User,
            Address::Task(task) => matches!(task, Task::ActivateUser(_)),
        }
    }

    fn nodes(&self) -> Vec<Node<ItemField>> {
        self.context.planned()
    }

    fn snapshot(&self) -> &Snapshot<ItemState> {
        &self.context.snapshot
    }

    fn present(&self, node: &Node<ItemField>, observed: &Observed, plan: &mut StepPlan) -> Result<(), UserError> {
        match (&node.address, &node.action) {
            (Address::Task(_), _) => plan.tasks.push(self.activate(observed)),
            (_, Action::Perform) => plan.tasks.push(self.add_in_console()),
            _ => plan
                .changes
                .push(user::creation(&self.context, &self.context.user_spec())),
        }
        Ok(())
    }

    async fn apply(&self, change: &Change, prompter: &dyn Prompter) -> Result<Applied, UserError> {
        let context = &self.context;
        let instance = context.known_instance().await?;
        let created = user::make(context, &INFO, &instance, &context.user_spec(), change).await?;
        if created.is_some() {
            prompter.say(Some(&INFO), &format!("Created the user {}.", change.name));
        }
        Ok(Applied::Yes)
    }

    fn confirmed(&self, topic: &'static str) -> Result<(), UserError> {
        if let Some(user) = self.context.facts.user.now() {
            self.context.keep_word(topic, &user.id, false)?;
        }
        Ok(())
    }

    /// A token means that the user was able to sign in, so the user is activated.
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
        (is_proved || is_confirmed()).then(|| {
            let activation = Address::Task(Task::ActivateUser(self.context.text(Key::Username)));
            self.context.snapshot.set(activation, Some(ItemState::Exists));
            self.with_activation(observed.clone(), &user.id)
        })
    }

    fn provides(&self) -> Vec<&dyn Slot> {
        vec![&self.context.facts.user]
    }
}

impl WizardContext {
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
