//! No access keys for the root user, and MFA for it. IAM reports both, but only the root user can change them.

use std::rc::Rc;

use async_trait::async_trait;
use aws_sdk_iam::types::SummaryKeyType;

use super::super::context::WizardContext;
use crate::aws::{AwsError, Permission};
use crate::next_step::{NextSteps, SetupCommand};
use crate::reconcile::plan::{Address, Node, Task};
use crate::reconcile::{Importance, Snapshot, StepInfo, step_error};
use crate::resources::item::{ItemField, ItemState};
use crate::user_error::UserError;
use crate::wizard::{HumanTask, Observed, Status, Step, StepPlan, TaskKind};

/// This recommendation's entry in the checklist.
pub const INFO: StepInfo = StepInfo {
    number: 11,
    slug: "root-access-keys",
    short: "Root user",
    title: "No root access keys",
    importance: Importance::Recommendation,
    why: "No policy can limit a root access key that leaks.",
    feeds_others: false,
    permissions: &[&[Permission::look("iam:GetAccountSummary")]],
};

/// No access keys for the root user.
pub struct RootAccessKeys {
    context: Rc<WizardContext>,
}

impl RootAccessKeys {
    /// A step that has not checked the account yet.
    pub fn new(context: Rc<WizardContext>) -> Self {
        Self { context }
    }
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
            step_error(&INFO, &aws_error, SetupCommand::run().value("--only", INFO.slug))
        })?;
        let summary = answer.summary_map.unwrap_or_default();
        let is_present = |key: &SummaryKeyType| summary.get(key).is_some_and(|count| *count > 0);
        let keys = is_present(&SummaryKeyType::AccountAccessKeysPresent);
        let mfa = is_present(&SummaryKeyType::AccountMfaEnabled);
        for (task, is_done) in [(Task::AssignRootMfa, mfa), (Task::DeleteRootAccessKeys, !keys)] {
            let state = is_done.then_some(ItemState::Exists);
            context.snapshot.set(Address::Task(task), state);
        }
        let summary = match (keys, mfa) {
            (false, true) => "The root user has MFA and no access keys.",
            (false, false) => "The root user has no access keys and no MFA.",
            (true, true) => "The root user has access keys.",
            (true, false) => "The root user has access keys and no MFA.",
        };
        let status = if !keys && mfa { Status::Done } else { Status::Missing };
        Ok(Observed::new(status, summary).with(|evidence| {
            evidence.has_root_access_keys = Some(keys);
            evidence.has_root_mfa = Some(mfa);
        }))
    }

    fn covers(&self, address: &Address) -> bool {
        matches!(address, Address::Task(Task::AssignRootMfa | Task::DeleteRootAccessKeys))
    }

    fn nodes(&self) -> Vec<Node<ItemField>> {
        self.context.planned()
    }

    fn snapshot(&self) -> &Snapshot<ItemState> {
        &self.context.snapshot
    }

    fn present(&self, node: &Node<ItemField>, _observed: &Observed, plan: &mut StepPlan) -> Result<(), UserError> {
        let place = self.context.console.root_security(&self.context.bootstrap_region);
        let task = |sentence: &str, choices: &[&str], then: Option<&str>, detail: &str| HumanTask {
            sentence: sentence.to_owned(),
            brief: "protect the root user",
            link: Some(place.link.clone()),
            code: None,
            path: place.path.clone(),
            choices: choices.iter().map(|choice| (*choice).to_owned()).collect(),
            command: None,
            alternatives: NextSteps::default(),
            afterward: then.map(str::to_owned),
            help: Vec::new(),
            details: vec![
                detail.to_owned(),
                "Only the root user can do this. Sign in with the account's email address.".to_owned(),
            ],
            kind: TaskKind::Checked,
            proof: None,
        };
        plan.tasks.push(match &node.address {
            Address::Task(Task::AssignRootMfa) => task(
                "Assign an MFA device to the root user.",
                &["Assign MFA device"],
                None,
                "The root user can do everything, and only its password protects it.",
            ),
            _ => task(
                "Delete the root user's access keys.",
                &["Access keys", "Actions", "Deactivate"],
                Some("If nothing breaks, choose \"Actions\" and \"Delete\"."),
                "Everything that still uses them needs other credentials first.",
            ),
        });
        Ok(())
    }
}
