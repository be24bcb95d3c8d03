//! Step 4: a permission set with one AWS managed policy.
//!
//! The policy is attached before the first assignment. A later change to a permission set that is already provisioned
//! needs `ProvisionPermissionSet`.

mod apply;
mod calls;
mod changes;
mod reads;
mod restore;

use std::cell::RefCell;
use std::rc::Rc;

use async_trait::async_trait;

use super::context::{Context, rerun, step_error};
use super::facts::{self, Instance};
use crate::answers::values::{PermissionSetName, Policy, SessionDuration};
use crate::answers::{Key, Source};
use crate::aws::AwsError;
use crate::checklist::{
    Change, Choice, Importance, Observed, Permission, Plan, Prompter, Question, Slot, Status, Step, StepInfo, UserError,
};
use crate::ids::{AttachmentKey, PermissionSetArn};
use crate::next_step::{NextStep, SetupCommand};
use crate::progress::{Intent, Origin, Resource, ResourceId, ResourceKind, ResourceName, Verb};
use reads::Described;

pub use reads::{has_other_tags, policies};

pub use restore::{current_settings, is_provisioning_pending, restore, restore_commands};

/// This step's entry in the checklist.
pub const INFO: StepInfo = StepInfo {
    number: 4,
    slug: "permission-set",
    title: "Create a permission set",
    importance: Importance::Required,
    why: "It defines what a user or group can do in an account, and how long a session lasts.",
    feeds_others: true,
    permissions: &[
        Permission::look("iam:ListPolicies"),
        Permission::look("sso:ListPermissionSets"),
        Permission::look("sso:DescribePermissionSet"),
        Permission::look("sso:ListManagedPoliciesInPermissionSet"),
        Permission::look("sso:ListTagsForResource"),
        Permission::look("sso:ListAccountsForProvisionedPermissionSet"),
        Permission::change("sso:CreatePermissionSet"),
        Permission::change("sso:TagResource"),
        Permission::change("sso:AttachManagedPolicyToPermissionSet"),
        Permission::change("sso:DetachManagedPolicyFromPermissionSet"),
        Permission::change("sso:UpdatePermissionSet"),
        Permission::change("sso:ProvisionPermissionSet"),
        Permission::change("sso:DescribePermissionSetProvisioningStatus"),
    ],
};

/// The tag that identifies a permission set as created by this program until its creation is recorded.
pub const INTENT_TAG: &str = "idc-setup:intent";

/// The description of the permission sets that this program creates. Undo compares it, so it must not change.
pub const DESCRIPTION: &str = "Made by idc-setup";

const ARN: &str = "permission_set_arn";
const POLICIES: &str = "policies";
const DURATION: &str = "session_duration";
const PROVISIONED: &str = "provisioned";

/// Step 4.
pub struct PermissionSet {
    context: Rc<Context>,
    /// The ARN of the permission set that this run created.
    created: RefCell<Option<PermissionSetArn>>,
    /// The ARNs of the policies that were attached at the last check.
    attached: RefCell<Vec<String>>,
}

impl PermissionSet {
    /// A step that has not checked the account yet.
    pub fn new(context: Rc<Context>) -> Self {
        Self {
            context,
            created: RefCell::default(),
            attached: RefCell::default(),
        }
    }

    fn name(&self) -> String {
        self.context
            .answer::<PermissionSetName>(Key::PermissionSet)
            .map(|name| name.value.to_string())
            .unwrap_or_default()
    }

    fn policy_arn(&self) -> String {
        let policy = self.context.answer::<Policy>(Key::Policy);
        policy.map_or_else(String::new, |policy| policy.value.arn(self.context.partition().id()))
    }

    /// What a policy on this permission set is called in progress.
    fn attachment_name(&self, policy: &str) -> ResourceName {
        ResourceName::Attachment {
            permission_set: self.name(),
            policy: policy.to_owned(),
        }
    }

    /// Recognizes this permission set's attachments, of any policy: the next run can replace a policy that turned out not
    /// to exist.
    fn is_own_attachment(&self) -> impl Fn(&ResourceName) -> bool + use<> {
        let own = self.name();
        move |name| matches!(name, ResourceName::Attachment { permission_set, .. } if *permission_set == own)
    }

    /// Whether this program created the permission set and has not attached its policy yet.
    fn is_attachment_pending(&self) -> bool {
        self.context
            .progress
            .read(|record| record.is_any_open(ResourceKind::PolicyAttachment, self.is_own_attachment()))
    }

