//! Signing in to the access portal: client registration, authorization code with PKCE or device code, and the portal's
//! accounts and roles.

mod device_code;
pub mod pkce;
mod portal;
mod refresh;
mod registration;

pub use device_code::{Authorization, Poll, poll, start};
pub use portal::{PortalAccount, accounts, lists_account, roles_of, service_error};
pub use refresh::refresh;
pub use registration::{Grant, PortalAddress, Registrar, Registration};
