//! The connection to the organization, and what the organization contains.

use std::pin::pin;
use std::rc::Rc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::source::Failure;
use super::what_if::Assumptions;
use crate::access::adoption::CommandLines;
use crate::access::apply::estimate;
use crate::access::desired::Desired;
use crate::access::file::{AccessFile, Extent, Group, PrincipalName};
use crate::access::guards;
use crate::access::known::KnownNames;
use crate::access::live::{self, Directory, Scope};
use crate::access::plan::{CallerAccess, Options, Plan};
use crate::access::resolve;
use crate::browser::Browser;
use crate::cli::{Cli, Command};
use crate::commands::connect::Access;
use crate::commands::prepare::{Prepared, prepare};
use crate::environment::Environment;
use crate::ids::PortalSession;
use crate::limits::FRAME;
use crate::next_step::{SetupCommand, Subcommand};
use crate::reconcile::{Context, Instance};
use crate::resources::inventory::Inventory;
use crate::ui::Screen;
use crate::ui::access::PlanView;
use crate::user_error::UserError;
use crate::wizard::steps::EnableIdentityCenter;
use crate::wizard::{Observed, Step as _, Waiting};

/// A connection to an instance of Identity Center.
pub struct Connected {
    /// What all commands share. The state file is only read, and the lock is not held.
    pub prepared: Prepared,
    /// The instance.
    pub instance: Instance,
    /// The commands that a plan suggests.
    commands: CommandLines,
}

impl Connected {
    /// What resources share.
    pub fn context(&self) -> &Context {
        &self.prepared.context
    }

    /// The options of a plan.
    pub fn options(&self, prune: bool, max_deletes: Option<u32>) -> Options {
        Options {
            prune,
            max_deletes,
            adopt_from: None,
            caller: self.caller(),
            commands: self.commands.clone(),
        }
    }

    /// The access that the caller uses, if that is a session of the access portal.
    fn caller(&self) -> Option<CallerAccess> {
        let caller = &self.context().caller;
        let session = PortalSession::of_arn(&caller.arn)?;
        Some(CallerAccess {
            user: session.user.to_owned(),
            account: caller.account.clone(),
            permission_set: session.permission_set.to_owned(),
        })
    }
}

/// Connects to AWS, and finds the instance in the same way as the first step of the wizard.
///
/// # Errors
/// If there are no credentials, or no instance that this account administers.
pub async fn connect(cli: &Cli, environment: &Environment, screen: &Screen) -> Result<Connected, UserError> {
    let browser = Rc::new(Browser::none("access opens no pages"));
    let prepared = prepare(cli, environment, Access::Read, browser).await?;
    if let Some(note) = prepared.note_on_profile(cli, screen) {
        screen.talk(&note);
    }
    let first = EnableIdentityCenter::new(Rc::clone(&prepared.context));
    let observed = first.look().await?;
    match prepared.context.instance.now() {
        Some(instance) => Ok(Connected {
            prepared,
            instance,
            commands: commands(cli, screen),
        }),
        None => Err(no_instance(observed)),
    }
}

/// The commands that a plan suggests, for the same file.
fn commands(cli: &Cli, screen: &Screen) -> CommandLines {
    let file = match &cli.command {
        Some(Command::Access(access)) => access.command.file(),
        _ => None,
    };
    let line = |subcommand: Subcommand| {
        let command = SetupCommand::new(subcommand).without("--from");
        screen.command(&match file {
            Some(file) => command.word(file.display().to_string()),
            None => command,
        })
    };
    CommandLines {
        adopt: line(Subcommand::AccessAdopt),
        apply: line(Subcommand::AccessApply),
    }
}

/// Why the account has no instance that can be used.
fn no_instance(observed: Observed) -> UserError {
    if let Some(error) = observed.error {
        return error;
    }
    let next = if observed.next.is_empty() {
        SetupCommand::run().to("set up Identity Center first").into()
    } else {
        observed.next
    };
    UserError::failed(observed.summary, next)
}

/// Today, in UTC.
pub fn today() -> Date {
    Timestamp::now().to_zoned_datetime(TimeZone::UTC).date()
}

/// What is read besides what the file names.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// Everything is read.
    pub all: bool,
    /// Every assignment of users and groups that no longer exist is found.
    pub every_pair: bool,
}

/// The access file, what the organization contains, and what the file asks for in it.
pub struct Situation {
    /// The access file.
    pub file: AccessFile,
    /// What was observed.
    pub inventory: Inventory,
    /// What is desired.
    pub desired: Desired,
    /// The day that the file was read for.
    pub today: Date,
    /// The requests per second to Identity Center that are allowed.
    requests_per_second: u32,
}

