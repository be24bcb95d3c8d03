//! What a browser sees of the simulation: the console's pages that no API reaches, the access portal with its
//! sign-in, and a mailbox. With `--person pages` whoever sits before the browser is the person.

mod authorize;
mod console;
mod front;
mod html;
mod portal;
mod request;
mod router;
mod sign_in;

pub use request::PageRequest;
pub use router::page;
