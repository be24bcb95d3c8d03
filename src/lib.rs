//! From a fresh AWS account to short-lived credentials through IAM Identity Center.
//!
//! # The tour
//!
//! How data flows from an argument to an answered checklist:
//!
//! 1. [`cli`] holds what was typed, nothing else. [`environment`] holds what the process was given besides.
//! 2. [`commands`] makes of both what is wanted: [`answers`] with their sources (flag, variable, answers file,
//!    saved, found, default), the [`prompter`] that speaks to the person, the Region and the connection
//!    ([`aws::connect`]), and the [`progress`] of this account, locked.
//! 3. [`steps`] has the checklist's eight steps, one file each, in the order of [`steps::checklist`]. They share
//!    a [`steps::Context`]: clients, answers, progress, and facts such as the instance or the user's id.
//! 4. [`checklist`] walks them: *look → ask → plan → (confirm) → apply → verify → record*. It knows no step by
//!    name, no terminal and no AWS service. What a look shows is a `Observed`; what would be done is a `Plan` of
//!    changes and human tasks, a value made from reads alone.
//! 5. Before a change a step writes its intent to [`progress`], after it the result. A run that is killed in
//!    between is resumed by looking: the live account decides, progress only says what is ours.
//! 6. The outcome goes to [`prompter::output`]: a table or one JSON envelope, and the exit code.
//!
//! [`aws_files`] edits `~/.aws/config` and keeps tokens as the AWS CLI does; [`sso`] signs in. [`rehearsal`] is
//! a simulated AWS behind HTTP that imports nothing of the wizard; `idc-setup rehearse` serves it and runs this
//! very program against it.
//!
//! Arrows run one way: `main → commands → steps → checklist → progress → answers → aws::regions`, and
//! `steps → sso → aws_files`, `steps → aws`.

pub mod answers;
pub mod aws;
pub mod aws_cli;
pub mod browser;
pub mod checklist;
pub mod cli;
pub mod commands;
pub mod doctor;
pub mod environment;
#[doc(hidden)]
pub mod fuzzing;
pub mod limits;
pub mod next_step;
pub mod progress;
pub mod sso;
pub mod steps;
mod text;
pub mod ui;
pub mod undo;
