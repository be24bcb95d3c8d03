//! Signing in to the access portal: client registration, code with PKCE or device code, and what the portal then shows.

mod device_code;
pub mod pkce;
mod portal;
mod registration;

pub use device_code::{Authorization, Poll, poll, start};
pub use portal::{roles_of, sees_account};
pub use registration::{Grant, Registrar, Registration};
