"""Goods that come back, and what is offered instead."""

from django.utils.translation import gettext_lazy as _

from core.codes.code import Code

# fmt: off
PROBLEMS = (
    Code("no_such_return", 409, _("No goods are at that step"), _("No goods wait for this now; look again."),
         remedy=_("Read `goods_return` of the request.")),
    Code("goods_already_received", 409, _("The goods are there already"),
         _("Somebody has said already that the goods are there."), remedy=_("Read `goods_return` of the request.")),
    Code("unknown_way", 422, _("Not a way to bring goods back"), _("Choose how the goods come back."),
         remedy=_("`way` is `in_store` or `parcel`; left out, the customer chooses."), field="way"),
    Code("goods_due_invalid", 422, _("Not a day for the goods"), _("Choose a day within the next 60 days."),
         remedy=_("`due_at` is to come, and within 60 days; left out, it is as the policy has it."), field="due_at"),
    Code("parcel_invalid", 422, _("The parcel is not named"), _("Name the carrier and the number on the parcel."),
         remedy=_("`parcel_no` has 5 to 40 letters, digits and hyphens."), field="parcel_no"),
    Code("proposal_not_lower", 422, _("The proposed amount is not lower"),
         _("Propose less than was asked for, or leave it empty."),
         remedy=_("Send less than `amount_fen`, with the reason as `finding`, or neither."), field="proposed_fen"),
    Code("inspection_incomplete", 422, _("Pieces are left out"),
         _("Say of every piece that came back how it is and what becomes of it."),
         remedy=_("`found` has as many pieces as `goods_return.lines`; only `missing` has no `disposition`."),
         field="found"),
    Code("unknown_offer", 422, _("Not an offer"), _("Choose what is offered."),
         remedy=_("`kind` is `exchange` or `reship`."), field="kind"),
    Code("offer_stands", 409, _("An offer stands"), _("The customer has not answered the last offer yet."),
         remedy=_("Wait for the answer, or say it for the customer: `exchange-answer`.")),
    Code("no_such_offer", 409, _("Nothing is offered"), _("This offer is over; look again."),
         remedy=_("Read `exchange_offer` of the request.")),
    Code("new_order_required", 422, _("The new order is missing"), _("Name the new order."),
         remedy=_("Send `new_order_no`."), field="new_order_no"),
    Code("not_a_picture", 422, _("Not a picture"),
         _("One of the files is not a JPEG, PNG or WebP picture, nor a paper in a PDF that can be read. Nothing was sent."),
         _("JPEG, PNG and WebP are taken, and PDF for other kinds than `photo`, whatever the file is called."), field="file"),
    Code("picture_too_large", 422, _("The picture is too large"), _("One of the pictures is larger than 8 MB. Nothing was sent."),
         _("At most 8 MB and 52 million pixels; 25 million where it is no JPEG."), field="file"),
    Code("paper_too_long", 422, _("The PDF has too many pages"), _("A PDF may have 20 pages. Nothing was sent."),
         _("At most 20 pages."), field="file"),
    Code("file_not_kept", 503, _("The files cannot be kept now"),
         _("The files could not be kept just now. Nothing was sent: try again later."),
         _("Send the same call with the same key later: nothing was stored.")),
    Code("unknown_evidence", 422, _("No such file was sent ahead"),
         _("A file is not here any more, or another refund has it. Add it again."),
         _("Send it to `/evidence` and name the new id within 24 hours; each file belongs to one request."), field="evidence"),
    Code("evidence_missing", 422, _("Evidence is missing"),
         _("The policy asks for evidence that is not there. Add it, or say why it cannot be given: then a person decides."),
         _("`errors` names the kinds. Send them to `/evidence` and name their ids in `evidence`, or say why not in "
           "`without_evidence`."), field="evidence"),
)
