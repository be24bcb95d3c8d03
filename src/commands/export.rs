//! `idc-setup export`: writes what exists for another tool. Changes nothing in AWS.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use jiff::Timestamp;

use super::connect::Access;
use super::ending::fail;
use super::invocation::OF_ARGO_CD;
use super::prepare::{Prepared, prepare};
use super::session::{checking, say_rehearsal};
use crate::access::file::rules;
use crate::access::live::{self, Directory, Scope};
use crate::access::resolve::AccountNeeds;
use crate::aws::AwsError;
use crate::browser::Browser;
use crate::cli::{Cli, ExportFlags, ExportedTo, Output};
use crate::environment::Environment;
use crate::exit_code::ExitCode;
use crate::export::argo_cd::{Cluster, Format, Options};
use crate::export::folder::{FolderError, Written};
use crate::export::{Export, Selection, View, access, argo_cd, cloudformation, folder, surroundings, terraform};
use crate::next_step::{NextStep, SetupCommand, Subcommand};
use crate::progress::Record;
use crate::reconcile::{Instance, rerun};
use crate::resources::inventory::Accounts;
use crate::text::{capitalized, listed};
use crate::ui::Screen;
use crate::ui::envelope::{Envelope, ExportBody, FORMAT};
use crate::user_error::UserError;
use crate::wizard::Step as _;
use crate::wizard::steps::{EnableIdentityCenter, WizardContext};

/// The most notes that are shown without -v.
const MOST_NOTES: usize = 3;

/// The same command without the flags that only an export for Argo CD has.
fn without_argo_cd_flags(command: SetupCommand) -> SetupCommand {
    OF_ARGO_CD.into_iter().fold(command, SetupCommand::without)
}

/// What the command did.
struct Done {
    prepared: Prepared,
    to: ExportedTo,
    export: Export,
    /// What was written, with `--dir`.
    written: Option<Written>,
    handed_over: usize,
    taken_back: usize,
    /// What was handed over to other tools before, as sentences.
    taken_from: Vec<String>,
}

/// Exports what exists and returns the exit code.
pub async fn export(cli: &Cli, flags: &ExportFlags, environment: &Environment, screen: &Screen) -> ExitCode {
    match run(cli, flags, environment, screen).await {
        Ok(done) => {
            show(cli, flags, screen, &done);
            ExitCode::Success
        }
        Err(error) => fail(cli, screen, Subcommand::Export, error),
    }
}

async fn run(cli: &Cli, flags: &ExportFlags, environment: &Environment, screen: &Screen) -> Result<Done, UserError> {
    let to = check_flags(flags)?;
    if flags.take_back {
        return take_back(cli, environment, screen, to).await;
    }
    refuse_unseen_hand_over(cli, flags)?;
    say_rehearsal(cli, environment, screen);
    let waiting = checking(cli, environment, screen, "Reading what exists.");
    let access = if flags.hand_over { Access::Write } else { Access::Read };
    let browser = Rc::new(Browser::none("export opens no pages"));
    let prepared = Box::pin(prepare(cli, environment, access, browser)).await?;
    let context = Rc::clone(&prepared.context);
    let instance = instance(&context).await?;
    let export = match to {
        ExportedTo::ArgoCd => for_argo_cd(&context, &instance, flags).await?,
        _ => everything(&context, &instance, to, flags).await?,
    };
    drop(waiting);
    if let Some(note) = prepared.note_on_profile(cli, screen) {
        screen.talk(&note);
    }
    let is_one_document = matches!(to, ExportedTo::Access | ExportedTo::Cloudformation);
    if is_one_document && flags.dir.is_none() && cli.flags.output != Output::Json {
        refuse_several(to, &export)?;
    }
    let written = flags.dir.as_deref();
    let written = written.map(|dir| write(dir, &kind(to, flags), &export)).transpose()?;
    let mut handed_over = 0;
    let mut taken_from = Vec::new();
    if flags.hand_over {
        taken_from = context.progress.read(|record| earlier_tools(record, to, &export));
        handed_over = hand_over(&context, to, &export)?;
    }
    Ok(Done {
        prepared,
        to,
        export,
        written,
        handed_over,
        taken_back: 0,
        taken_from,
    })
}

/// Records that the tool no longer manages what was handed over to it.
async fn take_back(cli: &Cli, environment: &Environment, screen: &Screen, to: ExportedTo) -> Result<Done, UserError> {
    say_rehearsal(cli, environment, screen);
    let browser = Rc::new(Browser::none("export opens no pages"));
    let prepared = Box::pin(prepare(cli, environment, Access::Write, browser)).await?;
    let progress = &prepared.context.progress;
    let is_known = progress.read(|record| record.handed_over.iter().any(|one| one.to == to.name()));
    let mut taken_back = 0;
    // A state file without anything to record is not created.
    if is_known {
        progress.change(|record| taken_back = record.take_back_all(to.name()))?;
    }
    Ok(Done {
        prepared,
        to,
        export: Export::default(),
        written: None,
        handed_over: 0,
        taken_back,
        taken_from: Vec::new(),
    })
}

