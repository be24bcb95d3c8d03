//! The SSO sessions and profiles of the file that are of one portal. URLs are compared by what identifies the portal, not as
//! texts.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::portal_address::{self, PortalId};
use crate::ids::RegionName;
use crate::resources::cli_config::OTHER_CREDENTIALS;
use aws_config_file::{ProfileSection, SsoSession};

/// The name of a new session, unless another session has it.
const DEFAULT_NAME: &str = "my-sso";

/// The first session of the portal with this URL.
pub fn of_portal<'a>(sessions: &'a [SsoSession], start_url: &str) -> Option<&'a SsoSession> {
    let mut sessions = sessions.iter();
    sessions.find(|session| portal_address::is_same(&session.start_url, start_url))
}

/// Whether a profile is of the portal with this URL: through its session, or in the legacy form, which has the URL in the
/// profile.
pub fn is_of_portal(profile: &ProfileSection, sessions: &[SsoSession], start_url: &str) -> bool {
    let url = match profile.get("sso_session") {
        Some(name) => sessions
            .iter()
            .find(|session| session.name == name)
            .map(|session| session.start_url.as_str()),
        None => profile.get("sso_start_url"),
    };
    url.is_some_and(|url| portal_address::is_same(url, start_url))
}

/// The Regions that the file has for a portal, each of them once.
pub fn regions_of(sessions: &[SsoSession], profiles: &[ProfileSection], start_url: &str) -> Vec<RegionName> {
    let of_sessions = sessions
        .iter()
        .filter(|session| portal_address::is_same(&session.start_url, start_url))
        .map(|session| session.region.as_str());
    let of_profiles = profiles
        .iter()
        .filter(|profile| profile.get("sso_session").is_none() && is_of_portal(profile, &[], start_url))
        .filter_map(|profile| profile.get("sso_region"));
    let mut regions: Vec<RegionName> = Vec::new();
    for region in of_sessions.chain(of_profiles).filter_map(|text| text.parse().ok()) {
        if !regions.contains(&region) {
            regions.push(region);
        }
    }
    regions
}

/// The Region that most of these profiles have; of several, the first by name.
pub fn usual_region<'p>(profiles: impl Iterator<Item = &'p ProfileSection>) -> Option<RegionName> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for region in profiles.filter_map(|profile| profile.get("region")) {
        *counts.entry(region).or_default() += 1;
    }
    let most = counts.values().max()?;
    let usual = counts.iter().find(|(_, count)| *count == most)?;
    usual.0.parse().ok()
}

/// A name for a new session of a portal: its custom subdomain, the default name, or its ID, whichever no session has.
pub fn free_name(sessions: &[SsoSession], start_url: &str) -> String {
    let is_free = |name: &str| sessions.iter().all(|session| session.name != name);
    let (first, id) = match portal_address::portal(start_url).id {
        PortalId::Custom(_, name) => (super::names::safe(&name), None),
        PortalId::Store(id) | PortalId::Instance(id) => (DEFAULT_NAME.to_owned(), Some(super::names::safe(&id))),
        PortalId::Unknown(_) => (DEFAULT_NAME.to_owned(), None),
    };
    let first = if first.is_empty() {
        DEFAULT_NAME.to_owned()
    } else {
        first
    };
    if is_free(&first) {
        return first;
    }
    super::names::numbered(&id.unwrap_or(first), is_free)
}

/// A session with another URL than the portal, some of whose accounts are of the portal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubtful {
    /// The name of the session.
    pub session: String,
    /// An account of its profiles that the portal lists.
    pub listed: String,
    /// An account of its profiles that the portal does not list.
    pub other: String,
}

/// What names a portal by another URL than the current one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moved {
    /// The names of the sessions.
    pub sessions: Vec<String>,
    /// The names of the profiles in the legacy form.
    pub profiles: Vec<String>,
    /// One of the accounts of their profiles, which shows that it is the same portal.
    pub account: Option<String>,
    /// The sessions that may be of another portal, which is why they stay.
    pub doubtful: Vec<Doubtful>,
}

/// Whether a profile has credentials besides those of SSO.
fn has_other_credentials(profile: &ProfileSection) -> bool {
    OTHER_CREDENTIALS.iter().any(|key| profile.get(key).is_some())
}

