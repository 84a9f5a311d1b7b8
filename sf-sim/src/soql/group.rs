//! Groups of rows: GROUP BY and its subtotals, aggregate functions, HAVING.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};

use super::ast::{Call, Expr, Function, Group, GroupKind, Item, Query, Select};
use super::compare::Collation;
use super::error::{MALFORMED_QUERY, SoqlError};
use super::filter::Filter;
use super::operand::{Operand, Target, formatted};
use super::resolve::Resolver;
use super::view::{View, by_keys};
use crate::schema::{FieldDef, Type};
use crate::value::{Cell, Decimal, Total, Value};

/// How rows become groups, and what is shown of a group.
///
/// A group's values stand in slots: first its keys, then for each key whether the group is a subtotal over it, then
/// what is aggregated, of which HAVING and ORDER BY may add some.
#[derive(Clone, Debug)]
pub(super) struct Grouping {
    keys: Vec<Target>,
    aggregates: Vec<(Function, Target)>,
    kind: GroupKind,
    shown: Vec<Shown>,
    pub(super) having: Option<Filter>,
}

#[derive(Clone, Debug)]
struct Shown {
    name: String,
    slot: Slot,
    ty: Type,
    format: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    Key(usize),
    Aggregate(usize),
    Grouping(usize),
}

/// The grouping of a query, where it has one.
pub(super) fn grouping(query: &Query, resolver: &mut Resolver<'_>) -> Result<Option<Grouping>, SoqlError> {
    let Select::Items(items) = &query.select else { return Ok(None) };
    let aggregated = |item: &Item| matches!(item, Item::Value(expr, _) if has_aggregate(expr));
    if query.group.is_none() && !items.iter().any(aggregated) {
        return Ok(None);
    }
    let mut grouping = Grouping {
        keys: query.group.as_ref().map_or(Ok(Vec::new()), |group| keys(group, resolver))?,
        aggregates: Vec::new(),
        kind: query.group.as_ref().map_or(GroupKind::Plain, |group| group.kind),
        shown: Vec::new(),
        having: None,
    };
    let mut unnamed = 0;
    for item in items {
        let Item::Value(expr, alias) = item else {
            // That they are refused is documented, in which words is not.
            let message = "Subqueries, TYPEOF and FIELDS() cannot be used with GROUP BY or aggregates";
            return Err(SoqlError::plain(MALFORMED_QUERY, message));
        };
        let (inner, format) = match expr {
            Expr::Call(call) if call.function == Function::Format => (&*call.argument, true),
            other => (other, false),
        };
        let (slot, target) = grouping.find(inner, resolver, "Field must be grouped or aggregated")?;
        let name = match (alias, inner) {
            (Some(alias), _) => alias.text.clone(),
            (None, Expr::Field(_)) => target.names.last().cloned().unwrap_or_default(),
            (None, _) => {
                unnamed += 1;
                format!("expr{}", unnamed - 1)
            }
        };
        if grouping.shown.iter().any(|s| s.name.eq_ignore_ascii_case(&name)) {
            let message = format!("duplicate alias: {name}");
            return Err(resolver.error(MALFORMED_QUERY, expr.pos(), &message));
        }
        grouping.shown.push(Shown { name, slot, ty: target.field.ty, format });
    }
    Ok(Some(grouping))
}

fn has_aggregate(expr: &Expr) -> bool {
    match expr {
        Expr::Call(call) => call.function.is_aggregate() || has_aggregate(&call.argument),
        _ => false,
    }
}

fn keys(group: &Group, resolver: &mut Resolver<'_>) -> Result<Vec<Target>, SoqlError> {
    let mut keys = Vec::with_capacity(group.by.len());
    for expr in &group.by {
        let target = resolver.target(expr)?;
        let plain = matches!(target.operand, Operand::Field(_) | Operand::Label(..));
        if matches!(target.operand, Operand::Distance(_)) || plain && !target.field.groupable {
            let message = format!("field '{}' can not be grouped in a query call", target.field.name);
            return Err(resolver.error(MALFORMED_QUERY, expr.pos(), &message));
        }
        keys.push(target);
    }
    Ok(keys)
}

