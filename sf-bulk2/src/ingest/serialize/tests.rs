use std::collections::BTreeMap;

use serde::Serialize;

use super::*;
use crate::ColumnDelimiter;

fn cells(row: &impl Serialize, nulls: Nulls, columns: &mut Columns) -> Result<Vec<String>, Refusal> {
    let mut out = RowText::new(ColumnDelimiter::Comma);
    write_row(row, nulls, columns, &mut out)?;
    Ok(out.iter().map(str::to_owned).collect())
}

fn open() -> Columns {
    Columns::new(Vec::new())
}

#[derive(Serialize, Default)]
#[serde(rename_all = "PascalCase")]
struct Row {
    name: &'static str,
    active: bool,
    amount: f64,
    count: u64,
    parent: Option<&'static str>,
    #[serde(rename = "Account.Ext__c")]
    account: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'static str>,
}

#[test]
fn values_are_written_as_an_org_reads_them() {
    let mut columns = open();
    let row = Row {
        name: "a",
        active: true,
        amount: 1e21,
        count: 9_007_199_254_740_993,
        parent: None,
        account: Some(-7),
        note: Some("x"),
    };
    assert_eq!(
        cells(&row, Nulls::Ignore, &mut columns).unwrap(),
        ["a", "true", "1000000000000000000000", "9007199254740993", "", "-7", "x"]
    );
    assert_eq!(columns.names, ["Name", "Active", "Amount", "Count", "Parent", "Account.Ext__c", "Note"]);
    let small = Row { amount: 1.5e-7, ..Row::default() };
    assert_eq!(cells(&small, Nulls::Ignore, &mut columns).unwrap()[2], "0.00000015");
}

#[test]
fn whole_floats_are_whole_numbers_however_large() {
    for (number, text) in [
        (-0.0, "0"),
        (-7.0, "-7"),
        (9_007_199_254_740_991.0, "9007199254740991"),
        (9_007_199_254_740_992.0, "9007199254740992"),
        (-1e19, "-10000000000000000000"),
        (0.1, "0.1"),
    ] {
        let row = Row { amount: number, ..Row::default() };
        assert_eq!(cells(&row, Nulls::Ignore, &mut open()).unwrap()[2], text);
    }
}

#[test]
fn structs_that_name_the_columns_in_another_order_fit_all_the_same() {
    #[derive(Serialize)]
    struct Other {
        b: u8,
        a: u8,
    }
    #[derive(Serialize)]
    struct One {
        a: u8,
        b: u8,
    }
    let mut columns = open();
    assert_eq!(cells(&One { a: 1, b: 2 }, Nulls::Ignore, &mut columns).unwrap(), ["1", "2"]);
    assert_eq!(cells(&Other { b: 4, a: 3 }, Nulls::Ignore, &mut columns).unwrap(), ["3", "4"]);
    assert_eq!(cells(&One { a: 5, b: 6 }, Nulls::Ignore, &mut columns).unwrap(), ["5", "6"]);
    let mut given = Columns::new(vec!["b".into(), "a".into()]);
    assert_eq!(cells(&One { a: 1, b: 2 }, Nulls::Ignore, &mut given).unwrap(), ["2", "1"]);
    assert_eq!(cells(&Other { b: 4, a: 3 }, Nulls::Ignore, &mut given).unwrap(), ["4", "3"]);
}

#[test]
fn null_absent_and_value_are_three_things() {
    let mut columns = open();
    let full = Row { name: "a", parent: Some("p"), note: Some("n"), ..Row::default() };
    cells(&full, Nulls::SetNull, &mut columns).unwrap();
    // `parent` is null, `note` is absent.
    let row = Row { name: "b", ..Row::default() };
    assert_eq!(
        cells(&row, Nulls::SetNull, &mut columns).unwrap(),
        ["b", "false", "0", "0", "#N/A", "#N/A", ""]
    );
    assert_eq!(cells(&row, Nulls::Ignore, &mut columns).unwrap()[4..], ["", "", ""]);
    // An empty text is a null, as it is in an org.
    assert_eq!(cells(&Row::default(), Nulls::SetNull, &mut columns).unwrap()[0], "#N/A");
}

/// A type that is written by its `Display`, as dates and decimals of other crates are.
struct Shown(&'static str);

impl Serialize for Shown {
    fn serialize<S: ser::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}", self.0))
    }
}

#[test]
fn what_shows_itself_is_written_as_it_is_and_nothing_is_a_null() {
    let row = BTreeMap::from([("A", Shown("x,y")), ("B", Shown(""))]);
    assert_eq!(cells(&row, Nulls::SetNull, &mut open()).unwrap(), ["x,y", "#N/A"]);
    assert_eq!(cells(&row, Nulls::Ignore, &mut open()).unwrap(), ["x,y", ""]);
}

