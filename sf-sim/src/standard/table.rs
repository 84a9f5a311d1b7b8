//! Reads the tables of fields: one line a field,
//! `Name | Label | type(length) | flags | extras | values`.
//!
//! Flags: `c` createable, `u` updateable, `n` nillable, `p` permissionable, `d` defaulted on create. Extras are words and
//! `key=value`; `+groupable` and `-groupable` differ from what the type brings. Values are separated by `;`, written
//! `value=label` where the label differs, with `*` before the default; `@Name` is a shared list.
//! `@address Prefix` stands for an address with its parts, `@system` for the five stamps.

use crate::schema::{FieldDef, PicklistValue, Type};

const ADDRESS: &str = "
Street | Street | textarea(255) | cunp
City | City | string(40) | cunp
State | State/Province | string(80) | cunp
PostalCode | Zip/Postal Code | string(20) | cunp
Country | Country | string(80) | cunp
Latitude | Latitude | double(18,15) | cunp
Longitude | Longitude | double(18,15) | cunp
GeocodeAccuracy | Geocode Accuracy | picklist(40) | cunp | restricted | @GeocodeAccuracy
";

const SYSTEM: &str = "
CreatedDate | Created Date | datetime | d
CreatedById | Created By ID | reference(User) | d
LastModifiedDate | Last Modified Date | datetime | d
LastModifiedById | Last Modified By ID | reference(User) | d
SystemModstamp | System Modstamp | datetime | d
";

/// The fields of a table, in its order.
pub(crate) fn fields(table: &str) -> Vec<FieldDef> {
    let mut out = Vec::new();
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if line == "@system" {
            out.extend(fields(SYSTEM));
        } else if let Some(prefix) = line.strip_prefix("@address") {
            out.extend(address(prefix.trim()));
        } else {
            out.push(field(line));
        }
    }
    out
}

fn address(prefix: &str) -> Vec<FieldDef> {
    let whole = format!("{prefix}Address");
    let label = |of: &str| format!("{prefix} {of}").trim_start().to_owned();
    let mut parts = fields(ADDRESS);
    for part in &mut parts {
        part.name = format!("{prefix}{}", part.name);
        part.label = label(&part.label);
        part.compound = Some(whole.clone());
    }
    let mut compound = FieldDef::new(&whole, &label("Address"), Type::Address);
    compound.permissionable = true;
    parts.push(compound);
    parts
}

fn field(line: &str) -> FieldDef {
    let mut columns = line.split('|').map(str::trim);
    let mut next = || columns.next().unwrap_or_default();
    let (name, label, (ty, args)) = (next(), next(), type_of(next()));
    let (flags, extras, values) = (next(), next(), next());
    let mut field = FieldDef::new(name, label, ty);
    set_size(&mut field, args);
    field.createable = flags.contains('c');
    field.updateable = flags.contains('u');
    field.nillable = flags.contains('n');
    field.permissionable = flags.contains('p');
    field.defaulted_on_create = flags.contains('d');
    for extra in extras.split_whitespace() {
        set_extra(&mut field, extra);
    }
    field.picklist = picklist(values);
    field
}

fn type_of(text: &str) -> (Type, &str) {
    let (word, args) = text.split_once('(').unwrap_or((text, ""));
    let ty = match word {
        "id" => Type::Id,
        "picklist" => Type::Picklist,
        "reference" => Type::Reference,
        "double" => Type::Double,
        "currency" => Type::Currency,
        "percent" => Type::Percent,
        "int" => Type::Int,
        "date" => Type::Date,
        "datetime" => Type::DateTime,
        "boolean" => Type::Boolean,
        "textarea" => Type::TextArea,
        "phone" => Type::Phone,
        "email" => Type::Email,
        "url" => Type::Url,
        "base64" => Type::Base64,
        _ => Type::String,
    };
    (ty, args.trim_end_matches(')'))
}

fn set_size(field: &mut FieldDef, args: &str) {
    if field.ty == Type::Reference {
        field.reference_to = args.split(',').map(str::to_owned).collect();
        field.relationship_name = field.name.strip_suffix("Id").map(str::to_owned);
        return;
    }
    let numbers: Vec<u32> = args.split(',').filter_map(|n| n.parse().ok()).collect();
    match (field.ty.is_decimal(), numbers.as_slice()) {
        (true, [precision, scale]) => {
            field.precision = *precision;
            field.scale = *scale;
        }
        (false, [length]) => field.set_length(*length),
        _ => {}
    }
}

fn set_extra(field: &mut FieldDef, extra: &str) {
    if let Some(flag) = extra.strip_prefix(['+', '-']) {
        let on = extra.starts_with('+');
        match flag {
            "filterable" => field.filterable = on,
            "sortable" => field.sortable = on,
            "groupable" => field.groupable = on,
            _ => field.aggregatable = on,
        }
        return;
    }
    let (key, value) = extra.split_once('=').unwrap_or((extra, ""));
    match key {
        "part" => field.compound = Some(value.to_owned()),
        "info" => field.extra_type_info = Some(value.to_owned()),
        "rel" => field.relationship_name = (!value.is_empty()).then(|| value.to_owned()),
        "children" => field.child_relationship_name = Some(value.to_owned()),
        "bytes" => field.byte_length = value.parse().unwrap_or_default(),
        "number" => {
            field.auto_number = true;
            field.auto_number_format = Some(value.to_owned());
        }
        "name" => field.name_field = true,
        "idlookup" => field.id_lookup = true,
        "unique" => field.unique = true,
        "casesensitive" => field.case_sensitive = true,
        "prefilter" => field.search_prefilterable = true,
        "restricted" => field.restricted_picklist = true,
        "cascade" => field.cascade_delete = true,
        "restrict" => field.restricted_delete = true,
        _ => debug_assert!(false, "unknown word in a table of fields: {extra}"),
    }
}

fn picklist(values: &str) -> Vec<PicklistValue> {
    let values = match values {
        "@GeocodeAccuracy" => {
            "Address; NearAddress; Block; Street; ExtendedZip; Zip; Neighborhood; City; County; State; Unknown"
        }
        "@LeadSource" => "Web; Phone Inquiry; Partner Referral; Purchased List; Other",
        "@Rating" => "Hot; Warm; Cold",
        "@CleanStatus" => {
            "Matched=In Sync; Different; Acknowledged=Reviewed; NotFound=Not Found; Inactive; Pending=Not Compared; \
             SelectMatch=Select Match; Skipped"
        }
        "@Industry" => {
            "Agriculture; Apparel; Banking; Biotechnology; Chemicals; Communications; Construction; Consulting; \
             Education; Electronics; Energy; Engineering; Entertainment; Environmental; Finance; Food & Beverage; \
             Government; Healthcare; Hospitality; Insurance; Machinery; Manufacturing; Media; Not For Profit; \
             Recreation; Retail; Shipping; Technology; Telecommunications; Transportation; Utilities; Other"
        }
        written => written,
    };
    values.split(';').map(str::trim).filter(|v| !v.is_empty()).map(one_value).collect()
}

fn one_value(text: &str) -> PicklistValue {
    let (default, text) = match text.strip_prefix('*') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (value, label) = text.split_once('=').unwrap_or((text, text));
    PicklistValue { label: label.into(), default, ..PicklistValue::new(value) }
}
