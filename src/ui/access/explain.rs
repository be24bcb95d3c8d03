//! Explanations as text: for each path to a permission set, a line, its accounts, and the lines of the file.

use std::collections::BTreeMap;

use super::text::{Line, Sign};
use super::words;
use crate::access::explain::{Others, ThroughGroup, Way, WayState};
use crate::access::mistake::Place;
use crate::resources::inventory::account_text;
use crate::text::listed;

/// The most accounts of a path that are named, unless everything is wanted.
const MOST_ACCOUNTS: usize = 3;

/// Why a user or group has no access.
pub const NO_WAYS: &str = "no assignment exists, and the file asks for none";

/// A path to a permission set: the same for several accounts.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Path<'a> {
    permission_set: &'a str,
    group: Option<&'a str>,
    state: WayState,
    left_out: Option<Others>,
    account_state: Option<&'a str>,
    /// The lines that say that access has ended or must not exist, which may name only some of the accounts.
    expired: Option<&'a Place>,
    absent: Option<&'a Place>,
}

impl<'a> Path<'a> {
    fn of(way: &'a Way) -> Self {
        Self {
            permission_set: &way.permission_set,
            group: way.group.as_ref().map(|group| group.name.as_str()),
            state: way.state,
            left_out: left_out(way),
            account_state: way.account_state.as_deref(),
            expired: way.expired.as_ref().map(|expired| &expired.place),
            absent: way.absent.as_ref(),
        }
    }

    fn line(&self, accounts: usize) -> Line {
        let through = match self.group {
            Some(group) => format!("through group {group}"),
            None => "directly".to_owned(),
        };
        let state = state_text(self.state, self.left_out, self.account_state);
        let (sign, state) = match self.state {
            WayState::AsDesired => (Sign::None, String::new()),
            WayState::OnlyDesired => (Sign::Create, format!(", {state}")),
            WayState::NotDesired => (Sign::Refused, format!(", but {state}")),
            WayState::Inactive => {
                let verb = if accounts == 1 { "is" } else { "are" };
                (
                    Sign::Refused,
                    format!(", which {verb} {}", account_state_text(self.account_state)),
                )
            }
        };
        let accounts = words::counted(accounts, "account");
        Line {
            sign,
            indent: 2,
            text: format!("{} {through}: {accounts}{state}", self.permission_set),
        }
    }
}

/// What the file says about other members, if it asks for the assignment of the group, but does not list the user in it.
fn left_out(way: &Way) -> Option<Others> {
    let group = way.group.as_ref().filter(|group| !group.is_asked_for())?;
    (!way.lines.is_empty()).then_some(group.others)
}

/// The state of a way: `exists`, `not applied yet`, or why the file does not ask for it.
pub fn state(way: &Way) -> String {
    state_text(way.state, left_out(way), way.account_state.as_deref())
}

fn state_text(state: WayState, left_out: Option<Others>, account_state: Option<&str>) -> String {
    let text = match (state, left_out) {
        (WayState::Inactive, _) => return format!("the account is {}", account_state_text(account_state)),
        (WayState::AsDesired, _) => "exists",
        (WayState::OnlyDesired, _) => "not applied yet",
        (WayState::NotDesired, Some(Others::Stay)) => {
            "the file does not list the user in the group, whose membership is at-least"
        }
        (WayState::NotDesired, Some(_)) => "the file does not list the user in the group, whose membership is exactly",
        (WayState::NotDesired, None) => "the file does not ask for it",
    };
    text.to_owned()
}

/// `SUSPENDED`, or `not active` if AWS does not say more.
fn account_state_text(state: Option<&str>) -> &str {
    state.unwrap_or("not active")
}

/// The lines of an explanation. Without `everything`, only some accounts of each path are named.
pub fn ways(who: &str, ways: &[Way], everything: bool) -> Vec<Line> {
    let mut all = vec![Line {
        sign: Sign::Heading,
        indent: 0,
        text: format!("Access of {who}"),
    }];
    if ways.is_empty() {
        all.push(detail(2, format!("No access: {NO_WAYS}.")));
        return all;
    }
    let mut paths: BTreeMap<Path<'_>, Vec<&Way>> = BTreeMap::new();
    for way in ways {
        paths.entry(Path::of(way)).or_default().push(way);
    }
    for (path, ways) in paths {
        all.push(path.line(ways.len()));
        all.push(detail(6, accounts(&ways, everything)));
        let mut seen: Vec<String> = Vec::new();
        for reason in ways.iter().flat_map(|way| reasons(way)) {
            if !seen.contains(&reason) {
                seen.push(reason);
            }
        }
        all.extend(seen.into_iter().map(|text| detail(6, text)));
    }
    all
}

fn detail(indent: usize, text: String) -> Line {
    Line {
        sign: Sign::None,
        indent,
        text,
    }
}

/// The names of the accounts.
fn accounts(ways: &[&Way], everything: bool) -> String {
    let most = if everything { usize::MAX } else { MOST_ACCOUNTS };
    let names = ways.iter().take(most).map(|way| match &way.account_name {
        Some(name) => account_text(&way.account, Some(name)),
        None => format!("{}, which is not in the organization", way.account),
    });
    let mut names: Vec<String> = names.collect();
    if ways.len() > names.len() {
        let more = ways.len() - names.len();
        names.push(format!("{more} more (-v shows them)"));
    }
    listed(&names)
}

