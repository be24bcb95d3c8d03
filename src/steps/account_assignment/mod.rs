//! Step 5: gives the group or the user the permission set in the account.

mod pending;
mod requests;

pub use pending::settle_pending;

use std::rc::Rc;

use async_trait::async_trait;
use aws_sdk_ssoadmin::types::{AccountAssignmentOperationStatus, PrincipalType, StatusValues};

use super::context::{Context, rerun, step_error};
use super::create::CreateResult;
use super::facts::{Instance, PermissionSet};
use crate::answers::Key;
use crate::answers::values::AssignTo;
use crate::aws::{AwsError, waiting};
use crate::checklist::{
    Change, Choice, Consent, Importance, Observed, Permission, Plan, Prompter, Question, Slot, Status, Step, StepInfo,
    UserError,
};
use crate::ids::{AccountId, AssignmentKey, Principal};
use crate::limits::{OPERATION_LIMIT, PROPAGATION_LIMIT};
use crate::next_step::{NextStep, NextSteps, SetupCommand};
use crate::progress::{Intent, Origin, Resource, ResourceKind, ResourceName, Verb};
use crate::text::duration_text;

/// This step's entry in the checklist.
pub const INFO: StepInfo = StepInfo {
    number: 5,
    slug: "account-assignment",
    title: "Assign the account",
    importance: Importance::Required,
    why: "It gives the group or user the permission set in the account.",
    feeds_others: true,
    permissions: &PERMISSIONS,
};

/// The permissions that this step needs. In the management account, Identity Center uses the caller's own IAM permissions
/// instead of those of its service-linked role ("Identity-based policy examples for IAM Identity Center"). Without them, AWS
/// accepts an assignment that fails later.
const PERMISSIONS: [Permission; 19] = [
    Permission::look("organizations:ListAccounts"),
    Permission::look("sso:ListAccountAssignments"),
    Permission::look("sso:ListAccountAssignmentCreationStatus"),
    Permission::look("sso:DescribeAccountAssignmentCreationStatus"),
    Permission::change("sso:CreateAccountAssignment"),
    on_roles("iam:AttachRolePolicy"),
    on_roles("iam:CreateRole"),
    on_roles("iam:DeleteRole"),
    on_roles("iam:DeleteRolePolicy"),
    on_roles("iam:DetachRolePolicy"),
    on_roles("iam:GetRole"),
    on_roles("iam:ListAttachedRolePolicies"),
    on_roles("iam:ListRolePolicies"),
    on_roles("iam:PutRolePolicy"),
    on_roles("iam:UpdateRole"),
    on_roles("iam:UpdateRoleDescription"),
    Permission::change_on(PROVIDERS, "iam:CreateSAMLProvider"),
    Permission::change_on(PROVIDERS, "iam:GetSAMLProvider"),
    Permission::change_on(PROVIDERS, "iam:UpdateSAMLProvider"),
];

const PROVIDERS: &str = "arn:*:iam::*:saml-provider/AWSSSO_*";

const fn on_roles(action: &'static str) -> Permission {
    Permission::change_on("arn:*:iam::*:role/aws-reserved/sso.amazonaws.com/*", action)
}

/// The parts of an assignment.
struct Subject {
    instance: Instance,
    set: PermissionSet,
    account: AccountId,
    principal: Principal,
    principal_name: String,
}

impl Subject {
    /// What identifies it.
    fn key(&self) -> AssignmentKey {
        AssignmentKey {
            account: self.account.clone(),
            permission_set: self.set.arn.clone(),
            principal: self.principal.clone(),
        }
    }

    fn principal_type(&self) -> PrincipalType {
        match self.principal {
            Principal::User(_) => PrincipalType::User,
            Principal::Group(_) => PrincipalType::Group,
        }
    }

