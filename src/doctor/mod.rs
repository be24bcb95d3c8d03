//! Checks of credentials, account, permissions, and the tools of this machine. Each check has one row: its status, one
//! sentence, and what to do next.

mod account;
mod credentials;
mod machine;
mod permissions;
pub mod policy;
mod row;

use std::path::Path;
use std::rc::Rc;

use crate::environment::Environment;
use crate::user_error::UserError;
use crate::wizard::StepReport;
use crate::wizard::steps::{EnableIdentityCenter, WizardContext};

pub use account::{external_users_unknown, has_external_users};
pub use credentials::Held;
pub use row::{CheckStatus, Row};

/// The checks that need no credentials, after a row that says why there are none.
pub async fn without_credentials(environment: &Environment, state: Option<&Path>, error: &UserError) -> Vec<Row> {
    let mut rows = vec![Row::from_error("credentials", error)];
    rows.extend(machine::tools(environment).await);
    rows.extend(machine::files(environment, state).await);
    rows
}

/// Checks the credentials, the clock, and the account, with the same calls as the first check of step 1.
pub async fn caller_and_account(context: &WizardContext, held: &Held, first: &EnableIdentityCenter) -> Vec<Row> {
    let mut rows = vec![credentials::row(context, held)];
    rows.extend(machine::clock(context));
    rows.extend(account::rows(context, first).await);
    rows
}

/// Whether users come from an identity provider, if that can be known.
pub async fn identity_source(context: &WizardContext) -> Option<Row> {
    account::identity_source(context).await
}

/// Whether the caller has the permissions that these steps still need.
pub async fn permissions(context: &Rc<WizardContext>, reports: &[StepReport]) -> Row {
    permissions::row(context, &permissions::still_needed(reports)).await
}

/// Whether the caller has all permissions that the wanted steps can need; `is_wanted` takes the slug of a step. Makes no call
/// for the root user, who has all permissions.
pub async fn all_permissions(context: &WizardContext, is_wanted: impl Fn(&str) -> bool, with_trail: bool) -> Row {
    permissions::row(context, &permissions::all(is_wanted, with_trail)).await
}

/// Checks the tools of this machine.
pub async fn tools(environment: &Environment) -> Vec<Row> {
    machine::tools(environment).await
}

/// Checks the user's files that the wizard reads and writes. `state` is `--state`.
pub async fn files(environment: &Environment, state: Option<&Path>) -> Vec<Row> {
    machine::files(environment, state).await
}
