//! Step 4: a permission set with one AWS managed policy.
//!
//! The policy is attached before the first assignment; a later change of a set that is provisioned somewhere
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
use crate::progress::{Intent, Origin, Resource, ResourceKind, Verb};
use reads::Described;

pub use reads::{has_other_tags, policies};

pub use restore::{commands_to_put_back, is_provisioning_owed, restore, says};

/// This step's line of the checklist.
pub const INFO: StepInfo = StepInfo {
    number: 4,
    slug: "permission-set",
    title: "Create a permission set",
    importance: Importance::Required,
    why: "It says what a user or group may do in an account, and for how long one sign-in lasts.",
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

/// The tag that marks a set as ours until its creation is written down.
pub const INTENT_TAG: &str = "idc-setup:intent";

/// What a set says of itself that we make.
pub const DESCRIPTION: &str = "Made by idc-setup";

const ARN: &str = "permission_set_arn";
const POLICIES: &str = "policies";
const DURATION: &str = "session_duration";
const PROVISIONED: &str = "provisioned";

/// Step 4.
pub struct PermissionSet {
    context: Rc<Context>,
    /// The ARN of the set that this run has made.
    made: RefCell<Option<String>>,
}

impl PermissionSet {
    /// A step that has not looked yet.
    pub fn new(context: Rc<Context>) -> Self {
        Self {
            context,
            made: RefCell::default(),
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

    /// Attachments of this set in progress, whatever the policy: a policy that turned out not to exist is
    /// corrected in the next run.
    fn attachment_prefix(&self) -> String {
        format!("{}/", self.name())
    }

    /// We made this set, and it has no policy yet.
    fn is_attachment_owed(&self) -> bool {
        let prefix = self.attachment_prefix();
        self.context
            .progress
            .read(|record| record.is_any_open(ResourceKind::PolicyAttachment, &prefix))
    }

    /// Before a set that is there changes: if accounts have it, provisioning is owed from now on. Answers the
    /// promise if it is new.
    async fn promise_provisioning(&self, instance: &Instance, arn: &str) -> Result<Option<Intent>, UserError> {
        let name = self.name();
        if self.made.borrow().is_some() || is_provisioning_owed(&self.context, &name) {
            return Ok(None);
        }
        let provisioned = reads::is_provisioned(&self.context, instance, arn)
            .await
            .map_err(rerun(&INFO))?;
        if !provisioned {
            return Ok(None);
        }
        let owed = (Verb::Update, ResourceKind::Provisioning, name.as_str());
        self.context.intend(&INFO, owed, None).map(Some)
    }

    /// The first change was refused: nothing is owed.
    fn forget_promise(&self, promise: Option<Intent>, aws_error: &AwsError) -> Result<(), UserError> {
        if let Some(promise) = promise.filter(|_| aws_error.outcome_known()) {
            self.context
                .progress
                .change(|record| record.drop_intent(&promise.nonce))?;
        }
        Ok(())
    }

    /// Whose the set is: as written down, or as its tag tells.
    async fn own(&self, instance: &Instance, set: &Described) -> Result<Resource, UserError> {
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
        let ours = intents.iter().find(|intent| Some(&intent.nonce) == nonce.as_ref());
        if let Some(intent) = ours {
            resource.origin = Origin::Created;
            resource.text = set.duration.map(SessionDuration::iso);
            if set.policies.is_empty() && !self.is_attachment_owed() {
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

    /// What stands open from the creation of a set to the attachment of its policy.
    fn attachment_intent(&self, made: &Intent) -> Intent {
        Intent {
            kind: ResourceKind::PolicyAttachment,
            name: format!("{}{}", self.attachment_prefix(), self.policy_arn()),
            ..made.clone()
        }
    }

    /// A policy on a set of ours that a cut-short run was to attach is ours; on a set of somebody else's nobody can tell.
    fn settle_attachment(&self, set: &Described, is_ours: bool) -> Result<(), UserError> {
        let prefix = self.attachment_prefix();
        let policy = self.policy_arn();
        self.context.progress.change(|record| {
            if is_ours && record.is_any_open(ResourceKind::PolicyAttachment, &prefix) {
                record.keep(Resource::new(
                    Origin::Created,
                    ResourceKind::PolicyAttachment,
                    format!("{prefix}{policy}"),
                    format!("{}/{policy}", set.arn),
                ));
            }
            record.close_all(ResourceKind::PolicyAttachment, &prefix);
        })?;
        Ok(())
    }

    /// A policy of ours that is off the set by our own doing.
    fn forget_attachment(&self, arn: &str, policy: &str) -> Result<(), UserError> {
        let (kind, name) = (
            ResourceKind::PolicyAttachment,
            format!("{}{policy}", self.attachment_prefix()),
        );
        let id = format!("{arn}/{policy}");
        self.context.progress.change(|record| {
            record.close(Verb::Delete, kind, &name);
            record.resources.retain(|other| other.kind != kind || other.id != id);
        })?;
        Ok(())
    }

    /// An update that was cut short has taken these off.
    fn forget_what_was_taken_off(&self, set: &Described) -> Result<(), UserError> {
        let prefix = self.attachment_prefix();
        let open = self.context.progress.read(|record| record.intents.clone());
        let off = open
            .iter()
            .filter(|intent| intent.verb == Verb::Delete && intent.kind == ResourceKind::PolicyAttachment)
            .filter_map(|intent| intent.name.strip_prefix(&prefix))
            .filter(|policy| !set.policies.iter().any(|there| there == policy));
        for policy in off {
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
        if is_provisioning_owed(&self.context, name) {
            return Observed::missing(format!(
                "The permission set {name} was changed, and not provisioned since."
            ));
        }
        if set.policies.is_empty() && resource.origin == Origin::Created && self.is_attachment_owed() {
            return Observed::missing(format!("The permission set {name} is there, without its policy."));
        }
        let mut words = Vec::new();
        if other_policy {
            let there = if set.policies.is_empty() {
                "no policy".to_owned()
            } else {
                set.policies.join(", ")
            };
            words.push(format!("has {there}, not {wanted_policy}"));
        }
        if let Some((wanted, source)) = other_duration {
            words.push(format!("lasts {}, not {wanted} ({source})", set.duration_words()));
        }
        if words.is_empty() {
            return Observed::done(format!(
                "The permission set {name} is there, and lasts {}.",
                set.duration_words()
            ));
        }
        let saved = wanted.is_some_and(|wanted| matches!(wanted.source, Source::Saved(_)));
        let observed = Observed::different(
            format!("The permission set {name} {}.", words.join(" and ")),
            format!(
                "change it: idc-setup run --update {}; or take another: idc-setup run --permission-set NAME",
                INFO.slug
            ),
        );
        if saved {
            let kept = format!(
                "or keep it as it is: idc-setup run --session-duration {}",
                set.duration_words()
            );
            return observed.or_next(kept);
        }
        observed
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
        self.context.answers.borrow_mut().forget_found(&[Key::SessionDuration]);
        let name = self.name();
        let made = self.made.borrow().clone();
        let is_new = made.is_some();
        let found = match made {
            Some(arn) => reads::describe(&self.context, &instance, &arn).await,
            None => reads::find(&self.context, &instance, &name).await,
        };
        let Some(mut set) = found.map_err(rerun(&INFO))? else {
            return Ok(Observed::missing(format!("There is no permission set {name}.")));
        };
        set.policies = reads::policies(&self.context, &instance, &set.arn)
            .await
            .map_err(rerun(&INFO))?;
        let resource = self.own(&instance, &set).await?;
        if let Some(duration) = set.duration {
            let mut answers = self.context.answers.borrow_mut();
            answers.found(Key::SessionDuration, duration.to_string());
        }
        let is_ours = resource.origin == Origin::Created;
        let mut observed = self
            .judge(&set, &resource)
            .with(ARN, &set.arn)
            .with(POLICIES, set.policies.join(", "))
            .with(DURATION, set.duration_words())
            .of(resource);
        if observed.is_done() {
            self.settle_attachment(&set, is_ours)?;
            self.forget_what_was_taken_off(&set)?;
            self.context.facts.permission_set.know(facts::PermissionSet {
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

    fn questions(&self, _finding: &Observed) -> Vec<Question> {
        Vec::new()
    }

    fn has_choices(&self, key: Key) -> bool {
        key == Key::Policy
    }

    /// The policies that AWS manages, by path and name.
    async fn choices(&self, _key: Key) -> Result<Vec<Choice>, UserError> {
        let policies = reads::aws_policies(&self.context).await;
        policies.map_err(|aws_error| step_error(&INFO, &aws_error, "type the policy's name"))
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
            .map_err(|why| UserError::failed(why, "idc-setup run"))?;
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
