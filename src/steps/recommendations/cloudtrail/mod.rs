//! A CloudTrail trail for management events: one that is there already is enough, since a second copy of the
//! events costs money; with `--create-trail` one is made.

mod make;
mod reads;

use std::rc::Rc;

use async_trait::async_trait;

use super::super::setting::{Setting, rerun};
use crate::checklist::{
    Change, Consent, Finding, Found, Guide, NamedConsent, Need, Plan, Question, Right, Step, StepInfo, Trouble,
};
use crate::progress::{ResourceKind, Verb};
use reads::Sight;

/// This recommendation's line of the checklist.
pub const INFO: StepInfo = StepInfo {
    number: 10,
    slug: "cloudtrail",
    title: "Record management events with CloudTrail",
    need: Need::Recommendation,
    why: "It keeps who did what in the account, for longer than the 90 days of the event history.",
    feeds_others: false,
    rights: &RIGHTS,
};

/// What it needs to be allowed to do; S3 names some actions otherwise than its operations (Service Authorization
/// Reference).
const RIGHTS: [Right; 11] = [
    Right::look("cloudtrail:DescribeTrails"),
    Right::look("cloudtrail:GetTrailStatus"),
    Right::look("cloudtrail:GetEventSelectors"),
    Right::change_on(TRAILS, "cloudtrail:CreateTrail"),
    Right::change_on(TRAILS, "cloudtrail:StartLogging"),
    Right::change_on(TRAILS, "cloudtrail:DeleteTrail"),
    Right::change_on(BUCKETS, "s3:CreateBucket"),
    // `HeadBucket`.
    Right::change_on(BUCKETS, "s3:ListBucket"),
    Right::change_on(BUCKETS, "s3:PutBucketPublicAccessBlock"),
    Right::change_on(BUCKETS, "s3:PutBucketPolicy"),
    // Taken back with the trail, while nothing is in it.
    Right::change_on(BUCKETS, "s3:DeleteBucket"),
];

const TRAILS: &str = "arn:*:cloudtrail:*:*:trail/idc-setup-*";
const BUCKETS: &str = "arn:*:s3:::idc-setup-trail-*";

/// The flag that agrees to make a trail.
pub const CREATE_TRAIL: &str = "create-trail";

/// The name of the change; the trail's own has the intent's nonce in it.
const TRAIL: &str = "management-events";

/// A trail for management events.
pub struct CloudTrail {
    setting: Rc<Setting>,
}

impl CloudTrail {
    /// A step that has not looked yet.
    pub fn new(setting: Rc<Setting>) -> Self {
        Self { setting }
    }

    fn judge(&self, sight: &Sight) -> Finding {
        match sight {
            Sight::Enough(trail) => Finding::done(format!("The trail {} records management events in all Regions.", trail.name))
                .with("trail", &trail.arn)
                .with("bucket", &trail.bucket)
                .of(self.setting.resource(ResourceKind::Trail, &trail.name, &trail.arn)),
            Sight::NotDelivered(trail, why) => Finding::different(
                format!("The trail {} cannot write to the bucket {}: {why}.", trail.name, trail.bucket),
                "mend the bucket's policy, since failed delivery is billed: \
                 https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html",
            )
            .with("trail", &trail.arn),
            Sight::None(0) => Finding::missing("There is no trail."),
            Sight::None(_) => {
                Finding::missing("There are trails, and none records the management events of all Regions.")
            }
        }
    }
}

#[async_trait(?Send)]
impl Step for CloudTrail {
    fn info(&self) -> &'static StepInfo {
        &INFO
    }

    async fn look(&self) -> Result<Finding, Trouble> {
        let sight = reads::sight(&self.setting).await.map_err(rerun(&INFO))?;
        if let Sight::Enough(trail) = &sight {
            make::settle(&self.setting, trail)?;
        }
        Ok(self.judge(&sight))
    }

    fn questions(&self, _finding: &Finding) -> Vec<Question> {
        Vec::new()
    }

    fn plan(&self, finding: &Finding) -> Result<Plan, Trouble> {
        let mut plan = Plan::default();
        if finding.found == Found::Missing {
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

    async fn apply(&self, _change: &Change, guide: &dyn Guide) -> Result<(), Trouble> {
        let trail = make::make(&self.setting, TRAIL).await?;
        let made = format!("Made the trail {} with the bucket {}.", trail.name, trail.bucket);
        guide.say(Some(&INFO), &made);
        guide.say(Some(&INFO), "The first files come within some five minutes.");
        Ok(())
    }
}
