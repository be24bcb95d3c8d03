//! The output of the commands for access files: text for people, Markdown for a pull request, and JSON.
//!
//! - `words`: a change in words.
//! - `counts`: how many changes there are, of which kind.
//! - `grants`: which access is given and taken, by person and by account.
//! - [`policies`]: the difference of an inline policy.
//! - `text`, [`markdown`], [`json`]: the three forms of a plan, of drift and of what else the commands find.
//! - [`explain`]: explanations as text.
//! - [`progress`]: what happens while a plan is applied.

mod counts;
pub mod explain;
mod grants;
pub mod json;
pub mod markdown;
pub mod policies;
pub mod progress;
pub mod text;
mod view;
mod words;

pub use view::PlanView;
pub use words::sentence;
