//! `idc-setup rehearse`: serves a simulated AWS and runs this program against it, as a child process with an empty
//! environment and its own home folder. This way, rehearsals and real runs use the same code.

mod child;
mod examples;
mod persist;
mod serve;
mod session;
mod simulation;

use std::path::Path;
use std::time::Duration;

use child::perform;
use idc_sim::scenarios;
use idc_sim::{Cloud, NewUser, Options, PersonKind, Simulation, read_faults};
use persist::{check_folder, hold};
use serve::serve;
use simulation::Rehearsal;

use super::ending::fail;
use super::invocation::{KEPT_SCENARIO, kept, rehearsed_command};
use super::prepare::{check_given, duration};
pub use examples::examples;

use crate::answers::Key;
use crate::cli::{Cli, PersonFlag, QuotaFlag, RehearseFlags, Rehearsed, UndoFlags};
use crate::environment::Environment;
use crate::next_step::{NextStep, SetupCommand};
use crate::ui::Screen;
use crate::user_error::UserError;
use aws_config_file::files;

/// Rehearses a command, or only serves, and returns the exit code.
pub async fn rehearse(cli: &Cli, flags: &RehearseFlags, environment: &Environment, screen: &Screen) -> u8 {
    let ended = match prepare(cli, flags, environment).await {
        Ok(rehearsal) if flags.serve => serve(&rehearsal, flags, screen).await,
        Ok(rehearsal) => perform(&rehearsal, cli, flags, environment, screen).await,
        Err(error) => Err(error),
    };
    match ended {
        Ok(code) => code,
        Err(error) => fail(cli, screen, rehearsed_command(flags), error).code(),
    }
}

/// How long the simulated person takes when somebody watches.
const WATCHED_PERSON: Duration = Duration::from_secs(3);

async fn prepare(cli: &Cli, flags: &RehearseFlags, environment: &Environment) -> Result<Rehearsal, UserError> {
    let kept = kept(flags);
    check_folder(flags)?;
    check_flags(flags, kept.is_some())?;
    let latency = match &flags.latency {
        Some(text) => duration(SetupCommand::again(), "--latency", text)?,
        None => Duration::ZERO,
    };
    #[cfg(unix)]
    if let Some(path) = &flags.calls {
        use std::os::unix::fs::FileTypeExt as _;
        // To open a pipe would wait for its reader.
        if path.metadata().is_ok_and(|metadata| metadata.file_type().is_fifo()) {
            return Err(UserError::usage(
                format!("--calls: {} is a pipe.", path.display()),
                SetupCommand::again().placeholder("--calls", "FILE"),
            ));
        }
    }
    if let Some(path) = &flags.dump {
        files::check_writable(path).map_err(|error| {
            UserError::usage(
                format!("--dump: {} cannot be written: {error}.", path.display()),
                SetupCommand::again().placeholder("--dump", "FILE"),
            )
        })?;
    }
    let to_add = match flags.line {
        // The command checks its own answers.
        Some(_) => None,
        None => user_to_add(cli)?,
    };
    let lock = kept.map_or(Ok(None), |folder| hold(folder, flags))?;
    let mut cloud = cloud(flags)?;
    if let Some(person) = flags.person {
        cloud.person.kind = match person {
            PersonFlag::Auto => PersonKind::Auto,
            PersonFlag::Pages => PersonKind::Pages,
            PersonFlag::Never => PersonKind::Never,
        };
    }
    let is_watched = environment.is_terminal && !cli.flags.non_interactive && !flags.serve;
    if is_watched && flags.world.is_none() {
        cloud.timing.person = WATCHED_PERSON;
    }
    if let Some(user) = to_add {
        cloud.person.adds = Some(user);
    }
    Ok(Rehearsal {
        simulation: start(cloud, flags, latency).await?,
        _lock: lock,
    })
}

