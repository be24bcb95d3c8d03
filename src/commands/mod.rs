//! One module per command, and what the commands share.

mod answers;
mod connect;
mod doctor;
mod generate;
mod login;
mod plan;
mod prepare;
mod reauth;
mod rehearse;
mod run;
mod status;
mod undo;

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
#[cfg(unix)]
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

use clap::Parser;

use crate::answers::Key;
use crate::browser::Browser;
use crate::cli::{Cli, Command, Output};
use crate::environment::Environment;
use crate::exit_code::ExitCode;
use crate::log;
use crate::next_step::{Argument, Invocation, NextStep, RehearsalArguments, SetupCommand, Subcommand};
use crate::text::clean_lines;
use crate::ui::envelope::{CallerOut, Envelope};
use crate::ui::{self, Interactive, Plain, Screen, TerminalGuard, diagram, print_text};
use crate::user_error::{UserError, UserErrorKind};
use crate::wizard::{Outcome, Prompter, Waiting};
use prepare::Prepared;

/// Parses the arguments and runs the command; returns the number that the process exits with.
pub fn main(args: &[String], environment: &Environment) -> u8 {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return usage(&error, args).code(),
    };
    let terminal = TerminalGuard::new();
    let screen = screen(&cli, environment);
    if let Err(why) = log::start(&screen.log, cli.flags.verbose, environment.var(log::VARIABLE)) {
        let error = UserError::usage(
            format!("{} {why}.", log::VARIABLE),
            NextStep::note(format!("correct or unset {}", log::VARIABLE)),
        );
        return finish(&cli, &screen, subcommand(&cli), None, &ended_by(error)).code();
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            screen.warn(&format!("error: Cannot start the runtime: {error}."));
            return ExitCode::Failed.code();
        }
    };
    if cli.flags.rehearsal.is_some() {
        exit_with_parent();
    }
    let code = match &cli.command {
        Some(Command::Rehearse(flags)) => runtime.block_on(rehearse::rehearse(&cli, flags, environment, &screen)),
        _ => runtime.block_on(until_interrupted(&cli, environment, &screen)).code(),
    };
    terminal.restore();
    // A prompt may still be reading, and must not keep the program from exiting.
    runtime.shutdown_background();
    code
}

/// Makes the child of a rehearsal exit with its parent, which serves the simulated AWS.
fn exit_with_parent() {
    #[cfg(target_os = "linux")]
    {
        // If the system does not support this, the next call of the child fails because nothing answers it.
        let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    }
}

/// Runs the command until it ends, the user presses Ctrl-C, or a signal requests termination. Everything is recorded when
/// it happens, so there is nothing to clean up.
async fn until_interrupted(cli: &Cli, environment: &Environment, screen: &Screen) -> ExitCode {
    if matches!(cli.command, Some(Command::Undo(_))) {
        // It handles the interruption itself, to report what it has already removed.
        return dispatch(cli, environment, screen).await;
    }
    tokio::select! {
        code = dispatch(cli, environment, screen) => code,
        () = asked_to_end() => interrupted(cli, screen),
    }
}

/// Waits for Ctrl-C, and on Unix also for SIGTERM and SIGHUP.
async fn asked_to_end() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut terminate) = signal(SignalKind::terminate()) else {
            let _ = tokio::signal::ctrl_c().await;
            return;
        };
        let hung_up = async {
            // With nohup, the program is meant to continue without a terminal.
            let hangup = (!is_hangup_ignored()).then(|| signal(SignalKind::hangup()));
            match hangup {
                Some(Ok(mut hangup)) => drop(hangup.recv().await),
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
            () = hung_up => {}
        }
    }
    #[cfg(not(unix))]
    let _ = tokio::signal::ctrl_c().await;
}

/// Returns whether this process was started with SIGHUP ignored. Also true if the system does not provide this.
#[cfg(unix)]
fn is_hangup_ignored() -> bool {
    static IGNORED: OnceLock<bool> = OnceLock::new();
    *IGNORED.get_or_init(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        mask.is_none_or(|mask| mask & 1 != 0)
    })
}

async fn dispatch(cli: &Cli, environment: &Environment, screen: &Screen) -> ExitCode {
    if cli.flags.output == Output::Mermaid && !matches!(cli.command, Some(Command::Status)) {
        let error = UserError::usage(
            "--output mermaid is only available for status.",
            SetupCommand::status().value("--output", "mermaid"),
        );
        return finish(cli, screen, subcommand(cli), None, &ended_by(error));
    }
    let exit = command(cli, environment, screen).await;
    if screen.is_result_lost() {
        screen.warn("error: Cannot write the result to stdout.");
        return ExitCode::greatest([exit, ExitCode::Failed]);
    }
    exit
}

