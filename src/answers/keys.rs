//! The keys of the answers: their names, rules and texts.

use std::str::FromStr;

use schemars::JsonSchema;
use serde::Serialize;

use super::values::{
    AssignTo, ConfigName, CreateUserWith, Email, GroupName, IdentitySource, Invalid, OutputFormat, PermissionSetName,
    PersonName, Policy, Region, SessionDuration, StartUrl, Switch, UserName,
};
use crate::aws::portal_address;
use crate::ids::AccountId;

/// The key of an answer.
#[derive(clap::ValueEnum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// The Region in which Identity Center is, or will be, enabled.
    IdentityCenterRegion,
    /// Where users and groups come from.
    IdentitySource,
    /// How the user is created.
    CreateUserWith,
    /// The user name.
    Username,
    /// The user's email address.
    Email,
    /// The user's first name.
    GivenName,
    /// The user's last name.
    FamilyName,
    /// The user's display name.
    DisplayName,
    /// The group's name.
    Group,
    /// Use no group.
    NoGroup,
    /// The AWS managed policy.
    Policy,
    /// The permission set's name.
    PermissionSet,
    /// The session duration of the permission set.
    SessionDuration,
    /// Whether the access is assigned to the group or to the user.
    AssignTo,
    /// The account that the access is for.
    Account,
    /// The URL of the access portal.
    StartUrl,
    /// The SSO session in `~/.aws/config`.
    SsoSession,
    /// The profile in `~/.aws/config`.
    CliProfile,
    /// The profile's Region.
    CliRegion,
    /// The profile's output format.
    CliOutput,
}

/// The type of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnswerType {
    /// A text; the rules of the key say which characters it can have.
    Text,
    /// An email address.
    Email,
    /// The code of a Region, such as `eu-west-1`.
    Region,
    /// The ID of an account: twelve digits.
    AccountId,
    /// A duration, such as `8h` or `1h30m`.
    Duration,
    /// A URL that begins with `https://`.
    Url,
    /// `true` or `false`.
    Boolean,
    /// One of several values.
    Choice,
}

/// All answers, in the order of the checklist.
pub const KEYS: [Key; 20] = [
    Key::IdentityCenterRegion,
    Key::IdentitySource,
    Key::CreateUserWith,
    Key::Username,
    Key::Email,
    Key::GivenName,
    Key::FamilyName,
    Key::DisplayName,
    Key::Group,
    Key::NoGroup,
    Key::Policy,
    Key::PermissionSet,
    Key::SessionDuration,
    Key::AssignTo,
    Key::Account,
    Key::StartUrl,
    Key::SsoSession,
    Key::CliProfile,
    Key::CliRegion,
    Key::CliOutput,
];

