//! `<CustomField>`: a field as metadata has it becomes a field as a describe shows it.

use std::collections::HashMap;
use std::sync::Arc;

use roxmltree::Node;

use super::xml::{child, children, is_true, number, tags, text};
use crate::schema::{FieldDef, PicklistValue, Rollup, RollupFilter, Summary, Type};
use crate::store::from_text;
use crate::value::Value;

/// Values of global value sets, by name in small letters.
pub(super) type ValueSets = HashMap<String, Vec<PicklistValue>>;

/// What a `<CustomField>` element becomes: one field, three for a location, none for a type that is not emulated.
pub(super) struct Read {
    pub(super) fields: Vec<FieldDef>,
    pub(super) notes: Vec<String>,
}

/// Elements that say nothing about what the API shows.
const SILENT: [&str; 28] = [
    "fullName",
    "label",
    "type",
    "length",
    "precision",
    "scale",
    "required",
    "unique",
    "externalId",
    "caseSensitive",
    "description",
    "trackTrending",
    "trackHistory",
    "trackFeedHistory",
    "visibleLines",
    "businessOwner",
    "businessStatus",
    "securityClassification",
    "complianceGroup",
    "isFilteringDisabled",
    "isNameField",
    "isSortingDisabled",
    "relationshipLabel",
    "inlineHelpText",
    "defaultValue",
    "populateExistingRows",
    "encryptionScheme",
    "fieldManageability",
];

/// Elements that are read where the field's type has them.
const READ: [&str; 18] = [
    "valueSet",
    "referenceTo",
    "relationshipName",
    "relationshipOrder",
    "deleteConstraint",
    "displayFormat",
    "startingNumber",
    "maskChar",
    "maskType",
    "displayLocationInDecimal",
    "formula",
    "formulaTreatBlanksAs",
    "reparentableMasterDetail",
    "writeRequiresMasterRead",
    "summaryOperation",
    "summarizedField",
    "summaryForeignKey",
    "summaryFilterItems",
];

/// Reads one field of `object`.
pub(super) fn read(object: &str, name: &str, node: Node<'_, '_>, sets: &ValueSets) -> Read {
    let mut notes = unknown_elements(object, name, node);
    let note = |text: String| format!("{object}.{name}: {text}");
    let Some(metadata_type) = text(node, "type") else {
        notes.push(note("has no <type>; the field is left out".to_owned()));
        return Read { fields: Vec::new(), notes };
    };
    notes.extend(odd_numbers(metadata_type, node).map(&note));
    let of_metadata = metadata_type == "MetadataRelationship" && relates_metadata(object, node);
    let Some(ty) = api_type(metadata_type).or(of_metadata.then_some(Type::Reference)) else {
        notes.push(note(format!("fields of type {metadata_type} are not emulated; the field is left out")));
        return Read { fields: Vec::new(), notes };
    };
    let mut field = FieldDef::new(name, text(node, "label").unwrap_or(name), ty);
    field.custom = true;
    field.nillable = ty != Type::Boolean && !is_true(node, "required");
    field.external_id = is_true(node, "externalId");
    field.unique = is_true(node, "unique");
    field.case_sensitive = is_true(node, "caseSensitive");
    field.id_lookup = field.external_id || field.unique;
    field.permissionable = field.nillable || ty == Type::Boolean;
    field.inline_help_text = text(node, "inlineHelpText").map(str::to_owned);
    set_size(&mut field, metadata_type, node);
    if let Some(set) = child(node, "valueSet") {
        notes.extend(set_values(&mut field, set, sets).map(&note));
    }
    set_reference(&mut field, metadata_type, node);
    set_kind(&mut field, metadata_type, node);
    if let Some(formula) = text(node, "formula") {
        set_read_only(&mut field, Some(formula));
        let upper = formula.to_ascii_uppercase();
        field.html_formatted =
            ty == Type::String && ["HYPERLINK", "IMAGE"].iter().any(|word| upper.contains(word));
        field.blank_as_zero = text(node, "formulaTreatBlanksAs") == Some("BlankAsZero");
        let always = if ty == Type::Boolean { "false" } else { "null" };
        notes.push(note(format!("formulas are not evaluated; the field is always {always}")));
    } else if metadata_type == "Summary" {
        set_read_only(&mut field, None);
        match rollup(node) {
            Ok(rollup) => field.rollup = Some(rollup),
            Err(why) => notes.push(note(format!("{why}; the field is always null"))),
        }
    } else {
        notes.extend(set_default(&mut field, node).map(&note));
    }
    let mut fields = if ty == Type::Location { location_parts(&field) } else { Vec::new() };
    fields.push(field);
    Read { fields, notes }
}

