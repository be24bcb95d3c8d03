//! Step 4: a permission set with one AWS managed policy.
//!
//! The policy is attached before the first assignment. A later change to a permission set that is already provisioned
//! needs `ProvisionPermissionSet`.

use std::cell::RefCell;
use std::rc::Rc;

use async_trait::async_trait;

use super::context::WizardContext;
use super::facts;
use crate::answers::values::SessionDuration;
use crate::answers::{Key, Source};
use crate::ids::PermissionSetArn;
use crate::next_step::{NextStep, SetupCommand};
use crate::progress::{Entry, Origin, ResourceKind, Verb};
use crate::reconcile::plan::{Action, Address, Node};
use crate::reconcile::{Change, Importance, Instance, Slot, Snapshot, StepInfo, rerun, step_error};
use crate::resources::item::{ItemField, ItemState};
use crate::resources::permission_set::{self, Described, PermissionSetSpec};
use crate::user_error::UserError;
use crate::wizard::{Choice, Observed, Prompter, Question, Step, StepPlan};

/// This step's entry in the checklist.
pub const INFO: StepInfo = StepInfo {
    number: 4,
    slug: "permission-set",
    title: "Create a permission set",
    importance: Importance::Required,
    why: "It defines what a user or group can do in an account, and how long a session lasts.",
    feeds_others: true,
    permissions: &[permission_set::PERMISSIONS],
};

/// Step 4.
pub struct PermissionSet {
    context: Rc<WizardContext>,
    /// The ARN of the permission set that this run created.
    created: RefCell<Option<PermissionSetArn>>,
    /// The ARN of the permission set at the last check, if it existed.
    existing: RefCell<Option<PermissionSetArn>>,
}

impl PermissionSet {
    /// A step that has not checked the account yet.
    pub fn new(context: Rc<WizardContext>) -> Self {
        Self {
            context,
            created: RefCell::default(),
            existing: RefCell::default(),
        }
    }

    fn name(&self) -> String {
        self.spec().name
    }

    fn spec(&self) -> PermissionSetSpec {
        self.context.permission_set_spec()
    }

    fn address(&self) -> Address {
        Address::new(ResourceKind::PermissionSet, self.name())
    }

    /// The ARN of the permission set that this run created, or else of the one with this name.
    async fn arn(&self, instance: &Instance) -> Result<PermissionSetArn, UserError> {
        if let Some(arn) = self.created.borrow().clone() {
            return Ok(arn);
        }
        let name = self.name();
        let set = permission_set::find(&self.context, instance, &name)
            .await
            .map_err(rerun(&INFO))?;
        set.map(|set| set.arn).ok_or_else(|| {
            UserError::failed(
                format!("Step 4 permission-set: the permission set {name} does not exist."),
                SetupCommand::again(),
            )
        })
    }

    fn judge(&self, set: &Described, entry: &Entry) -> Observed {
        let name = &set.name;
        let wanted_policy = self.spec().policy;
        let wanted = self.context.answer::<SessionDuration>(Key::SessionDuration);
        let other_policy = set.policies != [wanted_policy.clone()];
        let other_duration = wanted
            .as_ref()
            .filter(|wanted| wanted.is_explicit() && Some(wanted.value) != set.duration)
            .map(|wanted| (wanted.value, wanted.source.clone()));
        if permission_set::is_provisioning_pending(&self.context, name.as_str()) {
            return Observed::missing(format!(
                "The permission set {name} has changed since it was last provisioned."
            ));
        }
        let is_incomplete = entry.origin == Origin::Created && self.spec().is_attachment_pending(&self.context);
        if set.policies.is_empty() && is_incomplete {
            return Observed::missing(format!("The permission set {name} exists without its policy."));
        }
        let mut differences = Vec::new();
        if other_policy {
            let existing = if set.policies.is_empty() {
                "no policy".to_owned()
            } else {
                set.policies.join(", ")
            };
            differences.push(format!("{existing} instead of {wanted_policy}"));
        }
        if let Some((wanted, source)) = other_duration {
            differences.push(format!(
                "session duration {} instead of {wanted} ({source})",
                set.duration_text()
            ));
        }
        if differences.is_empty() {
            return Observed::done(format!(
                "The permission set {name} exists; its session duration is {}.",
                set.duration_text()
            ));
        }
        let saved = wanted.is_some_and(|wanted| matches!(wanted.source, Source::Saved(_)));
        let observed = Observed::different(
            format!("The permission set {name} differs: {}.", differences.join("; ")),
            SetupCommand::run().value("--update", INFO.slug).to("change it"),
        )
        .or_next(
            SetupCommand::run()
                .placeholder("--permission-set", "NAME")
                .to("use another name"),
        );
        match set.duration {
            Some(duration) if saved => observed.or_next(
                SetupCommand::run()
                    .value("--session-duration", duration.to_string())
                    .to("keep its session duration"),
            ),
            _ => observed,
        }
    }
}

