//! Names for resources in other tools: valid for any name, stable from run to run, and different for different resources.
//!
//! A name that is already valid stays as it is. Any other name gets the digest of the whole name at its end, so that two names with
//! the same valid characters differ. A valid name that ends like one with a digest gets one too.

use std::collections::BTreeMap;

use aws_config_file::files::digest;

/// The hexadecimal digits of a digest in a name.
const DIGEST: usize = 10;
/// The most characters of the readable part.
const LONGEST: usize = 80;

/// The names that were given, with what has them.
#[derive(Debug, Default)]
pub(super) struct Labels {
    given: BTreeMap<String, Vec<String>>,
}

impl Labels {
    /// The name of a resource of Terraform, for what these texts identify: letters, digits, `_` and `-`.
    ///
    /// `kind` is the type: names of different types can be the same.
    pub fn terraform(&mut self, kind: &str, parts: &[&str]) -> String {
        let is_valid = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let readable = readable(parts, is_valid, "_");
        let readable = match readable.chars().next() {
            Some(first) if first.is_ascii_alphabetic() || first == '_' => readable,
            _ => format!("_{readable}"),
        };
        self.unique(kind, parts, &readable, "_")
    }

    /// The logical ID of a resource of CloudFormation: letters and digits.
    pub fn cloudformation(&mut self, prefix: &str, parts: &[&str]) -> String {
        let readable = readable(parts, |c| c.is_ascii_alphanumeric(), "");
        format!("{prefix}{}", self.unique(prefix, parts, &readable, ""))
    }

    /// The readable name, with a digest if it is not the name itself. Two resources whose digests are the same too get longer ones.
    fn unique(&mut self, kind: &str, parts: &[&str], readable: &str, separator: &str) -> String {
        let owner: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
        let digest = digest(serde_json::json!(parts).to_string().as_bytes());
        let digested = |length: usize| {
            let end: String = digest.chars().take(length).collect();
            format!("{readable}{separator}{end}")
        };
        let is_plain = matches!(parts, [only] if *only == readable) && !ends_with_digest(readable);
        let candidates = is_plain
            .then(|| readable.to_owned())
            .into_iter()
            .chain((DIGEST..=digest.len()).map(digested));
        let mut last = String::new();
        for candidate in candidates {
            let given = self.given.entry(format!("{kind}\0{candidate}"));
            if *given.or_insert_with(|| owner.clone()) == owner {
                return candidate;
            }
            last = candidate;
        }
        last
    }
}

/// The valid characters of the texts. Each run of others becomes the separator.
fn readable(parts: &[&str], is_valid: impl Fn(char) -> bool, separator: &str) -> String {
    let text = parts.join(" ");
    let words = text.split(|c: char| !is_valid(c)).filter(|word| !word.is_empty());
    let joined = words.collect::<Vec<_>>().join(separator);
    joined.chars().take(LONGEST).collect()
}

/// Whether a name could be one with a digest.
fn ends_with_digest(name: &str) -> bool {
    let end = name.len().checked_sub(DIGEST).and_then(|start| name.get(start..));
    end.is_some_and(|end| end.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn is_terraform(name: &str) -> bool {
        let mut letters = name.chars();
        letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
            && letters.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
    }

    #[test]
    fn a_valid_name_stays_as_it_is() {
        let mut labels = Labels::default();
        assert_eq!(labels.terraform("group", &["Platform-team_2"]), "Platform-team_2");
        assert_eq!(labels.cloudformation("Group", &["Admins"]), "GroupAdmins");
        // The same again, and the same name of another type.
        assert_eq!(labels.terraform("group", &["Platform-team_2"]), "Platform-team_2");
        assert_eq!(labels.terraform("user", &["Platform-team_2"]), "Platform-team_2");
    }

    #[test]
    fn names_with_the_same_valid_characters_differ() {
        let mut labels = Labels::default();
        let names = [
            "ada@example.com",
            "ada_example_com",
            "ada example.com",
            "Ada@example.com",
            "1",
            "",
            "ü",
        ];
        let given: BTreeSet<String> = names.iter().map(|name| labels.terraform("user", &[name])).collect();
        assert_eq!(given.len(), names.len(), "{given:?}");
        let pairs = [["a b", "c"], ["a", "b c"], ["a\0b", "c"], ["a", "b\0c"]];
        let given: BTreeSet<String> = pairs.iter().map(|pair| labels.terraform("member", pair)).collect();
        assert_eq!(given.len(), pairs.len(), "{given:?}");
    }

    proptest! {
        #[test]
        fn every_name_gives_a_valid_name_that_no_other_has(names in prop::collection::btree_set(any::<String>(), 1..20)) {
            let (mut labels, mut again) = (Labels::default(), Labels::default());
            let mut given = BTreeSet::new();
            for name in &names {
                let label = labels.terraform("user", &[name]);
                prop_assert!(is_terraform(&label), "{label:?}");
                prop_assert!(given.insert(label));
                let id = labels.cloudformation("User", &[name]);
                prop_assert!(id.chars().all(|c| c.is_ascii_alphanumeric()) && id.len() <= 255, "{id:?}");
            }
            // Another order, with others before them, gives the same names.
            again.terraform("user", &["someone else"]);
            for name in names.iter().rev() {
                prop_assert!(given.contains(&again.terraform("user", &[name])));
            }
        }

        #[test]
        fn a_name_that_looks_like_one_with_a_digest_takes_no_name_away(name in "[a-z]{1,5}[ .@][a-z]{1,5}") {
            let mut labels = Labels::default();
            let label = labels.terraform("user", &[&name]);
            prop_assert_ne!(labels.terraform("user", &[&label]), label);
        }
    }
}
