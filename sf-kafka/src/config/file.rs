//! A configuration from a file: a connector's JSON as it is given to Kafka Connect, or `.properties`.

use std::borrow::Cow;
use std::fmt;
use std::io::Read;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::problem::{Finding, Severity};
use super::properties;
use super::raw::Config;

/// No real configuration comes near it; a file beyond it is something else.
const LARGEST_FILE: u64 = 4 * 1024 * 1024;

impl Config {
    /// Reads a file: JSON where its name ends in `.json` or its first character is `{`, otherwise
    /// `.properties`.
    ///
    /// # Errors
    /// Where it cannot be read or is neither.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ReadError> {
        let path = path.as_ref();
        let origin =
            path.file_name().map_or_else(|| path.display().to_string(), |name| name.display().to_string());
        let failed = |what: &dyn fmt::Display| ReadError { message: format!("{}: {what}", path.display()) };
        let mut bytes = Vec::new();
        std::fs::File::open(path)
            .and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut bytes))
            .map_err(|error| failed(&format_args!("cannot be read: {error}")))?;
        if bytes.len() as u64 > LARGEST_FILE {
            return Err(failed(&"is larger than 4 MiB, so it is no connector's configuration"));
        }
        let text = decode(&bytes);
        let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
        let is_json = match extension.as_ref().and_then(|extension| extension.to_str()) {
            Some("json") => true,
            Some("properties") => false,
            _ => text.trim_start().starts_with('{'),
        };
        let config =
            if is_json { Self::from_json(origin, &text) } else { Self::from_properties(origin, &text) }?;
        Ok(config.in_folder(path.parent()))
    }

    /// Reads Kafka Connect's JSON: the keys themselves, or `{"name": …, "config": {…}}`.
    ///
    /// Numbers and booleans are taken as their text, as Kafka Connect takes them. A value that is neither
    /// becomes a problem of its key.
    ///
    /// # Errors
    /// Where the text is not JSON, with line and column, or not an object.
    pub fn from_json(origin: impl Into<String>, text: &str) -> Result<Self, ReadError> {
        let mut config = Self::new(origin);
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let Pairs(pairs) = parse(config.origin(), text)?;
        // Only a config that is an object makes it the wrapped form.
        if !pairs.iter().any(|(key, value)| key == "config" && value.is_object()) {
            fill(&mut config, pairs);
            return Ok(config);
        }
        // Read again, as a Value has already forgotten which keys were given twice.
        let Wrapped(inner) = parse(config.origin(), text)?;
        for (key, value) in pairs {
            match (key.as_str(), value) {
                ("config", Value::Object(_)) => {}
                ("name", Value::String(name)) => config.set_outer_name(name),
                // Kafka Connect's own words for how a connector starts, and what its GET adds.
                ("initial_state" | "tasks" | "type" | "name", _) => {}
                _ => {
                    let message = "stands outside of \"config\" and is not read; move it inside";
                    config.add_finding(Finding::new(Severity::Warning, key, message));
                }
            }
        }
        let mut configs = inner.into_iter();
        if let Some(pairs) = configs.next() {
            fill(&mut config, pairs.0);
        }
        if configs.next().is_some() {
            config.add_finding(Finding::new(Severity::Problem, "config", "given twice; keep one of them"));
        }
        Ok(config)
    }

    /// Reads the text of a `.properties` file.
    ///
    /// # Errors
    /// Where an escape in it is wrong, with the line.
    pub fn from_properties(origin: impl Into<String>, text: &str) -> Result<Self, ReadError> {
        let mut config = Self::new(origin);
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (key, value) in properties::pairs(config.origin(), text)? {
            config.add(key, value);
        }
        Ok(config)
    }
}

/// UTF-8, or else Latin-1, which Java takes every `.properties` file for.
fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect()),
    }
}

fn parse<'a, T: Deserialize<'a>>(origin: &str, text: &'a str) -> Result<T, ReadError> {
    serde_json::from_str(text).map_err(|error| {
        if error.is_data() {
            let message = "must be a JSON object: {\"key\": \"value\", …}";
            return ReadError::syntax(origin, error.line(), None, message);
        }
        let said = error.to_string();
        let said = said.split(" at line ").next().unwrap_or_default();
        // The parser has then counted the end of the line already.
        if said.contains("control character") && error.column() == 0 {
            let message = "a text is not closed on this line: a quotation mark is missing";
            return ReadError::syntax(origin, error.line() - 1, None, message);
        }
        ReadError::syntax(origin, error.line(), Some(error.column()), &format!("not valid JSON: {said}"))
    })
}

fn fill(config: &mut Config, pairs: Vec<(String, Value)>) {
    for (key, value) in pairs {
        let what = match value {
            Value::String(text) => {
                config.add(key, text);
                continue;
            }
            Value::Number(number) => {
                config.add(key, number.to_string());
                continue;
            }
            Value::Bool(truth) => {
                config.add(key, truth.to_string());
                continue;
            }
            Value::Null => "null; give it a value or leave the key out",
            Value::Array(_) => "an array; write a list as one text with commas",
            Value::Object(_) => "an object; every value must be a text",
        };
        config.add_finding(Finding::new(Severity::Problem, key, format!("is {what}")));
    }
}

