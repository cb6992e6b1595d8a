"""A list as somebody likes to see it."""

from django.db import models

from merchants.models.merchant import Merchant
from merchants.models.staff import Staff


class SavedView(models.Model):
    """``query`` narrows and sorts the list ``page``, as its address says it; days are relative, and nothing is searched for: a
    search names customers.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    staff = models.ForeignKey(Staff, on_delete=models.CASCADE, related_name="+", db_index=False)
    page = models.CharField(max_length=20)
    name = models.CharField(max_length=40)
    query = models.CharField(max_length=1000)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["staff", "page", "name"], name="saved_view_once")]

    def __str__(self) -> str:
        return self.name