    /// Records, before an existing permission set changes, that it must be provisioned afterwards if any account has it.
    /// Returns the intent if it is new.
    async fn intend_provisioning(
        &self,
        instance: &Instance,
        arn: &PermissionSetArn,
    ) -> Result<Option<Intent>, UserError> {
        let name = self.name();
        if self.created.borrow().is_some() || is_provisioning_pending(&self.context, &name) {
            return Ok(None);
        }
        let provisioned = reads::is_provisioned(&self.context, instance, arn)
            .await
            .map_err(rerun(&INFO))?;
        if !provisioned {
            return Ok(None);
        }
        let provisioning = (Verb::Update, ResourceKind::Provisioning, name.as_str());
        self.context.intend(&INFO, provisioning, None).map(Some)
    }

    /// Drops the intent to provision after AWS rejected the first change.
    fn drop_provisioning(&self, intent: Option<Intent>, aws_error: &AwsError) -> Result<(), UserError> {
        if let Some(intent) = intent.filter(|_| aws_error.outcome_known()) {
            self.context
                .progress
                .change(|record| record.drop_intent(&intent.nonce))?;
        }
        Ok(())
    }

    /// The permission set with its origin: the recorded one, or the one that its tag shows.
    async fn with_origin(&self, instance: &Instance, set: &Described) -> Result<Resource, UserError> {
        let context = &self.context;
        let mut resource = context.resource(ResourceKind::PermissionSet, &set.name, &set.arn);
        let intents = context.open_intents(ResourceKind::PermissionSet, &set.name);
        if intents.is_empty() || resource.origin == Origin::Created {
            context.settle(
                Verb::Create,
                ResourceKind::PermissionSet,
                &set.name,
                Some(resource.clone()),
            )?;
            return Ok(resource);
        }
        let nonce = reads::intent_tag(context, instance, &set.arn)
            .await
            .map_err(rerun(&INFO))?;
        let matching = intents.iter().find(|intent| Some(&intent.nonce) == nonce.as_ref());
        if let Some(intent) = matching {
            resource.origin = Origin::Created;
            resource.text = set.duration.map(SessionDuration::iso);
            if set.policies.is_empty() && !self.is_attachment_pending() {
                context
                    .progress
                    .change(|record| record.open(self.attachment_intent(intent)))?;
            }
        }
        context.settle(
            Verb::Create,
            ResourceKind::PermissionSet,
            &set.name,
            Some(resource.clone()),
        )?;
        Ok(resource)
    }

    /// The intent that stays open from the creation of a permission set until its policy is attached.
    fn attachment_intent(&self, creation: &Intent) -> Intent {
        Intent {
            kind: ResourceKind::PolicyAttachment,
            name: self.attachment_name(&self.policy_arn()),
            ..creation.clone()
        }
    }

    /// Settles the attachment that an interrupted run left pending. On a permission set that this program created, the
    /// policy counts as created too. On any other permission set its origin is unknown.
    fn settle_attachment(&self, set: &Described, is_ours: bool) -> Result<(), UserError> {
        let policy = self.policy_arn();
        self.context.progress.change(|record| {
            if is_ours && record.is_any_open(ResourceKind::PolicyAttachment, self.is_own_attachment()) {
                record.keep(Resource::new(
                    Origin::Created,
                    ResourceKind::PolicyAttachment,
                    self.attachment_name(&policy),
                    attachment_key(&set.arn, &policy),
                ));
            }
            record.close_all(ResourceKind::PolicyAttachment, self.is_own_attachment());
        })?;
        Ok(())
    }

    /// Forgets a policy that this program attached and then detached.
    fn forget_attachment(&self, arn: &PermissionSetArn, policy: &str) -> Result<(), UserError> {
        let kind = ResourceKind::PolicyAttachment;
        let name = self.attachment_name(policy);
        let id = ResourceId::from(attachment_key(arn, policy));
        self.context.progress.change(|record| {
            record.close(Verb::Delete, kind, &name);
            record.resources.retain(|other| other.kind != kind || other.id != id);
        })?;
        Ok(())
    }

    /// Forgets the policies that an interrupted update detached.
    fn forget_detached(&self, set: &Described) -> Result<(), UserError> {
        let is_own = self.is_own_attachment();
        let open = self.context.progress.read(|record| record.intents.clone());
        let detached = open
            .iter()
            .filter(|intent| intent.verb == Verb::Delete && intent.kind == ResourceKind::PolicyAttachment)
            .filter(|intent| is_own(&intent.name))
            .filter_map(|intent| intent.name.policy())
            .filter(|policy| !set.policies.iter().any(|attached| attached == policy));
        for policy in detached {
            self.forget_attachment(&set.arn, policy)?;
        }
        Ok(())
    }

