use proptest::prelude::*;

use super::*;

fn refused(soql: &str) -> SoqlError {
    match parse(soql) {
        Ok(query) => panic!("{soql} was taken: {query:?}"),
        Err(error) => error,
    }
}

/// The condition, with every name and literal put down in a short form.
fn shape(condition: &Condition) -> String {
    let list = |parts: &[Condition], joint: &str| {
        let parts: Vec<_> = parts.iter().map(shape).collect();
        format!("({})", parts.join(joint))
    };
    let dotted = |path: &Path| {
        let names: Vec<_> = path.names.iter().map(|n| n.text.as_str()).collect();
        names.join(".")
    };
    let value = |literal: &Literal| match &literal.kind {
        LiteralKind::Null => "null".to_owned(),
        LiteralKind::Boolean(b) => b.to_string(),
        LiteralKind::Text(t) => format!("{t:?}"),
        LiteralKind::Number(n) => n.clone(),
        LiteralKind::Date(d) => d.to_string(),
        LiteralKind::DateTime(ms) => format!("@{ms}"),
        LiteralKind::Time(ms) => format!("t{ms}"),
        LiteralKind::Period(p) => format!("{:?}[{}..{}]", p.unit, p.from, p.to),
    };
    let values = |literals: &[Literal]| literals.iter().map(value).collect::<Vec<_>>().join(",");
    match condition {
        Condition::And(parts) => list(parts, " & "),
        Condition::Or(parts) => list(parts, " | "),
        Condition::Not(inner) => format!("!{}", shape(inner)),
        Condition::Compare(path, compare, literal) => {
            format!("{} {compare:?} {}", dotted(path), value(literal))
        }
        Condition::Like(path, like) => format!("{} ~ {:?}{:?}", dotted(path), like.text, like.escaped),
        Condition::In(path, list, not) => {
            format!("{} {}in {}", dotted(path), if *not { "not " } else { "" }, values(list))
        }
        Condition::Includes(path, list, not) => {
            format!("{} {} {}", dotted(path), if *not { "excludes" } else { "includes" }, values(list))
        }
    }
}

fn condition(text: &str) -> String {
    let query = parse(&format!("SELECT Id FROM X WHERE {text}")).unwrap_or_else(|e| panic!("{text}: {e}"));
    shape(&query.condition.unwrap())
}

