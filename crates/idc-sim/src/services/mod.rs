//! One file a service. Each takes a request that has passed its model and answers from the state.

mod cloudtrail;
mod dispatch;
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

pub use dispatch::{answer, in_console};
pub use request::{Request, not_simulated};
