//! What a removal would be by hand.

use std::path::Path;

use super::cloudtrail;
use super::identity_center::{group_and_user, parts};
use crate::progress::{Replaced, Resource, ResourceKind};
use crate::steps::{Context, permission_set};
use crate::text::quoted;

/// The file of a section's id.
fn file_of(id: &str) -> &str {
    id.rsplit_once('#').map_or(id, |(path, _)| path)
}

/// Instance and its Region, as options of the AWS CLI; and the identity store's.
fn options(context: &Context) -> (String, String) {
    context.facts.instance.now().map_or_else(
        || {
            (
                "--instance-arn INSTANCE_ARN".to_owned(),
                "--identity-store-id STORE_ID".to_owned(),
            )
        },
        |instance| {
            let region = &instance.region;
            (
                format!("--region {region} --instance-arn {}", instance.arn),
                format!("--region {region} --identity-store-id {}", instance.store),
            )
        },
    )
}

/// What putting back would be.
pub fn restore(context: &Context, replaced: &Replaced) -> String {
    if replaced.kind == ResourceKind::PermissionSet {
        let set = format!("{} --permission-set-arn {}", options(context).0, replaced.id);
        return permission_set::commands_to_put_back(replaced, &set).join(" && ");
    }
    let said = replaced.before.iter().map(|(name, value)| {
        let (section, key) = name.rsplit_once('/').unwrap_or(("", name));
        match value {
            Some(value) => format!("{key} = {value} into [{section}]"),
            None => format!("no {key} into [{section}]"),
        }
    });
    format!(
        "writes to {} again: {}",
        file_of(&replaced.id),
        said.collect::<Vec<_>>().join(", ")
    )
}

/// The undo that reaches a file of another environment; `None` for one that is where no environment has it.
pub fn elsewhere(resource: &Resource) -> Option<String> {
    let path = Path::new(file_of(&resource.id));
    let (variable, value) = match resource.kind {
        ResourceKind::Token | ResourceKind::Registration => {
            let cache = path.parent().filter(|folder| folder.ends_with(".aws/sso/cache"));
            ("HOME", cache?.ancestors().nth(3)?)
        }
        _ => ("AWS_CONFIG_FILE", path),
    };
    Some(format!(
        "{variable}={} idc-setup undo",
        quoted(&value.display().to_string())
    ))
}

/// As an `aws` command, or what is done to which file.
pub fn command(context: &Context, resource: &Resource) -> String {
    let (instance, store) = options(context);
    let id = &resource.id;
    match resource.kind {
        ResourceKind::AccountAssignment => {
            let (account, set, principal) = parts(id).unwrap_or_default();
            let is_user = context.progress.read(|record| {
                let mut known = record.resources.iter();
                known.any(|other| other.kind == ResourceKind::User && other.id == principal)
            });
            let kind = if is_user { "USER" } else { "GROUP" };
            format!(
                "aws sso-admin delete-account-assignment {instance} --permission-set-arn {set} --target-type AWS_ACCOUNT \
                 --target-id {account} --principal-type {kind} --principal-id {principal}"
            )
        }
        ResourceKind::PermissionSet => {
            format!("aws sso-admin delete-permission-set {instance} --permission-set-arn {id}")
        }
        ResourceKind::GroupMembership => {
            let (group, user) = group_and_user(id).unwrap_or_default();
            format!(
                "aws identitystore delete-group-membership {store} --membership-id \"$(aws identitystore \
                 get-group-membership-id {store} --group-id {group} --member-id UserId={user} --query MembershipId \
                 --output text)\""
            )
        }
        ResourceKind::Group => format!("aws identitystore delete-group {store} --group-id {id}"),
        ResourceKind::User => format!("aws identitystore delete-user {store} --user-id {id}"),
        ResourceKind::Trail => {
            let region = cloudtrail::region_of(id);
            format!("aws cloudtrail delete-trail --region {region} --name {id}")
        }
        ResourceKind::Bucket => {
            let region = cloudtrail::bucket_region(context, resource);
            format!("aws s3 rb s3://{id} --region {region}")
        }
        ResourceKind::CliProfile | ResourceKind::SsoSession => format!("takes its section out of {}", file_of(id)),
        _ => format!("rm {}", quoted(id)),
    }
}
