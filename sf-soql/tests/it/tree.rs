//! Whole statements as the emulated org's parser understands them: the tree that was asked for, whatever it is.

use chrono::NaiveDate;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use sf_sim::soql::ast::{self, LiteralKind};
use sf_sim::soql::parse;
use sf_soql::function as f;
use sf_soql::{Condition, DateLiteral, Expr, Fields, Literal, Order, Select, field, type_of};

type Wrap = fn(Expr) -> Expr;

/// What a function is called, and how it is asked for.
const FUNCTIONS: [(&str, Wrap); 24] = [
    ("COUNT", |e| f::count(e)),
    ("COUNT_DISTINCT", |e| f::count_distinct(e)),
    ("SUM", |e| f::sum(e)),
    ("AVG", |e| f::avg(e)),
    ("MIN", |e| f::min(e)),
    ("MAX", |e| f::max(e)),
    ("GROUPING", |e| f::grouping(e)),
    ("CALENDAR_MONTH", |e| f::calendar_month(e)),
    ("CALENDAR_QUARTER", |e| f::calendar_quarter(e)),
    ("CALENDAR_YEAR", |e| f::calendar_year(e)),
    ("DAY_IN_MONTH", |e| f::day_in_month(e)),
    ("DAY_IN_WEEK", |e| f::day_in_week(e)),
    ("DAY_IN_YEAR", |e| f::day_in_year(e)),
    ("DAY_ONLY", |e| f::day_only(e)),
    ("FISCAL_MONTH", |e| f::fiscal_month(e)),
    ("FISCAL_QUARTER", |e| f::fiscal_quarter(e)),
    ("FISCAL_YEAR", |e| f::fiscal_year(e)),
    ("HOUR_IN_DAY", |e| f::hour_in_day(e)),
    ("WEEK_IN_MONTH", |e| f::week_in_month(e)),
    ("WEEK_IN_YEAR", |e| f::week_in_year(e)),
    ("convertTimezone", |e| f::convert_timezone(e)),
    ("toLabel", |e| f::to_label(e)),
    ("FORMAT", |e| f::format(e)),
    ("convertCurrency", |e| f::convert_currency(e)),
];

#[derive(Clone, Debug)]
struct WantedExpr {
    name: String,
    function: Option<Index>,
}

impl WantedExpr {
    fn function(&self) -> Option<&'static (&'static str, Wrap)> {
        self.function.as_ref().map(|index| index.get(&FUNCTIONS))
    }

    fn build(&self) -> Expr {
        match self.function() {
            Some((_, wrap)) => wrap(field(&self.name)),
            None => field(&self.name),
        }
    }

    fn show(&self) -> String {
        match self.function() {
            Some((name, _)) => format!("{name}({})", self.name),
            None => self.name.clone(),
        }
    }
}

#[derive(Clone, Debug)]
enum WantedValue {
    Text(String),
    Boolean(bool),
    Integer(i64),
    Day(NaiveDate),
}

impl WantedValue {
    fn build(&self) -> Literal {
        match self {
            Self::Text(text) => text.into(),
            Self::Boolean(value) => (*value).into(),
            Self::Integer(value) => (*value).into(),
            Self::Day(day) => (*day).into(),
        }
    }

    fn show(&self) -> String {
        format!("{self:?}")
    }
}

#[derive(Clone, Debug)]
enum WantedCondition {
    Compare(WantedExpr, usize, WantedValue),
    Null(WantedExpr, bool),
    Contains(String, String),
    In(WantedExpr, Vec<WantedValue>, bool),
    Includes(String, Vec<String>, bool),
    And(Vec<WantedCondition>),
    Or(Vec<WantedCondition>),
    Not(Box<WantedCondition>),
}