    fn is_of(&self, status: &AccountAssignmentOperationStatus) -> bool {
        status.target_id.as_deref() == Some(&*self.account)
            && status.permission_set_arn.as_deref() == Some(&*self.set.arn)
            && status.principal_id.as_deref() == Some(self.principal.id())
    }
}

/// Step 5.
pub struct AccountAssignment {
    context: Rc<Context>,
}

impl AccountAssignment {
    /// A step that has not checked the account yet.
    pub fn new(context: Rc<Context>) -> Self {
        Self { context }
    }

    fn is_for_group(&self) -> bool {
        self.context
            .answer::<AssignTo>(Key::AssignTo)
            .is_none_or(|to| to.value == AssignTo::Group)
    }

    /// The name of the assignment, which is the same in every run: account, permission set and principal.
    fn name(&self) -> ResourceName {
        let principal = if self.is_for_group() { Key::Group } else { Key::Username };
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
        let instance = facts.instance.get().await.map_err(waits("step 1"))?;
        let set = facts.permission_set.get().await.map_err(waits("step 4"))?;
        let (principal, principal_name) = if self.is_for_group() {
            let group = facts.group.get().await.map_err(waits("step 3"))?;
            (Principal::Group(group.id), self.context.text(Key::Group))
        } else {
            let user = facts.user.get().await.map_err(waits("step 2"))?;
            (Principal::User(user.id), user.name)
        };
        Ok(Subject {
            instance,
            set,
            account: self.context.account(),
            principal,
            principal_name,
        })
    }

