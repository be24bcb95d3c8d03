//! How AWS speaks: which service and operation a request is for, the services' models, and how answers and errors are
//! written. Nothing here knows the state.

pub mod dpop;
pub mod error;
pub mod models;
pub mod pkce;
pub mod wire;
pub mod xml;
