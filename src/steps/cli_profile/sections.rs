//! The two sections: the wanted values, and how the sections in the file differ from them.

use std::path::PathBuf;

use super::super::context::Context;
use super::INFO;
use crate::answers::Key;
use crate::checklist::Observed;
use crate::next_step::SetupCommand;
use crate::progress::ResourceKind;
use aws_config_file::{Config, Paths, Section};

const SCOPE: &str = "sso:account:access";

/// Properties of the legacy SSO configuration. In a profile that names a session, the Rust SDK reports them as an
/// error.
const LEGACY_KEYS: [&str; 2] = ["sso_start_url", "sso_region"];

/// Every key that is written to a section or removed from it.
pub fn keys(kind: ResourceKind) -> Vec<&'static str> {
    if kind == ResourceKind::SsoSession {
        return vec!["sso_start_url", "sso_region", "sso_registration_scopes"];
    }
    let mut keys = vec!["sso_session", "sso_account_id", "sso_role_name", "region", "output"];
    keys.extend(LEGACY_KEYS);
    keys
}

/// The wanted content of the two sections.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub session: String,
    pub profile: String,
    session_properties: Vec<(&'static str, String)>,
    profile_properties: Vec<(&'static str, String)>,
}

impl Wanted {
    /// Returns `None` until the instance and its access portal are known.
    pub fn of(context: &Context) -> Option<Self> {
        let text = |key| context.text(key);
        let instance = context.facts.instance.now()?;
        let start_url = context.facts.start_url.now()?;
        Some(Self {
            session: text(Key::SsoSession),
            profile: text(Key::CliProfile),
            session_properties: vec![
                ("sso_start_url", start_url),
                ("sso_region", instance.region.into()),
                ("sso_registration_scopes", SCOPE.to_owned()),
            ],
            profile_properties: vec![
                ("sso_session", text(Key::SsoSession)),
                ("sso_account_id", context.account().into()),
                ("sso_role_name", text(Key::PermissionSet)),
                ("region", context.cli_region().into()),
                ("output", text(Key::CliOutput)),
            ],
        })
    }

    /// The file's text with the wanted values in both sections.
    pub fn edited(&self, config: Config) -> String {
        self.edit(config, |_, _| true)
    }

    /// The same without creating the sections that do not exist yet.
    pub fn edited_in_place(&self, config: Config) -> String {
        self.edit(config, |config, section| config.get(section).is_some())
    }

    fn edit(&self, mut config: Config, is_wanted: impl Fn(&Config, Section) -> bool) -> String {
        let with_values = |properties: &[(&'static str, String)]| -> Vec<(&'static str, Option<String>)> {
            properties
                .iter()
                .map(|(key, value)| (*key, Some(value.clone())))
                .collect()
        };
        let mut set = |section: Section, properties: Vec<(&'static str, Option<String>)>| {
            if !is_wanted(&config, section) {
                return;
            }
            let existing = config.get(section).unwrap_or_default();
            let changed: Vec<(&str, Option<&str>)> = properties
                .iter()
                .map(|(key, value)| (*key, value.as_deref()))
                .filter(|(key, value)| !is_same(key, existing.get(*key).map(String::as_str), *value))
                .collect();
            config.set(section, &changed);
        };
        set(
            Section::SsoSession(&self.session),
            with_values(&self.session_properties),
        );
        let mut properties = with_values(&self.profile_properties);
        properties.extend(LEGACY_KEYS.map(|key| (key, None)));
        set(Section::Profile(&self.profile), properties);
        config.text()
    }

    /// The files of the session's token and client registration.
    pub fn cached(&self, paths: &Paths) -> [(ResourceKind, PathBuf); 2] {
        let value = |key: &str| {
            let property = self.session_properties.iter().find(|(name, _)| *name == key);
            property.map_or("", |(_, value)| value.as_str())
        };
        let registration = paths.registration(value("sso_region"), &self.session, value("sso_start_url"));
        [
            (ResourceKind::Token, paths.token(&self.session)),
            (ResourceKind::Registration, registration),
        ]
    }

    /// Text that we added to the file earlier, with the wanted values.
    pub fn edited_within(&self, created: &str) -> String {
        Config::parse(created.as_bytes()).map_or_else(|_| created.to_owned(), |config| self.edited_in_place(config))
    }

    /// Why the SDKs would read our sections differently than the AWS CLI; `None` if they read them alike.
    pub fn misread(&self, config: &Config) -> Option<String> {
        let parts = [
            (ResourceKind::SsoSession, Section::SsoSession(&self.session)),
            (ResourceKind::CliProfile, Section::Profile(&self.profile)),
        ];
        let mut indented_comments = parts
            .into_iter()
            .filter_map(|(kind, section)| config.indented_comment_below(section, &keys(kind)));
        indented_comments.next().map(|line| {
            format!(
                "line {line} is an indented comment, which the AWS SDKs read as part of the value above it; start the \
                 comment in the first column"
            )
        })
    }

    /// Compares the sections in the file with the wanted ones.
    pub fn judge(&self, config: &Config) -> Observed {
        let session = config.get(Section::SsoSession(&self.session));
        let profile = config.get(Section::Profile(&self.profile));
        let missing = [
            (&session, "SSO session", &self.session),
            (&profile, "profile", &self.profile),
        ]
        .into_iter()
        .filter(|(existing, ..)| existing.is_none())
        .map(|(_, what, name)| format!("no {what} {name}"))
        .collect::<Vec<_>>();
        let mut differs = Vec::new();
        for (existing, what, name, properties) in [
            (&session, "SSO session", &self.session, &self.session_properties),
            (&profile, "profile", &self.profile, &self.profile_properties),
        ] {
            let Some(existing) = existing else { continue };
            let legacy = LEGACY_KEYS
                .into_iter()
                .filter(|key| what == "profile" && existing.contains_key(*key));
            let keys: Vec<&str> = properties
                .iter()
                .filter(|(key, value)| !is_same(key, existing.get(*key).map(String::as_str), Some(value)))
                .map(|(key, _)| *key)
                .chain(legacy)
                .collect();
            if !keys.is_empty() {
                // Only the keys, without their values: this message is also recorded.
                differs.push(format!(
                    "{what} {name} already exists with other values: {}",
                    keys.join(", ")
                ));
            }
        }
        match (differs.is_empty(), missing.is_empty()) {
            (true, true) => Observed::done(format!(
                "The SSO session {} and the profile {} exist.",
                self.session, self.profile
            )),
            (true, false) => Observed::missing(format!("There is {}.", missing.join(" and "))),
            (false, _) => Observed::different(
                format!("The {}.", differs.join("; the ")),
                SetupCommand::run().value("--update", INFO.slug).to("change the values"),
            )
            .or_next(
                SetupCommand::run()
                    .placeholder("--sso-session", "NAME")
                    .placeholder("--cli-profile", "NAME")
                    .to("use other names"),
            ),
        }
    }
}

/// Whether a property has the wanted value. More scopes are allowed, and a URL may end in `/` or `#`.
fn is_same(key: &str, existing: Option<&str>, wanted: Option<&str>) -> bool {
    let (Some(existing), Some(wanted)) = (existing, wanted) else {
        return existing == wanted;
    };
    match key {
        "sso_registration_scopes" => existing.split([',', ' ']).any(|scope| scope == wanted),
        "sso_start_url" => existing.trim_end_matches(['/', '#']) == wanted.trim_end_matches(['/', '#']),
        _ => existing == wanted,
    }
}
