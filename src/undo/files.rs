//! Sections of `~/.aws/config` that were written, and how they are taken out again: just those bytes, where nobody has
//! changed them, else just our keys.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::cleanup;
use super::look::Observation;
use crate::checklist::UserError;
use crate::progress::{Origin, Resource, ResourceKind};
use crate::steps::Context;
use aws_config_file::files;
use aws_config_file::{Config, Paths, Section};

/// How a section, or the file, stands.
enum SectionState {
    AsWritten,
    Gone,
    Otherwise(String),
    InUse(String),
}

/// How what was written into this person's files stands.
pub fn observation(context: &Context, resource: &Resource) -> Result<Observation, UserError> {
    let (path, _) = place(resource);
    if matches!(resource.kind, ResourceKind::Token | ResourceKind::Registration) {
        return match path.try_exists() {
            Ok(true) => Ok(Observation::There),
            Ok(false) => Ok(Observation::Gone),
            Err(error) => Err(unreadable(&path, &error)),
        };
    }
    let ours = Ours::of(context)?;
    Ok(match stands(resource, &ours)? {
        SectionState::AsWritten => Observation::There,
        SectionState::Gone => Observation::Gone,
        SectionState::Otherwise(why) => Observation::Changed(why),
        SectionState::InUse(why) => Observation::Stays(why),
    })
}

/// Why a file is not ours to touch, if it is not: only the AWS files of this environment are, since a state file may come
/// from another home folder, or from somebody else.
pub fn out_of_reach(context: &Context, resource: &Resource) -> Option<String> {
    if !resource.kind.is_local() {
        return None;
    }
    let (path, _) = place(resource);
    (!is_within_reach(context.paths.as_ref(), resource, &path)).then(|| {
        format!(
            "it is in {}, which is none of this environment's AWS files",
            path.display()
        )
    })
}

fn is_within_reach(paths: Option<&Paths>, resource: &Resource, path: &Path) -> bool {
    let Some(paths) = paths else { return false };
    if !matches!(resource.kind, ResourceKind::Token | ResourceKind::Registration) {
        return path == paths.config();
    }
    // Named by a digest, in forty hexadecimal digits.
    let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    let is_digest = name.len() == 40 && name.bytes().all(|c| c.is_ascii_hexdigit());
    path.parent() == Some(paths.cache()) && path.extension().is_some_and(|end| end == "json") && is_digest
}

/// File and section of a resource's id.
fn place(resource: &Resource) -> (PathBuf, &str) {
    let (path, name) = resource.id.rsplit_once('#').unwrap_or((&resource.id, ""));
    (PathBuf::from(path), name)
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
        "mend the file, then: idc-setup undo",
    )
}

/// The file's text and its sections; `None` when it is not there.
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

/// The properties that were written into a section, by the text that was.
pub(super) fn written(resource: &Resource, name: &str) -> BTreeMap<String, String> {
    let text = resource.text.as_deref().unwrap_or_default();
    let config = Config::parse(text.as_bytes()).ok();
    config
        .and_then(|config| config.get(section(resource, name)))
        .unwrap_or_default()
}

/// Names of sections that are gone, or say again what they said, before anything else that stands on them.
struct Ours {
    profiles: Vec<String>,
    sessions: Vec<String>,
}

