//! Step 5: gives the group or the user the permission set in the account.

use std::rc::Rc;

use async_trait::async_trait;
use aws_sdk_ssoadmin::types::StatusValues;

use super::context::WizardContext;
use crate::answers::Key;
use crate::ids::AccountId;
use crate::ids::{AssignmentKey, Principal};
use crate::next_step::{NextStep, SetupCommand};
use crate::progress::{ResourceKind, ResourceName};
use crate::reconcile::plan::{Address, Node};
use crate::reconcile::{Change, Importance, Instance, Slot, Snapshot, StepInfo, rerun, step_error};
use crate::resources::assignment;
use crate::resources::item::{ItemField, ItemState};
use crate::resources::organization;
use crate::user_error::UserError;
use crate::wizard::{Applied, Choice, Observed, Prompter, Step, StepPlan};

/// This step's entry in the checklist.
pub const INFO: StepInfo = StepInfo {
    number: 5,
    slug: "account-assignment",
    short: "Access",
    title: "Assign the account",
    importance: Importance::Required,
    why: "It gives the group or user the permission set in the account.",
    feeds_others: true,
    permissions: &[organization::ACCOUNT_PERMISSIONS, assignment::PERMISSIONS],
};

/// An assignment, with the names that messages contain.
struct Subject {
    instance: Instance,
    key: AssignmentKey,
    set_name: String,
    /// Whether this run created the permission set, so that it has no assignments yet.
    is_set_new: bool,
    principal_name: String,
}

/// Step 5.
pub struct AccountAssignment {
    context: Rc<WizardContext>,
}

impl AccountAssignment {
    /// A step that has not checked the account yet.
    pub fn new(context: Rc<WizardContext>) -> Self {
        Self { context }
    }

    /// The name of the assignment, which is the same in every run: account, permission set and principal.
    fn name(&self) -> ResourceName {
        let principal = if self.context.is_for_group() {
            Key::Group
        } else {
            Key::Username
        };
        ResourceName::Assignment {
            account: self.context.account(),
            permission_set: self.context.text(Key::PermissionSet),
            principal: self.context.text(principal),
        }
    }

    /// Waits until all parts of the assignment are known.
    async fn subject(&self) -> Result<Subject, String> {
        let facts = &self.context.facts;
        let waits = |step: &'static str| move |_| format!("Waits for {step}.");
        let instance = self.context.instance.get().await.map_err(waits("step 1"))?;
        let set = facts.permission_set.get().await.map_err(waits("step 4"))?;
        let (principal, principal_name) = if self.context.is_for_group() {
            let group = facts.group.get().await.map_err(waits("step 3"))?;
            (Principal::Group(group.id), self.context.text(Key::Group))
        } else {
            let user = facts.user.get().await.map_err(waits("step 2"))?;
            (Principal::User(user.id), user.name)
        };
        Ok(Subject {
            instance,
            key: AssignmentKey {
                account: self.context.account(),
                permission_set: set.arn,
                principal,
            },
            set_name: set.name,
            is_set_new: set.is_new,
            principal_name,
        })
    }

    /// A delegated administrator can't assign access to the management account ("Delegated administration").
    fn blocked_by_delegation(&self, owner: &AccountId) -> Option<Observed> {
        let caller = &self.context.caller.account;
        (owner != caller && *owner == self.context.account()).then(|| {
            Observed::blocked(
                format!(
                    "Account {caller} is a delegated administrator and can't assign access to the management account \
                     {owner}."
                ),
                SetupCommand::run()
                    .placeholder("--profile", "NAME")
                    .to(format!("use credentials of account {owner}")),
            )
        })
    }
}

