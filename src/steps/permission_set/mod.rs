//! Step 4: a permission set with one AWS managed policy.
//!
//! The policy is attached before the first assignment; a later change of a set that is provisioned somewhere
//! needs `ProvisionPermissionSet`.

mod reads;

use std::cell::RefCell;
use std::rc::Rc;

use async_trait::async_trait;
use aws_sdk_ssoadmin::types::{ProvisionTargetType, Tag};

use super::create::{Created, create};
use super::facts::{self, Instance};
use super::setting::{Setting, rerun, until_seen};
use crate::answers::Key;
use crate::answers::values::{PermissionSetName, Policy, SessionDuration};
use crate::aws::retry::OPERATION_LIMIT;
use crate::aws::{Failure, FailureKind, waiting};
use crate::checklist::{Change, Consent, Finding, Found, Guide, Need, Plan, Question, Slot, Step, StepInfo, Trouble};
use crate::progress::{How, Intent, Resource, ResourceKind, Verb};
use reads::Described;

/// This step's line of the checklist.
pub const INFO: StepInfo = StepInfo {
    number: 4,
    slug: "permission-set",
    title: "Create a permission set",
    need: Need::Required,
    why: "It says what a user or group may do in an account, and for how long one sign-in lasts.",
    feeds_others: true,
};

/// The tag that marks a set as ours until its creation is written down.
pub const INTENT_TAG: &str = "idc-setup:intent";

const ARN: &str = "permission-set-arn";
const POLICIES: &str = "policies";
const DURATION: &str = "session-duration";
const PROVISIONED: &str = "provisioned";

/// Step 4.
pub struct PermissionSet {
    setting: Rc<Setting>,
    /// The ARN of the set that this run has made.
    made: RefCell<Option<String>>,
}

impl PermissionSet {
    /// A step that has not looked yet.
    pub fn new(setting: Rc<Setting>) -> Self {
        Self {
            setting,
            made: RefCell::default(),
        }
    }

    fn name(&self) -> String {
        self.setting
            .answer::<PermissionSetName>(Key::PermissionSet)
            .map(|name| name.value.to_string())
            .unwrap_or_default()
    }

    fn policy_arn(&self) -> String {
        let policy = self.setting.answer::<Policy>(Key::Policy);
        policy.map_or_else(String::new, |policy| policy.value.arn(self.setting.partition().id()))
    }

    fn attachment_name(&self) -> String {
        format!("{}/{}", self.name(), self.policy_arn())
    }

    /// Whether we made this set and never got to the end of it: it is finished, not called different.
    fn is_unfinished(&self, resource: &Resource) -> bool {
        let attachment = self.attachment_name();
        resource.how == How::Made
            && self.setting.progress.read(|record| {
                record
                    .intents(Verb::Create, ResourceKind::PolicyAttachment, &attachment)
                    .next()
                    .is_some()
            })
    }

    /// A change of a set that accounts have was begun, and its roles were not updated since.
    fn is_provisioning_owed(&self, name: &str) -> bool {
        self.setting.progress.read(|record| {
            let mut owed = record.intents(Verb::Update, ResourceKind::Provisioning, name);
            owed.next().is_some()
        })
    }

    /// Before a set that is there changes: if accounts have it, provisioning is owed from now on.
    async fn promise_provisioning(&self, instance: &Instance, arn: &str) -> Result<(), Trouble> {
        let name = self.name();
        if self.made.borrow().is_some() || self.is_provisioning_owed(&name) {
            return Ok(());
        }
        if reads::is_provisioned(&self.setting, instance, arn)
            .await
            .map_err(rerun(&INFO))?
        {
            let owed = (Verb::Update, ResourceKind::Provisioning, name.as_str());
            self.setting.intend(&INFO, owed, None)?;
        }
        Ok(())
    }

