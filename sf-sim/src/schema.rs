//! Objects and fields of the org, as far as its behaviour and its describes need them.

mod rollup;

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::id::{KeyPrefix, RecordId};
use crate::value::Value;

pub use rollup::{Rollup, RollupFilter, Summary};

/// The type of a field, in the words of a describe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are Salesforce's own")]
pub enum Type {
    Id,
    String,
    Picklist,
    MultiPicklist,
    Combobox,
    Reference,
    Double,
    Currency,
    Percent,
    Int,
    Long,
    Date,
    DateTime,
    Time,
    Boolean,
    TextArea,
    Phone,
    Email,
    Url,
    EncryptedString,
    Address,
    Location,
    Base64,
    AnyType,
}

impl Type {
    /// The word that a describe uses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::String => "string",
            Self::Picklist => "picklist",
            Self::MultiPicklist => "multipicklist",
            Self::Combobox => "combobox",
            Self::Reference => "reference",
            Self::Double => "double",
            Self::Currency => "currency",
            Self::Percent => "percent",
            Self::Int => "int",
            Self::Long => "long",
            Self::Date => "date",
            Self::DateTime => "datetime",
            Self::Time => "time",
            Self::Boolean => "boolean",
            Self::TextArea => "textarea",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Url => "url",
            Self::EncryptedString => "encryptedstring",
            Self::Address => "address",
            Self::Location => "location",
            Self::Base64 => "base64",
            Self::AnyType => "anyType",
        }
    }

    /// The `soapType` of a describe, which error messages name as well.
    #[must_use]
    pub fn soap_type(self) -> &'static str {
        match self {
            Self::Id | Self::Reference => "tns:ID",
            Self::Double | Self::Currency | Self::Percent => "xsd:double",
            Self::Int => "xsd:int",
            Self::Long => "xsd:long",
            Self::Date => "xsd:date",
            Self::DateTime => "xsd:dateTime",
            Self::Time => "xsd:time",
            Self::Boolean => "xsd:boolean",
            Self::Address => "urn:address",
            Self::Location => "urn:location",
            Self::Base64 => "xsd:base64Binary",
            Self::AnyType => "xsd:anyType",
            _ => "xsd:string",
        }
    }

    /// Whether values of the type are text.
    #[must_use]
    pub fn is_text(self) -> bool {
        matches!(
            self,
            Self::String
                | Self::Picklist
                | Self::MultiPicklist
                | Self::Combobox
                | Self::TextArea
                | Self::Phone
                | Self::Email
                | Self::Url
                | Self::EncryptedString
                | Self::Base64
                | Self::AnyType
        )
    }

    /// Whether values of the type are [`Value::Num`].
    #[must_use]
    pub fn is_decimal(self) -> bool {
        matches!(self, Self::Double | Self::Currency | Self::Percent)
    }

    /// Whether a field of the type has no value of its own but is made of others.
    #[must_use]
    pub fn is_compound(self) -> bool {
        matches!(self, Self::Address | Self::Location)
    }
}

/// One value of a picklist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PicklistValue {
    /// What is stored and what the API shows.
    pub value: Arc<str>,
    /// What people see.
    pub label: Arc<str>,
    /// Whether it can still be chosen.
    pub active: bool,
    /// Whether a new record has it where nothing else is said.
    pub default: bool,
    /// In a dependent picklist: the values of the controlling field that it goes with, `checked` and `unchecked` for a checkbox.
    pub valid_for: Vec<Arc<str>>,
}

impl PicklistValue {
    /// An active value whose label is the value itself.
    #[must_use]
    pub fn new(value: &str) -> Self {
        let value: Arc<str> = value.into();
        Self { label: value.clone(), value, active: true, default: false, valid_for: Vec::new() }
    }
}

/// One record type of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordType {
    /// The id of its row in `RecordType`.
    pub id: RecordId,
    /// What people see.
    pub name: String,
    /// Its name in the API.
    pub developer_name: String,
    /// Whether records may have it.
    pub active: bool,
}

