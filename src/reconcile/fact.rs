//! A value that one step observes and others need, such as the instance or the user's id. A step that needs one waits
//! for it.

use tokio::sync::watch;

/// A value that may not be known yet.
#[derive(Debug)]
pub struct Fact<T> {
    state: watch::Sender<State<T>>,
}

#[derive(Debug, Clone)]
enum State<T> {
    Open,
    Known(T),
    Closed(String),
}

/// The walk's view of a [`Fact`], without its type.
pub trait Slot {
    /// Discards the value; it must be set again.
    fn forget(&self);
    /// Undoes [`close`](Self::close); the value may still be set.
    fn reopen(&self);
    /// Declares that no value will be set, so that nobody waits for one. Does nothing if the value is set.
    fn close(&self, why: &str);
}

impl<T> Default for Fact<T> {
    fn default() -> Self {
        Self {
            state: watch::Sender::new(State::Open),
        }
    }
}

impl<T: Clone> Fact<T> {
    /// Sets the value.
    pub fn set(&self, fact: T) {
        self.state.send_replace(State::Known(fact));
    }

    /// Waits for the value.
    ///
    /// # Errors
    /// The reason that was given to [`close`](Slot::close).
    pub async fn get(&self) -> Result<T, String> {
        let mut receiver = self.state.subscribe();
        let state = receiver.wait_for(|state| !matches!(state, State::Open)).await;
        match state.as_deref() {
            Ok(State::Known(fact)) => Ok(fact.clone()),
            Ok(State::Closed(why)) => Err(why.clone()),
            Ok(State::Open) | Err(_) => Err("The value is not known.".to_owned()),
        }
    }

    /// The value, if it is set. Does not wait.
    pub fn now(&self) -> Option<T> {
        match &*self.state.borrow() {
            State::Known(fact) => Some(fact.clone()),
            _ => None,
        }
    }
}

impl<T> Slot for Fact<T> {
    fn forget(&self) {
        self.state.send_replace(State::Open);
    }

    fn reopen(&self) {
        self.state.send_if_modified(|state| {
            let closed = matches!(state, State::Closed(_));
            if closed {
                *state = State::Open;
            }
            closed
        });
    }

    fn close(&self, why: &str) {
        self.state.send_if_modified(|state| {
            let open = matches!(state, State::Open);
            if open {
                *state = State::Closed(why.to_owned());
            }
            open
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn get_waits_until_the_fact_is_set_or_closed() {
        let fact = Fact::default();
        let (got, ()) = tokio::join!(fact.get(), async { fact.set(7) });
        assert_eq!(got, Ok(7));
        fact.forget();
        let (got, ()) = tokio::join!(fact.get(), async { fact.close("no") });
        assert_eq!(got, Err("no".to_owned()));
        fact.close("again");
        fact.reopen();
        assert_eq!(fact.now(), None);
    }
}
