//! Finding an organizational unit by its ID or its path.

use super::nearest::nearest;
use super::selector::{SelectorError, UnitReference};
use crate::resources::inventory::{Accounts, Unit};
use crate::text::few;

/// The most paths in a suggestion.
const MOST_PATHS: usize = 5;

/// The ID of the unit or root that a selector names.
///
/// # Errors
/// When there is no such unit, or several of this name.
pub fn find<'a>(accounts: &'a Accounts, reference: &UnitReference) -> Result<&'a str, SelectorError> {
    match reference {
        UnitReference::Id(id) => with_id(accounts, id),
        UnitReference::Path(names) => at_path(accounts, names),
    }
}

/// The IDs of the root and the units that contain a unit, from the root down, with the unit itself at the end.
pub fn path_to(accounts: &Accounts, unit: &str) -> Vec<String> {
    // An account below the unit knows the path, also if the names of the units were not read.
    let known = accounts.all.values().find_map(|account| {
        let end = account.path.iter().position(|id| id == unit)?;
        account.path.get(..=end)
    });
    if let Some(path) = known {
        return path.to_vec();
    }
    let mut path = vec![unit.to_owned()];
    let mut inner = unit;
    while let Some(parent) = accounts.units.get(inner).and_then(|unit| unit.parent.as_deref()) {
        if path.iter().any(|id| id == parent) {
            break;
        }
        path.push(parent.to_owned());
        inner = parent;
    }
    path.reverse();
    path
}

fn with_id<'a>(accounts: &'a Accounts, id: &str) -> Result<&'a str, SelectorError> {
    if let Some((known, _)) = accounts.units.get_key_value(id) {
        return Ok(known.as_str());
    }
    let mut ids = accounts.all.values().flat_map(|account| &account.path);
    if let Some(known) = ids.find(|known| *known == id) {
        return Ok(known.as_str());
    }
    let ids = accounts.all.values().flat_map(|account| &account.path);
    let suggestion = match nearest(id, ids.map(String::as_str)) {
        Some(known) => format!("The nearest ID is {known}."),
        None => "Look up the ID in AWS Organizations, or write the path of names.".to_owned(),
    };
    Err(SelectorError::new(
        format!("There is no organizational unit {id} with accounts in it."),
        suggestion,
    ))
}

fn at_path<'a>(accounts: &'a Accounts, names: &[String]) -> Result<&'a str, SelectorError> {
    let mut found: Option<&'a str> = None;
    for (depth, name) in names.iter().enumerate() {
        let siblings: Vec<(&'a str, &'a str)> = accounts
            .units
            .iter()
            .filter(|(_, unit)| is_in(unit, found))
            .map(|(id, unit)| (id.as_str(), unit.name.as_str()))
            .collect();
        let matching: Vec<&'a str> = siblings
            .iter()
            .filter(|(_, sibling)| sibling == name)
            .map(|(id, _)| *id)
            .collect();
        match matching.as_slice() {
            [id] => found = Some(*id),
            [] => return Err(unknown(accounts, names, depth, &siblings)),
            several => {
                return Err(SelectorError::new(
                    format!(
                        "The path {} of an organizational unit is ambiguous.",
                        text(&names[..=depth])
                    ),
                    format!("Use one of the IDs: {}.", several.join(", ")),
                ));
            }
        }
    }
    found.ok_or_else(|| SelectorError::new("An organizational unit has no name.", "Write ou:NAME."))
}

/// Whether a unit is directly in another one; in the root if there is none.
fn is_in(unit: &Unit, parent: Option<&str>) -> bool {
    match (unit.parent.as_deref(), parent) {
        (Some(actual), Some(parent)) => actual == parent,
        (Some(actual), None) => actual.starts_with("r-"),
        (None, _) => false,
    }
}

/// Says which name of a path does not exist, and what exists in its place.
fn unknown(accounts: &Accounts, names: &[String], depth: usize, siblings: &[(&str, &str)]) -> SelectorError {
    let (parents, name) = (&names[..depth], &names[depth]);
    let place = match parents {
        [] => "below the root".to_owned(),
        parents => format!("in {}", text(parents)),
    };
    let message = format!("There is no organizational unit {name:?} {place}.");
    if name.contains(['*', '?']) {
        return SelectorError::new(
            message,
            "Names in a path are exact. /** at its end adds all units below it.",
        );
    }
    let beside = |sibling: &str| {
        let mut path = parents.to_vec();
        path.push(sibling.to_owned());
        text(&path)
    };
    if let Some(sibling) = nearest(name, siblings.iter().map(|(_, sibling)| *sibling)) {
        return SelectorError::new(message, format!("The nearest path is {}.", beside(sibling)));
    }
    let elsewhere: Vec<String> = accounts
        .units
        .iter()
        .filter(|(_, unit)| unit.name == *name && unit.parent.is_some())
        .map(|(id, _)| path_of_names(accounts, id))
        .collect();
    let suggestion = match elsewhere.as_slice() {
        [] if siblings.is_empty() && parents.is_empty() => "The organization has no organizational units.".to_owned(),
        [] if siblings.is_empty() => format!("{} contains no organizational units.", text(parents)),
        [] => {
            let mut all: Vec<String> = siblings.iter().map(|(_, sibling)| beside(sibling)).collect();
            all.sort_unstable();
            format!("There are: {}.", few(&all, MOST_PATHS))
        }
        [path] => format!("Did you mean {path}?"),
        paths => format!("The name is ambiguous: {}.", few(paths, MOST_PATHS)),
    };
    SelectorError { message, suggestion }
}

/// The names of a unit and of those that contain it, as a path.
fn path_of_names(accounts: &Accounts, unit: &str) -> String {
    let path = path_to(accounts, unit);
    let units = path.iter().filter(|id| !id.starts_with("r-"));
    let names: Vec<String> = units
        .map(|id| {
            accounts
                .units
                .get(id)
                .map_or_else(|| id.clone(), |unit| unit.name.clone())
        })
        .collect();
    text(&names)
}

/// A path as a file has it.
fn text(names: &[String]) -> String {
    UnitReference::Path(names.to_vec()).to_string()
}
