//! What comes next, for `idc-setup next`: as the body of the JSON envelope, and as text.

use schemars::JsonSchema;
use serde::Serialize;

use super::screen::Screen;
use crate::answers::{AnswerType, Answers, KEYS, Key, Source};
use crate::next_step::{Invocation, NextStepOut, NextSteps};
use crate::reconcile::{Change, Importance};
use crate::wizard::steps::create_user::NO_PASSWORD_YET;
use crate::wizard::steps::step_of_answer;
use crate::wizard::{Ahead, HumanTask, NextState, OpenQuestion, OpenTask, State, StepReport, TaskKind};

/// The changes that the text lists. With `-v`, it lists all of them.
const SHOWN_CHANGES: usize = 2;

/// The tasks that the text lists besides the first one, whose page it names.
const SHOWN_TASKS: usize = 2;

/// The body of `next`.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct NextBody {
    /// What has to happen next.
    pub state: NextState,
    /// The first step that has something to do, or else the first that is not done; null if all are done.
    pub step: Option<OpenStep>,
    /// The answers to decide on, each with `--answer KEY=VALUE`: those that are required, and those that can't be changed
    /// later.
    pub needs: Vec<NeededAnswer>,
    /// The other answers of planned changes that nobody has given, with the values that will be used.
    pub defaults: Vec<NeededAnswer>,
    /// The changes that runs will make, in order. Empty if something blocks all of them.
    pub changes: Vec<PlannedChange>,
    /// The consents that these changes still need. Add the flag of each consent that the owner of the account gives.
    pub consents: Vec<NeededConsent>,
    /// The tasks that only a person can do, in order.
    pub tasks: Vec<PersonTask>,
    /// The command to run next, quoted for a POSIX shell, without the answers and the consents to add; null if there is
    /// nothing to run. If the step differs or is blocked, the command of the first way out, in which a word in capitals
    /// stands for a value.
    pub next_command: Option<String>,
    /// What can be done if the step differs, is blocked or could not be checked. Best first. If another step differs, and nothing
    /// waits for it, what can be done about that one.
    pub ways_out: Vec<NextStepOut>,
}

/// The step that comes next.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OpenStep {
    /// The number, from 1.
    pub number: u8,
    /// The name for `--only` and `--skip`.
    pub slug: &'static str,
    /// What the step does.
    pub title: &'static str,
    /// Whether the step is required.
    pub importance: Importance,
    /// The state, as in the envelope of `status`.
    pub state: &'static str,
    /// What was observed, in one sentence.
    pub summary: String,
    /// What the step is good for, in one sentence.
    pub why: &'static str,
}

/// An answer that is needed, or that has a default.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NeededAnswer {
    /// The key for `--answer KEY=VALUE` and the answers file.
    pub key: &'static str,
    /// The slug of the step that uses it.
    pub step: &'static str,
    /// The type.
    #[serde(rename = "type")]
    pub answer_type: AnswerType,
    /// The values to choose from; empty if there is no list.
    pub choices: Vec<String>,
    /// Whether a run without this answer ends with exit code 2.
    pub required: bool,
    /// The value that is used without an answer.
    pub default: Option<String>,
    /// Where the default comes from, such as `AWS_REGION`.
    pub default_source: Option<String>,
    /// A value to suggest, such as the email address of the Git configuration. It is never used without an answer.
    pub suggestion: Option<String>,
    /// The flag of its own.
    pub flag: String,
    /// The question, in a few words.
    pub question: String,
    /// What the answer is for, and its rules.
    pub why: String,
}

/// A change that a run will make.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PlannedChange {
    /// The slug of the step.
    pub step: &'static str,
    /// The description.
    pub sentence: String,
    /// The equivalent `aws` command.
    pub command: String,
    /// Whether it can be undone.
    pub reversible: bool,
}

