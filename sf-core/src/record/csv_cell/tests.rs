use proptest::prelude::*;

use super::super::FieldType;
use super::*;

fn field(field_type: FieldType) -> Field {
    Field::new("F__c", field_type)
}

fn read(field_type: FieldType, cell: &str) -> Value<'_> {
    decode(&field(field_type), cell).unwrap()
}

fn refused(field_type: FieldType, cells: &[&str]) {
    for cell in cells {
        let error = decode(&field(field_type), cell).expect_err(cell);
        assert_eq!(error.kind(), ErrorKind::Protocol);
    }
}

fn written(value: &Value<'_>) -> String {
    let mut out = String::new();
    encode(value, NullCell::Empty, &mut out).unwrap();
    out
}

fn instant(millis: i64) -> Value<'static> {
    Value::DateTime(DateTime::from_timestamp_millis(millis).unwrap())
}

#[test]
fn an_empty_cell_is_null_whatever_the_type() {
    for word in ["string", "boolean", "int", "double", "date", "datetime", "time", "id"] {
        assert_eq!(read(FieldType::from_describe(word), ""), Value::Null, "{word}");
    }
}

#[test]
fn text_is_borrowed_as_it_stands() {
    for cell in [" ", "#N/A", "null", "a,\"b\"\nc", "Ansprüche"] {
        assert!(matches!(read(FieldType::TextArea, cell), Value::Text(Cow::Borrowed(text)) if text == cell));
    }
}

#[test]
fn booleans_are_true_or_false() {
    assert_eq!(read(FieldType::Boolean, "true"), Value::Boolean(true));
    assert_eq!(read(FieldType::Boolean, "false"), Value::Boolean(false));
    refused(FieldType::Boolean, &["TRUE", "1", "yes", " true", "x"]);
}

#[test]
fn whole_numbers_are_read_even_where_they_come_with_a_point() {
    for (cell, expected) in [
        ("0", 0),
        ("-12", -12),
        ("3.0", 3),
        ("1.0E7", 10_000_000),
        ("9223372036854775807", i64::MAX),
        ("-9223372036854775808.00", i64::MIN),
    ] {
        assert_eq!(read(FieldType::Int, cell), Value::Integer(expected), "{cell}");
    }
    refused(FieldType::Int, &["3.5", "9223372036854775808", "1e400", " 3", "abc"]);
}

#[test]
fn decimals_keep_every_digit() {
    for (cell, plain) in [
        ("0", "0"),
        ("2102.00", "2102.00"),
        ("-0.10", "-0.10"),
        ("50000.0", "50000.0"),
        ("9.12260031E8", "912260031"),
        ("1.42656567106328E12", "1426565671063.28"),
        ("1E-7", "0.0000001"),
        ("1.0e7", "10000000"),
        ("+5", "5"),
        (".5", "0.5"),
        ("123456789012345678.123456789012345678", "123456789012345678.123456789012345678"),
        ("0.1", "0.1"),
    ] {
        let value = read(FieldType::Currency, cell);
        assert_eq!(written(&value), plain, "{cell}");
    }
}

#[test]
fn numbers_that_would_use_up_memory_are_refused_at_once() {
    let long = "9".repeat(401);
    let deep = format!("0.{}", "0".repeat(401));
    refused(
        FieldType::Double,
        &["1e401", "1e-401", "1e999999999", "1e-99999999999999999999999", "0e9999", "12e399", &long, &deep],
    );
    assert_eq!(written(&read(FieldType::Double, "1e399")).len(), 400);
    assert_eq!(written(&read(FieldType::Double, "1e-400")).len(), 402);
    assert_eq!(written(&read(FieldType::Double, "1.7976931348623157E308")).len(), 309);
}

#[test]
fn what_is_not_a_number_is_refused() {
    refused(
        FieldType::Percent,
        &[
            "-", "+", ".", "e5", "1e", "1e+", "1,5", "1_000", "0x10", "NaN", "Infinity", "--1", "1.2.3",
            "1e5.0", "１", "1e5e5",
        ],
    );
}

#[test]
fn days_are_read_and_written() {
    let day = NaiveDate::from_ymd_opt(2024, 2, 29).unwrap();
    assert_eq!(read(FieldType::Date, "2024-02-29"), Value::Date(day));
    assert_eq!(written(&Value::Date(day)), "2024-02-29");
    refused(
        FieldType::Date,
        &["2023-02-29", "2024-2-9", "24-02-29", "2024-02-29T00:00:00Z", "2024/02/29", "+024-02-29"],
    );
}

#[test]
fn instants_are_read_in_every_form_that_salesforce_writes() {
    // 2024-12-24T18:18:29Z, by `date -u -d @…`.
    for cell in [
        "2024-12-24T18:18:29.000Z",
        "2024-12-24T18:18:29Z",
        "2024-12-24T18:18:29.000+0000",
        "2024-12-24T18:18:29+0000",
        "2024-12-24T18:18:29.000+00:00",
        "2024-12-24T19:48:29.0+01:30",
        "2024-12-24T10:18:29-0800",
    ] {
        assert_eq!(read(FieldType::DateTime, cell), instant(1_735_064_309_000), "{cell}");
    }
    assert_eq!(read(FieldType::DateTime, "2024-12-24T18:18:29.123Z"), instant(1_735_064_309_123));
    assert_eq!(written(&instant(1_735_064_309_000)), "2024-12-24T18:18:29.000Z");
    assert_eq!(written(&instant(-1)), "1969-12-31T23:59:59.999Z");
}

