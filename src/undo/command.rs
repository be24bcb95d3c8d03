//! What a removal would be by hand.

use super::identity_center::parts;
use crate::progress::{Resource, ResourceKind};
use crate::steps::Setting;

/// As an `aws` command, or what is done to which file.
pub fn command(setting: &Setting, resource: &Resource) -> String {
    let instance = setting.facts.instance.now();
    let (arn, store) = instance.map_or_else(
        || ("INSTANCE_ARN".to_owned(), "STORE_ID".to_owned()),
        |instance| (instance.arn, instance.store),
    );
    let id = &resource.id;
    match resource.kind {
        ResourceKind::AccountAssignment => {
            let (account, set, principal) = parts(id).unwrap_or_default();
            format!(
                "aws sso-admin delete-account-assignment --instance-arn {arn} --permission-set-arn {set} --target-type \
                 AWS_ACCOUNT --target-id {account} --principal-id {principal}"
            )
        }
        ResourceKind::PermissionSet => {
            format!("aws sso-admin delete-permission-set --instance-arn {arn} --permission-set-arn {id}")
        }
        ResourceKind::GroupMembership => {
            format!("aws identitystore delete-group-membership --identity-store-id {store} --membership-id …")
        }
        ResourceKind::Group => format!("aws identitystore delete-group --identity-store-id {store} --group-id {id}"),
        ResourceKind::User => format!("aws identitystore delete-user --identity-store-id {store} --user-id {id}"),
        ResourceKind::Trail => format!("aws cloudtrail delete-trail --name {id}"),
        ResourceKind::Bucket => format!("aws s3api delete-bucket --bucket {id}"),
        ResourceKind::CliProfile | ResourceKind::SsoSession => {
            format!(
                "takes its section out of {}",
                id.rsplit_once('#').map_or(id.as_str(), |(path, _)| path)
            )
        }
        _ => format!("rm {id}"),
    }
}
