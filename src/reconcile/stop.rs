//! The request to end a run. An intent precedes every change, and none is recorded after this request.

use std::rc::Rc;

use tokio::sync::watch;

/// A request to end a run, which clones share.
#[derive(Debug, Clone)]
pub struct Stop(Rc<watch::Sender<bool>>);

impl Default for Stop {
    fn default() -> Self {
        Self(Rc::new(watch::Sender::new(false)))
    }
}

impl Stop {
    /// Requests the end: no other change begins.
    pub fn request(&self) {
        self.0.send_replace(true);
    }

    /// Withdraws the request, because the user goes on.
    pub fn withdraw(&self) {
        self.0.send_replace(false);
    }

    /// Whether the end was requested.
    pub fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the end is requested.
    pub async fn requested(&self) {
        // The sender lives as long as this, so this cannot fail.
        let _ = self.0.subscribe().wait_for(|requested| *requested).await;
    }
}
