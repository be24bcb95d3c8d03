//! The two sections: what they have to say, and how the file's differ.

use std::path::PathBuf;

use super::super::context::Context;
use super::INFO;
use crate::answers::Key;
use crate::checklist::Observed;
use crate::progress::ResourceKind;
use aws_config_file::{Config, Paths, Section};

const SCOPE: &str = "sso:account:access";

/// Properties of the older SSO form: in a profile that names a session they are an error for the Rust SDK.
const OLDER_FORM: [&str; 2] = ["sso_start_url", "sso_region"];

/// Every key that is written into a section, or taken out of it.
pub fn keys(kind: ResourceKind) -> Vec<&'static str> {
    if kind == ResourceKind::SsoSession {
        return vec!["sso_start_url", "sso_region", "sso_registration_scopes"];
    }
    let mut keys = vec!["sso_session", "sso_account_id", "sso_role_name", "region", "output"];
    keys.extend(OLDER_FORM);
    keys
}

/// What the two sections have to say.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub session: String,
    pub profile: String,
    session_properties: Vec<(&'static str, String)>,
    profile_properties: Vec<(&'static str, String)>,
}

impl Wanted {
    /// `None` before the instance and its portal are known.
    pub fn of(context: &Context) -> Option<Self> {
        let text = |key| context.text(key);
        let instance = context.facts.instance.now()?;
        let start_url = context.facts.start_url.now()?;
        Some(Self {
            session: text(Key::SsoSession),
            profile: text(Key::CliProfile),
            session_properties: vec![
                ("sso_start_url", start_url),
                ("sso_region", instance.region),
                ("sso_registration_scopes", SCOPE.to_owned()),
            ],
            profile_properties: vec![
                ("sso_session", text(Key::SsoSession)),
                ("sso_account_id", context.account()),
                ("sso_role_name", text(Key::PermissionSet)),
                ("region", text(Key::CliRegion)),
                ("output", text(Key::CliOutput)),
            ],
        })
    }

    /// The file's text with both sections saying what they have to.
    pub fn edited(&self, config: Config) -> String {
        self.edit(config, |_, _| true)
    }

    /// The same without those sections that are not there yet.
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
            let there = config.get(section).unwrap_or_default();
            let changed: Vec<(&str, Option<&str>)> = properties
                .iter()
                .map(|(key, value)| (*key, value.as_deref()))
                .filter(|(key, value)| !is_same(key, there.get(*key).map(String::as_str), *value))
                .collect();
            config.set(section, &changed);
        };
        set(
            Section::SsoSession(&self.session),
            with_values(&self.session_properties),
        );
        let mut of_profile = with_values(&self.profile_properties);
        of_profile.extend(OLDER_FORM.map(|key| (key, None)));
        set(Section::Profile(&self.profile), of_profile);
        config.text()
    }

    /// The session's token and registration.
    pub fn cached(&self, paths: &Paths) -> [(ResourceKind, PathBuf); 2] {
        let says = |key: &str| {
            let found = self.session_properties.iter().find(|(name, _)| *name == key);
            found.map_or("", |(_, value)| value.as_str())
        };
        let registration = paths.registration(says("sso_region"), &self.session, says("sso_start_url"));
        [
            (ResourceKind::Token, paths.token(&self.session)),
            (ResourceKind::Registration, registration),
        ]
    }

    /// A text that was made, and says now what it has to.
    pub fn edited_within(&self, made: &str) -> String {
        Config::parse(made.as_bytes()).map_or_else(|_| made.to_owned(), |made| self.edited_in_place(made))
    }

    /// Why what is built on the SDKs would read something else out of our sections than the AWS CLI does, if it would.
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
                "line {line} is an indented comment, which what is built on AWS's SDKs takes for a part of the value above;                  begin it in the first column"
            )
        })
    }

    /// How the file's sections differ.
    pub fn judge(&self, config: &Config) -> Observed {
        let session = config.get(Section::SsoSession(&self.session));
        let profile = config.get(Section::Profile(&self.profile));
        let missing = [
            (&session, "SSO session", &self.session),
            (&profile, "profile", &self.profile),
        ]
        .into_iter()
        .filter(|(there, ..)| there.is_none())
        .map(|(_, what, name)| format!("no {what} {name}"))
        .collect::<Vec<_>>();
        let mut differs = Vec::new();
        for (there, what, name, properties) in [
            (&session, "SSO session", &self.session, &self.session_properties),
            (&profile, "profile", &self.profile, &self.profile_properties),
        ] {
            let Some(there) = there else { continue };
            let older = OLDER_FORM
                .into_iter()
                .filter(|key| what == "profile" && there.contains_key(*key));
            let keys: Vec<&str> = properties
                .iter()
                .filter(|(key, value)| !is_same(key, there.get(*key).map(String::as_str), Some(value)))
                .map(|(key, _)| *key)
                .chain(older)
                .collect();
            if !keys.is_empty() {
                // The values stay in the file: what is said here is also recorded.
                differs.push(format!(
                    "{what} {name} is there and says otherwise: {}",
                    keys.join(", ")
                ));
            }
        }
        match (differs.is_empty(), missing.is_empty()) {
            (true, true) => Observed::done(format!(
                "The SSO session {} and the profile {} are there.",
                self.session, self.profile
            )),
            (true, false) => Observed::missing(format!("There is {}.", missing.join(" and "))),
            (false, _) => Observed::different(
                format!("The {}.", differs.join("; the ")),
                format!(
                    "change it: idc-setup run --update {}; or take other names: idc-setup run --sso-session NAME \
                     --cli-profile NAME",
                    INFO.slug
                ),
            ),
        }
    }
}

/// Whether a property says what it has to. Scopes may be more, an address may end in `/` or `#`.
fn is_same(key: &str, there: Option<&str>, wanted: Option<&str>) -> bool {
    let (Some(there), Some(wanted)) = (there, wanted) else {
        return there == wanted;
    };
    match key {
        "sso_registration_scopes" => there.split([',', ' ']).any(|scope| scope == wanted),
        "sso_start_url" => there.trim_end_matches(['/', '#']) == wanted.trim_end_matches(['/', '#']),
        _ => there == wanted,
    }
}
