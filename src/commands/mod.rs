//! One file a command, and what they share: from what was typed to a walk over the checklist.

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

use std::rc::Rc;
#[cfg(unix)]
use std::sync::OnceLock;

use clap::Parser;

use crate::browser::Browser;

use crate::answers::Key;
use crate::checklist::{self, Outcome, Prompter, UserError, UserErrorKind, Waiting};
use crate::cli::{Cli, Command, Output};
use crate::environment::Environment;
use crate::text::quoted;
use crate::ui::output::{CallerOut, Envelope};
use crate::ui::{self, diagram};
use crate::ui::{Interactive, Plain, Screen, TerminalGuard, clean_lines, print_text};
use prepare::Prepared;

/// Parses, runs a command, and answers the exit code.
pub fn main(args: &[String], environment: &Environment) -> u8 {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return usage(&error, args),
    };
    let terminal = TerminalGuard::new();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            Screen::default().warn(&format!("error: the runtime cannot start: {error}."));
            return 1;
        }
    };
    Screen::go_on_with(own_flags(&cli));
    if cli.flags.rehearsal.is_some() {
        end_with_the_rehearsal();
        if let Some(folder) = &cli.flags.rehearsal_kept {
            Screen::rehearse_in(folder);
        }
    }
    let code = match &cli.command {
        Some(Command::Rehearse(flags)) => runtime.block_on(rehearse::rehearse(&cli, flags, environment)),
        _ => runtime.block_on(until_interrupted(&cli, environment)),
    };
    terminal.restore();
    // A prompt may still be reading; it must not keep the program from ending.
    runtime.shutdown_background();
    code
}

/// The child of a rehearsal has nothing to do once the simulated AWS is gone, however that ended.
fn end_with_the_rehearsal() {
    #[cfg(target_os = "linux")]
    {
        // Where the system does not know this, the child ends with its first call that nobody answers.
        let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    }
}

/// Runs the command until it ends, Ctrl-C is pressed or somebody asks the process to end: everything is recorded as it
/// happens, so there is nothing to finish.
async fn until_interrupted(cli: &Cli, environment: &Environment) -> u8 {
    if matches!(cli.command, Some(Command::Undo(_))) {
        // It tells what it has removed by then.
        return dispatch(cli, environment).await;
    }
    tokio::select! {
        code = dispatch(cli, environment) => code,
        () = asked_to_end() => interrupted(cli, environment),
    }
}

/// Ctrl-C; and where there are such signals, SIGTERM and SIGHUP.
async fn asked_to_end() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut terminate) = signal(SignalKind::terminate()) else {
            let _ = tokio::signal::ctrl_c().await;
            return;
        };
        let hung_up = async {
            // Whoever has the program go on without a terminal (nohup) wants it to.
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

/// Whether this process was started with SIGHUP ignored. Where the system does not tell, it is left alone.
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

async fn dispatch(cli: &Cli, environment: &Environment) -> u8 {
    if cli.flags.output == Output::Mermaid && !matches!(cli.command, Some(Command::Status)) {
        let error = UserError::usage(
            "--output mermaid draws the access picture, which status looks at.",
            "idc-setup status --output mermaid",
        );
        let screen = screen(cli, environment);
        return finish(cli, screen, command_name(cli), None, &ended_by(error));
    }
    let exit = command(cli, environment).await;
    if Screen::is_result_lost() {
        screen(cli, environment).warn("error: the result could not be written to stdout.");
        return checklist::exit([exit, 1]);
    }
    exit
}

async fn command(cli: &Cli, environment: &Environment) -> u8 {
    match &cli.command {
        None | Some(Command::Run | Command::Rehearse(_)) => run::run(cli, environment).await,
        Some(Command::Status) => status::status(cli, environment).await,
        Some(Command::Plan) => plan::plan(cli, environment).await,
        Some(Command::Doctor) => doctor::doctor(cli, environment).await,
        Some(Command::Undo(flags)) => undo::undo(cli, flags, environment).await,
        Some(Command::Answers) => answers::answers(cli, environment),
        Some(Command::Completions { shell }) => generate::completions(cli, *shell, environment),
        Some(Command::Man { folder }) => generate::man(cli, folder, environment),
        Some(Command::Login(flags)) => login::login(cli, flags, environment).await,
    }
}

fn interrupted(cli: &Cli, environment: &Environment) -> u8 {
    let screen = screen(cli, environment);
    let error = UserError::new(UserErrorKind::Interrupted, "Interrupted.", again(cli));
    if cli.flags.output == Output::Json {
        // Each command's envelope has a body of its own.
        match &cli.command {
            Some(Command::Login(_)) => return login::interrupted(screen, error),
            Some(Command::Doctor) => return doctor::interrupted(screen, &error),
            _ => {}
        }
        return finish(cli, screen, command_name(cli), None, &ended_by(error));
    }
    say_interrupted(cli, screen);
    130
}

/// Progress is saved as it happens; a rehearsal's parent says how to go on with it.
fn say_interrupted(cli: &Cli, screen: Screen) {
    let next = match command_name(cli) {
        _ if screen.rehearsed => String::new(),
        "doctor" | "answers" | "completions" | "man" => String::new(),
        _ => format!(" Progress is kept; go on with: {}", again(cli)),
    };
    screen.warn(&format!("\nInterrupted.{next}"));
}

/// The command with flags of its own; the screen adds those that say which state file and credentials it goes on with.
fn again(cli: &Cli) -> String {
    let own = match &cli.command {
        Some(Command::Undo(flags)) => flags.to_args(),
        Some(Command::Login(_)) => {
            let typed = cli.answers.typed.iter();
            let profile = typed.filter(|(key, _)| *key == Key::CliProfile);
            profile.map(|(key, name)| format!("--{}={name}", key.name())).collect()
        }
        _ => Vec::new(),
    };
    let words = own.iter().map(|word| quoted(word));
    [vec![format!("idc-setup {}", command_name(cli))], words.collect()]
        .concat()
        .join(" ")
}

/// Flags that say what a command is about: they are needed again, whatever it goes on with.
fn own_flags(cli: &Cli) -> Vec<(&'static str, String)> {
    let state = cli
        .flags
        .state
        .iter()
        .map(|path| ("--state", path.display().to_string()));
    let profile = cli.flags.profile.iter().map(|profile| ("--profile", profile.clone()));
    state.chain(profile).collect()
}

fn command_name(cli: &Cli) -> &'static str {
    match &cli.command {
        Some(Command::Status) => "status",
        Some(Command::Plan) => "plan",
        Some(Command::Doctor) => "doctor",
        Some(Command::Undo(_)) => "undo",
        Some(Command::Answers) => "answers",
        Some(Command::Completions { .. }) => "completions",
        Some(Command::Man { .. }) => "man",
        Some(Command::Login(_)) => "login",
        _ => "run",
    }
}

