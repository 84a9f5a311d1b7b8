//! What Apache Kafka 4.1's own converters answered, against ours.

use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json, json};

use super::data::{Schema, Struct, Type, Value};
use super::json::{JsonConfig, JsonConverter};
use super::primitive::PrimitiveConverter;
use super::string::StringConverter;
use super::{Error, ErrorKind, Result, java_text};

/// The recorded cases; `SF_CONNECT_CASES` names another file of the same form to try.
fn cases() -> Option<Vec<Json>> {
    let shared = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/recorded/connect/json-converter.jsonl");
    let path = std::env::var_os("SF_CONNECT_CASES").map_or_else(|| PathBuf::from(shared), PathBuf::from);
    let Ok(text) = std::fs::read_to_string(&path) else {
        let required = std::env::var("SF_TESTS_REQUIRE").unwrap_or_default();
        assert!(!required.contains("shared"), "{} is absent", path.display());
        std::io::Write::write_all(
            &mut std::io::stderr(),
            b"skipped: ../shared is absent: the recorded cases of Kafka Connect's converters\n",
        )
        .unwrap_or_default();
        return None;
    };
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn schema(json: &Json) -> Option<Arc<Schema>> {
    let text = |key: &str| json.get(key).and_then(Json::as_str);
    let inner = |key: &str| schema(&json[key]).unwrap();
    let mut out = match text("type")? {
        "array" => Schema::array(inner("valueSchema")),
        "map" => Schema::map(inner("keySchema"), inner("valueSchema")),
        "struct" => {
            let fields = json["fields"].as_array().unwrap().iter();
            Schema::structure(fields.map(|f| (f["name"].as_str().unwrap(), schema(&f["schema"]).unwrap())))
                .unwrap()
        }
        name => Schema::of(Type::ALL.into_iter().find(|t| t.name().eq_ignore_ascii_case(name)).unwrap()),
    };
    if json["optional"] == true {
        out = out.optional();
    }
    if let Some(name) = text("name") {
        out = out.named(name);
    }
    if let Some(version) = json.get("version") {
        out = out.with_version(version.as_i64().unwrap().try_into().unwrap());
    }
    if let Some(doc) = text("doc") {
        out = out.with_doc(doc);
    }
    for (name, value) in json.get("parameters").and_then(Json::as_object).into_iter().flatten() {
        out = out.with_parameter(name, value.as_str().unwrap());
    }
    if let Some(default) = json.get("default") {
        let default = value(Some(&Arc::new(out.clone())), default).unwrap();
        out = out.with_default(default).unwrap();
    }
    Some(Arc::new(out))
}

fn value(schema_here: Option<&Arc<Schema>>, json: &Json) -> Option<Value> {
    let Some(object) = json.as_object() else { return Some(Value::Null) };
    let of_kind = |kind| schema_here.filter(|s| s.kind() == kind);
    if let Some(Json::Object(fields)) = object.get("struct") {
        let own = object.get("schema").and_then(schema);
        let schema = own.or_else(|| of_kind(Type::Struct).cloned()).unwrap();
        let mut out = Struct::new(Arc::clone(&schema)).unwrap();
        for (name, json) in fields {
            let at = schema.position(name).unwrap();
            out.set(at, value(Some(&schema.fields()[at].schema), json)?);
        }
        return Some(Value::Struct(out));
    }
    let (tag, json) = object.iter().next().unwrap();
    let text = || json.as_str().map_or_else(|| json.to_string(), str::to_owned);
    let items = of_kind(Type::Array).or(of_kind(Type::Map)).and_then(|s| s.value_schema());
    let keys = of_kind(Type::Map).and_then(|s| s.key_schema());
    Some(match tag.as_str() {
        "boolean" => Value::Boolean(json.as_bool().unwrap()),
        "int8" => Value::Int8(text().parse().unwrap()),
        "int16" => Value::Int16(text().parse().unwrap()),
        "int32" => Value::Int32(text().parse().unwrap()),
        "int64" => Value::Int64(text().parse().unwrap()),
        "float32" => Value::Float32(text().parse().unwrap()),
        "float64" => Value::Float64(text().parse().unwrap()),
        "string" => Value::String(text()),
        "bytes" | "bytebuffer" => Value::Bytes(STANDARD.decode(text()).unwrap()),
        "decimal" => Value::Decimal(text().parse().unwrap()),
        "instant" => Value::Instant(text().parse().unwrap()),
        "array" => {
            let array = json.as_array().unwrap().iter();
            Value::Array(array.map(|item| value(items, item)).collect::<Option<_>>()?)
        }
        "map" => {
            let entries = json.as_object().unwrap().iter();
            let entry = |(k, v): (&String, _)| Some((Value::String(k.clone()), value(items, v)?));
            Value::Map(entries.map(entry).collect::<Option<_>>()?)
        }
        "entries" => {
            let entries = json.as_array().unwrap().iter();
            Value::Map(
                entries.map(|e| Some((value(keys, &e[0])?, value(items, &e[1])?))).collect::<Option<_>>()?,
            )
        }
        // A Java object of no type that Connect knows; we have none such.
        _ => return None,
    })
}

fn schema_json(schema: Option<&Arc<Schema>>) -> Json {
    let Some(schema) = schema else { return Json::Null };
    let mut out = Map::new();
    out.insert("type".into(), schema.kind().name().to_lowercase().into());
    out.insert("optional".into(), schema.is_optional().into());
    let mut put = |key: &str, value: Option<Json>| value.and_then(|v| out.insert(key.into(), v));
    put("name", schema.name().map(Json::from));
    put("version", schema.version().map(Json::from));
    put("doc", schema.doc().map(Json::from));
    put("parameters", (!schema.parameters().is_empty()).then(|| json!(schema.parameters())));
    let fields = schema.fields().iter();
    let fields = fields.map(|f| json!({"name": f.name, "schema": schema_json(Some(&f.schema))})).collect();
    put("fields", (schema.kind() == Type::Struct).then_some(fields));
    put("keySchema", schema.key_schema().map(|s| schema_json(Some(s))));
    put("valueSchema", schema.value_schema().map(|s| schema_json(Some(s))));
    put("default", schema.default_value().map(value_json));
    Json::Object(out)
}

fn float_json(value: f64) -> Json {
    if value.is_nan() {
        json!("NaN")
    } else if value.is_infinite() {
        json!(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else if value == 0.0 && value.is_sign_negative() {
        json!("-0.0")
    } else {
        json!(value)
    }
}

fn value_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Boolean(v) => json!({ "boolean": v }),
        Value::Int8(v) => json!({ "int8": v }),
        Value::Int16(v) => json!({ "int16": v }),
        Value::Int32(v) => json!({ "int32": v }),
        Value::Int64(v) => json!({ "int64": v }),
        Value::Float32(v) if v.is_finite() && *v != 0.0 => json!({ "float32": v }),
        Value::Float32(v) => json!({ "float32": float_json((*v).into()) }),
        Value::Float64(v) => json!({ "float64": float_json(*v) }),
        Value::String(v) => json!({ "string": v }),
        Value::Bytes(v) => json!({ "bytes": STANDARD.encode(v) }),
        Value::Decimal(v) => {
            let mut out = Vec::new();
            java_text::write_decimal(v, &mut out);
            json!({ "decimal": String::from_utf8(out).unwrap() })
        }
        Value::Instant(v) => json!({ "instant": v }),
        Value::Array(items) => json!({ "array": items.iter().map(value_json).collect::<Vec<_>>() }),
        Value::Map(entries) if entries.iter().all(|(k, _)| matches!(k, Value::String(_))) => {
            let name = |key: &Value| if let Value::String(key) = key { key.clone() } else { String::new() };
            json!({ "map": entries.iter().map(|(k, v)| (name(k), value_json(v))).collect::<Map<_, _>>() })
        }
        Value::Map(entries) => {
            json!({ "entries": entries.iter().map(|(k, v)| [value_json(k), value_json(v)]).collect::<Vec<_>>() })
        }
        Value::Struct(v) => {
            let fields = v.schema().fields().iter().zip(v.values());
            json!({ "struct": fields.map(|(f, v)| (f.name.clone(), value_json(v))).collect::<Map<_, _>>() })
        }
    }
}

enum Converter {
    Json(JsonConverter),
    String(StringConverter),
    Primitive(PrimitiveConverter),
}

impl Converter {
    fn of(case: &Json) -> Result<Self> {
        let config = case["config"].as_object().unwrap();
        let config = config.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap()));
        match case["converter"].as_str().unwrap().rsplit('.').next().unwrap() {
            "JsonConverter" => Ok(Self::Json(JsonConverter::new(JsonConfig::from_properties(config)?))),
            "StringConverter" => Ok(Self::String(StringConverter::from_properties(config)?)),
            class => Ok(Self::Primitive(PrimitiveConverter::from_class(class).unwrap())),
        }
    }

    fn bytes_of(&self, schema: Option<&Schema>, value: &Value) -> Result<Option<Vec<u8>>> {
        match self {
            Self::Json(converter) => converter.from_connect(schema, value),
            Self::String(converter) => Ok(converter.from_connect(value)),
            Self::Primitive(converter) => converter.from_connect(schema, value),
        }
    }

    fn value_of(&self, bytes: Option<&[u8]>) -> Result<(Option<Arc<Schema>>, Value)> {
        match self {
            Self::Json(converter) => converter.to_connect(bytes),
            Self::String(converter) => {
                let (schema, value) = converter.to_connect(bytes);
                Ok((Some(schema), value))
            }
            Self::Primitive(converter) => {
                let (schema, value) = converter.to_connect(bytes)?;
                Ok((Some(schema), value))
            }
        }
    }
}

