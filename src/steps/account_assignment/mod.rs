//! Step 5: the group, or the user, gets the permission set in the account.

mod pending;
mod requests;

pub use pending::settle_pending;

use std::rc::Rc;

use async_trait::async_trait;
use aws_sdk_ssoadmin::types::{AccountAssignmentOperationStatus, PrincipalType, StatusValues};
use jiff::Timestamp;

use super::context::{Context, rerun, step_error};
use super::create::Created;
use super::facts::{Instance, PermissionSet};
use crate::answers::Key;
use crate::answers::values::AssignTo;
use crate::aws::{AwsError, waiting};
use crate::checklist::{
    Change, Choice, Consent, Importance, Observed, Permission, Plan, Prompter, Question, Slot, Status, Step, StepInfo,
    UserError,
};
use crate::limits::{OPERATION_LIMIT, SPREAD_LIMIT};
use crate::progress::{Intent, Origin, Resource, ResourceKind, Verb};
use crate::text::lasting;

/// This step's line of the checklist.
pub const INFO: StepInfo = StepInfo {
    number: 5,
    slug: "account-assignment",
    title: "Assign the account",
    importance: Importance::Required,
    why: "It joins the three: who, what they may do, and in which account.",
    feeds_others: true,
    permissions: &PERMISSIONS,
};

/// What it needs to be allowed to do. In the management account Identity Center acts with the caller's own rights in
/// IAM, not with those of its service role ("Identity-based policy examples for IAM Identity Center"): without them an
/// assignment is accepted, and fails later.
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

/// What an assignment is about.
struct Subject {
    instance: Instance,
    set: PermissionSet,
    account: String,
    principal_type: PrincipalType,
    principal: String,
    principal_name: String,
}

impl Subject {
    /// As progress names it: account, permission set, principal.
    fn id(&self) -> String {
        format!("{}/{}/{}", self.account, self.set.arn, self.principal)
    }

    fn is_of(&self, status: &AccountAssignmentOperationStatus) -> bool {
        status.target_id.as_deref() == Some(self.account.as_str())
            && status.permission_set_arn.as_deref() == Some(self.set.arn.as_str())
            && status.principal_id.as_deref() == Some(self.principal.as_str())
    }
}

/// Step 5.
pub struct AccountAssignment {
    context: Rc<Context>,
}

impl AccountAssignment {
    /// A step that has not looked yet.
    pub fn new(context: Rc<Context>) -> Self {
        Self { context }
    }

    fn is_for_group(&self) -> bool {
        self.context
            .answer::<AssignTo>(Key::AssignTo)
            .is_none_or(|to| to.value == AssignTo::Group)
    }

    /// The assignment in words that stay the same from run to run: account, permission set, principal.
    fn name(&self) -> String {
        let principal = if self.is_for_group() { Key::Group } else { Key::Username };
        format!(
            "{}/{}/{}",
            self.context.account(),
            self.context.text(Key::PermissionSet),
            self.context.text(principal)
        )
    }

    /// Waits until everything it joins is there.
    async fn subject(&self) -> Result<Subject, String> {
        let facts = &self.context.facts;
        let waits = |step: &'static str| move |_| format!("Waits for {step}.");
        let instance = facts.instance.get().await.map_err(waits("step 1"))?;
        let set = facts.permission_set.get().await.map_err(waits("step 4"))?;
        let (principal_type, principal, principal_name) = if self.is_for_group() {
            let group = facts.group.get().await.map_err(waits("step 3"))?;
            (PrincipalType::Group, group.id, self.context.text(Key::Group))
        } else {
            let user = facts.user.get().await.map_err(waits("step 2"))?;
            (PrincipalType::User, user.id, user.name)
        };
        Ok(Subject {
            instance,
            set,
            account: self.context.account(),
            principal_type,
            principal,
            principal_name,
        })
    }

    /// A delegated administrator gives no access to the management account ("Delegated administration").
    fn out_of_reach(&self, subject: &Subject) -> Option<Observed> {
        let (owner, caller) = (&subject.instance.owner, &self.context.caller.account);
        (owner != caller && owner == &subject.account).then(|| {
            Observed::blocked(
                format!("Account {caller} administers Identity Center, and may not give access to the management account {owner}."),
                format!("run idc-setup with credentials of account {owner}: idc-setup run --profile NAME"),
            )
        })
    }

    /// Whose the assignment is: as written down, or as our requests tell.
    async fn own(&self, subject: &Subject) -> Result<Resource, UserError> {
        let context = &self.context;
        let name = self.name();
        let mut resource = context.resource(ResourceKind::AccountAssignment, &name, &subject.id());
        let intents = context.open_intents(ResourceKind::AccountAssignment, &name);
        let request = if intents.is_empty() {
            None
        } else {
            self.request_of(subject, &intents).await.map_err(rerun(&INFO))?
        };
        if let Some(request) = request
            && self.has_made(subject, &intents, &request).await.map_err(rerun(&INFO))?
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

    /// Whether an assignment whose request has succeeded is there: it may have come between two looks, or be on its way to
    /// reads. Only a moment after the request that is waited for; later it is somebody else who has taken it away.
    async fn comes_to_show(&self, subject: &Subject, intents: &[Intent]) -> Result<bool, UserError> {
        let last = intents.iter().map(|intent| intent.at).max().unwrap_or_default();
        let ago = Timestamp::now().duration_since(last).unsigned_abs();
        let limit = SPREAD_LIMIT.saturating_sub(ago);
        let shows = waiting::until(self.context.timing, limit, || async {
            Ok::<_, AwsError>(self.is_assigned(subject).await?.then_some(()))
        });
        Ok(shows.await.map_err(rerun(&INFO))?.is_some())
    }

    /// The request of an earlier run that is still at work, or a new one; and whether an attempt of ours may have gone unanswered
    /// before it.
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
        // An earlier run's attempt may have gone through without an answer.
        let had_begun = !intents.is_empty();
        let intent = context.intend(&INFO, (change.verb, change.kind, &change.name), None)?;
        intents.push(intent.clone());
        let end = self.request(subject, &intents).await;
        match end.result {
            Ok(Created::Created(status) | Created::Status(status) | Created::Undecided(status)) => {
                Ok((status, end.unanswered || had_begun))
            }
            Err(aws_error) => {
                if !end.unanswered {
                    context.progress.change(|record| record.drop_intent(&intent.nonce))?;
                }
                let next = if aws_error.is_transient() {
                    "idc-setup run"
                } else {
                    "check the account's id, then: idc-setup run --account ID"
                };
                Err(super::step_error(&INFO, &aws_error, next))
            }
        }
    }

