//! The rehearsed person: does what only a person can, a moment after it was asked.

use jiff::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::world::{Decision, SignIn, Stamp, User, World};

/// What somebody would type into the console's *Add user*.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewUser {
    /// User name.
    pub name: String,
    /// Address that gets the invitation.
    pub email: String,
    /// First name.
    pub given_name: String,
    /// Last name.
    pub family_name: String,
    /// Display name.
    pub display_name: String,
}

/// Who does what only a person can.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PersonKind {
    /// The rehearsal itself, a moment after somebody waits for it.
    #[default]
    Auto,
    /// Whoever sits before the rehearsal's pages.
    Pages,
    /// Nobody: human tasks stay undone.
    Never,
}

/// The one who clicks, types and signs in.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Person {
    /// Who does the human tasks.
    pub kind: PersonKind,
    /// What they were told to fill into *Add user*, if they were.
    pub adds: Option<NewUser>,
    /// Signs in as this user name; otherwise as the user created last.
    pub signs_in_as: Option<String>,
    /// When they will have clicked **Enable**, and in which Region.
    pub enables: Option<(Timestamp, String)>,
    /// Misses of `GetUserId` for the user to be added: somebody is waiting for it.
    pub awaited: Vec<Timestamp>,
}

/// Somebody polls for an instance: the person was sent to the Enable page of that Region.
pub fn instance_awaited(world: &mut World, region: &str, now: Timestamp) {
    let can_enable = world.is_management_account()
        && world
            .organization
            .as_ref()
            .is_some_and(|organization| organization.feature_set == "ALL")
        && world.instances.is_empty();
    if world.person.kind == PersonKind::Auto && can_enable && world.person.enables.is_none() {
        world.person.enables = Some((now + world.pace.person, region.to_owned()));
    }
}

/// Somebody looked for a user that is not there. Three times within five seconds is waiting.
pub fn user_awaited(world: &mut World, name: &str, now: Timestamp) {
    let person = &mut world.person;
    if person.kind == PersonKind::Auto && person.adds.as_ref().is_some_and(|user| user.name == name) {
        person.awaited.retain(|at| *at + Span::new().seconds(5) > now);
        person.awaited.push(now);
    }
}

/// A client asks whether its device authorization was approved: the person has the page before them.
pub fn approval_awaited(world: &mut World, device_code: &str, now: Timestamp) {
    let approves_at = now + world.pace.person;
    if world.person.kind == PersonKind::Auto
        && let Some(device) = world.devices.get_mut(device_code)
    {
        device.person_at.get_or_insert(approves_at);
    }
}

/// Does whatever is due.
pub fn act(world: &mut World, now: Timestamp) {
    if let Some((at, region)) = world.person.enables.clone()
        && at <= now
    {
        world.person.enables = None;
        world.enable(&region, now);
    }
    if world.person.awaited.len() >= 3
        && let Some(user) = world.person.adds.clone()
    {
        world.person.awaited.clear();
        add_user(world, &user, now);
    }
    let due: Vec<String> = world
        .devices
        .iter()
        .filter(|(_, device)| device.decision == Decision::Pending && device.person_at.is_some_and(|at| at <= now))
        .map(|(code, _)| code.clone())
        .collect();
    for code in due {
        approve(world, &code);
    }
}

/// The console's *Add user*: sends the invitation, which the person follows when they sign in.
fn add_user(world: &mut World, new: &NewUser, now: Timestamp) {
    let by = world.root().arn;
    let Some(store) = world.instances.first().map(|instance| instance.store.id.clone()) else {
        return;
    };
    let id = world.ids.principal(&store);
    let attributes = json!({
        "UserName": new.name,
        "Name": {"GivenName": new.given_name, "FamilyName": new.family_name},
        "DisplayName": new.display_name,
        "Emails": [{"Value": new.email, "Type": "work", "Primary": true}],
    });
    if let (Some(store), serde_json::Value::Object(attributes)) = (world.store_mut(&store), attributes) {
        store.users.insert(
            id,
            User {
                attributes,
                created: Stamp { at: now, by },
                activated: false,
                sign_in: SignIn::default(),
            },
        );
    }
}

/// Signs in, setting a password first if there is none; answers the user's id.
pub fn sign_in(world: &mut World, instance: &str) -> Option<String> {
    let wanted = world.person.signs_in_as.clone();
    let instance = world.instances.iter_mut().find(|candidate| candidate.arn == instance)?;
    let (id, user) = instance
        .store
        .users
        .iter_mut()
        .filter(|(_, user)| wanted.as_ref().is_none_or(|name| user.name() == name))
        .max_by_key(|(_, user)| user.created.at)?;
    user.activated = true;
    Some(id.clone())
}

/// Signs in and approves.
fn approve(world: &mut World, code: &str) {
    let Some(instance) = world.devices.get(code).map(|device| device.instance.clone()) else {
        return;
    };
    if let Some(user) = sign_in(world, &instance)
        && let Some(device) = world.devices.get_mut(code)
    {
        device.decision = Decision::Approved(user);
    }
}
