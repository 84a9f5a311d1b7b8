//! What is selected: fields, functions, subqueries, TYPEOF.

use super::super::ast::{Call, Distance, Expr, FieldGroup, Function, Item, Select, TypeOf};
use super::super::error::SoqlError;
use super::super::lexer::Kind;
use super::{Parsed, Parser};

impl Parser<'_> {
    pub(super) fn select(&mut self) -> Parsed<Select> {
        if self.is_keyword(0, "COUNT") && *self.kind(1) == Kind::Open && *self.kind(2) == Kind::Close {
            self.at += 3;
            return Ok(Select::Count);
        }
        let mut items = Vec::new();
        loop {
            if self.is_keyword(0, "FROM") {
                return Err(self.unexpected());
            }
            items.push(self.item()?);
            if !self.takes(&Kind::Comma) {
                return Ok(Select::Items(items));
            }
        }
    }

    fn item(&mut self) -> Parsed<Item> {
        if self.takes(&Kind::Open) {
            let query = self.subquery()?;
            self.needs(&Kind::Close)?;
            return Ok(Item::Children(query));
        }
        if self.is_keyword(0, "TYPEOF") && *self.kind(1) == Kind::Word && self.is_keyword(2, "WHEN") {
            self.step();
            return self.type_of().map(Item::TypeOf);
        }
        if self.is_keyword(0, "FIELDS") && *self.kind(1) == Kind::Open {
            return self.fields();
        }
        let expr = self.expr()?;
        let named = self.is(&Kind::Word) && !self.is_keyword(0, "FROM");
        let alias = if named { Some(self.name()?) } else { None };
        Ok(Item::Value(expr, alias))
    }

    fn fields(&mut self) -> Parsed<Item> {
        let pos = self.pos();
        self.step();
        self.step();
        let group = self.one_of(&[
            ("ALL", FieldGroup::All),
            ("CUSTOM", FieldGroup::Custom),
            ("STANDARD", FieldGroup::Standard),
        ])?;
        self.needs(&Kind::Close)?;
        Ok(Item::Fields(group, pos))
    }

    fn type_of(&mut self) -> Parsed<TypeOf> {
        let relationship = self.name()?;
        let mut cases = Vec::new();
        while self.takes_keyword("WHEN") {
            let object = self.name()?;
            self.needs_keyword("THEN")?;
            cases.push((object, self.paths()?));
        }
        let otherwise = if self.takes_keyword("ELSE") { self.paths()? } else { Vec::new() };
        self.needs_keyword("END")?;
        Ok(TypeOf { relationship, cases, otherwise })
    }

    fn paths(&mut self) -> Parsed<Vec<super::Path>> {
        self.listed(Self::path)
    }

    /// A field, or a function of one.
    pub(super) fn expr(&mut self) -> Parsed<Expr> {
        if *self.kind(1) != Kind::Open {
            return self.path().map(Expr::Field);
        }
        if self.is_keyword(0, "DISTANCE") {
            return self.distance().map(Expr::Distance);
        }
        let function = Some(self.written(0)).filter(|_| self.is(&Kind::Word)).and_then(Function::named);
        let pos = self.pos();
        let Some(function) = function else {
            if self.is(&Kind::Word) {
                self.step();
            }
            return Err(self.unexpected());
        };
        self.step();
        self.step();
        let argument = self.nested(Self::expr)?;
        self.needs(&Kind::Close)?;
        Ok(Expr::Call(Call { function, argument: Box::new(argument), pos }))
    }

    fn distance(&mut self) -> Parsed<Distance> {
        let pos = self.pos();
        self.step();
        self.step();
        let field = self.path()?;
        self.needs(&Kind::Comma)?;
        self.needs_keyword("GEOLOCATION")?;
        self.needs(&Kind::Open)?;
        let latitude = self.number()?;
        self.needs(&Kind::Comma)?;
        let longitude = self.number()?;
        self.needs(&Kind::Close)?;
        self.needs(&Kind::Comma)?;
        let at = self.pos();
        let unit = match self.kind(0) {
            Kind::Text(unit, _) => unit.clone(),
            _ => return Err(self.unexpected()),
        };
        let miles = match unit.to_ascii_lowercase().as_str() {
            "mi" => true,
            "km" => false,
            _ => {
                let message = format!("Invalid distance unit: {unit}. Valid unit: 'mi', 'km'");
                return Err(SoqlError::grammar(self.soql, at, &message));
            }
        };
        self.step();
        self.needs(&Kind::Close)?;
        Ok(Distance { field, latitude, longitude, miles, pos })
    }

    fn number(&mut self) -> Parsed<String> {
        if !self.is(&Kind::Number) {
            return Err(self.unexpected());
        }
        let number = self.written(0).to_owned();
        self.step();
        Ok(number)
    }
}
