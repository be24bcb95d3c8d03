//! The answers there are: their names, their rules, and how they are asked for.

use std::str::FromStr;

use super::values::{
    AccountId, AssignTo, ConfigName, CreateUserWith, Email, GroupName, IdentitySource, Invalid, OutputFormat,
    PermissionSetName, PersonName, Policy, Region, SessionDuration, StartUrl, Switch, UserName,
};

/// One answer's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// Where Identity Center is, or will be, enabled.
    IdentityCenterRegion,
    /// Where users come from.
    IdentitySource,
    /// How the user is made.
    CreateUserWith,
    /// The user's name.
    Username,
    /// The user's address.
    Email,
    /// First name.
    GivenName,
    /// Last name.
    FamilyName,
    /// Display name.
    DisplayName,
    /// The group's name.
    Group,
    /// No group is wanted.
    NoGroup,
    /// The AWS managed policy.
    Policy,
    /// The permission set's name.
    PermissionSet,
    /// How long a session lasts.
    SessionDuration,
    /// Group or user.
    AssignTo,
    /// The account that is assigned.
    Account,
    /// The access portal's address.
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

    /// What it is called on screens.
    pub fn title(self) -> &'static str {
        match self {
            Self::IdentityCenterRegion => "Identity Center Region",
            Self::IdentitySource => "Identity source",
            Self::CreateUserWith => "User made with",
            Self::Username => "User name",
            Self::Email => "E-mail",
            Self::GivenName => "First name",
            Self::FamilyName => "Last name",
            Self::DisplayName => "Display name",
            Self::Group => "Group",
            Self::NoGroup => "Without a group",
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

    /// The words there are to choose from; none where any text may do.
    pub fn choices(self) -> &'static [&'static str] {
        match self {
            Self::IdentitySource => IdentitySource::WORDS,
            Self::CreateUserWith => CreateUserWith::WORDS,
            Self::AssignTo => AssignTo::WORDS,
            Self::CliOutput => &["json", "yaml", "yaml-stream", "text", "table"],
            _ => &[],
        }
    }

    /// What counts when nobody says anything, in words for the help text.
    pub fn default_words(self) -> Option<&'static str> {
        Some(match self {
            Self::IdentityCenterRegion => "--region, or AWS_REGION, the profile's, the last run's; else asked",
            Self::IdentitySource => "directory",
            Self::CreateUserWith => "api",
            Self::Username => "Admin",
            Self::Group => "Admins",
            Self::Policy => "AdministratorAccess",
            Self::SessionDuration => "1h",
            Self::AssignTo => "group; user with --no-group",
            Self::StartUrl => "derived",
            Self::SsoSession => "my-sso",
            Self::CliProfile => "eks-walkthrough",
            Self::CliOutput => "json",
            Self::Email | Self::GivenName | Self::FamilyName => "asked",
            Self::DisplayName | Self::NoGroup | Self::PermissionSet | Self::Account | Self::CliRegion => return None,
        })
    }

    /// One sentence for `?` and the help text.
    pub fn help(self) -> &'static str {
        match self {
            Self::IdentityCenterRegion => {
                "The Region IAM Identity Center is enabled in. It is permanent in practice: moving means deleting the \
                 instance and redoing everything, and the portal's address changes."
            }
            Self::IdentitySource => {
                "`directory` is Identity Center's own; with `external` (Okta, Entra ID, …) users and groups are looked \
                 up, never made."
            }
            Self::CreateUserWith => {
                "`api` makes the user here, and one console visit activates it; `console` has you add the user there, \
                 which mails the invitation."
            }
            Self::Username => "The name you sign in with: 1 to 128 characters without white space.",
            Self::Email => "The address for activation and password mails; unique in the directory.",
            Self::GivenName => "The user's first name.",
            Self::FamilyName => "The user's last name.",
            Self::DisplayName => "The name shown in the console and the portal; first and last name if not given.",
            Self::Group => "A group lets you give the same access to others later.",
            Self::NoGroup => "Assign the user itself, without a group.",
            Self::Policy => "The AWS managed policy of the permission set: NAME, PATH/NAME or an ARN.",
            Self::PermissionSet => {
                "What a user or group may do in an account; 1 to 32 characters. The policy's name if not given."
            }
            Self::SessionDuration => {
                "How long one sign-in to the account lasts: 1h to 12h; 8h for long Terraform runs."
            }
            Self::AssignTo => "Who gets access to the account: the group or the user.",
            Self::Account => "The AWS account to assign; the one you are in if not given.",
            Self::StartUrl => {
                "The access portal's address from Identity Center → Settings, if it has a custom subdomain; derived \
                 otherwise."
            }
            Self::SsoSession => "The [sso-session] in ~/.aws/config that profiles share.",
            Self::CliProfile => "The [profile] in ~/.aws/config: `aws … --profile NAME`.",
            Self::CliRegion => "The Region the profile works in; Identity Center's if not given.",
            Self::CliOutput => "The AWS CLI's output format: json, yaml, yaml-stream, text or table.",
        }
    }

    /// Checks a text against the rules and answers its canonical form.
    ///
    /// # Errors
    /// The rule that is broken, in words.
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
            Self::Account => via::<AccountId>(text),
            Self::StartUrl => via::<StartUrl>(text),
            Self::SsoSession | Self::CliProfile => via::<ConfigName>(text),
            Self::CliOutput => via::<OutputFormat>(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_keys() {
        for key in KEYS {
            assert_eq!(Key::of_field(&key.field()), Some(key));
        }
        assert_eq!(Key::GivenName.variable(), "IDC_SETUP_GIVEN_NAME");
    }

    #[test]
    fn values_are_written_in_one_form() {
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
                .contains("white space")
        );
        assert!(Key::Username.check("Administrator").is_err());
        assert!(Key::Policy.check("arn:aws:iam::123456789012:policy/Mine").is_err());
        assert!(Key::Policy.check("job-function/Billing").is_ok());
    }
}
