//! The fields of the objects that hold files: Attachment and ContentVersion.

pub(super) const ATTACHMENT: &str = "
Id | Attachment ID | id | d
IsDeleted | Deleted | boolean | d
ParentId | Parent ID | reference(Account,Case,Contact,Lead,Opportunity,Product2) | cu | children=Attachments cascade
Name | File Name | string(255) | cu | name
IsPrivate | Private | boolean | cud
ContentType | Content Type | string(120) | cun
BodyLength | Body Length | int | n
Body | Body | base64 | cu
OwnerId | Owner ID | reference(User) | cud
@system
Description | Description | string(500) | cun
";

pub(super) const CONTENT_VERSION: &str = "
Id | ContentVersion ID | id | d
IsDeleted | Is Deleted | boolean | d
Title | Title | string(255) | cund | name
Description | Description | textarea(1000) | cun
PathOnClient | Path On Client | string(500) | cn
ReasonForChange | Reason For Change | string(1000) | cun
FileExtension | File Extension | string(40) | n
FileType | File Type | string(20) | n
VersionData | Version Data | base64 | cun
ContentSize | Size | int | n
FirstPublishLocationId | First Publish Location ID | reference(Account,Case,Contact,Lead,Opportunity,Product2,User) | cn
OwnerId | Owner ID | reference(User) | cud
@system
";
