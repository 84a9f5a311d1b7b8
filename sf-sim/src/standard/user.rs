//! The fields of User.

pub(super) const FIELDS: &str = "
Id | User ID | id | d
Username | Username | string(80) | cu | idlookup unique
LastName | Last Name | string(80) | cu | part=Name info=personname
FirstName | First Name | string(40) | cun | part=Name info=personname
Name | Full Name | string(121) | | info=personname name
CompanyName | Company Name | string(80) | cunp
Division | Division | string(80) | cunp
Department | Department | string(80) | cunp
Title | Title | string(80) | cunp
@address
Email | Email | email(128) | cu | idlookup
EmailPreferencesAutoBcc | AutoBcc | boolean | cud
EmailPreferencesStayInTouchReminder | StayInTouchReminder | boolean | cud
SenderEmail | Email Sender Address | email | cunp
SenderName | Email Sender Name | string(80) | cunp
Signature | Email Signature | textarea(1333) | cunp
Phone | Phone | phone | cunp
Fax | Fax | phone | cunp
MobilePhone | Mobile | phone | cunp
Alias | Alias | string(8) | cu
CommunityNickname | Nickname | string(40) | cud | idlookup
IsActive | Active | boolean | cud
TimeZoneSidKey | Time Zone | picklist(40) | cud | restricted | *America/Los_Angeles; America/Denver; America/Chicago; America/New_York; GMT; Europe/London; Europe/Paris; Europe/Berlin; Asia/Kolkata; Asia/Singapore; Asia/Tokyo; Australia/Sydney
UserRoleId | Role ID | reference(UserRole) | cun
LocaleSidKey | Locale | picklist(40) | cud | restricted | *en_US; en_GB; de_DE; fr_FR; es_ES; it_IT; ja_JP; pt_BR; zh_CN
ReceivesInfoEmails | Info Emails | boolean | cud
ReceivesAdminInfoEmails | Admin Info Emails | boolean | cud
EmailEncodingKey | Email Encoding | picklist(40) | cud | restricted | *UTF-8=Unicode (UTF-8); ISO-8859-1=General US & Western Europe (ISO-8859-1, ISO-LATIN-1); Shift_JIS=Japanese (Shift-JIS); ISO-2022-JP=Japanese (JIS); EUC-JP=Japanese (EUC)
ProfileId | Profile ID | reference(Profile) | cu
UserType | User Type | picklist(40) | n | restricted | *Standard; PowerPartner=Partner; PowerCustomerSuccess=Customer Portal Manager; CustomerSuccess=Customer Portal User; Guest; CsnOnly=Chatter Free
LanguageLocaleKey | Language | picklist(40) | cud | restricted | *en_US=English; de=German; fr=French; es=Spanish; it=Italian; ja=Japanese; pt_BR=Portuguese (Brazil); zh_CN=Chinese (Simplified)
EmployeeNumber | Employee Number | string(20) | cunp
DelegatedApproverId | Delegated Approver ID | reference(Group,User) | cunp | rel=
ManagerId | Manager ID | reference(User) | cunp | prefilter children=ManagedUsers
LastLoginDate | Last Login | datetime | n
LastPasswordChangeDate | Last Password Change or Reset | datetime | n
@system
OfflineTrialExpirationDate | Offline Edition Trial Expiration Date | datetime | n
UserPermissionsMarketingUser | Marketing User | boolean | cud
UserPermissionsOfflineUser | Offline User | boolean | cud
UserPermissionsInteractionUser | Flow User | boolean | cud
UserPermissionsSupportUser | Service Cloud User | boolean | cud
ForecastEnabled | Allow Forecasting | boolean | cud
UserPreferencesActivityRemindersPopup | ActivityRemindersPopup | boolean | cud
UserPreferencesEventRemindersCheckboxDefault | EventRemindersCheckboxDefault | boolean | cud
UserPreferencesTaskRemindersCheckboxDefault | TaskRemindersCheckboxDefault | boolean | cud
UserPreferencesLightningExperiencePreferred | LightningExperiencePreferred | boolean | cud
ContactId | Contact ID | reference(Contact) | cn | prefilter children=Users restrict
AccountId | Account ID | reference(Account) | n | prefilter children=Users
CallCenterId | Call Center ID | reference(CallCenter) | cun | rel=
Extension | Extension | phone | cunp
FederationIdentifier | SAML Federation ID | string(512) | cun | unique casesensitive idlookup
AboutMe | About Me | textarea(1000) | cunp
FullPhotoUrl | Url for full-sized photo | url(1024) | n | info=imageurl
SmallPhotoUrl | Photo | url(1024) | n | info=imageurl
DigestFrequency | Chatter Email Highlights Frequency | picklist(40) | cud | restricted | *D=Daily; W=Weekly; N=Never
DefaultGroupNotificationFrequency | Default Notification Frequency when Joining Groups | picklist(40) | cud | restricted | P=Email on each post; D=Daily digests; W=Weekly digests; *N=Never
LastViewedDate | Last Viewed Date | datetime | n
LastReferencedDate | Last Referenced Date | datetime | n
BannerPhotoUrl | Url for banner photo | url(1024) | n | info=imageurl
IsProfilePhotoActive | Has Profile Photo | boolean | d
";
