//! The scenarios a rehearsal can start in. They hold AWS's side only: the home is empty.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use jiff::{Span, Timestamp};
use serde_json::json;

use super::cloud::Cloud;
use super::ids::Ids;
use super::large_org;
use super::model::{
    ADMINISTRATOR, Account, Assignment, Group, IdentityStore, Instance, Membership, NewUser, Organization,
    PermissionSet, Person, Plan, Role, SignIn, Stamp, Timing, User,
};
use super::trails::{Bucket, RootUser, Trail, default_selectors};

/// Names for `--cloud` with what each is, in the order of the help text.
pub const SCENARIOS: [(&str, &str); 14] = [
    (
        "fresh",
        "a standalone account, just opened, with its root user signed in",
    ),
    (
        "organization",
        "an organization with all features, no Identity Center yet",
    ),
    ("enabled", "Identity Center enabled, nothing in it"),
    (
        "half-done",
        "a user not activated, a group without members, a permission set not assigned",
    ),
    ("complete", "everything done on AWS's side"),
    ("free-plan", "like fresh, on the Free plan"),
    ("billing-only", "an organization with consolidated billing only"),
    (
        "account-instance",
        "an account instance where an organization instance is wanted",
    ),
    ("member", "a member account of an organization with Identity Center"),
    ("other-region", "Identity Center enabled in eu-west-1"),
    (
        "no-permission-sets",
        "Identity Center enabled, permission sets turned off",
    ),
    (
        "delegated-admin",
        "a member account that administers the organization's Identity Center",
    ),
    (
        "external-directory",
        "like complete, with users and groups from an identity provider",
    ),
    ("big", "5,000 accounts, 20,000 users, 500 permission sets"),
];

/// The user whom the wizard's example answers name.
pub fn example_user() -> NewUser {
    NewUser {
        name: "Admin".to_owned(),
        email: "admin@example.com".to_owned(),
        given_name: "Alex".to_owned(),
        family_name: "Rivera".to_owned(),
        display_name: "Alex Rivera".to_owned(),
    }
}

/// A cloud by name; `None` for an unknown one.
pub fn named(name: &str) -> Option<Cloud> {
    let mut cloud = fresh();
    let made = Timestamp::now()
        .saturating_sub(Span::new().hours(24))
        .unwrap_or(Timestamp::UNIX_EPOCH);
    match name {
        "fresh" => {}
        "free-plan" => cloud.plan = Some(Plan::Free),
        "organization" => add_organization(&mut cloud),
        "billing-only" => {
            add_organization(&mut cloud);
            if let Some(organization) = &mut cloud.organization {
                "CONSOLIDATED_BILLING".clone_into(&mut organization.feature_set);
            }
        }
        "account-instance" => add_instance(&mut cloud, made),
        "enabled" | "half-done" | "complete" | "other-region" | "no-permission-sets" | "member" | "delegated-admin"
        | "external-directory" | "big" => {
            add_organization(&mut cloud);
            add_instance(&mut cloud, made);
        }
        _ => return None,
    }
    match name {
        "other-region" => "eu-west-1".clone_into(&mut cloud.instances[0].region),
        "no-permission-sets" => cloud.instances[0].permission_sets_enabled = false,
        "member" => become_member(&mut cloud),
        "delegated-admin" => {
            become_member(&mut cloud);
            cloud.delegated_administrators.push(cloud.account.id.clone());
        }
        "external-directory" => {
            add_half(&mut cloud, made);
            complete(&mut cloud, made);
            for user in cloud.instances[0].store.users.values_mut() {
                let ids = json!([{"Issuer": "https://idp.example.com", "Id": user.name()}]);
                user.attributes.insert("ExternalIds".to_owned(), ids);
            }
        }
        "big" => large_org::grow(&mut cloud, made),
        "half-done" => add_half(&mut cloud, made),
        "complete" => {
            add_half(&mut cloud, made);
            complete(&mut cloud, made);
            add_trail(&mut cloud, made);
            cloud.root_user.mfa = true;
        }
        _ => {}
    }
    Some(cloud)
}

/// The organization and its instance belong to another account, seen from a member.
fn become_member(cloud: &mut Cloud) {
    let management = Account {
        id: "999999999999".to_owned(),
        name: "Management".to_owned(),
        email: "management@example.com".to_owned(),
    };
    management.id.clone_into(&mut cloud.instances[0].owner);
    if let Some(organization) = &mut cloud.organization {
        management.id.clone_into(&mut organization.management_account);
    }
    cloud.accounts.insert(0, management);
}

