//! The output of the commands for access files: text for people, Markdown for a pull request, and JSON.
//!
//! - `words`: a change in words.
//! - `counts`: how many changes there are, of which kind.
//! - `notes`: what people should know about a plan.
//! - `failures`, [`tasks`]: what failed, and what is left to do by people.
//! - `grants`: which access is given and taken, by user or group and by account.
//! - [`policies`]: the difference of an inline policy.
//! - `text`, [`markdown`], [`json`]: the three forms of a plan, of drift and of what else the commands find.
//! - [`explain`]: explanations as text.
//! - [`stakes`]: what Enter alone does not agree to.
//! - [`progress`]: what happens while a plan is applied.

mod counts;
pub mod explain;
mod failures;
mod grants;
pub mod json;
pub mod markdown;
mod notes;
pub mod policies;
pub mod progress;
pub mod stakes;
pub mod tasks;
pub mod text;
mod view;
mod words;

pub use view::PlanView;
pub use words::sentence;