/// The lines of the file that have to do with a way.
pub fn reasons(way: &Way) -> Vec<String> {
    let asked = way.lines.iter().map(|asked| {
        let reason = asked
            .reason
            .as_ref()
            .map_or_else(String::new, |reason| format!(", {reason}"));
        let until = asked.until.map_or_else(String::new, |day| format!(", until {day}"));
        format!("{}{reason}{until}", asked.place)
    });
    let member = way.group.as_ref().and_then(membership);
    let expired = way
        .expired
        .as_ref()
        .map(|expired| format!("{}, ended on {}", expired.place, expired.until));
    let absent = way.absent.as_ref().map(|place| format!("{place}, must not exist"));
    asked.chain(member).chain(expired).chain(absent).collect()
}

/// The line that lists the user among the members of the group, or that of the group which does not.
fn membership(group: &ThroughGroup) -> Option<String> {
    if let Some(place) = &group.listed {
        return Some(format!("{place}, member of the group"));
    }
    let place = group.place.as_ref().filter(|_| !group.is_asked_for())?;
    Some(format!("{place}, does not list the user in the group"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::explain::Line as Asked;

    fn way(number: usize, listed: bool) -> Way {
        let place = |line: usize| Place {
            file: std::path::Path::new("access.toml").into(),
            line,
            column: 1,
        };
        Way {
            account: format!("{:012}", 111_111_111_000_usize + number).parse().unwrap(),
            account_name: Some(format!("Prod {number}")),
            account_state: None,
            permission_set: "Admin".to_owned(),
            group: Some(ThroughGroup {
                name: "break-glass".to_owned(),
                place: Some(place(2)),
                listed: listed.then(|| place(3)),
                is_member: true,
                others: Others::Stay,
            }),
            lines: vec![Asked {
                place: place(9),
                reason: None,
                until: None,
            }],
            expired: None,
            absent: None,
            is_assigned: true,
            state: if listed {
                WayState::AsDesired
            } else {
                WayState::NotDesired
            },
        }
    }

    fn texts(ways: &[Way], everything: bool) -> Vec<String> {
        let lines = self::ways("user:ada", ways, everything);
        lines.into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn a_path_has_one_line_and_names_some_of_its_accounts() {
        let many: Vec<Way> = (0..12).map(|number| way(number, true)).collect();
        assert_eq!(
            texts(&many, false),
            [
                "Access of user:ada",
                "Admin through group break-glass: 12 accounts",
                "Prod 0 (111111111000), Prod 1 (111111111001), Prod 2 (111111111002) and 9 more (-v shows them)",
                "access.toml:9:1",
                "access.toml:3:1, member of the group",
            ]
        );
        assert!(texts(&many, true)[2].ends_with("Prod 10 (111111111010) and Prod 11 (111111111011)"));
    }

    #[test]
    fn a_line_that_names_only_some_accounts_is_cited_only_for_them() {
        let mut must_not_exist = way(2, true);
        must_not_exist.lines.clear();
        must_not_exist.state = WayState::NotDesired;
        let other = must_not_exist.clone();
        must_not_exist.absent = must_not_exist.group.as_ref().unwrap().place.clone();
        let mut suspended = other.clone();
        suspended.state = WayState::Inactive;
        suspended.account_state = Some("SUSPENDED".to_owned());
        assert_eq!(
            texts(&[other, must_not_exist, suspended], false),
            [
                "Access of user:ada",
                "Admin through group break-glass: 1 account, but the file does not ask for it",
                "Prod 2 (111111111002)",
                "access.toml:3:1, member of the group",
                "Admin through group break-glass: 1 account, but the file does not ask for it",
                "Prod 2 (111111111002)",
                "access.toml:3:1, member of the group",
                "access.toml:2:1, must not exist",
                "Admin through group break-glass: 1 account, which is SUSPENDED",
                "Prod 2 (111111111002)",
                "access.toml:3:1, member of the group",
            ]
        );
    }

    #[test]
    fn the_state_of_several_accounts_is_in_the_plural() {
        let suspended = |digit| {
            let mut way = way(digit, true);
            way.state = WayState::Inactive;
            way.account_state = Some("SUSPENDED".to_owned());
            way
        };
        assert_eq!(
            texts(&[suspended(1), suspended(2)], false)[1],
            "Admin through group break-glass: 2 accounts, which are SUSPENDED"
        );
    }

    #[test]
    fn a_member_that_the_file_does_not_list_is_marked() {
        let lines = ways("user:ada", &[way(1, false)], false);
        assert_eq!(lines[1].sign, Sign::Refused);
        assert_eq!(
            lines[1].text,
            "Admin through group break-glass: 1 account, but the file does not list the user in the group, whose membership \
             is at-least"
        );
        let mut exactly = way(1, false);
        exactly.group.as_mut().unwrap().others = Others::Removed;
        let texts = texts(&[exactly], false);
        assert!(texts[1].ends_with("whose membership is exactly"), "{texts:?}");
        assert_eq!(
            texts[3..],
            [
                "access.toml:9:1",
                "access.toml:2:1, does not list the user in the group"
            ]
        );
    }
}
