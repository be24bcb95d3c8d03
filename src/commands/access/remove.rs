//! `idc-setup access remove`: takes a user who leaves out of the access file, and shows the plan.

use std::rc::Rc;

use similar::TextDiff;

use super::live::connect;
use super::plan::{Planned, plan_without, show};
use super::report::{self, Origin};
use super::source::{self, Failure, Taken};
use crate::access::desired::DesiredUser;
use crate::access::leaver::KeptAccess;
use crate::access::live::INFO;
use crate::access::nearest::nearest;
use crate::access::plan::{Action, Plan, Refusal, plan as make_plan};
use crate::access::remove::{Edit, Removal, remove_user};
use crate::browser::Browser;
use crate::cli::{AccessRemoveFlags, Cli, Output};
use crate::commands::session::{checking, is_accessible, prompter, say_rehearsal};
use crate::environment::Environment;
use crate::exit_code::ExitCode;
use crate::next_step::SetupCommand;
use crate::reconcile::rerun;
use crate::resources::user;
use crate::ui::Screen;
use crate::ui::access::json::{AccessBody, EditOut, PlaceOut, PlanOut, RemovalOut};
use crate::ui::access::markdown;
use crate::user_error::{UserError, UserErrorKind};
use crate::wizard::{Confirm, Reply};
use aws_config_file::files;

/// Takes the user out of the file and returns the exit code.
pub async fn remove(cli: &Cli, flags: &AccessRemoveFlags, environment: &Environment, screen: &Screen) -> ExitCode {
    say_rehearsal(cli, environment, screen);
    // As in principals, where the file names the user.
    let user = flags.user.strip_prefix("user:").unwrap_or(&flags.user).to_owned();
    let flags = &AccessRemoveFlags { user, ..flags.clone() };
    let removal = match removal(flags) {
        Ok(removal) => removal,
        Err(failure) => return report::fail(cli, screen, failure),
    };
    if removal.edits.is_empty() {
        return match plan_only(cli, flags, environment, screen, &removal).await {
            Ok(exit) => exit,
            Err(failure) => report::fail(cli, screen, failure),
        };
    }
    if let Err(failure) = check_named(cli, flags, environment, screen, &removal).await {
        return report::fail(cli, screen, failure);
    }
    show_edits(cli, environment, screen, &removal);
    let question = Confirm {
        prompt: format!("Take {} out of the access file?", flags.user),
        default: false,
        help: vec!["This edits only the file. Applying it takes the access away.".to_owned()],
        ..Confirm::default()
    };
    match agree(cli, &question, environment, screen).await {
        Ok(true) => {}
        Ok(false) => return not_written(cli, flags, screen, &removal),
        Err(error) => return report::fail(cli, screen, error.into()),
    }
    if let Err(error) = write_and_say(screen, &removal.edits) {
        return report::fail(cli, screen, error.into());
    }
    print_page(cli, screen, &flags.user, &removal, true);
    match plan_after(cli, flags, environment, screen, &removal).await {
        Ok(exit) => exit,
        // The files are written, whatever keeps the plan from being made.
        Err(failure) => report::fail_after(cli, screen, failure, body_of(&flags.user, &removal, true)),
    }
}

/// Refuses to write that a user must not exist whom the file does not name, and who does not exist: the name is mistyped.
async fn check_named(
    cli: &Cli,
    flags: &AccessRemoveFlags,
    environment: &Environment,
    screen: &Screen,
    removal: &Removal,
) -> Result<(), Failure> {
    if !removal.places.is_empty() {
        return Ok(());
    }
    let file = source::read(flags.file.as_deref(), Taken::After(&flags.user))?;
    let waiting = checking(cli, environment, screen, "Reading the users…");
    let connected = connect(cli, environment, screen).await?;
    let users = user::list(connected.context(), &connected.instance).await;
    drop(waiting);
    let users = users.map_err(rerun(&INFO))?;
    let mut existing = users.values().map(|user| &user.name);
    if existing.any(|name| *name == flags.user) {
        return Ok(());
    }
    let listed = file.users.iter().map(|user| &user.name.value);
    let existing = users.values().map(|user| &user.name);
    Err(unknown_user(flags, listed.chain(existing)).into())
}

