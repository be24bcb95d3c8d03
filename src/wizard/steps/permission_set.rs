//! Step 4: a permission set with one AWS managed policy, which is attached before the first assignment.

use std::cell::RefCell;
use std::rc::Rc;

use async_trait::async_trait;

use super::context::WizardContext;
use super::facts;
use crate::answers::values::SessionDuration;
use crate::answers::{Key, Source};
use crate::aws::AwsError;
use crate::ids::PermissionSetArn;
use crate::next_step::{NextStep, SetupCommand};
use crate::progress::{Origin, ResourceKind, Setting, Settings, Verb};
use crate::reconcile::plan::{Action, Address, Node};
use crate::reconcile::{
    Change, FieldChange, Importance, Instance, SettingChange, Slot, Snapshot, StepInfo, rerun, step_error,
};
use crate::resources::item::{ItemField, ItemState};
use crate::resources::permission_set::{self, Described, PermissionSetSpec, SetState, Settled};
use crate::user_error::UserError;
use crate::wizard::{Applied, Choice, Observed, Prompter, Status, Step, StepPlan};

/// This step's entry in the checklist.
pub const INFO: StepInfo = StepInfo {
    number: 4,
    slug: "permission-set",
    short: "Permission set",
    title: "Create a permission set",
    importance: Importance::Required,
    why: "It defines what a user or group can do in an account, and how long a session lasts.",
    feeds_others: true,
    permissions: &[permission_set::PERMISSIONS],
};

/// What the policies allow that most people choose from ("AWS managed policies for job functions").
const COMMON: [(&str, &str); 9] = [
    ("AdministratorAccess", "full access to all services"),
    ("PowerUserAccess", "everything except IAM and organizations"),
    ("ReadOnlyAccess", "read everything, change nothing"),
    ("job-function/ViewOnlyAccess", "see resources, but not their content"),
    ("job-function/SupportUser", "troubleshoot and open support cases"),
    ("job-function/Billing", "bills, budgets and payment methods"),
    ("job-function/DatabaseAdministrator", "set up and run databases"),
    ("job-function/NetworkAdministrator", "set up and run networks"),
    ("SecurityAudit", "read the security settings of everything"),
];

/// Step 4.
pub struct PermissionSet {
    context: Rc<WizardContext>,
    /// The ARN of the permission set that this run created.
    created: RefCell<Option<PermissionSetArn>>,
    /// The settings of that permission set that were applied so far.
    applied: RefCell<Settings>,
    /// The ARN of the permission set at the last check, if it existed.
    existing: RefCell<Option<PermissionSetArn>>,
}

