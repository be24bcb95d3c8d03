//! Sections of `~/.aws/config` that were written, and how they are taken out again: just those bytes, where nobody has
//! changed them, else just our keys.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::aws_files::{Config, Section};
use crate::checklist::Trouble;
use crate::files::{self, Access};
use crate::progress::{Resource, ResourceKind};

/// How a section, or the file, stands.
pub enum Stands {
    AsWritten,
    Gone,
    Otherwise(String),
    InUse(String),
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

fn unreadable(path: &Path, why: &dyn std::fmt::Display) -> Trouble {
    Trouble::failed(
        format!("{} cannot be edited: {why}.", path.display()),
        "mend the file, then: idc-setup undo",
    )
}

fn read(path: &Path) -> Result<Option<(String, Config)>, Trouble> {
    match fs::read(path) {
        Ok(bytes) => {
            let config = Config::parse(&bytes).map_err(|bad| unreadable(path, &bad))?;
            Ok(Some((config.text(), config)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path, &error)),
    }
}

/// The properties that were written into a section, by the text that was.
fn written(resource: &Resource, name: &str) -> BTreeMap<String, String> {
    let text = resource.text.as_deref().unwrap_or_default();
    let config = Config::parse(text.as_bytes()).ok();
    config
        .and_then(|config| config.get(section(resource, name)))
        .unwrap_or_default()
}

/// How it stands.
pub fn stands(resource: &Resource) -> Result<Stands, Trouble> {
    let (path, name) = place(resource);
    if resource.kind == ResourceKind::ConfigFile {
        let Some((_, config)) = read(Path::new(&resource.id))? else {
            return Ok(Stands::Gone);
        };
        // Our sections are gone by the time its turn comes; what somebody else has written keeps it.
        let ours = resource.text.as_deref().unwrap_or_default();
        let has_others = Config::parse(ours.as_bytes()).is_ok_and(|ours| config.has_others_than(&ours));
        return Ok(if has_others {
            Stands::InUse("other sections are in it".to_owned())
        } else {
            Stands::AsWritten
        });
    }
    let Some((_, config)) = read(&path)? else {
        return Ok(Stands::Gone);
    };
    let Some(there) = config.get(section(resource, name)) else {
        return Ok(Stands::Gone);
    };
    let written = written(resource, name);
    let other = there.iter().filter(|(key, value)| written.get(*key) != Some(value));
    let missing = written.keys().filter(|key| !there.contains_key(*key));
    let differs: Vec<&str> = other.map(|(key, _)| key).chain(missing).map(String::as_str).collect();
    Ok(if differs.is_empty() {
        Stands::AsWritten
    } else {
        // Values may be secrets; the keys' names say enough.
        Stands::Otherwise(format!("it says otherwise by now: {}", differs.join(", ")))
    })
}

/// Whether nothing that we wrote into a section is there any more.
pub fn is_out(resource: &Resource) -> Result<bool, Trouble> {
    let (path, name) = place(resource);
    let there = read(&path)?.and_then(|(_, config)| config.get(section(resource, name)));
    let written = written(resource, name);
    Ok(there.is_none_or(|there| !written.keys().any(|key| there.contains_key(key))))
}

/// Takes it out.
pub fn take_out(resource: &Resource) -> Result<(), Trouble> {
    let (path, name) = place(resource);
    if resource.kind == ResourceKind::ConfigFile {
        let path = Path::new(&resource.id);
        let is_empty = fs::read(path).is_ok_and(|content| content.iter().all(u8::is_ascii_whitespace));
        return if is_empty { remove_file(path) } else { Ok(()) };
    }
    let Some((text, mut config)) = read(&path)? else {
        return Ok(());
    };
    // Just those bytes, unless somebody has written into a section of ours: that must not lose its header.
    let is_intact = |ours: &&str| {
        let sections = Config::parse(ours.as_bytes());
        text.matches(*ours).count() == 1 && sections.is_ok_and(|sections| config.holds(&sections))
    };
    let ours = resource.text.as_deref().filter(is_intact);
    let after = if let Some(ours) = ours {
        text.replacen(ours, "", 1)
    } else {
        let keys: Vec<String> = written(resource, name).into_keys().collect();
        config.remove(section(resource, name), &keys);
        config.text()
    };
    files::write_atomically(&path, after.as_bytes(), Access::AsBefore).map_err(|error| unreadable(&path, &error))
}

/// Removes a file of ours, and the folders that held nothing else.
pub fn remove_file(path: &Path) -> Result<(), Trouble> {
    match fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => {
            return Err(Trouble::failed(
                format!("{} cannot be removed: {error}.", path.display()),
                "mend its folder's rights, then: idc-setup undo",
            ));
        }
    }
    // `sso/cache`, `sso`, `.aws`: only while they are empty, and never further up.
    for folder in path.ancestors().skip(1).take_while(|folder| {
        let name = folder.file_name().unwrap_or_default();
        ["cache", "sso", ".aws"].iter().any(|known| name == *known)
    }) {
        if fs::remove_dir(folder).is_err() {
            break;
        }
    }
    Ok(())
}