#[test]
fn every_clause_is_parsed() {
    let query = parse(
        "select Id, Account.Owner.Name From Contact c WHERE c.Name = 'x' order by Name desc nulls last, Id LIMIT 5 OFFSET 10",
    )
    .unwrap();
    let Select::Items(items) = &query.select else { panic!("{:?}", query.select) };
    let paths: Vec<Vec<&str>> =
        items.iter().map(|Item::Field(path)| path.names.iter().map(|n| n.text.as_str()).collect()).collect();
    assert_eq!(paths, [vec!["Id"], vec!["Account", "Owner", "Name"]]);
    assert_eq!(query.object, Name { text: "Contact".to_owned(), pos: 35 });
    assert_eq!(query.alias.unwrap().text, "c");
    assert_eq!(shape(&query.condition.unwrap()), r#"c.Name Equal "x""#);
    let order: Vec<_> =
        query.order.iter().map(|o| (o.path.names[0].text.as_str(), o.descending, o.nulls)).collect();
    assert_eq!(order, [("Name", true, Some(Nulls::Last)), ("Id", false, None)]);
    assert_eq!(query.limit, Some(5));
    assert_eq!(query.offset.map(|o| o.rows), Some(10));
}

#[test]
fn count_alone_is_a_count_and_a_field_of_that_name_a_field() {
    assert_eq!(parse("SELECT count ( ) FROM Lead").unwrap().select, Select::Count);
    assert!(matches!(parse("SELECT Count FROM Lead").unwrap().select, Select::Items(_)));
}

#[test]
fn conditions_take_their_shape_from_parentheses() {
    let cases = [
        ("A = 1 AND B != 2 and C <> 3", "(A Equal 1 & B NotEqual 2 & C NotEqual 3)"),
        ("A < 1 OR (B <= 2 AND C > 3)", "(A Less 1 | (B LessOrEqual 2 & C Greater 3))"),
        ("NOT A >= 1", "!A GreaterOrEqual 1"),
        ("NOT (A = 1 OR B = 2)", "!(A Equal 1 | B Equal 2)"),
        ("(NOT A = 1) AND (NOT (B = 2))", "(!A Equal 1 & !B Equal 2)"),
        ("((A = null))", "A Equal null"),
        ("A IN (1, 'b', null) AND B not in ('x')", r#"(A in 1,"b",null & B not in "x")"#),
        (r"A LIKE '50\% of_%' OR B = TRUE", r#"(A ~ "50% of_%"[2] | B Equal true)"#),
        ("A INCLUDES ('a;b','c') AND A EXCLUDES ('d')", r#"(A includes "a;b","c" & A excludes "d")"#),
        (
            "A = 2020-01-31 OR A > 1970-01-01T00:00:01Z OR A = 00:00:02Z",
            "(A Equal 2020-01-31 | A Greater @1000 | A Equal t2000)",
        ),
        (
            "A=TODAY OR A=yesterday OR A=TOMORROW",
            "(A Equal Day[0..0] | A Equal Day[-1..-1] | A Equal Day[1..1])",
        ),
        (
            "A=LAST_N_DAYS:30 OR A=NEXT_N_DAYS:7 OR A=N_DAYS_AGO:3",
            "(A Equal Day[-30..0] | A Equal Day[1..7] | A Equal Day[-3..-3])",
        ),
        ("A=LAST_90_DAYS OR A=NEXT_90_DAYS", "(A Equal Day[-90..0] | A Equal Day[1..90])"),
        (
            "A=THIS_WEEK OR A=LAST_MONTH OR A=NEXT_QUARTER",
            "(A Equal Week[0..0] | A Equal Month[-1..-1] | A Equal Quarter[1..1])",
        ),
        (
            "A=LAST_YEAR OR A=THIS_FISCAL_QUARTER OR A=NEXT_FISCAL_YEAR",
            "(A Equal Year[-1..-1] | A Equal Quarter[0..0] | A Equal Year[1..1])",
        ),
        ("A=LAST_N_WEEKS:2 OR A=NEXT_N_FISCAL_YEARS:2", "(A Equal Week[-2..-1] | A Equal Year[1..2])"),
    ];
    for (text, expected) in cases {
        assert_eq!(condition(text), expected, "{text}");
    }
}

#[test]
fn mistakes_of_grammar_are_told_in_salesforces_words() {
    let cases = [
        ("SELEKT Id FROM Lead", "unexpected token: SELEKT"),
        ("SELECT Id, FROM Lead", "unexpected token: 'FROM'"),
        ("SELECT FROM Lead", "unexpected token: 'FROM'"),
        ("SELECT Id FROM Lead WHERE A = 1 AND B = 2 OR C = 3", "unexpected token: 'OR'"),
        ("SELECT Id FROM Lead WHERE A = 1 OR B = 2 AND C = 3", "unexpected token: 'AND'"),
        ("SELECT Id FROM Lead WHERE A = 1 AND NOT B = 2", "unexpected token: 'NOT'"),
        ("SELECT Id FROM Lead WHERE NOT A = 1 AND B = 2", "unexpected token: 'AND'"),
        ("SELECT Id FROM Lead WHERE NOT NOT A = 1", "unexpected token: 'NOT'"),
        ("SELECT Id FROM Lead WHERE", "unexpected token: '<EOF>'"),
        ("SELECT Id FROM Lead WHERE (A = 1", "unexpected token: '<EOF>'"),
        ("SELECT Id FROM Lead WHERE A = 1)", "unexpected token: ')'"),
        ("SELECT Id FROM Lead WHERE A 1", "unexpected token: '1'"),
        ("SELECT Id FROM Lead WHERE A IN ()", "unexpected token: ')'"),
        ("SELECT Id FROM Lead WHERE A NOT LIKE 'x'", "unexpected token: 'NOT'"),
        ("SELECT Id FROM Lead WHERE A = abc", "unexpected token: 'abc'"),
        ("SELECT Id FROM Lead WHERE A = LAST_N_DAYS", "unexpected token: 'LAST_N_DAYS'"),
        ("SELECT Id FROM Lead WHERE A = LAST_DAY", "unexpected token: 'LAST_DAY'"),
        ("SELECT Id FROM Lead WHERE A = LAST_N_DAYS:x", "unexpected token: 'LAST_N_DAYS'"),
        ("SELECT Id FROM Lead WHERE A = 'O'Brien'", "unexpected token: 'Brien'"),
        ("SELECT Id FROM Lead WHERE A = '''", "unexpected token: '''"),
        ("SELECT Id FROM Lead WHERE A = :x", "Bind variables only allowed in Apex code"),
        ("SELECT Id FROM Lead WHERE A IN :x", "Bind variables only allowed in Apex code"),
        (r"SELECT Id FROM Lead WHERE A = '\%'", r"Illegal character sequence '\%' in string literal."),
        ("SELECT Id FROM Lead LIMIT -1", "unexpected token: '-1'"),
        ("SELECT Id FROM Lead LIMIT 1.5", "unexpected token: '1.5'"),
        ("SELECT Id FROM Lead LIMIT", "unexpected token: '<EOF>'"),
        ("SELECT Id FROM Lead ORDER BY", "unexpected token: '<EOF>'"),
        ("SELECT Id FROM Lead OFFSET 1 LIMIT 1", "unexpected token: 'LIMIT'"),
        ("SELECT Id FROM Lead ALL ROWS", "ALL ROWS not allowed in this context"),
        ("SELECT Id FROM Lead WITH SECURITY_ENFORCED", "SECURITY_ENFORCED not allowed in this context"),
        // What this parser does not know yet.
        ("SELECT COUNT(Id) FROM Lead", "unexpected token: '('"),
        ("SELECT COUNT(), Id FROM Lead", "unexpected token: ','"),
        ("SELECT FIELDS(ALL) FROM Lead LIMIT 1", "unexpected token: '('"),
        ("SELECT (SELECT Id FROM Contacts) FROM Account", "unexpected token: '('"),
        ("SELECT TYPEOF What WHEN Account THEN Phone END FROM Event", "unexpected token: 'What'"),
        ("SELECT Name FROM Lead GROUP BY Name", "unexpected token: 'GROUP'"),
        ("SELECT Id FROM Lead WHERE Id IN (SELECT LeadId FROM Task)", "unexpected token: 'SELECT'"),
        ("SELECT Id FROM Lead USING SCOPE mine", "unexpected token: 'USING'"),
        ("SELECT Id FROM Lead FOR VIEW", "unexpected token: 'FOR'"),
        ("SELECT Id FROM Lead, Account", "unexpected token: ','"),
    ];
    for (soql, expected) in cases {
        let error = refused(soql);
        assert_eq!(error.code, "MALFORMED_QUERY", "{soql}");
        let message = error.message.rsplit_once('\n').map_or(error.message.as_str(), |(_, last)| last);
        assert!(message.ends_with(expected), "{soql}: {}", error.message);
    }
    let error = refused("Select Id, LastModifiedById, LastModifiedDate, From Account ");
    let shown = "\nLastModifiedById, LastModifiedDate, From Account \n";
    assert!(error.message.starts_with(shown), "{}", error.message);
}

#[test]
fn empty_long_and_deep_statements_are_refused() {
    assert_eq!(refused("").message, "SOQL statements cannot be empty or null");
    assert_eq!(refused(" \n").message, "SOQL statements cannot be empty or null");
    let statement = |length: usize| format!("SELECT Id FROM Lead{}", " ".repeat(length - 19));
    assert!(parse(&statement(100_000)).is_ok());
    assert!(refused(&statement(100_001)).message.contains("100000 characters"));
    let string = |length: usize| format!("SELECT Id FROM Lead WHERE Name = '{}'", "ä".repeat(length));
    assert!(parse(&string(4_000)).is_ok());
    assert_eq!(refused(&string(4_001)).code, "MALFORMED_QUERY");
    let nested = |n: usize| format!("SELECT Id FROM Lead WHERE {}A = 1{}", "(".repeat(n), ")".repeat(n));
    assert!(parse(&nested(100)).is_ok());
    assert_eq!(refused(&nested(20_000)).code, "QUERY_TOO_COMPLICATED");
}

/// The documented escapes, written down apart from the lexer.
fn quote(text: &str) -> String {
    let mut out = String::from("'");
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '"' => out.push_str("\\\""),
            '\'' => out.push_str("\\'"),
            '\\' => out.push_str("\\\\"),
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

proptest! {
    #[test]
    fn any_text_quoted_by_the_escape_table_comes_back_unchanged(text in any::<String>()) {
        let soql = format!("SELECT Id FROM Lead WHERE A = {} AND B = 'after'", quote(&text));
        let Some(Condition::And(parts)) = parse(&soql).unwrap().condition else { panic!("{soql}") };
        prop_assert_eq!(parts.len(), 2);
        let Condition::Compare(_, _, literal) = &parts[0] else { panic!("{soql}") };
        prop_assert_eq!(&literal.kind, &LiteralKind::Text(text));
    }

    #[test]
    fn text_written_as_unicode_escapes_comes_back_unchanged(text in "\\PC{0,20}") {
        let escapes: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        let query = parse(&format!("SELECT Id FROM Lead WHERE A = '{escapes}'")).unwrap();
        let Some(Condition::Compare(_, _, literal)) = query.condition else { panic!("{escapes}") };
        prop_assert_eq!(literal.kind, LiteralKind::Text(text));
    }

    #[test]
    fn no_text_whatever_makes_the_parser_fall_over(text in any::<String>()) {
        let _ = parse(&text);
        let _ = parse(&format!("SELECT Id FROM Lead WHERE {text}"));
    }

    #[test]
    fn no_order_of_tokens_makes_the_parser_fall_over(
        words in proptest::collection::vec(
            prop::sample::select(vec![
                "SELECT", "FROM", "WHERE", "AND", "OR", "NOT", "IN", "LIKE", "(", ")", ",", ".", ":", "=", "<",
                "'a'", "'", "1", "2020-01-01", "2020-01-01T", "Id", "Name", "ORDER", "BY", "LIMIT", "OFFSET",
                "NULLS", "FIRST", "null", "TODAY", "LAST_N_DAYS", "COUNT", "-", "\\", "ä", "ALL", "ROWS",
            ]),
            0..20,
        )
    ) {
        let _ = parse(&words.join(" "));
        let _ = parse(&words.concat());
    }
}
