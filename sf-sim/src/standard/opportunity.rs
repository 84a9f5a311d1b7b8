//! The fields of Opportunity.

pub(super) const FIELDS: &str = "
Id | Opportunity ID | id | d
IsDeleted | Deleted | boolean | d
AccountId | Account ID | reference(Account) | cunp | prefilter children=Opportunities cascade
IsPrivate | Private | boolean | cudp
Name | Name | string(120) | cu | name idlookup
Description | Description | textarea(32000) | cunp
StageName | Stage | picklist(255) | cu | | Prospecting; Qualification; Needs Analysis; Value Proposition; Id. Decision Makers; Perception Analysis; Proposal/Price Quote; Negotiation/Review; Closed Won; Closed Lost
Amount | Amount | currency(18,2) | cunp
Probability | Probability (%) | percent(3,0) | cundp
ExpectedRevenue | Expected Amount | currency(18,2) | np
TotalOpportunityQuantity | Quantity | double(18,2) | cunp
CloseDate | Close Date | date | cu
Type | Opportunity Type | picklist(255) | cunp | | Existing Customer - Upgrade; Existing Customer - Replacement; Existing Customer - Downgrade; New Customer
NextStep | Next Step | string(255) | cunp
LeadSource | Lead Source | picklist(255) | cunp | | @LeadSource
IsClosed | Closed | boolean | d
IsWon | Won | boolean | d
ForecastCategory | Forecast Category | picklist(40) | | restricted | Omitted; Pipeline; BestCase=Best Case; MostLikely=Most Likely; Forecast=Commit; Closed
ForecastCategoryName | Forecast Category | picklist(255) | cund | restricted | Omitted; Pipeline; Best Case; Commit; Closed
CampaignId | Campaign ID | reference(Campaign) | cunp | prefilter
HasOpportunityLineItem | Has Line Item | boolean | d
Pricebook2Id | Price Book ID | reference(Pricebook2) | cund | prefilter
OwnerId | Owner ID | reference(User) | cud
@system
LastActivityDate | Last Activity | date | n
LastStageChangeDate | Last Stage Change Date | datetime | n
FiscalQuarter | Fiscal Quarter | int | n | part=Fiscal
FiscalYear | Fiscal Year | int | n | part=Fiscal
Fiscal | Fiscal Period | string(6) | n | bytes=6
ContactId | Contact ID | reference(Contact) | cn | rel= children=Opportunities
LastViewedDate | Last Viewed Date | datetime | n
LastReferencedDate | Last Referenced Date | datetime | n
HasOpenActivity | Has Open Activity | boolean | d | -filterable -sortable
HasOverdueTask | Has Overdue Task | boolean | d | -filterable -sortable
LastAmountChangedHistoryId | Opportunity History ID | reference(OpportunityHistory) | n | prefilter
LastCloseDateChangedHistoryId | Opportunity History ID | reference(OpportunityHistory) | n | prefilter
";