/// What an export is recorded as in the folder that it is written to.
fn kind(to: ExportedTo, flags: &ExportFlags) -> String {
    match to {
        ExportedTo::ArgoCd => format!("{}/{}", to.name(), flags.format.unwrap_or(Format::Json).name()),
        _ => to.name().to_owned(),
    }
}

/// Refuses to hand over resources while the files are only printed: if they are lost, no tool manages the resources, and undo
/// leaves them.
fn refuse_unseen_hand_over(cli: &Cli, flags: &ExportFlags) -> Result<(), UserError> {
    if !flags.hand_over || flags.dir.is_some() || cli.flags.output == Output::Json {
        return Ok(());
    }
    Err(UserError::usage(
        "--hand-over needs --dir or --output json.",
        SetupCommand::again()
            .switch("--hand-over")
            .placeholder("--dir", "DIR")
            .to("write the files to a folder"),
    ))
}

/// Refuses to print an access file or a template that consists of several files. One stream of them is not valid.
fn refuse_several(to: ExportedTo, export: &Export) -> Result<(), UserError> {
    let count = export.files.len();
    if count <= 1 {
        return Ok(());
    }
    Err(UserError::usage(
        format!(
            "The export to {} consists of {count} files, which cannot be printed as one.",
            to.name()
        ),
        SetupCommand::again()
            .placeholder("--dir", "DIR")
            .to("write them to a folder"),
    ))
}

/// The other tools to which something of this export was handed over before, as sentences.
fn earlier_tools(record: &Record, to: ExportedTo, export: &Export) -> Vec<String> {
    let mut tools: BTreeMap<&str, Earlier> = BTreeMap::new();
    for exported in &export.exported {
        let mut handed_over = record.handed_over.iter();
        let found = handed_over.find(|one| one.kind == exported.kind && one.id == exported.id && one.to != to.name());
        if let Some(one) = found {
            let earlier = tools.entry(&one.to).or_insert(Earlier { count: 0, last: one.at });
            earlier.count += 1;
            earlier.last = earlier.last.max(one.at);
        }
    }
    let sentences = tools.into_iter().map(|(tool, Earlier { count, last })| {
        let (what, them) = match count {
            1 => ("1 resource was".to_owned(), "it"),
            count => (format!("{count} resources were"), "them"),
        };
        format!(
            "Warning: {what} handed over to {tool} before, last on {}. Make sure that {tool} no longer manages {them}.",
            last.strftime("%Y-%m-%d")
        )
    });
    sentences.collect()
}

/// What was handed over to another tool.
struct Earlier {
    count: usize,
    last: Timestamp,
}

/// Refuses flags that do not fit together, and returns what the export is for.
fn check_flags(flags: &ExportFlags) -> Result<ExportedTo, UserError> {
    let Some(to) = flags.what else {
        return Err(UserError::usage(
            "What is the export for: access, terraform, cloudformation or argo-cd?",
            SetupCommand::export("access").to("write an access file, for example"),
        ));
    };
    let has_argo_cd_flags = flags.format.is_some()
        || [&flags.cluster, &flags.capability, &flags.role_arn]
            .iter()
            .any(|flag| flag.is_some())
        || [&flags.admins, &flags.editors, &flags.viewers]
            .iter()
            .any(|names| !names.is_empty());
    let selects = flags.only_created || flags.name.is_some();
    let refused = |message: String| {
        Err(UserError::usage(
            message,
            NextStep::other("list the flags", ["idc-setup", "export", "--help"]),
        ))
    };
    match to {
        ExportedTo::ArgoCd if selects || flags.hand_over || flags.take_back => refused(
            "export argo-cd does not take --hand-over, --take-back, --only-created or --name: it exports no resources."
                .to_owned(),
        ),
        ExportedTo::ArgoCd => Ok(to),
        _ if flags.take_back && (selects || flags.hand_over || flags.dir.is_some()) => refused(
            "--take-back exports nothing, so it cannot be used with --hand-over, --only-created, --dir or --name."
                .to_owned(),
        ),
        _ if has_argo_cd_flags => refused(format!("{} are flags of export argo-cd.", listed(&OF_ARGO_CD))),
        _ if flags.name.is_some() && to != ExportedTo::Access => {
            refused("--name is a flag of export access.".to_owned())
        }
        _ => match flags.name.as_deref().map(rules::file_name) {
            Some(Err(violation)) => Err(UserError::usage(
                format!("--name: {}.", violation.why),
                SetupCommand::again().placeholder("--name", "NAME"),
            )),
            _ => Ok(to),
        },
    }
}

