//! The kind of the account, and the state of Identity Center in it.

use super::row::{CheckStatus, Row};
use crate::answers::Key;
use crate::aws::AwsError;
use crate::ids::{IdentityStoreId, RegionName};
use crate::next_step::{NextSteps, SetupCommand};
use crate::wizard::steps::{AccountKind, EnableIdentityCenter, WizardContext};
use crate::wizard::{Observed, Status};

/// The number of users that are checked for signs of an identity provider.
const USERS: i32 = 10;

/// The rows of the account and of Identity Center.
pub async fn rows(context: &WizardContext, first: &EnableIdentityCenter) -> Vec<Row> {
    let condition = match first.condition().await {
        Ok(condition) => condition,
        Err(error) => return vec![Row::from_error("account", &error)],
    };
    let status = match condition.kind {
        AccountKind::Standalone | AccountKind::Management => CheckStatus::Ok,
        AccountKind::StandaloneOnFreePlan | AccountKind::DelegatedAdministrator => CheckStatus::Note,
        AccountKind::BillingOnly | AccountKind::Member => CheckStatus::ToDo,
    };
    let account = Row {
        next: condition.next,
        ..Row::new("account", status, condition.sentence)
    };
    vec![account, identity_center(context, &condition.identity_center)]
}

fn identity_center(context: &WizardContext, observed: &Observed) -> Row {
    let status = match observed.status {
        Status::Done | Status::Missing => CheckStatus::Ok,
        Status::Different | Status::Blocked => CheckStatus::ToDo,
        Status::Unknown => CheckStatus::Unknown,
    };
    let elsewhere = observed
        .evidence
        .region
        .as_ref()
        .filter(|region| **region != context.bootstrap_region)
        .filter(|_| observed.is_done());
    let message = match elsewhere {
        Some(_) => format!(
            "{} The first calls go to {}, calls to Identity Center to its own Region.",
            observed.summary, context.bootstrap_region
        ),
        None => observed.summary.clone(),
    };
    let next = match observed.status {
        Status::Done => NextSteps::default(),
        Status::Missing => SetupCommand::run().into(),
        _ => observed.next.first().cloned().map(NextSteps::from).unwrap_or_default(),
    };
    let row = Row::new("identity_center", status, message);
    Row { next, ..row }
}

/// Whether users seem to come from an identity provider: one of the first users has an external id. No API tells the
/// identity source of an instance.
///
/// # Errors
/// If the users cannot be listed.
pub async fn has_external_users(
    context: &WizardContext,
    region: &RegionName,
    store: &IdentityStoreId,
) -> Result<bool, AwsError> {
    let users = context
        .clients
        .identitystore(region)
        .list_users()
        .identity_store_id(store)
        .max_results(USERS)
        .send()
        .await
        .map_err(|error| AwsError::of("identitystore:ListUsers", error))?;
    Ok(users.users.iter().any(|user| !user.external_ids().is_empty()))
}

/// Says that an error hides whether users come from an identity provider.
pub fn external_users_unknown(error: &AwsError) -> String {
    format!(
        "Cannot tell whether users come from an identity provider. {}.",
        error.sentence()
    )
}

/// Whether users come from an identity provider: as the user answered, or as `ExternalIds` of users suggest.
pub async fn identity_source(context: &WizardContext) -> Option<Row> {
    const CHECK: &str = "identity_source";
    if context.is_external() {
        return Some(Row::ok(
            CHECK,
            "As you answered, users and groups come from an identity provider. They are looked up and never created.",
        ));
    }
    let instance = context.instance.now()?;
    let external = match has_external_users(context, &instance.region, &instance.store).await {
        Ok(external) => external,
        Err(error) => return Some(Row::note(CHECK, external_users_unknown(&error))),
    };
    Some(if external {
        Row::note(
            CHECK,
            "Users have external ids. They seem to come from an identity provider, and can then be created only there.",
        )
        .or(SetupCommand::run()
            .value(Key::IdentitySource.flag(), "external")
            .to("if they do, say so"))
    } else {
        Row::ok(CHECK, "Users seem to be kept in the Identity Center directory.")
    })
}