impl Default for Cloud {
    /// `fresh`: what a cloud file leaves out is as in it.
    fn default() -> Self {
        fresh()
    }
}

/// A cloud from a file as [`write_file`] makes it, or written by hand.
///
/// # Errors
/// In words, with the line.
pub fn read_file(path: &Path) -> Result<Cloud, String> {
    let name = path.display();
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("The cloud file {name} cannot be read: {error}."))?;
    toml::from_str(&text).map_err(|error| format!("The cloud file {name}: {error}"))
}

/// Writes a cloud to a file, for the owner alone: its sessions are simulated, and still look like secrets.
///
/// # Errors
/// In words.
pub fn write_file(path: &Path, cloud: &Cloud) -> Result<(), String> {
    let failed = |why: String| format!("The cloud file {} cannot be written: {why}.", path.display());
    let text = toml::to_string(cloud).map_err(|error| failed(error.to_string()))?;
    replace(path, &text).map_err(|error| failed(error.to_string()))
}

/// By way of a file beside it, which is the owner's alone: a rehearsal that is killed leaves the old cloud or the new.
/// What is no file (`/dev/stdout`) is written into, and a symlink stays one.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let path = &std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if path.exists() && !path.is_file() {
        return std::fs::write(path, text);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::Builder::new()
        .prefix(".cloud-")
        .tempfile_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

fn fresh() -> Cloud {
    Cloud {
        account: Account {
            id: "123456789012".to_owned(),
            name: "Example".to_owned(),
            email: "root@example.com".to_owned(),
        },
        region: "us-east-1".to_owned(),
        plan: Some(Plan::Paid),
        organization: None,
        accounts: Vec::new(),
        account_requests: Vec::new(),
        delegated_administrators: Vec::new(),
        instances: Vec::new(),
        permission_sets: Vec::new(),
        assignments: Vec::new(),
        application_assignments: Vec::new(),
        operations: Vec::new(),
        roles: Vec::new(),
        identities: BTreeMap::new(),
        clients: BTreeMap::new(),
        devices: BTreeMap::new(),
        codes: BTreeMap::new(),
        sessions: BTreeMap::new(),
        refresh_tokens: BTreeMap::new(),
        root_user: RootUser::default(),
        trails: Vec::new(),
        buckets: BTreeMap::new(),
        browser_sessions: BTreeMap::new(),
        written: BTreeMap::new(),
        polls: BTreeMap::new(),
        mails: Vec::new(),
        login_sessions: BTreeMap::new(),
        login_codes: BTreeMap::new(),
        person: Person::default(),
        timing: Timing::default(),
        ids: Ids::seeded(20),
        base_url: String::new(),
    }
}

fn add_organization(cloud: &mut Cloud) {
    cloud.plan = Some(Plan::Paid);
    cloud.organization = Some(Organization {
        id: "o-exampleorg1".to_owned(),
        management_account: cloud.account.id.clone(),
        feature_set: "ALL".to_owned(),
        created: None,
    });
    cloud.accounts = vec![cloud.account.clone()];
}

fn add_instance(cloud: &mut Cloud, made: Timestamp) {
    cloud.instances.push(Instance {
        arn: "arn:aws:sso:::instance/ssoins-7223a1b2c3d4e5f6".to_owned(),
        region: cloud.region.clone(),
        owner: cloud.account.id.clone(),
        created: made,
        active_at: made,
        permission_sets_enabled: true,
        email_otp: false,
        name: None,
        tags: BTreeMap::new(),
        store: IdentityStore {
            id: "d-9067aabbcc".to_owned(),
            ..IdentityStore::default()
        },
    });
}

const USER_ID: &str = "9067aabbcc-11111111-2222-4333-8444-555555555555";
const GROUP_ID: &str = "9067aabbcc-66666666-7777-4888-9999-aaaaaaaaaaaa";
const PERMISSION_SET: &str = "arn:aws:sso:::permissionSet/ssoins-7223a1b2c3d4e5f6/ps-0123456789abcdef";
fn add_half(cloud: &mut Cloud, made: Timestamp) {
    let example = example_user();
    let by = cloud.root().arn;
    let created = Stamp { at: made, by };
    let store = &mut cloud.instances[0].store;
    store.users.insert(
        USER_ID.to_owned(),
        User {
            attributes: example.attributes(),
            created: created.clone(),
            activated: false,
            sign_in: SignIn::default(),
        },
    );
    store.groups.insert(
        GROUP_ID.to_owned(),
        Group {
            display_name: "Admins".to_owned(),
            description: None,
            created,
        },
    );
    cloud.permission_sets.push(PermissionSet::administrator(
        PERMISSION_SET.to_owned(),
        "AdministratorAccess".to_owned(),
        made,
    ));
}

