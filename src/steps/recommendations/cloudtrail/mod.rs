//! A CloudTrail trail for management events: one that is there already is enough, since a second copy of the
//! events costs money; with `--create-trail` one is made.

mod make;
mod reads;

use std::rc::Rc;

use async_trait::async_trait;

use super::super::context::{Context, rerun};
use crate::checklist::{
    Change, Consent, Importance, NamedConsent, Observed, Permission, Plan, Prompter, Question, Status, Step, StepInfo,
    UserError,
};
use crate::progress::{ResourceKind, Verb};
use reads::Observation;

/// This recommendation's line of the checklist.
pub const INFO: StepInfo = StepInfo {
    number: 10,
    slug: "cloudtrail",
    title: "Record management events with CloudTrail",
    importance: Importance::Recommendation,
    why: "It keeps who did what in the account, for longer than the 90 days of the event history.",
    feeds_others: false,
    permissions: &PERMISSIONS,
};

/// What it needs to be allowed to do; S3 names some actions otherwise than its operations (Service Authorization
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
    // Taken back with the trail, while nothing is in it.
    Permission::change_on(BUCKETS, "s3:DeleteBucket"),
];

const TRAILS: &str = "arn:*:cloudtrail:*:*:trail/idc-setup-*";
const BUCKETS: &str = "arn:*:s3:::idc-setup-trail-*";

/// The flag that agrees to make a trail.
pub const CREATE_TRAIL: &str = "create-trail";

/// The name of the change; the trail's own has the intent's nonce in it.
const TRAIL: &str = "management-events";

/// A trail for management events.
pub struct CloudTrail {
    context: Rc<Context>,
}

impl CloudTrail {
    /// A step that has not looked yet.
    pub fn new(context: Rc<Context>) -> Self {
        Self { context }
    }

    fn judge(&self, observation: &Observation) -> Observed {
        match observation {
            Observation::Enough(trail) => Observed::done(format!("The trail {} records management events in all Regions.", trail.name))
                .with("trail", &trail.arn)
                .with("bucket", &trail.bucket)
                .of(self.context.resource(ResourceKind::Trail, &trail.name, &trail.arn)),
            Observation::NotDelivered(trail, why) => Observed::different(
                format!("The trail {} cannot write to the bucket {}: {why}.", trail.name, trail.bucket),
                "mend the bucket's policy, since failed delivery is billed: \
                 https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html",
            )
            .with("trail", &trail.arn),
            Observation::None(0) => Observed::missing("There is no trail."),
            Observation::None(_) => {
                Observed::missing("There are trails, and none records the management events of all Regions.")
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
        if let Observation::Enough(trail) = &observation {
            make::settle(&self.context, trail)?;
        }
        Ok(self.judge(&observation))
    }

    fn questions(&self, _finding: &Observed) -> Vec<Question> {
        Vec::new()
    }

    fn plan(&self, observed: &Observed) -> Result<Plan, UserError> {
        let mut plan = Plan::default();
        if observed.status == Status::Missing {
            let stake = "The first copy of management events is free of charge; the bucket's storage is not, and costs \
                         cents a month in a quiet account.";
            plan.changes.push(Change {
                verb: Verb::Create,
                kind: ResourceKind::Trail,
                name: TRAIL.to_owned(),
                sentence: "Make a bucket, and a trail of all Regions that writes management events to it.".to_owned(),
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
        let trail = make::make(&self.context, TRAIL).await?;
        let made = format!("Made the trail {} with the bucket {}.", trail.name, trail.bucket);
        prompter.say(Some(&INFO), &made);
        prompter.say(Some(&INFO), "The first files come within some five minutes.");
        Ok(())
    }
}