impl WantedCondition {
    fn build(&self) -> Condition {
        let all = |parts: &[Self], join: fn(Condition, Condition) -> Condition| {
            parts.iter().map(Self::build).reduce(join).unwrap()
        };
        match self {
            Self::Compare(of, operator, value) => {
                let (of, value) = (of.build(), value.build());
                [Expr::eq, Expr::ne, Expr::lt, Expr::le, Expr::gt, Expr::ge][*operator](of, value)
            }
            Self::Null(of, true) => of.build().is_null(),
            Self::Null(of, false) => of.build().is_not_null(),
            Self::Contains(of, text) => field(of).contains(text),
            Self::In(of, values, false) => of.build().is_in(values.iter().map(WantedValue::build)),
            Self::In(of, values, true) => of.build().is_not_in(values.iter().map(WantedValue::build)),
            Self::Includes(of, values, false) => field(of).includes(values.clone()),
            Self::Includes(of, values, true) => field(of).excludes(values.clone()),
            Self::And(parts) => all(parts, Condition::and),
            Self::Or(parts) => all(parts, Condition::or),
            Self::Not(inner) => !inner.build(),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Compare(of, operator, value) => {
                let operator =
                    ["Equal", "NotEqual", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"][*operator];
                format!("{} {operator} {}", of.show(), value.show())
            }
            Self::Null(of, is) => format!("{} {} Null", of.show(), if *is { "Equal" } else { "NotEqual" }),
            Self::Contains(of, text) => {
                format!("{of} like {:?} {}", format!("%{text}%"), special(text).len())
            }
            Self::In(of, values, not) => {
                format!(
                    "{} in {:?} {not}",
                    of.show(),
                    values.iter().map(WantedValue::show).collect::<Vec<_>>()
                )
            }
            Self::Includes(of, values, not) => format!("{of} includes {values:?} {not}"),
            Self::And(_) | Self::Or(_) => {
                let mut flat = Vec::new();
                self.flatten(matches!(self, Self::And(_)), &mut flat);
                format!("{}{flat:?}", if matches!(self, Self::And(_)) { "and" } else { "or" })
            }
            Self::Not(inner) => format!("not({})", inner.show()),
        }
    }

    /// `(a AND b) AND c` is `a AND b AND c`.
    fn flatten(&self, and: bool, out: &mut Vec<String>) {
        match (self, and) {
            (Self::And(parts), true) | (Self::Or(parts), false) => {
                parts.iter().for_each(|part| part.flatten(and, out));
            }
            _ => out.push(self.show()),
        }
    }
}

fn special(text: &str) -> Vec<char> {
    text.chars().filter(|c| "%_".contains(*c)).collect()
}

#[derive(Clone, Debug)]
struct Wanted {
    items: Vec<WantedItem>,
    alias: Option<String>,
    condition: Option<WantedCondition>,
    /// Whether each semi-join is an anti-join, and a condition of its own.
    joins: Vec<(bool, Option<WantedCondition>)>,
    group: Option<(usize, Vec<WantedExpr>)>,
    having: Option<WantedCondition>,
    order: Vec<(WantedExpr, bool, Option<bool>)>,
    limit: Option<u32>,
    offset: Option<u32>,
}

#[derive(Clone, Debug)]
enum WantedItem {
    Value(WantedExpr, Option<String>),
    Standard,
    TypeOf(String, Vec<(String, Vec<String>)>, Vec<String>),
    Child(Box<Wanted>),
}

impl Wanted {
    fn build(&self, object: &str) -> Select {
        let mut select = Select::from(object);
        if let Some(alias) = &self.alias {
            select = select.alias(alias);
        }
        for item in &self.items {
            select = match item {
                WantedItem::Value(of, None) => select.field(of.build()),
                WantedItem::Value(of, Some(alias)) => select.field(of.build().alias(alias)),
                WantedItem::Standard => select.field(Fields::Standard),
                WantedItem::TypeOf(relationship, cases, otherwise) => {
                    let begun =
                        cases.iter().fold(type_of(relationship), |t, (o, fields)| t.when(o, fields.clone()));
                    select.field(begun.otherwise(otherwise.clone()))
                }
                WantedItem::Child(child) => select.field(child.build("Kids")),
            };
        }
        if let Some(condition) = &self.condition {
            select = select.filter(condition.build());
        }
        for (anti, condition) in &self.joins {
            let mut joined = Select::from("Joined").field("JoinedId");
            if let Some(condition) = condition {
                joined = joined.filter(condition.build());
            }
            let id = field("Id");
            select = select.filter(if *anti { id.is_not_in_select(joined) } else { id.is_in_select(joined) });
        }
        if let Some((kind, by)) = &self.group {
            let by = by.iter().map(WantedExpr::build);
            select = match kind {
                0 => by.fold(select, |select, by| select.group_by(by)),
                1 => select.group_by_rollup(by),
                _ => select.group_by_cube(by),
            };
            if let Some(having) = &self.having {
                select = select.having(having.build());
            }
        }
        for (by, descending, nulls) in &self.order {
            let order: Order = if *descending { by.build().desc() } else { by.build().asc() };
            select = select.order_by(match nulls {
                Some(true) => order.nulls_first(),
                Some(false) => order.nulls_last(),
                None => order,
            });
        }
        select = self.limit.into_iter().fold(select, Select::limit);
        self.offset.into_iter().fold(select, Select::offset)
    }

