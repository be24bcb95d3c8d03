//! A CloudTrail trail for management events. An existing trail is sufficient, because a second copy of the events costs
//! money. With `--create-trail`, a trail is created.

use std::rc::Rc;

use async_trait::async_trait;

use super::super::context::WizardContext;
use crate::next_step::NextStep;
use crate::progress::ResourceKind;
use crate::reconcile::plan::{Address, Node};
use crate::reconcile::{Change, Importance, Snapshot, StepInfo, rerun};
use crate::resources::item::{ItemField, ItemState};
use crate::resources::trail::{self, Trails};
use crate::user_error::UserError;
use crate::wizard::{Applied, Observed, Prompter, Step, StepPlan};

pub use crate::resources::trail::CREATE_TRAIL;

/// This recommendation's entry in the checklist.
pub const INFO: StepInfo = StepInfo {
    number: 10,
    slug: "cloudtrail",
    short: "CloudTrail",
    title: "Record management events with CloudTrail",
    importance: Importance::Recommendation,
    why: "It records who did what in the account, for longer than the 90 days of the event history.",
    feeds_others: false,
    permissions: &[trail::PERMISSIONS],
};

const BUCKET_POLICY_GUIDE: &str =
    "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html";
/// A trail for management events.
pub struct CloudTrail {
    context: Rc<WizardContext>,
}

impl CloudTrail {
    /// A step that has not checked the account yet.
    pub fn new(context: Rc<WizardContext>) -> Self {
        Self { context }
    }

    fn judge(&self, trails: &Trails) -> Observed {
        match trails {
            Trails::Sufficient(trail) => Observed::done(format!(
                "The trail {} records management events in all Regions.",
                trail.name
            ))
            .with(|evidence| {
                evidence.trail = Some(trail.arn.clone());
                evidence.bucket = Some(trail.bucket.clone());
            })
            .of(trail::entry(&self.context, trail)),
            Trails::NotDelivered(trail, why) => Observed::different(
                format!(
                    "The trail {} cannot write to the bucket {}: {why}.",
                    trail.name, trail.bucket
                ),
                NextStep::note(format!(
                    "fix the bucket policy, because failed delivery is billed: {BUCKET_POLICY_GUIDE}"
                )),
            )
            .with(|evidence| evidence.trail = Some(trail.arn.clone())),
            Trails::Insufficient(0) => Observed::missing("There is no trail."),
            Trails::Insufficient(_) => {
                Observed::missing("Trails exist, but none of them records management events in all Regions.")
            }
        }
    }
}

#[async_trait(?Send)]
impl Step for CloudTrail {
    fn info(&self) -> &'static StepInfo {
        &INFO
    }

    async fn look(&self) -> Result<Observed, UserError> {
        let context = &self.context;
        let trails = trail::observe(context, &context.wanted_region())
            .await
            .map_err(rerun(&INFO))?;
        if let Trails::Sufficient(trail) = &trails {
            trail::settle(context, trail)?;
        }
        // Another trail would not deliver better, and a second copy of the events costs money.
        let exists = !matches!(trails, Trails::Insufficient(_));
        let state = exists.then_some(ItemState::Exists);
        context.snapshot.set(Address::only(ResourceKind::Trail), state);
        Ok(self.judge(&trails))
    }

    fn covers(&self, address: &Address) -> bool {
        address.kind() == Some(ResourceKind::Trail)
    }

    fn nodes(&self) -> Vec<Node<ItemField>> {
        self.context.planned()
    }

    fn snapshot(&self) -> &Snapshot<ItemState> {
        &self.context.snapshot
    }

    fn present(&self, _node: &Node<ItemField>, _observed: &Observed, plan: &mut StepPlan) -> Result<(), UserError> {
        plan.changes.push(trail::creation());
        Ok(())
    }

    async fn apply(&self, _change: &Change, prompter: &dyn Prompter) -> Result<Applied, UserError> {
        let region = self.context.wanted_region();
        let trail = trail::create_or_finish(&self.context, &INFO, region).await?;
        let created = format!("Created the trail {} with the bucket {}.", trail.name, trail.bucket);
        prompter.say(Some(&INFO), &created);
        prompter.say(Some(&INFO), "The first log files arrive within about five minutes.");
        Ok(Applied::Yes)
    }
}