async fn command(cli: &Cli, environment: &Environment, screen: &Screen) -> ExitCode {
    match &cli.command {
        None | Some(Command::Run | Command::Rehearse(_)) => run::run(cli, environment, screen).await,
        Some(Command::Status) => status::status(cli, environment, screen).await,
        Some(Command::Plan) => plan::plan(cli, environment, screen).await,
        Some(Command::Doctor) => doctor::doctor(cli, environment, screen).await,
        Some(Command::Undo(flags)) => undo::undo(cli, flags, environment, screen).await,
        Some(Command::Answers) => answers::answers(cli, environment, screen),
        Some(Command::Completions { shell }) => generate::completions(*shell, screen),
        Some(Command::Man { folder }) => generate::man(cli, folder, screen),
        Some(Command::Login(flags)) => login::login(cli, flags, environment, screen).await,
    }
}

fn interrupted(cli: &Cli, screen: &Screen) -> ExitCode {
    let error = UserError::new(UserErrorKind::Interrupted, "Interrupted.", screen.invocation.again());
    if cli.flags.output == Output::Json {
        // The envelopes of these commands have their own bodies.
        match &cli.command {
            Some(Command::Login(_)) => return login::interrupted(screen, error),
            Some(Command::Doctor) => return doctor::interrupted(screen, &error),
            _ => {}
        }
        return finish(cli, screen, subcommand(cli), None, &ended_by(error));
    }
    say_interrupted(screen);
    ExitCode::Interrupted
}

/// Prints that the command was interrupted, and how to continue. In a rehearsal, the parent process prints the latter.
fn say_interrupted(screen: &Screen) {
    let next = match screen.invocation.subcommand {
        _ if screen.is_rehearsal() => String::new(),
        Subcommand::Doctor | Subcommand::Answers | Subcommand::Completions | Subcommand::Man => String::new(),
        _ => format!(
            " Progress is saved; continue with: {}",
            screen.command(&screen.invocation.again())
        ),
    };
    screen.warn(&format!("\nInterrupted.{next}"));
}

/// Returns how this process was called, for the commands to type next.
fn invocation(cli: &Cli) -> Invocation {
    let flags = &cli.flags;
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
    let value = |flag: &str, value: String| Argument::Value(flag.to_owned(), value);
    let mut credentials = Vec::new();
    if flags.allow_root_keys {
        credentials.push(Argument::Switch("--allow-root-keys".to_owned()));
    }
    credentials.extend(flags.region.clone().map(|region| value("--region", region)));
    let mut answers: Vec<Argument> = path(&flags.answers_file)
        .map(|file| value("--answers", file))
        .into_iter()
        .collect();
    for (key, text) in &cli.answers.typed {
        answers.push(match key {
            Key::NoGroup => Argument::Switch(key.flag()),
            _ => value(&key.flag(), text.clone()),
        });
    }
    let switch = |flag: &str| Argument::Switch(flag.to_owned());
    let mut walk = Vec::new();
    for (flag, steps) in [
        ("--only", &flags.only),
        ("--skip", &flags.skip),
        ("--update", &flags.update),
    ] {
        walk.extend(steps.iter().map(|step| value(flag, step.clone())));
    }
    walk.extend(flags.strict.then(|| switch("--strict")));
    walk.extend(flags.use_device_code.then(|| switch("--use-device-code")));
    let own = match &cli.command {
        Some(Command::Undo(flags)) => flags.arguments(),
        Some(Command::Rehearse(flags)) => flags.undo.arguments(),
        Some(Command::Login(_)) => {
            let typed = cli.answers.typed.iter().filter(|(key, _)| *key == Key::CliProfile);
            typed.map(|(key, name)| value(&key.flag(), name.clone())).collect()
        }
        _ => Vec::new(),
    };
    Invocation {
        subcommand: subcommand(cli),
        rehearsal: rehearsal_arguments(cli),
        state: path(&flags.state),
        profile: flags.profile.clone(),
        credentials,
        answers,
        walk,
        own,
        answers_saved: AtomicBool::new(false),
    }
}

/// Returns the arguments of the rehearsal, in `rehearse` itself and in its child process.
fn rehearsal_arguments(cli: &Cli) -> Option<RehearsalArguments> {
    if let Some(rehearsal) = &cli.flags.rehearsal {
        return Some(rehearsal.arguments());
    }
    match &cli.command {
        Some(Command::Rehearse(flags)) => Some(RehearsalArguments {
            keep: flags.keep.as_ref().map(|folder| folder.display().to_string()),
            world: flags.world.clone(),
            others: flags.simulation_arguments(),
        }),
        _ => None,
    }
}

