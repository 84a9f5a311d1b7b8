//! The JSON of describes, keys in the order and number in which Salesforce sends them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value as Json, json};

use crate::schema::{Catalog, FieldDef, ObjectDef, PicklistValue, Type};

/// The record type that every record has where there are no others.
const MASTER_RECORD_TYPE: &str = "012000000000000AAA";

/// Where the org is reached, for the URLs in a describe.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// As `65.0`.
    pub(crate) version: &'a str,
    /// Scheme and host.
    pub(crate) instance_url: &'a str,
}

/// `GET /sobjects/X/describe`.
pub(crate) fn describe(object: &ObjectDef, catalog: &Catalog, place: &Place<'_>) -> Json {
    let fields: Vec<Json> = object.fields().iter().map(|each| field(object, each)).collect();
    let record_types =
        if object.custom_setting || object.event { json!([]) } else { record_types(object, place) };
    let scopes: Vec<Json> =
        object.supported_scopes.iter().map(|(name, label)| json!({"label": label, "name": name})).collect();
    let mut out = flags(object);
    let more = [
        ("actionOverrides", json!([])),
        ("childRelationships", child_relationships(object, catalog)),
        ("compactLayoutable", object.compact_layoutable.into()),
        ("defaultImplementation", Json::Null),
        ("extendedBy", Json::Null),
        ("extendsInterfaces", Json::Null),
        ("fields", fields.into()),
        ("implementedBy", Json::Null),
        ("implementsInterfaces", Json::Null),
        ("listviewable", Json::Null),
        ("lookupLayoutable", Json::Null),
        ("namedLayoutInfos", json!([])),
        ("networkScopeFieldName", Json::Null),
        ("recordTypeInfos", record_types),
        ("searchLayoutable", object.search_layoutable.into()),
        ("sobjectDescribeOption", "FULL".into()),
        ("supportedScopes", scopes.into()),
        ("urls", urls(object, place, true)),
    ];
    out.extend(more.map(|(key, value)| (key.to_owned(), value)));
    sorted(out)
}

/// `GET /sobjects/`.
pub(crate) fn describe_global(catalog: &Catalog, place: &Place<'_>) -> Json {
    let mut objects: Vec<_> = catalog.iter().collect();
    objects.sort_by(|a, b| a.name.cmp(&b.name));
    let objects: Vec<Json> = objects.into_iter().map(|object| summary(object, place)).collect();
    json!({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects})
}

/// `GET /sobjects/X`.
pub(crate) fn sobject_basic(object: &ObjectDef, place: &Place<'_>, recent: &Json) -> Json {
    json!({"objectDescribe": summary(object, place), "recentItems": recent})
}

fn summary(object: &ObjectDef, place: &Place<'_>) -> Json {
    let mut out = flags(object);
    out.insert("urls".to_owned(), urls(object, place, false));
    sorted(out)
}

