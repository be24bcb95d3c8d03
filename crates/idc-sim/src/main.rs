//! `idc-sim`: serves a simulated AWS until Ctrl-C or SIGTERM, or compares a recording with it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};
use idc_sim::{Cloud, Comparison, Options, PersonKind, Simulation, TemporaryHome, read_faults, scenarios};
use jiff::SignedDuration;

/// Serve a simulated AWS for programs that use IAM Identity Center, on 127.0.0.1
#[derive(Debug, Parser)]
#[command(
    name = "idc-sim",
    version,
    max_term_width = 100,
    after_help = scenarios_help(),
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// The scenario to start from: a name from the list below, or a TOML file
    #[arg(default_value = "fresh", value_name = "SCENARIO")]
    scenario: String,
    /// Port on 127.0.0.1 [default: a free port]
    #[arg(long, default_value_t = 0, hide_default_value = true, value_name = "N")]
    port: u16,
    /// Log each API call to this file, as one JSON object per line
    #[arg(long, value_name = "FILE")]
    calls: Option<PathBuf>,
    /// Keep the calls in memory, for GET /_sim/calls
    #[arg(long)]
    keep_calls: bool,
    /// Add this latency to each API call, such as 80ms
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    latency: Option<Duration>,
    /// Inject the faults that this TOML file describes
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// Enforce quotas: `aws` allows 20 requests per second across all Identity Center APIs, 10 asynchronous requests in
    /// progress, and one of them in each account
    #[arg(long, value_enum, value_name = "QUOTA")]
    quota: Option<Quota>,
    /// Which access keys are accepted [default: strict]
    #[arg(long, value_enum)]
    credentials: Option<Credentials>,
    /// On exit, write the state to this TOML file
    #[arg(long, value_name = "FILE")]
    dump: Option<PathBuf>,
    /// Who does the tasks that need a person [default: as in the scenario; the named ones use auto]
    #[arg(long, value_enum)]
    person: Option<Person>,
    /// Also stop at the end of stdin, so that the server ends with the program that started it
    #[arg(long)]
    until_stdin_closes: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Replay a recording of the real AWS against a scenario, and list the differences
    Compare(CompareArguments),
    /// Print the completions for a shell
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Write the man pages to a folder
    Man {
        /// The folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

#[derive(Debug, Args)]
struct CompareArguments {
    /// The recording: a file that `idc-setup --record FILE` has written
    file: PathBuf,
    /// The scenario to start from: a name or a TOML file
    #[arg(default_value = "fresh")]
    scenario: String,
    /// Print text or json
    #[arg(long, value_enum, default_value_t = Output::Text, hide_possible_values = true, value_name = "FORMAT")]
    output: Output,
    /// Print the recorded error messages instead, as entries of recorded.json
    #[arg(long)]
    words: bool,
}

/// The format of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// A table
    Text,
    /// One JSON document
    Json,
}

/// The quotas that the server enforces.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Quota {
    /// Those of Identity Center
    Aws,
}

/// Which access keys the server accepts.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Credentials {
    /// Those that it has issued, and those of the scenario; others are rejected, as AWS does
    Strict,
    /// Any key, as one of the account's root user
    Any,
}

/// Who does the tasks that need a person.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Person {
    /// A simulated person, shortly after a client starts to wait
    Auto,
    /// You, in a browser, on the pages of the simulation
    Pages,
    /// Nobody
    Never,
}

fn scenarios_help() -> String {
    let lines = scenarios::SCENARIOS.map(|(name, about)| format!("\n  {name:18} {about}"));
    format!(
        "Scenarios:{}\n\nA TOML file to start from: idc-sim complete --dump FILE. The format: docs/scenarios.md",
        lines.concat()
    )
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let ended = match &arguments.command {
        Some(Command::Compare(compared)) => compare(compared),
        Some(Command::Completions { shell }) => completions(*shell),
        Some(Command::Man { folder }) => man(folder),
        None => serve(&arguments).await.map(|()| ExitCode::SUCCESS),
    };
    match ended {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {}", error.message);
            ExitCode::from(error.exit)
        }
    }
}

