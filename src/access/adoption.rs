//! Taking over permission sets that exist: the commands that sentences name, and why there is nothing to take over.

use std::collections::BTreeMap;

use super::desired::Desired;
use super::guards::Patterns;
use crate::resources::inventory::Inventory;
use crate::shell::quoted;

/// The commands that sentences about permission sets name, with the arguments that they need: in a rehearsal, they are
/// others.
#[derive(Debug, Clone)]
pub struct CommandLines {
    /// Takes over permission sets that nobody owns.
    pub adopt: String,
    /// Applies the access file.
    pub apply: String,
}

impl Default for CommandLines {
    fn default() -> Self {
        Self {
            adopt: "idc-setup access adopt".to_owned(),
            apply: "idc-setup access apply".to_owned(),
        }
    }
}

impl CommandLines {
    /// The command that takes over the permission sets that the access file with this name owns.
    pub fn adopt_from(&self, owner: &str) -> String {
        format!("{} --from {}", self.adopt, quoted(owner))
    }
}

/// Why no permission set that the file lists can be taken over, in sentences.
pub fn nothing(desired: &Desired, observed: &Inventory, commands: &CommandLines) -> String {
    let ignore = Patterns::new(&desired.guard.ignore, &observed.accounts);
    let (mut own, mut ignored, mut missing) = (0, 0, 0);
    let mut of_others: BTreeMap<&str, usize> = BTreeMap::new();
    for name in desired.permission_sets.keys() {
        match observed.permission_set_named(name) {
            _ if ignore.permission_set(name) => ignored += 1,
            None => missing += 1,
            Some(set) if set.owner.as_ref() == Some(&desired.name) => own += 1,
            // One without an owner is taken over, or refused.
            Some(set) => {
                if let Some(owner) = &set.owner {
                    *of_others.entry(owner).or_default() += 1;
                }
            }
        }
    }
    let mut sentences = vec!["There is no permission set to take over.".to_owned()];
    if desired.permission_sets.is_empty() {
        sentences.push("The file lists none.".to_owned());
    }
    if own > 0 {
        sentences.push(format!("The file owns {own} already."));
    }
    for (owner, count) in of_others {
        sentences.push(format!(
            "The access file {owner} owns {count}: if you renamed this file, run {}.",
            commands.adopt_from(owner)
        ));
    }
    if missing > 0 {
        let (verb, them) = if missing == 1 { ("does", "it") } else { ("do", "them") };
        sentences.push(format!(
            "{missing} {verb} not exist yet: {} creates {them}, and the file then owns {them}.",
            commands.apply
        ));
    }
    if ignored > 0 {
        let be = if ignored == 1 { "is" } else { "are" };
        sentences.push(format!("{ignored} {be} ignored."));
    }
    sentences.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::model::{FILE, Fill, desired, desired_set, inventory, spec};

    #[test]
    fn the_reasons_why_nothing_is_taken_over_are_counted() {
        let (mut file, mut live) = (desired(), inventory());
        assert_eq!(
            nothing(&file, &live, &CommandLines::default()),
            "There is no permission set to take over. The file lists none."
        );
        for name in ["Own", "Dev", "Ops", "New"] {
            file.permission_sets.insert(name.to_owned(), desired_set(spec(name, 0)));
        }
        live.add_set("own", &spec("Own", 0), Some(FILE));
        live.add_set("dev", &spec("Dev", 0), Some("old name"));
        live.add_set("ops", &spec("Ops", 0), Some("old name"));
        assert_eq!(
            nothing(&file, &live, &CommandLines::default()),
            "There is no permission set to take over. The file owns 1 already. The access file old name owns 2: if you \
             renamed this file, run idc-setup access adopt --from 'old name'. 1 does not exist yet: idc-setup access apply \
             creates it, and the file then owns it."
        );
        file.permission_sets
            .insert("Newer".to_owned(), desired_set(spec("Newer", 0)));
        let several = nothing(&file, &live, &CommandLines::default());
        assert!(
            several.ends_with("2 do not exist yet: idc-setup access apply creates them, and the file then owns them."),
            "{several}"
        );
    }
}
