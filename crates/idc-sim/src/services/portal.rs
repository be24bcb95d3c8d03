//! The API of the access portal (`sso`): the accounts and roles of a signed-in user, and credentials for them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::protocol::error::{ServiceError, ServiceResult};
use crate::recorded::Words;
use crate::services::paging::List;
use crate::services::request::text;
use crate::services::request::{Request, not_simulated};
use crate::state::{Cloud, Identity, PortalSession};

/// Handles an operation of `sso`. Its requests carry an access token instead of a signature.
pub fn handle(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    let token = text(request.input, "accessToken");
    let session = cloud
        .sessions
        .get(token)
        .filter(|session| session.expires > request.now)
        .cloned()
        .ok_or_else(|| {
            ServiceError::new("UnauthorizedException", "Session token not found or invalid").with_status(401)
        })?;
    match request.operation {
        "ListAccounts" => list_accounts(cloud, &session, request),
        "ListAccountRoles" => list_roles(cloud, &session, request),
        "GetRoleCredentials" => role_credentials(cloud, &session, request),
        "Logout" => {
            cloud.sessions.remove(token);
            Ok(Value::Null)
        }
        other => Err(not_simulated("sso", other)),
    }
}

fn list_accounts(cloud: &Cloud, session: &PortalSession, request: &Request) -> ServiceResult {
    let mut rows: Vec<Value> = cloud
        .access_of(&session.instance, &session.user)
        .into_iter()
        .map(|(account, ..)| json!({"accountId": account.id, "accountName": account.name, "emailAddress": account.email}))
        .collect();
    rows.dedup();
    page(request, "sso:ListAccounts", "accountList", rows)
}

fn list_roles(cloud: &Cloud, session: &PortalSession, request: &Request) -> ServiceResult {
    let account = text(request.input, "accountId");
    let rows: Vec<Value> = cloud
        .access_in(&session.instance, &session.user, account)
        .into_iter()
        .map(|(account, set, _)| json!({"roleName": set.name, "accountId": account.id}))
        .collect();
    if rows.is_empty() {
        return Err(no_access());
    }
    let scope = format!("sso:ListAccountRoles:{account}");
    page(request, &scope, "roleList", rows)
}

fn page(request: &Request, scope: &str, key: &str, rows: Vec<Value>) -> ServiceResult {
    let list = List {
        scope,
        key,
        size: "maxResults",
        token: "nextToken",
        default_size: 20,
        ..List::DEFAULT
    };
    list.page(request.input, rows.into_iter(), |row| row)
}

fn role_credentials(cloud: &mut Cloud, session: &PortalSession, request: &Request) -> ServiceResult {
    let (account, role_name) = (text(request.input, "accountId"), text(request.input, "roleName"));
    let access = cloud.access_in(&session.instance, &session.user, account);
    let (_, set, role) = access
        .into_iter()
        .find(|(_, set, _)| set.name == role_name)
        .ok_or_else(no_access)?;
    let user_name = cloud
        .instance(&session.instance)
        .and_then(|instance| instance.store.users.get(&session.user))
        .map(|user| user.name().to_owned())
        .unwrap_or_default();
    let is_administrator = role
        .managed_policies
        .iter()
        .any(|policy| policy.ends_with("/AdministratorAccess"));
    let expires = request.now + session_duration(&set.session_duration);
    let identity = Identity {
        arn: format!(
            "arn:{}:sts::{account}:assumed-role/{}/{user_name}",
            cloud.partition(),
            role.name
        ),
        account: account.to_owned(),
        user_id: format!("{}:{user_name}", role.id),
        expires: Some(expires),
        // Policies are not evaluated: AdministratorAccess allows every action, and any other policy allows none.
        denied: if is_administrator {
            Vec::new()
        } else {
            vec!["*".to_owned()]
        },
    };
    let credentials = cloud.issue(identity);
    Ok(json!({"roleCredentials": {
        "accessKeyId": credentials.access_key_id,
        "secretAccessKey": credentials.secret_access_key,
        "sessionToken": credentials.session_token,
        "expiration": expires.as_millisecond(),
    }}))
}

/// Parses an ISO 8601 duration, such as `PT8H30M`. Returns one hour if it is invalid.
fn session_duration(duration: &str) -> Duration {
    duration
        .parse::<jiff::Span>()
        .ok()
        .and_then(|span| span.total(jiff::Unit::Second).ok())
        .map_or(Duration::from_hours(1), |seconds| {
            Duration::from_secs_f64(seconds.max(1.0))
        })
}

fn no_access() -> ServiceError {
    Words::NoAccess.error(&[]).with_status(403)
}