/// What describe and describeGlobal share.
fn flags(object: &ObjectDef) -> Map<String, Json> {
    let pairs: [(&str, Json); 27] = [
        ("activateable", object.activateable.into()),
        ("associateEntityType", Json::Null),
        ("associateParentEntity", Json::Null),
        ("createable", object.createable.into()),
        ("custom", object.custom.into()),
        ("customSetting", object.custom_setting.into()),
        ("deepCloneable", object.deep_cloneable.into()),
        ("deletable", object.deletable.into()),
        ("deprecatedAndHidden", false.into()),
        ("feedEnabled", object.feed_enabled.into()),
        ("hasSubtypes", false.into()),
        ("isInterface", false.into()),
        ("isSubtype", false.into()),
        ("keyPrefix", object.key_prefix.as_str().into()),
        ("label", object.label.as_str().into()),
        ("labelPlural", object.label_plural.as_str().into()),
        ("layoutable", object.layoutable.into()),
        ("mergeable", object.mergeable.into()),
        ("mruEnabled", object.mru_enabled.into()),
        ("name", object.name.as_str().into()),
        ("queryable", object.queryable.into()),
        ("replicateable", object.replicateable.into()),
        ("retrieveable", object.retrieveable.into()),
        ("searchable", object.searchable.into()),
        ("triggerable", object.triggerable.into()),
        ("undeletable", object.undeletable.into()),
        ("updateable", object.updateable.into()),
    ];
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn sorted(map: Map<String, Json>) -> Json {
    let mut pairs: Vec<_> = map.into_iter().collect();
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    Json::Object(pairs.into_iter().collect())
}

fn field(object: &ObjectDef, field: &FieldDef) -> Json {
    // Standard fields cascade without saying so; their parents' child relationships do.
    let own = |flag: bool| flag && field.custom;
    let target = if field.reference_to.is_empty() { &[][..] } else { field.reference_to.as_slice() };
    // A default that a formula gives shows as the formula alone.
    let default = field.default_value().filter(|_| field.default_formula.is_none());
    let default = default.map_or(Json::Null, |value| value.to_json());
    let pairs: [(&str, Json); 57] = [
        ("aggregatable", field.aggregatable.into()),
        ("aiPredictionField", false.into()),
        ("autoNumber", field.auto_number.into()),
        ("byteLength", field.byte_length.into()),
        ("calculated", field.calculated.into()),
        ("calculatedFormula", field.calculated_formula.clone().into()),
        ("cascadeDelete", own(field.cascade_delete).into()),
        ("caseSensitive", field.case_sensitive.into()),
        ("compoundFieldName", field.compound.clone().into()),
        ("controllerName", field.controller_name.clone().into()),
        ("createable", field.createable.into()),
        ("custom", field.custom.into()),
        ("defaultValue", default),
        ("defaultValueFormula", field.default_formula.clone().into()),
        ("defaultedOnCreate", field.defaulted_on_create.into()),
        ("dependentPicklist", field.dependent_picklist.into()),
        ("deprecatedAndHidden", false.into()),
        ("digits", field.digits.into()),
        ("displayLocationInDecimal", field.display_location_in_decimal.into()),
        ("encrypted", field.encrypted.into()),
        ("externalId", field.external_id.into()),
        ("extraTypeInfo", field.extra_type_info.clone().into()),
        ("filterable", field.filterable.into()),
        ("filteredLookupInfo", Json::Null),
        ("formulaTreatNullNumberAsZero", field.blank_as_zero.into()),
        ("groupable", field.groupable.into()),
        ("highScaleNumber", false.into()),
        ("htmlFormatted", field.html_formatted.into()),
        ("idLookup", field.id_lookup.into()),
        ("inlineHelpText", field.inline_help_text.clone().into()),
        ("label", field.label.as_str().into()),
        ("length", field.length.into()),
        ("mask", field.mask.clone().into()),
        ("maskType", field.mask_type.clone().into()),
        ("name", field.name.as_str().into()),
        ("nameField", field.name_field.into()),
        ("namePointing", field.is_polymorphic().into()),
        ("nillable", field.nillable.into()),
        ("permissionable", field.permissionable.into()),
        ("picklistValues", picklist(object, field)),
        ("polymorphicForeignKey", field.is_polymorphic().into()),
        ("precision", field.precision.into()),
        ("queryByDistance", field.is_compound().into()),
        ("referenceTargetField", Json::Null),
        ("referenceTo", target.into()),
        ("relationshipName", field.relationship_name.clone().into()),
        ("relationshipOrder", field.relationship_order.into()),
        ("restrictedDelete", own(field.restricted_delete).into()),
        ("restrictedPicklist", field.restricted_picklist.into()),
        ("scale", field.scale.into()),
        ("searchPrefilterable", field.search_prefilterable.into()),
        ("soapType", field.ty.soap_type().into()),
        ("sortable", field.sortable.into()),
        ("type", field.ty.as_str().into()),
        ("unique", field.unique.into()),
        ("updateable", field.updateable.into()),
        ("writeRequiresMasterRead", field.write_requires_master_read.into()),
    ];
    Json::Object(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

fn picklist(object: &ObjectDef, field: &FieldDef) -> Json {
    let controller = field.controller_name.as_deref().and_then(|name| Some(object.field(name)?.1));
    let values = field.picklist.iter().map(|p| {
        json!({
            "active": p.active,
            "defaultValue": p.default,
            "label": *p.label,
            "validFor": controller.map(|controller| valid_for(p, controller)),
            "value": *p.value,
        })
    });
    values.collect::<Vec<_>>().into()
}

/// A bit for each value of the controlling field, from the highest of the first byte on, as many bytes as base64 needs
/// no padding for [SOAP API Developer Guide, "DescribeSObjectResult", "validFor"].
fn valid_for(value: &PicklistValue, controller: &FieldDef) -> String {
    let checkbox = ["unchecked", "checked"];
    let names: Vec<&str> = if controller.ty == Type::Boolean {
        checkbox.to_vec()
    } else {
        controller.picklist.iter().map(|value| &*value.value).collect()
    };
    let mut bits = vec![0_u8; names.len().div_ceil(24).max(1) * 3];
    for (at, name) in names.iter().enumerate() {
        if value.valid_for.iter().any(|controlling| controlling.eq_ignore_ascii_case(name)) {
            bits[at / 8] |= 0x80 >> (at % 8);
        }
    }
    BASE64_STANDARD.encode(bits)
}

fn child_relationships(object: &ObjectDef, catalog: &Catalog) -> Json {
    let mut out: Vec<(&str, &FieldDef)> = catalog
        .iter()
        .flat_map(|child| child.fields().iter().map(|f| (child.name.as_str(), f)))
        // What a merge leaves behind is no relationship that describes show.
        .filter(|(_, f)| f.ty == Type::Reference && f.name != "MasterRecordId")
        .filter(|(_, f)| f.reference_to.contains(&object.name))
        .collect();
    out.sort_by(|a, b| (a.0, &a.1.name).cmp(&(b.0, &b.1.name)));
    let one = |(child, field): (&str, &FieldDef)| {
        json!({
            "cascadeDelete": field.cascade_delete,
            "childSObject": child,
            "deprecatedAndHidden": false,
            "field": field.name,
            "junctionIdListNames": [],
            "junctionReferenceTo": [],
            "relationshipName": field.child_relationship_name,
            "restrictedDelete": field.restricted_delete,
        })
    };
    out.into_iter().map(one).collect::<Vec<_>>().into()
}

/// The object's own and then the master, which is what a record without a type has.
fn record_types(object: &ObjectDef, place: &Place<'_>) -> Json {
    let one = |id: &str, name: &str, developer_name: &str, active: bool, master: bool| {
        let layout = format!("{}/describe/layouts/{id}", base(object, place));
        let urls = if object.layoutable { json!({"layout": layout}) } else { json!({}) };
        json!({
            "active": active,
            "available": active,
            "defaultRecordTypeMapping": master,
            "developerName": developer_name,
            "master": master,
            "name": name,
            "recordTypeId": id,
            "urls": urls,
        })
    };
    let own = object.record_types.iter();
    let own = own.map(|kind| one(&kind.id.text18(), &kind.name, &kind.developer_name, kind.active, false));
    own.chain([one(MASTER_RECORD_TYPE, "Master", "Master", true, true)]).collect::<Vec<_>>().into()
}

fn base(object: &ObjectDef, place: &Place<'_>) -> String {
    format!("/services/data/v{}/sobjects/{}", place.version, object.name)
}

/// In the order in which Salesforce sends them, which is no alphabet's.
fn urls(object: &ObjectDef, place: &Place<'_>, with_ui: bool) -> Json {
    let base = base(object, place);
    let (ui, prefix) = (place.instance_url, object.key_prefix.as_str());
    let mut out = Map::new();
    let mut add = |key: &str, url: String| drop(out.insert(key.to_owned(), url.into()));
    let layouts = object.layoutable && !object.event;
    if layouts && object.compact_layoutable {
        add("compactLayouts", format!("{base}/describe/compactLayouts"));
    }
    if object.event {
        add("eventSchema", format!("{base}/eventSchema"));
    }
    add("rowTemplate", format!("{base}/{{ID}}"));
    if layouts {
        add("approvalLayouts", format!("{base}/describe/approvalLayouts"));
        if with_ui {
            add("uiDetailTemplate", format!("{ui}/{{ID}}"));
            add("uiEditTemplate", format!("{ui}/{{ID}}/e"));
        }
        add("listviews", format!("{base}/listviews"));
    }
    add("describe", format!("{base}/describe"));
    if layouts {
        if with_ui {
            add("uiNewRecord", format!("{ui}/{prefix}/e"));
        }
        add("quickActions", format!("{base}/quickActions"));
        add("layouts", format!("{base}/describe/layouts"));
    }
    add("sobject", base);
    Json::Object(out)
}

#[cfg(test)]
mod tests;