/// Texts that come from the JDK or from Jackson are not part of the contract.
fn is_ours(class: &str) -> bool {
    class.starts_with("org.apache.kafka.") && class != ErrorKind::Serialization.java_class()
        || class == ErrorKind::Config.java_class()
}

fn error_json(phase: &str, error: &Error) -> Json {
    let one = |e: &Error| {
        let class = e.kind().java_class();
        if is_ours(class) {
            json!({"class": class, "message": e.to_string()})
        } else {
            json!({ "class": class })
        }
    };
    let mut out = one(error);
    out["phase"] = phase.into();
    let causes: Vec<_> = std::iter::successors(error.cause(), |e| e.cause()).map(one).collect();
    if !causes.is_empty() {
        out["causes"] = causes.into();
    }
    json!({ "error": out })
}

/// The recorded result without what is not compared.
fn expected(result: &Json) -> Json {
    let strip = |error: &mut Json| {
        if !is_ours(error["class"].as_str().unwrap()) {
            error.as_object_mut().unwrap().remove("message");
        }
    };
    let mut result = result.clone();
    if let Some(error) = result.get_mut("error") {
        strip(error);
        error.get_mut("causes").and_then(Json::as_array_mut).into_iter().flatten().for_each(strip);
    }
    result
}

/// What ours answers; `None` where the case cannot be put to ours.
fn answer(case: &Json) -> Option<Json> {
    let converter = match Converter::of(case) {
        Ok(converter) => converter,
        Err(error) => return Some(error_json("configure", &error)),
    };
    if case["op"].as_str().unwrap().starts_with("from") {
        let schema = schema(&case["schema"]);
        let value = value(schema.as_ref(), &case["value"])?;
        return Some(match converter.bytes_of(schema.as_deref(), &value) {
            Ok(None) => json!({ "text": null }),
            Ok(Some(bytes)) => match String::from_utf8(bytes) {
                Ok(text) => json!({ "text": text }),
                Err(error) => json!({ "base64": STANDARD.encode(error.as_bytes()) }),
            },
            Err(error) => error_json("apply", &error),
        });
    }
    let bytes = match (&case["text"], &case["base64"]) {
        (_, Json::String(encoded)) => Some(STANDARD.decode(encoded).unwrap()),
        (text, _) => text.as_str().map(|text| text.as_bytes().to_vec()),
    };
    Some(match converter.value_of(bytes.as_deref()) {
        Ok((schema, value)) => json!({ "schema": schema_json(schema.as_ref()), "value": value_json(&value) }),
        Err(error) => error_json("apply", &error),
    })
}

