//! Removes the sections that were written to `~/.aws/config`: exactly the bytes that were written if nobody changed
//! them, otherwise only our keys.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use super::check::Observation;
use super::cleanup;
use crate::checklist::UserError;
use crate::next_step::SetupCommand;
use crate::progress::{Origin, Resource, ResourceId, ResourceKind};
use crate::steps::Context;
use aws_config_file::files;
use aws_config_file::{Config, Paths, Section};

/// The current state of a section, or of the file.
enum SectionState {
    AsWritten,
    Gone,
    /// Someone changed it; the text says what.
    Changed(String),
    /// It contains other sections; the text says so.
    InUse(String),
}

/// The current state of a section or file that was written on this machine.
///
/// # Errors
/// When a file cannot be read.
pub fn observation(context: &Context, resource: &Resource) -> Result<Observation, UserError> {
    let (path, _) = file_and_section(resource);
    if matches!(resource.kind, ResourceKind::Token | ResourceKind::Registration) {
        return match path.try_exists() {
            Ok(true) => Ok(Observation::Exists),
            Ok(false) => Ok(Observation::Gone),
            Err(error) => Err(unreadable(path, &error)),
        };
    }
    let ours = Ours::of(context)?;
    Ok(match section_state(resource, &ours)? {
        SectionState::AsWritten => Observation::Exists,
        SectionState::Gone => Observation::Gone,
        SectionState::Changed(why) => Observation::Changed(why),
        SectionState::InUse(why) => Observation::Stays(why),
    })
}

/// Why undo must not edit a file; `None` if it may. Only the AWS files of this environment may be edited, because a
/// state file can come from another home folder or from someone else.
pub fn out_of_reach(context: &Context, resource: &Resource) -> Option<String> {
    if !resource.kind.is_local() {
        return None;
    }
    let (path, _) = file_and_section(resource);
    (!is_within_reach(context.paths.as_ref(), resource, path)).then(|| {
        format!(
            "it is in {}, which is not one of this environment's AWS files",
            path.display()
        )
    })
}

fn is_within_reach(paths: Option<&Paths>, resource: &Resource, path: &Path) -> bool {
    let Some(paths) = paths else { return false };
    if !matches!(resource.kind, ResourceKind::Token | ResourceKind::Registration) {
        return path == paths.config();
    }
    // The name is a digest of forty hexadecimal digits.
    let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    let is_digest = name.len() == 40 && name.bytes().all(|c| c.is_ascii_hexdigit());
    path.parent() == Some(paths.cache()) && path.extension().is_some_and(|end| end == "json") && is_digest
}

/// The file and the section of a resource; the section is empty if the resource is a file.
fn file_and_section(resource: &Resource) -> (&Path, &str) {
    let section = match &resource.id {
        ResourceId::Section(key) => key.section.as_str(),
        _ => "",
    };
    (resource.id.file(), section)
}

fn section<'a>(resource: &Resource, name: &'a str) -> Section<'a> {
    if resource.kind == ResourceKind::SsoSession {
        Section::SsoSession(name)
    } else {
        Section::Profile(name)
    }
}

pub(super) fn unreadable(path: &Path, why: &dyn std::fmt::Display) -> UserError {
    UserError::failed(
        format!("{} cannot be edited: {why}.", path.display()),
        SetupCommand::undo().after("fix the file"),
    )
}

