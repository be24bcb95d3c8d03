//! The steps of the checklist, one module each, and their order.

mod access_portal;
mod account_assignment;
pub mod cli_profile;
mod context;
mod create_group;
pub mod create_user;
mod desired;
mod enable_identity_center;
mod facts;
pub mod pending_answers;
pub mod permission_set;
mod recommendations;
pub mod sign_in;

use std::rc::Rc;

use recommendations::{cloudtrail, mfa, root_access_keys};

use crate::answers::Key;
use crate::wizard::Step;

pub use context::{WizardContext, WizardContextParts};
pub use enable_identity_center::{AccountKind, Condition, EnableIdentityCenter};
pub use facts::{Facts, Profile};

/// The checklist, in order.
pub fn checklist(context: &Rc<WizardContext>) -> Vec<Box<dyn Step>> {
    checklist_from(EnableIdentityCenter::new(Rc::clone(context)), context)
}

/// The checklist, with a first step that has already read the account's condition.
pub fn checklist_from(first: EnableIdentityCenter, context: &Rc<WizardContext>) -> Vec<Box<dyn Step>> {
    vec![
        Box::new(first),
        Box::new(create_user::CreateUser::new(Rc::clone(context))),
        Box::new(create_group::CreateGroup::new(Rc::clone(context))),
        Box::new(permission_set::PermissionSet::new(Rc::clone(context))),
        Box::new(account_assignment::AccountAssignment::new(Rc::clone(context))),
        Box::new(access_portal::AccessPortal::new(Rc::clone(context))),
        Box::new(cli_profile::CliProfile::new(Rc::clone(context))),
        Box::new(sign_in::SignIn::new(Rc::clone(context))),
        Box::new(mfa::Mfa::new(Rc::clone(context))),
        Box::new(cloudtrail::CloudTrail::new(Rc::clone(context))),
        Box::new(root_access_keys::RootAccessKeys::new(Rc::clone(context))),
    ]
}

/// The number of steps, without the recommendations.
pub const STEPS: usize = 8;

/// The slugs of all steps and recommendations, in order, for `--only` and `--skip`.
pub const SLUGS: [&str; 11] = [
    enable_identity_center::INFO.slug,
    create_user::INFO.slug,
    create_group::INFO.slug,
    permission_set::INFO.slug,
    account_assignment::INFO.slug,
    access_portal::INFO.slug,
    cli_profile::INFO.slug,
    sign_in::INFO.slug,
    mfa::INFO.slug,
    cloudtrail::INFO.slug,
    root_access_keys::INFO.slug,
];

/// The slug of the first step, without which no other one works.
pub const FIRST: &str = enable_identity_center::INFO.slug;

/// The slugs of the recommendations.
pub const RECOMMENDATIONS: [&str; 3] = [mfa::INFO.slug, cloudtrail::INFO.slug, root_access_keys::INFO.slug];

/// The lines of the checklist, for `status` without credentials.
pub const INFOS: [&crate::reconcile::StepInfo; 11] = [
    &enable_identity_center::INFO,
    &create_user::INFO,
    &create_group::INFO,
    &permission_set::INFO,
    &account_assignment::INFO,
    &access_portal::INFO,
    &cli_profile::INFO,
    &sign_in::INFO,
    &mfa::INFO,
    &cloudtrail::INFO,
    &root_access_keys::INFO,
];

/// The slug of the step that uses an answer first.
pub fn step_of_answer(key: Key) -> &'static str {
    match key {
        Key::IdentityCenterRegion => enable_identity_center::INFO.slug,
        Key::IdentitySource
        | Key::CreateUserWith
        | Key::Username
        | Key::Email
        | Key::GivenName
        | Key::FamilyName
        | Key::DisplayName => create_user::INFO.slug,
        Key::Group | Key::NoGroup => create_group::INFO.slug,
        Key::Policy | Key::PermissionSet | Key::SessionDuration => permission_set::INFO.slug,
        Key::AssignTo | Key::Account => account_assignment::INFO.slug,
        Key::StartUrl => access_portal::INFO.slug,
        Key::SsoSession | Key::CliProfile | Key::CliRegion | Key::CliOutput => cli_profile::INFO.slug,
    }
}

/// The steps that `--update` accepts.
pub const UPDATABLE: [&str; 2] = [permission_set::INFO.slug, cli_profile::INFO.slug];

/// The flags that consent to changes that can't be undone or that cost something.
pub const CONSENTS: [&str; 4] = {
    let [organization, free_plan, permission_sets] = enable_identity_center::CONSENTS;
    [organization, free_plan, permission_sets, cloudtrail::CREATE_TRAIL]
};

/// The topics that the user can confirm with `--confirm`.
pub const TOPICS: [&str; 3] = [create_user::ACTIVATION, access_portal::PORTAL, mfa::MFA];
