//! Text of the kinds that fields hold, awkward on purpose here and there.

use std::fmt::{self, Write as _};

use fastrand::Rng;

use super::Person;
use crate::schema::{FieldDef, Type};

pub(super) const FIRST: [&str; 24] = [
    "Amara", "Bruno", "Chloé", "Dmitri", "Elif", "Farid", "Grace", "Hiroshi", "Ingrid", "José", "Kwame",
    "Łucja", "Mina", "Nguyễn", "Olu", "Priya", "Quentin", "Rosa", "Søren", "Tūi", "Uma", "Violeta", "王伟",
    "Zoë",
];

pub(super) const LAST: [&str; 24] = [
    "Adeyemi",
    "Becker",
    "Castro",
    "D'Angelo",
    "Eriksson",
    "Fernández",
    "Gupta",
    "Haddad",
    "Ivanov",
    "Jones",
    "Kowalczyk",
    "Li",
    "Müller",
    "Nakamura",
    "O'Brien",
    "Okafor",
    "Petrović",
    "Quispe",
    "Rossi",
    "Smith-Jones",
    "Tanaka",
    "Ünal",
    "van der Berg",
    "Żak",
];

pub(super) const COMPANIES: [&str; 20] = [
    "Acme",
    "Alpine Wheels",
    "Blue Bottle Freight",
    "Cáceres e Hijos",
    "Delta \"Quick\" Couriers",
    "Fjord & Sønner AS",
    "Green, Grey & Partners",
    "Harbour Lights",
    "Initech",
    "Job's Tears Tea",
    "Köhler GmbH",
    "Lone Star Cycles",
    "Northern Trail",
    "Owl\\Fox Media",
    "Pepper; Salt",
    "Rocket 🚀 Parts",
    "Ribera=Sur",
    "株式会社さくら",
    "Trailblazers",
    "Ürümqi Textiles",
];

/// City, state, postal code, country.
pub(super) type Place = (&'static str, &'static str, &'static str, &'static str);

pub(super) const PLACES: [Place; 12] = [
    ("San Francisco", "CA", "94105", "USA"),
    ("Belmont", "MA", "02478", "USA"),
    ("Austin", "TX", "78701", "USA"),
    ("München", "Bayern", "80331", "Germany"),
    ("Zürich", "ZH", "8001", "Switzerland"),
    ("São Paulo", "SP", "01310-100", "Brazil"),
    ("東京", "東京都", "100-0001", "Japan"),
    ("Kraków", "małopolskie", "31-001", "Poland"),
    ("Lagos", "Lagos", "101233", "Nigeria"),
    ("Bengaluru", "Karnataka", "560001", "India"),
    ("Montréal", "QC", "H2Y 1C6", "Canada"),
    ("Leeds", "West Yorkshire", "LS1 1UR", "United Kingdom"),
];

const TITLES: [&str; 8] = [
    "Buyer",
    "CEO",
    "CTO, acting",
    "Head of \"Special\" Projects",
    "Leiterin Einkauf",
    "Operations",
    "R&D Manager",
    "VP Sales",
];

const STREETS: [&str; 6] =
    ["Main Street", "Ringstraße", "Rue de l'Église", "Trapelo Road", "Mission St", "Calle Núñez"];

const SENTENCES: [&str; 10] = [
    "Asked for a quote.",
    "Said: \"call me back\".",
    "Prefers e-mail, not phone.",
    "Größe und Maß geklärt.",
    "First line.\nSecond line.",
    "Price; terms; delivery.",
    "要見積もり。",
    "Likes it 👍🏽 a lot.",
    "50% off = too much?",
    "Met at the fair.\r\nHas budget.",
];

const NOUNS: [&str; 10] =
    ["Alloy", "Battery", "Carbon", "Dynamo", "Electra", "Fuse", "Gear", "Hub", "Volt \"S\"", "Wheel, large"];

/// What a text field holds, told by its type and its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    First,
    Last,
    Company,
    Street,
    City,
    State,
    PostalCode,
    Country,
    Title,
    Phone,
    Email,
    Url,
    Code,
    Paragraph,
    Words,
}