impl PermissionSet {
    /// A step that has not checked the account yet.
    pub fn new(context: Rc<WizardContext>) -> Self {
        Self {
            context,
            created: RefCell::default(),
            applied: RefCell::default(),
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
                format!("{}: the permission set {name} does not exist.", INFO.name()),
                SetupCommand::again(),
            )
        })
    }

    /// Reads the permission set that this run created, or else the one with this name.
    async fn read(
        &self,
        instance: &Instance,
        created: Option<&PermissionSetArn>,
    ) -> Result<Option<Described>, AwsError> {
        let (context, parts) = (&self.context, self.spec().parts());
        if let Some(arn) = created {
            return permission_set::describe_with_parts(context, instance, arn, parts).await;
        }
        let Some(mut set) = permission_set::find(context, instance, &self.name()).await? else {
            return Ok(None);
        };
        permission_set::read_parts(context, instance, &mut set, parts).await?;
        Ok(Some(set))
    }

    /// Once every setting of a new permission set was applied, the assignment need not wait for the read that verifies it.
    fn provide_new(&self, change: &Change) {
        let Some(arn) = self.created.borrow().clone() else {
            return;
        };
        let spec = self.spec();
        let mut applied = self.applied.borrow_mut();
        let changes = change.field.as_ref().map_or(&[][..], FieldChange::settings);
        applied.extend(
            changes
                .iter()
                .map(|change| (change.setting.clone(), change.after.clone())),
        );
        if spec.differences(&applied).is_empty() {
            let state = ItemState::PermissionSet(SetState::new(&arn, &applied, Origin::Created));
            self.context.facts.permission_set.set(facts::PermissionSet {
                arn,
                name: spec.name,
                is_new: true,
            });
            self.context.snapshot.set(self.address(), Some(state));
        }
    }

    /// What happens to the permission set, according to the plan.
    fn action(&self) -> Action<ItemField> {
        let nodes = self.context.planned().into_iter();
        let mut own = nodes.filter(|node| node.address == self.address());
        own.next().map_or(Action::Keep, |node| node.action)
    }

    fn judge(&self, set: &Described) -> Observed {
        let name = &set.name;
        let differences = match self.action() {
            Action::Keep => {
                return Observed::done(format!(
                    "The permission set {name} exists; its session duration is {}.",
                    set.duration_text()
                ));
            }
            Action::Update(fields) if !self.context.is_update_wanted(&INFO) => {
                return Observed::missing(Self::interrupted(set, &fields));
            }
            Action::Update(fields) | Action::Differs(fields) => fields,
            Action::Create | Action::Perform => Vec::new(),
        };
        let wanted = self.context.answer::<SessionDuration>(Key::SessionDuration);
        let mut texts = Vec::new();
        let changes = differences.iter().flat_map(changes_of);
        let settings: Vec<&Setting> = changes.map(|change| &change.setting).collect();
        if settings.iter().any(|setting| matches!(setting, Setting::Policy(_))) {
            let existing = set.policies();
            let existing = if existing.is_empty() {
                "no policy".to_owned()
            } else {
                existing.join(", ")
            };
            let policies: Vec<String> = self.spec().managed_policies.into_iter().flatten().collect();
            texts.push(format!("{existing} instead of {}", policies.join(", ")));
        }
        let sets_duration = settings.contains(&&Setting::SessionDuration);
        if let Some(wanted) = wanted.as_ref().filter(|_| sets_duration) {
            texts.push(format!(
                "session duration {} instead of {} ({})",
                set.duration_text(),
                wanted.value,
                wanted.source
            ));
        }
        if texts.is_empty() {
            texts.push("it has changed since it was last provisioned".to_owned());
        }
        let observed = Observed::different(
            format!("The permission set {name} differs: {}.", texts.join("; ")),
            self.update_command().to("change it"),
        )
        .or_next(
            self.given_command()
                .placeholder("--permission-set", "NAME")
                .without("--update")
                .to("use another name"),
        );
        let is_saved = wanted.is_some_and(|wanted| matches!(wanted.source, Source::Saved(_)));
        match set.duration() {
            Some(duration) if is_saved => observed.or_next(
                SetupCommand::run()
                    .value("--session-duration", duration.to_string())
                    .to("keep its session duration"),
            ),
            _ => observed,
        }
    }

    /// The command that changes the permission set to the answers, which are not saved until then.
    fn update_command(&self) -> SetupCommand {
        self.given_command().value("--update", INFO.slug)
    }

    /// The command with the answers of this step that are not saved.
    fn given_command(&self) -> SetupCommand {
        let answers = self.context.answers.borrow();
        let given = self.updatable().iter().filter_map(|key| {
            let answer = answers.explicit(*key)?;
            let is_saved = matches!(answer.source, Source::Saved(_));
            (!is_saved).then(|| (key.flag(), answer.value.clone()))
        });
        given.fold(SetupCommand::run(), |command, (flag, value)| command.value(flag, value))
    }

    /// What an interrupted run left incomplete.
    fn interrupted(set: &Described, fields: &[ItemField]) -> String {
        let name = &set.name;
        let settings: Vec<String> = fields
            .iter()
            .flat_map(changes_of)
            .map(|change| change.setting.to_string())
            .collect();
        if settings.is_empty() {
            format!("The permission set {name} has changed since it was last provisioned.")
        } else if set.policies().is_empty() {
            format!("The permission set {name} exists without its policy.")
        } else {
            format!(
                "The permission set {name} is incomplete: an earlier run was changing its {}.",
                settings.join(", ")
            )
        }
    }
}

