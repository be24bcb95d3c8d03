//! What one step finds and others need.

use crate::checklist::Fact;

/// The instance of IAM Identity Center.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// `arn:aws:sso:::instance/ssoins-…`.
    pub arn: String,
    /// `d-…`.
    pub store: String,
    /// Where it is.
    pub region: String,
    /// The management account, which is another one where this account administers it by delegation.
    pub owner: String,
}

/// The user of step 2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// In the identity store.
    pub id: String,
    /// As it signs in.
    pub name: String,
}

/// The group of step 3, with the user in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// In the identity store.
    pub id: String,
}

/// The permission set of step 4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionSet {
    /// `arn:aws:sso:::permissionSet/…`.
    pub arn: String,
    /// As the portal and the CLI name it.
    pub name: String,
    /// We have just made it, so nothing can stand on it yet.
    pub is_new: bool,
}

/// The profile of step 7, as it stands in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The profile's name.
    pub name: String,
    /// Its SSO session's.
    pub session: String,
    /// The access portal.
    pub start_url: String,
    /// The profile's Region.
    pub region: String,
}

/// What a sign-in has proved.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The user name in the caller's ARN.
    pub user_name: String,
    /// The portal lists the account and offers the permission set.
    pub portal_shows_access: bool,
}

/// All facts of a run.
#[derive(Debug, Default)]
pub struct Facts {
    /// From step 1.
    pub instance: Fact<Instance>,
    /// From step 2.
    pub user: Fact<User>,
    /// From step 3.
    pub group: Fact<Group>,
    /// From step 4.
    pub permission_set: Fact<PermissionSet>,
    /// From step 5: the principal has the permission set in the account.
    pub assignment: Fact<()>,
    /// From step 6: the portal's address.
    pub start_url: Fact<String>,
    /// From step 7.
    pub profile: Fact<Profile>,
    /// From step 8.
    pub signed_in: Fact<SignedIn>,
}