impl Kind {
    /// The kind of a field's text; none for what has no plain text.
    pub(super) fn of(field: &FieldDef) -> Option<Self> {
        let name = field.name.strip_suffix("__c").unwrap_or(&field.name);
        Some(match field.ty {
            Type::Email => Self::Email,
            Type::Phone => Self::Phone,
            Type::Url => Self::Url,
            Type::String | Type::TextArea | Type::EncryptedString => match name {
                "FirstName" => Self::First,
                "LastName" => Self::Last,
                "Company" | "CompanyName" | "Name" | "SuppliedCompany" => Self::Company,
                "Title" => Self::Title,
                "Username" | "SenderName" => Self::Email,
                n if n.ends_with("Street") => Self::Street,
                n if n.ends_with("City") => Self::City,
                n if n.ends_with("State") => Self::State,
                n if n.ends_with("PostalCode") => Self::PostalCode,
                n if n.ends_with("Country") => Self::Country,
                n if ["Number", "Code", "Alias", "Symbol", "Id", "Key", "Sic"]
                    .iter()
                    .any(|end| n.ends_with(end)) =>
                {
                    Self::Code
                }
                _ if field.ty == Type::TextArea => Self::Paragraph,
                _ if field.external_id || field.unique || field.length < 20 => Self::Code,
                _ => Self::Words,
            },
            _ => return None,
        })
    }

    /// Writes a text of this kind; with the row's number in it where it must be unlike all others.
    pub(super) fn write(self, out: &mut String, rng: &mut Rng, person: &Person, unique: bool) {
        let n = person.number;
        let (city, state, code, country) = person.place;
        if unique && !matches!(self, Self::Email | Self::Code) {
            put(out, format_args!("{n} "));
        }
        match self {
            Self::First => out.push_str(person.first),
            Self::Last => out.push_str(person.last),
            Self::Company => company(out, rng, person),
            Self::Street => street(out, rng),
            Self::City => out.push_str(city),
            Self::State => out.push_str(state),
            Self::PostalCode => out.push_str(code),
            Self::Country => out.push_str(country),
            Self::Title => out.push_str(pick(rng, &TITLES)),
            Self::Phone => put(out, format_args!("+1 (415) 555-{:04}", rng.u32(..10_000))),
            Self::Email => {
                ascii(out, person.last);
                put(out, format_args!(".{n}@"));
                ascii(out, person.company);
                out.push_str(".example");
            }
            Self::Url => {
                out.push_str("https://www.");
                ascii(out, person.company);
                put(out, format_args!(".example/{n}?a=1&b=2"));
            }
            Self::Code => put(out, format_args!("{}{n:06}", pick(rng, &["A", "B", "C", "D"]))),
            Self::Paragraph => paragraph(out, rng),
            Self::Words => put(out, format_args!("{} {}", pick(rng, &NOUNS), rng.u32(1..1000))),
        }
    }
}

/// Writing to a `String` cannot fail.
fn put(out: &mut String, text: fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

pub(super) fn pick(rng: &mut Rng, words: &[&'static str]) -> &'static str {
    words[rng.usize(..words.len())]
}

fn company(out: &mut String, rng: &mut Rng, person: &Person) {
    match rng.u32(..4) {
        0 => out.push_str(person.company),
        1 => put(out, format_args!("{} {}", person.company, person.place.0)),
        2 => put(out, format_args!("{}, {}", person.last, person.company)),
        _ => put(out, format_args!("{} #{}", person.company, person.number)),
    }
}

fn street(out: &mut String, rng: &mut Rng) {
    put(out, format_args!("{} {}", rng.u32(1..2000), pick(rng, &STREETS)));
    if rng.u32(..4) == 0 {
        put(out, format_args!("\nSuite {}, \"rear\"", rng.u32(1..90)));
    }
}

fn paragraph(out: &mut String, rng: &mut Rng) {
    for n in 0..rng.usize(1..6) {
        if n > 0 {
            out.push(' ');
        }
        out.push_str(pick(rng, &SENTENCES));
    }
}

/// Letters for an address on the net.
fn ascii(out: &mut String, text: &str) {
    let before = out.len();
    out.extend(text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()));
    if out.len() == before {
        out.push_str("xn");
    }
}
