//! Runs the rehearsed command: this program as a child process, with its own environment and home folder.

use std::path::Path;
use std::process::{ExitStatus, Stdio};

use idc_sim::PersonKind;

use super::super::invocation::{of_the_rehearsal, rehearsed_command};
use super::super::signals::EndSignals;
use super::examples;
use super::persist::{changes_scenario, dump_scenario, home, logged, save_continuously, save_scenario, start_saving};
use super::session::add_session;
use super::simulation::{Rehearsal, cannot_start};
use crate::answers::Key;
use crate::cli::{Cli, RehearsalFlag, RehearseFlags, Rehearsed};
use crate::environment::{Environment, HOME};
use crate::exit_code::ExitCode;
use crate::next_step::{Argument, SetupCommand};
use crate::progress::{Folder, Progress};
use crate::ui::Screen;
use crate::user_error::UserError;

/// The variables that the child inherits: how to display output, how fast to call AWS, and where programs are.
const PASSED_ON: [&str; 14] = [
    "TERM",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "IDC_SETUP_ACCESSIBLE",
    "IDC_SETUP_LOG",
    "IDC_SETUP_REQUESTS_PER_SECOND",
    "COLUMNS",
    "PATH",
    "NO_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLORTERM",
    // Without it, Windows opens no sockets.
    "SYSTEMROOT",
];

/// The variables by which a browser is found. The child inherits them if a person uses the pages of the rehearsal.
const BROWSERS: [&str; 12] = [
    "BROWSER",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
    "SSH_CONNECTION",
    "SSH_TTY",
    "SSH_CLIENT",
    "WSL_DISTRO_NAME",
    "CODESPACES",
    "AWS_EXECUTION_ENV",
];

pub(super) async fn perform(
    rehearsal: &Rehearsal,
    cli: &Cli,
    flags: &RehearseFlags,
    environment: &Environment,
    screen: &Screen,
) -> Result<u8, UserError> {
    let (home, _temporary) = home(flags).map_err(cannot_start)?;
    let _lock = start_saving(rehearsal, flags)?;
    if cli.flags.non_interactive && flags.what == Rehearsed::Run {
        screen.talk(
            "This rehearsal uses example answers where none are given, and gives the consents that the steps need.",
        );
    }
    if rehearsal.server().cloud().person.kind == PersonKind::Pages {
        screen.talk(&format!("Your tasks are listed at {}/", rehearsal.server().url()));
    }
    let mut command = command(rehearsal, cli, flags, environment).map_err(cannot_start)?;
    command.env(HOME, &home);
    match flags.what {
        // Nobody has told the user the URL.
        Rehearsed::Join => {
            let portal = rehearsal.portal();
            command.envs(portal.map(|portal| (Key::StartUrl.variable(), portal.start_url)));
        }
        Rehearsed::Profiles => add_session(rehearsal, &home).map_err(cannot_start)?,
        _ => {}
    }
    if flags.line.is_none() && (cli.flags.non_interactive || flags.what == Rehearsed::Plan) {
        command.args(example_arguments(cli, &answered(&home)));
    }
    let mut signals = EndSignals::listen();
    let mut child = command.kill_on_drop(true).spawn().map_err(cannot_start)?;
    let status = tokio::select! {
        status = wait(&mut child, &mut signals) => status.map_err(cannot_start)?,
        error = save_continuously(rehearsal, flags) => return Err(error),
    };
    if is_killed_early(status) {
        return Err(UserError::interrupted());
    }
    let saved = if changes_scenario(flags) && exit_code(status) != ExitCode::Locked.code() {
        save_scenario(rehearsal, flags)
    } else {
        dump_scenario(rehearsal, flags)
    };
    if let Err(error) = saved.and_then(|()| logged(rehearsal)) {
        // The command has printed its result, and stdout has one document only.
        screen.error(&error);
        return Ok(exit_code(status).max(ExitCode::from(error.kind).code()));
    }
    if let Some(folder) = &flags.keep {
        screen.talk(&format!(
            "The home folder and the simulated AWS are kept in {}.",
            folder.display()
        ));
        // An interactive run and every error have said how to continue.
        let is_run = flags.what == Rehearsed::Run && cli.flags.non_interactive;
        if is_run && exit_code(status) == ExitCode::Incomplete.code() {
            screen.talk("Continue with:");
            screen.talk_unwrapped(&format!("  {}", screen.command(&SetupCommand::run())));
        }
    }
    Ok(exit_code(status))
}

