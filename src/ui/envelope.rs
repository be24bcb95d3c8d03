//! The JSON envelopes that commands print with `--output json`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::access::json::AccessBody;
use super::next::NextBody;
use super::outputs::Outputs;
use crate::aws::connect::Caller;
use crate::doctor::{CheckStatus, Row};
use crate::exit_code::ExitCode;
use crate::export::File;
use crate::ids::{AccountId, RegionName};
use crate::next_step::{Invocation, NextStepOut, Subcommand};
use crate::profiles::plan::Row as ProfileRow;
use crate::progress::{Entry, Origin};
use crate::reconcile::undo::Removal;
use crate::reconcile::{Consent, Importance};
use crate::user_error::{ServiceMessage, UserError, UserErrorKind};
use crate::wizard::{Evidence, HumanTask, Outcome, State, StepReport};

/// The version of the envelope.
pub const FORMAT: u32 = 1;

/// The envelope of every command: the common fields, and the body of the command.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Envelope<B> {
    /// The version of this format.
    pub format: u32,
    /// The command, such as `run` or `doctor`.
    pub command: String,
    /// The account ID, if known.
    pub account: Option<AccountId>,
    /// The Region of Identity Center, if known.
    pub region: Option<RegionName>,
    /// The error that ended the command early.
    pub error: Option<ErrorOut>,
    /// The exit code.
    pub exit: u8,
    /// The body of the command.
    #[serde(flatten)]
    pub body: B,
}

/// The envelope of a command that ended with an error before it did anything, as JSON.
pub fn of_error(command: Subcommand, error: &UserError, exit: ExitCode, invocation: &Invocation) -> String {
    fn envelope<B: Serialize>(command: Subcommand, error: ErrorOut, exit: ExitCode, body: B) -> String {
        let envelope = Envelope {
            format: FORMAT,
            command: command.name().to_owned(),
            account: None,
            region: None,
            error: Some(error),
            exit: exit.code(),
            body,
        };
        envelope.json()
    }
    let error = ErrorOut::of(error, None, invocation);
    match command {
        Subcommand::Answers => envelope(command, error, exit, AnswersBody::default()),
        Subcommand::Next => envelope(command, error, exit, NextBody::default()),
        Subcommand::Undo => envelope(command, error, exit, UndoBody::default()),
        Subcommand::Doctor => envelope(command, error, exit, DoctorBody::default()),
        Subcommand::Login => envelope(command, error, exit, LoginBody::default()),
        Subcommand::Join => envelope(command, error, exit, ProfilesBody::default()),
        profiles if profiles.is_profiles() => envelope(Subcommand::Profiles, error, exit, ProfilesBody::default()),
        Subcommand::Export => envelope(command, error, exit, ExportBody::default()),
        access if access.is_access() => envelope(command, error, exit, AccessBody::default()),
        _ => envelope(command, error, exit, StepsBody::default()),
    }
}

/// The body of `run`, `status` and `plan`.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct StepsBody {
    /// The identity whose credentials the command used.
    pub caller: Option<Caller>,
    /// The identity that the profile's credentials have, as verified in step 8.
    pub signed_in_as: Option<Caller>,
    /// The requested steps, in order.
    pub steps: Vec<StepOut>,
    /// The ids, addresses and names that other tools need, if they exist.
    pub outputs: Outputs,
}

/// The body of `answers`.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct AnswersBody {
    /// The answers, by name.
    pub answers: BTreeMap<String, String>,
    /// The answers as a file for `--answers`.
    pub file: String,
    /// A command that gives these answers and asks no questions.
    pub line: String,
}

/// The body of `undo`.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct UndoBody {
    /// The identity whose credentials the command used.
    pub caller: Option<Caller>,
    /// What runs created or changed, and what happens or happened to it.
    pub removals: Vec<Removal>,
}

/// The body of `doctor`.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct DoctorBody {
    /// The identity whose credentials the command used.
    pub caller: Option<Caller>,
    /// The checks.
    pub checks: Vec<CheckOut>,
    /// The IAM policy, with `--policy`.
    pub policy: Option<serde_json::Value>,
}