/// Numbers are compared as what they are, not by how many digits they were recorded with.
fn same(a: &Json, b: &Json) -> bool {
    if let (Some(Json::Number(x)), Some(Json::Number(y))) = (a.get("float32"), b.get("float32")) {
        return x.to_string().parse::<f32>() == y.to_string().parse::<f32>();
    }
    match (a, b) {
        (Json::Number(x), Json::Number(y)) => x == y || x.as_f64() == y.as_f64(),
        (Json::Array(x), Json::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(a, b)| same(a, b)),
        (Json::Object(x), Json::Object(y)) => {
            x.len() == y.len() && x.iter().all(|(k, a)| y.get(k).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

#[test]
fn the_converters_answer_what_kafka_connect_answered() {
    let Some(cases) = cases() else { return };
    let (mut checked, mut skipped, mut wrong) = (0, 0, Vec::new());
    for case in &cases {
        let Some(got) = answer(case) else {
            skipped += 1;
            continue;
        };
        checked += 1;
        let due = expected(&case["result"]);
        if !same(&got, &due) {
            wrong.push(format!("{}\n  due {due}\n  got {got}", case["name"]));
        }
    }
    println!(
        "{checked} recorded answers compared, {skipped} left out (Java objects that we have no value for)"
    );
    assert!(wrong.is_empty(), "{} of {checked} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(checked > 0);
}
