//! The formats that an access file can have.

use std::path::Path;

use super::source::Source;
use super::tree::Node;
use super::{from_json, from_toml, from_yaml};
use crate::access::mistake::Mistake;

/// A format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// TOML, the native format.
    Toml,
    /// YAML 1.2.
    Yaml,
    /// JSON.
    Json,
}

impl Format {
    /// The format of a file, by the end of its name; `None` if it has none of them.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "toml" => Some(Self::Toml),
            "yaml" | "yml" => Some(Self::Yaml),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    /// Reads a text of this format.
    ///
    /// # Errors
    /// Syntax errors, and values that no access file can contain. A repeated key is neither:
    /// `tree::repeated_keys` finds it.
    pub fn parse(self, source: &Source) -> Result<Node, Vec<Mistake>> {
        if let Some(at) = source.text.find('\0') {
            let message = "The file is not text: it contains a zero byte.";
            return Err(vec![source.mistake(at, message, "Save the file as text in UTF-8.")]);
        }
        match self {
            Self::Toml => from_toml::parse(source),
            Self::Yaml => from_yaml::parse(source),
            Self::Json => from_json::parse(source),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::repeated_keys;
    use super::*;

    #[test]
    fn json_can_have_tabs_and_escapes() {
        let text = "{\n\t\"a\":\t[1, 2.5, -3e2],\n\t\"b\": \"\\ud83d\\ude00 \\/ \\\"\",\n\t\"c\": {\"d\": null, \"e\": true}\n}\n";
        let source = Source::new(Path::new("a.json"), text);
        let root = Format::Json.parse(&source).unwrap();
        let expected: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(root.to_json(), expected);
        let b = root.get("b").unwrap();
        assert_eq!(source.place(b.span.start).to_string(), "a.json:3:7");
    }

    #[test]
    fn the_same_key_twice_is_a_mistake_in_every_format() {
        for (format, text) in [
            (Format::Toml, "a = 1\na = 2\n"),
            (Format::Yaml, "a: 1\na: 2\n"),
            (Format::Json, "{\"a\": 1,\n\"a\": 2}\n"),
        ] {
            let source = Source::new(Path::new("a"), text);
            let read = format.parse(&source);
            let mistakes = read.map_or_else(|mistakes| mistakes, |root| repeated_keys(&source, &root));
            assert_eq!((mistakes.len(), mistakes[0].place.line), (1, 2), "{mistakes:?}");
        }
    }

    #[test]
    fn nesting_is_limited_in_every_format() {
        let brackets = "[".repeat(100_000);
        for (format, text) in [
            (Format::Toml, format!("a = {brackets}")),
            (Format::Toml, format!("a = {}{}", "[".repeat(60), "]".repeat(60))),
            (Format::Yaml, brackets.clone()),
            (Format::Json, format!("{}{}", "[".repeat(60), "]".repeat(60))),
            (Format::Json, brackets),
        ] {
            assert!(format.parse(&Source::new(Path::new("a"), &text)).is_err());
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics_and_every_mistake_is_in_the_file(text in "([a-z\\[\\]{}:,\"'\n\r #=.&*!|>0-9äö<~-]|\\PC|.){0,60}") {
            let source = Source::new(Path::new("a"), &text);
            let lines = text.matches('\n').count() + 1;
            for format in [Format::Toml, Format::Yaml, Format::Json] {
                for mistake in format.parse(&source).err().unwrap_or_default() {
                    proptest::prop_assert!((1..=lines).contains(&mistake.place.line), "{mistake:?}");
                    let line = text.split('\n').nth(mistake.place.line - 1).unwrap_or_default();
                    proptest::prop_assert!(mistake.place.column <= line.chars().count() + 1, "{mistake:?}");
                }
            }
        }

        #[test]
        fn every_value_of_json_is_read_as_serde_json_reads_it(value in value()) {
            let text = serde_json::to_string_pretty(&value).unwrap();
            let read = |format: Format, text: &str| format.parse(&Source::new(Path::new("a"), text)).map(|node| node.to_json());
            proptest::prop_assert_eq!(read(Format::Json, &text), Ok(value.clone()));
            // JSON without escapes of surrogates is YAML.
            proptest::prop_assert_eq!(read(Format::Yaml, &text), Ok(value));
        }
    }

    /// A table with values of all kinds.
    fn value() -> impl proptest::strategy::Strategy<Value = serde_json::Value> {
        use proptest::prelude::*;
        let leaf = prop_oneof![
            any::<bool>().prop_map(serde_json::Value::from),
            any::<i64>().prop_map(serde_json::Value::from),
            "[ -~äö東]{0,12}".prop_map(serde_json::Value::from),
        ];
        let inner = leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
                prop::collection::btree_map("[a-z]{1,6}", inner, 0..4)
                    .prop_map(|map| map.into_iter().collect::<serde_json::Value>()),
            ]
        });
        prop::collection::btree_map("[a-z]{1,6}", inner, 1..4)
            .prop_map(|map| map.into_iter().collect::<serde_json::Value>())
    }
}