/// Compares a recording with a scenario. The exit code is 1 if there are differences.
fn compare(arguments: &CompareArguments) -> Result<ExitCode, ServeError> {
    let name = arguments.file.display();
    let text = std::fs::read_to_string(&arguments.file)
        .map_err(|error| ServeError::usage(format!("Cannot read the recording {name}: {error}.")))?;
    let invalid = |why: String| ServeError::usage(format!("Invalid recording {name}: {why}."));
    let mut code = ExitCode::SUCCESS;
    let printed = if arguments.words {
        let entries = idc_sim::words(&text).map_err(invalid)?;
        entries.iter().fold(String::new(), |text, entry| text + entry + "\n")
    } else {
        let cloud = load_scenario(&arguments.scenario).map_err(ServeError::usage)?;
        let comparison = idc_sim::compare(&text, cloud).map_err(invalid)?;
        if !comparison.differences.is_empty() {
            code = ExitCode::from(1);
        }
        match arguments.output {
            Output::Text => table(&comparison),
            Output::Json => serde_json::to_string_pretty(&comparison).unwrap_or_default() + "\n",
        }
    };
    print(printed.as_bytes())?;
    Ok(code)
}

/// Prints the completions for a shell.
fn completions(shell: clap_complete::Shell) -> Result<ExitCode, ServeError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "idc-sim", &mut script);
    print(&script)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes a man page for the program and one for each command to a folder.
fn man(folder: &Path) -> Result<ExitCode, ServeError> {
    let written = std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(Arguments::command(), folder));
    let failed = |error| ServeError::failed(format!("Cannot write the man pages to {}: {error}.", folder.display()));
    written.map_err(failed)?;
    Ok(ExitCode::SUCCESS)
}

fn print(content: &[u8]) -> Result<(), ServeError> {
    let mut stdout = std::io::stdout();
    let written = stdout.write_all(content).and_then(|()| stdout.flush());
    written.map_err(|error| ServeError::failed(format!("Cannot write to stdout: {error}.")))
}

/// The differences and the notes of a comparison, one in each line.
fn table(comparison: &Comparison) -> String {
    let mut lines: Vec<String> = Vec::new();
    for found in &comparison.differences {
        lines.push(format!(
            "{:>5}  {}  {}: recorded {}, simulated {}",
            found.call, found.operation, found.member, found.recorded, found.simulated
        ));
    }
    for note in &comparison.notes {
        lines.push(format!("{:>5}  {}  note: {}", note.call, note.operation, note.note));
    }
    let count = comparison.differences.len();
    let plural = if count == 1 { "" } else { "s" };
    lines.push(format!(
        "{} of {} calls replayed, {count} difference{plural}.",
        comparison.replayed, comparison.calls
    ));
    lines.join("\n") + "\n"
}

/// Why the server did not start or did not end well.
struct ServeError {
    message: String,
    /// 2 if an argument or a file that it names is invalid, otherwise 1.
    exit: u8,
}

impl ServeError {
    fn usage(message: String) -> Self {
        Self { message, exit: 2 }
    }

    fn failed(message: String) -> Self {
        Self { message, exit: 1 }
    }
}

