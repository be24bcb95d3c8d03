//! Reads the trails, and checks whether one of them is sufficient.

use aws_sdk_cloudtrail::operation::get_trail_status::GetTrailStatusOutput;
use aws_sdk_cloudtrail::types;

use super::super::super::context::Context;
use crate::aws::AwsError;
use crate::ids::RegionName;

/// The properties of a trail that this recommendation needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trail {
    pub name: String,
    pub arn: String,
    pub bucket: String,
    /// Its home Region, in which it can be changed.
    pub region: RegionName,
}

/// The result of reading the trails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// This trail records management events in all Regions.
    Sufficient(Trail),
    /// This trail would be sufficient, but its log files are not delivered, for this reason.
    NotDelivered(Trail, String),
    /// None of this many trails is sufficient.
    Insufficient(usize),
}

/// Reads all trails that are visible in Identity Center's Region, which include the multi-Region trails.
pub async fn observation(context: &Context) -> Result<Observation, AwsError> {
    let client = context.clients.cloudtrail(&context.wanted_region());
    let answer = client.describe_trails().include_shadow_trails(true).send().await;
    let trails = answer
        .map_err(|error| AwsError::of("cloudtrail:DescribeTrails", error))?
        .trail_list
        .unwrap_or_default();
    let mut undelivered = None;
    for trail in trails.iter().filter(|trail| trail.is_multi_region_trail == Some(true)) {
        let known = known(context, trail);
        let status = status(context, &known).await?;
        if status.is_logging != Some(true) || !records_management_events(context, trail, &known).await? {
            continue;
        }
        match status.latest_delivery_error.filter(|error| !error.is_empty()) {
            None => return Ok(Observation::Sufficient(known)),
            Some(error) => undelivered = Some(Observation::NotDelivered(known, error)),
        }
    }
    Ok(undelivered.unwrap_or(Observation::Insufficient(trails.len())))
}

/// The logging and delivery status of a trail.
pub async fn status(context: &Context, trail: &Trail) -> Result<GetTrailStatusOutput, AwsError> {
    let client = context.clients.cloudtrail(&trail.region);
    let answer = client.get_trail_status().name(&trail.arn).send().await;
    answer.map_err(|error| AwsError::of("cloudtrail:GetTrailStatus", error))
}

fn known(context: &Context, trail: &types::Trail) -> Trail {
    let region = trail.home_region.as_deref().and_then(|region| region.parse().ok());
    Trail {
        name: trail.name.clone().unwrap_or_default(),
        arn: trail.trail_arn.clone().unwrap_or_default(),
        bucket: trail.s3_bucket_name.clone().unwrap_or_default(),
        region: region.unwrap_or_else(|| context.wanted_region()),
    }
}

/// Whether it records both read and write management events. A trail without custom event selectors records all of them.
async fn records_management_events(context: &Context, trail: &types::Trail, known: &Trail) -> Result<bool, AwsError> {
    if trail.has_custom_event_selectors != Some(true) {
        return Ok(true);
    }
    let client = context.clients.cloudtrail(&known.region);
    let answer = client.get_event_selectors().trail_name(&known.arn).send().await;
    let answer = answer.map_err(|error| AwsError::of("cloudtrail:GetEventSelectors", error))?;
    let simple = answer.event_selectors().iter().any(|selector| {
        let reads_and_writes = selector
            .read_write_type
            .as_ref()
            .is_none_or(|kind| kind.as_str() == "All");
        selector.include_management_events != Some(false) && reads_and_writes
    });
    let advanced = answer.advanced_event_selectors().iter().any(|selector| {
        let fields = selector.field_selectors();
        let is_management = fields
            .iter()
            .any(|field| field.field() == "eventCategory" && field.equals().iter().any(|value| value == "Management"));
        // Any other field leaves some of the events out.
        is_management && fields.iter().all(|field| field.field() == "eventCategory")
    });
    Ok(simple || advanced)
}