/// One field. [`FieldDef::new`] gives what is usual for its type; what differs is set on it.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "most names are keys of a describe and mean the same")]
pub struct FieldDef {
    pub name: String,
    pub label: String,
    pub ty: Type,
    pub length: u32,
    /// Differs from three times `length` for a few fields.
    pub byte_length: u32,
    pub precision: u32,
    pub scale: u32,
    pub digits: u32,
    pub nillable: bool,
    pub createable: bool,
    pub updateable: bool,
    pub permissionable: bool,
    pub filterable: bool,
    pub sortable: bool,
    pub groupable: bool,
    pub aggregatable: bool,
    pub unique: bool,
    pub external_id: bool,
    pub id_lookup: bool,
    pub calculated: bool,
    pub calculated_formula: Option<String>,
    /// A describe's `formulaTreatNullNumberAsZero`.
    pub blank_as_zero: bool,
    pub custom: bool,
    pub defaulted_on_create: bool,
    /// The pattern of an auto-number, as `OI-{000000}`.
    pub auto_number_format: Option<String>,
    pub auto_number: bool,
    /// The number that the first record gets.
    pub starting_number: u64,
    pub restricted_picklist: bool,
    pub dependent_picklist: bool,
    pub controller_name: Option<String>,
    pub case_sensitive: bool,
    pub encrypted: bool,
    pub html_formatted: bool,
    pub name_field: bool,
    pub extra_type_info: Option<String>,
    /// What the org makes of the details of a record.
    pub rollup: Option<Rollup>,
    /// The compound field that this one is a part of. `Account.Name` names itself.
    pub compound: Option<String>,
    pub reference_to: Vec<String>,
    pub relationship_name: Option<String>,
    /// Set for master-detail fields: 0 for the first, 1 for the second.
    pub relationship_order: Option<u32>,
    /// The name by which the parent's children are reached.
    pub child_relationship_name: Option<String>,
    pub cascade_delete: bool,
    pub restricted_delete: bool,
    pub write_requires_master_read: bool,
    pub search_prefilterable: bool,
    pub display_location_in_decimal: bool,
    pub inline_help_text: Option<String>,
    pub mask: Option<String>,
    pub mask_type: Option<String>,
    pub picklist: Vec<PicklistValue>,
    /// What a new record has where nothing else is said; a describe's `defaultValue`.
    pub default: Option<Value>,
    /// A describe's `defaultValueFormula`.
    pub default_formula: Option<String>,
}

impl FieldDef {
    /// A field with what is usual for its type: nillable, readable and writeable, not custom.
    #[must_use]
    pub fn new(name: &str, label: &str, ty: Type) -> Self {
        let number = ty.is_decimal();
        let compound = ty.is_compound();
        let boolean = ty == Type::Boolean;
        let opaque = ty == Type::Base64;
        let mut field = Self {
            name: name.to_owned(),
            label: label.to_owned(),
            ty,
            length: 0,
            byte_length: 0,
            precision: 0,
            scale: 0,
            digits: if ty == Type::Int { 8 } else { 0 },
            nillable: !boolean && ty != Type::Id,
            createable: !compound && ty != Type::Id,
            updateable: !compound && ty != Type::Id,
            permissionable: ty != Type::Id,
            filterable: !opaque,
            sortable: !compound && !opaque && ty != Type::MultiPicklist,
            groupable: !(number
                || compound
                || opaque
                || matches!(ty, Type::DateTime | Type::MultiPicklist | Type::Time)),
            // [SOQL and SOSL Reference, "Support for Field Types in Aggregate Functions"]
            aggregatable: !(compound || boolean || opaque || ty == Type::Time),
            unique: false,
            external_id: false,
            id_lookup: ty == Type::Id,
            calculated: false,
            calculated_formula: None,
            blank_as_zero: false,
            custom: false,
            defaulted_on_create: boolean || ty == Type::Id,
            auto_number_format: None,
            auto_number: false,
            starting_number: 1,
            restricted_picklist: false,
            dependent_picklist: false,
            controller_name: None,
            case_sensitive: false,
            encrypted: ty == Type::EncryptedString,
            html_formatted: false,
            name_field: false,
            extra_type_info: (ty == Type::TextArea).then(|| "plaintextarea".to_owned()),
            rollup: None,
            compound: None,
            reference_to: Vec::new(),
            relationship_name: None,
            relationship_order: None,
            child_relationship_name: None,
            cascade_delete: false,
            restricted_delete: false,
            write_requires_master_read: false,
            search_prefilterable: false,
            display_location_in_decimal: false,
            inline_help_text: None,
            mask: None,
            mask_type: None,
            picklist: Vec::new(),
            default: boolean.then_some(Value::Bool(false)),
            default_formula: None,
        };
        match ty {
            Type::Id | Type::Reference => field.set_length(18),
            Type::Url => field.set_length(255),
            Type::Email => field.set_length(80),
            Type::Phone => field.set_length(40),
            Type::Picklist => field.set_length(255),
            Type::MultiPicklist => field.set_length(4099),
            _ => {}
        }
        field
    }