/// Shows the plan if there is nothing to take out: the user is out of the file already, and can still have access.
async fn plan_only(
    cli: &Cli,
    flags: &AccessRemoveFlags,
    environment: &Environment,
    screen: &Screen,
    removal: &Removal,
) -> Result<ExitCode, Failure> {
    let planned = plan_without(cli, flags.file.as_deref(), &flags.user, environment, screen).await?;
    let (user, situation) = (&flags.user, &planned.situation);
    let exists = situation.inventory.user_named(user).is_some();
    let absent = situation.desired.users.get(user).filter(|user| user.is_absent);
    match absent {
        Some(absent) if exists => screen.talk(&format!(
            "The access file says already that the user {user} must not exist ({}).",
            absent.place
        )),
        Some(absent) => screen.talk(&format!(
            "Nothing to do: the access file says that the user {user} must not exist ({}), and no such user exists.",
            absent.place
        )),
        None if exists => {
            screen.talk(&format!(
                "The access file does not list the user {user}, so there is nothing to take out."
            ));
            say_kept(screen, removal);
        }
        None => {
            let listed = situation.desired.users.keys();
            let existing = situation.inventory.users.values().map(|user| &user.name);
            return Err(unknown_user(flags, listed.chain(existing)).into());
        }
    }
    finish(cli, flags, environment, screen, removal, &planned).await
}

/// Shows the plan of the files that were written, and says what the user keeps.
async fn plan_after(
    cli: &Cli,
    flags: &AccessRemoveFlags,
    environment: &Environment,
    screen: &Screen,
    removal: &Removal,
) -> Result<ExitCode, Failure> {
    let planned = plan_without(cli, flags.file.as_deref(), &flags.user, environment, screen).await?;
    finish(cli, flags, environment, screen, removal, &planned).await
}

/// Shows the plan, says what the user keeps, and asks whether to delete the user because of that.
async fn finish(
    cli: &Cli,
    flags: &AccessRemoveFlags,
    environment: &Environment,
    screen: &Screen,
    removal: &Removal,
    planned: &Planned,
) -> Result<ExitCode, Failure> {
    if cli.flags.output == Output::Json {
        let exit = report::exit_of_plan(&planned.plan);
        let mut body = report::of_file(&planned.situation.file);
        body.plan = Some(PlanOut::of(&planned.view()));
        body.removal = Some(removal_out(&flags.user, removal, !removal.edits.is_empty()));
        return Ok(report::envelope(
            screen,
            &Origin::of(&planned.connected),
            body,
            None,
            exit,
        ));
    }
    let exit = show(cli, screen, planned);
    let situation = &planned.situation;
    let exists = situation.inventory.user_named(&flags.user).is_some();
    if !exists || is_deleted(&planned.plan, &flags.user) {
        return Ok(exit);
    }
    let listed = situation.desired.users.get(&flags.user);
    let is_absent = listed.is_some_and(|listed| listed.is_absent);
    if planned.kept.is_empty() {
        let why = if is_absent {
            "The user is not deleted, although the file says that the user must not exist: see the refusals and notes of \
             the plan."
        } else {
            "The user is not deleted. With --delete-user, the file says that the user must not exist."
        };
        screen.talk(&format!(
            "Applied with --prune, this leaves the user {} without access. {why}",
            flags.user
        ));
        return Ok(exit);
    }
    // A file that says it already cannot say it again: the plan has refused the deletion.
    if is_absent || !planned.kept.iter().any(KeptAccess::ends_with_user) {
        return Ok(exit);
    }
    if let Some(refusals) = held_back(planned, &flags.user) {
        for refusal in refusals {
            screen.talk(&format!("{} {}", refusal.what, refusal.suggestion));
        }
        return Ok(exit);
    }
    let question = Confirm {
        lines: vec![
            "This writes absent = true into the file. Applying it with --prune then deletes the user.".to_owned(),
        ],
        prompt: format!("Delete the user {} as well?", flags.user),
        default: false,
        help: vec![
            "A deleted user loses all access, the password and the MFA devices. This can't be undone.".to_owned(),
        ],
        ..Confirm::default()
    };
    // The answer to the first question does not answer this one.
    if !flags.delete_user && ask(cli, &question, environment, screen).await? {
        let path = source::path(flags.file.as_deref(), Taken::After(&flags.user))?;
        let deletion = remove_user(&path, &flags.user, true).map_err(Failure::in_file)?;
        show_edits(cli, environment, screen, &deletion);
        write_and_say(screen, &deletion.edits)?;
        print_page(cli, screen, &flags.user, &deletion, true);
        if !screen.quiet {
            let apply = report::apply_command(flags.file.as_deref()).switch("--prune");
            screen.print_next(&apply.to(format!("delete the user {}", flags.user)).into());
        }
    } else if !flags.delete_user && !screen.quiet {
        let delete = SetupCommand::again().switch("--delete-user").switch("--yes");
        screen.print_next(&delete.to("write that the user must not exist").into());
    }
    Ok(exit)
}

/// Whether the plan deletes the user, at least with `--prune`.
fn is_deleted(plan: &Plan, user: &str) -> bool {
    let mut changes = plan.changes.iter().chain(&plan.unpruned);
    changes.any(|change| matches!(&change.action, Action::DeleteUser { name, .. } if name == user))
}

