//! This machine: its clock, the AWS CLI, the browser, and the files that the wizard reads and writes.

use std::path::Path;

use super::row::{CheckStatus, Row};
use crate::aws::clock::skew_message;
use crate::aws_cli::{AwsCli, LOGIN_SINCE, PKCE_SINCE, Version, how_to_install};
use crate::browser::Browser;
use crate::environment::{Environment, HOME};
use crate::next_step::{NextStep, SetupCommand};
use crate::progress::{Folder, Progress};
use crate::shell::Shell;
use crate::user_error::UserError;
use crate::wizard::steps::WizardContext;
use aws_config_file::{Config, Paths, Section, files, has_section, read_credentials};

/// The row of the clock, once AWS has sent its time.
pub fn clock(context: &WizardContext) -> Option<Row> {
    let ahead = context.clients.clock().ahead()?;
    Some(match skew_message(ahead) {
        Some(skew) => Row::to_do(
            "clock",
            format!("AWS accepts only signatures of the last five minutes, and {skew}."),
            SetupCommand::again().after("set the clock of this machine"),
        ),
        None => Row::ok("clock", "This machine's clock agrees with AWS."),
    })
}

/// The rows of the AWS CLI and the browser.
pub async fn tools(environment: &Environment) -> Vec<Row> {
    vec![aws_cli(environment).await, browser(environment)]
}

async fn aws_cli(environment: &Environment) -> Row {
    const CHECK: &str = "aws_cli";
    let Some(cli) = AwsCli::find(environment).await else {
        return Row::note(
            CHECK,
            "There is no AWS CLI in PATH. The steps do not need it, but you need it to use the profile that they create.",
        )
        .or(how_to_install());
    };
    let installed = format!("AWS CLI {} at {}", cli.full_version, cli.path.display());
    let update = how_to_install();
    if cli.version < Version(2, 0) {
        Row::note(
            CHECK,
            format!("{installed} is version 1, which does not support sso-session sections."),
        )
        .or(update)
    } else if cli.version < PKCE_SINCE {
        let lacks = format!("sign-in without a device code ({PKCE_SINCE}) and aws login ({LOGIN_SINCE})");
        Row::note(CHECK, format!("{installed} is too old for {lacks}.")).or(update)
    } else if cli.version < LOGIN_SINCE {
        Row::note(CHECK, format!("{installed} is too old for aws login ({LOGIN_SINCE}).")).or(update)
    } else {
        Row::ok(CHECK, format!("{installed}."))
    }
}

fn browser(environment: &Environment) -> Row {
    let browser = Browser::of(environment, true, None);
    match browser.why_unavailable() {
        None if browser.is_local() => Row::ok("browser", "This machine can open pages in a browser."),
        None => Row::ok(
            "browser",
            "This machine can open pages, but they cannot redirect back to it, so sign-in uses a device code.",
        ),
        Some(why) => Row::note(
            "browser",
            format!("This machine cannot open pages: {why}. Links are printed, and sign-in uses a device code."),
        ),
    }
}

/// The rows of the AWS files and of progress. `state` is `--state`.
pub async fn files(environment: &Environment, state: Option<&Path>) -> Vec<Row> {
    vec![aws_files(environment).await, progress(environment, state)]
}

async fn aws_files(environment: &Environment) -> Row {
    const CHECK: &str = "aws_files";
    let Some(paths) = environment.aws_files() else {
        return Row::to_do(
            CHECK,
            "There is no home folder for the AWS files.",
            SetupCommand::again().after(format!("set {HOME}")),
        );
    };
    let usable = crate::aws_files::readable(&paths).await;
    if let Err(problem) = usable.and_then(|()| crate::aws_files::writable(&paths)) {
        return Row::to_do(CHECK, problem.to_string(), problem.next(SetupCommand::again()));
    }
    if let Some(row) = misleading_variable(environment, &paths).await {
        return row;
    }
    if let Some(open) = is_open_to_others(paths.cache()) {
        return Row::note(
            CHECK,
            format!("Other users can read {} (mode {open}).", paths.cache().display()),
        )
        .or(NextStep::other(
            "make it private",
            [
                "chmod".to_owned(),
                "700".to_owned(),
                paths.cache().display().to_string(),
            ],
        ));
    }
    Row::ok(
        CHECK,
        if paths.config().exists() {
            format!("{} can be read.", paths.config().display())
        } else {
            format!("{} does not exist yet.", paths.config().display())
        },
    )
}

/// A variable because of which other tools do not work, although this program does.
async fn misleading_variable(environment: &Environment, paths: &Paths) -> Option<Row> {
    let blank = environment.blank_variables();
    if let Some(name) = blank.into_iter().find(|name| name.ends_with("_FILE")) {
        let why = format!("{name} is set but empty. The AWS CLI then reads no such file.");
        return Some(Row::note("aws_files", why).or(NextStep::other("unset it", Shell::OF_PLATFORM.unset(name))));
    }
    let mut variables = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"].into_iter();
    let (variable, name) = variables.find_map(|variable| Some((variable, environment.var(variable)?)))?;
    let config = files::read(paths.config()).unwrap_or_default();
    let config = Config::parse(&config).ok()?;
    let credentials = read_credentials(paths.credentials()).ok()?;
    if name == "default" || config.get(Section::Profile(name)).is_some() || has_section(&credentials, name).await {
        return None;
    }
    let why =
        format!("{variable} names the profile {name}, which does not exist. The AWS CLI then refuses every command.");
    Some(Row::note("aws_files", why).or(NextStep::other("unset it", Shell::OF_PLATFORM.unset(variable))))
}

/// The mode of a folder that other users can read.
fn is_open_to_others(folder: &Path) -> Option<String> {
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&folder.metadata().ok()?.permissions()) & 0o777;
        (mode & 0o077 != 0).then(|| format!("{mode:04o}"))
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        None
    }
}

/// The check of the state file.
const PROGRESS: &str = "progress";

fn progress(environment: &Environment, state: Option<&Path>) -> Row {
    let with_another_file = || {
        SetupCommand::again()
            .placeholder("--state", "FILE")
            .to("use another file")
    };
    let no_space = |error: std::io::Error| {
        Row::to_do(
            PROGRESS,
            format!("Progress cannot be saved: {error}."),
            [
                SetupCommand::again().after("free disk space or fix the permissions there"),
                with_another_file(),
            ],
        )
    };
    if let Some(path) = state {
        return match files::check_writable(path) {
            Ok(()) if path.exists() => state_file(path),
            Ok(()) => Row::ok(PROGRESS, format!("There is no progress in {} yet.", path.display())),
            Err(error) => no_space(error),
        };
    }
    let Some(folder) = Folder::of(environment) else {
        return Row::new(
            PROGRESS,
            CheckStatus::ToDo,
            "There is no home folder to save progress in.",
        )
        .or([SetupCommand::again().after(format!("set {HOME}")), with_another_file()]);
    };
    if let Err(error) = folder.check_writable() {
        return no_space(error);
    }
    let Some(last) = folder.last() else {
        return Row::ok(PROGRESS, "There is no progress on this machine yet.");
    };
    state_file(&folder.state_file(&last.partition, &last.account))
}

fn state_file(path: &Path) -> Row {
    match Progress::read_file(path) {
        Ok(_) => Row::ok(PROGRESS, format!("Progress is saved in {}.", path.display())),
        Err(error) => {
            let error = UserError::from(error);
            Row::to_do(PROGRESS, error.message, error.next)
        }
    }
}
