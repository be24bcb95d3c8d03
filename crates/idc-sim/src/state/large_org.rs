//! The scenario `big`: an organization as large as the largest real ones.

use jiff::Timestamp;

use super::cloud::Cloud;
use super::model::{Account, NewUser, PermissionSet, SignIn, Stamp, User};

fn numbered_user(n: u32, created: &Stamp) -> User {
    let user = NewUser {
        name: format!("user-{n}"),
        email: format!("user-{n}@example.com"),
        given_name: "User".to_owned(),
        family_name: format!("{n}"),
        display_name: format!("User {n}"),
    };
    User {
        attributes: user.attributes(),
        created: created.clone(),
        activated: true,
        sign_in: SignIn::default(),
    }
}

/// Adds 4,999 accounts, 20,000 users and 500 permission sets.
pub fn populate(cloud: &mut Cloud, created_at: Timestamp) {
    let created = Stamp {
        at: created_at,
        by: cloud.root().arn,
    };
    for n in 1..5_000 {
        let id = format!("{:012}", 200_000_000_000_u64 + n);
        let email = format!("account-{n}@example.com");
        cloud.accounts.push(Account::new(id, format!("Account {n}"), email));
    }
    let store = &mut cloud.instances[0].store;
    let created = &created;
    // Two threads create half of the users each, so that the scenario starts quickly.
    let halves = [(0..10_000, cloud.ids.fork()), (10_000..20_000, cloud.ids.fork())];
    let users = std::thread::scope(|scope| {
        halves
            .map(|(numbers, mut ids)| {
                scope.spawn(move || {
                    let users = numbers.map(|n| (ids.principal_id(), numbered_user(n, created)));
                    users.collect::<Vec<_>>()
                })
            })
            .map(|half| half.join().unwrap_or_default())
    });
    store.users.extend(users.into_iter().flatten());
    for n in 0..500 {
        cloud.permission_sets.push(PermissionSet::administrator(
            format!("arn:aws:sso:::permissionSet/ssoins-7223a1b2c3d4e5f6/ps-{n:016x}"),
            format!("Set{n}"),
            created_at,
        ));
    }
}