    /// Whose the set is: as written down, or as its tag tells.
    async fn own(&self, instance: &Instance, set: &Described) -> Result<Resource, Trouble> {
        let setting = &self.setting;
        let mut resource = setting.resource(ResourceKind::PermissionSet, &set.name, &set.arn);
        let intents = setting.open_intents(ResourceKind::PermissionSet, &set.name);
        if intents.is_empty() || resource.how == How::Made {
            setting.settle(
                Verb::Create,
                ResourceKind::PermissionSet,
                &set.name,
                Some(resource.clone()),
            )?;
            return Ok(resource);
        }
        let nonce = reads::intent_tag(setting, instance, &set.arn)
            .await
            .map_err(rerun(&INFO))?;
        let ours = intents.iter().find(|intent| Some(&intent.nonce) == nonce.as_ref());
        if let Some(intent) = ours {
            resource.how = How::Made;
            let attached = set.policies.contains(&self.policy_arn());
            let open = !setting
                .open_intents(ResourceKind::PolicyAttachment, &self.attachment_name())
                .is_empty();
            if !attached && !open {
                setting
                    .progress
                    .change(|record| record.open(self.attachment_intent(intent)))?;
            }
        }
        setting.settle(
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
            name: self.attachment_name(),
            ..made.clone()
        }
    }

