//! Which trails there are, and whether one of them is enough.

use aws_sdk_cloudtrail::operation::get_trail_status::GetTrailStatusOutput;
use aws_sdk_cloudtrail::types;

use super::super::super::context::Context;
use crate::aws::AwsError;

/// A trail, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trail {
    pub name: String,
    pub arn: String,
    pub bucket: String,
    /// Its home Region: what changes it is called there.
    pub region: String,
}

/// What a look has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// This one records the management events of all Regions.
    Enough(Trail),
    /// This one would, and its files do not arrive, for this reason.
    NotDelivered(Trail, String),
    /// So many trails, and none is enough.
    None(usize),
}

/// Looks at all trails that are seen from Identity Center's Region: those of all Regions among them.
pub async fn observation(context: &Context) -> Result<Observation, AwsError> {
    let client = context.clients.cloudtrail(&context.wanted_region());
    let answer = client.describe_trails().include_shadow_trails(true).send().await;
    let trails = answer
        .map_err(|error| AwsError::of("cloudtrail:DescribeTrails", error))?
        .trail_list
        .unwrap_or_default();
    let mut undelivered = None;
    for trail in trails.iter().filter(|trail| trail.is_multi_region_trail == Some(true)) {
        let known = known(trail);
        let status = status(context, &known).await?;
        if status.is_logging != Some(true) || !records_management_events(context, trail, &known).await? {
            continue;
        }
        match status.latest_delivery_error.filter(|error| !error.is_empty()) {
            None => return Ok(Observation::Enough(known)),
            Some(error) => undelivered = Some(Observation::NotDelivered(known, error)),
        }
    }
    Ok(undelivered.unwrap_or(Observation::None(trails.len())))
}

/// Whether it logs, and whether its files arrive.
pub async fn status(context: &Context, trail: &Trail) -> Result<GetTrailStatusOutput, AwsError> {
    let client = context.clients.cloudtrail(&trail.region);
    let answer = client.get_trail_status().name(&trail.arn).send().await;
    answer.map_err(|error| AwsError::of("cloudtrail:GetTrailStatus", error))
}

fn known(trail: &types::Trail) -> Trail {
    Trail {
        name: trail.name.clone().unwrap_or_default(),
        arn: trail.trail_arn.clone().unwrap_or_default(),
        bucket: trail.s3_bucket_name.clone().unwrap_or_default(),
        region: trail.home_region.clone().unwrap_or_default(),
    }
}

/// Reads and writes both. A trail without selectors of its own records all management events.
async fn records_management_events(context: &Context, trail: &types::Trail, known: &Trail) -> Result<bool, AwsError> {
    if trail.has_custom_event_selectors != Some(true) {
        return Ok(true);
    }
    let client = context.clients.cloudtrail(&known.region);
    let answer = client.get_event_selectors().trail_name(&known.arn).send().await;
    let answer = answer.map_err(|error| AwsError::of("cloudtrail:GetEventSelectors", error))?;
    let simple = answer.event_selectors().iter().any(|selector| {
        let everything = selector
            .read_write_type
            .as_ref()
            .is_none_or(|kind| kind.as_str() == "All");
        selector.include_management_events != Some(false) && everything
    });
    let advanced = answer.advanced_event_selectors().iter().any(|selector| {
        let fields = selector.field_selectors();
        let is_management = fields
            .iter()
            .any(|field| field.field() == "eventCategory" && field.equals().iter().any(|value| value == "Management"));
        is_management && fields.iter().all(|field| field.field() != "readOnly")
    });
    Ok(simple || advanced)
}
