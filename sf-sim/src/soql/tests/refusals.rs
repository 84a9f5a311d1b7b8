//! What is refused, and in which words.

use super::*;

const FIELD: &str = "INVALID_FIELD";
const TYPE: &str = "INVALID_TYPE";
const MALFORMED: &str = "MALFORMED_QUERY";
const FILTER: &str = "INVALID_QUERY_FILTER_OPERATOR";

#[test]
fn what_an_object_or_a_field_does_not_allow_is_refused_in_salesforces_words() {
    let org = things();
    let no_column = "If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names.";
    let no_relationship = "If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names.";
    let no_object = "If you are attempting to use a custom object, be sure to append the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names.";
    let cases = [
        (
            "SELECT Bacon__c FROM Account LIMIT 2",
            FIELD,
            8,
            format!("No such column 'Bacon__c' on entity 'Account'. {no_column}"),
        ),
        ("SELECT Id FROM Accout", TYPE, 16, format!("sObject type 'Accout' is not supported. {no_object}")),
        (
            "SELECT Id, Parent__r.Bacon FROM Thing__c",
            FIELD,
            12,
            format!("No such column 'Bacon' on entity 'Thing__c'. {no_column}"),
        ),
        (
            "SELECT Id, What.Industry FROM Thing__c",
            FIELD,
            12,
            format!("No such column 'Industry' on entity 'Name'. {no_column}"),
        ),
        (
            "SELECT Parent__c.Name FROM Thing__c",
            FIELD,
            8,
            format!("Didn't understand relationship 'Parent__c' in field path. {no_relationship}"),
        ),
        (
            "SELECT Gone.Name FROM Thing__c",
            FIELD,
            8,
            format!("Didn't understand relationship 'Gone' in field path. {no_relationship}"),
        ),
        (
            "SELECT What.Owner.Name FROM Thing__c",
            FIELD,
            8,
            format!("Didn't understand relationship 'Owner' in field path. {no_relationship}"),
        ),
        (
            "SELECT Parent__r FROM Thing__c",
            FIELD,
            8,
            format!("No such column 'Parent__r' on entity 'Thing__c'. {no_column}"),
        ),
        (
            "SELECT Id FROM Thing__c WHERE Story__c = 'x'",
            FIELD,
            31,
            "field 'Story__c' can not be filtered in a query call".to_owned(),
        ),
        (
            "SELECT Id FROM Thing__c WHERE story__c LIKE 'x'",
            FIELD,
            31,
            "field 'Story__c' can not be filtered in a query call".to_owned(),
        ),
        (
            "SELECT Id FROM Thing__c WHERE File__c = null",
            FIELD,
            31,
            "field 'File__c' can not be filtered in a query call".to_owned(),
        ),
        (
            "SELECT Id FROM Account WHERE BillingAddress = null",
            FIELD,
            30,
            "Address fields can only be filtered using Distance expressions".to_owned(),
        ),
        (
            "SELECT Id FROM Thing__c ORDER BY Story__c",
            MALFORMED,
            34,
            "field 'Story__c' can not be sorted in a query call".to_owned(),
        ),
        (
            "SELECT Id FROM Thing__c ORDER BY Colours__c",
            MALFORMED,
            34,
            "field 'Colours__c' can not be sorted in a query call".to_owned(),
        ),
        ("SELECT Id FROM Thing__c WHERE Id LIKE 'a%'", FILTER, 31, "invalid operator on id field".to_owned()),
        (
            "SELECT Id FROM Thing__c WHERE Flag__c > true",
            FILTER,
            31,
            "invalid operator on boolean field".to_owned(),
        ),
        (
            "SELECT Id FROM Thing__c WHERE Day__c LIKE '2%'",
            FILTER,
            31,
            "invalid operator on date field".to_owned(),
        ),
        (
            "SELECT Id FROM Thing__c WHERE Colours__c LIKE 'r%'",
            FILTER,
            31,
            "invalid operator on multipicklist field".to_owned(),
        ),
        (
            "SELECT Id FROM Thing__c WHERE Text__c INCLUDES ('x')",
            FILTER,
            31,
            "includes or excludes operator only valid on multipicklist field".to_owned(),
        ),
        ("SELECT Id FROM Thing__c WHERE Parent__c = 'x'", FILTER, 31, "invalid ID field: x".to_owned()),
        ("SELECT Id FROM Thing__c WHERE Parent__c IN ('x')", FILTER, 31, "invalid ID field: x".to_owned()),
        (
            "SELECT Id FROM Thing__c OFFSET 2001",
            "NUMBER_OUTSIDE_VALID_RANGE",
            32,
            "Maximum SOQL offset allowed is 2000".to_owned(),
        ),
    ];
    for (soql, code, column, message) in cases {
        let error = org.refused(soql);
        assert_eq!(error.code, code, "{soql}");
        let (context, last) = error.message.rsplit_once('\n').unwrap();
        assert_eq!(last, message, "{soql}");
        assert!(context.ends_with(&format!("ERROR at Row:1:Column:{column}")), "{soql}: {context}");
    }
}