impl Key {
    /// The name in flags, the answers file and the state file: `given-name`.
    pub fn name(self) -> &'static str {
        match self {
            Self::IdentityCenterRegion => "identity-center-region",
            Self::IdentitySource => "identity-source",
            Self::CreateUserWith => "create-user-with",
            Self::Username => "username",
            Self::Email => "email",
            Self::GivenName => "given-name",
            Self::FamilyName => "family-name",
            Self::DisplayName => "display-name",
            Self::Group => "group",
            Self::NoGroup => "no-group",
            Self::Policy => "policy",
            Self::PermissionSet => "permission-set",
            Self::SessionDuration => "session-duration",
            Self::AssignTo => "assign-to",
            Self::Account => "account",
            Self::StartUrl => "start-url",
            Self::SsoSession => "sso-session",
            Self::CliProfile => "cli-profile",
            Self::CliRegion => "cli-region",
            Self::CliOutput => "cli-output",
        }
    }

    /// The key with this [`name`](Self::name).
    pub fn named(name: &str) -> Option<Self> {
        KEYS.into_iter().find(|key| key.name() == name)
    }

    /// The key whose name is most similar to a misspelled one, if one is similar.
    pub fn similar_to(name: &str) -> Option<Self> {
        let distance = |key: &Self| strsim::damerau_levenshtein(name, key.name());
        KEYS.into_iter().min_by_key(distance).filter(|key| distance(key) <= 2)
    }

    /// The type of the answer.
    pub fn answer_type(self) -> AnswerType {
        match self {
            Self::IdentityCenterRegion | Self::CliRegion => AnswerType::Region,
            Self::IdentitySource | Self::CreateUserWith | Self::AssignTo | Self::CliOutput => AnswerType::Choice,
            Self::Email => AnswerType::Email,
            Self::NoGroup => AnswerType::Boolean,
            Self::SessionDuration => AnswerType::Duration,
            Self::Account => AnswerType::AccountId,
            Self::StartUrl => AnswerType::Url,
            Self::Username
            | Self::GivenName
            | Self::FamilyName
            | Self::DisplayName
            | Self::Group
            | Self::Policy
            | Self::PermissionSet
            | Self::SsoSession
            | Self::CliProfile => AnswerType::Text,
        }
    }

    /// `--given-name`.
    pub fn flag(self) -> String {
        format!("--{}", self.name())
    }

    /// `IDC_SETUP_GIVEN_NAME`.
    pub fn variable(self) -> String {
        format!("IDC_SETUP_{}", self.name().replace('-', "_").to_ascii_uppercase())
    }

    /// The name in JSON: `given_name`.
    pub fn field(self) -> String {
        self.name().replace('-', "_")
    }

    /// The key with this [`field`](Self::field).
    pub fn of_field(field: &str) -> Option<Self> {
        KEYS.into_iter().find(|key| key.field() == field)
    }

    /// The name on screens, which is also the text of the question.
    pub fn title(self) -> &'static str {
        match self {
            Self::IdentityCenterRegion => "Identity Center Region",
            Self::IdentitySource => "Identity source",
            Self::CreateUserWith => "Create user with",
            Self::Username => "User name",
            Self::Email => "Email",
            Self::GivenName => "First name",
            Self::FamilyName => "Last name",
            Self::DisplayName => "Display name",
            Self::Group => "Group",
            Self::NoGroup => "No group",
            Self::Policy => "Policy",
            Self::PermissionSet => "Permission set",
            Self::SessionDuration => "Session duration",
            Self::AssignTo => "Assign to",
            Self::Account => "Account",
            Self::StartUrl => "Access portal",
            Self::SsoSession => "SSO session",
            Self::CliProfile => "CLI profile",
            Self::CliRegion => "CLI Region",
            Self::CliOutput => "CLI output",
        }
    }

    /// The allowed values; empty if the answer is a text.
    pub fn choices(self) -> &'static [&'static str] {
        match self {
            Self::IdentitySource => IdentitySource::WORDS,
            Self::CreateUserWith => CreateUserWith::WORDS,
            Self::AssignTo => AssignTo::WORDS,
            Self::CliOutput => &["json", "yaml", "yaml-stream", "text", "table"],
            _ => &[],
        }
    }

    /// What one of the allowed values means, in a few words; empty if the value says it.
    pub fn meaning(self, value: &str) -> &'static str {
        match (self, value) {
            (Self::IdentitySource, "directory") => "users are in Identity Center's own directory",
            (Self::IdentitySource, "external") => "users come from your identity provider",
            (Self::CreateUserWith, "api") => "idc-setup creates the user, and you set the password",
            (Self::CreateUserWith, "console") => "you add the user in the console, which sends an invitation",
            (Self::AssignTo, "group") => "everybody in the group gets the access",
            (Self::AssignTo, "user") => "only this user gets the access",
            _ => "",
        }
    }

    /// The default in words, for the help text.
    pub fn default_text(self) -> Option<&'static str> {
        Some(match self {
            Self::IdentityCenterRegion => {
                "--region, AWS_REGION, or the Region of the profile or last run; otherwise asked"
            }
            Self::IdentitySource => "directory",
            Self::CreateUserWith => "api",
            Self::Username => "the first name, or the email address before the @, in lower case",
            Self::Group => "Admins",
            Self::Policy => "AdministratorAccess",
            Self::SessionDuration => "1h",
            Self::AssignTo => "group; user with --no-group",
            Self::StartUrl => "derived",
            Self::SsoSession => "my-sso",
            Self::CliProfile => "admin",
            Self::CliOutput => "json",
            Self::Email | Self::GivenName | Self::FamilyName => "asked",
            Self::DisplayName | Self::NoGroup | Self::PermissionSet | Self::Account | Self::CliRegion => return None,
        })
    }

    /// One sentence for `?` and the help text.
    pub fn help(self) -> &'static str {
        match self {
            Self::IdentityCenterRegion => {
                "The Region in which IAM Identity Center is enabled. Choose the one nearest to the people who sign in; \
                 workloads can run in any Region. In practice it is permanent: to change it, you delete the instance \
                 and start over, and the URL of the access portal changes."
            }
            Self::IdentitySource => {
                "`directory` is the Identity Center directory. With `external` (Okta, Entra ID, …), users and groups \
                 are looked up, never created."
            }
            Self::CreateUserWith => {
                "With `api`, idc-setup creates the user, and you activate the user in the console. With `console`, you \
                 add the user in the console, which sends the invitation email."
            }
            Self::Username => "The name you sign in with: 1 to 128 characters without whitespace.",
            Self::Email => "The address for activation and password emails. It must be unique in the directory.",
            Self::GivenName => "The user's first name.",
            Self::FamilyName => "The user's last name.",
            Self::DisplayName => "The name in the console and the access portal. Default: first and last name.",
            Self::Group => "The name of the group that gets the access, so that you can give it to other users later.",
            Self::NoGroup => "Assign the access to the user directly, without a group.",
            Self::Policy => "The AWS managed policy of the permission set: NAME, PATH/NAME or an ARN.",
            Self::PermissionSet => {
                "The name of the permission set: 1 to 32 characters. Default: the name of the policy."
            }
            Self::SessionDuration => {
                "How long one sign-in to the account lasts: 1h to 12h. Use 8h for long Terraform runs."
            }
            Self::AssignTo => "Who gets access to the account: the group or the user.",
            Self::Account => "The AWS account to assign. Default: the account of your credentials.",
            Self::StartUrl => {
                "The URL of the access portal from Identity Center → Settings, if it has a custom subdomain. \
                 Otherwise it is derived."
            }
            Self::SsoSession => "The [sso-session] in ~/.aws/config that profiles share.",
            Self::CliProfile => "The [profile] in ~/.aws/config: `aws … --profile NAME`.",
            Self::CliRegion => "The Region of the profile. Default: the Region of Identity Center.",
            Self::CliOutput => "The AWS CLI's output format: json, yaml, yaml-stream, text or table.",
        }
    }

    /// Checks a text against the rules of the key and returns its canonical form.
    ///
    /// # Errors
    /// If the text violates a rule.
    pub fn check(self, text: &str) -> Result<String, Invalid> {
        fn via<T: FromStr<Err = Invalid> + ToString>(text: &str) -> Result<String, Invalid> {
            text.parse::<T>().map(|value| value.to_string())
        }
        match self {
            Self::IdentityCenterRegion | Self::CliRegion => via::<Region>(text),
            Self::IdentitySource => via::<IdentitySource>(text),
            Self::CreateUserWith => via::<CreateUserWith>(text),
            Self::Username => via::<UserName>(text),
            Self::Email => via::<Email>(text),
            Self::GivenName | Self::FamilyName | Self::DisplayName => via::<PersonName>(text),
            Self::Group => via::<GroupName>(text),
            Self::NoGroup => via::<Switch>(text),
            Self::Policy => via::<Policy>(text),
            Self::PermissionSet => via::<PermissionSetName>(text),
            Self::SessionDuration => via::<SessionDuration>(text),
            Self::AssignTo => via::<AssignTo>(text),
            Self::Account => {
                // The console shows and copies `1234-5678-9012`.
                let groups: Vec<&str> = text.trim().split(['-', ' ']).collect();
                let is_grouped = groups.len() == 3 && groups.iter().all(|group| group.len() == 4);
                let digits = if is_grouped {
                    groups.concat()
                } else {
                    text.trim().to_owned()
                };
                let account = digits.parse::<AccountId>();
                account.map(String::from).map_err(|error| Invalid(error.to_string()))
            }
            Self::StartUrl => via::<StartUrl>(&portal_address::recognized(text)),
            Self::SsoSession | Self::CliProfile => via::<ConfigName>(text),
            Self::CliOutput => via::<OutputFormat>(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_flag() {
        assert_eq!(KEYS, <Key as clap::ValueEnum>::value_variants());
    }

    #[test]
    fn names_map_back_to_their_keys() {
        for key in KEYS {
            assert_eq!(Key::of_field(&key.field()), Some(key));
            assert_eq!(Key::named(key.name()), Some(key));
            assert_eq!(key.answer_type() == AnswerType::Choice, !key.choices().is_empty());
        }
        assert_eq!(Key::GivenName.variable(), "IDC_SETUP_GIVEN_NAME");
        assert_eq!(Key::similar_to("given_name"), Some(Key::GivenName));
        assert_eq!(Key::similar_to("emial"), Some(Key::Email));
        assert_eq!(Key::similar_to("nonsense"), None);
    }

    #[test]
    fn values_have_one_canonical_form() {
        assert_eq!(Key::SessionDuration.check("PT8H").unwrap(), "8h");
        assert_eq!(Key::SessionDuration.check("90m").unwrap(), "1h30m");
        assert!(
            Key::SessionDuration
                .check("13h")
                .unwrap_err()
                .0
                .contains("between 1 and 12 hours")
        );
        assert!(Key::PermissionSet.check(&"a".repeat(33)).is_err());
        assert!(
            Key::Username
                .check("Ada Lovelace")
                .unwrap_err()
                .0
                .contains("whitespace")
        );
        assert!(Key::Username.check("Administrator").is_err());
        assert!(Key::Policy.check("arn:aws:iam::123456789012:policy/Mine").is_err());
        assert!(Key::Policy.check("job-function/Billing").is_ok());
    }
}