/// Whether a relationship leads from one custom metadata type to another: others lead to what is no row.
fn relates_metadata(object: &str, node: Node<'_, '_>) -> bool {
    object.ends_with("__mdt") && text(node, "referenceTo").is_some_and(|to| to.ends_with("__mdt"))
}

/// Numbers that cannot be read, and those of no number that an org takes.
fn odd_numbers<'a>(metadata_type: &str, node: Node<'a, '_>) -> impl Iterator<Item = String> + 'a {
    let unread = move |tag: &&str| text(node, tag).is_some_and(|_| number(node, tag).is_none());
    let of_number = matches!(metadata_type, "Number" | "Currency" | "Percent");
    let (precision, scale) = (number(node, "precision").unwrap_or(18), number(node, "scale").unwrap_or(0));
    let too_long = of_number && (precision > 18 || scale > precision);
    let numbers = ["length", "precision", "scale", "visibleLines", "startingNumber", "relationshipOrder"];
    let unread = numbers.into_iter().filter(move |tag| unread(tag)).map(move |tag| {
        format!("its <{tag}> {} is no number and has no effect", text(node, tag).unwrap_or_default())
    });
    unread.chain(too_long.then(|| format!("no org takes {scale} of {precision} digits behind the point")))
}

fn unknown_elements(object: &str, name: &str, node: Node<'_, '_>) -> Vec<String> {
    let known = |tag: &str| SILENT.contains(&tag) || READ.contains(&tag);
    let unknown = tags(node).into_iter().filter(|tag| !known(tag));
    unknown.map(|tag| format!("{object}.{name}: <{tag}> has no effect here")).collect()
}

fn api_type(metadata_type: &str) -> Option<Type> {
    Some(match metadata_type {
        "Text" | "AutoNumber" => Type::String,
        "TextArea" | "LongTextArea" | "Html" => Type::TextArea,
        "Number" | "Summary" => Type::Double,
        "Currency" => Type::Currency,
        "Percent" => Type::Percent,
        "Checkbox" => Type::Boolean,
        "Date" => Type::Date,
        "DateTime" => Type::DateTime,
        "Time" => Type::Time,
        "Email" => Type::Email,
        "Phone" => Type::Phone,
        "Url" => Type::Url,
        "Picklist" => Type::Picklist,
        "MultiselectPicklist" => Type::MultiPicklist,
        "Lookup" | "MasterDetail" | "Hierarchy" => Type::Reference,
        "EncryptedText" => Type::EncryptedString,
        "Location" => Type::Location,
        _ => return None,
    })
}

fn set_size(field: &mut FieldDef, metadata_type: &str, node: Node<'_, '_>) {
    let length = number(node, "length");
    match metadata_type {
        "Text" | "TextArea" => field.set_length(length.unwrap_or(255)),
        "LongTextArea" | "Html" => field.set_length(length.unwrap_or(32_768)),
        "EncryptedText" => field.set_length(length.unwrap_or(175)),
        "AutoNumber" => field.set_length(30),
        "Number" | "Currency" | "Percent" | "Summary" => {
            field.precision = number(node, "precision").unwrap_or(18);
            field.scale = number(node, "scale").unwrap_or(0);
        }
        "MultiselectPicklist" => field.precision = number(node, "visibleLines").unwrap_or(4),
        "Location" => field.scale = number(node, "scale").unwrap_or(15),
        _ => {}
    }
    if metadata_type == "Html" {
        field.html_formatted = true;
        field.extra_type_info = Some("richtextarea".to_owned());
    }
}

