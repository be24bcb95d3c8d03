//! `idc-setup rehearse`: serve a simulated AWS, and run this very program against it as a child with an empty
//! environment and a home of its own, so that rehearsed and real runs share their code.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use super::prepare::{duration, typed_answers};
use super::{ended_by, finish, screen};
use crate::answers::Key;
use crate::checklist::Trouble;
use crate::cli::{Cli, PersonFlag, QuotaFlag, RehearseFlags, Rehearsed, UndoFlags};
use crate::environment::Environment;
use crate::files;
use crate::guide::Screen;
use crate::rehearsal::worlds::{self, example_user};
use crate::rehearsal::{Credentials, NewUser, Options, PersonKind, Server, World, read_faults};

/// The world, in the folder of `--keep`.
const KEPT_WORLD: &str = "world.toml";

/// The exit code of a run that has found another at work.
const LOCKED: u8 = 6;

/// What passes from our environment to the child's: how to show things, and where programs are.
const PASSED_ON: [&str; 11] = [
    "TERM",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "IDC_SETUP_ACCESSIBLE",
    "COLUMNS",
    "PATH",
    "NO_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLORTERM",
];

/// What tells whether there is a browser, and where: passed on when somebody is to use the rehearsal's pages.
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

/// Rehearses or serves, and answers the exit code.
pub async fn rehearse(cli: &Cli, flags: &RehearseFlags, environment: &Environment) -> u8 {
    let screen = Screen {
        rehearsed: true,
        ..screen(cli, environment)
    };
    let ended = match prepare(cli, flags).await {
        Ok(stage) if flags.serve => serve(&stage, flags, screen).await,
        Ok(stage) => perform(&stage, cli, flags, environment, screen).await,
        Err(trouble) => Err(trouble),
    };
    match ended {
        Ok(code) => code,
        Err(trouble) => finish((cli, environment), screen, "rehearse", None, &ended_by(trouble)),
    }
}

/// A server that runs, and root's session in its world.
struct Stage {
    server: Server,
    credentials: Credentials,
    region: String,
}

impl Stage {
    /// Variables that lead any AWS tool to the server, as root.
    fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", self.server.url()),
            ("AWS_ACCESS_KEY_ID", self.credentials.access_key_id.clone()),
            ("AWS_SECRET_ACCESS_KEY", self.credentials.secret_access_key.clone()),
            ("AWS_SESSION_TOKEN", self.credentials.session_token.clone()),
            ("AWS_REGION", self.region.clone()),
            // boto3 knows this one alone.
            ("AWS_DEFAULT_REGION", self.region.clone()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ]
    }
}

async fn prepare(cli: &Cli, flags: &RehearseFlags) -> Result<Stage, Trouble> {
    if flags.what != Rehearsed::Undo && flags.undo != UndoFlags::default() {
        return Err(Trouble::usage(
            "--step and --include-changed say what to take back; this rehearsal takes nothing back.",
            "idc-setup rehearse undo --keep DIR --step NAME",
        ));
    }
    if flags.what != Rehearsed::Login && flags.login.again {
        return Err(Trouble::usage(
            "--again has somebody sign in anew; this rehearsal signs nobody in.",
            "idc-setup rehearse login --keep DIR --again",
        ));
    }
    let latency = match &flags.latency {
        Some(text) => duration("--latency", text)?,
        None => Duration::ZERO,
    };
    let mut world = world(flags)?;
    if let Some(person) = flags.person {
        world.person.kind = match person {
            PersonFlag::Auto => PersonKind::Auto,
            PersonFlag::Pages => PersonKind::Pages,
            PersonFlag::Never => PersonKind::Never,
        };
    }
    if let Some(user) = told_user(cli)? {
        world.person.adds = Some(user);
    }
    let root = world.root();
    let credentials = world.issue(root);
    let region = world.region.clone();
    let options = Options {
        port: flags.port,
        latency,
        calls: flags.calls.clone(),
        quota: flags.quota.map(|QuotaFlag::Aws| 20),
    };
    let faults = match &flags.faults {
        Some(path) => read_faults(path).map_err(|why| Trouble::usage(why, "idc-setup rehearse --faults FILE"))?,
        None => Vec::new(),
    };
    if let Some(path) = &flags.calls {
        std::fs::File::create(path).map_err(|error| {
            Trouble::usage(
                format!("--calls: {} cannot be written: {error}.", path.display()),
                "idc-setup rehearse --calls FILE",
            )
        })?;
    }
    let server = Server::start(world, options).await.map_err(|error| {
        Trouble::failed(
            format!("The rehearsal cannot be served on port {}: {error}.", flags.port),
            "idc-setup rehearse --port N, with a free one",
        )
    })?;
    for fault in faults {
        server.fault(fault);
    }
    Ok(Stage {
        server,
        credentials,
        region,
    })
}