    /// Sets `length` and what follows from it.
    pub fn set_length(&mut self, length: u32) {
        self.length = length;
        self.byte_length = match self.ty {
            Type::Id | Type::Reference | Type::MultiPicklist => length,
            _ => length.saturating_mul(3),
        };
        if self.ty == Type::TextArea && length > 255 {
            self.filterable = false;
            self.sortable = false;
            self.groupable = false;
            self.aggregatable = false;
        }
    }

    /// Whether the org composes the value out of other fields and stores none: addresses, locations, names of people.
    #[must_use]
    pub fn is_compound(&self) -> bool {
        self.ty.is_compound()
    }

    /// What is shown of an encrypted value [Salesforce Help, "Classic Encryption for Custom Fields", "Mask Types"].
    #[must_use]
    pub fn masked(&self, text: &str) -> String {
        let mask = self.mask.as_deref().and_then(|mask| mask.chars().next()).unwrap_or('*');
        let clear = match self.mask_type.as_deref() {
            Some("creditCard" | "lastFour" | "sin" | "ssn") => 4,
            _ => 0,
        };
        let breaks: &[usize] = match self.mask_type.as_deref() {
            Some("creditCard") => &[4, 8, 12],
            Some("sin") => &[3, 6],
            Some("ssn") => &[3, 5],
            _ => &[],
        };
        let count = text.chars().count();
        let mut shown = String::with_capacity(text.len() + breaks.len());
        for (at, c) in text.chars().enumerate() {
            if breaks.contains(&at) {
                shown.push('-');
            }
            shown.push(if at + clear < count { mask } else { c });
        }
        shown
    }

    /// Whether the field can point to several objects.
    #[must_use]
    pub fn is_polymorphic(&self) -> bool {
        self.reference_to.len() > 1
    }

    /// The default that a new record gets and that a describe shows.
    #[must_use]
    pub fn default_value(&self) -> Option<Value> {
        self.default.clone().or_else(|| {
            let default = self.picklist.iter().find(|p| p.default && self.ty == Type::Picklist)?;
            Some(Value::Text(default.value.clone()))
        })
    }
}

/// One object. [`ObjectDef::new`] gives what is usual; what differs is set on it.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "most names are keys of a describe and mean the same")]
pub struct ObjectDef {
    pub name: String,
    pub label: String,
    pub label_plural: String,
    pub key_prefix: KeyPrefix,
    pub custom: bool,
    pub custom_setting: bool,
    pub activateable: bool,
    pub compact_layoutable: bool,
    pub createable: bool,
    pub deep_cloneable: bool,
    pub deletable: bool,
    pub feed_enabled: bool,
    pub layoutable: bool,
    pub mergeable: bool,
    pub mru_enabled: bool,
    pub queryable: bool,
    pub replicateable: bool,
    pub retrieveable: bool,
    pub search_layoutable: bool,
    pub searchable: bool,
    pub triggerable: bool,
    pub undeletable: bool,
    pub updateable: bool,
    /// Name and label, as `("everything", "All accounts")`.
    pub supported_scopes: Vec<(String, String)>,
    /// A platform event: it can be published, not queried.
    pub event: bool,
    /// A platform event of the older kind, which has an allowance of its own.
    pub standard_volume: bool,
    /// Those that the project defines, without the master.
    pub record_types: Vec<RecordType>,
    /// Milliseconds since the epoch: `Last-Modified` of the describe.
    pub last_modified_ms: i64,
    fields: Vec<FieldDef>,
    index: HashMap<String, usize>,
    system: System,
}

/// Where the fields stand that the store itself keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct System {
    pub(crate) id: Option<usize>,
    pub(crate) is_deleted: Option<usize>,
    pub(crate) created_date: Option<usize>,
    pub(crate) created_by: Option<usize>,
    pub(crate) modified_date: Option<usize>,
    pub(crate) modified_by: Option<usize>,
    pub(crate) modstamp: Option<usize>,
    pub(crate) owner: Option<usize>,
    /// A name made of `FirstName` and `LastName`.
    pub(crate) composed_name: Option<usize>,
}

impl ObjectDef {
    /// An object that can be read, written, searched and deleted, and has no fields yet.
    #[must_use]
    pub fn new(name: &str, label: &str, label_plural: &str, key_prefix: KeyPrefix) -> Self {
        Self {
            name: name.to_owned(),
            label: label.to_owned(),
            label_plural: label_plural.to_owned(),
            key_prefix,
            custom: false,
            custom_setting: false,
            activateable: false,
            compact_layoutable: true,
            createable: true,
            deep_cloneable: false,
            deletable: true,
            feed_enabled: false,
            layoutable: true,
            mergeable: false,
            mru_enabled: true,
            queryable: true,
            replicateable: true,
            retrieveable: true,
            search_layoutable: true,
            searchable: true,
            triggerable: true,
            undeletable: true,
            updateable: true,
            supported_scopes: Vec::new(),
            event: false,
            standard_volume: false,
            record_types: Vec::new(),
            last_modified_ms: 0,
            fields: Vec::new(),
            index: HashMap::new(),
            system: System::default(),
        }
    }

