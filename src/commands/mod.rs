//! The commands, one module each: parsing the command line, running the command, and what the commands share.

mod access;
mod answers;
mod connect;
mod doctor;
mod ending;
mod export;
mod generate;
mod invocation;
mod join;
mod login;
mod next;
mod panics;
mod plan;
mod portal;
mod prepare;
mod profile_edit;
mod profiles;
mod reauth;
mod recommend;
mod rehearse;
mod run;
mod session;
mod signals;
mod status;
mod undo;

use std::ffi::OsString;
use std::io::ErrorKind;

use crate::aws::record::Recorder;
use crate::cli::{Cli, Command, ExportedTo, NoCommand, Output, Requested};
use crate::environment::Environment;
use crate::exit_code::ExitCode;
use crate::log;
use crate::next_step::{Invocation, NextStep, SetupCommand, Subcommand};
use crate::shell::{Shell, quoted};
use crate::ui::envelope::of_error;
use crate::ui::{Screen, TerminalGuard};
use crate::user_error::{UserError, UserErrorKind};
use ending::{fail, say_interrupted};
use invocation::{rehearsed, subcommand};
use panics::guarded;
use session::screen;
use signals::{asked_to_end, exit_with_parent};

/// Parses the arguments and runs the command; returns the number that the process exits with.
pub fn main(args: &[OsString], environment: &Environment) -> u8 {
    let text: Vec<String> = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let cli = match Cli::parse_line(&text) {
        Ok(cli) => cli,
        Err(why) => return no_command(&why, &text, environment).code(),
    };
    let terminal = TerminalGuard::new();
    let screen = screen(&cli, environment);
    if let Err(why) = log::start(&screen.log, cli.flags.verbose, environment.var(log::VARIABLE)) {
        let error = UserError::usage(
            format!("{} {why}.", log::VARIABLE),
            NextStep::note(format!("correct or unset {}", log::VARIABLE)),
        );
        return fail(&cli, &screen, subcommand(&cli), error).code();
    }
    // Another text in their place could name another file.
    let is_unreadable = args.iter().any(|arg| arg.to_str().is_none());
    let unreadable = is_unreadable.then_some("An argument").or(environment.unreadable());
    if let Some(what) = unreadable {
        let error = UserError::usage(
            format!("{what} is not valid UTF-8."),
            NextStep::note("use a name without special characters"),
        );
        return fail(&cli, &screen, subcommand(&cli), error).code();
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
    let environment = &match recorder(&cli, &screen) {
        Ok(recorder) => environment.with_recorder(recorder),
        Err(error) => return fail(&cli, &screen, subcommand(&cli), error).code(),
    };
    let _limited = {
        let _entered = runtime.enter();
        signals::survive_file_size_limit()
    };
    let run = || match &cli.command {
        Some(Command::Rehearse(flags)) => runtime.block_on(rehearse::rehearse(&cli, flags, environment, &screen)),
        _ => runtime.block_on(until_interrupted(&cli, environment, &screen)).code(),
    };
    let code = guarded(run, |error| {
        terminal.restore();
        fail(&cli, &screen, subcommand(&cli), error).code()
    });
    terminal.restore();
    if let Some(recorder) = &environment.recorder {
        say_recorded(recorder, &screen);
    }
    // A prompt may still be reading, and must not keep the program from exiting.
    runtime.shutdown_background();
    code
}

/// Opens the file of `--record`, if it is given, and says that calls are recorded. In a rehearsal, the child process does.
fn recorder(cli: &Cli, screen: &Screen) -> Result<Option<Recorder>, UserError> {
    let is_rehearse = matches!(cli.command, Some(Command::Rehearse(_)));
    let Some(path) = cli.flags.record.as_ref().filter(|_| !is_rehearse) else {
        return Ok(None);
    };
    let recorder = Recorder::create(path).map_err(|error| {
        let why = match error.kind() {
            ErrorKind::AlreadyExists => "exists, and is not overwritten".to_owned(),
            _ => format!("cannot be written: {error}"),
        };
        UserError::usage(
            format!("--record: {} {why}.", path.display()),
            SetupCommand::again().placeholder("--record", "FILE"),
        )
    })?;
    screen.talk(&format!(
        "Each call to AWS is recorded in {}, without secrets, names and IDs.",
        path.display()
    ));
    Ok(Some(recorder))
}

/// Says where the recording is.
fn say_recorded(recorder: &Recorder, screen: &Screen) {
    let (path, calls) = (recorder.path().display(), recorder.calls());
    if let Some(error) = recorder.error() {
        screen.warn(&format!("The recording in {path} is not complete: {error}."));
    }
    let plural = if calls == 1 { "" } else { "s" };
    screen.talk(&format!("Recorded {calls} call{plural} in {path}."));
    let (pager, path) = (Shell::OF_PLATFORM.pager(), quoted(&path.to_string()));
    screen.talk_unwrapped(&format!("Read it before you share it: {pager} {path}"));
}

/// Runs the command until it ends, the user presses Ctrl-C, or a signal requests termination. Everything is recorded when
/// it happens, so there is nothing to clean up.
async fn until_interrupted(cli: &Cli, environment: &Environment, screen: &Screen) -> ExitCode {
    let ends_by_itself = match &cli.command {
        None | Some(Command::Run | Command::Recommend | Command::Undo(_)) => true,
        Some(Command::Access(access)) => access.command.ends_by_itself(),
        _ => false,
    };
    if ends_by_itself {
        // They handle the interruption themselves, to report what they have done.
        return dispatch(cli, environment, screen).await;
    }
    tokio::select! {
        code = dispatch(cli, environment, screen) => code,
        () = asked_to_end() => interrupted(cli, screen),
    }
}

async fn dispatch(cli: &Cli, environment: &Environment, screen: &Screen) -> ExitCode {
    if cli.flags.output == Output::Mermaid && !matches!(cli.command, Some(Command::Status)) {
        let error = UserError::usage(
            "--output mermaid is only available for status.",
            SetupCommand::status().value("--output", "mermaid"),
        );
        return fail(cli, screen, subcommand(cli), error);
    }
    if cli.flags.output == Output::Markdown && !access::prints_markdown(cli) {
        return fail(cli, screen, subcommand(cli), markdown_refused(cli));
    }
    let exit = command(cli, environment, screen).await;
    if screen.is_result_lost() {
        screen.warn("error: Cannot write the result to stdout.");
        return ExitCode::greatest([exit, ExitCode::Failed]);
    }
    exit
}

/// The error for Markdown of a command that does not print it.
fn markdown_refused(cli: &Cli) -> UserError {
    let refused = "--output markdown is only available for the commands of access.";
    match &cli.command {
        Some(Command::Export(flags)) if flags.what == Some(ExportedTo::Access) => UserError::usage(
            format!("{refused} export access prints the access file itself, as TOML."),
            SetupCommand::export("access").to("print the access file"),
        ),
        _ => UserError::usage(
            refused,
            [
                SetupCommand::again().to("print text"),
                SetupCommand::new(Subcommand::AccessPlan)
                    .value("--output", "markdown")
                    .to("print the plan of an access file"),
            ],
        ),
    }
}

async fn command(cli: &Cli, environment: &Environment, screen: &Screen) -> ExitCode {
    match &cli.command {
        None | Some(Command::Run | Command::Rehearse(_)) => run::run(cli, environment, screen).await,
        Some(Command::Recommend) => recommend::recommend(cli, environment, screen).await,
        Some(Command::Status) => status::status(cli, environment, screen).await,
        Some(Command::Plan) => plan::plan(cli, environment, screen).await,
        Some(Command::Next) => next::next(cli, environment, screen).await,
        Some(Command::Doctor) => doctor::doctor(cli, environment, screen).await,
        Some(Command::Undo(flags)) => undo::undo(cli, flags, environment, screen).await,
        Some(Command::Answers) => answers::answers(cli, environment, screen),
        Some(Command::Completions { shell }) => generate::completions(*shell, screen),
        Some(Command::Man { folder }) => generate::man(cli, folder, screen),
        Some(Command::Login(flags)) => login::login(cli, flags, environment, screen).await,
        Some(Command::Profiles(args)) => profiles::profiles(cli, args, environment, screen).await,
        Some(Command::Join(flags)) => join::join(cli, flags, environment, screen).await,
        Some(Command::Export(flags)) => export::export(cli, flags, environment, screen).await,
        Some(Command::Access(args)) => access::access(cli, &args.command, environment, screen).await,
    }
}

fn interrupted(cli: &Cli, screen: &Screen) -> ExitCode {
    if cli.flags.output == Output::Json {
        let error = UserError::new(UserErrorKind::Interrupted, "Interrupted.", screen.invocation.again());
        return fail(cli, screen, subcommand(cli), error);
    }
    say_interrupted(screen);
    ExitCode::Interrupted
}

/// Returns the command of a command line that is not valid, for its envelope.
fn requested(args: &[String]) -> Subcommand {
    let requested = Requested::of(args);
    requested.rehearsed.map_or(requested.command, rehearsed)
}

/// Prints the help, or the error of a command line that is not valid.
fn no_command(why: &NoCommand, args: &[String], environment: &Environment) -> ExitCode {
    let is_json = args.windows(2).any(|pair| pair[0] == "--output" && pair[1] == "json")
        || args.iter().any(|arg| arg == "--output=json");
    // The width of the help. The screen uses that of the terminal if there is one.
    let width = Some(100);
    let is_plain = environment.has_dumb_terminal()
        || environment.var("NO_COLOR").is_some()
        || args.iter().any(|arg| arg == "--no-color");
    let screen = Screen {
        color: environment.is_terminal && environment.stdout_is_terminal && !is_plain,
        ascii: !environment.is_unicode(),
        talk_width: width.filter(|_| environment.is_terminal),
        result_width: width,
        ..Screen::default()
    };
    match why {
        NoCommand::Help(help) => {
            // A closed pipe is not an error.
            let _ = help.print();
            ExitCode::Success
        }
        NoCommand::Page(page) => {
            screen.raw_result(page);
            if screen.is_result_lost() {
                ExitCode::Failed
            } else {
                ExitCode::Success
            }
        }
        NoCommand::Refused(error) => {
            if is_json {
                let invocation = Invocation::default();
                screen.json(&of_error(requested(args), error, ExitCode::Usage, &invocation));
            } else {
                screen.error(error);
            }
            ExitCode::Usage
        }
    }
}
