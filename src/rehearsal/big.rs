//! The world `big`: an organization of the largest kind that people have.

use jiff::Timestamp;
use serde_json::json;

use super::world::{Account, SignIn, Stamp, User, World};
use super::worlds::{members, permission_set};

fn numbered_user(n: u32, created: &Stamp) -> User {
    let attributes = json!({
        "UserName": format!("user-{n}"),
        "Name": {"GivenName": "User", "FamilyName": format!("{n}")},
        "DisplayName": format!("User {n}"),
        "Emails": [{"Value": format!("user-{n}@example.com"), "Type": "work", "Primary": true}],
    });
    User {
        attributes: members(attributes),
        created: created.clone(),
        activated: true,
        sign_in: SignIn::default(),
    }
}

/// An organization of the largest kind that people have.
pub fn grow(world: &mut World, made: Timestamp) {
    let created = Stamp {
        at: made,
        by: world.root().arn,
    };
    for n in 1..5_000 {
        world.accounts.push(Account {
            id: format!("{:012}", 200_000_000_000_u64 + n),
            name: format!("Account {n}"),
            email: format!("account-{n}@example.com"),
        });
    }
    let store = &mut world.instances[0].store;
    let (store_id, created) = (store.id.as_str(), &created);
    // Half of them on each of two cores: a world this large should not be waited for.
    let halves = [(0..10_000, world.ids.fork()), (10_000..20_000, world.ids.fork())];
    let users = std::thread::scope(|scope| {
        halves
            .map(|(numbers, mut ids)| {
                scope.spawn(move || {
                    let users = numbers.map(|n| (ids.principal(store_id), numbered_user(n, created)));
                    users.collect::<Vec<_>>()
                })
            })
            .map(|half| half.join().unwrap_or_default())
    });
    store.users.extend(users.into_iter().flatten());
    for n in 0..500 {
        world.permission_sets.push(permission_set(
            format!("arn:aws:sso:::permissionSet/ssoins-7223a1b2c3d4e5f6/ps-{n:016x}"),
            format!("Set{n}"),
            made,
        ));
    }
}