impl Resolver<'_> {
    /// What an expression reads of a group: `HAVING` and `ORDER BY` may name what is not selected.
    pub(super) fn slot(&mut self, expr: &Expr, refusal: &str) -> Result<Target, SoqlError> {
        // The grouping is taken out meanwhile, so that names mean the fields of rows again.
        let Some(mut grouping) = self.grouping.take() else { return self.target(expr) };
        let found = grouping.find(expr, self, refusal).map(|(slot, mut target)| {
            target.operand = Operand::Slot(grouping.place(slot));
            target
        });
        self.grouping = Some(grouping);
        found
    }
}

impl Grouping {
    /// The slot of an expression, a new one for an aggregate that was not there yet.
    fn find(
        &mut self,
        expr: &Expr,
        resolver: &mut Resolver<'_>,
        refusal: &str,
    ) -> Result<(Slot, Target), SoqlError> {
        match expr {
            Expr::Call(call) if call.function == Function::Grouping => {
                let (slot, mut target) = self.find(&call.argument, resolver, refusal)?;
                match slot {
                    Slot::Key(at) if self.kind != GroupKind::Plain => {
                        target.field = FieldDef::new(&target.field.name, &target.field.label, Type::Int);
                        Ok((Slot::Grouping(at), target))
                    }
                    _ => Err(SoqlError::unexpected(resolver.soql, call.pos, "GROUPING")),
                }
            }
            Expr::Call(call) if call.function.is_aggregate() => self.aggregate(call, resolver),
            other => {
                let target = resolver.target(other)?;
                match self.keys.iter().position(|key| key.operand == target.operand) {
                    Some(at) => Ok((Slot::Key(at), target)),
                    None => {
                        let message = format!("{refusal}: {}", target.names.join("."));
                        Err(resolver.error(MALFORMED_QUERY, other.pos(), &message))
                    }
                }
            }
        }
    }

    fn aggregate(&mut self, call: &Call, resolver: &mut Resolver<'_>) -> Result<(Slot, Target), SoqlError> {
        let function = call.function;
        let target = resolver.target(&call.argument)?;
        let ty = target.field.ty;
        let summed = ty.is_decimal() || matches!(ty, Type::Int | Type::Long);
        let fits = match function {
            Function::Sum | Function::Avg => summed,
            _ => true,
        };
        let plain = matches!(target.operand, Operand::Field(_));
        if !fits || !plain || !target.field.aggregatable {
            let message = format!(
                "field {} does not support aggregate operator {}",
                target.field.name,
                function.name()
            );
            return Err(resolver.error(MALFORMED_QUERY, call.pos, &message));
        }
        let known = self.aggregates.iter().position(|(f, t)| *f == function && t.operand == target.operand);
        let mut shown = target.clone();
        let result = match function {
            Function::Count | Function::CountDistinct => Type::Int,
            Function::Avg => {
                if ty.is_decimal() {
                    ty
                } else {
                    Type::Double
                }
            }
            _ => ty,
        };
        shown.field.ty = result;
        let at = known.unwrap_or_else(|| {
            self.aggregates.push((function, target));
            self.aggregates.len() - 1
        });
        Ok((Slot::Aggregate(at), shown))
    }

    /// Whether the statement groups, rather than aggregates all rows.
    pub(super) fn has_keys(&self) -> bool {
        !self.keys.is_empty()
    }

    /// What each value of a group is: its name in the answer, the expression, and the field where it is one.
    pub(super) fn columns(&self) -> impl Iterator<Item = (&str, String, Type, Option<&FieldDef>)> {
        self.shown.iter().map(|shown| {
            let (display, field) = match shown.slot {
                Slot::Key(at) => match &self.keys[at].operand {
                    Operand::Field(_) => (shown.name.clone(), Some(&self.keys[at].field)),
                    _ => (shown.name.clone(), None),
                },
                Slot::Grouping(at) => (format!("grouping({})", self.keys[at].names.join(".")), None),
                Slot::Aggregate(at) => {
                    let (function, target) = &self.aggregates[at];
                    (format!("{}({})", function.name().to_lowercase(), target.names.join(".")), None)
                }
            };
            (shown.name.as_str(), display, shown.ty, field)
        })
    }

