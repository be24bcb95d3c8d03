//! The name that a mistyped name most likely means.

/// The name that differs least from a text, if it is similar enough to be what was meant. Upper and lower case are
/// compared as equal.
pub fn nearest<'n>(text: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let typed = text.to_lowercase();
    let length = typed.chars().count();
    let most = (length / 3).clamp(1, 3);
    names
        .into_iter()
        // Comparing is slow, and the length alone rules most names out.
        .filter(|name| name.chars().count().abs_diff(length) <= most)
        .map(|name| (strsim::damerau_levenshtein(&typed, &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_similar_name_is_found_and_a_different_one_is_not() {
        let names = ["platform", "Prod", "security"];
        for (text, expected) in [
            ("platfrom", Some("platform")),
            ("prod", Some("Prod")),
            ("Prd", Some("Prod")),
            ("securty", Some("security")),
            ("billing", None),
            ("", None),
        ] {
            assert_eq!(nearest(text, names), expected, "{text}");
        }
    }
}