/// A consent that a change needs.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NeededConsent {
    /// The flag that gives it, such as `--create-organization`.
    pub flag: String,
    /// The slug of the step.
    pub step: &'static str,
    /// The change.
    pub change: String,
    /// What is at stake, in one or more sentences.
    pub stake: String,
    /// Whether `idc-setup undo` reverses it.
    pub reversible: bool,
}

/// A task that only a person can do.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PersonTask {
    /// The slug of the step.
    pub step: &'static str,
    /// The task, in one sentence.
    pub what: String,
    /// The link to the page, if it is known.
    pub url: Option<String>,
    /// The way to the page without the link, and what to choose there.
    #[serde(rename = "where")]
    pub place: Option<String>,
    /// What the person does after that, and how `idc-setup` learns that the task is done.
    pub then: String,
    /// The flag with which the person confirms the task, for what no API shows.
    pub confirm_flag: Option<String>,
    /// Further details.
    pub details: Vec<String>,
    /// The slugs of the steps that come before. Empty if the person can do it now.
    pub waits_for: Vec<&'static str>,
}

impl NextBody {
    /// Describes what comes next. Recommendations count only if `strict` is set.
    pub fn of(ahead: &Ahead, strict: bool, answers: &Answers, invocation: &Invocation) -> Self {
        let open = ahead.open(strict);
        let state = ahead.state(strict);
        let is_blocked = state == NextState::Blocked;
        let changes = open.iter().filter(|_| !is_blocked).flat_map(|report| {
            let step = report.info.slug;
            let changes = report.plan.changes.iter();
            changes.map(move |change| StepChange { step, change })
        });
        let changes: Vec<StepChange<'_>> = changes.collect();
        let tasks = ahead.tasks(strict).into_iter();
        let tasks: Vec<OpenTask<'_>> = tasks.filter(|open| !is_blocked && is_apart(open)).collect();
        let is_listed = |slug: &str| {
            let mut steps = tasks.iter().map(|open| open.report.info.slug);
            let is_stuck = |report: &&StepReport| {
                let states = [State::Blocked, State::Unknown, State::Different, State::Failed];
                report.info.slug == slug && states.contains(&report.state)
            };
            changes.iter().any(|change| change.step == slug)
                || steps.any(|step| step == slug)
                || open.iter().any(is_stuck)
        };
        let needs: Vec<NeededAnswer> = ahead
            .questions
            .iter()
            .map(|open| NeededAnswer::asked(open, answers))
            .collect();
        let invented = InventedName::of(&needs, answers);
        Self {
            state,
            step: ahead.step(strict).map(OpenStep::of),
            defaults: if is_blocked {
                Vec::new()
            } else {
                defaults(&open, &needs, answers)
            },
            needs,
            changes: changes
                .iter()
                .map(|change| PlannedChange::of(change, &invented))
                .collect(),
            consents: changes
                .iter()
                .flat_map(|change| NeededConsent::of(change, ahead, &invented))
                .collect(),
            tasks: tasks
                .iter()
                .map(|task| PersonTask::of(task, &is_listed, &invented))
                .collect(),
            next_command: ahead.command(strict).map(|command| invocation.command_line(&command)),
            ways_out: invocation.next_steps_out(&ahead.ways_out(strict)),
        }
    }
}

/// Whether a task is one that somebody does apart from the others: a later task includes a sign-in, and not a password.
fn is_apart(open: &OpenTask<'_>) -> bool {
    !open.is_included || open.task.details.iter().any(|detail| detail.contains(NO_PASSWORD_YET))
}

/// The user name that stands for one that is not known yet, because nothing about the user is. Texts do not show it.
struct InventedName(Option<String>);

