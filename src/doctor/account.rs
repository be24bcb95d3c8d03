//! What kind of account it is, and where Identity Center stands in it.

use super::{Row, Status};
use crate::answers::Key;
use crate::aws::Failure;
use crate::checklist::{Finding, Found};
use crate::steps::{AccountKind, EnableIdentityCenter, Setting};

/// Users that are looked at for a hint of an identity provider.
const USERS: i32 = 10;

/// The account's row, and Identity Center's.
pub async fn rows(setting: &Setting, first: &EnableIdentityCenter) -> Vec<Row> {
    let condition = match first.condition().await {
        Ok(condition) => condition,
        Err(trouble) => return vec![Row::of_trouble("account", &trouble)],
    };
    let status = match condition.kind {
        AccountKind::Standalone | AccountKind::Management => Status::Ok,
        AccountKind::StandaloneOnFreePlan | AccountKind::DelegatedAdministrator => Status::Note,
        AccountKind::BillingOnly | AccountKind::Member => Status::ToDo,
    };
    let account = Row {
        next: condition.next,
        ..Row::new("account", status, condition.sentence)
    };
    vec![account, identity_center(setting, &condition.identity_center)]
}

fn identity_center(setting: &Setting, finding: &Finding) -> Row {
    let status = match finding.found {
        Found::Done | Found::Missing => Status::Ok,
        Found::Different | Found::Blocked => Status::ToDo,
        Found::Unknown => Status::Unknown,
    };
    let elsewhere = finding
        .evidence
        .get("region")
        .filter(|region| **region != setting.bootstrap_region)
        .filter(|_| finding.is_done());
    let message = match elsewhere {
        Some(_) => format!(
            "{} Calls begin in {}; Identity Center's go where it is.",
            finding.is, setting.bootstrap_region
        ),
        None => finding.is.clone(),
    };
    let next = match finding.found {
        Found::Done => None,
        Found::Missing => Some("idc-setup run".to_owned()),
        _ => finding.next.first().cloned(),
    };
    let row = Row::new("identity-center", status, message);
    Row { next, ..row }
}

/// Whether users come from an identity provider: asked, or as their `ExternalIds` hint at.
pub async fn identity_source(setting: &Setting) -> Option<Row> {
    const CHECK: &str = "identity-source";
    if setting.is_external() {
        return Some(Row::ok(
            CHECK,
            "Users and groups come from an identity provider, as you said; they are looked up and never made.",
        ));
    }
    let instance = setting.facts.instance.now()?;
    let users = setting
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
            let failure = Failure::of("identitystore:ListUsers", error);
            return Some(Row::note(
                CHECK,
                format!(
                    "Whether users come from an identity provider could not be seen. {}.",
                    failure.sentence()
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