    /// Where a slot's value stands among those of a group.
    fn place(&self, slot: Slot) -> usize {
        let keys = self.keys.len();
        match slot {
            Slot::Key(at) => at,
            Slot::Grouping(at) => keys + at,
            Slot::Aggregate(at) => 2 * keys + at,
        }
    }

    /// Which keys each of the groupings keeps: all of them first, then the subtotals.
    fn kept(&self) -> Vec<Vec<bool>> {
        let n = self.keys.len();
        match self.kind {
            GroupKind::Plain => vec![vec![true; n]],
            GroupKind::Rollup => (0..=n).rev().map(|kept| (0..n).map(|at| at < kept).collect()).collect(),
            GroupKind::Cube => {
                (0..1_usize << n).map(|left| (0..n).map(|at| left >> at & 1 == 0).collect()).collect()
            }
        }
    }
}

/// A key of a group, ordered as the field's values are; no value first, subtotals last.
#[derive(Clone, Debug)]
struct Part {
    value: Value,
    total: bool,
    collation: Collation,
}

impl Ord for Part {
    fn cmp(&self, other: &Self) -> Ordering {
        let rank = |part: &Self| if part.total { 2 } else { u8::from(!part.value.is_null()) };
        rank(self)
            .cmp(&rank(other))
            .then_with(|| self.collation.order(self.value.as_cell(), other.value.as_cell()))
    }
}

impl PartialOrd for Part {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Part {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Part {}

fn part(cell: Cell<'_>, collation: &Collation) -> Part {
    Part { value: cell.to_value(), total: false, collation: collation.clone() }
}

/// What is known so far of one aggregate of one group.
#[derive(Clone, Debug)]
struct Tally {
    function: Function,
    collation: Collation,
    count: u64,
    sum: Total,
    whole: bool,
    best: Option<Part>,
    seen: BTreeSet<Part>,
}

impl Tally {
    fn new(function: Function, collation: Collation) -> Self {
        let (sum, best, seen) = (Total::default(), None, BTreeSet::new());
        Self { function, collation, count: 0, sum, whole: true, best, seen }
    }

    fn add(&mut self, cell: Cell<'_>) {
        if cell.is_null() {
            return;
        }
        self.count += 1;
        match self.function {
            Function::Sum | Function::Avg => self.sum_up(cell),
            Function::CountDistinct => drop(self.seen.insert(part(cell, &self.collation))),
            Function::Min | Function::Max => {
                let wanted = if self.function == Function::Min { Ordering::Less } else { Ordering::Greater };
                let best = self.best.as_ref().map(|b| b.value.as_cell());
                if best.is_none_or(|best| self.collation.order(cell, best) == wanted) {
                    self.best = Some(part(cell, &self.collation));
                }
            }
            _ => {}
        }
    }

    fn sum_up(&mut self, cell: Cell<'_>) {
        match cell {
            Cell::Num(n) => {
                self.whole = false;
                self.sum.add(n);
            }
            Cell::Int(n) => self.sum.add(n.into()),
            _ => {}
        }
    }

