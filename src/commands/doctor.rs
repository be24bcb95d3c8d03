//! `idc-setup doctor`: checks credentials, account, permissions and tools, one per row; or prints the IAM policy.

use std::rc::Rc;

use console::Style;

use super::connect::Access;
use super::ending::fail;
use super::prepare::{Prepared, prepare};
use super::session::say_rehearsal;
use crate::aws::Partition;
use crate::browser::Browser;
use crate::cli::{Cli, Output};
use crate::doctor::{self, CheckStatus, Row};
use crate::environment::Environment;
use crate::exit_code::ExitCode;
use crate::next_step::Subcommand;
use crate::text::clean;
use crate::ui::envelope::{CheckOut, DoctorBody, Envelope, FORMAT};
use crate::ui::{NonInteractive, Screen};
use crate::user_error::UserErrorKind;
use crate::wizard::StepReport;
use crate::wizard::steps::{self, EnableIdentityCenter};

/// Runs all checks and returns the exit code.
pub async fn doctor(cli: &Cli, environment: &Environment, screen: &Screen) -> ExitCode {
    if cli.answers.is_policy_requested() {
        return policy(cli, environment, screen);
    }
    say_rehearsal(cli, environment, screen);
    let browser = Rc::new(Browser::none("doctor opens no pages"));
    match prepare(cli, environment, Access::Read, browser).await {
        Ok(prepared) => {
            if let Some(note) = prepared.note_on_profile(cli, screen) {
                screen.talk(&note);
            }
            let rows = rows(&prepared, cli, screen, environment).await;
            show(cli, screen, Some(&prepared), &rows)
        }
        // A mistake on the command line is not a condition to report in a row.
        Err(error) if error.kind == UserErrorKind::Usage => fail(cli, screen, Subcommand::Doctor, error),
        Err(error) => {
            let rows = doctor::without_credentials(environment, cli.flags.state.as_deref(), &error).await;
            show(cli, screen, None, &rows)
        }
    }
}

async fn rows(prepared: &Prepared, cli: &Cli, screen: &Screen, environment: &Environment) -> Vec<Row> {
    let context = &prepared.context;
    let first = EnableIdentityCenter::new(Rc::clone(context));
    let (mut rows, tools) = tokio::join!(
        doctor::caller_and_account(context, &prepared.held, &first),
        doctor::tools(environment)
    );
    let reports = look(prepared, screen, first).await;
    rows.extend(doctor::identity_source(context).await);
    rows.push(doctor::permissions(context, &reports).await);
    rows.extend(tools);
    rows.extend(doctor::files(environment, cli.flags.state.as_deref()).await);
    rows
}

/// Checks the steps, which shows the permissions that they still need. For root, no permissions are checked.
async fn look(prepared: &Prepared, screen: &Screen, first: EnableIdentityCenter) -> Vec<StepReport> {
    let context = &prepared.context;
    let steps = steps::checklist_from(first, context);
    let prompter = NonInteractive::new(&screen.quieted());
    if context.caller.is_root() {
        // Only the instance, whose users are checked.
        let _ = steps[0].look().await;
        return Vec::new();
    }
    prepared.walk(&steps, &prompter).look().await.reports
}

fn show(cli: &Cli, screen: &Screen, prepared: Option<&Prepared>, rows: &[Row]) -> ExitCode {
    let exit = ExitCode::of_checks(rows.iter().map(|row| row.status));
    if cli.flags.output == Output::Json {
        screen.json(&envelope(screen, prepared, rows, None, exit).json());
        return exit;
    }
    let width = rows.iter().map(|row| row.check.len()).max().unwrap_or_default();
    let state_width = "unknown".len();
    let column = state_width + 2 + width + 2;
    let is_shown = |row: &&Row| !screen.quiet || !matches!(row.status, CheckStatus::Ok | CheckStatus::Note);
    // What the user has to do comes first.
    let (fine, others): (Vec<&Row>, Vec<&Row>) = rows
        .iter()
        .filter(is_shown)
        .partition(|row| row.status == CheckStatus::Ok);
    for row in others.into_iter().chain(fine) {
        let padding = " ".repeat(state_width - row.status.word().len());
        let state = screen.paint(row.status.word(), &style(row.status));
        screen.result_in_columns(
            &format!(
                "{state}{padding}  {:width$}  {}",
                row.check.replace('_', " "),
                clean(&row.message)
            ),
            column,
        );
        screen.result_next(&row.next, "unknown  ".len());
    }
    exit
}

fn style(status: CheckStatus) -> Style {
    match status {
        CheckStatus::Ok => Style::new().green(),
        CheckStatus::Note => Style::new().cyan(),
        CheckStatus::ToDo | CheckStatus::Unknown => Style::new().yellow(),
        CheckStatus::Denied => Style::new().red(),
    }
}

fn envelope(
    screen: &Screen,
    prepared: Option<&Prepared>,
    rows: &[Row],
    policy: Option<serde_json::Value>,
    exit: ExitCode,
) -> Envelope<DoctorBody> {
    let caller = prepared.map(|prepared| prepared.context.caller.clone());
    Envelope {
        format: FORMAT,
        command: "doctor".to_owned(),
        account: caller.as_ref().map(|caller| caller.account.clone()),
        region: prepared.and_then(Prepared::region),
        error: None,
        exit: exit.code(),
        body: DoctorBody {
            caller,
            checks: rows.iter().map(|row| CheckOut::of(row, &screen.invocation)).collect(),
            policy,
        },
    }
}

/// Prints the IAM policy for the partition of the Region. Makes no AWS calls.
fn policy(cli: &Cli, environment: &Environment, screen: &Screen) -> ExitCode {
    let named = cli.flags.region.as_deref();
    let region = named
        .or(environment.var("AWS_REGION"))
        .or(environment.var("AWS_DEFAULT_REGION"));
    let region = region.and_then(|region| region.parse().ok());
    let partition = region.map_or(Partition::Aws, |region| Partition::of_region(&region));
    let document = doctor::policy::document(partition, |slug| !cli.flags.skip.iter().any(|skipped| skipped == slug));
    if cli.flags.output == Output::Json {
        screen.json(&envelope(screen, None, &[], Some(document), ExitCode::Success).json());
    } else {
        screen.json(&serde_json::to_string_pretty(&document).unwrap_or_default());
    }
    ExitCode::Success
}