/// The instance, as the first step of the checklist finds it.
async fn instance(context: &Rc<WizardContext>) -> Result<Instance, UserError> {
    let step = EnableIdentityCenter::new(Rc::clone(context));
    let observed = step.look().await?;
    match context.instance.now() {
        Some(instance) => Ok(instance),
        None if observed.next.is_empty() => {
            Err(UserError::failed(observed.summary, SetupCommand::run().to("set it up")))
        }
        None => Err(UserError::failed(observed.summary, observed.next)),
    }
}

/// What failed while the account was read.
fn unread(error: AwsError) -> UserError {
    rerun(&surroundings::INFO)(error)
}

async fn everything(
    context: &WizardContext,
    instance: &Instance,
    to: ExportedTo,
    flags: &ExportFlags,
) -> Result<Export, UserError> {
    let needs = AccountNeeds {
        tags: false,
        unit_paths: BTreeSet::new(),
        unit_ids: BTreeSet::new(),
    };
    let accounts = live::read_accounts(context, &needs).await?;
    let directory = Directory::read(context, instance).await?;
    // Also the assignments of users and groups that no longer exist, which are named.
    let scope = Scope {
        all: true,
        every_pair: true,
        ..Scope::default()
    };
    let inventory = live::read(context, instance, accounts, directory, &scope).await?;
    let selection = if flags.only_created {
        context.progress.read(Selection::created)
    } else {
        Selection::All
    };
    let view = View::new(&inventory, &selection);
    let mut export = match to {
        ExportedTo::Access => {
            let name = flags.name.clone().unwrap_or_else(|| access::name_of(&inventory));
            access::export(&view, &name)
        }
        ExportedTo::Cloudformation => {
            let surroundings = surroundings::read(context, &selection).await.map_err(unread)?;
            cloudformation::export(&view, &surroundings)
        }
        ExportedTo::Terraform | ExportedTo::ArgoCd => {
            let surroundings = surroundings::read(context, &selection).await.map_err(unread)?;
            terraform::export(&view, &surroundings)
        }
    };
    if export.exported.is_empty() {
        let nothing = if flags.only_created {
            "Nothing that idc-setup created can be exported."
        } else {
            "Nothing exists that can be exported."
        };
        export.notes.insert(0, nothing.to_owned());
    }
    Ok(export)
}

async fn for_argo_cd(context: &WizardContext, instance: &Instance, flags: &ExportFlags) -> Result<Export, UserError> {
    let again = |flag: &'static str, value: &'static str| SetupCommand::again().placeholder(flag, value);
    let Some(cluster) = &flags.cluster else {
        return Err(UserError::usage(
            "export argo-cd needs the name or the ARN of the EKS cluster.",
            again("--cluster", "NAME"),
        ));
    };
    let cluster = Cluster::parse(cluster, &context.caller.account, &context.bootstrap_region)
        .map_err(|why| UserError::usage(format!("--cluster: {why}."), again("--cluster", "NAME")))?;
    let format = flags.format.unwrap_or(Format::Json);
    let names: BTreeSet<String> = [&flags.admins, &flags.editors, &flags.viewers]
        .into_iter()
        .flatten()
        .filter(|name| !name.starts_with("user:"))
        .map(|name| name.strip_prefix("group:").unwrap_or(name).to_owned())
        .collect();
    let is_mapped = [&flags.admins, &flags.editors, &flags.viewers]
        .iter()
        .any(|names| !names.is_empty());
    if !is_mapped && format != Format::Kubernetes {
        return Err(UserError::usage(
            "export argo-cd needs a group that is let in.",
            again("--admin", "GROUP"),
        ));
    }
    let options = Options {
        format,
        cluster,
        capability: flags.capability.clone().unwrap_or_else(|| "argocd".to_owned()),
        role: flags.role_arn.clone(),
        admins: flags.admins.clone(),
        editors: flags.editors.clone(),
        viewers: flags.viewers.clone(),
    };
    let directory = Directory::read(context, instance).await?;
    let scope = Scope {
        groups: names,
        ..Scope::default()
    };
    let inventory = live::read(context, instance, Accounts::default(), directory, &scope).await?;
    argo_cd::export(&inventory, &options).map_err(|unknown| {
        UserError::usage(
            unknown.join(" "),
            without_argo_cd_flags(SetupCommand::export("access")).to("list the groups and users, as an access file"),
        )
    })
}