#[async_trait(?Send)]
impl Step for PermissionSet {
    fn info(&self) -> &'static StepInfo {
        &INFO
    }

    async fn look(&self) -> Result<Observed, UserError> {
        let Ok(instance) = self.context.instance.get().await else {
            return Ok(Observed::waits_for("Waits for step 1: there is no instance yet."));
        };
        self.context
            .answers
            .borrow_mut()
            .forget_existing(&[Key::SessionDuration]);
        let name = self.name();
        let created = self.created.borrow().clone();
        let is_new = created.is_some();
        let found = match created {
            Some(arn) => permission_set::describe(&self.context, &instance, &arn).await,
            None => permission_set::find(&self.context, &instance, &name).await,
        };
        let found = found.map_err(rerun(&INFO))?;
        let Some(mut set) = found else {
            self.existing.replace(None);
            self.context.snapshot.set(self.address(), None);
            return Ok(Observed::missing(format!("There is no permission set {name}.")));
        };
        set.policies = permission_set::policies(&self.context, &instance, &set.arn)
            .await
            .map_err(rerun(&INFO))?;
        let entry = permission_set::settle(&self.context, &instance, &self.spec(), &set)
            .await
            .map_err(|error| error.of_step(&INFO, SetupCommand::again()))?;
        if let Some(duration) = set.duration {
            let mut answers = self.context.answers.borrow_mut();
            answers.set_existing(Key::SessionDuration, duration.to_string());
        }
        let origin = entry.origin;
        let observed = self
            .judge(&set, &entry)
            .with(|evidence| {
                evidence.permission_set_arn = Some(set.arn.clone());
                evidence.policies = Some(set.policies.clone());
                evidence.session_duration = set.duration;
            })
            .of(entry);
        let state = |is_provisioned| ItemState::PermissionSet {
            policies: set.policies.clone(),
            duration: set.duration,
            is_provisioned,
            origin,
        };
        self.existing.replace(Some(set.arn.clone()));
        if observed.is_done() {
            self.context.snapshot.set(self.address(), Some(state(false)));
            permission_set::settle_attachments(&self.context, &self.spec(), &set)?;
            self.context.facts.permission_set.set(facts::PermissionSet {
                arn: set.arn,
                name: set.name,
                is_new,
            });
            return Ok(observed);
        }
        let is_provisioned = permission_set::is_provisioned(&self.context, &instance, &set.arn)
            .await
            .map_err(rerun(&INFO))?;
        self.context.snapshot.set(self.address(), Some(state(is_provisioned)));
        Ok(observed.with(|evidence| evidence.is_provisioned = Some(is_provisioned)))
    }

    fn questions(&self, _observed: &Observed) -> Vec<Question> {
        Vec::new()
    }

    fn has_choices(&self, key: Key) -> bool {
        key == Key::Policy
    }

    /// The AWS managed policies, by path and name.
    async fn choices(&self, _key: Key) -> Result<Vec<Choice>, UserError> {
        let policies = permission_set::aws_policies(&self.context).await;
        let policies =
            policies.map_err(|aws_error| step_error(&INFO, &aws_error, NextStep::note("enter the policy's name")))?;
        Ok(policies.into_iter().map(Choice::of).collect())
    }

    fn covers(&self, address: &Address) -> bool {
        address.kind() == Some(ResourceKind::PermissionSet)
    }

    fn nodes(&self) -> Vec<Node<ItemField>> {
        self.context.planned()
    }

    fn snapshot(&self) -> &Snapshot<ItemState> {
        &self.context.snapshot
    }

    fn present(&self, node: &Node<ItemField>, _observed: &Observed, plan: &mut StepPlan) -> Result<(), UserError> {
        let (context, spec, existing) = (&self.context, self.spec(), self.existing.borrow());
        match (&node.action, existing.as_ref()) {
            (Action::Create, _) => {
                let policy = permission_set::policy_change(context, &spec, Verb::Create, &spec.policy, None);
                plan.changes.extend([permission_set::creation(context, &spec), policy]);
            }
            (Action::Update(fields), Some(arn)) => {
                let changes = fields.iter().filter_map(|field| match field {
                    ItemField::PermissionSet(field) => Some(permission_set::field_change(context, &spec, arn, field)),
                    ItemField::Values => None,
                });
                plan.changes.extend(changes);
            }
            _ => {}
        }
        Ok(())
    }

    async fn apply(&self, change: &Change, prompter: &dyn Prompter) -> Result<(), UserError> {
        let context = &self.context;
        let (instance, spec) = (context.known_instance().await?, self.spec());
        if (change.verb, change.kind) == (Verb::Create, ResourceKind::PermissionSet) {
            if let Some(arn) = permission_set::create(context, &INFO, &instance, &spec, change).await? {
                self.created.replace(Some(arn));
                prompter.say(Some(&INFO), &format!("Created the permission set {}.", change.name));
            }
            return Ok(());
        }
        let arn = self.arn(&instance).await?;
        if change.verb == Verb::Create {
            let is_new = self.created.borrow().is_some();
            permission_set::attach(context, &INFO, &instance, &spec, &arn, change, is_new).await?;
            prompter.say(Some(&INFO), &format!("Attached the policy {}.", spec.policy));
        } else {
            permission_set::update(context, &INFO, &instance, &spec, &arn, change).await?;
            prompter.say(Some(&INFO), &format!("Done: {}", change.sentence));
        }
        Ok(())
    }

    fn provides(&self) -> Vec<&dyn Slot> {
        vec![&self.context.facts.permission_set]
    }
}