    fn failed(&self, subject: &Subject, reason: &str) -> UserError {
        let own_account = subject.account == self.context.caller.account;
        let next = if own_account {
            "in the management account Identity Center acts with your own rights: use root or an administrator, or \
             allow iam:CreateRole, iam:AttachRolePolicy, iam:PutRolePolicy, iam:CreateSAMLProvider and \
             iam:GetSAMLProvider on aws-reserved/sso.amazonaws.com/* and saml-provider/AWSSSO_*; then: idc-setup run"
        } else {
            "mend what the reason names, then: idc-setup run"
        };
        UserError::failed(
            format!(
                "Step 5 account-assignment: AWS could not make the assignment: {}.",
                reason.trim_end_matches('.')
            ),
            next,
        )
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
        if let Some(blocked) = self.out_of_reach(&subject) {
            return Ok(blocked);
        }
        let who = &subject.principal_name;
        let what = format!("{} in account {}", subject.set.name, subject.account);
        let missing = Observed::missing(format!("{who} does not have {what} yet."));
        let name = self.name();
        let intents = self.context.open_intents(ResourceKind::AccountAssignment, &name);
        // Nothing can stand on a permission set that was made a moment ago, unless we made that too.
        let nothing_yet = subject.set.is_new && intents.is_empty() && self.context.facts.assignment.now().is_none();
        if nothing_yet && !self.is_recorded(&subject) {
            return Ok(missing);
        }
        let mut is_there = self.is_assigned(&subject).await.map_err(rerun(&INFO))?;
        if !is_there && !intents.is_empty() {
            let request = self.request_of(&subject, &intents).await.map_err(rerun(&INFO))?;
            match request.map(|request| (request.status, request.request_id)) {
                Some((Some(StatusValues::InProgress), id)) => return Ok(missing.under_way(id.unwrap_or_default())),
                Some((Some(StatusValues::Succeeded), _)) => is_there = self.comes_to_show(&subject, &intents).await?,
                _ => {}
            }
        }
        if !is_there {
            return Ok(missing);
        }
        let resource = self.own(&subject).await?;
        self.context.facts.assignment.know(());
        Ok(Observed::done(format!("{who} has {what}."))
            .with("account", &subject.account)
            .with("principal", &subject.principal)
            .with("permission_set_arn", &subject.set.arn)
            .of(resource))
    }

    fn questions(&self, _finding: &Observed) -> Vec<Question> {
        Vec::new()
    }

    fn has_choices(&self, key: Key) -> bool {
        key == Key::Account
    }

    /// The organization's accounts, by name and id.
    async fn choices(&self, _key: Key) -> Result<Vec<Choice>, UserError> {
        let accounts = self.accounts().await;
        accounts.map_err(|aws_error| step_error(&INFO, &aws_error, "type the account's id"))
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
            .map_or_else(|| "INSTANCE_ARN".to_owned(), |instance| instance.arn);
        let arn = facts
            .permission_set
            .now()
            .map_or_else(|| "PERMISSION_SET_ARN".to_owned(), |set| set.arn);
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
            .map_err(|why| UserError::failed(why, "idc-setup run"))?;
        let (status, unanswered) = self.begin(change, &subject).await?;
        let request = status.request_id.clone().unwrap_or_default();
        let intents = context.open_intents(change.kind, &change.name);
        let Some(ended) = self.wait(&subject, (status, &intents), prompter).await? else {
            return Err(UserError::failed(
                format!(
                    "Step 5 account-assignment: the assignment has not ended after {}.",
                    lasting(OPERATION_LIMIT)
                ),
                "idc-setup run (it goes on waiting for the same request)",
            ));
        };
        if let Some(reason) = ended.failed {
            context.settle(change.verb, change.kind, &change.name, None)?;
            return Err(self.failed(&subject, &reason));
        }
        let was_first = self.was_first(&subject, &intents, (&ended.recent, &request, unanswered));
        let is_ours = was_first.await.map_err(rerun(&INFO))?;
        let origin = if is_ours { Origin::Created } else { Origin::Existing };
        let resource = Resource::new(origin, change.kind, &change.name, subject.id());
        context.settle(change.verb, change.kind, &change.name, Some(resource))?;
        let done = format!("Assigned account {} to {}.", subject.account, subject.principal_name);
        prompter.say(Some(&INFO), &done);
        Ok(())
    }

    fn provides(&self) -> Vec<&dyn Slot> {
        vec![&self.context.facts.assignment]
    }
}

impl AccountAssignment {
    fn is_recorded(&self, subject: &Subject) -> bool {
        let id = subject.id();
        self.context
            .progress
            .read(|record| record.origin(ResourceKind::AccountAssignment, &id).is_some())
    }
}