/// The file's text and its sections; `None` if the file does not exist.
///
/// # Errors
/// When the file cannot be read or parsed.
pub fn read(path: &Path) -> Result<Option<(String, Config)>, UserError> {
    match files::read(path) {
        Ok(bytes) => {
            let config = Config::parse(&bytes).map_err(|bad| unreadable(path, &bad))?;
            Ok(Some((config.text(), config)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path, &error)),
    }
}

/// The properties that were written to a section, taken from the recorded text.
pub(super) fn written(resource: &Resource, name: &str) -> BTreeMap<String, String> {
    let text = resource.text.as_deref().unwrap_or_default();
    let config = Config::parse(text.as_bytes()).ok();
    config
        .and_then(|config| config.get(section(resource, name)))
        .unwrap_or_default()
}

/// The names of our sections that undo deletes or restores before anything that they depend on.
struct Ours {
    profiles: Vec<String>,
    sessions: Vec<String>,
}

impl Ours {
    /// Excludes the profiles that someone changed or that another profile uses: they stay, with the sessions that they
    /// use.
    fn of(context: &Context) -> Result<Self, UserError> {
        let (created, changed) = context.progress.read(|record| {
            let created = record.resources.iter().filter(|other| other.origin == Origin::Created);
            let changed = record.replaced.iter();
            // A profile that was changed is restored, so it no longer uses our session.
            let changed = changed.filter(|other| other.kind == ResourceKind::CliProfile);
            (
                created.cloned().collect::<Vec<_>>(),
                changed.map(|other| other.name.to_string()).collect::<Vec<_>>(),
            )
        });
        let (mut profiles, mut sessions) = (changed, Vec::new());
        for resource in created {
            match resource.kind {
                ResourceKind::SsoSession => sessions.push(resource.name.to_string()),
                // A file of another environment does not matter here, and may not be readable.
                ResourceKind::CliProfile if out_of_reach(context, &resource).is_some() => {}
                ResourceKind::CliProfile if differences(&resource)?.is_none_or(|differs| differs.is_empty()) => {
                    profiles.push(resource.name.to_string());
                }
                _ => {}
            }
        }
        let paths = context.paths.as_ref();
        if let Some((_, config)) = paths.map_or(Ok(None), |paths| read(paths.config()))? {
            let is_used = |all: &[String], name: &str| {
                config
                    .profiles_with("source_profile", name)
                    .any(|user| !all.contains(&user))
            };
            while let Some(index) = profiles.iter().position(|name| is_used(&profiles, name)) {
                profiles.remove(index);
            }
        }
        Ok(Self { profiles, sessions })
    }

    fn has(&self, kind: &str, name: &str) -> bool {
        let names = match kind {
            "profile" => &self.profiles,
            "sso-session" => &self.sessions,
            _ => return false,
        };
        names.iter().any(|own| own == name)
    }
}

/// Compares a section, or the file, with what was written.
fn section_state(resource: &Resource, ours: &Ours) -> Result<SectionState, UserError> {
    let (path, name) = file_and_section(resource);
    if resource.kind == ResourceKind::ConfigFile {
        let Some((_, config)) = read(Path::new(resource.id.single()))? else {
            return Ok(SectionState::Gone);
        };
        // Our sections are removed before the file; the file stays if it contains anything else.
        let written = resource.text.as_deref().unwrap_or_default();
        let has_others = Config::parse(written.as_bytes())
            .is_ok_and(|written| config.has_more_than(&written, |kind, name| ours.has(kind, name)));
        return Ok(if has_others {
            SectionState::InUse("it contains other sections".to_owned())
        } else {
            SectionState::AsWritten
        });
    }
    let Some((_, config)) = read(path)? else {
        return Ok(SectionState::Gone);
    };
    let Some(differs) = differences(resource)? else {
        return Ok(SectionState::Gone);
    };
    let (key, kind) = if resource.kind == ResourceKind::SsoSession {
        ("sso_session", "session")
    } else {
        ("source_profile", "profile")
    };
    if let Some(user) = config
        .profiles_with(key, name)
        .find(|profile| !ours.profiles.contains(profile) && !resource.used_before.contains(profile))
    {
        return Ok(SectionState::Changed(format!("the profile {user} uses this {kind}")));
    }
    Ok(if differs.is_empty() {
        SectionState::AsWritten
    } else {
        // Values can be secrets, so only the names of the keys are shown.
        SectionState::Changed(format!("someone changed {}", differs.join(", ")))
    })
}

/// The keys of a section whose values differ from what was written; `None` if the section no longer exists.
fn differences(resource: &Resource) -> Result<Option<Vec<String>>, UserError> {
    let (path, name) = file_and_section(resource);
    let config = read(path)?.map(|(_, config)| config);
    let existing = config.as_ref().and_then(|config| config.get(section(resource, name)));
    let written = written(resource, name);
    let keys: Vec<&str> = written.keys().map(String::as_str).collect();
    // Without the line above it, tools would read an indented line as a continuation of the preceding value.
    let indented_comment = config
        .as_ref()
        .and_then(|config| config.indented_comment_below(section(resource, name), &keys));
    let indented_comment = indented_comment.map(|line| format!("the indented comment in line {line}"));
    let indented_without_key = config.and_then(|config| config.indented_without_key(section(resource, name)));
    let indented = indented_comment.or_else(|| indented_without_key.map(|line| format!("the indented line {line}")));
    Ok(existing.map(|existing| {
        let other = existing.iter().filter(|(key, value)| written.get(*key) != Some(value));
        let missing = written.keys().filter(|key| !existing.contains_key(*key));
        other
            .map(|(key, _)| key)
            .chain(missing)
            .cloned()
            .chain(indented)
            .collect()
    }))
}

/// How a section was removed from a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// As a whole, exactly as it was written.
    AsWritten,
    /// Key by key, because someone changed it.
    ByKeys,
}

