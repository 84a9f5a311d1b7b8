//! The fields of Account.

pub(super) const FIELDS: &str = "
Id | Account ID | id | d
IsDeleted | Deleted | boolean | d
MasterRecordId | Master Record ID | reference(Account) | n
Name | Account Name | string(255) | cu | part=Name info=switchablepersonname name
Type | Account Type | picklist(40) | cunp | | Prospect; Customer - Direct; Customer - Channel; Channel Partner / Reseller; Installation Partner; Technology Partner; Other
RecordTypeId | Record Type ID | reference(RecordType) | cun
ParentId | Parent Account ID | reference(Account) | cunp | prefilter children=ChildAccounts
@address Billing
@address Shipping
Phone | Account Phone | phone | cunp
Fax | Account Fax | phone | cunp
AccountNumber | Account Number | string(40) | cunp
Website | Website | url | cunp
PhotoUrl | Photo URL | url | n | info=imageurl
Sic | SIC Code | string(20) | cunp
Industry | Industry | picklist(40) | cunp | | @Industry
AnnualRevenue | Annual Revenue | currency(18,0) | cunp
NumberOfEmployees | Employees | int | cunp
Ownership | Ownership | picklist(40) | cunp | | Public; Private; Subsidiary; Other
TickerSymbol | Ticker Symbol | string(20) | cunp
Description | Account Description | textarea(32000) | cunp
Rating | Account Rating | picklist(40) | cunp | | @Rating
Site | Account Site | string(80) | cunp
OwnerId | Owner ID | reference(User) | cud
@system
LastActivityDate | Last Activity | date | n
LastViewedDate | Last Viewed Date | datetime | n
LastReferencedDate | Last Referenced Date | datetime | n
IsPartner | Partner Account | boolean | ud
IsCustomerPortal | Customer Portal Account | boolean | ud
ChannelProgramName | Channel Program Name | string(255) | n | -filterable -sortable
ChannelProgramLevelName | Channel Program Level Name | string(255) | n | -filterable -sortable
Jigsaw | Data.com Key | string(20) | cunp
JigsawCompanyId | Jigsaw Company ID | string(20) | n | rel=JigsawCompany
CleanStatus | Clean Status | picklist(40) | cunp | restricted | @CleanStatus
AccountSource | Account Source | picklist(40) | cunp | | @LeadSource
DunsNumber | D-U-N-S Number | string(9) | cunp
Tradestyle | Tradestyle | string(255) | cunp
NaicsCode | NAICS Code | string(8) | cunp
NaicsDesc | NAICS Description | string(120) | cunp
YearStarted | Year Started | string(4) | cunp
SicDesc | SIC Description | string(80) | cunp
DandbCompanyId | D&B Company ID | reference(DandBCompany) | cunp | prefilter
OperatingHoursId | Operating Hour ID | reference(OperatingHours) | cunp | prefilter
";
