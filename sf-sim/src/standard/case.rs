//! The fields of Case.

pub(super) const FIELDS: &str = "
Id | Case ID | id | d
IsDeleted | Deleted | boolean | d
MasterRecordId | Master Record ID | reference(Case) | n
CaseNumber | Case Number | string(30) | d | -groupable name idlookup number={00000000}
ContactId | Contact ID | reference(Contact) | cunp | prefilter children=Cases restrict
AccountId | Account ID | reference(Account) | cunp | prefilter children=Cases restrict
AssetId | Asset ID | reference(Asset) | cunp | prefilter
ParentId | Parent Case ID | reference(Case) | cunp | prefilter children=Cases
SuppliedName | Name | string(80) | cunp
SuppliedEmail | Email Address | email | cunp
SuppliedPhone | Phone | string(40) | cunp
SuppliedCompany | Company | string(80) | cunp
Type | Case Type | picklist(40) | cunp | | Mechanical; Electrical; Electronic; Structural; Other
Status | Status | picklist(40) | cund | | *New; Working; Escalated; Closed
Reason | Case Reason | picklist(40) | cunp | | Installation; Equipment Complexity; Performance; Breakdown; Equipment Design; Feedback; Other
Origin | Case Origin | picklist(40) | cunp | | Phone; Email; Web
Subject | Subject | string(255) | cunp
Priority | Priority | picklist(40) | cundp | | High; *Medium; Low
Description | Description | textarea(32000) | cunp
IsClosed | Closed | boolean | d
ClosedDate | Closed Date | datetime | np
IsEscalated | Escalated | boolean | cudp
OwnerId | Owner ID | reference(Group,User) | cud
@system
ContactPhone | Contact Phone | phone | n
ContactMobile | Contact Mobile | phone | n
ContactEmail | Contact Email | email | n
ContactFax | Contact Fax | phone | n
Comments | Internal Comments | textarea(4000) | cun | +sortable +aggregatable bytes=4000
LastViewedDate | Last Viewed Date | datetime | n
LastReferencedDate | Last Referenced Date | datetime | n
";
