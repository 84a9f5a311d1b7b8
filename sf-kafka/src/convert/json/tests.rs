use super::*;

fn plain() -> JsonConverter {
    JsonConverter::new(JsonConfig { schemas_enable: false, ..JsonConfig::default() })
}

fn nested(open: &str, inner: &str, close: &str, depth: usize) -> String {
    format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
}

#[test]
fn a_thousand_levels_are_read_and_written_and_one_more_is_refused() {
    for (open, inner, close) in [("[", "1", "]"), ("{\"a\":", "1", "}")] {
        let text = nested(open, inner, close, 1_000);
        let (_, value) = plain().to_connect(Some(text.as_bytes())).unwrap();
        assert_eq!(plain().from_connect(None, &value).unwrap().unwrap(), text.as_bytes());
        let error = plain().to_connect(Some(nested(open, inner, close, 1_001).as_bytes())).unwrap_err();
        let root = std::iter::successors(Some(&error), |e| e.cause()).last().unwrap();
        assert_eq!(root.kind(), ErrorKind::Limit, "{root}");
    }
}

#[test]
fn a_schema_of_more_than_128_levels_is_refused_and_not_our_end() {
    let read = |depth| {
        let items = nested(r#"{"type":"array","items":"#, r#"{"type":"string"}"#, "}", depth);
        let text = format!(r#"{{"schema":{items},"payload":{}}}"#, nested("[", "\"x\"", "]", depth));
        JsonConverter::default().to_connect(Some(text.as_bytes()))
    };
    let (schema, value) = read(128).unwrap();
    assert!(JsonConverter::default().from_connect(schema.as_deref(), &value).unwrap().is_some());
    for depth in [129, 990] {
        assert_eq!(read(depth).unwrap_err().kind(), ErrorKind::Data);
    }
}

#[test]
fn after_an_error_the_buffer_is_as_it_was() {
    let schema = Schema::array(Schema::int32());
    let mut out = b"before".to_vec();
    let bad = Value::Array(vec![Value::Int32(1), Value::String("x".into())]);
    plain().write(Some(&schema), &bad, &mut out).unwrap_err();
    assert_eq!(out, b"before");
}

#[test]
fn null_without_a_schema_is_a_tombstone_and_under_one_it_is_not() {
    let converter = JsonConverter::default();
    assert_eq!(converter.from_connect(None, &Value::Null).unwrap(), None);
    let optional = Schema::string().optional();
    assert!(converter.from_connect(Some(&optional), &Value::Null).unwrap().is_some());
    assert_eq!(converter.to_connect(None).unwrap(), (None, Value::Null));
}

#[test]
fn an_exponent_beyond_all_reason_costs_nothing() {
    let schema = r#"{"type":"int64"}"#;
    for payload in ["1e2147483647", "1e-2147483647"] {
        let text = format!(r#"{{"schema":{schema},"payload":{payload}}}"#);
        let (_, value) = JsonConverter::default().to_connect(Some(text.as_bytes())).unwrap();
        assert_eq!(value, Value::Int64(0));
    }
}
