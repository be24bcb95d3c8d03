//! The facts that one step reads and other steps need.

use crate::ids::{GroupId, PermissionSetArn, RegionName, UserId};
use crate::reconcile::Fact;

/// The user of step 2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its ID in the identity store.
    pub id: UserId,
    /// The name it signs in with.
    pub name: String,
}

/// The group of step 3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its ID in the identity store.
    pub id: GroupId,
}

/// The permission set of step 4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionSet {
    /// `arn:aws:sso:::permissionSet/…`.
    pub arn: PermissionSetArn,
    /// Its name in the access portal and the CLI.
    pub name: String,
    /// This run just created it, so nothing can depend on it yet.
    pub is_new: bool,
}

/// The profile of step 7, as written in the config file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The profile's name.
    pub name: String,
    /// The name of its SSO session.
    pub session: String,
    /// The address of the access portal.
    pub start_url: String,
    /// The profile's Region.
    pub region: RegionName,
}

/// What a sign-in proved.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The user name in the caller's ARN.
    pub user_name: String,
    /// Whether the access portal lists the account with the permission set.
    pub portal_shows_access: bool,
}

/// All facts of a run.
#[derive(Debug, Default)]
pub struct Facts {
    /// From step 2.
    pub user: Fact<User>,
    /// From step 3.
    pub group: Fact<Group>,
    /// From step 3: the group contains the user.
    pub membership: Fact<()>,
    /// From step 4.
    pub permission_set: Fact<PermissionSet>,
    /// From step 5: the principal has the permission set in the account.
    pub assignment: Fact<()>,
    /// From step 6: the address of the access portal.
    pub start_url: Fact<String>,
    /// From step 7.
    pub profile: Fact<Profile>,
    /// From step 8.
    pub signed_in: Fact<SignedIn>,
}