/// The body of `export`.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct ExportBody {
    /// The identity whose credentials the command used.
    pub caller: Option<Caller>,
    /// What was exported to: `access`, `terraform`, `cloudformation` or `argo-cd`.
    pub to: Option<String>,
    /// The files.
    pub files: Vec<File>,
    /// What people should know: what was left out and why, and what comes next.
    pub notes: Vec<String>,
    /// The folder that the files were written to.
    pub folder: Option<String>,
    /// The files of an earlier export that this one does not have, and that were deleted.
    pub deleted: Vec<String>,
    /// The number of resources that undo leaves from now on.
    pub handed_over: usize,
    /// The number of resources that undo no longer leaves, with `--take-back`.
    pub taken_back: usize,
    /// What was handed over to other tools before, each in a sentence.
    pub taken_from: Vec<String>,
}

/// A check of `doctor`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CheckOut {
    /// The name, such as `clock`.
    pub check: &'static str,
    /// The status.
    pub status: CheckStatus,
    /// The result in one sentence.
    pub message: String,
    /// What to do next, if anything.
    pub next: Vec<NextStepOut>,
}

impl CheckOut {
    /// Converts a row.
    pub fn of(row: &Row, invocation: &Invocation) -> Self {
        Self {
            check: row.check,
            status: row.status,
            message: row.message.clone(),
            next: invocation.next_steps_out(&row.next),
        }
    }
}

/// The body of `login`.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct LoginBody {
    /// The identity that the profile's credentials have.
    pub signed_in_as: Option<Caller>,
    /// The profile, if known.
    pub profile: Option<String>,
    /// The SSO session of the profile.
    pub session: Option<String>,
    /// Whether this command signed in; otherwise the last sign-in was still valid.
    pub signed_in_now: bool,
    /// When the profile's credentials expire.
    pub credentials_end: Option<String>,
    /// When the sign-in expires, unless it is renewed before.
    pub sign_in_ends: Option<String>,
}

/// The body of `profiles` and `join`.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct ProfilesBody {
    /// The SSO session of the profiles, if known.
    pub session: Option<String>,
    /// The URL of the access portal, if known.
    pub start_url: Option<String>,
    /// The file that has the profiles.
    pub file: Option<String>,
    /// The profiles, and what happened to them; what would happen, unless `is_written`.
    pub profiles: Vec<ProfileRow>,
    /// What else to know, as sentences.
    pub notes: Vec<String>,
    /// The difference in the file, in which the values of other tools are left out; null if there is none. It was not made
    /// unless `is_written`.
    pub diff: Option<String>,
    /// Whether the file was written. If not, nothing has changed, and the notes have the command that agrees to the difference.
    pub is_written: bool,
    /// Whether this command signed in; otherwise the last sign-in was still valid.
    pub signed_in_now: bool,
    /// The identity that the credentials of the first chosen profile have, for `join`.
    pub signed_in_as: Option<Caller>,
}

/// Returns the identity that step 8 verified.
fn signed_in(reports: &[StepReport]) -> Option<Caller> {
    let mut done = reports.iter().filter(|report| report.state == State::Done);
    done.find_map(|report| {
        let evidence = &report.observed.evidence;
        Some(Caller {
            account: evidence.account.clone()?,
            arn: evidence.signed_in_as.clone()?,
        })
    })
}

/// A step of the checklist.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StepOut {
    /// The number, from 1.
    pub number: u8,
    /// The name for `--only` and `--skip`.
    pub slug: String,
    /// Whether the step is required.
    pub importance: Importance,
    /// The state: `done`, `to_do`, `different`, `blocked`, `unknown`, `waiting_for_person`, `failed` or `skipped`.
    pub state: String,
    /// Where it comes from: `created`, `existing` or `confirmed`; null until done.
    pub origin: Option<Origin>,
    /// What was observed, in one sentence.
    pub summary: String,
    /// Since when the step is known to be in this state.
    pub since: Option<String>,
    /// The observed values.
    #[serde(serialize_with = "Evidence::without_nulls")]
    pub evidence: Evidence,
    /// The resources of the step.
    pub resources: Vec<Entry>,
    /// The changes that remain.
    pub changes: Vec<ChangeOut>,
    /// The tasks that a person has to do.
    pub left_to_do: Vec<TaskOut>,
    /// The slugs of the steps that come before what is left to do here.
    pub waits_for: Vec<&'static str>,
    /// What to do next, if the step is different, blocked or unknown.
    pub next: Vec<NextStepOut>,
    /// The error, if something failed.
    pub error: Option<ErrorOut>,
}

