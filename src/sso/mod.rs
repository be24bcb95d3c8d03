//! Signing in to the access portal: client registration, device code, and what the portal then shows.

mod device_code;
mod portal;
mod registration;

pub use device_code::{Authorization, Poll, poll, start};
pub use portal::{roles_of, sees_account};
pub use registration::{Registrar, Registration};
