//! What kind of account it is, and where Identity Center stands in it.

use super::{CheckStatus, Row};
use crate::answers::Key;
use crate::aws::AwsError;
use crate::checklist::{Observed, Status};
use crate::next_step::{NextSteps, SetupCommand};
use crate::steps::{AccountKind, Context, EnableIdentityCenter};

/// Users that are looked at for a hint of an identity provider.
const USERS: i32 = 10;

/// The account's row, and Identity Center's.
pub async fn rows(context: &Context, first: &EnableIdentityCenter) -> Vec<Row> {
    let condition = match first.condition().await {
        Ok(condition) => condition,
        Err(error) => return vec![Row::of_trouble("account", &error)],
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

fn identity_center(context: &Context, observed: &Observed) -> Row {
    let status = match observed.status {
        Status::Done | Status::Missing => CheckStatus::Ok,
        Status::Different | Status::Blocked => CheckStatus::ToDo,
        Status::Unknown => CheckStatus::Unknown,
    };
    let elsewhere = observed
        .evidence
        .get("region")
        .filter(|region| **region != context.bootstrap_region)
        .filter(|_| observed.is_done());
    let message = match elsewhere {
        Some(_) => format!(
            "{} Calls begin in {}; Identity Center's go where it is.",
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

/// Whether users come from an identity provider: asked, or as their `ExternalIds` hint at.
pub async fn identity_source(context: &Context) -> Option<Row> {
    const CHECK: &str = "identity_source";
    if context.is_external() {
        return Some(Row::ok(
            CHECK,
            "Users and groups come from an identity provider, as you said; they are looked up and never made.",
        ));
    }
    let instance = context.facts.instance.now()?;
    let users = context
        .clients
        .identitystore(&instance.region)
        .list_users()
        .identity_store_id(&instance.store)
        .max_results(USERS)
        .send()
        .await;
    let users = match users {
        Ok(users) => users.users,
        Err(error) => {
            let aws_error = AwsError::of("identitystore:ListUsers", error);
            return Some(Row::note(
                CHECK,
                format!(
                    "Whether users come from an identity provider could not be seen. {}.",
                    aws_error.sentence()
                ),
            ));
        }
    };
    let external = users.iter().any(|user| !user.external_ids().is_empty());
    Some(if external {
        Row::note(
            CHECK,
            "Users have ids of an identity provider: they seem to come from there, and are then made there only.",
        )
        .or(format!(
            "if so, say it: idc-setup run {} external",
            Key::IdentitySource.flag()
        ))
    } else {
        Row::ok(
            CHECK,
            "Users are kept in the Identity Center directory, as far as can be seen.",
        )
    })
}
