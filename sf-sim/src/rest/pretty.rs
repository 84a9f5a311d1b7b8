//! `X-PrettyPrint: 1`: JSON over several lines, spaced as orgs space it.

use http::header::CONTENT_TYPE;
use serde_json::Value;

use super::{Answer, Call};

/// The answer, spaced where the call asks for that.
pub(crate) fn spaced(call: &Call, mut answer: Answer) -> Answer {
    let wanted = call.header("x-prettyprint").is_some_and(|wanted| matches!(wanted.trim(), "1" | "true"));
    if !wanted || !call.path.starts_with("/services/data") {
        return answer;
    }
    let is_json = answer.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !is_json.is_some_and(|kind| kind.starts_with("application/json")) {
        return answer;
    }
    if let Ok(body) = serde_json::from_slice::<Value>(&answer.body.concat()) {
        let mut out = String::new();
        write(&body, 0, &mut out);
        answer.body = vec![out.into()];
    }
    answer
}

/// A member of an object has a line of its own; the values of a list stand side by side.
fn write(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(members) if members.is_empty() => out.push_str("{ }"),
        Value::Object(members) => {
            out.push('{');
            for (at, (name, value)) in members.iter().enumerate() {
                out.push_str(if at > 0 { ",\n" } else { "\n" });
                indent(depth + 1, out);
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push_str(" : ");
                write(value, depth + 1, out);
            }
            out.push('\n');
            indent(depth, out);
            out.push('}');
        }
        Value::Array(values) if values.is_empty() => out.push_str("[ ]"),
        Value::Array(values) => {
            out.push_str("[ ");
            for (at, value) in values.iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                write(value, depth, out);
            }
            out.push_str(" ]");
        }
        plain => out.push_str(&plain.to_string()),
    }
}

fn indent(depth: usize, out: &mut String) {
    out.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_stand_in_a_line_and_members_on_their_own() {
        let body: Value = serde_json::from_str(
            r#"{"done":true,"records":[{"attributes":{"type":"A"},"n":2102.00,"none":[],"no":{}},{"Id":"1"}]}"#,
        )
        .unwrap();
        let mut out = String::new();
        write(&body, 0, &mut out);
        // As the REST API guide prints its answers.
        let expected = r#"{
  "done" : true,
  "records" : [ {
    "attributes" : {
      "type" : "A"
    },
    "n" : 2102.00,
    "none" : [ ],
    "no" : { }
  }, {
    "Id" : "1"
  } ]
}"#;
        assert_eq!(out, expected);
    }

    #[test]
    fn recorded_answers_are_spaced_like_this() {
        let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/recorded"));
        for name in ["Organization", "Opportunity_describe"] {
            let path = folder.join(format!("cumulusci-describes/GET_sobjects_{name}.json"));
            let Ok(text) = std::fs::read_to_string(&path) else {
                let required = std::env::var("SF_TESTS_REQUIRE").unwrap_or_default();
                assert!(
                    !required.split(',').any(|part| part.trim() == "shared"),
                    "{} is missing",
                    path.display()
                );
                let line = format!("skipped: ../shared is absent: recorded/{name}\n");
                std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).unwrap_or_default();
                return;
            };
            let case: Value = serde_json::from_str(&text).unwrap();
            let recorded = case["response"]["body"].as_str().unwrap();
            let mut out = String::new();
            write(&serde_json::from_str(recorded).unwrap(), 0, &mut out);
            assert_eq!(out, recorded, "{name}");
        }
    }
}
