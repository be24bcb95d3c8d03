//! What one step finds and others need: the instance, the user's id. Whoever needs a fact waits for it.

use tokio::sync::watch;

/// A fact, or the place where it will be.
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

/// The walk's side of a [`Fact`]: it does not know what the fact is.
pub trait Slot {
    /// Whatever was known is to be found again.
    fn forget(&self);
    /// What did not come may come now.
    fn reopen(&self);
    /// It does not come: nobody is to wait for it.
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
    /// Here it is.
    pub fn know(&self, fact: T) {
        self.state.send_replace(State::Known(fact));
    }

    /// The fact, once it is there.
    ///
    /// # Errors
    /// Why it does not come.
    pub async fn get(&self) -> Result<T, String> {
        let mut receiver = self.state.subscribe();
        let state = receiver.wait_for(|state| !matches!(state, State::Open)).await;
        match state.as_deref() {
            Ok(State::Known(fact)) => Ok(fact.clone()),
            Ok(State::Closed(why)) => Err(why.clone()),
            Ok(State::Open) | Err(_) => Err("It is not known.".to_owned()),
        }
    }

    /// The fact, if it is there now.
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
    async fn whoever_needs_a_fact_waits_until_it_is_known_or_does_not_come() {
        let fact = Fact::default();
        let (got, ()) = tokio::join!(fact.get(), async { fact.know(7) });
        assert_eq!(got, Ok(7));
        fact.forget();
        let (got, ()) = tokio::join!(fact.get(), async { fact.close("no") });
        assert_eq!(got, Err("no".to_owned()));
        fact.close("again");
        fact.reopen();
        assert_eq!(fact.now(), None);
    }
}