/// Returns the command that runs this program with the same flags against the simulated AWS.
fn command(
    rehearsal: &Rehearsal,
    cli: &Cli,
    flags: &RehearseFlags,
    environment: &Environment,
) -> std::io::Result<tokio::process::Command> {
    let program = std::env::current_exe()?;
    let mut command = tokio::process::Command::new(program);
    command.env_clear();
    for name in PASSED_ON {
        if let Some(value) = environment.var(name) {
            command.env(name, value);
        }
    }
    command.envs(rehearsal.simulation.variables());
    command.arg(format!("--rehearsal={}", flag(rehearsal, cli, flags)?));
    if rehearsal.server().cloud().person.kind == PersonKind::Pages {
        let browsers = BROWSERS
            .into_iter()
            .filter_map(|name| Some((name, environment.var(name)?)));
        command.envs(browsers);
    } else if !cli.flags.no_browser {
        // The simulated person needs no browser, and the pages must not open on the user's screen.
        command.arg("--no-browser");
    }
    if let Some(line) = &flags.line {
        command.args(&line.arguments);
    } else {
        let accepted = cli.typed.iter().filter(|argument| flags.what.accepts(argument.flag()));
        command.arg(flags.what.name()).args(accepted.map(Argument::word));
    }
    command
        .stdin(Stdio::inherit())
        .stdout(Stdio::inherit())
        .stderr(Stdio::inherit());
    Ok(command)
}

/// Returns the value of the hidden flag that describes the rehearsal to the child.
fn flag(rehearsal: &Rehearsal, cli: &Cli, flags: &RehearseFlags) -> std::io::Result<String> {
    // The scenario is saved before the child starts.
    let given = of_the_rehearsal(cli, flags.keep.is_some())
        .into_iter()
        .filter_map(|argument| match argument {
            Argument::Value(flag, value) => Some((flag, value)),
            _ => None,
        });
    // For the commands that it suggests, which may start from another scenario by default. Those would find nothing in a fresh
    // account.
    let scenario = rehearsed_command(flags).default_scenario();
    let is_needed = flags.world.is_none() && flags.keep.is_none() && scenario != "fresh";
    let world = is_needed.then(|| ("--world".to_owned(), scenario.to_owned()));
    let flag = RehearsalFlag {
        url: rehearsal.server().url(),
        flags: given.chain(world).collect(),
        has_simulated_person: rehearsal.server().cloud().person.kind == PersonKind::Auto,
    };
    Ok(serde_json::to_string(&flag)?)
}

/// Returns the answers that a kept rehearsal already has. Examples must not replace them.
fn answered(home: &Path) -> Vec<Key> {
    let own = Environment::of_variables(&[(HOME, &home.display().to_string())]);
    let last = Folder::of(&own).and_then(|folder| Some((folder.last()?, folder)));
    let state = last.map(|(last, folder)| folder.state_file(&last.partition, &last.account));
    let record = state.and_then(|state| Progress::read_file(&state).ok().flatten());
    let answers = record.map(|record| record.answers).unwrap_or_default();
    answers.keys().filter_map(|name| Key::of_field(name)).collect()
}

/// Returns the arguments for `--non-interactive`: example answers, all consents, and a wait of one minute.
fn example_arguments(cli: &Cli, answered: &[Key]) -> Vec<String> {
    let is_answered = |key: Key| answered.contains(&key) || cli.answers.gives(key);
    let mut args = Vec::new();
    if cli.flags.answers_file.is_none() {
        let open = examples().into_iter().filter(|(key, _)| !is_answered(*key));
        args.extend(open.map(|(key, value)| format!("{}={value}", key.flag())));
    }
    for (flag, given) in [
        ("--create-organization", cli.flags.create_organization),
        ("--accept-free-plan-end", cli.flags.accept_free_plan_end),
        ("--enable-permission-sets", cli.flags.enable_permission_sets),
    ] {
        if !given {
            args.push(flag.to_owned());
        }
    }
    if cli.flags.wait.is_none() {
        args.push("--wait=60s".to_owned());
    }
    args
}

/// Waits for the child. A signal that asks to end is forwarded to it: it restores the terminal and explains how to continue.
/// In a terminal, the child gets Ctrl-C too. A second one ends it.
async fn wait(child: &mut tokio::process::Child, signals: &mut EndSignals) -> std::io::Result<ExitStatus> {
    loop {
        tokio::select! {
            status = child.wait() => return status,
            _ = signals.next() => end(child)?,
        }
    }
}

fn end(child: &mut tokio::process::Child) -> std::io::Result<()> {
    #[cfg(unix)]
    if let Some(id) = child
        .id()
        .and_then(|id| rustix::process::Pid::from_raw(i32::try_from(id).ok()?))
    {
        return Ok(rustix::process::kill_process(id, rustix::process::Signal::TERM)?);
    }
    child.start_kill()
}

/// Returns whether a signal ended the child before it could handle it, so that it has printed nothing.
fn is_killed_early(status: ExitStatus) -> bool {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        use rustix::process::Signal;
        return [Signal::HUP, Signal::INT, Signal::TERM]
            .iter()
            .any(|other| other.as_raw() == signal);
    }
    let _ = status;
    false
}

fn exit_code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return u8::try_from(128 + signal).unwrap_or(1);
    }
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}
