//! The objects that every org has: their fields, and what the org works out by itself.

mod account;
mod case;
mod contact;
mod derived;
mod files;
mod lead;
mod opportunity;
mod organization;
mod product2;
mod record_type;
pub(crate) mod table;
mod user;

pub(crate) use derived::derive;

use crate::id::KeyPrefix;
use crate::schema::ObjectDef;
use crate::store::{RowError, Store};
use crate::value::Value;

/// Defines the standard objects and adds the rows of the organization and of its user.
pub(crate) fn install(store: &mut Store) {
    for object in objects() {
        store.define(object);
    }
    if let Err(error) = first_rows(store) {
        // The values are ours: this is a slip in a table, which the tests show.
        tracing::error!(%error, "the organization's own rows were refused");
    }
}

fn objects() -> Vec<ObjectDef> {
    let object = |name: &str, plural: &str, prefix: &str, fields: &str| {
        let mut def = ObjectDef::new(name, name, plural, KeyPrefix::of(prefix));
        def.feed_enabled = true;
        table::fields(fields).into_iter().for_each(|field| def.add_field(field));
        def
    };
    let mut organization = object("Organization", "Organizations", "00D", organization::FIELDS);
    restrict_organization(&mut organization);
    let mut user = object("User", "Users", "005", user::FIELDS);
    user.deletable = false;
    user.undeletable = false;
    let mut account = object("Account", "Accounts", "001", account::FIELDS);
    account.mergeable = true;
    account.supported_scopes =
        scopes(&["everything=All accounts", "mine=My accounts", "team=My team's accounts"]);
    let mut contact = object("Contact", "Contacts", "003", contact::FIELDS);
    contact.mergeable = true;
    contact.supported_scopes = scopes(&[
        "everything=All contacts",
        "mine=My contacts",
        "scopingRule=Filter by scope",
        "team=My team's contacts",
    ]);
    let mut lead = object("Lead", "Leads", "00Q", lead::FIELDS);
    lead.mergeable = true;
    lead.supported_scopes = scopes(&[
        "everything=All leads",
        "mine=My leads",
        "queue_owned=Queue owned leads",
        "scopingRule=Filter by scope",
        "team=My team's leads",
        "user_owned=User owned leads",
    ]);
    let mut case = object("Case", "Cases", "500", case::FIELDS);
    case.supported_scopes = scopes(&[
        "everything=All cases",
        "genericteam=My case teams cases",
        "mine=My cases",
        "queue_owned=Queue owned cases",
        "team_by_role=My role-based team's cases",
        "user_owned=User owned cases",
    ]);
    let mut opportunity = object("Opportunity", "Opportunities", "006", opportunity::FIELDS);
    opportunity.deep_cloneable = true;
    opportunity.supported_scopes = scopes(&[
        "everything=All opportunities",
        "mine=My opportunities",
        "scopingRule=Filter by scope",
        "team=My team's opportunities",
    ]);
    let mut product = object("Product2", "Products", "01t", product2::FIELDS);
    product.label = "Product".to_owned();
    let attachment = object("Attachment", "Attachments", "00P", files::ATTACHMENT);
    let mut content_version = object("ContentVersion", "Content Versions", "068", files::CONTENT_VERSION);
    content_version.deletable = false;
    content_version.undeletable = false;
    let mut record_type = object("RecordType", "Record Types", "012", record_type::FIELDS);
    record_type.label = "Record Type".to_owned();
    // They come from a project's metadata.
    (record_type.createable, record_type.updateable, record_type.deletable) = (false, false, false);
    (record_type.undeletable, record_type.feed_enabled, record_type.layoutable) = (false, false, false);
    (record_type.search_layoutable, record_type.compact_layoutable) = (false, false);
    (record_type.mru_enabled, record_type.searchable, record_type.triggerable) = (false, false, false);
    vec![
        organization,
        user,
        record_type,
        account,
        contact,
        lead,
        opportunity,
        case,
        product,
        attachment,
        content_version,
    ]
}

fn restrict_organization(def: &mut ObjectDef) {
    def.createable = false;
    def.deletable = false;
    def.undeletable = false;
    def.feed_enabled = false;
    def.layoutable = false;
    def.search_layoutable = false;
    def.compact_layoutable = false;
    def.mru_enabled = false;
    def.searchable = false;
    def.triggerable = false;
}

fn scopes(texts: &[&str]) -> Vec<(String, String)> {
    let pair = |text: &&str| text.split_once('=').map(|(name, label)| (name.to_owned(), label.to_owned()));
    texts.iter().filter_map(pair).collect()
}

fn first_rows(store: &mut Store) -> Result<(), RowError> {
    let user = store.running_user();
    let text = |name: &str, value: &str| (name.to_owned(), Value::text(value));
    let yes = |name: &str| (name.to_owned(), Value::Bool(true));
    store.place(
        "Organization",
        vec![
            text("Name", "Emulated Org"),
            text("Country", "US"),
            text("PrimaryContact", "Ada Emulator"),
            text("OrganizationType", "Developer Edition"),
            text("InstanceName", "SIM1"),
            text("WebToCaseDefaultOrigin", "Web"),
            text("SignupCountryIsoCode", "US"),
            ("FiscalYearStartMonth".to_owned(), Value::Int(1)),
            ("NumKnowledgeService".to_owned(), Value::Int(2)),
            ("MonthlyPageViewsUsed".to_owned(), Value::Int(0)),
            ("MonthlyPageViewsEntitlement".to_owned(), Value::Int(0)),
            yes("ReceivesAdminInfoEmails"),
            yes("PreferencesConsentManagementEnabled"),
            yes("PreferencesLightningLoginEnabled"),
            yes("ReceivesInfoEmails"),
        ],
        user,
    )?;
    store.place(
        "User",
        vec![
            text("Username", "admin@emulated.example"),
            text("FirstName", "Ada"),
            text("LastName", "Emulator"),
            text("Email", "admin@emulated.example"),
            text("Alias", "aemul"),
            text("CommunityNickname", "admin"),
            text("ProfileId", "00e5i0000000001"),
            text("UserType", "Standard"),
            // Days begin at midnight in UTC, so that a test finds the same rows at every hour.
            text("TimeZoneSidKey", "GMT"),
            yes("IsActive"),
        ],
        user,
    )?;
    Ok(())
}

#[cfg(test)]
mod tests;
