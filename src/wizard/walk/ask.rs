//! The questions, all before the first change, and the review after them.

use std::pin::Pin;

use futures_util::future::{Either, select};
use jiff::Timestamp;

use super::{Observations, Walk, close};
use crate::answers::{Answer, KEYS, Key, Source};
use crate::next_step::SetupCommand;
use crate::progress::Origin;
use crate::reconcile::{Importance, StepInfo};
use crate::user_error::{UserError, UserErrorKind};
use crate::wizard::{
    Choice, Confirm, HumanTask, Observed, Question, Reply, Review, ReviewReply, ReviewedValue, Status, Step,
};

/// A check in progress.
type PendingCheck<'a> = Pin<Box<dyn Future<Output = (&'static str, Observed)> + 'a>>;

/// How the questions ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum QuestionsEnd {
    /// All questions are answered.
    All,
    /// The user quit.
    Quit,
}

impl Walk<'_> {
    /// Asks all questions, shows the review, and asks whether to continue. `false`: the user quit.
    pub(super) async fn agree(&self, observations: &mut Observations) -> Result<bool, UserError> {
        loop {
            if self.ask_everything(observations).await? == QuestionsEnd::Quit {
                return Ok(false);
            }
            self.save_answers()?;
            if !self.prompter.can_ask() || self.options.asks_recommendations {
                // If nobody can be asked, flags give the consents. Each recommendation has its own question.
                return Ok(true);
            }
            let review = self.review_of(observations);
            let is_nothing_to_do = review.changes.is_empty() && review.tasks.is_empty() && review.problems.is_empty();
            if is_nothing_to_do || (self.options.yes && review.needs_no_consent()) {
                return Ok(true);
            }
            match self.unless_stopped(self.prompter.review(&review)).await?? {
                ReviewReply::GoOn => {
                    self.agree_to(&review);
                    return Ok(true);
                }
                ReviewReply::Quit => return Ok(false),
                ReviewReply::Back => self.reopen_last_question()?,
                ReviewReply::Change(key) => match self.change_answer(key).await? {
                    Reply::Value(()) => *observations = self.unless_stopped(self.survey()).await?,
                    Reply::Back | Reply::Skip => {}
                    Reply::Quit => return Ok(false),
                },
            }
        }
    }

    /// Asks whether to change what differs in the account, or to keep it.
    pub(super) async fn settle_differences(&self, observations: &mut Observations) -> Result<(), UserError> {
        let steps = self.steps.iter().map(AsRef::as_ref);
        for step in steps.filter(|step| self.is_walked(*step) && self.prompter.can_ask()) {
            let info = step.info();
            let is_different = |observed: &&Observed| observed.status == Status::Different;
            let Some(observed) = observations.get(info.slug).filter(is_different) else {
                continue;
            };
            let keys = step.updatable();
            if keys.is_empty() || !step.plan(observed)?.changes.is_empty() {
                continue;
            }
            let confirm = Confirm {
                lines: vec![observed.summary.clone()],
                prompt: "Change it for everyone who has it, in all its accounts?".to_owned(),
                default: false,
                help: vec!["If you answer no, it stays as it is, and this run continues with what exists.".to_owned()],
                ..Confirm::default()
            };
            match self.unless_stopped(self.prompter.confirm(&confirm)).await?? {
                Reply::Value(true) => step.want_update(),
                Reply::Value(false) | Reply::Back | Reply::Skip => {
                    let mut answers = self.answers.borrow_mut();
                    for key in keys {
                        answers.remove(*key);
                    }
                }
                Reply::Quit => return Err(UserError::left()),
            }
            *observations = self.unless_stopped(self.survey()).await?;
        }
        Ok(())
    }

    /// Clears the last answer, so that its question is asked again.
    fn reopen_last_question(&self) -> Result<(), UserError> {
        let last = self.history.borrow_mut().pop();
        match last {
            Some(key) => {
                let mut answers = self.answers.borrow_mut();
                if let Some(value) = answers.explicit(key).map(|answer| answer.value.clone()) {
                    // The question shows it again, so that the user can correct it.
                    answers.suggest(key, value);
                }
                answers.remove(key);
                drop(answers);
                self.save_answers()?;
            }
            None => self
                .prompter
                .say(None, "There is no earlier question. In the review, e changes a value."),
        }
        Ok(())
    }

    /// Asks again for an answer that already has a value.
    async fn change_answer(&self, key: Key) -> Result<Reply<()>, UserError> {
        let mut question = Question {
            default: self.answers.borrow().get(key).map(|answer| answer.value),
            is_open: true,
            can_go_back: true,
            ..Question::of(key)
        };
        let choice = |value: &&str| Choice {
            label: format!("{value:12} {}", key.meaning(value)).trim_end().to_owned(),
            ..Choice::of(*value)
        };
        question.choices = key.choices().iter().map(choice).collect();
        if question.choices.is_empty() {
            for step in self.steps.iter().filter(|step| step.has_choices(key)) {
                let _waiting = self.prompter.wait(step.info(), "Getting the choices.");
                match step.choices(key).await {
                    Ok(choices) => question.choices.extend(choices),
                    Err(error) => self.prompter.say(None, &error.message),
                }
            }
        } else {
            question.is_open = false;
        }
        match self.unless_stopped(self.prompter.ask(&question)).await?? {
            Reply::Value(value) => {
                self.answers.borrow_mut().replace(key, asked(value));
                self.save_answers()?;
                Ok(Reply::Value(()))
            }
            Reply::Back => Ok(Reply::Back),
            Reply::Skip => Ok(Reply::Skip),
            Reply::Quit => Ok(Reply::Quit),
        }
    }

    /// Asks every open question, in the order of the checklist.
    ///
    /// # Errors
    /// If no one can be asked. The error names all missing answers.
    pub(super) async fn ask_everything(&self, observations: &mut Observations) -> Result<QuestionsEnd, UserError> {
        // The check that an answer made necessary runs while the user reads the next question.
        let mut ahead: Option<PendingCheck<'_>> = None;
        loop {
            let open = self.open_questions(observations);
            if !self.prompter.can_ask() && !open.is_empty() {
                return Err(missing_answers(&open));
            }
            let Some((step, mut question)) = open.into_iter().next() else {
                match ahead.take() {
                    Some(check) => {
                        let (slug, observed) = check.await;
                        observations.insert(slug, observed);
                        continue;
                    }
                    None => return Ok(QuestionsEnd::All),
                }
            };
            question.can_skip = step.info().importance != Importance::Required;
            question.can_go_back = !self.history.borrow().is_empty();
            // What the user chose before going back counts more than a default.
            if let Some(suggested) = self.answers.borrow().suggestion(question.key).map(str::to_owned) {
                question.default_source = None;
                question.default = Some(suggested);
            }
            let info = step.info();
            let asked_now = self.ask_during_check(&question, &mut ahead, observations);
            match self.unless_stopped(asked_now).await?? {
                Reply::Value(value) => {
                    self.answers.borrow_mut().replace(question.key, asked(value));
                    self.history.borrow_mut().push(question.key);
                    self.save_answers()?;
                    let needs_check = observations.get(info.slug).is_some_and(|observed| {
                        let is_affected = step.looks_for(question.key) || observed.status != Status::Missing;
                        observed.waits_for.is_none() && is_affected
                    });
                    if needs_check {
                        ahead = Some(Box::pin(self.check_again(step)));
                    }
                }
                Reply::Back => self.reopen_last_question()?,
                Reply::Skip if info.importance == Importance::Required => {
                    self.prompter
                        .say(Some(info), "This step is required. You can't skip it here.");
                }
                Reply::Skip => {
                    self.skipped.borrow_mut().insert(info.slug);
                }
                Reply::Quit => return Ok(QuestionsEnd::Quit),
            }
        }
    }

    /// Asks while the pending check continues.
    async fn ask_during_check(
        &self,
        question: &Question,
        ahead: &mut Option<PendingCheck<'_>>,
        observations: &mut Observations,
    ) -> Result<Reply<String>, UserError> {
        let mut ask = self.prompter.ask(question);
        if let Some(check) = ahead {
            match select(ask, check).await {
                Either::Left((reply, _)) => return reply,
                Either::Right(((slug, observed), still_asking)) => {
                    observations.insert(slug, observed);
                    ask = still_asking;
                }
            }
            *ahead = None;
        }
        ask.await
    }

    /// Checks a step again, since an answer may name something that already exists.
    async fn check_again(&self, step: &dyn Step) -> (&'static str, Observed) {
        for slot in step.provides() {
            slot.forget();
        }
        let observed = self.look_at(step).await;
        close(step, &observed.summary);
        (step.info().slug, observed)
    }

    /// Whether the step waits for a step that is blocked or could not be checked. It is then unknown whether the step
    /// needs an answer, so the other step is reported first.
    fn waits_for_blocked_step(&self, step: &dyn Step, observations: &Observations) -> bool {
        let is_blocked = |slug: &&str| {
            let observed = observations.get(slug);
            observed.is_some_and(|observed| matches!(observed.status, Status::Unknown | Status::Blocked))
        };
        self.prerequisites(step).iter().any(is_blocked)
    }

    /// The questions that the prompter can ask, or that have no answer yet.
    fn open_questions(&self, observations: &Observations) -> Vec<(&dyn Step, Question)> {
        let mut open = self.questions(observations);
        open.retain(|(_, question)| self.prompter.can_ask() || !question.is_confirmation);
        open
    }

    /// The questions of the steps, with those that confirm an answer.
    pub(super) fn questions(&self, observations: &Observations) -> Vec<(&dyn Step, Question)> {
        self.steps
            .iter()
            .map(AsRef::as_ref)
            .filter(|step| self.is_walked(*step) && !self.waits_for_blocked_step(*step, observations))
            .filter_map(|step| Some((step, observations.get(step.info().slug)?)))
            .flat_map(|(step, observed)| {
                step.questions(observed)
                    .into_iter()
                    .map(move |question| (step, question))
            })
            .collect()
    }

    fn review_of(&self, observations: &Observations) -> Review {
        let answers = self.answers.borrow();
        // What an earlier run created is no surprise.
        let is_created = |key: Key| {
            let observed = observations.get("create-user").filter(|_| key == Key::Username);
            let mut resources = observed.iter().flat_map(|observed| &observed.resources);
            resources.any(|resource| resource.origin == Origin::Created)
        };
        let values = KEYS
            .into_iter()
            .filter(|key| *key != Key::NoGroup || answers.without_group())
            .filter(|key| *key != Key::Group || !answers.without_group())
            .filter_map(|key| {
                let answer = answers.get(key)?;
                Some(ReviewedValue {
                    key,
                    is_existing: answer.source == Source::Account && !is_created(key),
                    value: answer.value,
                    source: answer.source.text(Timestamp::now()),
                })
            })
            .collect();
        let mut review = Review {
            values,
            changes: Vec::new(),
            tasks: Vec::new(),
            done: Vec::new(),
            problems: Vec::new(),
        };
        let reports = self.reports(observations);
        let planned = |info: &StepInfo| reports.iter().find(|report| report.info == info);
        for step in self.steps.iter().filter(|step| self.is_walked(step.as_ref())) {
            let info = step.info();
            let Some(observed) = observations.get(info.slug) else {
                continue;
            };
            if let Err(error) = step.plan(observed) {
                self.prompter.say(Some(info), &error.message);
            }
            // Nothing is planned for what waits for a step that differs.
            let mut plan = planned(info).map(|report| report.plan.clone()).unwrap_or_default();
            let is_problem = matches!(observed.status, Status::Different | Status::Blocked);
            if is_problem && plan.changes.is_empty() && plan.tasks.is_empty() {
                review.problems.push(observed.summary.clone());
            }
            if !self.is_asked_about(info) {
                plan.changes.retain(|change| self.is_requested(change));
                plan.tasks.clear();
            }
            let is_complete = observed.is_done() && plan.changes.is_empty() && plan.tasks.is_empty();
            if is_complete && !info.is_recommendation() {
                review.done.push((info, observed.summary.clone()));
            }
            if !plan.changes.is_empty() {
                review.changes.push((info, plan.changes));
            }
            let is_included = |task: &HumanTask| {
                let proof = task.proof.filter(|proof| !proof.comes_first);
                proof.is_some_and(|proof| self.is_ahead(proof.step))
            };
            review
                .tasks
                .extend(plan.tasks.into_iter().filter(|task| !is_included(task)));
        }
        review
    }
}

fn asked(value: String) -> Answer {
    Answer {
        value,
        source: Source::Asked,
    }
}

fn missing_answers(open: &[(&dyn Step, Question)]) -> UserError {
    let mut lines = Vec::new();
    for (step, question) in open {
        let key = question.key;
        lines.push(format!(
            "  {} or {} ({}, step {})",
            key.flag(),
            key.variable(),
            key.title(),
            step.info().number
        ));
    }
    let command = SetupCommand::again().switch("--non-interactive");
    let command = open.iter().fold(command, |command, (_, question)| {
        command.placeholder(question.key.flag(), "VALUE")
    });
    UserError::new(
        UserErrorKind::MissingAnswers,
        format!("These required answers are missing:\n{}", lines.join("\n")),
        command,
    )
}
