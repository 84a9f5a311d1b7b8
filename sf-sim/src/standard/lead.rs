//! The fields of Lead.

pub(super) const FIELDS: &str = "
Id | Lead ID | id | d
IsDeleted | Deleted | boolean | d
MasterRecordId | Master Record ID | reference(Lead) | n
LastName | Last Name | string(80) | cu | part=Name info=personname
FirstName | First Name | string(40) | cun | part=Name info=personname
Salutation | Salutation | picklist(40) | cun | part=Name info=personname | Mr.; Ms.; Mrs.; Dr.; Prof.; Mx.
Name | Full Name | string(121) | | info=personname name
Title | Title | string(128) | cunp
Company | Company | string(255) | cu
@address
Phone | Phone | phone | cunp
MobilePhone | Mobile Phone | phone | cunp
Fax | Fax | phone | cunp
Email | Email | email | cunp | idlookup
Website | Website | url | cunp
PhotoUrl | Photo URL | url | n | info=imageurl
Description | Description | textarea(32000) | cunp
LeadSource | Lead Source | picklist(255) | cunp | | @LeadSource
Status | Status | picklist(255) | cud | | *Open - Not Contacted; Working - Contacted; Closed - Converted; Closed - Not Converted
Industry | Industry | picklist(255) | cunp | | @Industry
Rating | Rating | picklist(255) | cunp | | @Rating
AnnualRevenue | Annual Revenue | currency(18,0) | cunp
NumberOfEmployees | Employees | int | cunp
OwnerId | Owner ID | reference(Group,User) | cud
IsConverted | Converted | boolean | cd
ConvertedDate | Converted Date | date | n
ConvertedAccountId | Converted Account ID | reference(Account) | n | prefilter
ConvertedContactId | Converted Contact ID | reference(Contact) | n | prefilter
ConvertedOpportunityId | Converted Opportunity ID | reference(Opportunity) | n | prefilter
IsUnreadByOwner | Unread By Owner | boolean | cud
@system
LastActivityDate | Last Activity | date | n
LastViewedDate | Last Viewed Date | datetime | n
LastReferencedDate | Last Referenced Date | datetime | n
Jigsaw | Data.com Key | string(20) | cunp
JigsawContactId | Jigsaw Contact ID | string(20) | n | rel=JigsawContact
CleanStatus | Clean Status | picklist(40) | cunp | restricted | @CleanStatus
CompanyDunsNumber | Company D-U-N-S Number | string(9) | cunp
DandbCompanyId | D&B Company ID | reference(DandBCompany) | cunp | prefilter
EmailBouncedReason | Email Bounced Reason | string(255) | un
EmailBouncedDate | Email Bounced Date | datetime | un
IndividualId | Individual ID | reference(Individual) | cun | prefilter
";
