//! The fields of RecordType [Object Reference, "RecordType"].

pub(super) const FIELDS: &str = "
Id | Record Type ID | id | d
Name | Name | string(80) | cu | name idlookup
DeveloperName | Record Type Name | string(80) | cu
NamespacePrefix | Namespace Prefix | string(15) | n
Description | Description | string(255) | cun
BusinessProcessId | Business Process ID | reference(BusinessProcess) | cun
SobjectType | SObject Type Name | picklist(40) | c | restricted | Account; Case; Contact; Lead; Opportunity; Product2
IsActive | Active | boolean | cud
@system
";
