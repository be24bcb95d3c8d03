//! Step 5: the group, or the user, gets the permission set in the account.

mod begun;
mod requests;

pub use begun::settle_begun;

use std::rc::Rc;

use async_trait::async_trait;
use aws_sdk_ssoadmin::types::{AccountAssignmentOperationStatus, PrincipalType, StatusValues};
use jiff::Timestamp;

use super::create::Created;
use super::facts::{Instance, PermissionSet};
use super::setting::{Setting, rerun, trouble};
use crate::answers::Key;
use crate::answers::values::AssignTo;
use crate::aws::{Failure, waiting};
use crate::checklist::{
    Change, Choice, Consent, Finding, Found, Guide, Need, Plan, Question, Right, Slot, Step, StepInfo, Trouble,
};
use crate::limits::{OPERATION_LIMIT, SPREAD_LIMIT};
use crate::progress::{How, Intent, Resource, ResourceKind, Verb};
use crate::words::lasting;

/// This step's line of the checklist.
pub const INFO: StepInfo = StepInfo {
    number: 5,
    slug: "account-assignment",
    title: "Assign the account",
    need: Need::Required,
    why: "It joins the three: who, what they may do, and in which account.",
    feeds_others: true,
    rights: &RIGHTS,
};

/// What it needs to be allowed to do. In the management account Identity Center acts with the caller's own rights in
/// IAM, not with those of its service role ("Identity-based policy examples for IAM Identity Center"): without them an
/// assignment is accepted, and fails later.
const RIGHTS: [Right; 19] = [
    Right::look("organizations:ListAccounts"),
    Right::look("sso:ListAccountAssignments"),
    Right::look("sso:ListAccountAssignmentCreationStatus"),
    Right::look("sso:DescribeAccountAssignmentCreationStatus"),
    Right::change("sso:CreateAccountAssignment"),
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
    Right::change_on(PROVIDERS, "iam:CreateSAMLProvider"),
    Right::change_on(PROVIDERS, "iam:GetSAMLProvider"),
    Right::change_on(PROVIDERS, "iam:UpdateSAMLProvider"),
];

const PROVIDERS: &str = "arn:*:iam::*:saml-provider/AWSSSO_*";

const fn on_roles(action: &'static str) -> Right {
    Right::change_on("arn:*:iam::*:role/aws-reserved/sso.amazonaws.com/*", action)
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
    setting: Rc<Setting>,
}

impl AccountAssignment {
    /// A step that has not looked yet.
    pub fn new(setting: Rc<Setting>) -> Self {
        Self { setting }
    }

    fn is_for_group(&self) -> bool {
        self.setting
            .answer::<AssignTo>(Key::AssignTo)
            .is_none_or(|to| to.value == AssignTo::Group)
    }

    /// The assignment in words that stay the same from run to run: account, permission set, principal.
    fn name(&self) -> String {
        let principal = if self.is_for_group() { Key::Group } else { Key::Username };
        format!(
            "{}/{}/{}",
            self.setting.account(),
            self.setting.text(Key::PermissionSet),
            self.setting.text(principal)
        )
    }

    /// Waits until everything it joins is there.
    async fn subject(&self) -> Result<Subject, String> {
        let facts = &self.setting.facts;
        let waits = |step: &'static str| move |_| format!("Waits for {step}.");
        let instance = facts.instance.get().await.map_err(waits("step 1"))?;
        let set = facts.permission_set.get().await.map_err(waits("step 4"))?;
        let (principal_type, principal, principal_name) = if self.is_for_group() {
            let group = facts.group.get().await.map_err(waits("step 3"))?;
            (PrincipalType::Group, group.id, self.setting.text(Key::Group))
        } else {
            let user = facts.user.get().await.map_err(waits("step 2"))?;
            (PrincipalType::User, user.id, user.name)
        };
        Ok(Subject {
            instance,
            set,
            account: self.setting.account(),
            principal_type,
            principal,
            principal_name,
        })
    }