/// The world that is asked for, or the one that was kept.
fn world(flags: &RehearseFlags) -> Result<World, Trouble> {
    let kept = flags
        .keep
        .as_ref()
        .map(|folder| folder.join(KEPT_WORLD))
        .filter(|path| path.exists());
    let next = "idc-setup rehearse --help (lists the worlds)";
    match (&flags.world, kept) {
        (Some(name), Some(kept)) => Err(Trouble::usage(
            format!(
                "A world is kept in {}; it cannot start as {name} again.",
                kept.display()
            ),
            "idc-setup rehearse --keep DIR, with another folder or without --world",
        )),
        (None, Some(kept)) => worlds::read_file(&kept).map_err(|why| Trouble::usage(why, next)),
        (None, None) => Ok(World::default()),
        (Some(name), None) => match worlds::named(name) {
            Some(world) => Ok(world),
            None if Path::new(name).exists() => {
                worlds::read_file(Path::new(name)).map_err(|why| Trouble::usage(why, next))
            }
            None => Err(Trouble::usage(
                format!("There is no world {name:?}, and no such file."),
                next,
            )),
        },
    }
}

/// With `--create-user-with console`, what the person is told to fill into *Add user*: the answers that were
/// given, else the examples.
fn told_user(cli: &Cli) -> Result<Option<NewUser>, Trouble> {
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

/// Serves until Ctrl-C. The home folder belongs to the rehearsal too: what follows it must not write into the
/// person's own.
async fn serve(stage: &Stage, flags: &RehearseFlags, screen: Screen) -> Result<u8, Trouble> {
    let (home, _temporary) = home(flags).map_err(cannot_start)?;
    let url = stage.server.url();
    screen.talk(&format!(
        "REHEARSAL: a simulated AWS at {url}. Ctrl-C stops it. In another terminal:"
    ));
    for (name, value) in stage.variables() {
        screen.result(&format!("export {name}={value}"));
    }
    screen.result(&format!("export IDC_SETUP_REHEARSAL={url}"));
    screen.result(&format!("export HOME={}", home.display()));
    // An error means that the signal cannot be waited for; then nothing keeps us here.
    let _ = tokio::signal::ctrl_c().await;
    keep_world(stage, flags)?;
    screen.talk("\nThe rehearsal has ended.");
    Ok(0)
}

/// What only looks leaves the kept world to whoever changes it meanwhile.
fn writes_world(flags: &RehearseFlags) -> bool {
    matches!(flags.what, Rehearsed::Run | Rehearsed::Login | Rehearsed::Undo)
}

/// Keeps the world after every change, so that a rehearsal that is killed is a kept one too. Answers only when it cannot.
async fn keep_on_keeping(stage: &Stage, flags: &RehearseFlags) -> Trouble {
    const EVERY: Duration = Duration::from_millis(100);
    let mut calls = 0;
    loop {
        tokio::time::sleep(EVERY).await;
        let now = stage
            .server
            .calls()
            .iter()
            .filter(|call| is_change(&call.operation))
            .count();
        if now == calls || flags.keep.is_none() || !writes_world(flags) {
            continue;
        }
        calls = now;
        if let Err(trouble) = write_world(
            stage,
            flags.keep.as_deref().map(|folder| folder.join(KEPT_WORLD)).as_deref(),
        ) {
            return trouble;
        }
    }
}

/// By its name: no look begins otherwise.
fn is_change(operation: &str) -> bool {
    !["Get", "List", "Describe", "Head", "Simulate"]
        .iter()
        .any(|look| operation.starts_with(look))
}

/// Writes the world where `--keep` and `--dump` want it.
fn keep_world(stage: &Stage, flags: &RehearseFlags) -> Result<(), Trouble> {
    let kept = flags.keep.as_ref().map(|folder| folder.join(KEPT_WORLD));
    write_world(stage, kept.as_deref())?;
    dump_world(stage, flags)
}

fn dump_world(stage: &Stage, flags: &RehearseFlags) -> Result<(), Trouble> {
    write_world(stage, flags.dump.as_deref())
}

fn write_world(stage: &Stage, path: Option<&Path>) -> Result<(), Trouble> {
    let Some(path) = path else { return Ok(()) };
    worlds::write_file(path, &stage.server.world())
        .map_err(|why| Trouble::failed(why, "idc-setup rehearse, with another --keep DIR or --dump FILE"))
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn cannot_start(error: std::io::Error) -> Trouble {
    Trouble::failed(
        format!("The rehearsal cannot start: {error}."),
        "make room or rights there, or name another folder: idc-setup rehearse --keep DIR",
    )
}

async fn perform(
    stage: &Stage,
    cli: &Cli,
    flags: &RehearseFlags,
    environment: &Environment,
    screen: Screen,
) -> Result<u8, Trouble> {
    let (home, _temporary) = home(flags).map_err(cannot_start)?;
    let program = std::env::current_exe().map_err(cannot_start)?;
    let mut command = tokio::process::Command::new(program);
    command.env_clear();
    for name in PASSED_ON {
        if let Some(value) = environment.var(name) {
            command.env(name, value);
        }
    }
    command.envs(stage.variables()).env("HOME", &home);
    command.arg(match flags.what {
        Rehearsed::Run => "run",
        Rehearsed::Status => "status",
        Rehearsed::Plan => "plan",
        Rehearsed::Doctor => "doctor",
        Rehearsed::Login => "login",
        Rehearsed::Undo => "undo",
    });
    command
        .arg(format!("--rehearsal={}", stage.server.url()))
        .args(cli.to_args());
    if let Some(folder) = &flags.keep {
        command.arg(format!("--rehearsal-kept={}", folder.display()));
    }
    if flags.what == Rehearsed::Login && flags.login.again {
        command.arg("--again");
    }
    if flags.what == Rehearsed::Undo {
        command.args(flags.undo.to_args());
    }
    if stage.server.world().person.kind == PersonKind::Pages {
        let browsers = BROWSERS
            .into_iter()
            .filter_map(|name| Some((name, environment.var(name)?)));
        command.envs(browsers);
    } else if !cli.flags.no_browser {
        // The rehearsed person needs no browser, and nobody wants these pages to open.
        command.arg("--no-browser");
    }
    if cli.flags.non_interactive {
        screen.talk("This rehearsal answers with examples, and agrees to what could not be taken back.");
        command.args(example_arguments(cli));
    }
    command
        .stdin(Stdio::inherit())
        .stdout(Stdio::inherit())
        .stderr(Stdio::inherit());
    let mut child = command.kill_on_drop(true).spawn().map_err(cannot_start)?;
    let status = tokio::select! {
        status = wait(&mut child) => status.map_err(cannot_start)?,
        trouble = keep_on_keeping(stage, flags) => return Err(trouble),
    };
    if writes_world(flags) && exit_code(status) != LOCKED {
        keep_world(stage, flags)?;
    } else {
        dump_world(stage, flags)?;
    }
    if let Some(folder) = &flags.keep {
        screen.talk(&format!(
            "Home and world are kept. Go on with: idc-setup rehearse --keep {}",
            folder.display()
        ));
    } else if exit_code(status) == 130 {
        screen.talk("This rehearsal was not kept; --keep DIR keeps one. Start anew with: idc-setup rehearse");
    }
    Ok(exit_code(status))
}

/// With `--non-interactive` the examples are answers, the consents are given, and the person has a minute.
fn example_arguments(cli: &Cli) -> Vec<String> {
    let typed = |key: Key| cli.answers.typed.iter().any(|(typed, _)| *typed == key);
    let mut args = Vec::new();
    if cli.flags.answers_file.is_none() {
        let open = examples().into_iter().filter(|(key, _)| !typed(*key));
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

/// Ctrl-C reaches the child too, and it is the child's to answer. A request to end is passed on.
async fn wait(child: &mut tokio::process::Child) -> std::io::Result<ExitStatus> {
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    loop {
        #[cfg(unix)]
        let asked_to_end = terminate.recv();
        #[cfg(not(unix))]
        let asked_to_end = std::future::pending::<Option<()>>();
        tokio::select! {
            status = child.wait() => return status,
            _ = tokio::signal::ctrl_c() => {}
            _ = asked_to_end => child.start_kill()?,
        }
    }
}

fn exit_code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return u8::try_from(128 + signal).unwrap_or(1);
    }
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// The folder that is asked for, or one that goes away at the end.
fn home(flags: &RehearseFlags) -> std::io::Result<(PathBuf, Option<tempfile::TempDir>)> {
    if let Some(folder) = &flags.keep {
        files::make_private_folder(folder)
            .map_err(|error| std::io::Error::new(error.kind(), format!("{}: {error}", folder.display())))?;
        return Ok((std::path::absolute(folder)?, None));
    }
    let folder = tempfile::Builder::new().prefix("idc-setup-rehearsal-").tempdir()?;
    Ok((folder.path().to_owned(), Some(folder)))
}
