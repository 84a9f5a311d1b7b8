//! The fields that a serde struct reads.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, MapAccess, SeqAccess, Visitor};

use crate::children::{CHILDREN, RECORDS};
use crate::error::{Error, ErrorKind, Result};
use crate::select::{Item, MAX_DEPTH, Select};

/// The most parents that a dotted name may pass through.
const MAX_PARENTS: usize = 5;
/// What every row has beside its fields.
const ATTRIBUTES: &str = "attributes";

/// What a query has to select for its rows to be read as `T`: the struct's fields by their names in serde, a
/// struct within as the fields of a parent (`Owner.Name`), and [`Children`](crate::Children) as a child query.
///
/// ```
/// use serde::Deserialize;
/// use sf_soql::{Children, Select, fields_of};
///
/// #[derive(Deserialize)]
/// #[serde(rename_all = "PascalCase")]
/// # #[allow(dead_code)]
/// struct Account {
///     id: String,
///     annual_revenue: Option<f64>,
///     owner: Owner,
///     contacts: Children<Contact>,
/// }
/// #[derive(Deserialize)]
/// # #[allow(dead_code)]
/// struct Owner {
///     #[serde(rename = "Name")]
///     full_name: String,
/// }
/// #[derive(Deserialize)]
/// # #[allow(dead_code)]
/// struct Contact {
///     #[serde(rename = "Email")]
///     mail: Option<String>,
/// }
///
/// let soql = Select::from("Account").fields(fields_of::<Account>()?).build()?;
/// assert_eq!(
///     soql,
///     "SELECT Id, AnnualRevenue, Owner.Name, (SELECT Email FROM Contacts) FROM Account"
/// );
/// # Ok::<(), sf_soql::Error>(())
/// ```
///
/// A struct for an address or a location is taken for a parent: a struct in `billing_address` becomes
/// `BillingAddress.Street`, which orgs refuse. Name the parts (`BillingStreet`), or take the whole as a
/// `serde_json::Value`.
///
/// A field `attributes` is passed over: every row has it unasked. A `#[serde(alias)]` cannot be told from a
/// field, so a struct with one selects both names.
///
/// # Errors
///
/// [`ErrorKind::InvalidQuery`] where the names cannot be known: `T` is no struct, or has `#[serde(flatten)]` in it; and
/// where SOQL does not read them: below too many parents or children, or as the children of a parent.
pub fn fields_of<T: DeserializeOwned>() -> Result<Vec<Item>> {
    Ok(explore::<T>(&mut Vec::new(), &Way::default())?.into_items())
}

/// The items of one level: fields by their dotted names, and child queries.
struct Level(Vec<Entry>);

enum Entry {
    Field(String),
    Child(String, Level),
}

impl Level {
    fn into_items(self) -> Vec<Item> {
        let item = |entry| match entry {
            Entry::Field(name) => Item::from(name),
            Entry::Child(name, level) => Select::from(name).fields(level.into_items()).into(),
        };
        self.0.into_iter().map(item).collect()
    }
}

/// The fields that lead to a struct, and how many of them are parents, since the last child query, and child queries.
#[derive(Default)]
struct Way {
    fields: Vec<&'static str>,
    parents: usize,
    children: usize,
}

impl Way {
    fn to_parent(&self, field: &'static str) -> Self {
        Self { parents: self.parents + 1, ..self.to(field) }
    }

    fn to_children(&self, field: &'static str) -> Self {
        Self { parents: 0, children: self.children + 1, ..self.to(field) }
    }

    fn to(&self, field: &'static str) -> Self {
        let mut fields = self.fields.clone();
        fields.push(field);
        Self { fields, parents: self.parents, children: self.children }
    }

    fn refuse<T>(&self, why: &str) -> Error {
        let (of, fields) = (std::any::type_name::<T>(), self.fields.join("."));
        let within = if fields.is_empty() { fields } else { format!(", in its field {fields},") };
        Error::new(ErrorKind::InvalidQuery, format!("{of}{within} {why}"))
    }
}