    /// The fields, in the order of the describe. A field's place never changes once rows exist.
    #[must_use]
    pub fn fields(&self) -> &[FieldDef] {
        &self.fields
    }

    /// A field and its place, by name in any case.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<(usize, &FieldDef)> {
        let at = match self.index.get(name) {
            Some(at) => *at,
            None => *self.index.get(&name.to_ascii_lowercase())?,
        };
        Some((at, self.fields.get(at)?))
    }

    /// The reference field that a dotted path goes through by this name, in any case: `Owner`, `Product_Family__r`.
    #[must_use]
    pub fn relationship(&self, name: &str) -> Option<(usize, &FieldDef)> {
        self.fields.iter().enumerate().find(|(_, f)| {
            !f.reference_to.is_empty()
                && f.relationship_name.as_deref().is_some_and(|r| r.eq_ignore_ascii_case(name))
        })
    }

    /// The field that names a record: `Name`, `CaseNumber`.
    #[must_use]
    pub fn name_field(&self) -> Option<(usize, &FieldDef)> {
        self.fields.iter().enumerate().find(|(_, f)| f.name_field)
    }

    /// Adds a field at the end; one of the same name is replaced where it stands.
    pub fn add_field(&mut self, field: FieldDef) {
        let key = field.name.to_ascii_lowercase();
        match self.index.get(&key) {
            Some(at) => self.fields[*at] = field,
            None => {
                self.index.insert(field.name.clone(), self.fields.len());
                self.index.insert(key, self.fields.len());
                self.fields.push(field);
            }
        }
        self.system = self.find_system();
    }

    /// Changes a field in place; false when there is none of that name. Its name must stay.
    pub fn edit_field(&mut self, name: &str, edit: impl FnOnce(&mut FieldDef)) -> bool {
        let Some((at, _)) = self.field(name) else { return false };
        edit(&mut self.fields[at]);
        self.system = self.find_system();
        true
    }

    pub(crate) fn system(&self) -> System {
        self.system
    }

    fn find_system(&self) -> System {
        let at = |name: &str| self.field(name).map(|(at, _)| at);
        let parts = at("FirstName").is_some() && at("LastName").is_some();
        System {
            id: at("Id"),
            is_deleted: at("IsDeleted"),
            created_date: at("CreatedDate"),
            created_by: at("CreatedById"),
            modified_date: at("LastModifiedDate"),
            modified_by: at("LastModifiedById"),
            modstamp: at("SystemModstamp"),
            owner: at("OwnerId"),
            composed_name: self.field("Name").filter(|(_, f)| parts && !f.createable).map(|(at, _)| at),
        }
    }
}

/// All objects of the org.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    objects: IndexMap<String, Arc<ObjectDef>>,
}

impl Catalog {
    /// A catalog without objects.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An object, by name in any case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<ObjectDef>> {
        self.objects.get(&name.to_ascii_lowercase())
    }

    /// The object whose ids begin with this prefix.
    #[must_use]
    pub fn by_key_prefix(&self, prefix: &str) -> Option<&Arc<ObjectDef>> {
        self.objects.values().find(|o| o.key_prefix.as_str() == prefix)
    }

    /// The object that the children of a relationship are of, and its field that points to the parent; names in any case.
    #[must_use]
    pub fn child(&self, parent: &str, relationship: &str) -> Option<(&Arc<ObjectDef>, &FieldDef)> {
        let fits = |field: &&FieldDef| {
            let name = field.child_relationship_name.as_deref();
            name.is_some_and(|name| name.eq_ignore_ascii_case(relationship))
                && field.reference_to.iter().any(|object| object.eq_ignore_ascii_case(parent))
        };
        self.iter().find_map(|child| Some((child, child.fields().iter().find(fits)?)))
    }

    /// Every object, in the order in which they were defined.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<ObjectDef>> {
        self.objects.values()
    }

    /// How many objects there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Adds an object or puts it in the place of the one of the same name.
    pub(crate) fn put(&mut self, object: ObjectDef) {
        self.objects.insert(object.name.to_ascii_lowercase(), Arc::new(object));
    }

    /// When the youngest change to any object was made, in milliseconds since the epoch.
    #[must_use]
    pub fn last_modified_ms(&self) -> i64 {
        self.objects.values().map(|o| o.last_modified_ms).max().unwrap_or(0)
    }
}