#[test]
fn the_whole_message_of_a_recorded_refusal_is_the_same() {
    let org = Org::new();
    let error = org.refused("SELECT Bacon__c FROM Account LIMIT 2");
    let expected = "\nSELECT Bacon__c FROM Account LIMIT 2\n       ^\nERROR at Row:1:Column:8\nNo such column 'Bacon__c' on entity 'Account'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names.";
    assert_eq!(error, SoqlError { code: FIELD, message: expected.to_owned() });
    let error = org.refused("SELECT Id,Name,BillingCity,IsDeleted FROM Accout");
    let expected = "\nName,BillingCity,IsDeleted FROM Accout\n                                ^\nERROR at Row:1:Column:43\nsObject type 'Accout' is not supported. If you are attempting to use a custom object, be sure to append the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names.";
    assert_eq!(error, SoqlError { code: TYPE, message: expected.to_owned() });
}

#[test]
fn literals_of_the_wrong_type_are_refused() {
    let org = Org::new();
    let cases = [
        ("Text__c = 1", "Text__c", "string and should"),
        ("Text__c = true", "Text__c", "string and should"),
        ("Text__c LIKE 5", "Text__c", "string and should"),
        ("Parent__c = 5", "Parent__c", "ID and should"),
        ("Number__c = '1'", "Number__c", "double and should not"),
        ("Count__c IN (1, '2')", "Count__c", "int and should not"),
        ("Flag__c = 'true'", "Flag__c", "boolean and should not"),
        ("Flag__c = 1", "Flag__c", "boolean and should not"),
        ("Day__c = '2024-01-01'", "Day__c", "date and should not"),
        ("Day__c > 2024-01-01T00:00:00Z", "Day__c", "date and should not"),
        ("At__c > 2024-01-01", "At__c", "dateTime and should not"),
        ("At__c > '2024-01-01T00:00:00Z'", "At__c", "dateTime and should not"),
        ("Time__c > 2024-01-01", "Time__c", "time and should not"),
        ("Number__c = TODAY", "Number__c", "double and should not"),
        ("Number__c = 1e300", "Number__c", "double and should not"),
    ];
    for (condition, field, rest) in cases {
        let error = org.refused(&format!("SELECT Id FROM Thing__c WHERE {condition}"));
        assert_eq!(error.code, FIELD, "{condition}");
        let message = format!(
            "value of filter criterion for field '{field}' must be of type {rest} be enclosed in quotes"
        );
        assert!(error.message.ends_with(&format!("Column:31\n{message}")), "{condition}: {}", error.message);
    }
}

