//! The kinds of resources, one file each: how a resource is found and read, created, changed, compared with what was
//! created, and deleted; the permissions that this needs; and the sentences and `aws` commands that describe it. Kinds that
//! exist only together share a file: a trail and its bucket, a token and its registration, the sections of a config file.
//! [`item`] compares desired items with observed ones, and [`principal`] finds other uses of users and groups. `attribute`
//! builds the attributes of both in requests.
//!
//! Each operation that reads or changes a resource is called from one place.
//!
//! `docs/architecture.md` says how to add a kind.

pub mod assignment;
mod attribute;
pub mod cli_config;
pub mod group;
pub mod instance;
pub mod inventory;
pub mod item;
pub mod membership;
pub mod organization;
pub mod permission_set;
pub mod principal;
pub mod sso_token;
pub mod trail;
pub mod user;

use crate::aws::Permission;
use crate::progress::{Entry, Origin, ResourceKind};
use crate::reconcile::undo::{Disposition, Removal};
use crate::reconcile::{Context, Resource};

/// The kinds that undo deletes, in order: a resource is deleted before the resources that it depends on.
pub const DELETION_ORDER: [&dyn Resource; 12] = [
    sso_token::TOKEN,
    sso_token::REGISTRATION,
    cli_config::CLI_PROFILE,
    cli_config::SSO_SESSION,
    cli_config::CONFIG_FILE,
    &assignment::Assignment,
    &permission_set::PermissionSet,
    &membership::Membership,
    &group::Group,
    &user::User,
    &trail::Trail,
    &trail::Bucket,
];

/// The slug of the step that creates resources of a kind.
pub fn step_of(kind: ResourceKind) -> &'static str {
    let row = DELETION_ORDER.iter().find(|row| row.kind() == kind);
    // The kinds that undo does not delete belong to step 1.
    row.map_or("enable-identity-center", |row| row.step())
}

/// The permissions that undo needs to delete resources and to check whether someone else uses them.
pub const UNDO_PERMISSIONS: [&[Permission]; 7] = [
    membership::UNDO_PERMISSIONS,
    principal::UNDO_PERMISSIONS,
    assignment::UNDO_PERMISSIONS,
    permission_set::UNDO_PERMISSIONS,
    group::UNDO_PERMISSIONS,
    user::UNDO_PERMISSIONS,
    trail::UNDO_PERMISSIONS,
];

/// Resources that undo never deletes, although a run created them, and how the user can delete them. The instance is listed
/// if a run created the organization, since it was enabled after that.
pub fn staying(context: &Context) -> Vec<Removal> {
    let instance = context.instance.now();
    let region = instance
        .as_ref()
        .map_or(&context.bootstrap_region, |instance| &instance.region);
    let stays = [ResourceKind::PermissionSetsSwitch, ResourceKind::Organization];
    let mut entries = context.progress.read(|record| record.resources.clone());
    entries.retain(|entry| stays.contains(&entry.kind) && entry.origin == Origin::Created);
    // The wizard cannot create an instance through an API, so progress has no record of it.
    let has_organization = entries.iter().any(|entry| entry.kind == ResourceKind::Organization);
    let enabled = instance.as_ref().filter(|_| has_organization);
    let enabled = enabled.map(|it| Entry::new(Origin::Existing, ResourceKind::Instance, &*it.region, &it.arn));
    let removal = |entry: Entry| {
        let (why, manually) = match entry.kind {
            ResourceKind::Organization => organization::stays(),
            kind => instance::stays(kind, region),
        };
        Removal {
            entry,
            step: "enable-identity-center",
            disposition: Disposition::Stays,
            why: Some(why.to_owned()),
            manually,
            in_use: false,
            is_handed_over: false,
            undo_elsewhere: None,
        }
    };
    enabled.into_iter().chain(entries).map(removal).collect()
}