impl InventedName {
    fn of(needs: &[NeededAnswer], answers: &Answers) -> Self {
        let is_needed = |key: Key| needs.iter().any(|needed| needed.required && needed.key == key.name());
        let name = answers.get(Key::Username).filter(|name| name.source == Source::Default);
        let is_used_elsewhere = |name: &str| {
            [Key::Group, Key::PermissionSet]
                .iter()
                .any(|key| answers.text(*key) == name)
        };
        let name = name.filter(|name| {
            let is_unknown = is_needed(Key::Email) && is_needed(Key::GivenName);
            is_unknown && !is_used_elsewhere(&name.value)
        });
        Self(name.map(|name| name.value))
    }

    /// The text with "the user" in place of the name.
    fn without(&self, text: &str) -> String {
        if self.0.is_none() {
            return text.to_owned();
        }
        // The display name and the email address are not known either.
        let text = self.replaced(text, "the user").replace(" (…, …)", "");
        text.replace("the user the user", "the user")
    }

    /// The command with a placeholder in place of the name.
    fn with_placeholder(&self, command: &str) -> String {
        self.replaced(command, "USERNAME")
    }

    /// Replaces the name where it is a whole word.
    fn replaced(&self, text: &str, by: &str) -> String {
        let Some(name) = &self.0 else {
            return text.to_owned();
        };
        let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_');
        let mut replaced = String::with_capacity(text.len());
        let mut copied = 0;
        for (at, _) in text.match_indices(name.as_str()) {
            let behind = at + name.len();
            let is_word = !text[..at].ends_with(is_part) && !text[behind..].starts_with(is_part);
            if is_word {
                replaced.push_str(&text[copied..at]);
                replaced.push_str(by);
                copied = behind;
            }
        }
        replaced.push_str(&text[copied..]);
        replaced
    }
}

/// A change with the slug of its step.
struct StepChange<'a> {
    step: &'static str,
    change: &'a Change,
}

impl OpenStep {
    fn of(report: &StepReport) -> Self {
        let info = report.info;
        Self {
            number: info.number,
            slug: info.slug,
            title: info.title,
            importance: info.importance,
            state: report.state.name(),
            summary: report.observed.summary.clone(),
            why: info.why,
        }
    }
}

impl NeededAnswer {
    fn of(key: Key, step: &'static str, answers: &Answers) -> Self {
        let default = answers.get(key);
        Self {
            key: key.name(),
            step,
            answer_type: key.answer_type(),
            choices: key.choices().iter().map(|choice| (*choice).to_owned()).collect(),
            required: default.is_none(),
            default_source: default.as_ref().map(|answer| answer.source.to_string()),
            default: default.map(|answer| answer.value),
            suggestion: None,
            flag: key.flag(),
            question: key.title().to_owned(),
            why: key.help().replace('`', ""),
        }
    }

    /// The answer that a question asks for.
    fn asked(open: &OpenQuestion, answers: &Answers) -> Self {
        let question = &open.question;
        let needed = Self::of(question.key, open.info.slug, answers);
        Self {
            choices: if question.choices.is_empty() {
                needed.choices
            } else {
                question.choices.iter().map(|choice| choice.value.clone()).collect()
            },
            question: question.prompt.clone(),
            suggestion: open.suggestion.clone(),
            ..needed
        }
    }
}

/// The defaults of the answers that planned changes use and that nobody has given.
fn defaults(open: &[&StepReport], needs: &[NeededAnswer], answers: &Answers) -> Vec<NeededAnswer> {
    let is_needed = |key: Key| needs.iter().any(|needed| needed.key == key.name());
    let is_used = |step: &str| {
        let mut reports = open.iter().filter(|report| report.info.slug == step);
        reports.any(|report| !report.plan.changes.is_empty())
    };
    let is_default = |key: Key| {
        let answer = answers.get(key);
        answer.is_some_and(|answer| !answer.source.is_explicit() && answer.source != Source::Account)
    };
    // Other answers, which are not known yet, determine these.
    let is_derived = |key: Key| {
        let others = [Key::Email, Key::GivenName, Key::FamilyName];
        matches!(key, Key::Username | Key::DisplayName) && others.into_iter().any(is_needed)
    };
    let keys = KEYS.into_iter().filter(|key| !is_needed(*key) && !is_derived(*key));
    keys.filter(|key| is_used(step_of_answer(*key)) && is_default(*key))
        .map(|key| NeededAnswer::of(key, step_of_answer(key), answers))
        .collect()
}

