//! `idc-setup access remove`: takes a user who leaves out of the access file, and shows the plan.

use std::rc::Rc;

use similar::TextDiff;

use super::plan::{plan_of, show};
use super::report::{self, Origin};
use super::source::{self, Failure};
use crate::access::remove::{Edit, Removal, remove_user};
use crate::browser::Browser;
use crate::cli::{AccessRemoveFlags, Cli, Output};
use crate::commands::session::{prompter, say_rehearsal};
use crate::environment::Environment;
use crate::exit_code::ExitCode;
use crate::next_step::SetupCommand;
use crate::ui::Screen;
use crate::ui::access::json::{AccessBody, EditOut, PlaceOut, PlanOut, RemovalOut};
use crate::user_error::{UserError, UserErrorKind};
use crate::wizard::{Confirm, Reply};
use aws_config_file::files;

/// Takes the user out of the file and returns the exit code.
pub async fn remove(cli: &Cli, flags: &AccessRemoveFlags, environment: &Environment, screen: &Screen) -> ExitCode {
    say_rehearsal(cli, environment, screen);
    let removal = match removal(flags) {
        Ok(removal) => removal,
        Err(failure) => return report::fail(cli, screen, failure),
    };
    show_edits(cli, screen, &removal);
    match agree(cli, flags, environment, screen).await {
        Ok(true) => {}
        Ok(false) => return not_written(cli, flags, screen, &removal),
        Err(error) => return report::fail(cli, screen, error.into()),
    }
    if let Err(error) = write(&removal.edits) {
        return report::fail(cli, screen, error.into());
    }
    for edit in &removal.edits {
        screen.talk(&format!("Wrote {}.", edit.file.display()));
    }
    let planned = match plan_of(cli, flags.file.as_deref(), environment, screen).await {
        Ok(planned) => planned,
        Err(failure) => return report::fail(cli, screen, failure),
    };
    if cli.flags.output == Output::Json {
        let exit = report::exit_of_plan(&planned.plan);
        let mut body = report::of_file(&planned.situation.file);
        body.plan = Some(PlanOut::of(&planned.view()));
        body.removal = Some(removal_out(&flags.user, &removal, true));
        return report::envelope(screen, &Origin::of(&planned.connected), body, None, exit);
    }
    show(cli, screen, &planned)
}

/// What has to be edited.
fn removal(flags: &AccessRemoveFlags) -> Result<Removal, Failure> {
    let path = source::path(flags.file.as_deref())?;
    let removal = remove_user(&path, &flags.user)?;
    if removal.edits.is_empty() {
        let error = UserError::usage(
            format!(
                "The access file does not mention the user {:?} in a place that can be taken out.",
                flags.user
            ),
            SetupCommand::again().to("give the exact user name"),
        );
        return Err(error.into());
    }
    Ok(removal)
}

fn diff(edit: &Edit) -> String {
    let name = edit.file.display().to_string();
    TextDiff::from_lines(edit.before.as_str(), edit.after.as_str())
        .unified_diff()
        .context_radius(2)
        .header(&name, &name)
        .to_string()
}

/// Shows what is edited. The user must see it, even with -q.
fn show_edits(cli: &Cli, screen: &Screen, removal: &Removal) {
    let is_text = cli.flags.output != Output::Json;
    for text in removal.edits.iter().map(diff) {
        for line in text.lines() {
            if is_text {
                screen.result(line);
            } else {
                screen.warn(line);
            }
        }
    }
    for kept in &removal.kept {
        screen.warn(&format!(
            "{}: {} names the user too, and stays.",
            kept.place, kept.value
        ));
    }
}

/// Whether the files may be written: a file write never defaults to yes.
async fn agree(
    cli: &Cli,
    flags: &AccessRemoveFlags,
    environment: &Environment,
    screen: &Screen,
) -> Result<bool, UserError> {
    if cli.flags.yes {
        return Ok(true);
    }
    let browser = Rc::new(Browser::none("access opens no pages"));
    let Some(prompter) = prompter(cli, environment, screen, &browser) else {
        return Ok(false);
    };
    let confirm = Confirm {
        prompt: format!("Take {} out of the access file?", flags.user),
        default: false,
        help: vec!["This edits only the file. Applying it takes the access away.".to_owned()],
        ..Confirm::default()
    };
    Ok(prompter.confirm(&confirm).await? == Reply::Value(true))
}

/// Writes the files, each only if it is as it was read.
fn write(edits: &[Edit]) -> Result<(), UserError> {
    for (index, edit) in edits.iter().enumerate() {
        let written = files::edit_atomically(&edit.file, edit.before.as_bytes(), edit.after.as_bytes());
        written.map_err(|error| {
            let before = match index {
                0 => "Nothing was written".to_owned(),
                1 => format!("{} was written before", edits[0].file.display()),
                count => format!("{count} files were written before"),
            };
            let why = if files::is_changed(&error) {
                "was changed meanwhile".to_owned()
            } else {
                format!("cannot be written: {error}")
            };
            UserError::failed(
                format!("{} {why}. {before}.", edit.file.display()),
                SetupCommand::again(),
            )
        })?;
    }
    Ok(())
}

/// Reports that the files stay as they are.
fn not_written(cli: &Cli, flags: &AccessRemoveFlags, screen: &Screen, removal: &Removal) -> ExitCode {
    let next = SetupCommand::again().switch("--yes").to("write it");
    let exit = ExitCode::Incomplete;
    if cli.flags.output == Output::Json {
        let error = UserError::new(UserErrorKind::Left, "The access file was not written.", next);
        let body = AccessBody {
            removal: Some(removal_out(&flags.user, removal, false)),
            ..AccessBody::default()
        };
        return report::envelope(screen, &Origin::default(), body, Some(&error), exit);
    }
    screen.warn("The access file was not written.");
    if !screen.quiet {
        screen.print_next(&next.into());
    }
    exit
}

fn removal_out(user: &str, removal: &Removal, written: bool) -> RemovalOut {
    let edits = removal.edits.iter().map(|edit| EditOut {
        file: edit.file.display().to_string(),
        diff: diff(edit),
    });
    RemovalOut {
        user: user.to_owned(),
        edits: edits.collect(),
        places: removal.places.iter().map(PlaceOut::of).collect(),
        kept: removal.kept.iter().map(|kept| PlaceOut::of(&kept.place)).collect(),
        written,
    }
}
