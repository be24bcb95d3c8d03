//! The index page, which lists the tasks of a person in order, and the mailbox.

use std::fmt::Write as _;

use super::common::{HOME, instance_path, person_note};
use super::html::{Look, Page, Place, escape, link, message_page};
use super::request::PageRequest;
use super::sign_in::{self, invited_user, signed_in_user};
use crate::protocol::wire::WireResponse;
use crate::state::{Cloud, Decision, Instance, Mail};

/// The number of users that the index page names.
const NAMED_USERS: usize = 5;

/// The state of a task.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Done,
    ToDo,
    /// Something else has to happen first.
    Later,
}

impl State {
    fn of(is_done: bool, is_possible: bool) -> Self {
        match (is_done, is_possible) {
            (true, _) => Self::Done,
            (false, true) => Self::ToDo,
            (false, false) => Self::Later,
        }
    }

    /// Returns the CSS class and the words.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Done => ("is-done", "Done"),
            Self::ToDo => ("is-to-do", "To do"),
            Self::Later => ("is-later", "Later"),
        }
    }
}

/// A task of a person.
struct Task {
    state: State,
    /// Whether the setup works without it.
    is_optional: bool,
    title: String,
    note: String,
    /// The page of the task, and what to do there.
    url: String,
    action: &'static str,
}

/// The index page: the tasks in the order in which the terminal asks for them, with their states.
pub fn index(cloud: &Cloud, request: &PageRequest) -> WireResponse {
    let tasks = tasks(cloud, request);
    let is_required = |state| tasks.iter().any(|task: &Task| task.state == state && !task.is_optional);
    let is_idle = is_required(State::Later) && !is_required(State::ToDo);
    let mut page = Page::new(Place::Rehearsal, "What there is to do");
    page = match person_note(cloud) {
        Some(note) => page.text(note),
        None => {
            page.text("You do what no API can do. Your terminal does the rest, and tells you when it is your turn.")
        }
    };
    if is_idle {
        page = page.html("<p class=\"idle\" role=\"status\">Nothing to do right now, return to your terminal.</p>");
    } else if tasks.iter().all(|task| task.state == State::Done) {
        page = page.done();
    }
    let mut list = String::from("<ol class=\"tasks\" role=\"list\">");
    // While the terminal is busy, an optional task is not what most users want.
    let mut look = if is_idle { Look::Quiet } else { Look::Primary };
    for (index, task) in tasks.iter().enumerate() {
        let (class, words) = task.state.names();
        let mark = match task.state {
            State::Done => "✓".to_owned(),
            _ => (index + 1).to_string(),
        };
        let _ = write!(
            list,
            "<li class=\"task {class}\"><span class=\"mark\" aria-hidden=\"true\">{mark}</span><div>\
             <h2>{} <span class=\"state\">{words}</span></h2><p>{}</p>",
            escape(&task.title),
            escape(&task.note)
        );
        if task.state == State::ToDo {
            let focus = page.focus_on(look == Look::Primary);
            let class = if look == Look::Primary { "primary" } else { "quiet" };
            let _ = write!(
                list,
                "<p class=\"actions\"><a class=\"button {class}\" href=\"{}\"{focus}>{}</a></p>",
                escape(&task.url),
                task.action
            );
            look = Look::Quiet;
        }
        list.push_str("</div></li>");
    }
    list.push_str("</ol>");
    let pages = [
        ("/", "Refresh this list"),
        ("/console/singlesignon/home", "IAM Identity Center"),
        ("/console/organizations/v2/home/settings", "AWS Organizations"),
        ("/console/iam/security_credentials", "The root user"),
        ("/portal/start", "The access portal"),
        ("/mail", "The mailbox"),
    ];
    let links: String = pages.iter().map(|(path, label)| link(path, label)).collect();
    page.html(&list)
        .html(&format!("<nav aria-label=\"All pages\">{links}</nav>"))
        .response()
}

