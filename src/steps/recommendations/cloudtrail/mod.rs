//! A CloudTrail trail for management events. An existing trail is sufficient, because a second copy of the events costs
//! money. With `--create-trail`, a trail is created.

mod create;
mod reads;

use std::rc::Rc;

use async_trait::async_trait;

use super::super::context::{Context, rerun};
use crate::checklist::{
    Change, Consent, Importance, NamedConsent, Observed, Permission, Plan, Prompter, Question, Status, Step, StepInfo,
    UserError,
};
use crate::next_step::NextStep;
use crate::progress::{ResourceKind, Verb};
use reads::Observation;

/// This recommendation's entry in the checklist.
pub const INFO: StepInfo = StepInfo {
    number: 10,
    slug: "cloudtrail",
    title: "Record management events with CloudTrail",
    importance: Importance::Recommendation,
    why: "It records who did what in the account, for longer than the 90 days of the event history.",
    feeds_others: false,
    permissions: &PERMISSIONS,
};

/// The permissions that it needs. The names of some S3 actions differ from those of the operations (Service Authorization
/// Reference).
const PERMISSIONS: [Permission; 11] = [
    Permission::look("cloudtrail:DescribeTrails"),
    Permission::look("cloudtrail:GetTrailStatus"),
    Permission::look("cloudtrail:GetEventSelectors"),
    Permission::change_on(TRAILS, "cloudtrail:CreateTrail"),
    Permission::change_on(TRAILS, "cloudtrail:StartLogging"),
    Permission::change_on(TRAILS, "cloudtrail:DeleteTrail"),
    Permission::change_on(BUCKETS, "s3:CreateBucket"),
    // `HeadBucket`.
    Permission::change_on(BUCKETS, "s3:ListBucket"),
    Permission::change_on(BUCKETS, "s3:PutBucketPublicAccessBlock"),
    Permission::change_on(BUCKETS, "s3:PutBucketPolicy"),
    // Deleted with the trail while it is empty.
    Permission::change_on(BUCKETS, "s3:DeleteBucket"),
];

const BUCKET_POLICY_GUIDE: &str =
    "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html";
const TRAILS: &str = "arn:*:cloudtrail:*:*:trail/idc-setup-*";
const BUCKETS: &str = "arn:*:s3:::idc-setup-trail-*";

/// The flag that allows creating a trail.
pub const CREATE_TRAIL: &str = "create-trail";

/// The name of the change. The trail's own name contains the nonce of the intent.
const TRAIL: &str = "management-events";

/// A trail for management events.
pub struct CloudTrail {
    context: Rc<Context>,
}

impl CloudTrail {
    /// A step that has not checked the account yet.
    pub fn new(context: Rc<Context>) -> Self {
        Self { context }
    }

    fn judge(&self, observation: &Observation) -> Observed {
        match observation {
            Observation::Sufficient(trail) => Observed::done(format!(
                "The trail {} records management events in all Regions.",
                trail.name
            ))
            .with("trail", &trail.arn)
            .with("bucket", &trail.bucket)
            .of(self.context.resource(ResourceKind::Trail, &trail.name, &trail.arn)),
            Observation::NotDelivered(trail, why) => Observed::different(
                format!(
                    "The trail {} cannot write to the bucket {}: {why}.",
                    trail.name, trail.bucket
                ),
                NextStep::note(format!(
                    "fix the bucket policy, because failed delivery is billed: {BUCKET_POLICY_GUIDE}"
                )),
            )
            .with("trail", &trail.arn),
            Observation::Insufficient(0) => Observed::missing("There is no trail."),
            Observation::Insufficient(_) => {
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
        let observation = reads::observation(&self.context).await.map_err(rerun(&INFO))?;
        if let Observation::Sufficient(trail) = &observation {
            create::settle(&self.context, trail)?;
        }
        Ok(self.judge(&observation))
    }

    fn questions(&self, _observed: &Observed) -> Vec<Question> {
        Vec::new()
    }

    fn plan(&self, observed: &Observed) -> Result<Plan, UserError> {
        let mut plan = Plan::default();
        if observed.status == Status::Missing {
            let stake = "The first copy of management events is free of charge. The bucket's storage costs a few cents a \
                         month in a quiet account.";
            plan.changes.push(Change {
                verb: Verb::Create,
                kind: ResourceKind::Trail,
                name: TRAIL.into(),
                sentence: "Create a bucket and a multi-Region trail that writes management events to it.".to_owned(),
                command: "aws cloudtrail create-trail --name NAME --s3-bucket-name BUCKET --is-multi-region-trail \
                          --enable-log-file-validation"
                    .to_owned(),
                consent: Consent::Named(vec![NamedConsent {
                    flag: CREATE_TRAIL,
                    stake: stake.to_owned(),
                    is_final: false,
                }]),
            });
        }
        Ok(plan)
    }

    async fn apply(&self, _change: &Change, prompter: &dyn Prompter) -> Result<(), UserError> {
        let trail = create::create_or_finish(&self.context, TRAIL).await?;
        let created = format!("Created the trail {} with the bucket {}.", trail.name, trail.bucket);
        prompter.say(Some(&INFO), &created);
        prompter.say(Some(&INFO), "The first log files arrive within about five minutes.");
        Ok(())
    }
}