#[test]
fn mistakes_without_a_place_are_told_without_context() {
    let mut org = Org::new();
    let mut event = ObjectDef::new("Signal__e", "Signal", "Signals", KeyPrefix::of("e00"));
    event.event = true;
    org.store.define(event);
    let error = org.refused("SELECT Id FROM Signal__e");
    assert_eq!(
        (error.code, error.message.as_str()),
        ("INVALID_TYPE_FOR_OPERATION", "entity type Signal__e does not support query")
    );
    let error = org.refused("SELECT Id, Name, ID FROM Account");
    assert_eq!((error.code, error.message.as_str()), (FIELD, "duplicate field selected: Id"));
    let deep = "Parent__r.".repeat(6);
    assert_eq!(org.refused(&format!("SELECT {deep}Name FROM Thing__c")).code, MALFORMED);
    assert!(org.plan(&format!("SELECT {}Name FROM Thing__c", "Parent__r.".repeat(5))).is_ok());
}

#[test]
fn what_bulk_refuses_is_known_before_the_job_runs() {
    let org = Org::new();
    let refusal = |soql: &str| org.plan(soql).unwrap().bulk_refusal().map(|e| (e.code, e.message));
    let compound = ("API_ERROR", "Selecting compound data not supported in Bulk Query".to_owned());
    assert_eq!(refusal("SELECT Id, BillingAddress FROM Account"), Some(compound.clone()));
    assert_eq!(refusal("SELECT Account__r.BillingAddress FROM Thing__c"), Some(compound.clone()));
    assert_eq!(refusal("SELECT Place__c FROM Thing__c"), Some(compound));
    for soql in [
        "SELECT File__c FROM Thing__c",
        "SELECT COUNT() FROM Account",
        "SELECT COUNT(Id) FROM Account",
        "SELECT Name FROM Account GROUP BY Name",
        "SELECT Id FROM Account OFFSET 1",
        "SELECT Id, (SELECT Id FROM Contacts) FROM Account",
        "SELECT TYPEOF What WHEN Account THEN Phone END FROM Thing__c",
    ] {
        assert_eq!(refusal(soql).map(|(code, _)| code), Some("API_ERROR"), "{soql}");
    }
    // Account.Name names itself as its compound and yet is plain text.
    assert_eq!(refusal("SELECT Id, Name, BillingCity, Owner.Name FROM Account"), None);
    let plan = org.plan("SELECT Id FROM Account ORDER BY Name LIMIT 5").unwrap();
    assert!(plan.bulk_refusal().is_none() && plan.has_order_by());
    assert_eq!(plan.limit(), Some(5));
    assert_eq!(refusal("SELECT FIELDS(ALL) FROM Account LIMIT 5").map(|(code, _)| code), Some(MALFORMED));
    let joined = "SELECT Id, toLabel(Industry) FROM Account WHERE Id IN (SELECT AccountId FROM Contact)";
    assert_eq!(refusal(joined), None);
}

