//! `idc-setup access adopt`: takes over existing permission sets that are as the access file says.

use super::carry_out::{Ready, carry_out, lock};
use super::live::{READING, Reading, Situation, connect, counted, read};
use super::source::{self, Failure, Taken};
use super::what_if::Assumptions;
use crate::access::adoption;
use crate::access::desired::Desired;
use crate::access::plan::{Action, Note, NoteKind, Options, Plan, RefusalReason, plan};
use crate::cli::{AccessAdoptFlags, Cli};
use crate::commands::session::checking;
use crate::environment::Environment;
use crate::exit_code::ExitCode;
use crate::resources::inventory::PermissionSet;
use crate::ui::Screen;

/// Takes over the permission sets and returns the exit code.
pub async fn adopt(cli: &Cli, flags: &AccessAdoptFlags, environment: &Environment, screen: &Screen) -> ExitCode {
    let preparing = Box::pin(prepare(cli, flags, environment, screen));
    carry_out(cli, environment, screen, preparing).await
}

async fn prepare(
    cli: &Cli,
    flags: &AccessAdoptFlags,
    environment: &Environment,
    screen: &Screen,
) -> Result<Ready, Failure> {
    let file = source::read(flags.file.as_deref(), Taken::Only)?;
    let waiting = checking(cli, environment, screen, READING);
    let connected = connect(cli, environment, screen).await?;
    let lock = lock(cli, &connected)?;
    let situation = counted(
        waiting.as_deref(),
        &connected,
        Box::pin(read(&connected, file, &Reading::default(), &Assumptions::default())),
    )
    .await?;
    drop(waiting);
    let options = Options {
        adopt_from: flags.from.clone(),
        ..connected.options(false, None)
    };
    let plan = adoption(&situation, &options);
    Ok(Ready {
        connected,
        situation,
        plan,
        has_events: false,
        may_change_own: false,
        file: flags.file.clone(),
        _lock: lock,
    })
}

/// The part of the plan that takes over permission sets, and what stands in its way.
fn adoption(situation: &Situation, options: &Options) -> Plan {
    let desired = with_equal_sets_adopted(situation, options);
    let mut plan = plan(&desired, &situation.inventory, options, situation.today);
    plan.changes
        .retain(|change| matches!(change.action, Action::UpdatePermissionSet { adopts: true, .. }));
    let is_about_sets = |reason: RefusalReason| {
        matches!(
            reason,
            RefusalReason::OtherInstance | RefusalReason::NotOwned | RefusalReason::OwnedByAnotherFile
        )
    };
    plan.refusals.retain(|refusal| is_about_sets(refusal.reason));
    plan.unpruned.clear();
    plan.notes.clear();
    // What is said about users and assignments is not about this command.
    plan.unchanged = 0;
    plan.not_made = 0;
    if plan.is_empty() {
        plan.notes.push(Note {
            kind: NoteKind::NothingToAdopt,
            text: adoption::nothing(&desired, &situation.inventory, &options.commands),
            place: None,
        });
    }
    plan
}

/// What is desired, where each existing permission set that is as the file says may be taken over.
fn with_equal_sets_adopted(situation: &Situation, options: &Options) -> Desired {
    let mut desired = situation.desired.clone();
    for (name, set) in &mut desired.permission_sets {
        let observed = situation.inventory.permission_set_named(name);
        let is_free = |observed: &&PermissionSet| observed.owner.is_none() || observed.owner == options.adopt_from;
        if let Some(observed) = observed.filter(is_free) {
            set.adopt |= set.differences(observed).is_empty();
        }
    }
    desired
}