    fn judge(&self, set: &Described, resource: &Resource) -> Finding {
        let name = &set.name;
        let wanted_policy = self.policy_arn();
        let wanted = self.setting.answer::<SessionDuration>(Key::SessionDuration);
        let other_policy = set.policies != [wanted_policy.clone()];
        let other_duration = wanted
            .as_ref()
            .filter(|wanted| wanted.is_explicit() && Some(wanted.value) != set.duration)
            .map(|wanted| wanted.value);
        if self.is_provisioning_owed(name) {
            return Finding::missing(format!(
                "The permission set {name} was changed, and not provisioned since."
            ));
        }
        if other_policy && set.policies.is_empty() && self.is_unfinished(resource) {
            return Finding::missing(format!("The permission set {name} is there, without its policy."));
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
        if let Some(wanted) = other_duration {
            words.push(format!("lasts {}, not {wanted}", set.duration_words()));
        }
        if words.is_empty() {
            return Finding::done(format!(
                "The permission set {name} is there, and lasts {}.",
                set.duration_words()
            ));
        }
        Finding::different(
            format!("The permission set {name} {}.", words.join(" and ")),
            format!(
                "change it: idc-setup run --update {}; or take another: idc-setup run --permission-set NAME",
                INFO.slug
            ),
        )
    }

    fn create_change(&self) -> Change {
        let name = self.name();
        let duration = self.setting.answer::<SessionDuration>(Key::SessionDuration);
        let (words, iso) = duration.map_or_else(Default::default, |given| (given.value.to_string(), given.value.iso()));
        Change {
            verb: Verb::Create,
            kind: ResourceKind::PermissionSet,
            sentence: format!("Create the permission set {name}; one sign-in lasts {words}."),
            command: format!(
                "aws sso-admin create-permission-set --instance-arn {} --name {name} --session-duration {iso}",
                self.instance_arn()
            ),
            name,
            consent: Consent::Reversible,
        }
    }

    fn policy_change(&self, verb: Verb, policy: &str, arn: &str) -> Change {
        let name = self.name();
        let (word, operation, to) = match verb {
            Verb::Remove => ("Detach", "detach-managed-policy-from-permission-set", "from"),
            _ => ("Attach", "attach-managed-policy-to-permission-set", "to"),
        };
        Change {
            verb,
            kind: ResourceKind::PolicyAttachment,
            name: format!("{name}/{policy}"),
            sentence: format!("{word} the policy {policy} {to} the permission set {name}."),
            command: format!(
                "aws sso-admin {operation} --instance-arn {} --permission-set-arn {arn} --managed-policy-arn {policy}",
                self.instance_arn()
            ),
            consent: Consent::Reversible,
        }
    }

    fn provision_change(&self, arn: &str) -> Change {
        let name = self.name();
        Change {
            verb: Verb::Update,
            kind: ResourceKind::Provisioning,
            sentence: format!("Provision the permission set {name} anew in the accounts that have it."),
            command: format!(
                "aws sso-admin provision-permission-set --instance-arn {} --permission-set-arn {arn} --target-type \
                 ALL_PROVISIONED_ACCOUNTS",
                self.instance_arn()
            ),
            name,
            consent: Consent::Reversible,
        }
    }

    fn duration_change(&self, arn: &str) -> Option<Change> {
        let wanted = self.setting.answer::<SessionDuration>(Key::SessionDuration)?;
        let name = self.name();
        Some(Change {
            verb: Verb::Update,
            kind: ResourceKind::PermissionSet,
            sentence: format!("Let one sign-in with the permission set {name} last {}.", wanted.value),
            command: format!(
                "aws sso-admin update-permission-set --instance-arn {} --permission-set-arn {arn} --session-duration {}",
                self.instance_arn(),
                wanted.value.iso()
            ),
            name,
            consent: Consent::Reversible,
        })
    }

    /// What makes a set that is there into the one that is wanted.
    fn update_changes(&self, finding: &Finding) -> Vec<Change> {
        let evidence = |name: &str| finding.evidence.get(name).map(String::as_str).unwrap_or_default();
        let (arn, wanted) = (evidence(ARN), self.policy_arn());
        let there: Vec<&str> = evidence(POLICIES)
            .split(", ")
            .filter(|policy| !policy.is_empty())
            .collect();
        let mut changes = Vec::new();
        let duration = self.setting.answer::<SessionDuration>(Key::SessionDuration);
        if duration.is_some_and(|wanted| wanted.is_explicit() && wanted.value.to_string() != evidence(DURATION)) {
            changes.extend(self.duration_change(arn));
        }
        if !there.contains(&wanted.as_str()) {
            changes.push(self.policy_change(Verb::Create, &wanted, arn));
        }
        for policy in there.into_iter().filter(|policy| *policy != wanted) {
            changes.push(self.policy_change(Verb::Remove, policy, arn));
        }
        if (evidence(PROVISIONED) != "no" && !changes.is_empty()) || self.is_provisioning_owed(&self.name()) {
            changes.push(self.provision_change(arn));
        }
        changes
    }

    fn instance_arn(&self) -> String {
        let instance = self.setting.facts.instance.now();
        instance.map_or_else(|| "INSTANCE_ARN".to_owned(), |instance| instance.arn)
    }

    async fn create_once(&self, instance: &Instance, nonce: &str) -> Result<String, Failure> {
        let operation = "sso:CreatePermissionSet";
        let duration = self.setting.answer::<SessionDuration>(Key::SessionDuration);
        let tag = Tag::builder()
            .key(INTENT_TAG)
            .value(nonce)
            .build()
            .map_err(|error| super::create_user::unbuilt(operation, &error))?;
        self.setting
            .clients
            .ssoadmin_once(&instance.region)
            .create_permission_set()
            .instance_arn(&instance.arn)
            .name(self.name())
            .description("Made by idc-setup")
            .set_session_duration(duration.map(|duration| duration.value.iso()))
            .tags(tag)
            .send()
            .await
            .map_err(|error| Failure::of(operation, error))
            .map(|answer| {
                answer
                    .permission_set
                    .and_then(|set| set.permission_set_arn)
                    .unwrap_or_default()
            })
    }

    async fn apply_create(&self, change: &Change, instance: &Instance, guide: &dyn Guide) -> Result<(), Trouble> {
        let setting = &self.setting;
        let interrupted_before = !setting.open_intents(change.kind, &change.name).is_empty();
        let intent = setting.intend(&INFO, (change.verb, change.kind, &change.name), None)?;
        let created = create(
            setting.pace,
            || self.create_once(instance, &intent.nonce),
            || async { Ok(reads::find(setting, instance, &change.name).await?.map(|set| set.arn)) },
        )
        .await;
        match created {
            Ok(Created::Made(arn)) => {
                self.made.replace(Some(arn.clone()));
                // One write: a set that is ours and has no policy is always known to be unfinished.
                setting.progress.change(|record| {
                    record.open(self.attachment_intent(&intent));
                    record.close(change.verb, change.kind, &change.name);
                    record.keep(Resource {
                        kind: change.kind,
                        name: change.name.clone(),
                        id: arn,
                        how: How::Made,
                    });
                })?;
                guide.say(Some(&INFO), &format!("Created the permission set {}.", change.name));
                Ok(())
            }
            Ok(Created::Undecided(_)) => Ok(()),
            Ok(Created::Found(_)) if interrupted_before => Ok(()),
            Ok(Created::Found(_)) => setting.settle(change.verb, change.kind, &change.name, None),
            Err(failure) => {
                if failure.is_answered() {
                    setting.settle(change.verb, change.kind, &change.name, None)?;
                }
                Err(super::trouble(&INFO, &failure, "idc-setup run"))
            }
        }
    }

    /// The ARN, from the set just made or by looking.
    async fn arn(&self, instance: &Instance) -> Result<String, Trouble> {
        if let Some(arn) = self.made.borrow().clone() {
            return Ok(arn);
        }
        let name = self.name();
        let set = reads::find(&self.setting, instance, &name)
            .await
            .map_err(rerun(&INFO))?;
        set.map(|set| set.arn).ok_or_else(|| {
            Trouble::failed(
                format!("Step 4 permission-set: there is no permission set {name}."),
                "idc-setup run",
            )
        })
    }

    async fn apply_attach(&self, change: &Change, instance: &Instance, guide: &dyn Guide) -> Result<(), Trouble> {
        let setting = &self.setting;
        let arn = self.arn(instance).await?;
        let policy = self.policy_arn();
        self.promise_provisioning(instance, &arn).await?;
        if setting.open_intents(change.kind, &change.name).is_empty() {
            setting.intend(&INFO, (change.verb, change.kind, &change.name), None)?;
        }
        let attached = create(
            setting.pace,
            || async {
                let client = setting.clients.ssoadmin_once(&instance.region);
                let call = client
                    .attach_managed_policy_to_permission_set()
                    .instance_arn(&instance.arn)
                    .permission_set_arn(&arn)
                    .managed_policy_arn(&policy);
                let answer = call.send().await;
                answer
                    .map(|_| ())
                    .map_err(|error| Failure::of("sso:AttachManagedPolicyToPermissionSet", error))
            },
            || async {
                let policies = reads::policies(setting, instance, &arn).await?;
                Ok(policies.contains(&policy).then_some(()))
            },
        )
        .await;
        match attached {
            Ok(created) => {
                let how = if matches!(created, Created::Found(())) {
                    How::Found
                } else {
                    How::Made
                };
                let resource = Resource {
                    kind: change.kind,
                    name: change.name.clone(),
                    id: format!("{arn}/{policy}"),
                    how,
                };
                setting.settle(change.verb, change.kind, &change.name, Some(resource))?;
                guide.say(Some(&INFO), &format!("Attached the policy {policy}."));
                Ok(())
            }
            Err(failure) => Err(super::trouble(
                &INFO,
                &failure,
                "check that the policy is an AWS managed one, then: idc-setup run --policy NAME",
            )),
        }
    }

    async fn apply_other(&self, change: &Change, instance: &Instance) -> Result<(), Trouble> {
        let setting = &self.setting;
        let arn = self.arn(instance).await?;
        let client = setting.clients.ssoadmin(&instance.region);
        self.promise_provisioning(instance, &arn).await?;
        setting.intend(&INFO, (change.verb, change.kind, &change.name), None)?;
        match (change.verb, change.kind) {
            (Verb::Update, ResourceKind::PermissionSet) => {
                let duration = setting.answer::<SessionDuration>(Key::SessionDuration);
                client
                    .update_permission_set()
                    .instance_arn(&instance.arn)
                    .permission_set_arn(&arn)
                    .set_session_duration(duration.map(|duration| duration.value.iso()))
                    .send()
                    .await
                    .map_err(|error| rerun(&INFO)(Failure::of("sso:UpdatePermissionSet", error)))?;
            }
            (Verb::Remove, _) => {
                let policy = change.name.split_once('/').map_or("", |(_, policy)| policy);
                let answer = client
                    .detach_managed_policy_from_permission_set()
                    .instance_arn(&instance.arn)
                    .permission_set_arn(&arn)
                    .managed_policy_arn(policy)
                    .send()
                    .await
                    .map_err(|error| Failure::of("sso:DetachManagedPolicyFromPermissionSet", error));
                match answer {
                    // Detached already: by the attempt whose answer was lost, or by somebody else.
                    Err(failure) if failure.kind != FailureKind::NotFound => return Err(rerun(&INFO)(failure)),
                    _ => {}
                }
            }
            _ => self.provision(instance, &arn).await?,
        }
        setting.settle(change.verb, change.kind, &change.name, None)
    }

    async fn provision(&self, instance: &Instance, arn: &str) -> Result<(), Trouble> {
        let setting = &self.setting;
        let answer = setting
            .clients
            .ssoadmin(&instance.region)
            .provision_permission_set()
            .instance_arn(&instance.arn)
            .permission_set_arn(arn)
            .target_type(ProvisionTargetType::AllProvisionedAccounts)
            .send()
            .await
            .map_err(|error| rerun(&INFO)(Failure::of("sso:ProvisionPermissionSet", error)))?;
        let status = answer.permission_set_provisioning_status;
        let id = status.and_then(|status| status.request_id).unwrap_or_default();
        let ended = waiting::until(setting.pace, OPERATION_LIMIT, || {
            reads::provisioning(setting, instance, &id)
        })
        .await
        .map_err(rerun(&INFO))?;
        match ended {
            Some(Ok(())) => Ok(()),
            Some(Err(reason)) => Err(Trouble::failed(
                format!("Step 4 permission-set: provisioning failed: {reason}."),
                "mend what the reason names, then: idc-setup run --update permission-set",
            )),
            None => Err(Trouble::failed(
                "Step 4 permission-set: provisioning has not ended after 5 minutes.",
                "idc-setup status, and when it has not ended: idc-setup run --update permission-set",
            )),
        }
    }
}

#[async_trait(?Send)]
impl Step for PermissionSet {
    fn info(&self) -> &'static StepInfo {
        &INFO
    }

