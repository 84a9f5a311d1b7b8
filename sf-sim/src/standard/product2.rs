//! The fields of Product2.

pub(super) const FIELDS: &str = "
Id | Product ID | id | d
Name | Product Name | string(255) | cu | name idlookup
ProductCode | Product Code | string(255) | cunp
Description | Product Description | textarea(4000) | cunp
IsActive | Active | boolean | cudp
@system
Family | Product Family | picklist(255) | cunp | | None
ExternalDataSourceId | External Data Source ID | reference(ExternalDataSource) | cunp | prefilter
ExternalId | External ID | string(255) | cunp
DisplayUrl | Display URL | url(1000) | cunp
QuantityUnitOfMeasure | Quantity Unit Of Measure | picklist(255) | cunp | restricted | Each
IsDeleted | Deleted | boolean | d
IsArchived | Archived | boolean | d
LastViewedDate | Last Viewed Date | datetime | n
LastReferencedDate | Last Referenced Date | datetime | n
StockKeepingUnit | Product SKU | string(180) | cunp | idlookup
";