fn subcommand(cli: &Cli) -> Subcommand {
    match &cli.command {
        Some(Command::Status) => Subcommand::Status,
        Some(Command::Plan) => Subcommand::Plan,
        Some(Command::Doctor) => Subcommand::Doctor,
        Some(Command::Undo(_)) => Subcommand::Undo,
        Some(Command::Answers) => Subcommand::Answers,
        Some(Command::Completions { .. }) => Subcommand::Completions,
        Some(Command::Man { .. }) => Subcommand::Man,
        Some(Command::Login(_)) => Subcommand::Login,
        Some(Command::Rehearse(_)) => Subcommand::Rehearse,
        Some(Command::Run) | None => Subcommand::Run,
    }
}

/// Prints a parse error of the command line. clap also reports help and version this way, which are not errors.
fn usage(error: &clap::Error, args: &[String]) -> ExitCode {
    let wants_json = args.windows(2).any(|pair| pair[0] == "--output" && pair[1] == "json")
        || args.iter().any(|arg| arg == "--output=json");
    if error.use_stderr() && wants_json {
        let text = error.to_string();
        let message = text
            .lines()
            .next()
            .unwrap_or_default()
            .trim_start_matches("error: ")
            .to_owned();
        let outcome = ended_by(UserError::usage(
            message,
            NextStep::other("list the flags", ["idc-setup", "--help"]),
        ));
        let envelope = Envelope::of_steps("run", None, None, &outcome, ExitCode::Usage, &Invocation::default());
        Screen::default().json(&envelope.json());
        return ExitCode::Usage;
    }
    // A closed pipe is not an error.
    let _ = error.print();
    if error.use_stderr() {
        ExitCode::Usage
    } else {
        ExitCode::Success
    }
}

fn screen(cli: &Cli, environment: &Environment) -> Screen {
    let plain = is_accessible(cli, environment) || environment.var("TERM") == Some("dumb");
    let color = !cli.flags.no_color
        && !plain
        && environment.var("NO_COLOR").is_none()
        && environment.is_terminal
        && environment.stdout_is_terminal;
    let width = |is_terminal: bool, terminal: console::Term| {
        let size = terminal.size_checked().map(|(_, columns)| usize::from(columns));
        size.filter(|columns| is_terminal && *columns >= 20)
    };
    Screen {
        quiet: cli.flags.quiet,
        verbose: cli.flags.verbose,
        color,
        ascii: !environment.is_unicode(),
        talk_width: width(environment.is_terminal, console::Term::stderr()),
        result_width: width(environment.stdout_is_terminal, console::Term::stdout()),
        invocation: Arc::new(invocation(cli)),
        ..Screen::default()
    }
}

/// Returns whether `--accessible` or its variable is set.
fn is_accessible(cli: &Cli, environment: &Environment) -> bool {
    let wanted = environment.var("IDC_SETUP_ACCESSIBLE");
    cli.flags.accessible || wanted.is_some_and(|wanted| !matches!(wanted, "0" | "false" | "no"))
}

/// Prints whether this is a rehearsal, so that nobody confuses one with a real run.
fn say_rehearsal(cli: &Cli, environment: &Environment, screen: &Screen) {
    if prepare::Backend::of(cli, environment).is_ok_and(|backend| backend.is_rehearsal()) {
        screen.talk("REHEARSAL: a simulated AWS. Nothing here is real, and nothing outside it is changed.");
    }
}

/// Returns the user's browser.
fn browser(cli: &Cli, environment: &Environment) -> Result<Rc<Browser>, UserError> {
    Ok(prepare::Backend::of(cli, environment)?.browser(cli, environment))
}

/// Returns the prompter that asks: in a terminal, or line by line if requested. `None` if no questions can be asked, since
/// they need terminals on stdin and stderr.
fn prompter(cli: &Cli, environment: &Environment, screen: &Screen, browser: &Rc<Browser>) -> Option<Box<dyn Prompter>> {
    let dumb = environment.var("TERM") == Some("dumb");
    if cli.flags.non_interactive {
        None
    } else if is_accessible(cli, environment) || (environment.is_terminal && dumb) {
        Some(Box::new(Plain::new(screen, Rc::clone(browser))))
    } else if environment.is_terminal {
        Some(Box::new(Interactive::new(screen, Rc::clone(browser))))
    } else {
        None
    }
}