impl Ours {
    /// A profile of ours that somebody has changed, or has another profile use, stays, and what it stands on with it.
    fn of(context: &Context) -> Result<Self, UserError> {
        let (made, changed) = context.progress.read(|record| {
            let made = record.resources.iter().filter(|other| other.origin == Origin::Created);
            let changed = record.replaced.iter();
            // One that was changed says again what it said before we had it use the session.
            let changed = changed.filter(|other| other.kind == ResourceKind::CliProfile);
            (
                made.cloned().collect::<Vec<_>>(),
                changed.map(|other| other.name.clone()).collect::<Vec<_>>(),
            )
        });
        let (mut profiles, mut sessions) = (changed, Vec::new());
        for resource in made {
            match resource.kind {
                ResourceKind::SsoSession => sessions.push(resource.name),
                // What is none of this environment's files tells nothing about them, and may not be there to be read.
                ResourceKind::CliProfile if out_of_reach(context, &resource).is_some() => {}
                ResourceKind::CliProfile if differences(&resource)?.is_none_or(|differs| differs.is_empty()) => {
                    profiles.push(resource.name);
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

/// How it stands.
fn stands(resource: &Resource, ours: &Ours) -> Result<SectionState, UserError> {
    let (path, name) = place(resource);
    if resource.kind == ResourceKind::ConfigFile {
        let Some((_, config)) = read(Path::new(&resource.id))? else {
            return Ok(SectionState::Gone);
        };
        // Our sections are gone by the time its turn comes; what somebody else has written keeps it.
        let written = resource.text.as_deref().unwrap_or_default();
        let has_others = Config::parse(written.as_bytes())
            .is_ok_and(|written| config.has_more_than(&written, |kind, name| ours.has(kind, name)));
        return Ok(if has_others {
            SectionState::InUse("other sections are in it".to_owned())
        } else {
            SectionState::AsWritten
        });
    }
    let Some((_, config)) = read(&path)? else {
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
        return Ok(SectionState::Otherwise(format!("the profile {user} uses this {kind}")));
    }
    Ok(if differs.is_empty() {
        SectionState::AsWritten
    } else {
        // Values may be secrets; the keys' names say enough.
        SectionState::Otherwise(format!("it says otherwise by now: {}", differs.join(", ")))
    })
}

/// The keys of a section that say something else than what was written; `None` when it is not there any more.
fn differences(resource: &Resource) -> Result<Option<Vec<String>>, UserError> {
    let (path, name) = place(resource);
    let config = read(&path)?.map(|(_, config)| config);
    let there = config.as_ref().and_then(|config| config.get(section(resource, name)));
    let written = written(resource, name);
    let keys: Vec<&str> = written.keys().map(String::as_str).collect();
    // Without what it stands below, tools would take it for a part of what is above.
    let aside = config
        .as_ref()
        .and_then(|config| config.indented_comment_below(section(resource, name), &keys));
    let aside = aside.map(|line| format!("the indented comment in line {line}"));
    let indented_without_key = config.and_then(|config| config.indented_without_key(section(resource, name)));
    let aside = aside.or_else(|| indented_without_key.map(|line| format!("the indented line {line}")));
    Ok(there.map(|there| {
        let other = there.iter().filter(|(key, value)| written.get(*key) != Some(value));
        let missing = written.keys().filter(|key| !there.contains_key(*key));
        other.map(|(key, _)| key).chain(missing).cloned().chain(aside).collect()
    }))
}

/// How something was taken out of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakenOut {
    /// Just the bytes that were written.
    AsWritten,
    /// Key by key: somebody has written into it.
    ByKeys,
}

/// Whether nothing that we wrote into a section is there any more. Where our text went as a whole, what still stands under
/// that name is somebody else's.
pub fn is_out(resource: &Resource, taken_out: TakenOut) -> Result<bool, UserError> {
    let (path, name) = place(resource);
    let Some((text, config)) = read(&path)? else {
        return Ok(true);
    };
    if taken_out == TakenOut::AsWritten {
        return Ok(resource.text.as_deref().is_none_or(|ours| !text.contains(ours)));
    }
    let there = config.get(section(resource, name));
    let written = written(resource, name);
    Ok(there.is_none_or(|there| !written.keys().any(|key| there.contains_key(key))))
}

/// Whether somebody else's lines keep a section.
pub fn is_kept_by_others(resource: &Resource) -> bool {
    let (path, name) = place(resource);
    let there = read(&path).ok().flatten();
    there.is_some_and(|(_, config)| config.get(section(resource, name)).is_some())
}

/// Takes it out.
pub fn remove_line(context: &Context, resource: &Resource) -> Result<TakenOut, UserError> {
    let (path, name) = place(resource);
    if resource.kind == ResourceKind::ConfigFile {
        // At the end of symlinks, which were there before us and stay.
        let path = &fs::canonicalize(&resource.id).unwrap_or_else(|_| PathBuf::from(&resource.id));
        let is_empty = files::read(path).is_ok_and(|content| content.iter().all(u8::is_ascii_whitespace));
        if is_empty {
            cleanup::remove_file(context, path)?;
            // By the names that the folders were made under.
            cleanup::remove_empty_folders(context, Path::new(&resource.id))?;
        }
        return Ok(TakenOut::AsWritten);
    }
    let Some((text, mut config)) = read(&path)? else {
        return Ok(TakenOut::AsWritten);
    };
    if let Some(line) = config.indented_without_key(section(resource, name)) {
        let why = format!("line {line} is indented below a header, where the AWS CLI reads a key and the SDKs do not");
        return Err(unreadable(&path, &why));
    }
    // Just those bytes, unless somebody has written into a section of ours: that must not lose its header.
    let is_intact = |ours: &&str| {
        let sections = Config::parse(ours.as_bytes());
        text.matches(*ours).count() == 1 && sections.is_ok_and(|sections| config.has_sections_of(&sections))
    };
    // A session and its first profile were written as one text: somebody else's profile may have come to use the session.
    let session = written(resource, name).remove("sso_session").unwrap_or_default();
    let used_before = context.progress.read(|record| {
        let mut sessions = record.resources.iter();
        let it = sessions.find(|other| other.kind == ResourceKind::SsoSession && other.name == session);
        it.map(|session| session.used_before.clone()).unwrap_or_default()
    });
    let is_shared = resource.kind == ResourceKind::CliProfile
        && config
            .profiles_with("sso_session", &session)
            .any(|profile| profile != name && !used_before.contains(&profile));
    let keys: Vec<String> = written(resource, name).into_keys().collect();
    let names: Vec<&str> = keys.iter().map(String::as_str).collect();
    let has_indented_comment = config.indented_comment_below(section(resource, name), &names).is_some();
    let is_others_too = |ours: &str| {
        let stays = context.progress.read(|record| {
            let mut same = record
                .resources
                .iter()
                .filter(|other| other.text.as_deref() == Some(ours));
            // The profile, which went first unless it stays.
            same.any(|other| other.kind == ResourceKind::CliProfile && resource.kind == ResourceKind::SsoSession)
        });
        stays || (is_shared && ours.contains("[sso-session "))
    };
    let is_intact = |ours: &&str| is_intact(ours) && !has_indented_comment && !is_others_too(ours);
    let ours = resource.text.as_deref().filter(is_intact);
    let (after, taken_out) = if let Some(ours) = ours {
        (without(&text, ours), TakenOut::AsWritten)
    } else {
        config.remove(section(resource, name), &keys);
        (config.text(), TakenOut::ByKeys)
    };
    write(&path, &text, &after)?;
    Ok(taken_out)
}

/// Writes the file whole or not at all, over the text that was read.
pub fn write(path: &Path, before: &str, after: &str) -> Result<(), UserError> {
    files::edit_atomically(path, before.as_bytes(), after.as_bytes()).map_err(|error| unreadable(path, &error))
}

/// A text without one of its parts. What was ours may have begun with the line end of the line before it: what somebody
/// has written after it must not be glued to that line.
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
