"""Batches, imports, and the tables that people bring."""

from django.utils.translation import gettext_lazy as _

from core.codes.code import Code

# fmt: off
PROBLEMS = (
    Code("batch_size", 422, _("A batch has 1 to 10,000 rows"), _("A batch has 1 to 10,000 rows. Nothing was stored."),
         remedy=_("Send several batches. Nothing was stored."), field="rows"),
    Code("import_columns", 422, _("What the columns are is not clear"),
         _("Say for each field that every row needs which column it is, or what it is in all rows."),
         remedy=_("`errors` names the fields. Nothing was stored."), field="columns"),
    Code("import_size", 422, _("A file has 1 to 10,000 refunds, or 1 to 50,000 sales"),
         _("A file has 1 to 10,000 refunds, or 1 to 50,000 sales. Divide it."), remedy=_("Send several files."),
         field="file"),
    Code("table_unreadable", 422, _("The file cannot be read"),
         _("This is no table that we can read: bring CSV, or a workbook (.xlsx, .xls, .ods)."),
         remedy=_("Send CSV or a workbook."), field="file"),
    Code("table_empty", 422, _("The file is empty"), _("The file has no rows."), remedy=_("Send a file with rows."),
         field="file"),
    Code("table_too_large", 422, _("The file is too large"), _("A file has at most 20 MB. Divide it."),
         remedy=_("Send several files."), field="file"),
    Code("table_too_long", 422, _("The file has too many lines"), _("A file has at most 100,000 lines. Divide it."),
         remedy=_("Send several files."), field="file"),
    Code("table_no_header", 422, _("No line names the columns"),
         _("No line of the file names its columns. Put a line with their names above the rows."),
         remedy=_("Put a header above the rows."), field="file"),
    Code("table_encoding", 422, _("The file's characters cannot be read"),
         _("The file is neither UTF-8, UTF-16 nor GBK. Save it as UTF-8, or bring the workbook."),
         remedy=_("Send UTF-8."), field="file"),
    Code("table_web_page", 422, _("The file is a web page"),
         _("This is a web page, no table: download the file again while signed in."), remedy=_("Send CSV or a workbook."),
         field="file"),
    Code("table_password", 422, _("The workbook has a password"),
         _("The workbook is protected by a password. Save it without."), remedy=_("Send it without a password."),
         field="file"),
    Code("batch_has_bad_rows", 409, _("Some rows cannot be asked for"),
         _("Some rows cannot be asked for. Say that the others go on without them, or file the batch anew."),
         remedy=_("Read `rows?verdict=bad`; confirm with `skip_bad`, or cancel and send the batch mended.")),
    Code("batch_state", 409, _("The batch is not in a state that allows this"),
         _("The batch has gone on meanwhile. Read it again."), remedy=_("`state` says which it is in.")),
)
# fmt: on