    /// A delegated administrator gives no access to the management account ("Delegated administration").
    fn out_of_reach(&self, subject: &Subject) -> Option<Finding> {
        let (owner, caller) = (&subject.instance.owner, &self.setting.caller.account);
        (owner != caller && owner == &subject.account).then(|| {
            Finding::blocked(
                format!("Account {caller} administers Identity Center, and may not give access to the management account {owner}."),
                format!("run idc-setup with credentials of account {owner}: idc-setup run --profile NAME"),
            )
        })
    }

    /// Whose the assignment is: as written down, or as our requests tell.
    async fn own(&self, subject: &Subject) -> Result<Resource, Trouble> {
        let setting = &self.setting;
        let name = self.name();
        let mut resource = setting.resource(ResourceKind::AccountAssignment, &name, &subject.id());
        let intents = setting.open_intents(ResourceKind::AccountAssignment, &name);
        let request = if intents.is_empty() {
            None
        } else {
            self.request_of(subject, &intents).await.map_err(rerun(&INFO))?
        };
        if let Some(request) = request
            && self.has_made(subject, &intents, &request).await.map_err(rerun(&INFO))?
        {
            resource.how = How::Made;
        }
        setting.settle(
            Verb::Create,
            ResourceKind::AccountAssignment,
            &name,
            Some(resource.clone()),
        )?;
        Ok(resource)
    }

    /// Whether an assignment whose request has succeeded is there: it may have come between two looks, or be on its way to
    /// reads. Only a moment after the request that is waited for; later it is somebody else who has taken it away.
    async fn comes_to_show(&self, subject: &Subject, intents: &[Intent]) -> Result<bool, Trouble> {
        let last = intents.iter().map(|intent| intent.at).max().unwrap_or_default();
        let ago = Timestamp::now().duration_since(last).unsigned_abs();
        let limit = SPREAD_LIMIT.saturating_sub(ago);
        let shows = waiting::until(self.setting.timing, limit, || async {
            Ok::<_, Failure>(self.is_assigned(subject).await?.then_some(()))
        });
        Ok(shows.await.map_err(rerun(&INFO))?.is_some())
    }

    /// The request of an earlier run that is still at work, or a new one; and whether an attempt of ours may have gone unanswered
    /// before it.
    async fn begin(
        &self,
        change: &Change,
        subject: &Subject,
    ) -> Result<(AccountAssignmentOperationStatus, bool), Trouble> {
        let setting = &self.setting;
        let mut intents = setting.open_intents(change.kind, &change.name);
        if !intents.is_empty() {
            let earlier = self.request_of(subject, &intents).await.map_err(rerun(&INFO))?;
            if let Some(status) = earlier.filter(|status| status.status == Some(StatusValues::InProgress)) {
                return Ok((status, true));
            }
        }
        // An earlier run's attempt may have gone through without an answer.
        let had_begun = !intents.is_empty();
        let intent = setting.intend(&INFO, (change.verb, change.kind, &change.name), None)?;
        intents.push(intent.clone());
        let end = self.request(subject, &intents).await;
        match end.result {
            Ok(Created::Made(status) | Created::Found(status) | Created::Undecided(status)) => {
                Ok((status, end.unanswered || had_begun))
            }
            Err(failure) => {
                if !end.unanswered {
                    setting.progress.change(|record| record.drop_intent(&intent.nonce))?;
                }
                let next = if failure.may_pass() {
                    "idc-setup run"
                } else {
                    "check the account's id, then: idc-setup run --account ID"
                };
                Err(super::trouble(&INFO, &failure, next))
            }
        }
    }