/// Nearly all of these stand in forums and bug reports word for word; README.md names what is guessed.
#[test]
fn mistakes_of_groups_aliases_and_subqueries_are_told_in_salesforces_words() {
    let org = Org::new();
    let relationship = "Didn't understand relationship 'Nothing' in FROM part of query call. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names.";
    let nested = "Semi join sub-selects are only allowed at the top level WHERE expressions and not in nested WHERE expressions.";
    let contacts = "Id IN (SELECT AccountId FROM Contact)";
    let cases = [
        ("SELECT Name n FROM Account".to_owned(), MALFORMED, "only aggregate expressions use field aliasing"),
        ("SELECT Name, COUNT(Id) FROM Account".to_owned(), MALFORMED, "Field must be grouped or aggregated: Name"),
        ("SELECT Name FROM Account GROUP BY Industry".to_owned(), MALFORMED, "Field must be grouped or aggregated: Name"),
        (
            "SELECT Industry FROM Account GROUP BY Industry ORDER BY Name".to_owned(),
            MALFORMED,
            "Ordered field must be grouped or aggregated: Name",
        ),
        (
            "SELECT Place__c FROM Thing__c GROUP BY Place__c".to_owned(),
            MALFORMED,
            "field 'Place__c' can not be grouped in a query call",
        ),
        ("SELECT SUM(Name) FROM Account".to_owned(), MALFORMED, "field Name does not support aggregate operator SUM"),
        (
            "SELECT COUNT(Flag__c) FROM Thing__c".to_owned(),
            MALFORMED,
            "field Flag__c does not support aggregate operator COUNT",
        ),
        ("SELECT COUNT(Id) a, MAX(Name) A FROM Account".to_owned(), MALFORMED, "duplicate alias: A"),
        (
            "SELECT COUNT(Id) FROM Account LIMIT 1".to_owned(),
            MALFORMED,
            "Non-grouped query that uses overall aggregate functions cannot also use LIMIT",
        ),
        (
            "SELECT COUNT(Id) FROM Account ORDER BY COUNT(Id)".to_owned(),
            MALFORMED,
            "Non-grouped query that uses overall aggregate functions cannot also use ORDER BY",
        ),
        (
            "SELECT Id, (SELECT COUNT(Id) FROM Contacts) FROM Account".to_owned(),
            MALFORMED,
            "only root queries support aggregate expressions",
        ),
        ("SELECT Id, (SELECT Id FROM Nothing) FROM Account".to_owned(), TYPE, relationship),
        (
            "SELECT FIELDS(ALL) FROM Account".to_owned(),
            MALFORMED,
            "The SOQL FIELDS function must have a LIMIT of at most 200",
        ),
        (
            "SELECT FIELDS(CUSTOM) FROM Account LIMIT 201".to_owned(),
            MALFORMED,
            "The SOQL FIELDS function must have a LIMIT of at most 200",
        ),
        ("SELECT Id, FIELDS(STANDARD) FROM Account".to_owned(), FIELD, "duplicate field selected: Id"),
        ("SELECT Id FROM Account ALL ROWS".to_owned(), MALFORMED, "ALL ROWS not allowed in this context"),
        (
            format!("SELECT Id FROM Account WHERE Name = 'x' OR {contacts}"),
            MALFORMED,
            "Semi join sub-selects are not allowed with the 'OR' operator",
        ),
        (format!("SELECT Id FROM Account WHERE Name = 'x' AND (Name = 'y' OR {contacts})"), MALFORMED, nested),
        (
            "SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact WHERE Id IN (SELECT ContactId FROM Case))"
                .to_owned(),
            MALFORMED,
            "Nesting of semi join sub-selects is not supported",
        ),
        (
            format!("SELECT Industry FROM Account GROUP BY Industry HAVING {contacts}"),
            MALFORMED,
            "Semi-joins are only supported in WHERE clauses",
        ),
        (
            "SELECT Id FROM Account WHERE Name IN (SELECT AccountId FROM Contact)".to_owned(),
            MALFORMED,
            "The left operand field in the where expression for outer query should be an id field, cannot use: 'Name'",
        ),
        (
            "SELECT Id FROM Account WHERE Id IN (SELECT LastName FROM Contact)".to_owned(),
            MALFORMED,
            "semi join sub-selects can only query id fields, cannot use: 'LastName'",
        ),
        (
            "SELECT Id FROM Account WHERE Id IN (SELECT OwnerId FROM Contact)".to_owned(),
            MALFORMED,
            "The selected field 'Contact.OwnerId' in the subquery and the left operand field in the where expression in the outer query 'Account.Id' should point to the same object type",
        ),
        (
            "SELECT Id FROM Account WHERE ParentId IN (SELECT Id FROM Account)".to_owned(),
            MALFORMED,
            "The inner and outer selects should not be on the same object type",
        ),
    ];
    for (soql, code, message) in cases {
        let error = org.refused(&soql);
        assert_eq!(error.code, code, "{soql}");
        assert_eq!(error.message.rsplit('\n').next(), Some(message), "{soql}");
    }
}

