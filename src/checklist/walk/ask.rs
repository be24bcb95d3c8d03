//! Questions, all before the first change, and the review that ends them.

use std::pin::Pin;

use futures_util::future::{Either, select};
use jiff::Timestamp;

use super::{Observations, Walk, close};
use crate::answers::{Answer, KEYS, Key, Source};
use crate::checklist::{
    Change, Choice, Importance, Observed, PlannedChange, Question, Reply, Review, ReviewReply, Status, Step, UserError,
    UserErrorKind,
};

/// A look that is under way.
type PendingLook<'a> = Pin<Box<dyn Future<Output = (&'static str, Observed)> + 'a>>;

/// How the questions ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum QuestionsEnd {
    /// Everything is answered.
    All,
    /// The person left.
    Quit,
}

impl Walk<'_> {
    /// Asks, shows what will happen, and asks whether to go on. `false`: the person left.
    pub(super) async fn agree(&self, observations: &mut Observations) -> Result<bool, UserError> {
        loop {
            if self.ask_everything(observations).await? == QuestionsEnd::Quit {
                return Ok(false);
            }
            self.save_answers()?;
            if !self.prompter.can_ask() || self.options.yes {
                return Ok(true);
            }
            let review = self.review_of(observations);
            if review.changes.is_empty() && review.tasks.is_empty() {
                return Ok(true);
            }
            match self.prompter.review(&review).await? {
                ReviewReply::GoOn => {
                    self.agree_to_planned(observations);
                    return Ok(true);
                }
                ReviewReply::Quit => return Ok(false),
                ReviewReply::Back => self.ask_the_last_again()?,
                ReviewReply::Change(key) => {
                    if self.ask_for(key).await? {
                        *observations = self.survey().await;
                    }
                }
            }
        }
    }

    /// Takes the last answer back, so that it is asked for again.
    fn ask_the_last_again(&self) -> Result<(), UserError> {
        let last = self.history.borrow_mut().pop();
        match last {
            Some(key) => {
                let mut answers = self.answers.borrow_mut();
                if let Some(said) = answers.explicit(key).map(|answer| answer.value.clone()) {
                    // It stands there as it was typed, to be corrected.
                    answers.suggest(key, said);
                }
                answers.take_back(key);
                drop(answers);
                self.save_answers()?;
            }
            None => self.prompter.say(None, "Nothing was asked before this."),
        }
        Ok(())
    }

    /// Asks for a value that is there already; `false`: it stays.
    async fn ask_for(&self, key: Key) -> Result<bool, UserError> {
        let mut question = Question {
            default: self.answers.borrow().get(key).map(|answer| answer.value),
            is_open: true,
            ..Question::of(key)
        };
        question.choices = key.choices().iter().copied().map(Choice::of).collect();
        if question.choices.is_empty() {
            for step in self.steps.iter().filter(|step| step.has_choices(key)) {
                let _waiting = self.prompter.wait(step.info(), "What there is to choose from.");
                match step.choices(key).await {
                    Ok(choices) => question.choices.extend(choices),
                    Err(error) => self.prompter.say(None, &error.message),
                }
            }
        } else {
            question.is_open = false;
        }
        match self.prompter.ask(&question).await? {
            Reply::Value(value) => {
                self.answers.borrow_mut().replace(key, asked(value));
                self.save_answers()?;
                Ok(true)
            }
            Reply::Back | Reply::Skip => Ok(false),
            Reply::Quit => Err(UserError::left()),
        }
    }

    /// Asks every open question, in the order of the checklist.
    ///
    /// # Errors
    /// When nobody can be asked: all missing answers at once.
    pub(super) async fn ask_everything(&self, observations: &mut Observations) -> Result<QuestionsEnd, UserError> {
        // The look that an answer has made necessary is under way while the next question is read.
        let mut ahead: Option<PendingLook<'_>> = None;
        loop {
            let open = self.open_questions(observations);
            if !self.prompter.can_ask() && !open.is_empty() {
                return Err(missing_answers(&open));
            }
            let Some((step, mut question)) = open.into_iter().next() else {
                match ahead.take() {
                    Some(look) => {
                        let (slug, observed) = look.await;
                        observations.insert(slug, observed);
                        continue;
                    }
                    None => return Ok(QuestionsEnd::All),
                }
            };
            if question.default.is_none() {
                let answers = self.answers.borrow();
                question.default = answers.suggestion(question.key).map(str::to_owned);
            }
            let info = step.info();
            match self.ask_meanwhile(&question, &mut ahead, observations).await? {
                Reply::Value(value) => {
                    self.answers.borrow_mut().replace(question.key, asked(value));
                    self.history.borrow_mut().push(question.key);
                    self.save_answers()?;
                    let looks_again = observations.get(info.slug).is_some_and(|observed| {
                        let is_affected = step.looks_for(question.key) || observed.status != Status::Missing;
                        observed.waits_for.is_none() && is_affected
                    });
                    if looks_again {
                        ahead = Some(Box::pin(self.look_ahead(step)));
                    }
                }
                Reply::Back => self.ask_the_last_again()?,
                Reply::Skip if info.importance == Importance::Required => {
                    self.prompter
                        .say(Some(info), "This step is required; it cannot be skipped here.");
                }
                Reply::Skip => {
                    self.skipped.borrow_mut().insert(info.slug);
                }
                Reply::Quit => return Ok(QuestionsEnd::Quit),
            }
        }
    }

    /// Asks, and meanwhile goes on looking.
    async fn ask_meanwhile(
        &self,
        question: &Question,
        ahead: &mut Option<PendingLook<'_>>,
        observations: &mut Observations,
    ) -> Result<Reply<String>, UserError> {
        let mut ask = self.prompter.ask(question);
        if let Some(look) = ahead {
            match select(ask, look).await {
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

    /// Looks at a step again: an answer may name something that is there.
    async fn look_ahead(&self, step: &dyn Step) -> (&'static str, Observed) {
        for slot in step.provides() {
            slot.forget();
        }
        let observed = self.look_at(step).await;
        close(step, &observed.summary);
        (step.info().slug, observed)
    }

    /// What nobody could look at, or stands in the way, is to be said first: whether what waits behind it needs an answer is
    /// not known.
    fn is_behind_a_wall(&self, step: &dyn Step, observations: &Observations) -> bool {
        let mut before = self.steps.iter().take_while(|other| other.info() != step.info());
        let waits = observations
            .get(step.info().slug)
            .is_some_and(|observed| observed.waits_for.is_some());
        waits
            && before.any(|other| {
                let observed = observations.get(other.info().slug);
                let is_wall = |observed: &Observed| matches!(observed.status, Status::Unknown | Status::Blocked);
                other.info().feeds_others && observed.is_some_and(is_wall)
            })
    }

    fn open_questions(&self, observations: &Observations) -> Vec<(&dyn Step, Question)> {
        self.steps
            .iter()
            .map(AsRef::as_ref)
            .filter(|step| self.is_walked(*step) && !self.is_behind_a_wall(*step, observations))
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
        let values = KEYS
            .into_iter()
            .filter(|key| *key != Key::NoGroup || answers.without_group())
            .filter(|key| *key != Key::Group || !answers.without_group())
            .filter_map(|key| {
                let answer = answers.get(key)?;
                Some((key, answer.value, answer.source.words(Timestamp::now())))
            })
            .collect();
        let mut review = Review {
            values,
            changes: Vec::new(),
            tasks: Vec::new(),
        };
        for step in self.steps.iter().filter(|step| self.is_walked(step.as_ref())) {
            let plan = observations
                .get(step.info().slug)
                .and_then(|observed| step.plan(observed).ok())
                .unwrap_or_default();
            // What a recommendation would change is decided when it comes to it, unless it was asked for.
            let (to_decide, planned): (Vec<Change>, Vec<Change>) = plan
                .changes
                .into_iter()
                .partition(|change| step.info().is_recommendation() && !self.is_asked_for(change));
            let to_decide = to_decide
                .into_iter()
                .map(|change| format!("Decide: {}", change.sentence));
            review.tasks.extend(to_decide);
            let planned: Vec<PlannedChange> = planned
                .into_iter()
                .map(|change| PlannedChange {
                    sentence: change.sentence,
                    command: change.command,
                })
                .collect();
            if !planned.is_empty() {
                review.changes.push((step.info(), planned));
            }
            review.tasks.extend(plan.tasks.into_iter().map(|task| task.sentence));
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
            "  {} or {} ({}, step {} {})",
            key.flag(),
            key.variable(),
            key.title(),
            step.info().number,
            step.info().slug
        ));
    }
    let flags: Vec<String> = open
        .iter()
        .map(|(_, question)| format!("{} …", question.key.flag()))
        .collect();
    UserError::new(
        UserErrorKind::MissingAnswers,
        format!("These answers are needed and were not given:\n{}", lines.join("\n")),
        format!("idc-setup run --non-interactive {}", flags.join(" ")),
    )
}