    fn judge(&self, set: &Described, resource: &Resource) -> Observed {
        let name = &set.name;
        let wanted_policy = self.policy_arn();
        let wanted = self.context.answer::<SessionDuration>(Key::SessionDuration);
        let other_policy = set.policies != [wanted_policy.clone()];
        let other_duration = wanted
            .as_ref()
            .filter(|wanted| wanted.is_explicit() && Some(wanted.value) != set.duration)
            .map(|wanted| (wanted.value, wanted.source.clone()));
        if is_provisioning_pending(&self.context, name) {
            return Observed::missing(format!(
                "The permission set {name} has changed since it was last provisioned."
            ));
        }
        if set.policies.is_empty() && resource.origin == Origin::Created && self.is_attachment_pending() {
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

/// What identifies a policy on a permission set.
fn attachment_key(arn: &PermissionSetArn, policy: &str) -> AttachmentKey {
    AttachmentKey {
        permission_set: arn.clone(),
        policy: policy.to_owned(),
    }
}

#[async_trait(?Send)]
impl Step for PermissionSet {
    fn info(&self) -> &'static StepInfo {
        &INFO
    }

    async fn look(&self) -> Result<Observed, UserError> {
        let Ok(instance) = self.context.facts.instance.get().await else {
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
            Some(arn) => reads::describe(&self.context, &instance, &arn).await,
            None => reads::find(&self.context, &instance, &name).await,
        };
        let Some(mut set) = found.map_err(rerun(&INFO))? else {
            return Ok(Observed::missing(format!("There is no permission set {name}.")));
        };
        set.policies = reads::policies(&self.context, &instance, &set.arn)
            .await
            .map_err(rerun(&INFO))?;
        self.attached.replace(set.policies.clone());
        let resource = self.with_origin(&instance, &set).await?;
        if let Some(duration) = set.duration {
            let mut answers = self.context.answers.borrow_mut();
            answers.set_existing(Key::SessionDuration, duration.to_string());
        }
        let is_ours = resource.origin == Origin::Created;
        let mut observed = self
            .judge(&set, &resource)
            .with(ARN, &set.arn)
            .with(POLICIES, set.policies.join(", "))
            .with(DURATION, set.duration_text())
            .of(resource);
        if observed.is_done() {
            self.settle_attachment(&set, is_ours)?;
            self.forget_detached(&set)?;
            self.context.facts.permission_set.set(facts::PermissionSet {
                arn: set.arn,
                name: set.name,
                is_new,
            });
        } else {
            let provisioned = reads::is_provisioned(&self.context, &instance, &set.arn)
                .await
                .map_err(rerun(&INFO))?;
            observed = observed.with(PROVISIONED, if provisioned { "yes" } else { "no" });
        }
        Ok(observed)
    }

    fn questions(&self, _observed: &Observed) -> Vec<Question> {
        Vec::new()
    }

    fn has_choices(&self, key: Key) -> bool {
        key == Key::Policy
    }

    /// The AWS managed policies, by path and name.
    async fn choices(&self, _key: Key) -> Result<Vec<Choice>, UserError> {
        let policies = reads::aws_policies(&self.context).await;
        policies.map_err(|aws_error| step_error(&INFO, &aws_error, NextStep::note("enter the policy's name")))
    }

    fn plan(&self, observed: &Observed) -> Result<Plan, UserError> {
        let mut plan = Plan::default();
        match observed.status {
            Status::Missing if observed.evidence.contains_key(ARN) => plan.changes = self.update_changes(observed),
            Status::Missing => {
                plan.changes.push(self.create_change());
                plan.changes
                    .push(self.policy_change(Verb::Create, &self.policy_arn(), "PERMISSION_SET_ARN"));
            }
            Status::Different if self.context.is_update_wanted(&INFO) => plan.changes = self.update_changes(observed),
            _ => {}
        }
        Ok(plan)
    }

    async fn apply(&self, change: &Change, prompter: &dyn Prompter) -> Result<(), UserError> {
        let instance = self
            .context
            .facts
            .instance
            .get()
            .await
            .map_err(|why| UserError::failed(why, SetupCommand::again()))?;
        match (change.verb, change.kind) {
            (Verb::Create, ResourceKind::PermissionSet) => self.apply_create(change, &instance, prompter).await,
            (Verb::Create, _) => self.apply_attach(change, &instance, prompter).await,
            _ => {
                self.apply_other(change, &instance).await?;
                prompter.say(Some(&INFO), &format!("Done: {}", change.sentence));
                Ok(())
            }
        }
    }

    fn provides(&self) -> Vec<&dyn Slot> {
        vec![&self.context.facts.permission_set]
    }
}