/// Returns all tasks, in order.
fn tasks(cloud: &Cloud, request: &PageRequest) -> Vec<Task> {
    let mut tasks = Vec::new();
    tasks.extend(all_features(cloud));
    tasks.push(enable(cloud));
    let instance = cloud
        .instances
        .iter()
        .find(|instance| instance.active_at <= request.now);
    tasks.extend(add_user(cloud, instance));
    tasks.extend(activate(instance));
    let has_active_user = instance.is_some_and(|instance| instance.store.users.values().any(|user| user.activated));
    let visited = instance.is_some_and(|instance| signed_in_user(cloud, request, &instance.arn).is_some());
    tasks.push(Task {
        state: State::of(visited, has_active_user),
        is_optional: false,
        title: "Sign in to the access portal".to_owned(),
        note: "See the accounts that you can use.".to_owned(),
        url: "/portal/start".to_owned(),
        action: "Open the access portal",
    });
    tasks.push(approve(cloud, request));
    tasks.push(secure_root_user(cloud));
    tasks
}

/// The task for an organization that has only consolidated billing features, or had.
fn all_features(cloud: &Cloud) -> Option<Task> {
    let organization = cloud.organization.as_ref()?;
    (organization.feature_set != "ALL").then(|| Task {
        state: State::ToDo,
        is_optional: false,
        title: "Enable all features of the organization".to_owned(),
        note: "IAM Identity Center needs them. The organization has only consolidated billing features.".to_owned(),
        url: "/console/organizations/v2/home/settings".to_owned(),
        action: "Open AWS Organizations",
    })
}

fn enable(cloud: &Cloud) -> Task {
    let has_all_features = cloud
        .organization
        .as_ref()
        .is_some_and(|organization| organization.feature_set == "ALL");
    let is_possible = has_all_features && cloud.is_management_account();
    let note = match cloud.instances.first() {
        Some(instance) => format!("It is enabled in {}.", instance.region),
        None if is_possible => "Choose Enable, in the Region that your terminal shows.".to_owned(),
        None if cloud.organization.is_none() => "The organization comes first: your terminal creates it.".to_owned(),
        None => "This takes the management account of an organization with all features.".to_owned(),
    };
    Task {
        state: State::of(!cloud.instances.is_empty(), is_possible),
        is_optional: false,
        title: "Enable IAM Identity Center".to_owned(),
        note,
        url: HOME.to_owned(),
        action: "Open the console",
    }
}

/// The task to add a user in the console, if the rehearsal includes it.
fn add_user(cloud: &Cloud, instance: Option<&Instance>) -> Option<Task> {
    let new = cloud.person.adds.as_ref()?;
    let exists = instance.is_some_and(|instance| instance.store.users.values().any(|user| user.name() == new.name));
    let users = instance.map(|instance| format!("{}/users/add-user", instance_path(instance)));
    Some(Task {
        state: State::of(exists, users.is_some()),
        is_optional: false,
        title: format!("Add the user {}", new.name),
        note: format!("{} {}, {}", new.given_name, new.family_name, new.email),
        url: users.unwrap_or_default(),
        action: "Add the user",
    })
}

/// The tasks to activate users: one for each user who is not activated, or else one task.
fn activate(instance: Option<&Instance>) -> Vec<Task> {
    let task = |state, title: &str, note: &str, url: String, action| Task {
        state,
        is_optional: false,
        title: title.to_owned(),
        note: note.to_owned(),
        url,
        action,
    };
    let title = "Activate your user";
    let Some(instance) = instance.filter(|instance| !instance.store.users.is_empty()) else {
        let note = "Set a password, as soon as there is a user.";
        return vec![task(State::Later, title, note, String::new(), "")];
    };
    let path = instance_path(instance);
    let waiting = instance.store.users.iter().filter(|(_, user)| !user.activated);
    let tasks: Vec<Task> = waiting
        .take(NAMED_USERS)
        .map(|(id, user)| {
            let title = format!("Activate the user {}", user.name());
            if user.sign_in.invitation.is_some() {
                let note = "An email with a link to set a password is in the mailbox.";
                task(State::ToDo, &title, note, "/mail".to_owned(), "Open the mailbox")
            } else {
                let url = format!("{path}/users/user-details/{id}");
                let note = "Choose Reset password, and set a password with the link in the email.";
                task(State::ToDo, &title, note, url, "Open the user")
            }
        })
        .collect();
    if tasks.is_empty() {
        let note = "Each user has a password.";
        return vec![task(State::Done, title, note, String::new(), "")];
    }
    tasks
}