#[test]
fn what_is_not_an_instant_is_refused() {
    refused(
        FieldType::DateTime,
        &[
            "2024-12-24",
            "2024-12-24T18:18:29",
            "2024-12-24 18:18:29Z",
            "2024-12-24T18:18Z",
            "2024-12-24T18:18:60Z",
            "2024-12-24T24:00:00Z",
            "2024-12-24T18:18:29.Z",
            "2024-12-24T18:18:29.0000000000Z",
            "2024-12-24T18:18:29+01",
            "2024-12-24T18:18:29+2400",
            "2024-12-24T18:18:29Zulu",
            "2024-12-24T18:18:29+01é",
            "T",
        ],
    );
}

#[test]
fn times_of_day_are_read_and_written() {
    let time = NaiveTime::from_hms_milli_opt(13, 30, 0, 7).unwrap();
    for cell in ["13:30:00.007Z", "13:30:00.007"] {
        assert_eq!(read(FieldType::Time, cell), Value::Time(time));
    }
    assert_eq!(written(&Value::Time(time)), "13:30:00.007Z");
    refused(FieldType::Time, &["13:30", "25:00:00.000Z", "1:30:00Z", "13:30:00.000+0000"]);
}

#[test]
fn an_error_names_field_type_and_cell_and_keeps_the_cell_short() {
    let amount = Field::new("Amount", FieldType::Currency);
    let error = decode(&amount, "twelve\n").unwrap_err();
    assert_eq!(
        error.to_string(),
        "field Amount (currency) holds \"twelve\\n\", which is not a number of at most 400 digits on either side of the point"
    );
    let long = decode(&amount, &"é".repeat(100_000)).unwrap_err().to_string();
    assert!(long.contains(&format!("\"{}…\"", "é".repeat(40))), "{long}");
}

#[test]
fn null_is_written_as_the_caller_says_and_never_mistaken() {
    let cells = |value: &Value<'_>| {
        [NullCell::Empty, NullCell::NotApplicable].map(|null| {
            let mut out = String::new();
            encode(value, null, &mut out).map(|()| out).ok()
        })
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(cells(&Value::Null), [some(""), some("#N/A")]);
    assert_eq!(cells(&Value::Absent), [some(""), some("")]);
    assert_eq!(cells(&Value::Text("".into())), [some(""), some("#N/A")]);
    assert_eq!(cells(&Value::Text("#N/A".into())), [some("#N/A"), None]);
}

#[test]
fn what_no_field_holds_is_not_written() {
    let mut out = String::from("x");
    let year = |year| NaiveDate::from_ymd_opt(year, 1, 1).unwrap();
    for value in [
        Value::Decimal(BigDecimal::new(BigInt::from(1), i64::MIN)),
        Value::Decimal(BigDecimal::new(BigInt::from(1), i64::MAX)),
        Value::Decimal(BigDecimal::new(BigInt::from(10), -399)),
        Value::Date(year(10_000)),
        Value::Date(year(-1)),
        Value::DateTime(year(10_000).and_time(NaiveTime::MIN).and_utc()),
    ] {
        let error = encode(&value, NullCell::Empty, &mut out).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
    assert_eq!(out, "x");
}

#[test]
fn a_leap_second_is_written_as_the_last_instant_before_it_ends() {
    let leap = NaiveTime::from_hms_milli_opt(23, 59, 59, 1_500).unwrap();
    assert_eq!(written(&Value::Time(leap)), "23:59:59.999Z");
}

fn values() -> impl Strategy<Value = (FieldType, Value<'static>)> {
    let days = -719_528_i64..2_932_896; // year 0 to 9999
    prop_oneof![
        "\\PC{1,30}".prop_map(|s| (FieldType::String, Value::Text(s.into()))),
        any::<bool>().prop_map(|b| (FieldType::Boolean, Value::Boolean(b))),
        any::<i64>().prop_map(|i| (FieldType::Long, Value::Integer(i))),
        (any::<i128>(), -300_i64..300).prop_map(|(digits, scale)| {
            (FieldType::Double, Value::Decimal(BigDecimal::new(BigInt::from(digits), scale)))
        }),
        days.clone().prop_map(|d| {
            (FieldType::Date, Value::Date(DateTime::from_timestamp(d * 86_400, 0).unwrap().date_naive()))
        }),
        (days, 0_i64..86_400_000).prop_map(|(d, ms)| (FieldType::DateTime, instant(d * 86_400_000 + ms))),
        (0_u32..86_400, 0_u32..1000).prop_map(|(s, ms)| {
            let time = NaiveTime::from_num_seconds_from_midnight_opt(s, ms * 1_000_000).unwrap();
            (FieldType::Time, Value::Time(time))
        }),
        Just((FieldType::Double, Value::Null)),
    ]
}

proptest! {
    #[test]
    fn a_value_survives_its_cell((field_type, value) in values()) {
        let cell = written(&value);
        if field_type == FieldType::Double {
            prop_assert!(!cell.contains(['e', 'E']));
        }
        prop_assert_eq!(read(field_type, &cell), value);
    }

    #[test]
    fn a_plain_number_is_written_digit_for_digit(text in "(-?[1-9][0-9]{0,30}|0)(\\.[0-9]{1,30})?") {
        prop_assert_eq!(written(&read(FieldType::Double, &text)), text);
    }

    #[test]
    fn no_cell_makes_the_reader_panic(word in 0_usize..6, cell in "\\PC{0,30}|[0-9eE+.:TZ-]{0,30}") {
        let words = ["boolean", "int", "double", "date", "datetime", "time"];
        let _ = decode(&field(FieldType::from_describe(words[word])), &cell);
    }
}