/// Refuses flags of other rehearsals, and an undo or a login without a kept rehearsal.
fn check_flags(flags: &RehearseFlags, is_kept: bool) -> Result<(), UserError> {
    // In a rehearsal, the rendered commands are rehearsed ones and have the `--keep` of this command line.
    let with_keep = |command: SetupCommand| {
        if flags.keep.is_some() {
            command
        } else {
            command.placeholder("--keep", "DIR")
        }
    };
    if flags.what != Rehearsed::Undo && flags.undo != UndoFlags::default() {
        return Err(UserError::usage(
            "--step and --include-changed are flags of rehearse undo.",
            with_keep(SetupCommand::undo()).placeholder("--step", "NAME"),
        ));
    }
    if flags.what != Rehearsed::Login && flags.login.again {
        return Err(UserError::usage(
            "--again is a flag of rehearse login.",
            with_keep(SetupCommand::login()).switch("--again"),
        ));
    }
    let continues = match flags.what {
        Rehearsed::Undo => Some(SetupCommand::undo()),
        Rehearsed::Login => Some(SetupCommand::login()),
        // Without --keep, they look at a new account.
        Rehearsed::Status if flags.keep.is_some() && flags.world.is_none() => Some(SetupCommand::status()),
        Rehearsed::Doctor if flags.keep.is_some() && flags.world.is_none() => Some(SetupCommand::doctor()),
        _ => None,
    };
    match continues {
        Some(command) if !is_kept => Err(UserError::usage(
            "There is no kept rehearsal to continue.",
            with_keep(SetupCommand::run())
                .to("rehearse a run and keep it")
                .then(with_keep(command)),
        )),
        _ => Ok(()),
    }
}

/// Serves a scenario, with the requested faults.
async fn start(cloud: Cloud, flags: &RehearseFlags, latency: Duration) -> Result<Simulation, UserError> {
    let faults = match &flags.faults {
        Some(path) => read_faults(path)
            .map_err(|why| UserError::usage(why, SetupCommand::again().placeholder("--faults", "FILE")))?,
        None => Vec::new(),
    };
    if let Some(path) = &flags.calls {
        std::fs::File::create(path).map_err(|error| {
            UserError::usage(
                format!("--calls: {} cannot be written: {error}.", path.display()),
                SetupCommand::again().placeholder("--calls", "FILE"),
            )
        })?;
    }
    let options = Options {
        port: flags.port,
        latency,
        calls: flags.calls.clone(),
        keep_calls: false,
        quota: flags.quota.map(|QuotaFlag::Aws| 20),
        faults,
    };
    Simulation::start(cloud, options).await.map_err(|error| {
        UserError::failed(
            format!("The simulated AWS cannot be served on port {}: {error}.", flags.port),
            SetupCommand::again().placeholder("--port", "N").to("use a free port"),
        )
    })
}

/// Returns the requested scenario, or the kept one.
fn cloud(flags: &RehearseFlags) -> Result<Cloud, UserError> {
    let kept = flags
        .keep
        .as_ref()
        .map(|folder| folder.join(KEPT_SCENARIO))
        .filter(|path| path.exists());
    let next = match flags.line {
        // With the words of the command, it would be the help of the command.
        Some(_) => NextStep::other("list the scenarios", ["idc-setup", "rehearse", "--help"]),
        None => SetupCommand::rehearse()
            .switch("--help")
            .without("--world")
            .without("--serve")
            .to("list the scenarios"),
    };
    match (&flags.world, kept) {
        (Some(name), Some(kept)) => Err(UserError::usage(
            format!(
                "{} is a kept rehearsal, which cannot start from {name} again.",
                kept.display()
            ),
            [
                SetupCommand::rehearse()
                    .value("--world", name)
                    .placeholder("--keep", "DIR")
                    .to("use another folder"),
                SetupCommand::again().to("continue the kept rehearsal"),
            ],
        )),
        (None, Some(kept)) => scenarios::read_file(&kept).map_err(|why| UserError::usage(why, next)),
        (None, None) => {
            let scenario = rehearsed_command(flags).default_scenario();
            Ok(scenarios::named(scenario).unwrap_or_default())
        }
        (Some(name), None) => match scenarios::named(name) {
            Some(cloud) => Ok(cloud),
            None if Path::new(name).exists() => {
                scenarios::read_file(Path::new(name)).map_err(|why| UserError::usage(why, next))
            }
            None => Err(UserError::usage(
                format!("There is no scenario and no file {name:?}."),
                next,
            )),
        },
    }
}

/// With `--create-user-with console`, returns the user that the simulated person adds in the console: from the given
/// answers, or else the examples.
fn user_to_add(cli: &Cli) -> Result<Option<NewUser>, UserError> {
    let (_, mut answers) = check_given(cli, &Environment::default())?;
    for (key, value) in examples() {
        answers.default_to(key, value, crate::answers::Source::Default);
    }
    let by_hand = answers.text(Key::CreateUserWith) == "console";
    Ok(by_hand.then(|| NewUser {
        name: answers.text(Key::Username),
        email: answers.text(Key::Email),
        given_name: answers.text(Key::GivenName),
        family_name: answers.text(Key::FamilyName),
        display_name: answers.text(Key::DisplayName),
    }))
}
