//! `idc-sim`: serves the simulated AWS until Ctrl-C or SIGTERM.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use idc_sim::{Cloud, Options, PersonKind, Simulation, read_faults, scenarios};
use jiff::SignedDuration;

/// A simulated AWS for everything around IAM Identity Center, on 127.0.0.1
#[derive(Debug, Parser)]
#[command(name = "idc-sim", version, max_term_width = 100, after_help = scenarios_help())]
struct Arguments {
    /// The scenario to start from: a name (see below) or a TOML file
    #[arg(default_value = "fresh", value_name = "SCENARIO")]
    scenario: String,
    /// Port on 127.0.0.1 [default: any that is free]
    #[arg(long, default_value_t = 0, hide_default_value = true, value_name = "N")]
    port: u16,
    /// Write a JSON line for each call to this file
    #[arg(long, value_name = "FILE")]
    calls: Option<PathBuf>,
    /// Add this much time to each call, such as 80ms
    #[arg(long, value_name = "DURATION")]
    latency: Option<SignedDuration>,
    /// Make calls fail as this TOML file says
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// Limit the rate of requests: `aws` allows Identity Center's 20 a second over all its APIs
    #[arg(long, value_enum, value_name = "QUOTA")]
    quota: Option<Quota>,
    /// Write the state at the end to this TOML file
    #[arg(long, value_name = "FILE")]
    dump: Option<PathBuf>,
    /// Who does what only a person can do [default: auto, or what the scenario says]
    #[arg(long, value_enum)]
    person: Option<Person>,
}

/// Whose limits apply.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Quota {
    /// 20 requests a second over all of Identity Center's APIs
    Aws,
}

/// Who does the human tasks.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Person {
    /// A simulated person, a moment after a client waits for it
    Auto,
    /// You, in a browser, on the simulation's pages
    Pages,
    /// Nobody
    Never,
}

fn scenarios_help() -> String {
    let lines = scenarios::SCENARIOS.map(|(name, about)| format!("\n  {name:18} {about}"));
    format!("Scenarios:{}", lines.concat())
}

#[tokio::main]
async fn main() -> ExitCode {
    match serve(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            let _ = writeln!(std::io::stderr(), "error: {why}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(arguments: Arguments) -> Result<(), String> {
    let mut cloud = cloud(&arguments.scenario)?;
    if let Some(person) = arguments.person {
        cloud.person.kind = match person {
            Person::Auto => PersonKind::Auto,
            Person::Pages => PersonKind::Pages,
            Person::Never => PersonKind::Never,
        };
    }
    let faults = arguments.faults.as_deref().map(read_faults).transpose()?;
    let latency = arguments.latency.map(Duration::try_from).transpose();
    let options = Options {
        port: arguments.port,
        latency: latency
            .map_err(|error| format!("--latency: {error}"))?
            .unwrap_or_default(),
        calls: arguments.calls,
        quota: arguments.quota.map(|Quota::Aws| 20),
    };
    let simulation = Simulation::start(cloud, options)
        .await
        .map_err(|error| format!("Cannot serve on port {}: {error}.", arguments.port))?;
    for fault in faults.into_iter().flatten() {
        simulation.server.fault(fault);
    }
    let home = home().map_err(|error| format!("Cannot create a home folder: {error}."))?;
    // Listening comes first: whoever waits for clients to stop misses no request to stop.
    let stopped = stopped();
    announce(&simulation, home.path()).map_err(|error| format!("Cannot write to stdout: {error}."))?;
    stopped.await;
    match &arguments.dump {
        Some(path) => scenarios::write_file(path, &simulation.server.cloud()),
        None => Ok(()),
    }
}

/// A scenario by name, or from a file.
fn cloud(scenario: &str) -> Result<Cloud, String> {
    match scenarios::named(scenario) {
        Some(cloud) => Ok(cloud),
        None if Path::new(scenario).exists() => scenarios::read_file(Path::new(scenario)),
        None => Err(format!(
            "{scenario:?} is neither a scenario nor a file (--help lists the scenarios)."
        )),
    }
}

/// A home folder for the programs that use the simulation: what they write must not end up in the user's own.
fn home() -> std::io::Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.prefix("idc-sim-home-").tempdir()
}

/// Prints the variables for a shell to `eval`, and the notes for a person on stderr.
fn announce(simulation: &Simulation, home: &Path) -> std::io::Result<()> {
    let url = simulation.server.url();
    let mut notes = std::io::stderr();
    writeln!(notes, "A simulated AWS at {url}. Ctrl-C stops it. In another terminal:")?;
    let mut out = std::io::stdout();
    for line in simulation.exports(home) {
        writeln!(out, "{line}")?;
    }
    out.flush()
}

/// Waits for Ctrl-C or SIGTERM.
async fn stopped() {
    #[cfg(unix)]
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).ok();
    #[cfg(unix)]
    let terminated = async {
        match &mut terminated {
            Some(signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}