/// Looks at the struct at the end of a path. A visitor can be used once and gives away one shape, so every
/// step begins anew at `T` and follows the path there.
fn explore<T: DeserializeOwned>(path: &mut Vec<usize>, way: &Way) -> Result<Level> {
    let refuse = |why| Err(way.refuse::<T>(why));
    let fields = match shape_at::<T>(path) {
        Shape::Struct(fields) | Shape::Children(fields) => fields,
        Shape::Map => return refuse("names no fields: it is a map, or has #[serde(flatten)] in it"),
        Shape::Leaf | Shape::Unknown => return refuse("is no struct, so it names no fields"),
    };
    if way.parents > MAX_PARENTS {
        return refuse("nests deeper than five parents: name the fields one by one");
    }
    if way.children >= usize::from(MAX_DEPTH) {
        return refuse("nests children deeper than five levels, the outermost included");
    }
    let mut level = Vec::new();
    for (at, name) in fields.iter().copied().enumerate().filter(|(_, name)| *name != ATTRIBUTES) {
        path.push(at);
        match shape_at::<T>(path) {
            Shape::Leaf | Shape::Unknown => level.push(Entry::Field(name.to_owned())),
            Shape::Children(_) => {
                level.push(Entry::Child(name.to_owned(), explore::<T>(path, &way.to_children(name))?));
            }
            Shape::Struct(_) | Shape::Map => {
                let way = way.to_parent(name);
                for entry in explore::<T>(path, &way)?.0 {
                    match entry {
                        Entry::Field(field) => level.push(Entry::Field(format!("{name}.{field}"))),
                        Entry::Child(children, _) => {
                            let why =
                                format!("has the children {children} of a parent, which SOQL does not read");
                            return Err(way.refuse::<T>(&why));
                        }
                    }
                }
            }
        }
        path.pop();
    }
    Ok(Level(level))
}

/// What a type asks of its deserializer.
#[derive(Clone, Copy)]
enum Shape {
    Struct(&'static [&'static str]),
    /// The fields of the rows of a child query.
    Children(&'static [&'static str]),
    Map,
    Leaf,
    Unknown,
}

fn shape_at<T: DeserializeOwned>(path: &[usize]) -> Shape {
    let mut found = Shape::Unknown;
    // It always ends in an error: there is no value to give.
    let _ = T::deserialize(Tracer { path, child: false, found: &mut found });
    found
}

/// A deserializer without data: it follows a path of fields and notes what is asked for at its end.
struct Tracer<'t> {
    path: &'t [usize],
    /// Whether the end of the path is within a child query that the path's last step led to.
    child: bool,
    found: &'t mut Shape,
}

/// The end of the way.
#[derive(Debug)]
struct Stop;

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no value")
    }
}

impl std::error::Error for Stop {}

impl de::Error for Stop {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

macro_rules! leaves {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, _: V) -> std::result::Result<V::Value, Stop> {
            self.end(Shape::Leaf)
        }
    )*};
}

impl Tracer<'_> {
    fn end<V>(self, shape: Shape) -> std::result::Result<V, Stop> {
        if self.path.is_empty() {
            *self.found = shape;
        }
        Err(Stop)
    }
}

impl<'de> de::Deserializer<'de> for Tracer<'_> {
    type Error = Stop;

    leaves! {
        deserialize_any deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64 deserialize_char deserialize_str deserialize_string
        deserialize_bytes deserialize_byte_buf deserialize_unit deserialize_identifier
        deserialize_ignored_any
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, Stop> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> std::result::Result<V::Value, Stop> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: V,
    ) -> std::result::Result<V::Value, Stop> {
        self.end(Shape::Leaf)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, Stop> {
        // Only the rows of a child query are a list; any other has no names within.
        if self.child { visitor.visit_seq(One(Some(self))) } else { self.end(Shape::Leaf) }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, _: V) -> std::result::Result<V::Value, Stop> {
        self.end(Shape::Leaf)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        _: V,
    ) -> std::result::Result<V::Value, Stop> {
        self.end(Shape::Leaf)
    }

    fn deserialize_map<V: Visitor<'de>>(self, _: V) -> std::result::Result<V::Value, Stop> {
        self.end(Shape::Map)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> std::result::Result<V::Value, Stop> {
        if name == CHILDREN {
            self.child = true;
            return visitor.visit_map(Only { key: Some(RECORDS), value: Some(self) });
        }
        let Some((at, rest)) = self.path.split_first() else {
            let shape = if self.child { Shape::Children(fields) } else { Shape::Struct(fields) };
            return self.end(shape);
        };
        let key = fields.get(*at).copied();
        let value = Tracer { path: rest, child: false, found: self.found };
        visitor.visit_map(Only { key, value: Some(value) })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        _: V,
    ) -> std::result::Result<V::Value, Stop> {
        self.end(Shape::Leaf)
    }
}

/// A list of one element.
struct One<'t>(Option<Tracer<'t>>);

impl<'de> SeqAccess<'de> for One<'_> {
    type Error = Stop;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> std::result::Result<Option<S::Value>, Stop> {
        self.0.take().map(|tracer| seed.deserialize(tracer)).transpose()
    }
}

/// An object of one key.
struct Only<'t> {
    key: Option<&'static str>,
    value: Option<Tracer<'t>>,
}

