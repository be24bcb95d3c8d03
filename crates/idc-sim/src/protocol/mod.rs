//! The protocols of the AWS APIs: finding the service and operation of a request, the services' models, and serializing
//! responses and errors. Nothing here depends on the state.

pub mod constraint;
pub mod dpop;
pub mod error;
pub mod models;
pub mod pkce;
pub mod wire;
pub mod xml;
