use proptest::prelude::*;

use super::super::ast::{Condition, Literal, LiteralKind, Select};
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
    let value = |literal: &Literal| match &literal.kind {
        LiteralKind::Null => "null".to_owned(),
        LiteralKind::Boolean(b) => b.to_string(),
        LiteralKind::Text(t) => format!("{t:?}"),
        LiteralKind::Number(n) => n.clone(),
        LiteralKind::Currency(code, n) => format!("{code} {n}"),
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
            format!("{} {compare:?} {}", path, value(literal))
        }
        Condition::Like(path, like) => format!("{} ~ {:?}{:?}", path, like.text, like.escaped),
        Condition::In(path, list, not) => {
            format!("{} {}in {}", path, if *not { "not " } else { "" }, values(list))
        }
        Condition::InSelect(path, query, not) => {
            format!("{path} {}in [{query}]", if *not { "not " } else { "" })
        }
        Condition::Includes(path, list, not) => {
            format!("{} {} {}", path, if *not { "excludes" } else { "includes" }, values(list))
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
    let paths: Vec<_> = items.iter().map(ToString::to_string).collect();
    assert_eq!(paths, ["Id", "Account.Owner.Name"]);
    assert_eq!(query.object.names, [Name { text: "Contact".to_owned(), pos: 35 }]);
    assert_eq!(query.alias.unwrap().text, "c");
    assert_eq!(shape(&query.condition.unwrap()), r#"c.Name Equal "x""#);
    let order: Vec<_> = query.order.iter().map(|o| (o.expr.to_string(), o.descending, o.nulls)).collect();
    assert_eq!(order, [("Name".to_owned(), true, Some(Nulls::Last)), ("Id".to_owned(), false, None)]);
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
        ("SELECT COUNT(), Id FROM Lead", "unexpected token: ','"),
        ("SELECT Id, COUNT() FROM Lead", "unexpected token: ')'"),
        ("SELECT UPPER(Name) FROM Lead", "unexpected token: '('"),
        ("SELECT FIELDS(SOME) FROM Lead", "unexpected token: 'SOME'"),
        ("SELECT (SELECT Id FROM Contacts FROM Account", "unexpected token: 'FROM'"),
        ("SELECT TYPEOF What WHEN Account THEN Phone FROM Event", "unexpected token: 'FROM'"),
        ("SELECT Name FROM Lead GROUP Name", "unexpected token: 'GROUP'"),
        ("SELECT Name FROM Lead HAVING Name = 'x'", "unexpected token: 'HAVING'"),
        ("SELECT Name FROM Lead GROUP BY ROLLUP(Name", "unexpected token: '<EOF>'"),
        ("SELECT Id FROM Lead WHERE Id IN (SELECT LeadId FROM Task", "unexpected token: '<EOF>'"),
        ("SELECT Id FROM Lead WHERE Id LIKE (SELECT Id FROM Task)", "unexpected token: '('"),
        ("SELECT Id FROM Lead USING mine", "unexpected token: 'USING'"),
        ("SELECT Id FROM Lead FOR EVER", "unexpected token: 'EVER'"),
        ("SELECT Id FROM Lead WITH NOTHING", "unexpected token: 'NOTHING'"),
        ("SELECT DISTANCE(A, B, 'mi') FROM Lead", "unexpected token: 'B'"),
        (
            "SELECT DISTANCE(A, GEOLOCATION(1, 2), 'ft') FROM Lead",
            "Invalid distance unit: ft. Valid unit: 'mi', 'km'",
        ),
        ("SELECT Id FROM Lead, Account", "unexpected token: '<EOF>'"),
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

/// The same tree wherever its words stand.
fn without_places(query: &Query) -> Query {
    parse(&query.to_string()).unwrap_or_else(|e| panic!("{query}: {e}"))
}

#[test]
fn a_statement_written_out_again_is_the_same_statement() {
    let canonical = [
        "SELECT COUNT() FROM Lead",
        "SELECT Id, Account.Owner.Name FROM Contact c WHERE c.Name = 'x' ORDER BY Name DESC NULLS LAST, Id LIMIT 5 OFFSET 10",
        "SELECT Name n, COUNT(Id), MAX(Amount) top FROM Opportunity GROUP BY ROLLUP(Name, CALENDAR_YEAR(CloseDate)) HAVING COUNT(Id) > 1 AND MAX(Amount) < 5.5 ORDER BY COUNT(Id) DESC",
        "SELECT Name FROM Opportunity GROUP BY CUBE(Name, StageName)",
        "SELECT Name, GROUPING(Name) g FROM Opportunity GROUP BY Name, StageName",
        "SELECT FIELDS(ALL), FIELDS(CUSTOM), FIELDS(STANDARD) FROM Account LIMIT 200",
        "SELECT Id, (SELECT Id, (SELECT Id FROM Cases LIMIT 1) FROM Account.Contacts WHERE A = null ORDER BY Id) FROM Account",
        "SELECT TYPEOF What WHEN Account THEN Phone, Owner.Name WHEN Case THEN Subject ELSE Name END, Id FROM Event",
        "SELECT toLabel(Status), FORMAT(convertCurrency(Amount)) m, DISTANCE(Place__c, GEOLOCATION(1.5, -122), 'mi') d FROM X__c",
        "SELECT Id FROM Contact c, c.Account a, a.Owner o USING SCOPE mine WHERE o.Name LIKE 'a\\%b_%' AND (NOT Id IN ('x', 'y')) AND (A = 1 OR B != true)",
        "SELECT Id FROM A WHERE Id IN (SELECT AId FROM B WHERE C = 'x') AND Id NOT IN (SELECT AId FROM D)",
        "SELECT Id FROM A WHERE M INCLUDES ('a;b', 'c') AND M EXCLUDES ('d')",
        "SELECT Id FROM A WHERE DAY_ONLY(convertTimezone(CreatedDate)) = TODAY AND B = USD5000.50",
        "SELECT Id FROM A WHERE B IN (2024-02-29, 2024-02-29T12:30:00.000Z, 12:30:00.000Z)",
        "SELECT Id FROM A WHERE B = LAST_N_DAYS:3 OR B = NEXT_N_WEEKS:0 OR B = N_MONTHS_AGO:2 OR B = THIS_QUARTER OR B = LAST_N_YEARS:2",
        "SELECT Id FROM A WITH DATA CATEGORY G__c ABOVE_OR_BELOW (x__c, y__c) AND H__c AT z__c",
        "SELECT Id FROM A WITH SECURITY_ENFORCED LIMIT 1 FOR VIEW, REFERENCE UPDATE TRACKING, VIEWSTAT ALL ROWS",
    ];
    for soql in canonical {
        let query = parse(soql).unwrap_or_else(|e| panic!("{soql}: {e}"));
        assert_eq!(query.to_string(), soql);
        assert_eq!(query, without_places(&query));
    }
    let again = |soql: &str| parse(soql).unwrap().to_string();
    assert_eq!(again("select id from a as b where ((x=1))"), "SELECT id FROM a b WHERE x = 1");
    assert_eq!(again("select id from a where x=last_90_days"), "SELECT id FROM a WHERE x = LAST_N_DAYS:90");
    assert_eq!(again("select id from a for view for reference"), "SELECT id FROM a FOR VIEW, REFERENCE");
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
                "NULLS", "FIRST", "null", "TODAY", "LAST_N_DAYS", "COUNT", "GROUP", "ROLLUP", "HAVING", "TYPEOF", "WHEN", "THEN", "END", "FIELDS", "USING", "SCOPE", "DISTANCE", "FOR", "VIEW", "MAX", "(SELECT Id FROM Contacts)", "USD5", "-", "\\", "ä", "ALL", "ROWS",
            ]),
            0..20,
        )
    ) {
        if let Ok(query) = parse(&words.join(" ")) {
            let text = query.to_string();
            prop_assert_eq!(parse(&text).unwrap().to_string(), text);
        }
        let _ = parse(&words.concat());
    }
}
