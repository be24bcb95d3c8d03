//! The output of the commands for access files: text for people, Markdown for a pull request, and JSON.
//!
//! - `words`: a change in words.
//! - `counts`: how many changes there are, of which kind.
//! - `grants`: which access is given and taken, by person and by account.
//! - `text`, [`markdown`], [`json`]: the three forms of a plan, of drift and of what else the commands find.
//! - [`progress`]: what happens while a plan is applied.

mod counts;
mod grants;
pub mod json;
pub mod markdown;
pub mod progress;
pub mod text;
mod view;
mod words;

pub use view::PlanView;
pub use words::sentence;