/// A change that was not applied.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChangeOut {
    /// The description.
    pub sentence: String,
    /// The equivalent `aws` command.
    pub command: String,
    /// Whether it can be undone.
    pub reversible: bool,
    /// The flags that give the consents that it needs.
    pub consents: Vec<String>,
}

/// A task that a person has to do.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TaskOut {
    /// The description.
    pub sentence: String,
    /// The link to the page in the console.
    pub link: Option<String>,
    /// A code to compare with the one on the page.
    pub code: Option<String>,
    /// The click path on the page.
    pub clicks: Option<String>,
    /// The command to run.
    pub command: Option<String>,
    /// What to do after that.
    pub afterward: Option<String>,
    /// Further details.
    pub details: Vec<String>,
    /// Other ways to do it.
    pub alternatives: Vec<NextStepOut>,
}

/// An error with what to do next.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ErrorOut {
    /// The step; null outside a step.
    pub step: Option<String>,
    /// The kind of error.
    pub kind: UserErrorKind,
    /// What happened.
    pub message: String,
    /// The error that AWS returned.
    pub aws: Option<ServiceMessage>,
    /// What to do next.
    pub next: Vec<NextStepOut>,
}

impl ErrorOut {
    /// Converts an error; `step` is the slug of its step.
    pub fn of(error: &UserError, step: Option<&str>, invocation: &Invocation) -> Self {
        Self {
            step: step.map(str::to_owned),
            kind: error.kind,
            message: error.message.clone(),
            aws: error.aws.clone(),
            next: invocation.next_steps_out(&error.next),
        }
    }
}

impl TaskOut {
    fn of(task: &HumanTask, invocation: &Invocation) -> Self {
        Self {
            sentence: task.sentence.clone(),
            link: task.link.clone(),
            code: task.code.clone(),
            clicks: task.clicks(),
            command: task.command.as_ref().map(|command| invocation.command_line(command)),
            afterward: task.afterward.clone(),
            details: task.details.iter().chain(&task.help).cloned().collect(),
            alternatives: invocation.next_steps_out(&task.alternatives),
        }
    }
}

impl StepOut {
    fn of(report: &StepReport, invocation: &Invocation) -> Self {
        let open = !matches!(report.state, State::Done | State::Skipped);
        let changes = report.plan.changes.iter().filter(|_| open).map(|change| ChangeOut {
            sentence: change.sentence.clone(),
            command: change.command.clone(),
            reversible: change.consent.is_reversible(),
            consents: match &change.consent {
                Consent::Named(consents) => consents.iter().map(|consent| consent.flag.to_owned()).collect(),
                _ => Vec::new(),
            },
        });
        Self {
            number: report.info.number,
            slug: report.info.slug.to_owned(),
            importance: report.info.importance,
            state: report.state.name().to_owned(),
            origin: report.origin(),
            summary: report.observed.summary.clone(),
            since: report.since.map(|since| since.to_string()),
            evidence: report.observed.evidence.clone(),
            resources: report.observed.resources.clone(),
            changes: changes.collect(),
            left_to_do: report
                .left_to_do
                .iter()
                .map(|task| TaskOut::of(task, invocation))
                .collect(),
            waits_for: report.waits_for.clone(),
            next: invocation.next_steps_out(&report.observed.next),
            error: report
                .error
                .as_ref()
                .map(|error| ErrorOut::of(error, Some(report.info.slug), invocation)),
        }
    }
}

impl Envelope<StepsBody> {
    /// Returns the envelope of a command that checks the steps, or that ended before it could.
    pub fn of_steps(
        command: &str,
        caller: Option<Caller>,
        region: Option<RegionName>,
        outcome: &Outcome,
        exit: ExitCode,
        invocation: &Invocation,
    ) -> Self {
        Self {
            format: FORMAT,
            command: command.to_owned(),
            account: caller.as_ref().map(|caller| caller.account.clone()),
            region,
            error: outcome
                .error
                .as_ref()
                .map(|error| ErrorOut::of(error, None, invocation)),
            exit: exit.code(),
            body: StepsBody {
                caller,
                signed_in_as: signed_in(&outcome.reports),
                steps: outcome
                    .reports
                    .iter()
                    .map(|report| StepOut::of(report, invocation))
                    .collect(),
                outputs: Outputs::of(&outcome.reports),
            },
        }
    }
}

impl<B: Serialize> Envelope<B> {
    /// Returns the envelope as JSON with line breaks.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}
