//! The fields of Organization.

pub(super) const FIELDS: &str = "
Id | Organization ID | id | d
Name | Name | string(80) | u | name
Division | Division | string(80) | un
@address
Phone | Phone | phone | un
Fax | Fax | phone | un
PrimaryContact | Primary Contact | string(80) | un
DefaultLocaleSidKey | Locale | picklist(40) | u | restricted | *en_US; en_GB; de_DE; fr_FR; es_ES; it_IT; ja_JP; pt_BR; zh_CN
TimeZoneSidKey | Time Zone | picklist(40) | u | restricted | *America/Los_Angeles; America/Denver; America/Chicago; America/New_York; GMT; Europe/London; Europe/Paris; Europe/Berlin; Asia/Kolkata; Asia/Singapore; Asia/Tokyo; Australia/Sydney
LanguageLocaleKey | Language | picklist(40) | u | restricted | *en_US=English; de=German; fr=French; es=Spanish; it=Italian; ja=Japanese; pt_BR=Portuguese (Brazil); zh_CN=Chinese (Simplified)
ReceivesInfoEmails | Info Emails | boolean | ud
ReceivesAdminInfoEmails | Info Emails Admin | boolean | ud
PreferencesRequireOpportunityProducts | RequireOpportunityProducts | boolean | d
PreferencesTransactionSecurityPolicy | TransactionSecurityPolicy | boolean | d
PreferencesTerminateOldestSession | TerminateOldestSession | boolean | d
PreferencesConsentManagementEnabled | ConsentManagementEnabled | boolean | d
PreferencesAutoSelectIndividualOnMerge | AutoSelectIndividualOnMerge | boolean | d
PreferencesLightningLoginEnabled | LightningLoginEnabled | boolean | d
PreferencesOnlyLLPermUserAllowed | OnlyLLPermUserAllowed | boolean | d
FiscalYearStartMonth | Fiscal Year Starts In | int | n
UsesStartDateAsFiscalYearName | Fiscal Year Name by Start | boolean | ud
DefaultAccountAccess | Default Account Access | picklist(40) | n | restricted | None; Read; *Edit; ControlledByLeadOrContact; ControlledByCampaign
DefaultContactAccess | Default Contact Access | picklist(40) | n | restricted | None; Read; Edit; *ControlledByParent
DefaultOpportunityAccess | Default Opportunity Access | picklist(40) | n | restricted | None; Read; *Edit
DefaultLeadAccess | Default Lead Access | picklist(40) | n | restricted | None; Read; Edit; *ReadEditTransfer
DefaultCaseAccess | Default Case Access | picklist(40) | n | restricted | None; Read; Edit; *ReadEditTransfer
DefaultCalendarAccess | Default Calendar Access | picklist(40) | n | restricted | HideDetails; *HideDetailsInsert; ShowDetails; ShowDetailsInsert; AllowEdits
DefaultPricebookAccess | Default Price Book Access | picklist(40) | n | restricted | None; Read; *ReadSelect
DefaultCampaignAccess | Default Campaign Access | picklist(40) | n | restricted | None; Read; Edit; *All
DelegatedAuthenticationServiceUrl | Delegated Authentication URL | url | n
SystemModstamp | System Modstamp | datetime | d
ComplianceBccEmail | Compliance BCC Email | email | un
UiSkin | UI Skin | picklist(40) | un | restricted | Theme1; Theme2; *Theme3; PortalDefault; Webstore; Theme4
SignupCountryIsoCode | Signup Country | string(2) | n
TrialExpirationDate | Trial Expiration Date | datetime | n
NumKnowledgeService | Knowledge Licenses | int | n
OrganizationType | Edition | picklist(40) | n | restricted | Team Edition; Professional Edition; Enterprise Edition; *Developer Edition; Unlimited Edition
NamespacePrefix | Namespace Prefix | string(15) | n
InstanceName | Instance Name | string(5) | n
IsSandbox | Is Sandbox | boolean | d
WebToCaseDefaultOrigin | Web to Cases Default Origin | string(40) | un
MonthlyPageViewsUsed | Monthly Page Views Used | int | n
MonthlyPageViewsEntitlement | Monthly Page Views Allowed | int | n
IsReadOnly | Is Read Only | boolean | d
CreatedDate | Created Date | datetime | d
CreatedById | Created By ID | reference(User) | d
LastModifiedDate | Last Modified Date | datetime | d
LastModifiedById | Last Modified By ID | reference(User) | d
";
