//! The scenarios that a simulation can start from: named ones, and TOML files. A scenario contains only the state of
//! AWS. The client's home folder starts empty.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use jiff::{Span, Timestamp};
use serde_json::json;

use super::cloud::Cloud;
use super::ids::Ids;
use super::large_org;
use super::model::{
    ADMINISTRATOR, Account, Assignment, Choices, DelegatedAdministrator, Group, Instance, Membership, NewUser,
    Organization, PermissionSet, Person, Plan, Role, SignIn, Stamp, Timing, User,
};
use super::team;
use super::trails::{Bucket, RootUser, Trail, default_selectors};

/// The names of the scenarios with a description of each, in the order of the help text.
pub const SCENARIOS: [(&str, &str); 15] = [
    ("fresh", "a new standalone account, with its root user signed in"),
    (
        "organization",
        "an organization with all features, without Identity Center",
    ),
    ("enabled", "Identity Center enabled, without users or permission sets"),
    (
        "half-done",
        "a user who is not activated, an empty group, an unassigned permission set",
    ),
    ("complete", "everything set up in AWS"),
    (
        "team",
        "13 accounts in organizational units, 6 users, 3 groups, 4 permission sets",
    ),
    ("free-plan", "like fresh, on the Free plan"),
    ("billing-only", "an organization with consolidated billing only"),
    ("account-instance", "a standalone account with an account instance"),
    ("member", "a member account of an organization with Identity Center"),
    ("other-region", "Identity Center enabled in eu-west-1"),
    (
        "no-permission-sets",
        "Identity Center enabled, permission sets disabled",
    ),
    (
        "delegated-admin",
        "a member account that administers the organization's Identity Center",
    ),
    (
        "external-directory",
        "like complete, with users and groups from an external identity provider",
    ),
    ("big", "5,000 accounts, 20,000 users, 500 permission sets"),
];

/// Returns the user that the scenarios `half-done` and `complete` contain. The example answers of `idc-setup` describe
/// the same user.
pub fn example_user() -> NewUser {
    NewUser {
        name: "Admin".to_owned(),
        email: "admin@example.com".to_owned(),
        given_name: "Alex".to_owned(),
        family_name: "Rivera".to_owned(),
        display_name: "Alex Rivera".to_owned(),
    }
}

/// Returns the scenario with this name, or `None` if there is none. [`SCENARIOS`] lists the names.
pub fn named(name: &str) -> Option<Cloud> {
    let mut cloud = fresh();
    let created_at = Timestamp::now()
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
        "account-instance" => add_instance(&mut cloud, created_at),
        "enabled" | "half-done" | "complete" | "other-region" | "no-permission-sets" | "member" | "delegated-admin"
        | "external-directory" | "team" | "big" => {
            add_organization(&mut cloud);
            add_instance(&mut cloud, created_at);
        }
        _ => return None,
    }
    match name {
        "other-region" => "eu-west-1".clone_into(&mut cloud.instances[0].region),
        "no-permission-sets" => cloud.instances[0].permission_sets_enabled = false,
        "member" => make_member(&mut cloud),
        "delegated-admin" => {
            make_member(&mut cloud);
            cloud.delegated_administrators.push(DelegatedAdministrator {
                account: cloud.account.id.clone(),
                service: "sso.amazonaws.com".to_owned(),
                since: created_at,
            });
        }
        "external-directory" => {
            add_unassigned_resources(&mut cloud, created_at);
            assign_resources(&mut cloud, created_at);
            for user in cloud.instances[0].store.users.values_mut() {
                let ids = json!([{"Issuer": "https://idp.example.com", "Id": user.name()}]);
                user.attributes.insert("ExternalIds".to_owned(), ids);
            }
        }
        "team" => {
            team::populate(&mut cloud, created_at);
            add_trail(&mut cloud, created_at);
            cloud.root_user.mfa = true;
        }
        "big" => large_org::populate(&mut cloud, created_at),
        "half-done" => add_unassigned_resources(&mut cloud, created_at),
        "complete" => {
            add_unassigned_resources(&mut cloud, created_at);
            assign_resources(&mut cloud, created_at);
            add_trail(&mut cloud, created_at);
            cloud.root_user.mfa = true;
        }
        _ => {}
    }
    Some(cloud)
}