/// What the plan would refuse in addition if the file said that the user must not exist; `None` if it would delete the user.
fn held_back(planned: &Planned, user: &str) -> Option<Vec<Refusal>> {
    let situation = &planned.situation;
    let mut desired = situation.desired.clone();
    let absent = DesiredUser::absent(situation.file.name.place.clone());
    desired.users.insert(user.to_owned(), absent);
    let options = planned.connected.options(false, None);
    let plan = make_plan(&desired, &situation.inventory, &options, situation.today);
    if is_deleted(&plan, user) {
        return None;
    }
    let known = &planned.plan.refusals;
    let refusals = plan.refusals.into_iter();
    Some(refusals.filter(|refusal| !known.contains(refusal)).collect())
}

/// What has to be edited.
fn removal(flags: &AccessRemoveFlags) -> Result<Removal, Failure> {
    let path = source::path(flags.file.as_deref(), Taken::After(&flags.user))?;
    remove_user(&path, &flags.user, flags.delete_user).map_err(Failure::in_file)
}

/// The error for a user whom neither the file nor Identity Center has, with the one of their names that was probably meant.
fn unknown_user<'n>(flags: &AccessRemoveFlags, names: impl Iterator<Item = &'n String>) -> UserError {
    let similar = nearest(&flags.user, names.map(String::as_str));
    let similar_text = similar.map_or_else(String::new, |similar| format!(" A similar name is {similar}."));
    let again = match similar {
        Some(similar) => SetupCommand::again().word(similar),
        None => SetupCommand::again().positional("USER"),
    };
    let again = match &flags.file {
        Some(file) => again.word(file.display().to_string()),
        None => again,
    };
    UserError::usage(
        format!(
            "Neither the access file nor Identity Center has a user {:?}.{similar_text}",
            flags.user
        ),
        again.to(if similar.is_some() {
            "remove this one"
        } else {
            "give the exact user name"
        }),
    )
}

fn diff(edit: &Edit) -> String {
    let name = edit.file.display().to_string();
    TextDiff::from_lines(edit.before.as_str(), edit.after.as_str())
        .unified_diff()
        .context_radius(2)
        .header(&name, &name)
        .to_string()
}

/// Shows what is edited. The user must see it, even with -q. Without a question, Markdown has it only on its page.
fn show_edits(cli: &Cli, environment: &Environment, screen: &Screen, removal: &Removal) {
    let is_text = !matches!(cli.flags.output, Output::Json | Output::Markdown);
    let can_ask = !cli.flags.non_interactive && (environment.is_terminal || is_accessible(cli, environment));
    if cli.flags.output == Output::Markdown && (cli.flags.yes || !can_ask) {
        return;
    }
    for text in removal.edits.iter().map(diff) {
        for line in text.lines() {
            if is_text {
                screen.result(line);
            } else {
                screen.warn(line);
            }
        }
    }
    say_kept(screen, removal);
}

/// Says what still names the user.
fn say_kept(screen: &Screen, removal: &Removal) {
    for kept in &removal.kept {
        screen.warn(&format!("{}: {} This line stays.", kept.place, kept.value));
    }
}

/// Prints in Markdown, if that is wanted, what is edited.
fn print_page(cli: &Cli, screen: &Screen, user: &str, removal: &Removal, is_written: bool) {
    if cli.flags.output == Output::Markdown {
        let diffs: Vec<String> = removal.edits.iter().map(diff).collect();
        screen.verbatim(&markdown::removal(user, removal, &diffs, is_written));
    }
}

/// Whether the files may be written: a file write never defaults to yes.
async fn agree(cli: &Cli, question: &Confirm, environment: &Environment, screen: &Screen) -> Result<bool, UserError> {
    if cli.flags.yes {
        return Ok(true);
    }
    ask(cli, question, environment, screen).await
}

/// Asks in a terminal; without one, the answer is no.
async fn ask(cli: &Cli, question: &Confirm, environment: &Environment, screen: &Screen) -> Result<bool, UserError> {
    let browser = Rc::new(Browser::none("access opens no pages"));
    let Some(prompter) = prompter(cli, environment, screen, &browser) else {
        return Ok(false);
    };
    Ok(prompter.confirm(question).await? == Reply::Value(true))
}

fn write_and_say(screen: &Screen, edits: &[Edit]) -> Result<(), UserError> {
    write(edits)?;
    for edit in edits {
        screen.talk(&format!("Wrote {}.", edit.file.display()));
    }
    Ok(())
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
        let body = body_of(&flags.user, removal, false);
        return report::envelope(screen, &Origin::default(), body, Some(&error), exit);
    }
    print_page(cli, screen, &flags.user, removal, false);
    screen.warn("The access file was not written.");
    if !screen.quiet {
        screen.print_next(&next.into());
    }
    exit
}

/// The body of an envelope without a plan.
fn body_of(user: &str, removal: &Removal, is_written: bool) -> AccessBody {
    AccessBody {
        removal: Some(removal_out(user, removal, is_written)),
        ..AccessBody::default()
    }
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
