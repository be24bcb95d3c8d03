//! Sections that were there and that `--update` has changed: what our keys said before is remembered, and put back by undo.

use std::path::Path;

use super::super::context::Context;
use super::sections::{Wanted, keys};
use super::{id_of, unreadable};
use crate::checklist::UserError;
use crate::progress::{Edit, Origin, Replaced, ResourceKind, Says};
use aws_config_file::{Config, ParseError, Section, without_trailing_comment};

/// Before the file is written: what our keys say in the sections that were there and are not ours.
pub(super) fn remember(
    context: &Context,
    wanted: &Wanted,
    path: &Path,
    (before, after): (&str, &str),
) -> Result<(), UserError> {
    let parse = |text: &str| Config::parse(text.as_bytes()).map_err(|bad| unreadable(path, &bad.to_string()));
    let (was, is) = (parse(before)?, parse(after)?);
    let (session, profile) = (wanted.session.as_str(), wanted.profile.as_str());
    let mut names = Vec::new();
    for (kind, name) in [(ResourceKind::SsoSession, session), (ResourceKind::CliProfile, profile)] {
        if context.origin(kind, &id_of(path, kind, name)) != Origin::Created {
            names.extend(keys(kind).into_iter().map(|key| key_name(kind, name, key)));
        }
    }
    let (was_there, is_there) = (says(&was, &names), says(&is, &names));
    names.retain(|name| was_there[name] != is_there[name]);
    if names.is_empty() {
        return Ok(());
    }
    let of_those = |says: Says| -> Says { says.into_iter().filter(|(name, _)| names.contains(name)).collect() };
    let is_session_alone = names.iter().all(|name| name.starts_with(SSO_SESSION));
    let (kind, name) = if is_session_alone {
        (ResourceKind::SsoSession, session)
    } else {
        (ResourceKind::CliProfile, profile)
    };
    let replaced = Replaced {
        kind,
        name: name.to_owned(),
        id: id_of(path, kind, name),
        before: of_those(was_there),
        after: of_those(is_there),
        rewrites: Edit::between(before, after, own).into_iter().collect(),
    };
    context.progress.change(|record| record.replace(replaced))?;
    Ok(())
}

/// `profile NAME/KEY` or `sso-session NAME/KEY`.
fn key_name(kind: ResourceKind, name: &str, key: &str) -> String {
    let word = if kind == ResourceKind::SsoSession {
        SSO_SESSION
    } else {
        PROFILE
    };
    format!("{word} {name}/{key}")
}

const SSO_SESSION: &str = "sso-session";
const PROFILE: &str = "profile";

/// The section and the key of such a name.
fn place(name: &str) -> Option<(Section<'_>, &str)> {
    let (section, key) = name.rsplit_once('/')?;
    let (kind, name) = section.split_once(' ')?;
    let section = match kind {
        SSO_SESSION => Section::SsoSession(name),
        _ => Section::Profile(name),
    };
    Some((section, key))
}

/// What such names say in a file.
pub fn says<'a>(config: &Config, names: impl IntoIterator<Item = &'a String>) -> Says {
    let value = |name: &str| {
        let (section, key) = place(name)?;
        config.get(section)?.get(key).cloned()
    };
    names.into_iter().map(|name| (name.clone(), value(name))).collect()
}

/// How much of a line is ours to write down and to put back: a property of ours up to its comment.
fn own(line: &str) -> usize {
    let name = line.split_once('=').map_or("", |(name, _)| name);
    let is_ours = ours().iter().any(|key| key.eq_ignore_ascii_case(name.trim_end()));
    // What is indented belongs to the value above, and only a value of ours is ever taken out.
    if is_ours || line.starts_with([' ', '\t']) {
        without_trailing_comment(line).len()
    } else {
        0
    }
}

fn ours() -> Vec<&'static str> {
    [keys(ResourceKind::SsoSession), keys(ResourceKind::CliProfile)].concat()
}

/// The file's text with the sections saying again what they said before: line by line while the file begins as it was
/// left, and while nothing but that comes of it; else by keys. A section that is gone stays gone.
pub fn restore(text: &str, replaced: &Replaced) -> Result<String, ParseError> {
    let ours = ours();
    let now = Config::parse(text.as_bytes())?;
    let known: Vec<(Section, &str)> = replaced.before.keys().filter_map(|name| place(name)).collect();
    let is_just_that = |before: &str| {
        let before = Config::parse(before.as_bytes());
        before
            .is_ok_and(|before| now.differs_only_in(&before, &known) && known.iter().all(|(_, key)| ours.contains(key)))
    };
    let edits = replaced.rewrites.iter().rev();
    let mut by_lines = text.to_owned();
    for edit in edits {
        let Some(before) = edit.reverted(&by_lines).filter(|before| is_just_that(before)) else {
            break;
        };
        by_lines = before;
    }
    let mut config = Config::parse(by_lines.as_bytes())?;
    for (name, before) in &replaced.before {
        if let Some((section, key)) = place(name)
            && ours.contains(&key)
            && !before.as_ref().is_some_and(|value| value.contains(['\r', '\n']))
            && let Some(there) = config.get(section)
            && there.get(key) != before.as_ref()
        {
            config.set(section, &[(key, before.as_deref())]);
        }
    }
    Ok(config.text())
}