/// Shows that a check is running, until the result is dropped. Shows nothing without a terminal.
fn checking(cli: &Cli, environment: &Environment, screen: &Screen, what: &str) -> Option<Box<dyn Waiting>> {
    if screen.quiet || !environment.is_terminal {
        return None;
    }
    if is_accessible(cli, environment) || environment.var("TERM") == Some("dumb") {
        screen.talk(what);
        return None;
    }
    Some(ui::checking(screen, what))
}

/// Returns the outcome of a command that ended with an error before it checked any step.
fn ended_by(error: UserError) -> Outcome {
    Outcome {
        reports: Vec::new(),
        error: Some(error),
        region: None,
    }
}

/// Prints how a command ended and returns the exit code.
fn finish(cli: &Cli, screen: &Screen, command: Subcommand, prepared: Option<&Prepared>, outcome: &Outcome) -> ExitCode {
    let exit = outcome.exit_code(cli.flags.strict);
    if cli.flags.output == Output::Json {
        let caller = prepared.map(|prepared| CallerOut {
            account: prepared.context.caller.account.clone(),
            arn: prepared.context.caller.arn.clone(),
        });
        let region = prepared.map_or_else(|| outcome.region.clone(), Prepared::region);
        screen.json(&Envelope::of_steps(command.name(), caller, region, outcome, exit, &screen.invocation).json());
    } else if exit == ExitCode::Interrupted {
        say_interrupted(screen);
    } else if cli.flags.output == Output::Mermaid && !outcome.reports.is_empty() {
        screen.verbatim(&format!("{}\n", clean_lines(&diagram::mermaid(&outcome.reports))));
    } else {
        print_text(screen, outcome, command.name());
    }
    exit
}

#[cfg(test)]
mod tests {
    use clap::{ArgAction, CommandFactory, Parser};

    use super::*;

    /// Flags that a suggested command does not repeat, with the reason.
    const NOT_REPEATED: [(&str, &str); 20] = [
        ("accessible", "how this session is presented"),
        ("no-browser", "how this session is presented"),
        ("output", "how this session is presented"),
        ("no-color", "how this session is presented"),
        ("quiet", "how this session is presented"),
        ("verbose", "how this session is presented"),
        ("non-interactive", "suggestions are for people"),
        ("wait", "suggestions are for people"),
        ("yes", "consents are for the command that the user typed"),
        (
            "create-organization",
            "consents are for the command that the user typed",
        ),
        (
            "accept-free-plan-end",
            "consents are for the command that the user typed",
        ),
        (
            "enable-permission-sets",
            "consents are for the command that the user typed",
        ),
        ("create-trail", "consents are for the command that the user typed"),
        ("confirm", "recorded in the state file"),
        ("fresh", "done once"),
        ("again", "done once"),
        ("serve", "the served simulation has no suggestions"),
        ("port", "the served simulation has no suggestions"),
        ("calls", "describes one rehearsal"),
        ("dump", "describes one rehearsal"),
    ];

    /// A value that each flag accepts.
    fn sample(argument: &clap::Arg) -> String {
        let possible = argument.get_possible_values();
        possible
            .first()
            .map_or_else(|| "1".to_owned(), |value| value.get_name().to_owned())
    }

    #[test]
    fn a_suggested_command_repeats_every_flag_that_still_applies() {
        let root = Cli::command();
        let mut commands = vec![(&root, None)];
        for command in root.get_subcommands() {
            commands.push((command, Some(command.get_name())));
        }
        let mut checked = 0;
        for (command, name) in commands {
            for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
                let Some(long) = argument.get_long().filter(|long| !matches!(*long, "help" | "version")) else {
                    continue;
                };
                let flag = match argument.get_action() {
                    ArgAction::SetTrue | ArgAction::Count => format!("--{long}"),
                    _ => format!("--{long}={}", sample(argument)),
                };
                let typed = ["idc-setup"].into_iter().chain(name).chain([flag.as_str()]);
                let cli = Cli::try_parse_from(typed).unwrap_or_else(|error| panic!("{flag}: {error}"));
                let invocation = invocation(&cli);
                let again = format!("{} ", invocation.command_line(&invocation.again()));
                let is_repeated = again.contains(&format!(" --{long} ")) || again.contains(&format!(" --{long}="));
                let is_listed = NOT_REPEATED.iter().any(|(listed, _)| *listed == long);
                assert!(
                    is_repeated || is_listed,
                    "{flag} is neither repeated nor listed: {again}"
                );
                assert!(!is_repeated || !is_listed, "{flag} is listed, but repeated: {again}");
                checked += 1;
            }
        }
        assert!(checked > 50, "only {checked} flags");
    }
}
