//! What all steps share: the connection, the answers, the progress, and the facts.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Deref;
use std::rc::Rc;
use std::str::FromStr;

use super::Facts;
use crate::answers::values::IdentitySource;
use crate::answers::{Answers, Given, Key};
use crate::aws::Clients;
use crate::aws::connect::Caller;
use crate::aws::console::Console;
use crate::aws::waiting::Timing;
use crate::aws_cli::Finder;
use crate::browser::Browser;
use crate::ids::{AccountId, RegionName};
use crate::next_step::{NextSteps, SetupCommand};
use crate::progress::Progress;
use crate::reconcile::{Context, Fact, Snapshot, StepInfo, Stop};
use crate::resources::item::ItemState;
use crate::sso::Registrar;
use aws_config_file::Paths;

/// What all steps share.
#[derive(Debug)]
pub struct WizardContext {
    /// The part that resources use.
    account: Context,
    /// The profile whose credentials are used, if one was given.
    pub bootstrap_profile: Option<String>,
    /// Answers so far.
    pub answers: RefCell<Answers>,
    /// The facts that the steps share.
    pub facts: Facts,
    /// What the steps have observed of the desired items.
    pub snapshot: Snapshot<ItemState>,
    /// Builds links to the AWS console.
    pub console: Console,
    /// The slugs given with `--update`, and those that the user agreed to change.
    pub updates: RefCell<BTreeSet<String>>,
    /// The topics given with `--confirm`.
    pub confirmed: BTreeSet<String>,
    /// Registers a client with sso-oidc, once.
    pub registrar: Registrar,
    /// Opens pages, if there is a browser.
    pub browser: Rc<Browser>,
    /// `--use-device-code`.
    pub use_device_code: bool,
    /// Finds the AWS CLI, which is also used to verify the caller's identity.
    pub aws_cli: Finder,
}

/// The parts of a [`WizardContext`].
#[derive(Debug)]
pub struct WizardContextParts {
    /// Clients for every service.
    pub clients: Clients,
    /// The caller's identity.
    pub caller: Caller,
    /// The Region from the environment, if one is set.
    pub region: Option<RegionName>,
    /// The profile whose credentials are used, if one was given.
    pub profile: Option<String>,
    /// Answers so far.
    pub answers: Answers,
    /// Progress so far.
    pub progress: Progress,
    /// Builds links to the AWS console.
    pub console: Console,
    /// How long to pause between checks.
    pub timing: Timing,
    /// The user's AWS files.
    pub paths: Option<Paths>,
    /// The slugs given with `--update`.
    pub updates: BTreeSet<String>,
    /// The topics given with `--confirm`.
    pub confirmed: BTreeSet<String>,
    /// Opens pages, if there is a browser.
    pub browser: Rc<Browser>,
    /// `--use-device-code`.
    pub use_device_code: bool,
    /// Finds the AWS CLI.
    pub aws_cli: Finder,
}

impl Deref for WizardContext {
    type Target = Context;

    fn deref(&self) -> &Context {
        &self.account
    }
}

impl WizardContext {
    /// Creates a context in which nothing has been read yet.
    pub fn new(parts: WizardContextParts) -> Self {
        let main_region = parts.caller.partition().main_region();
        Self {
            account: Context {
                bootstrap_region: parts.region.unwrap_or(main_region),
                clients: parts.clients,
                caller: parts.caller,
                instance: Fact::default(),
                progress: parts.progress,
                timing: parts.timing,
                paths: parts.paths,
                stop: Stop::default(),
            },
            bootstrap_profile: parts.profile,
            answers: RefCell::new(parts.answers),
            facts: Facts::default(),
            snapshot: Snapshot::default(),
            console: parts.console,
            updates: RefCell::new(parts.updates),
            confirmed: parts.confirmed,
            registrar: Registrar::default(),
            browser: parts.browser,
            use_device_code: parts.use_device_code,
            aws_cli: parts.aws_cli,
        }
    }

    /// An answer, parsed into its type.
    pub fn answer<T: FromStr>(&self, key: Key) -> Option<Given<T>> {
        self.answers.borrow().typed(key)
    }

    /// An answer as text; empty if there is none.
    pub fn text(&self, key: Key) -> String {
        self.answers.borrow().text(key)
    }

    /// Whether there is an answer.
    pub fn has(&self, key: Key) -> bool {
        self.answers.borrow().get(key).is_some()
    }

    /// The Region for Identity Center: the answer, or else the bootstrap Region.
    pub fn wanted_region(&self) -> RegionName {
        let answer = self.answer::<RegionName>(Key::IdentityCenterRegion);
        answer.map_or_else(|| self.bootstrap_region.clone(), |answer| answer.value)
    }

    /// The Region for the profile: the answer, or else Identity Center's Region.
    pub fn cli_region(&self) -> RegionName {
        let answer = self.answer::<RegionName>(Key::CliRegion);
        answer.map_or_else(|| self.wanted_region(), |answer| answer.value)
    }

    /// The account to assign: the answer, or else the caller's account.
    pub fn account(&self) -> AccountId {
        let answer = self.answer::<AccountId>(Key::Account);
        answer.map_or_else(|| self.caller.account.clone(), |answer| answer.value)
    }

    /// Whether users and groups come from an external identity provider. They are then only looked up, never created.
    pub fn is_external(&self) -> bool {
        self.answer::<IdentitySource>(Key::IdentitySource)
            .is_some_and(|source| source.value == IdentitySource::External)
    }

    /// Whether `--update` was given for a step.
    pub fn is_update_wanted(&self, info: &StepInfo) -> bool {
        self.updates.borrow().contains(info.slug)
    }
}

/// The command that confirms a task which this program cannot check.
pub fn confirm(topic: &str, purpose: &str) -> NextSteps {
    SetupCommand::run().value("--confirm", topic).to(purpose).into()
}