/// Values of the field's own or of a global set; gives notes about what is not emulated.
fn set_values(field: &mut FieldDef, set: Node<'_, '_>, sets: &ValueSets) -> std::vec::IntoIter<String> {
    let mut notes = Vec::new();
    field.restricted_picklist = is_true(set, "restricted");
    if let Some(definition) = child(set, "valueSetDefinition") {
        field.picklist = values(definition, "value");
    }
    if let Some(name) = text(set, "valueSetName") {
        // A global set is always restricted.
        field.restricted_picklist = true;
        match sets.get(&name.to_ascii_lowercase()) {
            Some(values) => field.picklist.clone_from(values),
            None => {
                field.restricted_picklist = false;
                notes.push(format!("the global value set {name} is not in the project; any value is taken"));
            }
        }
    }
    if let Some(controller) = text(set, "controllingField") {
        field.dependent_picklist = true;
        field.controller_name = Some(controller.to_owned());
        for setting in children(set, "valueSettings") {
            let value = text(setting, "valueName").unwrap_or_default();
            let controlling = children(setting, "controllingFieldValue").filter_map(|n| n.text());
            let controlling: Vec<Arc<str>> = controlling.map(|name| name.trim().into()).collect();
            if let Some(known) =
                field.picklist.iter_mut().find(|known| known.value.eq_ignore_ascii_case(value))
            {
                known.valid_for.extend(controlling);
            }
        }
        notes.push(format!("the dependency on {controller} is described, not enforced"));
    }
    if field.picklist.iter().any(|value| value.default) {
        field.defaulted_on_create = true;
    }
    notes.into_iter()
}

/// `<value>` elements of a field, `<customValue>` elements of a global value set.
pub(super) fn values(node: Node<'_, '_>, element: &str) -> Vec<PicklistValue> {
    children(node, element)
        .filter_map(|value| {
            let name = text(value, "fullName")?;
            let active = text(value, "isActive") != Some("false");
            let label = text(value, "label").unwrap_or(name).into();
            Some(PicklistValue {
                active,
                default: is_true(value, "default"),
                label,
                ..PicklistValue::new(name)
            })
        })
        .collect()
}

fn set_reference(field: &mut FieldDef, metadata_type: &str, node: Node<'_, '_>) {
    if field.ty != Type::Reference {
        return;
    }
    field.reference_to =
        children(node, "referenceTo").filter_map(|n| n.text()).map(|n| n.trim().to_owned()).collect();
    if field.reference_to.is_empty() && metadata_type == "Hierarchy" {
        field.reference_to.push("User".to_owned());
    }
    field.relationship_name = field.name.strip_suffix("__c").map(|base| format!("{base}__r"));
    field.child_relationship_name = text(node, "relationshipName").map(|name| format!("{name}__r"));
    match text(node, "deleteConstraint") {
        Some("Restrict") => field.restricted_delete = true,
        Some("Cascade") => field.cascade_delete = true,
        _ => {}
    }
    if metadata_type == "MasterDetail" {
        field.nillable = false;
        field.permissionable = false;
        field.cascade_delete = true;
        field.updateable = is_true(node, "reparentableMasterDetail");
        field.relationship_order = Some(number(node, "relationshipOrder").unwrap_or(0));
        field.write_requires_master_read = is_true(node, "writeRequiresMasterRead");
    }
}

/// What single types have of their own.
fn set_kind(field: &mut FieldDef, metadata_type: &str, node: Node<'_, '_>) {
    match metadata_type {
        "AutoNumber" => {
            set_auto_number(field, Some(node));
        }
        "EncryptedText" => {
            field.mask = text(node, "maskChar").map(|c| if c == "X" { "X" } else { "*" }.to_owned());
            field.mask_type = text(node, "maskType").map(str::to_owned);
            field.filterable = false;
            field.sortable = false;
            field.groupable = false;
        }
        "Location" => {
            field.display_location_in_decimal = is_true(node, "displayLocationInDecimal");
            field.permissionable = true;
        }
        _ => {}
    }
}

/// Makes a text field one that the org numbers.
pub(super) fn set_auto_number(field: &mut FieldDef, node: Option<Node<'_, '_>>) {
    field.auto_number = true;
    let format = node.and_then(|node| text(node, "displayFormat"));
    field.auto_number_format = Some(format.unwrap_or("{0}").to_owned());
    let start = node.and_then(|node| number(node, "startingNumber"));
    field.starting_number = start.map_or(1, u64::from);
    field.groupable = false;
    field.createable = false;
    field.updateable = false;
    field.nillable = false;
    field.defaulted_on_create = true;
}