    /// A delegated administrator can't assign access to the management account ("Delegated administration").
    fn blocked_by_delegation(&self, subject: &Subject) -> Option<Observed> {
        let (owner, caller) = (&subject.instance.owner, &self.context.caller.account);
        (owner != caller && owner == &subject.account).then(|| {
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

    /// The assignment with its origin: the recorded one, or the one that the requests of this program show.
    async fn with_origin(&self, subject: &Subject) -> Result<Resource, UserError> {
        let context = &self.context;
        let name = self.name();
        let mut resource = context.resource(ResourceKind::AccountAssignment, &name, subject.key());
        let intents = context.open_intents(ResourceKind::AccountAssignment, &name);
        let request = if intents.is_empty() {
            None
        } else {
            self.request_of(subject, &intents).await.map_err(rerun(&INFO))?
        };
        if let Some(request) = request
            && self
                .has_created(subject, &intents, &request)
                .await
                .map_err(rerun(&INFO))?
        {
            resource.origin = Origin::Created;
        }
        context.settle(
            Verb::Create,
            ResourceKind::AccountAssignment,
            &name,
            Some(resource.clone()),
        )?;
        Ok(resource)
    }

    /// Whether an assignment whose request has succeeded becomes visible. It may have appeared between two reads, or not
    /// have propagated yet. This waits only if the request is recent; otherwise someone else deleted the assignment.
    async fn becomes_visible(&self, subject: &Subject, intents: &[Intent]) -> Result<bool, UserError> {
        let last = intents.iter().map(|intent| intent.at).max().unwrap_or_default();
        let ago = self.context.clients.clock().now().duration_since(last).unsigned_abs();
        let limit = PROPAGATION_LIMIT.saturating_sub(ago);
        let visible = waiting::until(self.context.timing, limit, || async {
            Ok::<_, AwsError>(self.is_assigned(subject).await?.then_some(()))
        });
        Ok(visible.await.map_err(rerun(&INFO))?.is_some())
    }

    /// The request of an earlier run that is still in progress, or a new one; and whether an earlier attempt of this program
    /// may have had no response.
    async fn begin(
        &self,
        change: &Change,
        subject: &Subject,
    ) -> Result<(AccountAssignmentOperationStatus, bool), UserError> {
        let context = &self.context;
        let mut intents = context.open_intents(change.kind, &change.name);
        if !intents.is_empty() {
            let earlier = self.request_of(subject, &intents).await.map_err(rerun(&INFO))?;
            if let Some(status) = earlier.filter(|status| status.status == Some(StatusValues::InProgress)) {
                return Ok((status, true));
            }
        }
        // An attempt of an earlier run may have succeeded without a response.
        let has_earlier_attempt = !intents.is_empty();
        let intent = context.intend(&INFO, (change.verb, change.kind, &change.name), None)?;
        intents.push(intent.clone());
        let end = self.request(subject, &intents).await;
        match end.result {
            Ok(CreateResult::Created(status) | CreateResult::Existing(status) | CreateResult::Undecided(status)) => {
                Ok((status, end.unanswered || has_earlier_attempt))
            }
            Err(aws_error) => {
                if !end.unanswered {
                    context.progress.change(|record| record.drop_intent(&intent.nonce))?;
                }
                let next = if aws_error.is_transient() || aws_error.kind == crate::aws::AwsErrorKind::Denied {
                    NextStep::from(SetupCommand::again())
                } else {
                    SetupCommand::again()
                        .placeholder("--account", "ID")
                        .after("check the account ID")
                };
                Err(step_error(&INFO, &aws_error, next))
            }
        }
    }

    fn failed(&self, subject: &Subject, reason: &str) -> UserError {
        let instance = self.context.facts.instance.now();
        let is_management_account = instance.is_some_and(|instance| instance.owner == subject.account);
        let mut message = format!(
            "Step 5 account-assignment: AWS could not create the assignment: {}.",
            reason.trim_end_matches('.')
        );
        let next = if is_management_account {
            message.push_str(" In the management account, IAM Identity Center uses your own permissions.");
            let allow = "allow iam:CreateRole, iam:AttachRolePolicy, iam:PutRolePolicy, iam:CreateSAMLProvider and \
                         iam:GetSAMLProvider on aws-reserved/sso.amazonaws.com/* and saml-provider/AWSSSO_*";
            NextSteps::from([
                SetupCommand::again().after("use credentials of the root user or an administrator"),
                SetupCommand::again().after(allow),
            ])
        } else {
            SetupCommand::again().after("fix the problem that AWS reports").into()
        };
        UserError::failed(message, next)
    }
}

#[async_trait(?Send)]
impl Step for AccountAssignment {
    fn info(&self) -> &'static StepInfo {
        &INFO
    }

    async fn look(&self) -> Result<Observed, UserError> {
        let subject = match self.subject().await {
            Ok(subject) => subject,
            Err(why) => return Ok(Observed::waits_for(why)),
        };
        if let Some(blocked) = self.blocked_by_delegation(&subject) {
            return Ok(blocked);
        }
        let who = &subject.principal_name;
        let what = format!("{} in account {}", subject.set.name, subject.account);
        let missing = Observed::missing(format!("{who} does not have {what} yet."));
        let name = self.name();
        let intents = self.context.open_intents(ResourceKind::AccountAssignment, &name);
        // A permission set that was just created has no assignments, except one that this program created.
        let nothing_yet = subject.set.is_new && intents.is_empty() && self.context.facts.assignment.now().is_none();
        if nothing_yet && !self.is_recorded(&subject) {
            return Ok(missing);
        }
        let mut exists = self.is_assigned(&subject).await.map_err(rerun(&INFO))?;
        if !exists && !intents.is_empty() {
            let request = self.request_of(&subject, &intents).await.map_err(rerun(&INFO))?;
            match request.map(|request| (request.status, request.request_id)) {
                Some((Some(StatusValues::InProgress), id)) => return Ok(missing.under_way(id.unwrap_or_default())),
                Some((Some(StatusValues::Succeeded), _)) => exists = self.becomes_visible(&subject, &intents).await?,
                _ => {}
            }
        }
        if !exists {
            return Ok(missing);
        }
        let resource = self.with_origin(&subject).await?;
        self.context.facts.assignment.set(());
        Ok(Observed::done(format!("{who} has {what}."))
            .with("account", subject.account.to_string())
            .with("principal", subject.principal.id())
            .with("permission_set_arn", subject.set.arn.to_string())
            .of(resource))
    }

    fn questions(&self, _observed: &Observed) -> Vec<Question> {
        Vec::new()
    }

    fn has_choices(&self, key: Key) -> bool {
        key == Key::Account
    }

    /// The organization's accounts, by name and ID.
    async fn choices(&self, _key: Key) -> Result<Vec<Choice>, UserError> {
        let accounts = self.accounts().await;
        accounts.map_err(|aws_error| step_error(&INFO, &aws_error, NextStep::note("enter the account ID")))
    }

    fn plan(&self, observed: &Observed) -> Result<Plan, UserError> {
        let mut plan = Plan::default();
        if observed.status != Status::Missing {
            return Ok(plan);
        }
        let (kind, who) = if self.is_for_group() {
            ("GROUP", Key::Group)
        } else {
            ("USER", Key::Username)
        };
        let (account, set, who) = (
            self.context.account(),
            self.context.text(Key::PermissionSet),
            self.context.text(who),
        );
        let facts = &self.context.facts;
        let instance = facts
            .instance
            .now()
            .map_or_else(|| "INSTANCE_ARN".to_owned(), |instance| instance.arn.to_string());
        let arn = facts
            .permission_set
            .now()
            .map_or_else(|| "PERMISSION_SET_ARN".to_owned(), |set| set.arn.to_string());
        plan.changes.push(Change {
            verb: Verb::Create,
            kind: ResourceKind::AccountAssignment,
            name: self.name(),
            sentence: format!(
                "Give the {} {who} the permission set {set} in account {account}.",
                kind.to_lowercase()
            ),
            command: format!(
                "aws sso-admin create-account-assignment --instance-arn {instance} --target-type AWS_ACCOUNT \
                 --target-id {account} --permission-set-arn {arn} --principal-type {kind} --principal-id {kind}_ID"
            ),
            consent: Consent::Reversible,
        });
        Ok(plan)
    }

    async fn apply(&self, change: &Change, prompter: &dyn Prompter) -> Result<(), UserError> {
        let context = &self.context;
        let subject = self
            .subject()
            .await
            .map_err(|why| UserError::failed(why, SetupCommand::again()))?;
        let (status, unanswered) = self.begin(change, &subject).await?;
        let request = status.request_id.clone().unwrap_or_default();
        let intents = context.open_intents(change.kind, &change.name);
        let Some(finished) = self.wait(&subject, (status, &intents), prompter).await? else {
            return Err(UserError::failed(
                format!(
                    "Step 5 account-assignment: the assignment did not finish within {}.",
                    duration_text(OPERATION_LIMIT)
                ),
                SetupCommand::again().to("continue to wait for the same request"),
            ));
        };
        if let Some(reason) = finished.failed {
            context.settle(change.verb, change.kind, &change.name, None)?;
            return Err(self.failed(&subject, &reason));
        }
        let was_first = self.was_first(&subject, &intents, (&finished.recent, &request, unanswered));
        let is_ours = was_first.await.map_err(rerun(&INFO))?;
        let origin = if is_ours { Origin::Created } else { Origin::Existing };
        let resource = Resource::new(origin, change.kind, &change.name, subject.key());
        context.settle(change.verb, change.kind, &change.name, Some(resource))?;
        let done = format!("Assigned {} to account {}.", subject.principal_name, subject.account);
        prompter.say(Some(&INFO), &done);
        Ok(())
    }

    fn provides(&self) -> Vec<&dyn Slot> {
        vec![&self.context.facts.assignment]
    }
}

impl AccountAssignment {
    fn is_recorded(&self, subject: &Subject) -> bool {
        let id = subject.key().into();
        self.context
            .progress
            .read(|record| record.origin(ResourceKind::AccountAssignment, &id).is_some())
    }
}