/// What could not be parsed. Help and version are no errors.
fn usage(error: &clap::Error, args: &[String]) -> u8 {
    let wants_json = args.windows(2).any(|pair| pair[0] == "--output" && pair[1] == "json")
        || args.iter().any(|arg| arg == "--output=json");
    if error.use_stderr() && wants_json {
        let words = error.to_string();
        let message = words
            .lines()
            .next()
            .unwrap_or_default()
            .trim_start_matches("error: ")
            .to_owned();
        let outcome = ended_by(UserError::usage(message, "idc-setup --help"));
        Screen::default().json(&Envelope::of_steps("run", None, None, &outcome, 2).json());
        return 2;
    }
    // A closed pipe is no failure of ours.
    let _ = error.print();
    if error.use_stderr() { 2 } else { 0 }
}

fn screen(cli: &Cli, environment: &Environment) -> Screen {
    let plain = is_accessible(cli, environment) || environment.var("TERM") == Some("dumb");
    let colour = !cli.flags.no_color
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
        colour,
        ascii: !environment.is_unicode(),
        talk_width: width(environment.is_terminal, console::Term::stderr()),
        result_width: width(environment.stdout_is_terminal, console::Term::stdout()),
        rehearsed: cli.flags.rehearsal.is_some(),
    }
}

/// `--accessible`, or its variable for good.
fn is_accessible(cli: &Cli, environment: &Environment) -> bool {
    let wanted = environment.var("IDC_SETUP_ACCESSIBLE");
    cli.flags.accessible || wanted.is_some_and(|wanted| !matches!(wanted, "0" | "false" | "no"))
}

/// So that nobody takes a rehearsal for the real thing, or the real thing for a rehearsal.
fn say_rehearsal(cli: &Cli, environment: &Environment, screen: Screen) {
    if prepare::Stage::of(cli, environment).is_ok_and(|stage| stage.is_rehearsal()) {
        screen.talk("REHEARSAL: a simulated AWS. Nothing here is real, and nothing is changed outside it.");
    }
}

/// This person's browser.
fn browser(cli: &Cli, environment: &Environment) -> Result<Rc<Browser>, UserError> {
    Ok(prepare::Stage::of(cli, environment)?.browser(cli, environment))
}

/// The guide that asks: in a terminal, or line by line where that is wanted. `None` where nobody can be asked:
/// questions need terminals on stdin and stderr.
fn asking_guide(
    cli: &Cli,
    environment: &Environment,
    screen: Screen,
    browser: &Rc<Browser>,
) -> Option<Box<dyn Prompter>> {
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

/// Shows that something is looked at, until it is dropped; nothing where nobody watches.
fn looking(cli: &Cli, environment: &Environment, screen: Screen, what: &str) -> Option<Box<dyn Waiting>> {
    if screen.quiet || !environment.is_terminal {
        return None;
    }
    if is_accessible(cli, environment) || environment.var("TERM") == Some("dumb") {
        screen.talk(what);
        return None;
    }
    Some(ui::looking(screen, what))
}

fn ended_by(error: UserError) -> Outcome {
    Outcome {
        reports: Vec::new(),
        error: Some(error),
        region: None,
    }
}

/// Prints how a command has ended, and answers the exit code.
fn finish(cli: &Cli, screen: Screen, command: &str, prepared: Option<&Prepared>, outcome: &Outcome) -> u8 {
    let exit = outcome.exit(cli.flags.strict);
    if cli.flags.output == Output::Json {
        let caller = prepared.map(|prepared| CallerOut {
            account: prepared.context.caller.account.clone(),
            arn: prepared.context.caller.arn.clone(),
        });
        let region = prepared.map_or_else(|| outcome.region.clone(), Prepared::region);
        screen.json(&Envelope::of_steps(command, caller, region, outcome, exit).json());
    } else if exit == 130 {
        say_interrupted(cli, screen);
    } else if cli.flags.output == Output::Mermaid && !outcome.reports.is_empty() {
        screen.verbatim(&format!("{}\n", clean_lines(&diagram::mermaid(&outcome.reports))));
    } else {
        print_text(screen, outcome, command);
    }
    exit
}