/// How a roll-up summary comes about, or why that is not known.
fn rollup(node: Node<'_, '_>) -> Result<Rollup, String> {
    let dotted = |name: &str| {
        let (object, field) = text(node, name)?.split_once('.')?;
        Some((object.to_owned(), field.to_owned()))
    };
    let (child, reference) =
        dotted("summaryForeignKey").ok_or("the roll-up names no summaryForeignKey".to_owned())?;
    let operation = match text(node, "summaryOperation") {
        Some("count") => Summary::Count,
        Some("sum") => Summary::Sum,
        Some("min") => Summary::Min,
        Some("max") => Summary::Max,
        other => return Err(format!("the roll-up's operation {} is not known", other.unwrap_or("(none)"))),
    };
    let field = dotted("summarizedField").map(|(_, field)| field);
    if field.is_none() && operation != Summary::Count {
        return Err("the roll-up names no summarizedField".to_owned());
    }
    let filters = children(node, "summaryFilterItems").map(rollup_filter).collect::<Result<_, _>>()?;
    Ok(Rollup { child, reference, operation, field, filters })
}

fn rollup_filter(node: Node<'_, '_>) -> Result<RollupFilter, String> {
    use std::cmp::Ordering::{Greater, Less};
    let name = text(node, "field").unwrap_or_default();
    let field = name.split_once('.').map_or(name, |(_, field)| field).to_owned();
    let operation = text(node, "operation").unwrap_or_default();
    let (among, order) = match operation {
        "equals" => (true, None),
        "notEqual" => (false, None),
        "lessThan" => (false, Some(Less)),
        "lessOrEqual" => (true, Some(Less)),
        "greaterThan" => (false, Some(Greater)),
        "greaterOrEqual" => (true, Some(Greater)),
        other => return Err(format!("the roll-up's filter {other} on {name} is not emulated")),
    };
    if text(node, "valueField").is_some() {
        return Err(format!("the roll-up's filter on {name} compares two fields, which is not emulated"));
    }
    let values = text(node, "value").unwrap_or_default();
    let values = values.split(',').map(|value| value.trim().to_owned()).collect();
    Ok(RollupFilter { field, among, order, values })
}

fn set_read_only(field: &mut FieldDef, formula: Option<&str>) {
    field.calculated = true;
    field.calculated_formula = formula.map(str::to_owned);
    field.createable = false;
    field.updateable = false;
    field.nillable = field.ty != Type::Boolean;
    field.permissionable = true;
    if field.ty == Type::String {
        field.set_length(1300);
        field.groupable = false;
    }
}

/// The latitude and longitude that a location is made of.
fn location_parts(whole: &FieldDef) -> Vec<FieldDef> {
    let base = whole.name.strip_suffix("__c").unwrap_or(&whole.name);
    let part = |name: &str| {
        let mut part =
            FieldDef::new(&format!("{base}__{name}__s"), &format!("{} ({name})", whole.label), Type::Double);
        part.custom = true;
        part.precision = 18;
        part.scale = 15;
        part.nillable = whole.nillable;
        part.permissionable = true;
        part.compound = Some(whole.name.clone());
        part
    };
    vec![part("Latitude"), part("Longitude")]
}

/// A default that is a literal; a note about one that is not, which is described all the same.
fn set_default(field: &mut FieldDef, node: Node<'_, '_>) -> Option<String> {
    let formula = text(node, "defaultValue")?;
    let literal = match quoted(formula) {
        None if field.ty.is_text() => None,
        None => Some(formula.to_owned()),
        quoted => quoted,
    };
    let value = literal.and_then(|literal| from_text(field, &literal).ok());
    if field.ty != Type::Boolean {
        field.default_formula = Some(formula.to_owned());
    }
    field.defaulted_on_create = true;
    match value {
        Some(value) => {
            field.default = Some(value).filter(|value| *value != Value::Null);
            None
        }
        None => Some(format!("the default {formula} is not evaluated")),
    }
}

/// The text of a formula that is one literal; none for what only begins and ends with quotes, as `"a" & "b"`.
fn quoted(formula: &str) -> Option<String> {
    let quote = formula.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let inner = formula.get(1..)?.strip_suffix(quote)?;
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next()? {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                'r' => out.push('\r'),
                c => out.push(c),
            },
            c if c == quote => return None,
            c => out.push(c),
        }
    }
    Some(out)
}