impl PlannedChange {
    fn of(planned: &StepChange<'_>, invented: &InventedName) -> Self {
        let change = planned.change;
        Self {
            step: planned.step,
            sentence: invented.without(&change.sentence),
            command: invented.with_placeholder(&change.command),
            reversible: change.consent.is_reversible(),
        }
    }
}

impl NeededConsent {
    /// The consents that a change needs and that were not given.
    fn of(planned: &StepChange<'_>, ahead: &Ahead, invented: &InventedName) -> Vec<Self> {
        let needed = ahead.missing_consents(planned.change).map(|consent| Self {
            flag: format!("--{}", consent.flag),
            step: planned.step,
            change: invented.without(&planned.change.sentence),
            stake: consent.stake.clone(),
            reversible: !consent.is_final,
        });
        needed.collect()
    }
}

impl PersonTask {
    fn of(open: &OpenTask<'_>, is_listed: &dyn Fn(&str) -> bool, invented: &InventedName) -> Self {
        let (task, report) = (open.task, open.report);
        // What somebody confirms is there only after the step's own changes and other tasks.
        let is_confirmed = |task: &HumanTask| matches!(task.kind, TaskKind::Confirmed(_));
        let has_more = !report.plan.changes.is_empty() || report.plan.tasks.iter().any(|other| !is_confirmed(other));
        let is_blocked = report.state == State::Blocked;
        let own = (is_blocked || (is_confirmed(task) && has_more)).then_some(report.info.slug);
        let before = report.waits_for.iter().copied().filter(|slug| is_listed(slug));
        let what = if open.is_included {
            let name = report.observed.evidence.user_name.as_deref().unwrap_or("the user");
            format!("Set a password for {name}, unless the user has one.")
        } else {
            invented.without(&task.sentence)
        };
        let details = task.details.iter().chain(&task.help);
        Self {
            step: report.info.slug,
            what,
            url: task.link.clone(),
            place: task.clicks().map(|place| invented.without(&place)),
            then: invented.without(&then(task)),
            confirm_flag: match task.kind {
                TaskKind::Confirmed(topic) => Some(format!("--confirm {topic}")),
                TaskKind::Seen | TaskKind::Checked | TaskKind::Own => None,
            },
            details: details.map(|detail| invented.without(detail)).collect(),
            waits_for: before.chain(own).collect(),
        }
    }
}

/// What the person does after the task, and how this program learns that it is done.
fn then(task: &HumanTask) -> String {
    let learned = match (&task.kind, task.proof) {
        (TaskKind::Seen, _) => "A run that waits sees it and continues.".to_owned(),
        (TaskKind::Own, _) => "A run that waits prints the link to open, and continues after the sign-in.".to_owned(),
        (TaskKind::Checked, _) => "The next run checks it.".to_owned(),
        (TaskKind::Confirmed(_), Some(_)) => "No API shows it; a later sign-in proves it.".to_owned(),
        (TaskKind::Confirmed(topic), None) => format!("No API shows it; confirm it with --confirm {topic}."),
    };
    match &task.afterward {
        Some(afterward) => format!("{afterward} {learned}"),
        None => learned,
    }
}