/// Whether everything that we wrote to a section is gone. If our text was removed as a whole, a section that still has
/// this name belongs to someone else.
///
/// # Errors
/// When the file cannot be read.
pub fn is_removed(resource: &Resource, removed: Removed) -> Result<bool, UserError> {
    let (path, name) = file_and_section(resource);
    let Some((text, config)) = read(path)? else {
        return Ok(true);
    };
    if removed == Removed::AsWritten {
        return Ok(resource.text.as_deref().is_none_or(|ours| !text.contains(ours)));
    }
    let existing = config.get(section(resource, name));
    let written = written(resource, name);
    Ok(existing.is_none_or(|existing| !written.keys().any(|key| existing.contains_key(key))))
}

/// Whether a section still exists because it contains lines that others added.
pub fn is_kept_by_others(resource: &Resource) -> bool {
    let (path, name) = file_and_section(resource);
    let content = read(path).ok().flatten();
    content.is_some_and(|(_, config)| config.get(section(resource, name)).is_some())
}

/// Removes a section from its file, or deletes the file if it is empty.
///
/// # Errors
/// When the file cannot be read, edited or deleted.
pub fn remove(context: &Context, resource: &Resource) -> Result<Removed, UserError> {
    let (path, name) = file_and_section(resource);
    if resource.kind == ResourceKind::ConfigFile {
        // Delete the target of symbolic links; the links themselves existed before and stay.
        let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let is_empty = files::read(path).is_ok_and(|content| content.iter().all(u8::is_ascii_whitespace));
        if is_empty {
            cleanup::remove_file(context, path)?;
            // Folders are recorded with the path before links are resolved.
            cleanup::remove_empty_folders(context, Path::new(resource.id.single()))?;
        }
        return Ok(Removed::AsWritten);
    }
    let Some((text, mut config)) = read(path)? else {
        return Ok(Removed::AsWritten);
    };
    if let Some(line) = config.indented_without_key(section(resource, name)) {
        let why = format!("line {line} is indented below a header, where the AWS CLI reads a key and the SDKs do not");
        return Err(unreadable(path, &why));
    }
    // Exactly the written bytes, unless someone added lines to one of our sections: those need the header.
    let is_intact = |ours: &&str| {
        let sections = Config::parse(ours.as_bytes());
        text.matches(*ours).count() == 1 && sections.is_ok_and(|sections| config.has_sections_of(&sections))
    };
    // A session and its first profile were written as one text, and another profile may use the session by now.
    let session = written(resource, name).remove("sso_session").unwrap_or_default();
    let used_before = context.progress.read(|record| {
        let mut sessions = record.resources.iter();
        let recorded = sessions.find(|other| other.kind == ResourceKind::SsoSession && other.name.single() == session);
        recorded.map(|session| session.used_before.clone()).unwrap_or_default()
    });
    let is_shared = resource.kind == ResourceKind::CliProfile
        && config
            .profiles_with("sso_session", &session)
            .any(|profile| profile != name && !used_before.contains(&profile));
    let keys: Vec<String> = written(resource, name).into_keys().collect();
    let names: Vec<&str> = keys.iter().map(String::as_str).collect();
    let has_indented_comment = config.indented_comment_below(section(resource, name), &names).is_some();
    let is_needed_by_others = |ours: &str| {
        let stays = context.progress.read(|record| {
            let mut same = record
                .resources
                .iter()
                .filter(|other| other.text.as_deref() == Some(ours));
            // The profile is removed first. If it is still recorded, it stays.
            same.any(|other| other.kind == ResourceKind::CliProfile && resource.kind == ResourceKind::SsoSession)
        });
        stays || (is_shared && ours.contains("[sso-session "))
    };
    let is_intact = |ours: &&str| is_intact(ours) && !has_indented_comment && !is_needed_by_others(ours);
    let ours = resource.text.as_deref().filter(is_intact);
    let (after, removed) = if let Some(ours) = ours {
        (without(&text, ours), Removed::AsWritten)
    } else {
        config.remove(section(resource, name), &keys);
        (config.text(), Removed::ByKeys)
    };
    write(path, &text, &after)?;
    Ok(removed)
}

/// Replaces the file atomically, if it still contains the text that was read.
///
/// # Errors
/// When the file has changed since or cannot be written.
pub fn write(path: &Path, before: &str, after: &str) -> Result<(), UserError> {
    files::edit_atomically(path, before.as_bytes(), after.as_bytes()).map_err(|error| unreadable(path, &error))
}

/// Removes a part from a text. The part may begin with the line ending of the line before it; text that someone added
/// after the part must still begin on a new line.
fn without(text: &str, part: &str) -> String {
    let Some((before, after)) = text.split_once(part) else {
        return text.to_owned();
    };
    let end = if before.is_empty() || before.ends_with('\n') || after.is_empty() || after.starts_with(['\r', '\n']) {
        ""
    } else if part.starts_with("\r\n") {
        "\r\n"
    } else if part.starts_with('\n') {
        "\n"
    } else {
        ""
    };
    format!("{before}{end}{after}")
}
