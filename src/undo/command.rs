//! The command or edit that deletes or restores a resource manually.

use super::cloudtrail;
use crate::ids::MembershipKey;
use crate::next_step::SetupCommand;
use crate::progress::{Replaced, Resource, ResourceId, ResourceKind};
use crate::steps::{Context, permission_set};
use crate::text::quoted;

/// The instance and the identity store, each with its Region, as options of the AWS CLI.
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

/// The commands or the edit that restores the earlier values.
pub fn restore(context: &Context, replaced: &Replaced) -> String {
    if replaced.kind == ResourceKind::PermissionSet {
        let set = format!("{} --permission-set-arn {}", options(context).0, replaced.id);
        return permission_set::restore_commands(replaced, &set).join(" && ");
    }
    let edits = replaced.before.iter().filter_map(|(name, value)| {
        let (section, key) = name.property()?;
        let section = section.header();
        Some(match value {
            Some(value) => format!("set {key} = {value} in {section}"),
            None => format!("remove {key} from {section}"),
        })
    });
    let edits = edits.collect::<Vec<_>>().join(", ");
    format!("edit {}: {edits}", replaced.id.file().display())
}

/// An environment whose AWS files are not the ones in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherEnvironment {
    /// The variable that selects it.
    variable: &'static str,
    value: String,
}

impl OtherEnvironment {
    /// The undo in this environment.
    pub fn undo(&self) -> SetupCommand {
        SetupCommand::undo().variable(self.variable, &self.value)
    }
}

/// The environment that a file belongs to; `None` if no environment has its AWS files there.
pub fn elsewhere(resource: &Resource) -> Option<OtherEnvironment> {
    let path = resource.id.file();
    let (variable, value) = match resource.kind {
        ResourceKind::Token | ResourceKind::Registration => {
            let cache = path.parent().filter(|folder| folder.ends_with(".aws/sso/cache"));
            ("HOME", cache?.ancestors().nth(3)?)
        }
        _ => ("AWS_CONFIG_FILE", path),
    };
    Some(OtherEnvironment {
        variable,
        value: value.display().to_string(),
    })
}

/// The `aws` command that deletes it, or the edit of a file.
pub fn command(context: &Context, resource: &Resource) -> String {
    let (instance, store) = options(context);
    let id = &resource.id;
    match resource.kind {
        ResourceKind::AccountAssignment => {
            let ResourceId::Assignment(key) = id else {
                return String::new();
            };
            format!(
                "aws sso-admin delete-account-assignment {instance} --permission-set-arn {} --target-type AWS_ACCOUNT \
                 --target-id {} --principal-type {} --principal-id {}",
                key.permission_set,
                key.account,
                key.principal.type_name(),
                key.principal
            )
        }
        ResourceKind::PermissionSet => {
            format!("aws sso-admin delete-permission-set {instance} --permission-set-arn {id}")
        }
        ResourceKind::GroupMembership => {
            let ResourceId::Membership(MembershipKey { group, user }) = id else {
                return String::new();
            };
            format!(
                "aws identitystore delete-group-membership {store} --membership-id \"$(aws identitystore \
                 get-group-membership-id {store} --group-id {group} --member-id UserId={user} --query MembershipId \
                 --output text)\""
            )
        }
        ResourceKind::Group => format!("aws identitystore delete-group {store} --group-id {id}"),
        ResourceKind::User => format!("aws identitystore delete-user {store} --user-id {id}"),
        ResourceKind::Trail => {
            let region = cloudtrail::trail_region(context, id.single());
            format!("aws cloudtrail delete-trail --region {region} --name {id}")
        }
        ResourceKind::Bucket => {
            let region = cloudtrail::bucket_region(context, resource);
            format!("aws s3 rb s3://{id} --region {region}")
        }
        ResourceKind::CliProfile | ResourceKind::SsoSession => {
            format!("remove its section from {}", id.file().display())
        }
        _ => format!("rm {}", quoted(id.single())),
    }
}
