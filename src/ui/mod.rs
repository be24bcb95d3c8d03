//! The user interface: the prompters (a terminal, plain lines, or none) and the output at the end of a command.
//! [`access`] has the output of the commands for access files.

pub mod access;
pub mod closing;
pub mod diagram;
pub mod envelope;
mod glossary;
mod interactive;
pub mod next;
mod non_interactive;
pub mod outputs;
mod plain;
pub mod profiles;
mod rail;
mod review;
mod screen;
mod table;
mod terminal;
mod text;

pub use interactive::{Interactive, spinner};
pub use non_interactive::NonInteractive;
pub use plain::Plain;
pub use screen::Screen;
pub use table::print_text;
pub use terminal::TerminalGuard;