    fn show(&self, object: &str) -> String {
        let mut items: Vec<String> = Vec::new();
        for item in &self.items {
            let (once, shown) = match item {
                WantedItem::Value(of, alias) => (true, format!("{} {alias:?}", of.show())),
                WantedItem::Standard => (true, "Standard".to_owned()),
                WantedItem::TypeOf(relationship, cases, otherwise) => {
                    (false, format!("typeof {relationship} {cases:?} {otherwise:?}"))
                }
                WantedItem::Child(child) => (false, child.show("Kids")),
            };
            if !once || !items.iter().any(|known| known.eq_ignore_ascii_case(&shown)) {
                items.push(shown);
            }
        }
        let mut conditions = Vec::new();
        match &self.condition {
            Some(condition) if self.joins.is_empty() => conditions.push(condition.show()),
            Some(condition) => condition.flatten(true, &mut conditions),
            None => {}
        }
        for (anti, condition) in &self.joins {
            let condition = condition.as_ref().map(WantedCondition::show);
            conditions.push(format!("Id in (JoinedId from Joined {condition:?}) {anti}"));
        }
        let condition = match conditions.as_slice() {
            [] => None,
            [one] => Some(one.clone()),
            several => Some(format!("and{several:?}")),
        };
        let group = self.group.as_ref().map(|(kind, by)| {
            format!(
                "{} {:?}",
                ["Plain", "Rollup", "Cube"][*kind],
                by.iter().map(WantedExpr::show).collect::<Vec<_>>()
            )
        });
        let having = self.group.as_ref().and(self.having.as_ref()).map(WantedCondition::show);
        let order: Vec<_> = self
            .order
            .iter()
            .map(|(by, descending, nulls)| format!("{} {descending} {nulls:?}", by.show()))
            .collect();
        format!(
            "{items:?} from {object} {:?} where {condition:?} group {group:?} having {having:?} order {order:?} {:?} {:?}",
            self.alias, self.limit, self.offset
        )
    }
}

fn names(path: &ast::Path) -> String {
    path.names.iter().map(|name| name.text.as_str()).collect::<Vec<_>>().join(".")
}

fn shown_expr(expr: &ast::Expr) -> String {
    match expr {
        ast::Expr::Field(path) => names(path),
        ast::Expr::Call(call) => format!("{}({})", call.function.name(), shown_expr(&call.argument)),
        other => panic!("{other:?}"),
    }
}

fn shown_value(value: &ast::Literal) -> String {
    match &value.kind {
        LiteralKind::Null => "Null".to_owned(),
        LiteralKind::Text(text) => WantedValue::Text(text.clone()).show(),
        LiteralKind::Boolean(value) => WantedValue::Boolean(*value).show(),
        LiteralKind::Number(number) => WantedValue::Integer(number.parse().unwrap()).show(),
        LiteralKind::Date(day) => WantedValue::Day(*day).show(),
        other => panic!("{other:?}"),
    }
}

fn shown_condition(condition: &ast::Condition) -> String {
    match condition {
        ast::Condition::And(parts) => {
            format!("and{:?}", parts.iter().map(shown_condition).collect::<Vec<_>>())
        }
        ast::Condition::Or(parts) => format!("or{:?}", parts.iter().map(shown_condition).collect::<Vec<_>>()),
        ast::Condition::Not(inner) => format!("not({})", shown_condition(inner)),
        ast::Condition::Compare(of, operator, value) => {
            format!("{} {operator:?} {}", shown_expr(of), shown_value(value))
        }
        ast::Condition::Like(of, like) => {
            format!("{} like {:?} {}", shown_expr(of), like.text, like.escaped.len())
        }
        ast::Condition::In(of, values, not) => {
            format!("{} in {:?} {not}", shown_expr(of), values.iter().map(shown_value).collect::<Vec<_>>())
        }
        ast::Condition::InSelect(of, joined, not) => {
            let ast::Select::Items(items) = &joined.select else { panic!("{joined:?}") };
            let [ast::Item::Value(id, None)] = items.as_slice() else { panic!("{joined:?}") };
            let condition = joined.condition.as_ref().map(shown_condition);
            let (id, from) = (shown_expr(id), names(&joined.object));
            format!("{} in ({id} from {from} {condition:?}) {not}", shown_expr(of))
        }
        ast::Condition::Includes(of, values, not) => {
            let text = |value: &ast::Literal| match &value.kind {
                LiteralKind::Text(text) => text.clone(),
                other => panic!("{other:?}"),
            };
            format!("{} includes {:?} {not}", shown_expr(of), values.iter().map(text).collect::<Vec<_>>())
        }
    }
}

fn shown(query: &ast::Query) -> String {
    let ast::Select::Items(items) = &query.select else { panic!("{query:?}") };
    let item = |item: &ast::Item| match item {
        ast::Item::Value(of, alias) => {
            format!("{} {:?}", shown_expr(of), alias.as_ref().map(|a| a.text.clone()))
        }
        ast::Item::Fields(ast::FieldGroup::Standard, _) => "Standard".to_owned(),
        ast::Item::Children(child) => shown(child),
        ast::Item::TypeOf(t) => {
            let all = |paths: &[ast::Path]| paths.iter().map(names).collect::<Vec<_>>();
            let cases: Vec<_> =
                t.cases.iter().map(|(object, paths)| (object.text.clone(), all(paths))).collect();
            format!("typeof {} {cases:?} {:?}", t.relationship.text, all(&t.otherwise))
        }
        other => panic!("{other:?}"),
    };
    let items: Vec<_> = items.iter().map(item).collect();
    let condition = query.condition.as_ref().map(shown_condition);
    let group = query
        .group
        .as_ref()
        .map(|g| format!("{:?} {:?}", g.kind, g.by.iter().map(shown_expr).collect::<Vec<_>>()));
    let having = query.having.as_ref().map(shown_condition);
    let order: Vec<_> = query
        .order
        .iter()
        .map(|o| {
            let nulls = o.nulls.map(|nulls| nulls == ast::Nulls::First);
            format!("{} {} {nulls:?}", shown_expr(&o.expr), o.descending)
        })
        .collect();
    format!(
        "{items:?} from {} {:?} where {condition:?} group {group:?} having {having:?} order {order:?} {:?} {:?}",
        names(&query.object),
        query.alias.as_ref().map(|a| a.text.clone()),
        query.limit,
        query.offset.map(|o| o.rows)
    )
}

fn name() -> impl Strategy<Value = String> {
    select(vec!["Id", "Name", "Owner.Name", "A__c", "B__r.C__c", "x1", "Amount"]).prop_map(str::to_owned)
}

fn expr() -> impl Strategy<Value = WantedExpr> {
    (name(), option::weighted(0.3, any::<Index>())).prop_map(|(name, function)| WantedExpr { name, function })
}

fn value() -> impl Strategy<Value = WantedValue> {
    let day = (1_i32..9999, 1_u32..366).prop_map(|(y, d)| NaiveDate::from_yo_opt(y, d).unwrap());
    prop_oneof![
        "[^\0]{0,12}|['\\\\%_() ,]{0,12}".prop_map(WantedValue::Text),
        any::<bool>().prop_map(WantedValue::Boolean),
        any::<i64>().prop_map(WantedValue::Integer),
        day.prop_map(WantedValue::Day),
    ]
}

fn condition() -> impl Strategy<Value = WantedCondition> {
    let leaf = prop_oneof![
        (expr(), 0_usize..6, value()).prop_map(|(e, o, v)| WantedCondition::Compare(e, o, v)),
        (expr(), any::<bool>()).prop_map(|(e, is)| WantedCondition::Null(e, is)),
        (name(), "['\\\\%_a-c]{0,12}").prop_map(|(n, t)| WantedCondition::Contains(n, t)),
        (expr(), vec(value(), 1..4), any::<bool>()).prop_map(|(e, v, n)| WantedCondition::In(e, v, n)),
        (name(), vec("[^\0]{0,8}", 1..4), any::<bool>())
            .prop_map(|(n, v, not)| WantedCondition::Includes(n, v, not)),
    ];
    leaf.prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(WantedCondition::And),
            vec(inner.clone(), 2..4).prop_map(WantedCondition::Or),
            inner.prop_map(|c| WantedCondition::Not(Box::new(c))),
        ]
    })
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let alias = || option::weighted(0.3, select(vec!["aa", "bb", "total"]).prop_map(str::to_owned));
    let plain = prop_oneof![
        4 => (expr(), alias()).prop_map(|(e, alias)| {
            // Only what a function makes has another name.
            let alias = alias.filter(|_| e.function.is_some());
            WantedItem::Value(e, alias)
        }),
        1 => Just(WantedItem::Standard),
        1 => (vec((select(vec!["Account", "Case"]).prop_map(str::to_owned), vec(name(), 1..3)), 1..3), vec(name(), 0..3))
            .prop_map(|(cases, otherwise)| WantedItem::TypeOf("What".to_owned(), cases, otherwise)),
    ];
    let statement = move |items: BoxedStrategy<Vec<WantedItem>>| {
        let clauses = (
            option::of(condition()),
            vec((any::<bool>(), option::of(condition())), 0..3),
            option::weighted(0.3, (0_usize..3, vec(expr(), 1..4))),
            option::of(condition()),
        );
        let tail = (
            vec((expr(), any::<bool>(), option::of(any::<bool>())), 0..3),
            option::of(any::<u32>()),
            option::of(0_u32..=2_000),
        );
        let alias = option::weighted(0.2, Just("al".to_owned()));
        (items, alias, clauses, tail).prop_map(|(items, alias, clauses, tail)| {
            let ((condition, joins, group, having), (order, limit, offset)) = (clauses, tail);
            Wanted { items, alias, condition, joins, group, having, order, limit, offset }
        })
    };
    let child = statement(vec(plain.clone(), 1..3).boxed()).prop_map(|mut child| {
        child.alias = None;
        WantedItem::Child(Box::new(child))
    });
    statement(vec(prop_oneof![5 => plain, 1 => child], 1..5).boxed())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]
    #[test]
    fn any_statement_is_parsed_to_the_tree_that_was_asked_for(wanted in wanted()) {
        let soql = wanted.build("Lead").build().unwrap();
        let parsed = parse(&soql).unwrap_or_else(|e| panic!("{soql}: {e:?}"));
        prop_assert_eq!(shown(&parsed), wanted.show("Lead"), "{}", soql);
    }
}

#[test]
fn clauses_of_words_are_understood() {
    use sf_soql::{CategorySelector, For, QueryScope, Track, With};
    let id = || Select::from("Lead").field("Id");
    let category = With::DataCategory {
        group: "Geo__c".to_owned(),
        selector: CategorySelector::AboveOrBelow,
        categories: vec!["usa__c".to_owned(), "uk__c".to_owned()],
    };
    for select in [
        id().using_scope(QueryScope::Mine),
        id().with(With::UserMode),
        id().with(category),
        id().purpose(For::View).track(Track::Viewstat),
        Select::from("Lead").field(Fields::All).limit(200),
        Select::from("Lead").field(f::count_rows()),
        id().filter(field("D").eq(DateLiteral::LastNQuarters(3))),
        id().filter(field("D").gt(Literal::currency("USD", "5.50".parse().unwrap()))),
    ] {
        let soql = select.build().unwrap();
        let written = parse(&soql).unwrap_or_else(|e| panic!("{soql}: {e:?}")).to_string();
        assert_eq!(written.to_ascii_uppercase(), soql.to_ascii_uppercase());
    }
}
