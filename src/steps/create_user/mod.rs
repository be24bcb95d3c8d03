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

use super::facts::User;
use super::setting::{Setting, rerun};
use crate::answers::Key;
use crate::answers::values::CreateUserWith;
use crate::aws::{Failure, FailureKind};
use crate::checklist::{
    Change, Consent, Finding, Found, Guide, Need, Plan, Question, Right, Slot, Step, StepInfo, Trouble,
};
use crate::progress::{How, Resource, ResourceKind, Verb, Word};
use crate::words::{one_line, quoted};

/// This step's line of the checklist.
pub const INFO: StepInfo = StepInfo {
    number: 2,
    slug: "create-user",
    title: "Create a user",
    need: Need::Required,
    why: "You sign in as this user from now on, instead of as root or with access keys.",
    feeds_others: true,
    rights: &[
        Right::look("identitystore:GetUserId"),
        Right::look("identitystore:DescribeUser"),
        Right::change("identitystore:CreateUser"),
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
    setting: Rc<Setting>,
}

impl CreateUser {
    /// A step that has not looked yet.
    pub fn new(setting: Rc<Setting>) -> Self {
        Self { setting }
    }

    /// Whose a user is: as written down, or as the open intents and the user's own dates decide it.
    fn settle_ownership(&self, user: &Described) -> Result<Resource, Trouble> {
        let setting = &self.setting;
        let wanted = setting.text(Key::Username);
        // Found by its address, it may have another name than the one that is wanted.
        let name = if user.name.is_empty() { &wanted } else { &user.name };
        let intents = setting.open_intents(ResourceKind::User, name);
        let mut resource = setting.resource(ResourceKind::User, name, &user.id);
        if setting.is_ours(&intents, user.created_at, user.created_by.as_deref()) {
            resource.how = How::Made;
            resource.text = Some(user.digest.clone());
        }
        setting.settle(Verb::Create, ResourceKind::User, name, Some(resource.clone()))?;
        Ok(resource)
    }

    fn judge(&self, user: &Described, resource: Resource) -> Finding {
        let answers = self.setting.answers.borrow();
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
        let finding = if words.is_empty() {
            Finding::done(format!("The user {} is there.", user.name))
        } else {
            Finding::different(
                format!("The user {} is there, with {}.", user.name, words.join(", ")),
                format!(
                    "a user that is there is never changed: name another with --username, or say what it has: \
                     idc-setup run {}",
                    flags.join(" ")
                ),
            )
        };
        let finding = finding
            .with("user-id", &user.id)
            .with("user-name", &user.name)
            .of(resource);
        self.with_activation(finding, &user.id)
    }

    fn with_activation(&self, mut finding: Finding, id: &str) -> Finding {
        let word = self
            .setting
            .progress
            .read(|record| record.word(ACTIVATION, id).cloned());
        let state = match &word {
            Some(word) if word.proved => "proved by a sign-in",
            Some(_) => "told",
            None => "not known",
        };
        finding.told = word.is_some_and(|word| !word.proved);
        finding.with(ACTIVATION, state)
    }

    fn change(&self) -> Change {
        let text = |key| {
            Some(self.setting.text(key))
                .filter(|text| !text.is_empty())
                .unwrap_or_else(|| "…".to_owned())
        };
        let (name, email) = (text(Key::Username), text(Key::Email));
        let store = self
            .setting
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
        self.setting
            .answer::<CreateUserWith>(Key::CreateUserWith)
            .is_some_and(|with| with.value == CreateUserWith::Console)
    }
}

/// A request that could not even be built: a member is missing, which the answers' rules prevent.
pub(super) fn unbuilt(operation: &str, error: &dyn std::error::Error) -> Failure {
    Failure {
        operation: operation.to_owned(),
        kind: FailureKind::Invalid,
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

    async fn look(&self) -> Result<Finding, Trouble> {
        let Ok(instance) = self.setting.facts.instance.get().await else {
            return Ok(Finding::waits_for("Waits for step 1: there is no identity store yet."));
        };
        self.setting.answers.borrow_mut().forget_found(&USER_KEYS);
        let name = self.setting.text(Key::Username);
        let Some(user) = self.find(&instance).await.map_err(rerun(&INFO))? else {
            if self.setting.is_external() {
                return Ok(Finding::blocked(
                    format!("There is no user {name}, and users come from your identity provider."),
                    "assign the user to the AWS application in your identity provider so that it is provisioned, then: \
                     idc-setup run",
                ));
            }
            return Ok(Finding::missing(format!("There is no user {name}.")));
        };
        let resource = self.settle_ownership(&user)?;
        if self.setting.told.contains(ACTIVATION) {
            self.setting.keep_word(ACTIVATION, &user.id, false)?;
        }
        {
            let mut answers = self.setting.answers.borrow_mut();
            for (key, value) in &user.values {
                if let Some(value) = value {
                    answers.found(*key, value);
                }
            }
        }
        let finding = self.judge(&user, resource);
        if finding.is_done() {
            self.setting.facts.user.know(User {
                id: user.id,
                name: user.name,
            });
        }
        Ok(finding)
    }

    /// A user is looked for by name and address.
    fn looks_for(&self, key: Key) -> bool {
        matches!(key, Key::Username | Key::Email)
    }

    fn questions(&self, finding: &Finding) -> Vec<Question> {
        if finding.found != Found::Missing || self.setting.is_external() {
            return Vec::new();
        }
        [Key::Email, Key::GivenName, Key::FamilyName]
            .into_iter()
            .filter(|key| !self.setting.has(*key))
            .map(Question::of)
            .collect()
    }

    fn plan(&self, finding: &Finding) -> Result<Plan, Trouble> {
        let mut plan = Plan::default();
        let known = finding
            .evidence
            .get(ACTIVATION)
            .is_some_and(|state| state != "not known");
        match finding.found {
            Found::Missing if self.wants_console() => plan.tasks.push(self.add_by_hand()),
            Found::Missing => {
                plan.changes.push(self.change());
                plan.tasks.push(self.activate(finding));
            }
            Found::Done if !known => plan.tasks.push(self.activate(finding)),
            _ => {}
        }
        Ok(plan)
    }

    async fn apply(&self, change: &Change, guide: &dyn Guide) -> Result<(), Trouble> {
        let setting = &self.setting;
        let instance = setting.instance().await?;
        let made = setting
            .make(
                &INFO,
                (change, &change.name),
                |_| self.create_once(&instance),
                || self.id(&instance),
            )
            .await?;
        if let Some((id, _)) = made {
            let resource = Resource::new(How::Made, change.kind, &change.name, id).with_text(Some(self.digest()));
            setting.settle(change.verb, change.kind, &change.name, Some(resource))?;
            guide.say(Some(&INFO), &format!("Created the user {}.", change.name));
        }
        Ok(())
    }

    fn told(&self, topic: &'static str) -> Result<(), Trouble> {
        if let Some(user) = self.setting.facts.user.now() {
            self.setting.keep_word(topic, &user.id, false)?;
        }
        Ok(())
    }

    /// A token means that the user could sign in: it is activated, whoever did it.
    fn reconsider(&self, finding: &Finding) -> Option<Finding> {
        let facts = &self.setting.facts;
        let user = facts.user.now()?;
        let is_proved = facts
            .signed_in
            .now()
            .is_some_and(|signed_in| signed_in.user_name == user.name);
        let is_told = || {
            self.setting
                .progress
                .read(|record| record.word(ACTIVATION, &user.id).is_some())
        };
        (is_proved || is_told()).then(|| self.with_activation(finding.clone(), &user.id))
    }

    fn provides(&self) -> Vec<&dyn Slot> {
        vec![&self.setting.facts.user]
    }
}

impl Setting {
    /// Writes down what a person said or a sign-in proved. A proof is not replaced by a word.
    pub(super) fn keep_word(&self, topic: &str, about: &str, proved: bool) -> Result<(), Trouble> {
        let known = self.progress.read(|record| record.word(topic, about).cloned());
        if known.is_some_and(|word| word.proved || word.proved == proved) {
            return Ok(());
        }
        let word = Word {
            about: about.to_owned(),
            at: Timestamp::now(),
            proved,
        };
        self.progress.change(|record| {
            record.words.insert(topic.to_owned(), word);
        })?;
        Ok(())
    }
}
