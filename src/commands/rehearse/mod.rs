//! `idc-setup rehearse`: serve a simulated AWS, and run this very program against it as a child with an empty
//! environment and a home of its own, so that rehearsed and real runs share their code.

mod child;
mod persist;
mod serve;

use std::path::Path;
use std::time::Duration;

use super::prepare::{duration, typed_answers};
use super::{ended_by, finish};
use crate::answers::Key;
use crate::checklist::UserError;
use crate::cli::{Cli, PersonFlag, QuotaFlag, RehearseFlags, Rehearsed, UndoFlags};
use crate::environment::Environment;
use crate::next_step::Subcommand;
use crate::progress::Lock;
use crate::ui::Screen;
use child::perform;
use idc_sim::scenarios::{self, example_user};
use idc_sim::{Cloud, NewUser, Options, PersonKind, Server, Simulation, read_faults};
use persist::{KEPT_WORLD, hold, kept};
use serve::serve;

/// Rehearses or serves, and answers the exit code.
pub async fn rehearse(cli: &Cli, flags: &RehearseFlags, environment: &Environment, screen: &Screen) -> u8 {
    let ended = match prepare(cli, flags).await {
        Ok(rehearsal) if flags.serve => serve(&rehearsal, flags, screen).await,
        Ok(rehearsal) => perform(&rehearsal, cli, flags, environment, screen).await,
        Err(error) => Err(error),
    };
    match ended {
        Ok(code) => code,
        Err(error) => finish(cli, screen, Subcommand::Rehearse, None, &ended_by(error)).code(),
    }
}

/// A running simulation, and the right to write where it is kept.
struct Rehearsal {
    simulation: Simulation,
    /// Held on the folder of `--keep` for as long as this rehearsal lasts.
    _lock: Option<Lock>,
}

impl Rehearsal {
    fn server(&self) -> &Server {
        &self.simulation.server
    }
}

async fn prepare(cli: &Cli, flags: &RehearseFlags) -> Result<Rehearsal, UserError> {
    let kept = kept(flags);
    refuse_what_cannot_be(flags, kept.is_some())?;
    let latency = match &flags.latency {
        Some(text) => duration("--latency", text)?,
        None => Duration::ZERO,
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
    if let Some(user) = told_user(cli)? {
        cloud.person.adds = Some(user);
    }
    Ok(Rehearsal {
        simulation: start(cloud, flags, latency).await?,
        _lock: lock,
    })
}

/// Flags that say what another rehearsal does, and going on with one that is not kept.
fn refuse_what_cannot_be(flags: &RehearseFlags, is_kept: bool) -> Result<(), UserError> {
    if flags.what != Rehearsed::Undo && flags.undo != UndoFlags::default() {
        return Err(UserError::usage(
            "--step and --include-changed say what to take back; this rehearsal takes nothing back.",
            "idc-setup rehearse undo --keep DIR --step NAME",
        ));
    }
    if flags.what != Rehearsed::Login && flags.login.again {
        return Err(UserError::usage(
            "--again has somebody sign in anew; this rehearsal signs nobody in.",
            "idc-setup rehearse login --keep DIR --again",
        ));
    }
    let goes_on = matches!(flags.what, Rehearsed::Undo | Rehearsed::Login);
    if goes_on && !is_kept {
        return Err(UserError::usage(
            "There is no kept rehearsal to go on with.",
            "idc-setup rehearse --keep DIR, and then this with the same --keep DIR",
        ));
    }
    Ok(())
}

/// Serves a world, with the faults that are asked for.
async fn start(cloud: Cloud, flags: &RehearseFlags, latency: Duration) -> Result<Simulation, UserError> {
    let faults = match &flags.faults {
        Some(path) => read_faults(path).map_err(|why| UserError::usage(why, "idc-setup rehearse --faults FILE"))?,
        None => Vec::new(),
    };
    if let Some(path) = &flags.calls {
        std::fs::File::create(path).map_err(|error| {
            UserError::usage(
                format!("--calls: {} cannot be written: {error}.", path.display()),
                "idc-setup rehearse --calls FILE",
            )
        })?;
    }
    let options = Options {
        port: flags.port,
        latency,
        calls: flags.calls.clone(),
        quota: flags.quota.map(|QuotaFlag::Aws| 20),
    };
    let simulation = Simulation::start(cloud, options).await.map_err(|error| {
        UserError::failed(
            format!("The rehearsal cannot be served on port {}: {error}.", flags.port),
            "idc-setup rehearse --port N, with a free one",
        )
    })?;
    for fault in faults {
        simulation.server.fault(fault);
    }
    Ok(simulation)
}

/// The world that is asked for, or the one that was kept.
fn cloud(flags: &RehearseFlags) -> Result<Cloud, UserError> {
    let kept = flags
        .keep
        .as_ref()
        .map(|folder| folder.join(KEPT_WORLD))
        .filter(|path| path.exists());
    let next = "idc-setup rehearse --help (lists the worlds)";
    match (&flags.world, kept) {
        (Some(name), Some(kept)) => Err(UserError::usage(
            format!(
                "A world is kept in {}; it cannot start as {name} again.",
                kept.display()
            ),
            "idc-setup rehearse --keep DIR, with another folder or without --world",
        )),
        (None, Some(kept)) => scenarios::read_file(&kept).map_err(|why| UserError::usage(why, next)),
        (None, None) => Ok(Cloud::default()),
        (Some(name), None) => match scenarios::named(name) {
            Some(cloud) => Ok(cloud),
            None if Path::new(name).exists() => {
                scenarios::read_file(Path::new(name)).map_err(|why| UserError::usage(why, next))
            }
            None => Err(UserError::usage(
                format!("There is no world {name:?}, and no such file."),
                next,
            )),
        },
    }
}

/// With `--create-user-with console`, what the person is told to fill into *Add user*: the answers that were
/// given, else the examples.
fn told_user(cli: &Cli) -> Result<Option<NewUser>, UserError> {
    let mut answers = typed_answers(cli, &Environment::default())?;
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

/// Example answers for what has no default; a rehearsed run has them prefilled.
pub fn examples() -> [(Key, String); 3] {
    let user = example_user();
    [
        (Key::Email, user.email),
        (Key::GivenName, user.given_name),
        (Key::FamilyName, user.family_name),
    ]
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn cannot_start(error: std::io::Error) -> UserError {
    UserError::failed(
        format!("The rehearsal cannot start: {error}."),
        "make room or rights there, or name another folder: idc-setup rehearse --keep DIR",
    )
}
