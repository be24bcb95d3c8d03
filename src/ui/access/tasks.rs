//! What people have to do after an apply: each new user needs a password.

use schemars::JsonSchema;
use serde::Serialize;

use super::words;
use crate::access::apply::Outcome;
use crate::aws::console::{Console, arrows};
use crate::reconcile::Instance;

/// The most users whose pages are shown.
const MOST_PAGES: usize = 5;

/// Something that only a person can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TaskOut {
    /// What to do, as a sentence.
    pub what: String,
    /// The page on which to do it.
    pub url: String,
    /// The way to this page, and what to choose there.
    #[serde(rename = "where")]
    pub path: String,
}

/// The tasks after an apply.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tasks {
    /// One for each new user.
    pub all: Vec<TaskOut>,
    /// Whether the pages end with the command, as in a rehearsal.
    pub are_simulated: bool,
}

impl Tasks {
    /// The tasks after an apply: no API sets a password.
    pub fn of(outcome: &Outcome, console: &Console, instance: &Instance) -> Self {
        let all = outcome.new_users.iter().map(|(name, id)| {
            let place = match id {
                Some(id) => console.user(&instance.region, &instance.arn, id),
                None => console.users(&instance.region, &instance.arn),
            };
            // The wizard names the same choices.
            let choices = [
                "the user",
                "Reset password",
                "Send an email to the user with instructions",
            ];
            let path = place.path.trim_end_matches(" → the user");
            TaskOut {
                what: format!("Set a password for {name}."),
                path: arrows(path, &choices.map(str::to_owned)),
                url: place.link,
            }
        });
        Self {
            all: all.collect(),
            are_simulated: false,
        }
    }

    /// The page of a task; `None` if it ends with the command.
    pub fn page<'t>(&self, task: &'t TaskOut) -> Option<&'t str> {
        (!self.are_simulated).then_some(task.url.as_str())
    }

    /// What to know about pages that are not shown.
    pub fn note(&self) -> Option<&'static str> {
        let is_needed = self.are_simulated && !self.all.is_empty();
        is_needed.then_some("In your own account, each of them has a link to its page.")
    }

    /// `Left for you: 5 new users need a password.`; `None` if nothing is left.
    pub fn heading(&self) -> Option<String> {
        match self.all.len() {
            0 => None,
            1 => Some("Left for you: 1 new user needs a password.".to_owned()),
            count => Some(format!("Left for you: {count} new users need a password.")),
        }
    }

    /// The way to the pages and what to choose there, which is the same for all.
    pub fn path(&self) -> Option<&str> {
        self.all.first().map(|task| task.path.as_str())
    }

    /// The tasks whose pages are shown.
    pub fn shown(&self, everything: bool) -> &[TaskOut] {
        let most = if everything { self.all.len() } else { MOST_PAGES };
        &self.all[..self.all.len().min(most)]
    }

    /// How many others there are: `… and 3 more users`.
    pub fn more(&self, everything: bool) -> Option<String> {
        let more = self.all.len() - self.shown(everything).len();
        (more > 0).then(|| format!("… and {}", words::counted(more, "more user")))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn each_new_user_has_a_page_on_which_a_password_is_set() {
        let outcome = Outcome {
            new_users: BTreeMap::from([
                ("ada".to_owned(), Some("u-1".parse().unwrap())),
                ("bob".to_owned(), None),
            ]),
            ..Outcome::default()
        };
        let instance = Instance {
            arn: "arn:aws:sso:::instance/ssoins-7223a1b2c3d4e5f6".parse().unwrap(),
            store: "d-1234567890".parse().unwrap(),
            region: "eu-central-1".parse().unwrap(),
            owner: "111122223333".parse().unwrap(),
        };
        let tasks = Tasks::of(&outcome, &Console::real(), &instance);
        assert_eq!(tasks.heading().unwrap(), "Left for you: 2 new users need a password.");
        assert!(tasks.all[0].url.ends_with("/users/user-details/u-1"), "{tasks:?}");
        assert!(tasks.all[1].url.ends_with("/users"), "{tasks:?}");
        assert!(
            tasks
                .path()
                .unwrap()
                .ends_with("→ Send an email to the user with instructions")
        );
        assert_eq!(tasks.more(false), None);
    }
}