    fn value(self) -> Value {
        match self.function {
            Function::Count => Value::Int(i64::try_from(self.count).unwrap_or(i64::MAX)),
            Function::CountDistinct => Value::Int(i64::try_from(self.seen.len()).unwrap_or(i64::MAX)),
            Function::Min | Function::Max => self.best.map_or(Value::Null, |best| best.value),
            _ if self.count == 0 => Value::Null,
            Function::Sum => match i64::try_from(self.sum.unscaled) {
                Ok(sum) if self.whole => Value::Int(sum),
                _ => Value::Num(Decimal::fitted(self.sum.unscaled, self.sum.scale)),
            },
            _ => Value::Num(average(self.sum, self.count)),
        }
    }
}

/// A mean to 15 digits, as a double holds them, of which at most 18 stand behind the point; without zeros at its end.
fn average(sum: Total, count: u64) -> Decimal {
    let count = i128::from(count);
    let Total { unscaled: mut sum, mut scale } = sum;
    while scale < 18 && (sum / count).unsigned_abs() < 10_u128.pow(14) && sum.unsigned_abs() < 10_u128.pow(36)
    {
        sum *= 10;
        scale += 1;
    }
    let half = if sum < 0 { -count / 2 } else { count / 2 };
    let mut mean = (sum + half) / count;
    while scale > 0 && mean % 10 == 0 {
        mean /= 10;
        scale -= 1;
    }
    Decimal::fitted(mean, scale)
}

impl View<'_> {
    /// The groups of a grouped query, in their order and within LIMIT and OFFSET, as the REST API shows them.
    #[must_use]
    pub fn groups(&self) -> Vec<Json> {
        let Some(grouping) = &self.plan().grouping else { return Vec::new() };
        let mut groups = self.tallied(grouping);
        if let Some(having) = &grouping.having {
            groups.retain(|slots| having.holds(self.frame(), &|operand| slot(slots, operand)));
        }
        groups.sort_by(|a, b| by_keys(&self.plan().order, |key| slot(a, key), |key| slot(b, key)));
        let (skip, take) = self.plan().window();
        let groups = groups.iter().skip(skip).take(take);
        groups.map(|slots| self.group_record(grouping, slots)).collect()
    }

    /// The slots of every group, in the order of the keys.
    fn tallied(&self, grouping: &Grouping) -> Vec<Vec<Value>> {
        let collations: Vec<_> = grouping.keys.iter().map(|key| Collation::of(&key.field)).collect();
        let fresh = || {
            let tallies = grouping.aggregates.iter().map(|(f, t)| Tally::new(*f, Collation::of(&t.field)));
            tallies.collect::<Vec<_>>()
        };
        let kept = grouping.kept();
        let mut groups: BTreeMap<Vec<Part>, Vec<Tally>> = BTreeMap::new();
        if grouping.keys.is_empty() {
            groups.insert(Vec::new(), fresh());
        }
        for row in self.clone().matching() {
            let keys = grouping.keys.iter().zip(&collations);
            let parts: Vec<Part> =
                keys.map(|(key, collation)| part(self.operand(row, &key.operand), collation)).collect();
            for kept in &kept {
                let key = parts.iter().zip(kept).map(|(part, kept)| match kept {
                    true => part.clone(),
                    false => Part { value: Value::Null, total: true, collation: part.collation.clone() },
                });
                let tallies = groups.entry(key.collect()).or_insert_with(fresh);
                for (tally, (_, target)) in tallies.iter_mut().zip(&grouping.aggregates) {
                    tally.add(self.operand(row, &target.operand));
                }
            }
        }
        let slots = groups.into_iter().map(|(key, tallies)| {
            let totals: Vec<_> = key.iter().map(|part| Value::Int(i64::from(part.total))).collect();
            let values = key.into_iter().map(|part| part.value);
            values.chain(totals).chain(tallies.into_iter().map(Tally::value)).collect()
        });
        slots.collect()
    }

    fn group_record(&self, grouping: &Grouping, slots: &[Value]) -> Json {
        let mut record = Map::new();
        record.insert("attributes".to_owned(), json!({ "type": "AggregateResult" }));
        for shown in &grouping.shown {
            let cell = slots.get(grouping.place(shown.slot)).map_or(Cell::Null, Value::as_cell);
            let text = if shown.format { formatted(cell, shown.ty, self.zone()) } else { None };
            let value = text.map_or_else(|| cell.to_json(), Json::from);
            record.insert(shown.name.clone(), value);
        }
        record.into()
    }
}

fn slot<'r>(slots: &'r [Value], operand: &Operand) -> Cell<'r> {
    match operand {
        Operand::Slot(at) => slots.get(*at).map_or(Cell::Null, Value::as_cell),
        _ => Cell::Null,
    }
}
