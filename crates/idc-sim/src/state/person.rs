//! The rehearsed person: does what only a person can, a moment after it was asked.

use jiff::{Span, Timestamp};

use super::cloud::Cloud;
use super::model::{NewUser, PersonKind, SignIn, Stamp, User};
use super::sessions::Decision;

/// Somebody polls for an instance: the person was sent to the Enable page of that Region.
pub fn instance_awaited(cloud: &mut Cloud, region: &str, now: Timestamp) {
    let can_enable = cloud.is_management_account()
        && cloud
            .organization
            .as_ref()
            .is_some_and(|organization| organization.feature_set == "ALL")
        && cloud.instances.is_empty();
    if cloud.person.kind == PersonKind::Auto && can_enable && cloud.person.enables.is_none() {
        cloud.person.enables = Some((now + cloud.timing.person, region.to_owned()));
    }
}

/// Somebody looked for a user that is not there. Three times within five seconds is waiting.
pub fn user_awaited(cloud: &mut Cloud, name: &str, now: Timestamp) {
    let person = &mut cloud.person;
    if person.kind == PersonKind::Auto && person.adds.as_ref().is_some_and(|user| user.name == name) {
        person.awaited.retain(|at| *at + Span::new().seconds(5) > now);
        person.awaited.push(now);
    }
}

/// A client asks whether its device authorization was approved: the person has the page before them.
pub fn approval_awaited(cloud: &mut Cloud, device_code: &str, now: Timestamp) {
    let approves_at = now + cloud.timing.person;
    if cloud.person.kind == PersonKind::Auto
        && let Some(device) = cloud.devices.get_mut(device_code)
    {
        device.person_at.get_or_insert(approves_at);
    }
}

/// Does whatever is due.
pub fn act(cloud: &mut Cloud, now: Timestamp) {
    if let Some((at, region)) = cloud.person.enables.clone()
        && at <= now
    {
        cloud.person.enables = None;
        cloud.enable(&region, now);
    }
    if cloud.person.awaited.len() >= 3
        && let Some(user) = cloud.person.adds.clone()
    {
        cloud.person.awaited.clear();
        add_user(cloud, &user, now);
    }
    let due: Vec<String> = cloud
        .devices
        .iter()
        .filter(|(_, device)| device.decision == Decision::Pending && device.person_at.is_some_and(|at| at <= now))
        .map(|(code, _)| code.clone())
        .collect();
    for code in due {
        approve(cloud, &code);
    }
}

/// The console's *Add user*: sends the invitation, which the person follows when they sign in.
fn add_user(cloud: &mut Cloud, new: &NewUser, now: Timestamp) {
    let by = cloud.root().arn;
    let Some(store) = cloud.instances.first().map(|instance| instance.store.id.clone()) else {
        return;
    };
    let id = cloud.ids.principal(&store);
    if let Some(store) = cloud.store_mut(&store) {
        store.users.insert(
            id,
            User {
                attributes: new.attributes(),
                created: Stamp { at: now, by },
                activated: false,
                sign_in: SignIn::default(),
            },
        );
    }
}

/// Signs in, setting a password first if there is none; answers the user's id.
pub fn sign_in(cloud: &mut Cloud, instance: &str) -> Option<String> {
    let wanted = cloud.person.signs_in_as.clone();
    let instance = cloud.instances.iter_mut().find(|candidate| candidate.arn == instance)?;
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
fn approve(cloud: &mut Cloud, code: &str) {
    let Some(instance) = cloud.devices.get(code).map(|device| device.instance.clone()) else {
        return;
    };
    if let Some(user) = sign_in(cloud, &instance)
        && let Some(device) = cloud.devices.get_mut(code)
    {
        device.decision = Decision::Approved(user);
    }
}
