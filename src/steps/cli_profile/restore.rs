//! Existing sections that `--update` changes: the previous values of our keys are recorded, and undo restores them.

use std::path::Path;

use super::super::context::Context;
use super::sections::{Wanted, keys};
use super::{id_of, unreadable};
use crate::checklist::UserError;
use crate::progress::{Edit, Origin, Replaced, ResourceKind, Setting, Settings};
use aws_config_file::{Config, ParseError, Section, without_trailing_comment};

/// Records the values of our keys in existing sections that we did not create, before the file is written.
pub(super) fn remember(
    context: &Context,
    wanted: &Wanted,
    path: &Path,
    (before, after): (&str, &str),
) -> Result<(), UserError> {
    let parse = |text: &str| Config::parse(text.as_bytes()).map_err(|bad| unreadable(path, &bad.to_string()));
    let (old, new) = (parse(before)?, parse(after)?);
    let (session, profile) = (wanted.session.as_str(), wanted.profile.as_str());
    let mut names = Vec::new();
    for (kind, name) in [(ResourceKind::SsoSession, session), (ResourceKind::CliProfile, profile)] {
        if context.origin(kind, id_of(path, kind, name)) != Origin::Created {
            names.extend(keys(kind).into_iter().map(|key| setting(kind, name, key)));
        }
    }
    let (old_values, new_values) = (current_values(&old, &names), current_values(&new, &names));
    names.retain(|name| old_values[name] != new_values[name]);
    if names.is_empty() {
        return Ok(());
    }
    let changed =
        |values: Settings| -> Settings { values.into_iter().filter(|(name, _)| names.contains(name)).collect() };
    let is_session_only = names.iter().all(|name| matches!(name, Setting::SsoSession { .. }));
    let (kind, name) = if is_session_only {
        (ResourceKind::SsoSession, session)
    } else {
        (ResourceKind::CliProfile, profile)
    };
    let replaced = Replaced {
        kind,
        name: name.into(),
        id: id_of(path, kind, name),
        before: changed(old_values),
        after: changed(new_values),
        rewrites: Edit::between(before, after, own_length).into_iter().collect(),
    };
    context.progress.change(|record| record.replace(replaced))?;
    Ok(())
}

/// A property of one of our sections.
fn setting(kind: ResourceKind, name: &str, key: &str) -> Setting {
    let (name, key) = (name.to_owned(), key.to_owned());
    if kind == ResourceKind::SsoSession {
        Setting::SsoSession { name, key }
    } else {
        Setting::Profile { name, key }
    }
}

/// The values of properties in a file.
pub fn current_values<'a>(config: &Config, properties: impl IntoIterator<Item = &'a Setting>) -> Settings {
    let value = |property: &Setting| {
        let (section, key) = property.property()?;
        config.get(section)?.get(key).cloned()
    };
    let values = properties.into_iter();
    values.map(|property| (property.clone(), value(property))).collect()
}

/// How many bytes of a line belong to us, to be recorded and restored: one of our properties, up to its comment.
fn own_length(line: &str) -> usize {
    let name = line.split_once('=').map_or("", |(name, _)| name);
    let is_ours = our_keys().iter().any(|key| key.eq_ignore_ascii_case(name.trim_end()));
    // An indented line belongs to the value above it, and only our own values are ever removed.
    if is_ours || line.starts_with([' ', '\t']) {
        without_trailing_comment(line).len()
    } else {
        0
    }
}

fn our_keys() -> Vec<&'static str> {
    [keys(ResourceKind::SsoSession), keys(ResourceKind::CliProfile)].concat()
}

/// The file's text with the previous values restored. The recorded edits are reverted line by line as long as the
/// beginning of the file is unchanged and nothing else would change; the remaining values are restored key by key. A
/// section that was deleted is not created again.
pub fn restore(text: &str, replaced: &Replaced) -> Result<String, ParseError> {
    let ours = our_keys();
    let now = Config::parse(text.as_bytes())?;
    let known: Vec<(Section, &str)> = replaced.before.keys().filter_map(Setting::property).collect();
    let is_only_ours = |before: &str| {
        let before = Config::parse(before.as_bytes());
        before
            .is_ok_and(|before| now.differs_only_in(&before, &known) && known.iter().all(|(_, key)| ours.contains(key)))
    };
    let edits = replaced.rewrites.iter().rev();
    let mut by_lines = text.to_owned();
    for edit in edits {
        let Some(before) = edit.reverted(&by_lines).filter(|before| is_only_ours(before)) else {
            break;
        };
        by_lines = before;
    }
    let mut config = Config::parse(by_lines.as_bytes())?;
    for (name, before) in &replaced.before {
        if let Some((section, key)) = name.property()
            && ours.contains(&key)
            && !before.as_ref().is_some_and(|value| value.contains(['\r', '\n']))
            && let Some(existing) = config.get(section)
            && existing.get(key) != before.as_ref()
        {
            config.set(section, &[(key, before.as_deref())]);
        }
    }
    Ok(config.text())
}