fn write(dir: &Path, kind: &str, export: &Export) -> Result<Written, UserError> {
    folder::write(dir, kind, &export.files).map_err(|error| {
        let message = format!("{}.", capitalized(&error.to_string()));
        let other = SetupCommand::again()
            .placeholder("--dir", "DIR")
            .to("use another folder");
        match error {
            FolderError::NotOwned(_) | FolderError::OtherExport { .. } => UserError::usage(message, other),
            FolderError::List { .. } | FolderError::Io { .. } => UserError::failed(message, other),
        }
    })
}

/// Records that the tool manages what was exported. Returns the number of resources.
fn hand_over(context: &WizardContext, to: ExportedTo, export: &Export) -> Result<usize, UserError> {
    context.progress.change(|record| {
        for exported in &export.exported {
            record.hand_over(exported.kind, &exported.id, to.name());
        }
    })?;
    Ok(export.exported.len())
}

fn show(cli: &Cli, flags: &ExportFlags, screen: &Screen, done: &Done) {
    let context = &done.prepared.context;
    if cli.flags.output == Output::Json {
        let caller = context.caller.clone();
        let envelope = Envelope {
            format: FORMAT,
            command: "export".to_owned(),
            account: Some(caller.account.clone()),
            region: done.prepared.region(),
            error: None,
            exit: ExitCode::Success.code(),
            body: ExportBody {
                caller: Some(caller),
                to: Some(done.to.name().to_owned()),
                files: done.export.files.clone(),
                notes: done.export.notes.clone(),
                folder: flags.dir.as_ref().map(|dir| dir.display().to_string()),
                deleted: done.written.as_ref().map_or_else(Vec::new, deleted_names),
                handed_over: done.handed_over,
                taken_back: done.taken_back,
                taken_from: done.taken_from.clone(),
            },
        };
        screen.json(&envelope.json());
        return;
    }
    if flags.take_back {
        return say_taken_back(screen, done);
    }
    match &done.written {
        Some(written) => say_written(screen, written),
        None => print(screen, done),
    }
    say_notes(screen, done);
    for warning in &done.taken_from {
        screen.warn(warning);
    }
    if done.handed_over > 0 {
        let plural = if done.handed_over == 1 { "resource" } else { "resources" };
        screen.talk(&format!(
            "Handed over to {}: {} {plural}, which undo leaves from now on.",
            done.to.name(),
            done.handed_over
        ));
    }
}

fn say_taken_back(screen: &Screen, done: &Done) {
    let (tool, count) = (done.to.name(), done.taken_back);
    if count == 0 {
        return screen.result(&format!("Nothing was handed over to {tool}."));
    }
    let (resources, them) = if count == 1 {
        ("resource", "it")
    } else {
        ("resources", "them")
    };
    screen.result(&format!(
        "Taken back from {tool}: {count} {resources}. From now on, undo deletes what idc-setup created."
    ));
    screen.warn(&format!("Make sure that {tool} no longer manages {them}."));
}

/// The paths of the files that were deleted.
fn deleted_names(written: &Written) -> Vec<String> {
    written.deleted.iter().map(|path| path.display().to_string()).collect()
}

/// Says what people should know. What the files say in comments is said there, and many notes are only counted.
fn say_notes(screen: &Screen, done: &Done) {
    let notes = &done.export.notes;
    let is_argo_cd = done.to == ExportedTo::ArgoCd;
    let in_files = done
        .export
        .files
        .first()
        .is_some_and(|file| file.text.starts_with("# "));
    let are_comments = is_argo_cd && in_files && !notes.is_empty();
    let is_long = are_comments || (notes.len() > MOST_NOTES && !is_argo_cd);
    if screen.verbose > 0 || !is_long {
        for note in notes {
            screen.talk(note);
        }
        return;
    }
    let (count, plural) = (notes.len(), if notes.len() == 1 { "note" } else { "notes" });
    screen.talk(&if are_comments {
        format!("The export begins with {count} {plural} on what it needs.")
    } else {
        format!("{count} {plural} on what was left out and what comes next (-v shows them).")
    });
}

/// Prints the files to stdout. More than one is separated by its name, which is a comment in TOML and HCL.
fn print(screen: &Screen, done: &Done) {
    let files = &done.export.files;
    for (index, file) in files.iter().enumerate() {
        if files.len() > 1 {
            let blank = if index == 0 { "" } else { "\n" };
            screen.verbatim(&format!("{blank}# {}\n\n", file.name));
        }
        screen.verbatim(&file.text);
    }
}

fn say_written(screen: &Screen, written: &Written) {
    let list = |verb: &str, paths: &[PathBuf]| {
        for path in paths {
            screen.talk_unwrapped(&format!("{verb} {}", path.display()));
        }
    };
    list("Wrote", &written.changed);
    list("Deleted", &written.deleted);
    if written.unchanged > 0 {
        let plural = if written.unchanged == 1 { "file is" } else { "files are" };
        screen.talk(&format!("{} {plural} unchanged.", written.unchanged));
    }
}