#[async_trait(?Send)]
impl Step for AccountAssignment {
    fn info(&self) -> &'static StepInfo {
        &INFO
    }

    async fn look(&self) -> Result<Observed, UserError> {
        // Before anything is created for the assignment.
        if let Ok(instance) = self.context.instance.get().await
            && let Some(blocked) = self.blocked_by_delegation(&instance.owner)
        {
            return Ok(blocked);
        }
        let subject = match self.subject().await {
            Ok(subject) => subject,
            Err(why) => return Ok(Observed::waits_for(why)),
        };
        let who = &subject.principal_name;
        let what = format!("{} in account {}", subject.set_name, subject.key.account);
        let missing = Observed::missing(format!("{who} does not have {what} yet."));
        let name = self.name();
        let address = Address::new(ResourceKind::AccountAssignment, &name);
        let intents = self.context.open_intents(ResourceKind::AccountAssignment, &name);
        // A permission set that was just created has no assignments, except one that this program created.
        let nothing_yet = subject.is_set_new && intents.is_empty() && self.context.facts.assignment.now().is_none();
        if nothing_yet && !self.is_recorded(&subject) {
            self.context.snapshot.set(address, None);
            return Ok(missing);
        }
        let (context, instance, key) = (&self.context, &subject.instance, &subject.key);
        let mut exists = assignment::exists(context, instance, key).await.map_err(rerun(&INFO))?;
        if !exists && !intents.is_empty() {
            let request = assignment::request_of(context, instance, key, &intents)
                .await
                .map_err(rerun(&INFO))?;
            match request.map(|request| (request.status, request.request_id)) {
                Some((Some(StatusValues::InProgress), id)) => {
                    self.context.snapshot.set(address, None);
                    return Ok(missing.under_way(id.unwrap_or_default()));
                }
                Some((Some(StatusValues::Succeeded), _)) => {
                    exists = assignment::becomes_visible(context, instance, key, &intents)
                        .await
                        .map_err(rerun(&INFO))?;
                }
                _ => {}
            }
        }
        if !exists {
            self.context.snapshot.set(address, None);
            return Ok(missing);
        }
        context.snapshot.set(address, Some(ItemState::Exists));
        let entry = assignment::settle(context, instance, &name, key)
            .await
            .map_err(|error| error.of_step(&INFO, SetupCommand::again()))?;
        context.facts.assignment.set(());
        Ok(Observed::done(format!("{who} has {what}."))
            .with(|evidence| {
                evidence.account = Some(key.account.clone());
                evidence.principal = Some(key.principal.clone());
                evidence.permission_set_arn = Some(key.permission_set.clone());
            })
            .of(entry))
    }

    fn has_choices(&self, key: Key) -> bool {
        key == Key::Account
    }

    /// The organization's accounts, by name and ID.
    async fn choices(&self, _key: Key) -> Result<Vec<Choice>, UserError> {
        let accounts = organization::accounts(&self.context).await;
        let accounts =
            accounts.map_err(|aws_error| step_error(&INFO, &aws_error, NextStep::note("enter the account ID")))?;
        let choice = |account: organization::Account| Choice {
            label: format!("{} ({})", account.name, account.id),
            value: account.id,
            keywords: "",
        };
        Ok(accounts.into_iter().map(choice).collect())
    }

    fn covers(&self, address: &Address) -> bool {
        address.kind() == Some(ResourceKind::AccountAssignment)
    }

    fn nodes(&self) -> Vec<Node<ItemField>> {
        self.context.planned()
    }

    fn snapshot(&self) -> &Snapshot<ItemState> {
        &self.context.snapshot
    }

    fn present(&self, node: &Node<ItemField>, _observed: &Observed, plan: &mut StepPlan) -> Result<(), UserError> {
        if let Address::Resource(_, name) = &node.address {
            let set = self.context.facts.permission_set.now().map(|set| set.arn);
            let is_group = self.context.is_for_group();
            let creation = assignment::creation(&self.context, name.clone(), is_group, set.as_ref());
            plan.changes.push(creation);
        }
        Ok(())
    }

    async fn apply(&self, change: &Change, prompter: &dyn Prompter) -> Result<Applied, UserError> {
        let context = &self.context;
        let subject = self
            .subject()
            .await
            .map_err(|why| UserError::failed(why, SetupCommand::again()))?;
        let (instance, key) = (&subject.instance, &subject.key);
        let waiting = prompter.wait(&INFO, &format!("The assignment in account {}.", key.account));
        assignment::make(context, &INFO, instance, key, change).await?;
        drop(waiting);
        let done = format!("Assigned {} to account {}.", subject.principal_name, key.account);
        prompter.say(Some(&INFO), &done);
        Ok(Applied::Yes)
    }

    fn provides(&self) -> Vec<&dyn Slot> {
        vec![&self.context.facts.assignment]
    }
}

impl AccountAssignment {
    fn is_recorded(&self, subject: &Subject) -> bool {
        let id = subject.key.clone().into();
        self.context
            .progress
            .read(|record| record.origin(ResourceKind::AccountAssignment, &id).is_some())
    }
}