/// Finds the sessions and profiles with another URL that are of the portal which lists these accounts.
///
/// An account belongs to one organization, and an organization has one portal. But an account instance of Identity Center has a
/// portal too, and an account can move to another organization. So a session is of this portal only if the portal lists all
/// accounts of its profiles. A session is left out if one of its profiles has other credentials.
pub fn moved(
    sessions: &[SsoSession],
    profiles: &[ProfileSection],
    start_url: &str,
    accounts: &BTreeSet<&str>,
) -> Moved {
    let mut moved = Moved::default();
    let mut of_sessions: BTreeMap<&str, Vec<&ProfileSection>> = BTreeMap::new();
    for profile in profiles {
        if is_of_portal(profile, sessions, start_url) {
            continue;
        }
        match (profile.get("sso_session"), profile.get("sso_account_id")) {
            (Some(session), _) => of_sessions.entry(session).or_default().push(profile),
            (None, Some(account))
                if accounts.contains(account)
                    && !profile.is_repeated
                    && !has_other_credentials(profile)
                    && profile.get("sso_start_url").is_some() =>
            {
                moved.profiles.push(profile.name.clone());
                moved.account.get_or_insert_with(|| account.to_owned());
            }
            _ => {}
        }
    }
    for session in sessions {
        let own = of_sessions.get(session.name.as_str());
        let own = own.map_or(&[][..], Vec::as_slice);
        if own.iter().any(|profile| has_other_credentials(profile)) {
            continue;
        }
        let of_profiles = own.iter().filter_map(|profile| profile.get("sso_account_id"));
        let (listed, others): (Vec<&str>, Vec<&str>) = of_profiles.partition(|account| accounts.contains(account));
        match (listed.first(), others.first()) {
            (Some(listed), None) => {
                moved.sessions.push(session.name.clone());
                moved.account.get_or_insert_with(|| (*listed).to_owned());
            }
            (Some(listed), Some(other)) => moved.doubtful.push(Doubtful {
                session: session.name.clone(),
                listed: (*listed).to_owned(),
                other: (*other).to_owned(),
            }),
            (None, _) => {}
        }
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_config_file::Config;

    const URL: &str = "https://d-1234567890.awsapps.com/start";

    /// As `aws configure sso` writes them: a session with two profiles, and a profile in the legacy form.
    const FILE: &str = "[sso-session work]\n\
        sso_start_url = https://D-1234567890.awsapps.com/start/#/\n\
        sso_region = eu-west-1\n\
        sso_registration_scopes = sso:account:access\n\
        [profile Admin-111111111111]\n\
        sso_session = work\n\
        sso_account_id = 111111111111\n\
        sso_role_name = Admin\n\
        region = eu-central-1\n\
        [profile two]\n\
        sso_session = work\n\
        region = eu-central-1\n\
        [profile three]\n\
        sso_session = work\n\
        region = us-east-1\n\
        [profile legacy]\n\
        sso_start_url = https://d-1234567890.awsapps.com/start\n\
        sso_region = us-east-1\n\
        sso_account_id = 222222222222\n\
        sso_role_name = Read\n\
        [sso-session other]\n\
        sso_start_url = https://anycompany.awsapps.com/start\n\
        sso_region = eu-west-1\n\
        [profile four]\n\
        sso_session = other\n\
        sso_account_id = 333333333333\n";

    fn file() -> (Vec<SsoSession>, Vec<ProfileSection>) {
        let config = Config::parse(FILE.as_bytes()).unwrap();
        (config.sso_sessions(), config.profiles())
    }

    #[test]
    fn sessions_and_profiles_are_found_by_their_portal() {
        let (sessions, profiles) = file();
        assert_eq!(of_portal(&sessions, URL).unwrap().name, "work");
        assert_eq!(of_portal(&sessions, "https://elsewhere.awsapps.com/start"), None);
        let of_portal: Vec<&str> = profiles
            .iter()
            .filter(|profile| is_of_portal(profile, &sessions, URL))
            .map(|profile| profile.name.as_str())
            .collect();
        assert_eq!(of_portal, ["Admin-111111111111", "two", "three", "legacy"]);
        let regions = regions_of(&sessions, &profiles, URL);
        assert_eq!(
            regions.iter().map(|region| &**region).collect::<Vec<_>>(),
            ["eu-west-1", "us-east-1"]
        );
    }

    #[test]
    fn new_profiles_get_the_region_that_most_others_have() {
        let (_, profiles) = file();
        let of = |session: &'static str| {
            let own = profiles
                .iter()
                .filter(move |profile| profile.get("sso_session") == Some(session));
            usual_region(own)
        };
        assert_eq!(of("work").as_deref(), Some("eu-central-1"));
        assert_eq!(of("other"), None);
    }

    #[test]
    fn a_new_session_gets_a_name_that_no_other_has() {
        let (mut sessions, _) = file();
        assert_eq!(free_name(&sessions, "https://acme.awsapps.com/start"), "acme");
        assert_eq!(free_name(&sessions, URL), "my-sso");
        for name in ["my-sso", "acme", "d-1234567890"] {
            sessions.push(SsoSession {
                name: name.to_owned(),
                region: String::new(),
                start_url: String::new(),
            });
        }
        assert_eq!(free_name(&sessions, "https://acme.awsapps.com/start"), "acme-2");
        assert_eq!(free_name(&sessions, URL), "d-1234567890-2");
    }

    #[test]
    fn a_former_url_is_found_by_the_accounts_of_its_profiles() {
        let (sessions, profiles) = file();
        let accounts = BTreeSet::from(["111111111111", "222222222222", "999999999999"]);
        let found = moved(&sessions, &profiles, "https://acme.awsapps.com/start", &accounts);
        assert_eq!(found.sessions, ["work"]);
        assert_eq!(found.profiles, ["legacy"]);
        assert_eq!(found.account.as_deref(), Some("222222222222"));
        assert_eq!(moved(&sessions, &profiles, URL, &accounts), Moved::default());
    }

    #[test]
    fn a_session_is_of_the_portal_only_if_all_its_accounts_are() {
        let text = FILE.replace(
            "[profile two]\nsso_session = work\n",
            "[profile two]\nsso_session = work\nsso_account_id = 444444444444\n",
        );
        let config = Config::parse(text.as_bytes()).unwrap();
        let accounts = BTreeSet::from(["111111111111"]);
        let url = "https://acme.awsapps.com/start";
        let found = moved(&config.sso_sessions(), &config.profiles(), url, &accounts);
        assert!(found.sessions.is_empty() && found.account.is_none(), "{found:?}");
        assert_eq!(
            found.doubtful,
            [Doubtful {
                session: "work".to_owned(),
                listed: "111111111111".to_owned(),
                other: "444444444444".to_owned(),
            }]
        );
        let text = FILE.replace("[profile two]\n", "[profile two]\ncredential_process = x\n");
        let config = Config::parse(text.as_bytes()).unwrap();
        let found = moved(&config.sso_sessions(), &config.profiles(), url, &accounts);
        assert_eq!(found, Moved::default());
    }
}
