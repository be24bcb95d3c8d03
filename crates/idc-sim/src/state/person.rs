//! The simulated person, who does the tasks that need a person shortly after a client starts to wait for them.

use jiff::{Span, Timestamp};

use super::cloud::Cloud;
use super::model::{NewUser, PersonKind, SignIn, Stamp, User};
use super::sessions::Decision;

/// A client polls for an instance in this Region: schedules the click on **Enable** there.
pub fn schedule_enable(cloud: &mut Cloud, region: &str, now: Timestamp) {
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

/// A client looked up a user. If the person is going to add this user, remembers the lookup: three within five seconds
/// mean that the client is waiting.
pub fn record_user_lookup(cloud: &mut Cloud, name: &str, now: Timestamp) {
    let exists = cloud
        .instances
        .iter()
        .any(|instance| instance.store.users.values().any(|user| user.name() == name));
    let person = &mut cloud.person;
    if exists {
        person.awaited.clear();
    } else if person.kind == PersonKind::Auto && person.adds.as_ref().is_some_and(|user| user.name == name) {
        person.awaited.retain(|at| *at + Span::new().seconds(5) > now);
        person.awaited.push(now);
    }
}

/// A client polls for the approval of its device authorization: schedules the approval.
pub fn schedule_approval(cloud: &mut Cloud, device_code: &str, now: Timestamp) {
    let approves_at = now + cloud.timing.person;
    if cloud.person.kind == PersonKind::Auto
        && let Some(device) = cloud.devices.get_mut(device_code)
    {
        device.person_at.get_or_insert(approves_at);
    }
}

/// Performs the tasks that are due.
pub fn perform_due_tasks(cloud: &mut Cloud, now: Timestamp) {
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

/// Adds a user as the console's *Add user* does. The user is activated at the first sign-in.
fn add_user(cloud: &mut Cloud, new: &NewUser, now: Timestamp) {
    let by = cloud.root().arn;
    let Some(store) = cloud.instances.first().map(|instance| instance.store.id.clone()) else {
        return;
    };
    let id = cloud.ids.principal_id();
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

/// Signs in and returns the user's ID. Activates the user first if necessary.
pub fn sign_in(cloud: &mut Cloud, instance: &str) -> Option<String> {
    let user_name = cloud.person.signs_in_as.clone();
    let instance = cloud.instances.iter_mut().find(|candidate| candidate.arn == instance)?;
    let (id, user) = instance
        .store
        .users
        .iter_mut()
        .filter(|(_, user)| user_name.as_ref().is_none_or(|name| user.name() == name))
        .max_by_key(|(_, user)| user.created.at)?;
    user.activated = true;
    Some(id.clone())
}

/// Signs in and approves a device authorization.
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