impl<'de> MapAccess<'de> for Only<'_> {
    type Error = Stop;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> std::result::Result<Option<S::Value>, Stop> {
        self.key.take().map(|key| seed.deserialize(StrDeserializer::new(key))).transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> std::result::Result<S::Value, Stop> {
        self.value.take().ok_or(Stop).and_then(|tracer| seed.deserialize(tracer))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;
    use crate::Children;

    fn text<T: DeserializeOwned>() -> String {
        Select::from("X").fields(fields_of::<T>().unwrap()).build().unwrap()
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    #[expect(dead_code, reason = "only its names count")]
    struct Contact {
        id: sf_core::Id,
        #[serde(rename = "attributes")]
        attributes: Option<BTreeMap<String, String>>,
        #[serde(rename = "Score__c")]
        score: Option<f64>,
        birthdate: Option<i64>,
        created_date: (i32, u8),
        #[serde(skip)]
        note: String,
        #[serde(default)]
        tags: Vec<String>,
        rating: Option<Rating>,
        mailing_address: Option<serde_json::Value>,
        account: Option<Box<Account>>,
    }

    #[derive(Deserialize)]
    enum Rating {
        Hot,
        Cold,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    #[expect(dead_code, reason = "only its names count")]
    struct Account {
        name: String,
        owner: Name,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    #[expect(dead_code, reason = "only its names count")]
    struct Name {
        name: Wrapped,
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its names count")]
    struct Wrapped(String);

    #[test]
    fn every_field_has_its_name_in_serde_and_structs_within_are_parents() {
        assert_eq!(
            text::<Contact>(),
            "SELECT Id, Score__c, Birthdate, CreatedDate, Tags, Rating, MailingAddress, Account.Name, \
             Account.Owner.Name FROM X"
        );
    }

    #[test]
    fn children_are_child_queries_at_any_depth() {
        #[derive(Deserialize)]
        #[expect(dead_code, reason = "only its names count")]
        struct Row {
            #[serde(rename = "Contacts")]
            contacts: Children<Name>,
            #[serde(rename = "Orders__r")]
            orders: Option<Children<Order>>,
        }
        #[derive(Deserialize)]
        #[expect(dead_code, reason = "only its names count")]
        struct Order {
            #[serde(rename = "Lines__r")]
            lines: Children<Account>,
        }
        assert_eq!(
            text::<Row>(),
            "SELECT (SELECT Name FROM Contacts), \
             (SELECT (SELECT Name, Owner.Name FROM Lines__r) FROM Orders__r) FROM X"
        );
    }

    #[test]
    fn children_have_five_parents_as_other_rows_have() {
        macro_rules! below {
            ($name:ident, $field:literal, $inner:ty) => {
                #[derive(Deserialize)]
                #[expect(dead_code, reason = "only its names count")]
                struct $name {
                    #[serde(rename = $field)]
                    inner: $inner,
                }
            };
        }
        below!(Fifth, "Name", String);
        below!(Fourth, "E", Fifth);
        below!(Third, "D", Fourth);
        below!(Second, "C", Third);
        below!(First, "B", Second);
        below!(Row, "A", First);
        below!(Parent, "Rows__r", Children<Row>);
        assert_eq!(text::<Row>(), "SELECT A.B.C.D.E.Name FROM X");
        assert_eq!(text::<Parent>(), "SELECT (SELECT A.B.C.D.E.Name FROM Rows__r) FROM X");
    }

    #[test]
    fn what_names_no_fields_is_refused() {
        #[derive(Deserialize)]
        #[expect(dead_code, reason = "only its names count")]
        struct Flat {
            #[serde(flatten)]
            rest: BTreeMap<String, String>,
        }
        #[derive(Deserialize)]
        #[expect(dead_code, reason = "only its names count")]
        struct Endless {
            #[serde(rename = "Parent")]
            parent: Option<Box<Endless>>,
        }
        let said = |refused: Result<Vec<Item>>| refused.unwrap_err().to_string();
        assert!(said(fields_of::<Flat>()).contains("#[serde(flatten)]"));
        assert!(said(fields_of::<BTreeMap<String, String>>()).contains("it is a map"));
        assert!(said(fields_of::<String>()).contains("is no struct"));
        assert!(said(fields_of::<Vec<Contact>>()).contains("is no struct"));
        assert!(said(fields_of::<Endless>()).contains("deeper than five parents"));

        // SOQL reads the children of the rows themselves, not those of their parents.
        #[derive(Deserialize)]
        #[expect(dead_code, reason = "only its names count")]
        struct Contact {
            #[serde(rename = "Account")]
            account: WithContacts,
        }
        #[derive(Deserialize)]
        #[expect(dead_code, reason = "only its names count")]
        struct WithContacts {
            #[serde(rename = "Contacts")]
            contacts: Children<Name>,
        }
        let why = said(fields_of::<Contact>());
        assert!(why.contains("in its field Account, has the children Contacts of a parent"), "{why}");
    }
}
