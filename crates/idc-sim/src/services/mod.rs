//! The simulated services, one module for each. A service handles a validated request: it reads and changes the state.

mod cloudtrail;
mod dispatch;
mod eks;
mod freetier;
mod iam;
mod identity_store;
mod organizations;
mod paging;
mod portal;
mod request;
mod s3;
mod signin;
mod sso_admin;
mod sso_oidc;
mod sts;

pub use dispatch::{handle, handle_in_console};
pub use request::{Request, not_simulated};
