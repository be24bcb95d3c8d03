//! `idc-setup access plan`: shows what applying the access file would change, and changes nothing.

use std::path::{Path, PathBuf};

use super::leaving;
use super::live::{Connected, READING, Reading, Situation, connect, counted, read};
use super::report::{self, Deleting, Origin};
use super::source::{self, Failure, Taken};
use super::what_if::Assumptions;
use crate::access::leaver::KeptAccess;
use crate::access::permission_resources::PlanResources;
use crate::access::permissions;
use crate::access::plan::{Plan, plan as make_plan};
use crate::access::resolve;
use crate::cli::{AccessPlanFlags, Cli, Output};
use crate::commands::session::{checking, say_rehearsal};
use crate::doctor::policy;
use crate::environment::Environment;
use crate::exit_code::ExitCode;
use crate::next_step::NextSteps;
use crate::ui::Screen;
use crate::ui::access::json::PlanOut;
use crate::ui::access::{PlanView, markdown, text};

/// A plan with everything that it was made from.
pub struct Planned {
    /// The connection.
    pub connected: Connected,
    /// The file and the organization.
    pub situation: Situation,
    /// The plan.
    pub plan: Plan,
    /// What was assumed, as sentences.
    pub assumptions: Vec<String>,
    /// The file as the user gave it.
    pub given: Option<PathBuf>,
    /// What the flags say about deletions.
    pub deleting: Deleting,
    /// What users who leave keep.
    pub kept: Vec<KeptAccess>,
}

impl Planned {
    /// The plan with what is needed to show it.
    pub fn view(&self) -> PlanView<'_> {
        self.situation.view(&self.plan, &self.assumptions)
    }

    /// What to do after the plan. One with assumptions cannot be applied.
    fn next(&self) -> NextSteps {
        let file = self.given.as_deref();
        if self.assumptions.is_empty() {
            report::next_of_plan(&self.plan, file, self.deleting)
        } else {
            leaving::deletions(&self.kept, file)
        }
    }
}

/// Shows the plan and returns the exit code.
pub async fn plan(cli: &Cli, flags: &AccessPlanFlags, environment: &Environment, screen: &Screen) -> ExitCode {
    say_rehearsal(cli, environment, screen);
    // Of `--policy access.toml`, the shared parser takes the file as the value of the flag.
    let after_policy = cli.answers.after_policy().map(PathBuf::from);
    let flags = AccessPlanFlags {
        file: flags.file.clone().or(after_policy.clone()),
        ..flags.clone()
    };
    let planned = match planned(cli, &flags, &flags.without_user, environment, screen).await {
        Ok(planned) => planned,
        Err(failure) => return report::fail(cli, screen, failure),
    };
    if cli.answers.is_policy_requested() || after_policy.is_some() {
        return print_policy(cli, screen, &planned);
    }
    show(cli, screen, &planned)
}

/// Makes a plan that says what the users who leave keep.
async fn planned(
    cli: &Cli,
    flags: &AccessPlanFlags,
    leavers: &[String],
    environment: &Environment,
    screen: &Screen,
) -> Result<Planned, Failure> {
    let assumptions = Assumptions::of(flags)?;
    let file = source::read(flags.file.as_deref(), Taken::Only)?;
    let waiting = checking(cli, environment, screen, READING);
    let connected = connect(cli, environment, screen).await?;
    let reading = Reading {
        // Somebody who leaves can have access in any permission set and through any group.
        all: !leavers.is_empty(),
        every_pair: flags.thorough,
    };
    let situation = counted(
        waiting.as_deref(),
        &connected,
        Box::pin(read(&connected, file, &reading, &assumptions)),
    )
    .await?;
    drop(waiting);
    let options = connected.options(flags.prune, flags.max_deletes);
    let mut plan = make_plan(&situation.desired, &situation.inventory, &options, situation.today);
    let kept = leaving::add_notes(&mut plan, &situation, &options, leavers);
    Ok(Planned {
        connected,
        situation,
        plan,
        assumptions: assumptions.sentences(),
        given: flags.file.clone(),
        deleting: Deleting {
            prune: flags.prune,
            max_deletes: flags.max_deletes,
        },
        kept,
    })
}

/// Makes the plan of a file without a user who leaves.
pub async fn plan_without(
    cli: &Cli,
    file: Option<&Path>,
    user: &str,
    environment: &Environment,
    screen: &Screen,
) -> Result<Planned, Failure> {
    let flags = AccessPlanFlags {
        file: file.map(Path::to_owned),
        ..AccessPlanFlags::default()
    };
    planned(cli, &flags, &[user.to_owned()], environment, screen).await
}

/// Prints a plan and returns the exit code.
pub fn show(cli: &Cli, screen: &Screen, planned: &Planned) -> ExitCode {
    let exit = report::exit_of_plan(&planned.plan);
    let view = planned.view();
    match cli.flags.output {
        Output::Json => {
            let mut body = report::of_file(&planned.situation.file);
            body.plan = Some(PlanOut::of(&view));
            report::envelope(screen, &Origin::of(&planned.connected), body, None, exit)
        }
        Output::Markdown => {
            screen.verbatim(&markdown::plan(&view));
            exit
        }
        _ => {
            if !screen.quiet || exit != ExitCode::Success || !planned.kept.is_empty() {
                text::print(screen, &text::plan(&view, screen.verbose > 0));
            }
            let next = planned.next();
            if !screen.quiet && (planned.assumptions.is_empty() || !next.is_empty()) {
                screen.result("");
                screen.result_next(&next, 2);
            }
            exit
        }
    }
}

/// Prints the IAM policy that reading and applying the plan needs.
fn print_policy(cli: &Cli, screen: &Screen, planned: &Planned) -> ExitCode {
    let needs = resolve::needs(&planned.situation.file);
    let needed = permissions::of(&planned.plan, &needs);
    let parts = [
        policy::Part {
            name: "Read",
            permissions: needed.reads,
        },
        policy::Part {
            name: "Change",
            permissions: needed.changes,
        },
    ];
    let (connected, instance) = (&planned.connected, &planned.connected.instance);
    let resources = PlanResources::new(&planned.plan, instance, connected.context().partition());
    let document = policy::of_parts(&parts, |permission| resources.of(permission));
    if cli.flags.output == Output::Json {
        let mut body = report::of_file(&planned.situation.file);
        body.policy = Some(document);
        return report::envelope(screen, &Origin::of(&planned.connected), body, None, ExitCode::Success);
    }
    screen.json(&serde_json::to_string_pretty(&document).unwrap_or_default());
    ExitCode::Success
}
