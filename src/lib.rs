//! x
pub mod rehearsal;