/// The pairs of an object, a key that is given twice standing twice.
struct Pairs(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// The `config` objects of a wrapped configuration.
struct Wrapped(Vec<Pairs>);

impl<'de> Deserialize<'de> for Wrapped {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Wrapped;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Wrapped, A::Error> {
                let mut configs = Vec::new();
                while let Some(key) = map.next_key::<String>()? {
                    if key == "config" {
                        configs.push(map.next_value()?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Wrapped(configs))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// A configuration that could not be read at all. It never repeats the file's text, which may hold secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    message: String,
}

impl ReadError {
    pub(super) fn syntax(origin: &str, line: usize, column: Option<usize>, message: &str) -> Self {
        let column = column.map(|column| format!(", column {column}")).unwrap_or_default();
        Self { message: format!("{origin}: line {line}{column}: {message}") }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ReadError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(config: &Config) -> Vec<(&str, &str)> {
        config.findings().iter().map(|finding| (finding.key(), finding.message())).collect()
    }

    #[test]
    fn flat_and_wrapped_json_hold_the_same() {
        let flat = Config::from_json("a", r#"{"name":"leads","tasks.max":1,"x":true,"y":"t"}"#).unwrap();
        let wrapped =
            Config::from_json("a", r#"{"name":"leads","config":{"tasks.max":1,"x":true,"y":"t"}}"#).unwrap();
        for config in [&flat, &wrapped] {
            assert_eq!(config.get("tasks.max"), Some("1"));
            assert_eq!(config.get("x"), Some("true"));
            assert_eq!(config.get("y"), Some("t"));
            assert!(config.findings().is_empty());
        }
        assert_eq!(flat.get("name"), Some("leads"));
        assert_eq!(wrapped.outer_name(), Some("leads"));
    }

    #[test]
    fn numbers_keep_the_text_that_they_were_written_with() {
        let config = Config::from_json("a", r#"{"a":1.50,"b":123456789012345678901234567890}"#).unwrap();
        assert_eq!(config.get("a"), Some("1.50"));
        assert_eq!(config.get("b"), Some("123456789012345678901234567890"));
    }

    #[test]
    fn values_that_are_no_text_and_keys_given_twice_name_the_key() {
        let text = r#"{"a":null,"b":[1],"c":{"d":1},"e":"1","e":"2","f":"1","f":"1"}"#;
        for text in [text.to_owned(), format!(r#"{{"name":"n","config":{text}}}"#)] {
            let config = Config::from_json("a", &text).unwrap();
            let found = messages(&config);
            assert_eq!(found[0], ("a", "is null; give it a value or leave the key out"));
            assert_eq!(found[1], ("b", "is an array; write a list as one text with commas"));
            assert_eq!(found[2], ("c", "is an object; every value must be a text"));
            assert_eq!(found[3], ("e", "given twice, with two values; keep one of them"));
            assert_eq!(found[4], ("f", "given twice, with the same value"));
            assert_eq!(config.findings()[4].severity(), Severity::Warning);
        }
    }

    #[test]
    fn broken_json_names_line_and_column_and_repeats_nothing() {
        let cases = [
            (
                "{\n \"connector.class\": \"SECRET,\n \"name\": \"x\"}",
                "a.json: line 2: a text is not closed on this line",
            ),
            (
                "{\n \"a\": \"SECRET\"\n \"b\": 1}",
                "a.json: line 3, column 2: not valid JSON: expected `,` or `}`",
            ),
            ("{\"a\": \"SECRET\",}", "a.json: line 1, column 16: not valid JSON: trailing comma"),
            ("", "a.json: line 1, column 0: not valid JSON: EOF"),
            ("[\"SECRET\"]", "a.json: line 1: must be a JSON object"),
            ("\"SECRET\"", "a.json: line 1: must be a JSON object"),
        ];
        for (text, start) in cases {
            let error = Config::from_json("a.json", text).unwrap_err().to_string();
            assert!(error.starts_with(start), "{error}");
            assert!(!error.contains("SECRET"), "{error}");
        }
    }

    #[test]
    fn a_file_is_told_by_its_name_and_else_by_its_first_character() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| {
            let path = dir.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            Config::read(&path)
        };
        assert_eq!(write("a.json", b"\xef\xbb\xbf{\"k\":\"v\"}").unwrap().get("k"), Some("v"));
        assert_eq!(write("a.properties", b"k=caf\xe9").unwrap().get("k"), Some("café"));
        assert_eq!(write("b.properties", "k=café".as_bytes()).unwrap().get("k"), Some("café"));
        assert_eq!(write("c", b" {\"k\":\"v\"}").unwrap().get("k"), Some("v"));
        assert_eq!(write("d.conf", b"k v").unwrap().get("k"), Some("v"));
        assert_eq!(write("a.json", b"{}").unwrap().origin(), "a.json");
        assert!(
            write("a.JSON", b"k=v")
                .unwrap_err()
                .to_string()
                .starts_with("a.JSON: line 1, column 1: not valid")
        );
    }

    #[test]
    fn a_file_that_is_missing_or_a_directory_or_huge_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("none.json");
        let error = Config::read(&missing).unwrap_err().to_string();
        assert!(error.contains("none.json: cannot be read: No such file"), "{error}");
        assert!(Config::read(dir.path()).unwrap_err().to_string().contains("cannot be read"));
        let huge = dir.path().join("huge.json");
        std::fs::File::create(&huge).unwrap().set_len(LARGEST_FILE + 1).unwrap();
        assert!(Config::read(&huge).unwrap_err().to_string().contains("larger than 4 MiB"));
    }

    #[test]
    fn keys_outside_of_config_are_not_lost_without_a_word() {
        let config = Config::from_json("a", r#"{"name":"n","tasks.max":"2","config":{"a":"b"}}"#).unwrap();
        assert_eq!(
            messages(&config),
            [("tasks.max", "stands outside of \"config\" and is not read; move it inside")]
        );
    }
}