/// The task to approve a sign-in. Only a device authorization that a program polls is waiting for a person.
fn approve(cloud: &Cloud, request: &PageRequest) -> Task {
    let waiting = cloud
        .devices
        .values()
        .find(|device| device.decision == Decision::Pending && device.polled.is_some() && device.expires > request.now);
    let is_signed_in = cloud.sessions.values().any(|session| session.expires > request.now);
    let note = match waiting {
        Some(device) => format!("Your terminal shows the code {}.", device.user_code),
        None if is_signed_in => "A program has signed in.".to_owned(),
        None => "Your terminal opens the page, or shows its address, when it signs in.".to_owned(),
    };
    Task {
        state: State::of(waiting.is_none() && is_signed_in, waiting.is_some()),
        is_optional: false,
        title: "Approve the sign-in".to_owned(),
        note,
        url: waiting
            .map(|device| sign_in::device_path(&device.user_code))
            .unwrap_or_default(),
        action: "Compare the code",
    }
}

fn secure_root_user(cloud: &Cloud) -> Task {
    let root = cloud.root_user;
    let note = match (root.access_keys, root.mfa) {
        (true, false) => "Recommended: delete its access key, and assign an MFA device.",
        (true, true) => "Recommended: delete its access key.",
        (false, false) => "Recommended: assign an MFA device.",
        (false, true) => "It has an MFA device and no access keys.",
    };
    Task {
        state: State::of(!root.access_keys && root.mfa, true),
        is_optional: true,
        title: "Secure the root user".to_owned(),
        note: note.to_owned(),
        url: "/console/iam/security_credentials".to_owned(),
        action: "Open security credentials",
    }
}

/// The mailbox, with the newest email first.
pub fn mailbox(cloud: &Cloud, request: &PageRequest) -> WireResponse {
    if cloud.mails.is_empty() {
        return message_page(200, Place::Mailbox, "Emails", "There are no emails.");
    }
    let mut page = Page::new(Place::Mailbox, "Emails");
    let mut look = Look::Primary;
    let mut mails = String::new();
    for (index, mail) in cloud.mails.iter().enumerate().rev() {
        let id = format!("mail-{index}");
        let _ = write!(
            mails,
            "<article class=\"mail\"><h2 id=\"{id}\">{}</h2><p class=\"from\">From {} to {}</p><p>{}</p>",
            escape(&mail.subject),
            escape(&mail.from),
            escape(&mail.to),
            escape(&mail.text)
        );
        match &mail.link {
            Some(url) if is_valid(cloud, mail, request) => {
                let focus = page.focus_on(look == Look::Primary);
                let class = if look == Look::Primary { "primary" } else { "quiet" };
                look = Look::Quiet;
                let _ = write!(
                    mails,
                    "<p class=\"actions\"><a class=\"button {class}\" aria-describedby=\"{id}\" \
                     href=\"{}\"{focus}>Follow the link</a></p>",
                    escape(url)
                );
            }
            Some(_) => mails.push_str("<p class=\"from\">The link in this email is no longer valid.</p>"),
            None => {}
        }
        mails.push_str("</article>");
    }
    page.html(&mails).response()
}

/// Returns whether the link in an email still lets a user set a password.
fn is_valid(cloud: &Cloud, mail: &Mail, request: &PageRequest) -> bool {
    let token = mail.link.as_ref().and_then(|link| link.split("token=").nth(1));
    token.is_some_and(|token| invited_user(cloud, token, request.now).is_some())
}
