"""The records of reconciliation."""

from reconciliation.models.bill import Bill, BillLine, ReconciliationDay
from reconciliation.models.difference import Difference
from reconciliation.models.fund_line import FundLine, FundStatement

__all__ = ["Bill", "BillLine", "Difference", "FundLine", "FundStatement", "ReconciliationDay"]