impl Situation {
    /// A plan with what is needed to show it.
    pub fn view<'a>(&'a self, plan: &'a Plan, assumptions: &'a [String]) -> PlanView<'a> {
        let estimate = estimate(plan, self.requests_per_second);
        PlanView {
            name: &self.desired.name,
            plan,
            inventory: &self.inventory,
            calls: estimate.calls,
            duration: estimate.duration,
            assumptions,
        }
    }
}

/// Shows while the organization is read, which can take minutes.
pub const READING: &str = "Reading the organization…";

/// Counts the requests to Identity Center while the organization is read, in the display of the wait.
pub async fn counted<T>(waiting: Option<&dyn Waiting>, connected: &Connected, reading: impl Future<Output = T>) -> T {
    let mut reading = pin!(reading);
    let mut frames = tokio::time::interval(FRAME);
    loop {
        tokio::select! {
            read = reading.as_mut() => return read,
            _ = frames.tick() => {
                let sent = connected.context().clients.identity_center_requests().sent;
                if let Some(waiting) = waiting.filter(|_| sent > 1) {
                    waiting.say(&format!("{READING} {sent} requests"));
                }
            }
        }
    }
}

/// Reads what the organization contains, as far as the file needs it.
///
/// # Errors
/// When AWS does not answer, and all mistakes that show only in the organization.
pub async fn read(
    connected: &Connected,
    file: AccessFile,
    reading: &Reading,
    assumptions: &Assumptions,
) -> Result<Situation, Failure> {
    let (context, instance) = (connected.context(), &connected.instance);
    let mut needs = resolve::needs(&file);
    assumptions.add_needs(&mut needs)?;
    let (accounts, directory) =
        tokio::try_join!(live::read_accounts(context, &needs), Directory::read(context, instance))?;
    let mut accounts = accounts;
    assumptions.move_accounts(&mut accounts)?;
    let names = directory.names();
    let inventory = live::read(
        context,
        instance,
        accounts,
        directory,
        &scope(&file, reading, &names, connected.caller()),
    )
    .await?;
    let today = assumptions.today.unwrap_or_else(today);
    let desired = resolve::resolve(&file, &inventory.accounts, &names, context.partition(), today);
    let mut desired = desired.map_err(Failure::in_organization)?;
    assumptions.remove_users(&mut desired, &inventory)?;
    Ok(Situation {
        file,
        inventory,
        desired,
        today,
        requests_per_second: connected.context().clients.identity_center_rate(),
    })
}

/// What of the instance is compared with the file, and what the guards need to know: what `protect` names, and the access that
/// the caller uses.
fn scope(file: &AccessFile, reading: &Reading, names: &KnownNames, caller: Option<CallerAccess>) -> Scope {
    let guarded = guards::guarded(&file.guard, names);
    let assigned = file
        .assignments
        .iter()
        .flat_map(|assignment| &assignment.permission_sets);
    let listed = file
        .permission_sets
        .iter()
        .flat_map(|set| std::iter::once(&set.name).chain(&set.previous_names));
    // Without members to compare, the memberships of a group say nothing.
    let compared = |group: &&Group| !group.members.is_empty() || group.membership == Extent::Exactly;
    let groups = file
        .groups
        .iter()
        .filter(compared)
        .flat_map(|group| std::iter::once(&group.name).chain(&group.previous_names));
    // Deleting them deletes their assignments, also of permission sets that the file does not name.
    let absent_users = file.users.iter().filter(|user| user.is_absent);
    let absent_users = absent_users.map(|user| PrincipalName::User(user.name.value.clone()));
    let absent_groups = file.groups.iter().filter(|group| group.is_absent);
    let absent_groups = absent_groups.map(|group| PrincipalName::Group(group.name.value.clone()));
    let in_use = caller.iter().map(|caller| caller.permission_set.clone());
    let sets = listed.chain(assigned).map(|name| name.value.clone());
    let groups = groups.map(|name| name.value.clone());
    Scope {
        permission_sets: sets.chain(guarded.permission_sets).chain(in_use).collect(),
        owner: Some(file.name.value.clone()),
        groups: groups.chain(guarded.groups).collect(),
        member_of: caller.map(|caller| caller.user).into_iter().collect(),
        principals: absent_users.chain(absent_groups).collect(),
        all: reading.all,
        every_pair: reading.every_pair,
    }
}