    async fn look(&self) -> Result<Finding, Trouble> {
        let Ok(instance) = self.setting.facts.instance.get().await else {
            return Ok(Finding::waits_for("Waits for step 1: there is no instance yet."));
        };
        self.setting.answers.borrow_mut().forget_found(&[Key::SessionDuration]);
        let name = self.name();
        let made = self.made.borrow().clone();
        let is_new = made.is_some();
        let found = match made {
            Some(arn) => reads::describe(&self.setting, &instance, &arn).await,
            None => reads::find(&self.setting, &instance, &name).await,
        };
        let Some(mut set) = found.map_err(rerun(&INFO))? else {
            return Ok(Finding::missing(format!("There is no permission set {name}.")));
        };
        set.policies = reads::policies(&self.setting, &instance, &set.arn)
            .await
            .map_err(rerun(&INFO))?;
        let resource = self.own(&instance, &set).await?;
        if let Some(duration) = set.duration {
            let mut answers = self.setting.answers.borrow_mut();
            answers.found(Key::SessionDuration, duration.to_string());
        }
        let mut finding = self
            .judge(&set, &resource)
            .with(ARN, &set.arn)
            .with(POLICIES, set.policies.join(", "))
            .with(DURATION, set.duration_words())
            .of(resource);
        if finding.is_done() {
            let attachment = self.attachment_name();
            self.setting
                .settle(Verb::Create, ResourceKind::PolicyAttachment, &attachment, None)?;
            self.setting.facts.permission_set.know(facts::PermissionSet {
                arn: set.arn,
                name: set.name,
                is_new,
            });
        } else {
            let provisioned = reads::is_provisioned(&self.setting, &instance, &set.arn)
                .await
                .map_err(rerun(&INFO))?;
            finding = finding.with(PROVISIONED, if provisioned { "yes" } else { "no" });
        }
        Ok(finding)
    }