async fn serve(arguments: &Arguments) -> Result<(), ServeError> {
    let mut cloud = load_scenario(&arguments.scenario).map_err(ServeError::usage)?;
    if let Some(person) = arguments.person {
        cloud.person.kind = match person {
            Person::Auto => PersonKind::Auto,
            Person::Pages => PersonKind::Pages,
            Person::Never => PersonKind::Never,
        };
    }
    if let Some(credentials) = arguments.credentials {
        cloud.accepts_any_key = matches!(credentials, Credentials::Any);
    }
    if let Some(folder) = arguments.dump.as_deref().and_then(Path::parent)
        && !folder.as_os_str().is_empty()
        && !folder.is_dir()
    {
        return Err(ServeError::usage(format!(
            "--dump: there is no folder {}.",
            folder.display()
        )));
    }
    let faults = arguments.faults.as_deref().map(read_faults).transpose();
    let faults = faults.map_err(ServeError::usage)?;
    let options = Options {
        port: arguments.port,
        latency: arguments.latency.unwrap_or_default(),
        calls: arguments.calls.clone(),
        keep_calls: arguments.keep_calls,
        quota: arguments.quota.map(|Quota::Aws| 20),
        faults: faults.unwrap_or_default(),
    };
    // To open a pipe here would take it from its reader.
    let calls = arguments.calls.as_deref();
    if let Some(path) = calls.filter(|path| !path.exists() || path.is_file()) {
        std::fs::File::create(path)
            .map_err(|error| ServeError::usage(format!("--calls: {} cannot be written: {error}.", path.display())))?;
    }
    let simulation = Simulation::start(cloud, options)
        .await
        .map_err(|error| ServeError::failed(format!("Cannot serve on port {}: {error}.", arguments.port)))?;
    let home = TemporaryHome::create("idc-sim-home-")
        .map_err(|error| ServeError::failed(format!("Cannot create a temporary home folder: {error}.")))?;
    // Before the variables are printed: a caller may stop the server as soon as it has read them.
    let stop = stop_signal();
    print_variables(&simulation, home.path())
        .map_err(|error| ServeError::failed(format!("Cannot write to stdout: {error}.")))?;
    if arguments.until_stdin_closes {
        tokio::select! {
            () = stop => {}
            () = end_of_stdin() => {}
        }
    } else {
        stop.await;
    }
    if let Some(path) = &arguments.dump {
        scenarios::write_file(path, &simulation.server.cloud()).map_err(ServeError::failed)?;
    }
    match simulation.server.call_log_error() {
        Some(error) => Err(ServeError::failed(format!("The calls could not be logged: {error}."))),
        None => Ok(()),
    }
}

/// Parses a duration such as `80ms`.
fn duration(text: &str) -> Result<Duration, String> {
    let parsed = text.parse::<SignedDuration>().ok();
    let duration = parsed.and_then(|parsed| Duration::try_from(parsed).ok());
    duration.ok_or_else(|| "not a duration such as 80ms or 2s".to_owned())
}

/// Loads a scenario by name, or from a file.
fn load_scenario(scenario: &str) -> Result<Cloud, String> {
    match scenarios::named(scenario) {
        Some(cloud) => Ok(cloud),
        None if Path::new(scenario).exists() => scenarios::read_file(Path::new(scenario)),
        None => Err(format!(
            "{scenario:?} is neither a named scenario nor a file. For a list of scenarios, run: idc-sim --help"
        )),
    }
}

/// Prints the commands that set the variables on stdout, and a note for the user on stderr.
fn print_variables(simulation: &Simulation, home: &Path) -> std::io::Result<()> {
    let url = simulation.server.url();
    let mut stderr = std::io::stderr();
    writeln!(
        stderr,
        "Serving a simulated AWS at {url}. Press Ctrl-C to stop.\nIn another terminal, run the commands on stdout:"
    )?;
    // In one write, so that a reader never sees a part of them.
    let lines = simulation.exports(home).join("\n");
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(format!("{lines}\n").as_bytes())?;
    stdout.flush()
}

/// Completes when stdin is closed. What is read from it is discarded.
async fn end_of_stdin() {
    // A thread of its own, which ends with the process: reading from stdin cannot be cancelled.
    let (ended, end) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = ended.send(());
    });
    let _ = end.await;
}

/// Registers for Ctrl-C and SIGTERM at once; the future that it returns completes at the first of them.
#[cfg(unix)]
fn stop_signal() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (interrupt, terminate) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    async move {
        match (interrupt, terminate) {
            (Ok(mut interrupt), Ok(mut terminate)) => tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            },
            _ => drop(tokio::signal::ctrl_c().await),
        }
    }
}

/// Completes at the first Ctrl-C.
#[cfg(not(unix))]
async fn stop_signal() {
    let _ = tokio::signal::ctrl_c().await;
}