/// Makes the account a member of its organization. The organization and its instance belong to another account then.
fn make_member(cloud: &mut Cloud) {
    let management = Account::new("999999999999", "Management", "management@example.com");
    management.id.clone_into(&mut cloud.instances[0].owner);
    if let Some(organization) = &mut cloud.organization {
        management.id.clone_into(&mut organization.management_account);
    }
    cloud.accounts.insert(0, management);
}

impl Default for Cloud {
    /// Returns the scenario `fresh`, which provides the values that a scenario file leaves out.
    fn default() -> Self {
        fresh()
    }
}

/// Reads a file as text. A device or a pipe, which might have no end, is refused.
pub(crate) fn read_regular(path: &Path) -> std::io::Result<String> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("it is not a regular file"));
    }
    std::fs::read_to_string(path)
}

/// Reads a scenario file, which is handwritten or comes from [`write_file`].
///
/// # Errors
/// A message for the user when the file cannot be read or is not a valid scenario file. The message names the line.
pub fn read_file(path: &Path) -> Result<Cloud, String> {
    let name = path.display();
    let text = read_regular(path).map_err(|error| format!("Cannot read the scenario file {name}: {error}."))?;
    toml::from_str(&text).map_err(|error| format!("Invalid scenario file {name}: {}.", toml_mistake(&text, &error)))
}

/// A mistake in a TOML file on one line: `line 3: unknown field`.
pub(crate) fn toml_mistake(text: &str, error: &toml::de::Error) -> String {
    let message = error.message().lines().next().unwrap_or_default();
    let message = message.trim_end_matches('.');
    match error.span() {
        Some(span) => {
            let before = text.get(..span.start).unwrap_or(text);
            format!("line {}: {message}", before.matches('\n').count() + 1)
        }
        None => message.to_owned(),
    }
}

/// Writes the state to a scenario file. Only the owner can read the file: its sessions are simulated, but they look
/// like secrets.
///
/// # Errors
/// A message for the user when the file cannot be written.
pub fn write_file(path: &Path, cloud: &Cloud) -> Result<(), String> {
    let failed = |error: String| format!("Cannot write the scenario file {}: {error}.", path.display());
    let text = toml::to_string(cloud).map_err(|error| failed(error.to_string()))?;
    replace_file(path, &text).map_err(|error| failed(error.to_string()))
}

/// Writes a temporary file that only the owner can read, and renames it to `path`. A process that is killed leaves
/// either the old file or the new one. A path that is not a regular file (`/dev/stdout`) is written directly, and a
/// symlink is followed.
fn replace_file(path: &Path, text: &str) -> std::io::Result<()> {
    let path = &std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if path.exists() && !path.is_file() {
        return std::fs::write(path, text);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::Builder::new()
        .prefix(".scenario-")
        .tempfile_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// Returns the scenario `fresh`.
fn fresh() -> Cloud {
    Cloud {
        account: Account::new("123456789012", "Example", "root@example.com"),
        choices: Choices::default(),
        accepts_any_key: false,
        has_quotas: false,
        region: "us-east-1".to_owned(),
        plan: Some(Plan::Paid),
        organization: None,
        accounts: Vec::new(),
        account_requests: Vec::new(),
        delegated_administrators: Vec::new(),
        instances: Vec::new(),
        permission_sets: Vec::new(),
        assignments: Vec::new(),
        applications: Vec::new(),
        trusted_token_issuers: Vec::new(),
        clusters: Vec::new(),
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

/// Adds an organization with all features, of which the account is the management account.
fn add_organization(cloud: &mut Cloud) {
    cloud.plan = Some(Plan::Paid);
    let management = cloud.account.id.clone();
    let organization = Organization::new("o-exampleorg1".to_owned(), management, "ALL".to_owned());
    cloud.organization = Some(organization);
    cloud.accounts = vec![cloud.account.clone()];
}

/// Adds an active instance of Identity Center.
fn add_instance(cloud: &mut Cloud, created_at: Timestamp) {
    cloud.instances.push(Instance::new(
        "arn:aws:sso:::instance/ssoins-7223a1b2c3d4e5f6".to_owned(),
        cloud.region.clone(),
        cloud.account.id.clone(),
        "d-9067aabbcc".to_owned(),
        created_at,
    ));
}

const USER_ID: &str = "9067aabbcc-11111111-2222-4333-8444-555555555555";
const GROUP_ID: &str = "9067aabbcc-66666666-7777-4888-9999-aaaaaaaaaaaa";
const PERMISSION_SET: &str = "arn:aws:sso:::permissionSet/ssoins-7223a1b2c3d4e5f6/ps-0123456789abcdef";

/// Adds a user who is not activated, an empty group and an unassigned permission set.
fn add_unassigned_resources(cloud: &mut Cloud, created_at: Timestamp) {
    let example = example_user();
    let by = cloud.root().arn;
    let created = Stamp { at: created_at, by };
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
            external_ids: Vec::new(),
        },
    );
    cloud.permission_sets.push(PermissionSet::administrator(
        PERMISSION_SET.to_owned(),
        "AdministratorAccess".to_owned(),
        created_at,
    ));
}

/// Activates the user, adds it to the group, and assigns the permission set to the group.
fn assign_resources(cloud: &mut Cloud, created_at: Timestamp) {
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
            created: Stamp { at: created_at, by },
        },
    );
    cloud.assignments.push(Assignment {
        account: account.clone(),
        permission_set: PERMISSION_SET.to_owned(),
        principal_type: "GROUP".to_owned(),
        principal: GROUP_ID.to_owned(),
    });
    let version = cloud.permission_sets.iter().find(|set| set.arn == PERMISSION_SET);
    let version = version.map(PermissionSet::version).unwrap_or_default();
    let id = cloud.ids.role_id();
    cloud.roles.push(Role {
        id,
        account,
        permission_set: PERMISSION_SET.to_owned(),
        name: "AWSReservedSSO_AdministratorAccess_0123456789abcdef".to_owned(),
        managed_policies: vec![ADMINISTRATOR.to_owned()],
        version,
    });
}