/// Prints what comes next. Without `-v`, it fits on a screen: lists are cut, and only the first task has its page.
pub fn print(screen: &Screen, body: &NextBody, ways_out: &NextSteps) {
    let Some(step) = &body.step else {
        if !screen.quiet {
            screen.result("Everything is set up.");
        }
        return;
    };
    screen.result(&format!("Next: {}", step.title));
    screen.result(&format!("  {}", step.summary));
    if matches!(body.state, NextState::Differs | NextState::Blocked | NextState::Unknown) {
        return screen.result_next(ways_out, 2);
    }
    print_answers(screen, body);
    print_changes(screen, body);
    if !body.consents.is_empty() {
        screen.result("You agree, with a flag for each:");
        for consent in &body.consents {
            screen.result(&format!("  {}  {}", consent.flag, consent.stake));
        }
    }
    print_tasks(screen, body);
    if !ways_out.is_empty() {
        screen.result("Something differs from what was requested:");
        screen.result_next(ways_out, 2);
    }
    if let Some(command) = &body.next_command {
        let required = body.needs.iter().filter(|needed| needed.required);
        let missing: Vec<String> = required.map(|needed| format!(" {} VALUE", needed.flag)).collect();
        screen.result("Continue with:");
        screen.unwrapped_result(&format!("  {command}{}", missing.concat()));
    }
}

fn print_answers(screen: &Screen, body: &NextBody) {
    if !body.needs.is_empty() {
        screen.result("You answer:");
        for needed in &body.needs {
            print_answer(screen, needed);
        }
    }
    if screen.verbose > 0 && !body.defaults.is_empty() {
        screen.result("You can answer:");
        for needed in &body.defaults {
            print_answer(screen, needed);
        }
    }
}

fn print_answer(screen: &Screen, needed: &NeededAnswer) {
    let default = match (&needed.default, &needed.default_source) {
        (Some(default), Some(source)) => format!(" [{default}, {source}]"),
        _ => String::new(),
    };
    screen.result(&format!("  {:26} {}{default}", needed.flag, needed.question));
}

fn print_changes(screen: &Screen, body: &NextBody) {
    if body.changes.is_empty() {
        return;
    }
    screen.result("idc-setup does:");
    let shown = if screen.verbose > 0 { usize::MAX } else { SHOWN_CHANGES };
    for change in body.changes.iter().take(shown) {
        screen.result(&format!("  + {}", change.sentence));
    }
    let more = body.changes.len().saturating_sub(shown);
    if more > 0 {
        screen.result(&format!("  … {more} more changes; -v lists them"));
    }
}

fn print_tasks(screen: &Screen, body: &NextBody) {
    let Some((first, others)) = body.tasks.split_first() else {
        return;
    };
    screen.result("You do:");
    print_task(screen, first);
    if screen.verbose > 0 {
        for task in others {
            print_task(screen, task);
        }
        return;
    }
    for task in others.iter().take(SHOWN_TASKS) {
        screen.result(&format!("  → {}", task.what));
    }
    let more = others.len().saturating_sub(SHOWN_TASKS);
    if more > 0 {
        screen.result(&format!("  … {more} more tasks; -v lists them"));
    }
}

fn print_task(screen: &Screen, task: &PersonTask) {
    screen.result(&format!("  → {}", task.what));
    if let Some(url) = &task.url {
        screen.unwrapped_result(&format!("      open:  {url}"));
    }
    if let Some(place) = &task.place {
        screen.result(&format!("      where: {place}"));
    }
    if screen.verbose > 0 {
        screen.result(&format!("      then:  {}", task.then));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_not_known_yet_is_not_shown() {
        let invented = InventedName(Some("Admin".to_owned()));
        for (text, expected) in [
            ("Create the user Admin (…, …) in it.", "Create the user in it."),
            ("Set a password for Admin.", "Set a password for the user."),
            (
                "Add the user Admin to the group Admins.",
                "Add the user to the group Admins.",
            ),
            ("Attach AdministratorAccess.", "Attach AdministratorAccess."),
        ] {
            assert_eq!(invented.without(text), expected);
        }
        let command = "aws identitystore create-user --user-name Admin";
        assert!(invented.with_placeholder(command).ends_with(" USERNAME"));
        assert_eq!(
            InventedName(None).without("Create the user Admin."),
            "Create the user Admin."
        );
    }
}
