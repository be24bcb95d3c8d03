//! `idc-setup` sets up IAM Identity Center, from a new AWS account to temporary credentials.
//!
//! # Tour
//!
//! `docs/architecture.md` has the picture, and how to add a kind of resource, a step, an answer, or a simulated operation.
//!
//! How a command line becomes a finished checklist:
//!
//! 1. [`cli`] holds the parsed command line, and [`environment`] everything else that the process was given.
//! 2. [`commands`] turns both into what a command needs: the [`answers`] with their sources (flag, variable, answers
//!    file, saved, existing, default), a [`wizard::Prompter`], the Region and the connection ([`aws::connect`]), and
//!    the locked [`progress`] of the account.
//! 3. [`wizard::steps`] contains the eight steps of the checklist and the recommendations, in the order of
//!    [`wizard::steps::checklist`]. The steps share a [`wizard::steps::WizardContext`]: clients, answers, progress, and facts such as the
//!    instance or the user's id.
//! 4. [`wizard`] walks the steps: *look → ask → plan → (confirm) → apply → verify → record*. It depends on no
//!    particular step, no terminal and no AWS service. `look` returns a [`wizard::Observed`]. From it, a step
//!    computes a [`wizard::StepPlan`] of changes and human tasks.
//! 5. [`resources`] has one file for each kind of resource. A kind is found, read, created, changed, and deleted there,
//!    and each operation is called from one place. [`resources::item`] says what the desired items depend on, and how they
//!    differ from what was observed. [`reconcile`] has what all kinds share: the plan of changes and human tasks, retries,
//!    the origin of what a read finds, and [`reconcile::undo`].
//! 6. An intent is recorded in [`progress`] before a change, and the result after it. A run that was killed in between
//!    is resumed by reading the account: the account shows what exists, and progress only says what this program
//!    created.
//! 7. [`ui`] implements the prompters and prints the outcome: a table, or one JSON envelope. The outcome determines the
//!    [`exit_code::ExitCode`].
//!
//! [`access`] gives a whole team access from one file, without progress: it compares the file with the live account.
//! [`export`] writes what exists for other tools.
//! [`reconcile::undo`] deletes what progress records as created, and restores what was replaced in existing resources.
//! [`profiles`] writes a profile for each role that the access portal offers.
//! [`doctor`] and the `status` and `plan` commands only read. [`next_step`] renders every command that a message suggests. [`sso`]
//! signs in. [`log`] logs the calls to AWS, and [`ids`] parses the ids and ARNs in their responses.
//!
//! Two crates of the workspace know nothing of the wizard. `aws-config-file` edits `~/.aws/config` without changing
//! other bytes, and stores tokens as the AWS CLI does. `idc-sim` simulates the AWS services over HTTP;
//! `idc-setup rehearse` starts it and runs this program against it.
//!
//! Dependencies point one way: `main → commands → doctor → wizard → resources → reconcile → progress`, and
//! `wizard → sso → aws`. `ui` implements the traits that `wizard` declares.

/// The examples of `docs/architecture.md` compile.
#[cfg(doctest)]
#[doc = include_str!("../docs/architecture.md")]
mod architecture {}

pub mod access;
pub mod answers;
pub mod aws;
pub mod aws_cli;
pub mod aws_files;
pub mod blank_variables;
pub mod browser;
pub mod cli;
pub mod commands;
pub mod doctor;
pub mod environment;
pub mod exit_code;
pub mod export;
#[doc(hidden)]
pub mod fuzzing;
pub mod git_identity;
pub mod ids;
pub mod limited_output;
pub mod limits;
pub mod log;
pub mod next_step;
pub mod profiles;
pub mod progress;
pub mod reconcile;
pub mod resources;
mod shell;
pub mod sso;
mod text;
pub mod ui;
pub mod user_error;
pub mod wizard;