/// "Only available in Apex" is all that the documents say of the modes; the words are ours.
#[test]
fn with_belongs_to_apex_and_to_articles() {
    let org = Org::new();
    for mode in ["SECURITY_ENFORCED", "USER_MODE", "SYSTEM_MODE"] {
        let error = org.refused(&format!("SELECT Id FROM Account WITH {}", mode.to_lowercase()));
        assert_eq!((error.code, error.message), (MALFORMED, format!("{mode} not allowed in this context")));
    }
    let articles = |object: &str| {
        format!("SELECT Id FROM {object} WITH DATA CATEGORY Geography__c ABOVE_OR_BELOW (usa__c, uk__c)")
    };
    let error = org.refused(&articles("Account"));
    let message = "WITH DATA CATEGORY is only allowed on articles and questions, not on Account";
    assert_eq!((error.code, error.message.as_str()), (MALFORMED, message));
    // An org without Knowledge does not know its objects.
    let error = org.refused(&articles("KnowledgeArticleVersion"));
    assert_eq!(error.code, TYPE);
    assert!(error.message.contains("sObject type 'KnowledgeArticleVersion' is not supported."));
}

#[test]
fn functions_take_only_fields_that_they_can_work_on() {
    let org = Org::new();
    for soql in [
        "SELECT Id FROM Thing__c WHERE CALENDAR_YEAR(Name) = 2024",
        "SELECT Id FROM Thing__c WHERE HOUR_IN_DAY(Day__c) = 1",
        "SELECT Id FROM Thing__c WHERE DAY_ONLY(convertTimezone(Day__c)) = TODAY",
        "SELECT Id FROM Thing__c WHERE CALENDAR_YEAR(At__c) = '2024'",
        "SELECT Id FROM Thing__c WHERE COUNT(Id) > 1",
        "SELECT Id FROM Thing__c WHERE FORMAT(At__c) = 'x'",
        "SELECT convertTimezone(At__c) FROM Thing__c",
        "SELECT CALENDAR_YEAR(At__c) FROM Thing__c",
        "SELECT toLabel(Number__c) FROM Thing__c",
        "SELECT convertCurrency(Name) FROM Thing__c",
        "SELECT Id FROM Thing__c WHERE DISTANCE(Name, GEOLOCATION(1, 2), 'km') < 3",
        "SELECT Id FROM Thing__c WHERE DISTANCE(Place__c, GEOLOCATION(1, 2), 'km') = 3",
        "SELECT Name, GROUPING(Name) FROM Thing__c GROUP BY Name",
        "SELECT COUNT() FROM Thing__c GROUP BY Name",
        "SELECT TYPEOF What WHEN Lead THEN Name END FROM Thing__c",
        "SELECT TYPEOF Nothing WHEN Lead THEN Name END FROM Thing__c",
        "SELECT What.Name, TYPEOF What WHEN Account THEN Phone END FROM Thing__c",
        "SELECT TYPEOF What WHEN Account THEN Phone END, TYPEOF What WHEN Contact THEN Phone END FROM Thing__c",
        "SELECT TYPEOF What WHEN Account THEN Nothing END FROM Thing__c",
        "SELECT Id, (SELECT Id FROM Contacts), (SELECT Name FROM Contacts) FROM Account",
    ] {
        assert!(org.plan(soql).is_err(), "{soql}");
    }
    let deep = |levels: usize| {
        let children = "(SELECT Id, ".repeat(levels);
        let ends = " FROM Things__r)".repeat(levels);
        let soql = format!("SELECT Id, {children}Name{ends} FROM Thing__c");
        org.plan(&soql.replace("Id, Name", "Name")).map(|_| ())
    };
    assert_eq!(deep(4), Ok(()));
    assert!(deep(5).is_err());
}
