//! The ways to speak to a person: a terminal, plain lines, or not at all; and what is printed at the end.

pub mod diagram;
mod glossary;
mod interactive;
mod non_interactive;
pub mod output;
pub mod outputs;
mod plain;
mod screen;
mod table;
mod terminal;
mod text;

pub use interactive::{Interactive, looking};
pub use non_interactive::NonInteractive;
pub use plain::Plain;
pub use screen::{Screen, clean, clean_lines};
pub use table::print_text;
pub use terminal::TerminalGuard;