/// Adds a trail that meets the recommendations, and its bucket.
fn add_trail(cloud: &mut Cloud, created_at: Timestamp) {
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
        logging_since: Some(created_at),
        logging_stopped: None,
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
    fn scenarios_survive_a_round_trip_through_a_file() {
        let folder = tempfile::tempdir().unwrap();
        // `big` contains nothing that the others do not, and takes seconds to serialize.
        for (name, _) in SCENARIOS.into_iter().filter(|(name, _)| *name != "big") {
            let mut cloud = named(name).unwrap();
            cloud.ids.uuid();
            let path = folder.path().join(name);
            write_file(&path, &cloud).unwrap();
            let read_back = read_file(&path).unwrap();
            assert_eq!(
                serde_json::to_value(&cloud).unwrap(),
                serde_json::to_value(&read_back).unwrap(),
                "{name}"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn writing_a_scenario_file_keeps_symlinks_and_devices() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        std::fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write_file(&link, &fresh()).unwrap();
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(read_file(&file).unwrap().account.id, fresh().account.id);
        // A socket stands for a device, which a mistake here would replace on the whole machine.
        let device = folder.path().join("device");
        let _listener = std::os::unix::net::UnixListener::bind(&device).unwrap();
        let _ = write_file(&device, &fresh());
        assert!(!std::fs::metadata(&device).unwrap().is_file());
        assert!(
            write_file(folder.path(), &fresh())
                .unwrap_err()
                .contains("Cannot write")
        );
    }

    #[test]
    fn a_scenario_file_contains_only_what_differs_from_fresh() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scenario.toml");
        std::fs::write(&path, "plan = \"Free\"\n").unwrap();
        assert_eq!(read_file(&path).unwrap().plan, Some(Plan::Free));
        std::fs::write(&path, "plan = 7\n").unwrap();
        assert!(read_file(&path).unwrap_err().contains("line 1"));
    }

    #[test]
    fn an_unknown_key_in_a_scenario_file_is_named_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scenario.toml");
        for (text, line, key) in [
            ("regoin = \"eu-north-1\"\n", "line 1", "regoin"),
            ("[timing]\npols = 3\n", "line 2", "pols"),
            (
                "[identities.AKIAREHEARSALADA0001]\narn = \"arn:aws:iam::123456789012:user/ada\"\ndenies = []\n",
                "line 3",
                "denies",
            ),
        ] {
            std::fs::write(&path, text).unwrap();
            let why = read_file(&path).unwrap_err();
            assert!(why.contains(line) && why.contains(key), "{why}");
        }
    }
}