    fn failed(&self, subject: &Subject, reason: &str) -> Trouble {
        let own_account = subject.account == self.setting.caller.account;
        let next = if own_account {
            "in the management account Identity Center acts with your own rights: use root or an administrator, or \
             allow iam:CreateRole, iam:AttachRolePolicy, iam:PutRolePolicy, iam:CreateSAMLProvider and \
             iam:GetSAMLProvider on aws-reserved/sso.amazonaws.com/* and saml-provider/AWSSSO_*; then: idc-setup run"
        } else {
            "mend what the reason names, then: idc-setup run"
        };
        Trouble::failed(
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

    async fn look(&self) -> Result<Finding, Trouble> {
        let subject = match self.subject().await {
            Ok(subject) => subject,
            Err(why) => return Ok(Finding::waits_for(why)),
        };
        if let Some(blocked) = self.out_of_reach(&subject) {
            return Ok(blocked);
        }
        let who = &subject.principal_name;
        let what = format!("{} in account {}", subject.set.name, subject.account);
        let missing = Finding::missing(format!("{who} does not have {what} yet."));
        let name = self.name();
        let intents = self.setting.open_intents(ResourceKind::AccountAssignment, &name);
        // Nothing can stand on a permission set that was made a moment ago, unless we made that too.
        let nothing_yet = subject.set.is_new && intents.is_empty() && self.setting.facts.assignment.now().is_none();
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
        self.setting.facts.assignment.know(());
        Ok(Finding::done(format!("{who} has {what}."))
            .with("account", &subject.account)
            .with("principal", &subject.principal)
            .with("permission-set-arn", &subject.set.arn)
            .of(resource))
    }

    fn questions(&self, _finding: &Finding) -> Vec<Question> {
        Vec::new()
    }

    fn has_choices(&self, key: Key) -> bool {
        key == Key::Account
    }

    /// The organization's accounts, by name and id.
    async fn choices(&self, _key: Key) -> Result<Vec<Choice>, Trouble> {
        let accounts = self.accounts().await;
        accounts.map_err(|failure| trouble(&INFO, &failure, "type the account's id"))
    }

    fn plan(&self, finding: &Finding) -> Result<Plan, Trouble> {
        let mut plan = Plan::default();
        if finding.found != Found::Missing {
            return Ok(plan);
        }
        let (kind, who) = if self.is_for_group() {
            ("GROUP", Key::Group)
        } else {
            ("USER", Key::Username)
        };
        let (account, set, who) = (
            self.setting.account(),
            self.setting.text(Key::PermissionSet),
            self.setting.text(who),
        );
        let facts = &self.setting.facts;
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

    async fn apply(&self, change: &Change, guide: &dyn Guide) -> Result<(), Trouble> {
        let setting = &self.setting;
        let subject = self
            .subject()
            .await
            .map_err(|why| Trouble::failed(why, "idc-setup run"))?;
        let (status, unanswered) = self.begin(change, &subject).await?;
        let request = status.request_id.clone().unwrap_or_default();
        let intents = setting.open_intents(change.kind, &change.name);
        let Some(ended) = self.wait(&subject, (status, &intents), guide).await? else {
            return Err(Trouble::failed(
                format!(
                    "Step 5 account-assignment: the assignment has not ended after {}.",
                    lasting(OPERATION_LIMIT)
                ),
                "idc-setup run (it goes on waiting for the same request)",
            ));
        };
        if let Some(reason) = ended.failed {
            setting.settle(change.verb, change.kind, &change.name, None)?;
            return Err(self.failed(&subject, &reason));
        }
        let was_first = self.was_first(&subject, &intents, (&ended.recent, &request, unanswered));
        let is_ours = was_first.await.map_err(rerun(&INFO))?;
        let how = if is_ours { How::Made } else { How::Found };
        let resource = Resource::new(how, change.kind, &change.name, subject.id());
        setting.settle(change.verb, change.kind, &change.name, Some(resource))?;
        let done = format!("Assigned account {} to {}.", subject.account, subject.principal_name);
        guide.say(Some(&INFO), &done);
        Ok(())
    }

    fn provides(&self) -> Vec<&dyn Slot> {
        vec![&self.setting.facts.assignment]
    }
}

impl AccountAssignment {
    fn is_recorded(&self, subject: &Subject) -> bool {
        let id = subject.id();
        self.setting
            .progress
            .read(|record| record.how(ResourceKind::AccountAssignment, &id).is_some())
    }
}