    fn questions(&self, _finding: &Finding) -> Vec<Question> {
        Vec::new()
    }

    fn plan(&self, finding: &Finding) -> Result<Plan, Trouble> {
        let mut plan = Plan::default();
        match finding.found {
            Found::Missing if finding.evidence.contains_key(ARN) => plan.changes = self.update_changes(finding),
            Found::Missing => {
                plan.changes.push(self.create_change());
                plan.changes
                    .push(self.policy_change(Verb::Create, &self.policy_arn(), "PERMISSION_SET_ARN"));
            }
            Found::Different if self.setting.is_update_wanted(&INFO) => plan.changes = self.update_changes(finding),
            _ => {}
        }
        Ok(plan)
    }

    async fn apply(&self, change: &Change, guide: &dyn Guide) -> Result<(), Trouble> {
        let instance = self
            .setting
            .facts
            .instance
            .get()
            .await
            .map_err(|why| Trouble::failed(why, "idc-setup run"))?;
        match (change.verb, change.kind) {
            (Verb::Create, ResourceKind::PermissionSet) => self.apply_create(change, &instance, guide).await,
            (Verb::Create, _) => self.apply_attach(change, &instance, guide).await,
            _ => {
                self.apply_other(change, &instance).await?;
                guide.say(Some(&INFO), &change.sentence);
                Ok(())
            }
        }
    }

    async fn verify(&self) -> Result<Finding, Trouble> {
        until_seen(self.setting.pace, || self.look()).await
    }

    fn provides(&self) -> Vec<&dyn Slot> {
        vec![&self.setting.facts.permission_set]
    }
}
