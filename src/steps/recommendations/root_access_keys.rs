//! No access keys for the root user, and a second factor for it: IAM tells both, only root can change them.

use std::rc::Rc;

use async_trait::async_trait;
use aws_sdk_iam::types::SummaryKeyType;

use super::super::context::{Context, step_error};
use crate::aws::AwsError;
use crate::checklist::{
    Change, HumanTask, Importance, Observed, Permission, Plan, Prompter, Question, Status, Step, StepInfo, TaskKind,
    UserError,
};
use crate::next_step::NextSteps;

/// This recommendation's line of the checklist.
pub const INFO: StepInfo = StepInfo {
    number: 11,
    slug: "root-access-keys",
    title: "No root access keys",
    importance: Importance::Recommendation,
    why: "A root access key that leaks cannot be limited by any policy.",
    feeds_others: false,
    permissions: &[Permission::look("iam:GetAccountSummary")],
};

const KEYS: &str = "root_access_keys";
const SECOND_FACTOR: &str = "root_mfa";
const PRESENT: &str = "present";
const ABSENT: &str = "absent";

/// No access keys for the root user.
pub struct RootAccessKeys {
    context: Rc<Context>,
}

impl RootAccessKeys {
    /// A step that has not looked yet.
    pub fn new(context: Rc<Context>) -> Self {
        Self { context }
    }
}

fn word(present: bool) -> &'static str {
    if present { PRESENT } else { ABSENT }
}

#[async_trait(?Send)]
impl Step for RootAccessKeys {
    fn info(&self) -> &'static StepInfo {
        &INFO
    }

    async fn look(&self) -> Result<Observed, UserError> {
        let context = &self.context;
        let answer = context
            .clients
            .iam(&context.bootstrap_region)
            .get_account_summary()
            .send()
            .await;
        let answer = answer.map_err(|error| {
            let aws_error = AwsError::of("iam:GetAccountSummary", error);
            step_error(&INFO, &aws_error, "idc-setup run --only root-access-keys")
        })?;
        let summary = answer.summary_map.unwrap_or_default();
        let is_on = |key: &SummaryKeyType| summary.get(key).is_some_and(|count| *count > 0);
        let keys = is_on(&SummaryKeyType::AccountAccessKeysPresent);
        let second_factor = is_on(&SummaryKeyType::AccountMfaEnabled);
        let is = match (keys, second_factor) {
            (false, true) => "The root user has no access keys, and MFA.",
            (false, false) => "The root user has no access keys, and no MFA.",
            (true, true) => "The root user has access keys.",
            (true, false) => "The root user has access keys, and no MFA.",
        };
        let found = if !keys && second_factor {
            Status::Done
        } else {
            Status::Missing
        };
        Ok(Observed::new(found, is)
            .with(KEYS, word(keys))
            .with(SECOND_FACTOR, word(second_factor)))
    }

    fn questions(&self, _finding: &Observed) -> Vec<Question> {
        Vec::new()
    }

    fn plan(&self, observed: &Observed) -> Result<Plan, UserError> {
        let is = |name: &str, value: &str| observed.evidence.get(name).is_some_and(|seen| seen == value);
        let place = self.context.console.root_security(&self.context.bootstrap_region);
        let task = |sentence: &str, part: &str, detail: &str| HumanTask {
            sentence: sentence.to_owned(),
            link: Some(place.link.clone()),
            code: None,
            clicks: format!("{} → {part}", place.clicks),
            command: None,
            alternatives: NextSteps::default(),
            details: vec![
                detail.to_owned(),
                "Only the root user can: sign in with the account's own address.".to_owned(),
            ],
            kind: TaskKind::Checked,
        };
        let mut plan = Plan::default();
        if is(SECOND_FACTOR, ABSENT) {
            plan.tasks.push(task(
                "Give the root user MFA.",
                "Multi-factor authentication → Assign MFA device",
                "Before anything else: root can do everything, and its password alone opens it.",
            ));
        }
        if is(KEYS, PRESENT) {
            plan.tasks.push(task(
                "Delete the root user's access keys.",
                "Access keys → Actions → Deactivate, and when nothing breaks: Delete",
                "Whatever still uses them needs other credentials first.",
            ));
        }
        Ok(plan)
    }

    async fn apply(&self, _change: &Change, _guide: &dyn Prompter) -> Result<(), UserError> {
        Ok(())
    }
}
