//! The JSON Schema of access files.

use serde_json::{Map, Value, json};

use super::FORMAT;
use super::keys::{FILE, Key, OF_FIRST_FILE, REQUIRED_OF_FIRST_FILE, Shape, Table};

/// The JSON Schema of an access file, and of the files that it includes.
pub fn schema() -> schemars::Schema {
    let mut file = table(&FILE);
    file.insert(
        "$schema".to_owned(),
        json!("https://json-schema.org/draft/2020-12/schema"),
    );
    file.insert("title".to_owned(), json!("Access file of idc-setup"));
    let of_first_file: Vec<Value> = OF_FIRST_FILE.iter().map(|key| json!({"required": [key]})).collect();
    let is_first = json!({"required": REQUIRED_OF_FIRST_FILE});
    let is_included = json!({"not": {"anyOf": of_first_file}});
    file.insert("anyOf".to_owned(), json!([is_first, is_included]));
    schemars::Schema::from(file)
}

fn table(table: &Table) -> Map<String, Value> {
    let properties: Map<String, Value> = table
        .keys
        .iter()
        .map(|key| (key.name.to_owned(), property(key)))
        .collect();
    let required: Vec<&str> = table
        .keys
        .iter()
        .filter(|key| key.is_required)
        .map(|key| key.name)
        .collect();
    let mut schema: Map<String, Value> = [
        ("type".to_owned(), json!("object")),
        ("description".to_owned(), json!(table.about)),
        ("properties".to_owned(), Value::Object(properties)),
        ("additionalProperties".to_owned(), json!(false)),
    ]
    .into_iter()
    .collect();
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    schema
}

fn property(key: &Key) -> Value {
    let mut schema = match key.shape {
        Shape::Format => json!({"const": FORMAT}),
        Shape::Text => json!({"type": "string"}),
        Shape::Bool => json!({"type": "boolean"}),
        Shape::Count(most) => json!({"type": "integer", "minimum": 0, "maximum": most}),
        Shape::Day => json!({"type": "string", "format": "date"}),
        Shape::OneOf(words) => json!({"enum": words}),
        Shape::Texts => json!({"type": "array", "items": {"type": "string"}}),
        Shape::SomeTexts => json!({"type": "array", "items": {"type": "string"}, "minItems": 1}),
        Shape::TextMap => json!({"type": "object", "additionalProperties": {"type": "string"}}),
        Shape::Document => json!({"type": ["string", "object"]}),
        Shape::Table(inner) => Value::Object(table(inner)),
        Shape::Tables(inner) => json!({"type": "array", "items": table(inner)}),
        Shape::Named(inner) => json!({"type": "object", "additionalProperties": table(inner)}),
    };
    schema["description"] = json!(key.about);
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of the properties of a table, by its path in the schema.
    fn properties(schema: &Value, path: &str) -> Vec<String> {
        let properties = schema.pointer(path).and_then(Value::as_object).unwrap();
        properties.keys().cloned().collect()
    }

    #[test]
    fn the_schema_has_the_keys_that_are_read() {
        let schema = schema().to_value();
        let tables = [
            ("", &FILE),
            ("/properties/defaults", &super::super::keys::DEFAULTS),
            ("/properties/guard", &super::super::keys::GUARD),
            (
                "/properties/account-sets/additionalProperties",
                &super::super::keys::ACCOUNT_SET,
            ),
            ("/properties/user/items", &super::super::keys::USER),
            ("/properties/group/items", &super::super::keys::GROUP),
            ("/properties/permission-set/items", &super::super::keys::PERMISSION_SET),
            ("/properties/assignment/items", &super::super::keys::ASSIGNMENT),
        ];
        for (path, table) in tables {
            let mut expected: Vec<&str> = table.keys.iter().map(|key| key.name).collect();
            let mut found = properties(&schema, &format!("{path}/properties"));
            expected.sort_unstable();
            found.sort_unstable();
            assert_eq!(found, expected, "{path}");
        }
        assert!(OF_FIRST_FILE.iter().all(|name| FILE.key(name).is_some()));
        assert!(REQUIRED_OF_FIRST_FILE.iter().all(|name| OF_FIRST_FILE.contains(name)));
    }

    #[test]
    fn first_and_included_files_fit_the_schema() {
        let schema = schema().to_value();
        let is_valid = |file: Value| jsonschema::is_valid(&schema, &file);
        assert!(is_valid(
            json!({"format": 1, "name": "acme", "user": [{"name": "ada"}]})
        ));
        assert!(is_valid(json!({"group": [{"name": "platform", "members": ["ada"]}]})));
        assert!(!is_valid(json!({"format": 1})));
        assert!(!is_valid(json!({"guard": {}})));
        assert!(!is_valid(json!({"user": [{"nmae": "ada"}]})));
        assert!(!is_valid(json!({"user": [{}]})));
    }
}