#[test]
fn maps_may_come_in_any_order_and_a_late_column_is_refused() {
    let mut columns = open();
    let first = BTreeMap::from([("B", 1), ("A", 2)]);
    assert_eq!(cells(&first, Nulls::Ignore, &mut columns).unwrap(), ["2", "1"]);
    assert_eq!(
        cells(&[("B", 5)].into_iter().collect::<BTreeMap<_, _>>(), Nulls::Ignore, &mut columns).unwrap(),
        ["", "5"]
    );
    let error = cells(&BTreeMap::from([("C", 1)]), Nulls::Ignore, &mut columns).unwrap_err();
    assert!(error.0.starts_with("field C is no column"), "{error}");
}

#[test]
fn what_is_no_row_or_no_cell_is_refused_with_the_reason() {
    assert!(cells(&[1, 2], Nulls::Ignore, &mut open()).unwrap_err().0.contains("is no row"));
    let nested = BTreeMap::from([("A", vec![1])]);
    assert!(
        cells(&nested, Nulls::Ignore, &mut open()).unwrap_err().0.starts_with("field A: a list is no cell")
    );
    let nan = BTreeMap::from([("A", f64::NAN)]);
    assert_eq!(cells(&nan, Nulls::Ignore, &mut open()).unwrap_err().0, "field A: NaN is no number of an org");
    let shown = BTreeMap::from([("A", Shown("#N/A"))]);
    assert!(cells(&shown, Nulls::Ignore, &mut open()).unwrap_err().0.contains("#N/A"));
    let cleared = BTreeMap::from([("A", "#N/A")]);
    assert!(cells(&cleared, Nulls::Ignore, &mut open()).unwrap_err().0.contains("#N/A"));
}

#[test]
fn enums_of_every_shape_are_rows_and_cells_where_they_name_columns_and_values() {
    #[derive(Serialize)]
    #[serde(rename_all = "kebab-case")]
    enum Stage {
        ClosedWon,
    }
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Cell {
        Number(u128),
        Text(Box<str>),
        Nothing,
    }
    #[derive(Serialize)]
    #[serde(tag = "Type")]
    enum Tagged {
        Person { a: Stage, b: char },
    }
    #[derive(Serialize)]
    #[serde(tag = "t", content = "c")]
    enum Adjacent {
        One(&'static str),
    }
    let mut columns = open();
    let row = Tagged::Person { a: Stage::ClosedWon, b: ' ' };
    assert_eq!(cells(&row, Nulls::Ignore, &mut columns).unwrap(), ["Person", "closed-won", " "]);
    let row = BTreeMap::from([
        ("A", Some(Some(Cell::Number(u128::MAX)))),
        ("B", Some(None)),
        ("C", Some(Some(Cell::Text("x".into())))),
        ("D", Some(Some(Cell::Nothing))),
    ]);
    let number = u128::MAX.to_string();
    assert_eq!(cells(&row, Nulls::SetNull, &mut open()).unwrap(), [number.as_str(), "#N/A", "x", "#N/A"]);
    assert_eq!(cells(&Adjacent::One("x"), Nulls::Ignore, &mut open()).unwrap(), ["One", "x"]);
    let nested = BTreeMap::from([("A", Adjacent::One("x"))]);
    let error = cells(&nested, Nulls::Ignore, &mut open()).unwrap_err();
    assert!(error.0.starts_with("field A: a struct is no cell"), "{error}");
}

#[test]
fn a_name_that_stands_twice_by_flattening_is_refused() {
    #[derive(Serialize)]
    struct Inner {
        name: u8,
    }
    #[derive(Serialize)]
    struct Outer {
        name: u8,
        #[serde(flatten)]
        inner: Inner,
    }
    let row = Outer { name: 1, inner: Inner { name: 2 } };
    for mut columns in [open(), Columns::new(vec!["name".into()])] {
        let error = cells(&row, Nulls::Ignore, &mut columns).unwrap_err();
        assert_eq!(error.0, "field name stands twice in the row");
    }
}

#[test]
fn a_value_that_cannot_write_itself_is_refused_with_its_field() {
    struct Broken;
    impl Display for Broken {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            Err(fmt::Error)
        }
    }
    impl Serialize for Broken {
        fn serialize<S: ser::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self)
        }
    }
    let error = cells(&BTreeMap::from([("A", Broken)]), Nulls::Ignore, &mut open()).unwrap_err();
    assert!(error.0.starts_with("field A: "), "{error}");
}

#[test]
fn thousands_of_columns_in_any_order_find_their_places() {
    let name = |i: usize| format!("Field{i}__c");
    let forth: Vec<_> = (0..5000).map(name).collect();
    struct Pairs<'n>(Vec<(&'n str, usize)>);
    impl Serialize for Pairs<'_> {
        fn serialize<S: ser::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map(self.0.iter().copied())
        }
    }
    let pairs = |row: usize| forth.iter().enumerate().map(move |(i, name)| (name.as_str(), i + row));
    let mut columns = open();
    let first = cells(&Pairs(pairs(0).collect()), Nulls::Ignore, &mut columns).unwrap();
    let back = cells(&Pairs(pairs(7).rev().collect()), Nulls::Ignore, &mut columns).unwrap();
    assert_eq!((first[4999].as_str(), back[0].as_str(), back[4999].as_str()), ("4999", "7", "5006"));
}