fn complete(cloud: &mut Cloud, made: Timestamp) {
    let account = cloud.account.id.clone();
    let by = cloud.root().arn;
    let store = &mut cloud.instances[0].store;
    if let Some(user) = store.users.get_mut(USER_ID) {
        user.activated = true;
    }
    store.memberships.insert(
        "9067aabbcc-bbbbbbbb-cccc-4ddd-8eee-ffffffffffff".to_owned(),
        Membership {
            group: GROUP_ID.to_owned(),
            user: USER_ID.to_owned(),
            created: Stamp { at: made, by },
        },
    );
    cloud.assignments.push(Assignment {
        account: account.clone(),
        permission_set: PERMISSION_SET.to_owned(),
        principal_type: "GROUP".to_owned(),
        principal: GROUP_ID.to_owned(),
    });
    cloud.roles.push(Role {
        account,
        permission_set: PERMISSION_SET.to_owned(),
        name: "AWSReservedSSO_AdministratorAccess_0123456789abcdef".to_owned(),
        managed_policies: vec![ADMINISTRATOR.to_owned()],
    });
}

/// A trail that is enough, with its bucket.
fn add_trail(cloud: &mut Cloud, made: Timestamp) {
    let (account, region, bucket) = (&cloud.account.id, &cloud.region, "example-trail-4f7a1c");
    let arn = format!("arn:aws:cloudtrail:{region}:{account}:trail/management-events");
    let statement = |action: &str, resource: String| {
        json!({"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": action,
            "Resource": resource, "Condition": {"StringEquals": {"aws:SourceArn": arn}}})
    };
    let policy = json!({"Version": "2012-10-17", "Statement": [
        statement("s3:GetBucketAcl", format!("arn:aws:s3:::{bucket}")),
        statement("s3:PutObject", format!("arn:aws:s3:::{bucket}/AWSLogs/{account}/*")),
    ]});
    let trail = Trail {
        name: "management-events".to_owned(),
        arn: arn.clone(),
        region: region.clone(),
        bucket: bucket.to_owned(),
        prefix: None,
        is_multi_region: true,
        includes_global_events: true,
        validates_files: true,
        logging_since: Some(made),
        event_selectors: default_selectors(),
    };
    let bucket = Bucket {
        owner: account.clone(),
        region: region.clone(),
        policy: Some(policy.to_string()),
        ..Bucket::default()
    };
    cloud.buckets.insert(trail.bucket.clone(), bucket);
    cloud.trails.push(trail);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_world_is_the_same_after_a_way_through_a_file() {
        let folder = tempfile::tempdir().unwrap();
        // `big` has nothing in it that the others have not, and takes seconds to write down.
        for (name, _) in SCENARIOS.into_iter().filter(|(name, _)| *name != "big") {
            let mut cloud = named(name).unwrap();
            cloud.ids.uuid();
            let path = folder.path().join(name);
            write_file(&path, &cloud).unwrap();
            let again = read_file(&path).unwrap();
            assert_eq!(
                serde_json::to_value(&cloud).unwrap(),
                serde_json::to_value(&again).unwrap(),
                "{name}"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_a_world_is_written_over_stays_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        std::fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write_file(&link, &fresh()).unwrap();
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(read_file(&file).unwrap().account.id, fresh().account.id);
        let device = folder.path().join("null");
        std::os::unix::fs::symlink("/dev/null", &device).unwrap();
        write_file(&device, &fresh()).unwrap();
        assert!(!std::fs::metadata("/dev/null").unwrap().is_file());
        assert!(
            write_file(folder.path(), &fresh())
                .unwrap_err()
                .contains("cannot be written")
        );
    }

    #[test]
    fn a_world_file_needs_to_say_only_what_is_not_fresh() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cloud.toml");
        std::fs::write(&path, "plan = \"Free\"\n").unwrap();
        assert_eq!(read_file(&path).unwrap().plan, Some(Plan::Free));
        std::fs::write(&path, "plan = 7\n").unwrap();
        assert!(read_file(&path).unwrap_err().contains("line 1"));
    }
}
