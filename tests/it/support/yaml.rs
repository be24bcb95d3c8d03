//! YAML as JSON values, for the workflow of a page and the definition of the Action.

use saphyr_parser::{Event, Parser};
use serde_json::{Map, Value};

/// Parses a YAML document without aliases. Every scalar is a string.
pub fn parse(text: &str) -> Value {
    let events = Parser::new_from_str(text).map(|event| event.expect("YAML").0);
    let mut events = events.filter(|event| !matches!(event, Event::StreamStart | Event::DocumentStart(_)));
    let first = events.next().expect("a document");
    value(first, &mut events)
}

/// The value that begins with this event.
fn value<'a>(event: Event<'a>, events: &mut dyn Iterator<Item = Event<'a>>) -> Value {
    match event {
        Event::Scalar(text, ..) => Value::String(text.into_owned()),
        Event::SequenceStart(..) => {
            let mut items = Vec::new();
            loop {
                match events.next().expect("the end of the list") {
                    Event::SequenceEnd => return Value::Array(items),
                    item => items.push(value(item, events)),
                }
            }
        }
        Event::MappingStart(..) => {
            let mut entries = Map::new();
            loop {
                match events.next().expect("the end of the table") {
                    Event::MappingEnd => return Value::Object(entries),
                    Event::Scalar(key, ..) => {
                        let first = events.next().expect("a value");
                        entries.insert(key.into_owned(), value(first, events));
                    }
                    other => panic!("{other:?} is not a key"),
                }
            }
        }
        other => panic!("{other:?} is not a value"),
    }
}
