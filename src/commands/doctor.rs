//! `idc-setup doctor`: where do we stand, a row a thing; or the IAM policy that is needed.

use std::rc::Rc;

use console::Style;

use super::prepare::{Access, Prepared, prepare};
use super::{ended_by, finish, say_rehearsal, screen};
use crate::aws::Partition;
use crate::browser::Browser;
use crate::checklist::{StepReport, Trouble, TroubleKind};
use crate::cli::{Cli, Output};
use crate::doctor::{self, Row, Status};
use crate::environment::Environment;
use crate::guide::output::{CallerOut, DoctorBody, Envelope, ErrorOut, FORMAT};
use crate::guide::{NonInteractive, Screen};
use crate::guide::{clean, clean_lines};
use crate::steps::{self, EnableIdentityCenter};

/// Looks at everything, and answers the exit code.
pub async fn doctor(cli: &Cli, environment: &Environment) -> u8 {
    let screen = screen(cli, environment);
    if cli.answers.is_policy_asked_for() {
        return policy(cli, environment, screen);
    }
    say_rehearsal(cli, environment, screen);
    let browser = Rc::new(Browser::none("doctor opens nothing"));
    match prepare(cli, environment, Access::Read, browser).await {
        Ok(prepared) => {
            if let Some(note) = prepared.note_on_profile(cli) {
                screen.talk(&note);
            }
            let rows = rows(&prepared, screen, environment).await;
            show(cli, screen, Some(&prepared), rows)
        }
        // What was typed wrong is no condition of anything.
        Err(trouble) if trouble.kind == TroubleKind::Usage && !is_of_the_surroundings(&trouble) => {
            finish(cli, screen, "doctor", None, &ended_by(trouble))
        }
        Err(trouble) => {
            let rows = doctor::without_credentials(environment, &trouble).await;
            show(cli, screen, None, rows)
        }
    }
}

/// An endpoint that must not be used, or a state file that is another account's: found, not typed.
fn is_of_the_surroundings(trouble: &Trouble) -> bool {
    ["plain http", "state file"]
        .iter()
        .any(|words| trouble.message.contains(words))
}

async fn rows(prepared: &Prepared, screen: Screen, environment: &Environment) -> Vec<Row> {
    let setting = &prepared.setting;
    let first = EnableIdentityCenter::new(Rc::clone(setting));
    let (mut rows, tools) = tokio::join!(
        doctor::standing(setting, &prepared.held, &first),
        doctor::tools(environment)
    );
    let reports = look(prepared, screen, first).await;
    rows.extend(doctor::identity_source(setting).await);
    rows.push(doctor::rights(setting, &reports).await);
    rows.extend(tools);
    rows.extend(doctor::files(environment));
    rows
}

/// What the steps find, which tells what they still need to be allowed to do. Root needs no rights looked at.
async fn look(prepared: &Prepared, screen: Screen, first: EnableIdentityCenter) -> Vec<StepReport> {
    let setting = &prepared.setting;
    let steps = steps::checklist_from(first, setting);
    let guide = NonInteractive::new(Screen { quiet: true, ..screen });
    if setting.caller.is_root() {
        // The instance alone, for the users in it.
        let _ = steps[0].look().await;
        return Vec::new();
    }
    prepared.walk(&steps, &guide).look().await.reports
}

fn show(cli: &Cli, screen: Screen, prepared: Option<&Prepared>, rows: Vec<Row>) -> u8 {
    let exit = doctor::exit_of(&rows);
    if cli.flags.output == Output::Json {
        screen.json(&envelope(prepared, rows, None, exit).json());
        return exit;
    }
    let width = rows.iter().map(|row| row.check.len()).max().unwrap_or_default();
    let state_width = "unknown".len();
    let column = state_width + 2 + width + 2;
    let is_shown = |row: &&Row| !screen.quiet || !matches!(row.status, Status::Ok | Status::Note);
    for row in rows.iter().filter(is_shown) {
        let padding = " ".repeat(state_width - row.status.word().len());
        let state = screen.paint(row.status.word(), &style(row.status));
        screen.result_in_columns(
            &format!("{state}{padding}  {:width$}  {}", row.check, clean(&row.message)),
            column,
        );
        if let Some(next) = &row.next {
            let indent = " ".repeat(column);
            for (n, line) in clean_lines(next).lines().enumerate() {
                let word = if n == 0 { "next: " } else { "  " };
                screen.result_in_columns(&format!("{indent}{word}{}", line.trim_start()), column + 2);
            }
        }
    }
    exit
}

fn style(status: Status) -> Style {
    match status {
        Status::Ok => Style::new().green(),
        Status::Note => Style::new().cyan(),
        Status::ToDo | Status::Unknown => Style::new().yellow(),
        Status::Denied => Style::new().red(),
    }
}

fn envelope(
    prepared: Option<&Prepared>,
    checks: Vec<Row>,
    policy: Option<serde_json::Value>,
    exit: u8,
) -> Envelope<DoctorBody> {
    let caller = prepared.map(|prepared| CallerOut {
        account: prepared.setting.caller.account.clone(),
        arn: prepared.setting.caller.arn.clone(),
    });
    Envelope {
        format: FORMAT,
        command: "doctor".to_owned(),
        account: caller.as_ref().map(|caller| caller.account.clone()),
        region: prepared.and_then(Prepared::region),
        error: None,
        exit,
        body: DoctorBody { caller, checks, policy },
    }
}

/// Ctrl-C before the end.
pub fn interrupted(screen: Screen, trouble: &Trouble) -> u8 {
    let exit = trouble.kind.exit();
    let mut envelope = envelope(None, Vec::new(), None, exit);
    envelope.error = Some(ErrorOut::of(trouble, None));
    screen.json(&envelope.json());
    exit
}

/// In the partition of the Region that is named; nothing is asked of AWS.
fn policy(cli: &Cli, environment: &Environment, screen: Screen) -> u8 {
    let named = cli.flags.region.as_deref();
    let region = named
        .or(environment.var("AWS_REGION"))
        .or(environment.var("AWS_DEFAULT_REGION"));
    let partition = region.map_or(Partition::Aws, Partition::of_region);
    let document = doctor::policy::document(partition, |slug| !cli.flags.skip.iter().any(|skipped| skipped == slug));
    if cli.flags.output == Output::Json {
        screen.json(&envelope(None, Vec::new(), Some(document), 0).json());
    } else {
        screen.json(&serde_json::to_string_pretty(&document).unwrap_or_default());
    }
    0
}
