//! This machine: its clock, the AWS CLI, a browser, and the files that are read and written.

use std::path::Path;

use super::{CheckStatus, Row};
use crate::aws::clock::skew_words;
use crate::aws_cli::{AwsCli, LOGIN_SINCE, PKCE_SINCE, Version, how_to_install};
use crate::browser::Browser;
use crate::environment::Environment;
use crate::progress::{Folder, Progress};
use crate::steps::Context;
use aws_config_file::files;
use aws_config_file::{Config, credentials_have_section};

/// The clock's row, once a server has told its time.
pub fn clock(context: &Context) -> Option<Row> {
    let ahead = context.clients.clock().ahead()?;
    Some(match skew_words(ahead) {
        Some(words) => Row::to_do(
            "clock",
            format!("AWS takes signatures of the last five minutes only, and {words}."),
            "set the clock of this machine, then: idc-setup run",
        ),
        None => Row::ok("clock", "This machine's clock agrees with AWS's."),
    })
}

/// The AWS CLI and the browser.
pub async fn tools(environment: &Environment) -> Vec<Row> {
    vec![aws_cli(environment).await, browser(environment)]
}

async fn aws_cli(environment: &Environment) -> Row {
    const CHECK: &str = "aws_cli";
    let Some(cli) = AwsCli::find(environment).await else {
        return Row::note(
            CHECK,
            "No AWS CLI was found in PATH. The steps do without; you will want it for the profile they make.",
        )
        .or(how_to_install());
    };
    let there = format!("AWS CLI {} at {}", cli.version_words, cli.path.display());
    let update = format!("update it: {}", how_to_install());
    if cli.version < Version(2, 0) {
        Row::note(
            CHECK,
            format!("{there} is version 1, which does not know SSO sessions as they are kept today."),
        )
        .or(update)
    } else if cli.version < PKCE_SINCE {
        let lacks = format!("signing in by the browser alone ({PKCE_SINCE}) and aws login ({LOGIN_SINCE})");
        Row::note(CHECK, format!("{there} is too old for {lacks}.")).or(update)
    } else if cli.version < LOGIN_SINCE {
        Row::note(CHECK, format!("{there} is too old for aws login ({LOGIN_SINCE}).")).or(update)
    } else {
        Row::ok(CHECK, format!("{there}."))
    }
}

fn browser(environment: &Environment) -> Row {
    let browser = Browser::of(environment, true, None);
    match browser.why_none() {
        None if browser.is_local() => Row::ok("browser", "Pages can be opened in a browser of this machine."),
        None => Row::ok(
            "browser",
            "Pages can be opened; signing in uses a code, since they cannot come back here.",
        ),
        Some(why) => Row::note(
            "browser",
            format!("No page can be opened here: {why}. Links are printed, and signing in uses a code."),
        ),
    }
}

/// The AWS files and progress.
pub fn files(environment: &Environment) -> Vec<Row> {
    vec![aws_files(environment), progress(environment)]
}

fn aws_files(environment: &Environment) -> Row {
    const CHECK: &str = "aws_files";
    let Some(paths) = environment.aws_files() else {
        return Row::to_do(
            CHECK,
            "There is no home folder for the AWS files.",
            "set HOME, then: idc-setup run",
        );
    };
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    let mut first_duplicate = None;
    let of_config = match files::read(paths.config()) {
        Ok(content) => match Config::parse(&content) {
            Ok(config) => {
                first_duplicate = config.first_duplicate();
                None
            }
            Err(bad) => Some(bad.to_string()),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => Some(unreadable(error)),
    };
    let of_credentials = credentials_have_section(paths.credentials(), "").err().map(unreadable);
    for (path, why) in [(paths.config(), of_config), (paths.credentials(), of_credentials)] {
        if let Some(why) = why {
            return Row::to_do(
                CHECK,
                format!("{} {why}.", path.display()),
                format!("mend {}, then: idc-setup run", path.display()),
            );
        }
    }
    // Any session's token lies beside the others.
    for path in [paths.config(), &paths.token("")] {
        if let Err(error) = files::check_writable(path) {
            return Row::to_do(
                CHECK,
                format!("{} cannot be written: {error}.", path.display()),
                "make room or rights there, then: idc-setup run",
            );
        }
    }
    if let Some(line) = first_duplicate {
        return Row::note(
            CHECK,
            format!(
                "{} says something a second time in line {line} (a section, or a key in one): the AWS CLI does not read such a \
                 file.",
                paths.config().display()
            ),
        )
        .or(format!("put the two together in {}", paths.config().display()));
    }
    if let Some(open) = is_open_to_others(paths.cache()) {
        return Row::note(
            CHECK,
            format!("{} can be read by others ({open}).", paths.cache().display()),
        )
        .or(format!("chmod 700 {}", paths.cache().display()));
    }
    Row::ok(
        CHECK,
        format!("{} can be read, or is not there yet.", paths.config().display()),
    )
}

/// The mode of a folder that others may look into.
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

fn progress(environment: &Environment) -> Row {
    const CHECK: &str = "progress";
    let Some(folder) = Folder::of(environment) else {
        return Row::new(CHECK, CheckStatus::ToDo, "There is no home folder to keep progress in.")
            .or("set HOME; or: idc-setup run --state FILE");
    };
    if let Err(error) = folder.check_writable() {
        return Row::to_do(
            CHECK,
            format!("Progress cannot be kept: {error}."),
            "make room or rights there; or with another file: idc-setup run --state FILE",
        );
    }
    let Some(last) = folder.last() else {
        return Row::ok(CHECK, "Nothing has been recorded on this machine yet.");
    };
    let path = folder.state_file(&last.partition, &last.account);
    match Progress::read_file(&path) {
        Ok(_) => Row::ok(CHECK, format!("Progress is kept in {}.", path.display())),
        Err(error) => Row::to_do(
            CHECK,
            format!("{error}."),
            "idc-setup run (keeps a file that cannot be read aside)",
        ),
    }
}
