//! Whatever text goes into a query as a value comes out of an org's parser as it was, or is refused; and whatever
//! text goes in as a name is one word, or is refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sf_sim::soql::ast::{self, LiteralKind};
use sf_sim::soql::parse;
use sf_soql::{Condition, ErrorKind, Select, field};

fn understood(condition: Condition) -> Option<ast::Condition> {
    let soql = match Select::from("Lead").field("Id").filter(condition).build() {
        Ok(soql) => soql,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidQuery);
            return None;
        }
    };
    let query = parse(&soql).unwrap_or_else(|e| panic!("{soql}: {e:?}"));
    assert!(query.order.is_empty() && query.limit.is_none() && query.offset.is_none(), "{soql}");
    query.condition
}

fn texts(values: Vec<ast::Literal>) -> Vec<String> {
    let text = |value: ast::Literal| match value.kind {
        LiteralKind::Text(text) => text,
        other => panic!("{other:?}"),
    };
    values.into_iter().map(text).collect()
}

fuzz_target!(|text: &str| {
    match understood(field("F").eq(text)) {
        Some(ast::Condition::Compare(_, ast::Compare::Equal, value)) => {
            assert_eq!(value.kind, LiteralKind::Text(text.to_owned()));
        }
        None => assert!(text.contains('\0') || text.len() > 600, "{text:?} was refused"),
        other => panic!("{other:?}"),
    }
    match understood(field("F").contains(text)) {
        Some(ast::Condition::Like(_, like)) => {
            assert_eq!(like.text, format!("%{text}%"));
            let special = text.char_indices().filter(|(_, c)| matches!(c, '%' | '_')).map(|(at, _)| at + 1);
            assert_eq!(like.escaped, special.collect::<Vec<_>>());
        }
        None => {}
        other => panic!("{other:?}"),
    }
    let halves = text.split_at(text.char_indices().nth(text.chars().count() / 2).map_or(0, |(at, _)| at));
    match understood(field("F").excludes([halves.0, halves.1])) {
        Some(ast::Condition::Includes(_, values, true)) => assert_eq!(texts(values), [halves.0, halves.1]),
        None => {}
        other => panic!("{other:?}"),
    }
    match understood(!field("F").is_in([text, "x"])) {
        Some(ast::Condition::Not(inner)) => match *inner {
            ast::Condition::In(_, values, false) => assert_eq!(texts(values), [text, "x"]),
            other => panic!("{other:?}"),
        },
        None => {}
        other => panic!("{other:?}"),
    }
    if let Ok(soql) = Select::from("Lead").field(text).build() {
        assert!(soql.bytes().all(|b| b.is_ascii_alphanumeric() || b"_. ".contains(&b)), "{soql}");
        assert_eq!(soql.split(' ').count(), 4, "{soql}");
    }
});
