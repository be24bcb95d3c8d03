//! Web pages for tasks that have no API: pages of the console, the access portal with its sign-in, and a mailbox. With
//! `--person pages`, a real person uses them in a browser.

mod authorize;
mod common;
mod console;
mod front;
mod html;
mod portal;
mod request;
mod router;
mod sign_in;
mod style;

pub use request::PageRequest;
pub use router::page;
