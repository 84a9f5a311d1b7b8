//! The fields of Contact.

pub(super) const FIELDS: &str = "
Id | Contact ID | id | d
IsDeleted | Deleted | boolean | d
MasterRecordId | Master Record ID | reference(Contact) | n
AccountId | Account ID | reference(Account) | cunp | prefilter children=Contacts cascade
LastName | Last Name | string(80) | cu | part=Name info=personname
FirstName | First Name | string(40) | cun | part=Name info=personname
Salutation | Salutation | picklist(40) | cun | part=Name info=personname | Mr.; Ms.; Mrs.; Dr.; Prof.
Name | Full Name | string(121) | | info=personname name
@address Other
@address Mailing
Phone | Business Phone | phone | cunp
Fax | Business Fax | phone | cunp
MobilePhone | Mobile Phone | phone | cunp
HomePhone | Home Phone | phone | cunp
OtherPhone | Other Phone | phone | cunp
AssistantPhone | Asst. Phone | phone | cunp
ReportsToId | Reports To ID | reference(Contact) | cunp | prefilter
Email | Email | email | cunp | idlookup
Title | Title | string(128) | cunp
Department | Department | string(80) | cunp
AssistantName | Assistant's Name | string(40) | cunp
LeadSource | Lead Source | picklist(255) | cunp | | @LeadSource
Birthdate | Birthdate | date | cunp
Description | Contact Description | textarea(32000) | cunp
OwnerId | Owner ID | reference(User) | cud
@system
LastActivityDate | Last Activity | date | n
LastCURequestDate | Last Stay-in-Touch Request Date | datetime | n
LastCUUpdateDate | Last Stay-in-Touch Save Date | datetime | n
LastViewedDate | Last Viewed Date | datetime | n
LastReferencedDate | Last Referenced Date | datetime | n
EmailBouncedReason | Email Bounced Reason | string(255) | cun
EmailBouncedDate | Email Bounced Date | datetime | cun
IsEmailBounced | Is Email Bounced | boolean | d
PhotoUrl | Photo URL | url | n | info=imageurl
Jigsaw | Data.com Key | string(20) | cunp
JigsawContactId | Jigsaw Contact ID | string(20) | n | rel=JigsawContact
CleanStatus | Clean Status | picklist(40) | cunp | restricted | @CleanStatus
IndividualId | Individual ID | reference(Individual) | cun | prefilter
";