/// The changes of settings in a field.
fn changes_of(field: &ItemField) -> &[SettingChange] {
    field.of_permission_set().map_or(&[], FieldChange::settings)
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
        let found = self.read(&instance, created.as_ref()).await.map_err(rerun(&INFO))?;
        let Some(set) = found else {
            self.existing.replace(None);
            self.context.snapshot.set(self.address(), None);
            return Ok(Observed::missing(format!("There is no permission set {name}.")));
        };
        let entry = permission_set::settle_origin(&self.context, &instance, &set)
            .await
            .map_err(|error| error.of_step(&INFO, SetupCommand::again()))?;
        if let Some(duration) = set.duration() {
            let mut answers = self.context.answers.borrow_mut();
            answers.set_existing(Key::SessionDuration, duration.to_string());
        }
        self.existing.replace(Some(set.arn.clone()));
        let spec = self.spec();
        let state = if is_new {
            // No account can have it yet.
            SetState::new(&set.arn, &set.settings, entry.origin)
        } else {
            let state = permission_set::state(&self.context, &instance, &spec, &set, entry.origin);
            state.await.map_err(rerun(&INFO))?
        };
        let is_provisioned = state.is_provisioned;
        let settled = Settled {
            is_as_specified: spec.differences(&set.settings).is_empty(),
            is_outdated: state.is_outdated,
        };
        permission_set::settle_changes(&self.context, &set, settled)?;
        let state = ItemState::PermissionSet(state);
        self.context.snapshot.set(self.address(), Some(state));
        let observed = self
            .judge(&set)
            .with(|evidence| {
                evidence.permission_set_arn = Some(set.arn.clone());
                evidence.policies = Some(set.policies());
                evidence.session_duration = set.duration();
            })
            .of(entry);
        // What differs exists, so that the other steps can say what they are.
        if !observed.is_done() && observed.status != Status::Different {
            return Ok(observed.with(|evidence| evidence.is_provisioned = Some(is_provisioned)));
        }
        self.context.facts.permission_set.set(facts::PermissionSet {
            arn: set.arn,
            name: set.name,
            is_new,
        });
        if observed.is_done() {
            return Ok(observed);
        }
        Ok(observed.with(|evidence| evidence.is_provisioned = Some(is_provisioned)))
    }

    fn updatable(&self) -> &'static [Key] {
        &[Key::SessionDuration, Key::Policy]
    }

    fn want_update(&self) {
        self.context.updates.borrow_mut().insert(INFO.slug.to_owned());
    }

    fn has_choices(&self, key: Key) -> bool {
        key == Key::Policy
    }

    /// The AWS managed policies, by path and name.
    async fn choices(&self, _key: Key) -> Result<Vec<Choice>, UserError> {
        let policies = permission_set::aws_policies(&self.context).await;
        let policies =
            policies.map_err(|aws_error| step_error(&INFO, &aws_error, NextStep::note("enter the policy's name")))?;
        let (common, others): (Vec<String>, Vec<String>) = policies
            .into_iter()
            .partition(|policy| COMMON.iter().any(|(name, _)| name == policy));
        let described = COMMON
            .into_iter()
            .filter(|(name, _)| common.iter().any(|policy| policy == name))
            .map(|(name, what)| Choice {
                label: format!("{name:34} {what}"),
                value: name.to_owned(),
                keywords: "",
            });
        Ok(described.chain(others.into_iter().map(Choice::of)).collect())
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
        let fields: Vec<FieldChange> = match &node.action {
            Action::Create => {
                plan.changes.push(permission_set::creation(context, &spec));
                spec.after_creation()
            }
            Action::Update(fields) => fields
                .iter()
                .filter_map(ItemField::of_permission_set)
                .cloned()
                .collect(),
            _ => Vec::new(),
        };
        let arn = existing.as_ref().filter(|_| node.action != Action::Create);
        let changes = fields
            .iter()
            .map(|field| permission_set::field_change(context, &spec.name, arn, field));
        plan.changes.extend(changes);
        Ok(())
    }

    async fn apply(&self, change: &Change, prompter: &dyn Prompter) -> Result<Applied, UserError> {
        let context = &self.context;
        let (instance, spec) = (context.known_instance().await?, self.spec());
        if (change.verb, change.kind) == (Verb::Create, ResourceKind::PermissionSet) {
            let Some(arn) = permission_set::create(context, &INFO, &instance, &spec, change).await? else {
                return Ok(Applied::LookAgain);
            };
            self.created.replace(Some(arn));
            self.applied.replace(spec.at_creation());
            prompter.say(Some(&INFO), &format!("Created the permission set {}.", change.name));
            return Ok(Applied::Yes);
        }
        let arn = self.arn(&instance).await?;
        permission_set::update(context, &INFO, &instance, &arn, change).await?;
        self.provide_new(change);
        let changes = change.field.as_ref().map_or(&[][..], FieldChange::settings);
        let done = match changes {
            [one] if matches!(one.setting, Setting::Policy(_)) && one.before.is_none() => {
                format!("Attached the {}.", one.setting)
            }
            _ => format!("Done: {}", change.sentence),
        };
        prompter.say(Some(&INFO), &done);
        Ok(Applied::Yes)
    }

    fn provides(&self) -> Vec<&dyn Slot> {
        vec![&self.context.facts.permission_set]
    }
}
